"""Minimisation over several factors against Pocock and Simon's rule, told again without the engine.

Each patient's chances of every arm are worked out from all who came before, in whole numbers, by
the published rule with the unequal-ratio probabilities of Han, Enas and McEntegart. Two checks:
patients of equal chances are given each arm as often as these say, and the imbalance in which a
trial ends is distributed as in trials drawn from those chances with other random numbers.

False alarm of every check: 1e-6. It sees a favoured probability that is off by 1.5 points, an
imbalance that leaves out the patient himself, and a variance taken for a range.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.snapshot import Snapshot
from tests.agreement.scripted import arrivals, design, simulate
from tests.statistical.exact import FALSE_ALARM

TRIALS, N, SITES, FAVOURED = 3_000, 60, 4, 0.75
SETTINGS = {
    "1:1 range": ((1, 1), "range"),
    "1:1 variance": ((1, 1), "variance"),
    "2:1 range": ((2, 1), "range"),
    "1:2:3 range": ((1, 2, 3), "range"),
    "1:1:2 variance": ((1, 1, 2), "variance"),
}
Integers = NDArray[np.int64]


@cache
def trials(setting: str) -> Snapshot:
    """Return 3,000 trials of 60 patients with three factors."""
    ratio, imbalance = SETTINGS[setting]
    names = [f"arm {i}" for i in range(len(ratio))]
    arms = {name: {"infusions_like": names[-1]} for name in names[:-1]}
    arms[names[-1]] = {"dose_g_per_kg": 1.0, "every_weeks": 4, "infusions": 3}
    scripted = design(
        arms=arms,
        allocation={
            "ratio": dict(zip(names, ratio, strict=True)),
            "method": "minimisation",
            "strata": ["severity", "sex", "site"],
            "favoured": FAVOURED,
            "imbalance": imbalance,
        },
        accrual={"sites": SITES, "patients_per_site_month": 1.0},
        sample_size={"n": N},
    )
    wide = {"baseline.physician.scale": 1.0}
    come = arrivals(sites=SITES)
    return simulate(compiled.run, scripted, come=come, replicates=TRIALS, **wide).seen


def levels_of(seen: Snapshot) -> list[Integers]:
    """Return the level (R, P) of each factor, from what is seen of a patient."""
    severity = np.digitize(seen.measures[:, :, 0, 0], [3.0, 6.0], right=True)
    return [severity, seen.female.astype(np.int64), seen.site]


def imbalances(counts: list[Integers], levels: list[Integers], setting: str) -> Integers:
    """Return (R, A) the imbalance that each arm would leave, whole numbers.

    counts : of each factor (R, levels, A); levels : of each factor (R,), the next patient's.
    """
    ratio, imbalance = SETTINGS[setting]
    scale = np.array([math.lcm(*ratio) // part for part in ratio])
    rows = np.arange(TRIALS)
    out = np.zeros((TRIALS, len(ratio)), np.int64)
    for arm in range(len(ratio)):
        for count, level in zip(counts, levels, strict=True):
            sizes = count[rows, level].copy()
            sizes[:, arm] += 1
            sizes = sizes * scale
            if imbalance == "range":
                out[:, arm] += sizes.max(axis=1) - sizes.min(axis=1)
            else:
                of_square = sizes.shape[1] * (sizes**2).sum(axis=1)
                out[:, arm] += of_square - sizes.sum(axis=1) ** 2
    return out


def chances(imbalance: Integers, ratio: tuple[int, ...]) -> NDArray[np.float64]:
    """Return (R, A) the chance of each arm."""
    weights = np.array(ratio, float)
    best = (imbalance == imbalance.min(axis=1, keepdims=True)) * weights
    preferred = best / best.sum(axis=1, keepdims=True)
    out = np.zeros_like(preferred)
    for arm, weight in enumerate(weights):
        rest = weights.sum() - weight
        away = (1.0 - FAVOURED) * rest / (weights.sum() - weights.min())
        given = np.where(np.arange(len(ratio)) == arm, 1.0 - away, away * weights / rest)
        out += preferred[:, [arm]] * given
    return out


def follow(setting: str, arm_of) -> tuple[NDArray[np.float64], Integers]:
    """Allocate by ``arm_of(place, chances)``; return chances (R, P, A) and the last counts.

    The counts (R, margins, A) are those of all levels of all factors.
    """
    ratio = SETTINGS[setting][0]
    levels = levels_of(trials(setting))
    sizes = (3, 2, SITES)
    counts = [np.zeros((TRIALS, size, len(ratio)), np.int64) for size in sizes]
    all_chances = np.empty((TRIALS, N, len(ratio)))
    rows = np.arange(TRIALS)
    for place in range(N):
        own = [level[:, place] for level in levels]
        all_chances[:, place] = chances(imbalances(counts, own, setting), ratio)
        arm = arm_of(place, all_chances[:, place])
        for count, level in zip(counts, own, strict=True):
            count[rows, level, arm] += 1
    return all_chances, np.concatenate(counts, axis=1)


def assert_given_as_often(given: NDArray[np.bool_], chance: float, what: str) -> None:
    """Check how often an arm was given where it had one chance, whatever came before.

    How many such patients there are hangs on the allocations, so the count is no binomial but a
    martingale: Freedman's inequality, over a grid of variances 5 % apart.
    """
    variance = given.size * chance * (1.0 - chance)
    grid = math.ceil(math.log(TRIALS * N) / math.log(1.05))
    room = math.log(2.0 * grid / FALSE_ALARM)
    most = room / 3.0 + math.sqrt(room * room / 9.0 + 2.0 * 1.05 * variance * room)
    off = abs(float(given.sum()) - given.size * chance)
    assert off <= most, f"{what}: {given.sum()} of {given.size}, chance {chance:.4f}"


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_patient_is_given_each_arm_with_the_chance_of_the_rule(setting: str) -> None:
    arm = trials(setting).arm
    found, _ = follow(setting, lambda place, _: arm[:, place])
    kinds, kind = np.unique(found.reshape(TRIALS * N, -1).round(12), axis=0, return_inverse=True)
    assert len(kinds) >= 2
    for k, of_kind in enumerate(kinds):
        among = kind.ravel() == k
        for number, chance in enumerate(of_kind):
            given = (arm.ravel() == number)[among]
            assert_given_as_often(given, float(chance), f"{setting}, arm {number}")


@pytest.mark.parametrize("setting", SETTINGS)
def test_trials_end_in_the_imbalance_of_trials_drawn_by_the_rule(setting: str) -> None:
    arm = trials(setting).arm
    _, simulated = follow(setting, lambda place, _: arm[:, place])
    generator = np.random.default_rng(912)

    def drawn(_: int, chance: NDArray[np.float64]) -> Integers:
        return (generator.random((TRIALS, 1)) > chance.cumsum(axis=1)[:, :-1]).sum(axis=1)

    _, told = follow(setting, drawn)
    ratio = np.array(SETTINGS[setting][0])
    scale = math.lcm(*SETTINGS[setting][0]) // ratio
    ends = [np.ptp(counts * scale, axis=2).sum(axis=1) for counts in (simulated, told)]
    edges = np.unique(np.quantile(np.concatenate(ends), np.linspace(0.0, 1.0, 9)[1:-1]))
    table = np.stack([np.bincount(np.digitize(e, edges), minlength=len(edges) + 1) for e in ends])
    table = table[:, table.sum(axis=0) > 40]  # cells of fewer than 20 expected have no chi-squared
    assert table.shape[1] >= 3
    assert stats.chi2_contingency(table).pvalue >= FALSE_ALARM, table
