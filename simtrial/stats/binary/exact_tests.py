"""Exact tests of one binomial rate against a constant: critical counts, power, sample size.

The power of an exact test is not monotone in n: one patient more may move the critical count and
lose power. "The" sample size is therefore a matter of the search rule, and here it is named.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from simtrial.core.errors import DomainError
from simtrial.stats.binary.binomial import ROUNDING, check_rate, check_size, upper_tails

SearchRule = Literal["first", "lasting"]
MOST_SIZES = 5_000
SEARCH_RULES: tuple[SearchRule, ...] = ("first", "lasting")


@dataclass(frozen=True, kw_only=True)
class ExactTest:
    """Reject at ``critical`` or more responders of ``n``; n + 1 means that no count rejects."""

    n: int
    critical: int
    size: float
    power: float


@dataclass(frozen=True, kw_only=True)
class EquivalenceTest:
    """Conclude equivalence at ``first`` to ``last`` responders of ``n``; none when first > last."""

    n: int
    first: int
    last: int
    power: float


def one_sided_test(*, n: int, p0: float, p1: float, alpha: float) -> ExactTest:
    """Return the exact test of p <= p0 against a higher rate, and its power at ``p1``.

    The critical count is the lowest whose upper tail under ``p0`` is at most ``alpha``. (A lower
    rate is tested by counting the others.)

    Raises
    ------
    DomainError : when ``n`` is below 1, a rate outside 0..1, or ``alpha`` not between 0 and 1.
    """
    check_size("n", n, least=1)
    check_rate("p0", p0)
    check_rate("p1", p1)
    _check_level(alpha)
    under_null = upper_tails(n, p0)
    critical = int(np.argmax(under_null <= alpha * (1.0 + ROUNDING)))
    return ExactTest(
        n=n,
        critical=critical,
        size=float(under_null[critical]),
        power=float(upper_tails(n, p1)[critical]),
    )


def sample_size(
    *, p0: float, p1: float, alpha: float, power: float, rule: SearchRule = "lasting"
) -> ExactTest:
    """Return the smallest n whose one-sided exact test has the power wanted, by a named rule.

    Parameters
    ----------
    rule : "first" takes the first n that has the power, although a larger one may lose it again;
        "lasting" the first from which on every n has it.

    Notes
    -----
    How far to look is proven, not guessed: by Hoeffding's inequality the critical count is at most
    n p0 + sqrt(n log(1 / alpha) / 2) + 1, and the chance to stay below it at most
    exp(-2 n (p1 - critical / n)^2), so every n with sqrt(2 n) (p1 - p0 - 1 / n) of at least
    sqrt(log(1 / alpha)) + sqrt(log(1 / (1 - power))) has the power.

    Raises
    ------
    DomainError : when the rates do not hold 0 <= p0 < p1 <= 1, the rule is not known, alpha or
        power is not between 0 and 1, or the rates are too near each other to enumerate.

    References
    ----------
    Hoeffding W. Probability inequalities for sums of bounded random variables. J Am Stat Assoc
    1963;58:13-30, theorem 1.
    """
    if rule not in SEARCH_RULES:
        raise DomainError(f"rule is {rule!r}; choose from {', '.join(SEARCH_RULES)}.")
    if not 0.0 <= p0 < p1 <= 1.0:
        raise DomainError(
            f"p0 is {p0:g} and p1 {p1:g}; rates hold 0 <= p0 < p1 <= 1, such as p0=0.2, p1=0.4."
        )
    if not 0.0 < power < 1.0:
        raise DomainError(f"power is {power:g}; it lies between 0 and 1, such as power=0.8.")
    _check_level(alpha)
    enough = _always_enough(p1 - p0, alpha, power)
    if enough > MOST_SIZES:
        raise DomainError(
            f"p0 is {p0:g} and p1 {p1:g}; some {enough} sizes would have to be enumerated, at "
            f"most {MOST_SIZES} are. Rates further apart, such as 0.2 and 0.3, need fewer."
        )
    if rule == "first":
        for n in range(1, enough + 1):
            test = one_sided_test(n=n, p0=p0, p1=p1, alpha=alpha)
            if test.power >= power:
                return test
        raise AssertionError(f"no power at n = {enough}, against Hoeffding's inequality")
    found = one_sided_test(n=enough, p0=p0, p1=p1, alpha=alpha)
    for n in range(enough - 1, 0, -1):
        test = one_sided_test(n=n, p0=p0, p1=p1, alpha=alpha)
        if test.power < power:
            break
        found = test
    return found


def equivalence_test(*, n: int, low: float, high: float, p: float, alpha: float) -> EquivalenceTest:
    """Return the exact two one-sided tests of low < p < high, and their power at ``p``.

    Equivalence is concluded when p <= low and p >= high are both rejected at ``alpha``.

    Raises
    ------
    DomainError : when ``n`` is below 1, the margins do not hold 0 <= low < high <= 1, or ``p`` or
        ``alpha`` is out of range.
    """
    check_size("n", n, least=1)
    check_rate("p", p)
    _check_level(alpha)
    if not 0.0 <= low < high <= 1.0:
        raise DomainError(
            f"low is {low:g} and high {high:g}; margins hold 0 <= low < high <= 1, such as 0.5 "
            "and 0.7."
        )
    limit = alpha * (1.0 + ROUNDING)
    first = int(np.argmax(upper_tails(n, low) <= limit))
    # few responders at rate ``high`` are many others at rate 1 - high
    last = n - int(np.argmax(upper_tails(n, 1.0 - high) <= limit))
    tails = upper_tails(n, p)
    power = float(tails[first] - tails[last + 1]) if first <= last else 0.0
    return EquivalenceTest(n=n, first=first, last=last, power=power)


# --- helpers ------------------------------------------------------------------------------------


def _always_enough(difference: float, alpha: float, power: float) -> int:
    """Return an n from which on every n has the power, by Hoeffding's inequality."""
    need = math.sqrt(-math.log(alpha)) + math.sqrt(-math.log1p(-power))
    n = 1
    # sqrt(2 n) (difference - 1 / n) rises with n
    while math.sqrt(2.0 * n) * (difference - 1.0 / n) < need:
        n = n + 1 if n < 64 else n + n // 64
    return n


def _check_level(alpha: float) -> None:
    if not 0.0 < alpha < 1.0:
        raise DomainError(f"alpha is {alpha:g}; it lies between 0 and 1, such as alpha=0.025.")
