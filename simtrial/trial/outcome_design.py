"""A protocol of outcomes alone: named arms, a response or a time to an event, and no patients.

It is what sample-size software usually asks for. Its truth is a scenario of ``outcomes:`` or of
``hazards_per_day:``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from simtrial.core.config import FieldFault, Spec
from simtrial.core.located import shown
from simtrial.trial.allocation import AnyAllocation, check_ratio
from simtrial.trial.plan import Plan

Names = Annotated[tuple[str, ...], Field(strict=False)]


class OutcomeAllocation(AnyAllocation):
    """How patients are assigned: in blocks, or each on his own (``simple``)."""

    method: Literal["permuted_blocks", "simple"] = Field(examples=["permuted_blocks"])

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_ratio(self.ratio)
        if self.method == "simple" and (self.block_sizes or self.strata):
            raise FieldFault(
                "block_sizes" if self.block_sizes else "strata",
                "simple allocation has neither blocks nor strata; leave it out",
                example=f"allocation: {{ratio: {shown(self.ratio)}, method: simple}}",
            )
        if self.method == "permuted_blocks":
            self._check_blocks()
        return self


class AccrualRate(Spec):
    """How many patients enter a month, from a month on."""

    from_month: float = Field(default=0.0, ge=0, examples=["0"])
    patients_per_month: float = Field(gt=0, le=1e7, examples=["15"])


class OutcomeAccrual(Spec):
    """When patients enter: rates that may change, and arrivals at random or evenly spaced."""

    rates: Annotated[tuple[AccrualRate, ...], Field(strict=False)] = Field(
        min_length=1, examples=["[{from_month: 0, patients_per_month: 15}]"]
    )
    arrivals: Literal["poisson", "even"] = Field(default="poisson", examples=["poisson"])

    @field_validator("rates")
    @classmethod
    def _in_order(cls, value: tuple[AccrualRate, ...]) -> tuple[AccrualRate, ...]:
        starts = [rate.from_month for rate in value]
        if starts[0] != 0.0 or any(b <= a for a, b in pairwise(starts)):
            raise ValueError("the first rate is from month 0 and the others come later, in order")
        return value


class OutcomeEndpoint(Spec):
    """What is observed of each patient."""

    measure: Literal["response", "time_to_event"] = Field(examples=["response"])
    name: str | None = Field(default=None, min_length=1, examples=["flare"])

    def words(self) -> str:
        """Return the endpoint in a phrase."""
        if self.measure == "response":
            return self.name or "response"
        return f"time to {self.name or 'event'}"


class OutcomeDesign(Plan):
    """A protocol of outcomes alone."""

    arms: Names = Field(min_length=2, max_length=2, examples=["[control, treated]"])
    allocation: OutcomeAllocation | None = Field(
        default=None,
        examples=["{ratio: {control: 1, treated: 1}, method: permuted_blocks, block_sizes: [2]}"],
    )
    accrual: OutcomeAccrual | None = Field(
        default=None, examples=["{rates: [{from_month: 0, patients_per_month: 15}]}"]
    )
    endpoint: OutcomeEndpoint = Field(examples=["{measure: response}"])
    latest_week: float | None = Field(default=None, gt=0, examples=["156"])

    @field_validator("arms")
    @classmethod
    def _different(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value) or not all(value):
            raise ValueError("the arms need names, each another")
        return value

    @property
    def arm_names(self) -> tuple[str, ...]:
        """The arms in the order in which they are written."""
        return self.arms

    @property
    def is_time_to_event(self) -> bool:
        """Whether the outcome is the time to an event, and not a response or none."""
        return self.endpoint.measure == "time_to_event"

    def _checks(self) -> tuple[Any, ...]:
        return (*super()._checks(), self._check_times)

    def _check_times(self) -> None:
        if not self.is_time_to_event:
            for key in ("accrual", "latest_week"):
                if getattr(self, key) is not None:
                    raise FieldFault(
                        key,
                        "it belongs to times to an event, and a response has none; leave it out",
                        example="endpoint: {measure: response}",
                    )
            return
        if self.allocation is not None and self.allocation.strata:
            alone = self.allocation.model_copy(update={"strata": ()})
            raise FieldFault(
                "allocation.strata",
                "of times to an event no strata are simulated; leave them out",
                example=f"allocation: {{ratio: {shown(alone.ratio)}, method: permuted_blocks, "
                f"block_sizes: {shown(list(alone.block_sizes))}}}",
            )
        most = max((look.events or 0 for look in self.looks), default=0)
        if most > self.sample_size.n:
            raise FieldFault(
                ("looks", len(self.looks) - 1, "events"),
                f"each of {self.sample_size.n} patients has one event at most",
                example=f"events: {max(1, self.sample_size.n * 3 // 5)}",
            )
        if self.latest_week is not None and self.looks[0].by == "week":
            weeks = ", ".join(look.written() for look in self.looks)
            raise FieldFault(
                "latest_week",
                "it ends the wait for events, and these looks are by week; leave it out",
                example=f"looks: [{weeks}]",
            )
        if self.accrual is None:
            raise FieldFault("accrual", "times to an event need to know when patients enter")


def listed(names: Sequence[str]) -> str:
    """Return names in brackets, as YAML writes them."""
    return f"[{', '.join(names)}]"
