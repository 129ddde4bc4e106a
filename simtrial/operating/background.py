"""Improvement without the drug, solved so that the *observed* control rate is the stated one.

A stated control rate (TIS >= 20 at week 16 in the reference protocol) already contains measurement
noise and regression to the mean. With r0 and r1 the observed rates of patients who do not and who
do improve without the drug, rate = (1 - p) r0 + p r1. Both are counted for each row of parameters
among the same simulated patients; r0 is the noise floor.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort import draws as at
from simtrial.cohort.course import Course, CourseTable, Draws, course_row, course_table
from simtrial.cohort.draws import DrawPlan, draw_plan, fill_candidate, fill_enrolled
from simtrial.cohort.protocol import Protocol, protocol_of
from simtrial.cohort.risk import without_harm
from simtrial.cohort.rules import screening_failure
from simtrial.core.compiled import kernel
from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.myositis.enzymes import (
    advance_others,
    draw_others,
    enzyme_range,
    most_abnormal,
    observe_visit,
)
from simtrial.myositis.measures import ENZYME, advance_deviates, copula_normal, draw_baseline
from simtrial.myositis.response import correlation_over, decline, net_benefit, relax
from simtrial.myositis.taper import entry_dose
from simtrial.myositis.tis import MINIMAL, improvement_score
from simtrial.trial.design import Design, load_patient_design

CONTROL_RATE = "control.tis20_week16"
SOLVED = "p_background"
PATIENTS = 65_536  # a row: the standard error of r0 and r1 is below 0.002
SEED = 20_260_116
_PREFIXES = ("loading.", "sd_change.", "noise_", "baseline.", "enzyme.")
_NAMES = ("background_depth", "k_background", "drift_per_year")


def moves_control(name: str) -> bool:
    """Return whether r0 or r1 depend on a parameter."""
    return name.startswith(_PREFIXES) or name in _NAMES


def reference_protocol() -> Design:
    """Return the protocol on which a control rate is stated."""
    return load_patient_design("reference_control")


@kernel
def control_responses(
    protocol: Protocol, course: Course, plan: DrawPlan, seed: int, replicate: int, patients: int
) -> tuple[int, int]:
    """Count TIS >= 20 at the last visit among eligible patients without and with background.

    The same patients are counted twice, so the two counts differ by the improvement alone.
    """
    improved = 0.0
    for _ in range(protocol.visit_minute[-1] // MINUTES_PER_WEEK):
        improved = relax(
            improved, course.background_depth, course.k_background, float(MINUTES_PER_WEEK)
        )
    # the reference protocol has one subtype, and keeps prednisolone as it is
    declined = decline(course.dynamics.drift_per_year[0], float(protocol.visit_minute[-1]))
    early = np.empty(plan.candidate_room)
    u = np.empty(plan.enrolled_room)
    z, baseline, observed = np.empty(6), np.empty(6), np.empty(6)
    before, deviates = np.empty(6), np.empty(7)
    others, other_deviates, enzymes = np.empty(4), np.empty(4), np.empty(5)
    measuring = course.measuring
    to_baseline = correlation_over(course.noise_per_4_weeks, float(protocol.screening_minutes))
    to_last = correlation_over(course.noise_per_4_weeks, float(protocol.visit_minute[-1]))
    found, without, with_background, candidate = 0, 0, 0, 0
    most = protocol.mmt_maximum
    farthest = 1_000 * patients  # an eligibility that lets in less than 0.1 % is refused elsewhere
    while found < patients and candidate < farthest:
        fill_candidate(early, plan, seed, replicate, candidate)
        z[:] = early[at.BASELINE_AT : at.BASELINE_AT + 6]
        draw_baseline(baseline, course.location, course.scale, course.root, z)
        ck = copula_normal(ENZYME, course.root, z)
        theirs = early[at.ENZYME_BASELINE_AT : at.ENZYME_BASELINE_AT + 4]
        draw_others(others, measuring.location, measuring.scale, measuring.root, ck, theirs)
        dose_mg = entry_dose(
            early[at.TAKES_PREDNISOLONE_AT] < course.prednisolone_share,
            course.prednisolone_log_median,
            course.prednisolone_log_sd,
            early[at.PREDNISOLONE_AT],
        )
        deviates[:] = early[at.SCREENING_NOISE_AT : at.SCREENING_NOISE_AT + 7]
        other_deviates[:] = early[at.ENZYME_SCREENING_AT : at.ENZYME_SCREENING_AT + 4]
        _observe(observed, enzymes, 0.0, baseline, others, course, deviates, other_deviates, most)
        observed[ENZYME] = enzymes[most_abnormal(enzymes)]
        reason = screening_failure(
            observed,
            dose_mg,
            protocol.mmt_below,
            protocol.other_abnormal,
            protocol.prednisolone_at_most,
        )
        if reason < 0:
            found += 1
            fill_enrolled(u, plan, seed, replicate, candidate)
            advance_deviates(deviates, u[at.VISIT_NOISE_AT : at.VISIT_NOISE_AT + 7], to_baseline)
            last = plan.enzyme_noise_at
            advance_others(other_deviates, u[last : last + 4], to_baseline)
            _observe(before, enzymes, 0.0, baseline, others, course, deviates, other_deviates, most)
            chosen = most_abnormal(enzymes)
            before[ENZYME] = enzymes[chosen]
            in_range = enzyme_range(chosen)
            last = at.VISIT_NOISE_AT + at.NOISE_SLOTS
            advance_deviates(deviates, u[last : last + 7], to_last)
            last = plan.enzyme_noise_at + at.ENZYME_SLOTS
            advance_others(other_deviates, u[last : last + 4], to_last)
            benefit = net_benefit(0.0, 0.0, 0.0, declined, 0.0)
            _observe(
                observed, enzymes, benefit, baseline, others, course, deviates, other_deviates, most
            )
            observed[ENZYME] = enzymes[chosen]
            without += improvement_score(before, observed, most, in_range) >= MINIMAL
            benefit = net_benefit(0.0, improved, 0.0, declined, 0.0)
            _observe(
                observed, enzymes, benefit, baseline, others, course, deviates, other_deviates, most
            )
            observed[ENZYME] = enzymes[chosen]
            with_background += improvement_score(before, observed, most, in_range) >= MINIMAL
        candidate += 1
    return without, with_background


@kernel
def _observe(
    out: NDArray[np.float64],
    enzymes: NDArray[np.float64],
    benefit: float,
    baseline: NDArray[np.float64],
    others: NDArray[np.float64],
    course: Course,
    deviates: NDArray[np.float64],
    other_deviates: NDArray[np.float64],
    mmt_maximum: int,
) -> None:
    observe_visit(
        out,
        enzymes,
        baseline,
        others,
        benefit,
        course.loading,
        course.sd,
        course.noise_shared,
        deviates,
        other_deviates,
        mmt_maximum,
    )


def reference_table(draws: Draws, correlation: NDArray[np.float64]) -> CourseTable:
    """Return the course table of the reference protocol, without the drug."""
    rows = next(iter(draws.values())).shape[0]
    every = {**draws, **without_harm(rows)}  # nobody leaves the reference protocol
    return course_table(reference_protocol(), every, correlation, np.zeros(rows), drug_works=False)


def tabulate(
    draws: Draws,
    correlation: NDArray[np.float64],
    *,
    patients: int = PATIENTS,
    workers: int = 1,
    first_replicate: int = 0,
    tick: Callable[[], None] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Return ``r0, r1`` (D,) and their standard errors ``r0_error, r1_error`` for D rows.

    Row d uses the patients of replicate ``first_replicate + d``, so errors of rows are independent.
    """
    protocol = protocol_of(reference_protocol())
    table = reference_table(draws, correlation)
    plan = draw_plan(protocol.visit_week)

    def count(d: int) -> tuple[int, int]:
        pair = control_responses(
            protocol, course_row(table, d), plan, SEED, first_replicate + d, patients
        )
        if tick is not None:
            tick()
        return pair

    with ThreadPoolExecutor(workers) as pool:  # the kernel releases the interpreter's lock
        counts = np.array(list(pool.map(count, range(table.depth.shape[0]))), np.float64)
    shares = counts / patients
    errors = np.sqrt(shares * (1.0 - shares) / patients)
    return {
        "r0": shares[:, 0],
        "r1": shares[:, 1],
        "r0_error": errors[:, 0],
        "r1_error": errors[:, 1],
    }


def solve_background(
    rate: NDArray[np.float64], r0: NDArray[np.float64], r1: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return (p_background, clipped), (D,) each: the chance that gives each row its control rate.

    A rate below the noise floor gives 0, one above what full background reaches gives 1; such
    rows are marked as clipped.
    """
    room = np.maximum(r1 - r0, 1e-9)
    wanted = (rate - r0) / room
    return np.clip(wanted, 0.0, 1.0), (wanted < 0.0) | (wanted > 1.0)
