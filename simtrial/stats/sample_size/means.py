"""Power, size and detectable effect for one mean and for the difference of two means.

With an estimated standard deviation the test is the t test and power comes from the noncentral t
distribution; with a known one it is the z test. The effect and the null value are on the same
scale and with the same sign (treated minus control). The test looks to the side of the null value
on which the effect lies: ``effect=0.1, null=-0.3`` is non-inferiority with a margin of 0.3 where
higher is better, ``effect=-0.1, null=0.3`` where lower is better.

Sizes are continuous. With an estimated standard deviation they leave at least one degree of
freedom: a total of 3 for two means, 2 for one.

References
----------
Julious SA. Sample sizes for clinical trials with normal data. Stat Med 2004;23:1921-1986.
Kieser M. Methods and applications of sample size calculation and recalculation in clinical
trials. Springer, 2020, chapter 3.
"""

from __future__ import annotations

import math

from simtrial.core.errors import DomainError
from simtrial.stats.sample_size.allocation import ArmSizes, split
from simtrial.stats.sample_size.levels import (
    check_finite,
    check_level,
    check_positive,
    check_power,
    needed_drift,
    normal_power,
    solve_rising,
)


def two_means_power(
    *,
    effect: float,
    sd: float,
    n_treated: float,
    n_control: float,
    alpha: float,
    sided: int,
    null: float = 0.0,
    known_sd: bool = False,
    either_side: bool = False,
) -> float:
    """Return the power of the two-sample t test (z test when the sd is known).

    Parameters
    ----------
    effect : true difference of means, treated minus control.
    sd : standard deviation of one patient, the same in both arms.
    n_treated, n_control : patients in each arm; need not be whole.
    alpha, sided : error level of the whole test, and 1 or 2 sides.
    null : difference under the null hypothesis; the margin, with its sign.
    known_sd : z test with a known standard deviation.
    either_side : count rejections of a two-sided test on the wrong side as well.

    Raises
    ------
    DomainError : for an sd, size or level outside its domain, or fewer than 2 patients in all
        when the sd is estimated.
    """
    sizes = _checked(effect, null, sd, n_treated, n_control)
    drift = abs(effect - null) / sd * math.sqrt(sizes.harmonic)
    degrees = None if known_sd else sizes.total - 2.0
    return _power(drift, degrees, alpha, sided, either_side)


def size_two_means(
    *,
    effect: float,
    sd: float,
    alpha: float,
    sided: int,
    power: float,
    allocation_ratio: float = 1.0,
    null: float = 0.0,
    known_sd: bool = False,
) -> ArmSizes:
    """Return the continuous sizes at which the two-sample test has the power.

    Parameters
    ----------
    allocation_ratio : treated patients per control patient.
    effect, sd, null, known_sd, alpha, sided : as in :func:`two_means_power`.

    Raises
    ------
    DomainError : when the effect is the null value, or an argument is outside its domain.
    """
    _check_effect(effect, null, sd)
    by_z = (needed_drift(alpha=alpha, sided=sided, power=power) * sd / (effect - null)) ** 2
    total = by_z / split(1.0, allocation_ratio).harmonic
    if known_sd:
        return split(total, allocation_ratio)

    def reached(n: float) -> float:
        arms = split(n, allocation_ratio)
        return two_means_power(
            effect=effect,
            sd=sd,
            n_treated=arms.treated,
            n_control=arms.control,
            alpha=alpha,
            sided=sided,
            null=null,
        )

    n = solve_rising(reached, power, least=3.0, start=total + 4.0, what="number of patients")
    return split(n, allocation_ratio)


def detectable_two_means(
    *,
    sd: float,
    n_treated: float,
    n_control: float,
    alpha: float,
    sided: int,
    power: float,
    known_sd: bool = False,
) -> float:
    """Return the distance of the difference from its null value that is found with the power.

    Add it to the null value, or subtract it, for the detectable difference.
    """
    sizes = _checked(0.0, 0.0, sd, n_treated, n_control)
    degrees = None if known_sd else sizes.total - 2.0
    return _drift_of(power, degrees, alpha, sided) * sd / math.sqrt(sizes.harmonic)


