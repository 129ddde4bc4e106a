"""The courses planned for one patient, in the engine to read, and the rules that change them."""

from __future__ import annotations

from typing import NamedTuple

from simtrial.cohort.protocol import Protocol
from simtrial.core.units import MINUTES_PER_DAY, MINUTES_PER_WEEK


class Planned(NamedTuple):
    """A course: first and last day in minutes since randomisation, and what is to be given."""

    week: int  # under which its random numbers stand
    start: int
    end: int
    days: int
    dose_g_per_kg: float
    is_drug: bool


def courses_of(
    protocol: Protocol,
    visit_minute: list[int],
    regimen: int,
    *,
    shift: int = 0,
    first_week: int = 0,
) -> list[Planned]:
    """Return a regimen's courses from a week on, ``shift`` weeks later than written.

    A course in the week of a visit begins when the visit takes place. After the courses of the
    regimen come those of the extension; none is planned beyond the week of the last visit.
    """
    out = []
    rules = protocol.treatment
    extends = rules.extension >= 0
    for number in (regimen, int(rules.extension)) if extends else (regimen,):
        is_extension = extends and number == rules.extension
        for j in range(int(protocol.n_courses[number])):
            week = int(protocol.course_week[number, j]) + (0 if is_extension else shift)
            too_late = week >= protocol.visit_of_week.shape[0] or (
                extends and not is_extension and week >= rules.extension_week
            )
            if week < first_week or too_late:
                continue
            visit = int(protocol.visit_of_week[week])
            start = visit_minute[visit] if visit >= 0 else week * MINUTES_PER_WEEK
            days = int(protocol.course_days[number, j])
            out.append(
                Planned(
                    week=week,
                    start=start,
                    end=start + (days - 1) * MINUTES_PER_DAY,
                    days=days,
                    dose_g_per_kg=float(protocol.course_dose[number, j]),
                    is_drug=bool(protocol.course_drug[number, j]),
                )
            )
    return out


def course_as_needed(protocol: Protocol, arm: int, week: int, start: int) -> Planned:
    """Return a course that an arm's rule gives at a visit."""
    rules = protocol.treatment
    days = int(rules.needed_days[arm])
    return Planned(
        week=week,
        start=start,
        end=start + (days - 1) * MINUTES_PER_DAY,
        days=days,
        dose_g_per_kg=float(rules.needed_dose[arm]),
        is_drug=bool(rules.needed_drug[arm]),
    )


def dose_change(protocol: Protocol, arm: int, visit: int, tis: float, patient: int) -> int | None:
    """Return the regimen that the first fitting rule of an arm changes to at a visit."""
    rules = protocol.treatment
    for q in range(rules.change_visit.shape[1]):
        if rules.change_visit[arm, q] != visit or patient < rules.change_from[arm, q]:
            continue
        limit = rules.change_tis[arm, q]
        if tis < limit if rules.change_if_below[arm, q] else tis >= limit:
            return int(rules.change_to[arm, q])
    return None
