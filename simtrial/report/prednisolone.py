"""The dose of prednisolone over the visits, by arm, and how many are at a low dose or without."""

from __future__ import annotations

import math
import textwrap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Cohort
from simtrial.report.picture_parts import (
    PAGE_WIDTH,
    arm_colours,
    draw_legend,
    heading,
    one_trial,
    plain,
    seen_of,
    whose,
)
from simtrial.report.quartiles import Quartiles, quartiles_by_visit
from simtrial.report.trajectories import Means, shares_by_visit
from simtrial.report.visit_axes import (
    arm_entries,
    arm_style,
    beside,
    entitle,
    shown_weeks,
    write_counts,
)
from simtrial.trial.design import Design

LOW_DOSES_MG = (7.5, 5.0, 0.0)
MOST_LINES = 400  # of an arm; more are one grey surface
SHIFT_MG = 1.2  # between the highest and the lowest of equal doses, less than half a tablet's step
_GOLDEN = 0.6180339887498949  # multiples of it lie far apart in 0..1, however many
_PANELS_IN_A_ROW = 4


def prednisolone(
    cohort: Cohort | Snapshot, design: Design, replicate: int | None = None, first: int = 0
) -> Any:
    """Return a matplotlib figure: each patient's dose by arm, and shares at most 7.5, 5 and 0 mg.

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
    arm, dose = seen.arm[entered], seen.prednisolone[entered]
    names, n_arms = design.arm_names, len(design.arms)
    colours = list(arm_colours(design).values())
    weeks = np.array(design.visits_weeks, np.float64)
    rows = math.ceil(n_arms / _PANELS_IN_A_ROW)
    across = math.ceil(n_arms / rows)
    columns = math.lcm(across, len(LOW_DOSES_MG))
    figure = Figure(figsize=(PAGE_WIDTH, 3.6 + 2.9 * rows), layout="constrained")
    grid = figure.add_gridspec(rows + 1, columns)
    found = quartiles_by_visit(dose, arm, n_arms)
    highest = max(10.0, float(np.nanmax(dose, initial=0.0)))
    for a, name in enumerate(names):
        r, c = divmod(a, across)
        wide = columns // across
        axes = figure.add_subplot(grid[r, c * wide : (c + 1) * wide])
        _draw_lines(axes, weeks, dose[arm == a][:MOST_LINES], colours[a])
        _draw_quartiles(axes, weeks, found, a, colours[a])
        n_arm = int((arm == a).sum())
        shown = f", {MOST_LINES:,} lines drawn" if n_arm > MOST_LINES else ""
        title = textwrap.fill(f"{name}, n\u00a0=\u00a0{n_arm:,}{shown}", width=84 // across - 2)
        entitle(axes, plain(title))
        axes.set_ylim(-0.04 * highest, 1.05 * highest)
        axes.set_xticks(shown_weeks(weeks, 7))
        axes.set_xlabel("weeks since randomisation", fontsize=8)
        if c == 0:
            axes.set_ylabel("prednisolone, mg a day", fontsize=8.5)
    for i, most_mg in enumerate(LOW_DOSES_MG):
        wide = columns // len(LOW_DOSES_MG)
        axes = figure.add_subplot(grid[rows, i * wide : (i + 1) * wide])
        low = low_dose_shares(dose, arm, n_arms, most_mg)
        _draw_shares(axes, weeks, low, colours)
        entitle(axes, f"Share at ≤ {most_mg:g} mg a day" if most_mg else "Share without, 0 mg")
        axes.set_ylim(-0.03, 1.03)
        axes.set_xticks(shown_weeks(weeks, 5))
        write_counts(axes, weeks, low.n, colours, most=5, label="weeks; below: assessed")
    draw_legend(figure, arm_entries(design, arm), _caption(seen, design, replicate))
    figure.suptitle(heading(design, "Dose of prednisolone"), fontsize=10, x=0.01, ha="left")
    return figure


def low_dose_shares(
    dose: NDArray[np.float64], arm: NDArray[np.int64], n_arms: int, most_mg: float
) -> Means:
    """Return shares of those assessed who take at most ``most_mg`` a day, with Wilson's intervals.

    ``dose`` : (N, V) mg a day, NaN where not assessed; ``arm`` : (N,).
    """
    return shares_by_visit(-dose, arm, n_arms, -most_mg)


def _draw_lines(
    axes: Any, weeks: NDArray[np.float64], dose: NDArray[np.float64], colour: str
) -> None:
    """Draw a step line a patient, all of them as one path: gaps part them.

    Doses come in steps of tablets, so lines are shifted a little, each by an amount of its own.
    """
    shift = SHIFT_MG * (np.arange(dose.shape[0]) * _GOLDEN % 1.0 - 0.5)
    dose = dose + shift[:, None]
    gap = np.full((dose.shape[0], 1), np.nan)
    x = np.hstack([np.broadcast_to(weeks, dose.shape), gap]).ravel()
    axes.plot(
        x, np.hstack([dose, gap]).ravel(), drawstyle="steps-post", color=colour,
        linewidth=0.5 if dose.shape[0] > 60 else 0.9, alpha=0.5,
    )  # fmt: skip


def _draw_quartiles(
    axes: Any, weeks: NDArray[np.float64], found: Quartiles, a: int, colour: str
) -> None:
    axes.fill_between(
        weeks, found.lower[a], found.upper[a], step="post", color=colour, alpha=0.22, linewidth=0
    )
    style = arm_style(a) | {"linewidth": 2.0}
    axes.plot(
        weeks, found.median[a], drawstyle="steps-post", color=colour, markersize=4.5,
        markeredgecolor="white", markeredgewidth=0.5, **style,
    )  # fmt: skip


def _draw_shares(axes: Any, weeks: NDArray[np.float64], low: Means, colours: list[str]) -> None:
    n_arms = low.n.shape[0]
    for a in range(n_arms):
        x = beside(weeks, a, n_arms)
        axes.vlines(x, low.low[a], low.high[a], color=colours[a], linewidth=1.2)
        axes.plot(x, low.mean[a], color=colours[a], markersize=4.0, **arm_style(a))


def _caption(seen: Snapshot, design: Design, replicate: int | None) -> str:
    n, trials = int((seen.arm >= 0).sum()), seen.arm.shape[0]
    rule = design.prednisolone.taper
    stable = " (so only who leaves moves the median)" if rule == "stable" else ""
    return (
        f"{whose(n, trials, replicate)} Protocol: {rule} dose{stable}; of those assessed at a "
        f"visit. Thin lines: patients, shifted by up to {SHIFT_MG / 2:g} mg so that equal doses "
        "are seen; thick line: median; surface: quartiles. Bars: Wilson's 95 % intervals of shares."
    )
