"""Options that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
Evidence = Annotated[
    list[Path] | None,
    typer.Option(
        "--evidence",
        help="your own document, or a folder of them, beside the shipped ones; may be given again",
    ),
]
Without = Annotated[
    list[str] | None,
    typer.Option(
        "--without",
        help="id or number of a shipped document to leave out: mas98; may be given again",
    ),
]
