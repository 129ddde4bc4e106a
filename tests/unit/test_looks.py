"""The figures of several looks: what they draw is what the design decides and the result holds."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

import simtrial
from simtrial.core.errors import DesignError, ResultError
from simtrial.report.boundaries import boundary_figure, planned_arms, staircases
from simtrial.report.look_axis import look_positions
from simtrial.report.looks import rows_with_looks, save_figures, stopping_figure
from simtrial.report.results import Power
from simtrial.trial.design import load_design
from tests.unit.results import (
    DESIGNS,
    event_power,
    outcome_design,
    outcome_power,
    outcome_size,
    patients_sized_with_looks,
    patients_with_looks,
    simulated_outcomes,
    truth_file,
)


def by_gid(figure: Any, gid: str) -> list[Any]:
    return [artist for artist in figure.findobj() if artist.get_gid() == gid]


def words(figure: Any) -> list[str]:
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def chance_better(y1: int, n1: int, y0: int, n0: int) -> float:
    """P(p1 > p0) under uniform priors, by quadrature."""
    first, second = stats.beta(1 + y1, 1 + n1 - y1), stats.beta(1 + y0, 1 + n0 - y0)
    return integrate.quad(lambda p: second.pdf(p) * first.sf(p), 0.0, 1.0, epsabs=1e-11)[0]


@pytest.mark.parametrize(("name", "look", "level"), [("three", 0, 0.989), ("unequal", 0, 0.985)])
def test_a_staircase_is_the_fewest_responders_whose_posterior_passes_the_level(name, look, level):
    design = outcome_design(name)
    step = staircases(design, design.sample_size.n)[look]
    for y0 in range(step.n0 + 1):
        fewest = int(step.success[y0])
        if fewest <= step.n1:
            assert chance_better(fewest, step.n1, y0, step.n0) > level
        if fewest > 0:
            assert chance_better(fewest - 1, step.n1, y0, step.n0) <= level


def test_a_staircase_of_futility_is_the_most_responders_below_the_level():
    step = staircases(outcome_design("unequal"), 120)[0]
    for y0 in range(step.n0 + 1):
        most = int(step.futility[y0])
        if most >= 0:
            assert chance_better(most, step.n1, y0, step.n0) < 0.4
        if most < step.n1:
            assert chance_better(most + 1, step.n1, y0, step.n0) >= 0.4


def test_arms_at_a_look_are_in_the_ratio_better_arm_first():
    assert planned_arms(outcome_design("unequal"), 120) == ((40, 20), (80, 40))
    assert planned_arms(outcome_design("three"), 100) == ((17, 17), (33, 33), (50, 50))


def test_the_steps_drawn_are_the_staircases_and_the_last_look_has_no_futility():
    design = outcome_design("three_futility")
    figure = boundary_figure(design)
    for k, step in enumerate(staircases(design, 100)):
        (line,) = by_gid(figure, f"success-{k + 1}")
        np.testing.assert_array_equal(line.get_ydata()[:-1] + 0.5, step.success)
        np.testing.assert_array_equal(line.get_xdata(), np.arange(step.n0 + 2) - 0.5)
        lines = by_gid(figure, f"futility-{k + 1}")
        assert len(lines) == (0 if k == 2 else 1)
        for dashed in lines:
            np.testing.assert_array_equal(dashed.get_ydata()[:-1] - 0.5, step.futility)


def test_numbers_on_a_step_are_the_fewest_responders_at_the_point_they_mark():
    design = outcome_design("three")
    figure = boundary_figure(design)
    for axes, step in zip(figure.axes, staircases(design, 100), strict=True):
        assert len(axes.texts) >= 4
        for text in axes.texts:
            x, y = text.xy
            assert text.get_text() == str(y) == str(step.success[x])


def test_bounds_of_obrien_and_fleming_are_those_of_their_table():
    # Jennison and Turnbull (2000), table 2.3: C_B(5, 0.05) = 2.040, z_k = C sqrt(5 / k)
    figure = boundary_figure(outcome_design("obrien_fleming"))
    for k in range(5):
        (bound,) = by_gid(figure, f"success-{k + 1}")
        # three decimals are printed
        assert bound.get_ydata()[0] == pytest.approx(2.040 * (5 / (k + 1)) ** 0.5, abs=0.002)
        lines = by_gid(figure, f"futility-{k + 1}")
        assert [line.get_ydata()[0] for line in lines] == [[-0.5], [0.0], [0.3], [0.8], []][k]
    written = " ".join(words(figure))
    for z in ("4.562", "3.226", "2.634", "2.281", "2.040"):
        assert z in written


def test_looks_at_events_stand_at_their_events_with_the_share_of_information():
    figure = boundary_figure(outcome_design("logrank"))
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.get_xticklabels()] == ["60\n50 %", "120\n100 %"]
    assert list(axes.get_xticks()) == [60, 120]
    assert "events" in axes.get_xlabel()
    assert "log-rank" in axes.get_ylabel()


def test_a_design_that_decides_nothing_has_no_bounds_and_says_what_to_give():
    design = load_design("reference_control")
    assert design.decision is None
    with pytest.raises(DesignError, match="outcome_binary_three_looks"):
        boundary_figure(design)


@pytest.mark.parametrize("result", [outcome_power, simulated_outcomes, event_power])
def test_chances_by_a_look_are_the_sums_of_those_at_the_looks_until_then(result):
    for row in result()["scenarios"]:
        for kind in ("success", "futility"):
            at = [look[kind]["estimate"] for look in row["looks"]]
            by = [look[f"{kind}_by"]["estimate"] for look in row["looks"]]
            # rounding of a few sums of numbers up to 1
            np.testing.assert_allclose(by, np.cumsum(at), rtol=0, atol=1e-12)
        (name,) = set(row["metrics"]) & {"power", "type1", "assurance"}
        assert by[0] > 0.0 or name != "type1"
        assert row["looks"][-1]["success_by"]["estimate"] == pytest.approx(
            row["metrics"][name]["estimate"], abs=1e-12
        )


def test_a_panel_steps_up_by_success_and_down_by_futility():
    rows = outcome_power()["scenarios"]
    figure = stopping_figure(rows)
    assert len(figure.axes) == len(rows) == 3
    for place, (axes, row) in enumerate(zip(figure.axes, rows, strict=True), 1):
        for kind in ("success", "futility"):
            gid = f"scenario-{place}-{kind}"
            (line,) = [a for a in axes.lines if a.get_gid() == gid]
            found = [look[f"{kind}_by"]["estimate"] for look in row["looks"]]
            drawn = np.array(line.get_ydata()[1:-1])
            np.testing.assert_allclose(
                drawn if kind == "success" else 1.0 - drawn, found, rtol=0, atol=1e-12
            )
            labels = [t for t in axes.texts if (t.get_gid() or "").startswith(f"{gid}-")]
            assert [t.get_text() for t in labels] == [f"{v:.3f}" for v in found]
        assert list(axes.get_xticks()) == [34, 66, 100]
        title = axes.get_title(loc="left")
        assert "n = 100" in title
        assert "(exact)" in title
        assert all(f"{arm} {told}" in title.replace("\n", " ")
                   for arm, told in row["truth"].items())  # fmt: skip


def test_only_simulated_chances_have_whiskers_and_they_are_their_intervals():
    assert not [c for axes in stopping_figure(outcome_power()["scenarios"]).axes
                for c in axes.containers]  # fmt: skip
    row = simulated_outcomes()["scenarios"][0]
    figure = stopping_figure(row)
    (axes,) = figure.axes
    spans = [c.lines[2][0].get_segments()[0][:, 1] for c in axes.containers]
    wanted = [look["success_by"]["interval95"] for look in row["looks"]]
    wanted += [[1.0 - end for end in reversed(look["futility_by"]["interval95"])]
               for look in row["looks"]]  # fmt: skip
    np.testing.assert_allclose(spans, wanted, rtol=0, atol=1e-12)
    assert any("60 trials" in text for text in words(figure))


def test_looks_of_a_size_with_patients_are_those_of_the_size_shown():
    for row in patients_sized_with_looks()["scenarios"]:
        assert [look["n"] for look in row["looks"]] == [(row["n"] + 1) // 2, row["n"]]
        assert row["looks"][0]["n"] <= row["metrics"]["expected_n"]["estimate"] <= row["n"]


def test_figures_are_written_twice_the_same_and_name_their_parts(tmp_path):
    document = outcome_power("three_futility", ("alternative", "null"))
    once, again = tmp_path / "a", tmp_path / "b"
    for folder in (once, again):
        folder.mkdir()
        names = [path.name for path in save_figures(document, folder)]
        assert names == ["looks.svg", "looks.png", "boundaries.svg", "boundaries.png"]
    for name in names:
        assert (once / name).read_bytes() == (again / name).read_bytes()
    svg = (once / "boundaries.svg").read_text()
    assert all(f'id="success-{k}"' in svg for k in (1, 2, 3))
    assert 'id="futility-1"' in svg
    looks = (once / "looks.svg").read_text()
    assert all(f'id="scenario-{row}-success-3"' in looks for row in (1, 2))


def test_one_look_writes_no_figure(tmp_path):
    assert save_figures(outcome_power("fixed", ("alternative",)), tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_power_draws_several_looks_and_says_of_one_what_can_be_drawn():
    found = simtrial.power(outcome_design("three"), scenarios=[truth_file("alternative")])
    assert isinstance(found, Power)
    assert len(found.plot().axes) == 1
    one = simtrial.power(outcome_design("fixed"), scenarios=[truth_file("alternative")])
    with pytest.raises(ResultError, match=r"alternative.*one look.*several looks.*three_looks"):
        one.plot()


def test_rows_without_looks_are_left_out_of_the_figure():
    document = patients_with_looks()
    assert len(rows_with_looks(document)) == 2
    del document["scenarios"][0]["looks"]
    assert len(stopping_figure(document["scenarios"]).axes) == 1


def test_close_looks_are_drawn_apart_and_others_at_their_times():
    assert look_positions([34, 66, 100]) == ([34.0, 66.0, 100.0], False)
    assert look_positions([80, 82, 400]) == ([1.0, 2.0, 3.0], True)
    assert look_positions([100]) == ([100.0], False)


def extents(figure: Any) -> list[tuple[str, Any]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    unseen = set()  # labels of ticks beyond the ends of an axis, which are not drawn
    for axis in itertools.chain.from_iterable((a.xaxis, a.yaxis) for a in figure.axes):
        low, high = sorted(axis.get_view_interval())
        for tick in axis.get_major_ticks():
            if not low <= tick.get_loc() <= high:
                unseen |= {tick.label1, tick.label2}
    return [
        (text.get_text(), text.get_window_extent(renderer))
        for text in figure.findobj(Text)
        if text.get_text() and text.get_visible() and text not in unseen
    ]


FIGURES = {f"bounds of {name}": lambda name=name: boundary_figure(outcome_design(name))
           for name in DESIGNS}  # fmt: skip
FIGURES |= {
    "stopping, exact": lambda: stopping_figure(outcome_power()["scenarios"]),
    "stopping, simulated": lambda: stopping_figure(simulated_outcomes()["scenarios"]),
    "stopping, five looks": lambda: stopping_figure(
        outcome_power("obrien_fleming", ("alternative", "null"))["scenarios"]
    ),
    "stopping, events": lambda: stopping_figure(event_power()["scenarios"]),
    "stopping, patients": lambda: stopping_figure(patients_with_looks()["scenarios"]),
    "stopping of a size": lambda: stopping_figure(outcome_size()["scenarios"]),
}


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_no_words_of_a_figure_overlap_or_leave_it(figure):
    drawn = figure()
    found = extents(drawn)
    assert len(found) > 10
    width, height = drawn.get_size_inches() * drawn.dpi
    for told, box in found:
        assert box.x0 >= -1, told
        assert box.y0 >= -1, told
        assert box.x1 <= width + 1, told
        assert box.y1 <= height + 1, told
    for (one, first), (other, second) in itertools.combinations(found, 2):
        across = min(first.x1, second.x1) - max(first.x0, second.x0)
        along = min(first.y1, second.y1) - max(first.y0, second.y0)
        # a box has a margin of a pixel or two around its letters
        assert across <= 2 or along <= 2, (one, other)
