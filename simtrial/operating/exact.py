"""Operating characteristics without simulation: which designs have them, and what they are.

A truth of outcomes alone, a response or none in two arms, and rules on counts need no simulation:
every trial that can be is counted with its probability. What cannot be counted in minutes is said
so (``None``), and simulated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from simtrial.analysis.rules import analysed, binary_looks
from simtrial.core.errors import DomainError
from simtrial.operating.characteristics import Metric
from simtrial.stats.binary.allocation import ArmSizes, blocked, simple
from simtrial.stats.binary.null import NullMaximum, largest_type1
from simtrial.stats.binary.superiority import MOST_PER_ARM
from simtrial.stats.binary.two_arm import Characteristics, TwoArm, solve, within_reach
from simtrial.stats.mixtures import BetaMixture, mixture
from simtrial.trial.outcomes import Chance, OutcomeScenario
from simtrial.trial.plan import Plan

# rounding, in lattices of 1,000 patients an arm (tested)
ERROR_BOUND = 1e-10
# patients up to which the last solutions are kept; one of three looks under simple allocation, the
# largest of them, takes some 60 megabytes
_SMALL = 400


def exact_number(value: float) -> dict[str, Any]:
    """Return the metric of a number that no simulation made: no error, no replicates."""
    told = float(f"{value:.12g}")  # what is beyond is rounding
    return Metric(estimate=told, mcse=0.0, replicates=0, interval95=(told, told)).as_json()


def arm_sizes(design: Plan, scenario: OutcomeScenario, n: int) -> ArmSizes | None:
    """Return the sizes of (better, other) at each look; None when they cannot be followed."""
    _, decision = analysed(design)
    better, other = decision.success.arms()
    looks = design.look_sizes(n)
    allocation = design.allocation
    if allocation is None:
        return None
    ratio = (allocation.ratio[better], allocation.ratio[other])
    if not allocation.block_sizes:
        return simple(looks, ratio[0] / sum(ratio))
    given = (scenario.strata or {"all": 1.0}).values()
    # a scenario may write thirds as 0.3333333
    shares = tuple(share / math.fsum(given) for share in given)
    try:
        return blocked(looks, ratio, allocation.block_sizes, shares)
    except DomainError:  # too many states
        return None


def solve_exactly(
    design: Plan, scenario: OutcomeScenario, n: int, *, futility: bool = True
) -> TwoArm | None:
    """Return the design solved at a size, or None when it takes simulation.

    A solution holds for every truth, so the last ones of small trials are kept: the next scenario
    of a sweep costs sums only.

    ``futility`` : whether trials stop for it, or go on against the rule.
    """
    strata = tuple((scenario.strata or {}).items())
    asked = _Question(design.digest(), n, strata, futility, design, scenario)
    return _solve(asked) if n <= _SMALL else _solve.__wrapped__(asked)


@dataclass(frozen=True)
class _Question:
    """What a solution depends on; two with the same digest, size, strata and futility are one."""

    digest: str
    n: int
    strata: tuple[tuple[str, float], ...]
    futility: bool
    design: Plan = field(compare=False)
    scenario: OutcomeScenario = field(compare=False)


@lru_cache(maxsize=4)
def _solve(asked: _Question) -> TwoArm | None:
    design, scenario, n = asked.design, asked.scenario, asked.n
    if design.is_time_to_event or scenario.outcomes is None or design.decision is None:
        return None
    sizes = arm_sizes(design, scenario, n)
    if sizes is None or not within_reach(sizes):
        return None
    analysis, _ = analysed(design)
    largest = max(int(sizes.treated[-1].max()), n - int(sizes.treated[-1].min()))
    if analysis.method == "beta_binomial" and largest > MOST_PER_ARM:
        return None
    looks = binary_looks(design, n)
    if not asked.futility:
        looks = tuple(replace(look, futility=None) for look in looks)
    return solve(sizes, looks)


def truth(chance: Chance) -> float | BetaMixture:
    """Return a chance of response as a number, or its prior."""
    return chance.value if chance.value is not None else mixture(chance.components())


def characteristics(design: Plan, scenario: OutcomeScenario, solved: TwoArm) -> Characteristics:
    """Return what a solved design does under a scenario's chances, or over their priors."""
    _, decision = analysed(design)
    chances = scenario.outcomes or {}
    first, second = (truth(chances[arm]) for arm in decision.success.arms())
    return solved.at(first, second)


def null_maximum(design: Plan, solved: TwoArm) -> NullMaximum:
    """Return the largest type I error over all rates without the benefit that success claims."""
    _, decision = analysed(design)
    margin = decision.success.comparison().margin
    return (_kept_maximum if solved.n[-1] <= _SMALL else largest_type1)(solved, margin)


_kept_maximum = lru_cache(maxsize=4)(largest_type1)


def null_words(design: Plan) -> str:
    """Return which chances have none of the benefit that success claims: ``a <= b + margin``."""
    _, decision = analysed(design)
    found = decision.success.comparison()
    margin = "" if found.margin == 0.0 else f" {'+-'[found.margin < 0]} {abs(found.margin):g}"
    return f"{found.first} <= {found.second}{margin}"


def metric_name(design: Plan, scenario: OutcomeScenario) -> str:
    """Return what the chance of success is called under a truth.

    ``assurance`` over priors; ``type1`` where there is no benefit of the kind that success claims;
    ``power`` elsewhere.
    """
    if scenario.is_prior:
        return "assurance"
    _, decision = analysed(design)
    found = decision.success.comparison()
    if scenario.outcomes is not None:
        first, second = (scenario.outcomes[arm].mean for arm in (found.first, found.second))
        return "type1" if first <= second + found.margin + 1e-12 else "power"
    better, other = (scenario.pieces_of(arm) for arm in (found.first, found.second))
    days = {day for day, _ in (*better, *other)}
    never = all(_rate_on(better, day) >= _rate_on(other, day) * (1.0 - 1e-12) for day in days)
    return "type1" if never else "power"


def _rate_on(pieces: tuple[tuple[float, float], ...], day: float) -> float:
    return next(rate for start, rate in reversed(pieces) if start <= day)
