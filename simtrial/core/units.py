"""Time inside the engines is a whole number of minutes; weeks and days exist at the door only."""

from __future__ import annotations

MINUTES_PER_DAY = 1_440
MINUTES_PER_WEEK = 10_080
DAYS_PER_YEAR = 365.25
DAYS_PER_MONTH = DAYS_PER_YEAR / 12.0
WEEKS_PER_YEAR = DAYS_PER_YEAR / 7.0


def minutes_from_weeks(weeks: float) -> int:
    """Return weeks as whole minutes, rounded once."""
    return round(weeks * MINUTES_PER_WEEK)


def minutes_from_days(days: float) -> int:
    """Return days as whole minutes, rounded once."""
    return round(days * MINUTES_PER_DAY)


def weeks_from_minutes(minutes: float) -> float:
    """Return minutes as weeks, for people."""
    return minutes / MINUTES_PER_WEEK
