"""The swimmer plot of one simulated trial: a bar a patient, and what happened on the way."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Cohort
from simtrial.core.units import MINUTES_PER_DAY, MINUTES_PER_WEEK
from simtrial.operating.cohorts import trials_of
from simtrial.report.happenings import (
    EVENTS,
    FURTHER,
    LEFT,
    OTHER_SERIOUS,
    STOPPED,
    happenings,
)
from simtrial.report.picture_parts import (
    ADVERSE,
    MARKS,
    PAGE_WIDTH,
    REACTION,
    SERIOUS_REACTION,
    TIS_CLASSES,
    arm_colours,
    as_seen,
    draw_legend,
    followed_until,
    heading,
    row_of,
    seen_of,
    sign,
    tis_class,
)
from simtrial.trial.design import Design

MOST_BARS = 100  # more are not legible on one page
_STEP = 5.2  # points between marks of one visit
_WIDTH_POINTS = 500.0  # about the width of the axes


def swimmer(
    cohort: Cohort | Snapshot,
    design: Design,
    replicate: int = 0,
    first: int = 0,
    *,
    cut_minute: int | None = None,
) -> Any:
    """Return a matplotlib figure of one trial.

    Patients stand by arm, the longest in the study on top. A bar is coloured while treatment goes
    on and pale after it was stopped, up to the last minute seen. Beyond ``MOST_BARS`` patients the
    first randomised are shown, and the figure says so.

    Parameters
    ----------
    replicate : which trial.
    first : the replicate in the first row of ``cohort``.
    cut_minute : of the calendar, up to which ``cohort`` was looked at; None for whole trials.

    Raises
    ------
    DesignError : when ``cohort`` does not hold that trial.
    """
    from matplotlib.figure import Figure

    seen = seen_of(cohort)
    row = row_of(seen, replicate, first)
    until = followed_until(seen, design, cut_minute)[row]
    lanes = _lanes(seen, design, row, until)
    n_bars = sum(len(lane.places) for lane in lanes)
    # A4 less margins: 94 bars and the legend below fill a page
    height = min(10.9, 2.3 + 0.091 * n_bars + 0.12 * len(lanes))
    figure = Figure(figsize=(PAGE_WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    last = float(design.visits_weeks[-1])
    axes.set_xlim(-0.02 * last, last * 1.05)
    bottom = 0.0
    ticks: list[tuple[float, str]] = []
    for lane in lanes:
        ticks += _draw_lane(axes, lane, seen, design, row, bottom, until)
        bottom += len(lane.places) + 1.6
    axes.set_ylim(bottom - 1.0, -1.9)
    axes.set_xlabel("weeks since randomisation (ticks: planned visits)", fontsize=8.5)
    axes.set_xticks(_thinned(design.visits_weeks))
    axes.set_yticks([y for y, _ in ticks], [label for _, label in ticks])
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0, labelsize=4.8, pad=1)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    what = "Each patient's course: visits, infusions and events" + as_seen(cut_minute)
    figure.suptitle(heading(design, what), fontsize=10, x=0.01, ha="left")
    _draw_legend(figure, seen, row, _caption(seen, row, replicate, n_bars))
    return figure


@dataclass(frozen=True, kw_only=True)
class _Lane:
    """The bars of one arm, in the order in which they are drawn."""

    name: str
    n_arm: int
    places: list[int]


def _lanes(seen: Snapshot, design: Design, row: int, until: NDArray[np.int64]) -> list[_Lane]:
    entered = np.nonzero(seen.arm[row] >= 0)[0][:MOST_BARS]
    out = []
    for a, name in enumerate(design.arm_names):
        places = [int(p) for p in entered if seen.arm[row, p] == a]
        places.sort(key=lambda p: (-int(until[p]), p))
        n_arm = int((seen.arm[row] == a).sum())
        out.append(_Lane(name=name, n_arm=n_arm, places=places))
    return out


def _draw_lane(
    axes: Any,
    lane: _Lane,
    seen: Snapshot,
    design: Design,
    row: int,
    bottom: float,
    last_minute: NDArray[np.int64],
) -> list[tuple[float, str]]:
    """Draw an arm's bars, infusions, visits and events; return positions and names for the axis."""
    colour = arm_colours(design)[lane.name]
    y_of = {p: bottom + i for i, p in enumerate(lane.places)}
    y = np.array(list(y_of.values()), np.float64)
    places = np.array(lane.places, np.int64)
    shown = f"n = {lane.n_arm}"
    if len(lane.places) < lane.n_arm:
        shown = f"{len(lane.places)} of {lane.n_arm} shown"
    axes.text(0.0, bottom - 0.75, f"{lane.name}, {shown}", color=colour, fontsize=8, weight="bold")
    until = last_minute[places] / MINUTES_PER_WEEK
    stop = seen.stop_minute[row, places]
    treated = np.where(stop >= 0, stop / MINUTES_PER_WEEK, until)
    axes.barh(y, until, height=0.72, color=colour, alpha=0.16, linewidth=0)
    axes.barh(y, np.minimum(treated, until), height=0.72, color=colour, alpha=0.5, linewidth=0)
    for j in range(seen.course_minute.shape[2]):
        begun = seen.course_minute[row, places, j]
        given = begun >= 0
        # at the course's middle, as drawn: its days are a hair wide on this axis
        half = (seen.course_days[row, places, j] - 1.0) * (MINUTES_PER_DAY / 2)
        axes.vlines(
            ((begun + half) / MINUTES_PER_WEEK)[given],
            y[given] - 0.47,
            y[given] + 0.47,
            color="black",
            linewidth=0.9,
        )
    for v in range(1, len(design.visits_weeks)):  # TIS is 0 at the first by definition
        tis = seen.tis[row, places, v]
        came = seen.visit_minute[row, places, v] / MINUTES_PER_WEEK
        for c, (_, face) in enumerate(TIS_CLASSES):
            these = ~np.isnan(tis) & (tis_class(tis) == c)
            axes.plot(
                came[these],
                y[these],
                **_dot(face),
                zorder=3,
            )
    _draw_events(axes, seen, row, y_of)
    return [(y_of[p], f"P{seen.candidate[row, p]:03d}") for p in lane.places]


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
            **sign(mark),
        )


def _mark_of(event: str, serious: int) -> str | None:
    """Return the entry of the legend that an event has; the bar itself shows a stop."""
    if event == STOPPED:
        return None
    if event.startswith(REACTION):
        return SERIOUS_REACTION if serious == 1 else REACTION
    if event in FURTHER:
        return OTHER_SERIOUS if serious == 1 else ADVERSE
    return event


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
    shown = [mark for mark in MARKS if counted[mark]]
    entries += [line(f"{mark} ({counted[mark]})", **sign(mark)) for mark in shown]
    draw_legend(figure, entries, caption, columns=4)


def _caption(seen: Snapshot, row: int, replicate: int, n_bars: int) -> str:
    entered = int((seen.arm[row] >= 0).sum())
    text = f"Simulated trial {replicate}, n = {entered}; no patient shown exists. "
    if n_bars < entered:
        text += f"The first {n_bars} randomised are shown; events are counted over all. "
    text += (
        "Circles: TIS class at attended visits. Events stand to the right of their moment, those "
        "close together side by side; in brackets how many there were."
    )
    return text


def _thinned(weeks: tuple[int, ...], most: int = 14) -> list[int]:
    every = math.ceil(len(weeks) / most)
    return list(weeks[::every])
