"""What rules do to treatment when several things fall on one visit, course or minute.

Nothing is measured with error, so everybody who is treated alike does alike, and what is expected
is written out by hand. Every rule holds for both engines.
"""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.cohort import draws as at
from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.protocol import protocol_of
from simtrial.cohort.reference import engine as reference
from simtrial.cohort.supply import SupplyTable
from simtrial.core.arithmetic import plog
from simtrial.core.streams import Purpose, uniform
from simtrial.myositis.measures import MEASURES
from tests.agreement.scripted import (
    DAY,
    SEED,
    WEEK,
    arrivals,
    design,
    dropout_uniform,
    simulate,
    table_of,
)

NEVER = -1
RESPONDS, RESCUE = "p_response[DM, refractory]", "rescue_per_visit[refractory, continued]"
GIVES_UP = "lack_of_effect_per_visit"
LIGHT = {"weight.women": 40.0, "weight.men": 40.0, "weight.log_sd": 0.0}
# everybody begins alike
ALIKE = LIGHT | {f"baseline.{measure}.scale": 0.0 for measure in MEASURES}
# nobody improves, so every score is 0; who may be rescued is; nobody is too heavy for his dose
USELESS = LIGHT | {RESPONDS: 0.0, RESCUE: 1.0}
# worse from week 4 on, so deterioration is confirmed at week 8
DECLINE = USELESS | {"drift_per_year": 8.0}
FLARES = {"flare_per_week": 1e3, "prednisolone_share[refractory]": 1.0}
VISITS = [0, 4, 8, 12]


@pytest.fixture(params=[reference.run, compiled.run], ids=["reference", "compiled"])
def run(request):
    return request.param


def courses(*given, **more):
    """Return an arm with courses (week, dose) of one day."""
    return {"courses": [{"week": w, "dose_g_per_kg": d} for w, d in given], **more}


def one_arm(arm, **more):
    return design(arms={"one": arm}, sample_size={"n": 6}, **({"visits_weeks": VISITS} | more))


def two_arms(one, other, **more):
    """Return a design in which half of the patients are given either."""
    allocation = {"ratio": {"one": 1, "other": 1}, "method": "permuted_blocks", "block_sizes": [2]}
    return design(
        arms={"one": one, "other": other},
        allocation=allocation,
        sample_size={"n": 6},
        **({"visits_weeks": VISITS} | more),
    )


def given(seen, arm=0):
    """Return the weeks and doses of the courses that all patients of an arm were given."""
    mine = seen.arm[0] == arm
    weeks, doses = seen.course_minute[0][mine] / WEEK, seen.course_dose[0][mine]
    assert (weeks == weeks[0]).all()
    n = int(seen.courses[0][mine][0])
    np.testing.assert_allclose(doses[:, :n], np.broadcast_to(doses[0, :n], (len(doses), n)))
    return [(float(w), round(float(d), 9)) for w, d in zip(weeks[0, :n], doses[0, :n], strict=True)]


def all_are(column, value):
    np.testing.assert_array_equal(column, np.broadcast_to(value, column.shape))


def after(**rules):
    """Return what follows events: deterioration, rescue, lack of effect from week 4 on."""
    weeks = {"deterioration": "from_week", "rescue": "allowed_from_week"}
    return {name: {weeks.get(name, "from_week"): 4, "then": then} for name, then in rules.items()}


# --- switching ----------------------------------------------------------------------------------

ONE, OTHER = courses((0, 1.0), (4, 1.0), (8, 1.0)), courses((0, 0.5), (2, 0.5))


def test_a_switch_puts_the_other_arm_s_courses_from_its_visit_on_in_place_of_all_planned(run):
    seen = simulate(run, two_arms(ONE, OTHER, intercurrent=after(rescue="switch")), **USELESS).seen
    all_are(seen.switch_minute, 4 * WEEK)
    all_are(seen.stop_minute, NEVER)
    # one had a course planned for the minute of the switch; other is given those of week 0 anew
    assert given(seen, 0) == [(0, 1.0), (4, 0.5), (6, 0.5)]
    assert given(seen, 1) == [(0, 0.5), (2, 0.5), (4, 1.0), (8, 1.0), (12, 1.0)]


