"""What events between visits and after courses do on a minute they share with something else.

Order of one minute: measure, decide, infuse, harm, leave. Every rule holds for both engines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.event_rates import EventTable
from simtrial.cohort.events import course_slot, interval_slot, more_course_harm
from simtrial.cohort.protocol import protocol_of
from simtrial.cohort.reference import engine as reference
from simtrial.core.arithmetic import plog
from simtrial.core.streams import uniform
from simtrial.myositis import events
from tests.agreement.scripted import (
    DAY,
    SEED,
    WEEK,
    arrivals,
    design,
    rates_that_lose_the_first_patient,
    repeated,
    simulate,
    table_of,
)

REPLICATES, NEVER = 8, -1
INTERVAL_HARM = 29
# one interval, so that an event at a minute of our choice is the only one; courses in weeks 0, 4, 8
WEEKS = [0, 12]
LEAVE = {"harm": {"then": "leave_study"}}
ALWAYS_SERIOUS = {"infection.serious": 1.0}
SPARED = {"fatal.serious": 0.0}
KILLS = ALWAYS_SERIOUS | {"fatal.serious": 1.0}
STOPS = ALWAYS_SERIOUS | {"stop.serious": 1.0}
INTERRUPTS = {"interrupt.other": 1.0}


@pytest.fixture(params=[reference.run, compiled.run], ids=["reference", "compiled"])
def run(request):
    return request.param


@dataclass(frozen=True, kw_only=True)
class Struck:
    """An interval event of patient 0 of each of eight replicates, at a minute of our choice."""

    which: int
    minute: int

    def rates(self) -> np.ndarray:
        """Return (R,) rates per minute at which replicate i has the event at the minute."""
        slot = self.which - events.N_COURSE_EVENTS
        needed = [-plog(uniform(SEED, INTERVAL_HARM, i, 0, 0, slot)) for i in range(REPLICATES)]
        # half a minute later than the minute, which is then where the time is cut
        return np.array([e / (self.minute + 0.5) for e in needed])


COLUMN = {
    events.INFECTION: "infection_per_minute",
    events.CANCER: "cancer_per_minute",
    events.DEATH: "death_per_minute",
    events.PROGRESSION: "progression_per_minute",
}


def struck(run, scripted, *strikes, dropout=None, **values):
    """Return what is seen of patient 0 of each replicate, struck by some events."""
    table = table_of(scripted, values)
    table = repeated(table, REPLICATES)
    rates = table.events._asdict()
    for strike in strikes:
        mine = strike.rates()
        name = COLUMN[strike.which]
        rates[name] = mine if rates[name].ndim == 1 else mine[:, None]
    table = table._replace(events=EventTable(**rates))
    if dropout is not None:
        table = table._replace(
            dropout_per_minute=rates_that_lose_the_first_patient(scripted, dropout)
        )
    seen = run(
        protocol_of(scripted),
        table,
        arrivals(),
        seed=SEED,
        first=0,
        last=REPLICATES,
        n=scripted.sample_size.n,
    ).seen
    return type(seen)(*(column[:, 0] if column.ndim > 1 else column for column in seen))


def at_slot(seen, strike):
    slot = interval_slot(strike.which, 0, seen.serious_minute.shape[1], seen.tis.shape[1])
    return seen.events_minute[:, slot]


def plain(**changes):
    return design(visits_weeks=WEEKS, **changes)


def infection(minute):
    return Struck(which=events.INFECTION, minute=minute)


def all_are(column, value):
    np.testing.assert_array_equal(column, np.broadcast_to(value, column.shape))


# --- what is seen -------------------------------------------------------------------------------


@pytest.mark.parametrize("minute", [0, 1, 4 * WEEK - 1, 4 * WEEK, 8 * WEEK, 12 * WEEK - 1])
def test_an_event_is_seen_at_its_minute_from_randomisation_to_the_last_visit(run, minute):
    strike = infection(minute)
    all_are(at_slot(struck(run, plain(), strike), strike), minute)


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_an_infection_at_the_minute_of_dropout_is_seen_and_one_a_minute_later_is_not(run, late):
    leaves = 5 * WEEK
    strike = infection(leaves + late)
    seen = struck(run, plain(), strike, dropout=leaves)
    all_are(seen.left_minute, leaves)
    all_are(seen.followed_minute, leaves)
    all_are(at_slot(seen, strike), leaves + late if late <= 0 else NEVER)
    all_are(seen.events_detail.any(axis=1), False)


def test_who_leaves_by_a_rule_at_a_visit_has_no_event_at_that_minute_nor_after_it(run):
    rescue = {"allowed_from_week": 4, "insufficient_tis_below": 100.0, "then": "leave_study"}
    scripted = design(visits_weeks=[0, 4, 12], intercurrent={"rescue": rescue})
    values = {"rescue_per_visit[refractory, continued]": 1.0, "p_response[DM, refractory]": 0.0}
    seen = struck(run, scripted, **values, **{"infection.per_year": 100.0})
    all_are(seen.left_minute, 4 * WEEK)
    all_are(seen.followed_minute, 4 * WEEK)
    # at 100 a year four weeks pass without one once in 2,000; the interval of week 4 never opens
    all_are((seen.events_minute >= 0).sum(axis=1), 1)
    assert (seen.events_minute < 4 * WEEK).all()


def test_a_course_s_event_comes_on_the_minute_of_its_address(run):
    scripted = plain()
    certain = {"meningitis.per_course": 1e2, "haemolysis.per_course": 1e2}
    seen = struck(run, scripted, **certain)
    for course, week in enumerate((0, 4)):
        for which, first, days in ((0, 0, 2), (1, 5, 5)):
            slot = course_slot(which, course, seen.serious_minute.shape[1])
            expected = [
                week * WEEK
                + int((first + days * more_course_harm(SEED, i, 0, week, 2 + which)) * DAY)
                for i in range(REPLICATES)
            ]
            all_are(seen.events_minute[:, slot], expected)


# --- death --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("late", "courses"), [(-1, 1), (0, 2), (1, 2)])
def test_an_infusion_of_the_minute_of_death_comes_before_it(run, late, courses):
    minute = 4 * WEEK + late
    seen = struck(run, plain(), Struck(which=events.DEATH, minute=minute))
    all_are(seen.death_minute, minute)
    all_are(seen.left_minute, minute)
    all_are(seen.followed_minute, minute)
    all_are((~np.isnan(seen.tis)).sum(axis=1), 1)
    all_are(seen.courses, courses)
    all_are(seen.stop_minute, NEVER)


# A course of seven days ends on day 6, so its meningitis falls on the two days around week 1. Of
# 12,000 patients 4 are expected to have it on the very minute of that week's visit and course.
CROWDED = {
    "visits_weeks": [0, 1, 4],
    "arms": {
        "ivig": {
            "courses": [
                {"week": 0, "dose_g_per_kg": 1.0, "days": 7},
                {"week": 1, "dose_g_per_kg": 1.0, "days": 1},
                {"week": 4, "dose_g_per_kg": 1.0, "days": 1},
            ]
        }
    },
    "sample_size": {"n": 12_000},
}
CERTAIN = {"meningitis.per_course": 1e2, "meningitis.serious": 1.0}


@pytest.fixture(
    params=[pytest.param(reference.run, marks=pytest.mark.verify), compiled.run],
    ids=["reference", "compiled"],
)
def run_many(request):
    """Return an engine; the one to read takes half a minute for so many."""
    return request.param


def struck_near_week_1(run, **values):
    """Return what is seen of those with meningitis a minute before week 1, at it, after it."""
    seen = simulate(run, design(**CROWDED), **(CERTAIN | values)).seen
    minute = seen.events_minute[0, :, 0]
    groups = [minute == WEEK + late for late in (-1, 0, 1)]
    assert all(group.any() for group in groups)
    columns = ("tis", "courses", "death_minute", "left_minute", "harm_stop_minute")
    columns += ("missed_courses", "course_minute")
    return [{name: getattr(seen, name)[0][group] for name in columns} for group in groups]


def test_a_visit_of_the_minute_of_death_is_attended_and_its_course_given(run_many):
    before, at, after = struck_near_week_1(run_many, **{"fatal.serious": 1.0})
    all_are((~np.isnan(before["tis"])).sum(axis=1), 1)
    all_are(before["courses"], 1)
    for group, minute in ((at, WEEK), (after, WEEK + 1)):
        all_are((~np.isnan(group["tis"])).sum(axis=1), 2)
        all_are(group["courses"], 2)
        all_are(group["death_minute"], minute)
        all_are(group["left_minute"], minute)


def test_an_action_at_the_minute_of_a_visit_comes_after_that_visit_s_course(run_many):
    before, at, _ = struck_near_week_1(run_many, **SPARED, **{"stop.serious": 1.0})
    all_are(before["courses"], 1)
    all_are(at["courses"], 2)
    all_are(at["harm_stop_minute"], WEEK)
    before, at, _ = struck_near_week_1(run_many, **SPARED, **{"interrupt.serious": 1.0})
    # at that minute: the meningitis of either course leaves out the third, once
    assert (before["course_minute"] != WEEK).all()
    all_are(at["course_minute"][:, 1], WEEK)
    assert (at["course_minute"] != 4 * WEEK).all()
    all_are(at["missed_courses"], 1)


# one is drawn before death, the other after it
@pytest.mark.parametrize("which", [events.INFECTION, events.PROGRESSION])
def test_other_harm_of_the_minute_of_death_is_seen_and_later_harm_is_not(run, which):
    minute = 5 * WEEK
    dies = Struck(which=events.DEATH, minute=minute)
    for late in (-1, 0, 1):
        strike = Struck(which=which, minute=minute + late)
        seen = struck(run, plain(), dies, strike)
        all_are(seen.death_minute, minute)
        all_are(at_slot(seen, strike), minute + late if late <= 0 else NEVER)


@pytest.mark.parametrize("then", ["stop_treatment", "leave_study"])
def test_a_stop_at_the_minute_of_death_and_of_dropout_is_recorded_and_so_is_the_death(run, then):
    minute = 5 * WEEK
    dies = Struck(which=events.DEATH, minute=minute)
    scripted = plain(intercurrent={"harm": {"then": then}})
    for dropout in (None, minute):
        seen = struck(run, scripted, dies, infection(minute), dropout=dropout, **STOPS)
        for column in (
            *(seen.harm_stop_minute, seen.stop_minute, seen.death_minute),
            *(seen.left_minute, seen.followed_minute),
        ):
            all_are(column, minute)
        all_are(seen.courses, 2)


def test_a_fatal_infection_kills_at_its_minute(run):
    seen = struck(run, plain(), infection(6 * WEEK), **KILLS)
    for column in (seen.death_minute, seen.left_minute, seen.followed_minute):
        all_are(column, 6 * WEEK)


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_of_dropout_and_death_the_first_ends_the_study_and_both_may_fall_on_one_minute(run, late):
    leaves = 5 * WEEK
    dies = Struck(which=events.DEATH, minute=leaves + late)
    seen = struck(run, plain(), dies, dropout=leaves)
    all_are(seen.left_minute, min(leaves, leaves + late))
    all_are(seen.death_minute, leaves + late if late <= 0 else NEVER)


def test_a_cancer_is_diagnosed_once_and_kills_nobody(run):
    strike = Struck(which=events.CANCER, minute=2 * WEEK)
    seen = struck(run, plain(), strike, **KILLS)
    all_are(seen.cancer_minute, 2 * WEEK)
    all_are((seen.events_minute >= 0).sum(axis=1), 1)
    all_are(seen.death_minute, NEVER)


# --- treatment ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("late", "courses"), [(-1, 1), (0, 2), (1, 2)])
def test_an_infusion_of_the_minute_of_a_stop_is_given_and_the_next_is_not(run, late, courses):
    minute = 4 * WEEK + late
    seen = struck(run, plain(), infection(minute), **STOPS)
    all_are(seen.courses, courses)
    all_are(seen.harm_stop_minute, minute)
    all_are(seen.stop_minute, minute)
    all_are(seen.missed_courses, 0)
    all_are(seen.left_minute, NEVER)


@pytest.mark.parametrize("then", ["stop_treatment", "leave_study"])
def test_an_event_after_the_last_course_stops_nothing(run, then):
    seen = struck(run, plain(intercurrent={"harm": {"then": then}}), infection(8 * WEEK), **STOPS)
    for column in (seen.harm_stop_minute, seen.stop_minute, seen.left_minute):
        all_are(column, NEVER)


def test_a_stop_makes_the_patient_leave_where_the_protocol_says_so(run):
    seen = struck(run, plain(intercurrent=LEAVE), infection(4 * WEEK), **STOPS)
    for column in (seen.harm_stop_minute, seen.left_minute, seen.followed_minute):
        all_are(column, 4 * WEEK)
    all_are((~np.isnan(seen.tis)).sum(axis=1), 1)


@pytest.mark.parametrize(
    ("late", "weeks"), [(-1, (0, 8)), (0, (0, 4)), (1, (0, 4))], ids=["before", "at", "after"]
)
def test_an_interruption_leaves_out_the_next_course_planned_after_its_minute(run, late, weeks):
    seen = struck(run, plain(), infection(4 * WEEK + late), **INTERRUPTS)
    all_are(seen.courses, 2)
    all_are(seen.missed_courses, 1)
    all_are(seen.course_minute[:, :2], np.array(weeks) * WEEK)
    all_are(seen.stop_minute, NEVER)


def test_two_interruptions_before_one_course_leave_out_that_course_alone(run):
    two = (infection(WEEK), Struck(which=events.PROGRESSION, minute=2 * WEEK))
    seen = struck(run, plain(), *two, **INTERRUPTS)
    all_are(seen.missed_courses, 1)
    all_are(seen.course_minute[:, :2], np.array([0, 8]) * WEEK)


def test_a_course_left_out_has_no_effect_and_brings_no_harm(run):
    certain = {"meningitis.per_course": 1e2, **SPARED, **ALWAYS_SERIOUS}
    given = struck(run, plain(), infection(5 * WEEK), **certain)
    # only what is serious has a course left out: the infection, not the meningitis
    left_out = struck(run, plain(), infection(5 * WEEK), **certain, **{"interrupt.serious": 1.0})
    all_are(left_out.missed_courses, 1)
    all_are(left_out.course_minute[:, :2], np.array([0, 4]) * WEEK)
    all_are((given.events_minute[:, :3] >= 0).sum(axis=1), 3)
    all_are((left_out.events_minute[:, :3] >= 0).sum(axis=1), 2)
    assert (left_out.tis[:, 1] <= given.tis[:, 1]).all()
    assert (left_out.tis[:, 1] < given.tis[:, 1]).any()


def test_an_interruption_after_the_last_course_leaves_out_nothing(run):
    seen = struck(run, plain(), infection(8 * WEEK), **INTERRUPTS)
    all_are(seen.courses, 3)
    all_are(seen.missed_courses, 0)
