"""Binomial probabilities of every count at once, accurate far into both tails.

The probabilities are built outwards from the most likely count by their ratios and divided by
their sum, so no factorial is taken: the relative error of each grows only with its distance from
the mode, about one rounding a step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simtrial.core.compiled import kernel
from simtrial.core.errors import DomainError

# a tail probability can equal a level exactly (5 of 5 at one half is 1/32); its sum then rounds
# either way. Relative error of a tail of up to 2,000 patients: below 1e-12 (tested).
ROUNDING = 1e-11


def binomial_probabilities(n: int, rate: float) -> NDArray[np.float64]:
    """Return (n + 1,) chances of 0..n responders among ``n`` patients.

    Raises
    ------
    DomainError : when ``n`` is negative or ``rate`` is outside 0..1.
    """
    check_size("n", n)
    check_rate("rate", rate)
    out = np.zeros(n + 1)
    fill_binomial(out, n, float(rate))
    return out


def upper_tails(n: int, rate: float) -> NDArray[np.float64]:
    """Return (n + 2,) chances of y or more responders, y from 0 to n + 1 (the last is 0)."""
    out = np.zeros(n + 2)
    # from the far end, so that small tails are sums of small numbers
    out[: n + 1] = np.cumsum(binomial_probabilities(n, rate)[::-1])[::-1]
    return np.minimum(out, 1.0)


def check_size(name: str, n: int, least: int = 0) -> None:
    """Raise DomainError unless ``n`` is a number of patients of ``least`` or more."""
    if isinstance(n, bool) or int(n) != n or n < least:
        raise DomainError(
            f"{name} is {n}; it is a whole number of patients, {least} or more, such as {name}=40."
        )


def check_rate(name: str, rate: float) -> None:
    """Raise DomainError unless ``rate`` is a probability."""
    if not 0.0 <= rate <= 1.0:
        raise DomainError(f"{name} is {rate:g}; a rate lies in 0..1, such as {name}=0.4.")


@kernel
def fill_binomial(out: NDArray[np.float64], n: int, rate: float) -> None:
    """Write the chances of 0..n responders into ``out``, which may be longer and keeps its rest."""
    if rate <= 0.0 or rate >= 1.0:
        for y in range(n + 1):
            out[y] = 0.0
        out[0 if rate <= 0.0 else n] = 1.0
        return
    mode = min(int((n + 1) * rate), n)
    odds = rate / (1.0 - rate)
    out[mode] = 1.0
    total = 1.0
    for y in range(mode, n):
        out[y + 1] = out[y] * ((n - y) / (y + 1.0)) * odds
        total += out[y + 1]
    for y in range(mode, 0, -1):
        out[y - 1] = out[y] * (y / (n - y + 1.0)) / odds
        total += out[y - 1]
    for y in range(n + 1):
        out[y] /= total
