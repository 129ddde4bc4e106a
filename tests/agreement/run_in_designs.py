"""Random trials with a run-in, so that both engines meet every rule of it.

Each is a random trial that recruits in every way; what a run-in needs is drawn from a generator
of its own.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from simtrial.trial.design import revalidated
from tests.agreement.random_designs import RandomTrial, recruiting_trial

MOST_WEEKS = 12


@cache
def run_in_trial(generator_seed: int) -> RandomTrial:
    """Return the random trial of a generator seed, with a run-in put before randomisation."""
    one = recruiting_trial(generator_seed)
    generator = np.random.default_rng([9, generator_seed])
    with_run_in = revalidated(one.design, {"run_in": _run_in(generator)})
    rows = one.p_background.shape[0]
    # losses within the weeks of a run-in, and a supply that fails within them
    lost = np.full(rows, float(generator.choice([0.0, 0.1, 0.6])))
    fails = np.full(rows, float(generator.choice([0.0, 0.0, 4.0])))
    draws = one.draws | {"dropout_16_weeks": lost, "supply.per_year": fails}
    return replace(one, design=with_run_in, draws=draws)


def _run_in(generator: np.random.Generator) -> dict:
    weeks = int(generator.integers(1, MOST_WEEKS + 1))
    n = int(generator.integers(0, min(weeks, 5) + 1))
    out: dict = {
        "weeks": weeks,
        "courses": [
            {
                "week": int(week),
                "dose_g_per_kg": float(generator.choice([0.3, 2.0, 5.0])),
                "days": int(generator.choice([1, 2, 5, 7])),
                "placebo": bool(generator.random() < 0.25),
            }
            for week in sorted(generator.choice(weeks, size=n, replace=False))
        ],
        "improvement_from": str(generator.choice(["baseline", "run_in"])),
    }
    # conditions that only few could fail, or that many do
    condition = int(generator.integers(4))
    if condition == 1:
        out["enter_if_tis_below"] = float(generator.choice([20.0, 40.0, 60.0]))
    if condition == 2:
        out["enter_if_tis_at_least"] = float(generator.choice([2.5, 10.0, 20.0]))
    return out
