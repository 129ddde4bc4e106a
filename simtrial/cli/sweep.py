"""The commands ``simtrial sweep run`` and ``simtrial sweep status``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from simtrial.cli.console import BarProgress, finish, note, output_folder, say
from simtrial.cli.options import Json, PosteriorFile, Quiet, Seed
from simtrial.core.provenance import DEFAULT_SEED, canonical_json

app = typer.Typer(
    no_args_is_help=True,
    help="Run designs × scenarios, on several processes; goes on after any end.",
    epilog="Example: simtrial sweep run example --out results/example",
)

SweepFile = Annotated[
    str, typer.Argument(metavar="FILE", help="a YAML file, or a shipped name: example")
]
SweepFolder = Annotated[Path, typer.Option("--out", help="folder of the results")]
SweepTrials = Annotated[
    int | None,
    typer.Option(min=1, max=4_000_000, help="simulated trials a job; default the file's"),
]


@app.command(epilog="Example: simtrial sweep run example --out results/example")
def run(
    file: SweepFile,
    out: SweepFolder,
    processes: Annotated[
        int, typer.Option(min=1, max=1024, help="each on one core; moves no result")
    ] = 2,
    trials: SweepTrials = None,
    seed: Seed = DEFAULT_SEED,
    posterior: PosteriorFile = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run what is missing of a sweep; write sweep.json and sweep.csv."""
    from simtrial.sweep.conduct import run_sweep
    from simtrial.sweep.plan import load_plan
    from simtrial.trial.posterior import load_posterior

    started = time.perf_counter()
    plan = load_plan(file, load_posterior(posterior), seed=seed, trials=trials)
    folder = output_folder(out)
    assert folder is not None
    bars = BarProgress(quiet=quiet)
    try:
        found = run_sweep(plan, folder, processes=processes, progress=bars, tell=note)
    finally:
        bars.close()
    note(
        f"{found.ended_before} jobs had ended before; of the others {found.read:,} replicates "
        f"read, {found.computed:,} computed.",
        quiet=quiet,
    )
    for job in found.document["jobs"]:
        if job["status"] == "failed":
            note(f"failed: {job['job']}. {job['message']}")
    if json:
        say(found.to_json())
    else:
        say(_table(found.document))
        say(f"\n{_counts(found.document)}")
        if not found.interrupted:
            say(f"Written: {folder / 'sweep.json'}\nWritten: {folder / 'sweep.csv'}")
    finish(found.interrupted, started, quiet, failed=found.failed > 0, kept=True)


@app.command(epilog="Example: simtrial sweep status example --out results/example")
def status(
    file: SweepFile,
    out: SweepFolder,
    trials: SweepTrials = None,
    seed: Seed = DEFAULT_SEED,
    posterior: PosteriorFile = None,
    json: Json = False,
) -> None:
    """Say how many jobs of a sweep are planned, done, missing and failed."""
    from simtrial.sweep.conduct import sweep_status
    from simtrial.sweep.plan import load_plan
    from simtrial.trial.posterior import load_posterior

    plan = load_plan(file, load_posterior(posterior), seed=seed, trials=trials)
    found = sweep_status(plan, out)
    if json:
        say(canonical_json(found))
        return
    say(_counts(found))
    for job in found["not_done"]:
        say(f"{job['status']}: {job['job']}{'. ' + job['message'] if job['message'] else ''}")


def _counts(document: Mapping[str, Any]) -> str:
    words = ("planned", "done", "missing", "failed")
    return ", ".join(f"{document[word]} {word}" for word in words) + "."


def _table(document: Mapping[str, Any]) -> str:
    """Return a line for each job: its decision's metric, or what became of it."""
    from simtrial.operating.characteristics import METRIC_OF
    from simtrial.report.tables import aligned, number

    rows = [["design", "n", "scenario", "status", "metric", "estimate", "MCSE", "R"]]
    for job in document["jobs"]:
        found = job.get("metrics", {})
        name = next((word for word in METRIC_OF.values() if word in found), None)
        shown = ["-"] * 4
        if name is not None:
            m = found[name]
            exact = m["replicates"] == 0
            shown = [
                name,
                number(m["estimate"], 5 if exact else 3),
                "exact" if exact else number(m["mcse"]),
                "-" if exact else f"{m['replicates']:,}",
            ]
        rows.append([job["design"], str(job["n"]), job["scenario"], job["status"], *shown])
    return aligned(rows, right=[1, 5, 6, 7])
