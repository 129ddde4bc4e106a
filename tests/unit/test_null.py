"""The largest type I error of a design, against a brute search of the whole null region."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from simtrial.core.errors import DomainError
from simtrial.stats.binary.allocation import blocked
from simtrial.stats.binary.null import largest_type1, power_along
from simtrial.stats.binary.rules import Criterion, Custom, Fisher, Posterior, Rule, ZBelow, ZTest
from simtrial.stats.binary.two_arm import Look, TwoArm, solve
from simtrial.stats.mixtures import beta, mixture

FLAT = beta(1.0, 1.0)
SUPERIOR = Posterior(prior1=FLAT, prior0=FLAT, criteria=(Criterion(above=0.95),))
BORROWED = Posterior(
    prior1=FLAT,
    prior0=mixture([(0.8, 12.0, 36.0), (0.2, 1.0, 1.0)]),
    criteria=(Criterion(above=0.95),),
)


def enumerated(success: NDArray[np.bool_], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (G, G) chances of success of one look, at treated and control rates of a grid."""
    n1, n0 = success.shape[0] - 1, success.shape[1] - 1
    first = binom.pmf(np.arange(n1 + 1)[None, :], n1, grid[:, None])
    second = binom.pmf(np.arange(n0 + 1)[None, :], n0, grid[:, None])
    return np.asarray(first @ success @ second.T)


ONE_LOOK: dict[str, tuple[Rule, int, int, float]] = {
    "posterior": (SUPERIOR, 15, 15, 0.0),
    "borrowed controls": (BORROWED, 20, 10, 0.0),
    "z": (ZTest(critical=1.645), 12, 25, 0.0),
    "unpooled z": (ZTest(critical=1.645, variance="unpooled"), 10, 30, 0.0),
    "non-inferiority": (ZTest(critical=1.645, variance="restricted", margin=-0.2), 20, 20, -0.2),
    "beyond a margin": (ZTest(critical=1.645, variance="restricted", margin=0.15), 18, 18, 0.15),
    "Fisher": (Fisher(alpha=0.05), 14, 14, 0.0),
    "two-sided": (Fisher(alpha=0.1, sided=2), 9, 16, 0.0),
}


# 2,001 rates of each arm: between neighbours a chance of success of 40 patients rises by at most
# half a step times its slope there, which near a maximum is 0: 1e-5 is generous
@pytest.mark.parametrize("name", ONE_LOOK)
def test_the_largest_error_is_that_of_a_brute_search(name: str) -> None:
    rule, n1, n0, margin = ONE_LOOK[name]
    design = solve([(n1, n0)], [Look(success=rule)])
    grid = np.linspace(0.0, 1.0, 2_001)
    power = enumerated(rule.table(n1, n0), grid)
    inside = grid[:, None] <= grid[None, :] + margin + 1e-12
    want = float(power[inside].max())
    found = largest_type1(design, margin)
    assert want - 1e-12 <= found.type1 <= want + 1e-5
    # it is reached, where it says, and that is a place of the null region
    assert design.at(found.treated, found.control).power == pytest.approx(found.type1, abs=1e-12)
    assert found.treated <= found.control + margin + 1e-12


def along_the_border(design: TwoArm, margin: float, points: int) -> float:
    low, high = max(0.0, -margin), min(1.0, 1.0 - margin)
    control = np.linspace(low, high, points)
    return float(power_along(design, control + margin, control).max())


# the saw teeth of the error are narrowest at many patients
@pytest.mark.parametrize(
    ("sizes", "margin"),
    [
        ([(17, 17), (33, 33), (50, 50)], 0.0),
        ([(40, 20), (80, 40)], -0.1),
        ([(300, 300)], 0.0),
        ([(250, 60)], 0.1),
    ],
    ids=str,
)
def test_the_largest_error_of_looks_is_that_of_a_fine_walk_along_the_border(
    sizes: list[tuple[int, int]], margin: float
) -> None:
    looks = [Look(success=SUPERIOR, futility=ZBelow(level=-1.0))] * len(sizes)
    design = solve(sizes, looks)
    assert design.monotone
    want = along_the_border(design, margin, 20_001)
    assert want - 1e-9 <= largest_type1(design, margin).type1 <= want + 1e-6


def test_the_largest_error_under_blocks_in_strata_is_on_the_border() -> None:
    sizes = blocked([12, 25], (2, 1), [3, 6], [0.4, 0.6])
    design = solve(sizes, [Look(success=SUPERIOR)] * 2)
    found = largest_type1(design)
    assert found.on_border and found.treated == found.control
    assert found.type1 == pytest.approx(along_the_border(design, 0.0, 5_001), abs=1e-6)
    grid = np.linspace(0.0, 1.0, 101)
    power = design.power_over(grid, grid)
    assert power[grid[:, None] <= grid[None, :]].max() <= found.type1 + 1e-12


