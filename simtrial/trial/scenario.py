"""The truth: what is so. Where parameters come from, and which of them a user has replaced."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from simtrial.core.config import Spec, validate
from simtrial.core.errors import DesignError
from simtrial.core.located import nearest, shown
from simtrial.core.other_units import in_another_unit
from simtrial.core.provenance import digest
from simtrial.myositis.parameters import (
    LINES,
    OF_EITHER_LINE,
    PARAMETERS,
    SUBTYPES,
    Parameter,
    Status,
    response_name,
)
from simtrial.trial.outcomes import OutcomeScenario
from simtrial.trial.shipped import locate

Source = Literal["posterior", "point", "no_effect", "identical_arms"]
SOURCES: tuple[Source, ...] = ("posterior", "point", "no_effect", "identical_arms")


class Replacement(Spec):
    """A parameter replaced by a value, or multiplied; with its status and source."""

    value: float | None = Field(default=None, examples=["0.6"])
    times: float | None = Field(default=None, ge=0, examples=["2"])
    status: Status = Field(default="assumed", examples=["assumed"])
    source: str = Field(default="set in the scenario", examples=["expert opinion"])


def as_replacement(value: object) -> object:
    """Return a bare number as a replacement by that value."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return {"value": float(value)} if plain else value  # type: ignore[arg-type]


class Scenario(Spec):
    """Where the truth comes from, and what is replaced in it.

    ``posterior``: each replicate draws a row. ``point``: the posterior median of each parameter.
    ``no_effect``: no benefit of the drug; its harm stays. ``identical_arms``: neither, the drug's
    infusions do what a placebo's do. ``exposure``: the largest of the courses' effects, or their
    sum.
    """

    source: Source = Field(alias="from", examples=["posterior"])
    set: dict[str, Annotated[Replacement, BeforeValidator(as_replacement)]] = Field(
        default={}, examples=["{p_response.DM: 0.6}"]
    )

    exposure: Literal["max", "sum"] = Field(default="max", examples=["sum"])

    def replacements(self) -> dict[str, Replacement]:
        """Return the replacements by the name as written."""
        return dict(self.set)

    @property
    def has_drug_effect(self) -> bool:
        """Whether the drug works under this scenario."""
        return self.source in ("posterior", "point")

    @property
    def has_drug_harm(self) -> bool:
        """Whether the drug's infusions do more harm than a placebo's under this scenario."""
        return self.source != "identical_arms"

    def digest(self) -> str:
        """Return the digest that names this truth (relative to its posterior)."""
        fields = self.model_dump(mode="json", by_alias=True)
        if self.exposure == "max":
            del fields["exposure"]  # as truths were named before there was a choice
        return digest(fields)


ACCRUAL_RATE = "accrual.patients_per_site_month"


def full_name(name: str, line: str | Mapping[str, float]) -> str:
    """Return a parameter's full name; ``p_response.DM`` stands for the design's line.

    In a design of both lines it stands for neither, unless the subtype has one value for both.
    """
    short = re.fullmatch(r"p_response\.(\w+)", name)
    if short is None:
        return name
    if isinstance(line, str):
        return response_name(short.group(1), line)
    return response_name(short.group(1), "") if short.group(1) in OF_EITHER_LINE else name


