"""A folder of synthetic patients is written whole, the same again, and never over another's."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from simtrial.core.errors import DesignError
from simtrial.report import cohort_files
from simtrial.report.columns import HIDDEN, OBSERVED
from simtrial.report.patients import table_of
from simtrial.report.synthetic import simulate
from tests.unit.cohort_fixtures import DEMO, ROUGH, rough


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the figures, which take most of the time and have tests of their own."""
    monkeypatch.setattr(cohort_files, "pictures_of", lambda trials, show: [])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_parquet_and_csv_hold_the_tables_of_the_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_figures: None
) -> None:
    found = rough()
    monkeypatch.setattr(cohort_files, "_GROUP_PATIENTS", 80)  # two pieces
    found.save(tmp_path / "p", truth=True)
    found.save(tmp_path / "c", file_format="csv", truth=True)
    for name in (*OBSERVED, *HIDDEN):
        whole = table_of(name, found.source)
        read = pq.read_table(tmp_path / "p" / f"{name}.parquet")
        assert read.schema.equals(whole.schema)
        assert read.combine_chunks().equals(whole.combine_chunks())
        text = pd.read_csv(tmp_path / "c" / f"{name}.csv", keep_default_na=False, na_values=[""])
        assert list(text.columns) == whole.column_names
        for column in whole.column_names:
            values = whole.column(column).to_pandas()
            same = text[column].isna().to_numpy() == values.isna().to_numpy()
            assert same.all()
            there = ~values.isna().to_numpy()
            # exactly: the shortest decimal that gives the number back is printed
            assert list(text[column][there]) == list(values[there])


def test_both_engines_write_the_same_bytes(tmp_path: Path, without_figures: None) -> None:
    for engine in ("compiled", "reference"):
        rough(engine, 2, 20).save(tmp_path / engine, truth=True)
    ours, theirs = contents(tmp_path / "compiled"), contents(tmp_path / "reference")
    assert len(ours) == 6 + 4  # tables, and what explains them
    assert ours == theirs


def test_the_same_again_replaces_the_same(tmp_path: Path, without_figures: None) -> None:
    rough().save(tmp_path)
    before = contents(tmp_path)
    (tmp_path / "patients.parquet").write_bytes(b"damaged")
    rough().save(tmp_path)
    assert contents(tmp_path) == before
    assert set(before) == set(json.loads(before["cohort.json"])["files"])


@pytest.mark.parametrize(
    ("other", "told"),
    [({"seed": 5}, "seed"), ({"trials": 2}, "trials"), ({"n": 20}, "design")],
)
def test_other_patients_are_not_written_over(
    tmp_path: Path, without_figures: None, other: dict[str, int], told: str
) -> None:
    rough().save(tmp_path)
    before = contents(tmp_path)
    another = simulate(DEMO, **({"scenario": ROUGH, "trials": 4, "n": 40} | other))
    with pytest.raises(DesignError) as refusal:
        another.save(tmp_path)
    assert f"{tmp_path / 'cohort.json'} holds other patients" in str(refusal.value)
    assert "n = 40, 4 trials, seed 20261122" in str(refusal.value)
    assert f"another {told}" in str(refusal.value)
    assert "--out" in str(refusal.value)
    assert contents(tmp_path) == before


def test_tables_of_unknown_patients_are_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text("mine")
    with pytest.raises(DesignError, match=r"visits\.csv is there, without the cohort\.json"):
        rough().save(tmp_path)
    assert contents(tmp_path) == {"visits.csv": b"mine"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"seed": 1}'])
def test_a_description_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "cohort.json").write_text(text)
    with pytest.raises(DesignError, match="no description of a cohort"):
        rough().save(tmp_path)


def test_when_one_file_fails_none_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_figures: None
) -> None:
    def full(*_: object) -> str:
        raise OSError("no space left")

    monkeypatch.setattr(cohort_files, "_readme", full)  # after the tables
    with pytest.raises(OSError, match="no space"):
        rough().save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_line_that_runs_again_names_every_option(tmp_path: Path, without_figures: None) -> None:
    rough().save(tmp_path, file_format="csv", truth=True, show=2)
    line = json.loads((tmp_path / "cohort.json").read_text())["rerun"]
    assert line == (
        "simtrial cohort dm_ivig_16w --scenario FILE --n 40 --trials 4 --seed 20261122 "
        "--format csv --truth --show 2 --out DIR"
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"file_format": "sas"}, "format 'sas' is not known; choose from parquet, csv"),
        ({"show": 4}, "show is 4.*from 0 to 3"),
    ],
)
def test_unknown_options_are_refused(tmp_path: Path, options: dict, told: str) -> None:
    with pytest.raises(DesignError, match=told):
        rough().save(tmp_path / "o", **options)
    assert not (tmp_path / "o").exists()


def test_the_dictionary_in_the_folder_explains_every_column(
    tmp_path: Path, without_figures: None
) -> None:
    rough().save(tmp_path, file_format="csv", truth=True)
    rows = pd.read_csv(tmp_path / "columns.csv")
    assert set(rows["study"]) == {f"SYNTHETIC {DEMO.title}"}
    for name in (*OBSERVED, *HIDDEN):
        head = (tmp_path / f"{name}.csv").read_text().splitlines()[0]
        assert list(rows["column"][rows["table"] == name]) == head.replace('"', "").split(",")


def test_without_truth_no_file_tells_it(tmp_path: Path, without_figures: None) -> None:
    rough().save(tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("truth")]
    rows = pd.read_csv(tmp_path / "columns.csv")
    assert set(rows["table"]) == set(OBSERVED)


def test_screened_and_rows_of_the_description_are_those_of_the_tables(
    tmp_path: Path, without_figures: None
) -> None:
    found = rough()
    found.save(tmp_path)
    document = json.loads((tmp_path / "cohort.json").read_text())
    for name in OBSERVED:
        assert document["rows"][name] == pq.read_metadata(tmp_path / f"{name}.parquet").num_rows
    screening = found.screening()
    assert document["screened"]["candidates"] == int(screening["screened"].sum())
    assert document["screened"]["failures"]["mmt"] == int(screening["failed_mmt"].sum())
    assert [new["parameter"] for new in document["replaced"]] == list(ROUGH.set)
    assert sum(document["events"].values()) == document["rows"]["events"]
