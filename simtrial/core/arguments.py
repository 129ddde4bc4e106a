"""Check the arguments of the functions that a script calls, before any work is done."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real

from simtrial.core.errors import ArgumentError
from simtrial.core.located import nearest

MOST_TRIALS = 4_000_000
MOST_WORKERS = 1_024
MOST_SEED = 2**63 - 1
_LEAST_PERCENT = 5.0  # a share above 1 that may be a percentage


def whole(name: str, value: object, low: int, high: int, *, example: int) -> int:
    """Return a whole number within bounds, or raise ArgumentError; True and False are none."""
    if isinstance(value, Integral) and not isinstance(value, bool) and low <= int(value) <= high:
        return int(value)
    rule = f"it must be a whole number from {low:,} to {high:,}"
    raise ArgumentError(name, value, rule, str(example))


def number(
    name: str, value: object, low: float, high: float, *, example: float, open_ends: bool = False
) -> float:
    """Return a number within bounds (ends excluded when open), or raise ArgumentError."""
    given = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    if low < given < high if open_ends else low <= given <= high:
        return given
    ends = f"between {low:g} and {high:g}" if open_ends else f"from {low:g} to {high:g}"
    if high <= 1.0 and _LEAST_PERCENT <= given <= 100.0:
        rule = f"it must be a number {ends}, not a percentage"
        raise ArgumentError(name, value, rule, f"{given / 100.0:g}")
    raise ArgumentError(name, value, f"it must be a number {ends}", f"{example:g}")


def one_of(name: str, value: object, choices: Sequence[str]) -> str:
    """Return one of some words, or raise ArgumentError with the nearest."""
    if isinstance(value, str) and value in choices:
        return value
    near = nearest(value, choices) if isinstance(value, str) else None
    raise ArgumentError(name, value, f"choose {' or '.join(choices)}", repr(near or choices[0]))


def instance[T](name: str, value: object, kind: type[T] | tuple[type[T], ...], example: str) -> T:
    """Return a value of a class, or of one of some, or raise ArgumentError that shows how to."""
    if isinstance(value, kind):
        return value
    usual = kind[0] if isinstance(kind, tuple) else kind
    raise ArgumentError(name, value, f"it must be a {usual.__name__}", example)


def check_effort(*, seed: object, workers: object, chunk: object = None) -> None:
    """Check the arguments that decide how, not what, is simulated."""
    whole("seed", seed, 0, MOST_SEED, example=20261122)
    whole("workers", workers, 1, MOST_WORKERS, example=2)
    if chunk is not None:
        whole("chunk", chunk, 1, MOST_TRIALS, example=500)
