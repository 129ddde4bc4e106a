"""The drawing of a forest: everything readable, every mark where its number says."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg

from simtrial.evidence.ledger import Ledger, load_ledger
from simtrial.report.evidence_forests import harm_forest, response_forest
from simtrial.report.forest import Forest, Group, Row, draw, numbers_digest, svg
from tests.unit.made_up_ledger import made_up_ledger


@pytest.fixture(
    params=[(load, make) for load in ("shipped", "large") for make in ("response", "harm")]
)
def forest(request: pytest.FixtureRequest) -> Forest:
    """Return each forest of the shipped ledger and of a large one."""
    which, what = request.param
    ledger = load_ledger() if which == "shipped" else made_up_ledger()
    return response_forest(ledger) if what == "response" else harm_forest(ledger)


def one_row(**more: object) -> Forest:
    fields: dict[str, object] = {
        "label": "endpoint",
        "low": 10.0,
        "value": 25.0,
        "high": 75.0,
        "columns": ("study", "1/4", "25.0 (10.0 to 75.0)"),
    }
    row = Row(**(fields | more))  # type: ignore[arg-type]
    empty = response_forest(Ledger(documents={}, facts={}))
    return replace(empty, groups=(Group(part="part", title="group", rows=(row,)),))


def test_the_made_up_forest_is_as_long_as_the_real_one_may_become() -> None:
    rows = [row for group in response_forest(made_up_ledger()).groups for row in group.rows]
    assert len(rows) == 64
    assert any(len(row.label) > 130 for row in rows)


def test_no_text_is_cut_off_or_lies_on_another(forest: Forest) -> None:
    with rc_context({"text.hinting": "no_hinting"}):
        figure = draw(forest)
        canvas = FigureCanvasAgg(figure)
        figure.set_dpi(200)
        canvas.draw()
        texts = figure.axes[0].texts
        boxes = [text.get_window_extent() for text in texts]
    assert len(texts) > 40
    width, height = figure.get_size_inches() * figure.dpi
    for text, box in zip(texts, boxes, strict=True):
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
        assert inside, f"{text.get_text()!r} leaves the figure"
    for (one, a), (other, b) in itertools.combinations(zip(texts, boxes, strict=True), 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        down = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across <= 0 or down <= 0, f"{one.get_text()!r} on {other.get_text()!r}"
    assert min(text.get_fontsize() for text in texts) >= 8


def test_marks_and_intervals_stand_where_their_numbers_are() -> None:
    axes = draw(one_row()).axes[0]
    ticks = {t.get_text(): t.get_position()[0] for t in axes.texts if t.get_text().isdigit()}
    scale = (ticks["100"] - ticks["0"]) / 100
    lines = [line.get_xdata() for line in axes.lines]
    marks = [x[0] for x, line in zip(lines, axes.lines, strict=True) if line.get_marker() == "o"]
    spans = [
        tuple(x)
        for x, line in zip(lines, axes.lines, strict=True)
        if line.get_color() == "#1b4f72" and len(x) == 2
    ]
    # sums in binary floating point
    assert marks[-1] == pytest.approx(ticks["0"] + 25 * scale, rel=1e-12)
    assert spans[-1] == pytest.approx((ticks["0"] + 10 * scale, ticks["0"] + 75 * scale), rel=1e-12)


def test_an_interval_lies_inside_the_axis_and_around_its_value(forest: Forest) -> None:
    for row in (row for group in forest.groups for row in group.rows):
        assert forest.marks[0] <= row.low <= row.value <= row.high <= forest.marks[-1]


def test_the_same_forest_is_the_same_svg_and_holds_no_date_or_version() -> None:
    text = svg(one_row())
    assert text == svg(one_row())
    assert not re.search(r"dc:date|Matplotlib v|<dc:creator", text)


def test_user_settings_of_fonts_move_nothing() -> None:
    plain = svg(one_row())
    with rc_context({"font.family": "monospace", "svg.fonttype": "none"}):
        assert svg(one_row()) == plain


def test_the_digest_in_the_svg_is_of_all_that_it_shows() -> None:
    first, second = one_row(), one_row(high=76.0)
    assert numbers_digest(first) != numbers_digest(second)
    assert f"numbers {numbers_digest(first)}" in svg(first)


def test_a_name_that_is_too_long_is_cut_with_a_mark() -> None:
    long = one_row(columns=("a_study_with_an_endless_name" * 3, "1/4", "25.0 (10.0 to 75.0)"))
    shown = [text.get_text() for text in draw(long).axes[0].texts]
    assert [text for text in shown if text.startswith("a_study") and text.endswith("…")]


def test_the_axis_stands_again_above_a_heading_that_is_far_below_it() -> None:
    one = one_row()
    (row,) = one.groups[0].rows
    few = [Group(part="part" if i == 0 else None, title=f"{i}", rows=(row,) * 4) for i in range(2)]
    many = [*few, Group(title="2", rows=(row,))]
    times = [
        [text.get_text() for text in draw(replace(one, groups=tuple(groups))).axes[0].texts].count(
            one.axis
        )
        for groups in (few, many)
    ]
    assert times == [2, 3]  # above and below; and once more before the ninth row
