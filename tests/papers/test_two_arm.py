"""Published and recomputed powers, errors and posterior probabilities of two-arm binary designs."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from simtrial.stats.binary.rules import Criterion, Fisher, Posterior, ZTest
from simtrial.stats.binary.superiority import superiority_table
from simtrial.stats.binary.two_arm import Characteristics, Look, TwoArm, solve
from simtrial.stats.mixtures import BetaMixture, beta, mixture

FLAT = beta(1.0, 1.0)


def superior(above: float, prior1: BetaMixture = FLAT, prior0: BetaMixture = FLAT) -> Posterior:
    return Posterior(prior1=prior1, prior0=prior0, criteria=(Criterion(above=above),))


def one_look(rule: Posterior | ZTest | Fisher, n1: int, n0: int) -> TwoArm:
    return solve([(n1, n0)], [Look(success=rule)])


# P2-04. Kieser M, Fallzahlberechnung in der medizinischen Forschung, Springer 2018, table 5.2: the
# exact power of the chi-square test (one-sided 0.025) at its approximate size, 1:1; also in the
# tests of the R package samplesizr. Printed in percent with 1 digit.
@pytest.mark.parametrize(
    ("control", "n", "percent"),
    [
        (0.1, 124, 81.0),
        (0.2, 164, 80.7),
        (0.3, 186, 79.9),
        (0.4, 194, 80.7),
        (0.5, 186, 79.9),
        (0.6, 164, 80.7),
        (0.7, 124, 81.0),
    ],
)
def test_the_exact_power_of_the_chi_square_test_is_that_of_kieser(
    control: float, n: int, percent: float
) -> None:
    rule = ZTest(critical=NormalDist().inv_cdf(0.975), variance="pooled")
    found = one_look(rule, n // 2, n // 2).at(control + 0.2, control)
    assert 100.0 * found.power == pytest.approx(percent, abs=0.06)


# P2-07. Settings of the help pages of Exact::power.exact.test and exact2x2::power2x2, and of
# Kieser 2018, section 5.3; the powers are a full enumeration made apart from this package.
@pytest.mark.parametrize(
    ("sizes", "rates", "rule", "power"),
    [
        ((30, 15), (0.60, 0.15), Fisher(alpha=0.05, sided=2), 0.80494678),
        ((15, 12), (0.80, 0.20), Fisher(alpha=0.05, sided=2), 0.86049723),
        ((63, 63), (0.30, 0.10), Fisher(alpha=0.025, sided=1), 0.75814283),
    ],
    ids=["two-sided, 15 and 30", "two-sided, 12 and 15", "one-sided, 63 each"],
)
def test_the_power_of_fishers_test_is_that_of_full_enumeration(
    sizes: tuple[int, int], rates: tuple[float, float], rule: Fisher, power: float
) -> None:
    assert one_look(rule, *sizes).at(*rates).power == pytest.approx(power, abs=1e-6)


# B-01. Thompson WR, Biometrika 1933;25:285-294 (the finite sum); no printed numbers: the sum and a
# 400-point quadrature, made apart from this package, agree to 1e-12.
@pytest.mark.parametrize(
    ("y1", "n1", "y0", "n0", "probability"),
    [
        (12, 20, 8, 20, 0.8916401999),
        (15, 20, 9, 20, 0.9710771435),
        (37, 47, 21, 48, 0.9997655733),
    ],
)
def test_the_posterior_probability_of_a_higher_rate_is_the_finite_sum(
    y1: int, n1: int, y0: int, n0: int, probability: float
) -> None:
    assert superiority_table(FLAT, FLAT, n1, n0)[y1, y0] == pytest.approx(probability, abs=1e-8)


# B-03 and B-05. R package RBesT, vignette "introduction" (ankylosing spondylitis, 24 patients on
# the active drug, 6 on placebo): the historical prior of placebo, and its robust form.
MAP = ((0.6167463, 19.1916387, 57.7779318), (0.3832537, 3.5278745, 9.373598))
TREATED = beta(0.5, 1.0)
HISTORICAL = mixture(MAP)
ROBUST = mixture([*((0.8 * w, a, b) for w, a, b in MAP), (0.2, 1.0, 1.0)])


# B-03. The two decisions are printed; the probabilities were recomputed by quadrature.
@pytest.mark.parametrize(
    ("y1", "y0", "probability", "success"), [(15, 3, 0.98387, True), (14, 4, 0.93262, False)]
)
def test_one_responder_in_each_arm_turns_the_decision_of_the_rbest_vignette(
    y1: int, y0: int, probability: float, success: bool
) -> None:
    assert superiority_table(TREATED, HISTORICAL, 24, 6)[y1, y0] == pytest.approx(
        probability, abs=1e-4
    )
    assert superior(0.95, TREATED, HISTORICAL).table(24, 6)[y1, y0] == success


# B-05. The vignette draws curves; the numbers, to 4 digits, are a full enumeration made apart from
# this package. "uniform" has a flat prior of placebo at 24 and 6; "classic" flat priors of both at
# 24 and 24 (the case does not say so; of the priors in the vignette only these give its numbers).
@pytest.mark.parametrize(
    ("treated", "placebo", "n0", "errors"),
    [
        (TREATED, FLAT, 6, (0.0000, 0.0033, 0.0191, 0.0340, 0.0415)),
        (FLAT, FLAT, 24, (0.0376, 0.0509, 0.0482, 0.0525, 0.0557)),
        (TREATED, HISTORICAL, 6, (0.0000, 0.0051, 0.0528, 0.1900, 0.3878)),
        (TREATED, ROBUST, 6, (0.0000, 0.0049, 0.0442, 0.1253, 0.1899)),
    ],
    ids=["uniform", "classic", "historical", "robust"],
)
def test_the_type_1_error_of_the_rbest_designs_is_that_of_full_enumeration(
    treated: BetaMixture, placebo: BetaMixture, n0: int, errors: tuple[float, ...]
) -> None:
    design = one_look(superior(0.95, treated, placebo), 24, n0)
    found = [design.at(rate, rate).power for rate in (0.1, 0.2, 0.3, 0.4, 0.5)]
    assert found == pytest.approx(errors, abs=6e-5)


# CA-01. RBesT asserts in its tests (test-oc2S.R) that these errors are near 0.05 and 0.025; the
# numbers are a full enumeration made apart from this package. 100 patients in each arm.
@pytest.mark.parametrize(
    ("above", "errors", "power"),
    [
        (0.95, (0.0487, 0.0489, 0.0500, 0.0518), 0.8952),
        (0.975, (0.0235, 0.0242, 0.0247, 0.0280), 0.8316),
    ],
)
def test_error_and_power_of_a_posterior_threshold_are_those_of_full_enumeration(
    above: float, errors: tuple[float, ...], power: float
) -> None:
    design = one_look(superior(above), 100, 100)
    found = [design.at(rate, rate).power for rate in (0.1, 0.2, 0.3, 0.5)]
    assert found == pytest.approx(errors, abs=6e-5)
    assert design.at(0.5, 0.3).power == pytest.approx(power, abs=6e-5)


# PP-01. A fixed power prior (Ibrahim JG, Chen M-H, Stat Sci 2000;15:46-60) of half the weight of
# 12 of 50: Beta(1 + 6, 1 + 19), and then 6 of 20. Mean and SD in closed form.
def test_a_power_prior_of_half_the_weight_is_a_beta_prior_of_half_the_patients() -> None:
    prior = beta(1.0 + 0.5 * 12, 1.0 + 0.5 * (50 - 12))
    after = prior.posterior(6, 20)
    assert after.mean == pytest.approx(0.276595744681, abs=1e-9)
    assert after.sd == pytest.approx(0.06456433, abs=1e-6)


# PP-01. The normalised power prior (Duan Y, Ye K, Smith EP, Environmetrics 2006;17:95-106) with a
# flat prior of the weight is a mixture over the weight. Its mean by quadrature is 0.5415829858,
# given with 5 digits; the 2,000 midpoints here are exact to 1e-7.
def test_a_normalised_power_prior_is_a_mixture_over_the_weight() -> None:
    weight = (np.arange(2_000) + 0.5) / 2_000
    prior = mixture([(1 / 2_000, 1.0 + w * 12, 1.0 + w * 38) for w in weight])
    assert weight @ prior.weights_after(20)[:, 6] == pytest.approx(0.54158, abs=6e-5)


# The figures that every part of this package must give to 5 digits: 50 in each arm, flat priors,
# 0.40 against 0.70. From a full enumeration made apart from it. Half of the last digit.
def test_the_exact_figures_of_fifty_in_each_arm() -> None:
    half = 0.5e-5

    def at_rates(looks: list[tuple[int, int]], above: float) -> tuple[Characteristics, float]:
        design = solve(looks, [Look(success=superior(above))] * len(looks))
        return design.at(0.70, 0.40), design.at(0.40, 0.40).power

    found, error = at_rates([(50, 50)], 0.975)
    assert found.power == pytest.approx(0.87632, abs=half)
    assert error == pytest.approx(0.02619, abs=half)

    looks = [(17, 17), (33, 33), (50, 50)]
    found, error = at_rates(looks, 0.989)
    assert found.power == pytest.approx(0.80166, abs=half)
    assert found.expected_n == pytest.approx(69.96, abs=0.005)
    assert found.success == pytest.approx([0.3125, 0.2768, 0.2124], abs=0.5e-4)
    assert error == pytest.approx(0.02362, abs=half)

    found, error = at_rates(looks, 0.975)
    assert found.power == pytest.approx(0.89725, abs=half)
    assert found.expected_n == pytest.approx(60.94, abs=0.005)
    assert found.success == pytest.approx([0.4500, 0.2751, 0.1721], abs=0.5e-4)
    assert error == pytest.approx(0.05609, abs=half)
