"""Stopping bounds of single-arm designs from a rule: posterior, predictive, sequential ratio.

Posterior and predictive probabilities of a high rate rise with every responder, whatever the
prior, so each rule has a lowest or highest count per look and the bounds lose nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simtrial.core.errors import DomainError
from simtrial.stats.beta import ROUNDING
from simtrial.stats.binary.beta_binomial import Prior, posterior_tails
from simtrial.stats.binary.predictive import posterior_success, predict_one_arm
from simtrial.stats.binary.single_arm import CountBounds


def posterior_bounds(
    looks: Sequence[int],
    prior: Prior,
    *,
    futility: tuple[float, float] | None = None,
    efficacy: tuple[float, float] | None = None,
) -> CountBounds:
    """Return the bounds at which a posterior probability reaches a threshold.

    Parameters
    ----------
    looks : (L,) patients with outcomes at each look.
    futility : (rate, threshold): stop when P(p <= rate | data) is the threshold or more.
    efficacy : (rate, threshold): stop when P(p > rate | data) is the threshold or more.

    Raises
    ------
    DomainError : when a rate or threshold is outside 0..1, or one count would do both.

    References
    ----------
    Thall PF, Simon R. Practical Bayesian guidelines for phase IIB clinical trials. Biometrics
    1994;50:337-349.
    """
    lower, upper = [], []
    for n in looks:
        few, many = np.zeros(n + 1, np.bool_), np.zeros(n + 1, np.bool_)
        if futility is not None:
            _check_threshold("futility", futility[1])
            few = 1.0 - posterior_tails(prior, n, futility[0]) >= futility[1] - ROUNDING
        if efficacy is not None:
            _check_threshold("efficacy", efficacy[1])
            many = posterior_tails(prior, n, efficacy[0]) >= efficacy[1] - ROUNDING
        lower.append(_highest(few))
        upper.append(_lowest(many))
    return CountBounds(n=tuple(looks), lower=tuple(lower), upper=tuple(upper))


def predictive_bounds(
    looks: Sequence[int],
    prior: Prior,
    *,
    n_final: int,
    rate: float,
    above: float,
    futility_below: float = 0.0,
    efficacy_above: float = 1.0,
) -> CountBounds:
    """Return the bounds of a predictive probability of final success.

    Final success is P(p > rate | all ``n_final`` outcomes) > above. A look stops for futility when
    its predictive probability is below ``futility_below``, for efficacy when it is above
    ``efficacy_above``; at ``n_final`` itself the probability is 0 or 1.

    Parameters
    ----------
    looks : (L,) patients with outcomes at each look, at most ``n_final``.
    prior : for the prediction and for the final decision.

    Raises
    ------
    DomainError : when a threshold is outside 0..1, a look is later than ``n_final``, or one count
        would do both.

    References
    ----------
    Lee JJ, Liu DD. A predictive probability design for phase II cancer clinical trials.
    Clin Trials 2008;5:93-106.
    """
    _check_threshold("futility_below", futility_below)
    _check_threshold("efficacy_above", efficacy_above)
    final = posterior_success(prior, n_final, rate=rate, above=above)
    lower, upper = [], []
    for n in looks:
        predicted = predict_one_arm(final, prior, n)
        lower.append(_highest(predicted < futility_below - ROUNDING))
        upper.append(_lowest(predicted > efficacy_above + ROUNDING))
    return CountBounds(n=tuple(looks), lower=tuple(lower), upper=tuple(upper))


def sequential_ratio_bounds(
    *, p0: float, p1: float, alpha: float, beta: float, n_first: int, n_last: int
) -> CountBounds:
    """Return the bounds of a sequential probability ratio test, truncated at ``n_last``.

    After every patient from ``n_first`` on the likelihood ratio of ``p1`` to ``p0`` is compared
    with Wald's limits (1 - beta) / alpha and beta / (1 - alpha): in terms of counts, two parallel
    lines. At truncation a count between them decides nothing.

    Parameters
    ----------
    p0, p1 : rates of the null and alternative hypotheses, p0 < p1.
    alpha, beta : errors that Wald's limits are for; the truncated test's own are to be computed.

    Raises
    ------
    DomainError : when the rates or errors are out of order or range, or ``n_first > n_last``.

    References
    ----------
    Wald A. Sequential analysis. Wiley 1947, sections 3.2 and 5.2.
    """
    if not 0.0 < p0 < p1 < 1.0:
        raise DomainError(
            f"p0 is {p0:g} and p1 {p1:g}; rates hold 0 < p0 < p1 < 1, such as p0=0.1, p1=0.35."
        )
    if not (alpha > 0.0 and beta > 0.0 and alpha + beta < 1.0):
        raise DomainError(
            f"alpha is {alpha:g} and beta {beta:g}; both must be above 0 and together below 1, "
            "such as alpha=0.05, beta=0.2."
        )
    if not 1 <= n_first <= n_last:
        raise DomainError(
            f"looks go from {n_first} to {n_last} patients; write 1 <= n_first <= n_last, such as "
            "10 and 25."
        )
    by_responder = math.log(p1 * (1.0 - p0) / (p0 * (1.0 - p1)))
    slope = math.log((1.0 - p0) / (1.0 - p1)) / by_responder
    low = math.log(beta / (1.0 - alpha)) / by_responder
    high = math.log((1.0 - beta) / alpha) / by_responder
    n = np.arange(n_first, n_last + 1)
    # a count can lie on a line exactly (p0 = 1 - p1); the product then rounds either way
    lower = np.floor(slope * n + low + ROUNDING).astype(np.int64)
    upper = np.ceil(slope * n + high - ROUNDING).astype(np.int64)
    return CountBounds(
        n=tuple(n.tolist()),
        lower=tuple(np.clip(lower, -1, n).tolist()),
        upper=tuple(np.clip(upper, 0, n + 1).tolist()),
    )


# --- helpers ------------------------------------------------------------------------------------


def _highest(stops: NDArray[np.bool_]) -> int:
    """Return the highest count that stops, of those from 0 on; -1 without any."""
    return int(np.flatnonzero(stops)[-1]) if stops.any() else -1


def _lowest(stops: NDArray[np.bool_]) -> int:
    """Return the lowest count that stops; one more than the largest count without any."""
    return int(np.argmax(stops)) if stops.any() else stops.shape[0]


def _check_threshold(name: str, threshold: float) -> None:
    if not 0.0 <= threshold <= 1.0:
        raise DomainError(
            f"the threshold of {name} is {threshold:g}; a probability lies in 0..1, such as 0.9."
        )
