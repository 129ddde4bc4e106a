"""Two-sample log-rank tests: plain, weighted (Fleming-Harrington) and stratified.

The score is expected minus observed events of the treated arm, so a positive z speaks for the
treated arm. Ties enter by the hypergeometric variance.

References
----------
Mantel N. Evaluation of survival data and two new rank order statistics arising in its
consideration. Cancer Chemother Rep 1966;50:163-170.
Harrington DP, Fleming TR. A class of rank test procedures for censored survival data.
Biometrika 1982;69:553-566.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from simtrial.core.arithmetic import pexp, plog
from simtrial.core.compiled import kernel, step
from simtrial.core.errors import DomainError
from simtrial.stats.survival.risk_table import (
    RiskTable,
    check_flags,
    check_times,
    tabulate_risk,
)


@dataclass(frozen=True, kw_only=True)
class LogRank:
    """A two-sample log-rank test.

    Attributes
    ----------
    observed, expected : events of the treated arm, and as many as were expected of it had the arms
        not differed; weighted, where weights were asked for.
    score : expected minus observed; positive when the treated arm had fewer events.
    variance : of the score, given the numbers at risk.
    z : score over its standard error; nan when no event time had patients of both arms at risk.
    p_one_sided : chance of a z at least this large without a difference.
    """

    observed: float
    expected: float
    score: float
    variance: float
    z: float
    p_one_sided: float

    @property
    def chi_squared(self) -> float:
        """The two-sided statistic, one degree of freedom."""
        return self.z * self.z

    @property
    def p_two_sided(self) -> float:
        """Chance of a z at least this far from 0 without a difference."""
        return math.erfc(abs(self.z) / math.sqrt(2.0))


def compare_arms(
    time: ArrayLike,
    event: ArrayLike,
    treated: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    rho: float = 0.0,
    gamma: float = 0.0,
) -> LogRank:
    """Return the log-rank test of the treated against the control arm.

    Parameters
    ----------
    time, event, treated : (P,) see ``tabulate_risk``.
    strata : (P,) labels; scores and variances are added over strata, each with its own risk sets
        and, where weighted, its own weights.
    rho, gamma : the weight is S**rho * (1 - S)**gamma with S the share without an event in both
        arms together just before the time (Kaplan-Meier); 0 and 0 is the log-rank test.

    Raises
    ------
    DomainError : when the patients cannot be tabulated, or rho or gamma is negative.
    """
    check_weights(rho, gamma)
    totals = np.zeros(3)
    for table in tabulate_strata(time, event, treated, strata):
        totals += log_rank_sums(table, table.events_treated.shape[0], rho, gamma)
    observed, expected, variance = (float(x) for x in totals)
    z = standardise(expected - observed, variance)
    return LogRank(
        observed=observed,
        expected=expected,
        score=expected - observed,
        variance=variance,
        z=z,
        p_one_sided=0.5 * math.erfc(z / math.sqrt(2.0)),
    )


def check_weights(rho: float, gamma: float) -> None:
    """Refuse exponents of weights that are negative or no number."""
    for name, given in (("rho", rho), ("gamma", gamma)):
        if not 0.0 <= given < math.inf:
            raise DomainError(f"{name} is {given}; give 0 or above, such as {name}=1.")


def tabulate_strata(
    time: ArrayLike, event: ArrayLike, treated: ArrayLike, strata: ArrayLike | None
) -> list[RiskTable]:
    """Return the counts of each stratum; one table of all when there are no strata."""
    if strata is None:
        return [tabulate_risk(time, event, treated)]
    times, events = check_times(time, event)
    arms, labels = check_flags("treated", treated, times.shape[0]), np.asarray(strata)
    if labels.shape != times.shape:
        raise DomainError(
            f"strata has shape {labels.shape} for {times.shape[0]} times; give each patient one "
            "label, such as ['mild', 'mild', 'severe'] for three."
        )
    return [
        tabulate_risk(times[here], events[here], arms[here])
        for here in (labels == label for label in np.unique(labels))
    ]


# --- the same in compiled code ------------------------------------------------------------------


@step
def standardise(score: float, variance: float) -> float:
    """Return z; nan when the variance is 0, where no test is possible."""
    return score / math.sqrt(variance) if variance > 0.0 else math.nan


@step
def _power(base: float, exponent: float) -> float:
    """Return base**exponent of a share, the same on every machine; 0**0 is 1."""
    if exponent == 0.0:
        return 1.0
    if exponent == 1.0 or base <= 0.0 or base == 1.0:
        return base
    return pexp(exponent * plog(base))


@kernel
def log_rank_sums(
    table: RiskTable, rows: int, rho: float, gamma: float
) -> tuple[float, float, float]:
    """Return (observed, expected, variance) of the treated arm over the first rows of a table."""
    observed, expected, variance = 0.0, 0.0, 0.0
    weighted = rho > 0.0 or gamma > 0.0
    without_event = 1.0  # Kaplan-Meier of both arms together, just before the time
    for i in range(rows):
        n1 = table.at_risk_treated[i]
        n = table.at_risk_control[i] + n1
        d1 = table.events_treated[i]
        d = table.events_control[i] + d1
        share = n1 / n
        spread = d * (share * (1.0 - share))
        if d > 1.0:
            spread *= (n - d) / (n - 1.0)
        if weighted:
            weight = _power(without_event, rho) * _power(1.0 - without_event, gamma)
            without_event *= (n - d) / n
            observed += weight * d1
            expected += weight * (d * share)
            variance += weight * weight * spread
        else:
            observed += d1
            expected += d * share
            variance += spread
    return observed, expected, variance
