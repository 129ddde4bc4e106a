"""Published sample sizes and powers, each with its source and the tolerance of its digits."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

from simtrial.stats.sample_size.allocation import round_up_to_block
from simtrial.stats.sample_size.ancova import ancova_power, f_test_power, variance_factor
from simtrial.stats.sample_size.assurance import NormalPrior, assurance
from simtrial.stats.sample_size.calendar import (
    Accrual,
    SurvivalSetting,
    average_hazard_ratio,
    even_accrual,
    expected_events,
)
from simtrial.stats.sample_size.hazards import (
    PiecewiseHazard,
    hazard_from_median,
    hazard_from_share,
)
from simtrial.stats.sample_size.looks import size_with_looks
from simtrial.stats.sample_size.means import size_two_means, two_means_power
from simtrial.stats.sample_size.rates import detectable_rate, size_two_rates, two_rates_power
from simtrial.stats.sample_size.survival import log_rank_events, size_survival
from simtrial.stats.sample_size.survival_looks import size_survival_with_looks
from simtrial.stats.sequential.boundaries import obrien_fleming, wang_tsiatis


# P2-01: R stats::power.prop.test, help examples; the test of both sides, power on one of them
def test_two_rates_reproduce_the_examples_of_power_prop_test():
    power = two_rates_power(
        p_treated=0.75, p_control=0.5, n_treated=50, n_control=50, alpha=0.05, sided=2
    )
    assert power == pytest.approx(0.7401659, abs=1e-6)
    size = size_two_rates(p_treated=0.75, p_control=0.5, alpha=0.05, sided=2, power=0.9)
    assert size.control == pytest.approx(76.7, abs=0.05)
    found = detectable_rate(
        p_control=0.5, n_treated=50, n_control=50, alpha=0.05, sided=2, power=0.9
    )
    assert found == pytest.approx(0.8026, abs=1e-4)


# P2-02: Kieser 2018, Fallzahlberechnung in der medizinischen Forschung, table 5.2: difference 0.2,
# one-sided 2.5 %, power 80 %, control to treated 1:1 and 1:2, up to whole blocks
@pytest.mark.parametrize(
    ("treated_per_control", "totals"),
    [(1, [124, 164, 186, 194, 186, 164, 124]), (2, [147, 189, 213, 219, 207, 180, 132])],
)
def test_two_rates_reproduce_kieser_table_5_2(treated_per_control, totals):
    got = []
    for p_control in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
        size = size_two_rates(
            p_treated=p_control + 0.2,
            p_control=p_control,
            alpha=0.025,
            sided=1,
            power=0.8,
            allocation_ratio=treated_per_control,
        )
        got.append(round_up_to_block(size, (treated_per_control, 1)).total)
    assert got == totals


# P2-08: Farrington & Manning, Stat Med 1990;9:1447-54, table 1 and page 1451, one-sided 5 %.
# Their arm 1 is our treated arm; their ratio n2/n1 is the inverse of ours.
@pytest.mark.parametrize(
    ("p1", "p2", "compare", "null", "power", "n2_per_n1", "sizes"),
    [
        (0.4, 0.05, "difference", 0.2, 0.8, 1.0, (159.6876 / 2, 159.6876 / 2)),
        (0.1, 0.1, "difference", -0.2, 0.9, 2 / 3, (62.88, 41.92)),
        (0.25, 0.05, "difference", 0.1, 0.9, 1.5, (173.2214, 259.8322)),
        (0.25, 0.05, "ratio", 2.0, 0.9, 1.5, (133.9289, 200.8933)),
    ],
)
def test_margins_reproduce_farrington_manning(p1, p2, compare, null, power, n2_per_n1, sizes):
    got = size_two_rates(
        p_treated=p1,
        p_control=p2,
        alpha=0.05,
        sided=1,
        power=power,
        allocation_ratio=1.0 / n2_per_n1,
        compare=compare,
        null=null,
    )
    assert (got.treated, got.control) == pytest.approx(sizes, abs=0.006)


# T-01: Kieser 2018, table 4.2: two-sided 5 %, total, whole and equal arms
@pytest.mark.parametrize(
    ("power", "totals"),
    [
        (0.8, [3142, 788, 352, 200, 128, 90, 68, 52, 42, 34, 24, 18]),
        (0.9, [4206, 1054, 470, 266, 172, 120, 88, 68, 54, 46, 30, 22]),
    ],
)
def test_t_test_reproduces_kieser_table_4_2(power, totals):
    effects = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5)
    got = [
        round_up_to_block(size_two_means(effect=e, sd=1, alpha=0.05, sided=2, power=power)).total
        for e in effects
    ]
    assert got == totals


# T-03: R stats::power.t.test, help examples (power on one side of a two-sided test, its default)
def test_t_test_reproduces_the_examples_of_power_t_test():
    power = two_means_power(effect=1, sd=1, n_treated=20, n_control=20, alpha=0.05, sided=2)
    assert power == pytest.approx(0.8689528, abs=2e-5)
    two_sided = size_two_means(effect=1, sd=1, alpha=0.05, sided=2, power=0.9)
    one_sided = size_two_means(effect=1, sd=1, alpha=0.05, sided=1, power=0.9)
    assert two_sided.control == pytest.approx(22.0211, abs=2e-5)
    # R's root finder stops at 17.847126; with a smaller tolerance it gives 17.847121, as we do
    assert one_sided.control == pytest.approx(17.84713, abs=2e-5)


# T-06: Borm, Fransen, Lemmens, J Clin Epidemiol 2007;60:1234-8: sd times the root of 1 - rho^2 in
# the normal approximation. `ancova_power` itself counts degrees of freedom and imbalance too, and
# may fall below the approximation by about 0.01 at this size.
@pytest.mark.parametrize(
    ("rho", "factor", "power"),
    [
        (0.0, 1.0, 0.807429578814),
        (0.3, 0.91, 0.842559587964),
        (0.5, 0.75, 0.904227519579),
        (0.7, 0.51, 0.977283655349),
    ],
)
def test_variance_factor_reproduces_borm(rho, factor, power):
    assert variance_factor(rho) == pytest.approx(factor, abs=1e-9)
    shared = {"effect": 0.5, "n_treated": 64, "n_control": 64, "alpha": 0.05, "sided": 2}
    sd = math.sqrt(variance_factor(rho))
    assert two_means_power(sd=sd, known_sd=True, **shared) == pytest.approx(power, abs=1e-9)
    assert 0.0 < power - ancova_power(sd=1.0, correlation=rho, **shared) < 0.01


# T-07: pwrss (github:metinbulus/pwrss, test-ancova.R), G*Power's noncentrality n f^2
@pytest.mark.parametrize(
    ("eta2", "groups", "covariates", "n", "power", "noncentrality"),
    [
        (0.059, 2, 0, 128, 0.8027032, 8.02550478),
        (0.059, 4, 0, 180, 0.805367138, 11.2858661),
        (0.048, 2, 1, 158, 0.8009416, 7.96638655),
    ],
)
def test_f_test_reproduces_pwrss(eta2, groups, covariates, n, power, noncentrality):
    got = f_test_power(
        partial_eta_squared=eta2, groups=groups, covariates=covariates, n=n, alpha=0.05
    )
    assert got.power == pytest.approx(power, abs=1e-7)
    assert got.noncentrality == pytest.approx(noncentrality, abs=1e-7)


# S-01: rpact's test suite, fixed log-rank design from event shares at month 12 (Schoenfeld)
@pytest.mark.parametrize(
    ("share", "hazard", "ratio", "events", "n"),
    [
        (0.4, 0.042568802, 2.2892242, 58.52451, 197.78666),
        (0.5, 0.057762265, 3.1062837, 31.248898, 90.804254),
        (0.6, 0.076357561, 4.1062837, 20.120262, 51.314209),
    ],
)
def test_survival_size_reproduces_rpact_from_event_shares(share, hazard, ratio, events, n):
    treated = hazard_from_share(share, by=12)
    setting = SurvivalSetting(
        treated=treated,
        control=hazard_from_share(0.2, by=12),
        accrual=even_accrual(n=1, duration=12),
    )
    got = size_survival(setting, follow_up=6, alpha=0.01, sided=1, power=0.8)
    assert treated.hazards[0] == pytest.approx(hazard, abs=1e-8)
    assert got.hazard_ratio == pytest.approx(ratio, abs=1e-6)
    assert got.events == pytest.approx(events, abs=1e-4)
    assert got.n.total == pytest.approx(n, abs=1e-3)


# S-03: gsDesign, nEvents(hr = 0.7), one-sided 2.5 %, 90 %
def test_events_reproduce_gs_design():
    events = log_rank_events(hazard_ratio=0.7, alpha=0.025, sided=1, power=0.9)
    assert events == pytest.approx(330.3779, abs=1e-3)


# S-05: rpact's test suite, piecewise hazards with a two-stage O'Brien-Fleming design
@pytest.mark.parametrize(
    ("ratio", "events", "n", "interim"),
    [
        (1.5, 192.45497, 762.70199, 13.350554),
        (1.8, 91.579156, 333.19844, 13.286013),
        (2.0, 65.854457, 227.99548, 13.241069),
    ],
)
def test_survival_looks_reproduce_rpact_with_piecewise_hazards(ratio, events, n, interim):
    control = PiecewiseHazard(hazards=(0.01, 0.02, 0.04), starts=(0, 5, 10))
    plan = size_survival_with_looks(
        obrien_fleming(information=(0.5, 1.0), alpha=0.025),
        SurvivalSetting(
            treated=control.times(ratio),
            control=control,
            accrual=even_accrual(n=1, duration=12),
        ),
        follow_up=6,
        power=0.8,
    )
    assert plan.events_max == pytest.approx(events, abs=1e-3)
    assert plan.n.total == pytest.approx(n, abs=0.005)
    assert plan.under_effect.times[0] == pytest.approx(interim, abs=5e-4)
    rejected = plan.under_effect.chances.upper
    assert tuple(rejected) == pytest.approx((0.20960506, 0.59039494), abs=1e-6)


# S-07: gsDesign2's simulation fixture (delayed effect). Expected values are means of simulations,
# the tolerance is theirs; ours weights the log ratio of a piece by its events in both arms.
def test_average_hazard_ratio_and_events_reproduce_gs_design_2():
    first, later = (hazard_from_median(m).hazards[0] for m in (9, 18))
    lost = PiecewiseHazard(hazards=(0.001,))
    setting = SurvivalSetting(
        treated=PiecewiseHazard(hazards=(0.9 * first, 0.6 * later), starts=(0, 3)),
        control=PiecewiseHazard(hazards=(first, later), starts=(0, 3)),
        accrual=Accrual(durations=(2, 2, 10), rates=(3, 6, 9)),
        dropout_treated=lost,
        dropout_control=lost,
    )
    times = (24, 30, 36)
    ratios = [average_hazard_ratio(setting, time) for time in times]
    assert ratios == pytest.approx([0.713993, 0.694654, 0.682626], abs=0.002)
    events = expected_events(setting, times).total
    np.testing.assert_allclose(events, [48.9145, 58.4176, 66.1059], rtol=0, atol=0.2)
    # the case's own quadrature of the same definition, to its printed digits
    assert ratios == pytest.approx([0.71516, 0.69522, 0.68334], abs=5e-6)
    np.testing.assert_allclose(events, [49.0697, 58.491, 66.2395], rtol=0, atol=5e-5)


# GS-20: rpact's test suite, getSampleSizeRates with Wang-Tsiatis 0.3 (looks at 0.2, 0.5 and 1);
# our rule "inflate"; allocation n1/n2 is treated per control
@pytest.mark.parametrize(
    ("case", "n_max"),
    [
        ({"p_treated": 0.5, "p_control": 0.3}, 261.60183),
        ({"p_treated": 0.5, "p_control": 0.3, "allocation_ratio": 3}, 349.41307),
        ({"p_treated": 0.5, "p_control": 0.1, "null": 0.2}, 201.70565),
        ({"p_treated": 0.4, "p_control": 0.2, "compare": "ratio", "null": 0.9}, 171.20812),
    ],
)
def test_rates_with_looks_reproduce_rpact(case, n_max):
    design = wang_tsiatis(information=(0.2, 0.5, 1.0), delta=0.3, alpha=0.025)
    plan = size_with_looks(design, partial(size_two_rates, **case), power=0.9)
    assert plan.n_max == pytest.approx(n_max, abs=2e-4)
    rejected = tuple(plan.under_effect.upper)
    assert rejected == pytest.approx((0.08379162, 0.40937259, 0.40683579), abs=1e-6)


def test_expected_patients_of_rates_with_looks_reproduce_rpact():
    design = wang_tsiatis(information=(0.2, 0.5, 1.0), delta=0.3, alpha=0.025)
    rates = partial(size_two_rates, p_treated=0.5, p_control=0.3)
    plan = size_with_looks(design, rates, power=0.9)
    expected = (plan.expected_n_null, plan.expected_n_halfway, plan.expected_n_effect)
    assert expected == pytest.approx((260.14823, 244.79812, 190.51949), abs=1e-3)


# B-14: R package bayesassurance, vignette 1: one normal sample; power, and assurance with a nearly
# certain design prior and a nearly flat analysis prior (sds of sigma over the root of n_d, n_a)
def test_assurance_reproduces_bayesassurance():
    sizes = np.array([10, 15, 20, 25, 30, 35])
    power = [
        assurance(
            design_prior=NormalPrior(mean=0.35, sd=0.0),
            standard_error=math.sqrt(0.3 / n),
            alpha=0.05,
            null=0.15,
        )
        for n in sizes
    ]
    assert power == pytest.approx(
        [0.3120128, 0.4087972, 0.4952685, 0.5717723, 0.63876, 0.6968609], abs=1e-6
    )
    got = [
        assurance(
            design_prior=NormalPrior(mean=0.25, sd=math.sqrt(0.104 / 1e8)),
            analysis_prior=NormalPrior(mean=0.25, sd=math.sqrt(0.104 / 1e-8)),
            standard_error=math.sqrt(0.104 / n),
            alpha=0.05,
            null=0.15,
        )
        for n in sizes
    ]
    assert got == pytest.approx(
        [0.2532578, 0.3285602, 0.3981637, 0.462388, 0.5213579, 0.5752063], abs=1e-6
    )
