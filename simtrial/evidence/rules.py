"""Rules between facts: names are unique, nests exist, and no patient is fitted twice."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from simtrial.core.located import flow, nearest
from simtrial.evidence.examples import cohort_of
from simtrial.evidence.records import Fact
from simtrial.evidence.sources import Cohort, Header

_FEW = 8  # sets of patients that are listed in a message
_LIKELY = 0.8  # how much the name of a set must look like another's to be a slip of it


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules over one set of documents and facts.

    Attributes
    ----------
    places : for each fact, where each of its fields stands (``file, line N: facts[3].n``).
    """

    documents: Mapping[str, Header]
    facts: Mapping[str, Fact]
    places: Mapping[str, Mapping[str, str]]

    def faults(self) -> Iterator[str]:
        """Yield one line for each broken rule."""
        yield from dict.fromkeys(self._all())

    def _all(self) -> Iterator[str]:
        yield from self._numbers()
        yield from self._cohorts()
        labels: dict[tuple[str, str], str] = {}
        for fact in self.facts.values():
            other = labels.setdefault((fact.document, fact.label), fact.id)
            if other != fact.id:
                rule = f"{other} has it; a label names one fact of a document; for example label: "
                yield self._say(fact, "label", f"{rule}{fact.label}.2")
            if fact.document not in self.documents:
                yield self._say(fact, "document", "no document has this id")
            yield from self._cohort_of(fact)
            yield from self._nesting_of(fact)
        yield from self._overlaps()

    def _say(self, fact: Fact, name: str, rule: str, *, of_all: Sequence[str] = ()) -> str:
        return f"{place_of(self.places, fact, name, of_all)} is {getattr(fact, name)}; {rule}."

    def _cohorts(self) -> Iterator[str]:
        cohorts = cohorts_of(self.documents)
        for head in self.documents.values():
            for cohort_id, cohort in head.cohorts.items():
                place = self._place_of_cohort(head.id, cohort_id)
                if not cohort_id.startswith(f"{head.id}."):
                    yield (
                        f"{place()} is not of this document; its id begins with '{head.id}.'; for "
                        f"example {head.id}.{cohort_id.rpartition('.')[2]}: {{n: {cohort.n}, ...}}."
                    )
                if cohort.within is None:
                    continue
                if cohort.within not in cohorts:
                    known = _known("within", cohort.within, head.cohorts, but=cohort_id)
                    yield f"{place('within')} is {cohort.within}; no cohort has this id{known}."
                elif cohort_id in sets_around(cohort.within, cohorts):
                    yield (
                        f"{place('within')} is {cohort.within}; a cohort is not within itself; "
                        "leave within out, or name a larger set."
                    )
                elif cohort.n > cohorts[cohort.within].n:
                    most = cohorts[cohort.within].n
                    yield (
                        f"{place('n')} is {cohort.n}; {cohort.within}, around it, has {most}; for "
                        f"example n: {most}."
                    )

    def _numbers(self) -> Iterator[str]:
        holders: dict[str, str] = {}
        for head in self.documents.values():
            if head.number is None:
                continue
            holder = holders.setdefault(head.number, head.id)
            if holder != head.id:
                place = self.places.get(head.id, {}).get("number", f"{head.id}: number")
                yield (
                    f"{place} is '{head.number}'; {holder} has this number, and a number names one "
                    "document; leave number out, or give another, for example number: '100'."
                )

    def _place_of_cohort(self, document: str, cohort_id: str) -> Callable[..., str]:
        """Return a function from a field of a cohort to where it stands."""
        known = self.places.get(document, {})

        def place(*names: str) -> str:
            path = ".".join(("cohorts", cohort_id, *names))
            return known.get(path, f"{document}: {path}")

        return place

    def _cohort_of(self, fact: Fact) -> Iterator[str]:
        cohorts = cohorts_of(self.documents)
        if fact.cohort not in cohorts:
            rule = self._unknown_cohort(fact)
            yield self._say(fact, "cohort", rule, of_all=("cohort",))
        elif fact.n > cohorts[fact.cohort].n:
            most = cohorts[fact.cohort].n
            rule = f"its cohort {fact.cohort} has {most} patients"
            own = self.documents[fact.document].cohorts if fact.document in self.documents else {}
            holding = sorted((c.n, i) for i, c in own.items() if c.n >= fact.n)
            if holding:
                n, larger = holding[0]
                rule += f", and {larger} has {n}; for example cohort: {larger}"
            else:
                rule += f"; for example n: {most}"
            yield self._say(fact, "n", rule, of_all=("n", "cohort"))
        for other in fact.alternatives:
            if other.cohort is not None and other.cohort not in cohorts:
                own = self.documents[fact.document].cohorts
                known = _known("cohort", other.cohort, own)
                place = self.places.get(fact.id, {}).get("alternatives", fact.id)
                yield f"{place}: cohort is {other.cohort}; no cohort has this id{known}."

    def _unknown_cohort(self, fact: Fact) -> str:
        """Return what to write for a set of patients that the fact's document does not have.

        The nearest name is advised where it differs by letters left out or added only: pm is no
        slip of dm, and another set of the same study is of other patients.
        """
        own = self.documents[fact.document].cohorts if fact.document in self.documents else {}
        name = f"{fact.document}.{fact.cohort.partition('.')[2]}"
        if name in own:
            return f"no cohort has this id; for example cohort: {name}"
        slip = _slip_of(name, [i for i, cohort in own.items() if cohort.n >= fact.n])
        if slip is not None:
            return f"no cohort has this id, the nearest is '{slip}'; for example cohort: {slip}"
        here = [
            other
            for other in self.facts.values()
            if other.cohort == fact.cohort and other.document == fact.document
        ]
        subtypes = {other.subtype for other in here}
        made = cohort_of(
            max(other.n for other in here), subtypes.pop() if len(subtypes) == 1 else None
        )
        others = f" (there are {', '.join(own)})" if 0 < len(own) <= _FEW else ""
        return (
            f"no cohort has this id{others}; add it under cohorts; for example {name}: {flow(made)}"
        )

    def _nesting_of(self, fact: Fact) -> Iterator[str]:
        if fact.nested_in is None:
            return
        if fact.nested_in not in self.facts:
            own = {i: f for i, f in self.facts.items() if f.document == fact.document}
            known = _known("nested_in", fact.nested_in, own, but=fact.id)
            yield self._say(fact, "nested_in", f"no fact has this id{known}")
            return
        passed = {fact.id}
        outer: Fact | None = self.facts[fact.nested_in]
        while outer is not None:
            if outer.id in passed:
                yield self._say(fact, "nested_in", f"the nest leads back to {outer.id}")
                return
            passed.add(outer.id)
            if fact.role == "fit" and outer.role == "fit":
                held = f"{outer.id} holds the same patients and is fitted; write check"
                yield self._say(fact, "role", held)
            outer = self.facts.get(outer.nested_in) if outer.nested_in else None

    def _overlaps(self) -> Iterator[str]:
        yield from self._told_by_two()
        fitted: dict[str, list[Fact]] = {}
        for fact in self.facts.values():
            if fact.role == "fit":
                fitted.setdefault(fact.quantity, []).append(fact)
        for quantity, facts in fitted.items():
            for over in overfilled(facts, self.documents):
                yield self._say(
                    over.facts[-1],
                    "n",
                    f"with {over.others} that fits {over.fitted} patients of the {over.most} of "
                    f"{over.set_id} for {quantity}; fit one of these facts and give the others "
                    f"role: check{over.way_out}",
                )

    def _told_by_two(self) -> Iterator[str]:
        """Yield fitted facts of a study that another document is fitted with too.

        Which of its patients each document tells of is not known, so one of them is enough.
        """
        cohorts = cohorts_of(self.documents)
        first: dict[tuple[str, str], Fact] = {}
        fitted = [f for f in self.facts.values() if f.role == "fit" and f.cohort in cohorts]
        # a study's own document goes before those that cite it
        for fact in sorted(fitted, key=lambda f: cohorts[f.cohort].study is not None):
            key = study_of(fact.cohort, cohorts), information_of(fact.quantity)
            other = first.setdefault(key, fact)
            if other.document != fact.document:
                yield self._say(
                    fact,
                    "role",
                    f"{other.id} of document {other.document} is fitted and tells of patients of "
                    f"study {key[0]} too ({key[1]}), so that they would count twice; give this "
                    "fact, or the other, role: check; for example role: check",
                )


