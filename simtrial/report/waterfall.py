"""The TIS waterfall: each patient's score at the endpoint's week, sorted, by arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Cohort
from simtrial.core.units import minutes_from_weeks
from simtrial.endpoints.responder import composite_response
from simtrial.myositis.tis import MAJOR, MINIMAL, MODERATE
from simtrial.report.happenings import DETERIORATION, LEFT, RESCUE, STOPPED_FOR_HARM
from simtrial.report.picture_parts import (
    MARKS,
    PAGE_WIDTH,
    TIS_CLASSES,
    arm_colours,
    as_seen,
    draw_legend,
    followed_until,
    heading,
    one_trial,
    plain,
    sign,
    tidy,
    tis_class,
    whose,
)
from simtrial.trial.design import Design

LIMITS = (MINIMAL, MODERATE, MAJOR)
_NOT_ASSESSED, _AWAITED = "not assessed", "visit still to come"
_MARKED = (DETERIORATION, RESCUE, STOPPED_FOR_HARM, LEFT, _NOT_ASSESSED, _AWAITED)
_FACES = ("#d9d9d9", *(face for _, face in TIS_CLASSES[1:]))  # white would not be seen as a bar
_EDGES_UP_TO = 60  # bars of the widest arm that still have room for an edge
_ROW = 9.0  # points of score between rows of marks below the axis


@dataclass(frozen=True, kw_only=True)
class Fall:
    """One arm, in the order drawn: the highest score first, then who was not assessed.

    ``tis`` : (N,) NaN where not assessed. ``happened`` : what is marked -> (N,), events up to the
    endpoint's week.
    """

    name: str
    tis: NDArray[np.float64]
    happened: dict[str, NDArray[np.bool_]]
    responders: int

    @property
    def assessed(self) -> int:
        """How many have a score."""
        return int((~np.isnan(self.tis)).sum())

    def reached(self, limit: float) -> int:
        """Return how many have a score of at least ``limit``."""
        return int((np.nan_to_num(self.tis, nan=-1.0) >= limit).sum())


def waterfall(
    cohort: Cohort | Snapshot,
    design: Design,
    replicate: int = 0,
    first: int = 0,
    *,
    cut_minute: int | None = None,
) -> Any:
    """Return a matplotlib figure of one trial: a bar a patient, a panel an arm.

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

    seen = one_trial(cohort, replicate, first)
    falls = falls_of(seen, design, cut_minute)
    occurring = [e for e in _MARKED if any(fall.happened[e].any() for fall in falls)]
    widest = max(1, max(fall.tis.shape[0] for fall in falls))
    figure = Figure(figsize=(PAGE_WIDTH, 1.7 + 2.6 * len(falls)), layout="constrained")
    panels = figure.subplots(len(falls), 1, sharex=True, squeeze=False)[:, 0]
    colours = arm_colours(design)
    for axes, fall in zip(panels, falls, strict=True):
        _draw(axes, fall, occurring, widest, colours[fall.name])
    panels[-1].set_xlabel("patients of the arm, the highest score first", fontsize=8.5)
    draw_legend(figure, _entries(falls, occurring), _caption(seen, design, replicate), columns=4)
    what = f"Total Improvement Score (TIS) of each patient at week {design.endpoint.week}"
    figure.suptitle(heading(design, what + as_seen(cut_minute)), fontsize=10, x=0.01, ha="left")
    return figure


