"""Records of patients as columns of an ADaM-shaped table: texts, numbers, dates, study days.

Minute 0, when the first site opens, is 00:00 on the invented ``STUDY_START``. A date is the
calendar day of a minute; a study day counts calendar days from the day of randomisation.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.protocol import NEVER, Protocol, protocol_of
from simtrial.cohort.snapshot import Snapshot
from simtrial.core.errors import DesignError
from simtrial.core.units import MINUTES_PER_DAY
from simtrial.report.adam.variables import Dataset
from simtrial.report.patients import Source, patient_names
from simtrial.trial.design import Design

STUDY_START = datetime.date(2030, 1, 1)
_START_DAY = (STUDY_START - datetime.date(1970, 1, 1)).days  # as Arrow counts dates
_LAST_DAY = (datetime.date.max - STUDY_START).days
SCREENING_WEEK, OVERALL_WEEK = -1, 9_999

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Text:
    """Texts as codes of terms; a code of -1 is empty."""

    codes: NDArray[Any]
    terms: Sequence[str]


@dataclass(frozen=True)
class Days:
    """Dates as days since ``STUDY_START``; ``missing`` marks the empty ones."""

    day: Whole
    missing: NDArray[np.bool_]


class Subjects:
    """The randomised patients of a batch of trials, S of them, by trial and randomisation.

    Attributes
    ----------
    row, place : (S,) where each stands in the Snapshot.
    randomised : (S,) calendar minute.
    last_seen : (S,) minute since randomisation of the last visit, of leaving, or of the cut.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.seen: Snapshot = source.cohort.seen
        self.design: Design = source.design
        self.protocol: Protocol = protocol_of(source.design)
        self.row, self.place = np.nonzero(self.seen.arm >= 0)
        self.randomised: Whole = self.of("randomised_minute")
        self.arm: Whole = self.of("arm")
        self.left: Whole = self.of("left_minute")
        # a last visit that was missed ends the study on its planned day
        planned = int(self.protocol.visit_minute[-1])
        last = self.of("visit_minute")[:, -1].astype(np.int64)
        ends = np.where(self.left >= 0, self.left, np.where(last >= 0, last, planned))
        self.completed = self.left < 0
        if source.cut_minute is not None:
            since = source.cut_minute - self.randomised
            closing = planned + self.protocol.measuring.window_minutes
            self.completed &= (last >= 0) | (closing <= since)
            ends = np.minimum(ends, since)
        self.last_seen: Whole = ends
        self.ongoing = ~self.completed & (self.left < 0)
        if self.row.size and int((self.randomised + ends).max()) // MINUTES_PER_DAY > _LAST_DAY:
            raise DesignError(
                f"accrual takes so long that the last visit lies beyond the year 9999 of a study "
                f"that starts on {STUDY_START}; dates end there. Write the tables that count "
                "weeks instead; for example tables='plain'."
            )

    @property
    def n(self) -> int:
        """How many there are."""
        return int(self.row.size)

    def of(self, column: str) -> Any:
        """Return a column of the Snapshot, (S, ...)."""
        return getattr(self.seen, column)[self.row, self.place]

    @cached_property
    def names(self) -> list[str]:
        """USUBJID of each."""
        sites = (self.of("site") + 1).tolist()
        trials, numbers = (self.row + self.source.first).tolist(), self.of("candidate").tolist()
        return [
            f"SYN-R{trial:04d}-S{site:02d}-P{number:03d}"
            for trial, site, number in zip(trials, sites, numbers, strict=True)
        ]

    @cached_property
    def short_names(self) -> list[str]:
        """The names of the plain tables."""
        found: list[str] = patient_names(self.source, self.row, self.place).to_pylist()
        return found

    @cached_property
    def index(self) -> NDArray[np.int64]:
        """(R, P) place of each patient among the subjects, -1 where there is none."""
        out = np.full(self.seen.arm.shape, -1, np.int64)
        out[self.row, self.place] = np.arange(self.n)
        return out

    @cached_property
    def attended(self) -> NDArray[np.bool_]:
        """(S, V) whether a visit took place."""
        found: NDArray[np.bool_] = self.of("visit_minute") >= 0
        return found

    @property
    def treated(self) -> NDArray[np.bool_]:
        """(S,) whether a course was begun."""
        given: NDArray[np.bool_] = self.of("courses") > 0
        return given

    @cached_property
    def first_course(self) -> Whole:
        """(S,) minute of the first course given, -1 without one."""
        given = self.of("course_minute").astype(np.int64)
        first = np.where(given >= 0, given, NEVER).min(axis=1, initial=NEVER)
        return np.where(first == NEVER, -1, first)

    @cached_property
    def last_course(self) -> Whole:
        """(S,) minute of the last course given, -1 without one."""
        found: Whole = self.of("course_minute").astype(np.int64).max(axis=1, initial=-1)
        return found

    def day(self, minute: Any, who: Any = slice(None)) -> Any:
        """Return the calendar day of minutes since randomisation, since ``STUDY_START``."""
        return (self.randomised[who] + minute) // MINUTES_PER_DAY

    def dates(
        self,
        prefix: str,
        minute: Whole,
        who: Any = slice(None),
        missing: NDArray[np.bool_] | None = None,
    ) -> dict[str, Any]:
        """Return the date (``prefix`` + DT) and study day (``prefix`` + DY) of minutes.

        Parameters
        ----------
        minute : since randomisation; of subjects ``who``.
        missing : where there is no date; none means where the minute is negative.
        """
        gone = minute < 0 if missing is None else missing
        day = np.asarray(self.day(minute, who))
        start = self.randomised[who] // MINUTES_PER_DAY
        passed = day - start
        return {
            f"{prefix}DT": Days(day, gone),
            f"{prefix}DY": np.ma.array(passed + (passed >= 0), mask=gone),
        }

    def visit_dates(self, who: Whole, visit: Whole) -> dict[str, Any]:
        """Return ADT and ADY of visits that took place; visit -1 is the screening visit."""
        none = np.zeros(who.shape, np.bool_)
        return self.dates("A", self.visit_minutes(who, visit), who, none)

    def visit_minutes(self, who: Whole, visit: Whole) -> Whole:
        """Return the minutes of visits since randomisation; visit -1 is the screening visit."""
        screening = -(self.protocol.screening_minutes + self.protocol.run_in.minutes)
        found = self.of("visit_minute")[who, np.maximum(visit, 0)].astype(np.int64)
        return np.where(visit < 0, screening, found)

    def visits(self, visit: Whole) -> dict[str, Any]:
        """Return AVISIT and AVISITN; visit -1 is screening, V the study as a whole."""
        weeks = [*self.design.visits_weeks, OVERALL_WEEK, SCREENING_WEEK]
        return {
            "AVISIT": Text(visit % len(weeks), [visit_name(week) for week in weeks]),
            "AVISITN": np.array(weeks)[visit % len(weeks)],
        }


