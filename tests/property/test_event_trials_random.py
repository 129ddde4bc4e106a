"""Laws of simulated time-to-event trials, over random plans and worlds."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simtrial.core.arithmetic import plog
from simtrial.core.errors import FitError
from simtrial.core.streams import Purpose, uniform
from simtrial.stats.survival.cox import fit_two_arms
from simtrial.stats.survival.event_design import Allocation, EventPlan, EventWorld, Looks
from simtrial.stats.survival.event_draws import Patients, draw_patients
from simtrial.stats.survival.logrank import compare_arms
from simtrial.stats.survival.piecewise import PiecewiseRate, constant_rate, scale_rate
from simtrial.stats.survival.trials import EventTrials, LookStatus, simulate_trials

HAZARD = PiecewiseRate(starts=(0.0, 3.0, 12.0), rates=(0.09, 0.05, 0.02))
WORLD = EventWorld(
    treated_hazard=scale_rate(HAZARD, 0.6),
    control_hazard=HAZARD,
    treated_dropout=constant_rate(0.01),
    control_dropout=PiecewiseRate(starts=(0.0, 6.0), rates=(0.0, 0.03)),
    accrual=PiecewiseRate(starts=(0.0, 4.0), rates=(5.0, 15.0)),
    arrivals="poisson",
)
PLAN = EventPlan(
    n=90, looks=Looks(events=(20, 40, 60)), allocation=Allocation(block_sizes=(2, 4, 6))
)
FIELDS = (
    "status",
    "time",
    "enrolled",
    "events_control",
    "events_treated",
    "z",
    "log_hazard_ratio",
    "standard_error",
)

rates = st.one_of(
    st.floats(0.005, 2.0).map(constant_rate),
    st.tuples(st.floats(0.1, 9.0), st.floats(0.0, 0.5), st.floats(0.01, 0.5)).map(
        lambda t: PiecewiseRate(starts=(0.0, t[0]), rates=(t[1], t[2]))
    ),
)
dropouts = st.one_of(st.just(constant_rate(0.0)), rates)
worlds = st.builds(
    EventWorld,
    treated_hazard=rates,
    control_hazard=rates,
    treated_dropout=dropouts,
    control_dropout=dropouts,
    accrual=st.floats(0.5, 30.0).map(constant_rate),
    arrivals=st.sampled_from(["even", "poisson"]),
)
allocations = st.sampled_from(
    [
        Allocation(),
        Allocation(kind="simple", treated=2, control=1),
        Allocation(kind="in_turn", treated=1, control=2),
        Allocation(treated=3, control=2, block_sizes=(5, 10, 15)),
    ]
)


@st.composite
def plans(draw: st.DrawFn) -> EventPlan:
    n = draw(st.integers(2, 120))
    if draw(st.booleans()):
        events = draw(st.sets(st.integers(1, n), min_size=1, max_size=4))
        latest = draw(st.one_of(st.just(math.inf), st.floats(0.5, 60.0)))
        looks = Looks(events=tuple(sorted(events)), latest=latest)
    else:
        times = draw(st.sets(st.floats(0.01, 60.0), min_size=1, max_size=4))
        looks = Looks(times=tuple(sorted(times)))
    rho, gamma = draw(st.sampled_from([(0.0, 0.0), (0.0, 1.0), (1.0, 0.5)]))
    return EventPlan(n=n, looks=looks, allocation=draw(allocations), rho=rho, gamma=gamma)


def assert_same(one: EventTrials, other: EventTrials, rows: slice = slice(None)) -> None:
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name)[rows], err_msg=name)


def when_held(plan: EventPlan, patients: Patients, look: int) -> tuple[LookStatus, float]:
    """Return status and time of a look, from the rules alone."""
    if plan.looks.times:
        return LookStatus.HELD, plan.looks.times[look]
    times = np.sort(patients.leaves[patients.has_event == 1])
    wanted = plan.looks.events[look]
    if wanted <= len(times) and times[wanted - 1] <= plan.looks.latest:
        return LookStatus.HELD, times[wanted - 1]
    last = look == plan.looks.count - 1
    if last and plan.looks.latest < math.inf:
        return LookStatus.AT_LATEST, plan.looks.latest
    return LookStatus.NOT_HELD, math.nan


@settings(max_examples=150, deadline=None)
@given(plans(), worlds, st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1))
def test_every_look_is_the_test_of_what_could_be_seen_then(plan, world, seed, replicate) -> None:
    """Bit for bit: both count the same tables, and the tests are made of nothing else."""
    found = simulate_trials(plan, world, seed=seed, trials=1, first=replicate, cox=True)
    patients = draw_patients(plan, world, seed=seed, replicate=replicate)
    for k in range(plan.looks.count):
        status, when = when_held(plan, patients, k)
        assert found.status[0, k] == status
        np.testing.assert_equal(found.time[0, k], when)
        if status == LookStatus.NOT_HELD:
            assert math.isnan(found.z[0, k])
            continue
        here = patients.arrival <= when
        seen = patients.leaves[here] <= when
        follow_up = np.where(seen, patients.exit[here], when - patients.arrival[here])
        event, treated = seen & (patients.has_event[here] == 1), patients.arm[here] == 1
        assert found.enrolled[0, k] == here.sum()
        assert found.events_treated[0, k] == (event & treated).sum()
        assert found.events_control[0, k] == (event & ~treated).sum()
        if not here.any():
            assert math.isnan(found.z[0, k])
            continue
        want = compare_arms(follow_up, event, treated, rho=plan.rho, gamma=plan.gamma).z
        np.testing.assert_equal(found.z[0, k], want)
        try:
            cox = fit_two_arms(follow_up, event, treated)
        except FitError:
            assert math.isnan(found.log_hazard_ratio[0, k])
        else:
            assert found.log_hazard_ratio[0, k] == cox.log_hazard_ratio
            assert found.standard_error[0, k] == cox.standard_error


@pytest.mark.parametrize("rate", [5e-324, 1e-300, 1e300, 8e307])
@pytest.mark.parametrize("arrivals", ["even", "poisson"])
def test_hazards_at_the_ends_of_the_numbers_are_simulated_too(rate: float, arrivals: str) -> None:
    """The sorting is scaled by the hazards, and must not leave its arrays at any scale."""
    begins = PiecewiseRate(starts=(0.0, 2.0), rates=(rate, 0.1))
    world = EventWorld(
        treated_hazard=begins,
        control_hazard=begins,
        accrual=constant_rate(3.0),
        arrivals=arrivals,  # type: ignore[arg-type]
    )
    plan = EventPlan(n=50, looks=Looks(events=(10, 30)))
    found = simulate_trials(plan, world, seed=1, trials=20)
    for r in range(20):
        patients = draw_patients(plan, world, seed=1, replicate=r)
        times = [when_held(plan, patients, look)[1] for look in range(2)]
        np.testing.assert_array_equal(found.time[r], times)


def test_replicate_4711_alone_is_the_one_in_a_batch() -> None:
    batch = simulate_trials(PLAN, WORLD, seed=3, trials=30, first=4700, cox=True)
    alone = simulate_trials(PLAN, WORLD, seed=3, trials=1, first=4711, cox=True)
    assert_same(alone, batch, slice(11, 12))
    assert len(set(batch.z[:, 2].tolist())) == 30


def test_the_same_seed_gives_the_same_bits_and_another_seed_another_trial() -> None:
    one, again, other = (
        simulate_trials(PLAN, WORLD, seed=seed, trials=20, cox=True) for seed in (5, 5, 6)
    )
    assert_same(one, again)
    assert not np.any(one.time == other.time)


def test_seeds_differ_in_their_upper_half_too() -> None:
    for seed in (2**32, 2**63, 2**64 - 1):
        here = simulate_trials(PLAN, WORLD, seed=seed, trials=5).time
        assert not np.any(here == simulate_trials(PLAN, WORLD, seed=0, trials=5).time)


@settings(max_examples=40, deadline=None)
@given(allocations, worlds, st.integers(2, 60), st.integers(0, 60), st.integers(0, 2**64 - 1))
def test_patients_do_not_move_when_more_are_enrolled(allocation, world, few, more, seed) -> None:
    looks = Looks(times=(1.0,))
    small, large = (
        draw_patients(
            EventPlan(n=n, looks=looks, allocation=allocation), world, seed=seed, replicate=7
        )
        for n in (few, few + more)
    )
    for name in Patients._fields:
        np.testing.assert_array_equal(getattr(small, name), getattr(large, name)[:few], name)


def test_looks_do_not_move_when_others_are_added() -> None:
    three = simulate_trials(PLAN, WORLD, seed=9, trials=40)
    one = simulate_trials(replace(PLAN, looks=Looks(events=(40,))), WORLD, seed=9, trials=40)
    np.testing.assert_array_equal(one.z[:, 0], three.z[:, 1])
    np.testing.assert_array_equal(one.time[:, 0], three.time[:, 1])


def test_estimating_hazard_ratios_changes_no_test() -> None:
    without = simulate_trials(PLAN, WORLD, seed=9, trials=40)
    with_cox = simulate_trials(PLAN, WORLD, seed=9, trials=40, cox=True)
    np.testing.assert_array_equal(without.z, with_cox.z)
    assert without.log_hazard_ratio is None


def test_scenarios_share_their_patients() -> None:
    here = draw_patients(PLAN, WORLD, seed=2, replicate=0)
    # other arrivals: the same arms and exits
    even = draw_patients(PLAN, replace(WORLD, arrivals="even"), seed=2, replicate=0)
    np.testing.assert_array_equal(even.arm, here.arm)
    np.testing.assert_array_equal(even.exit, here.exit)
    assert not np.any(even.arrival == here.arrival)
    # other arms: who keeps the arm keeps the exit, and everybody the arrival
    simple = replace(PLAN, allocation=Allocation(kind="simple"))
    others = draw_patients(simple, WORLD, seed=2, replicate=0)
    np.testing.assert_array_equal(others.arrival, here.arrival)
    same = others.arm == here.arm
    assert 10 < same.sum() < 80
    np.testing.assert_array_equal(others.exit[same], here.exit[same])
    # a better treatment delays every event of the treated and moves no other
    better = replace(WORLD, treated_hazard=scale_rate(HAZARD, 0.3))
    late = draw_patients(PLAN, better, seed=2, replicate=0)
    np.testing.assert_array_equal(late.exit[here.arm == 0], here.exit[here.arm == 0])
    assert np.all(late.exit >= here.exit)


def test_half_the_hazards_and_accrual_double_every_time_and_change_no_z() -> None:
    halved = EventWorld(
        **{
            name: PiecewiseRate(
                starts=tuple(2.0 * s for s in rate.starts), rates=tuple(r / 2.0 for r in rate.rates)
            )
            for name in (
                "treated_hazard",
                "control_hazard",
                "treated_dropout",
                "control_dropout",
                "accrual",
            )
            if (rate := getattr(WORLD, name))
        },
        arrivals="poisson",
    )
    one, two = (simulate_trials(PLAN, world, seed=4, trials=50) for world in (WORLD, halved))
    np.testing.assert_array_equal(two.time, 2.0 * one.time)  # exact in binary
    np.testing.assert_array_equal(two.z, one.z)


def test_swapping_the_truth_of_the_arms_and_who_gets_which_turns_every_z() -> None:
    def world(treated: PiecewiseRate, control: PiecewiseRate) -> EventWorld:
        return EventWorld(
            treated_hazard=treated, control_hazard=control, accrual=constant_rate(10.0)
        )

    plan = EventPlan(n=80, looks=Looks(events=(60,)), allocation=Allocation(kind="in_turn"))
    first = draw_patients(plan, world(constant_rate(0.1), constant_rate(0.2)), seed=1, replicate=0)
    other = draw_patients(plan, world(constant_rate(0.2), constant_rate(0.1)), seed=1, replicate=0)
    # the same exponentials, so an exit halves or doubles with the hazard
    np.testing.assert_array_equal(other.exit, np.where(first.arm == 1, 0.5, 2.0) * first.exit)


@pytest.mark.parametrize("patient", [0, 1, 57])
@pytest.mark.parametrize("replicate", [0, 4711])
def test_every_number_stands_at_its_published_address(patient: int, replicate: int) -> None:
    seed, plain = 2**40 + 5, constant_rate(1.0)

    def u(purpose: Purpose, who: int, occasion: int, slot: int) -> float:
        return uniform(seed, int(purpose), replicate, who, occasion, slot)

    world = EventWorld(
        treated_hazard=plain, control_hazard=plain, accrual=plain, arrivals="poisson"
    )
    plan = EventPlan(n=60, looks=Looks(times=(1.0,)), allocation=Allocation(block_sizes=(2, 4)))
    found = draw_patients(plan, world, seed=seed, replicate=replicate)
    assert found.exit[patient] == -plog(u(Purpose.OUTCOME_EVENT, patient, 0, 0))
    arrival = 0.0
    for who in range(patient + 1):
        arrival += -plog(u(Purpose.OUTCOME_ARRIVAL, who, 0, 0))
    assert found.arrival[patient] == arrival
    leaving = replace(world, treated_hazard=constant_rate(0.0), control_hazard=constant_rate(0.0))
    leaving = replace(leaving, treated_dropout=plain, control_dropout=plain)
    dropped = draw_patients(plan, leaving, seed=seed, replicate=replicate)
    assert dropped.exit[patient] == -plog(u(Purpose.OUTCOME_EVENT, patient, 0, 1))
    assert not dropped.has_event.any()
    # the block of the patient, from the beginning
    arms: list[int] = []
    block = 0
    while len(arms) <= patient:
        size = (2, 4)[int(2 * u(Purpose.OUTCOME_ALLOCATION, block, 0, 0))]
        order = [1] * (size // 2) + [0] * (size // 2)
        for i in range(size - 1, 0, -1):
            j = int(u(Purpose.OUTCOME_ALLOCATION, block, 0, i) * (i + 1))
            order[i], order[j] = order[j], order[i]
        arms += order
        block += 1
    assert found.arm[patient] == arms[patient]
    simple = replace(plan, allocation=Allocation(kind="simple", treated=2, control=1))
    alone = draw_patients(simple, world, seed=seed, replicate=replicate)
    treated = u(Purpose.OUTCOME_ALLOCATION, patient, 1, 0) < 2 / 3
    assert alone.arm[patient] == int(treated)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([(1, 1), (2, 1), (3, 2)]), st.integers(2, 100), st.integers(0, 2**64 - 1))
def test_every_full_block_holds_the_ratio(ratio, n, seed) -> None:
    treated, control = ratio
    whole = 2 * (treated + control)
    plan = EventPlan(
        n=n,
        looks=Looks(times=(1.0,)),
        allocation=Allocation(treated=treated, control=control, block_sizes=(whole,)),
    )
    arm = draw_patients(plan, WORLD, seed=seed, replicate=1).arm
    full = arm[: n // whole * whole].reshape(-1, whole)
    assert np.all(full.sum(axis=1) == 2 * treated)
    assert np.all((arm == 0) | (arm == 1))


def test_in_turn_gives_the_treated_of_the_ratio_first() -> None:
    plan = replace(PLAN, allocation=Allocation(kind="in_turn", treated=2, control=1))
    arm = draw_patients(plan, WORLD, seed=1, replicate=0).arm
    assert arm[:7].tolist() == [1, 1, 0, 1, 1, 0, 1]


def test_even_arrivals_come_when_the_cumulated_accrual_is_their_number() -> None:
    world = replace(WORLD, arrivals="even")
    arrival = draw_patients(PLAN, world, seed=1, replicate=0).arrival
    np.testing.assert_allclose(arrival[:20], np.arange(1, 21) / 5.0, rtol=1e-15)
    np.testing.assert_allclose(arrival[20:], 4.0 + np.arange(1, 71) / 15.0, rtol=1e-14)
