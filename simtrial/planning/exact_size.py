"""The smallest sample size under a truth of outcomes alone, from exact power or assurance."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from simtrial.core.errors import DesignError
from simtrial.operating.exact import (
    arm_sizes,
    characteristics,
    exact_number,
    metric_name,
    null_words,
    solve_exactly,
)
from simtrial.operating.outcome_rows import outcome_row
from simtrial.planning.headers import outcome_header
from simtrial.stats.binary.two_arm import work
from simtrial.trial.design import AnyDesign
from simtrial.trial.outcomes import OutcomeScenario, check_fit
from simtrial.trial.wording import success_words

# sizes looked at past the answer: the curve of an exact test rises in teeth
_BEYOND = 2.0
_NEAR = 0.05
# multiplications for the whole curve: about two minutes
_MOST_WORK = 1e11


def exact_size(
    design: AnyDesign,
    scenario: OutcomeScenario,
    label: str,
    *,
    goal: str,
    target: float,
    grid: list[int],
    name: str,
    seed: int,
    start: Callable[[str, int], Callable[[int], None]],
) -> tuple[dict[str, Any], bool]:
    """Return the document of ``size`` for a truth of outcomes, and whether it was interrupted.

    Parameters
    ----------
    goal, target : ``power`` or ``assurance``, and what it should reach.
    grid : the total sizes looked at first, in order, to twice the answer; about the answer every
        size at which the ratio comes out whole is looked at.

    Raises
    ------
    DesignError : when the truth has no benefit, is not of the goal's kind, or takes simulation.
    """
    check_fit(design, scenario)
    if design.is_time_to_event:
        raise DesignError(
            f"{design.where('endpoint', 'measure')} is time_to_event, which is simulated and not "
            "sized here; 'simtrial power --n N' tells of any size, and "
            "simtrial.stats.sample_size.survival gives patients and events in closed form."
        )
    kind = metric_name(design, scenario)
    if kind != goal:
        told = {
            "type1": "under it no size shows a benefit; give the better arm the higher chance",
            "assurance": f"its chances are priors; write --assurance {target:g}",
            "power": f"its chances are numbers; write --power {target:g}",
        }[kind]
        raise DesignError(f"{scenario.where('outcomes')}: {told}.")
    if design.looks[0].by == "information":
        grid = [n for n in grid if _has_looks(design.look_sizes(n))]
    points: list[dict[str, Any]] = []
    advance = start(f"{goal} by size", len(grid))
    interrupted = False
    ends: int | None = None
    counter = _Counter(design, scenario)
    try:
        for n in grid:
            value = counter.chance(n)
            if value is None:
                ends = n
                break
            points.append({"n": n, goal: exact_number(value)})
            advance(1)
            found = _smallest(points, goal, target)
            if found is not None and n >= _BEYOND * points[found]["n"]:
                break
        for n in _between(design, points, goal, target):
            value = counter.chance(n)
            if value is None:
                break
            points.append({"n": n, goal: exact_number(value)})
    except KeyboardInterrupt:
        if not points:
            raise
        interrupted = True
    points.sort(key=lambda point: int(point["n"]))
    at = _smallest(points, goal, target)
    if ends is not None and at is None:
        raise DesignError(
            f"{design.where('looks')}: {goal} {target:g} is not reached below n = {ends}, and from "
            "there on these looks, blocks and strata take too long to be computed exactly; "
            "'simtrial power --n N' simulates any size."
        )
    document = outcome_header("size", design, [scenario], name=name, seed=seed)
    shown = points[-1]["n"] if at is None else points[at]["n"]
    row, _ = outcome_row(design.with_n(shown), scenario, label, seed=seed, trials=1)
    document |= {
        "trials": 0,
        "target": {"metric": goal, "value": target},
        "n": None if at is None else points[at]["n"],
        "n_interval": None if at is None else [points[at]["n"], points[at]["n"]],
        "n_below": points[at - 1]["n"] if at else None,
        "curve": points,
        "curve_ends_before": ends,
        "scenarios": [row],
        "at_n": None,
        "interrupted": interrupted,
        "rerun": f"simtrial size {name} --{goal} {target:g} --scenario {label} --seed {seed}",
    }
    return document | _words(design, scenario, document, at), interrupted


class _Counter:
    """The chance of success by size, until the work of all sizes together is too much."""

    def __init__(self, design: AnyDesign, scenario: OutcomeScenario) -> None:
        self._design, self._scenario, self._spent = design, scenario, 0.0

    def chance(self, n: int) -> float | None:
        """Return the chance of success at a size; None where it would take too long."""
        sized = self._design.with_n(n)
        sizes = arm_sizes(sized, self._scenario, n)
        self._spent += 0.0 if sizes is None else work(sizes)
        solved = None if self._spent > _MOST_WORK else solve_exactly(sized, self._scenario, n)
        return None if solved is None else characteristics(sized, self._scenario, solved).power


def _between(
    design: AnyDesign, points: list[dict[str, Any]], goal: str, target: float
) -> list[int]:
    """Return every other size about the answer at which the ratio comes out whole, from above.

    The curve rises in teeth of some patients' width, so the first size above the target may lie
    well before one that is below it again. Looked at are all sizes from where the curve comes
    within 0.05 of the target to a quarter beyond the answer.
    """
    found = _smallest(points, goal, target)
    if found is None:
        return []
    near = [p["n"] for p in points if p[goal]["estimate"] >= target - _NEAR]
    low = max((p["n"] for p in points if p["n"] < near[0]), default=0)
    unit = sum(design.allocation.ratio.values()) if design.allocation is not None else 1
    seen = {point["n"] for point in points}
    high = int(1.25 * points[found]["n"])
    sizes = range(math.ceil(max(low, 2) / unit) * unit, high + 1, unit)
    by_information = design.looks[0].by == "information"
    return [
        n
        for n in reversed(sizes)
        if n not in seen and not (by_information and not _has_looks(design.look_sizes(n)))
    ]


def _has_looks(sizes: tuple[int, ...]) -> bool:
    """Return whether each look has a patient more than the one before, as a few may not allow."""
    return all(before < size for before, size in pairwise((0, *sizes)))


def _smallest(points: list[dict[str, Any]], goal: str, target: float) -> int | None:
    """Return the position of the smallest size whose target holds there and at every larger one."""
    found = None
    for i in range(len(points) - 1, -1, -1):
        if points[i][goal]["estimate"] < target:
            break
        found = i
    return found


def _unseen(document: dict[str, Any]) -> str:
    """Return which larger sizes were not looked at, where the curve had to end early."""
    ends = document["curve_ends_before"]
    return "" if ends is None else f" Sizes from {ends} on take too long to be counted."


def _words(
    design: AnyDesign, scenario: OutcomeScenario, document: dict[str, Any], at: int | None
) -> dict[str, Any]:
    goal, target = document["target"]["metric"], document["target"]["value"]
    if at is None:
        last = document["curve"][-1]
        reached = last[goal]["estimate"]
        return {
            "limit": last[goal],
            "answer": f"{goal.capitalize()} {target:g} is not reached: at the largest n looked at, "
            f"{last['n']}, it is {reached:.4f} (exact). The two arms differ too little.",
            "protocol_sentence": "",
        }
    n = document["curve"][at]["n"]
    value = document["curve"][at][goal]["estimate"]
    chances = scenario.outcomes or {}
    if design.decision is None:
        raise ValueError("a design that was sized has a decision")
    better, other = design.decision.success.arms()
    truth = (
        f"over the priors {chances[other].words()} under {other} and {chances[better].words()} "
        f"under {better}"
        if scenario.is_prior
        else f"if {100 * chances[other].mean:.3g} % respond under {other} and "
        f"{100 * chances[better].mean:.3g} % under {better}"
    )
    worst = document["scenarios"][0]["metrics"]["type1_maximum"]["estimate"]
    return {
        "answer": f"n = {n} in total ({design.title}): {goal} {value:.4f} (exact)."
        f"{_unseen(document)}",
        "protocol_sentence": f"With {n} patients in total, success is "
        f"{success_words(design)} in the chance of {design.endpoint.words()}. Its "
        f"probability, computed exactly, is {100 * value:.1f} % {truth}, and at most "
        f"{100 * worst:.2f} % where {null_words(design)}.",
    }
