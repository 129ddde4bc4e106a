"""Events after courses and between visits against the theory of constant hazards.

Every check has a false-alarm rate of 1e-6, found exactly; thresholds came before the seed. With
100,000 patients an arm a share of 0.2 that is off by 0.0065 is seen with probability 0.5 or more.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from simtrial.cohort.events import FATAL, RELATED, SERIOUS, STOP, course_slot, interval_slot
from simtrial.cohort.truth import Cohort
from simtrial.core.units import MINUTES_PER_DAY, minutes_from_weeks
from simtrial.myositis import events
from tests.statistical.cohorts import demo, ready, simulate
from tests.statistical.exact import assert_count

EVERYBODY = {"line": "refractory", "mmt": "MMT8_150", "subtypes": {"DM": 1.0}}
ARMS = ("placebo", "ivig")
COURSES, VISITS = 4, 5  # four weeks apart, as the demo has them
FOUR_WEEKS = 28 / 365.25  # years
MENINGITIS, HR_MIGRAINE, MIGRAINE = 0.1, 4.0, 0.3
HAEMOLYSIS, GROUP_O = 0.4, 0.45
INFECTION, HR_10MG, DOSE_MG = 2.0, 1.5, 20.0
TOXICITY, CANCER, DEATH, PROGRESSION = 0.8, 0.5, 0.6, 1.0
SHARE_SERIOUS, SHARE_RELATED, SHARE_FATAL, SHARE_STOPS = 0.3, 0.2, 0.4, 0.25
QUIET = {
    "meningitis.per_course": MENINGITIS,
    "meningitis.hr_migraine": HR_MIGRAINE,
    "migraine_share": MIGRAINE,
    "haemolysis.per_course": HAEMOLYSIS,
    "group_o_share": GROUP_O,
    "infection.per_year": INFECTION,
    "infection.hr_10mg": HR_10MG,
    "steroid_toxicity.per_year_10mg": TOXICITY,
    "cancer.per_year[DM]": CANCER,
    "progression.per_year": PROGRESSION,
    "infection.serious": SHARE_SERIOUS,
    "related.infection": SHARE_RELATED,
    "fatal.serious": 0.0,
    "stop.serious": 0.0,
    "dropout_16_weeks": 0.0,
    # one dose of prednisolone for all
    "prednisolone_share[refractory]": 1.0,
    "prednisolone.median": DOSE_MG,
    "prednisolone.log_sd": 0.0,
    # one weight for all, below 80 kg: no dose is held at the daily maximum
    "weight.women": 70.0,
    "weight.men": 70.0,
    "weight.log_sd": 0.0,
}
DEADLY = {"death.per_year[others]": DEATH, "dropout_16_weeks": 0.2}
FATAL_INFECTION = {"fatal.serious": SHARE_FATAL, "stop.serious": SHARE_STOPS}


@cache
def people(*, source: str = "point", deadly: bool = False, fatal: bool = False) -> Cohort:
    """Simulate 200,000 patients of the demo, all of whom may enter."""
    replaced = QUIET | (DEADLY if deadly else {}) | (FATAL_INFECTION if fatal else {})
    prepared = ready(demo(population=EVERYBODY, intercurrent={}), source, replaced)
    return simulate(prepared, seed=612, first=0, last=20, n=10_000)


def check(flag: NDArray, share: float, what: str) -> None:
    assert_count(int(flag.sum()), flag.size, share, what=what)


def at_course(cohort: Cohort, which: int, course: int) -> NDArray[np.int32]:
    return cohort.seen.events_minute[..., course_slot(which, course, COURSES)]


def at_interval(cohort: Cohort, which: int, visit: int) -> NDArray[np.int32]:
    return cohort.seen.events_minute[..., interval_slot(which, visit, COURSES, VISITS)]


def happens(hazard: float) -> float:
    return 1.0 - math.exp(-hazard)


# --- after a course -----------------------------------------------------------------------------


@pytest.mark.parametrize("course", range(COURSES))
@pytest.mark.parametrize("migraine", [False, True])
def test_a_course_of_the_drug_brings_meningitis_at_its_rate(course, migraine):
    seen = people().seen
    of_it = (seen.arm == ARMS.index("ivig")) & (seen.migraine == migraine)
    share = happens(MENINGITIS * (HR_MIGRAINE if migraine else 1.0))
    check(at_course(people(), events.MENINGITIS, course)[of_it] >= 0, share, f"course {course}")


@pytest.mark.parametrize("course", range(COURSES))
def test_a_course_of_the_drug_brings_haemolysis_at_its_rate_but_not_in_blood_group_o(course):
    seen = people().seen
    drug = seen.arm == ARMS.index("ivig")
    minutes = at_course(people(), events.HAEMOLYSIS, course)
    check(minutes[drug & ~seen.group_o] >= 0, happens(HAEMOLYSIS), f"course {course}")
    assert (minutes[drug & seen.group_o] < 0).all()


def test_placebo_brings_neither_and_under_identical_arms_the_drug_brings_neither():
    seen = people().seen
    assert (seen.events_minute[seen.arm == 0][:, : 2 * COURSES] < 0).all()
    assert (people(source="identical_arms").seen.events_minute[..., : 2 * COURSES] < 0).all()


@pytest.mark.parametrize(
    ("which", "from_day", "to_day"), [(events.MENINGITIS, 0, 2), (events.HAEMOLYSIS, 5, 10)]
)
def test_an_event_of_a_course_falls_evenly_into_its_days_after_the_last_day(
    which, from_day, to_day
):
    for course in range(COURSES):
        end = minutes_from_weeks(4 * course) + MINUTES_PER_DAY  # of two days
        minutes = at_course(people(), which, course)
        days = (minutes[minutes >= 0] - end) / MINUTES_PER_DAY
        assert days.min() >= from_day
        assert days.max() < to_day
        check(days < (from_day + to_day) / 2, 0.5, f"class {which}, course {course}")


def test_migraine_and_blood_group_are_their_shares():
    check(people().seen.migraine, MIGRAINE, "migraine")
    check(people().seen.group_o, GROUP_O, "blood group O")


# --- between visits -----------------------------------------------------------------------------

PER_YEAR = {
    events.INFECTION: INFECTION * HR_10MG ** (DOSE_MG / 10),
    events.STEROID_TOXICITY: TOXICITY * DOSE_MG / 10,
    events.PROGRESSION: PROGRESSION,
}


@pytest.mark.parametrize("visit", range(VISITS - 1))
@pytest.mark.parametrize("which", PER_YEAR)
def test_an_interval_has_an_event_with_the_chance_of_a_constant_hazard(which, visit):
    minutes = at_interval(people(), which, visit)
    hazard = PER_YEAR[which] * FOUR_WEEKS
    check(minutes >= 0, happens(hazard), f"class {which}, interval {visit}")
    # half of the interval: the event comes earlier rather than later
    opens = minutes_from_weeks(4 * visit)
    early = (minutes >= opens) & (minutes < opens + 14 * MINUTES_PER_DAY)
    check(early, happens(hazard / 2), f"class {which}, first half of interval {visit}")
    assert (minutes[minutes >= 0] < opens + 28 * MINUTES_PER_DAY).all()


# sees a second diagnosis, or a hazard that goes on after the first: .153 in place of .142
def test_a_first_diagnosis_of_cancer_comes_at_its_hazard_and_no_second():
    seen = people().seen
    check(seen.cancer_minute >= 0, happens(CANCER * 4 * FOUR_WEEKS), "cancer")
    diagnoses = sum((at_interval(people(), events.CANCER, v) >= 0) for v in range(VISITS - 1))
    np.testing.assert_array_equal(diagnoses, seen.cancer_minute >= 0)


# --- competing risks ----------------------------------------------------------------------------

DROPOUT = -math.log(1.0 - DEADLY["dropout_16_weeks"]) / (4 * FOUR_WEEKS)  # a year


@pytest.mark.parametrize("week", [2, 4, 10, 16])
def test_death_and_dropout_compete_as_two_constant_hazards_do(week):
    seen = people(deadly=True).seen
    both = DEATH + DROPOUT
    gone = happens(both * week * 7 / 365.25)
    until = minutes_from_weeks(week)
    died = seen.death_minute >= 0
    check(died & (seen.death_minute < until), DEATH / both * gone, f"died by week {week}")
    lost = (seen.left_minute >= 0) & ~died
    check(lost & (seen.left_minute < until), DROPOUT / both * gone, f"lost by week {week}")


def test_patient_years_are_those_of_two_competing_hazards():
    followed = people(deadly=True).seen.followed_minute / (365.25 * MINUTES_PER_DAY)
    both, until = DEATH + DROPOUT, 4 * FOUR_WEEKS
    expected = happens(both * until) / both
    spread = followed.std() / math.sqrt(followed.size)
    # 4.9 standard errors: 1e-6 both sides together; 200,000 independent values
    assert abs(followed.mean() - expected) < 4.9 * spread


def test_infections_kill_in_their_share_of_the_serious():
    seen = people(fatal=True).seen
    # the first interval's infections: of later ones only those who lived until then can tell
    first = interval_slot(events.INFECTION, 0, COURSES, VISITS)
    infected = seen.events_minute[..., first] >= 0
    detail = seen.events_detail[..., first][infected]
    check((detail & SERIOUS) > 0, SHARE_SERIOUS, "serious")
    check((detail & RELATED) > 0, SHARE_RELATED, "related")
    serious = detail[(detail & SERIOUS) > 0]
    check((serious & FATAL) > 0, SHARE_FATAL, "fatal, of serious")
    check((serious & STOP) > 0, (1.0 - SHARE_FATAL) * SHARE_STOPS, "stops, of serious")
    assert not (detail[(detail & SERIOUS) == 0] & (FATAL | STOP)).any()
    killed = infected & ((seen.events_detail[..., first] & FATAL) > 0)
    np.testing.assert_array_equal(seen.death_minute[killed], seen.events_minute[..., first][killed])


def test_under_no_effect_these_events_stay():
    with_effect, without = people(), people(source="no_effect")
    np.testing.assert_array_equal(with_effect.seen.events_minute, without.seen.events_minute)
