"""One assumption at a time: each at the ends of its interval, everything else at the base.

Base and ends share seed and replicates. Draws are found by address, so they are the same patients,
and what is compared is the outcome of the same trial: the error of a change is that of pairs.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.core.errors import DesignError
from simtrial.myositis.parameters import PARAMETERS
from simtrial.operating.background import SOLVED, moves_control
from simtrial.operating.characteristics import Metric, rates, success_metric
from simtrial.operating.prepare import Prepared, prepare
from simtrial.operating.replicates import Outcomes, run_all
from simtrial.planning.power import Progress
from simtrial.stats.montecarlo import clustered_sum_error, paired_change
from simtrial.trial.design import Design
from simtrial.trial.posterior import Posterior
from simtrial.trial.scenario import Replacement, Scenario, full_name

_Z95 = 1.959963984540054
_RECOUNTED = (
    "background_depth"  # read by every design; set to what it is, the control arm is counted
)


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked: a design at its n, about a truth of one row, by how many trials."""

    design: Design
    truth: Scenario
    posterior: Posterior
    parameters: tuple[str, ...]  # empty: all that vary
    interval: float
    trials: int
    seed: int
    workers: int
    chunk: int | None

    def __post_init__(self) -> None:
        if not 0.0 < self.interval < 1.0:
            raise DesignError(
                f"interval is {self.interval:g}; give the share of a parameter's draws between its "
                "ends, above 0 and below 1, such as 0.9."
            )


@dataclass(frozen=True, kw_only=True)
class Assumption:
    """A parameter with spread: its value at the base, and the ends of its interval."""

    name: str
    status: str
    source: str
    base: float
    ends: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Tornado:
    """The base, one row per assumption (largest change first), and what was not varied."""

    ready: Prepared
    base: dict[str, Any]
    rows: list[dict[str, Any]]
    not_varied: list[str]
    asked: list[str]
    interrupted: bool


def tornado(question: Question, progress: Progress) -> Tornado:
    """Run the base and both ends of every assumption; an interrupt keeps the rows finished.

    Raises
    ------
    DesignError, PosteriorError : when a parameter is not read by the design or has no spread.
    KeyboardInterrupt : when not even the base was finished.
    """
    ready = _prepare(question, question.truth)
    varied, fixed = assumptions_of(question, ready)
    chosen = choose(question, varied, fixed, ready)
    advance = progress.start("tornado", (1 + 2 * len(chosen)) * question.trials)

    def run(truth: Scenario) -> tuple[Prepared, Outcomes]:
        prepared = _prepare(question, truth)
        found = run_all(
            prepared,
            seed=question.seed,
            trials=question.trials,
            sizes=[question.design.sample_size.n],
            workers=question.workers,
            chunk=question.chunk,
            advance=advance,
        )
        if found.interrupted:  # part of a run has no partner for its last trials
            raise KeyboardInterrupt
        return prepared, found.outcomes

    # The base is counted as its ends are: a posterior may hold the control arm counted among
    # fewer patients, and that difference would look like an effect.
    start = with_value(question, question.truth, _RECOUNTED, ready.values[_RECOUNTED])
    prepared, before = run(start)
    base = _state(prepared, before)
    rows: list[dict[str, Any]] = []
    interrupted = False
    try:
        for one in chosen:
            sides = []
            for value in one.ends:
                moved, after = run(with_value(question, start, one.name, value))
                sides.append(
                    {"value": value} | _state(moved, after) | _change(before, after, moved)
                )
            rows.append(_row(one, *sides))
    except KeyboardInterrupt:
        interrupted = True
    progress.finish()
    rows.sort(key=lambda row: (-largest_change(row), row["parameter"]))
    return Tornado(
        ready=ready,
        base=base,
        rows=rows,
        not_varied=fixed,
        asked=[one.name for one in chosen],
        interrupted=interrupted,
    )


def assumptions_of(question: Question, ready: Prepared) -> tuple[list[Assumption], list[str]]:
    """Return the assumptions that have an interval, and the names of those that are fixed.

    Fixed are parameters whose draws are all the same, and those to which the scenario gives a
    value. What the scenario multiplies keeps its interval, multiplied.
    """
    tail = (1.0 - question.interval) / 2.0
    new = _replacements(question)
    varied, fixed = [], []
    for name, origin in ready.origins.items():
        factor = 1.0
        if name in new:
            if new[name].value is not None:
                fixed.append(name)
                continue
            factor = new[name].times or 0.0
        draws = factor * question.posterior.require(name)
        low, high = (float(v) for v in np.quantile(draws, [tail, 1.0 - tail]))
        if draws.min() == draws.max():
            fixed.append(name)
            continue
        varied.append(
            Assumption(
                name=name,
                status=origin.status,
                source=origin.source,
                base=ready.values[name],
                ends=(low, high),
            )
        )
    return varied, fixed


