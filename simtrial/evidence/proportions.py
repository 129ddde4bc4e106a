"""Which facts are response proportions and which are rates of harm, with exact intervals.

Selection is by kind, unit, time, role and the words of a fact's quantity, never by its id. A fact
that could have been chosen and is not stands in ``left_out`` with the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, get_args

from simtrial.evidence.catalogue import study_of
from simtrial.evidence.counts import Multinomial, Subtype, Tally
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.measured import Number
from simtrial.evidence.records import Fact
from simtrial.evidence.rules import cohorts_of, sets_around
from simtrial.evidence.wording import counted, subtypes_of
from simtrial.stats.intervals import exact_interval
from simtrial.stats.rates import exact_rate_interval

Model = Literal["binomial", "Poisson"]

# a quantity with a word that begins so is a response that failed: a higher share of it is worse
WORSE = re.compile(
    "(?:^|_)(?:deteriorat|fail|loss|lost|progress|refractory|relapse|rescue|stopped|unable|waned|"
    "withdraw|wors)"
)
# a quantity with a word that begins so is harm
HARM = re.compile(
    "(?:^|_)(?:abscess|adverse|anaemia|cancer|complication|dead|death|dehydrat|died|embol|erythema|"
    "exacerbat|fever|folliculitis|haemoly|harm|headache|infarct|infect|itch|malaise|meningitis|"
    "mortality|rash|reaction|sepsis|septic|serious|stroke|thrombo(?:embol|sis|tic)|toxic)"
)
# a set whose name or description says so was chosen by an event of the treatment
_EVENT = re.compile(
    r"(?:\b|_)(?:adverse|complication|event|harm|reaction|serious|side effect|toxic)"
)
_WITHOUT = re.compile(r"\b(?:no|without|never|free of)\b")
_NO_EVENT = frozenset({"none", "never", "no_event", "without"})
_ONE_PATIENT = "told of one patient, which is no proportion"
_LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A share of patients or courses, or a number of events for each patient.

    Attributes
    ----------
    fact : the fact that holds it.
    cell : the kind of event, where the fact counts several; empty otherwise.
    study : whose patients these are; another one than the fact's document where second-hand.
    cited_as : how the document cites that study, None for its own figures.
    count, n : ``count`` of ``n`` patients or courses, or ``count`` events in ``n`` patients.
    unit : what is counted: patients, courses or events.
    interval : exact 95 % limits of ``count / n``.
    model : binomial (Clopper-Pearson) or Poisson (Garwood).
    favourable : whether a higher share is better.
    also : facts that state the same figure again, elsewhere in the document or in a table.
    again : the fact of an earlier rate whose patients these are or may be, None for new patients.
    inside : the fact of an earlier rate that these are a part of.
    of_events : whether the patients are only those who had an event, so that the share is
        conditional on it and no risk of the treated.
    """

    fact: Fact
    cell: str = ""
    study: str
    cited_as: str | None
    count: int
    n: int
    unit: str
    interval: tuple[float, float]
    model: Model
    favourable: bool
    also: tuple[Fact, ...] = ()
    again: Fact | None = None
    inside: Fact | None = None
    of_events: bool = False

    @property
    def derived(self) -> str | None:
        """Return the arithmetic of a count that is printed nowhere, None where it is printed."""
        names = (f"cells.{self.cell}",) if self.cell else ("responders", "part", "value", "n")
        given = [
            next((one.derived[name] for name in names if name in one.derived), None)
            for one in (self.fact, *self.also)
        ]
        return None if None in given else given[0]

    @property
    def value(self) -> float:
        """Return the share, or the events for each patient."""
        return self.count / self.n


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A fact that is not among the rates, and why."""

    fact: Fact
    reason: str


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Rates in the order in which they are shown, and the facts that were left out."""

    rates: tuple[Rate, ...]
    left_out: tuple[LeftOut, ...]


def response_proportions(ledger: Ledger) -> Selection:
    """Return every count of patients who reached an endpoint, with its exact interval.

    Own figures come before second-hand ones, responses before failures, then by line of treatment
    (first line, refractory, not stated) and subtype (all, several, one).
    """
    chosen, left = [], []
    for fact in ledger.facts.values():
        if fact.kind != "count":
            continue
        reason = _no_response(fact)
        if reason is None:
            count, n = counted(fact.values) or (0, fact.n)
            chosen.append(_rate(ledger, fact, count, n))
        else:
            left.append(LeftOut(fact=fact, reason=reason))
    stated = _each_once(chosen)
    stated.sort(key=_response_order)
    return Selection(rates=_with_again(stated), left_out=tuple(left))


