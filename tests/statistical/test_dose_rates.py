"""Flares, classes and habits of tapering against closed forms.

False alarm of every check: 1e-6, both sides together, from exact binomial tails. With 40,000
patients a share of 0.2 that is off by 1.2 points is seen with probability 0.95.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from scipy.stats import norm

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.truth import Cohort
from tests.agreement.scripted import arrivals, design, simulate
from tests.statistical.exact import assert_count

PATIENTS = 40_000
WEEKS = [0, 4, 12, 16]
ENTRY = {
    "prednisolone_share[refractory]": 1.0,
    "prednisolone.median": 40.0,
    "prednisolone.log_sd": 0.0,
}
SICK = {"p_response[DM, refractory]": 0.0}


@cache
def people(taper: str, *, sites: int = 1, **truth: float) -> Cohort:
    """Simulate 40,000 patients under a rule; names with brackets stand in ENTRY and SICK."""
    rule = {"taper": taper} | ({"share": 0.5} if taper == "proportional" else {})
    scripted = design(
        prednisolone=rule, visits_weeks=WEEKS, intercurrent={}, sample_size={"n": PATIENTS // 2}
    )
    come = arrivals(sites=sites)
    return simulate(compiled.run, scripted, come=come, replicates=1, **(ENTRY | SICK | truth))


def test_flares_come_at_their_rate_and_in_proportion_to_the_weeks_between_visits() -> None:
    seen = people("step", flare_per_week=0.02, flare_size=0.0).seen
    # nobody benefits and nobody is tapered: three intervals of 4, 8 and 4 weeks
    none = int((seen.flares.sum(axis=2) == 0).sum())
    assert_count(none, seen.arm.size, math.exp(-0.02 * 16.0), what="no flare in 16 weeks")
    first = int((seen.flare_minute == 4 * 7 * 1_440).sum())
    assert_count(first, seen.arm.size, 1.0 - math.exp(-0.02 * 4.0), what="a flare by week 4")


def test_a_reduction_raises_flares_by_its_pace() -> None:
    # all are judged improved and give up half in week 4; so does the share over 8 weeks after it
    found = people(
        "practice",
        p_judged_improved=1.0,
        taper_share=0.5,
        flare_per_week=0.01,
        flare_speed=3.0,
        flare_size=0.0,
    ).seen
    calm = found.flare_minute != 4 * 7 * 1_440
    second = calm & (found.flare_minute == 12 * 7 * 1_440)
    # half the dose in 4 weeks, eight weeks ago at week 12: a pace of a quarter per four weeks
    chance = 1.0 - math.exp(-0.01 * 8.0 * (1.0 + 3.0 * 0.25))
    assert_count(int(second.sum()), int(calm.sum()), chance, what="a flare by week 12")


def test_benefit_keeps_flares_away() -> None:
    truth = {"p_response[DM, refractory]": 1.0, "depth": 0.5, "k_on": 1e6, "x50": 1e-6}
    seen = people("step", flare_per_week=0.05, flare_size=0.0, **truth).seen
    first = int((seen.flare_minute == 4 * 7 * 1_440).sum())
    assert_count(first, seen.arm.size, 1.0 - math.exp(-0.05 * 4.0 * 0.5), what="flare, f = 0.5")


def test_transient_responders_are_their_share_of_the_responders() -> None:
    truth = people("stable", p_transient=0.3, **{"p_response[DM, refractory]": 0.6}).truth
    n = int(truth.responds.sum())
    assert_count(int(truth.transient[truth.responds].sum()), n, 0.3, what="transient")
    assert not truth.transient[~truth.responds].any()


def test_physicians_judge_their_share_improved() -> None:
    seen = people("practice", p_judged_improved=0.7, taper_share=0.5).seen
    lower = seen.prednisolone[..., 1] < seen.prednisolone[..., 0]
    assert_count(int(lower.sum()), lower.size, 0.7, what="tapered in week 4")


def test_shares_given_up_spread_between_patients_as_a_logit_normal() -> None:
    seen = people("practice", p_judged_improved=1.0, taper_share=0.25, taper_share_sd=0.8).seen
    # 40 mg less more than 12.25 mg are 27.5 or fewer
    z = (math.log(12.25 / 27.75) - math.log(1.0 / 3.0)) / 0.8
    low = seen.prednisolone[..., 1] <= 27.5
    assert_count(int(low.sum()), low.size, float(norm.sf(z)), what="27.5 mg or fewer")


def test_maintenance_doses_are_kept_by_their_share_and_spread_as_log_normals() -> None:
    kept = {"maintenance_share": 0.6, "maintenance.median": 8.0, "maintenance.log_sd": 0.5}
    floor = people("practice", **kept).truth.maintenance_mg
    assert_count(int((floor > 0).sum()), floor.size, 0.6, what="keeps one")
    # rounded to 8 or fewer: below 8.25
    share = 0.4 + 0.6 * float(norm.cdf(math.log(8.25 / 8.0) / 0.5))
    assert_count(int((floor <= 8.0).sum()), floor.size, share, what="8 mg or fewer")


def test_patients_of_one_centre_are_tapered_alike_and_centres_differ() -> None:
    found = people(
        "practice",
        sites=200,
        p_judged_improved=1.0,
        taper_share=0.25,
        centre_taper_sd=0.8,
        centre_floor_sd=0.5,
        maintenance_share=1.0,
    )
    site, dose = found.seen.site[0], found.seen.prednisolone[0, :, 1]
    doses = [np.unique(dose[site == s]) for s in range(200)]
    assert all(d.size == 1 for d in doses)
    z = (math.log(12.25 / 27.75) - math.log(1.0 / 3.0)) / 0.8
    low = sum(bool(d[0] <= 27.5) for d in doses)
    assert_count(low, 200, float(norm.sf(z)), what="centres at 27.5 mg or fewer")
    assert np.unique(found.truth.maintenance_mg[0]).size > 5
