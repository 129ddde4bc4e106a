"""Windows of visits: how wide they may be before visits or courses could change their order.

A course in the week of a visit begins with that visit, any other at its scheduled minute. So a wide
window could bring two courses of one plan together, or a visit behind a course that it plans.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from simtrial.core.config import FieldFault
from simtrial.trial.treatment import Courses, DoseChange


class PlannedCourse(NamedTuple):
    """A course in one plan: its week, and over how many days it runs."""

    week: int
    days: int


class CoursePlan(NamedTuple):
    """Courses that may stand in one patient's plan together, in order.

    ``words`` say whose they are; ``decided`` is the week of the visit that puts them there, None
    for those planned at randomisation.
    """

    words: str
    decided: int | None
    courses: tuple[PlannedCourse, ...]


def check_windows(window: int, visits: Sequence[int], plans: Iterable[CoursePlan]) -> None:
    """Refuse a window of so many days in which visits or courses could change their order.

    Raises
    ------
    FieldFault : with the widest window that is allowed.
    """
    limits = [*_limits_of_visits(visits)]
    for plan in plans:
        limits += _limits_of(plan, visits)
    most, rule = min(limits, key=lambda limit: limit[0])
    if window > most:
        raise FieldFault("visit_window_days", rule, example=f"visit_window_days: {most}")


def _limits_of_visits(visits: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Yield the widest window that keeps two visits apart, and what happens beyond it."""
    for before, after in itertools.pairwise(visits):
        # the baseline visit has no window: it is the day of randomisation
        most = (7 * (after - before) - 1) // (1 if before == 0 else 2)
        yield most, f"the windows of the visits in weeks {before} and {after} could touch"


def _limits_of(plan: CoursePlan, visits: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Yield the widest windows that keep a plan's courses in order and after their decision."""
    for course in plan.courses:
        if plan.decided is not None and course.week not in visits:
            yield (
                7 * (course.week - plan.decided),
                f"the visit of week {plan.decided} decides on a course of {plan.words} in week "
                f"{course.week}, which is no visit, and could come after it",
            )
    for one, other in itertools.pairwise(plan.courses):
        moves = (one.week in visits[1:]) + (other.week in visits[1:])
        if moves:
            yield (
                (7 * (other.week - one.week) - one.days) // moves,
                f"courses begin at the visit of their week, and those of {plan.words} in "
                f"weeks {one.week} and {other.week} could overlap",
            )


def course_plans(
    regimens: Mapping[str, tuple[Courses, Sequence[DoseChange]]],
    *,
    extension: Courses,
    targets: Iterable[str],
    switch_from: int | None,
    visits: Sequence[int],
) -> Iterator[CoursePlan]:
    """Yield every list of courses that a design may plan for a patient.

    Parameters
    ----------
    regimens : arm -> its courses, and the rules that may put others in their place.
    extension : its courses, to which those of an arm give way from its first week on.
    targets : arms to whose treatment patients switch, from a visit in ``switch_from`` on.
    """
    beyond = extension[0].week if extension else visits[-1] + 1

    def plan(words: str, decided: int, courses: Iterable[PlannedCourse]) -> CoursePlan:
        kept = tuple(course for course in courses if course.week < beyond)
        later = tuple(course for course in _planned(extension) if course.week >= decided)
        return CoursePlan(words, decided, kept + later)

    for name, (courses, changes) in regimens.items():
        yield CoursePlan(f"arm {name}", None, _planned(courses) + _planned(extension))
        for change in changes:
            words = f"a change of dose in arm {name}"
            yield plan(words, change.at_week, _planned(change.courses))
    if switch_from is None:
        return
    for target in dict.fromkeys(targets):
        for visit in visits[1:]:
            if visit >= switch_from:
                moved = (PlannedCourse(c.week + visit, c.days) for c in regimens[target][0])
                yield plan(f"arm {target} after a switch", visit, moved)


def _planned(courses: Courses) -> tuple[PlannedCourse, ...]:
    return tuple(PlannedCourse(course.week, course.days) for course in courses)
