"""How a trial is analysed and decided: the method, its looks, when it succeeds or stops."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from simtrial.core.config import FieldFault, Spec
from simtrial.core.located import flow, shown
from simtrial.core.other_units import neat

BINARY_METHODS = ("beta_binomial", "z_test", "fisher")
EVENT_METHODS = ("logrank", "cox")
Method = Literal["beta_binomial", "z_test", "fisher", "logrank", "cox"]
Pair = Annotated[tuple[float, float], Field(strict=False)]
Component = Annotated[tuple[float, float, float], Field(strict=False)]
Mixture = Annotated[tuple[Component, ...], Field(strict=False)]
Numbers = float | Annotated[tuple[float, ...], Field(strict=False)]
Level = Annotated[float, Field(gt=0.0, lt=1.0)]
Levels = Level | Annotated[tuple[Level, ...], Field(strict=False)]
Boundary = Literal[
    "obrien_fleming",
    "pocock",
    "wang_tsiatis",
    "haybittle_peto",
    "lan_demets_obrien_fleming",
    "lan_demets_pocock",
    "hwang_shih_de_cani",
    "kim_demets",
    "user_spending",
]
# how far from 1 the weights of a mixture may add up, as decimals are cut off
WEIGHTS_OFF = 1e-6
# what a family needs beside the error, and what it is called in its paper
BOUNDARY_PARAMETERS = {"wang_tsiatis": "delta", "hwang_shih_de_cani": "gamma", "kim_demets": "rho"}


def as_prior(value: object) -> object:
    """Return what is written as a prior, or say what one looks like."""
    parts = value if isinstance(value, list | tuple) else []
    pair = len(parts) == 2 and all(map(_is_number, parts))
    mixture = bool(parts) and all(
        isinstance(part, list | tuple) and len(part) == 3 and all(map(_is_number, part))
        for part in parts
    )
    if not pair and not mixture:
        raise FieldFault(
            "", "a prior is two numbers, [a, b], or several of [weight, a, b]", example="[1, 1]"
        )
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


Prior = Annotated[Pair | Mixture, BeforeValidator(as_prior)]


class Analysis(Spec):
    """What is computed at each look: a posterior under beta priors, or a test statistic."""

    method: Method = Field(examples=["beta_binomial"])
    prior: dict[str, Prior] = Field(default={}, examples=["{placebo: [1, 1], ivig: [1, 1]}"])
    variance: Literal["pooled", "unpooled"] = Field(default="pooled", examples=["pooled"])

    @field_validator("prior")
    @classmethod
    def _positive(cls, value: dict[str, Pair | Mixture]) -> dict[str, Pair | Mixture]:
        for arm in value:
            parts = components_of(value[arm])
            for _, a, b in parts:
                if min(a, b) < 0.1 or max(a, b) > 100:
                    raise FieldFault(
                        "",
                        f"the prior of {arm} is Beta({a:g}, {b:g}); each number must be from 0.1 "
                        "to 100",
                        example=_flat(value),
                    )
            weights = [weight for weight, _, _ in parts]
            if not weights or min(weights) <= 0.0 or abs(math.fsum(weights) - 1.0) > WEIGHTS_OFF:
                raise FieldFault(
                    "",
                    f"the weights of the prior of {arm} are {weights}; each must be above 0 and "
                    "their sum 1, as in [[0.8, 4, 16], [0.2, 1, 1]]",
                    example=_flat(value),
                )
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.method in ("z_test", "fisher") and self.prior:
            raise self.no_priors()
        if self.method != "z_test" and self.variance != "pooled":
            raise FieldFault(
                "variance",
                f"{self.method} computes none; it belongs to z_test",
                example="variance: pooled",
            )
        return self

    def no_priors(self) -> FieldFault:
        """Return the fault that priors stand where a test has none."""
        written = {arm: shown_prior(parts) for arm, parts in self.prior.items()}
        return FieldFault(
            "prior",
            f"{self.method} has no priors",
            example=f"analysis: {{method: beta_binomial, prior: {shown(written)}}}",
        )

    def components(self, arm: str) -> tuple[tuple[float, float, float], ...]:
        """Return (weight, a, b) of each part of an arm's prior."""
        return components_of(self.prior[arm])


