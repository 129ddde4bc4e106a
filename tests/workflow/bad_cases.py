"""Wrong inputs, one a row: what is changed in a right file, and what the answer must say."""

from __future__ import annotations

from typing import NamedTuple

from simtrial.core.located import FieldPath


class Case(NamedTuple):
    """One text of a right file exchanged, and the parts of the answer.

    ``path`` is the field that is named, ``value`` what is shown of it, ``rule`` a fragment of the
    rule, ``example`` what is to be written instead (None where no one field can mend it).
    ``at`` is a text on the line that must be named, where it is not the exchanged one's first.
    """

    name: str
    old: str
    new: str
    path: FieldPath
    value: str
    rule: str
    example: str | None
    at: str | None = None


DESIGN = """\
title: Add-on immunoglobulin
population:
  subtypes: {DM: 1.0}
  line: refractory
  mmt: MMT8_150
  eligibility:
    mmt_below: 142
    other_abnormal_measures: 2
arms:
  placebo:
    infusions_like: ivig
  ivig:
    dose_g_per_kg: 2.0
    every_weeks: 4
    infusions: 4
allocation:
  ratio: {placebo: 1, ivig: 1}
  method: permuted_blocks
  block_sizes: [4]
accrual:
  sites: 36
  site_opening_weeks: 40
  patients_per_site_month: 0.115
screening_weeks: 2
visits_weeks: [0, 4, 8, 12, 16]
prednisolone: {taper: stable}
intercurrent:
  deterioration: {from_week: 8}
  rescue:
    allowed_from_week: 8
endpoint:
  measure: tis_at_least
  threshold: 20
  at_week: 16
estimand: {rescue: composite}
analysis:
  method: beta_binomial
  prior: {placebo: [1, 1], ivig: [1, 1]}
decision:
  success:
    probability_of: ivig > placebo
    above: 0.975
looks: [{information: 1.0}]
sample_size:
  n: 94
"""
_ARM = ("arms", "ivig")
_END = ("endpoint",)
_PEOPLE = ("population",)
_RULES = ("population", "eligibility")

UNKNOWN_KEYS = [
    Case("at_the_top", "looks: [", "look: [", ("look",), "[{information: 1.0}]",
         "the nearest known key is 'looks'", "looks: [{information: 1.0}]"),
    Case("nested", "threshold: 20", "treshold: 20", (*_END, "treshold"), "20",
         "the nearest known key is 'threshold'", "threshold: 20"),
    Case("in_an_arm", "every_weeks: 4", "every_wks: 4", (*_ARM, "every_wks"), "4",
         "the nearest known key is 'every_weeks'", "every_weeks: 4"),
    Case("of_another_section", "  line: refractory", "  mmt_below: 142\n  line: refractory",
         (*_PEOPLE, "mmt_below"), "142", "mmt_below belongs under population.eligibility", None),
    Case("far_from_any", "  sites: 36", "  sites: 36\n  budget: 3", ("accrual", "budget"), "3",
         "subtypes_at_most, pauses_weeks the nearest", None),
    Case("every_days", "every_weeks: 4", "every_days: 28", (*_ARM, "every_days"), "28",
         "the unit is weeks, not days (28 as 4)", "every_weeks: 4"),
    Case("every_days_that_are_no_weeks", "every_weeks: 4", "every_days: 30",
         (*_ARM, "every_days"), "30", "not days (30 as 4.286)", "every_weeks: 4"),
    Case("dose_mg_per_kg", "dose_g_per_kg: 2.0", "dose_mg_per_kg: 2000",
         (*_ARM, "dose_mg_per_kg"), "2000", "the unit is g/kg, not mg/kg (2000 as 2)",
         "dose_g_per_kg: 2"),
    Case("at_day", "at_week: 16", "at_day: 112", (*_END, "at_day"), "112",
         "the unit is week, not day (112 as 16)", "at_week: 16"),
    Case("visits_days", "visits_weeks: [0, 4, 8, 12, 16]", "visits_days: [0, 28, 112]",
         ("visits_days",), "[0, 28, 112]", "the unit is weeks, not days",
         "visits_weeks: [0, 4, 16]"),
    Case("site_opening_months", "site_opening_weeks: 40", "site_opening_months: 9",
         ("accrual", "site_opening_months"), "9", "not months (9 as 39.13)",
         "site_opening_weeks: 39.13"),
    Case("patients_per_site_year", "patients_per_site_month: 0.115", "patients_per_site_year: 1.38",
         ("accrual", "patients_per_site_year"), "1.38", "not year (1.38 as 0.115)",
         "patients_per_site_month: 0.115"),
    Case("above_percent", "above: 0.975", "above_percent: 97.5",
         ("decision", "success", "above_percent"), "97.5", "a share of 1, not percent",
         "above: 0.975"),
    Case("course_day", "    dose_g_per_kg: 2.0\n    every_weeks: 4\n    infusions: 4\n",
         "    courses: [{day: 21, dose_g_per_kg: 2.0}]\n", (*_ARM, "courses", 0, "day"), "21",
         "the unit is week, not day (21 as 3)", "week: 3"),
]  # fmt: skip

