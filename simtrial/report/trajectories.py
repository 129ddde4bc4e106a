"""Mean course of each measure by arm, over visits, with 95 % intervals of the means."""

from __future__ import annotations

import math
import textwrap
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Cohort
from simtrial.myositis.measures import ENZYME, MMT_MAXIMUM
from simtrial.operating.cohorts import trials_of
from simtrial.report.swimmer import arm_colours, row_of
from simtrial.stats.montecarlo import wilson_interval
from simtrial.trial.design import Design

_MARKERS = ("o", "s", "^", "D", "v", "P")
_STYLES = ("-", "--", "-.", ":")


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

    seen = cohort.seen if isinstance(cohort, Cohort) else cohort
    if replicate is not None:
        row = row_of(seen, replicate, first)
        seen = trials_of(seen, row, row + 1)
    elif seen.arm.shape[0] == 1:
        replicate = first
    entered = seen.arm >= 0
    arm, n_arms = seen.arm[entered], len(design.arms)
    measures, tis = seen.measures[entered], seen.tis[entered]
    colours = list(arm_colours(design).values())
    figure = Figure(figsize=(7.5, 10.4), layout="constrained")
    grid = figure.subplots(4, 2, sharex=True)
    weeks = np.array(design.visits_weeks, np.float64)
    for k, title in enumerate(_titles(design)):
        means = means_by_visit(measures[:, :, k], arm, n_arms, geometric=k == ENZYME)
        _draw(grid.flat[k], weeks, means, title, colours)
    grid.flat[ENZYME].set_yscale("log")
    _plain_log_ticks(grid.flat[ENZYME])
    means = means_by_visit(tis, arm, n_arms)
    _draw(grid.flat[6], weeks, means, "Total Improvement Score, 0 to 100\n↑ better", colours)
    grid.flat[6].set_ylim(bottom=0.0)
    threshold = design.endpoint.threshold
    shares = shares_by_visit(tis[:, 1:], arm, n_arms, threshold)
    _draw(
        grid.flat[7],
        weeks[1:],
        shares,
        f"Share with TIS ≥ {threshold:g}, observed\n↑ better",
        colours,
    )
    grid.flat[7].set_ylim(0.0, 1.0)
    grid.flat[6].set_xticks(_shown(weeks))
    _write_counts(grid.flat[6], weeks, means.n, colours)
    _write_counts(grid.flat[7], weeks, np.pad(shares.n, ((0, 0), (1, 0))), colours)
    _draw_legend(figure, design, arm, _caption(seen, replicate))
    figure.suptitle(
        f"SYNTHETIC: {design.title}".replace("$", r"\$"), fontsize=10, x=0.01, ha="left"
    )
    return figure


def _empty(n_arms: int, n_visits: int) -> Means:
    shape = (n_arms, n_visits)
    return Means(np.zeros(shape, np.int64), *(np.full(shape, np.nan) for _ in range(3)))


def _titles(design: Design) -> tuple[str, ...]:
    most = MMT_MAXIMUM[design.population.mmt]
    return (
        "Physician global activity, cm (0 to 10)\n↓ better",
        "Patient global activity, cm (0 to 10)\n↓ better",
        "Extramuscular activity, cm (0 to 10)\n↓ better",
        "Health Assessment Questionnaire, points (0 to 3)\n↓ better",
        f"Manual muscle test, points (0 to {most})\n↑ better",
        "Creatine kinase, × upper limit of normal,\ngeometric mean, log scale; ↓ better",
    )


def _draw(
    axes: Any, weeks: NDArray[np.float64], means: Means, title: str, colours: list[str]
) -> None:
    n_arms = means.n.shape[0]
    # side by side, so that intervals of two arms do not hide each other
    step = 0.012 * (weeks[-1] - min(weeks[0], 0.0))
    for a in range(n_arms):
        x = weeks + step * (a - (n_arms - 1) / 2)
        axes.vlines(x, means.low[a], means.high[a], color=colours[a], linewidth=1.2)
        axes.plot(x, means.mean[a], color=colours[a], markersize=4.5, **_style(a))
    axes.set_title(title, fontsize=8.5, loc="left")
    axes.grid(alpha=0.25)
    axes.tick_params(labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _style(arm: int) -> dict[str, Any]:
    return {
        "marker": _MARKERS[arm % len(_MARKERS)],
        "linestyle": _STYLES[arm % len(_STYLES)],
        "linewidth": 1.3,
    }


def _plain_log_ticks(axes: Any) -> None:
    """Label a logarithmic axis with plain numbers, at least two of them."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 5.0, 7.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def _shown(weeks: NDArray[np.float64], most: int = 9) -> NDArray[np.float64]:
    """Return the weeks that are labelled."""
    return weeks[:: math.ceil(weeks.shape[0] / most)]


def _write_counts(
    axes: Any, weeks: NDArray[np.float64], n: NDArray[np.int64], colours: list[str]
) -> None:
    """Write how many were assessed at each visit below the axis, a line an arm."""
    shown = _shown(weeks)
    n = n[:, np.isin(weeks, shown)]
    axes.set_xlabel("weeks since randomisation; below: patients assessed", fontsize=8, labelpad=2)
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


def _draw_legend(figure: Any, design: Design, arm: NDArray[np.int64], caption: str) -> None:
    from matplotlib.lines import Line2D

    colours = arm_colours(design)
    entries = [
        Line2D(
            [],
            [],
            color=colours[name],
            label=f"{name} ({int((arm == a).sum()):,} randomised)",
            **_style(a),
        )
        for a, name in enumerate(design.arm_names)
    ]
    figure.legend(
        handles=entries,
        loc="outside lower center",
        ncols=3,
        title=caption,
        title_fontsize=7,
        frameon=False,
        fontsize=8.5,
    )


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
        "Wilson for shares. The share starts after the baseline, where TIS is 0 by definition."
    )
    return textwrap.fill(text + independent, width=118)
