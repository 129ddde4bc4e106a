"""Adverse events of a user's own series: patients with an event, among the courses they had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simtrial.core.units import WEEKS_PER_YEAR
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.values import Number, PatientTable, Proportion
from simtrial.synthesis.own_faults import fault
from simtrial.synthesis.own_protocol import design_of
from simtrial.trial.design import Design

# quantity -> the field that it gives
_COUNTS = {"minor_reactions": "reacted", "thromboembolism": "clots", "serious_other": "serious"}
EVENTS = tuple(_COUNTS)
GIVEN = "courses_given"
HARM_QUANTITIES = (*EVENTS, GIVEN)


@dataclass(frozen=True, kw_only=True)
class OwnHarm:
    """What one series saw, and among what; None for a count that it does not give.

    Attributes
    ----------
    behind : for each field that has any, the ids of the facts that it is read from.
    courses : of each patient; where a total is given only, spread as evenly as it goes.
    ages : in years where a table of patients has them.
    weeks : how long a patient was followed, where thromboembolism is counted.
    protocol : the design that the document names, for the dose a day.
    """

    behind: Mapping[str, tuple[str, ...]]
    courses: tuple[int, ...]
    reacted: int | None
    clots: int | None
    serious: int | None
    ages: tuple[float, ...] | None
    weeks: float
    protocol: Design | None

    @property
    def facts(self) -> tuple[str, ...]:
        """The ids of all facts that this rests on."""
        return tuple(dict.fromkeys(i for ids in self.behind.values() for i in ids))


def own_harm_of(ledger: Ledger, document: str, faults: list[str]) -> OwnHarm | None:
    """Return the harm of one document; what is wrong is added to ``faults`` (None then)."""
    own = [f for f in ledger.with_role("fit") if f.document == document]
    events = [f for f in own if f.quantity in EVENTS and isinstance(f.values, Proportion)]
    before = len(faults)
    if not events:
        for fact in own:
            if fact.quantity == GIVEN:
                rule = f"courses are read beside {', '.join(EVENTS)}, and none of these is fitted"
                faults.append(fault(ledger, fact, "role", rule, "role: context"))
        return None
    first = events[0]
    for fact in events:
        _check_event(ledger, fact, first, events, faults)
    courses, ages, read = _courses(ledger, own, first, faults)
    protocol = design_of(ledger, document, faults)
    weeks = 0.0
    for fact in events:
        if fact.quantity == "thromboembolism":
            weeks = _weeks(ledger, fact, faults)
    if len(faults) > before:
        return None
    part = {_COUNTS[fact.quantity]: fact.values_as(Proportion).part for fact in events}
    behind = {_COUNTS[fact.quantity]: (fact.id,) for fact in events} | {"courses": read}
    if ages is not None:
        behind["ages"] = read[:1]  # the table of patients
    return OwnHarm(
        behind=behind,
        courses=courses,
        reacted=part.get("reacted"),
        clots=part.get("clots"),
        serious=part.get("serious"),
        ages=ages,
        weeks=weeks,
        protocol=protocol,
    )


def _check_event(
    ledger: Ledger, fact: Fact, first: Fact, events: Sequence[Fact], faults: list[str]
) -> None:
    if fact.unit != "patients":
        rule = "the fit reads patients with at least one event, of the patients treated"
        faults.append(fault(ledger, fact, "unit", rule, "unit: patients"))
    elif (fact.cohort, fact.n) != (first.cohort, first.n):
        rule = (
            f"{first.id} is of the {first.n} patients of {first.cohort}; harm of one document is "
            "of the same patients, those who were given the courses"
        )
        example = f"cohort: {first.cohort}"
        if fact.n != first.n:
            part = min(fact.values_as(Proportion).part, first.n)
            example += f", n: {first.n}, values: {{n: {first.n}, part: {part}}}"
        faults.append(fault(ledger, fact, "cohort", rule, example))
    if fact.quantity in [other.quantity for other in events[: events.index(fact)]]:
        rule = "the fit reads each of these quantities once a document; give one role: check"
        faults.append(fault(ledger, fact, "quantity", rule, "role: check"))


def _courses(
    ledger: Ledger, own: Sequence[Fact], first: Fact, faults: list[str]
) -> tuple[tuple[int, ...], tuple[float, ...] | None, tuple[str, ...]]:
    """Return each patient's courses, their ages where known, and the facts that say so."""
    n = first.n
    for fact in own:
        if isinstance(fact.values, PatientTable) and fact.cohort == first.cohort and fact.n == n:
            rows = fact.values.patients
            ages = tuple(float(row.age_years) for row in rows)
            courses = tuple(row.courses for row in rows)
            totalled = [f for f in _totals(ledger, own, first) if f.quantity == GIVEN]
            for other in totalled:
                if _total(other) != sum(courses):
                    rule = f"the rows of {fact.id} sum to {sum(courses)} courses; keep one of them"
                    faults.append(fault(ledger, other, "values", rule, "role: check"))
            return courses, ages, (fact.id, *(other.id for other in totalled))
    totals = {fact.id: _total(fact) for fact in _totals(ledger, own, first)}
    if not totals:
        example = (
            "quantity: courses_given, kind: number, unit: courses, values: {value: "
            f"{4 * n}, statistic: total}}"
        )
        rule = (
            f"events are counted a course, and the document does not say how many courses the {n} "
            f"patients of {first.cohort} had; give a fact with role: fit"
        )
        faults.append(fault(ledger, first, "quantity", rule, example))
        return (), None, ()
    if len(set(totals.values())) > 1:
        told = ", ".join(f"{fact_id} has {total:g}" for fact_id, total in totals.items())
        rule = f"the courses of {first.cohort} are told in several ways: {told}; keep one of them"
        faults.append(fault(ledger, ledger.fact(list(totals)[-1]), "values", rule, "role: check"))
        return (), None, ()
    source, total = next(iter(totals.items()))
    stated = ledger.fact(source).values
    summed = not isinstance(stated, Number) or (stated.statistic, stated.relation) == ("total", "=")
    if not summed or total != round(total) or total < n:
        rule = f"a total is needed, whole and at least one course for each of the {n} patients"
        each = total if isinstance(stated, Number) and stated.statistic == "mean" else 4.0
        example = f"values: {{value: {max(n, round(each * n))}, statistic: total}}"
        faults.append(fault(ledger, ledger.fact(source), "values", rule, example))
        return (), None, ()
    each, more = divmod(round(total), n)
    return (each + 1,) * more + (each,) * (n - more), None, tuple(totals)


def _totals(ledger: Ledger, own: Sequence[Fact], first: Fact) -> list[Fact]:
    """Return the facts that hold a total: courses_given, or a part of all courses that is read."""
    stated = [fact for fact in own if fact.quantity == GIVEN and fact.cohort == first.cohort]
    return stated + [
        fact
        for fact in ledger.with_role("context")
        if fact.cohort == first.cohort
        and fact.unit == "courses"
        and fact.read_by
        and isinstance(fact.values, Proportion)
    ]


def _total(fact: Fact) -> float:
    if isinstance(fact.values, Number):
        return fact.values.value
    return float(fact.values_as(Proportion).n)


def _weeks(ledger: Ledger, fact: Fact, faults: list[str]) -> float:
    if fact.timing.week:
        return fact.timing.week
    if fact.timing.months:
        return fact.timing.months * WEEKS_PER_YEAR / 12.0
    rule = (
        "thromboembolism comes without a course too, so the fit needs how long the patients were "
        "followed"
    )
    faults.append(fault(ledger, fact, "timing", rule, "timing: {how: by, months: 12}"))
    return 0.0
