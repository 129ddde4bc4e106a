"""The command ``simtrial fit``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from simtrial.cli.console import BarProgress, all_cores, finish, note, output_file, say
from simtrial.cli.options import Evidence, Json, Quiet, Seed, Without, Workers
from simtrial.core.provenance import DEFAULT_SEED, canonical_json


def fit(
    evidence: Evidence = None,
    without: Without = None,
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
    from simtrial.evidence.ledger import load_with
    from simtrial.operating.background import PATIENTS
    from simtrial.planning.refit import compare, evidence_of, refit, same_facts
    from simtrial.report.facts import evidence_lines
    from simtrial.report.fit_table import farthest_words, fit_table
    from simtrial.synthesis.tables import PATIENTS_PER_NODE
    from simtrial.trial.posterior import QUICK, load_posterior, save_posterior

    started = time.perf_counter()
    ledger = load_with(evidence or (), without or ())
    rests_on = evidence_of(ledger)  # refuses what no likelihood reads, or contradicts itself
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
    if json:
        say(
            canonical_json(
                {
                    "command": "fit",
                    "diagnostics": made.provenance["diagnostics"],
                    "digest": made.provenance["digest"],
                    "evidence": rests_on,
                    "quick": made.provenance["quick"],
                    "seed": seed,
                    # z : shift in combined MCSE; shift_in_sd : in SD of the shipped draws
                    "parameters": [
                        r | {key: min(max(r[key], -1e9), 1e9) for key in ("z", "shift_in_sd")}
                        for r in rows
                    ],
                }
            )
        )
    else:
        for line in evidence_lines(rests_on):
            say(line)
        found = made.provenance["diagnostics"]
        say(
            f"R-hat {found['rhat']:.4f}, ESS {found['ess_bulk']:.0f} bulk and "
            f"{found['ess_tail']:.0f} tail (lowest), {found['divergences']} divergences.\n"
        )
        statuses = {name: origin.status for name, origin in made.origins.items()}
        same = None if shipped is None else same_facts(made, shipped)
        say(fit_table(rows, statuses, same_facts=same))
        if same is not None:
            say("\n" + farthest_words(rows, statuses, same_facts=same))
        if quick:
            say(f"This posterior was {QUICK}.")
        say("Not saved; give --out FILE to keep it." if out is None else f"Written: {out}")
    finish(False, started, quiet)
