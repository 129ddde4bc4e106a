"""Wrong rules of a patient's course and of recruitment: one a row, as in ``bad_cases``."""

from __future__ import annotations

from tests.workflow.bad_cases import Case

DESIGN = """\
title: Rules of every kind
population:
  subtypes: {DM: 0.6, IMNM: 0.4}
  line: {first_line: 0.4, refractory: 0.6}
  mmt: MMT8_150
  eligibility:
    mmt_below: 142
    age_at_least: 18
arms:
  placebo:
    infusions_like: ivig
  ivig:
    dose_g_per_kg: 2.0
    every_weeks: 4
    infusions: 4
    dose_change:
      - at_week: 8
        if_tis_below: 40
        courses: [{week: 8, dose_g_per_kg: 1.0}, {week: 12, dose_g_per_kg: 1.0}]
    as_needed:
      from_week: 12
      if_tis_below: 20
      dose_g_per_kg: 1.5
      at_most: 2
    stop_when_stable:
      tis_at_least: 60
      visits: 3
allocation:
  ratio: {placebo: 1, ivig: 2}
  method: minimisation
  strata: [severity, site]
  favoured: 0.8
accrual:
  sites: 36
  patients_per_site_month: 0.115
  site_rate_cv: 0.5
  patients_per_site_at_most: 10
  subtypes_at_most: {IMNM: 30}
  pauses_weeks: [[20, 26], [40, 42]]
visits_weeks: [0, 4, 8, 12, 16, 20, 24]
visit_window_days: 3
prednisolone:
  taper: proportional
  from_week: 6
  share: 0.2
intercurrent:
  deterioration:
    from_week: 7
    then: switch
  rescue:
    allowed_from_week: 9
    then: standard_therapy
  lack_of_effect:
    from_week: 10
    tis_below: 15
  switch_to: {placebo: ivig}
  harm: {then: leave_study}
extension:
  from_week: 18
  dose_g_per_kg: 2.0
  every_weeks: 3
  infusions: 2
endpoint:
  measure: tis_at_least
  threshold: 20
  at_week: 16
sample_size:
  n: 90
"""

