"""Laws of a simulated trial: what may change what, whatever the design and the truth.

All on the compiled engine; tests/agreement shows that the reference engine gives the same cohorts.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simtrial.cohort import draws as at
from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.draws import draw_plan, fill_enrolled
from simtrial.cohort.dynamics import without_dynamics
from simtrial.cohort.measuring import MeasuringTable
from simtrial.cohort.protocol import LEAVE, NEVER
from simtrial.cohort.risk import without_harm
from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Cohort
from simtrial.core.streams import Purpose, uniform
from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.myositis.enzymes import ENZYME_RANGE_ULN
from simtrial.myositis.tis import has_worsened, improvement_score
from simtrial.trial.design import Design, revalidated
from tests.agreement.random_designs import RandomTrial, plain_trial, trial_without_events

SEEDS = range(200, 224)
MORE_SEEDS = range(200, 260)
LAST_REPLICATE = 2**32 - 1
# chosen from a wide range; the same examples at every run, so a red test is red again
examples = settings(max_examples=30, deadline=None, derandomize=True)
trials = st.integers(2_000, 2_999).map(plain_trial)


@pytest.fixture(params=SEEDS)
def trial(request):
    return plain_trial(request.param)


@pytest.fixture(params=SEEDS)
def calm(request):
    """Return a random trial in which no course is left out and nobody dies."""
    return trial_without_events(request.param)


def simulate(
    trial: RandomTrial,
    *,
    first: int | None = None,
    last: int | None = None,
    n: int | None = None,
    come: dict[str, Any] | None = None,
    **columns: NDArray[np.float64],
) -> Cohort:
    """Run a trial, with some arrivals or columns of the course table replaced."""
    return compiled.run(
        trial.protocol(),
        trial.table()._replace(**columns),
        trial.arrivals()._replace(**(come or {})),
        seed=trial.seed,
        first=trial.first if first is None else first,
        last=trial.last if last is None else last,
        n=n or trial.n,
    )


def rows(trial: RandomTrial, value: float) -> NDArray[np.float64]:
    """Return a column of the course table that holds one value in every row."""
    return np.full(trial.p_background.shape[0], value)


def with_design(trial: RandomTrial, **changes: object) -> RandomTrial:
    """Return a trial with some top-level parts of its design replaced."""
    return dataclasses.replace(trial, design=revalidated(trial.design, changes))


def columns_of(cohort: Cohort) -> dict[str, NDArray[Any]]:
    """Return every column by name, seen and true."""
    return cohort.seen._asdict() | cohort.truth._asdict()


def assert_same(one: Cohort, other: Cohort, *, but: tuple[str, ...] = (), where: Any = ...) -> None:
    """Assert that all columns with an axis of patients are equal in every bit, except some."""
    theirs = columns_of(other)
    for name, mine in columns_of(one).items():
        if name in but or name in ("screened", "failures", "complete"):
            continue
        np.testing.assert_array_equal(mine[where], theirs[name][where], err_msg=name)


# --- which patients a trial has depends on nothing but their address ----------------------------


@given(trial=trials, share=st.floats(0.01, 1.0))
@examples
def test_the_first_n_patients_of_a_larger_trial_are_the_trial_of_n(trial, share):
    n = max(1, int(share * trial.n))
    large, small = simulate(trial), simulate(trial, n=n)
    theirs = columns_of(large)
    for name, mine in columns_of(small).items():
        if name not in ("screened", "failures", "complete"):
            np.testing.assert_array_equal(mine, theirs[name][:, :n], err_msg=name)
    full = small.seen.complete
    np.testing.assert_array_equal(small.seen.screened[full], small.seen.candidate[full, n - 1] + 1)
    failed = small.seen.failures.sum(axis=1) + (small.seen.arm >= 0).sum(axis=1)
    np.testing.assert_array_equal(failed, small.seen.screened)


@given(trial=trials, before=st.integers(0, 12), after=st.integers(0, 12))
@examples
def test_replicate_4711_alone_is_the_one_in_a_batch(trial, before, after):
    alone = simulate(trial, first=4_711, last=4_712)
    batch = simulate(trial, first=4_711 - before, last=4_712 + after)
    theirs = columns_of(batch)
    for name, mine in columns_of(alone).items():
        np.testing.assert_array_equal(mine[0], theirs[name][before], err_msg=name)


@given(trial=trials, cuts=st.lists(st.integers(1, 11), max_size=4, unique=True))
@examples
def test_chunks_of_replicates_put_together_are_the_whole(trial, cuts):
    whole = columns_of(simulate(trial, first=0, last=12))
    ends = [0, *sorted(cuts), 12]
    parts = [columns_of(simulate(trial, first=a, last=b)) for a, b in itertools.pairwise(ends)]
    for name, column in whole.items():
        np.testing.assert_array_equal(
            column, np.concatenate([p[name] for p in parts]), err_msg=name
        )


def test_the_last_replicate_that_has_an_address_can_be_run(trial):
    one = simulate(trial, first=LAST_REPLICATE, last=LAST_REPLICATE + 1)
    assert (one.seen.arm[0] >= 0).any()


def test_another_seed_or_replicate_has_other_patients(trial):
    here = simulate(trial, first=7, last=9)
    other = simulate(dataclasses.replace(trial, seed=trial.seed ^ 1), first=7, last=9)
    assert (here.truth.baseline[0, :5] != here.truth.baseline[1, :5]).any(axis=1).all()
    assert (here.truth.baseline[:, :5] != other.truth.baseline[:, :5]).any(axis=2).all()


# --- dates and people are different questions ---------------------------------------------------


@pytest.mark.parametrize(
    "come",
    [
        {"per_minute": 1e-5},
        {"per_minute": 3.0},
        {"opening": np.zeros(1)},
        {"opening": np.linspace(0.0, 5e5, 40)},
    ],
    ids=["slower", "faster", "one site", "40 sites"],
)
def test_accrual_and_sites_move_dates_and_sites_only(trial, come):
    five_sites = {"opening": np.zeros(5), "per_minute": 1e-3}
    # who is tapered as his centre does is another patient elsewhere
    alike = {name: rows(trial, 0.0) for name in ("centre_taper_sd", "centre_floor_sd")}
    trial = dataclasses.replace(trial, draws=trial.draws | alike)
    here, there = (simulate(trial, come=five_sites | changes) for changes in ({}, come))
    assert_same(here, there, but=("site", "randomised_minute"))
    for name in ("screened", "failures", "complete"):
        np.testing.assert_array_equal(getattr(here.seen, name), getattr(there.seen, name))
    assert (here.seen.randomised_minute != there.seen.randomised_minute).any()


# --- arms ---------------------------------------------------------------------------------------

# Who a patient is and where he was put, before anything is given.
FIXED_AT_ENTRY = (
    *("arm", "stratum", "candidate", "site", "randomised_minute", "subtype", "female", "age"),
    *("weight", "screening", "baseline", "responds", "improves", "depth", "log_x50"),
    *("dropout_minute", "cancer", "previous_thromboembolism", "frailty"),
)


def assert_same_at_entry(one: Cohort, other: Cohort, *, but: tuple[str, ...] = ()) -> None:
    mine, theirs = columns_of(one), columns_of(other)
    for name in set(FIXED_AT_ENTRY) - set(but):
        np.testing.assert_array_equal(mine[name], theirs[name], err_msg=name)
    for name in ("measures", "tis", "prednisolone"):
        np.testing.assert_array_equal(mine[name][:, :, 0], theirs[name][:, :, 0], err_msg=name)
    np.testing.assert_array_equal(one.seen.screened, other.seen.screened)


def with_half_the_dose(trial: RandomTrial, arm: str) -> RandomTrial:
    spec = trial.design.arms[arm]
    if spec.courses is not None:
        less = tuple(
            c.model_copy(update={"dose_g_per_kg": c.dose_g_per_kg / 2}) for c in spec.courses
        )
        changed = spec.model_copy(update={"courses": less})
    else:
        changed = spec.model_copy(update={"dose_g_per_kg": spec.dose_g_per_kg / 2})
    arms = {k: a.model_dump() for k, a in trial.design.arms.items()}
    return with_design(trial, arms=arms | {arm: changed.model_dump()})


def test_the_dose_of_one_arm_changes_nobody_at_entry_and_nobody_in_another_arm():
    n_changed, n_elsewhere, n_placebo = 0, 0, 0
    for trial in map(plain_trial, MORE_SEEDS):
        here, there = simulate(trial), simulate(with_half_the_dose(trial, "high"))
        assert_same_at_entry(here, there)
        arm = here.seen.arm
        elsewhere = (arm >= 0) & (arm != trial.design.arm_names.index("high"))
        # placebo infusions are as large as those that they are like
        assert_same(here, there, but=("course_dose",), where=elsewhere)
        moved = (here.truth.drug_benefit > there.truth.drug_benefit).any(axis=2)
        n_changed += moved.sum()
        n_elsewhere += elsewhere.sum()
        n_placebo += (elsewhere & ~trial.protocol().on_drug[arm]).sum()
    assert n_changed >= 500 and n_elsewhere >= 2_000 and n_placebo >= 1_000


def two_arms(trial: RandomTrial, names: tuple[str, str]) -> Design:
    """Return the design with placebo and its drug arm 1:1, written in the order of ``names``."""
    drug = trial.design.arms["high"].model_dump()
    arms = {"placebo": {"infusions_like": "high"}, "high": drug}
    changes = {
        "arms": {name: arms[name] for name in names},
        "allocation": {
            "ratio": dict.fromkeys(names, 1),
            "method": "permuted_blocks",
            "block_sizes": [2, 6],
            "strata": ["severity"],
        },
    }
    return revalidated(trial.design, changes)


def both_orders(trial: RandomTrial) -> tuple[Cohort, Cohort]:
    """Return a 1:1 trial written placebo first and drug first: the arms of all patients change."""
    one, other = (
        simulate(dataclasses.replace(trial, design=two_arms(trial, names)))
        for names in (("placebo", "high"), ("high", "placebo"))
    )
    return one, other


def test_the_order_in_which_equal_arms_are_written_exchanges_them_and_no_patient(trial):
    # the n-th place of a block belongs to the same position of the list of arms
    one, other = both_orders(trial)
    assert_same_at_entry(one, other)
    on_drug = one.seen.arm == 1
    assert (other.seen.grams[on_drug] == 0.0).all()
    assert (one.seen.grams[(one.seen.arm == 0)] == 0.0).all()


def test_the_order_in_which_the_ratio_names_the_arms_does_not_matter(trial):
    design = two_arms(trial, ("placebo", "high"))
    ratio = design.allocation.model_copy(update={"ratio": {"high": 1, "placebo": 1}})
    swapped = revalidated(design, {"allocation": ratio.model_dump()})
    one, other = (simulate(dataclasses.replace(trial, design=d)) for d in (design, swapped))
    assert one.first_difference(other) is None


def test_a_drug_without_effect_or_harm_of_its_own_makes_arms_exchangeable():
    n_patients = 0
    for trial in map(plain_trial, MORE_SEEDS):
        same = dataclasses.replace(
            trial,
            drug_works=False,
            drug_harms=False,
            # who guesses that he has the drug reports better: that is an effect of the drug
            draws=trial.draws | {"unblinding_shift": rows(trial, 0.0)},
        )
        one, other = both_orders(same)
        # every patient was on the drug in one of the two, and on placebo in the other
        assert_same(one, other, but=("grams", "course_drug"))
        n_patients += (one.seen.arm >= 0).sum()
    assert n_patients >= 10_000


def test_a_drug_that_works_helps_responders_on_drug_and_nobody_else():
    n_helped = 0
    for trial in map(plain_trial, MORE_SEEDS):
        cohort = simulate(trial)
        benefit = np.nan_to_num(cohort.truth.drug_benefit).max(axis=2)
        on_drug = trial.protocol().on_drug[np.maximum(cohort.seen.arm, 0)]
        may = cohort.truth.responds & on_drug & (cohort.seen.courses > 0)
        assert (benefit[~may] == 0.0).all()
        improvement = np.nan_to_num(cohort.truth.background_benefit).max(axis=2)
        assert (improvement[~cohort.truth.improves] == 0.0).all()
        assert (benefit <= 1.0).all() and (improvement <= 1.0).all()
        n_helped += (benefit > 0.0).sum()
    assert n_helped >= 1_000


def test_every_block_of_every_stratum_holds_the_ratio(trial):
    cohort, protocol = simulate(trial), trial.protocol().allocation
    ratio = protocol.ratio
    for row, replicate in enumerate(range(trial.first, trial.last)):
        arm, stratum = cohort.seen.arm[row], cohort.seen.stratum[row]
        for which in range(3):
            left = arm[(stratum == which) & (arm >= 0)]
            number = 0
            while left.size:
                u = uniform(trial.seed, Purpose.ALLOCATION, replicate, which, number, 0)
                size = int(protocol.block_sizes[int(u * protocol.block_sizes.size)])
                held = np.bincount(left[:size], minlength=ratio.size)
                most = ratio * (size // ratio.sum())
                assert (held <= most).all()
                assert left.size < size or (held == most).all()
                left, number = left[size:], number + 1


def test_strata_are_cut_on_the_observed_baseline(trial):
    seen = simulate(trial).seen
    entered = seen.arm >= 0
    physician = seen.measures[:, :, 0, 0][entered]
    expected = np.where(physician <= 3.0, 0, np.where(physician <= 6.0, 1, 2))
    expected *= len(trial.design.strata)
    np.testing.assert_array_equal(seen.stratum[entered], expected)


# --- errors of measurement ----------------------------------------------------------------------


def without_any_benefit(trial: RandomTrial, errors_last: float) -> Cohort:
    # nor any decline, flare or effect of prednisolone
    calm = without_dynamics(trial.p_background.shape[0])
    trial = dataclasses.replace(trial, draws=trial.draws | calm)
    return simulate(
        trial,
        p_response=np.zeros_like(trial.table().p_response),
        p_background=rows(trial, 0.0),
        noise_per_4_weeks=rows(trial, errors_last),
        sd=np.full_like(trial.table().sd, 0.5),
        measuring=trial.table().measuring._replace(
            patient_shift=rows(trial, 0.0),
            haq_shift=rows(trial, 0.0),
            unblinded_shift=rows(trial, 0.0),
        ),
    )


def test_errors_that_never_change_show_the_same_at_screening_and_at_every_visit(trial):
    seen = without_any_benefit(trial, 1.0).seen
    expected = np.where(
        np.isnan(seen.measures), np.nan, np.repeat(seen.screening[:, :, None], seen.tis.shape[2], 2)
    )
    np.testing.assert_array_equal(seen.measures, expected)


def test_errors_without_memory_are_the_visits_own_whatever_lies_before(trial):
    seen = without_any_benefit(trial, 0.0).seen
    apart = dataclasses.replace(
        trial,
        design=revalidated(trial.design, {"screening_weeks": trial.design.screening_weeks + 5}),
    )
    np.testing.assert_array_equal(seen.measures, without_any_benefit(apart, 0.0).seen.measures)
    entered = seen.arm >= 0
    assert (seen.measures[:, :, 0, 5] != seen.screening[..., 5])[entered].all()


# --- infusions ----------------------------------------------------------------------------------


def test_nobody_receives_more_than_planned_or_than_80_g_a_day(calm):
    cohort, protocol = simulate(calm), calm.protocol()
    seen = cohort.seen
    arm = np.maximum(seen.arm, 0)
    entered = seen.arm >= 0
    assert (seen.courses[entered] <= protocol.n_courses[arm][entered]).all()
    assert (seen.courses[~entered] == 0).all()
    number = np.arange(protocol.course_dose.shape[1])
    given = number < seen.courses[..., None]
    weight = np.nan_to_num(seen.weight)[..., None]
    days = protocol.course_days[arm]
    grams = np.minimum(protocol.course_dose[arm] * weight, 80.0 * days)
    expected = np.where(given, grams, 0.0).sum(axis=2) * protocol.on_drug[arm]
    # a dose per kg times the weight again, and the sums, are rounded
    np.testing.assert_allclose(seen.grams, expected, rtol=1e-13)
    most = np.where(given, 80.0 * days, 0.0).sum(axis=2)
    assert (seen.grams <= most * (1.0 + 1e-13)).all()


def test_courses_are_given_from_the_first_on_until_treatment_stops_or_the_patient_leaves(calm):
    seen = simulate(calm).seen
    entered = seen.arm >= 0
    start = planned_starts(calm, seen)
    last = planned_visits(calm, seen)[..., -1:]
    stop = np.where(seen.stop_minute >= 0, seen.stop_minute, NEVER)[..., None]
    left = np.where(seen.left_minute >= 0, seen.left_minute, NEVER)[..., None]
    # an infusion of the minute of harm comes before it, one of the minute of another stop after it
    harmed = (seen.harm_stop_minute >= 0)[..., None]
    due = np.arange(start.shape[2]) < calm.protocol().n_courses[np.maximum(seen.arm, 0)][..., None]
    due &= (start <= last) & ((start < stop) | (harmed & (start == stop))) & (start <= left)
    np.testing.assert_array_equal(seen.courses[entered], due.sum(axis=2)[entered])


# --- events -------------------------------------------------------------------------------------


def attended(cohort: Cohort) -> NDArray[np.bool_]:
    """Return (R, P, V) which visits were attended."""
    return cohort.seen.visit_minute >= 0


def planned_visits(trial: RandomTrial, seen: Snapshot) -> NDArray[np.int64]:
    """Return (R, P, V) when visits take place, whether anybody comes or not."""
    protocol = trial.protocol()
    out = np.tile(protocol.visit_minute, (*seen.arm.shape, 1))
    for row, place in np.argwhere(seen.arm >= 0):
        address = (trial.seed, trial.first + int(row), int(seen.candidate[row, place]))
        for v, week in enumerate(trial.design.visits_weeks[1:], start=1):
            out[row, place, v] = at.visit_minute(
                *address, week, protocol.visit_minute[v], protocol.measuring.window_minutes
            )
    return out


def planned_starts(trial: RandomTrial, seen: Snapshot) -> NDArray[np.int64]:
    """Return (R, P, C) when courses begin: with the visit of their week, if there is one."""
    protocol, arm = trial.protocol(), np.maximum(seen.arm, 0)
    week = protocol.course_week[arm]
    visit = protocol.visit_of_week[week]
    moved = np.take_along_axis(planned_visits(trial, seen), np.maximum(visit, 0), axis=2)
    return np.where(visit >= 0, moved, week * MINUTES_PER_WEEK)


def nothing_missing(trial: RandomTrial) -> MeasuringTable:
    """Return the columns of measuring with which every visit and every measure is there."""
    table = trial.table().measuring
    return table._replace(
        missing_visit=np.zeros_like(table.missing_visit),
        missing_item=np.zeros_like(table.missing_item),
    )


def test_without_rescue_nothing_changes_before_it_and_nothing_for_those_never_rescued():
    n_rescued, n_other, n_after = 0, 0, 0
    for trial in map(plain_trial, MORE_SEEDS):
        here = simulate(trial)
        there = simulate(trial, rescue_per_visit=rows(trial, 0.0))
        assert (there.seen.rescue_minute == -1).all()
        assert_same_at_entry(here, there)
        rescued = here.seen.rescue_minute >= 0
        assert_same(here, there, where=~rescued)
        until = planned_visits(trial, here.seen) <= here.seen.rescue_minute[..., None]
        for name in ("measures", "tis"):
            mine, theirs = getattr(here.seen, name), getattr(there.seen, name)
            np.testing.assert_array_equal(mine[until], theirs[until], err_msg=name)
        # rescue may change the dose from its own visit on
        before = planned_visits(trial, here.seen) < here.seen.rescue_minute[..., None]
        mine, theirs = here.seen.prednisolone, there.seen.prednisolone
        np.testing.assert_array_equal(mine[before], theirs[before])
        n_rescued += rescued.sum()
        n_other += (~rescued & (here.seen.arm >= 0)).sum()
        after = rescued[..., None] & ~until & attended(here) & attended(there)
        n_after += (here.truth.drug_benefit < there.truth.drug_benefit)[after].sum()
    assert n_rescued >= 300 and n_other >= 5_000
    assert n_after >= 50  # treatment withheld after rescue does cost benefit


def test_dropout_takes_visits_away_and_changes_none_that_is_attended():
    n_lost = 0
    for trial in map(plain_trial, MORE_SEEDS):
        here = simulate(trial, dropout_per_minute=rows(trial, 1e-5))
        there = simulate(trial, dropout_per_minute=rows(trial, 0.0))
        assert_same_at_entry(here, there, but=("dropout_minute",))
        came = attended(here)
        assert attended(there)[came].all()
        for name in ("measures", "tis", "prednisolone", "drug_benefit", "background_benefit"):
            mine, theirs = columns_of(here)[name], columns_of(there)[name]
            np.testing.assert_array_equal(mine[came], theirs[came], err_msg=name)
        n_lost += (attended(there) & ~came).sum()
        for name in ("deterioration_minute", "rescue_minute", "stop_minute", "harm_stop_minute"):
            mine, theirs = columns_of(here)[name], columns_of(there)[name]
            np.testing.assert_array_equal(
                mine, np.where(theirs <= here.truth.dropout_minute, theirs, -1), err_msg=name
            )
        until = here.truth.dropout_minute[..., None]
        for name in ("reaction_minute", "thromboembolism_minute", "serious_minute"):
            mine, theirs = columns_of(here)[name], columns_of(there)[name]
            np.testing.assert_array_equal(mine, np.where(theirs <= until, theirs, -1), err_msg=name)
    assert n_lost >= 5_000


def test_without_rules_and_hazards_there_are_no_events_and_no_missing_visit(calm):
    quiet = with_design(calm, intercurrent={})
    unharmed = without_harm(calm.p_background.shape[0])
    quiet = dataclasses.replace(quiet, draws=calm.draws | unharmed)
    cohort = simulate(quiet, dropout_per_minute=rows(calm, 0.0), measuring=nothing_missing(quiet))
    seen = cohort.seen
    entered = seen.arm >= 0
    for minute in (
        seen.deterioration_minute,
        seen.rescue_minute,
        seen.stop_minute,
        seen.left_minute,
        seen.harm_stop_minute,
        seen.reaction_minute,
        seen.thromboembolism_minute,
        seen.serious_minute,
    ):
        assert (minute == -1).all()
    assert (cohort.truth.dropout_minute[entered] == NEVER).all()
    for column in (seen.measures, seen.tis, seen.prednisolone, cohort.truth.drug_benefit):
        assert not np.isnan(column[entered]).any()
    last = planned_visits(calm, seen)[..., -1:]
    order = np.arange(seen.course_minute.shape[2])
    planned = order < calm.protocol().n_courses[np.maximum(seen.arm, 0)][..., None]
    planned &= planned_starts(calm, seen) <= last
    np.testing.assert_array_equal(seen.courses[entered], planned.sum(axis=2)[entered])


def reasons_to_stop(
    trial: RandomTrial, cohort: Cohort, row: int, place: int, spontaneous_u: float
) -> list[int]:
    """Return the minutes of a patient's adverse events that would stop treatment, in order."""
    protocol, seen, risk = trial.protocol(), cohort.seen, trial.table().risk
    d = (trial.first + row) % trial.p_background.shape[0]
    arm, candidate = int(seen.arm[row, place]), int(seen.candidate[row, place])
    found = []

    def add(minute: int, u: float, chance: float) -> None:
        if minute >= 0 and u < chance:
            found.append(int(minute))

    for j in range(seen.courses[row, place]):
        address = (trial.seed, trial.first + row, candidate, int(protocol.course_week[arm, j]))
        serious = seen.reaction_serious[row, place, j]
        chance = risk.stop_serious[d] if serious else risk.stop_reaction[d]
        u = [at.course_harm(*address, s) for s in (at.AFTER_REACTION, at.AFTER_CLOT)]
        add(seen.reaction_minute[row, place, j], u[0], chance)
        add(seen.thromboembolism_minute[row, place, j], u[1], risk.stop_serious[d])
        u_ill = at.course_harm(*address, at.AFTER_ILLNESS)
        add(seen.serious_minute[row, place, j], u_ill, risk.stop_serious[d])
    add(seen.thromboembolism_minute[row, place, -1], spontaneous_u, risk.stop_serious[d])
    return sorted(found)


