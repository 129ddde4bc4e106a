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
from simtrial.synthesis.own import own_facts_of
from simtrial.synthesis.own_harm import OwnHarm
from simtrial.synthesis.priors import Priors
from simtrial.synthesis.variables import variable
from simtrial.trial.design import load_patient_design

PER_COURSE = "reaction.per_course[ivig]"
SERIOUS_PER_COURSE = "serious.per_course[ivig]"
STUDIES = ("lim21", "mas98")  # always in the model, in this order; other studies follow by id
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(24)
_COUNTS = ("reacted", "clots", "serious")
_AGES = ("lim21.age_onset.all",)  # behind the simulated patients' ages
_RATE_OF_REACTIONS = ("reacted", ("reacted", "courses"))
# parameter -> the field without which a study has no likelihood of it, and the fields read there
_READ: Mapping[str, tuple[str, tuple[str, ...]]] = {
    PER_COURSE: _RATE_OF_REACTIONS,
    "reaction.first_course": _RATE_OF_REACTIONS,
    "reaction.frailty_sd": _RATE_OF_REACTIONS,
    "reaction.serious": ("stopped", ("reacted",)),
    "stop.reaction": ("stopped", ("reacted",)),
    "stop.serious": ("stopped", ("stopped",)),
    "thromboembolism.per_course": ("clots", ("clots", "courses", "mean_risk")),
    SERIOUS_PER_COURSE: ("serious", ("serious", "courses")),
}
_LIM21_DAYS = (3.5, 1.0, 1.0)  # the first course ran over 2 to 5 days


@dataclass(frozen=True, kw_only=True)
class StudyHarm:
    """What one study saw, and among what; None for a count that it does not give.

    Attributes
    ----------
    courses : of each patient.
    reacted : patients with at least one reaction.
    clots, serious : thromboembolic and other serious events.
    mean_risk : mean multiplier of every hazard of thromboembolism, over the courses.
    mean_speed : mean multiplier of that of a course for its dose per day, over the courses.
    years : patient-years in which a thromboembolism without a course could have come.
    stopped, stoppable : patients whose serious event stopped treatment, of those who had one; None
        where the study does not say what followed, of which its reactions then say nothing either.
    behind : for each of these fields that has any, the ids of the facts that it is read from.
    """

    courses: tuple[int, ...]
    reacted: int | None
    clots: int | None
    serious: int | None
    mean_risk: float
    mean_speed: float
    years: float
    stopped: int | None
    stoppable: int
    behind: Mapping[str, tuple[str, ...]]


def harm_facts_of(
    ledger: Ledger, priors: Priors, medians: Mapping[str, float]
) -> dict[str, StudyHarm]:
    """Return the fitted figures of each document that the ledger holds, in a fixed order."""
    out = {}
    if "lim21" in ledger.documents:
        out["lim21"] = _lim21(ledger, priors, medians)
    if "mas98" in ledger.documents:
        out["mas98"] = _mas98(ledger, medians)
    for document, own in own_facts_of(ledger).harm.items():
        out[document] = _own(own, medians)
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
    planned = load_patient_design("documents/lim21_as_fitted").courses_of("ivig")
    fewer = round(priors.harm.lim21_courses_of_rescued.value)
    courses = (len(planned),) * (reacted.n - rescued) + (fewer,) * rescued
    risk = _mean_risk(medians)
    log_hr = math.log(medians["thromboembolism.hr_g_per_kg_day"])
    fast = [
        risk_of_dose_per_day(course.dose_g_per_kg / days, 1, log_hr)
        for course, days in zip(planned, _LIM21_DAYS, strict=True)
    ]
    given = [reacted.n, *(sum(c > j for c in courses) for j in range(1, len(planned)))]
    speed = sum(n * f for n, f in zip(given, fast, strict=True)) / sum(given)
    weeks = load_patient_design("documents/lim21_as_fitted").visits_weeks[-1]
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
        behind={
            "courses": ("lim21.rescue.ivig",),  # those rescued had fewer; the others, all planned
            "reacted": ("lim21.adverse_event.ivig",),
            "clots": ("lim21.thromboembolism.ivig",),
            "serious": ("lim21.serious_other.ivig",),
            "mean_risk": _AGES,
            "stopped": ("lim21.stopped_for_harm.ivig",),
        },
    )


