"""Which facts are response proportions and rates of harm, with which intervals and marks."""

from __future__ import annotations

from typing import Any

import pytest
from scipy.stats import binomtest, chi2

from simtrial.evidence.ledger import Ledger, load_ledger
from simtrial.evidence.proportions import (
    Rate,
    Selection,
    adverse_event_rates,
    is_harm,
    response_proportions,
)
from simtrial.evidence.records import Alternative, Fact
from simtrial.evidence.sources import Cohort
from simtrial.evidence.values import Count
from simtrial.evidence.wording import counted
from simtrial.report.evidence_forests import (
    harm_forest,
    harm_numbers,
    response_forest,
    response_numbers,
)
from tests.unit.made_up_ledger import fact, made_up_ledger

Chosen = dict[str, Rate]


@pytest.fixture(scope="module", params=["shipped", "made up"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    return load_ledger() if request.param == "shipped" else made_up_ledger()


def with_facts(*facts: Fact) -> Ledger:
    """Return the made-up ledger with only these facts."""
    whole = made_up_ledger(2)
    return Ledger(documents=whole.documents, facts={one.id: one for one in facts})


def chosen(selection: Selection) -> Chosen:
    return {rate.fact.label: rate for rate in selection.rates}


def reasons(selection: Selection) -> dict[str, str]:
    return {left.fact.label: left.reason for left in selection.left_out}


def count(name: str, responders: int = 8, document: str = "made0", **more: Any) -> Fact:
    n = more.get("n", 40)
    values = {"n": n, "responders": responders}
    return fact(document, name, label=name, values=values, **({"endpoint": name} | more))


def share(name: str, part: int, n: int = 40, **more: Any) -> Fact:
    fields = {"timing": {"how": "end"}} | more
    values = {"n": n, "part": part}
    return fact("made0", name, label=name, kind="proportion", values=values, **fields)


def test_every_count_is_shown_once_or_left_out_for_a_reason(ledger: Ledger) -> None:
    selection = response_proportions(ledger)
    shown = [one.id for rate in selection.rates for one in (rate.fact, *rate.also)]
    left = [one.fact.id for one in selection.left_out]
    counts = [one.id for one in ledger.facts.values() if one.kind == "count"]
    assert counts
    assert sorted(shown + left) == sorted(counts)
    assert all(one.reason.strip() for one in selection.left_out)


def test_every_fact_about_harm_is_shown_or_left_out_for_a_reason(ledger: Ledger) -> None:
    selection = adverse_event_rates(ledger)
    harm = {one.id for one in ledger.facts.values() if is_harm(one)}
    accounted = {one.id for rate in selection.rates for one in (rate.fact, *rate.also)}
    left = {one.fact.id for one in selection.left_out}
    assert harm
    assert harm <= accounted | left
    assert not accounted & left


def test_intervals_are_exact(ledger: Ledger) -> None:
    for rate in (*response_proportions(ledger).rates, *adverse_event_rates(ledger).rates):
        if rate.model == "binomial":
            exact = binomtest(rate.count, rate.n).proportion_ci(0.95, method="exact")
            wanted = (exact.low, exact.high)
        else:
            low = chi2.ppf(0.025, 2 * rate.count) / 2 if rate.count else 0.0
            wanted = (low / rate.n, chi2.ppf(0.975, 2 * rate.count + 2) / 2 / rate.n)
        # SciPy finds its limits with a root finder, to about twelve digits
        assert rate.interval == pytest.approx(wanted, rel=1e-9, abs=1e-12), rate.fact.id


def test_responses_are_counted_as_the_ledger_uses_them(ledger: Ledger) -> None:
    for rate in response_proportions(ledger).rates:
        assert (rate.count, rate.n) == counted(rate.fact.values)


def test_own_and_second_hand_figures_are_never_mixed(ledger: Ledger) -> None:
    for selection in (response_proportions(ledger), adverse_event_rates(ledger)):
        second_hand = [rate.cited_as is not None for rate in selection.rates]
        assert second_hand == sorted(second_hand)
        for rate in selection.rates:
            assert (rate.study != rate.fact.document) == (rate.cited_as is not None)


def test_what_is_no_response_is_left_out_with_its_reason() -> None:
    selection = response_proportions(
        with_facts(
            count("kept"),
            count("baseline", timing={"how": "baseline"}),
            count("courses", unit="courses"),
            count("unusable", role="unusable", reason="the scale is unknown"),
            count("harm", quantity="death"),
            count("case", 1, n=1),
        )
    )
    assert set(chosen(selection)) == {"kept"}
    assert reasons(selection) == {
        "baseline": "a state at baseline, not a response",
        "courses": "counts courses, not patients",
        "unusable": "not to be used: the scale is unknown",
        "harm": "harm, shown with the adverse events",
        "case": "told of one patient, which is no proportion",
    }


def test_failures_stand_apart_from_responses() -> None:
    rates = response_proportions(
        with_facts(count("a", quantity="rescue"), count("b"), count("c", quantity="tis20_lost"))
    ).rates
    assert [(rate.fact.label, rate.favourable) for rate in rates] == [
        ("b", True),
        ("a", False),
        ("c", False),
    ]


def test_rows_go_by_line_of_treatment_then_from_all_subtypes_to_one() -> None:
    rates = response_proportions(
        with_facts(
            count("a", subtype="PM"),
            count("b", line="refractory", subtype="DM"),
            count("c", line="first_line", subtype="IBM"),
            count("d", line="first_line", subtypes=("PM", "DM")),
            count("e", line="first_line"),
            count("f", line="first_line", subtype="DM"),
        )
    ).rates
    assert [rate.fact.label for rate in rates] == ["e", "d", "f", "c", "b", "a"]


def test_a_figure_that_is_stated_again_has_one_row() -> None:
    said = {"endpoint": "better"}
    rates = chosen(
        response_proportions(
            with_facts(
                count("text", **said),
                count("abstract", **said),
                count("nested", nested_in="made0.text.all"),
                count("another_count", 9, **said),
                count("another_time", timing={"how": "by", "week": 13}, **said),
                count("another_end", timing={"how": "at", "week": 12}, **said),
                count("another_quantity", quantity="well", **said),
                count("another_subtype", subtype="DM", **said),
                count("another_endpoint"),
            )
        )
    )
    also = {label: [one.label for one in rate.also] for label, rate in rates.items()}
    assert also.pop("text") == ["abstract", "nested"]
    assert sorted(also) == [
        f"another_{x}" for x in ("count", "end", "endpoint", "quantity", "subtype", "time")
    ]
    assert not any(also.values())


def test_a_printed_figure_that_is_set_aside_keeps_its_row() -> None:
    other = Alternative(
        kind="count", values=Count(n=40, responders=9), as_printed=True, reason="a slip"
    )
    said = {"endpoint": "better"}
    rates = response_proportions(
        with_facts(count("text", **said), count("abstract", alternatives=(other,), **said))
    ).rates
    assert [rate.fact.label for rate in rates] == ["text", "abstract"]


def test_a_kind_that_is_told_by_itself_too_has_one_row() -> None:
    whole = share("whole", 9, quantity="reaction")
    nested = fact(
        *("made0", "kinds"),
        label="kinds",
        kind="multinomial",
        quantity="reaction_kinds",
        n=9,
        nested_in=whole.id,
        timing={"how": "end"},
        values={"n": 9, "cells": {"headache": 4, "rash": 5}},
    )
    alone = share("headache", 4, quantity="headache", nested_in=whole.id)
    rates = adverse_event_rates(with_facts(whole, nested, alone)).rates
    assert [(r.fact.label, r.cell, [o.label for o in r.also]) for r in rates] == [
        ("whole", "", []),
        ("kinds", "rash", []),
        ("headache", "", ["kinds"]),
    ]


def test_rows_of_the_same_patients_name_the_first_of_them() -> None:
    rates = chosen(
        response_proportions(
            with_facts(
                count("all", line="first_line"),
                count("dm", line="first_line", subtype="DM"),
                count("other", document="made1", line="first_line", subtype="PM"),
                count("ibm", document="made1", line="first_line", subtype="IBM"),
                count("quoted", cohort="made0.quoted", n=30),
                count("again", document="made1", cohort="made1.quoted", n=30, line="refractory"),
            )
        )
    )
    again = {label: rate.again and rate.again.label for label, rate in rates.items()}
    assert again == {
        "all": None,
        "dm": "all",
        "other": None,
        "ibm": None,  # no patient has two subtypes
        "again": None,
        "quoted": "again",  # one study, quoted by two documents
    }


def test_courses_and_events_have_the_model_that_they_allow() -> None:
    events = fact(
        *("made0", "events"),
        label="events",
        kind="multinomial",
        unit="events",
        quantity="serious_events",
        values={"n": 5, "cells": {"stroke": 2, "sepsis": 3}},
    )
    courses = share("courses", 2, 300, unit="courses", quantity="infection")
    rates = chosen(adverse_event_rates(with_facts(events, courses)))
    told = {label: (r.count, r.n, r.unit, r.model) for label, r in rates.items()}
    assert told == {
        "events": (5, 40, "events", "Poisson"),
        "courses": (2, 300, "courses", "binomial"),
    }


def test_kinds_of_event_are_of_all_patients_or_left_out() -> None:
    whole = share("whole", 9, quantity="reaction")
    fields: dict[str, Any] = {
        "kind": "multinomial",
        "quantity": "reaction_kinds",
        "n": 9,
        "values": {"n": 9, "cells": {"headache": 4, "rash": 5}},
    }
    nested = fact("made0", "nested", label="nested", nested_in=whole.id, **fields)
    alone = fact("made0", "alone", label="alone", **fields)
    other = share("other", 8, quantity="infection")  # 8 had it, and the kinds are of 9
    wrong = fact("made0", "wrong", label="wrong", nested_in=other.id, **fields)
    selection = adverse_event_rates(with_facts(nested, alone, whole, wrong, other))
    assert [(r.fact.label, r.cell, r.count, r.n) for r in selection.rates] == [
        ("whole", "", 9, 40),
        ("nested", "headache", 4, 40),
        ("nested", "rash", 5, 40),
        ("other", "", 8, 40),
    ]
    assert all(r.inside is not None for r in selection.rates if r.cell)
    reason = "kinds of event among the 9 patients who had one, not among all"
    assert reasons(selection) == {"alone": reason, "wrong": reason}


def test_what_describes_patients_at_baseline_is_no_harm() -> None:
    selection = adverse_event_rates(
        with_facts(
            share("before", 3, quantity="thrombosis", timing={"how": "baseline"}),
            share("other", 3, quantity="waned"),
            share("lysed", 1, quantity="haemolysis"),
        )
    )
    assert set(chosen(selection)) == {"lysed"}
    assert reasons(selection) == {"other": "no adverse event by the name of its quantity"}


def with_sets(sets: dict[str, Cohort], *facts: Fact) -> Ledger:
    """Return the made-up ledger with further sets, and only these facts."""
    whole = made_up_ledger(1)
    head = whole.documents["made0"]
    heads = {"made0": head.model_copy(update={"cohorts": {**head.cohorts, **sets}})}
    return Ledger(documents=heads, facts={one.id: one for one in facts})


def test_shares_of_those_with_an_event_stand_apart() -> None:
    within = {"within": "made0.treated"}
    sets = {
        "made0.serious": Cohort(n=3, what="with a serious reaction", **within),
        "made0.embolism": Cohort(n=2, what="with pulmonary embolism", **within),
        "made0.cancer": Cohort(n=5, what="with cancer before", **within),
        "made0.spared": Cohort(n=30, what="without a serious event", **within),
    }

    def of(name: str, n: int, part: int = 1, **more: Any) -> Fact:
        fields = {"quantity": "death", "cohort": f"made0.{name}", "timing": {"how": "end"}} | more
        values = {"n": n, "part": part}
        return fact("made0", name, label=name, kind="proportion", n=n, values=values, **fields)

    reaction = share("reaction", 9, quantity="reaction")
    its_patients = {"cohort": "made0.treated", "nested_in": reaction.id}
    rates = adverse_event_rates(
        with_sets(
            sets,
            of("serious", 3),
            of("embolism", 2),
            of("cancer", 5),
            of("spared", 30),
            share("clot", 2, quantity="embolism"),
            reaction,
            of("ended", 9, **its_patients),
        )
    ).rates
    apart = {rate.fact.label: rate.of_events for rate in rates}
    assert apart == {
        "serious": True,  # by what the set is called
        "embolism": True,  # by harm, and as many are counted with harm around it
        "ended": True,  # of just the nine whom the outer figure counts
        **dict.fromkeys(("cancer", "spared", "clot", "reaction"), False),
    }
    assert [rate.of_events for rate in rates] == sorted(rate.of_events for rate in rates)


def test_the_shipped_shares_of_those_with_an_event_are_the_two_about_stopping() -> None:
    rates = adverse_event_rates(load_ledger()).rates
    assert {rate.fact.label for rate in rates if rate.of_events} == {"L48", "M18"}
    titles = [group.title for group in harm_forest(load_ledger()).groups]
    assert [t for t in titles if "of those with an event" in t] == [
        f"{study}, of those with an event (no risk of the treated)" for study in ("lim21", "mas98")
    ]


def test_a_count_that_is_printed_nowhere_is_called_derived() -> None:
    sums = {"derived": {"responders": "3 + 5"}}
    rates = chosen(
        response_proportions(
            with_facts(
                count("sum", **sums),
                count("sum_and_print", endpoint="better", **sums),
                count("print", endpoint="better"),
            )
        )
    )
    assert {label: rate.derived for label, rate in rates.items()} == {
        "sum": "3 + 5",
        "sum_and_print": None,
    }


def test_derived_counts_are_marked_in_figure_and_table() -> None:
    ledger = load_ledger()
    labels = [r.label for g in response_forest(ledger).groups for r in g.rows]
    marked = {label.partition("[")[2].rstrip("]") for label in labels if "count derived" in label}
    assert marked == {"M13", "O11", "N20.abstract", "N21.m6"}
    told = {
        one.fact.label: one.cells[-1]
        for one in (*response_numbers(ledger), *harm_numbers(ledger))
        if "count not printed but derived" in one.cells[-1]
    }
    assert "derived: 10 + 6" in told["O11"]
    assert {"L45", "L46", "M16.septicaemia"} <= set(told)


def test_figure_and_table_print_a_count_alike() -> None:
    ledger = load_ledger()
    for forest, numbers, cell in (
        (response_forest(ledger), response_numbers(ledger), 5),
        (harm_forest(ledger), harm_numbers(ledger), 3),
    ):
        rows = [row for group in forest.groups for row in group.rows]
        for row, one in zip(rows, numbers, strict=True):
            assert (
                one.cells[cell].removesuffix(" patients").removesuffix(" courses")
                == (row.columns[1])
            )
    (events,) = [r for g in harm_forest(ledger).groups for r in g.rows if r.look == "events"]
    assert events.label.startswith("serious adverse events, all kinds together")
    assert events.columns[1] == "3 in 20"
