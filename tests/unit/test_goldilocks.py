"""Goldilocks designs: every sequence of outcomes followed by hand, and laws of the chances."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from simtrial.core.errors import DomainError
from simtrial.stats.binary.goldilocks import (
    GoldilocksDesign,
    SampleSizeLook,
    Sizes,
    goldilocks_characteristics,
    plan_goldilocks,
)
from simtrial.stats.binary.predictive import posterior_success

FLAT = (1.0, 1.0)
# sums of some thousand products
ROUNDING = 1e-13


# --- the trial told patient by patient, in fractions ----------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Told:
    """A small design in plain numbers; arms as (treated, control), flat priors."""

    enrolled: list[tuple[int, int]]
    completed: list[tuple[int, int]]
    maximum: tuple[int, int]
    success_above: Fraction
    futility_below: Fraction
    wins: Callable[[int, int, int, int], bool]  # y1, n1, y0, n0

    def design(self) -> GoldilocksDesign:
        def success(sizes: Sizes) -> NDArray[np.bool_]:
            return np.array(
                [
                    [self.wins(y1, sizes.treated, y0, sizes.control)
                     for y0 in range(sizes.control + 1)]
                    for y1 in range(sizes.treated + 1)
                ]
            )  # fmt: skip

        return GoldilocksDesign(
            looks=tuple(
                SampleSizeLook(
                    enrolled=Sizes(*e),
                    completed=Sizes(*c),
                    success_above=float(self.success_above),
                    futility_below=float(self.futility_below),
                )
                for e, c in zip(self.enrolled, self.completed, strict=True)
            ),
            maximum=Sizes(*self.maximum),
            success=success,
            treated_prior=FLAT,
            control_prior=FLAT if self.maximum[1] else None,
        )

    def predicted(self, y: tuple[int, int], seen: tuple[int, int], n: tuple[int, int]) -> Fraction:
        """Chance to win at n, over every number of further responders."""
        total = Fraction(0)
        for k1, k0 in itertools.product(range(n[0] - seen[0] + 1), range(n[1] - seen[1] + 1)):
            if self.wins(y[0] + k1, n[0], y[1] + k0, n[1]):
                total += urn(y[0], seen[0], k1, n[0]) * urn(y[1], seen[1], k0, n[1])
        return total


def urn(y: int, seen: int, k: int, n: int) -> Fraction:
    """Chance of k further responders under a flat prior: Polya's urn."""
    m = n - seen
    ways = math.comb(y + k, k) * math.comb(seen - y + m - k, m - k)
    return Fraction(ways, math.comb(seen + 1 + m, m))


@dataclass
class Tally:
    success: Fraction = Fraction(0)
    expected: list[Fraction] = field(default_factory=lambda: [Fraction(0), Fraction(0)])
    stop_success: dict[int, Fraction] = field(default_factory=dict)
    stop_futility: dict[int, Fraction] = field(default_factory=dict)
    stop_and_succeed: dict[int, Fraction] = field(default_factory=dict)


def tell(trial: Told, rates: tuple[Fraction, Fraction]) -> Tally:
    """Follow every sequence of outcomes of all patients, and add up their chances."""
    out = Tally()
    n1, n0 = trial.maximum
    for first in itertools.product((0, 1), repeat=n1):
        for second in itertools.product((0, 1), repeat=n0):
            chance = Fraction(1)
            for outcomes, rate in ((first, rates[0]), (second, rates[1])):
                for responds in outcomes:
                    chance *= rate if responds else 1 - rate
            stopped = False
            for k, (enrolled, completed) in enumerate(
                zip(trial.enrolled, trial.completed, strict=True)
            ):
                y = (sum(first[: completed[0]]), sum(second[: completed[1]]))
                if trial.predicted(y, completed, enrolled) > trial.success_above:
                    won = trial.wins(
                        sum(first[: enrolled[0]]), enrolled[0],
                        sum(second[: enrolled[1]]), enrolled[1],
                    )  # fmt: skip
                    out.stop_success[k] = out.stop_success.get(k, Fraction(0)) + chance
                    good = out.stop_and_succeed.get(k, Fraction(0))
                    out.stop_and_succeed[k] = good + chance * won
                    stopped = True
                elif trial.predicted(y, completed, trial.maximum) < trial.futility_below:
                    won = False
                    out.stop_futility[k] = out.stop_futility.get(k, Fraction(0)) + chance
                    stopped = True
                if stopped:
                    break
            else:
                won, enrolled = trial.wins(sum(first), n1, sum(second), n0), trial.maximum
            out.success += chance * won
            out.expected = [e + chance * n for e, n in zip(out.expected, enrolled, strict=True)]
    return out


