"""What defines each document's study, in 300 simulated studies of its size.

Counts are of all studies together: a share that is off by three points is seen. Nothing here
compares an outcome with the documents: docs/model.md prints those side by side, as information.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.snapshot import Snapshot
from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.myositis.measures import MMT
from simtrial.operating.prepare import prepare
from simtrial.trial.design import load_patient_design
from simtrial.trial.posterior import load_posterior
from simtrial.trial.scenario import load_patient_scenario
from tests.statistical.exact import assert_count

STUDIES = 300
ERRORS = 4.9  # standard errors that are exceeded once in a million, two-sided


@functools.cache
def simulated(name: str) -> Snapshot:
    design = load_patient_design(f"documents/{name}")
    ready = prepare(design, load_patient_scenario(name, "test"), load_posterior())
    seen = compiled.run(
        ready.protocol,
        ready.table,
        ready.arrivals,
        seed=20_260_125,
        first=0,
        last=STUDIES,
        n=design.sample_size.n,
    ).seen
    assert seen.complete.all()
    return seen


def weeks_of_courses(seen: Snapshot) -> np.ndarray:
    """Return (R, P, C) weeks of the courses given, -1 where there was none."""
    return np.where(seen.course_minute >= 0, seen.course_minute // MINUTES_PER_WEEK, -1)


# --- document 002 -------------------------------------------------------------------------------


def test_the_amended_regimen_is_given_to_those_of_patients_11_to_20_below_40_in_week_4():
    seen = simulated("lim21")
    weeks = weeks_of_courses(seen)
    amended = (weeks == 4).any(axis=2)
    assert not amended[:, :10].any()
    came = seen.visit_minute[:, :, 2] >= 0
    assert not came[:, :10].any()
    # who has left or stopped by week 4, then or before, is given nothing more
    goes_on = (seen.stop_minute < 0) | (seen.stop_minute > 4 * MINUTES_PER_WEEK)
    goes_on &= (seen.left_minute < 0) | (seen.left_minute > 4 * MINUTES_PER_WEEK)
    low = came & (seen.tis[:, :, 2] < 40)
    np.testing.assert_array_equal(amended, low & goes_on)
    assert amended[:, 10:].sum() > 300


def test_who_is_not_amended_has_the_courses_of_weeks_0_3_and_6_and_the_others_0_3_4_and_8():
    weeks = weeks_of_courses(simulated("lim21"))
    amended = (weeks == 4).any(axis=2)
    assert set(np.unique(weeks[~amended])) == {-1, 0, 3, 6}
    assert set(np.unique(weeks[amended])) == {-1, 0, 3, 4, 8}


def test_nobody_enters_document_002_on_prednisolone_or_after_a_thromboembolism():
    seen = simulated("lim21")
    assert not seen.prednisolone[:, :, 0].any()
    assert not seen.previous_thromboembolism.any()


# --- document 000 -------------------------------------------------------------------------------


def test_entry_doses_of_document_000_have_the_printed_mean_and_spread():
    doses = simulated("nan25").prednisolone[:, :, 0].ravel()
    # a log-normal's fourth moment makes the standard error of its SD about 2.6 times SD/sqrt(2n);
    # doses come in steps of 2.5 mg, which moves mean and SD by less than 0.1
    assert abs(doses.mean() - 44.7) < ERRORS * 29.7 / np.sqrt(doses.size) + 0.1
    assert abs(doses.std() - 29.7) < ERRORS * 2.6 * 29.7 / np.sqrt(2 * doses.size) + 0.1


def test_strength_is_missing_at_6_of_22_visits_and_the_score_is_not():
    seen = simulated("nan25")
    came = seen.visit_minute[:, :, 1:] >= 0
    missing = np.isnan(seen.measures[:, :, 1:, MMT]) & came
    assert_count(int(missing.sum()), int(came.sum()), 6 / 22, what="strength missing")
    assert not np.isnan(seen.tis[:, :, 1:][came]).any()


def test_document_000_gives_five_series_a_fortnight_apart_and_up_to_three_more():
    seen = simulated("nan25")
    kept = (seen.stop_minute < 0) & (seen.left_minute < 0)
    assert kept.mean() > 0.5
    assert set(np.unique(seen.courses[kept])) == {5, 6, 7, 8}
    np.testing.assert_array_equal(
        np.unique(weeks_of_courses(seen)[kept][:, :5], axis=0), [[0, 2, 4, 6, 8]]
    )


@pytest.mark.parametrize(("name", "weeks"), [("nan25", (13, 26)), ("oha21", (26, 135))])
def test_doses_fall_under_practice(name, weeks):
    design, seen = load_patient_design(f"documents/{name}"), simulated(name)
    at = [0, *(design.visits_weeks.index(week) for week in weeks)]
    means = np.nanmean(seen.prednisolone[:, :, at].reshape(-1, 3), axis=0)
    assert means[0] > means[1] > means[2] > 0.0


# --- documents 001 and 004 ----------------------------------------------------------------------


def test_patients_of_document_001_are_lost_as_often_as_printed():
    seen = simulated("oha21")
    lost = (seen.left_minute >= 0) & (seen.death_minute < 0)
    died_first = int((seen.death_minute >= 0).sum())
    # who dies is not lost: those few are left out of both, which moves the share by less than
    # theirs (some 2 %) times 6/23, within what 6,900 patients can see
    n = lost.size - died_first
    assert died_first < 0.1 * lost.size
    assert_count(int(lost.sum()), n, 6 / 23, what="lost")


def test_document_004_gives_one_to_eleven_courses_and_two_at_least_without_harm():
    seen = simulated("mas98")
    assert set(np.unique(seen.courses)) == set(range(1, 12))
    harmed = (seen.harm_stop_minute >= 0) | (seen.left_minute >= 0)
    assert seen.courses[~harmed].min() == 2


def test_courses_of_document_004_end_at_the_second_stable_assessment():
    seen = simulated("mas98")
    stable = seen.stable_minute >= 0
    assert stable.sum() > 300
    latest = seen.course_minute.max(axis=2)
    assert (latest[stable] < seen.stable_minute[stable]).all()
    high = seen.tis[:, :, 1:] >= 40
    twice = (high[:, :, :-1] & high[:, :, 1:]).any(axis=2)
    assert twice[stable].all()
