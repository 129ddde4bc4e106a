"""Another distribution with the same import name is announced."""

from __future__ import annotations

import pytest

from simtrial.cli import main
from simtrial.core import provenance


def test_only_our_own_distribution_is_installed_here():
    assert provenance.clashing_distributions() == []


def test_a_second_distribution_called_simtrial_is_warned_of(monkeypatch, capsys):
    monkeypatch.setattr(
        "importlib.metadata.packages_distributions",
        lambda: {"simtrial": ["simtrial", "myositis-simtrial"]},
    )
    monkeypatch.setattr("sys.argv", ["simtrial", "--help"])
    with pytest.raises(SystemExit):
        main.main()
    assert "'simtrial' also installs a package called simtrial" in capsys.readouterr().err