OTHER_UNITS = [
    Case("dose_in_mg_per_kg", "dose_g_per_kg: 2.0", "dose_g_per_kg: 2000",
         (*_ARM, "dose_g_per_kg"), "2000", "above 0 and at most 5; 2000 mg/kg are 2 g/kg",
         "dose_g_per_kg: 2"),
    Case("endpoint_in_days", "at_week: 16", "at_week: 112", (*_END, "at_week"), "112",
         "that week is no visit; visits_weeks are [0, 4, 8, 12, 16]; 112 days are 16 weeks",
         "at_week: 16"),
    Case("interval_in_days", "every_weeks: 4", "every_weeks: 28", (*_ARM, "every_weeks"), "28",
         "after the last visit (week 16); 28 days are 4 weeks", "every_weeks: 4"),
    Case("rescue_in_days", "allowed_from_week: 8", "allowed_from_week: 56",
         ("intercurrent", "rescue", "allowed_from_week"), "56", "56 days are 8 weeks",
         "allowed_from_week: 8"),
    Case("a_subtype_in_percent", "{DM: 1.0}", "{DM: 100}", (*_PEOPLE, "subtypes"), "{DM: 100}",
         "the shares add up to 100, as percentages do; they must add up to 1",
         "subtypes: {DM: 1}"),
    Case("subtypes_in_percent", "{DM: 1.0}", "{DM: 60, PM: 40}", (*_PEOPLE, "subtypes"),
         "{DM: 60, PM: 40}", "they must add up to 1", "subtypes: {DM: 0.6, PM: 0.4}"),
    Case("threshold_in_percent", "above: 0.975", "above: 97.5", ("decision", "success", "above"),
         "97.5", "a number above 0 and below 1; 97.5 % is 0.975", "above: 0.975"),
    Case("information_in_percent", "information: 1.0", "information: 100",
         ("looks", 0, "information"), "100", "100 % is 1", "information: 1"),
]  # fmt: skip

