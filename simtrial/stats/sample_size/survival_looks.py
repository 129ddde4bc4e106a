"""Events, patients and calendar of a group sequential log-rank test.

Looks are taken at fractions of the largest number of events. When they fall is expected from the
hazards, and so are the patients randomised by then. Hazards must be proportional, or a hazard ratio
be given: with others the effect seen changes from look to look, and one drift does not tell it.

References
----------
Schoenfeld D. Biometrika 1981;68:316-319.
Kim K, Tsiatis AA. Study duration for clinical trials with survival response and early stopping
rule. Biometrics 1990;46:81-92.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simtrial.core.errors import DomainError
from simtrial.stats.sample_size.allocation import ArmSizes, split
from simtrial.stats.sample_size.calendar import (
    SurvivalSetting,
    average_hazard_ratio,
    event_probability,
    time_of_events,
)
from simtrial.stats.sample_size.hazards import Floats
from simtrial.stats.sample_size.levels import check_positive
from simtrial.stats.sample_size.survival import (
    Formula,
    drift_per_root_event,
    log_rank_events,
)
from simtrial.stats.sequential.boundaries import GroupSequential
from simtrial.stats.sequential.characteristics import (
    Characteristics,
    characteristics,
    inflation_factor,
)


@dataclass(frozen=True, kw_only=True)
class Course:
    """When a trial looks and ends under one state of the world.

    Attributes
    ----------
    chances : where it ends.
    events_at_looks, times, n_at_looks : (K,) events, calendar times and patients randomised.
    """

    chances: Characteristics
    events_at_looks: Floats
    times: Floats
    n_at_looks: Floats

    @property
    def expected_events(self) -> float:
        """Events when the trial ends, on average."""
        return float(self.chances.stopping @ self.events_at_looks)

    @property
    def expected_n(self) -> float:
        """Patients randomised when the trial ends, on average."""
        return float(self.chances.stopping @ self.n_at_looks)

    @property
    def expected_duration(self) -> float:
        """Calendar time at which the trial ends, on average."""
        return float(self.chances.stopping @ self.times)


@dataclass(frozen=True, kw_only=True)
class SequentialSurvivalPlan:
    """Events, patients and calendar of a group sequential log-rank test; all continuous.

    Attributes
    ----------
    design : its bounds.
    setting : hazards and accrual, the latter with the patients of the plan.
    hazard_ratio : treated to control, of the formula.
    events_max : events at the last look.
    under_effect : the course with the hazards of the setting.
    under_null, halfway : where the trial ends without effect, and with half of the drift.
    """

    design: GroupSequential
    setting: SurvivalSetting
    hazard_ratio: float
    events_max: float
    under_effect: Course
    under_null: Characteristics
    halfway: Characteristics

    @property
    def n(self) -> ArmSizes:
        """Patients by arm, when accrual is completed."""
        return split(self.setting.accrual.n, self.setting.allocation_ratio)

    @property
    def power(self) -> float:
        """Chance to reject on the side of the effect."""
        return self.under_effect.chances.power

    @property
    def expected_events_null(self) -> float:
        """Expected events without effect."""
        return self.events_max * self.under_null.expected_information

    @property
    def expected_events_halfway(self) -> float:
        """Expected events with half of the drift."""
        return self.events_max * self.halfway.expected_information

    @property
    def follow_up(self) -> float:
        """Time from the end of accrual to the last look; negative when it comes before."""
        return float(self.under_effect.times[-1]) - self.setting.accrual.end


def events_with_looks(
    design: GroupSequential,
    *,
    hazard_ratio: float,
    power: float,
    allocation_ratio: float = 1.0,
    null_hazard_ratio: float = 1.0,
    formula: Formula = "schoenfeld",
) -> float:
    """Return the continuous largest number of events at which the design has the power.

    With a known accrual, :func:`~simtrial.stats.sample_size.calendar.follow_up_for_events` or
    :func:`~simtrial.stats.sample_size.calendar.accrual_for_events` says how long it takes.

    Parameters
    ----------
    allocation_ratio : treated patients per control patient.
    others : as in :func:`~simtrial.stats.sample_size.survival.log_rank_events`.
    """
    fixed = log_rank_events(
        hazard_ratio=hazard_ratio,
        alpha=design.alpha,
        sided=design.sided,
        power=power,
        allocation_ratio=allocation_ratio,
        null_hazard_ratio=null_hazard_ratio,
        formula=formula,
    )
    return fixed * inflation_factor(design, power)


def size_survival_with_looks(
    design: GroupSequential,
    setting: SurvivalSetting,
    *,
    follow_up: float,
    power: float,
    hazard_ratio: float | None = None,
    null_hazard_ratio: float = 1.0,
    formula: Formula = "schoenfeld",
) -> SequentialSurvivalPlan:
    """Return events and patients of a trial of given accrual time and follow-up.

    Parameters
    ----------
    setting : hazards, dropout, allocation, and the shape and duration of accrual; its number of
        patients is what is sought and does not matter.
    follow_up : of the last patient, until the last look, 0 or more.
    hazard_ratio : treated to control, for the formula; left out, that of proportional hazards.

    Raises
    ------
    DomainError : when hazards are not proportional and no ratio is given, the arms do not differ,
        or an argument is outside its domain.
    """
    if not 0.0 <= follow_up < math.inf:
        raise DomainError(f"follow_up is {follow_up:g}; it must be 0 or more, such as 6.")
    ratio = _ratio(setting) if hazard_ratio is None else hazard_ratio
    events = events_with_looks(
        design,
        hazard_ratio=ratio,
        power=power,
        allocation_ratio=setting.allocation_ratio,
        null_hazard_ratio=null_hazard_ratio,
        formula=formula,
    )
    share = event_probability(setting, setting.accrual.end + follow_up)
    return survival_with_looks(
        design,
        setting.with_n(events / share),
        events=events,
        hazard_ratio=ratio,
        null_hazard_ratio=null_hazard_ratio,
        formula=formula,
    )


def survival_with_looks(
    design: GroupSequential,
    setting: SurvivalSetting,
    *,
    events: float,
    hazard_ratio: float | None = None,
    null_hazard_ratio: float = 1.0,
    formula: Formula = "schoenfeld",
) -> SequentialSurvivalPlan:
    """Return power, calendar and expected sizes of a trial of given accrual and events.

    Parameters
    ----------
    setting : hazards, dropout, allocation and accrual, with its number of patients.
    events : at the last look.
    hazard_ratio, null_hazard_ratio, formula : as in :func:`size_survival_with_looks`.

    Raises
    ------
    DomainError : when the patients never have so many events, or as there.
    """
    check_positive("events", events, "events=66")
    ratio = _ratio(setting) if hazard_ratio is None else hazard_ratio
    unit = drift_per_root_event(ratio, setting.allocation_ratio, null_hazard_ratio, formula)
    drift = unit * math.sqrt(events)
    return SequentialSurvivalPlan(
        design=design,
        setting=setting,
        hazard_ratio=ratio,
        events_max=events,
        under_effect=course_of(design, setting, events=events, drift=drift),
        under_null=characteristics(design, 0.0),
        halfway=characteristics(design, 0.5 * drift),
    )


def course_of(
    design: GroupSequential, setting: SurvivalSetting, *, events: float, drift: float
) -> Course:
    """Return when a trial looks and ends if the hazards are those of a setting.

    For the course without effect: ``course_of(plan.design, plan.setting.without_effect(),
    events=plan.events_max, drift=0.0)``.

    Parameters
    ----------
    events : at the last look.
    drift : mean of the log-rank statistic at the last look, positive towards the effect.

    Raises
    ------
    DomainError : when the patients never have so many events.
    """
    at_looks = events * np.array(design.information)
    times = np.array([time_of_events(setting, float(number)) for number in at_looks])
    return Course(
        chances=characteristics(design, drift),
        events_at_looks=at_looks,
        times=times,
        n_at_looks=setting.accrual.by(times),
    )


def _ratio(setting: SurvivalSetting) -> float:
    """Return the hazard ratio of proportional hazards, or raise DomainError."""
    starts = np.array(sorted({*setting.treated.starts, *setting.control.starts}))
    treated, control = setting.treated.at(starts), setting.control.at(starts)
    both_zero = (treated == 0.0) & (control == 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = (treated / control)[~both_zero]
    if not np.allclose(ratios, ratios[0], rtol=1e-9, atol=0.0):
        twice = 2.0 * setting.accrual.end
        raise DomainError(
            f"hazard ratios are {', '.join(f'{r:.4g}' for r in ratios)} over time; with looks "
            "hazards must be proportional. Give hazard_ratio= to say which one the drift follows, "
            f"such as {average_hazard_ratio(setting, twice):.4g}, the average by time {twice:g}."
        )
    return float(ratios[0])
