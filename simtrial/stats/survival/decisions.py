"""Where a rule stops simulated trials, and what is to be expected of it.

At a look a trial succeeds when z is at or above the bound of efficacy, and is given up when z is
below the bound of futility, as in ``sequential.boundaries``. A look without a z decides nothing; a
look that was not held is passed over. The last look ends the trial either way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from simtrial.core.errors import DomainError
from simtrial.stats.montecarlo import share_mcse
from simtrial.stats.survival.trials import EventTrials, LookStatus

type Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Bounds on the log-rank z of L looks, treated better upwards.

    Attributes
    ----------
    efficacy : (L,) inf where a look may not claim success.
    futility : (L - 1,) of the looks before the last, -inf where a look may not give up; empty for
        no rule of futility.
    """

    efficacy: tuple[float, ...]
    futility: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse bounds that contradict each other."""
        if not self.efficacy or any(math.isnan(b) for b in (*self.efficacy, *self.futility)):
            raise DomainError(
                f"efficacy is {self.efficacy} and futility {self.futility}; give a number for each "
                "look, such as efficacy=(2.797, 1.977)."
            )
        if self.futility and len(self.futility) != len(self.efficacy) - 1:
            raise DomainError(
                f"futility has {len(self.futility)} bounds for {len(self.efficacy)} looks; give "
                "one for each look before the last, such as futility=(0.0,) for two."
            )
        for low, high in zip(self.futility, self.efficacy, strict=False):
            if low >= high:
                raise DomainError(
                    f"a bound of futility is {low} and of efficacy {high}; futility is below, such "
                    "as futility=(0.0,) with efficacy=(2.797, 1.977)."
                )


class Reason(IntEnum):
    """Why a trial ended."""

    SUCCESS = 0
    FUTILITY = 1
    NO_SUCCESS = 2  # at the last look
    UNFINISHED = 3  # the events of the last look never came


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """``reason`` : (R,) see ``Reason``. ``look`` : (R,) the last one, from 0; -1 if unfinished."""

    reason: NDArray[np.int8]
    look: NDArray[np.int64]


def decide(trials: EventTrials, bounds: Bounds) -> Decisions:
    """Return where the bounds stop each trial, and why.

    Raises
    ------
    DomainError : when there are not as many bounds as looks.
    """
    replicates, looks = trials.z.shape
    if len(bounds.efficacy) != looks:
        raise DomainError(
            f"there are {len(bounds.efficacy)} bounds of efficacy for {looks} looks; give one for "
            "each look, such as efficacy=(2.797, 1.977) for two."
        )
    # a comparison with nan, a look not held or without an estimate, is false
    success = trials.z >= np.array(bounds.efficacy)
    futile = trials.z < np.array([*(bounds.futility or [-np.inf] * (looks - 1)), -np.inf])
    last_held = trials.status[:, -1] != LookStatus.NOT_HELD
    ends = success | futile
    stopped = ends.any(axis=1)
    look = np.where(stopped, ends.argmax(axis=1), np.where(last_held, looks - 1, -1))
    reason = np.where(last_held, Reason.NO_SUCCESS, Reason.UNFINISHED)
    at_stop = success[np.arange(replicates), look]
    reason = np.where(stopped, np.where(at_stop, Reason.SUCCESS, Reason.FUTILITY), reason)
    return Decisions(reason=reason.astype(np.int8), look=look.astype(np.int64))


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A simulated share or mean with its Monte Carlo standard error, over ``n`` trials."""

    value: float
    mcse: float
    n: int


@dataclass(frozen=True, kw_only=True)
class EventSummary:
    """What is to be expected of a plan under bounds.

    Attributes
    ----------
    power : chance of success, over all trials; an unfinished one is no success.
    success_at, futility_at, held_at : (L,) chance to succeed and to be given up at each look, and
        that it is reached and held.
    unfinished : chance that the events of the last look never come.
    events, patients, duration : expected at the end, over the trials that end; ``patients`` have
        arrived by then, ``duration`` is in the unit of the plan.
    """

    trials: int
    power: Estimate
    success_at: tuple[Estimate, ...]
    futility_at: tuple[Estimate, ...]
    held_at: tuple[Estimate, ...]
    unfinished: Estimate
    events: Estimate
    patients: Estimate
    duration: Estimate


def summarise(trials: EventTrials, decisions: Decisions) -> EventSummary:
    """Return shares and means of decided trials, each with its Monte Carlo error."""
    replicates, looks = trials.z.shape
    reason, look = decisions.reason, decisions.look
    ended = np.flatnonzero(look >= 0)
    at_end = (ended, look[ended])
    held = trials.status != LookStatus.NOT_HELD
    # a trial that never ends goes through all its looks
    reached = np.arange(looks) <= np.where(look >= 0, look, looks)[:, None]

    def at_looks(which: Reason) -> tuple[Estimate, ...]:
        return tuple(_share((reason == which) & (look == number)) for number in range(looks))

    return EventSummary(
        trials=replicates,
        power=_share(reason == Reason.SUCCESS),
        success_at=at_looks(Reason.SUCCESS),
        futility_at=at_looks(Reason.FUTILITY),
        held_at=tuple(_share((held & reached)[:, number]) for number in range(looks)),
        unfinished=_share(reason == Reason.UNFINISHED),
        events=_mean(trials.events[at_end]),
        patients=_mean(trials.enrolled[at_end]),
        duration=_mean(trials.time[at_end]),
    )


def _share(hits: NDArray[np.bool_]) -> Estimate:
    count, n = int(hits.sum()), int(hits.shape[0])
    return Estimate(value=count / n, mcse=share_mcse(count, n), n=n)


def _mean(values: NDArray[np.float64] | NDArray[np.int64]) -> Estimate:
    n = int(values.shape[0])
    if n == 0:
        return Estimate(value=math.nan, mcse=math.nan, n=0)
    spread = float(values.std(ddof=1)) if n > 1 else math.inf
    return Estimate(value=float(values.mean()), mcse=spread / math.sqrt(n), n=n)
