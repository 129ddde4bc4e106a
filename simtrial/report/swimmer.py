"""The swimmer plot of one simulated trial: a bar a patient, and what happened on the way."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Cohort
from simtrial.core.errors import DesignError
from simtrial.core.units import MINUTES_PER_DAY, MINUTES_PER_WEEK
from simtrial.myositis.tis import MAJOR, MINIMAL, MODERATE
from simtrial.operating.cohorts import trials_of
from simtrial.report.happenings import (
    DETERIORATION,
    EVENTS,
    LEFT,
    OTHER_SERIOUS,
    RESCUE,
    STOPPED,
    STOPPED_FOR_HARM,
    THROMBOEMBOLISM,
    happenings,
)
from simtrial.trial.design import Design

MOST_BARS = 100  # more are not legible on one page
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
_REACTION, _SERIOUS_REACTION = "reaction", "serious reaction"
# marker, face colour, size in points
_MARKS: Mapping[str, tuple[str, str, float]] = {
    _REACTION: ("^", "#E69F00", 4.0),
    _SERIOUS_REACTION: ("^", "#D55E00", 5.5),
    THROMBOEMBOLISM: ("*", "#D55E00", 7.0),
    OTHER_SERIOUS: ("P", "#D55E00", 5.0),
    DETERIORATION: ("v", "#000000", 4.5),
    RESCUE: ("D", "#D55E00", 4.0),
    LEFT: ("X", "#000000", 4.5),
    STOPPED_FOR_HARM: ("s", "#000000", 4.0),
}
_STEP = 5.2  # points between marks of one visit
_WIDTH_POINTS = 500.0  # about the width of the axes


def swimmer(cohort: Cohort | Snapshot, design: Design, replicate: int = 0, first: int = 0) -> Any:
    """Return a matplotlib figure of one trial.

    Patients stand by arm, the longest in the study on top. A bar is coloured while treatment goes
    on and pale after it was stopped. Beyond ``MOST_BARS`` patients the first randomised are shown,
    and the figure says so.

    Parameters
    ----------
    replicate : which trial.
    first : the replicate in the first row of ``cohort``.

    Raises
    ------
    DesignError : when ``cohort`` does not hold that trial.
    """
    from matplotlib.figure import Figure

    seen = cohort.seen if isinstance(cohort, Cohort) else cohort
    row = row_of(seen, replicate, first)
    lanes = _lanes(seen, design, row)
    n_bars = sum(len(lane.places) for lane in lanes)
    # A4 less margins: 94 bars and the legend below fill a page
    height = min(10.9, 2.3 + 0.091 * n_bars + 0.12 * len(lanes))
    figure = Figure(figsize=(7.5, height), layout="constrained")
    axes = figure.add_subplot()
    last = float(design.visits_weeks[-1])
    axes.set_xlim(-0.02 * last, last * 1.05)
    bottom = 0.0
    ticks: list[tuple[float, str]] = []
    for lane in lanes:
        ticks += _draw_lane(axes, lane, seen, design, row, bottom)
        bottom += len(lane.places) + 1.6
    axes.set_ylim(bottom - 1.0, -1.9)
    axes.set_xlabel("weeks since randomisation (ticks: planned visits)", fontsize=8.5)
    axes.set_xticks(_thinned(design.visits_weeks))
    axes.set_yticks([y for y, _ in ticks], [label for _, label in ticks])
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0, labelsize=4.8, pad=1)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.set_title(f"SYNTHETIC: {_plain(design.title)}", fontsize=10, loc="left")
    _draw_legend(figure, seen, row, _caption(seen, row, replicate, n_bars))
    return figure


def arm_colours(design: Design) -> dict[str, str]:
    """Return a colour for each arm: greys for placebo, colours for the drug."""
    placebo, drug = itertools.cycle(_PLACEBO_COLOURS), itertools.cycle(_DRUG_COLOURS)
    return {name: next(drug if arm.is_drug else placebo) for name, arm in design.arms.items()}


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


@dataclass(frozen=True, kw_only=True)
class _Lane:
    """The bars of one arm, in the order in which they are drawn."""

    name: str
    n_arm: int
    places: list[int]


def _lanes(seen: Snapshot, design: Design, row: int) -> list[_Lane]:
    entered = np.nonzero(seen.arm[row] >= 0)[0][:MOST_BARS]
    until = _until(seen, design, row)
    out = []
    for a, name in enumerate(design.arm_names):
        places = [int(p) for p in entered if seen.arm[row, p] == a]
        places.sort(key=lambda p: (-int(until[p]), p))
        n_arm = int((seen.arm[row] == a).sum())
        if places:
            out.append(_Lane(name=name, n_arm=n_arm, places=places))
    return out


def _until(seen: Snapshot, design: Design, row: int) -> NDArray[np.int64]:
    """Return when each patient was last in the study, (P,) minutes."""
    last = design.visits_weeks[-1] * MINUTES_PER_WEEK
    left = seen.left_minute[row]
    return np.where(left >= 0, left, last)


def _draw_lane(
    axes: Any, lane: _Lane, seen: Snapshot, design: Design, row: int, bottom: float
) -> list[tuple[float, str]]:
    """Draw an arm's bars, infusions, visits and events; return positions and names for the axis."""
    colour = arm_colours(design)[lane.name]
    y_of = {p: bottom + i for i, p in enumerate(lane.places)}
    y = np.array(list(y_of.values()))
    places = np.array(lane.places)
    shown = f"n = {lane.n_arm}"
    if len(lane.places) < lane.n_arm:
        shown = f"{len(lane.places)} of {lane.n_arm} shown"
    axes.text(0.0, bottom - 0.75, f"{lane.name}, {shown}", color=colour, fontsize=8, weight="bold")
    until = _until(seen, design, row)[places] / MINUTES_PER_WEEK
    stop = seen.stop_minute[row, places]
    treated = np.where(stop >= 0, stop / MINUTES_PER_WEEK, until)
    axes.barh(y, until, height=0.72, color=colour, alpha=0.16, linewidth=0)
    axes.barh(y, np.minimum(treated, until), height=0.72, color=colour, alpha=0.5, linewidth=0)
    for j, course in enumerate(design.courses_of(lane.name)):
        given = seen.courses[row, places] > j
        # at the course's middle, as drawn: its days are a hair wide on this axis
        middle = course.week + (course.days - 1) * MINUTES_PER_DAY / MINUTES_PER_WEEK / 2
        axes.vlines(
            np.full(int(given.sum()), middle),
            y[given] - 0.47,
            y[given] + 0.47,
            color="black",
            linewidth=0.9,
        )
    for v, week in enumerate(design.visits_weeks):
        if v == 0:
            continue  # TIS is 0 by definition
        tis = seen.tis[row, places, v]
        for c, (_, face) in enumerate(TIS_CLASSES):
            these = ~np.isnan(tis) & (_tis_class(tis) == c)
            axes.plot(
                np.full(int(these.sum()), float(week)),
                y[these],
                **_dot(face),
                zorder=3,
            )
    _draw_events(axes, seen, row, y_of)
    return [(y_of[p], f"P{seen.candidate[row, p]:03d}") for p in lane.places]


