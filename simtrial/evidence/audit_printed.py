"""Rules about what is printed: percentages, intervals, figures told twice, and readings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from simtrial.evidence.findings import Finding, Severity, finding
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.values import Interval, Percentage
from simtrial.evidence.wording import counted, in_words
from simtrial.stats.intervals import METHOD_NAMES, METHODS, IntervalMethod, exact_interval

_OF = re.compile(r"(?P<count>\d+)\s*(?:/|of)\s*(?P<n>\d+)")
_WITH_PERCENT = re.compile(r"(?P<count>\d+)\s*\((?P<percent>\d+(?:\.(?P<decimals>\d+))?)\s*%?\)")
# a printed figure is compared in binary floating point: 1e-9 is far below its last digit
_FUZZ = 1e-9


def printed_text_of_counts(ledger: Ledger) -> Iterator[Finding]:
    """Find counts whose printed text, such as ``8/19`` or ``5 of 7``, says other figures."""
    for fact in ledger.facts.values():
        own, text = counted(fact.as_printed), fact.printed.strip()
        if own is None:
            continue
        said = _OF.fullmatch(text)
        if said and (int(said["count"]), int(said["n"])) != own:
            proof = f"printed is '{text}', and the figures entered as printed are {own[0]}/{own[1]}"
            yield finding("printed_text", fact, "error", proof)
        said = _WITH_PERCENT.fullmatch(text)
        if said and int(said["count"]) != own[0]:
            proof = f"printed is '{text}', and the count entered as printed is {own[0]}"
            yield finding("printed_text", fact, "error", proof)


def percentages_of_counts(ledger: Ledger) -> Iterator[Finding]:
    """Find percentages that are not their count's, to the digits that are printed."""
    for fact in ledger.facts.values():
        own = counted(fact.as_printed)
        if own is None:
            continue
        for percentage in _percentages_beside(fact):
            if _rounds_to(percentage, *own):
                continue
            count, n = own
            nearest = round(percentage.percent * n / 100.0)
            share = _percent(count, n, max(percentage.decimals, 1))
            proof = f"printed {in_words(percentage)}; {count}/{n} is {share}"
            if nearest == count:
                proof += f"; no other count of {n} is nearer, so it is a slip of rounding"
            else:
                other = _percent(nearest, n, max(percentage.decimals, 1))
                proof += f"; the nearest count of {n} is {nearest} ({other})"
            severity: Severity = "warning" if nearest == count else "error"
            yield finding("percentage_of_count", fact, severity, proof)


def percentages_without_count(ledger: Ledger) -> Iterator[Finding]:
    """Find percentages that no count of their patients gives.

    Those that a count does give are compared with counts of related patients by
    :func:`simtrial.evidence.audit_sums.counts_in_larger_sets`.
    """
    for fact in ledger.facts.values():
        if isinstance(fact.values, Percentage) and not possible_counts(fact.values, fact.n):
            below = int(fact.values.percent * fact.n / 100.0)
            digits = max(fact.values.decimals, 1)
            near = [k for k in (below, below + 1) if k <= fact.n]
            shares = " and ".join(f"{k}/{fact.n} is {_percent(k, fact.n, digits)}" for k in near)
            proof = f"printed {in_words(fact.values)} of {fact.n}, which no count gives: {shares}"
            severity: Severity = "error" if fact.read_by else "warning"
            yield finding("percentage_without_count", fact, severity, proof)


def possible_counts(percentage: Percentage, n: int) -> list[int]:
    """Return the counts of ``n`` that round to a printed percentage."""
    return [count for count in range(n + 1) if _rounds_to(percentage, count, n)]


def intervals_by_their_method(ledger: Ledger) -> Iterator[Finding]:
    """Find printed confidence intervals that the method they name does not give."""
    for fact in ledger.facts.values():
        own = counted(fact.values)
        if own is None:
            continue
        for other in fact.alternatives:
            printed = other.values
            if not isinstance(printed, Interval) or printed.level_percent is None:
                continue
            given = [name for name in METHODS if _gives(printed, name, *own)]
            if printed.method in given or (printed.method is None and given):
                continue
            yield _interval_finding(fact, printed, given, *own)


