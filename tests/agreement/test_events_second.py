"""Two computations of events after courses and between visits, one from the written rules alone.

The compiled engine runs random trials; every column of these classes of every patient is computed
again from what is observable of him. Equality is exact; only a patient one of whose times or
hazards lies within 1e-6 of a boundary is let off, since there the last digit of exp and log
decides.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.snapshot import Snapshot
from simtrial.trial.design import Design, revalidated
from tests.agreement.random_designs import RandomTrial, random_trial
from tests.independent.events_second import CLASSES, Events, Observed, events_second

SEEDS = range(3_100, 3_124)
MORE_SEEDS = range(3_124, 3_184)
FEWEST = 200  # events of each class, or its agreement would say little
MOST_LET_OFF = 1e-4
WEEK, DAY = 10_080, 1_440


def check(seeds: range) -> Counter[str]:
    """Compare every patient of every trial; return what happened how often."""
    counted: Counter[str] = Counter()
    for generator_seed in seeds:
        trial = on_schedule(random_trial(generator_seed))
        seen = trial.simulate(compiled.run).seen
        for r, p in np.argwhere(seen.arm >= 0):
            row = (trial.first + int(r)) % trial.p_background.shape[0]
            value = {name: float(v[row]) for name, v in trial.draws.items()}
            patient = observed(trial, seen, r, p)
            found = events_second(patient, value)
            counted["patients"] += 1
            counted["let off"] += found.too_close > 0
            if not found.too_close:
                compare(found, seen, r, p, f"trial {generator_seed}, replicate {r}, patient {p}")
                compare_what_follows(found, patient, trial, seen, r, p)
                count(counted, found, seen, r, p)
    return counted


def on_schedule(trial: RandomTrial) -> RandomTrial:
    """Return the trial with every visit at its week and drug always to be had.

    That courses move with visits, and what they bring with them, both engines show.
    """
    nothing_short = {"supply.per_year": np.zeros(trial.p_background.shape[0])}
    design = revalidated(trial.design, {"visit_window_days": 0})
    return replace(trial, design=design, draws=trial.draws | nothing_short)


def observed(trial: RandomTrial, seen: Snapshot, r: int, p: int) -> Observed:
    """Return what is observable of one patient."""
    design, protocol = trial.design, trial.protocol()
    columns = (seen.course_minute, seen.course_days, seen.course_dose, seen.course_drug)
    courses = [
        (minute // WEEK, minute + (days - 1) * DAY, dose, is_drug)
        for minute, days, dose, is_drug in zip(
            *(column[r, p, : seen.courses[r, p]].tolist() for column in columns), strict=True
        )
    ]
    minutes = protocol.visit_minute.tolist()
    until = int(seen.followed_minute[r, p])
    doses = []
    for minute, dose in zip(minutes, seen.prednisolone[r, p].tolist(), strict=True):
        if minute <= until:  # who misses a visit keeps the dose of the one before
            doses.append(doses[-1] if np.isnan(dose) else dose)
    if left_by_rule(trial, seen, r, p):
        until -= 1  # the rule comes before harm of its minute
        doses = doses[:-1]  # and nothing follows the visit at which he left
    return Observed(
        seed=trial.seed,
        replicate=trial.first + int(r),
        candidate=int(seen.candidate[r, p]),
        subtype=list(design.population.subtypes)[seen.subtype[r, p]],
        courses=courses,
        visits=list(zip(design.visits_weeks, minutes, strict=True)),
        doses_mg=doses,
        until=until,
        at_most=seen.serious_minute.shape[2],
    )


def left_by_rule(trial: RandomTrial, seen: Snapshot, r: int, p: int) -> bool:
    rules = trial.design.intercurrent
    return any(
        rule is not None and rule.then == "leave_study" and minute == seen.left_minute[r, p] >= 0
        for rule, minute in (
            (rules.deterioration, seen.deterioration_minute[r, p]),
            (rules.rescue, seen.rescue_minute[r, p]),
        )
    )


def compare(found: Events, seen: Snapshot, r: int, p: int, where: str) -> None:
    assert found.migraine == seen.migraine[r, p], where
    assert found.group_o == seen.group_o[r, p], where
    assert found.minute == seen.events_minute[r, p].tolist(), where
    assert found.detail == seen.events_detail[r, p].tolist(), where
    assert found.cancer == seen.cancer_minute[r, p], where
    assert found.death == seen.death_minute[r, p], where


def has_fixed_courses(design: Design) -> bool:
    """Return whether every arm is given the courses written down for it, whatever happens."""
    adapts = (
        arm.dose_change or arm.as_needed or arm.stop_when_stable for arm in design.arms.values()
    )
    return design.extension is None and not design.intercurrent.has("switch") and not any(adapts)


def compare_what_follows(
    found: Events, patient: Observed, trial: RandomTrial, seen: Snapshot, r: int, p: int
) -> None:
    """A death ends the study; what stops or leaves out a course is seen in the courses given."""
    last = patient.visits[-1][1]
    stop, missed = int(seen.stop_minute[r, p]), int(seen.missed_courses[r, p])
    if 0 <= found.death < last:
        assert seen.left_minute[r, p] == seen.followed_minute[r, p] == found.death
    design = trial.design
    if not has_fixed_courses(design):
        return
    starts = [c.week * 10_080 for c in design.courses_of(design.arm_names[seen.arm[r, p]])]
    given = seen.course_minute[r, p, : seen.courses[r, p]].tolist()
    harmed = int(seen.harm_stop_minute[r, p])
    for minute in found.stops:
        # a stop is due while a course is still to come, and no other stop came before
        if minute < starts[-1] and (stop < 0 or minute < stop):
            raise AssertionError(f"treatment went on after {minute}")
        assert harmed < 0 or stop == harmed
    due = [s for s in starts if s <= last and (stop < 0 or s < stop or s == harmed)]
    due = [s for s in due if s <= patient.until]
    left_out, before = [], NEVER_BEFORE
    for start in due:
        if any(before <= minute < start for minute in found.interrupts):
            left_out.append(start)
        before = start
    assert given == [s for s in due if s not in left_out]
    assert missed == len(left_out)


NEVER_BEFORE = -1


def count(counted: Counter[str], found: Events, seen: Snapshot, r: int, p: int) -> None:
    courses, visits = seen.serious_minute.shape[2], seen.tis.shape[2]
    names = [c for c in CLASSES[:2] for _ in range(courses)]
    names += [c for c in CLASSES[2:] for _ in range(visits - 1)]
    for name, minute in zip(names, found.minute, strict=True):
        counted[name] += minute >= 0
    counted["deaths"] += found.death >= 0
    counted["stops"] += len(found.stops)
    counted["left out"] += int(seen.missed_courses[r, p])


def assert_worth(counted: Counter[str]) -> None:
    assert counted["let off"] <= max(1, MOST_LET_OFF * counted["patients"])
    seldom = {
        name: counted[name]
        for name in (*CLASSES, "deaths", "stops", "left out")
        if counted[name] < FEWEST
    }
    assert not seldom


def test_every_event_of_20_000_patients_is_that_of_the_written_rules():
    assert_worth(check(SEEDS))


@pytest.mark.verify
def test_every_event_of_50_000_more_patients_is_that_of_the_written_rules():
    assert_worth(check(MORE_SEEDS))
