"""Who comes, before anybody is selected: marginals, copula, age, weight and prednisolone.

False alarm of every check: 1e-6, both sides together. 200,000 candidates: the statistic of
Kolmogorov and Smirnov sees a distribution function that is off by 0.7 points anywhere with
probability 0.95, so a location that is off by 0.02 standard deviations or a spread by 3 %.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.course import course_table
from simtrial.cohort.protocol import protocol_of
from simtrial.cohort.truth import Cohort
from simtrial.myositis.measures import MEASURES
from tests.agreement.scripted import PLAIN, arrivals, design
from tests.statistical.exact import FALSE_ALARM, assert_count

N = 200_000
ERRORS = 4.9  # standard errors that are exceeded once in a million, two-sided
HIGHEST = {"physician": 10.0, "patient": 10.0, "extramuscular": 10.0, "haq": 3.0, "mmt": 1.0}
LOCATION = {
    "physician": 0.3,
    "patient": -0.4,
    "extramuscular": -1.2,
    "haq": 0.1,
    "mmt": 1.1,
    "enzyme": 1.0,
}
SCALE = {
    "physician": 0.9,
    "patient": 0.5,
    "extramuscular": 1.3,
    "haq": 0.7,
    "mmt": 0.8,
    "enzyme": 1.5,
}
LOWEST_CK, HIGHEST_CK = math.log(0.2), math.log(250.0)
# no two of the fifteen correlations are alike; signs differ
CORRELATION = np.array(
    [
        [1.00, 0.62, 0.41, 0.33, -0.47, 0.12],
        [0.62, 1.00, 0.28, 0.51, -0.36, 0.05],
        [0.41, 0.28, 1.00, 0.17, -0.09, -0.14],
        [0.33, 0.51, 0.17, 1.00, -0.56, 0.21],
        [-0.47, -0.36, -0.09, -0.56, 1.00, -0.31],
        [0.12, 0.05, -0.14, 0.21, -0.31, 1.00],
    ]
)
FEMALE, TAKES, MEDIAN_MG, LOG_SD_MG = 0.63, 0.7, 12.0, 0.8
VALUES = (
    {f"baseline.{m}.location": LOCATION[m] for m in MEASURES}
    | {f"baseline.{m}.scale": SCALE[m] for m in MEASURES}
    | {
        "female_share": FEMALE,
        "age.location": 0.2,
        "age.scale": 0.8,
        "weight.women": 66.0,
        "weight.men": 83.0,
        "weight.log_sd": 0.22,
        "prednisolone_share[refractory]": TAKES,
        "prednisolone.median": MEDIAN_MG,
        "prednisolone.log_sd": LOG_SD_MG,
        "juvenile.age.location": -0.3,
        "juvenile.age.scale": 0.9,
    }
)


@cache
def people(age_group: str = "adult") -> Cohort:
    """Simulate 200,000 candidates, each of whom enters."""
    group = {"subtypes": {"DM": 1.0}, "line": "refractory", "mmt": "MMT8_150"}
    scripted = design(population=group | {"age_group": age_group}, sample_size={"n": 10_000})
    table = course_table(
        scripted,
        {name: np.array([value]) for name, value in (PLAIN | VALUES).items()},
        CORRELATION,
        np.zeros(1),
        drug_works=True,
    )
    cohort = compiled.run(
        protocol_of(scripted), table, arrivals(), seed=911, first=0, last=20, n=10_000
    )
    assert cohort.seen.failures.sum() == 0
    return cohort


def free(measure: str) -> NDArray[np.float64]:
    """Return (N,) latent baselines on the free scale, in standard deviations."""
    latent = people().truth.baseline[..., MEASURES.index(measure)].ravel()
    x = latent if measure == "enzyme" else logit(latent / HIGHEST[measure])
    return (x - LOCATION[measure]) / SCALE[measure]


def logit(share: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(share / (1.0 - share))


def assert_normal(z: NDArray[np.float64]) -> None:
    assert stats.kstest(z, "norm").pvalue >= FALSE_ALARM


@pytest.mark.parametrize("measure", [m for m in MEASURES if m != "enzyme"])
def test_measures_are_logit_normal_within_their_bounds(measure: str) -> None:
    latent = people().truth.baseline[..., MEASURES.index(measure)]
    assert latent.min() > 0.0
    assert latent.max() < HIGHEST[measure]
    assert_normal(free(measure))


@pytest.mark.parametrize("quantile", [0.02, 0.25, 0.5, 0.75, 0.97])
def test_creatine_kinase_is_log_normal_and_held_at_its_bounds(quantile: float) -> None:
    latent = people().truth.baseline[..., 5].ravel()
    low, high = (
        (bound - LOCATION["enzyme"]) / SCALE["enzyme"] for bound in (LOWEST_CK, HIGHEST_CK)
    )
    # to rounding: the bounds are logarithms
    at_low, at_high = np.isclose(latent, LOWEST_CK), np.isclose(latent, HIGHEST_CK)
    assert_count(int(at_low.sum()), N, float(stats.norm.cdf(low)), what="at 0.2")
    assert_count(int(at_high.sum()), N, float(stats.norm.sf(high)), what="at 250")
    assert latent.min() >= LOWEST_CK - 1e-12
    assert latent.max() <= HIGHEST_CK + 1e-12
    below = LOCATION["enzyme"] + SCALE["enzyme"] * float(stats.norm.ppf(max(quantile, 0.05)))
    share = max(quantile, 0.05)
    assert_count(int((latent < below).sum()), N, share, what=f"below the {share} quantile")


# 15 checks. The standard error of a correlation r of normals is (1 - r^2)/sqrt(N): it sees a
# shift of 0.013. Creatine kinase is held at its bounds in about 4 % of candidates, which is left
# out by correlating with it only where the other end is free: those within its bounds shrink the
# correlation, so it is compared by rank quadrants about the medians, which no bound moves.
@pytest.mark.parametrize("i", range(5))
def test_the_six_measures_have_the_stated_correlations_on_the_free_scale(i: int) -> None:
    for j in range(i + 1, 6):
        stated, one, other = CORRELATION[i, j], free(MEASURES[i]), free(MEASURES[j])
        if MEASURES[j] == "enzyme":
            same = (one > 0.0) == (other > 0.0)
            share = 0.5 + math.asin(stated) / math.pi
            assert_count(int(same.sum()), N, share, what=f"same side, {MEASURES[i]} and enzyme")
            continue
        found = float(np.corrcoef(one, other)[0, 1])
        assert abs(found - stated) < ERRORS * (1.0 - stated**2) / math.sqrt(N), (i, j, found)


def test_age_weight_sex_and_prednisolone_are_independent_of_each_other_and_of_the_measures() -> (
    None
):
    seen = people().seen
    sex = seen.female.ravel()
    median = np.where(sex, 66.0, 83.0)
    columns = [
        logit((seen.age.ravel() - 18.0) / 77.0),
        np.log(seen.weight.ravel() / median),
        sex.astype(float),
        (seen.prednisolone[..., 0].ravel() > 0.0).astype(float),
    ]
    for k, one in enumerate(columns):
        for other in (*columns[k + 1 :], *(free(m) for m in MEASURES)):
            # of independent variables a correlation has variance 1/N, whatever their laws
            assert abs(np.corrcoef(one, other)[0, 1]) < ERRORS / math.sqrt(N)


def test_adults_are_logit_normal_in_age_from_18_to_95() -> None:
    assert_normal((logit((people().seen.age.ravel() - 18.0) / 77.0) - 0.2) / 0.8)


@pytest.mark.parametrize(("female", "median"), [(True, 66.0), (False, 83.0)])
def test_weights_are_log_normal_around_the_median_of_each_sex(female: bool, median: float) -> None:
    seen = people().seen
    assert_count(int(seen.female.sum()), N, FEMALE, what="women")
    assert_normal(np.log(seen.weight[seen.female == female] / median) / 0.22)


def test_juveniles_are_logit_normal_in_age_and_their_weight_follows_it() -> None:
    seen = people("juvenile").seen
    age = seen.age.ravel()
    assert_normal((logit((age - 2.0) / 16.0) + 0.3) / 0.9)
    median = PLAIN["juvenile.weight.at_2"] + PLAIN["juvenile.weight.per_year"] * (age - 2.0)
    z = np.log(seen.weight.ravel() / median) / PLAIN["juvenile.weight.log_sd"]
    assert_normal(z)
    assert_normal(z[age < 6.0])
    assert_normal(z[age > 12.0])


# rounded to tablets of 2.5 mg, at least one: at most d is below d + 1.25
@pytest.mark.parametrize("mg", [0.0, 2.5, 5.0, 10.0, 20.0, 40.0])
def test_doses_at_entry_are_none_or_log_normal_in_tablets(mg: float) -> None:
    dose = people().seen.prednisolone[..., 0]
    share = 1.0 - TAKES
    if mg > 0.0:
        share += TAKES * float(stats.norm.cdf(math.log((mg + 1.25) / MEDIAN_MG) / LOG_SD_MG))
    assert_count(int((dose <= mg).sum()), N, share, what=f"{mg} mg or fewer")
    assert ((dose / 2.5) % 1.0 == 0.0).all()
