"""Random ways to recruit and to allocate, on top of a random trial."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from simtrial.cohort.allocation import BLOCKS
from simtrial.cohort.orders import Order
from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.trial.design import revalidated

if TYPE_CHECKING:
    from tests.agreement.random_designs import RandomTrial

FACTORS = ("severity", "subtype", "line", "sex", "prednisolone", "site", "age_65")
METHODS = ("permuted_blocks", "complete", "minimisation")


def with_recruitment(generator: np.random.Generator, trial: RandomTrial) -> RandomTrial:
    """Return the trial with other accrual, entry and allocation, and with orders to it."""
    changes = {
        "accrual": _accrual(generator, trial),
        "population": _population(generator, trial),
    }
    if len(trial.design.arms) > 1 or generator.random() < 0.3:
        changes["allocation"] = _allocation(generator, list(trial.design.arms))
    else:
        changes["allocation"] = None
    rows = trial.p_background.shape[0]
    other = np.full(rows, float(generator.choice([0.0, 0.0, 0.1])))
    trial = replace(
        trial,
        design=revalidated(trial.design, changes),
        draws=trial.draws | {"screening.other": other},
    )
    return replace(trial, given=_orders(generator, trial))


def _accrual(generator: np.random.Generator, trial: RandomTrial) -> dict:
    n, sites = trial.n, int(generator.integers(1, 13))
    out: dict[str, object] = {
        "sites": sites,
        "site_opening_weeks": float(generator.choice([0.0, 3.7, 40.0])),
        "patients_per_site_month": float(generator.choice([0.5, 2.0, 10_000.0])),
        "site_rate_cv": float(generator.choice([0.0, 0.5, 1.0, 2.0])),
    }
    if generator.random() < 0.4:
        out["patients_per_site_at_most"] = -(-n // sites) + int(generator.integers(0, 4))
    if generator.random() < 0.5:
        # some subtypes without a limit, unless there is one only
        kinds = list(trial.design.population.subtypes)
        kept = kinds[:-1] or kinds
        least = n if len(kinds) == 1 else 1
        out["subtypes_at_most"] = {
            kind: least + int(generator.integers(0, n // 3)) for kind in kept
        }
    if generator.random() < 0.5:
        out["pauses_weeks"] = [[2.0, 3.5], [3.5, 9.0], [20.0, 20.1]][: generator.integers(1, 4)]
    return out


def _population(generator: np.random.Generator, trial: RandomTrial) -> dict:
    people = trial.design.population.model_dump()
    if generator.random() < 0.6:
        people["line"] = {"first_line": 0.4, "refractory": 0.6}
    rules, juvenile = people["eligibility"], people["age_group"] == "juvenile"
    for key, value in (
        ("mmt_at_least", 10.0),
        ("prednisolone_at_least_mg", 2.5),
        ("age_at_least", 35.0),
        ("age_at_most", 70.0),
        ("exclude_cancer", True),
        ("exclude_previous_thromboembolism", True),
    ):
        # nobody of a trial of juveniles is 35
        if generator.random() < 0.35 and not (juvenile and key.startswith("age")):
            rules[key] = value
    if rules["prednisolone_at_least_mg"] is not None:
        rules["prednisolone_at_most_mg"] = None
    return people


def _allocation(generator: np.random.Generator, arms: list[str]) -> dict:
    ratio = dict(zip(arms, [int(p) for p in generator.integers(1, 4, len(arms))], strict=True))
    method = str(generator.choice(METHODS))
    strata = [str(f) for f in generator.permutation(FACTORS)[: generator.integers(0, 4)]]
    out: dict[str, object] = {"ratio": ratio, "method": method, "strata": strata}
    if method == "permuted_blocks":
        out["block_sizes"] = [sum(ratio.values()), 2 * sum(ratio.values())]
    if method == "minimisation":
        out["strata"] = strata or ["severity", "site"]
        out["favoured"] = float(generator.choice([0.7, 0.9, 1.0]))
        out["imbalance"] = str(generator.choice(["range", "variance"]))
    return out


def _orders(generator: np.random.Generator, trial: RandomTrial) -> list[list[Order]]:
    """Return orders where the method allows them: new weights, arms or recruitment closed."""
    plan = trial.protocol().allocation
    if plan.method == BLOCKS or generator.random() < 0.3:
        return [[]]
    arms, rows = plan.ratio.shape[0], int(generator.choice([1, trial.last - trial.first]))
    given = []
    for _ in range(rows):
        minutes = np.sort(generator.integers(0, 60 * MINUTES_PER_WEEK, generator.integers(0, 4)))
        orders: list[Order] = []
        for minute in minutes:
            weights = generator.choice([0.0, 1.0, 2.0, 0.37], arms)
            weights[int(generator.integers(arms))] = 1.5
            orders.append((int(minute), tuple(float(w) for w in weights)))
        if generator.random() < 0.3:
            after = orders[-1][0] if orders else 0
            orders.append((after + 30 * MINUTES_PER_WEEK, (0.0,) * arms))
        given.append(orders)
    return given
