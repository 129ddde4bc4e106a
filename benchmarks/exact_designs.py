"""How long exact answers take: CPU time of a scenario, after start, against their goals.

    python -m benchmarks.exact_designs

Each work is a design solved anew (no table is kept between calls: each has another threshold) and
its power at one truth. First the answers are compared with those to five digits that a plain
enumeration gives. The last row is what one simulated trial of the first design costs.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from simtrial.cohort.outcomes import OutcomePlan, outcome_trials
from simtrial.stats.binary import rules
from simtrial.stats.binary.rules import Criterion, Posterior
from simtrial.stats.binary.two_arm import Characteristics, Look, solve
from simtrial.stats.mixtures import beta

ROUNDS = 15
OUT = Path("results/bench/exact_designs.json")
FIXED = [(50, 50)]
THREE = [(17, 17), (33, 33), (50, 50)]
FIVE = [(100 * k, 100 * k) for k in range(1, 6)]
# looks, threshold, treated and control rates, power to five digits, goal in seconds
JOBS = {
    "fixed, 50 an arm": (FIXED, 0.975, 0.70, 0.40, 0.87632, 0.001),
    "three looks, 50 an arm": (THREE, 0.989, 0.70, 0.40, 0.80166, 0.010),
    "five looks, 500 an arm": (FIVE, 0.99, 0.50, 0.40, None, 2.0),
}


def exact(
    looks: list[tuple[int, int]], above: float, treated: float, control: float
) -> Characteristics:
    """Solve a design and return its characteristics."""
    rule = Posterior(prior1=beta(1, 1), prior0=beta(1, 1), criteria=(Criterion(above=above),))
    return solve(looks, [Look(success=rule)] * len(looks)).at(treated, control)


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds of one call."""
    started = time.process_time()
    work()
    return time.process_time() - started


def simulated_trials(n: int, trials: int) -> float:
    """Return the CPU seconds of simulating trials of two arms, a response or none."""
    plan = OutcomePlan(
        ratio=np.array([1, 1]), block_sizes=np.array([2]), strata_upto=np.array([1.0])
    )
    chance = np.tile([0.4, 0.7], (trials, 1))
    return cpu(lambda: outcome_trials(plan, chance, 1, 0, n))


def main() -> None:
    """Print the table and write it as JSON."""
    rows = []
    for what, (looks, above, treated, control, power, goal) in JOBS.items():
        found = exact(looks, above, treated, control)
        if power is not None:
            assert abs(found.power - power) < 5e-6, (what, found.power)
        seconds = []
        for i in range(ROUNDS):
            rules.forget_tables()
            moved = above + 1e-7 * (i + 1)
            seconds.append(
                cpu(lambda looks=looks, at=moved, t=treated, c=control: exact(looks, at, t, c))
            )
        middle = statistics.median(seconds)
        rows.append(
            {
                "what": what,
                "median_ms": 1e3 * middle,
                "largest_ms": 1e3 * max(seconds),
                "goal_ms": 1e3 * goal,
                "met": middle < goal,
            }
        )
    simulated_trials(100, 10)
    each = simulated_trials(100, 20_000) / 20_000
    rows.append({"what": "one simulated trial, 50 an arm", "median_ms": 1e3 * each})
    for row in rows:
        goal = f"goal < {row['goal_ms']:g} ms, met: {row['met']}" if "goal_ms" in row else ""
        print(f"{row['what']:32s} {row['median_ms']:10.4f} ms  {goal}")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
