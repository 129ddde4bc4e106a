"""Losses and selection in a run-in against theory.

False-alarm rate of each check 1e-6, both sides together; thresholds were fixed before the seed.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.snapshot import SCREENING_FAILURES
from tests.agreement.scripted import design, simulate

FALSE_ALARM = 1e-6
NOTHING = {"none": {"no_infusions": True}}
LOST, RESPONSE = (SCREENING_FAILURES.index(f"run_in_{why}") for why in ("lost", "response"))


@pytest.mark.parametrize("weeks", [4, 24])
def test_the_share_lost_in_a_run_in_is_that_of_an_exponential_dropout(weeks):
    """Sees a rate that is wrong by 6 % (24 weeks): 40,000 candidates, five standard errors."""
    scripted = design(arms=NOTHING, run_in={"weeks": weeks}, sample_size={"n": 2_000})
    seen = simulate(compiled.run, scripted, replicates=10, **{"dropout_16_weeks": 0.3}).seen
    lost, entered = int(seen.failures[:, LOST].sum()), int((seen.arm >= 0).sum())
    # each trial ends with a patient who is randomised: the others before him are independent
    others = lost + entered - 10
    p = 1.0 - 0.7 ** (weeks / 16)
    assert binom.cdf(lost, others, p) > FALSE_ALARM / 2
    assert binom.sf(lost - 1, others, p) > FALSE_ALARM / 2


def test_losses_in_the_run_in_and_after_it_are_independent():
    """A patient who got through is lost later as often as one of a trial without a run-in."""
    changes = {"arms": NOTHING, "sample_size": {"n": 2_000}}
    numbers = {"dropout_16_weeks": 0.3}
    seen = simulate(
        compiled.run, design(**changes, run_in={"weeks": 24}), replicates=10, **numbers
    ).seen
    left, n = int((seen.left_minute >= 0).sum()), int((seen.arm >= 0).sum())
    p = 1.0 - 0.7 ** (12 / 16)
    assert n == 20_000
    # one address for both losses would leave the survivors of 24 weeks with u below 0.59
    assert abs(left - n * p) < norm.isf(FALSE_ALARM / 2) * np.sqrt(n * p * (1 - p))


def test_a_score_without_errors_selects_responders_and_hardly_misses_one():
    """Without errors, who responds is who reaches the score: selection leaves responders only."""
    courses = [{"week": 0, "dose_g_per_kg": 2.0}]
    scripted = design(
        arms=NOTHING,
        run_in={"weeks": 3, "courses": courses, "enter_if_tis_at_least": 20},
        sample_size={"n": 2_000},
    )
    cohort = simulate(compiled.run, scripted, replicates=5, **{"p_response[DM, refractory]": 0.4})
    seen, truth = cohort.seen, cohort.truth
    assert truth.responds.all()
    failed, entered = int(seen.failures[:, RESPONSE].sum()), int((seen.arm >= 0).sum())
    # responders who could improve by 20 points: all but those who are nearly well at the start
    reach = entered / (0.4 * (failed + entered))
    assert 0.9 < reach < 1.0 + 6.0 / np.sqrt(entered)
