"""The two forests of the ledger, response and harm: their rows, and the same numbers as a table."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple, get_args

from simtrial.evidence.catalogue import study_of
from simtrial.evidence.counts import Multinomial, Subtype, Tally
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.proportions import (
    Rate,
    Selection,
    adverse_event_rates,
    is_harm,
    response_proportions,
)
from simtrial.evidence.records import Fact
from simtrial.evidence.wording import in_words, subtypes_of, when
from simtrial.report.forest import Forest, Group, Look, Row
from simtrial.report.tables import per_hundred

LINES = {
    "first_line": "First line",
    "refractory": "Refractory",
    None: "Line of treatment not stated",
}
_PERCENT = (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
_DERIVED = (
    "Count derived: it is not printed, but follows from figures that are; the table below the "
    "figure on the page has the arithmetic."
)
_OF_EVENTS = "of those with an event (no risk of the treated)"
_OWN, _QUOTED = "Reported by the study itself", "Second-hand: quoted by another document"

RESPONSE_HEAD = (
    "study",
    "line",
    "subtypes",
    "endpoint",
    "when",
    "patients",
    "%",
    "exact 95 % interval",
    "remarks",
)
HARM_HEAD = (
    "study",
    "event",
    "when",
    "count",
    "per 100",
    "exact 95 % interval",
    "model",
    "remarks",
)


class Numbers(NamedTuple):
    """The numbers of one row of a forest, and the fact they are of."""

    fact: Fact
    cells: list[str]


def response_forest(ledger: Ledger) -> Forest:
    """Return the forest of every response proportion of a ledger."""
    rates = response_proportions(ledger).rates
    usual = _usual_sets(ledger)
    several = len({rate.fact.arm for rate in rates} - {None}) > 1
    groups, part = [], None
    for (own, good, *_), together in itertools.groupby(rates, key=_response_group):
        rows = list(together)
        heading = _OWN if own else _QUOTED
        if not good:
            heading += ": failures, where a higher share is worse"
        groups.append(
            Group(
                part=heading if heading != part else None,
                title=f"{LINES[rows[0].fact.line]}, {subtypes_in_words(rows[0].fact)}",
                rows=tuple(_response_row(ledger, rate, usual, arm=several) for rate in rows),
            )
        )
        part = heading
    return Forest(
        title="Response proportions of the documents, with exact 95 % intervals",
        groups=tuple(groups),
        heads=("study", "patients", "% (95 % interval)"),
        axis="% of patients",
        marks=_PERCENT,
        keys=(
            ("own", "reported by the study itself"),
            ("again", "the same, of patients who are or may be in a row above (indented)"),
            ("second_hand", "second-hand: a study as quoted by another document"),
        ),
        remarks=(
            "Endpoints, times and patients differ from row to row: nothing here is pooled, and "
            "rows are not to be compared without their labels.",
            "Intervals are Clopper-Pearson. Rows of one study are not independent of one another.",
            _DERIVED,
            "In round brackets: whose figure it is, where not that of most of its study. In square "
            "brackets: labels of the facts that state it, as in the tables of the page.",
        ),
    )


def harm_forest(ledger: Ledger) -> Forest:
    """Return the forest of every figure of harm of a ledger, by document."""
    rates = adverse_event_rates(ledger).rates
    usual = _usual_sets(ledger)
    groups, part = [], None
    for (own, study, of_events), together in itertools.groupby(rates, key=_harm_group):
        rows = tuple(_harm_row(ledger, rate, usual) for rate in together)
        heading = _OWN if own else _QUOTED
        title = f"{study}, {_OF_EVENTS}" if of_events else study
        groups.append(Group(part=heading if heading != part else None, title=title, rows=rows))
        part = heading
    highest = max((100.0 * rate.interval[1] for rate in rates), default=0.0)
    return Forest(
        title="Adverse events of the documents, with exact 95 % intervals",
        groups=tuple(groups),
        heads=("counted", "count", "per 100 (interval)"),
        axis="per 100 patients or courses",
        marks=_PERCENT if highest <= 100.0 else (0.0, *_beyond(highest)),
        keys=(
            ("own", "share of patients or courses with an event (Clopper-Pearson)"),
            ("events", "events for 100 patients, who may have several (Poisson, Garwood)"),
            ("second_hand", "second-hand: a study as quoted by another document"),
        ),
        remarks=(
            "Rows of one document are of the same patients, who may be in several; indented rows "
            "are part of the row above them. Courses are taken as independent of one another.",
            "How events were looked for differs between documents: an event without a row was not "
            "printed, which does not mean that there was none. Nothing here is pooled.",
            _DERIVED,
            "In round brackets: whose figure it is, where not that of most of its study. In square "
            "brackets: labels of the facts that state it, as in the tables of the page.",
        ),
    )


def response_numbers(ledger: Ledger) -> list[Numbers]:
    """Return the numbers of the response forest, row by row, under ``RESPONSE_HEAD``."""
    out = []
    for rate in response_proportions(ledger).rates:
        fact = rate.fact
        cells = [
            _study(rate),
            LINES[fact.line].lower(),
            subtypes_in_words(fact),
            fact.endpoint,
            time_in_words(fact),
            _count(rate),
            per_hundred(rate.count / rate.n),
            _limits(rate),
            "; ".join(_remarks(ledger, rate)),
        ]
        out.append(Numbers(fact, cells))
    return out


def harm_numbers(ledger: Ledger) -> list[Numbers]:
    """Return the numbers of the forest of harm, row by row, under ``HARM_HEAD``."""
    out = []
    for rate in adverse_event_rates(ledger).rates:
        fact = rate.fact
        remarks = _remarks(ledger, rate, response=False)
        if subtypes_of(fact):
            remarks.append(subtypes_in_words(fact))
        if rate.inside is not None:
            remarks.append(f"part of {rate.inside.label}")
        cells = [
            _study(rate),
            _event(rate),
            time_in_words(fact),
            f"{_count(rate)} {_of(rate)}",
            per_hundred(rate.count / rate.n),
            _limits(rate),
            rate.model,
            "; ".join(remarks),
        ]
        out.append(Numbers(fact, cells))
    return out


def left_out_by_reason(selection: Selection) -> dict[str, list[Fact]]:
    """Return the facts that are not in a forest, by the reason."""
    out: dict[str, list[Fact]] = {}
    for one in selection.left_out:
        out.setdefault(one.reason, []).append(one.fact)
    return out


def subtypes_in_words(fact: Fact) -> str:
    """Return ``DM + PM``, or that no subtype is named."""
    ordered = sorted(subtypes_of(fact), key=get_args(Subtype).index)
    return " + ".join(ordered) or "all subtypes of the study"


def time_in_words(fact: Fact) -> str:
    """Return when a figure was seen, or that no time is stated."""
    time = when(fact.timing)
    return "time not stated" if "unstated" in time else time


def what_and_when(fact: Fact, endpoint: str) -> str:
    """Return an endpoint with its time; a time that it names itself is not said twice."""
    time, bracket, inside = time_in_words(fact).partition(" (")
    said = endpoint if time in endpoint else f"{endpoint}; {time}"
    return f"{said}{bracket}{inside}"


def _response_group(rate: Rate) -> tuple[bool, bool, str | None, str]:
    fact = rate.fact
    return rate.cited_as is None, rate.favourable, fact.line, subtypes_in_words(fact)


def _harm_group(rate: Rate) -> tuple[bool, str, bool]:
    return rate.cited_as is None, _study(rate), rate.of_events


def _usual_sets(ledger: Ledger) -> dict[str, str]:
    """Return the set of patients that most facts of a study are about, by study."""
    sets: dict[str, Counter[str]] = {}
    for fact in ledger.facts.values():
        sets.setdefault(study_of(ledger, fact), Counter())[fact.cohort] += 1
    return {study: counts.most_common(1)[0][0] for study, counts in sets.items()}


def _response_row(ledger: Ledger, rate: Rate, usual: Mapping[str, str], *, arm: bool) -> Row:
    fact = rate.fact
    words = _label(ledger, rate, usual)
    if arm and fact.arm is not None:
        words += f"; arm {fact.arm}"
    if fact.as_printed != fact.values:
        words += f"; printed: {in_words(fact.as_printed)}"
    words += _derived(rate)
    look: Look = "own" if rate.again is None else "again"
    return Row(
        label=f"{_relations(words)} {_labels(rate)}",
        **_scaled(rate),
        columns=(
            _study(rate),
            _count(rate),
            f"{per_hundred(rate.count / rate.n)} ({_limits(rate)})",
        ),
        look=look if rate.cited_as is None else "second_hand",
        indent=0 if rate.again is None else 1,
    )


def _harm_row(ledger: Ledger, rate: Rate, usual: Mapping[str, str]) -> Row:
    look: Look = "events" if rate.model == "Poisson" else "own"
    return Row(
        label=f"{_relations(_label(ledger, rate, usual) + _derived(rate))} {_labels(rate)}",
        **_scaled(rate),
        columns=(
            rate.unit,
            _count(rate),
            f"{per_hundred(rate.count / rate.n)} ({_limits(rate)})",
        ),
        look=look if rate.cited_as is None else "second_hand",
        # what is conditional is a part of no row: its patients are not all the treated
        indent=0 if rate.inside is None or rate.of_events else 1,
    )


def _label(ledger: Ledger, rate: Rate, usual: Mapping[str, str]) -> str:
    """Return what and when, and of whom where that is not the usual set of the study."""
    words = what_and_when(rate.fact, _event(rate))
    # responses have their subtypes in the heading
    if is_harm(rate.fact) and subtypes_of(rate.fact):
        words += f"; {subtypes_in_words(rate.fact)}"
    if rate.cited_as is None and rate.fact.cohort == usual[rate.study]:
        return words
    return f"{words} ({ledger.cohort(rate.fact.cohort).what})"


def _derived(rate: Rate) -> str:
    return "" if rate.derived is None else "; count derived"


def _labels(rate: Rate) -> str:
    return f"[{', '.join(fact.label for fact in (rate.fact, *rate.also))}]"


def _event(rate: Rate) -> str:
    if not rate.cell:
        if rate.unit == "events" and isinstance(rate.fact.values, Multinomial | Tally):
            return f"{rate.fact.endpoint.removesuffix(' by kind')}, all kinds together"
        return rate.fact.endpoint
    return f"{rate.fact.endpoint}: {rate.cell.replace('_', ' ')}"


def _study(rate: Rate) -> str:
    return rate.study if rate.cited_as is None else f"{rate.study} in {rate.fact.document}"


def _count(rate: Rate) -> str:
    """Return ``2 of 16``, or ``3 in 20`` for events, of which a patient may have several."""
    return f"{rate.count} {'in' if rate.unit == 'events' else 'of'} {rate.n}"


def _of(rate: Rate) -> str:
    return "courses" if rate.unit == "courses" else "patients"


def _scaled(rate: Rate) -> dict[str, float]:
    low, high = rate.interval
    return {"low": 100 * low, "value": 100 * rate.value, "high": 100 * high}


def _limits(rate: Rate) -> str:
    low, high = rate.interval
    return f"{100 * low:.1f} to {100 * high:.1f}"


def _remarks(ledger: Ledger, rate: Rate, *, response: bool = True) -> list[str]:
    fact, cohort = rate.fact, ledger.cohort(rate.fact.cohort)
    out = [cohort.what]
    if rate.also:
        out.append(f"stated again in {', '.join(fact.label for fact in rate.also)}")
    if response and not rate.favourable:
        out.append("a failure: a higher share is worse")
    if fact.as_printed != fact.values:
        out.append(f"printed: {in_words(fact.as_printed, fact.unit).replace('_', ' ')}")
    if rate.derived is not None:
        out.append(f"count not printed but derived: {rate.derived}")
    if rate.of_events:
        out.append("of those with an event only, so no risk of the treated")
    if rate.cited_as is not None:
        out.append(f"quoted as {rate.cited_as}")
    if response and rate.again is not None:
        out.append(f"same patients, or some of them, as in {rate.again.label}")
    return out


def _relations(words: str) -> str:
    return " ".join(words.split()).replace(">=", "\u2265").replace("<=", "\u2264")


def _beyond(highest: float) -> Iterator[float]:
    """Yield four marks up to an end at or above the highest number."""
    step = 50.0
    while 4 * step < highest:
        step *= 2
    yield from (step * i for i in range(1, 5))
