"""What a design may say of recruitment, entry, lines and allocation, and how it is refused."""

from __future__ import annotations

import pytest

from simtrial.cohort.arrivals import NO_LIMIT, arrivals_of, calendar_minute, site_rate
from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.operating.prepare import check, needed_parameters
from simtrial.trial.posterior import load_posterior
from simtrial.trial.recruitment import Accrual
from simtrial.trial.scenario import Scenario, full_name
from simtrial.trial.wording import sentences
from tests.unit.test_design import demo, refusal

ALLOCATION = "allocation: {ratio: {placebo: 1, ivig: 1}, method: permuted_blocks, block_sizes: [4]}"
ACCRUAL = "accrual: {sites: 36, site_opening_weeks: 40, patients_per_site_month: 0.115}"
RULES = "{mmt_below: 142, other_abnormal_measures: 2, prednisolone_at_most_mg: 20}"
LINE = "  line: refractory"
DM = "  subtypes: {DM: 1.0}"


def with_accrual(more: str) -> str:
    return ACCRUAL.replace("}", f", {more}}}")


def allocated(method: str) -> str:
    return f"allocation: {{ratio: {{placebo: 1, ivig: 1}}, method: {method}}}"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (ACCRUAL, with_accrual("site_rate_cv: -1"), ["site_rate_cv", "site_rate_cv: 0.8"]),
        (
            ACCRUAL,
            with_accrual("patients_per_site_at_most: 2"),
            ["36 sites with at most 2 patients make 72, and 94 are planned", "at_most: 3"],
        ),
        (ACCRUAL, with_accrual("subtypes_at_most: {IMNM: 20}"), ["IMNM is no subtype", "{DM: 20}"]),
        (ACCRUAL, with_accrual("subtypes_at_most: {DM: 20}"), ["together to 20 patients, and 94"]),
        (
            ACCRUAL,
            with_accrual("pauses_weeks: [[26, 20]]"),
            ["pause [26, 20] must start", "pauses_weeks: [[20, 26]]"],
        ),
        (
            ACCRUAL,
            with_accrual("pauses_weeks: [[20, 26], [24, 30]]"),
            ["[24, 30] starts before [20, 26] is over", "pauses_weeks: [[20, 30]]"],
        ),
        (RULES, "{mmt_below: 142, mmt_at_least: 142}", ["mmt_below is 142, so nobody could enter"]),
        (RULES, "{mmt_at_least: 200}", ["MMT8_150 has 150 points", "mmt_at_least: 80"]),
        (
            RULES,
            "{prednisolone_at_least_mg: 30, prednisolone_at_most_mg: 20}",
            ["prednisolone_at_most_mg is 20, so nobody", "prednisolone_at_least_mg: 10"],
        ),
        (RULES, "{age_at_least: 70, age_at_most: 60}", ["age_at_most is 60", "age_at_least: 30"]),
        (LINE, "  line: second", ["choose first_line, refractory", "line: "]),
        (
            LINE,
            "  line: {first_line: 0.5, refractory: 0.6}",
            ["add up to 1.1", "they must add up to 1"],
        ),
        (LINE, "  line: {third: 1.0}", ["third is none of first_line, refractory"]),
        (LINE, "  line: {first_line: 0, refractory: 1}", ["share of first_line is 0", "above 0"]),
        (
            ALLOCATION,
            allocated("complete, block_sizes: [4]"),
            ["complete has no blocks", "method: permuted_blocks"],
        ),
        (ALLOCATION, allocated("permuted_blocks"), ["at least one size", "block_sizes: [4]"]),
        (ALLOCATION, allocated("minimisation"), ["name at least one", "strata: [severity]"]),
        (
            ALLOCATION,
            allocated("minimisation, strata: [sex], favoured: 0.4"),
            ["favoured is 0.4", "below 0.5", "favoured: 0.8"],
        ),
        (ALLOCATION, allocated("complete, favoured: 0.8"), ["it belongs to minimisation"]),
        (ALLOCATION, allocated("complete, imbalance: range"), ["it belongs to minimisation"]),
        (
            ALLOCATION,
            allocated("complete, strata: [sex, site, sex]"),
            ["each factor stands there once", "strata: [sex, site]"],
        ),
        (ALLOCATION, allocated("complete, strata: [height]"), ["'severity'", "'age_65'"]),
    ],
)
def test_what_cannot_run_is_refused_with_place_rule_and_example(
    old: str, new: str, told: list[str]
) -> None:
    message = refusal(old, new)
    assert message.startswith("trial.yaml, line ")
    for words in told:
        assert words in message


