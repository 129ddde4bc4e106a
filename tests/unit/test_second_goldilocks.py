"""Goldilocks designs of one and two arms against the second reading, over random small designs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import beta

from simtrial.stats.binary.goldilocks import (
    GoldilocksCharacteristics,
    GoldilocksDesign,
    GoldilocksPlan,
    SampleSizeLook,
    Sizes,
    goldilocks_characteristics,
    plan_goldilocks,
)
from simtrial.stats.binary.predictive import posterior_success
from tests.independent import exact_binary_second, goldilocks_second

# some thousand products of probabilities, and logarithms of factorials up to 60
ROUNDING = 1e-11
# thresholds are drawn at random: one nearer than this to a predictive probability would be a tie
# up to rounding, of which the second reading knows nothing
CLEAR = 1e-9


def check_agreement(
    plan: GoldilocksPlan, found: GoldilocksCharacteristics, wanted: dict[str, object]
) -> None:
    """Compare every chance of a design, and the decision of every data set."""
    win, loss = (np.array(wanted[key]) for key in ("early_win", "early_loss"))
    np.testing.assert_allclose(found.stop_success_and_succeed, win, rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(found.stop_success, win + loss, rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(found.stop_futility, wanted["futility"], rtol=0, atol=ROUNDING)
    at_end = (wanted["late_win"], wanted["late_win"] + wanted["late_loss"])  # type: ignore[operator]
    assert (found.reach_maximum_and_succeed, found.reach_maximum) == pytest.approx(
        at_end, abs=ROUNDING
    )
    assert found.success == pytest.approx(wanted["success"], abs=ROUNDING)
    assert found.expected_n == pytest.approx(wanted["expected_n"], abs=100 * ROUNDING)
    for regions, table in zip(plan.looks, wanted["decisions"], strict=True):  # type: ignore[call-overload]
        assert table
        for at, (now, later, decision) in table.items():
            place = at if isinstance(at, tuple) else (at, 0)
            assert abs(now - regions.look.success_above) > CLEAR
            assert abs(later - regions.look.futility_below) > CLEAR
            assert regions.predicted_now[place] == pytest.approx(now, abs=ROUNDING)
            assert regions.predicted_maximum[place] == pytest.approx(later, abs=ROUNDING)
            assert regions.stop_success[place] == (decision == "success")
            assert regions.stop_futility[place] == (decision == "futility")


def looks_of(
    enrolled: Sequence[Sizes], completed: Sequence[Sizes], above: object, below: object
) -> tuple[SampleSizeLook, ...]:
    thresholds = zip(np.atleast_1d(above), np.atleast_1d(below), strict=True)  # type: ignore[call-overload]
    return tuple(
        SampleSizeLook(enrolled=e, completed=c, success_above=float(s), futility_below=float(f))
        for e, c, (s, f) in zip(enrolled, completed, thresholds, strict=True)
    )


@pytest.mark.parametrize("seed", range(12))
def test_one_arm_is_that_of_the_second_reading(seed: int) -> None:
    generator = np.random.default_rng([seed, 51])
    count = int(generator.integers(1, 4))
    sizes = [int(n) for n in np.cumsum(generator.integers(3, 12, count + 1))]
    looks, n_max = sizes[:-1], sizes[-1]
    # pending patients may be more than enrolled at the first look: then nothing is known there
    pending = [int(generator.integers(0, min(looks[0], 8) + 1))] * count
    prior = tuple(float(x) for x in generator.uniform(0.3, 4.0, 2))
    predictive = tuple(float(x) for x in generator.uniform(0.3, 4.0, 2))
    rate, p_null = (float(p) for p in generator.uniform(0.1, 0.8, 2))
    level = float(generator.uniform(0.8, 0.98))
    s, f = generator.uniform(0.75, 0.97, count), generator.uniform(0.02, 0.3, count)
    design = GoldilocksDesign(
        looks=looks_of(
            [Sizes(n) for n in looks], [Sizes(n - m) for n, m in zip(looks, pending, strict=True)],
            s, f,
        ),
        maximum=Sizes(n_max),
        success=lambda size: posterior_success(prior, size.treated, rate=p_null, above=level),  # type: ignore[arg-type]
        treated_prior=predictive,  # type: ignore[arg-type]
    )  # fmt: skip
    plan = plan_goldilocks(design)
    wanted = goldilocks_second.single_arm(
        looks, pending, n_max, rate, p_null, level, list(s), list(f), prior, predictive
    )
    check_agreement(plan, goldilocks_characteristics(plan, treated_rate=rate), wanted)
    if seed == 0:  # the final rule itself, in a third way
        x = np.arange(n_max + 1)
        tails = beta.sf(p_null, prior[0] + x, prior[1] + n_max - x)
        np.testing.assert_array_equal(plan.final[:, 0], tails > level)


@pytest.mark.parametrize("seed", range(10))
def test_two_arms_are_those_of_the_second_reading(seed: int) -> None:
    generator = np.random.default_rng([seed, 53])
    count = int(generator.integers(1, 3))
    steps = generator.integers(2, 7, (count + 1, 2))
    sizes = [(int(a), int(b)) for a, b in np.cumsum(steps, axis=0)]
    looks, n_max = sizes[:-1], sizes[-1]
    pending = [
        (int(generator.integers(0, looks[0][0] + 1)), int(generator.integers(0, looks[0][1] + 1)))
    ] * count
    prior1, prior0 = (tuple(float(x) for x in generator.uniform(0.5, 3.0, 2)) for _ in range(2))
    p1, p0 = (float(p) for p in generator.uniform(0.1, 0.9, 2))
    s, f = generator.uniform(0.7, 0.95, count), generator.uniform(0.05, 0.35, count)
    # even seeds: a posterior probability; odd ones: Fisher's exact test
    bayes = seed % 2 == 0
    rules: dict[tuple[int, int, int, int], bool] = {}

    def success(y1: int, n1: int, y0: int, n0: int) -> bool:
        key = (y1, n1, y0, n0)
        if key not in rules:
            rules[key] = (
                exact_binary_second.posterior_superiority_exact(*key) > 0.9
                if bayes
                else exact_binary_second.fisher_rejects(*key, alpha=0.15)
            )
        return rules[key]

    def table(size: Sizes) -> NDArray[np.bool_]:
        return np.array(
            [
                [success(y1, size.treated, y0, size.control) for y0 in range(size.control + 1)]
                for y1 in range(size.treated + 1)
            ]
        )

    completed = [Sizes(n1 - pending[0][0], n0 - pending[0][1]) for n1, n0 in looks]
    plan = plan_goldilocks(
        GoldilocksDesign(
            looks=looks_of([Sizes(*n) for n in looks], completed, s, f),
            maximum=Sizes(*n_max),
            success=table,
            treated_prior=prior1,  # type: ignore[arg-type]
            control_prior=prior0,  # type: ignore[arg-type]
        )
    )
    found = goldilocks_characteristics(plan, treated_rate=p1, control_rate=p0)
    wanted = goldilocks_second.two_arm(
        looks, pending, n_max, success, list(s), list(f), p1, p0, prior1, prior0
    )
    check_agreement(plan, found, wanted)
