"""How many patients each arm has, against counting by formula and patient by patient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest

from simtrial.core.errors import DomainError
from simtrial.stats.binary.allocation import ArmSizes, blocked, fixed_sizes, simple
from tests.independent.exact_binary_second import (
    Blocks,
    Simple,
    Stratified,
    count_blocks,
    count_random_blocks,
    count_simple,
    count_stratified,
    joint_counts,
)

# sums of products of probabilities, and what is left out of them (below 1e-13 together)
CLOSE = 1e-12


def assert_same(found: dict[int, float], want: dict[int, float]) -> None:
    for size in found.keys() | want.keys():
        assert found.get(size, 0.0) == pytest.approx(want.get(size, 0.0), abs=CLOSE), size


def joint(sizes: ArmSizes) -> dict[tuple[int, ...], float]:
    """Return the chance of each sequence of sizes of the treated arm, state by state."""
    # several states may have one size
    paths: dict[tuple[int, ...], np.ndarray] = {}
    for state, (size, chance) in enumerate(zip(sizes.treated[0], sizes.start, strict=True)):
        held = paths.setdefault((int(size),), np.zeros(sizes.start.shape[0]))
        held[state] += chance
    for look, step in enumerate(sizes.steps, start=1):
        after: dict[tuple[int, ...], np.ndarray] = {}
        for path, chances in paths.items():
            arriving = chances @ step
            for state in np.flatnonzero(arriving):
                longer = (*path, int(sizes.treated[look][state]))
                held = after.setdefault(longer, np.zeros(step.shape[1]))
                held[state] += arriving[state]
        paths = after
    return {path: float(chances.sum()) for path, chances in paths.items()}


@pytest.mark.parametrize("share", [0.5, 2 / 3, 0.1])
@pytest.mark.parametrize("n", [1, 2, 17, 60])
def test_patients_allocated_alone_are_binomial(n: int, share: float) -> None:
    assert_same(simple([n], share).distribution(0), count_simple(n, share))


@pytest.mark.parametrize(
    ("size", "ratio"), [(2, (1, 1)), (4, (1, 1)), (6, (2, 1)), (9, (1, 2)), (10, (3, 2))]
)
def test_blocks_of_one_size_leave_a_hypergeometric_rest(size: int, ratio: tuple[int, int]) -> None:
    for n in range(1, 2 * size + 2):
        assert_same(blocked([n], ratio, [size]).distribution(0), count_blocks(n, size, ratio))


@pytest.mark.parametrize(
    ("sizes", "ratio"), [((2, 4, 6), (1, 1)), ((3, 6), (2, 1)), ((4, 4), (1, 3))]
)
def test_blocks_of_random_sizes_are_those_of_the_second_implementation(
    sizes: tuple[int, ...], ratio: tuple[int, int]
) -> None:
    for n in (1, 5, 12, 31):
        found = blocked([n], ratio, sizes).distribution(0)
        assert_same(found, count_random_blocks(n, sizes, ratio))


# two of the strata have the same share, and in one case the last has that of another
@pytest.mark.parametrize("shares", [(0.3, 0.7), (0.5, 0.5), (0.25, 0.5, 0.25), (0.2, 0.2, 0.6)])
@pytest.mark.parametrize(("sizes", "ratio"), [((4,), (1, 1)), ((3, 6), (2, 1))])
def test_blocks_within_strata_are_those_of_the_second_implementation(
    shares: tuple[float, ...], sizes: tuple[int, ...], ratio: tuple[int, int]
) -> None:
    for n in (1, 7, 20):
        found = blocked([n], ratio, sizes, shares).distribution(0)
        assert_same(found, count_stratified(n, shares, sizes, ratio))


SCHEMES = {
    "alone": (lambda n: simple(n, 0.4), Simple(0.4)),
    "blocks": (lambda n: blocked(n, (1, 1), [4]), Blocks([4])),
    "2:1": (lambda n: blocked(n, (2, 1), [6]), Blocks([6], (2, 1))),
    "random blocks": (lambda n: blocked(n, (1, 1), [2, 4]), Blocks([2, 4])),
    "strata": (
        lambda n: blocked(n, (1, 1), [2], [0.3, 0.7]),
        Stratified([0.3, 0.7], Blocks([2])),
    ),
    "random blocks in strata": (
        lambda n: blocked(n, (2, 1), [3, 6], [0.25, 0.75]),
        Stratified([0.25, 0.75], Blocks([3, 6], (2, 1))),
    ),
}


@pytest.mark.parametrize("looks", [(3, 8), (5, 7, 13)], ids=str)
@pytest.mark.parametrize("name", SCHEMES)
def test_sizes_at_all_looks_together_are_those_of_patient_by_patient(
    name: str, looks: tuple[int, ...]
) -> None:
    make, scheme = SCHEMES[name]
    found, want = joint(make(looks)), joint_counts(scheme, looks)
    for path in found.keys() | want.keys():
        assert found.get(path, 0.0) == pytest.approx(want.get(path, 0.0), abs=CLOSE), path


@pytest.mark.parametrize("name", SCHEMES)
def test_one_look_of_many_patients_is_the_last_of_several(name: str) -> None:
    make, _ = SCHEMES[name]
    assert_same(make([90]).distribution(0), make([11, 50, 90]).distribution(2))


@pytest.mark.parametrize("name", SCHEMES)
def test_chances_of_states_add_up_to_one_at_every_look(name: str) -> None:
    sizes = SCHEMES[name][0]([40, 100, 200])
    chance = sizes.start
    for step in (*sizes.steps, None):
        assert chance.sum() == pytest.approx(1.0, abs=CLOSE)
        chance = chance if step is None else chance @ step


# of three strata two hold next to nobody; what they hold was once left out of the sum
@pytest.mark.parametrize("share", [1e-6, 1e-10])
def test_strata_of_next_to_nobody_leave_the_chances_whole(share: float) -> None:
    sizes = blocked([200], (1, 1), [4], [1.0 - 2.0 * share, share, share])
    assert sizes.start.sum() == pytest.approx(1.0, abs=1e-13)


def test_arms_of_stated_sizes_have_them() -> None:
    sizes = fixed_sizes([(10, 5), (20, 5), (20, 15)])
    assert sizes.n == (15, 25, 35)
    assert [sizes.distribution(look) for look in range(3)] == [{10: 1.0}, {20: 1.0}, {20: 1.0}]


def _refused(make: Callable[[], ArmSizes]) -> str:
    with pytest.raises(DomainError) as caught:
        make()
    return str(caught.value)


@pytest.mark.parametrize("n", [[], [0], [5, 5], [8, 3]], ids=str)
def test_looks_that_do_not_grow_say_what_to_write(n: Sequence[int]) -> None:
    assert f"the looks have {list(n)} patients" in _refused(lambda: simple(n, 0.5))
    assert "such as [34, 100]" in _refused(lambda: blocked(n, (1, 1), [2]))


@pytest.mark.parametrize("share", [0.0, 1.0, float("nan")])
def test_a_share_outside_0_to_1_says_what_to_write(share: float) -> None:
    assert f"share is {share:g}; it lies between 0 and 1" in _refused(lambda: simple([9], share))


def test_blocks_and_strata_that_cannot_be_say_what_to_write() -> None:
    assert "a multiple of 3, such as [6]" in _refused(lambda: blocked([9], (2, 1), [4]))
    assert "the blocks hold []" in _refused(lambda: blocked([9], (2, 1), []))
    assert "the ratio is 0:1" in _refused(lambda: blocked([9], (0, 1), [4]))
    for shares in ([0.3, 0.6], [1.2, -0.2], [], [float("nan")]):
        message = _refused(lambda s=shares: blocked([9], (1, 1), [4], s))
        assert f"the shares of the strata are {shares}" in message
    many = _refused(lambda: blocked([9, 20], (1, 1), [4, 6, 8], [0.25] * 4))
    assert "4 strata with blocks of [4, 6, 8]" in many and "up to 4000" in many


def test_stated_sizes_that_shrink_or_stay_are_refused() -> None:
    for looks in ([(5, 5), (4, 9)], [(5, 5), (5, 5)], [(-1, 5)], [(0, 0)]):
        assert f"the looks have {looks} patients" in _refused(lambda w=looks: fixed_sizes(w))
    assert "looks is []" in _refused(lambda: fixed_sizes([]))


def test_a_treated_arm_never_exceeds_its_patients() -> None:
    sizes = blocked([3, 9, 10], (2, 1), [3, 6], [0.4, 0.6])
    for n, treated in zip(sizes.n, sizes.treated, strict=True):
        assert treated.min() >= 0 and treated.max() <= n
    for step, (before, after) in zip(sizes.steps, pairwise(sizes.treated), strict=True):
        grown = after[None, :] - before[:, None]
        assert (grown[step > 0.0] >= 0).all()


# what is left of a block of 6 may be what is left of one of 3: they share their states, or three
# strata would have too many of them
def test_random_blocks_in_three_strata_can_be_followed_over_looks() -> None:
    shares = [0.2, 0.3, 0.5]
    over_looks = blocked([14, 40], (2, 1), [3, 6], shares)
    assert_same(over_looks.distribution(1), blocked([40], (2, 1), [3, 6], shares).distribution(0))
