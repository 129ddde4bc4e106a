"""Published single-arm designs: exact tests, group-sequential counts, bounds, two stages."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.stats.binary.beta_binomial import posterior_tails
from simtrial.stats.binary.exact_tests import equivalence_test, one_sided_test
from simtrial.stats.binary.single_arm import CountBounds, bounds_characteristics
from simtrial.stats.binary.single_arm_bounds import (
    posterior_bounds,
    predictive_bounds,
    sequential_ratio_bounds,
)
from simtrial.stats.binary.two_stage import find_two_stage, two_stage_properties

LOOKS = (10, 20, 30, 40)


# P1-01. East 6.5, exact one-sample binomial, as quoted in gsDesign's test-independent-test-
# nBinomial1Sample.R; printed with 8 digits.
@pytest.mark.parametrize(
    ("n", "p0", "p1", "alpha", "power"),
    [
        (25, 0.05, 0.20, 0.025, 0.57932569),
        (28, 0.05, 0.20, 0.025, 0.68511260),
        (30, 0.05, 0.20, 0.025, 0.74476675),
        (33, 0.05, 0.20, 0.025, 0.81787426),
        (35, 0.05, 0.20, 0.025, 0.72790831),
        (33, 0.05, 0.20, 0.01, 0.67097039),
        (33, 0.05, 0.25, 0.025, 0.94139159),
        (33, 0.15, 0.35, 0.025, 0.77005342),
    ],
)
def test_power_of_the_exact_one_sided_test_is_that_of_east(
    n: int, p0: float, p1: float, alpha: float, power: float
) -> None:
    test = one_sided_test(n=n, p0=p0, p1=p1, alpha=alpha)
    assert test.power == pytest.approx(power, abs=2e-8)


# P1-03. PASS manual, exact two one-sided tests of one proportion, as quoted in statsmodels'
# test_power_binom_tost; printed with 4 digits.
@pytest.mark.parametrize(
    ("p", "power"),
    [
        (0.60, 0.9965),
        (0.61, 0.9940),
        (0.62, 0.9815),
        (0.63, 0.9482),
        (0.64, 0.8783),
        (0.65, 0.7583),
        (0.66, 0.5914),
        (0.67, 0.4041),
        (0.68, 0.2352),
        (0.69, 0.1139),
    ],
)
def test_power_and_region_of_the_exact_equivalence_test_are_those_of_pass(
    p: float, power: float
) -> None:
    test = equivalence_test(n=500, low=0.5, high=0.7, p=p, alpha=0.05)
    assert test.power == pytest.approx(power, abs=6e-5)
    assert (test.first, test.last) == (269, 332)


# GS-21. East 6.5, exact group-sequential binomial designs, as quoted in gsDesign's
# test-independent-test-gsBinomialExact.R; printed with 6 to 8 digits.
def test_an_efficacy_only_design_is_that_of_east() -> None:
    design = CountBounds(n=(50, 100), lower=(-1, 16), upper=(13, 17))
    found = bounds_characteristics(design, [0.1, 0.2])
    want = [[0.00100462, 0.01979986], [0.186057, 0.6221024]]
    np.testing.assert_allclose(found.reject, want, rtol=0, atol=2e-6)
    np.testing.assert_allclose(found.expected_n, [99.94977, 90.69715], rtol=0, atol=2e-6)


def test_a_design_that_stops_for_futility_is_that_of_east() -> None:
    design = CountBounds(n=(50, 100), lower=(2, 11), upper=(45, 95))
    found = bounds_characteristics(design, [0.1, 0.2])
    want = [[0.1117288, 0.5935013], [0.001285415, 0.011975732]]
    np.testing.assert_allclose(found.accept, want, rtol=0, atol=2e-6)
    np.testing.assert_allclose(found.expected_n, [94.41356218, 99.93572925], rtol=0, atol=2e-6)


# GS-23. gsDesign, vignette on the binomial sequential probability ratio test, table of operating
# characteristics; printed with 2 digits, the sample number with 1.
def test_a_truncated_sequential_ratio_test_is_that_of_the_vignette() -> None:
    bounds = sequential_ratio_bounds(p0=0.1, p1=0.35, alpha=0.08, beta=0.2, n_first=10, n_last=25)
    assert (bounds.lower[0], bounds.upper[0]) == (1, 4)
    assert (bounds.lower[-1], bounds.upper[-1]) == (4, 7)
    found = bounds_characteristics(bounds, [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45])
    futility = [0.94, 0.78, 0.57, 0.37, 0.22, 0.12, 0.06, 0.03]
    efficacy = [0.04, 0.15, 0.32, 0.53, 0.71, 0.84, 0.92, 0.97]
    sample_number = [12.1, 13.6, 14.3, 14.2, 13.4, 12.5, 11.6, 11.0]
    np.testing.assert_allclose(found.acceptance, futility, rtol=0, atol=0.0055)
    np.testing.assert_allclose(found.rejection, efficacy, rtol=0, atol=0.0055)
    np.testing.assert_allclose(found.expected_n, sample_number, rtol=0, atol=0.055)


# B-20. phase1b, test-boundsPostProb.R: futility P(p <= 0.15) >= 0.7, efficacy P(p > 0.2) >= 0.6,
# flat prior; probabilities printed with 4 digits.
def test_posterior_bounds_are_those_of_phase1b() -> None:
    bounds = posterior_bounds(LOOKS, (1, 1), futility=(0.15, 0.7), efficacy=(0.2, 0.6))
    assert bounds.lower == (0, 1, 3, 4)
    assert bounds.upper == (2, 5, 7, 9)
    low = [
        1.0 - posterior_tails((1, 1), n, 0.15)[y] for n, y in zip(LOOKS, bounds.lower, strict=True)
    ]
    high = [posterior_tails((1, 1), n, 0.2)[y] for n, y in zip(LOOKS, bounds.upper, strict=True)]
    np.testing.assert_allclose(low, [0.8327, 0.8450, 0.7039, 0.7567], rtol=0, atol=6e-5)
    np.testing.assert_allclose(high, [0.6174, 0.7693, 0.7300, 0.7040], rtol=0, atol=6e-5)


# B-20. phase1b, test-boundsPredprob.R: final P(p > 0.2) > 0.8 at 40, phiL 0.1, phiU 0.9.
def test_predictive_bounds_are_those_of_phase1b() -> None:
    bounds = predictive_bounds(
        LOOKS, (1, 1), n_final=40, rate=0.2, above=0.8, futility_below=0.1, efficacy_above=0.9
    )
    assert bounds.lower == (0, 2, 5, 9)
    assert bounds.upper == (4, 7, 9, 10)


# B-22. Simon R, Control Clin Trials 1989;10:1-10, table 1 (p0 0.2, p1 0.4, alpha = beta = 0.1);
# also the example of ph2simon in clinfun. Expected numbers with 1 digit, early stops with 2.
def test_the_search_finds_simons_optimal_and_minimax_designs() -> None:
    found = find_two_stage(p0=0.2, p1=0.4, alpha=0.1, beta=0.1)
    for design, want, expected_n, early in (
        (found.optimal, (3, 17, 10, 37), 26.0, 0.55),
        (found.minimax, (3, 19, 10, 36), 28.3, 0.46),
    ):
        assert (design.r1, design.n1, design.r, design.n) == want
        null = two_stage_properties(n1=design.n1, r1=design.r1, n=design.n, r=design.r, p=0.2)
        assert null.expected_n == pytest.approx(expected_n, abs=0.05)
        assert null.stop_early == pytest.approx(early, abs=0.005)
        assert null.reject <= 0.1


# Simon 1989, table 1, p0 0.10, p1 0.30, alpha 0.05, beta 0.20: 1/10 and 5/29, EN 15.0, PET 0.74
def test_two_stage_properties_reproduce_simon_1989_table_1() -> None:
    null = two_stage_properties(n1=10, r1=1, n=29, r=5, p=0.10)
    assert (round(null.expected_n, 1), round(null.stop_early, 2)) == (15.0, 0.74)
