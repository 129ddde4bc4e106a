"""Prednisolone in the quick engine: flares of a taper, and the dose prescribed at a visit.

What a patient's taper has to remember stands in ``room.dose``.
"""

from __future__ import annotations

from simtrial.cohort import draws as at
from simtrial.cohort.compiled.room import (
    BEFORE,
    BETWEEN,
    CHANGED_WEEK,
    DOSE,
    DOSE_PLACES,
    ENTRY,
    FLOOR,
    GIVEN_UP,
    HAS_CHANGED,
    SHARE,
    TAKEN,
    TAKEN_UNTIL,
    Room,
)
from simtrial.cohort.course import Course
from simtrial.cohort.protocol import Protocol
from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Truth
from simtrial.core.compiled import inlined
from simtrial.core.units import MINUTES_PER_DAY, MINUTES_PER_WEEK
from simtrial.myositis.harm import may_happen, unit_exponential
from simtrial.myositis.taper import (
    FORCED,
    PRACTICE,
    PROPORTIONAL,
    STABLE,
    STEP,
    backed_up_dose,
    flare_hazard,
    forced_dose,
    lowered_dose,
    maintenance_floor,
    patient_taper_share,
    proportional_dose,
    raised_dose,
    share_given_up,
    share_over,
    stable_dose,
    stepped_dose,
    taper_pace,
)


@inlined
def begin_dose(
    protocol: Protocol,
    course: Course,
    room: Room,
    seed: int,
    replicate: int,
    r: int,
    p: int,
    seen: Snapshot,
    truth: Truth,
) -> None:
    """Start from the entry dose; in practice the patient and his centre have habits."""
    entry_mg = seen.prednisolone[r, p, 0]
    seen.prednisolone_taken[r, p, 0] = 0.0
    room.dose[DOSE] = room.dose[ENTRY] = room.dose[BEFORE] = entry_mg
    for place in range(GIVEN_UP, DOSE_PLACES):
        room.dose[place] = 0.0
    room.dose[FLOOR] = protocol.taper.floor_mg
    if protocol.taper.kind == PRACTICE:
        candidate, site = seen.candidate[r, p], seen.site[r, p]
        truths = course.dynamics
        room.dose[SHARE] = patient_taper_share(
            truths.taper_share,
            truths.taper_share_sd,
            at.taper_person(seed, replicate, candidate, at.TAPER_SHARE),
            truths.centre_taper_sd,
            at.taper_centre(seed, replicate, site, at.TAPER_SHARE),
        )
        keeps = at.keeps_maintenance(seed, replicate, candidate) < truths.maintenance_share
        room.dose[FLOOR] = maintenance_floor(
            keeps and entry_mg > 0.0,
            truths.maintenance_log_median,
            truths.maintenance_log_sd,
            at.taper_person(seed, replicate, candidate, at.MAINTENANCE_DOSE),
            truths.centre_floor_sd,
            at.taper_centre(seed, replicate, site, at.MAINTENANCE_DOSE),
        )
        truth.maintenance_mg[r, p] = room.dose[FLOOR]


@inlined
def flares_now(
    protocol: Protocol,
    course: Course,
    room: Room,
    visit: int,
    instant: int,
    benefit: float,
    seed: int,
    replicate: int,
    candidate: int,
) -> bool:
    """Return whether a flare came since the last visit; under a stable dose none is counted."""
    if protocol.taper.kind == STABLE:
        return False
    week = protocol.visit_week[visit]
    pace = 0.0
    if room.dose[GIVEN_UP] > 0.0:
        pace = taper_pace(
            room.dose[GIVEN_UP], room.dose[BETWEEN], float(week) - room.dose[CHANGED_WEEK]
        )
    weeks = (float(instant) - room.dose[TAKEN_UNTIL]) / MINUTES_PER_WEEK
    hazard = flare_hazard(
        course.dynamics.flare_per_week, weeks, course.dynamics.flare_speed, pace, benefit
    )
    u = at.of_taper(seed, replicate, candidate, week, at.FLARES)
    flares: bool = may_happen(u, hazard) and unit_exponential(u) < hazard
    return flares


