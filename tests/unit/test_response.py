"""One patient's benefit: the steps one by one, and the scripted courses through both engines."""

from __future__ import annotations

import itertools
import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from simtrial.cohort.arrivals import Arrivals
from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.course import course_table
from simtrial.cohort.protocol import protocol_of
from simtrial.cohort.reference import engine as reference
from simtrial.cohort.risk import without_harm
from simtrial.cohort.truth import Cohort
from simtrial.core.config import Located, validate
from simtrial.core.streams import Purpose, uniform
from simtrial.core.units import MINUTES_PER_DAY, MINUTES_PER_WEEK
from simtrial.myositis.response import (
    NO_EFFECT,
    correlation_over,
    decline,
    dropout_minutes,
    fading,
    given_dose,
    joined_exposure,
    log_effect,
    net_benefit,
    patient_depth,
    patient_log_x50,
    relax,
    steroid_target,
    target_benefit,
)
from simtrial.trial.design import Design
from simtrial.trial.posterior import Posterior, load_posterior

WEEK, FOUR_WEEKS = float(MINUTES_PER_WEEK), 4.0 * MINUTES_PER_WEEK
ENGINES = [pytest.param(e, id=e.__name__.rpartition(".")[2]) for e in (compiled, reference)]
N, SEED = 3, 1

# every patient responds in full, all are alike and none is harmed; 30 kg, so that 2 g/kg in a day
# are below 80 g
ALIKE = {
    "p_response[DM, refractory]": 1.0,
    "depth": 1.0,
    "depth_sd": 0.0,
    "k_on": 1.0,
    "x50": 0.5,
    "x50_sd": 0.0,
    "hill": 3.0,
    "h_eff": 14.0,
    "dropout_16_weeks": 0.0,
    "weight.women": 30.0,
    "weight.men": 30.0,
    "weight.log_sd": 0.0,
    **{name: float(value[0]) for name, value in without_harm(1).items()},
    "screening.other": 0.0,
}
FOUR_WEEKLY = [{"week": 4 * j, "dose_g_per_kg": 2.0, "days": 1} for j in range(4)]
THREE_WEEKLY = [
    {"week": 3 * j, "dose_g_per_kg": dose, "days": 1} for j, dose in enumerate((2.0, 1.0, 1.0))
]


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    return load_posterior()


def run(
    engine: ModuleType,
    posterior: Posterior,
    courses: list[dict[str, Any]],
    visits: list[int],
    *,
    p_background: float = 0.0,
    **replaced: float,
) -> Cohort:
    """Run one arm of patients who differ in nothing that moves their benefit."""
    design = validate(
        Design,
        Located(
            source="scripted",
            data={
                "title": "Scripted course",
                "population": {"subtypes": {"DM": 1.0}, "line": "refractory", "mmt": "MMT8_150"},
                "arms": {"ivig": {"courses": courses}},
                "accrual": {"sites": 1, "patients_per_site_month": 100.0},
                "visits_weeks": visits,
                "prednisolone": {"taper": "stable"},
                "endpoint": {
                    "measure": "tis_at_least",
                    "threshold": 20.0,
                    "at_week": visits[-1],
                },
                "sample_size": {"n": N},
            },
        ),
    )
    values = {**posterior.point, **ALIKE, **replaced}
    table = course_table(
        design,
        {name: np.array([value]) for name, value in values.items()},
        posterior.correlation,
        np.array([p_background]),
        drug_works=True,
    )
    arrivals = Arrivals(opening=np.zeros(1), per_minute=1e-3, most_candidates=100)
    cohort: Cohort = engine.run(
        protocol_of(design), table, arrivals, seed=SEED, first=0, last=1, n=N
    )
    assert cohort.seen.complete.all()
    return cohort


def benefit_by_hand(courses: list[dict[str, Any]], until_week: int) -> float:
    """Return g of a patient like ALIKE, stepping over weeks and infusion days, in days."""
    last_day = [7 * c["week"] + c["days"] - 1 for c in courses]
    grid = sorted(
        day
        for day in {7 * w for w in range(until_week + 1)}
        | {7 * c["week"] for c in courses}
        | set(last_day)
        if day <= 7 * until_week
    )
    g = 0.0
    for now, then in itertools.pairwise(grid):
        middle, weeks = (now + then) / 2, (then - now) / 7
        effects = [
            c["dose_g_per_kg"] * 2.0 ** (-(middle - end) / 14.0)
            for c, end in zip(courses, last_day, strict=True)
            if end <= now
        ]
        x = max(effects, default=0.0)
        goal = x**3 / (x**3 + 0.5**3)
        g = goal + (g - goal) * math.exp(-weeks)
    return g


