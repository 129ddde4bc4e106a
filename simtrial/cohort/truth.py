"""What nobody in a trial can see: classes, depths, true measures, benefit at each visit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.snapshot import Snapshot


class Truth(NamedTuple):
    """Latent columns, in the axes of Snapshot."""

    baseline: NDArray[np.float64]  # (R, P, K) latent values at randomisation
    responds: NDArray[np.bool_]  # (R, P) would respond to the drug
    improves: NDArray[np.bool_]  # (R, P) improves without the drug
    depth: NDArray[np.float64]  # (R, P)
    log_x50: NDArray[np.float64]  # (R, P)
    frailty: NDArray[np.float64]  # (R, P) multiplier of the rate of infusion reactions
    drug_benefit: NDArray[np.float64]  # (R, P, V) NaN where not assessed
    background_benefit: NDArray[np.float64]  # (R, P, V)
    dropout_minute: NDArray[np.int64]  # (R, P) may lie beyond the last visit


class Cohort(NamedTuple):
    """A batch of simulated trials: what is seen, and what is so."""

    seen: Snapshot
    truth: Truth

    def first_difference(self, other: Cohort) -> str | None:
        """Return the first field and position in which two cohorts differ by a bit, or None."""
        for mine, theirs in ((self.seen, other.seen), (self.truth, other.truth)):
            for name in mine._fields:
                a, b = getattr(mine, name), getattr(theirs, name)
                if a.dtype != b.dtype or a.shape != b.shape:
                    return f"{name}: {a.dtype}{a.shape} against {b.dtype}{b.shape}"
                same = a == b
                if a.dtype.kind == "f":
                    same |= np.isnan(a) & np.isnan(b)
                    same &= np.signbit(a) == np.signbit(b)
                if not same.all():
                    where = tuple(int(i) for i in np.argwhere(~same)[0])
                    return f"{name}{list(where)}: {a[where]!r} against {b[where]!r}"
        return None


def empty_truth(replicates: int, patients: int, visits: int) -> Truth:
    """Return a Truth to be filled."""
    r, p, v = replicates, patients, visits
    return Truth(
        baseline=np.full((r, p, 6), np.nan),
        responds=np.zeros((r, p), np.bool_),
        improves=np.zeros((r, p), np.bool_),
        depth=np.full((r, p), np.nan),
        log_x50=np.full((r, p), np.nan),
        frailty=np.full((r, p), np.nan),
        drug_benefit=np.full((r, p, v), np.nan),
        background_benefit=np.full((r, p, v), np.nan),
        dropout_minute=np.full((r, p), -1, np.int64),
    )
