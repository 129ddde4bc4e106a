"""The patients of a trial as swimmer lanes: shapes in place, to be written as SVG.

Every kind of mark is one path over all patients of a panel, so the drawing stays small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.myositis.tis import MAJOR, MINIMAL, MODERATE
from simtrial.report.example import ExampleTrial

MOST_PATIENTS = 400  # more lanes than anyone reads; the counts beside the figure hold everybody
_LANES = 48  # of one panel at most, so that it fits on a page
_LANE, _TOP, _LEFT, _PLOT, _WIDTH = 16.0, 26.0, 36.0, 392.0, 520.0
_VISIT, _INFUSION = 4.0, 4.5  # half a square's side, a tick's length

BANDS = (
    ("tis0", f"TIS below {MINIMAL:g}"),
    ("tis1", f"{MINIMAL:g} to below {MODERATE:g}"),
    ("tis2", f"{MODERATE:g} to below {MAJOR:g}"),
    ("tis3", f"{MAJOR:g} or more"),
)
_EVENTS = {
    "rescue_minute": ("R", "rescue treatment"),
    "deterioration_minute": ("D", "deterioration confirmed"),
    "stop_minute": ("S", "treatment stopped"),
    "left_minute": ("L", "left the study"),
}
_HARMS = {
    "harm_stop_minute": ("H", "treatment stopped for harm"),
    "thromboembolism_minute": ("T", "thromboembolism"),
    "serious_minute": ("E", "another serious event"),
}


@dataclass(frozen=True, kw_only=True)
class Label:
    """A text at a place."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Some lanes of one arm. ``paths`` : kind of mark -> SVG path data."""

    arm: str
    first: int
    last: int
    of: int
    width: float
    height: float
    paths: dict[str, str]
    numbers: list[Label]
    scores: list[Label]
    events: list[Label]
    ticks: list[Label]
    heads: list[Label]


@dataclass(frozen=True, kw_only=True)
class Swimmer:
    """The whole figure: its panels, the letters that occur in it, and who is drawn."""

    panels: list[Panel]
    letters: dict[str, str]
    drawn: int
    n: int
    has_reactions: bool


