"""What several unit tests share: the shipped documents with one text exchanged."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workflow.own_cases import PROTOCOL

Edit = Callable[..., Path]


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """Copy the shipped documents to a directory, with one text in one of them exchanged."""

    def edit(old: str, new: str, document: str = "lim21.yaml") -> Path:
        for entry in (importlib.resources.files("simtrial.evidence") / "documents").iterdir():
            text = entry.read_text(encoding="utf-8")
            if entry.name == document:
                assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
                text = text.replace(old, new)
            (tmp_path / entry.name).write_text(text, encoding="utf-8")
        return tmp_path

    return edit


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a new folder that holds the protocol of the own document of the tests."""
    monkeypatch.chdir(tmp_path)
    Path("own26_protocol.yaml").write_text(PROTOCOL, encoding="utf-8")
    return tmp_path
