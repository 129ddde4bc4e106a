"""Enzymes, missing measures and minutes of visits come as often as their parameters say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from simtrial.cohort.compiled import engine as compiled
from simtrial.core.units import MINUTES_PER_DAY
from simtrial.myositis.enzymes import OTHERS
from tests.agreement.scripted import design, simulate
from tests.statistical.exact import assert_count

# everybody may enter, so candidates are those who are seen
RAISED = {"aldolase": 0.65, "ldh": 0.6, "ast": 0.51, "alt": 0.43}
SCALES = {"aldolase": 0.8, "ldh": 0.5, "ast": 0.8, "alt": 0.8}
VALUES = {
    **{f"enzyme.{name}.raised": share for name, share in RAISED.items()},
    **{f"enzyme.{name}.scale": scale for name, scale in SCALES.items()},
    "enzyme.correlation": 0.6,
    "baseline.enzyme.scale": 0.5,
    "missing.visit": 0.1,
    "missing.item.haq": 0.2,
    "missing.item.enzyme": 0.05,
}
N = 500 * 200
ERRORS = 4.9  # standard errors that are exceeded once in a million, two-sided


@pytest.fixture(scope="module")
def cohort():
    """100,000 patients with windows of two days."""
    wide = design(visit_window_days=2, sample_size={"n": 200})
    return simulate(compiled.run, wide, replicates=500, **VALUES)


# 4 checks, 1e-6 each; they see a share that is off by one point with probability 0.95
@pytest.mark.parametrize("name", OTHERS)
def test_the_stated_share_of_candidates_has_an_enzyme_above_normal(cohort, name):
    above = cohort.truth.other_enzymes[..., OTHERS.index(name)] > 0.0
    assert_count(int(above.sum()), N, RAISED[name], what=f"{name} raised")


# 10 checks. The standard error of a correlation r of normals is (1 - r^2)/sqrt(N): they see a
# shift of 0.014 with probability 0.95. Nobody lies at the bounds of a latent enzyme: 1.6 log units
# are more than 3 standard deviations, which shifts a correlation by less than 0.001.
def test_any_two_of_five_enzymes_are_correlated_as_stated(cohort):
    latent = np.concatenate(
        [cohort.truth.baseline[..., 5:], cohort.truth.other_enzymes], axis=2
    ).reshape(-1, 5)
    found = np.corrcoef(latent.T)[np.triu_indices(5, 1)]
    error = (1.0 - 0.6**2) / math.sqrt(N)
    assert np.abs(found - 0.6).max() < ERRORS * error + 0.001


# 3 visits are independent of each other: 300,000 visits
def test_visits_are_missed_as_often_as_stated(cohort):
    came = cohort.seen.visit_minute[..., 1:] >= 0
    assert_count(int((~came).sum()), came.size, 0.1, what="missed visits")


@pytest.mark.parametrize(("k", "chance"), [(3, 0.2), (5, 0.05), (0, 0.0)])
def test_measures_are_missing_at_attended_visits_as_often_as_stated(cohort, k, chance):
    came = cohort.seen.visit_minute[..., 1:] >= 0
    gone = np.isnan(cohort.seen.measures[..., 1:, k])[came]
    assert_count(int(gone.sum()), int(came.sum()), chance, what=f"measure {k} missing")


def test_missing_measures_of_a_visit_are_independent_of_each_other(cohort):
    came = cohort.seen.visit_minute[..., 1:] >= 0
    both = np.isnan(cohort.seen.measures[..., 1:, [3, 5]])[came].all(axis=1)
    assert_count(int(both.sum()), int(came.sum()), 0.2 * 0.05, what="HAQ and enzyme missing")


# The minutes are even on 5,760 values: the statistic of Kolmogorov and Smirnov against an even
# density differs from the discrete one by at most 1/5,760.
def test_visits_take_place_evenly_within_their_window(cohort):
    minute = cohort.seen.visit_minute[..., 2]
    window = 2 * MINUTES_PER_DAY
    off = (minute[minute >= 0] - 8 * 7 * MINUTES_PER_DAY + window) / (2 * window)
    assert off.min() >= 0.0 and off.max() < 1.0
    distance = stats.kstest(off, "uniform").statistic
    assert distance < stats.kstwo.isf(1e-6, off.size) + 1.0 / (2 * window)
