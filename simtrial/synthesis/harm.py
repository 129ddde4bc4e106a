"""The PyMC model of harm: which facts inform which rates.

Reactions: the chance that a patient has none in c courses is E[exp(-rate F (m + c - 1))], F the
patient's log-normal frailty (mean 1) and m the multiplier of the first course; a study's count of
patients with a reaction is a sum of unequal Bernoulli variables. Studies differ (documents 002 and
004 report reactions in all and in 5 of 16), so each has a rate of its own and a new trial draws
another: its rate is as uncertain as two studies leave it.

Thromboembolism and other serious events are Poisson in courses, times the mean risk of the study's
patients (assumed hazard ratios at their medians) for the former. What follows an event is binomial.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simtrial.core.units import WEEKS_PER_YEAR
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.values import Count, Proportion
from simtrial.myositis.harm import risk_of_dose_per_day, risk_of_thromboembolism
from simtrial.myositis.measures import adult_age
from simtrial.myositis.parameters import PARAMETERS
from simtrial.synthesis.priors import Priors
from simtrial.synthesis.variables import variable
from simtrial.trial.design import load_design

PER_COURSE = "reaction.per_course[ivig]"
SERIOUS_PER_COURSE = "serious.per_course[ivig]"
STUDIES = ("lim21", "mas98")
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(24)
_LIM21_DAYS = (3.5, 1.0, 1.0)  # the first course ran over 2 to 5 days


@dataclass(frozen=True, kw_only=True)
class StudyHarm:
    """What one study saw, and among what.

    Attributes
    ----------
    courses : of each patient.
    reacted : patients with at least one reaction.
    clots, serious : thromboembolic and other serious events.
    mean_risk : mean multiplier of every hazard of thromboembolism, over the courses.
    mean_speed : mean multiplier of that of a course for its dose per day, over the courses.
    years : patient-years in which a thromboembolism without a course could have come.
    stopped, stoppable : patients whose serious event stopped treatment, of those who had one.
    """

    courses: tuple[int, ...]
    reacted: int
    clots: int
    serious: int
    mean_risk: float
    mean_speed: float
    years: float
    stopped: int
    stoppable: int


def harm_facts_of(
    ledger: Ledger, priors: Priors, medians: Mapping[str, float]
) -> dict[str, StudyHarm]:
    """Return the fitted figures of each document that the ledger holds."""
    out = {}
    if "lim21" in ledger.documents:
        out["lim21"] = _lim21(ledger, priors, medians)
    if "mas98" in ledger.documents:
        out["mas98"] = _mas98(ledger, medians)
    return out


def _part(ledger: Ledger, fact_id: str) -> Proportion:
    return ledger.fact(fact_id).values_as(Proportion)


def _risk(medians: Mapping[str, float], age: float) -> float:
    """Return the mean risk at an age over who has cancer or an earlier event."""
    logs = [math.log(medians[f"thromboembolism.hr_{k}"]) for k in ("decade", "cancer", "previous")]
    shares = medians["cancer_share"], medians["previous_thromboembolism_share"]
    total = 0.0
    for cancer in (False, True):
        for previous in (False, True):
            weight = shares[0] if cancer else 1.0 - shares[0]
            weight *= shares[1] if previous else 1.0 - shares[1]
            total += weight * risk_of_thromboembolism(age, cancer, previous, *logs)
    return total


def _lim21(ledger: Ledger, priors: Priors, medians: Mapping[str, float]) -> StudyHarm:
    reacted = _part(ledger, "lim21.adverse_event.ivig")
    rescued = ledger.fact("lim21.rescue.ivig").values_as(Count).responders
    planned = load_design("documents/lim21").courses_of("ivig")
    fewer = round(priors.harm.lim21_courses_of_rescued.value)
    courses = (len(planned),) * (reacted.n - rescued) + (fewer,) * rescued
    weights = _WEIGHTS / _WEIGHTS.sum()
    ages = [adult_age(medians["age.location"], medians["age.scale"], z) for z in _NODES]
    risk = float(sum(w * _risk(medians, a) for w, a in zip(weights, ages, strict=True)))
    log_hr = math.log(medians["thromboembolism.hr_g_per_kg_day"])
    fast = [
        risk_of_dose_per_day(course.dose_g_per_kg / days, 1, log_hr)
        for course, days in zip(planned, _LIM21_DAYS, strict=True)
    ]
    given = [reacted.n, *(sum(c > j for c in courses) for j in range(1, len(planned)))]
    speed = sum(n * f for n, f in zip(given, fast, strict=True)) / sum(given)
    weeks = load_design("documents/lim21").visits_weeks[-1]
    stops = _part(ledger, "lim21.stopped_for_harm.ivig")
    return StudyHarm(
        courses=courses,
        reacted=reacted.part,
        clots=_part(ledger, "lim21.thromboembolism.ivig").part,
        serious=_part(ledger, "lim21.serious_other.ivig").part,
        mean_risk=risk,
        mean_speed=speed,
        years=reacted.n * weeks / WEEKS_PER_YEAR,
        stopped=stops.part,
        stoppable=stops.n,
    )


def _mas98(ledger: Ledger, medians: Mapping[str, float]) -> StudyHarm:
    patients = ledger.patients("mas98")
    courses = tuple(p.courses for p in patients)
    risks = [_risk(medians, float(p.age_years)) for p in patients]
    stops = _part(ledger, "mas98.stopped_for_harm.ivig")
    return StudyHarm(
        courses=courses,
        reacted=_part(ledger, "mas98.minor_reactions.ivig").part,
        clots=_part(ledger, "mas98.thromboembolism.ivig").part,
        serious=_part(ledger, "mas98.serious_other.ivig").part,
        mean_risk=sum(c * r for c, r in zip(courses, risks, strict=True)) / sum(courses),
        mean_speed=1.0,  # 2 g/kg over five days, 1.2 over three: the reference
        years=sum(courses) / 12.0,  # courses came monthly
        stopped=stops.part,
        stoppable=stops.n,
    )


_NUMBERS = {"lim21": "002", "mas98": "004"}


def harm_source(name: str, studies: Mapping[str, StudyHarm]) -> str | None:
    """Return what a fitted parameter of harm rests on; None for any other parameter."""

    def each(words: Callable[[StudyHarm], str]) -> str:
        return ", ".join(f"document {_NUMBERS[s]}: {words(h)}" for s, h in studies.items())

    if name == PER_COURSE:
        found = each(lambda h: f"{h.reacted} of {len(h.courses)} patients reacted")
        return f"{found}; of a new study, which may report as either does"
    if name == "reaction.first_course":
        return "the same patients' reactions, which leave it close to its prior"
    if name == "reaction.frailty_sd":
        return each(lambda h: f"how many of {len(h.courses)} patients reacted; mostly its prior")
    if name == "thromboembolism.per_course":
        return each(lambda h: f"{h.clots} in {sum(h.courses)} courses")
    if name == SERIOUS_PER_COURSE:
        return each(lambda h: f"{h.serious} in {sum(h.courses)} courses")
    if name in ("reaction.serious", "stop.reaction"):
        word = "serious" if name == "reaction.serious" else "a reason to stop"
        return each(lambda h: f"none of {h.reacted} patients' reactions {word}")
    if name == "stop.serious":
        return each(lambda h: f"{h.stopped} of {h.stoppable} patients with a serious event")
    return None


def add_harm(studies: Mapping[str, StudyHarm], priors: Priors) -> None:
    """Add the rates of harm and their likelihoods to the model whose context is open."""
    import pymc as pm
    import pytensor.tensor as pt

    table, assumed = priors.fitted, priors.assumed
    typical = variable("reaction.typical", table["reaction.typical"])
    study_sd = variable("reaction.study_sd", table["reaction.study_sd"])
    z = pm.Normal("reaction.study_z", 0.0, 1.0, shape=len(STUDIES) + 1)
    # of a new trial; beyond the parameter's range every course brings a reaction all the same
    pm.Deterministic(
        PER_COURSE, pt.minimum(typical * pt.exp(study_sd * z[-1]), PARAMETERS[PER_COURSE].highest)
    )
    first = variable("reaction.first_course", table["reaction.first_course"])
    frailty_sd = variable("reaction.frailty_sd", table["reaction.frailty_sd"])
    frailty = pt.exp(frailty_sd * pt.as_tensor_variable(_NODES) - 0.5 * frailty_sd**2)
    clots = variable("thromboembolism.per_course", table["thromboembolism.per_course"])
    serious = variable(SERIOUS_PER_COURSE, table[SERIOUS_PER_COURSE])
    reaction_serious = variable("reaction.serious", table["reaction.serious"])
    stop_reaction = variable("stop.reaction", table["stop.reaction"])
    stop_serious = variable("stop.serious", table["stop.serious"])
    per_year = assumed["thromboembolism.per_year"].median()
    for s, name in enumerate(STUDIES):
        if name not in studies:
            continue
        study = studies[name]
        rate = typical * pt.exp(study_sd * z[s])
        groups = []
        for courses, n in sorted(Counter(study.courses).items()):
            none = pt.exp(-rate * frailty * (first + courses - 1))
            chance = 1.0 - pt.dot(none, _WEIGHTS / _WEIGHTS.sum())
            groups.append(_binomial(n, pt.clip(chance, 1e-12, 1.0 - 1e-12)))
        pm.Potential(f"{name}.reacted", pt.log(_sum_of_counts(groups)[study.reacted]))
        spontaneous = per_year * study.years
        pm.Poisson(
            f"{name}.thromboembolism",
            mu=study.mean_risk * (clots * study.mean_speed * sum(study.courses) + spontaneous),
            observed=study.clots,
        )
        pm.Poisson(f"{name}.serious", mu=serious * sum(study.courses), observed=study.serious)
        # every reaction was mild, and none stopped treatment: at least one a patient who reacted
        pm.Binomial(f"{name}.reaction_serious", n=study.reacted, p=reaction_serious, observed=0)
        pm.Binomial(f"{name}.reaction_stopped", n=study.reacted, p=stop_reaction, observed=0)
        pm.Binomial(f"{name}.stopped", n=study.stoppable, p=stop_serious, observed=study.stopped)


def _binomial(n: int, p: Any) -> Any:
    """Return (n + 1,) probabilities of a binomial count."""
    import pytensor.tensor as pt

    k = np.arange(n + 1)
    ways = np.array([math.comb(n, int(i)) for i in k], np.float64)
    return pt.as_tensor_variable(ways) * p**k * (1.0 - p) ** (n - k)


def _sum_of_counts(groups: Sequence[Any]) -> Any:
    """Return the probabilities of a sum of independent counts."""
    import pytensor.tensor as pt

    total, most = groups[0], int(groups[0].type.shape[0]) - 1
    for group in groups[1:]:
        n = int(group.type.shape[0]) - 1
        shifted: list[Any] = []
        for j in range(n + 1):
            before, behind = np.zeros(j), np.zeros(n - j)
            shifted.append(group[j] * pt.concatenate([before, total, behind]))
        total, most = sum(shifted[1:], start=shifted[0]), most + n
        total = pt.specify_shape(total, (most + 1,))
    return total
