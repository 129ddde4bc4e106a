"""What harm does on a minute that it shares with something else, and what it leaves alone.

Order of one minute: measure, decide, infuse, harm, leave. Every rule holds for both engines.
"""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.cohort import draws as at
from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.reference import engine as reference
from simtrial.core.arithmetic import plog
from tests.agreement.scripted import (
    DAY,
    PLAIN,
    SEED,
    WEEK,
    arrivals,
    design,
    rates_that_harm_the_first_patient,
    rates_that_lose_the_first_patient,
    simulate,
)

RESCUE = "rescue_per_visit[refractory, continued]"
NEVER = -1
LEAVE = {"harm": {"then": "leave_study"}}
ALWAYS = {"stop.serious": 1.0, "stop.reaction": 1.0}
REPLICATES = 8


@pytest.fixture(params=[reference.run, compiled.run], ids=["reference", "compiled"])
def run(request):
    return request.param


def harmed_at(run, scripted, minute, **values):
    """Return what is seen of patient 0, who has a thromboembolism at ``minute``, 8 times."""
    rates = rates_that_harm_the_first_patient(scripted, [minute] * REPLICATES)
    cohort = simulate(run, scripted, clots_per_minute=rates, **(ALWAYS | values))
    seen = cohort.seen
    return type(seen)(*(column[:, 0] if column.ndim > 1 else column for column in seen))


# --- what is seen -------------------------------------------------------------------------------


@pytest.mark.parametrize("minute", [1, 4 * WEEK - 1, 4 * WEEK, 4 * WEEK + 1, 12 * WEEK])
def test_an_event_up_to_the_minute_of_the_last_visit_is_seen(run, minute):
    seen = harmed_at(run, design(), minute)
    np.testing.assert_array_equal(seen.thromboembolism_minute[:, -1], minute)
    np.testing.assert_array_equal(seen.thromboembolism_minute[:, :-1], NEVER)


def test_an_event_one_minute_after_the_last_visit_is_not_seen(run):
    seen = harmed_at(run, design(), 12 * WEEK + 1)
    np.testing.assert_array_equal(seen.thromboembolism_minute, NEVER)
    np.testing.assert_array_equal(seen.harm_stop_minute, NEVER)


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_an_event_at_the_minute_of_dropout_is_seen_and_one_a_minute_later_is_not(run, late):
    scripted = design()
    leaves = 5 * WEEK
    rates = rates_that_lose_the_first_patient(scripted, leaves)
    clots = rates_that_harm_the_first_patient(scripted, [leaves + late] * REPLICATES)
    cohort = simulate(run, scripted, dropout_per_minute=rates, clots_per_minute=clots, **ALWAYS)
    seen = cohort.seen
    is_seen = late <= 0
    np.testing.assert_array_equal(seen.left_minute[:, 0], leaves)
    np.testing.assert_array_equal(
        seen.thromboembolism_minute[:, 0, -1], leaves + late if is_seen else NEVER
    )
    np.testing.assert_array_equal(seen.harm_stop_minute[:, 0], leaves + late if is_seen else NEVER)


def test_two_events_of_one_minute_are_both_seen_though_the_first_makes_the_patient_leave(run):
    scripted = design(intercurrent=LEAVE)
    minutes = [reaction_minute(scripted, replicate) for replicate in range(REPLICATES)]
    clots = rates_that_harm_the_first_patient(scripted, minutes)
    seen = simulate(
        run, scripted, clots_per_minute=clots, **(ALWAYS | {"reaction.per_course[ivig]": 1e2})
    ).seen
    np.testing.assert_array_equal(seen.reaction_minute[:, 0, 0], minutes)
    np.testing.assert_array_equal(seen.thromboembolism_minute[:, 0, -1], minutes)
    np.testing.assert_array_equal(seen.left_minute[:, 0], minutes)


def reaction_minute(scripted, replicate):
    """Return the minute of patient 0's reaction to the course of week 0, from its address."""
    u = at.course_harm(SEED, replicate, 0, 0, at.REACTION_WHEN)
    return int(u * 3 * DAY)


# --- stopping -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("late", "courses"), [(-1, 1), (0, 2), (1, 2)])
def test_an_infusion_of_the_minute_of_harm_is_given_and_the_next_is_not(run, late, courses):
    minute = 4 * WEEK + late
    seen = harmed_at(run, design(), minute)
    np.testing.assert_array_equal(seen.courses, courses)
    np.testing.assert_array_equal(seen.harm_stop_minute, minute)
    np.testing.assert_array_equal(seen.stop_minute, minute)
    np.testing.assert_array_equal(seen.left_minute, NEVER)
    assert not np.isnan(seen.tis).any()


