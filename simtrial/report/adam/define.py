"""What the export holds: a dictionary for people, and a schema by which it can be checked.

Both are made from the variables from which the tables are built.
"""

from __future__ import annotations

from typing import Any

from simtrial.report.adam.datasets import DATASETS, codelists
from simtrial.report.adam.records import STUDY_START
from simtrial.report.adam.variables import TYPE_OF, Dataset, Variable
from simtrial.trial.design import Design

SCHEMA_NAME = "simtrial-adam-1"
# variables of which each value of one goes with one value of the others
_PAIRS = (
    ("PARAMCD", "PARAM", "PARAMN"),
    ("AVISIT", "AVISITN"),
    ("TRTP", "TRTPN"),
    ("TRTA", "TRTAN"),
    ("TRT01P", "TRT01PN"),
    ("TRT01A", "TRT01AN"),
    ("STRATAR", "STRATARN"),
    ("AGEGR1", "AGEGR1N"),
)
# variables that one and the same subject repeats from ADSL
_COPIES = {
    "STUDYID": "STUDYID",
    "TRIALN": "TRIALN",
    "SITEID": "SITEID",
    "ITTFL": "ITTFL",
    "SAFFL": "SAFFL",
    "TRTP": "TRT01P",
    "TRTPN": "TRT01PN",
    "TRTA": "TRT01A",
    "TRTAN": "TRT01AN",
    "STARTDT": "RANDDT",
}
_ORDERS = (("ASTDT", "AENDT"), ("TRTSDT", "TRTEDT"), ("RANDDT", "EOSDT"), ("STARTDT", "ADT"))


def schema_of(design: Design, study: str) -> dict[str, Any]:
    """Return the schema of the export of a design: plain values, ready for JSON."""
    return {
        "schema": SCHEMA_NAME,
        "study": study,
        "study_start": STUDY_START.isoformat(),
        "datasets": [_dataset(dataset) for dataset in DATASETS],
        "codelists": {name: list(terms) for name, terms in codelists(design, study).items()},
    }


def _dataset(dataset: Dataset) -> dict[str, Any]:
    names = {variable.name for variable in dataset.variables}
    copies = {} if dataset.name == "ADSL" else _COPIES
    return {
        "name": dataset.name,
        "label": dataset.label,
        "structure": dataset.structure,
        "keys": list(dataset.keys),
        "together": [list(group) for group in _PAIRS if names.issuperset(group)],
        "in_order": [list(pair) for pair in _ORDERS if names.issuperset(pair)],
        "from_adsl": {mine: theirs for mine, theirs in copies.items() if mine in names},
        "variables": [
            {
                "name": variable.name,
                "label": variable.label,
                "type": variable.kind,
                "required": variable.required,
                "codelist": _codelist(variable, dataset),
            }
            for variable in dataset.variables
        ],
    }


def _codelist(variable: Variable, dataset: Dataset) -> str | None:
    return variable.codelist.format(dataset=dataset.name) or None


def dictionary_rows(design: Design, study: str) -> list[dict[str, str]]:
    """Return one row a variable of every data set, in plain words."""
    lists = codelists(design, study)
    rows = []
    for dataset in DATASETS:
        for variable in dataset.variables:
            name = _codelist(variable, dataset)
            rows.append(
                {
                    "dataset": dataset.name,
                    "variable": variable.name,
                    "label": variable.label,
                    "type": TYPE_OF[variable.kind],
                    "format": {"date": "ISO 8601 date", "whole": "whole number"}.get(
                        variable.kind, ""
                    ),
                    "key": "Y" if variable.name in dataset.keys else "",
                    "required": "Y" if variable.required else "N",
                    "codelist": name or "",
                    "terms": "; ".join(map(str, lists[name])) if name else "",
                    "derivation": variable.derivation,
                    "source": variable.source,
                }
            )
    return rows
