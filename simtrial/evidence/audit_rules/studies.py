"""Rules about studies that are cited: the same patients under several ids."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from simtrial.evidence.digits import decimals_of
from simtrial.evidence.findings import Finding, Severity, finding
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.rules import cohorts_of
from simtrial.evidence.values import MeanChange, MeanSd, MedianIqr, MedianRange, Number
from simtrial.evidence.wording import in_words, subtypes_of

_FUZZ = 1e-9


def same_patients(ledger: Ledger) -> Iterator[Finding]:
    """Find studies whose patients stand under the ids of two documents, and compare what is said.

    One finding for each pair of documents: at the second-hand figures, of which one set must not
    be counted beside the other.
    """
    by_study: dict[str, dict[str, list[Fact]]] = {}
    cohorts = cohorts_of(ledger.documents)
    for fact in ledger.facts.values():
        study = cohorts[fact.cohort].study or fact.document
        by_study.setdefault(study, {}).setdefault(fact.document, []).append(fact)
    for study, by_document in by_study.items():
        for one, other in combinations(by_document, 2):
            own, cited = (one, other) if study != other else (other, one)
            yield _pair(study, by_document[own], by_document[cited])


def _pair(study: str, own: list[Fact], cited: list[Fact]) -> Finding:
    second_hand = own[0].document != study
    proof = (
        f"{cited[0].document} ({', '.join(f.label for f in cited)}) and {own[0].document} "
        f"({own[0].label if len(own) == 1 else f'{len(own)} facts'}) tell of one study, {study}"
        f"{'' if second_hand else ', whose own document is in the ledger'}: its patients count once"
    )
    said = [*_figures_of_both(cited, own), *_changes_of_both(cited, own)]
    severity: Severity = "warning" if any(differs for differs, _ in said) else "note"
    if said:
        proof += ". " + "; ".join(text for _, text in said)
    related = (*(f.id for f in cited[1:]), own[0].id)
    used = "nothing of the second-hand figures" if not any(f.read_by for f in cited) else None
    return finding("same_patients", cited[0], severity, proof, used=used, related=related)


def _figures_of_both(cited: list[Fact], own: list[Fact]) -> Iterator[tuple[bool, str]]:
    """Yield (whether they differ, in words) for each quantity that both tell."""
    for theirs in cited:
        for ours in own:
            if (theirs.quantity, theirs.unit) == (ours.quantity, ours.unit) and _comparable(
                theirs, ours
            ):
                said = in_words(theirs.values, theirs.unit), in_words(ours.values, ours.unit)
                words = f"{ours.quantity}: {said[0]} ({theirs.label}), {said[1]} ({ours.label})"
                yield _located(theirs) != _located(ours), words


def _comparable(theirs: Fact, ours: Fact) -> bool:
    """Return whether two figures are of one subtype, or of all, and of no two different times."""
    moments = [
        (fact.timing.how == "baseline", fact.timing.week, fact.timing.months)
        for fact in (theirs, ours)
    ]
    timed = all(week is not None or months is not None for _, week, months in moments)
    pools = subtypes_of(theirs), subtypes_of(ours)
    return (
        (pools[0] == pools[1] or not all(pools))
        and moments[0][0] == moments[1][0]
        and (not timed or moments[0] == moments[1])
    )


def _changes_of_both(cited: list[Fact], own: list[Fact]) -> Iterator[tuple[bool, str]]:
    """Yield the difference of two cited means against the mean change of the study itself.

    Where the study has several changes of a measure, the one at the time of the cited end.
    """
    for end in cited:
        measure = end.quantity.removesuffix("_end")
        starts = [f for f in cited if f.quantity == f"{measure}_baseline" and f.unit == end.unit]
        changes = [
            fact
            for fact in own
            if fact.quantity == f"{measure}_change"
            and fact.unit == end.unit
            and fact.timing.from_months is None
        ]
        if len(changes) > 1:
            changes = [fact for fact in changes if fact.timing == end.timing]
        if measure != end.quantity and len(starts) == len(changes) == 1:
            yield from _change_of_means(starts[0], end, changes[0])


def _change_of_means(start: Fact, end: Fact, change: Fact) -> Iterator[tuple[bool, str]]:
    before, after, changed = (_located(fact)[1] for fact in (start, end, change))
    if before is None or after is None or changed is None:
        return
    pairs = ((start, before), (end, after), (change, changed))
    half = sum(0.5 * 10.0 ** -decimals_of(fact, value) for fact, value in pairs)
    apart = abs(after - before - changed)
    words = (
        f"{change.quantity}: {after:g} - {before:g} = {after - before:g} ({end.label}, "
        f"{start.label}), {in_words(change.values, change.unit)} ({change.label})"
    )
    if 0.0 < apart <= half + _FUZZ:
        words += ", within rounding"
    yield apart > half + _FUZZ, words


def _located(fact: Fact) -> tuple[str, float | None]:
    """Return which statistic locates a fact's figures, and its value; None for other figures."""
    match fact.values:
        case MeanSd() | MeanChange():
            return "mean", fact.values.mean
        case Number():
            return fact.values.statistic, fact.values.value
        case MedianRange() | MedianIqr():
            return "median", fact.values.median
        case _:
            return in_words(fact.values, fact.unit), None
