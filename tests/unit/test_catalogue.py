"""The catalogue of facts: what filters choose, and what an entry says."""

from __future__ import annotations

import pytest

from simtrial.core.errors import EvidenceError
from simtrial.core.provenance import canonical_json
from simtrial.evidence.catalogue import entry, full_entry, select
from simtrial.evidence.ledger import Ledger, load_ledger
from simtrial.report.facts import catalogue_table, fact_lines


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return load_ledger()


def test_without_a_filter_all_facts_are_chosen(ledger: Ledger) -> None:
    assert select(ledger) == tuple(ledger.facts.values())


def test_filters_are_taken_together(ledger: Ledger) -> None:
    chosen = select(ledger, document="mas98", role="check", status="provisional")
    assert [fact.label for fact in chosen] == ["M13"]
    assert len(select(ledger, document="mas98", role="check")) > 1
    assert len(select(ledger, document="mas98", status="provisional")) > 1


def test_a_subtype_finds_facts_about_it_and_facts_that_pool_it(ledger: Ledger) -> None:
    labels = {fact.label for fact in select(ledger, subtype="PM")}
    assert {"M10", "M7", "M13"} <= labels
    assert "M12" not in labels  # inclusion body myositis only
    assert "L22" not in labels  # all subtypes


def test_provisional_and_read_twice_are_all_facts(ledger: Ledger) -> None:
    once, twice = (select(ledger, status=name) for name in ("provisional", "read twice"))
    assert "L23" in {fact.label for fact in once}
    assert len(once) + len(twice) == len(ledger.facts)
    assert all(fact.readings.second is None for fact in once)


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"document": "lim"}, "--document lim: no fact has this document; the nearest is 'lim21'"),
        ({"role": "fitt"}, "--role fitt: no fact has this role; the nearest is 'fit'"),
        ({"quantity": "tis4"}, "--quantity tis4: no fact has this quantity; the nearest is 'tis40"),
        ({"subtype": "dm"}, "--subtype dm: no fact has this subtype; the nearest is 'DM'"),
        ({"status": "twice"}, "--status twice: no fact has this status; the nearest is 'read tw"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(
    ledger: Ledger, filters: dict[str, str], said: str
) -> None:
    with pytest.raises(EvidenceError) as caught:
        select(ledger, **filters)
    assert said in str(caught.value)


def test_the_exact_interval_of_a_count_is_shown(ledger: Ledger) -> None:
    (share,) = full_entry(ledger, ledger.by_label("L22"))["shares"]
    # the exact interval of 8 of 19 is 20.3 to 66.5 %
    assert [round(100 * end, 1) for end in share["interval95"]] == [20.3, 66.5]
    shown = fact_lines(full_entry(ledger, ledger.by_label("L22")))
    assert "42.1 %, exact 95 % interval 20.3 to 66.5 % (Clopper-Pearson)" in shown


def test_events_that_may_be_of_one_patient_have_no_binomial_interval(ledger: Ledger) -> None:
    assert full_entry(ledger, ledger.by_label("L46.events"))["shares"] == []
    courses = full_entry(ledger, ledger.by_label("M16"))
    assert len(courses["shares"]) == 1
    assert "as if courses were independent" in fact_lines(courses)


@pytest.mark.parametrize("label", [fact.label for fact in load_ledger().facts.values()])
def test_everything_known_of_a_fact_is_shown(ledger: Ledger, label: str) -> None:
    fact = ledger.by_label(label)
    shown = " ".join(fact_lines(full_entry(ledger, fact)).split())
    lines = "-".join(map(str, dict.fromkeys(fact.locator.lines)))
    for text in (fact.id, fact.label, fact.endpoint, fact.printed, f"{lines}", fact.role):
        assert " ".join(text.split()) in shown
    for text in (fact.readings.first, fact.note or "", *(a.reason for a in fact.alternatives)):
        assert " ".join(text.split()) in shown
    for reader in fact.read_by:
        assert reader in shown
    canonical_json(full_entry(ledger, fact))  # it is JSON, without NaN


def test_the_list_has_one_line_a_fact(ledger: Ledger) -> None:
    lines = catalogue_table([entry(fact) for fact in select(ledger)]).splitlines()
    assert len(lines) == 1 + len(ledger.facts)
    assert all(fact.id in line for fact, line in zip(select(ledger), lines[1:], strict=True))
