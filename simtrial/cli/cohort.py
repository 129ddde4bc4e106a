"""The command ``simtrial cohort``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from simtrial.cli.console import BarProgress, all_cores, finish, output_folder, say
from simtrial.cli.options import DesignName, Json, PosteriorFile, Quiet, Seed, Workers
from simtrial.core.provenance import DEFAULT_SEED, canonical_json


def cohort(
    design: DesignName,
    out: Annotated[Path, typer.Option(help="folder for the tables and figures")],
    scenario: Annotated[str, typer.Option(help="shipped name or file of the truth")] = "point",
    trials: Annotated[int, typer.Option(min=1, help="simulated trials")] = 1,
    n: Annotated[int | None, typer.Option(min=2, help="total sample size")] = None,
    engine: Annotated[
        Literal["compiled", "reference"], typer.Option(help="the quick one, or the SimPy one")
    ] = "compiled",
    tables: Annotated[
        Literal["plain", "adam"],
        typer.Option(help="a row a patient, a visit, an event; or data sets in the shape of ADaM"),
    ] = "plain",
    file_format: Annotated[
        Literal["parquet", "csv"], typer.Option("--format", help="how tables are written")
    ] = "parquet",
    cut_week: Annotated[
        float | None,
        typer.Option(min=0, help="as seen so many weeks after the first site opened"),
    ] = None,
    show: Annotated[int, typer.Option(min=0, help="the trial to draw, counted from 0")] = 0,
    truth: Annotated[
        bool, typer.Option("--truth", help="also tables of what nobody in a trial can see")
    ] = False,
    seed: Seed = DEFAULT_SEED,
    workers: Workers = None,
    posterior: PosteriorFile = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write synthetic patients as tables, and one trial in pictures."""
    from simtrial.report.cohort_files import check_folder, check_show, save_cohort
    from simtrial.report.synthetic import check_amount, check_cut, identity, simulate
    from simtrial.trial.design import load_patient_design
    from simtrial.trial.posterior import load_posterior
    from simtrial.trial.scenario import load_patient_scenario

    started = time.perf_counter()
    spec = load_patient_design(design, "a table of patients")
    held, told = load_posterior(posterior), load_patient_scenario(scenario, "a table of patients")
    sized = spec if n is None else spec.with_n(n)
    # refuse before the work what would be refused after it
    check_amount(sized, trials)
    check_cut(cut_week)
    check_show(show, trials)
    check_folder(out, identity(sized, told, held, seed=seed, trials=trials, cut_week=cut_week))
    output_folder(out)
    bars = BarProgress(quiet=quiet)
    try:
        found = simulate(
            sized,
            scenario=scenario,
            posterior=held,
            trials=trials,
            cut_week=cut_week,
            seed=seed,
            workers=workers or all_cores(),
            engine=engine,
            name=design,
            posterior_name=None if posterior is None else str(posterior),
            progress=bars,
        )
        document, paths = save_cohort(
            found.source,
            found.document,
            out,
            tables=tables,
            file_format=file_format,
            truth=truth,
            show=show,
            progress=bars,
        )
    finally:
        bars.close()
    if json:
        say(canonical_json(document))
    else:
        say(document["title"] + "\n")
        say("\n".join(found.summary()) + "\n")
        for path in paths:
            say(f"Written: {path}")
        say(f"\nRun again: {document['rerun']}")
    finish(False, started, quiet)
