"""Events and patients for the log-rank test, by Schoenfeld's or Freedman's formula.

The hazard ratio is treated to control: below 1 the treated have the event later. The test looks to
the side of the null hazard ratio on which the assumed one lies. The formulas need events only; a
:class:`~simtrial.stats.sample_size.calendar.SurvivalSetting` turns events into patients and time.

With hazards that are not proportional the average hazard ratio at the end of the study takes the
place of the ratio. That is an approximation of the log-rank test's power, good while hazards do not
cross.

References
----------
Schoenfeld D. The asymptotic properties of nonparametric tests for comparing survival distributions.
Biometrika 1981;68:316-319.
Freedman LS. Tables of the number of patients required in clinical trials using the logrank test.
Stat Med 1982;1:121-129.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from simtrial.core.errors import DomainError
from simtrial.stats.sample_size.allocation import ArmSizes, check_allocation_ratio, split
from simtrial.stats.sample_size.calendar import (
    SurvivalSetting,
    average_hazard_ratio,
    event_probability,
)
from simtrial.stats.sample_size.levels import check_positive, needed_drift, normal_power

Formula = Literal["schoenfeld", "freedman"]


@dataclass(frozen=True, kw_only=True)
class SurvivalSize:
    """Events, patients and time of a trial with a fixed analysis; all continuous.

    Attributes
    ----------
    events : in both arms at the analysis.
    n : patients by arm.
    event_probability : expected events per patient at the analysis.
    hazard_ratio : that the size was found for.
    duration : from first patient in to the analysis.
    setting : with accrual of these patients.
    """

    events: float
    n: ArmSizes
    event_probability: float
    hazard_ratio: float
    duration: float
    setting: SurvivalSetting


def log_rank_events(
    *,
    hazard_ratio: float,
    alpha: float,
    sided: int,
    power: float,
    allocation_ratio: float = 1.0,
    null_hazard_ratio: float = 1.0,
    formula: Formula = "schoenfeld",
) -> float:
    """Return the continuous number of events at which the log-rank test has the power.

    Parameters
    ----------
    hazard_ratio : treated to control, under the alternative.
    alpha, sided : error level of the whole test, and 1 or 2 sides.
    allocation_ratio : treated patients per control patient.
    null_hazard_ratio : under the null hypothesis; a margin. Only with Schoenfeld's formula.

    Raises
    ------
    DomainError : when both ratios are the same, or an argument is outside its domain.
    """
    unit = drift_per_root_event(hazard_ratio, allocation_ratio, null_hazard_ratio, formula)
    if unit == 0.0:
        raise DomainError(
            f"hazard_ratio is {hazard_ratio:g}, that of the null hypothesis; no number of events "
            "shows it. Give another, such as 0.7."
        )
    return (needed_drift(alpha=alpha, sided=sided, power=power) / unit) ** 2


def log_rank_power(
    *,
    hazard_ratio: float,
    events: float,
    alpha: float,
    sided: int,
    allocation_ratio: float = 1.0,
    null_hazard_ratio: float = 1.0,
    formula: Formula = "schoenfeld",
    either_side: bool = False,
) -> float:
    """Return the power of the log-rank test with a number of events.

    Parameters
    ----------
    events : in both arms together, above 0.
    either_side : count rejections of a two-sided test on the wrong side as well.
    others : as in :func:`log_rank_events`.
    """
    check_positive("events", events, "events=66")
    unit = drift_per_root_event(hazard_ratio, allocation_ratio, null_hazard_ratio, formula)
    return normal_power(
        drift=unit * math.sqrt(events), alpha=alpha, sided=sided, either_side=either_side
    )


def detectable_hazard_ratio(
    *,
    events: float,
    alpha: float,
    sided: int,
    power: float,
    allocation_ratio: float = 1.0,
    null_hazard_ratio: float = 1.0,
    formula: Formula = "schoenfeld",
    below: bool = True,
) -> float:
    """Return the hazard ratio nearest the null one that is found with the power.

    Parameters
    ----------
    below : look below the null hazard ratio; above it otherwise.

    Raises
    ------
    DomainError : when, by Freedman's formula, not even the most extreme ratio is found.
    """
    check_positive("events", events, "events=66")
    check_positive("null_hazard_ratio", null_hazard_ratio, "null_hazard_ratio=1")
    check_allocation_ratio(allocation_ratio)
    _check_formula(formula, null_hazard_ratio)
    drift = needed_drift(alpha=alpha, sided=sided, power=power) / math.sqrt(events)
    root, sign = math.sqrt(allocation_ratio), -1.0 if below else 1.0
    if formula == "schoenfeld":
        distance = drift * (1.0 + allocation_ratio) / root
        return null_hazard_ratio * math.exp(sign * distance)
    # |1 - h| sqrt(r) = drift (1 + r h), linear in h on either side of 1
    top, bottom = root + sign * drift, root - sign * drift * allocation_ratio
    if top <= 0.0 or bottom <= 0.0:
        raise DomainError(
            f"with {events:g} events no hazard ratio {'below' if below else 'above'} 1 is found "
            f"with power {power:g} by Freedman's formula; give more events."
        )
    return top / bottom


def size_survival(
    setting: SurvivalSetting,
    *,
    follow_up: float,
    alpha: float,
    sided: int,
    power: float,
    hazard_ratio: float | None = None,
    null_hazard_ratio: float = 1.0,
    formula: Formula = "schoenfeld",
) -> SurvivalSize:
    """Return events and patients of a trial of given accrual time and follow-up.

    Parameters
    ----------
    setting : hazards, dropout, allocation, and the shape and duration of accrual; its number of
        patients is what is sought and does not matter.
    follow_up : of the last patient, 0 or more.
    hazard_ratio : treated to control, for the formula; left out, the average one at the analysis,
        which for proportional hazards is the ratio itself.

    Raises
    ------
    DomainError : when the arms do not differ, or an argument is outside its domain.
    """
    if not 0.0 <= follow_up < math.inf:
        raise DomainError(f"follow_up is {follow_up:g}; it must be 0 or more, such as 6.")
    duration = setting.accrual.end + follow_up
    ratio = average_hazard_ratio(setting, duration) if hazard_ratio is None else hazard_ratio
    events = log_rank_events(
        hazard_ratio=ratio,
        alpha=alpha,
        sided=sided,
        power=power,
        allocation_ratio=setting.allocation_ratio,
        null_hazard_ratio=null_hazard_ratio,
        formula=formula,
    )
    share = event_probability(setting, duration)
    n = split(events / share, setting.allocation_ratio)
    return SurvivalSize(
        events=events,
        n=n,
        event_probability=share,
        hazard_ratio=ratio,
        duration=duration,
        setting=setting.with_n(n.total),
    )


def drift_per_root_event(
    hazard_ratio: float, allocation_ratio: float, null_hazard_ratio: float, formula: Formula
) -> float:
    """Return the mean of the log-rank statistic over the root of the number of events.

    It counts towards the effect, so it is never negative.

    Parameters
    ----------
    allocation_ratio : treated patients per control patient.
    """
    check_positive("hazard_ratio", hazard_ratio, "hazard_ratio=0.7")
    check_positive("null_hazard_ratio", null_hazard_ratio, "null_hazard_ratio=1")
    check_allocation_ratio(allocation_ratio)
    _check_formula(formula, null_hazard_ratio)
    root = math.sqrt(allocation_ratio)
    if formula == "schoenfeld":
        return abs(math.log(hazard_ratio / null_hazard_ratio)) * root / (1.0 + allocation_ratio)
    return abs(1.0 - hazard_ratio) * root / (1.0 + allocation_ratio * hazard_ratio)


def _check_formula(formula: Formula, null_hazard_ratio: float) -> None:
    if formula not in ("schoenfeld", "freedman"):
        raise DomainError(f"formula is {formula!r}; choose 'schoenfeld' or 'freedman'.")
    if formula == "freedman" and null_hazard_ratio != 1.0:
        raise DomainError(
            f"null_hazard_ratio is {null_hazard_ratio:g} with Freedman's formula, which knows 1 "
            "only; choose formula='schoenfeld'."
        )
