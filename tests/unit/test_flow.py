"""The flow of patients: every box adds up, every patient has the reason that came first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simtrial.cohort.snapshot import Snapshot, empty_snapshot
from simtrial.endpoints.responder import composite_response
from simtrial.report.flow import BELOW, NO_REASON, UNDER_WAY, WITHDREW, ArmFlow, Flow, flow_of
from simtrial.report.flow_figure import flow
from simtrial.report.happenings import DETERIORATION, LEFT, RESCUE, STOPPED_FOR_HARM
from simtrial.report.picture_parts import one_trial
from simtrial.report.pictures_page import rows_by_arm
from simtrial.trial.design import Design
from tests.unit.cohort_fixtures import DEMO, WEEK, rough

LEAVES = DEMO.model_copy(
    update={
        "intercurrent": DEMO.intercurrent.model_copy(
            update={
                "rescue": DEMO.intercurrent.rescue.model_copy(update={"then": "leave_study"}),
                "harm": DEMO.intercurrent.harm.model_copy(update={"then": "leave_study"}),
            }
        )
    }
)
BY_WEEK = DEMO.model_copy(
    update={"endpoint": DEMO.endpoint.model_copy(update={"at_week": None, "by_week": 12})}
)


def adds_up(flow: Flow, design: Design) -> None:
    """Fail unless every box of a flow is the sum of those it leads to."""
    assert flow.screened == sum(flow.not_eligible.values()) + flow.waiting + flow.entered
    assert flow.entered == sum(arm.allocated for arm in flow.arms)
    assert [arm.name for arm in flow.arms] == list(design.arm_names)
    for arm in flow.arms:
        assert arm.allocated == arm.treated + sum(arm.untreated.values())
        assert arm.treated == arm.all_courses + sum(arm.fewer_courses.values())
        assert arm.allocated == arm.stayed + arm.under_way + sum(arm.left.values())
        assert arm.allocated == arm.analysed + arm.awaited
        assert arm.analysed == arm.responders + sum(arm.no_response.values())
        every = (arm.untreated, arm.fewer_courses, arm.left, arm.no_response)
        assert all(count > 0 for reasons in every for count in reasons.values())


def trial(n: int = 4, **columns: list[Any]) -> Snapshot:
    """Return one trial of n patients in arm ivig, all courses given, TIS 50, and what is said."""
    seen = empty_snapshot(1, n, 5, 4)
    seen.screened[:], seen.arm[:], seen.courses[:], seen.tis[:] = n, 1, 4, 50.0
    seen.visit_minute[:] = np.array(DEMO.visits_weeks) * WEEK
    for name, values in columns.items():
        getattr(seen, name)[0] = values
    return seen


def ivig(seen: Snapshot, design: Design = DEMO) -> ArmFlow:
    counted = flow_of(seen, design)
    adds_up(counted, design)
    return counted.arms[1]


@pytest.mark.parametrize("design", [DEMO, LEAVES, BY_WEEK])
@pytest.mark.parametrize("replicate", [0, 1, 2, 3])
def test_the_flow_of_a_simulated_trial_adds_up_and_leaves_no_reason_open(
    design: Design, replicate: int
) -> None:
    seen = one_trial(rough().cohort, replicate)
    counted = flow_of(seen, design)
    adds_up(counted, design)
    assert counted.waiting == 0
    assert {(arm.under_way, arm.awaited) for arm in counted.arms} == {(0, 0)}
    assert counted.screened == seen.screened[0]
    assert list(counted.not_eligible.values()) == seen.failures[0].tolist()
    for a, arm in enumerate(counted.arms):
        here = seen.arm[0] == a
        assert NO_REASON not in {**arm.untreated, **arm.fewer_courses}
        assert arm.responders == int(composite_response(seen, design)[0][here].sum())
        assert sum(arm.left.values()) == int((seen.left_minute[0][here] >= 0).sum()) > 0
        assert arm.treated == int((seen.courses[0][here] > 0).sum())


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), design=st.sampled_from([DEMO, LEAVES, BY_WEEK]))
def test_whatever_happens_and_ties_the_flow_adds_up(seed: int, design: Design) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, 30))
    seen = empty_snapshot(1, n, 5, 4)
    seen.arm[0] = rng.integers(-1, 2, n)
    seen.courses[0] = rng.integers(0, 5, n)
    seen.visit_minute[0] = np.array(design.visits_weeks) * WEEK
    for column in ("deterioration", "rescue", "stop", "left", "harm_stop", "death", "stable"):
        # few different minutes, so that ties are frequent
        weeks = rng.choice([-1, -1, 4, 8, 12, 16], n)
        getattr(seen, f"{column}_minute")[0] = np.maximum(weeks * WEEK, -1)
    seen.tis[0] = rng.choice([np.nan, 0.0, 20.0, 45.0], (n, 5))
    seen.failures[0] = rng.integers(0, 9, seen.failures.shape[1])
    seen.screened[0] = seen.failures[0].sum() + (seen.arm[0] >= 0).sum() + rng.integers(0, 3)
    seen.randomised_minute[0] = rng.integers(0, 9, n) * WEEK
    cut_week = rng.choice([-1, 4, 12, 20, 40])
    adds_up(flow_of(seen, design, None if cut_week < 0 else int(cut_week) * WEEK), design)


def test_who_is_under_way_at_a_cut_neither_stayed_nor_left_and_may_still_respond() -> None:
    seen = trial(
        randomised_minute=[0, 0, 10 * WEEK, 10 * WEEK],
        courses=[4, 2, 3, 2],
        rescue_minute=[-1, -1, -1, 8 * WEEK],
        stop_minute=[-1, -1, -1, 8 * WEEK],
        left_minute=[-1, 6 * WEEK, -1, -1],
    )
    seen.tis[0, 1:, 4] = np.nan
    counted = flow_of(seen, DEMO, 20 * WEEK)
    adds_up(counted, DEMO)
    found = counted.arms[1]
    assert (found.stayed, found.under_way, dict(found.left)) == (1, 2, {WITHDREW: 1})
    assert dict(found.fewer_courses) == {LEFT: 1, RESCUE: 1, UNDER_WAY: 1}
    assert (found.responders, found.awaited, found.analysed) == (1, 1, 3)
    assert dict(found.no_response) == {"not assessed at week 16": 1, RESCUE: 1}
    # at week 26 they have come to their last visit: nobody is awaited, whoever was not assessed
    assert flow_of(seen, DEMO, 26 * WEEK).arms[1].under_way == 0
    words = [text.get_text() for text in flow(seen, DEMO, cut_minute=20 * WEEK).axes[0].texts]
    assert {"under way:\N{NO-BREAK SPACE}2", "Not known yet:\N{NO-BREAK SPACE}1"} <= set(words)


def test_treatment_ends_for_the_event_at_the_minute_of_the_stop() -> None:
    found = ivig(
        trial(
            courses=[2, 2, 3, 1],
            rescue_minute=[8 * WEEK, -1, 12 * WEEK, -1],
            deterioration_minute=[-1, -1, 12 * WEEK, -1],  # at one visit the deterioration is first
            harm_stop_minute=[-1, 5 * WEEK, -1, -1],
            stop_minute=[8 * WEEK, 5 * WEEK, 12 * WEEK, -1],
            left_minute=[9 * WEEK, -1, -1, 2 * WEEK],
        )
    )
    wanted = {RESCUE: 1, STOPPED_FOR_HARM: 1, DETERIORATION: 1, LEFT: 1}
    assert dict(found.fewer_courses) == wanted
    assert dict(found.left) == {WITHDREW: 2}


def test_a_stop_after_the_last_course_takes_no_course_away() -> None:
    late = [16 * WEEK, -1, -1, -1]
    found = ivig(trial(deterioration_minute=late, stop_minute=late))
    assert (found.all_courses, dict(found.fewer_courses)) == (4, {})
    assert dict(found.no_response) == {DETERIORATION: 1}


def test_who_left_before_the_first_course_is_untreated() -> None:
    found = ivig(trial(courses=[0, 4, 4, 4], left_minute=[1, -1, -1, -1]))
    assert (found.treated, dict(found.untreated), found.stayed) == (3, {LEFT: 1}, 3)


def test_who_leaves_by_a_rule_of_the_protocol_did_not_withdraw() -> None:
    columns = {
        "courses": [2, 2, 1, 1],
        "rescue_minute": [8 * WEEK, 8 * WEEK, -1, -1],
        "harm_stop_minute": [-1, -1, WEEK, -1],
        "stop_minute": [8 * WEEK, 8 * WEEK, WEEK, -1],
        "left_minute": [8 * WEEK, 9 * WEEK, WEEK, 3 * WEEK],
    }
    assert dict(ivig(trial(**columns), LEAVES).left) == {
        WITHDREW: 2,
        RESCUE: 1,
        STOPPED_FOR_HARM: 1,
    }
    assert dict(ivig(trial(**columns)).left) == {WITHDREW: 4}
    # the stop and the leaving of one minute: the event stopped treatment
    wanted = {RESCUE: 2, STOPPED_FOR_HARM: 1, LEFT: 1}
    assert dict(ivig(trial(**columns), LEAVES).fewer_courses) == wanted


def test_no_response_has_the_first_event_then_the_missing_visit_then_the_score() -> None:
    seen = trial(
        6,
        rescue_minute=[12 * WEEK, 8 * WEEK, -1, -1, -1, -1],
        harm_stop_minute=[4 * WEEK, -1, -1, -1, -1, -1],
        tis=[[0, 50, 50, 50, tis] for tis in (50, np.nan, np.nan, 19.5, 20, 50)],
    )
    found = ivig(seen)
    wanted = {STOPPED_FOR_HARM: 1, RESCUE: 1, "not assessed at week 16": 1, BELOW: 1}
    assert dict(found.no_response) == wanted
    assert (found.responders, found.assessed) == (2, 4)


def test_the_picture_and_the_table_hold_the_counts() -> None:
    counted = flow_of(one_trial(rough().cohort, 1), DEMO)
    figure = flow(rough().cohort, DEMO, 1)
    words = [" ".join(text.get_text().split()) for text in figure.axes[0].texts]
    told = sum(counted.not_eligible.values())
    wanted = [f"Screened: {counted.screened}", f"Not eligible: {told} (first reason)",
              f"Randomised: {counted.entered}"]  # fmt: skip
    for arm in counted.arms:
        wanted += [f"Allocated to {arm.name}: {arm.allocated}",
                   f"received at least one course: {arm.treated}",
                   f"All 4 courses: {arm.all_courses}", f"In the study to week 16: {arm.stayed}",
                   f"fewer: {sum(arm.fewer_courses.values())}", f"response: {arm.responders}",
                   f"Analysed: {arm.allocated} (TIS at week 16: {arm.assessed})"]  # fmt: skip
        for reasons in (arm.fewer_courses, arm.left, arm.no_response):
            wanted += [f"{r.removeprefix('treatment ')}: {count}" for r, count in reasons.items()]
    assert set(wanted) <= set(words)
    assert sorted(wanted) == sorted(w for w in words if w in set(wanted))
    assert "SYNTHETIC" in figure.get_suptitle()

    table = {row.words: row.counts for row in rows_by_arm(counted, DEMO)}
    assert table["received all planned courses"] == [arm.all_courses for arm in counted.arms]
    assert table["received fewer"] == [sum(a.fewer_courses.values()) for a in counted.arms]
    assert table["no response"] == [sum(a.no_response.values()) for a in counted.arms]
    assert table[BELOW] == [a.no_response.get(BELOW, 0) for a in counted.arms]


@pytest.mark.parametrize("more", [(), ("low",), ("low", "a_regimen_with_a_rather_long_name")])
def test_text_of_the_picture_stays_within_its_boxes(more: tuple[str, ...]) -> None:
    arms = DEMO.arms | dict.fromkeys(more, DEMO.arms["ivig"])
    seen = one_trial(rough().cohort, 0)
    arm = seen.arm * (1 + np.arange(40) % (1 + len(more)))
    figure = flow(seen._replace(arm=np.asarray(arm)), DEMO.model_copy(update={"arms": arms}), 0)
    figure.canvas.draw()
    boxes = [patch.get_window_extent() for patch in figure.axes[0].patches]
    stages = {"Enrolment", "Allocation", "Treatment", "Follow-up", "Analysis", ""}
    inside = [
        text
        for text in figure.axes[0].texts
        if text.get_text() not in stages and not text.get_text().startswith("Simulated")
    ]
    assert len(inside) > 20
    for text in inside:
        area = text.get_window_extent()
        assert any(
            box.x0 <= area.x0 and area.x1 <= box.x1 and box.y0 <= area.y0 and area.y1 <= box.y1
            for box in boxes
        ), text.get_text()


def test_without_allocation_patients_are_enrolled_to_receive_the_arm() -> None:
    alone = DEMO.model_copy(update={"arms": {"ivig": DEMO.arms["ivig"]}, "allocation": None})
    seen = trial(arm=[0, 0, 0, -1])
    seen.screened[:] = 3
    words = [text.get_text() for text in flow(seen, alone).axes[0].texts]
    assert {"Enrolled: 3", "To receive ivig:\N{NO-BREAK SPACE}3"} <= set(words)
