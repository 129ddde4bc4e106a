"""The Total Improvement Score: Aggarwal 2017, table 3, and the rule of deterioration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from simtrial.myositis.measures import (
    ENZYME,
    EXTRAMUSCULAR,
    HAQ,
    MEASURES,
    MMT,
    PATIENT,
    PHYSICIAN,
)
from simtrial.myositis.tis import (
    MAJOR,
    MINIMAL,
    MODERATE,
    has_worsened,
    improvement_percent,
    improvement_score,
    measure_points,
    relative_worsening,
    rounded,
)
from tests.independent.tis_second import deterioration_second, tis_second

Floats = NDArray[np.float64]

USUAL, OF_MMT = (5.0, 15.0, 25.0, 40.0), (2.0, 10.0, 20.0, 30.0)
# points of the five bands, and the upper ends of the first four
TABLE = {
    PHYSICIAN: (USUAL, (0.0, 7.5, 15.0, 17.5, 20.0)),
    PATIENT: (USUAL, (0.0, 2.5, 5.0, 7.5, 10.0)),
    EXTRAMUSCULAR: (USUAL, (0.0, 7.5, 12.5, 15.0, 20.0)),
    HAQ: (USUAL, (0.0, 5.0, 7.5, 7.5, 10.0)),
    MMT: (OF_MMT, (0.0, 10.0, 20.0, 27.5, 32.5)),
    ENZYME: (USUAL, (0.0, 2.5, 5.0, 7.5, 7.5)),
}
MIDDLE = np.array([5.0, 5.0, 5.0, 1.5, 75.0, 5.0])  # room on both sides, of 150
WORST = np.array([10.0, 10.0, 10.0, 3.0, 0.0, 15.0])
BEST = np.array([0.0, 0.0, 0.0, 0.0, 150.0, 0.5])
STARTED = np.array([2.0, 2.0, 2.0, 1.0, 100.0, 2.0])  # baselines that can worsen by 30 %


def moved(start: Floats, **to: float) -> Floats:
    """Return the six measures with some of them at another value."""
    out = start.copy()
    for name, value in to.items():
        out[MEASURES.index(name)] = value
    return out


def by_name(values: Floats) -> dict[str, float]:
    return {name: float(v) for name, v in zip(MEASURES, values, strict=True)}


def random_visits(n: int, mmt_maximum: int, seed: int) -> Floats:
    """Return (n, 6) observed values, each on the grid on which it is written down."""
    rng = np.random.default_rng(seed)
    out = np.empty((n, 6))
    for measure in (PHYSICIAN, PATIENT, EXTRAMUSCULAR):
        out[:, measure] = rng.integers(0, 101, n) / 10.0
    out[:, HAQ] = rng.integers(0, 25, n) / 8.0
    out[:, MMT] = rng.integers(0, mmt_maximum + 1, n)
    out[:, ENZYME] = np.exp(rng.uniform(np.log(0.2), np.log(250.0), n))
    return out


def random_pairs(n: int, mmt_maximum: int, seed: int) -> tuple[Floats, Floats]:
    """Return baselines and visits; every other enzyme falls by exactly the edge of a band."""
    before = random_visits(n, mmt_maximum, seed)
    now = random_visits(n, mmt_maximum, seed + 1)
    rng = np.random.default_rng(seed + 2)
    edges = np.array(USUAL)[rng.integers(0, 4, n)] / 100.0 * 15.0
    on_edge = np.arange(n) % 2 == 0
    before[on_edge, ENZYME] = (now[:, ENZYME] + edges)[on_edge]
    return before, now


# the table


def test_the_worked_example_scores_62_5() -> None:
    before = np.array([6.0, 7.0, 4.0, 1.5, 110.0, 12.0])
    now = np.array([3.0, 5.5, 2.5, 1.0, 130.0, 4.0])
    assert improvement_score(before, now, 150) == 62.5


@pytest.mark.parametrize("band", range(4))
@pytest.mark.parametrize("measure", TABLE, ids=[MEASURES[m] for m in TABLE])
def test_the_upper_end_of_a_band_belongs_to_it(measure: int, band: int) -> None:
    ends, points = TABLE[measure]
    assert measure_points(measure, ends[band]) == points[band]


@pytest.mark.parametrize("band", range(4))
@pytest.mark.parametrize("measure", TABLE, ids=[MEASURES[m] for m in TABLE])
def test_above_its_upper_end_the_next_band_begins(measure: int, band: int) -> None:
    ends, points = TABLE[measure]
    assert measure_points(measure, ends[band] + 0.0001) == points[band + 1]


@pytest.mark.parametrize("measure", TABLE, ids=[MEASURES[m] for m in TABLE])
def test_no_change_earns_nothing(measure: int) -> None:
    assert measure_points(measure, 0.0) == 0.0


@pytest.mark.parametrize("measure", TABLE, ids=[MEASURES[m] for m in TABLE])
def test_worsening_is_never_subtracted(measure: int) -> None:
    assert measure_points(measure, -100.0) == 0.0


@pytest.mark.parametrize("measure", TABLE, ids=[MEASURES[m] for m in TABLE])
def test_beyond_the_range_the_last_band_holds(measure: int) -> None:
    assert measure_points(measure, 1600.0) == TABLE[measure][1][-1]


@pytest.mark.parametrize(
    ("measure", "before", "now", "maximum", "percent"),
    [
        (PHYSICIAN, 7.0, 5.5, 150, 15.0),
        (PATIENT, 7.0, 5.5, 150, 15.0),
        (EXTRAMUSCULAR, 7.0, 5.5, 150, 15.0),
        (HAQ, 1.5, 0.75, 150, 25.0),
        (ENZYME, 12.0, 6.0, 150, 40.0),
        (MMT, 110.0, 125.0, 150, 10.0),
        (MMT, 60.0, 68.0, 80, 10.0),
        (MMT, 200.0, 226.0, 260, 10.0),
    ],
)
def test_improvement_is_a_percentage_of_the_range(
    measure: int, before: float, now: float, maximum: int, percent: float
) -> None:
    assert improvement_percent(measure, before, now, maximum) == percent


@pytest.mark.parametrize("measure", TABLE, ids=[MEASURES[m] for m in TABLE])
def test_improvement_and_worsening_have_opposite_signs(measure: int) -> None:
    there = improvement_percent(measure, 1.0, 2.0, 150)
    assert there == -improvement_percent(measure, 2.0, 1.0, 150)
    assert there > 0.0 if measure == MMT else there < 0.0


def test_a_percentage_that_binary_numbers_miss_is_put_right() -> None:
    assert (0.7 - 0.55) * 100.0 != 15.0  # the reason for rounding
    assert rounded((0.7 - 0.55) * 100.0) == 15.0


def test_rounding_keeps_nine_decimals() -> None:
    assert rounded(1.2345678914) == 1.234567891


def test_everything_worse_scores_0() -> None:
    assert improvement_score(MIDDLE, WORST, 150) == 0.0


def test_everything_unchanged_scores_0() -> None:
    assert improvement_score(MIDDLE, MIDDLE, 150) == 0.0


def test_full_recovery_from_the_worst_scores_100() -> None:
    assert improvement_score(WORST, BEST, 150) == 100.0


@pytest.mark.parametrize("measure", TABLE, ids=[MEASURES[m] for m in TABLE])
def test_one_measure_alone_earns_its_most(measure: int) -> None:
    now = WORST.copy()
    now[measure] = BEST[measure]
    assert improvement_score(WORST, now, 150) == TABLE[measure][1][-1]


@pytest.mark.parametrize(("maximum", "needed"), [(150, 4), (80, 2), (260, 6)])
def test_the_first_points_of_strength_depend_on_the_mmt_version(maximum: int, needed: int) -> None:
    # above 2 %: more than 3.0 points of 150, 1.6 of 80, 5.2 of 260
    scores = [
        improvement_score(moved(MIDDLE, mmt=50.0), moved(MIDDLE, mmt=50.0 + gain), maximum)
        for gain in (needed - 1, needed)
    ]
    assert scores == [0.0, 10.0]


def test_the_41_multiples_of_2_5_are_the_scores_there_are() -> None:
    representative = {m: [0.0, *(end + 1.0 for end in TABLE[m][0])] for m in TABLE}
    points = [[measure_points(m, p) for p in representative[m]] for m in TABLE]
    assert {sum(chosen) for chosen in itertools.product(*points)} == {2.5 * k for k in range(41)}


def test_the_thresholds_of_response_are_20_40_and_60() -> None:
    assert (MINIMAL, MODERATE, MAJOR) == (20.0, 40.0, 60.0)


@pytest.mark.parametrize(("maximum", "pairs"), [(80, 33_000), (150, 34_000), (260, 33_000)])
def test_random_scores_are_those_of_the_second_implementation(maximum: int, pairs: int) -> None:
    before, now = random_pairs(pairs, maximum, seed=maximum)
    different = [
        (by_name(b), by_name(n))
        for b, n in zip(before, now, strict=True)
        if improvement_score(b, n, maximum) != tis_second(by_name(b), by_name(n), maximum)
    ]
    assert different == []


@pytest.mark.parametrize("measure", TABLE, ids=[MEASURES[m] for m in TABLE])
def test_every_pair_on_a_grid_is_scored_as_in_the_second_implementation(measure: int) -> None:
    # the other five do not change, so the score is this measure's points
    grid = {
        HAQ: np.arange(25) / 8.0,
        MMT: np.arange(0.0, 81.0),
        ENZYME: np.arange(0, 41) * 0.375,
    }.get(measure, np.arange(101) / 10.0)
    different = []
    for b, n in itertools.product(grid, grid):
        before, now = MIDDLE.copy(), MIDDLE.copy()
        before[measure], now[measure] = b, n
        if improvement_score(before, now, 80) != tis_second(by_name(before), by_name(now), 80):
            different.append((b, n))
    assert different == []


# deterioration


def test_physician_2_cm_and_strength_20_percent_worse_is_deterioration() -> None:
    assert has_worsened(STARTED, moved(STARTED, physician=4.0, mmt=80.0))


def test_physician_2_cm_worse_alone_is_no_deterioration() -> None:
    assert not has_worsened(STARTED, moved(STARTED, physician=4.0))


def test_strength_20_percent_worse_alone_is_no_deterioration() -> None:
    assert not has_worsened(STARTED, moved(STARTED, mmt=80.0))


def test_physician_just_under_2_cm_with_strength_is_no_deterioration() -> None:
    assert not has_worsened(STARTED, moved(STARTED, physician=3.9, mmt=80.0))


def test_strength_just_under_20_percent_with_physician_is_no_deterioration() -> None:
    assert not has_worsened(STARTED, moved(STARTED, physician=4.0, mmt=81.0))


def test_extramuscular_2_cm_worse_is_deterioration() -> None:
    assert has_worsened(STARTED, moved(STARTED, extramuscular=4.0))


def test_extramuscular_just_under_2_cm_is_no_deterioration() -> None:
    assert not has_worsened(STARTED, moved(STARTED, extramuscular=3.9))


def test_a_difference_of_2_cm_that_binary_numbers_miss_is_2_cm() -> None:
    assert 5.1 - 3.1 < 2.0  # the reason for rounding
    assert has_worsened(moved(STARTED, extramuscular=3.1), moved(STARTED, extramuscular=5.1))


def test_three_of_five_worse_by_30_percent_is_deterioration() -> None:
    assert has_worsened(STARTED, moved(STARTED, physician=2.6, patient=2.6, mmt=70.0))


def test_two_of_five_worse_by_30_percent_is_no_deterioration() -> None:
    assert not has_worsened(STARTED, moved(STARTED, physician=2.6, patient=2.6))


def test_the_enzyme_does_not_count_as_one_of_three() -> None:
    assert not has_worsened(STARTED, moved(STARTED, physician=2.6, patient=2.6, enzyme=50.0))


@pytest.mark.parametrize(
    ("measure", "small", "enough"), [(PATIENT, 0.9, 1.0), (HAQ, 0.125, 0.25)], ids=["VAS", "HAQ"]
)
def test_a_baseline_too_small_cannot_worsen_relatively(
    measure: int, small: float, enough: float
) -> None:
    assert relative_worsening(measure, small, 10.0) == 0.0
    assert relative_worsening(measure, enough, 2 * enough) == 100.0


def test_strength_lost_is_a_share_of_the_patients_own_baseline() -> None:
    assert relative_worsening(MMT, 120.0, 90.0) == 25.0


def test_random_deteriorations_are_those_of_the_second_implementation() -> None:
    n = 20_000
    before = random_visits(n, 150, seed=5)
    now = random_visits(n, 150, seed=6)
    # half of them: small steps on the grids around the cuts, where the rule turns
    near = np.arange(n) % 2 == 0
    rng = np.random.default_rng(7)
    grid, top = np.array([0.1, 0.1, 0.1, 0.125, 1.0, 0.1]), np.array([10, 10, 10, 3, 150, 1e3])
    steps = rng.integers(-5, 30, (n, 6)) * np.array([1, 1, 1, 1, -2, 1])
    stepped = np.clip(np.round(before / grid + steps) * grid, 0.0, top)
    now[near] = np.round(stepped[near], 3)
    seen = [bool(has_worsened(b, v)) for b, v in zip(before, now, strict=True)]
    want = [deterioration_second(by_name(b), by_name(v)) for b, v in zip(before, now, strict=True)]
    assert 0.1 < np.mean(want) < 0.9  # both answers are met often
    assert [i for i in range(n) if seen[i] != want[i]] == []
