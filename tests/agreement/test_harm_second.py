"""Two computations of harm, one of them written from the rules alone: the same patients harmed.

The compiled engine runs random trials without the classes of ``myositis.events``, which have their
own second computation (``test_events_second``); every other column of harm of every patient is
computed again from what is observable of that patient. Equality is exact. Only a patient one of
whose times lies within 1e-6 of a whole minute is let off, since there the last digit of exp and
log decides.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.snapshot import REACTIONS, Snapshot
from simtrial.trial.design import revalidated
from tests.agreement.random_designs import RandomTrial, trial_without_events
from tests.independent.harm_second import (
    KINDS,
    WEEK,
    Harm,
    Observed,
    PlannedCourse,
    harm_second,
)

SEEDS = range(3_000, 3_024)
MORE_SEEDS = range(3_024, 3_084)
# a time lies within 1e-6 of a whole minute with chance 2e-6: of 100,000 events 0.2 are expected
# to be let off, and more than 10 come once in 1e14 times
MOST_LET_OFF = 1e-4
FEWEST = 0.01  # of each kind of event per patient, or its agreement would say little
COLUMNS = (
    *("cancer", "previous_thromboembolism", "reaction_minute", "reaction_kind"),
    *("reaction_serious", "thromboembolism_minute", "serious_minute", "harm_stop_minute"),
    "courses",
)


def check(seeds: range) -> Counter[str]:
    """Compare every patient of every trial; return what happened how often."""
    counted: Counter[str] = Counter()
    for generator_seed in seeds:
        trial = in_its_weeks(trial_without_events(generator_seed))
        leaves = trial.design.intercurrent.harm.then == "leave_study"
        seen = trial.simulate(compiled.run).seen
        for r, p in np.argwhere(seen.arm >= 0):
            patient = observed(trial, seen, r, p)
            row = (trial.first + r) % trial.p_background.shape[0]
            value = {name: float(v[row]) for name, v in trial.draws.items()}
            found = harm_second(patient, value, seen.reaction_minute.shape[2])
            counted["patients"] += 1
            counted["events"] += found.events
            counted["let off"] += found.too_close
            if not found.too_close:
                compare(found, seen, r, p, generator_seed)
                if leaves and found.harm_stop_minute >= 0:
                    assert seen.left_minute[r, p] == found.harm_stop_minute
                count(counted, found, leaves=leaves)
    return counted


def in_its_weeks(trial: RandomTrial) -> RandomTrial:
    """Return a trial without windows of visits: the rules were written for courses in their week.

    That courses move with visits, and harm with them, both engines and the properties show.
    """
    return replace(trial, design=revalidated(trial.design, {"visit_window_days": 0}))


def observed(trial: RandomTrial, seen: Snapshot, r: int, p: int) -> Observed:
    """Return what is observable of one patient."""
    design = trial.design
    rules = design.intercurrent
    arm = design.arm_names[seen.arm[r, p]]
    happened = {
        rule: int(minute)
        for rule, minute in (
            (rules.deterioration, seen.deterioration_minute[r, p]),
            (rules.rescue, seen.rescue_minute[r, p]),
        )
        if minute >= 0
    }
    left = int(seen.left_minute[r, p])
    return Observed(
        seed=trial.seed,
        replicate=trial.first + int(r),
        candidate=int(seen.candidate[r, p]),
        age=float(seen.age[r, p]),
        weight=float(seen.weight[r, p]),
        drug=design.arms[arm].is_drug,
        planned=tuple(
            PlannedCourse(week=c.week, dose_g_per_kg=c.dose_g_per_kg, days=c.days)
            for c in design.courses_of(arm)
        ),
        given=int(seen.courses[r, p]),
        last_visit=design.visits_weeks[-1] * WEEK,
        rule_stop=min(happened.values(), default=None),
        left=left if left >= 0 else None,
        left_by_rule=any(
            minute == left and rule.then == "leave_study" for rule, minute in happened.items()
        ),
    )


def compare(found: Harm, seen: Snapshot, r: int, p: int, generator_seed: int) -> None:
    for name in COLUMNS:
        mine, engine = getattr(found, name), getattr(seen, name)[r, p].tolist()
        assert mine == engine, f"trial {generator_seed}, replicate {r}, patient {p}: {name}"


def count(counted: Counter[str], found: Harm, *, leaves: bool) -> None:
    def happened(minutes: list[int]) -> int:
        return sum(minute >= 0 for minute in minutes)

    counted["reactions"] += happened(found.reaction_minute)
    counted["serious reactions"] += sum(found.reaction_serious)
    counted["thromboembolisms after a course"] += happened(found.thromboembolism_minute[:-1])
    counted["thromboembolisms without"] += happened(found.thromboembolism_minute[-1:])
    counted["other serious"] += happened(found.serious_minute)
    counted["stopped"] += found.harm_stop_minute >= 0
    counted["stops that came too late"] += bool(found.stops) and found.harm_stop_minute < 0
    counted["left for harm"] += leaves and found.harm_stop_minute >= 0


def assert_enough(counted: Counter[str], patients: int) -> None:
    assert counted["patients"] >= patients
    assert counted["let off"] <= MOST_LET_OFF * counted["events"]
    for what in counted.keys() - {"let off"}:
        assert counted[what] >= FEWEST * patients, (what, counted[what])


def test_kinds_of_reactions_have_the_order_of_the_rules():
    assert KINDS == REACTIONS


def test_every_harm_of_20_000_patients_is_that_of_the_written_rules():
    assert_enough(check(SEEDS), 20_000)


@pytest.mark.verify
def test_every_harm_of_50_000_more_patients_is_that_of_the_written_rules():
    assert_enough(check(MORE_SEEDS), 50_000)
