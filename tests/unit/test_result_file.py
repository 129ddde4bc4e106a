"""A result is read back whole and unaltered, or refused with what was found and what to give."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simtrial.core.errors import ResultError
from simtrial.core.provenance import canonical_json
from simtrial.report.result_file import digest_of, protocol_of_result, read_result, scenarios_of
from simtrial.trial.design import load_design
from simtrial.trial.scenario import load_scenario
from tests.unit.results import (
    Document,
    event_power,
    outcome_design,
    outcome_power,
    outcome_size,
    patients_sized_with_looks,
    patients_with_looks,
    power_result,
    signed,
    simulated_outcomes,
    size_result,
    truth_file,
)

RESULTS = [size_result, power_result, outcome_power, simulated_outcomes, event_power, outcome_size,
           patients_with_looks, patients_sized_with_looks]  # fmt: skip
ASK = "give a result of 'simtrial size' or 'simtrial power --json'"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "size.json"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("result", RESULTS)
def test_a_result_comes_back_as_it_was_written(result, tmp_path):
    document = result()
    assert read_result(written(tmp_path, canonical_json(document))) == document


@pytest.mark.parametrize("result", RESULTS)
def test_the_digest_of_a_result_can_be_counted_again(result):
    assert digest_of(result()) == result()["digest"]


def test_the_protocol_comes_back_with_its_arms_in_order(tmp_path):
    path = written(tmp_path, canonical_json(power_result()))
    design = protocol_of_result(read_result(path))
    assert design == load_design("dm_ivig_16w").with_n(24)
    assert design.arm_names == ("placebo", "ivig")


def test_protocol_and_truth_of_outcomes_come_back_as_they_were_given(tmp_path):
    document = read_result(written(tmp_path, canonical_json(outcome_power())))
    assert protocol_of_result(document) == outcome_design("three_futility")
    assert protocol_of_result(document).arm_names == ("control", "treated")
    assert scenarios_of(document) == [
        load_scenario(truth_file(name)) for name in ("alternative", "null", "prior")
    ]


def test_an_interrupted_result_of_outcomes_holds_the_first_of_its_scenarios(tmp_path):
    document = outcome_power()
    document |= {"scenarios": document["scenarios"][:2], "interrupted": True}
    assert read_result(written(tmp_path, canonical_json(document))) == document


def _set(document: Document, *place: str | int, to: object) -> Document:
    part = document
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = to
    return document


def _without(document: Document, *place: str | int) -> Document:
    part = document
    for key in place[:-1]:
        part = part[key]
    del part[place[-1]]
    return document


ROW = ("scenarios", 0)


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (lambda: _set(outcome_power(), *ROW, "given", "outcomes", "treated", "value", to=0.8),
         "was altered"),
        (lambda: _set(outcome_power(), "protocol", "decision", "success", "above", to=0.9),
         "was altered"),
        (lambda: _set(outcome_size(), *ROW, "given", "source", to="a registry"), "was altered"),
        (lambda: _set(event_power(), *ROW, "given", "dropout_per_day", "control", to=0.0),
         "was altered"),
        (lambda: _set(outcome_power(), *ROW, "rates", "treated", to=0.8),
         "has in scenarios[0] rates that is not that of its truth as given"),
        (lambda: _set(outcome_power(), "scenarios", 2, "truth", "control", to="Beta(1, 1)"),
         "has in scenarios[2] truth"),
        (lambda: _set(outcome_power(), *ROW, "source", to="a registry"),
         "has in scenarios[0] source"),
        (lambda: _set(outcome_power(), *ROW, "strata", to={"mild": 1.0}),
         "has in scenarios[0] strata"),
        (lambda: _set(event_power(), *ROW, "hazards_per_day", "treated", 0, "rate", to=0.001),
         "has in scenarios[0] hazards_per_day"),
        (lambda: _set(event_power(), *ROW, "dropout_per_day", "control", to=0.0),
         "has in scenarios[0] dropout_per_day"),
        (lambda: _set(outcome_power(), "assumptions", 1, "value", to=0.8),
         "assumptions that are not the truth"),
        (lambda: _set(outcome_power(), "assumptions", 1, "status", to="fitted"),
         "assumptions that are not the truth"),
        (lambda: _set(outcome_power(), *ROW, "metrics", "power", "estimate", to=0.9),
         "power 0.9, and success by the last look 0.76"),
        (lambda: _set(outcome_power(), *ROW, "looks", 1, "n", to=70),
         "looks that are not those of its protocol, n 34, 66, 100"),
        (lambda: _set(event_power(), *ROW, "looks", 1, "events", to=100),
         "looks that are not those of its protocol, events 60, 120"),
        (lambda: _without(outcome_power(), *ROW, "looks", 2), "looks that are not those"),
        (lambda: _without(patients_with_looks(), *ROW, "looks", 1), "scenarios[0].looks"),
        (lambda: _without(outcome_power(), *ROW, "looks", 1, "success_by"),
         "scenarios[0].looks[1].success_by is missing"),
        (lambda: _without(outcome_power(), "scenarios", 1, "given"),
         "scenarios[1].given is missing"),
        (lambda: _without(event_power(), "scenarios", 1, "hazards_per_day"),
         "scenarios[1].hazards_per_day is missing"),
        (lambda: _set(outcome_power(), *ROW, "kind", to="hazards_per_day"), "is damaged"),
        (lambda: _set(outcome_power(), *ROW, "kind", to="guesses"), "scenarios[0].kind"),
        (lambda: _without(outcome_power(), *ROW, "kind"), "is damaged"),
        (lambda: _set(outcome_power(), *ROW, to=None), "is damaged"),
        (lambda: _set(outcome_power(), *ROW, "given", to={}), "outcomes and hazards_per_day"),
        (lambda: signed(_set(outcome_power(), *ROW, "given", "outcomes",
                             to={"control": 0.4, "other": 0.7})),
         "a truth that is not of its protocol"),
        (lambda: _set(outcome_size(), "n", to=81), "n = 81, a size that its curve"),
        (lambda: _without(outcome_size(), "curve", 0, "power"), "without power, its target"),
    ],
)  # fmt: skip
def test_an_altered_result_of_outcomes_is_refused_with_what_was_found(tmp_path, made, found):
    path = written(tmp_path, json.dumps(made()))
    with pytest.raises(ResultError) as refused:
        read_result(path)
    assert str(refused.value).startswith(f"{path}")
    assert found in str(refused.value)


def edited(**changes: object) -> str:
    return json.dumps(size_result() | changes)


def without(*keys: str) -> str:
    return json.dumps({k: v for k, v in size_result().items() if k not in keys})


def row_without(key: str) -> str:
    document: Document = size_result()
    del document["scenarios"][1][key]
    return json.dumps(document)


def other_protocol() -> str:
    document: Document = size_result()
    document["protocol"]["endpoint"]["threshold"] = 40.0
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (lambda: "", "is not the JSON of a result"),
        (lambda: canonical_json(size_result())[:-500], "is not the JSON of a result"),
        (lambda: '{"simtrial": NaN}', "it holds NaN"),
        (lambda: "[1, 2]", "no result of simtrial"),
        (lambda: '{"command": "size"}', "no result of simtrial"),
        (
            lambda: '{"simtrial": "0.1.0", "command": "replicate"}',
            "a result of 'simtrial replicate'"),
        (lambda: without("protocol"), "before results held their protocol"),
        (lambda: without("curve"), "curve is missing"),
        (lambda: without("assumptions", "noise_floor"), "(and 1 more)"),
        (lambda: row_without("observed_rates"), "scenarios[1].observed_rates is missing"),
        (lambda: edited(seed="twelve"), "seed is 'twelve'"),
        (lambda: edited(n=81), "n = 81, a size that its curve does not hold"),
        (
            lambda: json.dumps(signed(size_result() | {"arms": ["placebo", "other"]})),
            "has arms placebo, other"),
        (lambda: edited(arms=["ivig", "placebo"]), "was altered"),
        (lambda: edited(posterior="feed"), "was altered"),
        (other_protocol, "was altered"),
    ],
)  # fmt: skip
def test_another_text_is_refused_with_what_was_found_and_what_to_give(tmp_path, text, found):
    path = written(tmp_path, text())
    with pytest.raises(ResultError) as refused:
        read_result(path)
    message = str(refused.value)
    assert message.startswith(f"{path}: ")
    assert found in message
    assert ASK in message


def test_an_older_result_is_refused_with_its_own_line_to_run_again(tmp_path):
    with pytest.raises(ResultError, match=r"simtrial size dm_ivig_16w --power 0\.8 --seed"):
        read_result(written(tmp_path, without("protocol")))


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(ResultError, match=r"none\.json: cannot be read"):
        read_result(tmp_path / "none.json")
    with pytest.raises(ResultError, match="cannot be read"):
        read_result(tmp_path)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00\x93")
    with pytest.raises(ResultError, match="is not the JSON"):
        read_result(tmp_path / "binary.json")


def test_what_a_newer_version_adds_does_not_matter(tmp_path):
    document = size_result()
    document["scenarios"][0]["later"] = {"a": [1]}
    document["later"] = None
    assert read_result(written(tmp_path, canonical_json(document))) == document
