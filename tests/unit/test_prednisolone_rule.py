"""The rule for prednisolone as it is written in a design: refused with what to write, or told."""

from __future__ import annotations

import pytest

from simtrial.core.config import Located, validate
from simtrial.core.errors import DesignError
from simtrial.myositis.parameters import PARAMETERS, prednisolone_parameters
from simtrial.myositis.taper import TAPERS
from simtrial.operating.prepare import needed_parameters
from simtrial.trial.design import Design, load_design, revalidated
from simtrial.trial.prednisolone import EXAMPLES
from simtrial.trial.scenario import Scenario
from simtrial.trial.wording import sentences

DEMO = load_design("dm_ivig_16w")


def with_rule(rule: dict[str, object], **changes: object) -> Design:
    whole = DEMO.model_dump(mode="json") | {"prednisolone": rule} | changes
    return validate(Design, Located(data=whole, source="taper.yaml"))


def refusal(rule: dict[str, object], **changes: object) -> str:
    with pytest.raises(DesignError) as caught:
        with_rule(rule, **changes)
    return str(caught.value)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"taper": "stable", "share": 0.2}, ("share", "0.2", "proportional", "taper: stable")),
        ({"taper": "practice", "floor_mg": 5}, ("floor_mg", "5", "step or proportional")),
        ({"taper": "proportional"}, ("needs share", "share: 0.2")),
        ({"taper": "forced", "target_mg": 5}, ("target_week", "target_week: 24")),
        (
            {"taper": "forced", "target_mg": 5, "target_week": 4, "from_week": 8},
            ("target_week is 4", "from_week (8)", "target_week: 28"),
        ),
        ({"taper": "step", "from_week": 20}, ("from_week is 20", "last visit is in week 16")),
        ({"taper": "proportional", "share": 1.5}, ("share is 1.5",)),
        ({"taper": "slow"}, ("taper is 'slow'", "'practice'")),
        ({"taper": "step", "steps_mg": {"above_20": 0}}, ("above_20 is 0",)),
    ],
)
def test_a_rule_that_cannot_run_is_refused_with_what_to_write(
    rule: dict[str, object], words: tuple[str, ...]
) -> None:
    told = refusal(rule)
    assert "taper.yaml" in told and "prednisolone" in told
    for word in words:
        assert word in told, told


@pytest.mark.parametrize("taper", TAPERS)
def test_every_example_of_a_refusal_is_a_rule_that_runs(taper: str) -> None:
    import yaml

    rule = yaml.safe_load(EXAMPLES[taper])
    if "target_week" in rule:
        rule["target_week"] = 12
    assert with_rule(rule).prednisolone.taper == taper


@pytest.mark.parametrize("taper", TAPERS)
def test_a_rule_survives_being_written_out_whole(taper: str) -> None:
    import yaml

    design = with_rule(yaml.safe_load(EXAMPLES[taper]))
    again = revalidated(design, {"screening_weeks": 3})
    assert again.prednisolone == design.prednisolone


def test_a_stable_design_is_told_as_before_and_a_taper_in_a_sentence() -> None:
    assert not any("Prednisolone" in line for line in sentences(DEMO))
    (line,) = (s for s in sentences(with_rule({"taper": "step"})) if "Prednisolone" in s)
    assert line == (
        "Prednisolone: tapered from week 0, at most every 4 weeks, while TIS >= 20 and not worse, "
        "by 10 mg above 20, 5 mg above 10, 2.5 mg below; back up by 10 mg when worse."
    )


def test_what_rescue_adds_to_prednisolone_is_told() -> None:
    rescue = {"allowed_from_week": 8, "prednisolone_mg": 20}
    told = sentences(with_rule({"taper": "stable"}, intercurrent={"rescue": rescue}))
    assert any(line.endswith("treatment stops, prednisolone rises by 20 mg/d.") for line in told)


def read_by(design: Design) -> set[str]:
    every = set(prednisolone_parameters("practice", raises=True))
    return every & set(needed_parameters(design))


def test_a_design_reads_the_parameters_of_its_own_rule_only() -> None:
    assert read_by(DEMO) == set()
    steroid = {"steroid_effect", "steroid_d50", "k_steroid"}
    raised = with_rule(
        {"taper": "stable"},
        intercurrent={"deterioration": {"from_week": 8, "prednisolone_mg": 10}},
    )
    assert read_by(raised) == steroid
    flares = {"flare_per_week", "flare_speed", "flare_size", "k_flare"}
    assert read_by(with_rule({"taper": "step"})) == steroid | flares
    assert read_by(with_rule({"taper": "practice"})) > steroid | flares


def test_waning_and_decline_belong_to_the_world_and_so_to_every_design() -> None:
    world = {"p_transient", "transient_half_life", "drift_per_year", "drift_per_year[IBM]"}
    assert world <= set(needed_parameters(DEMO)) and world <= set(PARAMETERS)


def test_courses_that_add_up_are_another_truth_and_the_largest_keeps_its_name() -> None:
    largest = Scenario.model_validate({"from": "point"})
    named = Scenario.model_validate({"from": "point", "exposure": "max"})
    summed = Scenario.model_validate({"from": "point", "exposure": "sum"})
    assert largest.digest() == named.digest() != summed.digest()
