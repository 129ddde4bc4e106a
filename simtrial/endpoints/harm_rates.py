"""Rates of adverse events by arm and class: per 100 courses and per 100 patient-years."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simtrial.cohort.snapshot import Snapshot
from simtrial.core.units import DAYS_PER_YEAR, MINUTES_PER_DAY
from simtrial.endpoints.harm import CLASSES, events_of
from simtrial.stats.rates import exact_rate_interval

SERIOUS, ANY = "serious", "any"  # totals over the classes
_PER = 100.0


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Events in an exposure of ``exposed`` courses or years, per 100, with its exact interval."""

    exposed: float
    per_100: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class ClassRate:
    """What one arm had of one class, over all replicates.

    Attributes
    ----------
    name : one of CLASSES, or a total: ``serious``, ``any``.
    patients : those with at least one such event, of ``n``.
    by_courses, by_years : None without exposure. Patient-years run from randomisation to the last
        minute in the study. The interval is a Poisson interval: it holds the chance of events, not
        differences between patients (reactions of one patient come together).
    """

    arm: str
    name: str
    n: int
    patients: int
    events: int
    by_courses: Rate | None
    by_years: Rate | None


def harm_rates_of(seen: Snapshot, arms: Sequence[str], *, level: float = 0.95) -> list[ClassRate]:
    """Return the rates of every arm: each class in turn, then all serious events, then all.

    Parameters
    ----------
    arms : names in the order of ``seen.arm``.
    """
    found = events_of(seen)
    arm_of = seen.arm[found.replicate, found.patient]
    patient = found.replicate * seen.arm.shape[1] + found.patient
    chosen = {name: found.which == number for number, name in enumerate(CLASSES)}
    chosen |= {SERIOUS: found.serious, ANY: np.ones(found.which.shape, np.bool_)}
    out = []
    for number, arm in enumerate(arms):
        here = seen.arm == number
        courses = float(seen.courses[here].sum())
        minutes = float(seen.followed_minute[here].sum(dtype=np.int64))
        years = minutes / (MINUTES_PER_DAY * DAYS_PER_YEAR)
        for name, flag in chosen.items():
            mine = flag & (arm_of == number)
            events = int(mine.sum())
            out.append(
                ClassRate(
                    arm=arm,
                    name=name,
                    n=int(here.sum()),
                    patients=int(np.unique(patient[mine]).shape[0]),
                    events=events,
                    by_courses=_rate(events, courses, level),
                    by_years=_rate(events, years, level),
                )
            )
    return out


def _rate(events: int, exposed: float, level: float) -> Rate | None:
    if exposed <= 0.0:
        return None
    low, high = exact_rate_interval(events, exposed, level)
    return Rate(exposed=exposed, per_100=_PER * events / exposed, low=_PER * low, high=_PER * high)
