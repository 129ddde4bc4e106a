"""The figures of a fact in words, for tables, for findings and for a reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simtrial.evidence.records import Fact
from simtrial.evidence.sources import Locator, Timing
from simtrial.evidence.values import (
    Count,
    Interval,
    MeanChange,
    MeanSd,
    MedianIqr,
    MedianRange,
    Mix,
    Multinomial,
    Number,
    PatientTable,
    Percentage,
    Period,
    Proportion,
    Slope,
    Tally,
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
        case Tally():
            return f"{_cells(values.cells)} (of {values.n}{counts}, who may have several)"
        case Times():
            first = ", ".join(f"{n} at week {week}" for week, n in values.first_by_week.items())
            return f"first {first}; never {values.never} (sum {values.n})"
        case MedianIqr():
            return f"median {values.median:g} ({values.q1:g} to {values.q3:g}){measured}"
        case MedianRange():
            return f"median {values.median:g} (range {values.low:g} to {values.high:g}){measured}"
        case MeanSd():
            spread = "" if values.sd is None else f" (SD {values.sd:g})"
            return f"mean {_g(values.mean)}{spread}{measured}"
        case MeanChange():
            return f"mean change {_g(values.mean)}{_ends(values)}{measured}"
        case Number():
            named = "" if values.statistic == "stated" else f"{values.statistic} "
            return f"{named}{_related(values.relation)}{_g(values.value)}{measured}"
        case Slope():
            return f"slope {_g(values.estimate)}{_ends(values)}{measured}"
        case Period():
            return f"{values.first} to {values.last}"
        case Interval():
            return _interval(values, measured)
        case Percentage():
            return f"{_related(values.relation)}{values.percent:.{values.decimals}f} %"
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
    if timing.months is not None:
        start = "" if timing.from_months is None else f" from month {timing.from_months:g}"
        week = f"month {timing.months:g}{start}"
    match timing.how:
        case "baseline":
            return "at baseline"
        case "end":
            return f"at the last assessment{f' ({week})' if week else ''}"
        case how:
            return f"{how} {week}" if week else "time not stated"


def status(fact: Fact) -> str:
    """Return ``provisional`` for a fact that was read once, otherwise ``read twice``."""
    return "provisional" if fact.readings.second is None else "read twice"


def subtypes_of(fact: Fact) -> tuple[str, ...]:
    """Return the subtypes a fact is about; none means all."""
    return (fact.subtype,) if fact.subtype is not None else fact.subtypes


def _cells(cells: Mapping[Any, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in cells.items())


def _g(value: float) -> str:
    """Return a number with all its digits and thousands apart: ``1,827.7``."""
    return f"{value:,.10g}"


def _related(relation: str) -> str:
    return "" if relation == "=" else f"{relation} "


def _ends(values: MeanChange | Slope) -> str:
    if values.low is None or values.high is None:
        return ""
    return f" ({values.level_percent:g} % interval {_g(values.low)} to {_g(values.high)})"


def _interval(values: Interval, measured: str) -> str:
    shown = f"{values.low:g} to {values.high:g}{measured}"
    if values.level_percent is None:
        return shown
    named = f", named {METHOD_NAMES[values.method]}" if values.method else ""
    return f"{shown} ({values.level_percent:g} % interval{named})"
