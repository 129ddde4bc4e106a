"""The pictures of a folder of synthetic patients on one page, with the flow counted in a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from simtrial.report.cohort_summary import summary_of
from simtrial.report.curves import inlined
from simtrial.report.flow import ArmFlow, Flow
from simtrial.report.pictures import Drawn
from simtrial.trial.design import Design


class Row(NamedTuple):
    """A row of a table: words, how deep they stand, and a count for each arm."""

    words: str
    deep: int
    counts: list[int]


def pictures_page(
    document: Mapping[str, Any],
    design: Design,
    flow: Flow,
    show: int,
    drawn: Sequence[tuple[Drawn, str]],
) -> str:
    """Return the page as self-contained HTML: equal bytes for equal cohorts.

    Parameters
    ----------
    document : what the folder holds.
    flow : of the trial ``show``.
    drawn : the pictures in order, each with its SVG.
    """
    environment = Environment(
        loader=PackageLoader("simtrial.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("pictures.html").render(
        document=document,
        sentences=summary_of(dict(document)),
        show=show,
        arms=list(design.arm_names),
        before=_before(flow),
        by_arm=rows_by_arm(flow, design),
        parts=[
            {
                "stem": picture.stem,
                "name": picture.title,
                "words": picture.words,
                "svg": inlined(svg, picture.words, prefix=f"{picture.stem}-"),
            }
            for picture, svg in drawn
        ],
    )


def _before(flow: Flow) -> list[Row]:
    rows = [Row("screened", 0, [flow.screened])]
    rows += [
        Row(f"not eligible: {reason.replace('_', ' ').replace('mmt', 'MMT')}", 1, [count])
        for reason, count in flow.not_eligible.items()
    ]
    if flow.waiting:
        rows.append(Row("eligible, not in the trial", 1, [flow.waiting]))
    return [*rows, Row("in the trial", 0, [flow.entered])]


def rows_by_arm(flow: Flow, design: Design) -> list[Row]:
    """Return the flow after the arms part: every group, and its reasons below it."""
    arms = flow.arms

    def whole(words: str, count: Callable[[ArmFlow], int], deep: int = 0) -> Row:
        return Row(words, deep, [count(arm) for arm in arms])

    def reasons(pick: Callable[[ArmFlow], Mapping[str, int]]) -> list[Row]:
        known = dict.fromkeys(reason for arm in arms for reason in pick(arm))
        return [Row(r, 2, [pick(arm).get(r, 0) for arm in arms]) for r in known]

    return [
        whole("allocated", lambda arm: arm.allocated),
        whole("received at least one course", lambda arm: arm.treated, 1),
        whole("received none", lambda arm: sum(arm.untreated.values()), 1),
        *reasons(lambda arm: arm.untreated),
        whole("received all planned courses", lambda arm: arm.all_courses),
        whole("received fewer", lambda arm: sum(arm.fewer_courses.values())),
        *reasons(lambda arm: arm.fewer_courses),
        whole(f"in the study to week {design.visits_weeks[-1]}", lambda arm: arm.stayed),
        *_some("under way", [arm.under_way for arm in arms]),
        whole("left earlier", lambda arm: sum(arm.left.values())),
        *reasons(lambda arm: arm.left),
        whole("analysed", lambda arm: arm.analysed),
        whole(f"with a TIS at week {design.endpoint.week}", lambda arm: arm.assessed, 1),
        whole(f"response: {design.endpoint.words()}, composite", lambda arm: arm.responders, 1),
        whole("no response", lambda arm: sum(arm.no_response.values()), 1),
        *reasons(lambda arm: arm.no_response),
        *_some("not known yet", [arm.awaited for arm in arms]),
    ]


def _some(words: str, counts: list[int]) -> list[Row]:
    """Return a row that only a trial looked at on the way has."""
    return [Row(words, 0, counts)] if any(counts) else []
