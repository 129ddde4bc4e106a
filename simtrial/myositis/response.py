"""One patient's benefit: exposure to the drug, its target, the approach to it, and what joins it.

``x`` is the largest of the courses' effects, or their sum, ``e_j(t) = dose_j 2^-((t - t_j)/h_eff)``
with t_j the last infusion day; ``G(x) = depth x^hill / (x^hill + x50^hill)``; ``g`` relaxes to G at
rate k_on. Everything is handled as logarithms, so one exponential gives G. Improvement without the
drug and a change of prednisolone join ``g``; decline and flares are taken off.
"""

from __future__ import annotations

from simtrial.core.arithmetic import expit, logit, pexp, plog
from simtrial.core.compiled import step
from simtrial.core.units import DAYS_PER_YEAR, MINUTES_PER_DAY, MINUTES_PER_WEEK

_LN2 = 0.6931471805599453
_WEEK = float(MINUTES_PER_WEEK)
_YEAR = DAYS_PER_YEAR * MINUTES_PER_DAY
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
def joined_exposure(
    log_before: float,
    minutes_since: float,
    log_dose: float,
    half_life_minutes: float,
    adds: bool,
) -> float:
    """Return the logarithm of the exposure on the last day of a course.

    What is left of the exposure some minutes ago and the dose of the course that ends: the larger,
    or their sum where courses add up. From then on both fade alike, so one number holds either.
    """
    left = log_effect(log_before, minutes_since, half_life_minutes)
    if adds:
        larger, smaller = max(left, log_dose), min(left, log_dose)
        return larger + plog(1.0 + pexp(smaller - larger))
    return max(left, log_dose)


@step
def fading(minutes_since: float, half_life_minutes: float) -> float:
    """Return what is left of a transient responder's target so long after his first course."""
    return pexp(-_LN2 * minutes_since / half_life_minutes)


@step(inline=True)
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
def steroid_target(effect: float, d50_mg: float, change_mg: float) -> float:
    """Return the benefit of a changed dose of prednisolone if it lasted; a lower dose costs.

    ``change_mg`` : the present dose less the entry dose; at ``d50_mg`` half the effect is reached.
    """
    return effect * change_mg / (abs(change_mg) + d50_mg)


@step
def decline(per_year: float, minutes: float) -> float:
    """Return what the disease has taken since randomisation."""
    return per_year * (minutes / _YEAR)


@step
def net_benefit(
    drug: float, background: float, steroid: float, declined: float, flare: float
) -> float:
    """Return the benefit of everything together, in -1 to 1.

    Drug, background and steroid each close a share of the way that the others leave open (a lower
    dose of prednisolone opens some); decline and flare are taken off.
    """
    joined = 1.0 - (1.0 - drug) * (1.0 - background) * (1.0 - steroid)
    return min(max(joined - declined - flare, -1.0), 1.0)


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
