"""Exact operating characteristics of two-arm trials with a yes-or-no outcome and any looks.

Given how many of an arm's n patients respond, which of them do is a matter of chance alone: every
order is equally likely, whatever the rate. So the chance to reach a pair of counts at a look
without having stopped before does not depend on the rates; it follows from look to look by
hypergeometric weights. One pass gives, for every look and every pair of counts, the chance that
the trial ends there; power, type I error, assurance and the sizes are then sums of products with
binomial or beta-binomial probabilities, for any rates or priors, in microseconds.

No simulation, no normal approximation; what is left is rounding, below 1e-11.

References
----------
Schultz JR, Nichol FR, Elfring GL, Weed SD. Multiple-stage procedures for drug screening.
Biometrics 1973;29:293-300 (the recursion over looks).
Jung S-H, Kim KM. On the estimation of the binomial probability in multistage clinical trials.
Stat Med 2004;23:881-896 (what does not depend on the rate).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simtrial.core.errors import DomainError
from simtrial.stats.binary.allocation import ArmSizes, fixed_sizes
from simtrial.stats.binary.binomial import binomial_probabilities
from simtrial.stats.binary.rules import Rule
from simtrial.stats.mixtures import BetaMixture

# work beyond which an answer takes minutes: products of tables, in multiplications
MOST_WORK = 2e11
# numbers of 8 bytes held at once beyond which memory runs short
MOST_HELD = 2.5e8


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is decided at one look; success is tried before futility.

    At the last look a trial that does not succeed fails, whatever ``futility`` says.
    """

    success: Rule | None = None
    futility: Rule | None = None


@dataclass(frozen=True, kw_only=True)
class Ends:
    """Where trials end at one look, for one size of the arms.

    reached : (n1 + 1, n0 + 1) chance that a trial with these counts has the arm sizes n1 and n0 at
        this look, and was not stopped before.
    won, lost : (n1 + 1, n0 + 1) whether it then succeeds, or stops for futility.
    """

    n1: int
    n0: int
    reached: NDArray[np.float64]
    won: NDArray[np.bool_]
    lost: NDArray[np.bool_]

    @property
    def success(self) -> NDArray[np.float64]:
        """(n1 + 1, n0 + 1) chance to have these sizes, to get here and to succeed."""
        return np.asarray(self.reached * self.won, np.float64)

    @property
    def futility(self) -> NDArray[np.float64]:
        """(n1 + 1, n0 + 1) chance to have these sizes, to get here and to stop for futility."""
        return np.asarray(self.reached * self.lost, np.float64)

    def sums(
        self, first: NDArray[np.float64], second: NDArray[np.float64]
    ) -> tuple[float, float, float]:
        """Return the chances to get here, to succeed and to stop, given those of the counts."""
        one, other = _window(first), _window(second)
        chance1, chance0 = first[one], second[other]
        reached = self.reached[one, other]
        return (
            float(chance1 @ reached @ chance0),
            float(chance1 @ (reached * self.won[one, other]) @ chance0),
            float(chance1 @ (reached * self.lost[one, other]) @ chance0),
        )


def _window(chance: NDArray[np.float64]) -> slice:
    """Return where a distribution has weight; each count outside has less than 1e-20."""
    some = np.flatnonzero(chance >= 1e-20)
    return slice(int(some[0]), int(some[-1]) + 1)


@dataclass(frozen=True, kw_only=True)
class Characteristics:
    """What a design does under one truth (or one prior of it). L looks.

    power : chance of success, at any look.
    success, futility : (L,) chance to succeed, or to stop for futility, at each look. Trials
        without success at the last look are in neither.
    reached : (L,) chance that the look takes place.
    expected_n : mean number of patients, of both arms; expected_treated : of the treated arm.
    """

    power: float
    success: NDArray[np.float64]
    futility: NDArray[np.float64]
    reached: NDArray[np.float64]
    expected_n: float
    expected_treated: float

    @property
    def stopping(self) -> NDArray[np.float64]:
        """(L,) chance that the trial ends at each look, for whatever reason."""
        ends = self.reached.copy()
        ends[:-1] -= self.reached[1:]
        return ends