def _mean_risk(medians: Mapping[str, float]) -> float:
    """Return the mean risk of patients whose ages are those of document 002."""
    weights = _WEIGHTS / _WEIGHTS.sum()
    ages = [adult_age(medians["age.location"], medians["age.scale"], z) for z in _NODES]
    return float(sum(w * _risk(medians, a) for w, a in zip(weights, ages, strict=True)))


def _own(own: OwnHarm, medians: Mapping[str, float]) -> StudyHarm:
    """Return the figures of a user's series.

    Without a table of patients its ages are taken to be those of document 002; without a protocol
    its courses are taken to run at the reference dose a day.
    """
    risk, speed = _mean_risk(medians), 1.0
    if own.ages is not None:
        rows = zip(own.courses, own.ages, strict=True)
        risk = sum(c * _risk(medians, age) for c, age in rows) / sum(own.courses)
    if own.protocol is not None:
        log_hr = math.log(medians["thromboembolism.hr_g_per_kg_day"])
        drug = next(name for name, arm in own.protocol.arms.items() if arm.is_drug)
        planned = own.protocol.courses_of(drug)
        fast = [risk_of_dose_per_day(c.dose_g_per_kg, c.days, log_hr) for c in planned]
        speed = sum(fast) / len(fast)
    return StudyHarm(
        courses=own.courses,
        reacted=own.reacted,
        clots=own.clots,
        serious=own.serious,
        mean_risk=risk,
        mean_speed=speed,
        years=len(own.courses) * own.weeks / WEEKS_PER_YEAR,
        stopped=None,
        stoppable=0,
        behind={
            **{name: own.behind.get(name, ()) for name in ("courses", *_COUNTS)},
            "mean_risk": own.behind.get("ages", _AGES),
        },
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
        behind={
            "courses": ("mas98.response.patients",),
            "reacted": ("mas98.minor_reactions.ivig",),
            "clots": ("mas98.thromboembolism.ivig",),
            "serious": ("mas98.serious_other.ivig",),
            "mean_risk": ("mas98.response.patients",),
            "stopped": ("mas98.stopped_for_harm.ivig",),
        },
    )


def harm_facts_behind(name: str, studies: Mapping[str, StudyHarm]) -> set[str] | None:
    """Return ids of the facts in a harm parameter's likelihoods; None for any other parameter."""
    if name not in _READ:
        return None
    needed, fields = _READ[name]
    return {
        fact_id
        for study in studies.values()
        if getattr(study, needed) is not None
        for field in fields
        for fact_id in study.behind.get(field, ())
    }


_NUMBERS = {"lim21": "document 002", "mas98": "document 004"}


def harm_source(name: str, studies: Mapping[str, StudyHarm]) -> str | None:
    """Return what a fitted parameter of harm rests on; None for any other parameter."""

    def each(
        words: Callable[[StudyHarm], str], said: Callable[[StudyHarm], int | None] = _reacted
    ) -> str:
        return ", ".join(
            f"{_NUMBERS.get(s, f'own document {s}')}: {words(h)}"
            for s, h in studies.items()
            if said(h) is not None
        )

    if name == PER_COURSE:
        found = each(lambda h: f"{h.reacted} of {len(h.courses)} patients reacted")
        reporting = sum(h.reacted is not None for h in studies.values())
        like = {1: "it does", 2: "either does"}.get(reporting, "any of them does")
        return f"{found}; of a new study, which may report as {like}"
    if name == "reaction.first_course":
        return "the same patients' reactions, which leave it close to its prior"
    if name == "reaction.frailty_sd":
        return each(lambda h: f"how many of {len(h.courses)} patients reacted; mostly its prior")
    if name == "thromboembolism.per_course":
        return each(lambda h: f"{h.clots} in {sum(h.courses)} courses", lambda h: h.clots)
    if name == SERIOUS_PER_COURSE:
        return each(lambda h: f"{h.serious} in {sum(h.courses)} courses", lambda h: h.serious)
    if name in ("reaction.serious", "stop.reaction"):
        word = "serious" if name == "reaction.serious" else "a reason to stop"
        told = each(lambda h: f"none of {h.reacted} patients' reactions {word}", _stopped)
        return told or "no study says what followed a reaction; its prior"
    if name == "stop.serious":
        told = each(
            lambda h: f"{h.stopped} of {h.stoppable} patients with a serious event", _stopped
        )
        return told or "no study says what followed a serious event; its prior"
    return None


def _reacted(study: StudyHarm) -> int | None:
    return study.reacted


def _stopped(study: StudyHarm) -> int | None:
    return study.stopped


