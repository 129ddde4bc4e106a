"""Candidates of sites that open by a ramp, differ in rate and pause, against theory.

A site that has been open for t weeks of the clock that stands still in pauses has had a negative
binomial number of candidates with mean rate x t and the shape of the rates; given how many, they
fall on two spans as the lengths of these. False alarm of every check: 1e-6. 3,000 trials: a mean
or a variance that is off by 8 % is seen, a site that opens two weeks off, a pause that counts, and
a rate that is drawn anew after a pause.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from simtrial.cohort.arrivals import arrivals_of
from simtrial.cohort.compiled import engine as compiled
from simtrial.core.units import MINUTES_PER_WEEK
from tests.agreement.scripted import design, simulate
from tests.statistical.exact import assert_count
from tests.statistical.test_recruitment import assert_counts

SITES, OPENING_WEEKS, CV, TRIALS = 5, 30.0, 0.8, 3_000  # site 2 would open in the first pause
PER_WEEK = 0.15
PAUSES = ((10, 16), (40, 45))
SPLIT, UNTIL = 45, 70  # weeks of the calendar: the end of the second pause, and a later week
WEEKS_PER_MONTH = 365.25 / 12.0 / 7.0


@cache
def minutes_and_sites() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (R, P) minutes of arrival, and the sites."""
    scripted = design(
        accrual={
            "sites": SITES,
            "patients_per_site_month": PER_WEEK * WEEKS_PER_MONTH,
            "site_opening_weeks": OPENING_WEEKS,
            "site_rate_cv": CV,
            "pauses_weeks": [list(pause) for pause in PAUSES],
        },
        screening_weeks=0,
        sample_size={"n": 200},
    )
    accrual = scripted.accrual
    come = arrivals_of(accrual, accrual.patients_per_site_month, 1.0, 200)
    seen = simulate(compiled.run, scripted, come=come, replicates=TRIALS).seen
    assert (seen.randomised_minute[:, -1] > UNTIL * MINUTES_PER_WEEK).all()
    return seen.randomised_minute, seen.site


def counts(site: int, until: int) -> NDArray[np.int64]:
    """Return (R,) candidates of a site before a week."""
    minute, at = minutes_and_sites()
    return ((at == site) & (minute < until * MINUTES_PER_WEEK)).sum(axis=1)


def without_pauses(week: float) -> float:
    """Return how many weeks before one of the calendar were no pause."""
    return week - sum(min(max(week - start, 0.0), end - start) for start, end in PAUSES)


def open_weeks(site: int, until: int) -> float:
    """Return how long a site recruited by then; one that would open in a pause opens at its end."""
    return without_pauses(until) - without_pauses(site * OPENING_WEEKS / SITES)


def test_nobody_comes_in_a_pause() -> None:
    weeks = minutes_and_sites()[0] / MINUTES_PER_WEEK
    for start, end in PAUSES:
        # the minute in which it begins is in it, the one in which it ends is not
        assert not ((weeks >= start) & (weeks < end)).any()
        assert ((weeks >= end) & (weeks < end + 1)).any()


@pytest.mark.parametrize("site", range(SITES))
def test_candidates_of_a_site_are_negative_binomial_in_the_weeks_it_was_open(site: int) -> None:
    mean, shape = PER_WEEK * open_weeks(site, UNTIL), CV**-2.0
    law = stats.nbinom(shape, shape / (shape + mean))
    most = 60
    chances = law.pmf(np.arange(most + 1))
    chances[-1] = law.sf(most - 1)
    found = np.bincount(np.minimum(counts(site, UNTIL), most), minlength=most + 1)
    assert_counts(found, chances, f"site {site}")


@pytest.mark.parametrize("site", range(SITES))
def test_a_site_keeps_its_rate_over_pauses(site: int) -> None:
    total, before = counts(site, UNTIL), counts(site, SPLIT)
    share = open_weeks(site, SPLIT) / open_weeks(site, UNTIL)
    assert_count(int(before.sum()), int(total.sum()), share, what=f"site {site} before the end")
    n = total[total > 0]
    off = (before[total > 0] - n * share) ** 2 / (n * share * (1.0 - share))
    # mean 1; the variance of a squared standardised binomial
    variance = 2.0 + (1.0 - 6.0 * share * (1.0 - share)) / (n * share * (1.0 - share))
    # 4.9 standard errors of a normal sum are 1e-6; these squares have a skewness of 2.8, and of
    # 2,000 and more of them a sum's tail is 5.2 by Cornish and Fisher; 6 leaves room
    assert abs(off.sum() - n.size) < 6.0 * math.sqrt(variance.sum())
