"""A folder of the ledger's tables and their dictionary, all of them or none.

``ledger.json`` says what the folder holds. Tables of another ledger are never replaced.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import threading
from pathlib import Path
from typing import Any

from simtrial.core.errors import DesignError
from simtrial.core.files import clear_leftovers, write_whole
from simtrial.core.provenance import canonical_json, digest, version
from simtrial.evidence.ledger import Ledger
from simtrial.report.ledger_columns import TABLES, dictionary
from simtrial.report.ledger_tables import arrow_table, tables_of
from simtrial.report.table_files import FORMATS

MANIFEST = "ledger.json"
_DICTIONARY, _README = "columns.csv", "README.txt"


def export_ledger(
    ledger: Ledger, folder: Path, *, file_format: str = "csv"
) -> tuple[dict[str, Any], list[Path]]:
    """Write the tables of a ledger, their dictionary and a manifest.

    Everything is made before anything is written, and nothing is put in its place before all is
    on the disk. Tables of the same ledger in another format are taken away, so that the manifest
    names whatever tables the folder holds.

    Returns
    -------
    The manifest (each file with its rows and SHA-256), and the paths of all files.

    Raises
    ------
    DesignError : for an unknown format, or when the folder holds the tables of another ledger.
    OSError : when the folder cannot be written; the files that were there stay as they were.
    """
    if file_format not in FORMATS:
        raise DesignError(f"format '{file_format}' is not known; choose from {', '.join(FORMATS)}.")
    contents, document = _contents(ledger, file_format)
    _check_folder(folder, document)
    replaced = in_other_formats(folder, file_format)
    folder.mkdir(parents=True, exist_ok=True)
    clear_leftovers(folder)
    ours = f"{os.getpid()}-{threading.get_ident()}"
    staged = {folder / f".{name}.{ours}.part": folder / name for name in contents}
    try:
        for part, path in staged.items():
            write_whole(part, contents[path.name])
        for part, path in staged.items():
            os.replace(part, path)
        for path in replaced:
            path.unlink(missing_ok=True)
    finally:
        for part in staged:
            part.unlink(missing_ok=True)
    return document, list(staged.values())


def in_other_formats(folder: Path, file_format: str) -> list[Path]:
    """Return the tables of a folder that an export in a format takes the place of.

    They are those that its manifest names, as it wrote them: a file that was changed since is no
    longer the ledger's, and stays.
    """
    try:
        listed = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        named = {one["file"]: one["sha256"] for one in listed}
    except (OSError, ValueError, KeyError, TypeError):
        return []
    others = [f"{table}.{kind}" for table in TABLES for kind in FORMATS if kind != file_format]
    return [
        folder / name
        for name in others
        if name in named
        and (folder / name).is_file()
        and _sha256((folder / name).read_bytes()) == named[name]
    ]


def _contents(ledger: Ledger, file_format: str) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return the bytes of every file by name, the manifest first, and the manifest."""
    tables = tables_of(ledger)
    write = _parquet if file_format == "parquet" else _csv
    made = {f"{t}.{file_format}": (t, write(arrow_table(t, rows))) for t, rows in tables.items()}
    columns = dictionary()
    files = [
        {"file": name, "table": table, "rows": len(tables[table]), "sha256": _sha256(content)}
        for name, (table, content) in made.items()
    ]
    described = _dictionary_text(columns).encode()
    files.append(
        {"file": _DICTIONARY, "table": None, "rows": len(columns), "sha256": _sha256(described)}
    )
    readme = _readme(ledger, file_format, {t: len(rows) for t, rows in tables.items()}).encode()
    files.append({"file": _README, "table": None, "rows": None, "sha256": _sha256(readme)})
    document = {
        "command": "evidence export",
        "simtrial": version(),
        "digest": digest(tables),
        "format": file_format,
        "documents": list(ledger.documents),
        "facts": len(ledger.facts),
        "files": files,
    }
    # the manifest first: were the last step broken off, the folder would still say whose it is
    contents = {MANIFEST: (canonical_json(document) + "\n").encode()}
    contents |= {name: content for name, (_, content) in made.items()}
    return contents | {_DICTIONARY: described, _README: readme}, document


def _check_folder(folder: Path, wanted: dict[str, Any]) -> None:
    """Refuse a folder that holds the tables of another ledger, or of nobody knows which."""
    manifest = folder / MANIFEST
    other = "choose another --out, such as --out results/ledger."
    if not manifest.exists():
        strangers = [
            path
            for name in (*(f"{table}.{kind}" for table in TABLES for kind in FORMATS), _DICTIONARY)
            if (path := folder / name).exists()
        ]
        if strangers:
            raise DesignError(
                f"{strangers[0]} is there, without the {MANIFEST} that would tell whose facts it "
                f"holds; {other}"
            )
        return
    try:
        held = json.loads(manifest.read_text(encoding="utf-8"))
        differing = [key for key in ("simtrial", "digest") if held[key] != wanted[key]]
        told = f"{held['facts']} facts of {', '.join(held['documents'])}"
    except (OSError, ValueError, KeyError, TypeError):
        raise DesignError(f"{manifest} is no description of a ledger; {other}") from None
    if differing:
        what = {"simtrial": "version of simtrial", "digest": "ledger"}[differing[0]]
        raise DesignError(f"{manifest} holds other tables: {told} (another {what}); {other}")


def _csv(table: Any) -> bytes:
    import pyarrow.csv as pacsv

    out = io.BytesIO()
    pacsv.write_csv(table, out)
    return out.getvalue()


def _parquet(table: Any) -> bytes:
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _dictionary_text(rows: list[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _readme(ledger: Ledger, file_format: str, rows: dict[str, int]) -> str:
    about = {
        "facts": "one row a fact: its place, what is printed, whom it is about, who read it",
        "figures": "one row a number of a fact, and of each other reading of it",
        "shares": "counts and parts as shares with exact 95 % intervals",
        "alternatives": "other readings, and figures that contradict, with the reason",
        "patients": "rows of printed tables of patients",
        "cohorts": "sets of patients",
        "documents": "what was published where",
        "findings": "what the audit finds when it computes the figures again",
    }
    width = max(len(f"{table}.{file_format}") for table in rows)
    lines = [
        f"{len(ledger.facts)} facts of {', '.join(ledger.documents)}.",
        "",
        *(
            f"{f'{table}.{file_format}':<{width}}  {n:>5} rows  {about[table]}"
            for table, n in rows.items()
        ),
        "",
        f"What each column means, with unit and values, is in {_DICTIONARY}.",
        "",
        "For one line a fact with its numbers beside one another, take the rows of figures whose",
        "reading is 'used', spread column name, and join facts by fact = facts.id. Readings of",
        "other names are not further patients: they are the same place read otherwise.",
        "Facts are not independent of one another: column nested_in and the sets around a cohort",
        "(cohorts.within) say which tell of the same patients. Column role says what is fit to be",
        "used; figures of role unusable are there to be seen, not to be computed with.",
        "Second-hand figures (second_hand = 1) are what a document says of another study.",
        "Empty cells are absent values. Texts are on one line; the digits are UTF-8 and hold what",
        "text extraction made of minus signs.",
        "",
        f"simtrial {version()}; digest and SHA-256 of the files are in {MANIFEST}.",
    ]
    return "\n".join(lines) + "\n"
