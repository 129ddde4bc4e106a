"""The ``simtrial`` command."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from simtrial.cli.console import (
    EXIT_BAD_INPUT,
    EXIT_CHECK_FAILED,
    EXIT_INTERRUPTED,
    BarProgress,
    OneInterrupt,
    all_cores,
    note,
    output_folder,
    say,
    write_whole,
)
from simtrial.core.errors import FitError, SimtrialError
from simtrial.core.provenance import (
    DEFAULT_SEED,
    DISTRIBUTION,
    canonical_json,
    clashing_distributions,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Sample size, power and assurance for trials in idiopathic inflammatory myopathies.",
)

DesignName = Annotated[str, typer.Argument(help="a YAML file, or a shipped name: dm_ivig_16w")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON document and nothing else")]
Quiet = Annotated[bool, typer.Option("--quiet", help="no progress, no notes")]
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="seed of all random numbers")]
Trials = Annotated[int, typer.Option(min=1, max=4_000_000, help="simulated trials a scenario")]
Workers = Annotated[
    int | None, typer.Option(min=1, max=1024, help="threads; default all cores; moves no result")
]
Chunk = Annotated[
    int | None, typer.Option(min=1, help="trials a batch; moves no result", show_default=False)
]
PosteriorFile = Annotated[
    Path | None, typer.Option("--posterior", help="a file made by 'simtrial fit'; default shipped")
]


@app.command(epilog="Example: simtrial size dm_ivig_16w --power 0.9 --out results/demo")
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
    out: Annotated[Path | None, typer.Option(help="folder for the JSON and the figure")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find the smallest sample size, with power and assurance over n."""
    from simtrial.planning.size import size as find_size
    from simtrial.report.curves import save_figure
    from simtrial.report.tables import assumption_table, control_lines, scenario_table, size_table
    from simtrial.trial.design import load_design
    from simtrial.trial.posterior import load_posterior

    started = time.perf_counter()
    spec, held = load_design(design), load_posterior(posterior)
    folder = output_folder(out)
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
        )
    finally:
        bars.close()
    document = found.document
    paths = []
    if folder is not None:
        write_whole(folder / "size.json", found.to_json() + "\n")
        paths = [folder / "size.json", *save_figure(document, folder)]
    if json:
        say(found.to_json())
    else:
        say(document["title"])
        say(f"Endpoint: {document['endpoint']}; composite: an intercurrent event is no response.\n")
        say(size_table(document) + "\n")
        say("Response by arm (share of patients, MCSE in brackets):")
        say(scenario_table(document) + "\n")
        say("\n".join(control_lines(document)) + "\n")
        say(assumption_table(document) + "\n")
        say(document["answer"])
        if document["n_interval"]:
            low, high = document["n_interval"]
            say(f"Smallest and largest size within 1.96 MCSE of the target: {low} and {high}.")
        if document["protocol_sentence"]:
            say(f"\nFor a protocol: {document['protocol_sentence']}")
        say(f"\nRun again: {document['rerun']}")
        for path in paths:
            say(f"Written: {path}")
    _finish(found.interrupted, started, quiet)


@app.command(epilog="Example: simtrial power dm_ivig_16w --n 120 --trials 20000 --json")
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
        scenario_table,
    )
    from simtrial.trial.design import load_design
    from simtrial.trial.posterior import load_posterior

    started = time.perf_counter()
    if trials is not None and mcse is not None:
        raise DesignError("--trials and --mcse exclude each other; give one, such as --mcse 0.003.")
    spec, held = load_design(design), load_posterior(posterior)
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
        )
    finally:
        bars.close()
    document = found.document
    if json:
        say(found.to_json())
    else:
        say(document["title"] + "\n")
        say(scenario_table(document) + "\n")
        say("\n".join(detail_lines(document)))
        say("\n" + "\n".join(control_lines(document)) + "\n")
        say(assumption_table(document))
        say(f"\nRun again: {document['rerun']}")
    _finish(found.interrupted, started, quiet)


