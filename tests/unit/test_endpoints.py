"""From what was observed to a response: at a week or by it, and what spoils it."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.cohort.snapshot import Snapshot, empty_snapshot
from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.endpoints.responder import composite_response, observed_response
from simtrial.trial.design import Design, load_design

WEEKS = (0, 4, 8, 12, 16)
COURSES = 4
NOT = float("nan")  # not assessed
SPOILERS = ("rescue", "deterioration", "harm_stop")  # events that are no response
DEMO = load_design("dm_ivig_16w")


def design(**endpoint: int | float | None) -> Design:
    """Return the demo with visits at WEEKS and another endpoint."""
    assert DEMO.visits_weeks == WEEKS
    parts = {"threshold": 20.0, "at_week": None, "by_week": None} | endpoint
    return DEMO.model_copy(update={"endpoint": DEMO.endpoint.model_copy(update=parts)})


AT_16, BY_12 = design(at_week=16), design(by_week=12)


def one_patient(
    *tis: float,
    rescue: int | None = None,
    deterioration: int | None = None,
    harm_stop: int | None = None,
) -> Snapshot:
    """Return a trial of one patient with these TIS after baseline; minutes of what happened."""
    seen = empty_snapshot(1, 1, len(WEEKS), COURSES)
    seen.tis[0, 0] = (0.0, *tis)
    seen.visit_minute[0, 0] = [
        -1 if np.isnan(x) else week(w) for x, w in zip(seen.tis[0, 0], WEEKS, strict=True)
    ]
    if rescue is not None:
        seen.rescue_minute[0, 0] = rescue
    if deterioration is not None:
        seen.deterioration_minute[0, 0] = deterioration
    if harm_stop is not None:
        seen.harm_stop_minute[0, 0] = seen.stop_minute[0, 0] = harm_stop
    return seen


def responds(seen: Snapshot, wanted: Design) -> bool:
    return bool(composite_response(seen, wanted)[0, 0])


def week(number: int) -> int:
    return number * MINUTES_PER_WEEK


# at a week


def test_at_a_week_the_visit_of_that_week_decides() -> None:
    assert responds(one_patient(0, 0, 0, 20), AT_16)


def test_at_a_week_an_earlier_response_is_not_enough() -> None:
    assert not responds(one_patient(60, 60, 60, 17.5), AT_16)


def test_the_threshold_itself_is_a_response() -> None:
    seen = one_patient(0, 0, 0, 40)
    assert responds(seen, design(threshold=40.0, at_week=16))
    assert not responds(seen, design(threshold=42.5, at_week=16))


def test_at_an_earlier_week_what_comes_later_does_not_matter() -> None:
    for event in SPOILERS:
        seen = one_patient(0, 40, 0, NOT, **{event: week(12)})
        assert responds(seen, design(at_week=8))


def test_at_a_week_a_visit_not_attended_is_no_response() -> None:
    assert not responds(one_patient(60, 60, 60, NOT), AT_16)


@pytest.mark.parametrize("event", SPOILERS)
@pytest.mark.parametrize("minute", [0, week(8), week(16) - 1, week(16)])
def test_at_a_week_an_event_until_then_is_no_response(event: str, minute: int) -> None:
    seen = one_patient(60, 60, 60, 60, **{event: minute})
    assert not responds(seen, AT_16)


@pytest.mark.parametrize("event", SPOILERS)
def test_at_a_week_an_event_afterwards_does_not_matter(event: str) -> None:
    seen = one_patient(60, 60, 60, 60, **{event: week(12) + 1})
    assert responds(seen, design(at_week=12))


def test_harm_that_stops_no_treatment_is_no_reason_against_a_response() -> None:
    seen = one_patient(0, 20, 0, 20)
    seen.reaction_minute[0, 0, 1], seen.reaction_kind[0, 0, 1] = week(4), 0
    seen.reaction_serious[0, 0, 1] = True
    seen.thromboembolism_minute[0, 0, -1] = seen.serious_minute[0, 0, 2] = week(4)
    assert responds(seen, AT_16)
    assert responds(seen, BY_12)


# a visit that takes place days before or after its week


@pytest.mark.parametrize("event", SPOILERS)
@pytest.mark.parametrize(("moved", "spoils"), [(-1, False), (0, True), (1, True)])
def test_at_a_week_events_count_until_the_visit_takes_place(
    event: str, moved: int, spoils: bool
) -> None:
    seen = one_patient(60, 60, 60, 60, **{event: week(16)})
    seen.visit_minute[0, 0, 4] += moved
    assert responds(seen, AT_16) is not spoils


@pytest.mark.parametrize("event", SPOILERS)
@pytest.mark.parametrize(("moved", "spoils"), [(-1, False), (0, False), (1, True)])
def test_by_a_week_events_count_before_the_visit_takes_place(
    event: str, moved: int, spoils: bool
) -> None:
    seen = one_patient(0, 60, 0, 0, **{event: week(8)})
    seen.visit_minute[0, 0, 2] += moved
    assert responds(seen, BY_12) is not spoils


# by a week


def test_by_a_week_one_visit_is_enough() -> None:
    assert responds(one_patient(0, 20, 0, 0), BY_12)


def test_by_a_week_the_visit_of_that_week_counts() -> None:
    assert responds(one_patient(0, 0, 20, 0), BY_12)


def test_by_a_week_a_later_visit_does_not_count() -> None:
    assert not responds(one_patient(0, 0, 0, 60), BY_12)


def test_by_a_week_the_baseline_does_not_count() -> None:
    seen = one_patient(0, 0, 0, 0)
    seen.tis[0, 0, 0] = 60.0
    assert not responds(seen, BY_12)


def test_by_a_week_who_left_after_a_response_responded() -> None:
    assert responds(one_patient(20, NOT, NOT, NOT), BY_12)


def test_by_a_week_who_left_before_a_response_did_not() -> None:
    assert not responds(one_patient(0, NOT, NOT, NOT), BY_12)


@pytest.mark.parametrize("event", SPOILERS)
@pytest.mark.parametrize("minute", [0, week(4), week(8) - 1])
def test_by_a_week_an_event_before_the_response_spoils_it(event: str, minute: int) -> None:
    assert not responds(one_patient(0, 60, 60, 60, **{event: minute}), BY_12)


@pytest.mark.parametrize("event", SPOILERS)
@pytest.mark.parametrize("minute", [week(8), week(8) + 1, week(12)])
def test_by_a_week_an_event_at_the_visit_or_later_leaves_the_response(
    event: str, minute: int
) -> None:
    assert responds(one_patient(0, 60, 0, 0, **{event: minute}), BY_12)


def test_by_a_week_a_response_before_the_event_is_enough() -> None:
    for event in SPOILERS:
        assert responds(one_patient(60, 60, 60, 60, **{event: week(8) - 1}), BY_12)


# as measured


def test_as_measured_an_event_does_not_matter() -> None:
    spoiled = dict.fromkeys(SPOILERS, week(8))
    hit, assessed = observed_response(one_patient(0, 0, 0, 60, **spoiled), AT_16)
    assert (hit.tolist(), assessed.tolist()) == ([[True]], [[True]])


def test_as_measured_at_a_week_an_earlier_response_is_not_enough() -> None:
    hit, assessed = observed_response(one_patient(60, 60, 60, 0), AT_16)
    assert (hit.tolist(), assessed.tolist()) == ([[False]], [[True]])


def test_as_measured_who_left_is_not_assessed() -> None:
    hit, assessed = observed_response(one_patient(60, 60, 60, NOT), AT_16)
    assert (hit.tolist(), assessed.tolist()) == ([[False]], [[False]])


def test_as_measured_by_a_week_any_visit_counts() -> None:
    hit, assessed = observed_response(one_patient(0, 20, 0, 0), BY_12)
    assert (hit.tolist(), assessed.tolist()) == ([[True]], [[True]])


def test_as_measured_by_a_week_later_visits_do_not_count() -> None:
    hit, assessed = observed_response(one_patient(0, 0, 0, 60), BY_12)
    assert (hit.tolist(), assessed.tolist()) == ([[False]], [[True]])


def test_as_measured_by_a_week_who_left_before_it_without_response_is_not_assessed() -> None:
    hit, assessed = observed_response(one_patient(0, 0, NOT, NOT), BY_12)
    assert (hit.tolist(), assessed.tolist()) == ([[False]], [[False]])


def test_as_measured_by_a_week_a_response_reached_before_leaving_is_known() -> None:
    hit, assessed = observed_response(one_patient(60, 60, NOT, NOT), BY_12)
    assert (hit.tolist(), assessed.tolist()) == ([[True]], [[True]])


# many patients


def test_each_patient_of_each_replicate_is_judged_alone() -> None:
    seen = empty_snapshot(2, 3, len(WEEKS), COURSES)
    seen.tis[:, :, 4] = [[20.0, 19.9, NOT], [0.0, 60.0, 60.0]]
    seen.tis[0, 1, 4] = seen.tis[1, 0, 4] = 60.0
    seen.visit_minute[:] = [week(w) for w in WEEKS]
    seen.rescue_minute[1, 2] = seen.harm_stop_minute[0, 1] = week(12)
    want = [[True, False, False], [True, True, False]]
    np.testing.assert_array_equal(composite_response(seen, AT_16), want)


def test_in_an_empty_snapshot_nobody_responded() -> None:
    seen = empty_snapshot(2, 3, len(WEEKS), COURSES)
    for wanted in (AT_16, BY_12):
        assert not composite_response(seen, wanted).any()
        assert not observed_response(seen, wanted)[1].any()
