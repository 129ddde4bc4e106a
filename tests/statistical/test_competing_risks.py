"""Dropout, death, a stop for harm and rescue compete: who leaves by which, and when.

Nobody responds and nothing is measured with error, so the score is 0 and every attended visit is
one of insufficient response. The causes are then independent clocks, and the first to strike takes
the patient: dropout and death strike at constant hazards; a serious event comes at a constant
hazard over each course's 28 days, once a course at most, and stops treatment with its chance while
another course is still to come; rescue strikes at the visits of weeks 8 and 12 with its chance.
The cumulative incidence of a cause is the integral of its density times the chance that no other
struck before, done here by adaptive quadrature between the instants at which anything changes.

False alarm of every check: 1e-6, from exact binomial tails. With 200,000 patients a share of 0.1
that is off by 0.4 points is seen with probability 0.95. The faults it can see: a cause whose clock
starts anew at a visit or a course, a cause that goes on after another struck, a second event of a
course, an event after the last course that stops treatment, an order of two causes turned.
"""

from __future__ import annotations

import math
from functools import cache

import pytest
from scipy.integrate import quad

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.snapshot import Snapshot
from simtrial.core.units import DAYS_PER_YEAR, MINUTES_PER_WEEK
from tests.agreement.scripted import design, simulate
from tests.statistical.exact import assert_count

WEEKS, VISITS, COURSES = 16, (0, 4, 8, 12, 16), (0, 4, 8, 12)
DROPOUT_16, DEATH_YEAR, SERIOUS, STOPS, RESCUE = 0.3, 0.9, 0.25, 0.6, 0.2
RESCUED_AT = (8, 12)  # not before week 8, and not at the last visit
CAUSES = ("dropout", "death", "harm", "rescue")


# --- theory -------------------------------------------------------------------------------------


def hazard(cause: str) -> float:
    """Return the hazard per week of a cause whose hazard is constant."""
    if cause == "dropout":
        return -math.log(1.0 - DROPOUT_16) / WEEKS
    return DEATH_YEAR * 7.0 / DAYS_PER_YEAR


def survival(cause: str, week: float) -> float:
    """Return the chance that a clock has not struck up to and including a time, were it alone."""
    if cause == "rescue":
        return (1.0 - RESCUE) ** sum(visit <= week for visit in RESCUED_AT)
    if cause == "harm":
        out = 1.0
        for start in COURSES[:-1]:  # after the last course nothing is left to stop
            inside = min(max(week - start, 0.0), 4.0)
            out *= 1.0 - STOPS * (1.0 - math.exp(-SERIOUS * inside / 4.0))
        return out
    return math.exp(-hazard(cause) * week)


def intensity(cause: str, week: float) -> float:
    """Return the hazard of a clock that strikes at any time, between its instants of change."""
    if cause != "harm":
        return hazard(cause)
    if week >= COURSES[-1]:
        return 0.0
    left = math.exp(-SERIOUS * (week % 4.0) / 4.0)
    return STOPS * SERIOUS / 4.0 * left / (1.0 - STOPS * (1.0 - left))


def all_survive(week: float) -> float:
    return math.prod(survival(cause, week) for cause in CAUSES)


def incidence(cause: str, until: int) -> float:
    """Return the chance that a cause is the first to strike, before the visit of a week.

    That visit comes before whatever else happens in its minute, but rescue at it is included.
    """
    if cause == "rescue":
        others = [c for c in CAUSES if c != "rescue"]
        return sum(
            RESCUE
            * (1.0 - RESCUE) ** RESCUED_AT.index(visit)
            * math.prod(survival(c, visit) for c in others)
            for visit in RESCUED_AT
            if visit <= until
        )
    total = 0.0
    for start in range(0, until, 4):
        part, error = quad(
            lambda t: intensity(cause, t) * all_survive(t), start, start + 4 - 1e-12, epsabs=1e-12
        )
        assert error < 1e-9
        total += part
    return total


def test_the_incidences_and_the_chance_to_stay_add_up_to_one() -> None:
    for until in VISITS[1:]:
        total = sum(incidence(cause, until) for cause in CAUSES) + all_survive(until)
        assert abs(total - 1.0) < 1e-9


# --- simulation ---------------------------------------------------------------------------------


@cache
def people() -> Snapshot:
    """Simulate 200,000 patients; whoever meets one of the four causes leaves the study."""
    scripted = design(
        arms={"ivig": {"dose_g_per_kg": 1.0, "every_weeks": 4, "infusions": 4}},
        visits_weeks=list(VISITS),
        intercurrent={
            "rescue": {"allowed_from_week": 8, "then": "leave_study"},
            "harm": {"then": "leave_study"},
        },
        sample_size={"n": 10_000},
    )
    truth = {
        "p_response[DM, refractory]": 0.0,
        "dropout_16_weeks": DROPOUT_16,
        "death.per_year[others]": DEATH_YEAR,
        "serious.per_course[ivig]": SERIOUS,
        "stop.serious": STOPS,
        "rescue_per_visit[refractory, continued]": RESCUE,
    }
    return simulate(compiled.run, scripted, replicates=20, **truth).seen


def left_by(cause: str, seen: Snapshot):
    """Return (R, P) whether a patient left by a cause."""
    own = {
        "death": seen.death_minute >= 0,
        "harm": seen.harm_stop_minute >= 0,
        "rescue": seen.rescue_minute >= 0,
    }
    if cause != "dropout":
        return own[cause]
    return (seen.left_minute >= 0) & ~own["death"] & ~own["harm"] & ~own["rescue"]


# The minute is rounded to a whole one: of 161,280 that moves a share by less than 1e-5, which is
# below a hundredth of what the check can see.
@pytest.mark.parametrize("until", VISITS[1:])
@pytest.mark.parametrize("cause", CAUSES)
def test_so_many_leave_by_each_cause_before_each_visit(cause: str, until: int) -> None:
    seen, minute = people(), until * MINUTES_PER_WEEK
    assert ((seen.left_minute >= 0) <= (seen.left_minute <= WEEKS * MINUTES_PER_WEEK)).all()
    gone = left_by(cause, seen)
    gone &= (seen.left_minute <= minute) if cause == "rescue" else (seen.left_minute < minute)
    share = incidence(cause, until)
    slack = 0.0 if cause == "rescue" else 1e-5
    low, high = max(share - slack, 0.0), share + slack
    assert_count(int(gone.sum()), gone.size, low, high, what=f"{cause} by week {until}")


def test_nobody_leaves_by_two_causes() -> None:
    seen = people()
    assert sum(left_by(cause, seen).astype(int) for cause in CAUSES).max() == 1
