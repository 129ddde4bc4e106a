"""Power, type I error and assurance of a design at its sample size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from simtrial.core.arguments import MOST_TRIALS, check_effort, instance, number, one_of, whole
from simtrial.core.errors import ArgumentError, DesignError
from simtrial.core.provenance import DEFAULT_SEED, canonical_json
from simtrial.operating.characteristics import (
    METRIC_OF,
    Metric,
    estimates_difference,
    scenario_row,
    success_metric,
    true_difference,
)
from simtrial.operating.exact import metric_name
from simtrial.operating.outcome_rows import outcome_row
from simtrial.operating.prepare import Prepared, check, prepare
from simtrial.operating.replicates import Engine, run_all
from simtrial.operating.store import Store
from simtrial.planning.headers import header, outcome_assumptions, outcome_header
from simtrial.planning.results import digest_of, digests_of, refuse_another
from simtrial.trial.design import AnyDesign, Design, patients_of
from simtrial.trial.outcome_design import OutcomeDesign
from simtrial.trial.outcomes import OutcomeScenario, check_fit
from simtrial.trial.posterior import Posterior, load_posterior
from simtrial.trial.scenario import AnyScenario, Scenario, load_scenario
from simtrial.trial.sections import MOST_PATIENTS
from simtrial.trial.shipped import shipped_names

DEFAULT_TRIALS = 10_000
DEFAULT_SCENARIOS = ("point", "identical_arms", "posterior")
LEAST_MCSE, MOST_MCSE = 0.0002, 0.5
ENGINES = get_args(Engine)
_PILOT_TRIALS = 1_000
_TRUTH_FROM = 2**31  # replicates beyond all that are counted
_TRUTH_PATIENTS = 400_000


class Progress:
    """What long work reports to: a title and a total, then steps. This one says nothing."""

    def start(self, title: str, total: int) -> Callable[[int], None]:
        """Begin a piece of work; the returned function is told of each step."""
        return lambda _: None

    def finish(self) -> None:
        """End the piece of work."""


@dataclass(frozen=True, kw_only=True)
class Power:
    """Operating characteristics of a design: one row per scenario."""

    document: dict[str, Any]
    interrupted: bool

    def to_json(self) -> str:
        """Return the result as one JSON text; equal runs give equal bytes."""
        return canonical_json(self.document)

    def table(self) -> Any:
        """Return a pandas data frame, one row per scenario and metric."""
        import pandas as pd

        rows = [
            {"scenario": row["scenario"], "n": row["n"], "metric": name, **values}
            for row in self.document["scenarios"]
            for name, values in row["metrics"].items()
        ]
        return pd.DataFrame(rows)

    def summary(self) -> list[str]:
        """Return the result in sentences."""
        out = []
        for row in self.document["scenarios"]:
            for name in METRIC_OF.values():
                if name in row["metrics"]:
                    m = row["metrics"][name]
                    error = "exact"
                    if not row["exact"]:
                        error = f"MCSE {m['mcse'] or float('nan'):.4f}, R = {m['replicates']:,}"
                    value = f"{m['estimate']:.5f}" if row["exact"] else f"{m['estimate']:.3f}"
                    out.append(f"{row['scenario']}, n = {row['n']}: {name} {value} ({error}).")
        return out

    def __str__(self) -> str:
        """Return the summary."""
        return "\n".join(self.summary())


def named_scenarios(names: Sequence[str | AnyScenario]) -> list[tuple[str, AnyScenario]]:
    """Return scenarios by shipped name, path or as loaded, with the names they are told by."""
    if isinstance(names, str) or not names:
        rule = "it must hold at least one name or file"
        example = f"({names!r},)" if names else "('point',)"
        raise ArgumentError("scenarios", names, rule, example)
    given = [n if isinstance(n, str) else f"scenario {i + 1}" for i, n in enumerate(names)]
    for name in given:
        if given.count(name) > 1:
            kept = tuple(dict.fromkeys(given))
            raise ArgumentError("scenarios", name, "it is given twice; give each once", f"{kept}")
    return [
        (label, load_scenario(one) if isinstance(one, str) else one)
        for label, one in zip(given, names, strict=True)
    ]


def trials_for(
    prepared: Prepared,
    mcse: float,
    *,
    seed: int,
    workers: int,
    store: Store | None = None,
) -> int:
    """Return how many replicates bring the error of success down to ``mcse``."""
    pilot = run_all(
        prepared,
        seed=seed,
        trials=_PILOT_TRIALS,
        sizes=[prepared.design.sample_size.n],
        workers=workers,
        store=store,
    )
    found = success_metric(pilot.outcomes.success[:, -1], prepared.rows, prepared.row_ess)
    share = min(max(found.estimate, 0.02), 0.98)
    spread = max(found.mcse**2 * 1_000, share * (1.0 - share))
    return min(MOST_TRIALS, max(1_000, math.ceil(1.05 * spread / mcse**2)))


def power(
    design: AnyDesign,
    *,
    scenarios: Sequence[str | AnyScenario] | None = None,
    posterior: Posterior | None = None,
    n: int | None = None,
    trials: int = DEFAULT_TRIALS,
    mcse: float | None = None,
    seed: int = DEFAULT_SEED,
    workers: int = 1,
    chunk: int | None = None,
    engine: Engine = "compiled",
    name: str = "design",
    posterior_name: str | None = None,
    progress: Progress | None = None,
    store: Store | None = None,
    simulate: bool = False,
) -> Power:
    """Return power, type I error and assurance of a design.

    Parameters
    ----------
    scenarios : shipped names, paths, or what ``load_scenario`` returns; the default is point,
        identical_arms and posterior, and of a design of outcomes alone the shipped scenario of its
        name. Those of outcomes alone are computed exactly where they can be.
    n : total sample size, in place of the design's.
    trials, mcse : replicates a scenario, or the standard error that decides how many.
    workers, chunk : how the work is split; no result depends on them.
    name, posterior_name : what the design and the posterior are called in the line to run again.
    store : a folder in which replicates are kept: those it holds are read, new ones are added.
    simulate : also what could be computed exactly, as a check of it.

    Raises
    ------
    ArgumentError : when an argument is outside what it is defined for.
    DesignError, PosteriorError : when the design cannot be run under a scenario.
    StoreError : when the store's folder cannot be used or holds the power of something else.
    """
    instance("design", design, (Design, OutcomeDesign), "load_design('dm_ivig_16w')")
    trials = whole("trials", trials, 1, MOST_TRIALS, example=DEFAULT_TRIALS)
    if mcse is not None:
        number("mcse", mcse, LEAST_MCSE, MOST_MCSE, example=0.003)
    one_of("engine", engine, ENGINES)
    check_effort(seed=seed, workers=workers, chunk=chunk)
    if posterior is not None:
        instance("posterior", posterior, Posterior, "load_posterior('my_posterior.npz')")
    usual = default_scenarios(design)
    if scenarios is None and not usual:
        raise no_truth(design)
    asked = usual if scenarios is None else scenarios
    named = named_scenarios(asked)
    if n is not None:
        least = max(2, len(design.arm_names))
        design = design.with_n(whole("n", n, least, MOST_PATIENTS, example=94))
    require_decision(design)
    of_patients = any(isinstance(scenario, Scenario) for _, scenario in named)
    held = None
    if of_patients:
        held = posterior if posterior is not None else load_posterior()
    for _, scenario in named:  # all before the first is run
        if isinstance(scenario, OutcomeScenario):
            check_fit(design, scenario)
        elif held is not None:
            check(patients_of(design, "a scenario of patients"), scenario, held)
    truths = [scenario.digest() for _, scenario in named]
    if store is not None:
        refuse_another(store.folder / "power.json", digests_of(design, held, truths), seed)
    effort = Effort(
        trials=trials,
        mcse=mcse,
        seed=seed,
        workers=workers,
        chunk=chunk,
        engine=engine,
        simulate=simulate,
        report=progress if progress is not None else Progress(),
        store=store,
    )
    rows: list[dict[str, Any]] = []
    read: list[Prepared] = []
    interrupted = False
    for label, scenario in named:
        try:
            if isinstance(scenario, OutcomeScenario):
                row, interrupted = _outcome_row(design, scenario, label, effort)
            else:
                patients = patients_of(design, "a scenario of patients")
                ready, row, interrupted = _patient_row(patients, scenario, held, label, effort)
                read.append(ready)
        except KeyboardInterrupt:
            if not rows:
                raise
            interrupted = True  # the scenarios before this one stand
            break
        effort.report.finish()
        rows.append(row)
        if interrupted:
            break
    of_outcomes = [scenario for _, scenario in named if isinstance(scenario, OutcomeScenario)]
    if held is not None and read:
        document = header("power", design, held, read, name=name, seed=seed, truths=truths)
        document["assumptions"] += outcome_assumptions(of_outcomes)
    else:
        document = outcome_header("power", design, of_outcomes, name=name, seed=seed)
        document["digests"] = digests_of(design, held, truths)
        document["posterior"] = document["digests"]["posterior"]
        document["digest"] = digest_of(document["digests"])
    document["trials"] = trials if mcse is None else None
    document["scenarios"] = rows
    document["interrupted"] = interrupted
    named_so = [s if isinstance(s, str) else "FILE" for s in asked]  # a script's has no name
    options = "".join(f" --scenario {s}" for s in named_so if named_so != list(usual))
    spent = f"--mcse {mcse:g}" if mcse is not None else f"--trials {trials}"
    options += f" --posterior {posterior_name}" if posterior_name else ""
    options += " --simulate" if simulate else ""
    document["rerun"] = (
        f"simtrial power {name}{options} --n {design.sample_size.n} --seed {seed} {spent}"
    )
    return Power(document=document, interrupted=interrupted)


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is simulated, how it is split, and whom it is told."""

    trials: int
    mcse: float | None
    seed: int
    workers: int
    chunk: int | None
    engine: Engine
    simulate: bool
    report: Progress
    store: Store | None


