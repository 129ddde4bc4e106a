"""Coverage: which rows of the catalogue of figures a ledger represents, and which are missing.

The catalogue, ``rows.yaml``, lists what was looked for in the documents. A row is represented by
the facts of its document whose labels name it, or accounted for with a reason, or missing.
"""

from __future__ import annotations

import importlib.resources
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from simtrial.core.config import Spec, parse_yaml, validate
from simtrial.core.errors import EvidenceError
from simtrial.core.faults import FieldFault
from simtrial.core.located import nearest
from simtrial.evidence.audit import RULES, audit
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.sources import DOCUMENT_ID, PART
from simtrial.evidence.wording import status

DocumentId = Annotated[str, Field(pattern=DOCUMENT_ID)]
RowId = Annotated[str, Field(pattern=r"^[A-Z](-table|[1-9]\d*)$")]
TrapId = Annotated[str, Field(pattern=r"^T[1-9]\d*$")]
Shower = Annotated[str, Field(pattern=rf"^({PART}@)?{PART}\.{PART}\.{PART}$")]
Reason = Annotated[str, Field(min_length=1)]
State = Literal["represented", "shown", "accounted", "missing"]


class Row(Spec):
    """A row of the catalogue: what it is, and why it has no fact where that is so."""

    what: str = Field(min_length=1, examples=["duration of disease"])
    accounted: Reason | None = Field(default=None, examples=["no number in the text"])


class Trap(Spec):
    """A place that misleads a reader.

    Attributes
    ----------
    shown_by : ids of facts, or ``rule@fact`` for a finding of the audit; it takes all of them.
    accounted : why nothing of the ledger could show it.
    """

    documents: Annotated[tuple[DocumentId, ...], Field(strict=False, min_length=1)] = Field(
        examples=["[lim21]"]
    )
    what: str = Field(min_length=1, examples=["minus signs lost"])
    shown_by: Annotated[tuple[Shower, ...], Field(strict=False)] = Field(
        default=(), examples=["[interval_method@lim21.tis40_by_w9.ivig]"]
    )
    accounted: Reason | None = Field(default=None, examples=["a wording, of no figure"])


class Rows(Spec):
    """The catalogue: rows by document, and traps."""

    rows: dict[DocumentId, dict[RowId, Row]] = Field(
        examples=["{lim21: {L15: {what: duration of disease}}}"]
    )
    traps: dict[TrapId, Trap] = Field(
        default={}, examples=["{T7: {documents: [lim21], what: minus signs lost}}"]
    )

    @field_validator("rows")
    @classmethod
    def _each_row_once(
        cls, rows: dict[str, dict[str, Row]], info: ValidationInfo
    ) -> dict[str, dict[str, Row]]:
        holder: dict[str, str] = {}
        for document, inside in rows.items():
            for row in inside:
                if row in holder:
                    rule = f"{holder[row]} has this row already; a row is of one document"
                    raise FieldFault(
                        (document, row), rule, example=f"{row}2: {{what: another row}}"
                    )
                holder[row] = document
        return rows


@dataclass(frozen=True, kw_only=True)
class RowState:
    """A row, and the facts that represent it."""

    id: str
    document: str
    what: str
    facts: tuple[str, ...]
    accounted: str | None

    @property
    def state(self) -> State:
        """Whether facts represent the row, a reason accounts for it, or it is missing."""
        if self.facts:
            return "represented"
        return "missing" if self.accounted is None else "accounted"


