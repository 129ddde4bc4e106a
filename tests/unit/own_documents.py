"""Own documents that several tests write, and what the fit makes of them."""

from __future__ import annotations

import importlib.resources
from pathlib import Path
from typing import Any

import numpy as np

from simtrial.evidence.ledger import Ledger, load_with
from simtrial.synthesis.fit import medians_of
from simtrial.synthesis.harm import harm_facts_of
from simtrial.synthesis.model import course_model, facts_of
from simtrial.synthesis.priors import load_priors
from simtrial.synthesis.tables import K_ON_NODES, X50_NODES, CellTables, ScoreTable
from tests.workflow.own_cases import OWN

TEMPLATE = importlib.resources.files("simtrial.evidence") / "template.yaml"
SHIPPED = importlib.resources.files("simtrial.evidence") / "documents"
ROW = """\
        - {{case: {case}, sex: F, age_years: {age}, diagnosis: {s}, subtype: {s}, duration_years: 1,
           therapy: [], courses: {courses}, functional_improved: {better}, mrc_improved: {better},
           myometer_change_percent: null, myometer_significant: null, ck_before: 100, ck_after: 50}}
"""
ROWS = "\n      patients:\n" + "".join(
    ROW.format(case=i, age=40 + i, s=s, courses=i, better=str(i % 2 == 0).lower())
    for i, s in enumerate(("DM", "DM", "PM", "IBM"), 1)
)


def ledger_of(text: str = OWN, **options: Any) -> Ledger:
    Path("own26.yaml").write_text(text, encoding="utf-8")
    return load_with([Path("own26.yaml")], **options)


def model_of(ledger: Ledger, reached: float = 0.8, by_chance: float = 0.1) -> Any:
    priors = load_priors()
    shape = (len(K_ON_NODES), len(X50_NODES))
    even = CellTables(np.full((*shape, 7, 2, 4), 0.1), np.full((7, 2, 4), 0.1))
    facts = facts_of(ledger)
    scores = {s.name: ScoreTable(np.full(shape, reached), by_chance) for s in facts.scores}
    harm = harm_facts_of(ledger, priors, medians_of(ledger, priors))
    return course_model(facts, harm, priors, even, scores)


def once(text: str, *names: str) -> str:
    """Return a document in which some facts were read once only."""
    parts = text.split("  - id: ")
    for i, part in enumerate(parts):
        if part.partition("\n")[0] in names:
            parts[i] = part.replace("second: agrees", "second: null")
    return "  - id: ".join(parts)
