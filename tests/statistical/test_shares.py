"""Shares and rates of patients: who comes, who responds, who is rescued, who leaves, how fast.

False alarm of every check: 1e-6, both sides together, from exact binomial or Poisson tails.
With 200,000 patients a share of 0.5 that is off by 0.8 points is seen with probability 0.95, one
of 0.1 that is off by 0.5 points.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import poisson

from simtrial.cohort.truth import Cohort
from simtrial.core.units import minutes_from_weeks
from tests.statistical.cohorts import demo, ready, simulate
from tests.statistical.exact import FALSE_ALARM, assert_count

MIX = {"DM": 0.5, "PM": 0.2, "IMNM": 0.2, "IBM": 0.1}
RESPONSE = {"DM": 0.7, "PM": 0.45, "IMNM": 0.6, "IBM": 0.08}
WEEKS_PER_MONTH = 365.25 / 12.0 / 7.0
EVERYBODY = {"line": "refractory", "mmt": "MMT8_150"}  # no eligibility: nobody is turned away


@cache
def people() -> Cohort:
    """Simulate 200,000 patients of a mix of subtypes, all of whom may enter."""
    design = demo(population={**EVERYBODY, "subtypes": MIX}, intercurrent={})
    replaced = {f"p_response.{name}": p for name, p in RESPONSE.items()}
    replaced |= {
        "p_background": 0.35,
        "female_share": 0.63,
        "prednisolone_share[refractory]": 0.75,
        "dropout_16_weeks": 0.2,
    }
    return simulate(ready(design, "point", replaced), seed=601, first=0, last=20, n=10_000)


def check_share(flag: NDArray[np.bool_], share: float, what: str) -> None:
    assert_count(int(flag.sum()), flag.size, share, what=what)


@pytest.mark.parametrize("subtype", MIX)
def test_subtypes_come_in_the_mix_of_the_design(subtype):
    check_share(people().seen.subtype == list(MIX).index(subtype), MIX[subtype], subtype)


# sees the response of another subtype or line, and a response that depends on the arm
@pytest.mark.parametrize("arm", [0, 1])
@pytest.mark.parametrize("subtype", MIX)
def test_a_subtypes_responders_are_its_share_in_both_arms(subtype, arm):
    seen, truth = people()
    of_it = (seen.subtype == list(MIX).index(subtype)) & (seen.arm == arm)
    check_share(truth.responds[of_it], RESPONSE[subtype], f"responders, {subtype}, arm {arm}")


def test_those_who_improve_without_the_drug_are_their_share():
    check_share(people().truth.improves, 0.35, "improve without the drug")


# sees one uniform that serves both purposes
def test_responding_and_improving_are_independent():
    seen, truth = people()
    expected = 0.35 * sum(MIX[s] * RESPONSE[s] for s in MIX)
    check_share(truth.improves & truth.responds, expected, "respond and improve")
    check_share(truth.improves[seen.female], 0.35, "women who improve")


def test_women_are_their_share():
    check_share(people().seen.female, 0.63, "women")


def test_those_on_prednisolone_are_their_share():
    check_share(people().seen.prednisolone[:, :, 0] > 0, 0.75, "on prednisolone")


# Dropout has a constant hazard. Its minute is rounded, and half a minute is what the correction
# below is for: a patient who leaves within that of a visit is still seen there.
@pytest.mark.parametrize("week", [4, 8, 16])
def test_losses_by_a_week_are_those_of_a_constant_hazard(week):
    seen = people().seen
    by_then = (minutes_from_weeks(week) - 0.5) / minutes_from_weeks(16)
    lost = (seen.left_minute >= 0) & (seen.left_minute < minutes_from_weeks(week))
    check_share(lost, 1.0 - 0.8**by_then, f"lost by week {week}")
    missed = np.isnan(seen.tis[:, :, [0, 4, 8, 12, 16].index(week)])
    np.testing.assert_array_equal(missed, lost)


@cache
def rescued() -> Cohort:
    """Simulate 200,000 patients of the demo without any benefit, many of them rescued."""
    replaced = {
        "rescue_per_visit[refractory, continued]": 0.15,
        "p_background": 0.2,
        "dropout_16_weeks": 0.05,
    }
    return simulate(ready(demo(), "identical_arms", replaced), seed=602, first=0, last=20, n=10_000)


# Each decision is one coin: those in the study at the visit, insufficient, and not rescued before.
@pytest.mark.parametrize("week", [8, 12])
def test_rescue_at_a_visit_is_its_share_of_those_with_insufficient_response(week):
    seen = rescued().seen
    minute = minutes_from_weeks(week)
    before = (seen.rescue_minute >= 0) & (seen.rescue_minute < minute)
    with np.errstate(invalid="ignore"):
        insufficient = (seen.tis[:, :, [0, 4, 8, 12, 16].index(week)] < 20.0) & ~before
    assert insufficient.sum() > 50_000
    now = seen.rescue_minute == minute
    assert not (now & ~insufficient).any()
    check_share(now[insufficient], 0.15, f"rescue at week {week}")


def test_rescue_comes_at_decision_visits_only():
    minutes = np.unique(rescued().seen.rescue_minute)
    assert list(minutes) == [-1, minutes_from_weeks(8), minutes_from_weeks(12)]


# --- how fast they come -------------------------------------------------------------------------

SITES, OPENING_WEEKS, PER_SITE_MONTH = 6, 30.0, 2.0
UNTIL_WEEK, TRIALS = 60, 2_000


def assert_events(
    count: int, low: float, high: float | None = None, *, what: str, error: float = FALSE_ALARM
) -> None:
    """Fail when no mean within [low, high] makes a Poisson count likely; exact tails."""
    high = low if high is None else high
    few, many = float(poisson.cdf(count, low)), float(poisson.sf(count - 1, high))
    words = f"{what}: {count}; expected {low:.1f} to {high:.1f}; tails {few:.3g} and {many:.3g}"
    print(words)
    assert min(few, many) > error / 2, words


@cache
def arrivals() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (site, minute) of candidates, all of whom enter, in trials that run well beyond."""
    design = demo(
        population={**EVERYBODY, "subtypes": {"DM": 1.0}},
        intercurrent={},
        accrual={
            "sites": SITES,
            "site_opening_weeks": OPENING_WEEKS,
            "patients_per_site_month": PER_SITE_MONTH,
        },
    )
    prepared = ready(design, "identical_arms")
    assert prepared.eligible_share == 1.0
    seen = simulate(prepared, seed=603, first=0, last=TRIALS, n=260).seen
    minute = seen.randomised_minute - minutes_from_weeks(design.screening_weeks)
    # some 131 candidates are expected until then, so the 260th comes later in every trial
    assert (minute.max(axis=1) > minutes_from_weeks(UNTIL_WEEK)).all()
    return seen.site, minute


