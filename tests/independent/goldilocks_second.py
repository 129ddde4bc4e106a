"""A second reading of the Goldilocks design.

Written from Broglio, Connor and Berry (2014), "Not too big, not too small: a Goldilocks approach
to sample size selection", Journal of Biopharmaceutical Statistics 24, 685-705, for binary
outcomes that come late. At a look, n patients are enrolled and the last m of them are pending.

1. The predictive probability P_n that the final rule is met once the n enrolled are complete:
   if P_n > S, accrual stops, the pending are followed up, and the final rule decides.
2. Otherwise, the predictive probability P_max that it would be met at the maximum: if
   P_max < F, the trial stops for futility, which is a failure whatever the pending bring.
3. Otherwise accrual goes on to the next look, and at the maximum the final rule decides.

The single-arm final rule is P(p > p_null | x, n) > c under a beta prior. The operating
characteristics are exact: every outcome is enumerated.
"""

import math

import numpy as np
from scipy.special import betaincc, betaln
from scipy.stats import binom


def beta_binomial(m, a, b):
    """The distribution of responses among m future patients when p ~ Beta(a, b)."""
    pmf = np.empty(m + 1)
    for k in range(m + 1):
        pmf[k] = math.exp(math.log(math.comb(m, k)) + betaln(a + k, b + m - k) - betaln(a, b))
    return pmf


def pending_at(pending, look):
    """The number pending at a look: one number for all looks or a list."""
    return pending[look] if np.ndim(pending) else pending


def single_final(x, n, p_null, c, prior):
    """The final rule of one arm: P(p > p_null | x of n) > c."""
    a, b = prior
    return float(betaincc(a + x, b + n - x, p_null)) > c


def single_predictive(x, observed, total, p_null, c, prior, predictive_prior=None):
    """P(the final rule is met at ``total`` | x of ``observed``)."""
    a, b = predictive_prior or prior
    future = beta_binomial(total - observed, a + x, b + observed - x)
    return math.fsum(
        float(w) for k, w in enumerate(future) if single_final(x + k, total, p_null, c, prior)
    )


def single_arm(
    looks, pending, n_max, p_true, p_null, c, s, f, prior=(1.0, 1.0), predictive_prior=None
):
    """Exact operating characteristics of a single-arm Goldilocks trial.

    Looks are at enrolled numbers below ``n_max``; at each the first max(0, n - pending) are
    observed. ``s`` and ``f`` are one number each or one per look. Returned, each list with one
    entry per look: ``early_win`` and ``early_loss`` (accrual stopped for expected success, final
    rule met or not), ``futility``; ``late_win``, ``late_loss`` at ``n_max``; ``success``, their
    sum; ``expected_n`` enrolled; ``decisions``, one dictionary per look from the observed
    responses to (P_n, P_max, "success" | "futility" | "go on").
    """
    early_win = [0.0] * len(looks)
    early_loss = [0.0] * len(looks)
    futility = [0.0] * len(looks)
    decisions = []
    expected = 0.0
    states = {0: 1.0}
    seen = 0

    def grow(states, more):
        pmf = binom.pmf(np.arange(more + 1), more, p_true)
        grown = {}
        for x, mass in states.items():
            for k, w in enumerate(pmf):
                grown[x + k] = grown.get(x + k, 0.0) + mass * float(w)
        return grown

    for look, n in enumerate(looks):
        observed = max(0, n - pending_at(pending, look))
        if n >= n_max or observed < seen:
            raise ValueError("looks must be below n_max and never lose observed patients")
        s_here = s[look] if np.ndim(s) else s
        f_here = f[look] if np.ndim(f) else f
        states = grow(states, observed - seen)
        seen = observed
        going_on = {}
        table = {}
        for x, mass in states.items():
            p_n = single_predictive(x, observed, n, p_null, c, prior, predictive_prior)
            p_max = single_predictive(x, observed, n_max, p_null, c, prior, predictive_prior)
            if p_n > s_here:
                table[x] = (p_n, p_max, "success")
                for y, w in grow({x: mass}, n - observed).items():
                    if single_final(y, n, p_null, c, prior):
                        early_win[look] += w
                    else:
                        early_loss[look] += w
                expected += mass * n
            elif p_max < f_here:
                table[x] = (p_n, p_max, "futility")
                futility[look] += mass
                expected += mass * n
            else:
                table[x] = (p_n, p_max, "go on")
                going_on[x] = mass
        decisions.append(table)
        states = going_on

    late_win = late_loss = 0.0
    for x, mass in grow(states, n_max - seen).items():
        if single_final(x, n_max, p_null, c, prior):
            late_win += mass
        else:
            late_loss += mass
        expected += mass * n_max
    return {
        "early_win": early_win,
        "early_loss": early_loss,
        "futility": futility,
        "late_win": late_win,
        "late_loss": late_loss,
        "success": sum(early_win) + late_win,
        "expected_n": expected,
        "decisions": decisions,
    }


