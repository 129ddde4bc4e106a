"""The ``simtrial`` command: one module a command, registered here."""

from __future__ import annotations

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path

import typer
from typer.main import get_command

from simtrial.cli import cohort, evidence, fit, power, replicate, report, sensitivity, size, sweep
from simtrial.cli.console import (
    EXIT_BAD_INPUT,
    EXIT_CHECK_FAILED,
    EXIT_INTERRUPTED,
    EXIT_UNEXPECTED,
    OneInterrupt,
    ending,
    note,
    show_as_note,
    silence_stdout,
)
from simtrial.cli.usage import (
    argument_words,
    is_usage_fault,
    quoted,
    repeated_option,
    usage_words,
)
from simtrial.core.errors import ArgumentError, DesignError, FitError, SimtrialError
from simtrial.core.provenance import DISTRIBUTION, clashing_distributions, version

TRACEBACK = "SIMTRIAL_TRACEBACK"

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
    warnings.showwarning = show_as_note
    for other in clashing_distributions():
        note(
            f"Warning: the distribution '{other}' also installs a package called simtrial; the two "
            f"overwrite each other. Keep only {DISTRIBUTION} in this environment."
        )
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code; whatever goes wrong is said in a line or two."""
    try:
        twice = repeated_option(get_command(app), arguments)
        if twice is not None:
            raise DesignError(
                f"{twice} is given twice in '{quoted(arguments)}', and has one value; give it once."
            )
        with ending():
            code = app(arguments, prog_name="simtrial", standalone_mode=False)
        sys.stdout.flush()  # a device that is full is heard of here, not after the end
        return code if isinstance(code, int) else 0
    except FitError as problem:
        note(str(problem))
        return EXIT_CHECK_FAILED
    except ArgumentError as problem:
        note(argument_words(problem, {"scenarios": "--scenario"}))
        return EXIT_BAD_INPUT
    except SimtrialError as problem:
        note(str(problem))
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        note("Interrupted before anything was finished.")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        silence_stdout()  # whoever read our output has had enough, as in '| head'
        return 0
    except Exception as problem:  # the last resort: a user never reads a traceback
        return _unexpected(problem, arguments)


def _unexpected(problem: Exception, arguments: Sequence[str]) -> int:
    if is_usage_fault(problem):
        if type(problem).__name__ != "NoArgsIsHelpError":  # whose help is printed already
            note(f"{usage_words(problem, get_command(app), arguments)}.")
        return EXIT_BAD_INPUT
    if isinstance(problem, OSError):
        at = problem.filename or "a file or the standard output"
        silence_stdout()
        note(f"{at}: cannot be read or written ({problem.strerror}); give another file or folder.")
        return EXIT_BAD_INPUT
    if os.environ.get(TRACEBACK):
        traceback.print_exception(problem)
    place = traceback.extract_tb(problem.__traceback__)[-1]
    note(
        f"A fault of simtrial {version()}, not of your input: {type(problem).__name__}: {problem} "
        f"({Path(place.filename).name}, line {place.lineno}). Please report this line with the "
        f"command '{quoted(arguments)}' and its files; {TRACEBACK}=1 before it shows the traceback."
    )
    return EXIT_UNEXPECTED
