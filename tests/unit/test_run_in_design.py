"""What a design says of its run-in: what is refused, how it is told, what is read for it."""

from __future__ import annotations

import pytest

from simtrial.core.config import Located, validate
from simtrial.core.errors import DesignError
from simtrial.operating.prepare import needed_parameters
from simtrial.report.limits import RUN_IN_WITHOUT_HARM, limits
from simtrial.trial.design import Design, load_patient_design, revalidated
from simtrial.trial.wording import sentences
from tests.unit.results import size_result

OPEN = {"week": 0, "dose_g_per_kg": 2.0, "days": 2}


def with_run_in(**rules):
    written = load_patient_design("dm_ivig_16w").model_dump(exclude_none=True)
    return validate(Design, Located(data=written | {"run_in": rules}, source="own.yaml"))


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"weeks": 0}, ["run_in.weeks", "1"]),
        ({}, ["run_in", "weeks"]),
        (
            {"weeks": 4, "courses": [OPEN, OPEN | {"week": 4}]},
            ["run_in.courses", "week 4 of a run-in of 4 weeks", "week: 0"],
        ),
        (
            {"weeks": 4, "courses": [OPEN, OPEN]},
            ["run_in.courses", "increasing weeks"],
        ),
        (
            {"weeks": 4, "enter_if_tis_below": 20, "enter_if_tis_at_least": 20},
            ["at most one", "enter_if_tis_at_least: 20"],
        ),
        ({"weeks": 4, "improvement_from": "screening"}, ["run_in.improvement_from", "screening"]),
        ({"weeks": 4, "enter_if_tis_below": 0}, ["run_in.enter_if_tis_below", "0"]),
    ],
)
def test_a_run_in_that_cannot_be_run_is_refused_with_its_place_and_an_example(rules, told):
    with pytest.raises(DesignError) as refused:
        with_run_in(**rules)
    for part in told:
        assert part in str(refused.value)


def test_a_course_may_be_in_its_last_week_and_none_is_needed():
    assert with_run_in(weeks=4, courses=[OPEN | {"week": 3, "days": 7}]).run_in.gives_drug
    assert not with_run_in(weeks=1).run_in.gives_drug


def test_a_run_in_is_told_with_what_follows_of_it():
    told = sentences(
        with_run_in(weeks=4, courses=[OPEN], enter_if_tis_at_least=20, improvement_from="run_in")
    )
    assert (
        "Run-in of 4 weeks before randomisation, counted from its own start: immunoglobulin, "
        "2 g/kg over 2 d in week 0." in told
    )
    assert "Randomised: only who has TIS >= 20 at its end." in told
    assert any("measured against the start of the run-in" in line for line in told)
    none = sentences(with_run_in(weeks=1, courses=[OPEN | {"placebo": True}], enter_if_tis_below=5))
    assert (
        "Run-in of 1 week before randomisation, counted from its own start: placebo like 2 g/kg "
        "over 2 d in week 0." in none
    )
    assert "Randomised: only who has TIS < 5 at its end." in none
    assert not any("Run-in" in line for line in sentences(load_patient_design("dm_ivig_16w")))


def test_a_run_in_of_the_drug_before_arms_without_it_reads_the_chance_of_response():
    alone = {"arms": {"none": {"no_infusions": True}}, "allocation": None, "decision": None}
    alone |= {"analysis": None, "looks": None}
    written = load_patient_design("dm_ivig_16w").model_dump(exclude_none=True)
    data = {k: v for k, v in (written | alone).items() if v is not None}
    plain = validate(Design, Located(data=data, source="own.yaml"))
    treated = revalidated(plain, {"run_in": {"weeks": 4, "courses": [OPEN]}})
    more = set(needed_parameters(treated)) - set(needed_parameters(plain))
    assert more == {"p_response[DM, refractory]"}


def test_weeks_to_randomisation_are_those_of_screening_and_of_the_run_in():
    assert load_patient_design("dm_ivig_16w").weeks_to_randomisation == 2
    assert with_run_in(weeks=4).weeks_to_randomisation == 6


def test_that_harm_of_the_run_in_is_absent_is_told_only_where_there_is_one():
    document = size_result()
    assert RUN_IN_WITHOUT_HARM not in limits(document)
    document["protocol"]["run_in"] = with_run_in(weeks=4).run_in.model_dump()
    assert RUN_IN_WITHOUT_HARM in limits(document)
