"""A protocol's rules for success and futility, as rules on the counts of each look."""

from __future__ import annotations

import math
from functools import lru_cache

from simtrial.core.errors import DesignError, DomainError
from simtrial.core.located import shown
from simtrial.core.other_units import neat
from simtrial.stats.binary.rules import (
    Criterion,
    Fisher,
    Posterior,
    Predictive,
    Rule,
    ZBelow,
    ZTest,
)
from simtrial.stats.binary.two_arm import Look
from simtrial.stats.mixtures import BetaMixture, mixture
from simtrial.stats.sequential import boundaries
from simtrial.stats.sequential.boundaries import GroupSequential
from simtrial.stats.sequential.spending import Spending
from simtrial.trial.decisions import (
    Analysis,
    Comparison,
    DecisionRule,
    SpendingBoundary,
    comparison,
)
from simtrial.trial.plan import Plan

# names in a protocol -> names of spending functions
_SPENDING = {
    "lan_demets_obrien_fleming": "obrien_fleming",
    "lan_demets_pocock": "pocock",
    "hwang_shih_de_cani": "hwang_shih_de_cani",
    "kim_demets": "kim_demets",
}


def analysed(design: Plan) -> tuple[Analysis, DecisionRule]:
    """Return analysis and decision of a design that has both.

    Raises
    ------
    ValueError : when it has none; callers refuse such a design before.
    """
    if design.analysis is None or design.decision is None:
        raise ValueError("the design has no analysis and no decision")
    return design.analysis, design.decision


def priors_of(design: Plan) -> tuple[BetaMixture, BetaMixture]:
    """Return the priors of the arm that should be better and of the other."""
    analysis, decision = analysed(design)
    better, other = decision.success.arms()
    return mixture(analysis.components(better)), mixture(analysis.components(other))


def binary_looks(design: Plan, n: int) -> tuple[Look, ...]:
    """Return what is decided at each look on (better, other) counts, of ``n`` patients in all.

    A rule of prediction looks ahead to the planned sizes of the arms, the ratio's share of n.
    """
    analysis, decision = analysed(design)
    sizes = design.look_sizes(n)
    if analysis.method != "beta_binomial":
        return _test_looks(design, tuple(size / n for size in sizes))
    prior1, prior0 = priors_of(design)
    success, futility = decision.success, decision.futility
    found = success.comparison()
    wins: list[Rule] = []
    for k in range(len(sizes)):
        criteria = [Criterion(margin=found.margin, above=success.level_at(k))]
        if success.and_also is not None:
            other = _margin(success.and_also.probability_of)
            criteria.append(Criterion(margin=other, above=success.and_also.above))
        wins.append(Posterior(prior1=prior1, prior0=prior0, criteria=tuple(criteria)))
    stops: Rule | None = None
    if futility is not None and futility.probability_of is not None:
        low = Criterion(margin=_margin(futility.probability_of), below=futility.below)
        stops = Posterior(prior1=prior1, prior0=prior0, criteria=(low,))
    elif futility is not None:
        final1 = _planned(design, n, found)
        stops = Predictive(
            final=wins[-1],
            final_n1=final1,
            final_n0=n - final1,
            prior1=prior1,
            prior0=prior0,
            below=futility.predictive_probability_below,
        )
    last = len(wins) - 1
    return tuple(
        Look(success=win, futility=None if k == last else stops) for k, win in enumerate(wins)
    )


def _margin(text: str | None) -> float:
    found = comparison(text or "")
    return 0.0 if found is None else found.margin


def _planned(design: Plan, n: int, found: Comparison) -> int:
    """Return how many of n patients the better arm is planned to have."""
    if design.allocation is None:
        return n // 2
    ratio = design.allocation.ratio
    return int(n * ratio[found.first] / sum(ratio.values()) + 0.5)  # halves up, as looks are


