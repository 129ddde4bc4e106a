"""Designs: what is shipped, what names a protocol, and what a design may not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from simtrial.core.config import Located, parse_yaml, validate
from simtrial.core.errors import DesignError
from simtrial.trial.design import Course, Design, load_design
from simtrial.trial.shipped import locate, shipped_names

DEMO = """\
title: Add-on immunoglobulin
population:
  subtypes: {DM: 1.0}
  line: refractory
  mmt: MMT8_150
  eligibility: {mmt_below: 142, other_abnormal_measures: 2, prednisolone_at_most_mg: 20}
arms:
  placebo: {infusions_like: ivig}
  ivig: {dose_g_per_kg: 2.0, every_weeks: 4, infusions: 4, days_per_infusion: 2}
allocation: {ratio: {placebo: 1, ivig: 1}, method: permuted_blocks, block_sizes: [4]}
accrual: {sites: 36, site_opening_weeks: 40, patients_per_site_month: 0.115}
visits_weeks: [0, 4, 8, 12, 16]
prednisolone: {taper: stable}
intercurrent: {deterioration: {from_week: 8}, rescue: {allowed_from_week: 8}}
endpoint: {measure: tis_at_least, threshold: 20, at_week: 16}
analysis: {method: beta_binomial, prior: {placebo: [1, 1], ivig: [1, 1]}}
decision: {success: {probability_of: "ivig > placebo", above: 0.975}}
looks: [{information: 1.0}]
sample_size: {n: 94}
"""


def demo(old: str = "", new: str = "") -> Design:
    """Return the design above, with one text in it exchanged."""
    assert not old or DEMO.count(old) == 1, f"{old!r} is there {DEMO.count(old)} times"
    return validate(Design, parse_yaml(DEMO.replace(old, new) if old else DEMO, "trial.yaml"))


def refusal(old: str, new: str) -> str:
    """Return the message with which the design is refused after an exchange."""
    with pytest.raises(DesignError) as caught:
        demo(old, new)
    return str(caught.value)


def line_of(text: str) -> int:
    """Return the line of the design above that holds a text."""
    return next(i for i, line in enumerate(DEMO.splitlines(), start=1) if text in line)


# what is shipped


def test_the_shipped_designs_are_the_published_ones() -> None:
    assert {"dm_ivig_16w", "reference_control", "documents/lim21"} <= set(shipped_names())


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_design_loads_by_its_name(name: str) -> None:
    assert load_design(name).title


def test_a_design_loads_from_a_path(tmp_path: Path) -> None:
    path = tmp_path / "trial.yaml"
    path.write_text(DEMO, encoding="utf-8")
    assert load_design(path) == demo()


def test_a_design_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(demo(), "title", "Another")  # noqa: B010  # an assignment mypy would refuse


# what it means


def test_a_regular_regimen_is_its_list_of_courses() -> None:
    want = tuple(Course(week=week, dose_g_per_kg=2.0, days=2) for week in (0, 4, 8, 12))
    assert demo().courses_of("ivig") == want


def test_placebo_is_infused_like_the_drug() -> None:
    assert demo().courses_of("placebo") == demo().courses_of("ivig")


def test_placebo_is_no_drug() -> None:
    assert [arm.is_drug for arm in demo().arms.values()] == [False, True]


def test_the_decision_names_the_better_arm_first() -> None:
    decision = demo().decision
    assert decision is not None
    assert decision.success.arms() == ("ivig", "placebo")


def test_subtypes_have_one_order_however_they_are_written() -> None:
    mixed = demo("{DM: 1.0}", "{OM: 0.25, ASyS: 0.25, DM: 0.5}")
    assert list(mixed.population.subtypes) == ["DM", "ASyS", "OM"]


@pytest.mark.parametrize(
    ("time", "words"),
    [("at_week: 16", "TIS >= 20 at week 16"), ("by_week: 12", "TIS >= 20 by week 12")],
)
def test_an_endpoint_in_words_tells_at_from_by(time: str, words: str) -> None:
    assert demo("at_week: 16", time).endpoint.words() == words


# its digest


def reordered(node: Any) -> Any:
    """Return a document with the keys of every mapping in reverse."""
    if isinstance(node, dict):
        return {key: reordered(node[key]) for key in reversed(list(node))}
    return [reordered(part) for part in node] if isinstance(node, list) else node


def test_the_digest_does_not_depend_on_the_order_of_keys_in_a_section() -> None:
    plain = YAML(typ="safe").load(DEMO)
    turned = reordered(plain) | {"arms": plain["arms"]}
    assert list(turned) != list(plain)
    got = validate(Design, Located(data=turned, source="turned")).digest()
    assert got == demo().digest()


def test_the_digest_tells_the_order_of_arms_which_allocation_follows() -> None:
    plain = YAML(typ="safe").load(DEMO)
    turned = validate(Design, Located(data=reordered(plain), source="turned"))
    assert turned == demo()
    assert turned.digest() != demo().digest()


def test_the_digest_does_not_depend_on_defaults_being_written() -> None:
    assert demo("{from_week: 8}", "{from_week: 8, then: stop_treatment}").digest() == (
        demo().digest()
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("n: 94", "n: 96"),
        ("threshold: 20,", "threshold: 40,"),
        ("mmt_below: 142", "mmt_below: 141"),
    ],
)
def test_another_protocol_has_another_digest(old: str, new: str) -> None:
    assert demo(old, new).digest() != demo().digest()


def test_another_size_is_the_same_protocol_otherwise() -> None:
    assert demo().with_n(200) == demo("n: 94", "n: 200")


# one refusal each: the place, the value, and the rule or an example


def test_an_unknown_key_is_answered_with_the_nearest() -> None:
    message = refusal("mmt_below: 142", "mmt_belo: 142")
    assert f"trial.yaml, line {line_of('mmt_below')}: population.eligibility.mmt_belo is" in message
    assert "not a known key (its value is 142); the nearest known key is 'mmt_below'" in message


def test_an_unknown_key_at_the_top_is_answered_with_the_nearest() -> None:
    message = refusal("sample_size: {n: 94}", "sample_size: {n: 94}\nlook: []")
    assert "look is not a known key (its value is []); the nearest known key is 'looks'" in message


def test_a_missing_field_is_shown_by_example() -> None:
    message = refusal("  line: refractory\n", "")
    assert "population.line is missing; it is required; for example line: refractory" in message


def test_a_value_of_another_type_is_refused() -> None:
    message = refusal("n: 94", "n: many")
    assert f"trial.yaml, line {line_of('n: 94')}: sample_size.n is 'many'" in message
    assert "must be a whole number from 2 to 20,000; for example n: 94" in message


def test_yes_is_no_number() -> None:
    message = refusal("36", "true")
    assert "accrual.sites is true; it must be a whole number from 1 to 10,000, and true" in message


def test_a_negative_size_is_refused() -> None:
    message = refusal("n: 94", "n: -94")
    assert "sample_size.n is -94; it must be a whole number from 2 to 20,000" in message
    assert "for example n: 94" in message


def test_not_a_number_is_no_dose() -> None:
    message = refusal("dose_g_per_kg: 2.0", "dose_g_per_kg: .nan")
    assert "arms.ivig.dose_g_per_kg is .nan; it must be a finite number" in message
    assert "for example dose_g_per_kg: 2.0" in message


def test_an_unknown_subtype_is_answered_with_those_there_are() -> None:
    message = refusal("{DM: 1.0}", "{JDM: 1.0}")
    assert "population.subtypes.JDM" in message
    assert "'DM', 'PM', 'IMNM', 'ASyS', 'OM', 'IBM' or 'ICI'" in message


def test_shares_of_subtypes_add_up_to_1() -> None:
    message = refusal("{DM: 1.0}", "{DM: 0.7, PM: 0.2}")
    assert "population.subtypes is {DM: 0.7, PM: 0.2}" in message
    assert "add up to 0.9; they must add up to 1; for example subtypes: {DM: 1.0}" in message


def test_a_share_of_nothing_is_left_out() -> None:
    message = refusal("{DM: 1.0}", "{DM: 1.0, PM: 0.0}")
    assert "population.subtypes is {DM: 1.0, PM: 0.0}; every share" in message
    assert "must be above 0; leave out the others" in message


def test_an_mmt_limit_above_the_maximum_of_the_version_is_refused() -> None:
    message = refusal("mmt_below: 142", "mmt_below: 200")
    assert "line 6: population.eligibility.mmt_below is 200; MMT8_150 has 150 points" in message
    assert "write at most 150, or another mmt version" in message


def test_an_endpoint_at_a_week_without_visit_is_refused() -> None:
    message = refusal("at_week: 16", "at_week: 15")
    assert "line 15: endpoint.at_week is 15; that week is no visit" in message
    assert "visits_weeks are [0, 4, 8, 12, 16]" in message


def test_an_endpoint_both_at_and_by_a_week_is_refused() -> None:
    message = refusal("at_week: 16", "at_week: 16, by_week: 16")
    assert f"trial.yaml, line {line_of('endpoint:')}: endpoint is" in message
    assert "exactly one of at_week (on that visit) and by_week (ever until)" in message


def test_an_endpoint_without_a_week_is_refused() -> None:
    message = refusal(", at_week: 16", "")
    assert "exactly one of at_week (on that visit) and by_week (ever until)" in message


def test_an_endpoint_before_randomisation_is_refused() -> None:
    message = refusal("at_week: 16", "at_week: -16")
    assert "endpoint.at_week is -16" in message
    assert "for example at_week: 16" in message


def test_a_block_that_cannot_hold_the_ratio_is_refused() -> None:
    message = refusal("block_sizes: [4]", "block_sizes: [4, 3]")
    assert f"trial.yaml, line {line_of('block_sizes')}: allocation" in message
    assert "a block of 3 cannot hold the ratio 1:1; write multiples of 2, such as [4]" in message


def test_a_ratio_without_patients_in_an_arm_is_refused() -> None:
    message = refusal("ratio: {placebo: 1, ivig: 1}", "ratio: {placebo: 0, ivig: 1}")
    assert "line 10: allocation.ratio is {placebo: 0, ivig: 1}" in message
    assert "every part of it must be a whole number of at least 1" in message


def test_a_ratio_of_other_arms_is_refused() -> None:
    message = refusal("ratio: {placebo: 1, ivig: 1}", "ratio: {placebo: 1, drug: 1}")
    assert "allocation.ratio is {placebo: 1, drug: 1}; it must name the arms" in message
    assert "placebo, ivig, and no others" in message


def test_several_arms_need_an_allocation() -> None:
    allocation = DEMO.splitlines()[line_of("allocation") - 1]
    assert "a design of several arms needs an allocation" in refusal(f"{allocation}\n", "")


def test_infusions_like_an_unknown_arm_are_refused() -> None:
    message = refusal("infusions_like: ivig", "infusions_like: drug")
    assert "arms.placebo.infusions_like is 'drug'" in message
    assert "name an arm that receives the drug (ivig)" in message


def test_infusions_like_placebo_are_refused() -> None:
    message = refusal("infusions_like: ivig", "infusions_like: placebo")
    assert "arms.placebo.infusions_like is 'placebo'" in message


def test_an_infusion_after_the_last_visit_is_refused() -> None:
    message = refusal("infusions: 4", "infusions: 6")
    assert "line 9: arms.ivig.infusions is 6" in message
    assert "an infusion in week 20, after the last visit (week 16)" in message


def test_a_regimen_needs_all_of_its_parts() -> None:
    message = refusal("every_weeks: 4, infusions: 4", "every_weeks: 4")
    assert f"trial.yaml, line {line_of('ivig: {dose')}: arms.ivig is" in message
    assert "a regimen needs dose_g_per_kg, every_weeks and infusions together" in message


def test_an_arm_is_described_in_one_way_only() -> None:
    message = refusal("{infusions_like: ivig}", "{infusions_like: ivig, dose_g_per_kg: 2.0}")
    assert "arms.placebo is" in message
    assert "exactly one of infusions_like, no_infusions, courses, or dose_g_per_kg" in message


def test_courses_come_in_increasing_weeks() -> None:
    twice = "{courses: [{week: 4, dose_g_per_kg: 2.0}, {week: 4, dose_g_per_kg: 1.0}]}"
    message = refusal(
        "{dose_g_per_kg: 2.0, every_weeks: 4, infusions: 4, days_per_infusion: 2}", twice
    )
    assert "arms.ivig.courses is [{week: 4, dose_g_per_kg: 2.0}, " in message
    assert "courses come in increasing weeks, one in a week" in message


def test_visits_begin_at_week_0() -> None:
    message = refusal("[0, 4, 8, 12, 16]", "[4, 8, 12, 16]")
    assert "visits_weeks is [4, 8, 12, 16]; visits start with the baseline at week 0" in message
    assert "for example visits_weeks: [0, 4, 8, 12, 16]" in message


def test_visits_come_in_increasing_weeks() -> None:
    message = refusal("[0, 4, 8, 12, 16]", "[0, 8, 4, 12, 16]")
    assert "visits_weeks is [0, 8, 4, 12, 16]; visits must come in increasing weeks" in message


def test_a_rule_that_begins_after_the_last_visit_is_refused() -> None:
    message = refusal("allowed_from_week: 8", "allowed_from_week: 20")
    assert "intercurrent.rescue.allowed_from_week is 20; the last visit is in week 16" in message


def test_a_deterioration_rule_after_the_last_visit_is_refused() -> None:
    message = refusal("{from_week: 8}", "{from_week: 20}")
    assert "intercurrent.deterioration.from_week is 20; the last visit is in week 16" in message


def test_a_decision_on_an_unknown_arm_is_refused() -> None:
    message = refusal("ivig > placebo", "ivig > control")
    assert "decision.success.probability_of is 'ivig > control'" in message
    assert "two arms of the design (placebo, ivig)" in message


def test_a_decision_needs_an_analysis() -> None:
    analysis = DEMO.splitlines()[line_of("analysis") - 1]
    assert "analysis and decision come together" in refusal(f"{analysis}\n", "")


def test_a_threshold_above_1_is_no_probability() -> None:
    message = refusal("above: 0.975", "above: 97.5")
    assert "decision.success.above is 97.5; it must be a number above 0 and below 1" in message
    assert "for example above: 0.975" in message


def test_a_prior_of_other_arms_is_refused() -> None:
    message = refusal("prior: {placebo: [1, 1], ivig", "prior: {placebo: [1, 1], drug")
    assert "analysis.prior is {placebo: [1, 1], drug: [1, 1]}; it must name the arms" in message


def test_a_prior_that_is_no_distribution_is_refused() -> None:
    message = refusal("ivig: [1, 1]", "ivig: [0, 1]")
    assert f"trial.yaml, line {line_of('prior:')}: analysis.prior is" in message
    assert "the prior of ivig is Beta(0, 1); each number must be from 0.1 to 100" in message


def test_looks_that_do_not_increase_are_refused() -> None:
    message = refusal("[{information: 1.0}]", "[{information: 0.5}, {information: 0.5}]")
    assert f"trial.yaml, line {line_of('looks')}: looks is [{{information: 0.5}}" in message
    assert "information must increase from look to look" in message
    assert "for example looks: [{information: 0.5}, {information: 1.0}]" in message


def test_a_last_look_before_the_end_is_refused() -> None:
    message = refusal("[{information: 1.0}]", "[{information: 0.5}, {information: 0.9}]")
    assert "looks[1].information is 0.9; the last look is at all patients" in message


def test_all_faults_of_a_design_are_told_at_once() -> None:
    both = parse_yaml(DEMO.replace("n: 94", "n: 1").replace("above: 0.975", "above: 2"), "x.yaml")
    with pytest.raises(DesignError) as caught:
        validate(Design, both)
    assert [line.split(" is ")[0].split(": ")[1] for line in str(caught.value).splitlines()] == [
        "decision.success.above",
        "sample_size.n",
    ]


# files


def test_a_file_that_is_not_there_is_answered_with_the_shipped_names() -> None:
    with pytest.raises(DesignError, match=r"nowhere\.yaml is neither a file nor a shipped name"):
        load_design("nowhere.yaml")
    with pytest.raises(DesignError, match=r"or one of .*dm_ivig_16w"):
        locate("nowhere.yaml")


def test_text_that_is_not_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "trial.yaml"
    path.write_text("title: A\npopulation: {,\n", encoding="utf-8")
    with pytest.raises(DesignError, match=r"trial\.yaml, line 2: not readable as YAML"):
        load_design(path)


@pytest.mark.parametrize("content", ["", "just words", "- 1\n- 2\n"])
def test_a_file_without_fields_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "trial.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DesignError, match=r"trial\.yaml(, line 1)?: .*'key: value' lines"):
        load_design(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "trial.yaml"
    path.write_bytes(b"\xff\xfe\x00title")
    with pytest.raises(DesignError, match=r"cannot be read \(it is not UTF-8 text\)"):
        load_design(path)


def test_a_folder_is_no_design(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match=r"cannot be read \(Is a directory\)"):
        load_design(tmp_path)
