"""Rules that decide on two counts: by posterior probability, by prediction, by z, by Fisher.

A rule answers for every pair of counts at once: ``rule.table(n1, n0)`` is a boolean
(n1 + 1, n0 + 1) array whose element [y1, y0] says whether y1 responders of n1 patients of the
treated arm, and y0 of n0 of the control arm, meet it. Everything exact about a design follows from
such tables; so any function from (n1, n0) to such an array may stand in for one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from simtrial.core.compiled import kernel
from simtrial.core.errors import DomainError
from simtrial.stats.beta import ROUNDING
from simtrial.stats.binary.predictive import predict_two_arms
from simtrial.stats.binary.superiority import superiority_table
from simtrial.stats.mixtures import BetaMixture
from simtrial.stats.restricted import restricted_table

Table = NDArray[np.bool_]


class Rule(Protocol):
    """What decides: hashable, so that its tables can be kept."""

    def table(self, n1: int, n0: int) -> Table:
        """Return (n1 + 1, n0 + 1) whether each pair of counts meets the rule."""


@lru_cache(maxsize=128)
def _posterior(
    prior1: BetaMixture, prior0: BetaMixture, n1: int, n0: int, margin: float
) -> NDArray[np.float64]:
    made = superiority_table(prior1, prior0, n1, n0, margin)
    made.setflags(write=False)
    return made


def forget_tables() -> None:
    """Forget the tables of posterior probabilities that this process has kept."""
    _posterior.cache_clear()


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One bound on a posterior probability: P(p1 - p0 > margin) strictly above, or below, a level.

    A level that the probability equals exactly is not passed: 2 of 7 against 0 of 7 gives 0.9, and
    its computed value may round either way (by less than ``ROUNDING``).
    """

    margin: float = 0.0
    above: float | None = None
    below: float | None = None

    def __post_init__(self) -> None:
        levels = [level for level in (self.above, self.below) if level is not None]
        if len(levels) != 1 or not 0.0 < levels[0] < 1.0:
            raise DomainError(
                f"a criterion is above={self.above}, below={self.below}; give exactly one, "
                "between 0 and 1, such as above=0.975."
            )
        if not -1.0 < self.margin < 1.0:
            raise DomainError(f"margin is {self.margin:g}; it lies between -1 and 1, such as 0.1.")

    def holds(self, probability: NDArray[np.float64]) -> Table:
        """Return whether each probability passes."""
        if self.above is not None:
            return np.asarray(probability > self.above + ROUNDING)
        return np.asarray(probability < (self.below or 0.0) - ROUNDING)


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """Every criterion on the posterior of p1 - p0 holds; two of them make a dual criterion.

    References
    ----------
    Neuenschwander B, Rouyrre N, Hollaender N, Zuber E, Branson M. A proof of concept phase II
    non-inferiority criterion. Stat Med 2011;30:1618-1627 (dual criteria).
    """

    prior1: BetaMixture
    prior0: BetaMixture
    criteria: tuple[Criterion, ...]

    def __post_init__(self) -> None:
        if not self.criteria:
            raise DomainError(
                "criteria is (); give at least one, such as (Criterion(above=0.975),)."
            )

    def table(self, n1: int, n0: int) -> Table:
        """Return (n1 + 1, n0 + 1) whether each pair of counts meets every criterion."""
        held = np.ones((n1 + 1, n0 + 1), np.bool_)
        for criterion in self.criteria:
            held &= criterion.holds(_posterior(self.prior1, self.prior0, n1, n0, criterion.margin))
        return held


