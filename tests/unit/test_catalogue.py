"""The catalogue of facts: what filters choose, and what an entry says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from simtrial.core.errors import EvidenceError
from simtrial.core.provenance import canonical_json
from simtrial.evidence.audit import audit
from simtrial.evidence.catalogue import entry, full_entry, select, told_of_all_subtypes
from simtrial.evidence.findings import Finding, used_of
from simtrial.evidence.ledger import Ledger, load_ledger, load_with
from simtrial.evidence.values import RECORDS
from simtrial.evidence.wording import in_words
from simtrial.report.facts import catalogue_table, fact_lines

FULL = Path(__file__).with_name("full_ledger.yaml")  # a made-up fact of every kind


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return load_ledger()


@pytest.fixture(scope="module")
def found(ledger: Ledger) -> tuple[Finding, ...]:
    return audit(ledger)


@pytest.fixture(scope="module")
def full() -> Ledger:
    return load_ledger([FULL])


def labels(ledger: Ledger, **filters: str | bool) -> list[str]:
    return [fact.label for fact in select(ledger, **filters)]


def test_without_a_filter_all_facts_are_chosen(ledger: Ledger) -> None:
    assert select(ledger) == tuple(ledger.facts.values())


def test_filters_are_taken_together(full: Ledger) -> None:
    assert labels(full, status="provisional", kind="proportion", document="full25") == ["N3"]
    assert labels(full, line="refractory", second_hand=True) == ["N14"]
    assert len(labels(full, status="provisional")) > 1
    assert len(labels(full, line="refractory")) > 1 < len(labels(full, second_hand=True))


def test_a_subtype_finds_facts_about_it_and_facts_that_pool_it(ledger: Ledger) -> None:
    labels = {fact.label for fact in select(ledger, subtype="PM")}
    assert {"M10", "M7", "M13"} <= labels
    assert "M12" not in labels  # inclusion body myositis only
    assert "L22" not in labels  # all subtypes


def test_provisional_and_read_twice_are_all_facts(full: Ledger) -> None:
    once, twice = (select(full, status=name) for name in ("provisional", "read twice"))
    assert {fact.label for fact in once} == {"N3", "N16"}
    assert len(once) + len(twice) == len(full.facts)
    assert all(fact.readings.second is None for fact in once)


def test_kind_cohort_line_and_arm_choose_what_they_name(full: Ledger) -> None:
    assert labels(full, kind="mean_change") == ["N11"]
    assert labels(full, cohort="full25.valid") == ["N10"]
    assert labels(full, line="first_line") == ["N15"]
    assert "N12" not in labels(full, line="refractory")  # of no line
    assert {"N5", "N12"}.isdisjoint(labels(full, arm="drug"))
    assert len(labels(full, arm="drug")) == len(full.facts) - 2
    assert labels(full, kind="interval", line="first_line") == []


def test_a_study_is_that_of_the_patients_wherever_it_is_told(full: Ledger) -> None:
    assert labels(full, study="oth99") == ["N14", "N15"]
    assert len(labels(full, study="full25")) == len(full.facts) - 2


def test_second_hand_and_own_figures_are_all_figures(full: Ledger) -> None:
    cited, own = (labels(full, second_hand=choice) for choice in (True, False))
    assert cited == ["N14", "N15"]
    assert sorted(cited + own) == sorted(labels(full))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("GLOBAL_change", ["N8"]),  # in the id
        ("drugs before", ["N6"]),  # in the endpoint
        ("-1,628", ["N11"]),  # in the print
        ('"quotes". and a SECOND', ["N1+N2"]),  # in a note, over its lines
        ("better  at", ["N1+N2", "N7"]),
        ("nobody says this", []),
    ],
)
def test_a_search_finds_texts_of_id_endpoint_print_and_note(
    full: Ledger, text: str, found: list[str]
) -> None:
    assert labels(full, search=text) == found


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"document": "lim"}, "--document lim: no fact has this document; the nearest is 'lim21'"),
        ({"role": "fitt"}, "--role fitt: no fact has this role; the nearest is 'fit'"),
        ({"quantity": "tis4"}, "--quantity tis4: no fact has this quantity; the nearest is 'tis40"),
        ({"subtype": "dmm"}, "--subtype dmm: no fact has this subtype; the nearest is 'DM'; choo"),
        ({"status": "twice"}, "--status twice: no fact has this status; the nearest is 'read tw"),
        ({"kind": "mean"}, "--kind mean: no fact has this kind; the nearest is 'mean_sd'"),
        ({"cohort": "lim21.all"}, "--cohort lim21.all: no fact has this cohort; the nearest is 'l"),
        ({"line": "first"}, "--line first: no fact has this line; the nearest is 'first_line'"),
        ({"arm": "IVIg"}, "--arm IVIg: no fact has this arm; the nearest is 'ivig'"),
        ({"study": "mas"}, "--study mas: no fact has this study; the nearest is 'mas98'"),
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
def test_everything_known_of_a_fact_is_shown(
    ledger: Ledger, found: tuple[Finding, ...], label: str
) -> None:
    fact = ledger.by_label(label)
    known = full_entry(ledger, fact, found)
    shown = " ".join(fact_lines(known).split())
    lines = "-".join(map(str, dict.fromkeys(fact.locator.lines)))
    for text in (fact.id, fact.label, fact.endpoint, fact.printed, f"{lines}", fact.role):
        assert " ".join(text.split()) in shown
    for text in (fact.readings.first, fact.note or "", *(a.reason for a in fact.alternatives)):
        assert " ".join(text.split()) in shown
    for reader in fact.read_by:
        assert reader in shown
    for one in (one for one in found if one.fact == fact.id):
        assert " ".join(one.proof.split()) in shown
    canonical_json(known)  # it is JSON, without NaN


@pytest.mark.parametrize("label", [fact.label for fact in load_ledger([FULL]).facts.values()])
def test_what_was_lost_derived_resolved_or_cited_is_shown_and_listed(
    full: Ledger, label: str
) -> None:
    fact, cohort = full.by_label(label), full.cohort(full.by_label(label).cohort)
    shown = " ".join(fact_lines(full_entry(full, fact)).split())
    wanted = [f"digits {fact.locator.digits}"]
    wanted += [f"p value {fact.p_value}"] * (fact.p_value is not None)
    wanted += [f"{name} = {given}" for name, given in fact.derived.items()]
    wanted += [f"restored {fact.restored}"] * (fact.restored is not None)
    wanted += [f"resolved: {fact.readings.resolved}"] * (fact.readings.resolved is not None)
    if cohort.study is not None:
        wanted.append(f"second-hand of study {cohort.study}, {cohort.cited_as}")
    if fact.timing.months is not None:
        wanted.append(f"month {fact.timing.months:g}")
    for text in wanted:
        assert text in shown
    listed = entry(full, fact)
    assert listed["locator"]["digits"] == fact.locator.digits
    assert (listed["p_value"], listed["restored"]) == (fact.p_value, fact.restored)
    assert (listed["derived"], listed["resolved"]) == (fact.derived, fact.readings.resolved)
    assert (listed["cohort"]["study"], listed["cohort"]["cited_as"]) == (
        *(cohort.study, cohort.cited_as),
    )
    assert listed["timing"]["months"] == fact.timing.months


def test_the_list_shows_p_values_studies_and_marks_where_there_are_some(full: Ledger) -> None:
    head, *lines = catalogue_table([entry(full, fact) for fact in select(full)]).splitlines()
    wanted = "(exact 95 %) p n subtypes when role status study place numbers"
    assert " ".join(head.split()[3:]) == wanted
    by_label = {line.split()[1]: line for line in lines}
    assert "< 0.01" in by_label["N1+N2"] and by_label["N1+N2"].endswith("resolved")
    assert by_label["N4"].endswith("derived") and by_label["N8"].endswith("restored")
    assert " oth99 " in by_label["N14"] and " own " in by_label["N11"]
    assert "at month 6 from month 3" in by_label["N11"]
    plain = catalogue_table([entry(full, full.by_label("N5"))]).splitlines()
    assert plain[0].split()[2:] == ["value", "n", "when", "role", "place"]  # read twice, of all


def test_the_list_shows_the_exact_interval_of_a_count_that_may_be_used(ledger: Ledger) -> None:
    lines = catalogue_table([entry(ledger, ledger.by_label(i)) for i in ("M8", "N30", "L22")])
    by_label = {line.split()[1]: line for line in lines.splitlines()}
    # Clopper-Pearson of 4 of 7 and of 8 of 19, from published tables
    assert "4 of 7, 57.1 % (18.4 to 90.1)" in by_label["M8"]
    assert "8 of 19, 42.1 % (20.3 to 66.5)" in by_label["L22"]
    assert "1 of 22 " in by_label["N30"] and "%" not in by_label["N30"]  # unusable


def test_the_list_is_no_wider_than_its_longest_names_need(ledger: Ledger) -> None:
    lines = catalogue_table([entry(ledger, fact) for fact in select(ledger)]).splitlines()
    # id 44, label 20, value 38, place 24 and nine short columns, with their gaps
    assert max(map(len, lines)) <= 240


@pytest.mark.parametrize("name", ["DM", "dm", "dermatomyositis", "Dermatomyositis"])
def test_a_subtype_is_known_by_its_long_name_and_in_any_case(ledger: Ledger, name: str) -> None:
    assert labels(ledger, subtype=name) == labels(ledger, subtype="DM")
    assert labels(ledger, subtype="antisynthetase syndrome") == labels(ledger, subtype="ASyS")


@pytest.mark.parametrize(
    ("number", "document"),
    [("000", "nan25"), ("001", "oha21"), ("002", "lim21"), ("003", "gan23"), ("004", "mas98")],
)
def test_a_document_is_known_by_its_number(ledger: Ledger, number: str, document: str) -> None:
    assert ledger.documents[document].number == number
    assert labels(ledger, document=number) == labels(ledger, document=document)
    assert document not in load_with(without=[number]).documents
    (first, *_) = select(ledger, document=number)
    assert f"{document} ({number})," in fact_lines(full_entry(ledger, first))


def test_a_number_of_two_documents_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    text = FULL.read_text(encoding="utf-8").replace(
        "id: full25\n", "id: full25\nnumber: '002'\n", 1
    )
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(EvidenceError) as caught:
        load_with([tmp_path / "own.yaml"])
    assert "own.yaml, line 3: number is '002'; lim21 has this number" in str(caught.value)


def test_a_number_moves_no_digest_of_the_figures(ledger: Ledger) -> None:
    heads = {i: head.model_copy(update={"number": None}) for i, head in ledger.documents.items()}
    assert replace(ledger, documents=heads).digest() == ledger.digest()


@pytest.mark.parametrize(
    ("filters", "all_names"),
    [
        ({"role": "x"}, "fit, check, context, unusable"),
        ({"line": "x"}, "first_line, refractory"),
        ({"status": "x"}, "provisional, read twice"),
        ({"subtype": "x"}, "DM, PM, IMNM, ASyS, OM, IBM, ICI"),
        ({"kind": "x"}, ", ".join(RECORDS)),
        ({"arm": "x"}, "ivig"),
        ({"document": "x"}, "gan23 (003), lim21 (002), mas98 (004), nan25 (000), oha21 (001)"),
    ],
)
def test_a_filter_of_few_names_tells_them_all(
    ledger: Ledger, filters: dict[str, str], all_names: str
) -> None:
    with pytest.raises(EvidenceError) as caught:
        select(ledger, **filters)
    said = str(caught.value).partition("choose from ")[2]
    assert set(all_names.split(", ")) <= set(said.rstrip(".").split(", "))


@pytest.mark.parametrize("name", ["lim21", "002"])
def test_a_document_in_place_of_a_set_is_told_so(ledger: Ledger, name: str) -> None:
    with pytest.raises(
        EvidenceError, match=f"write --document {name}; one of its .*lim21.screened"
    ):
        select(ledger, cohort=name)


def test_facts_about_all_subtypes_of_sets_that_hold_one_are_told(ledger: Ledger) -> None:
    told = told_of_all_subtypes(ledger, "dermatomyositis", document="002")
    assert told
    assert {fact.document for fact in told} == {"lim21"}
    assert not any(fact.subtype or fact.subtypes for fact in told)
    cohorts = {fact.cohort for fact in told}
    assert {"lim21.analysed", "lim21.screened"} <= cohorts  # the second is around the first
    assert "lim21.responders" not in cohorts  # inside: nothing says that it holds one
    assert told_of_all_subtypes(ledger, "DM", cohort="mas98.clinic", role="fit") == ()


@pytest.mark.parametrize(("label", "role"), [("N18", "unusable"), ("N28", "context")])
def test_what_nothing_reads_is_not_called_used(
    ledger: Ledger, found: tuple[Finding, ...], label: str, role: str
) -> None:
    fact = ledger.by_label(label)
    shown = [" ".join(line.split()) for line in fact_lines(full_entry(ledger, fact)).splitlines()]
    reading = in_words(fact.values, fact.unit)
    assert f"used not used, {role}" in shown and f"reading {reading}" in shown
    assert used_of(fact) == f"not used, {role}; reading {reading}"
    assert not any(one.used.startswith(reading) for one in found if one.fact == fact.id)
    assert used_of(ledger.by_label("M8")) == "4 of 7"


def test_the_list_has_one_line_a_fact(ledger: Ledger) -> None:
    lines = catalogue_table([entry(ledger, fact) for fact in select(ledger)]).splitlines()
    assert len(lines) == 1 + len(ledger.facts)
    assert all(fact.id in line for fact, line in zip(select(ledger), lines[1:], strict=True))
