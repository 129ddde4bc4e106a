"""One patient in the quick engine: a loop over the instants of his own calendar.

The next instant is the earliest of his next visit, the first day of the next course planned for him
and the last day of one begun; at the weeks of his grid in between, only benefit is brought up to
date. At one instant the order is: benefit brought up to date, measure, decide, infuse, harm, leave.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.compiled.dose import begin_dose, flares_now, prescribe
from simtrial.cohort.compiled.events import (
    begin_events,
    end_events,
    events_of_course,
    events_of_interval,
    leaves_out,
)
from simtrial.cohort.compiled.harm import (
    begin_harm,
    end_harm,
    first_harm_of_course,
    harm_of_course,
)
from simtrial.cohort.compiled.response import (
    background_after,
    drug_after,
    flare_after,
    steroid_after,
)
from simtrial.cohort.compiled.room import (
    DIES,
    DOSE,
    ENTRY,
    FIRST_END,
    LAST_WEEK,
    LOG_DOSE,
    LONG_AGO,
    SINCE,
    STOPS,
    B,
    G,
    Room,
    forget_stops,
)
from simtrial.cohort.compiled.treatment import (
    is_interrupted,
    may_change,
    miss_next,
    plan_next,
    plan_treatment,
)
from simtrial.cohort.compiled.visit import measure_visit, plan_visits
from simtrial.cohort.course import Course
from simtrial.cohort.draws import (
    INTERVAL_ROOM,
    RESCUE_AT,
    RESCUE_SLOTS,
    DrawPlan,
    gives_up,
    is_missing,
)
from simtrial.cohort.protocol import LEAVE, NEVER, STANDARD, STOP, SWITCH, Protocol
from simtrial.cohort.risk import DRUG, PLACEBO
from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Truth
from simtrial.core.arithmetic import plog
from simtrial.core.compiled import inlined
from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.myositis.events import infection_rate
from simtrial.myositis.response import (
    NO_EFFECT,
    decline,
    given_dose,
    joined_exposure,
    net_benefit,
)
from simtrial.myositis.tis import has_worsened


@inlined
def follow(
    protocol: Protocol,
    course: Course,
    room: Room,
    u: NDArray[np.float64],
    plan: DrawPlan,
    seed: int,
    replicate: int,
    r: int,
    p: int,
    seen: Snapshot,
    truth: Truth,
) -> None:
    """Follow one randomised patient from just after the baseline visit to the end."""
    arm = seen.arm[r, p]  # whose treatment he is given: another one's after a switch
    rules, candidate = protocol.treatment, seen.candidate[r, p]
    weight = seen.weight[r, p]
    responds, improves = truth.responds[r, p], truth.improves[r, p]
    depth, log_x50 = truth.depth[r, p], truth.log_x50[r, p]
    b_goal, b_rate = course.background_depth, course.k_background
    dropout = truth.dropout_minute[r, p]
    is_first = seen.line[r, p] == course.people.line[0]
    rescue_per_visit = course.rescue_per_visit if is_first else course.people.rescue_per_visit
    n_visits = protocol.visit_minute.shape[0]
    plan_visits(protocol, room, seed, replicate, candidate)
    last = room.visit_minute[n_visits - 1]
    begin_events(room)
    clot_risk = begin_harm(course.risk, room, u, plan.n_normals, last, r, p, seen)
    given = int(
        np.int64(0)
    )  # not a plain 0: what takes it would be compiled for that 0 alone as well
    planned = plan_treatment(protocol, room, arm, 0, 0, given)
    begin_dose(protocol, course, room, seed, replicate, r, p, seen, truth)
    drift = course.dynamics.drift_per_year[seen.subtype[r, p]]
    # benefit of drug, background and steroid, and what flares take
    g, b, s, w = 0.0, 0.0, 0.0, 0.0
    log_dose, since = NO_EFFECT, 0  # of the exposure
    first_end, week_before = NEVER, LONG_AGO  # last day of the first course; week of the last one
    if protocol.run_in.minutes > 0:
        g, b, log_dose = room.run_in.real[G], room.run_in.real[B], room.run_in.real[LOG_DOSE]
        since, first_end = room.run_in.whole[SINCE], room.run_in.whole[FIRST_END]
        week_before = room.run_in.whole[LAST_WEEK]
    now, visit, week_at, end_at = 0, 1, MINUTES_PER_WEEK, NEVER
    opened = -1  # the visit that opened the last interval
    infections_mg, infections = -1.0, 0.0  # a minute, and under which dose
    stopped, switched, worse_before = False, False, False
    n_needed, n_stable, best_tis = 0, 0, seen.tis[r, p, 0]
    # the baseline was measured at randomisation; what was true then is written down at once
    truth.drug_benefit[r, p, 0], truth.background_benefit[r, p, 0] = g, b
    truth.steroid_benefit[r, p, 0] = truth.flare_loss[r, p, 0] = 0.0
    while True:
        if opened < visit - 1 and visit < n_visits:
            opened = visit - 1
            if room.dose[DOSE] != infections_mg:
                infections_mg = room.dose[DOSE]
                infections = infection_rate(
                    course.events.infection_per_minute, course.events.log_hr_10mg, infections_mg
                )
            events_of_interval(
                course.events,
                room,
                protocol.visit_week[opened],
                opened,
                room.dose[DOSE],
                infections,
                u,
                plan.interval_at + INTERVAL_ROOM * opened,
                seed,
                replicate,
                r,
                p,
                seen,
            )
            dropout = min(dropout, room.ahead.due[DIES])
        start_at = room.course_start[given] if given < planned else NEVER
        visit_at = room.visit_minute[visit] if visit < n_visits else NEVER
        instant = min(visit_at, min(start_at, end_at))
        if instant > last:
            break
        harm_stop = room.ahead.due[STOPS]
        if harm_stop < instant:
            # before anything of this instant, and after all that happened up to that minute
            ahead = (
                given < planned
                or n_needed < rules.needed_most[arm]
                or (not switched and rules.switch_to[arm] >= 0)
                or (seen.stable_minute[r, p] < 0 and may_change(rules, arm, visit, p))
            )
            if harm_stop <= dropout and not stopped and ahead:
                seen.harm_stop_minute[r, p] = harm_stop
                seen.stop_minute[r, p] = harm_stop
                stopped = True
                planned = given
                if protocol.harm_leaves:
                    dropout = harm_stop
            forget_stops(room, harm_stop)
            continue
        if instant > dropout:
            seen.left_minute[r, p] = dropout
            end_harm(room, dropout, given, r, p, seen)
            end_events(room, dropout, dropout, r, p, seen)
            return
        while now < instant:
            # week by week: nothing else happens at a week of the grid alone
            then = min(week_at, instant)
            minutes = then - now
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
                    truth.transient[r, p],
                    first_end,
                )
            if improves:
                b = background_after(course, room, b, b_goal, b_rate, minutes)
            if s != 0.0 or room.dose[DOSE] != room.dose[ENTRY]:
                s = steroid_after(course, room, s, minutes)
            if w != 0.0:
                w = flare_after(course, room, w, minutes)
            now = then
            if now == week_at:
                week_at += MINUTES_PER_WEEK
        if instant == end_at:
            # of the course given last
            log_dose, since = take_effect(course, room, given - 1, log_dose, since, instant)
            if first_end == NEVER and log_dose > NO_EFFECT:
                first_end = since
            end_at = NEVER
        if instant == visit_at:
            week, scheduled = protocol.visit_week[visit], protocol.visit_minute[visit]
            came = p >= protocol.measuring.held_from[visit] and not is_missing(
                seed, replicate, candidate, week, 0, course.measuring.missing_visit
            )
            declined = decline(drift, float(instant))
            flared = came and flares_now(
                protocol,
                course,
                room,
                visit,
                instant,
                net_benefit(g, b, s, declined, w),
                seed,
                replicate,
                candidate,
            )
            if flared:
                w = course.dynamics.flare_size
                seen.flares[r, p, visit] = True
                if seen.flare_minute[r, p] < 0:
                    seen.flare_minute[r, p] = instant
            benefit = net_benefit(g, b, s, declined, w)
            measure_visit(
                protocol, course, room, u, plan, visit, came, benefit, seed, replicate, r, p, seen
            )
            truth.drug_benefit[r, p, visit] = g
            truth.background_benefit[r, p, visit] = b
            truth.steroid_benefit[r, p, visit] = s
            truth.flare_loss[r, p, visit] = w
            tis = seen.tis[r, p, visit]
            leaves, switches, standard = False, False, False
            deteriorated = rescued = worse = False
            if came:
                worse = has_worsened(
                    seen.run_in[r, p] if protocol.run_in.is_origin else seen.measures[r, p, 0],
                    seen.measures[r, p, visit],
                )
                if (
                    worse
                    and worse_before
                    and scheduled >= protocol.deterioration_from
                    and seen.deterioration_minute[r, p] < 0
                ):
                    seen.deterioration_minute[r, p] = instant
                    deteriorated = True
                    then = protocol.deterioration_then
                    stopped |= then in (STOP, LEAVE, STANDARD)
                    leaves, switches, standard = then == LEAVE, then == SWITCH, then == STANDARD
                worse_before = worse
                if (
                    visit < n_visits - 1
                    and scheduled >= protocol.rescue_from
                    and tis < protocol.rescue_below
                    and seen.rescue_minute[r, p] < 0
                    and not leaves
                    and u[plan.n_normals + RESCUE_AT + RESCUE_SLOTS * visit] < rescue_per_visit
                ):
                    seen.rescue_minute[r, p] = instant
                    rescued = True
                    then = protocol.rescue_then
                    stopped |= then in (STOP, LEAVE, STANDARD)
                    leaves |= then == LEAVE
                    switches |= then == SWITCH
                    standard |= then == STANDARD
                if (
                    visit < n_visits - 1
                    and scheduled >= protocol.lack_from
                    and tis < protocol.lack_below
                    and not stopped
                    and seen.lack_of_effect_minute[r, p] < 0
                    and gives_up(seed, replicate, candidate, week) < course.lack_per_visit
                ):
                    seen.lack_of_effect_minute[r, p] = instant
                    then = protocol.lack_then
                    stopped |= then in (STOP, LEAVE, STANDARD)
                    leaves |= then == LEAVE
                    switches |= then == SWITCH
                    standard |= then == STANDARD
                if switches and not stopped:
                    if switched or rules.switch_to[arm] < 0:
                        stopped = True
                    else:
                        switched = True
                        arm = rules.switch_to[arm]
                        seen.switch_minute[r, p] = instant
                        planned = plan_treatment(protocol, room, arm, week, week, given)
                if standard and seen.standard_minute[r, p] < 0:
                    seen.standard_minute[r, p] = instant
                    b_goal = max(course.standard_depth, b_goal if improves else 0.0)
                    b_rate, improves = course.k_standard, True
                if stopped and seen.stop_minute[r, p] < 0:
                    seen.stop_minute[r, p] = instant
                if stopped:
                    planned = given
                prescribe(
                    protocol,
                    course,
                    room,
                    visit,
                    instant,
                    tis,
                    worse,
                    flared,
                    deteriorated,
                    rescued,
                    seed,
                    replicate,
                    candidate,
                    r,
                    p,
                    seen,
                )
            visit += 1
            if leaves and visit < n_visits:
                seen.left_minute[r, p] = instant
                end_harm(room, instant - 1, given, r, p, seen)
                end_events(room, instant - 1, instant, r, p, seen)
                return
            if came and not stopped:
                # how well it goes decides on the courses to come
                n_stable = n_stable + 1 if tis >= rules.stable_tis[arm] else 0
                if (
                    rules.stable_visits[arm] > 0
                    and n_stable >= rules.stable_visits[arm]
                    and seen.stable_minute[r, p] < 0
                ):
                    seen.stable_minute[r, p] = instant
                    planned = given
                if seen.stable_minute[r, p] < 0:
                    for q in range(rules.change_visit.shape[1]):
                        if (
                            rules.change_visit[arm, q] == visit - 1
                            and p >= rules.change_from[arm, q]
                            and (
                                tis < rules.change_tis[arm, q]
                                if rules.change_if_below[arm, q]
                                else tis >= rules.change_tis[arm, q]
                            )
                        ):
                            planned = plan_treatment(
                                protocol, room, rules.change_to[arm, q], 0, week, given
                            )
                            break
                last_week = room.course_week[given - 1] if given > 0 else week_before
                if tis > best_tis:  # never a missing score
                    best_tis = tis
                if (
                    n_needed < rules.needed_most[arm]
                    and scheduled >= rules.needed_from[arm]
                    and (given == planned or room.course_start[given] > instant)
                    and week - last_week >= rules.needed_apart[arm]
                    and (tis < rules.needed_below[arm] or best_tis - tis >= rules.needed_fall[arm])
                ):
                    n_needed += 1
                    planned = plan_next(protocol, room, arm, week, instant, given, planned)
        if given < planned and room.course_start[given] == instant:
            if (
                course.supply.per_minute > 0.0
                and is_interrupted(room, seen.randomised_minute[r, p] + instant)
            ) or leaves_out(room, instant):
                seen.missed_courses[r, p] += 1
                planned = miss_next(room, given, planned)
                continue
            if end_at != NEVER:
                # a course still running is cut short by the next
                log_dose, since = take_effect(course, room, given - 1, log_dose, since, instant)
                if first_end == NEVER and log_dose > NO_EFFECT:
                    first_end = since
            j = given
            is_drug = room.course_drug[j]
            dose = given_dose(
                room.course_dose[j], weight, room.course_days[j], protocol.cap_g_per_day
            )
            room.course_dose[j] = plog(dose)
            given += 1
            seen.courses[r, p] = given
            seen.course_minute[r, p, j] = instant
            seen.course_days[r, p, j] = room.course_days[j]
            seen.course_dose[r, p, j] = dose
            seen.course_drug[r, p, j] = is_drug
            end_at = room.course_end[j]
            if is_drug:
                seen.grams[r, p] += dose * weight
            if end_at == instant:
                log_dose, since = take_effect(course, room, j, log_dose, since, instant)
                if first_end == NEVER and log_dose > NO_EFFECT:
                    first_end = since
                end_at = NEVER
            first_harm_of_course(plan, room, u, j, seed, replicate, candidate)
            infused = DRUG if is_drug else PLACEBO
            harm_of_course(
                course.risk, room, infused, dose, clot_risk, j, seed, replicate, r, p, seen, truth
            )
            events_of_course(
                course.events, room, infused, dose, j, last, seed, replicate, r, p, seen
            )
            dropout = min(dropout, room.ahead.due[DIES])
    end_harm(room, last, given, r, p, seen)
    end_events(room, last, last, r, p, seen)


@inlined
def take_effect(
    course: Course, room: Room, j: int, log_dose: float, since: int, now: int
) -> tuple[float, int]:
    """Return the exposure from now on, when course j has had its last day, and its minute."""
    if not room.course_drug[j]:
        return log_dose, since
    joined = joined_exposure(
        log_dose,
        float(now - since),
        room.course_dose[j],
        course.half_life_minutes,
        course.dynamics.courses_add,
    )
    return joined, now
