"""What is needed to run a result again: canonical JSON, digests, versions."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from typing import Any

DISTRIBUTION = "myositis-simtrial"
DEFAULT_SEED = 20261122


def version() -> str:
    """Return the installed version of the distribution."""
    return importlib.metadata.version(DISTRIBUTION)


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, floats by their repr."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def clashing_distributions() -> list[str]:
    """Return other installed distributions that ship an import package called ``simtrial``."""
    owners = importlib.metadata.packages_distributions().get("simtrial", [])
    return sorted({owner for owner in owners if owner != DISTRIBUTION})