def _responders(name: str, rate: float | BetaMixture) -> Callable[[int], NDArray[np.float64]]:
    """Return what gives the probabilities of 0..n responders, by n."""
    if isinstance(rate, BetaMixture):
        return rate.marginal
    if not 0.0 <= rate <= 1.0:
        raise DomainError(
            f"the rate of the {name} arm is {rate:g}; it lies from 0 to 1, such as 0.4."
        )
    known = float(rate)
    return lambda n: binomial_probabilities(n, known)


@dataclass(frozen=True, kw_only=True, eq=False)  # one is itself, whatever its tables hold
class TwoArm:
    """A design, solved: the ends of its trials at each look, by the arms' sizes.

    n : (L,) patients in both arms together; looks : L lists of ``Ends``.
    monotone : whether one more responder of the treated arm, or one fewer of the control arm,
        never turns success away nor brings futility on. Then no rates with p1 <= p0 + margin give
        a higher chance of success than some with p1 = p0 + margin.
    """

    n: tuple[int, ...]
    looks: tuple[tuple[Ends, ...], ...]
    monotone: bool

    def at(self, treated: float | BetaMixture, control: float | BetaMixture) -> Characteristics:
        """Return the characteristics at these chances of response, or averaged over priors of them.

        Under priors, which are independent, ``power`` is the assurance (O'Hagan, Stevens and
        Campbell 2005): exact, since responders are beta-binomial under a beta prior.

        Raises
        ------
        DomainError : when a rate is outside 0..1.
        """
        first, second = _responders("treated", treated), _responders("control", control)
        return self._sum(first, second)

    def power_over(
        self, treated: NDArray[np.float64], control: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return (T, C) chances of success for every pair of T rates and C rates."""
        total = np.zeros((treated.shape[0], control.shape[0]))
        for ends in itertools.chain.from_iterable(self.looks):
            first = np.array([binomial_probabilities(ends.n1, float(p)) for p in treated])
            second = np.array([binomial_probabilities(ends.n0, float(p)) for p in control])
            total += first @ ends.success @ second.T
        return total

    def _sum(
        self,
        first: Callable[[int], NDArray[np.float64]],
        second: Callable[[int], NDArray[np.float64]],
    ) -> Characteristics:
        count = len(self.n)
        success, futility, reached = np.zeros(count), np.zeros(count), np.zeros(count)
        treated = 0.0
        for k, look in enumerate(self.looks):
            last = k == count - 1
            for ends in look:
                here, won, lost = ends.sums(first(ends.n1), second(ends.n0))
                reached[k] += here
                success[k] += won
                futility[k] += lost
                treated += ends.n1 * (here if last else won + lost)
        # each look adds its patients to the trials that reach it
        added = np.diff(np.array((0, *self.n), np.float64))
        return Characteristics(
            power=float(min(success.sum(), 1.0)),
            success=success,
            futility=futility,
            reached=reached,
            expected_n=float(added @ reached),
            expected_treated=treated,
        )


def solve(sizes: ArmSizes | Sequence[tuple[int, int]], looks: Sequence[Look]) -> TwoArm:
    """Return a design solved for all rates at once.

    Parameters
    ----------
    sizes : arm sizes at each look, (treated, control), or a chain of them under an allocation.
    looks : what is decided at each.

    Raises
    ------
    DomainError : when there are not as many looks as sizes, when the last look has no rule for
        success, or when the answer would take minutes or gigabytes (see ``work`` and
        ``numbers_held``).
    """
    chain = _last_by_size(sizes if isinstance(sizes, ArmSizes) else fixed_sizes(sizes))
    if len(looks) != len(chain.n):
        raise DomainError(
            f"{len(looks)} looks have rules and {len(chain.n)} have patients; give one rule a look."
        )
    if looks[-1].success is None:
        raise DomainError(
            "the last look has no rule for success; give it one, such as "
            "Look(success=Fisher(alpha=0.025))."
        )
    needed = work(chain)
    if needed > MOST_WORK:
        raise DomainError(
            f"these looks and arm sizes need about {needed:.0e} multiplications, and minutes begin "
            f"at {MOST_WORK:.0e}; take fewer patients or looks, or blocks of one size, whose "
            "arms differ less in size."
        )
    numbers = numbers_held(chain)
    if numbers > MOST_HELD:
        raise DomainError(
            f"these looks and arm sizes have tables of {numbers:.0e} numbers together, and "
            f"{MOST_HELD:.0e} are held at most; take fewer patients or looks, or blocks of one "
            "size, whose arms differ less in size."
        )
    monotone = True
    solved: list[tuple[Ends, ...]] = []
    # by state of the look: chance of the state and of not having stopped, by counts
    open_now = _first_look(chain)
    for k, look in enumerate(looks):
        by_size = _first_by_size(chain) if k == 0 else _by_size(chain.treated[k], open_now)
        ends, going_on = [], {}
        for n1, reached in by_size.items():
            won, lost, ordered = _decide(look, n1, chain.n[k] - n1, last=k == len(looks) - 1)
            monotone = monotone and ordered
            going_on[n1] = ~(won | lost)
            ends.append(Ends(n1=n1, n0=chain.n[k] - n1, reached=reached, won=won, lost=lost))
        solved.append(tuple(ends))
        if k + 1 < len(looks):
            open_now = _next_look(chain, k, open_now, going_on)
    return TwoArm(n=chain.n, looks=tuple(solved), monotone=monotone)


def work(chain: ArmSizes) -> float:
    """Return about how many multiplications a solution takes."""
    chain = _last_by_size(chain)
    total = 0.0
    for k in range(len(chain.n) - 1):
        cells = (chain.n[k] / 2 + 1) ** 2
        later = (chain.n[k + 1] / 2 + 1) ** 2
        before = len(np.unique(chain.treated[k]))
        products = before * len(chain.treated[k + 1])
        total += products * 2.0 * cells * np.sqrt(later)
        total += len(chain.treated[k]) * len(chain.treated[k + 1]) * cells
    return total + sum(
        len(np.unique(t)) * (n / 2 + 1) ** 2 for t, n in zip(chain.treated, chain.n, strict=True)
    )


def numbers_held(chain: ArmSizes) -> float:
    """Return about how many numbers a solution holds at once."""
    chain = _last_by_size(chain)
    cells = [
        [(float(t) + 1.0) * (n - float(t) + 1.0) for t in treated]
        for treated, n in zip(chain.treated, chain.n, strict=True)
    ]
    by_size = [
        sum({int(t): c for t, c in zip(treated, look, strict=True)}.values())
        for treated, look in zip(chain.treated, cells, strict=True)
    ]
    # decisions take a bit more than an eighth of a number; the first look's chances none
    kept = 0.3 * sum(by_size) + sum(by_size[1:])
    # on the way from a look to the next: both looks' states, and what arrives of one size
    passing = [
        sum(now) + sum(later) + len(later) * max(now) for now, later in itertools.pairwise(cells)
    ]
    return kept + max(passing, default=0.0)


def within_reach(chain: ArmSizes) -> bool:
    """Return whether a solution takes neither minutes nor gigabytes."""
    return work(chain) <= MOST_WORK and numbers_held(chain) <= MOST_HELD


def _last_by_size(chain: ArmSizes) -> ArmSizes:
    """Return a chain whose last look has one state for each size: nothing comes after it."""
    sizes, place = np.unique(chain.treated[-1], return_inverse=True)
    if not chain.steps or len(sizes) == len(place):
        return chain
    last = np.zeros((chain.steps[-1].shape[0], len(sizes)))
    np.add.at(last.T, place, chain.steps[-1].T)
    return replace(chain, treated=(*chain.treated[:-1], sizes), steps=(*chain.steps[:-1], last))


def _first_look(chain: ArmSizes) -> list[NDArray[np.float64]]:
    """Return the first look's tables by state: one number each, since none was stopped before."""
    return [
        _all_alike(int(n1), chain.n[0], float(chance))
        for n1, chance in zip(chain.treated[0], chain.start, strict=True)
    ]


def _first_by_size(chain: ArmSizes) -> dict[int, NDArray[np.float64]]:
    return {n1: _all_alike(n1, chain.n[0], p) for n1, p in chain.distribution(0).items()}


def _all_alike(n1: int, n: int, chance: float) -> NDArray[np.float64]:
    return np.broadcast_to(np.float64(chance), (n1 + 1, n - n1 + 1))


def _by_size(
    treated: NDArray[np.int64], open_now: Sequence[NDArray[np.float64]]
) -> dict[int, NDArray[np.float64]]:
    """Return the tables of a look's states added up by the size of the treated arm."""
    out: dict[int, NDArray[np.float64]] = {}
    for size, table in zip(treated, open_now, strict=True):
        held = out.get(int(size))
        out[int(size)] = table if held is None else held + table
    return out


def _next_look(
    chain: ArmSizes,
    k: int,
    open_now: Sequence[NDArray[np.float64]],
    going_on: dict[int, NDArray[np.bool_]],
) -> list[NDArray[np.float64]]:
    """Return the open tables of the next look's states."""
    sizes, targets, step = chain.treated[k], chain.treated[k + 1], chain.steps[k]
    out = [np.zeros((int(n1) + 1, chain.n[k + 1] - int(n1) + 1)) for n1 in targets]
    for size in np.unique(sizes):
        n1, n0 = int(size), chain.n[k] - int(size)
        states = np.flatnonzero(sizes == size)
        keep = going_on[n1]
        alive = np.array([open_now[int(s)] * keep for s in states])
        # to every target at once; what is left of each target's table is two products
        arriving = np.tensordot(step[states].T, alive, axes=1)
        for t, target in enumerate(targets):
            if step[states, t].any():
                first = draws(int(target), n1)
                second = draws(chain.n[k + 1] - int(target), n0)
                out[t] += first @ arriving[t] @ second.T
    return out


def _decide(
    look: Look, n1: int, n0: int, *, last: bool
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], bool]:
    """Return where a look succeeds, where it stops for futility, and whether both are ordered."""
    nowhere: NDArray[np.bool_] = np.broadcast_to(np.False_, (n1 + 1, n0 + 1))
    won = nowhere if look.success is None else look.success.table(n1, n0)
    lost = nowhere if look.futility is None or last else look.futility.table(n1, n0) & ~won
    ordered = bool(
        np.all(won[1:] >= won[:-1])
        and np.all(won[:, 1:] <= won[:, :-1])
        and np.all(lost[1:] <= lost[:-1])
        and np.all(lost[:, 1:] >= lost[:, :-1])
    )
    return won, lost, ordered


@lru_cache(maxsize=4096)
def _log_choose(n: int) -> NDArray[np.float64]:
    """Return (n + 1,) logarithms of the ways to choose 0..n of n."""
    from scipy.special import gammaln

    y = np.arange(n + 1, dtype=np.float64)
    out = np.asarray(gammaln(n + 1.0) - gammaln(y + 1.0) - gammaln(n - y + 1.0), np.float64)
    out.setflags(write=False)
    return out


@lru_cache(maxsize=1024)
def draws(n: int, earlier: int) -> NDArray[np.float64]:
    """Return (n + 1, earlier + 1) chances that j of y responders are among the earlier patients."""
    y = np.arange(n + 1)[:, None]
    j = np.arange(earlier + 1)[None, :]
    rest = n - earlier
    possible = (j <= y) & (y - j <= rest)
    late = _log_choose(rest)[np.clip(y - j, 0, rest)]
    log_chance = _log_choose(earlier)[None, :] + late - _log_choose(n)[:, None]
    out = np.where(possible, np.exp(np.where(possible, log_chance, 0.0)), 0.0)
    out.setflags(write=False)
    return np.asarray(out, np.float64)
