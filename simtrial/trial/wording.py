"""A protocol printed as sentences."""

from __future__ import annotations

from simtrial.trial.allocation import Allocation
from simtrial.trial.design import AnyDesign, Design
from simtrial.trial.outcome_design import OutcomeDesign
from simtrial.trial.plan import Plan
from simtrial.trial.treatment_words import arm_words
from simtrial.trial.treatment_words import courses_words as _courses


def sentences(design: AnyDesign, *, with_n: bool = True) -> list[str]:
    """Return the protocol in words, a sentence a line; without its size where that is asked."""
    if isinstance(design, OutcomeDesign):
        return _of_outcomes(design, with_n=with_n)
    people = design.population
    mix = ", ".join(f"{s} {100 * v:.3g} %" for s, v in people.subtypes.items())
    out = [
        f"{design.title}.",
        f"Population: {mix}; {people.line_words().replace('_', ' ')}; "
        f"background treatment {people.background}; MMT version {people.mmt}"
        f"{'; juveniles' if people.age_group == 'juvenile' else ''}.",
    ]
    rules = people.eligibility
    wanted = []
    if rules.mmt_below is not None:
        wanted.append(f"MMT below {rules.mmt_below:g}")
    if rules.other_abnormal_measures:
        wanted.append(f"at least {rules.other_abnormal_measures} other abnormal measures")
    if rules.prednisolone_at_most_mg is not None:
        wanted.append(f"prednisolone at most {rules.prednisolone_at_most_mg:g} mg/d")
    if rules.mmt_at_least is not None:
        wanted.append(f"MMT at least {rules.mmt_at_least:g}")
    if rules.prednisolone_at_least_mg is not None:
        wanted.append(f"prednisolone at least {rules.prednisolone_at_least_mg:g} mg/d")
    if rules.age_at_least is not None:
        wanted.append(f"age at least {rules.age_at_least:g}")
    if rules.age_at_most is not None:
        wanted.append(f"age at most {rules.age_at_most:g}")
    if rules.exclude_cancer:
        wanted.append("no cancer")
    if rules.exclude_previous_thromboembolism:
        wanted.append("no earlier thromboembolism")
    out.append(f"Eligible at screening: {'; '.join(wanted) or 'everyone'}.")
    out += _run_in(design)
    for name, arm in design.arms.items():
        out += arm_words(name, arm)
    if design.extension is not None:
        out.append(
            "Extension of every arm: open-label immunoglobulin, "
            f"{_courses(design.extension.course_list())}."
        )
    out += _allocated(design)
    out += _recruited(design)
    out.append(_visits(design))
    if design.prednisolone.is_tapered:
        out.append(f"Prednisolone: {design.prednisolone.words()}.")
    out += _intercurrent(design)
    out.append(
        f"Endpoint: {design.endpoint.words()}; composite: an intercurrent event is no response."
    )
    out += _decided(design)
    if with_n:
        out.append(f"Total sample size {design.sample_size.n}.")
    return out


def _run_in(design: Design) -> list[str]:
    """Return what comes before randomisation, who goes on to it, and what is measured from when."""
    rules = design.run_in
    if rules is None:
        return []
    weeks = f"{rules.weeks} week{'s' if rules.weeks > 1 else ''}"
    given = "no infusions"
    if rules.courses:
        drug = "immunoglobulin, " if rules.gives_drug else ""
        given = f"{drug}{_courses(rules.courses)}"
    out = [f"Run-in of {weeks} before randomisation, counted from its own start: {given}."]
    at_least, below = rules.enter_if_tis_at_least, rules.enter_if_tis_below
    if at_least is not None:
        out.append(f"Randomised: only who has TIS >= {at_least:g} at its end.")
    if below is not None:
        out.append(f"Randomised: only who has TIS < {below:g} at its end.")
    if rules.improvement_from == "run_in":
        out.append(
            "TIS and deterioration after randomisation are measured against the start of the "
            "run-in."
        )
    return out


def _visits(design: Design) -> str:
    """Return when patients are seen, and what becomes of a score when a measure is missing."""
    out = f"Visits in weeks {', '.join(map(str, design.visits_weeks))}"
    if design.visit_window_days:
        out += f", each after the baseline up to {design.visit_window_days} days off"
    for week, patient in design.visits_from_patient.items():
        out += f"; that of week {week} from patient {patient} on"
    if design.tis_missing == "zero":
        out += "; a measure missing at a visit earns no points"
    return f"{out}."


def _recruited(design: Design) -> list[str]:
    """Return what bounds or varies recruitment, where something does."""
    accrual, out = design.accrual, []
    if accrual.site_rate_cv:
        out.append(f"rates of sites vary with a coefficient of {accrual.site_rate_cv:g}")
    if accrual.patients_per_site_at_most is not None:
        out.append(f"a site takes at most {accrual.patients_per_site_at_most} patients")
    out += [f"at most {most} of {s}" for s, most in accrual.subtypes_at_most.items()]
    out += [f"a pause from week {start:g} to {end:g}" for start, end in accrual.pauses_weeks]
    return [f"Recruitment: {'; '.join(out)}."] if out else []