def add_harm(studies: Mapping[str, StudyHarm], priors: Priors) -> None:
    """Add the rates of harm and their likelihoods to the model whose context is open."""
    import pymc as pm
    import pytensor.tensor as pt

    table, assumed = priors.fitted, priors.assumed
    typical = variable("reaction.typical", table["reaction.typical"])
    study_sd = variable("reaction.study_sd", table["reaction.study_sd"])
    names = (*STUDIES, *(name for name in studies if name not in STUDIES))
    z = pm.Normal("reaction.study_z", 0.0, 1.0, shape=len(names) + 1)
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
    for s, name in enumerate(names):
        if name not in studies:
            continue
        study = studies[name]
        if study.reacted is not None:
            rate = typical * pt.exp(study_sd * z[s])
            _add_reactions(name, study, study.reacted, rate, first, frailty)
        if study.clots is not None:
            spontaneous = per_year * study.years
            expected = clots * study.mean_speed * sum(study.courses) + spontaneous
            _add_events(name, "thromboembolism", study, study.mean_risk * expected, study.clots)
        if study.serious is not None:
            expected = serious * sum(study.courses)
            _add_events(name, "serious", study, expected, study.serious)
        if study.stopped is not None:
            # every reaction was mild, and none stopped treatment: at least one for each patient
            # who reacted
            pm.Binomial(f"{name}.reaction_serious", n=study.reacted, p=reaction_serious, observed=0)
            pm.Binomial(f"{name}.reaction_stopped", n=study.reacted, p=stop_reaction, observed=0)
            pm.Binomial(
                f"{name}.stopped", n=study.stoppable, p=stop_serious, observed=study.stopped
            )


def _add_events(name: str, kind: str, study: StudyHarm, expected: Any, seen: int) -> None:
    """Add the likelihood of a study's events, or of its patients who had one.

    The two documents that are read by name count events, one a patient and few. A study of the
    user counts patients, of whom each is one however many events he had.
    """
    import pymc as pm

    if name in STUDIES:
        pm.Poisson(f"{name}.{kind}", mu=expected, observed=seen)
        return
    n = len(study.courses)
    chance = 1.0 - pm.math.exp(-expected / n)
    pm.Binomial(f"{name}.{kind}", n=n, p=pm.math.clip(chance, 1e-12, 1.0 - 1e-12), observed=seen)


def _add_reactions(
    name: str, study: StudyHarm, reacted: int, rate: Any, first: Any, frailty: Any
) -> None:
    """Add the likelihood of a study's patients with a reaction, by each one's own courses."""
    import pymc as pm
    import pytensor.tensor as pt

    chances = []
    for courses, n in sorted(Counter(study.courses).items()):
        none = pt.exp(-rate * frailty * (first + courses - 1))
        chance = 1.0 - pt.dot(none, _WEIGHTS / _WEIGHTS.sum())
        chances.append((n, pt.clip(chance, 1e-12, 1.0 - 1e-12)))
    if name in STUDIES:
        log_likelihood = pt.log(_sum_of_counts([_binomial(*group) for group in chances])[reacted])
    else:
        log_likelihood = _log_of_sum(chances, reacted)
    pm.Potential(f"{name}.reacted", log_likelihood)


def _log_of_sum(groups: Sequence[tuple[int, Any]], seen: int) -> Any:
    """Return the log probability of a sum of binomial counts, of groups of any size.

    The last group enters by one sum over its counts, in logarithms, so that a registry of two
    groups needs no convolution and leaves no floating-point range.
    """
    import pytensor.tensor as pt

    last = _log_binomial(*groups[-1])
    if len(groups) == 1:
        return last[seen]
    before = (
        _log_binomial(*groups[0])
        if len(groups) == 2
        else pt.log(_sum_of_counts([_binomial(*group) for group in groups[:-1]]))
    )
    others = sum(n for n, _ in groups[:-1])
    fewest, most = max(0, seen - others), min(seen, groups[-1][0])
    ways = before[seen - most : seen - fewest + 1] + last[fewest : most + 1][::-1]
    return pt.logsumexp(ways)


def _log_binomial(n: int, p: Any) -> Any:
    """Return (n + 1,) log probabilities of a binomial count."""
    import pytensor.tensor as pt

    k = np.arange(n + 1)
    below = np.array([math.lgamma(i + 1) + math.lgamma(n - i + 1) for i in k])
    log_ways = pt.as_tensor_variable(math.lgamma(n + 1) - below)
    return log_ways + k * pt.log(p) + (n - k) * pt.log1p(-p)


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