TREATMENT = [
    Case("dose_of_nothing", "dose_g_per_kg: 2.0\n    every_weeks: 4",
         "dose_g_per_kg: 0\n    every_weeks: 4", ("arms", "ivig", "dose_g_per_kg"), "0",
         "it must be a number above 0 and at most 5", "dose_g_per_kg: 2.0", "dose_g_per_kg: 0"),
    Case("course_of_nine_days", "    infusions: 4\n",
         "    infusions: 4\n    days_per_infusion: 9\n", ("arms", "ivig", "days_per_infusion"),
         "9", "it must be a whole number from 1 to 7", "days_per_infusion: 2",
         "days_per_infusion: 9"),
    Case("first_week_before_the_start", "    infusions: 4\n",
         "    infusions: 4\n    first_week: -1\n", ("arms", "ivig", "first_week"), "-1",
         "it must be a whole number from 0 to 520", "first_week: 12", "first_week: -1"),
    Case("extension_before_a_late_regimen", "    infusions: 4\n",
         "    infusions: 4\n    first_week: 12\n", ("extension", "from_week"), "18",
         "an arm has a course in week 24; the extension begins after the last one",
         "from_week: 28", "from_week: 18"),
    Case("first_week_without_regimen", "    infusions_like: ivig",
         "    no_infusions: true\n    first_week: 4", ("arms", "placebo", "first_week"), "4",
         "it starts a regular regimen, which this arm has not; a course of a list has its own we",
         "first_week: 0", "first_week: 4"),
    Case("placebo_that_stops", "    infusions_like: ivig",
         "    infusions_like: ivig\n    stop_when_stable: {tis_at_least: 40}",
         ("arms", "placebo", "stop_when_stable"), "{tis_at_least: 40}",
         "it belongs to an arm with courses of its own, so leave it out; placebo infusions follo",
         "infusions_like: ivig", "stop_when_stable: {tis_at_least: 40}"),
    Case("nothing_that_stops", "    infusions_like: ivig",
         "    no_infusions: true\n    stop_when_stable: {tis_at_least: 40}",
         ("arms", "placebo", "stop_when_stable"), "{tis_at_least: 40}",
         "it belongs to an arm with courses of its own, so leave it out; placebo infusions follo",
         "no_infusions: true", "stop_when_stable: {tis_at_least: 40}"),
    Case("yes_in_words", "    infusions_like: ivig", "    no_infusions: yes",
         ("arms", "placebo", "no_infusions"), "'yes'", "write true or false", "no_infusions: true",
         "no_infusions: yes"),
    Case("no_courses", "    infusions_like: ivig", "    courses: []",
         ("arms", "placebo", "courses"), "[]",
         "it needs at least one course; an arm may have no_infusions",
         "courses: [{week: 0, dose_g_per_kg: 2.0, days: 2}]", "courses: []"),
    Case("two_courses_in_a_week", "    infusions_like: ivig",
         "    courses: [{week: 4, dose_g_per_kg: 1.0}, {week: 4, dose_g_per_kg: 1.0}]",
         ("arms", "placebo", "courses"),
         "[{week: 4, dose_g_per_kg: 1.0}, {week: 4, dose_g_per_kg: 1.0",
         "courses come in increasing weeks, one in a week",
         "courses: [{week: 4, dose_g_per_kg: 1.0}]",
         "courses: [{week: 4, dose_g_per_kg: 1.0}, {week: 4, dose_g_per_kg: 1.0}]"),
    Case("course_of_no_day", "    infusions_like: ivig",
         "    courses: [{week: 4, dose_g_per_kg: 1.0, days: 0}]",
         ("arms", "placebo", "courses", 0, "days"), "0", "it must be a whole number from 1 to 7",
         "days: 2", "courses: [{week: 4, dose_g_per_kg: 1.0, days: 0}]"),
    Case("placebo_of_1", "{week: 12, dose_g_per_kg: 1.0}",
         "{week: 12, dose_g_per_kg: 1.0, placebo: 1}",
         ("arms", "ivig", "dose_change", 0, "courses", 1, "placebo"), "1", "write true or false",
         "placebo: true",
         "courses: [{week: 8, dose_g_per_kg: 1.0}, {week: 12, dose_g_per_kg: 1.0, placebo: 1}]"),
    Case("one_course_too_late", "    infusions_like: ivig",
         "    courses: [{week: 0, dose_g_per_kg: 1.0}, {week: 30, dose_g_per_kg: 1.0}]",
         ("arms", "placebo", "courses"),
         "[{week: 0, dose_g_per_kg: 1.0}, {week: 30, dose_g_per_kg: 1.",
         "there would be an infusion in week 30, after the last visit (week 24)",
         "courses: [{week: 0, dose_g_per_kg: 1.0, days: 1, placebo: false}]",
         "courses: [{week: 0, dose_g_per_kg: 1.0}, {week: 30, dose_g_per_kg: 1.0}]"),
    Case("course_after_the_end", "    infusions_like: ivig",
         "    courses: [{week: 30, dose_g_per_kg: 1.0}]", ("arms", "placebo", "courses"),
         "[{week: 30, dose_g_per_kg: 1.0}]",
         "there would be an infusion in week 30, after the last visit (week 24)",
         "courses: [{week: 0, dose_g_per_kg: 2.0, days: 2}]",
         "courses: [{week: 30, dose_g_per_kg: 1.0}]"),
    Case("change_without_visit", "at_week: 8\n", "at_week: 7\n",
         ("arms", "ivig", "dose_change", 0, "at_week"), "7",
         "that week is no visit; visits_weeks are [0, 4, 8, 12, 16, 20, 24]", "at_week: 4",
         "- at_week: 7"),
    Case("change_at_baseline", "at_week: 8\n", "at_week: 0\n",
         ("arms", "ivig", "dose_change", 0, "at_week"), "0", "it must be a whole number above 0",
         "at_week: 4", "- at_week: 0"),
    Case("change_at_no_score", "        if_tis_below: 40\n", "",
         ("arms", "ivig", "dose_change", 0),
         "{at_week: 8, courses: [{week: 8, dose_g_per_kg: 1.0}, {week:",
         "it needs exactly one of if_tis_below and if_tis_at_least",
         "{at_week: 4, if_tis_below: 40, courses: [{week: 4, dose_g_per_kg: 2.0}]}",
         "- at_week: 8"),
    Case("change_at_two_scores", "        if_tis_below: 40\n",
         "        if_tis_below: 40\n        if_tis_at_least: 40\n",
         ("arms", "ivig", "dose_change", 0),
         "{at_week: 8, if_tis_below: 40, if_tis_at_least: 40, courses:",
         "it needs exactly one of if_tis_below and if_tis_at_least",
         "{at_week: 4, if_tis_below: 40, courses: [{week: 4, dose_g_per_kg: 2.0}]}",
         "- at_week: 8"),
    Case("change_at_140", "        if_tis_below: 40\n", "        if_tis_below: 140\n",
         ("arms", "ivig", "dose_change", 0, "if_tis_below"), "140",
         "it must be a number above 0 and at most 100", "if_tis_below: 40", "if_tis_below: 140"),
    Case("change_from_patient_0", "        if_tis_below: 40\n",
         "        if_tis_below: 40\n        from_patient: 0\n",
         ("arms", "ivig", "dose_change", 0, "from_patient"), "0",
         "it must be a whole number of at least 1", "from_patient: 11", "from_patient: 0"),
    Case("course_before_its_change", "{week: 8, dose_g_per_kg: 1.0}",
         "{week: 4, dose_g_per_kg: 1.0}", ("arms", "ivig", "dose_change", 0, "courses"),
         "[{week: 4, dose_g_per_kg: 1.0}, {week: 12, dose_g_per_kg: 1.",
         "they replace what was planned from week 8 on, so none is before it",
         "courses: [{week: 8, dose_g_per_kg: 2.0}]",
         "courses: [{week: 4, dose_g_per_kg: 1.0}, {week: 12, dose_g_per_kg: 1.0}]"),
    Case("two_changed_courses_in_a_week", "{week: 12, dose_g_per_kg: 1.0}",
         "{week: 8, dose_g_per_kg: 1.0}", ("arms", "ivig", "dose_change", 0, "courses"),
         "[{week: 8, dose_g_per_kg: 1.0}, {week: 8, dose_g_per_kg: 1.0",
         "courses come in increasing weeks, one in a week",
         "courses: [{week: 8, dose_g_per_kg: 1.0}]",
         "courses: [{week: 8, dose_g_per_kg: 1.0}, {week: 8, dose_g_per_kg: 1.0}]"),
    Case("changed_course_after_the_end", "{week: 12, dose_g_per_kg: 1.0}",
         "{week: 28, dose_g_per_kg: 1.0}", ("arms", "ivig", "dose_change", 0, "courses"),
         "[{week: 8, dose_g_per_kg: 1.0}, {week: 28, dose_g_per_kg: 1.",
         "the last visit is in week 24", "courses: []",
         "courses: [{week: 8, dose_g_per_kg: 1.0}, {week: 28, dose_g_per_kg: 1.0}]"),
    Case("as_needed_after_the_end", "      from_week: 12\n", "      from_week: 30\n",
         ("arms", "ivig", "as_needed", "from_week"), "30", "the last visit is in week 24",
         "from_week: 4", "from_week: 30"),
    Case("as_needed_at_baseline", "      from_week: 12\n", "      from_week: 0\n",
         ("arms", "ivig", "as_needed", "from_week"), "0",
         "it must be a whole number of at least 1", "from_week: 12", "from_week: 0"),
    Case("as_needed_without_need", "      if_tis_below: 20\n", "", ("arms", "ivig", "as_needed"),
         "{from_week: 12, dose_g_per_kg: 1.5, at_most: 2}",
         "say when a course is needed: if_tis_below, if_tis_falls_by or both",
         "{from_week: 12, if_tis_below: 20, dose_g_per_kg: 1.0, at_most: 6}", "as_needed:"),
    Case("as_needed_without_limit", "      at_most: 2\n", "",
         ("arms", "ivig", "as_needed", "at_most"), "", "is missing", "at_most: 6", "as_needed:"),
    Case("as_needed_never", "      at_most: 2\n", "      at_most: 0\n",
         ("arms", "ivig", "as_needed", "at_most"), "0", "it must be a whole number from 1 to 520",
         "at_most: 6", "at_most: 0"),
    Case("as_needed_all_the_time", "      at_most: 2\n",
         "      at_most: 2\n      weeks_apart: 0\n", ("arms", "ivig", "as_needed", "weeks_apart"),
         "0", "it must be a whole number from 1 to 520", "weeks_apart: 4", "weeks_apart: 0"),
    Case("stable_at_no_visit", "      visits: 3", "      visits: 0",
         ("arms", "ivig", "stop_when_stable", "visits"), "0",
         "it must be a whole number from 1 to 20", "visits: 2", "visits: 0"),
    Case("stable_at_a_score_of_0", "tis_at_least: 60", "tis_at_least: 0",
         ("arms", "ivig", "stop_when_stable", "tis_at_least"), "0",
         "it must be a number above 0 and at most 100", "tis_at_least: 40", "tis_at_least: 0"),
]  # fmt: skip