# scripted courses


@pytest.mark.parametrize("engine", ENGINES)
def test_2_g_per_kg_every_4_weeks_holds(engine: ModuleType, posterior: Posterior) -> None:
    cohort = run(engine, posterior, FOUR_WEEKLY, [0, 4, 8, 12, 16])
    want = [[0.0, 0.699, 0.712, 0.712, 0.712]] * N
    assert np.round(cohort.truth.drug_benefit[0], 3).tolist() == want


@pytest.mark.parametrize("engine", ENGINES)
def test_2_1_1_g_per_kg_every_3_weeks_wanes(engine: ModuleType, posterior: Posterior) -> None:
    cohort = run(engine, posterior, THREE_WEEKLY, [0, 3, 6, 9])
    assert np.round(cohort.truth.drug_benefit[0], 3).tolist() == [[0.0, 0.822, 0.493, 0.477]] * N


@pytest.mark.parametrize("engine", ENGINES)
def test_visits_that_fall_on_whole_weeks_do_not_move_the_benefit(
    engine: ModuleType, posterior: Posterior
) -> None:
    often = run(engine, posterior, FOUR_WEEKLY, list(range(17))).truth.drug_benefit
    seldom = run(engine, posterior, FOUR_WEEKLY, [0, 16]).truth.drug_benefit
    np.testing.assert_array_equal(often[0, :, -1], seldom[0, :, -1])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("days", [1, 2, 5, 7])
