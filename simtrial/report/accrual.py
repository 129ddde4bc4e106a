"""Accrual of a trial over calendar weeks: screened, randomised, sites open, and the plan."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Cohort
from simtrial.core.units import DAYS_PER_MONTH, MINUTES_PER_WEEK, minutes_from_weeks
from simtrial.report.picture_parts import (
    PAGE_WIDTH,
    as_seen,
    draw_legend,
    entered_word,
    heading,
    one_trial,
    seen_of,
    tidy,
    whose,
)
from simtrial.trial.design import Design

FEWEST_FOR_BANDS = 20  # trials; of fewer the 5 % and 95 % quantiles would be the extremes
_GRID = 240  # weeks at which bands are counted
BANDS = ((0.05, 0.95, "90 %", 0.18), (0.25, 0.75, "50 %", 0.34))
_COLOUR, _SCREENED, _SITES = "#0072B2", "#D55E00", "#555555"


def accrual(
    cohort: Cohort | Snapshot,
    design: Design,
    replicate: int = 0,
    first: int = 0,
    *,
    cut_minute: int | None = None,
) -> Any:
    """Return a matplotlib figure of one trial's accrual, with bands over all trials held.

    Parameters
    ----------
    replicate : the trial drawn as a line.
    first : the replicate in the first row of ``cohort``.
    cut_minute : of the calendar, up to which ``cohort`` was looked at; None for whole trials.

    Raises
    ------
    DesignError : when ``cohort`` does not hold that trial.
    """
    from matplotlib.figure import Figure

    every, seen = seen_of(cohort), one_trial(cohort, replicate, first)
    weeks, counts = randomised_curve(seen)
    screened_weeks, screened = screened_curve(seen, design)
    open_weeks = opening_weeks(design)
    n = design.sample_size.n
    last = max(
        1.0,
        float(every.randomised_minute.max()) / MINUTES_PER_WEEK,
        float(open_weeks[-1]),
        _planned_end(design),
    )
    grid = np.linspace(0.0, 1.02 * last, _GRID)
    figure = Figure(figsize=(PAGE_WIDTH, 6.0), layout="constrained")
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    word = entered_word(design)
    trials = every.arm.shape[0]
    if trials >= FEWEST_FOR_BANDS:
        of_each = randomised_by(every, grid)
        for low, high, told, alpha in BANDS:
            bounds = np.quantile(of_each, (low, high), axis=0, method="inverted_cdf")
            label = f"{word}, the middle {told} of {trials:,} trials"
            axes.fill_between(grid, *bounds, color=_COLOUR, alpha=alpha, linewidth=0, label=label)
    axes.plot(
        grid, planned(design, grid), color="black", linestyle="--", linewidth=1.0,
        label=f"{word}, expected at the planned rate",
    )  # fmt: skip
    axes.plot(
        screened_weeks, screened, color=_SCREENED, linestyle="-.", linewidth=1.2,
        label=f"screened, this trial ({int(seen.screened[0]):,})",
    )  # fmt: skip
    told = f"{int((seen.arm[0] >= 0).sum()):,}"
    told += f", the last in week {weeks[-1]:.1f}" if weeks.shape[0] > 1 else ""
    axes.step(
        weeks, counts, where="post", color=_COLOUR, linewidth=1.8,
        label=f"{word}, this trial ({told})",
    )  # fmt: skip
    axes.axhline(n, color="0.6", linewidth=0.7)
    axes.annotate(
        f"planned: {n:,}", (0.0, n), xycoords=("axes fraction", "data"), xytext=(4, 3),
        textcoords="offset points", fontsize=8, color="0.35",
    )  # fmt: skip
    axes.set_ylabel("patients, cumulative", fontsize=8.5)
    axes.set_ylim(0.0, 1.08 * max(n, float(screened.max())))
    below.step(
        np.append(open_weeks, grid[-1]),
        np.append(np.arange(1, open_weeks.shape[0] + 1), open_weeks.shape[0]),
        where="post",
        color=_SITES,
        linewidth=1.4,
    )
    below.set_ylabel("sites open", fontsize=8.5)
    below.set_ylim(0.0, 1.1 * open_weeks.shape[0])
    _whole_numbers(below)
    below.set_xlabel("calendar weeks since the first site opened", fontsize=8.5)
    below.set_xlim(0.0, grid[-1])
    _shade_pauses(design, axes, below)
    if cut_minute is not None:
        for part in (axes, below):
            part.axvline(cut_minute / MINUTES_PER_WEEK, color="0.3", linewidth=0.9, linestyle=":")
    for part in (axes, below):
        part.grid(alpha=0.25)
        tidy(part)
    figure.suptitle(
        heading(design, "Accrual" + as_seen(cut_minute)), fontsize=10, x=0.01, ha="left"
    )
    handles, _ = axes.get_legend_handles_labels()
    draw_legend(
        figure,
        handles,
        _caption(seen, design, replicate, trials, whole=cut_minute is None),
        columns=2,
    )
    return figure


def randomised_curve(seen: Snapshot) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return weeks and how many were in by then, from nobody in week 0 on; of a single trial."""
    minutes = np.sort(seen.randomised_minute[0][seen.arm[0] >= 0])
    return np.append(0.0, minutes / MINUTES_PER_WEEK), np.arange(minutes.shape[0] + 1)


