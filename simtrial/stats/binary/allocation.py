"""How many of the first patients each arm has: the exact chain of arm sizes over the looks.

A trial's arms are rarely exactly as large as planned when a look comes: a block is open, or no
block was used at all. The number allocated to the treated arm is a Markov chain over what is open
at each look; an ``ArmSizes`` holds, for every look, its states with their arm sizes, and the
chances to pass from the states of one look to those of the next.

References
----------
Rosenberger WF, Lachin JM. Randomization in clinical trials: theory and practice, 2nd ed. Wiley
2016, chapter 3 (complete randomisation, permuted blocks).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simtrial.core.errors import DomainError

# paths of a smaller chance are left out; all left out together are below 1e-13
_NEGLIGIBLE = 1e-18
MOST_STATES = 4_000


@dataclass(frozen=True, kw_only=True)
class ArmSizes:
    """Arm sizes at each of L looks, as a chain.

    n : (L,) patients in both arms together at each look.
    treated : L arrays (S_l,), the size of the treated arm in each state of look l.
    start : (S_0,) chances of the states of the first look.
    steps : L - 1 arrays (S_l, S_{l+1}), chances to pass from one look's states to the next's.
    """

    n: tuple[int, ...]
    treated: tuple[NDArray[np.int64], ...]
    start: NDArray[np.float64]
    steps: tuple[NDArray[np.float64], ...]

    def distribution(self, look: int) -> dict[int, float]:
        """Return the chance of each size of the treated arm at a look (from 0)."""
        chance = self.start
        for step in self.steps[:look]:
            chance = chance @ step
        sizes = np.unique(self.treated[look])
        return {int(s): float(chance[self.treated[look] == s].sum()) for s in sizes}


def fixed_sizes(looks: Sequence[tuple[int, int]]) -> ArmSizes:
    """Return arms that have exactly (treated, control) patients at each look."""
    for previous, now in itertools.pairwise([(0, 0), *looks]):
        if now[0] < previous[0] or now[1] < previous[1] or sum(now) <= sum(previous):
            raise DomainError(
                f"the looks have {list(looks)} patients (treated, control); neither arm may "
                "shrink and every look needs more than the last, such as [(25, 25), (50, 50)]."
            )
    if not looks:
        raise DomainError("looks is []; give at least one, such as [(50, 50)].")
    one = np.ones((1, 1))
    return ArmSizes(
        n=tuple(t + c for t, c in looks),
        treated=tuple(np.array([t]) for t, _ in looks),
        start=np.ones(1),
        steps=(one,) * (len(looks) - 1),
    )


def simple(n: Sequence[int], share: float) -> ArmSizes:
    """Return the sizes when each patient alone is treated with chance ``share``."""
    looks = _checked_looks(n)
    if not 0.0 < share < 1.0:
        raise DomainError(f"share is {share:g}; it lies between 0 and 1, such as 0.5.")
    kept, chances = [], []
    for look in looks:
        chance = _binomial(look, share)
        some = np.flatnonzero(chance > _NEGLIGIBLE)
        kept.append(some.astype(np.int64))
        chances.append(chance[some])
    steps = []
    for (before, n0), (after, n1) in itertools.pairwise(zip(kept, looks, strict=True)):
        new = _binomial(n1 - n0, share)
        more = after[None, :] - before[:, None]
        inside = (more >= 0) & (more <= n1 - n0)
        steps.append(np.where(inside, new[np.clip(more, 0, n1 - n0)], 0.0))
    return ArmSizes(n=looks, treated=tuple(kept), start=chances[0], steps=tuple(steps))


def blocked(
    n: Sequence[int],
    ratio: tuple[int, int],
    block_sizes: Sequence[int],
    strata: Sequence[float] = (1.0,),
) -> ArmSizes:
    """Return the sizes under permuted blocks, each stratum with blocks of its own.

    Parameters
    ----------
    n : patients at each look, in both arms together.
    ratio : parts of (treated, control) in each block.
    block_sizes : the size of each new block is one of these, with equal chances.
    strata : the share of patients in each stratum; a patient's stratum is independent of others'.

    Raises
    ------
    DomainError : when the strata and blocks have too many states together to follow exactly.
    """
    looks = _checked_looks(n)
    parts = sum(ratio)
    if min(ratio) < 1 or not block_sizes or any(size % parts or size < 1 for size in block_sizes):
        raise DomainError(
            f"the ratio is {ratio[0]}:{ratio[1]} and the blocks hold {list(block_sizes)}; each "
            f"part must be at least 1 and each block a multiple of {parts}, such as [{2 * parts}]."
        )
    if not (min(strata, default=0.0) > 0.0 and abs(math.fsum(strata) - 1.0) <= 1e-9):
        raise DomainError(
            f"the shares of the strata are {list(strata)}; each must be above 0 and their sum 1, "
            "such as [0.3, 0.7]."
        )
    if len(looks) == 1:
        return _one_look(looks, ratio, tuple(block_sizes), tuple(strata))
    return _several_looks(looks, ratio, tuple(block_sizes), tuple(strata))


def _checked_looks(n: Sequence[int]) -> tuple[int, ...]:
    looks = tuple(int(look) for look in n)
    if not looks or looks[0] < 1 or any(b <= a for a, b in itertools.pairwise(looks)):
        raise DomainError(
            f"the looks have {list(n)} patients; write increasing numbers from 1, such as "
            "[34, 100]."
        )
    return looks


@lru_cache(maxsize=64)
def _binomial(n: int, p: float) -> NDArray[np.float64]:
    from scipy.stats import binom

    return np.asarray(binom.pmf(np.arange(n + 1), n, p), np.float64)


# what is left of an open block: (places of the treated arm, of the control arm); of which size the
# block was does not matter any more
Block = tuple[int, int]
_NONE: Block = (0, 0)


def _next_patient(
    block: Block, ratio: tuple[int, int], block_sizes: tuple[int, ...]
) -> list[tuple[Block, float]]:
    """Return what may be left after one more patient, with the chances."""
    if block == _NONE:
        ways: list[tuple[Block, float]] = []
        for size in block_sizes:
            places = size // sum(ratio)
            whole = (ratio[0] * places, ratio[1] * places)
            for opened, chance in _next_patient(whole, ratio, block_sizes):
                ways.append((opened, chance / len(block_sizes)))
        return ways
    treated, control = block
    out: list[tuple[Block, float]] = []
    if treated:
        out.append(((treated - 1, control), treated / (treated + control)))
    if control:
        out.append(((treated, control - 1), control / (treated + control)))
    return out


def _block_chain(
    ratio: tuple[int, int], block_sizes: tuple[int, ...]
) -> tuple[list[Block], NDArray[np.float64]]:
    """Return the open blocks that one stratum may have, first none, and the step of a patient."""
    states: list[Block] = [_NONE]
    place: dict[Block, int] = {_NONE: 0}
    moves: list[tuple[int, int, float]] = []
    at = 0
    while at < len(states):
        for after, chance in _next_patient(states[at], ratio, block_sizes):
            if after not in place:
                place[after] = len(states)
                states.append(after)
            moves.append((at, place[after], chance))
        at += 1
    step = np.zeros((len(states), len(states)))
    for origin, target, chance in moves:
        step[origin, target] += chance
    return states, step


def _excess(states: list[Block], ratio: tuple[int, int]) -> NDArray[np.int64]:
    """Return by how much ``parts`` x treated exceeds its share of the patients in open blocks.

    In whole numbers: full blocks hold the ratio, so with n patients the treated arm has
    (ratio[0] n + excess) / parts, whatever blocks lie behind. What is left of a block has the
    excess of what was taken from it, with the other sign.
    """
    return np.array([ratio[0] * control - ratio[1] * treated for treated, control in states])


def _one_look(
    looks: tuple[int, ...],
    ratio: tuple[int, int],
    block_sizes: tuple[int, ...],
    strata: tuple[float, ...],
) -> ArmSizes:
    """Return the sizes at one look: each stratum's excess by its count, added up over strata."""
    n, parts = looks[0], sum(ratio)
    states, step = _block_chain(ratio, block_sizes)
    excess = _excess(states, ratio)
    widest = int(np.abs(excess).max())
    # (patients, excess) of one stratum, given its number of patients
    alone = np.zeros((n + 1, 2 * widest + 1))
    chance = np.zeros(len(states))
    chance[0] = 1.0
    for m in range(n + 1):
        np.add.at(alone[m], excess + widest, chance)
        chance = chance @ step
    if len(strata) == 1:
        together, reach = alone[n], widest
    else:
        together, reach = _over_strata(alone, strata), widest * len(strata)
    treated, chances = [], []
    for k, value in enumerate(together):
        if value > _NEGLIGIBLE:
            treated.append((ratio[0] * n + k - reach) // parts)
            chances.append(value)
    return ArmSizes(
        n=looks, treated=(np.array(treated, np.int64),), start=np.array(chances), steps=()
    )


def _over_strata(alone: NDArray[np.float64], strata: tuple[float, ...]) -> NDArray[np.float64]:
    """Return the chances of the strata's excess together, for the last row's number of patients."""
    n, left = alone.shape[0] - 1, 1.0
    together = alone
    # strata are joined one by one; of m patients in those joined, the new one has a binomial share
    joined = strata[0]
    for place, share in enumerate(strata[1:], start=2):
        left = joined + share
        grown = np.zeros((n + 1, together.shape[1] + alone.shape[1] - 1))
        last = place == len(strata)
        for m in range(n if last else 0, n + 1):
            part = _binomial(m, share / left)
            for new in np.flatnonzero(part > _NEGLIGIBLE):
                grown[m] += part[new] * np.convolve(together[m - new], alone[new])
        together, joined = grown, left
    return np.asarray(together[n], np.float64)


def _several_looks(
    looks: tuple[int, ...],
    ratio: tuple[int, int],
    block_sizes: tuple[int, ...],
    strata: tuple[float, ...],
) -> ArmSizes:
    """Return the sizes at several looks: the open blocks of all strata are the state."""
    from scipy.sparse import csr_array, eye_array, kron

    states, step = _block_chain(ratio, block_sizes)
    count = len(states) ** len(strata)
    if count > MOST_STATES:
        raise DomainError(
            f"{len(strata)} strata with blocks of {list(block_sizes)} have {count} states at each "
            f"look; up to {MOST_STATES} can be followed exactly. Use one block size, or fewer "
            "strata."
        )
    one, same = csr_array(step), eye_array(len(states), format="csr")
    everyone = csr_array((count, count))
    for stratum, share in enumerate(strata):
        whole = csr_array(np.ones((1, 1)))
        for other in range(len(strata)):
            whole = kron(whole, one if other == stratum else same, format="csr")
        everyone = everyone + share * whole
    excess = _excess(states, ratio)
    summed = np.zeros(1, np.int64)
    for _ in strata:
        summed = np.add.outer(summed, excess).ravel()
    parts = sum(ratio)
    back = everyone.T.tocsr()
    chance = np.zeros(count)
    chance[0] = 1.0
    kept: list[NDArray[np.int64]] = []
    treated: list[NDArray[np.int64]] = []
    steps: list[NDArray[np.float64]] = []
    start = chance
    passed = 0
    for look in looks:
        flow = np.eye(count)[kept[-1]].T if kept else chance[:, None]
        for _ in range(look - passed):
            flow = back @ flow
            chance = back @ chance
        some = np.flatnonzero(chance > _NEGLIGIBLE)
        treated.append((ratio[0] * look + summed[some]) // parts)
        if kept:
            steps.append(np.ascontiguousarray(flow[some].T))
        else:
            start = flow[some, 0]
        kept.append(some)
        passed = look
    return ArmSizes(n=looks, treated=tuple(treated), start=start, steps=tuple(steps))
