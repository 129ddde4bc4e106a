"""A forest: one interval a row, what it is of above it, and its numbers to the right.

The text stands above its interval, not beside it, so that long endpoints need no small print and
the figure stays narrow. Places are in inches, from the left and from the top, and nothing depends
on the size of what was drawn before.
"""

from __future__ import annotations

import io
import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from simtrial.core.provenance import digest

Look = Literal["own", "again", "second_hand", "events"]

_WIDTH, _EDGE = 6.2, 0.1
_LEFT, _SPAN, _INDENT = 0.22, 2.75, 0.17
_COLUMNS = (3.14, 4.7, 6.1)  # left edge of the first, right edges of the others
_SIDES = ("left", "right", "right")
_LINE, _BAR, _GAP = 0.165, 0.17, 0.09
_TITLE, _PART, _TEXT, _SMALL = 11.0, 10.0, 9.0, 8.5
_FAR = 8  # rows after which the next heading has the axis above it again
_SPARE = 1.05  # a raster image fits letters to its pixels, and they grow
_FONT = "DejaVu Sans"  # comes with matplotlib, so that widths are the same everywhere
_LOOKS: dict[Look, dict[str, Any]] = {
    "own": {"color": "#1b4f72", "marker": "o", "markerfacecolor": "#1b4f72"},
    "again": {"color": "#7a9cb3", "marker": "o", "markerfacecolor": "#7a9cb3"},
    "second_hand": {"color": "#b9770e", "marker": "s", "markerfacecolor": "white"},
    "events": {"color": "#196f3d", "marker": "^", "markerfacecolor": "#196f3d"},
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One interval, in the unit of the axis.

    Attributes
    ----------
    columns : three texts to the right: whose, how many, and the interval in figures.
    indent : how far the row stands below another one, in steps.
    """

    label: str
    low: float
    value: float
    high: float
    columns: tuple[str, str, str]
    look: Look = "own"
    indent: int = 0


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rows under a heading; with ``part`` a larger one begins here, with an axis of its own.

    Far below an axis the next heading has it above it again.
    """

    part: str | None = None
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class Forest:
    """What is drawn.

    Attributes
    ----------
    heads : of the three columns.
    axis, marks : what the axis measures, and where it is marked, its two ends included.
    keys : how a row looks, and what that means.
    """

    title: str
    groups: tuple[Group, ...]
    heads: tuple[str, str, str]
    axis: str
    marks: tuple[float, ...]
    keys: tuple[tuple[Look, str], ...]
    remarks: tuple[str, ...]


def draw(forest: Forest) -> Any:
    """Return a matplotlib figure of a forest."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, 1.0))
    page = _Page(figure.add_axes((0.0, 0.0, 1.0, 1.0)), forest)
    page.down(0.2)
    for line in _wrapped(forest.title, _WIDTH - 2 * _EDGE, _TITLE):
        page.text(_EDGE, line, size=_TITLE)
        page.down(0.22)
    shown = {row.look for group in forest.groups for row in group.rows}
    for look, words in forest.keys:
        if look in shown:
            page.key(look, words)
    for group in forest.groups:
        page.group(group)
    page.axis(below=True)
    for remark in forest.remarks:
        page.paragraph(remark)
    page.down(0.05)
    figure.set_size_inches(_WIDTH, page.y)
    page.end()
    return figure


def svg(forest: Forest) -> str:
    """Return a forest as SVG; the same forest gives the same text, and carries its digest."""
    import matplotlib

    written = io.StringIO()
    about = {
        "Title": forest.title,
        "Description": f"numbers {numbers_digest(forest)}",
        "Creator": None,
        "Date": None,
    }
    # what a user's own settings say of fonts must not move a published figure
    with matplotlib.rc_context(
        {"svg.hashsalt": "simtrial", "svg.fonttype": "path", "font.family": _FONT}
    ):
        draw(forest).savefig(written, format="svg", metadata=about)
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n"


def numbers_digest(forest: Forest) -> str:
    """Return a digest of all that a forest shows."""
    return digest(asdict(forest))


class _Page:
    """Axes in inches, written from the top down; ``y`` is the place of the next line."""

    def __init__(self, axes: Any, forest: Forest) -> None:
        self.y = 0.0
        self._since_axis = 0
        self._axes, self._forest = axes, forest
        axes.set_axis_off()

    def down(self, inches: float) -> None:
        self.y += inches

    def end(self) -> None:
        self._axes.set_xlim(0.0, _WIDTH)
        self._axes.set_ylim(self.y, 0.0)

    def text(self, x: float, words: str, *, size: float = _TEXT, **more: Any) -> None:
        plain = words.replace("$", r"\$")
        more = {"ha": "left", "va": "center", "color": "0.1", "zorder": 3} | more
        self._axes.text(x, self.y, plain, fontsize=size, **more)

    def paragraph(self, words: str) -> None:
        for line in _wrapped(words, _WIDTH - 2 * _EDGE, _SMALL):
            self.text(_EDGE, line, size=_SMALL, color="0.3")
            self.down(_LINE)
        self.down(0.04)

    def key(self, look: Look, words: str) -> None:
        for i, line in enumerate(_wrapped(words, _WIDTH - _EDGE - 0.75, _SMALL)):
            if i == 0:
                self._mark(0.15, 0.375, 0.6, look)
            self.text(0.75, line, size=_SMALL, color="0.3")
            self.down(_LINE)

    def group(self, group: Group) -> None:
        if group.part is not None:
            self.down(0.16)
            self._axes.plot([_EDGE, _WIDTH - _EDGE], [self.y] * 2, color="0.6", linewidth=0.8)
            self.down(0.17)
            for line in _wrapped(group.part, _WIDTH - 2 * _EDGE, _PART, bold=True):
                self.text(_EDGE, line, size=_PART, weight="bold")
                self.down(0.2)
            self.axis(below=False)
        elif self._since_axis + len(group.rows) > _FAR:
            self.down(0.16)
            self.axis(below=False)
        self.down(0.11)
        for line in _wrapped(group.title, _WIDTH - 2 * _EDGE, _TEXT, bold=True):
            self.text(_EDGE, line, weight="bold", color="0.3")
            self.down(_LINE + 0.02)
        for row in group.rows:
            self.row(row)

    def row(self, row: Row) -> None:
        start = _LEFT + _INDENT * row.indent
        self._since_axis += 1
        for i, line in enumerate(_wrapped(row.label, _WIDTH - _EDGE - start, _TEXT)):
            if i == 0 and row.indent:
                self.text(start - _INDENT, "\u21b3", color="0.45")
            self.text(start, line)
            self.down(_LINE)
        low, value, high = (self._x(v) for v in (row.low, row.value, row.high))
        self._grid()
        self._mark(low, value, high, row.look)
        room = _COLUMNS[1] - _COLUMNS[0] - _width(row.columns[1], _SMALL) - 0.1
        shown = (_cut(row.columns[0], room, _SMALL), *row.columns[1:])
        for words, x, side in zip(shown, _COLUMNS, _SIDES, strict=True):
            self.text(x, words, size=_SMALL, ha=side)
        self.down(_BAR + _GAP)

    def axis(self, *, below: bool) -> None:
        """Write what the axis is and its marks; above rows also the heads of the columns."""
        marks, forest = self._forest.marks, self._forest
        self._since_axis = 0
        if below:
            self.down(0.02)
        else:
            self.text(_LEFT, forest.axis, size=_SMALL, color="0.3")
            for head, x, side in zip(forest.heads, _COLUMNS, _SIDES, strict=True):
                self.text(x, head, size=_SMALL, color="0.3", ha=side)
            self.down(_LINE)
        for mark in marks:
            self.text(self._x(mark), f"{mark:g}", size=_SMALL, color="0.3", ha="center")
        self.down(_LINE)
        if below:
            self.text(_LEFT, forest.axis, size=_SMALL, color="0.3")
            self.down(_LINE + 0.1)

    def _grid(self) -> None:
        """Draw the marks of the axis across the bar of one row."""
        half, x, y = _BAR / 2, [], []
        for mark in self._forest.marks:
            x += [self._x(mark)] * 2 + [math.nan]
            y += [self.y - half, self.y + half, math.nan]
        self._axes.plot(x, y, color="0.82", linewidth=0.7, zorder=1)

    def _x(self, value: float) -> float:
        low, high = self._forest.marks[0], self._forest.marks[-1]
        return _LEFT + _SPAN * (value - low) / (high - low)

    def _mark(self, low: float, value: float, high: float, look: Look) -> None:
        style = _LOOKS[look]
        self._axes.plot(
            [low, high], [self.y] * 2, color=style["color"], linewidth=1.5, solid_capstyle="butt"
        )
        self._axes.plot(
            [value], [self.y], linestyle="none", markersize=5.5, markeredgewidth=1.3, zorder=4,
            **style,
        )  # fmt: skip


def _wrapped(words: str, inches: float, size: float, *, bold: bool = False) -> list[str]:
    """Return lines of whole words, each as long as fits."""
    lines: list[str] = []
    for word in words.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _width(longer, size, bold=bold) <= inches:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _cut(words: str, inches: float, size: float) -> str:
    """Return a name as long as fits."""
    if _width(words, size) <= inches:
        return words
    kept = words
    while kept and _width(kept + "\u2026", size) > inches:
        kept = kept[:-1]
    return kept + "\u2026"


def _width(words: str, size: float, *, bold: bool = False) -> float:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=_FONT, size=size, weight="bold" if bold else "normal")
    points: float = text_to_path.get_text_width_height_descent(words, font, False)[0]
    return _SPARE * points / 72.0
