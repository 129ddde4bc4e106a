"""Exact intervals of rates against printed limits, and their rules."""

from __future__ import annotations

import pytest
from scipy.stats import poisson

from simtrial.core.errors import DomainError
from simtrial.stats.rates import exact_rate_interval


# limits of a Poisson mean as tabled, two decimals: Garwood 1936 (0 has a one-sided 97.5 % limit)
@pytest.mark.parametrize(
    ("events", "low", "high"), [(0, 0.0, 3.69), (1, 0.03, 5.57), (3, 0.62, 8.77), (10, 4.80, 18.39)]
)
def test_limits_of_a_mean_are_those_of_the_tables(events: int, low: float, high: float) -> None:
    found = exact_rate_interval(events, 1.0)
    assert (round(found[0], 2), round(found[1], 2)) == (low, high)


@pytest.mark.parametrize("events", [1, 2, 7, 40])
def test_each_limit_leaves_a_tail_of_half_the_rest(events: int) -> None:
    low, high = exact_rate_interval(events, 20.0, 0.9)
    # the inverse gamma function is solved to about twelve digits
    assert poisson.sf(events - 1, 20.0 * low) == pytest.approx(0.05, rel=1e-9)
    assert poisson.cdf(events, 20.0 * high) == pytest.approx(0.05, rel=1e-9)


@pytest.mark.parametrize(("events", "exposed", "level"), [(-1, 1, 0.9), (1, 0, 0.9), (1, 1, 1.0)])
def test_what_is_no_rate_is_refused(events: int, exposed: float, level: float) -> None:
    with pytest.raises(DomainError, match=r"is no rate|a fraction between"):
        exact_rate_interval(events, exposed, level)
