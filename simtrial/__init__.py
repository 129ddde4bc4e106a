"""Sample size, power and assurance for trials in idiopathic inflammatory myopathies.

The names below are loaded when first used; importing the package does no work.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PLACES = {
    "load_design": "simtrial.trial.design",
    "load_scenario": "simtrial.trial.scenario",
    "load_posterior": "simtrial.trial.posterior",
    "load_ledger": "simtrial.evidence.ledger",
    "load_with": "simtrial.evidence.ledger",
    "Store": "simtrial.operating.store",
    "power": "simtrial.report.results",
    "size": "simtrial.report.results",
    "simulate": "simtrial.report.synthetic",
    "sensitivity": "simtrial.report.results",
    "refit": "simtrial.planning.refit",
    "replicate_lim21": "simtrial.validation.documents",
}

__all__ = list(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'simtrial' has no attribute '{name}'")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted(_PLACES)
