"""CPU time of simulated survival trials against rpact's, after asserting that both agree.

    python -m benchmarks.survival_against_rpact

The job: 200 patients, 5 a month for 4 months and then 15 a month, a control median of 12 months, a
hazard ratio of 0.6, a share of 0.005 dropping out by each month, one log-rank test at 120 events,
one-sided 0.025. Patients are allocated in turn, as rpact does. Both sides run in one go, round by
round, in warm processes: starting R, loading rpact and compiling are not counted on either side,
and each round runs long enough (about a second) that the clock's ticks of 1 to 4 ms do not matter.
20,000 trials a call are fair to rpact: it spends 119 us a trial in calls of 1,000, 71 in calls of
20,000 and 74 in calls of 100,000 (measured once), so its fixed cost is gone by then.
Written to results/bench/survival_against_rpact.json. Needs Rscript and the R package rpact.
"""

from __future__ import annotations

import gc
import json
import math
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from simtrial.stats.survival.decisions import Bounds, EventSummary, decide, summarise
from simtrial.stats.survival.event_design import Allocation, EventPlan, EventWorld, Looks
from simtrial.stats.survival.piecewise import (
    PiecewiseRate,
    rate_of_median,
    rate_of_share,
    scale_rate,
)
from simtrial.stats.survival.trials import simulate_trials

ROUNDS, OURS, THEIRS = 7, 200_000, 20_000
GOAL = 2.0
FAR = 4.9  # standard errors of a difference: a false alarm in a million checks
OUT = Path("results/bench/survival_against_rpact.json")
SCRIPT = Path(__file__).with_suffix(".R")

CONTROL, DROPOUT = rate_of_median(12.0), rate_of_share(0.005, by=1.0)
WORLD = EventWorld(
    treated_hazard=scale_rate(CONTROL, 0.6),
    control_hazard=CONTROL,
    treated_dropout=DROPOUT,
    control_dropout=DROPOUT,
    accrual=PiecewiseRate(starts=(0.0, 4.0), rates=(5.0, 15.0)),
)
PLAN = EventPlan(n=200, looks=Looks(events=(120,)), allocation=Allocation(kind="in_turn"))
BOUNDS = Bounds(efficacy=(1.959963984540054,))


@dataclass(frozen=True, kw_only=True)
class Round:
    """CPU seconds, and (value, standard error) of what both sides have to agree on."""

    cpu: float
    trials: int
    power: tuple[float, float]
    events: tuple[float, float]
    duration: tuple[float, float]

    @property
    def microseconds(self) -> float:
        """CPU time of one trial."""
        return self.cpu / self.trials * 1e6


class Rpact:
    """A warm R process that simulates a round when asked."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["Rscript", str(SCRIPT), str(THEIRS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.version = self._answer().removeprefix("ready ").strip()

    def _answer(self) -> str:
        assert self.process.stdout is not None and self.process.stderr is not None
        line = self.process.stdout.readline()
        if not line:
            sys.exit(
                "rpact could not be run; install the R package rpact (Debian: r-cran-rpact). "
                f"R said: {self.process.stderr.read().strip()}"
            )
        return line

    def run(self, seed: int) -> Round:
        """Simulate one round."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seed}\n")
        self.process.stdin.flush()
        cpu, power, events, events_sd, duration, duration_sd = map(float, self._answer().split())
        root = math.sqrt(THEIRS)
        return Round(
            cpu=cpu,
            trials=THEIRS,
            power=(power, math.sqrt(power * (1.0 - power)) / root),
            events=(events, events_sd / root),
            duration=(duration, duration_sd / root),
        )

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def run_ours(seed: int) -> Round:
    """Simulate one round: from the plan to its summary, as a user would."""
    gc.collect()
    started = time.process_time()
    trials = simulate_trials(PLAN, WORLD, seed=seed, trials=OURS)
    found: EventSummary = summarise(trials, decide(trials, BOUNDS))
    cpu = time.process_time() - started
    return Round(
        cpu=cpu,
        trials=OURS,
        power=(found.power.value, found.power.mcse),
        events=(found.events.value, found.events.mcse),
        duration=(found.duration.value, found.duration.mcse),
    )


def pooled(rounds: list[Round], name: str) -> tuple[float, float]:
    """Return mean and standard error over rounds of the same size."""
    pairs = [getattr(each, name) for each in rounds]
    error = math.sqrt(sum(e * e for _, e in pairs)) / len(pairs)
    return statistics.fmean(v for v, _ in pairs), error


def assert_same(ours: list[Round], theirs: list[Round]) -> None:
    """Stop when power, events or duration differ by more than chance allows."""
    for name in ("power", "events", "duration"):
        (a, a_error), (b, b_error) = pooled(ours, name), pooled(theirs, name)
        limit = FAR * math.hypot(a_error, b_error)
        print(
            f"{name:9} simtrial {a:9.4f}  rpact {b:9.4f}  "
            f"difference {a - b:+.5f}, allowed {limit:.5f}"
        )
        assert abs(a - b) <= limit, f"{name} differs: nothing to compare the speed of"


def main() -> None:
    """Run the rounds, check that both agree, print the ratio, write the JSON."""
    if shutil.which("Rscript") is None:
        sys.exit("Rscript is not on the path; install R and the R package rpact to compare.")
    simulate_trials(PLAN, WORLD, seed=0, trials=1)  # compiles
    rpact = Rpact()
    ours, theirs = [], []
    for seed in range(1, ROUNDS + 1):
        theirs.append(rpact.run(seed))
        ours.append(run_ours(seed))
    rpact.close()
    assert_same(ours, theirs)
    ratios = [b.microseconds / a.microseconds for a, b in zip(ours, theirs, strict=True)]
    each = [statistics.median(r.microseconds for r in rounds) for rounds in (ours, theirs)]
    middle = statistics.median(ratios)
    met = "" if middle >= GOAL else "  NOT MET"
    print(
        f"CPU time of a trial: simtrial {each[0]:.1f} us, rpact {rpact.version} {each[1]:.1f} us "
        f"(medians of {ROUNDS} interleaved rounds of {OURS:,} and {THEIRS:,} trials)\n"
        f"rpact / simtrial: min {min(ratios):.1f}, median {middle:.1f}, max {max(ratios):.1f}; "
        f"goal >= {GOAL:g}{met}"
    )
    OUT.parent.mkdir(parents=True, exist_ok=True)
    found = {
        "rpact": rpact.version,
        "rounds": ROUNDS,
        "trials": {"simtrial": OURS, "rpact": THEIRS},
        "microseconds_a_trial": {"simtrial": each[0], "rpact": each[1]},
        "ratio": {"minimum": min(ratios), "median": middle, "maximum": max(ratios)},
        "goal": GOAL,
        "met": middle >= GOAL,
    }
    OUT.write_text(json.dumps(found, indent=1) + "\n")
    print(f"written: {OUT}")


if __name__ == "__main__":
    main()
