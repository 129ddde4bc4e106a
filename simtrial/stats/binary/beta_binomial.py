"""What patients seen so far say of those to come: beta-binomial probabilities, mixtures included.

After y responders of n patients under Beta(a, b), the number of responders among m further
patients is beta-binomial with parameters a + y and b + n - y. Neighbouring probabilities have the
ratio

    P(k + 1) / P(k) = (m - k) (a + y + k) / ((k + 1) (b + n - y + m - k - 1)),

so a row is built outwards from its largest element and divided by its sum: no gamma function, no
cancellation, whatever n. Under a mixture of beta priors the rows of its components are added with
the weights that the data leave them.

References
----------
Johnson NL, Kemp AW, Kotz S. Univariate discrete distributions. 3rd ed. Wiley 2005, section 6.2.2
(the beta-binomial as a negative hypergeometric distribution, and the ratio).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from simtrial.core.compiled import kernel
from simtrial.core.errors import DomainError
from simtrial.stats.binary.binomial import check_size

type Component = tuple[float, float, float]

# beyond these the ratios would still hold, but such a prior is a slip of the pen
SMALLEST, LARGEST = 1e-6, 1e6


class Mixture(Protocol):
    """Anything that lists (weight, a, b) of its beta components."""

    def components(self) -> tuple[Component, ...]:
        """Return (weight, a, b) of each component."""
        ...


type Prior = tuple[float, float] | Sequence[Component] | Mixture


def transition(prior: Prior, n: int, n_final: int) -> NDArray[np.float64]:
    """Return the chances of the final number of responders, given the number so far.

    Parameters
    ----------
    prior : (a, b) of one beta distribution, or (weight, a, b) of each component of a mixture.
    n, n_final : patients with outcomes now, and when all have them.

    Returns
    -------
    (n + 1, n_final + 1) element [y, f] is P(f of ``n_final`` | y of ``n``); rows sum to 1.

    Raises
    ------
    DomainError : when ``n_final < n``, a size is negative, or the prior is none.
    """
    _check_order(n, n_final)
    out = np.zeros((n + 1, n_final + 1))
    _fill_transition(out, components_of(prior), n, n_final - n)
    return out


def further_responders(
    prior: Prior, future: int, responders: int = 0, n: int = 0
) -> NDArray[np.float64]:
    """Return (future + 1,) chances of 0..future responders among further patients.

    Without data this is the prior predictive distribution.

    Raises
    ------
    DomainError : when ``responders`` are not of ``n``, a size is negative, or the prior is none.
    """
    check_size("future", future)
    check_count(responders, n)
    out = np.zeros(future + 1)
    _fill_row(out, np.empty(future + 1), components_of(prior), responders, n, future)
    return out


def weights_after(prior: Prior, responders: int, n: int) -> NDArray[np.float64]:
    """Return (K,) the weights of a prior's components after ``responders`` of ``n``."""
    check_count(responders, n)
    return posterior_weights(components_of(prior), responders, n)


def posterior_tails(prior: Prior, n: int, rate: float) -> NDArray[np.float64]:
    """Return (n + 1,) P(p > rate | y of n) for y from 0 to n.

    Raises
    ------
    DomainError : when ``rate`` is outside 0..1, ``n`` is negative, or the prior is none.
    """
    from scipy.special import betaincc

    check_size("n", n)
    if not 0.0 <= rate <= 1.0:
        raise DomainError(f"rate is {rate:g}; a rate lies in 0..1, such as rate=0.2.")
    known = components_of(prior)
    y = np.arange(n + 1, dtype=np.float64)
    each = betaincc(known[:, 1, None] + y, known[:, 2, None] + (n - y), rate)
    if known.shape[0] == 1:
        return np.asarray(each[0], np.float64)
    return np.asarray((_all_weights(known, n) * each).sum(axis=0), np.float64)


def components_of(prior: Prior) -> NDArray[np.float64]:
    """Return (K, 3) weight, a and b of each component, read-only.

    Raises
    ------
    DomainError : when there is none, a parameter is outside 1e-6..1e6, or weights do not sum to 1.
    """
    if not isinstance(prior, Sequence):
        return _checked(prior.components())
    if len(prior) == 2 and not isinstance(prior[0], Sequence):
        # two numbers are a and b; two components are sequences
        a, b = (float(parameter) for parameter in prior)  # type: ignore[arg-type]
        return _checked(((1.0, a, b),))
    triples = cast(Sequence[Component], prior)
    return _checked(tuple((float(weight), float(a), float(b)) for weight, a, b in triples))


def check_count(responders: int, n: int) -> None:
    """Raise DomainError unless ``responders`` can be of ``n``."""
    if not 0 <= responders <= n:
        raise DomainError(
            f"{responders} responders of {n} patients cannot be; give 0 <= responders <= n, such "
            "as 12 of 20."
        )


