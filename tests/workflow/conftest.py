"""Run the command as a user does: in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-c", "from simtrial.cli.main import main; main()"]


@pytest.fixture
def simtrial() -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=600
        )

    return run
