"""The Cox model: the hazard ratio of two arms, and of any covariates.

Two arms are fitted from their risk table, in compiled code that a simulation can call in its loop;
general covariates in NumPy. Both by Newton's steps on the partial likelihood, which is concave.

References
----------
Cox DR. Regression models and life-tables. J R Stat Soc B 1972;34:187-220.
Breslow N. Covariance analysis of censored survival data. Biometrics 1974;30:89-99.
Efron B. The efficiency of Cox's likelihood function for censored data. JASA 1977;72:557-565.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simtrial.core.arithmetic import pexp, plog
from simtrial.core.compiled import kernel
from simtrial.core.errors import DomainError, FitError
from simtrial.stats.survival.logrank import tabulate_strata
from simtrial.stats.survival.risk_table import RiskTable, check_times

type Floats = NDArray[np.float64]
type Ties = Literal["efron", "breslow"]

_STEPS = 50
_HALVINGS = 30
# a Newton step this small moves the next estimate by about its square: nothing in double precision
_SMALL_STEP = 1e-9


@dataclass(frozen=True, kw_only=True)
class CoxTwoArms:
    """The hazard of the treated arm over that of the control arm.

    When all events (at times with both arms at risk) are in one arm the likelihood has no maximum:
    ``log_hazard_ratio`` is then minus or plus infinity, its standard error infinite and the Wald z
    nan; score and likelihood ratio still hold.

    Attributes
    ----------
    log_hazard_ratio, standard_error : below 0 when the treated arm does better.
    wald_z, score_z : positive when the treated arm does better, as the log-rank z. The score z
        is that of the log-rank test but for ties.
    likelihood_ratio : twice the gain of log likelihood over no difference, one degree of freedom.
    """

    log_hazard_ratio: float
    standard_error: float
    wald_z: float
    score_z: float
    likelihood_ratio: float

    @property
    def hazard_ratio(self) -> float:
        """Treated over control; below 1 when the treated arm does better."""
        return math.exp(self.log_hazard_ratio)


def fit_two_arms(
    time: ArrayLike,
    event: ArrayLike,
    treated: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    ties: Ties = "efron",
) -> CoxTwoArms:
    """Return the Cox model whose only covariate is the arm.

    Parameters
    ----------
    time, event, treated : (P,) see ``tabulate_risk``.
    strata : (P,) labels; each stratum has a baseline hazard of its own.
    ties : how events at the same time enter, Efron's or Breslow's way; without ties the same.

    Raises
    ------
    DomainError : when the patients cannot be tabulated, or ties are handled in no known way.
    FitError : when no event time has patients of both arms at risk.
    """
    _check_ties(ties)
    tables = tabulate_strata(time, event, treated, strata)
    table = RiskTable(*(np.concatenate(column) for column in zip(*tables, strict=True)))
    rows = table.events_treated.shape[0]
    estimate, error = cox_of_table(table, rows, ties == "efron")
    if math.isnan(estimate):
        raise FitError(
            "No event time has patients of both arms at risk, so their hazards cannot be compared; "
            "follow patients longer, or leave out the stratum of one arm only."
        )
    efron = ties == "efron"
    at_null, score, information = _partial_likelihood(table, rows, 0.0, efron, True)
    # at an infinite estimate the likelihood is its limit: 40 is exp(40) = 2e17 times the hazard
    nearby = min(max(estimate, -40.0), 40.0)
    at_best, _, _ = _partial_likelihood(table, rows, nearby, efron, True)
    return CoxTwoArms(
        log_hazard_ratio=estimate,
        standard_error=error,
        wald_z=-estimate / error if math.isfinite(estimate) else math.nan,
        score_z=-score / math.sqrt(information),
        likelihood_ratio=max(2.0 * (at_best - at_null), 0.0),
    )


@dataclass(frozen=True, kw_only=True)
class CoxModel:
    """A Cox model of C covariates.

    Attributes
    ----------
    coefficients : (C,) log hazard ratios per unit.
    covariance : (C, C) inverse of the observed information.
    wald, score, likelihood_ratio : chi-squared statistics of all C together, C degrees of freedom.
    """

    coefficients: Floats
    covariance: Floats
    wald: float
    score: float
    likelihood_ratio: float

    @property
    def standard_errors(self) -> Floats:
        """Standard errors of the coefficients, (C,)."""
        return np.sqrt(np.diag(self.covariance))


def fit_covariates(
    time: ArrayLike,
    event: ArrayLike,
    covariates: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    ties: Ties = "efron",
) -> CoxModel:
    """Return the Cox model of general covariates.

    Parameters
    ----------
    time, event : (P,) see ``tabulate_risk``.
    covariates : (P, C) numbers, constant over time.
    strata : (P,) labels; each stratum has a baseline hazard of its own.

    Raises
    ------
    DomainError : when shapes differ or a number is not finite.
    FitError : when there is no maximum: no events, covariates that are combinations of each other,
        or a covariate that tells every event from those at risk.
    """
    _check_ties(ties)
    times, events = check_times(time, event)
    x = np.asarray(covariates, np.float64)
    if x.ndim != 2 or x.shape[0] != times.shape[0] or not np.isfinite(x).all():
        raise DomainError(
            f"covariates have shape {x.shape} for {times.shape[0]} times, or hold a value that is "
            "not finite; give (P, C) numbers, such as [[1, 54], [0, 61]] for two patients."
        )
    labels = np.zeros(times.shape[0]) if strata is None else np.asarray(strata)
    if labels.shape != times.shape:
        raise DomainError(
            f"strata has shape {labels.shape} for {times.shape[0]} times; give each patient one "
            "label, such as ['mild', 'severe'] for two."
        )
    # centred, so that exp(x beta) stays near 1; the coefficients do not notice
    x = x - x.mean(axis=0)
    groups = [
        _Group.of(times[here], events[here], x[here], ties == "efron")
        for here in (labels == label for label in np.unique(labels))
    ]
    return _maximise(groups, x.shape[1])


def _check_ties(ties: str) -> None:
    if ties not in ("efron", "breslow"):
        raise DomainError(f"ties is {ties!r}; give 'efron' or 'breslow'.")


# --- two arms, in compiled code -----------------------------------------------------------------


@kernel
def _partial_likelihood(
    table: RiskTable, rows: int, beta: float, efron: bool, with_value: bool
) -> tuple[float, float, float]:
    """Return (log likelihood, score, information) at a log hazard ratio.

    Without value the likelihood is 0: its logarithms are the greater part of the work.
    """
    theta = pexp(beta)
    log_likelihood, score, information = 0.0, 0.0, 0.0
    for i in range(rows):
        n0, n1 = table.at_risk_control[i], table.at_risk_treated[i]
        d0, d1 = table.events_control[i], table.events_treated[i]
        d = d0 + d1
        score += d1
        if with_value:
            log_likelihood += beta * d1
        if efron and d > 1.0:
            for taken in range(int(d)):
                gone = taken / d
                m0, m1 = n0 - gone * d0, (n1 - gone * d1) * theta
                share = m1 / (m0 + m1)
                if with_value:
                    log_likelihood -= plog(m0 + m1)
                score -= share
                information += share * (1.0 - share)
        else:
            m1 = n1 * theta
            share = m1 / (n0 + m1)
            if with_value:
                log_likelihood -= d * plog(n0 + m1)
            score -= d * share
            information += d * (share * (1.0 - share))
    return log_likelihood, score, information


@kernel
def cox_of_table(table: RiskTable, rows: int, efron: bool) -> tuple[float, float]:
    """Return (log hazard ratio, standard error) of the first rows of a table.

    (inf or -inf, inf) when only one arm had events while both were at risk; (nan, nan) when both
    never were.
    """
    of_control, of_treated = 0.0, 0.0
    for i in range(rows):
        if table.at_risk_control[i] > 0.0 and table.at_risk_treated[i] > 0.0:
            of_control += table.events_control[i]
            of_treated += table.events_treated[i]
    if of_control + of_treated == 0.0:
        return np.nan, np.nan
    if of_treated == 0.0:
        return -np.inf, np.inf
    if of_control == 0.0:
        return np.inf, np.inf
    # The score falls everywhere, so its sign tells on which side the root lies: a Newton step that
    # leaves the interval known to hold it is replaced by halving the interval.
    low, high = -np.inf, np.inf
    beta = 0.0
    _, score, information = _partial_likelihood(table, rows, beta, efron, False)
    for _ in range(200):
        if score > 0.0:
            low = beta
        else:
            high = beta
        move = score / information if information > 0.0 else np.inf
        # no further than 5 at once: where one arm's share is nearly 0 or 1, steps are too long
        following = beta + min(max(move, -5.0), 5.0)
        if not low <= following <= high:
            following = 0.5 * (low + high)
        moved = abs(following - beta)
        beta = following
        _, score, information = _partial_likelihood(table, rows, beta, efron, False)
        if moved <= _SMALL_STEP:
            break
    return beta, 1.0 / np.sqrt(information)


# --- general covariates -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Group:
    """One stratum, latest time first, and the event times as places in it.

    Every event of a tie has a row of its own in E, so that Efron's weights are an array.

    Attributes
    ----------
    x : (P, C) covariates of patients, latest first.
    last : (E,) the last patient, in that order, still at risk at the event.
    begin, end : (E,) where the events of the same time stand in ``event_x``, end excluded.
    event_x : (E, C) covariates of those with the event.
    gone : (E,) the share of the tied events that is taken out of the risk set (Breslow: 0).
    """

    x: Floats
    last: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    event_x: Floats
    gone: Floats

    @classmethod
    def of(cls, times: Floats, events: NDArray[np.bool_], x: Floats, efron: bool) -> _Group:
        order = np.argsort(-times, kind="stable")
        times, events, x = times[order], events[order], x[order]
        event_times = times[events]
        last = np.searchsorted(-times, -event_times, side="right") - 1
        begin = np.searchsorted(-event_times, -event_times, side="left")
        end = np.searchsorted(-event_times, -event_times, side="right")
        place = np.arange(event_times.shape[0]) - begin
        gone = place / np.maximum(end - begin, 1) if efron else np.zeros(place.shape[0])
        return cls(x=x, last=last, begin=begin, end=end, event_x=x[events], gone=gone)

    def likelihood(self, beta: Floats) -> tuple[float, Floats, Floats]:
        """Return (log likelihood, score (C,), information (C, C))."""
        count = beta.shape[0]
        if self.event_x.shape[0] == 0:
            return 0.0, np.zeros(count), np.zeros((count, count))

        def moments(x: Floats) -> tuple[Floats, Floats, Floats]:
            weight = np.exp(x @ beta)
            first = weight[:, None] * x
            return weight, first, first[:, :, None] * x[:, None, :]

        def of_tie(sums: Floats) -> Floats:
            running = np.concatenate([np.zeros((1, *sums.shape[1:])), np.cumsum(sums, axis=0)])
            return np.asarray(running[self.end] - running[self.begin])

        at_risk = [np.cumsum(m, axis=0)[self.last] for m in moments(self.x)]
        tied = [of_tie(m) for m in moments(self.event_x)]
        s0, s1, s2 = (
            whole - self.gone.reshape(-1, *(1,) * (whole.ndim - 1)) * part
            for whole, part in zip(at_risk, tied, strict=True)
        )
        mean = s1 / s0[:, None]
        information = (s2 / s0[:, None, None] - mean[:, :, None] * mean[:, None, :]).sum(axis=0)
        value = float((self.event_x @ beta).sum() - np.log(s0).sum())
        return value, (self.event_x - mean).sum(axis=0), information


def _sum_of(groups: list[_Group], beta: Floats) -> tuple[float, Floats, Floats]:
    parts = [group.likelihood(beta) for group in groups]
    score = np.sum([part[1] for part in parts], axis=0)
    information = np.sum([part[2] for part in parts], axis=0)
    return sum(part[0] for part in parts), score, information


def _maximise(groups: list[_Group], count: int) -> CoxModel:
    beta = np.zeros(count)
    value, score, information = _sum_of(groups, beta)
    spread = np.sqrt(np.clip(np.diag(information), 0.0, None))
    # on the scale of each covariate, so that its unit does not decide what counts as singular
    scaled = information / np.outer(spread, spread) if np.all(spread > 0.0) else np.zeros((1, 1))
    if np.linalg.matrix_rank(scaled, tol=1e-10) < count:
        raise FitError(
            f"The {count} covariates cannot be told apart among those at risk at the events; "
            "leave out those that are constant or a combination of others."
        )
    null, null_score = value, float(score @ np.linalg.solve(information, score))
    for _ in range(_STEPS):
        # a singular matrix here means that the information has run out on the way to infinity
        try:
            move = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            break
        for _ in range(_HALVINGS):
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                found = _sum_of(groups, beta + move)
            if math.isfinite(found[0]) and found[0] >= value - 1e-10 * abs(value):
                break
            move = move / 2.0
        beta = beta + move
        value, score, information = found
        # a step in units of the standard errors: the covariates' units do not matter
        if math.sqrt(max(float(move @ information @ move), 0.0)) <= _SMALL_STEP:
            if np.all(np.diag(information) > 1e-8 * spread**2):
                covariance = np.linalg.inv(information)
                return CoxModel(
                    coefficients=beta,
                    covariance=covariance,
                    wald=float(beta @ information @ beta),
                    score=null_score,
                    likelihood_ratio=2.0 * (value - null),
                )
            break
    raise FitError(
        f"No coefficients maximise the likelihood: after {_STEPS} steps or fewer they were "
        f"{np.round(beta, 2).tolist()} and growing. A covariate tells every event from those at "
        "risk; leave it out, or join its categories."
    )
