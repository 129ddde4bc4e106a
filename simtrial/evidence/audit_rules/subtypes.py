"""Rules about subtypes: sums, columns and quartiles of all against those of each subtype."""

from __future__ import annotations

from collections.abc import Iterator

from simtrial.evidence.digits import decimals_of
from simtrial.evidence.findings import Finding, finding
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.values import MedianIqr, Mix
from simtrial.evidence.wording import counted, subtypes_of


def sums_of_subtypes(ledger: Ledger) -> Iterator[Finding]:
    """Find counts by subtype that do not sum to the count of all."""
    for whole, parts in _by_subtype(ledger):
        own = counted(whole.values)
        counts = {name: counted(fact.values) for name, fact in parts.items()}
        pairs = [pair for pair in counts.values() if pair is not None]
        if own is None or len(pairs) < len(counts):
            continue
        total, n = sum(count for count, _ in pairs), sum(n for _, n in pairs)
        complete = n == own[1]
        # who is of no subtype told may be among them, or not
        if n <= own[1] and total <= own[0] <= total + own[1] - n:
            continue
        said = " + ".join(f"{name} {pair[0]}" for name, pair in counts.items() if pair)
        proof = f"{said} = {total}, and of all {own[0]} are printed"
        if not complete:
            proof += f" (the subtypes hold {n} of the {own[1]})"
        related = tuple(fact.id for fact in parts.values())
        yield finding("subtype_sum", whole, "error", proof, related=related)


def columns_of_subtypes(ledger: Ledger) -> Iterator[Finding]:
    """Find facts about more patients of a subtype than the mix of their set has."""
    mixes = {
        fact.cohort: fact
        for fact in ledger.facts.values()
        if isinstance(fact.values, Mix) and fact.n == ledger.cohort(fact.cohort).n
    }
    for fact in ledger.facts.values():
        mix, names = mixes.get(fact.cohort), subtypes_of(fact)
        if mix is None or not names or fact.unit == "courses":
            continue
        cells = mix.values_as(Mix).cells
        most = sum(n for name, n in cells.items() if name in names)
        if fact.n > most:
            proof = f"n is {fact.n}, and {mix.label} has {most} with {' or '.join(names)}"
            yield finding("subtype_column", fact, "error", proof, related=(mix.id,))


def quartiles_of_subtypes(ledger: Ledger) -> Iterator[Finding]:
    """Find quartiles of all that lie outside those of the subtypes they are made of.

    Where quartiles are values of patients (or lie between two), those of all are not above the
    largest quartile of a subtype, nor below the smallest. Definitions that interpolate may miss
    that by a little, so the finding is a warning, and starts beyond the rounding of the print.
    """
    for whole, parts in _by_subtype(ledger):
        if sum(fact.n for fact in parts.values()) != whole.n:
            continue
        own, values = whole.values, [fact.values for fact in parts.values()]
        theirs = [value for value in values if isinstance(value, MedianIqr)]
        if not isinstance(own, MedianIqr) or len(theirs) < len(values):
            continue
        for name in ("q1", "median", "q3"):
            low = min(getattr(value, name) for value in theirs)
            high = max(getattr(value, name) for value in theirs)
            value = getattr(own, name)
            halves = [
                0.5 * 10.0 ** -decimals_of(fact, getattr(fact.values, name))
                for fact in parts.values()
            ]
            band = 0.5 * 10.0 ** -decimals_of(whole, value) + max(halves)
            if not low - band <= value <= high + band:
                proof = (
                    f"{name} of all is {getattr(own, name):g}, and those of the subtypes are "
                    f"{low:g} to {high:g}"
                )
                related = tuple(fact.id for fact in parts.values())
                yield finding("subtype_quartiles", whole, "warning", proof, related=related)


def _by_subtype(ledger: Ledger) -> Iterator[tuple[Fact, dict[str, Fact]]]:
    """Yield each fact about all subtypes with the facts about one of them, of the same kind."""
    wholes: dict[object, Fact] = {}
    parts: dict[object, dict[str, Fact]] = {}
    for fact in ledger.facts.values():
        about = (fact.document, fact.quantity, fact.cohort, fact.arm)
        key = (*about, fact.timing, fact.kind)
        if fact.subtype is not None:
            parts.setdefault(key, {}).setdefault(fact.subtype, fact)
        elif not fact.subtypes:
            wholes.setdefault(key, fact)
    for about_all, whole in wholes.items():
        if about_all in parts:
            yield whole, parts[about_all]
