"""Group sequential designs: one look, errors spent, conditional chances, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr, ndtri
from scipy.stats import multivariate_normal, norm

from simtrial.core.errors import DomainError
from simtrial.stats.sequential import boundaries as b
from simtrial.stats.sequential.boundaries import GroupSequential, equal_information, from_spending
from simtrial.stats.sequential.characteristics import (
    characteristics,
    cumulative_error,
    inflation_factor,
    required_drift,
    sample_size_ratios,
    type_one_error,
)
from simtrial.stats.sequential.conditional import assurance, conditional_power, predictive_power
from simtrial.stats.sequential.probabilities import exit_probabilities
from simtrial.stats.sequential.spending import Spending

OBRIEN_FLEMING = Spending(family="obrien_fleming")
POCOCK = Spending(family="pocock")
EARLY_BETA = Spending(family="kim_demets", parameter=1.2)
UNEVEN = (0.3, 0.55, 0.8, 1.0)
# sums over nodes and roots found to 1e-13; nothing here is larger than a few
ROUNDING = 1e-11

DESIGNS = {
    "spending": from_spending(information=UNEVEN, spending=OBRIEN_FLEMING),
    "two-sided": from_spending(information=UNEVEN, spending=POCOCK, alpha=0.05, sided=2),
    "futility": from_spending(
        information=UNEVEN, spending=OBRIEN_FLEMING, beta=0.1, beta_spending=EARLY_BETA
    ),
    "binding futility": from_spending(
        information=UNEVEN,
        spending=OBRIEN_FLEMING,
        beta=0.1,
        beta_spending=EARLY_BETA,
        binding=True,
    ),
    "wedge": from_spending(
        information=UNEVEN,
        spending=POCOCK,
        alpha=0.05,
        sided=2,
        beta=0.2,
        beta_spending=EARLY_BETA,
    ),
    "binding wedge": from_spending(
        information=UNEVEN,
        spending=POCOCK,
        alpha=0.05,
        sided=2,
        beta=0.2,
        beta_spending=EARLY_BETA,
        binding=True,
    ),
    "Pocock with futility": b.pocock(information=UNEVEN, futility=(-math.inf, 0.6, 1.2)),
}
each_design = pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS.keys())
BETAS = {"futility": 0.1, "binding futility": 0.1, "wedge": 0.2, "binding wedge": 0.2}


def hermite(nodes: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights of a mean over a standard normal."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    return x, w / w.sum()


# ---- the recursion ------------------------------------------------------------------------------


@pytest.mark.parametrize("drift", [0.0, 1.7, 3.4])
@pytest.mark.parametrize("look", [1, 2, 3])
def test_exits_are_those_of_the_multivariate_normal_distribution(drift: float, look: int) -> None:
    t = np.array(UNEVEN)
    upper, lower = [2.5, 2.2, 2.1, 2.0], [-0.4, 0.1, 0.9, 1.1]
    seen = exit_probabilities(information=UNEVEN, upper=upper, lower=lower, drift=drift)
    t = t[: look + 1]
    correlation = np.sqrt(np.minimum.outer(t, t) / np.maximum.outer(t, t))
    joint = multivariate_normal(
        mean=drift * np.sqrt(t), cov=correlation, abseps=1e-10, releps=1e-10, maxpts=2_000_000
    )
    above = joint.cdf([*upper[:look], np.inf], lower_limit=[*lower[:look], upper[look]])
    below = joint.cdf([*upper[:look], lower[look]], lower_limit=[*lower[:look], -np.inf])
    # SciPy sums over random lattices; the largest difference seen is 4e-9
    assert (seen.upper[look], seen.lower[look]) == pytest.approx((above, below), abs=1e-7)


@pytest.mark.parametrize("idle", [0.3005, 0.4, 0.7999])
def test_a_look_at_which_nothing_can_stop_changes_no_other_exit(idle: float) -> None:
    with_it = exit_probabilities(
        information=(0.3, idle, 0.8, 1.0),
        upper=(2.5, math.inf, 2.2, 2.0),
        lower=(-0.5, -math.inf, 0.3, 1.0),
        drift=2.0,
    )
    without = exit_probabilities(
        information=(0.3, 0.8, 1.0), upper=(2.5, 2.2, 2.0), lower=(-0.5, 0.3, 1.0), drift=2.0
    )
    np.testing.assert_allclose(with_it.upper[[0, 2, 3]], without.upper, rtol=0, atol=1e-14)
    np.testing.assert_allclose(with_it.lower[[0, 2, 3]], without.lower, rtol=0, atol=1e-14)
    assert with_it.upper[1] == with_it.lower[1] == 0.0


def test_many_drifts_at_once_are_each_by_itself() -> None:
    drifts = [-380.0, -6.0, -1.0, 0.0, 0.5, 3.9, 4.1, 9.0, 380.0]
    bounds = {
        "information": (0.2, 0.6, 0.8, 1.0),
        "upper": (math.inf, 2.2, math.inf, 2.0),
        "lower": (-math.inf, 0.3, -1.0, 1.0),
    }
    together = exit_probabilities(**bounds, drift=drifts)
    for i, drift in enumerate(drifts):
        alone = exit_probabilities(**bounds, drift=drift)
        np.testing.assert_allclose(together.upper[i], alone.upper, rtol=0, atol=1e-14)
        np.testing.assert_allclose(together.lower[i], alone.lower, rtol=0, atol=1e-14)


def test_a_bound_beyond_twelve_standard_deviations_keeps_its_digits() -> None:
    spent = (1e-40, 3e-38, 0.025)
    information = (0.3, 0.5, 1.0)
    design = from_spending(
        information=information, spending=Spending(family="given", cumulative_error=spent)
    )
    first, second, _ = design.efficacy
    assert first == pytest.approx(norm.isf(1e-40), rel=1e-13)
    shift, sd = second * math.sqrt(0.5), math.sqrt(0.2)
    tail, _ = quad(
        lambda z: norm.pdf(z) * norm.sf((shift - z * math.sqrt(0.3)) / sd),
        0.0,
        first,
        points=[10.0],
        epsabs=0.0,
        epsrel=1e-12,
    )
    assert tail == pytest.approx(2.99e-38, rel=1e-9, abs=0.0)  # the root is found to 1e-14 of z


# ---- errors -------------------------------------------------------------------------------------


@each_design
def test_the_type_one_error_is_alpha_as_the_bounds_were_computed(design: GroupSequential) -> None:
    error = type_one_error(design, futility_followed=design.binding)
    assert error == pytest.approx(design.alpha, abs=ROUNDING)


@pytest.mark.parametrize("name", ["futility", "wedge", "Pocock with futility"])
def test_futility_that_does_not_bind_makes_the_error_smaller_when_followed(name: str) -> None:
    design = DESIGNS[name]
    assert type_one_error(design, futility_followed=True) < design.alpha - 1e-4


@pytest.mark.parametrize("name", ["binding futility", "binding wedge"])
def test_going_on_against_binding_futility_costs_type_one_error(name: str) -> None:
    design = DESIGNS[name]
    assert type_one_error(design, futility_followed=False) > design.alpha + 1e-4


@pytest.mark.parametrize("name", BETAS)
def test_beta_is_spent_as_asked_at_the_drift_of_the_power(name: str) -> None:
    design, beta = DESIGNS[name], BETAS[name]
    drift = required_drift(design, 1.0 - beta, either_side=True)
    spent = EARLY_BETA.cumulative(UNEVEN, beta)
    seen = np.cumsum(characteristics(design, drift).futility)
    np.testing.assert_allclose(seen, spent, rtol=0, atol=ROUNDING)


def test_a_wide_binding_wedge_leaves_a_tail_that_is_searched() -> None:
    # what goes on lies in two far regions: Newton's first step from the tail's start leaves them
    beta = 0.3677550090209244
    design = from_spending(
        information=(0.3438953536156503, 0.9226074635952286, 1.0),
        spending=OBRIEN_FLEMING,
        alpha=0.0011312418479028463,
        sided=2,
        beta=beta,
        beta_spending=POCOCK,
        binding=True,
    )
    assert type_one_error(design, futility_followed=True) == pytest.approx(design.alpha, abs=1e-14)
    drift = required_drift(design, 1.0 - beta, either_side=True)
    spent = np.cumsum(characteristics(design, drift).futility)
    want = POCOCK.cumulative(design.information, beta)
    np.testing.assert_allclose(spent, want, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("family", ["obrien_fleming", "pocock"])
@pytest.mark.parametrize("sided", [1, 2])
def test_alpha_is_spent_as_asked(family: str, sided: int) -> None:
    spending = Spending(family=family)  # type: ignore[arg-type]
    design = from_spending(information=UNEVEN, spending=spending, alpha=0.03, sided=sided)
    spent = spending.cumulative(UNEVEN, 0.03, sided)
    np.testing.assert_allclose(cumulative_error(design), spent, rtol=0, atol=ROUNDING)


def test_an_obrien_fleming_type_error_is_spent_half_on_each_side() -> None:
    both = OBRIEN_FLEMING.cumulative((0.4, 1.0), 0.05, sided=2)
    one = OBRIEN_FLEMING.cumulative((0.4, 1.0), 0.025, sided=1)
    np.testing.assert_array_equal(both, 2 * one)


def test_a_linear_hwang_shih_de_cani_is_the_limit_of_its_neighbours() -> None:
    linear, near = (
        Spending(family="hwang_shih_de_cani", parameter=gamma).cumulative(UNEVEN, 0.05)
        for gamma in (0.0, 1e-7)
    )
    # the function is smooth in gamma, with a slope below alpha
    np.testing.assert_allclose(linear, near, rtol=0, atol=1e-8)


@each_design
def test_bounds_given_back_have_the_error_they_were_made_for(design: GroupSequential) -> None:
    again = b.from_bounds(
        information=design.information,
        efficacy=design.efficacy,
        sided=design.sided,
        futility=design.futility,
        binding=design.binding,
    )
    assert again.alpha == pytest.approx(design.alpha, abs=ROUNDING)


@each_design
@pytest.mark.parametrize("drift", [-2.0, 0.0, 3.1])
def test_every_trial_ends_somewhere(design: GroupSequential, drift: float) -> None:
    seen = characteristics(design, drift)
    assert seen.stopping.sum() == pytest.approx(1.0, abs=ROUNDING)
    assert design.information[0] < seen.expected_information <= 1.0


@pytest.mark.parametrize("name", ["two-sided", "wedge"])
def test_a_two_sided_design_is_symmetric(name: str) -> None:
    up, down = (characteristics(DESIGNS[name], drift) for drift in (2.4, -2.4))
    np.testing.assert_allclose(up.upper, down.lower, rtol=0, atol=1e-14)
    np.testing.assert_allclose(up.futility, down.futility, rtol=0, atol=1e-13)


@each_design
def test_the_required_drift_has_the_power_asked_for(design: GroupSequential) -> None:
    for power in (0.3, 0.8, 0.99):
        seen = characteristics(design, required_drift(design, power))
        assert seen.power == pytest.approx(power, abs=ROUNDING)


# ---- one look -----------------------------------------------------------------------------------

ONE_LOOK: dict[str, Callable[..., GroupSequential]] = {
    "spending": lambda **k: from_spending(spending=OBRIEN_FLEMING, **k),
    "both": lambda **k: from_spending(
        spending=POCOCK, beta=0.2, beta_spending=POCOCK, binding=True, **k
    ),
    "Pocock": b.pocock,
    "O'Brien-Fleming": b.obrien_fleming,
    "Wang-Tsiatis": lambda **k: b.wang_tsiatis(delta=0.2, **k),
    "Haybittle-Peto": b.haybittle_peto,
}


@pytest.mark.parametrize("make", ONE_LOOK.values(), ids=ONE_LOOK.keys())
@pytest.mark.parametrize("sided", [1, 2])
def test_one_look_is_the_fixed_design(make: Callable[..., GroupSequential], sided: int) -> None:
    design = make(information=(1.0,), alpha=0.04, sided=sided)
    z = norm.isf(0.04 / sided)
    assert design.efficacy == pytest.approx((z,), abs=1e-12)
    assert characteristics(design, 2.5).power == pytest.approx(norm.sf(z - 2.5), abs=1e-12)
    ratios = sample_size_ratios(design, 0.8)
    sizes = (ratios.inflation, ratios.expected_h0, ratios.expected_h01, ratios.expected_h1)
    assert sizes == pytest.approx((1.0,) * 4, abs=1e-11)


def test_interim_chances_of_one_look_are_the_closed_forms() -> None:
    design = b.pocock(information=(1.0,))
    at, z, bound, drift = 0.4, 1.3, norm.isf(0.025), 2.8
    score, left = z * math.sqrt(at), 1 - at
    conditional = conditional_power(design, at=at, z=z, drift=drift)
    want = ndtr((score + drift * left - bound) / math.sqrt(left))
    assert conditional.power == pytest.approx(want, abs=1e-14)
    # flat prior: the final z is normal about z / sqrt(at) with variance (1 - at) / at
    flat = predictive_power(design, at=at, z=z)
    want = ndtr((z / math.sqrt(at) - bound) / math.sqrt(left / at))
    assert flat.power == pytest.approx(want, abs=1e-14)
    before = assurance(design, drift_mean=2.8, drift_sd=1.5)
    want = ndtr((2.8 - bound) / math.sqrt(1 + 1.5**2))
    assert before.power == pytest.approx(want, abs=1e-14)


# ---- interims -----------------------------------------------------------------------------------


@each_design
def test_conditional_chances_average_to_those_before_the_trial(design: GroupSequential) -> None:
    drift, t = 2.2, design.information[0]
    whole = characteristics(design, drift)
    x, w = np.polynomial.legendre.leggauss(40)
    # over the z at which the first look goes on
    reach = (drift * math.sqrt(t) - 9.0, drift * math.sqrt(t) + 9.0)
    efficacy, futility = design.efficacy[0], design.interim_futility[0]
    if design.sided == 1:
        regions = [(max(futility, reach[0]), min(efficacy, reach[1]))]
    else:
        inner = max(0.0, futility)
        regions = [(-efficacy, -inner), (inner, efficacy)]
    later = np.zeros((3, design.looks - 1))
    for low, high in regions:
        for node, weight in zip(x, w, strict=True):
            z = 0.5 * (low + high) + 0.5 * (high - low) * node
            chance = 0.5 * (high - low) * weight * norm.pdf(z - drift * math.sqrt(t))
            seen = conditional_power(design, at=t, z=z, drift=drift)
            later += chance * np.array([seen.upper, seen.lower, seen.futility])
    want = np.array([whole.upper[1:], whole.lower[1:], whole.futility[1:]])
    np.testing.assert_allclose(later, want, rtol=0, atol=1e-10)  # 40 nodes over up to 18 sd


@each_design
@pytest.mark.parametrize("prior", [(0.0, math.inf), (2.5, 0.8)], ids=["flat", "normal"])
def test_predictive_power_is_conditional_power_averaged_over_the_drift(
    design: GroupSequential, prior: tuple[float, float]
) -> None:
    at, z, (m, sd) = 0.55, 1.4, prior
    seen = predictive_power(design, at=at, z=z, drift_mean=m, drift_sd=sd)
    variance = 1 / (1 / sd**2 + at)
    mean = variance * (m / sd**2 + z * math.sqrt(at))
    x, w = hermite()
    parts = [
        conditional_power(design, at=at, z=z, drift=mean + math.sqrt(variance) * node) for node in x
    ]
    for side in ("upper", "lower", "futility"):
        want = w @ np.array([getattr(part, side) for part in parts])
        np.testing.assert_allclose(getattr(seen, side), want, rtol=0, atol=1e-12)


@each_design
def test_assurance_is_power_averaged_over_the_prior(design: GroupSequential) -> None:
    seen = assurance(design, drift_mean=2.5, drift_sd=0.9)
    x, w = hermite()
    parts = [characteristics(design, 2.5 + 0.9 * node) for node in x]
    for side in ("upper", "lower", "futility"):
        want = w @ np.array([getattr(part, side) for part in parts])
        np.testing.assert_allclose(getattr(seen, side), want, rtol=0, atol=1e-11)


def test_assurance_without_doubt_is_power() -> None:
    design = DESIGNS["futility"]
    sure = assurance(design, drift_mean=3.0, drift_sd=0.0)
    assert sure.power == pytest.approx(characteristics(design, 3.0).power, abs=1e-14)


def test_conditional_power_takes_the_estimated_drift_when_none_is_given() -> None:
    design = DESIGNS["spending"]
    estimated = conditional_power(design, at=0.3, z=1.1)
    assert estimated.power == conditional_power(design, at=0.3, z=1.1, drift=1.1 / 0.3**0.5).power


def test_an_interim_between_looks_keeps_all_later_looks() -> None:
    seen = conditional_power(DESIGNS["spending"], at=0.4, z=1.0)
    assert seen.information == (0.55, 0.8, 1.0)


# ---- power on either side -----------------------------------------------------------------------


def test_power_on_either_side_needs_a_smaller_drift() -> None:
    design = b.pocock(information=(1.0,), alpha=0.5, sided=2)
    drift = required_drift(design, 0.6, either_side=True)
    z = -ndtri(0.25)
    assert ndtr(drift - z) + ndtr(-drift - z) == pytest.approx(0.6, abs=1e-12)
    assert drift < required_drift(design, 0.6)
    assert inflation_factor(design, 0.6, either_side=True) == pytest.approx(1.0, abs=1e-11)


# ---- what is refused ----------------------------------------------------------------------------

REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "looks": (lambda: b.pocock(information=(0.5, 0.4, 1.0)), r"\(0\.5, 0\.4, 1\.0\); .*grow to 1"),
    "last look": (lambda: b.pocock(information=(0.5, 0.9)), r"grow to 1 at the last look"),
    "no look": (lambda: equal_information(0), "looks is 0; .* at least one"),
    "alpha": (lambda: b.pocock(information=(1.0,), alpha=2.5), r"alpha is 2\.5; .*such as 0\.025"),
    "sides": (lambda: b.pocock(information=(1.0,), sided=3), "sided is 3; give 1 or 2"),
    "delta": (lambda: b.wang_tsiatis(information=(1.0,), delta=math.nan), "delta is nan"),
    "early": (
        lambda: b.haybittle_peto(information=(0.5, 1.0), early=1.5),
        r"error of 0\.0668.* already.*early=3\.5",
    ),
    "early sign": (lambda: b.haybittle_peto(information=(0.5, 1.0), early=-1.0), "early is -1"),
    "bounds a look": (
        lambda: b.from_bounds(information=(0.5, 1.0), efficacy=(2.0,)),
        "1 bounds for 2 looks",
    ),
    "last bound": (
        lambda: b.from_bounds(information=(0.5, 1.0), efficacy=(2.0, math.inf)),
        "finite at the last look",
    ),
    "negative two-sided bound": (
        lambda: b.from_bounds(information=(0.5, 1.0), sided=2, efficacy=(-1.0, 2.0)),
        "above 0",
    ),
    "futility a look": (
        lambda: b.pocock(information=(0.5, 1.0), futility=(0.0, 0.0, 0.0)),
        "3 bounds for 2 looks",
    ),
    "futility value": (
        lambda: b.pocock(information=(0.5, 1.0), futility=(math.nan,)),
        "-inf where the trial cannot stop",
    ),
    "futility above efficacy": (
        lambda: b.pocock(information=(0.5, 1.0), futility=(2.5,)),
        r"look 1 futility is 2\.5 and efficacy 2\.178",
    ),
    "nothing to bind": (
        lambda: b.pocock(information=(0.5, 1.0), binding=True),
        "binding is True without futility",
    ),
    "binding stops too often": (
        lambda: b.haybittle_peto(information=(0.5, 1.0), futility=(2.9,), binding=True),
        "cannot be reached; lower them",
    ),
    "binding leaves nothing to spend": (
        lambda: from_spending(
            information=(0.5, 1.0), spending=OBRIEN_FLEMING, futility=(2.5,), binding=True
        ),
        "cannot be spent at look 2",
    ),
    "beta alone": (
        lambda: from_spending(information=(1.0,), spending=POCOCK, beta=0.1),
        r"give both, such as beta=0\.1",
    ),
    "beta": (
        lambda: from_spending(information=(1.0,), spending=POCOCK, beta=0.99, beta_spending=POCOCK),
        r"beta is 0\.99; .*below 1 - alpha = 0\.975",
    ),
    "two futilities": (
        lambda: from_spending(
            information=(0.5, 1.0),
            spending=POCOCK,
            beta=0.1,
            beta_spending=POCOCK,
            futility=(0.0,),
        ),
        "leave one of them out",
    ),
    "family": (lambda: Spending(family="linear"), "'linear'; choose from obrien_fleming"),  # type: ignore[arg-type]
    "parameter": (lambda: Spending(family="kim_demets"), r"needed there; .*parameter=3\.0"),
    "parameter too many": (lambda: Spending(family="pocock", parameter=1.0), "leave it out"),
    "gamma": (lambda: Spending(family="hwang_shih_de_cani", parameter=math.inf), "is inf; give a"),
    "rho": (lambda: Spending(family="kim_demets", parameter=0.0), r"rho is above 0, such as 3\.0"),
    "no given values": (lambda: Spending(family="given"), "belongs to family given"),
    "given falls": (
        lambda: Spending(family="given", cumulative_error=(0.02, 0.01)),
        "must not decrease",
    ),
    "given length": (
        lambda: Spending(family="given", cumulative_error=(0.01, 0.025)).cumulative((1.0,), 0.025),
        "2 values for 1 looks",
    ),
    "given total": (
        lambda: Spending(family="given", cumulative_error=(0.02,)).cumulative((1.0,), 0.025),
        r"0\.02 and the error to spend is 0\.025",
    ),
    "power": (lambda: required_drift(DESIGNS["spending"], 0.02), r"power is 0\.02; .*above 0\.025"),
    "power of 1": (lambda: required_drift(DESIGNS["spending"], 1.0), r"power is 1\.0; .*below 1"),
    "drift": (lambda: characteristics(DESIGNS["spending"], math.nan), "drift is nan"),
    "drifts": (
        lambda: exit_probabilities(information=(1,), upper=(2,), lower=(1,), drift=math.inf),
        "drift is inf",
    ),
    "crossed bounds": (
        lambda: exit_probabilities(information=(1,), upper=(1,), lower=(2,)),
        "at look 1 the lower bound is 2",
    ),
    "lengths": (
        lambda: exit_probabilities(information=(1,), upper=(1, 2), lower=(0,)),
        "1 information values, 2 upper",
    ),
    "information": (
        lambda: exit_probabilities(information=(1, 1), upper=(1, 2), lower=(0, 0)),
        "must grow from look to look",
    ),
    "looks too close": (
        lambda: exit_probabilities(
            information=(0.5, 0.5 + 1e-9, 1.0), upper=(9, 9, 9), lower=(-9, -9, -9)
        ),
        "looks so close take too long",
    ),
    "at": (lambda: conditional_power(DESIGNS["spending"], at=1.0, z=1.0), r"at is 1\.0; "),
    "z": (lambda: conditional_power(DESIGNS["spending"], at=0.5, z=math.inf), "z is inf"),
    "assumed drift": (
        lambda: conditional_power(DESIGNS["spending"], at=0.5, z=1.0, drift=math.nan),
        "drift is nan",
    ),
    "prior": (
        lambda: predictive_power(DESIGNS["spending"], at=0.5, z=1.0, drift_sd=-1.0),
        r"sd -1\.0.*drift_sd=1\.5",
    ),
    "flat before the trial": (
        lambda: assurance(DESIGNS["spending"], drift_mean=1.0, drift_sd=math.inf),
        "a prior is proper",
    ),
}


@pytest.mark.parametrize(("refused", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_says_what_was_given_and_what_to_write(
    refused: Callable[[], object], words: str
) -> None:
    with pytest.raises(DomainError, match=words):
        refused()
