"""The quick engine's allocation: strata, open blocks and margins as arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.allocation import (
    BLOCKS,
    COMPLETE,
    AllocationPlan,
    factor_level,
    imbalance_with,
    minimising_arm,
    weighted_arm,
)
from simtrial.cohort.draws import fill_block
from simtrial.core.compiled import inlined
from simtrial.core.streams import Purpose, uniform
from simtrial.myositis.measures import severity


class AllocationRoom(NamedTuple):
    """Arrays to work in. Axes: S strata (one unless there are blocks), F factors, A arms.

    ``counts`` holds the patients of each level of each factor, the first factor's levels first.
    """

    blocks: NDArray[np.int64]  # (S, largest block)
    block_size: NDArray[np.int64]  # (S,)
    block_place: NDArray[np.int64]  # (S,)
    block_number: NDArray[np.int64]  # (S,)
    level: NDArray[np.int64]  # (F,) of the patient in hand
    counts: NDArray[np.int64]  # (sum of levels, A)
    imbalance: NDArray[np.float64]  # (A,)


def allocation_room(plan: AllocationPlan) -> AllocationRoom:
    """Return the arrays, not filled."""
    strata = plan.n_strata if plan.method == BLOCKS else 1
    arms = plan.ratio.shape[0]
    return AllocationRoom(
        blocks=np.empty((strata, int(plan.block_sizes.max())), np.int64),
        block_size=np.empty(strata, np.int64),
        block_place=np.empty(strata, np.int64),
        block_number=np.empty(strata, np.int64),
        level=np.empty(plan.factors.shape[0], np.int64),
        counts=np.empty((int(plan.levels.sum()), arms), np.int64),
        imbalance=np.empty(arms),
    )


@inlined
def begin_allocation(room: AllocationRoom) -> None:
    """Forget the patients of the trial before."""
    for stratum in range(room.block_size.shape[0]):
        room.block_size[stratum] = 0
        room.block_place[stratum] = 0
        room.block_number[stratum] = 0
    for level in range(room.counts.shape[0]):
        for arm in range(room.counts.shape[1]):
            room.counts[level, arm] = 0


@inlined
def stratum_of(
    plan: AllocationPlan,
    room: AllocationRoom,
    physician_cm: float,
    subtype: int,
    line: int,
    female: bool,
    prednisolone_mg: float,
    site: int,
    age: float,
) -> int:
    """Write a patient's levels into the room, and return his combined stratum."""
    stratum = 0
    severe = severity(physician_cm)
    for f in range(plan.factors.shape[0]):
        level = factor_level(
            plan.factors[f], severe, subtype, line, female, prednisolone_mg, site, age
        )
        room.level[f] = level
        stratum = stratum * plan.levels[f] + level
    return stratum


@inlined
def next_arm(
    plan: AllocationPlan,
    room: AllocationRoom,
    weights: NDArray[np.float64],
    scales: NDArray[np.float64],
    stratum: int,
    seed: int,
    replicate: int,
    candidate: int,
) -> int:
    """Return the arm of the patient whose levels are in the room.

    ``weights, scales`` : (A,) of the order in force.
    """
    arm = 0
    if plan.method == BLOCKS:
        if room.block_place[stratum] == room.block_size[stratum]:
            room.block_size[stratum] = fill_block(
                room.blocks[stratum],
                plan.ratio,
                plan.block_sizes,
                seed,
                replicate,
                stratum,
                room.block_number[stratum],
            )
            room.block_number[stratum] += 1
            room.block_place[stratum] = 0
        arm = room.blocks[stratum, room.block_place[stratum]]
        room.block_place[stratum] += 1
    elif plan.method == COMPLETE:
        u = uniform(seed, Purpose.COMPLETE_ALLOCATION, replicate, candidate, 0, 0)
        arm = weighted_arm(u, weights, -1)
    else:
        for a in range(room.imbalance.shape[0]):
            room.imbalance[a] = 0.0
            first = 0
            for f in range(plan.factors.shape[0]):
                room.imbalance[a] += imbalance_with(
                    room.counts[first + room.level[f]], a, weights, scales, plan.by_variance
                )
                first += plan.levels[f]
        arm = minimising_arm(room.imbalance, weights, plan.favoured, seed, replicate, candidate)
        first = 0
        for f in range(plan.factors.shape[0]):
            room.counts[first + room.level[f], arm] += 1
            first += plan.levels[f]
    return arm
