"""What the improvement score shows when nothing has changed: six correlated errors of change.

Setting (a worked example of the project's notes on the score, 4,000,000 draws): no true change,
continuous values, the six changes jointly normal with correlation 0.3; standard deviations of a
change of 1.0, 1.5 and 2.0 cm of each scale of 10 cm, 4, 6 and 8 points of an MMT of 150, 0.25, 0.38
and 0.5 of HAQ, and 6, 9 and 12 % of the enzyme's range.

The answer needs no draws. Given what the six share, the points of the measures are independent,
so the distribution of their sum is a convolution on multiples of 2.5; one integral over the shared
normal is left. It is written here from the published table, without the project's.
"""

from __future__ import annotations

import math
from functools import cache

import numba
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from simtrial.myositis.tis import improvement_score
from tests.statistical.exact import assert_count

CORRELATION = 0.3
# physician, patient, extramuscular (cm), HAQ, MMT (points), enzyme (x ULN, of 15)
RANGES = (10.0, 10.0, 10.0, 3.0, 150.0, 15.0)
SETTINGS = {
    1.0: (1.0, 1.0, 1.0, 0.25, 4.0, 0.06 * 15.0),
    1.5: (1.5, 1.5, 1.5, 0.38, 6.0, 0.09 * 15.0),
    2.0: (2.0, 2.0, 2.0, 0.5, 8.0, 0.12 * 15.0),
}
PRINTED = {1.0: (10.70, 0.2093), 1.5: (15.26, 0.3428), 2.0: (18.84, 0.4323)}
# Aggarwal 2017, table 3: upper ends of the first four bands (per cent), points of the other four
USUAL, OF_MMT = (5.0, 15.0, 25.0, 40.0), (2.0, 10.0, 20.0, 30.0)
TABLE = (
    (USUAL, (7.5, 15.0, 17.5, 20.0)),
    (USUAL, (2.5, 5.0, 7.5, 10.0)),
    (USUAL, (7.5, 12.5, 15.0, 20.0)),
    (USUAL, (5.0, 7.5, 7.5, 10.0)),
    (OF_MMT, (10.0, 20.0, 27.5, 32.5)),
    (USUAL, (2.5, 5.0, 7.5, 7.5)),
)
BEFORE = np.array([5.0, 5.0, 5.0, 1.5, 100.0, 10.0])
ERRORS = 4.9  # standard errors that are exceeded once in a million, two-sided
NODES = 601


@cache
def distribution(setting: float) -> NDArray[np.float64]:
    """Return (41,) the chances of scores 0, 2.5, ..., 100."""
    # equal steps are as good as any nodes where a normal falls off at both ends
    shared_normal = np.linspace(-9.0, 9.0, NODES)
    weight = stats.norm.pdf(shared_normal)
    total = np.zeros(41)
    for shared, w in zip(shared_normal, weight / weight.sum(), strict=True):
        sums = np.ones(1)
        for k, (cuts, points) in enumerate(TABLE):
            sd = SETTINGS[setting][k] / RANGES[k] * 100.0
            middle = sd * math.sqrt(CORRELATION) * shared
            above = stats.norm.sf(np.array(cuts), middle, sd * math.sqrt(1.0 - CORRELATION))
            chances = np.zeros(14)
            chances[0] = 1.0 - above[0]
            for band, score in enumerate(points):
                chances[round(score / 2.5)] += above[band] - (above[band + 1] if band < 3 else 0.0)
            sums = np.convolve(sums, chances)
        total += w * sums[:41]
    return total


def mean_and_sd(setting: float) -> tuple[float, float]:
    p, scores = distribution(setting), 2.5 * np.arange(41)
    mean = float(p @ scores)
    return mean, math.sqrt(float(p @ scores**2) - mean**2)


def at_least_20(setting: float) -> float:
    return float(distribution(setting)[8:].sum())


@numba.njit
def scores_of(changes, before):
    out = np.empty(changes.shape[0])
    for i in range(changes.shape[0]):
        out[i] = improvement_score(before, before + changes[i], 150)
    return out


def simulated(setting: float, n: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return the scores of n patients in whom nothing has changed."""
    shared = generator.standard_normal((n, 1))
    errors = generator.standard_normal((n, 6))
    errors = math.sqrt(CORRELATION) * shared + math.sqrt(1.0 - CORRELATION) * errors
    return scores_of(errors * np.array(SETTINGS[setting]) * [1, 1, 1, 1, -1, 1], BEFORE)


def check(setting: float, seed: int, batches: int, size: int) -> None:
    generator = np.random.default_rng([seed, round(10 * setting)])
    total, hits, n = 0.0, 0, batches * size
    for _ in range(batches):
        scores = simulated(setting, size, generator)
        total, hits = total + float(scores.sum()), hits + int((scores >= 20.0).sum())
    mean, sd = mean_and_sd(setting)
    what = f"changes of {setting:g} cm, seed {seed}"
    assert abs(total / n - mean) < ERRORS * sd / math.sqrt(n), what
    p = at_least_20(setting)
    assert_count(hits, n, p, p, what=what)


each_setting = pytest.mark.parametrize("setting", SETTINGS)


@each_setting
def test_the_distribution_is_whole_and_has_the_printed_mean_and_share(setting):
    # 4,000,000 draws: a standard error of 0.00025 of the share, of up to 0.011 points of the mean
    assert distribution(setting).sum() == pytest.approx(1.0, abs=1e-12)
    mean, share = PRINTED[setting]
    assert mean_and_sd(setting)[0] == pytest.approx(mean, abs=ERRORS * 0.011)
    assert at_least_20(setting) == pytest.approx(share, abs=ERRORS * 0.00025 + 0.00005)


# 6 checks, 1e-6 each. With 200,000 patients they see a share that is off by 0.7 points, or a mean
# that is off by 0.25, with probability 0.95: a band moved by one tenth of a per cent is not seen,
# a wrong number of points in the first or second band of any measure is.
@each_setting
def test_without_any_change_the_score_is_as_high_as_errors_make_it(setting):
    check(setting, seed=20_261_124, batches=1, size=200_000)


# 100,000,000 draws each (about two minutes): sees a share that is off by 0.03 points
@pytest.mark.verify
@each_setting
def test_without_any_change_the_score_is_as_high_as_errors_make_it_in_the_long_run(setting):
    check(setting, seed=20_261_125, batches=200, size=500_000)
