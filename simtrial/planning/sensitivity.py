"""What moves the answer: the change of power when the assumptions change."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from simtrial.core.errors import DesignError
from simtrial.core.provenance import DEFAULT_SEED, canonical_json, digest
from simtrial.operating.background import PATIENTS
from simtrial.planning.headers import header
from simtrial.planning.power import DEFAULT_TRIALS, Progress
from simtrial.planning.tornado import Question, Tornado, control_held, tornado
from simtrial.trial.design import Design
from simtrial.trial.posterior import Posterior, load_posterior
from simtrial.trial.scenario import Scenario, Source, load_patient_scenario

DEFAULT_INTERVAL = 0.9
METHODS: dict[str, Callable[[Question, Progress], Tornado]] = {"tornado": tornado}
METRICS: dict[str, Source] = {"power": "point", "type1": "identical_arms"}


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """The change of a design's power, one row per assumption, the largest first."""

    document: dict[str, Any]
    interrupted: bool

    def to_json(self) -> str:
        """Return the result as one JSON text; equal runs give equal bytes."""
        return canonical_json(self.document)

    def table(self) -> Any:
        """Return a pandas data frame, one row per assumption; columns of an end begin with it."""
        import pandas as pd

        frame = pd.json_normalize(self.document["rows"])
        for name in [c for c in frame if c.endswith("interval95")]:
            frame[f"{name}.from"] = frame[name].map(lambda pair: pair[0])
            frame[f"{name}.to"] = frame[name].map(lambda pair: pair[1])
            frame = frame.drop(columns=name)
        return frame

    def summary(self) -> list[str]:
        """Return the result, and what it rests on, in sentences."""
        return [*_findings(self.document), *_conditions(self.document)]

    def __str__(self) -> str:
        """Return the summary."""
        return "\n".join(self.summary())


def sensitivity(
    design: Design,
    *,
    method: str = "tornado",
    parameters: Sequence[str] = (),
    interval: float = DEFAULT_INTERVAL,
    metric: str = "power",
    scenario: str = "point",
    posterior: Posterior | None = None,
    n: int | None = None,
    trials: int = DEFAULT_TRIALS,
    seed: int = DEFAULT_SEED,
    workers: int = 1,
    chunk: int | None = None,
    name: str = "design",
    posterior_name: str | None = None,
    progress: Progress | None = None,
) -> Sensitivity:
    """Return how far each assumption moves the power of a design.

    Parameters
    ----------
    method : ``tornado``: one assumption at a time, everything else at the base.
    parameters : names to restrict it to; none: every parameter that the design reads and that has
        spread.
    interval : share of a parameter's draws between the two ends it is set to.
    metric : ``power``, or ``type1`` (no arm has any benefit of the drug).
    scenario : the base, a shipped name or path; its replacements hold in every run.
    n : total sample size, in place of the design's.
    trials : replicates of the base and of each end.
    workers, chunk : how the work is split; no result depends on them.

    Raises
    ------
    DesignError, PosteriorError : when the question cannot be asked of the design.
    """
    if method not in METHODS:
        raise DesignError(f"Method '{method}' is not known; choose from {', '.join(METHODS)}.")
    if metric not in METRICS:
        raise DesignError(f"Metric '{metric}' is not known; choose from {', '.join(METRICS)}.")
    if n is not None:
        design = design.with_n(n)
    if design.decision is None:
        raise DesignError(
            "the design has no decision, so no assumption can move its power; add analysis and "
            'decision, such as decision: {success: {probability_of: "ivig > placebo", '
            "above: 0.975}}."
        )
    question = Question(
        design=design,
        truth=_base(scenario, metric),
        posterior=posterior if posterior is not None else load_posterior(),
        parameters=tuple(parameters),
        interval=interval,
        trials=trials,
        seed=seed,
        workers=workers,
        chunk=chunk,
    )
    found = METHODS[method](question, progress if progress is not None else Progress())
    document = header(
        "sensitivity", design, question.posterior, [found.ready], name=name, seed=seed
    )
    document["digest"] = digest([document["digest"], method, metric, interval, found.asked])
    document |= {
        "method": method,
        "metric": metric,
        "scenario": scenario,
        "n": design.sample_size.n,
        "trials": trials,
        "interval": interval,
        "asked": list(parameters) or None,
        "base": found.base,
        "rows": found.rows,
        "not_varied": found.not_varied,
        "control_held": control_held(question, found.rows),
        "not_finished": len(found.asked) - len(found.rows),
        "interrupted": found.interrupted,
    }
    words = ["simtrial", "sensitivity", name, "--method", method]
    words += [] if scenario == "point" else ["--scenario", scenario]
    words += [] if posterior_name is None else ["--posterior", posterior_name]
    words += [word for one in parameters for word in ("--parameter", one)]
    words += ["--interval", f"{interval:.15g}", "--metric", metric]
    words += ["--n", f"{design.sample_size.n}", "--seed", f"{seed}", "--trials", f"{trials}"]
    document["rerun"] = shlex.join(words)
    return Sensitivity(document=document, interrupted=found.interrupted)


