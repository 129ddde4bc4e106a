"""Data sets of random designs pass their schema, count what the Snapshot counts, cut or whole."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.reference import engine as reference
from simtrial.endpoints.responder import composite_response
from simtrial.operating.cohorts import cut_cohort
from simtrial.report.adam.check import faults_of
from simtrial.report.adam.datasets import adam_tables
from simtrial.report.adam.define import schema_of
from simtrial.report.adam.times import PARAMETERS
from simtrial.report.patients import Source
from tests.agreement.random_designs import random_trial


@pytest.mark.parametrize("generator_seed", range(12))
def test_data_sets_of_any_design_pass_their_schema(generator_seed: int) -> None:
    trial = random_trial(generator_seed)
    cohort = trial.simulate(compiled.run)
    seen = cohort.seen
    schema = schema_of(trial.design, f"SYNTHETIC {trial.design.title}")
    source = Source(cohort=cohort, design=trial.design, first=trial.first)
    tables = adam_tables(source)
    assert faults_of(tables, schema) == []
    entered = seen.arm >= 0
    assert tables["ADSL"].num_rows == int(entered.sum())
    assert tables["ADQS"].num_rows == int((~np.isnan(seen.measures)).sum()) + 6 * int(entered.sum())
    assert tables["ADTTE"].num_rows == len(PARAMETERS) * int(entered.sum())
    adrs = tables["ADRS"].to_pandas()
    composite = adrs[adrs["PARAMCD"] == "RSPCOMP"]
    responded = composite_response(seen, trial.design)
    assert composite["AVAL"].tolist() == responded[entered].astype(float).tolist()
    for share in (0.25, 0.6):
        minute = int(share * max(1, seen.randomised_minute.max()))
        part = Source(
            cohort=cut_cohort(cohort, minute, trial.protocol()),
            design=trial.design,
            first=trial.first,
            cut_minute=minute,
        )
        assert faults_of(adam_tables(part), schema) == []


def test_both_engines_give_the_same_data_sets() -> None:
    trial = random_trial(4)
    ours, theirs = (
        adam_tables(Source(cohort=trial.simulate(engine.run), design=trial.design))
        for engine in (compiled, reference)
    )
    for name, table in ours.items():
        assert table.num_rows > 0
        assert table.equals(theirs[name], check_metadata=True), name
