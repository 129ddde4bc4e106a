"""The engine to read: a discrete-event simulation in SimPy.

Sites open, candidates arrive and are screened, the eligible are randomised, infused, visited,
rescued, lost. Each of these is an event on the calendar; a patient's benefit is brought up to date
whenever one of his own instants comes: every 7 days, each visit, each infusion day.

At one instant the order is the one of ``Rank``; within a rank, site and patient order.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from simtrial.cohort import draws as at
from simtrial.cohort.arrivals import Arrivals
from simtrial.cohort.course import Course, CourseTable, course_row
from simtrial.cohort.draws import DrawPlan
from simtrial.cohort.protocol import Protocol
from simtrial.cohort.reference_calendar import At, Rank
from simtrial.cohort.reference_harm import Harm
from simtrial.cohort.rules import screening_failure, whole_minute
from simtrial.cohort.snapshot import Snapshot, empty_snapshot
from simtrial.cohort.truth import Cohort, Truth, empty_truth
from simtrial.core.arithmetic import pexp, plog
from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.myositis import harm, measures, response, taper, tis

Happening = Generator[simpy.Event, None, None]


class Trial:
    """One replicate: its sites, its strata, and the row of the tables it writes."""

    def __init__(
        self,
        protocol: Protocol,
        course: Course,
        arrivals: Arrivals,
        plan: DrawPlan,
        seed: int,
        replicate: int,
        row: int,
        cohort: Cohort,
    ) -> None:
        self.env = simpy.Environment()
        self.protocol, self.course, self.arrivals, self.plan = protocol, course, arrivals, plan
        self.seed, self.replicate, self.row = seed, replicate, row
        self.seen, self.truth = cohort.seen, cohort.truth
        self.n_wanted = int(cohort.seen.arm.shape[1])
        self.n_screened = 0
        self.n_eligible = 0
        self.n_randomised = 0
        self.waiting: dict[int, list[int]] = {}  # stratum -> arms left in its open block
        self.n_blocks: dict[int, int] = {}

    @property
    def recruiting(self) -> bool:
        """Whether more candidates are wanted, and some are left."""
        wanted = self.n_eligible < self.n_wanted
        return wanted and self.n_screened < self.arrivals.most_candidates

    def run(self) -> None:
        """Open every site and let the calendar run out."""
        for site in range(self.arrivals.opening.shape[0]):
            self.env.process(self.site(site))
        self.env.run()
        self.seen.screened[self.row] = self.n_screened
        self.seen.complete[self.row] = self.n_randomised == self.n_wanted

    def site(self, site: int) -> Happening:
        """Candidates arrive one after another, from the site's opening to the end of enrolment."""
        arrival = float(self.arrivals.opening[site])
        order = 0
        while self.recruiting:
            arrival += at.arrival_gap(
                self.seed, self.replicate, site, order, self.arrivals.per_minute
            )
            yield At(self.env, whole_minute(arrival), Rank.SCREEN, site)
            if not self.recruiting:
                return
            order += 1
            self.screen(site)

    def screen(self, site: int) -> None:
        """See a candidate, and book the randomisation of an eligible one."""
        candidate = self.n_screened
        self.n_screened += 1
        course, protocol = self.course, self.protocol
        early = np.empty(self.plan.candidate_room)
        at.fill_candidate(early, self.plan, self.seed, self.replicate, candidate)
        baseline, observed = np.empty(6), np.empty(6)
        measures.draw_baseline(
            baseline, course.location, course.scale, course.root, early[at.BASELINE_AT :][:6]
        )
        dose_mg = taper.entry_dose(
            early[at.TAKES_PREDNISOLONE_AT] < course.prednisolone_share,
            course.prednisolone_log_median,
            course.prednisolone_log_sd,
            early[at.PREDNISOLONE_AT],
        )
        deviates = early[at.SCREENING_NOISE_AT :][:7].copy()
        measures.observe_measures(
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
            self.seen.failures[self.row, reason] += 1
            return
        place = self.n_eligible
        self.n_eligible += 1
        patient = Patient(self, place, candidate, site, early, baseline, deviates, dose_mg)
        self.seen.screening[self.row, place] = observed
        when = int(self.env.now) + protocol.screening_minutes
        booked = At(self.env, when, Rank.RANDOMISE, candidate)
        booked.callbacks.append(lambda _: patient.randomise())

    def next_arm(self, stratum: int) -> int:
        """Return the next arm of a stratum's permuted block, opening a new block when needed."""
        if not self.waiting.get(stratum):
            block = np.zeros(int(self.protocol.block_sizes.max()), np.int64)
            number = self.n_blocks.get(stratum, 0)
            size = at.fill_block(
                block,
                self.protocol.ratio,
                self.protocol.block_sizes,
                self.seed,
                self.replicate,
                stratum,
                number,
            )
            self.n_blocks[stratum] = number + 1
            self.waiting[stratum] = [int(arm) for arm in block[:size]]
        return self.waiting[stratum].pop(0)


class Patient:
    """One eligible candidate, from randomisation to the last visit."""

    def __init__(
        self,
        trial: Trial,
        place: int,
        candidate: int,
        site: int,
        early: NDArray[np.float64],
        baseline: NDArray[np.float64],
        deviates: NDArray[np.float64],
        dose_mg: float,
    ) -> None:
        self.trial, self.env = trial, trial.env
        self.candidate, self.site = candidate, site
        self.early, self.baseline, self.deviates = early, baseline, deviates
        self.dose_mg = dose_mg
        self.key = (trial.row, place)  # where this patient stands in the tables
        self.draws = np.empty(trial.plan.enrolled_room)
        self.drug_benefit, self.background_benefit = 0.0, 0.0
        self.known_until = 0  # minutes since randomisation up to which the benefits are known
        self.given: list[tuple[int, float]] = []  # last day and log dose of each course
        self.stopped = False
        self.left = False
        self.was_worse = False

    def now(self) -> int:
        """Return whole minutes since randomisation."""
        return int(self.env.now) - self.randomised_at

    def event(self, minute: int, rank: Rank) -> At:
        """Return an event at a minute since randomisation."""
        return At(self.env, self.randomised_at + minute, rank, self.candidate)

    def uniform(self, position: int) -> float:
        """Return one of the uniforms of the enrolled fill."""
        return float(self.draws[self.trial.plan.n_normals + position])

    def noise(self, visit: int) -> NDArray[np.float64]:
        """Return the error innovations (7,) of a visit."""
        return self.draws[at.VISIT_NOISE_AT + at.NOISE_SLOTS * visit :][:7]

    def randomise(self) -> None:
        """Measure the baseline, allocate, and start the calendar of this patient."""
        trial, key = self.trial, self.key
        seen, truth, course, protocol = trial.seen, trial.truth, trial.course, trial.protocol
        self.randomised_at = int(self.env.now)
        trial.n_randomised += 1
        at.fill_enrolled(self.draws, trial.plan, trial.seed, trial.replicate, self.candidate)
        self.describe()
        measures.advance_deviates(
            self.deviates,
            self.noise(0),
            response.correlation_over(course.noise_per_4_weeks, float(protocol.screening_minutes)),
        )
        self.observe(0)
        seen.tis[key][0] = 0.0
        physician = seen.measures[key][0, measures.PHYSICIAN]
        stratum = measures.severity(physician) if protocol.by_severity else 0
        self.arm = trial.next_arm(stratum)
        seen.stratum[key], seen.arm[key] = stratum, self.arm
        self.responds = bool(truth.responds[key] and protocol.on_drug[self.arm])
        dropout = int(truth.dropout_minute[key])
        last = int(protocol.visit_minute[-1])
        self.env.process(self.weeks(last))
        self.env.process(self.visits())
        self.env.process(self.infusions(last))
        self.harm.begin()
        if dropout < last:
            self.event(dropout, Rank.LEAVE).callbacks.append(lambda _: self.leave())

    def describe(self) -> None:
        """Write who the patient is, and what nobody can see."""
        trial, key, early, draws = self.trial, self.key, self.early, self.draws
        seen, truth, course = trial.seen, trial.truth, trial.course
        subtype = int(np.searchsorted(course.subtype_upto, early[at.SUBTYPE_AT], side="right"))
        female = bool(early[at.SEX_AT] < course.female_share)
        middle_weight = course.weight_women if female else course.weight_men
        self.weight = middle_weight * pexp(course.weight_log_sd * early[at.WEIGHT_AT])
        seen.candidate[key], seen.site[key] = self.candidate, self.site
        seen.randomised_minute[key] = self.randomised_at
        seen.subtype[key], seen.female[key], seen.weight[key] = subtype, female, self.weight
        seen.age[key] = measures.adult_age(course.age_location, course.age_scale, early[at.AGE_AT])
        self.depth = response.patient_depth(course.depth, course.depth_sd, draws[at.DEPTH_AT])
        self.log_x50 = response.patient_log_x50(course.log_x50, course.x50_sd, draws[at.X50_AT])
        self.improves = self.uniform(at.IMPROVES_AT) < course.p_background
        truth.baseline[key] = self.baseline
        truth.responds[key] = self.uniform(at.RESPONDS_AT) < course.p_response[subtype]
        truth.improves[key] = self.improves
        truth.depth[key], truth.log_x50[key] = self.depth, self.log_x50
        truth.frailty[key] = harm.reaction_frailty(course.risk.frailty_sd, draws[at.FRAILTY_AT])
        uniforms = draws[trial.plan.n_normals + at.CANCER_AT :][:4]
        self.harm = Harm(
            trial.protocol,
            course.risk,
            seen,
            key,
            (trial.seed, trial.replicate, self.candidate),
            truth.frailty[key],
            uniforms,
            self.book_harm,
            self.stop_for_harm,
        )
        truth.dropout_minute[key] = whole_minute(
            response.dropout_minutes(self.uniform(at.DROPOUT_AT), course.dropout_per_minute)
        )

    def weeks(self, last: int) -> Happening:
        """Every seven days, bring the benefits up to date."""
        for minute in range(MINUTES_PER_WEEK, last + 1, MINUTES_PER_WEEK):
            yield self.event(minute, Rank.WEEK)
            if self.left:
                return
            self.bring_up_to_date()

    def visits(self) -> Happening:
        """Come to each visit after the baseline: be measured, then the rules are applied."""
        minutes = self.trial.protocol.visit_minute
        for visit in range(1, minutes.shape[0]):
            yield self.event(int(minutes[visit]), Rank.MEASURE)
            if self.left:
                return
            self.bring_up_to_date()
            self.measure(visit)
            self.decide(visit, is_last=visit == minutes.shape[0] - 1)

    def infusions(self, last: int) -> Happening:
        """Receive each course unless treatment was stopped; its effect counts from its last day."""
        protocol = self.trial.protocol
        for j in range(int(protocol.n_courses[self.arm])):
            start, end = (
                int(protocol.course_start[self.arm, j]),
                int(protocol.course_end[self.arm, j]),
            )
            yield self.event(start, Rank.INFUSE)
            if self.left:
                return
            self.bring_up_to_date()
            if not self.stopped:
                self.infuse(j, end)
            if end <= last:
                yield self.event(end, Rank.INFUSE)
                if self.left:
                    return
                self.bring_up_to_date()

    def infuse(self, course_number: int, end: int) -> None:
        """Give one course."""
        protocol, key, seen = self.trial.protocol, self.key, self.trial.seen
        dose = response.given_dose(
            protocol.course_dose[self.arm, course_number],
            self.weight,
            protocol.course_days[self.arm, course_number],
            protocol.cap_g_per_day,
        )
        self.given.append((end, plog(dose)))
        seen.courses[key] += 1
        if protocol.on_drug[self.arm]:
            seen.grams[key] += dose * self.weight
        self.harm.after_course(course_number, dose, self.arm)

    def bring_up_to_date(self) -> None:
        """Let both benefits approach their targets from the last instant to this one."""
        course, now = self.trial.course, self.now()
        minutes = float(now - self.known_until)
        if minutes == 0.0:
            return
        if self.responds:
            middle = self.known_until + 0.5 * minutes
            log_x = response.NO_EFFECT
            for end, log_dose in self.given:
                if end <= self.known_until:
                    effect = response.log_effect(log_dose, middle - end, course.half_life_minutes)
                    log_x = max(log_x, effect)
            goal = response.target_benefit(self.depth, self.log_x50, course.hill, log_x)
            self.drug_benefit = response.relax(self.drug_benefit, goal, course.k_on, minutes)
        if self.improves:
            self.background_benefit = response.relax(
                self.background_benefit, course.background_depth, course.k_background, minutes
            )
        self.known_until = now

    def observe(self, visit: int) -> None:
        """Write the six measures as seen at this visit, the dose, and the benefits behind them."""
        seen, truth, course = self.trial.seen, self.trial.truth, self.trial.course
        measures.observe_measures(
            seen.measures[self.key][visit],
            self.baseline,
            response.combined_benefit(self.drug_benefit, self.background_benefit),
            course.loading,
            course.sd,
            course.noise_shared,
            self.deviates,
            self.trial.protocol.mmt_maximum,
        )
        if visit > 0:
            self.dose_mg = taper.stable_dose(self.dose_mg)
        seen.prednisolone[self.key][visit] = self.dose_mg
        truth.drug_benefit[self.key][visit] = self.drug_benefit
        truth.background_benefit[self.key][visit] = self.background_benefit

    def measure(self, visit: int) -> None:
        """Measure, and compute the improvement score against the observed baseline."""
        protocol, seen = self.trial.protocol, self.trial.seen
        gap = int(protocol.visit_minute[visit] - protocol.visit_minute[visit - 1])
        correlation = response.correlation_over(self.trial.course.noise_per_4_weeks, float(gap))
        measures.advance_deviates(self.deviates, self.noise(visit), correlation)
        self.observe(visit)
        rows = seen.measures[self.key]
        seen.tis[self.key][visit] = tis.improvement_score(
            rows[0], rows[visit], protocol.mmt_maximum
        )

    def decide(self, visit: int, *, is_last: bool) -> None:
        """Apply the rules of the protocol to what was just observed."""
        protocol, seen, key, now = self.trial.protocol, self.trial.seen, self.key, self.now()
        rows = seen.measures[key]
        is_worse = bool(tis.has_worsened(rows[0], rows[visit]))
        confirmed = is_worse and self.was_worse and now >= protocol.deterioration_from
        self.was_worse = is_worse
        if confirmed and seen.deterioration_minute[key] < 0:
            seen.deterioration_minute[key] = now
            self.stop(leave=protocol.deterioration_leaves, is_last=is_last)
        if self.left or is_last or now < protocol.rescue_from or seen.rescue_minute[key] >= 0:
            return
        insufficient = seen.tis[key][visit] < protocol.rescue_below
        position = at.RESCUE_AT + at.RESCUE_SLOTS * visit
        if insufficient and self.uniform(position) < self.trial.course.rescue_per_visit:
            seen.rescue_minute[key] = now
            self.stop(leave=protocol.rescue_leaves, is_last=is_last)

    def stop(self, *, leave: bool, is_last: bool) -> None:
        """Stop treatment now; leave the study too if the protocol says so and visits remain."""
        self.stopped = True
        if self.trial.seen.stop_minute[self.key] < 0:
            self.trial.seen.stop_minute[self.key] = self.now()
        if leave and not is_last:
            self.leave()

    def book_harm(self, minute: int, happens: Callable[[], None]) -> None:
        """Let something happen at a minute, unless the patient has left or the study is over."""
        if minute <= self.trial.protocol.visit_minute[-1]:
            booked = self.event(minute, Rank.HARM)
            booked.callbacks.append(lambda _: None if self.left else happens())

    def stop_for_harm(self) -> None:
        """Stop treatment for an adverse event, if there is any left to stop."""
        protocol, seen, key, now = self.trial.protocol, self.trial.seen, self.key, self.now()
        if self.stopped or seen.courses[key] == protocol.n_courses[self.arm]:
            return
        self.stopped = True
        seen.harm_stop_minute[key] = seen.stop_minute[key] = now
        if protocol.harm_leaves:
            # leaving comes last at its minute: other harm of the same minute is still seen
            self.event(now, Rank.LEAVE).callbacks.append(lambda _: self.leave())

    def leave(self) -> None:
        """Leave the study: nothing is seen or given any more."""
        if not self.left:
            self.left = True
            self.trial.seen.left_minute[self.key] = self.now()


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
    seen: Snapshot = empty_snapshot(last - first, n, visits, courses)
    truth: Truth = empty_truth(last - first, n, visits)
    cohort = Cohort(seen, truth)
    plan = at.draw_plan(protocol.visit_week, protocol.course_week)
    for row in range(last - first):
        replicate = first + row
        course: Any = course_row(table, replicate % table.depth.shape[0])
        Trial(protocol, course, arrivals, plan, seed, replicate, row, cohort).run()
    return cohort
