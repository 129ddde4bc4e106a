"""The swimmer plot and the mean courses draw what the snapshot holds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from simtrial.cohort.events import SERIOUS
from simtrial.core.errors import DesignError
from simtrial.report.happenings import EVENTS, FURTHER, STOPPED
from simtrial.report.picture_parts import ADVERSE, MARKS, REACTION, TIS_CLASSES, arm_colours
from simtrial.report.swimmer import MOST_BARS, swimmer
from simtrial.report.trajectories import means_by_visit, shares_by_visit, trajectories
from simtrial.stats.montecarlo import wilson_interval
from tests.unit.cohort_fixtures import DEMO, WEEK, rough, unharmed

NAN = float("nan")


def marks(figure, marker: str) -> int:  # type: ignore[no-untyped-def]
    """Return how many points the axes hold with a marker."""
    lines = [line for axes in figure.axes for line in axes.lines if line.get_marker() == marker]
    return sum(len(line.get_xdata()) for line in lines)


def labels(figure) -> list[str]:  # type: ignore[no-untyped-def]
    return [text.get_text() for text in figure.legends[0].get_texts()]


def words(figure) -> str:  # type: ignore[no-untyped-def]
    """Return the caption, unwrapped."""
    return " ".join(figure.legends[0].get_title().get_text().split())


def test_a_swimmer_plot_has_a_bar_a_patient_and_a_mark_an_event() -> None:
    found = rough()
    seen = found.cohort.seen
    figure = found.plot(trial=2)
    (axes,) = figure.axes
    assert len(axes.get_yticks()) == 40
    assert len(axes.patches) == 2 * 40  # in the study, and on treatment
    assert marks(figure, "D") == int((seen.rescue_minute[2] >= 0).sum()) > 0
    # leaving and death have one sign in two colours
    ended = [int((minute[2] >= 0).sum()) for minute in (seen.left_minute, seen.death_minute)]
    assert marks(figure, "X") == sum(ended) and min(ended) > 0
    assert marks(figure, "v") == int((seen.deterioration_minute[2] >= 0).sum())
    assert marks(figure, "o") == int((~np.isnan(seen.tis[2, :, 1:])).sum())
    ticks = sum(len(lines.get_segments()) for lines in axes.collections)
    assert ticks == int(seen.courses[2].sum())


def test_a_bar_ends_where_the_patient_leaves_and_pales_where_treatment_stops() -> None:
    seen = rough().cohort.seen
    (axes,) = swimmer(rough().cohort, DEMO, 0).axes
    left = seen.left_minute[0]
    until = np.where(left >= 0, left, 16 * WEEK) / WEEK
    stop = np.where(seen.stop_minute[0] >= 0, seen.stop_minute[0] / WEEK, until)
    widths = sorted(round(patch.get_width(), 9) for patch in axes.patches)
    assert widths == sorted(round(float(w), 9) for w in [*until, *np.minimum(until, stop)])


def test_bars_stand_by_arm_and_the_longest_first() -> None:
    seen = rough().cohort.seen
    (axes,) = swimmer(rough().cohort, DEMO, 1).axes
    number = {f"P{c:03d}": p for p, c in enumerate(seen.candidate[1])}
    order = [number[t.get_text()] for t in axes.get_yticklabels()]
    assert list(seen.arm[1, order]) == sorted(seen.arm[1])
    until = np.where(seen.left_minute[1] >= 0, seen.left_minute[1], 16 * WEEK)
    for arm in (0, 1):
        lengths = [int(until[p]) for p in order if seen.arm[1, p] == arm]
        assert lengths == sorted(lengths, reverse=True)


@pytest.mark.parametrize(
    ("tis", "place"), [(0, 0), (19.5, 0), (20, 1), (39.5, 1), (40, 2), (59.5, 2), (60, 3)]
)
def test_a_visit_is_coloured_by_its_class_of_improvement(tis: float, place: int) -> None:
    seen = rough().cohort.seen
    one = seen._replace(tis=np.where(np.isnan(seen.tis), NAN, tis))
    figure = swimmer(one, DEMO)
    faces = {
        line.get_markerfacecolor()
        for line in figure.axes[0].lines
        if line.get_marker() == "o" and len(line.get_xdata())
    }
    assert faces == {TIS_CLASSES[place][1]}


def test_more_patients_than_a_page_holds_are_sampled_and_the_figure_says_so() -> None:
    found = rough(trials=1, n=MOST_BARS + 20)
    figure = found.plot()
    assert len(figure.axes[0].get_yticks()) == MOST_BARS
    assert f"The first {MOST_BARS} randomised are shown" in words(figure)
    everybody = int((found.cohort.seen.rescue_minute >= 0).sum())
    assert f"rescue ({everybody})" in labels(figure)
    assert "are shown" not in words(rough().plot())


def test_a_snapshot_may_begin_at_a_later_trial() -> None:
    seen = rough().cohort.seen
    later = swimmer(seen, DEMO, 12, first=10)
    assert "Simulated trial 12" in words(later)
    assert labels(later) == labels(swimmer(rough().cohort, DEMO, 2))
    with pytest.raises(DesignError, match="trial 14 was not simulated; write one from 10 to 13"):
        swimmer(seen, DEMO, 14, first=10)


def test_every_adverse_event_is_drawn_and_counted() -> None:
    seen = rough().cohort.seen
    figure = rough().plot(trial=1)
    serious = int(seen.reaction_serious[1].sum())
    mild = int((seen.reaction_minute[1] >= 0).sum()) - serious
    clots = int((seen.thromboembolism_minute[1] >= 0).sum())
    happened = seen.events_minute[1] >= 0
    further = int((happened & (seen.events_detail[1] & SERIOUS > 0)).sum())
    others = int((seen.serious_minute[1] >= 0).sum()) + further
    adverse = int(happened.sum()) - further
    stops = int((seen.harm_stop_minute[1] >= 0).sum())
    assert min(mild, serious, clots, others, stops) > 0
    assert marks(figure, "^") == mild + serious
    assert (marks(figure, "*"), marks(figure, "s")) == (clots, stops)
    assert marks(figure, "P") == others + adverse
    wanted = {f"reaction ({mild})", f"serious reaction ({serious})", f"thromboembolism ({clots})",
              f"other serious event ({others})", f"{ADVERSE} ({adverse})",
              f"treatment stopped for harm ({stops})"}  # fmt: skip
    assert wanted <= set(labels(figure))


def test_an_adverse_event_has_the_mark_of_its_kind() -> None:
    seen = unharmed(rough().cohort.seen)
    seen.reaction_minute[0, :3, 0], seen.reaction_kind[0, :3, 0] = 60, 2
    seen.reaction_serious[0, 2, 0] = True
    seen.thromboembolism_minute[0, 5, 1] = 5 * WEEK
    seen.harm_stop_minute[0, 5] = seen.stop_minute[0, 5] = 5 * WEEK
    figure = swimmer(seen, DEMO)
    assert marks(figure, "^") == 3
    assert marks(figure, "*") == marks(figure, "s") == 1
    wanted = {"reaction (2)", "serious reaction (1)", "thromboembolism (1)",
              "treatment stopped for harm (1)"}  # fmt: skip
    assert wanted <= set(labels(figure))
    # what does not happen is not in the legend
    assert not [label for label in labels(figure) if "(0)" in label]


def test_marks_of_one_moment_do_not_cover_each_other() -> None:
    seen = unharmed(rough().cohort.seen)
    both = np.full_like(seen.rescue_minute, -1)
    both[0, 0] = 8 * WEEK
    one = seen._replace(rescue_minute=both, deterioration_minute=both, left_minute=both)
    (axes,) = swimmer(one, DEMO).axes
    axes.figure.canvas.draw()
    places = sorted(
        line.get_transform().transform((line.get_xdata()[0], 0.0))[0] * 72 / axes.figure.dpi
        for line in axes.lines
        if line.get_marker() in ("D", "v", "X")
    )
    # markers are at most 4.5 points wide; what transforms round is far below 0.1
    assert len(places) == 3
    assert min(np.diff(places)) > 4.6


def test_every_kind_of_event_has_a_mark_of_its_own() -> None:
    # a stop for another reason than harm is drawn by the bar
    drawn = {REACTION if event.startswith(REACTION) else event for event in EVENTS} - {STOPPED}
    drawn -= set(FURTHER)  # drawn by whether they are serious
    assert drawn <= set(MARKS)
    assert len({(marker, face, size) for marker, face, size in MARKS.values()}) == len(MARKS)


def test_an_arm_without_patients_is_named_all_the_same() -> None:
    seen = rough().cohort.seen
    (axes,) = swimmer(seen._replace(arm=np.where(seen.arm == 1, -1, seen.arm)), DEMO).axes
    assert "ivig, n = 0" in [text.get_text() for text in axes.texts]


def test_placebo_is_grey_and_the_drug_is_not() -> None:
    assert arm_colours(DEMO) == {"placebo": "#7f7f7f", "ivig": "#0072B2"}


# mean courses


def test_means_and_intervals_are_those_of_who_was_assessed() -> None:
    values = np.array([[1.0, 2.0], [3.0, NAN], [5.0, 6.0], [7.0, NAN], [10.0, NAN]])
    found = means_by_visit(values, np.array([0, 0, 0, 1, 1]), 2)
    assert found.n.tolist() == [[3, 2], [2, 0]]
    assert found.mean[0].tolist() == [3.0, 4.0]
    want = stats.t.interval(0.95, 2, loc=3.0, scale=2.0 / math.sqrt(3))
    # two ways to the same quantile of Student's t agree to far more digits than are drawn
    assert (found.low[0, 0], found.high[0, 0]) == pytest.approx(want, rel=1e-9)
    assert np.isnan(found.mean[1, 1])


def test_a_single_patient_has_a_mean_and_no_interval() -> None:
    found = means_by_visit(np.array([[4.0]]), np.array([0]), 1)
    assert found.mean[0, 0] == 4.0
    assert np.isnan(found.low[0, 0]) and np.isnan(found.high[0, 0])


def test_the_enzyme_has_geometric_means() -> None:
    found = means_by_visit(np.array([[1.0], [4.0]]), np.array([0, 0]), 1, geometric=True)
    assert found.mean[0, 0] == pytest.approx(2.0, rel=1e-12)  # of one exp and log
    assert found.low[0, 0] * found.high[0, 0] == pytest.approx(4.0, rel=1e-12)


def test_shares_are_counted_at_the_threshold_with_wilson_s_interval() -> None:
    tis = np.array([[20.0], [19.5], [NAN], [60.0]])
    found = shares_by_visit(tis, np.zeros(4, int), 1, 20.0)
    assert (found.n[0, 0], found.mean[0, 0]) == (3, 2 / 3)
    assert (found.low[0, 0], found.high[0, 0]) == wilson_interval(2, 3)


def test_trajectories_show_every_measure_with_unit_direction_and_count() -> None:
    found = rough()
    figure = found.plot("trajectories", trial=1)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert len(titles) == 8
    assert all("better" in title for title in titles)
    assert "points (0 to 150)" in titles[4]
    seen = found.cohort.seen
    written = [text.get_text() for text in figure.axes[6].texts]
    assert written == [
        str(int((~np.isnan(seen.tis[1, seen.arm[1] == a, v])).sum()))
        for a in range(2)
        for v in range(5)
    ]
    means = [line.get_ydata() for line in figure.axes[6].lines]
    want = [np.nanmean(seen.tis[1, seen.arm[1] == a], axis=0) for a in range(2)]
    # the same sum in another order
    np.testing.assert_allclose(means, want, rtol=1e-12)
    assert "the 40 patients of simulated trial 1" in words(figure)


def test_trajectories_of_all_trials_say_so() -> None:
    caption = words(trajectories(rough().cohort, DEMO))
    assert "the 160 patients of 4 simulated trials together" in caption
    assert "independent" in caption
    alone = words(rough(trials=1).plot("trajectories"))
    assert "of simulated trial 0" in alone and "independent" not in alone


def test_an_unknown_plot_is_refused() -> None:
    with pytest.raises(DesignError, match="plot 'pie' is not known"):
        rough().plot("pie")
