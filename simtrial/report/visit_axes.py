"""Panels over the planned visits: an arm's line style, the weeks labelled, how many were assessed.

``Means`` are what such a panel draws of each arm and visit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.myositis.measures import ENZYME, HAQ, HAQ_RANGE, MMT, MMT_MAXIMUM, VAS_RANGE_CM
from simtrial.report.picture_parts import arm_colours, entered_word, tidy
from simtrial.trial.design import Design

_MARKERS = ("o", "s", "^", "D", "v", "P")
_STYLES = ("-", "--", "-.", ":")


def measure_titles(design: Design, enzyme: str) -> tuple[str, ...]:
    """Return a title for each core set measure: its unit, its range, which way is better.

    ``enzyme`` : what is shown of the enzyme, such as ``geometric mean``.
    """
    most = MMT_MAXIMUM[design.population.mmt]
    return (
        "Physician global activity, cm (0 to 10)\n↓ better",
        "Patient global activity, cm (0 to 10)\n↓ better",
        "Extramuscular activity, cm (0 to 10)\n↓ better",
        "Health Assessment Questionnaire, points (0 to 3)\n↓ better",
        f"Manual muscle test, points (0 to {most})\n↑ better",
        f"Enzyme most abnormal at baseline, × upper\nlimit, {enzyme}, log scale; ↓ better",
    )


def measure_scale(design: Design, k: int) -> tuple[float, float] | None:
    """Return the lowest and highest value of a core set measure; None without a highest."""
    special = {HAQ: HAQ_RANGE, MMT: float(MMT_MAXIMUM[design.population.mmt])}
    return None if k == ENZYME else (0.0, special.get(k, VAS_RANGE_CM))


def keep_to_scale(axes: Any, scale: tuple[float, float] | None) -> None:
    """End an axis where the scale ends; where nothing is drawn show the whole scale."""
    if scale is None:
        return
    margin = 0.02 * (scale[1] - scale[0])
    ends = (scale[0] - margin, scale[1] + margin)
    drawn = axes.get_ylim() if np.isfinite(axes.dataLim.ymin) else ends
    axes.set_ylim(max(drawn[0], ends[0]), min(drawn[1], ends[1]))


def arm_style(arm: int) -> dict[str, Any]:
    """Return marker and line of an arm, so that arms differ without colour too."""
    return {
        "marker": _MARKERS[arm % len(_MARKERS)],
        "linestyle": _STYLES[arm % len(_STYLES)],
        "linewidth": 1.3,
    }


def beside(
    weeks: NDArray[np.float64], arm: int, n_arms: int, *, apart: float = 0.012
) -> NDArray[np.float64]:
    """Return where an arm is drawn at each visit: arms side by side, so that none hides another.

    ``apart`` : the distance of two arms as a share of the axis.
    """
    step = apart * (weeks[-1] - min(weeks[0], 0.0))
    return np.asarray(weeks + step * (arm - (n_arms - 1) / 2), np.float64)


def entitle(axes: Any, title: str) -> None:
    """Give a panel its title and a light grid."""
    axes.set_title(title, fontsize=8.5, loc="left")
    axes.grid(alpha=0.25)
    tidy(axes)


def plain_log_ticks(axes: Any) -> None:
    """Make an axis logarithmic, labelled with plain numbers: two of them at least, not too many."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    if not np.isfinite(axes.dataLim.minposy):  # nothing was drawn, so there is no range to take
        axes.set_ylim(0.1, 10.0)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    subs = (1.0, 3.0) if high / low > 30.0 else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
    axes.yaxis.set_major_locator(LogLocator(subs=subs))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def shown_weeks(weeks: NDArray[np.float64], most: int = 9) -> NDArray[np.float64]:
    """Return the weeks that are labelled."""
    return weeks[:: math.ceil(weeks.shape[0] / most)]


def write_counts(
    axes: Any,
    weeks: NDArray[np.float64],
    n: NDArray[np.int64],
    colours: list[str],
    *,
    most: int = 9,
    label: str = "weeks since randomisation; below: patients assessed",
) -> None:
    """Write how many were assessed at each visit below the axis, a line an arm."""
    shown = shown_weeks(weeks, most)
    n = n[:, np.isin(weeks, shown)]
    axes.set_xlabel(label, fontsize=8, labelpad=2)
    for a in range(n.shape[0]):
        for week, count in zip(shown, n[a], strict=True):
            axes.annotate(
                f"{count:,}" if count else "",
                (week, 0.0),
                xycoords=("data", "axes fraction"),
                xytext=(0, -31 - 10 * a),
                textcoords="offset points",
                ha="center",
                va="top",
                fontsize=7,
                color=colours[a],
                annotation_clip=False,
            )


def arm_entries(design: Design, arm: NDArray[np.int64]) -> list[Any]:
    """Return the legend's entries: an arm's line, and how many patients it has."""
    from matplotlib.lines import Line2D

    colours = arm_colours(design)
    return [
        Line2D(
            [],
            [],
            color=colours[name],
            label=f"{name} ({int((arm == a).sum()):,} {entered_word(design)})",
            **arm_style(a),
        )
        for a, name in enumerate(design.arm_names)
    ]
