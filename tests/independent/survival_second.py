"""A second reading of the survival methods.

Written from textbooks, each estimate as a loop over the distinct event times:

* log-rank: Mantel (1966); Klein and Moeschberger, Survival Analysis (2003), section 7.3, the
  hypergeometric variance with ties.
* Kaplan-Meier (1958) with Greenwood's variance, Nelson-Aalen: Klein and Moeschberger,
  sections 4.2 and 4.3.
* Cox (1972) with one covariate, ties after Breslow (1974) and Efron (1977): section 8.4.
* cumulative incidence, Aalen and Johansen (1978): section 4.7.
* expected events at a calendar time: the double integral over the day of entry and the time
  since entry (Lachin and Foulkes 1986).

Patients censored at a time are still at risk for the events at that time. Arm 1 is the new
treatment, arm 0 the control.
"""

import itertools
import math

import numpy as np
from scipy.integrate import quad

# ---------------------------------------------------------------- estimates from data


def event_times(time, event):
    """The distinct times with at least one event, in order."""
    return sorted({float(t) for t, e in zip(time, event, strict=True) if e})


def logrank(time, event, arm):
    """Observed and expected events in arm 1, the variance, and z = (O - E) / sqrt(V).

    z is negative when arm 1 has fewer events than expected, and 0 when the variance is 0.
    """
    observed = expected = variance = 0.0
    data = list(zip(time, event, arm, strict=True))
    for t in event_times(time, event):
        n = sum(1 for u, _, _ in data if u >= t)
        n1 = sum(1 for u, _, a in data if u >= t and a == 1)
        d = sum(1 for u, e, _ in data if u == t and e)
        d1 = sum(1 for u, e, a in data if u == t and e and a == 1)
        observed += d1
        expected += d * n1 / n
        if n > 1:
            variance += d * (n1 / n) * (1.0 - n1 / n) * (n - d) / (n - 1)
    z = (observed - expected) / math.sqrt(variance) if variance > 0.0 else 0.0
    return {"observed": observed, "expected": expected, "variance": variance, "z": z}


def kaplan_meier(time, event):
    """Rows (time, at risk, events, survival, Greenwood's variance), one per event time.

    Once the survival is 0, the variance is 0 (its limit), where Greenwood's sum is infinite.
    """
    rows = []
    survival, total = 1.0, 0.0
    for t in event_times(time, event):
        n = sum(1 for u in time if u >= t)
        d = sum(1 for u, e in zip(time, event, strict=True) if u == t and e)
        survival *= (n - d) / n
        if d < n:
            total += d / (n * (n - d))
            variance = survival**2 * total
        else:
            variance = 0.0
        rows.append((t, n, d, survival, variance))
    return rows


def step_value(rows, t, column, before):
    """The value of a step function, given as rows that start with a time, at t (t included)."""
    value = before
    for row in rows:
        if row[0] <= t:
            value = row[column]
    return value


def kaplan_meier_at(time, event, t):
    """(survival, Greenwood's variance) at t."""
    rows = kaplan_meier(time, event)
    return step_value(rows, t, 3, 1.0), step_value(rows, t, 4, 0.0)


def kaplan_meier_quantile(time, event, q=0.5):
    """The first event time with survival <= 1 - q, or None when it is not reached."""
    for t, _, _, survival, _ in kaplan_meier(time, event):
        if survival <= 1.0 - q + 1e-12:
            return t
    return None


def nelson_aalen(time, event):
    """Rows (time, at risk, events, cumulative hazard, sum d / n^2, sum d (n - d) / n^3).

    The last two are variances: Aalen's (the Poisson one) and the binomial one.
    """
    rows = []
    hazard = poisson = binomial = 0.0
    for t in event_times(time, event):
        n = sum(1 for u in time if u >= t)
        d = sum(1 for u, e in zip(time, event, strict=True) if u == t and e)
        hazard += d / n
        poisson += d / n**2
        binomial += d * (n - d) / n**3
        rows.append((t, n, d, hazard, poisson, binomial))
    return rows


