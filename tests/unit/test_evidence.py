"""The ledger of facts: what it refuses, what it promises, and what the patient rows re-derive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from simtrial.core.errors import EvidenceError
from simtrial.evidence.ledger import Ledger, load_ledger, replace_patients, replace_values
from simtrial.evidence.records import Fact
from simtrial.evidence.sources import Timing
from simtrial.evidence.values import Count, Mix, Multinomial, Patient, Proportion, Times
from tests.unit.conftest import Edit

JOINT = "lim21.tis_course.ivig"
WEEK_9 = "    values: {n: 19, responders: 8}\n    readings: {first: '8 of 19'"


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return load_ledger()


def refusal(directory: Path) -> str:
    with pytest.raises(EvidenceError) as caught:
        load_ledger([directory])
    return str(caught.value)


def responders(patients: tuple[Patient, ...], *subtypes: str) -> tuple[int, int]:
    of_these = [patient for patient in patients if patient.subtype in subtypes]
    return sum(patient.improved for patient in of_these), len(of_these)


# what the shipped ledger promises


def test_the_shipped_ledger_loads_both_documents(ledger: Ledger) -> None:
    assert set(ledger.documents) >= {"lim21", "mas98"}


def test_a_directory_of_copies_is_the_same_ledger(ledger: Ledger, edited: Edit) -> None:
    assert load_ledger([edited("L22+L24", "L22+L24")]) == ledger


def test_every_fitted_or_checked_fact_names_its_reader(ledger: Ledger) -> None:
    facts = ledger.with_role("fit", "check")
    assert facts
    assert all(fact.read_by and all(fact.read_by) for fact in facts)


def test_every_label_finds_its_fact(ledger: Ledger) -> None:
    assert all(ledger.by_label(fact.label) is fact for fact in ledger.facts.values())


def test_an_unknown_id_is_answered_with_the_nearest(ledger: Ledger) -> None:
    with pytest.raises(EvidenceError, match=r"nearest is 'lim21\.tis40_by_w9\.ivig'"):
        ledger.fact("lim21.tis40_at_w9.ivig")


def test_an_unknown_label_is_answered_with_the_nearest(ledger: Ledger) -> None:
    with pytest.raises(EvidenceError, match=r"Label 'L022'.*nearest is 'L22'"):
        ledger.by_label("L022")


def test_a_study_without_a_patient_table_says_which_has_one(ledger: Ledger) -> None:
    with pytest.raises(EvidenceError, match=r"'lim21'.*nearest is 'mas98'"):
        ledger.patients("lim21")


def test_values_of_another_kind_are_not_handed_out(ledger: Ledger) -> None:
    with pytest.raises(EvidenceError, match="is of kind count, and Times was asked for"):
        ledger.by_label("L22").values_as(Times)


def test_a_loaded_fact_cannot_be_changed(ledger: Ledger) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(ledger.by_label("L22"), "n", 20)  # noqa: B010  # an assignment mypy would refuse


def test_every_figure_that_is_set_aside_has_a_reason(ledger: Ledger) -> None:
    assert all(a.reason for fact in ledger.facts.values() for a in fact.alternatives)


def test_as_printed_is_the_documents_figure_where_the_used_one_differs(ledger: Ledger) -> None:
    fact = ledger.by_label("M9")
    assert fact.values == Count(n=5, responders=3)
    assert fact.as_printed == Count(n=5, responders=4)


# what a file may not say


def test_more_responders_than_patients_says_where_what_the_rule_and_an_example(
    edited: Edit,
) -> None:
    directory = edited(WEEK_9, WEEK_9.replace("responders: 8", "responders: 21"))
    lines = (directory / "lim21.yaml").read_text(encoding="utf-8").splitlines()
    line = next(i for i, text in enumerate(lines, start=1) if "responders: 21" in text)
    message = refusal(directory)
    assert f"lim21.yaml, line {line}: facts[" in message
    assert "].values.responders is 21; more responders than patients, n is 19" in message
    assert "for example responders: 8" in message


def test_an_unknown_key_is_answered_with_the_nearest(edited: Edit) -> None:
    message = refusal(edited("    label: L22\n", "    label: L22\n    reed_by: [replication]\n"))
    assert "].reed_by is not a known key (its value is ['replication']); the nearest" in message
    assert "the nearest known key is 'read_by'; for example read_by: [replication]" in message


def test_an_unknown_key_of_a_patient_is_answered_with_the_nearest(edited: Edit) -> None:
    message = refusal(edited("{case: 9, sex: F,", "{case: 9, sexe: F,", "mas98.yaml"))
    assert "values.patients[8].sexe is not a known key (its value is 'F')" in message
    assert "the nearest known key is 'sex'; for example sex: F" in message


def test_an_unknown_kind_is_refused(edited: Edit) -> None:
    message = refusal(edited("kind: times", "kind: tims"))
    assert "].kind is 'tims'" in message
    assert "'times'" in message


def test_quartiles_out_of_order_are_refused(edited: Edit) -> None:
    message = refusal(edited("{q1: 3.2, median: 3.8, q3: 4.0}", "{q1: 3.2, median: 3.8, q3: 3.0}"))
    assert "].values.q3 is 3.0; quartiles ascend, q1 <= median <= q3, and median is 3.8" in message


def test_cells_that_do_not_sum_to_n_are_refused(edited: Edit) -> None:
    message = refusal(edited("        never: 7\n", "        never: 6\n"))
    assert "the cells sum to 18, and n is 19" in message


def test_first_weeks_and_never_that_do_not_sum_to_n_are_refused(edited: Edit) -> None:
    message = refusal(edited("never: 11, first_by_week", "never: 12, first_by_week"))
    assert "the cells with never sum to 20, and n is 19" in message


def test_a_text_for_a_number_is_refused(edited: Edit) -> None:
    directory = edited(WEEK_9, WEEK_9.replace("responders: 8", "responders: '8'"))
    message = refusal(directory)
    assert "].values.responders is '8'; it must be a whole number from 0 to 1,000,000" in message
    assert "leave the quotes out; for example responders: 8" in message


def test_a_nest_that_does_not_exist_is_refused_with_the_nearest(edited: Edit) -> None:
    old = "    nested_in: lim21.subtype_mix.included\n"
    message = refusal(edited(old, old.replace("included", "enrolled")))
    assert "].nested_in is lim21.subtype_mix.enrolled; no fact has this id" in message
    assert "nearest is 'lim21.subtype_mix." in message


def test_a_nest_that_leads_back_is_refused(edited: Edit) -> None:
    old = "  - id: lim21.subtype_mix.included\n"
    message = refusal(edited(old, old + "    nested_in: lim21.subtype_mix.analysed\n"))
    assert "the nest leads back to lim21.subtype_mix.included" in message


def test_an_id_that_stands_twice_is_refused(edited: Edit) -> None:
    message = refusal(edited("- id: lim21.age_onset.om\n", "- id: lim21.age_onset.imnm\n"))
    assert "].id is lim21.age_onset.imnm; an id names one fact" in message


def test_a_label_that_stands_twice_is_refused(edited: Edit) -> None:
    message = refusal(edited("label: L12.OM\n", "label: L12.DM\n"))
    assert "].label is L12.DM; lim21.age_onset.dm has it" in message


def test_an_unknown_cohort_is_refused_with_the_nearest(edited: Edit) -> None:
    message = refusal(edited("    cohort: lim21.first_ten\n", "    cohort: lim21.first_tn\n"))
    assert "].cohort is lim21.first_tn; no cohort has this id" in message
    assert "'lim21.first_ten'" in message


def test_a_fact_about_more_patients_than_its_cohort_is_refused(edited: Edit) -> None:
    message = refusal(edited("lim21.first_ten: {n: 10,", "lim21.first_ten: {n: 9,"))
    assert "].n is 10; its cohort lim21.first_ten has 9 patients" in message


def test_a_cohort_larger_than_the_one_around_it_is_refused(edited: Edit) -> None:
    message = refusal(edited("lim21.analysed: {n: 19,", "lim21.analysed: {n: 21,"))
    assert "cohorts.lim21.analysed.n is 21; lim21.included, around it, has 20" in message


def test_a_fitted_fact_without_a_reader_is_refused(edited: Edit) -> None:
    message = refusal(edited("    read_by: [rescue model]\n", ""))
    assert "].read_by is []; a fact with role fit names what reads it" in message


def test_an_unusable_fact_without_a_reason_is_refused(edited: Edit) -> None:
    old = "    role: fit\n    read_by: [rescue model]\n"
    message = refusal(edited(old, "    role: unusable\n"))
    assert "].reason is null; an unusable fact says why" in message


def test_a_fact_inside_a_fitted_one_cannot_be_fitted_too(edited: Edit) -> None:
    old = "    read_by: [course likelihood of lim21]\n"
    again = edited(old, old + f"    nested_in: {JOINT}\n")
    assert f"the nest leads back to {JOINT}" in refusal(again)
    old = "    nested_in: lim21.tis_course.ivig\n    role: check\n    read_by: [replication]\n"
    first = "    readings: {first: '6 by week 3, 1 by week 4, 1 by week 6', second: agrees}\n"
    message = refusal(edited(first + old, first + old.replace("check", "fit")))
    assert f"].role is fit; {JOINT} holds the same patients and is fitted" in message


def test_fitted_patients_of_a_quantity_never_exceed_their_cohort(edited: Edit) -> None:
    # the 19 and the 20 they are part of, fitted for one quantity
    old = "    readings: {first: '8 of 20, patient 2 without response', second: agrees}\n"
    twice = edited(old + "    role: context\n", old + "    role: fit\n    read_by: [x]\n")
    file = twice / "lim21.yaml"
    text = file.read_text(encoding="utf-8").replace("quantity: tis40\n", "quantity: tis_course\n")
    file.write_text(text, encoding="utf-8")
    assert f"with {JOINT} that fits 39 patients of the 20 of lim21.included" in refusal(twice)


def test_patients_of_a_cited_study_are_not_fitted_beside_the_study_itself(tmp_path: Path) -> None:
    here = Path(__file__).parent
    for name in ("clean_ledger.yaml", "citing_ledger.yaml"):
        text = (here / name).read_text(encoding="utf-8")
        for label in ("A15", "B1"):  # the same 28 patients under two ids
            start = text.find(f"    label: {label}\n")
            end = text.find("    role: context\n", start)
            if start > 0:
                rest = text[end:].replace("role: context", "role: fit\n    read_by: [x]", 1)
                text = text[:end] + rest
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(
        EvidenceError, match=r"role is fit; made25\.dose_baseline\.all of document made25 is fitted"
    ):
        load_ledger([tmp_path])


def test_the_shipped_ledger_fits_no_patient_twice_for_a_quantity(ledger: Ledger) -> None:
    fitted: dict[tuple[str, str], int] = {}
    for fact in ledger.with_role("fit"):
        key = (fact.cohort, fact.quantity)
        fitted[key] = fitted.get(key, 0) + fact.n
    assert fitted
    assert all(n <= ledger.cohort(cohort).n for (cohort, _), n in fitted.items())


def test_all_faults_of_the_files_are_said_at_once(edited: Edit) -> None:
    directory = edited("kind: times", "kind: tims")
    file = directory / "lim21.yaml"
    text = file.read_text(encoding="utf-8").replace("        never: 7\n", "        never: 6\n")
    file.write_text(text, encoding="utf-8")
    message = refusal(directory)
    assert "'tims'" in message
    assert "sum to 18" in message


def test_a_directory_without_documents_is_refused(tmp_path: Path) -> None:
    assert "no *.yaml in this directory" in refusal(tmp_path)


# changed copies, for sensitivity


def test_the_digest_changes_with_a_fitted_value(ledger: Ledger) -> None:
    changed = replace_values(ledger, "lim21.rescue.ivig", {"n": 19, "responders": 6})
    assert changed.digest() != ledger.digest()


def test_the_digest_changes_with_a_context_value_that_something_reads(ledger: Ledger) -> None:
    mix = {"n": 19, "cells": {"DM": 9, "IMNM": 5, "OM": 4, "ASyS": 1}}
    changed = replace_values(ledger, "lim21.subtype_mix.analysed", mix)
    assert changed.digest() != ledger.digest()


def test_the_digest_changes_with_a_patient(ledger: Ledger) -> None:
    changed = replace_patients(ledger, "mas98", ledger.patients("mas98")[1:])
    assert changed.digest() != ledger.digest()


@pytest.mark.parametrize(
    "field",
    [
        {"line": "refractory"},
        {"arm": None},
        {"quantity": "tis20"},
        {"subtype": "DM"},
        {"cohort": "lim21.included"},
        {"timing": Timing(how="at", week=9)},
    ],
)
def test_the_digest_changes_with_whom_and_when_a_fitted_fact_is_about(
    ledger: Ledger, field: dict[str, Any]
) -> None:
    other = ledger.fact("lim21.rescue.ivig").model_copy(update=field)
    changed = Ledger(documents=ledger.documents, facts={**ledger.facts, other.id: other})
    assert changed.digest() != ledger.digest()


def test_the_digest_does_not_change_with_a_checked_value(ledger: Ledger) -> None:
    changed = replace_values(ledger, "lim21.tis40_by_w9.ivig", {"n": 19, "responders": 9})
    assert changed.digest() == ledger.digest()
    assert changed.digest(("fit", "check")) != ledger.digest(("fit", "check"))


def test_the_digest_does_not_change_with_a_note(ledger: Ledger, edited: Edit) -> None:
    noted = load_ledger([edited("visit at week 4\n      exists", "visit of week 4\n      exists")])
    assert noted.fact(JOINT).note != ledger.fact(JOINT).note
    assert noted.digest() == ledger.digest()


def test_replaced_values_are_checked_again(ledger: Ledger) -> None:
    with pytest.raises(EvidenceError, match=r"lim21\.rescue\.ivig: responders is 20; more resp"):
        replace_values(ledger, "lim21.rescue.ivig", {"n": 19, "responders": 20})


def test_replaced_values_of_another_kind_are_refused(ledger: Ledger) -> None:
    with pytest.raises(EvidenceError, match="kind is count, whose values are a Count record"):
        replace_values(ledger, "lim21.rescue.ivig", Proportion(n=19, part=7))


def test_every_alternative_of_the_facts_kind_can_take_its_place(ledger: Ledger) -> None:
    replaced = 0
    for fact in ledger.facts.values():
        for other in fact.alternatives:
            if other.kind == fact.kind:
                changed = replace_values(ledger, fact.id, other.values, cohort=other.cohort)
                assert changed.fact(fact.id).values == other.values
                replaced += 1
    assert replaced > 5


def test_without_a_document_its_facts_are_gone(ledger: Ledger) -> None:
    rest = ledger.without_document("mas98")
    assert set(rest.documents) == set(ledger.documents) - {"mas98"}
    assert {fact.document for fact in rest.facts.values()} == set(rest.documents)


# the figures among themselves


def test_the_joint_cells_rederive_the_facts_nested_in_them(ledger: Ledger) -> None:
    cells = ledger.fact(JOINT).values_as(Multinomial).cells
    first = {w: cells[f"tis40_first_w{w}"] for w in (3, 4, 6)}
    reached = sum(n for name, n in cells.items() if name.startswith("tis40"))
    assert ledger.by_label("L22").values_as(Count).responders == reached
    assert ledger.by_label("L24").values_as(Times).first_by_week == first
    assert ledger.by_label("L25").values_as(Count).responders == reached + cells["tis20_kept"]
    assert ledger.by_label("L26").values_as(Count).responders == cells["tis20_lost"]


def test_subtypes_sum_to_the_whole_of_document_lim21(ledger: Ledger) -> None:
    mix = ledger.by_label("L10").values_as(Mix).cells
    women = {s: ledger.by_label(f"L13.{s}").values_as(Proportion) for s in mix}
    assert {s: share.n for s, share in women.items()} == mix
    whole = ledger.by_label("L13").values_as(Proportion)
    assert sum(share.part for share in women.values()) == whole.part


@pytest.mark.parametrize(
    ("label", "subtypes", "expected"),
    [
        ("M7", ("DM", "PM"), (4, 7)),
        ("M8", ("DM", "PM"), (4, 7)),
        ("M9", ("DM",), (3, 5)),
        ("M10", ("PM",), (1, 2)),
        ("M11", ("OM",), (4, 4)),
        ("M12", ("IBM",), (0, 5)),
        ("M13", ("DM", "PM", "OM"), (8, 11)),
    ],
)
def test_the_patient_rows_rederive_the_response(
    ledger: Ledger, label: str, subtypes: tuple[str, ...], expected: tuple[int, int]
) -> None:
    assert responders(ledger.patients("mas98"), *subtypes) == expected
    assert ledger.by_label(label).values == Count(responders=expected[0], n=expected[1])


def test_the_patient_rows_rederive_the_mix(ledger: Ledger) -> None:
    mix = ledger.by_label("M3").values_as(Mix).cells
    patients = ledger.patients("mas98")
    assert mix == {s: sum(p.subtype == s for p in patients) for s in ("DM", "PM", "OM", "IBM")}


def test_the_patient_rows_rederive_the_courses(ledger: Ledger) -> None:
    courses = sum(patient.courses for patient in ledger.patients("mas98"))
    assert courses == 80 == ledger.by_label("M16").values_as(Proportion).n


def test_a_patient_whose_courses_do_not_sum_is_refused(edited: Edit) -> None:
    message = refusal(edited("courses_printed: [1, 3]", "courses_printed: [1, 2]", "mas98.yaml"))
    assert "courses_printed is [1, 2]; the series sum to 3, and courses is 4" in message


def test_a_method_of_something_that_is_no_confidence_interval_is_refused(edited: Edit) -> None:
    message = refusal(edited("level_percent: 95.0, method: clopper", "method: clopper"))
    assert "].alternatives[1].values.method is 'clopper_pearson'; a method makes a conf" in message


def test_a_fact_names_one_subtype_or_pools_several(edited: Edit) -> None:
    old = "    n: 11\n    subtypes: [DM, PM, OM]\n"
    both = refusal(edited(old, "    subtype: DM\n" + old, "mas98.yaml"))
    assert "].subtypes is ['DM', 'PM', 'OM']; subtype names one and subtypes several" in both
    single = refusal(edited(old, "    subtypes: [DM]\n", "mas98.yaml"))
    assert "].subtypes is ['DM']; several different subtypes are pooled" in single


def test_an_id_and_a_label_find_the_same_fact(ledger: Ledger) -> None:
    assert ledger.find("L22") is ledger.find("lim21.tis40_by_w9.ivig")


def test_a_fact_is_one_record_with_its_place(ledger: Ledger) -> None:
    fact: Fact = ledger.by_label("L22")
    assert (fact.document, fact.locator.lines) == ("lim21", (506, 510))
