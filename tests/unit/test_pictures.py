"""Accrual, waterfall, quartiles and prednisolone draw what the snapshot holds; none may crash."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from simtrial.cohort.arrivals import arrivals_of
from simtrial.cohort.snapshot import Snapshot, empty_snapshot
from simtrial.core.errors import DesignError
from simtrial.endpoints.responder import composite_response
from simtrial.report import accrual as accrual_module
from simtrial.report.accrual import (
    FEWEST_FOR_BANDS,
    accrual,
    opening_weeks,
    planned,
    randomised_by,
    randomised_curve,
    screened_curve,
)
from simtrial.report.cohort_files import described
from simtrial.report.curves import svg_text
from simtrial.report.flow import flow_of
from simtrial.report.picture_parts import one_trial
from simtrial.report.pictures import PICTURES, draw, pictures_of
from simtrial.report.pictures_page import pictures_page
from simtrial.report.prednisolone import LOW_DOSES_MG, SHIFT_MG, low_dose_shares
from simtrial.report.quartiles import quartiles_by_visit
from simtrial.report.waterfall import LIMITS, falls_of
from simtrial.trial.design import Design
from tests.unit.cohort_fixtures import DEMO, WEEK, rough, unharmed
from tests.unit.test_cohort_figures import labels, marks, words
from tests.unit.test_page import Reader

NAN = float("nan")
ALONE = DEMO.model_copy(update={"arms": {"ivig": DEMO.arms["ivig"]}, "allocation": None})
THREE = DEMO.model_copy(update={"arms": {**DEMO.arms, "low": DEMO.arms["ivig"]}})


def curve(figure: Any, label: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the line of the upper panel whose label begins so."""
    (line,) = [x for x in figure.axes[0].lines if str(x.get_label()).startswith(label)]
    return np.asarray(line.get_xdata()), np.asarray(line.get_ydata())


# every picture


def with_nobody() -> Snapshot:
    return empty_snapshot(1, 12, 5, 4)


def with_an_empty_arm() -> Snapshot:
    seen = one_trial(rough().cohort, 0)
    return seen._replace(arm=np.where(seen.arm == 1, -1, seen.arm))


def with_three_arms() -> Snapshot:
    seen = one_trial(rough().cohort, 0)
    return seen._replace(arm=(seen.arm + np.arange(40) % 2))


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize(
    ("made", "design"),
    [
        (with_nobody, DEMO),
        (with_an_empty_arm, DEMO),
        (with_three_arms, THREE),
        (lambda: empty_snapshot(1, 4, 5, 4)._replace(arm=np.zeros((1, 4), int)), ALONE),
    ],
    ids=["nobody", "an arm without patients", "three arms", "one arm, nobody assessed"],
)
def test_every_picture_says_synthetic_and_how_many_and_names_its_arms(
    kind: str, made: Any, design: Design
) -> None:
    seen = made()
    n = int((seen.arm >= 0).sum())
    figure = PICTURES[kind].draw(seen, design, 0)
    figure.canvas.draw()  # warnings are errors
    assert figure.get_suptitle().startswith(f"SYNTHETIC: {design.title}\n")
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    texts += [axes.get_title(loc="left") for axes in figure.axes]
    for legend in figure.legends:
        texts += [words(figure), *(text.get_text() for text in legend.get_texts())]
    told = " ".join(" ".join(texts).split())
    assert f"imulated trial 0, n = {n}; no patient" in told or f"the {n} patients" in told
    if kind != "accrual":
        assert all(re.search(rf"\b{arm}\b", told) for arm in design.arm_names)


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_of_a_trial_that_was_not_simulated_is_refused(kind: str) -> None:
    with pytest.raises(DesignError, match="trial 4 was not simulated; write one from 0 to 3"):
        PICTURES[kind].draw(rough().cohort, DEMO, 4)


@pytest.mark.parametrize("kind", [kind for kind, picture in PICTURES.items() if picture.pools])
def test_a_picture_of_all_trials_says_so(kind: str) -> None:
    told = words(rough().plot(kind))
    assert "160 patients of 4 simulated trials together" in told


