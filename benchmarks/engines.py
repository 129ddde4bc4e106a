"""Ratios of CPU time, interleaved in one run, after asserting that both sides answer the same.

Printed as a table, and written as JSON to results/bench/engines.json. Only ratios mean anything:
the machine may be shared.
"""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from simtrial.cohort import compiled, reference
from simtrial.cohort.draws import draw_plan, fill_candidate, fill_enrolled
from simtrial.core.compiled import kernel
from simtrial.operating.prepare import prepare
from simtrial.trial.design import load_design
from simtrial.trial.posterior import load_posterior
from simtrial.trial.scenario import load_scenario

ROUNDS = 9
OUT = Path("results/bench/engines.json")


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of one call."""
    gc.collect()
    started = time.process_time()
    work()
    return time.process_time() - started


def ratios(a: Callable[[], object], b: Callable[[], object], scale: float) -> dict[str, float]:
    """Return min, median and max over rounds of (CPU of a / CPU of b) times ``scale``."""
    found = [cpu_seconds(a) / cpu_seconds(b) * scale for _ in range(ROUNDS)]
    return {"min": min(found), "median": statistics.median(found), "max": max(found)}


@kernel
def _fill_only(plan, seed: int, patients: int) -> float:  # type: ignore[no-untyped-def]
    early, u = np.empty(plan.candidate_room), np.empty(plan.enrolled_room)
    total = 0.0
    for p in range(patients):
        fill_candidate(early, plan, seed, 0, p)
        fill_enrolled(u, plan, seed, 0, p)
        total += early[0] + u[0]
    return total


def main() -> None:
    """Run every comparison."""
    design = load_design("dm_ivig_16w")
    ready = prepare(design, load_scenario("point"), load_posterior())
    plan = draw_plan(ready.protocol.visit_week)

    def run(engine: Callable[..., object], trials: int) -> Callable[[], object]:
        return lambda: engine(
            ready.protocol, ready.table, ready.arrivals, seed=1, first=0, last=trials, n=94
        )

    quick, readable = run(compiled.run, 10)(), run(reference.run, 10)()
    assert quick.first_difference(readable) is None, "the engines disagree"  # type: ignore[attr-defined]
    screened = float(quick.seen.screened.mean()) / 94  # type: ignore[attr-defined]
    numbers = 22 * screened + 2 * plan.enrolled_words.shape[0]
    few, many = 10, 400
    patients = many * 94
    generator = np.random.default_rng(1)
    _fill_only(plan, 1, 10)
    table = {
        "SimPy engine / compiled engine, a patient": ratios(
            run(reference.run, few), run(compiled.run, many), many / few
        ),
        "compiled engine / NumPy standard_normal for as many numbers": ratios(
            run(compiled.run, many),
            lambda: generator.standard_normal(int(numbers * patients)),
            1.0,
        ),
        "keyed draws of a patient / NumPy standard_normal for as many": ratios(
            lambda: _fill_only(plan, 1, patients),
            lambda: generator.standard_normal((22 + 2 * plan.enrolled_words.shape[0]) * patients),
            1.0,
        ),
    }
    width = max(map(len, table))
    print(f"{'ratio of CPU time'.ljust(width)}  {'min':>7} {'median':>7} {'max':>7}")
    for name, row in table.items():
        print(f"{name.ljust(width)}  {row['min']:7.2f} {row['median']:7.2f} {row['max']:7.2f}")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"rounds": ROUNDS, "ratios": table}, indent=1) + "\n")
    print(f"{ROUNDS} interleaved rounds; written: {OUT}")


if __name__ == "__main__":
    main()
