"""Every fact prints what a second reader read, who saw the documents and the questions only.

The questions are those of tests/independent/questions.py; the answers stand in
tests/independent/readings, one file a document, as the reader gave them. A fact that says
``agrees`` is compared number by number; one that says otherwise does differ, and says why it
stands.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from simtrial.core.config import read_yaml
from simtrial.evidence.ledger import load_ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.values import PatientTable
from simtrial.evidence.wording import status
from tests.independent.questions import asked_of, beside, questions

READINGS = Path(__file__).parents[1] / "independent" / "readings"
LEDGER = load_ledger()
FACTS = tuple(LEDGER.facts)


@cache
def readings() -> dict[str, dict[str, Any]]:
    answers: dict[str, dict[str, Any]] = {}
    for path in sorted(READINGS.glob("*.yaml")):
        answers |= read_yaml(path).data
    return answers


def test_no_fact_is_provisional() -> None:
    assert [fact.id for fact in LEDGER.facts.values() if status(fact) == "provisional"] == []


def test_every_fact_was_read_again_and_no_answer_is_left_over() -> None:
    assert set(readings()) == set(FACTS)


def test_the_questions_hold_no_value_of_a_number() -> None:
    # a design's number is its own definition, so its question must not print it
    told = [
        question["id"]
        for document in LEDGER.documents
        for question in questions(LEDGER, document)
        if question["asks"] in ("number", "percentage", "interval", "mean_sd", "slope")
        and any(mark.isdigit() for mark in f"{question['of']} {question['patients']}")
    ]
    assert told == []


@pytest.mark.parametrize("fact_id", FACTS)
def test_a_fact_says_agrees_where_the_second_reader_agrees(fact_id: str) -> None:
    fact, answer = LEDGER.fact(fact_id), readings()[fact_id]
    differences = list(_differences(fact, answer))
    if fact.readings.second == "agrees":
        assert differences == []
    else:
        assert differences, "the second reading is said to differ, and does not"
        assert fact.readings.resolved


@pytest.mark.parametrize("fact_id", FACTS)
def test_the_second_reader_found_a_fact_in_the_lines_it_names(fact_id: str) -> None:
    (first, last), (begin, end) = LEDGER.fact(fact_id).locator.lines, readings()[fact_id]["lines"]
    assert begin <= last and end >= first


def _differences(fact: Fact, answer: dict[str, Any]) -> list[str]:
    ours = asked_of(fact)
    theirs = _rows(answer) if isinstance(fact.as_printed, PatientTable) else _flat(answer)
    out = []
    for name, value in ours.items():
        read = theirs.get(name)
        # how many patients there are often stands elsewhere, and = is what is said without a word
        if read is None and (name == "n" or (name == "relation" and value == "=")):
            continue
        if not _same(value, read):
            out.append(f"{name}: {value!r}, and the second reader has {read!r}")
    for name, value in beside(fact).items():
        read = answer.get(name)
        if not _same(value, read.replace(" ", "") if isinstance(read, str) else read):
            out.append(f"{name} beside it: {value!r}, and the second reader has {read!r}")
    return out


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, int | float) and isinstance(theirs, int | float):
        return float(ours) == float(theirs)
    if isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    return bool(ours == theirs)


def _flat(answer: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(answer, dict):
        return {path: answer}
    out: dict[str, Any] = {}
    for name, below in answer.items():
        out |= _flat(below, f"{path}.{name}" if path else str(name))
    return out


def _rows(answer: dict[str, Any]) -> dict[str, Any]:
    rows: list[dict[str, Any]] = answer["patients"]
    return {
        f"{row['case']}.{name}": value
        for row in rows
        for name, value in row.items()
        if name != "case"
    }