RECRUITMENT = [
    Case("another_method_of_allocation", "method: minimisation", "method: blocks",
         ("allocation", "method"), "'blocks'",
         "choose 'permuted_blocks', 'complete' or 'minimisation'", "method: permuted_blocks",
         "method: blocks"),
    Case("minimisation_of_nothing", "  strata: [severity, site]\n", "", ("allocation", "strata"),
         "null", "minimisation balances the factors named there; name at least one",
         "strata: [severity]", "allocation:"),
    Case("factor_twice", "strata: [severity, site]", "strata: [severity, severity]",
         ("allocation", "strata"), "['severity', 'severity']", "each factor stands there once",
         "strata: [severity]", "strata: [severity, severity]"),
    Case("another_factor", "strata: [severity, site]", "strata: [severity, region]",
         ("allocation", "strata", 1), "'region'",
         "choose 'severity', 'subtype', 'line', 'sex', 'prednisolone', 'site' or 'age_65'",
         "strata: [severity]", "strata: [severity, region]"),
    Case("coin_above_1", "  favoured: 0.8", "  favoured: 1.8", ("allocation", "favoured"), "1.8",
         "it must be a number above 0 and at most 1", "favoured: 0.8", "favoured: 1.8"),
    Case("coin_against_balance", "  favoured: 0.8", "  favoured: 0.2", ("allocation", "favoured"),
         "0.2",
         "below 0.333, the share that the ratio gives the smallest arm anyway, the better arm wo",
         "favoured: 0.8", "favoured: 0.2"),
    Case("coin_of_complete", "method: minimisation", "method: complete",
         ("allocation", "favoured"), "0.8",
         "complete has none; it belongs to minimisation, so leave it out",
         "allocation: {ratio: {placebo: 1, ivig: 2}, method: complete, strata: [severity, site]}",
         "favoured: 0.8"),
    Case("another_imbalance", "  favoured: 0.8", "  favoured: 0.8\n  imbalance: sd",
         ("allocation", "imbalance"), "'sd'", "choose 'range' or 'variance'", "imbalance: range",
         "imbalance: sd"),
    Case("blocks_of_minimisation", "  favoured: 0.8", "  favoured: 0.8\n  block_sizes: [3]",
         ("allocation", "block_sizes"), "[3]",
         "minimisation has no blocks; leave it out, or write method: permuted_blocks",
         "allocation: {ratio: {placebo: 1, ivig: 2}, method: permuted_blocks, block_sizes: [3]}",
         "block_sizes: [3]"),
    Case("ratio_of_200", "{placebo: 1, ivig: 2}", "{placebo: 1, ivig: 200}",
         ("allocation", "ratio"), "{placebo: 1, ivig: 200}", "no part of it may exceed 100",
         "ratio: {placebo: 1, ivig: 1}", "ratio: {placebo: 1, ivig: 200}"),
    Case("spread_below_0", "site_rate_cv: 0.5", "site_rate_cv: -0.5", ("accrual", "site_rate_cv"),
         "-0.5", "it must be a number from 0 to 3", "site_rate_cv: 0.8", "site_rate_cv: -0.5"),
    Case("spread_of_nothing", "site_rate_cv: 0.5", "site_rate_cv: 0.0001",
         ("accrual", "site_rate_cv"), "0.0001", "a spread below 0.001 is none; write 0 or more",
         "site_rate_cv: 0", "site_rate_cv: 0.0001"),
    Case("spread_of_50", "site_rate_cv: 0.5", "site_rate_cv: 50", ("accrual", "site_rate_cv"),
         "50", "it must be a number from 0 to 3", "site_rate_cv: 0.8", "site_rate_cv: 50"),
    Case("sites_too_small", "patients_per_site_at_most: 10", "patients_per_site_at_most: 2",
         ("accrual", "patients_per_site_at_most"), "2",
         "36 sites with at most 2 patients make 72, and 90 are planned",
         "patients_per_site_at_most: 3", "patients_per_site_at_most: 2"),
    Case("sites_of_nobody", "patients_per_site_at_most: 10", "patients_per_site_at_most: 0",
         ("accrual", "patients_per_site_at_most"), "0", "it must be a whole number of at least 1",
         "patients_per_site_at_most: 10", "patients_per_site_at_most: 0"),
    Case("limit_of_another_subtype", "{IMNM: 30}", "{PM: 30}", ("accrual", "subtypes_at_most"),
         "{PM: 30}", "PM is no subtype of the design, which has DM, IMNM",
         "subtypes_at_most: {DM: 20}", "subtypes_at_most: {PM: 30}"),
    Case("limits_of_all", "{IMNM: 30}", "{IMNM: 30, DM: 40}", ("accrual", "subtypes_at_most"),
         "{IMNM: 30, DM: 40}",
         "every subtype is limited, together to 70 patients, and 90 are planned",
         "subtypes_at_most: {IMNM: 30}", "subtypes_at_most: {IMNM: 30, DM: 40}"),
    Case("limit_of_nobody", "{IMNM: 30}", "{IMNM: 0}", ("accrual", "subtypes_at_most", "IMNM"),
         "0", "it must be a whole number of at least 1", "subtypes_at_most: {IMNM: 20}",
         "subtypes_at_most: {IMNM: 0}"),
    Case("pauses_that_overlap", "[40, 42]", "[24, 42]", ("accrual", "pauses_weeks"),
         "[[20, 26], [24, 42]]",
         "the pause [24, 42] starts before [20, 26] is over; write pauses in order, and one for ",
         "pauses_weeks: [[20, 42]]", "pauses_weeks: [[20, 26], [24, 42]]"),
    Case("pause_that_ends_first", "[40, 42]", "[42, 40]", ("accrual", "pauses_weeks"),
         "[[20, 26], [42, 40]]",
         "the pause [42, 40] must start at week 0 or later, end after its start, and by week 520",
         "pauses_weeks: [[20, 26]]", "pauses_weeks: [[20, 26], [42, 40]]"),
    Case("pause_without_end", "[40, 42]", "[40]", ("accrual", "pauses_weeks", 1, 1), "",
         "is missing", "pauses_weeks: [[20, 26]]", "pauses_weeks: [[20, 26], [40]]"),
    Case("pause_of_a_week", "[[20, 26], [40, 42]]", "20", ("accrual", "pauses_weeks"), "20",
         "it must be a list in brackets", "pauses_weeks: [[20, 26]]", "pauses_weeks: 20"),
    Case("lines_that_miss_a_fifth", "{first_line: 0.4, refractory: 0.6}",
         "{first_line: 0.4, refractory: 0.4}", ("population", "line"),
         "{first_line: 0.4, refractory: 0.4}", "the shares add up to 0.8; they must add up to 1",
         "line: {first_line: 0.5, refractory: 0.5}", "line: {first_line: 0.4, refractory: 0.4}"),
    Case("another_line", "{first_line: 0.4, refractory: 0.6}", "{first_line: 0.4, resistant: 0.6}",
         ("population", "line"), "{first_line: 0.4, resistant: 0.6}",
         "resistant is none of first_line, refractory", "line: {first_line: 0.4, refractory: 0.6}",
         "line: {first_line: 0.4, resistant: 0.6}"),
    Case("list_of_lines", "{first_line: 0.4, refractory: 0.6}", "[refractory]",
         ("population", "line"), "['refractory']",
         "a line is one of first_line, refractory, or shares of both",
         "line: {first_line: 0.4, refractory: 0.6}", "line: [refractory]"),
    Case("nobody_of_that_age", "    age_at_least: 18", "    age_at_least: 60\n    age_at_most: 50",
         ("population", "eligibility", "age_at_least"), "60",
         "age_at_most is 50, so nobody could enter; write less than 50, or leave one of the two ",
         "age_at_least: 25", "age_at_least: 60"),
    Case("nobody_of_that_strength", "    age_at_least: 18", "    mmt_at_least: 145",
         ("population", "eligibility", "mmt_at_least"), "145",
         "mmt_below is 142, so nobody could enter; write less than 142, or leave one of the two ",
         "mmt_at_least: 71", "mmt_at_least: 145"),
    Case("cancer_as_a_number", "    age_at_least: 18",
         "    age_at_least: 18\n    exclude_cancer: 1",
         ("population", "eligibility", "exclude_cancer"), "1", "write true or false",
         "exclude_cancer: true", "exclude_cancer: 1"),
]  # fmt: skip

