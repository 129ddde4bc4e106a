"""One patient's benefit: exposure to the drug, its target, the approach to it, and background.

``x`` is the largest of the courses' effects, ``e_j(t) = dose_j 2^-((t - t_j)/h_eff)`` with t_j the
last infusion day; ``G(x) = depth x^hill / (x^hill + x50^hill)``; ``g`` relaxes to G at rate k_on.
Everything is handled as logarithms, so one exponential gives G.
"""

from __future__ import annotations

from simtrial.core.arithmetic import expit, logit, pexp, plog
from simtrial.core.compiled import step
from simtrial.core.units import MINUTES_PER_WEEK

_LN2 = 0.6931471805599453
_WEEK = float(MINUTES_PER_WEEK)
NO_EFFECT = -1e300  # logarithm of an exposure of nothing


@step
def given_dose(planned_g_per_kg: float, weight_kg: float, days: int, cap_g_per_day: float) -> float:
    """Return the dose of a course in g/kg after the daily maximum."""
    return min(planned_g_per_kg * weight_kg, cap_g_per_day * days) / weight_kg


@step
def log_effect(log_dose: float, minutes_since: float, half_life_minutes: float) -> float:
    """Return the logarithm of what is left of a course's effect after its last infusion day."""
    return log_dose - _LN2 * minutes_since / half_life_minutes


@step
def target_benefit(depth: float, log_x50: float, hill: float, log_x: float) -> float:
    """Return G(x): the benefit that would be reached if exposure x lasted."""
    if log_x <= NO_EFFECT:
        return 0.0
    return depth / (1.0 + pexp(hill * (log_x50 - log_x)))


@step
def share_left(rate_per_week: float, minutes: float) -> float:
    """Return the share of the way to a target that is still to go after some minutes."""
    return pexp(-rate_per_week * (minutes / _WEEK))


@step
def approach(value: float, target: float, left: float) -> float:
    """Return a state of which a share ``left`` of the way to its target is still to go."""
    return target + (value - target) * left


@step
def relax(value: float, target: float, rate_per_week: float, minutes: float) -> float:
    """Return a state after approaching its target for some minutes."""
    return approach(value, target, share_left(rate_per_week, minutes))


@step
def combined_benefit(drug: float, background: float) -> float:
    """Return the benefit of drug and background together."""
    return 1.0 - (1.0 - drug) * (1.0 - background)


@step
def patient_depth(depth: float, sd: float, z: float) -> float:
    """Return a responder's own depth: normal between patients on the logit scale, 1 stays 1."""
    if depth >= 1.0:
        return 1.0
    return expit(logit(depth) + sd * z)


@step
def patient_log_x50(log_x50: float, sd: float, z: float) -> float:
    """Return a patient's own half-effect dose (logarithm of g/kg)."""
    return log_x50 + sd * z


@step
def correlation_over(per_4_weeks: float, minutes: float) -> float:
    """Return the correlation of measurement deviates some minutes apart."""
    if per_4_weeks <= 0.0:
        return 0.0
    return pexp(plog(per_4_weeks) * (minutes / (4.0 * _WEEK)))


@step
def dropout_minutes(u: float, rate_per_minute: float) -> float:
    """Return the time of dropout after randomisation (not yet rounded); 1e300 means never."""
    if rate_per_minute <= 0.0:
        return 1e300
    return -plog(u) / rate_per_minute
