"""Patients per arm: splitting a total by the allocation ratio, and rounding up to whole blocks.

Sizes are continuous everywhere else in this room; they become whole in :func:`round_up_to_block`
and nowhere else, so that a reader can always see what rounding added.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from simtrial.core.errors import DomainError

# A size that a root finder left a hair above a whole number is that whole number.
# The solvers of this room stop at about 1e-13 relative.
_HAIR = 1e-9


@dataclass(frozen=True, kw_only=True)
class ArmSizes:
    """Patients in each arm; continuous unless a function says that it rounds."""

    treated: float
    control: float

    def __post_init__(self) -> None:
        if not (0.0 < self.treated < math.inf and 0.0 < self.control < math.inf):
            raise DomainError(
                f"arms have {self.treated:g} treated and {self.control:g} control patients; both "
                "must be above 0 and finite, such as ArmSizes(treated=64, control=64)."
            )

    @property
    def total(self) -> float:
        """Patients in both arms together."""
        return self.treated + self.control

    @property
    def allocation_ratio(self) -> float:
        """Treated patients per control patient."""
        return self.treated / self.control

    @property
    def harmonic(self) -> float:
        """1 / (1/treated + 1/control): what the variance of a difference is divided by."""
        return self.treated * self.control / self.total


def split(total: float, allocation_ratio: float = 1.0) -> ArmSizes:
    """Return a total as its two arms.

    Parameters
    ----------
    total : patients in both arms, above 0; need not be whole.
    allocation_ratio : treated patients per control patient; 2 is 2:1 in favour of treatment.

    Raises
    ------
    DomainError : when the total or the ratio is not a finite number above 0.
    """
    check_allocation_ratio(allocation_ratio)
    if not 0.0 < total < math.inf:
        raise DomainError(f"total is {total:g}; give a number of patients above 0, such as 128.")
    control = total / (1.0 + allocation_ratio)
    return ArmSizes(treated=total - control, control=control)


def round_up_to_block(sizes: ArmSizes, block: tuple[int, int] = (1, 1)) -> ArmSizes:
    """Return the smallest whole sizes that fill blocks of allocation and are not below ``sizes``.

    The rule: the total is rounded up to a multiple of ``block[0] + block[1]`` and each arm gets
    its share of the blocks. Since both arms keep the ratio, neither ends below its continuous
    size. A total less than a relative 1e-9 above a multiple is that multiple: so little is the
    root finder's, not the trial's.

    Parameters
    ----------
    sizes : continuous sizes.
    block : treated and control patients of one block; (2, 1) for 2:1. Its ratio must be that of
        ``sizes``.

    Raises
    ------
    DomainError : when the block holds no patient of an arm, or its ratio differs from the sizes'.
    """
    treated, control = block
    if treated != int(treated) or control != int(control) or min(treated, control) < 1:
        raise DomainError(
            f"block is {block}; give whole numbers of treated and control patients, such as (2, 1)."
        )
    ratio = treated / control
    if not math.isclose(ratio, sizes.allocation_ratio, rel_tol=1e-6):
        raise DomainError(
            f"block is {treated}:{control} but the sizes are {sizes.allocation_ratio:g} treated "
            "per control patient; give a block of that ratio, such as (2, 1) for 2."
        )
    blocks = round_up(sizes.total / (treated + control))
    return ArmSizes(treated=float(blocks * treated), control=float(blocks * control))


def round_up(number: float) -> int:
    """Return the smallest whole number not below ``number``, but for a relative 1e-9.

    Raises
    ------
    DomainError : when ``number`` is not finite and above 0.
    """
    if not 0.0 < number < math.inf:
        raise DomainError(f"{number:g} cannot be rounded up to patients; give one above 0.")
    nearest = round(number)
    if nearest >= 1 and math.isclose(number, nearest, rel_tol=_HAIR):
        return nearest
    return math.ceil(number)


def check_allocation_ratio(allocation_ratio: float) -> None:
    """Raise DomainError unless the ratio is a finite number above 0."""
    if not 0.0 < allocation_ratio < math.inf:
        raise DomainError(
            f"allocation_ratio is {allocation_ratio:g}; it is treated patients per control "
            "patient, so write 2 for 2:1 and 0.5 for 1:2."
        )
