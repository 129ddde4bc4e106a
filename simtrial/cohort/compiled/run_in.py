"""The run-in in the quick engine: a candidate between screening and randomisation.

Its minutes count from randomisation and are negative. What it leaves stands in ``room.run_in``, so
that nothing of who does not get through stands in the tables.
"""

from __future__ import annotations

from simtrial.cohort import draws as at
from simtrial.cohort.compiled.response import background_after, drug_after
from simtrial.cohort.compiled.room import (
    CHOSEN,
    FIRST_END,
    GIVEN,
    GRAMS,
    LAST_WEEK,
    LOG_DOSE,
    LONG_AGO,
    MISSED,
    SINCE,
    TIS,
    B,
    G,
    Room,
)
from simtrial.cohort.compiled.treatment import is_interrupted
from simtrial.cohort.compiled.visit import look
from simtrial.cohort.course import Course
from simtrial.cohort.draws import DrawPlan
from simtrial.cohort.entry import RUN_IN_LOST, RUN_IN_RESPONSE
from simtrial.cohort.protocol import NEVER, Protocol
from simtrial.cohort.rules import whole_minute
from simtrial.cohort.snapshot import Snapshot
from simtrial.core.arithmetic import plog
from simtrial.core.compiled import inlined, unowned
from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.myositis.enzymes import advance_others, enzyme_range, most_abnormal, observe_visit
from simtrial.myositis.measures import ENZYME, advance_deviates
from simtrial.myositis.response import (
    NO_EFFECT,
    correlation_over,
    dropout_minutes,
    given_dose,
    joined_exposure,
    net_benefit,
    patient_depth,
    patient_log_x50,
)
from simtrial.myositis.tis import score_as_measured


@unowned
def run_in_failure(
    protocol: Protocol,
    course: Course,
    room: Room,
    plan: DrawPlan,
    weight: float,
    p_response: float,
    randomised_at: int,
    seed: int,
    replicate: int,
    candidate: int,
) -> int:
    """Let an eligible candidate live through the run-in; return why he leaves it, or -1.

    His errors stand at screening before and at the baseline after.
    """
    rules, u, kept = protocol.run_in, room.enrolled, room.run_in
    lost = dropout_minutes(u[plan.n_normals + at.RUN_IN_LOST_AT], course.dropout_per_minute)
    if whole_minute(lost) < rules.minutes:
        return RUN_IN_LOST
    _measure_start(protocol, course, room, seed, replicate, candidate)
    _treat(
        protocol,
        course,
        room,
        plan,
        weight,
        p_response,
        randomised_at,
        seed,
        replicate,
        candidate,
    )
    benefit = net_benefit(kept.real[G], kept.real[B], 0.0, 0.0, 0.0)
    look(
        protocol,
        course,
        room,
        u,
        plan,
        0,
        room.correlation[0],
        benefit,
        kept.baseline,
        kept.baseline_enzymes,
    )
    chosen = most_abnormal(kept.start_enzymes if rules.is_origin else kept.baseline_enzymes)
    kept.whole[CHOSEN] = chosen
    kept.start[ENZYME] = kept.start_enzymes[chosen]
    kept.baseline[ENZYME] = kept.baseline_enzymes[chosen]
    score = score_as_measured(
        kept.start, kept.baseline, protocol.mmt_maximum, enzyme_range(chosen), False
    )
    kept.real[TIS] = score
    if score >= rules.tis_below or score < rules.tis_at_least:
        return RUN_IN_RESPONSE
    return -1


@inlined
def hand_over(protocol: Protocol, room: Room, r: int, p: int, seen: Snapshot) -> None:
    """Write down what the run-in leaves, and the baseline that was measured at its end."""
    kept = room.run_in
    for k in range(6):
        seen.run_in[r, p, k] = kept.start[k]
        seen.measures[r, p, 0, k] = kept.baseline[k]
    for k in range(5):
        seen.enzymes[r, p, 0, k] = kept.baseline_enzymes[k]
    seen.enzyme[r, p] = kept.whole[CHOSEN]
    seen.visit_minute[r, p, 0] = 0
    seen.tis[r, p, 0] = kept.real[TIS] if protocol.run_in.is_origin else 0.0
    seen.run_in_courses[r, p] = kept.whole[GIVEN]
    seen.run_in_grams[r, p] = kept.real[GRAMS]
    seen.missed_courses[r, p] += kept.whole[MISSED]