@inlined
def _reduced(
    protocol: Protocol,
    course: Course,
    room: Room,
    week: int,
    weeks: float,
    score: float,
    seed: int,
    replicate: int,
    candidate: int,
) -> float:
    """Return the dose that the rule proposes to who is neither worse nor too early."""
    rule, dose_mg = protocol.taper, room.dose[DOSE]
    if rule.kind == FORCED:
        return forced_dose(
            room.dose[ENTRY],
            rule.target_mg,
            float(week),
            float(rule.from_week),
            float(rule.target_week),
        )
    if rule.kind == PRACTICE:
        judged = at.of_taper(seed, replicate, candidate, week, at.JUDGED)
        if judged < course.dynamics.p_judged_improved:
            return proportional_dose(dose_mg, share_over(room.dose[SHARE], weeks))
    elif score >= rule.improved_tis:
        if rule.kind == STEP:
            return stepped_dose(dose_mg, rule.above_20_mg, rule.above_10_mg, rule.to_10_mg)
        if rule.kind == PROPORTIONAL:
            return proportional_dose(dose_mg, rule.share)
    return stable_dose(dose_mg)


@inlined
def prescribe(
    protocol: Protocol,
    course: Course,
    room: Room,
    visit: int,
    instant: int,
    score: float,
    worse: bool,
    flared: bool,
    deteriorated: bool,
    rescued: bool,
    seed: int,
    replicate: int,
    candidate: int,
    r: int,
    p: int,
    seen: Snapshot,
) -> None:
    """Count what was taken until this visit, and set the dose from it on."""
    rule, week, dose_mg = protocol.taper, protocol.visit_week[visit], room.dose[DOSE]
    minutes = float(instant) - room.dose[TAKEN_UNTIL]
    room.dose[TAKEN] += dose_mg * (minutes / MINUTES_PER_DAY)
    room.dose[TAKEN_UNTIL] = float(instant)
    seen.prednisolone_taken[r, p, visit] = room.dose[TAKEN]
    added_mg = 0.0
    if deteriorated:
        added_mg += rule.deterioration_mg
    if rescued:
        added_mg += rule.rescue_mg
    due = week >= rule.from_week and (
        room.dose[HAS_CHANGED] == 0.0
        or float(week) - room.dose[CHANGED_WEEK] >= float(rule.weeks_between)
    )
    new_mg = stable_dose(dose_mg)
    if added_mg > 0.0:
        new_mg = raised_dose(dose_mg, dose_mg + added_mg, rule.at_most_mg)
    elif rule.kind != STABLE:
        if (worse or flared) and rule.kind != FORCED:
            if rule.kind == PRACTICE and dose_mg < room.dose[FLOOR]:
                new_mg = raised_dose(dose_mg, room.dose[FLOOR], rule.at_most_mg)
            else:
                new_mg = backed_up_dose(
                    dose_mg,
                    room.dose[ENTRY],
                    room.dose[BEFORE],
                    rule.back_up_mg,
                    rule.at_most_mg,
                )
        elif due and not rescued and not (flared and rule.hold_on_flare):
            proposed_mg = _reduced(
                protocol,
                course,
                room,
                week,
                minutes / MINUTES_PER_WEEK,
                score,
                seed,
                replicate,
                candidate,
            )
            new_mg = lowered_dose(dose_mg, proposed_mg, room.dose[FLOOR])
    if new_mg != dose_mg:
        room.dose[BEFORE] = max(new_mg, dose_mg)
        room.dose[GIVEN_UP] = max(share_given_up(dose_mg, new_mg), 0.0)
        room.dose[BETWEEN] = float(week) - room.dose[CHANGED_WEEK]
        room.dose[CHANGED_WEEK] = float(week)
        room.dose[HAS_CHANGED] = 1.0
        room.dose[DOSE] = new_mg
    seen.prednisolone[r, p, visit] = new_mg
