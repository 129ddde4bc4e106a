"""The documents' studies as designs: both engines give the same patients to the last bit."""

from __future__ import annotations

import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.reference import engine as reference
from simtrial.operating.prepare import prepare
from simtrial.trial.design import load_patient_design
from simtrial.trial.scenario import load_patient_scenario
from tests.agreement.random_designs import shipped

PATIENTS = 1_000  # at least so many of each study


@pytest.mark.parametrize("name", ["lim21", "nan25", "oha21", "mas98"])
def test_engines_agree_on_a_document_s_study(name):
    design = load_patient_design(f"documents/{name}")
    ready = prepare(design, load_patient_scenario(name, "agreement"), shipped())
    n = design.sample_size.n
    by_events, by_loops = (
        run(
            ready.protocol,
            ready.table,
            ready.arrivals,
            seed=20_260_124,
            first=50,
            last=50 + -(-PATIENTS // n),
            n=n,
        )
        for run in (reference.run, compiled.run)
    )
    assert by_events.seen.complete.all()
    assert by_events.first_difference(by_loops) is None
