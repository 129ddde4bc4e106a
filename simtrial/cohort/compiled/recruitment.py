"""The quick engine's recruitment: when each site's next candidate comes, and who is taken."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.arrivals import Arrivals, calendar_minute, site_rate
from simtrial.cohort.draws import arrival_gap
from simtrial.cohort.entry import CLOSED, SUBTYPE_FULL
from simtrial.cohort.protocol import NEVER
from simtrial.cohort.rules import whole_minute
from simtrial.core.compiled import inlined


class SitesRoom(NamedTuple):
    """Arrays to work in. Axes: S sites; T subtypes that may be limited."""

    arrival: NDArray[np.float64]  # (S,) of the next candidate, on the clock of recruitment
    minute: NDArray[np.int64]  # (S,) the same on the calendar
    order: NDArray[np.int64]  # (S,) of the next candidate at the site
    per_minute: NDArray[np.float64]  # (S,)
    taken: NDArray[np.int64]  # (S,) patients
    of_subtype: NDArray[np.int64]  # (T,) patients


def sites_room(arrivals: Arrivals) -> SitesRoom:
    """Return the arrays, not filled."""
    sites = arrivals.opening.shape[0]
    return SitesRoom(
        arrival=np.empty(sites),
        minute=np.empty(sites, np.int64),
        order=np.empty(sites, np.int64),
        per_minute=np.empty(sites),
        taken=np.empty(sites, np.int64),
        of_subtype=np.empty(arrivals.subtype_at_most.shape[0], np.int64),
    )


@inlined
def begin_sites(arrivals: Arrivals, room: SitesRoom, seed: int, replicate: int) -> None:
    """Open every site, and draw its first candidate's arrival."""
    for s in range(arrivals.opening.shape[0]):
        relative = site_rate(seed, replicate, s, arrivals.rate_shape)
        room.per_minute[s] = arrivals.per_minute * relative
        gap = arrival_gap(seed, replicate, s, 0, room.per_minute[s])
        room.arrival[s] = arrivals.opening[s] + gap
        room.minute[s] = calendar_minute(
            whole_minute(room.arrival[s]), arrivals.pause_from, arrivals.pause_until
        )
        room.order[s] = 0
        room.taken[s] = 0
    for subtype in range(room.of_subtype.shape[0]):
        room.of_subtype[subtype] = 0


@inlined
def next_site(room: SitesRoom) -> int:
    """Return the site whose candidate comes next: the earliest, and of equals the first."""
    # a minimum without branches, then its place
    earliest = room.minute[0]
    for s in range(1, room.minute.shape[0]):
        earliest = min(earliest, room.minute[s])
    site = 0
    while room.minute[site] != earliest:
        site += 1
    return site


@inlined
def expect_next(arrivals: Arrivals, room: SitesRoom, site: int, seed: int, replicate: int) -> None:
    """Draw when the next candidate comes to a site from which one has just come."""
    room.order[site] += 1
    gap = arrival_gap(seed, replicate, site, room.order[site], room.per_minute[site])
    room.arrival[site] += gap
    room.minute[site] = calendar_minute(
        whole_minute(room.arrival[site]), arrivals.pause_from, arrivals.pause_until
    )


@inlined
def no_place(arrivals: Arrivals, room: SitesRoom, subtype: int, is_closed: bool) -> int:
    """Return why there is no place for an eligible candidate, or -1."""
    reason = -1
    limited = room.of_subtype.shape[0] > 0
    if limited and room.of_subtype[subtype] == arrivals.subtype_at_most[subtype]:
        reason = SUBTYPE_FULL
    elif is_closed:
        reason = CLOSED
    return reason


@inlined
def take(arrivals: Arrivals, room: SitesRoom, site: int, subtype: int) -> None:
    """Give a place to a candidate who will be randomised."""
    if room.of_subtype.shape[0] > 0:
        room.of_subtype[subtype] += 1
    room.taken[site] += 1
    if room.taken[site] == arrivals.site_at_most:
        room.minute[site] = NEVER
