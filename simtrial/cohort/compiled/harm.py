"""Harm in the quick engine: written down when a course is given, taken back if nobody was there.

What a course brings lies in the patient's future when it is drawn. It is written into the tables
at once; when the patient's last minute is known, what comes later is taken back.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort import draws as at
from simtrial.cohort.compiled.room import Room, note_stop
from simtrial.cohort.draws import DrawPlan, course_harm
from simtrial.cohort.events import more_course_harm
from simtrial.cohort.risk import Risk
from simtrial.cohort.rules import whole_minute
from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Truth
from simtrial.core.compiled import inlined
from simtrial.myositis.events import N_COURSE_EVENTS
from simtrial.myositis.harm import (
    may_happen,
    reaction_hazard,
    reaction_minutes,
    risk_of_dose_per_day,
    risk_of_thromboembolism,
    serious_minutes,
    spontaneous_minutes,
    thromboembolism_minutes,
    unit_exponential,
)


@inlined
def begin_harm(
    risk: Risk,
    room: Room,
    u: NDArray[np.float64],
    n_normals: int,
    last: int,
    r: int,
    p: int,
    seen: Snapshot,
) -> float:
    """Return the patient's risk of thromboembolism; one without a course is written down here."""
    clot_risk = risk_of_thromboembolism(
        seen.age[r, p],
        seen.cancer[r, p],
        seen.previous_thromboembolism[r, p],
        risk.log_hr_decade,
        risk.log_hr_cancer,
        risk.log_hr_previous,
    )
    when, per_minute = u[n_normals + at.SPONTANEOUS_AT], risk.clot_per_minute * clot_risk
    if not may_happen(when, per_minute * float(last + 1)):
        return clot_risk
    minute = whole_minute(spontaneous_minutes(unit_exponential(when), per_minute))
    if minute > last:
        return clot_risk
    room.ahead.n_written[0] += 1
    seen.thromboembolism_minute[r, p, seen.serious_minute.shape[2]] = minute
    if u[n_normals + at.AFTER_SPONTANEOUS_AT] < risk.stop_serious:
        note_stop(room, minute)
    return clot_risk


@inlined
def first_harm_of_course(
    plan: DrawPlan,
    room: Room,
    u: NDArray[np.float64],
    j: int,
    seed: int,
    replicate: int,
    candidate: int,
) -> None:
    """Lay out the uniforms that decide whether course j does harm: as filled, or on demand."""
    week = room.course_week[j]
    first = plan.course_at[week] if week < plan.course_at.shape[0] else -1
    for slot in range(at.COURSE_SLOTS):
        if first >= 0:
            room.course_u[slot] = u[first + slot]
        else:
            room.course_u[slot] = course_harm(seed, replicate, candidate, week, slot)
    for slot in range(N_COURSE_EVENTS):
        room.course_u[at.COURSE_SLOTS + slot] = (
            u[first + at.COURSE_SLOTS + slot]
            if first >= 0
            else more_course_harm(seed, replicate, candidate, week, slot)
        )


@inlined
def harm_of_course(
    risk: Risk,
    room: Room,
    infused: int,
    dose: float,
    clot_risk: float,
    j: int,
    seed: int,
    replicate: int,
    r: int,
    p: int,
    seen: Snapshot,
    truth: Truth,
) -> None:
    """Write down what course j does, as if the patient stayed."""
    candidate = seen.candidate[r, p]
    week, start, end = room.course_week[j], room.course_start[j], room.course_end[j]
    hazard = reaction_hazard(
        risk.reaction_rate[infused], truth.frailty[r, p], risk.reaction_first, j
    )
    reacts = room.course_u[at.REACTS]
    if may_happen(reacts, hazard) and unit_exponential(reacts) < hazard:
        minute = start + reaction_minutes(room.course_u[at.REACTION_WHEN])
        which = course_harm(seed, replicate, candidate, week, at.REACTION_KIND)
        kind = 0
        while which >= risk.kind_upto[kind]:
            kind += 1
        serious = (
            course_harm(seed, replicate, candidate, week, at.REACTION_SERIOUS)
            < risk.reaction_serious
        )
        room.ahead.n_written[0] += 1
        seen.reaction_minute[r, p, j] = minute
        seen.reaction_kind[r, p, j] = kind
        seen.reaction_serious[r, p, j] = serious
        chance = risk.stop_serious if serious else risk.stop_reaction
        if course_harm(seed, replicate, candidate, week, at.AFTER_REACTION) < chance:
            note_stop(room, minute)
    clots = room.course_u[at.CLOTS]
    hazard = risk.clot_rate[infused] * clot_risk
    if hazard > 0.0:
        hazard = hazard * risk_of_dose_per_day(dose, room.course_days[j], risk.log_hr_dose)
    if may_happen(clots, hazard):
        after = thromboembolism_minutes(unit_exponential(clots), hazard, risk.clot_first_days)
        if after >= 0.0:
            minute = end + int(math.floor(after))
            room.ahead.n_written[0] += 1
            seen.thromboembolism_minute[r, p, j] = minute
            if course_harm(seed, replicate, candidate, week, at.AFTER_CLOT) < risk.stop_serious:
                note_stop(room, minute)
    ill, hazard = room.course_u[at.FALLS_ILL], risk.serious_rate[infused]
    if may_happen(ill, hazard):
        after = serious_minutes(unit_exponential(ill), hazard)
        if after >= 0.0:
            minute = start + int(math.floor(after))
            room.ahead.n_written[0] += 1
            seen.serious_minute[r, p, j] = minute
            if course_harm(seed, replicate, candidate, week, at.AFTER_ILLNESS) < risk.stop_serious:
                note_stop(room, minute)


@inlined
def end_harm(room: Room, until: int, given: int, r: int, p: int, seen: Snapshot) -> None:
    """Take back what was written down beyond the last minute at which the patient was seen."""
    if room.ahead.n_written[0] == 0:
        return
    for j in range(given):
        if seen.reaction_minute[r, p, j] > until:
            seen.reaction_minute[r, p, j] = -1
            seen.reaction_kind[r, p, j] = -1
            seen.reaction_serious[r, p, j] = False
        if seen.thromboembolism_minute[r, p, j] > until:
            seen.thromboembolism_minute[r, p, j] = -1
        if seen.serious_minute[r, p, j] > until:
            seen.serious_minute[r, p, j] = -1
    without = seen.serious_minute.shape[2]
    if seen.thromboembolism_minute[r, p, without] > until:
        seen.thromboembolism_minute[r, p, without] = -1