def _flat(prior: dict[str, Pair | Mixture]) -> str:
    return f"prior: {shown({arm: [1, 1] for arm in prior})}"


def shown_prior(prior: Pair | Mixture) -> list[object]:
    """Return a prior as it is written."""
    return [[*map(neat, part)] if isinstance(part, tuple) else neat(part) for part in prior]


def components_of(prior: Pair | Mixture) -> tuple[tuple[float, float, float], ...]:
    """Return (weight, a, b) of each part of a prior: one for a pair of numbers."""
    if prior and isinstance(prior[0], tuple):
        return of_sum_one(tuple((float(w), float(a), float(b)) for w, a, b in prior))
    a, b = prior
    return ((1.0, float(a), float(b)),)  # type: ignore[arg-type]


def of_sum_one(parts: tuple[Component, ...]) -> tuple[Component, ...]:
    """Return parts with weights that add up to 1 exactly: a third may be written 0.3333333.

    What is further off than writing can be stays as it is, and is refused.
    """
    total = math.fsum(weight for weight, _, _ in parts)
    if not 0.0 < abs(total - 1.0) <= WEIGHTS_OFF:
        return parts
    return tuple((weight / total, a, b) for weight, a, b in parts)


class Comparison(NamedTuple):
    """``a > b + margin`` or ``a < b``: two arms, the sign between them, and a margin."""

    first: str
    sign: str
    second: str
    margin: float


# without a space before its sign a margin needs its point: the names of arms may end in -1
_MARGIN = r"(?:\s+(?P<far>[+-])\s*(?P<wide>\d*\.?\d+)|(?P<near>[+-])(?P<close>\d*\.\d+))?"
_COMPARISON = re.compile(rf"^\s*(.+?)\s*([<>])\s*(.+?){_MARGIN}\s*$")


def comparison(text: str) -> Comparison | None:
    """Return what ``a > b``, ``a > b + 0.1`` or ``a < b`` compares; None where it is neither."""
    found = _COMPARISON.match(text)
    if found is None:
        return None
    first, sign, second, *_ = found.groups()
    plus, number = found["far"] or found["near"], found["wide"] or found["close"]
    margin = float(number) * (-1.0 if plus == "-" else 1.0) if number else 0.0
    return Comparison(first, sign, second, margin)


class Criterion(Spec):
    """A bound on a posterior probability."""

    probability_of: str = Field(examples=['"ivig > placebo + 0.1"'])
    above: float = Field(gt=0.0, lt=1.0, examples=["0.5"])


class SpendingBoundary(Spec):
    """The family of critical values over the looks, for a one-sided error in all.

    ``spent`` : of ``user_spending``, the error spent by each look together with those before it;
    the last is ``alpha``.
    """

    kind: Boundary = Field(examples=["lan_demets_obrien_fleming"])
    parameter: float | None = Field(default=None, examples=["-4.0"])
    spent: Annotated[tuple[float, ...], Field(strict=False)] | None = Field(
        default=None, examples=["[0.005, 0.025]"]
    )

    @model_validator(mode="after")
    def _parameter(self) -> Self:
        named = BOUNDARY_PARAMETERS.get(self.kind)
        if named is not None and self.parameter is None:
            raise FieldFault(
                "parameter",
                f"{self.kind} needs its {named}",
                example=f"boundary: {{kind: {self.kind}, parameter: {_USUAL[self.kind]}}}",
            )
        if (self.spent is not None) != (self.kind == "user_spending"):
            raise FieldFault(
                "spent",
                "user_spending, and no other kind, needs the error spent by each look",
                example="boundary: {kind: user_spending, spent: [0.005, 0.025]}",
            )
        errors = self.spent or ()
        if any(not 0.0 <= a <= b for a, b in pairwise((0.0, *errors))):
            raise FieldFault("spent", "the errors are of all looks so far, so they never fall")
        if named is None and self.parameter is not None:
            raise FieldFault(
                "parameter", f"{self.kind} has none", example=f"boundary: {{kind: {self.kind}}}"
            )
        if named is not None and self.parameter is not None:
            low, high = _RANGES[self.kind]
            if not low <= self.parameter <= high:
                raise FieldFault(
                    "parameter",
                    f"{named} of {self.kind} lies from {low:g} to {high:g}",
                    example=f"parameter: {_USUAL[self.kind]}",
                )
        return self

    def words(self) -> str:
        """Return the family in words, with its parameter or the errors spent."""
        named = BOUNDARY_PARAMETERS.get(self.kind)
        if named is not None:
            return f"{_NAMES[self.kind]} ({named} {self.parameter:g})"
        if self.spent is not None:
            return f"{_NAMES[self.kind]} ({', '.join(f'{error:g}' for error in self.spent)})"
        return _NAMES[self.kind]


