"""Two rates that fit best while keeping a given difference or ratio: restricted maximum likelihood.

The variance of a test against a margin is taken at these rates. The paper's closed form, a root of
a cubic, keeps only 8 digits where two roots meet (both rates 0 or 1); the score falls along the
restriction, and halving its interval keeps them all.

References
----------
Farrington CP, Manning G. Test statistics and sample size formulae for comparative binomial trials
with null hypothesis of non-zero risk difference or non-unity relative risk.
Stat Med 1990;9:1447-1454, appendix.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simtrial.core.compiled import kernel, step


@step
def restricted_treated(
    treated: float, control: float, ratio: float, shift: float, factor: float
) -> float:
    """Return the treated rate q of greatest likelihood whose control rate is (q - shift) / factor.

    Parameters
    ----------
    treated, control : the rates seen.
    ratio : treated patients per control patient.
    shift, factor : a difference of ``shift`` (factor 1), or a ratio of ``factor`` (shift 0).
    """
    low, high = max(0.0, shift), min(1.0, shift + factor)
    # within the ends, where the score is infinite, by more than rounding in either rate
    inner = 1e-15 * min(1.0, factor)
    if _score(low + inner, treated, control, ratio, shift, factor) <= 0.0:
        return low
    if _score(high - inner, treated, control, ratio, shift, factor) >= 0.0:
        return high
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle <= low or middle >= high:
            break
        if _score(middle, treated, control, ratio, shift, factor) > 0.0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


@step
def _score(
    q: float, treated: float, control: float, ratio: float, shift: float, factor: float
) -> float:
    """Return the slope in q of the log likelihood along the restriction."""
    return ratio * _slope(treated, q) + _slope(control, (q - shift) / factor) / factor


@step
def _slope(p: float, q: float) -> float:
    """Return the slope in q of p log q + (1 - p) log (1 - q)."""
    rising = p / q if p > 0.0 else 0.0
    falling = (1.0 - p) / (1.0 - q) if p < 1.0 else 0.0
    return rising - falling


@kernel
def restricted_table(n1: int, n0: int, margin: float) -> NDArray[np.float64]:
    """Return (n1 + 1, n0 + 1) restricted rates of arm 1 for every pair of counts.

    ``margin`` is rate 1 minus rate 0 under the restriction.
    """
    out = np.empty((n1 + 1, n0 + 1))
    for y1 in range(n1 + 1):
        for y0 in range(n0 + 1):
            out[y1, y0] = restricted_treated(y1 / n1, y0 / n0, n1 / n0, margin, 1.0)
    return out
