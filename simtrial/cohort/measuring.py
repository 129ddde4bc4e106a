"""What is measured beside the six and what is not, as numbers: rows ready for either engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.core.compiled import inlined
from simtrial.core.units import minutes_from_days
from simtrial.myositis.enzymes import OTHERS, exchangeable_root, location_of_raised
from simtrial.myositis.measures import MEASURES
from simtrial.trial.design import Design

Draws = Mapping[str, NDArray[np.float64]]


class MeasuringRules(NamedTuple):
    """What a protocol says about measuring."""

    window_minutes: int  # a visit after the baseline takes place within so many of its minute
    missing_is_zero: bool  # a missing measure earns no points, instead of leaving no score
    is_juvenile: bool
    held_from: NDArray[np.int64]  # (V,) first patient for whom a visit is held, counted from 0


class MeasuringTable(NamedTuple):
    """Parameters of measuring, D rows each; four enzymes beside creatine kinase, K = 6 measures."""

    location: NDArray[np.float64]  # (D, 4) of the log enzymes
    scale: NDArray[np.float64]  # (D, 4)
    root: NDArray[np.float64]  # (D, 4, 5)
    missing_visit: NDArray[np.float64]  # (D,)
    missing_item: NDArray[np.float64]  # (D, K)
    patient_shift: NDArray[np.float64]  # (D,) cm that everybody reports better after baseline
    haq_shift: NDArray[np.float64]  # (D,)
    unblinded_shift: NDArray[np.float64]  # (D,) cm, on the drug after an infusion reaction
    weight_at_2: NDArray[np.float64]  # (D,) kg, of juveniles; 0 for adults
    weight_per_year: NDArray[np.float64]  # (D,)


class Measuring(NamedTuple):
    """One row of a MeasuringTable."""

    location: NDArray[np.float64]
    scale: NDArray[np.float64]
    root: NDArray[np.float64]
    missing_visit: float
    missing_item: NDArray[np.float64]
    patient_shift: float
    haq_shift: float
    unblinded_shift: float
    weight_at_2: float
    weight_per_year: float


def measuring_rules(design: Design) -> MeasuringRules:
    """Return a design's rules."""
    return MeasuringRules(
        window_minutes=minutes_from_days(design.visit_window_days),
        missing_is_zero=design.tis_missing == "zero",
        is_juvenile=design.population.age_group == "juvenile",
        held_from=np.array(
            [design.visits_from_patient.get(week, 1) - 1 for week in design.visits_weeks], np.int64
        ),
    )


@inlined
def measuring_row(table: MeasuringTable, d: int) -> Measuring:
    """Return row d."""
    return Measuring(
        table.location[d],
        table.scale[d],
        table.root[d],
        table.missing_visit[d],
        table.missing_item[d],
        table.patient_shift[d],
        table.haq_shift[d],
        table.unblinded_shift[d],
        table.weight_at_2[d],
        table.weight_per_year[d],
    )


def measuring_table(design: Design, draws: Draws) -> MeasuringTable:
    """Return the rows of measuring from name -> (D,) parameter values, overrides applied.

    What the design does not read is 0: shifts of the other blinding, weights of the other ages.
    """
    none = np.zeros_like(draws["enzyme.correlation"])

    def where(read: bool, name: str) -> NDArray[np.float64]:
        return draws[name] if read else none

    is_open, is_juvenile = design.is_open_label, design.population.age_group == "juvenile"
    scale = np.stack([draws[f"enzyme.{name}.scale"] for name in OTHERS], axis=1)
    raised = np.stack([draws[f"enzyme.{name}.raised"] for name in OTHERS], axis=1)
    location = location_of_raised(raised.ravel(), scale.ravel()).reshape(scale.shape)
    return MeasuringTable(
        location=location,
        scale=scale,
        root=exchangeable_root(draws["enzyme.correlation"]),
        missing_visit=draws["missing.visit"],
        missing_item=np.stack([draws[f"missing.item.{m}"] for m in MEASURES], axis=1),
        patient_shift=where(is_open, "reporting_shift.patient"),
        haq_shift=where(is_open, "reporting_shift.haq"),
        unblinded_shift=where(not is_open, "unblinding_shift"),
        weight_at_2=where(is_juvenile, "juvenile.weight.at_2"),
        weight_per_year=where(is_juvenile, "juvenile.weight.per_year"),
    )