ONE_ARM = Told(
    enrolled=[(5, 0), (8, 0)],
    completed=[(3, 0), (5, 0)],
    maximum=(11, 0),
    success_above=Fraction(3, 4),
    futility_below=Fraction(1, 4),
    wins=lambda y1, n1, y0, n0: 2 * y1 > n1,
)
TWO_ARMS = Told(
    enrolled=[(3, 2), (4, 4)],
    completed=[(2, 1), (3, 2)],
    maximum=(6, 5),
    success_above=Fraction(3, 5),
    futility_below=Fraction(2, 5),
    wins=lambda y1, n1, y0, n0: y1 * n0 > y0 * n1,
)
NOBODY_PENDING = Told(
    enrolled=[(2, 2), (4, 4)],
    completed=[(2, 2), (4, 4)],
    maximum=(5, 5),
    success_above=Fraction(3, 5),
    futility_below=Fraction(1, 5),
    wins=lambda y1, n1, y0, n0: y1 * n0 > y0 * n1,
)
# thresholds that overlap: after some counts both ask to stop
BOTH = Told(
    enrolled=[(4, 0)],
    completed=[(3, 0)],
    maximum=(6, 0),
    success_above=Fraction(1, 4),
    futility_below=Fraction(9, 10),
    wins=lambda y1, n1, y0, n0: 2 * y1 > n1,
)


@pytest.mark.parametrize("rates", [(0.5, 0.25), (0.25, 0.625), (0.0, 1.0), (1.0, 0.0)])
@pytest.mark.parametrize(
    "trial", [ONE_ARM, TWO_ARMS, NOBODY_PENDING, BOTH], ids=["one", "two", "none pending", "both"]
)
def test_chances_are_those_of_every_sequence_of_outcomes(
    trial: Told, rates: tuple[float, float]
) -> None:
    want = tell(trial, (Fraction(rates[0]), Fraction(rates[1])))
    found = goldilocks_characteristics(
        plan_goldilocks(trial.design()),
        treated_rate=rates[0],
        control_rate=rates[1] if trial.maximum[1] else None,
    )
    looks = range(len(trial.enrolled))
    assert found.success == pytest.approx(float(want.success), abs=ROUNDING)
    assert found.expected == pytest.approx([float(e) for e in want.expected], abs=1e-12)
    for got, wanted in (
        (found.stop_success, want.stop_success),
        (found.stop_futility, want.stop_futility),
        (found.stop_success_and_succeed, want.stop_and_succeed),
    ):
        assert got == pytest.approx([float(wanted.get(k, 0)) for k in looks], abs=ROUNDING)
    stop = sum(want.stop_success.values())
    if stop:
        failed = 1 - sum(want.stop_and_succeed.values()) / stop
        assert found.flip_flop == pytest.approx(float(failed), abs=1e-12)
    else:
        assert found.flip_flop is None


def test_success_is_asked_before_futility() -> None:
    told = BOTH.design()
    at = plan_goldilocks(told).looks[0]
    both = (at.predicted_now > 0.25) & (at.predicted_maximum < 0.9)
    assert both.any()
    assert at.stop_success[both].all() and not at.stop_futility[both].any()


