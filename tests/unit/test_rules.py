"""Rules of the protocol: entry, whole minutes, permuted blocks, and who can be found at all."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from simtrial.cohort.arrivals import arrivals_of
from simtrial.cohort.draws import fill_block
from simtrial.cohort.protocol import NEVER
from simtrial.cohort.rules import screening_failure, whole_minute
from simtrial.cohort.snapshot import SCREENING_FAILURES
from simtrial.core.errors import DesignError
from simtrial.core.units import DAYS_PER_MONTH, MINUTES_PER_DAY, MINUTES_PER_WEEK
from simtrial.trial.design import Accrual
from tests.independent.philox_second import uniform_second

SEED = 20261122
# physician, patient, extramuscular, HAQ, MMT, CK: two abnormal measures beside the MMT
SEEN = (2.0, 1.9, 1.9, 0.25, 141.0, 1.29)


def reason(
    seen: tuple[float, ...] = SEEN,
    prednisolone_mg: float = 20.0,
    mmt_below: float = 142.0,
    other_abnormal: int = 2,
    prednisolone_at_most: float = 20.0,
) -> str | None:
    """Return why a candidate may not enter, or None."""
    found = screening_failure(
        np.array(seen), prednisolone_mg, mmt_below, other_abnormal, prednisolone_at_most
    )
    return None if found < 0 else SCREENING_FAILURES[found]


# entry


def test_who_meets_every_rule_enters() -> None:
    assert reason() is None


def test_mmt_at_the_limit_is_too_strong() -> None:
    assert reason(mmt_below=141.0) == "mmt"


def test_too_few_other_abnormal_measures_are_a_failure() -> None:
    assert reason(other_abnormal=3) == "other_measures"


@pytest.mark.parametrize(("place", "value"), [(0, 2.0), (1, 2.0), (2, 2.0), (3, 0.25), (5, 1.3)])
def test_each_measure_but_mmt_counts_as_one_of_the_others(place: int, value: float) -> None:
    normal = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert reason(tuple(normal), other_abnormal=1) == "other_measures"
    normal[place] = value
    assert reason(tuple(normal), other_abnormal=1) is None


def test_a_dose_of_prednisolone_above_the_limit_is_a_failure() -> None:
    assert reason(prednisolone_mg=22.5) == "prednisolone"


def test_of_two_reasons_mmt_is_named_before_the_other_measures() -> None:
    assert reason(mmt_below=100.0, other_abnormal=5) == "mmt"


def test_of_two_reasons_the_other_measures_are_named_before_prednisolone() -> None:
    assert reason(other_abnormal=5, prednisolone_mg=100.0) == "other_measures"


def test_without_rules_everyone_enters() -> None:
    everyone = {"mmt_below": np.inf, "other_abnormal": 0, "prednisolone_at_most": np.inf}
    healthy = (0.0, 0.0, 0.0, 0.0, 150.0, 0.5)
    assert reason(healthy, prednisolone_mg=100.0, **everyone) is None  # type: ignore[arg-type]


# minutes


@pytest.mark.parametrize(
    ("minutes", "whole"), [(0.0, 0), (0.49, 0), (0.5, 1), (1.49, 1), (2.5, 3), (161_280.2, 161_280)]
)
def test_a_time_is_rounded_to_the_nearest_minute_a_half_up(minutes: float, whole: int) -> None:
    assert whole_minute(minutes) == whole


@pytest.mark.parametrize("minutes", [1.1e15, 1e300, np.inf])
def test_what_is_too_far_to_count_never_comes(minutes: float) -> None:
    assert whole_minute(minutes) == NEVER


# permuted blocks


def block(
    ratio: tuple[int, ...], sizes: tuple[int, ...], number: int = 0, stratum: int = 0
) -> list[int]:
    out = np.full(max(sizes), -1)
    size = fill_block(out, np.array(ratio), np.array(sizes), SEED, 0, stratum, number)
    return [int(arm) for arm in out[:size]]


def block_by_hand(ratio: tuple[int, ...], sizes: tuple[int, ...], number: int) -> list[int]:
    """Shuffle from the end, exchanging place i with one of places 0..i."""
    u = [uniform_second(SEED, 9, 0, 1, number, slot) for slot in range(max(sizes))]
    size = sizes[int(u[0] * len(sizes))]
    out = [arm for arm, part in enumerate(ratio) for _ in range(part * size // sum(ratio))]
    for i in reversed(range(1, size)):
        j = int(u[i] * (i + 1))
        out[i], out[j] = out[j], out[i]
    return out


@pytest.mark.parametrize(
    ("ratio", "sizes"),
    [((1, 1), (4,)), ((1, 1), (2, 4, 6)), ((2, 1), (3, 6)), ((1, 2, 1), (4, 8)), ((1,), (1,))],
)
def test_every_block_holds_the_ratio_exactly(
    ratio: tuple[int, ...], sizes: tuple[int, ...]
) -> None:
    for number in range(200):
        arms = block(ratio, sizes, number)
        share = len(arms) // sum(ratio)
        assert Counter(arms) == {arm: part * share for arm, part in enumerate(ratio)}


def test_every_block_has_one_of_the_sizes_given() -> None:
    # 1,000 blocks: each size is missing with a chance of (2/3)^1000
    assert {len(block((1, 1), (2, 4, 6), number)) for number in range(1_000)} == {2, 4, 6}


def test_a_block_is_the_shuffle_that_its_addresses_say() -> None:
    for number in range(300):
        got = block((2, 1), (3, 6, 12), number, stratum=1)
        assert got == block_by_hand((2, 1), (3, 6, 12), number)


def equally_often(counts: NDArray[np.int64]) -> bool:
    """Whether counts may be of equally likely outcomes: chi-square, false alarm 1e-6."""
    return bool(stats.chisquare(counts).pvalue > 1e-6)


# False alarm 1e-6 each. Of 30,000 blocks, a shuffle that exchanges with any of the four places
# (chances 8/64 to 13/64 instead of 1/6) gives a chi-square near 940 at 5 degrees of freedom.
def test_the_orders_of_a_block_of_two_arms_are_equally_likely() -> None:
    orders = Counter(tuple(block((1, 1), (4,), number)) for number in range(30_000))
    assert set(orders) == set(permutations((0, 0, 1, 1)))
    assert equally_often(np.array(list(orders.values())))


def test_the_orders_of_a_block_of_four_arms_are_equally_likely() -> None:
    orders = Counter(tuple(block((1, 1, 1, 1), (4,), number)) for number in range(30_000))
    assert set(orders) == set(permutations(range(4)))
    assert equally_often(np.array(list(orders.values())))


def test_the_sizes_of_blocks_are_equally_likely() -> None:
    sizes = Counter(len(block((1, 1), (2, 4, 6), number)) for number in range(30_000))
    assert equally_often(np.array(list(sizes.values())))


def test_strata_have_blocks_of_their_own() -> None:
    there, here = (
        [block((1, 1), (4,), number, stratum) for number in range(50)] for stratum in (0, 1)
    )
    assert there != here


# arrivals

ACCRUAL = Accrual(sites=4, site_opening_weeks=40.0, patients_per_site_month=0.5)


def test_sites_open_evenly_from_the_start() -> None:
    opening = arrivals_of(ACCRUAL, 0.5, 1.0, 100).opening
    assert (opening / MINUTES_PER_WEEK).tolist() == [0.0, 10.0, 20.0, 30.0]


def test_a_site_sees_the_more_candidates_the_fewer_are_eligible() -> None:
    a_month = DAYS_PER_MONTH * MINUTES_PER_DAY
    # two quotients: rounding
    got = arrivals_of(ACCRUAL, 0.5, 0.25, 100).per_minute * a_month
    assert got == pytest.approx(2.0, rel=1e-14)


def test_there_are_candidates_for_many_times_the_trial() -> None:
    assert arrivals_of(ACCRUAL, 0.5, 0.25, 100).most_candidates >= 20 * 100 / 0.25


@pytest.mark.parametrize(("eligible", "shown"), [(0.004, r"0\.4 %"), (0.0, "0 %")])
def test_when_next_to_nobody_is_eligible_the_share_found_is_told(
    eligible: float, shown: str
) -> None:
    with pytest.raises(DesignError, match=rf"population\.eligibility lets {shown} of the cand"):
        arrivals_of(ACCRUAL, 0.5, eligible, 100)


def test_when_next_to_nobody_is_eligible_the_rules_to_ease_are_told() -> None:
    with pytest.raises(DesignError, match="Ease mmt_below, other_abnormal_measures or predniso"):
        arrivals_of(ACCRUAL, 0.5, 0.001, 100)


def test_one_candidate_in_a_hundred_is_enough() -> None:
    assert arrivals_of(ACCRUAL, 0.5, 0.01, 100).most_candidates > 200_000
