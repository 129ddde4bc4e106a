"""The log-rank test: by hand, SciPy's, and what must not change it."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import CensoredData, logrank

from simtrial.core.errors import DomainError
from simtrial.stats.survival.logrank import compare_arms
from simtrial.stats.survival.risk_table import tabulate_risk

# by hand: times 1 (control), 2 (one of each arm, tied), 3 (control, censored), 4 (treated),
# 5 (treated, censored)
TIME = [1.0, 2.0, 2.0, 3.0, 4.0, 5.0]
EVENT = [1, 1, 1, 0, 1, 0]
TREATED = [0, 0, 1, 0, 1, 1]


def tied_patients(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    time = generator.integers(1, 20, n).astype(float)
    return time, generator.random(n) < 0.7, generator.random(n) < 0.4


def test_the_table_counts_who_was_at_risk_and_who_had_the_event() -> None:
    table = tabulate_risk(TIME, EVENT, TREATED)
    assert table.at_risk_control.tolist() == [3.0, 2.0, 0.0]
    assert table.at_risk_treated.tolist() == [3.0, 3.0, 2.0]
    assert table.events_control.tolist() == [1.0, 1.0, 0.0]
    assert table.events_treated.tolist() == [0.0, 1.0, 1.0]


def test_the_score_and_its_variance_are_those_worked_by_hand() -> None:
    # expected of treated: 1 * 3/6 + 2 * 3/5 + 1 * 2/2; variance 3*3/36 + 2 * (3*2/25) * (3/4) + 0
    expected = Fraction(1, 2) + Fraction(6, 5) + 1
    variance = Fraction(1, 4) + Fraction(12, 25) * Fraction(3, 4)
    found = compare_arms(TIME, EVENT, TREATED)
    assert found.observed == 2.0
    assert found.expected == pytest.approx(float(expected), rel=1e-15)
    assert found.variance == pytest.approx(float(variance), rel=1e-15)
    assert found.z == pytest.approx(float(expected - 2) / math.sqrt(variance), rel=1e-14)


@pytest.mark.parametrize("seed", range(6))
def test_z_and_p_are_scipys(seed: int) -> None:
    time, event, treated = tied_patients(50, seed)
    arms = [
        CensoredData(uncensored=time[arm & event], right=time[arm & ~event])
        for arm in (~treated, treated)
    ]
    for alternative, p in (("greater", "p_one_sided"), ("two-sided", "p_two_sided")):
        # of the second against the first, SciPy's statistic is observed minus expected
        want = logrank(arms[1], arms[0], alternative="two-sided")
        found = compare_arms(time, event, treated)
        assert abs(found.z) == pytest.approx(abs(want.statistic), rel=1e-12)
        if alternative == "two-sided":
            assert getattr(found, p) == pytest.approx(want.pvalue, rel=1e-10)
        else:
            half = want.pvalue / 2
            side = half if found.z > 0 else 1.0 - half
            assert getattr(found, p) == pytest.approx(side, rel=1e-10)


def test_fewer_events_in_the_treated_arm_make_z_positive() -> None:
    time, event = np.arange(1.0, 21.0), np.ones(20)
    assert compare_arms(time, event, time > 10).z > 3.0


@pytest.mark.parametrize(("rho", "gamma"), [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.5, 2.0)])
def test_swapping_the_arms_turns_the_sign_of_z(rho: float, gamma: float) -> None:
    time, event, treated = tied_patients(60, 11)
    one = compare_arms(time, event, treated, rho=rho, gamma=gamma)
    other = compare_arms(time, event, ~treated, rho=rho, gamma=gamma)
    assert other.z == pytest.approx(-one.z, rel=1e-12)
    assert other.variance == pytest.approx(one.variance, rel=1e-12)


@pytest.mark.parametrize("strata", [None, np.arange(60) % 3])
def test_only_the_order_of_times_matters(strata) -> None:
    time, event, treated = tied_patients(60, 12)
    once = compare_arms(time, event, treated, strata=strata, rho=1.0)
    for moved in (time + 7.0, time * 365.25, np.log(time), np.exp(time)):
        # the same table, so the same bits
        assert compare_arms(moved, event, treated, strata=strata, rho=1.0) == once


def test_the_order_of_patients_does_not_matter() -> None:
    time, event, treated = tied_patients(60, 13)
    mixed = np.random.default_rng(1).permutation(60)
    again = compare_arms(time[mixed], event[mixed], treated[mixed])
    assert again == compare_arms(time, event, treated)


@pytest.mark.parametrize(("rho", "gamma"), [(1.0, 0.0), (0.0, 1.0), (0.5, 0.5), (2.0, 1.5)])
def test_weights_are_powers_of_survival_just_before_the_time(rho: float, gamma: float) -> None:
    # by hand: pooled survival before 1, 2, 4 is 1, 5/6, 5/6 * 3/5 = 1/2
    found = compare_arms(TIME, EVENT, TREATED, rho=rho, gamma=gamma)
    share, d = np.array([3 / 6, 3 / 5, 2 / 2]), np.array([1.0, 2.0, 1.0])
    before = np.array([1.0, 5 / 6, 1 / 2])
    weight = before**rho * (1.0 - before) ** gamma
    assert found.observed == pytest.approx((weight * [0, 1, 1]).sum(), rel=1e-13)
    assert found.expected == pytest.approx((weight * d * share).sum(), rel=1e-13)
    spread = np.array([1 / 4, 12 / 25 * 3 / 4, 0.0])
    assert found.variance == pytest.approx((weight**2 * spread).sum(), rel=1e-13)


def test_a_stratified_test_adds_scores_and_variances_of_its_strata() -> None:
    time, event, treated = tied_patients(90, 14)
    strata = np.array(["mild", "severe", "other"])[np.arange(90) % 3]
    parts = [
        compare_arms(time[strata == s], event[strata == s], treated[strata == s])
        for s in np.unique(strata)
    ]
    whole = compare_arms(time, event, treated, strata=strata)
    assert whole.score == pytest.approx(sum(p.score for p in parts), rel=1e-12)
    assert whole.variance == pytest.approx(sum(p.variance for p in parts), rel=1e-12)
    assert whole.z != pytest.approx(compare_arms(time, event, treated).z, rel=1e-3)


def test_one_stratum_for_all_is_no_stratification() -> None:
    time, event, treated = tied_patients(40, 15)
    assert compare_arms(time, event, treated, strata=["all"] * 40) == compare_arms(
        time, event, treated
    )


@pytest.mark.parametrize(
    ("event", "treated"),
    [([0, 0, 0], [0, 1, 1]), ([1, 1, 1], [1, 1, 1]), ([1, 0, 0], [0, 0, 0])],
    ids=["no event", "one arm", "one arm, one event"],
)
def test_without_an_event_that_had_both_arms_at_risk_there_is_no_z(event, treated) -> None:
    found = compare_arms([1.0, 2.0, 3.0], event, treated)
    assert math.isnan(found.z)
    assert found.variance == 0.0


def test_when_all_at_risk_have_the_event_at_once_nothing_is_learned_from_it() -> None:
    found = compare_arms([2.0, 2.0, 2.0, 2.0], [1, 1, 1, 1], [0, 0, 1, 1])
    assert (found.score, found.variance) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rho": -1.0}, r"rho is -1\.0;.*such as rho=1"),
        ({"gamma": math.nan}, r"gamma is nan;.*such as gamma=1"),
        ({"strata": ["a", "b"]}, r"strata has shape \(2,\) for 6 times;"),
        ({"treated": [0, 0, 1, 0, 1]}, r"treated has shape \(5,\) for 6 times;"),
        ({"treated": [0, 0, 1, 0, 1, 2]}, r"treated\[5\] is .*2"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_an_example(changes, said) -> None:
    given = {"time": TIME, "event": EVENT, "treated": TREATED} | changes
    with pytest.raises(DomainError, match=said):
        compare_arms(**given)
