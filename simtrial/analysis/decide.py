"""Decide simulated trials at their looks: when each ends, and whether it succeeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simtrial.analysis.beta_binomial import is_success, posterior_at, prior_race
from simtrial.analysis.rules import analysed, binary_looks
from simtrial.core.compiled import kernel
from simtrial.stats.binary.kept import decision_table
from simtrial.trial.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Decided:
    """Where trials end, by sample size. R trials, G sizes.

    success : (R, G) whether the trial of that size succeeds, at whatever look.
    look : (R, G) the look at which it ends, from 0.
    """

    success: NDArray[np.bool_]
    look: NDArray[np.int64]


def decide(
    design: Plan,
    arm: NDArray[np.int64],
    response: NDArray[np.bool_],
    sizes: Sequence[int],
) -> Decided:
    """Return how each trial ends, were its size each of ``sizes``.

    A look is at the first patients by order of randomisation; the first n patients are the trial
    of n, so one simulation serves all sizes.

    Parameters
    ----------
    arm, response : (R, P) in order of randomisation.
    sizes : (G,) increasing, at most P.
    """
    looks = [design.look_sizes(n) for n in sizes]
    if runs_by_recurrence(design):
        return _by_recurrence(design, arm, response, looks)
    return _by_tables(design, arm, response, sizes, looks)


def runs_by_recurrence(design: Plan) -> bool:
    """Return whether one posterior probability, without a margin, decides: quick at any size."""
    analysis, decision = analysed(design)
    return (
        analysis.method == "beta_binomial"
        and all(len(analysis.components(name)) == 1 for name in analysis.prior)
        and decision.success.comparison().margin == 0.0
        and decision.success.and_also is None
        and decision.futility is None
    )


def _by_recurrence(
    design: Plan,
    arm: NDArray[np.int64],
    response: NDArray[np.bool_],
    looks: Sequence[tuple[int, ...]],
) -> Decided:
    _, decision = analysed(design)
    better, _ = decision.success.arms()
    at = sorted({size for planned in looks for size in planned})
    posterior = posterior_at(
        prior_race(design),
        design.arm_names.index(better),
        arm,
        response,
        np.array(at, np.int64),
    )
    place = {size: i for i, size in enumerate(at)}
    shape = (arm.shape[0], len(looks))
    success, ended = np.zeros(shape, np.bool_), np.zeros(shape, np.int64)
    for g, planned in enumerate(looks):
        going = np.ones(shape[0], np.bool_)
        for k, size in enumerate(planned):
            won = is_success(posterior[:, place[size]], decision.success.level_at(k)) & going
            success[won, g] = True
            ended[going, g] = k
            going &= ~won
    return Decided(success=success, look=ended)


def _by_tables(
    design: Plan,
    arm: NDArray[np.int64],
    response: NDArray[np.bool_],
    sizes: Sequence[int],
    looks: Sequence[tuple[int, ...]],
) -> Decided:
    _, decision = analysed(design)
    better, _ = decision.success.arms()
    at = sorted({size for planned in looks for size in planned})
    counts = count_prefixes(arm == design.arm_names.index(better), response, np.array(at, np.int64))
    place = {size: i for i, size in enumerate(at)}
    shape = (arm.shape[0], len(looks))
    success, ended = np.zeros(shape, np.bool_), np.zeros(shape, np.int64)
    for g, planned in enumerate(looks):
        rules = binary_looks(design, sizes[g])
        going = np.ones(shape[0], np.bool_)
        for k, size in enumerate(planned):
            ended[going, g] = k
            n1, y1, y0 = (counts[:, place[size], i] for i in range(3))
            for treated in np.unique(n1[going]):
                here = going & (n1 == treated)
                n0 = size - int(treated)
                win, stop = rules[k].success, rules[k].futility
                won = np.zeros(shape[0], np.bool_)
                lost = np.zeros(shape[0], np.bool_)
                if win is not None:
                    won[here] = decision_table(win, int(treated), n0)[y1[here], y0[here]]
                if stop is not None:
                    lost[here] = decision_table(stop, int(treated), n0)[y1[here], y0[here]]
                success[won, g] = True
                going &= ~(won | lost)
    return Decided(success=success, look=ended)


@kernel
def count_prefixes(
    is_better: NDArray[np.bool_], response: NDArray[np.bool_], sizes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return (R, M, 3): patients and responders of the better arm, responders of the other.

    Parameters
    ----------
    is_better, response : (R, P) in order of randomisation.
    sizes : (M,) increasing numbers of first patients that are counted.
    """
    out = np.zeros((is_better.shape[0], sizes.shape[0], 3), np.int64)
    for r in range(is_better.shape[0]):
        n1, y1, y0, p = 0, 0, 0, 0
        for m in range(sizes.shape[0]):
            while p < sizes[m]:
                if is_better[r, p]:
                    n1 += 1
                    y1 += response[r, p]
                else:
                    y0 += response[r, p]
                p += 1
            out[r, m, 0], out[r, m, 1], out[r, m, 2] = n1, y1, y0
    return out
