"""Simulated time-to-event trials against rpact's simulation of the same trials.

The answers of rpact are in golden/rpact/survival.json, 200,000 trials a setting; how they were
made stands beside it. Every comparison is at 4.9 standard errors of the difference, a false alarm
of 1e-6; with 100,000 trials here it sees 1 point of a power near 0.5, 0.02 of a mean z, 0.06
events of the treated and 0.02 to 0.05 months of a time of analysis with probability 0.5.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simtrial.stats.survival.decisions import Bounds, Decisions, EventSummary, decide, summarise
from simtrial.stats.survival.event_design import Allocation, EventPlan, EventWorld, Looks
from simtrial.stats.survival.piecewise import PiecewiseRate, rate_of_share
from simtrial.stats.survival.trials import EventTrials, simulate_trials

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden/rpact/survival.json").read_text(encoding="utf-8")
)
SETTINGS = sorted(name for name, entry in GOLDEN.items() if isinstance(entry, dict))
FAR = 4.9
TRIALS, SEED = 100_000, 20261124


@dataclass(frozen=True, kw_only=True)
class Ours:
    """One setting, simulated here."""

    trials: EventTrials
    decisions: Decisions
    summary: EventSummary


@cache
def simulated(name: str) -> Ours:
    want = GOLDEN[name]
    starts, looks = want["starts"], len(want["events_wanted"])
    world = EventWorld(
        treated_hazard=PiecewiseRate(starts=tuple(starts), rates=tuple(want["treated_rates"])),
        control_hazard=PiecewiseRate(starts=tuple(starts), rates=tuple(want["control_rates"])),
        treated_dropout=rate_of_share(want["dropout_share_by_1"][0], by=1.0),
        control_dropout=rate_of_share(want["dropout_share_by_1"][1], by=1.0),
        accrual=PiecewiseRate(
            starts=tuple(GOLDEN["accrual_starts"]), rates=tuple(GOLDEN["accrual_rates"])
        ),
    )
    treated, control = want["ratio"]
    plan = EventPlan(
        n=GOLDEN["n"],
        looks=Looks(events=tuple(want["events_wanted"])),
        allocation=Allocation(kind="in_turn", treated=treated, control=control),
    )
    trials = simulate_trials(plan, world, seed=SEED, trials=TRIALS)
    futility = tuple(want["futility"]) if looks > 1 else ()
    decisions = decide(trials, Bounds(efficacy=tuple(want["efficacy"]), futility=futility))
    return Ours(trials=trials, decisions=decisions, summary=summarise(trials, decisions))


def assert_share(ours: float, theirs: float, what: str) -> None:
    middle = (ours * TRIALS + theirs * GOLDEN["iterations"]) / (TRIALS + GOLDEN["iterations"])
    error = math.sqrt(middle * (1 - middle) * (1 / TRIALS + 1 / GOLDEN["iterations"]))
    assert abs(ours - theirs) <= FAR * error, f"{what}: {ours} here, {theirs} of rpact"


def assert_mean(ours: Any, mean: float, sd: float, n: int, what: str) -> None:
    values = np.asarray(ours, np.float64)
    error = math.hypot(values.std() / math.sqrt(values.size), sd / math.sqrt(n))
    # rpact adds up to 1e-9 to a time of analysis; where nothing varies that is all
    assert abs(values.mean() - mean) <= FAR * error + 1e-8, (
        f"{what}: {values.mean()} here, {mean} of rpact, error {error}"
    )


@pytest.fixture(params=SETTINGS)
def setting(request: pytest.FixtureRequest) -> tuple[dict[str, Any], Ours]:
    return GOLDEN[request.param], simulated(request.param)


def test_success_and_futility_at_every_look_are_rpacts(setting) -> None:
    want, ours = setting
    assert_share(ours.summary.power.value, sum(want["success_at"]), "power")
    for look in range(len(want["events_wanted"])):
        assert_share(ours.summary.success_at[look].value, want["success_at"][look], "success")
        assert_share(ours.summary.futility_at[look].value, want["futility_at"][look], "futility")


def test_what_is_seen_at_every_look_reached_is_rpacts(setting) -> None:
    want, ours = setting
    for look, reached in enumerate(want["reached"]):
        last = np.where(ours.decisions.look >= 0, ours.decisions.look, 99)
        here = (last >= look) & (ours.trials.status[:, look] == 0)
        assert_share(here.mean(), reached / GOLDEN["iterations"], f"look {look} reached")
        for name, column in (
            ("time", ours.trials.time),
            ("z", ours.trials.z),
            ("events_treated", ours.trials.events_treated),
            ("enrolled", ours.trials.enrolled),
        ):
            mean, sd = want[name]["mean"][look], want[name]["sd"][look]
            assert_mean(column[here, look], mean, sd, reached, f"{name} at look {look}")


def test_z_at_the_first_look_spreads_as_rpacts_does(setting) -> None:
    want, ours = setting
    # of a nearly normal z the standard deviation's own error is sd / sqrt(2 n)
    ours_sd, theirs = float(ours.trials.z[:, 0].std()), want["z"]["sd"][0]
    error = theirs * math.sqrt(0.5 / TRIALS + 0.5 / GOLDEN["iterations"])
    assert abs(ours_sd - theirs) < FAR * error


def test_expected_duration_and_events_are_rpacts(setting) -> None:
    want, ours = setting
    for name in ("duration", "events"):
        found = getattr(ours.summary, name)
        error = math.hypot(found.mcse, want[name]["sd"] / math.sqrt(want["ended"]))
        assert abs(found.value - want[name]["mean"]) <= FAR * error + 1e-8, name
