"""What the benchmarks share: CPU time of two works in turn, and a table of ratios with goals."""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROUNDS = 9


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """CPU time of one work over that of another, over rounds; ``goal`` bounds the median.

    ``goal`` is empty, and ``met`` None, for a ratio that is told and not judged.
    """

    what: str
    goal: str
    minimum: float
    median: float
    maximum: float
    met: bool | None


def ratio_of(
    what: str,
    found: Sequence[float],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Ratio:
    """Return a row of the table."""
    middle = statistics.median(found)
    goals, met = [], True
    if at_least is not None:
        goals.append(f">= {at_least:g}")
        met &= middle >= at_least
    if at_most is not None:
        goals.append(f"<= {at_most:g}")
        met &= middle <= at_most
    return Ratio(
        what=what,
        goal=", ".join(goals),
        minimum=min(found),
        median=middle,
        maximum=max(found),
        met=met if goals else None,
    )


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of one call."""
    gc.collect()
    started = time.process_time()
    work()
    return time.process_time() - started


def interleaved(
    a: Callable[[], object],
    b: Callable[[], object],
    scale: float = 1.0,
    *,
    rounds: int = ROUNDS,
) -> list[float]:
    """Return (CPU of a / CPU of b) times ``scale`` for each round."""
    return [cpu_seconds(a) / cpu_seconds(b) * scale for _ in range(rounds)]


def tell(rows: Sequence[Ratio], out: Path, **more: object) -> None:
    """Print the table, and write it as JSON with whatever else belongs to the run."""
    width = max(len(row.what) for row in rows)
    print(f"{'ratio of CPU time'.ljust(width)}  {'min':>7} {'median':>7} {'max':>7}  goal")
    for row in rows:
        missed = "  NOT MET" if row.met is False else ""
        print(
            f"{row.what.ljust(width)}  {row.minimum:7.2f} {row.median:7.2f} {row.maximum:7.2f}"
            f"  {row.goal}{missed}"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    written = more | {"rows": [asdict(row) for row in rows]}
    out.write_text(json.dumps(written, indent=1) + "\n")
    print(f"written: {out}")
