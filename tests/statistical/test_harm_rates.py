"""Harm against closed forms: how often, how early, in whom, and what follows.

False alarm of every check: 1e-6, both sides together, from exact binomial or Poisson tails. With
200,000 patients a share of 0.3 that is off by 0.6 points is seen with probability 0.95, one of
0.01 that is off by 0.13 points.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from simtrial.cohort.snapshot import REACTIONS
from simtrial.cohort.truth import Cohort
from simtrial.core.units import MINUTES_PER_DAY, minutes_from_weeks
from tests.statistical.cohorts import demo, ready, simulate
from tests.statistical.exact import FALSE_ALARM, assert_count

EVERYBODY = {"line": "refractory", "mmt": "MMT8_150", "subtypes": {"DM": 1.0}}
ARMS = ("placebo", "ivig")
RATE = {"placebo": 0.08, "ivig": 0.35}
SERIOUS = {"placebo": 0.01, "ivig": 0.03}
FIRST, SD = 2.5, 0.9
MIX = {"headache": 4.0, "flu_like": 3.0, "nausea": 1.0, "skin": 2.0}
CLOT, EARLY, PER_YEAR = 0.02, 0.7, 0.05
HR = {"decade": 1.6, "cancer": 5.0, "previous": 3.0, "g_per_kg_day": 2.0}
HARM = {
    "reaction.per_course[placebo]": RATE["placebo"],
    "reaction.per_course[ivig]": RATE["ivig"],
    "reaction.first_course": FIRST,
    "reaction.frailty_sd": SD,
    **{f"reaction.mix.{kind}": weight for kind, weight in MIX.items()},
    "reaction.serious": 0.1,
    "thromboembolism.per_course": CLOT,
    "thromboembolism.first_days": EARLY,
    "thromboembolism.per_year": PER_YEAR,
    **{f"thromboembolism.hr_{name}": value for name, value in HR.items()},
    "cancer_share": 0.2,
    "previous_thromboembolism_share": 0.1,
    "serious.per_course[placebo]": SERIOUS["placebo"],
    "serious.per_course[ivig]": SERIOUS["ivig"],
    "stop.reaction": 0.0,
    "stop.serious": 0.0,
    "dropout_16_weeks": 0.0,
    # one weight for all, below 80 kg: no dose is held at the daily maximum
    "weight.women": 70.0,
    "weight.men": 70.0,
    "weight.log_sd": 0.0,
}
COURSES, DAYS, DOSE = 4, 2, 2.0


@cache
def people(*, source: str = "point", then: str = "stop_treatment", **more: float) -> Cohort:
    """Simulate 200,000 patients of the demo, all of whom may enter and stay, with much harm."""
    changes = {"harm": {"then": then}}
    design = demo(population=EVERYBODY, intercurrent=changes)
    names = {"stops": "stop.serious"}
    replaced = HARM | {names[k]: v for k, v in more.items()}
    return simulate(ready(design, source, replaced), seed=611, first=0, last=20, n=10_000)


def in_arm(column: NDArray, name: str, cohort: Cohort | None = None) -> NDArray:
    return column[(cohort or people()).seen.arm == ARMS.index(name)]


def check(flag: NDArray, share: float, what: str) -> None:
    assert_count(int(flag.sum()), flag.size, share, what=what)


def over_frailty(function) -> float:
    """Return the mean of a function of the patient's frailty, a log-normal of mean 1."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    frailty = np.exp(SD * nodes - 0.5 * SD * SD)
    return float(function(frailty) @ weights / weights.sum())


# --- infusion reactions -------------------------------------------------------------------------


@pytest.mark.parametrize("course", range(COURSES))
@pytest.mark.parametrize("arm", ARMS)
def test_a_course_brings_a_reaction_at_its_rate_over_the_frailty(arm, course):
    times = FIRST if course == 0 else 1.0
    share = over_frailty(lambda f: 1.0 - np.exp(-RATE[arm] * times * f))
    seen = in_arm(people().seen.reaction_minute, arm)[:, course] >= 0
    check(seen, share, f"reaction to course {course}, {arm}")


