"""The run-in: both engines, and what is known of small scripted trials."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from simtrial.cohort import draws as at
from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.protocol import protocol_of
from simtrial.cohort.reference import engine as reference
from simtrial.cohort.snapshot import SCREENING_FAILURES
from simtrial.core.arithmetic import plog
from simtrial.core.streams import Purpose, uniform
from simtrial.myositis.enzymes import ENZYME_RANGE_ULN
from simtrial.myositis.measures import ENZYME
from simtrial.myositis.tis import improvement_score
from tests.agreement.run_in_designs import run_in_trial
from tests.agreement.scripted import DAY, SEED, WEEK, arrivals, design, simulate, table_of

SEEDS = range(9_000, 9_010)
MORE_SEEDS = range(9_100, 9_200)
LOST, RESPONSE = (SCREENING_FAILURES.index(f"run_in_{why}") for why in ("lost", "response"))
NOTHING = {"none": {"no_infusions": True}}
# sums of some ten products: rounding stays far below
ROUNDING = 1e-13


@pytest.fixture(params=[reference.run, compiled.run], ids=["reference", "compiled"])
def run(request):
    return request.param


def assert_engines_agree(generator_seed):
    one = run_in_trial(generator_seed)
    by_events, by_loops = (one.simulate(run) for run in (reference.run, compiled.run))
    assert by_events.first_difference(by_loops) is None


@pytest.mark.verify
@pytest.mark.parametrize("generator_seed", SEEDS)
def test_engines_agree_to_the_last_bit_on_trials_with_a_run_in(generator_seed):
    assert_engines_agree(generator_seed)


@pytest.mark.verify
@pytest.mark.parametrize("generator_seed", MORE_SEEDS)
def test_engines_agree_to_the_last_bit_on_one_more_trial_with_a_run_in(generator_seed):
    assert_engines_agree(generator_seed)


def test_engines_agree_to_the_last_bit_on_a_lively_run_in():
    by_events, by_loops = (lively(run) for run in (reference.run, compiled.run))
    assert by_events.first_difference(by_loops) is None
    assert by_events.seen.failures[:, [LOST, RESPONSE]].min() >= 3


def lively(run, **rules):
    """Run a trial in whose run-in much happens."""
    scripted = design(
        run_in={"weeks": 5, "enter_if_tis_at_least": 20, "improvement_from": "run_in"}
        | {"courses": [course(0, days=2), course(2, placebo=True), course(4, days=7)]}
        | rules,
        sample_size={"n": 40},
    )
    return simulate(
        run,
        scripted,
        replicates=3,
        come=arrivals(sites=3),
        **{
            "p_response[DM, refractory]": 0.6,
            "depth": 0.6,
            "depth_sd": 0.5,
            "x50_sd": 0.5,
            "sd_change.vas": 1.5,
            "sd_change.haq": 0.3,
            "dropout_16_weeks": 0.4,
            "supply.per_year": 2.0,
            "p_transient": 0.3,
            "transient_half_life": 4.0,
        },
    )


def test_everything_that_can_happen_in_a_run_in_happens_in_some_random_trial():
    found: Counter[str] = Counter()
    for seed in SEEDS:
        one = run_in_trial(seed)
        rules, seen = one.design.run_in, one.simulate(compiled.run)
        truth, seen = seen.truth, seen.seen
        found["lost"] += int(seen.failures[:, LOST].sum())
        found["not the score wanted"] += int(seen.failures[:, RESPONSE].sum())
        found["courses"] += int(seen.run_in_courses.sum())
        found["grams"] += int((seen.run_in_grams > 0).sum())
        found["benefit of the drug"] += int((truth.drug_benefit[..., 0] > 0).sum())
        found["benefit without it"] += int((truth.background_benefit[..., 0] > 0).sum())
        found["transient"] += int((truth.transient & (truth.drug_benefit[..., 0] > 0)).sum())
        found["placebo"] += sum(c.placebo for c in rules.courses)
        found["no course"] += int(not rules.courses) * 10
        found["below"] += int(rules.enter_if_tis_below is not None) * 10
        found["at least"] += int(rules.enter_if_tis_at_least is not None) * 10
        found[f"from {rules.improvement_from}"] += 5
    wanted = ("lost", "not the score wanted", "courses", "grams", "benefit of the drug")
    wanted += ("benefit without it", "transient", "placebo", "no course", "below", "at least")
    seldom = [name for name in (*wanted, "from baseline", "from run_in") if found[name] < 3]
    assert not seldom


def course(week, dose=2.0, days=1, **more):
    return {"week": week, "dose_g_per_kg": dose, "days": days} | more


def run_in_of(weeks, *courses, **rules):
    return {"weeks": weeks, "courses": list(courses)} | rules


# --- benefits -----------------------------------------------------------------------------------


def goal(dose, days_since, *, x50=0.5, hill=3.0, half_life=14.0):
    """Return the target of the drug's benefit so long after a course; as docs/model.md has it."""
    x = dose * 2.0 ** (-days_since / half_life)
    return x**hill / (x**hill + x50**hill)


