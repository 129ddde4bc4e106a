"""A key or a value in another unit: what it means, and what it is converted to."""

from __future__ import annotations

from typing import Any

import pytest

from simtrial.core.other_units import in_another_unit, in_our_unit, neat

ARM = ("infusions_like", "dose_g_per_kg", "every_weeks", "infusions", "courses")
COURSE = ("week", "dose_g_per_kg", "days")


@pytest.mark.parametrize(
    ("key", "value", "known", "meant", "converted"),
    [
        ("every_days", 28, ARM, "every_weeks", 4),
        ("every_d", 28, ARM, "every_weeks", 4),
        ("every_months", 1, ARM, "every_weeks", 4.348),  # 365.25 / 12 / 7, to 4 digits
        ("every_hours", 672, ARM, "every_weeks", 4),
        ("every_years", 1, ARM, "every_weeks", 52.18),
        ("dose_mg_per_kg", 400, ARM, "dose_g_per_kg", 0.4),
        ("day", 21, COURSE, "week", 3),
        ("hours", 48, COURSE, "days", 2),
        ("at_most_g", 0.02, ("at_most_mg",), "at_most_mg", 20),
        ("patients_per_year", 1.2, ("patients_per_month",), "patients_per_month", 0.1),
        ("visits_days", [0, 28, 56], ("visits_weeks",), "visits_weeks", [0, 4, 8]),
        ("above_percent", 97.5, ("above",), "above", 0.975),
        ("every_days", "28", ARM, "every_weeks", None),
        ("every_days", True, ARM, "every_weeks", None),
        ("visits_days", [0, "x"], ("visits_weeks",), "visits_weeks", None),
    ],
)  # fmt: skip
def test_a_key_in_another_unit_is_known_and_its_value_converted(
    key: str, value: Any, known: tuple[str, ...], meant: str, converted: Any
) -> None:
    found = in_our_unit(key, value, known)
    assert found is not None
    assert (found.key, found.value) == (meant, converted)


@pytest.mark.parametrize("key", ["every", "weekly", "infusions_days", "dose_g", "weeks", "doze"])
def test_a_key_in_no_other_unit_of_a_known_one_is_left_to_the_nearest(key: str) -> None:
    assert in_our_unit(key, 3, (*ARM, "week")) is None


@pytest.mark.parametrize(
    ("key", "value", "highest", "converted", "words"),
    [
        ("dose_g_per_kg", 400, 5.0, 0.4, "400 mg/kg are 0.4 g/kg"),
        ("at_week", 112, 16.0, 16, "112 days are 16 weeks"),
        ("age_years", 540, 120.0, 45, "540 months are 45 years"),
        ("above", 97.5, 1.0, 0.975, "97.5 % is 0.975"),
    ],
)
def test_a_value_too_large_is_known_in_its_other_unit(
    key: str, value: float, highest: float, converted: float, words: str
) -> None:
    assert in_another_unit(key, value, lambda v: 0.0 <= v <= highest) == (converted, words)


@pytest.mark.parametrize(
    ("key", "value", "highest"),
    [
        ("above", 1.2, 1.0),  # no percentage that anyone would mean
        ("above", 297.5, 1.0),
        ("percent", 155.0, 100.0),
        ("at_week", 113, 16.0),
        ("at_week", -16, 16.0),
        ("sites", True, 100.0),
        ("above", float("inf"), 1.0),
    ],
)
def test_a_value_that_is_wrong_in_every_unit_is_not_explained_away(
    key: str, value: float, highest: float
) -> None:
    def allows(number: float) -> bool:
        return 0.0 <= number <= highest and (key != "at_week" or float(number).is_integer())

    assert in_another_unit(key, value, allows) is None


def test_numbers_are_written_as_one_would() -> None:
    assert [repr(neat(v)) for v in (16.0, 0.1 + 0.2, 39.1339)] == ["16", "0.3", "39.13"]
