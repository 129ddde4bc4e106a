"""The protocol: what will be done. Frozen, validated, loadable from YAML."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from simtrial.core.config import FieldFault, Located, Spec, validate
from simtrial.core.provenance import digest
from simtrial.myositis.measures import MMT_MAXIMUM
from simtrial.myositis.parameters import SUBTYPES
from simtrial.trial.shipped import locate

Subtype = Literal["DM", "PM", "IMNM", "ASyS", "OM", "IBM"]
Line = Literal["first_line", "refractory"]
Background = Literal["none", "continued"]
MmtVersion = Literal["MMT8_150", "MMT8_80", "MMT_260"]
Integers = Annotated[tuple[int, ...], Field(strict=False)]
Pair = Annotated[tuple[float, float], Field(strict=False)]


class Eligibility(Spec):
    """Who may enter, by observed screening values."""

    mmt_below: float | None = Field(default=None, gt=0, examples=["142"])
    other_abnormal_measures: int = Field(default=0, ge=0, le=5, examples=["2"])
    prednisolone_at_most_mg: float | None = Field(default=None, ge=0, examples=["20"])


class Population(Spec):
    """Which patients are sought."""

    subtypes: dict[Subtype, float] = Field(examples=["{DM: 1.0}"])
    line: Line = Field(examples=["refractory"])
    background: Background = Field(default="continued", examples=["continued"])
    mmt: MmtVersion = Field(examples=["MMT8_150"])
    eligibility: Eligibility = Eligibility()

    @field_validator("subtypes")
    @classmethod
    def _shares(cls, value: dict[str, float]) -> dict[str, float]:
        if not value or min(value.values()) <= 0:
            raise ValueError("every share of a subtype must be above 0; leave out the others")
        total = sum(value.values())
        if abs(total - 1.0) > 1e-6:
            raise ValueError(f"the shares add up to {total:g}; they must add up to 1")
        return {s: value[s] for s in SUBTYPES if s in value}

    @model_validator(mode="after")
    def _scale(self) -> Self:
        most, below = MMT_MAXIMUM[self.mmt], self.eligibility.mmt_below
        if below is not None and below > most:
            raise FieldFault(
                "eligibility.mmt_below",
                f"{self.mmt} has {most} points; write at most {most}, or another mmt version",
            )
        return self


class Course(Spec):
    """One infusion course: its week, its dose, and over how many days it runs."""

    week: int = Field(ge=0, examples=["0"])
    dose_g_per_kg: float = Field(gt=0, le=5, examples=["2.0"])
    days: int = Field(default=1, ge=1, le=7, examples=["2"])


class Arm(Spec):
    """What an arm is given: a regular regimen, a list of courses, or placebo like another arm."""

    infusions_like: str | None = Field(default=None, examples=["ivig"])
    dose_g_per_kg: float | None = Field(default=None, gt=0, le=5, examples=["2.0"])
    every_weeks: int | None = Field(default=None, ge=1, le=520, examples=["4"])
    infusions: int | None = Field(default=None, ge=1, le=520, examples=["4"])
    days_per_infusion: int = Field(default=1, ge=1, le=7, examples=["2"])
    courses: Annotated[tuple[Course, ...], Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        regular = (self.dose_g_per_kg, self.every_weeks, self.infusions)
        ways = [
            self.infusions_like is not None,
            self.courses is not None,
            any(part is not None for part in regular),
        ]
        if sum(ways) != 1:
            raise ValueError(
                "an arm needs exactly one of infusions_like, courses, or "
                "dose_g_per_kg with every_weeks and infusions"
            )
        if ways[2] and None in regular:
            raise ValueError("a regimen needs dose_g_per_kg, every_weeks and infusions together")
        if self.courses is not None:
            weeks = [course.week for course in self.courses]
            if not weeks or any(b <= a for a, b in itertools.pairwise(weeks)):
                raise ValueError("courses need increasing weeks, at least one")
        return self

    @property
    def is_drug(self) -> bool:
        """Whether the arm receives immunoglobulin."""
        return self.infusions_like is None

    def course_list(self) -> tuple[Course, ...]:
        """Return the courses of a drug arm in time order."""
        if self.courses is not None:
            return self.courses
        if self.dose_g_per_kg is None or self.every_weeks is None or self.infusions is None:
            return ()
        return tuple(
            Course(
                week=j * self.every_weeks,
                dose_g_per_kg=self.dose_g_per_kg,
                days=self.days_per_infusion,
            )
            for j in range(self.infusions)
        )


class Allocation(Spec):
    """How patients are assigned to arms."""

    ratio: dict[str, int] = Field(examples=["{placebo: 1, ivig: 1}"])
    method: Literal["permuted_blocks"] = Field(examples=["permuted_blocks"])
    block_sizes: Integers = Field(min_length=1, examples=["[4]"])
    strata: Annotated[tuple[Literal["severity"], ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.ratio or min(self.ratio.values()) < 1:
            raise FieldFault("ratio", "every part of it must be a whole number of at least 1")
        if max(self.ratio.values()) > 100:
            raise FieldFault("ratio", "no part of it may exceed 100")
        total = sum(self.ratio.values())
        for size in self.block_sizes:
            if size > 1_000:
                raise FieldFault("block_sizes", "a block holds at most 1000 patients")
            if size < total or size % total:
                raise FieldFault(
                    "block_sizes",
                    f"a block of {size} cannot hold the ratio "
                    f"{':'.join(str(v) for v in self.ratio.values())}; "
                    f"write multiples of {total}, such as [{2 * total}]",
                )
        return self


class Accrual(Spec):
    """How sites open and how fast each randomises."""

    sites: int = Field(ge=1, le=10_000, examples=["36"])
    site_opening_weeks: float = Field(default=0.0, ge=0, examples=["40"])
    patients_per_site_month: float = Field(ge=1e-4, le=1e7, examples=["0.115"])


class Prednisolone(Spec):
    """The rule for background prednisolone."""

    taper: Literal["stable"] = Field(examples=["stable"])


After = Literal["stop_treatment", "leave_study"]


class Deterioration(Spec):
    """What follows a deterioration confirmed at two consecutive visits."""

    from_week: int = Field(ge=0, examples=["8"])
    then: After = Field(default="stop_treatment", examples=["stop_treatment"])


class Rescue(Spec):
    """From when, and at what response, the physician may turn to rescue treatment."""

    allowed_from_week: int = Field(ge=0, examples=["8"])
    insufficient_tis_below: float = Field(default=20.0, ge=0, le=100, examples=["20"])
    then: After = Field(default="stop_treatment", examples=["stop_treatment"])


class Harm(Spec):
    """What follows an adverse event for which treatment is stopped."""

    then: After = Field(default="stop_treatment", examples=["stop_treatment"])


class Intercurrent(Spec):
    """Intercurrent events that the protocol rules.

    Deterioration and rescue happen only where the protocol has a rule for them; harm happens
    whatever a protocol says.
    """

    deterioration: Deterioration | None = None
    rescue: Rescue | None = None
    harm: Harm = Harm()


class Endpoint(Spec):
    """A response: TIS at least a threshold, *at* a week or ever *by* a week."""

    measure: Literal["tis_at_least"] = Field(examples=["tis_at_least"])
    threshold: float = Field(gt=0, le=100, examples=["20"])
    at_week: int | None = Field(default=None, gt=0, examples=["16"])
    by_week: int | None = Field(default=None, gt=0, examples=["9"])

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        if (self.at_week is None) == (self.by_week is None):
            raise ValueError(
                "an endpoint needs exactly one of at_week (on that visit) and by_week (ever until)"
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


class Estimand(Spec):
    """The strategy for each intercurrent event; the composite counts it as no response."""

    rescue: Literal["composite"] = "composite"
    deterioration: Literal["composite"] = "composite"
    discontinuation: Literal["composite"] = "composite"
    death: Literal["composite"] = "composite"
    missing: Literal["composite"] = "composite"


class BetaBinomial(Spec):
    """Independent beta priors on the response of each arm."""

    method: Literal["beta_binomial"] = Field(examples=["beta_binomial"])
    prior: dict[str, Pair] = Field(examples=["{placebo: [1, 1], ivig: [1, 1]}"])

    @field_validator("prior")
    @classmethod
    def _positive(cls, value: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        for arm, (a, b) in value.items():
            if min(a, b) < 0.1 or max(a, b) > 100:
                raise ValueError(
                    f"the prior of {arm} is Beta({a:g}, {b:g}); each number must be from 0.1 to 100"
                )
        return value


class Success(Spec):
    """Success: the posterior probability that one arm's response exceeds another's."""

    probability_of: str = Field(examples=['"ivig > placebo"'])
    above: float = Field(gt=0.0, lt=1.0, examples=["0.975"])

    def arms(self) -> tuple[str, str]:
        """Return the arm that should be better, and the one it is compared with."""
        better, _, other = self.probability_of.partition(">")
        return better.strip(), other.strip()


class DecisionRule(Spec):
    """The rule that ends the trial."""

    success: Success


class Look(Spec):
    """One analysis, at a share of the full information."""

    information: float = Field(gt=0, le=1, examples=["1.0"])


class SampleSize(Spec):
    """The planned size."""

    n: int = Field(ge=2, le=20_000, examples=["94"])


class Design(Spec):
    """A trial's protocol."""

    title: str = Field(min_length=1, examples=["Add-on immunoglobulin in dermatomyositis"])
    population: Population
    arms: dict[str, Arm] = Field(min_length=1)
    allocation: Allocation | None = None
    accrual: Accrual
    screening_weeks: int = Field(default=2, ge=0, le=52, examples=["2"])
    visits_weeks: Integers = Field(examples=["[0, 4, 8, 12, 16]"])
    prednisolone: Prednisolone
    intercurrent: Intercurrent = Intercurrent()
    endpoint: Endpoint
    estimand: Estimand = Estimand()
    analysis: BetaBinomial | None = None
    decision: DecisionRule | None = None
    looks: Annotated[tuple[Look, ...], Field(strict=False)] = (Look(information=1.0),)
    sample_size: SampleSize

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
                drugs = ", ".join(n for n, a in self.arms.items() if a.is_drug)
                raise FieldFault(
                    f"arms.{name}.infusions_like",
                    f"name an arm that receives the drug ({drugs or 'none yet'})",
                )
        if self.allocation is None:
            if len(self.arms) != 1:
                raise FieldFault("allocation", "a design of several arms needs an allocation")
        elif set(self.allocation.ratio) != set(self.arms):
            raise FieldFault(
                "allocation.ratio", f"it must name the arms, {', '.join(self.arms)}, and no others"
            )

    def _check_times(self) -> None:
        last = self.visits_weeks[-1]
        if self.endpoint.week not in self.visits_weeks:
            key = "at_week" if self.endpoint.at_week is not None else "by_week"
            raise FieldFault(
                f"endpoint.{key}",
                f"that week is no visit; visits_weeks are {list(self.visits_weeks)}",
            )
        for name, arm in self.arms.items():
            late = [c.week for c in arm.course_list() if c.week > last]
            if late:
                key = "courses" if arm.courses is not None else "infusions"
                raise FieldFault(
                    f"arms.{name}.{key}",
                    f"there would be an infusion in week {late[0]}, after the last visit "
                    f"(week {last})",
                )
        both = (self.intercurrent.deterioration, self.intercurrent.rescue)
        if both[0] is not None and both[0].from_week > last:
            raise FieldFault(
                "intercurrent.deterioration.from_week", f"the last visit is in week {last}"
            )
        if both[1] is not None and both[1].allowed_from_week > last:
            raise FieldFault(
                "intercurrent.rescue.allowed_from_week", f"the last visit is in week {last}"
            )

    def _check_decision(self) -> None:
        if (self.analysis is None) != (self.decision is None):
            missing = "decision" if self.decision is None else "analysis"
            raise FieldFault(missing, "analysis and decision come together, or both are left out")
        if self.analysis is None or self.decision is None:
            return
        better, other = self.decision.success.arms()
        if len(self.arms) != 2 or {better, other} != set(self.arms):
            raise FieldFault(
                "decision.success.probability_of",
                f"write 'a > b' with two arms of the design ({', '.join(self.arms)})",
            )
        if set(self.analysis.prior) != set(self.arms):
            raise FieldFault(
                "analysis.prior", f"it must name the arms, {', '.join(self.arms)}, and no others"
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
    return validate(Design, Located(data=data, source="design"))


def load_design(name_or_path: str | Path) -> Design:
    """Return the design of a YAML file, or of a shipped name such as ``dm_ivig_16w``.

    Raises
    ------
    DesignError : with file, line, field, value, rule and a correct example.
    """
    return validate(Design, locate(name_or_path))
