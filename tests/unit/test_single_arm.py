"""Single-arm exact designs: against every sequence of outcomes, exact sums and full searches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import binom

from simtrial.core.errors import DomainError
from simtrial.stats.binary.beta_binomial import Prior, posterior_tails
from simtrial.stats.binary.binomial import binomial_probabilities, upper_tails
from simtrial.stats.binary.exact_tests import (
    _always_enough,
    equivalence_test,
    one_sided_test,
    sample_size,
)
from simtrial.stats.binary.predictive import posterior_success
from simtrial.stats.binary.single_arm import (
    CountBounds,
    bounds_characteristics,
    region_characteristics,
)
from simtrial.stats.binary.single_arm_bounds import (
    posterior_bounds,
    predictive_bounds,
    sequential_ratio_bounds,
)
from simtrial.stats.binary.two_stage import (
    TwoStageDesign,
    find_two_stage,
    two_stage_properties,
)

MIXTURE: Prior = ((0.75, 4.0, 12.0), (0.25, 1.0, 1.0))


# --- the binomial distribution ------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 7, 40, 2000])
@pytest.mark.parametrize("rate", [0.03125, 0.3, 0.5, 0.97])
def test_binomial_tails_are_exact_to_twelve_digits(n: int, rate: float) -> None:
    p = Fraction(rate)
    found = upper_tails(n, rate)
    yes, whole = p.numerator, p.denominator
    no = whole - yes
    # chance of y responders times whole**n, in whole numbers, from y = n downwards
    ways, total, want = yes**n, 0, {}
    for y in range(n, -1, -1):
        total += ways
        if y in (0, 1, n // 10, n // 2, n - 1, n):
            want[y] = total
        ways = ways * y * no // ((n - y + 1) * yes)  # divides without a rest
    for y, total in want.items():
        exact = float(Fraction(total, whole**n))
        # up to 2,000 steps of a few roundings of 1.1e-16; below 1e-290 numbers lose digits
        assert found[y] == pytest.approx(exact, rel=1e-12, abs=1e-290), y
    assert found[n + 1] == 0.0


@pytest.mark.parametrize(("rate", "at"), [(0.0, 0), (1.0, 5)])
def test_a_certain_outcome_is_certain(rate: float, at: int) -> None:
    assert binomial_probabilities(5, rate).tolist() == [float(y == at) for y in range(6)]


# --- operating characteristics ------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.0, 0.375, 0.75, 1.0])
def test_any_regions_are_followed_through_every_sequence(rate: float) -> None:
    looks = (2, 3, 7, 10)
    generator = np.random.default_rng(4)
    fate = [generator.choice(3, n + 1, p=[0.6, 0.2, 0.2]) for n in looks]
    found = region_characteristics(looks, [f == 1 for f in fate], [f == 2 for f in fate], rate)
    reject, accept = [Fraction(0)] * 4, [Fraction(0)] * 4
    undecided, expected = Fraction(0), Fraction(0)
    p = Fraction(rate)
    for outcomes in itertools.product((0, 1), repeat=looks[-1]):
        chance = math.prod((p if responds else 1 - p for responds in outcomes), start=Fraction(1))
        for k, n in enumerate(looks):
            what = fate[k][sum(outcomes[:n])]
            if what:
                (reject if what == 1 else accept)[k] += chance
                break
        else:
            undecided += chance
        expected += n * chance
    assert any(reject) or any(accept)
    assert found.reject[0] == pytest.approx([float(v) for v in reject], abs=1e-14)
    assert found.accept[0] == pytest.approx([float(v) for v in accept], abs=1e-14)
    assert found.undecided[0] == pytest.approx(float(undecided), abs=1e-14)
    assert found.expected_n[0] == pytest.approx(float(expected), rel=1e-14)


def test_bounds_stop_at_their_own_counts() -> None:
    bounds = CountBounds(n=(4, 6), lower=(1, 2), upper=(4, 3))
    regions = region_characteristics(
        (4, 6),
        [np.arange(5) >= 4, np.arange(7) >= 3],
        [np.arange(5) <= 1, np.arange(7) <= 2],
        [0.3, 0.6],
    )
    found = bounds_characteristics(bounds, [0.3, 0.6])
    np.testing.assert_array_equal(found.reject, regions.reject)
    np.testing.assert_array_equal(found.accept, regions.accept)
    # at the first look alone: 4 of 4 rejects, 0 or 1 of 4 accepts
    assert found.reject[1, 0] == pytest.approx(0.6**4, rel=1e-14)
    assert found.accept[1, 0] == pytest.approx(0.4**4 + 4 * 0.6 * 0.4**3, rel=1e-14)
    np.testing.assert_allclose(found.rejection + found.acceptance, 1.0, rtol=1e-14)


def test_a_look_after_every_patient_of_five_hundred_loses_no_chance() -> None:
    n = tuple(range(1, 501))
    bounds = CountBounds(n=n, lower=(-1,) * 500, upper=tuple(k + 1 for k in n))
    found = bounds_characteristics(bounds, [0.37])
    assert found.undecided[0] == pytest.approx(1.0, abs=1e-12)
    assert found.expected_n[0] == pytest.approx(500.0, abs=1e-9)


# --- exact tests --------------------------------------------------------------------------------


def test_a_tail_equal_to_the_level_rejects() -> None:
    # k of k at one half has the chance 2**-k, a level that a user may well write
    for n in range(2, 40):
        assert one_sided_test(n=n, p0=0.5, p1=0.7, alpha=2.0**-n).critical == n
    for n in (5, 9, 17, 33):
        for critical in range(n // 2 + 1, n + 1):
            level = float(Fraction(sum(math.comb(n, y) for y in range(critical, n + 1)), 2**n))
            assert one_sided_test(n=n, p0=0.5, p1=0.7, alpha=level).critical == critical


def test_a_level_out_of_reach_never_rejects() -> None:
    test = one_sided_test(n=3, p0=0.5, p1=0.9, alpha=0.05)
    assert (test.critical, test.size, test.power) == (4, 0.0, 0.0)


@pytest.mark.parametrize(
    ("p0", "p1", "alpha", "power"),
    [(0.05, 0.2, 0.025, 0.8), (0.2, 0.4, 0.05, 0.9), (0.5, 0.8, 0.025, 0.8), (0.0, 0.1, 0.1, 0.7)],
)
def test_a_sample_size_obeys_its_search_rule(
    p0: float, p1: float, alpha: float, power: float
) -> None:
    def power_at(n: int) -> float:
        critical = int(np.argmax(binom.sf(np.arange(-1, n + 1), n, p0) <= alpha))
        return float(binom.sf(critical - 1, n, p1))

    reached = [n for n in range(1, 301) if power_at(n) >= power]
    missed = [n for n in range(1, 301) if power_at(n) < power]
    first = sample_size(p0=p0, p1=p1, alpha=alpha, power=power, rule="first")
    lasting = sample_size(p0=p0, p1=p1, alpha=alpha, power=power)
    assert first.n == min(reached)
    assert lasting.n == max(missed) + 1
    assert first.power == pytest.approx(power_at(first.n), rel=1e-12)


def test_the_two_search_rules_differ_where_power_goes_up_and_down() -> None:
    # 33 patients have 0.818, 35 only 0.728: East's table in tests/papers
    found = {
        rule: sample_size(p0=0.05, p1=0.2, alpha=0.025, power=0.8, rule=rule).n
        for rule in ("first", "lasting")
    }
    assert found == {"first": 33, "lasting": 39}


@pytest.mark.parametrize("p0", [0.0, 0.1, 0.45])
@pytest.mark.parametrize("difference", [0.05, 0.2, 0.5])
def test_beyond_the_end_of_the_search_every_size_has_the_power(
    p0: float, difference: float
) -> None:
    enough = _always_enough(difference, 0.025, 0.9)
    for n in range(enough, enough + 40):
        assert one_sided_test(n=n, p0=p0, p1=p0 + difference, alpha=0.025).power >= 0.9


def test_an_equivalence_region_holds_what_both_tests_reject() -> None:
    n, low, high, alpha = 60, 0.25, 0.625, 0.05
    test = equivalence_test(n=n, low=low, high=high, p=0.45, alpha=alpha)
    region = [
        y
        for y in range(n + 1)
        if binom.sf(y - 1, n, low) <= alpha and binom.cdf(y, n, high) <= alpha
    ]
    assert (test.first, test.last) == (region[0], region[-1])
    assert test.power == pytest.approx(sum(binom.pmf(region, n, 0.45)), rel=1e-12)


def test_a_trial_too_small_for_equivalence_has_no_power() -> None:
    test = equivalence_test(n=10, low=0.4, high=0.6, p=0.5, alpha=0.05)
    assert test.first > test.last
    assert test.power == 0.0


# --- bounds from rules --------------------------------------------------------------------------


def test_posterior_bounds_are_the_counts_that_reach_the_threshold() -> None:
    looks = (6, 14, 25)
    bounds = posterior_bounds(looks, MIXTURE, futility=(0.3, 0.8), efficacy=(0.35, 0.9))
    for n, lower, upper in zip(looks, bounds.lower, bounds.upper, strict=True):
        few = 1.0 - posterior_tails(MIXTURE, n, 0.3)
        many = posterior_tails(MIXTURE, n, 0.35)
        assert [y for y in range(n + 1) if few[y] >= 0.8] == list(range(lower + 1))
        assert [y for y in range(n + 1) if many[y] >= 0.9] == list(range(upper, n + 1))
        assert lower >= 0 and upper <= n  # else nothing was compared


def test_a_posterior_equal_to_the_threshold_reaches_it() -> None:
    for n in range(2, 100, 2):
        high = posterior_bounds((n,), (1, 1), efficacy=(0.5, 0.5))
        low = posterior_bounds((n,), (1, 1), futility=(0.5, 0.5))
        assert (low.lower, high.upper) == ((n // 2,), (n // 2,))
        assert (low.upper, high.lower) == ((n + 1,), (-1,))  # a rule not given never stops


# After 1 of 1 under a flat prior, f of N responders have the chance 2 f / (N (N + 1)), after 0 of 1
# the mirror of that: simple fractions, whose sums round either way.
def test_predictive_bounds_are_strict() -> None:
    for n_final in range(4, 60):
        rule = {"n_final": n_final, "rate": 0.4, "above": 0.5}
        least = int(np.argmax(posterior_success((1, 1), n_final, rate=0.4, above=0.5)))
        whole = n_final * (n_final + 1)
        high = 1 - Fraction(least * (least - 1), whole)
        low = Fraction((n_final - least) * (n_final - least + 1), whole)
        at = predictive_bounds(
            (1,), (1, 1), **rule, futility_below=float(low), efficacy_above=float(high)
        )
        assert (at.lower, at.upper) == ((-1,), (2,)), n_final
        past = predictive_bounds(
            (1,),
            (1, 1),
            **rule,
            futility_below=float(low) + 1e-9,
            efficacy_above=float(high) - 1e-9,
        )
        assert (past.lower, past.upper) == ((0,), (1,)), n_final


@pytest.mark.parametrize(
    ("p0", "p1", "alpha", "beta"),
    [
        ("0.1", "0.35", "0.08", "0.2"),
        ("0.25", "0.75", "0.1", "0.1"),  # a likelihood ratio of 3**(2 y - n), and a limit of 9
        ("0.4", "0.6", "0.05", "0.2"),
    ],
)
def test_sequential_ratio_bounds_compare_the_likelihood_ratio(
    p0: str, p1: str, alpha: str, beta: str
) -> None:
    bounds = sequential_ratio_bounds(
        p0=float(p0), p1=float(p1), alpha=float(alpha), beta=float(beta), n_first=1, n_last=60
    )
    q0, q1, a, b = (Fraction(v) for v in (p0, p1, alpha, beta))
    for n, lower, upper in zip(bounds.n, bounds.lower, bounds.upper, strict=True):
        ratio = [(q1 / q0) ** y * ((1 - q1) / (1 - q0)) ** (n - y) for y in range(n + 1)]
        assert [y for y in range(n + 1) if ratio[y] <= b / (1 - a)] == list(range(lower + 1)), n
        assert [y for y in range(n + 1) if ratio[y] >= (1 - b) / a] == list(range(upper, n + 1)), n


# --- two stages ---------------------------------------------------------------------------------


def test_two_stage_properties_are_those_of_every_sequence() -> None:
    found = two_stage_properties(n1=4, r1=1, n=9, r=3, p=0.375)
    p, reject, early = Fraction(3, 8), Fraction(0), Fraction(0)
    for outcomes in itertools.product((0, 1), repeat=9):
        chance = math.prod((p if responds else 1 - p for responds in outcomes), start=Fraction(1))
        if sum(outcomes[:4]) <= 1:
            early += chance
        elif sum(outcomes) > 3:
            reject += chance
    assert found.reject == pytest.approx(float(reject), rel=1e-14)
    assert found.stop_early == pytest.approx(float(early), rel=1e-14)
    assert found.expected_n == pytest.approx(float(4 * early + 9 * (1 - early)), rel=1e-14)


@pytest.mark.parametrize(
    ("p0", "p1", "alpha", "beta", "n_max"),
    [(0.1, 0.5, 0.1, 0.2, 14), (0.3, 0.7, 0.1, 0.1, 18), (0.05, 0.35, 0.05, 0.2, 20)],
)
def test_the_search_finds_what_a_look_at_every_design_finds(
    p0: float, p1: float, alpha: float, beta: float, n_max: int
) -> None:
    able: list[tuple[float, int, tuple[int, int, int, int]]] = []
    for n in range(2, n_max + 1):
        for n1 in range(1, n):
            x = np.arange(n1 + 1)
            pmf0, pmf1 = binom.pmf(x, n1, p0), binom.pmf(x, n1, p1)
            for r in range(n):
                tail0, tail1 = (binom.sf(r - x, n - n1, p) for p in (p0, p1))
                for r1 in range(min(n1 - 1, r) + 1):
                    on = x > r1
                    if pmf0[on] @ tail0[on] <= alpha and pmf1[on] @ tail1[on] >= 1.0 - beta:
                        mean = n1 + (n - n1) * pmf0[on].sum()
                        able.append((float(mean), n, (r1, n1, r, n)))
    found = find_two_stage(p0=p0, p1=p1, alpha=alpha, beta=beta, n_max=n_max)

    def known(design: TwoStageDesign) -> tuple[int, int, int, int]:
        return design.r1, design.n1, design.r, design.n

    smallest = min(mean for mean, _, _ in able)
    assert known(found.optimal) == min(d for mean, _, d in able if mean <= smallest * (1.0 + 1e-12))
    fewest = min(n for _, n, _ in able)
    best = min(mean for mean, n, _ in able if n == fewest)
    assert known(found.minimax) == min(
        d for mean, n, d in able if n == fewest and mean <= best * (1.0 + 1e-12)
    )
    assert [d.n for d in found.best_by_n] == sorted({n for _, n, _ in able})


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: binomial_probabilities(-1, 0.5), r"n is -1; it is a whole number.*n=40"),
        (lambda: binomial_probabilities(4, 1.5), r"rate is 1.5; a rate lies in 0..1"),
        (lambda: CountBounds(n=(), lower=(), upper=()), r"there is no look"),
        (
            lambda: CountBounds(n=(20, 20), lower=(1, 1), upper=(9, 9)),
            r"looks are at 20 and then 20 patients; they must increase",
        ),
        (
            lambda: CountBounds(n=(20,), lower=(1, 2), upper=(9,)),
            r"1 looks, 2 lower and 1 upper bounds",
        ),
        (
            lambda: CountBounds(n=(20,), lower=(9,), upper=(9,)),
            r"at n = 20 lower is 9 and upper 9;.*lower=-1 and upper=21",
        ),
        (
            lambda: bounds_characteristics(CountBounds(n=(2,), lower=(0,), upper=(2,)), 20),
            r"rate is 20; a rate lies in 0..1",
        ),
        (
            lambda: region_characteristics((2,), [[True] * 3], [[False, False, True]], 0.2),
            r"at n = 2 2 responders both reject and accept",
        ),
        (
            lambda: region_characteristics((2,), [[True] * 2], [[False] * 3], 0.2),
            r"region at n = 2 has shape \(2,\).*0\.\.2 responders, 3 in all",
        ),
        (
            lambda: region_characteristics((2,), [[1, 0, 0]], [[False] * 3], 0.2),
            r"of int64; give True or False",
        ),
        (
            lambda: one_sided_test(n=0, p0=0.1, p1=0.2, alpha=0.1),
            r"n is 0; it is a whole number of patients, 1 or more",
        ),
        (
            lambda: one_sided_test(n=9, p0=0.1, p1=0.2, alpha=5),
            r"alpha is 5; it lies between 0 and 1, such as alpha=0.025",
        ),
        (
            lambda: sample_size(p0=0.4, p1=0.2, alpha=0.05, power=0.8),
            r"p0 is 0.4 and p1 0.2; rates hold 0 <= p0 < p1 <= 1",
        ),
        (
            lambda: sample_size(p0=0.4, p1=0.401, alpha=0.05, power=0.8),
            r"sizes would have to be enumerated, at most 5000 are",
        ),
        (
            lambda: sample_size(p0=0.2, p1=0.4, alpha=0.05, power=80),
            r"power is 80; it lies between 0 and 1",
        ),
        (
            lambda: sample_size(p0=0.2, p1=0.4, alpha=0.05, power=0.8, rule="last"),  # type: ignore[arg-type]
            r"rule is 'last'; choose from first, lasting",
        ),
        (
            lambda: equivalence_test(n=9, low=0.7, high=0.5, p=0.6, alpha=0.05),
            r"low is 0.7 and high 0.5; margins hold",
        ),
        (
            lambda: posterior_bounds((9,), (1, 1), futility=(0.2, 7)),
            r"threshold of futility is 7; a probability lies in 0..1",
        ),
        (
            lambda: posterior_bounds((9,), (1, 1), futility=(0.4, 0.5), efficacy=(0.2, 0.5)),
            r"at n = 9 lower is 3 and upper 2",
        ),
        (
            lambda: predictive_bounds((9,), (1, 1), n_final=8, rate=0.2, above=0.9),
            r"n_final is 8 and n is 9",
        ),
        (
            lambda: sequential_ratio_bounds(
                p0=0.3, p1=0.1, alpha=0.1, beta=0.1, n_first=1, n_last=9
            ),
            r"p0 is 0.3 and p1 0.1; rates hold 0 < p0 < p1 < 1",
        ),
        (
            lambda: sequential_ratio_bounds(
                p0=0.1, p1=0.3, alpha=0.5, beta=0.5, n_first=1, n_last=9
            ),
            r"alpha is 0.5 and beta 0.5; both must be above 0 and together below 1",
        ),
        (
            lambda: sequential_ratio_bounds(
                p0=0.1, p1=0.3, alpha=0.1, beta=0.1, n_first=10, n_last=9
            ),
            r"looks go from 10 to 9 patients",
        ),
        (
            lambda: two_stage_properties(n1=20, r1=3, n=20, r=5, p=0.2),
            r"the design is 3/20 and 5/20;.*such as 3/17 and 10/37",
        ),
        (
            lambda: find_two_stage(p0=0.2, p1=0.25, alpha=0.05, beta=0.1, n_max=60),
            r"no two-stage design of up to 60 patients.*n_max=120",
        ),
        (
            lambda: find_two_stage(p0=0.2, p1=0.4, alpha=0.05, beta=0.1, n_max=4000),
            r"n_max is 4000; the search goes from 2 to 400",
        ),
        (
            lambda: find_two_stage(p0=0.2, p1=0.4, alpha=0.05, beta=10),
            r"beta is 10; it lies between 0 and 1, such as beta=0.1",
        ),
    ],
)
def test_what_is_no_design_is_refused(call: Callable[[], object], said: str) -> None:
    with pytest.raises(DomainError, match=said):
        call()
