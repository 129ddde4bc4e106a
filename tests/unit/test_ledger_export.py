"""The exported tables hold the whole ledger, say what they hold, and are written whole or not."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scipy.stats import binomtest

from simtrial.core import files
from simtrial.core.errors import DesignError
from simtrial.evidence.audit import audit
from simtrial.evidence.ledger import Ledger, load_ledger
from simtrial.evidence.records import Alternative, Fact
from simtrial.evidence.values import RECORDS, Values
from simtrial.evidence.wording import counted
from simtrial.report import ledger_files
from simtrial.report.ledger_columns import TABLES, columns_of, dictionary
from simtrial.report.ledger_files import MANIFEST, export_ledger

FULL = Path(__file__).with_name("full_ledger.yaml")
Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module", params=["shipped", "made up"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    return load_ledger() if request.param == "shipped" else load_ledger([FULL])


@pytest.fixture(scope="module")
def full() -> Ledger:
    return load_ledger([FULL])


def read(folder: Path, file_format: str) -> Tables:
    """Read tables as a statistician would; absent values are None."""
    tables = {}
    for name in TABLES:
        path = folder / f"{name}.{file_format}"
        if file_format == "csv":
            texts = {c.name: str for c in columns_of(name) if c.kind == "text"}
            table = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=texts)
        else:
            table = pd.read_parquet(path)
        tables[name] = table.astype(object).where(table.notna(), None)
    return tables


def exported(ledger: Ledger, folder: Path, file_format: str = "csv") -> Tables:
    export_ledger(ledger, folder, file_format=file_format)
    return read(folder, file_format)


def record(figures: pd.DataFrame) -> Values:
    """Make a record of figures again from its rows: their names, types, values and texts."""
    (kind,) = set(figures["kind"])
    built: dict[str, Any] = {}
    for row in figures.to_dict("records"):
        makers = {"whole": int, "real": float, "flag": bool}
        value = row["text"] if row["type"] == "text" else makers[row["type"]](row["value"])
        head, dot, cell = row["name"].partition(".")
        if head in ("cells", "first_by_week") and dot:
            built.setdefault(head, {})[int(cell) if head == "first_by_week" else cell] = value
        elif item := re.fullmatch(r"patients\[(\d+)\]\.(\w+)(\[\d+\])?", row["name"]):
            rows = built.setdefault("patients", [])
            while len(rows) <= int(item[1]):
                rows.append({"therapy": [], "myometer_change_percent": None})
                rows[-1] |= {"myometer_significant": None, "ck_after": None}
            if item[3]:
                rows[-1].setdefault(item[2], []).append(value)
            else:
                rows[-1][item[2]] = value
        else:
            built[row["name"]] = value
    return RECORDS[kind].model_validate(built)


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_every_number_of_the_ledger_is_read_back_from_the_files(
    ledger: Ledger, tmp_path: Path, file_format: str
) -> None:
    figures = exported(ledger, tmp_path, file_format)["figures"]
    readings = dict(list(figures.groupby(["fact", "reading"])))
    for fact in ledger.facts.values():
        assert record(readings.pop((fact.id, "used"))) == fact.values
        for number, other in enumerate(fact.alternatives, start=1):
            name = "as_printed" if other.as_printed else f"alternative {number}"
            rows = readings.pop((fact.id, name))
            assert record(rows) == other.values
            assert set(rows["alternative"]) == {number}
    assert not readings  # nothing that the ledger does not have


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_a_fact_is_made_again_from_the_facts_and_figures(
    ledger: Ledger, tmp_path: Path, file_format: str
) -> None:
    tables = exported(ledger, tmp_path, file_format)
    readings = dict(list(tables["figures"].groupby(["fact", "reading"])))
    others = tables["alternatives"].to_dict("records")
    for row in tables["facts"].to_dict("records"):
        fact = ledger.fact(row["id"])
        alternatives = [
            Alternative(
                kind=other["kind"],
                values=record(readings[fact.id, other["reading"]]),
                unit=other["unit"],
                cohort=other["cohort"],
                as_printed=other["reading"] == "as_printed",
                set_aside=bool(other["set_aside"]),
                reason=other["reason"],
            )
            for other in others
            if other["fact"] == fact.id
        ]
        subtypes = (row["subtypes"] or "").split("; ") if row["subtypes"] else []
        pairs = (row["derived"] or "").split(" | ") if row["derived"] else []
        same = Fact.model_fields.keys() & row.keys() - {"read_by", "derived", "subtypes"}
        made = Fact.model_validate(
            {name: row[name] for name in same}
            | {
                "locator": {
                    "section": row["section"],
                    "table": row["table"],
                    "lines": (row["first_line"], row["last_line"]),
                    "digits": row["digits"],
                },
                "timing": {
                    "how": row["timing"],
                    **{name: row[name] for name in ("week", "months", "from_months")},
                },
                "readings": {
                    "first": row["first_reading"],
                    "second": row["second_reading"],
                    "resolved": row["resolved"],
                },
                "values": record(readings[fact.id, "used"]),
                "alternatives": alternatives,
                "subtype": subtypes[0] if len(subtypes) == 1 else None,
                "subtypes": subtypes if len(subtypes) > 1 else (),
                "read_by": row["read_by"].split("; ") if row["read_by"] else (),
                "derived": dict(pair.split(" = ", 1) for pair in pairs),
            }
        )
        assert folded(dumped(made)) == folded(with_units(fact))
        cohort = ledger.cohort(fact.cohort)
        assert (row["cohort_n"], row["study"], row["cited_as"], bool(row["second_hand"])) == (
            *(cohort.n, cohort.study, cohort.cited_as),
            cohort.study is not None,
        )


def dumped(fact: Fact) -> dict[str, Any]:
    """Return a fact's fields, its values by their record and not by the base of all records."""
    return fact.model_dump(mode="json", serialize_as_any=True)


