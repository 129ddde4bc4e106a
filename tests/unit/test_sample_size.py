"""Rules of sample sizes: messages, limits, inverses, and closed forms against their integrals."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.special import gammaln, nctdtr, ndtr, ndtri, stdtrit, xlogy

from simtrial.core.errors import DomainError
from simtrial.stats.sample_size.allocation import ArmSizes, round_up, round_up_to_block, split
from simtrial.stats.sample_size.ancova import (
    ancova_power,
    f_test_power,
    size_ancova,
    size_f_test,
    variance_factor,
)
from simtrial.stats.sample_size.assurance import (
    NormalPrior,
    assurance,
    assurance_limit,
    size_two_means_by_assurance,
    two_means_assurance,
)
from simtrial.stats.sample_size.levels import critical_z, needed_drift
from simtrial.stats.sample_size.looks import (
    maximal_information,
    power_with_looks,
    size_with_looks,
)
from simtrial.stats.sample_size.means import (
    detectable_one_mean,
    detectable_two_means,
    one_mean_power,
    size_one_mean,
    size_two_means,
    two_means_power,
)
from simtrial.stats.sample_size.rates import (
    detectable_rate,
    one_rate_power,
    restricted_rates,
    size_one_rate,
    size_two_rates,
    two_rates_power,
)
from simtrial.stats.sequential.boundaries import from_bounds, obrien_fleming, wang_tsiatis
from simtrial.stats.sequential.characteristics import required_drift

LEVEL = {"alpha": 0.025, "sided": 1}
TWO_SIDED = {"alpha": 0.05, "sided": 2}
# inverses are solved to about 1e-13; a power near 0.5 to 1 keeps most of it
INVERSE = 1e-9
ratios = st.floats(0.25, 4.0)
powers = st.floats(0.3, 0.99)
# thousandths: rates of 1e-20 put rounding, not the method, to the test
rates_0_to_1 = st.integers(0, 1000).map(lambda k: k / 1000)


# --- allocation and rounding


def test_rounding_fills_blocks_and_shortens_no_arm():
    got = round_up_to_block(split(100.1, 2.0), (2, 1))
    assert (got.treated, got.control) == (68.0, 34.0)
    assert round_up_to_block(split(101.9, 1.0)) == ArmSizes(treated=51.0, control=51.0)
    assert round_up_to_block(split(100.1, 0.5), (2, 4)).total == 102.0


def test_a_hair_above_a_whole_number_is_that_number_and_more_is_not():
    assert round_up(128.0 * (1 + 1e-12)) == 128
    assert round_up(128.0 * (1 + 1e-6)) == 129
    assert round_up(127.001) == 128
    assert round_up(1e-4) == 1


@given(total=st.floats(1.0, 5000.0), block=st.sampled_from([(1, 1), (2, 1), (1, 3), (3, 2)]))
def test_rounded_sizes_are_the_smallest_blocks_not_below(total, block):
    per_block = sum(block)
    got = round_up_to_block(split(total, block[0] / block[1]), block)
    assert got.total % per_block == 0
    assert got.total >= total * (1 - 2e-9)
    assert got.total - per_block < total


def test_a_block_of_another_ratio_is_refused():
    with pytest.raises(DomainError, match=r"block is 2:1 but the sizes are 1 treated per control"):
        round_up_to_block(split(100.0), (2, 1))


# --- inverses: size, then power; size, then detectable effect


@given(
    effect=st.floats(0.15, 1.5),
    ratio=ratios,
    power=powers,
    known=st.booleans(),
    null=st.floats(-1, 0),
)
@settings(max_examples=60, deadline=None)
def test_two_means_at_their_size_have_the_power_and_detect_the_effect(
    effect, ratio, power, known, null
):
    shared = {"sd": 1.3, "known_sd": known, **TWO_SIDED}
    size = size_two_means(effect=effect, null=null, power=power, allocation_ratio=ratio, **shared)
    if size.total <= 3.0:
        return  # the least total, which may have more power than asked for
    arms = {"n_treated": size.treated, "n_control": size.control}
    assert size.allocation_ratio == pytest.approx(ratio, rel=1e-12)
    got = two_means_power(effect=effect, null=null, **arms, **shared)
    assert got == pytest.approx(power, abs=INVERSE)
    found = detectable_two_means(power=power, **arms, **shared)
    assert found == pytest.approx(effect - null, rel=1e-8)


@given(mean=st.floats(0.2, 1.0), power=powers, known=st.booleans())
@settings(max_examples=40, deadline=None)
def test_one_mean_at_its_size_has_the_power_and_detects_the_mean(mean, power, known):
    shared = {"sd": 0.9, "known_sd": known, **LEVEL}
    n = size_one_mean(mean=mean, power=power, **shared)
    if n <= 2.0:
        return
    assert one_mean_power(mean=mean, n=n, **shared) == pytest.approx(power, abs=INVERSE)
    assert detectable_one_mean(n=n, power=power, **shared) == pytest.approx(mean, rel=1e-8)


@given(
    p_control=st.floats(0.1, 0.6),
    shift=st.floats(0.06, 0.35),
    ratio=ratios,
    power=st.floats(0.5, 0.99),
    margin=st.floats(0.0, 0.15),
)
@settings(max_examples=60, deadline=None)
def test_rates_at_their_size_have_the_power_and_detect_the_rate(
    p_control, shift, ratio, power, margin
):
    for compare, null in (("difference", -margin), ("ratio", 1.0 - margin)):
        shared = {"p_control": p_control, "compare": compare, "null": null, **LEVEL}
        p_treated = p_control + shift
        size = size_two_rates(p_treated=p_treated, power=power, allocation_ratio=ratio, **shared)
        arms = {"n_treated": size.treated, "n_control": size.control}
        got = two_rates_power(p_treated=p_treated, **arms, **shared)
        assert got == pytest.approx(power, abs=INVERSE)
        if p_control - margin > 0.0:  # where the search starts
            found = detectable_rate(power=power, **arms, **shared)
            assert found == pytest.approx(p_treated, rel=1e-7)


def test_one_rate_at_its_size_has_the_power():
    for p in (0.1, 0.35, 0.6):
        n = size_one_rate(p=p, null=0.2, power=0.85, **LEVEL)
        assert one_rate_power(p=p, null=0.2, n=n, **LEVEL) == pytest.approx(0.85, abs=INVERSE)


def test_adjusted_means_and_f_tests_at_their_size_have_the_power():
    size = size_ancova(
        effect=0.6, sd=1.1, correlation=0.6, power=0.9, allocation_ratio=2.0, null=-0.1, **LEVEL
    )
    got = ancova_power(
        effect=0.6,
        sd=1.1,
        correlation=0.6,
        n_treated=size.treated,
        n_control=size.control,
        null=-0.1,
        **LEVEL,
    )
    assert got == pytest.approx(0.9, abs=INVERSE)
    n = size_f_test(partial_eta_squared=0.08, groups=3, covariates=2, alpha=0.05, power=0.8)
    again = f_test_power(partial_eta_squared=0.08, groups=3, covariates=2, alpha=0.05, n=n)
    assert again.power == pytest.approx(0.8, abs=INVERSE)


# --- against the definition, computed another way


@pytest.mark.parametrize("degrees", [1.0, 2.5, 18.0, 126.0, 2000.0])
@pytest.mark.parametrize("drift", [0.0, 1.3, 2.8, 6.0])
def test_t_power_is_the_normal_power_averaged_over_the_estimated_sd(degrees, drift):
    critical = stdtrit(degrees, 0.975)
    scale = math.log(2.0) + degrees / 2 * math.log(degrees / 2) - gammaln(degrees / 2)

    def integrand(s):  # s: estimated over true sd
        density = np.exp(scale + (degrees - 1) * np.log(s) - degrees * s * s / 2)
        return density * ndtr(drift - critical * s)

    spread = 1.0 / math.sqrt(2.0 * degrees)
    low, high = max(1e-12, 1.0 - 12.0 * spread), 1.0 + 12.0 * spread
    want = quad(integrand, low, high, epsabs=1e-13, epsrel=1e-12, limit=500)[0]
    got = one_mean_power(
        mean=drift / math.sqrt(degrees + 1.0), sd=1.0, n=degrees + 1.0, alpha=0.025, sided=1
    )
    assert got == pytest.approx(want, abs=1e-10)  # that of the quadrature


@given(
    p1=rates_0_to_1, p2=rates_0_to_1, ratio=ratios, null=st.integers(-99, 99).map(lambda k: k / 100)
)
@settings(max_examples=150, deadline=None)
def test_restricted_rates_of_a_difference_maximise_the_likelihood(p1, p2, ratio, null):
    got = restricted_rates(p1, p2, allocation_ratio=ratio, compare="difference", null=null)
    assert got[0] - got[1] == pytest.approx(null, abs=1e-12)
    check_most_likely(
        p1, p2, ratio, got, lambda x: (x, x - null), (max(0.0, null), min(1.0, 1.0 + null))
    )


@given(p1=rates_0_to_1, p2=rates_0_to_1, ratio=ratios, null=st.floats(0.01, 50.0))
@settings(max_examples=150, deadline=None)
def test_restricted_rates_of_a_ratio_maximise_the_likelihood(p1, p2, ratio, null):
    got = restricted_rates(p1, p2, allocation_ratio=ratio, compare="ratio", null=null)
    assert got[0] == pytest.approx(null * got[1], abs=1e-12)
    check_most_likely(p1, p2, ratio, got, lambda x: (x, x / null), (0.0, min(1.0, null)))


def check_most_likely(p1, p2, ratio, got, along, ends):
    def loss(rates):
        q1, q2 = (min(max(q, 0.0), 1.0) for q in rates)
        treated = xlogy(p1, q1) + xlogy(1 - p1, 1 - q1)
        return -(ratio * treated + xlogy(p2, q2) + xlogy(1 - p2, 1 - q2))

    best = minimize_scalar(
        lambda x: loss(along(x)), bounds=ends, method="bounded", options={"xatol": 1e-12}
    )
    # nothing on a search along the null hypothesis is more likely; 1e-10 is the search's own error
    assert loss(got) <= best.fun + 1e-10


def test_without_a_margin_the_restricted_rates_are_the_pooled_rate():
    for compare, null in (("difference", 0.0), ("ratio", 1.0)):
        got = restricted_rates(0.6, 0.3, allocation_ratio=2.0, compare=compare, null=null)
        assert got == pytest.approx((0.5, 0.5), abs=1e-14)


def test_adjusted_power_is_the_average_over_the_imbalance_of_the_covariate():
    # the same integral over another variable: F(1, N - 2), the squared t statistic of imbalance
    total, drift = 12.0, 2.5
    residual = math.sqrt(variance_factor(0.5))
    effect = drift * residual / math.sqrt(split(total).harmonic)
    critical = stdtrit(total - 3.0, 0.975)

    def integrand(t):
        density = math.exp(
            gammaln((total - 1) / 2)
            - gammaln((total - 2) / 2)
            - 0.5 * math.log(math.pi * (total - 2))
            - (total - 1) / 2 * math.log1p(t * t / (total - 2))
        )
        shrunk = drift / math.sqrt(1.0 + t * t / (total - 2))
        return density * (1.0 - nctdtr(total - 3.0, shrunk, critical))

    want = 2.0 * quad(integrand, 0.0, math.inf, epsabs=1e-13, epsrel=1e-12)[0]
    got = ancova_power(
        effect=effect, sd=1.0, correlation=0.5, n_treated=6.0, n_control=6.0, **LEVEL
    )
    assert got == pytest.approx(want, abs=1e-10)


# --- limits and known changes


def test_two_sides_at_twice_the_level_are_one_side_but_for_the_wrong_side():
    shared = {"effect": 0.2, "sd": 1.0, "n_treated": 20.0, "n_control": 20.0}
    one = two_means_power(**shared, **LEVEL)
    assert two_means_power(**shared, **TWO_SIDED) == pytest.approx(one, abs=1e-14)
    wrong = two_means_power(**shared, **TWO_SIDED, either_side=True) - one
    assert 0.001 < wrong < 0.025
    assert two_means_power(**shared, **LEVEL, either_side=True) == one


def test_without_effect_both_sides_reject_with_the_level():
    arms = {"n_treated": 30.0, "n_control": 15.0}
    means = two_means_power(effect=0.0, sd=1.0, **arms, **TWO_SIDED, either_side=True)
    rates = two_rates_power(p_treated=0.4, p_control=0.4, **arms, **TWO_SIDED, either_side=True)
    assert (means, rates) == pytest.approx((0.05, 0.05), abs=1e-12)


def test_a_rejection_on_the_wrong_side_of_rates_has_the_variance_of_the_true_rates():
    shared = {"p_treated": 0.1, "p_control": 0.15, "n_treated": 60.0, "n_control": 20.0}
    added = two_rates_power(**shared, **TWO_SIDED, either_side=True) - two_rates_power(
        **shared, **TWO_SIDED
    )
    pooled = (0.1 * 60 + 0.15 * 20) / 80
    under_null = math.sqrt(pooled * (1 - pooled) * (1 / 60 + 1 / 20))
    true = math.sqrt(0.1 * 0.9 / 60 + 0.15 * 0.85 / 20)
    # the estimate treated - control has mean -0.05 and must be above z times its sd under the null
    assert added == pytest.approx(ndtr((-0.05 - ndtri(0.975) * under_null) / true), abs=1e-12)


def test_restricted_rates_reach_the_ends_where_all_or_none_respond():
    for compare, null in (("difference", 0.0), ("ratio", 1.0)):
        for p in (0.0, 1.0):
            got = restricted_rates(p, p, allocation_ratio=2.5, compare=compare, null=null)
            assert got == (p, p)
    got = restricted_rates(1.0, 0.0, allocation_ratio=1.0, compare="difference", null=-0.2)
    assert got == pytest.approx((0.4, 0.6), abs=1e-14)  # by symmetry


def test_t_approaches_z_as_patients_grow():
    sizes = [
        size_two_means(effect=e, sd=1, power=0.9, known_sd=k, **LEVEL).total
        for e in (0.5, 0.05)
        for k in (False, True)
    ]
    # the difference tends to z_alpha^2 / 2 patients in all (Guenther 1981), 1.92 here
    assert sizes[2] - sizes[3] == pytest.approx(ndtri(0.975) ** 2 / 2, abs=0.002)
    assert sizes[0] - sizes[1] == pytest.approx(ndtri(0.975) ** 2 / 2, abs=0.1)


def test_power_rises_with_patients_effect_and_level_and_falls_with_the_sd():
    base = {"effect": 0.4, "sd": 1.0, "n_treated": 50.0, "n_control": 50.0, **LEVEL}
    power = two_means_power(**base)
    for better in ({"n_treated": 51.0}, {"effect": 0.41}, {"alpha": 0.03}, {"sd": 0.99}):
        assert two_means_power(**{**base, **better}) > power
    assert two_means_power(**{**base, "null": 0.01}) < power
    assert ancova_power(**base, correlation=0.5) > ancova_power(**base, correlation=0.2)


def test_arms_and_signs_exchanged_give_the_sizes_exchanged():
    one = size_two_rates(
        p_treated=0.6, p_control=0.35, null=0.05, power=0.9, allocation_ratio=2.0, **LEVEL
    )
    other = size_two_rates(
        p_treated=0.35, p_control=0.6, null=-0.05, power=0.9, allocation_ratio=0.5, **LEVEL
    )
    assert (one.treated, one.control) == pytest.approx((other.control, other.treated), rel=1e-12)
    failing = size_two_rates(
        p_treated=0.4, p_control=0.65, null=-0.05, power=0.9, allocation_ratio=2.0, **LEVEL
    )
    assert failing.total == pytest.approx(one.total, rel=1e-12)


def test_a_ratio_and_its_inverse_give_the_sizes_exchanged():
    by_ratio = partial(size_two_rates, compare="ratio", power=0.9, **LEVEL)
    one = by_ratio(p_treated=0.5, p_control=0.3, null=0.8, allocation_ratio=2.0)
    other = by_ratio(p_treated=0.3, p_control=0.5, null=1.25, allocation_ratio=0.5)
    assert (one.treated, one.control) == pytest.approx((other.control, other.treated), rel=1e-12)


def test_units_of_the_outcome_do_not_matter():
    one = size_two_means(effect=0.5, null=-0.1, sd=1.0, power=0.8, **LEVEL)
    other = size_two_means(effect=50.0, null=-10.0, sd=100.0, power=0.8, **LEVEL)
    assert one.total == pytest.approx(other.total, rel=1e-12)


def test_a_covariate_without_correlation_costs_patients_and_a_strong_one_saves_them():
    shared = {"effect": 0.5, "sd": 1.0, "power": 0.9, **LEVEL}
    plain = size_two_means(**shared).total
    useless = size_ancova(correlation=0.0, **shared).total
    useful = size_ancova(correlation=0.7, **shared).total
    assert plain < useless < plain + 2.0
    assert useful == pytest.approx(0.51 * plain, rel=0.04)
    # the sign of the correlation does not matter
    assert size_ancova(correlation=-0.7, **shared).total == useful


def test_the_f_test_of_two_groups_is_the_two_sided_t_test():
    n, d = 60.0, 0.6
    eta2 = d * d / (d * d + 4.0)  # f = d / 2
    got = f_test_power(partial_eta_squared=eta2, groups=2, n=n, alpha=0.05).power
    want = two_means_power(
        effect=d, sd=1.0, n_treated=n / 2, n_control=n / 2, **TWO_SIDED, either_side=True
    )
    assert got == pytest.approx(want, abs=1e-10)


# --- assurance


def test_assurance_is_power_averaged_over_the_prior():
    prior = NormalPrior(mean=0.3, sd=0.25)
    se = 0.2

    def integrand(u):
        return ndtr((prior.mean + prior.sd * u) / se - ndtri(0.975)) * math.exp(-u * u / 2)

    want = quad(integrand, -12, 12, epsabs=1e-13, epsrel=1e-12)[0] / math.sqrt(2 * math.pi)
    assert assurance(design_prior=prior, standard_error=se, alpha=0.025) == pytest.approx(
        want, abs=1e-11
    )


def test_an_analysis_prior_counts_as_patients_do():
    # a prior worth the data itself, with its mean where the estimate must be: the bound is met when
    # the mean of the two exceeds z times the sd of the mean, by hand
    se, mean = 0.2, 0.1
    got = assurance(
        design_prior=NormalPrior(mean=0.4, sd=0.0),
        analysis_prior=NormalPrior(mean=mean, sd=se),
        standard_error=se,
        alpha=0.025,
    )
    least = 2.0 * ndtri(0.975) * se / math.sqrt(2.0) - mean
    assert got == pytest.approx(ndtr((0.4 - least) / se), abs=1e-12)


def test_assurance_has_a_limit_and_no_size_beyond_it():
    prior = NormalPrior(mean=0.3, sd=0.3)
    limit = assurance_limit(prior)
    assert limit == pytest.approx(ndtr(1.0), abs=1e-12)
    size = size_two_means_by_assurance(
        design_prior=prior, sd=1.0, alpha=0.025, assured=0.7, allocation_ratio=2.0
    )
    got = two_means_assurance(
        design_prior=prior,
        sd=1.0,
        n_treated=size.treated,
        n_control=size.control,
        alpha=0.025,
    )
    assert got == pytest.approx(0.7, abs=INVERSE)
    with pytest.raises(DomainError, match=r"assured is 0\.85; it must be between alpha and 0\.841"):
        size_two_means_by_assurance(design_prior=prior, sd=1.0, alpha=0.025, assured=0.85)


# --- looks

DESIGNS = (
    wang_tsiatis(information=(0.3, 0.6, 1.0), delta=0.25),
    obrien_fleming(information=(0.5, 1.0), futility=(0.3,)),
    wang_tsiatis(information=(0.4, 1.0), delta=0.5, alpha=0.05, sided=2),
)


@pytest.mark.parametrize("design", DESIGNS)
def test_the_matched_size_has_the_power_with_looks(design):
    rates = {"p_treated": 0.6, "p_control": 0.35}
    plan = size_with_looks(
        design, partial(size_two_rates, allocation_ratio=2.0, **rates), power=0.9, rule="match"
    )
    arms = plan.arms_max
    again = power_with_looks(
        design,
        partial(two_rates_power, n_treated=arms.treated, n_control=arms.control, **rates),
        n=arms,
    )
    assert again.power == pytest.approx(0.9, abs=1e-9)
    assert again.expected_n_effect == pytest.approx(plan.expected_n_effect, rel=1e-8)
    assert again.n_max == pytest.approx(plan.n_max, rel=1e-12)


def test_both_rules_are_one_for_a_known_sd_and_near_each_other_for_the_t_test():
    design = DESIGNS[0]

    def n_max(rule, known):
        size = partial(size_two_means, effect=0.5, sd=1.0, known_sd=known)
        return size_with_looks(design, size, power=0.9, rule=rule).n_max

    assert n_max("inflate", True) == pytest.approx(n_max("match", True), rel=1e-10)
    relative = n_max("inflate", False) / n_max("match", False) - 1.0
    assert 1e-5 < abs(relative) < 2e-3


def test_one_look_is_the_fixed_design():
    one_look = from_bounds(information=(1.0,), efficacy=(critical_z(0.025, 1),))
    size = partial(size_two_means, effect=0.5, sd=1.0)
    plan = size_with_looks(one_look, size, power=0.9)
    fixed = size(power=0.9, **LEVEL)
    assert plan.n_max == pytest.approx(fixed.total, rel=1e-9)
    assert plan.expected_n_null == pytest.approx(plan.n_max, rel=1e-12)
    assert plan.power == pytest.approx(0.9, abs=1e-9)
    assert plan.n_fixed == fixed.total


def test_early_stops_save_patients_and_cost_some_at_the_most():
    size = partial(size_two_rates, p_treated=0.6, p_control=0.35)
    plan = size_with_looks(DESIGNS[1], size, power=0.9)
    assert plan.expected_n_effect < plan.n_fixed < plan.n_max
    assert plan.expected_n_null < plan.n_fixed  # futility
    assert tuple(plan.n_at_looks) == pytest.approx((plan.n_max / 2, plan.n_max))


def test_a_trial_of_one_arm_has_looks_as_well():
    size = partial(size_one_rate, p=0.4, null=0.2)
    plan = size_with_looks(DESIGNS[0], size, power=0.8)
    assert plan.n_max > plan.n_fixed == size(power=0.8, **LEVEL)
    with pytest.raises(DomainError, match="one arm; read n_max"):
        _ = plan.arms_max


def test_maximal_information_is_that_of_the_maximal_size():
    design = DESIGNS[0]
    plan = size_with_looks(
        design, partial(size_two_means, effect=0.5, sd=2.0, known_sd=True), power=0.9
    )
    information = maximal_information(design, effect=-0.5, power=0.9)
    assert plan.arms_max.harmonic / 4.0 == pytest.approx(information, rel=1e-10)
    assert information == pytest.approx((required_drift(design, 0.9) / 0.5) ** 2)


# --- messages

two_means = partial(size_two_means, effect=0.5, sd=1.0, power=0.9, **LEVEL)
two_rates = partial(size_two_rates, p_treated=0.5, p_control=0.3, power=0.9, **LEVEL)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: two_means(effect=0.0), r"effect is 0, the null value itself.*such as 0\.5"),
        (lambda: two_means(sd=0.0), r"sd is 0; it must be above 0.*sd=1"),
        (lambda: two_means(effect=math.nan), r"effect is nan; it must be a finite number"),
        (lambda: two_means(alpha=0.5), r"alpha is 0\.5 and sided 1; .*such as alpha=0\.025"),
        (lambda: two_means(sided=3), r"sided is 3; give 1 for a one-sided test or 2"),
        (lambda: two_means(sided=True), r"sided is True; give 1"),
        (lambda: two_means(power=0.02), r"power is 0\.02; it must be between 0\.025"),
        (lambda: two_means(power=1.0), r"power is 1; .*such as power=0\.9"),
        (lambda: two_means(allocation_ratio=0), r"allocation_ratio is 0; .*write 2 for 2:1"),
        (lambda: split(-3.0), r"total is -3; .*such as 128"),
        (lambda: ArmSizes(treated=0, control=4), r"0 treated and 4 control.*treated=64"),
        (lambda: round_up_to_block(split(10.0), (0, 1)), r"block is \(0, 1\).*such as \(2, 1\)"),
        (lambda: round_up(math.inf), r"inf cannot be rounded up"),
        (
            lambda: two_means_power(effect=1, sd=1, n_treated=1, n_control=1, **LEVEL),
            r"0 degrees of freedom are left.*more patients, or known_sd=True",
        ),
        (lambda: one_mean_power(mean=1, sd=1, n=1, **LEVEL), r"0 degrees of freedom"),
        (lambda: two_rates(p_treated=1.2), r"p_treated is 1\.2; a rate is from 0 to 1.*0\.4"),
        (lambda: two_rates(p_treated=0.3), r"have a difference of 0, the null value itself"),
        (lambda: two_rates(p_treated=0.5, null=0.2), r"have a difference of 0\.2, the null"),
        (lambda: two_rates(compare="odds"), r"compare is 'odds'; choose 'difference' or 'ratio'"),
        (lambda: two_rates(null=2.0), r"null is 2; a difference of rates is between -1 and 1"),
        (lambda: two_rates(compare="ratio", null=0.0), r"null is 0; a ratio of rates is above 0"),
        (
            lambda: two_rates_power(
                p_treated=0.0, p_control=0.0, n_treated=9, n_control=9, **LEVEL
            ),
            r"rates 0 and 0 leave no variance",
        ),
        (
            lambda: detectable_rate(p_control=0.8, n_treated=10, n_control=10, power=0.9, **LEVEL),
            r"a treated rate of 1 against 0\.8 has a power of 0\.\d{3} with 10 and 10 patients",
        ),
        (
            lambda: detectable_rate(
                p_control=0.1, n_treated=9, n_control=9, power=0.9, null=-0.2, **LEVEL
            ),
            r"is a treated rate of -0\.1; it must lie between 0 and 1",
        ),
        (lambda: size_one_rate(p=0.2, null=0.2, power=0.9, **LEVEL), r"p is 0\.2, the null value"),
        (lambda: size_one_rate(p=0.2, null=0.0, power=0.9, **LEVEL), r"null is 0; .*such as 0\.4"),
        (lambda: variance_factor(1.0), r"correlation is 1; it must be between -1 and 1"),
        (
            lambda: ancova_power(
                effect=1, sd=1, correlation=0.5, n_treated=1, n_control=2, **LEVEL
            ),
            r"3 patients leave no degree of freedom.*more than 3",
        ),
        (
            lambda: f_test_power(partial_eta_squared=0.1, groups=1, n=20, alpha=0.05),
            r"groups is 1 and covariates 0; give at least 2 groups",
        ),
        (
            lambda: f_test_power(partial_eta_squared=0.1, groups=3, n=3, alpha=0.05),
            r"n is 3; 3 means and 0 slopes leave 0 degrees.*more than 3 patients",
        ),
        (
            lambda: size_f_test(partial_eta_squared=0.0, groups=2, alpha=0.05, power=0.8),
            r"partial_eta_squared is 0; without an effect no number",
        ),
        (lambda: NormalPrior(mean=0.1, sd=-1.0), r"sd of the prior is -1; .*such as sd=0\.2"),
        (
            lambda: assurance(
                design_prior=NormalPrior(mean=0.1, sd=0.1),
                analysis_prior=NormalPrior(mean=0.1, sd=0.0),
                standard_error=0.1,
                alpha=0.025,
            ),
            r"analysis prior has an sd of 0",
        ),
        (
            lambda: size_two_means_by_assurance(
                design_prior=NormalPrior(mean=-0.1, sd=1.0), sd=1.0, alpha=0.025, assured=0.4
            ),
            r"prior mean -0\.1 is not above the null value 0",
        ),
        (
            lambda: size_with_looks(DESIGNS[0], two_means, power=0.9, rule="best"),
            r"rule is 'best'; choose 'inflate' or 'match'",
        ),
        (
            lambda: power_with_looks(DESIGNS[0], lambda alpha, sided: 1.0, n=100.0),
            r"the fixed test has a power of 1 but for 0, from which",
        ),
        (
            lambda: maximal_information(DESIGNS[0], effect=0.0, power=0.9),
            r"size of the effect is 0; it must be above 0",
        ),
    ],
)
def test_a_wrong_argument_is_told_with_the_rule_and_a_correct_one(call, message):
    with pytest.raises(DomainError, match=message):
        call()


def test_the_fixed_size_gets_the_level_and_sides_of_the_design():
    seen = []

    def fixed_size(*, alpha, sided, power):
        seen.append((alpha, sided, power))
        return 100.0

    design = replace(DESIGNS[2], kind="another name")
    size_with_looks(design, fixed_size, power=0.8)
    assert seen == [(0.05, 2, 0.8)]


def test_needed_drift_is_the_sum_of_two_quantiles():
    got = needed_drift(alpha=0.05, sided=2, power=0.9)
    assert got == pytest.approx(ndtri(0.975) + ndtri(0.9), abs=1e-12)
