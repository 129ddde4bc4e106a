"""Events after a course and between visits in the quick engine: written down when drawn.

They lie in the patient's future then. What they do to him is kept in ``Ahead`` until its minute
comes; when his last minute is known, what comes later is taken back.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort import draws as at
from simtrial.cohort.compiled.room import DIES, STOPS, Room, note_stop
from simtrial.cohort.event_rates import EventRates
from simtrial.cohort.events import (
    FATAL,
    INTERRUPT,
    STOP,
    course_slot,
    event_detail,
    interval_slot,
    more_course_harm,
)
from simtrial.cohort.protocol import NEVER
from simtrial.cohort.snapshot import Snapshot
from simtrial.core.compiled import inlined, unowned
from simtrial.myositis import events
from simtrial.myositis.events import (
    haemolysis_hazard,
    haemolysis_minutes,
    meningitis_hazard,
    meningitis_minutes,
    minutes_into_interval,
    steroid_toxicity_rate,
)
from simtrial.myositis.harm import may_happen, unit_exponential


@inlined
def begin_events(room: Room) -> None:
    """Forget what the patient before had ahead of him."""
    room.ahead.due[STOPS] = room.ahead.due[DIES] = NEVER
    room.ahead.n_interrupts[0] = room.ahead.n_stops[0] = room.ahead.n_written[0] = 0


@unowned
def _write_down(
    rates: EventRates,
    room: Room,
    which: int,
    minute: int,
    week: int,
    slot: int,
    seed: int,
    replicate: int,
    candidate: int,
    minutes: NDArray[np.int32],
    details: NDArray[np.uint8],
) -> int:
    """Write an event into its slot of the patient's row; return its bits."""
    bits: int = event_detail(
        seed,
        replicate,
        candidate,
        week,
        which,
        rates.serious[which],
        rates.related[which],
        rates.fatal[which],
        rates.stop_serious,
        rates.interrupt_serious,
        rates.interrupt_other,
    )
    minutes[slot], details[slot] = minute, bits
    ahead = room.ahead
    ahead.n_written[0] += 1
    if bits & STOP:
        note_stop(room, minute)
    if bits & FATAL:
        ahead.due[DIES] = min(ahead.due[DIES], minute)
    if bits & INTERRUPT:
        ahead.interrupt_minute[ahead.n_interrupts[0]] = minute
        ahead.n_interrupts[0] += 1
    return bits


@inlined
def events_of_course(
    rates: EventRates,
    room: Room,
    infused: int,
    dose: float,
    j: int,
    last: int,
    seed: int,
    replicate: int,
    r: int,
    p: int,
    seen: Snapshot,
) -> None:
    """Write down what the course given as number j brings, up to the last visit."""
    courses, candidate = seen.serious_minute.shape[2], seen.candidate[r, p]
    week, end = room.course_week[j], room.course_end[j]
    for which in range(events.N_COURSE_EVENTS):
        chance = room.course_u[at.COURSE_SLOTS + which]
        if which == events.MENINGITIS:
            hazard = meningitis_hazard(
                rates.meningitis_rate[infused], seen.migraine[r, p], rates.hr_migraine
            )
        else:
            hazard = haemolysis_hazard(
                rates.haemolysis_rate[infused], seen.group_o[r, p], dose, rates.log_hr_g_per_kg
            )
        if may_happen(chance, hazard) and unit_exponential(chance) < hazard:
            when = more_course_harm(
                seed, replicate, candidate, week, events.N_COURSE_EVENTS + which
            )
            after = (
                meningitis_minutes(when) if which == events.MENINGITIS else haemolysis_minutes(when)
            )
            if end + after <= last:
                _write_down(
                    rates,
                    room,
                    which,
                    end + after,
                    week,
                    course_slot(which, j, courses),
                    seed,
                    replicate,
                    candidate,
                    seen.events_minute[r, p],
                    seen.events_detail[r, p],
                )


