"""The run-in in the engine to read: a calendar of its own, from its start to randomisation.

Whether a candidate gets through follows from his own numbers, and a trial has to know it when he
is screened, so that it stops looking for candidates in time. So his run-in is lived through then,
on a calendar whose minute 0 is his randomisation.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol as Shape

import numpy as np
import simpy
from numpy.typing import NDArray

from simtrial.cohort import draws as at
from simtrial.cohort.course import Course
from simtrial.cohort.draws import DrawPlan
from simtrial.cohort.entry import RUN_IN_LOST, RUN_IN_RESPONSE
from simtrial.cohort.protocol import Protocol
from simtrial.cohort.reference.benefit import Benefit
from simtrial.cohort.reference.calendar import At, Rank
from simtrial.cohort.reference.measuring import Eyes
from simtrial.cohort.reference.person import disposition_of, weight_of
from simtrial.cohort.rules import whole_minute
from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.myositis import measures, response


class Trial(Shape):
    """What a run-in needs of the trial that it is part of."""

    protocol: Protocol
    course: Course
    plan: DrawPlan
    seed: int
    replicate: int

    def is_interrupted(self, minute: int) -> bool:
        """Return whether there is nothing to infuse at a minute of the calendar."""


class RunIn:
    """One candidate's run-in, and what it leaves of him at randomisation."""

    def __init__(
        self,
        trial: Trial,
        candidate: int,
        early: NDArray[np.float64],
        eyes: Eyes,
        randomised_at: int,
        *,
        is_second: bool,
    ) -> None:
        self.trial, self.eyes, self.randomised_at = trial, eyes, randomised_at
        self.address = (trial.seed, trial.replicate, candidate)
        self.draws = np.empty(trial.plan.enrolled_room)
        at.fill_enrolled(self.draws, trial.plan, *self.address)
        self.weight = weight_of(trial.protocol, trial.course, early)
        self.person = disposition_of(
            trial.course,
            early,
            self.draws,
            trial.plan.n_normals,
            self.address,
            is_second=is_second,
        )
        self.env = simpy.Environment(initial_time=-trial.protocol.run_in.minutes)
        self.benefit = Benefit(trial.course, self.person, -trial.protocol.run_in.minutes)
        self.last_course_week: int | None = None
        self.courses_given, self.courses_missed, self.grams = 0, 0, 0.0

    def live_through(self) -> int:
        """Return why the candidate is not randomised (index into SCREENING_FAILURES), or -1."""
        rules, course = self.trial.protocol.run_in, self.trial.course
        lost = response.dropout_minutes(
            float(self.draws[self.trial.plan.n_normals + at.RUN_IN_LOST_AT]),
            course.dropout_per_minute,
        )
        if whole_minute(lost) < rules.minutes:
            return RUN_IN_LOST
        self.measure_start()
        for minute in range(MINUTES_PER_WEEK - rules.minutes, 1, MINUTES_PER_WEEK):
            self.book(minute, Rank.WEEK, self.bring_up_to_date)
        for number, start in enumerate(rules.course_start):
            self.book(int(start), Rank.INFUSE, partial(self.infuse, number))
        self.env.run()
        self.measure_baseline()
        if rules.tis_at_least <= self.score < rules.tis_below:
            return -1
        return RUN_IN_RESPONSE

    def book(self, minute: int, rank: Rank, happens: Callable[[], None]) -> None:
        """Let something happen at a minute."""
        At(self.env, minute, rank).callbacks.append(lambda _: happens())

    def measure_start(self) -> None:
        """Measure the candidate at the start, before anything is given."""
        protocol, course = self.trial.protocol, self.trial.course
        self.eyes.move_on(
            response.correlation_over(course.noise_per_4_weeks, float(protocol.screening_minutes)),
            np.array([at.run_in_noise(*self.address, k) for k in range(7)]),
            np.array([at.run_in_enzyme_noise(*self.address, k) for k in range(4)]),
        )
        self.seen_at_start, self.enzymes_at_start = self.eyes.look(0.0)

    def measure_baseline(self) -> None:
        """Measure him at the end; choose his enzyme, and score him against the start."""
        protocol, course, plan = self.trial.protocol, self.trial.course, self.trial.plan
        self.eyes.move_on(
            response.correlation_over(course.noise_per_4_weeks, float(protocol.run_in.minutes)),
            self.draws[at.VISIT_NOISE_AT :][:7],
            self.draws[plan.enzyme_noise_at :][:4],
        )
        self.baseline, self.enzymes = self.eyes.look(self.benefit.net(0.0))
        self.eyes.choose(self.enzymes_at_start if protocol.run_in.is_origin else self.enzymes)
        self.baseline[measures.ENZYME] = self.enzymes[self.eyes.chosen]
        self.seen_at_start[measures.ENZYME] = self.enzymes_at_start[self.eyes.chosen]
        self.score = self.eyes.score(self.seen_at_start, self.baseline)

    def infuse(self, number: int) -> None:
        """Give one course, if there is anything to infuse."""
        protocol, rules = self.trial.protocol, self.trial.protocol.run_in
        self.bring_up_to_date()
        if self.trial.is_interrupted(self.randomised_at + int(self.env.now)):
            self.courses_missed += 1
            return
        dose = response.given_dose(
            rules.course_dose[number],
            self.weight,
            int(rules.course_days[number]),
            protocol.cap_g_per_day,
        )
        self.courses_given += 1
        self.last_course_week = int(rules.course_week[number])
        if rules.course_drug[number]:
            self.grams += dose * self.weight
            self.book(int(rules.course_end[number]), Rank.INFUSE, lambda: self.take_effect(dose))

    def take_effect(self, dose: float) -> None:
        """Reach the last day of a course of the drug, from which its effect counts."""
        self.bring_up_to_date()
        self.benefit.course_ends(int(self.env.now), dose)

    def bring_up_to_date(self) -> None:
        """Let the benefits approach their targets; prednisolone stays as it is."""
        self.benefit.bring_up_to_date(int(self.env.now), 0.0)