def _test_looks(design: Plan, information: tuple[float, ...]) -> tuple[Look, ...]:
    analysis, decision = analysed(design)
    bounds = bounds_of(design, information)
    out = []
    for k, critical in enumerate(bounds.efficacy):
        win: Rule | None
        if critical == math.inf:  # nothing is spent here
            win = None
        elif analysis.method == "fisher":
            win = Fisher(alpha=bounds.stage_levels[k])
        else:
            win = ZTest(critical=critical, variance=analysis.variance)
        low = _futility_at(decision, k, len(information))
        stop = None if low is None else ZBelow(level=low, variance=analysis.variance)
        out.append(Look(success=win, futility=stop))
    return tuple(out)


def _futility_at(decision: DecisionRule, look: int, looks: int) -> float | None:
    if decision.futility is None or decision.futility.z_below is None or look == looks - 1:
        return None
    given = decision.futility.z_below
    return given[look] if isinstance(given, tuple) else given


def bounds_of(design: Plan, information: tuple[float, ...]) -> GroupSequential:
    """Return the critical values of a design's test over looks at these shares of information.

    Raises
    ------
    DesignError : when its boundary has no such values, or futility stops where success begins.
    """
    _, decision = analysed(design)
    boundary, alpha = decision.success.boundary, decision.success.alpha
    try:
        bounds = critical_values(decision, information)
    except DomainError as problem:
        kind = "none" if boundary is None else boundary.kind
        raise DesignError(
            f"{design.where('decision', 'success', 'boundary')} is {kind}; over looks at "
            f"{shown([neat(round(share, 4)) for share in information])} of the information it "
            f"cannot have an error of {alpha:g}; for example boundary: "
            "{kind: lan_demets_obrien_fleming}."
        ) from problem
    for k, low in enumerate(futility_values(decision, len(information)) or ()):
        if low >= bounds.efficacy[k]:
            raise DesignError(
                f"{design.where('decision', 'futility', 'z_below')} is {low:g} at look {k + 1}, "
                f"where z of {bounds.efficacy[k]:.4g} is success; it must be below; for example "
                "z_below: 0.0."
            )
    return bounds


def futility_values(decision: DecisionRule, looks: int) -> tuple[float, ...] | None:
    """Return the z below which each look but the last stops for futility; None without."""
    found = [_futility_at(decision, k, looks) for k in range(looks - 1)]
    return None if not found or found[0] is None else tuple(z for z in found if z is not None)


def critical_z(design: Plan, n: int) -> tuple[float, ...]:
    """Return the critical z of each look at counts; nothing where no test decides."""
    analysis, decision = analysed(design)
    if analysis.method == "beta_binomial":
        return ()
    return critical_values(decision, tuple(size / n for size in design.look_sizes(n))).efficacy


def critical_values(decision: DecisionRule, information: tuple[float, ...]) -> GroupSequential:
    """Return the critical values of a one-sided test over looks at these shares of information."""
    success = decision.success
    return _critical(success.boundary, float(success.alpha or 0.0), information)


@lru_cache(maxsize=512)
def _critical(
    boundary: SpendingBoundary | None, alpha: float, information: tuple[float, ...]
) -> GroupSequential:
    kind = None if boundary is None else boundary.kind
    if boundary is None or kind in ("obrien_fleming", "pocock"):
        shape = boundaries.pocock if kind == "pocock" else boundaries.obrien_fleming
        return shape(information=information, alpha=alpha)
    parameter = boundary.parameter
    if kind == "wang_tsiatis":
        return boundaries.wang_tsiatis(
            information=information, delta=float(parameter or 0.0), alpha=alpha
        )
    if kind == "haybittle_peto":
        return boundaries.haybittle_peto(information=information, alpha=alpha)
    if kind == "user_spending":
        given = Spending(family="given", cumulative_error=boundary.spent)
        return boundaries.from_spending(information=information, spending=given, alpha=alpha)
    spending = Spending(family=_SPENDING[str(kind)], parameter=parameter)  # type: ignore[arg-type]
    return boundaries.from_spending(information=information, spending=spending, alpha=alpha)
