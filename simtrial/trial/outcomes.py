"""A truth of outcomes alone: each arm's chance of response, or its hazard; no patient model."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from simtrial.core.config import FieldFault, Spec
from simtrial.core.errors import DesignError
from simtrial.core.located import shown
from simtrial.core.provenance import digest
from simtrial.trial.decisions import WEIGHTS_OFF, Component, Mixture, Pair, of_sum_one
from simtrial.trial.plan import Plan

_ONE_CHANCE = "give one number from 0 to 1, or one of beta and mixture"
_ONE_HAZARD = "give one rate a day, a list of {from_day, rate}, or a ratio and the arm it is to"


class Chance(Spec):
    """A chance of response: one number, or a beta prior of it, or a mixture of such priors."""

    value: float | None = Field(default=None, ge=0, le=1, examples=["0.4"])
    beta: Pair | None = Field(default=None, examples=["[12, 18]"])
    mixture: Mixture | None = Field(default=None, examples=["[[0.8, 12, 18], [0.2, 1, 1]]"])

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [key for key in ("value", "beta", "mixture") if getattr(self, key) is not None]
        if len(given) != 1:
            raise FieldFault("", _ONE_CHANCE, example="0.4")
        for _, a, b in self.components():
            if min(a, b) < 1e-6 or max(a, b) > 1e5:
                raise FieldFault(given[0], "beta parameters are from 0.000001 up to 100,000")
        weights = [w for w, _, _ in self.components()]
        if self.value is None and (
            not weights or min(weights) <= 0.0 or abs(math.fsum(weights) - 1.0) > WEIGHTS_OFF
        ):
            raise FieldFault("mixture", "the weights must be above 0 and their sum 1")
        return self

    def components(self) -> tuple[Component, ...]:
        """Return (weight, a, b) of each part of the prior; none of one number."""
        if self.beta is not None:
            return ((1.0, *self.beta),)
        return of_sum_one(self.mixture or ())

    @property
    def mean(self) -> float:
        """The chance, or the mean of its prior."""
        if self.value is not None:
            return self.value
        return sum(w * a / (a + b) for w, a, b in self.components())

    def words(self) -> str:
        """Return the chance, or its prior, as text."""
        if self.value is not None:
            return f"{self.value:g}"
        parts = self.components()
        texts = [f"Beta({a:g}, {b:g})" for _, a, b in parts]
        if len(parts) == 1:
            return texts[0]
        return " + ".join(f"{w:g} {t}" for (w, _, _), t in zip(parts, texts, strict=True))


class HazardPiece(Spec):
    """A hazard from a day on: a rate, or a multiple of another arm's."""

    from_day: float = Field(ge=0, examples=["0"])
    rate: float | None = Field(default=None, ge=0, le=1e3, examples=["0.0019"])
    ratio: float | None = Field(default=None, ge=0, le=1e6, examples=["0.6"])
    to: str | None = Field(default=None, examples=["control"])

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.rate is None) == (self.ratio is None) or (self.ratio is None) != (self.to is None):
            raise FieldFault(
                "",
                "a piece has a rate a day, or a ratio and the arm it is to",
                example=f"{{from_day: {self.from_day:g}, rate: 0.0019}}",
            )
        return self


