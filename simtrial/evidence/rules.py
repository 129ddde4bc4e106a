"""Rules between facts: names are unique, nests exist, and no patient is fitted twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from simtrial.core.located import nearest
from simtrial.evidence.records import Cohort, Fact, Header


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
        yield from self._cohorts()
        labels: dict[str, str] = {}
        for fact in self.facts.values():
            if fact.label in labels:
                other = labels[fact.label]
                rule = f"{other} has it; a label names one fact; for example label: {fact.label}.2"
                yield self._say(fact, "label", rule)
            labels.setdefault(fact.label, fact.id)
            if fact.document not in self.documents:
                yield self._say(fact, "document", "no document has this id")
            yield from self._cohort_of(fact)
            yield from self._nesting_of(fact)
        yield from self._overlaps()

    def _say(self, fact: Fact, name: str, rule: str) -> str:
        place = self.places.get(fact.id, {}).get(name, f"{fact.id}: {name}")
        return f"{place} is {getattr(fact, name)}; {rule}."

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
                    known = _known("within", cohort.within, cohorts)
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
            known = _known("cohort", fact.cohort, cohorts)
            yield self._say(fact, "cohort", f"no cohort has this id{known}")
        elif fact.n > cohorts[fact.cohort].n:
            most = cohorts[fact.cohort].n
            rule = f"its cohort {fact.cohort} has {most} patients; for example n: {most}"
            yield self._say(fact, "n", rule)
        for other in fact.alternatives:
            if other.cohort is not None and other.cohort not in cohorts:
                known = _known("cohort", other.cohort, cohorts)
                place = self.places.get(fact.id, {}).get("alternatives", fact.id)
                yield f"{place}: cohort is {other.cohort}; no cohort has this id{known}."

    def _nesting_of(self, fact: Fact) -> Iterator[str]:
        if fact.nested_in is None:
            return
        if fact.nested_in not in self.facts:
            known = _known("nested_in", fact.nested_in, self.facts)
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
        cohorts = cohorts_of(self.documents)
        fitted: dict[tuple[str, str], list[Fact]] = {}
        for fact in self.facts.values():
            if fact.role == "fit":
                for cohort_id in sets_around(fact.cohort, cohorts):
                    fitted.setdefault((cohort_id, fact.quantity), []).append(fact)
        for (cohort_id, quantity), facts in fitted.items():
            total, most = sum(fact.n for fact in facts), cohorts[cohort_id].n
            if total > most and len(facts) > 1:
                others = ", ".join(fact.id for fact in facts[:-1])
                yield self._say(
                    facts[-1],
                    "n",
                    f"with {others} that fits {total} patients of the {most} of {cohort_id} "
                    f"for {quantity}; fit one of these facts and give the others role: check",
                )


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


def _known(key: str, name: str, known: Mapping[str, object]) -> str:
    near = nearest(name, known)
    return f", the nearest is '{near}'; for example {key}: {near}" if near else ""
