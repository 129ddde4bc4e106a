"""Events of the further classes change what they have to change and nothing else.

Draws have addresses, so two worlds share every patient: each claim is equality of bits.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.events import event_slots
from tests.agreement.random_designs import RandomTrial, plain_trial

SEEDS = range(2_100, 2_116)
OFTEN = {
    "meningitis.per_course": 0.5,
    "haemolysis.per_course": 0.5,
    "infection.per_year": 4.0,
    "steroid_toxicity.per_year_10mg": 4.0,
    "cancer.per_year": 0.5,
    "death.per_year": 1.0,
    "progression.per_year": 2.0,
}
RATE = {rate.partition(".")[0]: rate for rate in OFTEN}
NO_ACTION = {
    **dict.fromkeys(("stop.serious", "stop.reaction", "fatal.serious"), 0.0),
    **dict.fromkeys(("interrupt.serious", "interrupt.other"), 0.0),
}


@pytest.fixture(params=SEEDS, scope="module")
def trial(request) -> RandomTrial:
    return plain_trial(request.param)


def run_with(trial: RandomTrial, values: dict[str, float]):
    """Run with some parameters replaced; a name without brackets stands for every subtype's."""
    rows = trial.p_background.shape[0]
    new = {
        name: np.full(rows, value)
        for short, value in values.items()
        for name in trial.draws
        if name == short or name.startswith(f"{short}[")
    }
    assert len(new) >= len(values)
    return dataclasses.replace(trial, draws=trial.draws | new).simulate(compiled.run)


def slots_of(seen, name: str):
    listed = event_slots(seen.serious_minute.shape[2], seen.tis.shape[2])
    return np.array([slot == name for slot, _ in listed])


def assert_equal(one, other, but=frozenset(), where=...):
    for name in one._fields:
        if name not in but:
            np.testing.assert_array_equal(
                getattr(one, name)[where], getattr(other, name)[where], err_msg=name
            )


@pytest.mark.parametrize("name", [name for name in RATE if name != "death"])
def test_a_rate_of_0_removes_its_events_and_moves_nothing_else(trial, name):
    lively = OFTEN | NO_ACTION | {"death.per_year": 0.0}
    here, there = run_with(trial, lively), run_with(trial, lively | {RATE[name]: 0.0})
    mine = slots_of(here.seen, name)
    assert (there.seen.events_minute[..., mine] < 0).all()
    for column in ("events_minute", "events_detail"):
        np.testing.assert_array_equal(
            getattr(here.seen, column)[..., ~mine], getattr(there.seen, column)[..., ~mine]
        )
    but = {"events_minute", "events_detail"} | ({"cancer_minute"} if name == "cancer" else set())
    assert_equal(here.seen, there.seen, but=but)
    assert_equal(here.truth, there.truth)


def test_without_death_nothing_changes_before_it_and_nothing_for_those_who_live(trial):
    here = run_with(trial, OFTEN | NO_ACTION)
    there = run_with(trial, OFTEN | NO_ACTION | {"death.per_year": 0.0})
    died = here.seen.death_minute
    assert (there.seen.death_minute < 0).all()
    per_trial = {"screened", "failures", "complete"}
    assert_equal(here.seen, there.seen, but=per_trial, where=died < 0)
    upto = (died[..., None] >= 0) & (there.seen.events_minute <= died[..., None])
    upto &= there.seen.events_minute >= 0
    np.testing.assert_array_equal(here.seen.events_minute[upto], there.seen.events_minute[upto])
    late = (died[..., None] >= 0) & (here.seen.events_minute > died[..., None])
    assert not late.any()
    came = (there.seen.visit_minute >= 0) & (there.seen.visit_minute <= died[..., None])
    np.testing.assert_array_equal(here.seen.tis[came], there.seen.tis[came])


def test_there_were_events_to_speak_of():
    together = [run_with(plain_trial(s), OFTEN | NO_ACTION).seen for s in SEEDS]
    for name in RATE:
        found = sum((s.events_minute[..., slots_of(s, name)] >= 0).sum() for s in together)
        assert found > 300, name


def test_more_prednisolone_only_adds_infections_and_never_moves_one_later(trial):
    mild = OFTEN | NO_ACTION | {"death.per_year": 0.0, "infection.hr_10mg": 1.0}
    here, there = run_with(trial, mild), run_with(trial, mild | {"infection.hr_10mg": 3.0})
    mine = slots_of(here.seen, "infection")
    before, after = here.seen.events_minute[..., mine], there.seen.events_minute[..., mine]
    assert (after[before >= 0] >= 0).all()
    assert (after[before >= 0] <= before[before >= 0]).all()


def test_an_interruption_leaves_out_courses_and_changes_nothing_before_the_first(trial):
    stay = OFTEN | NO_ACTION | {"death.per_year": 0.0}
    here, there = run_with(trial, stay | {"interrupt.other": 0.5}), run_with(trial, stay)
    spared = (here.seen.missed_courses == 0) & (here.seen.arm >= 0)
    but = {"screened", "failures", "complete", "events_detail"}
    assert_equal(here.seen, there.seen, but=but, where=spared)
    missed = here.seen.missed_courses > 0
    first = np.where(
        here.seen.course_minute == there.seen.course_minute, 2**31 - 1, there.seen.course_minute
    ).min(axis=2)
    held = there.seen.visit_minute
    upto = missed[..., None] & (held >= 0) & (held <= first[..., None])
    np.testing.assert_array_equal(here.seen.tis[upto], there.seen.tis[upto])