def cox_terms(time, event, x, beta, ties):
    """(log partial likelihood, score, information) at beta, x being 0 or 1."""
    data = list(zip(time, event, x, strict=True))
    loglik = score = information = 0.0
    hr = math.exp(beta)
    for t in event_times(time, event):
        r1 = sum(1 for u, _, a in data if u >= t and a == 1)
        r0 = sum(1 for u, _, a in data if u >= t and a == 0)
        d1 = sum(1 for u, e, a in data if u == t and e and a == 1)
        d0 = sum(1 for u, e, a in data if u == t and e and a == 0)
        d = d1 + d0
        loglik += beta * d1
        score += d1
        for j in range(d):
            # Breslow leaves all tied events in every risk set, Efron takes them out on average
            gone = j / d if ties == "efron" else 0.0
            w1 = (r1 - gone * d1) * hr
            w0 = r0 - gone * d0
            share = w1 / (w1 + w0)
            loglik -= math.log(w1 + w0)
            score -= share
            information += share * (1.0 - share)
    return loglik, score, information


def cox_binary(time, event, x, ties="efron"):
    """The Cox model with one covariate 0 or 1, by Newton steps with halving.

    Returned: ``beta`` (log hazard ratio of 1 to 0), ``se``, ``loglik``, ``loglik0``,
    ``score_z`` (the score test at beta = 0), ``converged``. Where the likelihood is monotone
    (one group has no events while at risk together) the estimate runs away and ``converged`` is
    False.
    """
    if ties not in ("breslow", "efron"):
        raise ValueError(ties)
    loglik0, score0, information0 = cox_terms(time, event, x, 0.0, ties)
    score_z = score0 / math.sqrt(information0) if information0 > 0.0 else 0.0
    beta, converged = 0.0, False
    loglik, score, information = loglik0, score0, information0
    for _ in range(200):
        if information < 1e-10 or abs(beta) > 20.0:
            break
        step = score / information
        if abs(step) < 1e-12:
            converged = True
            break
        new = cox_terms(time, event, x, beta + step, ties)
        while new[0] < loglik - 1e-13 * abs(loglik) and abs(step) > 1e-12:
            step /= 2.0
            new = cox_terms(time, event, x, beta + step, ties)
        beta += step
        loglik, score, information = new
    se = 1.0 / math.sqrt(information) if information > 0.0 else math.inf
    return {
        "beta": beta,
        "se": se,
        "loglik": loglik,
        "loglik0": loglik0,
        "score_z": score_z,
        "converged": converged,
    }


def aalen_johansen(time, cause):
    """Rows (time, {cause: cumulative incidence}), one per time with an event of any cause.

    ``cause`` is 0 for censored and 1, 2, ... for the causes.
    """
    causes = sorted({int(c) for c in cause if c})
    incidence = dict.fromkeys(causes, 0.0)
    survival = 1.0
    rows = []
    for t in event_times(time, cause):
        n = sum(1 for u in time if u >= t)
        d_any = 0
        for c in causes:
            d = sum(1 for u, e in zip(time, cause, strict=True) if u == t and e == c)
            incidence[c] += survival * d / n
            d_any += d
        survival *= (n - d_any) / n
        rows.append((t, dict(incidence)))
    return rows


# ---------------------------------------------------------------- piecewise-constant functions


def piece_edges(breaks):
    """The edges of the pieces: 0, the inner breaks, infinity."""
    return [0.0, *[float(b) for b in breaks], math.inf]


def piecewise_rate(t, breaks, rates):
    """The rate at t; ``breaks`` are the inner edges, so there is one rate more than breaks."""
    for rate, stop in zip(rates, piece_edges(breaks)[1:], strict=True):
        if t < stop:
            return rate
    return rates[-1]


def piecewise_cumulative(t, breaks, rates):
    """The integral of the rate from 0 to t."""
    total = 0.0
    edges = piece_edges(breaks)
    for rate, start, stop in zip(rates, edges[:-1], edges[1:], strict=True):
        if t > start:
            total += rate * (min(t, stop) - start)
    return total


def piecewise_cumulative_inverse(h, breaks, rates):
    """The first t with cumulative rate h; infinite when it is never reached."""
    if h <= 0.0:
        return 0.0
    total = 0.0
    edges = piece_edges(breaks)
    for rate, start, stop in zip(rates, edges[:-1], edges[1:], strict=True):
        gain = rate * (stop - start) if rate > 0.0 else 0.0
        if rate > 0.0 and total + gain >= h:
            return start + (h - total) / rate
        total += gain
    return math.inf


def piecewise_survival(t, breaks, rates):
    """S(t) = exp(-H(t)) of the piecewise-exponential distribution."""
    return math.exp(-piecewise_cumulative(t, breaks, rates))


def piecewise_quantile(u, breaks, rates):
    """The t with S(t) = u."""
    if u <= 0.0:
        return math.inf
    return piecewise_cumulative_inverse(-math.log(u), breaks, rates)


