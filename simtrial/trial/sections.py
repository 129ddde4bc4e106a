"""The sections of a protocol, each with the rules that it can check by itself."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from simtrial.core.config import FieldFault, Spec
from simtrial.core.located import shown
from simtrial.core.other_units import neat
from simtrial.myositis.measures import MMT_MAXIMUM
from simtrial.myositis.parameters import SUBTYPES

MOST_PATIENTS = 20_000
Subtype = Literal["DM", "PM", "IMNM", "ASyS", "OM", "IBM"]
Line = Literal["first_line", "refractory"]
Background = Literal["none", "continued"]
MmtVersion = Literal["MMT8_150", "MMT8_80", "MMT_260"]
Integers = Annotated[tuple[int, ...], Field(strict=False)]


class Eligibility(Spec):
    """Who may enter, by observed screening values."""

    mmt_below: float | None = Field(default=None, gt=0, examples=["142"])
    other_abnormal_measures: int = Field(default=0, ge=0, le=5, examples=["2"])
    prednisolone_at_most_mg: float | None = Field(default=None, ge=0, examples=["20"])


class Population(Spec):
    """Which patients are sought."""

    subtypes: dict[Subtype, float] = Field(examples=["{DM: 1.0}"])
    line: Line = Field(examples=["refractory"])
    background: Background = Field(default="continued", examples=["continued"])
    mmt: MmtVersion = Field(examples=["MMT8_150"])
    eligibility: Eligibility = Field(default=Eligibility(), examples=["{mmt_below: 142}"])

    @field_validator("subtypes")
    @classmethod
    def _shares(cls, value: dict[str, float]) -> dict[str, float]:
        if not value or min(value.values()) <= 0:
            raise ValueError("every share of a subtype must be above 0; leave out the others")
        total = sum(value.values())
        if abs(total - 1.0) > 1e-6:
            percent = abs(total - 100.0) <= 1e-4
            parts = {s: neat(v / 100.0 if percent else v / total) for s, v in value.items()}
            told = ", as percentages do" if percent else ""
            raise FieldFault(
                "",
                f"the shares add up to {total:g}{told}; they must add up to 1",
                example=f"subtypes: {shown(parts)}" if percent else None,
            )
        return {s: value[s] for s in SUBTYPES if s in value}

    @model_validator(mode="after")
    def _scale(self) -> Self:
        most, below = MMT_MAXIMUM[self.mmt], self.eligibility.mmt_below
        if below is not None and below > most:
            raise FieldFault(
                "eligibility.mmt_below",
                f"{self.mmt} has {most} points; write at most {most}, or another mmt version",
                example=f"mmt_below: {round(142 / 150 * most)}",
            )
        return self


class Course(Spec):
    """One infusion course: its week, its dose, and over how many days it runs."""

    week: int = Field(ge=0, examples=["0"])
    dose_g_per_kg: float = Field(gt=0, le=5, examples=["2.0"])
    days: int = Field(default=1, ge=1, le=7, examples=["2"])


_REGULAR = "{dose_g_per_kg: 2.0, every_weeks: 4, infusions: 4}"


class Arm(Spec):
    """What an arm is given: a regular regimen, a list of courses, or placebo like another arm."""

    infusions_like: str | None = Field(default=None, examples=["ivig"])
    dose_g_per_kg: float | None = Field(default=None, gt=0, le=5, examples=["2.0"])
    every_weeks: int | None = Field(default=None, ge=1, le=520, examples=["4"])
    infusions: int | None = Field(default=None, ge=1, le=520, examples=["4"])
    days_per_infusion: int = Field(default=1, ge=1, le=7, examples=["2"])
    courses: Annotated[tuple[Course, ...], Field(strict=False)] | None = Field(
        default=None, examples=["[{week: 0, dose_g_per_kg: 2.0, days: 2}]"]
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        regular = (self.dose_g_per_kg, self.every_weeks, self.infusions)
        ways = [
            self.infusions_like is not None,
            self.courses is not None,
            any(part is not None for part in regular),
        ]
        if sum(ways) != 1:
            raise FieldFault(
                "",
                "an arm needs exactly one of infusions_like, courses, or "
                "dose_g_per_kg with every_weeks and infusions",
                example=_REGULAR,
            )
        if ways[2] and None in regular:
            raise FieldFault(
                "",
                "a regimen needs dose_g_per_kg, every_weeks and infusions together",
                example=_REGULAR,
            )
        if self.courses is not None:
            weeks = [course.week for course in self.courses]
            if not weeks or any(b <= a for a, b in itertools.pairwise(weeks)):
                raise FieldFault("courses", "courses need increasing weeks, at least one")
        return self

    @property
    def is_drug(self) -> bool:
        """Whether the arm receives immunoglobulin."""
        return self.infusions_like is None

    def course_list(self) -> tuple[Course, ...]:
        """Return the courses of a drug arm in time order."""
        if self.courses is not None:
            return self.courses
        if self.dose_g_per_kg is None or self.every_weeks is None or self.infusions is None:
            return ()
        return tuple(
            Course(
                week=j * self.every_weeks,
                dose_g_per_kg=self.dose_g_per_kg,
                days=self.days_per_infusion,
            )
            for j in range(self.infusions)
        )


class Allocation(Spec):
    """How patients are assigned to arms: in blocks that hold the ratio, within each stratum."""

    ratio: dict[str, int] = Field(examples=["{placebo: 1, ivig: 1}"])
    method: Literal["permuted_blocks"] = Field(examples=["permuted_blocks"])
    block_sizes: Integers = Field(min_length=1, examples=["[4]"])
    strata: Annotated[tuple[Literal["severity"], ...], Field(strict=False)] = Field(
        default=(), examples=["[severity]"]
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_ratio(self.ratio)
        self._check_blocks()
        return self

    def _check_blocks(self) -> None:
        total = sum(self.ratio.values())
        if not self.block_sizes:
            raise FieldFault("block_sizes", "it needs at least one size")
        for size in self.block_sizes:
            if size > 1_000:
                raise FieldFault(
                    "block_sizes",
                    "a block holds at most 1000 patients",
                    example=f"block_sizes: [{2 * total}]",
                )
            if size < total or size % total:
                raise FieldFault(
                    "block_sizes",
                    f"a block of {size} cannot hold the ratio "
                    f"{':'.join(str(v) for v in self.ratio.values())}; "
                    f"write multiples of {total}, such as [{2 * total}]",
                    example=f"block_sizes: [{2 * total}]",
                )


def check_ratio(ratio: dict[str, int]) -> None:
    """Refuse parts of a ratio that are no whole numbers from 1 to 100."""
    if not ratio or min(ratio.values()) < 1:
        whole = {name: max(1, part) for name, part in ratio.items()}
        raise FieldFault(
            "ratio",
            "every part of it must be a whole number of at least 1",
            example=f"ratio: {shown(whole)}" if whole else None,
        )
    if max(ratio.values()) > 100:
        raise FieldFault(
            "ratio",
            "no part of it may exceed 100",
            example=f"ratio: {shown(dict.fromkeys(ratio, 1))}",
        )


class Accrual(Spec):
    """How sites open and how fast each randomises."""

    sites: int = Field(ge=1, le=10_000, examples=["36"])
    site_opening_weeks: float = Field(default=0.0, ge=0, examples=["40"])
    patients_per_site_month: float = Field(ge=1e-4, le=1e7, examples=["0.115"])


class Prednisolone(Spec):
    """The rule for background prednisolone."""

    taper: Literal["stable"] = Field(examples=["stable"])


After = Literal["stop_treatment", "leave_study"]


class Deterioration(Spec):
    """What follows a deterioration confirmed at two consecutive visits."""

    from_week: int = Field(ge=0, examples=["8"])
    then: After = Field(default="stop_treatment", examples=["stop_treatment"])


class Rescue(Spec):
    """From when, and at what response, the physician may turn to rescue treatment."""

    allowed_from_week: int = Field(ge=0, examples=["8"])
    insufficient_tis_below: float = Field(default=20.0, ge=0, le=100, examples=["20"])
    then: After = Field(default="stop_treatment", examples=["stop_treatment"])


class Harm(Spec):
    """What follows an adverse event for which treatment is stopped."""

    then: After = Field(default="stop_treatment", examples=["stop_treatment"])


class Intercurrent(Spec):
    """Intercurrent events that the protocol rules.

    Deterioration and rescue happen only where the protocol has a rule for them; harm happens
    whatever a protocol says.
    """

    deterioration: Deterioration | None = Field(default=None, examples=["{from_week: 8}"])
    rescue: Rescue | None = Field(default=None, examples=["{allowed_from_week: 8}"])
    harm: Harm = Field(default=Harm(), examples=["{then: stop_treatment}"])


class Endpoint(Spec):
    """A response: TIS at least a threshold, *at* a week or ever *by* a week."""

    measure: Literal["tis_at_least"] = Field(examples=["tis_at_least"])
    threshold: float = Field(gt=0, le=100, examples=["20"])
    at_week: int | None = Field(default=None, gt=0, examples=["16"])
    by_week: int | None = Field(default=None, gt=0, examples=["9"])

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        if (self.at_week is None) == (self.by_week is None):
            raise FieldFault(
                "",
                "an endpoint needs exactly one of at_week (on that visit) and by_week (ever until)",
                example="endpoint: {measure: tis_at_least, threshold: 20, at_week: 16}",
            )
        return self

    @property
    def week(self) -> int:
        """The week of the last visit that the endpoint reads."""
        return self.at_week if self.at_week is not None else int(self.by_week or 0)

    def words(self) -> str:
        """Return the endpoint in a phrase."""
        when = f"at week {self.at_week}" if self.at_week is not None else f"by week {self.by_week}"
        return f"TIS >= {self.threshold:g} {when}"


Composite = Literal["composite"]


class Estimand(Spec):
    """The strategy for each intercurrent event; the composite counts it as no response."""

    rescue: Composite = Field(default="composite", examples=["composite"])
    deterioration: Composite = Field(default="composite", examples=["composite"])
    discontinuation: Composite = Field(default="composite", examples=["composite"])
    death: Composite = Field(default="composite", examples=["composite"])
    missing: Composite = Field(default="composite", examples=["composite"])


class SampleSize(Spec):
    """The planned size."""

    n: int = Field(ge=2, le=MOST_PATIENTS, examples=["94"])
