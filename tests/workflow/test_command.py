"""What a user types, and what comes back."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from simtrial.cli import start
from tests.workflow.answers import Answer
from tests.workflow.conftest import COMMAND, ROOT

DEMO = (ROOT / "configs/designs/dm_ivig_16w.yaml").read_text(encoding="utf-8")


def power_json(simtrial, *more: str) -> str:
    done = simtrial("power", "dm_ivig_16w", "--json", "--trials", "1500", *more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_same_seed_gives_the_same_bytes_for_any_workers_and_chunks(simtrial):
    once = power_json(simtrial, "--workers", "1")
    assert power_json(simtrial, "--workers", "2") == once
    assert power_json(simtrial, "--workers", "2", "--chunk", "37") == once
    assert power_json(simtrial, "--seed", "5") != once


def test_power_prints_one_json_document_that_keeps_the_contract(simtrial):
    done = simtrial("power", "dm_ivig_16w", "--json", "--trials", "400", "--n", "60")
    document = json.loads(done.stdout)
    assert document["command"] == "power"
    assert document["seed"] == 20261122
    rows = {row["scenario"]: row for row in document["scenarios"]}
    assert list(rows) == ["point", "identical_arms", "posterior"]
    for name, metric in (
        ("point", "power"),
        ("identical_arms", "type1"),
        ("posterior", "assurance"),
    ):
        found = rows[name]["metrics"][metric]
        assert rows[name]["n"] == 60
        assert set(found) == {"estimate", "mcse", "replicates", "interval95"}
        assert found["replicates"] == 400
        low, high = found["interval95"]
        assert low <= found["estimate"] <= high
        assert found["mcse"] > 0
        assert set(rows[name]["rates"]) == {"placebo", "ivig"}
    assert rows["point"]["rates"]["ivig"] > rows["point"]["rates"]["placebo"] + 0.1
    assert {a["status"] for a in document["assumptions"]} == {
        *("fitted", "published elsewhere", "assumed")
    }
    assert any(a["parameter"] == "control.tis20_week16" for a in document["assumptions"])
    assert 0.0 < document["noise_floor"]["estimate"] < 0.5
    assert document["rerun"].startswith("simtrial power dm_ivig_16w")


def test_the_rerun_line_reproduces_the_result(simtrial):
    once = power_json(simtrial, "--seed", "9", "--n", "44")
    words = json.loads(once)["rerun"].split()[1:]
    assert simtrial(*words, "--json").stdout == once


def test_both_engines_give_the_same_json(simtrial):
    few = ("power", "dm_ivig_16w", "--json", "--trials", "15", "--scenario", "point")
    quick, readable = (simtrial(*few, "--engine", e).stdout for e in ("compiled", "reference"))
    assert json.loads(quick)["scenarios"][0]["metrics"]["power"]["replicates"] == 15
    ours, theirs = json.loads(quick), json.loads(readable)
    assert ours == theirs


def test_size_finds_n_and_writes_its_figure(simtrial, tmp_path):
    done = simtrial(
        "size", "dm_ivig_16w", "--trials", "600", "--out", str(tmp_path / "o"), "--json"
    )
    document = json.loads(done.stdout)
    assert document["n"] in [point["n"] for point in document["curve"]]
    assert 40 < document["n"] < 150
    low, high = document["n_interval"]
    assert low <= document["n"] <= high
    at = [point["n"] for point in document["curve"]].index(document["n"])
    assert all(point["power"]["estimate"] >= 0.8 for point in document["curve"][at:])
    assert document["curve"][at - 1]["power"]["estimate"] < 0.8
    assert json.loads((tmp_path / "o/size.json").read_text()) == document
    for name in ("power_and_assurance.svg", "power_and_assurance.png"):
        assert (tmp_path / "o" / name).stat().st_size > 5_000
    assert [row["scenario"] for row in document["scenarios"]] == ["point", "posterior"]


def test_an_unreachable_target_ends_well_and_says_why(simtrial, tmp_path):
    scenario = tmp_path / "weak.yaml"
    scenario.write_text("from: point\nset: {p_response.DM: 0.0}\n")
    done = simtrial("size", "dm_ivig_16w", "--trials", "60", "--scenario", str(scenario), "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 0
    assert document["n"] is None
    assert document["limit"]["mcse"] >= 0.0
    assert "not reached" in document["answer"]


def test_size_prints_its_answer_its_error_and_its_origins_for_people(simtrial):
    text = simtrial("size", "dm_ivig_16w", "--trials", "300").stdout
    for part in ("<- smallest n", "For a protocol:", "Noise floor", "Run again: simtrial size",
                 "fitted", "assumed", "placebo, observed", "ivig, composite"):  # fmt: skip
        assert part in text


@pytest.mark.parametrize(
    ("change", "to", "parts"),
    [
        ("at_week: 16", "at_week: -16", ["line 13", "endpoint.at_week", "-16", "at_week: 16"]),
        ("n: 94", "n: -94", ["line 18", "sample_size.n", "-94", "n: 94"]),
        ("block_sizes: [4]", "block_sizes: [3]", ["line 8", "allocation", "[4]"]),
        ("threshold: 20", "treshold: 20", ["endpoint.treshold", "'threshold'"]),
        ("mmt_below: 142", "mmt_below: 14", ["population.eligibility", "%"]),
    ],
)
def test_bad_input_ends_with_2_and_says_where_what_and_what_to_write(
    simtrial, tmp_path, change, to, parts
):
    design = tmp_path / "design.yaml"
    assert change in DEMO
    design.write_text(DEMO.replace(change, to))
    done = simtrial("power", str(design), "--json", "--trials", "10")
    assert done.returncode == 2
    assert done.stdout == ""
    for part in parts:
        assert part in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_option_is_an_error(simtrial):
    done = simtrial("power", "dm_ivig_16w", "--trails", "10")
    assert done.returncode == 2
    assert "--trials" in done.stderr


def test_a_design_without_a_decision_has_no_power(simtrial):
    done = simtrial("power", "documents/lim21")
    assert done.returncode == 2
    assert "decision" in done.stderr


def test_a_folder_that_cannot_be_made_is_refused_before_the_work(simtrial, tmp_path):
    (tmp_path / "file").write_text("")
    done = simtrial("size", "dm_ivig_16w", "--out", str(tmp_path / "file" / "sub"))
    assert done.returncode == 2
    assert "--out" in done.stderr


def test_a_damaged_posterior_is_refused(simtrial, tmp_path):
    (tmp_path / "p.npz").write_bytes(b"PK nonsense")
    done = simtrial("power", "dm_ivig_16w", "--posterior", str(tmp_path / "p.npz"))
    assert done.returncode == 2
    assert "simtrial fit" in done.stderr


def test_an_interrupt_keeps_what_was_finished(simtrial):
    simtrial("power", "dm_ivig_16w", "--trials", "10")  # compiled code is in its cache from here on
    words = ["power", "dm_ivig_16w", "--trials", "4000000", "--json", "--scenario", "point"]
    process = subprocess.Popen(
        [*COMMAND, *words, "--chunk", "50"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        time.sleep(12.0)  # long enough to start and to finish some batches, far from all
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)  # as some shells do; the echo must not end the writing
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, err
    done = json.loads(out)["scenarios"][0]["metrics"]["power"]
    assert 50 <= done["replicates"] < 4_000_000
    assert "Interrupted" in err


def test_replicate_prints_document_002_against_its_predictive_intervals(simtrial):
    done = simtrial("replicate", "--trials", "500", "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 0
    assert document["coverage"] == {"facts": 11, "inside95": 11}
    harm = {f["id"]: (f["printed"], f["n"]) for f in document["facts"] if f["about"] == "harm"}
    assert harm == {
        "lim21.adverse_event.ivig": (20, 20),
        "lim21.serious_patients.ivig": (2, 20),
        "lim21.thromboembolism.ivig": (1, 20),
        "lim21.stopped_for_harm.ivig": (0, 20),
    }


def test_replicate_says_which_count_lies_outside_and_ends_with_3(call, monkeypatch):
    def one_outside(*_, **__):
        row = {"label": "L22", "what": "TIS >= 40 by week 9", "printed": 19, "n": 19, "median": 7.0}
        row |= {"interval95": [1.0, 14.0], "tail": 0.0, "about": "response", "inside95": False}
        other = {"label": "L45", "what": "an adverse event", "printed": 20, "n": 20}
        return {"facts": [row, row | other | {"about": "harm", "inside95": True}]}

    monkeypatch.setattr("simtrial.validation.documents.replicate_lim21", one_outside)
    done = call("replicate", "--quiet")
    assert done.code == 3
    assert "response of the 19 patients analysed, harm of the 20 included" in done.out
    assert done.out.endswith("of what the posterior predicts: TIS >= 40 by week 9 (L22).\n")


def test_help_shows_an_example(simtrial):
    for command in ("size", "power", "fit", "replicate", "report"):
        assert f"simtrial {command}" in simtrial(command, "--help").stdout


def test_size_refuses_a_scenario_without_benefit(simtrial):
    done = simtrial("size", "dm_ivig_16w", "--scenario", "identical_arms")
    assert done.returncode == 2
    assert "line 1: from is 'identical_arms'" in done.stderr


def test_a_row_tells_what_its_scenario_replaced_and_the_digest_knows_it(simtrial, tmp_path):
    scenario = tmp_path / "low.yaml"
    scenario.write_text("from: point\nset: {control.tis20_week16: 0.3}\n")
    few = ("power", "dm_ivig_16w", "--json", "--trials", "50", "--scenario")
    usual, low = (json.loads(simtrial(*few, name).stdout) for name in ("point", str(scenario)))
    assert low["scenarios"][0]["replaced"][0]["parameter"] == "control.tis20_week16"
    assert low["scenarios"][0]["control_rate_stated"] == 0.3
    assert usual["scenarios"][0]["replaced"] == []
    assert low["digest"] != usual["digest"]


def test_an_error_that_the_posterior_cannot_reach_is_said_not_hidden(simtrial):
    words = ("power", "dm_ivig_16w", "--scenario", "posterior", "--mcse", "0.004", "--json")
    row = json.loads(simtrial(*words).stdout)["scenarios"][0]
    found = row["metrics"]["assurance"]["mcse"]
    assert row["mcse_target"] == {"value": 0.004, "met": found <= 0.0044}
    assert row["rates_mcse"]["ivig"] > 0.001  # rows are shared, so patients alone would say less


def test_an_interrupt_while_the_command_loads_ends_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupting:
        """Finds a module as a user's Ctrl-C would let it be found."""

        def find_spec(self, name: str, *_: object) -> None:
            if name == "simtrial.cli.main":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "simtrial.cli.main", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        start.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "Interrupted before anything was finished.\n"


def test_options_that_an_exact_answer_has_no_use_for_are_named(call: Callable[..., Answer]) -> None:
    told = call("power", "outcome_binary_two_arm", "--mcse", "0.001", "--engine", "reference")
    assert (told.code, "(exact)" in told.out) == (0, True)
    assert "Exact, so nothing is simulated: --mcse, --engine had no use." in told.err
    assert "had no use" not in call("power", "outcome_binary_two_arm").err
