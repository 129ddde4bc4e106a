"""What happened to the patients of a batch of trials, as one list of events in order of time."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.snapshot import REACTIONS, Snapshot

DETERIORATION, RESCUE = "deterioration confirmed", "rescue"
STOPPED, LEFT = "treatment stopped", "left the study"
THROMBOEMBOLISM, OTHER_SERIOUS = "thromboembolism", "other serious event"
STOPPED_FOR_HARM = "treatment stopped for harm"
# the words for events, in the order in which the engines let one minute bring them
EVENTS = (
    DETERIORATION,
    RESCUE,
    STOPPED,
    *(f"reaction: {name.replace('_', '-')}" for name in REACTIONS),
    THROMBOEMBOLISM,
    OTHER_SERIOUS,
    STOPPED_FOR_HARM,
    LEFT,
)
_FIRST_REACTION = EVENTS.index(STOPPED) + 1
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
        _once(seen.deterioration_minute, DETERIORATION),
        _once(seen.rescue_minute, RESCUE),
        _once(stopped, STOPPED),
        _reactions(seen),
        _after_courses(seen, seen.thromboembolism_minute, THROMBOEMBOLISM),
        _after_courses(seen, seen.serious_minute, OTHER_SERIOUS),
        _once(seen.harm_stop_minute, STOPPED_FOR_HARM),
        _once(seen.left_minute, LEFT),
    ]
    joined = Happenings(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    order = np.lexsort((joined.course, joined.kind, joined.minute, joined.place, joined.row))
    return Happenings(*(column[order] for column in joined))


def _once(minute: NDArray[np.int64], name: str) -> Happenings:
    row, place = np.nonzero(minute >= 0)
    same = np.ones(row.shape[0], np.int64)
    return Happenings(
        row,
        place,
        minute[row, place],
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