WRONG_TYPES = [
    Case("number_in_quotes", "mmt_below: 142", 'mmt_below: "142"', (*_RULES, "mmt_below"), "'142'",
         "in quotes it is text", "mmt_below: 142"),
    Case("word_for_a_number", "n: 94", "n: many", ("sample_size", "n"), "'many'",
         "a whole number from 2 to 20,000", "n: 94"),
    Case("true_for_a_number", "sites: 36", "sites: true", ("accrual", "sites"), "true",
         "true and false are none", "sites: 36"),
    Case("nothing", "n: 94", "n: null", ("sample_size", "n"), "null",
         "a whole number from 2 to 20,000", "n: 94"),
    Case("nothing_written", "n: 94", "n:", ("sample_size", "n"), "null", "a whole number", "n: 94"),
    Case("decimal_point", "n: 94", "n: 94.0", ("sample_size", "n"), "94.0",
         "without a decimal point", "n: 94"),
    Case("half_a_patient", "n: 94", "n: 94.5", ("sample_size", "n"), "94.5", "a whole number",
         "n: 94"),
    Case("list_for_a_mapping", "prednisolone: {taper: stable}", "prednisolone: [stable]",
         ("prednisolone",), "['stable']", "a mapping with the keys taper",
         "prednisolone: {taper: stable}"),
    Case("number_for_a_list", "[0, 4, 8, 12, 16]", "16", ("visits_weeks",), "16",
         "a list in brackets", "visits_weeks: [0, 4, 8, 12, 16]"),
    Case("text_in_a_list", "[0, 4, 8, 12, 16]", "[0, 4, '8', 12, 16]", ("visits_weeks", 2), "'8'",
         "a whole number", "visits_weeks: [0, 4, 8, 12, 16]"),
    Case("mapping_for_a_number", "sites: 36", "sites: {n: 36}", ("accrual", "sites"), "{n: 36}",
         "a whole number from 1 to 10,000", "sites: 36"),
    Case("number_for_text", "title: Add-on immunoglobulin", "title: 16", ("title",), "16",
         "it must be text", "title: Add-on immunoglobulin in dermatomyositis"),
    Case("no_title", "title: Add-on immunoglobulin", "title: ''", ("title",), "''",
         "must not be empty", "title: Add-on immunoglobulin in dermatomyositis"),
    Case("not_a_number", "dose_g_per_kg: 2.0", "dose_g_per_kg: .nan", (*_ARM, "dose_g_per_kg"),
         ".nan", "a finite number", "dose_g_per_kg: 2.0"),
    Case("infinite", "threshold: 20", "threshold: .inf", (*_END, "threshold"), ".inf",
         "a finite number", "threshold: 20"),
    Case("another_word", "line: refractory", "line: Refractary", (*_PEOPLE, "line"), "'Refractary'",
         "choose first_line, refractory, or give shares of both", "line: refractory"),
    Case("another_strategy", "{rescue: composite}", "{rescue: hypothetical}",
         ("estimand", "rescue"), "'hypothetical'", "choose 'composite'", "rescue: composite"),
    Case("another_method", "method: beta_binomial", "method: ancova", ("analysis", "method"),
         "'ancova'", "choose 'beta_binomial'", "method: beta_binomial"),
    Case("prior_of_one_number", "ivig: [1, 1]", "ivig: [1]", ("analysis", "prior", "ivig"),
         "[1]", "two numbers, [a, b], or several of [weight, a, b]",
         "[1, 1]"),
    Case("prior_of_three_numbers", "ivig: [1, 1]", "ivig: [1, 1, 1]", ("analysis", "prior", "ivig"),
         "[1, 1, 1]", "two numbers, [a, b]", "[1, 1]"),
    Case("prior_of_weights_beyond_1", "ivig: [1, 1]", "ivig: [[0.8, 4, 16], [0.8, 1, 1]]",
         ("analysis", "prior"), "[[0.8, 4, 16], [0.8, 1, 1]]", "their sum 1",
         "prior: {placebo: [1, 1], ivig: [1, 1]}"),
    Case("another_subtype", "{DM: 1.0}", "{dm: 1.0}", (*_PEOPLE, "subtypes", "dm"), "1.0",
         "'IBM' or 'ICI'; the nearest is 'DM'", "subtypes: {DM: 1.0}"),
    Case("missing", "  line: refractory\n", "", (*_PEOPLE, "line"), "", "is missing",
         "line: refractory", "population:"),
]  # fmt: skip

