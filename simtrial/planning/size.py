"""The smallest sample size that reaches a target, from nested prefixes of common draws.

The first n patients of a simulated trial are the trial of n, so every size meets the same
patients and the whole curve costs one simulation of the largest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from simtrial.core.arguments import MOST_TRIALS, check_effort, instance, number, whole
from simtrial.core.errors import ArgumentError, DesignError
from simtrial.core.provenance import DEFAULT_SEED, canonical_json
from simtrial.operating.background import CONTROL_RATE, SOLVED
from simtrial.operating.characteristics import Metric, scenario_row, success_metric
from simtrial.operating.prepare import Prepared, prepare
from simtrial.operating.replicates import Outcomes, run_all
from simtrial.operating.store import Store
from simtrial.planning.exact_size import exact_size
from simtrial.planning.headers import header
from simtrial.planning.power import (
    DEFAULT_TRIALS,
    Progress,
    default_scenarios,
    no_truth,
    require_decision,
)
from simtrial.planning.results import digests_of, refuse_another
from simtrial.trial.design import AnyDesign, Design, patients_of
from simtrial.trial.outcome_design import OutcomeDesign
from simtrial.trial.outcomes import OutcomeScenario
from simtrial.trial.posterior import Origin, Posterior, load_posterior
from simtrial.trial.scenario import AnyScenario, Source, load_scenario
from simtrial.trial.wording import success_words

MOST_PER_ARM = 1_000
_DURATION_TRIALS = 1_000  # their mean is known to less than half a week
_Z95 = 1.959963984540054
# Patients an arm up to which sizes are looked at, one step after the other. The steps are fixed,
# so that more trials, which may move the answer a little, meet the sizes whose replicates a store
# holds already.
_REACHES = (100, 125, 160, 200, 250, 320, 400, 500, 640, 800)  # and then all
Target = Literal["power", "assurance"]


def size_grid(design: AnyDesign) -> list[int]:
    """Return the total sizes looked at: every 2 per arm to 50 per arm, then steps of 5 %.

    Per arm is the mean over arms; a total is rounded up so that the ratio comes out whole.
    """
    ratio = list(design.allocation.ratio.values()) if design.allocation else [1]
    unit, arms = sum(ratio), len(ratio)
    per_arm = list(range(2, 51, 2))
    while per_arm[-1] < MOST_PER_ARM:
        per_arm.append(min(MOST_PER_ARM, round(per_arm[-1] * 1.05)))
    sizes = sorted({math.ceil(m * arms / unit) * unit for m in per_arm})
    if not isinstance(design, Design):
        return sizes
    # beyond what sites and subtypes may take, no trial is ever full
    most = design.accrual.largest_n(design.population.subtypes)
    if most is None:
        return sizes
    # the largest that they can fill is looked at too, between the steps of the grid
    return sorted({n for n in sizes if n <= most} | {most // unit * unit} - {0})


@dataclass(frozen=True, kw_only=True)
class SampleSize:
    """The smallest n, its uncertainty, and both curves."""

    document: dict[str, Any]
    interrupted: bool

    @property
    def n(self) -> int | None:
        """The smallest total sample size, or None when the target is out of reach."""
        found: int | None = self.document["n"]
        return found

    def to_json(self) -> str:
        """Return the result as one JSON text; equal runs give equal bytes."""
        return canonical_json(self.document)

    def table(self) -> Any:
        """Return a pandas data frame: n, power and assurance with their errors."""
        import pandas as pd

        return pd.json_normalize(self.document["curve"])

    def summary(self) -> list[str]:
        """Return the answer, and the sentence for a protocol."""
        return [self.document["answer"], self.document["protocol_sentence"]]

    def __str__(self) -> str:
        """Return the summary."""
        return "\n".join(self.summary())


def smallest(curve: Sequence[Metric], target: float) -> int | None:
    """Return the position of the smallest size whose target holds there and at every larger one."""
    found = None
    for i in range(len(curve) - 1, -1, -1):
        if curve[i].estimate < target:
            break
        found = i
    return found


def _curve(outcomes: Outcomes, prepared: Prepared) -> list[Metric]:
    return [
        success_metric(outcomes.success[:, g] & outcomes.complete, prepared.rows, prepared.row_ess)
        for g in range(outcomes.success.shape[1])
    ]


def _reach(grid: Sequence[int], arms: int, per_arm: float) -> int:
    """Return how many of the grid's sizes are looked at to reach some patients an arm or more."""
    step = next((reach for reach in _REACHES if reach >= per_arm), None)
    return len(grid) if step is None else max(1, sum(1 for n in grid if n <= step * arms))


