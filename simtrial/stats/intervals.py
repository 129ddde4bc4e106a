"""Confidence intervals of one proportion by the methods that publications name.

All return fractions, low before high, of ``count`` successes in ``n``. The methods stand in one
table, so that a printed interval can be compared with each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import NormalDist
from typing import Literal

from simtrial.core.errors import DomainError
from simtrial.stats.montecarlo import wilson_interval

IntervalMethod = Literal["clopper_pearson", "wilson", "jeffreys", "wald", "wald_half"]
Method = Callable[[int, int, float], tuple[float, float]]


def exact_interval(count: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact (Clopper-Pearson) interval, whose coverage is never below ``level``.

    Raises
    ------
    DomainError : when ``count`` is not of ``n``, or ``level`` is not between 0 and 1.

    References
    ----------
    Clopper CJ, Pearson ES. The use of confidence or fiducial limits illustrated in the case of
    the binomial. Biometrika 1934;26:404-413.
    """
    from scipy.special import betaincinv

    _checked(count, n, level)
    tail = (1.0 - level) / 2.0
    low = 0.0 if count == 0 else float(betaincinv(count, n - count + 1, tail))
    high = 1.0 if count == n else float(betaincinv(count + 1, n - count, 1.0 - tail))
    return low, high


def score_interval(count: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval; see :func:`simtrial.stats.montecarlo.wilson_interval`."""
    _checked(count, n, level)
    return wilson_interval(count, n, level)


def jeffreys_interval(count: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the equal-tailed interval of the posterior under Jeffreys' prior Beta(1/2, 1/2).

    Its end is 0 without successes and 1 without failures.

    References
    ----------
    Brown LD, Cai TT, DasGupta A. Interval estimation for a binomial proportion.
    Stat Sci 2001;16:101-133, section 4.1.2.
    """
    from scipy.special import betaincinv

    _checked(count, n, level)
    tail, a, b = (1.0 - level) / 2.0, count + 0.5, n - count + 0.5
    low = 0.0 if count == 0 else float(betaincinv(a, b, tail))
    high = 1.0 if count == n else float(betaincinv(a, b, 1.0 - tail))
    return low, high


def wald_interval(count: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return p +- z sqrt(p (1 - p) / n), which may leave 0..1.

    References
    ----------
    Brown LD, Cai TT, DasGupta A. Stat Sci 2001;16:101-133, section 1.
    """
    _checked(count, n, level)
    p = count / n
    return _around(p, p * (1.0 - p), n, level)


def wald_half_interval(count: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return p +- z sqrt(1 / (4 n)): Wald with the largest variance, as of p = 1/2.

    It is the half-width a sample size calculation takes for the worst case, put around the
    observed share; it may leave 0..1.

    References
    ----------
    Cochran WG. Sampling techniques. 3rd ed. Wiley, 1977, section 4.4.
    """
    _checked(count, n, level)
    return _around(count / n, 0.25, n, level)


METHODS: Mapping[IntervalMethod, Method] = {
    "clopper_pearson": exact_interval,
    "wilson": score_interval,
    "jeffreys": jeffreys_interval,
    "wald": wald_interval,
    "wald_half": wald_half_interval,
}
METHOD_NAMES: Mapping[IntervalMethod, str] = {
    "clopper_pearson": "Clopper-Pearson",
    "wilson": "Wilson",
    "jeffreys": "Jeffreys",
    "wald": "Wald",
    "wald_half": "Wald with the variance at p = 1/2",
}


def _checked(count: int, n: int, level: float) -> None:
    if n < 1 or not 0 <= count <= n:
        raise DomainError(f"{count} of {n} is no share; give 0 <= count <= n and n >= 1.")
    if not 0.0 < level < 1.0:
        raise DomainError(f"level is {level}; give a fraction between 0 and 1, such as 0.95.")


def _around(p: float, variance: float, n: int, level: float) -> tuple[float, float]:
    half = NormalDist().inv_cdf((1.0 + level) / 2.0) * (variance / n) ** 0.5
    return p - half, p + half
