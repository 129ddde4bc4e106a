"""What every protocol says, whoever its patients are: allocation, analysis, decision, looks, size.

``Design`` adds the patients of a myositis trial to it, ``OutcomeDesign`` only the names of arms.
"""

from __future__ import annotations

import itertools
from abc import abstractmethod
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from simtrial.core.config import FieldFault, Located, Spec, validate
from simtrial.core.errors import DesignError
from simtrial.core.located import shown
from simtrial.core.other_units import neat
from simtrial.core.provenance import digest
from simtrial.trial.allocation import AnyAllocation
from simtrial.trial.decisions import (
    BINARY_METHODS,
    EVENT_METHODS,
    Analysis,
    Comparison,
    DecisionRule,
    Look,
    comparison,
)
from simtrial.trial.sections import SampleSize


class Plan(Spec):
    """The part of a protocol that decides, for outcomes of any origin."""

    title: str = Field(min_length=1, examples=["Add-on immunoglobulin in dermatomyositis"])
    allocation: AnyAllocation | None = Field(
        default=None,
        examples=["{ratio: {placebo: 1, ivig: 1}, method: permuted_blocks, block_sizes: [4]}"],
    )
    analysis: Analysis | None = Field(
        default=None,
        examples=["{method: beta_binomial, prior: {placebo: [1, 1], ivig: [1, 1]}}"],
    )
    decision: DecisionRule | None = Field(
        default=None,
        examples=['{success: {probability_of: "ivig > placebo", above: 0.975}}'],
    )
    looks: Annotated[tuple[Look, ...], Field(strict=False)] = Field(
        default=(Look(information=1.0),), min_length=1, examples=["[{information: 1.0}]"]
    )
    sample_size: SampleSize = Field(examples=["{n: 94}"])

    @property
    @abstractmethod
    def arm_names(self) -> tuple[str, ...]:
        """The arms in the order in which they are written."""

    @property
    @abstractmethod
    def is_time_to_event(self) -> bool:
        """Whether the outcome is the time to an event, and not a response or none."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for check in self._checks():
            check()
        return self

    def _checks(self) -> tuple[Any, ...]:
        return (self._check_allocation, self._check_looks, self._check_decision)

    def _check_allocation(self) -> None:
        names = self.arm_names
        ratio = f"ratio: {shown(dict.fromkeys(names, 1))}"
        if self.allocation is None:
            if len(names) != 1:
                blocks = f"method: permuted_blocks, block_sizes: [{2 * len(names)}]"
                raise FieldFault(
                    "allocation",
                    "a design of several arms needs an allocation",
                    example=f"allocation: {{{ratio}, {blocks}}}",
                )
        elif set(self.allocation.ratio) != set(names):
            raise FieldFault(
                "allocation.ratio",
                f"it must name the arms, {', '.join(names)}, and no others",
                example=ratio,
            )
        if self.sample_size.n < len(names):
            raise FieldFault(
                "sample_size.n",
                f"each of the {len(names)} arms needs a patient, and in practice many more",
            )

    def _check_looks(self) -> None:
        kinds = {look.by for look in self.looks}
        allowed = ("events", "week") if self.is_time_to_event else ("information", "n")
        example = "looks: [{information: 0.5}, {information: 1.0}]"
        if self.is_time_to_event:
            most = self.sample_size.n
            few = f"{{events: {most // 4}}}, " if most >= 4 else ""
            example = f"looks: [{few}{{events: {most // 2}}}]"
        for i, look in enumerate(self.looks):
            if look.by not in allowed:
                outcome = "times to an event" if self.is_time_to_event else "a response or none"
                raise FieldFault(
                    ("looks", i, look.by),
                    f"with {outcome} a look is timed by {', '.join(allowed)}",
                    example=example,
                )
        if len(kinds) > 1:
            raise FieldFault("looks", "all looks must be timed by the same", example=example)
        by = self.looks[0].by
        times = [float(getattr(look, by)) for look in self.looks]
        if any(later <= earlier for earlier, later in itertools.pairwise(times)):
            raise FieldFault("looks", f"{by} must increase from look to look", example=example)
        full = {"information": 1.0, "n": float(self.sample_size.n)}.get(by)
        if full is not None and times[-1] != full:
            raise FieldFault(
                ("looks", len(self.looks) - 1, by),
                "the last look is at all patients"
                + (f", {self.sample_size.n}" if by == "n" else ", information 1.0"),
                example=f"{by}: {full:g}" if by == "n" else "information: 1.0",
            )
        if by == "events" and times[-1] > self.sample_size.n:
            raise FieldFault(
                ("looks", len(self.looks) - 1, "events"),
                f"there are {self.sample_size.n} patients, and each has at most one",
                example=f"events: {self.sample_size.n // 2}" if len(self.looks) == 1 else example,
            )
        shares = [look.information for look in self.looks]
        if by == "week" and shares != [None]:
            known = [share for share in shares if share is not None]
            if len(known) < len(shares) or sorted(set(known)) != known or known[-1] != 1.0:
                if len(shares) == 1:
                    raise FieldFault(
                        ("looks", 0, "information"),
                        "at the only look all the information there will be is in",
                        example="information: 1.0",
                    )
                raise FieldFault(
                    "looks",
                    "several looks by week need the planned share of events by each, rising to 1",
                    example="looks: [{week: 52, information: 0.5}, {week: 104, information: 1.0}]",
                )
        if by == "information":
            sizes = self.look_sizes()
            if sizes[0] < 1 or any(b <= a for a, b in itertools.pairwise(sizes)):
                raise FieldFault(
                    "looks",
                    f"of {self.sample_size.n} patients they would be at {list(sizes)}, and each "
                    "needs at least one more than the last",
                    example=example,
                )

    def look_sizes(self, n: int | None = None) -> tuple[int, ...]:
        """Return how many patients have outcomes at each look, of ``n`` in all.

        A share of information is rounded to the nearest whole patient, halves up.
        """
        total = self.sample_size.n if n is None else n
        # 0.29 of 50 is 14.499999999999998 in binary, and a half all the same
        return tuple(
            look.n if look.n is not None else int((look.information or 1.0) * total + 0.5 + 1e-9)
            for look in self.looks
        )

    def _check_decision(self) -> None:
        names = list(self.arm_names)
        prior = f"prior: {shown({name: [1, 1] for name in names})}"
        event = self.is_time_to_event
        sign = "<" if event else ">"
        rule = f'success: {{probability_of: "{names[-1]} > {names[0]}", above: 0.975}}'
        how = f"method: beta_binomial, {prior}"
        if event:
            rule = f'success: {{test_of: "{names[-1]} < {names[0]}", alpha: 0.025}}'
            how = "method: logrank"
        if (self.analysis is None) != (self.decision is None):
            missing = "decision" if self.decision is None else "analysis"
            example = rule if self.decision is None else how
            raise FieldFault(
                missing,
                "analysis and decision come together, or both are left out",
                example=f"{missing}: {{{example}}}",
            )
        if self.analysis is None or self.decision is None:
            return
        methods = EVENT_METHODS if event else BINARY_METHODS
        if self.analysis.method in EVENT_METHODS and self.analysis.prior:
            fault = self.analysis.no_priors()
            raise FieldFault(
                "analysis.prior",
                str(fault),
                example=f"analysis: {{{how}}}" if event else fault.example,
            )
        if self.analysis.method not in methods:
            outcome = "the time to an event" if event else "a response or none"
            raise FieldFault(
                "analysis.method",
                f"the outcome is {outcome}; choose {', '.join(methods)}",
                example=how,
            )
        success = self.decision.success
        several = ", boundary: {kind: lan_demets_obrien_fleming}" if len(self.looks) > 1 else ""
        bayes = self.analysis.method == "beta_binomial"
        key = "probability_of" if bayes else "test_of"
        if (success.probability_of is not None) != bayes:
            raise FieldFault(
                "decision.success",
                f"with method {self.analysis.method} write {key}",
                example=rule
                if bayes
                else f'success: {{test_of: "{names[-1]} {sign} {names[0]}", '
                f"alpha: 0.025{several}}}",
            )
        found = self._check_comparison(f"decision.success.{key}", success.compared, sign, bayes)
        if success.and_also is not None:
            path = "decision.success.and_also.probability_of"
            again = self._check_comparison(path, success.and_also.probability_of, sign, bayes)
            self._same_arms(path, found, again)
        if bayes and set(self.analysis.prior) != set(names):
            raise FieldFault(
                "analysis.prior",
                f"it must name the arms, {', '.join(names)}, and no others",
                example=prior,
            )
        if len(success.levels) not in (0, 1, len(self.looks)):
            raise FieldFault(
                "decision.success.above",
                "there is one look, so give one level"
                if len(self.looks) == 1
                else f"give one level, or one for each of the {len(self.looks)} looks",
                example="above: 0.975"
                if len(self.looks) == 1
                else f"above: {shown([0.99] * (len(self.looks) - 1) + [0.975])}",
            )
        spent = None if success.boundary is None else success.boundary.spent
        if spent is not None and (len(spent) != len(self.looks) or spent[-1] != success.alpha):
            even = [
                (success.alpha or 0.0) * (k + 1) / len(self.looks) for k in range(len(self.looks))
            ]
            raise FieldFault(
                "decision.success.boundary.spent",
                f"it needs {len(self.looks)} errors, one for each look, and the last is alpha, "
                f"{success.alpha:g}",
                example=f"boundary: {{kind: user_spending, spent: {shown([*map(neat, even)])}}}",
            )
        if success.test_of is not None and len(self.looks) > 1 and success.boundary is None:
            raise FieldFault(
                "decision.success.boundary",
                f"{len(self.looks)} looks need a boundary, which spreads the error over them",
                example="boundary: {kind: lan_demets_obrien_fleming}",
            )
        self._check_futility(found, sign, bayes)

    def _check_futility(self, found: Comparison, sign: str, bayes: bool) -> None:
        futility = None if self.decision is None else self.decision.futility
        if futility is None:
            return
        if len(self.looks) == 1:
            raise FieldFault(
                "looks",
                "decision.futility acts at every look but the last, and there is only one look",
                example="looks: [{information: 0.5}, {information: 1.0}]",
            )
        if futility.probability_of is not None:
            path = "decision.futility.probability_of"
            again = self._check_comparison(path, futility.probability_of, sign, bayes)
            self._same_arms(path, found, again)
        if not bayes and futility.z_below is None:
            raise FieldFault(
                "decision.futility",
                "a test has no posterior; write z_below",
                example="futility: {z_below: 0.0}",
            )
        if bayes and futility.z_below is not None:
            raise FieldFault(
                "decision.futility.z_below",
                "beta_binomial computes no z; write a probability",
                example="predictive_probability_below: 0.05",
            )
        levels = futility.z_below if isinstance(futility.z_below, tuple) else ()
        if levels and len(levels) != len(self.looks) - 1:
            raise FieldFault(
                "decision.futility.z_below",
                f"give one number, or one for each of the {len(self.looks) - 1} looks but the last",
                example=f"z_below: {shown([0.0] * (len(self.looks) - 1))}",
            )

    def _check_comparison(self, path: str, text: str, sign: str, margins: bool) -> Comparison:
        names = list(self.arm_names)
        found = comparison(text)
        good = (
            found is not None
            and len(names) == 2
            and {found.first, found.second} == set(names)
            and found.sign == sign
            and abs(found.margin) < 1.0
            and (margins or found.margin == 0.0)
        )
        if not good or found is None:
            more = " and, if wanted, a margin below 1 (+ 0.1)" if margins else ""
            raise FieldFault(
                path,
                f"write 'a {sign} b' with two arms of the design ({', '.join(names)}){more}",
                example=f'{path.split(".")[-1]}: "{names[-1]} {sign} {names[0]}"'
                if len(names) == 2
                else None,
            )
        return found

    def _same_arms(self, path: str, found: Comparison, again: Comparison) -> None:
        if again.first != found.first:
            raise FieldFault(
                path,
                f"success compares {found.first} with {found.second}; keep that order",
                example=f'{path.split(".")[-1]}: "{found.first} {found.sign} {found.second}"',
            )

    def digest(self) -> str:
        """Return the digest that names this protocol.

        The order of the arms is part of it: allocation follows it, so the same protocol with its
        arms written the other way round gives other patients.
        """
        return digest([self.model_dump(mode="json"), list(self.arm_names)])

    def with_n(self, n: int) -> Self:
        """Return the same protocol with another total sample size, its looks at the same shares.

        Raises
        ------
        DesignError : when it does not fit, or its looks are at numbers of patients.
        """
        if n != self.sample_size.n and self.looks[0].by == "n":
            shares = ", ".join(
                f"{{information: {(look.n or 0) / self.sample_size.n:.4g}}}" for look in self.looks
            )
            raise DesignError(
                f"{self.where('looks')} are at {', '.join(str(look.n) for look in self.looks)} "
                f"patients; another n, here {n}, needs them as shares of it; for example "
                f"looks: [{shares}]."
            )
        return revalidated(self, {"sample_size": {"n": n}})


def revalidated[P: Plan](design: P, changes: dict[str, object]) -> P:
    """Return a design with some top-level fields replaced, checked as a whole again."""
    data = design.model_dump()
    data.update(changes)
    made = validate(type(design), Located(data=data, source="design"))
    made.placed(design.place, but=changes)  # what is replaced no longer stands in the file
    return made
