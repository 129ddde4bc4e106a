"""Rules about the rows of a printed patient table, and the totals told of them elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from simtrial.evidence.findings import Finding, Severity, finding
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.values import Mix, Patient, PatientTable
from simtrial.evidence.wording import counted, in_words, subtypes_of


def rows_behind_counts(ledger: Ledger) -> Iterator[Finding]:
    """Find counts and mixes that the rows of their patient table do not give."""
    for fact in ledger.facts.values():
        outer = ledger.facts.get(fact.nested_in or "")
        if outer is None or not isinstance(outer.values, PatientTable):
            continue
        rows = outer.values.patients
        if isinstance(fact.values, Mix):
            given = Counter(row.subtype for row in rows)
            used = {name: n for name, n in fact.values.cells.items() if n}
            if used != dict(given):
                said = ", ".join(f"{name} {n}" for name, n in given.items())
                proof = f"the rows of {outer.label} are {said}"
                yield finding("patient_rows", fact, "error", proof, related=(outer.id,))
        elif counted(fact.values) is not None and fact.quantity == outer.quantity:
            yield from _rows_and_count(fact, outer, rows)


def courses_of_rows(ledger: Ledger) -> Iterator[Finding]:
    """Find totals of courses that a patient table does not sum to; say where series ran together.

    A row printed as two series, such as ``1 + 3``, is a reading; a total that is printed
    elsewhere decides it.
    """
    for table in ledger.facts.values():
        if not isinstance(table.values, PatientTable):
            continue
        rows = table.values.patients
        courses = sum(row.courses for row in rows)
        totals = [
            fact
            for fact in ledger.facts.values()
            if fact.unit == "courses" and fact.cohort == table.cohort and counted(fact.values)
        ]
        for fact in totals:
            n = (counted(fact.values) or (0, 0))[1]
            if n != courses:
                proof = f"the rows of {table.label} sum to {courses} courses, and {n} are printed"
                yield finding("courses_total", fact, "error", proof, related=(table.id,))
        series = [row for row in rows if len(row.courses_printed) > 1]
        if not series:
            continue
        said = ", ".join(
            f"case {row.case} is {' + '.join(map(str, row.courses_printed))} = {row.courses}"
            for row in series
        )
        proof = f"{said}; with that the rows sum to {courses} courses"
        if totals:
            printed = ", ".join(f"{(counted(f.values) or (0, 0))[1]} ({f.label})" for f in totals)
            proof += f", and printed are {printed}"
        related = tuple(fact.id for fact in totals)
        yield finding("courses_total", table, "note", proof, related=related)


def _rows_and_count(fact: Fact, outer: Fact, rows: tuple[Patient, ...]) -> Iterator[Finding]:
    names = subtypes_of(fact)
    of_these = [row for row in rows if not names or row.subtype in names]
    improved = [row.case for row in of_these if row.improved]
    given = (len(improved), len(of_these))
    if given == counted(fact.as_printed) == counted(fact.values):
        return
    who = ", ".join(map(str, improved)) or "none"
    proof = (
        f"printed {in_words(fact.as_printed)}; the rows of {outer.label} give {given[0]} of "
        f"{given[1]} (cases {who})"
    )
    severity: Severity = "warning" if given == counted(fact.values) else "error"
    yield finding("patient_rows", fact, severity, proof, related=(outer.id,))
