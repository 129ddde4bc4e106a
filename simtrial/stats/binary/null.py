"""The largest chance of success over all rates at which there is nothing to find.

The null region is ``p1 <= p0 + margin``. Where a design is monotone (one more responder of arm 1
never turns success away), raising p1 to the border never lowers the chance of success, so the
largest lies on the border, a line; elsewhere the whole region is searched.

References
----------
Barnard GA. Significance tests for 2 x 2 tables. Biometrika 1947;34:123-138 (the convexity
condition).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simtrial.core.compiled import kernel
from simtrial.core.errors import DomainError
from simtrial.stats.binary.binomial import binomial_probabilities
from simtrial.stats.binary.two_arm import TwoArm

# points along the border; between neighbours a chance of success bends once at most (tested)
_POINTS = 241
_REFINED = 4
_SIDE = 49


@dataclass(frozen=True, kw_only=True)
class NullMaximum:
    """The largest chance of success in the null region, and the rates where it is reached."""

    type1: float
    treated: float
    control: float
    on_border: bool


def largest_type1(design: TwoArm, margin: float = 0.0) -> NullMaximum:
    """Return the largest type I error of a design over ``p1 <= p0 + margin``.

    The search is on a grid, refined around its best points; its result is a chance of success that
    is reached, to 1e-9, and not an upper bound.

    Raises
    ------
    DomainError : when the margin is outside (-1, 1).
    """
    if not -1.0 < margin < 1.0:
        raise DomainError(f"margin is {margin:g}; it lies between -1 and 1, such as 0.1.")
    low, high = max(0.0, -margin), min(1.0, 1.0 - margin)
    # evenly spaced on the angular scale, on which the error of a rate is the same everywhere
    control = low + (high - low) * np.sin(np.linspace(0.0, 0.5 * np.pi, _POINTS)) ** 2
    along = power_along(design, control + margin, control)
    best = _refined(design, margin, control, along)
    if design.monotone:
        return best
    inside = _inside(design, margin)
    return inside if inside.type1 > best.type1 + 1e-9 else best


def power_along(
    design: TwoArm, treated: NDArray[np.float64], control: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (T,) chances of success at pairs of rates."""
    total = np.zeros(treated.shape[0])
    treated, control = np.clip(treated, 0.0, 1.0), np.clip(control, 0.0, 1.0)
    for ends in itertools.chain.from_iterable(design.looks):
        first = np.array([binomial_probabilities(ends.n1, float(p)) for p in treated])
        second = np.array([binomial_probabilities(ends.n0, float(p)) for p in control])
        total += _in_windows(first, ends.reached, ends.won, second)
    return total


@kernel
def _in_windows(
    first: NDArray[np.float64],
    reached: NDArray[np.float64],
    won: NDArray[np.bool_],
    second: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return (T,) sums of first[t, i] reached[i, j] won[i, j] second[t, j] where there is weight.

    A binomial distribution of many patients has it in a narrow window; what is left out of one is
    below 1e-20 a count.
    """
    out = np.zeros(first.shape[0])
    for t in range(first.shape[0]):
        low, high = 0, second.shape[1]
        while low < high and second[t, low] < 1e-20:
            low += 1
        while high > low and second[t, high - 1] < 1e-20:
            high -= 1
        for i in range(first.shape[1]):
            if first[t, i] >= 1e-20:
                along = 0.0
                for j in range(low, high):
                    if won[i, j]:
                        along += reached[i, j] * second[t, j]
                out[t] += first[t, i] * along
    return out


def _refined(
    design: TwoArm, margin: float, control: NDArray[np.float64], along: NDArray[np.float64]
) -> NullMaximum:
    from scipy.optimize import minimize_scalar

    best = int(np.argmax(along))
    found = (float(along[best]), float(control[best]))
    inner = np.r_[True, along[1:] >= along[:-1]] & np.r_[along[:-1] >= along[1:], True]
    peaks = sorted((int(i) for i in np.flatnonzero(inner)), key=lambda i: -along[i])[:_REFINED]
    for peak in peaks:
        between = (float(control[max(peak - 1, 0)]), float(control[min(peak + 1, _POINTS - 1)]))
        top = minimize_scalar(
            lambda p: -design.at(min(max(p + margin, 0.0), 1.0), p).power,
            bounds=between,
            method="bounded",
            options={"xatol": 1e-7},
        )
        found = max(found, (float(-top.fun), float(top.x)))
    return NullMaximum(
        type1=found[0],
        treated=min(max(found[1] + margin, 0.0), 1.0),
        control=found[1],
        on_border=True,
    )


def _inside(design: TwoArm, margin: float) -> NullMaximum:
    """Return the largest over the whole region: on a grid, then from its best points downhill."""
    from scipy.optimize import minimize

    rates = np.sin(np.linspace(0.0, 0.5 * np.pi, _SIDE)) ** 2
    power = design.power_over(rates, rates)
    power[rates[:, None] > rates[None, :] + margin] = -1.0
    best = NullMaximum(type1=-1.0, treated=0.0, control=0.0, on_border=False)
    for flat in np.argsort(power, axis=None)[::-1][:_REFINED]:
        i, j = np.unravel_index(flat, power.shape)
        start = np.array([rates[i], rates[j]])
        top = minimize(
            lambda at: -design.at(*_in_region(at, margin)).power,
            start,
            method="Nelder-Mead",
            options={"xatol": 1e-6, "fatol": 1e-10},
        )
        treated, control = _in_region(top.x, margin)
        if -top.fun > best.type1:
            best = NullMaximum(
                type1=float(-top.fun),
                treated=treated,
                control=control,
                on_border=abs(treated - control - margin) < 1e-6,
            )
    return best


def _in_region(at: NDArray[np.float64], margin: float) -> tuple[float, float]:
    """Return the rates of the null region nearest to a point, by one coordinate after the other."""
    # below -margin no rate of the other arm is far enough beneath it
    control = min(max(float(at[1]), -margin, 0.0), 1.0)
    return max(min(float(at[0]), control + margin, 1.0), 0.0), control
