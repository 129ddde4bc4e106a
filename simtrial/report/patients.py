"""Simulated patients as tables: one row a patient, an attended visit, an event, a trial.

Only what a trial would observe; the tables of what nobody can see are made apart, when asked for.
Every table begins with a column that says the patients are simulated. What did not happen or was
not measured is null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.protocol import NEVER
from simtrial.cohort.snapshot import SCREENING_FAILURES
from simtrial.cohort.truth import Cohort
from simtrial.core.units import MINUTES_PER_DAY, MINUTES_PER_WEEK
from simtrial.endpoints.harm import count_harm
from simtrial.endpoints.responder import composite_response, observed_response
from simtrial.myositis.enzymes import ENZYMES
from simtrial.myositis.parameters import LINES
from simtrial.report.columns import (
    ENZYME_COLUMNS,
    HIDDEN,
    MEASURE_COLUMNS,
    OBSERVED,
    columns_of,
    strata_names,
)
from simtrial.report.happenings import EVENTS, NO_COURSE, NOT_ADVERSE, happenings
from simtrial.trial.design import Design

Numbers = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Source:
    """What tables are made from: a batch of trials, the first of which is replicate ``first``.

    ``cut_minute`` : the calendar minute at which the batch was cut; none means never.
    """

    cohort: Cohort
    design: Design
    first: int = 0
    cut_minute: int | None = None

    @property
    def study(self) -> str:
        """The constant that marks every row as simulated."""
        return f"SYNTHETIC {self.design.title}"


def table_of(name: str, source: Source) -> Any:
    """Return one of the tables ``OBSERVED`` or ``HIDDEN`` as a pyarrow table."""
    return _MAKERS[name](source)


def _patients(source: Source) -> Any:
    seen, design = source.cohort.seen, source.design
    at = np.nonzero(seen.arm >= 0)
    v = design.visits_weeks.index(design.endpoint.week)
    hit, assessed = observed_response(seen, design)
    harmed = count_harm(seen)
    columns: dict[str, Any] = {
        **_key(source, *at),
        "screening_number": seen.candidate[at],
        "site": seen.site[at] + 1,
        "arm": (seen.arm[at], design.arm_names),
        "stratum": (seen.stratum[at], strata_names(design)),
        "subtype": (seen.subtype[at], tuple(design.population.subtypes)),
        "line": (seen.line[at], LINES),
        "sex": (np.where(seen.female[at], 0, 1), ("female", "male")),
        "age_years": seen.age[at],
        "weight_kg": seen.weight[at],
        "randomised_week": seen.randomised_minute[at] / MINUTES_PER_WEEK,
        **{f"screening_{m}": seen.screening[at][:, k] for k, m in enumerate(MEASURE_COLUMNS)},
        **{f"run_in_{m}": seen.run_in[at][:, k] for k, m in enumerate(MEASURE_COLUMNS)},
        "run_in_courses": seen.run_in_courses[at],
        "run_in_immunoglobulin_g": seen.run_in_grams[at],
        **{m: seen.measures[at][:, 0, k] for k, m in enumerate(MEASURE_COLUMNS)},
        "enzyme": (seen.enzyme[at], ENZYMES),
        "prednisolone_mg": seen.prednisolone[at][:, 0],
        "courses_given": seen.courses[at],
        "immunoglobulin_g": seen.grams[at],
        "deterioration_week": _weeks(seen.deterioration_minute[at]),
        "rescue_week": _weeks(seen.rescue_minute[at]),
        "treatment_stop_week": _weeks(seen.stop_minute[at]),
        "left_week": _weeks(seen.left_minute[at]),
        "tis_at_endpoint": seen.tis[at][:, v],
        "responder_observed": np.ma.array(hit[at], mask=~assessed[at]),
        "responder_composite": composite_response(seen, design)[at],
        "cancer": seen.cancer[at],
        "previous_thromboembolism": seen.previous_thromboembolism[at],
        "reactions": harmed.reactions[at],
        "first_reaction_week": _weeks(_first(seen.reaction_minute[at])),
        "thromboembolism": harmed.thromboembolisms[at] > 0,
        "serious_events": harmed.serious[at],
        "stopped_for_harm_week": _weeks(seen.harm_stop_minute[at]),
    }
    return _arrow("patients", source, columns)


def _visits(source: Source) -> Any:
    seen, design = source.cohort.seen, source.design
    attended = seen.visit_minute >= 0
    row, place, visit = np.nonzero(attended)
    at = (row, place, visit)
    measures = seen.measures[at]
    return _arrow(
        "visits",
        source,
        {
            **_key(source, row, place),
            "arm": (seen.arm[row, place], design.arm_names),
            "week": np.array(design.visits_weeks)[visit],
            "took_place_week": seen.visit_minute[at] / MINUTES_PER_WEEK,
            **{m: measures[:, k] for k, m in enumerate(MEASURE_COLUMNS)},
            **{m: seen.enzymes[at][:, k] for k, m in enumerate(ENZYME_COLUMNS)},
            "tis": seen.tis[at],
            "prednisolone_mg": seen.prednisolone[at],
        },
    )


def _events(source: Source) -> Any:
    seen = source.cohort.seen
    what = happenings(seen)
    return _arrow(
        "events",
        source,
        {
            **_key(source, what.row, what.place),
            "arm": (seen.arm[what.row, what.place], source.design.arm_names),
            "event": (what.kind, EVENTS),
            "week": what.minute / MINUTES_PER_WEEK,
            "day": what.minute // MINUTES_PER_DAY + 1,
            "course": np.ma.array(what.course + 1, mask=what.course == NO_COURSE),
            "serious": np.ma.array(what.serious, mask=what.serious == NOT_ADVERSE),
        },
    )


def _screening(source: Source) -> Any:
    seen = source.cohort.seen
    failed = seen.failures.sum(axis=1)
    last = seen.randomised_minute.max(axis=1)
    return _arrow(
        "screening",
        source,
        {
            **_trial(source, np.arange(seen.arm.shape[0])),
            "screened": seen.screened,
            **{f"failed_{why}": seen.failures[:, i] for i, why in enumerate(SCREENING_FAILURES)},
            "randomised": (seen.arm >= 0).sum(axis=1),
            # at a cut before the first of them nobody was screened yet
            "eligible_share": np.ma.array(
                (seen.screened - failed) / np.maximum(seen.screened, 1), mask=seen.screened == 0
            ),
            "last_randomised_week": _weeks(last),
            "complete": seen.complete,
        },
    )


def _truth(source: Source) -> Any:
    truth = source.cohort.truth
    at = np.nonzero(source.cohort.seen.arm >= 0)
    names = [c.name for c in columns_of("truth") if c.name.startswith("true_")]
    leaves = truth.dropout_minute[at]
    return _arrow(
        "truth",
        source,
        {
            **_key(source, *at),
            **{name: truth.baseline[at][:, k] for k, name in enumerate(names)},
            "would_respond": truth.responds[at],
            "improves_without_drug": truth.improves[at],
            "depth": truth.depth[at],
            "half_effect_dose_log": truth.log_x50[at],
            "reaction_frailty": truth.frailty[at],
            "would_leave_week": _weeks(np.where(leaves == NEVER, -1, leaves)),
        },
    )


def _truth_visits(source: Source) -> Any:
    truth = source.cohort.truth
    row, place, visit = np.nonzero(~np.isnan(truth.drug_benefit))
    at = (row, place, visit)
    return _arrow(
        "truth_visits",
        source,
        {
            **_key(source, row, place),
            "week": np.array(source.design.visits_weeks)[visit],
            "drug_benefit": truth.drug_benefit[at],
            "background_benefit": truth.background_benefit[at],
        },
    )


_MAKERS: dict[str, Callable[[Source], Any]] = {
    **dict(zip(OBSERVED, (_patients, _visits, _events, _screening), strict=True)),
    **dict(zip(HIDDEN, (_truth, _truth_visits), strict=True)),
}


def _first(minutes: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the earliest of each row of minutes, -1 where none is at least 0."""
    first = np.where(minutes >= 0, minutes.astype(np.int64), NEVER).min(axis=1, initial=NEVER)
    return np.where(first == NEVER, -1, first)


