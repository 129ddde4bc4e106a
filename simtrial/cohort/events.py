"""Where the events of ``myositis.events`` stand in the tables, and what is decided about each.

``events_minute`` and ``events_detail`` have one slot for each class and occasion: first the course
classes, each with the courses in the order given; then the interval classes, each with the visits
that open an interval. ``event_slots`` lists them.
"""

from __future__ import annotations

from simtrial.core.compiled import step
from simtrial.core.streams import Purpose, uniform
from simtrial.myositis.events import (
    COURSE_EVENTS,
    INTERVAL_EVENTS,
    N_COURSE_EVENTS,
    N_INTERVAL_EVENTS,
)

# bits of events_detail
SERIOUS, RELATED, FATAL, INTERRUPT, STOP = 1, 2, 4, 8, 16
# slots of HARM_DETAIL: four to a class, in the order of EVENTS
DETAIL_SLOTS = 4
SERIOUS_U, RELATED_U, FATAL_U, ACTION_U = range(4)


@step
def course_slot(which: int, course: int, courses: int) -> int:
    """Return the slot of a course class after the course given as number ``course`` (from 0)."""
    return which * courses + course


@step
def interval_slot(which: int, visit: int, courses: int, visits: int) -> int:
    """Return the slot of an interval class in the interval that visit ``visit`` opens."""
    return N_COURSE_EVENTS * courses + (which - N_COURSE_EVENTS) * (visits - 1) + visit


def n_event_slots(courses: int, visits: int) -> int:
    """Return how many slots there are."""
    return N_COURSE_EVENTS * courses + N_INTERVAL_EVENTS * (visits - 1)


def event_slots(courses: int, visits: int) -> list[tuple[str, int]]:
    """Return the class of each slot, and the number of its course or of its opening visit."""
    return [(name, j) for name in COURSE_EVENTS for j in range(courses)] + [
        (name, v) for name in INTERVAL_EVENTS for v in range(visits - 1)
    ]


@step
def more_course_harm(seed: int, replicate: int, candidate: int, week: int, slot: int) -> float:
    """Return one more uniform of what the course planned for a week does to a candidate."""
    return uniform(seed, Purpose.COURSE_HARM_MORE, replicate, candidate, week, slot)


@step
def event_detail(
    seed: int,
    replicate: int,
    candidate: int,
    week: int,
    which: int,
    serious_chance: float,
    related_chance: float,
    fatal_chance: float,
    stop_serious: float,
    interrupt_serious: float,
    interrupt_other: float,
) -> int:
    """Return the bits of an event: serious, related, fatal, and what it does to treatment.

    Only a serious event is fatal or stops treatment; a fatal one needs no action. One uniform
    decides the action, so that a higher chance of stopping never turns a stop into less.
    """
    first = DETAIL_SLOTS * which
    bits = 0
    if (
        uniform(seed, Purpose.HARM_DETAIL, replicate, candidate, week, first + RELATED_U)
        < related_chance
    ):
        bits += RELATED
    action = uniform(seed, Purpose.HARM_DETAIL, replicate, candidate, week, first + ACTION_U)
    if (
        uniform(seed, Purpose.HARM_DETAIL, replicate, candidate, week, first + SERIOUS_U)
        >= serious_chance
    ):
        return bits + INTERRUPT if action < interrupt_other else bits
    bits += SERIOUS
    if (
        uniform(seed, Purpose.HARM_DETAIL, replicate, candidate, week, first + FATAL_U)
        < fatal_chance
    ):
        return bits + FATAL
    if action < stop_serious:
        return bits + STOP
    if action < stop_serious + (1.0 - stop_serious) * interrupt_serious:
        return bits + INTERRUPT
    return bits
