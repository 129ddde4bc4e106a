"""Exact sums over outcomes, written from the description of the design.

Two arms, "better" and "other", are compared by P(p_better > p_other | data) under beta priors, and
a trial succeeds when that is strictly above a threshold. Patients come one by one; within a
stratum they are assigned by permuted blocks: each block has one of the given sizes (all equally
likely), holds the arms in their ratio, and every order of it is equally likely. The last block of
a stratum stays unfilled. Given stratum and arm, patients respond independently.

The posterior probability is that of ``tests/independent/beta_second.py``; nothing here calls the
package that is tested.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import beta, binom, hypergeom

from tests.independent.beta_second import TIE, _all_pairs

type Floats = NDArray[np.float64]
type Pair = tuple[float, float]

FALSE_ALARM = 1e-6  # of one check, both sides together
NEGLECTED = 1e-14  # probability of the strata sizes that may be left out of a sum
ROUNDING = 1e-12  # of the sums below, generously: they add some 1e5 products
CLEAR = 1e-9  # a posterior probability this near the threshold, but not on it, would be a puzzle


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Priors of the better and of the other arm, and the threshold of success."""

    better: Pair = (1.0, 1.0)
    other: Pair = (1.0, 1.0)
    above: float = 0.975


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """Ratio (better arm first) and possible sizes of permuted blocks."""

    ratio: tuple[int, int] = (1, 1)
    sizes: tuple[int, ...] = (4,)


# --- the sums -----------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def success_table(n_better: int, n_other: int, rule: Rule) -> Floats:
    """Return (n_better + 1, n_other + 1): 1 where these numbers of responders are a success."""
    greater = _all_pairs(
        [(rule.better[0] + y, rule.better[1] + n_better - y) for y in range(n_better + 1)],
        [(rule.other[0] + y, rule.other[1] + n_other - y) for y in range(n_other + 1)],
    )
    distance = np.abs(greater - rule.above)
    assert not np.any((distance > TIE) & (distance < CLEAR)), "too near the threshold to tell"
    return (greater > rule.above + TIE).astype(np.float64)  # equality is not above