@inlined
def events_of_interval(
    rates: EventRates,
    room: Room,
    week: int,
    visit: int,
    dose_mg: float,
    infections: float,
    u: NDArray[np.float64],
    first: int,
    seed: int,
    replicate: int,
    r: int,
    p: int,
    seen: Snapshot,
) -> None:
    """Write down what happens between a visit and the next.

    ``week`` : under which the interval's numbers stand; ``dose_mg`` : of prednisolone a day;
    ``infections`` : a minute, under that dose.
    ``first`` : where the interval's uniforms begin in the enrolled fill ``u``.
    """
    courses, visits = seen.serious_minute.shape[2], seen.tis.shape[2]
    candidate, subtype = seen.candidate[r, p], seen.subtype[r, p]
    opens = room.visit_minute[visit]
    minutes = room.visit_minute[visit + 1] - opens
    # most intervals bring nothing: one test of all classes, without a branch for each
    toxicity = steroid_toxicity_rate(rates.toxicity_per_minute, dose_mg)
    cancers = 0.0 if seen.cancer_minute[r, p] >= 0 else rates.cancer_per_minute[subtype]
    anything = (
        may_happen(u[first + events.INFECTION - events.N_COURSE_EVENTS], infections * minutes)
        | may_happen(
            u[first + events.STEROID_TOXICITY - events.N_COURSE_EVENTS], toxicity * minutes
        )
        | may_happen(u[first + events.CANCER - events.N_COURSE_EVENTS], cancers * minutes)
        | may_happen(
            u[first + events.DEATH - events.N_COURSE_EVENTS],
            rates.death_per_minute[subtype] * minutes,
        )
        | may_happen(
            u[first + events.PROGRESSION - events.N_COURSE_EVENTS],
            rates.progression_per_minute * minutes,
        )
    )
    if not anything:
        return
    for which in range(events.N_COURSE_EVENTS, events.N_EVENTS):
        if which == events.INFECTION:
            rate = infections
        elif which == events.STEROID_TOXICITY:
            rate = toxicity
        elif which == events.CANCER:
            rate = cancers
        elif which == events.DEATH:
            rate = rates.death_per_minute[subtype]
        else:
            rate = rates.progression_per_minute
        chance = u[first + which - events.N_COURSE_EVENTS]
        if may_happen(chance, rate * minutes):
            after = minutes_into_interval(unit_exponential(chance), rate, minutes)
            if after >= 0:
                _write_down(
                    rates,
                    room,
                    which,
                    opens + after,
                    week,
                    interval_slot(which, visit, courses, visits),
                    seed,
                    replicate,
                    candidate,
                    seen.events_minute[r, p],
                    seen.events_detail[r, p],
                )
                if which == events.CANCER:
                    seen.cancer_minute[r, p] = opens + after


@inlined
def leaves_out(room: Room, instant: int) -> bool:
    """Return whether an event before this instant has the course due now left out; forget it."""
    ahead = room.ahead
    kept = 0
    for i in range(ahead.n_interrupts[0]):
        if ahead.interrupt_minute[i] >= instant:
            ahead.interrupt_minute[kept] = ahead.interrupt_minute[i]
            kept += 1
    found: bool = kept < ahead.n_interrupts[0]
    ahead.n_interrupts[0] = kept
    return found


@inlined
def end_events(room: Room, until: int, left: int, r: int, p: int, seen: Snapshot) -> None:
    """Take back what lies beyond the last minute at which the patient was seen.

    ``left`` : his last minute in the study; a rule of a visit ends it before harm of that minute.
    """
    seen.followed_minute[r, p] = left
    if room.ahead.n_written[0] == 0:
        return
    minutes, details = seen.events_minute[r, p], seen.events_detail[r, p]
    for slot in range(minutes.shape[0]):
        if minutes[slot] > until:
            minutes[slot] = -1
            details[slot] = 0
    if seen.cancer_minute[r, p] > until:
        seen.cancer_minute[r, p] = -1
    if room.ahead.due[DIES] <= until:
        seen.death_minute[r, p] = room.ahead.due[DIES]
