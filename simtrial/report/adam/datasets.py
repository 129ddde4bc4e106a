"""The data sets of the export, their makers, and the terms that their variables may hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simtrial.myositis.parameters import LINES
from simtrial.report.adam.adverse import ACTIONS, ADAE, BODY_SYSTEMS, RELATED, TERMS, make_adae
from simtrial.report.adam.endings import REASON_DETAILS, REASON_TERMS, STATES
from simtrial.report.adam.findings import (
    ADLB,
    ADQS,
    CORE_SET,
    ENZYMES,
    REFERENCE_RANGE,
    Measured,
    make_adlb,
    make_adqs,
)
from simtrial.report.adam.records import OVERALL_WEEK, SCREENING_WEEK, Subjects, visit_name
from simtrial.report.adam.response import ADRS, make_adrs, parameter_words
from simtrial.report.adam.response import PARAMETERS as ADRS_PARAMETERS
from simtrial.report.adam.response import TERMS as ANSWERS
from simtrial.report.adam.subjects import ADSL, AGE_GROUPS, make_adsl
from simtrial.report.adam.times import ADTTE, CENSORINGS, EVENT_WORDS, make_adtte
from simtrial.report.adam.times import PARAMETERS as ADTTE_PARAMETERS
from simtrial.report.adam.treatment import (
    ADCM,
    ADEX,
    ADEX_PARAMETERS,
    CATEGORIES,
    CM_CATEGORIES,
    DRUGS,
    make_adcm,
    make_adex,
)
from simtrial.report.adam.variables import Dataset
from simtrial.report.columns import strata_names
from simtrial.report.patients import Source
from simtrial.trial.design import Design

_MAKERS: tuple[tuple[Dataset, Callable[[Subjects], Any]], ...] = (
    (ADSL, make_adsl),
    (ADAE, make_adae),
    (ADCM, make_adcm),
    (ADEX, make_adex),
    (ADLB, make_adlb),
    (ADQS, make_adqs),
    (ADRS, make_adrs),
    (ADTTE, make_adtte),
)
DATASETS = tuple(dataset for dataset, _ in _MAKERS)
NAMES = tuple(dataset.name for dataset in DATASETS)


def adam_tables(source: Source) -> dict[str, Any]:
    """Return name -> pyarrow table of every data set of a batch of trials."""
    subjects = Subjects(source)
    return {dataset.name: make(subjects) for dataset, make in _MAKERS}


def codelists(design: Design, study: str) -> dict[str, tuple[str | int, ...]]:
    """Return the terms of every codelist that a variable names."""
    weeks = (SCREENING_WEEK, *design.visits_weeks, OVERALL_WEEK)
    parameters: Mapping[str, list[tuple[str, str]]] = {
        "ADEX": [(p.code, p.words) for p in ADEX_PARAMETERS],
        "ADLB": _measured(ENZYMES, design),
        "ADQS": _measured(CORE_SET, design),
        "ADRS": list(zip([p.code for p in ADRS_PARAMETERS], parameter_words(design), strict=True)),
        "ADTTE": [(p.code, p.words) for p in ADTTE_PARAMETERS],
    }
    out: dict[str, tuple[str | int, ...]] = {
        "STUDY": (study,),
        "ARM": design.arm_names,
        "VISIT": tuple(visit_name(week) for week in weeks),
        "IIMSUBT": tuple(design.population.subtypes),
        "STRATUM": strata_names(design),
        "Y": ("Y",),
        "NY": ("Y", "N"),
        "AGEU": ("YEARS",),
        "AGEGR1": AGE_GROUPS,
        "SEX": ("F", "M"),
        "IIMLINE": tuple(LINES),
        "ENZYME": tuple(measured.code for measured in ENZYMES),
        "STATE": STATES,
        "REASON": REASON_TERMS,
        "DETAIL": REASON_DETAILS,
        "AEDECOD": tuple(term.decoded for term in TERMS),
        "AEBODSYS": BODY_SYSTEMS,
        "AEREL": RELATED,
        "AEACN": ACTIONS,
        "PARCAT1": CATEGORIES,
        "CMTRT": DRUGS,
        "CMCAT": CM_CATEGORIES,
        "CMDOSU": ("mg",),
        "CMDOSFRQ": ("QD",),
        "ANRIND": REFERENCE_RANGE,
        "AVALC": ANSWERS,
        "AVALU": ("DAYS",),
        "CNSR": tuple(range(len(CENSORINGS))),
        "CNSDTDSC": CENSORINGS[1:],
        "EVNTDESC": EVENT_WORDS,
        "SRCDOM": tuple(dict.fromkeys(p.source[0] for p in ADTTE_PARAMETERS)),
        "SRCVAR": tuple(dict.fromkeys(p.source[1] for p in ADTTE_PARAMETERS)),
    }
    for name, pairs in parameters.items():
        out[f"{name} PARAMCD"] = tuple(code for code, _ in pairs)
        out[f"{name} PARAM"] = tuple(words for _, words in pairs)
    return out


def _measured(measured: tuple[Measured, ...], design: Design) -> list[tuple[str, str]]:
    return [(m.code, m.words(design)) for m in measured]
