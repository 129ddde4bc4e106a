"""The rule for background prednisolone: kept, or tapered in one of four ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from simtrial.core.config import FieldFault, Spec

Taper = Literal["stable", "step", "proportional", "forced", "practice"]
EXAMPLES: Mapping[str, str] = {
    "stable": "{taper: stable}",
    "step": "{taper: step, from_week: 4}",
    "proportional": "{taper: proportional, share: 0.2}",
    "forced": "{taper: forced, target_mg: 5, target_week: 24}",
    "practice": "{taper: practice}",
}
# which keys belong to which rule; ``at_most_mg`` bounds every raise, so it belongs to all
_BY_RESPONSE = ("from_week", "every_weeks", "improved_tis", "floor_mg", "back_up_mg")
_KEYS: Mapping[str, tuple[str, ...]] = {
    "stable": (),
    "step": (*_BY_RESPONSE, "steps_mg"),
    "proportional": (*_BY_RESPONSE, "share"),
    "forced": ("from_week", "every_weeks", "target_mg", "target_week", "hold_on_flare"),
    "practice": ("from_week", "back_up_mg"),
}
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "proportional": ("share",),
    "forced": ("target_mg", "target_week"),
}


class Steps(Spec):
    """How many mg a day one step takes off, by the dose it starts from."""

    above_20: float = Field(default=10.0, gt=0, le=100, examples=["10"])
    above_10: float = Field(default=5.0, gt=0, le=100, examples=["5"])
    to_10: float = Field(default=2.5, gt=0, le=100, examples=["2.5"])


class Prednisolone(Spec):
    """The rule for background prednisolone; doses in mg a day.

    ``step`` and ``proportional`` lower the dose of who has improved (observed TIS), ``forced`` of
    everyone along a line to the target, ``practice`` at the physician's judgement.
    """

    taper: Taper = Field(examples=["stable"])
    from_week: int = Field(default=0, ge=0, examples=["4"])
    every_weeks: int | None = Field(default=None, ge=1, le=520, examples=["4"])
    improved_tis: float = Field(default=20.0, gt=0, le=100, examples=["20"])
    floor_mg: float = Field(default=0.0, ge=0, le=100, examples=["5"])
    back_up_mg: float = Field(default=10.0, ge=0, le=100, examples=["10"])
    at_most_mg: float = Field(default=100.0, gt=0, le=1000, examples=["100"])
    steps_mg: Steps = Field(default=Steps(), examples=["{above_20: 10, above_10: 5, to_10: 2.5}"])
    share: float | None = Field(default=None, gt=0, le=1, examples=["0.2"])
    target_mg: float | None = Field(default=None, ge=0, le=100, examples=["5"])
    target_week: int | None = Field(default=None, ge=1, examples=["24"])
    hold_on_flare: bool = Field(default=False, examples=["true"])

    @model_validator(mode="after")
    def _of_this_rule(self) -> Self:
        allowed = {"taper", "at_most_mg", *_KEYS[self.taper]}
        for key, field in type(self).model_fields.items():
            # a key at its default changes nothing, and a whole record has every key
            if key in allowed or getattr(self, key) == field.default:
                continue
            owners = [name for name, keys in _KEYS.items() if key in keys]
            raise FieldFault(
                key,
                f"it belongs to taper: {' or '.join(owners)}; take it out under "
                f"taper: {self.taper}",
                example=f"prednisolone: {EXAMPLES[self.taper]}",
            )
        for key in _NEEDED.get(self.taper, ()):
            if getattr(self, key) is None:
                raise FieldFault(
                    "",
                    f"taper: {self.taper} needs {' and '.join(_NEEDED[self.taper])}",
                    example=f"prednisolone: {EXAMPLES[self.taper]}",
                )
        if self.target_week is not None and self.target_week <= self.from_week:
            raise FieldFault(
                "target_week",
                f"the target must come after from_week ({self.from_week})",
                example=f"target_week: {self.from_week + 20}",
            )
        return self

    @property
    def is_tapered(self) -> bool:
        """Whether the dose may be lowered."""
        return self.taper != "stable"

    @property
    def weeks_between(self) -> int:
        """The least weeks between two reductions: four, but where the rule sets its own pace."""
        if self.every_weeks is not None:
            return self.every_weeks
        return 4 if self.taper in ("step", "proportional") else 1

    def words(self) -> str:
        """Return the rule in a phrase."""
        when = f"from week {self.from_week}"
        every = f"at most every {self.weeks_between} weeks"
        improved = f"while TIS >= {self.improved_tis:g} and not worse"
        back = f"back up by {self.back_up_mg:g} mg when worse"
        floor = f", not below {self.floor_mg:g} mg/d" if self.floor_mg > 0 else ""
        if self.taper == "step":
            steps = self.steps_mg
            return (
                f"tapered {when}, {every}, {improved}, by {steps.above_20:g} mg above 20, "
                f"{steps.above_10:g} mg above 10, {steps.to_10:g} mg below{floor}; {back}"
            )
        if self.taper == "proportional":
            return (
                f"tapered {when}, {every}, {improved}, by {100 * (self.share or 0):g} % of the "
                f"dose{floor}; {back}"
            )
        if self.taper == "forced":
            held = "held at a flare" if self.hold_on_flare else "whatever the response"
            return (
                f"tapered {when} to {self.target_mg:g} mg/d in week {self.target_week}, evenly, "
                f"{held}"
            )
        if self.taper == "practice":
            return f"tapered {when} at the physician's judgement; {back}"
        return "unchanged"
