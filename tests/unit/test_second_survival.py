"""Survival methods against the second reading: loops over event times, quadrature, naive trials."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest, ks_2samp

from simtrial.stats.sample_size.calendar import Accrual, SurvivalSetting, expected_events
from simtrial.stats.sample_size.hazards import PiecewiseHazard
from simtrial.stats.survival.cox import fit_two_arms
from simtrial.stats.survival.estimators import (
    cumulative_incidence,
    kaplan_meier,
    nelson_aalen,
    quantile_time,
)
from simtrial.stats.survival.event_design import Allocation, EventPlan, EventWorld, Looks
from simtrial.stats.survival.logrank import compare_arms
from simtrial.stats.survival.piecewise import PiecewiseRate, constant_rate, cumulate, reach, survive
from simtrial.stats.survival.trials import simulate_trials
from tests.independent import survival_second as second

# some hundred sums and products, in another order
ROUNDING = 1e-12
SEEDS = range(8)
FALSE_ALARM = 1e-6
FAR = 4.9  # standard errors, both sides: 9.6e-7


def patients(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (time, cause, arm) of a few patients, with ties between events and censorings.

    Even seeds have coarse times, so that whole risk sets fall at once; odd ones hardly any ties.
    """
    generator = np.random.default_rng([seed, 41])
    n = int(generator.integers(8, 60))
    arm = generator.integers(0, 2, n)
    arm[:2] = 0, 1
    time = generator.exponential(np.where(arm == 1, 2.0, 1.2))
    time = np.ceil(2.0 * time) if seed % 2 == 0 else np.round(time, 2) + 0.01
    return time, generator.choice([0, 1, 1, 2], n), arm


@pytest.mark.parametrize("seed", SEEDS)
def test_the_log_rank_test_is_the_sum_over_event_times(seed: int) -> None:
    time, cause, arm = patients(seed)
    found, wanted = compare_arms(time, cause > 0, arm), second.logrank(time, cause > 0, arm)
    assert found.observed == wanted["observed"]
    assert found.expected == pytest.approx(wanted["expected"], rel=ROUNDING)
    assert found.variance == pytest.approx(wanted["variance"], rel=ROUNDING)
    # theirs is observed minus expected; z of ours speaks for the treated when positive. A score
    # near 0 is a difference of numbers up to 60.
    assert found.z == pytest.approx(-wanted["z"], rel=ROUNDING, abs=60 * ROUNDING)


