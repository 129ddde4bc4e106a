"""The audit of a ledger: quiet where all adds up, and each rule sees its planted contradiction.

Faults are planted into a made-up document, which shares no name with the shipped ones, so that a
rule that knew a shipped fact would not be seen to work.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from simtrial.evidence.audit import RULES, SEVERITIES, audit, audit_document
from simtrial.evidence.findings import Finding
from simtrial.evidence.ledger import load_ledger
from tests.unit.conftest import Edit

CLEAN = Path(__file__).with_name("clean_ledger.yaml")


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Texts exchanged inside facts of the clean document, and the finding they have to bring."""

    rule: str
    severity: str
    label: str  # of the fact that the finding is about
    changes: tuple[tuple[str, str, str], ...]  # (label of the fact, old text, new text)
    proof: str  # part of it


PLANTED = [
    Planted(
        rule="printed_text",
        severity="error",
        label="A7",
        changes=(("A7", "printed: 12 of 28", "printed: 13 of 28"),),
        proof="printed is '13 of 28', and the figures entered as printed are 12/28",
    ),
    Planted(
        rule="printed_text",
        severity="error",
        label="A2",
        changes=(("A2", "printed: 17 (61)", "printed: 16 (57)"),),
        proof="printed is '16 (57)', and the count entered as printed is 17",
    ),
    Planted(
        rule="percentage_of_count",
        severity="warning",
        label="A5",
        changes=(("A5", "percent: 42.9", "percent: 42.8"),),
        proof="printed 42.8 %; 12/28 is 42.9 %; no other count of 28 is nearer",
    ),
    Planted(
        rule="percentage_of_count",
        severity="error",
        label="A5",
        changes=(("A5", "percent: 42.9", "percent: 46.4"),),
        proof="printed 46.4 %; 12/28 is 42.9 %; the nearest count of 28 is 13 (46.4 %)",
    ),
    Planted(
        rule="percentage_of_count",
        severity="error",
        label="A2.DM",
        changes=(("A2.DM", "printed: 9 (60)", "printed: 9 (53)"),),
        proof="printed 53 %; 9/15 is 60.0 %; the nearest count of 15 is 8 (53.3 %)",
    ),
    Planted(
        rule="percentage_without_count",
        severity="warning",
        label="A8",
        changes=(("A8", "percent: 43,", "percent: 42,"),),
        proof="printed 42 % of 30, which no count gives: 12/30 is 40.0 % and 13/30 is 43.3 %",
    ),
    Planted(
        rule="larger_set",
        severity="error",
        label="A8",
        changes=(("A8", "percent: 43,", "percent: 50,"),),
        proof="50 % of made25.treated (30) is 15/30; A5 has 12 of 28, and 2 more can make that "
        "12 to 14 of 30",
    ),
    Planted(
        rule="larger_set",
        severity="warning",
        label="A8",
        changes=(("A8", "percent: 43,", "percent: 50,"), ("A8", "better by", "better at")),
        proof="endpoint or time are not the same",
    ),
    Planted(
        rule="interval_method",
        severity="warning",
        label="A5",
        changes=(("A5", "method: wilson", "method: clopper_pearson"),),
        proof="printed 95 % interval 26.5 to 60.9 as Clopper-Pearson; Clopper-Pearson of 12/28 is "
        "24.5 to 62.8; reproduced to the printed digits: Wilson of 12/28 is 26.5 to 60.9",
    ),
    Planted(
        rule="interval_method",
        severity="error",
        label="A5",
        changes=(("A5", "high: 60.9", "high: 61.0"),),
        proof="no method gives it: Clopper-Pearson of 12/28 is 24.5 to 62.8",
    ),
    Planted(
        rule="printed_twice",
        severity="error",
        label="A7",
        changes=(("A7", "12 of 28\n    kind", "11 of 28\n    kind"), ("A7", "ers: 12", "ers: 11")),
        proof="A5 prints 12 of 28 ('12/28'), A7 prints 11 of 28, of the same 28",
    ),
    Planted(
        rule="set_aside",
        severity="warning",
        label="A9",
        changes=(
            (
                "A9",
                "    role: context",
                "    alternatives: [{values: {n: 30, part: 8}, as_printed: true, reason: so}]\n"
                "    role: context",
            ),
        ),
        proof="printed 8 of 30, used 9 of 30: so",
    ),
    Planted(
        rule="nested_count",
        severity="error",
        label="A5",
        changes=(
            ("A4", "w4: 5, better_first_w12: 7", "w4: 6, better_first_w12: 6"),
            ("A5", "responders: 12", "responders: 13"),
        ),
        proof="13 of 28, and A4 has better_first 6 + 6 = 12",
    ),
    Planted(
        rule="nested_count",
        severity="error",
        label="A6",
        changes=(("A6", "{4: 5, 12: 7}", "{4: 4, 12: 8}"),),
        proof="4 first at week 4, and A4 has better_first_w4 5",
    ),
    Planted(
        rule="nested_count",
        severity="error",
        label="A10",
        changes=(
            ("A10", "{n: 9, cells: {headache: 4", "{n: 8, cells: {headache: 3"),
            ("A10", "    n: 9", "    n: 8"),
        ),
        proof="the cells sum to 8, and A9 has 9 of 30",
    ),
    Planted(
        rule="nested_count",
        severity="error",
        label="A2.DM",
        changes=(("A2", "part: 17", "part: 8"),),
        proof="9 of 15, and A2 around it has 8 of 28",
    ),
    Planted(
        rule="first_visits",
        severity="error",
        label="A6",
        changes=(("A5", "responders: 12", "responders: 11"),),
        proof="first visits of A6 sum to 12, and A5 has 11 of 28 who reached it",
    ),
    Planted(
        rule="subtype_sum",
        severity="error",
        label="A2",
        changes=(("A2.PM", "part: 6", "part: 5"),),
        proof="DM 9 + PM 5 + OM 2 = 16, and of all 17 are printed",
    ),
    Planted(
        rule="subtype_sum",
        severity="error",
        label="A2",
        changes=(
            ("A2.OM", "    n: 3", "    n: 2"),
            ("A2.OM", "{n: 3, part: 2}", "{n: 2, part: 2}"),
            ("A2.PM", "part: 6", "part: 7"),
        ),
        proof="DM 9 + PM 7 + OM 2 = 18, and of all 17 are printed (the subtypes hold 27 of the 28)",
    ),
    Planted(
        rule="subtype_column",
        severity="error",
        label="A3.PM",
        changes=(("A3.PM", "    n: 10", "    n: 11"),),
        proof="n is 11, and A1 has 10 with PM",
    ),
    Planted(
        rule="subtype_quartiles",
        severity="error",
        label="A3",
        changes=(("A3", "median: 50, q3: 61", "median: 56, q3: 61"),),
        proof="median of all is 56, and those of the subtypes are 45 to 55",
    ),
    Planted(
        rule="patient_rows",
        severity="error",
        label="A13",
        changes=(("A13", "responders: 3", "responders: 4"),),
        proof="printed 4 of 5; the rows of A11 give 3 of 5 (cases 1, 3, 5)",
    ),
    Planted(
        rule="patient_rows",
        severity="error",
        label="A12",
        changes=(("A12", "DM: 3, PM: 2", "DM: 2, PM: 3"),),
        proof="the rows of A11 are DM 3, PM 2, IBM 1",
    ),
    Planted(
        rule="courses_total",
        severity="error",
        label="A14",
        changes=(("A11", "courses: 5", "courses: 6"),),
        proof="the rows of A11 sum to 18 courses, and 17 are printed",
    ),
    Planted(
        rule="courses_total",
        severity="note",
        label="A11",
        changes=(("A11", "courses: 4", "courses: 4, courses_printed: [1, 3]"),),
        proof="case 4 is 1 + 3 = 4; with that the rows sum to 17 courses, and printed are 17 (A14)",
    ),
    Planted(
        rule="second_reading",
        severity="note",
        label="A9",
        changes=(("A9", "second: agrees", "second: null"),),
        proof="read once: 9 of 30; no second reading",
    ),
    Planted(
        rule="second_reading",
        severity="warning",
        label="A9",
        changes=(("A9", "second: agrees", "second: 10 of 30"),),
        proof="first reading 9 of 30; second reading 10 of 30",
    ),
]


