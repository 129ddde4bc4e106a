"""Rules about means and medians: falls in per cent, changes that add up, rows behind a mean.

Quantities are named for it: ``x_baseline``, ``x_end``, ``x_change`` (of each patient) and
``x_fall`` (in per cent of the baseline) are the figures of one measure x.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean, median

from simtrial.evidence.digits import decimals_of
from simtrial.evidence.findings import Finding, Severity, finding
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.sources import Timing
from simtrial.evidence.values import (
    Interval,
    MeanChange,
    MeanSd,
    MedianIqr,
    Number,
    Patient,
    PatientTable,
    Percentage,
)
from simtrial.evidence.wording import in_words, subtypes_of, when

# two sums of printed figures are compared in binary floating point
_FUZZ = 1e-9
# a percentage that is said to be about another is within so many points of it
_ABOUT = 5.0
# means of patients of whom a tenth at most are missing at one time are of one set
_FEW = 0.1


def falls_of_means(ledger: Ledger) -> Iterator[Finding]:
    """Find falls in per cent that the means before and after do not give.

    Each mean may be anything that rounds to its print, so the fall has a range; a fall stated as
    more or less than a bound is compared with the bound.
    """
    for fact in ledger.facts.values():
        if not isinstance(fact.values, Percentage) or not fact.quantity.endswith("_fall"):
            continue
        measure = fact.quantity.removesuffix("_fall")
        before = _mean_of(ledger, fact, f"{measure}_baseline", None)
        after = _mean_of(ledger, fact, f"{measure}_end", fact.timing)
        if before is None or after is None or before.unit != after.unit:
            continue
        (b, b_half), (a, a_half) = _with_half(before), _with_half(after)
        if b - b_half <= 0.0:  # no share of nothing, nor of what may have either sign
            continue
        low = 100.0 * (1.0 - (a + a_half) / (b - b_half))
        high = 100.0 * (1.0 - (a - a_half) / (b + b_half))
        if _agrees(fact.values, low, high):
            continue
        proof = (
            f"printed {in_words(fact.values)}; {before.label} {b:g} and {after.label} {a:g} give "
            f"1 - {a:g}/{b:g} = {100.0 * (1.0 - a / b):.1f} % ({low:.1f} to {high:.1f} % with what "
            "rounds to them)"
        )
        used = f"{b:g} to {a:g} {before.unit}"
        related = (before.id, after.id)
        yield finding("fall_of_means", fact, "warning", proof, used=used, related=related)


def changes_that_add_up(ledger: Ledger) -> Iterator[Finding]:
    """Find mean changes that do not lead from one mean to the next, or from change to change."""
    for fact in ledger.facts.values():
        if not fact.quantity.endswith("_change") or _mean(fact) is None:
            continue
        measure = fact.quantity.removesuffix("_change")
        if fact.timing.from_months is None:
            start = _mean_of(ledger, fact, f"{measure}_baseline", None)
            end = _mean_of(ledger, fact, f"{measure}_end", fact.timing)
        else:
            start = _mean_of(ledger, fact, fact.quantity, _at(fact.timing.from_months))
            end = _mean_of(ledger, fact, fact.quantity, _at(fact.timing.months))
        if start is None or end is None:
            continue
        (s, s_half), (c, c_half), (e, e_half) = map(_with_half, (start, fact, end))
        if len({start.unit, fact.unit, end.unit}) > 1:
            continue
        if abs(s + c - e) <= s_half + c_half + e_half + _FUZZ:
            continue
        sizes = (start.n, fact.n, end.n)
        one_n = max(sizes) - min(sizes) <= _FEW * max(sizes)
        proof = (
            f"{start.label} {s:,g} {'+' if c >= 0 else '-'} {abs(c):,g} = {s + c:,g}, and "
            f"{end.label} has {e:,g} {when(end.timing)}"
        )
        if not one_n:
            proof += f"; of {start.n}, {fact.n} and {end.n} patients, which may be the reason"
        used = f"{s:,g}, then {e:,g} {end.unit}"
        related = (start.id, end.id)
        severity: Severity = "warning" if one_n else "note"
        yield finding("change_of_means", fact, severity, proof, used=used, related=related)


def medians_of_changes(ledger: Ledger) -> Iterator[Finding]:
    """Tell where a median of changes is not the difference of the medians, which it need not be."""
    for fact in ledger.facts.values():
        if not isinstance(fact.values, MedianIqr) or not fact.quantity.endswith("_change"):
            continue
        measure = fact.quantity.removesuffix("_change")
        before = _like(ledger, fact, f"{measure}_baseline", MedianIqr)
        after = _like(ledger, fact, f"{measure}_end", MedianIqr)
        if before is None or after is None:
            continue
        b, a = before.values_as(MedianIqr).median, after.values_as(MedianIqr).median
        pairs = ((before, b), (after, a), (fact, fact.values.median))
        half = sum(0.5 * 10.0 ** -decimals_of(one, value) for one, value in pairs)
        if abs(a - b - fact.values.median) > half + _FUZZ:
            proof = (
                f"the median of changes is {fact.values.median:g}, and the medians differ by "
                f"{a:g} - {b:g} = {a - b:.6g}"
            )
            related = (before.id, after.id)
            yield finding("median_of_changes", fact, "note", proof, related=related)


def rows_behind_numbers(ledger: Ledger) -> Iterator[Finding]:
    """Find means, medians and ranges that the rows of their patient table do not give."""
    for fact in ledger.facts.values():
        outer = ledger.facts.get(fact.nested_in or "")
        if outer is None or not isinstance(outer.values, PatientTable):
            continue
        if (
            not isinstance(fact.values, Number | Interval)
            or fact.quantity not in Patient.model_fields
        ):
            continue
        names = subtypes_of(fact)
        column = [
            float(value)
            for row in outer.values.patients
            if (not names or row.subtype in names)
            and isinstance(value := getattr(row, fact.quantity), int | float)
        ]
        yield from _column_and_number(fact, outer, column)


def _column_and_number(fact: Fact, outer: Fact, column: list[float]) -> Iterator[Finding]:
    rows = f"the {len(column)} rows of {outer.label}"
    if isinstance(fact.values, Interval):
        if fact.values.level_percent is None:
            ends = (min(column, default=0.0), max(column, default=0.0))
            if not column or ends != (fact.values.low, fact.values.high):
                printed = in_words(fact.values, fact.unit)
                proof = f"printed {printed}; {rows} are {ends[0]:g} to {ends[1]:g}"
                yield finding("rows_and_number", fact, "warning", proof, related=(outer.id,))
        return
    assert isinstance(fact.values, Number)
    if fact.values.statistic == "stated" or not column:
        return
    exact = {"mean": fmean(column), "median": median(column), "total": sum(column)}[
        fact.values.statistic
    ]
    decimals = decimals_of(fact, fact.values.value)
    if abs(exact - fact.values.value) > 0.5 * 10.0**-decimals + _FUZZ:
        listed = " + ".join(f"{value:g}" for value in column)
        proof = (
            f"printed {in_words(fact.values, fact.unit)}; {rows} ({listed}) have {exact:g}, median "
            f"{median(column):g}"
        )
        used = f"{fact.values.statistic} {exact:g} {fact.unit}, from the rows"
        yield finding("rows_and_number", fact, "warning", proof, used=used, related=(outer.id,))


def _mean(fact: Fact) -> float | None:
    match fact.values:
        case MeanSd() | MeanChange():
            return fact.values.mean
        case Number(statistic="mean"):
            return fact.values.value
        case _:
            return None


def _with_half(fact: Fact) -> tuple[float, float]:
    """Return a fact's mean and half of its last printed digit."""
    mean = _mean(fact)
    assert mean is not None
    return mean, 0.5 * 10.0 ** -decimals_of(fact, mean)