VISITS = [
    Case("windows_that_touch", "visits_weeks: [0, 4, 8, 12, 16, 20, 24]\nvisit_window_days: 3",
         "visits_weeks: [0, 4, 8, 12, 15, 16, 20, 24]\nvisit_window_days: 4",
         ("visit_window_days",), "4", "the windows of the visits in weeks 15 and 16 could touch",
         "visit_window_days: 3", "visit_window_days: 4"),
    Case("window_that_reaches_a_course", "visit_window_days: 3", "visit_window_days: 11",
         ("visit_window_days",), "11",
         "the visit of week 20 decides on a course of arm ivig after a switch in week 21, which ",
         "visit_window_days: 7", "visit_window_days: 11"),
    Case("window_below_0", "visit_window_days: 3", "visit_window_days: -1", ("visit_window_days",),
         "-1", "it must be a whole number from 0 to 364", "visit_window_days: 3",
         "visit_window_days: -1"),
    Case("window_of_half_a_day", "visit_window_days: 3", "visit_window_days: 3.5",
         ("visit_window_days",), "3.5", "it must be a whole number from 0 to 364",
         "visit_window_days: 3", "visit_window_days: 3.5"),
    Case("another_score", "visit_window_days: 3", "tis_missing: locf", ("tis_missing",), "'locf'",
         "choose 'missing' or 'zero'", "tis_missing: missing", "tis_missing: locf"),
    Case("another_blinding", "visit_window_days: 3", "blinding: single", ("blinding",), "'single'",
         "choose 'double_blind' or 'open_label'", "blinding: double_blind", "blinding: single"),
]  # fmt: skip

