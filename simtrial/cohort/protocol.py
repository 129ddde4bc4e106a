"""The design as numbers: weeks become whole minutes here, once, before either engine runs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.allocation import AllocationPlan, allocation_plan
from simtrial.cohort.entry import Entry, entry_of
from simtrial.cohort.measuring import MeasuringRules, measuring_rules
from simtrial.cohort.run_in import RunIn, run_in_of
from simtrial.cohort.taper_rule import TaperRule, taper_rule
from simtrial.cohort.treatment import Treatment, regimens_of, treatment_of
from simtrial.core.units import minutes_from_weeks
from simtrial.myositis.measures import MMT_MAXIMUM
from simtrial.trial.design import Design

CAP_G_PER_DAY = 80.0  # at most 80 g on one day (document 002, dosing)
NEVER = 2**60  # a minute that does not come
# what follows an intercurrent event
CONTINUE, STOP, LEAVE, SWITCH, STANDARD = range(5)
AFTER = {
    "continue": CONTINUE,
    "stop_treatment": STOP,
    "leave_study": LEAVE,
    "switch": SWITCH,
    "standard_therapy": STANDARD,
}


class Protocol(NamedTuple):
    """What the engines need of a design. Axes: V visits, A arms, C courses, B block sizes.

    All minutes count from randomisation. G regimens: first one for each arm, then those that the
    rules of ``treatment`` name. C is the most courses that one patient can be given.
    """

    visit_minute: NDArray[np.int64]  # (V,)
    visit_week: NDArray[np.int64]  # (V,)
    visit_of_week: NDArray[np.int64]  # (weeks to the last visit + 1,) -1 where there is none
    n_courses: NDArray[np.int64]  # (G,)
    course_week: NDArray[np.int64]  # (G, C); those beyond n_courses are not used
    course_days: NDArray[np.int64]  # (G, C)
    course_dose: NDArray[np.float64]  # (G, C) g/kg as planned
    course_drug: NDArray[np.bool_]  # (G, C) False for placebo
    treatment: Treatment
    on_drug: NDArray[np.bool_]  # (A,) whether the arm is ever given the drug
    screening_minutes: int  # to the baseline visit, or to the start of the run-in
    mmt_maximum: int
    mmt_below: float
    other_abnormal: int
    prednisolone_at_most: float
    deterioration_from: int
    deterioration_then: int
    rescue_from: int
    rescue_below: float
    rescue_then: int
    lack_from: int
    lack_below: float
    lack_then: int
    harm_leaves: bool
    cap_g_per_day: float
    measuring: MeasuringRules
    entry: Entry
    allocation: AllocationPlan
    taper: TaperRule
    run_in: RunIn


def protocol_of(design: Design) -> Protocol:
    """Return a design's numbers for the engines."""
    arms = design.arm_names
    regimens = regimens_of(design)
    visit_of_week = np.full(design.visits_weeks[-1] + 1, -1, np.int64)
    visit_of_week[list(design.visits_weeks)] = np.arange(len(design.visits_weeks))
    rules = design.population.eligibility
    events = design.intercurrent
    worse, rescue, lack = events.deterioration, events.rescue, events.lack_of_effect
    cap = rules.prednisolone_at_most_mg
    return Protocol(
        visit_minute=np.array([minutes_from_weeks(w) for w in design.visits_weeks], np.int64),
        visit_week=np.array(design.visits_weeks, np.int64),
        visit_of_week=visit_of_week,
        n_courses=regimens.n_courses,
        course_week=regimens.week,
        course_days=regimens.days,
        course_dose=regimens.dose,
        course_drug=regimens.drug,
        treatment=treatment_of(design),
        on_drug=np.array([design.arms[name].is_drug for name in arms], np.bool_),
        screening_minutes=minutes_from_weeks(design.screening_weeks),
        mmt_maximum=MMT_MAXIMUM[design.population.mmt],
        mmt_below=np.inf if rules.mmt_below is None else rules.mmt_below,
        other_abnormal=rules.other_abnormal_measures,
        prednisolone_at_most=np.inf if cap is None else cap,
        deterioration_from=NEVER if worse is None else minutes_from_weeks(worse.from_week),
        deterioration_then=AFTER["continue" if worse is None else worse.then],
        rescue_from=NEVER if rescue is None else minutes_from_weeks(rescue.allowed_from_week),
        rescue_below=0.0 if rescue is None else rescue.insufficient_tis_below,
        rescue_then=AFTER["continue" if rescue is None else rescue.then],
        lack_from=NEVER if lack is None else minutes_from_weeks(lack.from_week),
        lack_below=0.0 if lack is None else lack.tis_below,
        lack_then=AFTER["continue" if lack is None else lack.then],
        harm_leaves=events.harm.then == "leave_study",
        cap_g_per_day=CAP_G_PER_DAY,
        measuring=measuring_rules(design),
        entry=entry_of(rules),
        allocation=allocation_plan(design),
        taper=taper_rule(design),
        run_in=run_in_of(design),
    )
