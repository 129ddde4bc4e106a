"""The flow of patients through one trial, counted so that every box adds up to those it leads to.

Each patient has one reason at each parting: the event that came first, and at one minute the one
that the protocol lets come first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.snapshot import SCREENING_FAILURES, Snapshot
from simtrial.core.units import minutes_from_weeks
from simtrial.endpoints.responder import composite_response
from simtrial.report.happenings import (
    DEATH,
    DETERIORATION,
    LACK_OF_EFFECT,
    LEFT,
    RESCUE,
    STABLE,
    STOPPED_FOR_HARM,
)
from simtrial.report.picture_parts import followed_until
from simtrial.trial.design import Design

WITHDREW, UNDER_WAY = "withdrew", "under way"
PLAN_CHANGED, MISSED = "plan of courses changed", "course not to be had or left out"
NO_REASON = "no reason recorded"  # nobody, unless a new kind of stop is not counted here
BELOW = "TIS below the threshold"
# what ends treatment, and by which a response is lost: the first of one minute stands first
_ENDS = {
    DETERIORATION: "deterioration_minute",
    RESCUE: "rescue_minute",
    LACK_OF_EFFECT: "lack_of_effect_minute",
    STOPPED_FOR_HARM: "harm_stop_minute",
}
_LEAVE = "leave_study"
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, kw_only=True)
class ArmFlow:
    """Counts of one arm.

    ``allocated`` = ``treated`` + ``untreated``; ``treated`` = ``all_courses`` + ``fewer_courses``;
    ``allocated`` = ``stayed`` + ``under_way`` + ``left``, and = ``analysed`` + ``awaited``;
    ``analysed`` = ``responders`` + ``no_response``. Reasons add up to theirs. In a whole trial
    nobody is under way or awaited.
    """

    name: str
    allocated: int
    untreated: Mapping[str, int]  # reason -> patients without any course
    treated: int
    all_courses: int
    fewer_courses: Mapping[str, int]  # reason -> patients with some, but not all planned courses
    stayed: int  # in the study to the last visit
    under_way: int  # in the study, the last visit still to come
    left: Mapping[str, int]  # reason -> patients
    assessed: int  # with a TIS at the endpoint's week
    responders: int  # under the composite
    no_response: Mapping[str, int]  # reason -> patients
    awaited: int  # neither yet, the endpoint's visit still to come

    @property
    def analysed(self) -> int:
        """Whose response is known; the composite knows it of everybody in a whole trial."""
        return self.allocated - self.awaited


@dataclass(frozen=True, kw_only=True)
class Flow:
    """Counts of a trial: ``screened`` = not eligible + ``entered`` + ``waiting``."""

    screened: int
    not_eligible: Mapping[str, int]  # first reason -> candidates
    waiting: int  # eligible, but not in: in screening when a trial was looked at on the way
    entered: int
    arms: tuple[ArmFlow, ...]


def flow_of(seen: Snapshot, design: Design, cut_minute: int | None = None) -> Flow:
    """Return the flow of the single trial in ``seen``.

    ``cut_minute`` : of the calendar, up to which it was looked at; None for a whole trial.
    """
    until = followed_until(seen, design, cut_minute)[0]
    entered = int((seen.arm[0] >= 0).sum())
    failures = {reason: int(seen.failures[0, i]) for i, reason in enumerate(SCREENING_FAILURES)}
    screened = int(seen.screened[0])
    return Flow(
        screened=screened,
        not_eligible=failures,
        waiting=screened - sum(failures.values()) - entered,
        entered=entered,
        arms=tuple(_arm_flow(seen, design, a, until) for a in range(len(design.arms))),
    )


def _arm_flow(seen: Snapshot, design: Design, a: int, until: NDArray[np.int64]) -> ArmFlow:
    name = design.arm_names[a]
    here = seen.arm[0] == a
    planned, given = len(design.courses_of(name)), seen.courses[0]
    left = seen.left_minute[0] >= 0
    under_way = ~left & (until < minutes_from_weeks(design.visits_weeks[-1]))
    why_stopped, why_left = _why_stopped(seen, design, under_way), _why_left(seen, design)
    why_not = _why_no_response(seen, design)
    response = composite_response(seen, design)[0]
    v = design.visits_weeks.index(design.endpoint.week)
    # nothing has decided yet, and the visit that will is still to come
    awaited = (
        ~response
        & ~left
        & (why_not == not_assessed(design))
        & (until < minutes_from_weeks(design.endpoint.week))
    )
    return ArmFlow(
        name=name,
        allocated=int(here.sum()),
        untreated=_counted(why_stopped[here & (given == 0)]),
        treated=int((here & (given > 0)).sum()),
        all_courses=int((here & (given > 0) & (given >= planned)).sum()),
        fewer_courses=_counted(why_stopped[here & (given > 0) & (given < planned)]),
        stayed=int((here & ~left & ~under_way).sum()),
        under_way=int((here & under_way).sum()),
        left=_counted(why_left[here & left]),
        assessed=int((here & ~np.isnan(seen.tis[0, :, v])).sum()),
        responders=int((here & response).sum()),
        no_response=_counted(why_not[here & ~response & ~awaited]),
        awaited=int((here & awaited).sum()),
    )


def _counted(reasons: NDArray[np.str_]) -> dict[str, int]:
    """Return how often each reason occurs, the most frequent first."""
    words, counts = np.unique(reasons, return_counts=True)
    return {str(words[i]): int(counts[i]) for i in np.argsort(-counts, kind="stable")}


def _why_stopped(seen: Snapshot, design: Design, under_way: NDArray[np.bool_]) -> NDArray[np.str_]:
    """Return (P,) why a patient got no further course."""
    stop, left = _or_never(seen.stop_minute), _or_never(seen.left_minute)
    events = [getattr(seen, column)[0] == stop for column in _ENDS.values()]
    neither = (stop == _NEVER) & (left == _NEVER)
    switched = seen.switch_minute[0] >= 0
    changes = np.array([bool(design.rules_of(a).dose_change) for a in design.arms])
    return np.select(
        [
            neither & (seen.stable_minute[0] >= 0),
            neither & under_way,
            neither & (seen.missed_courses[0] > 0),
            neither & (switched | changes[seen.arm[0]]),
            neither,
            left < stop,
            *events,
        ],
        [STABLE, UNDER_WAY, MISSED, PLAN_CHANGED, NO_REASON, LEFT, *_ENDS],
        NO_REASON,
    )


def _why_left(seen: Snapshot, design: Design) -> NDArray[np.str_]:
    """Return (P,) why a patient left: death, or a protocol's rule that ends the study."""
    rules = design.intercurrent
    ends_study = {
        DETERIORATION: rules.deterioration is not None and rules.deterioration.then == _LEAVE,
        RESCUE: rules.rescue is not None and rules.rescue.then == _LEAVE,
        LACK_OF_EFFECT: rules.lack_of_effect is not None and rules.lack_of_effect.then == _LEAVE,
        STOPPED_FOR_HARM: rules.harm.then == _LEAVE,
    }
    by_rule = [
        (getattr(seen, column)[0] == seen.left_minute[0]) & ends_study[event]
        for event, column in _ENDS.items()
    ]
    return np.select([seen.death_minute[0] >= 0, *by_rule], [DEATH, *_ENDS], WITHDREW)


