"""A second reading of the exact arithmetic of two-arm binary trials.

Written from textbooks alone, the slow and obvious way:

* P(p1 - p0 > margin) for independent beta posteriors: the double integral of the two densities,
  the inner one in closed form (the beta tail), the outer by adaptive quadrature (Gelman et al.,
  Bayesian Data Analysis, chapter 2). For integer parameters and margin 0, the beta tail is a
  binomial sum, P(Beta(a, b) > x) = P(Bin(a + b - 1, x) <= a - 1), and the integral is a finite
  sum of ratios of factorials (Thompson 1933).
* mixtures of betas: each weight is multiplied by the marginal likelihood of its component,
  B(a + y, b + n - y) / B(a, b) (Diaconis and Ylvisaker 1985).
* the z tests and Fisher's exact test: Fleiss, Levin and Paik, Statistical Methods for Rates and
  Proportions, chapters 3 and 4; Fisher 1935.
* predictive probability: the sum over beta-binomial futures (Spiegelhalter, Freedman and
  Blackburn 1986).
* allocation: Rosenberger and Lachin, Randomization in Clinical Trials, chapters 3 and 5.
* operating characteristics: every outcome is enumerated and its probability added.

Arm 1 is the new treatment, arm 0 the control, throughout. ``looks`` hold cumulative numbers.
"""

import itertools
import math
from fractions import Fraction

import numpy as np
from scipy.integrate import quad
from scipy.special import betainc, betaincc, betaln
from scipy.stats import binom

# ---------------------------------------------------------------- posterior probabilities


def beta_tail_above(x, a, b):
    """P(p > x) for p ~ Beta(a, b); one below 0, zero above 1."""
    if x <= 0.0:
        return 1.0
    if x >= 1.0:
        return 0.0
    return float(betaincc(a, b, x))


