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
    note,
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
            "identical_arms and posterior, or for outcomes alone the one of the design's name"
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
    simulate: Annotated[
        bool, typer.Option("--simulate", help="simulate also what can be computed exactly")
    ] = False,
    seed: Seed = DEFAULT_SEED,
    workers: Workers = None,
    chunk: Chunk = None,
    posterior: PosteriorFile = None,
    out: Annotated[
        Path | None,
        typer.Option(help="folder for JSON, figures and replicates; run again, it goes on"),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compute power, type I error and assurance at a sample size."""
    from simtrial.core.errors import DesignError
    from simtrial.planning.power import DEFAULT_TRIALS
    from simtrial.planning.power import power as find_power
    from simtrial.report.looks import save_figures
    from simtrial.report.outcome_tables import (
        expected_lines,
        looks_lines,
        of_patients,
        outcome_lines,
    )
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
    spec = load_design(design)
    held = None if posterior is None else load_posterior(posterior)
    folder = output_folder(out)
    store = open_store(folder)
    bars = BarProgress(quiet=quiet)
    try:
        found = find_power(
            spec,
            scenarios=tuple(scenario) if scenario else None,
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
            simulate=simulate,
        )
    finally:
        bars.close()
        note_store(store, quiet=quiet)
    document = found.document
    if all(row["exact"] for row in document["scenarios"]):
        told = {"--trials": trials, "--mcse": mcse, "--engine": engine == "reference" or None}
        idle = [option for option, value in told.items() if value is not None]
        if idle:
            note(f"Exact, so nothing is simulated: {', '.join(idle)} had no use.", quiet=quiet)
    paths = []
    if folder is not None:
        write_whole(folder / "power.json", found.to_json() + "\n")
        paths = [folder / "power.json", *save_figures(document, folder)]
    if json:
        say(found.to_json())
    else:
        say(document["title"] + "\n")
        patients = of_patients(document)
        if patients is not None:
            say(scenario_table(patients) + "\n")
            say("Harm until the last visit (share of patients, MCSE in brackets):")
            say(harm_table(patients) + "\n")
            say("\n".join(detail_lines(patients)))
            say("\n" + "\n".join(control_lines(patients)) + "\n")
        for lines in (outcome_lines(document), looks_lines(document), expected_lines(document)):
            if lines:
                say("\n".join(lines) + "\n")
        say(assumption_table(document))
        say(f"\nRun again: {document['rerun']}")
        for path in paths:
            say(f"Written: {path}")
    finish(found.interrupted, started, quiet, kept=store is not None)