class Hazard(Spec):
    """A hazard a day: one number, one that changes, or a multiple of another arm's."""

    rate: float | None = Field(default=None, ge=0, le=1e3, examples=["0.0019"])
    pieces: Annotated[tuple[HazardPiece, ...], Field(strict=False)] | None = Field(
        default=None, examples=["[{from_day: 0, rate: 0.002}, {from_day: 180, rate: 0.001}]"]
    )
    ratio: float | None = Field(default=None, ge=0, examples=["0.6"])
    to: str | None = Field(default=None, examples=["placebo"])

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.rate, self.pieces, self.ratio)
        if sum(way is not None for way in ways) != 1 or (self.ratio is None) != (self.to is None):
            ratio, to = 0.6 if self.ratio is None else self.ratio, self.to
            meant = f"{{ratio: {ratio:g}, to: {to}}}"
            raise FieldFault("", _ONE_HAZARD, example="0.0019" if to is None else meant)
        if self.pieces is not None:
            days = [piece.from_day for piece in self.pieces]
            later = pairwise(days)
            if not days or days[0] != 0.0 or any(b <= a for a, b in later):
                raise FieldFault(
                    "pieces",
                    "the first piece is from day 0 and the others come later, in order",
                    example="[{from_day: 0, rate: 0.002}, {from_day: 180, rate: 0.001}]",
                )
        return self

    def written(self) -> tuple[HazardPiece, ...]:
        """Return the hazard as pieces, at least one."""
        if self.pieces is not None:
            return self.pieces
        return (HazardPiece(from_day=0.0, rate=self.rate, ratio=self.ratio, to=self.to),)

    @property
    def refers_to(self) -> set[str]:
        """The arms of whose hazards this one is a multiple."""
        return {piece.to for piece in self.written() if piece.to is not None}


def as_chance(value: object) -> object:
    """Return a bare number as a chance of that value."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"value": value}
    if not isinstance(value, dict | Chance):
        pair = isinstance(value, list | tuple) and len(value) == 2
        raise FieldFault("", _ONE_CHANCE, example=f"{{beta: {shown(value)}}}" if pair else "0.4")
    return value


def as_hazard(value: object) -> object:
    """Return a bare number as a constant hazard, and a list as pieces."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"rate": value}
    if isinstance(value, list | tuple):
        return {"pieces": value}
    if not isinstance(value, dict | Hazard):
        raise FieldFault("", _ONE_HAZARD, example="0.0019")
    return value


class OutcomeScenario(Spec):
    """A truth of outcomes alone.

    ``outcomes``: each arm's chance of response. ``hazards_per_day``: each arm's hazard of the
    event, with ``dropout_per_day`` beside it. ``strata``: the shares of patients in the strata of
    a stratified allocation.
    """

    outcomes: dict[str, Annotated[Chance, BeforeValidator(as_chance)]] | None = Field(
        default=None, examples=["{control: 0.40, treated: 0.70}"]
    )
    strata: dict[str, float] | None = Field(
        default=None, examples=["{mild: 0.2, moderate: 0.5, severe: 0.3}"]
    )
    hazards_per_day: dict[str, Annotated[Hazard, BeforeValidator(as_hazard)]] | None = Field(
        default=None, examples=["{control: 0.0019, treated: {ratio: 0.6, to: control}}"]
    )
    dropout_per_day: dict[str, Annotated[float, Field(ge=0, le=1e3)]] | None = Field(
        default=None, examples=["{control: 0.0002, treated: 0.0002}"]
    )
    source: str = Field(default="set in the scenario", examples=["expert opinion"])

    @field_validator("strata")
    @classmethod
    def _shares(cls, value: dict[str, float] | None) -> dict[str, float] | None:
        if value is not None:
            if not value or min(value.values()) <= 0:
                raise ValueError("every share of a stratum must be above 0; leave out the others")
            if abs(sum(value.values()) - 1.0) > 1e-6:
                raise ValueError(
                    f"the shares add up to {sum(value.values()):g}; they must add up to 1"
                )
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.outcomes is None) == (self.hazards_per_day is None):
            raise FieldFault(
                "",
                "it needs exactly one of outcomes and hazards_per_day",
                example="outcomes: {control: 0.40, treated: 0.70}",
            )
        if self.dropout_per_day is not None and self.hazards_per_day is None:
            arms = ", ".join(f"{arm}: {chance.mean:g}" for arm, chance in self._chances.items())
            raise FieldFault(
                "dropout_per_day",
                "it belongs to hazards_per_day; leave it out",
                example=f"outcomes: {{{arms}}}",
            )
        hazards = self.hazards_per_day or {}
        if self.strata is not None and self.outcomes is None:
            arms = ", ".join(f"{arm}: 0.0019" for arm in hazards)
            raise FieldFault(
                "strata",
                "it belongs to outcomes; leave it out",
                example=f"hazards_per_day: {{{arms}}}",
            )
        written_out = [arm for arm, hazard in hazards.items() if not hazard.refers_to]
        for arm, hazard in hazards.items():
            if not hazard.refers_to <= set(written_out):
                raise FieldFault(
                    ("hazards_per_day", arm, *(("to",) if written_out else ())),
                    "name an arm whose hazard is written out"
                    + ("" if written_out else "; none is, so write one"),
                    example=f"to: {written_out[0]}" if written_out else "0.0019",
                )
        return self

    @property
    def _chances(self) -> dict[str, Chance]:
        return self.outcomes or {}

    @property
    def is_prior(self) -> bool:
        """Whether any chance is a prior, so that success is an assurance."""
        return any(chance.value is None for chance in (self.outcomes or {}).values())

    def pieces_of(self, arm: str) -> tuple[tuple[float, float], ...]:
        """Return (from day, hazard a day) of an arm, ratios multiplied out."""
        own = (self.hazards_per_day or {})[arm].written()
        days = {piece.from_day for piece in own}
        for other in {piece.to for piece in own if piece.to is not None}:
            days |= {day for day, _ in self.pieces_of(other)}
        return tuple((day, self._hazard_on(own, day)) for day in sorted(days))

    def _hazard_on(self, pieces: tuple[HazardPiece, ...], day: float) -> float:
        piece = next(p for p in reversed(pieces) if p.from_day <= day)
        if piece.to is None or piece.ratio is None:
            return piece.rate or 0.0
        other = self.pieces_of(piece.to)
        return piece.ratio * next(rate for start, rate in reversed(other) if start <= day)

    def digest(self) -> str:
        """Return the digest that names this truth."""
        return digest(self.model_dump(mode="json", by_alias=True))


