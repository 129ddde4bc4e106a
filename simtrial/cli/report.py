"""The command ``simtrial report``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from simtrial.cli.console import finish, output_folder, say, write_whole
from simtrial.cli.options import Json, PosteriorFile, Quiet
from simtrial.core.provenance import canonical_json


def report(
    result: Annotated[Path, typer.Argument(help="a size.json, or what 'power --json' printed")],
    out: Annotated[Path, typer.Option(help="the HTML file to write")],
    posterior: PosteriorFile = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write one self-contained HTML page from a result: answer, grounds, inputs, an example."""
    from simtrial.report.example import why_no_example
    from simtrial.report.page import page
    from simtrial.report.result_file import has_patients, read_result
    from simtrial.trial.posterior import load_posterior

    started = time.perf_counter()
    document = read_result(result)
    held = load_posterior(posterior) if has_patients(document) else None
    output_folder(out.parent)
    text = page(document, held)
    write_whole(out, text)
    size = len(text.encode())
    if json:
        say(canonical_json({"command": "report", "written": str(out), "bytes": size}))
    else:
        missing = why_no_example(document, held) if has_patients(document) else None
        if missing is not None:
            say(f"Left out: the example trial; {missing}.")
        say(f"Written: {out} ({size / 1024:.0f} KiB)")
    finish(False, started, quiet)