def check_replacements(scenario: Scenario) -> None:
    """Refuse unknown names and values outside a parameter's range, saying where and what to write.

    Raises
    ------
    DesignError
    """
    for name, new in scenario.replacements().items():
        place = scenario.where("set", name)
        given = shown(new.model_dump(exclude_defaults=True))
        known = {full_name(name, line) for line in LINES} & set(PARAMETERS)
        if not known and name != ACCRUAL_RATE:
            names = [*PARAMETERS, ACCRUAL_RATE, *(f"p_response.{s}" for s in SUBTYPES)]
            near = nearest(name, names) or names[0]
            raise DesignError(
                f"{place} is not a known parameter (its value is {given}); the nearest is "
                f"'{near}'; for example {_written_as(near)}: {new_value(near)}."
            )
        if (new.value is None) == (new.times is None):
            raise DesignError(
                f"{place} is {given}; it needs exactly one of value and times; "
                "for example {value: 0.6} or {times: 2}."
            )
        if known and new.value is not None:
            _check_range(place, name, PARAMETERS[sorted(known)[0]], new.value)
        rate = new.value if new.value is not None else new.times
        if name == ACCRUAL_RATE and rate is not None and not 1e-4 <= rate <= 1e7:
            raise DesignError(
                f"{place} is {rate:g}; a rate must stay above 0 (0.0001 to 1e7), such as 0.06; "
                f"for example {ACCRUAL_RATE}: 0.06."
            )


def _check_range(place: str, name: str, parameter: Parameter, value: float) -> None:
    if parameter.allows(value):
        return
    example, told = new_value(name), ""
    if parameter.highest == 1.0:
        percent = in_another_unit(name, value, parameter.allows)
        example, told = (percent[0], f"; {percent[1]}") if percent else (example, "")
    raise DesignError(
        f"{place} is {value:g}; {parameter.meaning} lies from {parameter.lowest:g} to "
        f"{parameter.highest:g} ({parameter.unit}){told}; for example {_written_as(name)}: "
        f"{example}."
    )


def new_value(name: str) -> float:
    """Return a value that a parameter may take, for an example."""
    if name == ACCRUAL_RATE:
        return 0.06
    parameter = PARAMETERS[full_name(name, LINES[0])]
    if parameter.scale == "identity":
        return 0.0
    return 0.6 if parameter.allows(0.6) else min(parameter.highest, max(parameter.lowest, 1.0))


def _written_as(name: str) -> str:
    """Return a parameter's name as a key of YAML: in quotes where it holds brackets."""
    return f'"{name}"' if "[" in name else name


AnyScenario = Scenario | OutcomeScenario


def load_scenario(name_or_path: str | Path) -> AnyScenario:
    """Return a scenario from a YAML file or by shipped name (``point``, ``posterior``, ...).

    One with ``outcomes`` or ``hazards_per_day`` is an ``OutcomeScenario``; every other is one of
    patients, a ``Scenario``.

    Raises
    ------
    DesignError : with file, line, field, value, rule and a correct example.
    """
    located = locate(name_or_path, "scenarios")
    written = located.data if isinstance(located.data, dict) else {}
    if any(map(_is_of_outcomes, written)):
        if "from" in written:
            raise DesignError(
                f"{located.where(('from',))} is {shown(written['from'])}, and beside it stands "
                f"{next(key for key in written if _is_of_outcomes(key))}; a truth is of patients "
                "(from) or of outcomes alone, so keep one of the two; for example from: point."
            )
        return validate(OutcomeScenario, located)
    scenario = validate(Scenario, located)
    check_replacements(scenario)
    return scenario


def _is_of_outcomes(key: object) -> bool:
    """Return whether a key is one of a truth of outcomes, or was meant to be."""
    return str(key).lower().startswith(("outcome", "hazard"))


def load_patient_scenario(name_or_path: str | Path, what: str) -> Scenario:
    """Return a scenario of patients; see ``load_scenario`` and ``patient_scenario``."""
    return patient_scenario(load_scenario(name_or_path), what)


def patient_scenario(scenario: AnyScenario, what: str) -> Scenario:
    """Return a scenario of patients; refuse one of outcomes alone, which ``what`` cannot use.

    Raises
    ------
    DesignError
    """
    if isinstance(scenario, Scenario):
        return scenario
    key = "outcomes" if scenario.outcomes is not None else "hazards_per_day"
    raise DesignError(
        f"{scenario.where(key)} is a truth of outcomes alone; {what} needs patients and their "
        "course; give a scenario of patients; for example from: point."
    )