# quantities that are one information of a patient under several names
_ONE_INFORMATION = {
    "response": ("response", "tis20", "tis40", "tis_course"),
    "reactions": ("minor_reactions", "adverse_event"),
}


def information_of(quantity: str) -> str:
    """Return which information of a patient a quantity is: a response and its TIS are one."""
    names = (name for name, quantities in _ONE_INFORMATION.items() if quantity in quantities)
    return next(names, quantity)


@dataclass(frozen=True, kw_only=True)
class Overfilled:
    """A set of patients, or a study, of which facts hold more patients than it has.

    Attributes
    ----------
    set_id : of the set; of the study where ``is_study``.
    facts : in the order of the ledger.
    most : patients of the set.
    """

    set_id: str
    is_study: bool
    facts: tuple[Fact, ...]
    most: int

    @property
    def fitted(self) -> int:
        """The patients of the facts together."""
        return sum(fact.n for fact in self.facts)

    @property
    def others(self) -> str:
        """The ids of all facts but the last, which the message is about."""
        return ", ".join(fact.id for fact in self.facts[:-1])

    @property
    def way_out(self) -> str:
        """What to write where the facts are about different patients after all."""
        if len({fact.cohort for fact in self.facts}) == 1:
            return "; or, where these are different patients, give each fact a cohort of its own"
        if self.is_study:
            around = f"{self.set_id}.all"
            return (
                "; or, where these are different patients, give the study one set that holds them "
                f"all, {around}: {{n: {self.fitted}, what: all patients}}, and write within: "
                f"{around} in the others"
            )
        return f"; or, where these are different patients, correct within and n up to {self.set_id}"


