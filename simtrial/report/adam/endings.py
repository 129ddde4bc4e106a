"""How treatment and study ended for each patient, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.protocol import LEAVE, Protocol
from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.report.adam.records import Subjects, Text, Whole

STATES = ("COMPLETED", "DISCONTINUED", "ONGOING")
COMPLETED, DISCONTINUED, ONGOING = range(3)
NONE = -1  # no state, no reason


class Reason(NamedTuple):
    """Why something ended: the column of its minute, and whether it ends the study by rule."""

    term: str  # of CDISC's list of reasons for not completing
    detail: str
    minute: str = ""
    leaves: Callable[[Protocol], bool] = lambda _: False


# at one minute the first of them is the reason; the last is what remains
REASONS = (
    Reason("DEATH", "death", "death_minute", lambda _: True),
    Reason(
        "ADVERSE EVENT",
        "an adverse event stopped treatment",
        "harm_stop_minute",
        lambda protocol: protocol.harm_leaves,
    ),
    Reason(
        "PROGRESSIVE DISEASE",
        "deterioration confirmed at two visits",
        "deterioration_minute",
        lambda protocol: protocol.deterioration_then == LEAVE,
    ),
    Reason(
        "LACK OF EFFICACY",
        "rescue treatment",
        "rescue_minute",
        lambda protocol: protocol.rescue_then == LEAVE,
    ),
    Reason(
        "LACK OF EFFICACY",
        "treatment given up for lack of effect",
        "lack_of_effect_minute",
        lambda protocol: protocol.lack_then == LEAVE,
    ),
    Reason("OTHER", "left the study; the model has no reason"),
)
REASON_TERMS = tuple(dict.fromkeys(reason.term for reason in REASONS))
REASON_DETAILS = tuple(reason.detail for reason in REASONS)


def reason_term(reason: Whole) -> Text:
    """Return the terms of reasons, indices into ``REASONS`` or ``NONE``."""
    places = np.array([*(REASON_TERMS.index(r.term) for r in REASONS), NONE])
    return Text(places[reason], REASON_TERMS)  # NONE is the last


class Endings(NamedTuple):
    """Of each subject, (S,) each."""

    treatment: Whole  # index into STATES; NONE where no course was begun
    treatment_end: Whole  # minute at which it was given up with courses left, -1 otherwise
    treatment_reason: Whole  # index into REASONS, or NONE
    study: Whole  # index into STATES
    study_reason: Whole


def last_planned(subjects: Subjects) -> Whole:
    """Return the minute since randomisation of the last course planned, -1 without any.

    Planned is what the protocol holds for the arm: its courses as written or after a change of
    dose, those of an extension, courses as needed up to the last visit, and after a switch those
    of the other arm; nothing after a stop for being stable.
    """
    s, protocol = subjects, subjects.protocol
    rules, end = protocol.treatment, int(protocol.visit_week[-1])
    weeks = np.array(
        [
            protocol.course_week[g, n - 1] if n > 0 else NONE
            for g, n in enumerate(protocol.n_courses)
        ]
    )
    # NO_RULE is the last place
    changed = np.append(weeks, NONE)[rules.change_to].max(axis=1)
    extended = weeks[rules.extension] if rules.extension >= 0 else NONE
    n_arms = rules.change_to.shape[0]
    of_arm = np.maximum(np.maximum(weeks[:n_arms], changed), extended)
    of_arm = np.where(rules.needed_most > 0, end, np.minimum(of_arm, end))
    found: Whole = np.where(of_arm >= 0, of_arm * MINUTES_PER_WEEK, -1)[s.arm]
    switch, stable = s.of("switch_minute"), s.of("stable_minute")
    other = of_arm[rules.switch_to[s.arm]] * MINUTES_PER_WEEK + switch
    found = np.where(switch >= 0, np.minimum(other, end * MINUTES_PER_WEEK), found)
    return np.where(stable >= 0, np.minimum(found, stable), found)


def endings_of(subjects: Subjects) -> Endings:
    """Return how treatment and study ended; a patient still followed at a cut is ongoing."""
    stop, left = subjects.of("stop_minute"), subjects.left
    planned = last_planned(subjects)
    courses_left = subjects.last_course < planned
    ended = np.where(stop >= 0, stop, left)
    # a stop after the last course stops nothing
    treatment_end = np.where(courses_left & (ended <= planned), ended, -1)
    treatment = np.select(
        [~subjects.treated, treatment_end >= 0, courses_left & subjects.ongoing],
        [NONE, DISCONTINUED, ONGOING],
        COMPLETED,
    )
    study = np.select([left >= 0, subjects.ongoing], [DISCONTINUED, ONGOING], COMPLETED)
    return Endings(
        treatment=treatment,
        treatment_end=treatment_end,
        treatment_reason=_reason(subjects, treatment_end, leaving=False),
        study=study,
        study_reason=_reason(subjects, left, leaving=True),
    )


def _reason(subjects: Subjects, minute: Whole, *, leaving: bool) -> Whole:
    """Return the first reason of that very minute; leaving needs a rule that ends the study."""
    named = REASONS[:-1]
    met: list[NDArray[np.bool_]] = [
        (minute >= 0)
        & (subjects.of(reason.minute) == minute)
        & (not leaving or reason.leaves(subjects.protocol))
        for reason in named
    ]
    found: Whole = np.select(met, list(range(len(named))), len(named))
    return np.where(minute >= 0, found, NONE)
