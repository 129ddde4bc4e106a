"""Beta-binomial comparison of two arms: posterior probability in closed form, and the decision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simtrial.core.compiled import kernel
from simtrial.stats.beta import ROUNDING, BetaRace, observe_first, observe_second, start_race
from simtrial.trial.plan import Plan


def is_success(posterior: NDArray[np.float64], above: float) -> NDArray[np.bool_]:
    """Return whether each posterior probability lies strictly above the threshold."""
    return posterior > above + ROUNDING


def prior_race(design: Plan) -> BetaRace:
    """Return the design's two priors, each one beta, the arm that should be better first."""
    if design.analysis is None or design.decision is None:
        raise ValueError("the design has no analysis and no decision")
    (_, a, b), (_, c, d) = (
        design.analysis.components(arm)[0] for arm in design.decision.success.arms()
    )
    return start_race((a, b), (c, d))


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


def posterior_difference(
    counts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    priors: tuple[tuple[float, float], tuple[float, float]],
) -> NDArray[np.float64]:
    """Return the posterior mean of p_better - p_other for each trial.

    Parameters
    ----------
    counts, sizes : (R, 2) responders and patients, the better arm first.
    priors : beta parameters in the same order.
    """
    prior = np.array(priors, np.float64)
    share = (counts + prior[:, 0]) / (sizes + prior.sum(axis=1))
    return np.asarray(share[:, 0] - share[:, 1], np.float64)


def chance_difference_exceeds(
    counts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    priors: tuple[tuple[float, float], tuple[float, float]],
    difference: float,
) -> NDArray[np.float64]:
    """Return P(p_better - p_other > difference | data) for each trial, (R,).

    Gauss-Legendre over the quantiles of the other arm's posterior; error below 1e-6, tested.
    Trials with the same counts are computed once.
    """
    from scipy.special import betainc, betaincinv

    table = np.concatenate([counts, sizes], axis=1)
    distinct, place = np.unique(table, axis=0, return_inverse=True)
    (a1, b1), (a0, b0) = priors
    y1, y0, n1, n0 = (distinct[:, i, None].astype(np.float64) for i in range(4))
    # nodes crowd towards both ends, where a quantile has its steepest slope
    t, weight = np.polynomial.legendre.leggauss(200)
    u = 0.5 * (1.0 + np.sin(0.5 * np.pi * t))
    weight = weight * 0.25 * np.pi * np.cos(0.5 * np.pi * t)
    other = betaincinv(a0 + y0, b0 + n0 - y0, u[None, :])
    shifted = np.clip(other + difference, 0.0, 1.0)
    above = 1.0 - betainc(a1 + y1, b1 + n1 - y1, shifted)
    return np.asarray((above @ weight)[place.reshape(-1)], np.float64)
