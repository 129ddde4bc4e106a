"""The six core set measures: how they are seen, and where benefit and decline take them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simtrial.myositis.measures import (
    ENZYME,
    EXTRAMUSCULAR,
    HAQ,
    MEASURES,
    MMT,
    MMT_MAXIMUM,
    PATIENT,
    PHYSICIAN,
    advance_deviates,
    baseline_value,
    draw_baseline,
    healthy_value,
    is_abnormal,
    measurement_error,
    next_deviate,
    observe,
    observe_measures,
    severity,
    true_value,
    worst_value,
)

VAS = (PHYSICIAN, PATIENT, EXTRAMUSCULAR)
each_vas = pytest.mark.parametrize("measure", VAS, ids=[MEASURES[m] for m in VAS])
each_measure = pytest.mark.parametrize("measure", range(6), ids=MEASURES)
TYPICAL = (4.0, 6.0, 2.0, 2.0, 0.8, math.log(8.0))


def seen(measure: int, true: float, error: float = 0.0, mmt_maximum: int = 150) -> float:
    return float(observe(measure, true, error, mmt_maximum))


# what is written down


def test_the_order_of_the_measures_is_the_published_one() -> None:
    assert MEASURES == ("physician", "patient", "extramuscular", "haq", "mmt", "enzyme")


@each_vas
def test_a_vas_is_written_to_a_tenth_of_a_cm(measure: int) -> None:
    assert [seen(measure, x) for x in (2.24, 2.26, 2.34, 2.36)] == [2.2, 2.3, 2.3, 2.4]


def test_haq_is_written_to_an_eighth() -> None:
    assert [seen(HAQ, x) for x in (1.06, 1.07, 1.18, 1.19)] == [1.0, 1.125, 1.125, 1.25]


@pytest.mark.parametrize(
    ("maximum", "points"), [(80, (59, 60)), (150, (112, 113)), (260, (194, 195))]
)
def test_mmt_is_written_in_whole_points_of_its_version(
    maximum: int, points: tuple[int, int]
) -> None:
    share = (points[0] + 0.5) / maximum
    either_side = (seen(MMT, share - 1e-9, 0.0, maximum), seen(MMT, share + 1e-9, 0.0, maximum))
    assert either_side == points


def test_the_mmt_versions_have_their_maxima() -> None:
    assert MMT_MAXIMUM == {"MMT8_150": 150, "MMT8_80": 80, "MMT_260": 260, "CMAS_52": 52}


def test_an_enzyme_is_a_multiple_of_normal_and_not_rounded() -> None:
    # exp of a logarithm: 1 unit in the last place of each
    assert seen(ENZYME, math.log(3.14159)) == pytest.approx(3.14159, rel=1e-15)


@each_vas
def test_a_vas_stays_within_0_and_10_cm(measure: int) -> None:
    assert (seen(measure, 0.5, -3.0), seen(measure, 9.5, 3.0)) == (0.0, 10.0)


def test_haq_stays_within_0_and_3() -> None:
    assert (seen(HAQ, 0.5, -3.0), seen(HAQ, 2.5, 3.0)) == (0.0, 3.0)


@pytest.mark.parametrize("maximum", [80, 150, 260])
def test_mmt_stays_within_0_and_its_maximum(maximum: int) -> None:
    assert (seen(MMT, 0.05, -1.0, maximum), seen(MMT, 0.95, 1.0, maximum)) == (0.0, maximum)


def test_an_enzyme_is_not_held_within_the_range_that_the_score_divides_by() -> None:
    assert seen(ENZYME, math.log(100.0)) > 99.0


@each_vas
def test_the_error_is_added_before_rounding(measure: int) -> None:
    assert seen(measure, 2.24, 0.02) == 2.3


def test_all_six_are_seen_together_as_one_by_one() -> None:
    out, loading = np.empty(6), np.array([1.0, 0.8, 1.0, 0.75, 0.6, 0.8])
    sd = np.array([0.5, 0.5, 0.5, 0.2, 0.03, 0.2])
    deviates = np.array([-1.0, 0.5, 2.0, -0.3, 1.1, 0.4, 0.7])
    observe_measures(out, np.array(TYPICAL), 0.6, loading, sd, 0.3, deviates, 260)
    want = [
        seen(
            m,
            true_value(m, TYPICAL[m], loading[m], 0.6),
            measurement_error(m, sd[m], 0.3, 0.7, deviates[m]),
            260,
        )
        for m in range(6)
    ]
    assert out.tolist() == want


# errors


def test_shared_and_own_error_add_up_to_the_stated_variance() -> None:
    parts = (measurement_error(HAQ, 2.0, 0.3, *z) for z in ((1.0, 0.0), (0.0, 1.0)))
    assert sum(part**2 for part in parts) == pytest.approx(4.0, rel=1e-15)


def test_the_stated_share_of_the_error_variance_is_shared() -> None:
    assert measurement_error(HAQ, 2.0, 0.25, 1.0, 0.0) == 1.0


# the shared error is the day's, not the scale's: more is worse, but for strength
def test_a_bad_day_makes_every_measure_look_worse() -> None:
    day = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    out, usual = np.empty(6), np.empty(6)
    sd, loading = np.array([2.0, 2.0, 2.0, 0.5, 0.1, 0.5]), np.ones(6)
    observe_measures(usual, TYPICAL, 0.0, loading, sd, 0.5, np.zeros(7), 150)
    observe_measures(out, TYPICAL, 0.0, loading, sd, 0.5, day, 150)
    worse = np.sign(out - usual)
    assert worse.tolist() == [1.0, 1.0, 1.0, 1.0, -1.0, 1.0]


def test_the_next_deviate_keeps_the_variance() -> None:
    parts = (next_deviate(0.6, 1.0, 0.0), next_deviate(0.6, 0.0, 1.0))
    assert parts == pytest.approx((0.6, 0.8), rel=1e-15)


def test_all_seven_error_series_move_on() -> None:
    deviates, innovations = np.arange(7.0), np.linspace(-1.0, 1.0, 7)
    advance_deviates(deviates, innovations, 0.6)
    assert deviates.tolist() == [next_deviate(0.6, k, innovations[k]) for k in range(7)]


# where benefit leads


@each_measure
def test_no_benefit_no_change(measure: int) -> None:
    assert true_value(measure, TYPICAL[measure], 1.0, 0.0) == TYPICAL[measure]


@each_measure
def test_full_benefit_at_full_loading_is_health(measure: int) -> None:
    healthy = (0.0, 0.0, 0.0, 0.0, 1.0, math.log(0.5))[measure]
    assert true_value(measure, TYPICAL[measure], 1.0, 1.0) == pytest.approx(healthy, abs=1e-15)


@each_measure
def test_a_loading_is_the_share_of_the_benefit_that_a_measure_follows(measure: int) -> None:
    start = TYPICAL[measure]
    want = start - 0.8 * 0.5 * (start - healthy_value(measure, start))
    assert true_value(measure, start, 0.8, 0.5) == pytest.approx(want, rel=1e-15)


@each_measure
def test_loading_and_benefit_together_lead_no_farther_than_health(measure: int) -> None:
    start = TYPICAL[measure]
    assert true_value(measure, start, 2.0, 0.9) == true_value(measure, start, 1.0, 1.0)


def test_a_healthy_enzyme_is_half_the_upper_limit() -> None:
    assert math.exp(healthy_value(ENZYME, 3.0)) == pytest.approx(0.5, rel=1e-15)


def test_an_enzyme_already_below_healthy_stays() -> None:
    low = math.log(0.3)
    assert true_value(ENZYME, low, 1.0, 1.0) == low


@each_measure
def test_full_decline_leads_to_the_worst_value(measure: int) -> None:
    worst = (10.0, 10.0, 10.0, 3.0, 0.0, math.log(250.0))[measure]
    assert worst_value(measure) == pytest.approx(worst, rel=1e-15)
    assert true_value(measure, TYPICAL[measure], 1.0, -1.0) == pytest.approx(worst, rel=1e-15)


@each_measure
def test_decline_goes_its_share_of_the_way_whatever_the_loading(measure: int) -> None:
    start, worst = TYPICAL[measure], worst_value(measure)
    want = start + 0.25 * (worst - start)
    assert true_value(measure, start, 0.1, -0.25) == pytest.approx(want, rel=1e-15)


@each_vas
def test_a_healthy_measure_can_decline(measure: int) -> None:
    assert true_value(measure, 0.0, 1.0, -0.5) == 5.0


# baselines


@each_measure
def test_the_median_baseline_is_the_location_on_its_free_scale(measure: int) -> None:
    share = 1.0 / (1.0 + math.exp(-0.5))
    median = (10 * share, 10 * share, 10 * share, 3 * share, share, 0.5)[measure]
    assert baseline_value(measure, 0.5, 2.0, 0.0) == pytest.approx(median, rel=1e-15)


@each_measure
def test_the_scale_is_the_spread_on_the_free_scale(measure: int) -> None:
    assert baseline_value(measure, 0.25, 0.5, 1.5) == baseline_value(measure, 1.0, 7.0, 0.0)


@each_measure
def test_no_baseline_leaves_its_bounds(measure: int) -> None:
    bounds = ((0, 10), (0, 10), (0, 10), (0, 3), (0, 1), (math.log(0.2), math.log(250.0)))
    low, high = bounds[measure]
    for z in (-1e4, -40.0, -9.0, 9.0, 40.0, 1e4):
        assert low - 1e-15 <= baseline_value(measure, 0.0, 2.0, z) <= high + 1e-15


def test_an_enzyme_at_baseline_is_held_within_0_2_and_250() -> None:
    ends = [math.exp(baseline_value(ENZYME, 0.0, 1.0, z)) for z in (-9.0, 9.0)]
    assert ends == pytest.approx([0.2, 250.0], rel=1e-14)


def test_independent_measures_are_drawn_from_their_own_normal() -> None:
    out, z = np.empty(6), np.array([-1.0, 0.5, 2.0, -0.3, 1.1, 0.4])
    location, scale = np.linspace(-1.0, 1.0, 6), np.linspace(0.5, 2.0, 6)
    draw_baseline(out, location, scale, np.eye(6), z)
    assert out.tolist() == [baseline_value(k, location[k], scale[k], z[k]) for k in range(6)]


def test_correlated_measures_mix_the_normals_by_the_root() -> None:
    out, root = np.empty(6), np.eye(6)
    root[MMT, :] = (0.6, 0.0, 0.0, 0.0, 0.8, 0.0)
    z = np.array([1.0, 0.0, 0.0, 0.0, 2.0, 0.0])
    draw_baseline(out, np.zeros(6), np.ones(6), root, z)
    assert out[MMT] == pytest.approx(baseline_value(MMT, 0.0, 1.0, 2.2), rel=1e-15)


# cut points


@pytest.mark.parametrize(
    ("cm", "stratum"), [(0.0, 0), (3.0, 0), (3.1, 1), (6.0, 1), (6.1, 2), (10.0, 2)]
)
def test_severity_is_mild_to_3_moderate_to_6_and_severe_above(cm: float, stratum: int) -> None:
    assert severity(cm) == stratum


@pytest.mark.parametrize(
    ("measure", "abnormal", "not_yet"),
    [
        (PHYSICIAN, 2.0, 1.9),
        (PATIENT, 2.0, 1.9),
        (EXTRAMUSCULAR, 2.0, 1.9),
        (HAQ, 0.25, 0.125),
        (ENZYME, 1.3, 1.2999),
    ],
    ids=["physician", "patient", "extramuscular", "haq", "enzyme"],
)
def test_a_measure_is_abnormal_from_its_threshold(
    measure: int, abnormal: float, not_yet: float
) -> None:
    assert (is_abnormal(measure, abnormal), is_abnormal(measure, not_yet)) == (True, False)