def _tis_class(tis: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.digitize(np.nan_to_num(tis), [MINIMAL, MODERATE, MAJOR]).astype(np.int64)


def _dot(face: str) -> dict[str, Any]:
    return {
        "linestyle": "none",
        "marker": "o",
        "markersize": 4.4,
        "markerfacecolor": face,
        "markeredgecolor": "black",
        "markeredgewidth": 0.5,
    }


def _draw_events(axes: Any, seen: Snapshot, row: int, y_of: Mapping[int, float]) -> None:
    """Draw events to the right of their moment, one after another where several fall together."""
    from matplotlib.transforms import ScaledTranslation

    what = happenings(trials_of(seen, row, row + 1))
    points = axes.figure.dpi_scale_trans
    points_per_week = _WIDTH_POINTS / (axes.get_xlim()[1] - axes.get_xlim()[0])
    taken: dict[int, float] = {}  # patient -> where his last mark stands, in points
    for place, minute, kind, serious in zip(
        what.place, what.minute, what.kind, what.serious, strict=True
    ):
        mark = _mark_of(EVENTS[int(kind)], int(serious))
        if int(place) not in y_of or mark is None:
            continue
        moment = minute / MINUTES_PER_WEEK * points_per_week
        # who leaves is marked at the end of the bar, where no visit is
        nearest = moment if mark == LEFT else moment + _STEP
        stands = max(nearest, taken.get(int(place), -math.inf) + _STEP)
        taken[int(place)] = stands
        axes.plot(
            [minute / MINUTES_PER_WEEK],
            [y_of[int(place)]],
            transform=axes.transData + ScaledTranslation((stands - moment) / 72.0, 0.0, points),
            clip_on=False,
            zorder=4,
            **_sign(*_MARKS[mark]),
        )


def _mark_of(event: str, serious: int) -> str | None:
    """Return the entry of the legend that an event has; the bar itself shows a stop."""
    if event == STOPPED:
        return None
    if event.startswith(_REACTION):
        return _SERIOUS_REACTION if serious == 1 else _REACTION
    return event


def _sign(marker: str, face: str, size: float) -> dict[str, Any]:
    return {
        "linestyle": "none",
        "marker": marker,
        "markersize": size,
        "markerfacecolor": face,
        "markeredgecolor": "white",
        "markeredgewidth": 0.35,
    }


def _draw_legend(figure: Any, seen: Snapshot, row: int, caption: str) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    def line(label: str, **style: Any) -> Any:
        return Line2D([], [], label=label, **style)

    entries = [line(label, **_dot(face)) for label, face in TIS_CLASSES]
    entries.append(
        line("infusion course", linestyle="none", marker="|", color="black", markersize=7)
    )
    entries.append(Patch(facecolor="0.35", alpha=0.5, label="on treatment"))
    entries.append(Patch(facecolor="0.35", alpha=0.16, label="treatment stopped, in the study"))
    what = happenings(trials_of(seen, row, row + 1))
    counted = Counter(
        _mark_of(EVENTS[int(kind)], int(serious))
        for kind, serious in zip(what.kind, what.serious, strict=True)
    )
    entries += [
        line(f"{mark} ({counted[mark]})", **_sign(*style)) for mark, style in _MARKS.items()
    ]
    figure.legend(
        handles=entries,
        loc="outside lower center",
        ncols=4,
        title=caption,
        title_fontsize=7,
        frameon=False,
        fontsize=7,
        handletextpad=0.5,
        columnspacing=1.2,
    )


def _caption(seen: Snapshot, row: int, replicate: int, n_bars: int) -> str:
    entered = int((seen.arm[row] >= 0).sum())
    text = f"Simulated trial {replicate}, n = {entered}; no patient shown exists. "
    if n_bars < entered:
        text += f"The first {n_bars} randomised are shown; events are counted over all. "
    text += (
        "Circles: TIS class at attended visits. Events stand to the right of their moment, those "
        "close together side by side; in brackets how many there were."
    )
    return textwrap.fill(text, width=118)


def _thinned(weeks: tuple[int, ...], most: int = 14) -> list[int]:
    every = math.ceil(len(weeks) / most)
    return list(weeks[::every])


def _plain(text: str) -> str:
    """Return text that matplotlib does not read as mathematics."""
    return text.replace("$", r"\$")
