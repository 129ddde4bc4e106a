"""Beta-binomial transitions and predictive probabilities, against exact fractions."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from simtrial.core.errors import DomainError
from simtrial.stats.binary.beta_binomial import (
    Prior,
    further_responders,
    posterior_tails,
    transition,
    weights_after,
)
from simtrial.stats.binary.predictive import (
    ArmSoFar,
    posterior_success,
    predict_one_arm,
    predict_trial,
    predict_two_arms,
)

FLAT: Prior = (1.0, 1.0)
HALF: Prior = (0.5, 0.5)
PILED: Prior = (0.25, 0.75)  # infinite at both ends
MIXTURE: Prior = ((0.75, 4.0, 8.0), (0.25, 1.0, 1.0))
THREE: Prior = ((0.5, 0.5, 0.5), (0.25, 16.0, 4.0), (0.25, 2.0, 6.0))
PRIORS = {
    "flat": FLAT,
    "Jeffreys": HALF,
    "piled up": PILED,
    "one end": (0.5, 3.0),
    "other end": (3.0, 0.5),
    "informative": (12.0, 5.0),
    "mixture": MIXTURE,
    "three": THREE,
}
# each element is a product of some tens of ratios, each rounded
RELATIVE = 1e-13
every_prior = pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS.keys())


# --- exact, in fractions: the parameters above are fractions of 2 ---------------------------------


def rising(a: Fraction, k: int) -> Fraction:
    return math.prod((a + i for i in range(k)), start=Fraction(1))


def exact_row(prior: Prior, y: int, n: int, m: int) -> list[Fraction]:
    """Chances of 0..m further responders: prior times sequences, counted, then conditioned."""
    parts = prior if isinstance(prior[0], tuple) else ((1.0, *prior),)
    chances = []
    for k in range(m + 1):
        total = Fraction(0)
        for weight, a, b in ([Fraction(v) for v in part] for part in parts):
            both = rising(a, y + k) * rising(b, n - y + m - k) / rising(a + b, n + m)
            total += weight * both
        chances.append(math.comb(m, k) * total)
    whole = sum(chances)
    return [chance / whole for chance in chances]


@every_prior
@pytest.mark.parametrize(("n", "n_final"), [(0, 7), (3, 3), (4, 11), (9, 10), (0, 0)])
def test_a_transition_is_the_exact_one(prior: Prior, n: int, n_final: int) -> None:
    found = transition(prior, n, n_final)
    want = np.zeros((n + 1, n_final + 1))
    for y in range(n + 1):
        want[y, y : y + n_final - n + 1] = [float(v) for v in exact_row(prior, y, n, n_final - n)]
    np.testing.assert_allclose(found, want, rtol=RELATIVE, atol=0)


def test_a_transition_of_two_thousand_patients_is_exact_in_every_element() -> None:
    n, n_final = 1000, 2000
    found = transition((2.0, 3.0), n, n_final)
    for y in (0, 1, 330, 999, 1000):
        alpha, beta, m = 2 + y, 3 + n - y, n_final - n
        whole = math.comb(alpha + beta + m - 1, m)
        for k in (0, 1, 250, 331, 500, 999, 1000):
            ways = math.comb(alpha + k - 1, k) * math.comb(beta + m - k - 1, m - k)
            want = float(Fraction(ways, whole))
            # at most 1,000 steps from the largest element, each of a few roundings of 1.1e-16
            assert found[y, y + k] == pytest.approx(want, rel=1e-12, abs=1e-290), (y, k)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=0, atol=1e-12)


@every_prior
def test_all_patients_seen_leave_nothing_to_predict(prior: Prior) -> None:
    # the weights of a mixture sum to 1 but for a rounding each
    np.testing.assert_allclose(transition(prior, 6, 6), np.eye(7), rtol=4e-16, atol=0)


@every_prior
def test_two_steps_are_one_step(prior: Prior) -> None:
    whole = transition(prior, 5, 40)
    np.testing.assert_allclose(
        transition(prior, 5, 17) @ transition(prior, 17, 40), whole, rtol=1e-11, atol=1e-15
    )


def test_counting_the_others_mirrors_the_transition() -> None:
    found = transition((0.5, 3.0), 8, 30)
    np.testing.assert_allclose(
        transition((3.0, 0.5), 8, 30), found[::-1, ::-1], rtol=RELATIVE, atol=0
    )


def test_data_reweight_the_components_of_a_mixture() -> None:
    y, n = 7, 9
    parts = [[Fraction(v) for v in part] for part in THREE]  # type: ignore[union-attr]
    likely = [w * rising(a, y) * rising(b, n - y) / rising(a + b, n) for w, a, b in parts]
    want = [float(v / sum(likely)) for v in likely]
    # log gammas of arguments up to 30 are rounded to 1e-14
    np.testing.assert_allclose(weights_after(THREE, y, n), want, rtol=1e-13)


def test_weights_survive_data_that_no_component_foretold() -> None:
    prior: Prior = ((0.5, 2000.0, 2000.0), (0.5, 3000.0, 1000.0))
    weights = weights_after(prior, 0, 2000)  # both likelihoods are below 1e-500
    assert weights == pytest.approx([1.0, 0.0], abs=1e-12)
    assert further_responders(prior, 3, 0, 2000).sum() == pytest.approx(1.0, abs=1e-14)


@every_prior
def test_an_object_with_components_is_a_prior(prior: Prior) -> None:
    class Listed:
        def components(self) -> tuple[tuple[float, float, float], ...]:
            return prior if isinstance(prior[0], tuple) else ((1.0, *prior),)

    np.testing.assert_array_equal(transition(Listed(), 3, 9), transition(prior, 3, 9))


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.625, 1.0])
def test_a_posterior_tail_is_a_binomial_sum(rate: float) -> None:
    # P(p > r), p ~ Beta(a, b) of whole numbers: fewer than a successes in a + b - 1 trials at r
    n, parts, r = 9, ((0.25, 1, 1), (0.75, 6, 3)), Fraction(rate)
    found = posterior_tails(tuple((w, float(a), float(b)) for w, a, b in parts), n, rate)
    for y in range(n + 1):
        total, whole = Fraction(0), Fraction(0)
        for w, a, b in parts:
            likely = Fraction(w) * rising(Fraction(a), y) * rising(Fraction(b), n - y)
            likely /= rising(Fraction(a + b), n)
            m = a + b + n - 1
            tail = sum(math.comb(m, j) * r**j * (1 - r) ** (m - j) for j in range(a + y))
            total, whole = total + likely * tail, whole + likely
        assert found[y] == pytest.approx(float(total / whole), rel=1e-12, abs=1e-15)


# --- predictive probabilities -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"), [(FLAT, HALF), (MIXTURE, FLAT), (THREE, MIXTURE)], ids=str
)
def test_two_arms_are_the_sum_over_every_future(first: Prior, second: Prior) -> None:
    n, n_final = (2, 3), (6, 5)
    generator = np.random.default_rng(1)
    success = generator.random((n_final[0] + 1, n_final[1] + 1)) < 0.5  # no structure to lean on
    found = predict_two_arms(success, (first, second), n)
    assert found.shape == (3, 4)
    for y1, y0 in itertools.product(range(3), range(4)):
        row1, row0 = exact_row(first, y1, 2, 4), exact_row(second, y0, 3, 2)
        want = sum(
            row1[i] * row0[j]
            for i, j in itertools.product(range(5), range(3))
            if success[y1 + i, y0 + j]
        )
        assert found[y1, y0] == pytest.approx(float(want), rel=1e-13, abs=1e-15)
        alone = predict_trial(success, ArmSoFar(first, y1, 2), ArmSoFar(second, y0, 3))
        assert alone == pytest.approx(float(want), rel=1e-13, abs=1e-15)


def test_one_arm_is_the_sum_over_every_future() -> None:
    success = np.array([0, 0, 1, 0, 1, 1, 1, 0], np.bool_)
    found = predict_one_arm(success, THREE, 4)
    for y in range(5):
        want = sum(
            chance * int(success[y + k]) for k, chance in enumerate(exact_row(THREE, y, 4, 3))
        )
        assert found[y] == pytest.approx(float(want), rel=1e-13)
        assert predict_trial(success, ArmSoFar(THREE, y, 4)) == pytest.approx(found[y], rel=1e-13)


def test_five_hundred_patients_an_arm_are_predicted_to_twelve_digits() -> None:
    # success: at least 260 responders of arm 1 and at most 240 of arm 0, a product of exact sums
    size, look = 500, 250
    success = np.zeros((size + 1, size + 1), np.bool_)
    success[260:, :241] = True
    found = predict_two_arms(success, (FLAT, FLAT), (look, look))
    whole = math.comb(size + 1, size - look)
    for y1, y0 in ((125, 125), (128, 121), (110, 140)):
        high = sum(
            math.comb(y1 + k, k) * math.comb(look - y1 + look - k, look - k)
            for k in range(260 - y1, look + 1)
        )
        low = sum(
            math.comb(y0 + k, k) * math.comb(look - y0 + look - k, look - k)
            for k in range(241 - y0)
        )
        want = float(Fraction(high, whole) * Fraction(low, whole))
        assert found[y1, y0] == pytest.approx(want, abs=1e-12)


def test_the_mean_of_what_will_be_predicted_is_what_is_predicted_now() -> None:
    success = np.add.outer(np.arange(31), -np.arange(21)) > 7
    now = predict_two_arms(success, (MIXTURE, HALF), (0, 0))[0, 0]
    later = predict_two_arms(success, (MIXTURE, HALF), (18, 11))
    mean = further_responders(MIXTURE, 18) @ later @ further_responders(HALF, 11)
    assert mean == pytest.approx(now, rel=1e-12)


def test_pending_patients_are_patients_to_come() -> None:
    # 15 outcomes of 20 enrolled: the five pending are predicted, the 20 not yet enrolled are not
    enrolled = posterior_success(FLAT, 20, rate=0.3, above=0.9)
    found = predict_one_arm(enrolled, FLAT, 15)
    row = exact_row(FLAT, 6, 15, 5)
    want = sum(chance for k, chance in enumerate(row) if enrolled[6 + k])
    assert 0.0 < want < 1.0
    assert found[6] == pytest.approx(float(want), rel=1e-13)


def test_an_arm_without_patients_changes_nothing() -> None:
    success = np.arange(13) > 5
    alone = predict_one_arm(success, HALF, 7)
    with_nobody = predict_two_arms(success[:, None], (HALF, THREE), (7, 0))
    np.testing.assert_allclose(with_nobody[:, 0], alone, rtol=1e-15)


def test_a_chance_of_success_may_stand_where_a_decision_stands() -> None:
    chance = np.linspace(0.0, 1.0, 11)
    # linear in the count, so the prediction is that of the expected count
    mean = 3 + 6 * (1 + 3) / (2 + 4)
    assert predict_one_arm(chance, FLAT, 4)[3] == pytest.approx(mean / 10, rel=1e-13)
    assert predict_trial(chance, ArmSoFar(FLAT, 3, 4)) == pytest.approx(mean / 10, rel=1e-13)
    whole = np.arange(11) > 6
    assert predict_trial(whole.astype(np.int64), ArmSoFar(FLAT, 3, 4)) == predict_trial(
        whole, ArmSoFar(FLAT, 3, 4)
    )


def test_a_posterior_equal_to_the_threshold_is_not_above_it() -> None:
    # under a flat prior half of an even number gives exactly one half
    for n in range(2, 200, 2):
        decided = posterior_success(FLAT, n, rate=0.5, above=0.5)
        assert not decided[n // 2] and decided[n // 2 + 1]


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prior", "said"),
    [
        ((0.0, 1.0), r"\(0, 1\); both must be from 1e-06 to 1e\+06, such as \(1, 1\)"),
        ((1.0, math.nan), r"\(1, nan\); both"),
        ((), r"no component; give one or more"),
        (((0.5, 1, 1), (0.4, 2, 2)), r"weights are \(0.5, 0.4\).*together they must be 1"),
        (((-0.5, 1, 1), (1.5, 2, 2)), r"weights are \(-0.5, 1.5\); each must be above 0"),
    ],
)
def test_what_is_no_prior_is_refused(prior: Prior, said: str) -> None:
    with pytest.raises(DomainError, match=said):
        transition(prior, 3, 5)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: transition(FLAT, 5, 4), r"n_final is 4 and n is 5;.*such as n_final=15"),
        (lambda: transition(FLAT, -1, 4), r"n is -1; it is a whole number.*n=40"),
        (lambda: further_responders(FLAT, 3, 4, 3), r"4 responders of 3 patients cannot be"),
        (lambda: posterior_tails(FLAT, 3, 1.5), r"rate is 1.5; a rate lies in 0..1"),
        (lambda: predict_one_arm([[0, 1]], FLAT, 1), r"shape \(1, 2\); give 1 axes.*\(41,\)"),
        (lambda: predict_one_arm([0, 2], FLAT, 1), r"success holds 2; its elements are chances"),
        (lambda: predict_one_arm([0, math.nan], FLAT, 1), r"success holds nan"),
        (
            lambda: predict_two_arms(np.ones((4, 4)), (FLAT, FLAT), (2, 9)),
            r"n_final is 3 and n is 9",
        ),
        (
            lambda: predict_trial(np.ones((4, 4)), ArmSoFar(FLAT, 1, 2)),
            r"success has 2 axes and there are 1 arms",
        ),
        (
            lambda: predict_trial(np.ones(4), ArmSoFar(FLAT, 1, 5)),
            r"outcomes of 5 patients and the table of final success ends at 3",
        ),
        (
            lambda: predict_trial(np.full(4, 2.0), ArmSoFar(FLAT, 1, 2)),
            r"predictive probability of 2; its elements must be in 0..1",
        ),
        (
            lambda: posterior_success(FLAT, 4, rate=0.2, above=95),
            r"above is 95; a probability lies in 0..1, such as above=0.95",
        ),
    ],
)
def test_what_cannot_be_predicted_is_refused(call, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DomainError, match=said):
        call()
