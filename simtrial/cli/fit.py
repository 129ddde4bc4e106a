"""The command ``simtrial fit``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from simtrial.cli.console import BarProgress, all_cores, finish, note, output_file, say
from simtrial.cli.options import Json, Quiet, Seed, Workers
from simtrial.core.provenance import DEFAULT_SEED, canonical_json


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
    from simtrial.core.errors import PosteriorError
    from simtrial.evidence.ledger import load_ledger
    from simtrial.operating.background import PATIENTS
    from simtrial.planning.refit import compare, refit
    from simtrial.report.tables import aligned
    from simtrial.synthesis.tables import PATIENTS_PER_NODE
    from simtrial.trial.posterior import load_posterior, save_posterior

    started = time.perf_counter()
    ledger = load_ledger([evidence] if evidence is not None else None)
    output_file(out)
    try:
        shipped = load_posterior()  # before --out may replace it
    except PosteriorError as problem:  # a new format, which this fit is to give the first file of
        note(f"Not compared with the shipped posterior: {problem}")
        shipped = None
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
    rows = compare(made, shipped or made)
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
        if shipped is not None:
            say(
                f"\nFarthest from the shipped posterior: {farthest['parameter']} "
                f"({farthest['statistic']}), {abs(farthest['z']):.2f} combined MCSE."
            )
        say("Not saved; give --out FILE to keep it." if out is None else f"Written: {out}")
    finish(False, started, quiet)
