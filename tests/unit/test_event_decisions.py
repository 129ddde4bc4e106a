"""Decisions and summaries of time-to-event trials, on looks written by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from simtrial.stats.survival.decisions import Bounds, Reason, decide, summarise
from simtrial.stats.survival.event_design import EventPlan, EventWorld, Looks
from simtrial.stats.survival.piecewise import constant_rate
from simtrial.stats.survival.trials import EventTrials, LookStatus, simulate_trials

H, AT, NO = LookStatus.HELD, LookStatus.AT_LATEST, LookStatus.NOT_HELD
NAN = math.nan
BOUNDS = Bounds(efficacy=(3.0, 2.5, 2.0), futility=(0.0, 0.5))


def trials_of(z: list[list[float]], status: list[list[int]] | None = None) -> EventTrials:
    """Return trials with these z; look k has 10 (k + 1) events, enrols 20 (k + 1), at 5 (k + 1)."""
    rows, looks = len(z), len(z[0])
    plan = EventPlan(n=60, looks=Looks(events=tuple(10 * (k + 1) for k in range(looks))))
    some = simulate_trials(
        plan,
        EventWorld(
            treated_hazard=constant_rate(0.1),
            control_hazard=constant_rate(0.1),
            accrual=constant_rate(9.0),
        ),
        seed=1,
        trials=rows,
    )
    step = np.tile(np.arange(1, looks + 1), (rows, 1))
    return replace(
        some,
        z=np.array(z),
        status=np.array(status or np.zeros((rows, looks)), np.int8),
        time=5.0 * step,
        enrolled=20 * step,
        events_control=4 * step,
        events_treated=6 * step,
    )


@pytest.mark.parametrize(
    ("z", "reason", "look"),
    [
        ((3.0, 0.0, 0.0), Reason.SUCCESS, 0),  # at the bound
        ((math.nextafter(3.0, 0.0), 2.5, 0.0), Reason.SUCCESS, 1),
        ((math.nextafter(0.0, -1.0), 9.0, 9.0), Reason.FUTILITY, 0),
        ((0.0, 0.4, 9.0), Reason.FUTILITY, 1),  # z is below its bound, not at it
        ((1.0, 1.0, 2.0), Reason.SUCCESS, 2),
        ((1.0, 1.0, 1.999), Reason.NO_SUCCESS, 2),
        ((1.0, 1.0, -9.0), Reason.NO_SUCCESS, 2),
        ((NAN, 2.6, 0.0), Reason.SUCCESS, 1),  # without a z nothing is decided
        ((NAN, NAN, NAN), Reason.NO_SUCCESS, 2),
    ],
)
def test_a_trial_ends_at_the_first_bound_it_reaches(z, reason, look) -> None:
    found = decide(trials_of([list(z)]), BOUNDS)
    assert (found.reason[0], found.look[0]) == (reason, look)


@pytest.mark.parametrize(
    ("z", "status", "reason", "look"),
    [
        ((1.0, NAN, NAN), (H, NO, NO), Reason.UNFINISHED, -1),
        ((4.0, NAN, NAN), (H, NO, NO), Reason.SUCCESS, 0),
        ((-1.0, NAN, NAN), (H, NO, NO), Reason.FUTILITY, 0),
        ((1.0, NAN, 2.1), (H, NO, AT), Reason.SUCCESS, 2),
        ((NAN, NAN, 1.0), (NO, NO, AT), Reason.NO_SUCCESS, 2),
    ],
)
def test_a_look_that_was_not_held_is_passed_over(z, status, reason, look) -> None:
    found = decide(trials_of([list(z)], [list(status)]), BOUNDS)
    assert (found.reason[0], found.look[0]) == (reason, look)


def test_without_a_rule_of_futility_no_trial_is_given_up() -> None:
    found = decide(trials_of([[-9.0, -9.0, -9.0]]), Bounds(efficacy=(3.0, 2.5, 2.0)))
    assert (found.reason[0], found.look[0]) == (Reason.NO_SUCCESS, 2)


def test_shares_and_means_are_counted_by_hand() -> None:
    trials = trials_of(
        [[3.5, 0, 0], [1, 2.7, 0], [-1, 0, 0], [1, 1, 1], [1, NAN, NAN]],
        [[H, H, H], [H, H, H], [H, H, H], [H, H, H], [H, NO, NO]],
    )
    found = summarise(trials, decide(trials, BOUNDS))
    assert found.trials == found.power.n == 5
    assert found.power.value == pytest.approx(2 / 5)
    assert found.power.mcse == pytest.approx(math.sqrt(0.4 * 0.6 / 5))
    assert [e.value for e in found.success_at] == pytest.approx([1 / 5, 1 / 5, 0])
    assert [e.value for e in found.futility_at] == pytest.approx([1 / 5, 0, 0])
    # the last one's second look was due but never held
    assert [e.value for e in found.held_at] == pytest.approx([1, 2 / 5, 1 / 5])
    assert found.unfinished.value == pytest.approx(1 / 5)
    # ended at looks 1, 2, 1, 3
    ended = np.array([1.0, 2.0, 1.0, 3.0])
    for estimate, unit in ((found.events, 10), (found.patients, 20), (found.duration, 5)):
        assert estimate.n == 4
        assert estimate.value == pytest.approx(unit * ended.mean())
        assert estimate.mcse == pytest.approx(unit * ended.std(ddof=1) / 2)


def test_means_of_trials_of_which_none_ends_are_told_as_no_number() -> None:
    trials = trials_of([[1, NAN, NAN]], [[H, NO, NO]])
    found = summarise(trials, decide(trials, BOUNDS))
    assert (found.duration.n, found.unfinished.value) == (0, 1.0)
    assert math.isnan(found.duration.value)
