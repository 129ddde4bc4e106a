"""Coverage of the catalogue of figures: what counts as represented, and what is told of the rest.

The made-up ledger has labels N1+N2, N3 ... N17; two of its 16 facts are of a cited study.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from simtrial.core.errors import EvidenceError
from simtrial.core.provenance import canonical_json
from simtrial.evidence.coverage import (
    Rows,
    cover,
    coverage_document,
    load_rows,
    read_rows,
    rows_named,
)
from simtrial.evidence.ledger import Ledger, load_ledger
from simtrial.evidence.sources import Timing
from simtrial.report.coverage import coverage_lines

FULL = Path(__file__).with_name("full_ledger.yaml")
ROWS = """\
rows:
  full25:
    N1: {what: better}
    N2: {what: better again}
    N3: {what: reactions}
    N18: {what: 'told in words', accounted: no number}
    N19: {what: not entered}
  other25:
    N4: {what: the same number in another document}
traps:
  T1: {documents: [full25], what: shown by a fact, shown_by: [full25.mix.all]}
  T2:
    documents: [full25]
    what: shown by a finding and a fact
    shown_by: [set_aside@full25.better_by_w9.drug, full25.fall.cited]
  T3:
    documents: [full25, other25]
    what: in part
    shown_by: [full25.mix.all, nested_count@full25.mix.all, other25.age.all]
  T4: {documents: [full25], what: by nothing}
  T5: {documents: [full25], what: a word, accounted: of no figure}
