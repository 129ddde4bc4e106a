"""The ``simtrial`` command: one module a command, registered here."""

from __future__ import annotations

import signal
import sys

import typer

from simtrial.cli import cohort, evidence, fit, power, replicate, report, sensitivity, size, sweep
from simtrial.cli.console import (
    EXIT_BAD_INPUT,
    EXIT_CHECK_FAILED,
    EXIT_INTERRUPTED,
    OneInterrupt,
    note,
)
from simtrial.core.errors import FitError, SimtrialError
from simtrial.core.provenance import DISTRIBUTION, clashing_distributions

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Sample size, power and assurance for trials in idiopathic inflammatory myopathies.",
)
app.command(epilog="Example: simtrial size dm_ivig_16w --power 0.9 --out results/demo")(size.size)
app.command(epilog="Example: simtrial power dm_ivig_16w --n 120 --trials 20000 --json")(power.power)
app.command(epilog="Example: simtrial cohort dm_ivig_16w --format csv --out results/cohort")(
    cohort.cohort
)
app.command(epilog="Example: simtrial fit --seed 7 --out my_posterior.npz")(fit.fit)
app.command(
    epilog="Example: simtrial report results/demo/size.json --out results/demo/report.html"
)(report.report)
app.command(epilog="Example: simtrial replicate --trials 2000")(replicate.replicate)
app.add_typer(evidence.evidence, name="evidence")
app.command(epilog="Example: simtrial sensitivity dm_ivig_16w --method tornado --out results/demo")(
    sensitivity.sensitivity
)
app.add_typer(sweep.app, name="sweep")


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
