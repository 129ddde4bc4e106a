"""P(p1 - p0 > margin) of every pair of counts: exact fractions, quadrature, symmetry."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from simtrial.core.errors import DomainError
from simtrial.stats.beta_margin import margin_table
from simtrial.stats.binary.superiority import superiority_table
from simtrial.stats.mixtures import BetaMixture, beta, mixture
from tests.independent.exact_binary_second import (
    mixture_superiority,
    mixture_superiority_exact,
    posterior_superiority,
    posterior_superiority_exact,
)

# what the docstring promises; rules are told apart at ``ROUNDING``, which is as large
PROMISED = 1e-11
# small tables: some tens of roundings
SMALL = 1e-13
FLAT = beta(1.0, 1.0)
# parts of three shapes, one of them infinite at both ends
PRIORS = {
    "flat": FLAT,
    "piled up": beta(0.1, 0.1),
    "Jeffreys": beta(0.5, 0.5),
    "one end": beta(0.2, 3.0),
    "historical": beta(57.0, 171.0),
}
MIXTURE = ((0.5, 4.0, 12.0), (0.3, 0.3, 0.7), (0.2, 30.0, 11.0))


def test_small_tables_under_integer_priors_are_the_exact_fractions() -> None:
    for n1, n0, one, other in [
        (0, 0, (1, 1), (1, 1)),
        (0, 5, (2, 3), (1, 1)),
        (6, 0, (1, 1), (4, 2)),
        (1, 1, (1, 1), (1, 1)),
        (9, 7, (1, 1), (1, 1)),
        (5, 11, (3, 1), (2, 9)),
    ]:
        want = [
            [float(posterior_superiority_exact(y1, n1, y0, n0, one, other)) for y0 in range(n0 + 1)]
            for y1 in range(n1 + 1)
        ]
        found = superiority_table(beta(*one), beta(*other), n1, n0)
        np.testing.assert_allclose(found, want, rtol=0, atol=SMALL)


# counts all over the table, the corners of which are the nearest to 0 and 1
@pytest.mark.parametrize(
    ("y1", "y0"), [(500, 500), (515, 480), (30, 20), (900, 880), (0, 3), (999, 990), (1000, 1000)]
)
def test_a_thousand_patients_in_each_arm_are_the_exact_fractions(y1: int, y0: int) -> None:
    found = superiority_table(FLAT, FLAT, 1000, 1000)[y1, y0]
    assert abs(found - float(posterior_superiority_exact(y1, 1000, y0, 1000))) < PROMISED


@pytest.mark.parametrize("margin", [0.0, 0.1, -0.15, 0.6, -0.9])
@pytest.mark.parametrize("one", PRIORS)
def test_tables_are_those_of_adaptive_quadrature(one: str, margin: float) -> None:
    for other, n1, n0 in [("flat", 4, 6), ("piled up", 3, 0), ("one end", 0, 5)]:
        first, second = PRIORS[one], PRIORS[other]
        want = [
            [
                posterior_superiority(
                    y1, n1, y0, n0, first.components()[0][1:], second.components()[0][1:], margin
                )
                for y0 in range(n0 + 1)
            ]
            for y1 in range(n1 + 1)
        ]
        # the quadrature promises 1e-10 and is near 1e-12
        found = superiority_table(first, second, n1, n0, margin)
        np.testing.assert_allclose(found, want, rtol=0, atol=2e-11)


# a prior of more patients than the trial has is what makes the posterior narrow: the nodes of the
# quadrature once followed the patients of the trial, and were wrong by 6e-4 here
@pytest.mark.parametrize("margin", [0.02, -0.05])
def test_a_margin_under_priors_of_thousands_of_patients_is_that_of_quadrature(
    margin: float,
) -> None:
    one, other = (900.0, 2100.0), (1500.0, 3400.0)
    found = superiority_table(beta(*one), beta(*other), 8, 3, margin)
    for y1, y0 in [(0, 0), (8, 0), (3, 2), (0, 3)]:
        want = posterior_superiority(y1, 8, y0, 3, one, other, margin)
        assert abs(found[y1, y0] - want) < PROMISED


# Exchanging the arms, or responders and others, gives the same question. Both ways are computed
# apart (from other corners, and by other nodes), and no reference is needed.
@pytest.mark.parametrize("margin", [0.0, 0.07, -0.4])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1.0, 1.0), (1.0, 1.0)),
        ((0.1, 0.1), (0.5, 3.0)),
        ((0.001, 0.001), (0.02, 1.0)),
        ((200.0, 150.0), (20.0, 90.0)),
    ],
)
def test_exchanged_arms_and_exchanged_outcomes_add_up_to_one(
    one: tuple[float, float], other: tuple[float, float], margin: float
) -> None:
    n1, n0 = 1000, 600
    table = superiority_table(beta(*one), beta(*other), n1, n0, margin)
    arms = superiority_table(beta(*other), beta(*one), n0, n1, -margin)
    np.testing.assert_allclose(table + arms.T, 1.0, rtol=0, atol=PROMISED)
    outcomes = superiority_table(beta(*other[::-1]), beta(*one[::-1]), n0, n1, margin)
    np.testing.assert_allclose(table, outcomes[::-1, ::-1].T, rtol=0, atol=PROMISED)


def test_a_margin_of_next_to_nothing_is_no_margin() -> None:
    # a density of at most 30 here: 1e-14 of margin moves no probability by 1e-12
    near = superiority_table(beta(0.5, 2.0), FLAT, 80, 120, 1e-14)
    none = superiority_table(beta(0.5, 2.0), FLAT, 80, 120)
    np.testing.assert_allclose(near, none, rtol=0, atol=PROMISED)


# 0 of n1 and n0 of n0 are what the running sum begins from; with such priors nothing is seen yet
@pytest.mark.parametrize("margin", [0.0, 0.3, -0.3])
@pytest.mark.parametrize("tiny", [0.05, 0.01, 0.001])
def test_priors_that_are_next_to_two_points_give_what_two_coins_give(
    tiny: float, margin: float
) -> None:
    # Beta(e, e) is 0 or 1 up to e times logarithms of the distance from the ends
    found = float(superiority_table(beta(tiny, tiny), beta(tiny, tiny), 0, 0, margin)[0, 0])
    coins = 0.5 if margin == 0.0 else 0.25 if margin > 0.0 else 0.75
    assert abs(found - coins) < 2.0 * tiny
    other = float(superiority_table(beta(tiny, tiny), beta(tiny, tiny), 0, 0, -margin)[0, 0])
    assert abs(found + other - 1.0) < 1e-12


@pytest.mark.parametrize("seed", range(4))
def test_random_beta_variables_with_exchanged_sides_add_up_to_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    for _ in range(50):
        a, b, c, d = np.exp(random.uniform(np.log(0.001), np.log(5000.0), 4))
        margin = float(random.choice([0.0, 0.01, 0.1, -0.3, 0.97]))
        there = margin_table((a, b), (c, d), 0, 0, margin)[0, 0]
        back = margin_table((c, d), (a, b), 0, 0, -margin)[0, 0]
        assert abs(there + back - 1.0) < 2e-11


def test_mixtures_on_both_sides_are_the_exact_fractions() -> None:
    one = ((Fraction(3, 4), 2, 5), (Fraction(1, 4), 1, 1))
    other = ((Fraction(1, 8), 9, 3), (Fraction(7, 8), 1, 2))
    found = superiority_table(mixture(as_floats(one)), mixture(as_floats(other)), 6, 5)
    for y1, y0 in itertools.product(range(7), range(6)):
        want = float(mixture_superiority_exact(y1, 6, y0, 5, one, other))
        assert abs(found[y1, y0] - want) < SMALL


@pytest.mark.parametrize("margin", [0.2, -0.05])
def test_mixtures_with_a_margin_are_those_of_quadrature(margin: float) -> None:
    other = ((0.6, 1.0, 1.0), (0.4, 12.0, 3.0))
    found = superiority_table(mixture(MIXTURE), mixture(other), 5, 4, margin)
    for y1, y0 in [(0, 0), (5, 0), (2, 3), (0, 4), (5, 4)]:
        want = mixture_superiority(y1, 5, y0, 4, MIXTURE, other, margin)
        assert abs(found[y1, y0] - want) < 2e-11


def as_floats(
    components: tuple[tuple[Fraction, int, int], ...],
) -> list[tuple[float, float, float]]:
    return [(float(w), float(a), float(b)) for w, a, b in components]


@pytest.mark.parametrize(
    ("one", "n1", "n0", "margin", "words"),
    [
        (FLAT, -1, 5, 0.0, r"n1 is -1; .* from 0 to 5000 .* 50"),
        (FLAT, 5, 5001, 0.0, r"n0 is 5001; .* from 0 to 5000"),
        (FLAT, 5, 5, 1.0, r"margin is 1; .* between -1 and 1, such as 0\.1"),
        (FLAT, 5, 5, float("nan"), r"margin is nan; .* between -1 and 1"),
    ],
)
def test_a_question_outside_its_domain_says_what_to_write(
    one: BetaMixture, n1: int, n0: int, margin: float, words: str
) -> None:
    with pytest.raises(DomainError, match=words):
        superiority_table(one, FLAT, n1, n0, margin)
