"""Mixtures of betas: what data leave of them, against exact fractions and quadrature."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta as beta_distribution

from simtrial.core.errors import DomainError
from simtrial.stats.mixtures import BetaMixture, beta, mixture
from tests.independent.exact_binary_second import (
    future_pmf,
    mixture_posterior,
    mixture_posterior_exact,
    mixture_tail_above,
)

COMPONENTS = ((0.5, 4.0, 12.0), (0.3, 0.3, 0.7), (0.2, 30.0, 11.0))
MIXTURE = mixture(COMPONENTS)


def test_a_posterior_has_the_exact_weights_and_parameters() -> None:
    exact = ((Fraction(3, 4), 2, 5), (Fraction(1, 8), 1, 1), (Fraction(1, 8), 9, 3))
    prior = mixture([(float(w), float(a), float(b)) for w, a, b in exact])
    for y, n in [(0, 0), (0, 7), (7, 7), (3, 7), (12, 40)]:
        want = mixture_posterior_exact(y, n, exact)
        found = prior.posterior(y, n).components()
        # weights from log gammas of numbers of some tens
        assert [w for w, _, _ in found] == pytest.approx([float(w) for w, _, _ in want], rel=1e-12)
        assert [part[1:] for part in found] == [part[1:] for part in want]


def test_parameters_that_are_no_integers_learn_alike() -> None:
    for y, n in [(0, 5), (2, 5), (60, 200)]:
        want = mixture_posterior(y, n, COMPONENTS)
        found = MIXTURE.posterior(y, n).components()
        # the weights of all counts come from differences of log gammas of up to 1e3
        np.testing.assert_allclose(found, want, rtol=1e-11, atol=0)


def test_learning_in_two_steps_is_learning_at_once() -> None:
    in_two = MIXTURE.posterior(3, 11).posterior(9, 20)
    np.testing.assert_allclose(
        in_two.components(), MIXTURE.posterior(12, 31).components(), rtol=1e-12
    )


def test_mean_and_sd_are_those_of_the_density() -> None:
    def moment(power: int) -> float:
        # ends where a density is infinite: in p = t^4 and 1 - t^4 it is not
        def density(p: float) -> float:
            return sum(w * beta_distribution.pdf(p, a, b) for w, a, b in COMPONENTS)

        low, _ = quad(lambda t: density(t**4) * t ** (4 * power) * 4 * t**3, 0, 0.5**0.25)
        high, _ = quad(
            lambda t: density(1 - t**4) * (1 - t**4) ** power * 4 * t**3, 1e-9, 0.5**0.25
        )
        return low + high

    assert moment(0) == pytest.approx(1.0, abs=1e-7)
    assert MIXTURE.mean == pytest.approx(moment(1), abs=1e-7)
    assert MIXTURE.sd == pytest.approx((moment(2) - moment(1) ** 2) ** 0.5, abs=1e-7)


def test_the_distribution_function_is_that_of_its_parts() -> None:
    at = np.array([-0.1, 0.0, 0.003, 0.2, 0.5, 0.93, 1.0, 1.1])
    want = [1.0 - mixture_tail_above(x, COMPONENTS) for x in at]
    np.testing.assert_allclose(MIXTURE.cdf(at), want, rtol=0, atol=1e-15)


@pytest.mark.parametrize("level", [0.001, 0.025, 0.5, 0.9, 0.975, 0.999])
def test_a_quantile_has_its_level_below_it(level: float) -> None:
    assert float(MIXTURE.cdf(MIXTURE.quantile(level))) == pytest.approx(level, abs=1e-12)


# a component that the data have all but ruled out: the quantile of the other is then an end of the
# search, on either side of the level by a rounding
def test_a_component_of_next_to_no_weight_leaves_the_quantiles_of_the_other() -> None:
    prior = mixture([(0.5, 1.0, 1.0), (0.5, 200.0, 20.0)])
    for y in range(8):
        after = prior.posterior(y, 60)
        assert min(after.weights) < 1e-30
        for level in (0.025, 0.3, 0.5, 0.9, 0.975):
            want = float(beta_distribution.ppf(level, 1 + y, 61 - y))
            assert after.quantile(level) == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("n", [0, 1, 13, 40])
def test_prior_predictive_probabilities_are_those_of_beta_binomial_futures(n: int) -> None:
    want = future_pmf(0, 0, n, COMPONENTS)
    np.testing.assert_allclose(MIXTURE.marginal(n), want, rtol=1e-11, atol=0)


def test_prior_predictive_probabilities_of_a_thousand_patients_add_up_to_one() -> None:
    # log gammas of 1e3 have 1e-12 of absolute error
    assert MIXTURE.marginal(1000).sum() == pytest.approx(1.0, abs=1e-11)


# log gammas of such parameters have errors of 1e-10; an exact assurance has a bound of 1e-10
@pytest.mark.parametrize(("a", "b"), [(1e5, 1e5), (1e-3, 1e5), (4e4, 6e4)])
def test_prior_predictive_probabilities_keep_their_digits_under_large_parameters(
    a: float, b: float
) -> None:
    found = beta(a, b).marginal(20)
    # (a)_y (b)_(n-y) / (a + b)_n n! / (y! (n-y)!) in fractions
    a_exact, b_exact = Fraction(a), Fraction(b)

    def rising(x: Fraction, k: int) -> Fraction:
        return math.prod((x + i for i in range(k)), start=Fraction(1))

    want = [
        math.comb(20, y)
        * rising(a_exact, y)
        * rising(b_exact, 20 - y)
        / rising(a_exact + b_exact, 20)
        for y in range(21)
    ]
    np.testing.assert_allclose(found, [float(w) for w in want], rtol=1e-13, atol=0)


def test_weights_of_every_count_add_up_to_one_and_are_those_of_the_posterior() -> None:
    weights = MIXTURE.weights_after(25)
    np.testing.assert_allclose(weights.sum(axis=0), 1.0, rtol=0, atol=1e-14)
    for y in (0, 11, 25):
        np.testing.assert_allclose(weights[:, y], MIXTURE.posterior(y, 25).weights, rtol=1e-12)


@pytest.mark.parametrize(
    ("weights", "a", "b", "words"),
    [
        ((), (), (), r"0 weights, 0 a and 0 b; .*weights=\(0\.8, 0\.2\)"),
        ((0.5, 0.5), (1.0,), (1.0,), r"2 weights, 1 a and 1 b"),
        ((1.0,), (0.0,), (1.0,), r"a=\(0\.0,\).*above 0 and finite"),
        ((1.0,), (1.0,), (float("inf"),), r"b=\(inf,\).*above 0 and finite"),
        ((1.0,), (float("nan"),), (1.0,), r"a=\(nan,\).*above 0 and finite"),
        (
            (0.5, 0.4),
            (1.0, 1.0),
            (1.0, 1.0),
            r"weights are \(0\.5, 0\.4\).*together they must be 1",
        ),
        ((1.5, -0.5), (1.0, 1.0), (1.0, 1.0), r"weights are \(1\.5, -0\.5\).*above 0"),
        ((float("nan"),), (1.0,), (1.0,), r"weights are \(nan,\)"),
    ],
)
def test_what_is_no_mixture_says_what_to_write(
    weights: tuple[float, ...], a: tuple[float, ...], b: tuple[float, ...], words: str
) -> None:
    with pytest.raises(DomainError, match=words):
        BetaMixture(weights=weights, a=a, b=b)


def test_counts_and_levels_that_cannot_be_are_refused() -> None:
    with pytest.raises(DomainError, match=r"5 responders of 4 patients .* such as 12 of 20"):
        beta(1, 1).posterior(5, 4)
    with pytest.raises(DomainError, match=r"-1 responders of 4"):
        beta(1, 1).posterior(-1, 4)
    for level in (0.0, 1.0, float("nan")):
        with pytest.raises(DomainError, match=r"level is .*between 0 and 1, such as 0\.975"):
            beta(1, 1).quantile(level)