# --- helpers ------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _checked(listed: tuple[Component, ...]) -> NDArray[np.float64]:
    example = "(1, 1), or [(0.8, 4, 16), (0.2, 1, 1)] as (weight, a, b)"
    if not listed:
        raise DomainError(f"the prior has no component; give one or more, such as {example}.")
    for _, a, b in listed:
        if not (SMALLEST <= a <= LARGEST and SMALLEST <= b <= LARGEST):
            raise DomainError(
                f"beta parameters are ({a:g}, {b:g}); both must be from {SMALLEST:g} to "
                f"{LARGEST:g}, such as {example}."
            )
    weights = [weight for weight, _, _ in listed]
    if not min(weights) > 0.0 or not abs(math.fsum(weights) - 1.0) <= 1e-9:
        raise DomainError(
            f"the weights are {tuple(weights)}; each must be above 0 and together they must be 1, "
            f"such as {example}."
        )
    out = np.array(listed, np.float64)
    out.flags.writeable = False
    return out


def _check_order(n: int, n_final: int) -> None:
    check_size("n", n)
    check_size("n_final", n_final)
    if n_final < n:
        raise DomainError(
            f"n_final is {n_final} and n is {n}; the final number counts those already seen too, "
            f"such as n_final={n + 10}."
        )


@kernel
def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


@kernel
def posterior_weights(prior: NDArray[np.float64], responders: int, n: int) -> NDArray[np.float64]:
    """Return (K,) weights of the components after the data, on the log scale until the end."""
    count = prior.shape[0]
    out = np.ones(count)
    if count == 1:
        return out
    largest = -np.inf
    for k in range(count):
        a, b = prior[k, 1], prior[k, 2]
        out[k] = math.log(prior[k, 0]) - _log_beta(a, b)
        out[k] += _log_beta(a + responders, b + n - responders)
        largest = max(largest, out[k])
    total = 0.0
    for k in range(count):
        out[k] = math.exp(out[k] - largest)
        total += out[k]
    for k in range(count):
        out[k] /= total
    return out


@kernel
def _all_weights(prior: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    out = np.empty((prior.shape[0], n + 1))
    for y in range(n + 1):
        out[:, y] = posterior_weights(prior, y, n)
    return out


@kernel
def _fill_beta_binomial(row: NDArray[np.float64], a: float, b: float, m: int) -> None:
    """Write the chances of 0..m responders under Beta(a, b) into the first m + 1 of ``row``."""
    # below 1 a prior piles up at its end: the row then falls from there (and, if both are below
    # 1, rises again, never above where it began)
    if a < 1.0 and (b >= 1.0 or a <= b):
        start = 0
    elif b < 1.0:
        start = m
    elif a + b > 2.0:
        start = min(int((m + 1) * ((a - 1.0) / (a + b - 2.0))), m)
    else:
        start = 0
    row[start] = 1.0
    total = 1.0
    for k in range(start, m):
        row[k + 1] = row[k] * ((m - k) / (k + 1.0)) * ((a + k) / (b + m - k - 1.0))
        total += row[k + 1]
    for k in range(start, 0, -1):
        row[k - 1] = row[k] * (k / (m - k + 1.0)) * ((b + m - k) / (a + k - 1.0))
        total += row[k - 1]
    for k in range(m + 1):
        row[k] /= total


@kernel
def _fill_row(
    out: NDArray[np.float64],
    work: NDArray[np.float64],
    prior: NDArray[np.float64],
    responders: int,
    n: int,
    m: int,
) -> None:
    """Write the chances of 0..m further responders into the first m + 1 of ``out``."""
    if prior.shape[0] == 1:
        _fill_beta_binomial(out, prior[0, 1] + responders, prior[0, 2] + n - responders, m)
        return
    weights = posterior_weights(prior, responders, n)
    for k in range(m + 1):
        out[k] = 0.0
    for j in range(prior.shape[0]):
        if weights[j] > 0.0:
            _fill_beta_binomial(work, prior[j, 1] + responders, prior[j, 2] + n - responders, m)
            for k in range(m + 1):
                out[k] += weights[j] * work[k]


@kernel
def _fill_transition(out: NDArray[np.float64], prior: NDArray[np.float64], n: int, m: int) -> None:
    work = np.empty(m + 1)
    for y in range(n + 1):
        _fill_row(out[y, y:], work, prior, y, n, m)


@kernel
def expect_window(
    success: NDArray[np.float64],
    prior1: NDArray[np.float64],
    prior0: NDArray[np.float64],
    seen: tuple[int, int, int, int],
) -> float:
    """Return the chance of final success after y1 of n1 and y0 of n0 (``seen`` in that order).

    Parameters
    ----------
    success : (N1 + 1, N0 + 1) chance of success at each pair of final counts, or whether.
    prior1, prior0 : (K, 3) components.
    """
    y1, n1, y0, n0 = seen
    m1, m0 = success.shape[0] - 1 - n1, success.shape[1] - 1 - n0
    work = np.empty(max(m1, m0) + 1)
    first, second = np.empty(m1 + 1), np.empty(m0 + 1)
    _fill_row(first, work, prior1, y1, n1, m1)
    _fill_row(second, work, prior0, y0, n0, m0)
    total = 0.0
    for i in range(m1 + 1):
        inner = 0.0
        for j in range(m0 + 1):
            inner += second[j] * success[y1 + i, y0 + j]
        total += first[i] * inner
    return total