@app.command(epilog="Example: simtrial fit --seed 7 --out my_posterior.npz")
def fit(
    evidence: Annotated[
        Path | None, typer.Option(help="a folder or file of documents instead of the shipped ones")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="file to write; none: nothing is saved")] = None,
    workers: Workers = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="coarser tables, for a look; not for a submission")
    ] = False,
    seed: Seed = DEFAULT_SEED,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit the facts again: diagnostics, parameters, and the distance from the shipped posterior."""
    from simtrial.evidence.ledger import load_ledger
    from simtrial.operating.background import PATIENTS
    from simtrial.planning.refit import compare, refit
    from simtrial.report.tables import aligned
    from simtrial.synthesis.tables import PATIENTS_PER_NODE
    from simtrial.trial.posterior import load_posterior, save_posterior

    started = time.perf_counter()
    ledger = load_ledger([evidence] if evidence is not None else None)
    if out is not None:
        output_folder(out.parent)
    shipped = load_posterior()  # before --out may replace it
    bars = BarProgress(quiet=quiet)
    if not quiet:
        note("Fitting: cell tables, sampling, then the control arm of every row (some minutes).")
    try:
        made = refit(
            ledger=ledger,
            seed=seed,
            patients_per_node=PATIENTS_PER_NODE // (10 if quick else 1),
            control_patients=PATIENTS // (16 if quick else 1),
            workers=workers or all_cores(),
            progress=bars,
        )
    finally:
        bars.close()
    if out is not None:
        save_posterior(made, out)
    rows = compare(made, shipped)
    farthest = max(rows, key=lambda row: abs(row["z"]))
    if json:
        say(
            canonical_json(
                {
                    "command": "fit",
                    "diagnostics": made.provenance["diagnostics"],
                    "digest": made.provenance["digest"],
                    "seed": seed,
                    "parameters": [r | {"z": min(max(r["z"], -1e9), 1e9)} for r in rows],
                }
            )
        )
    else:
        found = made.provenance["diagnostics"]
        say(
            f"R-hat {found['rhat']:.4f}, ESS {found['ess_bulk']:.0f} bulk and "
            f"{found['ess_tail']:.0f} tail (lowest), {found['divergences']} divergences.\n"
        )
        head = ["parameter", "status", "median", "5 %", "95 %", "shipped median", "z"]
        table = [head]
        for name, origin in made.origins.items():
            of = {r["statistic"]: r for r in rows if r["parameter"] == name}
            if not of:
                continue
            values = [f"{of[s]['new']:.4g}" for s in ("q50", "q5", "q95")]
            before = f"{of['q50']['shipped']:.4g}"
            table.append([name, origin.status, *values, before, f"{of['q50']['z']:.1f}"])
        say(aligned(table, right=[2, 3, 4, 5, 6]))
        say(
            f"\nFarthest from the shipped posterior: {farthest['parameter']} "
            f"({farthest['statistic']}), {abs(farthest['z']):.2f} combined MCSE."
        )
        say("Not saved; give --out FILE to keep it." if out is None else f"Written: {out}")
    _finish(False, started, quiet)


@app.command(epilog="Example: simtrial replicate --trials 2000")
def replicate(
    trials: Annotated[int, typer.Option(min=100, max=100_000, help="simulated studies")] = 2_000,
    seed: Seed = DEFAULT_SEED,
    posterior: PosteriorFile = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Simulate document 002 from the posterior: printed value against predictive interval."""
    from simtrial.report.tables import aligned
    from simtrial.trial.posterior import load_posterior
    from simtrial.validation.documents import replicate_lim21

    started = time.perf_counter()
    found = replicate_lim21(load_posterior(posterior), trials=trials, seed=seed)
    outside = [f for f in found["facts"] if not f["inside95"]]
    if json:
        say(canonical_json(found))
    else:
        rows = [["fact", "what", "printed", "median", "95 % interval", "tail", "inside"]]
        for f in found["facts"]:
            rows.append(
                [
                    f["label"],
                    f["what"],
                    f"{f['printed']}/{f['n']}",
                    f"{f['median']:g}",
                    f"{f['interval95'][0]:g} to {f['interval95'][1]:g}",
                    f"{f['tail']:.3f}",
                    "yes" if f["inside95"] else "NO",
                ]
            )
        say(f"Document 002, {trials:,} simulated studies of 19 patients:\n")
        say(aligned(rows))
        say(
            "\nIn-sample: the same 19 patients were fitted to. Without the visit at week 4 and the "
            "amended regimen.\nThe changes of single measures are not among the checks."
        )
    _finish(False, started, quiet, failed=bool(outside))


def _finish(interrupted: bool, started: float, quiet: bool, *, failed: bool = False) -> None:
    if interrupted:
        note("Interrupted: what was finished is shown above.")
        raise typer.Exit(EXIT_INTERRUPTED)
    note(f"{time.perf_counter() - started:.1f} s", quiet=quiet)
    if failed:
        raise typer.Exit(EXIT_CHECK_FAILED)


def main() -> None:
    """Run the command; errors of input end with code 2 and say what to write instead."""
    signal.signal(signal.SIGINT, OneInterrupt())
    for other in clashing_distributions():
        note(
            f"Warning: the distribution '{other}' also installs a package called simtrial; the two "
            f"overwrite each other. Keep only {DISTRIBUTION} in this environment."
        )
    try:
        app()
    except FitError as problem:
        note(str(problem))
        sys.exit(EXIT_CHECK_FAILED)
    except SimtrialError as problem:
        note(str(problem))
        sys.exit(EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        note("Interrupted before anything was finished.")
        sys.exit(EXIT_INTERRUPTED)
