"""A run-in between screening and randomisation: its courses, and who goes on to be randomised."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from simtrial.core.config import FieldFault, Spec
from simtrial.core.located import shown
from simtrial.trial.treatment import Courses, check_weeks

ImprovementFrom = Literal["baseline", "run_in"]


class RunIn(Spec):
    """Weeks in which all are treated alike before they are randomised.

    ``courses`` : weeks count from the start of the run-in.
    ``enter_if_tis_below, enter_if_tis_at_least`` : the score of the baseline visit against the
    start of the run-in.
    ``improvement_from`` : the visit that scores and deterioration after randomisation are measured
    against; ``run_in`` (its start) is what a randomised withdrawal needs.
    """

    weeks: int = Field(ge=1, le=104, examples=["4"])
    courses: Courses = Field(default=(), examples=["[{week: 0, dose_g_per_kg: 2.0, days: 2}]"])
    enter_if_tis_below: float | None = Field(default=None, gt=0, le=100, examples=["20"])
    enter_if_tis_at_least: float | None = Field(default=None, gt=0, le=100, examples=["20"])
    improvement_from: ImprovementFrom = Field(default="baseline", examples=["run_in"])

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.enter_if_tis_below is not None and self.enter_if_tis_at_least is not None:
            raise FieldFault(
                "enter_if_tis_below",
                "a run-in selects those who improve or those who do not: give at most one of "
                "enter_if_tis_below and enter_if_tis_at_least",
                example=f"enter_if_tis_at_least: {self.enter_if_tis_at_least:g}",
            )
        check_weeks(self.courses, may_be_none=True)
        late = [course.week for course in self.courses if course.week >= self.weeks]
        if late:
            kept = [c.model_dump() for c in self.courses if c.week < self.weeks]
            raise FieldFault(
                "courses",
                f"there would be a course in week {late[0]} of a run-in of {self.weeks} weeks; its "
                f"last week is week {self.weeks - 1}, and later courses belong to the arms",
                example=f"courses: {shown(kept)}",
            )
        return self

    @property
    def gives_drug(self) -> bool:
        """Whether any of its courses is of immunoglobulin."""
        return any(not course.placebo for course in self.courses)
