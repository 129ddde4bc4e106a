"""Predictive probability of final success, in closed form: of every data set, or of one.

With S[f1, f0] the final decision at f1 of N1 and f0 of N0 responders, and T1, T0 the beta-binomial
transitions from the counts so far to the final ones, the predictive probabilities of all data sets
are T1 S T0' at once: two matrix products, no imputation, no Monte Carlo error.

Patients enrolled whose outcomes are pending are simply not yet seen. A look with c outcomes among
e enrolled patients asks twice: with the final decision at e ("should accrual stop, will following
the pending ones succeed?") and at the largest size ("can the trial still succeed?").

Arm 1 is the one whose success is asked for, arm 0 the other; a trial of one arm has an S of one
axis.

References
----------
Spiegelhalter DJ, Freedman LS, Blackburn PR. Monitoring clinical trials: conditional or predictive
power? Control Clin Trials 1986;7:8-17.
Lee JJ, Liu DD. A predictive probability design for phase II cancer clinical trials.
Clin Trials 2008;5:93-106.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simtrial.core.errors import DomainError
from simtrial.stats.beta import ROUNDING
from simtrial.stats.binary.beta_binomial import (
    Prior,
    check_count,
    components_of,
    expect_window,
    posterior_tails,
    transition,
)


class ArmSoFar(NamedTuple):
    """One arm at a look: the prior used for prediction, and the outcomes known."""

    prior: Prior
    responders: int
    n: int


def predict_one_arm(success: ArrayLike, prior: Prior, n: int) -> NDArray[np.float64]:
    """Return (n + 1,) predictive probabilities of success after 0..n responders of ``n``.

    Parameters
    ----------
    success : (N + 1,) whether 0..N responders are a success in the end, or its chance.
    prior : of the rate, for prediction; the final decision may rest on another.
    n : patients with outcomes now, at most N.

    Raises
    ------
    DomainError : when ``success`` is not such a table, or ``n`` is above N.
    """
    table = checked_table(success, arms=1)
    return np.clip(transition(prior, n, table.shape[0] - 1) @ table, 0.0, 1.0)


def predict_two_arms(
    success: ArrayLike, priors: tuple[Prior, Prior], n: tuple[int, int]
) -> NDArray[np.float64]:
    """Return (n1 + 1, n0 + 1) predictive probabilities of success, for every data set.

    Parameters
    ----------
    success : (N1 + 1, N0 + 1) whether (f1, f0) responders are a success in the end, or its chance.
    priors : of the rates in arm 1 and arm 0, for prediction.
    n : patients with outcomes now in arm 1 and arm 0, at most N1 and N0.

    Raises
    ------
    DomainError : when ``success`` is not such a table, or a size is above its final one.
    """
    table = checked_table(success, arms=2)
    first = transition(priors[0], n[0], table.shape[0] - 1)
    second = transition(priors[1], n[1], table.shape[1] - 1)
    return np.clip(first @ table @ second.T, 0.0, 1.0)


def predict_trial(success: NDArray[np.generic], *arms: ArmSoFar) -> float:
    """Return the predictive probability of success of one data set, without the whole table.

    The work is that of the window of final counts still within reach. The values of ``success``
    outside it are not looked at.

    Parameters
    ----------
    success : (N + 1,) with one arm, (N1 + 1, N0 + 1) with two; boolean or float64 is not copied.
    arms : one or two; arm 1 first.

    Raises
    ------
    DomainError : when the axes of ``success`` are not those of the arms, or counts cannot be.
    """
    table = np.asarray(success)
    if len(arms) not in (1, 2) or table.ndim != len(arms):
        raise DomainError(
            f"success has {table.ndim} axes and there are {len(arms)} arms; give one axis per arm, "
            "one or two, such as a (41, 41) table and two arms of at most 40."
        )
    for arm, most in zip(arms, table.shape, strict=True):
        check_count(arm.responders, arm.n)
        if arm.n > most - 1:
            raise DomainError(
                f"an arm has outcomes of {arm.n} patients and the table of final success ends at "
                f"{most - 1}; give a table of the final size, such as ({arm.n + 11},)."
            )
    if table.dtype != np.bool_ and table.dtype != np.float64:
        table = table.astype(np.float64)
    if len(arms) == 1:
        # an arm without patients, whose prior then predicts nothing
        table, arms = table[:, None], (arms[0], ArmSoFar(arms[0].prior, 0, 0))
    one, other = arms
    seen = (one.responders, one.n, other.responders, other.n)
    chance = expect_window(table, components_of(one.prior), components_of(other.prior), seen)
    if not -ROUNDING <= chance <= 1.0 + ROUNDING:
        raise DomainError(
            f"the table of final success gave a predictive probability of {chance:g}; its elements "
            "must be in 0..1, such as True and False."
        )
    return min(max(chance, 0.0), 1.0)


def posterior_success(prior: Prior, n: int, *, rate: float, above: float) -> NDArray[np.bool_]:
    """Return (n + 1,) whether 0..n responders give P(p > rate | data) > above: one arm's decision.

    Raises
    ------
    DomainError : when ``rate`` or ``above`` is outside 0..1, or the prior is none.
    """
    if not 0.0 <= above <= 1.0:
        raise DomainError(f"above is {above:g}; a probability lies in 0..1, such as above=0.95.")
    return posterior_tails(prior, n, rate) > above + ROUNDING


def checked_table(success: ArrayLike, arms: int) -> NDArray[np.float64]:
    """Return a table of final success as numbers.

    Raises
    ------
    DomainError : when it has not one axis per arm, is empty, or holds anything outside 0..1.
    """
    table = np.asarray(success, np.float64)
    if table.ndim != arms or 0 in table.shape:
        raise DomainError(
            f"success has shape {table.shape}; give {arms} axes, each of the final number of "
            f"patients plus 1, such as {(41,) * arms}."
        )
    if not np.all((table >= 0.0) & (table <= 1.0)):
        wrong = table[~((table >= 0.0) & (table <= 1.0))][0]
        raise DomainError(
            f"success holds {wrong:g}; its elements are chances in 0..1, such as True and False."
        )
    return table
