"""Run the command as a user does: in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simtrial.cli import main
from tests.workflow.answers import Answer

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-c", "from simtrial.cli.start import main; main()"]


@pytest.fixture
def simtrial() -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=600
        )

    return run


@pytest.fixture(autouse=True)
def _pytest_s_own_interrupt() -> Iterator[None]:
    """Give SIGINT back to pytest: the command takes it in whichever process it is called."""
    handler = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """Return a function that calls the command in this process."""
    # it reads the metadata of every installed package, half a second each time
    monkeypatch.setattr(main, "clashing_distributions", list)

    def run(*arguments: str) -> Answer:
        monkeypatch.setattr("sys.argv", ["simtrial", *arguments])
        with pytest.raises(SystemExit) as ended:
            main.main()
        return Answer(ended.value.code, *capsys.readouterr())

    return run
