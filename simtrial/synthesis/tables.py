"""What the simulator says of document 002's outcomes: cell probabilities by class, k_on and x50.

The likelihood has no free sensitivity for TIS endpoints: the chance that a responder, and that a
non-responder, ends in each printed cell is counted among patients of the compiled engine, under
the document's regimen and visits, with the measures' parameters at their medians. Rescue is left
out of the simulation and put in exactly: each visit with TIS below 20 rescues with chance q, so a
path with m such visits is unrescued with chance (1 - q)^m.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.arrivals import arrivals_of
from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.course import course_table
from simtrial.cohort.protocol import Protocol, protocol_of
from simtrial.cohort.risk import without_harm
from simtrial.myositis.parameters import response_name
from simtrial.synthesis.own import Scores
from simtrial.trial.design import Design, load_patient_design, revalidated

CELLS = (
    "tis40_first_w3",
    "tis40_first_w4",
    "tis40_first_w6",
    "tis40_first_w9",
    "tis20_kept",
    "tis20_lost",
    "never",
)
WEEKS = (3, 4, 6, 9)
# the visit at week 4 came with the amendment after the tenth patient: 9 of the first 10 are
# analysed without it, 10 with it
SCHEDULES: tuple[tuple[tuple[int, ...], int], ...] = (((3, 6, 9), 9), ((3, 4, 6, 9), 10))
MOST_INSUFFICIENT = 3  # visits at which a patient can be rescued
K_ON_NODES = np.exp(np.linspace(np.log(0.06), np.log(4.0), 12))
X50_NODES = np.exp(np.linspace(np.log(0.1), np.log(2.5), 12))
PATIENTS_PER_NODE = 20_000
TABLE_SEED = 20210401


class CellTables(NamedTuple):
    """Shares of paths: cell, rescued or not, m insufficient visits survived.

    responder : (12, 12, 7, 2, 4) over K_ON_NODES and X50_NODES; non_responder : (7, 2, 4).
    """

    responder: NDArray[np.float64]
    non_responder: NDArray[np.float64]


class ScoreTable(NamedTuple):
    """Chance that a count of the score is reached: of a responder (12, 12), of a non-responder."""

    responder: NDArray[np.float64]
    non_responder: float


def document_design() -> Design:
    """Return document 002 with all its visits, and without rescue."""
    return revalidated(
        load_patient_design("documents/lim21_as_fitted"),
        {"visits_weeks": [0, *WEEKS], "intercurrent": {}, "screening_weeks": 2},
    )


def path_shares(tis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (7, 2, 4) shares of the patients' paths; ``tis`` is (N, 4) at WEEKS."""
    out = np.zeros((len(CELLS), 2, MOST_INSUFFICIENT + 1))
    total = sum(weight for _, weight in SCHEDULES)
    for weeks, weight in SCHEDULES:
        columns = [WEEKS.index(w) for w in weeks]
        seen = tis[:, columns]
        insufficient = seen < 20.0
        for end in range(len(weeks)):
            m = insufficient[:, :end].sum(axis=1)
            cell = _cell(seen[:, : end + 1], columns)
            rescued = end < len(weeks) - 1
            counted = insufficient[:, end] if rescued else np.ones(len(tis), bool)
            place = (cell[counted] * 2 + int(rescued)) * out.shape[2] + m[counted]
            found = np.bincount(place, minlength=out.size).reshape(out.shape)
            out += found * (weight / total / len(tis))
    return out


def _cell(seen: NDArray[np.float64], columns: list[int]) -> NDArray[np.int64]:
    """Return the printed cell of each patient whose last visit is the last column."""
    moderate = seen >= 40.0
    first = np.array(columns)[moderate.argmax(axis=1)]
    ever, at_end = (seen >= 20.0).any(axis=1), seen[:, -1] >= 20.0
    below = np.where(at_end, 4, np.where(ever, 5, 6))
    return np.where(moderate.any(axis=1), first, below).astype(np.int64)


def cell_tables(
    medians: Mapping[str, float],
    correlation: NDArray[np.float64],
    *,
    patients: int = PATIENTS_PER_NODE,
    tick: Callable[[], None] | None = None,
) -> CellTables:
    """Return the tables of a set of parameters; every node meets the same patients."""
    design = document_design()
    protocol = protocol_of(design)

    def shares(k_on: float, x50: float, *, responder: bool) -> NDArray[np.float64]:
        values = {**medians, "k_on": k_on, "x50": x50}
        tis = _simulated_tis(design, protocol, values, correlation, responder, patients)
        if tick is not None:
            tick()
        return path_shares(tis)

    responder = np.array([[shares(k, x, responder=True) for x in X50_NODES] for k in K_ON_NODES])
    return CellTables(responder, shares(0.5, 0.5, responder=False))


def score_tables(
    counts: Sequence[Scores],
    medians: Mapping[str, float],
    correlation: NDArray[np.float64],
    *,
    patients: int = PATIENTS_PER_NODE,
) -> dict[str, ScoreTable]:
    """Return the table of each count of the score, by the name of the count.

    As for document 002: the study's regimen and visits, nobody rescued or lost, other parameters
    at their medians, the same patients at every node.
    """
    out = {}
    for count in counts:
        design = revalidated(count.protocol, {"intercurrent": {}})
        protocol = protocol_of(design)

        def share(k_on: float, x50: float, *, responder: bool) -> float:
            values = {**medians, "k_on": k_on, "x50": x50}
            tis = _simulated_tis(design, protocol, values, correlation, responder, patients)  # noqa: B023  # called before the next count
            return reached_share(tis, design.visits_weeks[1:], count)  # noqa: B023

        responder = [[share(k, x, responder=True) for x in X50_NODES] for k in K_ON_NODES]
        out[count.name] = ScoreTable(np.array(responder), share(0.5, 0.5, responder=False))
    return out


def reached_share(tis: NDArray[np.float64], weeks: Sequence[int], count: Scores) -> float:
    """Return the share of patients who reached a count; ``tis`` is (N, V) at ``weeks``."""
    place = list(weeks).index(count.week)
    seen = tis[:, place : place + 1] if count.how == "at" else tis[:, : place + 1]
    return float((seen >= count.threshold).any(axis=1).mean())


def _simulated_tis(
    design: Design,
    protocol: Protocol,
    values: Mapping[str, float],
    correlation: NDArray[np.float64],
    responder: bool,
    patients: int,
) -> NDArray[np.float64]:
    # in document 002 no adverse event was a reason to stop treatment; of an own series those
    # are counted who kept to it
    draws = {name: np.array([value]) for name, value in values.items()} | without_harm(1)
    for line in design.population.lines:
        for subtype in design.population.subtypes:
            draws[response_name(subtype, line)] = np.ones(1)
    draws["dropout_16_weeks"] = np.zeros(1)
    table = course_table(design, draws, correlation, np.zeros(1), drug_works=responder)
    arrivals = arrivals_of(design.accrual, 1.0, 0.1, patients)
    cohort = compiled.run(protocol, table, arrivals, seed=TABLE_SEED, first=0, last=1, n=patients)
    return cohort.seen.tis[0, :, 1:]
