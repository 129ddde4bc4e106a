"""Every kind of figure a document prints, and the record that holds it."""

from __future__ import annotations

from typing import Literal

from simtrial.evidence.counts import (
    Count,
    Mix,
    Multinomial,
    Proportion,
    Subtype,
    Tally,
    Times,
    Values,
)
from simtrial.evidence.measured import (
    Interval,
    MeanChange,
    MeanSd,
    MedianIqr,
    MedianRange,
    Number,
    Percentage,
    Period,
    Slope,
)
from simtrial.evidence.patients import Patient, PatientTable

__all__ = [
    "RECORDS",
    "Count",
    "Interval",
    "Kind",
    "MeanChange",
    "MeanSd",
    "MedianIqr",
    "MedianRange",
    "Mix",
    "Multinomial",
    "Number",
    "Patient",
    "PatientTable",
    "Percentage",
    "Period",
    "Proportion",
    "Slope",
    "Subtype",
    "Tally",
    "Times",
    "Values",
]

Kind = Literal[
    "count",
    "proportion",
    "multinomial",
    "mix",
    "tally",
    "times",
    "median_iqr",
    "median_range",
    "mean_sd",
    "mean_change",
    "number",
    "slope",
    "interval",
    "percentage",
    "period",
    "patients",
]

RECORDS: dict[Kind, type[Values]] = {
    "count": Count,
    "proportion": Proportion,
    "multinomial": Multinomial,
    "mix": Mix,
    "tally": Tally,
    "times": Times,
    "median_iqr": MedianIqr,
    "median_range": MedianRange,
    "mean_sd": MeanSd,
    "mean_change": MeanChange,
    "number": Number,
    "slope": Slope,
    "interval": Interval,
    "percentage": Percentage,
    "period": Period,
    "patients": PatientTable,
}