def _why_no_response(seen: Snapshot, design: Design) -> NDArray[np.str_]:
    """Return (P,) why the composite counts no response: the first event that the endpoint reads."""
    endpoint = design.endpoint
    v = design.visits_weeks.index(endpoint.week)
    came = seen.visit_minute[0, :, v].astype(np.int64)
    # an event at the visit itself comes after its measurement: it counts against "at" only
    until = np.where(came >= 0, came, minutes_from_weeks(endpoint.week))
    until = until - (0 if endpoint.at_week is not None else 1)
    columns = {**_ENDS, DEATH: "death_minute"}
    minutes = np.stack([_or_never(getattr(seen, column)) for column in columns.values()])
    first = np.array(list(columns))[minutes.argmin(axis=0)]
    missing = np.isnan(seen.tis[0, :, v])
    without = np.where(missing, not_assessed(design), BELOW)
    return np.where(minutes.min(axis=0) <= until, first, without)


def not_assessed(design: Design) -> str:
    """Return the words for patients without a TIS at the endpoint's week."""
    return f"not assessed at week {design.endpoint.week}"


def _or_never(minute: NDArray[np.int64] | NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the minutes of the single trial; what did not happen comes after everything."""
    return np.where(minute[0] >= 0, minute[0].astype(np.int64), _NEVER)
