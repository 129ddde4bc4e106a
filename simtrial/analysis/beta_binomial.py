"""Beta-binomial comparison of two arms: posterior probability in closed form, and the decision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simtrial.core.compiled import kernel
from simtrial.stats.beta import BetaRace, observe_first, observe_second, start_race
from simtrial.trial.design import Design


def prior_race(design: Design) -> BetaRace:
    """Return the design's two priors, the arm that should be better first."""
    if design.analysis is None or design.decision is None:
        raise ValueError("the design has no analysis and no decision")
    better, other = design.decision.success.arms()
    return start_race(design.analysis.prior[better], design.analysis.prior[other])


@kernel
def posterior_at(
    race: BetaRace,
    better: int,
    arm: NDArray[np.int64],
    response: NDArray[np.bool_],
    sizes: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return P(better > other | the first n patients) for each trial and each size n.

    Parameters
    ----------
    race : the priors, the better arm first.
    better : index of the arm that should be better; every other patient is of the other.
    arm, response : (R, P) in order of randomisation.
    sizes : (G,) increasing, at most P.

    Returns
    -------
    (R, G) posterior probabilities.
    """
    out = np.empty((arm.shape[0], sizes.shape[0]))
    for r in range(arm.shape[0]):
        now = race
        p = 0
        for g in range(sizes.shape[0]):
            while p < sizes[g]:
                if arm[r, p] == better:
                    now = observe_first(now, response[r, p])
                else:
                    now = observe_second(now, response[r, p])
                p += 1
            out[r, g] = now.greater
    return out
