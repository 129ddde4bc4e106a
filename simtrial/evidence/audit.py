"""The audit of a ledger: everything that its figures allow to compute again, by general rules.

A rule knows kinds of figures and how facts are related, never single facts, so that it says the
same of a user's own ledger as of the shipped one. Rules stand in one table; a new rule is a
function of the ledger and one line in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from simtrial.evidence.audit_printed import (
    intervals_by_their_method,
    percentages_of_counts,
    percentages_without_count,
    printed_figures_set_aside,
    printed_text_of_counts,
    printed_twice,
    second_readings,
)
from simtrial.evidence.audit_rows import courses_of_rows, rows_behind_counts
from simtrial.evidence.audit_subtypes import (
    columns_of_subtypes,
    quartiles_of_subtypes,
    sums_of_subtypes,
)
from simtrial.evidence.audit_sums import (
    counts_in_larger_sets,
    counts_in_their_nest,
    first_visits_and_counts,
)
from simtrial.evidence.findings import Finding, Severity
from simtrial.evidence.ledger import Ledger

Rule = Callable[[Ledger], Iterator[Finding]]

RULES: Mapping[str, Rule] = {
    "printed_text": printed_text_of_counts,
    "percentage_of_count": percentages_of_counts,
    "percentage_without_count": percentages_without_count,
    "interval_method": intervals_by_their_method,
    "printed_twice": printed_twice,
    "set_aside": printed_figures_set_aside,
    "larger_set": counts_in_larger_sets,
    "nested_count": counts_in_their_nest,
    "first_visits": first_visits_and_counts,
    "subtype_sum": sums_of_subtypes,
    "subtype_column": columns_of_subtypes,
    "subtype_quartiles": quartiles_of_subtypes,
    "patient_rows": rows_behind_counts,
    "courses_total": courses_of_rows,
    "second_reading": second_readings,
}
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


def audit(ledger: Ledger) -> tuple[Finding, ...]:
    """Return what the rules find: errors first, then warnings and notes, as the ledger has them."""
    found = [finding for rule in RULES.values() for finding in rule(ledger)]
    order = {fact_id: i for i, fact_id in enumerate(ledger.facts)}
    found.sort(key=lambda one: (SEVERITIES.index(one.severity), order[one.fact]))
    return tuple(found)


def audit_document(ledger: Ledger) -> dict[str, Any]:
    """Return the findings for JSON, with how many facts and rules there were."""
    found = audit(ledger)
    return {
        "command": "evidence audit",
        "facts": len(ledger.facts),
        "rules": list(RULES),
        "counts": {s: sum(one.severity == s for one in found) for s in SEVERITIES},
        "findings": [one.document() for one in found],
    }
