"""The audit of a ledger: everything that its figures allow to compute again, by general rules.

A rule knows kinds of figures and how facts are related, never single facts, so that it says the
same of a user's own ledger as of the shipped one. Rules stand in one table; a new rule is a
function of the ledger and one line in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from simtrial.evidence.audit_rules.intervals import (
    intervals_off_centre,
    intervals_that_hold_zero,
    p_values_and_intervals,
    sds_of_intervals,
)
from simtrial.evidence.audit_rules.means import (
    changes_that_add_up,
    falls_of_means,
    medians_of_changes,
    rows_behind_numbers,
)
from simtrial.evidence.audit_rules.percentages import (
    percentages_of_counts,
    percentages_of_parts,
    percentages_restated,
    percentages_without_count,
)
from simtrial.evidence.audit_rules.printed import (
    digits_of_values,
    intervals_by_their_method,
    printed_figures_set_aside,
    printed_text_of_counts,
    printed_twice,
    second_readings,
)
from simtrial.evidence.audit_rules.restored import lost_signs, restored_intervals
from simtrial.evidence.audit_rules.rows import courses_of_rows, rows_behind_counts
from simtrial.evidence.audit_rules.studies import same_patients
from simtrial.evidence.audit_rules.subtypes import (
    columns_of_subtypes,
    quartiles_of_subtypes,
    sums_of_subtypes,
)
from simtrial.evidence.audit_rules.sums import (
    counts_in_larger_sets,
    counts_in_their_nest,
    first_visits_and_counts,
    tallies_over_their_patients,
)
from simtrial.evidence.findings import Finding, Severity
from simtrial.evidence.ledger import Ledger

Rule = Callable[[Ledger], Iterator[Finding]]

RULES: Mapping[str, Rule] = {
    "digits": digits_of_values,
    "printed_text": printed_text_of_counts,
    "percentage_of_count": percentages_of_counts,
    "percentage_without_count": percentages_without_count,
    "percentage_restated": percentages_restated,
    "percentage_sum": percentages_of_parts,
    "interval_method": intervals_by_their_method,
    "printed_twice": printed_twice,
    "interval_centre": intervals_off_centre,
    "sd_of_interval": sds_of_intervals,
    "holds_zero": intervals_that_hold_zero,
    "p_value": p_values_and_intervals,
    "fall_of_means": falls_of_means,
    "change_of_means": changes_that_add_up,
    "median_of_changes": medians_of_changes,
    "restored": restored_intervals,
    "lost_sign": lost_signs,
    "set_aside": printed_figures_set_aside,
    "larger_set": counts_in_larger_sets,
    "nested_count": counts_in_their_nest,
    "tally_sum": tallies_over_their_patients,
    "same_patients": same_patients,
    "first_visits": first_visits_and_counts,
    "subtype_sum": sums_of_subtypes,
    "subtype_column": columns_of_subtypes,
    "subtype_quartiles": quartiles_of_subtypes,
    "patient_rows": rows_behind_counts,
    "rows_and_number": rows_behind_numbers,
    "courses_total": courses_of_rows,
    "second_reading": second_readings,
}
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


def audit(ledger: Ledger) -> tuple[Finding, ...]:
    """Return what the rules find: errors first, then warnings and notes, as the ledger has them.

    Within each severity those that concern a user's own documents come first.
    """
    found = [finding for rule in RULES.values() for finding in rule(ledger)]
    order = {fact_id: i for i, fact_id in enumerate(ledger.facts)}
    own = ledger.own_documents
    found.sort(
        key=lambda one: (
            SEVERITIES.index(one.severity),
            not concerns(ledger, one, own),
            order[one.fact],
        )
    )
    return tuple(found)


def concerns(ledger: Ledger, found: Finding, documents: Collection[str]) -> bool:
    """Return whether a finding is about a fact of some documents, or its proof rests on one."""
    return any(ledger.fact(i).document in documents for i in (found.fact, *found.related))


def audit_document(ledger: Ledger, document: str | None = None) -> dict[str, Any]:
    """Return the findings for JSON, with how many facts and rules there were.

    Parameters
    ----------
    document : id of the only document that findings are to concern. Every rule is asked of the
        whole ledger all the same, since a figure is compared with those of other documents.
    """
    found = audit(ledger)
    facts = len(ledger.facts)
    if document is not None:
        found = tuple(one for one in found if concerns(ledger, one, (document,)))
        facts = sum(fact.document == document for fact in ledger.facts.values())
    own = [one for one in found if concerns(ledger, one, ledger.own_documents)]
    return {
        "command": "evidence audit",
        "document": document,
        "facts": facts,
        "rules": list(RULES),
        "counts": _by_severity(found),
        "own": {"documents": list(ledger.own_documents), "counts": _by_severity(own)},
        "findings": [one.document() for one in found],
    }


def _by_severity(found: Iterable[Finding]) -> dict[str, int]:
    severities = [one.severity for one in found]
    return {severity: severities.count(severity) for severity in SEVERITIES}
