"""Rates that are constant between given times: hazards of events, intensities of accrual.

The cumulated rate of a hazard is the cumulative hazard, and a patient's event is at the time when
it reaches a unit exponential; the cumulated rate of an accrual is the expected number of arrivals.
Both need the same two questions answered: how much by then, and when so much.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simtrial.core.compiled import kernel, step
from simtrial.core.errors import DomainError

type Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PiecewiseRate:
    """A rate of ``rates[k]`` per unit of time from ``starts[k]`` until the next start.

    ``starts`` begins with 0 and increases; the last piece has no end. The unit of time is the
    caller's, the same everywhere in one trial.
    """

    starts: tuple[float, ...]
    rates: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what is no rate."""
        if len(self.starts) != len(self.rates) or not self.starts:
            raise DomainError(
                f"starts {self.starts} and rates {self.rates} differ in length or are empty; "
                "give each piece its start, such as starts=(0, 6), rates=(0.1, 0.05)."
            )
        if self.starts[0] != 0.0 or any(
            not a < b < math.inf for a, b in zip(self.starts, self.starts[1:], strict=False)
        ):
            raise DomainError(
                f"starts are {self.starts}; they begin with 0 and increase, such as (0, 6)."
            )
        if any(not 0.0 <= r < math.inf for r in self.rates):
            raise DomainError(
                f"rates are {self.rates}; each is 0 or above and finite, such as (0.1, 0.05)."
            )


def constant_rate(rate: float) -> PiecewiseRate:
    """Return the same rate for all time."""
    return PiecewiseRate(starts=(0.0,), rates=(float(rate),))


def rate_of_median(median: float) -> PiecewiseRate:
    """Return the constant hazard under which half have had the event by ``median``."""
    if not 0.0 < median < math.inf:
        raise DomainError(f"median is {median}; give a time above 0, such as 12.")
    return constant_rate(math.log(2.0) / median)


def rate_of_share(share: float, *, by: float) -> PiecewiseRate:
    """Return the constant hazard under which ``share`` of the patients have had the event by then.

    So 0.005 *by* 1 is a hazard of 0.00501254 per unit of time, not of 0.005.
    """
    if not 0.0 <= share < 1.0:
        raise DomainError(f"share is {share}; give a fraction from 0 to below 1, such as 0.05.")
    if not 0.0 < by < math.inf:
        raise DomainError(f"by is {by}; give a time above 0, such as 12.")
    return constant_rate(-math.log1p(-share) / by)


def scale_rate(rate: PiecewiseRate, factor: float) -> PiecewiseRate:
    """Return the rate times a factor: proportional hazards, or faster accrual."""
    if not 0.0 <= factor < math.inf:
        raise DomainError(f"factor is {factor}; give 0 or above, such as 0.6.")
    return PiecewiseRate(starts=rate.starts, rates=tuple(r * factor for r in rate.rates))


def cumulate(rate: PiecewiseRate, times: ArrayLike) -> Floats:
    """Return the cumulated rate at each time; 0 before time 0."""
    table, flat = tabulate_rates(rate), np.atleast_1d(np.asarray(times, np.float64))
    return _all_cumulated(table, flat.ravel()).reshape(flat.shape)


def survive(hazard: PiecewiseRate, times: ArrayLike) -> Floats:
    """Return the share without an event at each time."""
    return np.exp(-cumulate(hazard, times))


def reach(rate: PiecewiseRate, amounts: ArrayLike) -> Floats:
    """Return the earliest time at which the cumulated rate is each amount; inf if it never is."""
    table, flat = tabulate_rates(rate), np.atleast_1d(np.asarray(amounts, np.float64))
    return _all_reached(table, flat.ravel()).reshape(flat.shape)


# --- the same in compiled code ------------------------------------------------------------------


class RateTable(NamedTuple):
    """Several rates, a row each, padded to K pieces.

    ``starts, rates, cumulated`` : (rows, K); cumulated is the amount at the start of a piece, and
    a piece that only pads begins at infinity.
    """

    starts: Floats
    rates: Floats
    cumulated: Floats


def tabulate_rates(*several: PiecewiseRate) -> RateTable:
    """Return the table of some rates, a row each in the order given."""
    pieces = max(len(rate.starts) for rate in several)
    shape = (len(several), pieces)
    starts, cumulated = np.full(shape, np.inf), np.full(shape, np.inf)
    rates = np.zeros(shape)
    for row, rate in enumerate(several):
        k = len(rate.starts)
        starts[row, :k], rates[row, :k] = rate.starts, rate.rates
        amounts = np.diff(starts[row, :k]) * rates[row, : k - 1]
        cumulated[row, :k] = np.concatenate([[0.0], np.cumsum(amounts)])
    return RateTable(starts=starts, rates=rates, cumulated=cumulated)


@step
def cumulated_rate(table: RateTable, row: int, time: float) -> float:
    """Return the cumulated rate of one row at a time; 0 before time 0."""
    if time <= 0.0:
        return 0.0
    k = 0
    while k + 1 < table.starts.shape[1] and table.starts[row, k + 1] < time:
        k += 1
    rate = table.rates[row, k]
    if rate <= 0.0:  # also at an infinite time, where 0 times infinity is no number
        return float(table.cumulated[row, k])
    return float(table.cumulated[row, k] + (time - table.starts[row, k]) * rate)


@step
def time_reaching(table: RateTable, row: int, amount: float) -> float:
    """Return the earliest time at which one row's cumulated rate is ``amount``; inf if never.

    Never decreases when the amount grows, rounding included: a piece's times are held at its end.
    """
    if amount <= 0.0:
        return 0.0
    k, pieces = 0, table.starts.shape[1]
    while k + 1 < pieces and table.cumulated[row, k + 1] < amount:
        k += 1
    rate = table.rates[row, k]
    if rate <= 0.0:  # only the last piece can be without a rate and be asked for more
        return math.inf
    time = table.starts[row, k] + (amount - table.cumulated[row, k]) / rate
    return float(min(time, table.starts[row, k + 1]) if k + 1 < pieces else time)


@kernel
def _all_cumulated(table: RateTable, times: Floats) -> Floats:
    out = np.empty(times.shape[0])
    for i in range(times.shape[0]):
        out[i] = cumulated_rate(table, 0, times[i])
    return out


@kernel
def _all_reached(table: RateTable, amounts: Floats) -> Floats:
    out = np.empty(amounts.shape[0])
    for i in range(amounts.shape[0]):
        out[i] = time_reaching(table, 0, amounts[i])
    return out
