"""The Cox model: against a likelihood written out, its score test, its borders."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar

from simtrial.core.errors import DomainError, FitError
from simtrial.stats.survival.cox import fit_covariates, fit_two_arms
from simtrial.stats.survival.logrank import compare_arms

WAYS = ("efron", "breslow")


def patients(n: int, seed: int, *, tied: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    treated = np.arange(n) % 3 == 0
    time = generator.exponential(np.where(treated, 2.0, 1.0))
    if tied:
        time = np.ceil(3.0 * time)
    return time, generator.random(n) < 0.8, treated


def log_likelihood(beta, time, event, x, ties) -> float:
    """Return the partial log likelihood, event time by event time, as the papers print it."""
    total, risk = 0.0, np.exp(x @ beta)
    for t in np.unique(time[event]):
        dead, at_risk = (time == t) & event, time >= t
        d = int(dead.sum())
        total += float((x[dead] @ beta).sum())
        for k in range(d):
            gone = k / d if ties == "efron" else 0.0
            total -= math.log(risk[at_risk].sum() - gone * risk[dead].sum())
    return total


@pytest.mark.parametrize("ties", WAYS)
@pytest.mark.parametrize("seed", range(3))
def test_the_hazard_ratio_maximises_the_likelihood_written_out(ties: str, seed: int) -> None:
    time, event, treated = patients(40, seed, tied=True)
    x = treated[:, None].astype(float)

    def loss(beta: float) -> float:
        return -log_likelihood(np.array([beta]), time, event, x, ties)

    best = minimize_scalar(loss, bracket=(-1.0, 1.0), tol=1e-12)
    found = fit_two_arms(time, event, treated, ties=ties)
    # a minimum is found to the root of the precision
    assert found.log_hazard_ratio == pytest.approx(best.x, abs=1e-6)
    h = 1e-4
    curvature = (loss(best.x + h) - 2.0 * best.fun + loss(best.x - h)) / h**2
    # second differences: h**2 of the fourth derivative, and rounding over h**2
    assert found.standard_error == pytest.approx(1.0 / math.sqrt(curvature), rel=1e-5)
    assert found.likelihood_ratio == pytest.approx(2.0 * (loss(0.0) - best.fun), rel=1e-8)


@pytest.mark.parametrize("ties", WAYS)
def test_general_covariates_maximise_the_likelihood_written_out(ties: str) -> None:
    time, event, treated = patients(60, 7, tied=True)
    age = np.random.default_rng(8).normal(50.0, 10.0, 60)
    x = np.column_stack([treated.astype(float), age])
    scale = np.array([1.0, 0.1])  # the search goes badly when units differ

    def loss(beta):
        centred = x - x.mean(axis=0)
        return -log_likelihood(np.asarray(beta) * scale, time, event, centred, ties)

    best = minimize(loss, [0.0, 0.0], method="BFGS", options={"gtol": 1e-9})
    found = fit_covariates(time, event, x, ties=ties)
    np.testing.assert_allclose(found.coefficients, best.x * scale, rtol=0, atol=1e-6)
    assert found.likelihood_ratio == pytest.approx(2.0 * (loss([0, 0]) - best.fun), rel=1e-8)


@pytest.mark.parametrize("ties", WAYS)
@pytest.mark.parametrize("strata", [None, np.arange(50) % 2], ids=["all", "stratified"])
def test_the_arm_as_a_covariate_gives_the_model_of_two_arms(ties: str, strata) -> None:
    time, event, treated = patients(50, 3, tied=True)
    two = fit_two_arms(time, event, treated, ties=ties, strata=strata)
    general = fit_covariates(time, event, treated[:, None], ties=ties, strata=strata)
    # two routes to one root, each to about 1e-15 of its own sums
    assert general.coefficients[0] == pytest.approx(two.log_hazard_ratio, abs=1e-10)
    assert general.standard_errors[0] == pytest.approx(two.standard_error, rel=1e-10)
    assert general.wald == pytest.approx(two.wald_z**2, rel=1e-9)
    assert general.score == pytest.approx(two.score_z**2, rel=1e-9)
    assert general.likelihood_ratio == pytest.approx(two.likelihood_ratio, rel=1e-8)


def test_without_ties_both_ways_agree_and_the_score_test_is_the_log_rank_test() -> None:
    time, event, treated = patients(60, 4, tied=False)
    one, other = (fit_two_arms(time, event, treated, ties=ties) for ties in WAYS)
    assert one == other
    assert one.score_z == pytest.approx(compare_arms(time, event, treated).z, rel=1e-12)


def test_wald_and_score_speak_for_the_treated_when_the_hazard_ratio_is_below_1() -> None:
    time, event, treated = patients(200, 5, tied=False)
    found = fit_two_arms(time, event, treated)
    assert found.hazard_ratio < 1.0
    assert found.wald_z > 0.0
    assert found.score_z > 0.0


@pytest.mark.parametrize("ties", WAYS)
def test_swapping_the_arms_inverts_the_hazard_ratio(ties: str) -> None:
    time, event, treated = patients(40, 6, tied=True)
    one = fit_two_arms(time, event, treated, ties=ties)
    other = fit_two_arms(time, event, ~treated, ties=ties)
    assert other.log_hazard_ratio == pytest.approx(-one.log_hazard_ratio, abs=1e-10)
    assert other.standard_error == pytest.approx(one.standard_error, rel=1e-10)


@pytest.mark.parametrize("ties", WAYS)
@pytest.mark.parametrize("arm", [0, 1])
def test_events_in_one_arm_only_give_an_infinite_estimate_and_a_finite_score(ties, arm) -> None:
    treated = np.array([0, 1] * 5)
    found = fit_two_arms(np.arange(1.0, 11.0), treated == arm, treated, ties=ties)
    assert found.log_hazard_ratio == (math.inf if arm else -math.inf)
    assert found.standard_error == math.inf
    assert math.isnan(found.wald_z)
    assert math.copysign(1.0, found.score_z) == (-1.0 if arm else 1.0)
    assert found.likelihood_ratio > 0.0


def test_a_hazard_ratio_far_from_1_is_still_found() -> None:
    # the only two treated: one goes first of 401, the other nearly last
    time, treated = np.arange(1.0, 402.0), np.zeros(401)
    treated[[0, 1]] = 1.0
    far = fit_two_arms(time, np.ones(401), treated)
    # the score at one event of 399 : 2 and one of 399 : 1, solved by hand with q = exp(beta)
    # 2 q / (399 + 2 q) + q / (399 + q) = 2 has no root: both treated have gone at once
    assert far.log_hazard_ratio == math.inf
    treated[[1, 2]] = 0.0, 1.0
    found = fit_two_arms(time, np.ones(401), treated)
    model = fit_covariates(time, np.ones(401), treated[:, None])
    assert found.log_hazard_ratio > 5.0
    assert found.log_hazard_ratio == pytest.approx(model.coefficients[0], abs=1e-8)


def test_units_of_a_covariate_scale_its_coefficient_only() -> None:
    time, event, treated = patients(60, 9, tied=True)
    age = np.random.default_rng(9).normal(50.0, 10.0, 60)
    years = fit_covariates(time, event, np.column_stack([treated, age]))
    days = fit_covariates(time, event, np.column_stack([treated, age * 365.25 + 1e4]))
    np.testing.assert_allclose(days.coefficients * [1.0, 365.25], years.coefficients, rtol=1e-8)
    assert days.score == pytest.approx(years.score, rel=1e-8)


def test_patients_of_one_arm_only_cannot_be_fitted() -> None:
    with pytest.raises(FitError, match=r"No event time has patients of both arms at risk"):
        fit_two_arms([1.0, 2.0], [1, 1], [1, 1])


@pytest.mark.parametrize(
    ("x", "said"),
    [
        ([[1.0], [1.0], [1.0], [1.0]], r"The 1 covariates cannot be told apart"),
        ([[0, 0], [1, 2], [0, 0], [1, 2]], r"The 2 covariates cannot be told apart"),
        ([[4.0], [3.0], [2.0], [1.0]], r"No coefficients maximise the likelihood"),
    ],
    ids=["constant", "collinear", "separated"],
)
def test_covariates_without_a_maximum_are_refused(x, said) -> None:
    with pytest.raises(FitError, match=said):
        fit_covariates([1.0, 2.0, 3.0, 4.0], [1, 1, 1, 1], x)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: fit_two_arms([1.0], [1], [1], ties="exact"), r"ties is 'exact';.*'efron'"),
        (lambda: fit_covariates([1.0, 2.0], [1, 1], [1, 0]), r"covariates have shape \(2,\)"),
        (lambda: fit_covariates([1.0, 2.0], [1, 1], [[1], [math.nan]]), r"not finite"),
        (
            lambda: fit_covariates([1.0, 2.0], [1, 1], [[1], [0]], strata=[1]),
            r"strata has shape \(1,\) for 2 times",
        ),
    ],
)
def test_arguments_outside_the_model_are_refused_with_an_example(call, said) -> None:
    with pytest.raises(DomainError, match=said):
        call()
