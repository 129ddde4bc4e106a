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
from simtrial.cohort.compiled.allocation import begin_allocation, next_arm, stratum_of
from simtrial.cohort.compiled.patient import follow
from simtrial.cohort.compiled.recruitment import (
    begin_sites,
    expect_next,
    next_site,
    no_place,
    take,
)
from simtrial.cohort.compiled.room import Room, room_for, share_out
from simtrial.cohort.compiled.run_in import hand_over, run_in_failure
from simtrial.cohort.compiled.treatment import interrupt_supply
from simtrial.cohort.compiled.visit import measure_baseline, measure_screening
from simtrial.cohort.course import CourseTable, course_row
from simtrial.cohort.draws import DrawPlan, draw_plan, fill_candidate, fill_enrolled
from simtrial.cohort.entry import further_failure
from simtrial.cohort.orders import (
    Orders,
    check_replicates,
    closing_minute,
    order_at,
    planned_orders,
)
from simtrial.cohort.protocol import NEVER, Protocol
from simtrial.cohort.rules import screening_failure, whole_minute
from simtrial.cohort.snapshot import Snapshot, empty_snapshot
from simtrial.cohort.truth import Cohort, Truth, empty_truth
from simtrial.core.arithmetic import pexp
from simtrial.core.compiled import unowned
from simtrial.myositis.enzymes import draw_others
from simtrial.myositis.harm import reaction_frailty
from simtrial.myositis.measures import (
    ENZYME,
    MMT,
    PHYSICIAN,
    adult_age,
    copula_normal,
    draw_baseline,
    juvenile_age,
    juvenile_weight,
)
from simtrial.myositis.response import (
    dropout_minutes,
    patient_depth,
    patient_log_x50,
)
from simtrial.myositis.taper import entry_dose


@unowned
def _copy(out: NDArray[np.float64], source: NDArray[np.float64]) -> None:
    for i in range(source.shape[0]):
        out[i] = source[i]