def screened_curve(seen: Snapshot, design: Design) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return weeks and how many had been screened by then, of a single trial.

    A trial records when its patients were randomised, and their place in the order of screening:
    so the count is known at the screening of each of them, and not between.
    """
    entered = seen.arm[0] >= 0
    minute = seen.randomised_minute[0][entered] - minutes_from_weeks(design.weeks_to_randomisation)
    count = seen.candidate[0][entered] + 1
    order = np.argsort(count)
    weeks = np.append(0.0, minute[order] / MINUTES_PER_WEEK)
    return weeks, np.append(0, count[order])


def randomised_by(seen: Snapshot, grid: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return (R, G) how many of each trial were in by each week of ``grid``."""
    replicates, cells = seen.arm.shape[0], grid.shape[0]
    row, place = np.nonzero(seen.arm >= 0)
    # the first week of the grid by which a patient is in; those after its end fall off
    week = seen.randomised_minute[row, place] / MINUTES_PER_WEEK
    cell = np.searchsorted(grid, week, side="left")
    flat = np.bincount(row * (cells + 1) + cell, minlength=replicates * (cells + 1))
    return np.cumsum(flat.reshape(replicates, cells + 1)[:, :cells], axis=1)


def opening_weeks(design: Design) -> NDArray[np.float64]:
    """Return (S,) the calendar week in which each site is planned to open."""
    plan = design.accrual
    return np.arange(plan.sites, dtype=np.float64) * (plan.site_opening_weeks / plan.sites)


def planned(design: Design, weeks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many are expected in by each week at the design's own rate, up to its n.

    Whoever is found eligible comes in after the weeks of screening and of a run-in. The clock of
    the sites stands still in a pause.
    """
    rate = design.accrual.patients_per_site_month / (DAYS_PER_MONTH / 7.0)
    since = np.sort(_running(design, opening_weeks(design)))
    until = _running(design, weeks - design.weeks_to_randomisation)
    n_open = np.searchsorted(since, until, side="right")
    site_weeks = n_open * until - np.append(0.0, np.cumsum(since))[n_open]
    return np.asarray(np.minimum(rate * site_weeks, design.sample_size.n), np.float64)


def pauses(design: Design) -> tuple[tuple[float, float], ...]:
    """Return the calendar weeks without arrivals, from and until."""
    return tuple(design.accrual.pauses_weeks)


def _running(design: Design, weeks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many of the weeks before each were no pause."""
    out = np.array(weeks, np.float64)
    for start, end in pauses(design):
        out -= np.clip(weeks, start, end) - start
    return out


def _planned_end(design: Design) -> float:
    """Return the week in which the planned rate fills the trial."""
    low, high = 0.0, 1.0
    n = float(design.sample_size.n)
    while planned(design, np.array([high]))[0] < n and high < 1e6:
        low, high = high, 2.0 * high
    fine = np.linspace(low, high, 400)
    return float(fine[np.searchsorted(planned(design, fine), n).clip(max=399)])


def _shade_pauses(design: Design, *panels: Any) -> None:
    for i, (start, end) in enumerate(pauses(design)):
        for j, panel in enumerate(panels):
            label = "recruitment paused" if i == j == 0 else None
            panel.axvspan(start, end, color="0.85", linewidth=0, zorder=0, label=label)


def _whole_numbers(axes: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))


def _caption(seen: Snapshot, design: Design, replicate: int, trials: int, *, whole: bool) -> str:
    n = int((seen.arm[0] >= 0).sum())
    text = whose(n, 1, replicate) + (
        f" Screened: known at the screening of each patient who got in, "
        f"{design.weeks_to_randomisation} weeks before, and joined by lines. Sites open as "
        "planned."
    )
    if whole and not seen.complete[0]:
        text += f" The candidates ran out before {design.sample_size.n:,} were found."
    if trials < FEWEST_FOR_BANDS:
        text += f" Bands over trials are drawn from {FEWEST_FOR_BANDS} simulated trials on."
    return text
