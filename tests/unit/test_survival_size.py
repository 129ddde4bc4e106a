"""Rules of events, patients and calendar: closed forms against integrals, inverses, messages."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from simtrial.core.errors import DomainError
from simtrial.stats.sample_size.calendar import (
    Accrual,
    SurvivalSetting,
    accrual_for_events,
    average_hazard_ratio,
    even_accrual,
    event_probability,
    expected_events,
    follow_up_for_events,
    time_of_events,
)
from simtrial.stats.sample_size.hazards import (
    NO_DROPOUT,
    PiecewiseHazard,
    event_share,
    event_share_integral,
    hazard_from_median,
    hazard_from_share,
)
from simtrial.stats.sample_size.survival import (
    detectable_hazard_ratio,
    log_rank_events,
    log_rank_power,
    size_survival,
)
from simtrial.stats.sample_size.survival_looks import (
    course_of,
    events_with_looks,
    size_survival_with_looks,
    survival_with_looks,
)
from simtrial.stats.sequential.boundaries import from_bounds, obrien_fleming, wang_tsiatis

LEVEL = {"alpha": 0.025, "sided": 1}
CONTROL = PiecewiseHazard(hazards=(0.08, 0.0, 0.03), starts=(0.0, 4.0, 9.0))
LOST = PiecewiseHazard(hazards=(0.01, 0.04), starts=(0.0, 6.0))
STEADY = PiecewiseHazard(hazards=(0.05,))
ACCRUAL = Accrual(durations=(3.0, 2.0, 7.0), rates=(4.0, 0.0, 20.0))
UNEVEN = SurvivalSetting(
    treated=CONTROL.times(0.6),
    control=CONTROL,
    accrual=ACCRUAL,
    dropout_treated=LOST,
    dropout_control=LOST.times(2.0),
    allocation_ratio=2.0,
)
STEADY_SETTING = SurvivalSetting(
    treated=STEADY.times(0.6), control=STEADY, accrual=even_accrual(n=300, duration=12)
)
DELAYED = replace(STEADY_SETTING, treated=PiecewiseHazard(hazards=(0.05, 0.02), starts=(0.0, 6.0)))
DESIGN = wang_tsiatis(information=(0.3, 0.7, 1.0), delta=0.25)


# --- hazards


def seen_share(event, dropout, time):
    points = [t for t in (*event.starts, *dropout.starts) if 0 < t < time]
    return quad(
        lambda u: float(event.at(u) * event.survival(u) * dropout.survival(u)),
        0.0,
        time,
        points=points or None,
        epsabs=1e-13,
        epsrel=1e-12,
    )[0]


@pytest.mark.parametrize("time", [0.0, 2.5, 4.0, 8.0, 30.0])
def test_event_share_and_its_integral_are_those_of_quadrature(time):
    assert float(event_share(CONTROL, LOST, time)) == pytest.approx(
        seen_share(CONTROL, LOST, time), abs=1e-12
    )
    want = quad(lambda u: float(event_share(CONTROL, LOST, u)), 0.0, time, points=(4, 6, 9))[0]
    assert float(event_share_integral(CONTROL, LOST, time)) == pytest.approx(want, abs=1e-10)


def test_a_constant_hazard_is_the_exponential_distribution():
    times = np.array([0.0, 1.0, 10.0, 100.0])
    share = event_share(STEADY, NO_DROPOUT, times)
    np.testing.assert_allclose(share, 1.0 - np.exp(-0.05 * times), rtol=1e-14)
    # and cutting it into equal pieces changes nothing
    cut = PiecewiseHazard(hazards=(0.05,) * 3, starts=(0.0, 2.0, 50.0))
    np.testing.assert_allclose(event_share(cut, NO_DROPOUT, times), share, rtol=1e-14)
    np.testing.assert_allclose(
        event_share_integral(cut, LOST, times),
        event_share_integral(STEADY, LOST, times),
        rtol=1e-13,
    )


def test_the_integral_keeps_its_digits_at_tiny_hazards_and_at_the_change_of_formula():
    tiny = PiecewiseHazard(hazards=(1e-9,))
    # F(u) is l u to first order, so the integral is l t^2 / 2
    got = float(event_share_integral(tiny, NO_DROPOUT, 10.0))
    assert got == pytest.approx(1e-9 * 50.0, rel=1e-8)
    below, above = (
        float(event_share_integral(PiecewiseHazard(hazards=(z,)), NO_DROPOUT, 1.0))
        for z in (0.5 - 1e-12, 0.5 + 1e-12)
    )
    assert below == pytest.approx(above, rel=1e-11)
    assert below == pytest.approx(1.0 - 2.0 * (1.0 - math.exp(-0.5)), rel=1e-11)


def test_the_share_at_infinity_is_that_of_the_first_to_come():
    assert float(event_share(STEADY, NO_DROPOUT, math.inf)) == 1.0
    competing = event_share(STEADY, STEADY.times(3.0), math.inf)
    assert float(competing) == pytest.approx(0.25, abs=1e-14)
    over = PiecewiseHazard(hazards=(0.1, 0.0), starts=(0.0, 5.0))
    assert float(event_share(over, NO_DROPOUT, math.inf)) == pytest.approx(1 - math.exp(-0.5))


def test_events_of_parts_of_time_add_up():
    whole = event_share_integral(CONTROL, LOST, 20.0)
    parts = [
        event_share_integral(CONTROL, LOST, 20.0, counted=c)
        for c in ((0.0, 3.0), (3.0, 9.0), (9.0, math.inf))
    ]
    assert float(sum(parts)) == pytest.approx(float(whole), rel=1e-13)
    assert min(map(float, parts)) > 0.0


def test_median_and_share_give_the_hazard_that_has_them():
    assert float(hazard_from_median(9.0).survival(9.0)) == pytest.approx(0.5, abs=1e-14)
    assert float(hazard_from_share(0.2, by=12.0).survival(12.0)) == pytest.approx(0.8, abs=1e-14)
    assert hazard_from_share(0.0, by=12.0).hazards == (0.0,)


# --- calendar


@pytest.mark.parametrize("time", [1.0, 3.0, 4.5, 8.0, 12.0, 40.0])
def test_expected_events_are_those_of_quadrature_over_arrivals(time):
    got = expected_events(UNEVEN, time)

    def of(event, dropout):
        changes = (time - 4.0, time - 6.0, time - 9.0)
        total = 0.0
        for start, end, rate in ((0.0, 3.0, 4.0), (3.0, 5.0, 0.0), (5.0, 12.0, 20.0)):
            if start >= time:
                continue
            total += (
                rate
                * quad(
                    lambda s: float(event_share(event, dropout, time - s)),
                    start,
                    min(end, time),
                    points=sorted(p for p in changes if start < p < min(end, time)) or None,
                    epsabs=1e-12,
                )[0]
            )
        return total

    assert float(got.treated) == pytest.approx(2 / 3 * of(UNEVEN.treated, LOST), abs=1e-9)
    assert float(got.control) == pytest.approx(1 / 3 * of(CONTROL, LOST.times(2.0)), abs=1e-9)
    assert float(got.total) == float(got.treated) + float(got.control)


def test_events_by_many_times_are_those_by_each():
    times = np.array([[0.0, 3.0], [11.0, 25.0]])
    together = expected_events(UNEVEN, times).treated
    assert together.shape == (2, 2)
    alone = [[float(expected_events(UNEVEN, t).treated) for t in row] for row in times]
    np.testing.assert_array_equal(together, alone)
    assert together[0, 0] == 0.0


@given(share=st.floats(0.02, 0.98))
@settings(max_examples=40, deadline=None)
def test_the_time_of_a_number_of_events_has_that_number(share):
    most = float(expected_events(UNEVEN, 1e6).total)
    at = time_of_events(UNEVEN, share * most)
    assert float(expected_events(UNEVEN, at).total) == pytest.approx(share * most, rel=1e-10)


def test_follow_up_and_accrual_for_events_have_them():
    follow_up = follow_up_for_events(UNEVEN, 40.0)
    at_end = expected_events(UNEVEN, ACCRUAL.end + follow_up)
    assert float(at_end.total) == pytest.approx(40.0, rel=1e-10)
    for events in (5.0, 40.0, 150.0):  # ends within the first piece, in the last, after it
        accrual = accrual_for_events(UNEVEN, events, follow_up=3.0)
        setting = replace(UNEVEN, accrual=accrual)
        assert float(expected_events(setting, accrual.end + 3.0).total) == pytest.approx(events)
        assert accrual.rates == ACCRUAL.rates[: len(accrual.rates)]


def test_accrual_is_cut_short_or_kept_up_at_its_last_rate():
    assert ACCRUAL.ending(2.0) == Accrual(durations=(2.0,), rates=(4.0,))
    assert ACCRUAL.ending(3.0) == Accrual(durations=(3.0,), rates=(4.0,))
    assert ACCRUAL.ending(30.0).durations == (3.0, 2.0, 25.0)
    assert ACCRUAL.ending(30.0).n == pytest.approx(12.0 + 25.0 * 20.0)
    assert (ACCRUAL.n, ACCRUAL.end) == (152.0, 12.0)
    np.testing.assert_allclose(
        ACCRUAL.by([0.0, 1.5, 4.0, 6.0, 99.0]), [0.0, 6.0, 12.0, 32.0, 152.0]
    )
    assert ACCRUAL.with_n(304.0).rates == (8.0, 0.0, 40.0)


def test_the_unit_of_time_does_not_matter():
    def in_units(factor):  # units per month
        def slower(hazard):
            return PiecewiseHazard(
                hazards=tuple(h / factor for h in hazard.hazards),
                starts=tuple(s * factor for s in hazard.starts),
            )

        setting = SurvivalSetting(
            treated=slower(UNEVEN.treated),
            control=slower(UNEVEN.control),
            accrual=Accrual(
                durations=tuple(d * factor for d in ACCRUAL.durations),
                rates=tuple(r / factor for r in ACCRUAL.rates),
            ),
            dropout_treated=slower(UNEVEN.dropout_treated),
            dropout_control=slower(UNEVEN.dropout_control),
            allocation_ratio=2.0,
        )
        return size_survival_with_looks(DESIGN, setting, follow_up=6.0 * factor, power=0.9)

    months, days = in_units(1.0), in_units(30.4375)
    assert days.n.total == pytest.approx(months.n.total, rel=1e-10)
    np.testing.assert_allclose(
        days.under_effect.times, 30.4375 * months.under_effect.times, rtol=1e-10
    )


# --- average hazard ratio


def test_the_average_ratio_of_proportional_hazards_is_the_ratio():
    assert average_hazard_ratio(UNEVEN, 20.0) == pytest.approx(0.6, rel=1e-12)


def test_the_average_ratio_starts_at_the_early_ratio_and_moves_to_the_late_one():
    late = replace(STEADY_SETTING, treated=PiecewiseHazard(hazards=(0.05, 0.02), starts=(0.0, 6.0)))
    ratios = [average_hazard_ratio(late, time) for time in (5.0, 12.0, 24.0, 60.0)]
    assert ratios[0] == pytest.approx(1.0)
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[-1] > 0.4


# --- formulas


@given(
    ratio=st.floats(0.3, 0.9),
    allocation=st.floats(0.3, 3.0),
    power=st.floats(0.3, 0.99),
    formula=st.sampled_from(["schoenfeld", "freedman"]),
    below=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_events_have_the_power_and_detect_the_ratio(ratio, allocation, power, formula, below):
    ratio = ratio if below else 1.0 / ratio
    shared = {"allocation_ratio": allocation, "formula": formula, **LEVEL}
    events = log_rank_events(hazard_ratio=ratio, power=power, **shared)
    got = log_rank_power(hazard_ratio=ratio, events=events, **shared)
    assert got == pytest.approx(power, abs=1e-9)
    found = detectable_hazard_ratio(events=events, power=power, below=below, **shared)
    assert found == pytest.approx(ratio, rel=1e-9)


def test_a_margin_shifts_the_logarithm_of_the_ratio():
    shared = {"power": 0.8, **LEVEL}
    margin = log_rank_events(hazard_ratio=0.9, null_hazard_ratio=1.3, **shared)
    assert margin == pytest.approx(log_rank_events(hazard_ratio=0.9 / 1.3, **shared), rel=1e-12)
    found = detectable_hazard_ratio(events=margin, null_hazard_ratio=1.3, **shared)
    assert found == pytest.approx(0.9, rel=1e-12)


def test_both_formulas_agree_near_no_effect_and_freedman_asks_for_more_in_equal_arms():
    def events(ratio, formula):
        return log_rank_events(hazard_ratio=ratio, power=0.9, formula=formula, **LEVEL)

    # |1 - h| / (1 + h) = tanh x with x = |log h| / 2, so events differ by 2 x^2 / 3, here 1.7e-5
    assert events(0.99, "freedman") == pytest.approx(events(0.99, "schoenfeld"), rel=2e-5)
    assert events(0.6, "freedman") > 1.02 * events(0.6, "schoenfeld")


def test_arms_exchanged_invert_the_ratio():
    one = log_rank_events(hazard_ratio=0.6, allocation_ratio=2.0, power=0.9, **LEVEL)
    other = log_rank_events(hazard_ratio=1 / 0.6, allocation_ratio=0.5, power=0.9, **LEVEL)
    assert one == pytest.approx(other, rel=1e-12)
    freedman = partial(log_rank_events, power=0.9, formula="freedman", **LEVEL)
    assert freedman(hazard_ratio=0.6, allocation_ratio=2.0) == pytest.approx(
        freedman(hazard_ratio=1 / 0.6, allocation_ratio=0.5), rel=1e-12
    )


def test_patients_are_events_over_their_probability_and_do_not_depend_on_those_of_the_setting():
    size = size_survival(UNEVEN, follow_up=6.0, power=0.9, **LEVEL)
    assert size.n.total == pytest.approx(size.events / size.event_probability, rel=1e-12)
    assert size.n.allocation_ratio == pytest.approx(2.0)
    at_end = expected_events(size.setting, size.duration)
    assert float(at_end.total) == pytest.approx(size.events, rel=1e-12)
    again = size_survival(UNEVEN.with_n(7.0), follow_up=6.0, power=0.9, **LEVEL)
    assert again.n.total == pytest.approx(size.n.total, rel=1e-12)
    assert size.event_probability == pytest.approx(event_probability(UNEVEN, size.duration))


def test_longer_follow_up_saves_patients_and_dropout_costs_them():
    def n(setting, follow_up):
        return size_survival(setting, follow_up=follow_up, power=0.9, **LEVEL).n.total

    assert n(STEADY_SETTING, 12.0) < n(STEADY_SETTING, 6.0)
    lossy = replace(STEADY_SETTING, dropout_treated=LOST, dropout_control=LOST)
    assert n(lossy, 6.0) > n(STEADY_SETTING, 6.0)


# --- looks


def test_the_size_with_looks_has_the_power_and_ends_where_it_was_asked_to():
    for formula in ("schoenfeld", "freedman"):
        plan = size_survival_with_looks(DESIGN, UNEVEN, follow_up=6.0, power=0.9, formula=formula)
        assert plan.power == pytest.approx(0.9, abs=1e-9)
        assert plan.follow_up == pytest.approx(6.0, abs=1e-9)
        again = survival_with_looks(DESIGN, plan.setting, events=plan.events_max, formula=formula)
        assert again.power == pytest.approx(0.9, abs=1e-9)
        assert again.n.total == pytest.approx(plan.n.total)


def test_one_look_is_the_fixed_survival_design():
    one_look = from_bounds(information=(1.0,), efficacy=(1.959963984540054,))
    plan = size_survival_with_looks(one_look, STEADY_SETTING, follow_up=6.0, power=0.9)
    fixed = size_survival(STEADY_SETTING, follow_up=6.0, power=0.9, **LEVEL)
    assert plan.n.total == pytest.approx(fixed.n.total, rel=1e-9)
    assert plan.under_effect.expected_duration == pytest.approx(fixed.duration, rel=1e-9)


def test_looks_save_events_time_and_patients_on_average():
    plan = size_survival_with_looks(
        obrien_fleming(information=(0.4, 1.0), futility=(0.5,)),
        replace(STEADY_SETTING, accrual=even_accrual(n=1.0, duration=36.0)),
        follow_up=3.0,
        power=0.9,
    )
    course = plan.under_effect
    assert course.expected_events < plan.events_max
    assert course.expected_n < plan.n.total
    assert course.expected_duration < course.times[-1]
    assert plan.expected_events_null < plan.expected_events_halfway
    # without effect the control hazard holds in both arms: events come sooner
    null = course_of(plan.design, plan.setting.without_effect(), events=plan.events_max, drift=0.0)
    assert (null.times < course.times).all()
    assert null.expected_events == pytest.approx(plan.expected_events_null, rel=1e-12)
    assert null.chances.power < 0.025


def test_events_with_looks_are_those_of_the_plan():
    plan = size_survival_with_looks(DESIGN, STEADY_SETTING, follow_up=6.0, power=0.9)
    events = events_with_looks(DESIGN, hazard_ratio=0.6, power=0.9)
    assert plan.events_max == pytest.approx(events, rel=1e-12)


def test_hazards_that_are_not_proportional_take_the_average_ratio_or_the_one_given():
    size = size_survival(DELAYED, follow_up=6.0, power=0.9, **LEVEL)
    average = average_hazard_ratio(DELAYED, 18.0)
    assert size.hazard_ratio == average
    assert size.events == log_rank_events(hazard_ratio=average, power=0.9, **LEVEL)
    given_ratio = size_survival(DELAYED, follow_up=6.0, power=0.9, hazard_ratio=0.7, **LEVEL)
    assert given_ratio.events == log_rank_events(hazard_ratio=0.7, power=0.9, **LEVEL)
    # events per patient are those of the hazards, whatever ratio the formula takes
    assert given_ratio.event_probability == size.event_probability


def test_with_looks_a_given_ratio_decides_the_drift_and_the_hazards_the_calendar():
    plan = size_survival_with_looks(DESIGN, DELAYED, follow_up=6.0, power=0.9, hazard_ratio=0.7)
    assert plan.events_max == events_with_looks(DESIGN, hazard_ratio=0.7, power=0.9)
    assert plan.power == pytest.approx(0.9, abs=1e-9)
    first = time_of_events(plan.setting, 0.3 * plan.events_max)
    assert plan.under_effect.times[0] == pytest.approx(first, rel=1e-12)


# --- messages

steady_size = partial(size_survival, STEADY_SETTING, follow_up=6.0, power=0.9, **LEVEL)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: PiecewiseHazard(hazards=(0.1, 0.2)),
            r"2 hazards but 1 starts; .*starts=\(0, 6\)",
        ),
        (
            lambda: PiecewiseHazard(hazards=(0.1, 0.2), starts=(0.0, 0.0)),
            r"starts are \(0\.0, 0\.0\); .*such as \(0, 6, 12\)",
        ),
        (lambda: PiecewiseHazard(hazards=(-0.1,)), r"hazards are \(-0\.1,\); .*such as 0\.05"),
        (lambda: STEADY.times(-1.0), r"multiplied by -1; .*such as 0\.7"),
        (lambda: hazard_from_median(0.0), r"median is 0; .*such as 18"),
        (lambda: hazard_from_share(1.0, by=12), r"share is 1; .*such as 0\.2"),
        (lambda: hazard_from_share(0.3, by=0), r"by is 0; .*such as 12"),
        (lambda: Accrual(durations=(1.0,), rates=()), r"1 durations but 0 rates.*durations=\(6"),
        (lambda: Accrual(durations=(0.0,), rates=(1.0,)), r"durations of accrual are \(0\.0,\)"),
        (lambda: Accrual(durations=(1.0,), rates=(0.0,)), r"rates of accrual .*last above 0"),
        (
            lambda: replace(STEADY_SETTING, treated=NO_DROPOUT, control=NO_DROPOUT),
            r"hazards of both arms are 0",
        ),
        (lambda: expected_events(UNEVEN, -1.0), r"time is -1\.0; calendar times are 0 or more"),
        (lambda: event_probability(UNEVEN, 0.0), r"nobody is randomised by time 0"),
        (
            lambda: time_of_events(UNEVEN, 151.0),
            r"151 events are wanted but 152 patients have at m",
        ),
        (
            lambda: follow_up_for_events(UNEVEN, 1.0),
            r"1 events are expected at time .*, before accrual ends at 12",
        ),
        (
            lambda: accrual_for_events(UNEVEN, 10.0, follow_up=-1.0),
            r"follow_up is -1; it must be 0 or more",
        ),
        (
            lambda: average_hazard_ratio(
                replace(UNEVEN, treated=PiecewiseHazard(hazards=(0.0,))), 20.0
            ),
            r"hazard of one arm is 0 from time 0 on, where the other's is 0\.08",
        ),
        (lambda: average_hazard_ratio(UNEVEN, 0.0), r"no event is expected by time 0"),
        (
            lambda: log_rank_events(hazard_ratio=1.0, power=0.9, **LEVEL),
            r"hazard_ratio is 1, that of the null hypothesis.*such as 0\.7",
        ),
        (
            lambda: log_rank_power(hazard_ratio=0.0, events=50, **LEVEL),
            r"hazard_ratio is 0; it must be above 0",
        ),
        (lambda: steady_size(formula="cox"), r"formula is 'cox'; choose 'schoenfeld' or 'freed"),
        (
            lambda: steady_size(formula="freedman", null_hazard_ratio=1.2),
            r"null_hazard_ratio is 1\.2 with Freedman's formula.*formula='schoenfeld'",
        ),
        (lambda: steady_size(follow_up=-1.0), r"follow_up is -1; it must be 0 or more, such as 6"),
        (
            lambda: detectable_hazard_ratio(events=4, power=0.9, formula="freedman", **LEVEL),
            r"with 4 events no hazard ratio below 1 is found",
        ),
        (
            lambda: size_survival_with_looks(DESIGN, DELAYED, follow_up=6.0, power=0.9),
            r"hazard ratios are 1, 0\.4 over time.*such as 0\.\d+, the average by time 24",
        ),
        (
            lambda: survival_with_looks(DESIGN, STEADY_SETTING, events=400.0),
            r"400 events are wanted but 300 patients have at most 300",
        ),
    ],
)
def test_a_wrong_argument_is_told_with_the_rule_and_a_correct_one(call, message):
    with pytest.raises(DomainError, match=message):
        call()