def printed_twice(ledger: Ledger) -> Iterator[Finding]:
    """Find a quantity that a document prints twice of the same patients with other figures."""
    first: dict[object, Fact] = {}
    for fact in ledger.facts.values():
        about = (fact.document, fact.quantity, fact.cohort, fact.n, fact.subtype, fact.subtypes)
        key = (*about, fact.arm, fact.timing, fact.kind, fact.unit)
        other = first.setdefault(key, fact)
        if other is fact or other.as_printed == fact.as_printed:
            continue
        proof = f"{_told(other)}, {_told(fact)}, of the same {fact.n}"
        # of endpoints worded otherwise the figures may differ and both be right
        alike = other.endpoint == fact.endpoint and other.values != fact.values
        severity: Severity = "error" if alike else "warning"
        yield finding("printed_twice", fact, severity, proof, related=(other.id,))


def printed_figures_set_aside(ledger: Ledger) -> Iterator[Finding]:
    """Find facts that use another figure than the one that is printed at their place."""
    for fact in ledger.facts.values():
        for other in fact.alternatives:
            if other.as_printed and other.values != fact.values:
                proof = (
                    f"printed {in_words(other.values, fact.unit)}, used "
                    f"{in_words(fact.values, fact.unit)}: {other.reason}"
                )
                yield finding("set_aside", fact, "warning", proof)


def second_readings(ledger: Ledger) -> Iterator[Finding]:
    """Find facts that were read once, or read otherwise by the second reader."""
    for fact in ledger.facts.values():
        second = fact.readings.second
        if second is None:
            proof = f"read once: {fact.readings.first}; no second reading"
            yield finding("second_reading", fact, "note", proof)
        elif second != "agrees":
            proof = f"first reading {fact.readings.first}; second reading {second}"
            yield finding("second_reading", fact, "warning", proof)


def _told(fact: Fact) -> str:
    words = in_words(fact.as_printed, fact.unit)
    return f"{fact.label} prints {words}" + (f" ('{fact.printed}')" * (fact.printed != words))


def _percentages_beside(fact: Fact) -> Iterator[Percentage]:
    for other in fact.alternatives:
        if isinstance(other.values, Percentage):
            yield other.values
    said = _WITH_PERCENT.fullmatch(fact.printed.strip())
    if said and float(said["percent"]) <= 100.0:
        decimals = len(said["decimals"] or "")
        yield Percentage(percent=float(said["percent"]), decimals=decimals)


def _rounds_to(percentage: Percentage, count: int, n: int) -> bool:
    half_digit = 0.5 * 10.0**-percentage.decimals
    return abs(100.0 * count / n - percentage.percent) <= half_digit + _FUZZ


def _gives(printed: Interval, method: IntervalMethod, count: int, n: int) -> bool:
    """Return whether a method gives both printed ends to their digits, cut to 0..100 or not."""
    ends = METHODS[method](count, n, (printed.level_percent or 0.0) / 100.0)
    half_digit = 0.5 * 10.0**-printed.decimals + _FUZZ
    return all(
        min(abs(100.0 * end - shown), abs(100.0 * min(max(end, 0.0), 1.0) - shown)) <= half_digit
        for end, shown in zip(ends, (printed.low, printed.high), strict=True)
    )


def _interval_finding(
    fact: Fact, printed: Interval, given: list[IntervalMethod], count: int, n: int
) -> Finding:
    level = (printed.level_percent or 0.0) / 100.0
    digits = printed.decimals

    def ends(name: IntervalMethod) -> str:
        given_ends = _range(METHODS[name](count, n, level), digits)
        return f"{METHOD_NAMES[name]} of {count}/{n} is {given_ends}"

    shown = f"{printed.low:.{digits}f} to {printed.high:.{digits}f}"
    named = f" as {METHOD_NAMES[printed.method]}" if printed.method else ""
    proof = f"printed {printed.level_percent:g} % interval {shown}{named}"
    if printed.method:
        proof += f"; {ends(printed.method)}"
    if given:
        proof += f"; reproduced to the printed digits: {', '.join(map(ends, given))}"
    else:
        others = [name for name in METHODS if name != printed.method]
        proof += f"; no method gives it: {', '.join(map(ends, others))}"
    exact = _range(exact_interval(count, n, level), digits)
    used = f"{in_words(fact.values, fact.unit)}, exact interval {exact} %"
    return finding("interval_method", fact, "warning" if given else "error", proof, used=used)


def _range(ends: tuple[float, float], digits: int) -> str:
    low, high = ends
    return f"{100 * low:.{digits}f} to {100 * high:.{digits}f}"


def _percent(count: int, n: int, digits: int) -> str:
    return f"{100.0 * count / n:.{digits}f} %"
