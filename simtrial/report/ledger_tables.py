"""The ledger as tables: facts, and their numbers in long form with every other reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from simtrial.evidence.audit import audit
from simtrial.evidence.catalogue import shares_of
from simtrial.evidence.coverage import rows_named
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.values import PatientTable, Values
from simtrial.evidence.wording import in_words, status, subtypes_of, when
from simtrial.report.ledger_columns import TABLES, columns_of

Row = dict[str, Any]

# columns of the facts that are fields of a fact
_SAME = (
    *("id", "label", "document", "printed", "kind", "unit", "quantity", "cohort", "n", "line"),
    *("arm", "regimen", "endpoint", "p_value", "restored", "role", "reason", "nested_in", "note"),
)
# numbers that are not in the unit of their figure; of the others, texts and flags have none
_UNITS = {
    "level_percent": "percent",
    "percent": "percent",
    "decimals": "digits",
    "age_years": "years",
    "duration_years": "years",
    "courses": "courses",
    "courses_printed": "courses",
    "myometer_change_percent": "percent",
    "case": "",
    "ck_before": "not printed",
    "ck_after": "not printed",
}


def tables_of(ledger: Ledger) -> dict[str, list[Row]]:
    """Return the rows of every table, in the order of the ledger.

    Absent values are None, and a text is one line, its white space folded.
    """
    makers: Mapping[str, Callable[[Ledger], Iterable[Row]]] = {
        "facts": _facts,
        "figures": _figures,
        "shares": _shares,
        "alternatives": _alternatives,
        "patients": _patients,
        "cohorts": _cohorts,
        "documents": _documents,
        "findings": _findings,
    }
    return {name: [_plain(row) for row in makers[name](ledger)] for name in TABLES}


def arrow_table(name: str, rows: list[Row]) -> Any:
    """Return a table whose columns are those of the dictionary, in its order and types."""
    import pyarrow as pa

    types = {"whole": pa.int64(), "real": pa.float64(), "flag": pa.int8(), "text": pa.string()}
    wanted = columns_of(name)
    for row in rows:
        undescribed = {column.name for column in wanted} ^ set(row)
        if undescribed:
            raise KeyError(f"table {name} and its dictionary differ in {sorted(undescribed)}")
    return pa.table(
        {c.name: pa.array([row[c.name] for row in rows], types[c.kind]) for c in wanted}
    )


def numbers_of(values: Values) -> Iterator[tuple[str, bool | int | float | str]]:
    """Yield the name and value of every field of a record that is not empty.

    Cells are named with a full stop, items of a list with their place: ``cells.DM``,
    ``patients[0].courses_printed[1]``.
    """
    yield from _leaves("", values.model_dump())


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, below in value.items():
            yield from _leaves(f"{path}.{name}" if path else str(name), below)
    elif isinstance(value, list | tuple):
        for index, below in enumerate(value):
            yield from _leaves(f"{path}[{index}]", below)
    elif value is not None:
        yield path, value


def _facts(ledger: Ledger) -> Iterator[Row]:
    for fact in ledger.facts.values():
        cohort = ledger.cohort(fact.cohort)
        first, last = fact.locator.lines
        yield {name: getattr(fact, name) for name in _SAME} | {
            "rows": _several(rows_named(fact.label)),
            "section": fact.locator.section,
            "table": fact.locator.table,
            "first_line": first,
            "last_line": last,
            "digits": fact.locator.digits,
            "cohort_n": cohort.n,
            "subtypes": _several(subtypes_of(fact)),
            "timing": fact.timing.how,
            "week": fact.timing.week,
            "months": fact.timing.months,
            "from_months": fact.timing.from_months,
            "when": when(fact.timing),
            "value": in_words(fact.values, fact.unit),
            "derived": " | ".join(f"{name} = {given}" for name, given in fact.derived.items()),
            "read_by": _several(fact.read_by),
            "status": status(fact),
            "first_reading": fact.readings.first,
            "second_reading": fact.readings.second,
            "resolved": fact.readings.resolved,
            "second_hand": cohort.study is not None,
            "study": cohort.study,
            "cited_as": cohort.cited_as,
        }


def _figures(ledger: Ledger) -> Iterator[Row]:
    for fact in ledger.facts.values():
        for reading, number, kind, unit, values in _readings(fact):
            # what is derived is a number of what is entered as printed
            derived = fact.derived if values is fact.as_printed else {}
            for name, value in numbers_of(values):
                kept = isinstance(value, str)
                yield {
                    "fact": fact.id,
                    "reading": reading,
                    "alternative": number,
                    "kind": kind,
                    "name": name,
                    "type": _type(value),
                    "value": None if kept else float(value),
                    "text": value if kept else None,
                    "unit": _unit(name, value, unit),
                    "derived": derived.get(name),
                }


def _readings(fact: Fact) -> Iterator[tuple[str, int | None, str, str, Values]]:
    """Yield the readings of a fact: name, number of the alternative, kind, unit, values."""
    yield "used", None, fact.kind, fact.unit, fact.values
    for number, other in enumerate(fact.alternatives, start=1):
        # the first is what Fact.as_printed returns
        name = "as_printed" if other.values is fact.as_printed else f"alternative {number}"
        yield name, number, other.kind, other.unit or fact.unit, other.values


def _shares(ledger: Ledger) -> Iterator[Row]:
    for fact in ledger.facts.values():
        for share in shares_of(fact):
            low, high = share.pop("interval95")
            yield share | {
                "fact": fact.id,
                "unit": fact.unit,
                "low95": low,
                "high95": high,
                "role": fact.role,
            }


def _alternatives(ledger: Ledger) -> Iterator[Row]:
    for fact in ledger.facts.values():
        named = [one for one in _readings(fact) if one[1] is not None]
        for other, (reading, number, kind, unit, values) in zip(
            fact.alternatives, named, strict=True
        ):
            yield {
                "fact": fact.id,
                "alternative": number,
                "reading": reading,
                "kind": kind,
                "unit": unit,
                "cohort": other.cohort,
                "set_aside": other.set_aside,
                "value": in_words(values, unit),
                "reason": other.reason,
            }


def _patients(ledger: Ledger) -> Iterator[Row]:
    for fact in ledger.facts.values():
        if not isinstance(fact.values, PatientTable):
            continue
        for patient in fact.values.patients:
            yield patient.model_dump() | {
                "fact": fact.id,
                "document": fact.document,
                "therapy": _several(patient.therapy),
                "courses_printed": " + ".join(map(str, patient.courses_printed)),
                "improved": patient.improved,
            }


def _cohorts(ledger: Ledger) -> Iterator[Row]:
    about = Counter(fact.cohort for fact in ledger.facts.values())
    for head in ledger.documents.values():
        for cohort_id, cohort in head.cohorts.items():
            yield cohort.model_dump() | {
                "id": cohort_id,
                "document": head.id,
                "facts": about[cohort_id],
            }


def _documents(ledger: Ledger) -> Iterator[Row]:
    told = Counter(fact.document for fact in ledger.facts.values())
    for head in ledger.documents.values():
        yield head.citation.model_dump() | {
            "id": head.id,
            "number": head.number,
            "design": head.design,
            "text_file": head.text.file if head.text else None,
            "text_sha256": head.text.sha256 if head.text else None,
            "facts": told[head.id],
        }


def _findings(ledger: Ledger) -> Iterator[Row]:
    for found in audit(ledger):
        yield found.document() | {"related": _several(found.related)}


def _several(texts: Iterable[str]) -> str | None:
    return "; ".join(texts) or None


def _type(value: bool | int | float | str) -> str:
    if isinstance(value, bool):
        return "flag"
    return {int: "whole", float: "real"}.get(type(value), "text")


def _unit(name: str, value: object, unit: str) -> str | None:
    if isinstance(value, bool | str):
        return None
    if name.startswith(("cells.", "first_by_week.")):  # whose names are the document's
        return unit
    last = name.rpartition(".")[2].partition("[")[0]
    return _UNITS.get(last, unit) or None


def _plain(row: Row) -> Row:
    """Return a row for a file: texts of one line, nothing for an empty one, flags as 0 and 1."""
    out: Row = {}
    for name, value in row.items():
        if isinstance(value, str):
            out[name] = " ".join(value.split()) or None
        else:
            out[name] = int(value) if isinstance(value, bool) else value
    return out
