"""Second reading of which courses a patient is given.

Written from docs/model.md ("Treatment") without sight of the engines.
"""

import dataclasses
import math
from collections.abc import Iterable, Sequence

WEEK = 10080
DAY = 1440
YEAR = 525960
MOST_INTERRUPTIONS = 64


@dataclasses.dataclass(frozen=True, kw_only=True)
class CourseSecond:
    """A planned course."""

    week: int
    g_per_kg: float
    days: int
    drug: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class DoseRule:
    """A change of dose: at which visit, on what score, and the courses that then replace all."""

    week: int
    from_patient: int
    below: float | None
    at_least: float | None
    courses: tuple[CourseSecond, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class AsNeeded:
    """Courses that a falling score brings."""

    from_week: int
    at_most: int
    weeks_apart: int
    if_tis_below: float | None
    if_tis_falls_by: float | None
    g_per_kg: float
    days: int
    drug: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class ArmSecond:
    """The courses and rules of an arm."""

    courses: tuple[CourseSecond, ...]  # the extension's apart
    stable_tis: float | None = None
    stable_visits: int = 0
    dose_rules: tuple[DoseRule, ...] = ()
    as_needed: AsNeeded | None = None
    switch_to: int | None = None


@dataclasses.dataclass
class GivenSecond:
    """A course that began."""

    week: int
    minute: int
    last_minute: int
    g_per_kg: float
    drug: bool


@dataclasses.dataclass
class TreatmentSecond:
    """State of a patient's treatment."""

    arm: int
    planned: list[CourseSecond]
    given: list[GivenSecond] = dataclasses.field(default_factory=list)
    stop_minute: int | None = None
    switch_minute: int | None = None
    stable_minute: int | None = None
    stable_run: int = 0
    changed_minute: int | None = None
    needed_count: int = 0
    best_tis: float = 0.0
    leave_out_next: bool = False
    missed: int = 0
    left_out: int = 0  # of these, for an adverse event
    effects: list[tuple[int, float]] = dataclasses.field(default_factory=list)
    running: GivenSecond | None = None

    @property
    def treated(self) -> bool:
        """Whether the treatment of the trial goes on."""
        return self.stop_minute is None

    def stop(self, minute: int) -> None:
        """End the treatment of the trial; a course that runs is finished."""
        if self.stop_minute is None:
            self.stop_minute = minute
        self.planned = []


def dose_given(g_per_kg: float, days: int, weight_kg: float) -> float:
    """What is given of a dose, g/kg, with at most 80 g a day."""
    return min(g_per_kg * weight_kg, 80.0 * days) / weight_kg


def starting_plan(
    arms: Sequence[ArmSecond], arm: int, extension: Sequence[CourseSecond]
) -> list[CourseSecond]:
    """Courses planned at randomisation."""
    return sorted((*arms[arm].courses, *extension), key=lambda course: course.week)


def switch_arm(
    state: TreatmentSecond,
    arms: Sequence[ArmSecond],
    extension: Sequence[CourseSecond],
    extension_week: float,
    last_week: int,
    week: int,
    minute: int,
) -> bool:
    """Give the courses of another arm from this visit on, or end treatment; whether it switched."""
    target = arms[state.arm].switch_to
    if state.switch_minute is not None or target is None:
        state.stop(minute)
        return False
    moved = [
        dataclasses.replace(course, week=course.week + week)
        for course in arms[target].courses
        if course.week + week < extension_week and course.week + week <= last_week
    ]
    rest = [course for course in extension if course.week >= week]
    state.planned = sorted((*moved, *rest), key=lambda course: course.week)
    state.arm = target
    state.switch_minute = minute
    return True


def apply_rules(
    state: TreatmentSecond,
    arms: Sequence[ArmSecond],
    extension: Sequence[CourseSecond],
    *,
    extension_week: float,
    week: int,
    minute: int,
    tis: float | None,
    number: int,
) -> None:
    """Apply the arm's rules of treatment at an attended visit, in their order."""
    arm = arms[state.arm]
    if arm.stable_tis is not None:
        state.stable_run = state.stable_run + 1 if tis is not None and tis >= arm.stable_tis else 0
        if state.stable_minute is None and state.stable_run >= arm.stable_visits:
            state.stable_minute = minute
            state.planned = []
    if state.stable_minute is None and tis is not None:
        for rule in arm.dose_rules:
            if rule.week != week or number < rule.from_patient:
                continue
            if rule.below is not None and not tis < rule.below:
                continue
            if rule.at_least is not None and not tis >= rule.at_least:
                continue
            own = [course for course in rule.courses if week <= course.week < extension_week]
            rest = [course for course in extension if course.week >= week]
            state.planned = sorted((*own, *rest), key=lambda course: course.week)
            state.changed_minute = minute
            break
    if tis is not None:
        if arm.as_needed is not None:
            _give_as_needed(state, arm.as_needed, week, tis)
        state.best_tis = max(state.best_tis, tis)


def _give_as_needed(state: TreatmentSecond, rule: AsNeeded, week: int, tis: float) -> None:
    if week < rule.from_week or state.needed_count >= rule.at_most:
        return
    if any(course.week == week for course in state.planned):
        return
    if state.given and week - state.given[-1].week < rule.weeks_apart:
        return
    low = rule.if_tis_below is not None and tis < rule.if_tis_below
    fell = rule.if_tis_falls_by is not None and state.best_tis - tis >= rule.if_tis_falls_by
    if low or fell:
        course = CourseSecond(week=week, g_per_kg=rule.g_per_kg, days=rule.days, drug=rule.drug)
        state.planned.insert(0, course)
        state.needed_count += 1


def begin_course(
    state: TreatmentSecond,
    course: CourseSecond,
    *,
    minute: int,
    weight_kg: float,
    interrupted: bool,
) -> None:
    """Give or lose a course that is due."""
    if interrupted:  # a course lost so is not the one that an adverse event has left out
        state.missed += 1
        return
    if state.leave_out_next:
        state.leave_out_next = False
        state.missed += 1
        state.left_out += 1
        return
    if state.running is not None:  # cut short: its effect counts from now
        finish_course(state, minute)
    dose = dose_given(course.g_per_kg, course.days, weight_kg)
    last = minute + (course.days - 1) * DAY
    begun = GivenSecond(
        week=course.week, minute=minute, last_minute=last, g_per_kg=dose, drug=course.drug
    )
    state.given.append(begun)
    state.running = begun
    if last == minute:
        finish_course(state, minute)


def finish_course(state: TreatmentSecond, minute: int) -> None:
    """Let the running course's effect count from this minute."""
    if state.running is None:
        return
    if state.running.drug:
        state.effects.append((minute, state.running.g_per_kg))
    state.running = None


def supply_gaps(
    uniforms: Iterable[float], per_year: float, weeks_without: float
) -> list[tuple[int, int]]:
    """Spells without supply, each from a minute of the calendar up to but not with another."""
    spells = []
    clock = 0
    if per_year <= 0.0:
        return spells
    for u in uniforms:
        clock += round(-math.log(u) / per_year * YEAR)
        end = clock + round(weeks_without * WEEK)
        spells.append((clock, end))
        clock = end
    return spells
