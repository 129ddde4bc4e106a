"""P(p1 > p0) for independent beta variables, exactly, one observation at a time.

With g(a, b, c, d) = P(X > Y), X ~ Beta(a, b), Y ~ Beta(c, d), and
h = B(a + c, b + d) / (B(a, b) B(c, d)), raising one parameter by 1 moves g by h over that
parameter: g(a+1) = g + h/a, g(b+1) = g - h/b, g(c+1) = g - h/c, g(d+1) = g + h/d.
So a posterior probability follows patient by patient at the cost of a few multiplications, and
only the prior's own value needs an integral (0.5 when both priors are the same).

References
----------
Cook JD. Exact calculation of beta inequalities. UT MD Anderson Cancer Center technical report,
2005 (the four recurrences).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from simtrial.core.compiled import step
from simtrial.core.errors import DomainError
from simtrial.stats.beta_margin import margin_table

# A posterior probability can equal a threshold exactly (2 of 7 against 0 of 7 is 0.9); its running
# sum then rounds either way with the order of patients. Its error is below 1e-13 (tested).
ROUNDING = 1e-11


class BetaRace(NamedTuple):
    """Two beta variables X ~ (a, b) and Y ~ (c, d), with P(X > Y) and its increment h."""

    a: float
    b: float
    c: float
    d: float
    greater: float
    h: float


def start_race(first: tuple[float, float], second: tuple[float, float]) -> BetaRace:
    """Return the race of two priors.

    Raises
    ------
    DomainError : when a parameter is not positive.
    """
    (a, b), (c, d) = map(float, first), map(float, second)
    if min(a, b, c, d) <= 0.0 or not math.isfinite(a + b + c + d):
        raise DomainError(
            f"beta parameters are ({a:g}, {b:g}) and ({c:g}, {d:g}); all must be above 0, "
            "such as (1, 1)."
        )
    if max(a, b, c, d) > 200.0:
        raise DomainError(
            f"beta parameters are ({a:g}, {b:g}) and ({c:g}, {d:g}); with more than 200 the "
            "recurrence may leave the range of numbers."
        )
    log_h = _log_beta(a + c, b + d) - _log_beta(a, b) - _log_beta(c, d)
    return BetaRace(a, b, c, d, _prior_greater(a, b, c, d), math.exp(log_h))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _prior_greater(a: float, b: float, c: float, d: float) -> float:
    """Return P(X > Y), to 1e-12."""
    if (a, b) == (c, d):
        return 0.5
    return min(max(float(margin_table((a, b), (c, d), 0, 0, 0.0)[0, 0]), 0.0), 1.0)


@step
def observe_first(race: BetaRace, response: bool) -> BetaRace:
    """Return the race after one more observation of X."""
    a, b, c, d, g, h = race
    total, mine = a + b + c + d, a + b
    if response:
        return BetaRace(a + 1.0, b, c, d, g + h / a, h * ((a + c) / total) * (mine / a))
    return BetaRace(a, b + 1.0, c, d, g - h / b, h * ((b + d) / total) * (mine / b))


@step
def observe_second(race: BetaRace, response: bool) -> BetaRace:
    """Return the race after one more observation of Y."""
    a, b, c, d, g, h = race
    total, mine = a + b + c + d, c + d
    if response:
        return BetaRace(a, b, c + 1.0, d, g - h / c, h * ((a + c) / total) * (mine / c))
    return BetaRace(a, b, c, d + 1.0, g + h / d, h * ((b + d) / total) * (mine / d))


@step
def probability_greater(race: BetaRace, y1: int, n1: int, y0: int, n0: int) -> float:
    """Return P(X > Y | data): y1 responses of n1 for X, y0 of n0 for Y.

    Observations are taken in turn, responses spread evenly over each arm, so that h stays in
    range.
    """
    i, j = 0, 0
    while i < n1 or j < n0:
        if i < n1 and (j >= n0 or i * n0 <= j * n1):
            race = observe_first(race, (i + 1) * y1 // n1 > i * y1 // n1)
            i += 1
        else:
            race = observe_second(race, (j + 1) * y0 // n0 > j * y0 // n0)
            j += 1
    return race.greater
