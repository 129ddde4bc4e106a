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
CITING = Path(__file__).with_name("citing_ledger.yaml")


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
        severity="warning",
        label="A3",
        changes=(("A3", "median: 50, q3: 61", "median: 58, q3: 61"),),
        proof="median of all is 58, and those of the subtypes are 45 to 55",
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
        changes=(("A9", "second: agrees", "second: 10 of 30, resolved: the table decides"),),
        proof="first reading 9 of 30; second reading 10 of 30; resolved: the table decides",
    ),
    Planted(
        rule="digits",
        severity="error",
        label="A5",
        changes=(("A5", "responders: 12", "responders: 13"),),
        proof="responders 13, which does not stand there",
    ),
    Planted(
        rule="digits",
        severity="error",
        label="A4",
        changes=(("A4", "derived: {cells.never: 28 - 12 - 4}", "derived: {cells.never: 28 - 12}"),),
        proof="cells.never 12, and 28 - 12 is 16",
    ),
    Planted(
        rule="percentage_restated",
        severity="warning",
        label="A26",
        changes=(
            ("A26", "percent: 50,", "percent: 57,"),
            ("A26", "digits: '50%'", "digits: '57%'"),
        ),
        proof="printed 57 % of 28 is 16/28; the counts are 14 of 28 at the last assessment",
    ),
    Planted(
        rule="percentage_sum",
        severity="warning",
        label="A25",
        changes=(("A25.fair", "printed: '10 (36)'", "printed: '10 (46)'"),),
        proof="the parts are 50 + 46 + 14 = 110 %, and their counts sum to 28",
    ),
    Planted(
        rule="interval_centre",
        severity="warning",
        label="A16",
        changes=(("A16", "high: -22.5", "high: -23.5"),),
        proof="printed -30 (-37.5 to -23.5); the middle is -30.5: with the estimate right, one end "
        "is off by 1",
    ),
    Planted(
        rule="interval_centre",
        severity="warning",
        label="A21",
        changes=(("A21", "high: -0.3", "high: 0.1"), ("A21", "-0.7 -0.3'}", "-0.7 0.1'}")),
        proof="printed -0.5 (-0.7 to 0.1); the middle is -0.3",
    ),
    Planted(
        rule="sd_of_interval",
        severity="warning",
        label="A16",
        changes=(("A16", "low: -37.5, high: -22.5", "low: -57.5, high: -2.5"),),
        proof="no correlation gives the paired reading",
    ),
    Planted(
        rule="holds_zero",
        severity="note",
        label="A21",
        changes=(("A21", "low: -0.7, high: -0.3", "low: -1.1, high: 0.1"),),
        proof="-0.5 (-1.1 to 0.1): no change is not left out",
    ),
    Planted(
        rule="p_value",
        severity="error",
        label="A21",
        changes=(
            ("A21", "low: -0.7, high: -0.3", "low: -1.1, high: 0.1"),
            ("A21", "-0.7 -0.3'}", "-1.1 0.1'}"),
        ),
        proof="p < 0.001, and the 95 % interval -1.1 to 0.1 holds zero",
    ),
    Planted(
        rule="p_value",
        severity="error",
        label="A16",
        changes=(("A16", "p_value: '< 0.001'", "p_value: '> 0.2'"),),
        proof="p > 0.2, and the 95 % interval -37.5 to -22.5 leaves out zero",
    ),
    Planted(
        rule="p_value",
        severity="error",
        label="A16",
        changes=(("A16", "p_value: '< 0.001'", "p_value: '> 0.05'"),),
        proof="p > 0.05, and the 95 % interval -37.5 to -22.5 leaves out zero",
    ),
    Planted(
        rule="percentage_of_count",
        severity="error",
        label="A5",
        changes=(("A5", "printed: 12/28", "printed: 12/28 (52 %)"),),
        proof="printed 52 %; 12/28 is 42.9 %; the nearest count of 28 is 15 (53.6 %)",
    ),
    Planted(
        rule="printed_text",
        severity="error",
        label="A7",
        changes=(("A7", "printed: 12 of 28", "printed: 12 out of 29 patients"),),
        proof="printed is '12 out of 29 patients', and the figures entered as printed are 12/28",
    ),
    Planted(
        rule="subtype_sum",
        severity="error",
        label="A2",
        changes=(
            ("A2.OM", "    n: 3", "    n: 2"),
            ("A2.OM", "{n: 3, part: 2}", "{n: 2, part: 0}"),
            ("A2.PM", "part: 6", "part: 4"),
        ),
        proof="DM 9 + PM 4 + OM 0 = 13, and of all 17 are printed (the subtypes hold 27 of the 28)",
    ),
    Planted(
        rule="digits",
        severity="error",
        label="A6",
        changes=(("A6", "never: 28 - 12; the rest", "never: 28 - 12"),),
        proof="never is derived from 28, 12, which does not stand there",
    ),
    Planted(
        rule="fall_of_means",
        severity="warning",
        label="A18",
        changes=(("A18", "percent: 75,", "percent: 76,"),),
        proof="printed 76 %; A15 40 and A17 10 give 1 - 10/40 = 75.0 % (74.8 to 75.2 %",
    ),
    Planted(
        rule="fall_of_means",
        severity="warning",
        label="A18",
        changes=(("A18", "{percent: 75,", "{percent: 80, relation: '>',"),),
        proof="printed > 80 %; A15 40 and A17 10 give 1 - 10/40 = 75.0 %",
    ),
    Planted(
        rule="change_of_means",
        severity="warning",
        label="A16",
        changes=(("A17", "mean: 10.0", "mean: 11.0"),),
        proof="A15 40 - 30 = 10, and A17 has 11 at month 6",
    ),
    Planted(
        rule="change_of_means",
        severity="warning",
        label="A20",
        changes=(("A20", "mean: -10.0", "mean: -30.0"),),
        proof="A19 -20 - 30 = -50, and A16 has -30 at month 6",
    ),
    Planted(
        rule="median_of_changes",
        severity="note",
        label="A24",
        changes=(("A23", "median: 17", "median: 12"),),
        proof="the median of changes is -3, and the medians differ by 12 - 20 = -8",
    ),
    Planted(
        rule="restored",
        severity="error",
        label="A19",
        changes=(("A19", "low: -27, high: -13", "low: -27, high: 13"),),
        proof="the middle is -7, which is not the mean",
    ),
    Planted(
        rule="restored",
        severity="error",
        label="A19",
        changes=(("A19", "low: -27", "low: -29"),),
        proof="'-20.0 -2713' cannot be read as mean change -20 (95 % interval -29 to -13) mg/day",
    ),
    Planted(
        rule="restored",
        severity="note",
        label="A22",
        changes=(("A22", "    role: context", "    restored: a bracket\n    role: context"),),
        proof="restored: a bracket; no rule proves it for figures of kind median_iqr",
    ),
    Planted(
        rule="lost_sign",
        severity="error",
        label="A24",
        changes=(("A24", "{q1: -5, median: -3, q3: 1}", "{q1: 1, median: 3, q3: 5}"),),
        proof="lost a minus sign, and the values have none",
    ),
    Planted(
        rule="tally_sum",
        severity="note",
        label="A27",
        changes=(("A27", "b: 9", "b: 19"),),
        proof="a 15 + b 19 = 34 among 28 patients: 6 more than there are",
    ),
    Planted(
        rule="rows_and_number",
        severity="warning",
        label="A28",
        changes=(("A28", "value: 42.5", "value: 43.5"),),
        proof="the 6 rows of A11 (40 + 41 + 42 + 43 + 44 + 45) have 42.5, median 42.5",
    ),
    Planted(
        rule="rows_and_number",
        severity="warning",
        label="A28.range",
        changes=(("A28.range", "high: 45", "high: 46"),),
        proof="printed 40 to 46 years; the 6 rows of A11 are 40 to 45",
    ),
    Planted(
        rule="same_patients",
        severity="warning",
        label="B1",
        changes=(("B1", "statistic: mean", "statistic: median"),),
        proof="dose_baseline: median 40 mg/day (B1), mean 40 (SD 20) mg/day (A15)",
    ),
    Planted(
        rule="same_patients",
        severity="warning",
        label="B1",
        changes=(("B2", "how: end", "how: at, months: 6"), ("B2", "value: 10.0", "value: 12.0")),
        proof="dose_change: 12 - 40 = -28 (B2, B1), mean change -30 (95 % interval",
    ),
]


