"""Mean course of each measure by arm, over visits, with 95 % intervals of the means."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Cohort
from simtrial.myositis.measures import ENZYME
from simtrial.report.picture_parts import arm_colours, draw_legend, heading, one_trial, seen_of
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
from simtrial.stats.montecarlo import wilson_interval
from simtrial.trial.design import Design


class Means(NamedTuple):
    """Means of those assessed, (A, V) each; NaN where an arm has nobody, or one for an interval."""

    n: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def means_by_visit(
    values: NDArray[np.float64], arm: NDArray[np.int64], n_arms: int, *, geometric: bool = False
) -> Means:
    """Return means with 95 % t intervals over patients.

    Parameters
    ----------
    values : (N, V) NaN where not assessed.
    arm : (N,)
    geometric : of the logarithms, and back.
    """
    from scipy.special import stdtrit

    seen = np.log(values) if geometric else values
    out = _empty(n_arms, values.shape[1])
    for a in range(n_arms):
        for v in range(values.shape[1]):
            x = seen[arm == a, v]
            x = x[~np.isnan(x)]
            out.n[a, v] = x.size
            if x.size == 0:
                continue
            out.mean[a, v] = x.mean()
            if x.size > 1:
                half = stdtrit(x.size - 1, 0.975) * x.std(ddof=1) / math.sqrt(x.size)
                out.low[a, v], out.high[a, v] = out.mean[a, v] - half, out.mean[a, v] + half
    if geometric:
        return Means(out.n, np.exp(out.mean), np.exp(out.low), np.exp(out.high))
    return out


def shares_by_visit(
    tis: NDArray[np.float64], arm: NDArray[np.int64], n_arms: int, threshold: float
) -> Means:
    """Return shares with TIS at least ``threshold`` of those assessed, with Wilson's intervals.

    ``tis`` : (N, V) NaN where not assessed; ``arm`` : (N,).
    """
    out = _empty(n_arms, tis.shape[1])
    for a in range(n_arms):
        for v in range(tis.shape[1]):
            x = tis[arm == a, v]
            x = x[~np.isnan(x)]
            out.n[a, v] = x.size
            if x.size:
                hits = int((x >= threshold).sum())
                out.mean[a, v] = hits / x.size
                out.low[a, v], out.high[a, v] = wilson_interval(hits, x.size)
    return out


def trajectories(
    cohort: Cohort | Snapshot, design: Design, replicate: int | None = None, first: int = 0
) -> Any:
    """Return a matplotlib figure: six measures, TIS, and the share that reaches the threshold.

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
    arm, n_arms = seen.arm[entered], len(design.arms)
    measures, tis = seen.measures[entered], seen.tis[entered]
    colours = list(arm_colours(design).values())
    figure = Figure(figsize=(7.5, 10.4), layout="constrained")
    grid = figure.subplots(4, 2, sharex=True)
    weeks = np.array(design.visits_weeks, np.float64)
    for k, title in enumerate(measure_titles(design, "geometric mean")):
        means = means_by_visit(measures[:, :, k], arm, n_arms, geometric=k == ENZYME)
        _draw(grid.flat[k], weeks, means, title, colours)
        keep_to_scale(grid.flat[k], measure_scale(design, k))
    plain_log_ticks(grid.flat[ENZYME])
    means = means_by_visit(tis, arm, n_arms)
    _draw(grid.flat[6], weeks, means, "Total Improvement Score, 0 to 100\n↑ better", colours)
    grid.flat[6].set_ylim(bottom=0.0)
    keep_to_scale(grid.flat[6], (0.0, 100.0))
    threshold = design.endpoint.threshold
    shares = shares_by_visit(tis[:, 1:], arm, n_arms, threshold)
    _draw(
        grid.flat[7],
        weeks[1:],
        shares,
        f"Share with TIS ≥ {threshold:g}, observed\n↑ better",
        colours,
    )
    grid.flat[7].set_ylim(-0.03, 1.03)
    grid.flat[6].set_xticks(shown_weeks(weeks))
    write_counts(grid.flat[6], weeks, means.n, colours)
    write_counts(grid.flat[7], weeks, np.pad(shares.n, ((0, 0), (1, 0))), colours)
    draw_legend(figure, arm_entries(design, arm), _caption(seen, replicate))
    what = "Means by arm and visit, with 95 % intervals of the means"
    figure.suptitle(heading(design, what), fontsize=10, x=0.01, ha="left")
    return figure


def _empty(n_arms: int, n_visits: int) -> Means:
    shape = (n_arms, n_visits)
    return Means(np.zeros(shape, np.int64), *(np.full(shape, np.nan) for _ in range(3)))


def _draw(
    axes: Any, weeks: NDArray[np.float64], means: Means, title: str, colours: list[str]
) -> None:
    n_arms = means.n.shape[0]
    for a in range(n_arms):
        x = beside(weeks, a, n_arms)
        axes.vlines(x, means.low[a], means.high[a], color=colours[a], linewidth=1.2)
        axes.plot(x, means.mean[a], color=colours[a], markersize=4.5, **arm_style(a))
    entitle(axes, title)


def _caption(seen: Snapshot, replicate: int | None) -> str:
    n = int((seen.arm >= 0).sum())
    whose = f"the {n:,} patients of simulated trial {replicate}"
    independent = ""
    if replicate is None:
        whose = f"the {n:,} patients of {seen.arm.shape[0]:,} simulated trials together"
        independent = (
            " Intervals take patients as independent; those of one trial are not where each trial "
            "has its own truth (scenario posterior)."
        )
    text = (
        f"Over {whose}; no patient shown exists. Means of those assessed at a visit, whatever "
        "happened before; who left is missing. Bars: 95 % intervals over patients, t for means, "
        "Wilson for shares; axes end where a scale ends. The share starts after the "
        "baseline, where TIS is 0 by definition."
    )
    return text + independent
