"""What a posterior was made from, so that a stale file is recognised.

Four marks: the fitted facts, the priors, what the engine counts for a few patients, and the log
density of the model at fixed points. A change of wording moves none of them; a change of a fact,
a prior, a step of the course or a likelihood moves at least one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simtrial.core.provenance import digest
from simtrial.evidence.ledger import Ledger
from simtrial.synthesis.fit import medians_of
from simtrial.synthesis.harm import harm_facts_of
from simtrial.synthesis.model import course_model, facts_of
from simtrial.synthesis.priors import Priors
from simtrial.synthesis.tables import (
    K_ON_NODES,
    X50_NODES,
    CellTables,
    ScoreTable,
    cell_tables,
)

_PATIENTS = 60


def fingerprint(ledger: Ledger, priors: Priors) -> dict[str, Any]:
    """Return the marks of the present code, facts and priors."""
    correlation = np.array(priors.baseline.correlation.rows)
    tables = cell_tables(medians_of(ledger, priors), correlation, patients=_PATIENTS)
    return {
        "facts": ledger.digest(),
        "priors": priors.digest(),
        "engine": digest([tables.responder.tolist(), tables.non_responder.tolist()]),
        "log_density": _log_density(ledger, priors),
    }


def _log_density(ledger: Ledger, priors: Priors) -> list[float]:
    """Return the model's log density at three points, over made-up smooth tables."""
    shape = (len(K_ON_NODES), len(X50_NODES), 7, 2, 4)
    ramp = np.arange(float(np.prod(shape))).reshape(shape)
    made_up = CellTables(1.5 + np.sin(0.1 * ramp), 1.5 + np.cos(0.1 * ramp[0, 0]))
    harm = harm_facts_of(ledger, priors, medians_of(ledger, priors))
    facts = facts_of(ledger)
    counted = ScoreTable(0.5 + 0.4 * np.sin(0.1 * ramp[:, :, 0, 0, 0]), 0.1)
    scores = dict.fromkeys((count.name for count in facts.scores), counted)
    model = course_model(facts, harm, priors, made_up, scores)
    density = model.compile_logp()
    start = model.initial_point()
    out = []
    for shift in (-0.4, 0.0, 0.3):
        point = {name: np.asarray(value) + shift for name, value in start.items()}
        out.append(float(density(point)))
    return out


def differences(shipped: dict[str, Any], present: dict[str, Any]) -> list[str]:
    """Return which marks differ; an empty list means that the file is up to date."""
    out = [
        f"{name}: the file has {shipped.get(name)}, now {present[name]}"
        for name in present
        if name != "log_density" and shipped.get(name) != present[name]
    ]
    before = shipped.get("log_density", [np.nan])
    if not np.allclose(before, present["log_density"], rtol=1e-9, atol=0.0):
        out.append(f"log_density: the file has {before}, now {present['log_density']}")
    return out