def falls_of(seen: Snapshot, design: Design, cut_minute: int | None = None) -> list[Fall]:
    """Return the arms of the single trial in ``seen``, sorted as drawn."""
    v = design.visits_weeks.index(design.endpoint.week)
    until = minutes_from_weeks(design.endpoint.week)
    columns = {
        DETERIORATION: seen.deterioration_minute,
        RESCUE: seen.rescue_minute,
        STOPPED_FOR_HARM: seen.harm_stop_minute,
        LEFT: seen.left_minute,
    }
    response = composite_response(seen, design)[0]
    missing = np.isnan(seen.tis[0, :, v])
    awaited = missing & (followed_until(seen, design, cut_minute)[0] < until)
    awaited &= seen.left_minute[0] < 0
    out = []
    for a, name in enumerate(design.arm_names):
        places = np.flatnonzero(seen.arm[0] == a)
        places = places[np.argsort(-seen.tis[0, places, v], kind="stable")]  # NaN comes last
        out.append(
            Fall(
                name=name,
                tis=seen.tis[0, places, v],
                happened={
                    event: (minute[0, places] >= 0) & (minute[0, places] <= until)
                    for event, minute in columns.items()
                }
                | {
                    _NOT_ASSESSED: (missing & ~awaited)[places],
                    _AWAITED: awaited[places],
                },
                responders=int(response[places].sum()),
            )
        )
    return out


def _draw(axes: Any, fall: Fall, occurring: list[str], widest: int, colour: str) -> None:
    n = fall.tis.shape[0]
    x = np.arange(1, n + 1)
    kind = tis_class(fall.tis)
    for c, face in enumerate(_FACES):
        these = ~np.isnan(fall.tis) & (kind == c)
        axes.bar(
            x[these],
            # who scored 0 shows as a bar that can be seen
            np.maximum(fall.tis[these], 0.8),
            width=0.86,
            color=face,
            edgecolor="0.25",
            linewidth=0.4 if widest <= _EDGES_UP_TO else 0.0,
        )
    for limit in LIMITS:
        axes.axhline(limit, color="0.35", linewidth=0.7, linestyle="--", zorder=0)
    small = {"markersize": 3.0} if widest > _EDGES_UP_TO else {}
    for row, what in enumerate(occurring):
        where = x[fall.happened[what]]
        y = np.full(where.shape, -_ROW * (row + 0.75))
        axes.plot(where, y, **(_sign(what) | small))
    axes.set_xlim(0.0, widest + 1.0)
    axes.set_ylim(-_ROW * (len(occurring) + 0.4), 100.0)
    axes.set_yticks([0, *LIMITS, 100])
    axes.set_ylabel("TIS", fontsize=8.5)
    axes.axhline(0.0, color="0.2", linewidth=0.8)
    _whole_numbers(axes)
    reached = ", ".join(f"≥ {limit:g}: {fall.reached(limit):,}" for limit in LIMITS)
    axes.set_title(
        plain(
            f"{fall.name}, n = {n:,}; assessed {fall.assessed:,}; TIS {reached}; "
            f"response {fall.responders:,}"
        ),
        fontsize=8.5,
        loc="left",
        color=colour,
        weight="bold",
    )
    tidy(axes)


def _whole_numbers(axes: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True))


def _sign(what: str) -> dict[str, Any]:
    if what in MARKS:
        return sign(what)
    marker = "x" if what == _NOT_ASSESSED else "."
    return {"linestyle": "none", "marker": marker, "markersize": 3.5, "color": "0.35"}


def _entries(falls: list[Fall], occurring: list[str]) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries: list[Any] = [
        Patch(facecolor=face, edgecolor="0.25", linewidth=0.4, label=label)
        for face, (label, _) in zip(_FACES, TIS_CLASSES, strict=True)
    ]
    for what in occurring:
        count = sum(int(fall.happened[what].sum()) for fall in falls)
        entries.append(Line2D([], [], label=f"{what} ({count:,})", **_sign(what)))
    return entries


def _caption(seen: Snapshot, design: Design, replicate: int) -> str:
    n = int((seen.arm[0] >= 0).sum())
    return (
        f"{whose(n, 1, replicate)} Bars: TIS as measured at week {design.endpoint.week}, whatever "
        "happened before; a score of 0 is a thin bar, without a bar: not assessed. Marks below the "
        f"axis: what happened up to that visit. Response: {design.endpoint.words()} under the "
        "composite strategy, which counts such an event as no response."
    )
