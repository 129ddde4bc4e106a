"""Scenarios: where the truth comes from, and what may be set in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from simtrial.core.config import parse_yaml, validate
from simtrial.core.errors import DesignError
from simtrial.trial.design import load_design
from simtrial.trial.outcomes import OutcomeScenario, check_fit
from simtrial.trial.scenario import (
    ACCRUAL_RATE,
    SOURCES,
    Replacement,
    Scenario,
    check_replacements,
    full_name,
    load_scenario,
)
from simtrial.trial.shipped import shipped_names


def scenario(*lines: str) -> Scenario:
    """Return a scenario from the point, with replacements as they would be written in a file."""
    text = "from: point\nset:\n" + "\n".join(f"  {line}" for line in lines)
    located = parse_yaml(text, "truth.yaml")
    out = validate(Scenario, located)
    check_replacements(out)
    return out


def refusal(*lines: str) -> str:
    with pytest.raises(DesignError) as caught:
        scenario(*lines)
    return str(caught.value)


# what is shipped


@pytest.mark.parametrize("name", shipped_names("scenarios"))
def test_a_shipped_scenario_loads_by_its_name(name: str) -> None:
    loaded = load_scenario(name)
    if isinstance(loaded, OutcomeScenario):
        check_fit(load_design(name), loaded)
    else:
        assert loaded.source in SOURCES


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_has_a_shipped_scenario_of_its_name(source: str) -> None:
    shipped = load_scenario(source)
    assert (shipped.source, shipped.set) == (source, {})


@pytest.mark.parametrize(
    ("source", "works"),
    [("posterior", True), ("point", True), ("no_effect", False), ("identical_arms", False)],
)
def test_only_posterior_and_point_have_a_drug_effect(source: str, works: bool) -> None:
    assert load_scenario(source).has_drug_effect is works


def test_a_scenario_loads_from_a_path(tmp_path: Path) -> None:
    path = tmp_path / "truth.yaml"
    path.write_text("from: point\nset: {depth: 0.5}\n", encoding="utf-8")
    assert load_scenario(path) == scenario("depth: 0.5")


# what is set


def test_a_bare_number_is_an_assumed_value() -> None:
    want = Replacement(value=0.5, status="assumed", source="set in the scenario")
    assert scenario("depth: 0.5").replacements() == {"depth": want}


def test_a_replacement_keeps_its_status_and_source() -> None:
    new = scenario("depth: {value: 0.5, status: fitted, source: L22}").replacements()["depth"]
    assert (new.value, new.times, new.status, new.source) == (0.5, None, "fitted", "L22")


def test_the_rate_of_accrual_may_be_set() -> None:
    assert scenario(f"{ACCRUAL_RATE}: 0.06").replacements()[ACCRUAL_RATE].value == 0.06


@pytest.mark.parametrize("line", ["first_line", "refractory"])
def test_a_short_name_stands_for_the_line_of_the_design(line: str) -> None:
    assert full_name("p_response.DM", line) == f"p_response[DM, {line}]"


def test_inclusion_body_myositis_has_one_response_for_both_lines() -> None:
    assert {full_name("p_response.IBM", line) for line in ("first_line", "refractory")} == {
        "p_response[IBM]"
    }


def test_other_names_are_full_names() -> None:
    assert full_name("loading.mmt", "refractory") == "loading.mmt"


def test_a_short_name_may_be_set() -> None:
    assert scenario("p_response.DM: 0.6").replacements()["p_response.DM"].value == 0.6


def test_another_value_is_another_digest() -> None:
    assert scenario("depth: 0.5").digest() != scenario("depth: 0.6").digest()


def test_the_order_of_replacements_does_not_move_the_digest() -> None:
    there, back = scenario("depth: 0.5", "hill: 2.0"), scenario("hill: 2.0", "depth: 0.5")
    assert there.digest() == back.digest()


# what may not be set


def test_an_unknown_parameter_is_answered_with_the_nearest() -> None:
    message = refusal("depht: 0.5")
    assert message.startswith("truth.yaml, line 3: set.depht is not a known parameter")
    assert "the nearest is 'depth'" in message


def test_an_unknown_subtype_of_a_short_name_is_refused() -> None:
    message = refusal("p_response.JDM: 0.5")
    assert "set.p_response.JDM is not a known parameter (its value is {value: 0.5})" in message
    assert "the nearest is 'p_response.DM'" in message


def test_the_second_of_two_replacements_is_found_on_its_line() -> None:
    assert refusal("hill: 3.0", "depht: 0.5").startswith("truth.yaml, line 4: set.depht")


@pytest.mark.parametrize("value", ["1.5", "-0.1"])
def test_a_value_outside_the_parameters_range_is_refused(value: str) -> None:
    message = refusal(f"depth: {value}")
    assert f"set.depth is {value.removeprefix('.')}; " in message
    assert "lies from 0 to 1" in message


def test_a_value_of_a_short_name_outside_its_range_is_refused() -> None:
    assert "set.p_response.DM is 1.5; " in refusal("p_response.DM: 1.5")


@pytest.mark.parametrize("both", ["{value: 0.5, times: 2}", "{}", "{source: nobody}"])
def test_a_replacement_has_exactly_one_of_value_and_times(both: str) -> None:
    message = refusal(f"depth: {both}")
    assert "it needs exactly one of value and times" in message
    assert "for example {value: 0.6} or {times: 2}" in message


def test_a_rate_of_accrual_of_nothing_is_refused() -> None:
    message = refusal(f"{ACCRUAL_RATE}: 0")
    assert f"set.{ACCRUAL_RATE} is 0; a rate must stay above 0 (" in message


def test_an_unknown_status_is_answered_with_those_there_are() -> None:
    message = refusal("depth: {value: 0.5, status: guessed}")
    assert "'guessed'" in message
    assert "'fitted', 'published elsewhere' or 'assumed'" in message


def test_a_word_is_no_value() -> None:
    message = refusal("depth: high")
    assert "set.depth" in message
    assert "'high'" in message


def test_an_unknown_source_is_answered_with_those_there_are() -> None:
    with pytest.raises(DesignError, match=r"line 1: from is 'pint'.*'posterior', 'point'"):
        validate(Scenario, parse_yaml("from: pint\n", "truth.yaml"))


def test_a_scenario_without_a_source_is_refused() -> None:
    with pytest.raises(DesignError, match="from is missing; it is required"):
        validate(Scenario, parse_yaml("set: {depth: 0.5}\n", "truth.yaml"))


def test_a_scenario_that_is_not_there_is_answered_with_the_shipped_names() -> None:
    with pytest.raises(DesignError, match=r"or one of .*no_effect.*point"):
        load_scenario("nowhere")


@pytest.mark.parametrize("value", [".nan", ".inf"])
def test_a_value_that_is_no_number_is_refused(value: str) -> None:
    message = refusal(f"depth: {value}")
    assert "line 3: set.depth is " in message
    assert "finite number" in message


def test_a_replacement_of_the_wrong_kind_is_refused_in_one_line() -> None:
    assert refusal("depth: high").count("set.depth") == 1


@pytest.mark.parametrize("change", ["{times: 0}", "-1"])
def test_an_accrual_rate_that_falls_to_nothing_is_refused(change: str) -> None:
    assert "must stay above 0" in refusal(f"{ACCRUAL_RATE}: {change}")