@inlined
def _measure_start(
    protocol: Protocol, course: Course, room: Room, seed: int, replicate: int, candidate: int
) -> None:
    kept = room.run_in
    for k in range(7):
        kept.noise[k] = at.run_in_noise(seed, replicate, candidate, k)
    for k in range(4):
        kept.enzyme_noise[k] = at.run_in_enzyme_noise(seed, replicate, candidate, k)
    correlation = correlation_over(course.noise_per_4_weeks, float(protocol.screening_minutes))
    advance_deviates(room.deviates, kept.noise, correlation)
    advance_others(room.other_deviates, kept.enzyme_noise, correlation)
    observe_visit(
        kept.start,
        kept.start_enzymes,
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


@inlined
def _treat(
    protocol: Protocol,
    course: Course,
    room: Room,
    plan: DrawPlan,
    weight: float,
    p_response: float,
    randomised_at: int,
    seed: int,
    replicate: int,
    candidate: int,
) -> None:
    """Give the courses, and bring the benefits from the start of the run-in to its end."""
    rules, u, kept, uniforms = protocol.run_in, room.enrolled, room.run_in, plan.n_normals
    responds = u[uniforms + at.RESPONDS_AT] < p_response
    improves = u[uniforms + at.IMPROVES_AT] < course.p_background
    transient = (
        responds
        and course.dynamics.p_transient > 0.0
        and at.course_class(seed, replicate, candidate) < course.dynamics.p_transient
    )
    depth = patient_depth(course.depth, course.depth_sd, u[at.DEPTH_AT])
    log_x50 = patient_log_x50(course.log_x50, course.x50_sd, u[at.X50_AT])
    g, b, grams, log_dose, since = 0.0, 0.0, 0.0, NO_EFFECT, 0
    first_end, given, last_week, missed = NEVER, 0, LONG_AGO, 0
    now, course_now, end_at, log_given = -rules.minutes, 0, NEVER, 0.0
    week_at = now + MINUTES_PER_WEEK
    while True:
        waits = course_now < rules.course_start.shape[0]
        start_at = rules.course_start[course_now] if waits else NEVER
        instant = min(min(week_at, start_at), end_at)
        minutes = instant - now
        if minutes > 0:
            if responds and log_dose > NO_EFFECT:
                g = drug_after(
                    course,
                    room,
                    g,
                    depth,
                    log_x50,
                    log_dose,
                    since,
                    now,
                    minutes,
                    transient,
                    first_end,
                )
            if improves:
                b = background_after(
                    course, room, b, course.background_depth, course.k_background, minutes
                )
            now = instant
        if instant == 0:
            break
        if instant == week_at:
            week_at += MINUTES_PER_WEEK
        if instant == start_at:
            j = course_now
            course_now += 1
            if course.supply.per_minute > 0.0 and is_interrupted(room, randomised_at + instant):
                missed += 1
                continue
            dose = given_dose(
                rules.course_dose[j], weight, rules.course_days[j], protocol.cap_g_per_day
            )
            given += 1
            last_week = rules.course_week[j]
            if rules.course_drug[j]:
                grams += dose * weight
                log_given = plog(dose)
                end_at = rules.course_end[j]
        if instant == end_at:
            log_dose = joined_exposure(
                log_dose,
                float(instant - since),
                log_given,
                course.half_life_minutes,
                course.dynamics.courses_add,
            )
            since = instant
            if first_end == NEVER:
                first_end = since
            end_at = NEVER
    kept.real[G], kept.real[B], kept.real[LOG_DOSE], kept.real[GRAMS] = g, b, log_dose, grams
    kept.whole[SINCE], kept.whole[FIRST_END], kept.whole[GIVEN] = since, first_end, given
    kept.whole[MISSED], kept.whole[LAST_WEEK] = missed, last_week
