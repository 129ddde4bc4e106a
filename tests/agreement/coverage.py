"""How often each event and feature occurs in a random trial: an unused branch proves nothing."""

from __future__ import annotations

import numpy as np

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.events import FATAL, INTERRUPT, RELATED, SERIOUS, STOP, event_slots
from simtrial.cohort.snapshot import REACTIONS, SCREENING_FAILURES
from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.myositis import events as event_classes
from simtrial.myositis.enzymes import ENZYMES
from simtrial.myositis.measures import MEASURES
from tests.agreement.coverage_more import (
    RECRUITMENT,
    TREATMENT,
    add,
    count_recruitment,
    count_treatment,
    ways_to_recruit,
)

EVENTS = [
    *(f"stratum {s}" for s in range(3)),
    *(f"subtype {s}" for s in ("DM", "PM", "IMNM", "ASyS", "OM", "IBM", "ICI")),
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
    *(f"enzyme: {enzyme}" for enzyme in ENZYMES),
    "missed visits",
    "missed last visits",
    *(f"{measure} missing at a visit" for measure in MEASURES),
    "scores without a missing measure's points",
    "no score for a missing measure",
    "visits before their week",
    "visits after their week",
    "courses off their week",
    *(f"event: {name}" for name in (*event_classes.EVENTS, "related", "fatal", "interrupts")),
    *(f"serious: {name}" for name in event_classes.EVENTS),
    "stopped for an event of the further classes",
    "died",
    "died with treatment stopped before",
    "course left out",
    "two courses left out",
    "left out, then stopped",
    "with migraine",
    "of blood group O",
]


DOSES = (
    *(f"{rule}: lowered" for rule in ("step", "proportional", "forced", "practice")),
    # a forced dose rises at rescue and deterioration only, like a stable one
    *(f"{rule}: raised" for rule in ("stable", "step", "proportional", "forced", "practice")),
    *(f"{rule}: flares" for rule in ("step", "proportional", "forced", "practice")),
    *("raised at rescue", "raised at deterioration", "dose above entry", "transient responders"),
    *("a lower dose is felt", "a higher dose is felt", "an old flare is felt"),
    *("keeps a maintenance dose", "courses add up", "decline"),
)


EVERYTHING = (*EVENTS, *DOSES, *TREATMENT, *RECRUITMENT, "trial out of candidates")


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
    if trial.design.strata:
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
    slots = event_slots(seen.serious_minute.shape[2], seen.tis.shape[2])
    happened, detail = seen.events_minute >= 0, seen.events_detail
    for name in event_classes.EVENTS:
        mine = np.array([slot == name for slot, _ in slots])
        add(counts, f"event: {name}", happened[..., mine].sum())
        add(counts, f"serious: {name}", ((detail[..., mine] & SERIOUS) > 0).sum())
    for bit, name in ((RELATED, "related"), (FATAL, "fatal"), (INTERRUPT, "interrupts")):
        add(counts, f"event: {name}", ((detail & bit) > 0).sum())
    reason = ((detail & STOP) > 0) & (seen.events_minute == seen.harm_stop_minute[..., None])
    add(counts, "stopped for an event of the further classes", reason.sum())
    died = seen.death_minute >= 0
    add(counts, "died", died.sum())
    add(counts, "died with treatment stopped before", (died & stopped).sum())
    add(counts, "course left out", (seen.missed_courses > 0).sum())
    add(counts, "two courses left out", (seen.missed_courses > 1).sum())
    add(counts, "left out, then stopped", ((seen.missed_courses > 0) & stopped).sum())
    add(counts, "with migraine", (entered & seen.migraine).sum())
    add(counts, "of blood group O", (entered & seen.group_o).sum())
    add(counts, "on placebo", (entered & ~protocol.on_drug[np.maximum(seen.arm, 0)]).sum())
    add(counts, "responders on drug", (np.nan_to_num(truth.drug_benefit) > 0).any(axis=2).sum())
    add(counts, "improve without the drug", (truth.improves & entered).sum())
    add(counts, "takes prednisolone", (np.nan_to_num(seen.prednisolone[..., 0]) > 0).sum())
    minutes = np.sort(seen.randomised_minute, axis=1)
    add(counts, "randomised in one minute", ((np.diff(minutes) == 0) & (minutes[:, 1:] >= 0)).sum())
    add(counts, "dose held at 80 g a day", doses_held(trial, seen))
    count_measuring(counts, trial, cohort)
    counts |= counts_of_dose(trial, cohort)
    count_treatment(counts, trial, cohort)
    count_recruitment(counts, trial, cohort)
    return counts


