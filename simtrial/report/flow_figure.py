"""The flow of patients through one trial as boxes, in the form of CONSORT."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Cohort
from simtrial.report.flow import ArmFlow, Flow, flow_of
from simtrial.report.picture_parts import (
    PAGE_WIDTH,
    arm_colours,
    as_seen,
    entered_word,
    heading,
    one_trial,
    plain,
    whose,
)
from simtrial.trial.design import Design

# inches
_LINE, _PAD, _GAP, _STAGE, _NARROWEST = 0.145, 0.07, 0.26, 0.36, 2.0
_TITLE_LINE = 0.18
_BOLD = 1  # spaces up to which a line is bold
_FONT = 7.5
_WIDEST = 4.0
_CHARACTERS_PER_INCH = 18.0  # of that font, on average
Lines = list[str]


def flow(
    cohort: Cohort | Snapshot,
    design: Design,
    replicate: int = 0,
    first: int = 0,
    *,
    cut_minute: int | None = None,
) -> Any:
    """Return a matplotlib figure of one trial's flow: screened, allocated, treated, analysed.

    Parameters
    ----------
    replicate : which trial.
    first : the replicate in the first row of ``cohort``.
    cut_minute : of the calendar, up to which ``cohort`` was looked at; None for whole trials.

    Raises
    ------
    DesignError : when ``cohort`` does not hold that trial.
    """
    from matplotlib.figure import Figure

    counted = flow_of(one_trial(cohort, replicate, first), design, cut_minute)
    n_arms = len(counted.arms)
    width = max(PAGE_WIDTH, _STAGE + n_arms * _NARROWEST)
    column = (width - _STAGE) / n_arms
    box = min(column - 0.16, _WIDEST)
    wide = int((box - 0.14) * _CHARACTERS_PER_INCH)
    stages = [
        (stage, [_wrapped(lines(arm, design), wide) for arm in counted.arms])
        for stage, lines in _STAGES
    ]
    side = _excluded(counted)
    caption = textwrap.wrap(_caption(counted, design, replicate), width=int(16 * width))
    heights = [max(len(box) for box in boxes) * _LINE + 2 * _PAD for _, boxes in stages]
    title = heading(design, "Flow of patients" + as_seen(cut_minute))
    top = 0.14 + _TITLE_LINE * len(title.splitlines())
    height = top + _entry_height(side) + sum(h + _GAP for h in heights) + 0.16 * len(caption) + 0.2
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0.0, width)
    axes.set_ylim(height, 0.0)
    axes.axis("off")
    figure.suptitle(title, fontsize=10, x=0.01, ha="left", y=1 - 0.06 / height)
    middle = (width + _STAGE) / 2
    top = _draw_entry(axes, counted, design, side, (middle, top), width)
    centres = [_STAGE + column * (a + 0.5) for a in range(n_arms)]
    axes.plot([centres[0], centres[-1]], [top + _GAP / 2] * 2, color="0.3", linewidth=0.8)
    axes.plot([middle, middle], [top, top + _GAP / 2], color="0.3", linewidth=0.8)
    colours = list(arm_colours(design).values())
    for s, ((stage, boxes), tall) in enumerate(zip(stages, heights, strict=True)):
        down = top + _GAP
        for a, lines in enumerate(boxes):
            start = top + (_GAP / 2 if s == 0 else 0.0)
            _arrow(axes, centres[a], start, centres[a], down)
            _box(axes, lines, centres[a], down, box, tall, edge=colours[a])
        axes.text(
            0.16, down + tall / 2, stage, rotation=90, ha="center", va="center",
            fontsize=_FONT, color="0.35",
        )  # fmt: skip
        top = down + tall
    axes.text(
        _STAGE, top + 0.1, "\n".join(caption), fontsize=7, va="top", linespacing=1.3, color="0.2"
    )
    return figure


def _entry_height(side: Lines) -> float:
    """Return the height from the first box to the last of those before the arms part."""
    return _box_height(1) + max(2 * _GAP, _box_height(len(side)) + 0.16) + _box_height(1)


def _box_height(lines: int) -> float:
    return lines * _LINE + 2 * _PAD


def _draw_entry(
    axes: Any, counted: Flow, design: Design, side: Lines, start: tuple[float, float], width: float
) -> float:
    """Draw who was screened, who was not eligible and who entered; return where that ends.

    ``start`` : the middle and the upper end of the first box, in inches.
    """
    (middle, top), tall = start, _box_height(1)
    _box(axes, [f"Screened: {counted.screened:,}"], middle, top, 2.0, tall)
    below = top + _entry_height(side) - tall
    beside = min((width - middle) - 0.5, _WIDEST)
    side_top = top + tall + 0.08
    _arrow(axes, middle, top + tall, middle, below)
    centre = middle + 0.3 + beside / 2
    _arrow(axes, middle, side_top + 0.15, centre - beside / 2, side_top + 0.15)
    _box(axes, side, centre, side_top, beside, _box_height(len(side)))
    axes.text(
        0.16, (top + below + tall) / 2, "Enrolment", rotation=90, ha="center", va="center",
        fontsize=_FONT, color="0.35",
    )  # fmt: skip
    _box(
        axes,
        [f"{entered_word(design).capitalize()}: {counted.entered:,}"],
        middle,
        below,
        2.0,
        tall,
    )
    return below + tall


def _excluded(counted: Flow) -> Lines:
    failed = sum(counted.not_eligible.values())
    out = [f"Not eligible: {failed:,} (first reason)"]
    for reason, count in counted.not_eligible.items():
        if count == 0:
            continue  # the table of the page has every reason
        out.append(f"   {reason.replace('_', ' ').replace('mmt', 'MMT')}: {count:,}")
    if counted.waiting:
        out.append(f"Eligible, not in the trial: {counted.waiting:,}")
    return out


def _allocated(arm: ArmFlow, design: Design) -> Lines:
    what = "To receive" if design.allocation is None else "Allocated to"
    return [
        f"{what} {arm.name}: {arm.allocated:,}",
        f"   received at least one course: {arm.treated:,}",
        f"   received none: {sum(arm.untreated.values()):,}",
        *_reasons(arm.untreated),
    ]


def _treated(arm: ArmFlow, design: Design) -> Lines:
    planned = len(design.courses_of(arm.name))
    return [
        f"All {planned} courses: {arm.all_courses:,}",
        f"   fewer: {sum(arm.fewer_courses.values()):,}",
        *_reasons(arm.fewer_courses),
    ]


def _followed(arm: ArmFlow, design: Design) -> Lines:
    return [
        f"In the study to week {design.visits_weeks[-1]}: {arm.stayed:,}",
        *([f"   under way: {arm.under_way:,}"] if arm.under_way else []),
        f"   left earlier: {sum(arm.left.values()):,}",
        *_reasons(arm.left),
    ]


def _analysed(arm: ArmFlow, design: Design) -> Lines:
    return [
        f"Analysed: {arm.analysed:,} (TIS at week {design.endpoint.week}: {arm.assessed:,})",
        f"   response: {arm.responders:,}",
        f"   no response: {sum(arm.no_response.values()):,}",
        *_reasons(arm.no_response),
        *([f"Not known yet: {arm.awaited:,}"] if arm.awaited else []),
    ]


_STAGES = (
    ("Allocation", _allocated),
    ("Treatment", _treated),
    ("Follow-up", _followed),
    ("Analysis", _analysed),
)


def _reasons(counts: Mapping[str, int]) -> Lines:
    return [f"      {r.removeprefix('treatment ')}: {count:,}" for r, count in counts.items()]


def _wrapped(lines: Lines, wide: int) -> Lines:
    """Break long lines; what follows stands deeper, so that it is not read as a line of its own."""
    out: Lines = []
    for line in lines:
        depth = len(line) - len(line.lstrip())
        # bold letters are wider, and what follows a bold line is bold too
        room, more = (wide, 3) if depth else (int(0.85 * wide), _BOLD)
        # hard spaces: a number never stands alone on a line
        held = line.replace(": ", ":\u00a0").replace("week ", "week\u00a0")
        out += textwrap.wrap(held, width=room, subsequent_indent=" " * (depth + more))
    return out


def _caption(counted: Flow, design: Design, replicate: int) -> str:
    return (
        f"{whose(counted.entered, 1, replicate)} Response: {design.endpoint.words()} under the "
        f"composite strategy; all who were {entered_word(design)} are analysed, with the event "
        "that came first as the reason of no response. Courses include those of placebo."
    )


def _box(
    axes: Any, lines: Sequence[str], centre: float, top: float, wide: float, tall: float,
    *, edge: str = "0.3",
) -> None:  # fmt: skip
    from matplotlib.patches import Rectangle

    left = centre - wide / 2
    axes.add_patch(
        Rectangle((left, top), wide, tall, facecolor="white", edgecolor=edge, linewidth=1.0)
    )
    for i, line in enumerate(lines):
        deep = len(line) - len(line.lstrip())
        axes.text(
            left + 0.07 + 0.035 * deep,
            top + _PAD + _LINE * (i + 0.5),
            plain(line.strip()),
            fontsize=_FONT,
            va="center",
            weight="bold" if deep <= _BOLD else "normal",
        )


def _arrow(axes: Any, x0: float, y0: float, x1: float, y1: float) -> None:
    axes.annotate(
        "",
        (x1, y1),
        (x0, y0),
        arrowprops={
            "arrowstyle": "-|>",
            "color": "0.3",
            "linewidth": 0.8,
            "shrinkA": 0,
            "shrinkB": 0,
        },
    )