# Wang and Tsiatis' delta as the boundaries take it; beyond these gamma and rho the whole error is
# spent at one look, to the last digit
_RANGES = {
    "wang_tsiatis": (-10.0, 10.0),
    "hwang_shih_de_cani": (-40.0, 40.0),
    "kim_demets": (0.1, 40.0),
}
_NAMES = {
    "obrien_fleming": "O'Brien-Fleming bounds",
    "pocock": "Pocock bounds",
    "wang_tsiatis": "Wang-Tsiatis bounds",
    "haybittle_peto": "Haybittle-Peto bounds",
    "lan_demets_obrien_fleming": "spent as by Lan and DeMets' O'Brien-Fleming function",
    "lan_demets_pocock": "spent as by Lan and DeMets' Pocock function",
    "hwang_shih_de_cani": "spent as by Hwang, Shih and DeCani",
    "kim_demets": "spent as by Kim and DeMets",
    "user_spending": "spent as given",
}
_USUAL = {"wang_tsiatis": "0.25", "hwang_shih_de_cani": "-4.0", "kim_demets": "3.0"}


class Success(Spec):
    """Success: a posterior probability above a level, or a test at a one-sided error.

    ``probability_of: a > b + margin, above: level`` (a level for all looks or one for each), with
    ``and_also`` a second criterion; or ``test_of: a > b, alpha: error`` with the ``boundary`` that
    spreads the error over several looks. Of chances of response ``>`` is better; of hazards ``<``.
    """

    probability_of: str | None = Field(default=None, examples=['"ivig > placebo"'])
    above: Levels | None = Field(default=None, examples=["0.975"])
    and_also: Criterion | None = Field(
        default=None, examples=['{probability_of: "ivig > placebo + 0.1", above: 0.5}']
    )
    test_of: str | None = Field(default=None, examples=['"ivig > placebo"'])
    alpha: float | None = Field(default=None, gt=0.0, lt=0.5, examples=["0.025"])
    boundary: SpendingBoundary | None = Field(
        default=None, examples=["{kind: lan_demets_obrien_fleming}"]
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        bayes, test = self.probability_of is not None, self.test_of is not None
        if bayes == test:
            raise FieldFault(
                "",
                "success needs exactly one of probability_of (with above) and test_of (with alpha)",
                example='success: {probability_of: "ivig > placebo", above: 0.975}',
            )
        for key, wanted, partner in (
            ("above", bayes, "probability_of"),
            ("alpha", test, "test_of"),
        ):
            if (getattr(self, key) is not None) != wanted:
                told = f"{partner} needs it" if wanted else f"it belongs to {partner}, not here"
                raise FieldFault(key, told, example=None if wanted else self._such())
        if self.and_also is not None and not bayes:
            raise FieldFault(
                "and_also", "it belongs to probability_of, not here", example=self._such()
            )
        if self.boundary is not None and not test:
            raise FieldFault("boundary", "it belongs to test_of, not here", example=self._such())
        return self

    def _such(self) -> str:
        """Return such a rule, of the arms that are written, with nothing beside."""
        if self.probability_of is not None:
            return f'success: {{probability_of: "{self.probability_of}", above: 0.975}}'
        given = None if self.boundary is None else self.boundary.model_dump(exclude_none=True)
        spread = "" if given is None else f", boundary: {flow(given)}"
        return f'success: {{test_of: "{self.test_of}", alpha: 0.025{spread}}}'

    @property
    def levels(self) -> tuple[float, ...]:
        """The levels of ``above``: one for all looks, or one for each; none for a test."""
        if self.above is None:
            return ()
        return self.above if isinstance(self.above, tuple) else (self.above,)

    def level_at(self, look: int) -> float:
        """Return the level of ``above`` at a look (from 0)."""
        levels = self.levels
        return levels[look] if len(levels) > 1 else levels[0]

    @property
    def compared(self) -> str:
        """What is compared, as written: ``ivig > placebo``."""
        return str(self.probability_of if self.probability_of is not None else self.test_of)

    def comparison(self) -> Comparison:
        """Return the arms compared, the sign and the margin."""
        found = comparison(self.compared)
        return found if found is not None else Comparison(self.compared.strip(), ">", "", 0.0)

    def arms(self) -> tuple[str, str]:
        """Return the arm that should be better, and the one it is compared with."""
        found = self.comparison()
        return found.first, found.second


class Futility(Spec):
    """Stop for futility, at every look but the last, when one of these is low. Non-binding:
    it is counted in power and sizes and never raises the level for success.
    """

    probability_of: str | None = Field(default=None, examples=['"ivig > placebo"'])
    below: float | None = Field(default=None, gt=0.0, lt=1.0, examples=["0.2"])
    predictive_probability_below: float | None = Field(
        default=None, gt=0.0, lt=1.0, examples=["0.05"]
    )
    z_below: Numbers | None = Field(default=None, examples=["0.0"])

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.probability_of, self.predictive_probability_below, self.z_below)
        if sum(way is not None for way in ways) != 1:
            raise FieldFault(
                "",
                "futility needs exactly one of probability_of (with below), "
                "predictive_probability_below, and z_below",
                example="futility: {predictive_probability_below: 0.05}",
            )
        if (self.below is not None) != (self.probability_of is not None):
            raise FieldFault("below", "probability_of and below come together")
        return self

    def words(self) -> str:
        """Return the rule in a phrase."""
        if self.probability_of is not None:
            return f"the posterior probability of {self.probability_of} is below {self.below:g}"
        if self.predictive_probability_below is not None:
            return (
                "the predictive probability of success is below "
                f"{self.predictive_probability_below:g}"
            )
        levels = self.z_below if isinstance(self.z_below, tuple) else (self.z_below,)
        return f"z is below {', '.join(f'{level:g}' for level in levels if level is not None)}"


