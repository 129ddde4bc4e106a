"""The ledger: every fact of the documents, read from YAML and checked against one another."""

from __future__ import annotations

import importlib.resources
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simtrial.core.config import Located, parse_yaml, read_yaml, validate
from simtrial.core.errors import EvidenceError
from simtrial.core.located import dotted_path, nearest
from simtrial.core.provenance import digest
from simtrial.evidence.reading import read_document
from simtrial.evidence.records import Cohort, Fact, Header, Role
from simtrial.evidence.rules import Rules, cohorts_of
from simtrial.evidence.values import RECORDS, Patient, PatientTable, Values

FITTED: tuple[Role, ...] = ("fit",)


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """The facts of all documents; made by :func:`load_ledger`, checked as a whole.

    Attributes
    ----------
    documents : headers by document id.
    facts : facts by id, in the order of the files.
    places : for each fact and document, the file and line of each of its fields, for messages.

    Raises
    ------
    EvidenceError : when facts contradict one another; the message has one line for each fault.
    """

    documents: Mapping[str, Header]
    facts: Mapping[str, Fact]
    places: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        rules = Rules(documents=self.documents, facts=self.facts, places=self.places)
        faults = list(rules.faults())
        if faults:
            raise EvidenceError("\n".join(faults))

    def fact(self, fact_id: str) -> Fact:
        """Return a fact, or raise EvidenceError with the nearest id."""
        return _pick(self.facts, fact_id, "Fact")

    def by_label(self, label: str) -> Fact:
        """Return the fact with a label of the catalogue, or raise EvidenceError."""
        return _pick({fact.label: fact for fact in self.facts.values()}, label, "Label")

    def find(self, name: str) -> Fact:
        """Return the fact with an id or a label, or raise EvidenceError with the nearest."""
        labels = {fact.label: fact for fact in self.facts.values()}
        return _pick({**labels, **self.facts}, name, "Fact")

    def with_role(self, *roles: Role) -> tuple[Fact, ...]:
        """Return the facts with one of these roles, in the order of the ledger."""
        return tuple(fact for fact in self.facts.values() if fact.role in roles)

    def cohort(self, cohort_id: str) -> Cohort:
        """Return a set of patients, or raise EvidenceError with the nearest id."""
        return _pick(cohorts_of(self.documents), cohort_id, "Cohort")

    def patient_fact(self, study: str) -> Fact:
        """Return the fact that holds a study's printed table of patients."""
        tables = {fact.document: fact for fact in self.facts.values() if fact.kind == "patients"}
        return _pick(tables, study, "Patient table of")

    def patients(self, study: str) -> tuple[Patient, ...]:
        """Return the patients of a study's printed table, in its order."""
        return self.patient_fact(study).values_as(PatientTable).patients

    def digest(self, roles: Collection[Role] = FITTED) -> str:
        """Return a digest of the figures that a reader of these roles depends on.

        It covers the values of the facts with these roles, of context facts that something
        reads (a likelihood may lean on a printed mix), and every patient. Notes, readings and
        places are not in it.
        """
        return digest(
            {
                fact.id: {
                    "kind": fact.kind,
                    "n": fact.n,
                    "values": fact.values.model_dump(mode="json"),
                }
                for fact in self.facts.values()
                if fact.role in roles
                or (fact.role == "context" and fact.read_by)
                or fact.kind == "patients"
            }
        )

    def without_document(self, document_id: str) -> Ledger:
        """Return the ledger without one document and its facts.

        A fact of another document that was nested in one of these stands on its own.
        """
        _pick(self.documents, document_id, "Document")
        kept = {i: fact for i, fact in self.facts.items() if fact.document != document_id}
        facts = {
            i: fact if fact.nested_in in kept else fact.model_copy(update={"nested_in": None})
            for i, fact in kept.items()
        }
        documents = {i: head for i, head in self.documents.items() if i != document_id}
        return Ledger(documents=documents, facts=facts, places=self.places)


