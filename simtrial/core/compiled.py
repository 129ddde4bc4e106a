"""The one place that says how numerical code is compiled.

``step`` marks a scalar function shared by both engines: it is plain arithmetic that runs the same
from Python and from compiled loops. ``kernel`` marks a function that loops over patients.
No fastmath anywhere: it may reorder sums and contract products, and the engines must agree to the
last bit. ``error_model="numpy"`` lets loops vectorise (measured: normals 3 times slower without).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, overload

import numba

_PACKAGE = Path(__file__).resolve().parents[1]
# the rooms that hold compiled code, and what such code reads, from the lowest up
NUMERICAL_ROOMS = (
    "core",
    "stats",
    "myositis",
    "trial",
    "cohort",
    "endpoints",
    "analysis",
    "operating",
)


def source_digest() -> str:
    """Return a digest of every source file of the rooms that decide a simulated number.

    numba's own cache looks at the file of one function only, so a change in a function it calls
    in another file would be missed. A cache folder named by all of them cannot be stale. A kernel
    in a room above these calls only down, and its own file numba does look at.
    """
    together = hashlib.sha256()
    for room in NUMERICAL_ROOMS:
        for path in sorted((_PACKAGE / room).rglob("*.py")):
            together.update(path.relative_to(_PACKAGE).as_posix().encode())
            together.update(path.read_bytes())
    return together.hexdigest()[:16]


def _cache_root() -> Path:
    named = os.environ.get("SIMTRIAL_CACHE_DIR")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "simtrial"


# of the code that this process runs, whatever is on disk later
SOURCE_DIGEST = source_digest()
CACHE_DIRECTORY = _cache_root() / f"compiled-{SOURCE_DIGEST}"


def _compile[F: Callable[..., object]](function: F, **options: object) -> F:
    # numba reads its cache folder when the decorator runs; other packages keep theirs
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(CACHE_DIRECTORY)
    try:
        compiled: F = numba.njit(cache=True, error_model="numpy", nogil=True, **options)(function)
    finally:
        numba.config.CACHE_DIR = before
    return compiled


@overload
def step[F: Callable[..., object]](function: F) -> F: ...


@overload
def step[F: Callable[..., object]](*, inline: bool) -> Callable[[F], F]: ...


def step(function: Any = None, *, inline: bool = False) -> Any:
    """Compile a scalar function that advances one state by one step; both engines call it.

    With ``inline`` it becomes part of its compiled callers whatever its size: for steps of every
    visit that take arrays, of which a call hands over seven words each.
    """

    def compiled(decorated: Any) -> Any:
        return _compile(decorated, forceinline=True) if inline else _compile(decorated)

    return compiled if function is None else compiled(function)


def kernel[F: Callable[..., object]](function: F) -> F:
    """Compile a function that loops over patients, replicates or outcomes."""
    return _compile(function)


def inlined[F: Callable[..., object]](function: F) -> F:
    """Compile a part of a kernel into its callers."""
    return _compile(function, inline="always")


def unowned[F: Callable[..., object]](function: F) -> F:
    """Compile a kernel that makes no array and counts no reference to one.

    An engine is handed some ninety arrays in tuples; counting who holds each, at every use, took
    much of its time (measured: 4.5 us a patient with, 3.0 without). Its callers hold them all
    while it runs.

    What it calls is compiled in the same way, and so cached. A function that hands back arrays and
    is called from Python too must therefore be ``inlined``: without counts, what Python gets is
    the array that was cut up, not the piece.
    """
    return _compile(function, _nrt=False)
