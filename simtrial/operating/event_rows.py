"""The row of a result for times to an event: the event path, run from a design and a truth.

Inside, time is in months of 30.4375 days.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from simtrial.analysis.rules import analysed, bounds_of, futility_values
from simtrial.core.units import DAYS_PER_MONTH
from simtrial.operating.batches import Advance, over_batches
from simtrial.operating.characteristics import Metric, finite_z, mean_metric, success_metric
from simtrial.operating.exact import metric_name
from simtrial.stats.survival.decisions import Bounds, Decisions, Reason, decide
from simtrial.stats.survival.event_design import Allocation, EventPlan, EventWorld, Looks
from simtrial.stats.survival.piecewise import PiecewiseRate
from simtrial.stats.survival.trials import EventTrials, LookStatus, simulate_trials
from simtrial.trial.outcome_design import OutcomeDesign
from simtrial.trial.outcomes import OutcomeScenario

_WEEKS_PER_MONTH = DAYS_PER_MONTH / 7.0


def event_row(
    design: OutcomeDesign,
    scenario: OutcomeScenario,
    seed: int,
    trials: int,
    workers: int,
    advance: Advance,
) -> tuple[dict[str, Any], bool]:
    """Return the simulated part of a row: what the design does under these hazards.

    And whether it was interrupted before its last trial.
    """
    analysis, decision = analysed(design)
    plan, world = event_plan(design), event_world(design, scenario)
    looks = len(design.looks)
    information = tuple(
        float(look.events or 0) / float(design.looks[-1].events or 1)
        if look.by == "events"
        else float(look.information or 1.0)
        for look in design.looks
    )
    bounds = Bounds(
        efficacy=bounds_of(design, information).efficacy,
        futility=futility_values(decision, looks) or (),
    )
    cox = analysis.method == "cox"

    def task(low: int, high: int) -> tuple[EventTrials, Decisions]:
        run = simulate_trials(plan, world, seed=seed, trials=high - low, first=low, cox=cox)
        run = by_hazard_ratio(run) if cox else run
        return run, decide(run, bounds)

    parts, interrupted = over_batches(task, trials, workers, advance)
    reason = np.concatenate([made.reason for _, made in parts])
    ended = np.concatenate([made.look for _, made in parts])
    status = np.concatenate([run.status for run, _ in parts])
    columns = {
        key: np.concatenate([getattr(run, key) for run, _ in parts])
        for key in ("time", "events", "enrolled")
    }
    rows = np.flatnonzero(ended >= 0)
    at = (rows, ended[rows])
    metrics = {metric_name(design, scenario): success_metric(reason == Reason.SUCCESS, 1)}
    if rows.size:
        metrics |= {
            "expected_events": mean_metric(columns["events"][at].astype(np.float64)),
            "expected_n": mean_metric(columns["enrolled"][at].astype(np.float64)),
            "duration_weeks": mean_metric(columns["time"][at] * _WEEKS_PER_MONTH),
        }
    reached = np.arange(looks) <= np.where(ended >= 0, ended, looks)[:, None]
    held = reached & (status != LookStatus.NOT_HELD)
    out = []
    for k, look in enumerate(design.looks):
        shares = {
            "reached": held[:, k],
            "success": (ended == k) & (reason == Reason.SUCCESS),
            "futility": (ended == k) & (reason == Reason.FUTILITY),
            "success_by": (ended <= k) & (reason == Reason.SUCCESS),
            "futility_by": (ended <= k) & (reason == Reason.FUTILITY),
        }
        row: dict[str, Any] = {look.by: getattr(look, look.by), "z": finite_z(bounds.efficacy[k])}
        row |= {key: success_metric(hit, 1).as_json() for key, hit in shares.items()}
        if held[:, k].any():
            counted = columns["events"][held[:, k], k].astype(np.float64)
            row["mean_events"] = mean_metric(counted).as_json()
            weeks = columns["time"][held[:, k], k] * _WEEKS_PER_MONTH
            row["mean_week"] = mean_metric(weeks).as_json()
        out.append(row)
    found: dict[str, Any] = {
        "kind": "hazards_per_day",
        "exact": False,
        "hazards_per_day": {arm: _pieces(scenario, arm) for arm in design.arm_names},
        "dropout_per_day": scenario.dropout_per_day,
        "metrics": {key: metric.as_json() for key, metric in metrics.items()},
        "looks": out,
        "unfinished": Metric.as_json(success_metric(reason == Reason.UNFINISHED, 1)),
    }
    return found, interrupted


def by_hazard_ratio(run: EventTrials) -> EventTrials:
    """Return trials whose z is Wald's of the Cox model.

    Where an arm has no event the estimate is infinite, and the score test, the log-rank's z, stands
    for it: without it a better drug would succeed less often.
    """
    if run.log_hazard_ratio is None or run.standard_error is None:
        raise ValueError("hazard ratios were not estimated in this run")
    known = np.isfinite(run.log_hazard_ratio) & np.isfinite(run.standard_error)
    with np.errstate(invalid="ignore", divide="ignore"):
        wald = -run.log_hazard_ratio / run.standard_error
    return replace(run, z=np.where(known, wald, run.z))


def _pieces(scenario: OutcomeScenario, arm: str) -> list[dict[str, float]]:
    return [{"from_day": day, "rate": rate} for day, rate in scenario.pieces_of(arm)]


def event_plan(design: OutcomeDesign) -> EventPlan:
    """Return what is planned of a design of times to an event, in months."""
    _, decision = analysed(design)
    better, other = decision.success.arms()
    allocation = design.allocation
    ratio = allocation.ratio if allocation is not None else {better: 1, other: 1}
    common = int(np.gcd(ratio[better], ratio[other]))
    kind = "blocks" if allocation is not None and allocation.block_sizes else "simple"
    by_events = design.looks[0].by == "events"
    looks = (
        Looks(
            events=tuple(int(look.events or 0) for look in design.looks),
            latest=np.inf if design.latest_week is None else design.latest_week / _WEEKS_PER_MONTH,
        )
        if by_events
        else Looks(times=tuple(float(look.week or 0.0) / _WEEKS_PER_MONTH for look in design.looks))
    )
    return EventPlan(
        n=design.sample_size.n,
        looks=looks,
        allocation=Allocation(
            kind=kind,  # type: ignore[arg-type]
            treated=ratio[better] // common,
            control=ratio[other] // common,
            block_sizes=() if allocation is None else tuple(allocation.block_sizes),
        ),
    )


def event_world(design: OutcomeDesign, scenario: OutcomeScenario) -> EventWorld:
    """Return what is true of a design of times to an event, in months."""
    _, decision = analysed(design)
    better, other = decision.success.arms()
    accrual = design.accrual
    if accrual is None:
        raise ValueError("a design of times to an event has accrual")
    dropout = scenario.dropout_per_day or {}

    def monthly(pieces: tuple[tuple[float, float], ...]) -> PiecewiseRate:
        return PiecewiseRate(
            starts=tuple(day / DAYS_PER_MONTH for day, _ in pieces),
            rates=tuple(rate * DAYS_PER_MONTH for _, rate in pieces),
        )

    return EventWorld(
        treated_hazard=monthly(scenario.pieces_of(better)),
        control_hazard=monthly(scenario.pieces_of(other)),
        treated_dropout=monthly(((0.0, dropout.get(better, 0.0)),)),
        control_dropout=monthly(((0.0, dropout.get(other, 0.0)),)),
        accrual=PiecewiseRate(
            starts=tuple(rate.from_month for rate in accrual.rates),
            rates=tuple(rate.patients_per_month for rate in accrual.rates),
        ),
        arrivals=accrual.arrivals,
    )
