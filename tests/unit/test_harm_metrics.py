"""Harm by arm: what is counted of each patient, and the error of what was counted."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.snapshot import Snapshot, empty_snapshot
from simtrial.endpoints.harm import count_harm
from simtrial.operating.characteristics import harm_rates
from simtrial.operating.replicates import run_replicates
from simtrial.stats.montecarlo import wilson_interval
from tests.statistical.cohorts import demo, ready

N, TRIALS = 40, 12
OFTEN = {
    "reaction.per_course[ivig]": 0.5,
    "reaction.per_course[placebo]": 0.2,
    "reaction.serious": 0.2,
    "thromboembolism.per_course": 0.1,
    "serious.per_course[ivig]": 0.05,
    "stop.serious": 0.5,
}


def snapshot() -> Snapshot:
    """Return one trial of three patients with two planned courses, without harm."""
    return empty_snapshot(1, 3, 2, 2)


def test_a_course_counts_once_and_serious_events_of_every_kind_together():
    seen = snapshot()
    seen.reaction_minute[0, 0] = (10, 30)
    seen.reaction_serious[0, 0] = (False, True)
    seen.thromboembolism_minute[0, 0] = (-1, 40, 50)
    seen.serious_minute[0, 1] = (-1, 7)
    seen.harm_stop_minute[0, 1] = 7
    counts = count_harm(seen)
    assert counts.reactions.tolist() == [[2, 0, 0]]
    assert counts.thromboembolisms.tolist() == [[2, 0, 0]]
    assert counts.serious.tolist() == [[3, 1, 0]]
    assert counts.stopped.tolist() == [[False, True, False]]


def test_an_event_on_the_minute_of_randomisation_counts():
    seen = snapshot()
    seen.reaction_minute[0, 2, 0] = 0
    seen.harm_stop_minute[0, 2] = 0
    assert count_harm(seen).reactions.tolist() == [[0, 0, 1]]
    assert count_harm(seen).stopped.tolist() == [[False, False, True]]


def test_shares_by_arm_are_those_of_the_snapshot():
    prepared = ready(demo(), "point", OFTEN)
    outcomes = run_replicates(prepared, seed=3, first=0, last=TRIALS, sizes=[N])
    numbers = (prepared.protocol, prepared.table, prepared.arrivals)
    seen = compiled.run(*numbers, seed=3, first=0, last=TRIALS, n=N).seen
    counts = count_harm(seen)
    found = harm_rates(prepared, outcomes)
    for a, arm in enumerate(prepared.design.arm_names):
        mine = seen.arm == a
        wanted = {
            "reaction_patients": (counts.reactions[mine] > 0).mean(),
            "reaction_courses": counts.reactions[mine].sum() / seen.courses[mine].sum(),
            "thromboembolism_patients": (counts.thromboembolisms[mine] > 0).mean(),
            "serious_patients": (counts.serious[mine] > 0).mean(),
            "stopped_for_harm": counts.stopped[mine].mean(),
        }
        for name, share in wanted.items():
            metric = found[arm][name]
            assert metric is not None
            assert metric.estimate == pytest.approx(share, rel=1e-15)  # one division
    drug = found["ivig"]["serious_patients"]
    assert drug is not None
    assert 0.0 < drug.mcse < 0.1


def test_what_nobody_had_is_told_with_an_error():
    prepared = ready(demo(), "point")  # without harm
    outcomes = run_replicates(prepared, seed=3, first=0, last=TRIALS, sizes=[N])
    metric = harm_rates(prepared, outcomes)["ivig"]["thromboembolism_patients"]
    assert metric is not None
    patients = int(outcomes.arm_n[:, 1].sum())
    assert metric.estimate == 0.0
    assert metric.interval95 == wilson_interval(0, patients)
    assert metric.mcse == pytest.approx(wilson_interval(0, patients)[1] / 2 / 1.95996398454)


def test_an_arm_without_courses_has_no_share_of_courses():
    prepared = ready(demo(), "point", OFTEN)
    outcomes = run_replicates(prepared, seed=3, first=0, last=2, sizes=[N])
    outcomes.harm[:, 0, :2] = 0
    assert harm_rates(prepared, outcomes)["placebo"]["reaction_courses"] is None
    assert np.isfinite(outcomes.harm).all()
