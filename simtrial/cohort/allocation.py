"""Allocation as numbers, and the single choices of which both engines make it.

Factors are numbered as they are written; a patient's combined stratum is the number whose digits
are his levels, the first factor's digit standing first.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.core.compiled import kernel, step
from simtrial.core.streams import Purpose, uniform
from simtrial.trial.design import Design

BLOCKS, COMPLETE, MINIMISATION = 0, 1, 2  # methods
METHODS = {"permuted_blocks": BLOCKS, "complete": COMPLETE, "minimisation": MINIMISATION}
SEVERITY, SUBTYPE, LINE, SEX, PREDNISOLONE, SITE, AGE_65 = range(7)  # factors
FACTORS = {
    "severity": SEVERITY,
    "subtype": SUBTYPE,
    "line": LINE,
    "sex": SEX,
    "prednisolone": PREDNISOLONE,
    "site": SITE,
    "age_65": AGE_65,
}
LOW_DOSE_MG = 20.0  # of prednisolone: the second class ends here, itself included
OLDER = 65.0  # years


class AllocationPlan(NamedTuple):
    """What the engines need of an allocation. Axes: A arms, B block sizes, F factors."""

    method: int
    ratio: NDArray[np.int64]  # (A,)
    block_sizes: NDArray[np.int64]  # (B,) of permuted blocks; one 1 without
    factors: NDArray[np.int64]  # (F,) numbers of FACTORS
    levels: NDArray[np.int64]  # (F,) levels of each factor
    n_strata: int
    favoured: float
    by_variance: bool


def allocation_plan(design: Design) -> AllocationPlan:
    """Return a design's allocation as numbers; a single arm is one of blocks of 1."""
    rule = design.allocation
    levels = [design.levels_of(factor) for factor in design.strata]
    return AllocationPlan(
        method=METHODS["permuted_blocks" if rule is None else rule.method],
        ratio=np.array([rule.ratio[a] if rule else 1 for a in design.arm_names], np.int64),
        block_sizes=np.array(rule.block_sizes if rule and rule.block_sizes else (1,), np.int64),
        factors=np.array([FACTORS[factor] for factor in design.strata], np.int64),
        levels=np.array(levels, np.int64),
        n_strata=math.prod(levels),
        favoured=1.0 if rule is None else rule.coin,
        by_variance=rule is not None and rule.by_variance,
    )


@step
def factor_level(
    factor: int,
    severity: int,
    subtype: int,
    line: int,
    female: bool,
    prednisolone_mg: float,
    site: int,
    age: float,
) -> int:
    """Return the level of a patient in one factor."""
    if factor == SEVERITY:
        return severity
    if factor == SUBTYPE:
        return subtype
    if factor == LINE:
        return line
    if factor == SEX:
        return 1 if female else 0
    if factor == PREDNISOLONE:
        if prednisolone_mg <= 0.0:
            return 0
        return 1 if prednisolone_mg <= LOW_DOSE_MG else 2
    if factor == SITE:
        return site
    return 1 if age >= OLDER else 0


@kernel
def weighted_arm(u: float, weights: NDArray[np.float64], but: int) -> int:
    """Return the arm that a uniform chooses by weights (A,), leaving out arm ``but`` (-1: none).

    Arms are laid out in their order along the sum of their weights; one of weight 0 is never
    chosen.
    """
    total = 0.0
    for arm in range(weights.shape[0]):
        if arm != but:
            total += weights[arm]
    mark, upto, last = u * total, 0.0, -1
    for arm in range(weights.shape[0]):
        if arm != but and weights[arm] > 0.0:
            upto += weights[arm]
            last = arm
            if mark < upto:
                return arm
    return last  # a sum that rounding left below the mark


@kernel
def imbalance_with(
    counts: NDArray[np.int64],
    arm: int,
    weights: NDArray[np.float64],
    scales: NDArray[np.float64],
    by_variance: bool,
) -> float:
    """Return the imbalance of one level of a factor if its next patient went to ``arm``.

    Parameters
    ----------
    counts : (A,) patients of this level that each arm has.
    scales : (A,) what a patient of an arm counts, so that arms in the ratio count alike.

    Returns
    -------
    The range over the open arms, or their variance times the squared number of arms: of whole
    numbers both are whole, so that equal imbalances are equal in the last bit.
    """
    low, high, total, squares, n = math.inf, -math.inf, 0.0, 0.0, 0
    for other in range(counts.shape[0]):
        if weights[other] > 0.0:
            more = 1.0 if other == arm else 0.0
            size = (float(counts[other]) + more) * scales[other]
            low, high = min(low, size), max(high, size)
            total += size
            squares += size * size
            n += 1
    if by_variance:
        return n * squares - total * total
    return high - low


@kernel
def minimising_arm(
    imbalance: NDArray[np.float64],
    weights: NDArray[np.float64],
    favoured: float,
    seed: int,
    replicate: int,
    candidate: int,
) -> int:
    """Return the arm of a candidate, given the imbalance that each arm would leave.

    Of the open arms that leave least imbalance one is preferred, by weights. With R the sum of
    the weights, r the preferred arm's and r_min the smallest, it is given with probability
    1 - (1 - favoured) (R - r) / (R - r_min), otherwise another by weights. So the smallest arm is
    favoured as said, and arms that are preferred as often as the ratio says are given as often.

    References
    ----------
    Pocock SJ, Simon R. Biometrics 1975;31:103-115.
    Han B, Enas NH, McEntegart D. Statistics in Medicine 2009;28:3329-3346.
    """
    least, total, smallest = math.inf, 0.0, math.inf
    for arm in range(weights.shape[0]):
        if weights[arm] > 0.0:
            least = min(least, imbalance[arm])
            smallest = min(smallest, weights[arm])
            total += weights[arm]
    # which of the best: their weights laid out in the order of the arms
    best = 0.0
    for arm in range(weights.shape[0]):
        if weights[arm] > 0.0 and imbalance[arm] == least:
            best += weights[arm]
    mark = uniform(seed, Purpose.COMPLETE_ALLOCATION, replicate, candidate, 0, 0) * best
    upto, preferred, chosen = 0.0, -1, False
    for arm in range(weights.shape[0]):
        if weights[arm] > 0.0 and imbalance[arm] == least and not chosen:
            upto += weights[arm]
            preferred = arm
            chosen = mark < upto
    rest = total - weights[preferred]
    if rest <= 0.0:
        return preferred  # the only open arm
    # where closed arms leave a smallest share above ``favoured``, the ratio itself is kept
    away = min((1.0 - favoured) / (total - smallest), 1.0 / total) * rest
    u = uniform(seed, Purpose.COMPLETE_ALLOCATION, replicate, candidate, 0, 1)
    if u >= away:
        return preferred
    return weighted_arm(u / away, weights, preferred)