class DecisionRule(Spec):
    """The rules that end the trial."""

    success: Success = Field(examples=['{probability_of: "ivig > placebo", above: 0.975}'])
    futility: Futility | None = Field(
        default=None, examples=["{predictive_probability_below: 0.05}"]
    )


class Look(Spec):
    """One analysis: at a share of the information, a number of patients or events, or a week.

    ``information`` is the share of patients with outcomes; beside ``week``, the share of events
    that is planned to have come by then. The last look is at all.
    """

    information: float | None = Field(default=None, gt=0, le=1, examples=["1.0"])
    n: int | None = Field(default=None, ge=1, examples=["34"])
    events: int | None = Field(default=None, ge=1, examples=["60"])
    week: float | None = Field(default=None, gt=0, examples=["52"])

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [key for key in ("information", "n", "events", "week") if getattr(self, key)]
        if len(given) != 1 and given != ["information", "week"]:
            raise FieldFault(
                "",
                "a look needs exactly one of information, n, events and week",
                example="looks: [{information: 0.5}, {information: 1.0}]",
            )
        return self

    def written(self) -> str:
        """Return the look as it is written."""
        given = self.model_dump(exclude_none=True)
        return f"{{{', '.join(f'{key}: {neat(value)}' for key, value in given.items())}}}"

    @property
    def by(self) -> str:
        """By what the look is timed: ``information``, ``n``, ``events`` or ``week``."""
        return next(k for k in ("week", "events", "n", "information") if getattr(self, k))
