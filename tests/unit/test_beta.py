"""P(p1 > p0) of two beta variables: closed recurrences against a second implementation."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.analysis.beta_binomial import is_success, posterior_at, prior_race
from simtrial.core.errors import DomainError
from simtrial.stats.beta import (
    BetaRace,
    observe_first,
    observe_second,
    probability_greater,
    start_race,
)
from simtrial.trial.design import load_design
from tests.independent.beta_second import beta_greater_second

Pair = tuple[float, float]
Counts = tuple[int, int, int, int]

FLAT, JEFFREYS = (1.0, 1.0), (0.5, 0.5)
PRIORS = {
    "flat": (FLAT, FLAT),
    "Jeffreys": (JEFFREYS, JEFFREYS),
    "flat and Jeffreys": (FLAT, JEFFREYS),
    "informative control": (FLAT, (8.5, 12.0)),
    "both informative": ((3.0, 1.5), (30.0, 70.0)),
}
# the stated error of the prior's quadrature is 1e-12; the sums and the second one's grid add less
TOLERANCE = 1e-10


def random_counts(n: int, most: int, seed: int) -> list[Counts]:
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(n):
        n1, n0 = (int(v) for v in rng.integers(0, most + 1, 2))
        out.append((int(rng.integers(0, n1 + 1)), n1, int(rng.integers(0, n0 + 1)), n0))
    return out


def second(first: Pair, other: Pair, y1: int, n1: int, y0: int, n0: int) -> float:
    return beta_greater_second(first[0] + y1, first[1] + n1 - y1, other[0] + y0, other[1] + n0 - y0)


@pytest.mark.parametrize(("first", "other"), PRIORS.values(), ids=PRIORS.keys())
def test_a_posterior_is_that_of_the_second_implementation(first: Pair, other: Pair) -> None:
    race = start_race(first, other)
    for counts in random_counts(40, 60, seed=1):
        want = second(first, other, *counts)
        assert probability_greater(race, *counts) == pytest.approx(want, abs=TOLERANCE), counts


@pytest.mark.parametrize(("first", "other"), PRIORS.values(), ids=PRIORS.keys())
@pytest.mark.parametrize(
    "counts",
    [
        (500, 1000, 470, 1000),
        (520, 1000, 1, 1000),
        (1000, 1000, 0, 1000),
        (0, 1000, 1000, 1000),
        (30, 1000, 18, 50),
    ],
)
def test_a_large_trial_is_that_of_the_second_implementation(
    first: Pair, other: Pair, counts: Counts
) -> None:
    got = probability_greater(start_race(first, other), *counts)
    assert got == pytest.approx(second(first, other, *counts), abs=TOLERANCE)


@pytest.mark.parametrize(("first", "other"), PRIORS.values(), ids=PRIORS.keys())
def test_without_data_the_prior_decides(first: Pair, other: Pair) -> None:
    got = probability_greater(start_race(first, other), 0, 0, 0, 0)
    assert got == pytest.approx(second(first, other, 0, 0, 0, 0), abs=TOLERANCE)


@pytest.mark.parametrize("prior", [FLAT, JEFFREYS, (3.0, 9.0)])
def test_equal_priors_are_even(prior: Pair) -> None:
    assert start_race(prior, prior).greater == 0.5


@pytest.mark.parametrize("n", [1, 47, 1000])
def test_equal_data_are_even(n: int) -> None:
    # 2 n sums of numbers below 1
    assert probability_greater(start_race(FLAT, FLAT), n // 3, n, n // 3, n) == pytest.approx(
        0.5, abs=1e-12
    )


def test_one_response_of_one_against_none_of_one_is_5_to_1() -> None:
    # Beta(2, 1) against Beta(1, 2): 1 - integral of 2 (1 - x) x^2 is 5/6
    assert probability_greater(start_race(FLAT, FLAT), 1, 1, 0, 1) == pytest.approx(
        5 / 6, abs=1e-15
    )


@pytest.mark.parametrize(("first", "other"), PRIORS.values(), ids=PRIORS.keys())
def test_the_two_directions_add_up_to_1(first: Pair, other: Pair) -> None:
    for y1, n1, y0, n0 in random_counts(20, 60, seed=2):
        there = probability_greater(start_race(first, other), y1, n1, y0, n0)
        back = probability_greater(start_race(other, first), y0, n0, y1, n1)
        assert there + back == pytest.approx(1.0, abs=TOLERANCE)


@pytest.mark.parametrize("y0", [0, 9, 47])
def test_more_responses_never_lower_the_probability(y0: int) -> None:
    race = start_race(FLAT, FLAT)
    curve = [probability_greater(race, y1, 47, y0, 47) for y1 in range(48)]
    # near 0 and 1 a step is below the rounding of the sum
    assert np.min(np.diff(curve)) > -1e-13


def test_the_order_of_observations_does_not_matter() -> None:
    start = start_race(FLAT, (8.5, 12.0))
    patients = [(arm, answer) for arm in (0, 1) for answer in (True, False) for _ in range(15)]
    rng = np.random.default_rng(3)
    ends = []
    for _ in range(50):
        race: BetaRace = start
        for i in rng.permutation(len(patients)):
            arm, answer = patients[i]
            race = observe_first(race, answer) if arm == 0 else observe_second(race, answer)
        ends.append(race.greater)
    assert max(ends) - min(ends) < 1e-12


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_parameter_that_is_not_positive_is_refused(place: int, value: float) -> None:
    numbers = [1.0, 1.0, 1.0, 1.0]
    numbers[place] = value
    with pytest.raises(DomainError, match=rf"{value:g}.*must be above 0, such as \(1, 1\)"):
        start_race((numbers[0], numbers[1]), (numbers[2], numbers[3]))


# in a trial


def test_the_posterior_at_each_size_is_that_of_the_first_patients() -> None:
    rng = np.random.default_rng(4)
    arm, response = rng.integers(0, 2, (5, 60)), rng.random((5, 60)) < 0.5
    sizes = np.array([0, 1, 2, 7, 30, 59, 60])
    race = start_race((2.0, 1.0), JEFFREYS)
    got = posterior_at(race, 1, arm, response, sizes)
    for r, g in np.ndindex(got.shape):
        here, answer = arm[r, : sizes[g]], response[r, : sizes[g]]
        counts = (answer[here == 1].sum(), (here == 1).sum(), answer[here == 0].sum())
        want = probability_greater(race, *(int(c) for c in counts), int((here == 0).sum()))
        assert got[r, g] == pytest.approx(want, abs=1e-12)


def test_the_arm_that_should_be_better_may_stand_anywhere() -> None:
    arm, response = np.array([[0, 1, 0, 1]]), np.array([[True, False, True, False]])
    size = np.array([4])
    race = start_race(FLAT, FLAT)
    there, back = (posterior_at(race, better, arm, response, size)[0, 0] for better in (0, 1))
    assert there == pytest.approx(1.0 - back, abs=1e-15)
    assert there > 0.5


def test_the_arm_named_first_in_the_decision_comes_with_its_prior() -> None:
    design = load_design("dm_ivig_16w")
    assert design.analysis is not None
    prior = {"placebo": (2.0, 3.0), "ivig": (4.0, 5.0)}
    analysis = design.analysis.model_copy(update={"prior": prior})
    race = prior_race(design.model_copy(update={"analysis": analysis}))
    assert (race.a, race.b, race.c, race.d) == (4.0, 5.0, 2.0, 3.0)


# P(p1 > p0) is exactly 9/10 for 2 of 7 against 0 of 7, and rounding depends on the order
def test_an_exact_tie_with_the_threshold_is_no_success_in_any_order_of_patients() -> None:
    generator = np.random.default_rng(14)
    arm = np.repeat([1, 0], 7)
    response = np.zeros(14, np.bool_)
    response[:2] = True
    orders = [generator.permutation(14) for _ in range(2_000)]
    found = posterior_at(
        start_race((1, 1), (1, 1)),
        1,
        np.array([arm[o] for o in orders]),
        np.array([response[o] for o in orders]),
        np.array([14]),
    )
    assert np.abs(found - 0.9).max() < 1e-13
    assert (found > 0.9).any()  # so the plain comparison would depend on the order
    assert not is_success(found, 0.9).any()
    assert is_success(found, 0.8999).all()


def test_priors_too_strong_for_the_recurrence_are_refused() -> None:
    with pytest.raises(DomainError, match="more than 200"):
        start_race((1000.0, 1.0), (1.0, 1000.0))
