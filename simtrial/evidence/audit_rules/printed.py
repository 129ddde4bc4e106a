"""Rules about what is printed: digits, counts, intervals, figures told twice, and readings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from simtrial.evidence.audit_rules.percentages import percentages_in
from simtrial.evidence.digits import decimals_of, leaves, unprinted
from simtrial.evidence.findings import Finding, Severity, finding, used_of
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.values import Interval, MeanChange, MeanSd, Number, Percentage
from simtrial.evidence.wording import counted, in_words, place
from simtrial.stats.intervals import METHOD_NAMES, METHODS, IntervalMethod, exact_interval

_OF = re.compile(r"(?<![\d.,/])(?P<count>\d+)\s*(?:/|of|out of)\s*(?P<n>\d+)(?![\d/]|\.\d)")
_MEASURED = (MeanSd, MeanChange, Number, Percentage)
# a printed figure is compared in binary floating point: 1e-9 is far below its last digit
_FUZZ = 1e-9


def printed_text_of_counts(ledger: Ledger) -> Iterator[Finding]:
    """Find counts whose printed text, such as ``8/19`` or ``5 of 7``, says other figures."""
    for fact in ledger.facts.values():
        own, text = counted(fact.as_printed), fact.printed.strip()
        if own is None:
            continue
        said = [(int(found["count"]), int(found["n"])) for found in _OF.finditer(text)]
        if said and own not in said:
            proof = f"printed is '{text}', and the figures entered as printed are {own[0]}/{own[1]}"
            yield finding("printed_text", fact, "error", proof)
        counts = [count for count, _ in percentages_in(text)]
        if not said and counts and own[0] not in counts:
            proof = f"printed is '{text}', and the count entered as printed is {own[0]}"
            yield finding("printed_text", fact, "error", proof)


def digits_of_values(ledger: Ledger) -> Iterator[Finding]:
    """Find values of which a number is not among the digits that stand at the place."""
    for fact in ledger.facts.values():
        missing = unprinted(fact)
        if missing:
            proof = f"{'; '.join(missing)}; {place(fact.locator)} has '{fact.locator.digits}'"
            yield finding("digits", fact, "error", proof)


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
    told: dict[object, list[Fact]] = {}
    for fact in ledger.facts.values():
        about = (fact.document, fact.quantity, fact.cohort, fact.n, fact.subtype, fact.subtypes)
        statistic = getattr(fact.values, "statistic", None)
        key = (*about, fact.arm, fact.timing, fact.kind, fact.unit, statistic)
        before = told.setdefault(key, [])
        other = next((one for one in before if not _agree(one, fact)), None)
        before.append(fact)
        if other is None:
            continue
        proof = f"{_told(other)}, {_told(fact)}, of the same {fact.n}"
        # of endpoints worded otherwise the figures may differ and both be right
        alike = other.endpoint == fact.endpoint and other.values != fact.values
        alike = alike and "unusable" not in (fact.role, other.role)
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
            proof = f"first reading {fact.readings.first}; second reading {second}; resolved: "
            proof += fact.readings.resolved or ""
            yield finding("second_reading", fact, "warning", proof)


def _agree(one: Fact, other: Fact) -> bool:
    """Return whether two prints of a figure agree, to the coarser of their digits.

    What only one of them prints, such as an SD or an interval, is no disagreement.
    """
    theirs = dict(leaves(other.as_printed))
    ours = dict(leaves(one.as_printed))
    if not isinstance(one.as_printed, _MEASURED):
        return one.as_printed == other.as_printed
    for name in ours.keys() & theirs.keys():
        a, b = ours[name], theirs[name]
        half = max(0.5 * 10.0 ** -decimals_of(one, a), 0.5 * 10.0 ** -decimals_of(other, b))
        if a != b and (decimals_of(one, a) == decimals_of(other, b) or abs(a - b) > half + _FUZZ):
            return False
    return getattr(one.as_printed, "relation", "=") == getattr(other.as_printed, "relation", "=")


def _told(fact: Fact) -> str:
    words = in_words(fact.as_printed, fact.unit)
    return f"{fact.label} prints {words}" + (f" ('{fact.printed}')" * (fact.printed != words))


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
    used = used_of(fact, f"{in_words(fact.values, fact.unit)}, exact interval {exact} %")
    return finding("interval_method", fact, "warning" if given else "error", proof, used=used)


def _range(ends: tuple[float, float], digits: int) -> str:
    low, high = ends
    return f"{100 * low:.{digits}f} to {100 * high:.{digits}f}"
