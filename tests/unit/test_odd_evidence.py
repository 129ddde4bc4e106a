"""Documents that nobody writes on purpose are answered too, with their place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from simtrial.core.errors import EvidenceError
from simtrial.evidence.audit import audit
from simtrial.evidence.ledger import load_ledger
from simtrial.evidence.seal import seal

HERE = Path(__file__).parent
CLEAN = (HERE / "clean_ledger.yaml").read_text(encoding="utf-8")
TREATED = "made25.treated: {n: 30,"
DERIVED = "derived: {cells.never: 28 - 12 - 4}"


def written(folder: Path, old: str, new: str) -> Path:
    assert CLEAN.count(old) >= 1, old
    file = folder / "made25.yaml"
    file.write_text(CLEAN.replace(old, new, 1), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (TREATED, f"made25.treated: {{n: 1{'0' * 400},", "a whole number from 1 to 1,000,000"),
        (TREATED, f"made25.treated: {{n: 0x{'f' * 5000},", "a whole number from 1 to 1,000,000"),
        ("how: by, week: 12", f"how: by, week: {'9' * 400}", "a number from 0 to 5200"),
        ("mean: 40.0", "mean: 1.0e300", "a number from -1e+12 to 1e+12"),
        ("level_percent: 95.0", "level_percent: 1.0e-20", "level_percent"),
        (DERIVED, f"derived: {{cells.never: '1{'0' * 400}'}}", "at most 200 characters"),
        (DERIVED, f"derived: {{cells.never: {'1+' * 5000}1}}", "at most 200 characters"),
        (DERIVED, f"derived: {{cells.never: '{'-' * 20000}1'}}", "at most 200 characters"),
        (DERIVED, "derived: {cells.never: 9**9**9}", "is no arithmetic"),
        (DERIVED, "derived: {cells.never: 1e999 - 1e999}", "is no finite number"),
        (DERIVED, "derived: {cells.never: 1/0}", "is no arithmetic"),
        ("printed: 12/28", "printed: 2026-13-45", "put texts that look like dates"),
        ("printed: 12/28", "printed: !!int 'abc'", "not readable as YAML"),
        ("printed: 12/28", 'printed: "\\ud800"', "half of a character"),
        ("design: Figures", "text: {file: ../a.txt}\ndesign: Figures", "text.file is '../a.txt'"),
        ("design: Figures", "text: {file: '#p.txt'}\ndesign: Figures", "text.file is '#p.txt'"),
    ],
)
def test_an_odd_document_is_refused_in_words(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(EvidenceError) as refused:
        load_ledger([written(tmp_path, old, new)])
    assert str(tmp_path) in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # a fall from nothing, a percentage of a million patients, cells with a great many sums
        ("values: {mean: 40.0, sd: 20.0}", "values: {mean: 0.0, sd: 20.0}"),
        (
            "made25.treated: {n: 30, what: treated patients}",
            "made25.treated: {n: 1000000, what: treated patients}",
        ),
        (
            "cells: {better_first_w4: 5, better_first_w12: 7, lost: 4, never: 12}",
            "cells: {"
            + ", ".join(f"c{i}: {2**i}" for i in range(18))
            + ", better_first_w\u00b2: 2, never: 5}",
        ),
    ],
)
def test_an_odd_document_is_audited(tmp_path: Path, old: str, new: str) -> None:
    text = CLEAN.replace(old, new, 1)
    assert text != CLEAN
    if "c17" in new:
        whole = 2**18 - 1 + 7
        text = text.replace(f"values: {{n: 28, {new}", f"values: {{n: {whole}, {new}")
        text = text.replace("    quantity: course\n", f"    quantity: course\n    n: {whole}\n")
        text = text.replace("made25.treated: {n: 30,", f"made25.treated: {{n: {whole},")
        text = text.replace("made25.analysed: {n: 28,", f"made25.analysed: {{n: {whole},")
    file = tmp_path / "made25.yaml"
    file.write_text(text, encoding="utf-8")
    assert audit(load_ledger([file]))


def test_a_protocol_beside_its_document_is_no_document(tmp_path: Path) -> None:
    shutil.copy(HERE / "clean_ledger.yaml", tmp_path / "made25.yml")
    (tmp_path / "made25_protocol.yaml").write_text("title: a design\n", encoding="utf-8")
    with pytest.raises(EvidenceError, match="made25_protocol"):
        load_ledger([tmp_path])
    text = CLEAN.replace("design: Figures", "protocol: made25_protocol.yaml\ndesign: Figures", 1)
    (tmp_path / "made25.yml").write_text(text, encoding="utf-8")
    assert list(load_ledger([tmp_path]).documents) == ["made25"]


@pytest.mark.parametrize("name", ["sub/p.txt", "../p.txt", "a: b.txt", "#p.txt", ""])
def test_sealing_with_an_odd_name_leaves_the_document_alone(tmp_path: Path, name: str) -> None:
    file = tmp_path / "made25.yaml"
    file.write_text(CLEAN, encoding="utf-8")
    with pytest.raises(EvidenceError):
        seal(file, tmp_path, name)
    assert file.read_text(encoding="utf-8") == CLEAN


def test_a_block_without_a_last_newline_is_sealed_anew(tmp_path: Path) -> None:
    file = tmp_path / "made25.yaml"
    file.write_text(CLEAN, encoding="utf-8")
    shutil.copy(HERE / "made25.txt", tmp_path / "made25.txt")
    places = seal(file, tmp_path, "made25.txt")
    sealed = file.read_text(encoding="utf-8")
    file.write_text(sealed.rstrip("\n"), encoding="utf-8")
    assert seal(file, tmp_path) == places
    assert file.read_text(encoding="utf-8") == sealed