def with_units(fact: Fact) -> dict[str, Any]:
    """Return a fact's fields; an alternative without a unit has the fact's, as in the table."""
    out = dumped(fact)
    for other in out["alternatives"]:
        other["unit"] = other["unit"] or fact.unit
    return out


def folded(value: Any) -> Any:
    """Return a value whose texts have single spaces for any white space, as in the tables."""
    if isinstance(value, dict):
        return {name: folded(below) for name, below in value.items()}
    if isinstance(value, list):
        return [folded(below) for below in value]
    return " ".join(value.split()) if isinstance(value, str) else value


def test_the_made_up_ledger_has_every_kind_and_every_field(full: Ledger) -> None:
    """The round trip sees a field that it loses only where a fact has one."""
    facts = list(full.facts.values())
    assert {fact.kind for fact in facts} == set(RECORDS)
    for name in Fact.model_fields:
        assert any(getattr(fact, name) not in (None, (), {}) for fact in facts), name
    others = [other for fact in facts for other in fact.alternatives]
    for name in Alternative.model_fields:
        assert any(getattr(other, name) not in (None, False) for other in others), name


def test_csv_and_parquet_hold_the_same(ledger: Ledger, tmp_path: Path) -> None:
    text = exported(ledger, tmp_path / "c", "csv")
    binary = exported(ledger, tmp_path / "p", "parquet")
    for name in TABLES:
        assert list(text[name].columns) == list(binary[name].columns)
        assert text[name].to_dict("records") == binary[name].to_dict("records"), name


def test_every_column_has_an_entry_and_every_entry_a_column(full: Ledger, tmp_path: Path) -> None:
    tables = exported(full, tmp_path)
    with open(tmp_path / "columns.csv", encoding="utf-8", newline="") as file:
        entries = list(csv.DictReader(file))
    assert entries == dictionary()
    for name, table in tables.items():
        own = [entry for entry in entries if entry["table"] == name]
        assert [entry["column"] for entry in own] == list(table.columns)
        assert all(entry["meaning"] and entry["kind"] for entry in own)
    assert {entry["table"] for entry in entries} == set(tables)
    readme = (tmp_path / "README.txt").read_text(encoding="utf-8")
    for name, table in tables.items():
        assert re.search(rf"^{name}\.csv +{len(table)} rows  \S", readme, re.MULTILINE)


