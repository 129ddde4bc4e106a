"""Rules on two counts: z, Fisher, posterior and predictive, against a second implementation."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest
from scipy.special import xlogy
from scipy.stats import fisher_exact

from simtrial.core.errors import DomainError
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
from simtrial.stats.mixtures import beta, mixture
from simtrial.stats.restricted import restricted_table
from tests.independent.exact_binary_second import (
    fisher_one_sided,
    fisher_rejects,
    fisher_two_sided,
    mixture_superiority,
    posterior_superiority_exact,
    predictive_probability,
    z_rejects,
    z_two_proportions,
)

FLAT = beta(1.0, 1.0)
SIZES = [(1, 1), (7, 7), (5, 12), (13, 4), (20, 20)]
every_size = pytest.mark.parametrize(("n1", "n0"), SIZES)


def table_of(says: Callable[[int, int], bool], n1: int, n0: int) -> np.ndarray:
    return np.array([[says(y1, y0) for y0 in range(n0 + 1)] for y1 in range(n1 + 1)])


def superior(above: float) -> Posterior:
    return Posterior(prior1=FLAT, prior0=FLAT, criteria=(Criterion(above=above),))


# --- z ------------------------------------------------------------------------------------------


@every_size
@pytest.mark.parametrize("pooled", [True, False])
def test_z_rejects_where_the_second_implementation_does(n1: int, n0: int, pooled: bool) -> None:
    # quantiles of a normal are no square roots of fractions: no tie
    for level in (0.8, 0.95, 0.975, 0.995):
        critical = NormalDist().inv_cdf(level)
        rule = ZTest(critical=critical, variance="pooled" if pooled else "unpooled")
        want = table_of(lambda y1, y0, c=critical: z_rejects(y1, n1, y0, n0, c, pooled), n1, n0)
        np.testing.assert_array_equal(rule.table(n1, n0), want)


# z above c is d > 0 and d^2 > c^2 variance, in fractions: a z that equals c does not reject
@pytest.mark.parametrize("critical", [Fraction(1), Fraction(3, 2), Fraction(2)])
def test_a_z_that_equals_its_critical_value_does_not_reject(critical: Fraction) -> None:
    ties = 0
    for n1, n0 in itertools.product(range(1, 17), repeat=2):
        found = ZTest(critical=float(critical)).table(n1, n0)
        for y1, y0 in itertools.product(range(n1 + 1), range(n0 + 1)):
            difference = Fraction(y1, n1) - Fraction(y0, n0)
            shared = Fraction(y1 + y0, n1 + n0)
            square = shared * (1 - shared) * (Fraction(1, n1) + Fraction(1, n0))
            beyond = difference**2 - critical**2 * square
            ties += difference > 0 and square > 0 and beyond == 0
            assert found[y1, y0] == (difference > 0 and square > 0 and beyond > 0), (n1, n0, y1, y0)
    assert ties > 5


@every_size
@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("level", [-0.5, 0.0, 0.5])
def test_z_below_a_level_is_that_of_the_second_implementation(
    n1: int, n0: int, pooled: bool, level: float
) -> None:
    def below(y1: int, y0: int) -> bool:
        z = z_two_proportions(y1, n1, y0, n0, pooled)
        if z is None:  # no variance: z is 0 between equal rates, and beyond all bounds otherwise
            difference = y1 / n1 - y0 / n0
            return level > 0.0 if difference == 0.0 else difference < 0.0
        return z < level

    rule = ZBelow(level=level, variance="pooled" if pooled else "unpooled")
    np.testing.assert_array_equal(rule.table(n1, n0), table_of(below, n1, n0))


def test_nothing_is_decided_without_variance_or_without_an_arm() -> None:
    table = ZTest(critical=-1.0).table(6, 6)
    assert not table[0, 0] and not table[6, 6] and table[3, 3]
    assert not ZTest(critical=-1.0).table(6, 0).any()
    assert not ZTest(critical=1.0, variance="unpooled").table(6, 6)[6, 0]
    assert ZBelow(level=0.5).table(0, 6).all() and not ZBelow(level=-0.5).table(0, 6).any()


def test_restricted_rates_are_where_the_likelihood_is_largest() -> None:
    """On 1,001 points of the line p1 - p0 = margin none is likelier, and the likeliest is next."""
    for (n1, n0), margin in itertools.product(SIZES[:4], (-0.9, -0.3, -0.1, 0.02, 0.1, 0.25)):

        def log_likelihood(
            p: np.ndarray, n1: int = n1, n0: int = n0, margin: float = margin
        ) -> np.ndarray:
            one, other = np.arange(n1 + 1)[:, None, None], np.arange(n0 + 1)[None, :, None]
            # the ends of the line are 0 and 1 but for rounding
            p, q = np.clip(p, 0.0, 1.0), np.clip(p - margin, 0.0, 1.0)
            arm1 = xlogy(one, p) + xlogy(n1 - one, 1.0 - p)
            return np.asarray(arm1 + xlogy(other, q) + xlogy(n0 - other, 1.0 - q))

        found = restricted_table(n1, n0, margin)
        line = np.linspace(max(0.0, margin), min(1.0, 1.0 + margin), 1_001)
        on_line = log_likelihood(line)
        best = log_likelihood(found[:, :, None])[:, :, 0]
        assert (best >= on_line.max(axis=2) - 1e-9).all(), (n1, n0, margin)
        next_to = np.abs(line[on_line.argmax(axis=2)] - found)
        assert next_to.max() <= (line[1] - line[0]) * (1.0 + 1e-9), (n1, n0, margin)


# the two variances agree where there is no margin
@every_size
def test_the_restricted_z_without_margin_is_the_pooled_one(n1: int, n0: int) -> None:
    np.testing.assert_array_equal(
        ZTest(critical=1.3, variance="restricted").table(n1, n0),
        ZTest(critical=1.3, variance="pooled").table(n1, n0),
    )


def test_a_lower_margin_rejects_more() -> None:
    tables = [
        ZTest(critical=1.645, variance="restricted", margin=margin).table(20, 15)
        for margin in (0.2, 0.1, 0.0, -0.1, -0.2)
    ]
    for higher, lower in itertools.pairwise(tables):
        assert (lower >= higher).all() and lower.sum() > higher.sum()


# --- Fisher -------------------------------------------------------------------------------------


# p-values of small tables are simple fractions and often 0.05 or 0.1 exactly
@every_size
@pytest.mark.parametrize("sided", [1, 2])
@pytest.mark.parametrize("alpha", [0.5, 0.1, 0.05, 0.025, 0.01])
def test_fisher_rejects_where_the_exact_fraction_does(
    n1: int, n0: int, sided: int, alpha: float
) -> None:
    want = table_of(lambda y1, y0: fisher_rejects(y1, n1, y0, n0, alpha, sided == 2), n1, n0)
    np.testing.assert_array_equal(Fisher(alpha=alpha, sided=sided).table(n1, n0), want)


def test_fisher_rejects_at_an_alpha_that_the_p_value_equals() -> None:
    # 3 of 3 against 0 of 3: 1 of 20 ways, 2 of 20 in both directions
    assert Fisher(alpha=0.05).table(3, 3)[3, 0] and not Fisher(alpha=0.0499).table(3, 3)[3, 0]
    both = Fisher(alpha=0.1, sided=2).table(3, 3)
    assert both[3, 0] and both[0, 3] and not Fisher(alpha=0.0999, sided=2).table(3, 3).any()


# alphas a 1e-10th around the exact p-value: its error must be smaller even at 1,000 patients
@pytest.mark.parametrize("sided", [1, 2])
@pytest.mark.parametrize(("y1", "y0"), [(505, 480), (60, 40), (990, 975)])
def test_p_values_of_a_thousand_patients_are_the_exact_fractions(
    sided: int, y1: int, y0: int
) -> None:
    exact = float((fisher_one_sided if sided == 1 else fisher_two_sided)(y1, 1000, y0, 1000))
    assert Fisher(alpha=exact * (1.0 + 1e-12), sided=sided).table(1000, 1000)[y1, y0]
    assert not Fisher(alpha=exact * (1.0 - 1e-10), sided=sided).table(1000, 1000)[y1, y0]


@pytest.mark.parametrize(("sided", "name"), [(1, "greater"), (2, "two-sided")])
def test_fisher_is_that_of_scipy(sided: int, name: str) -> None:
    n1, n0 = 11, 8
    for y1, y0 in itertools.product(range(0, n1 + 1, 2), range(n0 + 1)):
        p = float(fisher_exact([[y1, n1 - y1], [y0, n0 - y0]], alternative=name).pvalue)
        if p < 1.0:
            above, below = min(p * 1.0001, 0.99999), p * 0.9999
            assert Fisher(alpha=above, sided=sided).table(n1, n0)[y1, y0]
            assert not Fisher(alpha=below, sided=sided).table(n1, n0)[y1, y0]


# --- posterior and predictive -------------------------------------------------------------------


def test_a_posterior_probability_that_equals_its_level_is_not_above_it() -> None:
    # 2 of 7 against 0 of 7 is 9/10 exactly; so are other pairs
    level, ties = Fraction(9, 10), 0
    for n1, n0 in itertools.product(range(1, 10), repeat=2):
        found = superior(float(level)).table(n1, n0)
        below = Posterior(prior1=FLAT, prior0=FLAT, criteria=(Criterion(below=0.9),)).table(n1, n0)
        for y1, y0 in itertools.product(range(n1 + 1), range(n0 + 1)):
            exact = posterior_superiority_exact(y1, n1, y0, n0)
            ties += exact == level
            assert found[y1, y0] == (exact > level)
            assert below[y1, y0] == (exact < level)
    assert ties > 0


def test_a_dual_criterion_asks_for_both() -> None:
    one, other = ((0.75, 2.0, 6.0), (0.25, 1.0, 1.0)), ((1.0, 3.0, 5.0),)
    rule = Posterior(
        prior1=mixture(one),
        prior0=mixture(other),
        criteria=(Criterion(above=0.85), Criterion(margin=0.2, above=0.5)),
    )

    def both(y1: int, y0: int) -> bool:
        plain = mixture_superiority(y1, 8, y0, 6, one, other)
        beyond = mixture_superiority(y1, 8, y0, 6, one, other, 0.2)
        assert abs(plain - 0.85) > 1e-6 and abs(beyond - 0.5) > 1e-6  # no tie here
        return plain > 0.85 and beyond > 0.5

    want = table_of(both, 8, 6)
    np.testing.assert_array_equal(rule.table(8, 6), want)
    # each of them alone lets more pass
    for criterion in rule.criteria:
        alone = Posterior(prior1=rule.prior1, prior0=rule.prior0, criteria=(criterion,))
        assert alone.table(8, 6).sum() > want.sum()


FINALS: list[tuple[Rule, Callable[[int, int, int, int], bool]]] = [
    (
        superior(0.93),
        lambda y1, n1, y0, n0: posterior_superiority_exact(y1, n1, y0, n0) > Fraction(93, 100),
    ),
    (ZTest(critical=1.645), lambda y1, n1, y0, n0: z_rejects(y1, n1, y0, n0, 1.645)),
    (Fisher(alpha=0.1), lambda y1, n1, y0, n0: fisher_rejects(y1, n1, y0, n0, 0.1)),
]


@pytest.mark.parametrize(("final", "success"), FINALS, ids=["posterior", "z", "Fisher"])
def test_predictive_probabilities_are_sums_over_futures(
    final: Rule, success: Callable[[int, int, int, int], bool]
) -> None:
    one, other = ((0.6, 2.0, 3.0), (0.4, 1.0, 1.0)), ((1.0, 0.5, 0.5),)
    rule = Predictive(
        final=final,
        final_n1=9,
        final_n0=7,
        prior1=mixture(one),
        prior0=mixture(other),
        above=0.5,
    )
    for n1, n0 in [(4, 3), (0, 7), (9, 7)]:
        want = np.array(
            [
                [
                    predictive_probability(y1, n1, y0, n0, 9, 7, success, one, other)
                    for y0 in range(n0 + 1)
                ]
                for y1 in range(n1 + 1)
            ]
        )
        np.testing.assert_allclose(rule.probability(n1, n0), want, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(rule.table(n1, n0), want > 0.5)


# allocated one by one, 6 of the first 9 patients may be in an arm planned for 5 of 10
def test_an_arm_larger_than_planned_keeps_its_patients_and_the_other_has_fewer() -> None:
    final, success = FINALS[0]
    rule = Predictive(final=final, final_n1=5, final_n0=5, prior1=FLAT, prior0=FLAT, above=0.5)
    for n1, n0, final1, final0 in [(6, 3, 6, 4), (2, 7, 3, 7), (2, 6, 4, 6), (8, 2, 8, 2)]:
        want = [
            [
                predictive_probability(y1, n1, y0, n0, final1, final0, success)
                for y0 in range(n0 + 1)
            ]
            for y1 in range(n1 + 1)
        ]
        np.testing.assert_allclose(rule.probability(n1, n0), want, rtol=0, atol=1e-12)
    with pytest.raises(DomainError, match=r"n_final"):
        rule.table(6, 5)


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Criterion(), r"above=None, below=None; give exactly one, .* above=0\.975"),
        (lambda: Criterion(above=0.9, below=0.1), r"above=0\.9, below=0\.1; give exactly one"),
        (lambda: Criterion(above=1.0), r"above=1\.0, .*between 0 and 1"),
        (lambda: Criterion(margin=1.0, above=0.9), r"margin is 1; .* such as 0\.1"),
        (lambda: Posterior(prior1=FLAT, prior0=FLAT, criteria=()), r"criteria is \(\); give at"),
        (lambda: ZTest(critical=float("inf")), r"critical is inf; .* such as 1\.96"),
        (lambda: ZTest(critical=2.0, margin=-1.0), r"margin is -1; .* such as -0\.1"),
        (lambda: ZTest(critical=2.0, margin=0.1), r"margin is 0\.1 with a pooled .*'restricted'"),
        (lambda: Fisher(alpha=0.0), r"alpha is 0 and sided is 1; .* alpha=0\.025, sided=1"),
        (lambda: Fisher(alpha=0.05, sided=3), r"sided is 3; .* 1 or 2"),
        (
            lambda: Predictive(
                final=superior(0.9), final_n1=9, final_n0=9, prior1=FLAT, prior0=FLAT
            ),
            r"above=None, below=None; give exactly one",
        ),
        (
            lambda: Custom(decide=lambda n1, n0: np.zeros((n1, n0), np.bool_)).table(3, 4),
            r"shape \(3, 4\) for 3 and 4 patients; it must be \(4, 5\)",
        ),
    ],
)
def test_a_rule_that_cannot_be_says_what_to_write(make: Callable[[], object], words: str) -> None:
    with pytest.raises(DomainError, match=words):
        make()
