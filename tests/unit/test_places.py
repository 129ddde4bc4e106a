"""Each fact stands where it says: its digits always, its lines where the documents' texts are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from simtrial.core.errors import EvidenceError
from simtrial.evidence.digits import WORDS, found_in, leaves, numbers_of, unprinted
from simtrial.evidence.ledger import load_ledger
from simtrial.evidence.seal import seal
from simtrial.evidence.text import check_places, hash_of, key_of, places_document
from tests.documents import documents_folder

HERE = Path(__file__).parent
# words that tell a number without naming one: the values then derive it
TELLING = {"all", "monthly"}
LEDGER = load_ledger()


# digits: always


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("8/19 42.0% 19.6 64.6", [8, 19, 42.0, 19.6, 64.6]),
        ("1,827.7 -1,628.5", [1827.7, -1628.5]),
        ("1.6-7.3", [1.6, 7.3]),
        ("n\u00bc9 (n\u00bc6)", [9, 6]),
        ("\ufffd1.3 \ufffd2.0 \u221212.3 +20.9", [-1.3, -2.0, -12.3, 20.9]),
        ("Eight none first", [8, 0, 1]),
        ("37\u201369", [37, 69]),
    ],
)
def test_printed_numbers_are_read_with_their_signs(text: str, numbers: list[float]) -> None:
    assert [digits.value for digits in numbers_of(text)] == numbers


def test_the_decimals_of_a_printed_number_are_kept() -> None:
    assert [digits.decimals for digits in numbers_of("42.0 7 1,234.50")] == [1, 0, 2]


@pytest.mark.parametrize(
    ("token", "text", "there"),
    [
        ("8", "8/19", True),
        ("8", "18 or 80", False),
        ("8", "4.8", False),
        ("7.3", "(1.6-7.3)", True),
        ("7", "7.3", False),
        ("none", "In none of them", True),
        ("none", "nonesuch", False),
        ("9", "n\u00bc9)", True),
    ],
)
def test_a_token_stands_by_itself(token: str, text: str, there: bool) -> None:
    assert found_in(token, text) is there


@pytest.mark.parametrize("fact_id", LEDGER.facts)
def test_a_fact_holds_its_digits(fact_id: str) -> None:
    fact = LEDGER.fact(fact_id)
    assert unprinted(fact) == []
    for token in fact.locator.digits.split():
        if not any(mark.isdigit() for mark in token) and token.lower() not in WORDS:
            assert token.lower() in TELLING and fact.derived, token


def test_another_number_in_any_fact_is_found() -> None:
    # every printed number of every shipped fact in turn, made one larger, or more where that
    # stands at the place too: none slips through. What the digits cannot see is one printed
    # number for another of the same place (396 of 685 such exchanges pass): that is what the
    # second reading is for, and the audit's sums and percentages
    slipped, tried = [], 0
    for fact in LEDGER.facts.values():
        printed = {digits.value for digits in numbers_of(fact.locator.digits)}
        for path, number in leaves(fact.as_printed):
            other = next(number + k for k in range(1, 99) if number + k not in printed)
            tried += 1
            if not unprinted(fact, {path: other}):
                slipped.append(f"{fact.id}: {path}")
    assert slipped == []
    assert tried > 600


# lines and hashes: where the texts are


def _folder() -> Path:
    folder = documents_folder()
    if folder is None:
        pytest.skip("the documents' texts are not here; make verify asks for them")
    return folder


def test_every_place_is_borne_out_by_its_document_where_the_texts_are() -> None:
    assert check_places(LEDGER, _folder()) == ()


@pytest.mark.verify
def test_the_documents_are_here_and_bear_out_every_place() -> None:
    folder = documents_folder()
    assert folder is not None, "name the folder of the documents' texts in SIMTRIAL_DOCUMENTS"
    found = places_document(LEDGER, folder)
    assert found["faults"] == []
    assert found["checked"] == len(LEDGER.facts)
    assert found["without_text"] == []


def test_every_place_of_the_shipped_ledger_has_the_hash_of_its_lines() -> None:
    for head in LEDGER.documents.values():
        assert head.text is not None, head.id
        places = {key_of(f.locator.lines) for f in LEDGER.facts.values() if f.document == head.id}
        assert set(head.text.lines) == places
        assert len(set(head.text.lines.values())) > 1


# a made-up text, so that each fault is seen everywhere


@pytest.fixture
def made(tmp_path: Path) -> Path:
    for name in ("clean_ledger.yaml", "made25.txt"):
        shutil.copy(HERE / name, tmp_path / name)
    assert seal(tmp_path / "clean_ledger.yaml", tmp_path, "made25.txt") > 20
    return tmp_path


def _faults(folder: Path) -> list[str]:
    ledger = load_ledger([folder / "clean_ledger.yaml"])
    return [fault.proof for fault in check_places(ledger, folder)]


def test_a_sealed_document_is_borne_out(made: Path) -> None:
    assert _faults(made) == []


def test_sealing_twice_changes_nothing(made: Path) -> None:
    file = made / "clean_ledger.yaml"
    once = file.read_bytes()
    seal(file, made)
    assert file.read_bytes() == once


def test_white_space_is_folded_before_lines_are_hashed() -> None:
    assert hash_of(["a  b", "c"], (1, 2)) == hash_of([" a b\t", "", "c"], (1, 3))


def test_a_line_that_changes_is_seen(made: Path) -> None:
    text = (made / "made25.txt").read_text(encoding="utf-8")
    (made / "made25.txt").write_text(text.replace("40.0 20.0", "40.0 21.0"), encoding="utf-8")
    found = _faults(made)
    assert "SHA-256" in found[0] and "made25.txt has SHA-256" in found[0]
    assert any("lines 50-50 of made25.txt have SHA-256" in proof for proof in found)
    assert any("lines 50-50 of made25.txt do not hold 20.0" in proof for proof in found)


def test_a_text_that_ends_too_early_is_seen(made: Path) -> None:
    text = (made / "made25.txt").read_text(encoding="utf-8").split("\n")
    (made / "made25.txt").write_text("\n".join(text[:55]), encoding="utf-8")
    assert any(proof.startswith("lines 60-60, and made25.txt has 55") for proof in _faults(made))


def test_a_place_that_was_moved_is_seen(made: Path) -> None:
    file = made / "clean_ledger.yaml"
    written = file.read_text(encoding="utf-8")
    moved = written.replace(
        "lines: [50, 50], digits: '40.0 20.0'", "lines: [49, 50], digits: '40.0 20.0'"
    )
    assert moved != written
    file.write_text(moved, encoding="utf-8")
    assert any("lines 49-50 of made25.txt have SHA-256" in proof for proof in _faults(made))


def test_sealing_refuses_digits_that_do_not_stand_there_and_leaves_the_file(made: Path) -> None:
    file = made / "clean_ledger.yaml"
    written = file.read_text(encoding="utf-8").replace("digits: '40.0 20.0'", "digits: '40.0 20.1'")
    file.write_text(written, encoding="utf-8")
    with pytest.raises(EvidenceError) as refused:
        seal(file, made)
    message = str(refused.value)
    assert "locator.digits is '40.0 20.1'" in message and "do not hold 20.1" in message
    assert file.read_text(encoding="utf-8") == written


def test_a_text_that_is_not_there_is_said_with_the_folder(made: Path) -> None:
    (made / "made25.txt").unlink()
    with pytest.raises(EvidenceError, match=r"made25\.txt: not there; it is to be the text of"):
        _faults(made)