def test_patients_cohorts_documents_and_findings_are_those_of_the_ledger(
    ledger: Ledger, tmp_path: Path
) -> None:
    tables = exported(ledger, tmp_path)
    findings = [(one.fact, one.rule, one.severity, one.proof) for one in audit(ledger)]
    columns = ["fact", "rule", "severity", "proof"]
    assert list(tables["findings"][columns].itertuples(index=False, name=None)) == findings
    cohorts = {row["id"]: row for row in tables["cohorts"].to_dict("records")}
    assert cohorts.keys() == {i for head in ledger.documents.values() for i in head.cohorts}
    for name, row in cohorts.items():
        want = ledger.cohort(name).model_dump()
        assert {field: row[field] for field in want} == want
    documents = tables["documents"].to_dict("records")
    assert [row["id"] for row in documents] == list(ledger.documents)
    for row in documents:
        want = ledger.documents[row["id"]].citation.model_dump()
        assert {field: row[field] for field in want} == want
    rows = tables["patients"].to_dict("records")
    patients = [p for d in ledger.documents for p in _patients(ledger, d)]
    assert len(rows) == len(patients) > 0
    for row, patient in zip(rows, patients, strict=True):
        assert row["improved"] == patient.improved
        plain = {"therapy", "courses_printed"}
        want = patient.model_dump(exclude=plain)
        assert {field: row[field] for field in want} == want
        assert row["therapy"] == ("; ".join(patient.therapy) or None)


def _patients(ledger: Ledger, document: str) -> tuple[Any, ...]:
    tables = {fact.document for fact in ledger.facts.values() if fact.kind == "patients"}
    return ledger.patients(document) if document in tables else ()


