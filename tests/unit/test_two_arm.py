"""Exact operating characteristics of two-arm designs, against every outcome added up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta as beta_distribution

from simtrial.core.errors import DomainError
from simtrial.stats.binary.allocation import ArmSizes, blocked, simple
from simtrial.stats.binary.rules import (
    Criterion,
    Custom,
    Fisher,
    Posterior,
    Predictive,
    Rule,
    ZBelow,
    ZTest,
)
from simtrial.stats.binary.two_arm import (
    MOST_WORK,
    Characteristics,
    Look,
    TwoArm,
    numbers_held,
    solve,
    within_reach,
    work,
)
from simtrial.stats.mixtures import BetaMixture, beta, mixture
from tests.independent.exact_binary_second import (
    Blocks,
    Simple,
    Stratified,
    fisher_rejects,
    posterior_superiority,
    posterior_superiority_exact,
    predictive_probability,
    two_arm,
    two_arm_allocated,
    z_rejects,
    z_two_proportions,
)

# what the module promises; the sums of these small designs are nearer to 1e-14
PROMISED = 1e-11
FLAT = beta(1.0, 1.0)

type Says = Callable[[int, int, int, int], bool]


@dataclass(frozen=True)
class Pair:
    """A rule, and the same as a function of (y1, n1, y0, n0) by the second implementation."""

    rule: Rule
    says: Says


def superior(above: Fraction) -> Pair:
    rule = Posterior(prior1=FLAT, prior0=FLAT, criteria=(Criterion(above=float(above)),))
    return Pair(rule, lambda y1, n1, y0, n0: posterior_superiority_exact(y1, n1, y0, n0) > above)


def inferior(below: Fraction) -> Pair:
    rule = Posterior(prior1=FLAT, prior0=FLAT, criteria=(Criterion(below=float(below)),))
    return Pair(rule, lambda y1, n1, y0, n0: posterior_superiority_exact(y1, n1, y0, n0) < below)


def beyond(margin: float, above: float) -> Pair:
    one, other = (0.6, 0.8), (3.0, 4.0)
    criteria = (Criterion(margin=margin, above=above),)
    rule = Posterior(prior1=beta(*one), prior0=beta(*other), criteria=criteria)
    return Pair(
        rule,
        lambda y1, n1, y0, n0: posterior_superiority(y1, n1, y0, n0, one, other, margin) > above,
    )


def z_above(critical: float, pooled: bool) -> Pair:
    rule = ZTest(critical=critical, variance="pooled" if pooled else "unpooled")
    return Pair(rule, lambda y1, n1, y0, n0: z_rejects(y1, n1, y0, n0, critical, pooled))


def z_below(level: float) -> Pair:
    def says(y1: int, n1: int, y0: int, n0: int) -> bool:
        z = z_two_proportions(y1, n1, y0, n0)
        return (0.0 if z is None else z) < level

    return Pair(ZBelow(level=level), says)


def fisher(alpha: float, sided: int) -> Pair:
    return Pair(
        Fisher(alpha=alpha, sided=sided),
        lambda y1, n1, y0, n0: fisher_rejects(y1, n1, y0, n0, alpha, sided == 2),
    )


def unlikely(final: Pair, n1: int, n0: int, below: float) -> Pair:
    rule = Predictive(
        final=final.rule, final_n1=n1, final_n0=n0, prior1=FLAT, prior0=FLAT, below=below
    )
    return Pair(
        rule,
        lambda y1, m1, y0, m0: predictive_probability(y1, m1, y0, m0, n1, n0, final.says) < below,
    )


def odd() -> Pair:
    """Return a rule of no order at all, which no monotone short cut could follow."""
    return Pair(
        Custom(
            decide=lambda n1, n0: (
                (np.arange(n1 + 1)[:, None] * 3 + np.arange(n0 + 1)[None, :] * 5 + n1) % 4 == 0
            )
        ),
        lambda y1, n1, y0, n0: (3 * y1 + 5 * y0 + n1) % 4 == 0,
    )


FINAL = superior(Fraction(95, 100))
# looks (treated, control), success at each, futility at each
DESIGNS: dict[str, tuple[list[tuple[int, int]], list[Pair | None], list[Pair | None]]] = {
    "one look": ([(9, 9)], [FINAL], [None]),
    "three looks": ([(3, 3), (6, 6), (9, 9)], [superior(Fraction(97, 100))] * 3, [None] * 3),
    "two to one, futility": (
        [(4, 2), (8, 4), (12, 6)],
        [superior(Fraction(99, 100)), superior(Fraction(97, 100)), FINAL],
        [inferior(Fraction(4, 10)), inferior(Fraction(5, 10)), None],
    ),
    "an arm that waits": ([(0, 5), (6, 5), (6, 9)], [None, FINAL, FINAL], [None] * 3),
    "futility alone": (
        [(5, 4), (10, 9)],
        [None, FINAL],
        [unlikely(FINAL, 10, 9, 0.15), None],
    ),
    "margin": ([(4, 5), (8, 9)], [beyond(0.1, 0.9), beyond(0.1, 0.8)], [beyond(-0.9, 0.5), None]),
    "pooled z": (
        [(5, 5), (10, 8)],
        [z_above(2.5, True), z_above(1.97, True)],
        [z_below(0.2), None],
    ),
    "unpooled z": ([(5, 5), (9, 10)], [None, z_above(1.7, False)], [z_below(0.3), None]),
    "Fisher": ([(6, 6), (11, 10)], [fisher(0.01, 1), fisher(0.05, 2)], [z_below(-0.1), None]),
    "no order": ([(2, 3), (4, 5), (7, 6)], [odd()] * 3, [z_below(0.1), None, None]),
}
RATES = [(0.7, 0.4), (0.35, 0.35), (0.05, 0.9), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (1.0, 0.5)]


def looks_of(success: list[Pair | None], futility: list[Pair | None]) -> list[Look]:
    return [
        Look(
            success=None if win is None else win.rule, futility=None if lose is None else lose.rule
        )
        for win, lose in zip(success, futility, strict=True)
    ]


def by_size(pairs: list[Pair | None], total: list[int]) -> Says:
    """Return the rule of the look at which there are n1 + n0 patients."""
    answers: dict[tuple[int, int, int, int], bool] = {}

    def says(y1: int, n1: int, y0: int, n0: int) -> bool:
        key = (y1, n1, y0, n0)
        if key not in answers:
            pair = pairs[total.index(n1 + n0)]
            answers[key] = pair is not None and bool(pair.says(y1, n1, y0, n0))
        return answers[key]

    return says


def assert_same(found: Characteristics, want: dict[str, Any]) -> None:
    count = len(want["success"])
    np.testing.assert_allclose(found.success, want["success"], rtol=0, atol=PROMISED)
    # at the last look the second implementation counts as futile who did not succeed
    np.testing.assert_allclose(
        found.futility[: count - 1], want["futility"][: count - 1], rtol=0, atol=PROMISED
    )
    assert found.futility[-1] == 0.0
    ended = np.add(want["success"], want["futility"])
    np.testing.assert_allclose(found.stopping, ended, rtol=0, atol=PROMISED)
    reached = 1.0 - np.cumsum([0.0, *ended[:-1]])
    np.testing.assert_allclose(found.reached, reached, rtol=0, atol=PROMISED)
    assert found.power == pytest.approx(sum(want["success"]), abs=PROMISED)
    # patients: some tens of times a probability
    assert found.expected_n == pytest.approx(want["expected_n"], abs=100 * PROMISED)
    assert found.expected_treated == pytest.approx(want["expected_n1"], abs=100 * PROMISED)


@pytest.mark.parametrize("name", DESIGNS)
def test_characteristics_are_those_of_every_outcome_added_up(name: str) -> None:
    sizes, success, futility = DESIGNS[name]
    design = solve(sizes, looks_of(success, futility))
    total = [n1 + n0 for n1, n0 in sizes]
    win, lose = by_size(success, total), by_size(futility, total)
    for treated, control in RATES:
        want = two_arm(sizes, win, lose, treated, control)
        assert_same(design.at(treated, control), want)


SCHEMES: dict[str, tuple[Callable[[list[int]], ArmSizes], Any]] = {
    "alone": (lambda n: simple(n, 0.6), Simple(0.6)),
    "blocks": (lambda n: blocked(n, (1, 1), [4]), Blocks([4])),
    "2:1": (lambda n: blocked(n, (2, 1), [3]), Blocks([3], (2, 1))),
    "random blocks": (lambda n: blocked(n, (1, 1), [2, 4]), Blocks([2, 4])),
    "strata": (
        lambda n: blocked(n, (1, 1), [2, 4], [0.3, 0.7]),
        Stratified([0.3, 0.7], Blocks([2, 4])),
    ),
}
# patients at each look, success at each, futility at each; arms may be empty at a look
ALLOCATED: dict[str, tuple[list[int], list[Pair | None], list[Pair | None]]] = {
    "one look": ([11], [superior(Fraction(9, 10))], [None]),
    "looks and futility": (
        [3, 7, 12],
        [None, superior(Fraction(95, 100)), superior(Fraction(9, 10))],
        [z_below(-0.5), inferior(Fraction(3, 10)), None],
    ),
    "Fisher and z": ([5, 13], [z_above(1.9, True), fisher(0.1, 1)], [z_below(0.1), None]),
    "no order": ([2, 5, 9], [odd()] * 3, [None, z_below(0.2), None]),
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ALLOCATED)
def test_characteristics_under_an_allocation_are_those_of_patient_by_patient(
    name: str, scheme: str
) -> None:
    total, success, futility = ALLOCATED[name]
    make, second = SCHEMES[scheme]
    design = solve(make(total), looks_of(success, futility))
    win, lose = by_size(success, total), by_size(futility, total)
    for treated, control in [(0.7, 0.3), (0.5, 0.5), (1.0, 0.0)]:
        want = two_arm_allocated(second, total, win, lose, treated, control)
        assert_same(design.at(treated, control), want)


@pytest.mark.parametrize("seed", range(30))
def test_random_designs_are_those_of_every_outcome_added_up(seed: int) -> None:
    random = np.random.default_rng(seed)
    count = int(random.integers(1, 5))
    steps = random.integers(0, 5, (count, 2))
    steps[steps.sum(axis=1) == 0] = 1
    sizes = [(int(a), int(b)) for a, b in np.cumsum(steps, axis=0)]
    success: list[Pair | None] = [random_rule(random) for _ in sizes]
    futility: list[Pair | None] = [
        z_below(float(random.uniform(-1.0, 0.5))) if random.random() < 0.5 else None for _ in sizes
    ]
    for k in range(count - 1):
        if random.random() < 0.3:
            success[k] = None
    design = solve(sizes, looks_of(success, futility))
    total = [a + b for a, b in sizes]
    treated, control = random.random(2)
    want = two_arm(sizes, by_size(success, total), by_size(futility, total), treated, control)
    assert_same(design.at(float(treated), float(control)), want)


def random_rule(random: np.random.Generator) -> Pair:
    kind = int(random.integers(5))
    if kind == 0:
        return superior(Fraction(int(random.integers(700, 990)), 1000))
    if kind == 1:
        # a normal quantile is no square root of a fraction
        return z_above(float(random.normal(1.5, 0.3)), bool(random.integers(2)))
    if kind == 2:
        return fisher(float(random.uniform(0.02, 0.3)), int(random.integers(1, 3)))
    if kind == 3:
        return beyond(float(random.uniform(-0.3, 0.3)), float(random.uniform(0.6, 0.95)))
    return odd()


# --- priors of the rates ------------------------------------------------------------------------

PRIORS = {
    "beta": (beta(8.0, 4.0), beta(5.0, 9.0)),
    "mixture": (mixture([(0.7, 12.0, 6.0), (0.3, 2.0, 2.0)]), beta(5.0, 9.0)),
    "known control": (mixture([(0.5, 3.0, 2.0), (0.5, 20.0, 30.0)]), 0.4),
}


def nodes(rate: float | BetaMixture) -> tuple[np.ndarray, np.ndarray]:
    """Return rates and weights: exact for polynomials of the degree of these small designs."""
    if not isinstance(rate, BetaMixture):
        return np.array([rate]), np.ones(1)
    x, w = np.polynomial.legendre.leggauss(80)
    at = 0.5 * (x + 1.0)
    density = sum(v * beta_distribution.pdf(at, a, b) for v, a, b in rate.components())
    return at, 0.5 * w * density


# all parameters are whole and at least 2: power times density is a polynomial of degree under 100,
# which 80 nodes integrate exactly
@pytest.mark.parametrize("sizes", ["fixed", "strata"])
@pytest.mark.parametrize("priors", PRIORS)
def test_assurance_is_power_averaged_over_the_priors(priors: str, sizes: str) -> None:
    first, second = PRIORS[priors]
    looks = [Look(success=superior(Fraction(98, 100)).rule, futility=ZBelow(level=-0.3))]
    looks.append(Look(success=FINAL.rule))
    chain = [(5, 4), (9, 9)] if sizes == "fixed" else SCHEMES["strata"][0]([8, 19])
    design = solve(chain, looks)
    (p1, w1), (p0, w0) = nodes(first), nodes(second)
    found = design.at(first, second)
    assert found.power == pytest.approx(float(w1 @ design.power_over(p1, p0) @ w0), abs=1e-12)
    expected_n, expected_treated = 0.0, 0.0
    for i, treated in enumerate(p1[::1]):
        for j, control in enumerate(p0):
            here = design.at(float(treated), float(control)) if w1[i] * w0[j] > 1e-9 else None
            if here is not None:
                expected_n += w1[i] * w0[j] * here.expected_n
                expected_treated += w1[i] * w0[j] * here.expected_treated
    # 6,400 pairs at most, each of a weight below 1e-9, were left out
    assert found.expected_n == pytest.approx(expected_n, abs=19 * 6_400e-9)
    assert found.expected_treated == pytest.approx(expected_treated, abs=19 * 6_400e-9)


def test_assurance_under_a_narrow_prior_is_nearly_the_power_at_its_mean() -> None:
    design = solve([(20, 20)], [Look(success=FINAL.rule)])
    narrow = beta(7e5, 3e5)  # SD 4.6e-4: moves power by its curvature, some 10 times the variance
    assert design.at(narrow, 0.4).power == pytest.approx(design.at(0.7, 0.4).power, abs=1e-5)


def test_power_over_pairs_of_rates_is_that_of_each_pair() -> None:
    design = solve(SCHEMES["blocks"][0]([7, 13]), [Look(success=FINAL.rule)] * 2)
    treated, control = np.array([0.0, 0.3, 0.8]), np.array([0.2, 1.0])
    want = [[design.at(float(a), float(b)).power for b in control] for a in treated]
    np.testing.assert_allclose(design.power_over(treated, control), want, rtol=0, atol=1e-14)


def test_success_is_tried_before_futility() -> None:
    always = Custom(decide=lambda n1, n0: np.ones((n1 + 1, n0 + 1), np.bool_))
    found = solve([(3, 3), (5, 5)], [Look(success=always, futility=always)] * 2).at(0.3, 0.3)
    assert found.success.tolist() == pytest.approx([1.0, 0.0])
    assert found.futility.tolist() == [0.0, 0.0]


def test_futility_at_the_last_look_changes_nothing() -> None:
    with_it, without = (
        solve(
            [(4, 4), (8, 8)],
            [Look(success=FINAL.rule), Look(success=FINAL.rule, futility=futility)],
        ).at(0.6, 0.3)
        for futility in (ZBelow(level=1.0), None)
    )
    assert with_it.power == without.power
    assert with_it.futility.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("rule", "monotone"),
    [(FINAL.rule, True), (Fisher(alpha=0.1, sided=2), False), (odd().rule, False)],
    ids=["superior", "two-sided", "no order"],
)
def test_a_design_is_monotone_when_no_responder_turns_success_away(
    rule: Rule, monotone: bool
) -> None:
    assert solve([(6, 6), (9, 9)], [Look(success=rule)] * 2).monotone == monotone


def test_futility_that_a_responder_brings_on_makes_a_design_not_monotone() -> None:
    backwards = Custom(decide=lambda n1, n0: np.arange(n1 + 1)[:, None] >= np.full(n0 + 1, 3))
    design = solve([(5, 5), (9, 9)], [Look(futility=backwards), Look(success=FINAL.rule)])
    assert not design.monotone


# one look at 500 in each arm and interims: chances still add up, for rates near the ends too
def test_a_thousand_patients_end_somewhere() -> None:
    design = solve(
        [(150, 150), (300, 300), (500, 500)],
        [Look(success=superior(Fraction(99, 100)).rule, futility=ZBelow(level=0.0))] * 3,
    )
    for treated, control in [(0.45, 0.35), (0.02, 0.01), (0.999, 0.998)]:
        found = design.at(treated, control)
        assert found.reached[0] == pytest.approx(1.0, abs=PROMISED)
        assert found.stopping.sum() == pytest.approx(1.0, abs=PROMISED)
        stopped = found.success + found.futility
        np.testing.assert_allclose(found.stopping[:2], stopped[:2], rtol=0, atol=PROMISED)


def _refused(make: Callable[[], object]) -> str:
    with pytest.raises(DomainError) as caught:
        make()
    return str(caught.value)


def test_a_design_that_cannot_be_says_what_to_write() -> None:
    one = Look(success=FINAL.rule)
    assert "2 looks have rules and 1 have patients" in _refused(lambda: solve([(5, 5)], [one, one]))
    message = _refused(lambda: solve([(5, 5)], [Look(futility=ZBelow(level=0.0))]))
    assert "the last look has no rule for success" in message and "Fisher(alpha=0.025)" in message
    message = _refused(lambda: solve(simple([2_000, 3_000, 4_000], 0.5), [one] * 3))
    assert "multiplications" in message and "take fewer patients or looks" in message


def test_rates_outside_0_to_1_say_which_arm() -> None:
    design: TwoArm = solve([(5, 5)], [Look(success=FINAL.rule)])
    assert "rate of the treated arm is 1.2" in _refused(lambda: design.at(1.2, 0.4))
    assert "rate of the control arm is -0.1" in _refused(lambda: design.at(0.4, -0.1))
    assert "rate of the control arm is nan" in _refused(lambda: design.at(0.4, float("nan")))


# every size of the arms has tables of its own: 6,000 patients allocated alone would hold 14 GB
def test_what_would_not_fit_in_memory_is_refused_before_it_is_made() -> None:
    chain = simple([6_000], 0.5)
    assert work(chain) < MOST_WORK and not within_reach(chain)
    with pytest.raises(DomainError, match=r"numbers together, and 2e\+08 are held at most"):
        solve(chain, [Look(success=Fisher(alpha=0.025))])


def test_what_is_held_is_what_the_tables_of_a_solution_hold() -> None:
    chain = simple([60], 0.5)
    looks = solve(chain, [Look(success=Fisher(alpha=0.025))]).looks
    kept = sum((e.won.nbytes + e.lost.strides[0]) / 8 for look in looks for e in look)
    # one look: decisions of a byte each, and nothing of what all of its trials reach
    assert 1.0 < numbers_held(chain) / kept < 2.5


# open blocks tell nothing once the last look is over: its states of one size are one table
def test_the_last_look_has_one_table_for_each_size_of_the_arms() -> None:
    chain = blocked([10, 21], (1, 1), [4, 6], [0.4, 0.6])
    (last,) = solve(chain, [Look(), Look(success=Fisher(alpha=0.1))]).looks[1:]
    sizes = chain.distribution(1)
    assert len(chain.treated[1]) > len(last) == len(sizes)
    # each holds, at its corner without responders, the chance of its size
    assert {e.n1: e.reached[0, 0] for e in last} == pytest.approx(sizes, abs=1e-14)