def planted(folder: Path, changes: tuple[tuple[str, str, str], ...]) -> tuple[Finding, ...]:
    text = CLEAN.read_text(encoding="utf-8")
    for label, old, new in changes:
        start = text.index(f"    label: {label}\n")
        end = text.find("\n  - id: ", start)
        end = len(text) if end == -1 else end
        assert text[start:end].count(old) == 1, f"{old!r} is not there once in {label}"
        text = text[:start] + text[start:end].replace(old, new) + text[end:]
    file = folder / "made25.yaml"
    file.write_text(text, encoding="utf-8")
    return audit(load_ledger([file]))


def test_a_ledger_in_which_all_adds_up_raises_nothing() -> None:
    assert audit(load_ledger([CLEAN])) == ()


@pytest.mark.parametrize("plant", PLANTED, ids=lambda p: f"{p.rule}-{p.severity}-{p.label}")
def test_a_planted_contradiction_is_found_by_its_rule(tmp_path: Path, plant: Planted) -> None:
    found = planted(tmp_path, plant.changes)
    said = [
        one
        for one in found
        if (one.rule, one.severity, one.label) == (plant.rule, plant.severity, plant.label)
    ]
    assert said, found
    assert any(plant.proof in one.proof for one in said), [one.proof for one in said]


def test_every_rule_has_a_planted_contradiction() -> None:
    assert {plant.rule for plant in PLANTED} == set(RULES)


