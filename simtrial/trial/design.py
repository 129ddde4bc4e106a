"""The protocol of a myositis trial: what will be done, and to whom. Frozen, loadable from YAML."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from simtrial.core.config import FieldFault, validate
from simtrial.core.errors import DesignError
from simtrial.core.located import shown
from simtrial.core.other_units import in_another_unit
from simtrial.trial.outcome_design import OutcomeDesign
from simtrial.trial.plan import Plan, revalidated
from simtrial.trial.sections import (
    Accrual,
    Arm,
    Course,
    Endpoint,
    Estimand,
    Integers,
    Intercurrent,
    Population,
    Prednisolone,
)
from simtrial.trial.shipped import locate

__all__ = [
    "Accrual",
    "AnyDesign",
    "Course",
    "Design",
    "load_design",
    "load_patient_design",
    "revalidated",
]


class Design(Plan):
    """A trial's protocol, down to its patients."""

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
    accrual: Accrual = Field(examples=["{sites: 36, patients_per_site_month: 0.115}"])
    screening_weeks: int = Field(default=2, ge=0, le=52, examples=["2"])
    visits_weeks: Integers = Field(examples=["[0, 4, 8, 12, 16]"])
    prednisolone: Prednisolone = Field(examples=["{taper: stable}"])
    intercurrent: Intercurrent = Field(
        default=Intercurrent(), examples=["{rescue: {allowed_from_week: 8}}"]
    )
    endpoint: Endpoint = Field(examples=["{measure: tis_at_least, threshold: 20, at_week: 16}"])
    estimand: Estimand = Field(default=Estimand(), examples=["{rescue: composite}"])

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

    @property
    def arm_names(self) -> tuple[str, ...]:
        """The arms in the order in which they are written."""
        return tuple(self.arms)

    @property
    def is_time_to_event(self) -> bool:
        """Whether the outcome is the time to an event: not yet, a response is."""
        return False

    def _checks(self) -> tuple[Any, ...]:
        return (self._check_arms, self._check_allocation, self._check_times, self._check_plan)

    def _check_plan(self) -> None:
        self._check_looks()
        self._check_decision()

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

    def courses_of(self, arm: str) -> tuple[Course, ...]:
        """Return the infusion courses of an arm, placebo infusions included."""
        spec = self.arms[arm]
        return self.arms[spec.infusions_like or arm].course_list()


AnyDesign = Design | OutcomeDesign
# what a file may hold that is a truth, and no protocol
SCENARIO_KEYS = frozenset(
    ("from", "set", "outcomes", "strata", "hazards_per_day", "dropout_per_day", "source")
)


def load_design(name_or_path: str | Path) -> AnyDesign:
    """Return the design of a YAML file, or of a shipped name such as ``dm_ivig_16w``.

    One whose endpoint is measured on patients is a ``Design``; one of ``response`` or
    ``time_to_event`` is an ``OutcomeDesign``, which has none.

    Raises
    ------
    DesignError : with file, line, field, value, rule and a correct example.
    """
    located = locate(name_or_path)
    written = located.data if isinstance(located.data, dict) else {}
    if written and written.keys() <= SCENARIO_KEYS:
        raise DesignError(
            f"{located.source}: its keys are {', '.join(written)}, those of a scenario; a design "
            "says what will be done, so give this file as the scenario; for example simtrial power "
            f"dm_ivig_16w --scenario {located.source}."
        )
    endpoint = written.get("endpoint")
    measure = endpoint.get("measure") if isinstance(endpoint, dict) else None
    if measure in ("response", "time_to_event") or isinstance(written.get("arms"), list):
        return validate(OutcomeDesign, located)
    return validate(Design, located)


def patients_of(design: AnyDesign, what: str) -> Design:
    """Return a design with patients; refuse one of outcomes alone, which ``what`` cannot use.

    Raises
    ------
    DesignError
    """
    if isinstance(design, Design):
        return design
    raise DesignError(
        f"{design.where('endpoint', 'measure')} is {design.endpoint.measure}; {what} needs "
        "patients and their course, which this design of outcomes alone does not have; give one "
        "measured on patients, such as dm_ivig_16w, or use 'simtrial power' with a scenario of "
        "outcomes."
    )


def load_patient_design(name_or_path: str | Path, what: str = "this") -> Design:
    """Return a design with patients; see ``load_design`` and ``patients_of``."""
    return patients_of(load_design(name_or_path), what)
