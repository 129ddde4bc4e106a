"""What nobody in a trial can see: classes, depths, true measures, benefit at each visit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.difference import first_difference
from simtrial.cohort.snapshot import Snapshot


class Truth(NamedTuple):
    """Latent columns, in the axes of Snapshot."""

    # (R, P, K) latent values before any benefit: at randomisation, or when the run-in begins
    baseline: NDArray[np.float64]
    other_enzymes: NDArray[np.float64]  # (R, P, 4) log x ULN of the enzymes beside CK
    responds: NDArray[np.bool_]  # (R, P) would respond to the drug
    improves: NDArray[np.bool_]  # (R, P) improves without the drug
    depth: NDArray[np.float64]  # (R, P)
    log_x50: NDArray[np.float64]  # (R, P)
    frailty: NDArray[np.float64]  # (R, P) multiplier of the rate of infusion reactions
    drug_benefit: NDArray[np.float64]  # (R, P, V) NaN where not assessed
    background_benefit: NDArray[np.float64]  # (R, P, V)
    dropout_minute: NDArray[np.int64]  # (R, P) may lie beyond the last visit
    transient: NDArray[np.bool_]  # (R, P) a responder whose benefit fades under treatment
    steroid_benefit: NDArray[np.float32]  # (R, P, V) of a changed dose; negative for a lower one
    flare_loss: NDArray[np.float32]  # (R, P, V) benefit that flares have taken
    maintenance_mg: NDArray[np.float32]  # (R, P) floor of a taper in practice; NaN without one


class Cohort(NamedTuple):
    """A batch of simulated trials: what is seen, and what is so."""

    seen: Snapshot
    truth: Truth

    def first_difference(self, other: Cohort) -> str | None:
        """Return in words where two cohorts first differ by a bit, or None."""
        mine, theirs = ({**one.seen._asdict(), **one.truth._asdict()} for one in (self, other))
        return first_difference(mine, theirs)


def empty_truth(replicates: int, patients: int, visits: int) -> Truth:
    """Return a Truth to be filled."""
    r, p, v = replicates, patients, visits
    return Truth(
        baseline=np.full((r, p, 6), np.nan),
        other_enzymes=np.full((r, p, 4), np.nan),
        responds=np.zeros((r, p), np.bool_),
        improves=np.zeros((r, p), np.bool_),
        depth=np.full((r, p), np.nan),
        log_x50=np.full((r, p), np.nan),
        frailty=np.full((r, p), np.nan),
        drug_benefit=np.full((r, p, v), np.nan),
        background_benefit=np.full((r, p, v), np.nan),
        dropout_minute=np.full((r, p), -1, np.int64),
        transient=np.zeros((r, p), np.bool_),
        steroid_benefit=np.full((r, p, v), np.nan, np.float32),
        flare_loss=np.full((r, p, v), np.nan, np.float32),
        maintenance_mg=np.full((r, p), np.nan, np.float32),
    )
