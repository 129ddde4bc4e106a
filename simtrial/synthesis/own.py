"""A user's own facts as data of the likelihood: by their quantity, never by their name.

Documents 002 and 004 are read fact by fact (:data:`NAMED`). Of any other document the fit reads
what :data:`READ` lists, and refuses every other fact with role fit before it samples: a fact that
a user wants fitted is either in a likelihood or in an error, never silently left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from simtrial.core.errors import EvidenceError
from simtrial.core.other_names import meant_choice
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.rules import cohorts_of, overfilled, study_of
from simtrial.evidence.sources import Line
from simtrial.evidence.values import Count, Mix, PatientTable
from simtrial.evidence.wording import subtypes_of
from simtrial.synthesis.own_faults import (
    BASELINES,
    NAMED,
    PER_PATIENT,
    READ,
    SCORES,
    fault,
    general_faults,
    named_faults,
    reserved_faults,
)
from simtrial.synthesis.own_harm import HARM_QUANTITIES, OwnHarm, own_harm_of
from simtrial.synthesis.own_protocol import protocol_for
from simtrial.trial.design import Design

__all__ = ["NAMED", "READ", "SUBTYPES", "OwnFacts", "Responses", "Scores", "own_facts_of"]

SUBTYPES = ("DM", "PM", "IMNM", "ASyS", "OM", "IBM")
MIX = "subtype_mix"
_LONG = 9  # letters of a word that may be a subtype's name in full


@dataclass(frozen=True, kw_only=True)
class Responses:
    """Patients who responded by a study's own endpoint, of ``n``.

    Attributes
    ----------
    name : of the likelihood: the fact, and the subtype where its rows are counted apart.
    study : whose sensitivity and false-positive rate the endpoint has.
    mix : (6,) shares of SUBTYPES.
    """

    name: str
    fact: str
    study: str
    line: Line
    mix: tuple[float, ...]
    n: int
    responders: int


@dataclass(frozen=True, kw_only=True)
class Scores(Responses):
    """Patients whose Total Improvement Score was at least ``threshold`` by or at a visit."""

    threshold: float
    how: Literal["by", "at"]
    week: int
    protocol: Design


@dataclass(frozen=True, kw_only=True)
class OwnFacts:
    """What the likelihoods read of the documents that are not read by name.

    Attributes
    ----------
    harm : by document, in order of id.
    read : every fact that any of them rests on, in the order of the ledger.
    """

    responses: tuple[Responses, ...] = ()
    scores: tuple[Scores, ...] = ()
    harm: Mapping[str, OwnHarm]
    read: tuple[Fact, ...] = ()


def own_facts_of(ledger: Ledger) -> OwnFacts:
    """Return the data of a ledger's own facts.

    Raises
    ------
    EvidenceError : when a fact with role fit cannot be read, or patients would be counted twice;
        one line each: file, line, field, value, rule, example.
    """
    given = [
        fact for fact in ledger.with_role("fit") if fact.id not in NAMED.get(fact.document, ())
    ]
    reader = _Reader(ledger)
    reader.faults += [*named_faults(ledger), *reserved_faults(ledger)]
    responses: list[Responses] = []
    scores: list[Scores] = []
    unread: set[str] = set()  # documents of which one fact is refused already
    for fact in given:
        found = list(general_faults(ledger, fact))
        reader.faults += found
        unread |= {fact.document} if found else set()
        if found or fact.quantity not in PER_PATIENT:
            continue
        if fact.quantity in SCORES:
            scores += reader.scores_of(fact)
        else:
            responses += reader.responses_of(fact)
    harm = {}
    harmed = {fact.document for fact in given if fact.quantity in HARM_QUANTITIES}
    for document in sorted(harmed - unread):
        own = own_harm_of(ledger, document, reader.faults)
        if own is not None:
            harm[document] = own
    reader.faults += _counted_twice(ledger)
    ids = {counted.fact for counted in (*responses, *scores)} | reader.also_read
    ids |= {fact_id for own in harm.values() for fact_id in own.facts}
    if not reader.faults:
        reader.faults += [_left_over(ledger, fact) for fact in given if fact.id not in ids]
    if reader.faults:
        raise EvidenceError("\n".join(dict.fromkeys(reader.faults)))
    _require_baselines(ledger)
    return OwnFacts(
        responses=tuple(responses),
        scores=tuple(scores),
        harm=harm,
        read=tuple(fact for fact in ledger.facts.values() if fact.id in ids),
    )


class _Reader:
    """Turns facts into data and collects what is wrong with them."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.faults: list[str] = []
        self.also_read: set[str] = set()

    def responses_of(self, fact: Fact) -> Iterator[Responses]:
        study = study_of(fact.cohort, cohorts_of(self.ledger.documents))
        if fact.line is None:
            return
        if isinstance(fact.values, PatientTable):
            rows = fact.values.patients
            if any(row.subtype not in SUBTYPES for row in rows):
                self.faults.append(self._no_such_subtype(fact, "values"))
                return
            for subtype in SUBTYPES:
                improved = [row.improved for row in rows if row.subtype == subtype]
                if improved:
                    yield Responses(
                        name=f"{fact.id}.{subtype}",
                        fact=fact.id,
                        study=study,
                        line=fact.line,
                        mix=_only(subtype),
                        n=len(improved),
                        responders=sum(improved),
                    )
            return
        mix = self._mix(fact)
        if mix is not None and isinstance(fact.values, Count):
            yield Responses(
                name=fact.id,
                fact=fact.id,
                study=study,
                line=fact.line,
                mix=mix,
                n=fact.values.n,
                responders=fact.values.responders,
            )

    def scores_of(self, fact: Fact) -> Iterator[Scores]:
        protocol = protocol_for(self.ledger, fact, self.faults)
        for counted in self.responses_of(fact):
            how, week = fact.timing.how, fact.timing.week
            if protocol is not None and week is not None and (how == "by" or how == "at"):
                yield Scores(
                    **vars(counted),
                    threshold=SCORES[fact.quantity],
                    how=how,
                    week=round(week),
                    protocol=protocol,
                )

    def _mix(self, fact: Fact) -> tuple[float, ...] | None:
        """Return the shares of a fact's subtypes: of the one, or as its cohort's mix has them."""
        names = subtypes_of(fact)
        field = "subtypes" if len(names) > 1 else "subtype"
        if any(name not in SUBTYPES for name in names):
            self.faults.append(self._no_such_subtype(fact, field))
            return None
        if len(names) == 1:
            return _only(names[0])
        held = [
            other
            for other in self.ledger.facts.values()
            if other.cohort == fact.cohort
            and other.quantity == MIX
            and isinstance(other.values, Mix)
            and (other.role == "fit" or (other.role == "context" and other.read_by))
        ]
        if not held:
            self.faults.append(self._without_mix(fact, field))
            return None
        cells = held[0].values_as(Mix).cells
        chosen = {s: n for s, n in cells.items() if n and (not names or s in names)}
        if set(names) - set(chosen) or set(chosen) - set(SUBTYPES) or fact.n > sum(chosen.values()):
            told = ", ".join(f"{s} {n}" for s, n in cells.items())
            rule = (
                f"{held[0].id} has {told} in {fact.cohort}, and the fit needs every subtype of "
                f"these {fact.n} patients there (of {', '.join(SUBTYPES)})"
            )
            told_of = [s for s in chosen if s in SUBTYPES]
            several = f"subtypes: [{', '.join(told_of)}]"
            example = several if len(told_of) > 1 else f"subtype: {(told_of or SUBTYPES)[0]}"
            self.faults.append(fault(self.ledger, fact, field, rule, example))
            return None
        self.also_read.add(held[0].id)
        total = sum(chosen.values())
        return tuple(chosen.get(s, 0) / total for s in SUBTYPES)  # type: ignore[call-overload]

    def _no_such_subtype(self, fact: Fact, field: str) -> str:
        given = ", ".join(subtypes_of(fact)) or "its rows"
        where = "" if field == "values" else f" ({field}: {given})"
        rule = (
            f"the model has a response of {', '.join(SUBTYPES)} and of no other subtype{where}, so "
            "that the fact can be compared or kept, not fitted"
        )
        return fault(self.ledger, fact, "role", rule, "role: check")

    def _without_mix(self, fact: Fact, field: str) -> str:
        if not subtypes_of(fact):
            rule = (
                f"no fact says which subtypes the {fact.n} patients of {fact.cohort} have (equal "
                "shares would be made up); name it where it is one, or give a fact of kind mix and "
                f"quantity {MIX} of this cohort with role: context and read_by: [the fit]"
            )
            return fault(self.ledger, fact, field, rule, f"subtype: {self._likely_subtype(fact)}")
        names = subtypes_of(fact)
        cells = ", ".join(f"{s}: {part}" for s, part in _example_cells(names, fact.n))
        rule = (
            f"several subtypes are pooled, and no fact says how many of {fact.cohort} have each "
            f"(equal shares would be made up); give one count a subtype, or a fact of kind mix and "
            f"quantity {MIX} of this cohort with role: context and read_by: [the fit]"
        )
        values = f"values: {{n: {fact.n}, cells: {{{cells}}}}}"
        example = f"quantity: {MIX}, kind: mix, {values}, role: context, read_by: [the fit]"
        return fault(self.ledger, fact, field, rule, example)

    def _likely_subtype(self, fact: Fact) -> str:
        """Return the subtype that a fact's id, endpoint or set of patients names, or the first."""
        cohort = cohorts_of(self.ledger.documents)[fact.cohort]
        told = " ".join((fact.id, fact.cohort, fact.endpoint, cohort.what))
        words = [meant for word in re.split(r"[^A-Za-z]+", told) if (meant := _subtype_in(word))]
        return words[0] if words else SUBTYPES[0]


