"""The row of a result for a truth of outcomes alone: exact where it can be, else simulated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.analysis.decide import Decided, decide
from simtrial.analysis.rules import analysed, critical_z
from simtrial.cohort.outcomes import OutcomePlan, outcome_trials, prior_uniforms
from simtrial.operating.batches import Advance, over_batches
from simtrial.operating.characteristics import (
    look_rows,
    mean_metric,
    success_metric,
    with_critical_z,
)
from simtrial.operating.event_rows import event_row
from simtrial.operating.exact import (
    ERROR_BOUND,
    characteristics,
    exact_number,
    metric_name,
    null_maximum,
    null_words,
    solve_exactly,
)
from simtrial.stats.binary.two_arm import TwoArm
from simtrial.trial.outcome_design import OutcomeDesign
from simtrial.trial.outcomes import OutcomeScenario
from simtrial.trial.plan import Plan


def outcome_row(
    design: Plan,
    scenario: OutcomeScenario,
    name: str,
    *,
    seed: int,
    trials: int,
    workers: int = 1,
    start: Callable[[str, int], Advance] | None = None,
    simulate: bool = False,
) -> tuple[dict[str, Any], bool]:
    """Return one row of the JSON of ``power`` under a truth of outcomes alone.

    And whether its simulation was interrupted before the last trial.

    Parameters
    ----------
    trials, seed, workers : of a simulation, where one is needed.
    start : told of a title and a total when there is; it returns what is told of each step.
    simulate : also what could be computed exactly, as a check of it.
    """
    n = design.sample_size.n
    row: dict[str, Any] = {"scenario": name, "n": n, "source": scenario.source, "failed": 0}
    row["given"] = scenario.model_dump(mode="json")  # what its digest is counted from
    solved = None if simulate else solve_exactly(design, scenario, n)
    if solved is not None:
        return row | _of_responses(design, scenario) | _exact_row(design, scenario, solved), False
    advance = (lambda _: None) if start is None else start(name, trials)
    if scenario.outcomes is not None:
        decided, interrupted = _simulate_responses(design, scenario, seed, trials, workers, advance)
        simulated = _simulated_row(design, scenario, decided)
        return row | _of_responses(design, scenario) | simulated, interrupted
    if not isinstance(design, OutcomeDesign):
        raise ValueError("only a design of outcomes alone has times to an event")
    found, interrupted = event_row(design, scenario, seed, trials, workers, advance)
    return row | found, interrupted


def _exact_row(design: Plan, scenario: OutcomeScenario, solved: TwoArm) -> dict[str, Any]:
    found = characteristics(design, scenario, solved)
    worst = null_maximum(design, solved)
    _, decision = analysed(design)
    better, other = decision.success.arms()
    metrics = {
        metric_name(design, scenario): found.power,
        "expected_n": found.expected_n,
        "type1_maximum": worst.type1,
    }
    if decision.futility is not None:  # it does not bind: a trial may go on against it
        overruled = solve_exactly(design, scenario, design.sample_size.n, futility=False)
        if overruled is not None:
            metrics["type1_maximum_overruled"] = null_maximum(design, overruled).type1
    by_look = {"reached": found.reached, "success": found.success, "futility": found.futility}
    for key in ("success", "futility"):
        by_look[f"{key}_by"] = np.minimum(np.cumsum(by_look[key]), 1.0)  # rounding may exceed it
    looks = [
        {"n": size} | {key: exact_number(float(values[k])) for key, values in by_look.items()}
        for k, size in enumerate(solved.n)
    ]
    return {
        "exact": True,
        "error_bound": ERROR_BOUND,
        "metrics": {key: exact_number(value) for key, value in metrics.items()},
        "type1_maximum_at": {better: _rounded(worst.treated), other: _rounded(worst.control)},
        "null": null_words(design),
        "looks": with_critical_z(looks, critical_z(design, design.sample_size.n)),
    }


def _rounded(rate: float) -> float:
    """Return a rate to the digits that a search for it settles."""
    return round(rate, 6)


def _of_responses(design: Plan, scenario: OutcomeScenario) -> dict[str, Any]:
    chances = scenario.outcomes or {}
    return {
        "kind": "outcomes",
        "rates": {arm: chances[arm].mean for arm in design.arm_names},
        "truth": {arm: chances[arm].words() for arm in design.arm_names},
        "strata": scenario.strata,
    }


def _simulate_responses(
    design: Plan,
    scenario: OutcomeScenario,
    seed: int,
    trials: int,
    workers: int,
    advance: Advance,
) -> tuple[Decided, bool]:
    allocation = design.allocation
    ratio = allocation.ratio if allocation is not None else dict.fromkeys(design.arm_names, 1)
    shares = (scenario.strata or {"all": 1.0}).values()
    plan = OutcomePlan(
        ratio=np.array([ratio[arm] for arm in design.arm_names], np.int64),
        block_sizes=np.array(() if allocation is None else allocation.block_sizes, np.int64),
        strata_upto=np.cumsum(np.array(list(shares), np.float64)),
    )
    n = design.sample_size.n

    def task(low: int, high: int) -> Decided:
        chance = _chances(design, scenario, seed, low, high)
        arm, response = outcome_trials(plan, chance, seed, low, n)
        return decide(design, arm, response, [n])

    parts, interrupted = over_batches(task, trials, workers, advance)
    together = Decided(
        success=np.concatenate([part.success for part in parts]),
        look=np.concatenate([part.look for part in parts]),
    )
    return together, interrupted


def _chances(
    design: Plan, scenario: OutcomeScenario, seed: int, low: int, high: int
) -> NDArray[np.float64]:
    """Return (R, A) chances of response: those given, or quantiles of their priors."""
    from scipy.special import betaincinv

    out = np.empty((high - low, len(design.arm_names)))
    uniforms = prior_uniforms(seed, low, high - low, len(design.arm_names))
    for a, arm in enumerate(design.arm_names):
        chance = (scenario.outcomes or {})[arm]
        if chance.value is not None:
            out[:, a] = chance.value
            continue
        parts = chance.components()
        upto = np.cumsum([weight for weight, _, _ in parts])
        part = np.minimum(np.searchsorted(upto, uniforms[:, a, 0], side="right"), len(parts) - 1)
        first, second = (np.array([p[i] for p in parts])[part] for i in (1, 2))
        out[:, a] = betaincinv(first, second, uniforms[:, a, 1])
    return out


def _simulated_row(design: Plan, scenario: OutcomeScenario, decided: Decided) -> dict[str, Any]:
    success, ended = decided.success[:, 0], decided.look[:, 0]
    sizes = np.array(design.look_sizes())
    metrics = {
        metric_name(design, scenario): success_metric(success, 1),
        "expected_n": mean_metric(sizes[ended].astype(np.float64)),
    }
    return {
        "exact": False,
        "metrics": {key: metric.as_json() for key, metric in metrics.items()},
        "looks": with_critical_z(
            look_rows(design.look_sizes(), ended, success), critical_z(design, design.sample_size.n)
        ),
    }
