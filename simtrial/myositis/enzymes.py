"""Five muscle enzymes: how they vary together, how they are seen, and which of them is chosen.

All are handled as logarithms of multiples of the upper limit of normal. Creatine kinase is the
sixth core set measure's own latent value; the four others follow it. What counts as the enzyme of
a patient is the one that was most abnormal at the observed baseline, at every later visit too.

Arrays of enzymes follow the order of ``ENZYMES``; those of the four others leave out the first.

References
----------
Aggarwal R, Rider LG, Ruperto N, et al. 2016 ACR/EULAR criteria for minimal, moderate, and major
clinical response in adult dermatomyositis and polymyositis. Ann Rheum Dis 2017;76:792-801 (the
range of each enzyme that a change is divided by).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simtrial.core.arithmetic import normals_in_place
from simtrial.core.compiled import step
from simtrial.myositis.measures import (
    ENZYME,
    N_MEASURES,
    baseline_value,
    measurement_error,
    next_deviate,
    observe,
    observe_measures,
    true_value,
)

ENZYMES = ("ck", "aldolase", "ldh", "ast", "alt")
N_ENZYMES = 5
OTHERS = ENZYMES[1:]
N_OTHERS = 4  # enzymes beside creatine kinase

# the 90 % range that the improvement score divides by, in multiples of the upper limit of normal
ENZYME_RANGE_ULN = (15.0, 6.0, 3.0, 3.0, 3.0)


@step
def enzyme_range(enzyme: int) -> float:
    """Return the range that a change of an enzyme is divided by, x ULN."""
    if enzyme == 0:
        return 15.0
    if enzyme == 1:
        return 6.0
    return 3.0


@step(inline=True)
def draw_others(
    out: NDArray[np.float64],
    location: NDArray[np.float64],
    scale: NDArray[np.float64],
    root: NDArray[np.float64],
    ck: float,
    z: NDArray[np.float64],
) -> None:
    """Write the latent baseline (4,) of the other enzymes, given that of creatine kinase.

    ``ck`` : the standard normal behind creatine kinase; ``z`` : (4,) standard normals;
    ``root`` : (4, 5) lower rows of the Cholesky root of the correlation of all five.
    """
    for other in range(N_OTHERS):
        correlated = root[other, 0] * ck
        for k in range(N_OTHERS):
            correlated += root[other, 1 + k] * z[k]
        out[other] = baseline_value(ENZYME, location[other], scale[other], correlated)


@step(inline=True)
def advance_others(
    deviates: NDArray[np.float64], innovations: NDArray[np.float64], correlation: float
) -> None:
    """Move the error series (4,) of the other enzymes to a new visit."""
    for other in range(N_OTHERS):
        deviates[other] = next_deviate(correlation, deviates[other], innovations[other])


@step(inline=True)
def observe_visit(
    out: NDArray[np.float64],
    enzymes: NDArray[np.float64],
    baseline: NDArray[np.float64],
    others: NDArray[np.float64],
    benefit: float,
    loading: NDArray[np.float64],
    sd: NDArray[np.float64],
    shared_share: float,
    deviates: NDArray[np.float64],
    other_deviates: NDArray[np.float64],
    mmt_maximum: int,
) -> None:
    """Write the six measures, with creatine kinase as the enzyme, and the five enzymes of a visit.

    Parameters
    ----------
    out, enzymes : (6,) and (5,) to be written; enzymes in multiples of the upper limit of normal.
    baseline, others : (6,) and (4,) latent baselines.
    loading, sd : (6,); those of the enzyme hold for all five.
    deviates, other_deviates : (7,) and (4,) standard normal errors; the seventh is shared by all.
    """
    observe_measures(out, baseline, benefit, loading, sd, shared_share, deviates, mmt_maximum)
    enzymes[0] = out[ENZYME]
    for other in range(N_OTHERS):
        true = true_value(ENZYME, others[other], loading[ENZYME], benefit)
        error = measurement_error(
            ENZYME, sd[ENZYME], shared_share, deviates[N_MEASURES], other_deviates[other]
        )
        enzymes[1 + other] = true + error
    # the four exponentials of ``observe`` side by side, which the compiler then takes at once
    for other in range(N_OTHERS):
        enzymes[1 + other] = observe(ENZYME, enzymes[1 + other], 0.0, mmt_maximum)


@step
def most_abnormal(seen: NDArray[np.float64]) -> int:
    """Return which of the five observed enzymes (5,) is highest; of equals the first."""
    highest = 0
    for enzyme in range(N_ENZYMES):
        if seen[enzyme] > seen[highest]:
            highest = enzyme
    return highest


def exchangeable_root(correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (D, 4, 5): the four lower rows of the Cholesky root of five equally correlated.

    Written as plain sums over rows of parameters, so that it is the same on every machine. A
    pivot of 0 (all five the same) leaves nothing to the later columns.

    Parameters
    ----------
    correlation : (D,) of every pair, from 0 to 1.
    """
    root = np.zeros((*correlation.shape, N_ENZYMES, N_ENZYMES))
    for i in range(N_ENZYMES):
        for j in range(i + 1):
            rest = np.ones_like(correlation) if i == j else np.array(correlation)
            for m in range(j):
                rest = rest - root[:, i, m] * root[:, j, m]
            if i == j:
                root[:, i, i] = np.sqrt(np.maximum(rest, 0.0))
            else:
                pivot = root[:, j, j]
                root[:, i, j] = np.where(pivot > 0.0, rest / np.where(pivot > 0.0, pivot, 1.0), 0.0)
    return root[:, 1:, :]


def location_of_raised(
    raised: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the log median at which a share ``raised`` lies above the upper limit of normal."""
    quantiles = np.array(raised, np.float64)
    normals_in_place(quantiles, quantiles.shape[0], np.empty(quantiles.shape[0] + 8))
    return np.asarray(scale * quantiles, np.float64)
