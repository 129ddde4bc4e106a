"""Harm in the engine to read: what a course brings is drawn when given, and put on the calendar.

What is put there happens only if the patient is still in the study when its minute comes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort import draws as at
from simtrial.cohort.protocol import Protocol
from simtrial.cohort.reference.courses import Planned
from simtrial.cohort.risk import DRUG, PLACEBO, Risk
from simtrial.cohort.rules import whole_minute
from simtrial.cohort.snapshot import Snapshot
from simtrial.myositis import harm

Calendar = Callable[[int, Callable[[], None]], None]


class Harm:
    """The adverse events of one patient.

    Parameters
    ----------
    uniforms : (4,) of the patient's RISK purpose, in the order of its slots.
    calendar : takes a minute since randomisation and what happens then.
    stop : ends treatment for harm, now.
    """

    def __init__(
        self,
        protocol: Protocol,
        risk: Risk,
        seen: Snapshot,
        key: tuple[int, int],
        address: tuple[int, int, int],
        frailty: float,
        uniforms: NDArray[np.float64],
        calendar: Calendar,
        stop: Callable[[], None],
    ) -> None:
        self.protocol, self.risk, self.seen, self.key = protocol, risk, seen, key
        self.address, self.frailty = address, frailty
        self.uniforms, self.calendar, self.stop = uniforms, calendar, stop
        seen.cancer[key] = uniforms[0] < risk.cancer_share
        seen.previous_thromboembolism[key] = uniforms[1] < risk.previous_share
        self.clot_risk = harm.risk_of_thromboembolism(
            seen.age[key],
            seen.cancer[key],
            seen.previous_thromboembolism[key],
            risk.log_hr_decade,
            risk.log_hr_cancer,
            risk.log_hr_previous,
        )

    def begin(self) -> None:
        """Put on the calendar the thromboembolism that comes without a course."""
        minutes = harm.spontaneous_minutes(
            harm.unit_exponential(self.uniforms[2]), self.risk.clot_per_minute * self.clot_risk
        )
        last = self.seen.serious_minute.shape[2]
        self.clot(whole_minute(minutes), last, self.uniforms[3])

    def after_course(self, course: int, planned: Planned, dose: float) -> None:
        """Put on the calendar what a course brings, ``course`` counting from 0."""
        risk = self.risk
        week, start, end = planned.week, planned.start, planned.end
        infused = DRUG if planned.is_drug else PLACEBO

        def uniform(slot: int) -> float:
            return at.course_harm(*self.address, week, slot)

        hazard = harm.reaction_hazard(
            risk.reaction_rate[infused], self.frailty, risk.reaction_first, course
        )
        if harm.unit_exponential(uniform(at.REACTS)) < hazard:
            self.reaction(start + harm.reaction_minutes(uniform(at.REACTION_WHEN)), course, uniform)
        fast = harm.risk_of_dose_per_day(dose, planned.days, risk.log_hr_dose)
        after = harm.thromboembolism_minutes(
            harm.unit_exponential(uniform(at.CLOTS)),
            risk.clot_rate[infused] * self.clot_risk * fast,
            risk.clot_first_days,
        )
        if after != harm.NOT_AT_ALL:
            self.clot(end + math.floor(after), course, uniform(at.AFTER_CLOT))
        after = harm.serious_minutes(
            harm.unit_exponential(uniform(at.FALLS_ILL)), risk.serious_rate[infused]
        )
        if after != harm.NOT_AT_ALL:
            self.illness(start + math.floor(after), course, uniform(at.AFTER_ILLNESS))

    def reaction(self, minute: int, course: int, uniform: Callable[[int], float]) -> None:
        """Put an infusion reaction on the calendar."""
        risk, seen, key = self.risk, self.seen, self.key
        kind = int(np.searchsorted(risk.kind_upto, uniform(at.REACTION_KIND), side="right"))
        serious = uniform(at.REACTION_SERIOUS) < risk.reaction_serious
        stops = uniform(at.AFTER_REACTION) < (risk.stop_serious if serious else risk.stop_reaction)

        def happen() -> None:
            seen.reaction_minute[key][course] = minute
            seen.reaction_kind[key][course] = kind
            seen.reaction_serious[key][course] = serious
            if stops:
                self.stop()

        self.calendar(minute, happen)

    def clot(self, minute: int, column: int, action: float) -> None:
        """Put a thromboembolism on the calendar."""

        def happen() -> None:
            self.seen.thromboembolism_minute[self.key][column] = minute
            if action < self.risk.stop_serious:
                self.stop()

        self.calendar(minute, happen)

    def illness(self, minute: int, course: int, action: float) -> None:
        """Put another serious event on the calendar."""

        def happen() -> None:
            self.seen.serious_minute[self.key][course] = minute
            if action < self.risk.stop_serious:
                self.stop()

        self.calendar(minute, happen)
