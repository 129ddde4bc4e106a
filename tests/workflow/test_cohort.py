"""What a user types to get synthetic patients, and what comes back."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import simtrial as package
from simtrial.cli.main import app


def test_the_command_writes_tables_figures_and_one_json_document(simtrial, tmp_path):
    words = ("cohort", "dm_ivig_16w", "--n", "30", "--json")
    done = simtrial(*words, "--seed", "7", "--out", str(tmp_path / "o"))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    wanted = {"simtrial", "command", "design", "digest", "seed", "trials", "n", "rows", "screened"}
    assert wanted <= set(document)
    assert str(tmp_path) not in done.stdout
    found = tmp_path / "o"
    assert sorted(path.name for path in found.iterdir()) == document["files"]
    assert pq.read_table(found / "patients.parquet").num_rows == 30 == document["rows"]["patients"]
    pictures = [path for path in found.iterdir() if path.suffix == ".png"]
    assert len(pictures) == 7
    assert min(path.stat().st_size for path in pictures) > 20_000
    assert all(path.stem in (found / "README.txt").read_text() for path in pictures)
    assert (found / "pictures.html").read_text().count("<svg") == 7
    assert json.loads((found / "cohort.json").read_text()) == document

    again = document["rerun"].split()[1:-1]
    repeated = simtrial(*again, str(tmp_path / "again"), "--json", "--engine", "reference")
    assert repeated.stdout == done.stdout
    for path in found.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name

    other = simtrial(*words, "--out", str(found), "--seed", "8")
    assert other.returncode == 2
    assert "holds other patients" in other.stderr
    assert other.stdout == ""


def test_data_sets_of_a_cut_come_with_their_schema(tmp_path):
    words = ["cohort", "dm_ivig_16w", "--n", "20", "--tables", "adam", "--cut-week", "60", "--json"]
    done = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "o")])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert (document["tables"], document["cut_week"]) == ("adam", 60.0)
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == document["files"]
    schema = json.loads((tmp_path / "o" / "define.json").read_text())
    for dataset in schema["datasets"]:
        table = pq.read_table(tmp_path / "o" / f"{dataset['name'].lower()}.parquet")
        assert table.column_names == [variable["name"] for variable in dataset["variables"]]
        assert table.num_rows == document["datasets"][dataset["name"]]
        assert table.num_rows > 0

    again = document["rerun"].split()[1:-1]
    repeated = CliRunner().invoke(app, [*again, str(tmp_path / "again"), "--json"])
    assert repeated.stdout == done.stdout
    for path in (tmp_path / "o").iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize(
    "words",
    [
        ("--format", "sas"),
        ("--tables", "sdtm"),
        ("--cut-week", "-1"),
        ("--engine", "fast"),
        ("--trials", "0"),
        ("--show", "-1"),
        ("--colour", "red"),
    ],
)
def test_unknown_options_and_values_end_with_2(words, tmp_path):
    out = ("--out", str(tmp_path / "o"))
    assert CliRunner().invoke(app, ["cohort", "dm_ivig_16w", *out, *words]).exit_code == 2
    assert not (tmp_path / "o").exists()


def test_a_trial_to_show_that_is_not_simulated_ends_with_2_before_the_work(simtrial, tmp_path):
    done = simtrial("cohort", "dm_ivig_16w", "--show", "3", "--out", str(tmp_path / "o"))
    assert done.returncode == 2
    assert "show is 3" in done.stderr
    assert not (tmp_path / "o").exists()


def test_help_of_cohort_shows_an_example():
    assert "simtrial cohort dm_ivig_16w" in CliRunner().invoke(app, ["cohort", "--help"]).output


def test_a_script_gets_data_frames_sentences_and_figures():
    design = package.load_design("dm_ivig_16w")
    found = package.simulate(design, scenario="posterior", trials=3, n=20)
    assert len(found.patients()) == len(found.table()) == 60
    assert set(found.visits()["week"]) == {0, 4, 8, 12, 16}
    assert list(found.events().columns)[:4] == ["study", "trial", "patient", "arm"]
    assert "3 trials of n = 20" in str(found)
    assert found.plot().axes and found.plot("trajectories").axes
    assert json.loads(found.to_json())["scenario"] == "posterior"
