"""Prednisolone in the engine to read: flares of a taper, and the dose prescribed at a visit."""

from __future__ import annotations

from simtrial.cohort import draws as at
from simtrial.cohort.dynamics import Dynamics
from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.taper_rule import TaperRule
from simtrial.cohort.truth import Truth
from simtrial.core.units import MINUTES_PER_DAY, MINUTES_PER_WEEK
from simtrial.myositis import harm, taper


class Dose:
    """The daily prednisolone of one patient, from the entry dose on.

    Parameters
    ----------
    address : seed, replicate, and the patient's place in screening order.
    """

    def __init__(
        self,
        rule: TaperRule,
        truths: Dynamics,
        seen: Snapshot,
        key: tuple[int, int],
        address: tuple[int, int, int],
        entry_mg: float,
    ) -> None:
        self.rule, self.truths, self.seen, self.key, self.address = rule, truths, seen, key, address
        self.mg = self.entry_mg = entry_mg
        self.before_mg = entry_mg  # before the last reduction, or since the last rise
        self.given_up = 0.0  # share of the dose that the last change took off
        self.weeks_between = 0  # from the change before to the last, or from randomisation
        self.changed_week: int | None = None
        self.floor_mg = rule.floor_mg
        self.taken_mg = 0.0
        self.counted_until = 0  # the minute up to which the taken dose is known
        seen.prednisolone[key][0], seen.prednisolone_taken[key][0] = entry_mg, 0.0

    def form_habits(self, site: int, truth: Truth) -> None:
        """Draw how patient and centre taper, where the taper is left to clinical practice."""
        if self.rule.kind != taper.PRACTICE:
            return
        truths, (seed, replicate, _) = self.truths, self.address
        self.share_in_4_weeks = taper.patient_taper_share(
            truths.taper_share,
            truths.taper_share_sd,
            at.taper_person(*self.address, at.TAPER_SHARE),
            truths.centre_taper_sd,
            at.taper_centre(seed, replicate, site, at.TAPER_SHARE),
        )
        self.floor_mg = taper.maintenance_floor(
            at.keeps_maintenance(*self.address) < truths.maintenance_share and self.entry_mg > 0.0,
            truths.maintenance_log_median,
            truths.maintenance_log_sd,
            at.taper_person(*self.address, at.MAINTENANCE_DOSE),
            truths.centre_floor_sd,
            at.taper_centre(seed, replicate, site, at.MAINTENANCE_DOSE),
        )
        truth.maintenance_mg[self.key] = self.floor_mg

    def change_mg(self) -> float:
        """Return the present dose less the entry dose."""
        return self.mg - self.entry_mg

    def flares(self, week: int, now: int, benefit: float) -> bool:
        """Return whether a flare came since the last visit; under a stable dose none is counted."""
        if self.rule.kind == taper.STABLE:
            return False
        pace = 0.0
        if self.given_up > 0.0 and self.changed_week is not None:
            since = week - self.changed_week
            pace = taper.taper_pace(self.given_up, float(self.weeks_between), float(since))
        weeks = float(now - self.counted_until) / MINUTES_PER_WEEK
        hazard = taper.flare_hazard(
            self.truths.flare_per_week, weeks, self.truths.flare_speed, pace, benefit
        )
        return harm.unit_exponential(at.of_taper(*self.address, week, at.FLARES)) < hazard

    def prescribe(
        self,
        visit: int,
        week: int,
        now: int,
        *,
        is_worse: bool,
        flared: bool,
        deteriorated: bool,
        rescued: bool,
    ) -> None:
        """Count what was taken until this visit, and set the dose from it on."""
        days = float(now - self.counted_until) / MINUTES_PER_DAY
        weeks = float(now - self.counted_until) / MINUTES_PER_WEEK
        self.taken_mg += self.mg * days
        self.counted_until = now
        self.seen.prednisolone_taken[self.key][visit] = self.taken_mg
        added_mg = (self.rule.deterioration_mg if deteriorated else 0.0) + (
            self.rule.rescue_mg if rescued else 0.0
        )
        if added_mg > 0.0:
            new_mg = taper.raised_dose(self.mg, self.mg + added_mg, self.rule.at_most_mg)
        elif self.rule.kind == taper.STABLE:
            new_mg = taper.stable_dose(self.mg)
        elif self.rule.kind == taper.FORCED:
            new_mg = self.forced(week, may_fall=not rescued, flared=flared)
        elif is_worse or flared:
            new_mg = self.after_worsening()
        elif rescued or not self.is_due(week):
            new_mg = taper.stable_dose(self.mg)
        elif self.rule.kind == taper.PRACTICE:
            new_mg = self.in_practice(week, weeks)
        else:
            new_mg = self.by_response(float(self.seen.tis[self.key][visit]))
        self.change(new_mg, week)
        self.seen.prednisolone[self.key][visit] = self.mg

    def is_due(self, week: int) -> bool:
        """Return whether the dose may be lowered this week."""
        if week < self.rule.from_week:
            return False
        changed = self.changed_week
        return changed is None or week - changed >= self.rule.weeks_between

    def forced(self, week: int, *, may_fall: bool, flared: bool) -> float:
        """Return the dose on the line to the target, whatever the response."""
        if not may_fall or not self.is_due(week) or (flared and self.rule.hold_on_flare):
            return self.mg
        rule = self.rule
        planned_mg = taper.forced_dose(
            self.entry_mg,
            rule.target_mg,
            float(week),
            float(rule.from_week),
            float(rule.target_week),
        )
        return taper.lowered_dose(self.mg, planned_mg, self.floor_mg)

    def after_worsening(self) -> float:
        """Return the dose of who is worse: back up, in practice first to the maintenance dose."""
        at_most_mg = self.rule.at_most_mg
        if self.rule.kind == taper.PRACTICE and self.mg < self.floor_mg:
            return taper.raised_dose(self.mg, self.floor_mg, at_most_mg)
        return taper.backed_up_dose(
            self.mg, self.entry_mg, self.before_mg, self.rule.back_up_mg, at_most_mg
        )

    def in_practice(self, week: int, weeks: float) -> float:
        """Return a lower dose where the physician judges the patient improved."""
        judged = at.of_taper(*self.address, week, at.JUDGED)
        if judged >= self.truths.p_judged_improved:
            return self.mg
        share = taper.share_over(self.share_in_4_weeks, weeks)
        lower_mg = taper.proportional_dose(self.mg, share)
        return taper.lowered_dose(self.mg, lower_mg, self.floor_mg)

    def by_response(self, score: float) -> float:
        """Return a lower dose where the observed score says improved; a missing one does not."""
        rule = self.rule
        if not score >= rule.improved_tis:
            return self.mg
        if rule.kind == taper.STEP:
            lower_mg = taper.stepped_dose(
                self.mg, rule.above_20_mg, rule.above_10_mg, rule.to_10_mg
            )
        else:
            lower_mg = taper.proportional_dose(self.mg, rule.share)
        return taper.lowered_dose(self.mg, lower_mg, self.floor_mg)

    def change(self, new_mg: float, week: int) -> None:
        """Take the new dose, and remember how it came about."""
        if new_mg == self.mg:
            return
        lower = new_mg < self.mg
        self.before_mg = self.mg if lower else new_mg
        self.given_up = taper.share_given_up(self.mg, new_mg) if lower else 0.0
        self.weeks_between = week - (self.changed_week or 0)
        self.changed_week = week
        self.mg = new_mg
