"""The command ``simtrial replicate``."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from simtrial.cli.console import finish, say
from simtrial.cli.options import Json, PosteriorFile, Quiet, Seed
from simtrial.core.provenance import DEFAULT_SEED, canonical_json


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
        n = {f["about"]: f["n"] for f in found["facts"]}
        say(
            f"Document 002, {trials:,} simulated studies: response of the {n['response']} patients "
            f"analysed, harm of the {n['harm']} included.\n"
        )
        say(aligned(rows))
        say(
            "\nIn-sample: the same patients were fitted to. From patient 11 on with the visit at "
            "week 4 and the\namended regimen, which the fit leaves out. The changes of single "
            "measures are not among the checks.\n"
            "Reactions are predicted for a new study, of unknown reporting, not for this one: "
            "hence their wide interval.\n"
            f"Stopped for harm is of all {n['harm']} included; the fit reads those with a serious "
            "event only."
        )
        if outside:
            names = ", ".join(f"{f['what']} ({f['label']})" for f in outside)
            say(f"OUTSIDE the 95 % interval of what the posterior predicts: {names}.")
    finish(False, started, quiet, failed=bool(outside))
