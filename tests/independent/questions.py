"""The questions of the second reading: what each fact asks for, without what it says.

A second reader gets a document, these questions and nothing of the ledger, and writes down what
the document prints. ``python -m tests.independent.questions nan25`` prints those of one document.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from simtrial.evidence.ledger import Ledger, load_ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.values import Interval, Patient, PatientTable, Percentage
from simtrial.evidence.wording import subtypes_of, when

# how we keep a figure, which is nothing that a document prints
OURS = {"decimals", "of", "method", "level_percent", "statistic"}
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*|\b(?:one|two|three|four|five|six|seven|eight|nine|ten)\b")
# kinds that a definition with its numbers would give away
_TOLD = {"number", "period", "interval", "percentage", "median_range", "mean_sd", "slope"}


def questions(ledger: Ledger, document: str) -> list[dict[str, Any]]:
    """Return one question for each fact of a document, in their order."""
    return [_question(ledger, fact) for fact in ledger.facts.values() if fact.document == document]


def asked_of(fact: Fact) -> dict[str, Any]:
    """Return the numbers that a fact asks for, as flat ``path: value``."""
    if isinstance(fact.as_printed, PatientTable):
        return {
            f"{row.case}.{name}": list(value) if isinstance(value, tuple) else value
            for row in fact.as_printed.patients
            for name, value in row.model_dump(exclude={"subtype", "case"}).items()
        }
    return _flat(fact.as_printed.model_dump(exclude=OURS))


def beside(fact: Fact) -> dict[str, Any]:
    """Return what stands beside a fact's figures: its percentage, interval and p value."""
    out: dict[str, Any] = {}
    for other in fact.alternatives:
        # beside a percentage stands what we compute, beside a count what is printed
        if (
            isinstance(other.values, Percentage)
            and other.cohort is None
            and fact.kind != "percentage"
        ):
            out.setdefault("percent", other.values.percent)
        if isinstance(other.values, Interval) and other.values.level_percent is not None:
            out.setdefault("interval", [other.values.low, other.values.high])
    if fact.p_value is not None:
        out["p"] = fact.p_value.replace(" ", "")
    return out


def _question(ledger: Ledger, fact: Fact) -> dict[str, Any]:
    cohort = ledger.cohort(fact.cohort)
    endpoint, what = fact.endpoint, cohort.what
    if fact.kind in _TOLD:
        endpoint, what = (_NUMBER.sub("#", text) for text in (endpoint, what))
    place = fact.locator.section or f"table {fact.locator.table}"
    out: dict[str, Any] = {"id": fact.id, "asks": fact.kind, "of": endpoint, "unit": fact.unit}
    out |= {"patients": what, "where": place}
    if cohort.cited_as is not None:
        out["study"] = f"cited, {cohort.cited_as}"
    if subtypes_of(fact):
        out["subtypes"] = list(subtypes_of(fact))
    if fact.kind not in _TOLD:
        out["when"] = when(fact.timing)
    elif fact.timing.how != "baseline":
        out["when"] = (
            _NUMBER.sub("#", when(fact.timing)) if fact.kind == "number" else when(fact.timing)
        )
    if isinstance(fact.as_printed, PatientTable):
        out["fill"] = [name for name in Patient.model_fields if name != "subtype"]
    else:
        names = [name for name in asked_of(fact) if not name.startswith("first_by_week")]
        out["fill"] = names + (["first_by_week"] if len(names) < len(asked_of(fact)) else [])
    out["beside"] = list(beside(fact))
    return out


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        out: dict[str, Any] = {}
        for name, below in value.items():
            out |= _flat(below, f"{path}.{name}" if path else str(name))
        return out
    return {path: value}


if __name__ == "__main__":
    for question in questions(load_ledger(), sys.argv[1]):
        sys.stdout.write(json.dumps(question, ensure_ascii=False) + "\n")
