"""The protocol of a myositis trial: what will be done, and to whom. Frozen, loadable from YAML."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from simtrial.core.config import FieldFault, validate
from simtrial.core.errors import DesignError
from simtrial.core.located import flow, shown
from simtrial.core.other_units import in_another_unit
from simtrial.myositis.measures import SEVERITIES
from simtrial.myositis.tis import THRESHOLDS
from simtrial.trial.allocation import MOST_STRATA, Allocation, Factor
from simtrial.trial.outcome_design import OutcomeDesign
from simtrial.trial.plan import Plan, revalidated
from simtrial.trial.prednisolone import Prednisolone
from simtrial.trial.recruitment import Accrual
from simtrial.trial.run_in import RunIn
from simtrial.trial.sections import (
    Blinding,
    Endpoint,
    Estimand,
    Integers,
    Intercurrent,
    Population,
    TisMissing,
)
from simtrial.trial.shipped import locate
from simtrial.trial.treatment import Arm, Course, Extension
from simtrial.trial.treatment_weeks import check_rules
from simtrial.trial.visits import HeldFrom, check_held_from
from simtrial.trial.windows import check_windows, course_plans

__all__ = [
    "Accrual",
    "AnyDesign",
    "Course",
    "Design",
    "load_design",
    "load_patient_design",
    "revalidated",
]


SEXES = ("male", "female")
PREDNISOLONE_CLASSES = ("no prednisolone", "to 20 mg", "above 20 mg")
AGE_CLASSES = ("below 65", "65 and older")


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
    allocation: Allocation | None = Field(
        default=None,
        examples=["{ratio: {placebo: 1, ivig: 1}, method: permuted_blocks, block_sizes: [4]}"],
    )
    extension: Extension | None = Field(
        default=None,
        examples=["{from_week: 16, dose_g_per_kg: 2.0, every_weeks: 4, infusions: 6}"],
    )
    accrual: Accrual = Field(examples=["{sites: 36, patients_per_site_month: 0.115}"])
    screening_weeks: int = Field(default=2, ge=0, le=52, examples=["2"])
    run_in: RunIn | None = Field(
        default=None,
        examples=["{weeks: 4, courses: [{week: 0, dose_g_per_kg: 2.0, days: 2}]}"],
    )
    visits_weeks: Integers = Field(examples=["[0, 4, 8, 12, 16]"])
    visits_from_patient: HeldFrom = Field(default={}, examples=["{4: 11}"])
    blinding: Blinding | None = Field(default=None, examples=["double_blind"])
    visit_window_days: int = Field(default=0, ge=0, le=364, examples=["3"])
    tis_missing: TisMissing = Field(default="missing", examples=["missing"])
    prednisolone: Prednisolone = Field(examples=["{taper: stable}"])
    intercurrent: Intercurrent = Field(
        default=Intercurrent(), examples=["{rescue: {allowed_from_week: 8}}"]
    )
    endpoint: Endpoint = Field(examples=["{measure: tis_at_least, threshold: 20, at_week: 16}"])
    estimand: Estimand = Field(default=Estimand(), examples=["{rescue: composite}"])

    @model_validator(mode="before")
    @classmethod
    def _words_of_thresholds(cls, written: Any) -> Any:
        """Turn minimal, moderate and major into the score that they are in this age group."""
        if not isinstance(written, dict):
            return written
        population = written.get("population")
        group = population.get("age_group", "adult") if isinstance(population, dict) else "adult"
        scores = THRESHOLDS.get(group) if isinstance(group, str) else None
        endpoint = written.get("endpoint")
        if scores is None or not isinstance(endpoint, dict):
            return written
        word = endpoint.get("threshold")
        if isinstance(word, str) and word in scores:
            return {**written, "endpoint": {**endpoint, "threshold": scores[word]}}
        return written

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
    def weeks_to_randomisation(self) -> int:
        """The weeks from screening to randomisation: those of screening and of the run-in."""
        return self.screening_weeks + (0 if self.run_in is None else self.run_in.weeks)

    @property
    def gives_drug(self) -> bool:
        """Whether anybody is given immunoglobulin, in an arm or in the run-in."""
        in_run_in = self.run_in is not None and self.run_in.gives_drug
        return in_run_in or any(arm.is_drug for arm in self.arms.values())

    @property
    def is_open_label(self) -> bool:
        """Whether patients know what they receive: said, or else so when no arm has placebo."""
        if self.blinding is not None:
            return self.blinding == "open_label"
        return all(arm.is_drug for arm in self.arms.values())

    @property
    def is_time_to_event(self) -> bool:
        """Whether the outcome is the time to an event: not yet, a response is."""
        return False

    def _checks(self) -> tuple[Any, ...]:
        return (
            self._check_arms,
            self._check_allocation,
            self._check_strata,
            self._check_accrual,
            self._check_times,
            self._check_rules,
            self._check_visits,
            self._check_switch,
            self._check_windows,
            self._check_plan,
        )

    def _check_windows(self) -> None:
        plans = course_plans(
            {name: (self.courses_of(name), self.rules_of(name).dose_change) for name in self.arms},
            extension=() if self.extension is None else self.extension.course_list(),
            targets=self.switches().values(),
            switch_from=self.intercurrent.switch_from,
            visits=self.visits_weeks,
        )
        check_windows(self.visit_window_days, self.visits_weeks, plans)

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

    def _check_strata(self) -> None:
        number = math.prod(self.levels_of(factor) for factor in self.strata)
        if number > MOST_STRATA:
            without = [factor for factor in self.strata if factor != "site"]
            raise FieldFault(
                "allocation.strata",
                f"together they make {number:,} strata, and at most {MOST_STRATA:,} are kept",
                example=f"strata: {flow(without)}" if without != [*self.strata] else None,
            )

    def _check_accrual(self) -> None:
        self.accrual.check(self.population.subtypes, self.sample_size.n)

    @property
    def strata(self) -> tuple[Factor, ...]:
        """The factors of the allocation in the order in which they are written."""
        return () if self.allocation is None else self.allocation.strata

    def levels_of(self, factor: Factor) -> int:
        """Return how many levels a factor of the allocation has in this design."""
        if factor == "site":
            return self.accrual.sites
        return len(self.level_names(factor))

    def level_names(self, factor: Factor) -> tuple[str, ...]:
        """Return the names of a factor's levels in the order of their numbers."""
        named: dict[str, tuple[str, ...]] = {
            "severity": SEVERITIES,
            "subtype": tuple(self.population.subtypes),
            "line": tuple(self.population.lines),
            "sex": SEXES,
            "prednisolone": PREDNISOLONE_CLASSES,
            "age_65": AGE_CLASSES,
        }
        if factor == "site":
            return tuple(f"site {i + 1}" for i in range(self.accrual.sites))
        return named[factor]

    def _check_times(self) -> None:
        last = self.visits_weeks[-1]
        if self.endpoint.week not in self.visits_weeks:
            key = "at_week" if self.endpoint.at_week is not None else "by_week"
            week, told = self._meant_week(self.endpoint.week, self.visits_weeks)
            raise FieldFault(
                f"endpoint.{key}",
                f"that week is no visit; visits_weeks are {flow(list(self.visits_weeks))}{told}",
                example=f"{key}: {week}",
            )
        for name, arm in self.arms.items():
            weeks = [course.week for course in arm.course_list()]
            if weeks and weeks[-1] > last:
                self._refuse_late_courses(name, arm, weeks, last)
        worse, rescue = self.intercurrent.deterioration, self.intercurrent.rescue
        lack = self.intercurrent.lack_of_effect
        for path, start in (
            ("intercurrent.deterioration.from_week", None if worse is None else worse.from_week),
            (
                "intercurrent.rescue.allowed_from_week",
                None if rescue is None else rescue.allowed_from_week,
            ),
            ("intercurrent.lack_of_effect.from_week", None if lack is None else lack.from_week),
            ("prednisolone.from_week", self.prednisolone.from_week),
        ):
            if start is not None and start > last:
                week, told = self._meant_week(start, range(last + 1))
                raise FieldFault(
                    path,
                    f"the last visit is in week {last}{told}",
                    example=f"{path.split('.')[-1]}: {week}",
                )

    def _check_visits(self) -> None:
        check_held_from(self.visits_from_patient, self.visits_weeks, self.endpoint.week, self.arms)

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

    def _check_rules(self) -> None:
        check_rules(
            self.arms,
            {arm: self.courses_of(arm) for arm in self.arms},
            self.extension,
            self.visits_weeks,
        )

    def _check_switch(self) -> None:
        events = self.intercurrent
        rules = {
            "deterioration": events.deterioration,
            "rescue": events.rescue,
            "lack_of_effect": events.lack_of_effect,
        }
        switching = [name for name, rule in rules.items() if rule and rule.then == "switch"]
        names = list(self.arms)
        pairs = dict(itertools.pairwise([*names, names[0]]))
        example = f"switch_to: {{{names[0]}: {pairs[names[0]]}}}"
        if events.switch_to is not None:
            if not switching:
                raise FieldFault(
                    "intercurrent.switch_to",
                    "no event of this design is followed by a switch",
                    example="deterioration: {from_week: 8, then: switch}",
                )
            for one, other in events.switch_to.items():
                if one not in names or other not in names or one == other:
                    raise FieldFault(
                        "intercurrent.switch_to",
                        f"'{one}: {other}' must name two arms of the design ({', '.join(names)})",
                        example=example if len(names) > 1 else None,
                    )
        if switching and events.switch_to is None and len(names) != 2:
            raise FieldFault(
                f"intercurrent.{switching[0]}.then",
                f"a design of {len(names)} arm{'s' if len(names) > 1 else ''} has to say to which "
                "treatment patients switch"
                if len(names) > 1
                else "there is no other arm to switch to; stop_treatment or leave_study",
                example=example if len(names) > 1 else "then: stop_treatment",
            )

    def switches(self) -> dict[str, str]:
        """Return to which arm's treatment patients of an arm switch, where they do."""
        if self.intercurrent.switch_to is not None:
            return dict(self.intercurrent.switch_to)
        names = list(self.arms)
        return {names[0]: names[1], names[1]: names[0]} if len(names) == 2 else {}

    def rules_of(self, arm: str) -> Arm:
        """Return the arm whose regimen and rules an arm follows: another's for placebo like it."""
        return self.arms[self.arms[arm].infusions_like or arm]

    def courses_of(self, arm: str) -> tuple[Course, ...]:
        """Return the infusion courses of an arm, placebo infusions included."""
        return self.rules_of(arm).course_list()


AnyDesign = Design | OutcomeDesign
# what a file may hold that is a truth, and no protocol
SCENARIO_KEYS = frozenset(
    (
        "from",
        "set",
        "exposure",
        "outcomes",
        "strata",
        "hazards_per_day",
        "dropout_per_day",
        "source",
    )
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
