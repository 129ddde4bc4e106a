"""The figures of a fact in words, for tables, for findings and for a reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simtrial.evidence.records import Fact, Locator, Timing
from simtrial.evidence.values import (
    Count,
    Interval,
    MedianIqr,
    Mix,
    Multinomial,
    PatientTable,
    Percentage,
    Proportion,
    Times,
    Values,
)
from simtrial.stats.intervals import METHOD_NAMES


def counted(values: Values) -> tuple[int, int] | None:
    """Return (count, n) of figures that are one count of ``n``, or None."""
    match values:
        case Count():
            return values.responders, values.n
        case Proportion():
            return values.part, values.n
        case _:
            return None


def in_words(values: Values, unit: str = "patients") -> str:
    """Return figures as a reader would say them: ``8 of 19``, ``59 (37 to 69) years``."""
    counts = "" if unit == "patients" else f" {unit}"
    measured = " %" if unit == "percent" else f" {unit}"
    match values:
        case Count() | Proportion():
            count, n = counted(values) or (0, 0)
            return f"{count} of {n}{counts}"
        case Multinomial() | Mix():
            return f"{_cells(values.cells)} (sum {values.n}{counts})"
        case Times():
            first = ", ".join(f"{n} at week {week}" for week, n in values.first_by_week.items())
            return f"first {first}; never {values.never} (sum {values.n})"
        case MedianIqr():
            return f"median {values.median:g} ({values.q1:g} to {values.q3:g}){measured}"
        case Interval():
            return _interval(values, measured)
        case Percentage():
            return f"{values.percent:.{values.decimals}f} %"
        case PatientTable():
            return f"{values.n} rows"
        case _:
            return str(values)


def place(locator: Locator) -> str:
    """Return a place as ``Results, lines 506-510``."""
    parts = [locator.section] if locator.section else []
    if locator.table:
        parts.append(f"table {locator.table}")
    first, last = locator.lines
    parts.append(f"line {first}" if first == last else f"lines {first}-{last}")
    return ", ".join(parts)


def when(timing: Timing) -> str:
    """Return when a figure was seen: ``by week 9``, ``at the last assessment``."""
    week = "" if timing.week is None else f"week {timing.week:g}"
    match timing.how:
        case "baseline":
            return "at baseline"
        case "end":
            return f"at the last assessment{f', {week} at most' if week else ''}"
        case how:
            return f"{how} {week}" if week else f"{how} an unstated week"


def status(fact: Fact) -> str:
    """Return ``provisional`` for a fact that was read once, otherwise ``read twice``."""
    return "provisional" if fact.readings.second is None else "read twice"


def subtypes_of(fact: Fact) -> tuple[str, ...]:
    """Return the subtypes a fact is about; none means all."""
    return (fact.subtype,) if fact.subtype is not None else fact.subtypes


def _cells(cells: Mapping[Any, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in cells.items())


def _interval(values: Interval, measured: str) -> str:
    shown = f"{values.low:g} to {values.high:g}{measured}"
    if values.level_percent is None:
        return shown
    named = f", named {METHOD_NAMES[values.method]}" if values.method else ""
    return f"{shown} ({values.level_percent:g} % interval{named})"
