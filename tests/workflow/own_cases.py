"""A user's own document and its protocol, right as they stand, and what may be wrong with them."""

from __future__ import annotations

from tests.workflow.bad_cases import Case

PROTOCOL = """\
title: The series as it was treated
population: {subtypes: {DM: 1.0}, line: refractory, mmt: MMT8_150}
arms:
  ivig: {dose_g_per_kg: 2.0, every_weeks: 4, infusions: 3, days_per_infusion: 5}
accrual: {sites: 1, patients_per_site_month: 1.0}
visits_weeks: [0, 4, 8, 12]
prednisolone: {taper: stable}
endpoint: {measure: tis_at_least, threshold: 20, by_week: 12}
sample_size: {n: 40}
"""

_FACT = """\
  - id: own26.{name}
    label: {label}
    locator: {{section: Report, lines: [{line}, {line}], digits: '{digits}'}}
    printed: '{digits}'
    kind: {kind}
    unit: {unit}
    quantity: {quantity}
{more}    endpoint: {quantity} as we count it
    timing: {timing}
    values: {values}
    readings: {{first: '{digits}', second: {second}}}
    role: {role}
    read_by: [the fit]
"""


def fact(
    name: str,
    label: str,
    line: int,
    digits: str,
    kind: str,
    values: str,
    *,
    unit: str = "patients",
    more: str = "",
    timing: str = "{how: by, week: 12}",
    role: str = "fit",
    second: str = "agrees",
) -> str:
    """Return one fact in YAML; its quantity is the first part of its name."""
    return _FACT.format(
        name=name, label=label, line=line, digits=digits, kind=kind, values=values, unit=unit,
        more=more, timing=timing, role=role, quantity=name.partition(".")[0].partition("_in_")[0],
        second=second,
    )  # fmt: skip


HEAD = """\
id: own26
citation: {authors: Our group, journal: unpublished, year: 2026, volume: '1', pages: '1'}
design: Open-label series of one centre.
protocol: own26_protocol.yaml
cohorts:
  own26.treated: {n: 40, what: treated patients}
  own26.dm: {n: 30, what: those with dermatomyositis, within: own26.treated}
  own26.others: {n: 10, what: the others, within: own26.treated}
defaults: {cohort: own26.treated, n: 40, line: refractory, arm: ivig}
facts:
"""
TIS20 = fact(
    "tis20.dm", "O1", 3, "21 30", "count", "{n: 30, responders: 21}",
    more="    cohort: own26.dm\n    n: 30\n    subtype: DM\n",
)  # fmt: skip
RESPONSE = fact(
    "response.others", "O2", 4, "4 10", "count", "{n: 10, responders: 4}",
    more="    cohort: own26.others\n    n: 10\n    subtypes: [PM, OM]\n", timing="{how: end}",
)  # fmt: skip
MIX = fact(
    "subtype_mix.others", "O3", 2, "6 4", "mix", "{n: 10, cells: {PM: 6, OM: 4}}",
    more="    cohort: own26.others\n    n: 10\n", timing="{how: baseline}", role="context",
)  # fmt: skip
CLOT = fact("thromboembolism.ivig", "O5", 6, "1 40", "proportion", "{n: 40, part: 1}")
COURSES = fact(
    "courses_given.ivig", "O6", 7, "151", "number", "{value: 151, statistic: total}", unit="courses"
)
HARM = (
    fact("minor_reactions.ivig", "O4", 5, "9 40", "proportion", "{n: 40, part: 9}") + CLOT + COURSES
)
OWN = HEAD + TIS20 + RESPONSE + MIX + HARM

_READS = "response (kind count or patients), tis20, tis40 (kind count), minor_reactions"