PREDNISOLONE = [
    Case("another_taper", "taper: proportional", "taper: slow", ("prednisolone", "taper"),
         "'slow'", "choose 'stable', 'step', 'proportional', 'forced' or 'practice'",
         "taper: stable", "taper: slow"),
    Case("proportional_without_share", "  share: 0.2\n", "", ("prednisolone",),
         "{taper: 'proportional', from_week: 6}", "taper: proportional needs share",
         "prednisolone: {taper: proportional, share: 0.2}", "prednisolone:"),
    Case("share_in_percent", "  share: 0.2\n", "  share: 20\n", ("prednisolone", "share"), "20",
         "it must be a number above 0 and at most 1; 20 % is 0.2", "share: 0.2", "share: 20"),
    Case("target_of_another_rule", "  share: 0.2\n", "  share: 0.2\n  target_mg: 5\n",
         ("prednisolone", "target_mg"), "5",
         "it belongs to taper: forced; take it out under taper: proportional",
         "prednisolone: {taper: proportional, share: 0.2}", "target_mg: 5"),
    Case("taper_after_the_end", "  from_week: 6\n", "  from_week: 60\n",
         ("prednisolone", "from_week"), "60", "the last visit is in week 24", "from_week: 24",
         "from_week: 60"),
    Case("keys_of_another_rule", "  from_week: 6\n  share: 0.2",
         "  from_week: 16\n  target_mg: 5\n  target_week: 12", ("prednisolone", "target_mg"), "5",
         "it belongs to taper: forced; take it out under taper: proportional",
         "prednisolone: {taper: proportional, share: 0.2}", "target_mg: 5"),
    Case("target_before_the_start", "  taper: proportional\n  from_week: 6\n  share: 0.2",
         "  taper: forced\n  from_week: 16\n  target_mg: 5\n  target_week: 12",
         ("prednisolone", "target_week"), "12", "the target must come after from_week (16)",
         "target_week: 36", "target_week: 12"),
    Case("forced_without_week", "  taper: proportional\n  from_week: 6\n  share: 0.2",
         "  taper: forced\n  target_mg: 5", ("prednisolone",), "{taper: 'forced', target_mg: 5}",
         "taper: forced needs target_mg and target_week",
         "prednisolone: {taper: forced, target_mg: 5, target_week: 24}", "prednisolone:"),
    Case("floor_of_a_stable_dose", "  taper: proportional\n  from_week: 6\n  share: 0.2",
         "  taper: stable\n  floor_mg: 5", ("prednisolone", "floor_mg"), "5",
         "it belongs to taper: step or proportional; take it out under taper: stable",
         "prednisolone: {taper: stable}", "floor_mg: 5"),
    Case("step_of_nothing", "  taper: proportional\n  from_week: 6\n  share: 0.2",
         "  taper: step\n  steps_mg: {above_20: 0}", ("prednisolone", "steps_mg", "above_20"), "0",
         "it must be a number above 0 and at most 100", "above_20: 10", "steps_mg: {above_20: 0}"),
]  # fmt: skip

