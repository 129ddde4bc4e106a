"""What is needed to run a result again: canonical JSON, digests, versions."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

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


def content_digest(value: Any) -> str:
    """Return a digest of arrays, bit by bit, in any nest of mappings, tuples and dataclasses."""
    together = hashlib.sha256()
    for part in _parts(value):
        together.update(part)
    return together.hexdigest()[:16]


def _parts(value: Any) -> Iterable[bytes]:
    if isinstance(value, np.ndarray):
        yield f"array {value.dtype.str} {value.shape} ".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, np.generic):
        yield from _parts(value.item())
    elif dataclasses.is_dataclass(value):
        yield from _parts({f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
    elif isinstance(value, Mapping):
        yield f"mapping {len(value)} ".encode()
        for key in sorted(value):
            yield f"{key!r} ".encode()
            yield from _parts(value[key])
    elif isinstance(value, tuple | list):
        yield f"sequence {len(value)} ".encode()
        for part in value:
            yield from _parts(part)
    elif value is None or isinstance(value, str | bool | int | float):
        yield f"{type(value).__name__} {value!r} ".encode()
    else:
        raise TypeError(f"a {type(value).__name__} has no digest")


def clashing_distributions() -> list[str]:
    """Return other installed distributions that ship an import package called ``simtrial``."""
    owners = importlib.metadata.packages_distributions().get("simtrial", [])
    return sorted({owner for owner in owners if owner != DISTRIBUTION})
