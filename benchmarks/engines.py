"""Ratios of CPU time, interleaved in one run, after asserting that both sides answer the same.

    make bench

Printed as a table, and written as JSON to results/bench/engines.json. Only ratios mean anything:
the machine may be shared. Each row names its goal and whether the median met it.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import simpy

from simtrial.cohort import compiled, reference
from simtrial.cohort import draws as at
from simtrial.cohort.draws import draw_plan, fill_candidate, fill_enrolled
from simtrial.core.arithmetic import normal_quantile
from simtrial.core.compiled import kernel
from simtrial.core.streams import Purpose, uniform
from simtrial.operating.prepare import Prepared, prepare
from simtrial.trial.design import load_design
from simtrial.trial.posterior import load_posterior
from simtrial.trial.scenario import load_scenario

ROUNDS, COLD_ROUNDS = 9, 3
N, FEW, MANY = 94, 10, 400
OUT = Path("results/bench/engines.json")

# one replicate of the demo in a fresh process: what a user waits for before the first trial
FIRST_RUN = f"""
from simtrial.cohort import compiled
from simtrial.operating.prepare import prepare
from simtrial.trial.design import load_design
from simtrial.trial.posterior import load_posterior
from simtrial.trial.scenario import load_scenario
ready = prepare(load_design("dm_ivig_16w"), load_scenario("point"), load_posterior())
numbers = (ready.protocol, ready.table, ready.arrivals)
print(compiled.run(*numbers, seed=1, first=0, last=1, n={N}).seen.tis.tolist())
"""


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """CPU time of one work over that of another, over rounds; ``goal`` bounds the median."""

    what: str
    goal: str
    minimum: float
    median: float
    maximum: float
    met: bool


def ratio_of(
    what: str, found: list[float], *, at_least: float = 0.0, at_most: float = 0.0
) -> Ratio:
    """Return a row of the table."""
    middle = statistics.median(found)
    return Ratio(
        what=what,
        goal=f">= {at_least:g}" if at_least else f"<= {at_most:g}",
        minimum=min(found),
        median=middle,
        maximum=max(found),
        met=middle >= at_least if at_least else middle <= at_most,
    )


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of one call."""
    gc.collect()
    started = time.process_time()
    work()
    return time.process_time() - started


def interleaved(
    a: Callable[[], object], b: Callable[[], object], scale: float = 1.0
) -> list[float]:
    """Return (CPU of a / CPU of b) times ``scale`` for each round."""
    return [cpu_seconds(a) / cpu_seconds(b) * scale for _ in range(ROUNDS)]


def engine(prepared: Prepared, run: Callable[..., object], trials: int) -> Callable[[], object]:
    """Return the work of simulating some trials of the demo."""
    return lambda: run(
        prepared.protocol, prepared.table, prepared.arrivals, seed=1, first=0, last=trials, n=N
    )


# --- SimPy's own cost of as many processes and timeouts -----------------------------------------


class Counting(simpy.Environment):
    """An environment that counts the processes started and the events handled."""

    processes = 0
    events = 0

    def process(self, generator):  # type: ignore[no-untyped-def]
        Counting.processes += 1
        return super().process(generator)

    def step(self) -> None:
        Counting.events += 1
        super().step()


def count_events(prepared: Prepared) -> tuple[int, int]:
    """Return (processes, timeouts) of ``FEW`` trials of the reference engine.

    Each process costs two events of its own, one that starts it and one that ends it.
    """
    plain = simpy.Environment
    simpy.Environment = Counting  # type: ignore[misc, assignment]
    try:
        engine(prepared, reference.run, FEW)()
    finally:
        simpy.Environment = plain  # type: ignore[misc]
    return Counting.processes, Counting.events - 2 * Counting.processes


def bare(processes: int, timeouts: int) -> None:
    """Run as many processes with as many timeouts in all, which do nothing."""

    def wait(times: int):  # type: ignore[no-untyped-def]
        for _ in range(times):
            yield env.timeout(1)

    env = simpy.Environment()
    each, rest = divmod(timeouts, processes)
    for p in range(processes):
        env.process(wait(each + (p < rest)))
    env.run()


# --- numbers ------------------------------------------------------------------------------------


@kernel
def _fill_only(plan, seed: int, patients: int) -> float:  # type: ignore[no-untyped-def]
    early, u = np.empty(plan.candidate_room), np.empty(plan.enrolled_room)
    total = 0.0
    for p in range(patients):
        fill_candidate(early, plan, seed, 0, p)
        fill_enrolled(u, plan, seed, 0, p)
        total += early[0] + u[0]
    return total