def _patient_row(
    design: Design, scenario: Scenario, held: Posterior | None, label: str, effort: Effort
) -> tuple[Prepared, dict[str, Any], bool]:
    """Return the row of a scenario of patients, what it was run with, and if it was interrupted."""
    posterior = held if held is not None else load_posterior()
    workers, store, mcse = effort.workers, effort.store, effort.mcse
    prepared = prepare(design, scenario, posterior, workers=workers, start=effort.report.start)
    wanted = effort.trials
    if mcse is not None:
        wanted = trials_for(prepared, mcse, seed=effort.seed, workers=workers, store=store)
    run = run_all(
        prepared,
        seed=effort.seed,
        trials=wanted,
        sizes=[design.sample_size.n],
        workers=workers,
        chunk=effort.chunk,
        engine=effort.engine,
        advance=effort.report.start(label, wanted),
        store=store,
    )
    effort.report.finish()
    interrupted, truth = run.interrupted, None
    if prepared.rows == 1 and estimates_difference(design) and not interrupted:
        truth = _truth(prepared, seed=effort.seed, workers=workers, store=store)
        interrupted = truth is None
    row = scenario_row(prepared, run.outcomes, label, truth)
    if mcse is not None:
        _note_target(row, METRIC_OF[scenario.source], mcse)
    return prepared, row, interrupted


