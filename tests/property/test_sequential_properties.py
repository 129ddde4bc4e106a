"""Laws of group sequential designs over random looks, errors and spending."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simtrial.stats.sequential.boundaries import GroupSequential, from_spending
from simtrial.stats.sequential.characteristics import (
    characteristics,
    cumulative_error,
    required_drift,
    type_one_error,
)
from simtrial.stats.sequential.spending import Spending

examples = settings(max_examples=60, deadline=None, derandomize=True)
# sums over nodes and roots found to 1e-13
ROUNDING = 1e-10


@st.composite
def spendings(draw: st.DrawFn) -> Spending:
    family = draw(st.sampled_from(["obrien_fleming", "pocock", "hwang_shih_de_cani", "kim_demets"]))
    parameter = {
        "hwang_shih_de_cani": st.floats(-6.0, 3.0),
        "kim_demets": st.floats(0.5, 6.0),
    }.get(family, st.none())
    return Spending(family=family, parameter=draw(parameter))  # type: ignore[arg-type]


@st.composite
def looks(draw: st.DrawFn) -> tuple[float, ...]:
    steps = np.cumsum(draw(st.lists(st.floats(0.1, 1.0), min_size=1, max_size=7)))
    return tuple(float(t) for t in steps / steps[-1])


errors = st.floats(0.001, 0.1)


@st.composite
def designs(draw: st.DrawFn) -> GroupSequential:
    beta = draw(st.one_of(st.none(), st.floats(0.05, 0.4)))
    return from_spending(
        information=draw(looks()),
        spending=draw(spendings()),
        alpha=draw(errors),
        sided=draw(st.sampled_from([1, 2])),
        beta=beta,
        beta_spending=None if beta is None else draw(spendings()),
        binding=beta is not None and draw(st.booleans()),
    )


@examples
@given(looks(), spendings(), errors, st.sampled_from([1, 2]))
def test_error_is_spent_as_the_function_says(
    information: tuple[float, ...], spending: Spending, alpha: float, sided: int
) -> None:
    design = from_spending(information=information, spending=spending, alpha=alpha, sided=sided)
    spent = spending.cumulative(information, alpha, sided)
    assert np.all(np.diff(spent, prepend=0.0) >= 0.0)
    np.testing.assert_allclose(cumulative_error(design), spent, rtol=0, atol=ROUNDING)


@examples
@given(designs())
def test_the_error_is_alpha_and_following_futility_never_adds_to_it(
    design: GroupSequential,
) -> None:
    followed = type_one_error(design, futility_followed=True)
    alone = type_one_error(design, futility_followed=False)
    assert followed <= alone + ROUNDING
    assert abs((followed if design.binding else alone) - design.alpha) < ROUNDING


@examples
@given(designs(), st.floats(0.0, 4.0), st.floats(0.05, 2.0))
def test_power_grows_with_the_drift(design: GroupSequential, drift: float, more: float) -> None:
    assert characteristics(design, drift + more).power > characteristics(design, drift).power


@examples
@given(designs(), st.floats(0.2, 0.98))
def test_no_design_needs_a_smaller_drift_than_the_fixed_one(
    design: GroupSequential, power: float
) -> None:
    fixed = GroupSequential(
        information=(1.0,),
        alpha=design.alpha,
        sided=design.sided,
        efficacy=(from_one_look(design),),
    )
    drift = required_drift(design, power)
    assert drift >= required_drift(fixed, power) - 1e-9
    assert abs(characteristics(design, drift).power - power) < ROUNDING


def from_one_look(design: GroupSequential) -> float:
    from scipy.stats import norm

    return float(norm.isf(design.alpha / design.sided))