def check_fit(design: Plan, scenario: OutcomeScenario) -> None:
    """Refuse a truth that is not one of a design's outcome, arms and strata.

    Raises
    ------
    DesignError
    """
    key = "outcomes" if scenario.outcomes is not None else "hazards_per_day"
    if design.is_time_to_event != (scenario.outcomes is None):
        outcome = "the time to an event" if design.is_time_to_event else "a response or none"
        wanted = "hazards_per_day" if design.is_time_to_event else "outcomes"
        numbers = ("0.0019", "0.0011") if design.is_time_to_event else ("0.4", "0.7")
        pairs = zip(design.arm_names, numbers, strict=False)
        arms = ", ".join(f"{arm}: {number}" for arm, number in pairs)
        raise DesignError(
            f"{scenario.where(key)} is given, and the design's outcome is {outcome}; write "
            f"{wanted}; for example {wanted}: {{{arms}}}."
        )
    for name, given in (
        (key, getattr(scenario, key)),
        ("dropout_per_day", scenario.dropout_per_day),
    ):
        if given is not None and set(given) != set(design.arm_names):
            number = "0.4" if name == "outcomes" else "0.001"
            arms = ", ".join(f"{arm}: {number}" for arm in design.arm_names)
            raise DesignError(
                f"{scenario.where(name)} names {', '.join(given) or 'no arm'}; it must name the "
                f"arms of the design, {', '.join(design.arm_names)}, and no others; for example "
                f"{name}: {{{arms}}}."
            )
    if design.allocation is not None and design.allocation.method == "minimisation":
        raise DesignError(
            f"{design.where('allocation', 'method')} is minimisation, which needs the factors of "
            "each patient, and a truth of outcomes alone has no patients; give a scenario of "
            "patients, such as point, or another method; for example method: permuted_blocks."
        )
    strata = () if design.allocation is None else design.allocation.strata
    if strata and scenario.outcomes is not None and scenario.strata is None:
        raise DesignError(
            f"{scenario.where('strata')} is missing, and the design allocates within strata of "
            f"{', '.join(strata)}; without patients their shares must be told; for example "
            "strata: {mild: 0.2, moderate: 0.5, severe: 0.3}."
        )
    if scenario.strata is not None and not strata:
        raise DesignError(
            f"{scenario.where('strata')} is {shown(scenario.strata)}, and the design allocates "
            "without strata; leave it out, or give the design some; for example "
            "strata: [severity]."
        )
