"""One replicate's patients: when they arrive, in which arm, when their event and dropout would be.

Every number is a function of its address (``core/streams.py``, purposes OUTCOME_*): patients are
numbered in the order of arrival, and what is drawn for one does not move with the number of
patients or looks, or with anything that is drawn for another purpose. A unit exponential
becomes a time by whatever hazard is true, so scenarios that share a seed share their patients.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simtrial.core.arithmetic import exponentials_in_place
from simtrial.core.compiled import kernel
from simtrial.core.errors import DomainError
from simtrial.core.streams import Purpose, fill_across
from simtrial.stats.survival.event_design import Allocation, EventPlan, EventWorld
from simtrial.stats.survival.piecewise import RateTable, tabulate_rates, time_reaching
from simtrial.stats.survival.risk_table import check_flags

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]

CONTROL, TREATED = 0, 1
_IN_TURN, _BLOCKS, _SIMPLE = 0, 1, 2


class WorldTables(NamedTuple):
    """What the draws of P patients need.

    ``hazard, dropout`` : row 0 control, row 1 treated. ``even_arrival`` : (P,) when arrivals are
    even. ``in_turn`` : (P,) arms when they are given in turn. ``ratio`` : control, treated.
    """

    hazard: RateTable
    dropout: RateTable
    accrual: RateTable
    poisson: bool
    even_arrival: Floats
    allocation: int
    in_turn: Ints
    ratio: Ints
    block_sizes: Ints


class Patients(NamedTuple):
    """Room for one replicate's P patients, in the order of arrival.

    ``arrival`` : since the trial began. ``arm`` : 1 treated, 0 control. ``exit`` : since arrival,
    the earlier of event and dropout. ``has_event`` : 1 when it is the event, which comes first
    when both fall on the same instant. ``leaves`` : arrival + exit, in calendar time.
    """

    arrival: Floats
    arm: Ints
    exit: Floats
    has_event: Ints
    leaves: Floats


class DrawRoom(NamedTuple):
    """Room to work in: (P,) uniforms, and (words, blocks) of the allocation."""

    first: Floats
    second: Floats
    block_first: Floats
    block_second: Floats
    block: Ints


def tabulate_world(plan: EventPlan, world: EventWorld) -> WorldTables:
    """Return the tables of a plan in a world."""
    accrual = tabulate_rates(world.accrual)
    allocation = plan.allocation
    whole = allocation.treated + allocation.control
    kinds = {"in_turn": _IN_TURN, "blocks": _BLOCKS, "simple": _SIMPLE}
    return WorldTables(
        hazard=tabulate_rates(world.control_hazard, world.treated_hazard),
        dropout=tabulate_rates(world.control_dropout, world.treated_dropout),
        accrual=accrual,
        poisson=world.arrivals == "poisson",
        even_arrival=_even_arrivals(accrual, plan.n),
        allocation=kinds[allocation.kind],
        in_turn=(np.arange(plan.n) % whole < allocation.treated).astype(np.int64),
        ratio=np.array([allocation.control, allocation.treated], np.int64),
        block_sizes=np.array(allocation.block_sizes or (whole,), np.int64),
    )


def make_patients(n: int) -> Patients:
    """Return room for n patients."""
    return Patients(
        arrival=np.empty(n),
        arm=np.empty(n, np.int64),
        exit=np.empty(n),
        has_event=np.empty(n, np.int64),
        leaves=np.empty(n),
    )


def place_patients(
    arrival: ArrayLike, treated: ArrayLike, event: ArrayLike, dropout: ArrayLike
) -> Patients:
    """Return patients whose times are given, (P,) each.

    Parameters
    ----------
    arrival : since the trial began, in order.
    event, dropout : since arrival; inf for never.

    Raises
    ------
    DomainError : when a time is negative or no number, lengths differ, or arrivals are not in
        order.
    """
    arrives, happens, drops = (np.array(t, np.float64) for t in (arrival, event, dropout))
    arms = check_flags("treated", treated, arrives.shape[0]).astype(np.int64)
    for name, times in (("arrival", arrives), ("event", happens), ("dropout", drops)):
        if times.shape != arms.shape or not np.all(times >= 0.0):
            raise DomainError(
                f"{name} is {times.tolist()!r:.80}; give {arms.shape[0]} times of 0 or more, "
                "such as [0, 1.5] for two patients."
            )
    if np.any(np.diff(arrives) < 0.0) or not np.isfinite(arrives).all():
        raise DomainError(
            f"arrival is {arrives.tolist()!r:.80}; patients come in order, such as [0, 0, 1.5]."
        )
    out = make_patients(arms.shape[0])._replace(arrival=arrives, arm=arms)
    _note_exits(out.exit, out.has_event, out.leaves, arrives, happens, drops)
    return out


def make_draw_room(n: int, allocation: Allocation) -> DrawRoom:
    """Return room to draw n patients in."""
    sizes = allocation.block_sizes or (1,)
    blocks, words = -(-n // min(sizes)), max(sizes) // 2 + 1
    return DrawRoom(
        first=np.empty(n),
        second=np.empty(n),
        block_first=np.empty((words, blocks)),
        block_second=np.empty((words, blocks)),
        block=np.empty(max(sizes), np.int64),
    )


def draw_patients(plan: EventPlan, world: EventWorld, *, seed: int, replicate: int) -> Patients:
    """Return the patients of one replicate, as the simulation sees them."""
    word = seed_word(seed)
    if not 0 <= replicate < 2**32:
        raise DomainError(f"replicate is {replicate}; give 0 to 2**32 - 1, such as 4711.")
    out = make_patients(plan.n)
    room = make_draw_room(plan.n, plan.allocation)
    fill_patients(out, room, tabulate_world(plan, world), word, replicate)
    return out


def seed_word(seed: int) -> int:
    """Return a seed of 64 bits as the signed word that compiled code takes, after checking it."""
    if not 0 <= seed < 2**64:
        raise DomainError(f"seed is {seed}; give a whole number from 0 to 2**64 - 1, such as 1.")
    return seed - 2**64 if seed >= 2**63 else seed


@kernel
def fill_patients(
    out: Patients, room: DrawRoom, world: WorldTables, seed: int, replicate: int
) -> None:
    """Draw the patients of one replicate."""
    _fill_arrivals(out.arrival, room, world, seed, replicate)
    _fill_arms(out.arm, room, world, seed, replicate)
    event, dropout = room.first, room.second
    fill_across(event, dropout, Purpose.OUTCOME_EVENT << 20, 0, seed, replicate)
    exponentials_in_place(event)
    exponentials_in_place(dropout)
    _times_in_place(event, out.arm, world.hazard)
    _times_in_place(dropout, out.arm, world.dropout)
    _note_exits(out.exit, out.has_event, out.leaves, out.arrival, event, dropout)


@kernel
def _note_exits(
    exits: Floats, has_event: Ints, leaves: Floats, arrival: Floats, event: Floats, dropout: Floats
) -> None:
    for i in range(exits.shape[0]):
        first = event[i] if event[i] <= dropout[i] else dropout[i]
        exits[i] = first
        leaves[i] = arrival[i] + first
        has_event[i] = int((event[i] <= dropout[i]) & (event[i] < np.inf))


@kernel
def _even_arrivals(accrual: RateTable, n: int) -> Floats:
    out = np.empty(n)
    for i in range(n):
        out[i] = time_reaching(accrual, 0, float(i + 1))
    return out


@kernel
def _fill_arrivals(
    out: Floats, room: DrawRoom, world: WorldTables, seed: int, replicate: int
) -> None:
    if not world.poisson:
        for i in range(out.shape[0]):
            out[i] = world.even_arrival[i]
        return
    fill_across(room.first, room.second, Purpose.OUTCOME_ARRIVAL << 20, 0, seed, replicate)
    exponentials_in_place(room.first)
    total = 0.0
    for i in range(out.shape[0]):
        total += room.first[i]
        out[i] = time_reaching(world.accrual, 0, total)


@kernel
def _fill_arms(out: Ints, room: DrawRoom, world: WorldTables, seed: int, replicate: int) -> None:
    n = out.shape[0]
    whole = world.ratio[CONTROL] + world.ratio[TREATED]
    if world.allocation == _IN_TURN:
        for i in range(n):
            out[i] = world.in_turn[i]
    elif world.allocation == _SIMPLE:
        fill_across(room.first, room.second, Purpose.OUTCOME_ALLOCATION << 20, 1, seed, replicate)
        treated_share = world.ratio[TREATED] / whole
        for i in range(n):
            out[i] = int(room.first[i] < treated_share)
    else:
        sizes = world.block_sizes
        for word in range(room.block_first.shape[0]):
            fill_across(
                room.block_first[word],
                room.block_second[word],
                (Purpose.OUTCOME_ALLOCATION << 20) | word,
                0,
                seed,
                replicate,
            )
        at, block = 0, 0
        while at < n:
            size = int(sizes[int(room.block_first[0, block] * sizes.shape[0])])
            treated = world.ratio[TREATED] * (size // whole)
            for i in range(size):
                room.block[i] = int(i < treated)
            for i in range(size - 1, 0, -1):
                drawn = room.block_second if i & 1 else room.block_first
                j = int(drawn[i >> 1, block] * (i + 1))
                room.block[i], room.block[j] = room.block[j], room.block[i]
            for i in range(min(size, n - at)):
                out[at + i] = room.block[i]
            at += size
            block += 1


@kernel
def _times_in_place(amounts: Floats, arm: Ints, table: RateTable) -> None:
    """Turn unit exponentials into times under the hazards of the arms."""
    if table.starts.shape[1] == 1:  # without a branch, several at once
        of_control, of_treated = table.rates[CONTROL, 0], table.rates[TREATED, 0]
        for i in range(amounts.shape[0]):
            # a rate of 0 gives infinity, as it should: amounts are above 0
            amounts[i] = amounts[i] / (of_treated if arm[i] == TREATED else of_control)
    else:
        for i in range(amounts.shape[0]):
            amounts[i] = time_reaching(table, arm[i], amounts[i])
