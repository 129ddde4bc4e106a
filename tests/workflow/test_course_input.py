"""A course of patients that cannot be simulated is refused when its design is read.

Each answer names file, line and field, the value given, the rule, and an example that mends it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from simtrial.core.config import Located, parse_yaml, validate
from simtrial.core.errors import DesignError
from simtrial.trial.design import Design, load_design
from tests.workflow.bad_cases import Case
from tests.workflow.course_cases import CASES, DESIGN
from tests.workflow.test_bad_input import check_message, exchanged, line_named, mended

# the example is right for its field, and what stands beside it is told next
MENDED_IN_PART = {
    "first_week_before_the_start",
    "extension_before_a_late_regimen",
    "another_method_of_allocation",
    "another_taper",
    "another_consequence",
    "extension_of_nothing",
    "extension_with_a_list",
}


def test_the_right_design_is_right_and_has_every_kind_of_rule() -> None:
    design = validate(Design, parse_yaml(DESIGN, "trial.yaml"))
    arm, events = design.arms["ivig"], design.intercurrent
    assert arm.dose_change and arm.as_needed and arm.stop_when_stable and design.extension
    assert events.deterioration and events.rescue and events.lack_of_effect and events.switch_to
    assert design.accrual.pauses_weeks and design.visit_window_days and design.strata


def test_there_are_enough_cases_and_each_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 90


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_course_that_cannot_be_is_refused_when_it_is_read(case: Case, tmp_path: Path) -> None:
    text = exchanged(DESIGN, case)
    path = tmp_path / "trial.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DesignError) as refused:
        load_design(path)
    assert case.example is not None
    check_message(str(refused.value), f"{path}, line {line_named(DESIGN, text, case)}", case)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_example_of_a_refusal_mends_the_course(case: Case) -> None:
    text = exchanged(DESIGN, case)
    written = parse_yaml(text, "trial.yaml").data
    mended(written, case)
    if case.name in MENDED_IN_PART:
        with pytest.raises(DesignError) as left:
            validate(Design, Located(data=written, source="mended"))
        assert case.rule not in str(left.value)
        return
    assert validate(Design, Located(data=written, source="mended")).title
