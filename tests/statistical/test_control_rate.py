"""A stated control rate is the one that is simulated, and the table behind it is the engine's."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.cohort.course import course_row
from simtrial.cohort.draws import draw_plan
from simtrial.cohort.truth import Cohort
from simtrial.operating.background import CONTROL_RATE, control_responses, reference_protocol
from simtrial.operating.prepare import Prepared
from simtrial.trial.design import revalidated
from simtrial.trial.posterior import load_posterior
from tests.statistical.cohorts import over_batches, ready, simulate
from tests.statistical.exact import assert_count

RATES = (0.25, 0.35, 0.5, 0.6, 0.75)
NOBODY_LEAVES = {"dropout_16_weeks": 0.0}
MINIMAL_IMPROVEMENT = 20.0
ERRORS = 4.9  # standard errors that are exceeded once in a million, two-sided
BATCH = 20_000


def controls(rate: float) -> Prepared:
    """Return the reference protocol, with the demo's visits and the drug off, at a stated rate."""
    design = revalidated(reference_protocol(), {"visits_weeks": [0, 4, 8, 12, 16]})
    return ready(design, "identical_arms", {**NOBODY_LEAVES, CONTROL_RATE: rate})


def improved_at_the_end(cohort: Cohort) -> int:
    score = cohort.seen.tis[:, :, -1]
    assert not np.isnan(score).any()
    return int((score >= MINIMAL_IMPROVEMENT).sum())


def check_rate(rate: float, batches: int, seed: int) -> None:
    prepared = controls(rate)
    assert prepared.clipped == 0
    p = float(prepared.table.p_background[0])
    table = {name: float(values[-1]) for name, values in load_posterior().background.items()}
    # r0 and r1 are counted among the same patients, so their errors may add up
    slack = ERRORS * ((1.0 - p) * table["r0_error"] + p * table["r1_error"])
    n = batches * BATCH
    hits = sum(over_batches(prepared, improved_at_the_end, seed=seed, batches=batches, n=BATCH))
    what = f"control rate {rate}, p_background {p:.4f}, seed {seed}"
    assert_count(hits, n, rate - slack, rate + slack, what=what)


# 5 checks, 1e-6 each: exact binomial tails around a rate that is as uncertain as the table behind
# it (0.3 to 0.6 points). With 200,000 patients they see a control rate that is off by 1.2 points
# with probability 0.95; with 2,000,000, one of 0.8 points.
@pytest.mark.parametrize("rate", RATES)
def test_simulated_controls_respond_at_the_stated_rate(rate):
    check_rate(rate, batches=10, seed=501)


@pytest.mark.verify
@pytest.mark.parametrize("rate", RATES)
def test_simulated_controls_respond_at_the_stated_rate_in_the_long_run(rate):
    check_rate(rate, batches=100, seed=502)


# Equal, not close: the table and the engine read the same draws.
@pytest.mark.parametrize("replicate", [0, 7])
@pytest.mark.parametrize("source", ["identical_arms", "point"])
def test_the_table_counts_what_the_engine_counts(source, replicate):
    # the drug is off in the table; "point" is the same where nobody responds to it
    seed, patients = 503, 20_000
    replaced = {**NOBODY_LEAVES, "p_response.DM": 0.0}
    engine, prepared = [], None
    for p_background in (0.0, 1.0):
        prepared = ready(reference_protocol(), source, {**replaced, "p_background": p_background})
        cohort = simulate(prepared, seed=seed, first=replicate, last=replicate + 1, n=patients)
        assert (cohort.truth.improves == bool(p_background)).all()
        engine.append(improved_at_the_end(cohort))
    counted = control_responses(
        prepared.protocol,
        course_row(prepared.table, 0),
        draw_plan(prepared.protocol.visit_week),
        seed,
        replicate,
        patients,
    )
    assert engine == list(counted)
    assert 0 < counted[0] < counted[1] < patients
