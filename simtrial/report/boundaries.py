"""The figure of a design's bounds: what is decided at each look, by z or by the two counts.

A test statistic has one bound a look, drawn over information. A rule on two counts has a staircase
a look: the fewest responders of the better arm that succeed, for each number in the other arm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.analysis.rules import analysed, binary_looks, critical_values, futility_values
from simtrial.core.errors import DesignError
from simtrial.report.look_axis import escaped, look_positions, widened, wrapped, write_foot
from simtrial.trial.plan import Plan
from simtrial.trial.wording import success_words

SUCCESS, FUTILITY, NO_SUCCESS = "#1b4f72", "#b9770e", "0.80"
DARK = "#7e5109"  # of words about futility
MOST_PANELS = 12
_LABELS_A_PANEL = 6
_PALE = 0.30
_ROOMY = 24  # patients up to which a row is as high as its label


def boundary_figure(design: Plan, n: int | None = None) -> Any:
    """Return a matplotlib figure of what a design decides at each look.

    Parameters
    ----------
    n : patients in all, in place of the design's.

    Raises
    ------
    DesignError : when the design decides nothing.
    """
    if design.decision is None or design.analysis is None:
        raise DesignError(
            f"{design.where('decision')} is missing; a design without analysis and decision has no "
            "bounds to draw; give one that decides, such as outcome_binary_three_looks."
        )
    total = design.sample_size.n if n is None else n
    if design.is_time_to_event or design.analysis.method == "z_test":
        return _figure_of_z(design, total)
    return _figure_of_counts(design, total)


@dataclass(frozen=True, kw_only=True)
class Staircase:
    """What one look decides on two counts.

    success : (n0 + 1,) fewest responders of the better arm from which on all succeed, by the
        responders of the other; n1 + 1 where none does.
    futility : (n0 + 1,) most responders of the better arm up to which all stop for futility; -1
        where none does. None without such a rule.
    exact : whether these say all: no fewer responders succeed, no more stop for futility.
    """

    n1: int
    n0: int
    success: NDArray[np.int64]
    futility: NDArray[np.int64] | None
    exact: bool


def staircases(design: Plan, n: int) -> tuple[Staircase, ...]:
    """Return the staircase of each look of a design on counts, at its planned arm sizes."""
    out = []
    for (n1, n0), look in zip(planned_arms(design, n), binary_looks(design, n), strict=True):
        never = np.zeros((n1 + 1, n0 + 1), np.bool_)
        win = never if look.success is None else look.success.table(n1, n0)
        # over y1: how many from the top succeed without a gap
        success = n1 + 1 - np.logical_and.accumulate(win[::-1], axis=0).sum(axis=0)
        exact = bool((win.sum(axis=0) == n1 + 1 - success).all())
        futility = None
        if look.futility is not None:
            stop = look.futility.table(n1, n0) & ~win  # success is tried first
            futility = np.logical_and.accumulate(stop, axis=0).sum(axis=0) - 1
            exact &= bool((stop.sum(axis=0) == futility + 1).all())
        out.append(Staircase(n1=n1, n0=n0, success=success, futility=futility, exact=exact))
    return tuple(out)


def planned_arms(design: Plan, n: int) -> tuple[tuple[int, int], ...]:
    """Return (better, other) arm sizes at each look as the allocation ratio plans them."""
    _, decision = analysed(design)
    better, other = decision.success.arms()
    ratio = {better: 1, other: 1} if design.allocation is None else design.allocation.ratio
    share = ratio[better] / (ratio[better] + ratio[other])
    return tuple((k := int(size * share + 0.5), size - k) for size in design.look_sizes(n))


def arms_are_fixed(design: Plan, n: int) -> bool:
    """Return whether the allocation makes the arm sizes at every look those planned."""
    allocation = design.allocation
    if allocation is None or len(allocation.block_sizes) != 1 or allocation.strata:
        return False
    return all(size % allocation.block_sizes[0] == 0 for size in design.look_sizes(n))


def _figure_of_counts(design: Plan, n: int) -> Any:
    from matplotlib.figure import Figure

    _, decision = analysed(design)
    better, other = decision.success.arms()
    steps = staircases(design, n)
    shown = _evenly(len(steps), MOST_PANELS)
    columns = min(len(shown), 3)
    rows = math.ceil(len(shown) / columns)
    figure = Figure(figsize=(max(6.2, 3.9 * columns), 1.5 + 3.7 * rows), layout="constrained")
    for place, k in enumerate(shown):
        axes = figure.add_subplot(rows, columns, place + 1)
        _draw_staircase(axes, steps[k], k, last=k == len(steps) - 1)
        axes.set_xlabel(f"responders under {escaped(other)}, of {steps[k].n0}")
        axes.set_ylabel(f"responders under {escaped(better)}, of {steps[k].n1}")
        size = steps[k].n1 + steps[k].n0
        axes.set_title(f"look {k + 1} of {len(steps)}: {size:,} patients", fontsize=10)
    with_futility = steps[0].futility is not None
    notes = [
        f"above a solid step: fewest responders under {better} that succeed at that number under "
        f"{other}"
    ]
    if with_futility:
        notes.append("below a dashed step: most that stop for futility")
    if not arms_are_fixed(design, n):
        notes.append("arms as the ratio plans them; by allocation they may differ by a few")
    if not all(step.exact for step in steps):
        notes.append("in places other counts decide alike; every count beyond a step does")
    if len(shown) < len(steps):
        notes.append(f"{len(shown)} of {len(steps)} looks shown")
    _finish(figure, design, notes, several=len(steps) > 1, futility=with_futility)
    return figure


def _draw_staircase(axes: Any, step: Staircase, k: int, *, last: bool) -> None:
    """Draw the regions of one look, the steps between them, and numbers along the steps."""
    edges = np.arange(step.n0 + 2) - 0.5
    lowest, highest = -0.5, step.n1 + 0.5

    def along(values: NDArray[np.int64], shift: float) -> NDArray[np.float64]:
        return np.append(values, values[-1]).astype(np.float64) + shift

    won = along(step.success, -0.5)
    lost = np.full_like(won, lowest) if step.futility is None else along(step.futility, 0.5)
    fill: dict[str, Any] = {"step": "post", "linewidth": 0}
    axes.fill_between(edges, won, highest, color=SUCCESS, alpha=_PALE, **fill)
    if last:
        axes.fill_between(edges, lowest, won, color=NO_SUCCESS, **fill)
    elif step.futility is not None:
        axes.fill_between(edges, lowest, lost, color=FUTILITY, alpha=_PALE, **fill)
    axes.step(edges, won, where="post", color=SUCCESS, linewidth=1.6, gid=f"success-{k + 1}")
    if step.futility is not None:
        axes.step(
            edges, lost, where="post", color=FUTILITY, linewidth=1.6, linestyle="--",
            gid=f"futility-{k + 1}",
        )  # fmt: skip
    for x in _label_places(step.n0):
        found = int(step.success[x])
        if found <= step.n1:
            _label(axes, x, found, SUCCESS, -1, step.n1)
        most = -1 if step.futility is None else int(step.futility[x])
        if most >= 0:
            _label(axes, x, most, DARK, 1, step.n1)
    axes.set(xlim=(-0.5, step.n0 + 0.5), ylim=(lowest, highest))
    _whole_ticks(axes)
    axes.grid(alpha=0.25)


def _label(axes: Any, x: int, y: int, colour: str, side: int, n1: int) -> None:
    """Mark a pair of counts and write the better arm's: to its upper left, or its lower right.

    At the frame, where rows are low, there is no room for it.
    """
    at_edge = (n1 - y if side < 0 else y) < 0.04 * n1
    if at_edge and n1 > _ROOMY:
        return
    axes.plot([x], [y], marker="o", markersize=2.6, color=colour, linestyle="none", clip_on=False)
    axes.annotate(
        str(y),
        (x, y),
        xytext=(4 * side, 0 if at_edge else -side),
        textcoords="offset points",
        ha="right" if side < 0 else "left",
        va="center" if at_edge else ("bottom" if side < 0 else "top"),
        fontsize=8,
        fontweight="bold",
        color=colour,
    )


def _label_places(n0: int) -> list[int]:
    """Return some numbers of responders at which the steps are labelled, clear of the frame."""
    least = 0 if n0 <= 4 else max(1, round(0.07 * n0))
    return sorted({round(x) for x in np.linspace(least, n0 - least, min(n0 + 1, _LABELS_A_PANEL))})


def _whole_ticks(axes: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(8, integer=True))


def _figure_of_z(design: Plan, n: int) -> Any:
    from matplotlib.figure import Figure

    analysis, decision = analysed(design)
    times, information, unit = look_times(design, n)
    looks = len(times)
    efficacy = critical_values(decision, information).efficacy
    futility = futility_values(decision, looks)
    where, evenly = look_positions(times)
    gap = min(np.diff(where), default=where[-1])
    figure = Figure(figsize=(widened(where, inches=0.95, least=7.2), 4.9), layout="constrained")
    axes = figure.add_subplot()
    drawn = [z for z in (*efficacy, *(futility or ())) if math.isfinite(z)]
    span = max(drawn) - min([0.0, *drawn])
    low = min([0.0, *drawn]) - (0.06 if futility is None else 0.18) * span
    high = max(drawn) + 0.18 * span
    for k, x in enumerate(where):
        half, last = 0.32 * gap, k == looks - 1
        bar: dict[str, Any] = {"width": 2 * half, "linewidth": 0}
        top = min(efficacy[k], high)
        under = low if futility is None or last else max(futility[k], low)
        axes.bar(x, high - top, bottom=top, color=SUCCESS, alpha=_PALE, **bar)
        if last:
            axes.bar(x, top - low, bottom=low, color=NO_SUCCESS, **bar)
        elif under > low:
            axes.bar(x, under - low, bottom=low, color=FUTILITY, alpha=_PALE, **bar)
        axes.bar(x, high - low, bottom=low, color="none", edgecolor="0.55", width=2 * half)
        _mark(axes, x, efficacy[k], half, SUCCESS, f"success-{k + 1}", above=True)
        if futility is not None and not last:
            _mark(axes, x, futility[k], half, FUTILITY, f"futility-{k + 1}", above=False)
    for bounds, colour, line in ((efficacy, SUCCESS, "-"), (futility or (), FUTILITY, "--")):
        kept = [(x, z) for x, z in zip(where, bounds, strict=False) if math.isfinite(z)]
        axes.plot(
            [x for x, _ in kept], [z for _, z in kept],
            color=colour, linewidth=0.8, linestyle=line, alpha=0.8, zorder=1,
        )  # fmt: skip
    names = [f"{t:,g}\n{100 * share:.3g} %" for t, share in zip(times, information, strict=True)]
    if len(times) == 1:
        names = [f"{times[0]:,g}"]
    axes.set_xticks(where, names)
    axes.set(xlim=(where[0] - 0.6 * gap, where[-1] + 0.6 * gap), ylim=(low, high))
    also = "" if len(times) == 1 else "; below it the share of the information"
    axes.set_xlabel(f"{unit}, at the look{also}")
    better, other = (escaped(arm) for arm in decision.success.arms())
    test = {"logrank": "log-rank", "cox": "Cox", "z_test": f"{analysis.variance} two-sample"}
    axes.set_ylabel(f"{test[analysis.method]} z, above 0 in favour of {better}\nover {other}")
    axes.grid(axis="y", alpha=0.25)
    axes.set_axisbelow(True)
    notes = ["beside each bound: its z, and in brackets the one-sided p of that z"]
    if futility is not None:
        notes.append("futility is not binding: the bounds for success do not rely on it")
    if evenly:
        notes.append("looks drawn at equal distances")
    _finish(figure, design, notes, several=looks > 1, futility=futility is not None)
    return figure


def _mark(
    axes: Any, x: float, z: float, half: float, colour: str, gid: str, *, above: bool
) -> None:
    """Draw a bound across its look, with its z and one-sided p written beside."""
    if not math.isfinite(z):
        return
    axes.plot([x - half, x + half], [z, z], color=colour, linewidth=2.2, gid=gid)
    p = 0.5 * math.erfc(z / math.sqrt(2.0))
    axes.annotate(
        f"{z:.3f}\n({p:.2g})",
        (x, z),
        xytext=(0, 4 if above else -4),
        textcoords="offset points",
        ha="center",
        va="bottom" if above else "top",
        fontsize=8,
        color=SUCCESS if above else DARK,
        bbox={"facecolor": "white", "alpha": 0.55, "linewidth": 0, "pad": 0.6},
    )


def look_times(design: Plan, n: int) -> tuple[list[float], tuple[float, ...], str]:
    """Return when each look is, its share of the information, and the unit of the first."""
    by = design.looks[0].by
    if not design.is_time_to_event:
        sizes = design.look_sizes(n)
        return [float(s) for s in sizes], tuple(s / n for s in sizes), "patients with outcomes"
    times = [float(getattr(look, by)) for look in design.looks]
    shares = tuple(
        t / times[-1] if by == "events" else float(look.information or 1.0)
        for t, look in zip(times, design.looks, strict=True)
    )
    return times, shares, {"events": "events, both arms", "week": "weeks"}[by]


def _finish(
    figure: Any, design: Plan, notes: Sequence[str], *, several: bool, futility: bool
) -> None:
    """Write the title, the rule, the legend of the regions, and notes."""
    from matplotlib.patches import Patch

    _, decision = analysed(design)
    told = f"{design.title}\nsuccess: {success_words(design)}"
    if decision.futility is not None:
        told += f"\nfutility: {decision.futility.words()}"
    figure.suptitle(escaped(wrapped(told, figure.get_size_inches()[0])), fontsize=10)
    word = "stop for success" if several else "success"
    handles = [Patch(color=SUCCESS, alpha=_PALE, label=word)]
    if several:
        handles.append(Patch(facecolor="white", edgecolor="0.55", label="go on"))
    if futility:
        handles.append(Patch(color=FUTILITY, alpha=_PALE, label="stop for futility"))
    word = "no success at the end" if several else "no success"
    handles.append(Patch(color=NO_SUCCESS, label=word))
    write_foot(figure, handles, notes)


def _evenly(count: int, most: int) -> list[int]:
    """Return at most ``most`` of 0..count-1, evenly spread with both ends."""
    return sorted({round(i) for i in np.linspace(0, count - 1, min(count, most))})