def _subtype_in(word: str) -> str | None:
    meant = meant_choice(word, SUBTYPES) if len(word) > 1 else None
    exact = meant is not None and word.lower() in (meant.lower(), *map(str.lower, SUBTYPES))
    return meant if exact or (meant is not None and len(word) > _LONG) else None


def _left_over(ledger: Ledger, fact: Fact) -> str:
    rule = (
        f"{fact.quantity} is read beside a count of {fact.cohort} that needs it, and no fact with "
        "role: fit does"
    )
    return fault(ledger, fact, "role", rule, "role: context")


def _example_cells(names: tuple[str, ...], n: int) -> Iterator[tuple[str, int]]:
    for i, name in enumerate(names):
        yield name, n // len(names) + (n % len(names) if i == 0 else 0)


def _only(subtype: str) -> tuple[float, ...]:
    return tuple(float(s == subtype) for s in SUBTYPES)


def _counted_twice(ledger: Ledger) -> Iterator[str]:
    """Yield a fault for each patient set whose response is fitted by more patients than it has.

    The ledger's own rule sees one quantity at a time; a response, TIS 20 and TIS 40 of the same
    patients are one information under three names.
    """
    fitted = [f for f in ledger.with_role("fit") if f.quantity in (*PER_PATIENT, "tis_course")]
    told: set[str] = set()
    for over in overfilled(fitted, ledger.documents):
        last = over.facts[-1]
        if last.id not in told:  # once, by the innermost set
            told.add(last.id)
            rule = (
                f"with {over.others} that fits the response of {over.fitted} patients of the "
                f"{over.most} of {over.set_id}, and each patient is fitted once; give all but one "
                f"role: check{over.way_out}"
            )
            yield fault(ledger, last, "role", rule, "role: check")
    for i, fact in enumerate(fitted):
        for other in fitted[:i]:
            mine, theirs = set(subtypes_of(fact)), set(subtypes_of(other))
            overlap = not mine or not theirs or mine & theirs
            if fact.cohort == other.cohort and overlap and fact.id not in told:
                told.add(fact.id)
                rule = (
                    f"{other.id} fits patients of {fact.cohort} too, and subtypes of both overlap, "
                    "so that a patient may be fitted twice; give one of them role: check, or each "
                    "a cohort of its own"
                )
                yield fault(ledger, fact, "role", rule, "role: check")


def _require_baselines(ledger: Ledger) -> None:
    missing = [fact_id for fact_id in BASELINES if fact_id not in ledger.facts]
    if missing:
        raise EvidenceError(
            f"{missing[0]} is in no document; the simulated patients' baselines are those of "
            f"document lim21, and a fit needs all {len(BASELINES)} of its facts about them; leave "
            "--without lim21 out, or give a document with id lim21 that holds them, such as "
            "--without lim21 --evidence my_lim21.yaml."
        )
