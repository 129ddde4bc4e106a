"""The ledger as a catalogue: facts chosen by document, role, quantity, subtype or status."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from simtrial.core.errors import EvidenceError
from simtrial.core.located import nearest
from simtrial.evidence import wording
from simtrial.evidence.audit import audit
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.wording import counted, in_words, place, subtypes_of, when
from simtrial.stats.intervals import exact_interval

STATUSES = ("provisional", "read twice")
ROLES = ("fit", "check", "context", "unusable")
_LEVEL = 0.95


def select(
    ledger: Ledger,
    *,
    document: str | None = None,
    role: str | None = None,
    quantity: str | None = None,
    subtype: str | None = None,
    status: str | None = None,
) -> tuple[Fact, ...]:
    """Return the facts that fit every filter that is given, in the order of the ledger.

    A fact that pools several subtypes is among the facts of each of them; one about all is not.

    Raises
    ------
    EvidenceError : when a filter is a name that the ledger does not know, with the nearest.
    """
    facts = ledger.facts.values()
    _known("document", document, ledger.documents)
    _known("role", role, ROLES)
    _known("quantity", quantity, {fact.quantity for fact in facts})
    _known("subtype", subtype, {name for fact in facts for name in subtypes_of(fact)})
    _known("status", status, STATUSES)
    return tuple(
        fact
        for fact in facts
        if document in (None, fact.document)
        and role in (None, fact.role)
        and quantity in (None, fact.quantity)
        and (subtype is None or subtype in subtypes_of(fact))
        and status in (None, wording.status(fact))
    )


def entry(fact: Fact) -> dict[str, Any]:
    """Return one line of the catalogue, for JSON."""
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
        "n": fact.n,
        "value": in_words(fact.values, fact.unit),
        "values": fact.values.model_dump(mode="json"),
        "role": fact.role,
        "status": wording.status(fact),
    }


def full_entry(ledger: Ledger, fact: Fact) -> dict[str, Any]:
    """Return everything that is known of one fact, for JSON."""
    head = ledger.documents[fact.document]
    cohort = ledger.cohort(fact.cohort)
    return entry(fact) | {
        "citation": head.citation.model_dump(mode="json"),
        "design": head.design,
        "printed": fact.printed,
        "endpoint": fact.endpoint,
        "timing": fact.timing.model_dump(mode="json"),
        "when": when(fact.timing),
        "cohort": {"id": fact.cohort, "n": cohort.n, "what": cohort.what},
        "arm": fact.arm,
        "line": fact.line,
        "regimen": fact.regimen,
        "readings": fact.readings.model_dump(mode="json"),
        "shares": _shares(fact),
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
        "findings": [one.document() for one in audit(ledger) if one.fact == fact.id],
    }


def _shares(fact: Fact) -> list[dict[str, Any]]:
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


def _known(what: str, name: str | None, names: Collection[str]) -> None:
    if name is None or name in names:
        return
    in_capitals = {known.upper(): known for known in sorted(names)}
    near = in_capitals.get(nearest(name.upper(), in_capitals) or "")
    hint = f"the nearest is '{near}'" if near else "the ledger has none"
    raise EvidenceError(f"--{what} {name}: no fact has this {what}; {hint}.")