def planted(folder: Path, changes: tuple[tuple[str, str, str], ...]) -> tuple[Finding, ...]:
    texts = {path: path.read_text(encoding="utf-8") for path in (CLEAN, CITING)}
    for label, old, new in changes:
        path = CITING if label.startswith("B") else CLEAN
        text = texts[path]
        start = text.index(f"    label: {label}\n")
        end = text.find("\n  - id: ", start)
        end = len(text) if end == -1 else end
        assert text[start:end].count(old) == 1, f"{old!r} is not there once in {label}"
        texts[path] = text[:start] + text[start:end].replace(old, new) + text[end:]
    for path, text in texts.items():
        (folder / path.name).write_text(text, encoding="utf-8")
    return audit(load_ledger([folder]))


def test_a_ledger_in_which_all_adds_up_raises_no_contradiction() -> None:
    found = audit(load_ledger([CLEAN, CITING]))
    assert [(one.rule, one.label) for one in found if one.severity != "note"] == [
        ("restored", "A19")
    ]
    assert {(one.rule, one.label) for one in found if one.severity == "note"} == {
        ("sd_of_interval", "A16"),
        ("sd_of_interval", "A19"),
        ("lost_sign", "A24"),
        ("same_patients", "B1"),
    }


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


QUIET = [
    # a p value that rounds to the level, beside an interval that ends at zero
    (("A21", "p_value: '< 0.001'", "p_value: '= 0.05'"), ("A21", "high: -0.3", "high: 0.0")),
    # a fall said to be about what it is
    (("A18", "{percent: 75,", "{percent: 72, relation: about,"),),
    # one more digit on one side of what is told twice
    (("A26", "percent: 50, decimals: 0", "percent: 50, decimals: 0, relation: about"),),
]


