"""The README's Python runs as written, with fewer trials."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_python_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    quick = re.sub(r"trials=[\d_]+", "trials=20", block)
    assert quick.count("trials=20") == 3
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(quick, str(README), "exec"), names)
    assert "n = " in capsys.readouterr().out
    assert len(names["patients"]) == 20 * 94  # type: ignore[arg-type]
    assert (tmp_path / "results" / "mine" / "replicates").is_dir()
