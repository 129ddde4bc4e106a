"""Prednisolone of one patient: the next daily dose from the present one, and flares of a taper.

Which of these applies at a visit, and in which order, is the engines' to say. Doses are mg a day.
"""

from __future__ import annotations

import math

from simtrial.core.arithmetic import expit, logit, pexp, plog
from simtrial.core.compiled import step

TAPERS = ("stable", "step", "proportional", "forced", "practice")
STABLE, STEP, PROPORTIONAL, FORCED, PRACTICE = range(5)
SMALLEST_MG = 0.5  # doses of a proportional rule are multiples of this
_PER = 4.0  # weeks: shares of the dose and their pace are per four weeks


@step
def stable_dose(dose_mg: float) -> float:
    """Return the dose under a protocol that keeps background prednisolone unchanged (mg/d)."""
    return dose_mg


@step
def entry_dose(takes: bool, log_median_mg: float, log_sd: float, z: float) -> float:
    """Return a candidate's daily prednisolone (mg): nothing, or log-normal, to 2.5 mg tablets."""
    if not takes:
        return 0.0
    tablets = math.floor(pexp(log_median_mg + log_sd * z) / 2.5 + 0.5)
    return 2.5 * max(tablets, 1.0)


@step
def rounded_dose(dose_mg: float) -> float:
    """Return the nearest multiple of 0.5 mg, the higher of two; what is below 0.5 is nothing."""
    if dose_mg < SMALLEST_MG:
        return 0.0
    return SMALLEST_MG * math.floor(dose_mg / SMALLEST_MG + 0.5)


@step
def stepped_dose(dose_mg: float, above_20: float, above_10: float, to_10: float) -> float:
    """Return a dose one step lower; the steps (mg) belong to doses above 20, above 10, to 10."""
    if dose_mg > 20.0:
        return max(dose_mg - above_20, 0.0)
    if dose_mg > 10.0:
        return max(dose_mg - above_10, 0.0)
    return max(dose_mg - to_10, 0.0)


@step
def proportional_dose(dose_mg: float, share: float) -> float:
    """Return a dose less a share of it, rounded; at least 0.5 mg is taken off.

    Without that least step a small dose would round to itself for ever.
    """
    return max(min(rounded_dose(dose_mg * (1.0 - share)), dose_mg - SMALLEST_MG), 0.0)


@step
def forced_dose(
    entry_mg: float, target_mg: float, week: float, from_week: float, target_week: float
) -> float:
    """Return the dose of a week on the line from the entry dose to the target, rounded."""
    share = min(max((week - from_week) / (target_week - from_week), 0.0), 1.0)
    return rounded_dose(entry_mg + (target_mg - entry_mg) * share)


@step
def lowered_dose(dose_mg: float, proposed_mg: float, floor_mg: float) -> float:
    """Return the lower dose that a rule proposes, held at the floor; never above the present."""
    return min(max(proposed_mg, floor_mg), dose_mg)


@step
def raised_dose(dose_mg: float, proposed_mg: float, at_most_mg: float) -> float:
    """Return the higher dose that a rule proposes, at most the maximum; never below the present."""
    return max(min(proposed_mg, at_most_mg), dose_mg)


@step
def backed_up_dose(
    dose_mg: float, entry_mg: float, before_mg: float, back_up_mg: float, at_most_mg: float
) -> float:
    """Return the dose after a worsening: that before the last reduction and some more.

    It does not exceed the entry dose, and nobody's present dose is lowered.
    """
    return raised_dose(dose_mg, min(entry_mg, before_mg + back_up_mg), at_most_mg)


@step
def share_given_up(before_mg: float, after_mg: float) -> float:
    """Return the share of a dose that a reduction took off."""
    if before_mg <= 0.0:
        return 0.0
    return (before_mg - after_mg) / before_mg


@step
def taper_pace(share: float, weeks_between: float, weeks_since: float) -> float:
    """Return the share given up at the last reduction, per four weeks.

    It counts over the weeks since the reduction before (or randomisation), or over the weeks
    since the last one when those are more: who stays at a dose is at last no longer tapering.
    """
    return share * (_PER / max(weeks_between, weeks_since))


@step
def flare_hazard(
    per_week: float, weeks: float, pace_effect: float, pace: float, benefit: float
) -> float:
    """Return the expected flares since the last visit: more the faster the taper, fewer in health.

    ``pace`` : share of the dose given up per four weeks; ``benefit`` : -1 to 1.
    """
    return per_week * weeks * (1.0 + pace_effect * pace) * (1.0 - max(benefit, 0.0))


@step
def patient_taper_share(
    share: float, sd: float, z: float, centre_sd: float, centre: float
) -> float:
    """Return a patient's own share of the dose given up in four weeks; 0 stays 0, 1 stays 1.

    ``z, centre`` : standard normals of the patient and of the centre, on the logit scale.
    """
    if share <= 0.0 or share >= 1.0:
        return share
    return expit(logit(share) + sd * z + centre_sd * centre)


@step
def share_over(share: float, weeks: float) -> float:
    """Return the share given up in some weeks by who gives up ``share`` in four."""
    if share >= 1.0:
        return 1.0
    return 1.0 - pexp(plog(1.0 - share) * (weeks / _PER))


@step
def maintenance_floor(
    has_one: bool, log_median_mg: float, log_sd: float, z: float, centre_sd: float, centre: float
) -> float:
    """Return the dose below which a patient is not tapered: nothing, or log-normal, rounded."""
    if not has_one:
        return 0.0
    return rounded_dose(pexp(log_median_mg + log_sd * z + centre_sd * centre))
