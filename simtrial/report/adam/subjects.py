"""ADSL: one row a randomised patient, with baseline, treatment, and how it ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from simtrial.cohort.exposure import exposure_of
from simtrial.myositis.parameters import LINES
from simtrial.report.adam.endings import (
    COMPLETED,
    NONE,
    ONGOING,
    REASON_DETAILS,
    STATES,
    endings_of,
    reason_term,
)
from simtrial.report.adam.findings import ENZYMES
from simtrial.report.adam.records import Days, Subjects, Text, constant, table, yes, yes_no
from simtrial.report.adam.variables import (
    ITTFL,
    SAFFL,
    SITEID,
    STUDYID,
    TRIALN,
    TRTA,
    TRTAN,
    TRTP,
    TRTPN,
    USUBJID,
    Dataset,
    Variable,
    char,
    date,
    flag,
    real,
    study_day,
    whole,
)
from simtrial.report.columns import strata_names

AGE_GROUPS = ("<65", ">=65")
_CUT = "empty when ongoing at a cut"


def _of_period(variable: Variable, name: str, label: str) -> Variable:
    return replace(variable, name=name, label=label)


ADSL = Dataset(
    name="ADSL",
    label="Subject-Level Analysis Dataset",
    structure="one row a randomised patient; screening failures have no rows",
    keys=("USUBJID",),
    variables=(
        STUDYID,
        TRIALN,
        USUBJID,
        char("SUBJID", "Subject Identifier for the Study", "Name in plain tables", "candidate"),
        SITEID,
        whole("AGE", "Age", "Full years at screening", "age"),
        char("AGEU", "Age Units", "YEARS", codelist="AGEU"),
        char("AGEGR1", "Pooled Age Group 1", "AGE below 65, or not", "age", codelist="AGEGR1"),
        whole("AGEGR1N", "Pooled Age Group 1 (N)", "Place of AGEGR1", "age"),
        char("SEX", "Sex", "F or M", "female", codelist="SEX"),
        real("WEIGHTBL", "Weight at Baseline (kg)", "Weight that doses infusions", "weight"),
        char("IIMSUBT", "Subtype of Myositis", "As in the design", "subtype", codelist="IIMSUBT"),
        char(
            "IIMLINE", "Line of Treatment", "First line or refractory", "line", codelist="IIMLINE"
        ),
        char(
            "STRATAR",
            "Strata Used for Randomization",
            "Stratum of the allocation, cut on the observed baseline",
            "stratum",
            codelist="STRATUM",
        ),
        whole("STRATARN", "Strata Used for Randomization (N)", "Place of STRATAR", "stratum"),
        real("PREDBL", "Prednisolone at Baseline (mg/day)", "Dose at baseline", "prednisolone"),
        char("MHCANFL", "History of Cancer Flag", "Y or N", "cancer", codelist="NY"),
        char(
            "MHTEFL",
            "History of Thromboembolism Flag",
            "Y or N",
            "previous_thromboembolism",
            codelist="NY",
        ),
        char("MHMIGFL", "History of Migraine Flag", "Y or N", "migraine", codelist="NY"),
        char("BLOODOFL", "Blood Group O Flag", "Y or N", "group_o", codelist="NY"),
        char(
            "ENZYMBL",
            "Muscle Enzyme of the Score",
            "The most abnormal at baseline, by which the patient is scored",
            "enzyme",
            codelist="ENZYME",
            required=False,
        ),
        char("RANDFL", "Randomized Population Flag", "Y: randomised", "arm", codelist="NY"),
        ITTFL,
        SAFFL,
        flag("COMPLFL", "Completers Population Flag", "Y: EOSSTT is COMPLETED", "left_minute"),
        date("RANDDT", "Date of Randomization", "Day of randomisation", "randomised_minute"),
        _of_period(TRTP, "TRT01P", "Planned Treatment for Period 01"),
        _of_period(TRTPN, "TRT01PN", "Planned Treatment for Period 01 (N)"),
        _of_period(TRTA, "TRT01A", "Actual Treatment for Period 01"),
        _of_period(TRTAN, "TRT01AN", "Actual Treatment for Period 01 (N)"),
        date(
            "SWITCHDT",
            "Date of Switch of Treatment",
            "Day from which another arm's courses were planned",
            "switch_minute",
            required=False,
        ),
        char(
            "SWITCHTR",
            "Treatment after Switch",
            "Arm switched to",
            "switch_minute",
            codelist="ARM",
            required=False,
        ),
        date(
            "TRTSDT",
            "Date of First Exposure to Treatment",
            "First day of the first course",
            "courses",
            required=False,
        ),
        date(
            "TRTEDT",
            "Date of Last Exposure to Treatment",
            "Last day of the last course, not after the day of a cut",
            "courses",
            required=False,
        ),
        whole(
            "TRTDURD",
            "Total Treatment Duration (Days)",
            "TRTEDT - TRTSDT + 1",
            "courses",
            required=False,
        ),
        whole("NCOURSE", "Infusion Courses Given", "Placebo included", "courses"),
        real("CUMDOSE", "Immunoglobulin Given (g)", "0 under placebo", "grams"),
        char(
            "EOTSTT",
            "End of Treatment Status",
            "DISCONTINUED: given up, or the study left, before the last course of the plan; empty "
            "where no course was begun",
            "courses, stop_minute, left_minute",
            codelist="STATE",
            required=False,
        ),
        char(
            "DCTREAS",
            "Reason for Discontinuation of Treatment",
            "What happened at the minute treatment was given up",
            "harm_stop_minute, deterioration_minute, rescue_minute, lack_of_effect_minute",
            codelist="REASON",
            required=False,
        ),
        date(
            "DCTDT",
            "Date of Discontinuation of Treatment",
            "Day on which treatment was given up, or the study left, before the last course",
            "stop_minute, left_minute",
            required=False,
        ),
        char(
            "EOSSTT",
            "End of Study Status",
            "DISCONTINUED: left before the last visit",
            "left_minute",
            codelist="STATE",
        ),
        date(
            "EOSDT",
            "End of Study Date",
            f"Day of leaving, or of the last visit; {_CUT}",
            "left_minute",
            required=False,
        ),
        replace(study_day("EOSDY", "End of Study Relative Day", "EOSDT"), required=False),
        char(
            "DCSREAS",
            "Reason for Discontinuation from Study",
            "What happened at the minute of leaving, where the design ends the study for it",
            "left_minute, harm_stop_minute, deterioration_minute, rescue_minute, "
            "lack_of_effect_minute",
            codelist="REASON",
            required=False,
        ),
        char(
            "DCSREASP",
            "Reason Spec for Discont from Study",
            "DCSREAS in words",
            "as DCSREAS",
            codelist="DETAIL",
            required=False,
        ),
        flag("DTHFL", "Subject Death Flag", "Y: died in the study", "death_minute"),
        date("DTHDT", "Date of Death", "Day of death", "death_minute", required=False),
    ),
)


def make_adsl(subjects: Subjects) -> Any:
    """Return ADSL."""
    s, design = subjects, subjects.design
    ends = endings_of(s)
    given = exposure_of(s.seen)
    first, last = s.first_course, given.end[s.row, s.place].max(axis=1, initial=-1)
    # the last course may still run when the trial is cut
    last = np.where(s.ongoing, np.minimum(last, s.last_seen), last)
    untreated = ~s.treated
    start, end = Days(s.day(first), untreated), Days(s.day(last), untreated)
    age = np.floor(s.of("age")).astype(np.int64)
    older = (age >= 65).astype(np.int64)
    arm, treated_arm = s.arm, np.where(untreated, NONE, s.arm)
    died = s.of("death_minute")
    switched = s.of("switch_minute")
    study_end = np.where(ends.study == ONGOING, -1, s.last_seen)
    return table(
        ADSL,
        s,
        np.arange(s.n),
        {
            "SUBJID": Text(np.arange(s.n), s.short_names),
            "AGE": age,
            "AGEU": constant(s.n, "YEARS"),
            "AGEGR1": Text(older, AGE_GROUPS),
            "AGEGR1N": older + 1,
            "SEX": Text(np.where(s.of("female"), 0, 1), ("F", "M")),
            "WEIGHTBL": s.of("weight"),
            "IIMSUBT": Text(s.of("subtype"), tuple(design.population.subtypes)),
            "IIMLINE": Text(s.of("line"), LINES),
            "STRATAR": Text(s.of("stratum"), strata_names(design)),
            "STRATARN": s.of("stratum") + 1,
            "PREDBL": s.of("prednisolone")[:, 0],
            "MHCANFL": yes_no(s.of("cancer")),
            "MHTEFL": yes_no(s.of("previous_thromboembolism")),
            "MHMIGFL": yes_no(s.of("migraine")),
            "BLOODOFL": yes_no(s.of("group_o")),
            "ENZYMBL": Text(s.of("enzyme"), [m.code for m in ENZYMES]),
            "RANDFL": constant(s.n, "Y"),
            "COMPLFL": yes(ends.study == COMPLETED),
            "RANDDT": s.dates("A", np.zeros(s.n, np.int64))["ADT"],
            "TRT01P": Text(arm, design.arm_names),
            "TRT01PN": arm + 1,
            "TRT01A": Text(treated_arm, design.arm_names),
            "TRT01AN": np.ma.array(arm + 1, mask=untreated),
            "SWITCHDT": Days(s.day(switched), switched < 0),
            "SWITCHTR": Text(
                np.where(switched >= 0, s.protocol.treatment.switch_to[arm], NONE),
                design.arm_names,
            ),
            "TRTSDT": start,
            "TRTEDT": end,
            "TRTDURD": np.ma.array(end.day - start.day + 1, mask=untreated),
            "NCOURSE": s.of("courses"),
            "CUMDOSE": s.of("grams"),
            "EOTSTT": Text(ends.treatment, STATES),
            "DCTREAS": reason_term(np.where(untreated, NONE, ends.treatment_reason)),
            "DCTDT": Days(s.day(ends.treatment_end), ends.treatment_end < 0),
            "EOSSTT": Text(ends.study, STATES),
            **s.dates("EOS", study_end),
            "DCSREAS": reason_term(ends.study_reason),
            "DCSREASP": Text(ends.study_reason, REASON_DETAILS),
            "DTHFL": yes(died >= 0),
            "DTHDT": Days(s.day(died), died < 0),
        },
    )
