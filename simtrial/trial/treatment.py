"""What an arm is given: courses of infusions, and the rules that change them for one patient."""

from __future__ import annotations

import itertools
from typing import Annotated, Self

from pydantic import Field, model_validator

from simtrial.core.config import FieldFault, Spec
from simtrial.core.located import shown

_REGULAR = "{dose_g_per_kg: 2.0, every_weeks: 4, infusions: 4}"


class Course(Spec):
    """One infusion course: its week, its dose, over how many days it runs, drug or placebo."""

    week: int = Field(ge=0, examples=["0"])
    dose_g_per_kg: float = Field(gt=0, le=5, examples=["2.0"])
    days: int = Field(default=1, ge=1, le=7, examples=["2"])
    placebo: bool = Field(default=False, examples=["true"])


Courses = Annotated[tuple[Course, ...], Field(strict=False)]


class DoseChange(Spec):
    """Other courses from a visit on, for those whose improvement score is too low or high enough.

    ``from_patient`` : an amendment of the protocol: it holds for patients from this one on, in
    order of randomisation, counted from 1.
    """

    at_week: int = Field(gt=0, examples=["4"])
    if_tis_below: float | None = Field(default=None, gt=0, le=100, examples=["40"])
    if_tis_at_least: float | None = Field(default=None, ge=0, le=100, examples=["40"])
    from_patient: int = Field(default=1, ge=1, examples=["11"])
    courses: Courses = Field(examples=["[{week: 4, dose_g_per_kg: 2.0, days: 2}]"])

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.if_tis_below is None) == (self.if_tis_at_least is None):
            raise FieldFault(
                "",
                "it needs exactly one of if_tis_below and if_tis_at_least",
                example="{at_week: 4, if_tis_below: 40, courses: [{week: 4, dose_g_per_kg: 2.0}]}",
            )
        check_weeks(self.courses, may_be_none=True)
        if self.courses and self.courses[0].week < self.at_week:
            raise FieldFault(
                "courses",
                f"they replace what was planned from week {self.at_week} on, so none is before it",
                example=f"courses: [{{week: {self.at_week}, dose_g_per_kg: 2.0}}]",
            )
        return self


class AsNeeded(Spec):
    """Courses given at a visit when the patient needs one: little improvement, or a fall of it."""

    from_week: int = Field(ge=1, examples=["12"])
    if_tis_below: float | None = Field(default=None, gt=0, le=100, examples=["20"])
    if_tis_falls_by: float | None = Field(default=None, gt=0, le=100, examples=["20"])
    dose_g_per_kg: float = Field(gt=0, le=5, examples=["1.0"])
    days: int = Field(default=1, ge=1, le=7, examples=["2"])
    weeks_apart: int = Field(default=4, ge=1, le=520, examples=["4"])
    at_most: int = Field(ge=1, le=520, examples=["6"])

    @model_validator(mode="after")
    def _some_need(self) -> Self:
        if self.if_tis_below is None and self.if_tis_falls_by is None:
            raise FieldFault(
                "",
                "say when a course is needed: if_tis_below, if_tis_falls_by or both",
                example="{from_week: 12, if_tis_below: 20, dose_g_per_kg: 1.0, at_most: 6}",
            )
        return self


class StopWhenStable(Spec):
    """No more planned courses once the score has been high enough at some visits in a row."""

    tis_at_least: float = Field(gt=0, le=100, examples=["40"])
    visits: int = Field(default=2, ge=1, le=20, examples=["2"])


class Extension(Spec):
    """Open-label courses of the drug for every arm, from a week on."""

    from_week: int = Field(gt=0, examples=["16"])
    dose_g_per_kg: float = Field(gt=0, le=5, examples=["2.0"])
    every_weeks: int = Field(ge=1, le=520, examples=["4"])
    infusions: int = Field(ge=1, le=520, examples=["6"])
    days_per_infusion: int = Field(default=1, ge=1, le=7, examples=["2"])

    def course_list(self) -> tuple[Course, ...]:
        """Return its courses in time order."""
        return tuple(
            Course(
                week=self.from_week + j * self.every_weeks,
                dose_g_per_kg=self.dose_g_per_kg,
                days=self.days_per_infusion,
            )
            for j in range(self.infusions)
        )


