"""Synthetic patients of a design: simulated, kept, handed out as data frames, files and figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simtrial.cohort.truth import Cohort
from simtrial.core.errors import DesignError
from simtrial.core.provenance import DEFAULT_SEED, canonical_json, digest, version
from simtrial.core.units import minutes_from_weeks
from simtrial.operating.characteristics import assumptions
from simtrial.operating.cohorts import cut_cohort, run_cohort
from simtrial.operating.prepare import prepare
from simtrial.operating.replicates import Engine
from simtrial.planning.power import Progress
from simtrial.report.adam.datasets import adam_tables
from simtrial.report.adam.define import dictionary_rows, schema_of
from simtrial.report.adam.files import refuse_faults
from simtrial.report.cohort_files import save_cohort
from simtrial.report.cohort_summary import counts_of, summary_of
from simtrial.report.columns import dictionary
from simtrial.report.happenings import EVENTS
from simtrial.report.patients import Source, table_of
from simtrial.report.pictures import draw
from simtrial.trial.design import AnyDesign, Design, patients_of
from simtrial.trial.posterior import Posterior, load_posterior
from simtrial.trial.scenario import Scenario, load_patient_scenario

_LATEST_CUT_WEEK = 1_000_000
MOST_PATIENTS = 2_000_000
MOST_VISITS = 10_000_000  # planned; both together keep a cohort within a few gigabytes


@dataclass(frozen=True, kw_only=True)
class SyntheticCohort:
    """Simulated trials with every patient. ``patients`` and the like hold what a trial observes."""

    design: Design
    cohort: Cohort
    document: dict[str, Any]
    cut_minute: int | None = None

    @property
    def source(self) -> Source:
        """What the tables are made from."""
        return Source(cohort=self.cohort, design=self.design, cut_minute=self.cut_minute)

    def patients(self) -> Any:
        """Return a pandas data frame with a row a randomised patient."""
        return _frame(table_of("patients", self.source))

    def visits(self) -> Any:
        """Return a pandas data frame with a row an attended visit."""
        return _frame(table_of("visits", self.source))

    def events(self) -> Any:
        """Return a pandas data frame with a row an event, in order of time within a patient."""
        return _frame(table_of("events", self.source))

    def screening(self) -> Any:
        """Return a pandas data frame with a row a trial: who was screened and who failed."""
        return _frame(table_of("screening", self.source))

    def truth(self) -> Any:
        """Return a pandas data frame of what nobody in a trial can see, a row a patient."""
        return _frame(table_of("truth", self.source))

    def truth_visits(self) -> Any:
        """Return a pandas data frame of the benefits behind each attended visit."""
        return _frame(table_of("truth_visits", self.source))

    def adam(self) -> dict[str, Any]:
        """Return the ADaM-shaped data sets as pandas data frames by name, such as ``ADSL``.

        Raises
        ------
        ResultError : when they break their own schema.
        """
        source = self.source
        found = adam_tables(source)
        refuse_faults(found, schema_of(source.design, source.study))
        return {name: _frame(table) for name, table in found.items()}

    def define(self) -> Any:
        """Return a pandas data frame that explains every variable of the ADaM-shaped data sets."""
        import pandas as pd

        return pd.DataFrame(dictionary_rows(self.design, self.source.study))

    def table(self) -> Any:
        """Return the patients."""
        return self.patients()

    def columns(self) -> Any:
        """Return a pandas data frame that explains every column of every table."""
        import pandas as pd

        return pd.DataFrame(dictionary(self.design, events=EVENTS, truth=True))

    def summary(self) -> list[str]:
        """Return the cohort in sentences."""
        return summary_of(self.document)

    def plot(self, kind: str = "swimmer", *, trial: int | None = None) -> Any:
        """Return a matplotlib figure.

        Parameters
        ----------
        kind : flow, accrual, swimmer, trajectories, quartiles, waterfall,
            prednisolone.
        trial : which trial; none means all of them together where the picture can show that
            (trajectories, quartiles, prednisolone), and the first elsewhere.

        Raises
        ------
        DesignError : for another kind, or a trial that was not simulated.
        """
        return draw(kind, self.cohort, self.design, trial, cut_minute=self.cut_minute)

    def save(
        self,
        folder: str | Path,
        *,
        tables: str = "plain",
        file_format: str = "parquet",
        truth: bool = False,
        show: int = 0,
    ) -> list[Path]:
        """Write tables, their dictionary and the figures of trial ``show``; return the paths.

        Parameters
        ----------
        tables : ``plain`` (a row a patient, a visit, an event) or ``adam`` (the shape of ADaM).
        file_format : ``parquet`` or ``csv``.
        truth : also tables of what nobody in a trial can see.

        Raises
        ------
        DesignError : when the folder holds other patients; nothing is written.
        """
        _, paths = save_cohort(
            self.source,
            self.document,
            Path(folder),
            tables=tables,
            file_format=file_format,
            truth=truth,
            show=show,
        )
        return paths

    def to_json(self) -> str:
        """Return what was simulated as one JSON text; equal runs give equal bytes."""
        return canonical_json(self.document)

    def __str__(self) -> str:
        """Return the summary."""
        return "\n".join(self.summary())


_WHAT = "a table of patients"


def simulate(
    design: AnyDesign,
    *,
    scenario: str | Scenario = "point",
    posterior: Posterior | None = None,
    n: int | None = None,
    trials: int = 1,
    cut_week: float | None = None,
    seed: int = DEFAULT_SEED,
    workers: int = 1,
    engine: Engine = "compiled",
    name: str = "design",
    posterior_name: str | None = None,
    progress: Progress | None = None,
) -> SyntheticCohort:
    """Return the patients of simulated trials under one scenario.

    Parameters
    ----------
    scenario : a shipped name, a file, or a scenario; under ``posterior`` trial r takes row r.
    n : total sample size instead of the design's.
    trials : how many trials; their patients are those that ``power`` counts under the same seed.
    cut_week : what can be seen so many weeks after the first site opened; none means to the end.
    name, posterior_name : how the design and the posterior are called in the line that reruns.

    Raises
    ------
    DesignError, PosteriorError : as ``power``; also when more patients are asked for than a
        table should hold.
    """
    sized = patients_of(design, _WHAT) if n is None else patients_of(design, _WHAT).with_n(n)
    check_amount(sized, trials)
    check_cut(cut_week)
    held = posterior if posterior is not None else load_posterior()
    truth = load_patient_scenario(scenario, _WHAT) if isinstance(scenario, str) else scenario
    label = scenario if isinstance(scenario, str) else truth.source
    # a scenario made in a script has no name under which the command would find it again
    named = label if isinstance(scenario, str) or not truth.set else "FILE"
    report = progress if progress is not None else Progress()
    prepared = prepare(sized, truth, held, workers=workers, start=report.start)
    cohort = run_cohort(
        prepared,
        seed=seed,
        trials=trials,
        workers=workers,
        engine=engine,
        advance=report.start("trials", trials),
    )
    report.finish()
    cut_minute = None if cut_week is None else minutes_from_weeks(cut_week)
    if cut_minute is not None:
        cohort = cut_cohort(cohort, cut_minute, prepared.protocol)
    chosen = f" --posterior {posterior_name}" if posterior_name else ""
    # every digit: another minute is another cut
    cutting = "" if cut_week is None else f" --cut-week {float(cut_week)!r}"
    document = {
        **identity(sized, truth, held, seed=seed, trials=trials, cut_week=cut_week),
        "command": "cohort",
        "design": name,
        "title": sized.title,
        "endpoint": sized.endpoint.words(),
        "scenario": label,
        "replaced": [
            {"parameter": parameter, **new.model_dump(mode="json")}
            for parameter, new in truth.replacements().items()
        ],
        **({"exposure": "sum"} if truth.exposure == "sum" else {}),
        "assumptions": assumptions(prepared),
        "posterior": held.provenance.get("digest", ""),
        "posterior_rows": prepared.rows,
        **counts_of(cohort, sized),
        "rerun": f"simtrial cohort {name} --scenario {named}{chosen} --n {sized.sample_size.n} "
        f"--trials {trials}{cutting} --seed {seed} --out DIR",
    }
    return SyntheticCohort(design=sized, cohort=cohort, document=document, cut_minute=cut_minute)


def identity(
    design: Design,
    scenario: Scenario,
    posterior: Posterior,
    *,
    seed: int,
    trials: int,
    cut_week: float | None = None,
) -> dict[str, Any]:
    """Return what decides every number of a cohort."""
    parts = [design.digest(), posterior.provenance.get("digest", ""), scenario.digest()]
    return {
        "simtrial": version(),
        "digest": digest(parts),
        "seed": seed,
        "trials": trials,
        "n": design.sample_size.n,
        "cut_week": None if cut_week is None else float(cut_week),
    }


def check_cut(cut_week: float | None) -> None:
    """Refuse a cut that is no time.

    Raises
    ------
    DesignError
    """
    if cut_week is not None and not 0.0 <= cut_week <= _LATEST_CUT_WEEK:
        raise DesignError(
            f"cut_week is {cut_week:g}; it counts weeks since the first site opened, from 0 to "
            f"{_LATEST_CUT_WEEK:,}; write one such as 52, or leave it out for the whole trial."
        )


def check_amount(design: Design, trials: int) -> None:
    """Refuse more patients or visits than a table should hold.

    Raises
    ------
    DesignError
    """
    n, visits = design.sample_size.n, len(design.visits_weeks)
    if trials * n <= MOST_PATIENTS and trials * n * visits <= MOST_VISITS:
        return
    most = min(MOST_PATIENTS // n, MOST_VISITS // (n * visits))
    raise DesignError(
        f"trials is {trials}; with n = {n} and {visits} visits that is {trials * n:,} patients and "
        f"{trials * n * visits:,} visits. A cohort holds at most {MOST_PATIENTS:,} patients and "
        f"{MOST_VISITS:,} planned visits: write at most {most} trials, or count many trials with "
        "simtrial power."
    )


def _frame(table: Any) -> Any:
    """Return a pandas data frame whose whole numbers stay whole where values are missing."""
    import pandas as pd
    import pyarrow as pa

    types = {
        pa.int64(): pd.Int64Dtype(),
        pa.int8(): pd.Int8Dtype(),
        pa.float64(): pd.Float64Dtype(),
    }
    return table.to_pandas(types_mapper=types.get)
