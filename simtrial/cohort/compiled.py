"""The quick engine: loops over instants and patients, compiled.

It consumes the same draws and calls the same step functions as the reference engine, and agrees
with it to the last bit on every field of every patient. The schedule is written here a second
time, as loops over sorted instants.

At one instant the order is: measure, decide, infuse, harm, leave.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort import draws as at
from simtrial.cohort.arrivals import Arrivals
from simtrial.cohort.compiled_harm import begin_harm, end_harm, harm_of_course
from simtrial.cohort.compiled_room import (
    INFUSE,
    MEASURE,
    Room,
    Schedule,
    room_for,
    schedule_of,
    share_out,
)
from simtrial.cohort.course import Course, CourseTable, course_row
from simtrial.cohort.draws import (
    DrawPlan,
    arrival_gap,
    draw_plan,
    fill_block,
    fill_candidate,
    fill_enrolled,
)
from simtrial.cohort.protocol import NEVER, Protocol
from simtrial.cohort.risk import DRUG, PLACEBO
from simtrial.cohort.rules import screening_failure, whole_minute
from simtrial.cohort.snapshot import Snapshot, empty_snapshot
from simtrial.cohort.truth import Cohort, Truth, empty_truth
from simtrial.core.arithmetic import pexp, plog
from simtrial.core.compiled import inlined, unowned
from simtrial.myositis.harm import reaction_frailty
from simtrial.myositis.measures import (
    PHYSICIAN,
    adult_age,
    advance_deviates,
    draw_baseline,
    observe_measures,
    severity,
)
from simtrial.myositis.response import (
    NO_EFFECT,
    approach,
    combined_benefit,
    dropout_minutes,
    given_dose,
    log_effect,
    patient_depth,
    patient_log_x50,
    target_benefit,
)
from simtrial.myositis.taper import entry_dose, stable_dose
from simtrial.myositis.tis import has_worsened, improvement_score


@unowned
def _copy(out: NDArray[np.float64], source: NDArray[np.float64]) -> None:
    for i in range(source.shape[0]):
        out[i] = source[i]


@inlined
def _follow(
    protocol: Protocol,
    course: Course,
    schedule: Schedule,
    room: Room,
    u: NDArray[np.float64],
    plan: DrawPlan,
    baseline: NDArray[np.float64],
    deviates: NDArray[np.float64],
    effect: NDArray[np.float64],
    seed: int,
    replicate: int,
    r: int,
    p: int,
    seen: Snapshot,
    truth: Truth,
) -> None:
    """Follow one randomised patient from just after the baseline visit to the end."""
    arm = seen.arm[r, p]
    dose_mg = seen.prednisolone[r, p, 0]
    weight = seen.weight[r, p]
    responds = truth.responds[r, p] and protocol.on_drug[arm]
    improves = truth.improves[r, p]
    depth, log_x50 = truth.depth[r, p], truth.log_x50[r, p]
    dropout = truth.dropout_minute[r, p]
    last = protocol.visit_minute[protocol.visit_minute.shape[0] - 1]
    clot_risk, harm_stop = begin_harm(course.risk, u, plan.n_normals, last, r, p, seen)
    infused = DRUG if protocol.on_drug[arm] else PLACEBO
    g, b = 0.0, 0.0
    now, visit, given = 0, 0, 0
    stopped, worse_before = False, False
    before = seen.measures[r, p, 0]
    n_visits = protocol.visit_minute.shape[0]
    for i in range(schedule.n_instants[arm]):
        instant = schedule.instants[arm, i]
        if harm_stop < instant:
            # before anything of this instant, and after all that happened up to that minute
            if harm_stop <= dropout and not stopped and given < protocol.n_courses[arm]:
                seen.harm_stop_minute[r, p] = harm_stop
                seen.stop_minute[r, p] = harm_stop
                stopped = True
                if protocol.harm_leaves:
                    dropout = harm_stop
            harm_stop = NEVER
        if instant > dropout:
            seen.left_minute[r, p] = dropout
            end_harm(dropout, given, r, p, seen)
            return
        minutes = float(instant - now)
        if minutes > 0.0:
            if responds:
                middle = now + 0.5 * minutes
                log_x = NO_EFFECT
                for j in range(given):
                    if protocol.course_end[arm, j] <= now:
                        left = log_effect(
                            effect[j],
                            middle - protocol.course_end[arm, j],
                            course.half_life_minutes,
                        )
                        log_x = max(log_x, left)
                goal = target_benefit(depth, log_x50, course.hill, log_x)
                g = approach(g, goal, room.drug_left[arm, i])
            if improves:
                b = approach(b, course.background_depth, room.background_left[arm, i])
            now = instant
        if schedule.what[arm, i] & MEASURE:
            if visit > 0:
                noise = at.VISIT_NOISE_AT + at.NOISE_SLOTS * visit
                advance_deviates(deviates, u[noise : noise + 7], room.correlation[visit])
                observed = seen.measures[r, p, visit]
                observe_measures(
                    observed,
                    baseline,
                    combined_benefit(g, b),
                    course.loading,
                    course.sd,
                    course.noise_shared,
                    deviates,
                    protocol.mmt_maximum,
                )
                score = improvement_score(before, observed, protocol.mmt_maximum)
                seen.tis[r, p, visit] = score
                dose_mg = stable_dose(dose_mg)
                seen.prednisolone[r, p, visit] = dose_mg
                left_now = False
                worse = has_worsened(before, observed)
                if (
                    worse
                    and worse_before
                    and instant >= protocol.deterioration_from
                    and seen.deterioration_minute[r, p] < 0
                ):
                    seen.deterioration_minute[r, p] = instant
                    stopped = True
                    left_now = protocol.deterioration_leaves
                worse_before = worse
                if (
                    visit < n_visits - 1
                    and instant >= protocol.rescue_from
                    and score < protocol.rescue_below
                    and seen.rescue_minute[r, p] < 0
                    and not left_now
                    and u[plan.n_normals + at.RESCUE_AT + at.RESCUE_SLOTS * visit]
                    < course.rescue_per_visit
                ):
                    seen.rescue_minute[r, p] = instant
                    stopped = True
                    left_now = protocol.rescue_leaves
                if stopped and seen.stop_minute[r, p] < 0:
                    seen.stop_minute[r, p] = instant
            else:
                left_now = False
            truth.drug_benefit[r, p, visit] = g
            truth.background_benefit[r, p, visit] = b
            visit += 1
            if left_now and visit < n_visits:
                seen.left_minute[r, p] = instant
                end_harm(instant - 1, given, r, p, seen)
                return
        if schedule.what[arm, i] & INFUSE and not stopped:
            j = given
            days = protocol.course_days[arm, j]
            dose = given_dose(protocol.course_dose[arm, j], weight, days, protocol.cap_g_per_day)
            effect[j] = plog(dose)
            given += 1
            seen.courses[r, p] = given
            if protocol.on_drug[arm]:
                seen.grams[r, p] += dose * weight
            harm_stop = min(
                harm_stop,
                harm_of_course(
                    protocol,
                    course.risk,
                    infused,
                    dose,
                    clot_risk,
                    u,
                    plan.course_at[arm, j],
                    j,
                    seed,
                    replicate,
                    r,
                    p,
                    seen,
                    truth,
                ),
            )
    end_harm(last, given, r, p, seen)


@unowned
def _run_trial(
    protocol: Protocol,
    table: CourseTable,
    arrivals: Arrivals,
    plan: DrawPlan,
    schedule: Schedule,
    room: Room,
    seed: int,
    replicate: int,
    r: int,
    seen: Snapshot,
    truth: Truth,
) -> None:
    """Simulate replicate ``replicate`` into row r."""
    course = course_row(table, replicate % table.depth.shape[0])
    n_sites, n_wanted = arrivals.opening.shape[0], seen.arm.shape[1]
    arrival, minute, order = room.arrival, room.minute, room.order
    for s in range(n_sites):
        arrival[s] = arrivals.opening[s] + arrival_gap(seed, replicate, s, 0, arrivals.per_minute)
        minute[s] = whole_minute(arrival[s])
        order[s] = 0
    blocks, block_size = room.blocks, room.block_size
    block_place, block_number = room.block_place, room.block_number
    for stratum in range(3):
        block_size[stratum] = block_place[stratum] = block_number[stratum] = 0
    early, u, effect = room.early, room.enrolled, room.effect
    baseline, deviates, observed = room.baseline, room.deviates, room.observed
    share_out(protocol, course, schedule, room)
    p = 0
    for candidate in range(arrivals.most_candidates):
        if p == n_wanted:
            break
        # the earliest, and of equals the first: a minimum without branches, then its place
        screened_at = minute[0]
        for s in range(1, n_sites):
            screened_at = min(screened_at, minute[s])
        site = 0
        while minute[site] != screened_at:
            site += 1
        order[site] += 1
        arrival[site] += arrival_gap(seed, replicate, site, order[site], arrivals.per_minute)
        minute[site] = whole_minute(arrival[site])
        # the candidate
        fill_candidate(early, plan, seed, replicate, candidate)
        seen.screened[r] = candidate + 1
        z = early[at.BASELINE_AT : at.BASELINE_AT + 6]
        draw_baseline(baseline, course.location, course.scale, course.root, z)
        takes = early[at.TAKES_PREDNISOLONE_AT] < course.prednisolone_share
        dose_mg = entry_dose(
            takes,
            course.prednisolone_log_median,
            course.prednisolone_log_sd,
            early[at.PREDNISOLONE_AT],
        )
        _copy(deviates, early[at.SCREENING_NOISE_AT : at.SCREENING_NOISE_AT + 7])
        observe_measures(
            observed,
            baseline,
            0.0,
            course.loading,
            course.sd,
            course.noise_shared,
            deviates,
            protocol.mmt_maximum,
        )
        reason = screening_failure(
            observed,
            dose_mg,
            protocol.mmt_below,
            protocol.other_abnormal,
            protocol.prednisolone_at_most,
        )
        if reason >= 0:
            seen.failures[r, reason] += 1
            continue
        # randomisation
        fill_enrolled(u, plan, seed, replicate, candidate)
        seen.candidate[r, p] = candidate
        seen.site[r, p] = site
        seen.randomised_minute[r, p] = screened_at + protocol.screening_minutes
        _copy(seen.screening[r, p], observed)
        subtype = 0
        while early[at.SUBTYPE_AT] >= course.subtype_upto[subtype]:
            subtype += 1
        seen.subtype[r, p] = subtype
        female = early[at.SEX_AT] < course.female_share
        seen.female[r, p] = female
        seen.age[r, p] = adult_age(course.age_location, course.age_scale, early[at.AGE_AT])
        middle_weight = course.weight_women if female else course.weight_men
        seen.weight[r, p] = middle_weight * pexp(course.weight_log_sd * early[at.WEIGHT_AT])
        advance_deviates(
            deviates, u[at.VISIT_NOISE_AT : at.VISIT_NOISE_AT + 7], room.correlation[0]
        )
        observe_measures(
            seen.measures[r, p, 0],
            baseline,
            0.0,
            course.loading,
            course.sd,
            course.noise_shared,
            deviates,
            protocol.mmt_maximum,
        )
        seen.tis[r, p, 0] = 0.0
        seen.prednisolone[r, p, 0] = dose_mg
        stratum = severity(seen.measures[r, p, 0, PHYSICIAN]) if protocol.by_severity else 0
        seen.stratum[r, p] = stratum
        if block_place[stratum] == block_size[stratum]:
            block_size[stratum] = fill_block(
                blocks[stratum],
                protocol.ratio,
                protocol.block_sizes,
                seed,
                replicate,
                stratum,
                block_number[stratum],
            )
            block_number[stratum] += 1
            block_place[stratum] = 0
        arm = blocks[stratum, block_place[stratum]]
        block_place[stratum] += 1
        seen.arm[r, p] = arm
        uniforms = plan.n_normals
        _copy(truth.baseline[r, p], baseline)
        truth.responds[r, p] = u[uniforms + at.RESPONDS_AT] < course.p_response[subtype]
        truth.improves[r, p] = u[uniforms + at.IMPROVES_AT] < course.p_background
        truth.depth[r, p] = patient_depth(course.depth, course.depth_sd, u[at.DEPTH_AT])
        truth.log_x50[r, p] = patient_log_x50(course.log_x50, course.x50_sd, u[at.X50_AT])
        truth.frailty[r, p] = reaction_frailty(course.risk.frailty_sd, u[at.FRAILTY_AT])
        seen.cancer[r, p] = u[uniforms + at.CANCER_AT] < course.risk.cancer_share
        seen.previous_thromboembolism[r, p] = (
            u[uniforms + at.PREVIOUS_AT] < course.risk.previous_share
        )
        truth.dropout_minute[r, p] = whole_minute(
            dropout_minutes(u[uniforms + at.DROPOUT_AT], course.dropout_per_minute)
        )
        _follow(
            protocol,
            course,
            schedule,
            room,
            u,
            plan,
            baseline,
            deviates,
            effect,
            seed,
            replicate,
            r,
            p,
            seen,
            truth,
        )
        p += 1
    seen.complete[r] = p == n_wanted


@unowned
def _run(
    protocol: Protocol,
    table: CourseTable,
    arrivals: Arrivals,
    plan: DrawPlan,
    schedule: Schedule,
    room: Room,
    seed: int,
    first: int,
    seen: Snapshot,
    truth: Truth,
) -> None:
    for r in range(seen.arm.shape[0]):
        _run_trial(protocol, table, arrivals, plan, schedule, room, seed, first + r, r, seen, truth)


def run(
    protocol: Protocol,
    table: CourseTable,
    arrivals: Arrivals,
    *,
    seed: int,
    first: int,
    last: int,
    n: int,
) -> Cohort:
    """Simulate replicates first..last-1 of a trial of ``n`` patients.

    Replicate i uses row ``i mod D`` of the course table.
    """
    visits, courses = protocol.visit_minute.shape[0], protocol.course_start.shape[1]
    cohort = Cohort(
        empty_snapshot(last - first, n, visits, courses), empty_truth(last - first, n, visits)
    )
    plan = draw_plan(protocol.visit_week, protocol.course_week)
    schedule = schedule_of(protocol)
    room = room_for(protocol, arrivals, plan, schedule)
    _run(protocol, table, arrivals, plan, schedule, room, seed, first, cohort.seen, cohort.truth)
    return cohort