def _base(scenario: str, metric: str) -> Scenario:
    """Return the truth of the base: the scenario's replacements about the metric's source."""
    truth = load_patient_scenario(scenario, "a sensitivity analysis")
    source = METRICS[metric]
    if truth.source not in ("point", source):
        raise DesignError(
            f"--scenario {scenario} is from: {truth.source}; {metric} is compared about one row of "
            "parameters, so write from: point, and what the scenario sets."
        )
    return truth.model_copy(update={"source": source})


def _findings(document: dict[str, Any]) -> list[str]:
    base, rows = document["base"], document["rows"]
    metric = document["metric"]
    out = [
        f"Base: {metric} {base['estimate']:.3f} (MCSE {base['mcse']:.4f}, "
        f"R = {base['replicates']:,}) at n = {document['n']}."
    ]
    if rows:
        top = rows[0]
        sides = " and ".join(
            f"{side['change']:+.3f} (paired MCSE {side['change_mcse']:.4f}) at {side['value']:.3g}"
            for side in (top["low"], top["high"])
        )
        out.append(f"Largest: {top['parameter']} ({top['status']}), {sides}.")
    quiet = [row for row in rows if row["indistinguishable_from_zero"]]
    still = [
        row["parameter"]
        for row in quiet
        if not any(row[end][kind] for end in ("low", "high") for kind in ("gained", "lost"))
    ]
    felt = [row["parameter"] for row in quiet if row["parameter"] not in still]
    if felt:
        out.append(f"Indistinguishable from zero (within 1.96 paired MCSE): {', '.join(felt)}.")
    if still:
        out.append(f"Not one trial of {document['trials']:,} changed: {', '.join(still)}.")
    if document["interrupted"]:
        out.append(f"Interrupted: {document['not_finished']} more were not finished.")
    return out


def _conditions(document: dict[str, Any]) -> list[str]:
    tail = 50.0 * (1.0 - document["interval"])
    rows = document["rows"]
    out = [
        f"Each parameter alone is set to the {tail:g} % and {100.0 - tail:g} % quantiles of its "
        "draws, all others at the base; correlation between parameters and their joint effects "
        f"are not in these figures. {2 * len(rows)} comparisons, without correction for their "
        "number."
    ]
    held = document["control_held"]
    if held:
        out.append(
            "The stated control rate is held by solving the improvement without the drug anew, "
            f"among the same {PATIENTS:,} simulated controls (the rate's own Monte Carlo error, "
            f"below 0.002, is not in the paired MCSE, so changes of that order are not resolved): "
            f"{', '.join(held)}."
        )
    sides = [("base", document["base"])] + [
        (f"{row['parameter']} = {row[end]['value']:.3g}", row[end])
        for row in rows
        for end in ("low", "high")
    ]
    for where, side in sides:
        if not side["control_rate_reached"]:
            out.append(
                f"{where}: no background reaches the stated control rate; the nearest is used "
                f"(p_background {side['p_background']:g})."
            )
        if side["failed"]:
            out.append(f"{where}: {side['failed']} trials could not fill; counted as lost.")
    if document["not_varied"]:
        out.append(f"Not varied (fixed): {', '.join(document['not_varied'])}.")
    return out