def test_a_script_is_told_which_pictures_there_are() -> None:
    with pytest.raises(DesignError, match=f"choose from {', '.join(PICTURES)}"):
        rough().plot("histogram")


def test_the_page_shows_every_picture_and_the_flow_in_numbers() -> None:
    found = rough(trials=2, n=16)
    drawn = [picture for picture in pictures_of(2, 1) if picture.kind in ("flow", "trajectories")]
    assert [picture.stem for picture in drawn] == [
        "flow_trial_1", "trajectories_trial_1", "trajectories_all_trials"]  # fmt: skip
    counted = flow_of(one_trial(found.cohort, 1), DEMO)
    page = pictures_page(
        described(found.document),
        DEMO,
        counted,
        1,
        [(p, svg_text(found.plot(p.kind, trial=p.replicate))) for p in drawn],
    )
    read = Reader(page)
    assert len([e for e in read.elements if e.tag == "svg"]) == 3
    ids = [e.attributes["id"] for e in read.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    assert {picture.stem for picture in drawn} <= set(ids)
    assert "://" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", page)
    rows = [e.text for e in read.elements if e.tag == "tr"]
    assert f"screened{counted.screened}" in rows
    assert f"allocated{''.join(str(arm.allocated) for arm in counted.arms)}" in rows
    assert f"no response{''.join(str(sum(a.no_response.values())) for a in counted.arms)}" in rows


def test_a_folder_holds_every_picture_of_one_trial_and_the_means_of_all() -> None:
    stems = [picture.stem for picture in pictures_of(1, 0)]
    assert stems == [f"{kind}_trial_0" for kind in PICTURES]
    assert [p.stem for p in pictures_of(5, 3)] == [
        *(f"{kind}_trial_3" for kind in PICTURES), "trajectories_all_trials"]  # fmt: skip


@pytest.mark.parametrize("kind", ["swimmer", "waterfall", "accrual", "flow"])
def test_a_trial_looked_at_on_the_way_says_when_and_who_is_under_way(kind: str) -> None:
    seen = one_trial(rough().cohort, 0)
    cut = int(seen.randomised_minute[0, 20]) + 6 * WEEK
    early = seen.randomised_minute <= cut
    since = np.maximum(cut - seen.randomised_minute, -1)
    visited = (np.arange(5) * 4 * WEEK <= since[:, :, None]) & early[:, :, None]
    minutes = {
        name: np.where((column >= 0) & (column < since), column, -1)
        for name, column in seen._asdict().items()
        if name.endswith("_minute") and column.ndim == 2 and name != "randomised_minute"
    }
    looked_at = unharmed(seen)._replace(
        arm=np.where(early, seen.arm, -1),
        complete=np.array([False]),
        tis=np.where(visited, seen.tis, NAN),
        **{k: v for k, v in minutes.items() if k in ("rescue_minute", "left_minute")},
    )
    figure = draw(kind, looked_at, DEMO, 0, cut_minute=cut)
    assert figure.get_suptitle().endswith(f", as seen in week {cut / WEEK:.1f}")
    stayed = early & (looked_at.left_minute < 0) & (since < 16 * WEEK)
    assert stayed.sum() > 5
    if kind == "swimmer":
        ends = np.minimum(since, 16 * WEEK)[stayed] / WEEK
        widths = [bar.get_width() for bar in figure.axes[0].patches]
        assert set(np.round(ends, 9)) <= set(np.round(widths, 9))
        assert max(widths) <= 16.0
    elif kind == "waterfall":
        assert marks(figure, ".") == int(stayed.sum())
        assert f"visit still to come ({stayed.sum()})" in labels(figure)
    elif kind == "accrual":
        assert "ran out" not in words(figure)
        assert "ran out" in words(draw(kind, looked_at, DEMO, 0))


# accrual


def test_accrual_ends_with_the_last_patient_and_the_last_candidate() -> None:
    seen = one_trial(rough().cohort, 2)
    figure = accrual(rough().cohort, DEMO, 2)
    weeks, counts = curve(figure, "randomised, this trial")
    assert counts[-1] == 40
    assert weeks[-1] == seen.randomised_minute.max() / WEEK
    screened_weeks, screened = curve(figure, "screened, this trial")
    assert screened[-1] == seen.screened[0]
    assert screened_weeks[-1] == (seen.randomised_minute.max() - 2 * WEEK) / WEEK
    told = f"randomised, this trial (40, the last in week {weeks[-1]:.1f})"
    assert {told, f"screened, this trial ({seen.screened[0]})"} <= set(labels(figure))


def test_nobody_is_in_before_he_was_screened() -> None:
    seen = one_trial(rough().cohort, 0)
    weeks, counts = randomised_curve(seen)
    screened_weeks, screened = screened_curve(seen, DEMO)
    assert (np.diff(screened) > 0).all() and (np.diff(screened_weeks) >= 0).all()
    for week in np.linspace(0.0, weeks[-1], 50):
        in_by = counts[weeks <= week][-1]
        assert screened[screened_weeks <= week][-1] >= in_by


def test_bands_are_quantiles_of_who_was_in_by_each_week() -> None:
    seen = rough().cohort.seen
    moment = int(seen.randomised_minute[1, 7]) / WEEK  # he is in at his own minute
    grid = np.array([0.0, *sorted((20.0, moment, 60.0)), 500.0])
    want = [
        [int((seen.randomised_minute[r] <= week * WEEK).sum()) for week in grid] for r in range(4)
    ]
    assert randomised_by(seen, grid).tolist() == want
    assert [row[-1] for row in want] == [40] * 4


@pytest.mark.parametrize(("trials", "bands"), [(FEWEST_FOR_BANDS - 1, 0), (FEWEST_FOR_BANDS, 2)])
def test_bands_need_trials_enough(trials: int, bands: int) -> None:
    many = np.repeat([0], trials)
    seen = Snapshot(*(column[many] for column in one_trial(rough().cohort, 0)))
    figure = accrual(seen, DEMO)
    assert len(figure.axes[0].collections) == bands
    assert sum(f"of {trials} trials" in label for label in labels(figure)) == bands
    assert ("Bands over trials are drawn from 20" in words(figure)) is not bool(bands)


def test_the_plan_is_its_rate_times_the_sites_open_after_screening() -> None:
    per_week = 0.115 * 12 / 365.25 * 7  # patients a site
    opened = arrivals_of(DEMO.accrual, 0.115, 1.0, 94).opening  # where the engines open them
    # minutes and back
    np.testing.assert_allclose(opening_weeks(DEMO), opened / WEEK, rtol=1e-12)
    found = planned(DEMO, np.array([1.0, 12.0, 62.0, 1000.0]))
    want = [0.0, per_week * sum(10 - 40 / 36 * i for i in range(9)),
            per_week * sum(60 - 40 / 36 * i for i in range(36)), 94.0]  # fmt: skip
    # sums of 36 products in another order
    assert found == pytest.approx(want, rel=1e-9)


def test_accrual_in_the_mean_is_the_plan() -> None:
    # counts of 400 trials at a week before any is full are Poisson but for the eligible share,
    # found in a pilot of 5,000 (about 0.9, so its error is below 0.5 %, taken as 5 of them);
    # false alarm 1e-6: 4.9 standard errors of a mean. It sees a shift of screening's two weeks.
    found = rough(trials=400, n=40)
    week = np.array([25.0])
    want = float(planned(DEMO.with_n(1000), week)[0])
    mean = float(randomised_by(found.cohort.seen, week).mean())
    assert abs(mean - want) < 4.9 * np.sqrt(want / 400) + 0.025 * want
    early = float(planned(DEMO.with_n(1000), week + 2.0)[0])
    assert abs(early - want) > 4.9 * np.sqrt(want / 400) + 0.025 * want


def test_in_a_pause_the_plan_stands_still_and_is_shaded(monkeypatch: pytest.MonkeyPatch) -> None:
    weeks = np.array([20.0, 27.9, 28.1, 30.0, 36.1, 50.0])
    before = planned(DEMO, weeks)
    monkeypatch.setattr(accrual_module, "pauses", lambda design: ((26.0, 34.0),))
    paused = planned(DEMO, weeks)
    assert paused[:2] == pytest.approx(before[:2])
    assert paused[2] == paused[3] < paused[4] < paused[5] < before[5]
    figure = accrual(rough().cohort, DEMO)
    (shade,) = figure.axes[0].patches
    assert (shade.get_x(), shade.get_width()) == (26.0, 8.0)
    assert "recruitment paused" in labels(figure)


# waterfall


def test_a_waterfall_has_a_bar_an_assessed_patient_the_highest_first() -> None:
    seen = one_trial(rough().cohort, 1)
    figure = rough().plot("waterfall", trial=1)
    for a, axes in enumerate(figure.axes):
        tis = seen.tis[0, seen.arm[0] == a, 4]
        heights = [bar.get_height() for bar in sorted(axes.patches, key=lambda bar: bar.get_x())]
        assert len(heights) == int((~np.isnan(tis)).sum()) < tis.shape[0]
        assert heights == sorted(np.maximum(tis[~np.isnan(tis)], 0.8), reverse=True)
        dashed = [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == "--"]
        assert dashed == list(LIMITS)


def test_a_waterfall_counts_in_its_titles_what_the_table_holds() -> None:
    patients = rough().patients()
    patients = patients[patients["trial"] == 1]
    for arm, axes in zip(
        DEMO.arm_names, rough().plot("waterfall", trial=1).figure.axes, strict=True
    ):
        here = patients[patients["arm"] == arm]
        tis = here["tis_at_endpoint"].dropna()
        assert axes.get_title(loc="left") == (
            f"{arm}, n = {len(here)}; assessed {len(tis)}; TIS ≥ 20: {int((tis >= 20).sum())}, "
            f"≥ 40: {int((tis >= 40).sum())}, ≥ 60: {int((tis >= 60).sum())}; "
            f"response {int(here['responder_composite'].sum())}"
        )


def test_a_waterfall_marks_below_each_patient_what_had_happened_to_him() -> None:
    seen = one_trial(rough().cohort, 1)
    figure = rough().plot("waterfall", trial=1)
    until = 16 * WEEK
    for marker, name, column in (
        ("D", "rescue", seen.rescue_minute),
        ("X", "left the study", seen.left_minute),
        ("s", "treatment stopped for harm", seen.harm_stop_minute),
    ):
        count = int(((column >= 0) & (column <= until)).sum())
        assert marks(figure, marker) == count > 0
        assert f"{name} ({count})" in labels(figure)
    missing = int(np.isnan(seen.tis[0, :, 4]).sum())
    assert marks(figure, "x") == missing > 0
    for a, fall in enumerate(falls_of(seen, DEMO)):
        order = np.flatnonzero(seen.arm[0] == a)
        # equal scores keep the order of randomisation; who has none stands last
        order = sorted(order, key=lambda p: (-np.nan_to_num(seen.tis[0, p, 4], nan=-1.0), p))
        assert fall.happened["rescue"].tolist() == (seen.rescue_minute[0, order] >= 0).tolist()
        assert fall.responders == int(composite_response(seen, DEMO)[0, order].sum())


def test_what_happens_after_the_endpoint_s_week_is_not_marked() -> None:
    early = DEMO.model_copy(update={"endpoint": DEMO.endpoint.model_copy(update={"at_week": 8})})
    seen = one_trial(rough().cohort, 1)
    figure = PICTURES["waterfall"].draw(seen, early, 0)
    by_then = (seen.left_minute >= 0) & (seen.left_minute <= 8 * WEEK)
    assert marks(figure, "X") == int(by_then.sum()) < int((seen.left_minute >= 0).sum())
    assert "at week 8" in figure.get_suptitle()


# quartiles and prednisolone


def test_quartiles_are_those_of_who_was_assessed() -> None:
    values = np.array([[1.0], [2.0], [3.0], [4.0], [NAN], [9.0]])
    found = quartiles_by_visit(values, np.array([0, 0, 0, 0, 0, 1]), 3)
    assert found.n[:, 0].tolist() == [4, 1, 0]
    five = [column[0, 0] for column in found[1:]]
    assert five == [1.0, 1.75, 2.5, 3.25, 4.0]
    assert [column[1, 0] for column in found[1:]] == [9.0] * 5
    assert all(np.isnan(column[2, 0]) for column in found[1:])


def test_the_quartiles_figure_draws_medians_quartiles_and_range_of_the_tis() -> None:
    seen = one_trial(rough().cohort, 3)
    figure = rough().plot("quartiles", trial=3)
    axes = figure.axes[6]
    for a in range(2):
        tis = seen.tis[0, seen.arm[0] == a]
        medians = axes.lines[a].get_ydata()
        np.testing.assert_array_equal(medians, np.nanmedian(tis, axis=0))
        ends = [collection.get_segments() for collection in axes.collections[2 * a : 2 * a + 2]]
        for segments, low, high in ((ends[0], 0.0, 1.0), (ends[1], 0.25, 0.75)):
            found = np.array([[s[0, 1], s[1, 1]] for s in segments])
            want = np.nanquantile(tis, (low, high), axis=0).T
            # nanquantile interpolates in another order
            np.testing.assert_allclose(found, want, rtol=1e-12)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert len(titles) == 7 and all("better" in title for title in titles)


def test_axes_end_where_the_scale_ends() -> None:
    seen = empty_snapshot(1, 2, 5, 4)
    seen.arm[0] = 0
    seen.measures[0, 0], seen.measures[0, 1] = 0.5, 2.5  # the interval of the mean: -11 to 14
    for kind in ("trajectories", "quartiles"):
        axes = PICTURES[kind].draw(seen, DEMO, 0).axes
        vas, haq = axes[0].get_ylim(), axes[3].get_ylim()
        assert (vas[0] >= -0.2, vas[1] <= 10.2) == (True, True)
        assert (haq[0] >= -0.06, haq[1] <= 3.06) == (True, True)
        assert vas[1] > 2.5 and haq[1] > 2.5


@pytest.mark.parametrize("most_mg", LOW_DOSES_MG)
def test_a_dose_at_the_limit_is_low_and_one_above_it_is_not(most_mg: float) -> None:
    dose = np.array([[most_mg], [most_mg + 0.5], [NAN], [0.0]])
    found = low_dose_shares(dose, np.zeros(4, int), 1, most_mg)
    assert (found.n[0, 0], found.mean[0, 0]) == (3, 2 / 3)


def test_prednisolone_draws_every_patient_s_dose_and_the_shares_at_a_low_one() -> None:
    seen = one_trial(rough().cohort, 0)
    figure = rough().plot("prednisolone", trial=0)
    assert len(figure.axes) == 2 + len(LOW_DOSES_MG)
    for a in range(2):
        dose = seen.prednisolone[0, seen.arm[0] == a]
        thin, median = figure.axes[a].lines
        drawn = np.asarray(thin.get_ydata()).reshape(dose.shape[0], -1)
        assert np.isnan(drawn[:, -1]).all()  # the gap between two patients
        np.testing.assert_array_equal(np.isnan(drawn[:, :-1]), np.isnan(dose))
        assert np.nanmax(np.abs(drawn[:, :-1] - dose)) <= SHIFT_MG / 2 + 1e-9  # rounding
        np.testing.assert_array_equal(median.get_ydata(), np.nanmedian(dose, axis=0))
        assert f"n = {dose.shape[0]}" in " ".join(figure.axes[a].get_title(loc="left").split())
        for axes, most_mg in zip(figure.axes[2:], LOW_DOSES_MG, strict=True):
            assessed = ~np.isnan(dose)
            want = (assessed & (np.nan_to_num(dose, nan=99.0) <= most_mg)).sum(axis=0)
            share = want / assessed.sum(axis=0)
            # one division of the same whole numbers
            np.testing.assert_array_equal(axes.lines[a].get_ydata(), share)
    assert "mg a day" in figure.axes[0].get_ylabel()
