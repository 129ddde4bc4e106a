"""The figure of several looks: the chance to have stopped by each, for success and for futility."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simtrial.core.errors import ResultError
from simtrial.report.boundaries import DARK, FUTILITY, SUCCESS, boundary_figure
from simtrial.report.curves import markup, write_figure
from simtrial.report.look_axis import escaped, look_positions, widened, wrapped, write_foot
from simtrial.report.result_file import decision_metric, protocol_of_result

Row = Mapping[str, Any]
UNITS = {"n": "patients with outcomes", "events": "events, both arms", "week": "weeks"}
_PALE = 0.30
_THIN = 0.085  # of the height: a thinner region has its label outside
_MARGIN = 0.075


def rows_with_looks(document: Mapping[str, Any]) -> list[Row]:
    """Return the rows of a result that have several looks."""
    return [row for row in document["scenarios"] if len(row.get("looks", ())) > 1]


def timed_by(row: Row) -> str:
    """Return by what a row's looks are timed: ``n``, ``events`` or ``week``."""
    return next(key for key in UNITS if key in row["looks"][0])


def stopping_figure(rows: Row | Sequence[Row]) -> Any:
    """Return a matplotlib figure of one or more rows of a result: how trials stop, by look.

    From below, the chance to have succeeded by each look; from above, that to have stopped for
    futility; between them, the trials that go on, or end without success at the last look.

    Raises
    ------
    ResultError : when no row has several looks.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    given = [rows] if isinstance(rows, Mapping) else list(rows)
    shown = [row for row in given if len(row.get("looks", ())) > 1]
    if not shown:
        raise ResultError(
            f"{_scenarios(given)}: there is one look, or none, and nothing to draw over "
            "looks; give rows of a design of several looks, such as those of: simtrial power "
            "outcome_binary_three_looks --json."
        )
    columns = min(len(shown), 2 if len(shown) == 4 else 3)
    times = [float(look[timed_by(row)]) for row in shown[:1] for look in row["looks"]]
    wide = widened(look_positions(times)[0], inches=0.62, least=4.4)
    high = math.ceil(len(shown) / columns)
    size = (max(6.4, wide * columns), 1.3 + 4.1 * high)
    figure = Figure(figsize=size, layout="constrained")
    for place, row in enumerate(shown):
        axes = figure.add_subplot(high, columns, place + 1)
        _draw_row(axes, row, size[0] / columns - 0.6, gid=f"scenario-{place + 1}-")
    with_futility = any(_stops_for_futility(row) for row in shown)
    handles = [Patch(color=SUCCESS, alpha=_PALE, label="success by then")]
    if with_futility:
        handles.append(Patch(color=FUTILITY, alpha=_PALE, label="stopped for futility by then"))
    handles.append(Patch(facecolor="white", edgecolor="0.6", label="going on, or no success"))
    notes = [_footnote(shown)]
    if look_positions(times)[1]:
        notes.append("looks drawn at equal distances")
    write_foot(figure, handles, notes)
    return figure


def save_figures(document: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write both figures of a result of several looks as SVG and PNG; none where there are none."""
    rows = rows_with_looks(document)
    if not rows:
        return []
    design = protocol_of_result(document)
    return [
        *write_figure(stopping_figure(rows), folder, "looks"),
        *write_figure(boundary_figure(design, rows[0]["n"]), folder, "boundaries"),
    ]


def figures_markup(document: Mapping[str, Any]) -> tuple[str, str]:
    """Return both figures as elements of an HTML page: stopping, and bounds."""
    rows = rows_with_looks(document)
    design = protocol_of_result(document)
    words = "Chance to have stopped by each look; the tables below have the values."
    stopping = markup(stopping_figure(rows), words, prefix="looks-")
    words = "What is decided at each look: success, futility, or to go on."
    return stopping, markup(boundary_figure(design, rows[0]["n"]), words, prefix="boundaries-")


def _draw_row(axes: Any, row: Row, width: float, *, gid: str) -> None:
    """Draw one scenario: steps that begin at a look and last until the next."""
    looks, by = row["looks"], timed_by(row)
    times = [float(look[by]) for look in looks]
    where, _ = look_positions(times)
    last_step = max(float(np.median(np.diff(where))) * 0.9, 0.12 * where[-1])
    edges = [*where, where[-1] + last_step]
    futility = _stops_for_futility(row)
    _draw_region(axes, edges, looks, "success_by", upwards=True, gid=gid)
    if futility:
        _draw_region(axes, edges, looks, "futility_by", upwards=False, gid=gid)
    _label_rest(axes, looks[-1], edges[-1], with_futility=futility, gid=gid)
    for edge in (0.0, 1.0):
        axes.axhline(edge, color="0.5", linewidth=0.8)
    names = [_time_in_words(look, by) for look in looks]
    axes.set_xticks(where, names, fontsize=9)
    axes.set_yticks(np.linspace(0.0, 1.0, 6))
    start = where[0] - 0.3 * last_step
    axes.set(xlim=(start, edges[-1]), ylim=(-_MARGIN, 1.0 + _MARGIN))
    timed = any("mean_week" in look for look in looks) and by == "events"
    axes.set_xlabel(f"{UNITS[by]}, at the look{' (mean week)' if timed else ''}")
    axes.set_ylabel("probability, cumulative over looks")
    axes.set_title(escaped(wrapped(_heading(row), width)), fontsize=9.5, loc="left")
    axes.grid(axis="y", alpha=0.25)
    axes.set_axisbelow(True)