BROKEN_RULES = [
    Case("negative_n", "n: 94", "n: -94", ("sample_size", "n"), "-94",
         "a whole number from 2 to 20,000", "n: 94"),
    Case("n_of_one", "n: 94", "n: 1", ("sample_size", "n"), "1", "from 2", "n: 94"),
    Case("negative_screening", "screening_weeks: 2", "screening_weeks: -2", ("screening_weeks",),
         "-2", "a whole number from 0 to 52", "screening_weeks: 2"),
    Case("no_visit_in_that_week", "at_week: 16", "at_week: 15", (*_END, "at_week"), "15",
         "that week is no visit", "at_week: 16"),
    Case("endpoint_before_the_start", "at_week: 16", "at_week: -16", (*_END, "at_week"), "-16",
         "a whole number above 0", "at_week: 16"),
    Case("infusion_after_the_end", "infusions: 4", "infusions: 6", (*_ARM, "infusions"), "6",
         "an infusion in week 20, after the last visit (week 16)", "infusions: 5"),
    Case("rescue_after_the_end", "allowed_from_week: 8", "allowed_from_week: 17",
         ("intercurrent", "rescue", "allowed_from_week"), "17", "the last visit is in week 16",
         "allowed_from_week: 16"),
    Case("visits_not_increasing", "[0, 4, 8, 12, 16]", "[0, 8, 4, 12, 16]", ("visits_weeks",),
         "[0, 8, 4, 12, 16]", "increasing weeks", "visits_weeks: [0, 4, 8, 12, 16]"),
    Case("visits_without_baseline", "[0, 4, 8, 12, 16]", "[4, 8, 12, 16]", ("visits_weeks",),
         "[4, 8, 12, 16]", "the baseline at week 0", "visits_weeks: [0, 4, 8, 12, 16]"),
    Case("block_of_another_ratio", "block_sizes: [4]", "block_sizes: [4, 3]",
         ("allocation", "block_sizes"), "[4, 3]", "write multiples of 2", "block_sizes: [4]"),
    Case("ratio_without_an_arm", "{placebo: 1, ivig: 1}", "{placebo: 2}", ("allocation", "ratio"),
         "{placebo: 2}", "must name the arms, placebo, ivig", "ratio: {placebo: 1, ivig: 1}"),
    Case("ratio_of_nothing", "{placebo: 1, ivig: 1}", "{placebo: 0, ivig: 1}",
         ("allocation", "ratio"), "{placebo: 0, ivig: 1}", "at least 1",
         "ratio: {placebo: 1, ivig: 1}"),
    Case("like_nobody", "infusions_like: ivig", "infusions_like: drug",
         ("arms", "placebo", "infusions_like"), "'drug'", "an arm that receives the drug (ivig)",
         "infusions_like: ivig"),
    Case("like_itself", "infusions_like: ivig", "infusions_like: placebo",
         ("arms", "placebo", "infusions_like"), "'placebo'", "an arm that receives the drug (ivig)",
         "infusions_like: ivig"),
    Case("like_another_placebo", "  ivig:\n", "  sham: {infusions_like: placebo}\n  ivig:\n",
         ("arms", "sham", "infusions_like"), "'placebo'", "an arm that receives the drug", None),
    Case("dotted_name", "  ivig:\n", "  sham 0.9: {infusions_like: x}\n  ivig:\n",
         ("arms", "sham 0.9", "infusions_like"), "'x'", "an arm that receives the drug", None),
    Case("half_a_regimen", "    infusions: 4\n", "", _ARM, "{dose_g_per_kg: 2.0, every_weeks: 4}",
         "dose_g_per_kg, every_weeks and infusions together",
         "{dose_g_per_kg: 2.0, every_weeks: 4, infusions: 4}", "  ivig:"),
    Case("two_regimens", "infusions_like: ivig", "infusions_like: ivig\n    infusions: 4",
         ("arms", "placebo"), "{infusions_like: 'ivig', infusions: 4}", "exactly one of",
         "{dose_g_per_kg: 2.0, every_weeks: 4, infusions: 4}", "  placebo:"),
    Case("decision_on_nobody", "ivig > placebo", "ivig > control",
         ("decision", "success", "probability_of"), "'ivig > control'",
         "two arms of the design (placebo, ivig)", 'probability_of: "ivig > placebo"'),
    Case("prior_without_an_arm", "{placebo: [1, 1], ivig: [1, 1]}", "{ivig: [1, 1]}",
         ("analysis", "prior"), "{ivig: [1, 1]}", "must name the arms",
         "prior: {placebo: [1, 1], ivig: [1, 1]}"),
    Case("prior_of_nothing", "ivig: [1, 1]", "ivig: [0, 1]", ("analysis", "prior"),
         "{placebo: [1, 1], ivig: [0, 1]}", "from 0.1 to 100",
         "prior: {placebo: [1, 1], ivig: [1, 1]}"),
    Case("more_points_than_the_scale", "mmt_below: 142", "mmt_below: 200", (*_RULES, "mmt_below"),
         "200", "MMT8_150 has 150 points", "mmt_below: 142"),
    Case("nobody_eligible", "mmt_below: 142", "mmt_below: 14", _RULES,
         "{mmt_below: 14.0, other_abnormal_measures: 2}", "0 % of 100,000 simulated candidates",
         "eligibility: {mmt_below: 142}", "  eligibility:"),
    Case("looks_out_of_order", "[{information: 1.0}]", "[{information: 1.0}, {information: 0.5}]",
         ("looks",), "[{information: 1.0}, {information: 0.5}]", "must increase",
         "looks: [{information: 0.5}, {information: 1.0}]"),
    Case("last_look_too_early", "[{information: 1.0}]", "[{information: 0.9}]",
         ("looks", 0, "information"), "0.9", "the last look is at all patients",
         "information: 1.0"),
    Case("looks_of_two_kinds", "[{information: 1.0}]", "[{n: 40}, {information: 1.0}]",
         ("looks",), "[{n: 40}, {information: 1.0}]", "timed by the same",
         "looks: [{information: 0.5}, {information: 1.0}]"),
    Case("look_at_events", "[{information: 1.0}]", "[{events: 40}]", ("looks", 0, "events"), "40",
         "with a response or none a look is timed by information, n",
         "looks: [{information: 0.5}, {information: 1.0}]"),
    Case("two_levels_for_one_look", "above: 0.975", "above: [0.99, 0.975]",
         ("decision", "success", "above"), "[0.99, 0.975]", "there is one look", "above: 0.975"),
    Case("level_of_a_test", "above: 0.975", "above: 0.975\n    alpha: 0.025",
         ("decision", "success", "alpha"), "0.025", "it belongs to test_of",
         'success: {probability_of: "ivig > placebo", above: 0.975}', "    alpha"),
    Case("test_with_a_posterior", "above: 0.975", "above: 0.975\n    test_of: ivig > placebo",
         ("decision", "success"), "test_of: 'ivig > placebo'", "exactly one of probability_of",
         'success: {probability_of: "ivig > placebo", above: 0.975}', "  success:"),
    Case("margin_of_10", "ivig > placebo", "ivig > placebo + 10",
         ("decision", "success", "probability_of"), "'ivig > placebo + 10'",
         "a margin below 1 (+ 0.1)", 'probability_of: "ivig > placebo"'),
    Case("futility_of_one_look", "above: 0.975",
         "above: 0.975\n  futility: {predictive_probability_below: 0.1}",
         ("looks",), "[{information: 1.0}]", "only one look",
         "looks: [{information: 0.5}, {information: 1.0}]", "looks:"),
    Case("method_of_events", "method: beta_binomial", "method: logrank", ("analysis", "prior"),
         "{placebo: [1, 1], ivig: [1, 1]}", "logrank has no priors",
         "analysis: {method: beta_binomial, prior: {placebo: [1, 1], ivig: [1, 1]}}", "  prior:"),
    Case("decision_without_analysis", "decision:\n  success:\n    probability_of: ivig > placebo\n"
         "    above: 0.975\n", "", ("decision",), "null", "come together",
         'decision: {success: {probability_of: "ivig > placebo", above: 0.975}}', "title:"),
]  # fmt: skip

