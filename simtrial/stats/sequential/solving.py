"""Bounds from errors: the equations behind the constructors of group sequential designs.

Everything here works on bounds as tuples. For a two-sided test the futility bound is on the
absolute value of z: a wedge inside the two efficacy bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri

from simtrial.core.errors import DomainError
from simtrial.stats.sequential.probabilities import Walk, Wall
from simtrial.stats.sequential.recursion import (
    REACH,
    Floats,
    Going,
    above,
    carry,
    start,
    z_above,
    z_below,
)

Bounds = tuple[float, ...]
# An error of less at one look is none: its bound would lie beyond 26 standard deviations.
_NOTHING = 1e-150
# a root of the drift; a bound moves at most as much
_DRIFT_TOLERANCE = 1e-13


def spent_efficacy(
    *, information: Sequence[float], spent: Floats, sided: int, futility: Sequence[float]
) -> Bounds:
    """Return the (K,) efficacy bounds that spend ``spent`` (K,) in all by each look under drift 0.

    ``futility`` (K-1,) is followed in the calculation: -inf where the test must not rely on it.
    """
    increments = _increments(spent)
    going = start(reach=_reach(increments))
    bounds: list[float] = []
    for k, t in enumerate(information):
        u = z_above(going, t, increments[k] / sided, 0.0)
        if u == -math.inf:
            raise DomainError(
                f"error of {increments[k]:g} cannot be spent at look {k + 1}: under no effect only "
                f"{going.mass.sum():g} of trials get there; lower the binding futility bounds "
                "or spend less there."
            )
        bounds.append(u)
        if k < len(information) - 1:
            here = wall(u, futility[k], sided).region()
            going = carry(going, t, here, information[k + 1])
    return tuple(bounds)


def shaped_efficacy(
    *,
    information: Sequence[float],
    shape: Sequence[float],
    alpha: float,
    sided: int,
    futility: Sequence[float],
) -> Bounds:
    """Return bounds ``c * shape`` (K,), with the c that makes the type I error ``alpha``."""

    def bounds(c: float) -> Bounds:
        return tuple(c * value for value in shape)

    def excess(c: float) -> float:
        return crossing(information, bounds(c), sided, futility) - alpha / sided

    # One look only would need z(alpha); K looks at most z(alpha / K), at the smallest shape.
    low = -float(ndtri(alpha / sided)) / max(shape)
    high = -float(ndtri(alpha / sided / len(shape))) / min(shape)
    while excess(low) < 0.0:  # binding futility may leave so little that c is below that
        low = low - 0.5 * (1.0 + abs(low))
        if low < -50.0:
            raise DomainError(
                f"binding futility bounds {tuple(futility)} stop so often under no effect that an "
                f"error of {alpha:g} cannot be reached; lower them."
            )
    return bounds(float(brentq(excess, low, high + 1e-9, xtol=1e-13, rtol=8.9e-16)))


def last_efficacy(
    *,
    information: Sequence[float],
    early: float,
    alpha: float,
    sided: int,
    futility: Sequence[float],
) -> float:
    """Return the last bound that makes the type I error ``alpha`` after bounds of ``early``."""
    going, spent = start(), 0.0
    for k, t in enumerate(information[:-1]):
        spent += sided * above(going, t, early, 0.0)
        going = carry(going, t, wall(early, futility[k], sided).region(), information[k + 1])
    if spent >= alpha:
        raise DomainError(
            f"bounds of {early:g} before the last look have an error of {spent:g} already, and "
            f"alpha is {alpha:g}; give larger ones, such as early=3.5."
        )
    final = z_above(going, information[-1], (alpha - spent) / sided, 0.0)
    if final == -math.inf:
        raise DomainError(
            f"binding futility bounds {tuple(futility)} stop so often under no effect that an "
            f"error of {alpha:g} cannot be reached; lower them."
        )
    return final


def crossing(
    information: Sequence[float], efficacy: Sequence[float], sided: int, futility: Sequence[float]
) -> float:
    """Return the chance under drift 0 ever to be above the efficacy bounds."""
    return Walk(information, walls(efficacy, futility, sided), low=0.0, high=0.0).upper(0.0)


def spent_futility(
    *,
    information: Sequence[float],
    alpha_spent: Floats,
    beta_spent: Floats,
    sided: int,
    binding: bool,
) -> tuple[Bounds, Bounds, float]:
    """Return efficacy (K,) and futility (K-1,) bounds that spend both errors, and the drift.

    The drift is the one at which the type II error is the last of ``beta_spent``; at it, each
    look stops for futility with the chance that is to be spent there.
    """
    alphas, betas = _increments(alpha_spent), _increments(beta_spent)
    alpha, beta = float(alpha_spent[-1]), float(beta_spent[-1])
    nothing = [-math.inf] * (len(information) - 1)
    alone = spent_efficacy(
        information=information, spent=alpha_spent, sided=sided, futility=nothing
    )
    reach = max(_reach(alphas), _reach(betas))
    found: list[Bounds] = [(), ()]

    def excess_power(drift: float) -> float:
        """Return the power above what is wanted when bounds follow this drift."""
        going = start(0.0 if binding else drift, drift, reach)
        efficacy: list[float] = []
        futility: list[float] = []
        for k, t in enumerate(information):
            u = z_above(going, t, alphas[k] / sided, 0.0) if binding else alone[k]
            efficacy.append(u)
            if k == len(information) - 1:
                break
            v = _futility_bound(going, t, u, float(betas[k]), drift, sided)
            if v >= u:
                return max(beta - float(beta_spent[k]), 1e-3)  # the drift is too large
            futility.append(v)
            going = carry(going, t, wall(u, v, sided).region(), information[k + 1])
        found[:] = [tuple(efficacy), tuple(futility)]
        if u == -math.inf:
            return 1.0
        accepted = going.under(drift).sum() - above(going, information[-1], u, drift)
        if sided == 2:
            accepted -= going.under(drift).sum() - above(going, information[-1], -u, drift)
        return float(betas[-1] - accepted)

    # Of all tests of this size the fixed one-sided one needs the smallest drift.
    drift = _root(excess_power, low=-float(ndtri(alpha) + ndtri(beta)))
    excess_power(drift)
    return found[0], found[1], drift


def wall(efficacy: float, futility: float, sided: int) -> Wall:
    """Return where a trial stops at a look; in a two-sided test futility is a wedge around 0."""
    if sided == 1:
        return Wall(efficacy, min(futility, efficacy))
    inner = max(0.0, min(futility, efficacy))
    return Wall(efficacy, -efficacy, -inner, inner)


def walls(efficacy: Sequence[float], futility: Sequence[float], sided: int) -> tuple[Wall, ...]:
    """Return (K,) walls from (K,) and (K-1,) bounds; at the last look only efficacy stops."""
    bounds = zip(efficacy, (*futility, -math.inf), strict=True)
    return tuple(wall(u, v, sided) for u, v in bounds)


def _futility_bound(
    going: Going, t: float, efficacy: float, chance: float, drift: float, sided: int
) -> float:
    """Return the bound that stops with ``chance`` under ``drift``; at most ``efficacy``."""
    if sided == 1 or chance <= 0.0:
        return z_below(going, t, chance, drift)

    def inside(v: float) -> float:
        return above(going, t, -v, drift) - above(going, t, v, drift) - chance

    top = min(efficacy, abs(drift) + 10.0)
    return efficacy if inside(top) <= 0.0 else float(brentq(inside, 0.0, top, xtol=1e-14))


def _root(excess: Callable[[float], float], low: float) -> float:
    """Return the zero of an increasing function that is not positive at ``low``."""
    low -= 1e-9 * (1.0 + abs(low))
    high = low + 0.2 + 0.1 * abs(low)
    while excess(high) < 0.0:
        low, high = high, high + 0.5 * (1.0 + abs(high))
        if high > 60.0:
            raise DomainError(
                "no drift up to 60 spends the type II error as asked; spend less of it early."
            )
    return float(brentq(excess, low, high, xtol=_DRIFT_TOLERANCE, rtol=8.9e-16))


def _increments(spent: Floats) -> Floats:
    increments = np.diff(spent, prepend=0.0)
    return np.where(increments < _NOTHING, 0.0, increments)


def _reach(increments: Floats) -> float:
    """Return how far the nodes must go for the smallest error spent to keep its digits."""
    positive = increments[increments > 0.0]
    return max(REACH, 1.0 - float(ndtri(positive.min()))) if len(positive) else REACH
