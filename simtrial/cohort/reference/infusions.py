"""Infusions of one patient in the engine to read: courses planned, begun, ended, missed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol as Shape

from simtrial.cohort.protocol import Protocol
from simtrial.cohort.reference.calendar import At, Rank
from simtrial.cohort.reference.courses import Planned
from simtrial.cohort.snapshot import Snapshot
from simtrial.myositis import response


class Trial(Shape):
    """What infusions need of the trial that they are part of."""

    protocol: Protocol
    seen: Snapshot

    def is_interrupted(self, minute: int) -> bool:
        """Return whether there is nothing to infuse at a minute of the calendar."""


class Infusions:
    """The courses of one patient. He says what comes before and after each."""

    def __init__(
        self,
        trial: Trial,
        key: tuple[int, int],
        event: Callable[[int, Rank], At],
        *,
        before: Callable[[], None],
        may_begin: Callable[[], bool],
        given: Callable[[int, Planned, float], None],
        takes_effect: Callable[[float], None],
    ) -> None:
        """Start without any course.

        Parameters
        ----------
        event : puts a minute since randomisation on the calendar.
        before : brings the patient up to date.
        may_begin : whether he is in the study, and it is not over.
        given : told the number, the course and the dose in g/kg of one that begins.
        takes_effect : told the dose of a course of the drug at its end.
        """
        self.trial, self.key, self.event = trial, key, event
        self.before, self.may_begin = before, may_begin
        self.given, self.takes_effect = given, takes_effect
        self.randomised_at, self.weight = 0, 0.0  # known once he is randomised
        self.planned: list[Planned] = []  # courses still to come
        self.running: Planned | None = None  # the course begun and not yet finished
        self.running_dose = 0.0
        self.last_week: int | None = None  # of the course given last
        self.leaves_out_next = False  # an event has the next course left out

    def replan(self, courses: list[Planned]) -> None:
        """Put other courses on the calendar in place of all those still to come."""
        self.planned.clear()
        for planned in courses:
            self.plan(planned)

    def plan(self, planned: Planned) -> None:
        """Put a course on the calendar; it is given unless the plan has changed until then."""
        self.planned.append(planned)
        booked = self.event(planned.start, Rank.INFUSE)
        # the very course that is booked here, not one like it that was planned later
        booked.callbacks.append(
            lambda _: self.begin(planned) if any(p is planned for p in self.planned) else None
        )

    def leave_out_next(self) -> None:
        """Have the next course left out; a second event before it changes nothing."""
        self.leaves_out_next = True

    def begin(self, planned: Planned) -> None:
        """Begin a planned course, if there is anything to infuse."""
        if not self.may_begin():
            return
        self.planned = [p for p in self.planned if p is not planned]
        self.before()
        if self.trial.is_interrupted(self.randomised_at + planned.start):
            self.trial.seen.missed_courses[self.key] += 1
            return
        if self.leaves_out_next:
            self.leaves_out_next = False
            self.trial.seen.missed_courses[self.key] += 1
            return
        if self.running is not None:
            self.finish(self.running)  # a course still running is cut short by the next
        self.infuse(planned)

    def infuse(self, planned: Planned) -> None:
        """Give one course."""
        protocol, key, seen = self.trial.protocol, self.key, self.trial.seen
        dose = response.given_dose(
            planned.dose_g_per_kg, self.weight, planned.days, protocol.cap_g_per_day
        )
        number = int(seen.courses[key])
        seen.course_minute[key][number] = planned.start
        seen.course_days[key][number] = planned.days
        seen.course_dose[key][number] = dose
        seen.course_drug[key][number] = planned.is_drug
        seen.courses[key] += 1
        if planned.is_drug:
            seen.grams[key] += dose * self.weight
        self.running, self.running_dose = planned, dose
        self.last_week = planned.week
        if planned.end == planned.start:
            self.finish(planned)
        else:
            ended = self.event(planned.end, Rank.INFUSE)
            ended.callbacks.append(lambda _: self.finish(planned))
        self.given(number, planned, dose)

    def finish(self, planned: Planned) -> None:
        """Reach the last day of a course, from which its effect counts."""
        if self.running is not planned or not self.may_begin():
            return
        self.before()
        self.running = None
        if planned.is_drug:
            self.takes_effect(self.running_dose)