# Uniform predictions give simple fractions: with a flat prior and nothing seen every final count
# of 4 is as likely, so success at 1..4 is predicted with exactly 4/5.
def test_a_prediction_equal_to_a_threshold_does_not_stop() -> None:
    def design(success_above: float, futility_below: float) -> GoldilocksDesign:
        look = SampleSizeLook(
            enrolled=Sizes(4),
            completed=Sizes(0),
            success_above=success_above,
            futility_below=futility_below,
        )
        return GoldilocksDesign(
            looks=(look,),
            maximum=Sizes(9),
            success=lambda s: np.arange(s.treated + 1) >= (1 if s.treated == 4 else 3),
            treated_prior=FLAT,
        )

    at = plan_goldilocks(design(0.8, 0.7)).looks[0]
    assert at.predicted_now[0, 0] == pytest.approx(0.8, abs=1e-15)
    assert at.predicted_maximum[0, 0] == pytest.approx(0.7, abs=1e-15)
    assert not at.stop_success.any() and not at.stop_futility.any()
    assert plan_goldilocks(design(0.7999, 0.7)).looks[0].stop_success.all()
    assert plan_goldilocks(design(0.8, 0.7001)).looks[0].stop_futility.all()


# --- larger designs -----------------------------------------------------------------------------


def larger(success_above: float = 0.9, futility_below: float = 0.1) -> GoldilocksDesign:
    def success(sizes: Sizes) -> NDArray[np.bool_]:
        rate1 = np.arange(sizes.treated + 1)[:, None] / sizes.treated
        rate0 = np.arange(sizes.control + 1) / sizes.control
        return rate1 - rate0 > 1.0 / math.sqrt(sizes.treated)

    return GoldilocksDesign(
        looks=tuple(
            SampleSizeLook(
                enrolled=Sizes(2 * n, n),
                completed=Sizes(2 * n - 14, n - 6),
                success_above=success_above,
                futility_below=futility_below,
            )
            for n in (20, 26, 34)
        ),
        maximum=Sizes(80, 40),
        success=success,
        treated_prior=((0.5, 8.0, 8.0), (0.5, 1.0, 1.0)),
        control_prior=(4.0, 8.0),
    )


def test_every_trial_ends_somewhere() -> None:
    found = goldilocks_characteristics(
        plan_goldilocks(larger()), treated_rate=0.55, control_rate=0.4
    )
    ways = [*found.stop_success, *found.stop_futility, found.reach_maximum]
    assert sum(ways) == pytest.approx(1.0, abs=1e-12)
    assert min(ways) > 0.01  # else the check would not see much
    enrolled = [60, 78, 102]
    stops = [a + b for a, b in zip(found.stop_success, found.stop_futility, strict=True)]
    mean = sum(n * p for n, p in zip(enrolled, stops, strict=True)) + 120 * found.reach_maximum
    assert found.expected_n == pytest.approx(mean, rel=1e-12)
    given = [g for g in found.success_given_stop if g is not None]
    assert len(given) == 3 and all(0.5 < g < 1.0 for g in given)


def test_thresholds_out_of_reach_leave_a_trial_of_fixed_size() -> None:
    design = larger(success_above=1.0, futility_below=0.0)
    found = goldilocks_characteristics(plan_goldilocks(design), treated_rate=0.55, control_rate=0.4)
    wins = design.success(Sizes(80, 40))
    fixed = binom.pmf(np.arange(81), 80, 0.55) @ wins @ binom.pmf(np.arange(41), 40, 0.4)
    assert found.success == pytest.approx(float(fixed), abs=1e-12)
    assert found.reach_maximum == pytest.approx(1.0, abs=1e-12)
    assert found.expected == pytest.approx((80.0, 40.0), rel=1e-12)
    assert found.success_given_stop == (None, None, None)