def _draw_region(
    axes: Any, edges: Sequence[float], looks: Sequence[Row], key: str, *, upwards: bool, gid: str
) -> None:
    """Fill from 0 upwards, or from 1 downwards, with steps, intervals and values."""
    colour = SUCCESS if upwards else FUTILITY
    ink = SUCCESS if upwards else DARK
    word = gid + key.removesuffix("_by")
    found = [look[key]["estimate"] for look in looks]
    level = [v if upwards else 1.0 - v for v in found]
    base = 0.0 if upwards else 1.0
    steps = [*level, level[-1]]
    axes.fill_between(edges, steps, base, step="post", color=colour, alpha=_PALE, linewidth=0)
    axes.step(
        [edges[0], *edges], [base, *steps], where="post", color=colour, linewidth=1.5,
        linestyle="-" if upwards else "--", gid=word,
    )  # fmt: skip
    for k, look in enumerate(looks):
        middle = (edges[k] + edges[k + 1]) / 2.0
        ends, reach = look[key]["interval95"], 0.0
        if look[key]["replicates"] and ends is not None:
            reach = max(found[k] - ends[0], ends[1] - found[k])
            low, high = ends if upwards else (1.0 - ends[1], 1.0 - ends[0])
            error = [[max(level[k] - low, 0.0)], [max(high - level[k], 0.0)]]
            axes.errorbar(
                middle, level[k], yerr=error, fmt="none", ecolor="0.1", elinewidth=0.9, capsize=2.5
            )
        # inside its region, or beyond the end of the scale where that is thin
        inside = found[k] - reach >= _THIN
        towards_base = -1 if upwards else 1
        axes.annotate(
            f"{found[k]:.3f}",
            (middle, level[k] + towards_base * reach if inside else base),
            xytext=(0, 3 * towards_base),
            textcoords="offset points",
            ha="center",
            va="top" if upwards else "bottom",
            fontsize=8.5,
            color=ink,
            gid=f"{word}-{k + 1}",
        )


def _label_rest(axes: Any, look: Row, right: float, *, with_futility: bool, gid: str) -> None:
    """Write the share of trials that end without success, where there is room between regions."""
    won, lost = look["success_by"], look["futility_by"]
    above = 1.0 - (lost["estimate"] if with_futility else 0.0)
    rest = above - won["estimate"]
    least = (won["interval95"] or [0.0, won["estimate"]])[1]
    most = min(above, 1.0 - (lost["interval95"] or [0.0, 0.0])[1]) if with_futility else 1.0
    if most - least >= _THIN:
        axes.annotate(
            f"no success\n{rest:.3f}", (right, (least + most) / 2.0), xytext=(-3, 0),
            textcoords="offset points", ha="right", va="center", fontsize=8, color="0.3",
            gid=f"{gid}no-success",
        )  # fmt: skip


def _stops_for_futility(row: Row) -> bool:
    return any(look["futility"]["estimate"] > 0.0 for look in row["looks"])


def _time_in_words(look: Row, by: str) -> str:
    told = f"{look[by]:,g}"
    if by == "events" and "mean_week" in look:
        told += f"\n(week {look['mean_week']['estimate']:.0f})"
    return told


def _heading(row: Row) -> str:
    """Return the scenario, what is true in it, and what comes of it."""
    lines = [f"{Path(row['scenario']).name}, n = {row['n']:,}"]
    if row.get("truth"):
        lines.append("; ".join(f"{arm} {words}" for arm, words in sorted(row["truth"].items())))
    name = decision_metric(row)
    words = {"type1": "type I error", "success": "success without effect"}
    told = [] if name is None else [f"{words.get(name, name)} {_value(row, name, 3)}"]
    if "expected_n" in row["metrics"]:
        told.append(f"expected n {_value(row, 'expected_n', 1)}")
    if "expected_events" in row["metrics"]:
        told.append(f"expected events {_value(row, 'expected_events', 1)}")
    return "\n".join([*lines, *told])


def _value(row: Row, name: str, digits: int) -> str:
    found = row["metrics"][name]
    if row.get("exact"):
        return f"{found['estimate']:.{digits}f} (exact)"
    error = found["mcse"]
    told = "no MCSE" if error is None else f"MCSE {error:.{digits + 1}f}"
    return f"{found['estimate']:.{digits}f} ({told})"


def _footnote(rows: Sequence[Row]) -> str:
    exact = [bool(row.get("exact")) for row in rows]
    if all(exact):
        return "exact: no simulation"
    counts = {m["replicates"] for row in rows for m in row["metrics"].values() if m["replicates"]}
    told = f"whiskers: 95 % Monte Carlo intervals, {max(counts):,} trials a scenario"
    return f"{told}; without whiskers: exact" if any(exact) else told


def _scenarios(rows: Sequence[Row]) -> str:
    return "scenario " + ", ".join(str(row.get("scenario", "unnamed")) for row in rows)
