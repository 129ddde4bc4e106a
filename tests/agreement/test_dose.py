"""Prednisolone, flares and waning with chosen numbers: every rule holds for both engines.

Everybody takes 40 mg a day at entry and nothing is measured with error; what cannot be seen in a
random trial, a rule's own answer, is worked out here by hand.
"""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.reference import engine as reference
from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.myositis.measures import MEASURES
from tests.agreement.scripted import PLAIN, design, simulate

RESPONDS, RESCUE = "p_response[DM, refractory]", "rescue_per_visit[refractory, continued]"
TAKES = {
    "prednisolone_share[refractory]": 1.0,
    "prednisolone.median": 40.0,
    "prednisolone.log_sd": 0.0,
    "weight.log_sd": 0.0,  # nobody's dose is held at the daily maximum
    # everybody begins alike, in the middle of every scale
    **{f"baseline.{measure}.scale": 0.0 for measure in MEASURES},
}
WEEKS = [0, 4, 8, 12, 16, 20]
ALWAYS = 10.0  # flares a week: one at every visit, but for exp(-40)


@pytest.fixture(params=[reference.run, compiled.run], ids=["reference", "compiled"])
def run(request):
    return request.param


def treated(run, prednisolone, weeks=WEEKS, *, intercurrent=None, courses=None, add=False, **truth):
    """Return the cohort of a rule for prednisolone under a truth."""
    every = [{"week": 4 * j, "dose_g_per_kg": 2.0} for j in range(weeks[-1] // 4 + 1)]
    scripted = design(
        prednisolone=prednisolone,
        visits_weeks=list(weeks),
        intercurrent=intercurrent or {},
        arms={"ivig": {"courses": courses or every}},
    )
    return simulate(run, scripted, courses_add=add, **(TAKES | truth))


def doses(cohort):
    """Return the doses that all patients have in common, visit by visit."""
    found = cohort.seen.prednisolone[0]
    np.testing.assert_array_equal(found, np.broadcast_to(found[0], found.shape))
    return list(found[0])


STEP = {"taper": "step"}
HALF = {"taper": "proportional", "share": 0.5}
FORCED = {"taper": "forced", "target_mg": 5, "target_week": 16}
PRACTICE = {"taper": "practice"}


# --- who improves is tapered, who does not is held ------------------------------------------------


def test_steps_get_smaller_with_the_dose(run):
    assert doses(treated(run, STEP)) == [40.0, 30.0, 20.0, 15.0, 10.0, 7.5]


def test_a_share_is_taken_off_at_each_visit(run):
    assert doses(treated(run, HALF)) == [40.0, 20.0, 10.0, 5.0, 2.5, 1.5]


@pytest.mark.parametrize("rule", [STEP, HALF, PRACTICE], ids=str)
def test_who_does_not_improve_and_is_not_judged_so_stays_at_his_dose(run, rule):
    assert doses(treated(run, rule, **{RESPONDS: 0.0})) == [40.0] * 6


def test_a_score_at_the_limit_is_improved_and_one_above_it_is_not(run):
    reached = treated(run, STEP, depth=0.5).seen.tis[0, 0, 1]
    exactly = {"taper": "step", "improved_tis": float(reached)}
    assert doses(treated(run, exactly, [0, 4], depth=0.5)) == [40.0, 30.0]
    beyond = {"taper": "step", "improved_tis": float(reached) + 2.5}
    assert doses(treated(run, beyond, [0, 4], depth=0.5)) == [40.0, 40.0]


def test_the_first_reduction_waits_for_its_week(run):
    late = {"taper": "step", "from_week": 8}
    assert doses(treated(run, late)) == [40.0, 40.0, 30.0, 20.0, 15.0, 10.0]


def test_two_reductions_lie_at_least_so_many_weeks_apart(run):
    weeks = [0, 4, 6, 8, 11, 12]
    slow = {"taper": "step", "every_weeks": 4}
    assert doses(treated(run, slow, weeks)) == [40.0, 30.0, 30.0, 20.0, 20.0, 15.0]


def test_nobody_goes_below_the_floor(run):
    floor = {"taper": "step", "floor_mg": 17.5}
    assert doses(treated(run, floor)) == [40.0, 30.0, 20.0, 17.5, 17.5, 17.5]


def test_a_stable_dose_stays_and_brings_no_flares(run):
    cohort = treated(run, {"taper": "stable"})
    assert doses(cohort) == [40.0] * 6
    assert (cohort.seen.flares.sum(axis=2) == 0).all()


def test_a_forced_taper_follows_its_line_whatever_the_response(run):
    for responds in (0.0, 1.0):
        found = doses(treated(run, FORCED, **{RESPONDS: responds}))
        assert found == [40.0, 31.5, 22.5, 14.0, 5.0, 5.0]  # 31.25, 22.5, 13.75 rounded


def test_the_dose_taken_is_that_of_each_interval_until_the_visit(run):
    taken = treated(run, STEP).seen.prednisolone_taken[0]
    expected = 28.0 * np.array([0.0, 40.0, 70.0, 90.0, 105.0, 115.0])
    np.testing.assert_array_equal(taken, np.broadcast_to(expected, taken.shape))


# --- clinical practice ----------------------------------------------------------------------------

ALL_IMPROVED = {"p_judged_improved": 1.0, "taper_share": 0.5}


def test_practice_tapers_to_the_maintenance_dose_whatever_the_score(run):
    truth = ALL_IMPROVED | {"maintenance_share": 1.0, "maintenance.median": 7.5, RESPONDS: 0.0}
    cohort = treated(run, PRACTICE, **truth)
    assert doses(cohort) == [40.0, 20.0, 10.0, 7.5, 7.5, 7.5]
    assert (cohort.truth.maintenance_mg == 7.5).all()


def test_practice_takes_off_more_the_longer_the_last_visit_is_past(run):
    assert doses(treated(run, PRACTICE, [0, 8, 12], **ALL_IMPROVED)) == [40.0, 10.0, 5.0]


def test_who_enters_without_prednisolone_keeps_no_maintenance_dose(run):
    truth = ALL_IMPROVED | {"maintenance_share": 1.0, "prednisolone_share[refractory]": 0.0}
    cohort = treated(run, PRACTICE, **truth)
    assert (cohort.truth.maintenance_mg == 0.0).all()
    assert doses(cohort) == [0.0] * 6


def test_a_relapse_below_the_maintenance_dose_returns_to_it(run):
    truth = {"maintenance_share": 1.0, "maintenance.median": 50.0, "flare_per_week": ALWAYS}
    found = doses(treated(run, PRACTICE, **truth, **{RESPONDS: 0.0}))
    assert found == [40.0, 50.0, 50.0, 50.0, 50.0, 50.0]


# --- worse, and back up ---------------------------------------------------------------------------

# one course, then a decline of 4 a year: improved at weeks 1 and 2, worse from week 8 on
SHORT = [0, 1, 2, 8, 9]
DECLINE = {"k_on": 1e6, "drift_per_year": 4.0}
ONE = [{"week": 0, "dose_g_per_kg": 2.0}]


@pytest.mark.parametrize(
    ("back_up", "found"),
    [(5.0, [40.0, 30.0, 20.0, 35.0, 40.0]), (0.0, [40.0, 30.0, 20.0, 30.0, 30.0])],
)
def test_who_is_worse_goes_back_to_the_dose_before_the_last_reduction_and_some_more(
    run, back_up, found
):
    rule = {"taper": "step", "every_weeks": 1, "back_up_mg": back_up}
    assert doses(treated(run, rule, SHORT, courses=ONE, **DECLINE)) == found


def test_a_forced_taper_backs_nobody_up(run):
    rule = {"taper": "forced", "target_mg": 0, "target_week": 8}
    found = doses(treated(run, rule, SHORT, courses=ONE, **DECLINE))
    assert found == [40.0, 35.0, 30.0, 0.0, 0.0]


def test_a_flare_keeps_a_responder_from_his_next_step(run):
    # benefit 0.5 leaves some hazard, and 20 flares a week are certain
    found = treated(run, STEP, depth=0.5, flare_per_week=ALWAYS)
    assert doses(found) == [40.0] * 6
    assert (found.seen.flares.sum(axis=2) == 5).all()


@pytest.mark.parametrize(("hold", "last"), [(True, 40.0), (False, 5.0)])
def test_a_forced_taper_is_held_at_a_flare_only_if_the_rule_says_so(run, hold, last):
    rule = FORCED | {"hold_on_flare": hold}
    found = doses(treated(run, rule, flare_per_week=ALWAYS, **{RESPONDS: 0.0}))
    assert found[-1] == last


# --- rescue and deterioration ---------------------------------------------------------------------


# half of the way to health, and it stays when treatment stops
LASTING = {"depth": 0.5, "h_eff": 1e6}


def rescue(mg, below=20.0):
    return {
        "rescue": {"allowed_from_week": 4, "insufficient_tis_below": below, "prednisolone_mg": mg}
    }


def test_rescue_raises_the_dose_at_its_visit_to_the_maximum_at_most(run):
    never = {RESPONDS: 0.0, RESCUE: 1.0}
    raised = treated(run, {"taper": "stable"}, intercurrent=rescue(30.0), **never)
    assert doses(raised) == [40.0, 70.0, 70.0, 70.0, 70.0, 70.0]
    rule = {"taper": "stable", "at_most_mg": 60}
    assert doses(treated(run, rule, intercurrent=rescue(30.0), **never))[1:] == [60.0] * 5


def test_nobody_is_tapered_at_the_visit_of_his_rescue(run):
    found = doses(treated(run, STEP, intercurrent=rescue(0.0, 100.0), **LASTING, **{RESCUE: 1.0}))
    assert found == [40.0, 40.0, 30.0, 20.0, 15.0, 10.0]


def test_a_rise_starts_the_weeks_to_the_next_reduction_anew(run):
    rule = {"taper": "step", "every_weeks": 8}
    found = doses(treated(run, rule, intercurrent=rescue(10.0, 100.0), **LASTING, **{RESCUE: 1.0}))
    assert found == [40.0, 50.0, 50.0, 40.0, 40.0, 30.0]


def test_a_confirmed_deterioration_adds_to_the_dose_instead_of_backing_up(run):
    rule = {"taper": "step", "every_weeks": 1, "back_up_mg": 5}
    worse = {"deterioration": {"from_week": 0, "prednisolone_mg": 25}}
    found = doses(treated(run, rule, SHORT, intercurrent=worse, courses=ONE, **DECLINE))
    assert found == [40.0, 30.0, 20.0, 35.0, 60.0]


# --- what dose and flares do ----------------------------------------------------------------------


def test_a_lower_dose_costs_benefit_at_its_own_rate(run):
    rule = {"taper": "forced", "target_mg": 0, "target_week": 4}
    truth = {"steroid_effect": 0.4, "steroid_d50": 40.0, "k_steroid": 0.25, RESPONDS: 0.0}
    s = treated(run, rule, **truth).truth.steroid_benefit[0]
    # 40 mg less from week 4 on: towards -0.2; stored in single precision
    expected = -0.2 * (1.0 - np.exp(-0.25 * np.array([0.0, 0.0, 4.0, 8.0, 12.0, 16.0])))
    np.testing.assert_allclose(s, np.broadcast_to(expected, s.shape), rtol=1e-6)


def test_a_higher_dose_after_rescue_is_felt_in_the_measures(run):
    truth = {"steroid_effect": 0.4, "steroid_d50": 40.0, "k_steroid": 1e6, RESPONDS: 0.0}
    found = treated(run, {"taper": "stable"}, intercurrent=rescue(40.0), **truth, **{RESCUE: 1.0})
    physician = found.seen.measures[0, :, :, 0]
    # 6.22 cm; a fifth of the way to health from week 8 on
    np.testing.assert_array_equal(physician[:, :2], 6.2)
    np.testing.assert_array_equal(physician[:, 2:], 5.0)


def test_a_flare_is_seen_at_its_visit_and_passes_at_its_own_rate(run):
    truth = {"flare_per_week": 0.02, "flare_size": 0.5, "k_flare": 0.25, RESPONDS: 0.0}
    found = treated(run, STEP, **truth)
    loss, seen = found.truth.flare_loss[0], found.seen
    n_seen = 0
    for p in range(loss.shape[0]):
        if seen.flares[0, p].sum() != 1:
            assert (seen.flares[0, p].sum() == 0) == (seen.flare_minute[0, p] == -1)
            continue
        v = [w * MINUTES_PER_WEEK for w in WEEKS].index(int(seen.flare_minute[0, p]))
        later = 0.5 * np.exp(-0.25 * 4.0 * np.arange(6 - v))
        np.testing.assert_array_equal(loss[p, :v], 0.0)
        np.testing.assert_allclose(loss[p, v:], later, rtol=1e-6)  # single precision
        # 6.22 cm and half of the way to 10
        assert seen.measures[0, p, v, 0] == 8.1
        n_seen += 1
    assert n_seen >= 3


def test_full_health_has_no_flares(run):
    assert not treated(run, STEP, k_on=1e6, x50=1e-6, flare_per_week=1.0).seen.flares.any()


# --- waning, decline, exposure --------------------------------------------------------------------


def test_a_transient_responder_keeps_a_share_that_halves_in_its_half_life(run):
    truth = {"k_on": 1e6}
    lasting = treated(run, {"taper": "stable"}, **truth).truth
    fading = treated(
        run, {"taper": "stable"}, **truth, p_transient=1.0, transient_half_life=6.0
    ).truth
    assert fading.transient.all() and not lasting.transient.any()
    # the middle of the week before the visit, counted from the first course's day
    left = 2.0 ** -((np.array(WEEKS[1:]) - 0.5) / 6.0)
    share = fading.drug_benefit[..., 1:] / lasting.drug_benefit[..., 1:]
    # a few roundings, and what is immediate only to 1 in 1e6 weeks
    np.testing.assert_allclose(share, np.broadcast_to(left, share.shape), rtol=1e-12)


def test_who_does_not_respond_is_not_transient(run):
    assert not treated(run, STEP, p_transient=1.0, **{RESPONDS: 0.0}).truth.transient.any()


@pytest.mark.parametrize("add", [False, True])
def test_exposure_is_the_largest_course_or_their_sum(run, add):
    courses = [{"week": w, "dose_g_per_kg": d} for w, d in ((0, 1.0), (3, 0.4), (6, 0.3))]
    found = treated(run, {"taper": "stable"}, [0, 6, 8], courses=courses, add=add, k_on=1e6)
    for visit, week in ((1, 6), (2, 8)):
        left = [
            c["dose_g_per_kg"] * 2.0 ** -((week - 0.5 - c["week"]) / 2.0)
            for c in courses
            if c["week"] < week
        ]
        x = sum(left) if add else max(left)
        np.testing.assert_allclose(
            found.truth.drug_benefit[0, :, visit], x**3 / (x**3 + 0.125), rtol=1e-12
        )


def test_decline_takes_off_what_the_years_bring(run):
    # half of the 6.22 cm to health under full background; here nothing but the decline
    found = treated(run, {"taper": "stable"}, [0, 26, 52], drift_per_year=0.5, **{RESPONDS: 0.0})
    years = np.array([0.0, 26.0, 52.0]) * 7.0 / 365.25
    centre = 10.0 / (1.0 + np.exp(-PLAIN["baseline.physician.location"]))
    expected = np.round(centre + 0.5 * years * (10.0 - centre), 1)
    physician = found.seen.measures[0, :, :, 0]
    np.testing.assert_array_equal(physician, np.broadcast_to(expected, physician.shape))
