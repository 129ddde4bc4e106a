"""Where two batches of simulated trials first differ by a bit, told so that one can look there."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.events import event_slots

# columns of a whole trial; all others have a patient on their second axis
OF_TRIALS = frozenset(("screened", "failures", "complete"))
# columns whose third axis counts something that has a minute; what is not here is of one instant
OF_VISITS = frozenset(
    (
        *("visit_minute", "measures", "enzymes", "tis", "prednisolone", "prednisolone_taken"),
        "flares",
        *("drug_benefit", "background_benefit", "steroid_benefit", "flare_loss"),
    )
)
OF_COURSES = frozenset(
    (
        *("course_minute", "course_days", "course_dose", "course_drug"),
        *("reaction_minute", "reaction_kind", "reaction_serious"),
        *("thromboembolism_minute", "serious_minute"),
    )
)
OF_EVENTS = frozenset(("events_minute", "events_detail"))
AT_ENTRY = -1  # before any minute of a patient's course

Columns = dict[str, NDArray[Any]]


class _Difference(NamedTuple):
    minute: int  # since randomisation
    words: str


def first_difference(mine: Columns, theirs: Columns) -> str | None:
    """Return in words where two batches first differ; None where they are the same.

    The first trial that differs, in it the first patient, and of him what comes first in time.

    Parameters
    ----------
    mine, theirs : the columns of Snapshot and Truth by name. What is not a number in both is the
        same; 0.0 and -0.0 are not.
    """
    unlike: Columns = {}
    for name, column in mine.items():
        other = theirs[name]
        if column.dtype != other.dtype or column.shape != other.shape:
            return f"{name}: {column.dtype}{column.shape} against {other.dtype}{other.shape}"
        where = _unlike(column, other)
        if where.any():
            unlike[name] = where
    if not unlike:
        return None
    row = min(int(np.argwhere(where)[0, 0]) for where in unlike.values())
    of_patients = {name: where for name, where in unlike.items() if name not in OF_TRIALS}
    patients = {int(p) for where in of_patients.values() for p in np.nonzero(where[row])[0]}
    if not patients:
        name = next(name for name, where in unlike.items() if where[row].any())
        at = (row, *(int(i) for i in np.argwhere(unlike[name][row])[0]))
        return f"row {row}: {_entry(name, at, mine, theirs)}"
    p = min(patients)
    columns = [name for name, where in of_patients.items() if where[row, p].any()]
    first = min(
        (_first_of(name, unlike[name], row, p, mine, theirs) for name in columns),
        key=lambda found: found.minute,  # of equals the first column
    )
    others = ((len(columns) - 1, "of his columns"), (len(patients) - 1, "patients of this row"))
    more = ", ".join(f"{count} more {what}" for count, what in others if count)
    rest = f"; and {more}" if more else ""
    return f"row {row}, patient {p} (candidate {mine['candidate'][row, p]}), {first.words}{rest}"


def _unlike(column: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = column == other
    if column.dtype.kind == "f":
        same |= np.isnan(column) & np.isnan(other)
        same &= np.signbit(column) == np.signbit(other)
    return ~same


def _entry(name: str, at: tuple[int, ...], mine: Columns, theirs: Columns) -> str:
    a, b = mine[name][at].item(), theirs[name][at].item()
    return f"{name}[{', '.join(map(str, at))}]: {a!r} against {b!r}"


def _first_of(
    name: str, where: NDArray[Any], row: int, p: int, mine: Columns, theirs: Columns
) -> _Difference:
    """Return the earliest entry of a column of a patient that differs, and what it belongs to."""
    found = []
    for rest in np.argwhere(where[row, p]):
        at = (row, p, *(int(i) for i in rest))
        what, minute = _when(name, at, mine, theirs)
        dated = f"{what}at minute {minute}: " if minute != AT_ENTRY else what
        found.append(_Difference(minute, f"{dated}{_entry(name, at, mine, theirs)}"))
    return min(found, key=lambda one: one.minute)


def _when(name: str, at: tuple[int, ...], mine: Columns, theirs: Columns) -> tuple[str, int]:
    """Return what an entry belongs to, in words, and the earlier of its two minutes."""
    both = (mine, theirs)
    row, p = at[:2]
    if name in OF_VISITS:
        # a visit that was missed, or not reached, comes after the last one attended
        minutes = [int(side["visit_minute"][row, p, : at[2] + 1].max()) for side in both]
        return f"visit {at[2]} ", max(minutes)
    if name in OF_COURSES:
        dates = "thromboembolism_minute" if name == "thromboembolism_minute" else "course_minute"
        what = f"course {at[2]} "
        if at[2] == mine["course_minute"].shape[2]:
            what = "without a course "
    elif name in OF_EVENTS:
        courses, visits = mine["course_minute"].shape[2], mine["visit_minute"].shape[2]
        event, number = event_slots(courses, visits)[at[2]]
        dates, what = "events_minute", f"{event} {number} "
    elif name.endswith("_minute") and name != "randomised_minute":
        dates, what = name, ""
    else:
        return "", AT_ENTRY
    minutes = [int(side[dates][at]) for side in both]
    happened = [minute for minute in minutes if minute >= 0]
    return what, min(happened, default=AT_ENTRY)