def adverse_event_rates(ledger: Ledger) -> Selection:
    """Return every figure of harm as patients, courses or events, with its exact interval.

    Own figures come before second-hand ones, by study; the parts of a figure follow it. Of each
    study what is of patients with an event only comes last.
    """
    chosen: list[Rate] = []
    left = []
    for fact in ledger.facts.values():
        if not is_harm(fact):
            if fact.kind == "proportion" and fact.timing.how != "baseline":
                reason = "no adverse event by the name of its quantity"
                left.append(LeftOut(fact=fact, reason=reason))
            continue
        found = _harm(ledger, fact)
        if isinstance(found, str):
            left.append(LeftOut(fact=fact, reason=found))
        else:
            chosen += found
    stated = _each_once(chosen)
    studies = list(dict.fromkeys(rate.study for rate in stated))
    stated.sort(key=lambda rate: (rate.cited_as is not None, studies.index(rate.study)))
    ordered = [
        replace(rate, of_events=_only_with_event(ledger, rate))
        for rate in _parts_after_wholes(stated)
    ]
    # a part of a figure of its whole study may be conditional, so the order is made again
    ordered.sort(
        key=lambda rate: (rate.cited_as is not None, studies.index(rate.study), rate.of_events)
    )
    return Selection(rates=_with_again(ordered), left_out=tuple(left))


def is_harm(fact: Fact) -> bool:
    """Return whether a fact is about harm during treatment, by the words of its quantity."""
    return fact.timing.how != "baseline" and HARM.search(fact.quantity) is not None


def may_share_patients(one: Rate, other: Rate) -> bool:
    """Return whether two rates are, or may be, of the same patients.

    Sets of one study may overlap unless their subtypes are disjoint, whoever reports the study.
    """
    own, others = set(subtypes_of(one.fact)), set(subtypes_of(other.fact))
    apart = own and others and own.isdisjoint(others)
    return one.study == other.study and not apart


def _no_response(fact: Fact) -> str | None:
    """Return why a count is no response proportion, None where it is one."""
    if fact.role == "unusable":
        return f"not to be used: {fact.reason}"
    if is_harm(fact):
        return "harm, shown with the adverse events"
    if fact.unit != "patients":
        return f"counts {fact.unit}, not patients"
    if fact.timing.how == "baseline":
        return "a state at baseline, not a response"
    if fact.n == 1:
        return _ONE_PATIENT
    return None


def _harm(ledger: Ledger, fact: Fact) -> list[Rate] | str:
    """Return the rates of a fact about harm, or why it has none."""
    if fact.role == "unusable":
        return f"not to be used: {fact.reason}"
    if fact.n == 1:
        return _ONE_PATIENT
    values = fact.values
    whole = counted(values)
    if whole is not None:
        if fact.unit in ("patients", "courses"):
            return [_rate(ledger, fact, *whole)]
        return f"a part of {whole[1]} {fact.unit}, not of patients or courses"
    if isinstance(values, Multinomial | Tally):
        if fact.unit == "events":
            return [_events(ledger, fact, values.n)]
        if fact.unit == "patients":
            return _kinds(ledger, fact, values)
    if isinstance(values, Number) and fact.unit == "events":
        if values.relation == "=" and values.value >= 0 and values.value.is_integer():
            return [_events(ledger, fact, int(values.value))]
        return "events without an exact number"
    return "no count of patients, courses or events"


def _kinds(ledger: Ledger, fact: Fact, values: Multinomial | Tally) -> list[Rate] | str:
    """Return a rate for each kind of event among all the patients."""
    n = values.n
    if n != ledger.cohort(fact.cohort).n:
        around = None if fact.nested_in is None else ledger.fact(fact.nested_in)
        whole = None if around is None else counted(around.values)
        if whole is None or whole[0] != n:
            return f"kinds of event among the {n} patients who had one, not among all"
        n = whole[1]
    return [
        _rate(ledger, fact, count, n, cell=cell)
        for cell, count in values.cells.items()
        if cell not in _NO_EVENT
    ]


def _only_with_event(ledger: Ledger, rate: Rate) -> bool:
    """Return whether a rate is of patients who were chosen by having had an event.

    They are when their set is part of a larger one and is told as one with an event; when it is
    told by a kind of harm, and as many as it holds are counted with harm in a set around it; or
    when the rate is of just the patients whom the figure that it is nested in counts.
    """
    fact, cohorts = rate.fact, cohorts_of(ledger.documents)
    outer = None if fact.nested_in is None else ledger.fact(fact.nested_in)
    if outer is not None and is_harm(outer) and rate.unit == outer.unit == "patients":
        whole = counted(outer.values)
        if whole is not None and whole[0] == rate.n < whole[1]:
            return True
    around = sets_around(fact.cohort, cohorts)[1:]
    name, what = fact.cohort.partition(".")[2], cohorts[fact.cohort].what.casefold()
    if not around or _WITHOUT.search(what) or rate.n > cohorts[fact.cohort].n:
        return False
    if _EVENT.search(name) or _EVENT.search(what):
        return True
    with_harm = {
        whole[0]
        for other in ledger.facts.values()
        if other.cohort in around and other.unit == "patients" and is_harm(other)
        if (whole := counted(other.values)) is not None
    }
    told = "_".join((name, *what.split()))
    return HARM.search(told) is not None and cohorts[fact.cohort].n in with_harm