@pytest.mark.parametrize("minute", [8 * WEEK, 9 * WEEK, 12 * WEEK])
@pytest.mark.parametrize("intercurrent", [{}, LEAVE])
def test_harm_after_the_last_planned_course_stops_nothing(run, minute, intercurrent):
    seen = harmed_at(run, design(intercurrent=intercurrent), minute)
    np.testing.assert_array_equal(seen.thromboembolism_minute[:, -1], minute)
    for column in (seen.harm_stop_minute, seen.stop_minute, seen.left_minute):
        np.testing.assert_array_equal(column, NEVER)


# one course, and what may bring more
ONE = {"courses": [{"week": 0, "dose_g_per_kg": 2.0}]}
CHANGE = {"at_week": 8, "if_tis_at_least": 0, "courses": [{"week": 8, "dose_g_per_kg": 1.0}]}
NEEDED = {"from_week": 12, "if_tis_below": 1, "dose_g_per_kg": 1.0, "at_most": 1}


@pytest.mark.parametrize(
    ("arms", "intercurrent"),
    [
        ({"ivig": ONE | {"dose_change": [CHANGE]}}, {}),
        ({"ivig": ONE | {"as_needed": NEEDED}}, {}),
        (
            {"ivig": ONE, "other": {"no_infusions": True}},
            {"deterioration": {"from_week": 8, "then": "switch"}},
        ),
    ],
    ids=["a change of dose", "courses as needed", "a switch"],
)
def test_harm_stops_treatment_that_a_rule_may_still_bring_until_the_last_visit(
    run, arms, intercurrent
):
    scripted = design(
        arms=arms,
        allocation={
            "ratio": dict.fromkeys(arms, 1),
            "method": "permuted_blocks",
            "block_sizes": [2],
        },
        intercurrent=intercurrent,
    )
    stopped = harmed_at(run, scripted, 5 * WEEK)
    np.testing.assert_array_equal(stopped.harm_stop_minute, 5 * WEEK)
    assert (stopped.courses <= 1).all()
    late = harmed_at(run, scripted, 12 * WEEK)
    np.testing.assert_array_equal(late.thromboembolism_minute[:, -1], 12 * WEEK)
    np.testing.assert_array_equal(late.harm_stop_minute, NEVER)


def test_harm_at_the_visit_of_the_last_change_of_dose_comes_too_late_to_stop_anything(run):
    scripted = design(
        arms={"ivig": ONE | {"dose_change": [CHANGE]}},
        allocation={"ratio": {"ivig": 1}, "method": "permuted_blocks", "block_sizes": [2]},
    )
    seen = harmed_at(run, scripted, 8 * WEEK)
    np.testing.assert_array_equal(seen.courses, 2)
    np.testing.assert_array_equal(seen.harm_stop_minute, NEVER)


@pytest.mark.parametrize(("first", "stops"), [(1, True), (2, False)])
def test_a_change_of_dose_from_a_later_patient_on_is_none_of_the_first(run, first, stops):
    scripted = design(
        arms={"ivig": ONE | {"dose_change": [CHANGE | {"from_patient": first}]}},
        allocation={"ratio": {"ivig": 1}, "method": "permuted_blocks", "block_sizes": [2]},
    )
    seen = harmed_at(run, scripted, 5 * WEEK)
    np.testing.assert_array_equal(seen.harm_stop_minute, 5 * WEEK if stops else NEVER)


def test_harm_without_an_action_stops_nothing(run):
    seen = harmed_at(run, design(), 5 * WEEK, **dict.fromkeys(ALWAYS, 0.0))
    np.testing.assert_array_equal(seen.thromboembolism_minute[:, -1], 5 * WEEK)
    np.testing.assert_array_equal(seen.stop_minute, NEVER)
    np.testing.assert_array_equal(seen.courses, 3)


@pytest.mark.parametrize(("late", "visits"), [(-1, 1), (0, 2), (1, 2)])
def test_a_visit_of_the_minute_of_leaving_for_harm_is_assessed(run, late, visits):
    minute = 4 * WEEK + late
    seen = harmed_at(run, design(intercurrent=LEAVE), minute)
    np.testing.assert_array_equal(seen.left_minute, minute)
    np.testing.assert_array_equal((~np.isnan(seen.tis)).sum(axis=1), visits)


