"""Rules about what text extraction lost: dashes and minus signs, put back with the proof."""

from __future__ import annotations

import re
from collections.abc import Iterator

from simtrial.evidence.audit_rules.intervals import off_centre
from simtrial.evidence.digits import numbers_of
from simtrial.evidence.findings import Finding, finding
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.values import MeanChange, MedianIqr
from simtrial.evidence.wording import in_words

_LOST = "\ufffd"
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def restored_intervals(ledger: Ledger) -> Iterator[Finding]:
    """Prove a restored interval: the same figures in the same order, and centred on its mean.

    Every way of cutting the figures into two ends, with either sign, is tried; the proof says how
    many are centred on the mean to its rounding.
    """
    for fact in ledger.facts.values():
        if fact.restored is None:
            continue
        if not isinstance(fact.values, MeanChange) or fact.values.low is None:
            proof = f"restored: {fact.restored}; no rule proves it for figures of kind {fact.kind}"
            yield finding("restored", fact, "note", proof)
            continue
        ends = (fact.values.low, fact.values.high or 0.0)
        mean, damaged = _mean_and_rest(fact)
        tried = list(_cuts(damaged))
        if mean != fact.values.mean or ends not in tried:
            proof = (
                f"'{fact.locator.digits}' cannot be read as {in_words(fact.values, fact.unit)}: "
                f"{damaged} cut in two with either sign has no such ends"
            )
            yield finding("restored", fact, "error", proof)
            continue
        centred = [cut for cut in tried if not off_centre(fact, fact.values.mean, *cut)]
        middle = 0.5 * (ends[0] + ends[1])
        proof = (
            f"'{fact.locator.digits}' read as {in_words(fact.values, fact.unit)}: the middle is "
            f"{middle:,.10g}"
        )
        if ends not in centred:
            yield finding("restored", fact, "error", proof + ", which is not the mean")
            continue
        proof += f"; of {len(tried)} ways to cut {damaged} in two with either sign, "
        proof += "no other is" if len(centred) == 1 else f"{len(centred)} are"
        yield finding("restored", fact, "warning", proof + " centred on the mean")


def lost_signs(ledger: Ledger) -> Iterator[Finding]:
    """Prove the minus signs that stand as the replacement mark U+FFFD in quartiles.

    Read as plus, quartiles descend; where they would ascend either way the order does not decide.
    """
    for fact in ledger.facts.values():
        if _LOST not in fact.locator.digits or not isinstance(fact.values, MedianIqr):
            continue
        median, q1, q3 = (fact.values.median, fact.values.q1, fact.values.q3)
        lost = {d.value for d in numbers_of(fact.locator.digits) if d.value < 0.0}
        if not lost & {median, q1, q3}:
            proof = f"'{fact.locator.digits}' lost a minus sign, and the values have none"
            yield finding("lost_sign", fact, "error", proof)
            continue
        plus = [abs(v) if v in lost else v for v in (q1, median, q3)]
        said = f"median {median:g} ({q1:g} to {q3:g})"
        if plus[0] <= plus[1] <= plus[2]:
            proof = (
                f"read as minus, {said}; read as plus, {plus[1]:g} ({plus[0]:g} to {plus[2]:g}) "
                "ascends too: the same mark is a minus sign wherever order decides"
            )
        else:
            proof = (
                f"read as minus, {said}; read as plus, {plus[1]:g} ({plus[0]:g} to {plus[2]:g}) "
                "would not ascend"
            )
        yield finding("lost_sign", fact, "note", proof)


def _mean_and_rest(fact: Fact) -> tuple[float | None, str]:
    """Return the first number at a place, and what follows it without signs, commas and spaces."""
    first, _, rest = fact.locator.digits.partition(" ")
    numbers = numbers_of(first)
    return (numbers[0].value if len(numbers) == 1 else None), re.sub(r"[^\d.]", "", rest)


def _cuts(damaged: str) -> Iterator[tuple[float, float]]:
    """Yield every pair of ends that a run of figures can be cut into, lower end first."""
    for i in range(1, len(damaged)):
        if not (_NUMBER.fullmatch(damaged[:i]) and _NUMBER.fullmatch(damaged[i:])):
            continue
        one, other = float(damaged[:i]), float(damaged[i:])
        for low in dict.fromkeys((-one, one)):
            for high in dict.fromkeys((-other, other)):
                if low < high:
                    yield low, high