def _rate(ledger: Ledger, fact: Fact, count: int, n: int, cell: str = "") -> Rate:
    cohort = ledger.cohort(fact.cohort)
    return Rate(
        fact=fact,
        cell=cell,
        study=study_of(ledger, fact),
        cited_as=cohort.cited_as,
        count=count,
        n=n,
        unit=fact.unit,
        interval=exact_interval(count, n, _LEVEL),
        model="binomial",
        favourable=not (WORSE.search(fact.quantity) or is_harm(fact)),
    )


def _events(ledger: Ledger, fact: Fact, events: int) -> Rate:
    """Return events for each patient; several may be of one patient, so no binomial holds."""
    cohort = ledger.cohort(fact.cohort)
    return Rate(
        fact=fact,
        study=study_of(ledger, fact),
        cited_as=cohort.cited_as,
        count=events,
        n=fact.n,
        unit="events",
        interval=exact_rate_interval(events, fact.n, _LEVEL),
        model="Poisson",
        favourable=False,
    )


def _response_order(rate: Rate) -> tuple[bool, bool, int, int, list[int]]:
    lines = ("first_line", "refractory", None)
    known = list(get_args(Subtype))
    subtypes = sorted(known.index(name) for name in subtypes_of(rate.fact))
    return (
        rate.cited_as is not None,
        not rate.favourable,
        lines.index(rate.fact.line),
        -len(subtypes) if subtypes else -len(known) - 1,
        subtypes,
    )


def _each_once(rates: list[Rate]) -> list[Rate]:
    """Return the rates with those that state another one again put into it."""
    out: list[Rate] = []
    # what a fact says of itself comes before what a list of kinds says of it
    for rate in sorted(rates, key=lambda rate: rate.cell != ""):
        for i, other in enumerate(out):
            if _states_again(rate, other):
                out[i] = replace(other, also=(*other.also, rate.fact))
                break
        else:
            out.append(rate)
    return sorted(out, key=lambda rate: _first(rate, rates))


def _first(rate: Rate, rates: list[Rate]) -> int:
    """Return the place of a rate before others were put into it."""
    return next(i for i, o in enumerate(rates) if (o.fact, o.cell) == (rate.fact, rate.cell))


def _states_again(rate: Rate, other: Rate) -> bool:
    """Return whether a rate is the figure of another one, printed at another place."""
    one, first = rate.fact, other.fact
    alike = all(
        a == b
        for a, b in (
            (rate.cell or _counted_quantity(one), other.cell or _counted_quantity(first)),
            (one.cohort, first.cohort),
            (one.timing, first.timing),
            (subtypes_of(one), subtypes_of(first)),
            (one.arm, first.arm),
            ((rate.count, rate.n, rate.unit), (other.count, other.n, other.unit)),
        )
    )
    set_aside = one.as_printed != one.values or first.as_printed != first.values
    related = one.endpoint == first.endpoint or one.nested_in == first.id or rate.cell != ""
    return alike and related and not set_aside


def _counted_quantity(fact: Fact) -> str:
    return fact.quantity.removesuffix("_total")


def _with_again(rates: list[Rate]) -> tuple[Rate, ...]:
    """Say of each rate which earlier one it is a part of, or shares patients with."""
    out: list[Rate] = []
    holders: dict[str, Fact] = {}
    for rate in rates:
        again = next((other.fact for other in out if may_share_patients(rate, other)), None)
        inside = holders.get(rate.fact.nested_in or "")
        out.append(replace(rate, again=again, inside=inside))
        holders |= {fact.id: rate.fact for fact in (rate.fact, *rate.also)}
    return tuple(out)


def _parts_after_wholes(rates: list[Rate]) -> list[Rate]:
    """Return the rates with those nested in another one behind it, else in their order."""
    facts = {fact.id: rate.fact for rate in rates for fact in (rate.fact, *rate.also)}
    order = {rate.fact.id: i for i, rate in reversed(list(enumerate(rates)))}

    def path(rate: Rate) -> list[int]:
        steps, at = [], facts.get(rate.fact.id)
        while at is not None:
            steps.append(order[at.id])
            at = None if at.nested_in is None else facts.get(at.nested_in)
        return steps[::-1]

    return sorted(rates, key=path)
