"""Exact operating characteristics of single-arm binomial designs with any number of looks.

Between looks the number of responders grows by a binomial increment, so its distribution among
trials still running is carried from look to look and what lies in a stopping region is taken out.
A look may happen after every patient; regions may be any sets of counts, usually ends.

References
----------
Schultz JR, Nichol FR, Elfring GL, Weed SD. Multiple-stage procedures for drug screening.
Biometrics 1973;29:293-300 (the recursion).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simtrial.core.compiled import kernel
from simtrial.core.errors import DomainError
from simtrial.stats.binary.binomial import check_rate, check_size, fill_binomial

GO_ON, REJECT, ACCEPT = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class CountBounds:
    """Stop and accept at ``lower`` or fewer responders, stop and reject at ``upper`` or more.

    Parameters
    ----------
    n : (L,) patients with outcomes at each look, increasing; the last is the largest size.
    lower : (L,) from -1 (no count accepts) to n.
    upper : (L,) from 0 to n + 1 (no count rejects), above ``lower``.
    """

    n: tuple[int, ...]
    lower: tuple[int, ...]
    upper: tuple[int, ...]

    def __post_init__(self) -> None:
        _check_looks(self.n)
        if not len(self.n) == len(self.lower) == len(self.upper):
            raise DomainError(
                f"there are {len(self.n)} looks, {len(self.lower)} lower and {len(self.upper)} "
                "upper bounds; give one of each per look, such as n=(50, 100), lower=(2, 11), "
                "upper=(51, 12)."
            )
        for n, lower, upper in zip(self.n, self.lower, self.upper, strict=True):
            if not -1 <= lower < upper <= n + 1:
                raise DomainError(
                    f"at n = {n} lower is {lower} and upper {upper}; bounds hold -1 <= lower < "
                    f"upper <= n + 1, such as lower=-1 and upper={n + 1} for none."
                )


@dataclass(frozen=True, kw_only=True)
class SingleArmCharacteristics:
    """Exact operating characteristics; D true rates, L looks.

    Attributes
    ----------
    rates : (D,) true chances of response.
    reject, accept : (D, L) chance to stop at a look and reject, or accept, the null hypothesis.
    undecided : (D,) chance to reach the largest size without either.
    expected_n : (D,) expected number of patients with outcomes at the stop.
    """

    rates: NDArray[np.float64]
    reject: NDArray[np.float64]
    accept: NDArray[np.float64]
    undecided: NDArray[np.float64]
    expected_n: NDArray[np.float64]

    @property
    def rejection(self) -> NDArray[np.float64]:
        """(D,) chance to reject at any look: power, or type I error at a rate of the null."""
        return np.asarray(self.reject.sum(axis=1), np.float64)

    @property
    def acceptance(self) -> NDArray[np.float64]:
        """(D,) chance to accept at any look."""
        return np.asarray(self.accept.sum(axis=1), np.float64)


def bounds_characteristics(bounds: CountBounds, rates: ArrayLike) -> SingleArmCharacteristics:
    """Return exact operating characteristics of a design with two bounds at each look.

    Parameters
    ----------
    bounds : of the counts.
    rates : one true rate, or (D,) of them.

    Raises
    ------
    DomainError : when a rate is outside 0..1.
    """
    counts = [np.arange(n + 1) for n in bounds.n]
    reject = [y >= upper for y, upper in zip(counts, bounds.upper, strict=True)]
    accept = [y <= lower for y, lower in zip(counts, bounds.lower, strict=True)]
    return region_characteristics(bounds.n, reject, accept, rates)


def region_characteristics(
    n: Sequence[int], reject: Sequence[ArrayLike], accept: Sequence[ArrayLike], rates: ArrayLike
) -> SingleArmCharacteristics:
    """Return exact operating characteristics of a design with any stopping regions.

    Parameters
    ----------
    n : (L,) patients with outcomes at each look, increasing.
    reject, accept : at each look (n + 1,) whether 0..n responders stop the trial, and for what.
    rates : one true rate, or (D,) of them.

    Raises
    ------
    DomainError : when sizes do not increase, a region is not one of n + 1 counts, a count is in
        both, or a rate is outside 0..1.
    """
    _check_looks(n)
    truth = np.atleast_1d(np.asarray(rates, np.float64))
    if truth.ndim != 1:
        raise DomainError(f"rates have shape {truth.shape}; give one rate or a list, such as 0.2.")
    for rate in truth:
        check_rate("rate", rate)
    if not len(reject) == len(accept) == len(n):
        raise DomainError(
            f"there are {len(n)} looks, {len(reject)} regions that reject and {len(accept)} that "
            "accept; give one of each per look."
        )
    action = np.full((len(n), max(n) + 1), GO_ON, np.int64)
    for k, size in enumerate(n):
        rejects, accepts = (np.asarray(region[k]) for region in (reject, accept))
        for region in (rejects, accepts):
            if region.shape != (size + 1,) or region.dtype != np.bool_:
                raise DomainError(
                    f"a region at n = {size} has shape {region.shape} of {region.dtype}; give "
                    f"True or False for each of 0..{size} responders, {size + 1} in all."
                )
        if np.any(rejects & accepts):
            raise DomainError(
                f"at n = {size} {int(np.argmax(rejects & accepts))} responders both reject and "
                "accept; a count may do one of them."
            )
        action[k, : size + 1][rejects] = REJECT
        action[k, : size + 1][accepts] = ACCEPT
    sizes = np.asarray(n, np.int64)
    stopped, undecided = _follow(sizes, action, truth)
    rejected, accepted = stopped[:, :, REJECT], stopped[:, :, ACCEPT]
    expected = (rejected + accepted) @ sizes.astype(np.float64) + undecided * float(sizes[-1])
    return SingleArmCharacteristics(
        rates=truth, reject=rejected, accept=accepted, undecided=undecided, expected_n=expected
    )


# --- helpers ------------------------------------------------------------------------------------


def _check_looks(n: Sequence[int]) -> None:
    if not len(n):
        raise DomainError("there is no look; give the patients at each, such as n=(20, 40).")
    for size in n:
        check_size("n", size, least=1)
    for before, after in pairwise(n):
        if after <= before:
            raise DomainError(
                f"looks are at {before} and then {after} patients; they must increase, such as "
                "n=(20, 40)."
            )


@kernel
def _follow(
    n: NDArray[np.int64], action: NDArray[np.int64], rates: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (D, L, 3) chances to stop by action, and (D,) to reach the end without one."""
    looks, most = n.shape[0], n[-1]
    stopped = np.zeros((rates.shape[0], looks, 3))
    undecided = np.zeros(rates.shape[0])
    going, then = np.empty(most + 1), np.empty(most + 1)
    more = np.empty(most + 1)
    for d in range(rates.shape[0]):
        going[:] = 0.0
        going[0] = 1.0
        before = 0
        for k in range(looks):
            step = n[k] - before
            fill_binomial(more, step, rates[d])
            then[:] = 0.0
            for y in range(before + 1):
                if going[y] > 0.0:
                    for j in range(step + 1):
                        then[y + j] += going[y] * more[j]
            for y in range(n[k] + 1):
                what = action[k, y]
                if what != GO_ON:
                    stopped[d, k, what] += then[y]
                    then[y] = 0.0
            going, then = then, going
            before = n[k]
        for y in range(most + 1):
            undecided[d] += going[y]
    return stopped, undecided