def overfilled(facts: Iterable[Fact], documents: Mapping[str, Header]) -> Iterator[Overfilled]:
    """Yield each set and study of which two or more facts together hold more patients than it has.

    The same facts are yielded once, under the innermost set; a study comes after its sets.
    """
    cohorts = cohorts_of(documents)
    by_set: dict[tuple[bool, str], list[Fact]] = {}
    for fact in facts:
        around = sets_around(fact.cohort, cohorts)
        places = [(False, set_id) for set_id in around]
        places += [(True, name) for name in sorted({study_of(i, cohorts) for i in around})]
        for place in places:
            by_set.setdefault(place, []).append(fact)
    told: set[frozenset[str]] = set()
    for (is_study, set_id), held in sorted(by_set.items(), key=lambda item: item[0][0]):
        most = patients_of(set_id, documents) if is_study else cohorts[set_id].n
        names = frozenset(fact.id for fact in held)
        if len(held) > 1 and sum(fact.n for fact in held) > most and names not in told:
            told.add(names)
            yield Overfilled(set_id=set_id, is_study=is_study, facts=tuple(held), most=most)


def study_of(cohort_id: str, cohorts: Mapping[str, Cohort]) -> str:
    """Return the study of a set: the cited one, or the document itself."""
    return cohorts[cohort_id].study or cohort_id.partition(".")[0]


def patients_of(study: str, documents: Mapping[str, Header]) -> int:
    """Return how many patients a study has: as many as the document that tells of most.

    In one document they are the sum of the study's sets that are within no other set of it; sets
    beside one another are taken to share no patient, as two arms or two subtypes do. Documents
    tell of the same patients, so between them it is the largest sum.
    """
    sums = []
    for head in documents.values():
        own = {i: c for i, c in head.cohorts.items() if study_of(i, head.cohorts) == study}
        sums.append(sum(cohort.n for cohort in own.values() if cohort.within not in own))
    return max(sums, default=0)


def place_of(
    places: Mapping[str, Mapping[str, str]], fact: Fact, name: str, of_all: Sequence[str] = ()
) -> str:
    """Return the place of a fact's field, for a message.

    Parameters
    ----------
    of_all : the fields that a fault rests on; where the fact has all of them from its document's
        defaults, the place is there, so that one fault of all facts is told once.
    """
    known = places.get(fact.id, {})
    if of_all and all(f"defaults.{other}" in known for other in of_all):
        return known[f"defaults.{name}"]
    return known.get(name, f"{fact.id}: {name}")


def cohorts_of(documents: Mapping[str, Header]) -> dict[str, Cohort]:
    """Return the sets of patients of all documents, by id."""
    return {i: cohort for head in documents.values() for i, cohort in head.cohorts.items()}


def sets_around(cohort_id: str | None, cohorts: Mapping[str, Cohort]) -> list[str]:
    """Return a cohort's id and those of the sets it is within, innermost first."""
    around: list[str] = []
    while cohort_id is not None and cohort_id in cohorts and cohort_id not in around:
        around.append(cohort_id)
        cohort_id = cohorts[cohort_id].within
    return around


def _slip_of(name: str, known: Sequence[str]) -> str | None:
    near = nearest(name, known)
    if near is None or len(near) == len(name) or re.sub(r"\D", "", near) != re.sub(r"\D", "", name):
        return None
    one, other = (i.partition(".")[2] for i in (name, near))
    return near if difflib.SequenceMatcher(None, one, other).ratio() >= _LIKELY else None


def _known(key: str, name: str, known: Mapping[str, object], *, but: str | None = None) -> str:
    """Return the nearest of a document's own names, without the one that is at fault."""
    near = nearest(name, [other for other in known if other != but])
    return f", the nearest is '{near}'; for example {key}: {near}" if near else ""