def test_a_second_switch_stops_treatment_and_withholds_the_course_of_its_visit(run):
    rules = after(rescue="switch", lack_of_effect="switch")
    rules["lack_of_effect"]["from_week"] = 8
    scripted = two_arms(ONE, OTHER, intercurrent=rules)
    seen = simulate(run, scripted, **USELESS, **{GIVES_UP: 1.0}).seen
    all_are(seen.switch_minute, 4 * WEEK)
    all_are(seen.stop_minute, 8 * WEEK)
    assert given(seen, 1) == [(0, 0.5), (2, 0.5), (4, 1.0)]


def test_a_switch_from_an_arm_without_a_target_stops_treatment(run):
    rules = after(rescue="switch") | {"switch_to": {"one": "other"}}
    seen = simulate(run, two_arms(ONE, OTHER, intercurrent=rules), **USELESS).seen
    all_are(seen.switch_minute[seen.arm == 1], NEVER)
    all_are(seen.stop_minute, np.where(seen.arm == 1, 4 * WEEK, NEVER))
    assert given(seen, 1) == [(0, 0.5), (2, 0.5)]


def test_two_events_of_one_visit_that_both_switch_switch_once(run):
    rules = after(rescue="switch", lack_of_effect="switch")
    seen = simulate(
        run, two_arms(ONE, OTHER, intercurrent=rules), **USELESS, **{GIVES_UP: 1.0}
    ).seen
    for column in (seen.rescue_minute, seen.lack_of_effect_minute, seen.switch_minute):
        all_are(column, 4 * WEEK)
    all_are(seen.stop_minute, NEVER)
    assert given(seen, 0) == [(0, 1.0), (4, 0.5), (6, 0.5)]


@pytest.mark.parametrize("ends", ["stop_treatment", "standard_therapy"])
@pytest.mark.parametrize("first", [True, False])
def test_of_two_events_of_one_visit_the_one_that_ends_treatment_prevails_over_a_switch(
    run, ends, first
):
    both = ("deterioration", "rescue") if first else ("rescue", "deterioration")
    rules = after(**dict(zip(both, (ends, "switch"), strict=True)))
    rules["rescue"]["allowed_from_week"] = 8
    seen = simulate(run, two_arms(ONE, OTHER, intercurrent=rules), **DECLINE).seen
    for column in (seen.deterioration_minute, seen.rescue_minute, seen.stop_minute):
        all_are(column, 8 * WEEK)
    all_are(seen.switch_minute, NEVER)
    all_are(seen.standard_minute, 8 * WEEK if ends == "standard_therapy" else NEVER)
    assert given(seen, 0) == [(0, 1.0), (4, 1.0)]


def test_an_extension_that_begins_in_the_week_of_a_switch_is_given_once_and_stays_in_place(run):
    extension = {"from_week": 4, "dose_g_per_kg": 2.0, "every_weeks": 4, "infusions": 3}
    scripted = two_arms(
        courses((0, 1.0)),
        courses((0, 0.5), (2, 0.5)),
        extension=extension,
        intercurrent=after(rescue="switch"),
    )
    seen = simulate(run, scripted, **USELESS).seen
    all_are(seen.switch_minute, 4 * WEEK)
    assert given(seen, 0) == [(0, 1.0), (4, 2.0), (8, 2.0), (12, 2.0)]
    assert given(seen, 1) == [(0, 0.5), (2, 0.5), (4, 2.0), (8, 2.0), (12, 2.0)]


def test_placebo_stays_placebo_after_a_switch_and_the_drug_the_drug(run):
    scripted = two_arms(ONE, {"infusions_like": "one"}, intercurrent=after(rescue="switch"))
    seen = simulate(run, scripted, **USELESS).seen
    for arm, is_drug in ((0, [True, False]), (1, [False, True])):
        all_are(seen.course_drug[0][seen.arm[0] == arm][:, :2], is_drug)