def one_mean_power(
    *,
    mean: float,
    sd: float,
    n: float,
    alpha: float,
    sided: int,
    null: float = 0.0,
    known_sd: bool = False,
    either_side: bool = False,
) -> float:
    """Return the power of the one-sample (or paired) t test, or z test when the sd is known.

    Parameters
    ----------
    mean, null : true mean, and the one under the null hypothesis.
    sd : of one observation; of the difference within a pair for paired observations.
    n : patients, or pairs; need not be whole.
    alpha, sided, known_sd, either_side : as in :func:`two_means_power`.

    Raises
    ------
    DomainError : for arguments outside their domain, or 1 patient when the sd is estimated.
    """
    _check_scale(mean, null, sd)
    check_positive("n", n, "n=30")
    drift = abs(mean - null) / sd * math.sqrt(n)
    return _power(drift, None if known_sd else n - 1.0, alpha, sided, either_side)


def size_one_mean(
    *,
    mean: float,
    sd: float,
    alpha: float,
    sided: int,
    power: float,
    null: float = 0.0,
    known_sd: bool = False,
) -> float:
    """Return the continuous number of patients at which the one-sample test has the power.

    Raises
    ------
    DomainError : when the mean is the null value, or an argument is outside its domain.
    """
    _check_effect(mean, null, sd)
    by_z = (needed_drift(alpha=alpha, sided=sided, power=power) * sd / (mean - null)) ** 2
    if known_sd:
        return by_z

    def reached(n: float) -> float:
        return one_mean_power(mean=mean, sd=sd, n=n, alpha=alpha, sided=sided, null=null)

    return solve_rising(reached, power, least=2.0, start=by_z + 3.0, what="number of patients")


def detectable_one_mean(
    *, sd: float, n: float, alpha: float, sided: int, power: float, known_sd: bool = False
) -> float:
    """Return the distance of the mean from its null value that is found with the power."""
    _check_scale(0.0, 0.0, sd)
    check_positive("n", n, "n=30")
    return _drift_of(power, None if known_sd else n - 1.0, alpha, sided) * sd / math.sqrt(n)


def noncentral_t_power(
    drift: float, degrees: float, alpha: float, sided: int, either_side: bool = False
) -> float:
    """Return the chance that a noncentral t variable passes the critical value of the central t.

    Parameters
    ----------
    drift : noncentrality, positive towards the effect.
    degrees : degrees of freedom, above 0; need not be whole.
    """
    from scipy.special import nctdtr, stdtrit

    check_level(alpha, sided)
    if not degrees > 0.0:
        raise DomainError(
            f"{degrees:g} degrees of freedom are left for the standard deviation; give more "
            "patients, or known_sd=True."
        )
    critical = float(stdtrit(degrees, 1.0 - alpha / sided))
    # the mirror image, so that a power near 1 keeps its digits and none is lost to 1 - x
    power = float(nctdtr(degrees, -drift, -critical))
    if either_side and sided == 2:
        power += float(nctdtr(degrees, drift, -critical))
    return power


def _power(
    drift: float, degrees: float | None, alpha: float, sided: int, either_side: bool
) -> float:
    if degrees is None:
        return normal_power(drift=drift, alpha=alpha, sided=sided, either_side=either_side)
    return noncentral_t_power(drift, degrees, alpha, sided, either_side)


def _drift_of(power: float, degrees: float | None, alpha: float, sided: int) -> float:
    """Return the noncentrality at which the test has the power."""
    check_power(power, alpha, sided)
    by_z = needed_drift(alpha=alpha, sided=sided, power=power)
    if degrees is None:
        return by_z
    return solve_rising(
        lambda drift: noncentral_t_power(drift, degrees, alpha, sided),
        power,
        least=1e-12,
        start=1.1 * by_z,
        what="effect",
    )


def _checked(effect: float, null: float, sd: float, n_treated: float, n_control: float) -> ArmSizes:
    _check_scale(effect, null, sd)
    return ArmSizes(treated=n_treated, control=n_control)


def _check_scale(effect: float, null: float, sd: float) -> None:
    check_finite("effect", effect, "effect=0.5")
    check_finite("null", null, "null=0")
    check_positive("sd", sd, "sd=1")


def _check_effect(effect: float, null: float, sd: float) -> None:
    _check_scale(effect, null, sd)
    if effect == null:
        raise DomainError(
            f"the effect is {effect:g}, the null value itself; no number of patients shows a "
            "difference that is not there. Give an effect apart from it, such as "
            f"{null + 0.5 * sd:g}."
        )