@pytest.mark.parametrize("changes", QUIET)
def test_what_rounding_or_wording_allows_is_no_contradiction(
    tmp_path: Path, changes: tuple[tuple[str, str, str], ...]
) -> None:
    before = {(one.rule, one.label, one.severity) for one in planted(tmp_path, ())}
    found = {(one.rule, one.label, one.severity) for one in planted(tmp_path, changes)}
    # the digits of the place were not changed along
    assert {one for one in found - before if one[0] != "digits" and one[2] != "note"} - {
        ("interval_centre", "A21", "warning")
    } == set()


def test_a_later_count_of_a_larger_set_is_bounded_from_below_only(tmp_path: Path) -> None:
    earlier = tuple((label, "by, week: 12", "by, week: 4") for label in ("A5", "A7"))
    for percent, expected in ((90, False), (10, True)):
        changes = (("A8", "percent: 43,", f"percent: {percent},"), *earlier)
        found = [one for one in planted(tmp_path, changes) if one.rule == "larger_set"]
        assert bool(found) is expected


def test_an_interval_with_decimals_is_restored(tmp_path: Path) -> None:
    found = planted(
        tmp_path,
        (
            ("A19", "digits: '-20.0 -2713'", "digits: '-20.0 -26.913.1'"),
            ("A19", "low: -27, high: -13", "low: -26.9, high: -13.1"),
        ),
    )
    (proved,) = [one for one in found if one.rule == "restored"]
    assert proved.severity == "warning" and "26.913.1" in proved.proof


def test_every_rule_has_a_planted_contradiction() -> None:
    assert {plant.rule for plant in PLANTED} == set(RULES)


def test_a_percentage_that_something_reads_is_an_error_where_no_count_gives_it(
    tmp_path: Path,
) -> None:
    changes = (("A8", "percent: 43,", "percent: 42,"),)
    read = (*changes, ("A8", "    role: context", "    role: context\n    read_by: [x]"))
    rule = "percentage_without_count"
    for text, severity in ((changes, "warning"), (read, "error")):
        assert [one.severity for one in planted(tmp_path, text) if one.rule == rule] == [severity]


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
    expected = {"printed_text", "percentage_of_count", "interval_method", "nested_count"}
    assert errors == expected | {"digits"}


def test_the_document_counts_its_findings_by_severity(shipped: tuple[Finding, ...]) -> None:
    document = audit_document(load_ledger())
    assert set(document["findings"][0]) >= {"fact", "rule", "severity", "proof", "used"}
    assert sum(document["counts"].values()) == len(document["findings"]) == len(shipped)
    order = [SEVERITIES.index(one["severity"]) for one in document["findings"]]
    assert order == sorted(order)
