"""Truths of outcomes alone: what is refused, with which words, and what is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from simtrial.core.config import Located, parse_yaml, validate
from simtrial.core.errors import DesignError
from simtrial.planning.power import power
from simtrial.trial.design import AnyDesign, load_design
from simtrial.trial.outcomes import OutcomeScenario, check_fit
from simtrial.trial.scenario import load_scenario
from tests.unit.outcome_cases import CHANCES, EVENTS, HAZARDS, OF_CHANCES, OF_HAZARDS, RESPONSE
from tests.workflow.bad_cases import Case
from tests.workflow.test_bad_input import check_message, exchanged, line_named, mended

CASES = [
    pytest.param(text, case, id=f"{kind}-{case.name}")
    for kind, text, cases in (("chances", CHANCES, OF_CHANCES), ("hazards", HAZARDS, OF_HAZARDS))
    for case in cases
]


def written(text: str, folder: Path, name: str = "truth.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def truth(text: str) -> OutcomeScenario:
    return validate(OutcomeScenario, parse_yaml(text, "truth.yaml"))


@pytest.mark.parametrize(("text", "case"), CASES)
def test_a_wrong_truth_is_answered(text: str, case: Case, tmp_path: Path) -> None:
    wrong = exchanged(text, case)
    path = written(wrong, tmp_path)
    with pytest.raises(DesignError) as refused:
        load_scenario(path)
    message = str(refused.value)
    place = f"{path}, line {line_named(text, wrong, case) if case.path else 1}"
    if case.path:
        check_message(message, place, case)
    else:
        assert message.startswith(f"{place} is {{{case.value}")
        assert case.rule in message
    assert len(message.splitlines()) == 1, "one fault is told once"


@pytest.mark.parametrize(("text", "case"), [p for p in CASES if p.values[1].example is not None])
def test_the_example_of_a_message_mends_the_truth(text: str, case: Case) -> None:
    data = parse_yaml(exchanged(text, case), "truth.yaml").data
    mended(data, case)
    assert validate(OutcomeScenario, Located(data=data, source="mended"))


@pytest.mark.parametrize("text", [CHANCES, HAZARDS], ids=["chances", "hazards"])
def test_the_right_truths_are_right(text: str, tmp_path: Path) -> None:
    assert isinstance(load_scenario(written(text, tmp_path)), OutcomeScenario)


# a truth that is right in itself, and not the design's

STRATIFIED = RESPONSE.replace("block_sizes: [2]", "block_sizes: [2]\n  strata: [severity]")
NO_STRATA = "outcomes: {old: 0.4, new: 0.7}\n"


@pytest.mark.parametrize(
    ("design", "text", "line", "said", "example"),
    [
        pytest.param(
            RESPONSE, HAZARDS, 1, "hazards_per_day is given, and the design's outcome is a "
            "response or none; write outcomes", "outcomes: {old: 0.4, new: 0.7}", id="hazards",
        ),
        pytest.param(
            EVENTS, NO_STRATA, 1, "outcomes is given, and the design's outcome is the time to an "
            "event; write hazards_per_day", "hazards_per_day: {old: 0.0019, new: 0.0011}",
            id="chances",
        ),
        pytest.param(
            RESPONSE, "source: x\noutcomes: {old: 0.4, ivig: 0.7}\n", 2, "outcomes names old, "
            "ivig; it must name the arms of the design, old, new, and no others",
            "outcomes: {old: 0.4, new: 0.4}", id="another arm",
        ),
        pytest.param(
            RESPONSE, "outcomes: {}\n", 1, "outcomes names no arm; it must name the arms",
            "outcomes: {old: 0.4, new: 0.4}", id="no arm",
        ),
        pytest.param(
            EVENTS, "hazards_per_day: {old: 0.1, new: 0.1}\ndropout_per_day: {old: 0.1}\n", 2,
            "dropout_per_day names old; it must name the arms of the design, old, new",
            "dropout_per_day: {old: 0.001, new: 0.001}", id="dropout of one arm",
        ),
        pytest.param(
            STRATIFIED, NO_STRATA, 1, "strata is missing, and the design allocates within strata "
            "of severity", "strata: {mild: 0.2, moderate: 0.5, severe: 0.3}", id="no strata",
        ),
    ],
)  # fmt: skip
def test_a_truth_of_another_design_is_answered_and_the_example_mends_it(
    design: str, text: str, line: int, said: str, example: str, tmp_path: Path
) -> None:
    loaded: AnyDesign = load_design(written(design, tmp_path, "trial.yaml"))
    path = written(text, tmp_path)
    with pytest.raises(DesignError) as refused:
        power(loaded, scenarios=[str(path)], trials=2)
    message = str(refused.value)
    assert message.startswith(f"{path}, line {line}: {said}")
    assert message.endswith(f"; for example {example}.")
    data = parse_yaml(text, "truth.yaml").data
    if "is given" in said:
        data = {}
    check_fit(loaded, validate(OutcomeScenario, Located(data=data | parse_yaml(example, "x").data,
                                                       source="mended")))  # fmt: skip


def test_strata_that_the_design_lacks_are_refused(tmp_path: Path) -> None:
    path = written(CHANCES, tmp_path)
    plain = load_design(written(RESPONSE, tmp_path, "trial.yaml"))
    with pytest.raises(DesignError) as refused:
        power(plain, scenarios=[str(path)])
    assert str(refused.value) == (
        f"{path}, line 4: strata is {{mild: 0.5, severe: 0.5}}, and the design allocates without "
        "strata; leave it out, or give the design some; for example strata: [severity]."
    )
    check_fit(load_design(written(STRATIFIED, tmp_path, "trial.yaml")), load_scenario(path))  # type: ignore[arg-type]


# what is read


def test_a_chance_is_a_number_or_a_prior_with_its_mean() -> None:
    read = truth(
        "outcomes: {a: 0.25, b: {beta: [3, 9]}, c: {mixture: [[0.75, 1, 3], [0.25, 2, 2]]}}"
    )
    chances = read.outcomes or {}
    assert [chances[arm].mean for arm in "abc"] == [0.25, 0.25, 0.75 * 0.25 + 0.25 * 0.5]
    assert [chances[arm].words() for arm in "abc"] == [
        "0.25",
        "Beta(3, 9)",
        "0.75 Beta(1, 3) + 0.25 Beta(2, 2)",
    ]
    assert read.is_prior
    assert not truth("outcomes: {a: 0, b: 1}").is_prior


def test_a_ratio_multiplies_every_piece_of_the_other_arm() -> None:
    read = truth(HAZARDS)
    assert read.pieces_of("old") == ((0.0, 0.002), (180.0, 0.001))
    assert read.pieces_of("new") == ((0.0, 0.002 * 0.6), (180.0, 0.001 * 0.6))
    assert truth("hazards_per_day: {a: 0, b: 0.5}").pieces_of("a") == ((0.0, 0.0),)


def test_one_truth_in_two_ways_of_writing_is_one_digest_and_another_truth_is_not() -> None:
    bare = truth("outcomes: {a: 0.25, b: 1}")
    written_out = truth("outcomes: {a: {value: 0.25}, b: {value: 1.0}}")
    assert bare == written_out
    assert bare.digest() == written_out.digest()
    assert bare.digest() != truth("outcomes: {a: 0.25, b: 0.9}").digest()


def test_a_truth_of_patients_and_of_outcomes_at_once_is_told_to_choose(tmp_path: Path) -> None:
    both = tmp_path / "both.yaml"
    both.write_text("from: point\noutcomes: {old: 0.4, new: 0.7}\n", encoding="utf-8")
    with pytest.raises(DesignError) as caught:
        load_scenario(both)
    assert str(caught.value).startswith(f"{both}, line 1: from is 'point', and beside it stands ")
    assert "keep one of the two; for example from: point." in str(caught.value)


def test_a_scenario_given_as_the_design_is_recognised(tmp_path: Path) -> None:
    truth = tmp_path / "truth.yaml"
    truth.write_text("outcomes: {old: 0.4, new: 0.7}\n", encoding="utf-8")
    with pytest.raises(DesignError) as caught:
        load_design(truth)
    assert "its keys are outcomes, those of a scenario" in str(caught.value)
    assert f"for example simtrial power dm_ivig_16w --scenario {truth}." in str(caught.value)
