"""Two engines, one science: events and loops give the same patients to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.cohort import compiled, reference
from simtrial.cohort.snapshot import REACTIONS, SCREENING_FAILURES
from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.operating.prepare import prepare
from simtrial.trial.design import load_design
from simtrial.trial.scenario import load_scenario
from tests.agreement.random_designs import random_trial, shipped

SEEDS = range(64)
MORE_SEEDS = range(1_000, 1_400)


def assert_engines_agree(trial):
    by_events, by_loops = (trial.simulate(run) for run in (reference.run, compiled.run))
    assert by_events.first_difference(by_loops) is None


@pytest.mark.parametrize("generator_seed", SEEDS)
def test_engines_agree_to_the_last_bit_on_a_random_design(generator_seed):
    assert_engines_agree(random_trial(generator_seed))


@pytest.mark.verify
@pytest.mark.parametrize("generator_seed", MORE_SEEDS)
def test_engines_agree_to_the_last_bit_on_one_more_random_design(generator_seed):
    assert_engines_agree(random_trial(generator_seed))


@pytest.mark.parametrize("source", ["posterior", "point", "no_effect"])
def test_engines_agree_to_the_last_bit_on_the_demo(source):
    prepared = prepare(load_design("dm_ivig_16w"), load_scenario(source), shipped())
    assert_engines_agree_on(prepared, replicates=12)


@pytest.mark.parametrize("source", ["lim21", "point"])
def test_engines_agree_to_the_last_bit_on_document_002(source):
    prepared = prepare(load_design("documents/lim21"), load_scenario(source), shipped())
    assert_engines_agree_on(prepared, replicates=60)


def assert_engines_agree_on(prepared, *, replicates):
    by_events, by_loops = (
        run(
            prepared.protocol,
            prepared.table,
            prepared.arrivals,
            seed=20_260_117,
            first=100,
            last=100 + replicates,
            n=prepared.design.sample_size.n,
        )
        for run in (reference.run, compiled.run)
    )
    assert by_events.seen.complete.all()
    assert by_events.first_difference(by_loops) is None


# --- a branch that is never taken could be broken in either engine ------------------------------


def add(counts, name, how_many):
    counts[name] = counts.get(name, 0) + int(how_many)


def counts_of(trial):
    """Return how often each event and feature occurs among the patients of a random trial."""
    cohort, protocol = trial.simulate(compiled.run), trial.protocol()
    seen, truth = cohort.seen, cohort.truth
    counts: dict[str, int] = {}
    entered = seen.arm >= 0
    deteriorated, rescued = seen.deterioration_minute >= 0, seen.rescue_minute >= 0
    left, stopped = seen.left_minute >= 0, seen.stop_minute >= 0
    dropped = left & (seen.left_minute == truth.dropout_minute)
    by_rule = left & ~dropped
    add(counts, "randomised", entered.sum())
    for reason, number in zip(SCREENING_FAILURES, seen.failures.sum(axis=0), strict=True):
        add(counts, f"screening failure: {reason}", number)
    add(counts, "trial out of candidates", (~seen.complete).sum())
    add(counts, "women", (entered & seen.female).sum())
    add(counts, "men", (entered & ~seen.female).sum())
    if protocol.by_severity:
        for stratum in range(3):
            add(counts, f"stratum {stratum}", (entered & (seen.stratum == stratum)).sum())
    for position, name in enumerate(trial.design.population.subtypes):
        add(counts, f"subtype {name}", (entered & (seen.subtype == position)).sum())
    add(counts, "left by dropout", dropped.sum())
    add(counts, "left by a rule: deterioration", (by_rule & deteriorated & ~rescued).sum())
    add(counts, "left by a rule: rescue", (by_rule & rescued).sum())
    add(counts, "stopped treatment and stayed", (stopped & ~left).sum())
    add(counts, "stopped treatment and dropped out later", (stopped & dropped).sum())
    add(counts, "deteriorated", deteriorated.sum())
    add(counts, "rescued", rescued.sum())
    both = deteriorated & rescued
    same = both & (seen.deterioration_minute == seen.rescue_minute)
    add(counts, "deterioration and rescue at one visit", same.sum())
    later = both & (seen.deterioration_minute > seen.rescue_minute)
    add(counts, "deterioration after rescue", later.sum())
    last = protocol.visit_minute[-1]
    add(counts, "deterioration at the last visit", (seen.deterioration_minute == last).sum())
    planned = protocol.n_courses[np.maximum(seen.arm, 0)]
    add(counts, "all courses given", (entered & (seen.courses == planned)).sum())
    add(counts, "courses withheld", (entered & (seen.courses < planned)).sum())
    add(counts, "courses with a reaction", (seen.reaction_minute >= 0).sum())
    add(counts, "serious reactions", seen.reaction_serious.sum())
    for number, kind in enumerate(REACTIONS):
        add(counts, f"reaction: {kind}", (seen.reaction_kind == number).sum())
    clots = seen.thromboembolism_minute >= 0
    add(counts, "thromboembolism after a course", clots[..., :-1].sum())
    add(counts, "thromboembolism without one", clots[..., -1].sum())
    add(counts, "other serious events", (seen.serious_minute >= 0).sum())
    harmed = seen.harm_stop_minute >= 0
    add(counts, "stopped for harm and stayed", (harmed & ~left).sum())
    add(counts, "left for harm", (harmed & (seen.left_minute == seen.harm_stop_minute)).sum())
    add(counts, "rescued after a stop for harm", (harmed & rescued).sum())
    placebo = entered & ~protocol.on_drug[np.maximum(seen.arm, 0)]
    add(counts, "reaction to placebo", (placebo & (seen.reaction_minute >= 0).any(axis=2)).sum())
    add(counts, "with cancer", (entered & seen.cancer).sum())
    add(counts, "earlier thromboembolism", (entered & seen.previous_thromboembolism).sum())
    add(counts, "on placebo", (entered & ~protocol.on_drug[np.maximum(seen.arm, 0)]).sum())
    add(counts, "responders on drug", (np.nan_to_num(truth.drug_benefit) > 0).any(axis=2).sum())
    add(counts, "improve without the drug", (truth.improves & entered).sum())
    add(counts, "takes prednisolone", (np.nan_to_num(seen.prednisolone[..., 0]) > 0).sum())
    minutes = np.sort(seen.randomised_minute, axis=1)
    add(counts, "randomised in one minute", ((np.diff(minutes) == 0) & (minutes[:, 1:] >= 0)).sum())
    add(counts, "dose held at 80 g a day", doses_held(trial, seen))
    return counts


def doses_held(trial, seen):
    """Count patients whose first course would be more than 80 g a day as planned."""
    protocol = trial.protocol()
    arm = np.maximum(seen.arm, 0)
    planned = protocol.course_dose[arm, 0] * np.nan_to_num(seen.weight)
    held = planned > protocol.cap_g_per_day * protocol.course_days[arm, 0]
    return (held & (seen.courses > 0) & protocol.on_drug[arm]).sum()


def features_of(trial):
    """Return which features the design and the truth of a random trial have."""
    design, protocol = trial.design, trial.protocol()
    n_arms = len(design.arms)
    allocation = design.allocation
    given = [c for name in design.arms for c in design.courses_of(name)]
    visits = set(design.visits_weeks)
    events = design.intercurrent
    rows = trial.p_background.shape[0]
    return {
        f"{n_arms} arms": True,
        "no allocation": allocation is None,
        "unequal ratio": allocation is not None and len(set(allocation.ratio.values())) > 1,
        "several block sizes": allocation is not None and len(allocation.block_sizes) > 1,
        "strata": protocol.by_severity,
        "no strata": not protocol.by_severity,
        "placebo": not protocol.on_drug.all(),
        "placebo named first": not protocol.on_drug[0],
        "several drug arms": protocol.on_drug.sum() > 1,
        **{f"course of {c.days} days": True for c in given},
        "course in a visit week": any(c.week in visits for c in given),
        "course between visits": any(c.week not in visits for c in given),
        "course beyond the last visit": bool(
            (
                (protocol.course_end > protocol.visit_minute[-1])
                & (protocol.course_start <= protocol.visit_minute[-1])
            ).any()
        ),
        "arms with different schedules": len({design.courses_of(a) for a in design.arms}) > 1,
        "no screening weeks": design.screening_weeks == 0,
        "screening weeks": design.screening_weeks > 0,
        f"mmt {design.population.mmt}": True,
        f"line {design.population.line}": True,
        f"background {design.population.background}": True,
        "several subtypes": len(design.population.subtypes) > 1,
        "one site": design.accrual.sites == 1,
        "sites that open by a ramp": design.accrual.sites > 1
        and design.accrual.site_opening_weeks > 0,
        "no rule": events.deterioration is None and events.rescue is None,
        **(
            {f"deterioration: {events.deterioration.then}": True}
            if events.deterioration is not None
            else {}
        ),
        **({f"rescue: {events.rescue.then}": True} if events.rescue is not None else {}),
        f"harm: {events.harm.then}": True,
        "no reaction to placebo": not trial.draws["reaction.per_course[placebo]"].any(),
        "harm never stops": not trial.draws["stop.serious"].any(),
        "every serious event stops": (trial.draws["stop.serious"] == 1.0).all(),
        "drug without effect": not trial.drug_works,
        "several rows": rows > 1,
        "more replicates than rows": trial.last - trial.first > rows > 1,
        "no noise": not trial.draws["sd_change.vas"].any(),
        "depth 1": (trial.draws["depth"] == 1.0).all(),
        "immediate effect": (trial.draws["k_on"] >= 1e6).all(),
        "independent errors": not trial.draws["noise_per_4_weeks"].any(),
        "constant errors": (trial.draws["noise_per_4_weeks"] == 1.0).all(),
        **{f"hill {h}": (trial.draws["hill"] == h).all() for h in (1.0, 4.0)},
        "nobody drops out": not trial.draws["dropout_16_weeks"].any(),
        "a seed beyond 32 bits": trial.seed >= 2**32,
        "the largest seed": trial.seed == 2**63 - 1,
        "visits at irregular weeks": len(set(np.diff(protocol.visit_minute))) > 1,
        "visits of one week": (np.diff(protocol.visit_minute) == MINUTES_PER_WEEK).any(),
    }


def test_the_random_designs_randomise_at_least_20_000_patients():
    assert sum(counts_of(random_trial(s))["randomised"] for s in SEEDS) >= 20_000


EVENTS = [
    *(f"screening failure: {reason}" for reason in SCREENING_FAILURES),
    *(f"stratum {s}" for s in range(3)),
    *(f"subtype {s}" for s in ("DM", "PM", "IMNM", "ASyS", "OM", "IBM")),
    "women",
    "men",
    "left by dropout",
    "left by a rule: deterioration",
    "left by a rule: rescue",
    "stopped treatment and stayed",
    "stopped treatment and dropped out later",
    "deteriorated",
    "rescued",
    "deterioration and rescue at one visit",
    "deterioration after rescue",
    "deterioration at the last visit",
    "all courses given",
    "courses withheld",
    "on placebo",
    "responders on drug",
    "improve without the drug",
    "takes prednisolone",
    "randomised in one minute",
    "dose held at 80 g a day",
    "courses with a reaction",
    "serious reactions",
    *(f"reaction: {kind}" for kind in REACTIONS),
    "thromboembolism after a course",
    "thromboembolism without one",
    "other serious events",
    "stopped for harm and stayed",
    "left for harm",
    "rescued after a stop for harm",
    "reaction to placebo",
    "with cancer",
    "earlier thromboembolism",
]


def test_every_event_happens_to_many_patients_of_the_random_designs():
    together: dict[str, int] = {}
    for seed in SEEDS:
        for name, number in counts_of(random_trial(seed)).items():
            add(together, name, number)
    seldom = {name: together.get(name, 0) for name in EVENTS if together.get(name, 0) < 10}
    assert not seldom
    assert together["trial out of candidates"] > 0


def test_every_feature_of_a_design_is_in_some_random_design():
    found: dict[str, int] = {}
    for seed in SEEDS:
        for name, present in features_of(random_trial(seed)).items():
            add(found, name, present)
    expected = {
        *("1 arms", "2 arms", "3 arms"),
        *(f"course of {d} days" for d in (1, 2, 3, 4, 5, 7)),
        *("mmt MMT8_150", "mmt MMT8_80", "mmt MMT_260"),
        *("line first_line", "line refractory", "background none", "background continued"),
        *(
            f"{rule}: {then}"
            for rule in ("deterioration", "rescue", "harm")
            for then in ("stop_treatment", "leave_study")
        ),
    }
    assert expected <= set(found)
    assert not [name for name, number in found.items() if number == 0]
