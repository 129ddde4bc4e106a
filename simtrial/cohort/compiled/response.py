"""Benefit in the quick engine: brought up to date over one step of a patient's grid.

No step is longer than a week, and most last whole days; what is left of the way to a target after
one to seven days is computed once for all patients of a trial.
"""

from __future__ import annotations

from simtrial.cohort.compiled.room import DOSE, ENTRY, Room
from simtrial.cohort.course import Course
from simtrial.cohort.protocol import NEVER
from simtrial.core.compiled import inlined
from simtrial.core.units import MINUTES_PER_DAY
from simtrial.myositis.response import (
    approach,
    fading,
    log_effect,
    share_left,
    steroid_target,
    target_benefit,
)


@inlined
def drug_after(
    course: Course,
    room: Room,
    g: float,
    depth: float,
    log_x50: float,
    log_dose: float,
    since: int,
    now: int,
    minutes: int,
    fades: bool,
    first_end: int,
) -> float:
    """Return the drug's benefit ``minutes`` after ``now``.

    ``log_dose, since`` : logarithm of the exposure at minute ``since``, from which it decays.
    ``fades`` : whether the target itself fades, from the last day of the first course on, at
    minute ``first_end``; NEVER while there was none.
    """
    middle = now + 0.5 * minutes
    log_x = log_effect(log_dose, middle - since, course.half_life_minutes)
    goal = target_benefit(depth, log_x50, course.hill, log_x)
    if fades and first_end < NEVER:
        goal *= fading(middle - first_end, course.dynamics.transient_half_life_minutes)
    days = minutes // MINUTES_PER_DAY
    if days * MINUTES_PER_DAY == minutes:
        return approach(g, goal, room.drug_left[days])
    return approach(g, goal, share_left(course.k_on, float(minutes)))


@inlined
def background_after(
    course: Course, room: Room, b: float, goal: float, rate: float, minutes: int
) -> float:
    """Return the benefit without the drug, ``minutes`` later, on its way to ``goal``."""
    days = minutes // MINUTES_PER_DAY
    if rate == course.k_background and days * MINUTES_PER_DAY == minutes:
        return approach(b, goal, room.background_left[days])
    return approach(b, goal, share_left(rate, float(minutes)))


@inlined
def steroid_after(course: Course, room: Room, s: float, minutes: int) -> float:
    """Return the benefit of a changed dose of prednisolone, ``minutes`` later."""
    change_mg = room.dose[DOSE] - room.dose[ENTRY]
    goal = steroid_target(course.dynamics.steroid_effect, course.dynamics.steroid_d50, change_mg)
    days = minutes // MINUTES_PER_DAY
    if days * MINUTES_PER_DAY == minutes:
        return approach(s, goal, room.steroid_left[days])
    return approach(s, goal, share_left(course.dynamics.k_steroid, float(minutes)))


@inlined
def flare_after(course: Course, room: Room, w: float, minutes: int) -> float:
    """Return what flares still take of the benefit, ``minutes`` later."""
    days = minutes // MINUTES_PER_DAY
    if days * MINUTES_PER_DAY == minutes:
        return approach(w, 0.0, room.flare_left[days])
    return approach(w, 0.0, share_left(course.dynamics.k_flare, float(minutes)))
