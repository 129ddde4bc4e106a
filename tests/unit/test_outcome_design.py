"""Designs of outcomes alone: what is refused, with which words, and what is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from simtrial.core.config import Located, parse_yaml, validate
from simtrial.core.errors import DesignError
from simtrial.planning.power import power
from simtrial.trial.decisions import comparison
from simtrial.trial.design import load_design
from simtrial.trial.outcome_design import OutcomeDesign
from tests.unit.outcome_cases import EVENT_DESIGNS, EVENTS, RESPONSE, RESPONSES, TEST, TESTS
from tests.workflow.bad_cases import Case
from tests.workflow.test_bad_input import check_message, exchanged, line_named, mended

CASES = [
    pytest.param(text, case, id=f"{kind}-{case.name}")
    for kind, text, cases in (
        ("response", RESPONSE, RESPONSES),
        ("test", TEST, TESTS),
        ("events", EVENTS, EVENT_DESIGNS),
    )
    for case in cases
]


def written(text: str, folder: Path) -> Path:
    path = folder / "trial.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("text", "case"), CASES)
def test_a_wrong_design_is_answered(text: str, case: Case, tmp_path: Path) -> None:
    wrong = exchanged(text, case)
    path = written(wrong, tmp_path)
    with pytest.raises(DesignError) as refused:
        load_design(path)
    check_message(str(refused.value), f"{path}, line {line_named(text, wrong, case)}", case)
    assert len(str(refused.value).splitlines()) == 1, "one fault is told once"


@pytest.mark.parametrize(("text", "case"), [p for p in CASES if p.values[1].example is not None])
def test_the_example_of_a_message_mends_the_design(text: str, case: Case) -> None:
    data = parse_yaml(exchanged(text, case), "trial.yaml").data
    mended(data, case)
    if case.name in ("one_arm_twice", "three_arms"):  # the names of its arms are now others
        data = parse_yaml(
            exchanged(text, case).replace("[old, old]", "[old, new]").replace(", third", ""), "x"
        ).data
    assert validate(OutcomeDesign, Located(data=data, source="mended")).title


@pytest.mark.parametrize("text", [RESPONSE, TEST, EVENTS], ids=["response", "test", "events"])
def test_the_right_designs_are_right(text: str, tmp_path: Path) -> None:
    design = load_design(written(text, tmp_path))
    assert isinstance(design, OutcomeDesign)
    assert design.arm_names == ("old", "new")
    assert design.is_time_to_event == (text is EVENTS)


# faults that only the numbers of a boundary tell


@pytest.mark.parametrize(
    ("text", "old", "new", "line", "field", "rule", "example"),
    [
        pytest.param(
            TEST, "alpha: 0.025\n    boundary: {kind: pocock}",
            "alpha: 0.001\n    boundary: {kind: haybittle_peto}", "boundary",
            "decision.success.boundary is haybittle_peto",
            "over looks at [0.5, 1] of the information it cannot have an error of 0.001",
            "boundary: {kind: lan_demets_obrien_fleming}", id="haybittle_peto",
        ),
        pytest.param(
            TEST, "{kind: pocock}", "{kind: pocock}\n  futility: {z_below: 3}", "futility",
            "decision.futility.z_below is 3 at look 1", "z of 2.178 is success; it must be below",
            "z_below: 0.0", id="futility_of_a_z_test",
        ),
        pytest.param(
            EVENTS, "obrien_fleming}", "obrien_fleming}\n  futility: {z_below: 3}", "futility",
            "decision.futility.z_below is 3 at look 1", "z of 2.963 is success; it must be below",
            "z_below: 0.0", id="futility_of_a_log_rank_test",
        ),
    ],
)  # fmt: skip
def test_a_boundary_without_values_is_answered_at_its_line(
    text: str, old: str, new: str, line: str, field: str, rule: str, example: str, tmp_path: Path
) -> None:
    assert text.count(old) == 1
    wrong = text.replace(old, new)
    path = written(wrong, tmp_path)
    number = next(i for i, row in enumerate(wrong.splitlines(), 1) if f" {line}:" in row)
    truth = tmp_path / "truth.yaml"
    truth.write_text(
        "hazards_per_day: {old: 0.002, new: 0.001}\n"
        if text is EVENTS
        else "outcomes: {old: 0.4, new: 0.6}\n"
    )
    with pytest.raises(DesignError) as refused:
        power(load_design(path), scenarios=[str(truth)], trials=2)
    message = str(refused.value)
    assert message.startswith(f"{path}, line {number}: {field}")
    assert rule in message
    assert message.endswith(f"; for example {example}.")


# comparisons


@pytest.mark.parametrize(
    ("text", "first", "second", "margin"),
    [
        ("new > old", "new", "old", 0.0),
        ("new>old", "new", "old", 0.0),
        ("new > old + 0.1", "new", "old", 0.1),
        ("new > old +.1", "new", "old", 0.1),
        ("new > old+0.1", "new", "old", 0.1),
        ("new > old - 0.1", "new", "old", -0.1),
        ("dose-2 > dose-1", "dose-2", "dose-1", 0.0),  # an arm's own name, no margin of -1
        ("dose-2 > dose-1 + 0.05", "dose-2", "dose-1", 0.05),
        ("new drug > best care", "new drug", "best care", 0.0),
    ],
)
def test_a_comparison_is_two_arms_and_a_margin(
    text: str, first: str, second: str, margin: float
) -> None:
    found = comparison(text)
    assert found is not None
    assert (found.first, found.second, found.margin) == (first, second, margin)


def test_arms_may_be_numbered() -> None:
    text = RESPONSE.replace("old", "dose-1").replace("new", "dose-2")
    design = validate(OutcomeDesign, parse_yaml(text, "trial.yaml"))
    assert design.decision is not None
    assert design.decision.success.arms() == ("dose-2", "dose-1")


# looks


@pytest.mark.parametrize(
    ("share", "n", "size"),
    [
        (0.5, 51, 26),  # a half, up
        (0.5, 50, 25),
        (0.29, 50, 15),  # a half that binary holds as 14.499999999999998
        (0.285, 100, 29),  # 28.499999999999996
        (0.3333333333333333, 100, 33),
        (0.34, 100, 34),
        (0.494, 100, 49),
    ],
)
def test_a_look_is_at_the_nearest_patient_and_a_half_is_rounded_up(
    share: float, n: int, size: int
) -> None:
    text = RESPONSE.replace("information: 0.5}", f"information: {share}}}")
    design = validate(OutcomeDesign, parse_yaml(text, "trial.yaml"))
    assert design.look_sizes(n) == (size, n)


def test_looks_at_numbers_of_patients_stay_and_refuse_another_n(tmp_path: Path) -> None:
    text = RESPONSE.replace("{information: 0.5}, {information: 1.0}", "{n: 34}, {n: 100}")
    design = load_design(written(text, tmp_path))
    assert design.look_sizes() == (34, 100)
    assert design.with_n(100) == design
    with pytest.raises(DesignError) as refused:
        design.with_n(80)
    assert str(refused.value) == (
        f"{tmp_path / 'trial.yaml'}, line 15: looks are at 34, 100 patients; another n, here 80, "
        "needs them as shares of it; for example looks: [{information: 0.34}, {information: 1}]."
    )
    shares = text.replace("{n: 34}, {n: 100}", "{information: 0.34}, {information: 1}")
    assert load_design(written(shares, tmp_path)).with_n(80).look_sizes() == (27, 80)


def test_another_n_is_checked_against_the_events(tmp_path: Path) -> None:
    design = load_design(written(EVENTS, tmp_path))
    assert design.with_n(120).sample_size.n == 120
    with pytest.raises(DesignError, match="there are 119 patients, and each has at most one"):
        design.with_n(119)