def test_more_strata_than_are_kept_are_refused() -> None:
    text = ACCRUAL.replace("36", "10000")
    many = allocated("permuted_blocks, block_sizes: [4], strata: [site, sex]")
    message = refusal(f"{ALLOCATION}\n{ACCRUAL}", f"{many}\n{text}")
    assert "20,000 strata, and at most 10,000" in message and "strata: [sex]" in message


def test_a_mix_of_lines_is_read_in_the_order_of_the_lines() -> None:
    people = demo(LINE, "  line: {refractory: 0.75, first_line: 0.25}").population
    assert list(people.lines.items()) == [("first_line", 0.25), ("refractory", 0.75)]
    assert people.line_words() == "25 % first_line and 75 % refractory"


def test_a_mix_of_one_line_is_that_line() -> None:
    assert demo(LINE, "  line: {refractory: 1.0}").digest() == demo().digest()


def test_a_mix_of_lines_reads_the_parameters_of_both() -> None:
    design = demo(LINE, "  line: {first_line: 0.4, refractory: 0.6}")
    names = needed_parameters(design)
    assert len(names) == len(set(names))
    for line in ("first_line", "refractory"):
        assert {
            f"p_response[DM, {line}]",
            f"prednisolone_share[{line}]",
            f"rescue_per_visit[{line}, continued]",
        } <= set(names)


def test_a_short_name_stands_for_no_line_of_a_mix() -> None:
    lines = {"first_line": 0.4, "refractory": 0.6}
    assert full_name("p_response.DM", lines) == "p_response.DM"
    assert full_name("p_response.ICI", lines) == "p_response[ICI]"
    assert full_name("p_response.DM", "refractory") == "p_response[DM, refractory]"


def test_checkpoint_inhibitor_myositis_has_one_assumed_response_for_both_lines() -> None:
    posterior = load_posterior()
    origin = posterior.origins["p_response[ICI]"]
    assert origin.status == "assumed" and posterior.point["p_response[ICI]"] == 0.5
    design = demo(DM, "  subtypes: {DM: 0.5, ICI: 0.5}")
    assert "p_response[ICI]" in needed_parameters(design)
    check(
        design,
        Scenario.model_validate({"from": "point", "set": {"p_response.ICI": 0.3}}),
        posterior,
    )


def test_what_bounds_recruitment_is_told_in_words() -> None:
    more = with_accrual("site_rate_cv: 0.8, patients_per_site_at_most: 9, pauses_weeks: [[20, 26]]")
    words = " ".join(sentences(demo(ACCRUAL, more)))
    for part in ("coefficient of 0.8", "at most 9 patients", "pause from week 20 to 26"):
        assert part in words
    assert "Recruitment:" not in " ".join(sentences(demo()))


def test_minimisation_is_told_in_words() -> None:
    words = " ".join(
        sentences(demo(ALLOCATION, allocated("minimisation, strata: [severity, site]")))
    )
    assert "minimisation over severity and site (imbalance: range; the best arm with" in words
    assert "probability 0.8" in words


# --- arrivals -----------------------------------------------------------------------------------


def test_a_site_that_would_open_in_a_pause_opens_at_its_end() -> None:
    accrual = Accrual(
        sites=4, site_opening_weeks=40.0, patients_per_site_month=1.0, pauses_weeks=((8.0, 12.0),)
    )
    come = arrivals_of(accrual, 1.0, 1.0, 40)
    # weeks 0, 10, 20, 30 of the calendar; the clock stands still from 8 to 12
    assert [w / MINUTES_PER_WEEK for w in come.opening] == [0.0, 8.0, 16.0, 26.0]
    minutes = [
        calendar_minute(int(opening), come.pause_from, come.pause_until) for opening in come.opening
    ]
    assert [m / MINUTES_PER_WEEK for m in minutes] == [0.0, 12.0, 20.0, 30.0]


def test_without_limits_nothing_is_limited() -> None:
    come = arrivals_of(Accrual(sites=4, patients_per_site_month=1.0), 1.0, 1.0, 40, ("DM", "PM"))
    assert come.site_at_most == NO_LIMIT and come.subtype_at_most.size == 0
    assert come.rate_shape == 0.0 and site_rate(1, 2, 3, 0.0) == 1.0


def test_limits_of_subtypes_stand_in_the_order_of_the_design() -> None:
    accrual = Accrual(sites=4, patients_per_site_month=1.0, subtypes_at_most={"PM": 7})
    come = arrivals_of(accrual, 1.0, 1.0, 40, ("DM", "PM"))
    assert come.subtype_at_most.tolist() == [NO_LIMIT, 7]
