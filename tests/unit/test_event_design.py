"""Plans and worlds of time-to-event trials that cannot be, and what to write instead."""

from __future__ import annotations

import math

import pytest

from simtrial.core.errors import DomainError
from simtrial.stats.survival.decisions import Bounds, decide
from simtrial.stats.survival.event_design import (
    Allocation,
    EventPlan,
    EventWorld,
    Looks,
    events_at_information,
)
from simtrial.stats.survival.event_draws import draw_patients, place_patients
from simtrial.stats.survival.piecewise import PiecewiseRate, constant_rate
from simtrial.stats.survival.trials import hold_looks, simulate_trials

PLAN = EventPlan(n=20, looks=Looks(events=(5, 10)))
WORLD = EventWorld(
    treated_hazard=constant_rate(0.1), control_hazard=constant_rate(0.2), accrual=constant_rate(5.0)
)


def test_looks_at_fractions_of_the_information_are_at_the_first_whole_number_of_events() -> None:
    assert events_at_information((0.5, 1.0), planned_events=247) == (124, 247)
    # 0.1 * 30 is 3.0000000000000004 in double precision
    assert events_at_information((0.1, 0.7, 1.0), planned_events=30) == (3, 21, 30)


def test_blocks_are_twice_the_ratio_unless_told() -> None:
    assert Allocation().block_sizes == (4,)
    assert Allocation(treated=2, control=1).block_sizes == (6,)
    assert Allocation(kind="simple").block_sizes == ()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Allocation(kind="urn"), r"kind is 'urn'; give 'blocks'"),
        (lambda: Allocation(treated=0), r"the ratio is 0:1;.*such as treated=2, control=1"),
        (lambda: Allocation(treated=2, control=2), r"without a common factor"),
        (lambda: Allocation(block_sizes=(4, 5)), r"a block of 5 cannot hold 1:1;.*multiples of 2"),
        (lambda: Allocation(kind="simple", block_sizes=(4,)), r"leave them out"),
        (lambda: Looks(), r"give one of them, such as events=\(60, 120\)"),
        (lambda: Looks(events=(5,), times=(1.0,)), r"give one of them"),
        (lambda: Looks(events=(0, 5)), r"events are \(0, 5\);.*increase"),
        (lambda: Looks(events=(5, 5)), r"and increase"),
        (lambda: Looks(events=(5.5,)), r"they are whole"),
        (lambda: Looks(times=(12.0, 6.0)), r"times are \(12\.0, 6\.0\);.*such as \(12, 24\)"),
        (lambda: Looks(times=(12.0, math.inf)), r"they are finite"),
        (lambda: Looks(times=(12.0,), latest=24.0), r"latest is 24\.0;.*none with looks at times"),
        (lambda: Looks(events=(5,), latest=0.0), r"latest is 0\.0; give a time above 0"),
        (lambda: events_at_information((), planned_events=10), r"fractions are \(\);"),
        (lambda: events_at_information((1.2,), planned_events=10), r"above 0 and up to 1"),
        (lambda: events_at_information((1.0,), planned_events=0), r"planned_events is 0;"),
        (lambda: EventPlan(n=1, looks=Looks(events=(1,))), r"n is 1; give 2 to 10,000,000"),
        (
            lambda: EventPlan(n=9, looks=Looks(events=(10,))),
            r"10 events of 9 patients;.*9 or fewer",
        ),
        (lambda: EventPlan(n=9, looks=Looks(events=(5,)), rho=-1.0), r"rho is -1\.0;"),
        (
            lambda: EventWorld(
                treated_hazard=constant_rate(0.1),
                control_hazard=constant_rate(0.1),
                accrual=PiecewiseRate(starts=(0.0, 4.0), rates=(5.0, 0.0)),
            ),
            r"the last accrual rate is 0\.0;.*such as 15",
        ),
        (
            lambda: EventWorld(
                treated_hazard=constant_rate(0.1),
                control_hazard=constant_rate(0.1),
                accrual=constant_rate(5.0),
                arrivals="weekly",
            ),
            r"arrivals is 'weekly'; give 'even' or 'poisson'",
        ),
        (lambda: simulate_trials(PLAN, WORLD, seed=-1, trials=1), r"seed is -1;.*such as 1"),
        (
            lambda: draw_patients(PLAN, WORLD, seed=2**64, replicate=0),
            r"seed is 18446744073709551616",
        ),
        (
            lambda: draw_patients(PLAN, WORLD, seed=1, replicate=-1),
            r"replicate is -1;.*such as 4711",
        ),
        (lambda: simulate_trials(PLAN, WORLD, seed=1, trials=0), r"trials of 1 or more"),
        (lambda: simulate_trials(PLAN, WORLD, seed=1, trials=1, first=2**32), r"2\*\*32 in all"),
        (lambda: Bounds(efficacy=()), r"give a number for each look"),
        (lambda: Bounds(efficacy=(2.0,), futility=(0.0,)), r"one for each look before the last"),
        (lambda: Bounds(efficacy=(2.0, 2.0), futility=(2.0,)), r"futility is below"),
        (
            lambda: decide(simulate_trials(PLAN, WORLD, seed=1, trials=1), Bounds(efficacy=(2.0,))),
            r"there are 1 bounds of efficacy for 2 looks",
        ),
        (lambda: place_patients([1, 0], [0, 1], [1, 1], [2, 2]), r"patients come in order"),
        (lambda: place_patients([0, 1], [0, 1], [1, -1], [2, 2]), r"event is \[1\.0, -1\.0\]"),
        (lambda: place_patients([0, 1], [0, 1], [1, 1], [2]), r"dropout is \[2\.0\]; give 2"),
        (lambda: place_patients([0, 1], [0, 7], [1, 1], [2, 2]), r"treated\[1\] is .*7"),
        (
            lambda: hold_looks(PLAN, place_patients([0, 1], [0, 1], [1, 1], [2, 2])),
            r"there are 2 patients for a plan of 20",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_with_an_example(call, said) -> None:
    with pytest.raises(DomainError, match=said):
        call()
