"""Monte Carlo standard errors and intervals of simulated shares and means."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from simtrial.core.errors import DomainError

_Z95 = 1.959963984540054


def share_mcse(hits: int, n: int) -> float:
    """Return the standard error of hits / n."""
    if n < 1 or not 0 <= hits <= n:
        raise DomainError(f"{hits} of {n} is no share; give 0 <= hits <= n and n >= 1.")
    p = hits / n
    return math.sqrt(p * (1.0 - p) / n)


def paired_change(gained: int, lost: int, n: int) -> tuple[float, float]:
    """Return the change of a share over ``n`` pairs, and its standard error.

    Parameters
    ----------
    gained, lost : pairs that failed before and succeed after, and the other way round.

    Returns
    -------
    (gained - lost) / n, the mean of n differences of -1, 0 or 1, and the error of that mean: with
    common random numbers most pairs agree, so it is far below that of two independent shares.

    References
    ----------
    McNemar Q. Note on the sampling error of the difference between correlated proportions or
    percentages. Psychometrika 1947;12:153-157.
    Agresti A. Categorical Data Analysis, 3rd ed. Wiley 2013, section 11.1.
    """
    if n < 1 or gained < 0 or lost < 0 or gained + lost > n:
        raise DomainError(
            f"{gained} gained and {lost} lost of {n} pairs cannot be; "
            "give counts of at least 0 whose sum is at most n, and n >= 1."
        )
    change = (gained - lost) / n
    # not (gained + lost) / n - change**2, which loses its digits when nearly all pairs change
    agreeing = n - gained - lost
    spread = 4.0 * gained * lost + agreeing * (gained + lost)
    return change, math.sqrt(spread / n) / n


def wilson_interval(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of hits / n, at 95 % unless told.

    References
    ----------
    Wilson EB. Probable inference, the law of succession, and statistical inference.
    J Am Stat Assoc 1927;22:209-212.
    """
    if n < 1 or not 0 <= hits <= n:
        raise DomainError(f"{hits} of {n} is no share; give 0 <= hits <= n and n >= 1.")
    z = _Z95 if level == 0.95 else NormalDist().inv_cdf((1.0 + level) / 2.0)
    p, z2 = hits / n, z * z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    low = 0.0 if hits == 0 else middle - half
    high = 1.0 if hits == n else middle + half
    return low, high


def clustered_sum_error(residual: NDArray[np.float64], row: NDArray[np.int64]) -> float:
    """Return the standard error of a sum of residuals whose replicates share rows; inf for one row.

    ``residual, row`` : (N,) mean-zero contributions, and the row that each replicate used.
    """
    sums = np.bincount(row, weights=residual)
    used = int(np.count_nonzero(np.bincount(row)))
    if used < 2:
        return math.inf
    return float(np.sqrt((sums**2).sum() * used / (used - 1)))


def clustered_share_mcse(hits: NDArray[np.bool_], row: NDArray[np.int64]) -> float:
    """Return the standard error of a share whose replicates share rows of a posterior.

    Rows are draws of the posterior, so the spread between rows is an error of the estimate too:
    the sum over rows of squared residual sums, as for clusters, with the usual small-sample
    factor. With one replicate a row it is the binomial error.
    """
    residual = np.asarray(hits, np.float64) - hits.mean()
    return clustered_sum_error(residual, row) / int(hits.shape[0])
