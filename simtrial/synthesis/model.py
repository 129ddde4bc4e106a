"""The PyMC model of response: which facts inform which parameters.

Response by subtype and line is partially pooled: overall level, one difference between lines,
subtype effects shared by the lines, and a small departure of each cell. Inclusion body myositis
stands apart. Document 002's 19 patients are one multinomial through the simulator's own cell
probabilities, averaged over the printed mix of subtypes (no count is printed by subtype: an
approximation); its rescues are a binomial of the same patients beside it. Document 004's patients
are Bernoulli with a sensitivity and a false-positive rate whose priors carry what is assumed of an
endpoint without control. A user's own facts (:mod:`simtrial.synthesis.own`) come after them: a
response like document 004's, a count of the score through the simulator's own chances.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.evidence.ledger import Ledger
from simtrial.evidence.values import Count, Mix, Multinomial
from simtrial.myositis.parameters import response_name
from simtrial.synthesis.harm import StudyHarm, add_harm
from simtrial.synthesis.own import Responses, Scores, own_facts_of
from simtrial.synthesis.priors import Priors
from simtrial.synthesis.tables import (
    CELLS,
    K_ON_NODES,
    MOST_INSUFFICIENT,
    X50_NODES,
    CellTables,
    ScoreTable,
)
from simtrial.synthesis.variables import variable

POOLED: tuple[Literal["DM", "PM", "IMNM", "ASyS", "OM"], ...] = ("DM", "PM", "IMNM", "ASyS", "OM")
LINES = ("first_line", "refractory")
RESCUE = "rescue_per_visit[first_line, none]"


class Facts(NamedTuple):
    """The figures that the likelihoods read; a document left out has none."""

    cells: NDArray[np.int64] | None  # (7,) patients of document 002 by CELLS
    rescued: int | None
    mix: NDArray[np.float64]  # (5,) shares of POOLED in document 002
    subtype: NDArray[np.int64]  # (N,) of document 004's patients; 5 is IBM
    improved: NDArray[np.int64]  # (N,)
    responses: tuple[Responses, ...] = ()  # of other documents, as are the scores
    scores: tuple[Scores, ...] = ()


def facts_of(ledger: Ledger) -> Facts:
    """Return the fitted figures of a ledger."""
    cells, rescued, mix = None, None, np.full(len(POOLED), 1.0 / len(POOLED))
    if "lim21" in ledger.documents:
        printed = ledger.fact("lim21.tis_course.ivig").values_as(Multinomial)
        cells = np.array([printed.cells[c] for c in CELLS], np.int64)
        rescued = ledger.fact("lim21.rescue.ivig").values_as(Count).responders
        by_subtype = ledger.fact("lim21.subtype_mix.analysed").values_as(Mix)
        mix = np.array([by_subtype.cells.get(s, 0) for s in POOLED]) / by_subtype.n
    order = (*POOLED, "IBM")
    patients = ledger.patients("mas98") if "mas98" in ledger.documents else ()
    own = own_facts_of(ledger)
    return Facts(
        cells=cells,
        rescued=rescued,
        mix=mix,
        subtype=np.array([order.index(p.subtype) for p in patients], np.int64),
        improved=np.array([int(p.improved) for p in patients], np.int64),
        responses=own.responses,
        scores=own.scores,
    )


def _cardinal(nodes: int) -> NDArray[np.float64]:
    """Return (4, nodes - 1, nodes) coefficients of the cubic splines through unit vectors."""
    from scipy.interpolate import CubicSpline

    return np.asarray(CubicSpline(np.arange(nodes), np.eye(nodes), bc_type="natural").c)


def _spline_weights(log_value: Any, nodes: NDArray[np.float64]) -> Any:
    """Return (12,) weights that interpolate a table over log-spaced nodes, smoothly."""
    import pytensor.tensor as pt

    start, gap = np.log(nodes[0]), np.log(nodes[1] / nodes[0])
    place = pt.clip((log_value - start) / gap, 0.0, len(nodes) - 1.0)
    cell = pt.clip(pt.floor(place), 0, len(nodes) - 2).astype("int64")
    t = place - cell
    c = pt.as_tensor_variable(_cardinal(len(nodes)))[:, cell, :]
    return ((c[0] * t + c[1]) * t + c[2]) * t + c[3]


def course_model(
    facts: Facts,
    harm: Mapping[str, StudyHarm],
    priors: Priors,
    tables: CellTables,
    scores: Mapping[str, ScoreTable] | None = None,
) -> Any:
    """Return the PyMC model (``pymc.Model``) of response and harm.

    The two share no parameter: they stand in one model so that one fit gives whole rows.
    """
    model = response_model(facts, priors, tables, scores or {})
    with model:
        add_harm(harm, priors)
    return model


def response_model(
    facts: Facts, priors: Priors, tables: CellTables, scores: Mapping[str, ScoreTable]
) -> Any:
    """Return the PyMC model (``pymc.Model``) of the response of the given facts."""
    import pymc as pm
    import pytensor.tensor as pt

    table = priors.fitted
    with pm.Model(coords={"subtype": POOLED, "line": LINES}) as model:
        overall = variable("response.overall", table["response.overall"])
        shift = variable(
            "response.refractory_minus_first_line", table["response.refractory_minus_first_line"]
        )
        subtype_sd = variable("response.subtype_sd", table["response.subtype_sd"])
        cell_sd = variable("response.cell_sd", table["response.cell_sd"])
        subtype_z = pm.Normal("response.subtype_z", 0.0, 1.0, dims="subtype")
        cell_z = pm.Normal("response.cell_z", 0.0, 1.0, dims=("subtype", "line"))
        by_line = pt.stack([overall, overall + shift])
        logit_p = by_line[None, :] + subtype_sd * subtype_z[:, None] + cell_sd * cell_z
        p = pm.math.invlogit(logit_p)
        for s, subtype in enumerate(POOLED):
            for k, line in enumerate(LINES):
                pm.Deterministic(response_name(subtype, line), p[s, k])
        ibm = variable("response.IBM", table["response.IBM"])
        p_ibm = pm.Deterministic("p_response[IBM]", pm.math.invlogit(ibm))
        k_on = variable("k_on", table["k_on"])
        x50 = variable("x50", table["x50"])
        rescue = variable(RESCUE, table[RESCUE])
        sensitivity = variable("mas98.sensitivity", table["mas98.sensitivity"])
        false_positive = variable("mas98.false_positive", table["mas98.false_positive"])

        if facts.cells is not None and facts.rescued is not None:
            responds = pt.dot(pt.as_tensor_variable(facts.mix), p[:, 0])
            flat = tables.responder.reshape(len(K_ON_NODES), len(X50_NODES), -1)
            seen = _interpolated(flat, k_on, x50)
            paths = responds * seen.reshape(tables.non_responder.shape)
            paths += (1.0 - responds) * pt.as_tensor_variable(tables.non_responder)
            survive = (1.0 - rescue) ** np.arange(MOST_INSUFFICIENT + 1)
            unrescued = (paths[:, 0, :] * survive).sum(axis=1)
            rescued = rescue * (paths[:, 1, :] * survive).sum(axis=1)
            # a cubic through shares near 0 may dip below it by a simulation error
            cells = pt.maximum(unrescued + rescued, 1e-9)
            pm.Multinomial(
                "lim21.tis_course",
                n=int(facts.cells.sum()),
                p=cells / cells.sum(),
                observed=facts.cells,
            )
            pm.Binomial(
                "lim21.rescue",
                n=int(facts.cells.sum()),
                p=pt.clip(rescued.sum(), 1e-9, 1.0 - 1e-9),
                observed=facts.rescued,
            )
        if len(facts.improved):
            chance = pt.concatenate([p[:, 1], p_ibm[None]])[facts.subtype]
            improved = sensitivity * chance + false_positive * (1.0 - chance)
            pm.Bernoulli("mas98.response", p=improved, observed=facts.improved)
        chances = tuple(pt.concatenate([p[:, k], p_ibm[None]]) for k in range(len(LINES)))
        _add_responses(facts.responses, chances, {"mas98": (sensitivity, false_positive)}, priors)
        for count in facts.scores:
            held = scores[count.name]
            responds = pt.dot(np.array(count.mix), chances[LINES.index(count.line)])
            flat = held.responder.reshape(len(K_ON_NODES), len(X50_NODES), 1)
            reached = responds * _interpolated(flat, k_on, x50)[0]
            reached += (1.0 - responds) * held.non_responder
            pm.Binomial(
                count.name,
                n=count.n,
                p=pt.clip(reached, 1e-9, 1.0 - 1e-9),
                observed=count.responders,
            )
    return model


def _interpolated(table: NDArray[np.float64], k_on: Any, x50: Any) -> Any:
    """Return the last axis of a table (12, 12, C) over K_ON_NODES and X50_NODES, between them."""
    import pytensor.tensor as pt

    w_k = _spline_weights(pt.log(k_on), K_ON_NODES)
    w_x = _spline_weights(pt.log(x50), X50_NODES)
    return pt.tensordot(w_x, pt.tensordot(w_k, pt.as_tensor_variable(table), 1), 1)


def _add_responses(
    counts: Sequence[Responses],
    by_line: Sequence[Any],
    errors: dict[str, tuple[Any, Any]],
    priors: Priors,
) -> None:
    """Add counts of response by a study's own endpoint.

    Parameters
    ----------
    by_line : for each of LINES, (6,) chances of response of POOLED and IBM.
    errors : study -> sensitivity and false-positive rate; those of further studies are added,
        with document 004's priors.
    """
    import pymc as pm
    import pytensor.tensor as pt

    table = priors.fitted
    for study in sorted({count.study for count in counts} - set(errors)):
        errors[study] = (
            variable(f"{study}.sensitivity", table["mas98.sensitivity"]),
            variable(f"{study}.false_positive", table["mas98.false_positive"]),
        )
    for count in counts:
        sensitivity, false_positive = errors[count.study]
        chance = pt.dot(np.array(count.mix), by_line[LINES.index(count.line)])
        shown = sensitivity * chance + false_positive * (1.0 - chance)
        pm.Binomial(count.name, n=count.n, p=shown, observed=count.responders)
