"""Group sequential designs against the second reading: nested quadrature, one look inside another.

Up to three looks, where adaptive quadrature over the increments is still quick. The second
reading knows nothing of grids, and the package nothing of quadrature.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from simtrial.stats.sequential.boundaries import GroupSequential, from_bounds, from_spending
from simtrial.stats.sequential.characteristics import characteristics, required_drift
from simtrial.stats.sequential.probabilities import exit_probabilities
from simtrial.stats.sequential.spending import Spending
from tests.independent import sequential_second as second

# The quadrature asks 1e-12 of each integral, inside one another and in up to five pieces each.
QUADRATURE = 1e-10
# A bound is the root of such an integral: its error is that of the integral over the density of
# z at the bound, which is above 1e-3 for every bound below 3.5 (1e-10 / 1e-3).
BOUND = 1e-7

FAMILIES = {
    "obrien_fleming": (
        Spending(family="obrien_fleming"),
        second.spending_obrien_fleming,
    ),
    "pocock": (Spending(family="pocock"), second.spending_pocock),
    "hwang_shih_de_cani": (
        Spending(family="hwang_shih_de_cani", parameter=-2.5),
        lambda t, alpha: second.spending_hwang_shih_decani(t, alpha, -2.5),
    ),
    "linear": (
        Spending(family="hwang_shih_de_cani", parameter=0.0),
        lambda t, alpha: second.spending_hwang_shih_decani(t, alpha, 0.0),
    ),
    "kim_demets": (
        Spending(family="kim_demets", parameter=1.7),
        lambda t, alpha: second.spending_kim_demets(t, alpha, 1.7),
    ),
}
each_family = pytest.mark.parametrize("family", FAMILIES)


def random_information(generator: np.random.Generator, looks: int) -> tuple[float, ...]:
    """Return fractions that grow by at least 0.1 and end at 1."""
    gaps = generator.uniform(0.1, 1.0, looks)
    return (*(float(t) for t in np.cumsum(gaps)[:-1] / gaps.sum()), 1.0)


@pytest.mark.parametrize("seed", range(12))
def test_exits_are_those_of_nested_quadrature(seed: int) -> None:
    generator = np.random.default_rng(seed)
    looks = 1 + seed % 3
    information = random_information(generator, looks)
    upper = generator.uniform(1.0, 3.5, looks)
    lower = generator.uniform(-1.5, 0.9, looks)
    if looks > 1:
        upper[0] = np.inf if seed % 4 == 0 else upper[0]
        lower[0] = -np.inf if seed % 4 == 1 else lower[0]
    drift = float(generator.uniform(-1.0, 4.5))
    found = exit_probabilities(information=information, upper=upper, lower=lower, drift=drift)
    ups, downs = second.exit_probabilities(information, upper, lower, drift)
    np.testing.assert_allclose(found.upper, ups, rtol=0, atol=QUADRATURE)
    np.testing.assert_allclose(found.lower, downs, rtol=0, atol=QUADRATURE)


@each_family
def test_spent_errors_are_the_papers_functions(family: str) -> None:
    spending, formula = FAMILIES[family]
    generator = np.random.default_rng(17)
    for alpha in (0.001, 0.025, 0.2):
        times = (*np.sort(generator.uniform(0.02, 0.98, 8)), 1.0)
        found = spending.cumulative(times, alpha)
        # one formula in two orders of operations: some units in the last place, and the tail of
        # the normal distribution to 1e-13
        np.testing.assert_allclose(found, [formula(t, alpha) for t in times], rtol=1e-12)


@each_family
@pytest.mark.parametrize("looks", [2, 3])
def test_bounds_of_one_side_are_the_roots_of_nested_quadrature(family: str, looks: int) -> None:
    spending, formula = FAMILIES[family]
    information = random_information(np.random.default_rng([looks, len(family)]), looks)
    found = from_spending(information=information, spending=spending, alpha=0.025)
    spent = [formula(t, 0.025) for t in information]
    wanted = second.upper_boundary(information, spent)
    # far bounds are where little is spent, and there quadrature resolves z less
    near = np.array(wanted) < 3.5
    assert near[-1]
    np.testing.assert_allclose(
        np.array(found.efficacy)[near], np.array(wanted)[near], rtol=0, atol=BOUND
    )
    # and all of them spend what they should, to quadrature's own error
    ups, _ = second.exit_probabilities(information, found.efficacy)
    np.testing.assert_allclose(np.cumsum(ups), spent, rtol=0, atol=QUADRATURE)


@pytest.mark.parametrize("family", ["pocock", "kim_demets"])
@pytest.mark.parametrize("looks", [2, 3])
def test_bounds_of_two_sides_are_the_roots_of_nested_quadrature(family: str, looks: int) -> None:
    spending, formula = FAMILIES[family]
    information = random_information(np.random.default_rng([looks, 5]), looks)
    found = from_spending(information=information, spending=spending, alpha=0.05, sided=2)
    wanted = second.two_sided_boundary(information, [formula(t, 0.05) for t in information])
    np.testing.assert_allclose(found.efficacy, wanted, rtol=0, atol=BOUND)


@pytest.mark.parametrize("binding", [False, True], ids=["not_binding", "binding"])
@pytest.mark.parametrize("information", [(0.45, 1.0), (0.3, 0.65, 1.0)], ids=["two", "three"])
def test_both_errors_are_spent_as_in_the_second_reading(
    binding: bool, information: tuple[float, ...]
) -> None:
    alphas, alpha_formula = FAMILIES["pocock"]
    betas, beta_formula = FAMILIES["kim_demets"]
    found = from_spending(
        information=information,
        spending=alphas,
        alpha=0.025,
        beta=0.2,
        beta_spending=betas,
        binding=binding,
    )
    upper, lower, theta = second.spending_design(
        information,
        [alpha_formula(t, 0.025) for t in information],
        [beta_formula(t, 0.2) for t in information],
        binding,
    )
    np.testing.assert_allclose(found.efficacy, upper, rtol=0, atol=BOUND)
    # theirs is found to 1e-9 only, and a bound of futility moves by at most as much
    np.testing.assert_allclose(found.interim_futility, lower[:-1], rtol=0, atol=BOUND)
    assert required_drift(found, 0.8) == pytest.approx(theta, abs=BOUND)


@pytest.mark.parametrize("seed", range(4))
def test_the_drift_for_a_power_is_that_of_the_second_reading(seed: int) -> None:
    generator = np.random.default_rng([seed, 23])
    looks = 2 + seed % 2
    information = random_information(generator, looks)
    design: GroupSequential = from_bounds(
        information=information,
        efficacy=tuple(generator.uniform(1.9, 3.0, looks)),
        futility=tuple(generator.uniform(-0.5, 1.0, looks - 1)) if seed > 1 else None,
    )
    power = float(generator.uniform(0.5, 0.95))
    lower = [*design.interim_futility, -math.inf]
    wanted = second.drift_for_power(information, design.efficacy, power, lower)
    # the root is asked to 1e-10, and the slope of power by drift is above 0.05 there
    assert required_drift(design, power) == pytest.approx(wanted, abs=1e-8)
    there = characteristics(design, wanted)
    ups, downs = second.exit_probabilities(information, design.efficacy, lower, wanted)
    np.testing.assert_allclose(there.upper, ups, rtol=0, atol=QUADRATURE)
    np.testing.assert_allclose(there.futility[:-1], downs[:-1], rtol=0, atol=QUADRATURE)
