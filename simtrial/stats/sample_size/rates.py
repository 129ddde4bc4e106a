"""Power, size and detectable rate for two rates, as a difference or a ratio, and for one rate.

Normal approximation without continuity correction. The variance under the null hypothesis is that
of the rates which satisfy it and are most likely given the assumed ones (for no difference: the
pooled rate), the variance under the alternative that of the assumed rates. So the one method covers
superiority, non-inferiority and super-superiority:

- ``compare="difference"``: p_treated - p_control against ``null`` (0 when left out);
- ``compare="ratio"``: p_treated / p_control against ``null`` (1 when left out).

The test looks to the side of the null value on which the assumed rates lie. Small trials deserve an
exact test; this is for planning larger ones and for comparison with published sizes.

References
----------
Farrington CP, Manning G. Test statistics and sample size formulae for comparative binomial trials
with null hypothesis of non-zero risk difference or non-unity relative risk. Stat Med
1990;9:1447-54.
"""

from __future__ import annotations

import math
from typing import Literal

from simtrial.core.errors import DomainError
from simtrial.stats.restricted import restricted_treated
from simtrial.stats.sample_size.allocation import ArmSizes, split
from simtrial.stats.sample_size.levels import (
    check_positive,
    check_power,
    critical_z,
    needed_drift,
    normal_power,
)

Compare = Literal["difference", "ratio"]


def two_rates_power(
    *,
    p_treated: float,
    p_control: float,
    n_treated: float,
    n_control: float,
    alpha: float,
    sided: int,
    compare: Compare = "difference",
    null: float | None = None,
    either_side: bool = False,
) -> float:
    """Return the power of the score test of two rates.

    Parameters
    ----------
    p_treated, p_control : true rates, in 0..1.
    n_treated, n_control : patients in each arm; need not be whole.
    alpha, sided : error level of the whole test, and 1 or 2 sides.
    compare, null : the contrast and its value under the null hypothesis; see the module.
    either_side : count rejections of a two-sided test on the wrong side as well.

    Raises
    ------
    DomainError : for rates, a null value, sizes or a level outside their domain.
    """
    null = _null_value(compare, null)
    _check_rates(p_treated, p_control)
    sizes = ArmSizes(treated=n_treated, control=n_control)
    sd_null, sd_true = _standard_deviations(
        p_treated, p_control, sizes.allocation_ratio, compare, null
    )
    distance = abs(_contrast(p_treated, p_control, compare, null)) * math.sqrt(sizes.total)
    if sd_null == 0.0 or sd_true == 0.0:
        raise DomainError(
            f"rates {p_treated:g} and {p_control:g} leave no variance; a normal approximation "
            "needs rates between 0 and 1, such as 0.3 and 0.5."
        )
    return normal_power(
        drift=distance / sd_null,
        spread=sd_true / sd_null,
        alpha=alpha,
        sided=sided,
        either_side=either_side,
    )


def size_two_rates(
    *,
    p_treated: float,
    p_control: float,
    alpha: float,
    sided: int,
    power: float,
    allocation_ratio: float = 1.0,
    compare: Compare = "difference",
    null: float | None = None,
) -> ArmSizes:
    """Return the continuous sizes at which the score test of two rates has the power.

    Parameters
    ----------
    allocation_ratio : treated patients per control patient.
    p_treated, p_control, alpha, sided, compare, null : as in :func:`two_rates_power`.

    Raises
    ------
    DomainError : when the rates satisfy the null hypothesis, or an argument is outside its domain.
    """
    null = _null_value(compare, null)
    _check_rates(p_treated, p_control)
    unit = split(1.0, allocation_ratio)
    distance = _contrast(p_treated, p_control, compare, null)
    # rates are typed as decimals: 0.5 - 0.2 - 0.3 is no effect, whatever binary makes of it
    if abs(distance) < 1e-12:
        raise DomainError(
            f"rates {p_treated:g} and {p_control:g} have a {compare} of {null:g}, the null value "
            "itself; no number of patients shows a difference that is not there."
        )
    sd_null, sd_true = _standard_deviations(
        p_treated, p_control, unit.allocation_ratio, compare, null
    )
    check_power(power, alpha, sided)
    z_alpha = critical_z(alpha, sided)
    z_power = needed_drift(alpha=alpha, sided=sided, power=power) - z_alpha
    root = (z_alpha * sd_null + z_power * sd_true) / abs(distance)
    if not root > 0.0:
        raise DomainError(
            f"power {power:g} is below what any size has at these rates; give more, such as 0.9."
        )
    return split(root * root, allocation_ratio)


def detectable_rate(
    *,
    p_control: float,
    n_treated: float,
    n_control: float,
    alpha: float,
    sided: int,
    power: float,
    compare: Compare = "difference",
    null: float | None = None,
    higher: bool = True,
) -> float:
    """Return the treated rate nearest the null value that is found with the power.

    In trials of some ten patients in an arm the approximate power is not monotone where it is below
    a quarter; then the rate has the power, but a nearer one may have it too.

    Parameters
    ----------
    higher : look above the null value; below it otherwise.
    p_control, n_treated, n_control, alpha, sided, compare, null : as in :func:`two_rates_power`.

    Raises
    ------
    DomainError : when not even a rate of 1 (or 0) is found with the power.
    """
    from scipy.optimize import brentq

    check_power(power, alpha, sided)
    null = _null_value(compare, null)
    start = p_control + null if compare == "difference" else p_control * null
    end = 1.0 if higher else 0.0
    if not 0.0 < start < 1.0:
        raise DomainError(
            f"a {compare} of {null:g} from a control rate of {p_control:g} is a treated rate of "
            f"{start:g}; it must lie between 0 and 1."
        )

    def excess(p_treated: float) -> float:
        return (
            two_rates_power(
                p_treated=p_treated,
                p_control=p_control,
                n_treated=n_treated,
                n_control=n_control,
                alpha=alpha,
                sided=sided,
                compare=compare,
                null=null,
            )
            - power
        )

    if excess(end) < 0.0:
        raise DomainError(
            f"a treated rate of {end:g} against {p_control:g} has a power of "
            f"{excess(end) + power:.3f} with {n_treated:g} and {n_control:g} patients, below "
            f"{power:g}; give more patients or a lower power."
        )
    return float(brentq(excess, start, end, xtol=1e-15, rtol=1e-14))