# Six proportions of 200,000 trials against their exact chances, two-sided binomial tests at 1e-6
# each. A shift of 0.6 points at one half would be seen with probability 0.95.
def test_simulated_trials_agree() -> None:
    plan, trials = plan_goldilocks(larger()), 200_000
    exact = goldilocks_characteristics(plan, treated_rate=0.55, control_rate=0.4)
    generator = np.random.default_rng(20140601)
    first = np.cumsum(generator.random((trials, 80)) < 0.55, axis=1, dtype=np.int16)
    second = np.cumsum(generator.random((trials, 40)) < 0.4, axis=1, dtype=np.int16)
    going, won = np.ones(trials, np.bool_), np.zeros(trials, np.bool_)
    seen: list[tuple[int, float]] = []
    for k, at in enumerate(plan.looks):
        completed, enrolled = at.look.completed, at.look.enrolled
        y = first[:, completed.treated - 1], second[:, completed.control - 1]
        good = going & at.stop_success[y]
        seen.append((int(good.sum()), exact.stop_success[k]))
        seen.append((int((going & at.stop_futility[y]).sum()), exact.stop_futility[k]))
        final = first[:, enrolled.treated - 1], second[:, enrolled.control - 1]
        won |= good & (at.final[final] > 0.5)
        going &= ~(at.stop_success[y] | at.stop_futility[y])
    won |= going & (plan.final[first[:, -1], second[:, -1]] > 0.5)
    seen.append((int(won.sum()), exact.success))
    for count, chance in seen:
        tail = min(binom.cdf(count, trials, chance), binom.sf(count - 1, trials, chance))
        assert 2.0 * tail > 1e-6, (count / trials, chance)


# --- what is refused ----------------------------------------------------------------------------


def look(enrolled: int, completed: int, **changed: float) -> SampleSizeLook:
    thresholds = {"success_above": 0.9, "futility_below": 0.05} | changed
    return SampleSizeLook(enrolled=Sizes(enrolled), completed=Sizes(completed), **thresholds)


def one_arm(*looks: SampleSizeLook, maximum: Sizes = Sizes(50), **changed: object) -> object:  # noqa: B008
    known = {
        "success": lambda s: posterior_success(FLAT, s.treated, rate=0.2, above=0.95),
        "treated_prior": FLAT,
    }
    return GoldilocksDesign(looks=looks, maximum=maximum, **(known | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: look(20, 25), r"completed.treated is 25 of 20 enrolled;.*at most 20"),
        (lambda: look(20, -1), r"completed.treated is -1; it is a whole number"),
        (lambda: look(20, 15, success_above=90), r"success_above is 90;.*success_above=0.9"),
        (lambda: look(20, 15, futility_below=-0.1), r"futility_below is -0.1; a probability"),
        (
            lambda: one_arm(look(30, 20), look(30, 25)),
            r"looks are at 30 and then 30 enrolled patients; each look must have more",
        ),
        (
            lambda: one_arm(look(20, 15), look(30, 12)),
            r"completed patients go from \(15, 0\) to \(12, 0\)",
        ),
        (lambda: one_arm(look(60, 15)), r"enrolled patients go from \(60, 0\) to \(50, 0\)"),
        (
            lambda: one_arm(maximum=Sizes(50, 50)),
            r"maximum.control is 50 and control_prior None; a control has a prior",
        ),
        (
            lambda: one_arm(control_prior=FLAT),
            r"maximum.control is 0 and control_prior \(1.0, 1.0\)",
        ),
        (
            lambda: plan_goldilocks(one_arm(success=lambda s: np.ones(3, np.bool_))),  # type: ignore[arg-type]
            r"final decision at \(50, 0\) patients has shape \(3, 1\);.*\(51, 1\)",
        ),
        (
            lambda: goldilocks_characteristics(plan_goldilocks(larger()), treated_rate=0.5),
            r"control_rate is None and the control has up to 40 patients",
        ),
        (
            lambda: goldilocks_characteristics(
                plan_goldilocks(larger()), treated_rate=0.5, control_rate=4
            ),
            r"control_rate is 4; a rate lies in 0..1",
        ),
    ],
)
def test_what_is_no_design_is_refused(call: Callable[[], object], said: str) -> None:
    with pytest.raises(DomainError, match=said):
        call()
