"""What a batch of the quick engine is handed: the instants of each arm, and arrays to work in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.arrivals import Arrivals
from simtrial.cohort.course import Course
from simtrial.cohort.draws import DrawPlan
from simtrial.cohort.protocol import Protocol
from simtrial.core.compiled import inlined
from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.myositis.response import correlation_over, share_left

MEASURE, INFUSE = 1, 2  # what happens at an instant


class Schedule(NamedTuple):
    """The sorted distinct instants of each arm: every 7 days, visits, infusion days.

    Axes: A arms, I instants (the most of any arm).
    """

    instants: NDArray[np.int64]  # (A, I) minutes
    what: NDArray[np.int64]  # (A, I) what happens then: MEASURE, INFUSE, both or neither
    n_instants: NDArray[np.int64]  # (A,)


def schedule_of(protocol: Protocol) -> Schedule:
    """Return the instants of every arm."""
    last = int(protocol.visit_minute[-1])
    rows = []
    for arm, n_courses in enumerate(protocol.n_courses):
        starts = protocol.course_start[arm, :n_courses]
        every = np.unique(
            np.concatenate(
                [
                    np.arange(0, last + 1, MINUTES_PER_WEEK),
                    protocol.visit_minute,
                    starts,
                    protocol.course_end[arm, :n_courses],
                ]
            )
        )
        every = every[every <= last]
        what = MEASURE * np.isin(every, protocol.visit_minute) + INFUSE * np.isin(every, starts)
        rows.append((every, what))
    most = max(every.shape[0] for every, _ in rows)
    instants, whats = (np.zeros((len(rows), most), np.int64) for _ in range(2))
    for arm, (every, what) in enumerate(rows):
        instants[arm, : every.shape[0]], whats[arm, : every.shape[0]] = every, what
    return Schedule(instants, whats, np.array([e.shape[0] for e, _ in rows], np.int64))


class Room(NamedTuple):
    """Arrays to work in, made once for all trials of a batch."""

    arrival: NDArray[np.float64]
    minute: NDArray[np.int64]
    order: NDArray[np.int64]
    blocks: NDArray[np.int64]
    block_size: NDArray[np.int64]
    block_place: NDArray[np.int64]
    block_number: NDArray[np.int64]
    early: NDArray[np.float64]
    enrolled: NDArray[np.float64]
    baseline: NDArray[np.float64]
    deviates: NDArray[np.float64]
    observed: NDArray[np.float64]
    effect: NDArray[np.float64]
    # what all patients of a trial share: computed once for each
    drug_left: NDArray[np.float64]  # (A, I) share left to go over the step to an instant
    background_left: NDArray[np.float64]  # (A, I)
    correlation: NDArray[np.float64]  # (V,) of errors with those of the visit before


def room_for(protocol: Protocol, arrivals: Arrivals, plan: DrawPlan, schedule: Schedule) -> Room:
    """Return the arrays to work in, not filled."""
    sites = arrivals.opening.shape[0]
    return Room(
        arrival=np.empty(sites),
        minute=np.empty(sites, np.int64),
        order=np.empty(sites, np.int64),
        blocks=np.empty((3, int(protocol.block_sizes.max())), np.int64),
        block_size=np.empty(3, np.int64),
        block_place=np.empty(3, np.int64),
        block_number=np.empty(3, np.int64),
        early=np.empty(plan.candidate_room),
        enrolled=np.empty(plan.enrolled_room),
        baseline=np.empty(6),
        deviates=np.empty(7),
        observed=np.empty(6),
        effect=np.empty(protocol.course_start.shape[1]),
        drug_left=np.empty(schedule.instants.shape),
        background_left=np.empty(schedule.instants.shape),
        correlation=np.empty(protocol.visit_minute.shape[0]),
    )


@inlined
def share_out(protocol: Protocol, course: Course, schedule: Schedule, room: Room) -> None:
    """Compute what all patients of one trial share."""
    for arm in range(schedule.n_instants.shape[0]):
        before = 0
        for i in range(schedule.n_instants[arm]):
            minutes = float(schedule.instants[arm, i] - before)
            room.drug_left[arm, i] = share_left(course.k_on, minutes)
            room.background_left[arm, i] = share_left(course.k_background, minutes)
            before = schedule.instants[arm, i]
    room.correlation[0] = correlation_over(
        course.noise_per_4_weeks, float(protocol.screening_minutes)
    )
    for visit in range(1, protocol.visit_minute.shape[0]):
        gap = float(protocol.visit_minute[visit] - protocol.visit_minute[visit - 1])
        room.correlation[visit] = correlation_over(course.noise_per_4_weeks, gap)