"""


@pytest.fixture(scope="module")
def full() -> Ledger:
    return load_ledger([FULL])


def rows(text: str = ROWS) -> Rows:
    return read_rows(text, "rows.yaml")


def states(ledger: Ledger, text: str = ROWS) -> dict[str, str]:
    found = cover(ledger, rows(text))
    return {one.id: one.state for one in (*found.rows, *found.traps)}


@pytest.mark.parametrize(
    ("label", "named"),
    [
        ("L22", ("L22",)),
        ("L32.change", ("L32",)),
        ("L22+L24+L25+L26", ("L22", "L24", "L25", "L26")),
        ("L22+L24.early.all", ("L22", "L24")),
        ("M-table", ("M-table",)),
    ],
)
def test_a_label_names_the_rows_before_its_first_full_stop(
    label: str, named: tuple[str, ...]
) -> None:
    assert rows_named(label) == named


def test_a_row_is_represented_accounted_for_or_missing(full: Ledger) -> None:
    found = states(full)
    assert [found[row] for row in ("N1", "N2", "N3")] == ["represented"] * 3
    assert (found["N18"], found["N19"]) == ("accounted", "missing")


def test_a_fact_of_one_document_does_not_represent_the_row_of_another(full: Ledger) -> None:
    assert "N4" in {fact.label for fact in full.facts.values()}
    assert states(full)["N4"] == "missing"


def test_facts_whose_label_names_no_row_are_listed(full: Ledger) -> None:
    unplaced = cover(full, rows()).unplaced
    placed = {"full25.better_by_w9.drug", "full25.courses.drug"}
    assert unplaced == tuple(fact for fact in full.facts if fact not in placed)


def test_a_trap_is_shown_by_all_that_shows_it_or_not_at_all(full: Ledger) -> None:
    found = states(full)
    assert [found[f"T{i}"] for i in range(1, 6)] == [
        *("shown", "shown", "missing", "missing", "accounted")
    ]
    third = next(trap for trap in cover(full, rows()).traps if trap.id == "T3")
    assert third.unseen == ("nested_count@full25.mix.all", "other25.age.all")


def test_the_document_counts_rows_and_facts(full: Ledger) -> None:
    document = coverage_document(full, rows())
    counted = {name: document[name] for name in ("rows", "represented", "accounted", "missing")}
    assert counted == {"rows": 6, "represented": 3, "accounted": 1, "missing": 2}
    assert document["missing_rows"] == ["N19", "N4"]
    assert document["percent"] == pytest.approx(400 / 6, rel=1e-15)
    ours, theirs = document["by_document"]
    assert (ours["document"], ours["rows"], ours["covered"], ours["facts"]) == ("full25", 5, 4, 16)
    assert (theirs["document"], theirs["missing"], theirs["facts"]) == ("other25", 1, 0)
    traps = {n: document["traps"][n] for n in ("traps", "shown", "accounted", "missing")}
    assert traps == {"traps": 5, "shown": 2, "accounted": 1, "missing": 2}
    facts = document["facts"]
    assert facts["total"] == 16
    assert facts["by_role"] == {"check": 1, "context": 14, "unusable": 1}
    assert facts["by_status"] == {"provisional": 2, "read twice": 14}
    assert facts["second_hand"] == {"total": 2, "by_study": {"oth99": 2}}
    # N1 and N7 tell of the same patients, quantity and time, and so do N14 and N15
    assert facts["distinct"] == 14
    canonical_json(document)  # it is JSON, without NaN


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({"timing": Timing(how="by", week=4)}, 1),
        ({"cohort": "full25.valid", "n": 18}, 1),
        ({"quantity": "other"}, 1),
        ({"subtype": "DM"}, 0),
        ({"endpoint": "worded otherwise"}, 0),
    ],
)
def test_distinct_is_another_set_of_patients_quantity_or_time(
    full: Ledger, changes: dict[str, object], more: int
) -> None:
    again = full.by_label("N4").model_copy(update={"id": "full25.again.x", "label": "X", **changes})
    ledger = Ledger(documents=full.documents, facts={**full.facts, again.id: again})
    distinct = [coverage_document(one)["facts"]["distinct"] for one in (full, ledger)]
    assert distinct == [14, 14 + more]


def test_documents_that_the_catalogue_does_not_know_are_told_with_their_facts(
    full: Ledger,
) -> None:
    by_document = coverage_document(full)["by_document"]
    assert by_document[-1]["document"] == "full25"
    assert (by_document[-1]["rows"], by_document[-1]["facts"]) == (0, 16)
    assert by_document[-1]["percent"] is None
    assert coverage_document(full)["represented"] == 0  # N1 and the others are of nan25
    # a user's own document cannot have rows of the catalogue, so its facts lack none
    assert coverage_document(full)["facts"]["unplaced"] == []
    shown = " ".join(coverage_lines(coverage_document(full)).split())
    assert "It has no rows of your own documents: full25." in shown
    assert shown.startswith("The catalogue lists the 135 figures") and "traps are places" in shown


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "shown_by: [full25.mix.all]",
            "shown_by: [full25.mixt.all]",
            "rows.yaml, line 11: traps.T1.shown_by[0] is full25.mixt.all; no fact has this id; "
            "the nearest is 'full25.mix.all'.",
        ),
        (
            "set_aside@full25",
            "set_asied@full25",
            "rows.yaml, line 15: traps.T2.shown_by[0] is set_asied@full25.better_by_w9.drug; no "
            "rule of the audit is 'set_asied'; the nearest is 'set_aside'.",
        ),
    ],
)
def test_a_trap_shown_by_something_unknown_is_an_error_with_its_place(
    full: Ledger, old: str, new: str, said: str
) -> None:
    with pytest.raises(EvidenceError) as caught:
        cover(full, rows(ROWS.replace(old, new)))
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{what: better}", "{wat: better}", "line 3: rows.full25.N1.wat is not a known key"),
        ("N19:", "n19:", r"line 7: rows.full25.n19 is not a known key"),
        ("    N4:", "    N3:", "line 9: rows.other25.N3 is {what: 'the same number in another"),
        ("accounted: no number", "accounted: ''", "line 6: rows.full25.N18.accounted is ''"),
        ("documents: [full25, other25]", "documents: []", "line 17: traps.T3.documents is []"),
        ("[full25.mix.all]}", "[mix]}", "line 11: traps.T1.shown_by[0] is 'mix'"),
    ],
)
def test_a_fault_of_the_catalogue_is_told_with_its_place(old: str, new: str, said: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        rows(ROWS.replace(old, new, 1))
    assert f"rows.yaml, {said}" in str(caught.value)


def test_a_row_of_two_documents_is_refused_with_the_first() -> None:
    with pytest.raises(EvidenceError, match="full25 has this row already; a row is of one docu"):
        rows(ROWS.replace("    N4:", "    N3:"))


def test_the_catalogue_of_the_package_has_every_row_and_every_trap() -> None:
    shipped = load_rows()
    sizes = {"nan25": ("N", 33), "oha21": ("O", 11), "lim21": ("L", 55), "gan23": ("G", 11)}
    want = {name: [f"{s}{i}" for i in range(1, n + 1)] for name, (s, n) in sizes.items()}
    want["mas98"] = [*(f"M{i}" for i in range(1, 25)), "M-table"]
    assert {name: sorted(inside) for name, inside in shipped.rows.items()} == {
        name: sorted(inside) for name, inside in want.items()
    }
    assert sum(map(len, want.values())) == 135
    assert list(shipped.traps) == [f"T{i}" for i in (*range(1, 35), 36)]
    assert {d for trap in shipped.traps.values() for d in trap.documents} <= set(want)


def test_what_a_row_is_takes_a_few_words() -> None:
    shipped = load_rows()
    told = [row for inside in shipped.rows.values() for row in inside.values()]
    for one in (*told, *shipped.traps.values()):
        assert 0 < len(one.what.split()) <= 12
        assert one.accounted is None or len(one.accounted.split()) <= 20


def test_every_shipped_fact_is_of_a_row_and_none_is_accounted_for_otherwise() -> None:
    ledger = load_ledger()
    found = cover(ledger, load_rows())
    # G0: figures of gan23 that the catalogue, which keeps to sizes of studies, does not list
    assert {rows_named(ledger.fact(one).label) for one in found.unplaced} <= {("G0",)}
    assert [row.id for row in found.rows if row.facts and row.accounted] == []
    assert [trap.id for trap in found.traps if trap.shown_by and trap.accounted] == []


def test_the_shipped_ledger_leaves_no_row_out_and_shows_every_trap() -> None:
    found = cover(load_ledger(), load_rows())
    assert [one.id for one in (*found.rows, *found.traps) if one.state == "missing"] == []
    # what is only accounted for is said here too, so that no reason is added unseen
    accounted = [one.id for one in (*found.rows, *found.traps) if one.state == "accounted"]
    assert accounted == ["L31", "L49", "G10", "G11"]


def test_the_text_lists_what_is_missing_and_ends_with_the_share(full: Ledger) -> None:
    shown = coverage_lines(coverage_document(full, rows()))
    lines = shown.splitlines()
    assert lines[-1] == "coverage 4 of 6 rows (66 %)"
    assert lines[-2] == "shown 3 of 5 traps (60 %)"
    assert "  N19  full25   not entered" in lines
    assert "  N4   other25  the same number in another document" in lines
    assert not any(line.startswith("  N18") or line.startswith("  N1 ") for line in lines)
    (third,) = [line for line in lines if line.startswith("  T3")]
    assert "without nested_count@full25.mix.all other25.age.all" in third
    head = next(i for i, line in enumerate(lines) if line.startswith("document "))
    assert lines[head + 1].split() == ["full25", "5", "3", "1", "1", "16"]
    assert lines[head + 3].split() == ["all", "6", "3", "1", "2", "16"]


def test_less_than_all_is_never_told_as_100_percent(full: Ledger) -> None:
    document = coverage_document(full, rows())
    nearly = {**document, "rows": 1000, "covered": 999, "percent": 99.9}
    assert coverage_lines(nearly).splitlines()[-1] == "coverage 999 of 1000 rows (99 %)"