SCENARIO = "from: point\nset:\n  depth: 0.5\n"
SCENARIOS = [
    Case("unknown_key", "set:", "sett:", ("sett",), "{depth: 0.5}", "nearest known key is 'set'",
         "set: {depth: 0.5}"),
    Case("unknown_source", "from: point", "from: pint", ("from",), "'pint'", "choose 'posterior'",
         "from: point"),
    Case("no_source", "from: point\n", "", ("from",), "", "is missing", "from: posterior", "set:"),
    Case("unknown_parameter", "depth: 0.5", "depht: 0.5", ("set", "depht"), "{value: 0.5}",
         "the nearest is 'depth'", "depth: 0.6"),
    Case("outside_its_range", "depth: 0.5", "depth: 1.5", ("set", "depth"), "1.5",
         "lies from 0 to 1", "depth: 0.6"),
    Case("percent", "depth: 0.5", "p_response.DM: 60", ("set", "p_response.DM"), "60",
         "60 % is 0.6", "p_response.DM: 0.6"),
    Case("age_in_years", "depth: 0.5", "age.location: 54", ("set", "age.location"), "54",
         "on the logit scale from 18 to 95 years", "age.location: 0.0"),
    Case("value_and_times", "depth: 0.5", "depth: {value: 0.5, times: 2}", ("set", "depth"),
         "{value: 0.5, times: 2.0}", "exactly one of value and times", None),
    Case("unknown_key_of_a_value", "depth: 0.5", "depth: {valu: 0.5}", ("set", "depth", "valu"),
         "0.5", "the nearest known key is 'value'", "value: 0.5"),
    Case("in_quotes", "depth: 0.5", "depth: {value: '0.5'}", ("set", "depth", "value"), "'0.5'",
         "in quotes it is text", "value: 0.5"),
    Case("a_word", "depth: 0.5", "depth: high", ("set", "depth"), "'high'",
         "a mapping with the keys value, times, status, source", "set: {p_response.DM: 0.6}"),
    Case("a_list", "set:\n  depth: 0.5", "set: [0.5]", ("set",), "[0.5]", "a mapping",
         "set: {p_response.DM: 0.6}"),
    Case("nothing", "depth: 0.5", "depth: null", ("set", "depth"), "null", "a mapping",
         "set: {p_response.DM: 0.6}"),
    Case("not_a_number", "depth: 0.5", "depth: .nan", ("set", "depth"), ".nan",
         "a finite number", "set: {p_response.DM: 0.6}"),
    Case("guessed", "depth: 0.5", "depth: {value: 0.5, status: guessed}",
         ("set", "depth", "status"), "'guessed'", "choose 'fitted'", "status: assumed"),
    Case("not_read", "depth: 0.5", "p_response.PM: 0.5", ("set", "p_response.PM"), "0.5",
         "is not read by this design (refractory, DM)", '"p_response[DM, refractory]": 0.6'),
    Case("both_ends", "depth: 0.5", "p_background: 0.1\n  control.tis20_week16: 0.3",
         ("set", "p_background"), "", "one follows from the other", "control.tis20_week16: 0.3"),
    Case("times_of_what_is_solved", "depth: 0.5", "p_background: {times: 2}",
         ("set", "p_background"), "{times: 2}", "it is solved, not drawn", "p_background: 0.1"),
    Case("times_beyond_the_range", "depth: 0.5", "depth: {times: 9}", ("set", "depth"),
         "{times: 9}", "outside 0 to 1", None),
    Case("one_parameter_twice", "depth: 0.5",
         'p_response.DM: 0.5\n  "p_response[DM, refractory]": 0.6',
         ("set", "p_response[DM, refractory]"), "0.6", "p_response.DM names the same parameter",
         None, '"p_response[DM'),
    Case("no_accrual", "depth: 0.5", "accrual.patients_per_site_month: 0",
         ("set", "accrual.patients_per_site_month"), "0", "a rate must stay above 0",
         "accrual.patients_per_site_month: 0.06"),
]  # fmt: skip

