"""Events and patients by calendar time: accrual in pieces, hazards in pieces, closed forms.

Calendar time runs from the first patient's randomisation, in the unit of the hazards. Patients
arrive evenly within a piece of accrual and are allocated in the same ratio throughout; numbers are
expectations and need not be whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simtrial.core.errors import DomainError
from simtrial.stats.sample_size.allocation import check_allocation_ratio
from simtrial.stats.sample_size.hazards import (
    NO_DROPOUT,
    Floats,
    PiecewiseHazard,
    event_share,
    event_share_integral,
)
from simtrial.stats.sample_size.levels import check_positive


@dataclass(frozen=True, kw_only=True)
class Accrual:
    """Patients per unit of time, constant within pieces.

    Attributes
    ----------
    durations : how long each piece lasts, above 0.
    rates : patients per unit of time in each, 0 or more, the last above 0.
    """

    durations: tuple[float, ...]
    rates: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.durations) != len(self.rates) or not self.rates:
            raise DomainError(
                f"{len(self.durations)} durations but {len(self.rates)} rates of accrual; give "
                "one rate for each, such as durations=(6, 12), rates=(2, 5)."
            )
        if not all(0.0 < duration < math.inf for duration in self.durations):
            raise DomainError(
                f"durations of accrual are {self.durations}; each must be above 0, such as (6, 12)."
            )
        if not all(0.0 <= rate < math.inf for rate in self.rates) or self.rates[-1] == 0.0:
            raise DomainError(
                f"rates of accrual are {self.rates}; each must be 0 or more and the last above 0, "
                "such as (2, 5)."
            )

    @property
    def end(self) -> float:
        """When accrual ends."""
        return math.fsum(self.durations)

    @property
    def n(self) -> float:
        """Patients randomised by then."""
        return math.fsum(d * r for d, r in zip(self.durations, self.rates, strict=True))

    @property
    def edges(self) -> Floats:
        """When pieces start and end, (pieces + 1,) units of time."""
        return np.concatenate(([0.0], np.cumsum(self.durations)))

    def by(self, time: Any) -> Floats:
        """Return patients randomised by calendar times of any shape."""
        patients = np.concatenate(([0.0], np.cumsum(np.multiply(self.durations, self.rates))))
        result: Floats = np.interp(np.asarray(time, float), self.edges, patients)
        return result

    def with_n(self, n: float) -> Accrual:
        """Return accrual of the same shape and duration with another number of patients."""
        check_positive("n", n, "n=200")
        return replace(self, rates=tuple(rate * n / self.n for rate in self.rates))

    def ending(self, end: float) -> Accrual:
        """Return the same rates until another time: cut short, or the last rate kept up."""
        check_positive("end", end, "end=24")
        edges = self.edges
        pieces = min(int(np.searchsorted(edges[:-1], end, side="left")), len(self.rates))
        durations = (*self.durations[: pieces - 1], end - float(edges[pieces - 1]))
        return Accrual(durations=durations, rates=self.rates[:pieces])


def even_accrual(*, n: float, duration: float) -> Accrual:
    """Return accrual of n patients at one rate."""
    check_positive("n", n, "n=200")
    check_positive("duration", duration, "duration=12")
    return Accrual(durations=(duration,), rates=(n / duration,))


@dataclass(frozen=True, kw_only=True)
class SurvivalSetting:
    """Two arms with their hazards, dropout and common accrual.

    Attributes
    ----------
    treated, control : hazards of the event.
    accrual : of both arms together.
    dropout_treated, dropout_control : hazards of being lost to follow-up, independent of the event.
    allocation_ratio : treated patients per control patient.
    """

    treated: PiecewiseHazard
    control: PiecewiseHazard
    accrual: Accrual
    dropout_treated: PiecewiseHazard = NO_DROPOUT
    dropout_control: PiecewiseHazard = NO_DROPOUT
    allocation_ratio: float = 1.0

    def __post_init__(self) -> None:
        check_allocation_ratio(self.allocation_ratio)
        if max(self.treated.hazards) == 0.0 and max(self.control.hazards) == 0.0:
            raise DomainError("hazards of both arms are 0, so no event ever happens; give one.")

    @property
    def treated_share(self) -> float:
        """Share of patients who are treated."""
        return self.allocation_ratio / (1.0 + self.allocation_ratio)

    def with_n(self, n: float) -> SurvivalSetting:
        """Return the setting with accrual of the same shape and another number of patients."""
        return replace(self, accrual=self.accrual.with_n(n))

    def without_effect(self) -> SurvivalSetting:
        """Return the setting in which treatment does what control does; dropout stays."""
        return replace(self, treated=self.control)


@dataclass(frozen=True, kw_only=True)
class ExpectedEvents:
    """Expected numbers of observed events, each (T,) by calendar time."""

    treated: Floats
    control: Floats

    @property
    def total(self) -> Floats:
        """Events of both arms."""
        return self.treated + self.control


def expected_events(setting: SurvivalSetting, time: Any) -> ExpectedEvents:
    """Return the expected events of each arm by calendar times of any shape, from 0 on.

    Raises
    ------
    DomainError : when a time is negative or not finite.
    """
    at = np.asarray(time, float)
    if not (np.isfinite(at).all() and (at >= 0.0).all()):
        raise DomainError(f"time is {time}; calendar times are 0 or more and finite, such as 24.")
    return _events(setting, at, (0.0, math.inf))


def event_probability(setting: SurvivalSetting, time: float) -> float:
    """Return expected events by a calendar time per patient randomised by then.

    Raises
    ------
    DomainError : when nobody is randomised by then.
    """
    events = float(expected_events(setting, time).total)
    patients = float(setting.accrual.by(time))
    if patients == 0.0:
        raise DomainError(f"nobody is randomised by time {time:g}; give a later time.")
    return events / patients


def time_of_events(setting: SurvivalSetting, events: float) -> float:
    """Return the calendar time by which so many events are expected in both arms together.

    Raises
    ------
    DomainError : when the patients never have so many; the message says how many they have.
    """
    from scipy.optimize import brentq

    check_positive("events", events, "events=66")
    share = setting.treated_share
    most = setting.accrual.n * (
        share * float(event_share(setting.treated, setting.dropout_treated, math.inf))
        + (1.0 - share) * float(event_share(setting.control, setting.dropout_control, math.inf))
    )
    # so near the limit that rounding could keep the search from ever reaching it counts as beyond
    if events >= most * (1.0 - 1e-12):
        raise DomainError(
            f"{events:g} events are wanted but {setting.accrual.n:g} patients have at most "
            f"{most:g}, however long they are followed; recruit more or ask for fewer."
        )

    def excess(at: float) -> float:
        return float(expected_events(setting, at).total) - events

    late = setting.accrual.end
    while excess(late) < 0.0:
        late *= 2.0
    return float(brentq(excess, 0.0, late, xtol=1e-13 * late, rtol=1e-14))


def follow_up_for_events(setting: SurvivalSetting, events: float) -> float:
    """Return how long the last patient is followed until so many events are expected.

    Raises
    ------
    DomainError : when they never happen, or happen before accrual ends.
    """
    at = time_of_events(setting, events)
    if at < setting.accrual.end:
        raise DomainError(
            f"{events:g} events are expected at time {at:g}, before accrual ends at "
            f"{setting.accrual.end:g}; end accrual earlier or ask for more events."
        )
    return at - setting.accrual.end


def accrual_for_events(setting: SurvivalSetting, events: float, *, follow_up: float) -> Accrual:
    """Return the accrual at given rates after whose end and follow-up the events are expected.

    Parameters
    ----------
    setting : its accrual gives rates and when they change; the last goes on as long as needed.
    follow_up : of the last patient, 0 or more.
    """
    from scipy.optimize import brentq

    check_positive("events", events, "events=66")
    if not 0.0 <= follow_up < math.inf:
        raise DomainError(f"follow_up is {follow_up:g}; it must be 0 or more, such as 6.")

    def excess(end: float) -> float:
        longer = replace(setting, accrual=setting.accrual.ending(end))
        return float(expected_events(longer, end + follow_up).total) - events

    late = setting.accrual.end
    # twice the accrual time adds patients as long as the last rate is above 0, which it is
    while excess(late) < 0.0:
        late *= 2.0
        if late > 1e12 * setting.accrual.end:
            raise DomainError(f"{events:g} events are never reached; give larger hazards.")
    early = late * 1e-12
    if excess(early) >= 0.0:
        raise DomainError(f"{events:g} events need next to no accrual; ask for more of them.")
    return setting.accrual.ending(float(brentq(excess, early, late, xtol=1e-13 * late, rtol=1e-14)))


def average_hazard_ratio(setting: SurvivalSetting, time: float) -> float:
    """Return the average hazard ratio (treated to control) by a calendar time.

    The logarithm of the ratio in each piece of a patient's time, averaged with the events of both
    arms expected in that piece as weights.

    Raises
    ------
    DomainError : when no event is expected by then, or one arm has a hazard of 0 in a piece in
        which the other has events.

    References
    ----------
    Mukhopadhyay P, Huang W, Metcalfe P, et al. Statistical and practical considerations in
    designing of immuno-oncology trials. J Biopharm Stat 2020;30:1130-1146.
    """
    starts = sorted({*setting.treated.starts, *setting.control.starts})
    at = np.asarray(time, float)
    sum_log, sum_events = 0.0, 0.0
    for start, end in zip(starts, [*starts[1:], math.inf], strict=True):
        events = float(_events(setting, at, (start, end)).total)
        if events == 0.0:
            continue
        treated, control = float(setting.treated.at(start)), float(setting.control.at(start))
        if treated == 0.0 or control == 0.0:
            raise DomainError(
                f"the hazard of one arm is 0 from time {start:g} on, where the other's is "
                f"{max(treated, control):g}; a ratio needs both above 0, such as 0.001."
            )
        sum_log += events * math.log(treated / control)
        sum_events += events
    if sum_events == 0.0:
        raise DomainError(f"no event is expected by time {time:g}; give a later time.")
    return math.exp(sum_log / sum_events)


def _events(setting: SurvivalSetting, at: Floats, counted: tuple[float, float]) -> ExpectedEvents:
    """Return expected events by times (T...,), of those since randomisation within ``counted``."""
    edges, rates = setting.accrual.edges, np.array(setting.accrual.rates)
    # follow-up of who arrived at each edge of the accrual; 0 for who is yet to come
    followed = np.maximum(at[..., None] - edges, 0.0)

    def of(event: PiecewiseHazard, dropout: PiecewiseHazard) -> Floats:
        area = event_share_integral(event, dropout, followed, counted=counted)
        result: Floats = (rates * (area[..., :-1] - area[..., 1:])).sum(axis=-1)
        return result

    share = setting.treated_share
    return ExpectedEvents(
        treated=share * of(setting.treated, setting.dropout_treated),
        control=(1.0 - share) * of(setting.control, setting.dropout_control),
    )
