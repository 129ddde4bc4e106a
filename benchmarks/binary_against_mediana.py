"""CPU time of a plain simulated trial against Mediana's, after asserting that both agree.

    python -m benchmarks.binary_against_mediana

The job: 100 patients, two arms of 50, responses at 30 % and 55 %, each patient drawn alone, one
z test with pooled variance, one-sided 0.025. Both sides run in one go, round by round, in warm
processes: starting R, loading Mediana and compiling are not counted on either side. Ours is the
whole way from a design to the row of its result. Both powers are held against the exact one, which
a sum over all pairs of counts gives. Written to results/bench/binary_against_mediana.json.
Needs Rscript and the R package Mediana (Debian: r-cran-mediana).
"""

from __future__ import annotations

import math
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
from scipy.stats import binom

from benchmarks.ratios import cpu_seconds, ratio_of, tell
from simtrial.core.config import Located, validate
from simtrial.operating.outcome_rows import outcome_row
from simtrial.trial.outcome_design import OutcomeDesign
from simtrial.trial.outcomes import OutcomeScenario

ROUNDS, OURS, THEIRS = 7, 100_000, 2_000
GOAL = 10.0
FAR = 4.9  # standard errors: a false alarm in a million checks
OUT = Path("results/bench/binary_against_mediana.json")
SCRIPT = Path(__file__).with_suffix(".R")

ARM, CONTROL, TREATED, LEVEL_Z = 50, 0.3, 0.55, 1.959963984540054
DESIGN = {
    "title": "Two arms, a response or none",
    "arms": ["control", "treated"],
    "allocation": {
        "ratio": {"control": 1, "treated": 1},
        "method": "permuted_blocks",
        "block_sizes": [2],
    },
    "endpoint": {"measure": "response"},
    "analysis": {"method": "z_test"},
    "decision": {"success": {"test_of": "treated > control", "alpha": 0.025}},
    "sample_size": {"n": 2 * ARM},
}
TRUTH = {"outcomes": {"control": CONTROL, "treated": TREATED}}


def exact_power() -> float:
    """Return the power of the pooled z test, summed over all pairs of counts."""
    counts = np.arange(ARM + 1)
    treated, control = counts[:, None] / ARM, counts[None, :] / ARM
    pooled = (treated + control) / 2.0
    spread = np.sqrt(np.maximum(pooled * (1.0 - pooled) * 2.0 / ARM, 1e-300))
    chance = binom.pmf(counts, ARM, TREATED)[:, None] * binom.pmf(counts, ARM, CONTROL)[None, :]
    return float(chance[(treated - control) / spread > LEVEL_Z].sum())


class Mediana:
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
                "not measured: Mediana could not be run; install the R package Mediana (Debian: "
                f"r-cran-mediana). R said: {self.process.stderr.read().strip()}"
            )
        return line

    def run(self, seed: int) -> tuple[float, float]:
        """Return CPU seconds and power of one round."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seed}\n")
        self.process.stdin.flush()
        cpu, power = map(float, self._answer().split())
        return cpu, power

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def assert_power(who: str, power: float, trials: int) -> None:
    """Stop when a simulated power is further from the exact one than chance allows."""
    exact = exact_power()
    limit = FAR * math.sqrt(exact * (1.0 - exact) / trials)
    print(f"{who:9} power {power:.5f}, exact {exact:.5f}, allowed difference {limit:.5f}")
    assert abs(power - exact) <= limit, f"{who} simulates another trial: nothing to compare"


def main() -> None:
    """Run the rounds, check that both agree, print the ratio, write the JSON."""
    if shutil.which("Rscript") is None:
        sys.exit("not measured: Rscript is not on the path; install R and its package Mediana.")
    design = validate(OutcomeDesign, Located(data=DESIGN, source="benchmark"))
    truth = validate(OutcomeScenario, Located(data=TRUTH, source="benchmark"))

    def ours(seed: int) -> float:
        row, _ = outcome_row(design, truth, "job", seed=seed, trials=OURS, simulate=True)
        return float(row["metrics"]["power"]["estimate"])

    outcome_row(design, truth, "job", seed=0, trials=1, simulate=True)  # compiles
    mediana = Mediana()
    ratios, powers, their_powers = [], [], []
    each: dict[str, list[float]] = {"simtrial": [], "Mediana": []}
    for seed in range(1, ROUNDS + 1):
        cpu, power = mediana.run(seed)
        their_powers.append(power)
        mine = cpu_seconds(lambda seed=seed: powers.append(ours(seed)))
        each["simtrial"].append(mine / OURS * 1e6)
        each["Mediana"].append(cpu / THEIRS * 1e6)
        ratios.append(each["Mediana"][-1] / each["simtrial"][-1])
    mediana.close()
    assert_power("simtrial", statistics.fmean(powers), OURS * ROUNDS)
    assert_power("Mediana", statistics.fmean(their_powers), THEIRS * ROUNDS)
    micro = {who: statistics.median(found) for who, found in each.items()}
    print(
        f"CPU time of a trial: simtrial {micro['simtrial']:.1f} us, Mediana {mediana.version} "
        f"{micro['Mediana']:.1f} us"
    )
    rows = [ratio_of("Mediana / simtrial, a plain trial of 100 patients", ratios, at_least=GOAL)]
    tell(
        rows,
        OUT,
        rounds=ROUNDS,
        microseconds_a_trial=micro,
        mediana=mediana.version,
        trials={"simtrial": OURS, "Mediana": THEIRS},
    )


if __name__ == "__main__":
    main()
