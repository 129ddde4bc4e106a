"""The engine to read: a discrete-event simulation in SimPy.

Sites open, candidates arrive and are screened, the eligible are randomised, infused, visited,
rescued, lost. Each of these is an event on the calendar; a patient's benefit is brought up to date
whenever one of his own instants comes: every 7 days, each visit, each infusion day.

At one instant the order is the one of ``Rank``; within a rank, site and patient order.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from simtrial.cohort import draws as at
from simtrial.cohort.arrivals import Arrivals, calendar_minute, site_rate
from simtrial.cohort.course import Course, CourseTable, course_row
from simtrial.cohort.draws import DrawPlan
from simtrial.cohort.entry import CLOSED, SUBTYPE_FULL, further_failure
from simtrial.cohort.orders import Orders, check_replicates, planned_orders
from simtrial.cohort.protocol import NEVER, Protocol
from simtrial.cohort.reference.allocation import Allocator
from simtrial.cohort.reference.calendar import At, Rank
from simtrial.cohort.reference.measuring import Eyes
from simtrial.cohort.reference.patient import Happening, Patient
from simtrial.cohort.reference.person import age_of, subtype_of
from simtrial.cohort.reference.run_in import RunIn
from simtrial.cohort.rules import screening_failure, whole_minute
from simtrial.cohort.snapshot import Snapshot, empty_snapshot
from simtrial.cohort.supply import MOST_INTERRUPTIONS
from simtrial.cohort.truth import Cohort, Truth, empty_truth
from simtrial.myositis import measures, taper


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
        orders: Orders,
    ) -> None:
        self.env = simpy.Environment()
        self.protocol, self.course, self.arrivals, self.plan = protocol, course, arrivals, plan
        self.seed, self.replicate, self.row = seed, replicate, row
        self.seen, self.truth = cohort.seen, cohort.truth
        self.n_wanted = int(cohort.seen.arm.shape[1])
        self.n_screened = 0
        self.n_eligible = 0
        self.n_randomised = 0
        self.allocator = Allocator(protocol.allocation, orders, row, seed, replicate)
        self.closes_at = self.allocator.closing_minute()
        self.taken_at_site: Counter[int] = Counter()
        self.taken_of_subtype: Counter[int] = Counter()

    @property
    def recruiting(self) -> bool:
        """Whether more candidates are wanted, and some are left."""
        wanted = self.n_eligible < self.n_wanted
        return wanted and self.n_screened < self.arrivals.most_candidates

    def open_at(self, site: int) -> bool:
        """Whether a site still looks for candidates."""
        return self.recruiting and self.taken_at_site[site] < self.arrivals.site_at_most

    def run(self) -> None:
        """Open every site and let the calendar run out."""
        for site in range(self.arrivals.opening.shape[0]):
            self.env.process(self.site(site))
        self.env.run()
        self.seen.screened[self.row] = self.n_screened
        self.seen.complete[self.row] = self.n_randomised == self.n_wanted

    def site(self, site: int) -> Happening:
        """Candidates arrive one after another, from the site's opening to the end of enrolment."""
        arrivals = self.arrivals
        arrival = float(arrivals.opening[site])
        rate = site_rate(self.seed, self.replicate, site, arrivals.rate_shape)
        order = 0
        while self.open_at(site):
            arrival += at.arrival_gap(
                self.seed, self.replicate, site, order, arrivals.per_minute * rate
            )
            minute = calendar_minute(
                whole_minute(arrival), arrivals.pause_from, arrivals.pause_until
            )
            if minute >= NEVER or minute >= self.closes_at:
                return
            yield At(self.env, minute, Rank.SCREEN, site)
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
        baseline = np.empty(6)
        measures.draw_baseline(
            baseline, course.location, course.scale, course.root, early[at.BASELINE_AT :][:6]
        )
        is_second = bool(early[at.LINE_AT] >= course.people.first_share)
        dose_mg = taper.entry_dose(
            early[at.TAKES_PREDNISOLONE_AT]
            < (course.people if is_second else course).prednisolone_share,
            course.prednisolone_log_median,
            course.prednisolone_log_sd,
            early[at.PREDNISOLONE_AT],
        )
        eyes = Eyes(protocol, course, baseline, early)
        observed = eyes.screen()
        reason = screening_failure(
            observed,
            dose_mg,
            protocol.mmt_below,
            protocol.other_abnormal,
            protocol.prednisolone_at_most,
        )
        when = int(self.env.now) + protocol.screening_minutes + protocol.run_in.minutes
        run_in: RunIn | None = None
        if reason < 0:
            reason = self.further_reason(candidate, early, observed, dose_mg, when)
        if reason < 0 and protocol.run_in.minutes > 0:
            run_in = RunIn(self, candidate, early, eyes, when, is_second=is_second)
            reason = run_in.live_through()
        if reason >= 0:
            self.seen.failures[self.row, reason] += 1
            return
        self.taken_of_subtype[subtype_of(course, early)] += 1
        self.taken_at_site[site] += 1
        place = self.n_eligible
        self.n_eligible += 1
        patient = Patient(self, place, candidate, site, early, eyes, dose_mg, is_second, run_in)
        self.seen.failures_before[self.row, place] = self.seen.failures[self.row]
        self.seen.screening[self.row, place] = observed
        booked = At(self.env, when, Rank.RANDOMISE, candidate)
        booked.callbacks.append(lambda _: patient.randomise())

    def further_reason(
        self,
        candidate: int,
        early: NDArray[np.float64],
        observed: NDArray[np.float64],
        dose_mg: float,
        randomised_at: int,
    ) -> int:
        """Return why a candidate active enough does not enter, or -1."""
        course = self.course
        subtype = subtype_of(course, early)
        reason = further_failure(
            self.protocol.entry,
            observed[measures.MMT],
            dose_mg,
            age_of(self.protocol, course, early),
            course.risk.cancer_share,
            course.risk.previous_share,
            course.people.other_failure,
            self.seed,
            self.replicate,
            candidate,
        )
        if reason >= 0:
            return reason
        limits = self.arrivals.subtype_at_most
        if limits.shape[0] and self.taken_of_subtype[subtype] == limits[subtype]:
            return SUBTYPE_FULL
        if randomised_at >= self.closes_at:
            return CLOSED
        return -1

    def is_interrupted(self, minute: int) -> bool:
        """Return whether there is nothing to infuse at a minute of the calendar."""
        supply = self.course.supply
        if supply.per_minute <= 0.0:
            return False
        begins = 0
        for order in range(MOST_INTERRUPTIONS):
            begins += at.supply_gap(self.seed, self.replicate, order, supply.per_minute)
            if minute < begins:
                return False
            begins += int(supply.minutes)
            if minute < begins:
                return True
        return False


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
    orders = orders or planned_orders(protocol.allocation)
    check_replicates(orders, last - first)
    visits, courses = protocol.visit_minute.shape[0], protocol.course_week.shape[1]
    seen: Snapshot = empty_snapshot(last - first, n, visits, courses)
    truth: Truth = empty_truth(last - first, n, visits)
    cohort = Cohort(seen, truth)
    plan = at.draw_plan(protocol.visit_week, protocol.course_week)
    for row in range(last - first):
        replicate = first + row
        course: Any = course_row(table, replicate % table.depth.shape[0])
        Trial(protocol, course, arrivals, plan, seed, replicate, row, cohort, orders).run()
    return cohort
