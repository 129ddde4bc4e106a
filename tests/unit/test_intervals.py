"""Intervals of a proportion against SciPy, against printed values, and at their ends."""

from __future__ import annotations

import pytest
from scipy.stats import beta, binom, binomtest

from simtrial.core.errors import DomainError
from simtrial.stats.intervals import (
    METHOD_NAMES,
    METHODS,
    IntervalMethod,
    exact_interval,
    jeffreys_interval,
    score_interval,
    wald_half_interval,
    wald_interval,
)

COUNTS = [(0, 1), (1, 1), (0, 20), (20, 20), (1, 20), (8, 19), (12, 20), (700, 1_000)]
LEVELS = [0.8, 0.95, 0.99]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("count", "n"), COUNTS)
def test_the_exact_interval_is_scipys(count: int, n: int, level: float) -> None:
    # SciPy searches the ends by bisection to about 1e-12; ours are quantiles of the beta
    want = binomtest(count, n).proportion_ci(confidence_level=level, method="exact")
    assert exact_interval(count, n, level) == pytest.approx((want.low, want.high), abs=1e-9)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("count", "n"), COUNTS)
def test_the_score_interval_is_scipys_at_every_level(count: int, n: int, level: float) -> None:
    # the same formula: rounding only
    want = binomtest(count, n).proportion_ci(confidence_level=level, method="wilson")
    assert score_interval(count, n, level) == pytest.approx((want.low, want.high), abs=1e-12)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("count", "n"), [pair for pair in COUNTS if 0 < pair[0] < pair[1]])
def test_jeffreys_interval_leaves_the_same_in_both_tails(count: int, n: int, level: float) -> None:
    posterior = beta(count + 0.5, n - count + 0.5)
    low, high = jeffreys_interval(count, n, level)
    tail = (1.0 - level) / 2.0  # rounding of the quantile only
    assert posterior.cdf(low) == pytest.approx(tail, rel=1e-9)
    assert posterior.sf(high) == pytest.approx(tail, rel=1e-9)


@pytest.mark.parametrize(
    ("method", "count", "n", "printed"),
    [
        # Newcombe RG. Two-sided confidence intervals for the single proportion. Stat Med
        # 1998;17:857-872, table I: simple asymptotic, score and Clopper-Pearson
        ("wald", 81, 263, (0.2522, 0.3638)),
        ("wilson", 81, 263, (0.2553, 0.3662)),
        ("clopper_pearson", 81, 263, (0.2527, 0.3676)),
        ("wald", 15, 148, (0.0527, 0.1500)),
        ("wilson", 15, 148, (0.0624, 0.1605)),
        ("clopper_pearson", 15, 148, (0.0578, 0.1617)),
        ("wilson", 0, 20, (0.0000, 0.1611)),
        ("clopper_pearson", 0, 20, (0.0000, 0.1684)),
        ("wilson", 1, 29, (0.0061, 0.1718)),
        ("clopper_pearson", 1, 29, (0.0009, 0.1776)),
        # document 002: its sample size statement, and the interval of its primary endpoint
        ("clopper_pearson", 12, 20, (0.361, 0.809)),
        ("wald_half", 8, 19, (0.196, 0.646)),
    ],
)
def test_a_published_interval_is_reproduced_to_its_digits(
    method: IntervalMethod, count: int, n: int, printed: tuple[float, float]
) -> None:
    digits = 4 if method != "wald_half" and (count, n) != (12, 20) else 3
    assert tuple(round(end, digits) for end in METHODS[method](count, n, 0.95)) == printed


@pytest.mark.parametrize(("n", "level"), [(5, 0.8), (19, 0.95), (20, 0.99)])
def test_the_exact_interval_covers_at_least_as_often_as_it_says(n: int, level: float) -> None:
    for p in (0.01, 0.1, 0.35, 0.5, 0.77, 0.99):
        ends = [exact_interval(count, n, level) for count in range(n + 1)]
        covered = sum(
            float(binom.pmf(count, n, p))
            for count, (low, high) in enumerate(ends)
            if low <= p <= high
        )
        assert covered >= level


@pytest.mark.parametrize("method", METHODS)
def test_an_interval_of_the_failures_is_the_mirror_of_the_successes(method: IntervalMethod) -> None:
    low, high = METHODS[method](8, 19, 0.95)
    # rounding only
    assert METHODS[method](11, 19, 0.95) == pytest.approx((1.0 - high, 1.0 - low), abs=1e-12)


@pytest.mark.parametrize("interval", [exact_interval, score_interval, jeffreys_interval])
def test_nothing_seen_begins_at_exactly_0_and_everything_ends_at_exactly_1(interval) -> None:
    assert interval(0, 20)[0] == 0.0
    assert interval(20, 20)[1] == 1.0


def test_walds_interval_has_no_width_without_successes_and_its_largest_at_one_half() -> None:
    assert wald_interval(0, 20) == (0.0, 0.0)
    assert wald_interval(10, 20) == wald_half_interval(10, 20)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("count", "n"), [(-1, 10), (11, 10), (0, 0)])
def test_what_is_no_share_is_refused(method: IntervalMethod, count: int, n: int) -> None:
    with pytest.raises(DomainError, match=f"{count} of {n} is no share"):
        METHODS[method](count, n, 0.95)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_a_level_is_a_fraction(method: IntervalMethod, level: float) -> None:
    with pytest.raises(DomainError, match=r"fraction between 0 and 1, such as 0\.95"):
        METHODS[method](8, 19, level)


def test_every_method_has_a_name() -> None:
    assert set(METHOD_NAMES) == set(METHODS)
