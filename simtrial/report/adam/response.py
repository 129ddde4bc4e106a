"""ADRS: the Total Improvement Score, its categories and the endpoint, by visit and overall."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.endpoints.responder import composite_response, observed_response
from simtrial.myositis.tis import THRESHOLDS
from simtrial.report.adam.findings import before_any_event
from simtrial.report.adam.records import Days, Subjects, Text, Whole, table, yes
from simtrial.report.adam.variables import (
    PLANNED,
    SUBJECT,
    Dataset,
    char,
    date,
    flag,
    optional,
    parameter_variables,
    real,
    study_day,
    visit_variables,
)
from simtrial.trial.design import Design

CATEGORIES = ("NONE", "MINIMAL", "MODERATE", "MAJOR")
LEVELS = ("minimal", "moderate", "major")
_NO_YES = ("N", "Y")
TERMS = (*CATEGORIES, *_NO_YES)
_FIRST_NO = len(CATEGORIES)


class Parameter(NamedTuple):
    """A parameter of ADRS. Words in braces are filled in from the design."""

    code: str
    words: str


PARAMETERS = (
    Parameter("TIS", "Total Improvement Score"),
    Parameter("TISCAT", "Improvement Category"),
    Parameter("TISMIN", "Total Improvement Score >= {minimal:g}"),
    Parameter("TISMOD", "Total Improvement Score >= {moderate:g}"),
    Parameter("TISMAJ", "Total Improvement Score >= {major:g}"),
    Parameter("BESTTIS", "Best Total Improvement Score"),
    Parameter("BESTCAT", "Best Improvement Category"),
    Parameter("RSPOBS", "{endpoint}, as Measured"),
    Parameter("RSPCOMP", "{endpoint}, Composite Strategy"),
)
TIS, TISCAT, _TIS_AT_LEAST = 0, 1, 2
BEST_TIS, BEST_CATEGORY, OBSERVED, COMPOSITE = range(2 + len(LEVELS), len(PARAMETERS))

ADRS = Dataset(
    name="ADRS",
    label="Response Analysis Dataset",
    structure="one row a parameter and attended visit after the baseline, and one a parameter of "
    "the whole study",
    keys=("USUBJID", "PARAMCD", "AVISITN"),
    variables=(
        *SUBJECT,
        *PLANNED,
        *parameter_variables(),
        *visit_variables(),
        optional(
            date(
                "ADT",
                "Analysis Date",
                "Day of the visit; of the best, the first visit that reached it; of the endpoint, "
                "its visit where attended",
                "tis",
            )
        ),
        optional(study_day("ADY", "Analysis Relative Day", "ADT")),
        real(
            "AVAL",
            "Analysis Value",
            "TIS: points by the 2016 ACR/EULAR table from ADQS; categories 0 to 3 by the "
            "thresholds of TISMIN, TISMOD and TISMAJ; Y is 1, N is 0; RSPOBS has no row where the "
            "endpoint was not assessed, in RSPCOMP that is N, as an intercurrent event is",
            "tis, rescue_minute, deterioration_minute, harm_stop_minute",
        ),
        optional(
            char(
                "AVALC",
                "Analysis Value (C)",
                "AVAL in words; empty for points",
                "tis",
                codelist="AVALC",
            )
        ),
        flag("ANL01FL", "Analysis Flag 01", "Y on every row", "tis"),
        flag(
            "ANL02FL",
            "Analysis Flag 02",
            "Y: by visit, no rescue, confirmed deterioration, switch, standard therapy or stop of "
            "treatment came before the minute of the visit",
            "rescue_minute, deterioration_minute, lack_of_effect_minute, switch_minute, "
            "standard_minute, stop_minute",
        ),
    ),
)


def parameter_words(design: Design) -> list[str]:
    """Return PARAM of each parameter."""
    words = {"endpoint": design.endpoint.words(), **THRESHOLDS[design.population.age_group]}
    return [p.words.format(**words) for p in PARAMETERS]


def thresholds_of(design: Design) -> tuple[float, ...]:
    """Return the scores of minimal, moderate and major improvement of an age group."""
    return tuple(THRESHOLDS[design.population.age_group][level] for level in LEVELS)


class _Rows(NamedTuple):
    """Rows of one parameter; ``dated`` is the visit that dates a row, -1 for none."""

    who: Whole
    parameter: int
    visit: Whole  # V is the whole study
    dated: Whole
    value: NDArray[np.float64]
    term: Whole  # index into TERMS, -1 for points


def make_adrs(subjects: Subjects) -> Any:
    """Return ADRS, by subject, parameter and visit."""
    s = subjects
    parts = [*_by_visit(s), *_best(s), *_endpoint(s)]
    parameter = np.concatenate([np.full(part.who.size, part.parameter) for part in parts])
    who, visit, dated, value, term = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("who", "visit", "dated", "value", "term")
    )
    sort = np.lexsort((visit, parameter, who))
    who, visit, dated, parameter = who[sort], visit[sort], dated[sort], parameter[sort]
    by_visit = parameter < BEST_TIS
    clear = by_visit & before_any_event(s, who, np.where(by_visit, visit, 0))
    dates = s.visit_dates(who, np.maximum(dated, 0))
    undated = dated < 0
    return table(
        ADRS,
        s,
        who,
        {
            "PARAMCD": Text(parameter, [p.code for p in PARAMETERS]),
            "PARAM": Text(parameter, parameter_words(s.design)),
            "PARAMN": parameter + 1,
            **s.visits(visit),
            "ADT": Days(dates["ADT"].day, undated),
            "ADY": np.ma.array(dates["ADY"], mask=undated),
            "AVAL": value[sort],
            "AVALC": Text(term[sort], TERMS),
            "ANL01FL": yes(np.ones(who.size, np.bool_)),
            "ANL02FL": yes(clear),
        },
    )


def category(score: NDArray[np.float64], thresholds: tuple[float, ...]) -> Whole:
    """Return the improvement category, an index into CATEGORIES."""
    return np.searchsorted(np.array(thresholds), score, side="right")


def _by_visit(s: Subjects) -> list[_Rows]:
    score = s.of("tis")[:, 1:]
    who, visit = np.nonzero(~np.isnan(score))
    found = score[who, visit]
    visit = visit + 1
    thresholds = thresholds_of(s.design)
    kind = category(found, thresholds)
    out = [
        _Rows(who, TIS, visit, visit, found, np.full(who.size, -1)),
        _Rows(who, TISCAT, visit, visit, kind.astype(np.float64), kind),
    ]
    for k, threshold in enumerate(thresholds):
        out.append(_answer(who, _TIS_AT_LEAST + k, visit, visit, found >= threshold))
    return out


def _best(s: Subjects) -> list[_Rows]:
    score = s.of("tis")[:, 1:]
    who = np.nonzero(~np.isnan(score).all(axis=1))[0]
    filled = np.where(np.isnan(score), -1.0, score)[who]
    first = filled.argmax(axis=1)
    best = filled.max(axis=1)
    thresholds = thresholds_of(s.design)
    kind = category(best, thresholds)
    # the first visit of the best category may lie before that of the best score
    first_of_kind = (category(filled, thresholds) == kind[:, None]).argmax(axis=1)
    overall = np.full(who.size, len(s.design.visits_weeks))
    return [
        _Rows(who, BEST_TIS, overall, first + 1, best, np.full(who.size, -1)),
        _Rows(who, BEST_CATEGORY, overall, first_of_kind + 1, kind.astype(np.float64), kind),
    ]


def _endpoint(s: Subjects) -> list[_Rows]:
    at = (s.row, s.place)
    hit, assessed = (found[at] for found in observed_response(s.seen, s.design))
    composite = composite_response(s.seen, s.design)[at]
    v = s.design.visits_weeks.index(s.design.endpoint.week)
    dated = np.where(s.attended[:, v], v, -1)
    # a patient still to be seen at a cut has no answer yet
    reached = s.attended[:, v] | (
        s.last_seen >= s.protocol.visit_minute[v] + s.protocol.measuring.window_minutes
    )
    settled = np.nonzero(reached | ~s.ongoing | composite)[0]
    known = np.nonzero(assessed)[0]
    return [
        _answer(who, parameter, np.full(who.size, v), dated[who], answer[who])
        for who, parameter, answer in (
            (known, OBSERVED, hit),
            (settled, COMPOSITE, composite),
        )
    ]


def _answer(
    who: Whole, parameter: int, visit: Whole, dated: Whole, answer: NDArray[np.bool_]
) -> _Rows:
    """Return rows of yes and no."""
    return _Rows(
        who, parameter, visit, dated, answer.astype(np.float64), answer.astype(np.int64) + _FIRST_NO
    )
