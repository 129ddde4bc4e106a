"""Simulated trials of responses alone, against the exact path: arm sizes, responses, power.

False alarm of every check: 1e-6, both sides together, from exact binomial tails; where a check
compares many counts they share it. Nothing here is fitted: both sides are computed from the design.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from simtrial.cohort.outcomes import OutcomePlan, outcome_trials
from simtrial.stats.binary.allocation import ArmSizes, blocked, simple
from simtrial.stats.binary.rules import Criterion, Posterior, Rule, ZBelow
from simtrial.stats.binary.two_arm import Look, solve
from simtrial.stats.mixtures import beta
from tests.statistical.exact import FALSE_ALARM, assert_count

# arms of the simulation: 0 control, 1 treated
CONTROL, TREATED = 0, 1
TRIALS, LOOKS = 60_000, (14, 40)


@dataclass(frozen=True)
class Scheme:
    """An allocation; ratio is (treated, control); no block sizes: every patient alone."""

    ratio: tuple[int, int]
    block_sizes: tuple[int, ...] = ()
    strata: tuple[float, ...] = (1.0,)

    def plan(self) -> OutcomePlan:
        return OutcomePlan(
            ratio=np.array(self.ratio[::-1], np.int64),
            block_sizes=np.array(self.block_sizes, np.int64),
            strata_upto=np.cumsum(self.strata),
        )

    def sizes(self, n: tuple[int, ...]) -> ArmSizes:
        if not self.block_sizes:
            return simple(n, self.ratio[0] / sum(self.ratio))
        return blocked(n, self.ratio, self.block_sizes, self.strata)


SCHEMES = {
    "alone": Scheme((1, 1)),
    "alone, 2:1": Scheme((2, 1)),
    "blocks": Scheme((1, 1), (4,)),
    "blocks, 1:3": Scheme((1, 3), (8,)),
    "random blocks": Scheme((1, 1), (2, 4, 6)),
    "strata": Scheme((1, 1), (4,), (0.3, 0.7)),
    "three strata, 2:1": Scheme((2, 1), (6,), (0.2, 0.3, 0.5)),
    "random blocks in strata, 2:1": Scheme((2, 1), (3, 6), (0.3, 0.7)),
}
RATE = {TREATED: 0.62, CONTROL: 0.35}
every_scheme = pytest.mark.parametrize("name", SCHEMES)


@cache
def trials(name: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    chance = np.tile([RATE[CONTROL], RATE[TREATED]], (TRIALS, 1))
    return outcome_trials(SCHEMES[name].plan(), chance, 8101, 0, LOOKS[-1])


# Sees a size whose chance of 0.2 is off by 1.1 points with probability 0.95: one set of blocks for
# all strata, block sizes with chances in the proportion of their sizes, a block begun anew at
# every look, the ratio the other way round, shares of strata exchanged with their order.
@every_scheme
@pytest.mark.parametrize("look", [0, 1])
def test_the_treated_arm_has_its_exact_sizes(name: str, look: int) -> None:
    arm, _ = trials(name)
    treated = arm[:, : LOOKS[look]].sum(axis=1)
    exact = SCHEMES[name].sizes(LOOKS).distribution(look)
    assert set(np.unique(treated).tolist()) <= exact.keys()
    for size, chance in exact.items():
        what = f"{name}: {size} treated of {LOOKS[look]}"
        found = int((treated == size).sum())
        assert_count(found, TRIALS, chance, what=what, error=FALSE_ALARM / len(exact))


# Sees a share of 0.5 that is off by 0.3 points with probability 0.95: the arms exchanged, or one
# uniform that decides of arm and response.
@every_scheme
@pytest.mark.parametrize("arm", [CONTROL, TREATED])
def test_patients_respond_at_the_rate_of_their_arm(name: str, arm: int) -> None:
    arms, response = trials(name)
    in_arm = arms == arm
    found, patients = int(response[in_arm].sum()), int(in_arm.sum())
    assert_count(found, patients, RATE[arm], what=f"{name}: responders of arm {arm}")


# Within a trial and from patient to patient: both of two neighbours of one arm respond.
# Sees a correlation of 0.02 with probability 0.95.
def test_neighbours_respond_independently() -> None:
    arms, response = trials("random blocks")
    both_treated = (arms[:, 0::2] == TREATED) & (arms[:, 1::2] == TREATED)
    both = response[:, 0::2] & response[:, 1::2] & both_treated
    chance = RATE[TREATED] ** 2
    assert_count(int(both.sum()), int(both_treated.sum()), chance, what="both of two respond")


def decided(
    name: str, rules: list[tuple[Rule, Rule | None]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return trials that succeed, and that stop for futility, at each look; decided one by one."""
    arms, response = trials(name)
    success, futility = np.zeros(len(LOOKS), np.int64), np.zeros(len(LOOKS), np.int64)
    going_on = np.ones(TRIALS, np.bool_)
    for look, (n, (win, lose)) in enumerate(zip(LOOKS, rules, strict=True)):
        treated = arms[:, :n] == TREATED
        n1 = treated.sum(axis=1)
        y1 = (response[:, :n] & treated).sum(axis=1)
        y0 = (response[:, :n] & ~treated).sum(axis=1)
        won, lost = np.zeros(TRIALS, np.bool_), np.zeros(TRIALS, np.bool_)
        for size in np.unique(n1):
            of_it = n1 == size
            won[of_it] = win.table(int(size), n - int(size))[y1[of_it], y0[of_it]]
            if lose is not None:
                lost[of_it] = lose.table(int(size), n - int(size))[y1[of_it], y0[of_it]]
        success[look] = int((going_on & won).sum())
        futility[look] = int((going_on & ~won & lost).sum())
        going_on &= ~(won | lost)
    return success, futility


# Sees a chance of 0.5 that is off by 1.3 points with probability 0.95: sizes of the second look
# that do not follow from those of the first, a look that forgets who has stopped, futility tried
# before success.
@every_scheme
def test_trials_with_looks_end_as_the_exact_path_says(name: str) -> None:
    rules: list[tuple[Rule, Rule | None]] = [
        (superior(0.95), ZBelow(level=0.3)),
        (superior(0.9), None),
    ]
    looks = [Look(success=win, futility=lose) for win, lose in rules]
    exact = solve(SCHEMES[name].sizes(LOOKS), looks).at(RATE[TREATED], RATE[CONTROL])
    success, futility = decided(name, rules)
    for look in range(len(LOOKS)):
        what = f"{name}: success at look {look}"
        assert_count(int(success[look]), TRIALS, float(exact.success[look]), what=what)
    what = f"{name}: futility at look 0"
    assert_count(int(futility[0]), TRIALS, float(exact.futility[0]), what=what)


def superior(above: float) -> Posterior:
    flat = beta(1.0, 1.0)
    return Posterior(prior1=flat, prior0=flat, criteria=(Criterion(above=above),))
