"""The truth about waning, decline, prednisolone and flares: one row of numbers a replicate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.core.arithmetic import logs
from simtrial.core.compiled import inlined
from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.myositis.parameters import (
    PARAMETERS,
    drift_name,
    prednisolone_parameters,
)
from simtrial.trial.design import Design

Draws = Mapping[str, NDArray[np.float64]]
_OF_THE_WORLD = ("p_transient", "transient_half_life", "drift_per_year", "drift_per_year[IBM]")


class DynamicsTable(NamedTuple):
    """Parameters of the dynamics, D rows each; S subtypes of the design."""

    courses_add: NDArray[np.bool_]  # (D,), as all that follow unless said
    p_transient: NDArray[np.float64]
    transient_half_life_minutes: NDArray[np.float64]
    drift_per_year: NDArray[np.float64]  # (D, S)
    steroid_effect: NDArray[np.float64]
    steroid_d50: NDArray[np.float64]
    k_steroid: NDArray[np.float64]
    flare_per_week: NDArray[np.float64]
    flare_speed: NDArray[np.float64]
    flare_size: NDArray[np.float64]
    k_flare: NDArray[np.float64]
    p_judged_improved: NDArray[np.float64]
    taper_share: NDArray[np.float64]
    taper_share_sd: NDArray[np.float64]
    centre_taper_sd: NDArray[np.float64]
    maintenance_share: NDArray[np.float64]
    maintenance_log_median: NDArray[np.float64]
    maintenance_log_sd: NDArray[np.float64]
    centre_floor_sd: NDArray[np.float64]


class Dynamics(NamedTuple):
    """One row of a DynamicsTable."""

    courses_add: bool
    p_transient: float
    transient_half_life_minutes: float
    drift_per_year: NDArray[np.float64]
    steroid_effect: float
    steroid_d50: float
    k_steroid: float
    flare_per_week: float
    flare_speed: float
    flare_size: float
    k_flare: float
    p_judged_improved: float
    taper_share: float
    taper_share_sd: float
    centre_taper_sd: float
    maintenance_share: float
    maintenance_log_median: float
    maintenance_log_sd: float
    centre_floor_sd: float


@inlined
def dynamics_row(table: DynamicsTable, d: int) -> Dynamics:
    """Return row d."""
    return Dynamics(
        table.courses_add[d],
        table.p_transient[d],
        table.transient_half_life_minutes[d],
        table.drift_per_year[d],
        table.steroid_effect[d],
        table.steroid_d50[d],
        table.k_steroid[d],
        table.flare_per_week[d],
        table.flare_speed[d],
        table.flare_size[d],
        table.k_flare[d],
        table.p_judged_improved[d],
        table.taper_share[d],
        table.taper_share_sd[d],
        table.centre_taper_sd[d],
        table.maintenance_share[d],
        table.maintenance_log_median[d],
        table.maintenance_log_sd[d],
        table.centre_floor_sd[d],
    )


def dynamics_table(design: Design, draws: Draws, rows: int, *, courses_add: bool) -> DynamicsTable:
    """Return the rows of the dynamics.

    Parameters
    ----------
    draws : name -> (D,) parameter values, overrides applied; those of prednisolone are read only
        where the design's rule needs them.
    courses_add : whether exposure is the sum of the courses' effects, and not the largest.
    """
    rule = design.prednisolone
    read = {
        *_OF_THE_WORLD,
        *prednisolone_parameters(rule.taper, raises=design.intercurrent.raises_prednisolone),
    }

    def held(name: str) -> NDArray[np.float64]:
        return draws[name] if name in read else np.full(rows, _neutral(name))

    return DynamicsTable(
        courses_add=np.full(rows, courses_add),
        p_transient=held("p_transient"),
        transient_half_life_minutes=held("transient_half_life") * MINUTES_PER_WEEK,
        drift_per_year=np.stack(
            [held(drift_name(subtype)) for subtype in design.population.subtypes], axis=1
        ),
        steroid_effect=held("steroid_effect"),
        steroid_d50=held("steroid_d50"),
        k_steroid=held("k_steroid"),
        flare_per_week=held("flare_per_week"),
        flare_speed=held("flare_speed"),
        flare_size=held("flare_size"),
        k_flare=held("k_flare"),
        p_judged_improved=held("p_judged_improved"),
        taper_share=held("taper_share"),
        taper_share_sd=held("taper_share_sd"),
        centre_taper_sd=held("centre_taper_sd"),
        maintenance_share=held("maintenance_share"),
        maintenance_log_median=logs(held("maintenance.median")),
        maintenance_log_sd=held("maintenance.log_sd"),
        centre_floor_sd=held("centre_floor_sd"),
    )


def without_dynamics(rows: int) -> dict[str, NDArray[np.float64]]:
    """Return (rows,) values of every parameter of the dynamics with which nothing changes.

    Chances, rates and spreads are 0, half-lives and doses that divide are 1.
    """
    names = {*_OF_THE_WORLD, *prednisolone_parameters("practice", raises=True)}
    return {name: np.full(rows, _neutral(name)) for name in PARAMETERS if name in names}


def _neutral(name: str) -> float:
    return float(PARAMETERS[name].lowest > 0.0)
