"""What happened to the patients of a batch of trials, as one list of events in order of time."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.events import SERIOUS, event_slots
from simtrial.cohort.snapshot import REACTIONS, Snapshot
from simtrial.myositis import events as further
from simtrial.myositis.events import COURSE_EVENTS

FLARE = "flare seen"
DETERIORATION, RESCUE = "deterioration confirmed", "rescue"
LACK_OF_EFFECT, SWITCHED = "given up for lack of effect", "treatment switched"
STANDARD, STABLE = "standard therapy begun", "no more planned courses, being stable"
STOPPED, LEFT = "treatment stopped", "left the study"
THROMBOEMBOLISM, OTHER_SERIOUS = "thromboembolism", "other serious event"
STOPPED_FOR_HARM, DEATH = "treatment stopped for harm", "death"
# the further classes of harm, in the order of ``myositis.events.EVENTS``
FURTHER = tuple(
    {"cancer": "cancer diagnosed", "death": "death from the disease"}.get(
        name, name.replace("_", " ")
    )
    for name in further.EVENTS
)
# the words for events, in the order in which the engines let one minute bring them
EVENTS = (
    FLARE,
    DETERIORATION,
    RESCUE,
    LACK_OF_EFFECT,
    SWITCHED,
    STANDARD,
    STOPPED,
    STABLE,
    *(f"reaction: {name.replace('_', '-')}" for name in REACTIONS),
    THROMBOEMBOLISM,
    OTHER_SERIOUS,
    *FURTHER,
    STOPPED_FOR_HARM,
    DEATH,
    LEFT,
)
_FIRST_REACTION = EVENTS.index(STABLE) + 1
_FIRST_FURTHER = EVENTS.index(FURTHER[0])
NO_COURSE = -1
NOT_ADVERSE = -1  # neither serious nor not: the event is no adverse event


class Happenings(NamedTuple):
    """Events (E,), by trial, patient and time; at one minute in the order of ``EVENTS``."""

    row: NDArray[np.int64]  # trial, as a row of the snapshot
    place: NDArray[np.int64]  # patient, in order of randomisation
    minute: NDArray[np.int64]  # since randomisation
    kind: NDArray[np.int64]  # index into EVENTS
    course: NDArray[np.int64]  # from 0; NO_COURSE where there is none
    serious: NDArray[np.int64]  # 0, 1 or NOT_ADVERSE


def happenings(seen: Snapshot) -> Happenings:
    """Return everything that happened."""
    # the stop itself is one event, told with its reason
    stopped = np.where(seen.harm_stop_minute >= 0, -1, seen.stop_minute)
    parts = [
        _flares(seen),
        _once(seen.deterioration_minute, DETERIORATION),
        _once(seen.rescue_minute, RESCUE),
        _once(seen.lack_of_effect_minute, LACK_OF_EFFECT),
        _once(seen.switch_minute, SWITCHED),
        _once(seen.standard_minute, STANDARD),
        _once(stopped, STOPPED),
        _once(seen.stable_minute, STABLE),
        _reactions(seen),
        _after_courses(seen, seen.thromboembolism_minute, THROMBOEMBOLISM),
        _after_courses(seen, seen.serious_minute, OTHER_SERIOUS),
        _further(seen),
        _once(seen.harm_stop_minute, STOPPED_FOR_HARM),
        _once(seen.death_minute, DEATH),
        _once(seen.left_minute, LEFT),
    ]
    joined = Happenings(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    order = np.lexsort((joined.course, joined.kind, joined.minute, joined.place, joined.row))
    return Happenings(*(column[order] for column in joined))


def _once(minute: NDArray[np.int64] | NDArray[np.int32], name: str) -> Happenings:
    row, place = np.nonzero(minute >= 0)
    same = np.ones(row.shape[0], np.int64)
    return Happenings(
        row,
        place,
        minute[row, place].astype(np.int64),
        EVENTS.index(name) * same,
        NO_COURSE * same,
        NOT_ADVERSE * same,
    )


def _reactions(seen: Snapshot) -> Happenings:
    """Return the reactions to infusions, each with its kind and whether it was serious."""
    at: Any = np.nonzero(seen.reaction_minute >= 0)
    row, place, course = at
    return Happenings(
        row,
        place,
        seen.reaction_minute[at].astype(np.int64),
        seen.reaction_kind[at].astype(np.int64) + _FIRST_REACTION,
        course,
        seen.reaction_serious[at].astype(np.int64),
    )


def _after_courses(seen: Snapshot, minute: NDArray[np.int32], name: str) -> Happenings:
    """Return serious events, (R, P, C) after a course or (R, P, C + 1) with one of no course."""
    at: Any = np.nonzero(minute >= 0)
    row, place, column = at
    same = np.ones(row.shape[0], np.int64)
    course = np.where(column < seen.serious_minute.shape[2], column, NO_COURSE)
    return Happenings(
        row, place, minute[at].astype(np.int64), EVENTS.index(name) * same, course, same
    )


def _flares(seen: Snapshot) -> Happenings:
    """Return the flares, each at the visit at which it was seen."""
    at: Any = np.nonzero(seen.flares)
    row, place, _ = at
    same = np.ones(row.shape[0], np.int64)
    return Happenings(
        row,
        place,
        seen.visit_minute[at].astype(np.int64),
        EVENTS.index(FLARE) * same,
        NO_COURSE * same,
        NOT_ADVERSE * same,
    )


def _further(seen: Snapshot) -> Happenings:
    """Return the events after a course and between visits of ``myositis.events``."""
    at: Any = np.nonzero(seen.events_minute >= 0)
    row, place, slot = at
    slots = event_slots(seen.serious_minute.shape[2], seen.tis.shape[2])
    kind = np.array([further.EVENTS.index(name) for name, _ in slots], np.int64)
    course = np.array([j if name in COURSE_EVENTS else NO_COURSE for name, j in slots], np.int64)
    return Happenings(
        row,
        place,
        seen.events_minute[at].astype(np.int64),
        _FIRST_FURTHER + kind[slot],
        course[slot],
        ((seen.events_detail[at] & SERIOUS) > 0).astype(np.int64),
    )
