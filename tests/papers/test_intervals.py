"""Published confidence intervals and standard errors of one proportion."""

from __future__ import annotations

import pytest

from simtrial.stats.intervals import exact_interval, jeffreys_interval, score_interval
from simtrial.stats.montecarlo import share_mcse


# CI-01. Lim J et al., Rheumatology 2021;60:1784-1792: the precision that the trial was planned
# for, 12 of 20 by the exact interval; printed in percent with 1 digit.
def test_the_planned_precision_of_lim_2021_is_the_exact_interval() -> None:
    assert exact_interval(12, 20) == pytest.approx((0.361, 0.809), abs=5e-4)


# CI-03. Newcombe RG, Stat Med 1998;17:857-872, table I; printed with 4 digits.
NEWCOMBE = {
    (81, 263): ((0.2553, 0.3662), (0.2527, 0.3676)),
    (15, 148): ((0.0624, 0.1605), (0.0578, 0.1617)),
    (0, 20): ((0.0, 0.1611), (0.0, 0.1684)),
    (1, 29): ((0.0061, 0.1718), (0.0009, 0.1776)),
}


@pytest.mark.parametrize("shares", NEWCOMBE, ids=str)
def test_score_and_exact_intervals_are_those_of_newcombe(shares: tuple[int, int]) -> None:
    score, exact = NEWCOMBE[shares]
    assert score_interval(*shares) == pytest.approx(score, abs=6e-5)
    assert exact_interval(*shares) == pytest.approx(exact, abs=6e-5)


# CI-05. Defined by Brown LD, Cai TT, DasGupta A, Stat Sci 2001;16:101-133; quantiles of
# Beta(y + 1/2, n - y + 1/2), worked out apart from this package.
@pytest.mark.parametrize(
    ("shares", "interval"),
    [
        ((81, 263), (0.2545, 0.3656)),
        ((15, 148), (0.0604, 0.1576)),
        ((8, 19), (0.2232, 0.6410)),
        ((1, 29), (0.0037, 0.1501)),
    ],
    ids=str,
)
def test_jeffreys_intervals_are_the_equal_tailed_ones(
    shares: tuple[int, int], interval: tuple[float, float]
) -> None:
    assert jeffreys_interval(*shares) == pytest.approx(interval, abs=6e-5)


# SIM-01. Morris TP, White IR, Crowther MJ, Stat Med 2019;38:2074-2102, table 6, and the README of
# the R package rsimsum: 1,000 simulated data sets; shares and their standard errors with 4 digits.
@pytest.mark.parametrize(
    ("hits", "error"),
    [(943, 0.0073), (946, 0.0071), (949, 0.0070), (969, 0.0055), (963, 0.0060)],
)
def test_monte_carlo_errors_of_coverage_and_power_are_those_of_morris(
    hits: int, error: float
) -> None:
    assert share_mcse(hits, 1_000) == pytest.approx(error, abs=6e-5)
