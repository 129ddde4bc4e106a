"""The run-in as numbers: weeks before randomisation in which everybody is treated alike."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.core.units import MINUTES_PER_DAY, minutes_from_weeks
from simtrial.trial.design import Design


class RunIn(NamedTuple):
    """Rules of a run-in. Axis: J courses. Its minutes count from randomisation: all are negative.

    No two courses run at once: each ends within the week in which it begins.
    """

    minutes: int  # 0 without a run-in
    weeks: int
    course_week: NDArray[np.int64]  # (J,) since randomisation, negative
    course_start: NDArray[np.int64]  # (J,) first day
    course_end: NDArray[np.int64]  # (J,) last day
    course_days: NDArray[np.int64]  # (J,)
    course_dose: NDArray[np.float64]  # (J,) g/kg as planned
    course_drug: NDArray[np.bool_]  # (J,) False for placebo
    tis_below: float  # goes on to randomisation below this score; infinite without the rule
    tis_at_least: float  # or from this score on; 0 without the rule
    is_origin: bool  # improvement after randomisation is measured against its start


def run_in_of(design: Design) -> RunIn:
    """Return the run-in of a design; without one it lasts no minute."""
    rules = design.run_in
    weeks = 0 if rules is None else rules.weeks
    courses = () if rules is None else rules.courses
    week = np.array([course.week - weeks for course in courses], np.int64)
    days = np.array([course.days for course in courses], np.int64)
    start = np.array([minutes_from_weeks(w) for w in week.tolist()], np.int64)
    below = None if rules is None else rules.enter_if_tis_below
    at_least = None if rules is None else rules.enter_if_tis_at_least
    return RunIn(
        minutes=minutes_from_weeks(weeks),
        weeks=weeks,
        course_week=week,
        course_start=start,
        course_end=start + (days - 1) * MINUTES_PER_DAY,
        course_days=days,
        course_dose=np.array([course.dose_g_per_kg for course in courses], np.float64),
        course_drug=np.array([not course.placebo for course in courses], np.bool_),
        tis_below=np.inf if below is None else below,
        tis_at_least=at_least or 0.0,
        is_origin=rules is not None and rules.improvement_from == "run_in",
    )
