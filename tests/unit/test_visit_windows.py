"""Windows of visits: what a design may ask for, and when visits and courses then take place."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.protocol import protocol_of
from simtrial.core.errors import DesignError
from simtrial.core.units import MINUTES_PER_DAY, MINUTES_PER_WEEK
from simtrial.trial.design import Design, load_design, revalidated
from tests.agreement.scripted import design, simulate

DEMO = load_design("dm_ivig_16w")
WEEK, DAY = MINUTES_PER_WEEK, MINUTES_PER_DAY


def demo(**changes: object) -> Design:
    return revalidated(DEMO, changes)


def test_without_a_window_visits_take_place_in_their_week() -> None:
    assert protocol_of(DEMO).measuring.window_minutes == 0


def test_a_window_is_counted_in_whole_days() -> None:
    assert protocol_of(demo(visit_window_days=3)).measuring.window_minutes == 3 * DAY


# 4 weeks between visits: windows of 13 days leave two days, of 14 days none
@pytest.mark.parametrize(("days", "allowed"), [(13, True), (14, False)])
def test_windows_of_neighbouring_visits_may_not_touch(days: int, allowed: bool) -> None:
    if allowed:
        assert design(visits_weeks=[0, 4, 8, 12], visit_window_days=days, arms=_ONE)
        return
    with pytest.raises(DesignError, match=r"weeks 4 and 8 could touch.*visit_window_days: 13"):
        design(visits_weeks=[0, 4, 8, 12], visit_window_days=days, arms=_ONE)


_FEW = [{"week": 0, "dose_g_per_kg": 1.0}]
_ONE = {"ivig": {"courses": _FEW}}


def test_the_first_visit_may_come_until_the_day_after_randomisation() -> None:
    assert design(visits_weeks=[0, 1, 4], visit_window_days=6, arms=_ONE)
    with pytest.raises(DesignError, match=r"weeks 0 and 1 could touch.*visit_window_days: 6"):
        design(visits_weeks=[0, 1, 4], visit_window_days=7, arms=_ONE)


def test_courses_that_move_with_their_visits_may_not_overlap() -> None:
    # a course of 5 days at week 4 (days 28 to 32), the next in week 5 (day 35), which is no visit
    courses = [{"week": 4, "dose_g_per_kg": 1.0, "days": 5}, {"week": 5, "dose_g_per_kg": 1.0}]
    arms = {"ivig": {"courses": courses}}
    assert design(visit_window_days=2, arms=arms)
    with pytest.raises(DesignError, match=r"weeks 4 and 5 could overlap.*visit_window_days: 2"):
        design(visit_window_days=3, arms=arms)


_CHANGE = {
    "at_week": 4,
    "if_tis_below": 40,
    "courses": [{"week": 5, "dose_g_per_kg": 1.0}, {"week": 8, "dose_g_per_kg": 1.0}],
}


def test_a_visit_at_which_courses_change_takes_place_before_those_it_plans() -> None:
    # the visit of week 4 may be as late as day 27 + window; a course of week 5 is given on day 35
    arms = {"ivig": {"courses": _FEW, "dose_change": [_CHANGE]}}
    assert design(visit_window_days=7, arms=arms)
    with pytest.raises(
        DesignError,
        match=r"visit of week 4 decides .*dose in arm ivig in week 5.*visit_window_days: 7",
    ):
        design(visit_window_days=8, arms=arms)


def test_courses_of_a_change_may_not_overlap() -> None:
    courses = [{"week": 7, "dose_g_per_kg": 1.0, "days": 5}, {"week": 8, "dose_g_per_kg": 1.0}]
    arms = {"ivig": {"courses": _FEW, "dose_change": [_CHANGE | {"courses": courses}]}}
    assert design(visit_window_days=2, arms=arms)
    with pytest.raises(DesignError, match=r"weeks 7 and 8 could overlap.*visit_window_days: 2"):
        design(visit_window_days=3, arms=arms)


def test_courses_of_an_extension_may_not_overlap_those_before_it() -> None:
    courses = [{"week": 7, "dose_g_per_kg": 1.0, "days": 6}]
    arms = {"ivig": {"courses": courses}}
    extension = {"from_week": 8, "dose_g_per_kg": 1.0, "every_weeks": 4, "infusions": 1}
    assert design(visit_window_days=1, arms=arms, extension=extension)
    with pytest.raises(DesignError, match=r"weeks 7 and 8 could overlap.*visit_window_days: 1"):
        design(visit_window_days=2, arms=arms, extension=extension)


def test_a_visit_at_which_patients_switch_takes_place_before_the_courses_it_plans() -> None:
    arms = {
        "ivig": {"courses": [{"week": 1, "dose_g_per_kg": 1.0}]},
        "none": {"no_infusions": True},
    }
    more = {
        "arms": arms,
        "allocation": {
            "ratio": {"ivig": 1, "none": 1},
            "method": "permuted_blocks",
            "block_sizes": [2],
        },
        "intercurrent": {"rescue": {"allowed_from_week": 4, "then": "switch"}},
    }
    assert design(visit_window_days=7, **more)
    with pytest.raises(
        DesignError,
        match=r"visit of week 4 decides .*after a switch in week 5.*visit_window_days: 7",
    ):
        design(visit_window_days=8, **more)


@pytest.fixture(scope="module")
def moved():
    """Twenty patients with windows of three days, everybody attending."""
    return simulate(compiled.run, design(visit_window_days=3), replicates=40).seen


def test_visits_take_place_within_their_window_and_fill_it(moved) -> None:
    off = moved.visit_minute - np.array([0, 4, 8, 12]) * WEEK
    assert (off[..., 0] == 0).all()
    assert off.min() >= -3 * DAY and off.max() < 3 * DAY
    # 2,400 visits: the chance that none falls into a given day of six is (5/6)^2400
    assert set(np.unique(off[..., 1:] // DAY)) == {-3, -2, -1, 0, 1, 2}


def test_a_course_in_the_week_of_a_visit_begins_with_it(moved) -> None:
    np.testing.assert_array_equal(moved.course_minute, moved.visit_minute[..., :3])


def test_a_course_between_visits_stays_where_it_is() -> None:
    arms = {"ivig": {"dose_g_per_kg": 1.0, "every_weeks": 3, "infusions": 3}}
    seen = simulate(compiled.run, design(visit_window_days=3, arms=arms), replicates=5).seen
    np.testing.assert_array_equal(seen.course_minute[0, 0], [0, 3 * WEEK, 6 * WEEK])


def test_rules_from_a_week_on_hold_at_the_visit_of_that_week_even_if_it_comes_early() -> None:
    rescue = {"rescue": {"allowed_from_week": 8, "insufficient_tis_below": 100}}
    scripted = design(visit_window_days=3, intercurrent=rescue)
    always = {"rescue_per_visit[refractory, continued]": 1.0}
    seen = simulate(compiled.run, scripted, replicates=20, **always).seen
    np.testing.assert_array_equal(seen.rescue_minute, seen.visit_minute[..., 2])
    assert (seen.rescue_minute < 8 * WEEK).any()


# a visit that is missed


def test_at_a_missed_visit_nothing_is_seen_and_the_course_of_its_day_is_given() -> None:
    seen = simulate(compiled.run, design(), **{"missing.visit": 1.0}).seen
    assert (seen.visit_minute[..., 1:] == -1).all()
    for column in (seen.measures, seen.tis, seen.prednisolone, seen.enzymes):
        assert np.isnan(column[:, :, 1:]).all() and not np.isnan(column[:, :, 0]).any()
    assert (seen.courses == 3).all() and (seen.left_minute == -1).all()


def test_errors_go_on_over_a_missed_visit_as_if_it_had_been_attended() -> None:
    noisy = {"sd_change.vas": 2.0, "sd_change.enzyme": 0.5, "noise_per_4_weeks": 0.8}
    whole = simulate(compiled.run, design(), replicates=10, **noisy).seen
    part = simulate(compiled.run, design(), replicates=10, **noisy, **{"missing.visit": 0.5}).seen
    came = part.visit_minute >= 0
    assert 200 < came[..., 1:].sum() < 400
    np.testing.assert_array_equal(part.measures[came], whole.measures[came])
    np.testing.assert_array_equal(part.enzymes[came], whole.enzymes[came])


def test_a_missing_item_leaves_the_others_of_its_visit() -> None:
    whole = simulate(compiled.run, design(), replicates=10).seen
    part = simulate(compiled.run, design(), replicates=10, **{"missing.item.haq": 0.5}).seen
    gone = np.isnan(part.measures)
    assert not gone[..., [0, 1, 2, 4, 5]].any() and not gone[:, :, 0].any()
    assert 200 < gone[..., 3].sum() < 400
    np.testing.assert_array_equal(part.measures[~gone], whole.measures[~gone])
    np.testing.assert_array_equal(np.isnan(part.tis), gone[..., 3])
    np.testing.assert_array_equal(part.prednisolone, whole.prednisolone)


def test_a_missing_enzyme_is_missing_with_all_five() -> None:
    seen = simulate(compiled.run, design(), replicates=10, **{"missing.item.enzyme": 0.5}).seen
    gone = np.isnan(seen.measures[..., 5])
    assert gone.any()
    np.testing.assert_array_equal(np.isnan(seen.enzymes), np.repeat(gone[..., None], 5, axis=3))


def test_the_design_says_what_a_score_without_a_measure_is() -> None:
    chance = {"missing.item.haq": 0.5}
    none = simulate(compiled.run, design(), replicates=10, **chance).seen
    zero = simulate(compiled.run, design(tis_missing="zero"), replicates=10, **chance).seen
    assert np.isnan(none.tis).any() and not np.isnan(zero.tis).any()
    scored = ~np.isnan(none.tis)
    np.testing.assert_array_equal(zero.tis[scored], none.tis[scored])
