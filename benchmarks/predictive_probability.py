"""Predictive probability: closed form against nested simulation, CPU time in one run.

    python -m benchmarks.predictive_probability

The trial: 100 patients an arm, flat priors, success when P(p1 > p0 | all data) > 0.975, a look
after 50 an arm. The other method imputes the rest of the trial 100 times: it draws both rates from
their posterior, the outcomes to come, and analyses each completed trial with the final rule. It is
vectorised over data sets and imputations with NumPy, and written twice: with the posterior
probability of each completed trial by the package's compiled recurrence, as a simulator without
tables does it, and with the final decision looked up in a table, which is the best it can do.

Counted for the closed form of many trials: the table of final decisions, the table of predictive
probabilities, and one lookup for each of a million trials (ten scenarios of 100,000), all of it.
A second row counts the lookups only, which is what one more trial costs. Counted for one data
set alone: one call of ``predict_trial`` with the table of final decisions at hand.

First both are shown to give the same answers: the closed form is the mean of what the nested
simulation scatters around, and 100 imputations leave a standard error of up to 0.05.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simtrial.core.compiled import kernel
from simtrial.stats.beta import BetaRace, probability_greater, start_race
from simtrial.stats.binary.predictive import ArmSoFar, predict_trial, predict_two_arms

ROUNDS = 9
N, LOOK, ABOVE, IMPUTATIONS = 100, 50, 0.975, 100
FLAT = (1.0, 1.0)
TRIALS, FEW, ONE_BY_ONE = 1_000_000, 500, 500
GOAL = 10_000.0
OUT = Path("results/bench/predictive_probability.json")

type Counts = NDArray[np.int64]
type Floats = NDArray[np.float64]


# --- the closed form ----------------------------------------------------------------------------


@kernel
def _critical(race: BetaRace, n: int, above: float) -> NDArray[np.bool_]:
    """Return (n + 1, n + 1) the final decisions: more responders of arm 1 never undo a success."""
    out = np.zeros((n + 1, n + 1), np.bool_)
    for y0 in range(n + 1):
        low, high = 0, n + 1
        while low < high:
            middle = (low + high) // 2
            if probability_greater(race, middle, n, y0, n) > above:
                high = middle
            else:
                low = middle + 1
        out[low:, y0] = True
    return out


@kernel
def _looked_up(table: Floats, y1: Counts, y0: Counts) -> Floats:
    out = np.empty(y1.shape[0])
    for r in range(y1.shape[0]):
        out[r] = table[y1[r], y0[r]]
    return out


def final_decisions() -> NDArray[np.bool_]:
    """Return (N + 1, N + 1) whether the completed trial is a success."""
    return _critical(start_race(FLAT, FLAT), N, ABOVE)


def predictive_table(success: NDArray[np.bool_]) -> Floats:
    """Return (LOOK + 1, LOOK + 1) predictive probabilities."""
    return predict_two_arms(success, (FLAT, FLAT), (LOOK, LOOK))


# --- the nested simulation ----------------------------------------------------------------------


@kernel
def _analysed(race: BetaRace, f1: Counts, f0: Counts, n: int, above: float) -> Floats:
    """Return (D,) share of (D, M) completed trials that succeed, each by its own recurrence."""
    out = np.zeros(f1.shape[0])
    for d in range(f1.shape[0]):
        for m in range(f1.shape[1]):
            out[d] += probability_greater(race, f1[d, m], n, f0[d, m], n) > above
        out[d] /= f1.shape[1]
    return out


def imputed(y: Counts, generator: np.random.Generator, imputations: int) -> Counts:
    """Return (D, M) final responders of an arm, imputed from (D,) responders so far."""
    size = (y.shape[0], imputations)
    rate = generator.beta(FLAT[0] + y[:, None], FLAT[1] + (LOOK - y)[:, None], size)
    return y[:, None] + generator.binomial(N - LOOK, rate)


def nested(
    y1: Counts, y0: Counts, generator: np.random.Generator, imputations: int = IMPUTATIONS
) -> Floats:
    """Return (D,) predictive probabilities, each completed trial analysed by the recurrence."""
    f1, f0 = (imputed(y, generator, imputations) for y in (y1, y0))
    return _analysed(start_race(FLAT, FLAT), f1, f0, N, ABOVE)


def nested_with_table(
    y1: Counts,
    y0: Counts,
    success: NDArray[np.bool_],
    generator: np.random.Generator,
    imputations: int = IMPUTATIONS,
) -> Floats:
    """Return (D,) predictive probabilities, each completed trial decided from the table."""
    f1, f0 = (imputed(y, generator, imputations) for y in (y1, y0))
    return np.asarray(success[f1, f0].mean(axis=1), np.float64)


# --- the same answers ---------------------------------------------------------------------------


def assert_same_answers() -> None:
    """Compare 40 data sets with 20,000 imputations each; a false alarm of 1e-6 for each."""
    generator = np.random.default_rng(1)
    y1, y0 = generator.integers(15, 36, (2, 40))
    success = final_decisions()
    exact = predictive_table(success)[y1, y0]
    one_by_one = [
        predict_trial(success, ArmSoFar(FLAT, int(i), LOOK), ArmSoFar(FLAT, int(j), LOOK))
        for i, j in zip(y1, y0, strict=True)
    ]
    assert np.max(np.abs(exact - one_by_one)) < 1e-12, "the table and one data set disagree"
    many = 20_000
    # Bernstein: beyond this a mean of ``many`` indicators has a chance of at most 1e-6
    log_term = np.log(2.0 / 1e-6)
    bound = np.sqrt(2.0 * exact * (1.0 - exact) * log_term / many) + 2.0 * log_term / (3.0 * many)
    for name, found in (
        ("nested", nested(y1, y0, generator, many)),
        ("nested with a table", nested_with_table(y1, y0, success, generator, many)),
    ):
        assert np.all(np.abs(found - exact) <= bound), f"{name} and the closed form disagree"


# --- the clock ----------------------------------------------------------------------------------


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of one call, of all threads."""
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> None:
    """Run every comparison, print the table, write the JSON."""
    assert_same_answers()
    generator = np.random.default_rng(2)
    # counts as a simulator hands them over; drawing them is counted for neither side
    y1, y0 = generator.binomial(LOOK, 0.5, TRIALS), generator.binomial(LOOK, 0.4, TRIALS)
    few1, few0 = y1[:FEW], y0[:FEW]
    success = final_decisions()
    table = predictive_table(success)

    def all_of_it() -> None:
        _looked_up(predictive_table(final_decisions()), y1, y0)

    def alone() -> None:
        for i, j in zip(few1.tolist(), few0.tolist(), strict=True):
            predict_trial(success, ArmSoFar(FLAT, i, LOOK), ArmSoFar(FLAT, j, LOOK))

    def nested_alone(work: Callable[[Counts, Counts], object]) -> Callable[[], None]:
        def run() -> None:
            for r in range(ONE_BY_ONE):
                work(few1[r : r + 1], few0[r : r + 1])

        return run

    def recurrence(a: Counts, b: Counts) -> object:
        return nested(a, b, generator)

    def decided(a: Counts, b: Counts) -> object:
        return nested_with_table(a, b, success, generator)

    works: dict[str, tuple[Callable[[], object], int]] = {
        "closed, tables and a million trials": (all_of_it, TRIALS),
        "closed, one more trial": (lambda: _looked_up(table, y1, y0), TRIALS),
        "closed, one data set alone": (alone, FEW),
        "nested, recurrence": (lambda: recurrence(few1, few0), FEW),
        "nested, table of decisions": (lambda: decided(few1, few0), FEW),
        "nested, recurrence, one data set alone": (nested_alone(recurrence), ONE_BY_ONE),
        "nested, table of decisions, one data set alone": (nested_alone(decided), ONE_BY_ONE),
    }
    for work, _ in works.values():  # compiled and warm before the clock runs
        work()
    each = {name: [] for name in works}  # type: dict[str, list[float]]
    for _ in range(ROUNDS):
        for name, (work, count) in works.items():
            each[name].append(cpu_seconds(work) / count)
    print(f"{'CPU time of one data set'.ljust(48)}  median")
    for name, seconds in each.items():
        print(f"{name.ljust(48)}  {statistics.median(seconds) * 1e6:11.4f} us")
    pairs = [
        ("nested, recurrence", "closed, tables and a million trials", GOAL),
        ("nested, recurrence", "closed, one more trial", None),
        ("nested, table of decisions", "closed, tables and a million trials", GOAL),
        ("nested, table of decisions", "closed, one more trial", None),
        ("nested, recurrence, one data set alone", "closed, one data set alone", None),
        ("nested, table of decisions, one data set alone", "closed, one data set alone", None),
    ]
    print(f"\n{'ratio of CPU time'.ljust(86)}  {'min':>8} {'median':>8} {'max':>8}  goal")
    rows = []
    for slow, quick, goal in pairs:
        ratios = [a / b for a, b in zip(each[slow], each[quick], strict=True)]
        middle = statistics.median(ratios)
        met = None if goal is None else middle >= goal
        said = "" if goal is None else f">= {goal:,.0f}" + ("" if met else "  NOT MET")
        print(
            f"{f'{slow} / {quick}'.ljust(86)}  {min(ratios):8,.0f} {middle:8,.0f} "
            f"{max(ratios):8,.0f}  {said}"
        )
        rows.append(
            {"what": f"{slow} / {quick}", "min": min(ratios), "median": middle}
            | {"max": max(ratios), "goal": goal, "met": met}
        )
    OUT.parent.mkdir(parents=True, exist_ok=True)
    medians = {name: statistics.median(seconds) for name, seconds in each.items()}
    OUT.write_text(
        json.dumps({"rounds": ROUNDS, "cpu_seconds": medians, "rows": rows}, indent=1) + "\n"
    )
    print(f"{ROUNDS} interleaved rounds; written: {OUT}")


if __name__ == "__main__":
    main()
