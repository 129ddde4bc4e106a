"""A result is read back whole and unaltered, or refused with what was found and what to give."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simtrial.core.errors import ResultError
from simtrial.core.provenance import canonical_json
from simtrial.report.result_file import digest_of, protocol_of_result, read_result
from simtrial.trial.design import load_design
from tests.unit.results import Document, power_result, signed, size_result

ASK = "give a result of 'simtrial size' or 'simtrial power --json'"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "size.json"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("result", [size_result, power_result])
def test_a_result_comes_back_as_it_was_written(result, tmp_path):
    document = result()
    assert read_result(written(tmp_path, canonical_json(document))) == document


@pytest.mark.parametrize("result", [size_result, power_result])
def test_the_digest_of_a_result_can_be_counted_again(result):
    assert digest_of(result()) == result()["digest"]


def test_the_protocol_comes_back_with_its_arms_in_order(tmp_path):
    path = written(tmp_path, canonical_json(power_result()))
    design = protocol_of_result(read_result(path))
    assert design == load_design("dm_ivig_16w").with_n(24)
    assert design.arm_names == ("placebo", "ivig")


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
