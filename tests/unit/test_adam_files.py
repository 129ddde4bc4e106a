"""A folder of ADaM-shaped data sets: whole, the same again, checked, and told apart from others."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simtrial.core.errors import DesignError, ResultError
from simtrial.report import cohort_files
from simtrial.report.adam import files
from simtrial.report.adam.check import faults_of
from simtrial.report.adam.datasets import NAMES, adam_tables
from simtrial.report.synthetic import simulate
from tests.unit.cohort_fixtures import DEMO, ROUGH, rough

pytestmark = pytest.mark.usefixtures("without_figures")


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the figures, which take most of the time and have tests of their own."""
    monkeypatch.setattr(cohort_files, "pictures_of", lambda trials, show: [])


def read_back(folder: Path) -> dict[str, pa.Table]:
    return {name: pq.read_table(folder / f"{name.lower()}.parquet") for name in NAMES}


def test_files_in_pieces_pass_the_schema_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cohort_files, "_GROUP_PATIENTS", 80)  # two pieces
    rough().save(tmp_path, tables="adam")
    found, whole = read_back(tmp_path), adam_tables(rough().source)
    for name, table in found.items():
        assert pq.ParquetFile(tmp_path / f"{name.lower()}.parquet").num_row_groups == 2
        pd.testing.assert_frame_equal(table.to_pandas(), whole[name].to_pandas())
        assert table.schema.equals(whole[name].schema, check_metadata=True)
    schema = json.loads((tmp_path / "define.json").read_text())
    assert faults_of(found, schema) == []
    document = json.loads((tmp_path / "cohort.json").read_text())
    assert document["datasets"] == {name: table.num_rows for name, table in whole.items()}
    assert sorted(path.name for path in tmp_path.iterdir()) == document["files"]
    assert document["rerun"].endswith("--seed 20261122 --tables adam --out DIR")


def test_csv_holds_the_same_values(tmp_path: Path) -> None:
    rough().save(tmp_path, tables="adam", file_format="csv")
    for name, table in adam_tables(rough().source).items():
        text = pd.read_csv(
            tmp_path / f"{name.lower()}.csv",
            keep_default_na=False,
            na_values=[""],
            dtype={"SITEID": str},
        )
        assert list(text.columns) == table.column_names
        for column in table.column_names:
            values = table.column(column).to_pandas()
            there = values.notna().to_numpy()
            assert (text[column].notna().to_numpy() == there).all()
            held = [v.isoformat() if isinstance(v, datetime.date) else v for v in values[there]]
            # exactly: the shortest decimal that gives the number back is printed
            assert list(text[column][there]) == held


def test_the_truth_keeps_its_own_tables_and_dictionary(tmp_path: Path) -> None:
    rough().save(tmp_path, tables="adam", truth=True)
    truth = pq.read_table(tmp_path / "truth.parquet").to_pandas()
    adsl = pq.read_table(tmp_path / "adsl.parquet").to_pandas()
    assert truth["patient"].tolist() == adsl["SUBJID"].tolist()
    assert set(pd.read_csv(tmp_path / "columns.csv")["table"]) == {"truth", "truth_visits"}
    assert not (tmp_path / "patients.parquet").exists()


def test_a_data_set_that_breaks_the_schema_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(source: object) -> dict[str, pa.Table]:
        tables = adam_tables(source)  # type: ignore[arg-type]
        return tables | {"ADAE": pa.concat_tables([tables["ADAE"]] * 2)}

    monkeypatch.setattr(files, "adam_tables", broken)
    with pytest.raises(ResultError, match=r"ADAE has .* rows that repeat their keys"):
        rough().save(tmp_path, tables="adam")
    assert list(tmp_path.iterdir()) == []


def test_data_sets_of_unknown_patients_are_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "adsl.csv").write_text("mine")
    with pytest.raises(DesignError, match=r"adsl\.csv is there, without the cohort\.json"):
        rough().save(tmp_path, tables="adam")


def test_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="tables 'sdtm' is not known; choose from plain, adam"):
        rough().save(tmp_path, tables="sdtm")


def test_a_cut_is_another_cohort_in_its_folder(tmp_path: Path) -> None:
    cut = simulate(DEMO, scenario=ROUGH, trials=4, n=40, cut_week=30.5, name="dm_ivig_16w")
    cut.save(tmp_path, tables="adam", truth=True)
    document = json.loads(cut.to_json())
    assert document["cut_week"] == 30.5
    assert "--trials 4 --cut-week 30.5 --seed" in document["rerun"]
    assert "Cut 30.5 weeks after the first site opened" in str(cut)
    with pytest.raises(DesignError, match=r"holds other patients.*another week of the cut"):
        rough().save(tmp_path)
    # of the truth only what belongs to visits that were seen
    visits = cut.visits().groupby("patient").size()
    assert cut.truth_visits().groupby("patient").size().to_dict() == visits.to_dict()
    assert len(cut.truth()) == len(cut.patients()) < 160


def test_a_cut_before_anybody_came_writes_empty_tables(tmp_path: Path) -> None:
    nothing = simulate(DEMO, scenario=ROUGH, trials=1, n=40, cut_week=0)
    nothing.save(tmp_path / "a", tables="adam")
    nothing.save(tmp_path / "p", truth=True)
    assert pq.read_table(tmp_path / "a" / "adsl.parquet").num_rows == 0
    screening = nothing.screening()
    assert screening["screened"].tolist() == [0]
    assert screening["eligible_share"].isna().all()


@pytest.mark.parametrize("cut_week", [-1.0, 2e6, float("nan")])
def test_a_cut_that_is_no_time_is_refused(cut_week: float) -> None:
    with pytest.raises(DesignError, match=r"cut_week is .*; it counts weeks"):
        simulate(DEMO, trials=1, n=20, cut_week=cut_week)


def test_a_script_gets_data_frames_and_their_dictionary() -> None:
    frames = rough().adam()
    assert set(frames) == set(NAMES)
    assert str(frames["ADSL"]["AGE"].dtype) == "Int64"
    explained = rough().define()
    assert list(explained["variable"][explained["dataset"] == "ADSL"]) == list(frames["ADSL"])
