"""How CPU time and memory grow with patients, trials and workers.

    python -m benchmarks.scaling

Ratios of CPU time for a patient, interleaved, and of the highest memory of whole processes.
Written to results/bench/scaling.json. Takes a few minutes: 100,000 trials are run twice.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np

from benchmarks.engines import _fill_only, engine
from benchmarks.ratios import interleaved, ratio_of, tell
from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.draws import draw_plan
from simtrial.operating.prepare import Prepared, prepare
from simtrial.operating.replicates import Outcomes, run_all
from simtrial.trial.design import load_design
from simtrial.trial.posterior import load_posterior
from simtrial.trial.scenario import load_scenario

N, PATIENTS = 94, 40_000
SIZES = (20, 300, 1_000, 5_000)
TRIALS, MOST_TRIALS, FEW_TRIALS = 1_000, 100_000, 10
ROUNDS, LONG_ROUNDS = 7, 1
NARROW = {"at_least": 0.85, "at_most": 1.15}
OUT = Path("results/bench/scaling.json")

# kilobytes at the highest, of one process that runs so many trials
PEAK = f"""
import resource, sys
from simtrial.operating.prepare import prepare
from simtrial.operating.replicates import run_all
from simtrial.trial.design import load_design
from simtrial.trial.posterior import load_posterior
from simtrial.trial.scenario import load_scenario
ready = prepare(load_design("dm_ivig_16w"), load_scenario("point"), load_posterior())
run_all(ready, seed=1, trials=int(sys.argv[1]), sizes=[{N}])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def of_size(prepared: Prepared, n: int) -> Callable[[], object]:
    """Return the work of simulating ``PATIENTS`` patients in trials of n."""
    # as many candidates as ``run_replicates`` allows
    most = int(np.ceil(20.0 * n / prepared.eligible_share)) + 1_000
    arrivals = prepared.arrivals._replace(most_candidates=most)

    def work() -> object:
        cohort = compiled.run(
            prepared.protocol, prepared.table, arrivals, seed=1, first=0, last=PATIENTS // n, n=n
        )
        assert cohort.seen.complete.all(), f"trials of {n} ran out of candidates"
        return cohort

    return work


def of_trials(
    prepared: Prepared, trials: int, times: int = 1, workers: int = 1
) -> Callable[[], Outcomes]:
    """Return the work of simulating and analysing some trials, so many times."""

    def work() -> Outcomes:
        for _ in range(times):
            found = run_all(prepared, seed=1, trials=trials, sizes=[N], workers=workers)
        return found.outcomes

    return work


def assert_workers_move_nothing(prepared: Prepared) -> None:
    """Stop when two workers give another byte than one."""
    one, two = (of_trials(prepared, TRIALS, workers=workers)() for workers in (1, 2))
    for field in fields(Outcomes):
        a, b = getattr(one, field.name), getattr(two, field.name)
        assert a.tobytes() == b.tobytes(), f"{field.name} depends on the workers"


def peak_kilobytes(trials: int) -> int:
    """Return the highest memory of a process that runs so many trials."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(trials)],
        env=os.environ.copy(),
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def shared_scenarios(prepared: Prepared) -> list[float]:
    """Return the least CPU of ten truths over that of one, were no number filled twice.

    Every truth is simulated anew today; common numbers are the same ones, filled again. What a
    shared fill could save follows from the share of the engine that the fills take.
    """
    plan = draw_plan(prepared.protocol.visit_week, prepared.protocol.course_week)
    patients = TRIALS * N
    _fill_only(plan, 1, 10)
    shares = interleaved(
        lambda: _fill_only(plan, 1, patients),
        engine(prepared, compiled.run, TRIALS),
        rounds=ROUNDS,
    )
    return [10.0 - 9.0 * share for share in shares]


def main() -> None:
    """Run every comparison, print the table, write the JSON."""
    prepared = prepare(load_design("dm_ivig_16w"), load_scenario("point"), load_posterior())
    assert_workers_move_nothing(prepared)
    usual = of_size(prepared, 100)
    usual()
    rows = [
        ratio_of(
            f"a patient in trials of {n:,} / in trials of 100",
            interleaved(of_size(prepared, n), usual, rounds=ROUNDS),
            **NARROW,
        )
        for n in SIZES
    ]
    batch = of_trials(prepared, TRIALS)
    rows += [
        ratio_of(
            f"a patient in runs of {FEW_TRIALS} trials / in runs of {TRIALS:,}",
            interleaved(
                of_trials(prepared, FEW_TRIALS, times=20), batch, TRIALS / 200, rounds=ROUNDS
            ),
            **NARROW,
        ),
        ratio_of(
            f"a patient in runs of {MOST_TRIALS:,} trials / in runs of {TRIALS:,}",
            interleaved(
                of_trials(prepared, MOST_TRIALS), batch, TRIALS / MOST_TRIALS, rounds=LONG_ROUNDS
            ),
            **NARROW,
        ),
        ratio_of(
            "CPU with two workers / with one, the same bytes",
            interleaved(of_trials(prepared, TRIALS, workers=2), batch, rounds=ROUNDS),
            at_most=1.10,
        ),
        ratio_of(
            "ten scenarios / one, were no number filled twice (computed)",
            shared_scenarios(prepared),
            at_most=5.0,
        ),
    ]
    few, many = peak_kilobytes(TRIALS), peak_kilobytes(MOST_TRIALS)
    rows.append(
        ratio_of(
            f"highest memory, {MOST_TRIALS:,} trials / {TRIALS:,} ({few / 1024:.0f} MB)",
            [many / few],
            at_most=1.25,
        )
    )
    tell(rows, OUT, rounds=ROUNDS, peak_kilobytes={str(TRIALS): few, str(MOST_TRIALS): many})


if __name__ == "__main__":
    main()
