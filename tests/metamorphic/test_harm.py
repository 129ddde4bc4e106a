"""Harm changes what it has to change and nothing else, in both engines' science.

Draws have addresses, so two worlds share every patient: each claim is equality of bits.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.risk import without_harm
from tests.agreement.random_designs import RandomTrial, plain_trial

SEEDS = range(2_000, 2_024)
HARM_COLUMNS = {
    *("reaction_minute", "reaction_kind", "reaction_serious", "thromboembolism_minute"),
    *("serious_minute", "harm_stop_minute", "cancer", "previous_thromboembolism"),
    *("migraine", "group_o", "events_minute", "events_detail", "cancer_minute"),
}
NO_ACTION = {
    **dict.fromkeys(("stop.reaction", "stop.serious", "interrupt.serious", "interrupt.other"), 0.0),
    **dict.fromkeys(("fatal.serious", "death.per_year[IBM]", "death.per_year[others]"), 0.0),
}
# a reaction that lets a patient guess what he receives moves what he reports
BLIND = {"unblinding_shift": 0.0}


@pytest.fixture(params=SEEDS, scope="module")
def trial(request) -> RandomTrial:
    return plain_trial(request.param)


def run_with(trial: RandomTrial, **values: float):
    rows = trial.p_background.shape[0]
    new = {name: np.full(rows, value) for name, value in (BLIND | values).items()}
    return replace(trial, draws=trial.draws | new).simulate(compiled.run)


def run_without_harm(trial: RandomTrial):
    rows = trial.p_background.shape[0]
    unharmed = trial.draws | without_harm(rows) | {n: np.full(rows, v) for n, v in BLIND.items()}
    return replace(trial, draws=unharmed).simulate(compiled.run)


def assert_equal(one, other, but=frozenset(), where=...):
    for name in one._fields:
        if name not in but:
            np.testing.assert_array_equal(
                getattr(one, name)[where], getattr(other, name)[where], err_msg=name
            )


def test_harm_without_an_action_changes_nothing_else_of_any_patient(trial):
    harmed, spared = run_with(trial, **NO_ACTION), run_without_harm(trial)
    assert_equal(harmed.seen, spared.seen, but=HARM_COLUMNS)
    assert_equal(harmed.truth, spared.truth, but={"frailty"})


def test_there_was_harm_to_speak_of():
    together = [run_with(plain_trial(s), **NO_ACTION).seen for s in SEEDS]
    assert sum((s.reaction_minute >= 0).sum() for s in together) > 5_000
    assert sum((s.thromboembolism_minute >= 0).sum() for s in together) > 2_000


def test_a_stop_for_harm_changes_nothing_before_it_and_nobody_else(trial):
    stops = NO_ACTION | {"stop.serious": 1.0}
    stopped, stayed = run_with(trial, **stops), run_with(trial, **NO_ACTION)
    minute = stopped.seen.harm_stop_minute
    nobody = minute < 0
    # what would have stopped treatment is noted, whether or not a course was still to come
    but = {"screened", "failures", "complete", "events_detail"}
    assert_equal(stopped.seen, stayed.seen, but=but, where=nobody)
    assert_equal(stopped.truth, stayed.truth, where=nobody)
    # of those stopped: every visit up to that minute, and every event up to it
    visits = stayed.seen.visit_minute
    upto = (minute[..., None] >= 0) & (visits >= 0) & (visits <= minute[..., None])
    for name in ("measures", "tis", "prednisolone"):
        np.testing.assert_array_equal(
            getattr(stopped.seen, name)[upto], getattr(stayed.seen, name)[upto], err_msg=name
        )
    for name in ("drug_benefit", "background_benefit"):
        np.testing.assert_array_equal(
            getattr(stopped.truth, name)[upto], getattr(stayed.truth, name)[upto], err_msg=name
        )
    for name in ("rescue_minute", "deterioration_minute"):
        before = (minute >= 0) & (getattr(stayed.seen, name) <= minute)
        before &= getattr(stayed.seen, name) >= 0
        np.testing.assert_array_equal(
            getattr(stopped.seen, name)[before], getattr(stayed.seen, name)[before], err_msg=name
        )
    for name in ("reaction_minute", "thromboembolism_minute", "serious_minute"):
        ours, theirs = getattr(stopped.seen, name), getattr(stayed.seen, name)
        before = (minute[..., None] >= 0) & (theirs >= 0) & (theirs <= minute[..., None])
        np.testing.assert_array_equal(ours[before], theirs[before], err_msg=name)


def test_more_harm_of_the_drug_changes_nobody_on_placebo(trial):
    more = {"reaction.per_course[ivig]": 5.0, "serious.per_course[ivig]": 0.5}
    more |= {"thromboembolism.per_course": 0.5}
    one, other = run_with(trial), run_with(trial, **more)
    placebo = ~trial.protocol().on_drug[np.maximum(one.seen.arm, 0)] & (one.seen.arm >= 0)
    but = {"screened", "failures", "complete"}
    assert_equal(one.seen, other.seen, but=but, where=placebo)


def test_events_lie_between_randomisation_and_the_last_minute_in_the_study(trial):
    seen = trial.simulate(compiled.run).seen
    # the last visit may be missed, and take place days after its week
    last = trial.protocol().visit_minute[-1] + trial.protocol().measuring.window_minutes
    until = np.where(seen.left_minute >= 0, seen.left_minute, last)[..., None]
    for name in ("reaction_minute", "thromboembolism_minute", "serious_minute"):
        minutes = getattr(seen, name)
        assert ((minutes < 0) | (minutes <= until)).all(), name
    given = np.arange(seen.reaction_minute.shape[2]) < seen.courses[..., None]
    for name in ("reaction_minute", "serious_minute"):
        assert (getattr(seen, name)[~given] < 0).all(), name
    np.testing.assert_array_equal(seen.reaction_kind >= 0, seen.reaction_minute >= 0)
    assert not seen.reaction_serious[seen.reaction_minute < 0].any()