def _weeks(minute: NDArray[np.int64]) -> Numbers:
    """Return weeks, masked where the minute is -1: it did not happen."""
    return np.ma.array(minute / MINUTES_PER_WEEK, mask=minute < 0)


def _trial(source: Source, row: NDArray[np.int64]) -> dict[str, Any]:
    return {"study": (np.zeros_like(row), (source.study,)), "trial": row + source.first}


def _key(source: Source, row: NDArray[np.int64], place: NDArray[np.int64]) -> dict[str, Any]:
    """Return the columns that say whose row it is."""
    return {**_trial(source, row), "patient": patient_names(source, row, place)}


def patient_names(source: Source, row: NDArray[np.int64], place: NDArray[np.int64]) -> Any:
    """Return the names of patients, a pyarrow array."""
    import pyarrow as pa
    import pyarrow.compute as pc

    trial = pc.utf8_lpad(pa.array(row + source.first).cast(pa.string()), 4, "0")
    number = pa.array(source.cohort.seen.candidate[row, place]).cast(pa.string())
    return pc.binary_join_element_wise("R", trial, "-P", pc.utf8_lpad(number, 3, "0"), "")


def _arrow(name: str, source: Source, columns: Mapping[str, Any]) -> Any:
    """Return a table whose columns are those of the dictionary, in its order and types."""
    import pyarrow as pa

    wanted = columns_of(name)
    undescribed = {c.name for c in wanted} ^ set(columns)
    if undescribed:
        raise KeyError(f"table {name} and its dictionary differ in {sorted(undescribed)}")
    types = {"whole": pa.int64(), "real": pa.float64(), "flag": pa.int8()}
    arrays = []
    for column in wanted:
        values = columns[column.name]
        if column.kind == "category":
            codes, names = values
            arrays.append(pa.DictionaryArray.from_arrays(codes.astype(np.int32), list(names)))
        elif column.kind == "text":
            arrays.append(values)
        else:
            missing = np.ma.getmaskarray(values)
            plain = np.ma.getdata(values)
            if plain.dtype.kind == "f":
                missing = missing | np.isnan(plain)
            if plain.dtype.kind == "b":
                plain = plain.astype(np.int8)
            arrays.append(pa.array(plain, mask=missing).cast(types[column.kind]))
    table = pa.table(dict(zip([c.name for c in wanted], arrays, strict=True)))
    return table.replace_schema_metadata({"study": source.study})
