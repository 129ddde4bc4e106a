"""The schema of the ADaM-shaped export: its form, and that it notices what breaks it."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from simtrial.core.errors import ResultError
from simtrial.report.adam import adverse, findings
from simtrial.report.adam.check import faults_of
from simtrial.report.adam.datasets import DATASETS, adam_tables
from simtrial.report.adam.define import dictionary_rows, schema_of
from simtrial.report.adam.files import refuse_faults, schema_text
from tests.unit.cohort_fixtures import DEMO, rough

STUDY = rough().source.study
SCHEMA = schema_of(DEMO, STUDY)
Tables = dict[str, Any]


@cache
def exported() -> Tables:
    return adam_tables(rough().source)


def test_names_and_labels_have_the_form_of_the_standard() -> None:
    for dataset in DATASETS:
        assert re.fullmatch(r"AD[A-Z]{2,6}", dataset.name)
        names = [variable.name for variable in dataset.variables]
        assert len(set(names)) == len(names)
        assert set(dataset.keys) <= set(names)
        for variable in dataset.variables:
            assert re.fullmatch(r"[A-Z_][A-Z0-9_]{0,7}", variable.name), variable.name
            assert 1 <= len(variable.label) <= 40, variable.label
            if variable.name.endswith("FL"):
                assert variable.codelist in ("Y", "NY")
            if variable.name.endswith("DT"):
                assert variable.kind == "date"
            if variable.name.endswith(("DY", "SEQ")):
                assert variable.kind == "whole"


def test_a_name_means_the_same_in_every_data_set() -> None:
    # which values are told, and where from, differs; what a variable is does not
    labels: dict[str, set[tuple[str, str]]] = {}
    for dataset in DATASETS:
        for variable in dataset.variables:
            labels.setdefault(variable.name, set()).add((variable.label, variable.kind))
    assert {name: found for name, found in labels.items() if len(found) > 1} == {}


def test_every_codelist_is_named_and_every_name_is_a_codelist() -> None:
    named = {v["codelist"] for d in SCHEMA["datasets"] for v in d["variables"]} - {None}
    assert named == set(SCHEMA["codelists"])


def test_the_dictionary_explains_every_variable_of_every_table() -> None:
    rows = dictionary_rows(DEMO, STUDY)
    for name, table in exported().items():
        mine = [row for row in rows if row["dataset"] == name]
        assert [row["variable"] for row in mine] == table.column_names
        assert all(row["label"] and row["derivation"] for row in mine)
        labels = [field.metadata[b"label"].decode() for field in table.schema]
        assert [row["label"] for row in mine] == labels


def test_sources_are_columns_of_the_snapshot_or_the_design() -> None:
    known = set(rough().cohort.seen._fields)
    known |= {v.name for d in DATASETS for v in d.variables}
    for dataset in DATASETS:
        for variable in dataset.variables:
            for source in filter(None, variable.source.split(", ")):
                assert (
                    source in known
                    or source == "visits of the design"
                    or source.startswith("as ")
                    or any(re.fullmatch(source.replace("*", ".*"), k) for k in known)
                ), f"{dataset.name}.{variable.name}: {source}"


def test_the_schema_is_plain_json() -> None:
    assert json.loads(schema_text(DEMO, STUDY)) == SCHEMA


def test_the_export_passes_its_schema() -> None:
    assert faults_of(exported(), SCHEMA) == []
    refuse_faults(exported(), SCHEMA)


def put(table: Any, column: str, values: list[Any]) -> Any:
    """Return a table with the first values of a column replaced."""
    place = table.column_names.index(column)
    field = table.schema.field(column)
    held = table.column(column).to_pylist()
    held[: len(values)] = values
    plain = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    array = pa.array(held, plain)
    array = array.dictionary_encode() if pa.types.is_dictionary(field.type) else array
    return table.set_column(place, field, array)


def _with(name: str, change: Callable[[Any], Any]) -> Callable[[Tables], Tables]:
    return lambda tables: tables | {name: change(tables[name])}


_NOBODY = "SYN-R0009-S01-P001"
BREACHES: dict[str, tuple[Callable[[Tables], Tables], str]] = {
    "a data set is missing": (
        lambda t: {k: v for k, v in t.items() if k != "ADTTE"},
        "ADTTE is missing",
    ),
    "a data set too many": (lambda t: t | {"ADXX": t["ADSL"]}, "ADXX is not in the schema"),
    "a variable is missing": (
        _with("ADSL", lambda t: t.drop_columns(["SEX"])),
        r"ADSL and the schema differ in \['SEX'\]",
    ),
    "variables change places": (
        _with("ADLB", lambda t: t.select([*t.column_names[1:], t.column_names[0]])),
        "ADLB and the schema differ in their order",
    ),
    "another type": (
        _with("ADQS", lambda t: t.set_column(0, "STUDYID", t.column("STUDYID").cast(pa.string()))),
        "ADQS.STUDYID is string",
    ),
    "a required value is empty": (
        _with("ADQS", lambda t: put(t, "AVAL", [None])),
        "ADQS.AVAL is empty in 1 rows",
    ),
    "a text is empty": (_with("ADAE", lambda t: put(t, "AETERM", [""])), "AETERM holds empty text"),
    "a strange term": (
        _with("ADAE", lambda t: put(t, "AEACN", ["DOSE REDUCED"])),
        r"ADAE.AEACN holds \['DOSE REDUCED'\]",
    ),
    "a strange number": (_with("ADTTE", lambda t: put(t, "CNSR", [7])), r"ADTTE.CNSR holds \[7\]"),
    "a key twice": (
        _with("ADAE", lambda t: pa.concat_tables([t, t.slice(0, 2)])),
        "ADAE has 2 rows that repeat their keys",
    ),
    "a code with other words": (
        _with("ADLB", lambda t: put(t, "PARAMN", [2])),
        "ADLB: PARAMCD, PARAM, PARAMN do not go together",
    ),
    "a visit with another number": (
        _with("ADQS", lambda t: put(t, "AVISITN", [99])),
        "ADQS: AVISIT, AVISITN do not go together",
    ),
    "an end before its start": (
        _with("ADEX", lambda t: put(t, "AENDT", [t.column("ASTDT")[0].as_py().replace(year=2029)])),
        "ADEX: ASTDT lies after AENDT in 1 rows",
    ),
    "a patient whom nobody knows": (
        _with("ADCM", lambda t: put(t, "USUBJID", [_NOBODY])),
        "ADCM.USUBJID: 1 rows are of nobody in ADSL",
    ),
    "another arm than in ADSL": (
        _with(
            "ADTTE",
            lambda t: put(put(t, "TRTP", ["ivig"] * t.num_rows), "TRTPN", [2] * t.num_rows),
        ),
        "ADTTE.TRTP is not ADSL's TRT01P",
    ),
    "an origin that is not randomisation": (
        _with("ADTTE", lambda t: put(t, "STARTDT", [t.column("STARTDT")[-1].as_py()])),
        "ADTTE.STARTDT is not ADSL's RANDDT in 1 rows",
    ),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_of_the_schema_is_told(breach: str) -> None:
    change, told = BREACHES[breach]
    faults = faults_of(change(exported()), SCHEMA)
    assert any(re.search(told, fault) for fault in faults), faults
    with pytest.raises(ResultError, match="nothing was written"):
        refuse_faults(change(exported()), SCHEMA)


def test_the_schema_alone_decides() -> None:
    narrower = copy.deepcopy(SCHEMA)
    narrower["codelists"]["SEX"] = ["F"]
    assert faults_of(exported(), narrower) == ["ADSL.SEX holds ['M'], not of SEX."]


def test_a_kind_of_adverse_event_without_words_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adverse, "TERMS", adverse.TERMS[1:])
    with pytest.raises(KeyError, match=r"no term for.*headache"):
        adam_tables(rough().source)


def test_a_variable_without_values_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    shorter = replace(findings.ADLB, variables=findings.ADLB.variables[:-1])
    monkeypatch.setattr(findings, "ADLB", shorter)
    with pytest.raises(KeyError, match=r"ADLB and its variables differ in \['ANL02FL'\]"):
        adam_tables(rough().source)


def test_numbers_are_finite() -> None:
    for name, table in exported().items():
        for column in table.column_names:
            if pa.types.is_floating(table.schema.field(column).type):
                values = np.array(table.column(column).drop_null())
                assert np.isfinite(values).all(), f"{name}.{column}"
