"""Harm in the quick engine: written down when a course is given, taken back if nobody was there.

What a course brings lies in the patient's future when it is drawn. It is written into the tables
at once; when the patient's last minute is known, what comes later is taken back.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort import draws as at
from simtrial.cohort.draws import course_harm
from simtrial.cohort.protocol import NEVER, Protocol
from simtrial.cohort.risk import Risk
from simtrial.cohort.rules import whole_minute
from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Truth
from simtrial.core.compiled import inlined
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
    risk: Risk, u: NDArray[np.float64], n_normals: int, last: int, r: int, p: int, seen: Snapshot
) -> tuple[float, int]:
    """Return the patient's risk of thromboembolism, and when one without a course stops treatment.

    That event is written down here, if it comes before the last instant.
    """
    clot_risk = risk_of_thromboembolism(
        seen.age[r, p],
        seen.cancer[r, p],
        seen.previous_thromboembolism[r, p],
        risk.log_hr_decade,
        risk.log_hr_cancer,
        risk.log_hr_previous,
    )
    minute = whole_minute(
        spontaneous_minutes(
            unit_exponential(u[n_normals + at.SPONTANEOUS_AT]), risk.clot_per_minute * clot_risk
        )
    )
    if minute > last:
        return clot_risk, NEVER
    seen.thromboembolism_minute[r, p, seen.serious_minute.shape[2]] = minute
    if u[n_normals + at.AFTER_SPONTANEOUS_AT] < risk.stop_serious:
        return clot_risk, minute
    return clot_risk, NEVER


@inlined
def harm_of_course(
    protocol: Protocol,
    risk: Risk,
    infused: int,
    dose: float,
    clot_risk: float,
    u: NDArray[np.float64],
    first: int,
    j: int,
    seed: int,
    replicate: int,
    r: int,
    p: int,
    seen: Snapshot,
    truth: Truth,
) -> int:
    """Write down what course j does, as if the patient stayed; return when it stops treatment.

    ``first`` : where the course's uniforms begin in the enrolled fill ``u``.
    """
    arm, candidate = seen.arm[r, p], seen.candidate[r, p]
    week, start = protocol.course_week[arm, j], protocol.course_start[arm, j]
    end = protocol.course_end[arm, j]
    stop = NEVER
    hazard = reaction_hazard(
        risk.reaction_rate[infused], truth.frailty[r, p], risk.reaction_first, j
    )
    reacts = u[first + at.REACTS]
    if may_happen(reacts, hazard) and unit_exponential(reacts) < hazard:
        minute = start + reaction_minutes(u[first + at.REACTION_WHEN])
        which = course_harm(seed, replicate, candidate, week, at.REACTION_KIND)
        kind = 0
        while which >= risk.kind_upto[kind]:
            kind += 1
        serious = (
            course_harm(seed, replicate, candidate, week, at.REACTION_SERIOUS)
            < risk.reaction_serious
        )
        seen.reaction_minute[r, p, j] = minute
        seen.reaction_kind[r, p, j] = kind
        seen.reaction_serious[r, p, j] = serious
        chance = risk.stop_serious if serious else risk.stop_reaction
        if course_harm(seed, replicate, candidate, week, at.AFTER_REACTION) < chance:
            stop = min(stop, minute)
    clots = u[first + at.CLOTS]
    hazard = risk.clot_rate[infused] * clot_risk
    if hazard > 0.0:
        hazard = hazard * risk_of_dose_per_day(dose, protocol.course_days[arm, j], risk.log_hr_dose)
    if may_happen(clots, hazard):
        after = thromboembolism_minutes(unit_exponential(clots), hazard, risk.clot_first_days)
        if after >= 0.0:
            minute = end + int(math.floor(after))
            seen.thromboembolism_minute[r, p, j] = minute
            if course_harm(seed, replicate, candidate, week, at.AFTER_CLOT) < risk.stop_serious:
                stop = min(stop, minute)
    ill, hazard = u[first + at.FALLS_ILL], risk.serious_rate[infused]
    if may_happen(ill, hazard):
        after = serious_minutes(unit_exponential(ill), hazard)
        if after >= 0.0:
            minute = start + int(math.floor(after))
            seen.serious_minute[r, p, j] = minute
            if course_harm(seed, replicate, candidate, week, at.AFTER_ILLNESS) < risk.stop_serious:
                stop = min(stop, minute)
    return stop


@inlined
def end_harm(until: int, given: int, r: int, p: int, seen: Snapshot) -> None:
    """Take back what was written down beyond the last minute at which the patient was seen."""
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
