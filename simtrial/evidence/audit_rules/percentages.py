"""Rules about printed percentages: of counts, without a count, restated, of parts of a whole."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from simtrial.evidence.findings import Finding, Severity, finding
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.values import Multinomial, Percentage
from simtrial.evidence.wording import counted, in_words, subtypes_of, when

_PERCENT = r"(?P<percent>\d+(?:\.(?P<decimals>\d+))?)"
_OF = r"\s*(?:/|of|out of)\s*\d+(?:\s+[a-z]+)?"
_BESIDE = (  # 12 (63), 12/19 (63 %), 12 of 19 patients (63 %); 63 % (12/19)
    re.compile(rf"(?<![\d.,/])(?P<count>\d+)(?:{_OF})?\s*\({_PERCENT}\s*%?\)"),
    re.compile(rf"{_PERCENT}\s*%\s*\((?P<count>\d+){_OF}\)"),
)
# a printed figure is compared in binary floating point: 1e-9 is far below its last digit
_FUZZ = 1e-9


def percentages_of_counts(ledger: Ledger) -> Iterator[Finding]:
    """Find percentages that are not their count's, to the digits that are printed."""
    for fact in ledger.facts.values():
        own = counted(fact.as_printed)
        if own is None:
            continue
        for percentage, set_aside in _percentages_beside(fact):
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
            severity: Severity = "warning" if set_aside or nearest == count else "error"
            yield finding("percentage_of_count", fact, severity, proof)


def percentages_without_count(ledger: Ledger) -> Iterator[Finding]:
    """Find percentages that no count of their patients gives.

    Those that a count does give are compared with counts of related patients by
    :func:`simtrial.evidence.audit_rules.sums.counts_in_larger_sets`.
    """
    for fact in ledger.facts.values():
        if isinstance(fact.values, Percentage) and share_of_patients(fact):
            if possible_counts(fact.values, fact.n):
                continue
            below = int(fact.values.percent * fact.n / 100.0)
            digits = max(fact.values.decimals, 1)
            near = [k for k in (below, below + 1) if k <= fact.n]
            shares = " and ".join(f"{k}/{fact.n} is {_percent(k, fact.n, digits)}" for k in near)
            proof = f"printed {in_words(fact.values)} of {fact.n}, which no count gives: {shares}"
            severity: Severity = "error" if fact.read_by else "warning"
            yield finding("percentage_without_count", fact, severity, proof)


def share_of_patients(fact: Fact) -> bool:
    """Return whether a fact is a percentage of its patients, and not of a mean or a dose."""
    return (
        isinstance(fact.values, Percentage)
        and fact.values.relation == "="
        and fact.values.of == "patients"
        and not fact.quantity.endswith("_fall")
    )


def possible_counts(percentage: Percentage, n: int) -> list[int]:
    """Return the counts of ``n`` that round to a printed percentage."""
    half = 0.5 * 10.0**-percentage.decimals
    first = math.floor((percentage.percent - half) * n / 100.0)
    last = math.ceil((percentage.percent + half) * n / 100.0)
    near = range(max(first, 0), min(last, n) + 1)
    return [count for count in near if _rounds_to(percentage, count, n)]


def percentages_in(text: str) -> list[tuple[int, Percentage]]:
    """Return each count with the percentage beside it, of a text such as ``12/19 (63 %)``."""
    return [
        (
            int(found["count"]),
            Percentage(percent=float(found["percent"]), decimals=len(found["decimals"] or "")),
        )
        for pattern in _BESIDE
        for found in pattern.finditer(text)
        if float(found["percent"]) <= 100.0
    ]


def percentages_restated(ledger: Ledger) -> Iterator[Finding]:
    """Find percentages that a document states without a count, and that none of its counts gives.

    The counts are those of the same quantity and patients: at the same time where there is one,
    otherwise at any time.
    """
    for fact in ledger.facts.values():
        if not isinstance(fact.values, Percentage) or not share_of_patients(fact):
            continue
        possible = possible_counts(fact.values, fact.n)
        if not possible:
            continue
        told = [
            other
            for other in ledger.facts.values()
            if (own := counted(other.as_printed)) is not None
            and own[1] == fact.n
            and _about(other) == _about(fact)
        ]
        at_its_time = [other for other in told if other.timing == fact.timing] or told
        if any(counted(o.as_printed) == (k, fact.n) for o in at_its_time for k in possible):
            continue
        if not told:
            continue
        said = ", ".join(
            f"{in_words(other.as_printed, other.unit)} {when(other.timing)} ({other.label})"
            for other in told
        )
        counts = " or ".join(f"{k}/{fact.n}" for k in possible)
        proof = f"printed {in_words(fact.values)} of {fact.n} is {counts}; the counts are {said}"
        severity: Severity = "error" if fact.read_by else "warning"
        used = ", ".join(in_words(other.values, other.unit) for other in at_its_time)
        related = tuple(other.id for other in told)
        yield finding("percentage_restated", fact, severity, proof, used=used, related=related)


def percentages_of_parts(ledger: Ledger) -> Iterator[Finding]:
    """Find percentages of the parts of one whole that do not sum to 100, beyond their rounding."""
    for whole in ledger.facts.values():
        if not isinstance(whole.values, Multinomial):
            continue
        parts = [
            (fact, percentage)
            for fact in ledger.facts.values()
            if fact.nested_in == whole.id and counted(fact.as_printed) is not None
            for percentage, _ in list(_percentages_beside(fact))[:1]
        ]
        counts = [counted(fact.as_printed) for fact, _ in parts]
        if sum(own[0] for own in counts if own is not None) != whole.values.n:
            continue
        total = sum(percentage.percent for _, percentage in parts)
        half = sum(0.5 * 10.0**-percentage.decimals for _, percentage in parts)
        if abs(total - 100.0) > half + _FUZZ:
            said = " + ".join(f"{percentage.percent:g}" for _, percentage in parts)
            proof = f"the parts are {said} = {total:g} %, and their counts sum to {whole.values.n}"
            related = tuple(fact.id for fact, _ in parts)
            yield finding("percentage_sum", whole, "warning", proof, related=related)


def _about(fact: Fact) -> tuple[object, ...]:
    return (fact.document, fact.quantity, fact.cohort, fact.arm, subtypes_of(fact))


def _percentages_beside(fact: Fact) -> Iterator[tuple[Percentage, bool]]:
    """Yield the percentages printed beside a count, and whether each is known and set aside."""
    for other in fact.alternatives:
        if isinstance(other.values, Percentage):
            yield other.values, other.set_aside
    own = counted(fact.as_printed)
    for count, percentage in percentages_in(fact.printed):
        if own is not None and count == own[0]:
            yield percentage, False


def _rounds_to(percentage: Percentage, count: int, n: int) -> bool:
    half_digit = 0.5 * 10.0**-percentage.decimals
    return abs(100.0 * count / n - percentage.percent) <= half_digit + _FUZZ


def _percent(count: int, n: int, digits: int) -> str:
    return f"{100.0 * count / n:.{digits}f} %"