def events_told_again(
    trial: RandomTrial,
    cohort: Cohort,
    row: int,
    place: int,
    rescue_u: NDArray[np.float64],
    reasons: list[int],
    visits: NDArray[np.int64],
    starts: NDArray[np.int64],
) -> dict[str, int]:
    """Return a patient's events, found anew from what was measured, the rules, and his chance.

    ``reasons`` : minutes of adverse events that stop treatment while courses are still to come;
    ``visits, starts`` : when his visits and courses are to be.
    """
    protocol, seen = trial.protocol(), cohort.seen
    minutes = [int(m) for m in visits]
    dropout = int(cohort.truth.dropout_minute[row, place])
    d = (trial.first + row) % trial.p_background.shape[0]
    chance = trial.table().rescue_per_visit[d]
    measures, last = seen.measures[row, place], minutes[-1]
    found = dict.fromkeys(("deterioration", "rescue", "stop", "harm_stop", "left"), -1)
    worse = [False]
    arm = int(seen.arm[row, place])
    last_start = int(starts[protocol.n_courses[arm] - 1])
    its_range = ENZYME_RANGE_ULN[seen.enzyme[row, place]]

    def stops_for_harm(until: int) -> bool:
        """Apply the reasons up to a minute; return whether the patient leaves for one."""
        for minute in reasons:
            # at one minute infusions come before harm: then nothing is left to stop
            if minute <= until and found["stop"] < 0 and minute < min(last_start, last):
                found["stop"] = found["harm_stop"] = minute
                if protocol.harm_leaves:
                    found["left"] = minute
                    return True
        return False

    for visit, minute in enumerate(minutes[1:], start=1):
        if stops_for_harm(min(minute - 1, dropout)):
            return found
        if minute > dropout:
            break
        if seen.visit_minute[row, place, visit] < 0:
            continue
        assert seen.visit_minute[row, place, visit] == minute
        worse.append(bool(has_worsened(measures[0], measures[visit])))
        leaves = False
        scheduled = protocol.visit_minute[visit]
        confirmed = worse[-1] and worse[-2] and scheduled >= protocol.deterioration_from
        if confirmed and found["deterioration"] < 0:
            found["deterioration"] = minute
            leaves = protocol.deterioration_then == LEAVE
        score = improvement_score(measures[0], measures[visit], protocol.mmt_maximum, its_range)
        lacking = np.isnan(measures[visit])
        if lacking.all() or (lacking.any() and trial.design.tis_missing == "missing"):
            score = math.nan
        np.testing.assert_equal(score, seen.tis[row, place, visit])
        may = scheduled >= protocol.rescue_from and minute < last and found["rescue"] < 0
        if may and not leaves and score < protocol.rescue_below and rescue_u[visit] < chance:
            found["rescue"] = minute
            leaves = protocol.rescue_then == LEAVE
        if found["stop"] < 0 and minute in (found["deterioration"], found["rescue"]):
            found["stop"] = minute
        if leaves and minute < last:
            found["left"] = minute
            return found
    if not stops_for_harm(min(last, dropout)) and dropout < last:
        found["left"] = dropout
    return found


