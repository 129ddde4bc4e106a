"""Simulated time-to-event trials against theory.

Every check has a false-alarm rate of at most 1e-6: exact tests at that level, and 4.9 standard
errors where a sum of thousands of independent terms is compared with its mean and its own exact
variance. What each can see is said beside it.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binomtest, chi2, norm, poisson

from simtrial.stats.survival.event_design import Allocation, EventPlan, EventWorld, Looks
from simtrial.stats.survival.event_draws import draw_patients
from simtrial.stats.survival.logrank import compare_arms
from simtrial.stats.survival.piecewise import PiecewiseRate, constant_rate, cumulate, survive
from simtrial.stats.survival.trials import simulate_trials

FALSE_ALARM = 1e-6
FAR = 4.9  # standard errors, both sides: 9.6e-7
SEED = 20261124
FALLING = PiecewiseRate(starts=(0.0, 3.0, 12.0), rates=(0.09, 0.05, 0.02))
RISING = PiecewiseRate(starts=(0.0, 6.0), rates=(0.01, 0.06))


def pool(plan: EventPlan, world: EventWorld, replicates: int) -> dict[str, np.ndarray]:
    """Return the patients of many replicates, one after the other."""
    several = [draw_patients(plan, world, seed=SEED, replicate=r) for r in range(replicates)]
    return {
        name: np.concatenate([getattr(p, name) for p in several])
        for name in ("arrival", "arm", "exit", "has_event")
    }


def plan_of(n: int, **how: object) -> EventPlan:
    return EventPlan(n=n, looks=Looks(times=(1.0,)), allocation=Allocation(**how))  # type: ignore[arg-type]


# 20,000 patients an arm: a shift of 1.7 points from 0.5 is seen with probability 0.5, 2.2 with 0.9
@pytest.mark.parametrize("time", [1.0, 3.0, 7.0, 12.0, 30.0])
def test_events_under_piecewise_hazards_come_as_the_survival_curve_says(time: float) -> None:
    world = EventWorld(treated_hazard=RISING, control_hazard=FALLING, accrual=constant_rate(10.0))
    patients = pool(plan_of(2000), world, 20)
    for arm, hazard in ((1, RISING), (0, FALLING)):
        exits = patients["exit"][patients["arm"] == arm]
        later = int((exits > time).sum())
        share = float(survive(hazard, [time])[0])
        assert binomtest(later, exits.size, share).pvalue > FALSE_ALARM


# 20,000 patients an arm, as above
def test_dropout_takes_its_share_of_exits_in_each_arm() -> None:
    """Under constant hazards h and d, h / (h + d) leave by the event, whatever the time."""
    world = EventWorld(
        treated_hazard=constant_rate(0.05),
        control_hazard=constant_rate(0.08),
        treated_dropout=constant_rate(0.03),
        control_dropout=constant_rate(0.01),
        accrual=constant_rate(10.0),
    )
    patients = pool(plan_of(2000), world, 20)
    for arm, share in ((1, 5 / 8), (0, 8 / 9)):
        events = patients["has_event"][patients["arm"] == arm]
        assert binomtest(int(events.sum()), events.size, share).pvalue > FALSE_ALARM


# events and dropouts of a patient are independent: the exit has the sum of the hazards
@pytest.mark.parametrize("time", [1.0, 5.0, 15.0])
def test_exits_have_the_hazards_of_event_and_dropout_together(time: float) -> None:
    world = EventWorld(
        treated_hazard=RISING,
        control_hazard=FALLING,
        treated_dropout=FALLING,
        control_dropout=RISING,
        accrual=constant_rate(10.0),
    )
    exits = pool(plan_of(2000), world, 20)["exit"]
    share = float((survive(FALLING, [time]) * survive(RISING, [time]))[0])
    assert binomtest(int((exits > time).sum()), exits.size, share).pvalue > FALSE_ALARM


# some 34,000 arrivals: a rate 2.7 % off is seen with probability 0.5
@pytest.mark.parametrize("until", [2.0, 4.0, 10.0])
def test_poisson_arrivals_by_a_time_are_a_poisson_number(until: float) -> None:
    accrual = PiecewiseRate(starts=(0.0, 4.0), rates=(5.0, 15.0))
    world = EventWorld(
        treated_hazard=RISING, control_hazard=RISING, accrual=accrual, arrivals="poisson"
    )
    # 200 patients are far more than come by 10: 110 expected
    trials, plan = 300, plan_of(200)
    counts = np.array(
        [
            (draw_patients(plan, world, seed=SEED, replicate=r).arrival <= until).sum()
            for r in range(trials)
        ]
    )
    mean = float(cumulate(accrual, [until])[0])
    total = int(counts.sum())
    low, high = poisson.cdf(total, trials * mean), poisson.sf(total - 1, trials * mean)
    assert 2.0 * min(low, high) > FALSE_ALARM
    # and it spreads like one: the dispersion statistic, chi-squared to about 1 / mean
    dispersion = ((counts - counts.mean()) ** 2).sum() / mean
    assert chi2.sf(dispersion, trials - 1) > FALSE_ALARM
    assert chi2.cdf(dispersion, trials - 1) > FALSE_ALARM


# 30,000 blocks: a cell of 1/6 that is 1.2 points off is seen with probability 0.5 or more
def test_every_order_of_a_block_is_equally_likely() -> None:
    world = EventWorld(treated_hazard=RISING, control_hazard=RISING, accrual=constant_rate(10.0))
    arm = pool(plan_of(4000, block_sizes=(4,)), world, 30)["arm"].reshape(-1, 4)
    found = arm @ [8, 4, 2, 1]
    orders = [sum(2 ** (3 - i) for i in pair) for pair in itertools.combinations(range(4), 2)]
    counts = np.array([(found == order).sum() for order in orders])
    assert counts.sum() == arm.shape[0]
    expected = arm.shape[0] / 6
    assert chi2.sf(((counts - expected) ** 2 / expected).sum(), 5) > FALSE_ALARM


def test_block_sizes_are_equally_likely_and_simple_allocation_keeps_the_ratio() -> None:
    world = EventWorld(treated_hazard=RISING, control_hazard=RISING, accrual=constant_rate(10.0))
    # of blocks of 2 and 6 in 1:1, the first two patients differ in arm always, or in 3 of 5
    first = np.array(
        [
            draw_patients(plan_of(2, block_sizes=(2, 6)), world, seed=SEED, replicate=r).arm
            for r in range(20_000)
        ]
    )
    differ = int((first[:, 0] != first[:, 1]).sum())
    assert binomtest(differ, 20_000, 0.5 * 1.0 + 0.5 * 0.6).pvalue > FALSE_ALARM
    arm = pool(plan_of(2000, kind="simple", treated=2, control=1), world, 20)["arm"]
    assert binomtest(int(arm.sum()), arm.size, 2 / 3).pvalue > FALSE_ALARM
    alike = int((arm[1:] == arm[:-1])[::2].sum())  # disjoint pairs: independent patients
    assert binomtest(alike, arm.size // 2, 5 / 9).pvalue > FALSE_ALARM


# Of 4,000 trials of 150: the standard error is some 0.1 events in 60 or 0.002 of it, so a shift of
# 1 % is seen with certainty
@pytest.mark.parametrize("arm", [0, 1])
@pytest.mark.parametrize("when", [6.0, 14.0, 40.0])
def test_events_by_a_calendar_time_are_the_integral_of_the_hazard_before_dropout(
    arm: int, when: float
) -> None:
    hazards, dropouts = (FALLING, RISING), (constant_rate(0.01), constant_rate(0.04))
    world = EventWorld(
        treated_hazard=hazards[1],
        control_hazard=hazards[0],
        treated_dropout=dropouts[1],
        control_dropout=dropouts[0],
        accrual=PiecewiseRate(starts=(0.0, 4.0), rates=(5.0, 15.0)),
    )
    n, trials = 150, 4000
    plan = EventPlan(
        n=n, looks=Looks(times=(when,)), allocation=Allocation(kind="in_turn", treated=1, control=2)
    )
    found = simulate_trials(plan, world, seed=SEED, trials=trials)
    events = (found.events_control, found.events_treated)[arm].sum()

    def chance(follow_up: float) -> float:
        """Return the chance of an event by then, before dropout."""
        borders = [b for b in (0.0, 3.0, 6.0, 12.0) if b < follow_up] + [follow_up]
        hazard, dropout = hazards[arm], dropouts[arm]

        def density(t: float) -> float:
            rate = hazard.rates[int(np.searchsorted(hazard.starts, t, side="right")) - 1]
            return rate * float((survive(hazard, [t]) * survive(dropout, [t]))[0])

        return sum(quad(density, a, b)[0] for a, b in itertools.pairwise(borders))

    patients = draw_patients(plan, world, seed=SEED, replicate=0)  # even: arrivals have no chance
    arrived = patients.arrival[(patients.arm == arm) & (patients.arrival < when)]
    chances = np.array([chance(float(when - a)) for a in arrived])
    error = math.sqrt(trials * (chances * (1.0 - chances)).sum())
    assert abs(events - trials * chances.sum()) < FAR * error


def test_the_log_rank_test_of_six_patients_has_its_permutation_distribution() -> None:
    """Without a difference each of the 20 orders of arms among six events is equally likely.

    20,000 trials: a cell of 1/20 that is 0.75 points off is seen with probability 0.5 or more.
    """
    plan = EventPlan(n=6, looks=Looks(events=(6,)), allocation=Allocation(block_sizes=(6,)))
    world = EventWorld(treated_hazard=FALLING, control_hazard=FALLING, accrual=constant_rate(1.0))
    trials = 20_000
    z = simulate_trials(plan, world, seed=SEED, trials=trials).z[:, 0]
    values = []
    for treated in itertools.combinations(range(6), 3):
        values.append(compare_arms(np.arange(6.0), np.ones(6), np.isin(np.arange(6), treated)).z)
    cells, times = np.unique(np.round(values, 9), return_counts=True)
    place = np.searchsorted(cells, np.round(z, 9))
    np.testing.assert_allclose(cells[place], z, rtol=0, atol=1e-8)
    counts, expected = np.bincount(place, minlength=cells.size), trials * times / 20.0
    assert chi2.sf(((counts - expected) ** 2 / expected).sum(), cells.size - 1) > FALSE_ALARM


@pytest.mark.parametrize("arrivals", ["even", "poisson"])
def test_without_a_difference_the_log_rank_test_keeps_its_level(arrivals: str) -> None:
    """One-sided 0.025 at 120 events of 200 is an approximation: its level may be 0.024 to 0.0265.

    Inside that no alarm is due; with 20,000 trials a level of 0.033 or 0.019 is seen with
    probability 0.9 or more. By symmetry both sides are equally likely, exactly.
    """
    plan = EventPlan(n=200, looks=Looks(events=(120,)))
    world = EventWorld(
        treated_hazard=FALLING,
        control_hazard=FALLING,
        treated_dropout=constant_rate(0.005),
        control_dropout=constant_rate(0.005),
        accrual=PiecewiseRate(starts=(0.0, 4.0), rates=(5.0, 15.0)),
        arrivals=arrivals,  # type: ignore[arg-type]
    )
    trials = 20_000
    z = simulate_trials(plan, world, seed=SEED, trials=trials).z[:, 0]
    bound = norm.isf(0.025)
    up, down = int((z >= bound).sum()), int((z <= -bound).sum())
    for hits in (up, down):
        assert binomtest(hits, trials, 0.0265, alternative="greater").pvalue > FALSE_ALARM / 2
        assert binomtest(hits, trials, 0.024, alternative="less").pvalue > FALSE_ALARM / 2
    assert binomtest(up, up + down, 0.5).pvalue > FALSE_ALARM


# 1 / sqrt(events / 4) is the standard error of the log hazard ratio to a few per cent; over 4,000
# trials the mean is known to 0.003, and its bias at 400 events is below 0.003
def test_estimated_hazard_ratios_are_the_true_one() -> None:
    plan = EventPlan(n=500, looks=Looks(events=(400,)))
    world = EventWorld(
        treated_hazard=PiecewiseRate(starts=(0.0, 3.0), rates=(0.06, 0.03)),
        control_hazard=PiecewiseRate(starts=(0.0, 3.0), rates=(0.1, 0.05)),
        accrual=constant_rate(50.0),
    )
    found = simulate_trials(plan, world, seed=SEED, trials=4000, cox=True)
    assert found.log_hazard_ratio is not None
    assert found.standard_error is not None
    estimates, errors = found.log_hazard_ratio[:, 0], found.standard_error[:, 0]
    spread = float(estimates.std(ddof=1))
    assert abs(estimates.mean() - math.log(0.6)) < FAR * spread / math.sqrt(4000) + 0.003
    # a standard deviation from 4,000 is known to 1.1 %; the mean model error is that of 400 events
    assert abs(errors.mean() / spread - 1.0) < FAR / math.sqrt(2 * 4000) + 0.01
