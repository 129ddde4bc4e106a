"""Order and counting inside one simulated trial: sort once, then every look in one pass.

Patients are sorted by exit (event or dropout, whichever is first, since arrival) once a trial. A
look at calendar time T censors those still in the trial at T minus their arrival: arrivals are in
order, so these censoring times are too, and a look merges two ordered lists.

Ties: an event at the calendar time of a look counts; a dropout or a censoring at the same time
since arrival as an event leaves after it. Whether something has happened by a look is decided in
calendar time, arrival + exit <= T, which is exact at the event that calls the look.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.core.compiled import kernel
from simtrial.stats.survival.event_draws import Patients
from simtrial.stats.survival.risk_table import RiskTable

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


class SortedExits(NamedTuple):
    """Exits of P patients in increasing order, and room to sort in.

    ``exit`` : (P,) since arrival. ``leaves`` : (P,) in calendar time. ``kind`` : (P,) arm, plus 2
    when it is an event. ``order`` : (P,) patients. ``bucket, starts, seen`` : to work in, P + 1
    starts.
    """

    exit: Floats
    leaves: Floats
    kind: Ints
    order: Ints
    bucket: NDArray[np.int32]
    starts: Ints
    seen: Ints


def make_sorted_exits(n: int) -> SortedExits:
    """Return room for n patients."""
    return SortedExits(
        exit=np.empty(n),
        leaves=np.empty(n),
        kind=np.empty(n, np.int64),
        order=np.empty(n, np.int64),
        bucket=np.empty(n, np.int32),
        starts=np.empty(n + 1, np.int64),
        seen=np.empty(n, np.int64),
    )


@kernel
def sort_exits(out: SortedExits, patients: Patients, scale: float) -> None:
    """Sort the patients by exit; those of the same exit in the order of arrival.

    ``scale`` : a time in the middle of the exits. It decides how fast this is, never the result.
    """
    exits, n = patients.exit, patients.exit.shape[0]
    starts = out.starts
    _fill_buckets(out.bucket, starts, exits, n, scale)
    for i in range(n):
        place = starts[out.bucket[i]]
        starts[out.bucket[i]] = place + 1
        out.exit[place] = exits[i]
        out.order[place] = i
    if not _insertion_sort(out.exit, out.order, 16 * n):
        for i in range(n):
            out.exit[i], out.order[i] = exits[i], i
        _merge_sort(out.exit, out.order, out.leaves, out.seen)
    for k in range(n):
        i = out.order[k]
        out.leaves[k] = patients.leaves[i]
        out.kind[k] = patients.arm[i] + 2 * patients.has_event[i]


@kernel
def _fill_buckets(
    bucket: NDArray[np.int32], starts: Ints, times: Floats, n: int, scale: float
) -> None:
    """Put n times into n buckets, and count before which place each bucket begins.

    ``bucket`` : (n,) of each time, never smaller for a larger time: every operation below keeps
    order, rounding included. ``starts`` : (n + 1,). ``scale`` : any number of 0 or above.
    """
    # of a scale of 0 or infinity some times would have no bucket, and be written anywhere
    scale = min(max(scale, 1e-300), 1e300)
    for i in range(n):
        bucket[i] = np.int32(n * (1.0 - scale / (times[i] + scale)))
    for b in range(n + 1):
        starts[b] = 0
    for i in range(n):
        b = min(bucket[i], np.int32(n - 1))
        bucket[i] = b
        starts[b + 1] += 1
    for b in range(n):
        starts[b + 1] += starts[b]


@kernel
def _insertion_sort(keys: Floats, order: Ints, patience: int) -> bool:
    """Sort keys that are nearly sorted; False when more than ``patience`` moves were needed."""
    moves = 0
    for i in range(1, keys.shape[0]):
        key = keys[i]
        if keys[i - 1] <= key:
            continue
        who, j = order[i], i
        while j > 0 and keys[j - 1] > key:
            keys[j], order[j] = keys[j - 1], order[j - 1]
            j -= 1
        keys[j], order[j] = key, who
        moves += i - j
        if moves > patience:
            return False
    return True


@kernel
def _merge_sort(keys: Floats, order: Ints, keys_room: Floats, order_room: Ints) -> None:
    """Sort keys however they lie; equal ones keep their order."""
    n, width = keys.shape[0], 1
    while width < n:
        for low in range(0, n, 2 * width):
            middle, high = min(low + width, n), min(low + 2 * width, n)
            i, j = low, middle
            for k in range(low, high):
                if i < middle and (j >= high or keys[i] <= keys[j]):
                    keys_room[k], order_room[k] = keys[i], order[i]
                    i += 1
                else:
                    keys_room[k], order_room[k] = keys[j], order[j]
                    j += 1
        for k in range(n):
            keys[k], order[k] = keys_room[k], order_room[k]
        width *= 2


class EventTimes(NamedTuple):
    """Calendar times of events in buckets, to find the k-th; room for P.

    ``time`` : (P,), of which the first ``n`` given to the functions are events.
    """

    time: Floats
    bucket: NDArray[np.int32]
    starts: Ints
    inside: Floats


def make_event_times(n: int) -> EventTimes:
    """Return room for n patients."""
    return EventTimes(
        time=np.empty(n),
        bucket=np.empty(n, np.int32),
        starts=np.empty(n + 1, np.int64),
        inside=np.empty(n),
    )


@kernel
def collect_event_times(out: EventTimes, patients: Patients, scale: float) -> int:
    """Put the calendar times of all events into buckets, and return how many there are."""
    total = 0
    for i in range(patients.arm.shape[0]):  # without a branch
        out.time[total] = patients.leaves[i]
        total += patients.has_event[i]
    _fill_buckets(out.bucket, out.starts, out.time, total, scale)
    return total


@kernel
def time_of_event(times: EventTimes, total: int, count: int) -> float:
    """Return the calendar time of the ``count``-th of ``total`` events, 1 to total."""
    bucket = 0
    while times.starts[bucket + 1] < count:
        bucket += 1
    inside = 0
    for i in range(total):
        times.inside[inside] = times.time[i]
        inside += int(times.bucket[i] == bucket)
    return kth_smallest(times.inside, inside, count - 1 - times.starts[bucket])


@kernel
def kth_smallest(values: Floats, n: int, k: int) -> float:
    """Return what would stand at place k, from 0, if the first n values were sorted; moves them."""
    left, right = 0, n - 1
    while left < right:
        middle = (left + right) >> 1
        a, b, c = values[left], values[middle], values[right]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = left, right
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k <= j:
            right = j
        elif k >= i:
            left = i
        else:
            break
    return float(values[k])


@kernel
def count_enrolled(arrival: Floats, look: float) -> int:
    """Return how many have arrived by a calendar time, that instant included."""
    low, high = 0, arrival.shape[0]
    while low < high:
        middle = (low + high) >> 1
        if arrival[middle] <= look:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def fill_risk_table(
    out: RiskTable, ordered: SortedExits, patients: Patients, look: float, enrolled: int
) -> int:
    """Count at every event time seen by a look, and return how many such times there are."""
    at_risk_1 = 0
    for i in range(enrolled):
        at_risk_1 += patients.arm[i]
    at_risk_0 = enrolled - at_risk_1
    n_seen = 0
    for k in range(ordered.leaves.shape[0]):  # without a branch: which are seen is by chance
        ordered.seen[n_seen] = k
        n_seen += int(ordered.leaves[k] <= look)
    rows, s, last = 0, 0, enrolled - 1
    while s < n_seen:
        t = ordered.exit[ordered.seen[s]]
        out_0, out_1, events_0, events_1 = 0, 0, 0, 0
        while s < n_seen and ordered.exit[ordered.seen[s]] == t:
            kind = ordered.kind[ordered.seen[s]]
            treated, happened = kind & 1, kind >> 1
            out_1 += treated
            out_0 += 1 - treated
            events_1 += treated & happened
            events_0 += (1 - treated) & happened
            s += 1
        if events_0 + events_1 > 0:
            # those whom the look censors before this time; the last to arrive are the first
            while last >= 0 and look - patients.arrival[last] < t:
                censored = int(patients.leaves[last] > look)
                at_risk_1 -= patients.arm[last] & censored
                at_risk_0 -= (1 - patients.arm[last]) & censored
                last -= 1
            out.at_risk_control[rows], out.at_risk_treated[rows] = at_risk_0, at_risk_1
            out.events_control[rows], out.events_treated[rows] = events_0, events_1
            rows += 1
        at_risk_0 -= out_0
        at_risk_1 -= out_1
    return rows


@kernel
def count_events(table: RiskTable, rows: int) -> tuple[int, int]:
    """Return events of control and treated over the first rows of a table."""
    of_control, of_treated = 0.0, 0.0
    for i in range(rows):
        of_control += table.events_control[i]
        of_treated += table.events_treated[i]
    return int(of_control), int(of_treated)