def test_events_follow_from_what_was_measured(calm):
    cohort = simulate(calm)
    plan = draw_plan(calm.protocol().visit_week, calm.protocol().course_week)
    filled = np.empty(plan.enrolled_room)
    visits = calm.protocol().visit_minute.shape[0]
    minutes, starts = planned_visits(calm, cohort.seen), planned_starts(calm, cohort.seen)
    for row, place in np.argwhere(cohort.seen.arm >= 0)[::3]:
        candidate = int(cohort.seen.candidate[row, place])
        fill_enrolled(filled, plan, calm.seed, calm.first + int(row), candidate)
        rescue_u = filled[plan.n_normals + at.RESCUE_AT :][: at.RESCUE_SLOTS * visits : 2]
        spontaneous_u = filled[plan.n_normals + at.AFTER_SPONTANEOUS_AT]
        reasons = reasons_to_stop(calm, cohort, row, place, spontaneous_u)
        found = events_told_again(
            calm, cohort, row, place, rescue_u, reasons, minutes[row, place], starts[row, place]
        )
        told = {name: int(getattr(cohort.seen, f"{name}_minute")[row, place]) for name in found}
        assert told == found


def test_a_visit_is_attended_until_the_patient_leaves_and_not_after(trial):
    cohort = simulate(trial, measuring=nothing_missing(trial))
    seen = cohort.seen
    entered = seen.arm >= 0
    left = np.where(seen.left_minute >= 0, seen.left_minute, NEVER)[..., None]
    minutes = planned_visits(trial, seen)
    expected = entered[..., None] & (minutes <= left)
    np.testing.assert_array_equal(seen.visit_minute, np.where(expected, minutes, -1))
    np.testing.assert_array_equal(attended(cohort), expected)
    for column in (seen.prednisolone, cohort.truth.drug_benefit, cohort.truth.background_benefit):
        np.testing.assert_array_equal(~np.isnan(column), expected)
    np.testing.assert_array_equal(
        ~np.isnan(seen.measures), np.repeat(expected[..., None], 6, axis=3)
    )


