"""ADEX: infusion courses and their doses. ADCM: prednisolone, and rescue treatment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.exposure import exposure_of
from simtrial.core.units import MINUTES_PER_DAY
from simtrial.report.adam.records import (
    Subjects,
    Text,
    Whole,
    constant,
    sequence_within,
    table,
    yes,
)
from simtrial.report.adam.variables import (
    ACTUAL,
    SUBJECT,
    Dataset,
    char,
    date,
    flag,
    optional,
    parameter_variables,
    real,
    study_day,
    whole,
)


class Measured(NamedTuple):
    """A parameter of ADEX."""

    code: str
    words: str


PER_COURSE = (
    Measured("DOSE", "Dose of the Course (g)"),
    Measured("DOSEKG", "Dose of the Course (g/kg)"),
    Measured("DAYS", "Days of Infusion Planned"),
)
OVERALL = (
    Measured("NCOURSE", "Infusion Courses Begun"),
    Measured("CUMDOSE", "Immunoglobulin Given (g)"),
)
ADEX_PARAMETERS = (*PER_COURSE, *OVERALL)
CATEGORIES = ("INDIVIDUAL", "OVERALL")

ADEX = Dataset(
    name="ADEX",
    label="Exposure Analysis Dataset",
    structure="one row a parameter and course, and one a parameter of the whole study",
    keys=("USUBJID", "PARAMCD", "ASEQ"),
    variables=(
        *SUBJECT,
        *ACTUAL,
        *parameter_variables(),
        char("PARCAT1", "Parameter Category 1", "Of a course, or of the study", codelist="PARCAT1"),
        whole("ASEQ", "Analysis Sequence Number", "Course; 1 for the whole study", "courses"),
        real("AVAL", "Analysis Value", "0 g under placebo", "grams, weight, courses"),
        optional(
            date("ASTDT", "Analysis Start Date", "First infusion day of the course", "courses")
        ),
        optional(study_day("ASTDY", "Analysis Start Relative Day", "ASTDT")),
        optional(date("AENDT", "Analysis End Date", "Last infusion day planned for it", "courses")),
        optional(study_day("AENDY", "Analysis End Relative Day", "AENDT")),
        flag("ANL01FL", "Analysis Flag 01", "Y on every row"),
    ),
)


def make_adex(subjects: Subjects) -> Any:
    """Return ADEX: of each subject the courses, parameter by parameter, then the totals."""
    s = subjects
    given = exposure_of(s.seen)
    start, end = given.start[s.row, s.place], given.end[s.row, s.place]
    grams = given.grams[s.row, s.place]
    who, course = np.nonzero(start >= 0)
    minute = (start[who, course], end[who, course])
    days = s.of("course_days")[who, course]
    per_course = (
        grams[who, course],
        grams[who, course] / s.of("weight")[who],
        days.astype(np.float64),
    )
    totals = (s.of("courses").astype(np.float64), s.of("grams"))
    everybody, none = np.arange(s.n), np.full(s.n, -1, np.int64)
    parts = [(who, course, *minute, value) for value in per_course]
    parts += [(everybody, none + 1, none, none, value) for value in totals]
    code = np.concatenate([np.full(part[0].size, k) for k, part in enumerate(parts)])
    subject, order, first, last, value = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    sort = np.lexsort((order, code, subject))
    subject, order, code = subject[sort], order[sort], code[sort]
    return table(
        ADEX,
        s,
        subject,
        {
            "PARAMCD": Text(code, [p.code for p in ADEX_PARAMETERS]),
            "PARAM": Text(code, [p.words for p in ADEX_PARAMETERS]),
            "PARAMN": code + 1,
            "PARCAT1": Text((code >= len(PER_COURSE)).astype(np.int64), CATEGORIES),
            "ASEQ": order + 1,
            "AVAL": value[sort],
            **s.dates("AST", first[sort], subject),
            **s.dates("AEN", last[sort], subject),
            "ANL01FL": constant(subject.size, "Y"),
        },
    )


DRUGS = (
    "PREDNISOLONE",
    "RESCUE TREATMENT, NOT SPECIFIED",
    "STANDARD THERAPY, NOT SPECIFIED",
)
CM_CATEGORIES = ("PREDNISOLONE", "RESCUE", "STANDARD THERAPY")
# kinds of record that have a day and no dose: column of the minute
_ONCE = ((1, "rescue_minute"), (2, "standard_minute"))
_DOSE = "prednisolone"

ADCM = Dataset(
    name="ADCM",
    label="Concomitant Medication Analysis Dataset",
    structure="one row a period of one dose of prednisolone, one a rescue, one a standard therapy",
    keys=("USUBJID", "CMSEQ"),
    variables=(
        *SUBJECT,
        *ACTUAL,
        whole("CMSEQ", "Sequence Number", "Order in time within a subject", _DOSE),
        char("CMTRT", "Reported Name of Drug, Med, or Therapy", "As CMCAT", codelist="CMTRT"),
        char(
            "CMCAT",
            "Category for Medication",
            "Prednisolone, rescue or standard therapy",
            codelist="CMCAT",
        ),
        optional(real("CMDOSE", "Dose per Administration", "Dose recorded at visits", _DOSE)),
        optional(char("CMDOSU", "Dose Units", "mg", codelist="CMDOSU")),
        optional(char("CMDOSFRQ", "Dosing Frequency per Interval", "QD", codelist="CMDOSFRQ")),
        optional(
            date(
                "ASTDT",
                "Analysis Start Date",
                "Visit at which the dose was set; empty for the dose at baseline, which was taken "
                "before; for rescue and standard therapy, their day",
                f"{_DOSE}, rescue_minute, standard_minute",
            )
        ),
        optional(study_day("ASTDY", "Analysis Start Relative Day", "ASTDT")),
        optional(
            date(
                "AENDT",
                "Analysis End Date",
                "Day before the visit at which the dose changed; empty while it lasts",
                _DOSE,
            )
        ),
        optional(study_day("AENDY", "Analysis End Relative Day", "AENDT")),
        flag("PREFL", "Pre-treatment Flag", "Y: taken before randomisation", _DOSE),
        flag("ONTRTFL", "On Treatment Record Flag", "Y: taken after randomisation", _DOSE),
        flag("ONGOFL", "Ongoing at Last Contact Flag", "Y: AENDT is empty", _DOSE),
        flag("ANL01FL", "Analysis Flag 01", "Y on every row of prednisolone", _DOSE),
    ),
)


class _Doses(NamedTuple):
    """Periods of one dose above 0: subject, visit that set it, visit that ended it (V: none)."""

    who: Whole
    visit: Whole
    until: Whole
    dose: NDArray[np.float64]


def _doses(dose: NDArray[np.float64]) -> _Doses:
    """Return the periods of equal dose of (S, V) doses; NaN where no dose was recorded."""
    n_visits = dose.shape[1]
    known = ~np.isnan(dose)
    place = np.where(known, np.arange(n_visits), -1)
    latest = np.maximum.accumulate(place, axis=1)
    before = np.concatenate([np.full((dose.shape[0], 1), -1), latest[:, :-1]], axis=1)
    previous = np.take_along_axis(dose, np.maximum(before, 0), axis=1)
    begins = known & ((before < 0) | (dose != previous))
    starts = np.where(begins, np.arange(n_visits), n_visits)
    soonest = np.minimum.accumulate(starts[:, ::-1], axis=1)[:, ::-1]
    following = np.concatenate([soonest[:, 1:], np.full((dose.shape[0], 1), n_visits)], axis=1)
    who, visit = np.nonzero(begins & (dose > 0.0))
    return _Doses(who, visit, following[who, visit], dose[who, visit])


def make_adcm(subjects: Subjects) -> Any:
    """Return ADCM: by subject and time, doses before what else begins at their minute."""
    s = subjects
    dosed = _doses(s.of("prednisolone"))
    n_visits = s.protocol.visit_minute.shape[0]
    until = s.visit_minutes(dosed.who, np.minimum(dosed.until, n_visits - 1))
    until = np.where(dosed.until < n_visits, until, -1)
    parts = [(dosed.who, 0, s.visit_minutes(dosed.who, dosed.visit), until, dosed.dose)]
    for k, column in _ONCE:
        minute = s.of(column)
        mine = np.nonzero(minute >= 0)[0]
        parts.append((mine, k, minute[mine], np.full(mine.size, -1), np.full(mine.size, np.nan)))
    kind = np.concatenate([np.full(part[0].size, part[1]) for part in parts])
    who, start, end, dose = (
        np.concatenate([part[column] for part in parts]) for column in (0, 2, 3, 4)
    )
    sort = np.lexsort((kind, start, who))
    who, kind, start, end, dose = who[sort], kind[sort], start[sort], end[sort], dose[sort]
    # the dose at baseline was taken before, since when is not known
    before = (kind == 0) & (start == 0)
    lasts = end < 0
    taken = Text(np.where(kind == 0, 0, -1), ("mg",))
    return table(
        ADCM,
        s,
        who,
        {
            "CMSEQ": sequence_within(who),
            "CMTRT": Text(kind, DRUGS),
            "CMCAT": Text(kind, CM_CATEGORIES),
            "CMDOSE": dose,
            "CMDOSU": taken,
            "CMDOSFRQ": replace(taken, terms=("QD",)),
            **s.dates("AST", start, who, before),
            **s.dates("AEN", end - MINUTES_PER_DAY, who, lasts),
            "PREFL": yes(before),
            "ONTRTFL": constant(who.size, "Y"),
            "ONGOFL": yes(lasts),
            "ANL01FL": yes(kind == 0),
        },
    )