def load_ledger(paths: Sequence[Path] | None = None) -> Ledger:
    """Return the ledger of the shipped documents, or of the given files.

    Parameters
    ----------
    paths : YAML files, or directories whose ``*.yaml`` are read in order of name; None for the
        documents that come with the package.

    Raises
    ------
    EvidenceError : when a file or a fact breaks a rule; file, line, field, value, rule, example.
    """
    documents: dict[str, Header] = {}
    facts: dict[str, Fact] = {}
    places: dict[str, dict[str, str]] = {}
    faults: list[str] = []
    for file in _shipped() if paths is None else _given(paths):
        try:
            head, read = read_document(file)
        except EvidenceError as fault:
            faults.append(str(fault))
            continue
        if head.id in documents:
            faults.append(
                f"{file.where(('id',))} is {head.id}; another file has this id; a document has one "
                f"file; for example id: {head.id}_2."
            )
        documents[head.id] = Header(**{name: getattr(head, name) for name in Header.model_fields})
        places[head.id] = {
            dotted_path(path): file.where(path)
            for cohort_id in head.cohorts
            for path in (
                ("cohorts", cohort_id),
                ("cohorts", cohort_id, "n"),
                ("cohorts", cohort_id, "within"),
            )
        }
        for fact, part in read:
            if fact.id in facts:
                first = places[fact.id]["id"].partition(": ")[0]
                faults.append(
                    f"{part.where(('id',))} is {fact.id}; an id names one fact, and {first} has "
                    f"it; for example id: {fact.id}_2."
                )
            facts[fact.id] = fact
            places[fact.id] = {name: part.where((name,)) for name in Fact.model_fields}
    if faults:
        raise EvidenceError("\n".join(faults))
    return Ledger(documents=documents, facts=facts, places=places)


def replace_values(
    ledger: Ledger,
    fact_id: str,
    values: Values | Mapping[str, Any],
    *,
    cohort: str | None = None,
) -> Ledger:
    """Return a ledger in which one fact has other values of its kind, checked again.

    Parameters
    ----------
    values : a record, or its fields; where it counts patients, its ``n`` becomes the fact's.
    cohort : the set of patients, where it is not the fact's any more.

    Raises
    ------
    EvidenceError : when the values break a rule.
    """
    fact = ledger.fact(fact_id)
    source = f"replaced values of {fact_id}"
    if not isinstance(values, Values):
        located = Located(data=dict(values), source=source)
        values = validate(RECORDS[fact.kind], located, EvidenceError)
    fields: dict[str, Any] = {name: getattr(fact, name) for name in Fact.model_fields}
    fields |= {"values": values, "cohort": cohort or fact.cohort}
    if fact.unit == "patients":
        fields["n"] = getattr(values, "n", fact.n)
    changed = validate(Fact, Located(data=fields, source=source), EvidenceError)
    # what is replaced no longer stands in the file, so messages name it by its id
    places = {i: place for i, place in ledger.places.items() if i != fact_id}
    facts = {**ledger.facts, fact_id: changed}
    return Ledger(documents=ledger.documents, facts=facts, places=places)


def replace_patients(
    ledger: Ledger, study: str, patients: Sequence[Patient | Mapping[str, Any]]
) -> Ledger:
    """Return a ledger in which a study's table has these patients, checked again."""
    fact_id = ledger.patient_fact(study).id
    return replace_values(ledger, fact_id, {"patients": list(patients)})


def _shipped() -> Iterator[Located]:
    folder = importlib.resources.files("simtrial.evidence") / "documents"
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".yaml"):
            yield parse_yaml(entry.read_text(encoding="utf-8"), entry.name, EvidenceError)


def _given(paths: Sequence[Path]) -> Iterator[Located]:
    for path in paths:
        files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
        if not files:
            raise EvidenceError(f"{path}: no *.yaml in this directory; give a document to read.")
        for file in files:
            yield read_yaml(file, EvidenceError)


def _pick[T](known: Mapping[str, T], name: str, what: str) -> T:
    if name in known:
        return known[name]
    near = nearest(name, known)
    hint = f"the nearest is '{near}'" if near else "there is none"
    raise EvidenceError(f"{what} '{name}' is not in the ledger; {hint}.")
