"""A made-up ledger as large as the shipped one may grow, with texts that break careless pages."""

from __future__ import annotations

from typing import Any

from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.sources import Citation, Cohort, Header
from simtrial.evidence.values import RECORDS

NASTY = "a | pipe, <b>a tag</b>, *stars*, _lines_, `ticks`, $sums$, [a](link), a \\ and ~tildes~"
_LINES = ("first_line", "refractory", None)
_SUBTYPES: tuple[dict[str, Any], ...] = (
    {},
    {"subtypes": ("DM", "PM")},
    {"subtype": "DM"},
    {"subtype": "IMNM"},
    {"subtype": "IBM"},
)


def made_up_ledger(documents: int = 4) -> Ledger:
    """Return a ledger with 16 responses a document, some of them quoted, and harm of each sort."""
    heads: dict[str, Header] = {}
    facts: dict[str, Fact] = {}
    for d in range(documents):
        name = f"made{d}"
        heads[name] = _header(name)
        for fact in (*_responses(name, d), *_harm(name)):
            facts[fact.id] = fact
    return Ledger(documents=heads, facts=facts)


def fact(document: str, name: str, **more: Any) -> Fact:
    """Return a fact of a made-up document; ``more`` are the fields that matter to a test."""
    fields: dict[str, Any] = {
        "id": f"{document}.{name}.all",
        "label": f"{document}-{name}",
        "document": document,
        "locator": {"section": "Results", "lines": [10, 12], "digits": "8"},
        "printed": "8 of 40",
        "kind": "count",
        "unit": "patients",
        "quantity": "better",
        "cohort": f"{document}.treated",
        "n": 40,
        "arm": "ivig",
        "endpoint": "better by the rule of the document",
        "timing": {"how": "by", "week": 12},
        "readings": {"first": "8 of 40", "second": "agrees"},
        "role": "context",
    }
    fields |= more
    fields["values"] = RECORDS[fields["kind"]].model_validate(fields["values"])
    return Fact.model_validate(fields)


def _header(name: str) -> Header:
    return Header(
        id=name,
        citation=Citation(
            authors="Nobody N & Co", journal="M | U", year=2025, volume="1", pages="1"
        ),
        design=f"Invented; {NASTY}.",
        cohorts={
            f"{name}.treated": Cohort(n=40, what="treated patients"),
            f"{name}.quoted": Cohort(
                n=30, what="patients of a cited study", study="cited", cited_as="reference 9"
            ),
        },
    )


def _responses(name: str, d: int) -> list[Fact]:
    out = []
    for i in range(16):
        quoted = i % 4 == 3
        n = 30 if quoted else 40
        out.append(
            fact(
                name,
                f"better_{i}",
                label=f"N{d}.{i}",
                quantity="relapse" if i in (6, 7) else "better",
                cohort=f"{name}.quoted" if quoted else f"{name}.treated",
                n=n,
                line=_LINES[(d + i) % 3],
                values={"n": n, "responders": (5 * i + 7 * d) % (n + 1)},
                endpoint=(
                    f"endpoint {i}: {NASTY}, and many more words to say when it is reached"
                    if i % 5 == 0
                    else f"endpoint {i} >= 20 points"
                ),
                **_SUBTYPES[i % 5],
            )
        )
    return out


def _harm(name: str) -> list[Fact]:
    n: dict[str, Any] = {"kind": "proportion", "timing": {"how": "end"}}
    return [
        fact(name, "reaction", quantity="reaction", values={"n": 40, "part": 9}, **n),
        fact(
            name,
            "kinds",
            kind="multinomial",
            quantity="reaction_kinds",
            n=9,
            nested_in=f"{name}.reaction.all",
            values={"n": 9, "cells": {"headache": 4, "rash_of_the_arm": 5}},
        ),
        fact(
            name,
            "infection",
            quantity="infection",
            unit="courses",
            values={"n": 300, "part": 2},
            **n,
        ),
        fact(
            name,
            "serious",
            kind="multinomial",
            quantity="serious_events",
            unit="events",
            values={"n": 5, "cells": {"stroke": 2, "sepsis": 3}},
        ),
        fact(name, "none", quantity="death", values={"n": 40, "part": 0}, **n),
        fact(
            name,
            "unusable",
            quantity="adverse_event",
            role="unusable",
            reason="only some were looked for",
            values={"n": 40, "part": 1},
            **n,
        ),
    ]