@pytest.mark.parametrize("seed", SEEDS)
def test_survival_and_hazard_curves_are_the_products_and_sums_over_event_times(seed: int) -> None:
    time, cause, _ = patients(seed)
    survival, rows = kaplan_meier(time, cause > 0), second.kaplan_meier(time, cause > 0)
    wanted = np.array(rows)
    for i, name in enumerate(("time", "at_risk", "events")):
        np.testing.assert_array_equal(getattr(survival, name), wanted[:, i])
    np.testing.assert_allclose(survival.value, wanted[:, 3], rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(survival.standard_error**2, wanted[:, 4], rtol=0, atol=ROUNDING)
    hazard, wanted = nelson_aalen(time, cause > 0), np.array(second.nelson_aalen(time, cause > 0))
    np.testing.assert_allclose(hazard.value, wanted[:, 3], rtol=ROUNDING)
    np.testing.assert_allclose(hazard.standard_error**2, wanted[:, 4], rtol=ROUNDING)
    for at in np.random.default_rng(seed).uniform(0.0, 1.2 * time.max(), 10):
        value, variance = second.kaplan_meier_at(time, cause > 0, at)
        found = survival.at(at)
        assert (float(found[0]), float(found[1]) ** 2) == pytest.approx(
            (value, variance), abs=1e-12
        )
    for share in (0.2, 0.5, 0.8):
        wanted_time = second.kaplan_meier_quantile(time, cause > 0, share)
        assert quantile_time(survival, share) == (math.inf if wanted_time is None else wanted_time)


@pytest.mark.parametrize("seed", SEEDS)
def test_incidence_of_each_cause_is_the_sum_over_event_times(seed: int) -> None:
    time, cause, _ = patients(seed)
    found, rows = cumulative_incidence(time, cause), second.aalen_johansen(time, cause)
    assert len(found) == 2
    for which, curve in found.items():
        np.testing.assert_array_equal(curve.time, [t for t, _ in rows])
        np.testing.assert_allclose(
            curve.value, [incidence[which] for _, incidence in rows], rtol=0, atol=ROUNDING
        )


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_cox_model_of_two_arms_is_that_of_newton_steps_with_halving(
    ties: str, seed: int
) -> None:
    time, cause, arm = patients(seed)
    found = fit_two_arms(time, cause > 0, arm, ties=ties)  # type: ignore[arg-type]
    wanted = second.cox_binary(time, cause > 0, arm, ties)
    assert wanted["converged"]
    # both stop where a step moves the estimate by less than 1e-12 (theirs), 1e-18 (ours, squared)
    assert found.log_hazard_ratio == pytest.approx(wanted["beta"], abs=1e-10)
    assert found.standard_error == pytest.approx(wanted["se"], rel=1e-10)
    assert found.score_z == pytest.approx(-wanted["score_z"], rel=ROUNDING, abs=60 * ROUNDING)
    gain = 2.0 * (wanted["loglik"] - wanted["loglik0"])
    # a difference of log likelihoods of up to some 200
    assert found.likelihood_ratio == pytest.approx(gain, abs=400 * ROUNDING)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_a_likelihood_without_a_maximum_is_told_by_both(ties: str) -> None:
    time, event, arm = np.arange(1.0, 9.0), np.array([1, 0] * 4), np.array([1, 0] * 4)
    assert fit_two_arms(time, event, arm, ties=ties).log_hazard_ratio == math.inf  # type: ignore[arg-type]
    assert not second.cox_binary(time, event, arm, ties)["converged"]


def pieces(generator: np.random.Generator, most: int) -> tuple[list[float], list[float]]:
    """Return inner breaks and rates, one rate in five 0 but for the last."""
    count = int(generator.integers(0, most))
    breaks = np.cumsum(generator.uniform(0.5, 6.0, count))
    rates = generator.uniform(0.01, 0.3, count + 1) * (generator.random(count + 1) > 0.2)
    rates[-1] = 0.05 + rates[-1]
    return [float(b) for b in breaks], [float(r) for r in rates]


@pytest.mark.parametrize("seed", SEEDS)
def test_piecewise_rates_are_added_piece_by_piece(seed: int) -> None:
    generator = np.random.default_rng([seed, 43])
    breaks, rates = pieces(generator, 5)
    if seed == 0:
        rates[-1] = 0.0  # a rate that ends: most amounts are never reached
    rate = PiecewiseRate(starts=(0.0, *breaks), rates=tuple(rates))
    times = [0.0, *breaks, *generator.uniform(0.0, 40.0, 20)]
    np.testing.assert_allclose(
        cumulate(rate, times),
        [second.piecewise_cumulative(t, breaks, rates) for t in times],
        rtol=ROUNDING,
    )
    np.testing.assert_allclose(
        survive(rate, times),
        [second.piecewise_survival(t, breaks, rates) for t in times],
        rtol=ROUNDING,
    )
    # amounts at a change of rate are left out: by rounding a time is before or after a flat piece
    amounts = generator.uniform(0.0, 4.0, 20)
    np.testing.assert_allclose(
        reach(rate, amounts),
        [second.piecewise_cumulative_inverse(a, breaks, rates) for a in amounts],
        rtol=ROUNDING,
    )


# `expected_events` is compared with a quadrature in test_survival_size.py at one setting; here
# at random ones, with flat pieces, 3:1 and accrual cut at its end
@pytest.mark.parametrize("seed", range(6))
def test_expected_events_by_calendar_time_are_the_double_integral(seed: int) -> None:
    generator = np.random.default_rng([seed, 47])
    (breaks1, rates1), (breaks0, rates0) = pieces(generator, 3), pieces(generator, 3)
    durations = [float(d) for d in generator.uniform(1.0, 8.0, int(generator.integers(1, 4)))]
    intensities = [float(r) for r in generator.uniform(0.5, 9.0, len(durations))]
    dropout1, dropout0 = (float(d) for d in generator.uniform(0.0, 0.05, 2))
    accrual = Accrual(durations=tuple(durations), rates=tuple(intensities))
    setting = SurvivalSetting(
        treated=PiecewiseHazard(hazards=tuple(rates1), starts=(0.0, *breaks1)),
        control=PiecewiseHazard(hazards=tuple(rates0), starts=(0.0, *breaks0)),
        dropout_treated=PiecewiseHazard(hazards=(dropout1,)),
        dropout_control=PiecewiseHazard(hazards=(dropout0,)),
        accrual=accrual,
        allocation_ratio=3.0,
    )
    edges = [float(e) for e in np.cumsum(durations)[:-1]]
    for time in (0.4 * accrual.end, accrual.end, accrual.end + 7.0):
        found = expected_events(setting, time)
        for arm, share, breaks, rates, dropout in (
            ("treated", 0.75, breaks1, rates1, dropout1),
            ("control", 0.25, breaks0, rates0, dropout0),
        ):
            wanted = second.expected_events(
                time, edges, intensities, breaks, rates, dropout, accrual.n, share
            )
            # quadrature within quadrature, each to 1e-11 of its value
            assert float(getattr(found, arm)) == pytest.approx(wanted, rel=1e-8)
        assert float(accrual.by(time)) == pytest.approx(
            second.expected_enrolled(time, edges, intensities, accrual.n), rel=ROUNDING
        )


def naive_and_ours(
    target: int | None, trials: int
) -> tuple[list[dict[str, float]], dict[str, np.ndarray]]:
    """Return the same trials told patient by patient, and run by the package.

    40 patients, 5 a month and then 8, hazards that fall and rise, dropout in one arm.
    """
    generator = np.random.default_rng(20261124)
    naive = [
        second.simulate_trial(
            generator, 40, [4.0], [5.0, 8.0], [3.0], [0.02, 0.09], [6.0], [0.15, 0.08],
            dropout1=0.01, block=4, target=target,
        )
        for _ in range(trials)
    ]  # fmt: skip
    plan = EventPlan(
        n=40,
        looks=Looks(events=(40 if target is None else target,), latest=400.0),
        allocation=Allocation(block_sizes=(4,)),
    )
    world = EventWorld(
        treated_hazard=PiecewiseRate(starts=(0.0, 3.0), rates=(0.02, 0.09)),
        control_hazard=PiecewiseRate(starts=(0.0, 6.0), rates=(0.15, 0.08)),
        treated_dropout=constant_rate(0.01),
        accrual=PiecewiseRate(starts=(0.0, 4.0), rates=(5.0, 8.0)),
    )
    run = simulate_trials(plan, world, seed=20261124, trials=20_000)
    columns = {k: getattr(run, k)[:, 0] for k in ("z", "time", "enrolled", "events")}
    return naive, columns


def apart(first: np.ndarray, second_: np.ndarray) -> float:
    """Return how many standard errors two means are apart."""
    error = math.sqrt(first.var(ddof=1) / first.size + second_.var(ddof=1) / second_.size)
    return abs(float(first.mean() - second_.mean())) / error


# 2,000 naive trials against 20,000: of the time of the tenth event (0.9 months around 7.1) means
# 0.11 months apart are seen with probability 0.5, of power (0.54) 5.7 points; each check fails by
# chance in at most 1e-6 of runs
@pytest.mark.verify
def test_trials_that_end_with_an_event_are_those_told_patient_by_patient() -> None:
    naive, ours = naive_and_ours(10, 2_000)
    assert all(trial["events"] == 10 for trial in naive)
    assert (ours["events"] == 10).all()
    calendar = np.array([trial["calendar"] for trial in naive])
    enrolled = np.array([float(trial["enrolled"]) for trial in naive])
    z = -np.array([trial["z"] for trial in naive])
    assert apart(calendar, ours["time"]) < FAR
    assert apart(enrolled, ours["enrolled"].astype(float)) < FAR
    assert apart(z, ours["z"]) < FAR
    assert ks_2samp(calendar, ours["time"]).pvalue > FALSE_ALARM
    assert ks_2samp(z, ours["z"]).pvalue > FALSE_ALARM
    share = float((ours["z"] > 1.96).mean())
    # the share of ours has an error too, a tenth of the variance of theirs: widened by it
    hits = int((z > 1.96).sum())
    error = math.sqrt(share * (1.0 - share) * (1.0 / z.size + 1.0 / ours["z"].size))
    assert abs(hits / z.size - share) < FAR * error


# without a target everybody is followed to the end: 40 patients, of whom dropouts have no event
@pytest.mark.verify
def test_trials_without_end_have_the_events_told_patient_by_patient() -> None:
    naive, ours = naive_and_ours(None, 2_000)
    events = np.array([float(trial["events"]) for trial in naive])
    assert apart(events, ours["events"].astype(float)) < FAR
    z = -np.array([trial["z"] for trial in naive])
    assert apart(z, ours["z"]) < FAR
    assert ks_2samp(z, ours["z"]).pvalue > FALSE_ALARM
    # by hand: the treated have 3 months at 0.02 and then 0.09, beside dropouts at 0.01
    early = 0.02 / 0.03 * (1.0 - math.exp(-0.09))
    share = early + math.exp(-0.09) * 0.9
    treated = np.concatenate([trial["event"][trial["arm"] == 1] for trial in naive])
    assert binomtest(int(treated.sum()), treated.size, share).pvalue > FALSE_ALARM
