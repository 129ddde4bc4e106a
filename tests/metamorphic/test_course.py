"""Changes of schedule, treatment and rates whose effect on every patient is known exactly.

Draws have addresses, so two worlds share every patient: each claim is equality of bits. Claims
that are cheap are made of both engines.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.reference import engine as reference
from simtrial.cohort.truth import Cohort
from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.trial.design import Design
from tests.agreement.scripted import design, simulate

ENGINES = [compiled, reference]
WHOLE_TRIAL = {"screened", "failures", "complete"}
ARMS = {
    "low": {"dose_g_per_kg": 1.0, "every_weeks": 4, "infusions": 4},
    "high": {"dose_g_per_kg": 2.0, "every_weeks": 4, "infusions": 4},
}
LIVELY = {
    "p_response[DM, refractory]": 0.5,
    "depth": 0.8,
    "depth_sd": 0.5,
    "x50_sd": 0.5,
    "sd_change.vas": 1.5,
    "sd_change.haq": 0.4,
    "sd_change.mmt": 0.08,
    "sd_change.enzyme": 0.3,
    "rescue_per_visit[refractory, continued]": 0.3,
    "lack_of_effect_per_visit": 0.3,
    "dropout_16_weeks": 0.2,
    "reaction.per_course[ivig]": 0.5,
    "reaction.per_course[placebo]": 0.2,
    "serious.per_course[ivig]": 0.1,
    "stop.serious": 0.5,
    "infection.per_year": 2.0,
    "death.per_year[others]": 0.2,
    "p_transient": 0.2,
    "transient_half_life": 8.0,
}


def lively(**changes: Any) -> Design:
    """Return a two-armed trial of 20 weeks with rules for everything, some parts replaced."""
    whole: dict[str, Any] = {
        "arms": ARMS,
        "allocation": {
            "ratio": {"low": 1, "high": 1},
            "method": "permuted_blocks",
            "block_sizes": [4],
            "strata": ["severity"],
        },
        "visits_weeks": [0, 4, 8, 12, 16, 20],
        "prednisolone": {"taper": "step"},
        "intercurrent": {
            "deterioration": {"from_week": 4},
            "rescue": {"allowed_from_week": 8},
            "lack_of_effect": {"from_week": 8},
        },
        "sample_size": {"n": 100},
    }
    return design(**(whole | changes))


def run(
    scripted: Design, engine: ModuleType = compiled, replicates: int = 0, **truth: float
) -> Cohort:
    number = replicates or (3 if engine is reference else 30)
    return simulate(engine.run, scripted, replicates=number, **(LIVELY | truth))


def columns(cohort: Cohort) -> dict[str, Any]:
    return {
        name: column
        for name, column in (cohort.seen._asdict() | cohort.truth._asdict()).items()
        if name not in WHOLE_TRIAL
    }


def assert_same(one: Cohort, other: Cohort, but: set[str] = frozenset(), where: Any = ...) -> None:
    theirs = columns(other)
    for name, mine in columns(one).items():
        if name not in but:
            np.testing.assert_array_equal(mine[where], theirs[name][where], err_msg=name)


# --- rates of nothing ---------------------------------------------------------------------------

# rate -> where its event is told
EVENTS = {
    "rescue_per_visit[refractory, continued]": "rescue_minute",
    "lack_of_effect_per_visit": "lack_of_effect_minute",
    "dropout_16_weeks": "left_minute",
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("rate", EVENTS)
def test_without_its_rate_an_event_goes_and_who_did_not_have_it_has_the_same_course(
    rate: str, engine: ModuleType
) -> None:
    calm = {"death.per_year[others]": 0.0}  # so that whoever leaves has dropped out
    here, there = run(lively(), engine, **calm), run(lively(), engine, **(calm | {rate: 0.0}))
    had = getattr(here.seen, EVENTS[rate]) >= 0
    assert had.sum() > 20
    assert not (getattr(there.seen, EVENTS[rate]) >= 0).any()
    but = {"dropout_minute"} if rate.startswith("dropout") else set()
    assert_same(here, there, but, where=~had)
    # and of those who had it: everything that was seen before
    minute = getattr(here.seen, EVENTS[rate])
    upto = had[..., None] & (here.seen.visit_minute >= 0)
    upto &= here.seen.visit_minute <= minute[..., None]
    for name in ("measures", "tis", "visit_minute"):
        np.testing.assert_array_equal(
            getattr(here.seen, name)[upto], getattr(there.seen, name)[upto], err_msg=name
        )


@pytest.mark.parametrize("engine", ENGINES)
def test_missing_measures_leave_the_others_as_they_are(engine: ModuleType) -> None:
    free = lively(intercurrent={}, prednisolone={"taper": "stable"})  # no rule reads a measure
    gaps = {"missing.item.haq": 0.3, "missing.item.enzyme": 0.2}
    here, there = run(free, engine), run(free, engine, **gaps)
    for k in (0, 1, 2, 4):
        np.testing.assert_array_equal(here.seen.measures[..., k], there.seen.measures[..., k])
    for k in (3, 5):
        kept = ~np.isnan(there.seen.measures[..., k])
        np.testing.assert_array_equal(
            here.seen.measures[..., k][kept], there.seen.measures[..., k][kept]
        )
        assert (~kept & ~np.isnan(here.seen.measures[..., k])).sum() > 50
    assert_same(here, there, {"measures", "enzymes", "tis"})


@pytest.mark.parametrize("engine", ENGINES)
def test_missed_visits_leave_those_attended_as_they_are(engine: ModuleType) -> None:
    free = lively(intercurrent={}, prednisolone={"taper": "stable"})
    here, there = run(free, engine), run(free, engine, **{"missing.visit": 0.3})
    came = there.seen.visit_minute >= 0
    assert (~came & (here.seen.visit_minute >= 0)).sum() > 50
    for name in ("measures", "tis", "enzymes", "prednisolone", "visit_minute"):
        np.testing.assert_array_equal(
            getattr(here.seen, name)[came], getattr(there.seen, name)[came], err_msg=name
        )
    but = {"measures", "tis", "enzymes", "prednisolone", "visit_minute", "prednisolone_taken"}
    assert_same(here, there, but)


def test_interruptions_of_supply_leave_everybody_alone_whom_they_cost_no_course() -> None:
    here = run(lively())
    there = run(lively(), **{"supply.per_year": 4.0, "supply.weeks": 2.0})
    missed = there.seen.missed_courses > 0
    assert 100 < missed.sum() < missed.size / 2
    assert_same(here, there, where=~missed)


# --- the schedule -------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_one_more_visit_moves_no_other_number_where_errors_have_no_memory(
    engine: ModuleType,
) -> None:
    # Rules are applied at visits and hazards opened by them, so there are none here; the errors of
    # a visit hang on those of the visit before only through their correlation.
    calm = {"noise_per_4_weeks": 0.0, "infection.per_year": 0.0, "death.per_year[others]": 0.0}
    free = {"intercurrent": {}, "prednisolone": {"taper": "stable"}}
    weeks = [0, 4, 8, 12, 16, 20]
    more = sorted([*weeks, 6, 13])
    here = run(lively(**free), engine, **calm)
    there = run(lively(visits_weeks=more, **free), engine, **calm)
    kept = [more.index(week) for week in weeks]
    theirs = columns(there)
    by_event = {"events_minute", "events_detail"}  # a slot for each visit
    for name, mine in columns(here).items():
        if name in by_event:
            assert (mine < 0).all() if name == "events_minute" else not mine.any()
            continue
        other = theirs[name]
        if other.ndim > 2 and other.shape[2] == len(more):
            other = other[:, :, kept]
        np.testing.assert_array_equal(mine, other, err_msg=name)


@pytest.mark.parametrize("engine", ENGINES)
def test_one_more_visit_between_whole_weeks_moves_no_benefit(engine: ModuleType) -> None:
    free = {"intercurrent": {}, "prednisolone": {"taper": "stable"}}
    here = run(lively(**free), engine, **{"death.per_year[others]": 0.0})
    more = [0, 4, 6, 8, 12, 13, 16, 20]
    there = run(lively(visits_weeks=more, **free), engine, **{"death.per_year[others]": 0.0})
    kept = [more.index(week) for week in (0, 4, 8, 12, 16, 20)]
    for name in ("drug_benefit", "background_benefit"):
        np.testing.assert_array_equal(
            getattr(here.truth, name), getattr(there.truth, name)[:, :, kept], err_msg=name
        )


# --- treatment ----------------------------------------------------------------------------------

EXTENSION = {"from_week": 16, "dose_g_per_kg": 2.0, "every_weeks": 2, "infusions": 3}


@pytest.mark.parametrize("engine", ENGINES)
def test_an_extension_changes_nothing_up_to_its_week(engine: ModuleType) -> None:
    # courses of both: in weeks 0, 4, 8 and 12, so that events after the last course can stop what
    # the extension still has to come; without such a stop nothing differs
    calm = {"stop.serious": 0.0}
    here, there = run(lively(), engine, **calm), run(lively(extension=EXTENSION), engine, **calm)
    begins = EXTENSION["from_week"] * MINUTES_PER_WEEK
    visits = 5  # weeks 0 to 16: what is seen at 16 comes before the course of that minute
    for name in ("measures", "tis", "enzymes", "prednisolone", "prednisolone_taken"):
        mine, other = (getattr(c.seen, name)[:, :, :visits] for c in (here, there))
        np.testing.assert_array_equal(mine, other, err_msg=name)
    for name in ("drug_benefit", "background_benefit", "steroid_benefit", "flare_loss"):
        mine, other = (getattr(c.truth, name)[:, :, :visits] for c in (here, there))
        np.testing.assert_array_equal(mine, other, err_msg=name)
    for name in ("deterioration", "rescue", "lack_of_effect", "stop", "left", "harm_stop"):
        mine, other = (getattr(c.seen, f"{name}_minute") for c in (here, there))
        early = ((mine >= 0) & (mine < begins)) | ((other >= 0) & (other < begins))
        assert early.any() or name == "harm_stop"
        np.testing.assert_array_equal(mine[early], other[early], err_msg=name)
    n = here.seen.course_minute.shape[2]
    np.testing.assert_array_equal(here.seen.course_minute, there.seen.course_minute[..., :n])
    assert (there.seen.course_minute[..., n:] >= begins).any()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_switch_to_the_same_treatment_is_written_down_and_changes_nothing(
    engine: ModuleType,
) -> None:
    # A switch begins the other arm's courses anew. Every four weeks up to the last visit, from a
    # visit in a week of a course on, those are the weeks that were planned anyway.
    same = {"dose_g_per_kg": 2.0, "every_weeks": 4, "infusions": 6}
    made = {}
    for then in ("continue", "switch"):
        made[then] = run(
            lively(
                arms={"low": same, "high": same},
                intercurrent={"rescue": {"allowed_from_week": 8, "then": then}},
            ),
            engine,
        )
    stayed, switched = made["continue"], made["switch"]
    moved = switched.seen.switch_minute >= 0
    assert moved.sum() > 20
    rescued, stopped = stayed.seen.rescue_minute, stayed.seen.stop_minute
    # whose treatment was stopped for harm before has none to switch from
    np.testing.assert_array_equal(moved, (rescued >= 0) & ((stopped < 0) | (stopped >= rescued)))
    np.testing.assert_array_equal(
        switched.seen.switch_minute, np.where(moved, switched.seen.rescue_minute, -1)
    )
    n = stayed.seen.course_minute.shape[2]
    theirs = columns(switched)
    for name, mine in columns(stayed).items():
        if name == "switch_minute":
            continue
        other = theirs[name]
        if other.shape != mine.shape:  # room for the courses of both plans
            spare = other[..., n:] if name != "thromboembolism_minute" else other[..., n:-1]
            if name in ("events_minute", "events_detail"):
                continue
            assert not (spare > 0).any(), name
            last = other[..., -1:] if name == "thromboembolism_minute" else other[..., :0]
            other = np.concatenate([other[..., :n], last], axis=-1)
        np.testing.assert_array_equal(mine, other, err_msg=name)


@pytest.mark.parametrize("method", ["complete", "minimisation", "permuted_blocks"])
def test_who_has_the_same_treatment_beside_one_more_arm_has_the_same_course(method: str) -> None:
    def allocated(*names: str) -> Design:
        allocation: dict[str, Any] = {"ratio": dict.fromkeys(names, 1), "method": method}
        allocation["strata"] = ["severity"]
        if method == "permuted_blocks":
            allocation["block_sizes"] = [2 * len(names)]
        every = ARMS | {"placebo": {"infusions_like": "low"}}
        # three arms say to whose treatment patients switch; here nobody does
        return lively(arms={name: every[name] for name in names}, allocation=allocation)

    blind = {"unblinding_shift": 0.0}
    here, there = (
        run(allocated("low", "high"), **blind),
        run(allocated("low", "high", "placebo"), **blind),
    )
    same = (here.seen.arm == there.seen.arm) & (here.seen.arm >= 0)
    assert same.mean() > 0.2
    assert_same(here, there, where=same)
