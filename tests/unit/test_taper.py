"""Prednisolone: the dose at entry, one dose from another, flares, and habits of practice."""

from __future__ import annotations

import math

import pytest

from simtrial.myositis.taper import (
    backed_up_dose,
    entry_dose,
    flare_hazard,
    forced_dose,
    lowered_dose,
    maintenance_floor,
    patient_taper_share,
    proportional_dose,
    raised_dose,
    rounded_dose,
    share_given_up,
    share_over,
    stable_dose,
    stepped_dose,
    taper_pace,
)

MEDIAN_10_MG = math.log(10.0)


def test_who_takes_no_prednisolone_has_no_dose() -> None:
    assert entry_dose(False, MEDIAN_10_MG, 0.6, 2.0) == 0.0


def test_the_middle_dose_is_the_median() -> None:
    assert entry_dose(True, MEDIAN_10_MG, 0.6, 0.0) == 10.0


@pytest.mark.parametrize(("mg", "tablets_mg"), [(11.2, 10.0), (11.3, 12.5), (38.0, 37.5)])
def test_a_dose_is_made_of_tablets_of_2_5_mg(mg: float, tablets_mg: float) -> None:
    assert entry_dose(True, math.log(mg), 0.6, 0.0) == tablets_mg


def test_who_takes_prednisolone_takes_at_least_one_tablet() -> None:
    assert entry_dose(True, MEDIAN_10_MG, 0.6, -9.0) == 2.5


def test_doses_are_log_normal() -> None:
    assert entry_dose(True, MEDIAN_10_MG, math.log(2.0), 1.0) == 20.0


@pytest.mark.parametrize("mg", [0.0, 2.5, 60.0])
def test_a_stable_dose_stays(mg: float) -> None:
    assert stable_dose(mg) == mg


# one dose from another


@pytest.mark.parametrize(
    ("mg", "rounded"),
    [(0.0, 0.0), (0.49, 0.0), (0.5, 0.5), (0.74, 0.5), (0.75, 1.0), (7.24, 7.0), (7.25, 7.5)],
)
def test_a_dose_is_rounded_to_half_a_milligram_and_nothing_below_it(
    mg: float, rounded: float
) -> None:
    assert rounded_dose(mg) == rounded


# steps of 10 mg above 20, 5 mg above 10, 2.5 mg to 10: an even dose belongs to the smaller step
@pytest.mark.parametrize(
    ("mg", "lower"),
    [(60.0, 50.0), (22.5, 12.5), (20.0, 15.0), (12.5, 7.5), (10.0, 7.5), (2.5, 0.0), (1.0, 0.0)],
)
def test_a_step_depends_on_the_dose_it_starts_from(mg: float, lower: float) -> None:
    assert stepped_dose(mg, 10.0, 5.0, 2.5) == lower


def test_a_share_of_the_dose_is_taken_off_and_the_rest_rounded() -> None:
    assert proportional_dose(40.0, 0.25) == 30.0
    assert proportional_dose(15.0, 0.25) == 11.5  # 11.25


def test_a_small_dose_still_falls_by_half_a_milligram_and_ends_at_nothing() -> None:
    dose, doses = 2.0, []
    for _ in range(4):
        dose = proportional_dose(dose, 0.1)
        doses.append(dose)
    assert doses == [1.5, 1.0, 0.5, 0.0]
    assert proportional_dose(0.0, 0.1) == 0.0


@pytest.mark.parametrize(
    ("week", "mg"), [(0, 40.0), (4, 40.0), (9, 31.5), (14, 22.5), (24, 5.0), (52, 5.0)]
)
def test_a_forced_dose_lies_on_the_line_from_entry_to_target(week: int, mg: float) -> None:
    # 40 mg to 5 mg from week 4 to week 24: 31.25 in week 9 is 31.5 to half a milligram
    assert forced_dose(40.0, 5.0, float(week), 4.0, 24.0) == mg


