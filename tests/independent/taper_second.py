"""Second reading of the dose of prednisolone at a visit.

Written from docs/model.md ("Prednisolone") without sight of the engines.
"""

import dataclasses
import math


def to_half_mg(x: float) -> float:
    """0 below half a milligram, else the nearest half, of two the higher."""
    return 0.0 if x < 0.5 else math.floor(2.0 * x + 0.5) / 2.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaperRule:
    """A design's rule; fields that a kind does not use stay at their defaults."""

    kind: str  # stable, forced, step, proportional, practice
    from_week: int = 0
    every_weeks: int = 0
    target_mg: float = 0.0
    target_week: int = 0
    hold_on_flare: bool = False
    improved_tis: float = 0.0
    steps_mg: tuple[float, float, float] = (10.0, 5.0, 2.5)
    share: float = 0.0
    floor_mg: float = 0.0
    back_up_mg: float = 0.0
    at_most_mg: float = 100.0


@dataclasses.dataclass
class DoseSecond:
    """A patient's dose and what the rules remember of it."""

    entry: float
    now: float
    before: float  # the dose before the last reduction; after a rise the dose then reached
    changed_week: int | None = None
    share_taken: float = 0.0  # of the last reduction; 0 after a rise
    interval: int = 0  # scheduled weeks that led to the last reduction

    def pace(self, week: int) -> float:
        """Pace of the taper, as the hazard of a flare reads it at a visit."""
        if self.share_taken == 0.0 or self.changed_week is None:
            return 0.0
        return self.share_taken * 4.0 / max(self.interval, week - self.changed_week)

    def set_to(self, mg: float, week: int) -> None:
        """Prescribe a dose and remember what changed."""
        if mg == self.now:
            return
        if mg < self.now:
            self.before = self.now
            self.share_taken = (self.now - mg) / self.now
            self.interval = week - (self.changed_week or 0)
        else:
            self.before = mg
            self.share_taken = 0.0
        self.changed_week = week
        self.now = mg


@dataclasses.dataclass(frozen=True, kw_only=True)
class VisitOfTaper:
    """What the rule is told at a visit."""

    week: int
    minutes_since_attended: int
    tis: float | None
    worse: bool
    flare: bool
    rescued: bool
    added_mg: float  # of deterioration and rescue at this visit, both together
    added_at_most_mg: float
    judged_u: float
    p_judged_improved: float
    share_per_4_weeks: float  # of the patient, in practice
    own_floor: float  # of the patient, in practice


def next_dose(rule: TaperRule, dose: DoseSecond, at: VisitOfTaper) -> float:
    """Dose from this visit on."""
    practice = rule.kind == "practice"
    floor = at.own_floor if practice else rule.floor_mg
    if at.added_mg > 0.0:
        return max(dose.now, min(dose.now + at.added_mg, at.added_at_most_mg))
    if rule.kind == "stable":
        return dose.now
    due = at.week >= rule.from_week and (
        practice or dose.changed_week is None or at.week - dose.changed_week >= rule.every_weeks
    )
    if rule.kind == "forced":  # never raises the dose, so what is said of worsening is not its
        if at.rescued or (rule.hold_on_flare and at.flare) or not due:
            return dose.now
        q = (at.week - rule.from_week) / (rule.target_week - rule.from_week)
        q = min(1.0, max(0.0, q))
        return min(dose.now, to_half_mg(dose.entry + (rule.target_mg - dose.entry) * q))
    if at.worse or at.flare:
        back = min(dose.entry, dose.before + rule.back_up_mg, rule.at_most_mg)
        raised = max(dose.now, back)
        return max(raised, at.own_floor) if practice else raised
    if at.rescued or not due:
        return dose.now
    lower = _reduced(rule, dose.now, at)
    if lower is None:
        return dose.now
    return min(dose.now, max(lower, floor))


def _reduced(rule: TaperRule, mg: float, at: VisitOfTaper) -> float | None:
    """Dose that the rule of reduction asks for, or None where it asks for none."""
    if rule.kind == "practice":
        if at.judged_u >= at.p_judged_improved:
            return None
        weeks = at.minutes_since_attended / 10080.0
        share = 1.0 - (1.0 - at.share_per_4_weeks) ** (weeks / 4.0)
    else:
        if at.tis is None or at.tis < rule.improved_tis:
            return None
        share = rule.share
    if rule.kind == "step":
        above_20, above_10, low = rule.steps_mg
        return max(0.0, mg - (above_20 if mg > 20.0 else above_10 if mg > 10.0 else low))
    return max(0.0, min(to_half_mg(mg * (1.0 - share)), mg - 0.5))
