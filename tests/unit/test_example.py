"""The example trial is a trial of the result, and its figure shows what happened in it."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.core.errors import PosteriorError
from simtrial.operating.prepare import prepare
from simtrial.operating.replicates import run_replicates
from simtrial.report.example import ExampleTrial, counts_by_arm, simulate_example, told
from simtrial.report.example_figure import BANDS, Panel, draw_swimmer
from simtrial.report.result_file import protocol_of_result
from simtrial.trial.scenario import load_scenario
from tests.unit.cohort_fixtures import unharmed
from tests.unit.results import shipped, signed, size_result


@pytest.fixture(scope="module")
def trial() -> ExampleTrial:
    return simulate_example(size_result(), shipped())


def test_the_example_is_replicate_0_as_it_was_counted(trial):
    document = size_result()
    grid = [point["n"] for point in document["curve"]]
    design = protocol_of_result(document).with_n(grid[-1])
    ready = prepare(design, load_scenario("point"), shipped())
    counted = run_replicates(ready, seed=document["seed"], first=0, last=1, sizes=grid)
    assert trial.n == document["n"]
    assert trial.success == counted.success[0, grid.index(trial.n)]
    alone = run_replicates(ready, seed=document["seed"], first=0, last=1, sizes=[trial.n])
    counts = counts_by_arm(trial)
    arms = trial.design.arm_names
    assert [counts["randomised"][a] for a in arms] == alone.arm_n[0].tolist()
    assert [counts["responders, composite"][a] for a in arms] == alone.responders[0].tolist()
    assert [counts["assessed for the endpoint"][a] for a in arms] == alone.assessed[0].tolist()
    assert [counts["responders as observed"][a] for a in arms] == alone.observed[0].tolist()


def test_the_sentences_hold_the_counts_and_the_decision(trial):
    text = " ".join(told(trial))
    counts = counts_by_arm(trial)
    for arm in trial.design.arm_names:
        hits, n = counts["responders, composite"][arm], counts["randomised"][arm]
        assert f"{hits} of {n} ({100 * hits / n:.0f} %) under {arm}" in text
    assert f"{int(trial.seen.screened[0])} candidates were screened" in text
    assert text.endswith(": success." if trial.success else "no success.")
    assert ("not above" in text) == (not trial.success)


def test_what_the_scenario_replaces_holds_in_the_example():
    document = size_result()
    for row in document["scenarios"]:
        row["replaced"] = [{"parameter": "dropout_16_weeks", "value": 0.9, "times": None,
                            "status": "assumed", "source": "many leave"}]  # fmt: skip
    left = counts_by_arm(simulate_example(signed(document), shipped()))["left the study"]
    # of 60 or more patients at least half leave: chance of fewer below 1e-6 at 0.9
    assert sum(left.values()) > document["n"] / 2


def test_another_posterior_is_refused():
    with pytest.raises(PosteriorError, match="made with the posterior feed"):
        simulate_example(size_result() | {"posterior": "feed"}, shipped())


def shapes(panels: list[Panel], kind: str) -> int:
    return sum(panel.paths.get(kind, "").count("M") for panel in panels)


def test_every_patient_has_one_lane_and_every_visit_course_and_event_one_mark(trial):
    figure = draw_swimmer(trial)
    seen = trial.seen
    lanes = [int(label.text) for panel in figure.panels for label in panel.numbers]
    assert sorted(lanes) == list(range(1, trial.n + 1))
    assert shapes(figure.panels, "stay") == trial.n
    assert shapes(figure.panels, "infusion") == int(seen.courses[0].sum())
    scores = seen.tis[0, :, 1:]
    edges = [-np.inf, 20.0, 40.0, 60.0, np.inf]
    for (kind, _), low, high in zip(BANDS, edges[:-1], edges[1:], strict=True):
        assert shapes(figure.panels, kind) == int(((scores >= low) & (scores < high)).sum())
    assert shapes(figure.panels, "responder") == int(trial.response.sum())
    letters = "".join(event.text for panel in figure.panels for event in panel.events)
    for letter, column in (("R", seen.rescue_minute), ("D", seen.deterioration_minute),
                           ("H", seen.harm_stop_minute), ("L", seen.left_minute),
                           ("S", np.where(seen.harm_stop_minute >= 0, -1, seen.stop_minute)),
                           ("T", seen.thromboembolism_minute),
                           ("E", seen.serious_minute)):  # fmt: skip
        assert letters.count(letter) == int((column[0] >= 0).sum())
    assert set(figure.letters) == set(letters)


def test_the_score_beside_a_lane_is_the_patient_s_at_the_endpoint(trial):
    week = trial.design.visits_weeks.index(trial.design.endpoint.week)
    for panel in draw_swimmer(trial).panels:
        for number, score in zip(panel.numbers, panel.scores, strict=True):
            found = trial.seen.tis[0, int(number.text) - 1, week]
            assert score.text == ("–" if np.isnan(found) else f"{found:g}")


def test_no_mark_leaves_its_panel(trial):
    for panel in draw_swimmer(trial).panels:
        labels = [*panel.numbers, *panel.scores, *panel.events, *panel.ticks]
        assert all(0 <= label.x <= panel.width and 0 <= label.y <= panel.height for label in labels)


HARMS = {
    "reaction_minute": "with an infusion reaction",
    "thromboembolism_minute": "with thromboembolism",
    "serious_minute": "with another serious event",
    "harm_stop_minute": "treatment stopped for harm",
}


def test_harm_that_the_engine_brought_is_counted_by_arm(trial):
    counts, seen = counts_by_arm(trial), trial.seen
    for column, words in HARMS.items():
        happened = (getattr(seen, column)[0].reshape(trial.n, -1) >= 0).any(axis=1)
        for a, arm in enumerate(trial.design.arm_names):
            assert counts[words][arm] == int(happened[seen.arm[0] == a].sum())
    # 0.3 a course at the point, more at the first: that none of 20 reacts is not to be expected
    assert counts["with an infusion reaction"]["ivig"] > 0
    panels = draw_swimmer(trial).panels
    drawn = shapes(panels, "reaction") + shapes(panels, "serious-reaction")
    assert drawn == int((seen.reaction_minute >= 0).sum())


def test_each_kind_of_harm_is_drawn_and_counted(trial):
    seen = unharmed(trial.seen)
    for field in ("stop_minute", "rescue_minute", "deterioration_minute", "left_minute"):
        getattr(seen, field)[0, [0, 3, 5]] = -1
    seen.reaction_minute[0, 0, [0, 2]], seen.reaction_minute[0, 5, 1] = (100, 81_000), 41_000
    seen.reaction_kind[0, 0, [0, 2]], seen.reaction_kind[0, 5, 1] = 0, 3
    seen.reaction_serious[0, 5, 1] = True
    seen.thromboembolism_minute[0, 3, 4] = 60_000
    seen.harm_stop_minute[0, 5] = seen.stop_minute[0, 5] = 41_000
    changed = ExampleTrial(**{**trial.__dict__, "seen": seen})
    counts = counts_by_arm(changed)
    assert sum(counts["with an infusion reaction"].values()) == 2
    assert sum(counts["with thromboembolism"].values()) == 1
    assert sum(counts["treatment stopped for harm"].values()) == 1
    figure = draw_swimmer(changed)
    assert shapes(figure.panels, "reaction") == 2
    assert shapes(figure.panels, "serious-reaction") == 1
    letters = "".join(event.text for panel in figure.panels for event in panel.events)
    assert (letters.count("T"), letters.count("H"), letters.count("E")) == (1, 1, 0)
    # a stop is one letter, told with its reason
    assert letters.count("S") == int((seen.stop_minute >= 0).sum()) - 1
    assert {"T", "H"} <= set(figure.letters)
    assert figure.has_reactions
    calm = ExampleTrial(**{**trial.__dict__, "seen": unharmed(trial.seen)})
    assert not draw_swimmer(calm).has_reactions
