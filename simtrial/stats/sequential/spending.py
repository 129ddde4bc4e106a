"""Error spending: how much of an error may be used up at a fraction of the full information.

A spending function says, before the trial, what share of the type I error (or, for futility, of
the type II error) may be spent by the time a fraction t of the information is in; the number of
looks and their times may then differ from what was planned.

Two-sided error is spent half on each side, so ``cumulative(..., sided=2)`` is twice the one-sided
function of half the error. Only the O'Brien-Fleming type notices: the others are linear in it.

References
----------
Lan KKG, DeMets DL. Discrete sequential boundaries for clinical trials.
Biometrika 1983;70:659-663.
Hwang IK, Shih WJ, DeCani JS. Group sequential designs using a family of type I error probability
spending functions. Stat Med 1990;9:1439-1445.
Kim K, DeMets DL. Design and analysis of group sequential tests based on the type I error spending
rate function. Biometrika 1987;74:149-154.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simtrial.core.errors import DomainError

SpendingFamily = Literal["obrien_fleming", "pocock", "hwang_shih_de_cani", "kim_demets", "given"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Spending:
    """A spending function.

    Attributes
    ----------
    family : ``obrien_fleming`` and ``pocock`` are the functions of Lan and DeMets that come near
        the boundaries of that name; ``hwang_shih_de_cani`` and ``kim_demets`` are families with a
        parameter; ``given`` spends the values of ``cumulative``.
    parameter : gamma of ``hwang_shih_de_cani`` (any number; -4 is near O'Brien-Fleming, 1 near
        Pocock, 0 is linear), or rho above 0 of ``kim_demets`` (t**rho). None for the others.
    cumulative_error : for ``given`` only: the error spent by each look, not decreasing; the last
        is the whole error.
    """

    family: SpendingFamily
    parameter: float | None = None
    cumulative_error: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.family not in (*_FORMULAS, "given"):
            raise DomainError(
                f"family is {self.family!r}; choose from {', '.join((*_FORMULAS, 'given'))}."
            )
        needs = self.family in _WITH_PARAMETER
        if needs != (self.parameter is not None):
            raise DomainError(
                f"parameter is {self.parameter} for family {self.family}; it is "
                + (
                    f"needed there; for example parameter={_WITH_PARAMETER[self.family]}."
                    if needs
                    else "for hwang_shih_de_cani and kim_demets only; leave it out."
                )
            )
        if self.parameter is not None and not math.isfinite(self.parameter):
            raise DomainError(f"parameter is {self.parameter}; give a number, such as -4.0.")
        if self.family == "kim_demets" and self.parameter is not None and self.parameter <= 0:
            raise DomainError(
                f"parameter is {self.parameter} for kim_demets; rho is above 0, such as 3.0."
            )
        if (self.family == "given") != (self.cumulative_error is not None):
            raise DomainError(
                f"cumulative_error is {self.cumulative_error} for family {self.family}; it belongs "
                "to family given; for example cumulative_error=(0.005, 0.012, 0.025)."
            )
        if self.cumulative_error is not None:
            spent = (0.0, *self.cumulative_error)
            if len(spent) == 1 or not all(a <= b <= 1 for a, b in pairwise(spent)):
                raise DomainError(
                    f"cumulative_error is {self.cumulative_error}; it must not decrease and stays "
                    "within 0..1; for example (0.005, 0.012, 0.025)."
                )

    def cumulative(self, information: Sequence[float], error: float, sided: int = 1) -> Floats:
        """Return (K,) the error spent by each look.

        Parameters
        ----------
        information : (K,) fractions of the full information, increasing; the last is 1.
        error : the whole error, such as alpha, spent at 1.
        sided : 2 spends half the error on each side.

        Raises
        ------
        DomainError : when given values do not fit ``error`` or the number of looks.
        """
        if self.cumulative_error is not None:
            if len(self.cumulative_error) != len(information):
                raise DomainError(
                    f"cumulative_error has {len(self.cumulative_error)} values for "
                    f"{len(information)} looks; give one value a look."
                )
            if not math.isclose(self.cumulative_error[-1], error, rel_tol=1e-9):
                raise DomainError(
                    f"the last of cumulative_error is {self.cumulative_error[-1]:g} and the error "
                    f"to spend is {error:g}; the last value must be the whole error."
                )
            return np.array(self.cumulative_error)
        t = np.minimum(np.asarray(information, dtype=np.float64), 1.0)
        parameter = 0.0 if self.parameter is None else self.parameter
        spent = sided * _FORMULAS[self.family](t, error / sided, parameter)
        # the whole error at full information, whatever the last bit of the formula
        return np.where(t == 1.0, error, np.minimum(spent, error))


def _obrien_fleming(t: Floats, error: float, _: float) -> Floats:
    from scipy.special import ndtr, ndtri

    return np.asarray(2.0 * ndtr(ndtri(error / 2.0) / np.sqrt(t)))


def _pocock(t: Floats, error: float, _: float) -> Floats:
    return np.asarray(error * np.log1p((math.e - 1.0) * t))


def _hwang_shih_de_cani(t: Floats, error: float, gamma: float) -> Floats:
    if gamma == 0.0:
        return error * t
    return np.asarray(error * np.expm1(-gamma * t) / math.expm1(-gamma))


def _kim_demets(t: Floats, error: float, rho: float) -> Floats:
    return np.asarray(error * t**rho)


_FORMULAS: Mapping[str, Callable[[Floats, float, float], Floats]] = {
    "obrien_fleming": _obrien_fleming,
    "pocock": _pocock,
    "hwang_shih_de_cani": _hwang_shih_de_cani,
    "kim_demets": _kim_demets,
}
_WITH_PARAMETER: Mapping[str, float] = {"hwang_shih_de_cani": -4.0, "kim_demets": 3.0}
