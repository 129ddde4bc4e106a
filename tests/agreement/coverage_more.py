"""How often treatment adapts, and every way to recruit is used, in a random trial."""

from __future__ import annotations

import itertools

import numpy as np

from simtrial.cohort.events import INTERRUPT
from simtrial.cohort.snapshot import SCREENING_FAILURES
from simtrial.core.units import MINUTES_PER_DAY, MINUTES_PER_WEEK
from simtrial.myositis.parameters import LINES
from tests.agreement.random_recruitment import FACTORS, METHODS
from tests.agreement.random_treatment import AFTER

RULES = ("deterioration", "rescue", "lack_of_effect")
TREATMENT = (
    *(f"{rule}, then {then}" for rule in RULES for then in AFTER),
    *("switched", "courses after a switch", "switched, then stopped by a rule"),
    *("switched at a visit with a course running", "standard therapy after a switch"),
    *("standard therapy", "stable", "stable with courses left", "as needed"),
    *("as needed with courses planned", "dose changed", "dose changed to none"),
    *("dose unchanged for an early patient", "course cut short", "placebo in an arm of the drug"),
    *("without infusions", "extension", "extension after placebo", "supply interrupted"),
    *("two rules at one visit", "left at a visit with a course", "stopped while a course ran"),
)
RECRUITMENT = (
    # those of a run-in: test_run_in
    *(f"screening failure: {r}" for r in SCREENING_FAILURES if not r.startswith("run_in")),
    *(f"line: {line}" for line in LINES),
    *("full sites", "full subtypes", "arrivals after a pause"),
)
WAYS_TO_RECRUIT = (
    *(f"factor: {factor}" for factor in FACTORS),
    *METHODS,
    *("by variance", "unequal ratio", "sites differ", "shape below 1", "pauses"),
    *("orders", "orders of each replicate", "closed by an order", "limit of subtypes"),
)

Counts = dict[str, int]


def add(counts: Counts, name: str, how_many) -> None:
    """Count so many more of a name."""
    counts[name] = counts.get(name, 0) + int(how_many)


def count_treatment(counts: Counts, trial, cohort) -> None:
    """Count what rules do to the courses of patients."""
    seen, protocol, design = cohort.seen, trial.protocol(), trial.design
    entered, arm = seen.arm >= 0, np.maximum(seen.arm, 0)
    switched, standard = seen.switch_minute >= 0, seen.standard_minute >= 0
    minutes = (seen.deterioration_minute, seen.rescue_minute, seen.lack_of_effect_minute)
    for name, minute in zip(RULES, minutes, strict=True):
        rule = getattr(design.intercurrent, name)
        if rule is not None:
            add(counts, f"{name}, then {rule.then}", (minute >= 0).sum())
    together = [(a >= 0) & (a == b) for a, b in itertools.pairwise(minutes)]
    add(counts, "two rules at one visit", np.any(together, axis=0).sum())
    begun = seen.course_minute >= 0
    ends = seen.course_minute + (seen.course_days.astype(np.int64) - 1) * MINUTES_PER_DAY
    after = begun & (seen.course_minute >= seen.switch_minute[..., None])
    add(counts, "switched", switched.sum())
    add(counts, "courses after a switch", (switched[..., None] & after).any(axis=2).sum())
    later = switched & (seen.stop_minute > seen.switch_minute) & (seen.harm_stop_minute < 0)
    add(counts, "switched, then stopped by a rule", later.sum())

    def running(minute):
        """Return who has a course that began before a minute and ends after it."""
        at = minute[..., None]
        return (begun & (seen.course_minute < at) & (ends > at)).any(axis=2) & (minute >= 0)

    name = "switched at a visit with a course running"
    add(counts, name, running(seen.switch_minute).sum())
    add(counts, "stopped while a course ran", running(seen.stop_minute).sum())
    add(counts, "standard therapy", standard.sum())
    add(counts, "standard therapy after a switch", (standard & switched).sum())
    stable = seen.stable_minute >= 0
    add(counts, "stable", stable.sum())
    planned = protocol.n_courses[arm]
    add(counts, "stable with courses left", (stable & (seen.courses < planned)).sum())
    gaps = np.diff(seen.course_minute, axis=2)
    both = begun[..., 1:] & (gaps < ends[..., :-1] - seen.course_minute[..., :-1])
    add(counts, "course cut short", both.any(axis=2).sum())
    on_drug = protocol.on_drug[arm] & ~switched & entered
    placebo = (begun & ~seen.course_drug).any(axis=2)
    add(counts, "placebo in an arm of the drug", (on_drug & placebo).sum())
    add(counts, "without infusions", (entered & (planned == 0)).sum())
    if design.extension is not None:
        opens = design.extension.from_week * MINUTES_PER_WEEK - protocol.measuring.window_minutes
        extended = (begun & (seen.course_minute >= opens)).any(axis=2)
        add(counts, "extension", extended.sum())
        add(counts, "extension after placebo", (extended & ~protocol.on_drug[arm]).sum())
    interrupts = ((seen.events_detail & INTERRUPT) > 0).any(axis=2)
    add(counts, "supply interrupted", ((seen.missed_courses > 0) & ~interrupts).sum())
    at_visits = np.isin(seen.course_minute, protocol.visit_minute) & begun
    left_at = (seen.left_minute[..., None] == seen.course_minute).any(axis=2)
    add(counts, "left at a visit with a course", (left_at & at_visits.any(axis=2)).sum())
    _count_needed(counts, trial, cohort)
    _count_changes(counts, trial, cohort)