@pytest.mark.parametrize("days", [1, 3])
def test_the_benefit_at_randomisation_is_the_sum_over_the_weeks_of_the_run_in(run, days):
    scripted = design(arms=NOTHING, run_in=run_in_of(3, course(0, dose=0.5, days=days)))
    truth = simulate(run, scripted).truth
    # from the last day of the course on: to the end of its week, then two whole weeks
    ends = [days - 1.0, 7.0, 14.0, 21.0]
    want = 0.0
    for begin, end in itertools.pairwise(ends):
        left = math.exp(-0.5 * (end - begin) / 7.0)
        target = goal(0.5, 0.5 * (begin + end) - (days - 1.0))
        want = target + (want - target) * left
    np.testing.assert_allclose(truth.drug_benefit[..., 0], want, rtol=ROUNDING)
    assert want > 0.1  # nobody is so heavy that 80 g a day hold the dose


def test_benefit_without_the_drug_counts_from_the_start_of_the_run_in(run):
    scripted = design(arms=NOTHING, run_in=run_in_of(5, course(1, placebo=True)))
    table = table_of(scripted, {})._replace(p_background=np.ones(1))
    truth = run(protocol_of(scripted), table, arrivals(), seed=SEED, first=0, last=1, n=20).truth
    week = np.array([5.0, 9.0, 13.0, 17.0])
    want = 0.5 * (1.0 - np.exp(-0.25 * week))
    np.testing.assert_allclose(truth.background_benefit[0], np.tile(want, (20, 1)), rtol=1e-12)
    assert (truth.drug_benefit == 0).all()


def test_a_run_in_is_the_first_weeks_of_the_same_treatment_to_the_last_bit(run):
    """Benefits of courses in weeks -4 and 0 are those of weeks 0 and 4 of a trial without one."""
    numbers = {
        "p_response[DM, refractory]": 0.7,
        "depth": 0.7,
        "depth_sd": 0.6,
        "x50_sd": 0.5,
        "p_transient": 0.5,
        "transient_half_life": 6.0,
    }
    later = [course(0, days=2), course(4, days=1)]
    before = [course(0, days=3), course(3, dose=0.7, days=7)]
    with_run_in = design(
        arms={"ivig": {"courses": later}}, run_in=run_in_of(4, *before), sample_size={"n": 60}
    )
    whole = design(
        arms={"ivig": {"courses": before + [c | {"week": c["week"] + 4} for c in later]}},
        visits_weeks=[0, 4, 8, 12, 16],
        sample_size={"n": 60},
    )
    split, joined = (simulate(run, one, **numbers) for one in (with_run_in, whole))
    np.testing.assert_array_equal(split.seen.candidate, joined.seen.candidate)
    np.testing.assert_array_equal(split.truth.drug_benefit, joined.truth.drug_benefit[..., 1:])
    assert (split.truth.drug_benefit[..., 0] > 0).sum() > 20
    assert (split.truth.transient & (split.truth.drug_benefit[..., 0] > 0)).sum() > 5
    assert (split.seen.run_in_courses == 2).all() and (split.seen.courses == 2).all()
    given = split.seen.run_in_grams + split.seen.grams
    np.testing.assert_allclose(given, joined.seen.grams, rtol=ROUNDING)


# --- what is seen -------------------------------------------------------------------------------


def test_without_errors_what_is_seen_at_its_start_is_what_a_trial_without_one_sees(run):
    """No benefit, no error: the same measures at the start of the run-in and at a baseline."""
    scripted = design(arms=NOTHING, run_in=run_in_of(4, course(0)))
    plain = simulate(run, design(arms=NOTHING)).seen
    seen = simulate(run, scripted).seen
    np.testing.assert_array_equal(seen.run_in, plain.measures[:, :, 0])
    assert (seen.measures[:, :, 0, :3] < seen.run_in[:, :, :3]).mean() > 0.9
    assert np.isnan(plain.run_in).all() and not plain.run_in_courses.any()
    np.testing.assert_array_equal(seen.tis[:, :, 0], 0.0)


