"""A folder of synthetic patients: tables, their dictionary and figures, all of them or none.

``cohort.json`` says what the folder holds. Files of other patients are never replaced.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from simtrial.core.errors import DesignError
from simtrial.core.provenance import canonical_json
from simtrial.operating.cohorts import slice_of
from simtrial.planning.power import Progress
from simtrial.report.adam.files import (
    DICTIONARY,
    SCHEMA,
    STEMS,
    conventions,
    dictionary_text,
    schema_text,
    write_datasets,
)
from simtrial.report.cohort_summary import summary_of
from simtrial.report.columns import HIDDEN, OBSERVED, dictionary
from simtrial.report.curves import svg_text
from simtrial.report.flow import flow_of
from simtrial.report.happenings import EVENTS
from simtrial.report.patients import Source, table_of
from simtrial.report.picture_parts import one_trial
from simtrial.report.pictures import Drawn, draw, pictures_of
from simtrial.report.pictures_page import pictures_page
from simtrial.report.table_files import FORMATS, table_file

TABLES = ("plain", "adam")  # one row a patient, a visit, an event; or the shape of ADaM
MANIFEST, PAGE = "cohort.json", "pictures.html"
# what decides every number of the files; see ``simtrial.report.synthetic.identity``
IDENTITY = ("simtrial", "digest", "seed", "trials", "n", "cut_week")
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
            for table in (*OBSERVED, *HIDDEN, *STEMS.values())
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
        what = {
            "digest": "design, scenario or posterior",
            "simtrial": "version of simtrial",
            "cut_week": "week of the cut",
        }
        key = differing[0]
        raise DesignError(
            f"{manifest} holds other patients: {held['title']}, scenario {held['scenario']}, "
            f"n = {held['n']}, {held['trials']} trials, seed {held['seed']} (another "
            f"{what.get(key, key)}); choose another --out, such as --out results/cohort."
        )


def described(
    document: dict[str, Any],
    *,
    tables: str = "plain",
    file_format: str = "parquet",
    truth: bool = False,
    show: int = 0,
) -> dict[str, Any]:
    """Return the document of a cohort with the files that hold it and the line that rewrites them.

    Raises
    ------
    DesignError : for an unknown option, or a trial to show that was not simulated.
    """
    for name, given, known in (("tables", tables, TABLES), ("format", file_format, FORMATS)):
        if given not in known:
            raise DesignError(f"{name} '{given}' is not known; choose from {', '.join(known)}.")
    trials = document["trials"]
    check_show(show, trials)
    more = f" --tables {tables}" if tables != TABLES[0] else ""
    more += f" --format {file_format}" if file_format != FORMATS[0] else ""
    more += " --truth" if truth else ""
    more += f" --show {show}" if show else ""
    line = document["rerun"].replace(" --out DIR", f"{more} --out DIR")
    stems = list(_plain_tables(tables, truth))
    files = ["README.txt", MANIFEST, PAGE]
    if stems:
        files.append("columns.csv")
    if tables == "adam":
        stems += STEMS.values()
        files += [DICTIONARY, SCHEMA]
    files += [f"{stem}.{file_format}" for stem in stems]
    files += [f"{p.stem}.{kind}" for p in pictures_of(trials, show) for kind in ("svg", "png")]
    return document | {"rerun": line, "tables": tables, "files": sorted(files)}


def _plain_tables(tables: str, truth: bool) -> tuple[str, ...]:
    """Return the tables written in plain words; what nobody can see has no other form."""
    return (*(OBSERVED if tables == "plain" else ()), *(HIDDEN if truth else ()))


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
    tables: str = "plain",
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
    document = described(document, tables=tables, file_format=file_format, truth=truth, show=show)
    check_folder(folder, {key: document[key] for key in IDENTITY})
    folder.mkdir(parents=True, exist_ok=True)
    report = progress if progress is not None else Progress()
    plain = _plain_tables(tables, truth)
    pictures = pictures_of(document["trials"], show)
    advance = report.start("files", len(plain) + (tables == "adam") + len(pictures))
    made: list[tuple[Path, Path]] = []

    def partial(name: str) -> Path:
        path = folder / name
        made.append((path.with_name(f".{name}.{os.getpid()}.part"), path))
        return made[-1][0]

    try:
        # the manifest first: were the last step broken off, the folder would still say whose it is
        manifest = partial(MANIFEST)
        for table in plain:
            _write(partial(f"{table}.{file_format}"), file_format, _groups(table, source))
            advance(1)
        if tables == "adam":
            rows = write_datasets(_parts(source), source.design, source.study, partial, file_format)
            document |= {"datasets": rows}
            about = (source.design, source.study)
            partial(DICTIONARY).write_text(dictionary_text(*about), encoding="utf-8")
            partial(SCHEMA).write_text(schema_text(*about), encoding="utf-8")
            advance(1)
        if plain:
            words = _dictionary_text(source, plain)
            partial("columns.csv").write_text(words, encoding="utf-8")
        partial("README.txt").write_text(
            _readme(document, source.study, pictures), encoding="utf-8"
        )
        manifest.write_text(canonical_json(document) + "\n", encoding="utf-8")
        drawn = []
        for picture in pictures:
            svg = _draw(picture, source, partial)
            drawn.append((picture, svg))
            advance(1)
        counted = flow_of(one_trial(source.cohort, show), source.design, source.cut_minute)
        page = pictures_page(document, source.design, counted, show, drawn)
        partial(PAGE).write_text(page, encoding="utf-8")
        for part, path in made:
            os.replace(part, path)
    finally:
        for part, _ in made:
            part.unlink(missing_ok=True)
        report.finish()
    return document, [path for _, path in made]


def _parts(source: Source) -> Iterator[Source]:
    """Yield the trials in pieces of a fixed number, so that only one is held as tables."""
    replicates, n = source.cohort.seen.arm.shape
    size = max(1, _GROUP_PATIENTS // n)
    for start in range(0, replicates, size):
        part = slice_of(source.cohort, start, min(start + size, replicates))
        yield replace(source, cohort=part, first=source.first + start)


def _groups(table: str, source: Source) -> Iterator[Any]:
    """Yield a table in pieces."""
    for part in _parts(source):
        yield table_of(table, part)


def _write(path: Path, file_format: str, groups: Iterator[Any]) -> None:
    first = next(groups)
    with table_file(path, file_format, first.schema) as write:
        write(first)
        for group in groups:
            write(group)


def _draw(picture: Drawn, source: Source, partial: Callable[[str], Path]) -> str:
    """Write a picture as SVG and PNG, the same patients as the same bytes; return the SVG."""
    figure = draw(
        picture.kind,
        source.cohort,
        source.design,
        picture.replicate,
        cut_minute=source.cut_minute,
    )
    svg = svg_text(figure)
    partial(f"{picture.stem}.svg").write_text(svg, encoding="utf-8")
    # where everything stands has been found; finding it again takes half of the time
    figure.set_layout_engine("none")
    figure.savefig(partial(f"{picture.stem}.png"), format="png", dpi=200)
    return svg


def _dictionary_text(source: Source, tables: Collection[str]) -> str:
    rows = dictionary(source.design, events=EVENTS, truth=True)
    out = io.StringIO()
    writer = csv.DictWriter(out, ["study", *rows[0]], lineterminator="\n")
    writer.writeheader()
    writer.writerows({"study": source.study, **row} for row in rows if row["table"] in tables)
    return out.getvalue()


def _readme(document: dict[str, Any], study: str, pictures: list[Drawn]) -> str:
    lines = [
        study,
        "",
        "No patient in these files exists. They were simulated; every table says so in its first",
        "column. What each column means, with unit and values, is in "
        f"{DICTIONARY if document['tables'] == 'adam' else 'columns.csv'}.",
        "",
        *([*conventions(), ""] if document["tables"] == "adam" else []),
        *summary_of(document),
        "",
        "Rescue treatment has no effect on the simulated measures: values after a rescue are not",
        "those that a treatment-policy estimand would see.",
        "Under scenario posterior each trial has its own truth; under the others all share one.",
        "Empty cells are missing values: an event that did not happen, a visit not attended.",
        "The patients depend on the design, the scenario, the posterior and the seed; not on the",
        "engine, and the first n patients of a larger trial are the trial of n.",
        "",
        f"Pictures (each as .svg and .png, and together in {PAGE}):",
        *(f"  {picture.stem}: {picture.words}" for picture in pictures),
        "",
        f"simtrial {document['simtrial']}, digest {document['digest']}, seed {document['seed']}",
        f"Run again: {document['rerun']}",
    ]
    return "\n".join(lines) + "\n"
