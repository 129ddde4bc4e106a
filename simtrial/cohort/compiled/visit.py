"""A visit in the quick engine: what is measured, what is missing, and the improvement score."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort import draws as at
from simtrial.cohort.compiled.room import Room
from simtrial.cohort.course import Course
from simtrial.cohort.draws import DrawPlan, is_missing, visit_minute
from simtrial.cohort.protocol import Protocol
from simtrial.cohort.snapshot import Snapshot
from simtrial.core.compiled import inlined
from simtrial.myositis.enzymes import advance_others, enzyme_range, most_abnormal, observe_visit
from simtrial.myositis.measures import ENZYME, HAQ, PATIENT, advance_deviates, observe_shifted
from simtrial.myositis.response import correlation_over
from simtrial.myositis.tis import score_as_measured


@inlined
def plan_visits(protocol: Protocol, room: Room, seed: int, replicate: int, candidate: int) -> None:
    """Write down when a patient's visits take place."""
    room.visit_minute[0] = protocol.visit_minute[0]
    for visit in range(1, protocol.visit_minute.shape[0]):
        room.visit_minute[visit] = visit_minute(
            seed,
            replicate,
            candidate,
            protocol.visit_week[visit],
            protocol.visit_minute[visit],
            protocol.measuring.window_minutes,
        )


@inlined
def measure_screening(protocol: Protocol, course: Course, room: Room) -> None:
    """Measure a candidate: his highest enzyme counts."""
    observed = room.observed
    for k in range(7):
        room.deviates[k] = room.early[at.SCREENING_NOISE_AT + k]
    for k in range(4):
        room.other_deviates[k] = room.early[at.ENZYME_SCREENING_AT + k]
    observe_visit(
        observed,
        room.enzymes,
        room.baseline,
        room.others,
        0.0,
        course.loading,
        course.sd,
        course.noise_shared,
        room.deviates,
        room.other_deviates,
        protocol.mmt_maximum,
    )
    observed[ENZYME] = room.enzymes[most_abnormal(room.enzymes)]


@inlined
def measure_baseline(
    protocol: Protocol,
    course: Course,
    room: Room,
    u: NDArray[np.float64],
    plan: DrawPlan,
    r: int,
    p: int,
    seen: Snapshot,
) -> None:
    """Measure a patient at randomisation, and choose his enzyme; without a run-in."""
    observed, enzymes = seen.measures[r, p, 0], seen.enzymes[r, p, 0]
    look(protocol, course, room, u, plan, 0, room.correlation[0], 0.0, observed, enzymes)
    chosen = most_abnormal(enzymes)
    seen.enzyme[r, p] = chosen
    observed[ENZYME] = enzymes[chosen]
    seen.visit_minute[r, p, 0] = 0
    seen.tis[r, p, 0] = 0.0


@inlined
def measure_visit(
    protocol: Protocol,
    course: Course,
    room: Room,
    u: NDArray[np.float64],
    plan: DrawPlan,
    visit: int,
    came: bool,
    benefit: float,
    seed: int,
    replicate: int,
    r: int,
    p: int,
    seen: Snapshot,
) -> None:
    """Measure a patient who came to a visit after the baseline, and score him.

    His errors move on whether he came or not.
    """
    gap = room.visit_minute[visit] - room.visit_minute[visit - 1]
    correlation = room.correlation[visit]
    if gap != protocol.visit_minute[visit] - protocol.visit_minute[visit - 1]:
        correlation = correlation_over(course.noise_per_4_weeks, float(gap))
    observed, enzymes = seen.measures[r, p, visit], seen.enzymes[r, p, visit]
    look(protocol, course, room, u, plan, visit, correlation, benefit, observed, enzymes)
    chosen = seen.enzyme[r, p]
    observed[ENZYME] = enzymes[chosen]
    _report(protocol, course, room, benefit, room.visit_minute[visit], r, p, seen, observed)
    candidate, week = seen.candidate[r, p], protocol.visit_week[visit]
    chances = course.measuring
    if not came:
        for k in range(6):
            observed[k] = math.nan
        for k in range(5):
            enzymes[k] = math.nan
        return
    for k in range(6):
        if is_missing(seed, replicate, candidate, week, 1 + k, chances.missing_item[k]):
            observed[k] = math.nan
    if observed[ENZYME] != observed[ENZYME]:
        for k in range(5):
            enzymes[k] = math.nan
    seen.visit_minute[r, p, visit] = room.visit_minute[visit]
    seen.tis[r, p, visit] = score_as_measured(
        seen.run_in[r, p] if protocol.run_in.is_origin else seen.measures[r, p, 0],
        observed,
        protocol.mmt_maximum,
        enzyme_range(chosen),
        protocol.measuring.missing_is_zero,
    )


@inlined
def _report(
    protocol: Protocol,
    course: Course,
    room: Room,
    benefit: float,
    minute: int,
    r: int,
    p: int,
    seen: Snapshot,
    observed: NDArray[np.float64],
) -> None:
    """Let a patient report himself better who knows, or has guessed, what he receives."""
    chances = course.measuring
    patient = chances.patient_shift
    if chances.unblinded_shift != 0.0:
        for j in range(seen.courses[r, p]):
            # those of this minute come after the visit
            if seen.course_drug[r, p, j] and 0 <= seen.reaction_minute[r, p, j] < minute:
                patient = chances.unblinded_shift
    if patient != 0.0:
        observed[PATIENT] = _shifted(protocol, course, room, PATIENT, benefit, patient)
    if chances.haq_shift != 0.0:
        observed[HAQ] = _shifted(protocol, course, room, HAQ, benefit, chances.haq_shift)


@inlined
def _shifted(
    protocol: Protocol, course: Course, room: Room, measure: int, benefit: float, shift: float
) -> float:
    return observe_shifted(
        measure,
        room.baseline[measure],
        benefit,
        course.loading[measure],
        course.sd[measure],
        course.noise_shared,
        room.deviates[6],
        room.deviates[measure],
        protocol.mmt_maximum,
        shift,
    )


@inlined
def look(
    protocol: Protocol,
    course: Course,
    room: Room,
    u: NDArray[np.float64],
    plan: DrawPlan,
    visit: int,
    correlation: float,
    benefit: float,
    observed: NDArray[np.float64],
    enzymes: NDArray[np.float64],
) -> None:
    """Let the errors go on to a visit, and write what is measured at it."""
    noise = at.VISIT_NOISE_AT + at.NOISE_SLOTS * visit
    advance_deviates(room.deviates, u[noise : noise + 7], correlation)
    noise = plan.enzyme_noise_at + at.ENZYME_SLOTS * visit
    advance_others(room.other_deviates, u[noise : noise + 4], correlation)
    observe_visit(
        observed,
        enzymes,
        room.baseline,
        room.others,
        benefit,
        course.loading,
        course.sd,
        course.noise_shared,
        room.deviates,
        room.other_deviates,
        protocol.mmt_maximum,
    )
