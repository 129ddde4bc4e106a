"""The ledger: every fact of the documents, read from YAML and checked against one another."""

from __future__ import annotations

import hashlib
import importlib.resources
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from simtrial.core.config import Located, parse_yaml, read_yaml, validate
from simtrial.core.errors import ArgumentError, EvidenceError
from simtrial.core.located import dotted_path, nearest
from simtrial.core.provenance import digest
from simtrial.evidence.examples import shared_prefix
from simtrial.evidence.reading import places_of, read_document
from simtrial.evidence.records import Fact, Role
from simtrial.evidence.rules import Rules, cohorts_of
from simtrial.evidence.sources import Cohort, Header
from simtrial.evidence.values import RECORDS, Patient, PatientTable, Values

FITTED: tuple[Role, ...] = ("fit",)


class Source(NamedTuple):
    """Where a document was read from.

    Attributes
    ----------
    file : its name as given, without a folder for a shipped one.
    sha256 : of the file's bytes.
    own : whether it was given by the user, not shipped.
    """

    file: str
    sha256: str
    own: bool


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """The facts of all documents; made by :func:`load_ledger`, checked as a whole.

    Attributes
    ----------
    documents : headers by document id.
    facts : facts by id, in the order of the files.
    places : for each fact and document, the file and line of each of its fields, for messages.
    sources : the file of each document.
    left_out : ids of the documents that were taken out of it.

    Raises
    ------
    EvidenceError : when facts contradict one another; the message has one line for each fault.
    """

    documents: Mapping[str, Header]
    facts: Mapping[str, Fact]
    places: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False, compare=False)
    sources: Mapping[str, Source] = field(default_factory=dict, repr=False, compare=False)
    left_out: tuple[str, ...] = field(default=(), repr=False, compare=False)

    def __post_init__(self) -> None:
        rules = Rules(documents=self.documents, facts=self.facts, places=self.places)
        faults = list(rules.faults())
        if faults:
            raise EvidenceError("\n".join(faults))

    def fact(self, fact_id: str) -> Fact:
        """Return a fact, or raise EvidenceError with the nearest id."""
        return _pick(self.facts, fact_id, "Fact")

    def by_label(self, label: str) -> Fact:
        """Return the fact with a label, or raise EvidenceError.

        A label names one fact of a document; where documents share it, an id has to be given.
        """
        named = [fact for fact in self.facts.values() if fact.label == label]
        if len(named) > 1:
            raise EvidenceError(
                f"Label '{label}' is that of {', '.join(fact.id for fact in named)}; give an id, "
                f"such as {named[0].id}."
            )
        return _pick({fact.label: fact for fact in self.facts.values()}, label, "Label")

    def find(self, name: str) -> Fact:
        """Return the fact with an id or a label, or raise EvidenceError with the nearest."""
        labels = {fact.label: fact for fact in self.facts.values()}
        if name in labels:
            return self.by_label(name)
        return _pick({**labels, **self.facts}, name, "Fact")

    def document_named(self, name: str) -> str | None:
        """Return the id of the document with an id or a number, None where there is none."""
        numbered = {head.number: head.id for head in self.documents.values() if head.number}
        return name if name in self.documents else numbered.get(name)

    @property
    def own_documents(self) -> tuple[str, ...]:
        """Return the ids of the documents that the user gave, beside or instead of shipped ones."""
        return tuple(i for i in self.documents if i in self.sources and self.sources[i].own)

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

        It covers what the facts with these roles say, of whom and when, and the same of context
        facts that something reads (a likelihood may lean on a printed mix) and of every patient
        table. Notes, readings and places are not in it.
        """
        of_whom_and_when = {
            "kind",
            "n",
            "quantity",
            "cohort",
            "subtype",
            "subtypes",
            "line",
            "arm",
            "timing",
            "values",
        }
        return digest(
            {
                fact.id: fact.model_dump(
                    mode="json", include=of_whom_and_when, serialize_as_any=True
                )
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
        left_out = (*self.left_out, document_id)
        return replace(self, documents=documents, facts=facts, left_out=left_out)


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
    return _read(_shipped() if paths is None else _given(paths))


def load_with(evidence: Sequence[Path] = (), without: Sequence[str] = ()) -> Ledger:
    """Return the shipped documents, less some of them, and a user's own beside them.

    Parameters
    ----------
    evidence : YAML files of the user, or directories of them, added to the shipped documents.
    without : ids or numbers of shipped documents to leave out.

    Raises
    ------
    ArgumentError : when no shipped document has an id of ``without``.
    EvidenceError : when a file or a fact breaks a rule, or a document has a shipped one's id.
    """
    kept = load_ledger()
    whole, shipped = kept, list(kept.documents)
    for name in dict.fromkeys(whole.document_named(name) or name for name in without):
        if name not in shipped:
            near = nearest(name, shipped) or shipped[0]
            raise ArgumentError(
                "without",
                name,
                f"no shipped document has this id; of {', '.join(shipped)} the nearest is '{near}'",
                repr(near),
            )
        kept = kept.without_document(name)
    return _read(_given(evidence), beside=kept) if evidence else kept


def _read(files: Iterable[tuple[Located, Source]], *, beside: Ledger | None = None) -> Ledger:
    """Return the ledger of files, and of the shipped documents that stand beside them."""
    documents: dict[str, Header] = {} if beside is None else dict(beside.documents)
    facts: dict[str, Fact] = {} if beside is None else dict(beside.facts)
    places: dict[str, Mapping[str, str]] = {} if beside is None else dict(beside.places)
    sources: dict[str, Source] = {} if beside is None else dict(beside.sources)
    faults: list[str] = []
    for file, source in files:
        named = file.data.get("id") if isinstance(file.data, Mapping) else None
        if isinstance(named, str) and named in documents:
            faults.append(_id_taken(file, named, sources[named], documents))
            continue
        try:
            head, read = read_document(file)
        except EvidenceError as fault:
            faults.append(str(fault))
            continue
        sources[head.id] = source
        documents[head.id] = Header(**{name: getattr(head, name) for name in Header.model_fields})
        places[head.id] = {
            dotted_path(path): file.where(path)
            for path in (
                ("protocol",),
                ("number",),
                *(
                    ("cohorts", cohort_id, *below)
                    for cohort_id in head.cohorts
                    for below in ((), ("n",), ("within",))
                ),
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
            places[fact.id] = places_of(fact, part)
    if faults:
        raise EvidenceError("\n".join(faults))
    return Ledger(
        documents=documents,
        facts=facts,
        places=places,
        sources=sources,
        left_out=() if beside is None else beside.left_out,
    )


def _id_taken(file: Located, document: str, holder: Source, known: Collection[str]) -> str:
    place = f"{file.where(('id',))} is {document}"
    prefix = shared_prefix(file.data)
    other = f"{document}_2" if prefix is None or prefix in known else prefix
    such_as = f"for example id: {other}."
    if holder.own:
        return f"{place}; {holder.file} has this id, and a document has one file; {such_as}"
    return (
        f"{place}; a shipped document has this id; leave it out with --without {document}, or give "
        f"yours another, with which its facts' and cohorts' ids begin; {such_as}"
    )


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
    return replace(ledger, facts=facts, places=places)


def replace_patients(
    ledger: Ledger, study: str, patients: Sequence[Patient | Mapping[str, Any]]
) -> Ledger:
    """Return a ledger in which a study's table has these patients, checked again."""
    fact_id = ledger.patient_fact(study).id
    return replace_values(ledger, fact_id, {"patients": list(patients)})


