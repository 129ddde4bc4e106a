"""The command ``simtrial power``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from simtrial.cli.console import (
    BarProgress,
    all_cores,
    finish,
    note_store,
    open_store,
    output_folder,
    say,
    write_whole,
)
from simtrial.cli.options import Chunk, DesignName, Json, PosteriorFile, Quiet, Seed, Workers
from simtrial.core.provenance import DEFAULT_SEED


def power(
    design: DesignName,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            help="shipped name or file; may be given again; default point, "
            "identical_arms and posterior"
        ),
    ] = None,
    n: Annotated[int | None, typer.Option(min=2, help="total sample size")] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, max=4_000_000, help="trials a scenario (default 10000)")
    ] = None,
    mcse: Annotated[
        float | None, typer.Option(help="standard error that decides how many trials")
    ] = None,
    engine: Annotated[
        Literal["compiled", "reference"], typer.Option(help="the quick one, or the SimPy one")
    ] = "compiled",
    seed: Seed = DEFAULT_SEED,
    workers: Workers = None,
    chunk: Chunk = None,
    posterior: PosteriorFile = None,
    out: Annotated[
        Path | None,
        typer.Option(help="folder for JSON and replicates; run again, it goes on"),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compute power, type I error and assurance at a sample size."""
    from simtrial.core.errors import DesignError
    from simtrial.planning.power import DEFAULT_SCENARIOS, DEFAULT_TRIALS
    from simtrial.planning.power import power as find_power
    from simtrial.report.tables import (
        assumption_table,
        control_lines,
        detail_lines,
        harm_table,
        scenario_table,
    )
    from simtrial.trial.design import load_design
    from simtrial.trial.posterior import load_posterior

    started = time.perf_counter()
    if trials is not None and mcse is not None:
        raise DesignError("--trials and --mcse exclude each other; give one, such as --mcse 0.003.")
    spec, held = load_design(design), load_posterior(posterior)
    folder = output_folder(out)
    store = open_store(folder)
    bars = BarProgress(quiet=quiet)
    try:
        found = find_power(
            spec,
            scenarios=tuple(scenario) if scenario else DEFAULT_SCENARIOS,
            posterior=held,
            n=n,
            trials=trials or DEFAULT_TRIALS,
            mcse=mcse,
            seed=seed,
            workers=workers or all_cores(),
            chunk=chunk,
            engine=engine,
            name=design,
            posterior_name=None if posterior is None else str(posterior),
            progress=bars,
            store=store,
        )
    finally:
        bars.close()
        note_store(store, quiet=quiet)
    document = found.document
    if folder is not None:
        write_whole(folder / "power.json", found.to_json() + "\n")
    if json:
        say(found.to_json())
    else:
        say(document["title"] + "\n")
        say(scenario_table(document) + "\n")
        say("Harm until the last visit (share of patients, MCSE in brackets):")
        say(harm_table(document) + "\n")
        say("\n".join(detail_lines(document)))
        say("\n" + "\n".join(control_lines(document)) + "\n")
        say(assumption_table(document))
        say(f"\nRun again: {document['rerun']}")
        if folder is not None:
            say(f"Written: {folder / 'power.json'}")
    finish(found.interrupted, started, quiet, kept=store is not None)