# ---------------------------------------------------------------- expected events


def integrate(f, start, stop, breaks):
    """Adaptive quadrature from start to stop, in pieces at the breaks."""
    cuts = sorted({start, stop, *[b for b in breaks if start < b < stop]})
    return math.fsum(
        quad(f, a, b, epsabs=1e-12, epsrel=1e-11, limit=200)[0] for a, b in itertools.pairwise(cuts)
    )


def event_by(u, breaks, rates, dropout=0.0):
    """P(an event is seen by time u since entry) under exponential dropout."""

    def density(v):
        return (
            piecewise_rate(v, breaks, rates)
            * piecewise_survival(v, breaks, rates)
            * math.exp(-dropout * v)
        )

    return integrate(density, 0.0, u, breaks) if u > 0.0 else 0.0


def expected_enrolled(t, accrual_breaks, accrual_rates, n_max=math.inf):
    """The number enrolled by calendar time t, cut at ``n_max``."""
    return min(n_max, piecewise_cumulative(t, accrual_breaks, accrual_rates))


def expected_events(
    t, accrual_breaks, accrual_rates, breaks, rates, dropout=0.0, n_max=math.inf, share=1.0
):
    """Expected events by calendar time t of an arm that takes ``share`` of the accrual.

    Accrual is at a piecewise-constant intensity until ``n_max`` (both arms together) are in.
    """
    end = piecewise_cumulative_inverse(n_max, accrual_breaks, accrual_rates)
    stop = min(t, end)

    def entering(s):
        return piecewise_rate(s, accrual_breaks, accrual_rates) * event_by(
            t - s, breaks, rates, dropout
        )

    if stop <= 0.0:
        return 0.0
    cuts = [*accrual_breaks, *[t - b for b in breaks]]
    return share * integrate(entering, 0.0, stop, cuts)


# ---------------------------------------------------------------- one naive trial


def simulate_trial(
    rng,
    n,
    accrual_breaks,
    accrual_rates,
    breaks1,
    rates1,
    breaks0,
    rates0,
    dropout1=0.0,
    dropout0=0.0,
    block=2,
    target=None,
    offset=0.0,
):
    """One trial: patients enter, are allocated 1:1 in blocks, and fail, drop out or are censored.

    Patient i = 1, ..., n enters when the cumulative accrual intensity reaches i - ``offset``.
    The analysis is at the calendar time of the event number ``target`` (by default, and when
    there are fewer, when everybody has failed or dropped out). Patients who have not entered
    before then are left out. Returned: ``z`` of the log-rank test (negative: arm 1 fails less),
    ``events``, ``calendar``, ``enrolled``, ``reached``, and ``time``, ``event``, ``arm``.
    """
    entry = [
        piecewise_cumulative_inverse(i - offset, accrual_breaks, accrual_rates)
        for i in range(1, n + 1)
    ]
    arms = []
    while len(arms) < n:
        arms.extend(int(a) for a in rng.permutation([0, 1] * (block // 2)))
    arms = arms[:n]

    failure, leaving = [], []
    for arm in arms:
        breaks, rates, dropout = (
            (breaks1, rates1, dropout1) if arm == 1 else (breaks0, rates0, dropout0)
        )
        failure.append(piecewise_cumulative_inverse(rng.exponential(), breaks, rates))
        leaving.append(rng.exponential() / dropout if dropout > 0.0 else math.inf)

    seen = sorted(
        e + f
        for e, f, d in zip(entry, failure, leaving, strict=True)
        if f <= d and math.isfinite(f)
    )
    reached = target is not None and len(seen) >= target
    calendar = seen[target - 1] if reached else math.inf

    time, event, arm_in = [], [], []
    for e, f, d, a in zip(entry, failure, leaving, arms, strict=True):
        if e >= calendar:
            continue
        follow_up = calendar - e
        # the event that sets the calendar time counts: compare calendar times, not differences
        happened = f <= d and e + f <= calendar and math.isfinite(f)
        time.append(f if happened else min(d, follow_up))
        event.append(1 if happened else 0)
        arm_in.append(a)
    if not reached and seen:
        calendar = max(e + u for e, u in zip(entry, time, strict=True))
    result = logrank(time, event, arm_in)
    return {
        "z": result["z"],
        "events": sum(event),
        "calendar": calendar,
        "enrolled": len(time),
        "reached": reached,
        "time": np.array(time),
        "event": np.array(event),
        "arm": np.array(arm_in),
    }
