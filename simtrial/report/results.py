"""Results that can also draw themselves: what a script is handed."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from simtrial.planning.sensitivity import Sensitivity as PlainSensitivity
from simtrial.planning.sensitivity import sensitivity as find_sensitivity
from simtrial.planning.size import SampleSize as PlainSampleSize
from simtrial.planning.size import size as find_size
from simtrial.report.curves import power_and_assurance
from simtrial.report.tornado import tornado_figure
from simtrial.trial.design import Design


class SampleSize(PlainSampleSize):
    """A sample size with its figure."""

    def plot(self) -> Any:
        """Return a matplotlib figure of power and assurance over n."""
        return power_and_assurance(self.document)


def size(design: Design, **options: Any) -> SampleSize:
    """Return the smallest sample size; see ``simtrial.planning.size.size`` for the options."""
    found = find_size(design, **options)
    return SampleSize(**{f.name: getattr(found, f.name) for f in fields(found)})


class Sensitivity(PlainSensitivity):
    """A sensitivity analysis with its figure."""

    def plot(self) -> Any:
        """Return a matplotlib figure of the change of power by assumption."""
        return tornado_figure(self.document)


def sensitivity(design: Design, **options: Any) -> Sensitivity:
    """Return what moves the power; see ``simtrial.planning.sensitivity.sensitivity``."""
    found = find_sensitivity(design, **options)
    return Sensitivity(**{f.name: getattr(found, f.name) for f in fields(found)})
