"""A folder of synthetic patients: tables, their dictionary and figures, all of them or none.

``cohort.json`` says what the folder holds. Files of other patients are never replaced.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simtrial.core.errors import DesignError
from simtrial.core.provenance import canonical_json
from simtrial.operating.cohorts import slice_of
from simtrial.planning.power import Progress
from simtrial.report.cohort_summary import summary_of
from simtrial.report.columns import HIDDEN, OBSERVED, dictionary
from simtrial.report.happenings import EVENTS
from simtrial.report.patients import Source, table_of
from simtrial.report.swimmer import swimmer
from simtrial.report.trajectories import trajectories

FORMATS = ("parquet", "csv")
MANIFEST = "cohort.json"
_GROUP_PATIENTS = 50_000  # written at a time; part of the file's bytes, so a constant


def check_folder(folder: Path, wanted: dict[str, Any]) -> None:
    """Refuse a folder that holds other patients than ``wanted`` names.

    Raises
    ------
    DesignError
    """
    manifest = folder / MANIFEST
    if not manifest.exists():
        strangers = [
            path
            for table in (*OBSERVED, *HIDDEN)
            for kind in FORMATS
            if (path := folder / f"{table}.{kind}").exists()
        ]
        if strangers:
            raise DesignError(
                f"{strangers[0]} is there, without the {MANIFEST} that would tell whose patients "
                "it holds; choose another --out, such as --out results/cohort."
            )
        return
    try:
        held = json.loads(manifest.read_text(encoding="utf-8"))
        differing = [key for key in wanted if held[key] != wanted[key]]
    except (OSError, ValueError, KeyError, TypeError):
        raise DesignError(
            f"{manifest} is no description of a cohort; choose another --out, such as "
            "--out results/cohort."
        ) from None
    if differing:
        what = {"digest": "design, scenario or posterior", "simtrial": "version of simtrial"}
        key = differing[0]
        raise DesignError(
            f"{manifest} holds other patients: {held['title']}, scenario {held['scenario']}, "
            f"n = {held['n']}, {held['trials']} trials, seed {held['seed']} (another "
            f"{what.get(key, key)}); choose another --out, such as --out results/cohort."
        )


def described(
    document: dict[str, Any],
    *,
    file_format: str = "parquet",
    truth: bool = False,
    show: int = 0,
) -> dict[str, Any]:
    """Return the document of a cohort with the files that hold it and the line that rewrites them.

    Raises
    ------
    DesignError : for an unknown format, or a trial to show that was not simulated.
    """
    if file_format not in FORMATS:
        raise DesignError(f"format '{file_format}' is not known; choose from {', '.join(FORMATS)}.")
    trials = document["trials"]
    check_show(show, trials)
    more = f" --format {file_format}" if file_format != FORMATS[0] else ""
    more += " --truth" if truth else ""
    more += f" --show {show}" if show else ""
    line = document["rerun"].replace(" --out DIR", f"{more} --out DIR")
    tables = (*OBSERVED, *(HIDDEN if truth else ()))
    files = [*(f"{t}.{file_format}" for t in tables), "columns.csv", "README.txt", MANIFEST]
    files += [f"{stem}.{kind}" for stem in _figure_names(trials, show) for kind in ("svg", "png")]
    return document | {"rerun": line, "files": sorted(files)}


def check_show(show: int, trials: int) -> None:
    """Refuse to draw a trial that is not simulated.

    Raises
    ------
    DesignError
    """
    if not 0 <= show < trials:
        right = "0" if trials == 1 else f"a number from 0 to {trials - 1}"
        raise DesignError(
            f"show is {show}, but trials are counted from 0 and {trials} simulated; write {right}."
        )


def save_cohort(
    source: Source,
    document: dict[str, Any],
    folder: Path,
    *,
    file_format: str = "parquet",
    truth: bool = False,
    show: int = 0,
    progress: Progress | None = None,
) -> tuple[dict[str, Any], list[Path]]:
    """Write the files of a cohort, each whole, and none when one of them fails.

    Returns
    -------
    The document that the folder keeps, and the paths of all files.

    Raises
    ------
    DesignError : when the folder holds other patients, or an option is unknown.
    """
    document = described(document, file_format=file_format, truth=truth, show=show)
    keys = ("simtrial", "digest", "seed", "trials", "n")
    check_folder(folder, {key: document[key] for key in keys})
    folder.mkdir(parents=True, exist_ok=True)
    report = progress if progress is not None else Progress()
    tables = (*OBSERVED, *(HIDDEN if truth else ()))
    pictures = _figure_names(document["trials"], show)
    advance = report.start("files", len(tables) + len(pictures))
    made: list[tuple[Path, Path]] = []

    def partial(name: str) -> Path:
        path = folder / name
        made.append((path.with_name(f".{name}.{os.getpid()}.part"), path))
        return made[-1][0]

    write = _write_parquet if file_format == "parquet" else _write_csv
    try:
        # the manifest first: were the last step broken off, the folder would still say whose it is
        partial(MANIFEST).write_text(canonical_json(document) + "\n", encoding="utf-8")
        for table in tables:
            write(partial(f"{table}.{file_format}"), _groups(table, source))
            advance(1)
        partial("columns.csv").write_text(_dictionary_text(source, truth), encoding="utf-8")
        partial("README.txt").write_text(_readme(document, source.study), encoding="utf-8")
        for stem, trial in pictures.items():
            if trial is not None and stem.startswith("swimmer"):
                figure = swimmer(source.cohort, source.design, trial)
            else:
                figure = trajectories(source.cohort, source.design, trial)
            for suffix in ("svg", "png"):
                _save_figure(figure, partial(f"{stem}.{suffix}"), suffix)
            advance(1)
        for part, path in made:
            os.replace(part, path)
    finally:
        for part, _ in made:
            part.unlink(missing_ok=True)
        report.finish()
    return document, [path for _, path in made]


def _figure_names(trials: int, show: int) -> dict[str, int | None]:
    """Return name -> the trial shown, None for all of them."""
    names: dict[str, int | None] = {
        f"swimmer_trial_{show}": show,
        f"trajectories_trial_{show}": show,
    }
    return names | ({"trajectories_all_trials": None} if trials > 1 else {})


def _groups(table: str, source: Source) -> Iterator[Any]:
    """Yield a table in pieces of a fixed number of trials, so that only one is held at a time."""
    replicates, n = source.cohort.seen.arm.shape
    size = max(1, _GROUP_PATIENTS // n)
    for start in range(0, replicates, size):
        part = slice_of(source.cohort, start, min(start + size, replicates))
        yield table_of(table, Source(cohort=part, design=source.design, first=source.first + start))


def _write_parquet(path: Path, groups: Iterator[Any]) -> None:
    import pyarrow.parquet as pq

    first = next(groups)
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for group in groups:
            writer.write_table(group)


def _write_csv(path: Path, groups: Iterator[Any]) -> None:
    import pyarrow as pa
    import pyarrow.csv as pacsv

    def plain(table: Any) -> Any:
        fields = [
            pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type)
            for f in table.schema
        ]
        return table.cast(pa.schema(fields))

    first = plain(next(groups))
    with pacsv.CSVWriter(path, first.schema) as writer:
        writer.write_table(first)
        for group in groups:
            writer.write_table(plain(group))


def _save_figure(figure: Any, path: Path, kind: str) -> None:
    """Write a figure; the same patients give the same bytes."""
    import matplotlib

    metadata: dict[str, Any] = {"Date": None} if kind == "svg" else {}
    with matplotlib.rc_context({"svg.hashsalt": "simtrial"}):
        figure.savefig(path, format=kind, dpi=200, metadata=metadata)


def _dictionary_text(source: Source, truth: bool) -> str:
    rows = dictionary(source.design, events=EVENTS, truth=truth)
    out = io.StringIO()
    writer = csv.DictWriter(out, ["study", *rows[0]], lineterminator="\n")
    writer.writeheader()
    writer.writerows({"study": source.study, **row} for row in rows)
    return out.getvalue()


def _readme(document: dict[str, Any], study: str) -> str:
    lines = [
        study,
        "",
        "No patient in these files exists. They were simulated; every table says so in its first",
        "column. What each column means, with unit and values, is in columns.csv.",
        "",
        *summary_of(document),
        "",
        "Rescue treatment has no effect on the simulated measures: values after a rescue are not",
        "those that a treatment-policy estimand would see.",
        "Under scenario posterior each trial has its own truth; under the others all share one.",
        "Empty cells are missing values: an event that did not happen, a visit not attended.",
        "The patients depend on the design, the scenario, the posterior and the seed; not on the",
        "engine, and the first n patients of a larger trial are the trial of n.",
        "",
        f"simtrial {document['simtrial']}, digest {document['digest']}, seed {document['seed']}",
        f"Run again: {document['rerun']}",
    ]
    return "\n".join(lines) + "\n"
