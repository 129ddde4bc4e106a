"""Two arms at every distinct event time: who was at risk, and who had the event.

The log-rank test and the Cox model of two arms need nothing else. Ties: an event and a censoring
at the same time count as the event first, so the censored patient was still at risk.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simtrial.core.compiled import kernel
from simtrial.core.errors import DomainError

type Floats = NDArray[np.float64]


class RiskTable(NamedTuple):
    """Counts at each of T event times, in increasing order of time (or stratum by stratum).

    They are whole numbers kept as floats, since that is what they are divided as.

    Attributes
    ----------
    at_risk_control, at_risk_treated : (T,) patients at risk just before the time.
    events_control, events_treated : (T,) patients with the event at the time.
    """

    at_risk_control: Floats
    at_risk_treated: Floats
    events_control: Floats
    events_treated: Floats


def tabulate_risk(time: ArrayLike, event: ArrayLike, treated: ArrayLike) -> RiskTable:
    """Return the counts of one group of patients.

    Parameters
    ----------
    time : (P,) time to the event or to censoring, 0 or above and finite.
    event : (P,) whether it is the event.
    treated : (P,) whether the patient is in the treated arm.

    Raises
    ------
    DomainError : when lengths differ, a time is negative or no number, or a flag is not 0 or 1.
    """
    times, events = check_times(time, event)
    arms = check_flags("treated", treated, times.shape[0])
    order = np.argsort(times, kind="stable")
    events_01, arms_01 = events.astype(np.float64), arms.astype(np.int64)
    return _tabulate(times[order], events_01[order], arms_01[order])


def check_times(time: ArrayLike, event: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    """Return times and flags as arrays, after checking them."""
    times = np.asarray(time, np.float64)
    if times.ndim != 1 or times.shape[0] == 0:
        raise DomainError(
            f"time has shape {times.shape}; give one number a patient, such as [9, 13, 13]."
        )
    wrong = np.flatnonzero(~((times >= 0.0) & np.isfinite(times)))
    if wrong.size:
        raise DomainError(
            f"time[{wrong[0]}] is {times[wrong[0]]}; times are 0 or above and finite, such as 13."
        )
    return times, check_flags("event", event, times.shape[0])


def check_flags(name: str, given: ArrayLike, n: int) -> NDArray[np.bool_]:
    """Return flags of n patients as booleans, after checking that each is 0 or 1."""
    flags = np.asarray(given)
    if flags.shape != (n,):
        raise DomainError(
            f"{name} has shape {flags.shape} for {n} times; give each patient one, such as "
            "[1, 0, 1] for three."
        )
    wrong = np.flatnonzero((flags != 0) & (flags != 1))
    if wrong.size:
        raise DomainError(
            f"{name}[{wrong[0]}] is {flags[wrong[0]]!r}; give 1 for yes and 0 for no, such as 1."
        )
    return flags.astype(np.bool_)


@kernel
def _tabulate(times: Floats, events: Floats, treated: NDArray[np.int64]) -> RiskTable:
    """Return the counts of patients sorted by time."""
    n = times.shape[0]
    columns = np.zeros((4, n))
    at_risk = np.zeros(2)
    for i in range(n):
        at_risk[treated[i]] += 1.0
    rows = 0
    i = 0
    while i < n:
        here, happened = times[i], np.zeros(2)
        left = np.zeros(2)
        while i < n and times[i] == here:
            left[treated[i]] += 1.0
            happened[treated[i]] += events[i]
            i += 1
        if happened[0] + happened[1] > 0.0:
            columns[0, rows], columns[1, rows] = at_risk[0], at_risk[1]
            columns[2, rows], columns[3, rows] = happened[0], happened[1]
            rows += 1
        at_risk -= left
    return RiskTable(columns[0, :rows], columns[1, :rows], columns[2, :rows], columns[3, :rows])
