"""What figures of looks share: where looks stand along an axis, and the words around the axes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

_MOST_INCHES = 13.0


def look_positions(times: Sequence[float]) -> tuple[list[float], bool]:
    """Return where each look is drawn, and whether at equal distances for want of room.

    They are at their times as long as the least distance leaves a label readable.
    """
    where = [float(t) for t in times]
    if len(where) < 2 or min(np.diff(where)) >= where[-1] / (2.0 * len(where) + 4.0):
        return where, False
    return [float(k + 1) for k in range(len(where))], True


def widened(where: Sequence[float], *, inches: float, least: float) -> float:
    """Return the width of a figure, in inches, that leaves ``inches`` to the closest looks."""
    if len(where) < 2:
        return least
    reach = where[-1] - where[0] + min(np.diff(where))
    return float(min(_MOST_INCHES, max(least, 1.2 + inches * reach / min(np.diff(where)))))


def escaped(text: str) -> str:
    """Return text in which a dollar sign is no mathematics."""
    return text.replace("$", r"\$")


def wrapped(text: str, inches: float, *, letters_an_inch: float = 13.0) -> str:
    """Return text whose lines fit a width; lines that it has stay apart."""
    width = max(20, int(inches * letters_an_inch))
    return "\n".join(
        line for whole in text.splitlines() for line in textwrap.wrap(whole, width) or [""]
    )


def write_foot(figure: Any, handles: Sequence[Any], notes: Sequence[str]) -> None:
    """Write a legend in one line and notes below it, in a band that no axes enter."""
    width, height = figure.get_size_inches()
    told = wrapped(";\n".join(notes), width, letters_an_inch=15.5)
    inches = 0.08 + 0.145 * len(told.splitlines())
    band = inches + 0.33
    figure.get_layout_engine().set(rect=(0.0, band / height, 1.0, 1.0 - band / height))
    figure.text(
        0.5, 0.05 / height, escaped(told), ha="center", va="bottom", fontsize=8, color="0.35"
    )
    figure.legend(
        handles=handles, loc="lower center", bbox_to_anchor=(0.5, inches / height),
        ncols=len(handles), frameon=False, fontsize=9, borderaxespad=0.0,
    )  # fmt: skip
