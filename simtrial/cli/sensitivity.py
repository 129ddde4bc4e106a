"""The command ``simtrial sensitivity``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from simtrial.cli.console import BarProgress, all_cores, finish, output_folder, say, write_whole
from simtrial.cli.options import (
    Chunk,
    DesignName,
    Json,
    PosteriorFile,
    Quiet,
    Seed,
    Trials,
    Workers,
)
from simtrial.core.provenance import DEFAULT_SEED


def sensitivity(
    design: DesignName,
    method: Annotated[str, typer.Option(help="tornado: one assumption at a time")] = "tornado",
    parameter: Annotated[
        list[str] | None,
        typer.Option(help="only this one; may be given again; default all that vary"),
    ] = None,
    interval: Annotated[
        float, typer.Option(help="share of a parameter's draws between its two ends")
    ] = 0.9,
    metric: Annotated[str, typer.Option(help="power, or type1 (identical arms)")] = "power",
    scenario: Annotated[str, typer.Option(help="the base: a shipped name or a file")] = "point",
    n: Annotated[int | None, typer.Option(min=2, help="total sample size")] = None,
    trials: Trials = 10_000,
    seed: Seed = DEFAULT_SEED,
    workers: Workers = None,
    chunk: Chunk = None,
    posterior: PosteriorFile = None,
    out: Annotated[
        Path | None, typer.Option(help="folder for the JSON, the CSV and the figure")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show which assumptions move the power, and by how much."""
    from simtrial.planning.sensitivity import sensitivity as find_sensitivity
    from simtrial.report.tornado import save_figure, tornado_table
    from simtrial.trial.design import load_patient_design
    from simtrial.trial.posterior import load_posterior

    started = time.perf_counter()
    spec = load_patient_design(design, "a sensitivity analysis")
    held = load_posterior(posterior)
    folder = output_folder(out)
    bars = BarProgress(quiet=quiet)
    try:
        found = find_sensitivity(
            spec,
            method=method,
            parameters=tuple(parameter or ()),
            interval=interval,
            metric=metric,
            scenario=scenario,
            posterior=held,
            n=n,
            trials=trials,
            seed=seed,
            workers=workers or all_cores(),
            chunk=chunk,
            name=design,
            posterior_name=None if posterior is None else str(posterior),
            progress=bars,
        )
    finally:
        bars.close()
    document = found.document
    paths = []
    if folder is not None:
        paths = [folder / "sensitivity.json", folder / "sensitivity.csv"]
        write_whole(paths[0], found.to_json() + "\n")
        write_whole(paths[1], found.table().to_csv(index=False, lineterminator="\n"))
        paths += save_figure(document, folder)
    if json:
        say(found.to_json())
    else:
        say(document["title"] + "\n")
        say(tornado_table(document) + "\n")
        say("\n".join(found.summary()))
        say(f"\nRun again: {document['rerun']}")
        for path in paths:
            say(f"Written: {path}")
    finish(found.interrupted, started, quiet)
