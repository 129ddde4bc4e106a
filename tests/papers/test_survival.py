"""Published cases of time to event: Kaplan-Meier, Nelson-Aalen, competing risks, Cox."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simtrial.stats.survival.cox import fit_covariates, fit_two_arms
from simtrial.stats.survival.estimators import (
    cumulative_incidence,
    kaplan_meier,
    nelson_aalen,
)
from simtrial.stats.survival.logrank import compare_arms
from simtrial.stats.survival.piecewise import constant_rate, reach, survive

# acute myelogenous leukaemia, maintained chemotherapy or not (weeks); public data of R's survival
MAINTAINED = (
    [9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161],
    [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0],
)
NOT_MAINTAINED = (
    [5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45],
    [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1],
)
TIME, EVENT = MAINTAINED[0] + NOT_MAINTAINED[0], MAINTAINED[1] + NOT_MAINTAINED[1]
IS_MAINTAINED = [1] * 11 + [0] * 12


# DES-05: cumulative incidence under constant hazards 0.1 and 0.05 (Putter, Fiocco, Geskus,
# Stat Med 2007;26:2389-2430). A million patients at the quantiles of the exit time, their causes
# spread evenly, so that the estimate is the closed form but for the grid of 1e-6.
def test_cumulative_incidence_of_two_constant_hazards_is_the_closed_form() -> None:
    n = 999_999
    amounts = -np.log1p(-(np.arange(n) + 0.5) / n)
    times = reach(constant_rate(0.15), amounts)
    causes = np.where(np.arange(n) % 3 == 1, 2, 1)  # two thirds of cause 1, within every three
    curves = cumulative_incidence(times, causes)
    at = np.array([1.0, 5.0, 10.0])
    want_1 = [0.09286134905, 0.351755631506, 0.517913226568]
    want_2 = [0.046430674525, 0.175877815753, 0.258956613284]
    # half a step of the grid of patients, and where in its three a time falls
    np.testing.assert_allclose(curves[1].at(at)[0], want_1, rtol=0, atol=2.0 / n)
    np.testing.assert_allclose(curves[2].at(at)[0], want_2, rtol=0, atol=2.0 / n)
    # what must not be taken for it
    naive = 1.0 - survive(constant_rate(0.1), at)
    np.testing.assert_allclose(naive, [0.095162581964, 0.393469340287, 0.632120558829], atol=1e-9)
    one_minus_km = 1.0 - kaplan_meier(times, causes == 1).at(at)[0]
    # the hazard's sum against its integral: 1 / (2 n) of each of two rates, and the grid as above
    np.testing.assert_allclose(one_minus_km, naive, rtol=0, atol=4.0 / n)
    assert np.all(one_minus_km > curves[1].at(at)[0] + 0.002)


# DES-07: R survival, tests/doaml.Rout.save; here against the recomputed digits of the case
def test_kaplan_meier_of_the_leukaemia_data_is_the_published_one() -> None:
    maintained = kaplan_meier(*MAINTAINED)
    assert maintained.time.tolist() == [9, 13, 18, 23, 31, 34, 48]
    printed = [0.909, 0.818, 0.716, 0.614, 0.491, 0.368, 0.184]
    np.testing.assert_allclose(maintained.value, printed, rtol=0, atol=6e-4)
    errors = [0.0867, 0.1163, 0.1397, 0.1526, 0.1642, 0.1627, 0.1535]
    np.testing.assert_allclose(maintained.standard_error, errors, rtol=0, atol=6e-5)
    exact = [0.0866784172, 0.1162912998, 0.1396649706, 0.152632331]
    np.testing.assert_allclose(maintained.standard_error[:4], exact, rtol=0, atol=1e-10)
    other = kaplan_meier(*NOT_MAINTAINED)
    want = [0.8333, 0.6667, 0.5833, 0.4861, 0.3889, 0.2917, 0.1944, 0.0972, 0.0]
    # distinct event times 5, 8, 12, 23, 27, 30, 33, 43, 45
    np.testing.assert_allclose(other.value, want, rtol=0, atol=6e-5)


# DES-09: the same source; Breslow's ties
def test_cox_model_of_the_leukaemia_data_is_the_published_one() -> None:
    found = fit_two_arms(TIME, EVENT, 1 - np.array(IS_MAINTAINED), ties="breslow")
    assert found.log_hazard_ratio == pytest.approx(0.9042, abs=6e-5)
    assert found.standard_error == pytest.approx(0.5122, abs=6e-5)
    assert found.likelihood_ratio == pytest.approx(3.3, abs=0.05)
    # recomputed for the case by a search for the maximum, which is good to the root of the
    # precision only; the root of the score, found by bisection, is 0.90421972368621
    assert found.log_hazard_ratio == pytest.approx(0.9042197377, abs=5e-8)
    assert found.log_hazard_ratio == pytest.approx(0.90421972368621, abs=1e-13)
    # the case's curvature is a second difference: good to some 1e-7
    assert found.standard_error == pytest.approx(0.5122477115, abs=5e-7)
    assert found.likelihood_ratio == pytest.approx(3.296019094, abs=1e-9)


# DES-11: Nelson 1972, Aalen 1978; the maintained arm
def test_nelson_aalen_of_the_leukaemia_data_is_the_sum_of_d_over_n() -> None:
    found = nelson_aalen(*MAINTAINED)
    assert found.time.tolist() == [9, 13, 18, 23, 31, 34, 48]
    want = [0.090909, 0.190909, 0.315909, 0.458766, 0.658766, 0.908766, 1.408766]
    errors = [0.090909, 0.135146, 0.184091, 0.233019, 0.307079, 0.395977, 0.637807]
    np.testing.assert_allclose(found.value, want, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.standard_error, errors, rtol=0, atol=1e-6)
    assert math.exp(-found.at(48.0)[0]) == pytest.approx(0.244445, abs=1e-6)


# Freireich EJ et al., Blood 1963;21:699-716: remission of leukaemia in weeks, 6-MP or placebo. The
# printed figures are those of Kleinbaum and Klein, Survival Analysis, 3rd ed. 2012, chapters 2-3
# (log-rank 16.79; Breslow's ties 1.509, SE 0.410) and of R's coxph (Efron's ties 1.572, SE 0.412).
DRUG = (
    [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35],
    [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0],
)
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def test_log_rank_and_cox_of_the_remission_data_are_the_published_ones() -> None:
    time, event = DRUG[0] + PLACEBO, DRUG[1] + [1] * 21
    drug = [1] * 21 + [0] * 21
    # half a digit of what is printed
    assert compare_arms(time, event, drug).chi_squared == pytest.approx(16.79, abs=0.005)
    assert compare_arms(time, event, drug).z > 4.0
    for ties, coefficient, error in (("breslow", 1.509, 0.410), ("efron", 1.572, 0.412)):
        found = fit_two_arms(time, event, drug, ties=ties)
        assert -found.log_hazard_ratio == pytest.approx(coefficient, abs=5e-4)
        assert found.standard_error == pytest.approx(error, abs=5e-4)
        model = fit_covariates(time, event, 1.0 - np.array(drug)[:, None], ties=ties)
        assert model.coefficients[0] == pytest.approx(coefficient, abs=5e-4)
