"""Sizes, power and calendars against rpact, whose answers are in ``rpact/sizes.json``.

Made once by ``rpact/make_size_goldens.R``; no R is needed here. Sizes and times agree to a relative
1e-4 and chances to 1e-4 (rpact finds them by root search with its own tolerance), bounds to 1e-6.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from simtrial.stats.sample_size.allocation import split
from simtrial.stats.sample_size.calendar import (
    Accrual,
    SurvivalSetting,
    accrual_for_events,
    time_of_events,
)
from simtrial.stats.sample_size.hazards import PiecewiseHazard, hazard_from_share
from simtrial.stats.sample_size.looks import power_with_looks, size_with_looks
from simtrial.stats.sample_size.means import (
    one_mean_power,
    size_one_mean,
    size_two_means,
    two_means_power,
)
from simtrial.stats.sample_size.rates import (
    one_rate_power,
    size_one_rate,
    size_two_rates,
    two_rates_power,
)
from simtrial.stats.sample_size.survival import log_rank_events, log_rank_power, size_survival
from simtrial.stats.sample_size.survival_looks import (
    events_with_looks,
    size_survival_with_looks,
    survival_with_looks,
)
from simtrial.stats.sequential.boundaries import (
    from_spending,
    obrien_fleming,
    pocock,
    wang_tsiatis,
)
from simtrial.stats.sequential.spending import Spending

GOLDENS = json.loads((Path(__file__).parent / "rpact" / "sizes.json").read_text())
CASES = {case["id"]: case for case in GOLDENS["cases"]}
SIZE, CHANCE, BOUND = 1e-4, 1e-4, 1e-6


def design_of(spec):
    shared = {
        "information": tuple(spec["information"]),
        "alpha": spec["alpha"],
        "sided": spec["sided"],
        "futility": None if spec["futility"] is None else tuple(spec["futility"]),
        "binding": spec["binding"],
    }
    bounds, parameter = spec["bounds"], spec["parameter"]
    if bounds == "wang_tsiatis":
        return wang_tsiatis(delta=parameter, **shared)
    if bounds in ("obrien_fleming", "pocock"):
        return {"obrien_fleming": obrien_fleming, "pocock": pocock}[bounds](**shared)
    spending = Spending(family=bounds.removeprefix("spending_"), parameter=parameter)
    return from_spending(spending=spending, **shared)


def fixed_functions(kind, ask):
    """Return the size and the power function of a case, with all but level and size filled in."""
    endpoint = kind.split("_")[1]
    if endpoint == "means":
        shared = {k: ask[k] for k in ("sd", "null", "known_sd")}
        if ask["groups"] == 1:
            shared["mean"] = ask["effect"]
            return partial(size_one_mean, **shared), partial(one_mean_power, **shared)
        shared["effect"] = ask["effect"]
        size, power = size_two_means, two_means_power
    elif ask["groups"] == 1:
        shared = {"p": ask["p_treated"], "null": ask["null"]}
        return partial(size_one_rate, **shared), partial(one_rate_power, **shared)
    else:
        shared = {k: ask[k] for k in ("p_treated", "p_control", "compare", "null")}
        size, power = size_two_rates, two_rates_power
    return partial(size, allocation_ratio=ask["allocation_ratio"], **shared), partial(
        power, **shared
    )


def sized(power_function, ask):
    if ask["groups"] == 1:
        return partial(power_function, n=ask["n"]), float(ask["n"])
    arms = split(ask["n"], ask["allocation_ratio"])
    return partial(power_function, n_treated=arms.treated, n_control=arms.control), arms


def total(n):
    return n if isinstance(n, float) else n.total


def setting_of(ask, n=1.0):
    control = PiecewiseHazard(
        hazards=tuple(np.atleast_1d(ask["hazards"])), starts=tuple(np.atleast_1d(ask["starts"]))
    )
    edges = np.concatenate(([0.0], np.atleast_1d(ask["accrual_edges"])))
    rates = tuple(map(float, np.atleast_1d(ask["accrual_weights"])))
    if len(rates) >= len(edges):  # the last rate goes on
        accrual = Accrual(durations=(*np.diff(edges), 1.0), rates=rates)
    else:
        accrual = Accrual(durations=tuple(np.diff(edges)), rates=rates).with_n(n)
    return SurvivalSetting(
        treated=control.times(ask["hazard_ratio"]),
        control=control,
        accrual=accrual,
        dropout_treated=hazard_from_share(ask["dropout_treated"], by=ask["dropout_by"]),
        dropout_control=hazard_from_share(ask["dropout_control"], by=ask["dropout_by"]),
        allocation_ratio=ask["allocation_ratio"],
    )


def formula_of(ask):
    return {"formula": ask["formula"], "null_hazard_ratio": ask["null_hazard_ratio"]}


def events_asked(case, design):
    ask = case["ask"]
    shared = {
        "hazard_ratio": ask["hazard_ratio"],
        "power": ask["power"],
        "allocation_ratio": ask["allocation_ratio"],
        **formula_of(ask),
    }
    if design is None:
        level = {"alpha": case["design"]["alpha"], "sided": case["design"]["sided"]}
        return log_rank_events(**shared, **level)
    return events_with_looks(design, **shared)


def ids(*kinds, looks):
    return [
        name
        for name, case in CASES.items()
        if case["kind"] in kinds and ("information" in case["design"]) == looks
    ]


def close(got, want, rtol=SIZE, atol=0.0):
    np.testing.assert_allclose(got, want, rtol=rtol, atol=atol)


def check_rejections(chances, want):
    close(chances.upper + chances.lower, want["reject_at_looks"], rtol=0.0, atol=CHANCE)


def test_the_goldens_are_of_a_known_version_and_cover_every_kind():
    assert GOLDENS["rpact"] == "3.3.4"
    assert len(CASES) >= 60
    kinds = {case["kind"] for case in CASES.values()}
    assert kinds == {
        "size_means",
        "power_means",
        "size_rates",
        "power_rates",
        "size_survival",
        "follow_up_survival",
        "accrual_survival",
        "power_survival",
    }


@pytest.mark.parametrize("name", ids("size_means", "size_rates", looks=False))
def test_fixed_size_is_that_of_rpact(name):
    case = CASES[name]
    ask, spec = case["ask"], case["design"]
    size, _ = fixed_functions(case["kind"], ask)
    n = size(alpha=spec["alpha"], sided=spec["sided"], power=ask["power"])
    close(total(n), case["want"]["n_fixed"])


@pytest.mark.parametrize("name", ids("power_means", "power_rates", looks=False))
def test_fixed_power_is_that_of_rpact_which_counts_both_sides(name):
    case = CASES[name]
    ask, spec = case["ask"], case["design"]
    power, _ = sized(fixed_functions(case["kind"], ask)[1], ask)
    got = power(alpha=spec["alpha"], sided=spec["sided"], either_side=True)
    close(got, case["want"]["power"], rtol=0.0, atol=CHANCE)


@pytest.mark.parametrize("name", ids("size_means", "size_rates", looks=True))
def test_size_with_looks_is_that_of_rpact(name):
    case = CASES[name]
    ask, want = case["ask"], case["want"]
    design = design_of(case["design"])
    plan = size_with_looks(design, fixed_functions(case["kind"], ask)[0], power=ask["power"])
    close(design.efficacy, want["efficacy"], rtol=0.0, atol=BOUND)
    close(plan.n_fixed, want["n_fixed"])
    close(plan.n_max, want["n_max"])
    close(plan.n_at_looks, want["n_at_looks"])
    close(plan.expected_n_null, want["expected_n_null"])
    close(plan.expected_n_halfway, want["expected_n_halfway"])
    close(plan.expected_n_effect, want["expected_n_effect"])
    check_rejections(plan.under_effect, want)


@pytest.mark.parametrize("name", ids("power_means", "power_rates", looks=True))
def test_power_with_looks_is_that_of_rpact(name):
    case = CASES[name]
    ask, want = case["ask"], case["want"]
    design = design_of(case["design"])
    power, n = sized(fixed_functions(case["kind"], ask)[1], ask)
    plan = power_with_looks(design, power, n=n)
    close(design.efficacy, want["efficacy"], rtol=0.0, atol=BOUND)
    close(plan.power, want["power"], rtol=0.0, atol=CHANCE)
    close(plan.expected_n_effect, want["expected_n_effect"])
    check_rejections(plan.under_effect, want)


@pytest.mark.parametrize("name", ids("size_survival", looks=False))
def test_fixed_events_and_patients_are_those_of_rpact(name):
    case = CASES[name]
    ask, want, spec = case["ask"], case["want"], case["design"]
    size = size_survival(
        setting_of(ask),
        follow_up=ask["follow_up"],
        alpha=spec["alpha"],
        sided=spec["sided"],
        power=ask["power"],
        **formula_of(ask),
    )
    close(size.events, want["events_fixed"])
    close(size.n.total, want["n"])


def check_course(plan, want):
    course = plan.under_effect
    close(course.times, want["times"])
    close(course.n_at_looks, want["n_at_looks"])
    close(course.expected_events, want["expected_events_effect"])
    close(course.expected_n, want["expected_n_effect"])
    close(course.expected_duration, want["expected_duration_effect"])
    close(plan.design.efficacy, want["efficacy"], rtol=0.0, atol=BOUND)
    check_rejections(course.chances, want)


@pytest.mark.parametrize("name", ids("size_survival", looks=True))
def test_survival_size_with_looks_is_that_of_rpact(name):
    case = CASES[name]
    ask, want = case["ask"], case["want"]
    plan = size_survival_with_looks(
        design_of(case["design"]),
        setting_of(ask),
        follow_up=ask["follow_up"],
        power=ask["power"],
        **formula_of(ask),
    )
    close(plan.events_max, want["events_max"])
    close(plan.n.total, want["n"])
    close(plan.follow_up, want["follow_up"])
    close(plan.expected_events_null, want["expected_events_null"])
    close(plan.expected_events_halfway, want["expected_events_halfway"])
    check_course(plan, want)


@pytest.mark.parametrize(
    "name", ids("follow_up_survival", looks=False) + ids("follow_up_survival", looks=True)
)
def test_follow_up_of_given_patients_is_that_of_rpact(name):
    case = CASES[name]
    ask, want, spec = case["ask"], case["want"], case["design"]
    design = design_of(spec) if "information" in spec else None
    setting, events = setting_of(ask, ask["n"]), events_asked(case, design)
    close(events, want["events_max"])
    close(time_of_events(setting, events) - setting.accrual.end, want["follow_up"])
    if design is not None:
        check_course(survival_with_looks(design, setting, events=events, **formula_of(ask)), want)


@pytest.mark.parametrize("name", ids("accrual_survival", looks=False))
def test_accrual_at_given_rates_is_that_of_rpact(name):
    case = CASES[name]
    ask, want = case["ask"], case["want"]
    events = events_asked(case, None)
    accrual = accrual_for_events(setting_of(ask), events, follow_up=ask["follow_up"])
    close(accrual.n, want["n"])
    close(accrual.end, want["accrual_end"])


@pytest.mark.parametrize("name", ids("power_survival", looks=False))
def test_log_rank_power_and_time_are_those_of_rpact(name):
    case = CASES[name]
    ask, want, spec = case["ask"], case["want"], case["design"]
    power = log_rank_power(
        hazard_ratio=ask["hazard_ratio"],
        events=ask["events"],
        alpha=spec["alpha"],
        sided=spec["sided"],
        allocation_ratio=ask["allocation_ratio"],
        **formula_of(ask),
    )
    close(power, want["power"], rtol=0.0, atol=CHANCE)
    close(time_of_events(setting_of(ask, ask["n"]), ask["events"]), want["times"])


@pytest.mark.parametrize("name", ids("power_survival", looks=True))
def test_survival_power_with_looks_is_that_of_rpact(name):
    case = CASES[name]
    ask, want = case["ask"], case["want"]
    plan = survival_with_looks(
        design_of(case["design"]),
        setting_of(ask, ask["n"]),
        events=ask["events"],
        **formula_of(ask),
    )
    close(plan.power, want["power"], rtol=0.0, atol=CHANCE)
    check_course(plan, want)
