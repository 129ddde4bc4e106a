"""A protocol printed as sentences."""

from __future__ import annotations

from simtrial.trial.design import Design


def sentences(design: Design, *, with_n: bool = True) -> list[str]:
    """Return the protocol in words, a sentence a line; without its size where that is asked."""
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
    if design.allocation is not None:
        ratio = ", ".join(f"{k} {v}" for k, v in design.allocation.ratio.items())
        strata = " and ".join(design.allocation.strata) or "none"
        out.append(
            f"Allocation {ratio}, permuted blocks of "
            f"{' or '.join(map(str, design.allocation.block_sizes))}, strata: {strata}."
        )
    out.append(f"Visits in weeks {', '.join(map(str, design.visits_weeks))}.")
    out += _intercurrent(design)
    out.append(
        f"Endpoint: {design.endpoint.words()}; composite: an intercurrent event is no response."
    )
    if design.decision is not None:
        rule = design.decision.success
        out.append(f"Success when P({rule.probability_of} | data) > {rule.above:g}.")
    if with_n:
        out.append(f"Total sample size {design.sample_size.n}.")
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
