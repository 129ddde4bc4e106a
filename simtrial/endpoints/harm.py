"""Harm of each patient: what is counted of the adverse events that a study saw."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.snapshot import Snapshot


class HarmCounts(NamedTuple):
    """Counts of each patient, (R, P) each."""

    reactions: NDArray[np.int64]  # courses with an infusion reaction
    thromboembolisms: NDArray[np.int64]
    serious: NDArray[np.int64]  # serious events of every kind, thromboembolism among them
    stopped: NDArray[np.bool_]  # treatment stopped for harm


def count_harm(seen: Snapshot) -> HarmCounts:
    """Return what each patient had until his last minute in the study."""
    clots = (seen.thromboembolism_minute >= 0).sum(axis=2)
    others = (seen.serious_minute >= 0).sum(axis=2) + seen.reaction_serious.sum(axis=2)
    return HarmCounts(
        reactions=(seen.reaction_minute >= 0).sum(axis=2),
        thromboembolisms=clots,
        serious=clots + others,
        stopped=seen.harm_stop_minute >= 0,
    )
