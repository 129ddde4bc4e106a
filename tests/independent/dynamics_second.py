"""Second reading of how benefits move: exposure, drug, background, prednisolone, decline, flare.

Written from docs/model.md ("Benefit of the drug", "Without the drug", "Flares") without sight of
the engines.  Plain floats; times in minutes, rates a week.
"""

import dataclasses
import math
from collections.abc import Sequence

WEEK = 10080
DAY = 1440
YEAR = 365.25 * DAY


def logit(p: float) -> float:
    """Log odds; infinite at 0 and 1."""
    if p <= 0.0 or p >= 1.0:
        return -math.inf if p <= 0.0 else math.inf
    return math.log(p / (1.0 - p))


def expit(x: float) -> float:
    """Chance of these log odds."""
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0 else math.exp(x) / (1.0 + math.exp(x))


def approach(value: float, goal: float, rate_per_week: float, minutes: float) -> float:
    """Where an exponential approach to a goal stands after some minutes."""
    return goal + (value - goal) * math.exp(-rate_per_week * minutes / WEEK)


def exposure_at(
    minute: float, effects: Sequence[tuple[int, float]], half_life_weeks: float, summed: bool
) -> float:
    """Largest or summed effect of courses, each (minute of its last infusion day, g/kg)."""
    left = [
        dose * 2.0 ** (-(minute - last) / WEEK / half_life_weeks)
        for last, dose in effects
        if last <= minute
    ]
    if not left:
        return 0.0
    return sum(left) if summed else max(left)


def drug_goal(exposure: float, depth: float, hill: float, half_dose: float) -> float:
    """Benefit that a responder's course aims at."""
    if exposure <= 0.0:
        return 0.0
    return depth / (1.0 + (half_dose / exposure) ** hill)


def own_depth(depth: float, spread: float, z: float) -> float:
    """A patient's depth of response."""
    return expit(logit(depth) + spread * z)


def own_half_dose(x50: float, spread: float, z: float) -> float:
    """A patient's half-effect dose."""
    return x50 * math.exp(spread * z)


def transient_share(minute: float, first_last_day: int, half_life_weeks: float) -> float:
    """Share of the benefit that a transient responder is still able to have."""
    return float(2.0 ** (-(minute - first_last_day) / WEEK / half_life_weeks))


def steroid_goal(change_mg: float, steroid_effect: float, d50: float) -> float:
    """Benefit (below 0: cost) of another dose of prednisolone than at entry."""
    return steroid_effect * change_mg / (abs(change_mg) + d50)


def decline(minute: float, drift_per_year: float) -> float:
    """What has been lost since randomisation."""
    return drift_per_year * minute / YEAR


def combined(g: float, b: float, s: float, d: float, w: float) -> float:
    """All benefits and losses together, within -1 and 1."""
    return max(-1.0, min(1.0, 1.0 - (1.0 - g) * (1.0 - b) * (1.0 - s) - d - w))


def flare_hazard(
    *, per_week: float, minutes: float, speed: float, pace: float, benefit: float
) -> float:
    """Expected flares since the last attended visit."""
    return per_week * (minutes / WEEK) * (1.0 + speed * pace) * (1.0 - max(benefit, 0.0))


@dataclasses.dataclass
class BenefitsSecond:
    """The moving parts of one patient, all 0 at randomisation."""

    minute: int = 0
    g: float = 0.0
    b: float = 0.0
    s: float = 0.0
    w: float = 0.0
