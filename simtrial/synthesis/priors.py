"""Every prior in one readable table: loaded, checked, drawn from."""

from __future__ import annotations

import math
from importlib import resources
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from simtrial.core.config import Spec, parse_yaml, validate
from simtrial.core.provenance import digest
from simtrial.myositis.measures import MEASURES

_Z90 = 1.6448536269514722  # half-width of the middle 90 % of a standard normal
_Numbers = Annotated[tuple[float, ...], Field(strict=False)]


class Prior(Spec):
    """One prior: exactly one distribution, and why."""

    normal: _Numbers | None = Field(default=None, min_length=2, max_length=2)
    half_normal: _Numbers | None = Field(default=None, min_length=1, max_length=1)
    lognormal: _Numbers | None = Field(default=None, min_length=3, max_length=3)
    beta: _Numbers | None = Field(default=None, min_length=2, max_length=2)
    fixed: float | None = None
    status: Literal["assumed", "published elsewhere"] = "assumed"  # of what is not fitted
    source: str

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(v is not None for v in self._kinds().values()) != 1:
            raise ValueError(f"a prior needs exactly one of {', '.join(self._kinds())}")
        return self

    def _kinds(self) -> dict[str, object]:
        return {
            "normal": self.normal,
            "half_normal": self.half_normal,
            "lognormal": self.lognormal,
            "beta": self.beta,
            "fixed": self.fixed,
        }

    @property
    def kind(self) -> str:
        """The name of the distribution."""
        return next(name for name, value in self._kinds().items() if value is not None)

    def numbers(self) -> tuple[float, ...]:
        """Return the distribution's parameters; of a lognormal, log median and log SD."""
        if self.lognormal is not None:
            median, low, high = self.lognormal
            return math.log(median), (math.log(high) - math.log(low)) / (2.0 * _Z90)
        if self.fixed is not None:
            return (self.fixed,)
        return self.normal or self.half_normal or self.beta or ()

    def quantile(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the quantiles at ``u``, any shape, each strictly between 0 and 1."""
        from scipy.special import betaincinv, ndtri

        numbers = self.numbers()
        if self.kind == "fixed":
            return np.full(u.shape, numbers[0])
        if self.kind == "beta":
            return np.asarray(betaincinv(numbers[0], numbers[1], u), np.float64)
        if self.kind == "lognormal":
            return np.asarray(np.exp(numbers[0] + numbers[1] * ndtri(u)), np.float64)
        if self.kind == "half_normal":
            return np.asarray(numbers[0] * ndtri(0.5 + 0.5 * u), np.float64)
        return np.asarray(numbers[0] + numbers[1] * ndtri(u), np.float64)

    def median(self) -> float:
        """Return the median."""
        if self.kind == "lognormal":
            return math.exp(self.numbers()[0])  # as written, without a rounding of the quantile
        return float(self.quantile(np.array([0.5]))[0])

    def draw(self, generator: np.random.Generator, n: int) -> NDArray[np.float64]:
        """Return n draws, one from each n-th of the distribution, in random order.

        A column of a Latin hypercube: the marginal is met almost exactly, and columns drawn one
        after another are independent.
        """
        return self.quantile((generator.permutation(n) + generator.random(n)) / n)

    def words(self) -> str:
        """Return the distribution as a phrase."""
        if self.lognormal is not None:
            median, low, high = self.lognormal
            return f"log-normal, median {median:g} (90 % {low:g} to {high:g})"
        if self.fixed is not None:
            return f"fixed at {self.fixed:g}"
        return f"{self.kind.replace('_', '-')}({', '.join(f'{v:g}' for v in self.numbers())})"


class Constant(Spec):
    """One assumed number."""

    value: float
    source: str


class Correlation(Spec):
    """The assumed correlation of the latent baseline measures."""

    source: str
    order: Annotated[tuple[str, ...], Field(strict=False)]
    rows: Annotated[tuple[_Numbers, ...], Field(strict=False)]

    @model_validator(mode="after")
    def _is_correlation(self) -> Self:
        matrix = np.array(self.rows)
        if self.order != MEASURES or matrix.shape != (6, 6):
            raise ValueError(f"the correlation is 6 by 6 in the order {', '.join(MEASURES)}")
        if not (np.allclose(matrix, matrix.T) and np.all(np.diag(matrix) == 1.0)):
            raise ValueError("the correlation must be symmetric with ones on the diagonal")
        if np.linalg.eigvalsh(matrix)[0] <= 0.0:
            raise ValueError("the correlation must be positive definite")
        return self


class BaselineConstants(Spec):
    """What turns printed baselines into marginals."""

    ck_upper_limit_u_per_l: Constant
    correlation: Correlation


class HarmConstants(Spec):
    """What the likelihood of harm needs beside the facts."""

    lim21_courses_of_rescued: Constant


class Priors(Spec):
    """The whole table."""

    fitted: dict[str, Prior]
    assumed: dict[str, Prior]
    harm: HarmConstants
    baseline: BaselineConstants

    def digest(self) -> str:
        """Return a digest of all numbers; the reasons are not in it."""
        numbers = {
            part: {name: [p.kind, list(p.numbers())] for name, p in table.items()}
            for part, table in (("fitted", self.fitted), ("assumed", self.assumed))
        }
        limits = self.baseline
        rest = [limits.ck_upper_limit_u_per_l.value, [list(r) for r in limits.correlation.rows]]
        exposure = self.harm.lim21_courses_of_rescued.value
        return digest({"priors": numbers, "baseline": rest, "harm": exposure})


def load_priors() -> Priors:
    """Return the table that comes with the package."""
    entry = resources.files("simtrial.synthesis") / "priors.yaml"
    return validate(Priors, parse_yaml(entry.read_text(encoding="utf-8"), "priors.yaml"))