@unowned
def _run_trial(
    protocol: Protocol,
    table: CourseTable,
    arrivals: Arrivals,
    plan: DrawPlan,
    room: Room,
    orders: Orders,
    seed: int,
    replicate: int,
    r: int,
    seen: Snapshot,
    truth: Truth,
) -> None:
    """Simulate replicate ``replicate`` into row r."""
    course = course_row(table, replicate % table.depth.shape[0])
    n_wanted = seen.arm.shape[1]
    begin_sites(arrivals, room.sites, seed, replicate)
    begin_allocation(room.allocation)
    mine = r % orders.from_minute.shape[0]
    from_minute, weights = orders.from_minute[mine], orders.weights[mine]
    scales, closes_at = orders.scales[mine], closing_minute(from_minute, orders.weights[mine])
    early, u = room.early, room.enrolled
    baseline, observed = room.baseline, room.observed
    share_out(protocol, course, room)
    if course.supply.per_minute > 0.0:
        interrupt_supply(course.supply, room, seed, replicate)
    p = int(np.int64(0))  # not a plain 0: what takes it would be compiled for that 0 alone as well
    for candidate in range(arrivals.most_candidates):
        if p == n_wanted:
            break
        site = next_site(room.sites)
        screened_at = room.sites.minute[site]
        if screened_at >= NEVER or screened_at >= closes_at:
            break
        expect_next(arrivals, room.sites, site, seed, replicate)
        randomised_at = screened_at + protocol.screening_minutes + protocol.run_in.minutes
        # the candidate
        fill_candidate(early, plan, seed, replicate, candidate)
        seen.screened[r] = candidate + 1
        z = early[at.BASELINE_AT : at.BASELINE_AT + 6]
        draw_baseline(baseline, course.location, course.scale, course.root, z)
        ck = copula_normal(ENZYME, course.root, z)
        theirs = early[at.ENZYME_BASELINE_AT : at.ENZYME_BASELINE_AT + 4]
        more = course.measuring
        draw_others(room.others, more.location, more.scale, more.root, ck, theirs)
        is_second = early[at.LINE_AT] >= course.people.first_share
        takes = early[at.TAKES_PREDNISOLONE_AT] < (
            course.people.prednisolone_share if is_second else course.prednisolone_share
        )
        dose_mg = entry_dose(
            takes,
            course.prednisolone_log_median,
            course.prednisolone_log_sd,
            early[at.PREDNISOLONE_AT],
        )
        measure_screening(protocol, course, room)
        reason = screening_failure(
            observed,
            dose_mg,
            protocol.mmt_below,
            protocol.other_abnormal,
            protocol.prednisolone_at_most,
        )
        if protocol.measuring.is_juvenile:
            age = juvenile_age(course.age_location, course.age_scale, early[at.AGE_AT])
        else:
            age = adult_age(course.age_location, course.age_scale, early[at.AGE_AT])
        subtype = 0
        while early[at.SUBTYPE_AT] >= course.subtype_upto[subtype]:
            subtype += 1
        if reason < 0:
            reason = further_failure(
                protocol.entry,
                observed[MMT],
                dose_mg,
                age,
                course.risk.cancer_share,
                course.risk.previous_share,
                course.people.other_failure,
                seed,
                replicate,
                candidate,
            )
        if reason < 0:
            reason = no_place(arrivals, room.sites, subtype, randomised_at >= closes_at)
        if reason < 0:
            female = early[at.SEX_AT] < course.female_share
            weight = course.weight_women if female else course.weight_men
            if protocol.measuring.is_juvenile:
                weight = juvenile_weight(age, more.weight_at_2, more.weight_per_year)
            weight *= pexp(course.weight_log_sd * early[at.WEIGHT_AT])
            p_response = course.p_response[subtype]
            if is_second:
                p_response = course.people.p_response[subtype]
            fill_enrolled(u, plan, seed, replicate, candidate)
            if protocol.run_in.minutes > 0:
                reason = run_in_failure(
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
        if reason >= 0:
            seen.failures[r, reason] += 1
            continue
        # randomisation
        take(arrivals, room.sites, site, subtype)
        seen.candidate[r, p] = candidate
        for k in range(seen.failures.shape[1]):
            seen.failures_before[r, p, k] = seen.failures[r, k]
        seen.site[r, p] = site
        seen.randomised_minute[r, p] = randomised_at
        _copy(seen.screening[r, p], observed)
        seen.subtype[r, p] = subtype
        seen.line[r, p] = course.people.line[1 if is_second else 0]
        seen.female[r, p] = female
        seen.age[r, p] = age
        seen.weight[r, p] = weight
        if protocol.run_in.minutes > 0:
            hand_over(protocol, room, r, p, seen)
        else:
            measure_baseline(protocol, course, room, u, plan, r, p, seen)
        seen.prednisolone[r, p, 0] = dose_mg
        stratum = stratum_of(
            protocol.allocation,
            room.allocation,
            seen.measures[r, p, 0, PHYSICIAN],
            subtype,
            1 if is_second else 0,
            female,
            dose_mg,
            site,
            age,
        )
        seen.stratum[r, p] = stratum
        order = order_at(from_minute, randomised_at)
        seen.arm[r, p] = next_arm(
            protocol.allocation,
            room.allocation,
            weights[order],
            scales[order],
            stratum,
            seed,
            replicate,
            candidate,
        )
        uniforms = plan.n_normals
        _copy(truth.baseline[r, p], baseline)
        _copy(truth.other_enzymes[r, p], room.others)
        truth.responds[r, p] = u[uniforms + at.RESPONDS_AT] < p_response
        truth.improves[r, p] = u[uniforms + at.IMPROVES_AT] < course.p_background
        truth.transient[r, p] = (
            truth.responds[r, p]
            and course.dynamics.p_transient > 0.0
            and at.course_class(seed, replicate, candidate) < course.dynamics.p_transient
        )
        truth.depth[r, p] = patient_depth(course.depth, course.depth_sd, u[at.DEPTH_AT])
        truth.log_x50[r, p] = patient_log_x50(course.log_x50, course.x50_sd, u[at.X50_AT])
        truth.frailty[r, p] = reaction_frailty(course.risk.frailty_sd, u[at.FRAILTY_AT])
        seen.cancer[r, p] = u[uniforms + at.CANCER_AT] < course.risk.cancer_share
        seen.previous_thromboembolism[r, p] = (
            u[uniforms + at.PREVIOUS_AT] < course.risk.previous_share
        )
        events = course.events
        seen.migraine[r, p] = u[uniforms + at.MIGRAINE_AT] < events.migraine_share
        seen.group_o[r, p] = u[uniforms + at.GROUP_O_AT] < events.group_o_share
        truth.dropout_minute[r, p] = whole_minute(
            dropout_minutes(u[uniforms + at.DROPOUT_AT], course.dropout_per_minute)
        )
        follow(protocol, course, room, u, plan, seed, replicate, r, p, seen, truth)
        p += 1
    seen.complete[r] = p == n_wanted


@unowned
def _run(
    protocol: Protocol,
    table: CourseTable,
    arrivals: Arrivals,
    plan: DrawPlan,
    room: Room,
    orders: Orders,
    seed: int,
    first: int,
    seen: Snapshot,
    truth: Truth,
) -> None:
    for r in range(seen.arm.shape[0]):
        _run_trial(protocol, table, arrivals, plan, room, orders, seed, first + r, r, seen, truth)


def run(
    protocol: Protocol,
    table: CourseTable,
    arrivals: Arrivals,
    *,
    seed: int,
    first: int,
    last: int,
    n: int,
    orders: Orders | None = None,
) -> Cohort:
    """Simulate replicates first..last-1 of a trial of ``n`` patients.

    Replicate i uses row ``i mod D`` of the course table, and the orders in row i - first, or in
    the only one; without orders the design's ratio holds throughout.
    """
    visits, courses = protocol.visit_minute.shape[0], protocol.course_week.shape[1]
    cohort = Cohort(
        empty_snapshot(last - first, n, visits, courses), empty_truth(last - first, n, visits)
    )
    plan = draw_plan(protocol.visit_week, protocol.course_week)
    room = room_for(protocol, arrivals, plan)
    orders = orders or planned_orders(protocol.allocation)
    check_replicates(orders, last - first)
    _run(protocol, table, arrivals, plan, room, orders, seed, first, cohort.seen, cohort.truth)
    return cohort
