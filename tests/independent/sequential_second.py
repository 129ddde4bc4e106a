"""A second reading of group-sequential tests.

Written from Jennison and Turnbull, Group Sequential Methods with Applications to Clinical Trials
(2000), chapters 3 and 7, and the papers of the spending functions: Lan and DeMets (1983), Kim and
DeMets (1987), Hwang, Shih and DeCani (1990).

The canonical joint distribution (section 3.1): Z_k ~ N(theta sqrt(I_k), 1) and
Cov(Z_j, Z_k) = sqrt(I_j / I_k) for j <= k. Equivalently the scores S_k = Z_k sqrt(I_k) have
independent increments N(theta (I_k - I_{k-1}), I_k - I_{k-1}). With information fractions in
place of information, theta is the drift E(Z_K) at full information.

Two ways to the same numbers: boxes of a multivariate normal distribution, for any number of
looks, and nested adaptive quadrature over the increments, for up to three.
"""

import itertools
import math

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm

FAR = 9.0  # standard deviations beyond which a normal distribution is cut in quadrature


# ---------------------------------------------------------------- exit probabilities


def box_probability(means, covariance, low, high, abseps=1e-9, maxpts=5_000_000, seed=1):
    """P(low_j < Z_j < high_j for all j) of a multivariate normal distribution."""
    if len(means) == 1:
        sd = math.sqrt(covariance[0][0])
        return normal_between(low[0], high[0], means[0], sd)
    # an infinite corner is moved to where no mass lies, 30 standard deviations out
    sd = np.sqrt(np.diag(covariance))
    low = np.maximum(low, means - 30.0 * sd)
    high = np.minimum(high, means + 30.0 * sd)
    if np.any(low >= high):
        return 0.0
    return float(
        multivariate_normal.cdf(
            high,
            mean=means,
            cov=covariance,
            lower_limit=low,
            abseps=abseps,
            releps=0.0,
            maxpts=maxpts,
            rng=np.random.default_rng(seed),
        )
    )


def normal_between(low, high, mean, sd):
    """P(low < X < high), taken in the tail where it is accurate."""
    if low >= high:
        return 0.0
    a, b = (low - mean) / sd, (high - mean) / sd
    if a > 0.0:
        return upper_tail(a) - upper_tail(b)
    return upper_tail(-b) - upper_tail(-a)


def upper_tail(z):
    """1 - Phi(z)."""
    return 0.5 * math.erfc(z / math.sqrt(2.0))


def exit_probabilities_normal(information, upper, lower=None, theta=0.0, **options):
    """(upper exits, lower exits) per look, from boxes of the multivariate normal distribution.

    ``upper[k]`` may be infinite, ``lower[k]`` minus infinite; without ``lower`` there is no lower
    boundary. An exit at look k means that no boundary was crossed before k.
    """
    information = np.asarray(information, dtype=float)
    k_looks = len(information)
    lower = [-math.inf] * k_looks if lower is None else list(lower)
    upper = list(upper)
    means = theta * np.sqrt(information)
    covariance = np.empty((k_looks, k_looks))
    for i in range(k_looks):
        for j in range(k_looks):
            covariance[i, j] = math.sqrt(
                min(information[i], information[j]) / max(information[i], information[j])
            )
    ups, downs = [], []
    for k in range(k_looks):
        part = covariance[: k + 1, : k + 1]
        mean = means[: k + 1]
        up = box_probability(
            mean,
            part,
            np.array([*lower[:k], upper[k]]),
            np.array([*upper[:k], math.inf]),
            **options,
        )
        down = box_probability(
            mean,
            part,
            np.array([*lower[:k], -math.inf]),
            np.array([*upper[:k], lower[k]]),
            **options,
        )
        ups.append(up)
        downs.append(down)
    return ups, downs


def stay_then(information, upper, lower, theta, k, low, high):
    """P(inside all boundaries before look k and low < Z_k < high), k counted from 0, k <= 2."""
    if low >= high:
        return 0.0

    def step(j, score):
        """The same probability from look j on, given the score at look j - 1."""
        before = information[j - 1] if j else 0.0
        gain = information[j] - before
        mean, sd = score + theta * gain, math.sqrt(gain)
        root = math.sqrt(information[j])
        if j == k:
            return normal_between(low * root, high * root, mean, sd)
        start = max(lower[j] * root, mean - FAR * sd)
        stop = min(upper[j] * root, mean + FAR * sd)
        if start >= stop:
            return 0.0

        def integrand(s):
            density = math.exp(-0.5 * ((s - mean) / sd) ** 2) / (sd * math.sqrt(2.0 * math.pi))
            return density * step(j + 1, s)

        cuts = [start, *sorted(m for m in (mean - 3 * sd, mean, mean + 3 * sd)), stop]
        cuts = sorted({c for c in cuts if start <= c <= stop})
        return math.fsum(
            quad(integrand, a, b, epsabs=1e-12, epsrel=1e-10, limit=200)[0]
            for a, b in itertools.pairwise(cuts)
        )

    return step(0, 0.0)


def exit_probabilities(information, upper, lower=None, theta=0.0):
    """(upper exits, lower exits) per look, by nested quadrature, for up to three looks."""
    k_looks = len(information)
    if k_looks > 3:
        raise ValueError("nested quadrature is for three looks at most")
    lower = [-math.inf] * k_looks if lower is None else list(lower)
    ups, downs = [], []
    for k in range(k_looks):
        ups.append(stay_then(information, upper, lower, theta, k, upper[k], math.inf))
        downs.append(stay_then(information, upper, lower, theta, k, -math.inf, lower[k]))
    return ups, downs