def test_a_percentage_that_something_reads_is_an_error_where_no_count_gives_it(
    tmp_path: Path,
) -> None:
    changes = (("A8", "percent: 43,", "percent: 42,"),)
    read = (*changes, ("A8", "    role: context", "    role: context\n    read_by: [x]"))
    assert [one.severity for one in planted(tmp_path, changes)] == ["warning"]
    assert [one.severity for one in planted(tmp_path, read)] == ["error"]


# the shipped ledger


@pytest.fixture(scope="module")
def shipped() -> tuple[Finding, ...]:
    return audit(load_ledger())


def test_no_figures_that_the_shipped_ledger_uses_contradict_one_another(
    shipped: tuple[Finding, ...],
) -> None:
    assert [one for one in shipped if one.severity == "error"] == []


@pytest.mark.parametrize(
    ("rule", "label", "proof"),
    [
        ("percentage_of_count", "L22", "8/19 is 42.1 %"),
        ("interval_method", "L22", "Clopper-Pearson of 8/19 is 20.3 to 66.5"),
        ("interval_method", "L22", "Wald with the variance at p = 1/2 of 8/19 is 19.6 to 64.6"),
        ("larger_set", "L27", "55 % of lim21.included (20) is 11/20; L25 has 9 of 19"),
        ("set_aside", "M7", "printed 5 of 7, used 4 of 7"),
        ("patient_rows", "M7", "the rows of M-table give 4 of 7 (cases 2, 4, 5, 6)"),
        ("printed_twice", "M8", "M7 prints 5 of 7, M8 prints 4 of 7"),
        ("patient_rows", "M9", "the rows of M-table give 3 of 5 (cases 2, 4, 5)"),
        ("courses_total", "M-table", "case 5 is 1 + 3 = 4; with that the rows sum to 80 courses"),
    ],
)
def test_what_the_documents_are_known_to_contradict_is_found(
    shipped: tuple[Finding, ...], rule: str, label: str, proof: str
) -> None:
    said = [one.proof for one in shipped if (one.rule, one.label) == (rule, label)]
    assert any(proof in text for text in said), said


def test_another_count_of_the_primary_endpoint_contradicts_what_is_printed_beside_it(
    edited: Edit,
) -> None:
    old = "    values: {n: 19, responders: 8}\n    readings: {first: '8 of 19'"
    found = audit(load_ledger([edited(old, old.replace("responders: 8", "responders: 9"))]))
    errors = {one.rule for one in found if one.severity == "error" and one.label == "L22"}
    assert errors == {"printed_text", "percentage_of_count", "interval_method", "nested_count"}


def test_the_document_counts_its_findings_by_severity(shipped: tuple[Finding, ...]) -> None:
    document = audit_document(load_ledger())
    assert set(document["findings"][0]) >= {"fact", "rule", "severity", "proof", "used"}
    assert sum(document["counts"].values()) == len(document["findings"]) == len(shipped)
    order = [SEVERITIES.index(one["severity"]) for one in document["findings"]]
    assert order == sorted(order)