def choose(
    question: Question, varied: Sequence[Assumption], fixed: Sequence[str], ready: Prepared
) -> list[Assumption]:
    """Return the assumptions asked for, in the order in which the design reads them.

    Raises
    ------
    DesignError : when a name is unknown, not read by the design, or has no spread.
    """
    if not question.parameters:
        return list(varied)
    by_name = {one.name: one for one in varied}
    people = question.design.population
    subtypes = ", ".join(people.subtypes)
    wanted = [full_name(name, people.line) for name in question.parameters]
    for given, name in zip(question.parameters, wanted, strict=True):
        if name in by_name:
            continue
        if name in fixed:
            told = f"{ready.values[name]:g}" if name in ready.values else "set in the scenario"
            raise DesignError(
                f"--parameter {given} is fixed ({told}), so it has no interval; set it in "
                "scenarios instead, each with its value and source."
            )
        near = difflib.get_close_matches(name, by_name, n=1, cutoff=0.0)
        what = (
            f"not read by this design under this scenario ({people.line_words()}, {subtypes})"
            if name in PARAMETERS
            else "not a known parameter"
        )
        hint = f"the nearest that varies is '{near[0]}'" if near else "none varies in this scenario"
        raise DesignError(f"--parameter {given} is {what}; {hint}.")
    return [one for one in varied if one.name in wanted]


def with_value(question: Question, truth: Scenario, name: str, value: float) -> Scenario:
    """Return a truth in which one parameter, by its full name, has a value."""
    line = question.design.population.line
    others = {k: v for k, v in truth.set.items() if full_name(k, line) != name}
    return truth.model_copy(update={"set": {**others, name: Replacement(value=value)}})


def largest_change(row: Mapping[str, Any]) -> float:
    """Return the larger absolute change of a row's two ends."""
    return max(abs(float(row[end]["change"])) for end in ("low", "high"))


def control_held(question: Question, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the rows whose ends had the improvement without the drug solved anew."""
    if SOLVED in _replacements(question):
        return []
    return [row["parameter"] for row in rows if moves_control(row["parameter"])]


def _prepare(question: Question, truth: Scenario) -> Prepared:
    return prepare(question.design, truth, question.posterior, workers=question.workers)


def _replacements(question: Question) -> dict[str, Replacement]:
    line = question.design.population.line
    return {full_name(k, line): v for k, v in question.truth.replacements().items()}


def _success(outcomes: Outcomes) -> NDArray[np.bool_]:
    return outcomes.success[:, -1] & outcomes.complete


def _state(prepared: Prepared, outcomes: Outcomes) -> dict[str, Any]:
    """Return what one run found: its metric, response by arm, and the background behind it."""
    composite = rates(prepared, outcomes)["composite"]
    return success_metric(_success(outcomes), prepared.rows).as_json() | {
        "rates": {arm: _estimate(m) for arm, m in composite.items()},
        "rates_mcse": {arm: _error(m) for arm, m in composite.items()},
        "p_background": float(prepared.table.p_background[0]),
        "control_rate_reached": not prepared.clipped,
        "failed": int((~outcomes.complete).sum()),
    }


def _estimate(metric: Metric | None) -> float | None:
    return None if metric is None else metric.estimate


def _error(metric: Metric | None) -> float | None:
    return None if metric is None else metric.as_json()["mcse"]


def _change(before: Outcomes, after: Outcomes, moved: Prepared) -> dict[str, Any]:
    """Return the change of the metric and of response by arm, with errors from pairs of trials."""
    was, now = _success(before), _success(after)
    gained, lost = int((now & ~was).sum()), int((was & ~now).sum())
    change, error = paired_change(gained, lost, was.shape[0])
    shifts = {arm: _rate_change(before, after, a) for a, arm in enumerate(moved.design.arm_names)}
    return {
        "change": change,
        "change_mcse": error,
        "gained": gained,
        "lost": lost,
        "rates_change": {arm: shift[0] for arm, shift in shifts.items()},
        "rates_change_mcse": {arm: shift[1] for arm, shift in shifts.items()},
    }


def _rate_change(before: Outcomes, after: Outcomes, arm: int) -> tuple[float | None, float | None]:
    """Return the change of a pooled response and its error, linearised per replicate, in pairs."""
    shares, residuals = [], []
    for outcomes in (before, after):
        top, bottom = outcomes.responders[:, arm], outcomes.arm_n[:, arm]
        total = int(bottom.sum())
        if total == 0:
            return None, None
        shares.append(float(top.sum() / total))
        residuals.append((top - shares[-1] * bottom) / total)
    n = before.replicates
    error = clustered_sum_error(residuals[1] - residuals[0], np.arange(n))
    return shares[1] - shares[0], error if np.isfinite(error) else None


def _row(one: Assumption, low: dict[str, Any], high: dict[str, Any]) -> dict[str, Any]:
    return {
        "parameter": one.name,
        "status": one.status,
        "source": one.source,
        "meaning": PARAMETERS[one.name].meaning,
        "unit": PARAMETERS[one.name].unit,
        "base_value": one.base,
        "low": low,
        "high": high,
        "indistinguishable_from_zero": all(
            abs(side["change"]) <= _Z95 * side["change_mcse"] for side in (low, high)
        ),
    }
