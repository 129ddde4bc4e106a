"""Marginals of the latent baseline from the printed medians and quartiles of document 002.

Each marginal is logit-normal on its range (creatine kinase log-normal in multiples of the upper
limit of normal): its median is the printed one, its spread such that the distance between the
quartiles is the printed one. The printed values are of the patients who entered; they stand here
for the candidates, and sampling error (19 patients) is not carried on.
"""

from __future__ import annotations

import math

from simtrial.evidence.ledger import Ledger
from simtrial.evidence.values import MedianIqr, Proportion
from simtrial.myositis.measures import (
    HAQ_RANGE,
    MEASURES,
    MMT_MAXIMUM,
    OLDEST,
    VAS_RANGE_CM,
    YOUNGEST,
)
from simtrial.synthesis.priors import Priors
from simtrial.trial.posterior import Origin

_QUARTILE = 0.6744897501960817  # standard normal upper quartile
_RANGES = {
    "physician": VAS_RANGE_CM,
    "patient": VAS_RANGE_CM,
    "extramuscular": VAS_RANGE_CM,
    "haq": HAQ_RANGE,
    "mmt": float(MMT_MAXIMUM["MMT_260"]),
}


def _free(share: float) -> float:
    return math.log(share) - math.log1p(-share)


def baseline_parameters(
    ledger: Ledger, priors: Priors
) -> tuple[dict[str, float], dict[str, Origin]]:
    """Return the parameters of the baseline marginals and where they come from."""
    values: dict[str, float] = {}
    origins: dict[str, Origin] = {}
    for measure in MEASURES:
        name = "ck" if measure == "enzyme" else measure
        fact = ledger.fact(f"lim21.{name}_baseline.all")
        printed = fact.values_as(MedianIqr)
        points = [printed.q1, printed.median, printed.q3]
        if measure == "enzyme":
            limit = priors.baseline.ck_upper_limit_u_per_l.value
            low, middle, high = (math.log(x / limit) for x in points)
        else:
            shares = [x / _RANGES[measure] for x in points]
            low, middle, high = (_free(s) for s in shares)
        origin = Origin(status="fitted", source=f"quartiles of {fact.label} (document 002)")
        values[f"baseline.{measure}.location"] = middle
        values[f"baseline.{measure}.scale"] = (high - low) / (2.0 * _QUARTILE)
        origins[f"baseline.{measure}.location"] = origin
        origins[f"baseline.{measure}.scale"] = origin
    age = ledger.fact("lim21.age_onset.all")
    years = age.values_as(MedianIqr)
    low, middle, high = (
        _free((x - YOUNGEST) / (OLDEST - YOUNGEST)) for x in (years.q1, years.median, years.q3)
    )
    values["age.location"] = middle
    values["age.scale"] = (high - low) / (2.0 * _QUARTILE)
    women = ledger.fact("lim21.female.all")
    share = women.values_as(Proportion)
    values["female_share"] = share.part / share.n
    for name, fact in (("age.location", age), ("age.scale", age), ("female_share", women)):
        origins[name] = Origin(status="fitted", source=f"{fact.label} (document 002)")
    return values, origins
