"""The benefits of one patient in the engine to read, and what they are on the way to."""

from __future__ import annotations

from simtrial.cohort.course import Course
from simtrial.cohort.reference.person import Disposition
from simtrial.core.arithmetic import plog
from simtrial.myositis import response


class Benefit:
    """What drug, background and prednisolone give a patient, and what a flare takes.

    Minutes count from randomisation; before it, in a run-in, they are negative.
    """

    def __init__(self, course: Course, person: Disposition, begins: int) -> None:
        self.course, self.person = course, person
        self.drug, self.background, self.steroid, self.flare_loss = 0.0, 0.0, 0.0, 0.0
        self.known_until = begins
        # logarithm of the exposure, and the minute from which it fades
        self.exposure, self.exposed_at = response.NO_EFFECT, 0
        self.first_end: int | None = None  # last day of the first course of the drug
        self.improves = person.improves
        self.background_goal = course.background_depth
        self.background_rate = course.k_background

    def course_ends(self, now: int, dose_g_per_kg: float) -> None:
        """Reach the last day of a course of the drug, from which its effect counts."""
        course = self.course
        self.exposure = response.joined_exposure(
            self.exposure,
            float(now - self.exposed_at),
            plog(dose_g_per_kg),
            course.half_life_minutes,
            course.dynamics.courses_add,
        )
        self.exposed_at = now
        if self.first_end is None:
            self.first_end = now

    def bring_up_to_date(self, now: int, change_mg: float) -> None:
        """Let every benefit approach its target from the last instant to this one.

        ``change_mg`` : the dose of prednisolone since then, less the entry dose.
        """
        course, dynamics = self.course, self.course.dynamics
        minutes = float(now - self.known_until)
        if minutes == 0.0:
            return
        if self.person.responds and self.exposure > response.NO_EFFECT:
            middle = self.known_until + 0.5 * minutes
            log_x = response.log_effect(
                self.exposure, middle - self.exposed_at, course.half_life_minutes
            )
            goal = response.target_benefit(
                self.person.depth, self.person.log_x50, course.hill, log_x
            )
            if self.person.is_transient and self.first_end is not None:
                goal *= response.fading(
                    middle - self.first_end, dynamics.transient_half_life_minutes
                )
            self.drug = response.relax(self.drug, goal, course.k_on, minutes)
        if self.improves:
            self.background = response.relax(
                self.background, self.background_goal, self.background_rate, minutes
            )
        goal = response.steroid_target(dynamics.steroid_effect, dynamics.steroid_d50, change_mg)
        self.steroid = response.relax(self.steroid, goal, dynamics.k_steroid, minutes)
        self.flare_loss = response.relax(self.flare_loss, 0.0, dynamics.k_flare, minutes)
        self.known_until = now

    def begin_standard_therapy(self) -> None:
        """Let the background improve as under standard therapy, or farther if it would have."""
        course = self.course
        reached_without = self.background_goal if self.improves else 0.0
        self.background_goal = max(course.standard_depth, reached_without)
        self.background_rate, self.improves = course.k_standard, True

    def net(self, declined: float) -> float:
        """Return the benefit of everything together, after a decline."""
        return response.net_benefit(
            self.drug, self.background, self.steroid, declined, self.flare_loss
        )