def test_a_course_that_still_runs_at_the_visit_of_a_switch_is_cut_short_by_the_first_new_one(run):
    # of week 3, until day 27; the visit of week 4 is from day 26 to day 30
    long = {"courses": [{"week": 3, "dose_g_per_kg": 1.0, "days": 7}]}
    scripted = two_arms(
        long, courses((0, 0.5)), visit_window_days=2, intercurrent=after(rescue="switch")
    )
    responds = USELESS | {RESPONDS: 1.0}
    rules = scripted.intercurrent.rescue
    assert rules is not None and rules.insufficient_tis_below == 20.0
    seen, truth = simulate(run, scripted, replicates=20, **(responds | {"k_on": 1e-3}))
    mine = seen.arm == 0
    early = mine & (seen.visit_minute[..., 1] < 27 * DAY)
    assert early.sum() >= 5 and (mine & ~early).sum() >= 5
    np.testing.assert_array_equal(seen.course_minute[mine][:, 0], 3 * WEEK)
    np.testing.assert_array_equal(seen.course_minute[mine][:, 1], seen.visit_minute[mine][:, 1])
    # the visit is measured before its course cuts the other short: nothing has worked yet
    np.testing.assert_array_equal(truth.drug_benefit[early][:, 1], 0.0)
    on_time = mine & (seen.visit_minute[..., 1] > 27 * DAY)
    assert (truth.drug_benefit[on_time][:, 1] > 0.0).all()


def test_a_transient_benefit_fades_from_the_minute_at_which_the_first_course_was_cut_short(run):
    # of week 0, until day 6; the visit of week 1 is from day 5 to day 9, and has a course of two
    # days, too small to matter: only a wrong first day of fading would show
    arm = {"courses": [{"week": 0, "dose_g_per_kg": 2.0, "days": 7}]} | needed(
        from_week=1, weeks_apart=1, at_most=1, days=2
    )
    scripted = one_arm(arm, visits_weeks=[0, 1, 2], visit_window_days=2)
    values = LIGHT | {"k_on": 1e6, "p_transient": 1.0, "transient_half_life": 3.0}
    seen, truth = simulate(run, scripted, replicates=10, **values)
    early = seen.visit_minute[..., 1] < 6 * DAY
    assert early.sum() >= 5
    cut, now = (seen.visit_minute[..., v][early].astype(float) for v in (1, 2))
    before = np.where(now > 2 * WEEK, 2.0 * WEEK, float(WEEK))
    since = (before + now) / 2.0 - cut
    x = 2.0 * 2.0 ** (-since / (14.0 * DAY))
    goal = x**3 / (x**3 + 0.5**3) * 2.0 ** (-since / (3.0 * WEEK))
    # some dozen roundings
    np.testing.assert_allclose(truth.drug_benefit[..., 2][early], goal, rtol=1e-12)


# --- what ends treatment ------------------------------------------------------------------------


def test_who_stops_for_deterioration_is_not_given_up_for_lack_of_effect_at_that_visit(run):
    rules = after(deterioration="stop_treatment", lack_of_effect="leave_study")
    rules["lack_of_effect"]["from_week"] = 8
    seen = simulate(run, one_arm(ONE, intercurrent=rules), **DECLINE, **{GIVES_UP: 1.0}).seen
    all_are(seen.deterioration_minute, 8 * WEEK)
    all_are(seen.lack_of_effect_minute, NEVER)
    all_are(seen.left_minute, NEVER)


def test_nobody_gives_up_for_lack_of_effect_at_the_last_visit_nor_twice(run):
    rules = after(lack_of_effect="continue")
    seen = simulate(run, one_arm(ONE, intercurrent=rules), **USELESS, **{GIVES_UP: 1.0}).seen
    all_are(seen.lack_of_effect_minute, 4 * WEEK)
    rules["lack_of_effect"]["from_week"] = 12
    seen = simulate(run, one_arm(ONE, intercurrent=rules), **USELESS, **{GIVES_UP: 1.0}).seen
    all_are(seen.lack_of_effect_minute, NEVER)
    assert given(seen) == [(0, 1.0), (4, 1.0), (8, 1.0)]


def test_standard_therapy_works_from_its_visit_on_and_treatment_has_stopped(run):
    values = USELESS | {"standard.depth": 0.5, "standard.k": 0.5}
    scripted = one_arm(ONE, intercurrent=after(rescue="standard_therapy"))
    seen, truth = simulate(run, scripted, **values)
    all_are(seen.standard_minute, 4 * WEEK)
    assert given(seen) == [(0, 1.0)]
    left = np.exp(-0.5 * np.array([0.0, 0.0, 4.0, 8.0]))
    # four and eight steps of a week, each rounded once or twice
    np.testing.assert_allclose(
        truth.background_benefit[0], np.broadcast_to(0.5 * (1.0 - left), (6, 4)), rtol=1e-13
    )