_VALUES = ("facts", 0, "values")
_WEEK_9 = (
    "{n: 19, responders: 8}\n    readings: {first: '8 of 19', second: agrees}\n    alternatives"
)
# of shipped document 002; the number of a fact is left open
EVIDENCE = [
    Case("more_responders_than_patients", _WEEK_9, _WEEK_9.replace("8}", "21}"),
         (*_VALUES, "responders"), "21", "more responders than patients, n is 19", "responders: 8"),
    Case("responders_in_quotes", _WEEK_9, _WEEK_9.replace("8}", "'8'}"),
         (*_VALUES, "responders"), "'8'", "in quotes it is text", "responders: 8"),
    Case("negative_responders", _WEEK_9, _WEEK_9.replace("8}", "-8}"), (*_VALUES, "responders"),
         "-8", "a whole number from 0 to 1,000,000", "responders: 8"),
    Case("unknown_key_of_values", _WEEK_9, _WEEK_9.replace("responders", "responder"),
         (*_VALUES, "responder"), "8", "the nearest known key is 'responders'", "responders: 8"),
    Case("list_of_values", _WEEK_9, _WEEK_9.replace("{n: 19, responders: 8}", "[19, 8]"), _VALUES,
         "[19, 8]", "it must be a mapping", None),
    Case("unknown_key", "    label: L22\n", "    label: L22\n    reed_by: [replication]\n",
         ("facts", 0, "reed_by"), "['replication']", "the nearest known key is 'read_by'",
         "read_by: [replication]"),
    Case("unknown_key_at_the_top", "defaults:\n", "default:\n", ("default",), "{cohort:",
         "the nearest known key is 'defaults'", None),
    Case("unknown_kind", "    kind: times\n", "    kind: tims\n", ("facts", 0, "kind"), "'tims'",
         "choose 'count'", "kind: times"),
    Case("cells_that_do_not_sum", "        never: 7\n", "        never: 6\n", (*_VALUES, "cells"),
         "tis40_first_w3: 6", "the cells sum to 18, and n is 19",
         "cells: {tis40_first_w3: 6, tis40_first_w4: 1, tis40_first_w6: 1, tis40_first_w9: 0, "
         "tis20_kept: 1, tis20_lost: 3, never: 7}",
         "      cells:"),
    Case("quartiles_out_of_order", "{q1: 3.2, median: 3.8, q3: 4.0}",
         "{q1: 3.2, median: 3.8, q3: 3.0}", (*_VALUES, "q3"), "3.0", "q1 <= median <= q3",
         "q3: 4.0"),
    Case("more_than_all", "values: {percent: 55.0,", "values: {percent: 155.0,",
         (*_VALUES, "percent"), "155.0", "a number from 0 to 100", "percent: 55"),
    Case("nested_in_nothing", "    nested_in: lim21.subtype_mix.included\n",
         "    nested_in: lim21.subtype_mix.enrolled\n", ("facts", 0, "nested_in"),
         "lim21.subtype_mix.enrolled", "no fact has this id, the nearest is 'lim21.subtype_mix.",
         None),
    Case("an_id_twice", "  - id: lim21.age_onset.om\n", "  - id: lim21.age_onset.imnm\n",
         ("facts", 0, "id"), "lim21.age_onset.imnm", "an id names one fact",
         "id: lim21.age_onset.imnm_2"),
    Case("a_label_twice", "    label: L12.OM\n", "    label: L12.DM\n", ("facts", 0, "label"),
         "L12.DM", "lim21.age_onset.dm has it", "label: L12.DM.2"),
    Case("an_id_of_another_form", "  - id: lim21.age_onset.om\n", "  - id: Lim21 age\n",
         ("facts", 0, "id"), "'Lim21 age'", "small letters, digits, _ and dots",
         "id: lim21.age_onset.om"),
    Case("unknown_cohort", "    cohort: lim21.first_ten\n", "    cohort: lim21.first_tn\n",
         ("facts", 0, "cohort"), "lim21.first_tn", "the nearest is 'lim21.first_ten'",
         "cohort: lim21.first_ten"),
    Case("a_set_larger_than_its_own", "lim21.analysed: {n: 19,", "lim21.analysed: {n: 21,",
         ("cohorts", "lim21.analysed", "n"), "21", "lim21.included, around it, has 20", "n: 20"),
    Case("a_set_within_nothing", "before the regimen was amended, within: lim21.included",
         "before the regimen was amended, within: lim21.inclded",
         ("cohorts", "lim21.first_ten", "within"), "lim21.inclded",
         "the nearest is 'lim21.included'", "within: lim21.included"),
]  # fmt: skip