def size(
    design: AnyDesign,
    *,
    power: float | None = None,
    assurance: float | None = None,
    posterior: Posterior | None = None,
    scenario: str | None = None,
    trials: int = DEFAULT_TRIALS,
    seed: int = DEFAULT_SEED,
    workers: int = 1,
    chunk: int | None = None,
    name: str = "design",
    posterior_name: str | None = None,
    progress: Progress | None = None,
    store: Store | None = None,
) -> SampleSize:
    """Return the smallest total n whose target holds at it and at every larger n looked at.

    Parameters
    ----------
    power, assurance : the target, one of them; power 0.80 at the point unless told otherwise.
    scenario : a file or shipped name whose replacements hold in both curves; or a truth of
        outcomes alone, under which the one curve is exact.
    trials : replicates of each curve.
    workers, chunk : how the work is split; no result depends on them.
    store : a folder in which replicates are kept: those it holds are read, new ones are added.

    Raises
    ------
    ArgumentError : when an argument is outside what it is defined for.
    DesignError, PosteriorError : when the design cannot be sized.
    StoreError : when the store's folder cannot be used or holds the sample size of something else.
    """
    instance("design", design, (Design, OutcomeDesign), "load_design('dm_ivig_16w')")
    if power is not None and assurance is not None:
        rule = f"power is {power!r} too, and a target is one of power and assurance, not both"
        raise ArgumentError("assurance", assurance, rule, f"{assurance:g}, without power")
    goal: Target = "assurance" if assurance is not None else "power"
    target = assurance if assurance is not None else (0.80 if power is None else power)
    number(goal, target, 0.0, 1.0, example=0.8, open_ends=True)
    trials = whole("trials", trials, 1, MOST_TRIALS, example=DEFAULT_TRIALS)
    check_effort(seed=seed, workers=workers, chunk=chunk)
    if posterior is not None:
        instance("posterior", posterior, Posterior, "load_posterior('my_posterior.npz')")
    require_decision(design)
    base = _base(design, scenario)
    report = progress if progress is not None else Progress()
    if isinstance(base, OutcomeScenario):
        label = scenario or default_scenarios(design)[0]
        if store is not None:
            asked = digests_of(design, None, [base.digest()])
            refuse_another(store.folder / "size.json", asked, seed)
        document, stopped = exact_size(
            design,
            base,
            label,
            goal=goal,
            target=target,
            grid=size_grid(design),
            name=name,
            seed=seed,
            start=report.start,
        )
        return SampleSize(document=document, interrupted=stopped)
    design = patients_of(design, "a scenario of patients")
    if not base.has_drug_effect:
        raise DesignError(
            f"{base.where('from')} is '{base.source}', under which no size shows a benefit; size "
            "takes from: point or from: posterior, for what the scenario sets; for example "
            "from: point."
        )
    held = posterior if posterior is not None else load_posterior()
    if store is not None:
        truth = base.model_copy(update={"source": "point"}).digest()
        refuse_another(store.folder / "size.json", digests_of(design, held, [truth]), seed)
    grid = size_grid(design)
    arms = len(design.arms)
    sources: dict[Target, Source] = {"power": "point", "assurance": "posterior"}
    prepared = {
        kind: prepare(
            design.with_n(grid[-1]),
            base.model_copy(update={"source": source}),
            held,
            workers=workers,
            start=report.start,
        )
        for kind, source in sources.items()
    }

    def look(kind: Target, count: int) -> tuple[Outcomes, bool]:
        advance = report.start(f"{kind} to n = {grid[count - 1]}", trials)
        run = run_all(
            prepared[kind],
            seed=seed,
            trials=trials,
            sizes=grid[:count],
            workers=workers,
            chunk=chunk,
            advance=advance,
            store=store,
        )
        report.finish()
        return run.outcomes, run.interrupted

    # the target's own curve decides how far to look: to at least twice the answer, since a
    # larger n below the target would move it
    count = _reach(grid, arms, _REACHES[0])
    while True:
        outcomes, interrupted = look(goal, count)
        curve = _curve(outcomes, prepared[goal])
        at = smallest(curve, target)
        settled = at is not None and grid[count - 1] >= min(2 * grid[at], grid[-1])
        if settled or interrupted or count == len(grid):
            break
        farther = (2.0 * grid[count - 1] if at is None else 2.1 * grid[at]) / arms
        count = max(count + 1, _reach(grid, arms, farther))
    other: Target = "assurance" if goal == "power" else "power"
    curves = {goal: curve}
    last = {goal: outcomes}
    if not interrupted:
        try:
            second, interrupted = look(other, count)
        except KeyboardInterrupt:
            interrupted = True  # the first curve stands
        else:
            last[other] = second
            curves[other] = _curve(second, prepared[other])
    document = header("size", design, held, [prepared["power"]], name=name, seed=seed)
    document["trials"] = trials
    rows = {kind: scenario_row(prepared[kind], last[kind], sources[kind]) for kind in curves}
    document |= _answer(design, grid[:count], curves, goal, target, prepared, rows)
    document["scenarios"] = list(rows.values())
    document["at_n"] = None
    if document["n"] is not None and not interrupted:
        document["at_n"] = _at_answer(
            prepared["power"], document["n"], trials=trials, seed=seed, workers=workers
        )
        interrupted = document["at_n"] is None
    document["interrupted"] = interrupted
    flags = f" --scenario {scenario}" if scenario else ""
    flags += f" --posterior {posterior_name}" if posterior_name else ""
    document["rerun"] = (
        f"simtrial size {name} --{goal} {target:g}{flags} --seed {seed} --trials {trials}"
    )
    return SampleSize(document=document, interrupted=interrupted)


