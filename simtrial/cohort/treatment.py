"""Regimens and the rules that change them, as numbers for the engines."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.core.units import minutes_from_weeks
from simtrial.trial.design import Design
from simtrial.trial.treatment import Course

NO_RULE = -1
_NEVER = 2**60


class Treatment(NamedTuple):
    """Rules of treatment. Axes: A arms, Q changes of dose (the most of any arm)."""

    # changes of dose, in the order written; the first that fits is applied
    change_visit: NDArray[np.int64]  # (A, Q) visit at which it is looked at, or NO_RULE
    change_tis: NDArray[np.float64]  # (A, Q) limit of the improvement score
    change_if_below: NDArray[np.bool_]  # (A, Q) below the limit; otherwise at least
    change_from: NDArray[np.int64]  # (A, Q) first patient, counted from 0
    change_to: NDArray[np.int64]  # (A, Q) regimen
    # courses as needed
    needed_from: NDArray[np.int64]  # (A,) minute, as of all that follow
    needed_below: NDArray[np.float64]  # (A,) improvement score; 0 never
    needed_fall: NDArray[np.float64]  # (A,) points below the best score; infinite never
    needed_dose: NDArray[np.float64]  # (A,) g/kg
    needed_days: NDArray[np.int64]  # (A,)
    needed_drug: NDArray[np.bool_]  # (A,)
    needed_apart: NDArray[np.int64]  # (A,) least weeks since the last course planned for a week
    needed_most: NDArray[np.int64]  # (A,) 0 without the rule
    # stop of planned courses once stable
    stable_tis: NDArray[np.float64]  # (A,)
    stable_visits: NDArray[np.int64]  # (A,) in a row; 0 without the rule
    switch_to: NDArray[np.int64]  # (A,) arm, or NO_RULE
    extension: int  # regimen, or NO_RULE
    extension_week: int  # its first week


class Regimens(NamedTuple):
    """Courses of G regimens, C each at most."""

    n_courses: NDArray[np.int64]
    week: NDArray[np.int64]
    days: NDArray[np.int64]
    dose: NDArray[np.float64]
    drug: NDArray[np.bool_]


def _rows(design: Design) -> list[list[tuple[Course, bool]]]:
    """Return the courses of each regimen, and whether each is of the drug.

    First one regimen for each arm, then the changes of dose of each arm, then the extension.
    """

    def of(arm: str, courses: tuple[Course, ...]) -> list[tuple[Course, bool]]:
        return [(c, design.arms[arm].is_drug and not c.placebo) for c in courses]

    rows = [of(arm, design.courses_of(arm)) for arm in design.arms]
    for arm in design.arms:
        rows += [of(arm, change.courses) for change in design.rules_of(arm).dose_change]
    if design.extension is not None:
        rows.append([(c, True) for c in design.extension.course_list()])
    return rows


def most_courses(design: Design) -> int:
    """Return the most courses that a patient of a design can be given."""
    rows = _rows(design)
    own = max(len(row) for row in rows[: len(design.arms)])
    changed = max((len(row) for row in rows[len(design.arms) :]), default=0)
    needed = [design.rules_of(arm).as_needed for arm in design.arms]
    # one regimen after another may be begun, each at most once, and all courses as needed
    more = max((rule.at_most for rule in needed if rule is not None), default=0)
    twice = 2 if design.intercurrent.has("switch") else 1
    changes = max(len(design.rules_of(arm).dose_change) for arm in design.arms)
    extended = 0 if design.extension is None else design.extension.infusions
    return twice * (own + more) + twice * changes * changed + extended


def regimens_of(design: Design) -> Regimens:
    """Return every regimen of a design."""
    rows = _rows(design)
    shape = (len(rows), most_courses(design))
    week, days, dose = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape)
    drug = np.zeros(shape, np.bool_)
    for g, row in enumerate(rows):
        for j, (course, is_drug) in enumerate(row):
            week[g, j], days[g, j] = course.week, course.days
            dose[g, j], drug[g, j] = course.dose_g_per_kg, is_drug
    return Regimens(np.array([len(row) for row in rows], np.int64), week, days, dose, drug)


def treatment_of(design: Design) -> Treatment:
    """Return the rules of a design."""
    arms = list(design.arms)
    specs = [design.rules_of(arm) for arm in arms]
    most = max(1, max(len(spec.dose_change) for spec in specs))
    shape = (len(arms), most)
    visit, first, to = (np.full(shape, NO_RULE, np.int64) for _ in range(3))
    tis, below = np.zeros(shape), np.zeros(shape, np.bool_)
    regimen = len(arms)
    for a, spec in enumerate(specs):
        for q, change in enumerate(spec.dose_change):
            is_below = change.if_tis_below is not None
            visit[a, q] = design.visits_weeks.index(change.at_week)
            tis[a, q] = change.if_tis_below if is_below else change.if_tis_at_least
            below[a, q], first[a, q], to[a, q] = is_below, change.from_patient - 1, regimen
            regimen += 1
    needed = [spec.as_needed for spec in specs]
    stable = [spec.stop_when_stable for spec in specs]
    switches = design.switches() if design.intercurrent.has("switch") else {}
    whole, real = np.int64, np.float64
    return Treatment(
        change_visit=visit,
        change_tis=tis,
        change_if_below=below,
        change_from=first,
        change_to=to,
        needed_from=np.array([minutes_from_weeks(n.from_week) if n else _NEVER for n in needed]),
        needed_below=np.array([n.if_tis_below or 0.0 if n else 0.0 for n in needed], real),
        needed_fall=np.array([n.if_tis_falls_by or np.inf if n else np.inf for n in needed], real),
        needed_dose=np.array([n.dose_g_per_kg if n else 0.0 for n in needed], real),
        needed_days=np.array([n.days if n else 1 for n in needed], whole),
        needed_drug=np.array([design.arms[a].is_drug for a in arms], np.bool_),
        needed_apart=np.array([n.weeks_apart if n else 0 for n in needed], whole),
        needed_most=np.array([n.at_most if n else 0 for n in needed], whole),
        stable_tis=np.array([s.tis_at_least if s else 0.0 for s in stable], real),
        stable_visits=np.array([s.visits if s else 0 for s in stable], whole),
        switch_to=np.array(
            [arms.index(switches[a]) if a in switches else NO_RULE for a in arms], whole
        ),
        extension=NO_RULE if design.extension is None else regimen,
        extension_week=0 if design.extension is None else design.extension.from_week,
    )
