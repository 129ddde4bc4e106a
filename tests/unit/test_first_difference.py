"""Where two cohorts differ: the patient, the column, the visit or course, and the minute."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.cohort.difference import AT_ENTRY, OF_COURSES, OF_EVENTS, OF_TRIALS, OF_VISITS
from simtrial.cohort.events import course_slot, interval_slot
from simtrial.cohort.snapshot import Snapshot, empty_snapshot
from simtrial.cohort.truth import Cohort, Truth, empty_truth
from simtrial.myositis import events

ROWS, PATIENTS, VISITS, COURSES = 3, 5, 4, 2
WEEK = 10_080


def cohort():
    """Return a cohort in which everybody came to all visits and was given both courses."""
    made = Cohort(
        empty_snapshot(ROWS, PATIENTS, VISITS, COURSES), empty_truth(ROWS, PATIENTS, VISITS)
    )
    made.seen.candidate[:] = 10 + np.arange(PATIENTS)
    made.seen.visit_minute[:] = np.array([0, 4, 8, 12]) * WEEK
    made.seen.course_minute[:] = np.array([0, 4]) * WEEK
    made.seen.tis[:] = 20.0
    return made


def changed(*changes):
    """Return another cohort with some entries replaced: (column, position, value)."""
    made = cohort()
    for name, at, value in changes:
        part = made.seen if name in Snapshot._fields else made.truth
        getattr(part, name)[at] = value
    return made


def test_a_cohort_is_the_same_as_itself_with_all_that_is_not_a_number():
    assert cohort().first_difference(cohort()) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("tis", (1, 2, 3), 40.0), "row 1, patient 2 (candidate 12), visit 3 at minute 120960: "),
        (("measures", (0, 4, 1, 5), 2.0), "visit 1 at minute 40320: measures[0, 4, 1, 5]: "),
        (("flare_loss", (0, 0, 2), 0.5), "visit 2 at minute 80640: flare_loss[0, 0, 2]: "),
        (("course_dose", (2, 1, 1), 2.0), "course 1 at minute 40320: course_dose[2, 1, 1]: "),
        (("serious_minute", (0, 3, 0), 77), "course 0 at minute 0: serious_minute[0, 3, 0]: "),
        (("rescue_minute", (0, 3), 40_320), "at minute 40320: rescue_minute[0, 3]: -1 against"),
        (("weight", (0, 1), 71.0), "(candidate 11), weight[0, 1]: nan against 71.0"),
        (("baseline", (0, 1, 3), 1.0), "(candidate 11), baseline[0, 1, 3]: "),
        (("failures", (2, 1), 9), "row 2: failures[2, 1]: 0 against 9"),
        (("screened", (1,), 7), "row 1: screened[1]: 0 against 7"),
    ],
)
def test_it_says_where_and_when(change, words):
    assert words in cohort().first_difference(changed(change))


def test_the_thromboembolism_without_a_course_is_dated_by_itself():
    told = cohort().first_difference(changed(("thromboembolism_minute", (0, 0, COURSES), 500)))
    assert "without a course at minute 500: " in told


def test_an_event_is_told_by_class_and_number():
    meningitis = course_slot(events.MENINGITIS, 1, COURSES)
    cancer = interval_slot(events.CANCER, 2, COURSES, VISITS)
    for slot, words in ((meningitis, "meningitis 1 "), (cancer, "cancer 2 ")):
        told = cohort().first_difference(changed(("events_minute", (0, 0, slot), 900)))
        assert f"{words}at minute 900: events_minute[0, 0, {slot}]" in told


def test_the_first_row_and_in_it_the_first_patient_is_told_and_how_many_more_differ():
    told = cohort().first_difference(
        changed(
            ("tis", (2, 0, 1), 0.0),
            ("age", (1, 4), 50.0),
            ("tis", (1, 3, 2), 0.0),
            ("stop_minute", (1, 3), 4 * WEEK),
            ("screened", (1,), 8),
        )
    )
    assert told.startswith("row 1, patient 3 (candidate 13), at minute 40320: stop_minute")
    assert told.endswith("; and 1 more of his columns, 1 more patients of this row")


def test_of_one_patient_the_earliest_is_told_whatever_the_order_of_columns():
    told = cohort().first_difference(
        changed(("measures", (0, 0, 3, 0), 1.0), ("flare_loss", (0, 0, 1), 0.5))
    )
    assert "visit 1 at minute 40320: flare_loss" in told


def test_what_holds_from_entry_on_comes_before_anything_dated():
    assert AT_ENTRY < 0
    told = cohort().first_difference(changed(("tis", (0, 0, 0), 5.0), ("arm", (0, 0), 1)))
    assert "(candidate 10), arm[0, 0]" in told


def test_a_missed_visit_is_dated_by_the_last_one_attended():
    pair = [changed(("visit_minute", (0, 0, 2), -1), ("tis", (0, 0, 2), t)) for t in (1.0, 2.0)]
    assert "visit 2 at minute 40320: tis" in pair[0].first_difference(pair[1])


def test_the_sign_of_zero_and_the_type_of_a_column_are_differences():
    zeros = [changed(("grams", (0, 0), value)) for value in (0.0, -0.0)]
    assert "grams[0, 0]" in zeros[0].first_difference(zeros[1])
    narrow = cohort()
    narrow = narrow._replace(seen=narrow.seen._replace(arm=narrow.seen.arm.astype(np.int8)))
    assert cohort().first_difference(narrow) == "arm: int64(3, 5) against int8(3, 5)"


def test_every_column_with_a_minute_on_its_third_axis_is_known_as_one():
    dated = OF_VISITS | OF_COURSES | OF_EVENTS
    columns = {**cohort().seen._asdict(), **cohort().truth._asdict()}
    assert dated | OF_TRIALS <= set(columns)
    assert set(Snapshot._fields).isdisjoint(Truth._fields)
    deeper = {name for name, column in columns.items() if column.ndim > 2}
    at_entry = {"screening", "baseline", "other_enzymes", "failures_before", "run_in"}
    assert deeper - dated == at_entry
    of_trials = {n for n, column in columns.items() if column.shape[1:2] != (PATIENTS,)}
    assert of_trials == OF_TRIALS