def _base(design: AnyDesign, scenario: str | None) -> AnyScenario:
    """Return the truth that a design is sized under."""
    if scenario is not None:
        return load_scenario(scenario)
    if isinstance(design, Design):
        return load_scenario("point")
    usual = default_scenarios(design)
    if not usual:
        raise no_truth(design)
    return load_scenario(usual[0])


def _at_answer(
    prepared: Prepared, n: int, *, trials: int, seed: int, workers: int
) -> dict[str, Any] | None:
    """Return how long a trial of the size found takes, and how many it screens.

    The curves keep both at their largest size only. None when interrupted.
    """
    few = min(trials, _DURATION_TRIALS)
    try:
        run = run_all(prepared, seed=seed, trials=few, sizes=[n], workers=workers)
    except KeyboardInterrupt:
        return None
    if run.interrupted:
        return None
    metrics = scenario_row(prepared, run.outcomes, "point")["metrics"]
    wanted = ("duration_weeks", "screened")
    return {"n": n} | {name: metrics.get(name) for name in wanted}


def _answer(
    design: Design,
    grid: Sequence[int],
    curves: Mapping[Target, list[Metric]],
    goal: Target,
    target: float,
    prepared: Mapping[Target, Prepared],
    rows: Mapping[Target, Mapping[str, Any]],
) -> dict[str, Any]:
    curve = curves[goal]
    at = smallest(curve, target)
    near = [
        n for n, m in zip(grid, curve, strict=True) if abs(m.estimate - target) <= _Z95 * m.mcse
    ]
    if at is not None:
        near = sorted({*near, grid[at]})
    points = [
        {"n": n, **{kind: values[i].as_json() for kind, values in curves.items()}}
        for i, n in enumerate(grid)
    ]
    out: dict[str, Any] = {
        "target": {"metric": goal, "value": target},
        "n": None if at is None else grid[at],
        "n_interval": [near[0], near[-1]] if near else None,
        "n_below": grid[at - 1] if at else None,  # the size looked at before it; between, none was
        "curve": points,
    }
    if at is None:
        limit = curve[-1]
        out["limit"] = limit.as_json()
        out["answer"] = (
            f"{goal.capitalize()} {target:g} is not reached: at the largest n looked at, "
            f"{grid[-1]}, it is {limit.words()}. {_why(prepared, goal)}"
        )
        out["protocol_sentence"] = ""
        return out
    reached = ", ".join(f"{kind} {values[at].words()}" for kind, values in curves.items())
    out["answer"] = f"n = {grid[at]} in total ({design.title}): {reached}."
    origins = prepared["power"].origins
    out["protocol_sentence"] = _sentence(design, grid[at], curves, at, rows, origins)
    return out


