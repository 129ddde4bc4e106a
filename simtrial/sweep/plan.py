"""A sweep as written: designs × scenarios, expanded in a fixed order into jobs with names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from simtrial.core.config import FieldFault, Located, Spec, validate
from simtrial.core.errors import DesignError
from simtrial.core.provenance import content_digest, digest
from simtrial.operating.store import origin_of_code
from simtrial.planning.power import DEFAULT_TRIALS
from simtrial.trial.design import AnyDesign, load_design
from simtrial.trial.posterior import Posterior
from simtrial.trial.scenario import (
    AnyScenario,
    Replacement,
    Scenario,
    Source,
    as_replacement,
    check_replacements,
    load_scenario,
)
from simtrial.trial.shipped import locate, shipped_names


def _as_list(value: object) -> object:
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


Sizes = Annotated[tuple[int, ...], Field(strict=False, min_length=1), BeforeValidator(_as_list)]


class DesignEntry(Spec):
    """A design by name or path, at its own sample size or at some others."""

    design: str = Field(min_length=1, examples=["dm_ivig_16w"])
    n: Sizes | None = Field(default=None, examples=["[60, 94]"])


class ScenarioEntry(Spec):
    """A scenario by name or path, or written out with ``from`` and ``set`` under a name."""

    scenario: str | None = Field(default=None, min_length=1, examples=["point"])
    name: str | None = Field(default=None, min_length=1, examples=["slow accrual"])
    source: Source | None = Field(default=None, alias="from", examples=["point"])
    set: dict[str, Annotated[Replacement, BeforeValidator(as_replacement)]] = {}
    exposure: Literal["max", "sum"] = Field(default="max", examples=["sum"])

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.scenario is None) == (self.source is None):
            raise FieldFault("scenario", "write scenario: with a name or path, or from: and set:")
        if self.scenario is not None and self.set:
            raise FieldFault("set", "it goes with from:, not with scenario:")
        if self.scenario is not None and self.exposure != "max":
            raise FieldFault("exposure", "it goes with from:, not with scenario:")
        if self.source is not None and self.name is None:
            raise FieldFault("name", "a scenario that is written out needs a name")
        return self


def _named(key: str) -> BeforeValidator:
    """Return what reads a bare name as ``{key: name}``."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str) else value)


class Sweep(Spec):
    """Every design at every n meets every scenario: designs first, then n, then scenarios."""

    designs: Annotated[
        tuple[Annotated[DesignEntry, _named("design")], ...], Field(strict=False)
    ] = Field(min_length=1, examples=["[dm_ivig_16w]"])
    scenarios: Annotated[
        tuple[Annotated[ScenarioEntry, _named("scenario")], ...], Field(strict=False)
    ] = Field(min_length=1, examples=["[point, identical_arms]"])
    trials: int = Field(default=DEFAULT_TRIALS, ge=1, le=4_000_000, examples=["10000"])


@dataclass(frozen=True, kw_only=True)
class Job:
    """One design at one n under one scenario."""

    name: str
    design_name: str
    design: AnyDesign
    scenario_name: str
    scenario: AnyScenario

    def identity(self, posterior_digest: str, *, seed: int, trials: int) -> str:
        """Return the digest that names the job's result."""
        return digest(
            [
                origin_of_code(),
                self.design.digest(),
                self.scenario.digest(),
                posterior_digest,
                seed,
                trials,
            ]
        )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The jobs of a sweep in their order, and the posterior, seed and trials of all of them."""

    jobs: tuple[Job, ...]
    posterior: Posterior
    seed: int
    trials: int

    def identities(self) -> list[str]:
        """Return the digest that names each job's result."""
        content = content_digest(self.posterior)
        return [job.identity(content, seed=self.seed, trials=self.trials) for job in self.jobs]


def load_plan(
    name_or_path: str, posterior: Posterior, *, seed: int, trials: int | None = None
) -> Plan:
    """Return the jobs of a sweep's YAML file, or of a shipped sweep.

    Paths in the file count from its folder. ``trials`` goes before the file's own.

    Raises
    ------
    DesignError : with file, line, field, value, rule and a correct example.
    """
    located = locate(name_or_path, "sweeps")
    sweep = validate(Sweep, located)
    shipped = name_or_path in shipped_names("sweeps")
    folder = Path() if shipped else Path(name_or_path).parent
    designs = _designs(sweep, located, folder)
    scenarios = [_scenario(entry, located, i, folder) for i, entry in enumerate(sweep.scenarios)]
    jobs = [
        Job(
            name=f"{design_name} n={design.sample_size.n} {scenario_name}",
            design_name=design_name,
            design=design,
            scenario_name=scenario_name,
            scenario=scenario,
        )
        for design_name, design in designs
        for scenario_name, scenario in scenarios
    ]
    _refuse_twins(jobs, located)
    return Plan(
        jobs=tuple(jobs),
        posterior=posterior,
        seed=seed,
        trials=sweep.trials if trials is None else trials,
    )


def _place(name: str, folder: Path, kind: str) -> str | Path:
    return name if name in shipped_names(kind) else folder / name


def _designs(sweep: Sweep, located: Located, folder: Path) -> list[tuple[str, AnyDesign]]:
    out: list[tuple[str, AnyDesign]] = []
    for i, entry in enumerate(sweep.designs):
        design = _found(
            located, ("designs", i), load_design, _place(entry.design, folder, "designs")
        )
        if entry.n is None:
            out.append((entry.design, design))
            continue
        for n in entry.n:
            try:
                out.append((entry.design, design.with_n(n)))
            except DesignError as problem:
                raise DesignError(
                    f"{located.where(('designs', i, 'n'))} holds {n}: {problem}"
                ) from None
    return out


def _scenario(
    entry: ScenarioEntry, located: Located, index: int, folder: Path
) -> tuple[str, AnyScenario]:
    if entry.scenario is not None:
        place = _place(entry.scenario, folder, "scenarios")
        scenario = _found(located, ("scenarios", index), load_scenario, place)
        return entry.name or entry.scenario, scenario
    written = {
        "from": entry.source,
        "set": {k: v.model_dump() for k, v in entry.set.items()},
        "exposure": entry.exposure,
    }
    here = ("scenarios", index)
    lines = {path[2:]: line for path, line in located.lines.items() if path[:2] == here}
    inside = Located(data=written, source=located.source, lines=lines)
    scenario = validate(Scenario, inside)
    check_replacements(scenario)
    return entry.name or "", scenario


def _found(located: Located, path: Sequence[str | int], load: Any, place: str | Path) -> Any:
    """Return what a name or path stands for; where it stands in the sweep goes before a fault."""
    try:
        return load(place)
    except DesignError as problem:
        raise DesignError(f"{located.where(path)}: {problem}") from None


def _refuse_twins(jobs: Sequence[Job], located: Located) -> None:
    seen: set[str] = set()
    for job in jobs:
        if job.name in seen:
            raise DesignError(
                f"{located.source}: two jobs are called '{job.name}'; write each n once, and give "
                "scenarios different names, such as {name: high response, scenario: point}."
            )
        seen.add(job.name)
