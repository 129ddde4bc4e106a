"""Visits that an amendment added: for earlier patients both engines go on as if they were not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.reference import engine as reference
from simtrial.trial.design import Design, revalidated
from tests.agreement.random_designs import random_trial
from tests.agreement.scripted import NOISY, design, simulate

FROM = 11  # first patient for whom the visit is held
EARLY, LATER = slice(0, FROM - 1), slice(FROM - 1, None)
RESCUE = "rescue_per_visit[refractory, continued]"
NOISE = {"sd_change.vas": 1.0, "sd_change.haq": 0.3, "sd_change.mmt": 0.05}
SEEDS = range(24)


@pytest.fixture(params=[reference.run, compiled.run], ids=["reference", "compiled"])
def run(request):
    return request.param


def amended(**changes) -> Design:
    return design(visits_from_patient={8: FROM}, **changes)


def test_a_visit_is_held_from_the_named_patient_on(run):
    seen = simulate(run, amended(), replicates=3).seen
    came = seen.visit_minute >= 0
    assert not came[:, EARLY, 2].any()
    assert came[:, LATER, 2].all()
    assert came[:, :, [0, 1, 3]].all()
    np.testing.assert_array_equal(~np.isnan(seen.tis), came)


def test_where_it_is_not_held_every_other_visit_is_as_if_it_were(run):
    # errors move on over the visit that is not held
    always, later = (simulate(run, d, replicates=3, **NOISE).seen for d in (design(), amended()))
    for v in (0, 1, 3):
        np.testing.assert_array_equal(always.measures[:, :, v], later.measures[:, :, v])
    np.testing.assert_array_equal(always.measures[:, LATER, 2], later.measures[:, LATER, 2])
    assert np.isnan(later.measures[:, EARLY, 2]).all()


def test_a_course_of_its_week_is_given_all_the_same(run):
    always, later = (simulate(run, d, replicates=3).seen for d in (design(), amended()))
    np.testing.assert_array_equal(always.course_minute, later.course_minute)


def test_no_rule_is_applied_at_a_visit_that_is_not_held(run):
    rule = {"rescue": {"allowed_from_week": 8, "then": "leave_study"}}
    nobody_improves = {"p_response[DM, refractory]": 0.0, RESCUE: 1.0}
    seen = simulate(run, amended(intercurrent=rule), replicates=3, **nobody_improves).seen
    rescued = seen.rescue_minute >= 0
    assert not rescued[:, EARLY].any()
    assert rescued[:, LATER].all()


def test_deterioration_is_confirmed_at_the_next_visit_that_is_held(run):
    rule = {"deterioration": {"from_week": 0}}
    seen = simulate(run, amended(intercurrent=rule), replicates=40, **NOISY).seen
    at = seen.deterioration_minute
    last = seen.visit_minute[0, 0, 3]
    early = at[:, EARLY]
    assert set(early[early >= 0].tolist()) == {last}
    assert (at[:, LATER] == seen.visit_minute[0, -1, 2]).any()


def amended_at_random(seed: int):
    """Return a random trial with every inner visit that may be held later, held later."""
    trial = random_trial(seed)
    d = trial.design
    ruled: dict[int, int] = {}  # a rule of a visit holds for nobody before the visit is held
    for change in (c for arm in d.arms.values() for c in arm.dose_change):
        ruled[change.at_week] = min(change.from_patient, ruled.get(change.at_week, 60))
    held = {
        week: min((5, 11, 60)[i % 3], ruled.get(week, 60))
        for i, week in enumerate(d.visits_weeks[1:-1])
        if week != d.endpoint.week
    }
    return replace(trial, design=revalidated(d, {"visits_from_patient": held}))


@pytest.mark.parametrize("seed", SEEDS)
def test_engines_agree_to_the_last_bit_when_visits_are_added(seed):
    trial = amended_at_random(seed)
    by_events, by_loops = (trial.simulate(run) for run in (reference.run, compiled.run))
    assert by_events.first_difference(by_loops) is None


def test_most_of_these_random_designs_have_such_a_visit():
    held = [amended_at_random(s).design.visits_from_patient for s in SEEDS]
    assert sum(any(patient > 1 for patient in of.values()) for of in held) >= 16
