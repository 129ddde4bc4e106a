"""The truth as numbers: one row of parameters for each replicate, ready for either engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.dynamics import Dynamics, DynamicsTable, dynamics_row, dynamics_table
from simtrial.cohort.event_rates import EventRates, EventTable, event_rates_row, event_table
from simtrial.cohort.measuring import Measuring, MeasuringTable, measuring_row, measuring_table
from simtrial.cohort.people import (
    People,
    PeopleTable,
    people_row,
    people_table,
    rescue_by_visit,
    response_by_subtype,
)
from simtrial.cohort.risk import Risk, RiskTable, risk_row, risk_table
from simtrial.cohort.supply import Supply, SupplyTable, supply_row, supply_table
from simtrial.core.arithmetic import logs
from simtrial.core.compiled import inlined
from simtrial.core.units import MINUTES_PER_DAY, MINUTES_PER_WEEK
from simtrial.myositis.measures import MEASURES
from simtrial.myositis.parameters import prednisolone_name
from simtrial.trial.design import Design

Draws = Mapping[str, NDArray[np.float64]]
_SD_OF = ("vas", "vas", "vas", "haq", "mmt", "enzyme")  # in the order of MEASURES


class CourseTable(NamedTuple):
    """Parameters of the course, D rows each; S subtypes of the design, K = 6 measures.

    Of a design of both lines, those that differ by line are of the first; ``people`` has the rest.
    """

    subtype_upto: NDArray[np.float64]  # (S,) cumulative shares of the design's mix
    p_response: NDArray[np.float64]  # (D, S) 0 where the drug has no effect
    depth: NDArray[np.float64]  # (D,), as all that follow unless said
    depth_sd: NDArray[np.float64]
    log_x50: NDArray[np.float64]
    x50_sd: NDArray[np.float64]
    k_on: NDArray[np.float64]
    hill: NDArray[np.float64]
    half_life_minutes: NDArray[np.float64]
    loading: NDArray[np.float64]  # (D, K)
    sd: NDArray[np.float64]  # (D, K) of one observation
    noise_shared: NDArray[np.float64]
    noise_per_4_weeks: NDArray[np.float64]
    p_background: NDArray[np.float64]
    background_depth: NDArray[np.float64]
    k_background: NDArray[np.float64]
    rescue_per_visit: NDArray[np.float64]
    dropout_per_minute: NDArray[np.float64]
    location: NDArray[np.float64]  # (D, K)
    scale: NDArray[np.float64]  # (D, K)
    root: NDArray[np.float64]  # (K, K) lower triangle of the baseline correlation
    female_share: NDArray[np.float64]
    age_location: NDArray[np.float64]
    age_scale: NDArray[np.float64]
    weight_women: NDArray[np.float64]
    weight_men: NDArray[np.float64]
    weight_log_sd: NDArray[np.float64]
    prednisolone_share: NDArray[np.float64]
    prednisolone_log_median: NDArray[np.float64]
    prednisolone_log_sd: NDArray[np.float64]
    risk: RiskTable
    lack_per_visit: NDArray[np.float64]
    standard_depth: NDArray[np.float64]
    k_standard: NDArray[np.float64]
    supply: SupplyTable
    measuring: MeasuringTable
    events: EventTable
    people: PeopleTable
    dynamics: DynamicsTable


class Course(NamedTuple):
    """One row of a CourseTable."""

    subtype_upto: NDArray[np.float64]
    p_response: NDArray[np.float64]
    depth: float
    depth_sd: float
    log_x50: float
    x50_sd: float
    k_on: float
    hill: float
    half_life_minutes: float
    loading: NDArray[np.float64]
    sd: NDArray[np.float64]
    noise_shared: float
    noise_per_4_weeks: float
    p_background: float
    background_depth: float
    k_background: float
    rescue_per_visit: float
    dropout_per_minute: float
    location: NDArray[np.float64]
    scale: NDArray[np.float64]
    root: NDArray[np.float64]
    female_share: float
    age_location: float
    age_scale: float
    weight_women: float
    weight_men: float
    weight_log_sd: float
    prednisolone_share: float
    prednisolone_log_median: float
    prednisolone_log_sd: float
    risk: Risk
    lack_per_visit: float
    standard_depth: float
    k_standard: float
    supply: Supply
    measuring: Measuring
    events: EventRates
    people: People
    dynamics: Dynamics


@inlined
def course_row(table: CourseTable, d: int) -> Course:
    """Return row d."""
    return Course(
        table.subtype_upto,
        table.p_response[d],
        table.depth[d],
        table.depth_sd[d],
        table.log_x50[d],
        table.x50_sd[d],
        table.k_on[d],
        table.hill[d],
        table.half_life_minutes[d],
        table.loading[d],
        table.sd[d],
        table.noise_shared[d],
        table.noise_per_4_weeks[d],
        table.p_background[d],
        table.background_depth[d],
        table.k_background[d],
        table.rescue_per_visit[d],
        table.dropout_per_minute[d],
        table.location[d],
        table.scale[d],
        table.root,
        table.female_share[d],
        table.age_location[d],
        table.age_scale[d],
        table.weight_women[d],
        table.weight_men[d],
        table.weight_log_sd[d],
        table.prednisolone_share[d],
        table.prednisolone_log_median[d],
        table.prednisolone_log_sd[d],
        risk_row(table.risk, d),
        table.lack_per_visit[d],
        table.standard_depth[d],
        table.k_standard[d],
        supply_row(table.supply, d),
        measuring_row(table.measuring, d),
        event_rates_row(table.events, d),
        people_row(table.people, d),
        dynamics_row(table.dynamics, d),
    )


def lower_root(correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Cholesky root by plain sums, so that it is the same on every machine."""
    k = correlation.shape[0]
    root = np.zeros((k, k))
    for i in range(k):
        for j in range(i + 1):
            rest = float(correlation[i, j])
            for m in range(j):
                rest -= float(root[i, m]) * float(root[j, m])
            root[i, j] = np.sqrt(rest) if i == j else rest / root[j, j]
    return root