def test_each_number_says_its_unit_and_whether_it_is_derived(full: Ledger, tmp_path: Path) -> None:
    figures = exported(full, tmp_path)["figures"]
    named = figures[figures["reading"] == "used"].set_index(["fact", "name"])
    assert named.loc[("full25.course.drug", "cells.never"), "derived"] == "20 - 8 - 3; the rest"
    assert named.loc[("full25.course.drug", "cells.kept"), "derived"] is None
    for (fact, name), unit in {
        ("full25.courses.drug", "part"): "courses",
        ("full25.ck_change.all", "mean"): "U/l",
        ("full25.ck_change.all", "level_percent"): "percent",
        ("full25.fall_other.cited", "percent"): "percent",
        ("full25.fall_other.cited", "decimals"): "digits",
        ("full25.fall_other.cited", "relation"): None,
        ("full25.rows.patients", "patients[0].age_years"): "years",
        ("full25.rows.patients", "patients[0].ck_before"): "not printed",
        ("full25.rows.patients", "patients[0].case"): None,
    }.items():
        assert named.loc[(fact, name), "unit"] == unit, name


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_manifest_names_each_file_with_its_rows_and_its_sha256(
    full: Ledger, tmp_path: Path
) -> None:
    document, paths = export_ledger(full, tmp_path, file_format="parquet")
    assert json.loads((tmp_path / MANIFEST).read_text(encoding="utf-8")) == document
    assert {path.name for path in paths} == set(contents(tmp_path))
    assert {one["file"] for one in document["files"]} == set(contents(tmp_path)) - {MANIFEST}
    for one in document["files"]:
        content = (tmp_path / one["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == one["sha256"]
        if one["table"] is not None:
            assert len(pd.read_parquet(tmp_path / one["file"])) == one["rows"]


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_the_same_ledger_gives_the_same_bytes_and_may_be_written_again(
    full: Ledger, tmp_path: Path, file_format: str
) -> None:
    folder = tmp_path / "again"
    export_ledger(full, folder, file_format=file_format)
    (folder / "mine.txt").write_text("a file of somebody else", encoding="utf-8")
    before = contents(folder)
    export_ledger(full, folder, file_format=file_format)
    assert contents(folder) == before


def test_shares_are_those_of_counts_and_parts_with_exact_intervals(
    ledger: Ledger, tmp_path: Path
) -> None:
    rows = exported(ledger, tmp_path)["shares"].to_dict("records")
    expected = set()
    for fact in ledger.facts.values():
        whole, unit = counted(fact.values), fact.unit
        if unit in ("patients", "courses"):
            cells = getattr(fact.values, "cells", {})
            expected |= {(fact.id, str(cell)) for cell in (["all"] if whole else cells)}
    assert {(row["fact"], row["cell"]) for row in rows} == expected
    for row in rows:
        exact = binomtest(int(row["count"]), int(row["n"])).proportion_ci(0.95, method="exact")
        # SciPy finds its limits with a root finder, to about twelve digits
        assert (row["low95"], row["high95"]) == pytest.approx(
            (exact.low, exact.high), rel=1e-9, abs=1e-12
        )
        assert row["share"] == row["count"] / row["n"]
        assert row["role"] == ledger.fact(row["fact"]).role


def test_the_tables_of_documents_have_their_numbers(tmp_path: Path) -> None:
    rows = exported(load_ledger(), tmp_path)["documents"].to_dict("records")
    assert {row["number"]: row["id"] for row in rows}["000"] == "nan25"


def test_a_second_format_takes_the_place_of_the_first(full: Ledger, tmp_path: Path) -> None:
    export_ledger(full, tmp_path, file_format="csv")
    (tmp_path / "facts.csv").write_text("changed by somebody", encoding="utf-8")
    (tmp_path / "mine.csv").write_text("of somebody else", encoding="utf-8")
    document, _ = export_ledger(full, tmp_path, file_format="parquet")
    named = {one["file"] for one in document["files"]}
    assert set(contents(tmp_path)) == named | {MANIFEST, "mine.csv", "facts.csv"}


def test_tables_of_another_ledger_are_not_replaced(full: Ledger, tmp_path: Path) -> None:
    export_ledger(full, tmp_path)
    before = contents(tmp_path)
    with pytest.raises(DesignError, match=r"holds other tables: 16 facts of full25 \(another led"):
        export_ledger(load_ledger(), tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["figures.parquet", "facts.csv", "columns.csv"])
def test_a_file_of_nobody_knows_whose_is_not_replaced(
    full: Ledger, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("precious", encoding="utf-8")
    with pytest.raises(DesignError, match=rf"{re.escape(name)} is there, without the ledger\.json"):
        export_ledger(full, tmp_path)
    assert contents(tmp_path) == {name: b"precious"}


def test_a_damaged_manifest_is_told(full: Ledger, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text('{"simtrial": "0.1.0"}', encoding="utf-8")
    with pytest.raises(DesignError, match=r"ledger\.json is no description of a ledger"):
        export_ledger(full, tmp_path)


def test_an_unknown_format_is_refused(full: Ledger, tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="format 'xlsx' is not known; choose from parquet, csv"):
        export_ledger(full, tmp_path / "x", file_format="xlsx")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("stop_at", [1, 5, 10])
def test_a_disk_that_is_full_leaves_what_was_there(
    full: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    export_ledger(full, tmp_path)
    before, written = contents(tmp_path), []

    def write(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) == stop_at:
            raise OSError(28, "No space left on device", str(path))
        files.write_whole(path, content)

    monkeypatch.setattr(ledger_files, "write_whole", write)
    with pytest.raises(OSError, match="No space left"):
        export_ledger(full, tmp_path, file_format="parquet")
    assert contents(tmp_path) == before
