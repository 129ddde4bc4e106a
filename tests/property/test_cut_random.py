"""A cut of random trials: itself at the end, never a word of what comes after, the earlier of two.

When each entry of a Snapshot becomes known is written here a second time, apart from the rules of
the module.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.cut import cut
from simtrial.cohort.exposure import exposure_of, total_grams
from simtrial.cohort.protocol import NEVER, Protocol
from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Cohort
from simtrial.report.happenings import happenings
from tests.agreement.random_designs import random_trial

# designs differ widely; the last few have events that are seldom: switches, standard therapy
SEEDS = (*range(24), 39, 63, 67, 72, 87, 93)
TRIAL = {"screened", "failures", "complete"}
COUNTED = {"courses", "grams"}
EVENTS = {
    *(
        "visit_minute",
        "course_minute",
        "deterioration_minute",
        "rescue_minute",
        "stop_minute",
        "left_minute",
    ),
    *("events_minute", "cancer_minute", "death_minute"),
    *("lack_of_effect_minute", "switch_minute", "standard_minute", "stable_minute"),
    *("reaction_minute", "thromboembolism_minute", "serious_minute", "harm_stop_minute"),
}
BESIDE = {
    "reaction_kind": "reaction_minute",
    "reaction_serious": "reaction_minute",
    **dict.fromkeys(("measures", "enzymes", "tis", "prednisolone"), "visit_minute"),
    "events_detail": "events_minute",
    "course_days": "course_minute",
    "course_dose": "course_minute",
    "course_drug": "course_minute",
}
AT_END = {"missed_courses"}
UNTIL = {"followed_minute"}


@cache
def simulated(seed: int) -> tuple[Cohort, Protocol]:
    trial = random_trial(seed)
    return trial.simulate(compiled.run), trial.protocol()


def times(seen: Snapshot, seed: int) -> NDArray[np.int64]:
    """Return minutes (T,) at which something happens, one before it, and some between."""
    generator = np.random.default_rng([seed, 1])
    entered = seen.arm >= 0
    start = seen.randomised_minute[entered]
    moments = [start]
    for name in sorted(EVENTS):
        minutes = getattr(seen, name)[entered]
        who = np.nonzero(minutes >= 0)[0]
        moments.append(start[who] + minutes[minutes >= 0])
    pool = np.concatenate([*moments, [0]])  # one of the trials finds nobody
    chosen = generator.choice(pool, size=4)
    between = generator.integers(0, int(pool.max()) + 1, size=2)
    return np.concatenate([chosen, chosen[:2] - 1, between])


def closing(protocol: Protocol) -> int:
    """Return the last minute since randomisation at which a patient can be seen."""
    return int(protocol.visit_minute[-1] + protocol.measuring.window_minutes)


def difference(a: Snapshot, b: Snapshot, cohort: Cohort) -> str | None:
    return Cohort(a, cohort.truth).first_difference(Cohort(b, cohort.truth))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cut_when_all_is_over_is_the_snapshot_itself(seed: int) -> None:
    cohort, protocol = simulated(seed)
    assert difference(cut(cohort.seen, NEVER, protocol), cohort.seen, cohort) is None
    last = int(cohort.seen.randomised_minute.max() + closing(protocol))
    full = cohort.seen.complete
    at_end = cut(cohort.seen, last, protocol)
    for name, column in at_end._asdict().items():
        np.testing.assert_array_equal(column[full], getattr(cohort.seen, name)[full], name)


@pytest.mark.parametrize("seed", SEEDS)
def test_cutting_twice_is_cutting_at_the_earlier(seed: int) -> None:
    cohort, protocol = simulated(seed)
    for early, late in zip(times(cohort.seen, seed), times(cohort.seen, seed + 1), strict=True):
        once = cut(cohort.seen, min(early, late), protocol)
        for first, second in ((early, late), (late, early)):
            twice = cut(cut(cohort.seen, first, protocol), second, protocol)
            assert difference(twice, once, cohort) is None


def disturbed(
    seen: Snapshot, protocol: Protocol, minute: int, generator: np.random.Generator
) -> Snapshot:
    """Return another history that is the same up to a minute: all that is later is made up."""
    columns: dict[str, Any] = {name: column.copy() for name, column in seen._asdict().items()}
    entered = (seen.arm >= 0) & (seen.randomised_minute <= minute)
    since = np.where(entered, minute - seen.randomised_minute, -1)

    def noise(column: NDArray[Any]) -> NDArray[Any]:
        lowest, most = (0, 2) if column.dtype == bool else (1, 100)
        whole = generator.integers(lowest, most, size=column.shape)
        return whole.astype(column.dtype)

    for name, column in columns.items():
        if name in TRIAL | COUNTED | AT_END | UNTIL | set(BESIDE):
            continue
        wide = (*column.shape[:2], *(1,) * (column.ndim - 2))
        if name in EVENTS:
            # an event that is still to come comes at any later minute, or never
            open_still = (column < 0) | (column > since.reshape(wide))
            later = since.reshape(wide) + 1 + generator.integers(0, 10**6, size=column.shape)
            made_up = np.where(generator.random(column.shape) < 0.5, -1, later)
            column[open_still] = made_up.astype(column.dtype)[open_still]
        else:
            column[~entered] = noise(column)[~entered]
    for name, beside in BESIDE.items():
        column, minutes = columns[name], getattr(seen, beside)
        unknown = (minutes < 0) | (minutes > since[:, :, None])
        column[unknown] = noise(column)[unknown]
    left = seen.left_minute
    over = ((left >= 0) & (left <= since)) | (closing(protocol) <= since)
    for name in UNTIL:
        column = columns[name]
        later = since + 1 + generator.integers(0, 10**6, size=since.shape)
        column[column > since] = later[column > since]
    for name in AT_END:
        columns[name][~over] = noise(columns[name])[~over]
    # whoever is not there yet comes later, or not at all
    later = minute + 1 + generator.integers(0, 10**6, size=entered.shape)
    columns["randomised_minute"][~entered] = later[~entered]
    arms = generator.integers(-1, protocol.n_courses.shape[0], size=entered.shape)
    columns["arm"][~entered] = arms[~entered]
    columns["courses"] = (columns["course_minute"] >= 0).sum(axis=2)
    columns["grams"] = total_grams(exposure_of(Snapshot(**columns)).grams)
    waiting = ~entered.all(axis=1)
    for name in ("screened", "failures", "complete"):
        columns[name][waiting] = noise(columns[name])[waiting]
    return Snapshot(**columns)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_seen_depends_on_nothing_that_comes_after(seed: int) -> None:
    cohort, protocol = simulated(seed)
    seen = cohort.seen
    generator = np.random.default_rng([seed, 2])
    assert set(seen._fields) >= TRIAL | COUNTED | EVENTS | AT_END | set(BESIDE)
    for minute in times(seen, seed):
        other = disturbed(seen, protocol, int(minute), generator)
        assert difference(other, seen, cohort) is not None
        before = cut(seen, minute, protocol)
        assert difference(cut(other, minute, protocol), before, cohort) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_events_of_a_cut_are_those_that_had_happened(seed: int) -> None:
    cohort, protocol = simulated(seed)
    seen = cohort.seen
    everything = happenings(seen)
    calendar = seen.randomised_minute[everything.row, everything.place] + everything.minute
    for minute in times(seen, seed):
        # a stop is told with its reason, and both are of the same minute
        found = happenings(cut(seen, minute, protocol))
        for ours, theirs in zip(found, everything, strict=True):
            np.testing.assert_array_equal(ours, theirs[calendar <= minute])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cut_counts_every_candidate_up_to_the_last_patient(seed: int) -> None:
    cohort, protocol = simulated(seed)
    for minute in times(cohort.seen, seed):
        seen = cut(cohort.seen, minute, protocol)
        entered = seen.arm >= 0
        np.testing.assert_array_equal(
            entered, (cohort.seen.arm >= 0) & (cohort.seen.randomised_minute <= minute)
        )
        # of those screened before the last patient some may wait for their randomisation
        waiting = (cohort.seen.candidate < seen.screened[:, None]) & ~entered
        waiting &= cohort.seen.candidate >= 0
        np.testing.assert_array_equal(
            seen.failures.sum(axis=1) + entered.sum(axis=1) + waiting.sum(axis=1), seen.screened
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_grams_of_the_courses_add_up_to_the_bit(seed: int) -> None:
    cohort, _ = simulated(seed)
    given = exposure_of(cohort.seen)
    np.testing.assert_array_equal(total_grams(given.grams), cohort.seen.grams)
    np.testing.assert_array_equal((given.start >= 0).sum(axis=2), cohort.seen.courses)


def test_random_trials_have_something_before_and_after_their_cuts() -> None:
    later = dict.fromkeys(EVENTS, 0)
    sooner = dict.fromkeys(EVENTS, 0)
    for seed in SEEDS:
        cohort, protocol = simulated(seed)
        for minute in times(cohort.seen, seed):
            seen = cut(cohort.seen, minute, protocol)
            for name in EVENTS:
                kept = int((getattr(seen, name) >= 0).sum())
                sooner[name] += kept
                later[name] += int((getattr(cohort.seen, name) >= 0).sum()) - kept
    # where random designs have changed, other seeds may be needed for an event to occur at all
    assert [name for name, n in sooner.items() if n < 5] == []
    assert [name for name, n in later.items() if n < 5] == []