def draw_swimmer(trial: ExampleTrial) -> Swimmer:
    """Return the lanes of a trial's patients, by arm, responders first."""
    drawn = min(trial.n, MOST_PATIENTS)
    panels = []
    seen = trial.seen
    for a, arm in enumerate(trial.design.arm_names):
        order = _order(trial, np.flatnonzero(seen.arm[0, :drawn] == a))
        first = 1
        for part in np.array_split(np.array(order, np.int64), max(1, -(-len(order) // _LANES))):
            panels.append(_panel(trial, arm, part.tolist(), first=first, of=len(order)))
            first += len(part)
    used = {letter for panel in panels for event in panel.events for letter in event.text}
    letters = {k: v for k, v in (_EVENTS | _HARMS).values() if k in used}
    return Swimmer(
        panels=panels,
        letters=letters,
        drawn=drawn,
        n=trial.n,
        has_reactions=any("reaction" in kind for panel in panels for kind in panel.paths),
    )


def _order(trial: ExampleTrial, patients: NDArray[np.intp]) -> list[int]:
    """Return patients for reading: responders first, then by time in the study, then by number."""
    ends = _ends(trial)
    return sorted(
        (int(p) for p in patients), key=lambda p: (not trial.response[p], -int(ends[p]), p)
    )


def _ends(trial: ExampleTrial) -> NDArray[np.int64]:
    left = trial.seen.left_minute[0]
    stayed = np.full_like(left, trial.protocol.visit_minute[-1])
    return np.asarray(np.where(left >= 0, left, stayed), np.int64)


def _panel(trial: ExampleTrial, arm: str, patients: Sequence[int], *, first: int, of: int) -> Panel:
    seen, protocol = trial.seen, trial.protocol
    last_minute = int(protocol.visit_minute[-1])
    at_visit = trial.design.visits_weeks.index(trial.design.endpoint.week)
    ends = _ends(trial)

    def across(minute: float) -> float:
        return _LEFT + _PLOT * min(float(minute) / last_minute, 1.0)

    paths: dict[str, list[str]] = {}
    numbers, scores, events = [], [], []

    def mark(kind: str, shape: str) -> None:
        paths.setdefault(kind, []).append(shape)

    for lane, p in enumerate(patients):
        y = _TOP + _LANE * (lane + 0.5)
        numbers.append(Label(x=_LEFT - 10, y=y, text=str(p + 1)))
        mark("stay", f"M{_LEFT:g} {y:g}H{across(ends[p]):.1f}")
        for j in range(int(seen.courses[0, p])):
            x = across(seen.course_minute[0, p, j])
            mark("infusion", f"M{x:.1f} {y + _VISIT:g}v{_INFUSION:g}")
        for v in range(1, protocol.visit_minute.shape[0]):
            score = seen.tis[0, p, v]
            if not np.isnan(score):
                mark(_band(score), _square(across(protocol.visit_minute[v]), y))
        _mark_reactions(trial, p, lambda m, y=y: (across(m), y), mark)  # type: ignore[misc]
        events += _letters(trial, p, y, across)
        score = seen.tis[0, p, at_visit]
        text = "–" if np.isnan(score) else f"{score:g}"
        scores.append(Label(x=_LEFT + _PLOT + 46, y=y, text=text))
        kind = "responder" if trial.response[p] else "other"
        mark(kind, _circle(_LEFT + _PLOT + 68, y))
    week = trial.design.endpoint.week
    return Panel(
        arm=arm,
        first=first,
        last=first + len(patients) - 1,
        of=of,
        width=_WIDTH,
        height=_TOP + _LANE * len(patients) + 30,
        paths={kind: "".join(shapes) for kind, shapes in paths.items()},
        numbers=numbers,
        scores=scores,
        events=events,
        ticks=_ticks(trial.design.visits_weeks, across, _TOP + _LANE * len(patients)),
        heads=[
            Label(x=_LEFT - 10, y=14, text="no."),
            Label(x=_LEFT + _PLOT + 46, y=14, text=f"TIS, wk {week}"),
            Label(x=_LEFT + _PLOT + 90, y=14, text="resp."),
        ],
    )


def _ticks(weeks: Sequence[int], across: Callable[[float], float], y: float) -> list[Label]:
    """Return the labels of the visits, leaving out those that would touch their neighbour."""
    out: list[Label] = []
    for week in weeks:
        x = across(week * MINUTES_PER_WEEK)
        if not out or x - out[-1].x >= 20.0:
            out.append(Label(x=round(x, 1), y=y, text=str(week)))
    return out


def _band(score: float) -> str:
    return f"tis{sum(score >= limit for limit in (MINIMAL, MODERATE, MAJOR))}"


def _square(x: float, y: float) -> str:
    side = 2 * _VISIT
    return f"M{x - _VISIT:.1f} {y - _VISIT:g}h{side:g}v{side:g}h-{side:g}z"


def _circle(x: float, y: float, r: float = 3.5) -> str:
    return f"M{x - r:.1f} {y:g}a{r:g} {r:g} 0 1 0 {2 * r:g} 0a{r:g} {r:g} 0 1 0 -{2 * r:g} 0z"


def _mark_reactions(
    trial: ExampleTrial,
    p: int,
    place: Callable[[float], tuple[float, float]],
    mark: Callable[[str, str], None],
) -> None:
    minutes, serious = trial.seen.reaction_minute, trial.seen.reaction_serious
    for j in np.flatnonzero(minutes[0, p] >= 0):
        x, y = place(minutes[0, p, j])
        kind = "serious-reaction" if serious[0, p, j] else "reaction"
        mark(kind, _circle(x + 4.0, y + _VISIT + 1.5, 1.8))


def _letters(
    trial: ExampleTrial, p: int, y: float, across: Callable[[float], float]
) -> list[Label]:
    """Return a patient's events as letters; those of one minute stand together."""
    at: dict[int, str] = {}
    for column, (letter, _) in (_EVENTS | _HARMS).items():
        if column == "stop_minute" and trial.seen.harm_stop_minute[0, p] >= 0:
            continue  # the stop is told with its reason
        minutes = getattr(trial.seen, column)
        for minute in sorted({int(m) for m in np.atleast_1d(minutes[0, p]) if m >= 0}):
            at[minute] = at.get(minute, "") + letter
    return [
        Label(x=round(across(minute) + _VISIT + 2, 1), y=y, text=text)
        for minute, text in sorted(at.items())
    ]
