"""What is observable of a batch of trials: a closed list of columns.

Axes: R replicates, P randomised patients in order of randomisation, V visits, K = 6 measures,
C infusion courses planned (the most of any arm).
Analyses and endpoints see this and nothing else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.events import n_event_slots
from simtrial.myositis import harm

REACTIONS = harm.REACTIONS
# in the order in which they are tried
SCREENING_FAILURES = (
    "mmt",
    "other_measures",
    "prednisolone",
    "mmt_too_low",
    "prednisolone_too_low",
    "age",
    "cancer",
    "previous_thromboembolism",
    "other",
    "subtype_full",
    "closed",
    "run_in_lost",
    "run_in_response",
)


class Snapshot(NamedTuple):
    """Observed columns. Minutes of events count from randomisation; -1 means it did not happen."""

    screened: NDArray[np.int64]  # (R,) candidates screened until the last one randomised
    failures: NDArray[np.int64]  # (R, 13) failures by first reason, those of a run-in among them
    complete: NDArray[np.bool_]  # (R,) False when the candidates ran out
    arm: NDArray[np.int64]  # (R, P)
    stratum: NDArray[np.int64]  # (R, P)
    candidate: NDArray[np.int64]  # (R, P) place in screening order
    site: NDArray[np.int64]  # (R, P)
    randomised_minute: NDArray[np.int64]  # (R, P) since the first site opened
    subtype: NDArray[np.int64]  # (R, P) index into the design's subtypes
    line: NDArray[np.int8]  # (R, P) index into LINES, -1 for nobody
    female: NDArray[np.bool_]  # (R, P)
    age: NDArray[np.float64]  # (R, P) years
    weight: NDArray[np.float64]  # (R, P) kg
    cancer: NDArray[np.bool_]  # (R, P)
    previous_thromboembolism: NDArray[np.bool_]  # (R, P)
    failures_before: NDArray[np.int32]  # (R, P, 13) failures before this candidate
    migraine: NDArray[np.bool_]  # (R, P)
    group_o: NDArray[np.bool_]  # (R, P) blood group O
    screening: NDArray[np.float64]  # (R, P, K)
    run_in: NDArray[np.float64]  # (R, P, K) at the start of the run-in, NaN without one
    run_in_courses: NDArray[np.int8]  # (R, P) given in the run-in, drug or placebo
    run_in_grams: NDArray[np.float64]  # (R, P) immunoglobulin given in the run-in
    visit_minute: NDArray[np.int32]  # (R, P, V) when it took place; -1 if missed or not reached
    measures: NDArray[np.float64]  # (R, P, V, K) NaN where not assessed
    enzymes: NDArray[np.float64]  # (R, P, V, 5) x ULN, NaN where not assessed
    enzyme: NDArray[
        np.int8
    ]  # (R, P) the most abnormal at baseline, which measures hold; -1 if none
    # (R, P, V) NaN where not assessed; 0 at baseline, but where a run-in is measured from
    tis: NDArray[np.float64]
    prednisolone: NDArray[
        np.float64
    ]  # (R, P, V) mg/d as prescribed from that visit on, NaN where not assessed
    courses: NDArray[np.int64]  # (R, P) infusion courses given
    course_minute: NDArray[np.int32]  # (R, P, C) first day of each course given
    course_days: NDArray[np.int8]  # (R, P, C) over how many days; 0 where none was given
    course_dose: NDArray[np.float64]  # (R, P, C) g/kg given, NaN where none
    course_drug: NDArray[np.bool_]  # (R, P, C) immunoglobulin; False for placebo or none
    missed_courses: NDArray[np.int16]  # (R, P) planned and due, but not to be had
    grams: NDArray[np.float64]  # (R, P) immunoglobulin given; 0 under placebo
    deterioration_minute: NDArray[np.int64]  # (R, P) confirmed
    rescue_minute: NDArray[np.int64]  # (R, P)
    lack_of_effect_minute: NDArray[np.int64]  # (R, P) treatment given up
    switch_minute: NDArray[np.int64]  # (R, P) another arm's treatment from here on
    standard_minute: NDArray[np.int64]  # (R, P) standard therapy from here on
    stable_minute: NDArray[np.int64]  # (R, P) no more planned courses, being stable
    stop_minute: NDArray[np.int64]  # (R, P) treatment stopped
    left_minute: NDArray[np.int64]  # (R, P) left the study before its last visit
    reaction_minute: NDArray[np.int32]  # (R, P, C) infusion reaction to a course
    reaction_kind: NDArray[np.int8]  # (R, P, C) index into REACTIONS, -1 without one
    reaction_serious: NDArray[np.bool_]  # (R, P, C)
    thromboembolism_minute: NDArray[np.int32]  # (R, P, C + 1) after a course; the last: without
    serious_minute: NDArray[np.int32]  # (R, P, C) another serious event after a course
    harm_stop_minute: NDArray[np.int64]  # (R, P) an event of harm stopped treatment
    events_minute: NDArray[np.int32]  # (R, P, E) by class and occasion: cohort.events.event_slots
    events_detail: NDArray[np.uint8]  # (R, P, E) bits of cohort.events, as decided at the event
    cancer_minute: NDArray[np.int32]  # (R, P) first diagnosis of cancer after randomisation
    death_minute: NDArray[np.int32]  # (R, P)
    followed_minute: NDArray[np.int32]  # (R, P) last minute in the study
    # (R, P, V) mg of prednisolone from randomisation to the visit, NaN where not assessed
    prednisolone_taken: NDArray[np.float64]
    flares: NDArray[np.bool_]  # (R, P, V) a flare since the visit before, seen at this one
    flare_minute: NDArray[np.int32]  # (R, P) the first of them


def empty_snapshot(replicates: int, patients: int, visits: int, courses: int) -> Snapshot:
    """Return a Snapshot to be filled: nothing assessed, nothing happened."""

    def whole(*shape: int, fill: int = 0) -> NDArray[np.int64]:
        return np.full(shape, fill, np.int64)

    def real(*shape: int) -> NDArray[np.float64]:
        return np.full(shape, np.nan)

    def short(*shape: int) -> NDArray[np.int32]:
        return np.full(shape, -1, np.int32)

    r, p, v, c = replicates, patients, visits, courses
    return Snapshot(
        screened=whole(r),
        failures=whole(r, len(SCREENING_FAILURES)),
        complete=np.zeros(r, np.bool_),
        arm=whole(r, p, fill=-1),
        stratum=whole(r, p),
        candidate=whole(r, p, fill=-1),
        site=whole(r, p, fill=-1),
        randomised_minute=whole(r, p, fill=-1),
        subtype=whole(r, p, fill=-1),
        line=np.full((r, p), -1, np.int8),
        female=np.zeros((r, p), np.bool_),
        age=real(r, p),
        weight=real(r, p),
        cancer=np.zeros((r, p), np.bool_),
        previous_thromboembolism=np.zeros((r, p), np.bool_),
        failures_before=np.zeros((r, p, len(SCREENING_FAILURES)), np.int32),
        migraine=np.zeros((r, p), np.bool_),
        group_o=np.zeros((r, p), np.bool_),
        screening=real(r, p, 6),
        run_in=real(r, p, 6),
        run_in_courses=np.zeros((r, p), np.int8),
        run_in_grams=np.zeros((r, p)),
        visit_minute=short(r, p, v),
        measures=real(r, p, v, 6),
        enzymes=real(r, p, v, 5),
        enzyme=np.full((r, p), -1, np.int8),
        tis=real(r, p, v),
        prednisolone=real(r, p, v),
        courses=whole(r, p),
        course_minute=short(r, p, c),
        course_days=np.zeros((r, p, c), np.int8),
        course_dose=real(r, p, c),
        course_drug=np.zeros((r, p, c), np.bool_),
        missed_courses=np.zeros((r, p), np.int16),
        grams=np.zeros((r, p)),
        deterioration_minute=whole(r, p, fill=-1),
        rescue_minute=whole(r, p, fill=-1),
        lack_of_effect_minute=whole(r, p, fill=-1),
        switch_minute=whole(r, p, fill=-1),
        standard_minute=whole(r, p, fill=-1),
        stable_minute=whole(r, p, fill=-1),
        stop_minute=whole(r, p, fill=-1),
        left_minute=whole(r, p, fill=-1),
        reaction_minute=short(r, p, c),
        reaction_kind=np.full((r, p, c), -1, np.int8),
        reaction_serious=np.zeros((r, p, c), np.bool_),
        thromboembolism_minute=short(r, p, c + 1),
        serious_minute=short(r, p, c),
        harm_stop_minute=whole(r, p, fill=-1),
        events_minute=short(r, p, n_event_slots(c, v)),
        events_detail=np.zeros((r, p, n_event_slots(c, v)), np.uint8),
        cancer_minute=short(r, p),
        death_minute=short(r, p),
        followed_minute=short(r, p),
        prednisolone_taken=real(r, p, v),
        flares=np.zeros((r, p, v), np.bool_),
        flare_minute=short(r, p),
    )
