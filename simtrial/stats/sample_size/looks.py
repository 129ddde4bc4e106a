"""Sizes and power of any fixed design, carried over to a group sequential one.

Two rules lead from the fixed size to the largest one with looks. ``"inflate"`` multiplies it by the
inflation factor of the design, as published tables and most programs do. ``"match"`` takes the
fixed size of the power that a fixed test has at the drift the design needs. For statistics whose
variance is the same under both hypotheses (known sd, events) the two are one. For the t test, and
for rates, they differ: in trials of 45 to 290 patients by 0.01 to 0.7 % (measured; least with
O'Brien and Fleming's bounds, most with Pocock's), in smaller ones by a patient or so. Only
``"match"`` is the inverse of :func:`power_with_looks`.

References
----------
Jennison C, Turnbull BW. Group sequential methods with applications to clinical trials. Chapman &
Hall/CRC, 2000, chapters 2-3.
Wassmer G, Brannath W. Group sequential and confirmatory adaptive designs in clinical trials.
Springer, 2016, chapters 2-5.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal, Protocol

import numpy as np

from simtrial.core.errors import DomainError
from simtrial.stats.sample_size.allocation import ArmSizes, split
from simtrial.stats.sample_size.hazards import Floats
from simtrial.stats.sample_size.levels import check_positive, critical_z
from simtrial.stats.sequential.boundaries import GroupSequential
from simtrial.stats.sequential.characteristics import (
    Characteristics,
    characteristics,
    inflation_factor,
    required_drift,
)

Rule = Literal["inflate", "match"]
_NORMAL = NormalDist()
# closer to 1 the drift cannot be had back from a power in double precision to 1e-3
_MOST_POWER = 1.0 - 1e-14


class FixedSize(Protocol):
    """A size function of this room with everything but level and power filled in (`partial`)."""

    def __call__(self, *, alpha: float, sided: int, power: float) -> ArmSizes | float:
        """Return the sizes of both arms, or the size of a trial of one arm."""


class FixedPower(Protocol):
    """A power function of this room with everything but the level filled in (`partial`)."""

    def __call__(self, *, alpha: float, sided: int) -> float:
        """Return the power of a fixed test, on the side of the effect."""


@dataclass(frozen=True, kw_only=True)
class SequentialPlan:
    """Patients of a group sequential trial, in all arms together and continuous.

    Attributes
    ----------
    design : its bounds.
    n_max : patients when the trial goes on to its last look.
    n_at_looks : (K,) patients at each look.
    allocation_ratio : treated patients per control patient; None for one arm.
    n_fixed : patients of the fixed design with the same level and power.
    under_null, halfway, under_effect : where the trial ends without effect, with half of the drift
        and with all of it.
    """

    design: GroupSequential
    n_max: float
    allocation_ratio: float | None
    n_fixed: float | None
    under_null: Characteristics
    halfway: Characteristics
    under_effect: Characteristics

    @property
    def n_at_looks(self) -> Floats:
        """(K,) patients at each look."""
        return self.n_max * np.array(self.design.information)

    @property
    def power(self) -> float:
        """Chance to reject on the side of the effect."""
        return self.under_effect.power

    @property
    def expected_n_null(self) -> float:
        """Expected patients without effect."""
        return self.n_max * self.under_null.expected_information

    @property
    def expected_n_halfway(self) -> float:
        """Expected patients with half of the drift."""
        return self.n_max * self.halfway.expected_information

    @property
    def expected_n_effect(self) -> float:
        """Expected patients with the effect assumed."""
        return self.n_max * self.under_effect.expected_information

    @property
    def arms_max(self) -> ArmSizes:
        """Patients by arm at the last look.

        Raises
        ------
        DomainError : when the trial has one arm.
        """
        if self.allocation_ratio is None:
            raise DomainError("the trial has one arm; read n_max instead.")
        return split(self.n_max, self.allocation_ratio)


def size_with_looks(
    design: GroupSequential, fixed_size: FixedSize, *, power: float, rule: Rule = "inflate"
) -> SequentialPlan:
    """Return the patients with whom a group sequential trial has the power.

    Parameters
    ----------
    design : bounds, level and sides.
    fixed_size : such as ``partial(size_two_means, effect=0.5, sd=1.0)``; level, sides and power
        are filled in here, so that they are the design's.
    power : on the side of the effect, above the level.
    rule : see the module.

    Raises
    ------
    DomainError : as the fixed size or the design does.
    """
    if rule not in ("inflate", "match"):
        raise DomainError(f"rule is {rule!r}; choose 'inflate' or 'match'.")
    drift = required_drift(design, power)
    fixed = fixed_size(alpha=design.alpha, sided=design.sided, power=power)
    if rule == "inflate":
        n_max = _total(fixed) * inflation_factor(design, power)
    else:
        matched = _NORMAL.cdf(drift - critical_z(design.alpha, design.sided))
        n_max = _total(fixed_size(alpha=design.alpha, sided=design.sided, power=matched))
    ratio = fixed.allocation_ratio if isinstance(fixed, ArmSizes) else None
    return _plan(design, drift, n_max, ratio, _total(fixed))


def power_with_looks(
    design: GroupSequential, fixed_power: FixedPower, *, n: ArmSizes | float
) -> SequentialPlan:
    """Return where a group sequential trial of given size ends; ``.power`` is its power.

    The drift is the one at which a fixed normal test has the power of the fixed test given.

    Parameters
    ----------
    design : bounds, level and sides.
    fixed_power : such as ``partial(two_means_power, effect=0.5, sd=1.0, n_treated=90,
        n_control=90)``, with the sizes of the last look.
    n : those sizes, by arm, or patients of the one arm.

    Raises
    ------
    DomainError : as the fixed power does, or when it is 1 to 14 digits, from which no drift
        follows.
    """
    fixed = fixed_power(alpha=design.alpha, sided=design.sided)
    if fixed > _MOST_POWER:
        raise DomainError(
            f"the fixed test has a power of 1 but for {1.0 - fixed:.1g}, from which the chances to "
            "stop early cannot be found; give a smaller size or effect."
        )
    drift = critical_z(design.alpha, design.sided) + _NORMAL.inv_cdf(fixed)
    ratio = n.allocation_ratio if isinstance(n, ArmSizes) else None
    return _plan(design, drift, _total(n), ratio, None)


def maximal_information(design: GroupSequential, *, effect: float, power: float) -> float:
    """Return the information (1 / variance of the estimate) at the last look.

    Parameters
    ----------
    effect : distance from the null value, in the unit of the estimate; not 0.

    Raises
    ------
    DomainError : when the effect is 0, or the power is outside its domain.
    """
    check_positive("size of the effect", abs(effect), "effect=0.5")
    return (required_drift(design, power) / effect) ** 2


def _plan(
    design: GroupSequential,
    drift: float,
    n_max: float,
    allocation_ratio: float | None,
    n_fixed: float | None,
) -> SequentialPlan:
    return SequentialPlan(
        design=design,
        n_max=n_max,
        allocation_ratio=allocation_ratio,
        n_fixed=n_fixed,
        under_null=characteristics(design, 0.0),
        halfway=characteristics(design, 0.5 * drift),
        under_effect=characteristics(design, drift),
    )


def _total(n: ArmSizes | float) -> float:
    total = n.total if isinstance(n, ArmSizes) else float(n)
    check_positive("n", total, "n=128")
    return total
