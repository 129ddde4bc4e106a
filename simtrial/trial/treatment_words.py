"""What an arm is given, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from simtrial.trial.treatment import Arm, Course


def courses_words(courses: Sequence[Course]) -> str:
    """Return courses in a phrase."""
    return "; ".join(
        f"{'placebo like ' if c.placebo else ''}{c.dose_g_per_kg:g} g/kg over {c.days} d "
        f"in week {c.week}"
        for c in courses
    )


def arm_words(name: str, arm: Arm) -> list[str]:
    """Return an arm's regimen and its rules, a sentence each."""
    if arm.no_infusions:
        return [f"Arm {name}: no infusions."]
    if not arm.is_drug:
        return [f"Arm {name}: placebo infusions like {arm.infusions_like}."]
    out = [f"Arm {name}: immunoglobulin, {courses_words(arm.course_list())}."]
    for change in arm.dose_change:
        limit = (
            f"below {change.if_tis_below:g}"
            if change.if_tis_below is not None
            else f"at least {change.if_tis_at_least:g}"
        )
        since = f", from patient {change.from_patient} on" if change.from_patient > 1 else ""
        instead = courses_words(change.courses) or "no further course"
        out.append(
            f"Arm {name}, TIS {limit} in week {change.at_week}{since}: from then on {instead}."
        )
    if arm.as_needed is not None:
        out.append(f"Arm {name}, as needed: {_needed(arm)}.")
    if arm.stop_when_stable is not None:
        rule = arm.stop_when_stable
        out.append(
            f"Arm {name}: no more planned courses after TIS >= {rule.tis_at_least:g} at "
            f"{rule.visits} visit{'s' if rule.visits > 1 else ''} in a row."
        )
    return out


def _needed(arm: Arm) -> str:
    rule = arm.as_needed
    if rule is None:
        return ""
    reasons = []
    if rule.if_tis_below is not None:
        reasons.append(f"while TIS < {rule.if_tis_below:g}")
    if rule.if_tis_falls_by is not None:
        reasons.append(f"when TIS has fallen by {rule.if_tis_falls_by:g} from its best")
    return (
        f"{rule.dose_g_per_kg:g} g/kg over {rule.days} d at a visit from week {rule.from_week} on, "
        f"{' or '.join(reasons)}, at most {rule.at_most}, {rule.weeks_apart} weeks apart"
    )
