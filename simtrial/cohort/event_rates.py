"""The truth about the classes of ``myositis.events`` as numbers: one row for each replicate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.core.arithmetic import logs
from simtrial.core.compiled import inlined
from simtrial.core.units import DAYS_PER_YEAR, MINUTES_PER_DAY
from simtrial.myositis.event_parameters import EVENT_PREFIXES, cancer_name, death_name
from simtrial.myositis.events import CANCER, DEATH, EVENTS
from simtrial.myositis.parameters import PARAMETERS

Draws = Mapping[str, NDArray[np.float64]]
_MINUTES_PER_YEAR = DAYS_PER_YEAR * MINUTES_PER_DAY


class EventTable(NamedTuple):
    """Rates and chances, D rows each; S subtypes of the design, N = 7 classes."""

    migraine_share: NDArray[np.float64]  # (D,), as all that follow unless said
    group_o_share: NDArray[np.float64]
    meningitis_rate: NDArray[np.float64]  # (D, 2) a course of placebo (nothing), of the drug
    hr_migraine: NDArray[np.float64]
    haemolysis_rate: NDArray[np.float64]  # (D, 2)
    log_hr_g_per_kg: NDArray[np.float64]
    infection_per_minute: NDArray[np.float64]
    log_hr_10mg: NDArray[np.float64]
    toxicity_per_minute: NDArray[np.float64]  # under 10 mg a day
    cancer_per_minute: NDArray[np.float64]  # (D, S)
    death_per_minute: NDArray[np.float64]  # (D, S)
    progression_per_minute: NDArray[np.float64]
    serious: NDArray[np.float64]  # (D, N)
    related: NDArray[np.float64]  # (D, N)
    fatal: NDArray[np.float64]  # (D, N) of those that are serious
    stop_serious: NDArray[np.float64]
    interrupt_serious: NDArray[np.float64]
    interrupt_other: NDArray[np.float64]


class EventRates(NamedTuple):
    """One row of an EventTable."""

    migraine_share: float
    group_o_share: float
    meningitis_rate: NDArray[np.float64]
    hr_migraine: float
    haemolysis_rate: NDArray[np.float64]
    log_hr_g_per_kg: float
    infection_per_minute: float
    log_hr_10mg: float
    toxicity_per_minute: float
    cancer_per_minute: NDArray[np.float64]
    death_per_minute: NDArray[np.float64]
    progression_per_minute: float
    serious: NDArray[np.float64]
    related: NDArray[np.float64]
    fatal: NDArray[np.float64]
    stop_serious: float
    interrupt_serious: float
    interrupt_other: float


@inlined
def event_rates_row(table: EventTable, d: int) -> EventRates:
    """Return row d."""
    return EventRates(
        table.migraine_share[d],
        table.group_o_share[d],
        table.meningitis_rate[d],
        table.hr_migraine[d],
        table.haemolysis_rate[d],
        table.log_hr_g_per_kg[d],
        table.infection_per_minute[d],
        table.log_hr_10mg[d],
        table.toxicity_per_minute[d],
        table.cancer_per_minute[d],
        table.death_per_minute[d],
        table.progression_per_minute[d],
        table.serious[d],
        table.related[d],
        table.fatal[d],
        table.stop_serious[d],
        table.interrupt_serious[d],
        table.interrupt_other[d],
    )


def event_table(draws: Draws, subtypes: Sequence[str], *, drug_harms: bool) -> EventTable:
    """Return the rows of these classes.

    Parameters
    ----------
    draws : name -> (D,) parameter values, overrides applied.
    subtypes : of the design, in its order.
    drug_harms : False lets the drug's infusions do what a placebo's do, which is nothing here.
    """
    none = np.zeros_like(draws["meningitis.per_course"])
    one = np.ones_like(none)

    def of_course(name: str) -> NDArray[np.float64]:
        return np.stack([none, draws[f"{name}.per_course"] if drug_harms else none], axis=1)

    def per_minute(name: str) -> NDArray[np.float64]:
        return draws[name] / _MINUTES_PER_YEAR

    # a diagnosis of cancer and a death are serious, and a diagnosis kills nobody at its minute
    always = {EVENTS[CANCER], EVENTS[DEATH]}
    kills = {EVENTS[CANCER]: none, EVENTS[DEATH]: one}
    return EventTable(
        migraine_share=draws["migraine_share"],
        group_o_share=draws["group_o_share"],
        meningitis_rate=of_course("meningitis"),
        hr_migraine=draws["meningitis.hr_migraine"],
        haemolysis_rate=of_course("haemolysis"),
        log_hr_g_per_kg=logs(draws["haemolysis.hr_g_per_kg"]),
        infection_per_minute=per_minute("infection.per_year"),
        log_hr_10mg=logs(draws["infection.hr_10mg"]),
        toxicity_per_minute=per_minute("steroid_toxicity.per_year_10mg"),
        cancer_per_minute=np.stack([per_minute(cancer_name(s)) for s in subtypes], axis=1),
        death_per_minute=np.stack([per_minute(death_name(s)) for s in subtypes], axis=1),
        progression_per_minute=per_minute("progression.per_year"),
        serious=np.stack([one if e in always else draws[f"{e}.serious"] for e in EVENTS], axis=1),
        related=np.stack([draws[f"related.{e}"] for e in EVENTS], axis=1),
        fatal=np.stack([kills.get(e, draws["fatal.serious"]) for e in EVENTS], axis=1),
        stop_serious=draws["stop.serious"],
        interrupt_serious=draws["interrupt.serious"],
        interrupt_other=draws["interrupt.other"],
    )


def without_events(rows: int) -> dict[str, NDArray[np.float64]]:
    """Return (rows,) values of these classes' parameters with which none of them ever happens."""
    names = [name for name in PARAMETERS if name.startswith(EVENT_PREFIXES)]
    return {name: np.full(rows, float(PARAMETERS[name].lowest > 0.0)) for name in names}