@dataclass(frozen=True, kw_only=True)
class TrapState:
    """A trap, and which of what shows it is not there (``unseen``)."""

    id: str
    documents: tuple[str, ...]
    what: str
    shown_by: tuple[str, ...]
    unseen: tuple[str, ...]
    accounted: str | None

    @property
    def state(self) -> State:
        """Whether all that shows the trap is there, a reason accounts for it, or it is missing."""
        if self.shown_by and not self.unseen:
            return "shown"
        return "missing" if self.accounted is None else "accounted"


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Every row and every trap with its state.

    Attributes
    ----------
    unplaced : facts whose label names no row of their document's; none of a user's own document
        that the catalogue does not know, since it cannot have rows of it.
    """

    rows: tuple[RowState, ...]
    traps: tuple[TrapState, ...]
    unplaced: tuple[str, ...]


def load_rows() -> Rows:
    """Return the catalogue that comes with the package.

    Raises
    ------
    EvidenceError : when it breaks a rule; file, line, field, value, rule, example.
    """
    file = importlib.resources.files("simtrial.evidence") / "rows.yaml"
    return read_rows(file.read_text(encoding="utf-8"), "rows.yaml")


def read_rows(text: str, source: str) -> Rows:
    """Return a catalogue from its YAML text; ``source`` names the file in messages.

    Raises
    ------
    EvidenceError : when it breaks a rule; file, line, field, value, rule, example.
    """
    return validate(Rows, parse_yaml(text, source, EvidenceError), EvidenceError)


def rows_named(label: str) -> tuple[str, ...]:
    """Return the rows that a label names: ``L22+L24`` and ``L22+L24.early`` name two."""
    return tuple(label.partition(".")[0].split("+"))


def cover(ledger: Ledger, rows: Rows) -> Coverage:
    """Return which rows of the catalogue the facts of a ledger represent.

    Raises
    ------
    EvidenceError : when a trap is shown by a rule that does not exist, or by a fact that a
        document of the ledger does not have; one line for each.
    """
    faults = list(_unknown_showers(ledger, rows))
    if faults:
        raise EvidenceError("\n".join(faults))
    facts: dict[tuple[str, str], list[str]] = {}
    for fact in ledger.facts.values():
        for row in rows_named(fact.label):
            facts.setdefault((fact.document, row), []).append(fact.id)
    known = {(document, row) for document, inside in rows.rows.items() for row in inside}
    seen = {f"{one.rule}@{one.fact}" for one in audit(ledger)} | set(ledger.facts)
    beyond = set(ledger.own_documents) - set(rows.rows)
    unplaced = {
        fact
        for key, ids in facts.items()
        if key not in known and key[0] not in beyond
        for fact in ids
    }
    return Coverage(
        rows=tuple(
            RowState(
                id=row_id,
                document=document,
                what=row.what,
                facts=tuple(facts.get((document, row_id), ())),
                accounted=row.accounted,
            )
            for document, inside in rows.rows.items()
            for row_id, row in inside.items()
        ),
        traps=tuple(
            TrapState(
                id=trap_id,
                documents=trap.documents,
                what=trap.what,
                shown_by=trap.shown_by,
                unseen=tuple(one for one in trap.shown_by if one not in seen),
                accounted=trap.accounted,
            )
            for trap_id, trap in rows.traps.items()
        ),
        unplaced=tuple(fact_id for fact_id in ledger.facts if fact_id in unplaced),
    )


def coverage_document(ledger: Ledger, rows: Rows | None = None) -> dict[str, Any]:
    """Return the coverage for JSON, with what the facts are: roles, readings, sources.

    A row is covered when it is represented or accounted for; ``percent`` is of the rows.
    """
    rows = rows if rows is not None else load_rows()
    found = cover(ledger, rows)
    documents = dict.fromkeys([*(row.document for row in found.rows), *ledger.documents])
    return {
        "command": "evidence audit",
        **_rows_counted(found.rows),
        "missing_rows": [row.id for row in found.rows if row.state == "missing"],
        "by_document": [
            {
                "document": name,
                **_rows_counted([row for row in found.rows if row.document == name]),
                "facts": sum(fact.document == name for fact in ledger.facts.values()),
            }
            for name in documents
        ],
        "catalogue": [
            {
                "row": row.id,
                "document": row.document,
                "what": row.what,
                "state": row.state,
                "facts": list(row.facts),
                "accounted": row.accounted,
            }
            for row in found.rows
        ],
        "traps": {
            **_counted(found.traps, "traps", "shown"),
            "catalogue": [
                {
                    "trap": trap.id,
                    "documents": list(trap.documents),
                    "what": trap.what,
                    "state": trap.state,
                    "shown_by": list(trap.shown_by),
                    "unseen": list(trap.unseen),
                    "accounted": trap.accounted,
                }
                for trap in found.traps
            ],
        },
        "beyond": [name for name in ledger.own_documents if name not in rows.rows],
        "facts": _facts_counted(ledger) | {"unplaced": list(found.unplaced)},
    }


def _facts_counted(ledger: Ledger) -> dict[str, Any]:
    facts = ledger.facts.values()
    studies = {fact.id: ledger.cohort(fact.cohort).study for fact in facts}
    cited = Counter(study for study in studies.values() if study is not None)
    return {
        "total": len(facts),
        "by_role": dict(sorted(Counter(fact.role for fact in facts).items())),
        "by_status": dict(sorted(Counter(status(fact) for fact in facts).items())),
        # how much is known of whom and when, however often it is told or split by subtype
        "distinct": len({(fact.cohort, fact.quantity, fact.timing) for fact in facts}),
        "second_hand": {"total": cited.total(), "by_study": dict(sorted(cited.items()))},
    }


def _rows_counted(rows: Sequence[RowState]) -> dict[str, Any]:
    return _counted(rows, "rows", "represented")


def _counted(
    states: Sequence[RowState] | Sequence[TrapState], what: str, there: State
) -> dict[str, Any]:
    """Return how many there are, and of them in each state and in the two that cover them."""
    counts = Counter(one.state for one in states)
    covered = counts[there] + counts["accounted"]
    return {
        what: len(states),
        there: counts[there],
        "accounted": counts["accounted"],
        "missing": counts["missing"],
        "covered": covered,
        "percent": 100.0 * covered / len(states) if states else None,
    }


def _unknown_showers(ledger: Ledger, rows: Rows) -> Iterator[str]:
    """Yield one line for each rule, and each fact of a document of the ledger, that is not there.

    A document that a ledger leaves out is no fault of the catalogue: its traps are missing.
    """
    for trap_id, trap in rows.traps.items():
        for index, shower in enumerate(trap.shown_by):
            place = rows.where("traps", trap_id, "shown_by", index)
            rule, _, fact = shower.rpartition("@")
            if rule and rule not in RULES:
                yield f"{place} is {shower}; no rule of the audit is '{rule}'{_near(rule, RULES)}."
            if fact.partition(".")[0] in ledger.documents and fact not in ledger.facts:
                yield f"{place} is {shower}; no fact has this id{_near(fact, ledger.facts)}."


def _near(name: str, known: Mapping[str, object]) -> str:
    near = nearest(name, known)
    return f"; the nearest is '{near}'" if near else ""