class Arm(Spec):
    """What an arm is given: a regular regimen, a list of courses, placebo like another, nothing."""

    infusions_like: str | None = Field(default=None, examples=["ivig"])
    no_infusions: bool = Field(default=False, examples=["true"])
    dose_g_per_kg: float | None = Field(default=None, gt=0, le=5, examples=["2.0"])
    every_weeks: int | None = Field(default=None, ge=1, le=520, examples=["4"])
    infusions: int | None = Field(default=None, ge=1, le=520, examples=["4"])
    days_per_infusion: int = Field(default=1, ge=1, le=7, examples=["2"])
    first_week: int = Field(default=0, ge=0, le=520, examples=["12"])
    courses: Courses | None = Field(
        default=None, examples=["[{week: 0, dose_g_per_kg: 2.0, days: 2}]"]
    )
    dose_change: Annotated[tuple[DoseChange, ...], Field(strict=False)] = Field(
        default=(), examples=["[{at_week: 4, if_tis_below: 40, courses: []}]"]
    )
    as_needed: AsNeeded | None = Field(
        default=None,
        examples=["{from_week: 12, if_tis_below: 20, dose_g_per_kg: 1.0, at_most: 6}"],
    )
    stop_when_stable: StopWhenStable | None = Field(
        default=None, examples=["{tis_at_least: 40, visits: 2}"]
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        regular = (self.dose_g_per_kg, self.every_weeks, self.infusions)
        ways = [
            self.infusions_like is not None,
            self.no_infusions,
            self.courses is not None,
            any(part is not None for part in regular),
        ]
        if sum(ways) != 1:
            raise FieldFault(
                "",
                "an arm needs exactly one of infusions_like, no_infusions, courses, or "
                "dose_g_per_kg with every_weeks and infusions",
                example=_REGULAR,
            )
        if ways[3] and None in regular:
            raise FieldFault(
                "",
                "a regimen needs dose_g_per_kg, every_weeks and infusions together",
                example=_REGULAR,
            )
        if self.courses is not None:
            check_weeks(self.courses, may_be_none=False)
        if not ways[3] and self.first_week:
            raise FieldFault(
                "first_week",
                "it starts a regular regimen, which this arm has not; a course of a list has its "
                "own week",
                example="first_week: 0",
            )
        rules = [
            name
            for name, rule in (
                ("dose_change", self.dose_change),
                ("as_needed", self.as_needed),
                ("stop_when_stable", self.stop_when_stable),
            )
            if rule
        ]
        if rules and (ways[0] or ways[1]):
            raise FieldFault(
                rules[0],
                "it belongs to an arm with courses of its own, so leave it out; placebo infusions "
                "follow the rules of the arm that they are like",
                example=f"infusions_like: {self.infusions_like}"
                if ways[0]
                else "no_infusions: true",
            )
        return self

    @property
    def is_drug(self) -> bool:
        """Whether the arm receives immunoglobulin at some time."""
        return self.infusions_like is None and not self.no_infusions

    def course_list(self) -> tuple[Course, ...]:
        """Return the courses of a drug arm in time order."""
        if self.courses is not None:
            return self.courses
        if self.dose_g_per_kg is None or self.every_weeks is None or self.infusions is None:
            return ()
        return tuple(
            Course(
                week=self.first_week + j * self.every_weeks,
                dose_g_per_kg=self.dose_g_per_kg,
                days=self.days_per_infusion,
            )
            for j in range(self.infusions)
        )


def check_weeks(courses: tuple[Course, ...], *, may_be_none: bool) -> None:
    """Refuse courses that do not come in increasing weeks, or none where some are needed."""
    weeks = [course.week for course in courses]
    if not weeks and not may_be_none:
        raise FieldFault("courses", "it needs at least one course; an arm may have no_infusions")
    if any(b <= a for a, b in itertools.pairwise(weeks)):
        once = {course.week: course for course in courses}
        kept = [once[week].model_dump(exclude_defaults=True) for week in sorted(once)]
        raise FieldFault(
            "courses",
            "courses come in increasing weeks, one in a week",
            example=f"courses: {shown(kept)}",
        )
