"""The rule for prednisolone as numbers. Weeks are scheduled weeks, doses mg a day."""

from __future__ import annotations

from typing import NamedTuple

from simtrial.myositis.taper import TAPERS
from simtrial.trial.design import Design

NO_TARGET_WEEK = 1_000_000  # of a rule without a target


class TaperRule(NamedTuple):
    """What the engines need of a design's rule; numbers of other rules are not read."""

    kind: int  # place in TAPERS
    from_week: int
    weeks_between: int
    improved_tis: float
    floor_mg: float
    back_up_mg: float
    at_most_mg: float
    above_20_mg: float
    above_10_mg: float
    to_10_mg: float
    share: float
    target_mg: float
    target_week: int
    hold_on_flare: bool
    deterioration_mg: float
    rescue_mg: float


def taper_rule(design: Design) -> TaperRule:
    """Return a design's rule for the engines."""
    rule = design.prednisolone
    worse, rescue = design.intercurrent.deterioration, design.intercurrent.rescue
    return TaperRule(
        kind=TAPERS.index(rule.taper),
        from_week=rule.from_week,
        weeks_between=rule.weeks_between,
        improved_tis=rule.improved_tis,
        floor_mg=rule.floor_mg,
        back_up_mg=rule.back_up_mg,
        at_most_mg=rule.at_most_mg,
        above_20_mg=rule.steps_mg.above_20,
        above_10_mg=rule.steps_mg.above_10,
        to_10_mg=rule.steps_mg.to_10,
        share=rule.share or 0.0,
        target_mg=rule.target_mg or 0.0,
        target_week=rule.target_week or NO_TARGET_WEEK,
        hold_on_flare=rule.hold_on_flare,
        deterioration_mg=0.0 if worse is None else worse.prednisolone_mg,
        rescue_mg=0.0 if rescue is None else rescue.prednisolone_mg,
    )
