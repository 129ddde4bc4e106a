"""Harm of one patient: infusion reactions, thromboembolism, other serious events, what follows.

Each infusion course brings at most one event of each class. An event happens when a unit
exponential lies below the course's cumulative hazard, so rates are expected events per course.

Reactions fall on the three days from the course's first day on; their rate is the patient's own
(a log-normal frailty of mean 1) and higher at the first course. The hazard of thromboembolism is
constant over the first two days after the course's last day, constant again to day 14; that of the
disease runs beside it at all times; age, cancer, an earlier event and the dose per day
multiply it. Other serious events have a constant hazard over the 28 days from the first day on.
"""

from __future__ import annotations

import math

from simtrial.core.arithmetic import pexp, plog
from simtrial.core.compiled import step
from simtrial.core.units import MINUTES_PER_DAY

REACTIONS = ("headache", "flu_like", "nausea", "skin")
N_REACTIONS = 4

REACTION_DAYS = 3
FIRST_DAYS, LAST_DAY = 2, 14  # after a course's last day: the two windows of thromboembolism
SERIOUS_DAYS = 28

# the patient and the course whose hazard is the stated one
REFERENCE_AGE = 55.0
REFERENCE_G_PER_KG_DAY = 0.4  # 2 g/kg over five days, as in document 004

_DAY = float(MINUTES_PER_DAY)
NOT_AT_ALL = -1.0


@step
def unit_exponential(u: float) -> float:
    """Return a standard exponential from a uniform."""
    return -plog(u)


@step
def may_happen(u: float, hazard: float) -> bool:
    """Return False only where ``unit_exponential(u) < hazard`` is certainly false.

    -log(u) is at least 1 - u, so most events are ruled out without a logarithm; the room of one
    in ten million is far above every rounding.
    """
    return 1.0 - u <= hazard * 1.0000001


@step
def reaction_frailty(sd: float, z: float) -> float:
    """Return a patient's multiplier of the reaction rate: log-normal with mean 1."""
    return pexp(sd * z - 0.5 * sd * sd)


@step
def reaction_hazard(per_course: float, frailty: float, first_course: float, course: int) -> float:
    """Return the expected reactions of a patient's course; ``course`` counts from 0."""
    hazard = per_course * frailty
    return hazard * first_course if course == 0 else hazard


@step
def reaction_minutes(u: float) -> int:
    """Return whole minutes from the start of a course to its reaction."""
    return int(math.floor(u * (REACTION_DAYS * _DAY)))


@step
def risk_of_thromboembolism(
    age: float,
    cancer: bool,
    previous: bool,
    log_hr_decade: float,
    log_hr_cancer: float,
    log_hr_previous: float,
) -> float:
    """Return a patient's multiplier of every hazard of thromboembolism."""
    log_risk = log_hr_decade * ((age - REFERENCE_AGE) / 10.0)
    if cancer:
        log_risk += log_hr_cancer
    if previous:
        log_risk += log_hr_previous
    return pexp(log_risk)


@step
def risk_of_dose_per_day(dose_g_per_kg: float, days: int, log_hr_per_g_per_kg_day: float) -> float:
    """Return a course's multiplier for how fast it is given."""
    return pexp(log_hr_per_g_per_kg_day * (dose_g_per_kg / days - REFERENCE_G_PER_KG_DAY))


@step
def thromboembolism_minutes(exponential: float, hazard: float, first_days_share: float) -> float:
    """Return minutes from a course's last day to the event it brings, or NOT_AT_ALL.

    ``hazard`` : expected events of the course, of which ``first_days_share`` within two days and
    the rest within the twelve days that follow.
    """
    if exponential >= hazard:
        return NOT_AT_ALL
    early = first_days_share * hazard
    if exponential < early:
        return exponential / early * (FIRST_DAYS * _DAY)
    later = (exponential - early) / (hazard - early)
    return FIRST_DAYS * _DAY + later * ((LAST_DAY - FIRST_DAYS) * _DAY)


@step
def serious_minutes(exponential: float, hazard: float) -> float:
    """Return minutes from a course's first day to another serious event, or NOT_AT_ALL."""
    if exponential >= hazard:
        return NOT_AT_ALL
    return exponential / hazard * (SERIOUS_DAYS * _DAY)


@step
def spontaneous_minutes(exponential: float, per_minute: float) -> float:
    """Return minutes to a thromboembolism that no course brings; 1e300 means never."""
    if per_minute <= 0.0:
        return 1e300
    return exponential / per_minute
