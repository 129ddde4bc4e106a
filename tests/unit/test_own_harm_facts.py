"""A parameter of harm rests on the facts whose figures move its likelihood, and on no others.

Each fact gets another figure; where the change of the log density with the parameter is another
then, and all else was held, the likelihood of that parameter reads the fact.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from simtrial.evidence.ledger import Ledger, load_with, replace_values
from simtrial.evidence.values import Number, PatientTable, Proportion
from simtrial.synthesis.fit import medians_of
from simtrial.synthesis.grounds import facts_behind
from simtrial.synthesis.harm import add_harm, harm_facts_of
from simtrial.synthesis.own import own_facts_of
from simtrial.synthesis.priors import load_priors
from tests.workflow.own_cases import HEAD, PROTOCOL, fact

SERIOUS = fact("serious_other.ivig", "O7", 8, "3 40", "proportion", "{n: 40, part: 3}")
CLOT = fact("thromboembolism.ivig", "O5", 6, "1 40", "proportion", "{n: 40, part: 1}")
REACTED = fact("minor_reactions.ivig", "O4", 5, "9 40", "proportion", "{n: 40, part: 9}")
COURSES = fact(
    "courses_given.ivig", "O6", 7, "151", "number", "{value: 151, statistic: total}", unit="courses"
)
# parameter -> the free variable through which the likelihood reads it
PARAMETERS = {
    "reaction.per_course[ivig]": "reaction.typical",
    "reaction.first_course": "reaction.first_course",
    "reaction.frailty_sd": "reaction.frailty_sd",
    "reaction.serious": "reaction.serious",
    "stop.reaction": "stop.reaction",
    "stop.serious": "stop.serious",
    "thromboembolism.per_course": "thromboembolism.per_course",
    "serious.per_course[ivig]": "serious.per_course[ivig]",
}
SERIES = {"all": REACTED + CLOT + SERIOUS + COURSES, "clots": CLOT + COURSES}


@cache
def ledger_of(series: str) -> Ledger:
    with TemporaryDirectory() as folder:
        (Path(folder) / "own26_protocol.yaml").write_text(PROTOCOL, encoding="utf-8")
        own = Path(folder) / "own26.yaml"
        text = HEAD.replace("protocol: own26_protocol.yaml\n", "")
        own.write_text(text + SERIES[series], encoding="utf-8")
        return load_with([own])


def changed(ledger: Ledger, fact_id: str) -> Ledger:
    """Return a ledger in which the figure of a fact is another."""
    held = ledger.fact(fact_id).values
    if isinstance(held, Proportion):
        part = held.part - 1 if held.part else 1
        return replace_values(ledger, fact_id, {"n": held.n, "part": part})
    if isinstance(held, Number):
        return replace_values(ledger, fact_id, held.model_dump() | {"value": held.value + 5})
    if isinstance(held, PatientTable):
        first, *others = held.patients
        older = {"courses": first.courses + 1, "age_years": first.age_years + 9}
        older |= {"courses_printed": (first.courses + 1,)}
        table = [first.model_copy(update=older), *others]
        return replace_values(ledger, fact_id, {"patients": [p.model_dump() for p in table]})
    fields = held.model_dump()
    name = next(k for k in ("responders", "mean", "median") if k in fields)
    return replace_values(ledger, fact_id, fields | {name: fields[name] - 1})


@cache
def slopes(series: str, fact_id: str | None) -> dict[str, float]:
    """Return by how much the log density changes with each parameter, one after the other."""
    import pymc as pm
    from pytensor.compile.mode import Mode

    ledger, priors = ledger_of(series), load_priors()
    if fact_id is not None:
        ledger = changed(ledger, fact_id)
    with pm.Model() as model:
        add_harm(harm_facts_of(ledger, priors, medians_of(ledger, priors)), priors)
    mode = Mode(linker="py", optimizer=None)  # quick to build, and called sixteen times
    density = model.compile_logp(mode=mode)
    here = {name: np.asarray(v) + 0.2 for name, v in model.initial_point().items()}
    values = {name: model.rvs_to_values[model[name]].name for name in PARAMETERS.values()}
    return {
        name: float(density(here | {value: here[value] + 0.5}) - density(here))
        for name, value in values.items()
    }


def candidates(series: str) -> list[str]:
    ledger = ledger_of(series)
    ids = [f.id for f in own_facts_of(ledger).read]
    ids += [f"lim21.{n}.ivig" for n in ("adverse_event", "serious_other", "thromboembolism")]
    ids += ["lim21.stopped_for_harm.ivig", "lim21.rescue.ivig", "lim21.age_onset.all"]
    ids += [f"mas98.{n}.ivig" for n in ("minor_reactions", "serious_other", "thromboembolism")]
    return [*ids, "mas98.stopped_for_harm.ivig", "mas98.response.patients"]


@pytest.mark.verify
@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_of_harm_rests_on_what_its_likelihood_reads(name: str, series: str) -> None:
    ledger, priors = ledger_of(series), load_priors()
    before = slopes(series, None)[PARAMETERS[name]]
    read = {
        fact_id
        for fact_id in candidates(series)
        if not np.isclose(slopes(series, fact_id)[PARAMETERS[name]], before, rtol=1e-9, atol=0.0)
    }
    harm: Any = harm_facts_of(ledger, priors, medians_of(ledger, priors))
    said = {f.id for f in facts_behind(name, ledger, own_facts_of(ledger), harm)}
    assert said == read
