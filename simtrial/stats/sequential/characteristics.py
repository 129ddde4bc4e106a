"""What a group sequential design does at a drift: power, where it stops, expected information."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtri

from simtrial.core.errors import DomainError
from simtrial.stats.sequential.boundaries import GroupSequential, walls
from simtrial.stats.sequential.probabilities import Walk

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Characteristics:
    """Chances at one drift; the three arrays together sum to 1.

    Attributes
    ----------
    drift : mean of z at full information.
    information : (K,) fractions at the looks.
    upper : (K,) chance to stop at a look and reject for a large z.
    lower : (K,) chance to stop at a look and reject for a small z; 0 in a one-sided test.
    futility : (K,) chance to stop at a look without rejection; at the last look, to end so.
    """

    drift: float
    information: tuple[float, ...]
    upper: Floats
    lower: Floats
    futility: Floats

    @property
    def power(self) -> float:
        """Chance to reject for a large z."""
        return float(self.upper.sum())

    @property
    def rejection(self) -> float:
        """Chance to reject on either side."""
        return float(self.upper.sum() + self.lower.sum())

    @property
    def stopping(self) -> Floats:
        """(K,) chance to end at each look, for whatever reason."""
        return self.upper + self.lower + self.futility

    @property
    def expected_information(self) -> float:
        """Expected fraction of the full information: of the maximal sample size, or of events."""
        return float(self.stopping @ np.array(self.information))


@dataclass(frozen=True, kw_only=True)
class SampleSizeRatios:
    """Sample sizes relative to the fixed design of the same alpha, sidedness and power.

    Attributes
    ----------
    drift : at which the design has its power.
    inflation : the maximal sample size.
    expected_h0, expected_h01, expected_h1 : expected sample size without effect, with half of the
        effect planned for, and with all of it; futility bounds are followed.
    """

    drift: float
    inflation: float
    expected_h0: float
    expected_h01: float
    expected_h1: float


def characteristics(
    design: GroupSequential, drift: float, *, futility_followed: bool = True
) -> Characteristics:
    """Return where the design stops at ``drift``.

    Parameters
    ----------
    drift : effect over the standard error at full information: theta sqrt(I_max).
    futility_followed : False is a trial that goes on against its futility bounds.
    """
    if not np.isfinite(drift):
        raise DomainError(f"drift is {drift}; give a number, such as 3.24.")
    walk = _walk(design, drift, drift, futility_followed)
    return _at(design, walk, float(drift))


def required_drift(
    design: GroupSequential,
    power: float,
    *,
    either_side: bool = False,
    futility_followed: bool = True,
) -> float:
    """Return the drift at which the design rejects with chance ``power``.

    The maximal information a trial needs is (drift / effect) squared.

    Parameters
    ----------
    either_side : count rejections for a small z too, in a two-sided test. They are the wrong
        conclusion when the effect is positive.

    Raises
    ------
    DomainError : when ``power`` is not above the chance to reject without effect, or not below 1.
    """
    either_side = either_side and design.sided == 2
    least = _power(_walk(design, 0.0, 0.0, futility_followed), 0.0, either_side)
    if not least < power < 1.0:
        raise DomainError(
            f"power is {power}; it is above {least:g}, the chance to reject without effect, and "
            "below 1; for example 0.9."
        )
    fixed = fixed_drift(design, power)
    low, high = 0.0, max(0.5, 1.3 * fixed)
    for _ in range(5):
        walk = _walk(design, low, high, futility_followed)
        if _power(walk, high, either_side) >= power:
            break
        low, high = high, 2.0 * high
    else:
        raise DomainError(f"power is {power}; no drift up to {high:g} reaches it; give less.")
    return float(
        brentq(
            lambda drift: _power(walk, drift, either_side) - power,
            low,
            high,
            xtol=1e-13,
            rtol=8.9e-16,
        )
    )


def fixed_drift(design: GroupSequential, power: float) -> float:
    """Return the drift that a test of the same alpha and sides with one look needs."""
    return float(ndtri(power) - ndtri(design.alpha / design.sided))


def inflation_factor(design: GroupSequential, power: float, *, either_side: bool = False) -> float:
    """Return the maximal sample size over that of the fixed design with the same power."""
    drift = required_drift(design, power, either_side=either_side)
    return (drift / _fixed(design, power, either_side)) ** 2


def sample_size_ratios(
    design: GroupSequential, power: float, *, either_side: bool = False
) -> SampleSizeRatios:
    """Return maximal and expected sample sizes over that of the fixed design."""
    drift = required_drift(design, power, either_side=either_side)
    inflation = (drift / _fixed(design, power, either_side)) ** 2
    walk = _walk(design, 0.0, drift, True)
    h0, h01, h1 = (
        inflation * _at(design, walk, at).expected_information for at in (0.0, 0.5 * drift, drift)
    )
    return SampleSizeRatios(
        drift=drift, inflation=inflation, expected_h0=h0, expected_h01=h01, expected_h1=h1
    )


def type_one_error(design: GroupSequential, *, futility_followed: bool) -> float:
    """Return the chance to reject without effect, on both sides when two-sided."""
    return characteristics(design, 0.0, futility_followed=futility_followed).rejection


def cumulative_error(design: GroupSequential) -> Floats:
    """Return (K,) the type I error spent by each look, as the efficacy bounds were computed.

    Futility counts only where it binds.
    """
    seen = characteristics(design, 0.0, futility_followed=design.binding)
    return np.cumsum(seen.upper + seen.lower)


def _fixed(design: GroupSequential, power: float, either_side: bool) -> float:
    if design.sided == 1 or not either_side:
        return fixed_drift(design, power)
    alone = GroupSequential(
        information=(1.0,),
        alpha=design.alpha,
        sided=2,
        efficacy=(-float(ndtri(design.alpha / 2.0)),),
    )
    return required_drift(alone, power, either_side=True)


def _walk(design: GroupSequential, low: float, high: float, futility: bool) -> Walk:
    return Walk(design.information, walls(design, futility=futility), low=low, high=high)


def _power(walk: Walk, drift: float, either_side: bool) -> float:
    return walk.exits(drift)[:2].sum() if either_side else walk.upper(drift)


def _at(design: GroupSequential, walk: Walk, drift: float) -> Characteristics:
    above, below, inside = walk.exits(drift)
    lower = below if design.sided == 2 else np.zeros(design.looks)
    futility = inside if design.sided == 2 else below.copy()
    futility[-1] = max(0.0, 1.0 - above.sum() - lower.sum() - futility[:-1].sum())
    return Characteristics(
        drift=drift, information=design.information, upper=above, lower=lower, futility=futility
    )