def _outcome_row(
    design: AnyDesign, scenario: OutcomeScenario, label: str, effort: Effort
) -> tuple[dict[str, Any], bool]:
    """Return the row of a scenario of outcomes, and whether its simulation was interrupted."""

    def run(trials: int, start: Any) -> tuple[dict[str, Any], bool]:
        return outcome_row(
            design,
            scenario,
            label,
            seed=effort.seed,
            trials=trials,
            workers=effort.workers,
            start=start,
            simulate=effort.simulate,
        )

    key = metric_name(design, scenario)
    if effort.mcse is None:
        return run(effort.trials, effort.report.start)
    row, interrupted = run(_PILOT_TRIALS, None)
    if not row["exact"] and not interrupted:
        share = min(max(row["metrics"][key]["estimate"], 0.02), 0.98)
        wanted = math.ceil(1.05 * share * (1.0 - share) / effort.mcse**2)
        wanted = min(MOST_TRIALS, max(_PILOT_TRIALS, wanted))
        row, interrupted = run(wanted, effort.report.start)
    _note_target(row, key, effort.mcse)
    return row, interrupted


def _note_target(row: dict[str, Any], key: str, mcse: float) -> None:
    """Write into a row whether its error came down to what was asked for."""
    found = row["metrics"][key]["mcse"]
    row["mcse_target"] = {"value": mcse, "met": found is not None and found <= 1.1 * mcse}


def default_scenarios(design: AnyDesign) -> tuple[str, ...]:
    """Return the scenarios that a design runs under unless told otherwise.

    One with patients: point, identical_arms and posterior. One of outcomes alone: the shipped
    scenario of its own name, or none.
    """
    if isinstance(design, Design):
        return DEFAULT_SCENARIOS
    source = "" if design.place is None else design.place.source
    if Path(source).stem in shipped_names("scenarios"):
        return (Path(source).stem,)
    return ()


def no_truth(design: AnyDesign) -> DesignError:
    """Return the error that a design of outcomes alone needs to be told its truth."""
    return DesignError(
        f"{design.where('arms')} are names, without patients to simulate; give a scenario of "
        f"outcomes, such as --scenario FILE with {_such_truth(design)}."
    )


def _such_truth(design: AnyDesign) -> str:
    """Return an example of a truth of outcomes for a design's arms."""
    numbers = ("0.0019", "0.0011") if design.is_time_to_event else ("0.4", "0.7")
    arms = ", ".join(f"{a}: {v}" for a, v in zip(design.arm_names, numbers, strict=False))
    return f"{'hazards_per_day' if design.is_time_to_event else 'outcomes'}: {{{arms}}}"


def require_decision(design: AnyDesign) -> None:
    """Refuse a design without a decision, which has neither power nor a smallest size."""
    if design.decision is None:
        names = [*design.arm_names, "placebo"][:2]
        raise DesignError(
            f"{design.where('decision')} is missing; a design without analysis and decision has "
            "no power and cannot be sized; for example decision: {success: "
            f'{{probability_of: "{names[0]} > {names[1]}", above: 0.975}}}}, with two arms and '
            "analysis: {method: beta_binomial, prior: "
            f"{{{names[0]}: [1, 1], {names[1]}: [1, 1]}}}}."
        )


def _truth(prepared: Prepared, *, seed: int, workers: int, store: Store | None) -> Metric | None:
    """Return the true difference under a scenario, from patients that no counted trial holds.

    None when interrupted: what was counted before stays.
    """
    n = prepared.design.sample_size.n
    try:
        run = run_all(
            prepared,
            seed=seed,
            first=_TRUTH_FROM,
            trials=math.ceil(_TRUTH_PATIENTS / n),
            sizes=[n],
            workers=workers,
            store=store,
        )
    except KeyboardInterrupt:
        return None
    return None if run.interrupted else true_difference(prepared, run.outcomes)
