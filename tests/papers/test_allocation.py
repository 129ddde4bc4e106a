"""Published allocation rules: Efron's biased coin and the imbalance measures of minimisation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from simtrial.cohort.allocation import imbalance_with
from simtrial.cohort.compiled import engine as compiled
from tests.agreement.scripted import design, simulate

TRIALS = 40_000


# RD-01. Efron B. Biometrika 1971;58:403-417, exact properties in Markaryan and Rosenberger, Ann
# Stat 2010;38:1546-1567: a coin of 2/3. Minimisation over one factor of one level is that coin.
# Simulated, so held to 1e-6 false alarm on 40,000 trials: a chance of balance to 1.2 points, a
# mean of |D| to 5 standard errors.
@pytest.mark.parametrize(
    ("n", "balance", "mean_abs", "variance"),
    [(10, 0.5300005, 1.1470812, 3.2444244), (50, 0.5004951, 1.3288423, 4.4053107)],
)
def test_minimisation_over_one_level_is_efron_s_coin(
    n: int, balance: float, mean_abs: float, variance: float
) -> None:
    scripted = design(
        arms={
            "placebo": {"infusions_like": "ivig"},
            "ivig": {"dose_g_per_kg": 1.0, "every_weeks": 4, "infusions": 1},
        },
        visits_weeks=[0, 1],
        allocation={
            "ratio": {"placebo": 1, "ivig": 1},
            "method": "minimisation",
            "strata": ["site"],
            "favoured": 2 / 3,
        },
        sample_size={"n": n},
    )
    arm = simulate(compiled.run, scripted, replicates=TRIALS).seen.arm
    difference = np.abs((2 * arm - 1).sum(axis=1))
    assert stats.binomtest(int((difference == 0).sum()), TRIALS, balance).pvalue >= 1e-6
    error = np.sqrt((variance - mean_abs**2) / TRIALS)
    assert abs(difference.mean() - mean_abs) < 5.0 * error


# RD-05. Tests of the package smallerize 0.5.0, test_get_ds_after_assignment: a level with 3 and 1
# patients. Our variance is n (n - 1) times the printed one, so that whole numbers stay whole.
@pytest.mark.parametrize(("arm", "spread", "variance"), [(0, 3.0, 4.5), (1, 1.0, 0.5)])
def test_imbalance_of_a_level_of_3_and_1(arm: int, spread: float, variance: float) -> None:
    counts, ones = np.array([3, 1]), np.ones(2)
    assert imbalance_with(counts, arm, ones, ones, False) == spread
    assert imbalance_with(counts, arm, ones, ones, True) / 2.0 == variance
