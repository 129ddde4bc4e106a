"""A protocol printed as sentences."""

from __future__ import annotations

from simtrial.trial.design import AnyDesign, Design
from simtrial.trial.outcome_design import OutcomeDesign
from simtrial.trial.plan import Plan


def sentences(design: AnyDesign, *, with_n: bool = True) -> list[str]:
    """Return the protocol in words, a sentence a line; without its size where that is asked."""
    if isinstance(design, OutcomeDesign):
        return _of_outcomes(design, with_n=with_n)
    people = design.population
    mix = ", ".join(f"{s} {100 * v:.3g} %" for s, v in people.subtypes.items())
    out = [
        f"{design.title}.",
        f"Population: {mix}; {people.line.replace('_', ' ')}; "
        f"background treatment {people.background}; MMT version {people.mmt}.",
    ]
    rules = people.eligibility
    wanted = []
    if rules.mmt_below is not None:
        wanted.append(f"MMT below {rules.mmt_below:g}")
    if rules.other_abnormal_measures:
        wanted.append(f"at least {rules.other_abnormal_measures} other abnormal measures")
    if rules.prednisolone_at_most_mg is not None:
        wanted.append(f"prednisolone at most {rules.prednisolone_at_most_mg:g} mg/d")
    out.append(f"Eligible at screening: {'; '.join(wanted) or 'everyone'}.")
    for name, arm in design.arms.items():
        if not arm.is_drug:
            out.append(f"Arm {name}: placebo infusions like {arm.infusions_like}.")
            continue
        courses = "; ".join(
            f"{c.dose_g_per_kg:g} g/kg over {c.days} d in week {c.week}" for c in arm.course_list()
        )
        out.append(f"Arm {name}: immunoglobulin, {courses}.")
    out += _allocated(design)
    out.append(f"Visits in weeks {', '.join(map(str, design.visits_weeks))}.")
    out += _intercurrent(design)
    out.append(
        f"Endpoint: {design.endpoint.words()}; composite: an intercurrent event is no response."
    )
    out += _decided(design)
    if with_n:
        out.append(f"Total sample size {design.sample_size.n}.")
    return out


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
    if not design.allocation.block_sizes:
        return [f"Allocation {ratio}, each patient by chance alone."]
    strata = " and ".join(design.allocation.strata) or "none"
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


def _intercurrent(design: Design) -> list[str]:
    """Return the rules of deterioration and rescue, where there are any, and that of harm."""
    worse, rescue = design.intercurrent.deterioration, design.intercurrent.rescue
    after = {"stop_treatment": "treatment stops", "leave_study": "the patient leaves the study"}
    out = []
    if worse is not None:
        out.append(
            f"Deterioration confirmed at two visits, from week {worse.from_week} on: "
            f"{after[worse.then]}."
        )
    if rescue is not None:
        out.append(
            f"Rescue treatment allowed from week {rescue.allowed_from_week} on while "
            f"TIS < {rescue.insufficient_tis_below:g}: {after[rescue.then]}."
        )
    harm = after[design.intercurrent.harm.then]
    out.append(f"An adverse event for which treatment is stopped: {harm}.")
    return out
