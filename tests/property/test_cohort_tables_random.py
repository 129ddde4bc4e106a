"""Tables of random designs: nothing is lost, added or moved, and the engines write the same."""

from __future__ import annotations

import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.reference import engine as reference
from simtrial.endpoints.responder import composite_response
from simtrial.report.columns import HIDDEN, OBSERVED
from simtrial.report.happenings import happenings
from simtrial.report.patients import Source, table_of
from tests.agreement.random_designs import random_trial

WEEK = 10_080
ONCE = ("deterioration_minute", "rescue_minute", "stop_minute", "left_minute")


@pytest.mark.parametrize("generator_seed", range(12))
def test_tables_count_what_the_snapshot_counts(generator_seed: int) -> None:
    trial = random_trial(generator_seed)
    source = Source(cohort=trial.simulate(compiled.run), design=trial.design, first=trial.first)
    seen = source.cohort.seen
    entered = seen.arm >= 0
    patients = table_of("patients", source)
    assert patients.num_rows == int(entered.sum())
    assert len(set(patients.column("patient").to_pylist())) == patients.num_rows
    composite = composite_response(seen, trial.design)
    assert sum(patients.column("responder_composite").to_pylist()) == int(composite.sum())
    for arm, name in enumerate(trial.design.arm_names):
        assert patients.column("arm").to_pylist().count(name) == int((seen.arm == arm).sum())
    visits = table_of("visits", source)
    assert visits.num_rows == int((seen.visit_minute >= 0).sum())
    assert set(visits.column("week").to_pylist()) <= set(trial.design.visits_weeks)
    events, what = table_of("events", source), happenings(seen)
    assert events.column("week").to_pylist() == list(what.minute / WEEK)
    minutes = sorted(int(m) for field in ONCE for m in getattr(seen, field)[entered] if m >= 0)
    told = [m for m, serious in zip(what.minute, what.serious, strict=True) if serious < 0]
    if "reaction_minute" not in seen._fields:
        assert sorted(told) == minutes
    screening = table_of("screening", source)
    assert screening.column("screened").to_pylist() == list(seen.screened)
    assert set(screening.column("trial").to_pylist()) == set(range(trial.first, trial.last))


@pytest.mark.parametrize("generator_seed", [1, 4])
def test_both_engines_give_the_same_tables(generator_seed: int) -> None:
    trial = random_trial(generator_seed)
    sources = [
        Source(cohort=trial.simulate(e.run), design=trial.design) for e in (compiled, reference)
    ]
    for name in (*OBSERVED, *HIDDEN):
        ours, theirs = (table_of(name, source) for source in sources)
        assert ours.num_rows > 0
        assert ours.equals(theirs, check_metadata=True)
