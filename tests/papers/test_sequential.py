"""Published values of group sequential designs, each within the tolerance of its printed digits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simtrial.stats.sequential.boundaries import (
    equal_information,
    from_spending,
    haybittle_peto,
    obrien_fleming,
    pocock,
)
from simtrial.stats.sequential.characteristics import (
    characteristics,
    cumulative_error,
    inflation_factor,
    required_drift,
    sample_size_ratios,
)
from simtrial.stats.sequential.conditional import conditional_power
from simtrial.stats.sequential.probabilities import exit_probabilities
from simtrial.stats.sequential.spending import Spending


def close(seen: object, printed: object, tolerance: float) -> None:
    np.testing.assert_allclose(seen, printed, rtol=0, atol=tolerance)  # type: ignore[arg-type]


def test_constants_and_inflation_of_jennison_and_turnbull_tables_2_1_to_2_4() -> None:
    # GS-01. Jennison & Turnbull 2000, tables 2.1-2.4: two-sided 5 %, 2 to 5 looks
    printed = {
        2: (2.178, 1.977, 1.110, 1.100, 1.008, 1.007),
        3: (2.289, 2.004, 1.166, 1.151, 1.017, 1.016),
        4: (2.361, 2.024, 1.202, 1.183, 1.024, 1.022),
        5: (2.413, 2.040, 1.229, 1.207, 1.028, 1.026),
    }
    for looks, row in printed.items():
        information = equal_information(looks)
        flat = pocock(information=information, alpha=0.05, sided=2)
        steep = obrien_fleming(information=information, alpha=0.05, sided=2)
        seen = (
            flat.efficacy[-1],
            steep.efficacy[-1],
            *(inflation_factor(d, power) for d in (flat, steep) for power in (0.8, 0.9)),
        )
        close(seen, row, 0.0006)


def test_expected_size_of_obrien_fleming_at_5_and_20_looks() -> None:
    # GS-03. Jennison & Turnbull 2000, by gsDesign test.JT.OFss: percent of the fixed sample size
    for looks, power, largest, without_effect in ((5, 0.8, 102.8, 102.1), (20, 0.9, 104.5, 103.4)):
        design = obrien_fleming(information=equal_information(looks), alpha=0.05, sided=2)
        ratios = sample_size_ratios(design, power)
        close((100 * ratios.inflation, 100 * ratios.expected_h0), (largest, without_effect), 0.06)


def test_repeated_testing_at_1_96_has_the_error_of_armitage_mcpherson_and_rowe() -> None:
    # GS-05. Armitage, McPherson & Rowe 1969; the lower bound also stops
    printed = {2: (0.042, 0.083), 4: (0.063, 0.126), 10: (0.097, 0.193), 20: (0.124, 0.248)}
    for looks, (one_side, both) in printed.items():
        seen = exit_probabilities(
            information=equal_information(looks), upper=[1.96] * looks, lower=[-1.96] * looks
        )
        close((seen.upper.sum(), (seen.upper + seen.lower).sum()), (one_side, both), 0.0006)


def test_the_default_design_of_rpact() -> None:
    # GS-06. rpact's own tests: O'Brien-Fleming, three looks, one-sided 2.5 %
    design = obrien_fleming(information=equal_information(3), alpha=0.025)
    close(design.efficacy, (3.4710914, 2.4544323, 2.0040356), 2e-6)
    close(cumulative_error(design), (0.00025917372, 0.0071600594, 0.025), 2e-7)
    close(design.stage_levels, (0.00025917372, 0.0070553616, 0.022533125), 2e-7)


def test_two_sided_spending_at_uneven_looks() -> None:
    # GS-08. rpact's own tests. The second bound of the first design is 4.859955 exactly; rpact has
    # 4.860040, as 1e-6 of error is spent there: hence 2e-4.
    design = from_spending(
        information=(0.15, 0.25, 0.8, 1.0),
        alpha=0.025,
        sided=2,
        spending=Spending(family="obrien_fleming"),
    )
    close(design.efficacy, (6.3431527, 4.8600403, 2.560259, 2.292451), 2e-4)
    close(cumulative_error(design), (2.2511014e-10, 1.1742122e-6, 0.01045986, 0.025), 1e-8)
    design = from_spending(
        information=(0.3, 0.4, 0.8, 1.0),
        alpha=0.05,
        sided=2,
        spending=Spending(family="kim_demets", parameter=2.5),
    )
    close(design.efficacy, (3.0276355, 2.8984727, 2.2289649, 2.0639032), 2e-6)
    close(cumulative_error(design), (0.0024647515, 0.0050596443, 0.028621671, 0.05), 1e-8)


def test_alpha_and_beta_spending_of_hwang_shih_and_de_cani() -> None:
    # GS-10. rpact's own tests: gamma -1 and -2, alpha 0.07, beta 0.14, futility not binding
    design = from_spending(
        information=(0.2, 0.4, 1.0),
        alpha=0.07,
        beta=0.14,
        spending=Spending(family="hwang_shih_de_cani", parameter=-1.0),
        beta_spending=Spending(family="hwang_shih_de_cani", parameter=-2.0),
    )
    close(design.efficacy, (2.364813, 2.1928805, 1.5660474), 3e-6)
    close(design.interim_futility, (-1.1063623, -0.35992439), 3e-6)
    ratios = sample_size_ratios(design, 0.86)
    seen = characteristics(design, ratios.drift)
    close(np.cumsum(seen.upper), (0.12038953, 0.32895265, 0.86), 3e-6)
    close(ratios.drift**2, 7.1015942, 3e-6)
    close(ratios.inflation, 1.0869177, 3e-6)
    expected = (ratios.expected_h1, ratios.expected_h01, ratios.expected_h0)
    close(expected, (0.82636428, 0.916142, 0.79471657), 3e-6)


@pytest.mark.parametrize(
    ("binding", "efficacy", "futility"),
    [
        (False, (1.5446617, 1.4828682, 1.4620058), (-1.2557044, -0.16828659)),
        (True, (1.5446617, 1.4827312, 1.4588737), (-1.2569879, -0.17011271)),
    ],
)
def test_futility_that_binds_and_that_does_not(
    binding: bool, efficacy: tuple[float, ...], futility: tuple[float, ...]
) -> None:
    # GS-12. rpact's own tests: Pocock-type alpha spending, given beta spending
    design = from_spending(
        information=(0.35, 0.7, 1.0),
        alpha=0.13,
        beta=0.3,
        spending=Spending(family="pocock"),
        beta_spending=Spending(family="given", cumulative_error=(0.01, 0.05, 0.3)),
        binding=binding,
    )
    close(design.efficacy, efficacy, 3e-6)
    close(design.interim_futility, futility, 3e-6)


def test_haybittle_and_peto_at_four_looks() -> None:
    # GS-15. rpact's own tests
    design = haybittle_peto(information=equal_information(4), alpha=0.025, early=3.0)
    close(design.efficacy, (3.0, 3.0, 3.0, 1.9827514), 2e-6)
    close(cumulative_error(design), (0.001349898, 0.0024617416, 0.0033695882, 0.025), 2e-6)


def test_exits_at_1_645_over_four_looks() -> None:
    # GS-17. rpact's own tests of its group sequential probabilities
    z = 1.6448536
    seen = exit_probabilities(information=equal_information(4), upper=[z] * 4, lower=[-z] * 4)
    printed = (0.05, 0.030074925, 0.020961248, 0.01595848)
    close(seen.upper, printed, 1e-8)
    close(seen.lower, printed, 1e-8)


@pytest.mark.parametrize(
    ("looks", "rho", "printed"),
    [
        (3, 1.0, (111.7, 109.9, 103.4, 81.2, 56.5)),
        (10, 2.0, (108.1, 106.6, 99.7, 76.2, 51.0)),
        (2, 3.0, (101.0, 100.7, 98.9, 89.5, 70.7)),
    ],
)
def test_two_sided_power_family(looks: int, rho: float, printed: tuple[float, ...]) -> None:
    # GS-19. Jennison & Turnbull 2000, by gsDesign test.JT.Power.symm: percent of the fixed sample
    # size; the largest, and expected at 0, 0.5, 1 and 1.5 of the effect
    design = from_spending(
        information=equal_information(looks),
        alpha=0.05,
        sided=2,
        spending=Spending(family="kim_demets", parameter=rho),
    )
    drift, inflation = required_drift(design, 0.8), inflation_factor(design, 0.8)
    expected = [
        inflation * characteristics(design, share * drift).expected_information
        for share in (0.0, 0.5, 1.0, 1.5)
    ]
    close(100 * np.array([inflation, *expected]), printed, 0.06)


def test_conditional_power_over_two_looks_of_east() -> None:
    # GS-25. East 6.5, by gsDesign: symmetric two-sided, gamma -4, 800 patients in the fixed trial
    design = from_spending(
        information=equal_information(3),
        alpha=0.05,
        sided=2,
        spending=Spending(family="hwang_shih_de_cani", parameter=-4.0),
    )
    n = 800 * inflation_factor(design, 0.9)
    close(design.efficacy, (3.010739, 2.546531, 1.999226), 1e-5)
    close(n * np.array(design.information), (270.719, 541.438, 812.158), 0.01)
    seen = conditional_power(
        design, at=design.information[0], z=0.943317, drift=0.05733214 * math.sqrt(n)
    )
    close(seen.power, 0.3306859, 1e-6)