def counts_of_dose(trial, cohort):
    """Return how often each thing happens to prednisolone, by the design's rule."""
    seen, truth, counts = cohort.seen, cohort.truth, {}
    change = np.diff(seen.prednisolone, axis=2)
    rule = trial.design.prednisolone.taper
    add(counts, f"{rule}: lowered", (change < 0).sum())
    add(counts, f"{rule}: raised", (change > 0).sum())
    add(counts, f"{rule}: flares", seen.flares.sum())
    add(counts, f"{rule}: ends without prednisolone", (seen.prednisolone[..., -1] == 0).sum())
    at_rescue = trial.protocol().visit_minute[1:] == seen.rescue_minute[..., None]
    add(counts, "raised at rescue", (at_rescue & (change > 0)).sum())
    worse = trial.protocol().visit_minute[1:] == seen.deterioration_minute[..., None]
    add(counts, "raised at deterioration", (worse & (change > 0)).sum())
    add(counts, "dose above entry", (seen.prednisolone > seen.prednisolone[..., :1]).sum())
    add(counts, "transient responders", truth.transient.sum())
    add(counts, "a lower dose is felt", (truth.steroid_benefit < 0).sum())
    add(counts, "a higher dose is felt", (truth.steroid_benefit > 0).sum())
    once = (seen.flares.sum(axis=2) == 1)[..., None] & (truth.flare_loss > 0)
    later = trial.protocol().visit_minute > seen.flare_minute[..., None]
    add(counts, "an old flare is felt", (once & later).sum())
    add(counts, "keeps a maintenance dose", (truth.maintenance_mg > 0).sum())
    if trial.courses_add:
        add(counts, "courses add up", (seen.courses > 1).sum())
    if trial.draws["drift_per_year"].any():
        add(counts, "decline", (seen.arm >= 0).sum())
    return counts


def count_measuring(counts, trial, cohort):
    """Count which enzymes are chosen, what is missing, and visits and courses off their week."""
    seen, protocol = cohort.seen, trial.protocol()
    for number, enzyme in enumerate(ENZYMES):
        add(counts, f"enzyme: {enzyme}", (seen.enzyme == number).sum())
    came = seen.visit_minute[..., 1:] >= 0
    missed = ~came & ~np.isnan(cohort.truth.drug_benefit[..., 1:])
    add(counts, "missed visits", missed.sum())
    add(counts, "missed last visits", missed[..., -1].sum())
    lacking = np.isnan(seen.measures[..., 1:, :]) & came[..., None]
    for number, measure in enumerate(MEASURES):
        add(counts, f"{measure} missing at a visit", lacking[..., number].sum())
    scored = came & ~np.isnan(seen.tis[..., 1:])
    add(counts, "scores without a missing measure's points", (scored & lacking.any(axis=3)).sum())
    add(counts, "no score for a missing measure", (~scored & lacking.any(axis=3)).sum())
    off = seen.visit_minute[..., 1:] - protocol.visit_minute[1:]
    add(counts, "visits before their week", (came & (off < 0)).sum())
    add(counts, "visits after their week", (came & (off > 0)).sum())
    begun = seen.course_minute >= 0
    add(
        counts,
        "courses off their week",
        (begun & (seen.course_minute % MINUTES_PER_WEEK > 0)).sum(),
    )


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
        "strata": bool(trial.design.strata),
        "no strata": not trial.design.strata,
        "placebo": not protocol.on_drug.all(),
        "placebo named first": not protocol.on_drug[0],
        "several drug arms": protocol.on_drug.sum() > 1,
        **{f"course of {c.days} days": True for c in given},
        "course in a visit week": any(c.week in visits for c in given),
        "course between visits": any(c.week not in visits for c in given),
        "course beyond the last visit": any(
            7 * c.week + c.days - 1 > 7 * design.visits_weeks[-1] for c in given
        ),
        "arms with different schedules": len({design.courses_of(a) for a in design.arms}) > 1,
        "no screening weeks": design.screening_weeks == 0,
        "screening weeks": design.screening_weeks > 0,
        f"mmt {design.population.mmt}": True,
        f"ages: {design.population.age_group}": True,
        "shifted reports, open label": design.is_open_label
        and trial.draws["reporting_shift.patient"].any(),
        "shifted HAQ, open label": design.is_open_label
        and trial.draws["reporting_shift.haq"].any(),
        "shifted reports, blinded": not design.is_open_label
        and trial.draws["unblinding_shift"].any(),
        f"line {design.population.line_words()}": True,
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
        **ways_to_recruit(trial),
    }
