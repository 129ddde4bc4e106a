"""Results that can also draw themselves: what a script is handed."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from simtrial.planning.size import SampleSize as PlainSampleSize
from simtrial.planning.size import size as find_size
from simtrial.report.curves import power_and_assurance
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
