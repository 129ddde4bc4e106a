"""ADTTE: times from randomisation to an event, or to the day up to which there was none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.core.units import MINUTES_PER_DAY
from simtrial.report.adam.endings import REASONS, endings_of, last_planned
from simtrial.report.adam.records import Days, Subjects, Text, Whole, constant, table
from simtrial.report.adam.response import thresholds_of
from simtrial.report.adam.variables import (
    PLANNED,
    SUBJECT,
    Dataset,
    char,
    date,
    optional,
    parameter_variables,
    real,
    study_day,
    whole,
)


class Found(NamedTuple):
    """Of each subject: minute of the event (-1: none), an index into the words for it."""

    minute: Whole
    words: Whole
    # until when patients without the event were watched; none: to their last minute in the study
    until: Whole | None = None
    # whose watch came to its planned end, whatever followed; none: who completed the study
    done: NDArray[np.bool_] | None = None


class Parameter(NamedTuple):
    """A time to an event. A new one is a row of ``PARAMETERS``."""

    code: str
    words: str
    events: tuple[str, ...]
    source: tuple[str, str]  # data set and variable that date the event
    find: Callable[[Subjects], Found]


def _first_score(level: int) -> Callable[[Subjects], Found]:
    """Return the first visit with a score; without one, scores are known to the last visit."""

    def find(s: Subjects) -> Found:
        score = s.of("tis")[:, 1:]
        with np.errstate(invalid="ignore"):
            hit = score >= thresholds_of(s.design)[level]
        everybody = np.arange(s.n)
        minute = s.visit_minutes(everybody, hit.argmax(axis=1) + 1)
        visits = np.arange(1, score.shape[1] + 1)
        last = np.where(np.isnan(score), 0, visits).max(axis=1)
        return Found(
            np.where(hit.any(axis=1), minute, -1),
            np.zeros(s.n, np.int64),
            until=s.visit_minutes(everybody, last),
        )

    return find


def _once(column: str) -> Callable[[Subjects], Found]:
    return lambda s: Found(s.of(column), np.zeros(s.n, np.int64))


def _given_up(s: Subjects) -> Found:
    """Return who gave treatment up; who had every course begun was watched to the last of them."""
    ends = endings_of(s)
    last = s.last_course
    begun = (last >= 0) & (last >= last_planned(s))
    return Found(
        ends.treatment_end,
        ends.treatment_reason,
        until=np.where(begun, last, s.last_seen),
        done=begun | (s.completed & (ends.treatment_end < 0)),
    )


def _left(s: Subjects) -> Found:
    return Found(s.left, endings_of(s).study_reason)


_WHY = tuple(reason.detail.upper() for reason in REASONS)
PARAMETERS = (
    Parameter(
        "TTMIN",
        "Time to Minimal Improvement (days)",
        ("MINIMAL IMPROVEMENT",),
        ("ADRS", "ADT"),
        _first_score(0),
    ),
    Parameter(
        "TTMOD",
        "Time to Moderate Improvement (days)",
        ("MODERATE IMPROVEMENT",),
        ("ADRS", "ADT"),
        _first_score(1),
    ),
    Parameter(
        "TTRESC", "Time to Rescue (days)", ("RESCUE",), ("ADCM", "ASTDT"), _once("rescue_minute")
    ),
    Parameter(
        "TTDETER",
        "Time to Confirmed Deterioration (days)",
        ("DETERIORATION CONFIRMED",),
        ("ADTTE", "ADT"),
        _once("deterioration_minute"),
    ),
    Parameter(
        "TTDISC",
        "Time to Discontinuation of Treatment (days)",
        _WHY,
        ("ADSL", "DCTDT"),
        _given_up,
    ),
    Parameter(
        "TTSWITCH",
        "Time to Switch of Treatment (days)",
        ("SWITCH",),
        ("ADSL", "SWITCHDT"),
        _once("switch_minute"),
    ),
    Parameter(
        "TTDEATH", "Time to Death (days)", ("DEATH",), ("ADSL", "DTHDT"), _once("death_minute")
    ),
    Parameter("TTLEAVE", "Time to Leaving the Study (days)", _WHY, ("ADSL", "EOSDT"), _left),
)
EVENT_WORDS = tuple(dict.fromkeys(word for p in PARAMETERS for word in p.events))
# by CNSR; 0 is an event
CENSORINGS = ("", "COMPLETED WITHOUT THE EVENT", "LEFT THE STUDY", "DATA CUT-OFF")
_COMPLETED, _LEFT, _CUT = 1, 2, 3
_MINUTES = "tis, rescue_minute, stop_minute, left_minute"

ADTTE = Dataset(
    name="ADTTE",
    label="Time-to-Event Analysis Dataset",
    structure="one row a parameter of each randomised patient",
    keys=("USUBJID", "PARAMCD"),
    variables=(
        *SUBJECT,
        *PLANNED,
        *parameter_variables(),
        date("STARTDT", "Time-to-Event Origin Date for Subject", "RANDDT", "randomised_minute"),
        date("ADT", "Analysis Date", "Day of the event or of censoring", _MINUTES),
        study_day("ADY", "Analysis Relative Day", "ADT"),
        real("AVAL", "Analysis Value", "ADT - STARTDT + 1", _MINUTES),
        char("AVALU", "Analysis Value Unit", "DAYS", codelist="AVALU"),
        whole(
            "CNSR",
            "Censor",
            "0 event; 1 the study (TTDISC: the plan of courses) completed without it; 2 left the "
            "study before; 3 not yet at the cut. Scores count as measured, whatever came before, "
            "and are censored at the last visit with a score, others at the last day in the study",
            _MINUTES,
            codelist="CNSR",
        ),
        optional(
            char("EVNTDESC", "Event or Censoring Description", "The event", codelist="EVNTDESC")
        ),
        optional(char("CNSDTDSC", "Censor Date Description", "CNSR in words", codelist="CNSDTDSC")),
        optional(char("SRCDOM", "Source Data", "Data set of the event", codelist="SRCDOM")),
        optional(char("SRCVAR", "Source Variable", "Variable of the event", codelist="SRCVAR")),
    ),
)


def make_adtte(subjects: Subjects) -> Any:
    """Return ADTTE, by subject and parameter."""
    s = subjects
    founds = [parameter.find(s) for parameter in PARAMETERS]
    minute = np.stack([found.minute for found in founds], axis=1)
    words = np.stack([_words(p, found) for p, found in zip(PARAMETERS, founds, strict=True)], 1)
    until = np.stack([s.last_seen if f.until is None else f.until for f in founds], axis=1)
    done = np.stack([s.completed if f.done is None else f.done for f in founds], axis=1)
    event = minute >= 0
    over = np.where(s.left >= 0, _LEFT, _CUT)[:, None]
    censor = np.where(event, 0, np.where(done, _COMPLETED, over))
    when = np.where(event, minute, until).ravel()
    who, code = (
        np.repeat(np.arange(s.n), len(PARAMETERS)),
        np.tile(np.arange(len(PARAMETERS)), s.n),
    )
    happened, censored = event.ravel(), censor.ravel()
    dates = s.dates("A", when, who)
    start = s.randomised[who] // MINUTES_PER_DAY
    domains = tuple(dict.fromkeys(p.source[0] for p in PARAMETERS))
    dated_by = tuple(dict.fromkeys(p.source[1] for p in PARAMETERS))
    return table(
        ADTTE,
        s,
        who,
        {
            "PARAMCD": Text(code, [p.code for p in PARAMETERS]),
            "PARAM": Text(code, [p.words for p in PARAMETERS]),
            "PARAMN": code + 1,
            "STARTDT": Days(start, np.zeros(who.size, np.bool_)),
            **dates,
            "AVAL": (dates["ADT"].day - start + 1).astype(np.float64),
            "AVALU": constant(who.size, "DAYS"),
            "CNSR": censored,
            "EVNTDESC": Text(np.where(happened, words.ravel(), -1), EVENT_WORDS),
            "CNSDTDSC": Text(np.where(happened, -1, censored - 1), CENSORINGS[1:]),
            "SRCDOM": _source(happened, code, domains, 0),
            "SRCVAR": _source(happened, code, dated_by, 1),
        },
    )


def _words(parameter: Parameter, found: Found) -> Whole:
    """Return indices into EVENT_WORDS."""
    places = np.array([EVENT_WORDS.index(word) for word in parameter.events])
    return places[np.maximum(found.words, 0)]


def _source(happened: NDArray[np.bool_], code: Whole, terms: tuple[str, ...], part: int) -> Text:
    places = np.array([terms.index(p.source[part]) for p in PARAMETERS])
    return Text(np.where(happened, places[code], -1), terms)