def test_deterioration_rescue_and_a_flare_at_one_visit_add_both_doses_to_the_one_before(run):
    rules = after(deterioration="continue", rescue="continue")
    rules["rescue"]["allowed_from_week"] = 8
    for name, mg in (("deterioration", 20.0), ("rescue", 5.0)):
        rules[name]["prednisolone_mg"] = mg
    scripted = one_arm(ONE, intercurrent=rules, prednisolone={"taper": "step"})
    truth = {"prednisolone.median": 40.0, "prednisolone.log_sd": 0.0}
    seen = simulate(run, scripted, **DECLINE, **FLARES, **truth).seen
    all_are(seen.deterioration_minute, 8 * WEEK)
    all_are(seen.rescue_minute, 8 * WEEK)
    all_are(seen.flares[..., 1:], True)
    all_are(seen.prednisolone, [40.0, 40.0, 65.0, 65.0])


# --- courses that depend on how it goes ---------------------------------------------------------


def needed(**more):
    rule = {"from_week": 4, "if_tis_below": 60, "dose_g_per_kg": 0.3, "at_most": 9}
    return {"as_needed": rule | {"weeks_apart": 4} | more}


def test_a_course_as_needed_is_not_given_beside_one_planned_for_its_visit(run):
    seen = simulate(run, one_arm(courses((0, 1.0), (4, 1.0), (12, 1.0), **needed())), **USELESS)[0]
    assert given(seen) == [(0, 1.0), (4, 1.0), (8, 0.3), (12, 1.0)]


@pytest.mark.parametrize(
    ("apart", "weeks"), [(4, [0, 4, 8, 12]), (5, [0, 8]), (8, [0, 8]), (9, [0, 12])]
)
def test_courses_as_needed_keep_their_weeks_apart_to_the_week(run, apart, weeks):
    seen = simulate(run, one_arm(courses((0, 1.0), **needed(weeks_apart=apart))), **USELESS).seen
    assert [week for week, _ in given(seen)] == weeks


def test_no_more_courses_as_needed_are_given_than_allowed_and_none_once_stopped(run):
    arm = courses((0, 1.0), **needed(at_most=1))
    assert given(simulate(run, one_arm(arm), **USELESS).seen) == [(0, 1.0), (4, 0.3)]
    rules = after(rescue="stop_treatment")
    assert given(simulate(run, one_arm(arm, intercurrent=rules), **USELESS).seen) == [(0, 1.0)]


def test_a_fall_from_the_best_score_by_exactly_the_limit_needs_a_course(run):
    truth = ALIKE | {"k_on": 5.0}  # at its best in week 2, and mostly gone by week 6
    weeks = [0, 2, 6, 7]
    alone = one_arm(courses((0, 2.0)), visits_weeks=weeks)
    scores = simulate(run, alone, **truth).seen.tis[0]
    all_are(scores, scores[0])
    fall = float(scores[0, 1] - scores[0, 2])
    assert scores[0].max() == scores[0, 1] and fall > 0.0
    for more, expected in ((0.0, [0, 6]), (0.5, [0])):
        rule = {"from_week": 2, "if_tis_below": None, "if_tis_falls_by": fall + more}
        arm = courses((0, 2.0), **needed(**rule, at_most=1, weeks_apart=1))
        seen = simulate(run, one_arm(arm, visits_weeks=weeks[:3]), **truth).seen
        assert [week for week, _ in given(seen)] == expected


def changing(limit, tis, *more, week=4, stable=None):
    change = {
        "at_week": week,
        limit: tis,
        "courses": [{"week": w, "dose_g_per_kg": 0.4} for w in more],
    }
    arm = courses((0, 1.0), (4, 1.0), (8, 1.0), dose_change=[change])
    return arm if stable is None else arm | {"stop_when_stable": stable}


def test_a_change_of_dose_replaces_the_course_of_its_own_visit(run):
    seen = simulate(run, one_arm(changing("if_tis_below", 20, 4, 5)), **USELESS).seen
    assert given(seen) == [(0, 1.0), (4, 0.4), (5, 0.4)]
    seen = simulate(run, one_arm(changing("if_tis_below", 20)), **USELESS).seen
    assert given(seen) == [(0, 1.0)]


