"""What doses do to events, and what is decided about each: serious, related, fatal, what follows.

False alarm of every check: 1e-6, from exact binomial tails. 200,000 patients: a share of 0.3
among 20,000 events that is off by 2 points is seen with probability 0.95. The faults it can see:
the share of another class, one uniform that serves two decisions, a hazard ratio that is not
taken to the power of the dose, or is taken from another reference dose.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.events import (
    FATAL,
    INTERRUPT,
    RELATED,
    SERIOUS,
    STOP,
    course_slot,
    event_slots,
    interval_slot,
)
from simtrial.cohort.snapshot import Snapshot
from simtrial.core.units import DAYS_PER_YEAR
from simtrial.myositis.events import EVENTS
from tests.agreement.scripted import design, simulate
from tests.statistical.exact import assert_count

COURSES, VISITS = 3, 4  # every four weeks, as the scripted trial has them
RATES = {
    "meningitis.per_course": 0.2,
    "haemolysis.per_course": 0.3,
    "haemolysis.hr_g_per_kg": 3.0,
    "infection.per_year": 1.5,
    "infection.hr_10mg": 1.4,
    "steroid_toxicity.per_year_10mg": 0.7,
    "cancer.per_year[DM]": 0.8,
    "progression.per_year": 1.5,
}
SHARE_SERIOUS = {
    "meningitis": 0.5,
    "haemolysis": 0.35,
    "infection": 0.25,
    "steroid_toxicity": 0.15,
    "progression": 0.45,
    "cancer": 1.0,
}
SHARE_RELATED = {
    "meningitis": 0.9,
    "haemolysis": 0.8,
    "infection": 0.2,
    "steroid_toxicity": 0.05,
    "progression": 0.1,
    "cancer": 0.3,
}
STOPS, LEAVES_OUT_SERIOUS, LEAVES_OUT_OTHER, MG = 0.25, 0.4, 0.15, 40.0
DETAILS = (
    {f"{name}.serious": share for name, share in SHARE_SERIOUS.items() if name != "cancer"}
    | {f"related.{name}": share for name, share in SHARE_RELATED.items()}
    | {
        "stop.serious": STOPS,
        "interrupt.serious": LEAVES_OUT_SERIOUS,
        "interrupt.other": LEAVES_OUT_OTHER,
    }
)
PEOPLE = {
    "prednisolone_share[refractory]": 0.5,
    "prednisolone.median": MG,
    "prednisolone.log_sd": 0.0,
    # one weight for all, below 80 kg: no dose is held at the daily maximum
    "weight.women": 70.0,
    "weight.men": 70.0,
    "weight.log_sd": 0.0,
}


@cache
def people(g_per_kg: float = 1.0, *, decided: bool = False) -> Snapshot:
    """Simulate 200,000 patients at a dose; without decisions nothing follows an event."""
    days = 1 if g_per_kg <= 1.0 else 3
    arm = {
        "dose_g_per_kg": g_per_kg,
        "every_weeks": 4,
        "infusions": COURSES,
        "days_per_infusion": days,
    }
    scripted = design(arms={"ivig": arm}, sample_size={"n": 10_000})
    truth = RATES | PEOPLE | (DETAILS if decided else {})
    return simulate(compiled.run, scripted, replicates=20, **truth).seen


def check(flag: NDArray, share: float, what: str) -> None:
    assert_count(int(flag.sum()), flag.size, share, what=what)


def happens(hazard: float) -> float:
    return 1.0 - math.exp(-hazard)


# --- doses --------------------------------------------------------------------------------------


@pytest.mark.parametrize("g_per_kg", [0.5, 1.0, 2.0, 3.0])
def test_haemolysis_follows_the_dose_of_its_course_from_2_g_per_kg_on(g_per_kg: float) -> None:
    seen = people(g_per_kg)
    share = happens(RATES["haemolysis.per_course"] * 3.0 ** (g_per_kg - 2.0))
    for course in range(COURSES - 1):  # after the last the study ends within its days
        slot = course_slot(EVENTS.index("haemolysis"), course, COURSES)
        check(seen.events_minute[..., slot] >= 0, share, f"{g_per_kg} g/kg, course {course}")


@pytest.mark.parametrize("g_per_kg", [0.5, 3.0])
def test_meningitis_does_not_follow_the_dose(g_per_kg: float) -> None:
    slot = course_slot(EVENTS.index("meningitis"), 0, COURSES)
    flag = people(g_per_kg).events_minute[..., slot] >= 0
    check(flag, happens(RATES["meningitis.per_course"]), f"{g_per_kg} g/kg")


# rate per year of who takes 40 mg a day, and of who takes none
BY_DOSE = {
    "infection": (1.5 * 1.4**4.0, 1.5),
    "steroid_toxicity": (0.7 * 4.0, 0.0),
    "progression": (1.5, 1.5),
}


@pytest.mark.parametrize("name", BY_DOSE)
def test_events_between_visits_follow_the_dose_of_prednisolone(name: str) -> None:
    seen = people()
    takes = seen.prednisolone[..., 0] > 0
    for visit in range(VISITS - 1):
        slot = interval_slot(EVENTS.index(name), visit, COURSES, VISITS)
        for among, rate in zip((takes, ~takes), BY_DOSE[name], strict=True):
            share = happens(rate * 28.0 / DAYS_PER_YEAR)
            check(seen.events_minute[..., slot][among] >= 0, share, f"{name}, interval {visit}")


# --- decisions ----------------------------------------------------------------------------------


def details(name: str) -> NDArray[np.uint8]:
    """Return the bits of every event of a class."""
    seen = people(decided=True)
    mine = [slot == name for slot, _ in event_slots(COURSES, VISITS)]
    found = seen.events_detail[..., mine][seen.events_minute[..., mine] >= 0]
    assert found.size > 10_000
    return found


@pytest.mark.parametrize("name", SHARE_SERIOUS)
def test_each_class_has_its_own_share_of_serious_and_of_related_events(name: str) -> None:
    found = details(name)
    serious, related = (found & SERIOUS) > 0, (found & RELATED) > 0
    check(serious, SHARE_SERIOUS[name], f"{name} serious")
    check(related, SHARE_RELATED[name], f"{name} related")
    check(serious & related, SHARE_SERIOUS[name] * SHARE_RELATED[name], f"{name}, both")
    assert not (found & FATAL).any()


@pytest.mark.parametrize("name", SHARE_SERIOUS)
def test_what_follows_has_its_chances_among_serious_events_and_others(name: str) -> None:
    found = details(name)
    serious = found[(found & SERIOUS) > 0]
    check((serious & STOP) > 0, STOPS, f"serious {name} stops")
    left_out = (1.0 - STOPS) * LEAVES_OUT_SERIOUS
    check((serious & INTERRUPT) > 0, left_out, f"serious {name} leaves out")
    assert not ((serious & STOP > 0) & (serious & INTERRUPT > 0)).any()
    other = found[(found & SERIOUS) == 0]
    assert not (other & STOP).any()
    if other.size:
        check((other & INTERRUPT) > 0, LEAVES_OUT_OTHER, f"other {name} leaves out")
