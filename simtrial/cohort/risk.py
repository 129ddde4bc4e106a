"""The truth about harm as numbers: one row of rates for each replicate, ready for either engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.core.arithmetic import logs
from simtrial.core.compiled import inlined
from simtrial.core.units import DAYS_PER_YEAR, MINUTES_PER_DAY
from simtrial.myositis.harm import REACTIONS
from simtrial.myositis.parameters import HARM, PARAMETERS

Draws = Mapping[str, NDArray[np.float64]]
PLACEBO, DRUG = 0, 1  # what is infused


class RiskTable(NamedTuple):
    """Rates of harm, D rows each. Rates of courses are expected events a course."""

    reaction_rate: NDArray[np.float64]  # (D, 2) placebo, drug
    reaction_first: NDArray[np.float64]  # (D,), as all that follow unless said
    frailty_sd: NDArray[np.float64]
    kind_upto: NDArray[np.float64]  # (D, 4) cumulative shares of REACTIONS
    reaction_serious: NDArray[np.float64]
    clot_rate: NDArray[np.float64]  # (D, 2) placebo (nothing), drug
    clot_first_days: NDArray[np.float64]
    clot_per_minute: NDArray[np.float64]
    log_hr_decade: NDArray[np.float64]
    log_hr_cancer: NDArray[np.float64]
    log_hr_previous: NDArray[np.float64]
    log_hr_dose: NDArray[np.float64]
    cancer_share: NDArray[np.float64]
    previous_share: NDArray[np.float64]
    serious_rate: NDArray[np.float64]  # (D, 2) placebo, drug
    stop_reaction: NDArray[np.float64]
    stop_serious: NDArray[np.float64]


class Risk(NamedTuple):
    """One row of a RiskTable."""

    reaction_rate: NDArray[np.float64]
    reaction_first: float
    frailty_sd: float
    kind_upto: NDArray[np.float64]
    reaction_serious: float
    clot_rate: NDArray[np.float64]
    clot_first_days: float
    clot_per_minute: float
    log_hr_decade: float
    log_hr_cancer: float
    log_hr_previous: float
    log_hr_dose: float
    cancer_share: float
    previous_share: float
    serious_rate: NDArray[np.float64]
    stop_reaction: float
    stop_serious: float


@inlined
def risk_row(table: RiskTable, d: int) -> Risk:
    """Return row d."""
    return Risk(
        table.reaction_rate[d],
        table.reaction_first[d],
        table.frailty_sd[d],
        table.kind_upto[d],
        table.reaction_serious[d],
        table.clot_rate[d],
        table.clot_first_days[d],
        table.clot_per_minute[d],
        table.log_hr_decade[d],
        table.log_hr_cancer[d],
        table.log_hr_previous[d],
        table.log_hr_dose[d],
        table.cancer_share[d],
        table.previous_share[d],
        table.serious_rate[d],
        table.stop_reaction[d],
        table.stop_serious[d],
    )


def risk_table(draws: Draws, *, drug_harms: bool) -> RiskTable:
    """Return the rows of harm.

    Parameters
    ----------
    draws : name -> (D,) parameter values, overrides applied.
    drug_harms : False lets the drug's infusions do what a placebo's do.
    """
    none = np.zeros_like(draws["thromboembolism.per_course"])
    kind = "ivig" if drug_harms else "placebo"
    clots = draws["thromboembolism.per_course"] if drug_harms else none
    return RiskTable(
        reaction_rate=_pair(
            draws["reaction.per_course[placebo]"], draws[f"reaction.per_course[{kind}]"]
        ),
        reaction_first=draws["reaction.first_course"],
        frailty_sd=draws["reaction.frailty_sd"],
        kind_upto=_cumulative([draws[f"reaction.mix.{k}"] for k in REACTIONS]),
        reaction_serious=draws["reaction.serious"],
        clot_rate=_pair(none, clots),
        clot_first_days=draws["thromboembolism.first_days"],
        clot_per_minute=draws["thromboembolism.per_year"] / (DAYS_PER_YEAR * MINUTES_PER_DAY),
        log_hr_decade=logs(draws["thromboembolism.hr_decade"]),
        log_hr_cancer=logs(draws["thromboembolism.hr_cancer"]),
        log_hr_previous=logs(draws["thromboembolism.hr_previous"]),
        log_hr_dose=logs(draws["thromboembolism.hr_g_per_kg_day"]),
        cancer_share=draws["cancer_share"],
        previous_share=draws["previous_thromboembolism_share"],
        serious_rate=_pair(
            draws["serious.per_course[placebo]"], draws[f"serious.per_course[{kind}]"]
        ),
        stop_reaction=draws["stop.reaction"],
        stop_serious=draws["stop.serious"],
    )


def without_harm(rows: int) -> dict[str, NDArray[np.float64]]:
    """Return (rows,) values of every parameter of harm with which nothing ever happens.

    Rates and shares are 0, hazard ratios and weights 1.
    """
    names = [name for name in PARAMETERS if name.startswith(HARM)]
    return {name: np.full(rows, float(PARAMETERS[name].lowest > 0.0)) for name in names}


def _pair(placebo: NDArray[np.float64], drug: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([placebo, drug], axis=1)


def _cumulative(weights: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return (D, 4) cumulative shares of weights, the last exactly 1."""
    upto = np.cumsum(np.stack(weights, axis=1), axis=1)
    upto = upto / upto[:, -1:]
    upto[:, -1] = 1.0
    return np.asarray(upto, np.float64)
