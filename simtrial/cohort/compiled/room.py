"""What the quick engine works in: arrays made once, and what all patients of a trial share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.arrivals import Arrivals
from simtrial.cohort.compiled.allocation import AllocationRoom, allocation_room
from simtrial.cohort.compiled.recruitment import SitesRoom, sites_room
from simtrial.cohort.course import Course
from simtrial.cohort.draws import COURSE_ROOM, DrawPlan
from simtrial.cohort.events import n_event_slots
from simtrial.cohort.protocol import NEVER, Protocol
from simtrial.cohort.supply import MOST_INTERRUPTIONS
from simtrial.core.compiled import inlined, unowned
from simtrial.core.units import MINUTES_PER_DAY
from simtrial.myositis.response import correlation_over, share_left

_WHOLE_DAYS = 8  # steps of 0 to 7 whole days
STOPS, DIES = 0, 1
LONG_AGO = -10_000  # a week before any other


class Ahead(NamedTuple):
    """What events that lie in a patient's future will do to him."""

    # (2,) the earliest minute at which one stops treatment, and at which he dies
    due: NDArray[np.int64]
    stop_minute: NDArray[np.int64]  # (S,) of all events that stop treatment
    n_stops: NDArray[np.int64]  # (1,)
    interrupt_minute: NDArray[np.int64]  # (E,) of events that have the next course left out
    n_interrupts: NDArray[np.int64]  # (1,)
    n_written: NDArray[np.int64]  # (1,) events of any kind written down so far


class RunInRoom(NamedTuple):
    """What a run-in leaves of one candidate when he is randomised."""

    start: NDArray[np.float64]  # (6,) measures at its start
    baseline: NDArray[np.float64]  # (6,) measures at its end
    start_enzymes: NDArray[np.float64]  # (5,)
    baseline_enzymes: NDArray[np.float64]  # (5,)
    noise: NDArray[np.float64]  # (7,) normals of the errors at its start
    enzyme_noise: NDArray[np.float64]  # (4,)
    # (5,) benefit of the drug and without it, logarithm of the exposure, g given, score at its end
    real: NDArray[np.float64]
    # (6,) minute of the exposure, last day of the first course, courses given and missed, week of
    # the last one given, enzyme chosen
    whole: NDArray[np.int64]


G, B, LOG_DOSE, GRAMS, TIS = range(5)  # in ``real``
SINCE, FIRST_END, GIVEN, MISSED, LAST_WEEK, CHOSEN = range(6)  # in ``whole``


# present and entry dose; the dose before the last reduction, the share it took off, after how many
# weeks; the week of the last change, and whether there was one; the patient's floor, and the share
# he gives up in four weeks in practice; mg taken so far, and until which minute
DOSE, ENTRY, BEFORE, GIVEN_UP, BETWEEN = 0, 1, 2, 3, 4
CHANGED_WEEK, HAS_CHANGED, FLOOR, SHARE, TAKEN, TAKEN_UNTIL = 5, 6, 7, 8, 9, 10
DOSE_PLACES = 11


class Room(NamedTuple):
    """Arrays to work in, made once for all trials of a batch."""

    sites: SitesRoom
    allocation: AllocationRoom
    early: NDArray[np.float64]
    enrolled: NDArray[np.float64]
    baseline: NDArray[np.float64]
    deviates: NDArray[np.float64]
    observed: NDArray[np.float64]
    others: NDArray[np.float64]  # (4,) latent enzymes beside creatine kinase
    other_deviates: NDArray[np.float64]  # (4,) their errors
    enzymes: NDArray[np.float64]  # (5,) as observed
    # of one patient
    visit_minute: NDArray[np.int64]  # (V,) when his visits take place
    # the courses planned for him, in order; those given are behind the next one
    course_start: NDArray[np.int64]  # (C,) first day
    course_end: NDArray[np.int64]  # (C,) last day
    course_week: NDArray[np.int64]  # (C,) under which its random numbers stand
    course_days: NDArray[np.int64]  # (C,)
    course_dose: NDArray[np.float64]  # (C,) g/kg as planned; once given, the logarithm of the dose
    course_drug: NDArray[np.bool_]  # (C,) False for placebo
    course_u: NDArray[np.float64]  # (6,) the first uniforms of harm of the course begun last
    ahead: Ahead
    run_in: RunInRoom
    dose: NDArray[np.float64]  # (11,) his prednisolone; in the places named above
    # what all patients of a trial share: computed once for each
    supply_from: NDArray[np.int64]  # (64,) calendar minutes from which there is nothing to infuse
    supply_until: NDArray[np.int64]  # (64,)
    drug_left: NDArray[np.float64]  # (8,) share left to go after so many whole days
    background_left: NDArray[np.float64]  # (8,)
    steroid_left: NDArray[np.float64]  # (8,)
    flare_left: NDArray[np.float64]  # (8,)
    correlation: NDArray[np.float64]  # (V,) of errors with those of the occasion before


