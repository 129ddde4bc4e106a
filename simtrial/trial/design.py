"""The protocol: what will be done. Frozen, validated, loadable from YAML."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from simtrial.core.config import FieldFault, Located, Spec, validate
from simtrial.core.located import shown
from simtrial.core.other_units import in_another_unit
from simtrial.core.provenance import digest
from simtrial.trial.sections import (
    Accrual,
    Allocation,
    Arm,
    BetaBinomial,
    Course,
    DecisionRule,
    Endpoint,
    Estimand,
    Integers,
    Intercurrent,
    Look,
    Population,
    Prednisolone,
    SampleSize,
)
from simtrial.trial.shipped import locate

__all__ = ["Accrual", "Course", "Design", "load_design", "revalidated"]


class Design(Spec):
    """A trial's protocol."""

    title: str = Field(min_length=1, examples=["Add-on immunoglobulin in dermatomyositis"])
    population: Population = Field(
        examples=["{subtypes: {DM: 1.0}, line: refractory, mmt: MMT8_150}"]
    )
    arms: dict[str, Arm] = Field(
        min_length=1,
        examples=[
            "{placebo: {infusions_like: ivig}, "
            "ivig: {dose_g_per_kg: 2.0, every_weeks: 4, infusions: 4}}"
        ],
    )
    allocation: Allocation | None = Field(
        default=None,
        examples=["{ratio: {placebo: 1, ivig: 1}, method: permuted_blocks, block_sizes: [4]}"],
    )
    accrual: Accrual = Field(examples=["{sites: 36, patients_per_site_month: 0.115}"])
    screening_weeks: int = Field(default=2, ge=0, le=52, examples=["2"])
    visits_weeks: Integers = Field(examples=["[0, 4, 8, 12, 16]"])
    prednisolone: Prednisolone = Field(examples=["{taper: stable}"])
    intercurrent: Intercurrent = Field(
        default=Intercurrent(), examples=["{rescue: {allowed_from_week: 8}}"]
    )
    endpoint: Endpoint = Field(examples=["{measure: tis_at_least, threshold: 20, at_week: 16}"])
    estimand: Estimand = Field(default=Estimand(), examples=["{rescue: composite}"])
    analysis: BetaBinomial | None = Field(
        default=None,
        examples=["{method: beta_binomial, prior: {placebo: [1, 1], ivig: [1, 1]}}"],
    )
    decision: DecisionRule | None = Field(
        default=None,
        examples=['{success: {probability_of: "ivig > placebo", above: 0.975}}'],
    )
    looks: Annotated[tuple[Look, ...], Field(strict=False)] = Field(
        default=(Look(information=1.0),), examples=["[{information: 1.0}]"]
    )
    sample_size: SampleSize = Field(examples=["{n: 94}"])

    @field_validator("visits_weeks")
    @classmethod
    def _visits(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(value) < 2 or value[0] != 0:
            raise ValueError("visits start with the baseline at week 0 and need at least one more")
        if any(b <= a for a, b in itertools.pairwise(value)):
            raise ValueError("visits must come in increasing weeks")
        if value[-1] > 520:
            raise ValueError("the last visit is limited to week 520")
        return value

    @field_validator("looks")
    @classmethod
    def _one_look(cls, value: tuple[Look, ...]) -> tuple[Look, ...]:
        if len(value) != 1 or value[0].information != 1.0:
            raise ValueError("only one look at the full information can be run as yet")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for check in (self._check_arms, self._check_times, self._check_decision):
            check()
        return self

    def _check_arms(self) -> None:
        for name, arm in self.arms.items():
            like = arm.infusions_like
            if like is not None and (like not in self.arms or not self.arms[like].is_drug):
                drugs = [n for n, a in self.arms.items() if a.is_drug]
                raise FieldFault(
                    ("arms", name, "infusions_like"),
                    f"name an arm that receives the drug ({', '.join(drugs) or 'none yet'})",
                    example=f"infusions_like: {drugs[0]}" if drugs else None,
                )
        ratio = f"ratio: {shown(dict.fromkeys(self.arms, 1))}"
        if self.allocation is None:
            if len(self.arms) != 1:
                blocks = f"method: permuted_blocks, block_sizes: [{2 * len(self.arms)}]"
                raise FieldFault(
                    "allocation",
                    "a design of several arms needs an allocation",
                    example=f"allocation: {{{ratio}, {blocks}}}",
                )
        elif set(self.allocation.ratio) != set(self.arms):
            raise FieldFault(
                "allocation.ratio",
                f"it must name the arms, {', '.join(self.arms)}, and no others",
                example=ratio,
            )
        if self.sample_size.n < len(self.arms):
            raise FieldFault(
                "sample_size.n",
                f"each of the {len(self.arms)} arms needs a patient, and in practice many more",
            )

    def _check_times(self) -> None:
        last = self.visits_weeks[-1]
        if self.endpoint.week not in self.visits_weeks:
            key = "at_week" if self.endpoint.at_week is not None else "by_week"
            week, told = self._meant_week(self.endpoint.week, self.visits_weeks)
            raise FieldFault(
                f"endpoint.{key}",
                f"that week is no visit; visits_weeks are {list(self.visits_weeks)}{told}",
                example=f"{key}: {week}",
            )
        for name, arm in self.arms.items():
            weeks = [course.week for course in arm.course_list()]
            if weeks and weeks[-1] > last:
                self._refuse_late_courses(name, arm, weeks, last)
        worse, rescue = self.intercurrent.deterioration, self.intercurrent.rescue
        for path, start in (
            ("intercurrent.deterioration.from_week", None if worse is None else worse.from_week),
            (
                "intercurrent.rescue.allowed_from_week",
                None if rescue is None else rescue.allowed_from_week,
            ),
        ):
            if start is not None and start > last:
                week, told = self._meant_week(start, range(last + 1))
                raise FieldFault(
                    path,
                    f"the last visit is in week {last}{told}",
                    example=f"{path.split('.')[-1]}: {week}",
                )

    def _meant_week(self, week: int, allowed: Sequence[int]) -> tuple[int, str]:
        """Return the week that a refused one was meant to be: as days, or the last allowed."""
        days = in_another_unit("week", week, lambda converted: converted in allowed)
        return (allowed[-1], "") if days is None else (days[0], f"; {days[1]}")

    def _refuse_late_courses(self, name: str, arm: Arm, weeks: list[int], last: int) -> None:
        late = next(week for week in weeks if week > last)
        rule = f"there would be an infusion in week {late}, after the last visit (week {last})"
        if arm.courses is not None:
            kept = [c.model_dump() for c in arm.courses if c.week <= last]
            raise FieldFault(
                ("arms", name, "courses"), rule, example=f"courses: {shown(kept)}" if kept else None
            )
        every = arm.every_weeks or 1
        days = in_another_unit("week", every, lambda converted: converted * len(weeks) <= last + 1)
        if days is not None:
            raise FieldFault(
                ("arms", name, "every_weeks"),
                f"{rule}; {days[1]}",
                example=f"every_weeks: {days[0]}",
            )
        raise FieldFault(
            ("arms", name, "infusions"), rule, example=f"infusions: {last // every + 1}"
        )

    def _check_decision(self) -> None:
        prior = f"prior: {shown({name: [1, 1] for name in self.arms})}"
        names = list(self.arms)
        rule = f'success: {{probability_of: "{names[-1]} > {names[0]}", above: 0.975}}'
        if (self.analysis is None) != (self.decision is None):
            missing = "decision" if self.decision is None else "analysis"
            example = rule if self.decision is None else f"method: beta_binomial, {prior}"
            raise FieldFault(
                missing,
                "analysis and decision come together, or both are left out",
                example=f"{missing}: {{{example}}}",
            )
        if self.analysis is None or self.decision is None:
            return
        better, other = self.decision.success.arms()
        if len(self.arms) != 2 or {better, other} != set(self.arms):
            raise FieldFault(
                "decision.success.probability_of",
                f"write 'a > b' with two arms of the design ({', '.join(self.arms)})",
                example=f'probability_of: "{names[-1]} > {names[0]}"' if len(names) == 2 else None,
            )
        if set(self.analysis.prior) != set(self.arms):
            raise FieldFault(
                "analysis.prior",
                f"it must name the arms, {', '.join(self.arms)}, and no others",
                example=prior,
            )

    @property
    def arm_names(self) -> tuple[str, ...]:
        """The arms in the order in which they are written."""
        return tuple(self.arms)

    def courses_of(self, arm: str) -> tuple[Course, ...]:
        """Return the infusion courses of an arm, placebo infusions included."""
        spec = self.arms[arm]
        return self.arms[spec.infusions_like or arm].course_list()

    def digest(self) -> str:
        """Return the digest that names this protocol.

        The order of the arms is part of it: allocation follows it, so the same protocol with its
        arms written the other way round gives other patients.
        """
        return digest([self.model_dump(mode="json"), list(self.arms)])

    def with_n(self, n: int) -> Design:
        """Return the same protocol with another total sample size."""
        return revalidated(self, {"sample_size": {"n": n}})


def revalidated(design: Design, changes: dict[str, object]) -> Design:
    """Return a design with some top-level fields replaced, checked as a whole again."""
    data = design.model_dump()
    data.update(changes)
    made = validate(Design, Located(data=data, source="design"))
    made.placed(design.place, but=changes)  # what is replaced no longer stands in the file
    return made


def load_design(name_or_path: str | Path) -> Design:
    """Return the design of a YAML file, or of a shipped name such as ``dm_ivig_16w``.

    Raises
    ------
    DesignError : with file, line, field, value, rule and a correct example.
    """
    return validate(Design, locate(name_or_path))
