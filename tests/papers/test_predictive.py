"""Published predictive probabilities and a Goldilocks design worked out exactly."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.stats.binary.beta_binomial import Prior, posterior_tails
from simtrial.stats.binary.goldilocks import (
    GoldilocksDesign,
    SampleSizeLook,
    Sizes,
    goldilocks_characteristics,
    plan_goldilocks,
)
from simtrial.stats.binary.predictive import (
    ArmSoFar,
    posterior_success,
    predict_one_arm,
    predict_trial,
)
from simtrial.stats.binary.single_arm_bounds import predictive_bounds

# B-16. Lee JJ, Liu DD, Clin Trials 2008;5:93-106, p. 97 (PP = 0.5656), with more digits in
# phase1b's test-predprob.R and test-postprob.R; and that package's variant with a mixture, whose
# weights are given as 3 to 1.
BETA: Prior = (0.6, 0.4)
MIXTURE: Prior = ((0.75, 1, 1), (0.25, 25, 15))


@pytest.mark.parametrize(
    ("prior", "responders", "predicted"),
    [(BETA, 16, 0.5655589), (MIXTURE, 20, 0.9874430667)],
    ids=["beta", "mixture"],
)
def test_the_worked_example_of_lee_and_liu(prior: Prior, responders: int, predicted: float) -> None:
    final = posterior_success(prior, 40, rate=0.6, above=0.9)
    assert predict_one_arm(final, prior, 23)[responders] == pytest.approx(predicted, abs=1e-6)
    alone = predict_trial(final, ArmSoFar(prior, responders, 23))
    assert alone == pytest.approx(predicted, abs=1e-6)


def test_the_posterior_of_the_worked_example() -> None:
    assert posterior_tails(BETA, 23, 0.6)[16] == pytest.approx(0.8359808, abs=1e-6)


# B-18. ph2bayes, help page of stopbound_pred, example: where the futility bound rises, as
# (patients, responders), for 40 patients, Beta(0.6, 1.4), final P(p > 0.3) > 0.85, below 0.05.
def test_the_futility_bound_of_ph2bayes() -> None:
    bounds = predictive_bounds(
        range(1, 41), (0.6, 1.4), n_final=40, rate=0.3, above=0.85, futility_below=0.05
    )
    rises = [
        (n, bound)
        for n, bound, before in zip(bounds.n, bounds.lower, (-1, *bounds.lower), strict=False)
        if bound > before
    ]
    assert rises[:10] == [
        (4, 0),
        (8, 1),
        (11, 2),
        (14, 3),
        (17, 4),
        (20, 5),
        (22, 6),
        (25, 7),
        (27, 8),
        (29, 9),
    ]


# GD-03. The rule of Broglio KR, Connor JT, Berry SM, J Biopharm Stat 2014;24:685-705, one arm,
# with the last five enrolled pending at each look. The numbers are an enumeration made apart from
# this package, and agreed with 400,000 simulated trials.
@pytest.mark.parametrize(
    ("rate", "reject", "expected_n", "stop_success", "stop_futility"),
    [
        (
            0.2,
            0.088777,
            35.673643,
            (0.061051, 0.004813, 0.004134),
            (0.167126, 0.270651, 0.193043),
        ),
        (
            0.4,
            0.931732,
            28.922926,
            (0.596784, 0.093036, 0.095531),
            (0.005172, 0.007376, 0.005483),
        ),
    ],
    ids=["null", "alternative"],
)
def test_a_goldilocks_design_with_pending_outcomes(
    rate: float,
    reject: float,
    expected_n: float,
    stop_success: tuple[float, ...],
    stop_futility: tuple[float, ...],
) -> None:
    def final(sizes: Sizes) -> np.ndarray:
        return posterior_success((1, 1), sizes.treated, rate=0.2, above=0.95)

    design = GoldilocksDesign(
        looks=tuple(
            SampleSizeLook(
                enrolled=Sizes(n), completed=Sizes(n - 5), success_above=0.9, futility_below=0.05
            )
            for n in (20, 30, 40)
        ),
        maximum=Sizes(50),
        success=final,
        treated_prior=(1, 1),
    )
    assert [int(np.argmax(final(Sizes(n)))) for n in (20, 30, 40, 50)] == [7, 10, 13, 15]
    found = goldilocks_characteristics(plan_goldilocks(design), treated_rate=rate)
    assert found.success == pytest.approx(reject, abs=2e-6)
    assert found.expected_n == pytest.approx(expected_n, abs=2e-6)
    assert found.stop_success == pytest.approx(stop_success, abs=2e-6)
    assert found.stop_futility == pytest.approx(stop_futility, abs=2e-6)
