"""Assurance in closed form: the chance of success when the effect has a normal prior.

The estimate of an effect is normal around it with a known standard error. Success is a one-sided
significant result, or, with an analysis prior, a posterior probability of at least 1 - alpha that
the effect is above its null value. The effect counts upwards; where lower is better, change the
signs of prior means and null value.

References
----------
O'Hagan A, Stevens JW, Campbell MJ. Assurance in clinical trial design. Pharm Stat 2005;4:187-201.
Pan J, Banerjee S. bayesassurance: an R package for calculating sample size and Bayesian assurance.
R J 2023;15:138-158 (design and analysis priors).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from simtrial.core.errors import DomainError
from simtrial.stats.sample_size.allocation import ArmSizes, split
from simtrial.stats.sample_size.levels import check_finite, check_positive, critical_z, solve_rising

_NORMAL = NormalDist()


@dataclass(frozen=True, kw_only=True)
class NormalPrior:
    """What is believed of the effect: mean and standard deviation; sd 0 is certainty."""

    mean: float
    sd: float

    def __post_init__(self) -> None:
        check_finite("mean of the prior", self.mean, "mean=0.3")
        if not 0.0 <= self.sd < math.inf:
            raise DomainError(
                f"sd of the prior is {self.sd:g}; it must be 0 or more and finite, such as sd=0.2."
            )


def assurance(
    *,
    design_prior: NormalPrior,
    standard_error: float,
    alpha: float,
    null: float = 0.0,
    analysis_prior: NormalPrior | None = None,
) -> float:
    """Return the chance of success averaged over the design prior.

    Parameters
    ----------
    design_prior : of the true effect; with sd 0 the result is the power at its mean.
    standard_error : of the estimate, above 0.
    alpha : one-sided error level, or 1 minus the posterior probability asked for.
    null : effect to be exceeded.
    analysis_prior : that the analysis combines with the data; left out, the analysis is the test.

    Raises
    ------
    DomainError : when an argument is outside its domain.
    """
    check_positive("standard_error", standard_error, "standard_error=0.2")
    check_finite("null", null, "null=0")
    z = critical_z(alpha, 1)
    if analysis_prior is None:
        least = null + z * standard_error
    else:
        if analysis_prior.sd == 0.0:
            raise DomainError(
                "the analysis prior has an sd of 0, so data cannot change it; give an sd above 0."
            )
        precision, prior = standard_error**-2, analysis_prior.sd**-2
        bound = null + z / math.sqrt(precision + prior)
        least = ((precision + prior) * bound - prior * analysis_prior.mean) / precision
    spread = math.hypot(standard_error, design_prior.sd)
    return _NORMAL.cdf((design_prior.mean - least) / spread)


def two_means_assurance(
    *,
    design_prior: NormalPrior,
    sd: float,
    n_treated: float,
    n_control: float,
    alpha: float,
    null: float = 0.0,
    analysis_prior: NormalPrior | None = None,
) -> float:
    """Return the assurance of a comparison of two means with a known standard deviation.

    Parameters
    ----------
    sd : of one patient, the same in both arms.
    n_treated, n_control : patients in each arm; need not be whole.
    others : as in :func:`assurance`, of the difference treated minus control.
    """
    check_positive("sd", sd, "sd=1")
    sizes = ArmSizes(treated=n_treated, control=n_control)
    return assurance(
        design_prior=design_prior,
        standard_error=sd / math.sqrt(sizes.harmonic),
        alpha=alpha,
        null=null,
        analysis_prior=analysis_prior,
    )


def assurance_limit(design_prior: NormalPrior, null: float = 0.0) -> float:
    """Return what assurance tends to as patients grow without limit: P(effect > null).

    Raises
    ------
    DomainError : when the prior is certain of the null value itself.
    """
    if design_prior.sd == 0.0:
        if design_prior.mean == null:
            raise DomainError(
                f"the prior is certain of {null:g}, the null value; give another mean or an sd."
            )
        return 1.0 if design_prior.mean > null else 0.0
    return _NORMAL.cdf((design_prior.mean - null) / design_prior.sd)


def size_two_means_by_assurance(
    *,
    design_prior: NormalPrior,
    sd: float,
    alpha: float,
    assured: float,
    allocation_ratio: float = 1.0,
    null: float = 0.0,
) -> ArmSizes:
    """Return the continuous sizes at which the test of two means (known sd) has the assurance.

    Assurance rises with the number of patients while the prior mean is above the null value, which
    is required.

    Parameters
    ----------
    assured : assurance asked for, above ``alpha`` and below :func:`assurance_limit`.
    allocation_ratio : treated patients per control patient.

    Raises
    ------
    DomainError : when no number of patients has the assurance; the message gives the limit.
    """
    limit = assurance_limit(design_prior, null)
    check_positive("sd", sd, "sd=1")
    if not design_prior.mean > null:
        raise DomainError(
            f"the prior mean {design_prior.mean:g} is not above the null value {null:g}; give a "
            f"mean above it, such as {null + 0.5 * sd:g}."
        )
    if not alpha < assured < limit:
        raise DomainError(
            f"assured is {assured:g}; it must be between alpha and {limit:.6g}, which assurance "
            "tends to with ever more patients under this prior."
        )

    def reached(total: float) -> float:
        arms = split(total, allocation_ratio)
        return two_means_assurance(
            design_prior=design_prior,
            sd=sd,
            n_treated=arms.treated,
            n_control=arms.control,
            alpha=alpha,
            null=null,
        )

    total = solve_rising(reached, assured, least=1e-9, start=100.0, what="number of patients")
    return split(total, allocation_ratio)