def numbers_used(prepared: Prepared, screened: float) -> tuple[int, float]:
    """Return numbers that are read: of a patient's two fills, and of a patient in the engine.

    Slots that nobody reads are not counted. Of a course's harm the three that decide whether
    something happens are always read, the others seldom: not counted either.
    """
    visits = prepared.protocol.visit_minute.shape[0]
    candidate = 9 + 7 + 3  # baseline, screening errors, who it is
    enrolled = 3 + 7 * visits + 3 + 4 + (visits - 1)  # sizes, errors, classes, risk, rescue
    courses = 3 * int(prepared.protocol.n_courses.max())
    arrivals = 1
    return candidate + enrolled, (candidate + arrivals) * screened + enrolled + courses


def numpy_normals(count: int) -> Callable[[], object]:
    """Return the work of drawing ``count`` normals with NumPy, into a buffer that stays warm."""
    generator, buffer = np.random.default_rng(1), np.empty(10_000)

    def work() -> None:
        for _ in range(count // buffer.shape[0]):
            generator.standard_normal(out=buffer)
        generator.standard_normal(count % buffer.shape[0])

    return work


def assert_keyed_numbers_are_their_addresses() -> None:
    """Compare a fill with single numbers at their addresses, one by one."""
    weeks = np.array([0, 4])
    plan = draw_plan(weeks)
    filled = np.empty(plan.enrolled_room)
    fill_enrolled(filled, plan, 7, 5, 3)
    for v, week in enumerate(weeks):
        for slot in range(7):
            one = normal_quantile(uniform(7, int(Purpose.VISIT_NOISE), 5, 3, int(week), slot))
            assert filled[at.VISIT_NOISE_AT + at.NOISE_SLOTS * v + slot] == one


# --- the compile cache --------------------------------------------------------------------------


def process_cpu(folder: str) -> tuple[float, str]:
    """Return CPU seconds and output of a first run with the compile cache in ``folder``."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", FIRST_RUN],
        env=os.environ | {"SIMTRIAL_CACHE_DIR": folder},
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, done.stdout


def hot_over_cold() -> list[float]:
    """Return CPU of a first run with compiled code at hand over one without, for each round."""
    found = []
    for _ in range(COLD_ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            cold, said = process_cpu(folder)
            hot, again = process_cpu(folder)
        assert said == again, "the cache changed the answer"
        found.append(hot / cold)
    return found


def main() -> None:
    """Run every comparison, print the table, write the JSON."""
    prepared = prepare(load_design("dm_ivig_16w"), load_scenario("point"), load_posterior())
    quick, readable = (engine(prepared, run, FEW)() for run in (compiled.run, reference.run))
    assert quick.first_difference(readable) is None, "the engines disagree"  # type: ignore[attr-defined]
    assert_keyed_numbers_are_their_addresses()
    screened = float(quick.seen.screened.mean()) / N  # type: ignore[attr-defined]
    of_fills, of_patient = numbers_used(prepared, screened)
    processes, timeouts = count_events(prepared)
    plan, patients = draw_plan(prepared.protocol.visit_week), MANY * N
    _fill_only(plan, 1, 10)
    readable_work, quick_work = (
        engine(prepared, reference.run, FEW),
        engine(prepared, compiled.run, MANY),
    )
    rows = [
        ratio_of(
            "SimPy engine / compiled engine, a patient",
            interleaved(readable_work, quick_work, MANY / FEW),
            at_least=30.0,
        ),
        ratio_of(
            f"SimPy engine / SimPy alone ({processes:,} processes, {timeouts:,} timeouts)",
            interleaved(readable_work, lambda: bare(processes, timeouts)),
            at_most=5.0,
        ),
        ratio_of(
            f"compiled engine / NumPy standard_normal ({of_patient:.1f} numbers a patient)",
            interleaved(quick_work, numpy_normals(int(of_patient * patients))),
            at_most=3.0,
        ),
        ratio_of(
            f"keyed draws / NumPy standard_normal ({of_fills} numbers a patient)",
            interleaved(lambda: _fill_only(plan, 1, patients), numpy_normals(of_fills * patients)),
            at_most=1.0,
        ),
        ratio_of("first run, compile cache hot / cold", hot_over_cold(), at_most=0.25),
    ]
    width = max(len(row.what) for row in rows)
    print(f"{'ratio of CPU time'.ljust(width)}  {'min':>7} {'median':>7} {'max':>7}  goal")
    for row in rows:
        met = "" if row.met else "  NOT MET"
        print(
            f"{row.what.ljust(width)}  {row.minimum:7.2f} {row.median:7.2f} {row.maximum:7.2f}"
            f"  {row.goal}{met}"
        )
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(
        json.dumps(
            {"rounds": ROUNDS, "rounds_cold": COLD_ROUNDS, "rows": [asdict(r) for r in rows]},
            indent=1,
        )
        + "\n"
    )
    print(f"{ROUNDS} interleaved rounds ({COLD_ROUNDS} of the cache); written: {OUT}")


if __name__ == "__main__":
    main()