@dataclass(frozen=True, kw_only=True)
class ZTest:
    """z = (difference of rates - margin) / standard error strictly above ``critical``.

    ``pooled``: the variance under equal rates, as of the chi-square test; ``unpooled``: each arm's
    own; ``restricted``: under the rates of greatest likelihood with p1 - p0 = margin. Without any
    variance nothing is decided.

    References
    ----------
    Farrington CP, Manning G. Test statistics and sample size formulae for comparative binomial
    trials with null hypothesis of non-zero risk difference or non-unity relative risk.
    Stat Med 1990;9:1447-1454 (``restricted``).
    """

    critical: float
    variance: Literal["pooled", "unpooled", "restricted"] = "pooled"
    margin: float = 0.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.critical):
            raise DomainError(f"critical is {self.critical}; it must be finite, such as 1.96.")
        if not -1.0 < self.margin < 1.0:
            raise DomainError(f"margin is {self.margin:g}; it lies between -1 and 1, such as -0.1.")
        if self.variance == "pooled" and self.margin != 0.0:
            raise DomainError(
                f"margin is {self.margin:g} with a pooled variance, which supposes equal rates; "
                "write variance='restricted'."
            )

    def table(self, n1: int, n0: int) -> Table:
        """Return (n1 + 1, n0 + 1) whether z is above the critical value."""
        difference, error = _difference(n1, n0, self.variance, self.margin)
        # not a quotient: without any variance (0 of n against 0 of n) nothing is decided
        return np.asarray((error > 0.0) & (difference > self.critical * error + ROUNDING))


@dataclass(frozen=True, kw_only=True)
class ZBelow:
    """The z of two rates, as of ``ZTest``, strictly below ``level``.

    Without any variance z is 0 where the rates are equal, and without bound where they are 0 and 1.
    """

    level: float
    variance: Literal["pooled", "unpooled"] = "pooled"

    def table(self, n1: int, n0: int) -> Table:
        """Return (n1 + 1, n0 + 1) whether z is below the level."""
        difference, error = _difference(n1, n0, self.variance, 0.0)
        without = np.where(difference == 0.0, self.level > 0.0, difference < 0.0)
        return np.where(error > 0.0, difference < self.level * error - ROUNDING, without)


