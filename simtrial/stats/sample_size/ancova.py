"""Means adjusted for a baseline covariate: the variance factor, exact power, and the F test.

A covariate that correlates with the outcome by rho leaves 1 - rho^2 of its variance. Adjusting
costs a degree of freedom and, in a randomised trial, a little precision for the chance imbalance
of the covariate between arms; :func:`ancova_power` counts both, the plain factor neither.

References
----------
Borm GF, Fransen J, Lemmens WAJG. A simple sample size formula for analysis of covariance in
randomized clinical trials. J Clin Epidemiol 2007;60:1234-1238.
Shieh G. Power and sample size calculations for contrast analysis in ANCOVA. Multivariate Behav
Res 2017;52:1-11 (power over the distribution of a normal covariate).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simtrial.core.errors import DomainError
from simtrial.stats.sample_size.allocation import ArmSizes, split
from simtrial.stats.sample_size.levels import (
    check_finite,
    check_level,
    check_positive,
    check_power,
    needed_drift,
    solve_rising,
)

# Nodes over the imbalance of the covariate. The integrand is analytic: 24 and 48 nodes differ by
# less than 1e-12 from a total of 4 patients to a million.
_NODES = 32


@dataclass(frozen=True, kw_only=True)
class FPower:
    """Power of an F test with what it comes from."""

    power: float
    noncentrality: float
    numerator_degrees: float
    denominator_degrees: float


def variance_factor(correlation: float) -> float:
    """Return 1 - rho^2, the share of variance (and of patients) that adjusting leaves.

    Multiply a size by it, or the standard deviation by its root, for Borm's approximation.

    Raises
    ------
    DomainError : when the correlation is not between -1 and 1.
    """
    if not -1.0 < correlation < 1.0:
        raise DomainError(
            f"correlation is {correlation:g}; it must be between -1 and 1, such as 0.5."
        )
    return 1.0 - correlation * correlation


def ancova_power(
    *,
    effect: float,
    sd: float,
    correlation: float,
    n_treated: float,
    n_control: float,
    alpha: float,
    sided: int,
    null: float = 0.0,
) -> float:
    """Return the power of the t test of the adjusted difference, with one normal covariate.

    Given the covariate the statistic is noncentral t with total - 3 degrees of freedom. Chance
    imbalance of the covariate multiplies the noncentrality by the root of a
    Beta((total - 2) / 2, 1/2) variable, over which power is averaged. The result is exact for a
    normal covariate with equal slopes in the arms.

    Parameters
    ----------
    effect, null : difference of means, treated minus control: the true one, the one to reject.
    sd : standard deviation of the outcome, not adjusted.
    correlation : of covariate and outcome within an arm.
    n_treated, n_control : patients in each arm, more than 3 in all.
    alpha, sided : error level of the whole test, and 1 or 2 sides.
    """
    from scipy.special import nctdtr, stdtrit

    check_finite("effect", effect, "effect=0.5")
    check_finite("null", null, "null=0")
    check_positive("sd", sd, "sd=1")
    sizes = ArmSizes(treated=n_treated, control=n_control)
    if not sizes.total > 3.0:
        raise DomainError(
            f"{sizes.total:g} patients leave no degree of freedom beside two means and a slope; "
            "give more than 3."
        )
    residual_sd = sd * math.sqrt(variance_factor(correlation))
    drift = abs(effect - null) / residual_sd * math.sqrt(sizes.harmonic)
    degrees = sizes.total - 3.0
    balance, weight = _balance_nodes(sizes.total)
    critical = float(stdtrit(degrees, 1.0 - alpha / sided))
    # the mirror image of the upper tail, so that a power near 1 keeps its digits
    return float(weight @ nctdtr(degrees, -drift * balance, -critical))


def size_ancova(
    *,
    effect: float,
    sd: float,
    correlation: float,
    alpha: float,
    sided: int,
    power: float,
    allocation_ratio: float = 1.0,
    null: float = 0.0,
) -> ArmSizes:
    """Return the continuous sizes at which :func:`ancova_power` is the power.

    Parameters
    ----------
    allocation_ratio : treated patients per control patient.
    """
    if effect == null:
        raise DomainError(
            f"the effect is {effect:g}, the null value itself; give one apart from it, such as "
            f"{null + 0.5 * sd:g}."
        )
    factor = variance_factor(correlation)
    check_positive("sd", sd, "sd=1")
    drift = needed_drift(alpha=alpha, sided=sided, power=power)
    total = factor * (drift * sd / (effect - null)) ** 2 / split(1.0, allocation_ratio).harmonic

    def reached(n: float) -> float:
        arms = split(n, allocation_ratio)
        return ancova_power(
            effect=effect,
            sd=sd,
            correlation=correlation,
            n_treated=arms.treated,
            n_control=arms.control,
            alpha=alpha,
            sided=sided,
            null=null,
        )

    n = solve_rising(reached, power, least=4.0, start=total + 6.0, what="number of patients")
    return split(n, allocation_ratio)


def f_test_power(
    *, partial_eta_squared: float, groups: int, n: float, alpha: float, covariates: int = 0
) -> FPower:
    """Return the power of the F test that groups of equal size have equal (adjusted) means.

    The noncentrality is n f^2 with f^2 = eta^2 / (1 - eta^2) and all patients in n; the
    denominator has n - groups - covariates degrees of freedom.

    Parameters
    ----------
    partial_eta_squared : share of variance that the groups explain of what covariates leave.
    groups : number of groups, 2 or more.
    n : patients in all groups together.
    alpha : error level; an F test has no sides.
    covariates : number of covariates adjusted for.

    References
    ----------
    Cohen J. Statistical power analysis for the behavioral sciences. 2nd ed. Erlbaum, 1988, ch. 8.
    """
    from scipy.special import fdtri, ncfdtr

    check_level(alpha, 1)
    if not 0.0 <= partial_eta_squared < 1.0:
        raise DomainError(
            f"partial_eta_squared is {partial_eta_squared:g}; it is a share of variance from 0 to "
            "below 1, such as 0.06."
        )
    if groups < 2 or covariates < 0:
        raise DomainError(
            f"groups is {groups} and covariates {covariates}; give at least 2 groups and 0 "
            "covariates."
        )
    numerator, denominator = float(groups - 1), float(n - groups - covariates)
    if not denominator > 0.0:
        raise DomainError(
            f"n is {n:g}; {groups} means and {covariates} slopes leave {denominator:g} degrees of "
            f"freedom. Give more than {groups + covariates} patients."
        )
    noncentrality = n * partial_eta_squared / (1.0 - partial_eta_squared)
    critical = float(fdtri(numerator, denominator, 1.0 - alpha))
    return FPower(
        power=1.0 - float(ncfdtr(numerator, denominator, noncentrality, critical)),
        noncentrality=noncentrality,
        numerator_degrees=numerator,
        denominator_degrees=denominator,
    )


def size_f_test(
    *, partial_eta_squared: float, groups: int, alpha: float, power: float, covariates: int = 0
) -> float:
    """Return the continuous number of patients in all groups at which the F test has the power."""
    check_power(power, alpha, 1)
    if not partial_eta_squared > 0.0:
        raise DomainError(
            f"partial_eta_squared is {partial_eta_squared:g}; without an effect no number of "
            "patients is enough. Give one above 0, such as 0.06."
        )

    def reached(n: float) -> float:
        return f_test_power(
            partial_eta_squared=partial_eta_squared,
            groups=groups,
            n=n,
            alpha=alpha,
            covariates=covariates,
        ).power

    least = groups + covariates + 1.0
    return solve_rising(reached, power, least=least, start=2.0 * least, what="number of patients")


def _balance_nodes(total: float) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights of y = sqrt(B), B of Beta((total - 2) / 2, 1/2), both (nodes,).

    Its density is y^(total - 3) (1 - y^2)^(-1/2). The parts that are not smooth at the ends,
    y^(total - 3) and (1 - y)^(-1/2), are the weight of Jacobi polynomials on 0..1, and what is
    left is multiplied in. Nodes are eigenvalues of the recurrence (Golub & Welsch 1969), which
    keeps the weights summing to 1 and so cannot overflow in large trials.
    """
    from scipy.linalg import eigh_tridiagonal

    a, b = -0.5, total - 3.0
    k = np.arange(_NODES, dtype=float)
    s = 2.0 * k + a + b
    diagonal = np.empty(_NODES)
    diagonal[0] = (b - a) / (a + b + 2.0)
    diagonal[1:] = (b * b - a * a) / (s[1:] * (s[1:] + 2.0))
    k, s = k[1:], s[1:]
    square = 4.0 * k * (k + a) * (k + b) * (k + a + b) / (s * s * (s + 1.0) * (s - 1.0))
    # k = 1: (k + a + b) / (s - 1) is 1, also where both vanish
    square[0] = 4.0 * (1.0 + a) * (1.0 + b) / (s[0] ** 2 * (s[0] + 1.0))
    nodes, vectors = eigh_tridiagonal(diagonal, np.sqrt(square))
    y = (1.0 + nodes) / 2.0
    weight = vectors[0] ** 2 / np.sqrt(1.0 + y)
    return y, weight / weight.sum()