def _at(months: float | None) -> Timing:
    return Timing(how="at", months=months)


def _mean_of(ledger: Ledger, like: Fact, quantity: str, timing: Timing | None) -> Fact | None:
    """Return the mean of a quantity of the same patients, at a time; baseline without a time.

    Where the same measure stands under several sets of patients, that of the fact's own n is
    taken first.
    """
    found = [
        fact
        for fact in ledger.facts.values()
        if fact.quantity == quantity
        and fact.id != like.id
        and (fact.document, fact.cohort, fact.arm) == (like.document, like.cohort, like.arm)
        and subtypes_of(fact) == subtypes_of(like)
        and _mean(fact) is not None
        and (timing is None or _same_time(fact.timing, timing))
    ]
    found.sort(key=lambda fact: fact.n != like.n)
    return found[0] if found else None


def _same_time(one: Timing, other: Timing) -> bool:
    return (one.week, one.months, one.from_months) == (other.week, other.months, other.from_months)


def _like(ledger: Ledger, like: Fact, quantity: str, record: type[MedianIqr]) -> Fact | None:
    for fact in ledger.facts.values():
        about = (fact.document, fact.cohort, fact.arm, fact.n, subtypes_of(fact))
        if (
            fact.quantity == quantity
            and isinstance(fact.values, record)
            and about == (like.document, like.cohort, like.arm, like.n, subtypes_of(like))
        ):
            return fact
    return None


def _agrees(printed: Percentage, low: float, high: float) -> bool:
    half = 0.5 * 10.0**-printed.decimals + _FUZZ
    match printed.relation:
        case "about":
            return low - _ABOUT <= printed.percent <= high + _ABOUT
        case ">" | ">=":
            return high >= printed.percent
        case "<" | "<=":
            return low <= printed.percent
        case _:
            return low - half <= printed.percent <= high + half
