"""A key or a value written in another unit: which one was meant, and the value converted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from simtrial.core.units import DAYS_PER_MONTH

# unit as it ends a key -> (family, how many of the family's smallest unit it is)
_DAY = ("time", 1.0)
_UNITS: dict[str, tuple[str, float]] = {
    **dict.fromkeys(("hours", "hour"), ("time", 1.0 / 24.0)),
    **dict.fromkeys(("days", "day"), _DAY),
    **dict.fromkeys(("weeks", "week"), ("time", 7.0)),
    **dict.fromkeys(("months", "month"), ("time", DAYS_PER_MONTH)),
    **dict.fromkeys(("years", "year"), ("time", 12.0 * DAYS_PER_MONTH)),
    "mg_per_kg": ("dose", 1.0),
    "g_per_kg": ("dose", 1000.0),
    "mg": ("mass", 1.0),
    "g": ("mass", 1000.0),
    "percent": ("share", 0.01),
    "pct": ("share", 0.01),
}
_SHORT = {"d": "days", "wk": "weeks", "w": "weeks", "mgkg": "mg_per_kg", "gkg": "g_per_kg"}
_LEAST_PERCENT = 5.0  # a share above 1 that may be a percentage
_LEAST_ALPHA = 1.0  # an error of 2.5 is one of 2.5 %
_MOST = 1e300  # no unit makes sense of more
_FEWEST_DAYS = 8  # a number of weeks that may be one of days


def _split(key: str) -> tuple[str, str | None]:
    """Return a key without the unit at its end, and the unit; None when it ends in none."""
    for unit in sorted((*_UNITS, *_SHORT), key=len, reverse=True):
        if key == unit:
            return "", _SHORT.get(unit, unit)
        if key.endswith(f"_{unit}"):
            return key.removesuffix(f"_{unit}"), _SHORT.get(unit, unit)
    return key, None


class Meant(NamedTuple):
    """The known key that an unknown one means, its value converted, and the two units.

    ``value`` is None where what was given is no number.
    """

    key: str
    value: Any
    given_unit: str
    unit: str


def in_our_unit(key: str, value: Any, known: Sequence[str]) -> Meant | None:
    """Return the known key that an unknown one means in another unit, or None."""
    stem, unit = _split(key)
    if unit is None or key.removesuffix("s") in known:
        return None
    family, size = _UNITS[unit]
    found = []
    for other in known:
        its_stem, its_unit = _split(other)
        its_family = _UNITS[its_unit][0] if its_unit else "share"
        if its_stem == stem and its_family == family:
            found.append((other, its_unit))
    if not found:
        return None
    # the same number first: a course's day is its week, not its days of infusion
    meant, its_unit = min(found, key=lambda pair: pair[0].endswith("s") != key.endswith("s"))
    factor = size / _UNITS[its_unit][1] if its_unit else size
    if stem.startswith("patients_per"):
        factor = 1.0 / factor  # a rate: so many in a month are fewer in a week
    unit_words = its_unit.replace("_per_", "/") if its_unit else "a share of 1"
    return Meant(meant, _times(value, factor), unit.replace("_per_", "/"), unit_words)


def _times(value: Any, factor: float) -> Any:
    if isinstance(value, list):
        inner = [_times(part, factor) for part in value]
        return None if None in inner else inner
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not -_MOST < value < _MOST:  # nan too; an int may be larger than any float
        return None
    return neat(value * factor)


def neat(value: float) -> int | float:
    """Return a number as one would write it: rounded to 4 digits, whole where it is whole."""
    rounded = float(f"{value:.4g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def in_another_unit(
    key: str, value: Any, allows: Callable[[float], bool]
) -> tuple[Any, str] | None:
    """Return what a refused value is when it was meant in another unit, with words; or None.

    Parameters
    ----------
    allows : whether the field takes a value.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not -_MOST < value < _MOST:  # nan too; an int may be larger than any float
        return None
    _, unit = _split(key)
    if unit == "g_per_kg":
        tries = [(1000.0, f"{value:g} mg/kg are {{:g}} g/kg")]
    elif unit in ("weeks", "week"):
        tries = [(7.0, f"{value:g} days are {{:g}} weeks")] if value >= _FEWEST_DAYS else []
    elif unit in ("years", "year"):
        tries = [(12.0, f"{value:g} months are {{:g}} years")]
    elif (allows(0.999) or key == "alpha") and not allows(2.0):  # a share
        least = _LEAST_ALPHA if key == "alpha" else _LEAST_PERCENT
        tries = [(100.0, f"{value:g} % is {{:g}}")] if value >= least else []
    else:
        tries = []
    for divisor, words in tries:
        found = neat(value / divisor)
        if abs(found * divisor - value) <= 1e-9 * abs(value) and allows(found):
            return found, words.format(found)
    return None
