"""The shipped posterior is up to date, and a fit with another seed gives it again."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.operating.background import PATIENTS
from simtrial.planning.refit import compare, refit, stale_marks
from simtrial.synthesis.fit import LEAST_ESS, MOST_RHAT
from simtrial.trial.posterior import load_posterior


def test_the_shipped_posterior_is_not_stale():
    assert stale_marks(load_posterior()) == []


def test_a_posterior_of_other_facts_is_recognised_as_stale():
    posterior = load_posterior()
    marks = posterior.provenance["fingerprint"] | {"facts": "of last year"}
    posterior.provenance["fingerprint"] = marks
    found = stale_marks(posterior)
    assert len(found) == 1
    assert "facts: the file has of last year" in found[0]


def test_the_shipped_posterior_met_its_diagnostics():
    found = load_posterior().provenance["diagnostics"]
    assert found["rhat"] < MOST_RHAT
    assert min(found["ess_bulk"], found["ess_tail"]) > LEAST_ESS
    assert found["divergences"] == 0


def test_the_control_tables_error_is_below_the_stated_one():
    background = load_posterior().background
    assert max(background["r0_error"].max(), background["r1_error"].max()) < 0.002
    assert np.all(background["r1"] >= background["r0"])


# About 80 free comparisons of 4 statistics at 4.9 combined standard errors (1e-6 each, two-sided):
# a false alarm once in some thousands of runs. A shift of 0.02 in a median response is 6 errors.
@pytest.mark.verify
def test_a_fit_with_another_seed_reproduces_every_shipped_parameter():
    made = refit(seed=20_270_101, control_patients=PATIENTS // 64, workers=2)
    rows = compare(made, load_posterior())
    worst = max(rows, key=lambda row: abs(row["z"]))
    print(f"farthest: {worst}")
    assert len(rows) == 4 * len(load_posterior().draws)
    assert abs(worst["z"]) < 4.9, worst
