"""What each patient was infused, course by course: when, over how many days, how much.

A course counts from its first day on, with its whole dose: those begun are finished.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.snapshot import Snapshot
from simtrial.core.units import MINUTES_PER_DAY


class Exposure(NamedTuple):
    """Courses of each patient, (R, P, C) each; what was not given is -1 minutes and 0 g."""

    start: NDArray[np.int64]  # minute of the first infusion day since randomisation
    end: NDArray[np.int64]  # and of the last
    grams: NDArray[np.float64]  # immunoglobulin; 0 of a placebo


def exposure_of(seen: Snapshot) -> Exposure:
    """Return the courses that patients were given, in their order."""
    start = seen.course_minute.astype(np.int64)
    days = seen.course_days.astype(np.int64)
    # the product that the engines add up, so that the sum is theirs to the bit
    grams = seen.course_dose * seen.weight[:, :, None]
    return Exposure(
        start=start,
        end=np.where(start >= 0, start + (days - 1) * MINUTES_PER_DAY, -1),
        grams=np.where(seen.course_drug, grams, 0.0),
    )


def total_grams(grams: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum over courses, (R, P), added up in their order as the engines do."""
    if grams.shape[2] == 0:
        return np.zeros(grams.shape[:2])
    return np.cumsum(grams, axis=2)[:, :, -1]
