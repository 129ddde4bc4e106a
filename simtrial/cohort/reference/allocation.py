"""The allocation of the engine to read: one patient after another, in order of randomisation."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort import allocation
from simtrial.cohort.allocation import AllocationPlan
from simtrial.cohort.draws import fill_block
from simtrial.cohort.orders import Orders, closing_minute, order_at
from simtrial.core.streams import Purpose, uniform


class Allocator:
    """The open blocks of one trial, or how many patients of each kind its arms have."""

    def __init__(
        self, plan: AllocationPlan, orders: Orders, row: int, seed: int, replicate: int
    ) -> None:
        self.plan, self.seed, self.replicate = plan, seed, replicate
        mine = row % orders.from_minute.shape[0]
        self.from_minute = orders.from_minute[mine]
        self.weights, self.scales = orders.weights[mine], orders.scales[mine]
        self.waiting: dict[int, list[int]] = {}  # stratum -> arms left in its open block
        self.n_blocks: dict[int, int] = {}
        arms = plan.ratio.shape[0]
        # (factor, level) -> patients of each arm
        self.counts: dict[tuple[int, int], NDArray[np.int64]] = defaultdict(
            lambda: np.zeros(arms, np.int64)
        )

    def closing_minute(self) -> int:
        """Return the minute of the calendar from which nobody is recruited."""
        return int(closing_minute(self.from_minute, self.weights))

    def stratum(self, levels: list[int]) -> int:
        """Return the combined stratum of a patient's levels."""
        number = 0
        for level, n_levels in zip(levels, self.plan.levels, strict=True):
            number = number * int(n_levels) + level
        return number

    def arm(self, levels: list[int], minute: int, candidate: int) -> int:
        """Return the arm of a patient who is randomised at a minute of the calendar."""
        if self.plan.method == allocation.BLOCKS:
            return self.from_block(self.stratum(levels))
        order = order_at(self.from_minute, minute)
        weights, scales = self.weights[order], self.scales[order]
        if self.plan.method == allocation.COMPLETE:
            purpose = int(Purpose.COMPLETE_ALLOCATION)
            u = uniform(self.seed, purpose, self.replicate, candidate, 0, 0)
            return allocation.weighted_arm(u, weights, -1)
        margins = [self.counts[key] for key in enumerate(levels)]
        imbalance = np.zeros(weights.shape[0])
        for margin in margins:
            imbalance += [
                allocation.imbalance_with(margin, arm, weights, scales, self.plan.by_variance)
                for arm in range(weights.shape[0])
            ]
        arm = allocation.minimising_arm(
            imbalance, weights, self.plan.favoured, self.seed, self.replicate, candidate
        )
        for margin in margins:
            margin[arm] += 1
        return arm

    def from_block(self, stratum: int) -> int:
        """Return the next arm of a stratum's permuted block, opening a new block when needed."""
        if not self.waiting.get(stratum):
            block = np.zeros(int(self.plan.block_sizes.max()), np.int64)
            number = self.n_blocks.get(stratum, 0)
            size = fill_block(
                block,
                self.plan.ratio,
                self.plan.block_sizes,
                self.seed,
                self.replicate,
                stratum,
                number,
            )
            self.n_blocks[stratum] = number + 1
            self.waiting[stratum] = [int(arm) for arm in block[:size]]
        return self.waiting[stratum].pop(0)
