"""Error level and power of one normal statistic: critical value, the drift needed, checks.

`drift` is the mean of the statistic that has mean 0 and variance 1 under the null hypothesis.
Power is the chance to reject on the side of the effect. A two-sided test can also reject on the
other side; that is no success, and ``either_side=True`` adds it for those who count it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

from simtrial.core.errors import DomainError

_NORMAL = NormalDist()


def critical_z(alpha: float, sided: int) -> float:
    """Return the standard normal quantile that a statistic must pass.

    Parameters
    ----------
    alpha : error level, of both sides together when ``sided`` is 2.
    sided : 1 or 2.

    Raises
    ------
    DomainError : when ``alpha / sided`` is not between 0 and 0.5, or ``sided`` not 1 or 2.
    """
    check_level(alpha, sided)
    return _NORMAL.inv_cdf(1.0 - alpha / sided)


def needed_drift(*, alpha: float, sided: int, power: float) -> float:
    """Return the drift at which a fixed test has the power: z(1 - alpha/sided) + z(power).

    Raises
    ------
    DomainError : for a level as in :func:`critical_z`, or a power not above ``alpha / sided``.
    """
    check_power(power, alpha, sided)
    return critical_z(alpha, sided) + _NORMAL.inv_cdf(power)


def normal_power(
    *, drift: float, alpha: float, sided: int, spread: float = 1.0, either_side: bool = False
) -> float:
    """Return the chance that a normal statistic passes its critical value.

    Parameters
    ----------
    drift : mean of the statistic, positive towards the effect.
    spread : its standard deviation under the alternative; 1 under the null hypothesis.
    either_side : count the rejections of a two-sided test on the other side as well.
    """
    critical = critical_z(alpha, sided)
    power = _NORMAL.cdf((drift - critical) / spread)
    if either_side and sided == 2:
        power += _NORMAL.cdf((-drift - critical) / spread)
    return power


def solve_rising(
    function: Callable[[float], float], target: float, *, least: float, start: float, what: str
) -> float:
    """Return where a rising function of x > 0 reaches a target; ``least`` if it has by then.

    Parameters
    ----------
    function : continuous and rising from ``least`` on.
    least, start : smallest x to consider, and a guess.
    what : name of what is sought, for the message.

    Raises
    ------
    DomainError : when the target is not reached below 1e12.
    """
    from scipy.optimize import brentq

    if function(least) >= target:
        return least
    high = max(start, 2.0 * least)
    while function(high) < target:
        high *= 2.0
        if high > 1e12:
            raise DomainError(
                f"no {what} below 1e12 reaches {target:g}; give a lower target or a larger effect."
            )
    # on the logarithm, so that one relative tolerance serves 5 patients and 5 million
    root = brentq(
        lambda log_x: function(math.exp(log_x)) - target,
        math.log(least),
        math.log(high),
        xtol=1e-14,
        rtol=1e-14,
    )
    return math.exp(root)


def check_level(alpha: float, sided: int) -> None:
    """Raise DomainError unless ``sided`` is 1 or 2 and ``alpha / sided`` between 0 and 0.5."""
    if isinstance(sided, bool) or sided not in (1, 2):
        raise DomainError(f"sided is {sided!r}; give 1 for a one-sided test or 2 for two-sided.")
    if not 0.0 < alpha < 0.5 * sided:
        raise DomainError(
            f"alpha is {alpha:g} and sided {sided}; alpha must be between 0 and {0.5 * sided:g}, "
            f"such as alpha={0.025 * sided:g}."
        )


def check_power(power: float, alpha: float, sided: int) -> None:
    """Raise DomainError unless the power is above the level of one side and below 1."""
    check_level(alpha, sided)
    if not alpha / sided < power < 1.0:
        raise DomainError(
            f"power is {power:g}; it must be between {alpha / sided:g}, which a test without "
            "patients has, and 1, such as power=0.9."
        )


def check_positive(name: str, value: float, example: str) -> None:
    """Raise DomainError unless a value is a finite number above 0."""
    if not 0.0 < value < math.inf:
        raise DomainError(f"{name} is {value:g}; it must be above 0 and finite, such as {example}.")


def check_finite(name: str, value: float, example: str) -> None:
    """Raise DomainError unless a value is finite."""
    if not math.isfinite(value):
        raise DomainError(f"{name} is {value:g}; it must be a finite number, such as {example}.")
