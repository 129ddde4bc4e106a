"""Looks at scripted patients: ties and borders that continuous times never reach."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simtrial.core.errors import DomainError, FitError
from simtrial.stats.survival.cox import fit_two_arms
from simtrial.stats.survival.event_design import EventPlan, Looks
from simtrial.stats.survival.event_draws import Patients, place_patients
from simtrial.stats.survival.event_looks import kth_smallest, make_sorted_exits, sort_exits
from simtrial.stats.survival.logrank import compare_arms
from simtrial.stats.survival.trials import LookColumns, LookStatus, hold_looks

NEVER = math.inf
# arrival, treated, event, dropout; calendar times of events: 5 (control), 6 (treated), 9 (control);
# the fourth patient drops out at 7, the last has no event and arrives at 8
ARRIVAL = [0.0, 1.0, 2.0, 3.0, 8.0]
TREATED = [0, 1, 0, 1, 1]
EVENT = [5.0, 5.0, 7.0, 9.0, NEVER]
DROPOUT = [NEVER, NEVER, NEVER, 4.0, NEVER]


def look(looks: Looks, **changed: list[float]) -> LookColumns:
    given = {"arrival": ARRIVAL, "treated": TREATED, "event": EVENT, "dropout": DROPOUT} | changed
    plan = EventPlan(n=len(given["arrival"]), looks=looks)
    return hold_looks(plan, place_patients(**given), cox=True)


def seen_at(when: float, patients: Patients) -> tuple[list[float], list[bool], list[bool]]:
    """Return time, event and arm of those who have arrived by a look, by the rules alone."""
    time, event, treated = [], [], []
    for a, arm, exit_, happened in zip(
        patients.arrival, patients.arm, patients.exit, patients.has_event, strict=True
    ):
        if a <= when:
            over = a + exit_ <= when
            time.append(exit_ if over else when - a)
            event.append(bool(over and happened))
            treated.append(bool(arm))
    return time, event, treated


def test_a_look_at_events_is_held_at_the_instant_of_its_last_event_and_counts_it() -> None:
    found = look(Looks(events=(1, 2, 3)))
    assert found.time.tolist() == [[5.0, 6.0, 9.0]]
    assert found.events_control.tolist() == [[1, 1, 2]]
    assert found.events_treated.tolist() == [[0, 1, 1]]
    assert found.enrolled.tolist() == [[4, 4, 5]]


def test_the_event_that_calls_a_look_counts_though_its_follow_up_is_rounded() -> None:
    # (0.1 + 0.7) - 0.1 is 0.7000000000000001, (0.3 + 0.6) - 0.3 is 0.6000000000000001, and
    # (0.1 + 0.2) - 0.1 is 0.20000000000000004: follow-up told by subtraction would be off
    for arrival, event in ((0.1, 0.7), (0.3, 0.6), (0.1, 0.2), (1 / 3, 1e-9), (7.3, 0.1)):
        found = look(
            Looks(events=(1,)),
            arrival=[0.0, arrival],
            treated=[0, 1],
            event=[50.0, event],
            dropout=[NEVER, NEVER],
        )
        assert (found.events_treated[0, 0], found.time[0, 0]) == (1, arrival + event)


@pytest.mark.parametrize(("when", "events"), [(5.0, 1), (math.nextafter(5.0, 0.0), 0)])
def test_an_event_at_the_calendar_time_of_a_look_counts_and_a_later_one_does_not(
    when: float, events: int
) -> None:
    found = look(Looks(times=(when,)))
    assert found.events_control[0, 0] + found.events_treated[0, 0] == events


@pytest.mark.parametrize(("when", "enrolled"), [(3.0, 4), (math.nextafter(3.0, 0.0), 3)])
def test_a_patient_who_arrives_at_the_time_of_a_look_is_enrolled(when, enrolled) -> None:
    assert look(Looks(times=(when,))).enrolled[0, 0] == enrolled


def test_an_event_and_a_dropout_at_the_same_instant_are_an_event() -> None:
    found = look(Looks(times=(20.0,)), dropout=[5.0, 5.0, 7.0, 9.0, NEVER])
    assert found.events_control[0, 0] + found.events_treated[0, 0] == 4
    earlier = [math.nextafter(t, 0.0) for t in (5.0, 5.0, 7.0, 9.0)]
    found = look(Looks(times=(20.0,)), dropout=[*earlier, NEVER])
    assert found.events_control[0, 0] + found.events_treated[0, 0] == 0


def test_who_drops_out_at_the_time_of_an_event_was_at_risk_of_it() -> None:
    # at 5 both arms: of 2 control and 2 treated at risk, one event of control; the treated one
    # that drops out at 5 counts: expected 2/4, or 1/3 if it did not
    found = look(
        Looks(times=(6.0,)),
        arrival=[0.0, 0.0, 0.0, 0.0],
        treated=[0, 1, 0, 1],
        event=[5.0, NEVER, NEVER, NEVER],
        dropout=[NEVER, 5.0, NEVER, NEVER],
    )
    assert found.z[0, 0] == pytest.approx(0.5 / math.sqrt(0.25), rel=1e-15)


def test_who_is_censored_by_the_look_at_the_time_of_an_event_was_at_risk_of_it() -> None:
    # the look at 8 censors the second patient (arrived at 3) at 5, the time of the event
    found = look(
        Looks(times=(8.0,)),
        arrival=[0.0, 3.0],
        treated=[0, 1],
        event=[5.0, NEVER],
        dropout=[NEVER, NEVER],
    )
    assert found.z[0, 0] == pytest.approx(1.0, rel=1e-15)
    # and a little earlier it was not, so nobody of the treated arm was at risk
    before = look(
        Looks(times=(math.nextafter(8.0, 0.0),)),
        arrival=[0.0, 3.0],
        treated=[0, 1],
        event=[5.0, NEVER],
        dropout=[NEVER, NEVER],
    )
    assert math.isnan(before.z[0, 0])


def test_a_dropout_before_the_look_is_not_counted_at_risk_afterwards() -> None:
    found, patients = look(Looks(times=(9.0,))), place_patients(ARRIVAL, TREATED, EVENT, DROPOUT)
    assert found.z[0, 0] == compare_arms(*seen_at(9.0, patients)).z
    # by hand: at 5, of 2 control and 1 treated (one dropped out at 4, one has not been there that
    # long) both arms have one event; at 7 the last control is alone
    assert found.z[0, 0] == pytest.approx((2 / 3 - 1) / math.sqrt(2 * (2 / 9) * (1 / 2)), rel=1e-14)


def test_events_of_one_instant_may_exceed_those_a_look_waits_for() -> None:
    found = look(
        Looks(events=(1, 2, 3)),
        arrival=[0.0, 0.0, 0.0, 0.0],
        treated=[0, 1, 0, 1],
        event=[4.0, 4.0, 4.0, 6.0],
        dropout=[NEVER] * 4,
    )
    assert found.time.tolist() == [[4.0, 4.0, 4.0]]
    assert (found.events_control + found.events_treated).tolist() == [[3, 3, 3]]


def test_a_look_whose_events_never_come_is_told_by_its_status() -> None:
    found = look(Looks(events=(2, 4, 5)))
    assert found.status.tolist() == [[LookStatus.HELD, LookStatus.NOT_HELD, LookStatus.NOT_HELD]]
    assert found.time[0, 0] == 6.0
    for column in (found.time, found.z, found.log_hazard_ratio, found.standard_error):
        assert np.isnan(column[0, 1:]).all()
    assert found.enrolled[0].tolist() == [4, 0, 0]


def test_at_the_latest_time_the_last_look_is_held_and_the_others_are_not() -> None:
    found = look(Looks(events=(2, 3, 4), latest=8.5))
    statuses = [LookStatus.HELD, LookStatus.NOT_HELD, LookStatus.AT_LATEST]
    assert found.status.tolist() == [statuses]
    assert found.time[0, [0, 2]].tolist() == [6.0, 8.5]
    assert (found.events_control + found.events_treated)[0].tolist() == [2, 0, 2]


def test_a_look_whose_event_comes_at_the_latest_time_is_held_as_planned() -> None:
    found = look(Looks(events=(2, 3), latest=9.0))
    assert found.status.tolist() == [[LookStatus.HELD, LookStatus.HELD]]
    assert found.time.tolist() == [[6.0, 9.0]]


def test_a_look_before_anybody_has_arrived_has_no_z_and_is_no_error() -> None:
    found = look(Looks(times=(0.5, 20.0)), arrival=[1.0, 1.0, 2.0, 3.0, 8.0])
    assert found.status.tolist() == [[LookStatus.HELD, LookStatus.HELD]]
    assert (found.enrolled[0, 0], math.isnan(found.z[0, 0])) == (0, True)
    assert math.isnan(found.log_hazard_ratio[0, 0])
    assert math.isfinite(found.z[0, 1])


@pytest.mark.parametrize("seed", range(20))
def test_every_look_at_tied_patients_is_the_test_of_what_could_be_seen(seed: int) -> None:
    generator = np.random.default_rng(seed)
    n = int(generator.integers(2, 60))
    # quarters are exact in double precision, so arrival, exit and look tie often
    arrival = np.sort(generator.integers(0, 20, n)) / 4
    event, dropout = generator.integers(0, 30, (2, n)) / 4
    event[generator.random(n) < 0.2] = NEVER
    treated = generator.random(n) < 0.5
    times = tuple(np.unique(generator.integers(1, 48, 5) / 4).tolist())
    patients = place_patients(arrival, treated, event, dropout)
    found = hold_looks(EventPlan(n=n, looks=Looks(times=times)), patients, cox=True)
    for k, when in enumerate(times):
        time, happened, arm = seen_at(when, patients)
        want = compare_arms(time, happened, arm).z if time else math.nan
        assert found.z[0, k] == pytest.approx(want, rel=1e-12, abs=1e-12, nan_ok=True)
        assert found.enrolled[0, k] == len(time)
        try:
            cox = fit_two_arms(time, happened, arm)
        except (FitError, DomainError):  # no two arms at risk, or nobody there
            assert math.isnan(found.log_hazard_ratio[0, k])
        else:
            got = (found.log_hazard_ratio[0, k], found.standard_error[0, k])
            assert got == (cox.log_hazard_ratio, cox.standard_error)
        in_treated = sum(e and a for e, a in zip(happened, arm, strict=True))
        assert found.events_treated[0, k] == in_treated
        assert found.events_control[0, k] == sum(happened) - in_treated


# sorting and selection, whatever the times


@pytest.mark.parametrize("scale", [0.0, 5e-324, 1e-9, 1.0, 1e9, math.inf])
@pytest.mark.parametrize(
    "times",
    [
        np.random.default_rng(1).exponential(5.0, 500),
        np.random.default_rng(2).integers(0, 9, 500).astype(float),
        np.repeat([3.0, np.inf, 0.0, 1e300, 5e-324], 100),
        np.arange(500.0)[::-1] + 1e6,
        np.full(500, np.inf),
        np.zeros(1),
    ],
    ids=["spread", "tied", "extreme", "backwards", "never", "one"],
)
def test_exits_are_sorted_and_equal_ones_keep_the_order_of_arrival(times, scale) -> None:
    n = times.shape[0]
    patients = place_patients(np.zeros(n), np.zeros(n), times, np.full(n, np.inf))
    out = make_sorted_exits(n)
    sort_exits(out, patients, scale)
    order = np.argsort(times, kind="stable")
    np.testing.assert_array_equal(out.order, order)
    np.testing.assert_array_equal(out.exit, times[order])
    np.testing.assert_array_equal(out.leaves, times[order])
    np.testing.assert_array_equal(out.kind, np.where(np.isfinite(times[order]), 2, 0))


@pytest.mark.parametrize("seed", range(5))
def test_the_kth_smallest_is_where_sorting_would_put_it(seed: int) -> None:
    generator = np.random.default_rng(seed)
    values = generator.integers(0, 12, 40).astype(float)
    for k in range(40):
        assert kth_smallest(values.copy(), 40, k) == np.sort(values)[k]