def test_a_lowered_dose_stops_at_the_floor_and_never_rises_to_it() -> None:
    assert lowered_dose(10.0, 4.0, 5.0) == 5.0
    assert lowered_dose(3.0, 1.0, 5.0) == 3.0
    assert lowered_dose(10.0, 12.0, 5.0) == 10.0


def test_a_raised_dose_stops_at_the_maximum_and_never_falls_to_it() -> None:
    assert raised_dose(20.0, 50.0, 30.0) == 30.0
    assert raised_dose(60.0, 70.0, 30.0) == 60.0
    assert raised_dose(20.0, 10.0, 30.0) == 20.0


@pytest.mark.parametrize(
    ("mg", "before", "entry", "up"),
    [(10.0, 15.0, 40.0, 25.0), (10.0, 15.0, 20.0, 20.0), (20.0, 20.0, 20.0, 20.0)],
)
def test_who_is_worse_goes_back_to_the_dose_before_and_more_but_not_above_entry(
    mg: float, before: float, entry: float, up: float
) -> None:
    assert backed_up_dose(mg, entry, before, 10.0, 100.0) == up


def test_backing_up_lowers_nobody_who_was_raised_above_his_entry_dose() -> None:
    assert backed_up_dose(50.0, 20.0, 50.0, 10.0, 100.0) == 50.0


# flares


def test_the_pace_is_the_share_given_up_per_four_weeks() -> None:
    assert share_given_up(20.0, 15.0) == 0.25
    assert share_given_up(0.0, 0.0) == 0.0
    assert taper_pace(0.25, 4.0, 4.0) == 0.25
    assert taper_pace(0.25, 8.0, 4.0) == 0.125  # the reduction took eight weeks to come
    assert taper_pace(0.25, 4.0, 16.0) == 0.0625  # and is sixteen weeks past


def test_flares_rise_with_the_pace_and_fall_with_the_benefit() -> None:
    assert flare_hazard(0.01, 4.0, 4.0, 0.0, 0.0) == 0.04
    assert flare_hazard(0.01, 4.0, 4.0, 0.25, 0.0) == 0.08
    assert flare_hazard(0.01, 4.0, 4.0, 0.0, 0.75) == 0.01
    assert flare_hazard(0.01, 4.0, 4.0, 0.0, 1.0) == 0.0


def test_a_decline_brings_no_more_flares_than_no_benefit() -> None:
    assert flare_hazard(0.01, 4.0, 4.0, 0.0, -0.5) == 0.04


# clinical practice


def test_a_patients_share_lies_around_the_typical_one_by_patient_and_centre() -> None:
    odds = 0.25 / 0.75
    up = odds * math.exp(0.5 * 1.0 + 0.3 * -2.0)
    found = patient_taper_share(0.25, 0.5, 1.0, 0.3, -2.0)
    assert found == pytest.approx(up / (1.0 + up), rel=1e-14)  # a few roundings
    assert patient_taper_share(0.25, 0.0, 3.0, 0.0, 3.0) == pytest.approx(0.25, rel=1e-14)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_of_nothing_or_of_all_is_everybodys(share: float) -> None:
    assert patient_taper_share(share, 5.0, 2.0, 5.0, 2.0) == share


def test_a_share_compounds_over_the_weeks() -> None:
    assert share_over(0.25, 4.0) == pytest.approx(0.25, rel=1e-14)
    assert share_over(0.25, 8.0) == pytest.approx(1.0 - 0.75**2, rel=1e-14)
    assert share_over(0.0, 8.0) == 0.0
    assert share_over(1.0, 1.0) == 1.0


def test_a_maintenance_dose_is_nothing_or_log_normal_by_patient_and_centre() -> None:
    assert maintenance_floor(False, math.log(7.5), 0.5, 3.0, 0.4, 3.0) == 0.0
    assert maintenance_floor(True, math.log(7.5), 0.5, 0.0, 0.4, 0.0) == 7.5
    # 7.5 exp(0.5 + 0.4) = 18.45
    assert maintenance_floor(True, math.log(7.5), 0.5, 1.0, 0.4, 1.0) == 18.5
