"""``simtrial sensitivity`` as a user types it."""

from __future__ import annotations

import csv
import json
import shlex

import pytest

import simtrial as package
from simtrial.cli import main
from simtrial.cli.console import BarProgress
from simtrial.trial.design import load_design

WORDS = ("sensitivity", "dm_ivig_16w", "--trials", "120", "--n", "60", "--method", "tornado",
         "--parameter", "p_response.DM", "--parameter", "control.tis20_week16",
         "--parameter", "noise_shared")  # fmt: skip


def in_process(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run the command in this process; returns its exit code."""
    monkeypatch.setattr("sys.argv", ["simtrial", *words])
    monkeypatch.setattr("signal.signal", lambda *_: None)  # leave pytest's own handler
    with pytest.raises(SystemExit) as left:
        main.main()
    return int(left.value.code or 0)


def test_sensitivity_prints_one_json_document_and_writes_its_files(simtrial, tmp_path):
    done = simtrial(*WORDS, "--json", "--out", str(tmp_path / "o"))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["command"], document["method"], document["metric"]) == (
        "sensitivity",
        "tornado",
        "power",
    )
    assert (document["n"], document["trials"], document["seed"]) == (60, 120, 20261122)
    assert {row["parameter"] for row in document["rows"]} == {
        "p_response[DM, refractory]",
        "control.tis20_week16",
        "noise_shared",
    }
    for row in document["rows"]:
        assert {"status", "source", "base_value", "low", "high"} <= set(row)
        for end in (row["low"], row["high"]):
            wanted = {"value", "estimate", "mcse", "change", "change_mcse", "rates"}
            assert wanted <= set(end)
            assert set(end["rates"]) == {"placebo", "ivig"}
        assert row["low"]["value"] < row["base_value"] < row["high"]["value"]
    assert document["interrupted"] is False
    assert json.loads((tmp_path / "o/sensitivity.json").read_text()) == document
    with (tmp_path / "o/sensitivity.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["parameter"] for line in lines] == [r["parameter"] for r in document["rows"]]
    assert float(lines[0]["low.change"]) == document["rows"][0]["low"]["change"]
    for name in ("tornado.svg", "tornado.png"):
        assert (tmp_path / "o" / name).stat().st_size > 5_000


def test_the_rerun_line_and_the_python_name_give_the_same_rows(monkeypatch, capsys, tmp_path):
    assert in_process(monkeypatch, *WORDS, "--json", "--out", str(tmp_path / "a")) == 0
    once = capsys.readouterr().out
    document = json.loads(once)
    again = shlex.split(document["rerun"])[1:]
    assert in_process(monkeypatch, *again, "--json", "--out", str(tmp_path / "b")) == 0
    assert capsys.readouterr().out == once
    # the same document gives the same figure
    for name in ("tornado.svg", "tornado.png", "sensitivity.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    found = package.sensitivity(
        load_design("dm_ivig_16w"), parameters=document["asked"], n=60, trials=120
    )
    assert found.document["rows"] == document["rows"]
    assert found.plot().axes


def test_sensitivity_prints_its_table_and_its_conditions_for_people(monkeypatch, capsys):
    assert in_process(monkeypatch, *WORDS) == 0
    text = capsys.readouterr().out
    for part in ("paired MCSE", "Base: power", "Not varied (fixed): hill", "assumed", "fitted",
                 "Run again: simtrial sensitivity", "The stated control rate is held"):  # fmt: skip
        assert part in text


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--method", "sobol"), ["'sobol'", "choose from tornado"]),
        (("--parameter", "k_onn"), ["k_onn", "'k_on'"]),
        (("--parameter", "p_response[IBM]"), ["p_response[IBM]", "not read"]),
        (("--interval", "90"), ["interval is 90", "0.9"]),
    ],
)
def test_bad_input_ends_with_2_and_says_what_to_write(monkeypatch, capsys, words, parts):
    assert in_process(monkeypatch, "sensitivity", "dm_ivig_16w", "--json", *words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    for part in parts:
        assert part in err


def test_an_interrupt_ends_with_130_and_keeps_the_rows_finished(monkeypatch, capsys, tmp_path):
    class Interrupting(BarProgress):
        def start(self, title, total):
            steps = iter(range(total))

            def step(done):
                if next(steps) == 4:  # base, two ends, and the first end of the next: 4 batches
                    raise KeyboardInterrupt

            return step

    monkeypatch.setattr("simtrial.cli.sensitivity.BarProgress", Interrupting)
    assert in_process(monkeypatch, *WORDS, "--json", "--out", str(tmp_path)) == 130
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["interrupted"] is True
    assert len(document["rows"]) == 1
    assert document["not_finished"] == 2
    assert json.loads((tmp_path / "sensitivity.json").read_text()) == document
    assert "Interrupted" in err


def test_help_of_sensitivity_shows_an_example(monkeypatch, capsys):
    assert in_process(monkeypatch, "sensitivity", "--help") == 0
    assert "simtrial sensitivity dm_ivig_16w" in capsys.readouterr().out
