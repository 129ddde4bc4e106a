"""What happens when two things fall on one minute: measure, decide, infuse, leave.

Continuous times never tie by themselves, so these are scripted; so are small courses whose answer
is known. Every rule holds for both engines.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.draws import arrival_gap
from simtrial.cohort.reference import engine as reference
from simtrial.cohort.rules import whole_minute
from simtrial.core.arithmetic import plog
from simtrial.myositis.response import (
    dropout_minutes,
    log_effect,
    relax,
    target_benefit,
)
from simtrial.myositis.tis import has_worsened
from tests.agreement.scripted import (
    DAY,
    NOISY,
    PLAIN,
    SEED,
    WEEK,
    arrivals,
    design,
    dropout_uniform,
    rates_that_lose_the_first_patient,
    simulate,
)

RESCUE = "rescue_per_visit[refractory, continued]"
NEVER = -1


@pytest.fixture(params=[reference.run, compiled.run], ids=["reference", "compiled"])
def run(request):
    return request.param


def lost_at(run, scripted, minute, **values):
    """Return what is seen and true of patient 0, who drops out at ``minute``, in 8 replicates."""
    rates = rates_that_lose_the_first_patient(scripted, minute)
    cohort = simulate(run, scripted, dropout_per_minute=rates, **values)
    np.testing.assert_array_equal(cohort.truth.dropout_minute[:, 0], minute)
    np.testing.assert_array_equal(cohort.seen.candidate[:, 0], 0)
    seen, truth = (
        type(part)(*(column[:, 0] if column.ndim > 1 else column for column in part))
        for part in cohort
    )
    return seen, truth


# --- leaving ------------------------------------------------------------------------------------


@pytest.mark.parametrize("minute", [4 * WEEK - 1, 4 * WEEK, 4 * WEEK + 1, 8 * WEEK])
def test_the_rates_of_these_tests_drop_the_first_patient_at_the_wanted_minute(minute):
    scripted = design()
    rates = rates_that_lose_the_first_patient(scripted, minute)
    for replicate, rate in enumerate(rates):
        u = dropout_uniform(scripted, replicate, candidate=0)
        assert whole_minute(dropout_minutes(u, float(rate))) == minute


@pytest.mark.parametrize("visit", [1, 2])
def test_a_visit_at_the_minute_of_dropout_is_assessed_and_the_next_is_not(run, visit):
    seen, truth = lost_at(run, design(), 4 * WEEK * visit)
    for column in (seen.measures[..., 0], seen.tis, seen.prednisolone, truth.drug_benefit):
        assert not np.isnan(column[:, : visit + 1]).any()
        assert np.isnan(column[:, visit + 1 :]).all()
    np.testing.assert_array_equal(seen.left_minute, 4 * WEEK * visit)


def test_a_visit_one_minute_after_dropout_is_not_assessed(run):
    seen, _ = lost_at(run, design(), 4 * WEEK - 1)
    assert not np.isnan(seen.tis[:, 0]).any()
    assert np.isnan(seen.tis[:, 1:]).all()
    np.testing.assert_array_equal(seen.left_minute, 4 * WEEK - 1)


def test_dropout_one_minute_after_a_visit_changes_nothing_of_that_visit(run):
    at_visit, after = (lost_at(run, design(), 4 * WEEK + late)[0] for late in (0, 1))
    np.testing.assert_array_equal(at_visit.measures, after.measures)
    np.testing.assert_array_equal(at_visit.courses, after.courses)


def test_an_infusion_at_the_minute_of_dropout_is_given(run):
    seen, _ = lost_at(run, design(), 4 * WEEK)
    np.testing.assert_array_equal(seen.courses, 2)  # weeks 0 and 4
    np.testing.assert_allclose(seen.grams, 2 * np.minimum(seen.weight, 80.0), rtol=1e-14)


def test_an_infusion_one_minute_after_dropout_is_not_given(run):
    seen, _ = lost_at(run, design(), 4 * WEEK - 1)
    np.testing.assert_array_equal(seen.courses, 1)


def test_an_infusion_between_visits_at_the_minute_of_dropout_is_given(run):
    courses = [{"week": w, "dose_g_per_kg": 1.0, "days": 2} for w in (2, 5, 7)]
    scripted = design(arms={"ivig": {"courses": courses}})
    seen, _ = lost_at(run, scripted, 5 * WEEK)
    np.testing.assert_array_equal(seen.courses, 2)
    np.testing.assert_array_equal(np.isnan(seen.tis).sum(axis=1), 2)


def test_dropout_between_the_days_of_a_course_leaves_the_course_counted_as_given(run):
    courses = [{"week": 4, "dose_g_per_kg": 1.0, "days": 5}]
    seen, _ = lost_at(run, design(arms={"ivig": {"courses": courses}}), 4 * WEEK + 2 * DAY)
    np.testing.assert_array_equal(seen.courses, 1)
    np.testing.assert_array_equal(seen.left_minute, 4 * WEEK + 2 * DAY)


def test_dropout_at_the_minute_of_randomisation_comes_after_baseline_and_first_infusion(run):
    scripted = design()
    cohort = simulate(run, scripted, dropout_per_minute=np.full(2, 1e6))
    seen = cohort.seen
    np.testing.assert_array_equal(cohort.truth.dropout_minute, 0)
    np.testing.assert_array_equal(seen.left_minute, 0)
    np.testing.assert_array_equal(seen.courses, 1)
    assert not np.isnan(seen.measures[:, :, 0]).any()
    assert np.isnan(seen.measures[:, :, 1:]).all()


@pytest.mark.parametrize("late", [0, 1])
def test_dropout_at_the_last_visit_or_later_is_no_leaving(run, late):
    seen, _ = lost_at(run, design(), 12 * WEEK + late)
    assert not np.isnan(seen.tis).any()
    np.testing.assert_array_equal(seen.left_minute, NEVER)


def test_dropout_one_minute_before_the_last_visit_is_leaving(run):
    seen, _ = lost_at(run, design(), 12 * WEEK - 1)
    np.testing.assert_array_equal(np.isnan(seen.tis), [[False, False, False, True]] * 8)
    np.testing.assert_array_equal(seen.left_minute, 12 * WEEK - 1)


def test_rescue_at_the_minute_of_dropout_counts_and_then_the_patient_leaves(run):
    scripted = design(
        intercurrent={"rescue": {"allowed_from_week": 4, "insufficient_tis_below": 100}}
    )
    seen, _ = lost_at(run, scripted, 4 * WEEK, **{RESCUE: 1.0})
    for minute in (seen.rescue_minute, seen.stop_minute, seen.left_minute):
        np.testing.assert_array_equal(minute, 4 * WEEK)
    np.testing.assert_array_equal(seen.courses, 1)  # decide, then infuse: week 4 is withheld


def test_nothing_is_seen_or_given_after_leaving(run):
    scripted = design(
        sample_size={"n": 300},
        intercurrent={
            "deterioration": {"from_week": 4, "then": "leave_study"},
            "rescue": {"allowed_from_week": 4, "then": "leave_study"},
        },
    )
    values = NOISY | {RESCUE: 0.3, "dropout_16_weeks": 0.5}
    cohort = simulate(run, scripted, **values)
    seen = cohort.seen
    minutes = np.array([0, 4, 8, 12]) * WEEK
    left = seen.left_minute >= 0
    expected = ~left[..., None] | (minutes <= seen.left_minute[..., None])
    for column in (seen.tis, seen.prednisolone, cohort.truth.drug_benefit):
        np.testing.assert_array_equal(~np.isnan(column), expected)
    np.testing.assert_array_equal(~np.isnan(seen.measures), np.repeat(expected[..., None], 6, 3))
    by_rule = left & (seen.left_minute != cohort.truth.dropout_minute)
    dropped = left & ~by_rule
    assert by_rule.sum() >= 20 and dropped.sum() >= 20
    for event in (seen.deterioration_minute, seen.rescue_minute, seen.stop_minute):
        assert (event[left] <= seen.left_minute[left]).all()
    given = 1 + (minutes[1:3] <= seen.left_minute[..., None]).sum(axis=2)  # weeks 0, 4, 8
    np.testing.assert_array_equal(seen.courses[dropped], given[dropped])
    np.testing.assert_array_equal(seen.courses[by_rule], (given - 1)[by_rule])


# --- measure, then infuse -----------------------------------------------------------------------


def test_a_visit_is_measured_before_the_infusion_of_the_same_minute(run):
    # with an immediate effect, an infusion before the measurement would show at once
    courses = [{"week": 4, "dose_g_per_kg": 5.0, "days": 1}]
    scripted = design(arms={"ivig": {"courses": courses}})
    cohort = simulate(run, scripted, k_on=1e6)
    np.testing.assert_array_equal(cohort.truth.drug_benefit[:, :, :2], 0.0)
    np.testing.assert_array_equal(cohort.seen.tis[:, :, :2], 0.0)
    assert (cohort.truth.drug_benefit[:, :, 2] > 0).all()
    np.testing.assert_array_equal(cohort.seen.courses, 1)


def benefit_after(course_last_day, dose, instants):
    """Return the benefit at the last of some instants, each step written out by the formula."""
    benefit = 0.0
    for before, after in itertools.pairwise(instants):
        minutes = float(after - before)
        goal = 0.0
        if course_last_day <= before:
            middle = before + 0.5 * minutes
            left = log_effect(plog(dose), middle - course_last_day, PLAIN["h_eff"] * DAY)
            goal = target_benefit(1.0, np.log(PLAIN["x50"]), PLAIN["hill"], left)
        benefit = relax(benefit, goal, PLAIN["k_on"], minutes)
    return benefit


@pytest.mark.parametrize(
    ("days", "week", "instants"),
    [
        # between visits, on a weekly instant
        (1, 2, [2 * WEEK, 3 * WEEK, 4 * WEEK]),
        # on a visit
        (1, 4, [4 * WEEK, 5 * WEEK, 6 * WEEK, 7 * WEEK, 8 * WEEK]),
        # the last day between two weekly instants
        (3, 2, [2 * WEEK + 2 * DAY, 3 * WEEK, 4 * WEEK]),
        # begun on a visit, ended before the next weekly instant
        (5, 4, [4 * WEEK + 4 * DAY, 5 * WEEK, 6 * WEEK, 7 * WEEK, 8 * WEEK]),
        # begun one week before a visit, ended one day before it
        (7, 3, [3 * WEEK + 6 * DAY, 4 * WEEK]),
    ],
)
def test_a_course_counts_from_its_last_day_on_every_instant_of_the_patient(
    run, days, week, instants
):
    courses = [{"week": week, "dose_g_per_kg": 0.5, "days": days}]
    cohort = simulate(run, design(arms={"ivig": {"courses": courses}}))
    visit = instants[-1] // (4 * WEEK)
    benefit = benefit_after(instants[0], 0.5, instants)
    assert 0.02 < benefit < 0.98
    np.testing.assert_array_equal(cohort.truth.drug_benefit[:, :, visit], benefit)
    np.testing.assert_array_equal(cohort.truth.drug_benefit[:, :, :visit], 0.0)


def test_a_course_that_ends_after_the_last_visit_is_given_and_changes_no_visit(run):
    def followed(courses):
        scripted = design(
            arms={"ivig": {"courses": courses}}, sample_size={"n": 40}, visits_weeks=[0, 4, 6]
        )
        return simulate(run, scripted)

    early = [{"week": 1, "dose_g_per_kg": 1.0, "days": 2}]
    late = [{"week": 6, "dose_g_per_kg": 1.0, "days": 5}]
    without, with_late = followed(early), followed(early + late)
    np.testing.assert_array_equal(without.seen.courses, 1)
    np.testing.assert_array_equal(with_late.seen.courses, 2)
    np.testing.assert_array_equal(without.seen.measures, with_late.seen.measures)


def test_the_effect_of_a_capped_course_is_that_of_the_dose_given(run):
    # 2 g/kg on one day is more than 80 g for everybody here
    courses = [{"week": 0, "dose_g_per_kg": 2.0, "days": 1}]
    cohort = simulate(run, design(arms={"ivig": {"courses": courses}}))
    np.testing.assert_allclose(cohort.seen.grams, 80.0, rtol=1e-14)
    weights = cohort.seen.weight[0]
    expected = [
        benefit_after(0, min(2.0 * w, 80.0) / w, [week * WEEK for week in range(5)])
        for w in map(float, weights)
    ]
    np.testing.assert_array_equal(cohort.truth.drug_benefit[0, :, 1], expected)
    assert len(set(expected)) == len(expected)  # each weight has a dose of its own


LIGHT = {"weight.women": 30.0, "weight.men": 30.0, "weight.log_sd": 0.0}  # 2 g/kg fit in a day


@pytest.mark.parametrize(
    ("doses", "every", "expected"),
    [
        ([2.0, 2.0, 2.0, 2.0], 4, [0.699, 0.712, 0.712, 0.712]),
        ([2.0, 1.0, 1.0], 3, [0.822, 0.493, 0.477]),
    ],
)
def test_two_regimens_give_the_benefits_that_were_worked_out_by_hand(run, doses, every, expected):
    # h_eff 14 days, hill 3, x50 0.5, k_on 1, depth 1; printed with three decimals
    courses = [{"week": every * j, "dose_g_per_kg": d} for j, d in enumerate(doses)]
    visits = [every * j for j in range(len(doses) + 1)]
    scripted = design(arms={"ivig": {"courses": courses}}, visits_weeks=visits)
    benefit = simulate(run, scripted, k_on=1.0, **LIGHT).truth.drug_benefit
    np.testing.assert_array_equal(np.round(benefit[:, :, 1:], 3), [[expected] * 20])


def test_exposure_is_that_of_the_course_of_which_most_is_left(run):
    def benefit(courses):
        scripted = design(arms={"ivig": {"courses": courses}})
        return simulate(run, scripted, **LIGHT).truth.drug_benefit

    large, small = ({"week": w, "dose_g_per_kg": d} for w, d in ((0, 2.0), (1, 0.2)))
    late = {"week": 5, "dose_g_per_kg": 1.0}
    np.testing.assert_array_equal(benefit([large, small]), benefit([large]))
    assert (benefit([large, late])[:, :, 2] > benefit([large])[:, :, 2]).all()


# --- measure, then decide, then infuse ----------------------------------------------------------


def rescued_from(week, below=100.0, then="stop_treatment", **more):
    rule = {"allowed_from_week": week, "insufficient_tis_below": below, "then": then}
    return design(intercurrent={"rescue": rule}, **more)


@pytest.mark.parametrize("then", ["stop_treatment", "leave_study"])
def test_rescue_withholds_the_infusion_of_the_same_minute(run, then):
    seen = simulate(run, rescued_from(4, then=then), **{RESCUE: 1.0}).seen
    np.testing.assert_array_equal(seen.rescue_minute, 4 * WEEK)
    np.testing.assert_array_equal(seen.stop_minute, 4 * WEEK)
    np.testing.assert_array_equal(seen.courses, 1)
    np.testing.assert_array_equal(seen.left_minute, 4 * WEEK if then == "leave_study" else NEVER)
    np.testing.assert_array_equal(np.isnan(seen.tis[..., 2:]), then == "leave_study")


def test_a_visit_in_the_week_in_which_rescue_begins_may_rescue_and_one_before_may_not(run):
    for week, expected in ((4, 4), (5, 8), (8, 8)):
        seen = simulate(run, rescued_from(week), **{RESCUE: 1.0}).seen
        np.testing.assert_array_equal(seen.rescue_minute, expected * WEEK)


def test_nobody_is_rescued_at_the_last_visit(run):
    for week in (9, 12):
        seen = simulate(run, rescued_from(week), **{RESCUE: 1.0}).seen
        for minute in (seen.rescue_minute, seen.stop_minute, seen.left_minute):
            np.testing.assert_array_equal(minute, NEVER)


def test_a_patient_is_rescued_once(run):
    scripted = rescued_from(4, visits_weeks=[0, 4, 5, 6, 7, 12])
    seen = simulate(run, scripted, **{RESCUE: 1.0}).seen
    np.testing.assert_array_equal(seen.rescue_minute, 4 * WEEK)


def test_a_score_at_the_limit_is_sufficient_and_one_below_is_not(run):
    scripted = rescued_from(4, below=20.0, sample_size={"n": 400})
    values = {RESCUE: 1.0, "sd_change.vas": 1.5, "sd_change.haq": 0.5, "sd_change.mmt": 0.05}
    seen = simulate(run, scripted, k_on=0.05, **values).seen
    score = seen.tis[..., 1]
    assert (score == 20.0).sum() >= 5
    assert ((score < 20.0) & (score > 0.0)).sum() >= 5
    np.testing.assert_array_equal(seen.rescue_minute == 4 * WEEK, score < 20.0)


def test_a_limit_of_zero_rescues_nobody_though_no_score_is_above_it(run):
    scripted = rescued_from(4, below=0.0)
    seen = simulate(run, scripted, **{RESCUE: 1.0, "p_response[DM, refractory]": 0.0}).seen
    np.testing.assert_array_equal(seen.tis, 0.0)
    np.testing.assert_array_equal(seen.rescue_minute, NEVER)


def deteriorating(run, *, worse=None, rescue=None, n=400, chance=1.0, **more):
    rules = {name: rule for name, rule in (("deterioration", worse), ("rescue", rescue)) if rule}
    scripted = design(sample_size={"n": n}, intercurrent=rules, **more)
    return simulate(run, scripted, **(NOISY | {RESCUE: chance})).seen


def test_deterioration_is_confirmed_at_the_second_of_two_consecutive_visits(run):
    seen = deteriorating(run, worse={"from_week": 0, "then": "stop_treatment"}, n=1_500)
    minutes = [0, 4 * WEEK, 8 * WEEK, 12 * WEEK]
    expected, interrupted = [], 0
    for visits in seen.measures[0]:
        worse = [bool(has_worsened(visits[0], now)) for now in visits]
        both = [v for v in range(1, 4) if worse[v] and worse[v - 1]]
        expected.append(minutes[both[0]] if both else NEVER)
        interrupted += worse[1:] == [True, False, True]
    np.testing.assert_array_equal(seen.deterioration_minute[0], expected)
    assert {8 * WEEK, 12 * WEEK, NEVER} == set(expected)
    assert interrupted >= 5


def test_a_worsening_before_the_rule_begins_counts_as_the_first_of_two_visits(run):
    early, late = (
        deteriorating(run, worse={"from_week": week, "then": "stop_treatment"}).deterioration_minute
        for week in (0, 8)
    )
    assert (early == 8 * WEEK).sum() >= 10
    np.testing.assert_array_equal(early, late)


def test_deterioration_withholds_the_infusion_of_the_same_minute(run):
    seen = deteriorating(run, worse={"from_week": 0, "then": "stop_treatment"})
    at_8 = seen.deterioration_minute == 8 * WEEK
    assert at_8.sum() >= 10
    np.testing.assert_array_equal(seen.stop_minute[at_8], 8 * WEEK)
    np.testing.assert_array_equal(seen.courses[at_8], 2)
    np.testing.assert_array_equal(seen.courses[~at_8], 3)
    assert not np.isnan(seen.tis).any()


def test_deterioration_is_decided_before_rescue_so_who_leaves_by_it_is_not_rescued(run):
    seen = deteriorating(
        run,
        worse={"from_week": 8, "then": "leave_study"},
        rescue={"allowed_from_week": 8, "then": "stop_treatment"},
    )
    at_8 = seen.deterioration_minute == 8 * WEEK
    assert at_8.sum() >= 10
    np.testing.assert_array_equal(seen.left_minute[at_8], 8 * WEEK)
    np.testing.assert_array_equal(seen.rescue_minute[at_8], NEVER)
    insufficient = ~at_8 & (seen.tis[..., 2] < 20.0)
    assert insufficient.sum() >= 10
    np.testing.assert_array_equal(seen.rescue_minute[insufficient], 8 * WEEK)


def test_who_only_stops_treatment_for_deterioration_may_be_rescued_at_the_same_visit(run):
    for then in ("stop_treatment", "leave_study"):
        seen = deteriorating(
            run,
            worse={"from_week": 8, "then": "stop_treatment"},
            rescue={"allowed_from_week": 8, "then": then},
        )
        at_8 = (seen.deterioration_minute == 8 * WEEK) & (seen.tis[..., 2] < 20.0)
        assert at_8.sum() >= 10
        for minute in (seen.rescue_minute, seen.stop_minute):
            np.testing.assert_array_equal(minute[at_8], 8 * WEEK)
        left = 8 * WEEK if then == "leave_study" else NEVER
        np.testing.assert_array_equal(seen.left_minute[at_8], left)


def test_the_first_stop_of_treatment_is_the_one_that_counts(run):
    seen = deteriorating(
        run,
        worse={"from_week": 8, "then": "stop_treatment"},
        rescue={"allowed_from_week": 4, "then": "stop_treatment"},
    )
    both = (seen.rescue_minute == 4 * WEEK) & (seen.deterioration_minute >= 8 * WEEK)
    assert both.sum() >= 10
    np.testing.assert_array_equal(seen.stop_minute[both], 4 * WEEK)


def test_deterioration_at_the_last_visit_is_recorded_and_is_no_leaving(run):
    seen = deteriorating(run, worse={"from_week": 12, "then": "leave_study"})
    at_last = seen.deterioration_minute == 12 * WEEK
    assert at_last.sum() >= 10
    np.testing.assert_array_equal(seen.stop_minute[at_last], 12 * WEEK)
    np.testing.assert_array_equal(seen.left_minute, NEVER)
    assert not np.isnan(seen.tis).any()


# --- arriving -----------------------------------------------------------------------------------

SEVERE = {"sd_change.vas": 1.0, "baseline.physician.scale": 1.0}
SELECTIVE = {
    "subtypes": {"DM": 1.0},
    "line": "refractory",
    "mmt": "MMT8_150",
    "eligibility": {"mmt_below": 95, "other_abnormal_measures": 4, "prednisolone_at_most_mg": 10},
}


def in_a_rush(run, *, sites=4, per_minute=1.3, n=200, most_candidates=100_000, **changes):
    """Run a trial to which several candidates come in each minute at several sites."""
    come = arrivals(sites=sites, per_minute=per_minute, most_candidates=most_candidates)
    scripted = design(sample_size={"n": n}, **changes)
    return simulate(run, scripted, come=come, replicates=3, **SEVERE).seen


def test_candidates_of_one_minute_are_screened_in_the_order_of_sites(run):
    seen = in_a_rush(run)
    np.testing.assert_array_equal(seen.candidate, [range(200)] * 3)
    for minute, site in zip(seen.randomised_minute, seen.site, strict=True):
        np.testing.assert_array_equal(np.lexsort((site, minute)), range(200))
        same = np.diff(minute) == 0
        assert (same & (np.diff(site) > 0)).sum() >= 20  # two sites in one minute
        assert (same & (np.diff(site) == 0)).sum() >= 20  # one site twice in one minute


@pytest.mark.parametrize("screening_weeks", [0, 1, 6])
def test_patients_of_one_minute_are_randomised_in_the_order_of_screening(run, screening_weeks):
    allocation = {
        "ratio": {"placebo": 1, "ivig": 2},
        "method": "permuted_blocks",
        "block_sizes": [3],
        "strata": ["severity"],
    }
    arms = {
        "placebo": {"infusions_like": "ivig"},
        "ivig": {"dose_g_per_kg": 1.0, "every_weeks": 4, "infusions": 3},
    }
    seen = in_a_rush(
        run,
        population=SELECTIVE,
        arms=arms,
        allocation=allocation,
        screening_weeks=screening_weeks,
        per_minute=50.0,
    )
    assert (np.diff(seen.candidate, axis=1) > 0).all()
    assert (np.diff(seen.randomised_minute, axis=1) == 0).sum() >= 100
    for arm, stratum in zip(seen.arm, seen.stratum, strict=True):
        for which in range(3):
            arms_in_order = arm[stratum == which]
            whole = arms_in_order[: len(arms_in_order) // 3 * 3].reshape(-1, 3)
            assert len(whole) >= 3
            np.testing.assert_array_equal(np.sort(whole, axis=1), [[0, 1, 1]] * len(whole))


@pytest.mark.parametrize("screening_weeks", [0, 6])
def test_screening_ends_with_the_last_patient_wanted_while_others_wait_for_randomisation(
    run, screening_weeks
):
    # all are screened long before the first is randomised
    seen = in_a_rush(run, population=SELECTIVE, screening_weeks=screening_weeks)
    np.testing.assert_array_equal(seen.screened, seen.candidate[:, -1] + 1)
    np.testing.assert_array_equal(seen.failures.sum(axis=1), seen.screened - 200)
    assert (seen.failures.sum(axis=1) >= 100).all()
    assert seen.complete.all()
    if screening_weeks:
        screened_at = seen.randomised_minute - screening_weeks * WEEK
        assert (screened_at.max(axis=1) < seen.randomised_minute.min(axis=1)).all()


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_trial_is_complete_if_the_last_candidate_to_be_had_fills_it(run, more):
    most = 50 + more
    seen = in_a_rush(run, n=50, most_candidates=most)
    np.testing.assert_array_equal(seen.complete, more >= 0)
    np.testing.assert_array_equal(seen.screened, min(most, 50))
    np.testing.assert_array_equal((seen.arm >= 0).sum(axis=1), min(most, 50))


def test_the_dates_of_screening_are_the_sites_own_arrivals_rounded_once(run):
    seen = in_a_rush(run, sites=3, per_minute=0.01, n=60, screening_weeks=2)
    for replicate in range(3):
        expected = []
        for site in range(3):
            time = 0.0
            for order in range(60):
                time += arrival_gap(SEED, replicate, site, order, 0.01)
                expected.append((whole_minute(time), site))
        expected = sorted(expected)[:60]
        np.testing.assert_array_equal(seen.site[replicate], [s for _, s in expected])
        np.testing.assert_array_equal(
            seen.randomised_minute[replicate], [m + 2 * WEEK for m, _ in expected]
        )


# --- and in all of these the engines agree ------------------------------------------------------


@pytest.mark.parametrize("minute", [0, 4 * WEEK - 1, 4 * WEEK, 5 * WEEK, 8 * WEEK, 12 * WEEK])
@pytest.mark.parametrize("then", ["stop_treatment", "leave_study"])
def test_engines_agree_to_the_last_bit_when_everything_ties(minute, then):
    courses = [
        {"week": 0, "dose_g_per_kg": 2.0, "days": 1},
        {"week": 4, "dose_g_per_kg": 1.0, "days": 7},
        {"week": 5, "dose_g_per_kg": 1.0, "days": 1},
        {"week": 8, "dose_g_per_kg": 5.0, "days": 2},
        {"week": 12, "dose_g_per_kg": 1.0, "days": 3},
    ]
    scripted = design(
        arms={"ivig": {"courses": courses}},
        screening_weeks=0,
        sample_size={"n": 60},
        intercurrent={
            "deterioration": {"from_week": 8, "then": then},
            "rescue": {"allowed_from_week": 4, "then": then},
        },
    )
    values = NOISY | {RESCUE: 0.3, "p_response[DM, refractory]": 0.7}
    rates = rates_that_lose_the_first_patient(scripted, max(minute, 1))
    if minute == 0:
        rates = np.full(8, 1e6)
    by_events, by_loops = (
        simulate(
            run,
            scripted,
            dropout_per_minute=rates,
            come=arrivals(sites=5, per_minute=2.0),
            **values,
        )
        for run in (reference.run, compiled.run)
    )
    np.testing.assert_array_equal(by_events.truth.dropout_minute[:, 0], minute)
    assert by_events.first_difference(by_loops) is None