@lru_cache(maxsize=64)
def better_arm_sizes(n: int, blocks: Blocks) -> Floats:
    """Return (n + 1,): the chance that k of n patients in sequence are in the better arm.

    Filled blocks hold the ratio exactly, so only the unfilled last one varies: its first patients
    are a draw without replacement from the whole block.
    """
    part, whole = blocks.ratio[0], sum(blocks.ratio)
    begins = np.zeros(n + 1)  # the chance that a block begins after m patients
    begins[0] = 1.0
    out = np.zeros(n + 1)
    for m in range(n):
        for size in blocks.sizes:
            chance = begins[m] / len(blocks.sizes)
            if m + size <= n:
                begins[m + size] += chance
            else:
                k = np.arange(n - m + 1)
                out[m * part // whole + k] += chance * hypergeom.pmf(
                    k, size, size * part // whole, n - m
                )
    out[n * part // whole] += begins[n]
    return out


def exact_power(arm_sizes: Floats, p_better: float, p_other: float, rule: Rule) -> float:
    """Return the chance of success, given the distribution (n + 1,) of the better arm's size."""
    n = arm_sizes.shape[0] - 1
    total = 0.0
    for n_better in np.flatnonzero(arm_sizes):
        n_other = n - n_better
        better = binom.pmf(np.arange(n_better + 1), n_better, p_better)
        other = binom.pmf(np.arange(n_other + 1), n_other, p_other)
        success = success_table(int(n_better), int(n_other), rule)
        total += arm_sizes[n_better] * float(better @ success @ other)
    return total


@dataclass(frozen=True, kw_only=True)
class Power:
    """Chance of success for each vector of strata shares, and what the sum may have missed."""

    values: Floats
    missed: float


def stratified_power(
    n: int, blocks: Blocks, shares: Floats, p_better: Floats, p_other: Floats, rule: Rule
) -> Power:
    """Return the chance of success when each of S strata has its own blocks and responses.

    Parameters
    ----------
    shares : (Q, S) vectors of strata shares; the sum is done once for all of them.
    p_better, p_other : (S,) chance of response in each stratum.
    """
    sizes, weights, missed = _strata_sizes(n, shares)
    # every way in which the better arm can be filled: (ways, S) its size in each stratum
    strata_sizes, better_sizes, chances, of_sizes = [], [], [], []
    for i, strata in enumerate(sizes):
        filled = [better_arm_sizes(int(m), blocks) for m in strata]
        for way in itertools.product(*(np.flatnonzero(f) for f in filled)):
            strata_sizes.append(strata)
            better_sizes.append(way)
            chances.append(math.prod(f[a] for f, a in zip(filled, way, strict=True)))
            of_sizes.append(i)
    in_better = np.array(better_sizes)
    in_other = np.array(strata_sizes) - in_better
    success = np.zeros(len(in_better))
    n_better = in_better.sum(axis=1)
    for k in np.unique(n_better):
        of_k = np.flatnonzero(n_better == k)
        table = success_table(int(k), n - int(k), rule)
        for some in np.array_split(of_k, math.ceil(len(of_k) / 20_000)):
            better = _responders(in_better[some], p_better, int(k))
            other = _responders(in_other[some], p_other, n - int(k))
            success[some] = ((better @ table) * other).sum(axis=1)
    given_sizes = np.bincount(of_sizes, weights=np.array(chances) * success)
    return Power(values=weights @ given_sizes, missed=missed + ROUNDING)


def _strata_sizes(n: int, shares: Floats) -> tuple[NDArray[np.int64], Floats, float]:
    """Return strata sizes (C, S), their multinomial chances (Q, C), and what is left out."""
    s = shares.shape[1]
    grid = np.stack(np.meshgrid(*[np.arange(n + 1)] * (s - 1), indexing="ij"), axis=-1)
    first = grid.reshape(-1, s - 1)
    first = first[first.sum(axis=1) <= n]
    sizes = np.column_stack([first, n - first.sum(axis=1)])
    ways = gammaln(n + 1.0) - gammaln(sizes + 1.0).sum(axis=1)
    weights = np.exp(ways + np.log(shares) @ sizes.T)
    largest = weights.max(axis=0)
    order = np.argsort(largest)
    dropped = np.searchsorted(np.cumsum(largest[order]), NEGLECTED)
    kept = np.sort(order[dropped:])
    return sizes[kept], weights[:, kept], float(largest[order[:dropped]].sum())


def _responders(in_arm: NDArray[np.int64], p: Floats, n: int) -> Floats:
    """Return (ways, n + 1): the chance of each number of responders in an arm of n patients.

    The number is a sum of binomials, one a stratum. Its generating function is the product of
    theirs, taken at the roots of unity and transformed back.
    """
    z = np.exp(-2j * np.pi * np.arange(n + 1) / (n + 1))
    product = np.ones((in_arm.shape[0], n + 1), np.complex128)
    for s in range(in_arm.shape[1]):
        factor = (1.0 - p[s] + p[s] * z) ** np.arange(in_arm[:, s].max() + 1)[:, None]
        product *= factor[in_arm[:, s]]
    return np.fft.ifft(product, axis=1).real


# --- what is known of a probability, and whether a count fits it --------------------------------


def exact_interval(hits: int, n: int, error: float) -> Pair:
    """Return the Clopper-Pearson interval that misses the truth with chance ``error`` at most."""
    low = 0.0 if hits == 0 else float(beta.ppf(error / 2, hits, n - hits + 1))
    high = 1.0 if hits == n else float(beta.isf(error / 2, hits + 1, n - hits))
    return low, high


def corners(intervals: list[Pair]) -> Floats:
    """Return the corners of a box of shares, each scaled to add up to 1.

    Power is smooth in the shares and the box narrow, so its extremes are at corners.
    """
    box = np.array(list(itertools.product(*intervals)))
    return box / box.sum(axis=1, keepdims=True)


def assert_count(
    count: int,
    trials: int,
    low: float,
    high: float | None = None,
    *,
    what: str,
    error: float = FALSE_ALARM,
) -> None:
    """Fail when no probability within [low, high] makes a binomial count of ``trials`` likely.

    Exact tails: above the upper end and below the lower one, ``error / 2`` each.
    """
    high = low if high is None else high
    many = float(binom.sf(count - 1, trials, min(high, 1.0)))
    few = float(binom.cdf(count, trials, max(low, 0.0)))
    middle = (low + high) / 2
    spread = math.sqrt(max(middle * (1 - middle) / trials, 1e-300))
    z = (count / trials - middle) / spread if count != middle * trials else 0.0
    words = (
        f"{what}: {count} of {trials} is {count / trials:.5f}; expected {low:.5f} to {high:.5f}; "
        f"z from the middle {z:+.2f}, tails {few:.3g} below and {many:.3g} above"
    )
    print(words)
    assert min(many, few) > error / 2, words
