"""What a result document is a result of, so that one of another question is not overwritten."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simtrial.core.errors import StoreError
from simtrial.core.provenance import digest, version
from simtrial.trial.design import AnyDesign
from simtrial.trial.posterior import Posterior


def digests_of(
    design: AnyDesign, posterior: Posterior | None, truths: Sequence[str]
) -> dict[str, Any]:
    """Return the digests of what a result is computed from; ``truths`` are the scenarios'."""
    return {
        "design": design.digest(),
        "posterior": "" if posterior is None else posterior.provenance.get("digest", ""),
        "scenarios": list(truths),
    }


def digest_of(digests: Mapping[str, Any]) -> str:
    """Return the digest that names a result, from those of what it is computed from."""
    return digest([digests["design"], digests["posterior"], *digests["scenarios"]])


def read_result(path: Path) -> dict[str, Any] | None:
    """Return the result document of a file, or None where there is no file.

    Raises
    ------
    StoreError : when the file is something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and {"digest", "simtrial", "command"} <= set(found):
            return found
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        pass
    raise StoreError(
        f"{path} is no result of simtrial and would be overwritten; move it, or choose another "
        "--out."
    )


def refuse_another(path: Path, digests: Mapping[str, Any], seed: int) -> None:
    """Refuse to overwrite the result of another design, scenario, posterior, seed or version.

    Raises
    ------
    StoreError : which names what differs.
    """
    held = read_result(path)
    if held is None:
        return
    differing = []
    if held["digest"] != digest_of(digests):
        theirs = held.get("digests", {})
        differing = [
            (f"another {word}", option)
            for key, word, option in (
                ("design", "design or n", "design"),
                ("scenarios", "scenario", "--scenario"),
                ("posterior", "posterior", "--posterior"),
            )
            if theirs.get(key) != digests[key]
        ]
    if held.get("seed") != seed:
        differing.append((f"seed {held.get('seed')}", f"--seed {held.get('seed')}"))
    if held["simtrial"] != version():
        differing.append((f"version {held['simtrial']}", "move it away"))
    if differing:
        what, instead = differing[0]
        raise StoreError(
            f"Result {held['digest']} holds {_replicates(held)}of {what}; "
            f"choose another --out or {instead}."
        )


def _replicates(document: Mapping[str, Any]) -> str:
    rows = document.get("scenarios", [])
    counted = [m["replicates"] for row in rows for m in row["metrics"].values()]
    most = max(counted, default=0)
    return f"replicates 0..{most - 1} " if most else ""


def target_of(path: Path) -> Any:
    """Return the target of the sample size that a file holds; None without one."""
    held = read_result(path)
    return None if held is None else held.get("target")