def room_for(protocol: Protocol, arrivals: Arrivals, plan: DrawPlan) -> Room:
    """Return the arrays to work in, not filled."""
    visits, courses = protocol.visit_minute.shape[0], protocol.course_week.shape[1]
    return Room(
        sites=sites_room(arrivals),
        allocation=allocation_room(protocol.allocation),
        early=np.empty(plan.candidate_room),
        enrolled=np.empty(plan.enrolled_room),
        baseline=np.empty(6),
        deviates=np.empty(7),
        observed=np.empty(6),
        others=np.empty(4),
        other_deviates=np.empty(4),
        enzymes=np.empty(5),
        visit_minute=np.empty(visits, np.int64),
        course_start=np.empty(courses, np.int64),
        course_end=np.empty(courses, np.int64),
        course_week=np.empty(courses, np.int64),
        course_days=np.empty(courses, np.int64),
        course_dose=np.empty(courses),
        course_drug=np.empty(courses, np.bool_),
        course_u=np.empty(COURSE_ROOM),
        supply_from=np.full(MOST_INTERRUPTIONS, NEVER, np.int64),
        supply_until=np.full(MOST_INTERRUPTIONS, NEVER, np.int64),
        ahead=Ahead(
            due=np.empty(2, np.int64),
            stop_minute=np.empty(n_event_slots(courses, visits) + 3 * courses + 1, np.int64),
            n_stops=np.zeros(1, np.int64),
            interrupt_minute=np.empty(n_event_slots(courses, visits), np.int64),
            n_interrupts=np.zeros(1, np.int64),
            n_written=np.zeros(1, np.int64),
        ),
        run_in=RunInRoom(
            start=np.empty(6),
            baseline=np.empty(6),
            start_enzymes=np.empty(5),
            baseline_enzymes=np.empty(5),
            noise=np.empty(7),
            enzyme_noise=np.empty(4),
            real=np.empty(5),
            whole=np.empty(6, np.int64),
        ),
        dose=np.empty(DOSE_PLACES),
        drug_left=np.empty(_WHOLE_DAYS),
        background_left=np.empty(_WHOLE_DAYS),
        steroid_left=np.empty(_WHOLE_DAYS),
        flare_left=np.empty(_WHOLE_DAYS),
        correlation=np.empty(visits),
    )


@inlined
def note_stop(room: Room, minute: int) -> None:
    """Keep in mind that an event stops treatment at a minute."""
    ahead = room.ahead
    ahead.stop_minute[ahead.n_stops[0]] = minute
    ahead.n_stops[0] += 1
    ahead.due[STOPS] = min(ahead.due[STOPS], minute)


@unowned
def forget_stops(room: Room, until: int) -> None:
    """Forget the events that would have stopped treatment up to a minute."""
    ahead = room.ahead
    kept = 0
    ahead.due[STOPS] = NEVER
    for i in range(ahead.n_stops[0]):
        if ahead.stop_minute[i] > until:
            ahead.stop_minute[kept] = ahead.stop_minute[i]
            ahead.due[STOPS] = min(ahead.due[STOPS], ahead.stop_minute[i])
            kept += 1
    ahead.n_stops[0] = kept


@inlined
def share_out(protocol: Protocol, course: Course, room: Room) -> None:
    """Compute what all patients of one trial share."""
    for days in range(_WHOLE_DAYS):
        minutes = float(days * MINUTES_PER_DAY)
        room.drug_left[days] = share_left(course.k_on, minutes)
        room.background_left[days] = share_left(course.k_background, minutes)
        room.steroid_left[days] = share_left(course.dynamics.k_steroid, minutes)
        room.flare_left[days] = share_left(course.dynamics.k_flare, minutes)
    before = protocol.run_in.minutes if protocol.run_in.minutes > 0 else protocol.screening_minutes
    room.correlation[0] = correlation_over(course.noise_per_4_weeks, float(before))
    for visit in range(1, protocol.visit_minute.shape[0]):
        gap = float(protocol.visit_minute[visit] - protocol.visit_minute[visit - 1])
        room.correlation[visit] = correlation_over(course.noise_per_4_weeks, gap)