def _count_needed(counts: Counts, trial, cohort) -> None:
    """Count courses at visits in whose week no regimen has one: given as needed."""
    seen, protocol = cohort.seen, trial.protocol()
    weeks = {
        int(week)
        for row, n in zip(protocol.course_week, protocol.n_courses, strict=True)
        for week in row[:n]
    }
    may = protocol.treatment.needed_most[np.maximum(seen.arm, 0)] > 0
    may &= (seen.arm >= 0) & (seen.switch_minute < 0)
    planned_later = protocol.n_courses[np.maximum(seen.arm, 0)] > 0
    for visit, week in enumerate(protocol.visit_week):
        minute = seen.visit_minute[..., visit]
        if int(week) not in weeks and visit > 0:
            given = (seen.course_minute == minute[..., None]).any(axis=2) & (minute >= 0) & may
            add(counts, "as needed", given.sum())
            later = (seen.course_minute > minute[..., None]).any(axis=2)
            add(counts, "as needed with courses planned", (given & later & planned_later).sum())


def _count_changes(counts: Counts, trial, cohort) -> None:
    """Count patients who fit the first rule of their arm that changes the dose."""
    seen, protocol = cohort.seen, trial.protocol()
    rules, place = protocol.treatment, np.arange(seen.arm.shape[1])
    for a in range(protocol.treatment.change_visit.shape[0]):
        visit = int(rules.change_visit[a, 0])
        if visit < 0:
            continue
        minute, score = seen.visit_minute[..., visit], seen.tis[..., visit]
        treated = (minute >= 0) & (seen.arm == a) & (seen.switch_minute < 0)
        for column in (seen.stop_minute, seen.stable_minute):
            treated &= (column < 0) | (column > minute)
        limit = rules.change_tis[a, 0]
        fits = treated & (score < limit if rules.change_if_below[a, 0] else score >= limit)
        early = place < rules.change_from[a, 0]
        add(counts, "dose changed", (fits & ~early).sum())
        add(counts, "dose unchanged for an early patient", (fits & early).sum())
        if protocol.n_courses[rules.change_to[a, 0]] == 0:
            add(counts, "dose changed to none", (fits & ~early).sum())


def count_recruitment(counts: Counts, trial, cohort) -> None:
    """Count why candidates fail, and where there is no place left."""
    seen, accrual = cohort.seen, trial.design.accrual
    for number, line in enumerate(LINES):
        add(counts, f"line: {line}", (seen.line == number).sum())
    full = accrual.patients_per_site_at_most
    for row in range(seen.arm.shape[0]):
        entered = seen.arm[row] >= 0
        if full is not None:
            add(counts, "full sites", (np.bincount(seen.site[row][entered]) == full).sum())
        for position, subtype in enumerate(trial.design.population.subtypes):
            here = (seen.subtype[row][entered] == position).sum()
            add(counts, "full subtypes", here == accrual.subtypes_at_most.get(subtype))
    if accrual.pauses_weeks:
        screened = seen.randomised_minute - trial.protocol().screening_minutes
        end = accrual.pauses_weeks[-1][1] * MINUTES_PER_WEEK
        add(counts, "arrivals after a pause", ((seen.arm >= 0) & (screened >= end)).sum())


def ways_to_recruit(trial) -> dict[str, bool]:
    """Return which ways to recruit and to allocate a trial uses."""
    design, accrual = trial.design, trial.design.accrual
    found = {f"factor: {factor}": True for factor in design.strata}
    if design.allocation is not None:
        found[design.allocation.method] = True
        found["by variance"] = design.allocation.by_variance
        found["unequal ratio"] = len(set(design.allocation.ratio.values())) > 1
    return found | {
        "sites differ": accrual.site_rate_cv > 0,
        "shape below 1": accrual.site_rate_cv > 1,
        "pauses": bool(accrual.pauses_weeks),
        "limit of subtypes": bool(accrual.subtypes_at_most),
        "orders": any(len(orders) for orders in trial.given),
        "orders of each replicate": len(trial.given) > 1,
        "closed by an order": any(not any(w) for orders in trial.given for _, w in orders),
    }
