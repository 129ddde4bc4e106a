"""Small results of `size` and `power`, computed once a process, for tests that read results."""

from __future__ import annotations

import copy
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from simtrial.planning.power import power
from simtrial.planning.size import size
from simtrial.report.result_file import digest_of
from simtrial.trial.design import AnyDesign, Design, load_design, revalidated
from simtrial.trial.posterior import Posterior, load_posterior

TRIALS = 60
Document = dict[str, Any]


@cache
def shipped() -> Posterior:
    return load_posterior()


@cache
def _size() -> Document:
    return size(
        load_design("dm_ivig_16w"), posterior=shipped(), trials=TRIALS, name="dm_ivig_16w"
    ).document


@cache
def _power() -> Document:
    return power(
        load_design("dm_ivig_16w"), posterior=shipped(), trials=TRIALS, name="dm_ivig_16w", n=24
    ).document


def size_result() -> Document:
    return copy.deepcopy(_size())


def power_result() -> Document:
    return copy.deepcopy(_power())


def signed(document: Document) -> Document:
    """Return a document whose digest fits its parts, after a test has changed them."""
    return document | {"digest": digest_of(document)}


def without_answer() -> Document:
    """Return a size document whose target is out of reach."""
    document = size_result()
    last = document["curve"][-1]["power"]
    return document | {
        "n": None,
        "n_interval": None,
        "n_below": None,
        "at_n": None,
        "limit": last,
        "answer": "Power 0.8 is not reached: the arms differ too little.",
        "protocol_sentence": "",
    }


TRUTHS = {
    "alternative": "outcomes: {control: 0.40, treated: 0.70}",
    "null": "outcomes: {control: 0.40, treated: 0.40}",
    "prior": "outcomes: {control: {beta: [12, 18]}, "
    "treated: {mixture: [[0.8, 21, 9], [0.2, 12, 18]]}}",
    "hazards": "hazards_per_day: {control: 0.0019, treated: {ratio: 0.6, to: control}}\n"
    "dropout_per_day: {control: 0.0002, treated: 0.0001}",
    "waning": "hazards_per_day: {control: 0.0019, "
    "treated: [{from_day: 0, rate: 0.001}, {from_day: 180, rate: 0.0019}]}",
    "given_patients": "outcomes: {placebo: 0.3, ivig: 0.6}\nsource: a guess\n"
    "strata: {mild: 0.25, moderate: 0.5, severe: 0.25}",
}
_BINARY = """title: {title}
arms: [control, treated]
allocation: {{ratio: {{control: 1, treated: {ratio}}},
  method: permuted_blocks, block_sizes: [{block}]}}
endpoint: {{measure: response}}
analysis: {{method: {method}}}
decision: {{success: {success}{futility}}}
looks: {looks}
sample_size: {{n: {n}}}
"""
_BETA = "beta_binomial, prior: {control: [1, 1], treated: [1, 1]}"
_THREE = "[{n: 34}, {n: 66}, {n: 100}]"
_FIFTHS = "[{information: 0.2}, {information: 0.4}, {information: 0.6}, {information: 0.8}, " \
    "{information: 1.0}]"  # fmt: skip


def _binary(
    title: str, success: str, looks: str, n: int, futility: str = "", ratio: int = 1,
    block: int = 2, method: str = _BETA,
) -> str:  # fmt: skip
    return _BINARY.format(
        title=title, success=success, looks=looks, n=n, ratio=ratio, block=block, method=method,
        futility=f", futility: {futility}" if futility else "",
    )  # fmt: skip


def _posterior_above(level: float) -> str:
    return f'{{probability_of: "treated > control", above: {level}}}'


