"""Adverse events as a list and as rates: every class alike, nothing lost and nothing twice."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.events import (
    FATAL,
    INTERRUPT,
    RELATED,
    SERIOUS,
    STOP,
    course_slot,
    interval_slot,
)
from simtrial.cohort.snapshot import Snapshot, empty_snapshot
from simtrial.core.units import DAYS_PER_YEAR, MINUTES_PER_DAY
from simtrial.endpoints.harm import ACTIONS, CLASSES, count_harm, events_of
from simtrial.endpoints.harm_rates import harm_rates_of
from simtrial.myositis import events
from tests.agreement.random_designs import random_trial

COURSES, VISITS = 2, 3
YEAR = round(DAYS_PER_YEAR * MINUTES_PER_DAY)


def snapshot() -> Snapshot:
    """Return one trial of four patients, two in each of two arms, without harm."""
    seen = empty_snapshot(1, 4, VISITS, COURSES)
    seen.arm[0] = (0, 1, 0, 1)
    seen.followed_minute[0] = YEAR
    seen.courses[0] = 2
    return seen


def put(seen, patient, which, number, minute, detail=0):
    slot = (
        course_slot(which, number, COURSES)
        if which < events.N_COURSE_EVENTS
        else interval_slot(which, number, COURSES, VISITS)
    )
    seen.events_minute[0, patient, slot] = minute
    seen.events_detail[0, patient, slot] = detail


def told(seen):
    """Return the list in words."""
    return [
        (
            int(patient),
            CLASSES[which],
            int(occasion),
            int(minute),
            "".join(
                letter
                for letter, flag in zip("srf", (serious, related, fatal), strict=True)
                if flag
            ),
            ACTIONS[action],
        )
        for _, patient, which, _, occasion, minute, serious, related, fatal, action in zip(
            *events_of(seen), strict=True
        )
    ]


def test_a_trial_without_harm_has_an_empty_list():
    assert all(column.shape == (0,) for column in events_of(snapshot()))


def test_events_of_every_class_are_listed_by_patient_and_time():
    seen = snapshot()
    seen.reaction_minute[0, 1], seen.reaction_kind[0, 1] = (700, 40), (2, 0)
    seen.reaction_serious[0, 1] = (True, False)
    seen.thromboembolism_minute[0, 1] = (-1, 50, 60)
    seen.serious_minute[0, 3, 0] = 5
    put(seen, 1, events.HAEMOLYSIS, 1, 45, RELATED)
    put(seen, 0, events.PROGRESSION, 0, 9, SERIOUS)
    put(seen, 3, events.DEATH, 1, 80, SERIOUS | FATAL)
    assert told(seen) == [
        (0, "progression", 0, 9, "s", "none"),
        (1, "reaction", 1, 40, "r", "none"),
        (1, "haemolysis", 1, 45, "r", "none"),
        (1, "thromboembolism", 1, 50, "sr", "none"),
        (1, "thromboembolism", -1, 60, "s", "none"),
        (1, "reaction", 0, 700, "sr", "none"),
        (3, "other_serious", 0, 5, "sr", "none"),
        (3, "death", 1, 80, "sf", "none"),
    ]
    assert events_of(seen).kind.tolist() == [-1, 0, -1, -1, -1, 2, -1, -1]


def test_an_action_is_what_was_done_not_what_would_have_been():
    seen = snapshot()
    put(seen, 0, events.INFECTION, 0, 30, SERIOUS | STOP)
    put(seen, 0, events.PROGRESSION, 0, 30, SERIOUS)
    put(seen, 0, events.INFECTION, 1, 90, SERIOUS | STOP)  # treatment had stopped before
    put(seen, 0, events.PROGRESSION, 1, 95, INTERRUPT)
    put(seen, 1, events.PROGRESSION, 1, 95, INTERRUPT)
    seen.reaction_minute[0, 3, 0] = seen.harm_stop_minute[0, 3] = seen.stop_minute[0, 3] = 12
    seen.harm_stop_minute[0, 0] = seen.stop_minute[0, 0] = 30
    assert [(t[0], t[3], t[5]) for t in told(seen)] == [
        (0, 30, "stop"),
        (0, 30, "none"),
        (0, 90, "none"),
        (0, 95, "none"),
        (1, 95, "interrupt"),
        (3, 12, "stop"),
    ]


def test_rates_are_events_per_100_courses_and_years_with_exact_intervals():
    seen = snapshot()
    put(seen, 1, events.INFECTION, 0, 10)
    put(seen, 1, events.INFECTION, 1, 20, SERIOUS)
    put(seen, 3, events.INFECTION, 1, 20)
    seen.courses[0] = (2, 60, 2, 40)
    seen.followed_minute[0] = (YEAR, YEAR, YEAR, YEAR // 2)
    by = {(rate.arm, rate.name): rate for rate in harm_rates_of(seen, ("placebo", "ivig"))}
    found = by["ivig", "infection"]
    assert (found.n, found.patients, found.events) == (2, 2, 3)
    assert found.by_courses.exposed == 100.0
    # Garwood, 3 events: 0.6187 to 8.7673, four printed decimals
    assert found.by_courses.per_100 == 3.0
    assert found.by_courses.low == pytest.approx(0.6187, abs=5e-5)
    assert found.by_courses.high == pytest.approx(8.7673, abs=5e-5)
    assert found.by_years.exposed == pytest.approx(1.5, rel=1e-6)  # half a year is cut to a minute
    assert found.by_years.per_100 == pytest.approx(200.0, rel=1e-6)
    assert by["ivig", "serious"].events == 1
    assert by["ivig", "any"].events == 3
    # none in 4 courses: 0 to 3.6889 / 4
    none = by["placebo", "infection"]
    assert (none.events, none.by_courses.low) == (0, 0.0)
    assert none.by_courses.high == pytest.approx(100 * 3.6889 / 4, abs=100 * 5e-5 / 4)


def test_an_arm_without_exposure_has_no_rate():
    seen = snapshot()
    seen.courses[0] = 0
    assert all(rate.by_courses is None for rate in harm_rates_of(seen, ("placebo", "ivig")))
    nobody = harm_rates_of(seen, ("placebo", "ivig", "third"))[-1]
    assert (nobody.arm, nobody.n, nobody.by_years) == ("third", 0, None)


@pytest.mark.parametrize("seed", range(40, 46))
def test_the_list_holds_each_event_of_a_random_trial_once(seed):
    seen = random_trial(seed).simulate(compiled.run).seen
    found, counts = events_of(seen), count_harm(seen)

    def per_patient(flag):
        out = np.zeros(seen.arm.shape, np.int64)
        np.add.at(out, (found.replicate[flag], found.patient[flag]), 1)
        return out

    np.testing.assert_array_equal(per_patient(found.which == 0), counts.reactions)
    np.testing.assert_array_equal(per_patient(found.which == 1), counts.thromboembolisms)
    np.testing.assert_array_equal(per_patient(found.serious), counts.serious)
    further = (seen.events_minute >= 0).sum(axis=2)
    np.testing.assert_array_equal(per_patient(found.which >= 3), further)
    assert (found.minute <= seen.followed_minute[found.replicate, found.patient]).all()
    died = seen.death_minute >= 0
    np.testing.assert_array_equal(per_patient(found.fatal) > 0, died)
    stops = per_patient(found.action == ACTIONS.index("stop")) > 0
    np.testing.assert_array_equal(stops, seen.harm_stop_minute >= 0)