def _shipped() -> Iterator[tuple[Located, Source]]:
    folder = importlib.resources.files("simtrial.evidence") / "documents"
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".yaml"):
            content = entry.read_bytes()
            located = parse_yaml(content.decode("utf-8"), entry.name, EvidenceError)
            yield located, _source(entry.name, content, own=False)


def _given(paths: Sequence[Path]) -> Iterator[tuple[Located, Source]]:
    for path in paths:
        files = [path]
        if path.is_dir():
            files = sorted([*path.glob("*.yaml"), *path.glob("*.yml")])
        read = {file: read_yaml(file, EvidenceError) for file in files}
        # a design that a document beside it names as its protocol is no document
        protocols = {
            str(located.data.get("protocol"))
            for located in read.values()
            if isinstance(located.data, dict)
        }
        documents = [file for file in files if file == path or file.name not in protocols]
        if not documents:
            raise EvidenceError(f"{path}: no *.yaml in this directory; give a document to read.")
        for file in documents:
            yield read[file], _source(str(file), file.read_bytes(), own=True)


def _source(file: str, content: bytes, *, own: bool) -> Source:
    return Source(file, hashlib.sha256(content).hexdigest(), own)


def _pick[T](known: Mapping[str, T], name: str, what: str) -> T:
    if name in known:
        return known[name]
    near = nearest(name, known)
    hint = f"the nearest is '{near}'" if near else "there is none"
    raise EvidenceError(f"{what} '{name}' is not in the ledger; {hint}.")
