"""The files of the ADaM-shaped export: its data sets, their dictionary, their schema, a word first.

Every piece of every data set is held against the schema before it is written.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from simtrial.core.errors import ResultError
from simtrial.core.provenance import canonical_json
from simtrial.report.adam.check import faults_of
from simtrial.report.adam.datasets import NAMES, adam_tables
from simtrial.report.adam.define import dictionary_rows, schema_of
from simtrial.report.adam.records import STUDY_START
from simtrial.report.patients import Source
from simtrial.report.table_files import Write, table_file
from simtrial.trial.design import Design

DICTIONARY, SCHEMA = "define.csv", "define.json"
STEMS = {name: name.lower() for name in NAMES}  # data set -> file without its ending


def write_datasets(
    parts: Iterable[Source],
    design: Design,
    study: str,
    path_of: Callable[[str], Path],
    file_format: str,
) -> dict[str, int]:
    """Write every data set; return the rows of each.

    Parameters
    ----------
    parts : the trials in pieces, none of them divided.
    path_of : where a file of a name is written.

    Raises
    ------
    ResultError : when a piece breaks the schema.
    """
    schema = schema_of(design, study)
    rows = dict.fromkeys(NAMES, 0)
    with ExitStack() as stack:
        writers: dict[str, Write] = {}
        for part in parts:
            tables = adam_tables(part)
            refuse_faults(tables, schema)
            for name, table in tables.items():
                if name not in writers:
                    path = path_of(f"{STEMS[name]}.{file_format}")
                    writers[name] = stack.enter_context(table_file(path, file_format, table.schema))
                writers[name](table)
                rows[name] += table.num_rows
    return rows


def refuse_faults(tables: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Refuse tables that break the schema.

    Raises
    ------
    ResultError
    """
    faults = faults_of(tables, schema)
    if faults:
        raise ResultError(
            "the data sets break their own schema, so nothing was written; that is a fault of "
            f"simtrial, please report it with the design. First: {faults[0]}"
        )


def dictionary_text(design: Design, study: str) -> str:
    """Return the dictionary as CSV."""
    rows = [{"study": study, **row} for row in dictionary_rows(design, study)]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def schema_text(design: Design, study: str) -> str:
    """Return the schema as JSON."""
    return canonical_json(schema_of(design, study)) + "\n"


def conventions() -> list[str]:
    """Return what a reader of the data sets must know, line by line."""
    return [
        "The data sets have the shape of ADaM and its names of variables. They are no submission:",
        "there is no SDTM behind them, no define.xml, and no claim of conformance. What every",
        f"variable is made from is in {DICTIONARY}; {SCHEMA} is the schema that the files passed.",
        "Dates are invented: the first site opened at the beginning of "
        f"{STUDY_START.isoformat()}. Day 1 is the",
        "day of randomisation and of the baseline visit; there is no day 0.",
        "Several simulated trials share one STUDYID; TRIALN tells them apart. Screening failures",
        "have no rows. Race, ethnicity, severity and outcome of events are not simulated, and",
        "terms of events are not coded with MedDRA.",
    ]