EVENTS = [
    Case("another_consequence", "    then: switch", "    then: swap",
         ("intercurrent", "deterioration", "then"), "'swap'",
         "choose 'continue', 'stop_treatment', 'leave_study', 'switch' or 'standard_therapy'",
         "then: stop_treatment", "then: swap"),
    Case("deterioration_after_the_end", "    from_week: 7\n", "    from_week: 25\n",
         ("intercurrent", "deterioration", "from_week"), "25", "the last visit is in week 24",
         "from_week: 24", "from_week: 25"),
    Case("dose_below_0", "    from_week: 7\n", "    from_week: 7\n    prednisolone_mg: -20\n",
         ("intercurrent", "deterioration", "prednisolone_mg"), "-20",
         "it must be a number from 0 to 1,000", "prednisolone_mg: 20", "prednisolone_mg: -20"),
    Case("rescue_after_the_end", "    allowed_from_week: 9", "    allowed_from_week: 25",
         ("intercurrent", "rescue", "allowed_from_week"), "25", "the last visit is in week 24",
         "allowed_from_week: 24", "allowed_from_week: 25"),
    Case("lack_after_the_end", "    from_week: 10", "    from_week: 25",
         ("intercurrent", "lack_of_effect", "from_week"), "25", "the last visit is in week 24",
         "from_week: 24", "from_week: 25"),
    Case("score_above_100", "    tis_below: 15", "    tis_below: 115",
         ("intercurrent", "lack_of_effect", "tis_below"), "115",
         "it must be a number from 0 to 100", "tis_below: 20", "tis_below: 115"),
    Case("switch_to_itself", "{placebo: ivig}", "{placebo: placebo}",
         ("intercurrent", "switch_to"), "{placebo: 'placebo'}",
         "'placebo: placebo' must name two arms of the design (placebo, ivig)",
         "switch_to: {placebo: ivig}", "switch_to: {placebo: placebo}"),
    Case("switch_to_nobody", "{placebo: ivig}", "{placebo: high}", ("intercurrent", "switch_to"),
         "{placebo: 'high'}", "'placebo: high' must name two arms of the design (placebo, ivig)",
         "switch_to: {placebo: ivig}", "switch_to: {placebo: high}"),
    Case("switch_as_a_list", "{placebo: ivig}", "[placebo, ivig]", ("intercurrent", "switch_to"),
         "['placebo', 'ivig']", "it must be a mapping, {key: value, ...}",
         "switch_to: {placebo: ivig}", "switch_to: [placebo, ivig]"),
    Case("switch_that_nothing_brings", "    then: switch\n", "", ("intercurrent", "switch_to"),
         "{placebo: 'ivig'}", "no event of this design is followed by a switch",
         "deterioration: {from_week: 8, then: switch}", "switch_to: {placebo: ivig}"),
    Case("switch_after_harm", "{then: leave_study}", "{then: switch}",
         ("intercurrent", "harm", "then"), "'switch'", "choose 'stop_treatment' or 'leave_study'",
         "then: stop_treatment", "harm: {then: switch}"),
]  # fmt: skip

