"""Read the facts of one YAML document, each with the record of figures that its kind asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simtrial.core.config import FieldPath, Located, validate
from simtrial.core.errors import EvidenceError
from simtrial.core.located import shown
from simtrial.evidence.examples import FactWritten, example, shared_prefix
from simtrial.evidence.records import Alternative, Fact
from simtrial.evidence.sources import FACT_ID, Defaults, DocumentFile
from simtrial.evidence.values import RECORDS, Patient, PatientTable


@dataclass(frozen=True, kw_only=True)
class Part(Located):
    """A part of a YAML document that names its faults by their path in the whole document.

    Each fact, and each record inside it, is validated by itself: a union of all records would
    report a fault once for each of them, and under a path that is not in the file.

    Attributes
    ----------
    root : the whole document as written, which examples are taken from.
    inside : the path of the part.
    shared : fields that the fact leaves to ``defaults``, where a fault of them is told.
    """

    root: Any = None
    inside: FieldPath = ()
    shared: frozenset[str] = frozenset()

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
        if len(path) == 1 and path[0] in self.shared:
            return self.where_shared(str(path[0]))
        return super().where((*self.inside, *path))

    def where_shared(self, name: str) -> str:
        """Return ``file, line N: defaults.field``."""
        return super().where(("defaults", name))

    def example(self, path: Sequence[str | int]) -> str | None:
        """Return ``key: value`` as the document would have it right at a path below this part."""
        return example(self.root, self.source, (*self.inside, *path))


def read_document(file: Located) -> tuple[DocumentFile, list[tuple[Fact, Part]]]:
    """Return a document's header, and its facts with their places.

    Raises
    ------
    EvidenceError : one line for each fault: file, line, field, value, rule, example.
    """
    whole = Part(data=file.data, source=file.source, lines=file.lines, root=file.data)
    head = validate(DocumentFile, whole, EvidenceError)
    facts: list[tuple[Fact, Part]] = []
    faults = list(_another_id(whole, head))
    prefix = shared_prefix(file.data) if faults else None
    for index, fact in enumerate(head.facts):
        part = whole.under("facts", index)
        missing = frozenset(
            name for name in ("cohort", "n") if _left_to_all(name, fact, whole, head)
        )
        try:
            facts.append((_fact(replace(part, shared=missing), head, prefix or head.id), part))
        except EvidenceError as fault:
            faults += str(fault).split("\n")
    if faults:
        raise EvidenceError("\n".join(dict.fromkeys(faults)))
    return head, facts


def places_of(fact: Fact, part: Part) -> dict[str, str]:
    """Return the place of each field of a fact; those left to all, as ``defaults.field`` too."""
    places = {name: part.where((name,)) for name in Fact.model_fields}
    given = part.root.get("defaults") or {}
    for name in Defaults.model_fields:
        alone = sum(name not in other for other in part.root["facts"]) == 1 and name not in given
        if name not in part.data and not alone:
            places[f"defaults.{name}"] = part.where_shared(name)
    return places


def _another_id(whole: Part, head: DocumentFile) -> Iterator[str]:
    """Yield one fault where all facts are of one other document than their file's."""
    prefix = shared_prefix(whole.data)
    if len(head.facts) > 1 and prefix is not None and prefix != head.id:
        yield (
            f"{whole.where(('id',))} is '{head.id}'; the ids of all {len(head.facts)} facts begin "
            f"with '{prefix}.', and an id begins with its document; for example id: {prefix}."
        )


def _left_to_all(name: str, fact: Mapping[str, Any], whole: Part, head: DocumentFile) -> bool:
    """Return whether a missing field is one fault of ``defaults``, not one of each fact."""
    if name in fact or getattr(head.defaults, name) is not None:
        return False
    lacking = [other for other in head.facts if name not in other]
    would = {whole.under("facts", head.facts.index(other)).example((name,)) for other in lacking}
    return len(lacking) > 1 and len(would) == 1


def _fact(part: Part, head: DocumentFile, document: str) -> Fact:
    shared = {name: v for name, v in head.defaults.model_dump().items() if v is not None}
    own = {"document": document, **shared, **part.data}
    faults = []
    if own["document"] != document:
        rule = "a fact is of the document whose file it stands in; leave document out"
        faults.append(_fault(part, "document", own["document"], rule, f"document: {document}"))
        own["document"] = document
    if re.match(FACT_ID, str(own.get("id"))) and not own["id"].startswith(f"{document}."):
        written = FactWritten(part.root, part.data, document).right_id()
        rule = f"an id begins with its document, which is {document}"
        faults.append(_fault(part, "id", own["id"], rule, f"id: {written}"))
        own["id"] = written
    faults += _other_n(part, own, head)
    try:
        own = _with_record(part.filled(own), own.get("kind"))
        if isinstance(own.get("alternatives"), list):
            own["alternatives"] = [
                _alternative(part.under("alternatives", index), own.get("kind"))
                for index in range(len(own["alternatives"]))
            ]
        made = validate(Fact, part.filled(own), EvidenceError)
    except EvidenceError as fault:
        faults += str(fault).split("\n")
    if faults:
        raise EvidenceError("\n".join(faults))
    return made


def _other_n(part: Part, own: dict[str, Any], head: DocumentFile) -> list[str]:
    """Return the fault where the values count other patients than the fact, and put it right.

    Of the two numbers the one that the set of patients does not hold is wrong; where it holds
    both, the fact's is, which may be its document's for all facts.
    """
    given = own.get("values")
    if not isinstance(given, Mapping):
        return []
    counts = given.get("n")
    n, kind = own.get("n"), own.get("kind")
    record = RECORDS.get(kind) if isinstance(kind, str) else None  # type: ignore[call-overload]
    if own.get("unit") != "patients" or record is None or "n" not in record.model_fields:
        return []
    if not (type(counts) is int and type(n) is int) or counts == n or min(counts, n) < 1:
        return []
    cohort = head.cohorts.get(str(own.get("cohort")))
    if cohort is not None and counts > cohort.n >= n:
        own["values"] = {**given, "n": n}
        place = part.where(("values", "n"))
        return [f"{place} is {counts}; the fact is about n {n} patients; for example n: {n}."]
    own["n"] = counts
    if "n" not in part.data and _all_count(counts, head):
        rule = f"the values of all facts that leave n to it count {counts} patients"
        return [f"{part.where_shared('n')} is {n}; {rule}; for example n: {counts}."]
    whose = "" if "n" in part.data else ", which it has from defaults"
    rule = f"{n}{whose}; its values count {counts} patients; for example n: {counts}."
    return [f"{part.where(('n',))} is {rule}"]


def _all_count(counts: int, head: DocumentFile) -> bool:
    """Return whether all facts that leave ``n`` to the defaults count that many patients."""
    left = [fact for fact in head.facts if "n" not in fact and fact.get("unit") == "patients"]
    told = [fact["values"].get("n") for fact in left if isinstance(fact.get("values"), Mapping)]
    return len(told) > 1 and {n for n in told if n is not None} == {counts}


def _fault(part: Part, name: str, value: object, rule: str, example_: str) -> str:
    return f"{part.where((name,))} is {shown(value)}; {rule}; for example {example_}."


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