def _why(prepared: Mapping[Target, Prepared], goal: Target) -> str:
    """Return why a target may be out of reach: how many rows hold hardly any benefit."""
    if goal == "power":
        return "The response of the two arms differs too little at the point."
    table = prepared["assurance"].table
    mix = np.diff(table.subtype_upto, prepend=0.0)
    gain: NDArray[np.float64] = (table.p_response @ mix) * (1.0 - table.p_background)
    share = float((gain < 0.05).mean())
    return (
        f"In {100 * share:.1f} % of the posterior's rows fewer than 1 patient in 20 can benefit "
        "over the control arm, and no size shows what is not there."
    )


def _sentence(
    design: Design,
    n: int,
    curves: Mapping[Target, list[Metric]],
    at: int,
    rows: Mapping[Target, Mapping[str, Any]],
    origins: Mapping[str, Origin],
) -> str:
    """Return the sentence for a protocol: each probability with the truth it was computed under."""
    if design.decision is None:
        return ""
    rule = design.decision.success
    better, other = rule.arms()
    out = (
        f"With {n} patients in total{_looked_at(design, n)}, success is {success_words(design)} "
        f"in the chance of {design.endpoint.words()}"
        f"{_counting(design)}."
    )
    if "power" in curves:
        metric, rates = curves["power"][at], rows["power"]["rates"]
        out += (
            f" If {100 * rates[other]:.0f} % respond under {other} and {100 * rates[better]:.0f} % "
            f"under {better}, as simulated at the medians of all parameters"
            f"{_replaced(rows['power']['replaced'])}, its probability is "
            f"{100 * metric.estimate:.1f} % (Monte Carlo standard error {100 * metric.mcse:.1f} %)."
        )
    if "assurance" in curves:
        metric = curves["assurance"][at]
        out += (
            f" Over the uncertainty of the {'other ' if rows['assurance']['replaced'] else ''}"
            "parameters, the response of the control arm included, it is "
            f"{100 * metric.estimate:.1f} % (Monte Carlo standard error "
            f"{100 * metric.mcse:.1f} %)."
        )
    return f"{out} {_standing(origins)}"


def _looked_at(design: Design, n: int) -> str:
    """Return at how many patients the trial is analysed, where it is more than once."""
    sizes = design.look_sizes(n)
    if len(sizes) == 1:
        return ""
    return f", analysed at {', '.join(map(str, sizes[:-1]))} and {sizes[-1]} of them"


def _replaced(replaced: Sequence[Mapping[str, Any]]) -> str:
    """Return what the scenario sets in place of a median; nothing where it sets nothing."""
    if not replaced:
        return ""
    sets = ", ".join(
        f"{r['parameter']} = {r['value']:g}"
        if r["value"] is not None
        else f"{r['parameter']} x {r['times']:g}"
        for r in replaced
    )
    return f" but for {sets}"


def _standing(origins: Mapping[str, Origin]) -> str:
    """Return what the two inputs that weigh most and that trials seldom measure rest on."""
    groups = {
        "control response": (CONTROL_RATE, SOLVED),
        "measurement error": ("sd_change.", "noise_"),
    }
    by_status: dict[str, list[str]] = {}
    for words, names in groups.items():
        found = sorted({o.status for name, o in origins.items() if name.startswith(names)})
        status = found[0] if len(found) == 1 else f"in part {' and in part '.join(found)}"
        by_status.setdefault(status, []).append(f"the {words}")
    clauses = [
        f"{' and '.join(which)} {'is' if len(which) == 1 else 'are'} {status}"
        for status, which in by_status.items()
    ]
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}; the table of inputs names the status and source of each."


def _counting(design: Design) -> str:
    if design.endpoint.at_week is not None:
        return ", intercurrent events by then counting as no response"
    return ", a response counting when no intercurrent event came before it"
