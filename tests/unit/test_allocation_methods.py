"""Single choices of an allocation, against their definitions; orders and their table."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from simtrial.cohort.allocation import (
    FACTORS,
    allocation_plan,
    factor_level,
    imbalance_with,
    minimising_arm,
    weighted_arm,
)
from simtrial.cohort.orders import NO_ORDER, closing_minute, order_at, orders_of
from simtrial.core.errors import DomainError
from simtrial.core.streams import Purpose, uniform
from tests.agreement.scripted import design

SEED = 20_261_124
ARMS = {
    "a": {"dose_g_per_kg": 1.0, "every_weeks": 4, "infusions": 3},
    "b": {"dose_g_per_kg": 2.0, "every_weeks": 4, "infusions": 3},
    "c": {"infusions_like": "a"},
}


def plan(ratio: tuple[int, int, int] = (2, 1, 3), method: str = "complete"):
    """Return the plan of a design of three arms."""
    allocation = {"ratio": dict(zip(ARMS, ratio, strict=True)), "method": method}
    if method == "permuted_blocks":
        allocation["block_sizes"] = [sum(ratio)]
    if method == "minimisation":
        allocation["strata"] = ["severity", "sex"]
    return allocation_plan(design(arms=ARMS, allocation=allocation))


@pytest.mark.parametrize(
    ("u", "but", "arm"),
    [(0.0, -1, 0), (0.3332, -1, 0), (0.3334, -1, 2), (0.99999, -1, 2), (0.0, 0, 2), (0.7, 2, 0)],
)
def test_an_arm_is_chosen_by_its_place_along_the_weights(u: float, but: int, arm: int) -> None:
    # arm 1 has weight 0
    assert weighted_arm(u, np.array([1.0, 0.0, 2.0]), but) == arm


def test_the_largest_uniform_never_chooses_a_closed_arm() -> None:
    # 0.1 seven times adds up to less than 0.7, so rounding may leave the mark beyond the last arm
    weights = np.array([0.1] * 7 + [0.0])
    assert weighted_arm(1.0 - 2.0**-53, weights, -1) == 6


@pytest.mark.parametrize("counts", [(3, 1, 0), (0, 0, 0), (5, 5, 9)])
@pytest.mark.parametrize("arm", [0, 1, 2])
def test_the_imbalance_is_the_range_or_the_variance_after_the_patient(
    counts: tuple[int, ...], arm: int
) -> None:
    after = np.array(counts, float)
    after[arm] += 1
    ones = np.ones(3)
    found = [imbalance_with(np.array(counts), arm, ones, ones, v) for v in (False, True)]
    # whole numbers: exact, but for the division of the variance
    assert found[0] == after.max() - after.min()
    assert found[1] / 9 == pytest.approx(after.var(), abs=1e-12)


def test_a_closed_arm_counts_in_no_imbalance() -> None:
    weights = np.array([1.0, 1.0, 0.0])
    for by_variance, want in ((False, 1.0), (True, 1.0)):
        counts = np.array([3, 1, 99])
        assert imbalance_with(counts, 1, weights, np.ones(3), by_variance) == want


def test_unequal_weights_are_balanced_by_whole_numbers_that_tie_in_the_ratio() -> None:
    orders = orders_of(plan((2, 1, 3)), [()])
    np.testing.assert_array_equal(orders.scales[0, 0], [3.0, 6.0, 2.0])
    # with 7 2:1:3 is held, and a patient of any arm moves it
    weights, scales = orders.weights[0, 0], orders.scales[0, 0]
    assert imbalance_with(np.array([14, 6, 21]), 1, weights, scales, False) == 0.0


def shares(imbalance: list[float], weights: list[float], favoured: float, n: int = 40_000):
    """Return how often each arm was given to n candidates."""
    arms = [
        minimising_arm(np.array(imbalance), np.array(weights), favoured, SEED, 0, c)
        for c in range(n)
    ]
    return np.bincount(arms, minlength=len(weights)) / n


# 1 in 1e6 for each arm by the normal quantile 4.9; with 40,000 candidates sees 1.2 points at 0.5
def assert_shares(found: np.ndarray, want: list[float]) -> None:
    sd = np.sqrt(np.array(want) * (1 - np.array(want)) / 40_000)
    assert (np.abs(found - want) <= 4.9 * sd + 1e-15).all(), (found, want)


@pytest.mark.parametrize(
    ("imbalance", "weights", "favoured", "want"),
    [
        ([1.0, 3.0], [1.0, 1.0], 0.8, [0.8, 0.2]),
        ([3.0, 1.0], [1.0, 1.0], 0.8, [0.2, 0.8]),
        ([2.0, 2.0], [1.0, 1.0], 0.8, [0.5, 0.5]),
        ([1.0, 3.0], [1.0, 1.0], 1.0, [1.0, 0.0]),
        # 2:1, the smallest arm favoured by 0.8: the larger by 1 - 0.2 * 1/2
        ([1.0, 3.0], [2.0, 1.0], 0.8, [0.9, 0.1]),
        ([3.0, 1.0], [2.0, 1.0], 0.8, [0.2, 0.8]),
        # all tie: the ratio
        ([5.0, 5.0, 5.0], [2.0, 1.0, 3.0], 0.7, [2 / 6, 1 / 6, 3 / 6]),
        # the first is best: 1 - 0.3 * 4/5, the rest 1:3
        ([0.0, 5.0, 5.0], [2.0, 1.0, 3.0], 0.7, [0.76, 0.06, 0.18]),
        # a closed arm is never given, however well it would balance
        ([0.0, 5.0, 6.0], [0.0, 1.0, 1.0], 0.7, [0.0, 0.7, 0.3]),
        ([0.0, 5.0, 6.0], [0.0, 0.0, 1.0], 0.7, [0.0, 0.0, 1.0]),
        # the ratio gives 0.9 already: 0.7 would avoid it
        ([0.0, 1.0], [9.0, 1.0], 0.05, [0.9, 0.1]),
    ],
)
def test_the_best_arm_is_given_with_the_stated_probability(
    imbalance: list[float], weights: list[float], favoured: float, want: list[float]
) -> None:
    assert_shares(shares(imbalance, weights, favoured), want)


def test_the_choice_reads_its_published_addresses() -> None:
    for candidate in range(50):
        tie, coin = (
            uniform(SEED, Purpose.COMPLETE_ALLOCATION, 3, candidate, 0, slot) for slot in (0, 1)
        )
        preferred = 0 if tie < 0.5 else 1
        want = preferred if coin >= 0.2 else 1 - preferred
        found = minimising_arm(np.zeros(2), np.ones(2), 0.8, SEED, 3, candidate)
        assert found == want


@pytest.mark.parametrize(
    ("factor", "level"),
    [
        ("severity", 2),
        ("subtype", 4),
        ("line", 1),
        ("sex", 1),
        ("prednisolone", 1),
        ("site", 9),
        ("age_65", 1),
    ],
)
def test_each_factor_reads_its_own_fact(factor: str, level: int) -> None:
    assert factor_level(FACTORS[factor], 2, 4, 1, True, 20.0, 9, 65.0) == level


@pytest.mark.parametrize(("dose", "level"), [(0.0, 0), (2.5, 1), (20.0, 1), (22.5, 2)])
def test_prednisolone_is_cut_at_none_and_at_20_mg(dose: float, level: int) -> None:
    assert factor_level(FACTORS["prednisolone"], 0, 0, 0, False, dose, 0, 40.0) == level


def test_age_is_cut_at_65_years() -> None:
    levels = [factor_level(FACTORS["age_65"], 0, 0, 0, False, 0.0, 0, a) for a in (64.99, 65.0)]
    assert levels == [0, 1]


# --- orders -------------------------------------------------------------------------------------


def test_the_ratio_is_in_force_until_the_first_order() -> None:
    orders = orders_of(plan(), [[(10, (1, 1, 1)), (30, (0, 1, 0))]])
    rows = [order_at(orders.from_minute[0], minute) for minute in (0, 9, 10, 29, 30, 10**9)]
    assert rows == [0, 0, 1, 1, 2, 2]
    np.testing.assert_array_equal(orders.weights[0], [[2, 1, 3], [1, 1, 1], [0, 1, 0]])
    assert closing_minute(orders.from_minute[0], orders.weights[0]) == NO_ORDER


def test_a_replicate_with_fewer_orders_than_another_keeps_its_last() -> None:
    orders = orders_of(plan(), [[(10, (1, 0, 0)), (20, (0, 0, 0))], [(5, (0, 1, 0))]])
    assert order_at(orders.from_minute[1], 10**12) == 1
    assert closing_minute(orders.from_minute[0], orders.weights[0]) == 20
    assert closing_minute(orders.from_minute[1], orders.weights[1]) == NO_ORDER


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([(10, (1, 1))], r"a weight of at least 0 for each of 3 arms"),
        ([(10, (1, -1, 1))], r"a weight of at least 0"),
        ([(10, (1, float("nan"), 1))], r"a weight of at least 0"),
        ([(10, (1, float("inf"), 1))], r"a weight of at least 0"),
        ([(10, (1, 1, 1)), (9, (1, 1, 1))], r"before minute 10"),
        ([(-1, (1, 1, 1))], r"before minute 0"),
        ([(10, (0, 0, 0)), (11, (1, 1, 1))], r"closed, and that is final"),
    ],
)
@pytest.mark.parametrize("method", ["complete", "minimisation"])
def test_orders_that_cannot_be_carried_out_are_refused(given, told: str, method: str) -> None:
    with pytest.raises(DomainError, match=told + r".*for example \(20_160, \(2\.0, 1\.0, 3\.0\)\)"):
        orders_of(plan(method=method), [given])


def test_scales_of_weights_that_are_no_whole_numbers_are_their_inverses() -> None:
    orders = orders_of(plan(), [[(10, (0.5, 0.25, 0.0))]])
    np.testing.assert_array_equal(orders.scales[0, 1], [2.0, 4.0, 0.0])


def test_imbalances_of_arms_in_the_ratio_tie_in_the_last_bit() -> None:
    # what the whole-number scales are for: 3 and 7 have no finite binary inverse
    orders = orders_of(plan((3, 7, 1)), [()])
    weights, scales = orders.weights[0, 0], orders.scales[0, 0]
    for times, by_variance in itertools.product((1, 10, 333), (False, True)):
        counts = times * np.array([3, 7, 1])
        counts[1] -= 1
        assert imbalance_with(counts, 1, weights, scales, by_variance) == 0.0
