"""What happened to the patients of a batch of trials, as one list of events in order of time."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort import snapshot
from simtrial.cohort.snapshot import Snapshot
from simtrial.report.columns import has_harm

DETERIORATION, RESCUE = "deterioration confirmed", "rescue"
STOPPED, LEFT = "treatment stopped", "left the study"
THROMBOEMBOLISM, OTHER_SERIOUS = "thromboembolism", "other serious event"
STOPPED_FOR_HARM = "treatment stopped for harm"
NO_COURSE = -1
NOT_ADVERSE = -1  # neither serious nor not: the event is no adverse event


class Happenings(NamedTuple):
    """Events (E,), by trial, patient and time; at one minute in the order of ``event_names``."""

    row: NDArray[np.int64]  # trial, as a row of the snapshot
    place: NDArray[np.int64]  # patient, in order of randomisation
    minute: NDArray[np.int64]  # since randomisation
    kind: NDArray[np.int64]  # index into event_names
    course: NDArray[np.int64]  # from 0; NO_COURSE where there is none
    serious: NDArray[np.int64]  # 0, 1 or NOT_ADVERSE


def event_names(seen: Snapshot) -> tuple[str, ...]:
    """Return the words for events, in the order in which one minute lists them."""
    if not has_harm(seen):
        return DETERIORATION, RESCUE, STOPPED, LEFT
    reactions: tuple[str, ...] = tuple(
        f"reaction: {name.replace('_', '-')}" for name in _of(snapshot, "REACTIONS")
    )
    return (
        *reactions,
        THROMBOEMBOLISM,
        OTHER_SERIOUS,
        DETERIORATION,
        RESCUE,
        STOPPED,
        STOPPED_FOR_HARM,
        LEFT,
    )


def happenings(seen: Snapshot) -> Happenings:
    """Return everything that happened."""
    names = event_names(seen)
    parts = [
        _once(seen.deterioration_minute, names.index(DETERIORATION)),
        _once(seen.rescue_minute, names.index(RESCUE)),
        _once(seen.left_minute, names.index(LEFT)),
    ]
    stopped = seen.stop_minute
    if has_harm(seen):
        for_harm: NDArray[np.int64] = _of(seen, "harm_stop_minute")
        parts.append(_once(for_harm, names.index(STOPPED_FOR_HARM)))
        # the stop itself is one event, told with its reason
        stopped = np.where((for_harm >= 0) & (for_harm == stopped), -1, stopped)
        parts += _adverse(seen, names)
    parts.append(_once(stopped, names.index(STOPPED)))
    joined = Happenings(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    order = np.lexsort((joined.course, joined.kind, joined.minute, joined.place, joined.row))
    return Happenings(*(column[order] for column in joined))


def treatment_stop_minute(seen: Snapshot) -> NDArray[np.int64]:
    """Return when treatment was stopped for whatever reason, (R, P) minutes, -1 never."""
    if not has_harm(seen):
        return seen.stop_minute
    for_harm: NDArray[np.int64] = _of(seen, "harm_stop_minute")
    both = np.minimum(for_harm, seen.stop_minute)
    return np.where(both >= 0, both, np.maximum(for_harm, seen.stop_minute))


def serious_events(seen: Snapshot) -> NDArray[np.int64]:
    """Return how many serious adverse events each patient had, (R, P)."""
    reactions = (_of(seen, "reaction_minute") >= 0) & _of(seen, "reaction_serious")
    clots, others = _of(seen, "thromboembolism_minute") >= 0, _of(seen, "serious_minute") >= 0
    count: NDArray[np.int64] = sum(flag.sum(axis=2) for flag in (reactions, clots, others))
    return count


def _of(holder: Any, name: str) -> Any:
    """Return a part that an engine with adverse events has."""
    return getattr(holder, name)


def _once(minute: NDArray[np.int64], kind: int) -> Happenings:
    row, place = np.nonzero(minute >= 0)
    same = np.ones(row.shape[0], np.int64)
    return Happenings(
        row, place, minute[row, place], kind * same, NO_COURSE * same, NOT_ADVERSE * same
    )


def _adverse(seen: Snapshot, names: tuple[str, ...]) -> list[Happenings]:
    """Return reactions, thromboembolism (always serious) and other serious events."""
    minute = _of(seen, "reaction_minute")
    row, place, course = np.nonzero(minute >= 0)
    out = [
        Happenings(
            row,
            place,
            minute[row, place, course],
            _of(seen, "reaction_kind")[row, place, course].astype(np.int64),
            course,
            _of(seen, "reaction_serious")[row, place, course].astype(np.int64),
        )
    ]
    for field, name in (
        ("thromboembolism_minute", THROMBOEMBOLISM),
        ("serious_minute", OTHER_SERIOUS),
    ):
        minute = _of(seen, field)
        row, place, course = np.nonzero(minute >= 0)
        same = np.ones(row.shape[0], np.int64)
        # the last column of thromboembolism: not after a course
        after = np.where(course < _of(seen, "reaction_minute").shape[2], course, NO_COURSE)
        out.append(
            Happenings(
                row, place, minute[row, place, course], names.index(name) * same, after, same
            )
        )
    return out
