"""The command ``simtrial size``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

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


def size(
    design: DesignName,
    power: Annotated[
        float | None, typer.Option(help="target power at the point (default 0.8)")
    ] = None,
    assurance: Annotated[float | None, typer.Option(help="target assurance instead")] = None,
    scenario: Annotated[
        str | None, typer.Option(help="a scenario whose replacements hold in both curves")
    ] = None,
    trials: Trials = 10_000,
    seed: Seed = DEFAULT_SEED,
    workers: Workers = None,
    chunk: Chunk = None,
    posterior: PosteriorFile = None,
    out: Annotated[
        Path | None,
        typer.Option(help="folder for JSON, figure, page and replicates; run again, it goes on"),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find the smallest sample size, with power and assurance over n."""
    from simtrial.planning.results import target_of
    from simtrial.planning.size import size as find_size
    from simtrial.report.curves import save_figure
    from simtrial.report.looks import save_figures
    from simtrial.report.outcome_tables import (
        expected_lines,
        looks_lines,
        of_patients,
        outcome_lines,
    )
    from simtrial.report.page import page
    from simtrial.report.tables import (
        assumption_table,
        control_lines,
        duration_at_answer,
        harm_table,
        scenario_table,
        size_table,
    )
    from simtrial.trial.design import load_design
    from simtrial.trial.posterior import load_posterior

    started = time.perf_counter()
    spec, held = load_design(design), load_posterior(posterior)
    folder = output_folder(out)
    store = open_store(folder)
    bars = BarProgress(quiet=quiet)
    try:
        found = find_size(
            spec,
            power=power,
            assurance=assurance,
            posterior=held,
            scenario=scenario,
            trials=trials,
            seed=seed,
            workers=workers or all_cores(),
            chunk=chunk,
            name=design,
            posterior_name=None if posterior is None else str(posterior),
            progress=bars,
            store=store,
        )
    finally:
        bars.close()
        note_store(store, quiet=quiet)
    document = found.document
    paths = []
    if folder is not None:
        before = target_of(folder / "size.json")
        if before is not None and before != document["target"]:
            note(f"Replaces the answer for {before['metric']} {before['value']:g} in {folder}.")
        write_whole(folder / "size.json", found.to_json() + "\n")
        paths = [folder / "size.json", *save_figure(document, folder)]
        paths += save_figures(document, folder)
        write_whole(folder / "report.html", page(document, held))
        paths.append(folder / "report.html")
    if json:
        say(found.to_json())
    else:
        say(document["title"])
        if of_patients(document) is not None:
            how = "; composite: an intercurrent event is no response"
            say(f"Endpoint: {document['endpoint']}{how}.\n")
            say(size_table(document) + "\n")
            say("Response by arm (share of patients, MCSE in brackets):")
            say(scenario_table(document) + "\n")
            say("Harm until the last visit (share of patients, MCSE in brackets):")
            say(harm_table(document) + "\n")
            say("\n".join(control_lines(document)) + "\n")
        else:
            say(f"Endpoint: {document['endpoint']}.\n")
            say(size_table(document) + "\n")
            for lines in (outcome_lines(document), looks_lines(document), expected_lines(document)):
                if lines:
                    say("\n".join(lines) + "\n")
        say(assumption_table(document) + "\n")
        say(document["answer"])
        if document["n_interval"] and of_patients(document) is not None:
            low, high = document["n_interval"]
            say(
                f"Interval of n: {low} to {high} (n, and all sizes looked at within 1.96 MCSE of "
                "the target)."
            )
        if document["n_below"] is not None:
            say(
                f"The next smaller size looked at is {document['n_below']}; none between was. "
                f"'simtrial power {design} --n N' tells of any other."
            )
        if duration_at_answer(document):
            say(duration_at_answer(document))
        if document["protocol_sentence"]:
            say(f"\nFor a protocol: {document['protocol_sentence']}")
        say(f"\nRun again: {document['rerun']}")
        for path in paths:
            say(f"Written: {path}")
    finish(found.interrupted, started, quiet, kept=store is not None)
