"""What the pictures of a cohort share: which trial, colours, classes, marks, titles, captions."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Cohort
from simtrial.core.errors import DesignError
from simtrial.core.units import MINUTES_PER_WEEK, minutes_from_weeks
from simtrial.myositis.tis import MAJOR, MINIMAL, MODERATE
from simtrial.operating.cohorts import trials_of
from simtrial.report.happenings import (
    DEATH,
    DETERIORATION,
    FLARE,
    LACK_OF_EFFECT,
    LEFT,
    OTHER_SERIOUS,
    RESCUE,
    STABLE,
    STANDARD,
    STOPPED_FOR_HARM,
    SWITCHED,
    THROMBOEMBOLISM,
)
from simtrial.trial.design import Design

PAGE_WIDTH = 7.5  # inches; A4 less margins
# Colours of Okabe and Ito, told apart under the usual colour deficiencies; TIS classes also get
# darker from class to class.
_PLACEBO_COLOURS = ("#7f7f7f", "#b0a08c")
_DRUG_COLOURS = ("#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
TIS_CLASSES = (
    (f"TIS below {MINIMAL:g} (none)", "#ffffff"),
    (f"TIS {MINIMAL:g} to < {MODERATE:g} (minimal)", "#f6e07a"),
    (f"TIS {MODERATE:g} to < {MAJOR:g} (moderate)", "#3fa77a"),
    (f"TIS {MAJOR:g} or more (major)", "#31135e"),
)
REACTION, SERIOUS_REACTION = "reaction", "serious reaction"
ADVERSE = "other adverse event, not serious"
# marker, face colour, size in points
MARKS: Mapping[str, tuple[str, str, float]] = {
    REACTION: ("^", "#E69F00", 4.0),
    SERIOUS_REACTION: ("^", "#D55E00", 5.5),
    THROMBOEMBOLISM: ("*", "#D55E00", 7.0),
    OTHER_SERIOUS: ("P", "#D55E00", 5.0),
    ADVERSE: ("P", "#E69F00", 3.6),
    FLARE: ("p", "#CC79A7", 4.5),
    DETERIORATION: ("v", "#000000", 4.5),
    RESCUE: ("D", "#D55E00", 4.0),
    LACK_OF_EFFECT: ("d", "#000000", 4.5),
    SWITCHED: ("h", "#0072B2", 5.0),
    STANDARD: ("H", "#009E73", 5.0),
    STABLE: ("8", "#56B4E9", 4.5),
    DEATH: ("X", "#D55E00", 6.0),
    LEFT: ("X", "#000000", 4.5),
    STOPPED_FOR_HARM: ("s", "#000000", 4.0),
}


def seen_of(cohort: Cohort | Snapshot) -> Snapshot:
    """Return what a trial observes of a cohort."""
    return cohort.seen if isinstance(cohort, Cohort) else cohort


def row_of(seen: Snapshot, replicate: int, first: int = 0) -> int:
    """Return the row of a trial, or say which trials there are.

    Raises
    ------
    DesignError
    """
    held = seen.arm.shape[0]
    if not first <= replicate < first + held:
        raise DesignError(
            f"trial {replicate} was not simulated; write one from {first} to {first + held - 1}."
        )
    return replicate - first


def one_trial(cohort: Cohort | Snapshot, replicate: int, first: int = 0) -> Snapshot:
    """Return the single row of a trial.

    Raises
    ------
    DesignError : when ``cohort`` does not hold that trial.
    """
    seen = seen_of(cohort)
    row = row_of(seen, replicate, first)
    return trials_of(seen, row, row + 1)


def followed_until(
    seen: Snapshot, design: Design, cut_minute: int | None = None
) -> NDArray[np.int64]:
    """Return (R, P) the last minute in the study, as far as it was seen.

    ``cut_minute`` : of the calendar, up to which a trial was looked at; None for a whole one.
    """
    last = minutes_from_weeks(design.visits_weeks[-1])
    until = np.where(seen.left_minute >= 0, seen.left_minute, last)
    # in a whole trial the last visit may have come before or after its week
    until = np.where(seen.followed_minute >= 0, seen.followed_minute, until)
    if cut_minute is None:
        return until
    return np.minimum(until, np.maximum(cut_minute - seen.randomised_minute, 0))


def as_seen(cut_minute: int | None) -> str:
    """Return what a title says of a trial looked at on the way; nothing of a whole one."""
    return "" if cut_minute is None else f", as seen in week {cut_minute / MINUTES_PER_WEEK:.1f}"


def entered_word(design: Design) -> str:
    """Return what is said of who entered: without an allocation nobody is randomised."""
    return "enrolled" if design.allocation is None else "randomised"


def arm_colours(design: Design) -> dict[str, str]:
    """Return a colour for each arm: greys for placebo, colours for the drug."""
    placebo, drug = itertools.cycle(_PLACEBO_COLOURS), itertools.cycle(_DRUG_COLOURS)
    return {name: next(drug if arm.is_drug else placebo) for name, arm in design.arms.items()}


def tis_class(tis: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the place in ``TIS_CLASSES`` of each score; 0 where there is none."""
    return np.digitize(np.nan_to_num(tis), [MINIMAL, MODERATE, MAJOR]).astype(np.int64)


def sign(name: str) -> dict[str, Any]:
    """Return how an event of ``MARKS`` is drawn."""
    marker, face, size = MARKS[name]
    return {
        "linestyle": "none",
        "marker": marker,
        "markersize": size,
        "markerfacecolor": face,
        "markeredgecolor": "white",
        "markeredgewidth": 0.35,
    }


def plain(text: str) -> str:
    """Return text that matplotlib does not read as mathematics."""
    return text.replace("$", r"\$")


def heading(design: Design, what: str) -> str:
    """Return a picture's title: that it is synthetic, of which study, and what it shows."""
    return plain(textwrap.fill(f"SYNTHETIC: {design.title}", width=92) + f"\n{what}")


def whose(n: int, trials: int, replicate: int | None) -> str:
    """Return whose patients a picture shows, and that none of them exists."""
    if replicate is None:
        return f"The {n:,} patients of {trials:,} simulated trials together; no patient exists."
    return f"Simulated trial {replicate}, n = {n:,}; no patient exists."


def draw_legend(figure: Any, entries: Sequence[Any], caption: str, *, columns: int = 3) -> None:
    """Put the legend below the picture, under the caption."""
    figure.legend(
        handles=list(entries),
        loc="outside lower center",
        ncols=columns,
        title=textwrap.fill(plain(caption), width=118),
        title_fontsize=7,
        frameon=False,
        fontsize=7.5 if columns < 4 else 7.0,
        handletextpad=0.5,
        columnspacing=1.2,
    )


def tidy(axes: Any) -> None:
    """Take off the frame's upper and right side, and set small labels."""
    axes.tick_params(labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
