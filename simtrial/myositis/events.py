"""Adverse events of seven further classes: what a course of the drug brings, and what time brings.

After a course: aseptic meningitis within two days of its last infusion day, likelier with
migraine; haemolysis five to ten days after it, in all but blood group O, by dose. Each happens
when a unit exponential lies below the course's expected number of events.

Between two scheduled visits: infection and harm of prednisolone (both by the daily dose prescribed
when the interval opens), a diagnosis of cancer, death from the disease, and worsening reported as
an adverse event. Each has a constant hazard over the interval and happens at most once in it.
"""

from __future__ import annotations

import math

from simtrial.core.arithmetic import pexp
from simtrial.core.compiled import step
from simtrial.core.units import MINUTES_PER_DAY

COURSE_EVENTS = ("meningitis", "haemolysis")
INTERVAL_EVENTS = ("infection", "steroid_toxicity", "cancer", "death", "progression")
EVENTS = (*COURSE_EVENTS, *INTERVAL_EVENTS)
MENINGITIS, HAEMOLYSIS, INFECTION, STEROID_TOXICITY, CANCER, DEATH, PROGRESSION = range(7)
N_COURSE_EVENTS, N_INTERVAL_EVENTS, N_EVENTS = 2, 5, 7

MENINGITIS_DAYS = 2  # from a course's last infusion day
HAEMOLYSIS_FROM_DAY, HAEMOLYSIS_TO_DAY = 5, 10
REFERENCE_G_PER_KG = 2.0  # the dose whose rate of haemolysis is the stated one
PREDNISOLONE_STEP_MG = 10.0  # hazards of prednisolone are stated for 10 mg a day

_DAY = float(MINUTES_PER_DAY)
NOT_IN_INTERVAL = -1


@step
def meningitis_hazard(per_course: float, migraine: bool, hr_migraine: float) -> float:
    """Return the expected aseptic meningitis of a course."""
    return per_course * hr_migraine if migraine else per_course


@step
def meningitis_minutes(u: float) -> int:
    """Return whole minutes from a course's last infusion day to its aseptic meningitis."""
    return int(math.floor(u * (MENINGITIS_DAYS * _DAY)))


@step
def haemolysis_hazard(
    per_course: float, group_o: bool, dose_g_per_kg: float, log_hr_per_g_per_kg: float
) -> float:
    """Return the expected haemolysis of a course; there is none in blood group O."""
    if group_o or per_course <= 0.0:
        return 0.0
    return per_course * pexp(log_hr_per_g_per_kg * (dose_g_per_kg - REFERENCE_G_PER_KG))


@step
def haemolysis_minutes(u: float) -> int:
    """Return whole minutes from a course's last infusion day to its haemolysis."""
    spread = (HAEMOLYSIS_TO_DAY - HAEMOLYSIS_FROM_DAY) * _DAY
    return HAEMOLYSIS_FROM_DAY * MINUTES_PER_DAY + int(math.floor(u * spread))


@step
def infection_rate(per_minute: float, log_hr_10mg: float, prednisolone_mg: float) -> float:
    """Return infections per minute under a daily dose of prednisolone."""
    if (
        per_minute <= 0.0
    ):  # the hazard ratio of an enormous dose is infinite, and 0 times it no number
        return 0.0
    return per_minute * pexp(log_hr_10mg * (prednisolone_mg / PREDNISOLONE_STEP_MG))


@step
def steroid_toxicity_rate(per_minute_10mg: float, prednisolone_mg: float) -> float:
    """Return adverse events of prednisolone per minute: proportional to the daily dose."""
    return per_minute_10mg * (prednisolone_mg / PREDNISOLONE_STEP_MG)


@step
def minutes_into_interval(exponential: float, per_minute: float, interval_minutes: int) -> int:
    """Return whole minutes from an interval's opening to its event, or NOT_IN_INTERVAL.

    The time is where the cumulated constant hazard reaches the unit exponential. It lies before
    the visit that closes the interval, so that no two intervals share a minute.
    """
    if exponential >= per_minute * interval_minutes:
        return NOT_IN_INTERVAL
    return min(int(math.floor(exponential / per_minute)), interval_minutes - 1)
