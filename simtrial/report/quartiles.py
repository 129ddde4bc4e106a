"""How patients differ: quartiles and range of each measure and of the TIS, by arm and visit.

Beside ``trajectories``, which shows how well a mean is known.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Cohort
from simtrial.myositis.measures import ENZYME
from simtrial.myositis.tis import MAJOR, MINIMAL, MODERATE
from simtrial.report.picture_parts import (
    PAGE_WIDTH,
    arm_colours,
    draw_legend,
    heading,
    one_trial,
    seen_of,
    whose,
)
from simtrial.report.visit_axes import (
    arm_entries,
    arm_style,
    beside,
    entitle,
    keep_to_scale,
    measure_scale,
    measure_titles,
    plain_log_ticks,
    shown_weeks,
    write_counts,
)
from simtrial.trial.design import Design

_APART = 0.022  # arms, as a share of the axis: two bars of quartiles do not touch


class Quartiles(NamedTuple):
    """Of those assessed, (A, V) each; NaN where an arm has nobody."""

    n: NDArray[np.int64]
    least: NDArray[np.float64]
    lower: NDArray[np.float64]
    median: NDArray[np.float64]
    upper: NDArray[np.float64]
    most: NDArray[np.float64]


def quartiles_by_visit(
    values: NDArray[np.float64], arm: NDArray[np.int64], n_arms: int
) -> Quartiles:
    """Return the five numbers of each arm and visit, between ranks interpolated (type 7).

    ``values`` : (N, V) NaN where not assessed; ``arm`` : (N,).
    """
    shape = (n_arms, values.shape[1])
    out = Quartiles(np.zeros(shape, np.int64), *(np.full(shape, np.nan) for _ in range(5)))
    for a in range(n_arms):
        for v in range(values.shape[1]):
            x = values[arm == a, v]
            x = x[~np.isnan(x)]
            out.n[a, v] = x.size
            if x.size:
                five = np.quantile(x, (0.0, 0.25, 0.5, 0.75, 1.0))
                for column, value in zip(out[1:], five, strict=True):
                    column[a, v] = value
    return out


def quartiles(
    cohort: Cohort | Snapshot, design: Design, replicate: int | None = None, first: int = 0
) -> Any:
    """Return a matplotlib figure: six measures and the TIS, medians with quartiles and range.

    Parameters
    ----------
    replicate : which trial; None pools the patients of all.
    first : the replicate in the first row of ``cohort``.

    Raises
    ------
    DesignError : when ``cohort`` does not hold that trial.
    """
    from matplotlib.figure import Figure

    seen = seen_of(cohort) if replicate is None else one_trial(cohort, replicate, first)
    if replicate is None and seen.arm.shape[0] == 1:
        replicate = first
    entered = seen.arm >= 0
    arm, measures, tis = seen.arm[entered], seen.measures[entered], seen.tis[entered]
    colours = list(arm_colours(design).values())
    weeks = np.array(design.visits_weeks, np.float64)
    figure = Figure(figsize=(PAGE_WIDTH, 10.4), layout="constrained")
    grid = figure.add_gridspec(4, 2)
    panels = [figure.add_subplot(grid[k // 2, k % 2]) for k in range(6)]
    panels.append(figure.add_subplot(grid[3, :]))
    n_arms = len(design.arms)
    for k, title in enumerate(measure_titles(design, "median")):
        found = quartiles_by_visit(measures[:, :, k], arm, n_arms)
        _draw(panels[k], weeks, found, colours)
        entitle(panels[k], title)
        keep_to_scale(panels[k], measure_scale(design, k))
        panels[k].set_xticks(shown_weeks(weeks))
    plain_log_ticks(panels[ENZYME])
    found = quartiles_by_visit(tis, arm, n_arms)
    _draw(panels[6], weeks, found, colours)
    for limit in (MINIMAL, MODERATE, MAJOR):
        panels[6].axhline(limit, color="0.5", linewidth=0.7, linestyle=":")
    entitle(
        panels[6],
        f"Total Improvement Score, 0 to 100 (dotted: {MINIMAL:g}, {MODERATE:g}, {MAJOR:g})\n"
        "↑ better",
    )
    panels[6].set_ylim(0.0, 100.0)
    panels[6].set_xticks(shown_weeks(weeks, 18))
    write_counts(panels[6], weeks, found.n, colours, most=18)
    draw_legend(figure, arm_entries(design, arm), _caption(seen, replicate))
    what = "How patients differ: medians, quartiles and range by arm and visit"
    figure.suptitle(heading(design, what), fontsize=10, x=0.01, ha="left")
    return figure


def _draw(axes: Any, weeks: NDArray[np.float64], found: Quartiles, colours: list[str]) -> None:
    n_arms = found.n.shape[0]
    for a in range(n_arms):
        x = beside(weeks, a, n_arms, apart=_APART)
        axes.vlines(x, found.least[a], found.most[a], color=colours[a], linewidth=0.7)
        axes.vlines(x, found.lower[a], found.upper[a], color=colours[a], linewidth=4.0, alpha=0.45)
        axes.plot(x, found.median[a], color=colours[a], markersize=4.5, **arm_style(a))


def _caption(seen: Snapshot, replicate: int | None) -> str:
    n, trials = int((seen.arm >= 0).sum()), seen.arm.shape[0]
    return (
        f"{whose(n, trials, replicate)} Of those assessed at a visit, whatever happened before. "
        "Marker: median; thick bar: quartiles; thin line: smallest to largest."
    )
