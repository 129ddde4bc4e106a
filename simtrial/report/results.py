"""Results that can also draw themselves: what a script is handed."""

from __future__ import annotations

from dataclasses import fields
from functools import wraps
from typing import Any

from simtrial.planning.power import Power as PlainPower
from simtrial.planning.power import power as find_power
from simtrial.planning.sensitivity import Sensitivity as PlainSensitivity
from simtrial.planning.sensitivity import sensitivity as find_sensitivity
from simtrial.planning.size import SampleSize as PlainSampleSize
from simtrial.planning.size import size as find_size
from simtrial.report.curves import power_and_assurance
from simtrial.report.looks import stopping_figure
from simtrial.report.tornado import tornado_figure
from simtrial.trial.design import AnyDesign, Design


class Power(PlainPower):
    """Operating characteristics with their figure, where the design has several looks."""

    def plot(self) -> Any:
        """Return a matplotlib figure of how trials stop at their looks, one panel a scenario.

        Raises
        ------
        ResultError : when no scenario has several looks.
        """
        return stopping_figure(self.document["scenarios"])


@wraps(find_power)
def power(design: AnyDesign, **options: Any) -> Power:
    """Return power, type I error and assurance; see ``simtrial.planning.power.power``."""
    found = find_power(design, **options)
    return Power(**{f.name: getattr(found, f.name) for f in fields(found)})


class SampleSize(PlainSampleSize):
    """A sample size with its figure."""

    def plot(self) -> Any:
        """Return a matplotlib figure of power and assurance over n."""
        return power_and_assurance(self.document)


@wraps(find_size)
def size(design: AnyDesign, **options: Any) -> SampleSize:
    """Return the smallest sample size; see ``simtrial.planning.size.size`` for the options."""
    found = find_size(design, **options)
    return SampleSize(**{f.name: getattr(found, f.name) for f in fields(found)})


class Sensitivity(PlainSensitivity):
    """A sensitivity analysis with its figure."""

    def plot(self) -> Any:
        """Return a matplotlib figure of the change of power by assumption."""
        return tornado_figure(self.document)


@wraps(find_sensitivity)
def sensitivity(design: Design, **options: Any) -> Sensitivity:
    """Return what moves the power; see ``simtrial.planning.sensitivity.sensitivity``."""
    found = find_sensitivity(design, **options)
    return Sensitivity(**{f.name: getattr(found, f.name) for f in fields(found)})
