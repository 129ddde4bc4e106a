"""Prednisolone: the dose at entry, and the rule that keeps it."""

from __future__ import annotations

import math

import pytest

from simtrial.myositis.taper import entry_dose, stable_dose

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
