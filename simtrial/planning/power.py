"""Power, type I error and assurance of a design at its sample size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from simtrial.core.arguments import MOST_TRIALS, check_effort, instance, number, one_of, whole
from simtrial.core.errors import ArgumentError, DesignError
from simtrial.core.provenance import DEFAULT_SEED, canonical_json, version
from simtrial.operating.characteristics import (
    METRIC_OF,
    Metric,
    assumptions,
    scenario_row,
    success_metric,
    true_difference,
)
from simtrial.operating.prepare import Prepared, check, prepare
from simtrial.operating.replicates import Engine, run_all
from simtrial.operating.store import Store
from simtrial.planning.results import digest_of, digests_of, refuse_another
from simtrial.trial.design import Design
from simtrial.trial.posterior import Posterior, fitted_how, load_posterior
from simtrial.trial.scenario import Scenario, load_scenario
from simtrial.trial.sections import MOST_PATIENTS

DEFAULT_TRIALS = 10_000
DEFAULT_SCENARIOS = ("point", "identical_arms", "posterior")
LEAST_MCSE, MOST_MCSE = 0.0002, 0.5
ENGINES = get_args(Engine)
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
                    out.append(
                        f"{row['scenario']}, n = {row['n']}: {name} {m['estimate']:.3f} "
                        f"(MCSE {m['mcse'] or float('nan'):.4f}, R = {m['replicates']:,})."
                    )
        return out

    def __str__(self) -> str:
        """Return the summary."""
        return "\n".join(self.summary())


def named_scenarios(names: Sequence[str]) -> list[tuple[str, Scenario]]:
    """Return scenarios by shipped name or path, with the names under which they are reported."""
    if isinstance(names, str) or not names:
        rule = "it must hold at least one name or file"
        example = f"({names!r},)" if names else "('point',)"
        raise ArgumentError("scenarios", names, rule, example)
    for name in names:
        if list(names).count(name) > 1:
            kept = tuple(dict.fromkeys(names))
            raise ArgumentError("scenarios", name, "it is given twice; give each once", f"{kept}")
    return [(name, load_scenario(name)) for name in names]


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
        trials=1_000,
        sizes=[prepared.design.sample_size.n],
        workers=workers,
        store=store,
    )
    found = success_metric(pilot.outcomes.success[:, -1], prepared.rows, prepared.row_ess)
    share = min(max(found.estimate, 0.02), 0.98)
    spread = max(found.mcse**2 * 1_000, share * (1.0 - share))
    return min(MOST_TRIALS, max(1_000, math.ceil(1.05 * spread / mcse**2)))


def power(
    design: Design,
    *,
    scenarios: Sequence[str] = DEFAULT_SCENARIOS,
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
) -> Power:
    """Return power, type I error and assurance of a design.

    Parameters
    ----------
    scenarios : shipped names or paths; the default is point, identical_arms and posterior.
    n : total sample size, in place of the design's.
    trials, mcse : replicates a scenario, or the standard error that decides how many.
    workers, chunk : how the work is split; no result depends on them.
    name, posterior_name : what the design and the posterior are called in the line to run again.
    store : a folder in which replicates are kept: those it holds are read, new ones are added.

    Raises
    ------
    ArgumentError : when an argument is outside what it is defined for.
    DesignError, PosteriorError : when the design cannot be run under a scenario.
    StoreError : when the store's folder cannot be used or holds the power of something else.
    """
    instance("design", design, Design, "load_design('dm_ivig_16w')")
    trials = whole("trials", trials, 1, MOST_TRIALS, example=DEFAULT_TRIALS)
    if mcse is not None:
        number("mcse", mcse, LEAST_MCSE, MOST_MCSE, example=0.003)
    one_of("engine", engine, ENGINES)
    check_effort(seed=seed, workers=workers, chunk=chunk)
    if posterior is not None:
        instance("posterior", posterior, Posterior, "load_posterior('my_posterior.npz')")
    named = named_scenarios(scenarios)
    if n is not None:
        least = max(2, len(design.arms))
        design = design.with_n(whole("n", n, least, MOST_PATIENTS, example=94))
    require_decision(design)
    held = posterior if posterior is not None else load_posterior()
    report = progress if progress is not None else Progress()
    for _, scenario in named:  # all before the first is run
        check(design, scenario, held)
    truths = [scenario.digest() for _, scenario in named]
    if store is not None:
        refuse_another(store.folder / "power.json", digests_of(design, held, truths), seed)
    rows: list[dict[str, Any]] = []
    read: list[Prepared] = []
    interrupted = False
    for label, scenario in named:
        try:
            prepared = prepare(design, scenario, held, workers=workers, start=report.start)
            wanted = trials
            if mcse is not None:
                wanted = trials_for(prepared, mcse, seed=seed, workers=workers, store=store)
            run = run_all(
                prepared,
                seed=seed,
                trials=wanted,
                sizes=[design.sample_size.n],
                workers=workers,
                chunk=chunk,
                engine=engine,
                advance=report.start(label, wanted),
                store=store,
            )
        except KeyboardInterrupt:
            if not rows:
                raise
            interrupted = True  # the scenarios before this one stand
            break
        report.finish()
        interrupted, truth = run.interrupted, None
        if prepared.rows == 1 and not interrupted:
            truth = _truth(prepared, seed=seed, workers=workers, store=store)
            interrupted = truth is None
        row = scenario_row(prepared, run.outcomes, label, truth)
        if mcse is not None:
            found = row["metrics"][METRIC_OF[scenario.source]]["mcse"]
            row["mcse_target"] = {"value": mcse, "met": found is not None and found <= 1.1 * mcse}
        rows.append(row)
        read.append(prepared)
        if interrupted:
            break
    document = header("power", design, held, read, name=name, seed=seed, truths=truths)
    document["trials"] = trials if mcse is None else None
    document["scenarios"] = rows
    document["interrupted"] = interrupted
    options = "".join(
        f" --scenario {s}" for s in scenarios if list(scenarios) != list(DEFAULT_SCENARIOS)
    )
    effort = f"--mcse {mcse:g}" if mcse is not None else f"--trials {trials}"
    options += f" --posterior {posterior_name}" if posterior_name else ""
    document["rerun"] = (
        f"simtrial power {name}{options} --n {design.sample_size.n} --seed {seed} {effort}"
    )
    return Power(document=document, interrupted=interrupted)


def require_decision(design: Design) -> None:
    """Refuse a design without a decision, which has neither power nor a smallest size."""
    if design.decision is None:
        names = [*design.arms, "placebo"][:2]
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


def header(
    command: str,
    design: Design,
    posterior: Posterior,
    ready: Sequence[Prepared],
    *,
    name: str,
    seed: int,
    truths: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return what every result document says of its origin.

    ``truths`` are the digests of the scenarios asked for; without it, those that are ready.
    Inputs, noise floor and eligible share are those of the first scenario; what another replaces
    stands in its own row.
    """
    prepared = ready[0]
    asked = truths if truths is not None else [p.scenario.digest() for p in ready]
    digests = digests_of(design, posterior, asked)
    return {
        "simtrial": version(),
        "command": command,
        "design": name,
        "title": design.title,
        "protocol": design.model_dump(mode="json"),
        "arms": list(design.arm_names),  # in order, which JSON with sorted keys does not keep
        "digest": digest_of(digests),
        "digests": digests,
        "posterior": digests["posterior"],
        "posterior_fit": fitted_how(posterior),
        "seed": seed,
        "endpoint": design.endpoint.words(),
        "control_rate_stated": prepared.control_rate,
        "noise_floor": {
            "estimate": prepared.noise_floor,
            "mcse": prepared.noise_floor_error,
            "what": "TIS >= 20 at week 16 without any true change, reference protocol",
        },
        "eligible_share": prepared.eligible_share,
        "eligible_share_mcse": prepared.eligible_share_error,
        "assumptions": assumptions(prepared),
    }
