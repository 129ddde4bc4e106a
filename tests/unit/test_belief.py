"""The box "why believe this" follows the statuses of the inputs, whatever they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from simtrial.myositis.parameters import HARM
from simtrial.operating.prepare import needed_parameters
from simtrial.planning.size import _standing
from simtrial.report.belief import belief, counts_in_words
from simtrial.report.limits import IN_SAMPLE, NOT_BUILT, RESCUE_HAS_NO_EFFECT
from simtrial.report.tables import assumption_table
from simtrial.trial.design import load_design
from simtrial.trial.posterior import Origin
from tests.unit.results import Document, size_result

MODEL = " ".join(
    (Path(__file__).resolve().parents[2] / "docs/model.md").read_text(encoding="utf-8").split()
)
CONTROL = "Where the control arm comes from"
EFFECT = "What the effect of the drug rests on"
HARM_RESTS_ON = "What harm rests on"
MOVED = "What the data moved, and what they did not"


def with_status(document: Document, start: str, status: str, source: str = "new") -> Document:
    changed = [a for a in document["assumptions"] if a["parameter"].startswith(start)]
    assert changed
    for a in changed:
        a |= {"status": status, "source": source}
    return document


def test_an_assumed_control_is_called_assumed_and_heads_the_limits():
    box = belief(size_result())
    assert any("assumed" in point for point in box.points[CONTROL])
    assert box.limits[0].startswith("No observed control arm")


def test_a_published_control_changes_the_box():
    box = belief(with_status(size_result(), "control.", "published elsewhere", "a registry"))
    assert any("published elsewhere; a registry" in point for point in box.points[CONTROL])
    assert not any("No observed control arm" in limit for limit in box.limits)
    row = next(g for g in box.grounds if g.family == "response of the control arm")
    assert row.by_status["published elsewhere"] == 1


def test_a_replaced_control_is_told_with_its_value():
    document = size_result()
    for row in document["scenarios"]:
        row["replaced"] = [{"parameter": "control.tis20_week16", "value": 0.3, "times": None,
                            "status": "assumed", "source": "a guess"}]  # fmt: skip
    points = belief(document).points[CONTROL]
    assert any("control.tis20_week16 = 0.3 (assumed; a guess)" in point for point in points)


def test_every_fitted_input_of_the_effect_is_named_with_its_source_and_patients():
    document = size_result()
    points = " ".join(belief(document).points[EFFECT])
    fitted = [
        a
        for a in document["assumptions"]
        if a["status"] == "fitted" and not a["parameter"].startswith(HARM)
    ]
    assert len(fitted) == 3
    for a in fitted:
        assert a["parameter"] in points
        assert a["source"] in points
    assert "19 patients" in points


def test_every_fitted_input_of_harm_is_told_with_its_source_and_the_assumed_are_named():
    document = size_result()
    harm = [a for a in document["assumptions"] if a["parameter"].startswith(HARM)]
    points = belief(document).points[HARM_RESTS_ON]
    read = needed_parameters(load_design("dm_ivig_16w"))
    assert len(harm) == sum(name.startswith(HARM) for name in read)
    assert counts_in_words(harm) in points[0]
    fitted = [a for a in harm if a["status"] == "fitted"]
    assert len(fitted) >= 5
    for a in fitted:
        assert any(p.startswith(a["parameter"]) and a["source"] in p for p in points)
    told = points[-1].removeprefix("Assumed: ").removesuffix(".").split(", ")
    assert told == [a["parameter"] for a in harm if a["status"] == "assumed"]
    row = next(g for g in belief(document).grounds if g.family == "adverse events")
    assert row.inputs == len(harm)
    assert {"002", "004"} <= set(row.documents)


def test_harm_that_is_published_elsewhere_is_told_so():
    document = with_status(
        size_result(), "thromboembolism.per_year", "published elsewhere", "a cohort"
    )
    points = belief(document).points[HARM_RESTS_ON]
    assert any(
        "thromboembolism.per_year" in p and "published elsewhere; a cohort" in p for p in points
    )
    assert "thromboembolism.per_year" not in points[-1]


def test_without_a_fitted_input_nothing_is_said_to_be_moved_by_data():
    document = size_result()
    for a in document["assumptions"]:
        a["status"] = "assumed"
    box = belief(document)
    n = len(document["assumptions"])
    assert any("all are assumed" in point for point in box.points[EFFECT])
    assert not any(point.startswith("Data moved") for point in box.points[MOVED])
    assert any(f"For the {n} assumed ones" in point for point in box.points[MOVED])
    assert not any("in-sample" in limit for limit in box.limits)


def test_without_an_assumed_input_no_posterior_is_called_a_prior():
    document = size_result()
    for a in document["assumptions"]:
        a["status"] = "fitted"
    assert not any("is the prior" in point for point in belief(document).points[MOVED])


def test_counts_are_those_of_the_inputs_and_every_input_is_in_one_family():
    document = size_result()
    inputs = document["assumptions"]
    box = belief(document)
    for status in ("fitted", "published elsewhere", "assumed"):
        n = sum(a["status"] == status for a in inputs)
        assert f"{n} {status}" in counts_in_words(inputs)
        assert sum(ground.by_status[status] for ground in box.grounds) == n
    assert sum(ground.inputs for ground in box.grounds) == len(inputs)


def test_baselines_taken_over_are_told_and_others_are_not():
    document = size_result()
    told = belief(document).points["Whose baselines"]
    assert any("taken over from first line" in point for point in told)
    for a in document["assumptions"]:
        a["source"] = a["source"].removeprefix("taken over from first line: ")
    told = belief(document).points["Whose baselines"]
    assert not any("first line" in point for point in told)
    assert "Documents named as their source: 002, 004." in told


def test_a_decimal_is_not_taken_for_a_document():
    document = size_result()
    with_status(document, "noise_", "assumed", "mean 0.025, 005 mg and document 017")
    row = next(g for g in belief(document).grounds if g.family == "measurement error")
    assert "025" not in row.documents
    assert "017" in row.documents


def test_how_the_posterior_was_fitted_heads_the_limits_and_the_inputs_of_a_terminal():
    document = size_result()
    assert document["posterior_fit"] == {"quick": False, "own": [], "without": [], "not_fitted": []}
    how = {"quick": True, "own": ["lim21"], "without": ["lim21", "mas98"], "not_fitted": ["own26"]}
    document["posterior_fit"] = how
    told = [
        "The posterior behind this result was fitted with --quick: coarser tables, not for a "
        "submission.",
        "The posterior behind this result was fitted without mas98, which the shipped one has "
        "seen.",
        "An own document was given to the fit, own26, and none of its facts is fitted.",
    ]
    assert belief(document).limits[:3] == told
    assert assumption_table(document).splitlines()[:3] == told


def test_a_result_of_an_older_version_says_nothing_of_its_fit():
    document = size_result()
    del document["posterior_fit"]
    assert belief(document).limits[0].startswith("No observed control arm")


def test_adverse_events_are_no_longer_among_what_is_not_built():
    told = belief(size_result()).limits[-1]
    for built in ("aseptic meningitis", "haemolysis", "death", "interruption", "adverse events"):
        assert built not in told


def test_rescue_is_a_limit_only_where_the_protocol_has_it():
    document = size_result()
    assert any(RESCUE_HAS_NO_EFFECT in limit for limit in belief(document).limits)
    document["protocol"]["intercurrent"]["rescue"] = None
    assert not any(RESCUE_HAS_NO_EFFECT in limit for limit in belief(document).limits)


def test_what_is_not_built_is_what_the_model_s_account_says():
    start = MODEL.index("therefore absent: ") + len("therefore absent: ")
    assert MODEL[start : MODEL.index(".", start)] == ", ".join(NOT_BUILT)
    for sentence in (IN_SAMPLE, RESCUE_HAS_NO_EFFECT, "not that it predicts"):
        assert sentence in MODEL


@pytest.mark.parametrize(
    ("control", "error", "sentence"),
    [
        ("assumed", "assumed", "The control response and the measurement error are assumed;"),
        ("fitted", "assumed", "The control response is fitted; the measurement error is assumed;"),
        ("fitted", "fitted", "The control response and the measurement error are fitted;"),
    ],
)
def test_the_protocol_sentence_follows_the_statuses(control, error, sentence):
    origins = {
        "control.tis20_week16": Origin(status=control, source=""),
        "sd_change.vas": Origin(status=error, source=""),
        "noise_shared": Origin(status=error, source=""),
        "depth": Origin(status="published elsewhere", source=""),
    }
    assert _standing(origins).startswith(sentence)