def two_arm_final_table(n1, n0, success):
    """The final rule at every pair of responses, as an array of zeros and ones."""
    table = np.zeros((n1 + 1, n0 + 1))
    for y1 in range(n1 + 1):
        for y0 in range(n0 + 1):
            table[y1, y0] = 1.0 if success(y1, n1, y0, n0) else 0.0
    return table


def two_arm_predictive(y1, o1, y0, o0, total1, total0, table, prior1=(1.0, 1.0), prior0=(1.0, 1.0)):
    """P(the final rule is met at the totals | y1 of o1 and y0 of o0); ``table`` is the rule."""
    future1 = beta_binomial(total1 - o1, prior1[0] + y1, prior1[1] + o1 - y1)
    future0 = beta_binomial(total0 - o0, prior0[0] + y0, prior0[1] + o0 - y0)
    reached = table[y1 : y1 + len(future1), y0 : y0 + len(future0)]
    return float(future1 @ reached @ future0)


def two_arm(
    looks,
    pending,
    n_max,
    success,
    s,
    f,
    p1,
    p0,
    prior1=(1.0, 1.0),
    prior0=(1.0, 1.0),
):
    """Exact operating characteristics of a two-arm Goldilocks trial.

    ``looks`` are enrolled numbers [(n1, n0), ...] below ``n_max`` = (N1, N0), ``pending`` one
    pair (m1, m0) for all looks or a list of pairs, ``success(y1, n1, y0, n0)`` the final rule,
    the priors those of the predictive probability. The result is that of ``single_arm``, the
    keys of ``decisions`` being pairs of observed responses.
    """
    early_win = [0.0] * len(looks)
    early_loss = [0.0] * len(looks)
    futility = [0.0] * len(looks)
    decisions = []
    expected = 0.0
    states = {(0, 0): 1.0}
    seen1 = seen0 = 0
    max1, max0 = n_max
    table_max = two_arm_final_table(max1, max0, success)

    def grow(states, more1, more0):
        pmf1 = binom.pmf(np.arange(more1 + 1), more1, p1)
        pmf0 = binom.pmf(np.arange(more0 + 1), more0, p0)
        grown = {}
        for (y1, y0), mass in states.items():
            for k1, w1 in enumerate(pmf1):
                for k0, w0 in enumerate(pmf0):
                    key = (y1 + k1, y0 + k0)
                    grown[key] = grown.get(key, 0.0) + mass * float(w1) * float(w0)
        return grown

    for look, (n1, n0) in enumerate(looks):
        m1, m0 = pending[look] if np.ndim(pending) == 2 else pending
        o1, o0 = max(0, n1 - m1), max(0, n0 - m0)
        if n1 + n0 >= max1 + max0 or o1 < seen1 or o0 < seen0:
            raise ValueError("looks must be below n_max and never lose observed patients")
        s_here = s[look] if np.ndim(s) else s
        f_here = f[look] if np.ndim(f) else f
        table_now = two_arm_final_table(n1, n0, success)
        states = grow(states, o1 - seen1, o0 - seen0)
        seen1, seen0 = o1, o0
        going_on = {}
        table = {}
        for (y1, y0), mass in states.items():
            p_n = two_arm_predictive(y1, o1, y0, o0, n1, n0, table_now, prior1, prior0)
            p_max = two_arm_predictive(y1, o1, y0, o0, max1, max0, table_max, prior1, prior0)
            if p_n > s_here:
                table[(y1, y0)] = (p_n, p_max, "success")
                for (z1, z0), w in grow({(y1, y0): mass}, n1 - o1, n0 - o0).items():
                    if table_now[z1, z0]:
                        early_win[look] += w
                    else:
                        early_loss[look] += w
                expected += mass * (n1 + n0)
            elif p_max < f_here:
                table[(y1, y0)] = (p_n, p_max, "futility")
                futility[look] += mass
                expected += mass * (n1 + n0)
            else:
                table[(y1, y0)] = (p_n, p_max, "go on")
                going_on[(y1, y0)] = mass
        decisions.append(table)
        states = going_on

    late_win = late_loss = 0.0
    for (y1, y0), mass in grow(states, max1 - seen1, max0 - seen0).items():
        if table_max[y1, y0]:
            late_win += mass
        else:
            late_loss += mass
        expected += mass * (max1 + max0)
    return {
        "early_win": early_win,
        "early_loss": early_loss,
        "futility": futility,
        "late_win": late_win,
        "late_loss": late_loss,
        "success": sum(early_win) + late_win,
        "expected_n": expected,
        "decisions": decisions,
    }
