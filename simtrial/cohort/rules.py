"""Rules of the protocol for one patient at one moment, on what is observed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.protocol import NEVER
from simtrial.core.compiled import step
from simtrial.myositis.measures import MMT, N_MEASURES, is_abnormal

_FARTHEST = 1e15  # minutes; later is never


@step
def screening_failure(
    observed: NDArray[np.float64],
    prednisolone_mg: float,
    mmt_below: float,
    other_abnormal: int,
    prednisolone_at_most: float,
) -> int:
    """Return the first reason (index into SCREENING_FAILURES) not to enter, or -1 to enter."""
    if observed[MMT] >= mmt_below:
        return 0
    n_abnormal = 0
    for measure in range(N_MEASURES):
        if measure != MMT and is_abnormal(measure, observed[measure]):
            n_abnormal += 1
    if n_abnormal < other_abnormal:
        return 1
    if prednisolone_mg > prednisolone_at_most:
        return 2
    return -1


@step
def whole_minute(minutes: float) -> int:
    """Return the nearest whole minute; what is too far to count never comes."""
    if minutes > _FARTHEST:
        return NEVER
    return int(math.floor(minutes + 0.5))