def _of_outcomes(design: OutcomeDesign, *, with_n: bool) -> list[str]:
    """Return a protocol of outcomes alone in words."""
    out = [f"{design.title}.", f"Arms {' and '.join(design.arms)}.", *_allocated(design)]
    if design.accrual is not None:
        rates = "; ".join(
            f"{rate.patients_per_month:g} a month from month {rate.from_month:g}"
            for rate in design.accrual.rates
        )
        how = {"poisson": "at random", "even": "evenly spaced"}[design.accrual.arrivals]
        out.append(f"Patients enter {how}, {rates}.")
    out += [f"Endpoint: {design.endpoint.words()}.", *_decided(design)]
    if design.latest_week is not None:
        out.append(f"The last look is in week {design.latest_week:g} at the latest.")
    if with_n:
        out.append(f"Total sample size {design.sample_size.n}.")
    return out


def _allocated(design: Plan) -> list[str]:
    """Return how patients are allocated, where they are."""
    if design.allocation is None:
        return []
    ratio = ", ".join(f"{k} {v}" for k, v in design.allocation.ratio.items())
    strata = " and ".join(design.allocation.strata) or "none"
    if isinstance(design.allocation, Allocation) and design.allocation.method == "minimisation":
        rule = design.allocation
        measure = "variance" if rule.by_variance else "range"
        return [
            f"Allocation {ratio}, minimisation over {strata} (imbalance: {measure}; the best arm "
            f"with probability {rule.coin:g})."
        ]
    if not design.allocation.block_sizes:
        return [f"Allocation {ratio}, each patient by chance alone."]
    sizes = " or ".join(map(str, design.allocation.block_sizes))
    return [f"Allocation {ratio}, permuted blocks of {sizes}, strata: {strata}."]


_TESTS = {
    "z_test": "a z test ({variance} variance)",
    "fisher": "Fisher's exact test",
    "logrank": "a log-rank test",
    "cox": "a Wald test of the Cox model's hazard ratio",
}


def success_words(design: Plan) -> str:
    """Return what success is, method and priors included, in a phrase."""
    if design.decision is None or design.analysis is None:
        raise ValueError("the design has no analysis and no decision")
    rule, analysis = design.decision.success, design.analysis
    if rule.test_of is not None:
        test = _TESTS[analysis.method].format(variance=analysis.variance)
        spread = "" if rule.boundary is None else f", {rule.boundary.words()}"
        return f"{test} of {rule.test_of} at a one-sided error of {rule.alpha:g}{spread}"
    levels = ", ".join(f"{level:g}" for level in rule.levels)
    out = f"a posterior probability above {levels} of {rule.probability_of}"
    if rule.and_also is not None:
        out += f" and one above {rule.and_also.above:g} of {rule.and_also.probability_of}"
    priors = [_prior_words(analysis.components(arm)) for arm in design.arm_names]
    if len(set(priors)) == 1:
        return f"{out} (priors {priors[0]})"
    named = ", ".join(f"{p} of {arm}" for p, arm in zip(priors, design.arm_names, strict=True))
    return f"{out} (priors {named})"


def _prior_words(parts: tuple[tuple[float, float, float], ...]) -> str:
    texts = [f"Beta({a:g}, {b:g})" for _, a, b in parts]
    if len(parts) == 1:
        return texts[0]
    return " + ".join(f"{w:g} {text}" for (w, _, _), text in zip(parts, texts, strict=True))


def _decided(design: Plan) -> list[str]:
    """Return when the trial is analysed, and what ends it."""
    if design.decision is None:
        return []
    out = [f"Success: {success_words(design)}."]
    if len(design.looks) > 1 or design.is_time_to_event:
        by = design.looks[0].by
        units = {"information": " of the patients' outcomes", "n": " patients with outcomes"}
        units |= {"events": " events", "week": ""}
        when = ", ".join(f"{getattr(look, by):g}" for look in design.looks)
        word = "Looks" if len(design.looks) > 1 else "One look"
        out.insert(0, f"{word} {'in weeks' if by == 'week' else 'at'} {when}{units[by]}.")
    if design.decision.futility is not None:
        out.append(
            f"Stop for futility before the last look when {design.decision.futility.words()}."
        )
    return out


_AFTER = {
    "continue": "treatment goes on",
    "stop_treatment": "treatment stops",
    "leave_study": "the patient leaves the study",
    "standard_therapy": "treatment stops and standard therapy begins",
}


def _intercurrent(design: Design) -> list[str]:
    """Return the rules of the events that a protocol has a rule for, and that of harm."""
    events, switches = design.intercurrent, design.switches()
    told = ", ".join(f"from {one} to {other}" for one, other in switches.items())
    after = _AFTER | {"switch": f"the treatment is switched ({told})"}
    out = []
    if events.deterioration is not None:
        out.append(
            f"Deterioration confirmed at two visits, from week {events.deterioration.from_week} "
            f"on: {after[events.deterioration.then]}"
            f"{_more(events.deterioration.prednisolone_mg)}."
        )
    if events.rescue is not None:
        out.append(
            f"Rescue treatment allowed from week {events.rescue.allowed_from_week} on while "
            f"TIS < {events.rescue.insufficient_tis_below:g}: {after[events.rescue.then]}"
            f"{_more(events.rescue.prednisolone_mg)}."
        )
    if events.lack_of_effect is not None:
        out.append(
            f"Giving up for lack of effect from week {events.lack_of_effect.from_week} on while "
            f"TIS < {events.lack_of_effect.tis_below:g}: {after[events.lack_of_effect.then]}."
        )
    out.append(f"An adverse event for which treatment is stopped: {_AFTER[events.harm.then]}.")
    return out


def _more(prednisolone_mg: float) -> str:
    """Return what a rule adds to prednisolone, as the end of its sentence."""
    return f", prednisolone rises by {prednisolone_mg:g} mg/d" if prednisolone_mg > 0.0 else ""
