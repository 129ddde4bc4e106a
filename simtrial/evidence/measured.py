"""Figures that measure: medians, means, changes, intervals, single numbers, slopes, periods."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from simtrial.evidence.counts import Values
from simtrial.stats.intervals import IntervalMethod

Decimals = Annotated[int, Field(ge=0, le=6, examples=[1])]
Level = Annotated[float, Field(ge=1.0, lt=100.0, examples=[95.0])]
Figure = Annotated[float, Field(ge=-1e12, le=1e12)]  # no printed figure is larger
Relation = Literal["=", "about", "<", "<=", ">", ">="]
Month = Annotated[str, Field(pattern=r"^\d{4}(-(0[1-9]|1[0-2]))?$", examples=["'2017-03'"])]


class MedianIqr(Values):
    """A median and its quartiles; of a single patient, his value three times."""

    q1: Figure = Field(examples=[3.2])
    median: Figure = Field(examples=[3.8])
    q3: Figure = Field(examples=[4.0])

    @field_validator("median", "q3")
    @classmethod
    def _ascending(cls, value: float, info: ValidationInfo) -> float:
        before = "q1" if info.field_name == "median" else "median"
        below = info.data.get(before, value)
        if value < below:
            raise ValueError(
                f"quartiles ascend, q1 <= median <= q3, and {before} is {below}; "
                "of negative changes the most negative is q1"
            )
        return value


class MedianRange(Values):
    """A median with the lowest and the highest value."""

    median: Figure = Field(examples=[1.2])
    low: Figure = Field(examples=[0.0])
    high: Figure = Field(examples=[7.8])

    @field_validator("low", "high")
    @classmethod
    def _around_the_median(cls, value: float, info: ValidationInfo) -> float:
        median = info.data.get("median", value)
        if (value > median) if info.field_name == "low" else (value < median):
            raise ValueError(f"low <= median <= high, and median is {median}")
        return value


class MeanSd(Values):
    """A mean, with its standard deviation where one is printed."""

    mean: Figure = Field(examples=[44.7])
    sd: Annotated[float, Field(ge=0.0, le=1e12)] | None = Field(default=None, examples=[29.7])


class MeanChange(Values):
    """The mean of within-patient changes, with its confidence interval where one is printed."""

    mean: Figure = Field(examples=[-26.1])
    low: Figure | None = Field(default=None, examples=[-37.0])
    high: Figure | None = Field(default=None, examples=[-15.0])
    level_percent: Level = 95.0

    @field_validator("low", "high")
    @classmethod
    def _around_the_mean(cls, value: float | None, info: ValidationInfo) -> float | None:
        mean = info.data.get("mean")
        if value is not None and mean is not None:
            outside = value > mean if info.field_name == "low" else value < mean
            if outside:
                raise ValueError(f"low <= mean <= high, and mean is {mean}")
        if info.field_name == "high" and (value is None) != (info.data.get("low") is None):
            raise ValueError("an interval has both ends; leave both out where none is printed")
        return value


class Number(Values):
    """One number as stated: a dose, a duration, a mean or a median without spread.

    Attributes
    ----------
    relation : how it is stated: equal to, about, above or below.
    statistic : what it is of the patients; ``stated`` where it is none, as of a dose.
    """

    value: Figure = Field(examples=[2.0])
    relation: Relation = Field(default="=", examples=["'>='"])
    statistic: Literal["stated", "mean", "median", "total"] = Field(
        default="stated", examples=["mean"]
    )


class Slope(Values):
    """A regression coefficient with its confidence interval."""

    estimate: Figure = Field(examples=[-0.008])
    low: Figure = Field(examples=[-0.011])
    high: Figure = Field(examples=[-0.006])
    level_percent: Level = 95.0

    @field_validator("low", "high")
    @classmethod
    def _around_the_estimate(cls, value: float, info: ValidationInfo) -> float:
        estimate = info.data.get("estimate", value)
        if (value > estimate) if info.field_name == "low" else (value < estimate):
            raise ValueError(f"low <= estimate <= high, and estimate is {estimate}")
        return value


class Period(Values):
    """From a month, or a year, to another."""

    first: Month
    last: Month

    @field_validator("last")
    @classmethod
    def _after_the_first(cls, last: str, info: ValidationInfo) -> str:
        first = info.data.get("first", last)
        if last[:7] < first[:7]:
            raise ValueError(f"the period ends before it begins, first is {first}")
        return last


class Interval(Values):
    """Two ends; with ``level_percent`` a confidence interval, without it a range.

    Attributes
    ----------
    method : the method that the document names, whether or not it is the one it used.
    decimals : how many decimals of the ends are printed.
    """

    low: Figure = Field(examples=[19.6])
    high: Figure = Field(examples=[64.6])
    level_percent: Level | None = Field(default=None, examples=[95.0])
    method: IntervalMethod | None = Field(default=None, examples=["clopper_pearson"])
    decimals: Decimals = 1

    @field_validator("high")
    @classmethod
    def _ascending(cls, high: float, info: ValidationInfo) -> float:
        low = info.data.get("low", high)
        if high < low:
            raise ValueError(f"the ends ascend, and low is {low}")
        return high

    @field_validator("method")
    @classmethod
    def _of_a_confidence_interval(
        cls, method: IntervalMethod | None, info: ValidationInfo
    ) -> IntervalMethod | None:
        if method is not None and info.data.get("level_percent") is None:
            raise ValueError("a method makes a confidence interval, which has level_percent")
        return method


class Percentage(Values):
    """A percentage as printed, with ``decimals`` decimals.

    Attributes
    ----------
    of : ``patients`` for a share of the fact's patients, ``value`` for one of a dose or a mean.
    """

    percent: float = Field(ge=0.0, le=100.0, examples=[55.0])
    decimals: Decimals = 1
    relation: Relation = Field(default="=", examples=["'>'"])
    of: Literal["patients", "value"] = Field(default="patients", examples=["value"])