EXTENSION = [
    Case("change_in_the_extension",
         "      - at_week: 8\n        if_tis_below: 40\n"
         "        courses: [{week: 8, dose_g_per_kg: 1.0}, {week: 12, dose_g_per_kg: 1.0}]\n",
         "      - at_week: 20\n        if_tis_below: 40\n        courses: []\n",
         ("arms", "ivig", "dose_change", 0, "at_week"), "20",
         "from week 18 on the extension gives its courses, whatever was changed", "at_week: 16",
         "- at_week: 20"),
    Case("changed_course_in_the_extension", "{week: 12, dose_g_per_kg: 1.0}",
         "{week: 20, dose_g_per_kg: 1.0}", ("arms", "ivig", "dose_change", 0, "courses"),
         "[{week: 8, dose_g_per_kg: 1.0}, {week: 20, dose_g_per_kg: 1.",
         "the course in week 20 would give way to the extension, which begins in week 18",
         "courses: [{week: 8, dose_g_per_kg: 1.0}]",
         "courses: [{week: 8, dose_g_per_kg: 1.0}, {week: 20, dose_g_per_kg: 1.0}]"),
    Case("extension_too_early", "  from_week: 18", "  from_week: 11", ("extension", "from_week"),
         "11", "an arm has a course in week 12; the extension begins after the last one",
         "from_week: 16", "from_week: 11"),
    Case("extension_at_baseline", "  from_week: 18", "  from_week: 0", ("extension", "from_week"),
         "0", "it must be a whole number above 0", "from_week: 16", "from_week: 0"),
    Case("extension_too_long", "  every_weeks: 3\n  infusions: 2",
         "  every_weeks: 3\n  infusions: 5", ("extension", "infusions"), "5",
         "there would be an infusion in week 30, after the last visit (week 24)", "infusions: 3",
         "infusions: 5"),
    Case("extension_of_nothing", "  every_weeks: 3\n  infusions: 2",
         "  every_weeks: 3\n  infusions: 0", ("extension", "infusions"), "0",
         "it must be a whole number from 1 to 520", "infusions: 6", "infusions: 0"),
    Case("extension_without_interval", "  every_weeks: 3\n  infusions: 2", "  infusions: 2",
         ("extension", "every_weeks"), "", "is missing", "every_weeks: 4", "extension:"),
    Case("extension_with_a_list", "  every_weeks: 3\n  infusions: 2",
         "  every_weeks: 3\n  infusions: 2\n  courses: []", ("extension", "courses"),
         "not a known key (its value is [])",
         "of from_week, dose_g_per_kg, every_weeks, infusions, days_per_infusion the nearest kno",
         "infusions: 6", "courses: []"),
    Case("extension_after_the_end", "  from_week: 18", "  from_week: 30",
         ("extension", "from_week"), "30", "the last visit is in week 24", "from_week: 16",
         "from_week: 30"),
    Case("ratio_without_a_new_arm", "  ivig:\n", "  sham: {infusions_like: ivig}\n  ivig:\n",
         ("allocation", "ratio"), "{placebo: 1, ivig: 2}",
         "it must name the arms, placebo, sham, ivig, and no others",
         "ratio: {placebo: 1, sham: 1, ivig: 1}", "ratio: {placebo: 1, ivig: 2}"),
]  # fmt: skip

CASES = [*TREATMENT, *RECRUITMENT, *VISITS, *PREDNISOLONE, *EVENTS, *EXTENSION]
