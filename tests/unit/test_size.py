"""Which sample sizes are looked at, and which of them is the answer."""

from __future__ import annotations

import itertools

import pytest

from simtrial.core.errors import ArgumentError, DesignError
from simtrial.operating.characteristics import Metric
from simtrial.planning.power import power
from simtrial.planning.size import MOST_PER_ARM, _reach, size, size_grid, smallest
from simtrial.trial.design import Design, load_design, revalidated

DEMO = load_design("dm_ivig_16w")


def with_ratio(placebo: int, ivig: int) -> Design:
    total = placebo + ivig
    allocation = {
        "ratio": {"placebo": placebo, "ivig": ivig},
        "method": "permuted_blocks",
        "block_sizes": [total],
    }
    return revalidated(DEMO, {"allocation": allocation})


def curve(*estimates: float) -> list[Metric]:
    return [
        Metric(estimate=e, mcse=0.004, replicates=10_000, interval95=(e - 0.008, e + 0.008))
        for e in estimates
    ]


# the sizes


def test_to_50_an_arm_every_second_number_is_looked_at() -> None:
    small = [n for n in size_grid(DEMO) if n <= 100]
    assert small == list(range(4, 101, 4))


def test_above_50_an_arm_sizes_grow_by_5_percent() -> None:
    grid = size_grid(DEMO)
    large = [n / 2 for n in grid if n >= 100]
    steps = [b / a for a, b in itertools.pairwise(large)]
    # whole patients an arm: at most half a patient off 5 %; the last step ends at the most
    assert all(
        abs(step - 1.05) <= 0.5 / a + 1e-12 for step, a in zip(steps[:-1], large[:-2], strict=True)
    )
    assert 1.0 < steps[-1] <= 1.05 + 0.5 / large[-2]


@pytest.mark.parametrize(("placebo", "ivig"), [(1, 1), (1, 2), (2, 3), (1, 3)])
def test_every_total_can_hold_the_ratio(placebo: int, ivig: int) -> None:
    assert [n for n in size_grid(with_ratio(placebo, ivig)) if n % (placebo + ivig)] == []


@pytest.mark.parametrize(("placebo", "ivig"), [(1, 1), (1, 2), (2, 3), (1, 3)])
def test_sizes_increase_to_1000_an_arm_or_just_above(placebo: int, ivig: int) -> None:
    grid = size_grid(with_ratio(placebo, ivig))
    assert all(b > a for a, b in itertools.pairwise(grid))
    assert 2 * MOST_PER_ARM <= grid[-1] < 2 * MOST_PER_ARM + placebo + ivig


def test_two_to_one_begins_with_the_smallest_total_that_holds_two_an_arm() -> None:
    assert size_grid(with_ratio(1, 2))[:4] == [6, 9, 12, 18]


def test_one_arm_is_looked_at_from_two_patients() -> None:
    assert size_grid(load_design("documents/lim21"))[:3] == [2, 4, 6]


@pytest.mark.parametrize(("placebo", "ivig"), [(1, 1), (1, 2), (2, 3), (1, 3)])
def test_answers_close_to_each_other_look_at_the_same_sizes(placebo: int, ivig: int) -> None:
    # replicates are stored by the sizes looked at, and more trials move the answer a little
    grid = size_grid(with_ratio(placebo, ivig))
    counts = [_reach(grid, 2, 2.1 * n / 2) for n in grid]
    assert len(set(counts)) <= 11
    assert counts == sorted(counts)
    # at least twice the answer, so that a larger n below the target would be seen
    assert all(grid[c - 1] >= min(2 * n, grid[-1]) for c, n in zip(counts, grid, strict=True))


# the answer


def test_the_answer_is_the_first_size_that_reaches_the_target() -> None:
    assert smallest(curve(0.5, 0.7, 0.81, 0.9), 0.8) == 2


def test_the_target_itself_is_reached() -> None:
    assert smallest(curve(0.5, 0.8, 0.9), 0.8) == 1


def test_a_size_above_the_target_with_a_larger_one_below_is_not_the_answer() -> None:
    assert smallest(curve(0.5, 0.82, 0.79, 0.85, 0.9), 0.8) == 3


def test_when_every_size_reaches_the_target_the_first_is_the_answer() -> None:
    assert smallest(curve(0.85, 0.9, 0.95), 0.8) == 0


def test_when_no_size_reaches_the_target_there_is_no_answer() -> None:
    assert smallest(curve(0.5, 0.7, 0.79), 0.8) is None


def test_when_only_smaller_sizes_reach_the_target_there_is_no_answer() -> None:
    assert smallest(curve(0.5, 0.85, 0.79), 0.8) is None


# what cannot be sized


def test_two_targets_at_once_are_refused() -> None:
    with pytest.raises(ArgumentError, match="one of power and assurance, not both"):
        size(DEMO, power=0.8, assurance=0.5)


@pytest.mark.parametrize("target", [0.0, 1.0, 80.0])
def test_a_target_that_is_no_share_is_refused(target: float) -> None:
    with pytest.raises(ArgumentError, match=rf"power is {target}; .* between 0 and 1.*power=0\.8"):
        size(DEMO, power=target)


def test_a_design_without_a_decision_is_refused() -> None:
    with pytest.raises(
        DesignError, match=r"decision is missing; a design without .* cannot be sized"
    ):
        size(load_design("documents/lim21"))


# what a trial of the size found takes


def test_duration_and_screening_at_the_answer_are_those_of_power_at_that_size() -> None:
    trials = 300
    found = size(DEMO, trials=trials).document
    row = power(DEMO, scenarios=["point"], n=found["n"], trials=trials).document["scenarios"][0]
    assert found["at_n"]["n"] == found["n"]
    for name in ("duration_weeks", "screened"):
        assert found["at_n"][name] == row["metrics"][name]


def test_without_an_answer_there_is_no_duration_of_it() -> None:
    found = size(DEMO, assurance=0.99, trials=60).document
    assert (found["n"], found["at_n"]) == (None, None)


def test_no_size_is_looked_at_that_sites_or_subtypes_cannot_fill() -> None:
    accrual = DEMO.accrual.model_dump() | {"patients_per_site_at_most": 4}
    assert max(size_grid(revalidated(DEMO, {"accrual": accrual}))) == 4 * DEMO.accrual.sites
    accrual |= {"subtypes_at_most": {"DM": 100}}
    assert max(size_grid(revalidated(DEMO, {"accrual": accrual}))) == 100