def course_table(
    design: Design,
    draws: Draws,
    correlation: NDArray[np.float64],
    p_background: NDArray[np.float64],
    *,
    drug_works: bool,
    drug_harms: bool = True,
    courses_add: bool = False,
) -> CourseTable:
    """Return the rows of a design's course.

    Parameters
    ----------
    draws : name -> (D,) parameter values, overrides applied.
    p_background : (D,) chance to improve without the drug, solved elsewhere.
    drug_works : False sets every chance of drug response to 0.
    drug_harms : False lets the drug's infusions do what a placebo's do.
    courses_add : True makes the exposure the sum of the courses' effects.
    """
    people = design.population
    ages = "juvenile." if people.age_group == "juvenile" else ""
    n = p_background.shape[0]
    sd = np.stack([draws[f"sd_change.{kind}"] for kind in _SD_OF], axis=1) / np.sqrt(2.0)
    line = next(iter(people.lines))
    upto = np.cumsum(np.array(list(people.subtypes.values())))
    upto[-1] = 1.0
    gives_up = design.intercurrent.lack_of_effect is not None
    has_standard = design.intercurrent.has("standard_therapy")
    return CourseTable(
        subtype_upto=upto,
        p_response=response_by_subtype(design, draws, line, n, drug_works=drug_works),
        depth=draws["depth"],
        depth_sd=draws["depth_sd"],
        log_x50=logs(draws["x50"]),
        x50_sd=draws["x50_sd"],
        k_on=draws["k_on"],
        hill=draws["hill"],
        half_life_minutes=draws["h_eff"] * MINUTES_PER_DAY,
        loading=np.stack([draws[f"loading.{m}"] for m in MEASURES], axis=1),
        sd=sd,
        noise_shared=draws["noise_shared"],
        noise_per_4_weeks=draws["noise_per_4_weeks"],
        p_background=p_background,
        background_depth=draws["background_depth"],
        k_background=draws["k_background"],
        rescue_per_visit=rescue_by_visit(design, draws, line, n),
        dropout_per_minute=-logs(1.0 - draws["dropout_16_weeks"]) / (16.0 * MINUTES_PER_WEEK),
        location=np.stack([draws[f"baseline.{m}.location"] for m in MEASURES], axis=1),
        scale=np.stack([draws[f"baseline.{m}.scale"] for m in MEASURES], axis=1),
        root=lower_root(correlation),
        female_share=draws["female_share"],
        age_location=draws[f"{ages}age.location"],
        age_scale=draws[f"{ages}age.scale"],
        # of juveniles the median follows their age, and is not read here
        weight_women=draws["juvenile.weight.at_2" if ages else "weight.women"],
        weight_men=draws["juvenile.weight.at_2" if ages else "weight.men"],
        weight_log_sd=draws[f"{ages}weight.log_sd"],
        prednisolone_share=draws[prednisolone_name(line)],
        prednisolone_log_median=logs(draws["prednisolone.median"]),
        prednisolone_log_sd=draws["prednisolone.log_sd"],
        risk=risk_table(draws, drug_harms=drug_harms),
        lack_per_visit=draws["lack_of_effect_per_visit"] if gives_up else np.zeros(n),
        standard_depth=draws["standard.depth"] if has_standard else np.zeros(n),
        k_standard=draws["standard.k"] if has_standard else np.zeros(n),
        supply=supply_table(draws),
        measuring=measuring_table(design, draws),
        events=event_table(draws, tuple(people.subtypes), drug_harms=drug_harms),
        people=people_table(design, draws, drug_works=drug_works),
        dynamics=dynamics_table(design, draws, n, courses_add=courses_add),
    )
