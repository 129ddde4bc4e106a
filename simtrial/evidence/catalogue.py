"""The ledger as a catalogue: facts chosen by what they are about, and all that is known of one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, get_args

from simtrial.core.errors import EvidenceError
from simtrial.core.located import nearest
from simtrial.evidence import wording
from simtrial.evidence.audit import audit
from simtrial.evidence.counts import Subtype
from simtrial.evidence.findings import Finding
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.rules import cohorts_of, sets_around
from simtrial.evidence.sources import Line
from simtrial.evidence.values import RECORDS
from simtrial.evidence.wording import counted, in_words, place, subtypes_of, when
from simtrial.stats.intervals import exact_interval

STATUSES = ("provisional", "read twice")
ROLES = ("fit", "check", "context", "unusable")
# as documents write them; hyphens, spaces and capitals do not matter
LONG_NAMES: Mapping[str, Subtype] = {
    "dermatomyositis": "DM",
    "polymyositis": "PM",
    "immune-mediated necrotising myopathy": "IMNM",
    "immune-mediated necrotizing myopathy": "IMNM",
    "necrotising myopathy": "IMNM",
    "necrotizing myopathy": "IMNM",
    "antisynthetase syndrome": "ASyS",
    "overlap myositis": "OM",
    "inclusion body myositis": "IBM",
    "myositis under checkpoint inhibitors": "ICI",
}
_LEVEL = 0.95


def select(
    ledger: Ledger,
    *,
    document: str | None = None,
    role: str | None = None,
    quantity: str | None = None,
    subtype: str | None = None,
    status: str | None = None,
    kind: str | None = None,
    cohort: str | None = None,
    line: str | None = None,
    arm: str | None = None,
    study: str | None = None,
    second_hand: bool | None = None,
    search: str | None = None,
) -> tuple[Fact, ...]:
    """Return the facts that fit every filter that is given, in the order of the ledger.

    A fact that pools several subtypes is among the facts of each of them; one about all is not.

    Parameters
    ----------
    document : its id, or its number.
    subtype : its short name in any case, or its long one.
    study : the study that the patients were in, whether its own document tells of it or another.
    second_hand : True for figures of a study that the document cites, False for its own.
    search : a text in the id, endpoint, print or note, whatever the case.

    Raises
    ------
    EvidenceError : when a filter is a name that the ledger does not know, with the nearest.
    """
    facts = ledger.facts.values()
    if document is not None:
        document = document_asked(ledger, document)
    if subtype is not None:
        subtype = _short_name(subtype)
    told = {name for fact in facts for name in subtypes_of(fact)}
    _one_of("role", role, ROLES)
    _known("quantity", quantity, {fact.quantity for fact in facts})
    _one_of("subtype", subtype, [name for name in get_args(Subtype) if name in told])
    _one_of("status", status, STATUSES)
    _one_of("kind", kind, list(RECORDS))
    _known_cohort(ledger, cohort)
    _one_of("line", line, get_args(Line))
    _one_of("arm", arm, sorted({fact.arm for fact in facts if fact.arm is not None}))
    _known("study", study, {study_of(ledger, fact) for fact in facts})
    return tuple(
        fact
        for fact in facts
        if document in (None, fact.document)
        and role in (None, fact.role)
        and quantity in (None, fact.quantity)
        and (subtype is None or subtype in subtypes_of(fact))
        and status in (None, wording.status(fact))
        and kind in (None, fact.kind)
        and cohort in (None, fact.cohort)
        and line in (None, fact.line)
        and arm in (None, fact.arm)
        and (study is None or study == study_of(ledger, fact))
        and second_hand in (None, ledger.cohort(fact.cohort).study is not None)
        and (search is None or _says(fact, search))
    )


def document_asked(ledger: Ledger, name: str) -> str:
    """Return the id of the document with an id or a number.

    Raises
    ------
    EvidenceError : when there is none, with all there are.
    """
    found = ledger.document_named(name)
    if found is None:
        named = [
            head.id if head.number is None else f"{head.id} ({head.number})"
            for head in ledger.documents.values()
        ]
        raise EvidenceError(_refusal("document", name, list(ledger.documents), named))
    return found


def told_of_all_subtypes(ledger: Ledger, subtype: str, **filters: Any) -> tuple[Fact, ...]:
    """Return the facts about all subtypes of a set that holds one, which its list does not have.

    A set holds a subtype when a fact about the set, or about a set within it, is of that subtype
    or counts a patient of it among others.

    Parameters
    ----------
    filters : the other filters of :func:`select`.
    """
    cohorts, name = cohorts_of(ledger.documents), _short_name(subtype)
    holders: set[str] = set()
    for fact in ledger.facts.values():
        if name in subtypes_of(fact) or getattr(fact.values, "cells", {}).get(name, 0) > 0:
            holders.update(sets_around(fact.cohort, cohorts))
    return tuple(
        fact
        for fact in select(ledger, **filters)
        if fact.cohort in holders and not subtypes_of(fact)
    )


def study_of(ledger: Ledger, fact: Fact) -> str:
    """Return the study that a fact's patients were in: the cited one, or the document's own."""
    return ledger.cohort(fact.cohort).study or fact.document


def entry(ledger: Ledger, fact: Fact) -> dict[str, Any]:
    """Return one line of the catalogue, for JSON."""
    cohort = ledger.cohort(fact.cohort)
    return {
        "id": fact.id,
        "label": fact.label,
        "document": fact.document,
        "locator": fact.locator.model_dump(mode="json"),
        "place": place(fact.locator),
        "quantity": fact.quantity,
        "subtypes": list(subtypes_of(fact)),
        "kind": fact.kind,
        "unit": fact.unit,
        "cohort": {
            "id": fact.cohort,
            "n": cohort.n,
            "what": cohort.what,
            "study": cohort.study,
            "cited_as": cohort.cited_as,
        },
        "n": fact.n,
        "arm": fact.arm,
        "line": fact.line,
        "timing": fact.timing.model_dump(mode="json"),
        "when": when(fact.timing),
        "printed": fact.printed,
        "value": in_words(fact.values, fact.unit),
        "values": fact.values.model_dump(mode="json"),
        "share": next((share for share in shares_of(fact) if share["cell"] == "all"), None),
        "p_value": fact.p_value,
        "derived": dict(fact.derived),
        "restored": fact.restored,
        "role": fact.role,
        "status": wording.status(fact),
        "resolved": fact.readings.resolved,
    }


def full_entry(
    ledger: Ledger, fact: Fact, found: Iterable[Finding] | None = None
) -> dict[str, Any]:
    """Return everything that is known of one fact, for JSON.

    Parameters
    ----------
    found : what the audit finds in the ledger, for who asks for many facts; None to ask it.
    """
    head = ledger.documents[fact.document]
    return entry(ledger, fact) | {
        "document_number": head.number,
        "citation": head.citation.model_dump(mode="json"),
        "design": head.design,
        "endpoint": fact.endpoint,
        "regimen": fact.regimen,
        "readings": fact.readings.model_dump(mode="json"),
        "shares": shares_of(fact),
        "alternatives": [
            {
                "value": in_words(other.values, other.unit or fact.unit),
                "values": other.values.model_dump(mode="json"),
                "kind": other.kind,
                "cohort": other.cohort,
                "as_printed": other.as_printed,
                "reason": other.reason,
            }
            for other in fact.alternatives
        ],
        "read_by": list(fact.read_by),
        "reason": fact.reason,
        "nested_in": fact.nested_in,
        "holds": [other.id for other in ledger.facts.values() if other.nested_in == fact.id],
        "note": fact.note,
        "findings": [
            one.document()
            for one in (audit(ledger) if found is None else found)
            if one.fact == fact.id
        ],
    }


def shares_of(fact: Fact) -> list[dict[str, Any]]:
    """Return the share of a count, or of each cell, with its exact interval.

    Events have none: several may be of one patient, so that they are no binomial count.
    """
    if fact.unit not in ("patients", "courses"):
        return []
    own = counted(fact.values)
    counts: dict[str, int]
    if own is not None:
        counts, n = {"all": own[0]}, own[1]
    else:
        counts, n = getattr(fact.values, "cells", {}), getattr(fact.values, "n", 0)
    shares = []
    for name, count in counts.items():
        low, high = exact_interval(count, n, _LEVEL)
        shares.append(
            {
                "cell": str(name),
                "count": count,
                "n": n,
                "share": count / n,
                "interval95": [low, high],
                "method": "clopper_pearson",
            }
        )
    return shares


def _says(fact: Fact, text: str) -> bool:
    """Return whether a text stands in what is said of a fact; white space counts as one space."""
    said = "\n".join((fact.id, fact.endpoint, fact.printed, fact.note or ""))
    return " ".join(text.split()).casefold() in " ".join(said.split()).casefold()


def _short_name(subtype: str) -> str:
    """Return the short name of a subtype that is given in any case, or by its long name."""
    plain = _plain(subtype)
    known: dict[str, str] = {_plain(name): name for name in get_args(Subtype)}
    known |= {_plain(long): short for long, short in LONG_NAMES.items()}
    return known.get(plain, subtype)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _known_cohort(ledger: Ledger, cohort: str | None) -> None:
    document = None if cohort is None else ledger.document_named(cohort)
    if document is None:
        _known("cohort", cohort, cohorts_of(ledger.documents))
        return
    sets = list(ledger.documents[document].cohorts)
    example = f"; one of its {len(sets)} sets is --cohort {sets[0]}" if sets else ""
    raise EvidenceError(
        f"--cohort {cohort}: that is a document, not a set of patients; write --document "
        f"{cohort}{example}."
    )


def _one_of(what: str, name: str | None, names: Sequence[str]) -> None:
    """Refuse a name that is not among a few, and tell them all."""
    if name is not None and name not in names:
        raise EvidenceError(_refusal(what, name, names, names))


def _known(what: str, name: str | None, names: Collection[str]) -> None:
    """Refuse a name that is not among many, and tell the nearest."""
    if name is not None and name not in names:
        raise EvidenceError(_refusal(what, name, names, ()))


def _refusal(what: str, name: str, names: Collection[str], told: Sequence[str]) -> str:
    in_capitals = {known.upper(): known for known in sorted(names)}
    near = in_capitals.get(nearest(name.upper(), in_capitals) or "")
    hint = f"the nearest is '{near}'" if near else "the ledger has none"
    choice = f"; choose from {', '.join(told)}" if told else ""
    return f"--{what} {name}: no fact has this {what}; {hint}{choice}."