def test_a_rule_of_the_visit_stops_treatment_before_harm_of_the_same_minute(run):
    rescue = {"allowed_from_week": 4, "insufficient_tis_below": 100.0}
    scripted = design(intercurrent={"rescue": rescue, **LEAVE})
    seen = harmed_at(run, scripted, 4 * WEEK, **{RESCUE: 1.0, "p_response[DM, refractory]": 0.0})
    np.testing.assert_array_equal(seen.rescue_minute, 4 * WEEK)
    np.testing.assert_array_equal(seen.stop_minute, 4 * WEEK)
    np.testing.assert_array_equal(seen.harm_stop_minute, NEVER)
    np.testing.assert_array_equal(seen.thromboembolism_minute[:, -1], 4 * WEEK)
    np.testing.assert_array_equal(seen.left_minute, NEVER)


def test_who_leaves_by_a_rule_at_a_visit_has_no_harm_at_that_minute(run):
    rescue = {"allowed_from_week": 4, "insufficient_tis_below": 100.0, "then": "leave_study"}
    scripted = design(intercurrent={"rescue": rescue})
    seen = harmed_at(run, scripted, 4 * WEEK, **{RESCUE: 1.0, "p_response[DM, refractory]": 0.0})
    np.testing.assert_array_equal(seen.left_minute, 4 * WEEK)
    np.testing.assert_array_equal(seen.thromboembolism_minute, NEVER)


def test_a_reaction_on_the_first_minute_of_a_course_comes_after_it_was_given(run):
    # the least uniform of a few thousand first courses falls on the minute of the infusion
    scripted = design(sample_size={"n": 6_000})
    seen = simulate(
        run, scripted, replicates=1, **(ALWAYS | {"reaction.per_course[ivig]": 1e2})
    ).seen
    at_once = seen.reaction_minute[..., 0] == 0
    assert at_once.any()
    np.testing.assert_array_equal(seen.courses[at_once], 1)
    np.testing.assert_array_equal(seen.harm_stop_minute[at_once], 0)


@pytest.mark.parametrize("then", ["stop_treatment", "leave_study"])
@pytest.mark.parametrize("minute", [1, 4 * WEEK - 1, 4 * WEEK, 5 * WEEK, 8 * WEEK, 12 * WEEK])
def test_engines_agree_to_the_last_bit_when_harm_ties_with_everything(minute, then):
    courses = [
        {"week": 0, "dose_g_per_kg": 2.0, "days": 1},
        {"week": 4, "dose_g_per_kg": 1.0, "days": 7},
        {"week": 5, "dose_g_per_kg": 1.0, "days": 1},
        {"week": 8, "dose_g_per_kg": 5.0, "days": 2},
        {"week": 12, "dose_g_per_kg": 1.0, "days": 3},
    ]
    scripted = design(
        arms={"ivig": {"courses": courses}},
        sample_size={"n": 60},
        intercurrent={
            "rescue": {"allowed_from_week": 4, "then": then},
            "harm": {"then": then},
        },
    )
    values = ALWAYS | {
        RESCUE: 0.3,
        "reaction.per_course[ivig]": 0.5,
        "serious.per_course[ivig]": 0.2,
        "thromboembolism.per_course": 0.2,
        "stop.reaction": 0.2,
    }
    assert set(values) <= set(PLAIN)
    clots = rates_that_harm_the_first_patient(scripted, [minute] * REPLICATES)
    rates = rates_that_lose_the_first_patient(scripted, minute)
    by_events, by_loops = (
        simulate(
            run,
            scripted,
            dropout_per_minute=rates,
            clots_per_minute=clots,
            come=arrivals(sites=5, per_minute=2.0),
            **values,
        )
        for run in (reference.run, compiled.run)
    )
    np.testing.assert_array_equal(by_events.truth.dropout_minute[:, 0], minute)
    assert by_events.first_difference(by_loops) is None


def test_the_first_of_two_reasons_to_stop_is_the_one_that_counts(run):
    scripted = design()
    early, late = 2 * WEEK, 6 * WEEK
    clots = rates_that_harm_the_first_patient(scripted, [early, late] * 4)
    values = ALWAYS | {"reaction.per_course[ivig]": 1e2, "stop.reaction": 0.0}
    values |= {"reaction.serious": 0.0, "serious.per_course[ivig]": 50.0}
    seen = simulate(run, scripted, clots_per_minute=clots, **values).seen
    u = [at.course_harm(SEED, r, 0, 0, at.FALLS_ILL) for r in range(8)]
    ill = np.array([int(-plog(x) / 50.0 * 28 * DAY) for x in u])
    first = np.minimum(ill, [early, late] * 4)
    np.testing.assert_array_equal(seen.serious_minute[:, 0, 0], ill)
    np.testing.assert_array_equal(seen.harm_stop_minute[:, 0], first)