@given(trial=trials)
@examples
def test_what_is_measured_lies_on_its_scale(trial):
    cohort = simulate(trial, measuring=nothing_missing(trial))
    came = attended(cohort)
    assume(came.any())
    seen = cohort.seen.measures[came]
    for vas in seen[:, :3].T:
        assert ((vas >= 0.0) & (vas <= 10.0)).all()
        np.testing.assert_array_equal(np.round(vas, 1), vas)
    assert np.isin(seen[:, 3] * 8, np.arange(25)).all()
    assert np.isin(seen[:, 4], np.arange(trial.protocol().mmt_maximum + 1)).all()
    assert (seen[:, 5] > 0.0).all() and np.isfinite(seen[:, 5]).all()
    five = cohort.seen.enzymes[came]
    assert (five > 0.0).all() and np.isfinite(five).all()
    score = cohort.seen.tis[came]
    assert ((score >= 0.0) & (score <= 100.0)).all()
    dose = cohort.seen.prednisolone[came]
    np.testing.assert_array_equal(dose % 0.5, 0.0)
    entry = cohort.seen.prednisolone[..., 0][cohort.seen.arm >= 0]
    np.testing.assert_array_equal(entry % 2.5, 0.0)
    cap = trial.design.population.eligibility.prednisolone_at_most_mg
    assert cap is None or (entry <= cap).all()
    baseline = cohort.seen.screening[cohort.seen.arm >= 0]
    assert (baseline[:, 4] < trial.protocol().mmt_below).all()
