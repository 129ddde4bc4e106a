"""Sentinels: a change of a document's figures moves what it must, and nothing else.

Each runs on a changed copy of the ledger. The fits take half a minute each and share the same
simulated cell tables, so all live in one file and one process.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from simtrial.evidence.ledger import Ledger, load_ledger, replace_patients, replace_values
from simtrial.operating.prepare import prepare
from simtrial.operating.replicates import run_all
from simtrial.planning.size import size_grid
from simtrial.synthesis.fit import diagnose, require_convergence, sample
from simtrial.synthesis.priors import load_priors
from simtrial.trial.design import load_design
from simtrial.trial.posterior import Posterior, load_posterior, median_on_free_scale
from simtrial.trial.scenario import load_scenario

pytestmark = pytest.mark.verify

# well above the sampling error of a median (0.003): faults move these by 0.1 and more
PATIENTS = 20_000
MANY_RESPOND = {
    "tis40_first_w3": 12,
    "tis40_first_w4": 2,
    "tis40_first_w6": 2,
    "tis40_first_w9": 0,
    "tis20_kept": 1,
    "tis20_lost": 1,
    "never": 1,
}


def ledger_of(name: str) -> Ledger:
    shipped = load_ledger()
    if name == "many respond":
        changed = {"n": 19, "cells": MANY_RESPOND}
        return replace_values(shipped, "lim21.tis_course.ivig", changed)
    if name == "IBM improves":
        improved = {"functional_improved": True, "mrc_improved": True}
        patients = [
            p.model_copy(update=improved) if 12 <= p.case <= 15 else p
            for p in shipped.patients("mas98")
        ]
        return replace_patients(shipped, "mas98", patients)
    if name == "without 004":
        return shipped.without_document("mas98")
    return shipped


@cache
def fitted(name: str) -> dict[str, np.ndarray]:
    tree = sample(ledger_of(name), load_priors(), seed=4_711, patients_per_node=PATIENTS)
    require_convergence(diagnose(tree))
    return {
        str(k): np.asarray(v).ravel()
        for k, v in tree["posterior"].data_vars.items()
        if str(k) in ("k_on", "x50") or str(k).startswith("p_response")
    }


def median(name: str, parameter: str) -> float:
    return float(np.median(fitted(name)[parameter]))


def required_n(name: str) -> int:
    """Return the smallest n for power 0.8 at the point of a fit, other parameters as shipped."""
    shipped = load_posterior()
    point = shipped.point | {k: median_on_free_scale(k, v) for k, v in fitted(name).items()}
    posterior = Posterior(
        draws=shipped.draws,
        point=point,
        origins=shipped.origins,
        background=shipped.background,
        correlation=shipped.correlation,
        provenance={},
    )
    design = load_design("dm_ivig_16w")
    sizes = [n for n in size_grid(design) if n <= 150]
    prepared = prepare(design, load_scenario("point"), posterior)
    run = run_all(prepared, seed=1, trials=6_000, sizes=sizes, workers=2)
    power = run.outcomes.success.mean(axis=0)
    reached = [n for n, p in zip(sizes, power, strict=True) if p >= 0.8]
    return reached[0]


@pytest.mark.parametrize("line", ["first_line", "refractory"])
def test_more_responders_in_document_002_raise_the_response_of_dm_in_both_lines(line):
    name = f"p_response[DM, {line}]"
    assert median("many respond", name) > median("as shipped", name) + 0.03


def test_more_responders_in_document_002_lower_the_sample_size():
    assert required_n("many respond") < required_n("as shipped")


def test_improved_ibm_patients_raise_the_response_of_ibm():
    before, after = (median(n, "p_response[IBM]") for n in ("as shipped", "IBM improves"))
    assert after >= before + 0.3


def test_improved_ibm_patients_move_no_other_subtype():
    moved = {
        name: abs(median("IBM improves", name) - median("as shipped", name))
        for name in fitted("as shipped")
        if name.startswith("p_response") and name != "p_response[IBM]"
    }
    assert len(moved) == 10
    assert max(moved.values()) < 0.05, moved


def test_without_document_004_refractory_dm_is_less_certain():
    name = "p_response[DM, refractory]"

    def spread(which: str) -> float:
        p = fitted(which)[name]
        return float(np.std(np.log(p) - np.log1p(-p)))

    assert spread("without 004") >= 1.2 * spread("as shipped")
