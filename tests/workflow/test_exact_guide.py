"""The guide to exact answers runs as written, with fewer trials."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from simtrial.trial.design import load_design
from simtrial.trial.scenario import load_scenario
from tests.workflow.answers import Answer

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "exact.md"
TEXT = GUIDE.read_text(encoding="utf-8")
FILES = ["response.yaml", "likely.yaml", "uncertain.yaml", "strata.yaml", "flare.yaml"]
Call = Callable[..., Answer]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that holds the files of the guide, and work in it."""
    files = re.findall(r"```yaml\n# (\S+)\n(.*?)```", TEXT, flags=re.DOTALL)
    assert [name for name, _ in files] == [*FILES, "delayed.yaml"]
    for name, content in files:
        (tmp_path / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands() -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [shlex.split(re.sub(r"--trials \d+", "--trials 200", line))[1:] for line in lines]


def test_the_guide_s_commands_run(call: Call, folder: Path) -> None:
    answers = {" ".join(words): call(*words) for words in commands()}
    assert {line: answer.code for line, answer in answers.items()} == dict.fromkeys(answers, 0)
    assert (folder / "results" / "response" / "report.html").is_file()
    counted = call("power", "dm_ivig_16w", "--scenario", "strata.yaml", "--json")
    assert json.loads(counted.out)["scenarios"][0]["exact"] is True


def test_the_guide_s_python_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    for block in blocks:
        exec(compile(block, str(GUIDE), "exec"), {})
    assert "power 0.80166 (exact)" in capsys.readouterr().out


def test_every_boundary_and_rule_that_the_guide_names_is_read(folder: Path) -> None:
    text = (folder / "flare.yaml").read_text(encoding="utf-8")
    section = TEXT.split("spreads\nthe one-sided error")[1].split("Fisher's test")[0]
    kinds = re.findall(r"`([^`]+)`", section)
    assert len(kinds) == 9
    for kind in kinds:
        written = kind if kind.startswith("{") else f"{{kind: {kind}}}"
        (folder / "one.yaml").write_text(
            text.replace("{kind: lan_demets_obrien_fleming}", written), encoding="utf-8"
        )
        assert load_design("one.yaml").decision is not None
    assert load_scenario("delayed.yaml").digest()
