"""Kaplan-Meier, Nelson-Aalen, cumulative incidence: rules, borders, and others' answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import CensoredData, ecdf

from simtrial.core.errors import DomainError
from simtrial.stats.survival.estimators import (
    cumulative_incidence,
    kaplan_meier,
    nelson_aalen,
    quantile_time,
    survival_interval,
)

TIMES = [2.0, 3.0, 3.0, 4.0, 4.0, 6.0, 7.0]
EVENTS = [1, 1, 0, 0, 1, 0, 1]


def tied_patients(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return times on a coarse grid, so that events and censorings tie, with causes and flags."""
    generator = np.random.default_rng(seed)
    time = generator.integers(1, 15, n).astype(float)
    cause = generator.integers(0, 3, n)
    return time, cause, cause > 0


def test_a_censoring_at_the_time_of_an_event_was_still_at_risk() -> None:
    curve = kaplan_meier(TIMES, EVENTS)
    assert curve.time.tolist() == [2.0, 3.0, 4.0, 7.0]
    assert curve.at_risk.tolist() == [7.0, 6.0, 4.0, 1.0]
    # by hand: 6/7, 5/6 of it, 3/4 of it, 0
    np.testing.assert_allclose(curve.value, [6 / 7, 5 / 7, 15 / 28, 0.0], rtol=1e-15)


@pytest.mark.parametrize("seed", range(3))
def test_kaplan_meier_is_scipys(seed: int) -> None:
    time, _, event = tied_patients(60, seed)
    want = ecdf(CensoredData(uncensored=time[event], right=time[~event])).sf
    curve = kaplan_meier(time, event)
    value, _ = curve.at(want.quantiles)
    np.testing.assert_allclose(value, want.probabilities, rtol=1e-12, atol=1e-15)


def test_greenwoods_error_without_censoring_is_the_binomial_one() -> None:
    time = np.arange(1.0, 21.0)
    curve = kaplan_meier(time, np.ones(20))
    want = np.sqrt(curve.value * (1.0 - curve.value) / 20.0)
    np.testing.assert_allclose(curve.standard_error, want, rtol=1e-13, atol=1e-15)


def test_before_the_first_event_survival_is_1_and_from_an_event_on_the_new_value() -> None:
    value, error = kaplan_meier(TIMES, EVENTS).at([0.0, 1.999, 2.0, 2.5, 99.0])
    np.testing.assert_allclose(value, [1.0, 1.0, 6 / 7, 6 / 7, 0.0], rtol=1e-15)
    assert error[:2].tolist() == [0.0, 0.0]


def test_without_events_the_curves_stay_where_they_begin() -> None:
    assert kaplan_meier([1.0, 2.0], [0, 0]).at([5.0])[0] == 1.0
    assert nelson_aalen([1.0, 2.0], [0, 0]).at([5.0])[0] == 0.0
    assert cumulative_incidence([1.0, 2.0], [0, 0]) == {}


def test_of_one_cause_alone_the_incidence_is_one_minus_kaplan_meier_and_so_is_its_error() -> None:
    time, _, event = tied_patients(80, 5)
    survival, incidence = kaplan_meier(time, event), cumulative_incidence(time, event)[1]
    np.testing.assert_allclose(incidence.value, 1.0 - survival.value, rtol=1e-12)
    # the delta method then is Greenwood's formula, but where the curve has reached 0
    inner = survival.value > 0.0
    got, want = incidence.standard_error[inner], survival.standard_error[inner]
    np.testing.assert_allclose(got, want, rtol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_incidences_of_all_causes_and_survival_add_up_to_1(seed: int) -> None:
    time, cause, event = tied_patients(70, seed)
    curves = cumulative_incidence(time, cause)
    total = sum(curve.value for curve in curves.values()) + kaplan_meier(time, event).value
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)


def test_without_censoring_the_incidence_is_a_share_and_its_error_binomial() -> None:
    time, cause, _ = tied_patients(90, 7)
    cause = cause.clip(1)
    curve = cumulative_incidence(time, cause)[2]
    want = np.array([((time <= t) & (cause == 2)).mean() for t in curve.time])
    np.testing.assert_allclose(curve.value, want, rtol=1e-12)
    error = np.sqrt(want * (1.0 - want) / 90.0)
    # last value: everybody has left and Greenwood's limit is taken
    np.testing.assert_allclose(curve.standard_error[:-1], error[:-1], rtol=1e-9)


def test_intervals_are_the_formulas_on_their_scales() -> None:
    curve = kaplan_meier(TIMES, EVENTS)
    s, e, z = 5 / 7, curve.standard_error[1], 1.959963984540054
    plain = survival_interval(curve, scale="plain")
    assert (plain[0][1], plain[1][1]) == pytest.approx((s - z * e, 1.0), rel=1e-12)
    log = survival_interval(curve, scale="log")
    assert log[0][1] == pytest.approx(s * math.exp(-z * e / s), rel=1e-12)
    low, high = survival_interval(curve)
    wide = z * e / (s * math.log(s))
    assert low[1] == pytest.approx(s ** math.exp(-wide), rel=1e-12)
    assert high[1] == pytest.approx(s ** math.exp(wide), rel=1e-12)
    assert (low[-1], high[-1]) == (0.0, 0.0)


def test_the_median_is_the_first_time_at_which_half_have_had_the_event() -> None:
    # exactly half at 2: not the middle of the flat part
    assert quantile_time(kaplan_meier([1.0, 2.0, 3.0, 4.0], [1, 1, 1, 1])) == 2.0
    assert quantile_time(kaplan_meier(np.arange(1.0, 11.0), np.ones(10)), 0.4) == 4.0
    assert quantile_time(kaplan_meier([1.0, 2.0, 3.0], [1, 0, 0])) == math.inf


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: kaplan_meier([1.0, -2.0], [1, 1]), r"time\[1\] is -2\.0;.*such as 13"),
        (lambda: kaplan_meier([1.0, math.nan], [1, 1]), r"time\[1\] is nan;"),
        (lambda: kaplan_meier([], []), r"time has shape \(0,\);.*such as \[9, 13, 13\]"),
        (lambda: nelson_aalen([1.0, 2.0], [1]), r"event has shape \(1,\) for 2 times"),
        (lambda: nelson_aalen([1.0, 2.0], [1, 2]), r"event\[1\] is .*2.*such as 1"),
        (lambda: cumulative_incidence([1.0, 2.0], [1, -1]), r"cause is \[1, -1\].*\[1, 0, 2\]"),
        (lambda: quantile_time(kaplan_meier([1.0], [1]), 1.0), r"share is 1\.0;.*such as 0\.5"),
        (
            lambda: survival_interval(kaplan_meier([1.0], [1]), level=95),
            r"level is 95;.*such as 0\.95",
        ),
        (
            lambda: survival_interval(kaplan_meier([1.0, 2.0], [1, 0]), scale="logit"),
            r"scale is 'logit';",
        ),
    ],
)
def test_what_cannot_be_estimated_is_refused_with_an_example(call, said) -> None:
    with pytest.raises(DomainError, match=said):
        call()