DESIGNS = {
    "fixed": _binary("One look", _posterior_above(0.975), "[{n: 100}]", 100),
    "three": _binary("Three looks", _posterior_above(0.989), _THREE, 100),
    "three_futility": _binary(
        "Three looks, futility", _posterior_above(0.989), _THREE, 100,
        "{predictive_probability_below: 0.1}"),
    "unequal": _binary(
        "Arms of 2 to 1", _posterior_above(0.985), "[{n: 60}, {n: 120}]", 120,
        '{probability_of: "treated > control", below: 0.4}', ratio=2, block=3),
    "obrien_fleming": _binary(
        "Five looks",
        '{test_of: "treated > control", alpha: 0.025, boundary: {kind: obrien_fleming}}',
        _FIFTHS, 200, "{z_below: [-0.5, 0.0, 0.3, 0.8]}", method="z_test"),
    "logrank": """title: Log-rank, two looks
arms: [control, treated]
allocation: {ratio: {control: 1, treated: 1}, method: permuted_blocks, block_sizes: [2]}
accrual: {rates: [{from_month: 0, patients_per_month: 15}], arrivals: even}
endpoint: {measure: time_to_event, name: flare}
analysis: {method: logrank}
decision: {success: {test_of: "treated < control", alpha: 0.025,
  boundary: {kind: lan_demets_obrien_fleming}}, futility: {z_below: 0.0}}
looks: [{events: 60}, {events: 120}]
sample_size: {n: 200}
""",
}  # fmt: skip


@cache
def _files() -> Path:
    """Return a folder with the designs and truths above; it is removed when the process ends."""
    holder = tempfile.TemporaryDirectory(prefix="simtrial-results-")
    _HOLDERS.append(holder)
    folder = Path(holder.name)
    for name, text in (DESIGNS | TRUTHS).items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


_HOLDERS: list[tempfile.TemporaryDirectory[str]] = []


def outcome_design(name: str) -> AnyDesign:
    return load_design(_files() / f"{name}.yaml")


def truth_file(name: str) -> str:
    return str(_files() / f"{name}.yaml")


@cache
def _outcomes(name: str, truths: tuple[str, ...], simulate: bool) -> Document:
    return power(
        outcome_design(name), scenarios=[truth_file(truth) for truth in truths],
        trials=TRIALS, name=name, simulate=simulate,
    ).document  # fmt: skip


def outcome_power(
    name: str = "three_futility",
    truths: tuple[str, ...] = ("alternative", "null", "prior"),
    *,
    simulate: bool = False,
) -> Document:
    return copy.deepcopy(_outcomes(name, truths, simulate))


def simulated_outcomes() -> Document:
    return outcome_power(simulate=True)


def event_power() -> Document:
    return outcome_power("logrank", ("hazards", "waning"))


@cache
def _outcome_size() -> Document:
    design = outcome_design("fixed")
    design = revalidated(design, {"looks": [{"information": 0.5}, {"information": 1.0}]})
    return size(design, power=0.8, scenario=truth_file("alternative"), name="halves").document


def outcome_size() -> Document:
    return copy.deepcopy(_outcome_size())


def outcome_size_without_answer() -> Document:
    document = outcome_size()
    return document | {
        "n": None, "n_interval": None, "n_below": None, "protocol_sentence": "",
        "answer": "Power 0.8 is not reached.",
    }  # fmt: skip


def _two_looks() -> Design:
    design = load_design("dm_ivig_16w")
    assert isinstance(design, Design)
    return revalidated(design, {"looks": [{"information": 0.5}, {"information": 1.0}]})


@cache
def _patients_with_looks() -> Document:
    return power(
        _two_looks(), scenarios=["point", truth_file("given_patients")], posterior=shipped(),
        trials=TRIALS, name="two_looks", n=24,
    ).document  # fmt: skip


def patients_with_looks() -> Document:
    """Return a result with a row of patients and one of outcomes, both with two looks."""
    return copy.deepcopy(_patients_with_looks())


@cache
def _patients_sized_with_looks() -> Document:
    return size(_two_looks(), posterior=shipped(), trials=TRIALS, name="two_looks").document


def patients_sized_with_looks() -> Document:
    return copy.deepcopy(_patients_sized_with_looks())
