"""A tornado as a table for a terminal and as a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simtrial.report.curves import write_figure
from simtrial.report.tables import aligned, number

MOST_ROWS = 15  # in the figure; the table holds all
_COLOURS = {"low": "#1b4f72", "high": "#b9770e"}
_STATUS_COLOURS = {"fitted": "#196f3d", "published elsewhere": "#5b2c6f", "assumed": "#922b21"}
_NAMES = {"power": "power", "type1": "type I error"}
_Z95 = 1.959963984540054
_PALE = 0.35  # of bars that noise alone can explain


def tornado_table(document: Mapping[str, Any]) -> str:
    """Return every assumption with its ends, the change at each, and what it does to the arms."""
    low, high = _quantiles(document)
    arms = list(document["base"]["rates"])
    head = ["parameter", "status", "base", low, high, f"at {low}", f"at {high}", ""]
    head += [f"{arm} at {low} / {high}" for arm in arms]
    rows = [head]
    for row in document["rows"]:
        ends = (row["low"], row["high"])
        mark = "within noise" if row["indistinguishable_from_zero"] else ""
        shifts = [" / ".join(_signed(end["rates_change"][arm]) for end in ends) for arm in arms]
        rows.append(
            [
                row["parameter"],
                row["status"],
                *(f"{v:.3g}" for v in (row["base_value"], *(end["value"] for end in ends))),
                *(f"{end['change']:+.4f} ({number(end['change_mcse'])})" for end in ends),
                mark,
                *shifts,
            ]
        )
    return (
        f"Change of {_NAMES[document['metric']]} (paired MCSE), then of response by arm "
        "(composite), when one parameter is at the end of its interval:\n"
        + aligned(rows, right=[2, 3, 4, 5, 6, *range(8, 8 + len(arms))])
    )


def tornado_figure(document: Mapping[str, Any]) -> Any:
    """Return a matplotlib figure: the change of the metric at each end of an interval.

    The two ends of a parameter are drawn above each other, so that they do not hide one another
    when both move the metric the same way.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    rows = document["rows"][:MOST_ROWS]
    base, name = document["base"], _NAMES[document["metric"]]
    figure = Figure(figsize=(9.0, 2.6 + 0.46 * max(len(rows), 1)), layout="constrained")
    axes = figure.add_subplot()
    for place, row in enumerate(rows):
        for end, offset in (("low", -0.2), ("high", 0.2)):
            _draw_end(axes, row, end, place + offset)
    axes.axvline(0.0, color="0.2", linewidth=0.9)
    axes.set_yticks(range(len(rows)), [_label(row) for row in rows], fontsize=9)
    for text, row in zip(axes.get_yticklabels(), rows, strict=True):
        text.set_color(_STATUS_COLOURS[row["status"]])
    axes.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(*_reach(rows))
    axes.set_xlabel(
        f"change of {name} (base {base['estimate']:.3f}, MCSE {base['mcse']:.4f}; "
        f"n = {document['n']}, all arms)"
    )
    _add_absolute_axis(axes, base["estimate"], name)
    axes.set_title(document["title"].replace("$", r"\$"), fontsize=11, loc="left")
    axes.grid(axis="x", alpha=0.25)
    axes.set_axisbelow(True)
    low, high = _quantiles(document)
    handles = [
        Patch(color=_COLOURS["low"], label=f"parameter at its {low} quantile"),
        Patch(color=_COLOURS["high"], label=f"parameter at its {high} quantile"),
    ]
    if any(row["indistinguishable_from_zero"] for row in rows):
        handles.append(Patch(color="0.3", alpha=_PALE, label="pale: within 1.96 paired MCSE of 0"))
    figure.legend(handles=handles, loc="outside upper left", ncols=3, frameon=False, fontsize=9)
    figure.supxlabel(_footnote(document), fontsize=8, color="0.35")
    return figure


def save_figure(document: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write the figure as SVG and PNG."""
    return write_figure(tornado_figure(document), folder, "tornado")


def _draw_end(axes: Any, row: Mapping[str, Any], end: str, y: float) -> None:
    """Draw a bar of the change, its 95 % interval, and the parameter's value beyond both."""
    change, error = row[end]["change"], _Z95 * row[end]["change_mcse"]
    strength = _PALE if row["indistinguishable_from_zero"] else 1.0
    axes.barh(y, change, height=0.36, color=_COLOURS[end], alpha=strength, linewidth=0)
    axes.errorbar(change, y, xerr=error, fmt="none", ecolor="0.1", elinewidth=0.9, capsize=1.8)
    outward = -1 if change < 0 or (change == 0 and end == "low") else 1
    axes.annotate(
        f"{row[end]['value']:.3g}",
        (change + outward * error, y),
        xytext=(4 * outward, 0),
        textcoords="offset points",
        ha="right" if outward < 0 else "left",
        va="center",
        fontsize=7.5,
        color=_COLOURS[end],
    )


def _reach(rows: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Return limits that leave room for the values written beyond the bars."""
    ends = [
        row[end]["change"] + sign * _Z95 * row[end]["change_mcse"]
        for row in rows
        for end in ("low", "high")
        for sign in (-1, 1)
    ]
    least, most = min([0.0, *ends]), max([0.0, *ends])
    room = 0.1 * max(most - least, 0.01)
    return least - room, most + room


def _add_absolute_axis(axes: Any, base: float, name: str) -> None:
    """Write the metric itself above the axes, where it is a probability."""
    from matplotlib.ticker import MaxNLocator

    above = axes.secondary_xaxis("top", functions=(lambda x: x + base, lambda x: x - base))
    low, high = (base + limit for limit in axes.get_xlim())
    marks = MaxNLocator(10, steps=[1, 2, 5, 10]).tick_values(max(low, 0.0), min(high, 1.0))
    ticks = [float(mark) for mark in marks if max(low, 0.0) <= mark <= min(high, 1.0)]
    above.set_xticks(ticks, [f"{tick:.4g}" for tick in ticks])
    above.set_xlabel(name)


def _label(row: Mapping[str, Any]) -> str:
    unit = "" if row["unit"] == "1" else f" {row['unit']}"
    return f"{row['parameter']} = {row['base_value']:.3g}{unit}\n({row['status']})"


def _quantiles(document: Mapping[str, Any]) -> tuple[str, str]:
    tail = 50.0 * (1.0 - document["interval"])
    return f"{tail:.4g} %", f"{100.0 - tail:.4g} %"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.3f}"


def _footnote(document: Mapping[str, Any]) -> str:
    shown = min(len(document["rows"]), MOST_ROWS)
    left = len(document["rows"]) - shown
    more = f"; {left} more with a smaller change are not shown" if left else ""
    fixed = len(document["not_varied"])
    cut = "; interrupted, not all were run" if document["interrupted"] else ""
    return (
        "one parameter at a time, the others at the base (value beside the name); "
        f"{shown} largest of {len(document['rows'])}{more}; {fixed} fixed{cut}\n"
        "stated control rate held where a parameter would move it; whiskers: 1.96 paired MCSE, "
        f"{document['trials']:,} trials an end; seed {document['seed']}"
    )