def test_a_score_at_the_limit_of_a_change_is_at_least_and_not_below(run):
    level = ALIKE | {"k_on": 0.2}
    score = float(simulate(run, one_arm(ONE), **level).seen.tis[0, 0, 1])
    assert 0.0 < score < 100.0
    for limit, fits in (("if_tis_below", False), ("if_tis_at_least", True)):
        seen = simulate(run, one_arm(changing(limit, score, 4)), **level).seen
        assert [round(d, 1) for _, d in given(seen)] == ([1.0, 0.4] if fits else [1.0] * 3)


def test_who_is_stable_at_the_visit_of_a_change_of_dose_is_given_nothing_more(run):
    stable = {"tis_at_least": 20, "visits": 1}
    arm = changing("if_tis_at_least", 20, 4, 8, stable=stable)
    lasting = LIGHT | {"h_eff": 1e6}
    seen = simulate(run, one_arm(arm), **lasting).seen
    assert (seen.tis[..., 1] >= 20.0).all()
    all_are(seen.stable_minute, 4 * WEEK)
    assert given(seen) == [(0, 1.0)]
    two = changing("if_tis_at_least", 20, 4, 8, 12, stable=stable | {"visits": 2})
    seen = simulate(run, one_arm(two), **lasting).seen
    all_are(seen.stable_minute, 8 * WEEK)
    assert given(seen) == [(0, 1.0), (4, 0.4)]


def test_an_amendment_holds_from_its_patient_on_in_order_of_randomisation(run):
    arm = changing("if_tis_below", 20)
    arm["dose_change"][0]["from_patient"] = 3
    seen = simulate(run, one_arm(arm), **USELESS).seen
    all_are(seen.courses[0], [3, 3, 1, 1, 1, 1])


def test_who_misses_a_visit_is_treated_as_planned_and_no_rule_is_applied(run):
    arm = changing("if_tis_below", 20) | needed()
    seen = simulate(
        run,
        one_arm(arm, intercurrent=after(rescue="leave_study")),
        **USELESS,
        **{"missing.visit": 1.0},
    ).seen
    assert given(seen) == [(0, 1.0), (4, 1.0), (8, 1.0)]
    all_are(seen.rescue_minute, NEVER)
    all_are(seen.visit_minute[..., 1:], NEVER)


# --- supply -------------------------------------------------------------------------------------


def interrupted(run, scripted, begins, lasts, **values):
    """Run with one interruption of supply, from a calendar minute on, so many minutes long."""
    per_minute = -plog(uniform(SEED, Purpose.SUPPLY, 0, 0, 0, 0)) / begins
    table = table_of(scripted, values)
    table = table._replace(
        supply=SupplyTable(per_minute=np.array([per_minute]), minutes=np.array([lasts]))
    )
    return run(protocol_of(scripted), table, arrivals(), seed=SEED, first=0, last=1, n=6).seen


@pytest.mark.parametrize(
    ("late", "lasts", "missed"),
    [(0, 1, True), (1, 1, False), (-1, 1, False), (-1, 2, True), (-5, 5, False), (0, 0, False)],
)
def test_a_course_of_the_minute_at_which_supply_ends_is_lost_and_when_it_is_back_given(
    run, late, lasts, missed
):
    scripted = one_arm(ONE)
    begins = int(simulate(run, scripted).seen.randomised_minute[0, 0]) + 4 * WEEK + late
    seen = interrupted(run, scripted, begins, lasts)
    assert seen.missed_courses[0, 0] == missed
    weeks = [0, 8, NEVER] if missed else [0, 4, 8]
    np.testing.assert_array_equal(
        seen.course_minute[0, 0], [w * WEEK if w >= 0 else NEVER for w in weeks]
    )


def test_a_course_lost_to_supply_is_not_the_one_that_an_event_leaves_out(run):
    # one interval, so one infection, which comes soon after randomisation
    scripted = one_arm(ONE, visits_weeks=[0, 12])
    always = {"infection.per_year": 1e4, "interrupt.other": 1.0}
    alone = simulate(run, scripted, **always).seen
    all_are(alone.missed_courses, 1)
    assert given(alone) == [(0, 1.0), (8, 1.0)]
    begins = int(alone.randomised_minute[0, 0]) + 4 * WEEK
    seen = interrupted(run, scripted, begins, 1, **always)
    assert seen.missed_courses[0, 0] == 2
    np.testing.assert_array_equal(seen.course_minute[0, 0], [0, NEVER, NEVER])


