"""Read the facts of one YAML document, each with the record of figures that its kind asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simtrial.core.config import FieldPath, Located, validate
from simtrial.core.errors import EvidenceError
from simtrial.evidence.records import Alternative, DocumentFile, Fact
from simtrial.evidence.values import RECORDS, Patient, PatientTable


@dataclass(frozen=True, kw_only=True)
class Part(Located):
    """A part of a YAML document that names its faults by their path in the whole document.

    Each fact, and each record inside it, is validated by itself: a union of all records would
    report a fault once for each of them, and under a path that is not in the file.
    """

    inside: FieldPath = ()

    def under(self, *path: str | int) -> Part:
        """Return the part at a path below this one."""
        data = self.data
        for key in path:
            data = data[key]
        return replace(self, data=data, inside=(*self.inside, *path))

    def filled(self, data: Mapping[str, Any]) -> Part:
        """Return this part with other contents, at the same place."""
        return replace(self, data=dict(data))

    def where(self, path: Sequence[str | int]) -> str:
        """Return ``file, line N: facts[3].field`` for a path below this part."""
        return super().where((*self.inside, *path))


def read_document(file: Located) -> tuple[DocumentFile, list[tuple[Fact, Part]]]:
    """Return a document's header, and its facts with their places.

    Raises
    ------
    EvidenceError : one line for each fault: file, line, field, value, rule, example.
    """
    head = validate(DocumentFile, file, EvidenceError)
    whole = Part(data=file.data, source=file.source, lines=file.lines)
    facts: list[tuple[Fact, Part]] = []
    faults: list[str] = []
    for index in range(len(head.facts)):
        part = whole.under("facts", index)
        try:
            facts.append((_fact(part, head), part))
        except EvidenceError as fault:
            faults.append(str(fault))
    if faults:
        raise EvidenceError("\n".join(faults))
    return head, facts


def _fact(part: Part, head: DocumentFile) -> Fact:
    shared = {name: v for name, v in head.defaults.model_dump().items() if v is not None}
    data = {"document": head.id, **shared, **_with_record(part, part.data.get("kind"))}
    if isinstance(data.get("alternatives"), list):
        data["alternatives"] = [
            _alternative(part.under("alternatives", index), data.get("kind"))
            for index in range(len(data["alternatives"]))
        ]
    return validate(Fact, part.filled(data), EvidenceError)


def _alternative(part: Part, kind_of_fact: Any) -> Alternative | Any:
    if not isinstance(part.data, dict):
        return part.data
    kind = part.data.get("kind", kind_of_fact)
    data = {"kind": kind, **_with_record(part, kind)}
    return validate(Alternative, part.filled(data), EvidenceError)


def _with_record(part: Part, kind: Any) -> dict[str, Any]:
    """Return a part's fields, its ``values`` as the record of the kind (left alone if unknown)."""
    data: dict[str, Any] = dict(part.data)
    record = RECORDS.get(kind) if isinstance(kind, str) else None  # type: ignore[call-overload]
    if record is None:
        data.pop("values", None)  # the fault is the kind; what stands below it cannot be judged
    elif isinstance(data.get("values"), dict):
        values = part.under("values")
        if record is PatientTable:
            values = values.filled(_with_rows(values))
        data["values"] = validate(record, values, EvidenceError)
    return data


def _with_rows(table: Part) -> dict[str, Any]:
    data: dict[str, Any] = dict(table.data)
    if isinstance(data.get("patients"), list):
        rows = [table.under("patients", index) for index in range(len(data["patients"]))]
        data["patients"] = [
            validate(Patient, row, EvidenceError) if isinstance(row.data, dict) else row.data
            for row in rows
        ]
    return data