def beta_tail_below(x, a, b):
    """P(p < x) for p ~ Beta(a, b); zero below 0, one above 1."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    return float(betainc(a, b, x))


def beta_superiority(a1, b1, a0, b0, margin=0.0):
    """P(p1 - p0 > margin) for p1 ~ Beta(a1, b1) and p0 ~ Beta(a0, b0), independent.

    The error of the quadrature is checked to be below 1e-10.
    """
    log_constant = betaln(a0, b0)

    # breakpoints: where the tail leaves 1 or reaches 0, and around both distributions
    cuts = {0.0, 0.5, 1.0, -margin, 1.0 - margin}
    for a, b, shift in ((a0, b0, 0.0), (a1, b1, margin)):
        mean = a / (a + b)
        sd = math.sqrt(mean * (1.0 - mean) / (a + b + 1.0))
        for k in (-12, -8, -5, -3, -2, -1, 0, 1, 2, 3, 5, 8, 12):
            cuts.add(mean + k * sd - shift)
    points = sorted(x for x in cuts if 0.0 <= x <= 1.0)

    # A density that is infinite at an end is flattened there: with t = x^a, x^(a-1) dx = dt / a,
    # and likewise with t = (1 - x)^b at the other end.
    def left(t):
        x = t ** (1.0 / a0)
        rest = math.exp((b0 - 1.0) * math.log1p(-x) - log_constant)
        return rest / a0 * beta_tail_above(x + margin, a1, b1)

    def right(t):
        y = t ** (1.0 / b0)
        rest = math.exp((a0 - 1.0) * math.log1p(-y) - log_constant)
        # p1 > 1 - y + margin is 1 - p1 < y - margin: 1 - y would lose a small y
        return rest / b0 * beta_tail_below(y - margin, b1, a1)

    def plain(x):
        if x <= 0.0 or x >= 1.0:
            edge = (a0 == 1.0 and x <= 0.0) or (b0 == 1.0 and x >= 1.0)
            density = math.exp(-log_constant) if edge else 0.0
        else:
            density = math.exp(
                (a0 - 1.0) * math.log(x) + (b0 - 1.0) * math.log1p(-x) - log_constant
            )
        return density * beta_tail_above(x + margin, a1, b1)

    pieces, errors = [], []
    for low, high in itertools.pairwise(points):
        if high <= 0.5 and a0 < 1.0:
            f, start, stop = left, low**a0, high**a0
        elif low >= 0.5 and b0 < 1.0:
            f, start, stop = right, (1.0 - high) ** b0, (1.0 - low) ** b0
        else:
            f, start, stop = plain, low, high
        if stop > start:
            value, error, *_ = quad(
                f, start, stop, epsabs=1e-13, epsrel=1e-12, limit=500, full_output=1
            )
            pieces.append(value)
            errors.append(error)
    if math.fsum(errors) > 1e-10:
        raise ArithmeticError("the quadrature did not reach 1e-10")
    return min(1.0, max(0.0, math.fsum(pieces)))


def posterior_superiority(y1, n1, y0, n0, prior1=(1.0, 1.0), prior0=(1.0, 1.0), margin=0.0):
    """P(p1 - p0 > margin | data) under independent beta priors, by quadrature over p0."""
    return beta_superiority(
        prior1[0] + y1, prior1[1] + n1 - y1, prior0[0] + y0, prior0[1] + n0 - y0, margin
    )


def beta_function_exact(a, b):
    """B(a, b) = (a - 1)! (b - 1)! / (a + b - 1)! for positive integers."""
    return Fraction(math.factorial(a - 1) * math.factorial(b - 1), math.factorial(a + b - 1))


def beta_superiority_exact(a1, b1, a0, b0):
    """P(p1 > p0) as a Fraction, for positive integer parameters."""
    m = a1 + b1 - 1
    total = Fraction(0)
    for j in range(a1):
        total += math.comb(m, j) * beta_function_exact(a0 + j, b0 + m - j)
    return total / beta_function_exact(a0, b0)


def posterior_superiority_exact(y1, n1, y0, n0, prior1=(1, 1), prior0=(1, 1)):
    """P(p1 > p0 | data) as a Fraction, for integer beta parameters and margin 0."""
    return beta_superiority_exact(
        prior1[0] + y1, prior1[1] + n1 - y1, prior0[0] + y0, prior0[1] + n0 - y0
    )


def mixture_posterior(y, n, mixture):
    """The posterior mixture [(weight, a, b), ...] after y responses among n."""
    total_prior = math.fsum(w for w, _, _ in mixture)
    logs = []
    for w, a, b in mixture:
        marginal = betaln(a + y, b + n - y) - betaln(a, b)
        logs.append(math.log(w / total_prior) + marginal if w > 0.0 else -math.inf)
    top = max(logs)
    raw = [math.exp(v - top) for v in logs]
    total = math.fsum(raw)
    return [(r / total, a + y, b + n - y) for r, (_, a, b) in zip(raw, mixture, strict=True)]


def mixture_posterior_exact(y, n, mixture):
    """The same with Fractions, for integer parameters and rational weights."""
    raw = [
        Fraction(w) * beta_function_exact(a + y, b + n - y) / beta_function_exact(a, b)
        for w, a, b in mixture
    ]
    total = sum(raw)
    return [(r / total, a + y, b + n - y) for r, (_, a, b) in zip(raw, mixture, strict=True)]


def mixture_tail_above(x, mixture):
    """P(p > x) when p has the mixture [(weight, a, b), ...]."""
    return math.fsum(w * beta_tail_above(x, a, b) for w, a, b in mixture)


def mixture_superiority(y1, n1, y0, n0, mixture1, mixture0, margin=0.0):
    """P(p1 - p0 > margin | data) when each arm has a mixture prior [(weight, a, b), ...]."""
    parts = []
    for w1, a1, b1 in mixture_posterior(y1, n1, mixture1):
        for w0, a0, b0 in mixture_posterior(y0, n0, mixture0):
            parts.append(w1 * w0 * beta_superiority(a1, b1, a0, b0, margin))
    return math.fsum(parts)


def mixture_superiority_exact(y1, n1, y0, n0, mixture1, mixture0):
    """P(p1 > p0 | data) as a Fraction, for integer parameters and rational weights."""
    total = Fraction(0)
    for w1, a1, b1 in mixture_posterior_exact(y1, n1, mixture1):
        for w0, a0, b0 in mixture_posterior_exact(y0, n0, mixture0):
            total += w1 * w0 * beta_superiority_exact(a1, b1, a0, b0)
    return total


# ---------------------------------------------------------------- tests of two proportions


def z_two_proportions(y1, n1, y0, n0, pooled=True):
    """The z statistic of p1 - p0, or None when it is not defined (an empty arm, no variance)."""
    if n1 == 0 or n0 == 0:
        return None
    difference = y1 / n1 - y0 / n0
    if pooled:
        if y1 + y0 in (0, n1 + n0):
            return None
        p = (y1 + y0) / (n1 + n0)
        variance = p * (1.0 - p) * (1.0 / n1 + 1.0 / n0)
    else:
        if y1 in (0, n1) and y0 in (0, n0):
            return None
        q1, q0 = y1 / n1, y0 / n0
        variance = q1 * (1.0 - q1) / n1 + q0 * (1.0 - q0) / n0
    return difference / math.sqrt(variance)


def z_rejects(y1, n1, y0, n0, critical, pooled=True):
    """One-sided: z > critical, strictly; no rejection when z is not defined."""
    z = z_two_proportions(y1, n1, y0, n0, pooled)
    return z is not None and z > critical


def fisher_tables(y1, n1, y0, n0):
    """{x: number of ways} of x responses in arm 1, given all four margins."""
    responses = y1 + y0
    return {
        x: math.comb(n1, x) * math.comb(n0, responses - x)
        for x in range(max(0, responses - n0), min(n1, responses) + 1)
    }


def fisher_one_sided(y1, n1, y0, n0):
    """P(X >= y1) given the margins, as a Fraction: small when arm 1 responds more."""
    ways = fisher_tables(y1, n1, y0, n0)
    return Fraction(sum(w for x, w in ways.items() if x >= y1), sum(ways.values()))


def fisher_two_sided(y1, n1, y0, n0):
    """The sum of all tables no more probable than the one observed, as a Fraction."""
    ways = fisher_tables(y1, n1, y0, n0)
    return Fraction(sum(w for w in ways.values() if w <= ways[y1]), sum(ways.values()))


def fisher_rejects(y1, n1, y0, n0, alpha, two_sided=False):
    """p <= alpha, the p-value rounded once to a float."""
    p = fisher_two_sided(y1, n1, y0, n0) if two_sided else fisher_one_sided(y1, n1, y0, n0)
    return float(p) <= alpha


# ---------------------------------------------------------------- predictive probability


def beta_binomial_pmf(m, a, b):
    """[P(K = 0), ..., P(K = m)] of m future patients when p ~ Beta(a, b)."""
    pmf = []
    for k in range(m + 1):
        choose = -math.log(m + 1) - betaln(k + 1, m - k + 1)
        pmf.append(math.exp(choose + betaln(a + k, b + m - k) - betaln(a, b)))
    return pmf


def mixture_of(prior):
    """A prior (a, b) as a mixture of one; a mixture is returned as it is."""
    if np.ndim(prior[0]) == 0:
        return [(1.0, prior[0], prior[1])]
    return list(prior)


def future_pmf(y, n, m, prior):
    """The distribution of responses among m future patients, given y of n."""
    pmf = [0.0] * (m + 1)
    for w, a, b in mixture_posterior(y, n, mixture_of(prior)):
        for k, p in enumerate(beta_binomial_pmf(m, a, b)):
            pmf[k] += w * p
    return pmf


def predictive_probability(
    y1, n1, y0, n0, final1, final0, success, prior1=(1.0, 1.0), prior0=(1.0, 1.0)
):
    """P(success at final1 and final0 patients | data now), over beta-binomial futures.

    ``success(y1, n1, y0, n0)`` is the final rule; a prior is (a, b) or [(weight, a, b), ...].
    """
    future1 = future_pmf(y1, n1, final1 - n1, prior1)
    future0 = future_pmf(y0, n0, final0 - n0, prior0)
    parts = []
    for k1, w1 in enumerate(future1):
        for k0, w0 in enumerate(future0):
            if success(y1 + k1, final1, y0 + k0, final0):
                parts.append(w1 * w0)
    return math.fsum(parts)


# ---------------------------------------------------------------- operating characteristics


def never(y1, n1, y0, n0):
    """A futility rule that never stops."""
    return False


def two_arm(looks, success, futility, p1, p0):
    """Exact operating characteristics of a two-arm trial with looks [(n1, n0), ...].

    The numbers are cumulative. Success is tested before futility. The last entry of
    ``futility`` is the probability of reaching the last look without success there, so that
    both lists together sum to one.
    """
    futility = futility or never
    last = len(looks) - 1
    won = [0.0] * len(looks)
    lost = [0.0] * len(looks)
    expected1 = expected0 = 0.0
    states = {(0, 0): 1.0}
    before1 = before0 = 0
    for k, (n1, n0) in enumerate(looks):
        new1 = binom.pmf(np.arange(n1 - before1 + 1), n1 - before1, p1)
        new0 = binom.pmf(np.arange(n0 - before0 + 1), n0 - before0, p0)
        arrived = {}
        for (y1, y0), mass in states.items():
            for k1, w1 in enumerate(new1):
                for k0, w0 in enumerate(new0):
                    key = (y1 + k1, y0 + k0)
                    arrived[key] = arrived.get(key, 0.0) + mass * float(w1) * float(w0)
        states = {}
        stopped = 0.0
        for (y1, y0), mass in arrived.items():
            if success(y1, n1, y0, n0):
                won[k] += mass
                stopped += mass
            elif k == last or futility(y1, n1, y0, n0):
                lost[k] += mass
                stopped += mass
            else:
                states[(y1, y0)] = mass
        expected1 += stopped * n1
        expected0 += stopped * n0
        before1, before0 = n1, n0
    return {
        "success": won,
        "futility": lost,
        "expected_n": expected1 + expected0,
        "expected_n1": expected1,
        "expected_n0": expected0,
    }


# ---------------------------------------------------------------- allocation: numbers by formula


def hypergeometric_pmf(draws, ones, zeros):
    """{k: P(k ones)} among ``draws`` taken without replacement from ones and zeros."""
    ways = math.comb(ones + zeros, draws)
    return {
        k: math.comb(ones, k) * math.comb(zeros, draws - k) / ways
        for k in range(max(0, draws - zeros), min(ones, draws) + 1)
    }


def block_split(size, ratio):
    """How many of a block of this size go to arm 1 and to arm 0, at the ratio (a, b)."""
    a, b = ratio
    if size % (a + b):
        raise ValueError("the block size is no multiple of the sum of the ratio")
    return size * a // (a + b), size * b // (a + b)


def count_simple(n, r=0.5):
    """{k: P(k of n to arm 1)} when each patient goes to arm 1 with probability r."""
    return {k: math.comb(n, k) * r**k * (1.0 - r) ** (n - k) for k in range(n + 1)}


def count_blocks(n, size, ratio=(1, 1)):
    """The same for permuted blocks of one size; the last block may be unfinished."""
    ones, zeros = block_split(size, ratio)
    full, rest = divmod(n, size)
    return {full * ones + k: p for k, p in hypergeometric_pmf(rest, ones, zeros).items()}


def count_random_blocks(n, sizes, ratio=(1, 1)):
    """The same for blocks whose sizes are drawn uniformly from a list, one draw per block."""
    by_n = [{0: 1.0}]
    for left in range(1, n + 1):
        result = {}
        for size in sizes:
            ones, zeros = block_split(size, ratio)
            if size <= left:
                part = {ones + k: p for k, p in by_n[left - size].items()}
            else:
                part = hypergeometric_pmf(left, ones, zeros)
            for k, p in part.items():
                result[k] = result.get(k, 0.0) + p / len(sizes)
        by_n.append(result)
    return by_n[n]


def compositions(n, parts):
    """Every way to write n as an ordered sum of this many non-negative integers."""
    if parts == 1:
        yield (n,)
        return
    for first in range(n + 1):
        for rest in compositions(n - first, parts - 1):
            yield (first, *rest)


def count_stratified(n, shares, sizes, ratio=(1, 1)):
    """The same for blocks within strata; each patient's stratum is drawn with these shares.

    ``sizes`` is the list of block sizes; a list of one is blocks of a fixed size.
    """
    within = [count_random_blocks(m, sizes, ratio) for m in range(n + 1)]
    result = {}
    for numbers in compositions(n, len(shares)):
        weight = float(math.factorial(n))
        for m, share in zip(numbers, shares, strict=True):
            weight *= share**m / math.factorial(m)
        total = {0: 1.0}
        for m in numbers:
            joined = {}
            for k, p in total.items():
                for j, q in within[m].items():
                    joined[k + j] = joined.get(k + j, 0.0) + p * q
            total = joined
        for k, p in total.items():
            result[k] = result.get(k, 0.0) + weight * p
    return result


# ------------------------------------------------------ allocation: patient by patient


class Simple:
    """Each patient goes to arm 1 with probability r."""

    start = ()

    def __init__(self, r=0.5):
        self.r = r

    def step(self, state):
        """[(probability, arm, next state), ...] for the next patient."""
        return [(self.r, 1, state), (1.0 - self.r, 0, state)]


class Blocks:
    """Permuted blocks; the size of each block is drawn uniformly from ``sizes``.

    The state is what is left of the open block: (places in arm 1, places in arm 0). A list of
    one size is permuted blocks of a fixed size.
    """

    start = (0, 0)

    def __init__(self, sizes, ratio=(1, 1)):
        self.openings = [block_split(size, ratio) for size in sizes]

    def step(self, state):
        """[(probability, arm, next state), ...] for the next patient."""
        openings = [state] if state != (0, 0) else self.openings
        result = []
        for ones, zeros in openings:
            chance = 1.0 / len(openings)
            if ones:
                result.append((chance * ones / (ones + zeros), 1, (ones - 1, zeros)))
            if zeros:
                result.append((chance * zeros / (ones + zeros), 0, (ones, zeros - 1)))
        return result


class Stratified:
    """One allocation scheme kept apart in each stratum; strata are iid with given shares."""

    def __init__(self, shares, scheme):
        self.shares = shares
        self.scheme = scheme
        self.start = tuple(scheme.start for _ in shares)

    def step(self, state):
        """[(probability, arm, next state), ...] for the next patient."""
        result = []
        for s, share in enumerate(self.shares):
            for p, arm, after in self.scheme.step(state[s]):
                result.append((share * p, arm, (*state[:s], after, *state[s + 1 :])))
        return result


def joint_counts(scheme, looks):
    """{(arm-1 count at look 1, at look 2, ...): probability}, looks at cumulative totals."""
    states = {((), 0, scheme.start): 1.0}
    for n in range(1, looks[-1] + 1):
        following = {}
        for (seen, n1, state), mass in states.items():
            for p, arm, after in scheme.step(state):
                count = n1 + arm
                kept = (*seen, count) if n in looks else seen
                key = (kept, count, after)
                following[key] = following.get(key, 0.0) + mass * p
        states = following
    result = {}
    for (seen, _, _), mass in states.items():
        result[seen] = result.get(seen, 0.0) + mass
    return result


def two_arm_allocated(scheme, looks, success, futility, p1, p0):
    """Exact operating characteristics, looks at total numbers, under an allocation scheme.

    A dictionary over (arm-1 patients, arm-1 responses, arm-0 responses, allocation state) is
    carried patient by patient. Allocation never depends on outcomes. An arm may be empty at a
    look: the rules are asked all the same. The result is that of ``two_arm``.
    """
    futility = futility or never
    won = [0.0] * len(looks)
    lost = [0.0] * len(looks)
    expected1 = expected0 = 0.0
    chance = {1: p1, 0: p0}
    states = {(0, 0, 0, scheme.start): 1.0}
    look = 0
    for n in range(1, looks[-1] + 1):
        following = {}
        for (n1, y1, y0, state), mass in states.items():
            for p, arm, after in scheme.step(state):
                for response in (0, 1):
                    q = chance[arm] if response else 1.0 - chance[arm]
                    key = (
                        n1 + arm,
                        y1 + (response if arm == 1 else 0),
                        y0 + (response if arm == 0 else 0),
                        after,
                    )
                    following[key] = following.get(key, 0.0) + mass * p * q
        states = following
        if n != looks[look]:
            continue
        going_on = {}
        for (n1, y1, y0, state), mass in states.items():
            if success(y1, n1, y0, n - n1):
                won[look] += mass
            elif n == looks[-1] or futility(y1, n1, y0, n - n1):
                lost[look] += mass
            else:
                going_on[(n1, y1, y0, state)] = mass
                continue
            expected1 += mass * n1
            expected0 += mass * (n - n1)
        states = going_on
        look += 1
    return {
        "success": won,
        "futility": lost,
        "expected_n": expected1 + expected0,
        "expected_n1": expected1,
        "expected_n0": expected0,
    }
