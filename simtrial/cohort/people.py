"""Who a candidate is, beyond his measures: numbers of the second line of a mix, and of screening.

A design of one line has nobody in the second; one of both has first line first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.core.compiled import inlined
from simtrial.myositis.parameters import LINES, prednisolone_name, rescue_name, response_name
from simtrial.trial.design import Design


class PeopleTable(NamedTuple):
    """Parameters of people, D rows each; S subtypes of the design."""

    first_share: NDArray[np.float64]  # (D,) of candidates who are of the first line; 1 for one line
    line: NDArray[np.int8]  # (D, 2) numbers of LINES: of those, and of the others
    p_response: NDArray[np.float64]  # (D, S) of the others, as all that follow unless said
    rescue_per_visit: NDArray[np.float64]  # (D,)
    prednisolone_share: NDArray[np.float64]  # (D,)
    other_failure: NDArray[np.float64]  # (D,) of everybody: fails screening, outside the model


class People(NamedTuple):
    """One row of a PeopleTable."""

    first_share: float
    line: NDArray[np.int8]
    p_response: NDArray[np.float64]
    rescue_per_visit: float
    prednisolone_share: float
    other_failure: float


@inlined
def people_row(table: PeopleTable, d: int) -> People:
    """Return row d."""
    return People(
        table.first_share[d],
        table.line[d],
        table.p_response[d],
        table.rescue_per_visit[d],
        table.prednisolone_share[d],
        table.other_failure[d],
    )


def people_table(
    design: Design, draws: Mapping[str, NDArray[np.float64]], *, drug_works: bool
) -> PeopleTable:
    """Return the rows of people; see ``course_table`` for the parameters."""
    people = design.population
    lines = list(people.lines)
    line = lines[-1]
    n = draws["screening.other"].shape[0]
    return PeopleTable(
        first_share=np.full(n, people.lines[lines[0]]),
        line=np.tile(np.array([[LINES.index(lines[0]), LINES.index(line)]], np.int8), (n, 1)),
        p_response=response_by_subtype(design, draws, line, n, drug_works=drug_works),
        rescue_per_visit=rescue_by_visit(design, draws, line, n),
        prednisolone_share=draws[prednisolone_name(line)],
        other_failure=draws["screening.other"],
    )


def response_by_subtype(
    design: Design,
    draws: Mapping[str, NDArray[np.float64]],
    line: str,
    rows: int,
    *,
    drug_works: bool,
) -> NDArray[np.float64]:
    """Return (rows, S) chances of a line's patients to respond to the drug; 0 without one."""
    response = np.zeros((rows, len(design.population.subtypes)))
    if drug_works and design.gives_drug:
        for s, subtype in enumerate(design.population.subtypes):
            response[:, s] = draws[response_name(subtype, line)]
    return response


def rescue_by_visit(
    design: Design, draws: Mapping[str, NDArray[np.float64]], line: str, rows: int
) -> NDArray[np.float64]:
    """Return (rows,) chances of rescue at a visit of insufficient response; 0 without the rule."""
    if design.intercurrent.rescue is None:
        return np.zeros(rows)
    return draws[rescue_name(line, design.population.background)]
