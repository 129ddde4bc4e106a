"""Simulated trials with a time-to-event endpoint: many replicates, every look of each.

Outcome-level: a patient is an arrival, an arm, a time to the event and a time to dropout. All looks
of a replicate are held; ``decisions.py`` then says where a rule would have stopped it, so
one simulation serves any number of rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.core.compiled import kernel, unowned
from simtrial.core.errors import DomainError
from simtrial.stats.survival.cox import cox_of_table
from simtrial.stats.survival.event_design import EventPlan, EventWorld
from simtrial.stats.survival.event_draws import (
    DrawRoom,
    Patients,
    WorldTables,
    fill_patients,
    make_draw_room,
    make_patients,
    seed_word,
    tabulate_world,
)
from simtrial.stats.survival.event_looks import (
    EventTimes,
    SortedExits,
    collect_event_times,
    count_enrolled,
    count_events,
    fill_risk_table,
    make_event_times,
    make_sorted_exits,
    sort_exits,
    time_of_event,
)
from simtrial.stats.survival.logrank import log_rank_sums, standardise
from simtrial.stats.survival.risk_table import RiskTable

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]


class LookStatus(IntEnum):
    """What became of a planned look."""

    HELD = 0  # as planned
    AT_LATEST = 1  # the last look, held at the latest time with fewer events than planned
    NOT_HELD = 2  # its events did not come


@dataclass(frozen=True, kw_only=True)
class EventTrials:
    """R simulated trials at L looks each.

    Where a look was not held, times, z and estimates are nan and counts 0.

    Attributes
    ----------
    plan, world, seed, first : what was run; replicates are first..first + R - 1.
    status : (R, L) see ``LookStatus``.
    time : (R, L) calendar time of the look, in the unit of the plan.
    enrolled : (R, L) patients who had arrived.
    events_control, events_treated : (R, L).
    z : (R, L) log-rank, positive when the treated arm does better; nan also when no event had both
        arms at risk.
    log_hazard_ratio, standard_error : (R, L) of the Cox model (Efron's ties), treated over control;
        None unless asked for. Infinite when one arm had no event.
    """

    plan: EventPlan
    world: EventWorld
    seed: int
    first: int
    status: NDArray[np.int8]
    time: Floats
    enrolled: Ints
    events_control: Ints
    events_treated: Ints
    z: Floats
    log_hazard_ratio: Floats | None
    standard_error: Floats | None

    @property
    def events(self) -> Ints:
        """Events of both arms, (R, L)."""
        return self.events_control + self.events_treated


def simulate_trials(
    plan: EventPlan,
    world: EventWorld,
    *,
    seed: int,
    trials: int,
    first: int = 0,
    cox: bool = False,
) -> EventTrials:
    """Return simulated trials of a plan in a world.

    Parameters
    ----------
    seed : 0 to 2**64 - 1. Replicate r of a seed is the same whatever ``first`` and ``trials`` are.
    trials, first : replicates first..first + trials - 1 are run.
    cox : whether hazard ratios are estimated, too.

    Raises
    ------
    DomainError : when seed, trials or first is out of range.
    """
    word = seed_word(seed)
    if trials < 1 or first < 0 or first + trials > 2**32:
        raise DomainError(
            f"replicates {first} to {first + trials - 1} were asked for; give trials of 1 or more "
            "and first of 0 or more, up to 2**32 in all, such as trials=10000, first=0."
        )
    out, rule = _make_columns(trials, plan.looks.count, cox), _rule_of(plan, cox)
    tables, scale = tabulate_world(plan, world), _middle_exit(world)
    _run(out, _make_room(plan), tables, rule, scale, word, first)
    return EventTrials(
        plan=plan,
        world=world,
        seed=seed,
        first=first,
        status=out.status,
        time=out.time,
        enrolled=out.enrolled,
        events_control=out.events_control,
        events_treated=out.events_treated,
        z=out.z,
        log_hazard_ratio=out.log_hazard_ratio if cox else None,
        standard_error=out.standard_error if cox else None,
    )


class LookColumns(NamedTuple):
    """What looks write, (R, L) each, as in ``EventTrials``; the last two (0, 0) if not wanted."""

    status: NDArray[np.int8]
    time: Floats
    enrolled: Ints
    events_control: Ints
    events_treated: Ints
    z: Floats
    log_hazard_ratio: Floats
    standard_error: Floats


def hold_looks(plan: EventPlan, patients: Patients, *, cox: bool = False) -> LookColumns:
    """Return the looks (1, L) of one trial whose patients are given, as by ``place_patients``.

    Raises
    ------
    DomainError : when they are not as many as planned.
    """
    if patients.arm.shape[0] != plan.n:
        raise DomainError(
            f"there are {patients.arm.shape[0]} patients for a plan of {plan.n}; give as many."
        )
    out, room = (
        _make_columns(1, plan.looks.count, cox),
        _make_room(plan)._replace(patients=patients),
    )
    sort_exits(room.ordered, patients, 1.0)
    _hold_looks(out, 0, room, _rule_of(plan, cox), 1.0)
    return out


class _Room(NamedTuple):
    """What one trial works in, made once."""

    draws: DrawRoom
    patients: Patients
    ordered: SortedExits
    table: RiskTable
    event_times: EventTimes


class _Rule(NamedTuple):
    """Looks and statistics; ``events`` or ``times`` is empty."""

    events: Ints
    times: Floats
    latest: float
    rho: float
    gamma: float
    cox: bool


def _make_columns(trials: int, looks: int, cox: bool) -> LookColumns:
    shape = (trials, looks)
    return LookColumns(
        status=np.full(shape, LookStatus.NOT_HELD, np.int8),
        time=np.full(shape, np.nan),
        enrolled=np.zeros(shape, np.int64),
        events_control=np.zeros(shape, np.int64),
        events_treated=np.zeros(shape, np.int64),
        z=np.full(shape, np.nan),
        log_hazard_ratio=np.full(shape if cox else (0, 0), np.nan),
        standard_error=np.full(shape if cox else (0, 0), np.nan),
    )


def _make_room(plan: EventPlan) -> _Room:
    return _Room(
        draws=make_draw_room(plan.n, plan.allocation),
        patients=make_patients(plan.n),
        ordered=make_sorted_exits(plan.n),
        table=RiskTable(*(np.empty(plan.n) for _ in RiskTable._fields)),
        event_times=make_event_times(plan.n),
    )


def _rule_of(plan: EventPlan, cox: bool) -> _Rule:
    return _Rule(
        events=np.array(plan.looks.events, np.int64),
        times=np.array(plan.looks.times, np.float64),
        latest=float(plan.looks.latest),
        rho=float(plan.rho),
        gamma=float(plan.gamma),
        cox=cox,
    )


def _middle_exit(world: EventWorld) -> float:
    """Return a time in the middle of the exits: only the speed of the sorting depends on it."""
    hazards = [
        hazard.rates[0] + dropout.rates[0]
        for hazard, dropout in (
            (world.treated_hazard, world.treated_dropout),
            (world.control_hazard, world.control_dropout),
        )
    ]
    return 2.0 / sum(hazards) if sum(hazards) > 0.0 else 1.0


@unowned
def _run(
    out: LookColumns,
    room: _Room,
    world: WorldTables,
    rule: _Rule,
    scale: float,
    seed: int,
    first: int,
) -> None:
    """Run every replicate and write its looks."""
    for r in range(out.z.shape[0]):
        fill_patients(room.patients, room.draws, world, seed, first + r)
        sort_exits(room.ordered, room.patients, scale)
        _hold_looks(out, r, room, rule, scale)


@kernel
def _hold_looks(out: LookColumns, r: int, room: _Room, rule: _Rule, scale: float) -> None:
    """Hold every look of one trial whose patients are drawn and sorted."""
    patients, total = room.patients, 0
    if rule.events.shape[0] > 0:
        total = collect_event_times(room.event_times, patients, scale)
    for look in range(out.z.shape[1]):
        status, when = LookStatus.HELD.value, np.inf
        if rule.times.shape[0] > 0:
            when = rule.times[look]
        else:
            wanted = rule.events[look]
            if wanted <= total:
                when = time_of_event(room.event_times, total, wanted)
            if when > rule.latest or when == np.inf:
                if look < out.z.shape[1] - 1 or rule.latest == np.inf:
                    continue
                status, when = LookStatus.AT_LATEST.value, rule.latest
        enrolled = count_enrolled(patients.arrival, when)
        rows = fill_risk_table(room.table, room.ordered, patients, when, enrolled)
        events_0, events_1 = count_events(room.table, rows)
        observed, expected, variance = log_rank_sums(room.table, rows, rule.rho, rule.gamma)
        out.status[r, look], out.time[r, look], out.enrolled[r, look] = status, when, enrolled
        out.events_control[r, look], out.events_treated[r, look] = events_0, events_1
        out.z[r, look] = standardise(expected - observed, variance)
        if rule.cox:
            estimate, error = cox_of_table(room.table, rows, True)
            out.log_hazard_ratio[r, look], out.standard_error[r, look] = estimate, error
