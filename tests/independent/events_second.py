"""Second, separate computation of one patient's events after courses and between visits.

Plain Python from the written rules: uniforms of the second Philox, ``math.exp`` and ``math.log``.
Its inputs are what is observable of the patient, and the parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.independent.philox_second import uniform_second

COURSE, INTERVAL = (
    ("meningitis", "haemolysis"),
    (
        "infection",
        "steroid_toxicity",
        "cancer",
        "death",
        "progression",
    ),
)
CLASSES = (*COURSE, *INTERVAL)
RISK, INTERVAL_HARM, COURSE_HARM_MORE, HARM_DETAIL = 12, 29, 30, 31
DAY = 1_440
YEAR = 365.25 * DAY
NONE = -1
TOO_CLOSE = 1e-6  # of a minute, or of a hazard: two correct libraries differ by far less


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What is observable of a patient. Minutes since randomisation."""

    seed: int
    replicate: int
    candidate: int
    subtype: str
    # week, last day, dose in g/kg of each course given, and whether it is the drug
    courses: Sequence[tuple[int, int, float, bool]]
    visits: Sequence[tuple[int, int]]  # week and minute of all that are scheduled
    doses_mg: Sequence[float]  # of prednisolone from each visit on
    until: int  # last minute at which harm of his is seen
    at_most: int  # courses, the most of any arm


@dataclass(kw_only=True)
class Events:
    """What a patient has, in the layout of the snapshot, and what is too close to call."""

    migraine: bool
    group_o: bool
    minute: list[int]
    detail: list[int]
    cancer: int = NONE
    death: int = NONE
    too_close: int = 0
    stops: list[int] = field(default_factory=list)
    interrupts: list[int] = field(default_factory=list)


def events_second(patient: Observed, value: Mapping[str, float]) -> Events:
    """Return a patient's events of the seven classes."""

    def u(purpose: int, occasion: int, slot: int) -> float:
        return uniform_second(
            patient.seed, purpose, patient.replicate, patient.candidate, occasion, slot
        )

    n_slots = 2 * patient.at_most + 5 * (len(patient.visits) - 1)
    out = Events(
        migraine=u(RISK, 0, 4) < value["migraine_share"],
        group_o=u(RISK, 0, 5) < value["group_o_share"],
        minute=[NONE] * n_slots,
        detail=[0] * n_slots,
    )
    for j, (week, end, dose, is_drug) in enumerate(patient.courses):
        if not is_drug:
            continue
        hazard = value["meningitis.per_course"]
        hazard *= value["meningitis.hr_migraine"] if out.migraine else 1.0
        if _lies_below(out, u(COURSE_HARM_MORE, week, 0), hazard):
            time = u(COURSE_HARM_MORE, week, 2) * 2 * DAY
            _add(out, patient, value, u, 0, week, j, _whole(out, end, time))
        hazard = 0.0 if out.group_o else value["haemolysis.per_course"]
        hazard *= value["haemolysis.hr_g_per_kg"] ** (dose - 2.0)
        if _lies_below(out, u(COURSE_HARM_MORE, week, 1), hazard):
            time = (5 + 5 * u(COURSE_HARM_MORE, week, 3)) * DAY
            _add(out, patient, value, u, 1, week, patient.at_most + j, _whole(out, end, time))
    for v, dose in enumerate(patient.doses_mg):
        if v == len(patient.visits) - 1:
            continue
        week, opens = patient.visits[v]
        closes = patient.visits[v + 1][1]
        for k, name in enumerate(INTERVAL):
            per_year = _per_year(name, patient.subtype, dose, value)
            if name == "cancer" and out.cancer != NONE:
                continue
            x = u(INTERVAL_HARM, week, k)
            if per_year > 0 and _lies_below(out, x, per_year * (closes - opens) / YEAR):
                time = -math.log(x) / per_year * YEAR
                minute = min(_whole(out, opens, time), closes - 1)
                place = 2 * patient.at_most + k * (len(patient.visits) - 1) + v
                _add(out, patient, value, u, 2 + k, week, place, minute)
    return out


def _per_year(name: str, subtype: str, dose_mg: float, value: Mapping[str, float]) -> float:
    if name == "infection":
        return value["infection.per_year"] * value["infection.hr_10mg"] ** (dose_mg / 10)
    if name == "steroid_toxicity":
        return value["steroid_toxicity.per_year_10mg"] * dose_mg / 10
    if name == "cancer":
        return value["cancer.per_year[DM]" if subtype == "DM" else "cancer.per_year[others]"]
    if name == "death":
        return value["death.per_year[IBM]" if subtype == "IBM" else "death.per_year[others]"]
    return value["progression.per_year"]


def _lies_below(out: Events, u: float, hazard: float) -> bool:
    needed = -math.log(u)
    out.too_close += abs(needed - hazard) < TOO_CLOSE * hazard
    return needed < hazard


def _whole(out: Events, start: int, time: float) -> int:
    out.too_close += abs(time - round(time)) < TOO_CLOSE
    return start + math.floor(time)


def _add(
    out: Events,
    patient: Observed,
    value: Mapping[str, float],
    u: Callable[[int, int, int], float],
    which: int,
    week: int,
    place: int,
    minute: int,
) -> None:
    """Add one event, unless nobody sees it."""
    if minute > patient.until:
        return
    name = CLASSES[which]
    serious = name in ("cancer", "death") or (
        u(HARM_DETAIL, week, 4 * which) < value[f"{name}.serious"]
    )
    related = u(HARM_DETAIL, week, 4 * which + 1) < value[f"related.{name}"]
    kills = {"cancer": 0.0, "death": 1.0}.get(name, value["fatal.serious"])
    fatal = serious and u(HARM_DETAIL, week, 4 * which + 2) < kills
    action = u(HARM_DETAIL, week, 4 * which + 3)
    stops = serious and not fatal and action < value["stop.serious"]
    if serious:
        rest = (1 - value["stop.serious"]) * value["interrupt.serious"]
        interrupts = not fatal and not stops and action < value["stop.serious"] + rest
    else:
        interrupts = action < value["interrupt.other"]
    out.minute[place] = minute
    out.detail[place] = serious + 2 * related + 4 * fatal + 8 * interrupts + 16 * stops
    if name == "cancer":
        out.cancer = minute
    if fatal:
        out.death = minute if out.death == NONE else min(out.death, minute)
    if stops:
        out.stops.append(minute)
    if interrupts:
        out.interrupts.append(minute)
