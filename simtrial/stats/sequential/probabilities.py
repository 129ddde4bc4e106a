"""Where a group sequential trial stops, and with which chance, at a given drift.

The drift is the mean of the standardised statistic at full information: theta sqrt(I_max), or the
effect over the standard error that the final analysis has. A fixed trial has
drift z(1 - alpha) + z(power).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.core.errors import DomainError
from simtrial.stats.sequential.recursion import REACH, Going, Interval, above, below, carry, start

Floats = NDArray[np.float64]
# One grid serves drifts this near to each other; a wider one would cost more than a second.
_SPAN = 4.0


class Wall(NamedTuple):
    """Where a trial stops at one look, on the scale of z.

    Attributes
    ----------
    upper, lower : it stops above the one and below the other; inf and -inf where it does not.
    inner_low, inner_high : it also stops between these; nowhere when the first is not below the
        second.
    """

    upper: float
    lower: float = -math.inf
    inner_low: float = 0.0
    inner_high: float = 0.0

    def region(self) -> list[Interval]:
        """Return the intervals in which the trial goes on."""
        if self.inner_low < self.inner_high:
            return [(self.lower, self.inner_low), (self.inner_high, self.upper)]
        return [(self.lower, self.upper)]


@dataclass(frozen=True, kw_only=True)
class Exits:
    """Chances to stop at each look; with several drifts, a first axis D.

    Attributes
    ----------
    upper : (K,) or (D, K) chance to stop at a look with z above the upper bound.
    lower : the same below the lower bound.
    inner : the same between the inner bounds.
    """

    upper: Floats
    lower: Floats
    inner: Floats


def exit_probabilities(
    *,
    information: Sequence[float],
    upper: Sequence[float],
    lower: Sequence[float],
    drift: float | Sequence[float] | Floats = 0.0,
    inner: Sequence[tuple[float, float]] | None = None,
) -> Exits:
    """Return the chance to stop at each look above, below, and inside the bounds.

    Parameters
    ----------
    information : (K,) increasing and above 0. The last is usually 1; the drift is per unit.
    upper, lower : (K,) bounds of z; inf and -inf where there is none.
    drift : mean of z at information 1; one number, or (D,).
    inner : (K,) pairs: the trial also stops when z is between the two; (0, 0) is none.

    Raises
    ------
    DomainError : when lengths differ, bounds cross, or information does not grow.
    """
    inner = [(0.0, 0.0)] * len(information) if inner is None else inner
    looks = len(information)
    if not looks or {len(upper), len(lower), len(inner)} != {looks}:
        raise DomainError(
            f"there are {looks} information values, {len(upper)} upper, {len(lower)} lower and "
            f"{len(inner)} inner bounds; give one of each for every look."
        )
    walls = [
        Wall(float(u), float(v), *pair) for u, v, pair in zip(upper, lower, inner, strict=True)
    ]
    _check(information, walls)
    drifts = np.atleast_1d(np.asarray(drift, dtype=np.float64))
    if drifts.ndim != 1 or not np.isfinite(drifts).all():
        raise DomainError(f"drift is {drift}; give numbers, such as 3.24 or (0.0, 3.24).")
    out = np.zeros((3, len(drifts), looks))
    group = np.floor(drifts / _SPAN)
    for g in np.unique(group):
        chosen = np.flatnonzero(group == g)
        near = drifts[chosen]
        walk = Walk(information, walls, low=float(near.min()), high=float(near.max()))
        for i in chosen:
            out[:, i, :] = walk.exits(float(drifts[i]))
    if np.ndim(drift) == 0:
        out = out[:, 0, :]
    return Exits(upper=out[0], lower=out[1], inner=out[2])


class Walk:
    """A trial followed from look to look, for all drifts between ``low`` and ``high``."""

    def __init__(
        self,
        information: Sequence[float],
        walls: Sequence[Wall],
        *,
        low: float,
        high: float,
        reach: float = REACH,
    ) -> None:
        self._information, self._walls = information, walls
        going = start(low, high, reach)
        self._before: list[Going] = [going]
        for t, wall, t_next in zip(information[:-1], walls[:-1], information[1:], strict=True):
            going = carry(going, t, wall.region(), t_next)
            self._before.append(going)

    def exits(self, drift: float) -> Floats:
        """Return (3, K): chances to stop above, below and inside, look by look."""
        out = np.zeros((3, len(self._information)))
        steps = zip(self._before, self._information, self._walls, strict=True)
        for k, (going, t, wall) in enumerate(steps):
            out[0, k] = above(going, t, wall.upper, drift)
            out[1, k] = below(going, t, wall.lower, drift)
            low, high = max(wall.inner_low, wall.lower), min(wall.inner_high, wall.upper)
            if low < high:
                out[2, k] = above(going, t, low, drift) - above(going, t, high, drift)
        return out

    def upper(self, drift: float) -> float:
        """Return the chance ever to stop above."""
        steps = zip(self._before, self._information, self._walls, strict=True)
        return sum(above(going, t, wall.upper, drift) for going, t, wall in steps)


def _check(information: Sequence[float], walls: Sequence[Wall]) -> None:
    if not all(a < b < math.inf for a, b in pairwise((0.0, *information))):
        raise DomainError(
            f"information is {tuple(information)}; it must grow from look to look; "
            "for example (0.5, 1.0)."
        )
    for k, wall in enumerate(walls):
        if not wall.lower <= wall.upper or any(map(math.isnan, wall)):
            raise DomainError(
                f"at look {k + 1} the lower bound is {wall.lower} and the upper {wall.upper}; "
                "the lower must not be above the upper; for example lower 0.5, upper 2.5."
            )
