"""What could be seen of a batch of trials at a calendar time: its Snapshot, cut there.

Every column has a rule in ``RULES``; one without a rule cannot be cut. Nothing in a cut depends on
what happened after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.exposure import exposure_of, total_grams
from simtrial.cohort.protocol import NEVER, Protocol
from simtrial.cohort.snapshot import Snapshot, empty_snapshot
from simtrial.core.errors import DomainError

Known = Literal["randomisation", "minute", "beside", "courses", "until", "end", "trial"]


class Rule(NamedTuple):
    """When a column becomes known; ``beside`` names the column of minutes that it goes with."""

    known: Known
    beside: str = ""


_RANDOMISATION, _MINUTE, _AT_VISIT = (
    Rule("randomisation"),
    Rule("minute"),
    Rule("beside", "visit_minute"),
)
_COURSES, _UNTIL, _END, _TRIAL = Rule("courses"), Rule("until"), Rule("end"), Rule("trial")

# randomisation: once the patient is randomised; minute: the column holds the minute itself;
# beside: with the minute of that column; courses: counted as given by then; until: a last minute,
# the minute of the cut while it is still to come; end: a count without minutes, known once the
# patient is seen no more; trial: counted over the trial
RULES: Mapping[str, Rule] = {
    "screened": _TRIAL,
    "failures": _TRIAL,
    "complete": _TRIAL,
    "arm": _RANDOMISATION,
    "stratum": _RANDOMISATION,
    "candidate": _RANDOMISATION,
    "site": _RANDOMISATION,
    "randomised_minute": _RANDOMISATION,
    "subtype": _RANDOMISATION,
    "line": _RANDOMISATION,
    "female": _RANDOMISATION,
    "age": _RANDOMISATION,
    "weight": _RANDOMISATION,
    "cancer": _RANDOMISATION,
    "previous_thromboembolism": _RANDOMISATION,
    "migraine": _RANDOMISATION,
    "group_o": _RANDOMISATION,
    "failures_before": _RANDOMISATION,
    "screening": _RANDOMISATION,
    "run_in": _RANDOMISATION,
    "run_in_courses": _RANDOMISATION,
    "run_in_grams": _RANDOMISATION,
    "visit_minute": _MINUTE,
    "measures": _AT_VISIT,
    "enzymes": _AT_VISIT,
    "enzyme": _RANDOMISATION,
    "tis": _AT_VISIT,
    "prednisolone": _AT_VISIT,
    "prednisolone_taken": _AT_VISIT,
    "flares": _AT_VISIT,
    "flare_minute": _MINUTE,
    "courses": _COURSES,
    "course_minute": _MINUTE,
    "course_days": Rule("beside", "course_minute"),
    "course_dose": Rule("beside", "course_minute"),
    "course_drug": Rule("beside", "course_minute"),
    "missed_courses": _END,
    "grams": _COURSES,
    "deterioration_minute": _MINUTE,
    "rescue_minute": _MINUTE,
    "lack_of_effect_minute": _MINUTE,
    "switch_minute": _MINUTE,
    "standard_minute": _MINUTE,
    "stable_minute": _MINUTE,
    "stop_minute": _MINUTE,
    "left_minute": _MINUTE,
    "reaction_minute": _MINUTE,
    "reaction_kind": Rule("beside", "reaction_minute"),
    "reaction_serious": Rule("beside", "reaction_minute"),
    "thromboembolism_minute": _MINUTE,
    "serious_minute": _MINUTE,
    "harm_stop_minute": _MINUTE,
    "events_minute": _MINUTE,
    "events_detail": Rule("beside", "events_minute"),
    "cancer_minute": _MINUTE,
    "death_minute": _MINUTE,
    "followed_minute": _UNTIL,
}


def cut(seen: Snapshot, minute: int | NDArray[np.int64], protocol: Protocol) -> Snapshot:
    """Return what was observable at calendar minute ``minute``, that minute included.

    Patients randomised later are blank. ``screened`` and ``failures`` are those up to the last
    patient randomised by then, as in a whole trial; who was screened after him is not counted.
    A course counts from its first day on. From the minute on at which a trial is over, and at
    ``NEVER``, the cut is the Snapshot itself; of a trial that ran out of candidates only at
    ``NEVER``, since it has no record of when the last of them were screened.

    Parameters
    ----------
    minute : a whole number, or (R,) one of each trial, since the first site opened.
    protocol : the plan by which the patients were seen.

    Raises
    ------
    DomainError : when the minutes are no whole numbers, or not one for each trial.
    """
    clock = _clock(minute, seen.arm.shape[0])
    entered = (seen.arm >= 0) & (seen.randomised_minute <= clock)
    # minutes that each patient has been in the trial; -1 where he is not
    since = np.where(entered, clock - seen.randomised_minute, -1)
    replicates, patients = seen.arm.shape
    visits, courses = seen.tis.shape[2], seen.course_minute.shape[2]
    blank = empty_snapshot(replicates, patients, visits, courses)._asdict()
    left = (seen.left_minute >= 0) & (seen.left_minute <= since)
    closing = protocol.visit_minute[-1] + protocol.measuring.window_minutes
    over = left | (closing <= since)
    columns: dict[str, Any] = _trial_columns(seen, clock, entered)
    columns |= _course_columns(seen, since)
    for name, column in seen._asdict().items():
        rule = RULES[name]
        if rule.known in ("trial", "courses"):
            continue
        if rule.known == "randomisation":
            kept = entered
        elif rule.known == "until":
            columns[name] = np.where(entered, np.minimum(column, since), -1).astype(column.dtype)
            continue
        elif rule.known == "end":
            kept = over
        else:
            minutes = getattr(seen, rule.beside or name)
            kept = (minutes >= 0) & (minutes <= _spread(since, minutes.ndim))
        columns[name] = np.where(_spread(kept, column.ndim), column, blank[name])
    return Snapshot(**columns)


def _clock(minute: int | NDArray[np.int64], replicates: int) -> NDArray[np.int64]:
    """Return the minutes as (R, 1) or (1, 1)."""
    clock = np.asarray(minute)
    if clock.dtype.kind not in "iu" or clock.shape not in ((), (replicates,)):
        raise DomainError(
            f"minute is {minute!r}; it counts whole minutes since the first site opened, one "
            f"number or one for each of the {replicates} trials; for example minute=524160, which "
            "is week 52."
        )
    return np.minimum(clock.astype(np.int64), NEVER).reshape(-1, 1)


def _spread(array: NDArray[Any], dimensions: int) -> NDArray[Any]:
    """Return an array with axes of length 1 added at its end."""
    return array.reshape(array.shape + (1,) * (dimensions - array.ndim))


def _trial_columns(
    seen: Snapshot, clock: NDArray[np.int64], entered: NDArray[np.bool_]
) -> dict[str, NDArray[Any]]:
    """Return what is counted over a trial, up to the last patient randomised by then."""
    full = seen.complete & entered.all(axis=1)
    whole = full | (clock[:, 0] >= NEVER)
    candidate = np.where(entered, seen.candidate, -1)
    last = candidate.argmax(axis=1)
    row = np.arange(last.shape[0])
    before = np.where(entered.any(axis=1)[:, None], seen.failures_before[row, last], 0)
    return {
        "complete": full,
        "screened": np.where(whole, seen.screened, candidate[row, last] + 1),
        "failures": np.where(whole[:, None], seen.failures, before),
    }


def _course_columns(seen: Snapshot, since: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Return the courses and grams given by then."""
    given = exposure_of(seen)
    begun = (given.start >= 0) & (given.start <= since[:, :, None])
    courses = begun.sum(axis=2)
    some = total_grams(np.where(begun, given.grams, 0.0))
    return {"courses": courses, "grams": some}
