"""The sections of a protocol, each with the rules that it can check by itself."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from simtrial.core.config import FieldFault, Spec
from simtrial.core.located import shown
from simtrial.core.other_units import neat
from simtrial.myositis.measures import JUVENILE_ONLY, MMT_MAXIMUM
from simtrial.myositis.parameters import LINES, SUBTYPES
from simtrial.trial.recruitment import Eligibility, LineMix, Subtype

MOST_PATIENTS = 20_000
Background = Literal["none", "continued"]
# what a score is when a measure is missing: missing too, or the sum of the others
TisMissing = Literal["missing", "zero"]
MmtVersion = Literal["MMT8_150", "MMT8_80", "MMT_260", "CMAS_52"]
AgeGroup = Literal["adult", "juvenile"]
Blinding = Literal["double_blind", "open_label"]
Integers = Annotated[tuple[int, ...], Field(strict=False)]


class Population(Spec):
    """Which patients are sought."""

    subtypes: dict[Subtype, float] = Field(examples=["{DM: 1.0}"])
    line: LineMix = Field(examples=["refractory"])
    background: Background = Field(default="continued", examples=["continued"])
    mmt: MmtVersion = Field(examples=["MMT8_150"])
    age_group: AgeGroup = Field(default="adult", examples=["adult"])
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
        if self.mmt in JUVENILE_ONLY and self.age_group != "juvenile":
            raise FieldFault(
                "mmt",
                f"{self.mmt} is a scale of children; adults have an MMT version, and a design of "
                "children says age_group: juvenile",
                example="mmt: MMT8_150",
            )
        most, below = MMT_MAXIMUM[self.mmt], self.eligibility.mmt_below
        if below is not None and below > most:
            raise FieldFault(
                "eligibility.mmt_below",
                f"{self.mmt} has {most} points; write at most {most}, or another mmt version",
                example=f"mmt_below: {round(142 / 150 * most)}",
            )
        least = self.eligibility.mmt_at_least
        if least is not None and least > most:
            raise FieldFault(
                "eligibility.mmt_at_least",
                f"{self.mmt} has {most} points; write at most {most}, or another mmt version",
                example=f"mmt_at_least: {round(80 / 150 * most)}",
            )
        return self

    @property
    def lines(self) -> dict[str, float]:
        """The share of each line of therapy that is sought, first line first."""
        if isinstance(self.line, str):
            return {self.line: 1.0}
        return {name: self.line[name] for name in LINES}

    def line_words(self) -> str:
        """Return the line of therapy, or the shares of both, as a name or in a phrase."""
        if isinstance(self.line, str):
            return self.line
        return " and ".join(f"{100 * share:.3g} % {name}" for name, share in self.lines.items())


After = Literal["continue", "stop_treatment", "leave_study", "switch", "standard_therapy"]


class Deterioration(Spec):
    """What follows a deterioration confirmed at two consecutive visits.

    ``prednisolone_mg`` : mg a day added to prednisolone.
    """

    from_week: int = Field(ge=0, examples=["8"])
    prednisolone_mg: float = Field(default=0.0, ge=0, le=1000, examples=["20"])
    then: After = Field(default="stop_treatment", examples=["stop_treatment"])


class Rescue(Spec):
    """From when, and at what response, the physician may turn to rescue treatment.

    ``prednisolone_mg`` : mg a day added to prednisolone.
    """

    allowed_from_week: int = Field(ge=0, examples=["8"])
    insufficient_tis_below: float = Field(default=20.0, ge=0, le=100, examples=["20"])
    prednisolone_mg: float = Field(default=0.0, ge=0, le=1000, examples=["20"])
    then: After = Field(default="stop_treatment", examples=["stop_treatment"])


class LackOfEffect(Spec):
    """From when, and at what response, treatment may be given up for lack of effect."""

    from_week: int = Field(ge=0, examples=["8"])
    tis_below: float = Field(default=20.0, ge=0, le=100, examples=["20"])
    then: After = Field(default="stop_treatment", examples=["stop_treatment"])


class Harm(Spec):
    """What follows an adverse event for which treatment is stopped."""

    then: Literal["stop_treatment", "leave_study"] = Field(
        default="stop_treatment", examples=["stop_treatment"]
    )


class Intercurrent(Spec):
    """Intercurrent events that the protocol rules.

    Deterioration, rescue and giving up for lack of effect happen only where the protocol has a
    rule for them; harm happens whatever a protocol says. After each: ``continue`` with the
    treatment, ``stop_treatment``, ``leave_study``, ``switch`` to another arm's treatment (as
    ``switch_to`` says, once; of two arms to the other one), or ``standard_therapy`` in its place.
    """

    deterioration: Deterioration | None = Field(default=None, examples=["{from_week: 8}"])
    rescue: Rescue | None = Field(default=None, examples=["{allowed_from_week: 8}"])
    lack_of_effect: LackOfEffect | None = Field(default=None, examples=["{from_week: 8}"])
    switch_to: dict[str, str] | None = Field(default=None, examples=["{placebo: ivig}"])
    harm: Harm = Field(default=Harm(), examples=["{then: stop_treatment}"])

    @property
    def raises_prednisolone(self) -> bool:
        """Whether rescue or deterioration add to the dose."""
        rules = (self.deterioration, self.rescue)
        return any(rule is not None and rule.prednisolone_mg > 0.0 for rule in rules)

    @property
    def switch_from(self) -> int | None:
        """The first week from which an event may be followed by a switch; None without one."""
        starts = []
        if self.deterioration is not None and self.deterioration.then == "switch":
            starts.append(self.deterioration.from_week)
        if self.rescue is not None and self.rescue.then == "switch":
            starts.append(self.rescue.allowed_from_week)
        if self.lack_of_effect is not None and self.lack_of_effect.then == "switch":
            starts.append(self.lack_of_effect.from_week)
        return min(starts, default=None)

    def has(self, then: After) -> bool:
        """Return whether some event is followed by this."""
        rules = (self.deterioration, self.rescue, self.lack_of_effect)
        return any(rule is not None and rule.then == then for rule in rules)


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
