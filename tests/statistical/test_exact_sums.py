"""The exact sums themselves: against enumeration, and against each other."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from tests.independent.beta_second import beta_greater_second, exact_power_second
from tests.statistical.exact import (
    ROUNDING,
    Blocks,
    Rule,
    better_arm_sizes,
    corners,
    exact_interval,
    exact_power,
    stratified_power,
)


def sizes_by_enumeration(n: int, blocks: Blocks) -> Counter[int]:
    """Return exact chances of each size of the better arm, from every order of every block."""
    if n == 0:
        return Counter({0: Fraction(1)})
    out: Counter[int] = Counter()
    for size in blocks.sizes:
        part = size * blocks.ratio[0] // sum(blocks.ratio)
        orders = list(itertools.product((0, 1), repeat=size))
        orders = [order for order in orders if sum(order) == part]
        for order in orders:
            taken = order[:n]
            for rest, chance in sizes_by_enumeration(n - len(taken), blocks).items():
                out[sum(taken) + rest] += chance / len(orders) / len(blocks.sizes)
    return out


@pytest.mark.parametrize("n", range(8))
@pytest.mark.parametrize(
    "blocks",
    [Blocks(), Blocks(sizes=(2, 4)), Blocks(ratio=(2, 1), sizes=(3, 6)), Blocks(sizes=(6,))],
)
def test_arm_sizes_are_those_of_every_order_of_every_block(n, blocks):
    enumerated = sizes_by_enumeration(n, blocks)
    wanted = [float(enumerated[k]) for k in range(n + 1)]
    np.testing.assert_allclose(better_arm_sizes(n, blocks), wanted, rtol=0, atol=1e-14)


def test_two_patients_of_a_block_of_four_share_an_arm_once_in_three():
    np.testing.assert_allclose(better_arm_sizes(2, Blocks()), [1 / 6, 4 / 6, 1 / 6], rtol=1e-14)
    np.testing.assert_allclose(better_arm_sizes(94, Blocks())[46:49], [1 / 6, 4 / 6, 1 / 6])


def test_power_at_fixed_arm_sizes_is_that_of_the_second_sum():
    fixed = np.zeros(31)
    fixed[18] = 1.0
    rule = Rule(better=(2.0, 1.0), other=(1.0, 3.0), above=0.9)
    second = exact_power_second(18, 12, 0.6, 0.4, rule.better, rule.other, rule.above)
    assert exact_power(fixed, 0.6, 0.4, rule) == pytest.approx(second, abs=ROUNDING)


def test_equality_with_the_threshold_is_no_success():
    # 2 of 2 against 0 of 2 under uniform priors: 1 - B(3, 4) / B(3, 1) = 0.95
    fixed = np.array([0.0, 0.0, 1.0, 0.0, 0.0])
    assert beta_greater_second(3, 1, 1, 3) == pytest.approx(0.95, abs=1e-13)
    assert exact_power(fixed, 1.0, 0.0, Rule(above=0.95)) == 0.0
    assert exact_power(fixed, 1.0, 0.0, Rule(above=0.949)) == pytest.approx(1.0, abs=ROUNDING)


def test_strata_are_summed_as_every_course_of_a_small_trial():
    n, blocks, rule = 5, Blocks(sizes=(2, 4)), Rule(above=0.8)
    shares = np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]])
    p_better, p_other = np.array([0.2, 0.6, 0.9]), np.array([0.4, 0.1, 0.3])
    wanted = np.zeros(2)
    for strata in itertools.product(range(3), repeat=n):
        filled = [sizes_by_enumeration(strata.count(s), blocks) for s in range(3)]
        weight = shares[:, strata].prod(axis=1)
        for way in itertools.product(*filled):
            chance = math.prod(float(f[k]) for f, k in zip(filled, way, strict=True))
            in_other = [strata.count(s) - way[s] for s in range(3)]
            responders = responders_of(way, p_better)
            others = responders_of(in_other, p_other)
            for (y1, c1), (y0, c0) in itertools.product(responders.items(), others.items()):
                greater = beta_greater_cached(
                    1 + y1, 1 + sum(way) - y1, 1 + y0, 1 + n - sum(way) - y0
                )
                wanted += weight * chance * c1 * c0 * (greater > rule.above)
    found = stratified_power(n, blocks, shares, p_better, p_other, rule)
    np.testing.assert_allclose(found.values, wanted, rtol=0, atol=found.missed)


def test_strata_with_equal_responses_differ_from_no_strata_by_arm_sizes_only():
    # with one stratum that holds everybody, the sum is the one without strata
    shares = np.array([[1.0, 0.0, 0.0], [0.3, 0.3, 0.4]]) + 1e-300
    found = stratified_power(30, Blocks(), shares, np.full(3, 0.7), np.full(3, 0.4), Rule())
    plain = exact_power(better_arm_sizes(30, Blocks()), 0.7, 0.4, Rule())
    assert found.values[0] == pytest.approx(plain, abs=found.missed)
    assert 1e-5 < abs(found.values[1] - plain) < 0.02


def test_intervals_miss_at_most_as_often_as_stated():
    low, high = exact_interval(30, 100, 0.05)
    assert (round(low, 4), round(high, 4)) == (0.2124, 0.3998)  # printed in many tables
    assert exact_interval(0, 10, 0.05)[0] == 0.0
    assert exact_interval(10, 10, 0.05)[1] == 1.0


def test_corners_of_shares_add_up_to_one():
    found = corners([(0.1, 0.2), (0.3, 0.4), (0.5, 0.6)])
    assert found.shape == (8, 3)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-15)


def responders_of(in_strata: tuple[int, ...] | list[int], p: np.ndarray) -> Counter[int]:
    """Return the chance of each number of responders, one patient after the other."""
    out: Counter[int] = Counter({0: 1.0})
    for s, patients in enumerate(in_strata):
        for _ in range(patients):
            after: Counter[int] = Counter()
            for y, chance in out.items():
                after[y] += chance * (1 - p[s])
                after[y + 1] += chance * p[s]
            out = after
    return out


_known: dict[tuple[int, int, int, int], float] = {}


def beta_greater_cached(*parameters: int) -> float:
    if parameters not in _known:
        _known[parameters] = beta_greater_second(*parameters)
    return _known[parameters]
