"""Visits held from a patient on: what a design may ask for, and how it is printed."""

from __future__ import annotations

import pytest

from simtrial.cohort.protocol import protocol_of
from simtrial.core.errors import DesignError
from simtrial.trial.design import Design, load_patient_design, revalidated
from simtrial.trial.wording import sentences

DEMO = load_patient_design("dm_ivig_16w")
RULE = {
    "at_week": 8,
    "if_tis_below": 40,
    "courses": [{"week": 8, "dose_g_per_kg": 2.0}],
}


def demo(held: dict[int, int], **rule: object) -> Design:
    arm = {"courses": [{"week": 0, "dose_g_per_kg": 2.0}], "dose_change": [RULE | rule]}
    arms = {"placebo": {"infusions_like": "ivig"}, "ivig": arm}
    return revalidated(DEMO, {"visits_from_patient": held} | ({"arms": arms} if rule else {}))


def test_patients_are_counted_from_one() -> None:
    assert protocol_of(demo({8: 11})).measuring.held_from.tolist() == [0, 0, 10, 0, 0]


def test_without_the_key_every_visit_is_held_for_all_and_the_protocol_keeps_its_name() -> None:
    assert not protocol_of(DEMO).measuring.held_from.any()
    assert demo({}).digest() == DEMO.digest()
    assert "visits_from_patient" in DEMO.model_dump()
    assert demo({8: 11}).digest() != DEMO.digest()


def test_the_protocol_says_from_whom_on_a_visit_is_held() -> None:
    (line,) = [s for s in sentences(demo({8: 11})) if s.startswith("Visits")]
    assert line == "Visits in weeks 0, 4, 8, 12, 16; that of week 8 from patient 11 on."


@pytest.mark.parametrize(
    ("held", "rule"),
    [
        ({5: 11}, "week 5 is no visit; visits_weeks are [0, 4, 8, 12, 16]"),
        ({0: 11}, "week 0 is the baseline, which every patient has"),
        ({16: 11}, "week 16 is the last visit, to which every patient is followed"),
    ],
)
def test_a_visit_that_cannot_be_added_is_refused(held: dict[int, int], rule: str) -> None:
    with pytest.raises(DesignError) as caught:
        demo(held)
    assert f"{rule}; for example visits_from_patient: {{4: 11}}." in str(caught.value)


def test_the_endpoint_s_visit_is_refused() -> None:
    early = {"measure": "tis_at_least", "threshold": 20, "at_week": 8}
    with pytest.raises(DesignError, match="the endpoint is read in week 8, and would be missing"):
        revalidated(DEMO, {"visits_from_patient": {8: 11}, "endpoint": early})


def test_a_patient_number_below_one_is_refused() -> None:
    with pytest.raises(DesignError, match="at least 1"):
        demo({8: 0})


def test_a_rule_of_a_visit_that_is_not_held_yet_is_refused() -> None:
    with pytest.raises(DesignError, match=r"held from patient 11 on .*from_patient: 11\."):
        demo({8: 11}, from_patient=10)


def test_a_rule_from_the_same_patient_on_is_allowed() -> None:
    assert demo({8: 11}, from_patient=11).visits_from_patient == {8: 11}
