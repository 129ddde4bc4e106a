"""A sweep's file: how it is expanded into jobs, and what is said of its faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from simtrial.core.errors import DesignError
from simtrial.sweep.plan import Plan, load_plan
from simtrial.trial.posterior import load_posterior
from simtrial.trial.shipped import shipped_names
from tests.workflow.conftest import ROOT

POSTERIOR = load_posterior()


def plan_of(folder: Path, text: str, **more) -> Plan:
    path = folder / "sweep.yaml"
    path.write_text(text)
    return load_plan(str(path), POSTERIOR, **({"seed": 1} | more))


def test_designs_come_first_then_n_then_scenarios_in_the_order_written(tmp_path):
    plan = plan_of(
        tmp_path,
        "designs:\n"
        "  - {design: dm_ivig_16w, n: [60, 40]}\n"
        "  - dm_ivig_16w\n"
        "scenarios:\n"
        "  - posterior\n"
        "  - {name: high, from: point, set: {p_response.DM: 0.9}}\n",
    )
    assert [job.name for job in plan.jobs] == [
        "dm_ivig_16w n=60 posterior",
        "dm_ivig_16w n=60 high",
        "dm_ivig_16w n=40 posterior",
        "dm_ivig_16w n=40 high",
        "dm_ivig_16w n=94 posterior",
        "dm_ivig_16w n=94 high",
    ]
    assert [job.design.sample_size.n for job in plan.jobs] == [60, 60, 40, 40, 94, 94]
    high = plan.jobs[1].scenario
    assert (high.source, high.set["p_response.DM"].value) == ("point", 0.9)


def test_one_n_needs_no_list_and_a_scenario_may_be_called_otherwise(tmp_path):
    plan = plan_of(
        tmp_path,
        "designs: [{design: dm_ivig_16w, n: 30}]\nscenarios: [{name: none, scenario: no_effect}]\n",
    )
    assert [job.name for job in plan.jobs] == ["dm_ivig_16w n=30 none"]
    assert plan.jobs[0].scenario.source == "no_effect"


def test_paths_count_from_the_sweeps_own_folder(tmp_path, monkeypatch):
    design = (ROOT / "configs/designs/dm_ivig_16w.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(design.replace("n: 94", "n: 44"))
    (tmp_path / "high.yaml").write_text("from: point\nset: {p_response.DM: 0.9}\n")
    monkeypatch.chdir(ROOT)
    plan = plan_of(tmp_path, "designs: [mine.yaml]\nscenarios: [high.yaml]\n")
    assert plan.jobs[0].name == "mine.yaml n=44 high.yaml"


def test_trials_of_the_command_go_before_the_files_own(tmp_path):
    text = "designs: [dm_ivig_16w]\nscenarios: [point]\n"
    assert plan_of(tmp_path, text).trials == 10_000
    assert plan_of(tmp_path, text + "trials: 300\n").trials == 300
    assert plan_of(tmp_path, text + "trials: 300\n", trials=20).trials == 20


def test_every_shipped_sweep_can_be_planned():
    assert "example" in shipped_names("sweeps")
    for name in shipped_names("sweeps"):
        assert len(load_plan(name, POSTERIOR, seed=1).jobs) > 1


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "designs: [dm_ivig_16w]\nscenario: [point]\n",
            ["line 2", "scenario is not a known key", "'scenarios'"],
        ),
        (
            "designs:\n  - dm_ivig_16w\n  - {desing: dm_ivig_16w}\nscenarios: [point]\n",
            ["line 3", "designs[1].desing is not a known key", "'design'"],
        ),
        (
            "designs: [dm_ivig_16w]\nscenarios:\n  - point\n  - {name: a, form: point}\n",
            ["line 4", "scenarios[1].form is not a known key", "'from'"],
        ),
        (
            "designs: [dm_ivig_16w]\nscenarios:\n  - {name: a, from: point, scenario: point}\n",
            ["line 3", "scenarios[0].scenario", "name or path, or from: and set:"],
        ),
        (
            "designs: [dm_ivig_16w]\nscenarios:\n  - {from: point}\n",
            ["line 3", "needs a name"],
        ),
        (
            "designs: [dm_ivig_16w]\nscenarios:\n  - {scenario: point, set: {depth: 1}}\n",
            ["line 3", "scenarios[0].set", "goes with from:"],
        ),
        (
            "designs: [dm_ivig_16w]\nscenarios:\n  - name: a\n    from: point\n    set:\n"
            "      p_respons.DM: 0.6\n",
            ["line 6", "p_respons.DM is not a known parameter", "'p_response.DM'"],
        ),
        (
            "designs:\n  - {design: dm_ivig_16w, n: [60, 1]}\nscenarios: [point]\n",
            ["line 2", "designs[0].n holds 1", "n: 94"],
        ),
        (
            "designs:\n  - dm_ivig\nscenarios: [point]\n",
            ["line 2", "designs[0]", "dm_ivig is neither a file nor a shipped name"],
        ),
        (
            "designs: [dm_ivig_16w]\nscenarios: [point, point]\n",
            ["two jobs are called 'dm_ivig_16w n=94 point'", "different names"],
        ),
        ("designs: []\nscenarios: [point]\n", ["line 1", "designs", "[dm_ivig_16w]"]),
        ("designs: [dm_ivig_16w]\n", ["scenarios is missing", "[point, identical_arms]"]),
        ("[1]\n", ["sweep.yaml", "'key: value'"]),
    ],
)
def test_a_fault_is_told_with_its_place_its_rule_and_what_to_write(tmp_path, text, parts):
    with pytest.raises(DesignError) as fault:
        plan_of(tmp_path, text)
    for part in parts:
        assert part in str(fault.value)


def test_what_decides_a_jobs_result_names_it(tmp_path):
    text = "designs: [{design: dm_ivig_16w, n: [20, 22]}]\nscenarios: [point, posterior]\n"
    base = plan_of(tmp_path, text)
    names = base.identities()
    for other in (plan_of(tmp_path, text, seed=2), plan_of(tmp_path, text, trials=7)):
        names += other.identities()
    assert len(set(names)) == 12
    assert plan_of(tmp_path, text).identities() == base.identities()
