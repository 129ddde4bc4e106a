"""A Snapshot cut at a calendar minute: which minute is in, and what cannot be cut."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.cohort.cut import RULES, cut
from simtrial.cohort.protocol import protocol_of
from simtrial.cohort.snapshot import Snapshot, empty_snapshot
from simtrial.core.errors import DomainError
from simtrial.operating.cohorts import trials_of
from tests.unit.cohort_fixtures import DEMO, WEEK, rough

PROTOCOL = protocol_of(DEMO)
DAY = 1_440


def test_every_column_of_a_snapshot_has_a_rule() -> None:
    assert set(RULES) == set(Snapshot._fields)
    for name, rule in RULES.items():
        shape = getattr(rough().cohort.seen, name).shape
        if rule.known == "trial":
            assert shape[:1] == (4,)
        else:
            assert shape[:2] == (4, 40)
        if rule.beside:
            assert RULES[rule.beside].known == "minute"
            assert len(held := getattr(rough().cohort.seen, rule.beside).shape) == 3
            assert shape[:3] == held


def one_patient() -> Snapshot:
    """Return a trial of two: the first with one of everything, the second randomised later."""
    seen = empty_snapshot(1, 2, 5, 4)
    seen.arm[0] = (DEMO.arm_names.index("ivig"), 0)
    seen.randomised_minute[0] = (10 * WEEK, 30 * WEEK)
    seen.candidate[0] = (3, 9)
    seen.failures_before[0, :, :3] = [(2, 1, 0), (4, 2, 2)]
    seen.failures[0, :3] = (4, 2, 2)
    seen.screened[0], seen.complete[0] = 10, True
    seen.weight[0] = 50.0
    seen.visit_minute[0, 0] = PROTOCOL.visit_minute
    seen.measures[0, 0] = 5.0
    seen.tis[0, 0] = (0.0, 10.0, 20.0, 30.0, 40.0)
    seen.prednisolone[0, 0] = 7.5
    seen.courses[0, 0], seen.grams[0, 0] = 3, 300.0
    seen.course_minute[0, 0, :3] = (0, 4 * WEEK, 8 * WEEK)
    seen.course_days[0, 0, :3], seen.course_dose[0, 0, :3] = 2, 2.0
    seen.course_drug[0, 0, :3] = True
    seen.missed_courses[0, 0] = 1
    seen.reaction_minute[0, 0, 1] = 4 * WEEK + 90
    seen.reaction_kind[0, 0, 1], seen.reaction_serious[0, 0, 1] = 2, True
    seen.thromboembolism_minute[0, 0, 4] = 5 * WEEK
    seen.serious_minute[0, 0, 0] = 6 * WEEK
    seen.deterioration_minute[0, 0] = seen.rescue_minute[0, 0] = 12 * WEEK
    seen.stop_minute[0, 0] = 12 * WEEK
    seen.left_minute[0, 0] = 15 * WEEK
    return seen


@pytest.mark.parametrize(
    ("column", "where", "week", "empty"),
    [
        ("arm", (), 0, -1),
        ("screening", (), 0, None),
        ("measures", (1, 2), 4, None),
        ("tis", (4,), 16, None),
        ("course_minute", (1,), 4, -1),
        ("thromboembolism_minute", (4,), 5, -1),
        ("serious_minute", (0,), 6, -1),
        ("deterioration_minute", (), 12, -1),
        ("rescue_minute", (), 12, -1),
        ("stop_minute", (), 12, -1),
        ("left_minute", (), 15, -1),
    ],
)
def test_a_minute_is_in_its_own_cut_and_not_in_the_one_before(
    column: str, where: tuple[int, ...], week: int, empty: int | None
) -> None:
    seen = one_patient()
    seen.screening[0, 0] = 1.0
    minute = (10 + week) * WEEK
    whole = getattr(seen, column)[(0, 0, *where)]
    np.testing.assert_array_equal(
        getattr(cut(seen, minute, PROTOCOL), column)[(0, 0, *where)], whole
    )
    before = getattr(cut(seen, minute - 1, PROTOCOL), column)[(0, 0, *where)]
    np.testing.assert_array_equal(before, np.full(np.shape(whole), np.nan if empty is None else -1))


def test_the_kind_of_a_reaction_is_known_with_the_reaction() -> None:
    seen, minute = one_patient(), 14 * WEEK + 90
    at, before = (cut(seen, m, PROTOCOL) for m in (minute, minute - 1))
    assert (at.reaction_kind[0, 0, 1], at.reaction_serious[0, 0, 1]) == (2, True)
    assert (before.reaction_kind[0, 0, 1], before.reaction_serious[0, 0, 1]) == (-1, False)


@pytest.mark.parametrize(("week", "courses"), [(9, 0), (10, 1), (13, 1), (14, 2), (18, 3), (60, 3)])
def test_courses_begun_by_then_count_with_their_whole_dose(week: int, courses: int) -> None:
    seen = cut(one_patient(), week * WEEK, PROTOCOL)
    assert seen.courses[0, 0] == courses
    assert seen.grams[0, 0] == courses * 100.0  # 2 g/kg of 50 kg each
    assert (seen.course_days[0, 0] == 2).tolist() == [j < courses for j in range(4)]
    # of a course missed no minute is kept, so it is known when the patient has left
    assert seen.missed_courses[0, 0] == (week >= 25)


@pytest.mark.parametrize(
    ("week", "screened", "failures", "complete"),
    [(9, 0, (0, 0, 0), False), (10, 4, (2, 1, 0), False), (30, 10, (4, 2, 2), True)],
)
def test_screening_counts_up_to_the_last_patient_randomised(
    week: int, screened: int, failures: tuple[int, ...], complete: bool
) -> None:
    seen = cut(one_patient(), week * WEEK, PROTOCOL)
    assert (int(seen.screened[0]), tuple(seen.failures[0, :3])) == (screened, failures)
    assert bool(seen.complete[0]) is complete


def test_each_trial_may_have_its_own_minute() -> None:
    seen = rough().cohort.seen
    minutes = np.array([20, 40, 60, 80]) * WEEK
    together = cut(seen, minutes, PROTOCOL)
    for r, minute in enumerate(minutes):
        alone = cut(trials_of(seen, r, r + 1), int(minute), PROTOCOL)
        for name in Snapshot._fields:
            np.testing.assert_array_equal(getattr(together, name)[r], getattr(alone, name)[0])


def test_before_the_first_site_opens_nothing_is_seen() -> None:
    seen = rough().cohort.seen
    nothing, blank = cut(seen, -1, PROTOCOL), empty_snapshot(4, 40, 5, 4)
    for name in Snapshot._fields:
        np.testing.assert_array_equal(getattr(nothing, name), getattr(blank, name), name)


def test_the_snapshot_that_is_cut_stays_whole() -> None:
    seen = rough().cohort.seen
    copies = {name: column.copy() for name, column in seen._asdict().items()}
    cut(seen, 30 * WEEK, PROTOCOL)
    for name, copy in copies.items():
        np.testing.assert_array_equal(getattr(seen, name), copy, name)


@pytest.mark.parametrize("minute", [1.5, np.array([1, 2]), "52", np.array([[1], [2], [3], [4]])])
def test_minutes_that_are_none_are_refused(minute: object) -> None:
    with pytest.raises(DomainError, match=r"whole minutes.*4 trials.*minute=524160"):
        cut(rough().cohort.seen, minute, PROTOCOL)  # type: ignore[arg-type]