@pytest.mark.parametrize("origin", ["baseline", "run_in"])
def test_scores_after_randomisation_are_measured_from_where_the_design_says(run, origin):
    seen = lively(run, improvement_from=origin, enter_if_tis_at_least=None).seen
    first = seen.run_in if origin == "run_in" else seen.measures[:, :, 0]
    entered = np.argwhere(seen.arm >= 0)
    scores, wrong = 0, []
    for r, p in entered:
        rest = ENZYME_RANGE_ULN[seen.enzyme[r, p]]
        for v in range(seen.tis.shape[2]):
            if not np.isnan(seen.tis[r, p, v]):
                want = improvement_score(first[r, p], seen.measures[r, p, v], 150, rest)
                scores += 1
                wrong += [(r, p, v)] if seen.tis[r, p, v] != want else []
    assert not wrong and scores > 300
    assert (seen.tis[..., 0][seen.arm >= 0] > 0).any() == (origin == "run_in")


def test_the_enzyme_is_chosen_at_the_visit_that_improvement_is_measured_from(run):
    numbers = {f"enzyme.{e}.raised": 0.5 for e in ("aldolase", "ldh", "ast", "alt")}
    numbers |= {"sd_change.enzyme": 1.0}
    chosen = {}
    for origin in ("baseline", "run_in"):
        scripted = design(
            arms=NOTHING,
            run_in=run_in_of(4, improvement_from=origin),
            sample_size={"n": 80},
        )
        seen = simulate(run, scripted, **numbers).seen
        highest = seen.enzymes[:, :, 0].argmax(axis=2)
        chosen[origin] = seen.enzyme
        assert ((seen.enzyme == highest).all()) == (origin == "baseline")
        shown = np.take_along_axis(seen.enzymes[:, :, 0], seen.enzyme[..., None].astype(int), 2)
        np.testing.assert_array_equal(seen.measures[:, :, 0, ENZYME], shown[..., 0])
    assert (chosen["baseline"] != chosen["run_in"]).mean() > 0.2


def test_an_error_lasts_from_screening_over_the_start_of_the_run_in_to_the_baseline(run):
    """With errors that never change, what was seen once is seen again."""
    scripted = design(arms=NOTHING, run_in=run_in_of(4))
    seen = simulate(run, scripted, **{"sd_change.vas": 2.0, "noise_per_4_weeks": 1.0}).seen
    np.testing.assert_array_equal(seen.run_in[..., :5], seen.screening[..., :5])
    np.testing.assert_array_equal(seen.measures[:, :, 0, :5], seen.screening[..., :5])


def test_errors_at_the_start_of_the_run_in_stand_at_occasion_1000(run):
    """Independent errors are normals of that address, and of no other visit."""
    # an error of 0 at one sd tells the sign of the normal: own share only
    numbers = {"sd_change.mmt": 0.2, "noise_per_4_weeks": 0.0, "noise_shared": 0.0}
    scripted = design(arms=NOTHING, run_in=run_in_of(2), sample_size={"n": 200})
    seen = simulate(run, scripted, **numbers).seen
    quiet = simulate(run, scripted, **(numbers | {"sd_change.mmt": 0.0})).seen
    moved = seen.run_in[0, :, 4] - quiet.run_in[0, :, 4]
    u = np.array([uniform(SEED, Purpose.VISIT_NOISE, 0, c, 1000, 4) for c in seen.candidate[0]])
    clear = np.abs(moved) >= 1.0  # not hidden by rounding to whole points
    np.testing.assert_array_equal(moved[clear] > 0, u[clear] > 0.5)
    assert clear.sum() > 100


# --- who goes on --------------------------------------------------------------------------------


def test_the_condition_parts_the_same_candidates_in_two(run):
    """Who is randomised below a score and who from it on are together those without a condition."""
    n = 40
    everybody, low, high = (
        lively(run, **({"enter_if_tis_at_least": None} | rule)).seen
        for rule in ({}, {"enter_if_tis_below": 40}, {"enter_if_tis_at_least": 40})
    )
    for r in range(3):
        score = dict(zip(everybody.candidate[r], everybody.tis[r, :, 0], strict=True))
        one = {c for c in low.candidate[r] if c in score}
        other = {c for c in high.candidate[r] if c in score}
        assert one | other == set(score) and not one & other
        assert all(score[c] < 40 for c in one) and all(score[c] >= 40 for c in other)
        assert one and other
    assert (low.tis[..., 0] < 40).all() and (high.tis[..., 0] >= 40).all()
    assert low.arm.shape == high.arm.shape == (3, n)


