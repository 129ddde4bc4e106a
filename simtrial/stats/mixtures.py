"""Mixtures of beta distributions: the priors of a rate, what data make of them, and their table.

A mixture stays a mixture: each component learns as a beta prior does, and its weight is multiplied
by how well it foretold the data (its beta-binomial probability of them).

References
----------
Schmidli H, Gsteiger S, Roychoudhury S, O'Hagan A, Spiegelhalter D, Neuenschwander B. Robust
meta-analytic-predictive priors in clinical trials with historical control information.
Biometrics 2014;70:1023-1032, section 2.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simtrial.core.errors import DomainError


@dataclass(frozen=True, kw_only=True)
class BetaMixture:
    """A prior of a rate: K parts, Beta(``a[k]``, ``b[k]``) with weight ``weights[k]``; sum 1."""

    weights: tuple[float, ...]
    a: tuple[float, ...]
    b: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.weights or not len(self.weights) == len(self.a) == len(self.b):
            raise DomainError(
                f"a mixture has {len(self.weights)} weights, {len(self.a)} a and {len(self.b)} b; "
                "give as many of each, at least one, such as weights=(0.8, 0.2), a=(4, 1), "
                "b=(16, 1)."
            )
        if min(self.a + self.b) <= 0.0 or not all(map(math.isfinite, self.a + self.b)):
            raise DomainError(
                f"beta parameters are a={self.a} and b={self.b}; all must be above 0 and finite, "
                "such as a=(1,), b=(1,)."
            )
        if not (min(self.weights) > 0.0 and abs(math.fsum(self.weights) - 1.0) <= 1e-9):
            raise DomainError(
                f"the weights are {self.weights}; each must be above 0 and together they must be "
                "1, such as (0.8, 0.2)."
            )

    @property
    def mean(self) -> float:
        """The prior mean of the rate."""
        return math.fsum(w * a / (a + b) for w, a, b in self.components())

    @property
    def sd(self) -> float:
        """The prior standard deviation of the rate."""
        square = math.fsum(
            w * a * (a + 1.0) / ((a + b) * (a + b + 1.0)) for w, a, b in self.components()
        )
        return math.sqrt(max(square - self.mean**2, 0.0))

    def components(self) -> tuple[tuple[float, float, float], ...]:
        """Return (weight, a, b) of each component."""
        return tuple(zip(self.weights, self.a, self.b, strict=True))

    def posterior(self, responders: int, n: int) -> BetaMixture:
        """Return the mixture after ``responders`` of ``n`` patients."""
        if not 0 <= responders <= n:
            raise DomainError(
                f"{responders} responders of {n} patients cannot be; give 0 <= responders <= n, "
                "such as 12 of 20."
            )
        weights = self.weights_after(n)[:, responders]
        kept = [k for k in range(len(self.weights)) if weights[k] > 0.0]
        total = math.fsum(weights[kept])
        return BetaMixture(
            weights=tuple(float(weights[k] / total) for k in kept),
            a=tuple(self.a[k] + responders for k in kept),
            b=tuple(self.b[k] + n - responders for k in kept),
        )

    def cdf(self, rate: ArrayLike) -> NDArray[np.float64]:
        """Return P(p <= rate), in the shape of ``rate``."""
        from scipy.special import betainc

        at = np.clip(np.asarray(rate, np.float64), 0.0, 1.0)
        return np.asarray(sum(w * betainc(a, b, at) for w, a, b in self.components()), np.float64)

    def quantile(self, level: float) -> float:
        """Return the rate below which ``level`` of the mixture lies."""
        from scipy.optimize import brentq
        from scipy.special import betaincinv

        if not 0.0 < level < 1.0:
            raise DomainError(f"level is {level:g}; it must lie between 0 and 1, such as 0.975.")
        ends = [float(betaincinv(a, b, level)) for _, a, b in self.components()]
        low, high = min(ends), max(ends)
        # when nearly all weight is on one component its own quantile is an end, and the sum there
        # may lie on either side of the level by a rounding
        if float(self.cdf(low)) >= level:
            return low
        if float(self.cdf(high)) <= level:
            return high
        # relative, as a quantile may be 1e-8: the density may be infinite at 0
        return float(
            brentq(lambda p: float(self.cdf(p)) - level, low, high, xtol=1e-300, rtol=1e-15)
        )

    def log_marginal(self, n: int) -> NDArray[np.float64]:
        """Return (K, n + 1) log beta-binomial probabilities of 0..n responders, by component."""
        a, b = np.array(self.a)[:, None], np.array(self.b)[:, None]
        # sums of logarithms of P(y + 1) / P(y): log gammas of parameters of 100,000 would leave an
        # error of 5e-10 (references in binary/beta_binomial.py)
        y = np.arange(n, dtype=np.float64)
        ratio = ((n - y) * (a + y)) / ((y + 1.0) * (b + n - y - 1.0))
        log_chance = np.zeros((a.shape[0], n + 1))
        np.cumsum(np.log(ratio), axis=1, out=log_chance[:, 1:])
        log_chance -= log_chance.max(axis=1, keepdims=True)
        return log_chance - np.log(np.exp(log_chance).sum(axis=1, keepdims=True))

    def marginal(self, n: int) -> NDArray[np.float64]:
        """Return (n + 1,) the prior predictive probabilities of 0..n responders."""
        return np.asarray(np.array(self.weights) @ np.exp(self.log_marginal(n)), np.float64)

    def weights_after(self, n: int) -> NDArray[np.float64]:
        """Return (K, n + 1) the weights of the components after 0..n responders of n."""
        log_weight = np.log(np.array(self.weights))[:, None] + self.log_marginal(n)
        log_weight -= log_weight.max(axis=0)
        weight = np.exp(log_weight)
        return np.asarray(weight / weight.sum(axis=0), np.float64)


def beta(a: float, b: float) -> BetaMixture:
    """Return the mixture of one component, Beta(a, b)."""
    return BetaMixture(weights=(1.0,), a=(float(a),), b=(float(b),))


def mixture(components: Sequence[tuple[float, float, float]]) -> BetaMixture:
    """Return the mixture of (weight, a, b) triples."""
    return BetaMixture(
        weights=tuple(float(w) for w, _, _ in components),
        a=tuple(float(a) for _, a, _ in components),
        b=tuple(float(b) for _, _, b in components),
    )