def test_a_course_works_from_its_last_day(
    engine: ModuleType, posterior: Posterior, days: int
) -> None:
    courses = [{**c, "days": days} for c in FOUR_WEEKLY]
    cohort = run(engine, posterior, courses, [0, 1, 6, 9, 16])
    want = [benefit_by_hand(courses, week) for week in (0, 1, 6, 9, 16)]
    # a few hundred roundings of the last bit
    np.testing.assert_allclose(cohort.truth.drug_benefit[0], [want] * N, rtol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_small_course_takes_nothing_away_from_a_large_one(
    engine: ModuleType, posterior: Posterior
) -> None:
    large = {"week": 0, "dose_g_per_kg": 2.0, "days": 1}
    small = {"week": 1, "dose_g_per_kg": 0.5, "days": 1}
    cohort = run(engine, posterior, [large, small], [0, 2, 4])
    want = [benefit_by_hand([large], week) for week in (0, 2, 4)]
    np.testing.assert_allclose(cohort.truth.drug_benefit[0], [want] * N, rtol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_two_g_per_kg_of_100_kg_over_two_days_are_160_g(
    engine: ModuleType, posterior: Posterior
) -> None:
    heavy = {"weight.women": 100.0, "weight.men": 100.0}
    courses = [{"week": 0, "dose_g_per_kg": 2.0, "days": 2}]
    cohort = run(engine, posterior, courses, [0, 4], **heavy)
    assert cohort.seen.grams[0].tolist() == [160.0] * N


@pytest.mark.parametrize("engine", ENGINES)
def test_a_capped_course_works_like_the_dose_that_was_given(
    engine: ModuleType, posterior: Posterior
) -> None:
    heavy = {"weight.women": 100.0, "weight.men": 100.0}
    capped = run(engine, posterior, [{"week": 0, "dose_g_per_kg": 2.0, "days": 2}], [0, 4], **heavy)
    planned = [{"week": 0, "dose_g_per_kg": 1.6, "days": 2}]
    np.testing.assert_allclose(  # 1.6 is 160 / 100 but for a rounding
        capped.truth.drug_benefit[0, :, 1], benefit_by_hand(planned, 4), rtol=1e-12
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_background_improves_by_its_own_rate(engine: ModuleType, posterior: Posterior) -> None:
    world = {"p_background": 1.0, "background_depth": 0.5, "k_background": 0.25}
    cohort = run(engine, posterior, FOUR_WEEKLY, [0, 4, 16], **world)
    want = [0.5 * (1 - math.exp(-0.25 * week)) for week in (0, 4, 16)]
    np.testing.assert_allclose(cohort.truth.background_benefit[0], [want] * N, rtol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_who_does_not_respond_gains_nothing(engine: ModuleType, posterior: Posterior) -> None:
    nobody = {"p_response[DM, refractory]": 0.0}
    cohort = run(engine, posterior, FOUR_WEEKLY, [0, 4, 16], **nobody)
    assert (cohort.truth.drug_benefit == 0.0).all()


# the dose


def test_the_daily_maximum_of_80_g_cuts_the_dose_of_a_heavy_patient() -> None:
    assert given_dose(2.0, 100.0, 2, 80.0) == 1.6


def test_the_daily_maximum_leaves_a_smaller_dose() -> None:
    assert given_dose(2.0, 80.0, 2, 80.0) == 2.0


def test_more_days_allow_more() -> None:
    assert given_dose(2.0, 100.0, 3, 80.0) == 2.0


# exposure and its target


def test_the_effect_of_a_course_halves_in_its_half_life() -> None:
    half_life = 14.0 * MINUTES_PER_DAY
    left = math.exp(log_effect(math.log(2.0), half_life, half_life))
    assert left == pytest.approx(1.0, rel=1e-15)


def test_the_effect_of_a_course_begins_with_its_dose() -> None:
    assert log_effect(math.log(2.0), 0.0, 1.0) == math.log(2.0)


def test_at_the_half_effect_dose_half_the_depth_is_the_target() -> None:
    assert target_benefit(0.8, math.log(0.5), 3.0, math.log(0.5)) == 0.4


@pytest.mark.parametrize("hill", [1.0, 3.0, 4.0])
def test_the_target_is_hills_curve(hill: float) -> None:
    want = 0.8 * 2.0**hill / (2.0**hill + 0.5**hill)
    # exp of a logarithm: a few units in the last place
    assert target_benefit(0.8, math.log(0.5), hill, math.log(2.0)) == pytest.approx(want, rel=1e-14)


def test_without_exposure_the_target_is_nothing() -> None:
    assert target_benefit(0.8, math.log(0.5), 3.0, NO_EFFECT) == 0.0


# the approach


def test_no_time_no_change() -> None:
    assert relax(0.25, 1.0, 1.0, 0.0) == 0.25


def test_in_a_week_at_rate_1_all_but_a_share_of_1_over_e_is_gone() -> None:
    assert relax(0.0, 1.0, 1.0, WEEK) == pytest.approx(1.0 - math.exp(-1.0), rel=1e-15)


def test_a_benefit_falls_towards_a_lower_target() -> None:
    assert relax(1.0, 0.5, 1.0, WEEK) == pytest.approx(0.5 + 0.5 * math.exp(-1.0), rel=1e-15)


def test_a_state_at_its_target_stays() -> None:
    assert relax(0.7, 0.7, 1.0, WEEK) == 0.7


def test_two_half_steps_are_a_whole_one() -> None:
    halves = relax(relax(0.2, 0.9, 0.7, WEEK / 2), 0.9, 0.7, WEEK / 2)
    assert halves == pytest.approx(relax(0.2, 0.9, 0.7, WEEK), rel=1e-15)


# together with the background


def test_benefits_combine_as_independent_shares() -> None:
    assert net_benefit(0.5, 0.5, 0.0, 0.0, 0.0) == 0.75


def test_without_background_the_drug_is_all_there_is() -> None:
    assert net_benefit(0.5, 0.0, 0.0, 0.0, 0.0) == 0.5
    assert net_benefit(0.0, 0.5, 0.0, 0.0, 0.0) == 0.5


def test_a_full_benefit_leaves_nothing_to_add() -> None:
    assert net_benefit(1.0, 0.5, 0.0, 0.0, 0.0) == 1.0


def test_prednisolone_joins_as_a_share_and_a_lower_dose_opens_the_way_again() -> None:
    assert net_benefit(0.5, 0.0, 0.5, 0.0, 0.0) == 0.75
    assert net_benefit(0.5, 0.0, -0.5, 0.0, 0.0) == 0.25
    assert net_benefit(0.0, 0.0, -0.5, 0.0, 0.0) == -0.5


def test_decline_and_flares_are_taken_off_within_the_scale() -> None:
    assert net_benefit(0.5, 0.0, 0.0, 0.25, 0.125) == 0.125
    assert net_benefit(0.0, 0.0, 0.0, 3.0, 0.0) == -1.0


@pytest.mark.parametrize(("g", "b"), [(0.0, 0.0), (0.3, 0.7), (1.0, 0.1), (0.1234, 0.9)])
def test_with_nothing_else_the_benefit_is_that_of_drug_and_background_to_the_last_bit(
    g: float, b: float
) -> None:
    assert net_benefit(g, b, 0.0, 0.0, 0.0) == 1.0 - (1.0 - g) * (1.0 - b)


def test_decline_is_counted_in_years() -> None:
    assert decline(0.2, 365.25 * 1_440.0) == 0.2
    assert decline(0.2, 0.0) == 0.0


@pytest.mark.parametrize(("change", "goal"), [(20.0, 0.2), (-20.0, -0.2), (60.0, 0.3), (0.0, 0.0)])
def test_half_the_effect_of_prednisolone_is_reached_at_its_d50(change: float, goal: float) -> None:
    assert steroid_target(0.4, 20.0, change) == pytest.approx(goal, rel=1e-15)


def test_a_transient_benefit_halves_in_its_half_life() -> None:
    assert fading(0.0, 13.0 * WEEK) == 1.0
    assert fading(13.0 * WEEK, 13.0 * WEEK) == pytest.approx(0.5, rel=1e-15)


def test_exposure_is_the_larger_of_two_or_their_sum() -> None:
    # 2 g/kg one half-life ago leave 1, beside which 3 are given
    before, half = math.log(2.0), 14.0 * 1_440.0
    larger = joined_exposure(before, half, math.log(3.0), half, False)
    assert larger == math.log(3.0)
    both = joined_exposure(before, half, math.log(3.0), half, True)
    assert both == pytest.approx(math.log(4.0), rel=1e-15)


@pytest.mark.parametrize("adds", [False, True])
def test_a_first_course_is_the_whole_exposure(adds: bool) -> None:
    assert joined_exposure(NO_EFFECT, 5.0, math.log(2.0), 7.0, adds) == math.log(2.0)


# between patients


@pytest.mark.parametrize("z", [-3.0, 0.0, 3.0])
def test_a_depth_of_1_is_everyones_depth(z: float) -> None:
    assert patient_depth(1.0, 0.5, z) == 1.0


def test_the_middle_patient_has_the_typical_depth() -> None:
    assert patient_depth(0.7, 0.5, 0.0) == pytest.approx(0.7, rel=1e-15)


def test_depth_is_normal_on_the_logit_scale() -> None:
    odds = math.exp(0.5 * 2.0)
    assert patient_depth(0.5, 0.5, 2.0) == pytest.approx(odds / (1.0 + odds), rel=1e-15)


def test_half_effect_doses_are_log_normal() -> None:
    assert patient_log_x50(-0.5, 0.25, 2.0) == 0.0


# errors and dropout over time


def test_over_four_weeks_the_correlation_is_the_stated_one() -> None:
    assert correlation_over(0.3, FOUR_WEEKS) == pytest.approx(0.3, rel=1e-15)


def test_over_eight_weeks_the_correlation_is_its_square() -> None:
    assert correlation_over(0.3, 2.0 * FOUR_WEEKS) == pytest.approx(0.09, rel=1e-15)


def test_over_no_time_errors_are_the_same() -> None:
    assert correlation_over(0.3, 0.0) == 1.0


@pytest.mark.parametrize("minutes", [0.0, FOUR_WEEKS])
def test_no_correlation_stays_none(minutes: float) -> None:
    assert correlation_over(0.0, minutes) == 0.0


def test_the_share_that_drops_out_within_16_weeks_is_the_stated_one() -> None:
    sixteen = 16.0 * WEEK
    rate = -math.log1p(-0.05) / sixteen
    # a uniform above 0.95 falls before, one below after
    assert dropout_minutes(0.95, rate) == pytest.approx(sixteen, rel=1e-14)
    assert dropout_minutes(0.96, rate) < sixteen < dropout_minutes(0.94, rate)


def test_without_a_rate_nobody_drops_out() -> None:
    assert dropout_minutes(1.0 - 2.0**-53, 0.0) == 1e300


def test_the_share_lost_in_16_weeks_becomes_a_rate_a_minute(posterior: Posterior) -> None:
    cohort = run(compiled, posterior, THREE_WEEKLY, [0, 3, 6, 9], dropout_16_weeks=0.95)
    rate = -math.log(0.05) / (16.0 * WEEK)
    own = [uniform(SEED, Purpose.LEAVING, 0, int(c), 0, 0) for c in cohort.seen.candidate[0]]
    want = [round(-math.log(u) / rate) for u in own]
    assert cohort.truth.dropout_minute[0].tolist() == want