# success when the counts lie around (n1 / 4, 3 n0 / 4): the largest chance is at rates near these,
# deep within the null region
def test_a_rule_of_no_order_has_its_largest_error_inside() -> None:
    def decide(n1: int, n0: int) -> NDArray[np.bool_]:
        y1, y0 = np.arange(n1 + 1)[:, None], np.arange(n0 + 1)[None, :]
        return (abs(4 * y1 - n1) <= n1 // 2) & (abs(4 * y0 - 3 * n0) <= n0 // 3)

    design = solve([(16, 24)], [Look(success=Custom(decide=decide))])
    assert not design.monotone
    found = largest_type1(design)
    assert not found.on_border
    # each arm apart, so the largest is the product of two largest chances; on these grids to 1e-11
    low, high = np.linspace(0.2, 0.3, 200_001), np.linspace(0.7, 0.8, 200_001)
    first = binom.cdf(6, 16, low) - binom.cdf(1, 16, low)
    second = binom.cdf(20, 24, high) - binom.cdf(15, 24, high)
    assert found.type1 == pytest.approx(first.max() * second.max(), abs=1e-9)  # as promised
    assert found.treated == pytest.approx(low[first.argmax()], abs=1e-4)
    assert found.control == pytest.approx(high[second.argmax()], abs=1e-4)


# the same rule, where the margin cuts its largest place off: then it is on the border
def test_a_margin_that_cuts_the_largest_place_off_gives_one_on_the_border() -> None:
    def decide(n1: int, n0: int) -> NDArray[np.bool_]:
        y1, y0 = np.arange(n1 + 1)[:, None], np.arange(n0 + 1)[None, :]
        return (abs(4 * y1 - n1) <= n1 // 2) & (abs(4 * y0 - 3 * n0) <= n0 // 3)

    design = solve([(16, 24)], [Look(success=Custom(decide=decide))])
    found = largest_type1(design, -0.8)
    grid = np.linspace(0.0, 1.0, 1_001)
    power = enumerated(decide(16, 24), grid)
    want = float(power[grid[:, None] <= grid[None, :] - 0.8 + 1e-12].max())
    assert want - 1e-9 <= found.type1 <= want + 1e-5
    assert found.on_border
    assert found.treated == pytest.approx(found.control - 0.8, abs=1e-6)


# an unpooled z against a margin of -0.1 is not ordered at its corners, so the whole region is
# searched: points beside it, where both arms respond to next to nobody, once gave 0.88 here
def test_a_search_of_the_whole_region_stays_within_it() -> None:
    design = solve(
        [(60, 60)], [Look(success=ZTest(critical=1.96, variance="unpooled", margin=-0.1))]
    )
    assert not design.monotone
    found = largest_type1(design, -0.1)
    assert found.treated <= found.control - 0.1 + 1e-12
    rates = np.linspace(0.0, 1.0, 1_001)
    power = design.power_over(rates, rates)
    want = float(power[rates[:, None] <= rates[None, :] - 0.1 + 1e-12].max())
    assert want - 1e-9 <= found.type1 <= want + 1e-4


def test_power_along_a_line_is_that_of_each_pair() -> None:
    design = solve([(5, 4), (9, 9)], [Look(success=SUPERIOR)] * 2)
    treated, control = np.array([0.0, 0.35, 1.0]), np.array([0.2, 0.3, 0.9])
    want = [design.at(float(a), float(b)).power for a, b in zip(treated, control, strict=True)]
    np.testing.assert_allclose(power_along(design, treated, control), want, rtol=0, atol=1e-14)


@pytest.mark.parametrize("margin", [1.0, -1.0, float("nan")])
def test_a_margin_outside_its_domain_says_what_to_write(margin: float) -> None:
    design = solve([(3, 3)], [Look(success=SUPERIOR)])
    with pytest.raises(DomainError, match=r"margin is .*between -1 and 1, such as 0\.1"):
        largest_type1(design, margin)


def test_a_design_that_always_or_never_succeeds_has_that_error() -> None:
    for answer, share in itertools.product((True, False), (0.0, -0.3)):
        rule = Custom(decide=lambda n1, n0, a=answer: np.full((n1 + 1, n0 + 1), a))
        found = largest_type1(solve([(4, 6)], [Look(success=rule)]), share)
        assert found.type1 == pytest.approx(1.0 if answer else 0.0, abs=1e-12)