# sees a frailty drawn anew for each course: .747 in place of .685 of patients under the drug
@pytest.mark.parametrize("arm", ARMS)
def test_patients_with_any_reaction_are_those_of_one_frailty_each(arm):
    share = over_frailty(lambda f: 1.0 - np.exp(-RATE[arm] * f * (FIRST + COURSES - 1)))
    seen = (in_arm(people().seen.reaction_minute, arm) >= 0).any(axis=1)
    check(seen, share, f"any reaction, {arm}")


@pytest.mark.parametrize("kind", REACTIONS)
def test_reactions_are_of_their_kinds_in_the_stated_mix(kind):
    kinds = people().seen.reaction_kind
    found = kinds[kinds >= 0]
    check(found == REACTIONS.index(kind), MIX[kind] / sum(MIX.values()), kind)


def test_serious_reactions_are_their_share():
    seen = people().seen
    check(seen.reaction_serious[seen.reaction_minute >= 0], 0.1, "serious")


@pytest.mark.parametrize("day", [1, 2])
def test_reactions_spread_evenly_over_three_days_from_the_start_of_the_course(day):
    minutes = people().seen.reaction_minute
    for course in range(COURSES):
        start = minutes_from_weeks(4 * course)
        found = minutes[..., course][minutes[..., course] >= 0] - start
        assert found.min() >= 0
        assert found.max() < 3 * MINUTES_PER_DAY
        check(found < day * MINUTES_PER_DAY, day / 3, f"by day {day} of course {course}")


# --- thromboembolism ----------------------------------------------------------------------------


def risk(cohort: Cohort) -> NDArray[np.float64]:
    """Return each patient's multiplier, by the written rule."""
    seen = cohort.seen
    return (
        HR["decade"] ** ((seen.age - 55.0) / 10.0)
        * np.where(seen.cancer, HR["cancer"], 1.0)
        * np.where(seen.previous_thromboembolism, HR["previous"], 1.0)
    )


def assert_sum_of_chances(happened: NDArray, chances: NDArray[np.float64], what: str) -> None:
    """Check a count of unequal Bernoulli variables by Bernstein's bound (false alarm 1e-6)."""
    expected, variance = float(chances.sum()), float((chances * (1.0 - chances)).sum())
    room = math.log(2.0 / FALSE_ALARM)
    most = room / 3.0 + math.sqrt(room * room / 9.0 + 2.0 * variance * room)
    found = int(happened.sum())
    assert abs(found - expected) <= most, f"{what}: {found}, expected {expected:.1f} +- {most:.1f}"


FAST = HR["g_per_kg_day"] ** (DOSE / DAYS - 0.4)
GROUPS = {
    "everybody": lambda seen: np.ones_like(seen.cancer),
    "cancer": lambda seen: seen.cancer,
    "an earlier event": lambda seen: seen.previous_thromboembolism,
    "70 or older": lambda seen: seen.age >= 70.0,
    "under 40": lambda seen: seen.age < 40.0,
}


# among those with cancer it sees a hazard ratio of 5 that is 4.6
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("course", range(COURSES))
def test_a_course_brings_thromboembolism_at_the_rate_of_the_patients_risk(course, group):
    seen = people().seen
    of_it = GROUPS[group](seen) & (seen.arm == ARMS.index("ivig"))
    chances = 1.0 - np.exp(-CLOT * FAST * risk(people())[of_it])
    minutes = seen.thromboembolism_minute[of_it][:, course]
    if course == COURSES - 1:  # the last course's window ends with the study, day 14 of 28
        assert minutes.max() <= minutes_from_weeks(16)
    assert_sum_of_chances(minutes >= 0, chances, f"course {course}, {group}")


def test_placebo_courses_bring_no_thromboembolism():
    assert (in_arm(people().seen.thromboembolism_minute, "placebo")[:, :-1] < 0).all()