# ---------------------------------------------------------------- spending functions


def spending_obrien_fleming(t, alpha):
    """Lan and DeMets: 2 - 2 Phi(z_{alpha/2} / sqrt(t)), alpha one-sided."""
    if t <= 0.0:
        return 0.0
    t = min(t, 1.0)
    return float(2.0 * norm.sf(norm.isf(alpha / 2.0) / math.sqrt(t)))


def spending_pocock(t, alpha):
    """Lan and DeMets: alpha ln(1 + (e - 1) t)."""
    t = min(max(t, 0.0), 1.0)
    return alpha * math.log(1.0 + (math.e - 1.0) * t)


def spending_hwang_shih_decani(t, alpha, gamma):
    """Alpha (1 - exp(-gamma t)) / (1 - exp(-gamma)); alpha t at gamma = 0."""
    t = min(max(t, 0.0), 1.0)
    if gamma == 0.0:
        return alpha * t
    return alpha * math.expm1(-gamma * t) / math.expm1(-gamma)


def spending_kim_demets(t, alpha, rho):
    """Alpha t^rho."""
    t = min(max(t, 0.0), 1.0)
    return alpha * t**rho


# ---------------------------------------------------------------- boundaries


def upper_boundary(times, spent, lower=None):
    """The upper boundary that spends ``spent`` (cumulative, under theta = 0), for three looks.

    ``lower`` is a binding lower boundary; without it the futility boundary is not binding. A
    look that spends nothing has an infinite boundary.
    """
    lower = [-math.inf] * len(times) if lower is None else list(lower)
    upper = []
    for k in range(len(times)):
        share = spent[k] - (spent[k - 1] if k else 0.0)
        if share <= 0.0:
            upper.append(math.inf)
            continue

        def excess(u, k=k, share=share):
            return stay_then(times, [*upper, u], lower, 0.0, k, u, math.inf) - share

        # crossing at look k alone is at least crossing first at k: the root is below this
        top = float(norm.isf(share)) + 1e-9
        bottom = max(-8.0, lower[k])
        if excess(bottom) < 0.0:
            raise ValueError("no boundary spends that much at this look")
        upper.append(brentq(excess, bottom, top, xtol=1e-11, rtol=1e-13))
    return upper


def two_sided_boundary(times, spent):
    """The symmetric boundary c: |Z_k| > c_k spends ``spent`` (both sides together, theta = 0)."""
    bounds = []
    for k in range(len(times)):
        share = spent[k] - (spent[k - 1] if k else 0.0)
        if share <= 0.0:
            bounds.append(math.inf)
            continue

        def excess(c, k=k, share=share):
            lower = [-b for b in bounds]
            return 2.0 * stay_then(times, bounds, lower, 0.0, k, c, math.inf) - share

        top = float(norm.isf(share / 2.0)) + 1e-9
        bounds.append(brentq(excess, 0.0, top, xtol=1e-11, rtol=1e-13))
    return bounds


def lower_boundary(times, spent, upper, theta):
    """The lower boundary that spends ``spent`` of beta (cumulative) under the drift theta."""
    lower = []
    for k in range(len(times)):
        share = spent[k] - (spent[k - 1] if k else 0.0)
        if share <= 0.0:
            lower.append(-math.inf)
            continue

        def excess(low, k=k, share=share):
            return stay_then(times, upper, [*lower, low], theta, k, -math.inf, low) - share

        mean = theta * math.sqrt(times[k])
        if excess(mean + 12.0) < 0.0:
            raise ValueError("no boundary spends that much at this look")
        lower.append(brentq(excess, mean - 12.0, mean + 12.0, xtol=1e-11, rtol=1e-13))
    return lower


def drift_for_power(times, upper, power, lower=None):
    """The theta at which the upper boundary is crossed with probability ``power``."""

    def excess(theta):
        return math.fsum(exit_probabilities(times, upper, lower, theta)[0]) - power

    return brentq(excess, 0.0, 12.0, xtol=1e-10)


def spending_design(times, alpha_spent, beta_spent, binding):
    """(upper, lower, theta): both boundaries spend, and they meet at the last look.

    ``alpha_spent`` and ``beta_spent`` are cumulative. With ``binding`` False the upper boundary
    ignores the lower one. theta is the drift at which the power, the lower boundary obeyed, is
    1 - beta.
    """
    last = len(times) - 1

    def design(theta):
        upper, lower = [], []
        if not binding:
            upper = upper_boundary(times, alpha_spent)
            lower = lower_boundary(times, beta_spent, upper, theta)
            return upper, lower
        for k in range(len(times)):
            # the boundary at k needs only the earlier ones: solve look by look
            known = [*lower, -math.inf]
            upper = upper_boundary(times[: k + 1], alpha_spent[: k + 1], known)
            lower = lower_boundary(times[: k + 1], beta_spent[: k + 1], upper, theta)
        return upper, lower

    def gap(theta):
        try:
            upper, lower = design(theta)
        except ValueError:  # theta so large that the boundaries have met before the last look
            return -1.0
        return upper[last] - lower[last]

    theta = brentq(gap, 0.5, 8.0, xtol=1e-9)
    upper, lower = design(theta)
    return upper, lower, theta
