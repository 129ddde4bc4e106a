"""The design as numbers: weeks become whole minutes here, once, before either engine runs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.core.units import minutes_from_days, minutes_from_weeks
from simtrial.myositis.measures import MMT_MAXIMUM
from simtrial.trial.design import Design

CAP_G_PER_DAY = 80.0  # at most 80 g on one day (document 002, dosing)
NEVER = 2**60  # a minute that does not come


class Protocol(NamedTuple):
    """What the engines need of a design. Axes: V visits, A arms, C courses, B block sizes.

    All minutes count from randomisation. ``course_start`` is the first, ``course_end`` the last
    infusion day. Unused courses of an arm are beyond ``n_courses``.
    """

    visit_minute: NDArray[np.int64]  # (V,)
    visit_week: NDArray[np.int64]  # (V,)
    n_courses: NDArray[np.int64]  # (A,)
    course_week: NDArray[np.int64]  # (A, C)
    course_start: NDArray[np.int64]  # (A, C)
    course_end: NDArray[np.int64]  # (A, C)
    course_days: NDArray[np.int64]  # (A, C)
    course_dose: NDArray[np.float64]  # (A, C) g/kg as planned
    on_drug: NDArray[np.bool_]  # (A,)
    ratio: NDArray[np.int64]  # (A,)
    block_sizes: NDArray[np.int64]  # (B,)
    by_severity: bool
    screening_minutes: int
    mmt_maximum: int
    mmt_below: float
    other_abnormal: int
    prednisolone_at_most: float
    deterioration_from: int
    deterioration_leaves: bool
    rescue_from: int
    rescue_below: float
    rescue_leaves: bool
    harm_leaves: bool
    cap_g_per_day: float


def protocol_of(design: Design) -> Protocol:
    """Return a design's numbers for the engines."""
    arms = design.arm_names
    courses = [design.courses_of(name) for name in arms]
    most = max(len(c) for c in courses)
    shape = (len(arms), most)
    start, end = np.full(shape, NEVER, np.int64), np.full(shape, NEVER, np.int64)
    week, days, dose = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape)
    for a, given in enumerate(courses):
        for j, course in enumerate(given):
            week[a, j], start[a, j] = course.week, minutes_from_weeks(course.week)
            end[a, j] = start[a, j] + minutes_from_days(course.days - 1)
            days[a, j], dose[a, j] = course.days, course.dose_g_per_kg
    allocation = design.allocation
    rules = design.population.eligibility
    worse, rescue = design.intercurrent.deterioration, design.intercurrent.rescue
    cap = rules.prednisolone_at_most_mg
    return Protocol(
        visit_minute=np.array([minutes_from_weeks(w) for w in design.visits_weeks], np.int64),
        visit_week=np.array(design.visits_weeks, np.int64),
        n_courses=np.array([len(c) for c in courses], np.int64),
        course_week=week,
        course_start=start,
        course_end=end,
        course_days=days,
        course_dose=dose,
        on_drug=np.array([design.arms[name].is_drug for name in arms], np.bool_),
        ratio=np.array([allocation.ratio[a] if allocation else 1 for a in arms], np.int64),
        block_sizes=np.array(allocation.block_sizes if allocation else (1,), np.int64),
        by_severity=bool(allocation and "severity" in allocation.strata),
        screening_minutes=minutes_from_weeks(design.screening_weeks),
        mmt_maximum=MMT_MAXIMUM[design.population.mmt],
        mmt_below=np.inf if rules.mmt_below is None else rules.mmt_below,
        other_abnormal=rules.other_abnormal_measures,
        prednisolone_at_most=np.inf if cap is None else cap,
        deterioration_from=NEVER if worse is None else minutes_from_weeks(worse.from_week),
        deterioration_leaves=worse is not None and worse.then == "leave_study",
        rescue_from=NEVER if rescue is None else minutes_from_weeks(rescue.allowed_from_week),
        rescue_below=0.0 if rescue is None else rescue.insufficient_tis_below,
        rescue_leaves=rescue is not None and rescue.then == "leave_study",
        harm_leaves=design.intercurrent.harm.then == "leave_study",
        cap_g_per_day=CAP_G_PER_DAY,
    )
