"""The figures of a fact, one frozen record for each kind of figure a document prints."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from simtrial.core.config import Spec
from simtrial.stats.intervals import IntervalMethod

Subtype = Literal["DM", "PM", "IMNM", "ASyS", "OM", "IBM", "ICI"]
Kind = Literal[
    "count",
    "proportion",
    "multinomial",
    "mix",
    "times",
    "median_iqr",
    "interval",
    "percentage",
    "patients",
]

Patients = Annotated[int, Field(ge=1, examples=[19])]
NonNegative = Annotated[int, Field(ge=0)]
Decimals = Annotated[int, Field(ge=0, le=6, examples=[1])]


class Values(Spec):
    """Base of the records of figures; every one of them is finite."""

    model_config = ConfigDict(allow_inf_nan=False)


class Count(Values):
    """Patients who reached an endpoint, of ``n`` treated."""

    n: Patients
    responders: NonNegative = Field(examples=[8])

    @field_validator("responders")
    @classmethod
    def _not_more_than_patients(cls, responders: int, info: ValidationInfo) -> int:
        n = info.data.get("n", responders)
        if responders > n:
            raise ValueError(f"more responders than patients, n is {n}")
        return responders


class Proportion(Values):
    """A part of ``n`` (patients or courses) that has a property, where no endpoint is meant."""

    n: Patients
    part: NonNegative = Field(examples=[12])

    @field_validator("part")
    @classmethod
    def _not_more_than_whole(cls, part: int, info: ValidationInfo) -> int:
        n = info.data.get("n", part)
        if part > n:
            raise ValueError(f"a part is at most the whole, n is {n}")
        return part


class Multinomial(Values):
    """Patients by outcome: each of the ``n`` is in exactly one cell."""

    n: Patients
    cells: dict[str, NonNegative] = Field(min_length=2, examples=["{reached: 8, never: 11}"])

    @field_validator("cells")
    @classmethod
    def _sum_to_n(cls, cells: dict[str, int], info: ValidationInfo) -> dict[str, int]:
        return _summing(cells, info)


class Mix(Values):
    """Patients by subtype: each of the ``n`` has exactly one."""

    n: Patients
    cells: dict[Subtype, NonNegative] = Field(min_length=1, examples=["{DM: 8, IMNM: 6}"])

    @field_validator("cells")
    @classmethod
    def _sum_to_n(cls, cells: dict[Subtype, int], info: ValidationInfo) -> dict[Subtype, int]:
        return _summing(cells, info)


class Times(Values):
    """Patients by the week of the visit at which an endpoint was first seen, and those never."""

    n: Patients
    never: NonNegative = Field(examples=[11])
    first_by_week: dict[int, NonNegative] = Field(min_length=1, examples=["{3: 6, 4: 1, 6: 1}"])

    @field_validator("first_by_week")
    @classmethod
    def _sum_to_n(cls, first: dict[int, int], info: ValidationInfo) -> dict[int, int]:
        never = info.data.get("never")
        return first if never is None else _summing(first, info, never)


class MedianIqr(Values):
    """A median and its quartiles; of a single patient, his value three times."""

    q1: float = Field(examples=[3.2])
    median: float = Field(examples=[3.8])
    q3: float = Field(examples=[4.0])

    @field_validator("median", "q3")
    @classmethod
    def _ascending(cls, value: float, info: ValidationInfo) -> float:
        before = "q1" if info.field_name == "median" else "median"
        below = info.data.get(before, value)
        if value < below:
            raise ValueError(
                f"quartiles ascend, q1 <= median <= q3, and {before} is {below}; "
                "of negative changes the most negative is q1"
            )
        return value


class Interval(Values):
    """Two ends; with ``level_percent`` a confidence interval, without it a range.

    Attributes
    ----------
    method : the method that the document names, whether or not it is the one it used.
    decimals : how many decimals of the ends are printed.
    """

    low: float = Field(examples=[19.6])
    high: float = Field(examples=[64.6])
    level_percent: float | None = Field(default=None, gt=0.0, lt=100.0, examples=[95.0])
    method: IntervalMethod | None = Field(default=None, examples=["clopper_pearson"])
    decimals: Decimals = 1

    @field_validator("high")
    @classmethod
    def _ascending(cls, high: float, info: ValidationInfo) -> float:
        low = info.data.get("low", high)
        if high < low:
            raise ValueError(f"the ends ascend, and low is {low}")
        return high

    @field_validator("method")
    @classmethod
    def _of_a_confidence_interval(
        cls, method: IntervalMethod | None, info: ValidationInfo
    ) -> IntervalMethod | None:
        if method is not None and info.data.get("level_percent") is None:
            raise ValueError("a method makes a confidence interval, which has level_percent")
        return method


class Percentage(Values):
    """A percentage as printed, with ``decimals`` decimals."""

    percent: float = Field(ge=0.0, le=100.0, examples=[55.0])
    decimals: Decimals = 1


class Patient(Values):
    """One patient of a printed table; a course is one series of infusions.

    Attributes
    ----------
    subtype : our code; ``diagnosis`` is as printed. PM with a connective tissue disease is OM.
    duration_years : as printed; with ``under_one`` the text says less than one year.
    courses, courses_printed : all courses, and the series they came in.
    myometer_change_percent, myometer_significant : None where not performed.
    ck_before, ck_after : creatine kinase before and after treatment, None where not performed.
    prednisone_stopped : shortly before treatment, so that both CK and strength are confounded.
    """

    case: int = Field(ge=1, examples=[1])
    sex: Literal["F", "M"] = Field(examples=["F"])
    age_years: int = Field(ge=0, le=120, examples=[45])
    diagnosis: str = Field(examples=["PM/SS"])
    subtype: Subtype = Field(examples=["OM"])
    duration_years: float = Field(ge=0.0, examples=[6])
    under_one: bool = Field(default=False, examples=["true"])
    therapy: Annotated[tuple[str, ...], Field(strict=False, examples=["[Pred, MTX]"])]
    courses: int = Field(ge=1, examples=[3])
    courses_printed: Annotated[tuple[int, ...], Field(strict=False, examples=["[1, 3]"])] = ()
    functional_improved: bool = Field(examples=["true"])
    mrc_improved: bool = Field(examples=["true"])
    myometer_change_percent: float | None = Field(examples=[26.6])
    myometer_significant: bool | None = Field(examples=["true"])
    ck_before: Annotated[int, Field(ge=0, examples=[637])]
    ck_after: Annotated[int, Field(ge=0)] | None = Field(examples=[56])
    prednisone_stopped: bool = Field(default=False, examples=["true"])

    @field_validator("under_one")
    @classmethod
    def _duration_is_under_one(cls, under_one: bool, info: ValidationInfo) -> bool:
        if under_one and info.data.get("duration_years", 0.0) >= 1.0:
            raise ValueError("duration_years is 1 or more; write 0.5 for a printed '<1'")
        return under_one

    @field_validator("courses_printed")
    @classmethod
    def _series_sum_to_courses(
        cls, printed: tuple[int, ...], info: ValidationInfo
    ) -> tuple[int, ...]:
        courses = info.data.get("courses", sum(printed))
        if printed and sum(printed) != courses:
            raise ValueError(f"the series sum to {sum(printed)}, and courses is {courses}")
        return printed

    @field_validator("myometer_significant")
    @classmethod
    def _significance_of_a_change(
        cls, significant: bool | None, info: ValidationInfo
    ) -> bool | None:
        change = info.data.get("myometer_change_percent")
        if (change is None) != (significant is None):
            raise ValueError("both myometer fields are given, or both are null")
        return significant

    @property
    def improved(self) -> bool:
        """Whether function and MRC grades both improved: the response we count."""
        return self.functional_improved and self.mrc_improved


class PatientTable(Values):
    """The patients of a printed table, in its order."""

    patients: Annotated[tuple[Patient, ...], Field(min_length=1, strict=False)]

    @field_validator("patients")
    @classmethod
    def _each_case_once(cls, patients: tuple[Patient, ...]) -> tuple[Patient, ...]:
        cases = [patient.case for patient in patients]
        twice = sorted({case for case in cases if cases.count(case) > 1})
        if twice:
            raise ValueError(f"case {twice[0]} is there twice; each patient has one row")
        return patients

    @property
    def n(self) -> int:
        """Return the number of patients."""
        return len(self.patients)


RECORDS: dict[Kind, type[Values]] = {
    "count": Count,
    "proportion": Proportion,
    "multinomial": Multinomial,
    "mix": Mix,
    "times": Times,
    "median_iqr": MedianIqr,
    "interval": Interval,
    "percentage": Percentage,
    "patients": PatientTable,
}


def _summing[K](cells: dict[K, int], info: ValidationInfo, others: int = 0) -> dict[K, int]:
    total = sum(cells.values()) + others
    n = info.data.get("n", total)
    if total != n:
        of_all = " with never" if others else ""
        raise ValueError(f"the cells{of_all} sum to {total}, and n is {n}")
    return cells