def visit_name(week: int) -> str:
    """Return the name of a visit."""
    named = {SCREENING_WEEK: "Screening", 0: "Baseline", OVERALL_WEEK: "Overall"}
    return named.get(week, f"Week {week}")


def yes_no(true: NDArray[np.bool_]) -> Text:
    """Return Y or N."""
    return Text(np.where(true, 0, 1), ("Y", "N"))


def yes(true: NDArray[np.bool_]) -> Text:
    """Return Y, or nothing."""
    return Text(np.where(true, 0, -1), ("Y",))


def constant(n: int, term: str) -> Text:
    """Return one term, n times."""
    return Text(np.zeros(n, np.int64), (term,))


def sequence_within(who: Whole) -> Whole:
    """Return 1, 2, ... within each run of equal subjects."""
    place = np.arange(who.size)
    fresh = np.ones(who.size, np.bool_)
    fresh[1:] = who[1:] != who[:-1]
    return place - np.maximum.accumulate(np.where(fresh, place, 0)) + 1


def table(dataset: Dataset, subjects: Subjects, who: Whole, columns: Mapping[str, Any]) -> Any:
    """Return a pyarrow table with the variables of a data set, in its order and types.

    Parameters
    ----------
    who : (N,) the subject of each record.
    columns : name -> Text, Days, or numbers (masked or NaN where empty); those that say whose a
        record is are added.
    """
    import pyarrow as pa

    known = _whose(subjects, who) | dict(columns)
    names = [variable.name for variable in dataset.variables]
    unknown = (set(columns) - set(names)) | (set(names) - set(known))
    if unknown:
        raise KeyError(f"{dataset.name} and its variables differ in {sorted(unknown)}")
    arrays = [_array(known[variable.name], variable.kind) for variable in dataset.variables]
    fields = [
        pa.field(v.name, array.type, metadata={"label": v.label})
        for v, array in zip(dataset.variables, arrays, strict=True)
    ]
    schema = pa.schema(fields, metadata={"study": subjects.source.study, "label": dataset.label})
    return pa.Table.from_arrays(arrays, schema=schema)


def _whose(subjects: Subjects, who: Whole) -> dict[str, Any]:
    """Return the variables that every data set may have."""
    arms, treated = subjects.design.arm_names, subjects.treated[who]
    arm = subjects.arm[who]
    sites = subjects.of("site")[who]
    return {
        "STUDYID": constant(who.size, subjects.source.study),
        "TRIALN": subjects.row[who] + subjects.source.first,
        "USUBJID": Text(who, subjects.names),
        "SITEID": Text(sites, [f"{s + 1:02d}" for s in range(subjects.design.accrual.sites)]),
        "TRTP": Text(arm, arms),
        "TRTPN": arm + 1,
        "TRTA": Text(np.where(treated, arm, -1), arms),
        "TRTAN": np.ma.array(arm + 1, mask=~treated),
        "ITTFL": constant(who.size, "Y"),
        "SAFFL": yes_no(treated),
    }


def arrow_type(kind: str) -> Any:
    """Return the Arrow type of a kind of variable."""
    import pyarrow as pa

    return {
        "char": pa.dictionary(pa.int32(), pa.string()),
        "whole": pa.int64(),
        "real": pa.float64(),
        "date": pa.date32(),
    }[kind]


def _array(values: Any, kind: str) -> Any:
    import pyarrow as pa

    if isinstance(values, Text):
        codes = pa.array(values.codes.astype(np.int32), mask=np.asarray(values.codes < 0))
        return pa.DictionaryArray.from_arrays(codes, pa.array(list(values.terms), pa.string()))
    if isinstance(values, Days):
        days = pa.array((values.day + _START_DAY).astype(np.int32), mask=values.missing)
        return days.cast(pa.date32())
    missing, plain = np.ma.getmaskarray(values), np.ma.getdata(values)
    if plain.dtype.kind == "f":
        missing = missing | np.isnan(plain)
    return pa.array(plain, mask=missing).cast(arrow_type(kind))