# --- windows ------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_dropout_at_the_minute_of_a_visit_in_its_window_comes_after_visit_and_course(run, late):
    scripted = one_arm(ONE, visit_window_days=5)
    window = protocol_of(scripted).measuring.window_minutes
    minutes = [at.visit_minute(SEED, i, 0, 4, 4 * WEEK, window) for i in range(8)]
    assert min(minutes) < 4 * WEEK < max(minutes)
    rates = [
        -plog(dropout_uniform(scripted, i, candidate=0)) / (minute + late)
        for i, minute in enumerate(minutes)
    ]
    seen = simulate(run, scripted, dropout_per_minute=np.array(rates)).seen
    comes = late >= 0
    all_are(seen.left_minute[:, 0], np.array(minutes) + late)
    all_are(seen.visit_minute[:, 0, 1], minutes if comes else NEVER)
    all_are(seen.course_minute[:, 0, 1], minutes if comes else NEVER)
    all_are(seen.courses[:, 0], 2 if comes else 1)
    all_are(seen.followed_minute[:, 0], np.array(minutes) + late)


# --- and in all of these the engines agree ------------------------------------------------------


# weeks of courses that no window of so many days lets overlap, after a switch either
FITTING = {0: (0, 1, 3, 6), 2: (0, 3, 6)}


@pytest.mark.parametrize("window", [0, 2])
@pytest.mark.parametrize("then", ["switch", "standard_therapy", "continue"])
@pytest.mark.parametrize("minute", [4 * WEEK, 6 * WEEK + DAY, 8 * WEEK])
def test_engines_agree_to_the_last_bit_when_treatment_ties_with_everything(minute, then, window):
    long = {"dose_g_per_kg": 1.0, "days": 7}
    one = {
        "courses": [
            {"week": w, **(long if w < 6 else {**long, "days": 3})} for w in FITTING[window]
        ],
        "dose_change": [
            {"at_week": 4, "if_tis_at_least": 60, "courses": []},
            {"at_week": 8, "if_tis_below": 40, "courses": [{"week": w, **long} for w in (9, 10)]},
        ],
        **needed(weeks_apart=1, days=7),
        "stop_when_stable": {"tis_at_least": 20, "visits": 3},
    }
    # without windows one that a switch gives may begin while another still runs
    other = {"courses": [{"week": w, "dose_g_per_kg": 0.5, "days": 1} for w in (0, 2, 5)]}
    rules = after(deterioration=then, rescue=then, lack_of_effect="stop_treatment")
    rules["lack_of_effect"]["from_week"] = 8
    scripted = two_arms(
        one,
        other,
        visits_weeks=[0, 4, 6, 8, 12],
        visit_window_days=window,
        extension={"from_week": 11, "dose_g_per_kg": 2.0, "every_weeks": 1, "infusions": 2},
        prednisolone={"taper": "practice"},
        intercurrent=rules | {"harm": {"then": "leave_study"}},
    )
    values = {
        **{RESPONDS: 0.5, RESCUE: 0.4, GIVES_UP: 0.4, "drift_per_year": 1.5, "k_on": 0.3},
        **{"sd_change.vas": 2.0, "noise_per_4_weeks": 0.6, "standard.depth": 0.5},
        **{"supply.per_year": 20.0, "supply.weeks": 1.0, "infection.per_year": 3.0},
        **{"interrupt.other": 0.5, "infection.serious": 0.3, "stop.serious": 0.5},
        **{"fatal.serious": 0.2, "death.per_year[others]": 0.3, "flare_per_week": 0.1},
        **{"p_judged_improved": 0.5, "taper_share": 0.3, "missing.visit": 0.1},
        **{"p_transient": 0.5, "transient_half_life": 6.0},
    }
    rates = np.array([-plog(dropout_uniform(scripted, i, candidate=0)) / minute for i in range(6)])
    by_events, by_loops = (
        simulate(
            engine,
            scripted,
            dropout_per_minute=rates,
            come=arrivals(sites=3, per_minute=2.0),
            **values,
        )
        for engine in (reference.run, compiled.run)
    )
    np.testing.assert_array_equal(by_events.truth.dropout_minute[:, 0], minute)
    assert by_events.first_difference(by_loops) is None