# Sees a rate that is off by 4 % (4 weeks taken for a month), and sites that open at other times
# than evenly over the ramp, to within two weeks.
@pytest.mark.parametrize("site", range(SITES))
def test_a_site_has_its_candidates_from_its_opening_on(site):
    at, minute = arrivals()
    opening = site * OPENING_WEEKS / SITES
    of_it = minute[at == site]
    assert of_it.min() >= minutes_from_weeks(opening)
    expected = TRIALS * PER_SITE_MONTH * (UNTIL_WEEK - opening) / WEEKS_PER_MONTH
    found = int((of_it < minutes_from_weeks(UNTIL_WEEK)).sum())
    assert_events(found, expected, what=f"candidates at site {site}")


# Over sites long open: the number in 4 weeks is Poisson, not only its mean right.
# One false-alarm rate for the five counts; each sees a shift of 3 points with probability 0.95.
def test_candidates_of_four_weeks_are_poisson():
    at, minute = arrivals()
    inside = (minute >= minutes_from_weeks(40)) & (minute < minutes_from_weeks(44))
    found = np.stack([(inside & (at == s)).sum(axis=1) for s in range(SITES)], axis=1).ravel()
    mean = PER_SITE_MONTH * 4 / WEEKS_PER_MONTH
    for k in range(5):
        chance = float(poisson.pmf(k, mean))
        what = f"{k} candidates in 4 weeks"
        assert_count(int((found == k).sum()), found.size, chance, what=what, error=FALSE_ALARM / 5)


# The stated rate is of patients who enter: candidates come faster, by the share that may enter.
# That share is estimated among some 5,700 candidates, so the mean is known to 4.9 of its errors
# (2.4 %); sees a rate that is off by 5 %, such as one of candidates (12 % here).
def test_patients_enter_at_the_stated_rate():
    design, until = demo(), 100
    accrual = design.accrual
    prepared = ready(design, "identical_arms")
    share = prepared.eligible_share
    assert 0.5 < share < 0.95
    slack = 4.9 * np.sqrt((1.0 - share) / 5_000)  # relative; 5,000 entered in the pilot
    seen = simulate(prepared, seed=604, first=0, last=TRIALS, n=150).seen
    minute = seen.randomised_minute - minutes_from_weeks(design.screening_weeks)
    assert (minute.max(axis=1) > minutes_from_weeks(until)).all()
    openings = np.arange(accrual.sites) * accrual.site_opening_weeks / accrual.sites
    weeks = float((until - openings).sum())
    mean = TRIALS * accrual.patients_per_site_month * weeks / WEEKS_PER_MONTH
    found = int((minute < minutes_from_weeks(until)).sum())
    assert_events(found, mean * (1 - slack), mean * (1 + slack), what="patients of 100 weeks")
