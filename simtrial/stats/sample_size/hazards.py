"""Hazards that are constant over pieces of time, and shares of patients that follow from them.

Time runs from a patient's randomisation, in the caller's unit; hazards are per that unit. With
hazard l of the event and h of event or dropout together on a piece that starts with a share S still
at risk, the share with an observed event grows by S l (1 - exp(-h x)) / h over x, and its integral
over time is elementary as well. Nothing here is simulated or integrated numerically.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.core.errors import DomainError

Floats = NDArray[np.float64]
# below it the closed form of the second integral loses digits to cancellation, and its series
# needs few terms: at 0.5 the form keeps 15 digits, and the 14th term is below 1e-16
_SERIES_BELOW = 0.5
_TERMS = 14


@dataclass(frozen=True, kw_only=True)
class PiecewiseHazard:
    """A hazard that changes at given times; one number is a constant hazard.

    Attributes
    ----------
    hazards : per unit of time, one for each piece, 0 or more.
    starts : when each piece starts; the first at 0, the last lasts for ever.
    """

    hazards: tuple[float, ...]
    starts: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        if len(self.hazards) != len(self.starts) or not self.hazards:
            raise DomainError(
                f"{len(self.hazards)} hazards but {len(self.starts)} starts; give one start for "
                "each, such as hazards=(0.01, 0.02), starts=(0, 6)."
            )
        rising = all(a < b for a, b in zip(self.starts, self.starts[1:], strict=False))
        if self.starts[0] != 0.0 or not rising or not math.isfinite(self.starts[-1]):
            raise DomainError(
                f"starts are {self.starts}; the first must be 0 and each later than the one "
                "before, such as (0, 6, 12)."
            )
        if not all(0.0 <= hazard < math.inf for hazard in self.hazards):
            raise DomainError(
                f"hazards are {self.hazards}; each must be 0 or more and finite, such as 0.05."
            )

    def at(self, time: Any) -> Floats:
        """Return the hazard at times of any shape; at a change the later one."""
        piece = np.searchsorted(np.array(self.starts), np.asarray(time, float), side="right") - 1
        result: Floats = np.array(self.hazards)[piece]
        return result

    def cumulative(self, time: Any) -> Floats:
        """Return the integral of the hazard from 0 to times of any shape."""
        starts, hazards = np.array(self.starts), np.array(self.hazards)
        before = np.concatenate(([0.0], np.cumsum(hazards[:-1] * np.diff(starts))))
        at = np.asarray(time, float)
        piece = np.searchsorted(starts, at, side="right") - 1
        result: Floats = before[piece] + hazards[piece] * (at - starts[piece])
        return result

    def survival(self, time: Any) -> Floats:
        """Return the share without an event at times of any shape, were nobody to drop out."""
        return np.exp(-self.cumulative(time))

    def times(self, factor: float) -> PiecewiseHazard:
        """Return the hazard multiplied by a ratio of 0 or more."""
        if not 0.0 <= factor < math.inf:
            raise DomainError(f"a hazard is multiplied by {factor:g}; give 0 or more, such as 0.7.")
        return PiecewiseHazard(hazards=tuple(factor * h for h in self.hazards), starts=self.starts)


NO_DROPOUT = PiecewiseHazard(hazards=(0.0,))


def hazard_from_median(median: float) -> PiecewiseHazard:
    """Return the constant hazard of a median time to event.

    Raises
    ------
    DomainError : when the median is not above 0.
    """
    if not 0.0 < median < math.inf:
        raise DomainError(f"median is {median:g}; it must be above 0, such as 18.")
    return PiecewiseHazard(hazards=(math.log(2.0) / median,))


def hazard_from_share(share: float, *, by: float) -> PiecewiseHazard:
    """Return the constant hazard at which a share of patients has the event by a time.

    Parameters
    ----------
    share : from 0 to below 1; of dropouts as well as of events, each as if without the other.
    by : time by which, above 0.

    Raises
    ------
    DomainError : when the share or the time is outside its domain.
    """
    if not 0.0 <= share < 1.0:
        raise DomainError(f"share is {share:g}; it is from 0 to below 1, such as 0.2 for 20 %.")
    if not 0.0 < by < math.inf:
        raise DomainError(f"by is {by:g}; it must be a time above 0, such as 12.")
    return PiecewiseHazard(hazards=(-math.log1p(-share) / by,))


def event_share(event: PiecewiseHazard, dropout: PiecewiseHazard, time: Any) -> Floats:
    """Return the share with an event seen by times of any shape; infinity is allowed."""
    return _integrals(event, dropout, time)[0]


def event_share_integral(
    event: PiecewiseHazard,
    dropout: PiecewiseHazard,
    time: Any,
    *,
    counted: tuple[float, float] = (0.0, math.inf),
) -> Floats:
    """Return the integral of :func:`event_share` from 0 to times of any shape, finite, from 0 on.

    Parameters
    ----------
    counted : count only events from the first of these times to before the second, since
        randomisation.
    """
    return _integrals(event, dropout, time, counted)[1]


def _integrals(
    event: PiecewiseHazard,
    dropout: PiecewiseHazard,
    time: Any,
    counted: tuple[float, float] = (0.0, math.inf),
) -> tuple[Floats, Floats]:
    ends = [t for t in counted if t < math.inf]
    starts = np.unique(np.array([*event.starts, *dropout.starts, *ends]))
    shown = np.where((starts >= counted[0]) & (starts < counted[1]), event.at(starts), 0.0)
    leaving = event.at(starts) + dropout.at(starts)
    width = np.diff(starts)
    at_risk = np.exp(-np.concatenate(([0.0], np.cumsum(leaving[:-1] * width))))
    one, two = _grown(leaving[:-1] * width)
    gain = at_risk[:-1] * shown[:-1] * width * one
    share = np.concatenate(([0.0], np.cumsum(gain)))
    area_gain = share[:-1] * width + at_risk[:-1] * shown[:-1] * width**2 * two
    area = np.concatenate(([0.0], np.cumsum(area_gain)))

    at = np.asarray(time, float)
    piece = np.searchsorted(starts, at, side="right") - 1
    x = at - starts[piece]
    endless = np.isinf(x)
    finite = np.where(endless, 0.0, x)
    one, two = _grown(leaving[piece] * finite)
    scale = at_risk[piece] * shown[piece]
    with np.errstate(divide="ignore", invalid="ignore"):
        last = np.where(shown[piece] > 0.0, scale / leaving[piece], 0.0)
    share_at = share[piece] + np.where(endless, last, scale * finite * one)
    area_at = area[piece] + share[piece] * finite + scale * finite**2 * two
    return share_at, np.where(endless, math.inf, area_at)


def _grown(z: Floats) -> tuple[Floats, Floats]:
    """Return (1 - exp(-z)) / z and (z - 1 + exp(-z)) / z^2 for z of 0 or more."""
    small = z < _SERIES_BELOW
    safe = np.where(small, 1.0, z)
    one = np.where(z > 0.0, -np.expm1(-z) / np.where(z > 0.0, z, 1.0), 1.0)
    series = np.zeros_like(z)
    inner = np.where(small, z, 0.0)
    for k in range(_TERMS, 0, -1):
        # 1/2! - z/3! + z^2/4! - ..., by Horner from the last term
        series = (1.0 - inner * series) / (k + 1)
    two = np.where(small, series, (safe + np.expm1(-safe)) / safe**2)
    return one, two
