"""ADQS: the six core set measures. ADLB: muscle enzymes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.myositis.enzymes import ENZYME_RANGE_ULN
from simtrial.myositis.measures import (
    ENZYME,
    EXTRAMUSCULAR,
    HAQ,
    HAQ_RANGE,
    MMT,
    MMT_MAXIMUM,
    PATIENT,
    PHYSICIAN,
    VAS_RANGE_CM,
)
from simtrial.report.adam.records import Subjects, Text, Whole, table, yes
from simtrial.report.adam.variables import (
    PLANNED,
    SUBJECT,
    Dataset,
    Variable,
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

Values = Callable[[Subjects], NDArray[np.float64]]


class Measured(NamedTuple):
    """One parameter: where its values at screening (S,) and at visits (S, V) come from."""

    code: str
    words: Callable[[Design], str]
    screening: Values | None  # none: not measured at screening
    visits: Values
    score_range: Callable[[Subjects], NDArray[np.float64]] | None = None  # (S,)


def _core(
    code: str, words: str, measure: int, score_range: Callable[[Subjects], NDArray[np.float64]]
) -> Measured:
    """Return one of the core set measures."""

    def named(design: Design) -> str:
        mmt = design.population.mmt
        return words.format(mmt=mmt, most=MMT_MAXIMUM[mmt])

    return Measured(
        code,
        named,
        lambda s: s.of("screening")[:, measure],
        lambda s: s.of("measures")[:, :, measure],
        score_range,
    )


def _always(width: float) -> Callable[[Subjects], NDArray[np.float64]]:
    return lambda s: np.full(s.n, width)


def _mmt_most(s: Subjects) -> NDArray[np.float64]:
    return np.full(s.n, float(MMT_MAXIMUM[s.design.population.mmt]))


def _of_own_enzyme(s: Subjects) -> NDArray[np.float64]:
    """Return the range of the enzyme by which each patient is scored."""
    ranges = np.array([*ENZYME_RANGE_ULN, np.nan])  # the last where none was chosen
    chosen: NDArray[np.float64] = ranges[s.of("enzyme")]
    return chosen


def _enzyme(code: str, words: str, place: int) -> Measured:
    return Measured(
        code, lambda _: f"{words} (x ULN)", None, lambda s: s.of("enzymes")[:, :, place]
    )


# a new measure is a row here
CORE_SET = (
    _core("PHGA", "Physician Global Activity (cm)", PHYSICIAN, _always(VAS_RANGE_CM)),
    _core("PTGA", "Patient Global Activity (cm)", PATIENT, _always(VAS_RANGE_CM)),
    _core("EMGA", "Extramuscular Global Activity (cm)", EXTRAMUSCULAR, _always(VAS_RANGE_CM)),
    _core("HAQ", "Health Assessment Questionnaire (points)", HAQ, _always(HAQ_RANGE)),
    _core("MMT", "Manual Muscle Testing, {mmt} (points of {most})", MMT, _mmt_most),
    _core("ENZYME", "Muscle Enzyme of the Score (x ULN)", ENZYME, _of_own_enzyme),
)
# in the order of simtrial.myositis.enzymes.ENZYMES; at screening only their highest is kept
ENZYMES = (
    _enzyme("CK", "Creatine Kinase", 0),
    _enzyme("ALDO", "Aldolase", 1),
    _enzyme("LDH", "Lactate Dehydrogenase", 2),
    _enzyme("AST", "Aspartate Aminotransferase", 3),
    _enzyme("ALT", "Alanine Aminotransferase", 4),
)

_MEASURES = "measures, enzymes, screening"
_CHANGE = "of visits after the baseline"


def _findings(name: str, label: str, structure: str, *own: Variable) -> Dataset:
    return Dataset(
        name=name,
        label=label,
        structure=structure,
        keys=("USUBJID", "PARAMCD", "AVISITN"),
        variables=(
            *SUBJECT,
            *PLANNED,
            *parameter_variables(),
            *visit_variables(),
            date("ADT", "Analysis Date", "Day on which the visit took place", "visit_minute"),
            study_day("ADY", "Analysis Relative Day", "ADT"),
            real("AVAL", "Analysis Value", "As observed, with error of measurement", _MEASURES),
            optional(real("BASE", "Baseline Value", "AVAL where ABLFL is Y", _MEASURES)),
            optional(
                real("CHG", "Change from Baseline", f"AVAL - BASE, {_CHANGE}", _MEASURES),
            ),
            optional(
                real(
                    "PCHG",
                    "Percent Change from Baseline",
                    f"100 CHG / BASE, {_CHANGE}; empty where BASE is 0",
                    _MEASURES,
                )
            ),
            *own,
            flag("ABLFL", "Baseline Record Flag", "Y: baseline visit", _MEASURES),
            flag("ANL01FL", "Analysis Flag 01", "Y: baseline or a later visit", _MEASURES),
            flag(
                "ANL02FL",
                "Analysis Flag 02",
                "Y: ANL01FL is Y and no rescue, confirmed deterioration, switch, standard therapy "
                "or stop of treatment came before the minute of the visit",
                "rescue_minute, deterioration_minute, lack_of_effect_minute, switch_minute, "
                "standard_minute, stop_minute",
            ),
        ),
    )


ADQS = _findings(
    "ADQS",
    "Core Set Measures Analysis Dataset",
    "one row a core set measure and attended visit, screening included",
    optional(
        real(
            "SCRANGE",
            "Range Used by the Improvement Score",
            "What the score (2016 ACR/EULAR) divides the change of the measure by; of ENZYME, the "
            "range of the enzyme most abnormal at baseline",
            "enzyme",
        )
    ),
)
REFERENCE_RANGE = ("NORMAL", "HIGH")
ADLB = _findings(
    "ADLB",
    "Laboratory Analysis Dataset",
    "one row an enzyme and attended visit",
    char(
        "ANRIND",
        "Analysis Reference Range Indicator",
        "HIGH: AVAL above 1, the upper limit of normal",
        _MEASURES,
        codelist="ANRIND",
    ),
    optional(
        char(
            "BNRIND",
            "Baseline Reference Range Indicator",
            "ANRIND at baseline",
            _MEASURES,
            codelist="ANRIND",
        )
    ),
)


def make_adqs(subjects: Subjects) -> Any:
    """Return ADQS: of each subject and measure the visits in order of time."""
    records = _records(subjects, CORE_SET)
    none = np.full(subjects.n, np.nan)
    ranges = [none if m.score_range is None else m.score_range(subjects) for m in CORE_SET]
    own = {"SCRANGE": np.stack(ranges)[records.code, records.who]}
    return table(ADQS, subjects, records.who, records.columns | own)


def make_adlb(subjects: Subjects) -> Any:
    """Return ADLB."""
    records = _records(subjects, ENZYMES)
    value, base = records.columns["AVAL"], records.columns["BASE"]
    none = np.isnan(base)
    own = {
        "ANRIND": Text((value > 1.0).astype(np.int64), REFERENCE_RANGE),
        "BNRIND": Text(np.where(none, -1, (base > 1.0).astype(np.int64)), REFERENCE_RANGE),
    }
    return table(ADLB, subjects, records.who, records.columns | own)


# with the columns of their minutes
INTERCURRENT = (
    "rescue_minute",
    "deterioration_minute",
    "lack_of_effect_minute",
    "switch_minute",
    "standard_minute",
    "stop_minute",
)


class _Records(NamedTuple):
    """Rows of a findings data set: subject, parameter, and the columns of every such data set."""

    who: Whole
    code: Whole
    columns: dict[str, Any]


def before_any_event(subjects: Subjects, who: Whole, visit: Whole) -> NDArray[np.bool_]:
    """Return where no intercurrent event came before the minute of a visit.

    A visit is measured before anything is decided at it.
    """
    minute = subjects.visit_minutes(who, visit)
    clear = np.ones(who.size, np.bool_)
    for name in INTERCURRENT:
        happened = subjects.of(name)[who]
        clear &= (happened < 0) | (happened >= minute)
    return clear


def _records(subjects: Subjects, measured: tuple[Measured, ...]) -> _Records:
    s = subjects
    none = np.full(s.n, np.nan)
    # screening first, then the visits: (S, M, 1 + V)
    values = np.stack(
        [
            np.column_stack([none if m.screening is None else m.screening(s), m.visits(s)])
            for m in measured
        ],
        axis=1,
    )
    who, code, column = np.nonzero(~np.isnan(values))
    value = values[who, code, column]
    base = values[who, code, 1]
    visit = column - 1  # -1 is screening, as in ``Subjects.visits``
    later = visit > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.where(later, value - base, np.nan)
        percent = np.where(base == 0.0, np.nan, change / base * 100.0)
    planned = visit >= 0
    clear = planned & before_any_event(s, who, np.maximum(visit, 0))
    columns = {
        "PARAMCD": Text(code, [m.code for m in measured]),
        "PARAM": Text(code, [m.words(s.design) for m in measured]),
        "PARAMN": code + 1,
        **s.visits(visit),
        **s.visit_dates(who, visit),
        "AVAL": value,
        "BASE": base,
        "CHG": change,
        "PCHG": percent,
        "ABLFL": yes(visit == 0),
        "ANL01FL": yes(planned),
        "ANL02FL": yes(clear),
    }
    return _Records(who, code, columns)
