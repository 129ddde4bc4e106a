"""Small synthetic cohorts in which much happens, and one with made-up adverse events."""

from __future__ import annotations

from collections import namedtuple
from functools import cache
from typing import Any

import numpy as np

from simtrial.cohort import snapshot
from simtrial.cohort.snapshot import Snapshot
from simtrial.report.synthetic import SyntheticCohort, simulate
from simtrial.trial.design import load_design
from simtrial.trial.scenario import Replacement, Scenario

DEMO = load_design("dm_ivig_16w")
# much rescue, leaving and noise, so that every kind of event occurs
ROUGH = Scenario(
    **{"from": "point"},
    set={
        "rescue_per_visit[refractory, continued]": Replacement(value=0.5),
        "dropout_16_weeks": Replacement(value=0.25),
        "sd_change.vas": Replacement(times=2.5),
    },
)
WEEK = 10_080


@cache
def rough(engine: str = "compiled", trials: int = 4, n: int = 40) -> SyntheticCohort:
    return simulate(DEMO, scenario=ROUGH, trials=trials, n=n, engine=engine, name="dm_ivig_16w")


def with_harm(seen: Snapshot, courses: int = 4) -> Any:
    """Return the snapshot with nobody harmed, whether or not the engine writes such fields yet."""
    r, p = seen.arm.shape
    none = {
        "cancer": np.zeros((r, p), bool),
        "previous_thromboembolism": np.zeros((r, p), bool),
        "reaction_minute": np.full((r, p, courses), -1),
        "reaction_kind": np.full((r, p, courses), -1),
        "reaction_serious": np.zeros((r, p, courses), bool),
        "thromboembolism_minute": np.full((r, p, courses + 1), -1),
        "serious_minute": np.full((r, p, courses), -1),
        "harm_stop_minute": np.full((r, p), -1),
    }
    names = [*seen._fields, *(name for name in none if name not in seen._fields)]
    kind = namedtuple("WithHarm", names)
    return kind(**(seen._asdict() | none))


REACTIONS = getattr(snapshot, "REACTIONS", ("headache", "flu_like", "nausea", "skin"))
