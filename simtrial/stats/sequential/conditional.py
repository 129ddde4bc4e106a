"""What an interim result says of the rest: conditional and predictive power over all later looks.

Given the score s at information t, what is added later is again a process of independent
increments, so later bounds, moved by s, are those of a smaller trial: conditional power is exact
by the same recursion. With a normal distribution of the drift instead of one value, the process
divided by 1 + variance * d, d being the added information, has independent increments in the
clock d / (1 + variance * d) (its covariance there is the smaller of two clocks); so predictive
power over several looks needs no second integral either.

References
----------
Lan KKG, Simon R, Halperin M. Stochastically curtailed tests in long-term clinical trials.
Commun Stat C Seq Anal 1982;1:207-219 (conditional power).
Spiegelhalter DJ, Freedman LS, Blackburn PR. Monitoring clinical trials: conditional or predictive
power? Control Clin Trials 1986;7:8-17.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simtrial.core.errors import DomainError
from simtrial.stats.sequential.boundaries import GroupSequential, walls
from simtrial.stats.sequential.probabilities import Walk, Wall

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Remaining:
    """Chances at the looks that are still to come; the three arrays together sum to 1.

    Attributes
    ----------
    information : (J,) fractions of the full information at these looks.
    upper : (J,) chance to stop at a look and reject for a large z.
    lower : (J,) chance to stop at a look and reject for a small z; 0 in a one-sided test.
    futility : (J,) chance to stop at a look without rejection; at the last, to end so.
    """

    information: tuple[float, ...]
    upper: Floats
    lower: Floats
    futility: Floats

    @property
    def power(self) -> float:
        """Chance yet to reject for a large z."""
        return float(self.upper.sum())

    @property
    def rejection(self) -> float:
        """Chance yet to reject on either side."""
        return float(self.upper.sum() + self.lower.sum())


def conditional_power(
    design: GroupSequential,
    *,
    at: float,
    z: float,
    drift: float | None = None,
    futility_followed: bool = True,
) -> Remaining:
    """Return the chances at later looks, given the statistic so far and one value of the drift.

    Parameters
    ----------
    at : fraction of the full information that ``z`` has; it need not be a planned look.
    z : the statistic at ``at``. The trial is taken to go on, whatever the bounds say.
    drift : mean of z at full information; None takes its estimate, z / sqrt(at).
    futility_followed : False is a trial that goes on against its futility bounds.

    Raises
    ------
    DomainError : when ``at`` is not between 0 and 1, or a number is not finite.
    """
    _check(at, z)
    drift = z / math.sqrt(at) if drift is None else drift
    if not math.isfinite(drift):
        raise DomainError(f"drift is {drift}; give a number, such as 3.24.")
    return _later(design, at, z * math.sqrt(at), drift, 0.0, futility_followed)


def predictive_power(
    design: GroupSequential,
    *,
    at: float,
    z: float,
    drift_mean: float = 0.0,
    drift_sd: float = math.inf,
    futility_followed: bool = True,
) -> Remaining:
    """Return the chances at later looks, averaged over what is known of the drift at ``at``.

    Parameters
    ----------
    at, z, futility_followed : as in :func:`conditional_power`.
    drift_mean, drift_sd : normal prior of the drift; by default flat. A prior of the effect with
        mean m and standard deviation s is one of the drift with m and s over the standard error
        at full information.

    Raises
    ------
    DomainError : as :func:`conditional_power`, or when ``drift_sd`` is below 0.
    """
    _check(at, z)
    check_prior(drift_mean, drift_sd)
    score = z * math.sqrt(at)
    if drift_sd == 0.0:
        return _later(design, at, score, drift_mean, 0.0, futility_followed)
    prior = 1.0 / (drift_sd * drift_sd)
    variance = 1.0 / (prior + at)
    mean = variance * (prior * drift_mean + score)
    return _later(design, at, score, mean, variance, futility_followed)


def assurance(
    design: GroupSequential,
    *,
    drift_mean: float,
    drift_sd: float,
    futility_followed: bool = True,
) -> Remaining:
    """Return the chances at all looks before the trial, averaged over a normal prior.

    Parameters
    ----------
    drift_mean, drift_sd : prior of the drift: those of the effect over the standard error at full
        information. With a standard deviation of 0 it is power at ``drift_mean``.

    References
    ----------
    O'Hagan A, Stevens JW, Campbell MJ. Assurance in clinical trial design.
    Pharm Stat 2005;4:187-201.
    """
    check_prior(drift_mean, drift_sd)
    if math.isinf(drift_sd):
        raise DomainError("drift_sd is inf; before the trial a prior is proper, such as 1.5.")
    return _later(design, 0.0, 0.0, drift_mean, drift_sd * drift_sd, futility_followed)


def check_prior(mean: float, sd: float) -> None:
    """Refuse a normal prior that is none."""
    if not math.isfinite(mean) or not sd >= 0.0:
        raise DomainError(
            f"the prior of the drift has mean {mean} and sd {sd}; the mean is a number and the sd "
            "not below 0; for example drift_mean=2.8, drift_sd=1.5."
        )


def _check(at: float, z: float) -> None:
    if not 0.0 < at < 1.0:
        raise DomainError(
            f"at is {at}; it is the fraction of information so far, between 0 and 1, such as 0.5."
        )
    if not math.isfinite(z):
        raise DomainError(f"z is {z}; give the statistic at {at:g}, such as 1.2.")


def _later(
    design: GroupSequential, at: float, score: float, mean: float, variance: float, futility: bool
) -> Remaining:
    """Return the chances after ``score`` at ``at`` when the drift is N(mean, variance)."""
    # a look at the information of the interim itself is over, whatever the last bit says
    first = next(k for k, t in enumerate(design.information) if t > at + 1e-12)
    looks = design.information[first:]
    clock: list[float] = []
    moved: list[Wall] = []
    for t, wall in zip(looks, walls(design, futility=futility)[first:], strict=True):
        added = t - at
        stretch = 1.0 + variance * added
        sd = math.sqrt(added * stretch)
        # with a known drift the process keeps its mean, and the recursion is told the drift
        past = score + (mean * added if variance > 0.0 else 0.0)
        clock.append(added / stretch)
        moved.append(Wall(*((bound * math.sqrt(t) - past) / sd for bound in wall)))
    drift = 0.0 if variance > 0.0 else mean
    above, below, inside = Walk(clock, moved, low=drift, high=drift).exits(drift)
    lower = below if design.sided == 2 else np.zeros(len(looks))
    ended = inside if design.sided == 2 else below.copy()
    ended[-1] = max(0.0, 1.0 - above.sum() - lower.sum() - ended[:-1].sum())
    return Remaining(information=looks, upper=above, lower=lower, futility=ended)