def one_rate_power(
    *,
    p: float,
    null: float,
    n: float,
    alpha: float,
    sided: int,
    either_side: bool = False,
) -> float:
    """Return the power of the normal test of one rate against a constant.

    The variance is null (1 - null) / n under the null hypothesis and p (1 - p) / n else.

    Parameters
    ----------
    p, null : true rate, and the one under the null hypothesis; between 0 and 1.
    n : patients; need not be whole.
    alpha, sided, either_side : as in :func:`two_rates_power`.
    """
    _check_one(p, null)
    check_positive("n", n, "n=40")
    sd_null = math.sqrt(null * (1.0 - null))
    return normal_power(
        drift=abs(p - null) * math.sqrt(n) / sd_null,
        spread=math.sqrt(p * (1.0 - p)) / sd_null,
        alpha=alpha,
        sided=sided,
        either_side=either_side,
    )


def size_one_rate(*, p: float, null: float, alpha: float, sided: int, power: float) -> float:
    """Return the continuous number of patients at which the test of one rate has the power.

    Raises
    ------
    DomainError : when the rate is the null value, or an argument is outside its domain.
    """
    _check_one(p, null)
    if p == null:
        raise DomainError(f"p is {p:g}, the null value itself; give a rate apart from it.")
    z_alpha = critical_z(alpha, sided)
    z_power = needed_drift(alpha=alpha, sided=sided, power=power) - z_alpha
    sd_null, sd_true = math.sqrt(null * (1.0 - null)), math.sqrt(p * (1.0 - p))
    root = (z_alpha * sd_null + z_power * sd_true) / abs(p - null)
    if not root > 0.0:
        raise DomainError(
            f"power {power:g} is below what any size has at this rate; give more, such as 0.9."
        )
    return root * root


def restricted_rates(
    p_treated: float,
    p_control: float,
    *,
    allocation_ratio: float,
    compare: Compare,
    null: float,
) -> tuple[float, float]:
    """Return the treated and the control rate that satisfy the null hypothesis and fit best.

    They maximise the likelihood that patients in the allocation ratio with the given rates have
    on average, under p_treated - p_control = null or p_treated / p_control = null.

    Parameters
    ----------
    allocation_ratio : treated patients per control patient.

    References
    ----------
    Farrington CP, Manning G. Stat Med 1990;9:1447-54, appendix.
    """
    shift, factor = (0.0, null) if compare == "ratio" else (null, 1.0)
    treated = restricted_treated(p_treated, p_control, allocation_ratio, shift, factor)
    return treated, min(max((treated - shift) / factor, 0.0), 1.0)


def _standard_deviations(
    p_treated: float, p_control: float, allocation_ratio: float, compare: Compare, null: float
) -> tuple[float, float]:
    """Return the sd of the contrast for one patient in all, under the null and in truth."""
    factor = null if compare == "ratio" else 1.0
    unit = split(1.0, allocation_ratio)

    def spread(treated: float, control: float) -> float:
        return math.sqrt(
            treated * (1.0 - treated) / unit.treated
            + factor**2 * control * (1.0 - control) / unit.control
        )

    restricted = restricted_rates(
        p_treated, p_control, allocation_ratio=allocation_ratio, compare=compare, null=null
    )
    return spread(*restricted), spread(p_treated, p_control)


def _contrast(p_treated: float, p_control: float, compare: Compare, null: float) -> float:
    if compare == "ratio":
        return p_treated - null * p_control
    return p_treated - p_control - null


def _null_value(compare: Compare, null: float | None) -> float:
    if compare not in ("difference", "ratio"):
        raise DomainError(f"compare is {compare!r}; choose 'difference' or 'ratio'.")
    if null is None:
        return 1.0 if compare == "ratio" else 0.0
    if compare == "ratio" and not 0.0 < null < math.inf:
        raise DomainError(f"null is {null:g}; a ratio of rates is above 0, such as null=0.9.")
    if compare == "difference" and not -1.0 < null < 1.0:
        raise DomainError(
            f"null is {null:g}; a difference of rates is between -1 and 1, such as null=-0.1 for "
            "a margin of 10 percentage points."
        )
    return null


def _check_rates(p_treated: float, p_control: float) -> None:
    for name, p in (("p_treated", p_treated), ("p_control", p_control)):
        if not 0.0 <= p <= 1.0:
            raise DomainError(f"{name} is {p:g}; a rate is from 0 to 1, such as 0.4 for 40 %.")


def _check_one(p: float, null: float) -> None:
    for name, rate in (("p", p), ("null", null)):
        if not 0.0 < rate < 1.0:
            raise DomainError(f"{name} is {rate:g}; it must be between 0 and 1, such as 0.4.")
