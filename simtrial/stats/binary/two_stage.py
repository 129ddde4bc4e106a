"""Simon's two-stage designs: exact properties, and the search for the optimal and minimax ones.

Stage 1 has n1 patients; with r1 responders or fewer the trial stops and the treatment is not taken
further. Stage 2 brings the total to n; with r responders or fewer it is not taken further either.

References
----------
Simon R. Optimal two-stage designs for phase II clinical trials. Control Clin Trials 1989;10:1-10.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simtrial.core.compiled import kernel
from simtrial.core.errors import DomainError
from simtrial.stats.binary.binomial import ROUNDING, fill_binomial
from simtrial.stats.binary.single_arm import CountBounds, bounds_characteristics

MOST_PATIENTS = 400


@dataclass(frozen=True, kw_only=True)
class TwoStageProperties:
    """Exact properties at one true rate."""

    reject: float
    stop_early: float
    expected_n: float


@dataclass(frozen=True, kw_only=True)
class TwoStageDesign:
    """Stop at ``r1`` or fewer of ``n1``; in the end reject the null above ``r`` of ``n``."""

    r1: int
    n1: int
    r: int
    n: int

    def __post_init__(self) -> None:
        if not (0 <= self.r1 < self.n1 < self.n and self.r1 <= self.r < self.n):
            raise DomainError(
                f"the design is {self.r1}/{self.n1} and {self.r}/{self.n}; it must hold "
                "0 <= r1 < n1 < n and r1 <= r < n, such as 3/17 and 10/37."
            )


@dataclass(frozen=True, kw_only=True)
class TwoStageSearch:
    """What a search found among all designs of up to ``n_max`` patients.

    Attributes
    ----------
    optimal : the smallest expected number of patients under the null.
    minimax : the smallest largest number, and among those the smallest expected one.
    best_by_n : for each n that can do it, its design of smallest expected number: the admissible
        designs are among these.
    """

    optimal: TwoStageDesign
    minimax: TwoStageDesign
    best_by_n: tuple[TwoStageDesign, ...]
    n_max: int


def two_stage_properties(*, n1: int, r1: int, n: int, r: int, p: float) -> TwoStageProperties:
    """Return exact properties of a design that stops when stage 1 has ``r1`` or fewer responders.

    Parameters
    ----------
    n1, n : patients in stage 1, and in both stages together.
    r1, r : stop, or fail to reject, at this many responders *or fewer*.
    p : true chance of response of one patient, in 0..1.

    Returns
    -------
    Chance to reject, chance to stop early, and expected number of patients.

    Raises
    ------
    DomainError : when the numbers are no two-stage design, or ``p`` is outside 0..1.
    """
    TwoStageDesign(r1=r1, n1=n1, r=r, n=n)
    bounds = CountBounds(n=(n1, n), lower=(r1, r), upper=(n1 + 1, r + 1))
    found = bounds_characteristics(bounds, p)
    return TwoStageProperties(
        reject=float(found.rejection[0]),
        stop_early=float(found.accept[0, 0]),
        expected_n=float(found.expected_n[0]),
    )


def find_two_stage(
    *, p0: float, p1: float, alpha: float, beta: float, n_max: int = 100
) -> TwoStageSearch:
    """Return the optimal and minimax designs of type I error ``alpha`` and power ``1 - beta``.

    Every (n1, n, r) up to ``n_max`` is tried. With these given, a larger r1 saves patients and
    lowers both error and power, so only the largest r1 that keeps the power counts. Of designs
    that differ in r alone the smallest r is kept, which has the most power.

    Raises
    ------
    DomainError : when the rates do not hold 0 < p0 < p1 < 1, an error is not between 0 and 1, or
        no design of up to ``n_max`` patients does it.
    """
    if not 0.0 < p0 < p1 < 1.0:
        raise DomainError(
            f"p0 is {p0:g} and p1 {p1:g}; rates hold 0 < p0 < p1 < 1, such as p0=0.2, p1=0.4."
        )
    for name, value in (("alpha", alpha), ("beta", beta)):
        if not 0.0 < value < 1.0:
            raise DomainError(f"{name} is {value:g}; it lies between 0 and 1, such as {name}=0.1.")
    if not 2 <= n_max <= MOST_PATIENTS:
        raise DomainError(
            f"n_max is {n_max}; the search goes from 2 to {MOST_PATIENTS} patients, such as 100."
        )
    found = _search(p0, p1, alpha * (1.0 + ROUNDING), (1.0 - beta) * (1.0 - ROUNDING), n_max)
    able = np.flatnonzero(np.isfinite(found[:, 0]))
    if not able.size:
        raise DomainError(
            f"no two-stage design of up to {n_max} patients has type I error {alpha:g} and power "
            f"{1.0 - beta:g} for {p0:g} against {p1:g}; allow more, such as n_max={2 * n_max}."
        )
    designs = tuple(
        TwoStageDesign(r1=int(found[n, 1]), n1=int(found[n, 2]), r=int(found[n, 3]), n=int(n))
        for n in able
    )
    return TwoStageSearch(
        optimal=designs[int(np.argmin(found[able, 0]))],
        minimax=designs[0],
        best_by_n=designs,
        n_max=n_max,
    )


# --- helpers ------------------------------------------------------------------------------------


@kernel
def _tables(rate: float, n_max: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return chances of y of n responders, and of more than y, at [n, y]."""
    chance, above = np.zeros((n_max + 1, n_max + 1)), np.zeros((n_max + 1, n_max + 1))
    for n in range(n_max + 1):
        fill_binomial(chance[n], n, rate)
        for y in range(n - 1, -1, -1):
            above[n, y] = above[n, y + 1] + chance[n, y + 1]
    return chance, above


@kernel
def _search(p0: float, p1: float, alpha: float, power: float, n_max: int) -> NDArray[np.float64]:
    """Return (n_max + 1, 4) at each n: smallest expected number, r1, n1, r; infinite if none."""
    chance0, above0 = _tables(p0, n_max)
    chance1, above1 = _tables(p1, n_max)
    best = np.full((n_max + 1, 4), np.inf)
    for n in range(2, n_max + 1):
        for n1 in range(1, n):
            n2 = n - n1
            for r in range(n):
                if above1[n, r] < power:  # stopping early only loses power
                    break
                reject0, reject1 = 0.0, 0.0
                for x in range(n1, 0, -1):  # the trial goes on with x or more responders
                    tail0 = 1.0 if x > r else above0[n2, r - x]
                    tail1 = 1.0 if x > r else above1[n2, r - x]
                    reject0 += chance0[n1, x] * tail0
                    reject1 += chance1[n1, x] * tail1
                    if x - 1 <= r and reject1 >= power:
                        if reject0 <= alpha:
                            stop = 1.0 - above0[n1, x - 1]
                            expected = n1 + (1.0 - stop) * n2
                            if expected < best[n, 0]:
                                best[n, 0], best[n, 1] = expected, x - 1
                                best[n, 2], best[n, 3] = n1, r
                        break
    return best
