"""Where trials end: by recurrence, by tables, told one by one, and summed over all that can be."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from simtrial.analysis.decide import (
    Decided,
    _by_recurrence,
    _by_tables,
    count_prefixes,
    decide,
    runs_by_recurrence,
)
from simtrial.analysis.rules import binary_looks
from simtrial.core.config import Located, validate
from simtrial.operating.exact import characteristics, solve_exactly
from simtrial.stats.binary.rules import Predictive
from simtrial.trial.outcome_design import OutcomeDesign
from simtrial.trial.outcomes import OutcomeScenario
from tests.independent import exact_binary_second as second

FLAT = {"method": "beta_binomial", "prior": {"old": [1, 1], "new": [1, 1]}}
THREE = [{"information": 0.3}, {"information": 0.7}, {"information": 1.0}]


def design(
    *,
    analysis: dict[str, Any] | None = None,
    success: dict[str, Any] | None = None,
    futility: dict[str, Any] | None = None,
    looks: list[dict[str, Any]] | None = None,
    n: int = 60,
) -> OutcomeDesign:
    decision: dict[str, Any] = {"success": success or {"probability_of": "new > old", "above": 0.9}}
    if futility is not None:
        decision["futility"] = futility
    data = {
        "title": "made for a test",
        "arms": ["old", "new"],
        "allocation": {
            "ratio": {"old": 1, "new": 1}, "method": "permuted_blocks", "block_sizes": [2],
        },
        "endpoint": {"measure": "response"},
        "analysis": analysis or FLAT,
        "decision": decision,
        "looks": looks or THREE,
        "sample_size": {"n": n},
    }  # fmt: skip
    return validate(OutcomeDesign, Located(data=data, source="design"))


def trials(
    seed: int, replicates: int, n: int, chances: tuple[float, float] = (0.4, 0.6)
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return arms and responses (R, n), each patient allocated alone."""
    generator = np.random.default_rng(seed)
    arm = generator.integers(0, 2, (replicates, n))
    return arm, generator.random((replicates, n)) < np.array(chances)[arm]


def assert_same(first: Decided, second_: Decided) -> None:
    np.testing.assert_array_equal(first.success, second_.success)
    np.testing.assert_array_equal(first.look, second_.look)


# two ways to the same answer


@pytest.mark.parametrize(
    ("prior", "above"),
    [
        ({"old": [1, 1], "new": [1, 1]}, 0.9),
        ({"old": [1, 1], "new": [1, 1]}, 0.5),  # equal counts of equal arms lie on the level
        ({"old": [2.5, 4.0], "new": [0.5, 0.5]}, [0.97, 0.9, 0.8]),
        ({"old": [12, 18], "new": [1, 1]}, 0.7),
    ],
    ids=["flat", "ties", "a level each", "informative"],
)
def test_recurrence_and_tables_decide_alike_at_every_look_and_size(
    prior: dict[str, list[float]], above: Any
) -> None:
    made = design(
        analysis={"method": "beta_binomial", "prior": prior},
        success={"probability_of": "new > old", "above": above},
    )
    assert runs_by_recurrence(made)
    sizes = [10, 11, 24, 60]
    arm, response = trials(1, 400, 60, (0.45, 0.55))
    looks = [made.look_sizes(n) for n in sizes]
    by_recurrence = _by_recurrence(made, arm, response, looks)
    assert_same(by_recurrence, _by_tables(made, arm, response, sizes, looks))
    assert_same(by_recurrence, decide(made, arm, response, sizes))
    ends = np.bincount(by_recurrence.look[:, -1], minlength=3)
    assert ends.min() > 20, "some trials must end at each look"


def test_a_level_that_is_met_exactly_is_not_passed_by_either_way() -> None:
    """2 of 7 against none of 7 has a posterior probability of exactly 0.9."""
    assert second.posterior_superiority_exact(2, 7, 0, 7) == Fraction(9, 10)
    arm = np.array([[1] * 7 + [0] * 7] * 2)
    response = np.zeros((2, 14), bool)
    response[0, :2] = True
    response[1, :3] = True
    one_look = design(looks=[{"information": 1.0}], n=14)
    for way in (
        _by_recurrence(one_look, arm, response, [(14,)]),
        _by_tables(one_look, arm, response, [14], [(14,)]),
    ):
        np.testing.assert_array_equal(way.success[:, 0], [False, True])


# told one by one


def told(
    arm: NDArray[np.int64],
    response: NDArray[np.bool_],
    looks: tuple[int, ...],
    success: Any,
    futility: Any = second.never,
) -> tuple[bool, int]:
    """Return whether one trial succeeds, and where it ends."""  # fmt: skip
    for k, size in enumerate(looks):
        new, old = (response[:size][arm[:size] == a] for a in (1, 0))
        counts = (int(new.sum()), new.size, int(old.sum()), old.size)
        if success(*counts):
            return True, k
        if k < len(looks) - 1 and futility(*counts):
            return False, k
    return False, len(looks) - 1