def _difference(
    n1: int, n0: int, variance: str, margin: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (n1 + 1, n0 + 1) differences of rates beyond the margin, and their errors.

    With an arm of nobody both are 0.
    """
    if min(n1, n0) < 1:
        return np.zeros((n1 + 1, n0 + 1)), np.zeros((n1 + 1, n0 + 1))
    rate1 = np.arange(n1 + 1)[:, None] / n1
    rate0 = np.arange(n0 + 1)[None, :] / n0
    if variance == "pooled":
        shared = (np.arange(n1 + 1)[:, None] + np.arange(n0 + 1)[None, :]) / (n1 + n0)
        square = shared * (1.0 - shared) * (1.0 / n1 + 1.0 / n0)
    elif variance == "unpooled":
        square = rate1 * (1.0 - rate1) / n1 + rate0 * (1.0 - rate0) / n0
    else:
        null1 = restricted_table(n1, n0, margin)
        null0 = null1 - margin
        square = null1 * (1.0 - null1) / n1 + null0 * (1.0 - null0) / n0
    square = np.where(square > ROUNDING, square, 0.0)
    return rate1 - rate0 - margin, np.sqrt(square)


@dataclass(frozen=True, kw_only=True)
class Fisher:
    """Fisher's exact test: p-value at most ``alpha``.

    ``sided=1`` rejects for more responders in the treated arm; ``sided=2`` sums the tables that
    are no more probable than the one seen, and rejects in either direction.

    References
    ----------
    Fisher RA. The logic of inductive inference. J R Stat Soc 1935;98:39-82.
    """

    alpha: float
    sided: Literal[1, 2] = 1

    def __post_init__(self) -> None:
        if not 0.0 < self.alpha < 1.0 or self.sided not in (1, 2):
            raise DomainError(
                f"alpha is {self.alpha:g} and sided is {self.sided}; alpha lies between 0 and 1 "
                "and sided is 1 or 2, such as alpha=0.025, sided=1."
            )

    def table(self, n1: int, n0: int) -> Table:
        """Return (n1 + 1, n0 + 1) whether the p-value is at most alpha."""
        return np.asarray(_fisher_p(n1, n0, self.sided) <= self.alpha * (1.0 + 1e-11))


@kernel
def _fisher_p(n1: int, n0: int, sided: int) -> NDArray[np.float64]:
    """Return (n1 + 1, n0 + 1) p-values: one pass over the tables of each total of responders."""
    out = np.empty((n1 + 1, n0 + 1))
    log_factorial = np.zeros(n1 + n0 + 1)
    for k in range(2, n1 + n0 + 1):
        log_factorial[k] = math.lgamma(k + 1.0)
    for total in range(n1 + n0 + 1):
        low, high = max(0, total - n0), min(n1, total)
        shared = log_factorial[n1] + log_factorial[n0] + log_factorial[total]
        shared += log_factorial[n1 + n0 - total] - log_factorial[n1 + n0]
        probability = np.empty(high - low + 1)
        for y1 in range(low, high + 1):
            log_p = shared - log_factorial[y1] - log_factorial[n1 - y1]
            log_p -= log_factorial[total - y1] + log_factorial[n0 - total + y1]
            probability[y1 - low] = math.exp(log_p)
        if sided == 2:
            ranked = np.sort(probability)
            upto = np.cumsum(ranked)
            for y1 in range(low, high + 1):
                # tables of equal probability count, however their last digits round
                equal = probability[y1 - low] * (1.0 + 1e-7)
                counted = np.searchsorted(ranked, equal, side="right")
                out[y1, total - y1] = min(upto[counted - 1], 1.0)
            continue
        tail = 0.0
        for y1 in range(high, low - 1, -1):
            tail += probability[y1 - low]
            out[y1, total - y1] = min(tail, 1.0)
    return out


@dataclass(frozen=True, kw_only=True)
class Predictive:
    """The predictive probability that ``final`` is met at the end is above or below a level.

    The end is at ``final_n1`` and ``final_n0`` patients; the outcomes still to come follow the
    priors as updated by those seen. Looks in between are not foreseen: it is the probability that
    the final analysis succeeds. An arm that chance has made larger than its final size keeps its
    patients, and the other has so many fewer in the end.

    References
    ----------
    Spiegelhalter DJ, Freedman LS, Blackburn PR. Monitoring clinical trials: conditional or
    predictive power? Control Clin Trials 1986;7:8-17.
    """

    final: Rule
    final_n1: int
    final_n0: int
    prior1: BetaMixture
    prior0: BetaMixture
    above: float | None = None
    below: float | None = None

    def __post_init__(self) -> None:
        self._criterion()

    def _criterion(self) -> Criterion:
        return Criterion(above=self.above, below=self.below)

    def probability(self, n1: int, n0: int) -> NDArray[np.float64]:
        """Return (n1 + 1, n0 + 1) predictive probabilities of success at the end."""
        more1, more0 = max(n1 - self.final_n1, 0), max(n0 - self.final_n0, 0)
        return predict_two_arms(
            self.final.table(self.final_n1 + more1 - more0, self.final_n0 + more0 - more1),
            (self.prior1.components(), self.prior0.components()),
            (n1, n0),
        )

    def table(self, n1: int, n0: int) -> Table:
        """Return (n1 + 1, n0 + 1) whether the predictive probability passes the level."""
        return self._criterion().holds(self.probability(n1, n0))


@dataclass(frozen=True, kw_only=True)
class Custom:
    """Any function from (n1, n0) to a boolean (n1 + 1, n0 + 1) array."""

    decide: Callable[[int, int], Table]

    def table(self, n1: int, n0: int) -> Table:
        """Return what the function says, after a look at its shape."""
        made = np.asarray(self.decide(n1, n0), np.bool_)
        if made.shape != (n1 + 1, n0 + 1):
            raise DomainError(
                f"a rule gave an array of shape {made.shape} for {n1} and {n0} patients; it must "
                f"be {(n1 + 1, n0 + 1)}, [y1, y0] for y1 and y0 responders."
            )
        return made
