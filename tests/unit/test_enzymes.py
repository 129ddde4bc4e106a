"""Five enzymes: how they go together, how they are seen, and which of them is scored."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from simtrial.myositis.enzymes import (
    ENZYME_RANGE_ULN,
    ENZYMES,
    OTHERS,
    advance_others,
    draw_others,
    enzyme_range,
    exchangeable_root,
    location_of_raised,
    most_abnormal,
    observe_visit,
)
from simtrial.myositis.measures import (
    ENZYME,
    measurement_error,
    next_deviate,
    observe,
    observe_measures,
    true_value,
)
from simtrial.myositis.tis import improvement_score, score_as_measured

BASELINE = np.array([4.0, 6.0, 2.0, 2.0, 0.8, math.log(8.0)])
OTHER = np.log([3.0, 0.4, 2.0, 1.1])
LOADING = np.array([1.0, 0.8, 1.0, 0.75, 0.6, 0.8])
SD = np.array([0.5, 0.5, 0.5, 0.2, 0.03, 0.2])
DEVIATES = np.array([-1.0, 0.5, 2.0, -0.3, 1.1, 0.4, 0.7])
THEIRS = np.array([1.3, -0.2, 0.6, -2.0])
RATIO = 1e-13  # of exponentials and logarithms, and of a handful of sums


def seen_together(benefit: float) -> tuple[np.ndarray, np.ndarray]:
    six, five = np.empty(6), np.empty(5)
    observe_visit(six, five, BASELINE, OTHER, benefit, LOADING, SD, 0.3, DEVIATES, THEIRS, 150)
    return six, five


# the published ranges: Aggarwal 2017, table 3, footnote; CK, aldolase, LDH, AST, ALT
@pytest.mark.parametrize(
    ("name", "range_uln"), [("ck", 15), ("aldolase", 6), ("ldh", 3), ("ast", 3), ("alt", 3)]
)
def test_each_enzyme_has_its_range(name: str, range_uln: float) -> None:
    enzyme = ENZYMES.index(name)
    assert enzyme_range(enzyme) == ENZYME_RANGE_ULN[enzyme] == range_uln


def test_the_six_measures_are_seen_as_without_the_other_enzymes() -> None:
    alone = np.empty(6)
    observe_measures(alone, BASELINE, 0.6, LOADING, SD, 0.3, DEVIATES, 150)
    six, five = seen_together(0.6)
    assert six.tolist() == alone.tolist()
    assert five[0] == alone[ENZYME]


@pytest.mark.parametrize("benefit", [0.0, 0.6, 1.0, -0.3])
def test_every_other_enzyme_follows_the_benefit_as_creatine_kinase_does(benefit: float) -> None:
    want = [
        observe(
            ENZYME,
            true_value(ENZYME, OTHER[k], LOADING[ENZYME], benefit),
            measurement_error(ENZYME, SD[ENZYME], 0.3, DEVIATES[6], THEIRS[k]),
            150,
        )
        for k in range(4)
    ]
    assert seen_together(benefit)[1][1:].tolist() == want


def test_full_recovery_without_error_is_half_the_upper_limit_or_what_was_lower() -> None:
    five = np.empty(5)
    none = np.zeros(7)
    observe_visit(
        np.empty(6), five, BASELINE, OTHER, 1.0, np.ones(6), SD * 0.0, 0.3, none, none[:4], 150
    )
    np.testing.assert_allclose(five, [0.5, 0.5, 0.4, 0.5, 0.5], rtol=RATIO)


def test_a_bad_day_raises_every_enzyme() -> None:
    good, bad = np.empty(5), np.empty(5)
    for out, shared in ((good, -1.0), (bad, 1.0)):
        day = DEVIATES.copy()
        day[6] = shared
        observe_visit(np.empty(6), out, BASELINE, OTHER, 0.0, LOADING, SD, 0.3, day, THEIRS, 150)
    assert (bad > good).all()


def test_errors_of_the_other_enzymes_move_on_as_the_measures_do() -> None:
    deviates = THEIRS.copy()
    advance_others(deviates, np.array([0.1, 0.2, 0.3, 0.4]), 0.6)
    want = [next_deviate(0.6, THEIRS[k], 0.1 * (k + 1)) for k in range(4)]
    np.testing.assert_allclose(deviates, want, rtol=RATIO)


# which one counts


@pytest.mark.parametrize(
    ("seen", "chosen"),
    [
        ((5.0, 4.0, 3.0, 2.0, 1.0), "ck"),
        ((1.0, 4.0, 3.0, 2.0, 1.0), "aldolase"),
        ((1.0, 2.0, 3.0, 2.0, 1.0), "ldh"),
        ((0.1, 0.1, 0.1, 0.2, 0.1), "ast"),
        ((1.0, 2.0, 3.0, 4.0, 5.0), "alt"),
        ((2.0, 2.0, 2.0, 2.0, 2.0), "ck"),  # of equals the first
        ((1.0, 1.5, 3.0, 3.0, 2.9), "ldh"),
    ],
)
def test_the_most_abnormal_enzyme_is_chosen(seen: tuple[float, ...], chosen: str) -> None:
    assert ENZYMES[most_abnormal(np.array(seen))] == chosen


def test_the_score_divides_by_the_range_of_the_chosen_enzyme() -> None:
    before, now = (
        np.array([5.0, 5.0, 5.0, 1.0, 100.0, 4.0]),
        np.array([5.0, 5.0, 5.0, 1.0, 100.0, 3.0]),
    )
    # 1 x ULN less: 6.7 % of 15, 16.7 % of 6, 33.3 % of 3
    assert [improvement_score(before, now, 150, r) for r in (15.0, 6.0, 3.0)] == [2.5, 5.0, 7.5]
    assert improvement_score(before, now, 150) == 2.5


# how they go together


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6, 0.95])
def test_any_two_of_the_five_have_the_stated_correlation(correlation: float) -> None:
    whole = np.zeros((5, 5))
    whole[0, 0] = 1.0
    whole[1:] = exchangeable_root(np.array([correlation]))[0]
    want = np.full((5, 5), correlation)
    np.fill_diagonal(want, 1.0)
    # sums of at most five products
    np.testing.assert_allclose(whole @ whole.T, want, atol=1e-15)


def test_with_a_correlation_of_1_all_five_are_the_same() -> None:
    root = exchangeable_root(np.array([1.0]))[0]
    np.testing.assert_array_equal(root, np.tile([1.0, 0.0, 0.0, 0.0, 0.0], (4, 1)))


def test_rows_of_parameters_have_roots_of_their_own() -> None:
    both = exchangeable_root(np.array([0.2, 0.7]))
    np.testing.assert_array_equal(both[0], exchangeable_root(np.array([0.2]))[0])
    np.testing.assert_array_equal(both[1], exchangeable_root(np.array([0.7]))[0])


@pytest.mark.parametrize("raised", [0.001, 0.43, 0.5, 0.65, 0.999])
def test_the_stated_share_lies_above_the_upper_limit(raised: float) -> None:
    scale = np.array([0.5, 2.0])
    location = location_of_raised(np.full(2, raised), scale)
    # the quantile function is exact to 1e-15 of its argument, at most 1e-12 of a tail
    np.testing.assert_allclose(stats.norm.sf(0.0, location, scale), raised, rtol=1e-11)


def test_the_baseline_of_the_others_is_made_of_creatine_kinase_and_their_own_normals() -> None:
    root = exchangeable_root(np.array([0.6]))[0]
    z, location, scale = (
        np.array([0.3, -1.0, 0.8, 0.1]),
        np.array([0.3, 0.1, 0.0, -0.1]),
        np.full(4, 0.5),
    )
    out = np.empty(4)
    draw_others(out, location, scale, root, 1.2, z)
    np.testing.assert_allclose(out, location + scale * (root @ [1.2, *z]), rtol=RATIO)


def test_a_baseline_stays_within_0_2_and_250_times_the_upper_limit() -> None:
    root, out = exchangeable_root(np.array([0.0]))[0], np.empty(4)
    draw_others(out, np.zeros(4), np.full(4, 5.0), root, 0.0, np.array([9.0, -9.0, 9.0, -9.0]))
    np.testing.assert_allclose(np.exp(out), [250.0, 0.2, 250.0, 0.2], rtol=RATIO)


def test_the_names_of_the_others_leave_out_creatine_kinase() -> None:
    assert OTHERS == ("aldolase", "ldh", "ast", "alt")


# missing measures

BEFORE = np.array([6.0, 7.0, 4.0, 1.5, 110.0, 12.0])
NOW = np.array([3.0, 5.5, 2.5, 1.0, 130.0, 4.0])
POINTS = (17.5, 2.5, 7.5, 7.5, 20.0, 7.5)  # domain facts: 62.5 in all


def without(*measures: int) -> np.ndarray:
    now = NOW.copy()
    now[list(measures)] = np.nan
    return now


def test_a_complete_visit_is_scored_either_way() -> None:
    assert score_as_measured(BEFORE, NOW, 150, 15.0, False) == sum(POINTS)
    assert score_as_measured(BEFORE, NOW, 150, 15.0, True) == sum(POINTS)


@pytest.mark.parametrize("measure", range(6))
def test_one_missing_measure_leaves_no_score(measure: int) -> None:
    assert math.isnan(score_as_measured(BEFORE, without(measure), 150, 15.0, False))


@pytest.mark.parametrize("measure", range(6))
def test_one_missing_measure_earns_nothing_where_the_design_says_zero(measure: int) -> None:
    got = score_as_measured(BEFORE, without(measure), 150, 15.0, True)
    assert got == sum(POINTS) - POINTS[measure]


def test_all_six_missing_leave_no_score_in_any_case() -> None:
    assert math.isnan(score_as_measured(BEFORE, without(*range(6)), 150, 15.0, True))
