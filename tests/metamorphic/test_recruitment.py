"""Changes of recruitment and allocation whose effect is known exactly.

Draws have addresses, so each claim is equality of bits.
"""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.draws import arrival_gap
from simtrial.core.units import MINUTES_PER_WEEK
from tests.agreement.scripted import SEED, arrivals, design, simulate

WHEN = {"randomised_minute", "site"}
ARMS = {
    "low": {"dose_g_per_kg": 1.0, "every_weeks": 4, "infusions": 3},
    "high": {"dose_g_per_kg": 2.0, "every_weeks": 4, "infusions": 2},
}
PLACEBO = {"placebo": {"infusions_like": "low"}}
LIVELY = {
    "p_response[DM, refractory]": 0.5,
    "depth_sd": 0.5,
    "x50_sd": 0.5,
    "sd_change.vas": 1.0,
    "sd_change.haq": 0.3,
    "sd_change.mmt": 0.05,
    "rescue_per_visit[refractory, continued]": 0.2,
    "dropout_16_weeks": 0.2,
    "baseline.physician.scale": 1.0,
    "reaction.per_course[ivig]": 0.5,
    "reaction.per_course[placebo]": 0.1,
    "stop.reaction": 0.1,
}


def run(arms, ratio, *, method="complete", n=200, come=None, **more):
    """Run a trial in which much happens to patients."""
    allocation = {"ratio": ratio, "method": method} | more
    if method == "permuted_blocks":
        allocation["block_sizes"] = [2 * sum(ratio.values())]
    scripted = design(
        arms=arms,
        allocation=allocation,
        sample_size={"n": n},
        intercurrent={"rescue": {"allowed_from_week": 4}},
        accrual={"sites": 4, "patients_per_site_month": 1.0},
    )
    return simulate(compiled.run, scripted, come=come or arrivals(sites=4), replicates=20, **LIVELY)


def assert_same(one, other, but=frozenset(), where=...):
    for mine, theirs in ((one.seen, other.seen), (one.truth, other.truth)):
        for name in mine._fields:
            if name not in but:
                np.testing.assert_array_equal(
                    getattr(mine, name)[where], getattr(theirs, name)[where], err_msg=name
                )


def test_twice_the_rate_and_half_the_ramp_halves_every_arrival_and_changes_no_outcome():
    opening = np.array([0.0, 7.0, 14.0, 21.0]) * MINUTES_PER_WEEK
    # before they are rounded to the engine's minutes, arrivals are halved in every bit
    for order in range(20):
        slow, fast = (arrival_gap(SEED, 3, 1, order, rate) for rate in (0.001, 0.002))
        assert fast == slow / 2.0
    made = {}
    for times in (1.0, 2.0):
        come = arrivals(sites=4, per_minute=2e-4 * times)._replace(
            opening=opening / times, rate_shape=2.0
        )
        made[times] = run(ARMS, {"low": 1, "high": 1}, come=come)
    assert_same(made[1.0], made[2.0], but=WHEN)
    screened = [made[times].seen.randomised_minute - 2 * MINUTES_PER_WEEK for times in (1.0, 2.0)]
    # rounded once each, so a half of one lies within half a minute, and a half more
    assert np.abs(screened[1] - screened[0] / 2.0).max() <= 0.75
    # two sites change places only where rounding put their candidates into one minute
    swapped = made[1.0].seen.site != made[2.0].seen.site
    after = np.diff(screened[1], axis=1) == 0
    tied = np.zeros_like(swapped)
    tied[:, 1:] |= after
    tied[:, :-1] |= after
    assert not (swapped & ~tied).any() and swapped.mean() < 0.01


@pytest.mark.parametrize("method", ["complete", "minimisation", "permuted_blocks"])
def test_other_names_of_the_arms_change_nothing(method):
    strata = {"strata": ["severity", "site"]}
    one = run(ARMS, {"low": 1, "high": 2}, method=method, **strata)
    renamed = {"zeta": ARMS["low"], "alpha": ARMS["high"]}
    other = run(renamed, {"zeta": 1, "alpha": 2}, method=method, **strata)
    assert_same(one, other)


@pytest.mark.parametrize("method", ["complete", "minimisation", "permuted_blocks"])
def test_arms_that_are_written_in_another_order_move_nobody_s_baseline_or_nature(method):
    more = {"strata": ["severity"]}
    one = run(ARMS, {"low": 1, "high": 2}, method=method, **more)
    turned = dict(reversed(ARMS.items()))
    other = run(turned, {"low": 1, "high": 2}, method=method, **more)
    assert_unmoved(one, other)
    # whoever gets the same treatment has the same course; the numbers of the arms are turned
    same = one.seen.arm == 1 - other.seen.arm
    assert same.mean() > 0.2
    assert_same(one, other, {"arm", "screened", "failures", "complete"}, where=same)


@pytest.mark.parametrize("method", ["complete", "minimisation", "permuted_blocks"])
def test_the_first_hundred_of_a_trial_of_four_hundred_are_the_trial_of_a_hundred(method):
    more = {"strata": ["severity", "sex"]}
    large = run(ARMS, {"low": 1, "high": 1}, method=method, n=400, **more)
    small = run(ARMS, {"low": 1, "high": 1}, method=method, n=100, **more)
    whole = {"screened", "failures", "complete"}
    for mine, theirs in ((large.seen, small.seen), (large.truth, small.truth)):
        for name in mine._fields:
            if name not in whole:
                np.testing.assert_array_equal(
                    getattr(mine, name)[:, :100], getattr(theirs, name), err_msg=name
                )


def assert_unmoved(one, other):
    """Who comes, when, and what they would do under each treatment are the same."""
    seen = ("candidate", "site", "randomised_minute", "subtype", "line", "female", "age", "weight")
    for name in (*seen, "cancer", "previous_thromboembolism", "screening", "stratum"):
        np.testing.assert_array_equal(
            getattr(one.seen, name), getattr(other.seen, name), err_msg=name
        )
    np.testing.assert_array_equal(one.seen.measures[:, :, 0], other.seen.measures[:, :, 0])
    for name in ("baseline", "responds", "improves", "depth", "log_x50", "frailty"):
        np.testing.assert_array_equal(
            getattr(one.truth, name), getattr(other.truth, name), err_msg=name
        )
    np.testing.assert_array_equal(one.truth.dropout_minute, other.truth.dropout_minute)


@pytest.mark.parametrize("method", ["complete", "minimisation", "permuted_blocks"])
def test_one_more_arm_moves_nobody_s_baseline_or_nature(method):
    more = {"strata": ["severity"]}
    one = run(ARMS, {"low": 1, "high": 1}, method=method, **more)
    other = run({**ARMS, **PLACEBO}, {"low": 1, "high": 1, "placebo": 1}, method=method, **more)
    assert_unmoved(one, other)
    assert (other.seen.arm == 2).any()


def test_the_method_of_allocation_moves_nobody_s_baseline_or_nature():
    one = run(ARMS, {"low": 1, "high": 1}, method="complete", strata=["severity"])
    for method in ("minimisation", "permuted_blocks"):
        other = run(ARMS, {"low": 1, "high": 1}, method=method, strata=["severity"])
        assert_unmoved(one, other)


def test_a_limit_that_nobody_meets_changes_nothing():
    come = arrivals(sites=4)
    limited = come._replace(site_at_most=200, subtype_at_most=np.array([200]))
    one = run(ARMS, {"low": 1, "high": 1}, come=come)
    assert_same(one, run(ARMS, {"low": 1, "high": 1}, come=limited))
