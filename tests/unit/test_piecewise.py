"""Piecewise constant rates: amounts, times, and their borders."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simtrial.core.errors import DomainError
from simtrial.stats.survival.piecewise import (
    PiecewiseRate,
    constant_rate,
    cumulate,
    rate_of_median,
    rate_of_share,
    reach,
    scale_rate,
    survive,
    tabulate_rates,
    time_reaching,
)

STEPS = PiecewiseRate(starts=(0.0, 2.0, 5.0), rates=(0.5, 0.0, 0.25))

pieces = st.lists(
    st.tuples(st.floats(0.01, 20.0), st.one_of(st.just(0.0), st.floats(0.001, 5.0))),
    min_size=1,
    max_size=5,
)


def rate_of(parts: list[tuple[float, float]]) -> PiecewiseRate:
    starts = np.concatenate([[0.0], np.cumsum([width for width, _ in parts])[:-1]])
    return PiecewiseRate(starts=tuple(starts.tolist()), rates=tuple(rate for _, rate in parts))


def test_amounts_are_worked_by_hand() -> None:
    # 0.5 a unit until 2, nothing until 5, 0.25 a unit from then on
    got = cumulate(STEPS, [-1.0, 0.0, 1.0, 2.0, 3.0, 5.0, 9.0])
    assert got.tolist() == [0.0, 0.0, 0.5, 1.0, 1.0, 1.0, 2.0]
    assert survive(STEPS, [9.0])[0] == pytest.approx(math.exp(-2.0), rel=1e-15)


def test_an_amount_is_reached_at_the_earliest_time() -> None:
    # 1 is reached at 2, not at the end of the pause
    assert reach(STEPS, [0.0, 0.25, 1.0, 1.25, 2.0]).tolist() == [0.0, 0.5, 2.0, 6.0, 9.0]


def test_what_a_last_rate_of_0_never_reaches_is_at_infinity() -> None:
    ends = PiecewiseRate(starts=(0.0, 2.0), rates=(0.5, 0.0))
    assert reach(ends, [1.0, 1.5]).tolist() == [2.0, math.inf]
    assert reach(constant_rate(0.0), [1e-300])[0] == math.inf
    assert cumulate(ends, [math.inf])[0] == 1.0


@given(pieces, st.floats(1e-6, 50.0))
def test_time_and_amount_are_inverse(parts, amount) -> None:
    rate = rate_of(parts)
    time = reach(rate, [amount])[0]
    if time == math.inf:
        assert rate.rates[-1] == 0.0
    else:
        # a few roundings of each
        assert cumulate(rate, [time])[0] == pytest.approx(amount, rel=1e-12)


@given(pieces, st.lists(st.floats(0.0, 50.0), min_size=2, max_size=20))
def test_a_larger_amount_is_never_reached_earlier(parts, amounts) -> None:
    rate = rate_of(parts)
    borders = cumulate(rate, rate.starts)
    near = np.concatenate([np.nextafter(borders, 0.0), borders, np.nextafter(borders, np.inf)])
    times = reach(rate, np.sort(np.concatenate([amounts, near])))
    assert np.all(times[1:] >= times[:-1])


def test_a_row_of_a_table_is_its_rate_whatever_stands_in_the_others() -> None:
    alone, among = tabulate_rates(constant_rate(0.2)), tabulate_rates(STEPS, constant_rate(0.2))
    for amount in (0.0, 1e-12, 0.3, 40.0):
        assert time_reaching(alone, 0, amount) == time_reaching(among, 1, amount)


def test_a_share_by_a_time_and_a_median_are_kept() -> None:
    assert 1.0 - survive(rate_of_share(0.05, by=12.0), [12.0])[0] == pytest.approx(0.05, rel=1e-14)
    assert survive(rate_of_median(12.0), [12.0])[0] == pytest.approx(0.5, rel=1e-14)
    # a share is not a hazard
    assert rate_of_share(0.005, by=1.0).rates[0] == pytest.approx(0.00501254, abs=5e-9)


def test_a_hazard_ratio_multiplies_every_piece() -> None:
    assert scale_rate(STEPS, 2.0) == PiecewiseRate(starts=STEPS.starts, rates=(1.0, 0.0, 0.5))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: PiecewiseRate(starts=(), rates=()), r"differ in length or are empty;.*such as"),
        (lambda: PiecewiseRate(starts=(0.0, 6.0), rates=(0.1,)), r"differ in length"),
        (lambda: PiecewiseRate(starts=(1.0,), rates=(0.1,)), r"they begin with 0.*such as \(0, 6"),
        (lambda: PiecewiseRate(starts=(0.0, 6.0, 6.0), rates=(1.0, 1.0, 1.0)), r"and increase"),
        (lambda: PiecewiseRate(starts=(0.0, math.inf), rates=(1.0, 1.0)), r"and increase"),
        (lambda: constant_rate(-0.1), r"rates are \(-0\.1,\); each is 0 or above"),
        (lambda: constant_rate(math.nan), r"rates are \(nan,\)"),
        (lambda: rate_of_median(0.0), r"median is 0\.0;.*such as 12"),
        (lambda: rate_of_share(1.0, by=12.0), r"share is 1\.0;.*such as 0\.05"),
        (lambda: rate_of_share(0.1, by=0.0), r"by is 0\.0;.*such as 12"),
        (lambda: scale_rate(STEPS, -1.0), r"factor is -1\.0;.*such as 0\.6"),
    ],
)
def test_what_is_no_rate_is_refused_with_an_example(call, said) -> None:
    with pytest.raises(DomainError, match=said):
        call()
