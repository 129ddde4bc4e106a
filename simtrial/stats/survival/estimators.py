"""Survival curves without a model: Kaplan-Meier, Nelson-Aalen, cumulative incidence.

References
----------
Kaplan EL, Meier P. Nonparametric estimation from incomplete observations. JASA 1958;53:457-481.
Greenwood M. The natural duration of cancer. Reports on Public Health 33. HMSO 1926.
Aalen O. Nonparametric inference for a family of counting processes. Ann Stat 1978;6:701-726.
Aalen OO, Johansen S. An empirical transition matrix for non-homogeneous Markov chains based on
censored observations. Scand J Stat 1978;5:141-150.
Marubini E, Valsecchi MG. Analysing survival data from clinical trials and observational studies.
Wiley 1995, section 10.3 (variance of the cumulative incidence).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simtrial.core.errors import DomainError
from simtrial.stats.survival.risk_table import check_times

type Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class StepCurve:
    """A function of time that changes at event times only, with its standard error.

    Attributes
    ----------
    time : (T,) distinct event times, increasing.
    at_risk, events : (T,) patients at risk just before, and events at, each time.
    value, standard_error : (T,) from that time on, until the next.
    before : value before the first event, without error: 1 for survival, 0 for what accumulates.
    """

    time: Floats
    at_risk: Floats
    events: Floats
    value: Floats
    standard_error: Floats
    before: float

    def at(self, times: ArrayLike) -> tuple[Floats, Floats]:
        """Return value and standard error at any times.

        Beyond the last follow-up the value is the last one, which nothing observed supports.
        """
        place = np.searchsorted(self.time, np.asarray(times, np.float64), side="right")
        value = np.concatenate([[self.before], self.value])
        error = np.concatenate([[0.0], self.standard_error])
        return value[place], error[place]


def kaplan_meier(time: ArrayLike, event: ArrayLike) -> StepCurve:
    """Return the share without an event, with Greenwood's standard error.

    Where everybody at risk has the event the share is 0 and its standard error 0: the product of
    a share of 0 and a variance without limit is taken as its limit.

    Parameters
    ----------
    time, event : (P,) see ``tabulate_risk``; a censoring at the time of an event comes after it.
    """
    times, at_risk, events = _count(time, event)
    share = np.cumprod(1.0 - events / at_risk)
    # events / (at_risk * (at_risk - events)), 0 in place of the infinite last one
    left = at_risk - events
    relative = np.divide(events, at_risk * left, out=np.zeros_like(left), where=left > 0)
    return StepCurve(
        time=times,
        at_risk=at_risk,
        events=events,
        value=share,
        standard_error=share * np.sqrt(np.cumsum(relative)),
        before=1.0,
    )


def nelson_aalen(time: ArrayLike, event: ArrayLike) -> StepCurve:
    """Return the cumulative hazard, with the standard error of the variance sum of d / n**2."""
    times, at_risk, events = _count(time, event)
    return StepCurve(
        time=times,
        at_risk=at_risk,
        events=events,
        value=np.cumsum(events / at_risk),
        standard_error=np.sqrt(np.cumsum(events / at_risk**2)),
        before=0.0,
    )


def cumulative_incidence(time: ArrayLike, cause: ArrayLike) -> dict[int, StepCurve]:
    """Return, for each cause, the share that has had an event of that cause by then.

    The estimate of Aalen and Johansen. One minus Kaplan-Meier with other causes censored is
    another quantity, and larger: it is not a share of these patients.

    Parameters
    ----------
    time : (P,) time to the first event of any cause, or to censoring.
    cause : (P,) 0 for censoring, 1, 2, ... for causes.

    Returns
    -------
    A curve by cause, all at the times of events of any cause; its ``events`` are those of the
    cause. Standard errors by the delta method.
    """
    given = np.asarray(cause)
    if given.ndim != 1 or not np.all((given >= 0) & (given == np.floor(given))):
        raise DomainError(
            f"cause is {given.tolist()!r:.80}; give 0 for censoring and 1, 2, ... for causes, "
            "such as [1, 0, 2]."
        )
    times, at_risk, any_cause = _count(time, given > 0)
    exact = np.asarray(time, np.float64)
    share = np.cumprod(1.0 - any_cause / at_risk)
    before = np.concatenate([[1.0], share[:-1]])
    left = at_risk - any_cause
    relative = np.divide(any_cause, at_risk * left, out=np.zeros_like(left), where=left > 0)
    curves = {}
    for which in np.unique(given[given > 0]):
        events = np.zeros(times.shape[0])
        np.add.at(events, np.searchsorted(times, exact[given == which]), 1.0)
        value = np.cumsum(before * events / at_risk)
        # sum over times i up to t of (F(t) - F(i))**2 r_i + v_i - 2 (F(t) - F(i)) c_i, as sums
        # that do not know t: r of Greenwood, v and c of the cause's own events
        own = before**2 * events * (at_risk - events) / at_risk**3
        cross = before * events / at_risk**2
        variance = (
            value**2 * np.cumsum(relative)
            - 2.0 * value * np.cumsum(value * relative + cross)
            + np.cumsum(value**2 * relative + own + 2.0 * value * cross)
        )
        curves[int(which)] = StepCurve(
            time=times,
            at_risk=at_risk,
            events=events,
            value=value,
            standard_error=np.sqrt(np.clip(variance, 0.0, None)),
            before=0.0,
        )
    return curves


def survival_interval(
    curve: StepCurve,
    *,
    level: float = 0.95,
    scale: Literal["log_log", "log", "plain"] = "log_log",
) -> tuple[Floats, Floats]:
    """Return the pointwise interval of a survival curve, low and high, (T,) each.

    Parameters
    ----------
    scale : on which the estimate is taken as normal: log(-log S), log S or S itself. The ends are
        held within 0..1; where S is 0 or 1 without error, both ends are S.
    """
    if not 0.0 < level < 1.0:
        raise DomainError(f"level is {level}; give a fraction between 0 and 1, such as 0.95.")
    z = NormalDist().inv_cdf((1.0 + level) / 2.0)
    s, error = curve.value, curve.standard_error
    low, high = s.copy(), s.copy()
    inner = (s > 0.0) & (s < 1.0)
    share, wide = s[inner], z * error[inner]
    if scale == "plain":
        ends = share - wide, share + wide
    elif scale == "log":
        ends = share * np.exp(-wide / share), share * np.exp(wide / share)
    elif scale == "log_log":
        factor = np.exp(wide / (share * -np.log(share)))
        ends = share**factor, share ** (1.0 / factor)
    else:
        raise DomainError(f"scale is {scale!r}; give 'log_log', 'log' or 'plain'.")
    low[inner], high[inner] = (np.clip(end, 0.0, 1.0) for end in ends)
    return low, high


def quantile_time(curve: StepCurve, share: float = 0.5) -> float:
    """Return the first time by which at least ``share`` have had the event; inf if never reached.

    Of a survival curve; 0.5 is the median. (Some programs take the middle of the flat part where
    the curve equals 1 - share exactly; this takes its beginning.)
    """
    if not 0.0 < share < 1.0:
        raise DomainError(f"share is {share}; give a fraction between 0 and 1, such as 0.5.")
    # 1 - 4/10 is not below 0.6 by rounding: products of exact shares are some units off
    reached = np.flatnonzero(curve.value <= 1.0 - share + 1e-12)
    return float(curve.time[reached[0]]) if reached.size else math.inf


def _count(time: ArrayLike, event: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return distinct event times, patients at risk just before them, and events at them."""
    times, events = check_times(time, event)
    distinct, counts = np.unique(times[events], return_counts=True)
    at_risk = times.shape[0] - np.searchsorted(np.sort(times), distinct, side="left")
    return distinct, at_risk.astype(np.float64), counts.astype(np.float64)