@pytest.mark.parametrize("day", [1, 2, 8])
def test_events_after_a_course_come_in_two_windows_after_its_last_day(day):
    seen = people().seen
    of_it = seen.arm == ARMS.index("ivig")
    hazard = CLOT * FAST * risk(people())[of_it]
    upto = EARLY * day / 2 if day <= 2 else EARLY + (1.0 - EARLY) * (day - 2) / 12
    for course in range(COURSES):
        end = minutes_from_weeks(4 * course) + (DAYS - 1) * MINUTES_PER_DAY
        minutes = seen.thromboembolism_minute[of_it][:, course]
        happened = minutes >= 0
        assert (minutes[happened] >= end).all()
        assert (minutes[happened] < end + 14 * MINUTES_PER_DAY).all()
        by_then = happened & (minutes < end + day * MINUTES_PER_DAY)
        assert_sum_of_chances(by_then, 1.0 - np.exp(-hazard * upto), f"day {day}, {course}")


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("week", [2, 16])
def test_events_without_a_course_come_at_the_hazard_of_a_year_in_both_arms(arm, week):
    seen = people().seen
    of_it = seen.arm == ARMS.index(arm)
    minutes = seen.thromboembolism_minute[of_it][:, -1]
    hazard = PER_YEAR * risk(people())[of_it] * (7 * week / 365.25)
    by_then = (minutes >= 0) & (minutes <= minutes_from_weeks(week))
    assert_sum_of_chances(by_then, 1.0 - np.exp(-hazard), f"{arm}, week {week}")


def test_cancer_and_earlier_events_are_their_shares():
    check(people().seen.cancer, 0.2, "cancer")
    check(people().seen.previous_thromboembolism, 0.1, "earlier event")


# --- other serious events, and what follows -----------------------------------------------------


@pytest.mark.parametrize("day", [7, 28])
@pytest.mark.parametrize("arm", ARMS)
def test_other_serious_events_have_a_constant_hazard_over_28_days(arm, day):
    minutes = in_arm(people().seen.serious_minute, arm)
    for course in range(COURSES):
        start = minutes_from_weeks(4 * course)
        happened = minutes[:, course] >= 0
        assert (minutes[:, course][happened] >= start).all()
        by_then = happened & (minutes[:, course] < start + day * MINUTES_PER_DAY)
        share = 1.0 - math.exp(-SERIOUS[arm] * day / 28)
        check(by_then, share, f"{arm}, course {course}, day {day}")


# the first event only: who is stopped has fewer later ones
def test_a_first_serious_event_before_the_last_course_stops_treatment_with_its_chance():
    seen = people(stops=0.3).seen
    serious = np.where(seen.reaction_serious, seen.reaction_minute, -1)
    every = np.concatenate([seen.thromboembolism_minute, seen.serious_minute, serious], axis=2)
    never = minutes_from_weeks(99)
    first = np.where(every >= 0, every, never).min(axis=2)
    before = first < minutes_from_weeks(12)
    assert before.sum() > 10_000
    check((seen.harm_stop_minute == first)[before], 0.3, "stopped at the first event")
    assert (seen.harm_stop_minute[first >= minutes_from_weeks(12)] < 0).all()


def test_identical_arms_have_the_harm_of_placebo_in_both():
    cohort = people(source="identical_arms")
    for arm in ARMS:
        share = over_frailty(lambda f: 1.0 - np.exp(-RATE["placebo"] * f * (FIRST + COURSES - 1)))
        check((in_arm(cohort.seen.reaction_minute, arm, cohort) >= 0).any(axis=1), share, f"{arm}")
        assert (in_arm(cohort.seen.thromboembolism_minute, arm, cohort)[:, :-1] < 0).all()


def test_without_an_effect_the_harm_of_the_drug_stays():
    with_effect, without = people(), people(source="no_effect")
    for name in ("reaction_minute", "thromboembolism_minute", "serious_minute"):
        ours, theirs = getattr(with_effect.seen, name), getattr(without.seen, name)
        np.testing.assert_array_equal(ours, theirs)
