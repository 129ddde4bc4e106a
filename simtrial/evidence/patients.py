"""The patients of a printed table, one record a row."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from simtrial.evidence.counts import Subtype, Values


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
    courses: int = Field(ge=1, le=10_000, examples=[3])
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