def test_who_has_exactly_the_score_goes_on_where_it_says_at_least_and_not_below(run):
    numbers = {"depth": 0.3, "k_on": 1e6}
    plain = design(arms=NOTHING, run_in=run_in_of(4, course(0), improvement_from="run_in"))
    score = np.unique(simulate(run, plain, **numbers).seen.tis[0, :, 0])
    exact = float(score[len(score) // 2])
    for key, keeps in (("enter_if_tis_at_least", True), ("enter_if_tis_below", False)):
        rules = run_in_of(4, course(0), improvement_from="run_in", **{key: exact})
        seen = simulate(run, design(arms=NOTHING, run_in=rules), **numbers).seen
        assert (seen.tis[..., 0] == exact).any() == keeps


@pytest.mark.parametrize(("minute", "enters"), [(3 * WEEK, True), (3 * WEEK - 1, False)])
def test_who_is_lost_at_the_minute_of_randomisation_is_randomised(run, minute, enters):
    scripted = design(arms=NOTHING, run_in=run_in_of(3))
    u = [uniform(SEED, Purpose.LEAVING, i, 0, 0, 1) for i in range(8)]
    rates = np.array([-plog(one) / minute for one in u])
    seen = simulate(run, scripted, dropout_per_minute=rates).seen
    np.testing.assert_array_equal(seen.candidate[:, 0] == 0, enters)


def test_who_does_not_get_through_takes_no_place_and_leaves_nothing(run):
    scripted = design(
        arms=NOTHING,
        run_in=run_in_of(4, course(0), enter_if_tis_at_least=100),
        accrual={"sites": 1, "patients_per_site_month": 10.0, "subtypes_at_most": {"DM": 20}},
    )
    come = arrivals(most_candidates=60)._replace(subtype_at_most=np.array([20]), site_at_most=20)
    cohort = simulate(run, scripted, come=come, **{"p_response[DM, refractory]": 0.0})
    seen = cohort.seen
    assert seen.failures[0, RESPONSE] == seen.screened[0] == 60
    assert (seen.arm == -1).all() and not seen.complete.any()
    assert np.isnan(seen.run_in).all() and np.isnan(cohort.truth.baseline).all()
    assert not seen.run_in_courses.any()


def test_randomisation_comes_the_weeks_of_the_run_in_later(run):
    plain = simulate(run, design(arms=NOTHING, screening_weeks=1)).seen
    later = simulate(run, design(arms=NOTHING, screening_weeks=1, run_in=run_in_of(6))).seen
    np.testing.assert_array_equal(later.randomised_minute, plain.randomised_minute + 6 * WEEK)


def test_a_course_due_while_there_is_no_supply_is_missed(run):
    scripted = design(arms=NOTHING, run_in=run_in_of(4, course(0), course(2)))
    numbers = {"supply.per_year": 6.0, "supply.weeks": 3.0}
    seen = simulate(run, scripted, replicates=4, **numbers).seen
    truth_of_supply = []
    for r in range(4):
        minute, spans = 0, []
        for k in range(64):
            gap = -math.log(uniform(SEED, Purpose.SUPPLY, r, 0, k, 0)) / (6.0 / (365.25 * DAY))
            begin = minute + math.floor(gap + 0.5)
            minute = begin + 3 * WEEK
            spans.append((begin, minute))
        truth_of_supply.append(spans)
    missed = 0
    for r, p in np.argwhere(seen.arm >= 0):
        start = int(seen.randomised_minute[r, p]) - 4 * WEEK
        due = [start, start + 2 * WEEK]
        gone = sum(any(a <= t < b for a, b in truth_of_supply[r]) for t in due)
        assert (seen.missed_courses[r, p], seen.run_in_courses[r, p]) == (gone, 2 - gone)
        missed += gone
    assert 5 < missed < 150


def test_as_needed_a_course_of_the_run_in_counts_as_the_last_one(run):
    needed = {"from_week": 1, "if_tis_below": 100, "dose_g_per_kg": 1.0, "at_most": 1}
    arms = {"ivig": {"courses": [course(12)], "as_needed": needed | {"weeks_apart": 4}}}
    first = []
    for week in (0, 3):
        scripted = design(
            arms=arms, run_in=run_in_of(4, course(week, dose=0.1)), visits_weeks=[0, 2, 4, 12]
        )
        seen = simulate(run, scripted, **{"p_response[DM, refractory]": 0.0}).seen
        first.append(np.unique(seen.course_minute[..., 0]).tolist())
    # 4 weeks after week -4 are over at week 2; after week -1 only at week 4
    assert first == [[2 * WEEK], [4 * WEEK]]


def test_the_numbers_of_a_run_in_are_on_the_clock_of_randomisation():
    numbers = protocol_of(design(run_in=run_in_of(4, course(0, days=2), course(3, days=7)))).run_in
    assert (numbers.minutes, numbers.weeks) == (4 * WEEK, 4)
    assert numbers.course_start.tolist() == [-4 * WEEK, -WEEK]
    assert numbers.course_end.tolist() == [-4 * WEEK + DAY, -DAY]
    assert numbers.course_week.tolist() == [-4, -1]
    assert at.RUN_IN_OCCASION > 520  # no visit can be in that week
