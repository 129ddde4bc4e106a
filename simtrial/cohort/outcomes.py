"""Trials of responses alone: each patient a stratum, an arm, and a response by the arm's chance.

What other packages simulate. Where it can be computed exactly it is; this is for what cannot, and
the check of what can.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.draws import fill_block
from simtrial.core.compiled import kernel
from simtrial.core.streams import Purpose, uniform


class OutcomePlan(NamedTuple):
    """How patients are allocated and respond. A arms, S strata.

    ratio : (A,) parts; block_sizes : (B,), empty where every patient is allocated alone.
    strata_upto : (S,) cumulated shares of the strata.
    """

    ratio: NDArray[np.int64]
    block_sizes: NDArray[np.int64]
    strata_upto: NDArray[np.float64]


@kernel
def outcome_trials(
    plan: OutcomePlan, chance: NDArray[np.float64], seed: int, first: int, n: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return arm and response (R, n) of replicates first..first + R - 1, in order of randomisation.

    Parameters
    ----------
    chance : (R, A) chance of response in each arm, by replicate. One uniform a patient decides in
        every arm, so a better arm never turns a responder into a non-responder.
    """
    replicates, strata = chance.shape[0], plan.strata_upto.shape[0]
    arms = np.empty((replicates, n), np.int64)
    response = np.empty((replicates, n), np.bool_)
    most = 1
    for size in plan.block_sizes:
        most = max(most, size)
    blocks = np.empty((strata, most), np.int64)
    place = np.zeros(strata, np.int64)
    size_of = np.zeros(strata, np.int64)
    number = np.zeros(strata, np.int64)
    parts = plan.ratio.sum()
    for r in range(replicates):
        replicate = first + r
        place[:] = 0
        size_of[:] = 0
        number[:] = 0
        for p in range(n):
            if plan.block_sizes.shape[0] == 0:
                u = uniform(seed, Purpose.OUTCOME_ALLOCATION, replicate, p, 1, 0) * parts
                arm = 0
                upto = plan.ratio[0]
                while u >= upto:
                    arm += 1
                    upto += plan.ratio[arm]
            else:
                stratum = 0
                if strata > 1:
                    v = uniform(seed, Purpose.OUTCOME_RESPONSE, replicate, p, 0, 1)
                    while v >= plan.strata_upto[stratum] and stratum < strata - 1:
                        stratum += 1
                if place[stratum] == size_of[stratum]:
                    size_of[stratum] = fill_block(
                        blocks[stratum],
                        plan.ratio,
                        plan.block_sizes,
                        seed,
                        replicate,
                        stratum,
                        number[stratum],
                    )
                    number[stratum] += 1
                    place[stratum] = 0
                arm = blocks[stratum, place[stratum]]
                place[stratum] += 1
            arms[r, p] = arm
            answer = uniform(seed, Purpose.OUTCOME_RESPONSE, replicate, p, 0, 0)
            response[r, p] = answer < chance[r, arm]
    return arms, response


@kernel
def prior_uniforms(seed: int, first: int, replicates: int, arms: int) -> NDArray[np.float64]:
    """Return (R, A, 2) uniforms that choose a part of each arm's prior, and a quantile of it."""
    out = np.empty((replicates, arms, 2))
    for r in range(replicates):
        for arm in range(arms):
            for slot in range(2):
                out[r, arm, slot] = uniform(seed, Purpose.OUTCOME_RESPONSE, first + r, arm, 1, slot)
    return out
