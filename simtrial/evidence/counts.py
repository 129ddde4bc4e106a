"""Figures that count: patients who reached an endpoint, parts of a set, cells, first visits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from simtrial.core.config import Spec

Subtype = Literal["DM", "PM", "IMNM", "ASyS", "OM", "IBM", "ICI"]

MOST = 1_000_000  # of patients, events or courses; more are not from one study
Patients = Annotated[int, Field(ge=1, le=MOST, examples=[19])]
NonNegative = Annotated[int, Field(ge=0, le=MOST)]


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


class Tally(Values):
    """Patients by property where one may have several, or none: cells need not sum to ``n``."""

    n: Patients
    cells: dict[str, NonNegative] = Field(
        min_length=2, examples=["{methotrexate: 6, azathioprine: 5}"]
    )

    @field_validator("cells")
    @classmethod
    def _not_more_than_patients(cls, cells: dict[str, int], info: ValidationInfo) -> dict[str, int]:
        n = info.data.get("n")
        over = [name for name, k in cells.items() if n is not None and k > n]
        if over:
            raise ValueError(f"{over[0]} has more than all the patients, n is {n}")
        return cells


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


def _summing[K](cells: dict[K, int], info: ValidationInfo, others: int = 0) -> dict[K, int]:
    total = sum(cells.values()) + others
    n = info.data.get("n", total)
    if total != n:
        of_all = " with never" if others else ""
        raise ValueError(f"the cells{of_all} sum to {total}, and n is {n}")
    return cells
