"""Random rules of treatment for random designs: every way in which a patient's courses change."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

AFTER = ("continue", "stop_treatment", "leave_study", "switch", "standard_therapy")


class Adapting(NamedTuple):
    """How often treatment adapts in random trials."""

    share: float  # of trials with rules that change treatment
    lack: float  # of these, with a rule of lack of effect
    crowded: float  # of these, with a course that may still run at the next visit
    then: tuple[float, ...] | None  # chances of what follows an event, as AFTER; None: alike


USUAL = Adapting(share=0.7, lack=0.5, crowded=0.0, then=None)


def chance(generator: np.random.Generator, p: float) -> bool:
    """Return True with chance p."""
    return bool(generator.random() < p)


def with_treatment(generator: np.random.Generator, data: dict, adapting: Adapting) -> dict:
    """Return a design's data with some rules of treatment added."""
    data = {**data, "arms": {name: dict(arm) for name, arm in data["arms"].items()}}
    visits, arms = data["visits_weeks"], data["arms"]
    for arm in arms.values():
        if "infusions_like" in arm:
            continue
        if "courses" in arm and chance(generator, 0.3):
            arm["courses"] = [{**c, "placebo": chance(generator, 0.5)} for c in arm["courses"]]
        if chance(generator, 0.4):
            arm["dose_change"] = [
                _change(generator, visits) for _ in range(int(generator.integers(1, 4)))
            ]
        if chance(generator, 0.4):
            arm["as_needed"] = _needed(generator, visits)
        if chance(generator, 0.3):
            arm["stop_when_stable"] = {
                "tis_at_least": float(generator.choice([2.5, 20.0, 40.0])),
                "visits": int(generator.integers(1, 4)),
            }
    if chance(generator, 0.15):
        name = next((n for n, a in arms.items() if "infusions_like" in a), None)
        if name is not None:
            arms[name] = {"no_infusions": True}
    if adapting.crowded and chance(generator, adapting.crowded):
        _crowd(generator, data)
    _extend(generator, data)
    _follow(generator, data, adapting)
    return data


def _change(generator: np.random.Generator, visits: list[int]) -> dict:
    week = int(generator.choice(visits[1:]))
    later = sorted({int(w) for w in generator.integers(week, visits[-1] + 1, size=3)})
    limit = "if_tis_below" if chance(generator, 0.6) else "if_tis_at_least"
    return {
        "at_week": week,
        limit: float(generator.choice([7.5, 20.0, 40.0])),
        "from_patient": int(generator.choice([1, 1, 11])),
        "courses": [
            {
                "week": w,
                "dose_g_per_kg": float(generator.choice([0.5, 2.0])),
                "days": int(generator.integers(1, 8)),
                "placebo": chance(generator, 0.2),
            }
            for w in later[: int(generator.integers(0, 4))]
        ],
    }


def _needed(generator: np.random.Generator, visits: list[int]) -> dict:
    out: dict = {
        "from_week": int(generator.choice(visits[1:])),
        "dose_g_per_kg": float(generator.choice([0.5, 1.0, 2.0])),
        "days": int(generator.integers(1, 8)),
        "weeks_apart": int(generator.choice([1, 4, 9])),
        "at_most": int(generator.integers(1, 4)),
    }
    which = int(generator.integers(3))
    if which != 1:
        out["if_tis_below"] = float(generator.choice([10.0, 20.0, 60.0]))
    if which != 0:
        out["if_tis_falls_by"] = float(generator.choice([2.5, 10.0, 20.0]))
    return out


def _crowd(generator: np.random.Generator, data: dict) -> None:
    """Let a long course begin in the week before a visit that may come while it runs.

    What the visit's rules give then cuts it short; none is planned for the visit itself.
    """
    week = int(generator.choice(data["visits_weeks"][1:]))
    long = {"week": week - 1, "dose_g_per_kg": 2.0, "days": 7}
    for arm in data["arms"].values():
        if "courses" in arm:
            others = [c for c in arm["courses"] if c["week"] not in (week - 1, week)]
            arm["courses"] = sorted([*others, long], key=lambda course: course["week"])
    data["visit_window_days"] = 2


def _extend(generator: np.random.Generator, data: dict) -> None:
    last = data["visits_weeks"][-1]
    weeks = [-1]
    for arm in data["arms"].values():
        weeks += [c["week"] for c in arm.get("courses", ())]
        if "every_weeks" in arm:
            weeks.append(arm["every_weeks"] * (arm["infusions"] - 1))
    first = max(weeks) + 1
    if 0 < first <= last and chance(generator, 0.5):
        every = int(generator.integers(1, 5))
        for arm in data["arms"].values():
            if "dose_change" in arm:  # all of a change comes before the extension
                arm["dose_change"] = [
                    {**change, "courses": [c for c in change["courses"] if c["week"] < first]}
                    for change in arm["dose_change"]
                    if change["at_week"] < first
                ]
        data["extension"] = {
            "from_week": first,
            "dose_g_per_kg": float(generator.choice([1.0, 2.0])),
            "every_weeks": every,
            "infusions": int(generator.integers(1, (last - first) // every + 2)),
            "days_per_infusion": int(generator.integers(1, 6)),
        }


def _follow(generator: np.random.Generator, data: dict, adapting: Adapting) -> None:
    names, visits = list(data["arms"]), data["visits_weeks"]
    events = {name: dict(rule) for name, rule in data["intercurrent"].items()}
    if chance(generator, adapting.lack):
        events["lack_of_effect"] = {
            "from_week": int(generator.choice(visits)),
            "tis_below": float(generator.choice([10.0, 20.0, 60.0])),
        }
    may = AFTER if len(names) > 1 else tuple(a for a in AFTER if a != "switch")
    for name in ("deterioration", "rescue", "lack_of_effect"):
        if name in events and chance(generator, 0.7):
            events[name]["then"] = _then(generator, may, adapting)
    switching = [e for e in events.values() if e.get("then") == "switch"]
    if switching and (len(names) > 2 or chance(generator, 0.3)):
        chosen = generator.choice(names, size=2, replace=False)
        events["switch_to"] = {str(chosen[0]): str(chosen[1])}
    data["intercurrent"] = events


def _then(generator: np.random.Generator, may: tuple[str, ...], adapting: Adapting) -> str:
    if adapting.then is None:
        return str(generator.choice(may))
    parts = np.array([p for p, name in zip(adapting.then, AFTER, strict=True) if name in may])
    return str(generator.choice(may, p=parts / parts.sum()))


def treatment_truth(generator: np.random.Generator, rows: int) -> dict[str, NDArray[np.float64]]:
    """Return values (rows,) of the parameters that these rules read."""
    often = {
        "lack_of_effect_per_visit": [0.1, 0.5, 1.0],
        "standard.depth": [0.0, 0.5, 1.0],
        "standard.k": [0.0, 0.25, 5.0],
        "supply.per_year": [0.0, 0.0, 2.0, 4.0],
        "supply.weeks": [0.5, 4.0, 30.0],
    }
    return {name: np.full(rows, float(generator.choice(v))) for name, v in often.items()}
