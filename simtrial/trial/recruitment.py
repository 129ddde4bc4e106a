"""Who is sought, and how fast: eligibility at screening, the line of therapy, and accrual."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from simtrial.core.config import FieldFault, Spec
from simtrial.core.located import flow, nearest, shown
from simtrial.core.other_units import neat
from simtrial.myositis.measures import OLDEST, YOUNGEST
from simtrial.myositis.parameters import LINES

Subtype = Literal["DM", "PM", "IMNM", "ASyS", "OM", "IBM", "ICI"]


class Eligibility(Spec):
    """Who may enter: by values observed at screening, and by history."""

    mmt_below: float | None = Field(default=None, gt=0, examples=["142"])
    other_abnormal_measures: int = Field(default=0, ge=0, le=5, examples=["2"])
    prednisolone_at_most_mg: float | None = Field(default=None, ge=0, examples=["20"])
    mmt_at_least: float | None = Field(default=None, ge=0, examples=["80"])
    prednisolone_at_least_mg: float | None = Field(default=None, ge=0, examples=["5"])
    age_at_least: float | None = Field(default=None, ge=YOUNGEST, le=OLDEST, examples=["18"])
    age_at_most: float | None = Field(default=None, ge=YOUNGEST, le=OLDEST, examples=["75"])
    exclude_cancer: bool = Field(default=False, examples=["true"])
    exclude_previous_thromboembolism: bool = Field(default=False, examples=["true"])

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        for low, high, strict in (
            ("mmt_at_least", "mmt_below", True),
            ("prednisolone_at_least_mg", "prednisolone_at_most_mg", False),
            ("age_at_least", "age_at_most", True),
        ):
            least, most = getattr(self, low), getattr(self, high)
            if least is None or most is None:
                continue
            if least > most or (strict and least == most):
                raise FieldFault(
                    low,
                    f"{high} is {most:g}, so nobody could enter; "
                    f"write less than {most:g}, or leave one of the two out",
                    example=f"{low}: {neat(max(most / 2.0, YOUNGEST if 'age' in low else 0.0))}",
                )
        return self


def as_line(value: object) -> object:
    """Return what is written as a line of therapy or as shares of both, checked by itself."""
    mix = "line: {first_line: 0.4, refractory: 0.6}"
    if isinstance(value, str) and value in LINES:
        return value
    if isinstance(value, str):
        near = nearest(value, LINES) or LINES[1]
        raise FieldFault(
            "", f"choose {', '.join(LINES)}, or give shares of both", example=f"line: {near}"
        )
    if not isinstance(value, Mapping) or not value:
        raise FieldFault("", f"a line is one of {', '.join(LINES)}, or shares of both", example=mix)
    for name, share in value.items():
        if name not in LINES:
            raise FieldFault("", f"{name} is none of {', '.join(LINES)}", example=mix)
        if not isinstance(share, int | float) or isinstance(share, bool) or not 0 < share <= 100:
            raise FieldFault(
                "",
                f"the share of {name} is {shown(share)}; it must be a number above 0; leave out "
                "the other line",
                example=mix,
            )
    total = float(sum(value.values()))
    if abs(total - 1.0) > 1e-6:
        parts = {name: neat(share / total) for name, share in value.items()}
        raise FieldFault(
            "",
            f"the shares add up to {total:g}; they must add up to 1",
            example=f"line: {flow(parts)}",
        )
    if len(value) == 1:
        return next(iter(value))
    return {name: float(value[name]) for name in LINES}


LineMix = Annotated[str | dict[str, float], BeforeValidator(as_line)]


class Accrual(Spec):
    """How sites open, how fast each randomises, how they differ, and where recruitment ends.

    ``site_rate_cv`` : coefficient of variation of the sites' rates around
    ``patients_per_site_month``, gamma-distributed. ``pauses_weeks`` : from and until which week
    of the calendar nobody is screened anywhere.
    """

    sites: int = Field(ge=1, le=10_000, examples=["36"])
    site_opening_weeks: float = Field(default=0.0, ge=0, examples=["40"])
    patients_per_site_month: float = Field(ge=1e-4, le=1e7, examples=["0.115"])
    site_rate_cv: float = Field(default=0.0, ge=0.0, le=3.0, examples=["0.8"])
    patients_per_site_at_most: int | None = Field(default=None, ge=1, examples=["10"])
    subtypes_at_most: dict[Subtype, Annotated[int, Field(ge=1)]] = Field(
        default={}, examples=["{IMNM: 20}"]
    )
    pauses_weeks: Annotated[
        tuple[Annotated[tuple[float, float], Field(strict=False)], ...], Field(strict=False)
    ] = Field(default=(), examples=["[[20, 26]]"])

    @field_validator("site_rate_cv")
    @classmethod
    def _spread(cls, value: float) -> float:
        # the shape of the rates is 1/cv^2; far above 1e6 it is no spread at all
        if 0.0 < value < 0.001:
            raise FieldFault(
                "", "a spread below 0.001 is none; write 0 or more", example="site_rate_cv: 0"
            )
        return value

    @field_validator("pauses_weeks")
    @classmethod
    def _in_order(cls, value: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        for start, end in value:
            if start < 0 or end <= start or end > 5_200:
                raise FieldFault(
                    "",
                    f"the pause [{start:g}, {end:g}] must start at week 0 or later, end after its "
                    "start, and by week 5200",
                    example="pauses_weeks: [[20, 26]]",
                )
        for before, after in pairwise(value):
            if after[0] < before[1]:
                joined = [neat(min(before[0], after[0])), neat(max(before[1], after[1]))]
                raise FieldFault(
                    "",
                    f"the pause [{after[0]:g}, {after[1]:g}] starts before [{before[0]:g}, "
                    f"{before[1]:g}] is over; write pauses in order, and one for two that overlap",
                    example=f"pauses_weeks: {shown([joined])}",
                )
        return value

    def largest_n(self, subtypes: Collection[str]) -> int | None:
        """Return how many patients of these subtypes may be randomised; None for any number."""
        limits = []
        if self.patients_per_site_at_most is not None:
            limits.append(self.sites * self.patients_per_site_at_most)
        if set(self.subtypes_at_most) == set(subtypes):
            limits.append(sum(self.subtypes_at_most.values()))
        return min(limits, default=None)

    def check(self, subtypes: Collection[str], n: int) -> None:
        """Refuse what keeps a trial of ``n`` patients of these subtypes from being full.

        Raises
        ------
        FieldFault
        """
        for subtype in self.subtypes_at_most:
            if subtype not in subtypes:
                raise FieldFault(
                    "accrual.subtypes_at_most",
                    f"{subtype} is no subtype of the design, which has {', '.join(subtypes)}",
                    example=f"subtypes_at_most: {{{next(iter(subtypes))}: 20}}",
                )
        per_site = self.patients_per_site_at_most
        if per_site is not None and per_site * self.sites < n:
            raise FieldFault(
                "accrual.patients_per_site_at_most",
                f"{self.sites} sites with at most {per_site} patients make {per_site * self.sites},"
                f" and {n} are planned",
                example=f"patients_per_site_at_most: {-(-n // self.sites)}",
            )
        room = sum(self.subtypes_at_most.values())
        if set(self.subtypes_at_most) == set(subtypes) and room < n:
            kept = dict(list(self.subtypes_at_most.items())[:-1])
            raise FieldFault(
                "accrual.subtypes_at_most",
                f"every subtype is limited, together to {room} patients, and {n} are planned",
                example=f"subtypes_at_most: {shown(kept)}" if kept else None,
            )
