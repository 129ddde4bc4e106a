"""What is observable of a batch of trials: a closed list of columns.

Axes: R replicates, P randomised patients in order of randomisation, V visits, K = 6 measures,
C infusion courses planned (the most of any arm).
Analyses and endpoints see this and nothing else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.myositis import harm

REACTIONS = harm.REACTIONS
SCREENING_FAILURES = ("mmt", "other_measures", "prednisolone")


class Snapshot(NamedTuple):
    """Observed columns. Minutes of events count from randomisation; -1 means it did not happen."""

    screened: NDArray[np.int64]  # (R,) candidates screened until the last one randomised
    failures: NDArray[np.int64]  # (R, 3) screening failures by first reason
    complete: NDArray[np.bool_]  # (R,) False when the candidates ran out
    arm: NDArray[np.int64]  # (R, P)
    stratum: NDArray[np.int64]  # (R, P)
    candidate: NDArray[np.int64]  # (R, P) place in screening order
    site: NDArray[np.int64]  # (R, P)
    randomised_minute: NDArray[np.int64]  # (R, P) since the first site opened
    subtype: NDArray[np.int64]  # (R, P) index into the design's subtypes
    female: NDArray[np.bool_]  # (R, P)
    age: NDArray[np.float64]  # (R, P) years
    weight: NDArray[np.float64]  # (R, P) kg
    cancer: NDArray[np.bool_]  # (R, P)
    previous_thromboembolism: NDArray[np.bool_]  # (R, P)
    screening: NDArray[np.float64]  # (R, P, K)
    measures: NDArray[np.float64]  # (R, P, V, K) NaN where not assessed
    tis: NDArray[np.float64]  # (R, P, V) NaN where not assessed; 0 at baseline
    prednisolone: NDArray[np.float64]  # (R, P, V) mg/d, NaN where not assessed
    courses: NDArray[np.int64]  # (R, P) infusion courses given
    grams: NDArray[np.float64]  # (R, P) immunoglobulin given; 0 under placebo
    deterioration_minute: NDArray[np.int64]  # (R, P) confirmed
    rescue_minute: NDArray[np.int64]  # (R, P)
    stop_minute: NDArray[np.int64]  # (R, P) treatment stopped
    left_minute: NDArray[np.int64]  # (R, P) left the study before its last visit
    reaction_minute: NDArray[np.int32]  # (R, P, C) infusion reaction to a course
    reaction_kind: NDArray[np.int8]  # (R, P, C) index into REACTIONS, -1 without one
    reaction_serious: NDArray[np.bool_]  # (R, P, C)
    thromboembolism_minute: NDArray[np.int32]  # (R, P, C + 1) after a course; the last: without
    serious_minute: NDArray[np.int32]  # (R, P, C) another serious event after a course
    harm_stop_minute: NDArray[np.int64]  # (R, P) an event of harm stopped treatment


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
        female=np.zeros((r, p), np.bool_),
        age=real(r, p),
        weight=real(r, p),
        cancer=np.zeros((r, p), np.bool_),
        previous_thromboembolism=np.zeros((r, p), np.bool_),
        screening=real(r, p, 6),
        measures=real(r, p, v, 6),
        tis=real(r, p, v),
        prednisolone=real(r, p, v),
        courses=whole(r, p),
        grams=np.zeros((r, p)),
        deterioration_minute=whole(r, p, fill=-1),
        rescue_minute=whole(r, p, fill=-1),
        stop_minute=whole(r, p, fill=-1),
        left_minute=whole(r, p, fill=-1),
        reaction_minute=short(r, p, c),
        reaction_kind=np.full((r, p, c), -1, np.int8),
        reaction_serious=np.zeros((r, p, c), np.bool_),
        thromboembolism_minute=short(r, p, c + 1),
        serious_minute=short(r, p, c),
        harm_stop_minute=whole(r, p, fill=-1),
    )
