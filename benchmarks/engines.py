"""Ratios of CPU time, interleaved in one run, after asserting that both sides answer the same.

    make bench

Printed as a table, and written as JSON to results/bench/engines.json. Only ratios mean anything:
the machine may be shared. Each row names its goal and whether the median met it.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import simpy

from benchmarks.ratios import ROUNDS, interleaved, ratio_of, tell
from simtrial.cohort import draws as at
from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.draws import draw_plan, fill_candidate, fill_enrolled
from simtrial.cohort.reference import engine as reference
from simtrial.cohort.truth import Cohort
from simtrial.core.arithmetic import normal_quantile
from simtrial.core.compiled import kernel
from simtrial.core.streams import Purpose, uniform
from simtrial.operating.prepare import Prepared, prepare
from simtrial.operating.replicates import Engine, Outcomes, run_replicates
from simtrial.trial.design import load_design
from simtrial.trial.posterior import load_posterior
from simtrial.trial.scenario import load_scenario

COLD_ROUNDS = 3
EVERYTHING = Path(__file__).with_name("everything.yaml")
MISSING = Path(__file__).with_name("everything_scenario.yaml")
N, FEW, MANY = 94, 10, 400
OUT = Path("results/bench/engines.json")

# one replicate of the demo in a fresh process: what a user waits for before the first trial
FIRST_RUN = f"""
from simtrial.cohort.compiled import engine as compiled
from simtrial.operating.prepare import prepare
from simtrial.trial.design import load_design
from simtrial.trial.posterior import load_posterior
from simtrial.trial.scenario import load_scenario
ready = prepare(load_design("dm_ivig_16w"), load_scenario("point"), load_posterior())
numbers = (ready.protocol, ready.table, ready.arrivals)
print(compiled.run(*numbers, seed=1, first=0, last=1, n={N}).seen.tis.tolist())
"""


def engine(prepared: Prepared, run: Callable[..., Cohort], trials: int) -> Callable[[], Cohort]:
    """Return the work of simulating some trials."""
    return lambda: run(
        prepared.protocol, prepared.table, prepared.arrivals, seed=1, first=0, last=trials, n=N
    )


def pipeline(prepared: Prepared, name: Engine, trials: int) -> Callable[[], Outcomes]:
    """Return the work of simulating and analysing some trials."""
    return lambda: run_replicates(prepared, seed=1, first=0, last=trials, sizes=[N], engine=name)


def assert_engines_agree(prepared: Prepared) -> None:
    """Stop when an engine gives another byte than the other, of patients or of outcomes."""
    quick, readable = (engine(prepared, run, FEW)() for run in (compiled.run, reference.run))
    assert quick.first_difference(readable) is None, "the engines disagree"
    ours, theirs = (pipeline(prepared, name, FEW)() for name in ("compiled", "reference"))
    for field in fields(Outcomes):
        same = np.array_equal(getattr(ours, field.name), getattr(theirs, field.name))
        assert same, f"{field.name} differs between the engines"


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


# of a candidate: 6 measures, age and prednisolone; 7 errors; 4 enzymes and 4 errors; subtype,
# prednisolone, line
CANDIDATE = 8 + 7 + 8 + 3
# of who is enrolled: sex and weight; 3 sizes; responds, improves, drops out; 5 of risk
ENROLLED = 2 + 3 + 3 + 5
VISIT = 7 + 4  # errors of measures and of enzymes
INTERVAL = 5  # one for each class of event
COURSE = 3 + 2  # the first of harm, and the two of further events
ARRIVAL = 1


def numbers_filled(prepared: Prepared) -> int:
    """Return how many numbers of a patient's two fills have a reader, if he stays to the end."""
    visits = prepared.protocol.visit_minute.shape[0]
    courses = int(prepared.protocol.n_courses.max())
    return CANDIDATE + ENROLLED + VISIT * visits + INTERVAL * (visits - 1) + COURSE * courses


def numbers_read(cohort: Cohort) -> float:
    """Return how many numbers the engine reads for a patient, counted in a simulated cohort.

    Counted are those that are read for certain: of candidates screened, of visits reached, of
    intervals up to a visit reached, of courses given. Not counted are those read only where
    something may happen (rescue, kinds and times of events), and those of allocation.
    """
    reached = float((~np.isnan(cohort.truth.drug_benefit)).sum()) / cohort.seen.arm.size
    screened = float(cohort.seen.screened.sum()) / cohort.seen.arm.size
    courses = float(cohort.seen.courses.mean())
    return (
        (CANDIDATE + ARRIVAL) * screened
        + ENROLLED
        + VISIT * reached
        + INTERVAL * (reached - 1.0)
        + COURSE * courses
    )


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
    posterior = load_posterior()
    prepared = prepare(load_design("dm_ivig_16w"), load_scenario("point"), posterior)
    everything = prepare(load_design(str(EVERYTHING)), load_scenario(str(MISSING)), posterior)
    for each in (prepared, everything):
        assert_engines_agree(each)
    assert_keyed_numbers_are_their_addresses()
    of_fills = numbers_filled(prepared)
    of_patient = numbers_read(engine(prepared, compiled.run, MANY)())
    processes, timeouts = count_events(prepared)
    plan = draw_plan(prepared.protocol.visit_week, prepared.protocol.course_week)
    patients = MANY * N
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
            "the same with every part of the model",
            interleaved(
                engine(everything, reference.run, FEW),
                engine(everything, compiled.run, MANY),
                MANY / FEW,
            ),
            at_least=30.0,
        ),
        ratio_of(
            "the same with the analysis of every trial",
            interleaved(
                pipeline(prepared, "reference", FEW),
                pipeline(prepared, "compiled", MANY),
                MANY / FEW,
            ),
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
    tell(rows, OUT, rounds=ROUNDS, rounds_cold=COLD_ROUNDS)


if __name__ == "__main__":
    main()
