"""Which assumptions are varied, what is refused, and what the words and the figure say."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simtrial.core.errors import DesignError
from simtrial.operating.prepare import needed_parameters
from simtrial.planning.power import Progress
from simtrial.planning.sensitivity import Sensitivity, sensitivity
from simtrial.report.tornado import MOST_ROWS, tornado_figure, tornado_table
from simtrial.trial.design import load_design
from simtrial.trial.posterior import load_posterior

DEMO = load_design("dm_ivig_16w")
POSTERIOR = load_posterior()
DM = "p_response[DM, refractory]"
THREE = ("control.tis20_week16", "p_response.DM", "loading.enzyme")


def ask(*parameters: str, **options: Any) -> Sensitivity:
    options = {"trials": 20, "n": 40, "seed": 5, **options}
    return sensitivity(DEMO, parameters=parameters, **options)


@cache
def three() -> Sensitivity:
    return ask(*THREE, trials=200)


@cache
def everything() -> Sensitivity:
    return ask(trials=4)


def scenario(folder: Path, text: str) -> str:
    path = folder / "base.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


# what is varied


def test_every_parameter_of_the_design_is_either_varied_or_said_to_be_fixed() -> None:
    document = everything().document
    varied = [row["parameter"] for row in document["rows"]]
    assert sorted(varied + document["not_varied"]) == sorted(
        [*needed_parameters(DEMO), "control.tis20_week16"]
    )
    spread = {name for name in varied if np.ptp(POSTERIOR.draws[name]) > 0.0}
    assert spread == set(varied)
    assert all(np.ptp(POSTERIOR.draws[name]) == 0.0 for name in document["not_varied"])
    assert "hill" in document["not_varied"]
    assert {"accrual.patients_per_site_month", "p_background"}.isdisjoint(varied)


@pytest.mark.parametrize(("interval", "tails"), [(0.9, (0.05, 0.95)), (0.5, (0.25, 0.75))])
def test_the_ends_are_quantiles_of_the_draws_and_the_base_is_the_point(interval, tails) -> None:
    row = ask("k_on", interval=interval).document["rows"][0]
    want = np.quantile(POSTERIOR.draws["k_on"], tails)
    # sums of two products of the interpolation: rounding only
    assert (row["low"]["value"], row["high"]["value"]) == pytest.approx(tuple(want), rel=1e-14)
    assert row["base_value"] == POSTERIOR.point["k_on"]


def test_a_multiplied_parameter_keeps_its_interval_multiplied(tmp_path: Path) -> None:
    base = scenario(tmp_path, "from: point\nset: {p_response.DM: {times: 0.9}}\n")
    row = ask(DM, scenario=base).document["rows"][0]
    want = 0.9 * np.quantile(POSTERIOR.draws[DM], [0.05, 0.95])
    assert (row["low"]["value"], row["high"]["value"]) == pytest.approx(tuple(want), rel=1e-14)
    assert row["base_value"] == pytest.approx(0.9 * POSTERIOR.point[DM], rel=1e-14)


def test_a_parameter_given_a_value_by_the_scenario_is_fixed(tmp_path: Path) -> None:
    base = scenario(tmp_path, "from: point\nset: {p_response.DM: 0.6, p_background: 0.4}\n")
    document = ask("k_on", "loading.enzyme", scenario=base).document
    assert {DM, "p_background"} <= set(document["not_varied"])
    assert "control.tis20_week16" not in document["not_varied"]  # it follows from p_background
    with pytest.raises(DesignError, match=r"control\.tis20_week16 is not read"):
        ask("control.tis20_week16", scenario=base)
    assert document["control_held"] == []
    assert {row["low"]["p_background"] for row in document["rows"]} == {0.4}


def test_each_row_carries_the_status_and_source_of_the_posterior() -> None:
    for row in three().document["rows"]:
        origin = POSTERIOR.origins[row["parameter"]]
        assert (row["status"], row["source"]) == (origin.status, origin.source)


def test_the_largest_change_comes_first() -> None:
    rows = everything().document["rows"] + three().document["rows"]
    for some in (everything().document["rows"], three().document["rows"]):
        largest = [max(abs(row["low"]["change"]), abs(row["high"]["change"])) for row in some]
        assert largest == sorted(largest, reverse=True)
    assert len(rows) > 20


def test_a_change_is_the_difference_of_the_two_estimates_and_of_the_pairs() -> None:
    document = three().document
    for row in document["rows"]:
        for end in (row["low"], row["high"]):
            gap = end["estimate"] - document["base"]["estimate"]
            assert end["change"] == pytest.approx(gap, abs=1e-14)
            assert end["change"] == (end["gained"] - end["lost"]) / 200
            for arm, rate in end["rates"].items():
                shift = rate - document["base"]["rates"][arm]
                assert end["rates_change"][arm] == pytest.approx(shift, abs=1e-14)


# what is refused


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"method": "sobol"}, ["'sobol' is not known; choose from tornado"]),
        ({"metric": "assurance"}, ["'assurance' is not known; choose from power, type1"]),
        ({"interval": 1.0}, ["interval is 1;", "such as 0.9"]),
        ({"interval": 0.0}, ["interval is 0;", "such as 0.9"]),
        ({"scenario": "posterior"}, ["--scenario posterior", "from: posterior", "from: point"]),
        ({"scenario": "identical_arms"}, ["from: identical_arms", "from: point"]),
        ({"parameters": ["k_onn"]}, ["k_onn is not a known parameter", "'k_on'"]),
        ({"parameters": ["p_response[IBM]"]}, ["p_response[IBM] is not read", "refractory, DM"]),
        ({"parameters": ["k_on", "hill"]}, ["--parameter hill is fixed (3)", "no interval"]),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_to_write(options, parts) -> None:
    with pytest.raises(DesignError) as refused:
        sensitivity(DEMO, trials=2, **options)
    for part in parts:
        assert part in str(refused.value)


def test_a_design_without_a_decision_has_nothing_to_move() -> None:
    with pytest.raises(DesignError, match="no decision"):
        sensitivity(load_design("documents/lim21"), trials=2)


# an interrupt


class InterruptedAfter(Progress):
    """Press Ctrl-C once so many trials were run."""

    def __init__(self, trials: int) -> None:
        self.left = trials

    def start(self, title, total):  # type: ignore[no-untyped-def]
        def step(done: int) -> None:
            before, self.left = self.left, self.left - done
            if before > 0 >= self.left:
                raise KeyboardInterrupt

        return step


def test_an_interrupt_keeps_the_rows_of_which_both_ends_are_finished() -> None:
    names = ("depth", "k_on", "x50")
    whole = ask(*names, trials=20).document
    # base and both ends of depth are 60 trials; k_on's second end is under way at 90
    cut = ask(*names, trials=20, chunk=5, progress=InterruptedAfter(90))
    assert cut.interrupted
    assert cut.document["interrupted"] is True
    assert cut.document["rows"] == [r for r in whole["rows"] if r["parameter"] == "depth"]
    assert cut.document["base"] == whole["base"]
    assert cut.document["not_finished"] == 2
    assert "Interrupted: 2 more were not finished." in cut.summary()
    assert cut.document["digest"] == whole["digest"]


def test_an_interrupt_before_the_base_is_finished_leaves_nothing() -> None:
    with pytest.raises(KeyboardInterrupt):
        ask("depth", trials=20, chunk=5, progress=InterruptedAfter(10))


# words, table and figure


def test_the_summary_tells_the_base_the_largest_the_quiet_and_the_fixed() -> None:
    found = three()
    text = str(found)
    base = found.document["base"]
    assert f"power {base['estimate']:.3f} (MCSE {base['mcse']:.4f}, R = 200) at n = 40" in text
    assert f"Largest: {found.document['rows'][0]['parameter']}" in text
    assert "5 % and 95 % quantiles" in text
    assert "Not varied (fixed): hill" in text
    assert "6 comparisons" in text
    # the loading moves the control arm, so its rate is solved anew
    assert found.document["control_held"] == ["loading.enzyme"]


def test_a_row_is_within_noise_only_when_both_ends_are() -> None:
    for row in everything().document["rows"] + three().document["rows"]:
        clear = [abs(e["change"]) > 1.959963984540054 * e["change_mcse"]
                 for e in (row["low"], row["high"])]  # fmt: skip
        assert row["indistinguishable_from_zero"] is not any(clear)


def test_the_data_frame_has_a_row_for_each_assumption_and_plain_numbers() -> None:
    frame = three().table()
    assert sorted(frame["parameter"]) == sorted(r["parameter"] for r in three().document["rows"])
    assert "low.rates_change.placebo" in frame.columns
    assert not [c for c in frame if frame[c].map(lambda v: isinstance(v, list | dict)).any()]


def test_the_table_holds_every_row_with_its_changes_and_errors() -> None:
    text = tornado_table(three().document)
    for row in three().document["rows"]:
        line = next(t for t in text.splitlines() if t.startswith(row["parameter"]))
        assert row["status"] in line
        for end in (row["low"], row["high"]):
            assert f"{end['change']:+.4f} ({end['change_mcse']:.4f})" in line
        assert ("within noise" in line) == row["indistinguishable_from_zero"]


def test_the_figure_shows_the_largest_and_says_how_many_it_leaves_out() -> None:
    document = everything().document
    figure = tornado_figure(document)
    axes = figure.axes[0]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert len(labels) == MOST_ROWS
    for label, row in zip(labels, document["rows"], strict=False):
        assert label.startswith(row["parameter"])
        assert f"({row['status']})" in label
    left = len(document["rows"]) - MOST_ROWS
    assert f"{left} more with a smaller change" in figure.get_supxlabel()
    widths = [bar.get_width() for bar in axes.patches]
    ends = [row[end]["change"] for row in document["rows"][:MOST_ROWS] for end in ("low", "high")]
    assert widths == pytest.approx(ends, abs=1e-15)
    written = [text.get_text() for text in axes.texts]
    assert written[:2] == [f"{document['rows'][0][end]['value']:.3g}" for end in ("low", "high")]