CASES = [
    Case("a_quantity_that_no_fit_reads", "quantity: tis20", "quantity: walk_change",
         ("facts", 0, "quantity"), "walk_change", f"the fit reads {_READS}", "role: context"),
    Case("a_percentage_for_a_count", TIS20, fact(
            "tis20.dm", "O1", 3, "70", "percentage", "{percent: 70, decimals: 0}", unit="percent",
            more="    cohort: own26.dm\n    n: 30\n    subtype: DM\n"),
         ("facts", 0, "kind"), "percentage", "(a share without its count cannot be fitted)",
         "kind: count, unit: patients, values: {n: 30, responders: 21}"),
    Case("cells_for_a_count", RESPONSE, fact(
            "response.others", "O2", 4, "4 6", "multinomial", "{n: 10, cells: {better: 4, not: 6}}",
            more="    cohort: own26.others\n    n: 10\n    subtypes: [PM, OM]\n"),
         ("facts", 1, "kind"), "multinomial", "the fit reads response as kind count or patients",
         "kind: count, values: {n: 10, responders: 4}"),
    Case("visits_for_patients", TIS20, TIS20.replace("unit: patients", "unit: visits"),
         ("facts", 0, "unit"), "visits", "the fit reads tis20 as patients, each counted once",
         "unit: patients"),
    Case("a_placebo_arm", "    subtype: DM\n", "    subtype: DM\n    arm: placebo\n",
         ("facts", 0, "arm"), "placebo", "a control or placebo arm is never fitted",
         "role: context"),
    Case("no_line", "    subtype: DM\n", "    subtype: DM\n    line: null\n",
         ("facts", 0, "line"), "null", "response differs between lines", "line: refractory"),
    Case("no_mix_for_several_subtypes", "    role: context\n    read_by: [the fit]\n",
         "    role: context\n", ("facts", 1, "subtypes"), "['PM', 'OM']",
         "equal shares would be made up",
         "quantity: subtype_mix, kind: mix, values: {n: 10, cells: {PM: 5, OM: 5}}, role: context, "
         "read_by: [the fit]",
         "    subtypes: [PM, OM]"),
    Case("a_mix_without_one_of_them", "cells: {PM: 6, OM: 4}", "cells: {PM: 6, ASyS: 4}",
         ("facts", 1, "subtypes"), "['PM', 'OM']", "has PM 6, ASyS 4 in own26.others",
         "subtype: PM", "    subtypes: [PM, OM]"),
    Case("a_subtype_of_no_model", "    subtype: DM\n", "    subtype: ICI\n",
         ("facts", 0, "role"), "fit",
         "of DM, PM, IMNM, ASyS, OM, IBM and of no other subtype (subtype: ICI)", "role: check",
         "    role: fit"),
    Case("no_protocol", "protocol: own26_protocol.yaml\n", "", ("facts", 0, "quantity"), "tis20",
         "the document names no protocol", "protocol: own26_protocol.yaml",
         "    quantity: tis20"),
    Case("a_protocol_that_is_not_there", "own26_protocol.yaml", "own_protocol.yaml", ("protocol",),
         "own_protocol.yaml", "neither a file beside the document nor the name of one of",
         "protocol: own26_protocol.yaml"),
    Case("a_protocol_of_two_arms", "own26_protocol.yaml", "dm_ivig_16w", ("protocol",),
         "dm_ivig_16w", "has the one arm that was treated", None),
    Case("a_protocol_with_rescue", "own26_protocol.yaml", "documents/lim21", ("protocol",),
         "documents/lim21", "has rules for leaving it; leave rescue and deterioration out", None),
    Case("no_visit_in_that_week", "    timing: {how: by, week: 12}\n    values: {n: 30",
         "    timing: {how: by, week: 10}\n    values: {n: 30", ("protocol",),
         "own26_protocol.yaml", "own26.tis20.dm counts at week 10", None, "protocol:"),
    Case("a_score_in_months", "    timing: {how: by, week: 12}\n    values: {n: 30",
         "    timing: {how: by, months: 3}\n    values: {n: 30", ("facts", 0, "timing"),
         "{how: 'by', months: 3.0}", "the score is simulated visit by visit",
         "timing: {how: by, week: 12}"),
    Case("the_same_patients_twice", HARM[:20], fact(
            "tis40.dm", "O9", 9, "12 30", "count", "{n: 30, responders: 12}",
            more="    cohort: own26.dm\n    n: 30\n    subtype: DM\n",
            role="fit  # planted") + HARM[:20],
         ("facts", 3, "role"), "fit", "that fits the response of 60 patients of the 30 of own26.dm",
         "role: check", "# planted"),
    Case("one_quantity_twice", HARM[:20], fact(
            "tis20_in_all.dm", "O9", 9, "12 30", "count", "{n: 30, responders: 12}",
            more="    cohort: own26.dm\n    n: 30  # planted\n    subtype: DM\n") + HARM[:20],
         ("facts", 3, "n"), "30", "with own26.tis20.dm that fits 60 patients of the",
         None, "# planted"),
    Case("no_courses", COURSES, COURSES.replace("role: fit", "role: context"),
         ("facts", 3, "quantity"), "minor_reactions",
         "the document does not say how many courses the 40 patients of own26.treated had",
         "quantity: courses_given, kind: number, unit: courses, values: {value: 160, statistic: "
         "total}", "    quantity: minor_reactions"),
    Case("a_mix_that_nothing_needs", RESPONSE + MIX,
         MIX.replace("role: context", "role: fit  # planted"),
         ("facts", 1, "role"), "fit", "subtype_mix is read beside a count of own26.others",
         "role: context", "    role: fit  # planted"),
    Case("fewer_courses_than_patients", "{value: 151, statistic: total}",
         "{value: 31, statistic: total}", ("facts", 5, "values"), "{value: 31.0",
         "at least one course for each of the 40", "values: {value: 160, statistic: total}"),
    Case("courses_as_a_mean", "{value: 151, statistic: total}", "{value: 151, statistic: mean}",
         ("facts", 5, "values"), "statistic: 'mean'", "a total is needed",
         "values: {value: 6040, statistic: total}"),
    Case("harm_of_other_patients", CLOT, fact(
            "thromboembolism.ivig", "O5", 6, "1 30", "proportion", "{n: 30, part: 1}",
            more="    cohort: own26.dm\n    n: 30\n"),
         ("facts", 4, "cohort"), "own26.dm", "harm of one document is of the same patients",
         "cohort: own26.treated, n: 40, values: {n: 40, part: 1}"),
    Case("events_for_patients", CLOT, CLOT.replace("unit: patients", "unit: events"),
         ("facts", 4, "unit"), "events", "patients with at least one event", "unit: patients"),
    Case("the_control_s_harm", CLOT, CLOT.replace("    endpoint", "    arm: placebo\n    endpoint"),
         ("facts", 4, "arm"), "placebo", "a control or placebo arm is never fitted",
         "role: context"),
    Case("no_follow_up", "    timing: {how: by, week: 12}\n    values: {n: 40, part: 1}",
         "    timing: {how: end}\n    values: {n: 40, part: 1}", ("facts", 4, "timing"),
         "{how: 'end'}", "how long the patients were followed",
         "timing: {how: by, months: 12}"),
    Case("a_label_that_is_taken", "    label: O2\n", "    label: O1\n", ("facts", 1, "label"),
         "O1", "own26.tis20.dm has it", "label: O1.2"),
    Case("nothing_to_fit", TIS20 + RESPONSE + MIX + HARM, TIS20.replace("role: fit", "role: check"),
         ("facts", 0, "role"), "check", "document own26 has 1 fact, none with role: fit",
         "role: fit"),
    Case("digits_that_do_not_hold_the_values", "digits: '21 30'", "digits: '22 30'",
         ("facts", 0, "values"), "{n: 30, responders: 21}",
         "the audit finds an error in own26.tis20.dm, rule digits: responders 21", None,
         "    values: {n: 30"),
    Case("nothing_that_reads_it", "    role: fit\n    read_by: [the fit]\n" + RESPONSE[:20],
         "    role: fit\n" + RESPONSE[:20], ("facts", 0, "read_by"), "[]",
         "a fact with role fit names what reads it", "read_by: [the fit]", "- id: own26.tis20"),
    # names and numbers of the document itself
    Case("a_set_of_patients_that_is_not_there",
         "  own26.others: {n: 10, what: the others, within: own26.treated}\n", "",
         ("facts", 1, "cohort"), "own26.others",
         "(there are own26.treated, own26.dm); add it under cohorts",
         "own26.others: {n: 10, what: patients treated}", "    cohort: own26.others"),
    Case("a_slip_in_the_name_of_a_set", "    cohort: own26.others\n    n: 10\n    subtypes",
         "    cohort: own26.othrs\n    n: 10\n    subtypes", ("facts", 1, "cohort"), "own26.othrs",
         "no cohort has this id, the nearest is 'own26.others'", "cohort: own26.others"),
    Case("no_set_of_patients_for_all", "{cohort: own26.treated, n: 40,", "{n: 40,",
         ("defaults", "cohort"), "missing", "it is required", "cohort: own26.treated",
         "defaults:"),
    Case("no_number_for_all", "n: 40, line: refractory", "line: refractory", ("defaults", "n"),
         "missing", "it is required", "n: 40", "defaults:"),
    Case("no_line_for_all", "line: refractory, arm", "arm", ("defaults", "line"), "null",
         "response differs between lines", "line: refractory", "defaults:"),
    Case("a_line_in_other_words", "line: refractory, arm", "line: second, arm",
         ("defaults", "line"), "'second'", "choose 'first_line' or 'refractory'",
         "line: refractory", "defaults:"),
    Case("an_arm_in_other_letters", "arm: ivig", "arm: IVIg", ("defaults", "arm"), "IVIg",
         "(arm: ivig)", "arm: ivig", "defaults:"),
    Case("another_number_for_all", "{cohort: own26.treated, n: 40,",
         "{cohort: own26.treated, n: 41,", ("defaults", "n"), "41",
         "the values of all facts that leave n to it count 40 patients", "n: 40", "defaults:"),
    Case("no_number_of_its_own", "    n: 10\n    subtypes", "    subtypes", ("facts", 1, "n"), "40",
         "which it has from defaults; its values count 10 patients", "n: 10",
         "- id: own26.response"),
    Case("a_fact_of_another_document", "- id: own26.tis20.dm", "- id: own27.tis20.dm",
         ("facts", 0, "id"), "own27.tis20.dm", "an id begins with its document, which is own26",
         "id: own26.tis20.dm"),
    Case("facts_all_of_another_document", "id: own26\n", "id: own27\n", ("id",), "own27",
         "the ids of all 6 facts begin with 'own26.'", "id: own26"),
    Case("a_shipped_document_s_id", "id: own26\n", "id: lim21\n", ("id",), "lim21",
         "a shipped document has this id; leave it out with --without lim21", "id: own26"),
    Case("the_document_in_a_fact", "    subtype: DM\n", "    subtype: DM\n    document: lim21\n",
         ("facts", 0, "document"), "lim21", "leave document out", "document: own26"),
    Case("responders_in_a_proportion", "{n: 40, part: 9}", "{n: 40, responders: 9}",
         ("facts", 3, "values", "responders"), "9", "of n, part the one that is missing is 'part'",
         "part: 9"),
    Case("a_slip_in_a_key", "    quantity: tis20\n", "    quantitiy: tis20\n",
         ("facts", 0, "quantitiy"), "'tis20'", "the nearest known key is 'quantity'",
         "quantity: tis20"),
    Case("harm_as_a_count", CLOT, CLOT.replace("proportion", "count").replace("part", "responders"),
         ("facts", 4, "kind"), "count", "the fit reads thromboembolism as kind proportion",
         "kind: proportion, values: {n: 40, part: 1}"),
    Case("harm_as_a_percentage", CLOT, fact(
            "thromboembolism.ivig", "O5", 6, "2.5", "percentage", "{percent: 2.5}", unit="percent"),
         ("facts", 4, "kind"), "percentage", "(a share without its count cannot be fitted)",
         "kind: proportion, unit: patients, values: {n: 40, part: 1}"),
    Case("more_responders_than_patients", "{n: 30, responders: 21}", "{n: 30, responders: 43}",
         ("facts", 0, "values", "responders"), "43", "more responders than patients, n is 30",
         "responders: 21"),
    Case("no_responders", "{n: 30, responders: 21}", "{n: 30}",
         ("facts", 0, "values", "responders"), "missing", "it is required", "responders: 21"),
    Case("a_slip_in_a_quantity", "    quantity: tis20\n", "    quantity: tis_20\n",
         ("facts", 0, "quantity"), "tis_20", "the nearest that it reads is tis20",
         "quantity: tis20"),
    Case("another_threshold_of_the_score", "    quantity: tis20\n", "    quantity: tis60\n",
         ("facts", 0, "quantity"), "tis60", "role: check or role: context", "role: context"),
    Case("a_quantity_in_other_words", "quantity: thromboembolism\n", "quantity: thrombosis\n",
         ("facts", 4, "quantity"), "thrombosis", "the nearest that it reads is thromboembolism",
         "quantity: thromboembolism"),
    Case("no_subtype", "    subtype: DM\n", "", ("facts", 0, "subtype"), "null",
         "no fact says which subtypes the 30 patients of own26.dm have", "subtype: DM",
         "- id: own26.tis20"),
    Case("a_subtype_in_full", "    subtype: DM\n", "    subtype: dermatomyositis\n",
         ("facts", 0, "subtype"), "'dermatomyositis'", "choose 'DM', 'PM', 'IMNM'", "subtype: DM"),
    Case("subtypes_in_full", "[PM, OM]", "[PM, overlap myositis]", ("facts", 1, "subtypes", 1),
         "'overlap myositis'", "choose 'DM', 'PM', 'IMNM'", "subtypes: [PM, OM]"),
    Case("a_mix_in_full", "{PM: 6, OM: 4}", "{polymyositis: 6, OM: 4}",
         ("facts", 2, "values", "cells", "polymyositis"), "6", "the nearest is 'PM'",
         "cells: {PM: 6, OM: 4}"),
    Case("more_patients_than_the_values", "    n: 30\n", "    n: 36\n", ("facts", 0, "n"), "36",
         "its values count 30 patients", "n: 30"),
    Case("more_patients_in_the_values", "{n: 30, responders: 21}", "{n: 45, responders: 21}",
         ("facts", 0, "values", "n"), "45", "the fact is about n 30 patients", "n: 30"),
    Case("more_patients_than_the_set", "own26.dm: {n: 30,", "own26.dm: {n: 25,",
         ("facts", 0, "n"), "30", "its cohort own26.dm has 25 patients, and own26.treated has 40",
         "cohort: own26.treated", "    n: 30"),
    Case("no_citation", HEAD.splitlines(keepends=True)[1], "", ("citation",), "missing",
         "it is required", "citation: {authors: Our group, journal: unpublished, year: 2026, "
         "volume: '1', pages: '1'}", "id: own26"),
    Case("no_sets_of_patients", HEAD[HEAD.index("cohorts:"):HEAD.index("defaults:")], "",
         ("cohorts",), "missing", "it is required",
         "cohorts: {own26.dm: {n: 30, what: patients with DM}, own26.others: {n: 10, what: "
         "patients treated}, own26.treated: {n: 40, what: patients treated}}", "id: own26"),
    Case("no_timing", TIS20, TIS20.replace("    timing: {how: by, week: 12}\n", ""),
         ("facts", 0, "timing"), "missing", "it is required", "timing: {how: by, week: 12}",
         "- id: own26.tis20"),
    Case("no_readings", "    readings: {first: '21 30', second: agrees}\n", "",
         ("facts", 0, "readings"), "missing", "it is required",
         "readings: {first: 21 of 30, second: null}", "- id: own26.tis20"),
    Case("no_digits", "lines: [3, 3], digits: '21 30'", "lines: [3, 3]",
         ("facts", 0, "locator", "digits"), "missing", "it is required", "digits: '21 30'",
         "lines: [3, 3]"),
]  # fmt: skip
