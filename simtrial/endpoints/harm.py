"""Harm of each patient: the adverse events that a study saw, one by one and counted."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort import events as bits
from simtrial.cohort.events import event_slots
from simtrial.cohort.snapshot import Snapshot
from simtrial.myositis.events import EVENTS

# every class, in the order of EventList.which
CLASSES = ("reaction", "thromboembolism", "other_serious", *EVENTS)
_REACTION, _CLOT, _OTHER, _FIRST_OF_EVENTS = 0, 1, 2, 3
ACTIONS = ("none", "interrupt", "stop")
_NONE, _INTERRUPT, _STOP = range(3)


class HarmCounts(NamedTuple):
    """Counts of each patient, (R, P) each."""

    reactions: NDArray[np.int64]  # courses with an infusion reaction
    thromboembolisms: NDArray[np.int64]
    serious: NDArray[np.int64]  # serious events of every class
    stopped: NDArray[np.bool_]  # treatment stopped for harm


def count_harm(seen: Snapshot) -> HarmCounts:
    """Return what each patient had until his last minute in the study."""
    clots = (seen.thromboembolism_minute >= 0).sum(axis=2)
    others = (seen.serious_minute >= 0).sum(axis=2) + seen.reaction_serious.sum(axis=2)
    others += ((seen.events_detail & bits.SERIOUS) > 0).sum(axis=2)
    return HarmCounts(
        reactions=(seen.reaction_minute >= 0).sum(axis=2),
        thromboembolisms=clots,
        serious=clots + others,
        stopped=seen.harm_stop_minute >= 0,
    )


class EventList(NamedTuple):
    """Adverse events of a batch, N of them, by replicate, patient, minute and class.

    Reactions, thromboembolism and other serious events have no drawn relation: they are called
    related where a course brought them. They are never fatal. An event of theirs at the minute at
    which treatment was stopped for harm is listed as its reason. ``interrupt`` is what was decided
    while treatment went on; whether a course was due later does not show here.
    """

    replicate: NDArray[np.int64]
    patient: NDArray[np.int64]
    which: NDArray[np.int64]  # index into CLASSES
    kind: NDArray[np.int64]  # of a reaction: index into REACTIONS; else -1
    occasion: NDArray[np.int64]  # number of its course or of the visit that opens; -1 of neither
    minute: NDArray[np.int64]  # since randomisation
    serious: NDArray[np.bool_]
    related: NDArray[np.bool_]
    fatal: NDArray[np.bool_]
    action: NDArray[np.int64]  # index into ACTIONS


def events_of(seen: Snapshot) -> EventList:
    """Return every adverse event of every class."""
    courses, visits = seen.serious_minute.shape[2], seen.tis.shape[2]
    slots = event_slots(courses, visits)
    which = np.array([_FIRST_OF_EVENTS + EVENTS.index(name) for name, _ in slots], np.int64)
    occasion = np.array([number for _, number in slots], np.int64)
    by_course = np.arange(courses)
    clot_course = np.append(by_course, -1)
    detail = seen.events_detail
    always = np.uint8(bits.SERIOUS | bits.RELATED)
    clot_bits = np.where(clot_course >= 0, always, np.uint8(bits.SERIOUS))
    reaction_bits = np.where(seen.reaction_serious, always, np.uint8(bits.RELATED))
    parts = [
        _part(seen, seen.reaction_minute, reaction_bits, _REACTION, by_course, seen.reaction_kind),
        _part(seen, seen.thromboembolism_minute, clot_bits, _CLOT, clot_course, None),
        _part(seen, seen.serious_minute, np.full(1, always), _OTHER, by_course, None),
        _part(seen, seen.events_minute, detail, which, occasion, None),
    ]
    together: list[NDArray[Any]] = [np.concatenate(column) for column in zip(*parts, strict=True)]
    found = EventList(*together)
    order = np.lexsort((found.which, found.minute, found.patient, found.replicate))
    return EventList(*(column[order] for column in together))


def _part(
    seen: Snapshot,
    minutes: NDArray[np.int32],
    detail: NDArray[np.uint8],
    which: int | NDArray[np.int64],
    occasion: NDArray[np.int64],
    kind: NDArray[np.int8] | None,
) -> EventList:
    """Return the events of one column of the snapshot, (R, P, N); ``detail`` spreads over it."""
    r, p, slot = np.nonzero(minutes >= 0)
    minute = minutes[r, p, slot].astype(np.int64)
    found = np.broadcast_to(detail, minutes.shape)[r, p, slot]
    classes = np.broadcast_to(np.asarray(which, np.int64), minutes.shape[2:])[slot]
    drawn = classes >= _FIRST_OF_EVENTS
    stopped, stop = seen.harm_stop_minute[r, p], seen.stop_minute[r, p]
    action = np.full(minute.shape, _NONE, np.int64)
    action[((found & bits.INTERRUPT) > 0) & ((stop < 0) | (minute < stop))] = _INTERRUPT
    action[(minute == stopped) & (~drawn | ((found & bits.STOP) > 0))] = _STOP
    return EventList(
        replicate=r,
        patient=p,
        which=classes,
        kind=np.full(minute.shape, -1, np.int64) if kind is None else kind[r, p, slot].astype(int),
        occasion=occasion[slot],
        minute=minute,
        serious=(found & bits.SERIOUS) > 0,
        related=(found & bits.RELATED) > 0,
        fatal=(found & bits.FATAL) > 0,
        action=action,
    )