def flat_above(level: Fraction, margin: float = 0.0) -> Any:
    if margin:
        return lambda *counts: second.posterior_superiority(*counts, margin=margin) > float(level)
    return lambda *counts: second.posterior_superiority_exact(*counts) > level


MIXTURE = [[0.7, 4, 6], [0.3, 1, 1]]
PARTS = [(0.7, 4.0, 6.0), (0.3, 1.0, 1.0)]
TOLD = {
    "flat": (design(n=20), flat_above(Fraction(9, 10)), second.never),
    "futility by the posterior": (
        design(n=20, futility={"probability_of": "new > old", "below": 0.4}),
        flat_above(Fraction(9, 10)),
        lambda *counts: second.posterior_superiority_exact(*counts) < Fraction(4, 10),
    ),
    "futility by prediction": (
        design(n=20, futility={"predictive_probability_below": 0.15}),
        flat_above(Fraction(9, 10)),
        lambda *counts: (
            max(counts[1], counts[3]) <= 10
            and second.predictive_probability(*counts, 10, 10, flat_above(Fraction(9, 10))) < 0.15
        ),
    ),
    "margin": (
        design(n=20, success={"probability_of": "new > old + 0.1", "above": 0.7}),
        flat_above(Fraction(7, 10), 0.1),
        second.never,
    ),
    "a second criterion": (
        design(
            n=20,
            success={
                "probability_of": "new > old",
                "above": 0.9,
                "and_also": {"probability_of": "new > old + 0.2", "above": 0.6},
            },
        ),
        lambda *counts: (
            flat_above(Fraction(9, 10))(*counts) and flat_above(Fraction(6, 10), 0.2)(*counts)
        ),
        second.never,
    ),
    "mixture": (
        design(
            n=20, analysis={"method": "beta_binomial", "prior": {"old": MIXTURE, "new": [1, 1]}}
        ),
        lambda *counts: second.mixture_superiority(*counts, [(1.0, 1.0, 1.0)], PARTS) > 0.9,
        second.never,
    ),
    "z": (
        design(
            n=20,
            analysis={"method": "z_test", "variance": "unpooled"},
            success={"test_of": "new > old", "alpha": 0.1},
            futility=None,
            looks=[{"information": 1.0}],
        ),
        lambda *counts: second.z_rejects(*counts, 1.2815515655446004, pooled=False),
        second.never,
    ),
    "Fisher": (
        design(
            n=20,
            analysis={"method": "fisher"},
            success={"test_of": "new > old", "alpha": 0.1},
            looks=[{"information": 1.0}],
        ),
        lambda *counts: second.fisher_rejects(*counts, alpha=0.1),
        second.never,
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_trials_end_where_their_rules_told_one_by_one_say(name: str) -> None:
    made, success, futility = TOLD[name]
    arm, response = trials(2, 150, 20, (0.35, 0.6))
    # allocated in pairs, so that prediction knows how many are to come of each arm
    arm = np.array([np.random.default_rng(r).permuted([[0, 1]] * 10, axis=1).ravel()
                    for r in range(arm.shape[0])])  # fmt: skip
    found = decide(made, arm, response, [20])
    wanted = [
        told(a, r, made.look_sizes(), success, futility) for a, r in zip(arm, response, strict=True)
    ]
    np.testing.assert_array_equal(found.success[:, 0], [won for won, _ in wanted])
    np.testing.assert_array_equal(found.look[:, 0], [look for _, look in wanted])
    assert 0 < found.success.sum() < found.success.size


# rules between the rules


def test_success_is_tried_before_futility() -> None:
    """Where both hold at one look the trial has succeeded."""
    both = design(
        success={"probability_of": "new > old", "above": 0.5},
        futility={"probability_of": "new > old", "below": 0.999999},
    )
    arm, response = trials(3, 300, 60)
    found = decide(both, arm, response, [60])
    assert (found.look == 0).all(), "one of the two holds at the first look, always"
    alone = decide(
        design(success={"probability_of": "new > old", "above": 0.5}, looks=[{"n": 18}, {"n": 60}]),
        arm,
        response,
        [60],
    )
    np.testing.assert_array_equal(found.success, alone.success & (alone.look == 0))
    assert 0 < found.success.sum() < 300


@pytest.mark.parametrize(
    "futility",
    [{"probability_of": "new > old", "below": 0.3}, {"predictive_probability_below": 0.1}],
)
def test_futility_acts_at_every_look_but_the_last(futility: dict[str, Any]) -> None:
    rules = binary_looks(design(futility=futility), 60)
    assert [look.futility is None for look in rules] == [False, False, True]
    assert all(look.success is not None for look in rules)


@pytest.mark.parametrize("futility", [None, {"predictive_probability_below": 0.2}])
def test_the_trial_of_a_size_is_the_first_patients_whatever_comes_after(
    futility: dict[str, float] | None,
) -> None:
    made = design(futility=futility)
    arm, response = trials(4, 120, 60)
    sizes = [12, 30, 44, 60]
    together = decide(made, arm, response, sizes)
    for g, n in enumerate(sizes):
        alone = decide(made, arm[:, :n].copy(), response[:, :n].copy(), [n])
        np.testing.assert_array_equal(together.success[:, g], alone.success[:, 0])
        np.testing.assert_array_equal(together.look[:, g], alone.look[:, 0])


def test_prefixes_are_counted_by_arm() -> None:
    arm, response = trials(5, 20, 40)
    sizes = np.array([1, 7, 40])
    counts = count_prefixes(arm == 1, response, sizes)
    for m, size in enumerate(sizes):
        new, answer = arm[:, :size] == 1, response[:, :size]
        wanted = [new.sum(1), (new & answer).sum(1), (~new & answer).sum(1)]
        np.testing.assert_array_equal(counts[:, m, :], np.transpose(wanted))


def test_a_plan_of_an_unequal_ratio_looks_ahead_to_its_own_sizes() -> None:
    """Prediction to 30 patients, two new to one old, is to 20 and 10."""
    made = design(n=30, futility={"predictive_probability_below": 0.2})
    data = made.model_dump()
    data["allocation"] |= {"ratio": {"old": 1, "new": 2}, "block_sizes": (3,)}
    uneven = validate(OutcomeDesign, Located(data=data, source="design"))
    rule = binary_looks(uneven, 30)[0].futility
    assert isinstance(rule, Predictive)
    found = rule.probability(6, 3)
    for y1, y0 in itertools.product(range(7), range(4)):
        wanted = second.predictive_probability(y1, 6, y0, 3, 20, 10, flat_above(Fraction(9, 10)))
        assert found[y1, y0] == pytest.approx(wanted, abs=1e-12), (y1, y0)  # sums of 120 products


@pytest.mark.parametrize(("new", "old"), [(7, 5), (5, 7), (10, 2), (2, 10), (6, 6)])
def test_an_arm_beyond_its_plan_gets_no_more_patients(new: int, old: int) -> None:
    """Of 18 patients allocated alone by chance, 12 seen: more than 9 of one arm may be among them.

    The rest then all go to the other arm; without that there would be nothing to predict.
    """
    made = design(n=18, futility={"predictive_probability_below": 0.2})
    final = (max(9, new), 18 - max(9, new)) if old <= 9 else (18 - old, old)
    rule = binary_looks(made, 18)[0].futility
    assert isinstance(rule, Predictive)
    found = rule.probability(new, old)
    for y1, y0 in itertools.product(range(new + 1), range(old + 1)):
        wanted = second.predictive_probability(
            y1, new, y0, old, *final, flat_above(Fraction(9, 10))
        )
        assert found[y1, y0] == pytest.approx(wanted, abs=1e-12), (y1, y0)


# summed over all trials that can be


@pytest.mark.parametrize("name", ["flat", "futility by the posterior", "futility by prediction"])
def test_every_trial_decided_and_weighed_is_the_exact_power(name: str) -> None:
    """All 2**12 answers of 12 patients, allocated in turn and looked at after whole blocks."""
    futility = {
        "flat": None,
        "futility by the posterior": {"probability_of": "new > old", "below": 0.4},
        "futility by prediction": {"predictive_probability_below": 0.2},
    }[name]
    made = design(n=12, looks=[{"n": 4}, {"n": 8}, {"n": 12}], futility=futility)
    arm = np.tile([0, 1], (2**12, 6))
    response = (np.arange(2**12)[:, None] >> np.arange(12)) % 2 == 1
    found = decide(made, arm, response, [12])
    chances = np.array([0.35, 0.7])[arm]
    weight = np.where(response, chances, 1.0 - chances).prod(axis=1)
    truth = validate(
        OutcomeScenario, Located(data={"outcomes": {"old": 0.35, "new": 0.7}}, source="truth")
    )
    solved = solve_exactly(made, truth, 12)
    assert solved is not None
    exact = characteristics(made, truth, solved)
    ends = found.look[:, 0]
    for k in range(3):
        won = float(weight[found.success[:, 0] & (ends == k)].sum())
        # sums of 4,096 products
        assert exact.success[k] == pytest.approx(won, abs=1e-13)
        assert exact.reached[k] == pytest.approx(float(weight[ends >= k].sum()), abs=1e-13)
    assert exact.expected_n == pytest.approx(float((weight * (4 * (ends + 1))).sum()), abs=1e-12)
