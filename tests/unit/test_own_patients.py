"""Each patient is fitted once, whoever tells of him, and events are counted as they are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pymc as pm
import pytest
from scipy.stats import binom

from simtrial.core.errors import EvidenceError
from simtrial.evidence.ledger import load_ledger, load_with
from simtrial.evidence.rules import patients_of
from simtrial.planning.refit import evidence_of
from simtrial.synthesis.fit import medians_of
from simtrial.synthesis.harm import add_harm, harm_facts_of
from simtrial.synthesis.own import own_facts_of
from simtrial.synthesis.priors import load_priors
from tests.unit.own_documents import SHIPPED, ledger_of
from tests.workflow.own_cases import HEAD, OWN, PROTOCOL, fact


@pytest.fixture(autouse=True)
def _folder(own_folder: Path) -> None:
    """Work in a folder that holds the protocol of the own document."""


# each patient once

SIBLINGS = HEAD.replace("{n: 40, what: treated patients}", "{n: 34, what: with dermatomyositis}")
SIBLINGS = SIBLINGS.replace(
    "own26.dm: {n: 30, what: those with dermatomyositis, within: own26.treated}",
    "own26.pm: {n: 12, what: those with polymyositis}",
).replace("  own26.others: {n: 10, what: the others, within: own26.treated}\n", "")
OF_DM = fact(
    "tis20.dm", "O1", 3, "20 34", "count", "{n: 34, responders: 20}",
    more="    n: 34\n    subtype: DM\n",
)  # fmt: skip
OF_PM = fact(
    "response.pm", "O2", 4, "5 12", "count", "{n: 12, responders: 5}",
    more="    cohort: own26.pm\n    n: 12\n    subtype: PM\n",
)  # fmt: skip
SECOND_HAND = """\
id: cit26
citation: {authors: Others, journal: a review, year: 2026, volume: '1', pages: '1'}
design: A review that cites the series.
cohorts:
  cit26.all: {n: 46, what: all of it, study: own26, cited_as: reference 1}
  cit26.dm: {n: 34, what: one subtype, within: cit26.all, study: own26, cited_as: reference 1}
defaults: {cohort: cit26.dm, n: 34, line: refractory, arm: ivig}
facts:
"""


def test_two_sets_beside_one_another_are_fitted_together() -> None:
    own = own_facts_of(ledger_of(SIBLINGS + OF_DM + OF_PM))
    assert [(count.n, count.responders) for count in (*own.scores, *own.responses)] == [
        (34, 20),
        (12, 5),
    ]


def test_sets_beside_one_another_do_not_hide_one_that_is_fitted_twice() -> None:
    again = OF_DM.replace("tis20", "tis40").replace("label: O1", "label: O9")
    with pytest.raises(EvidenceError, match=r"the response of 68 patients of the 34 of own26\.tre"):
        own_facts_of(ledger_of(SIBLINGS + OF_DM + again + OF_PM))
    # a set inside it, under another quantity
    inside = SIBLINGS.replace(
        "  own26.pm:", "  own26.old: {n: 20, what: the older, within: own26.treated}\n  own26.pm:"
    )
    older = fact(
        "response.old", "O9", 9, "11 20", "count", "{n: 20, responders: 11}",
        more="    cohort: own26.old\n    n: 20\n    subtype: DM\n",
    )  # fmt: skip
    with pytest.raises(EvidenceError, match=r"of 54 patients of the 34 of own26\.treated.*correct"):
        own_facts_of(ledger_of(inside + OF_DM + older + OF_PM))


def test_what_a_review_cites_of_a_series_is_not_fitted_beside_it_and_the_way_out_is_told() -> None:
    cited = OF_DM.replace("own26", "cit26").replace("tis20", "response")
    Path("cit26.yaml").write_text(SECOND_HAND + cited, encoding="utf-8")
    Path("own26.yaml").write_text(SIBLINGS + OF_DM + OF_PM, encoding="utf-8")
    with pytest.raises(EvidenceError) as caught:
        own_facts_of(load_with([Path("own26.yaml"), Path("cit26.yaml")]))
    assert (
        "own26.tis20.dm of document own26 is fitted and tells of patients of study own26 too "
        "(response), so that they would count twice; give this fact, or the other, role: check"
    ) in str(caught.value)


def test_a_study_has_as_many_patients_as_the_document_that_tells_of_most() -> None:
    Path("cit26.yaml").write_text(SECOND_HAND + "  []\n", encoding="utf-8")
    Path("own26.yaml").write_text(SIBLINGS + OF_DM + OF_PM, encoding="utf-8")
    ledger = load_with([Path("own26.yaml"), Path("cit26.yaml")])
    assert patients_of("own26", ledger.documents) == 46  # 34 + 12, and 46 with 34 inside
    ledger_of(SIBLINGS.replace("n: 12", "n: 9") + OF_DM)
    assert patients_of("own26", load_with([Path("own26.yaml")]).documents) == 43


# patients of the shipped studies, and copies of the documents that are read by name


@pytest.mark.parametrize("study", ["mas98", "lim21"])
@pytest.mark.parametrize("which", ["response.others", "thromboembolism.ivig", "minor_reactions"])
def test_a_shipped_study_s_patients_cited_again_are_refused(study: str, which: str) -> None:
    cited = f"own26.treated: {{n: 12, what: cited, study: {study}, cited_as: reference 1}}"
    head = HEAD[: HEAD.index("cohorts:")] + (
        f"cohorts:\n  {cited}\ndefaults: {{cohort: own26.treated, n: 12, line: refractory, "
        "arm: ivig}\nfacts:\n"
    )
    more = "    subtype: DM\n"
    if which == "response.others":
        facts = fact(which, "O1", 4, "7 12", "count", "{n: 12, responders: 7}", more=more)
    else:
        name = which.partition(".")[0]
        facts = fact(f"{name}.ivig", "O1", 4, "1 12", "proportion", "{n: 12, part: 1}")
        facts += fact(
            "courses_given.ivig", "O2", 4, "30", "number", "{value: 30, statistic: total}"
        )
        facts = facts.replace(
            "unit: patients\n    quantity: courses", "unit: courses\n    quantity: courses"
        )
    with pytest.raises(EvidenceError, match=rf"tells of patients of study {study} too"):
        evidence_of(ledger_of(head + facts))


@pytest.mark.parametrize(
    ("fact_id", "old", "new", "said"),
    [
        ("mas98.response.patients", "role: fit", "role: context", "role is context"),
        ("mas98.minor_reactions.ivig", "role: fit", "role: context", "role is context"),
        (
            "mas98.minor_reactions.ivig",
            "role: fit",
            "arm: placebo\n    role: fit",
            "arm is placebo; the fit reads this fact as patients treated",
        ),
    ],
)
def test_a_copy_s_fact_that_is_read_by_name_stays_what_it_was(
    fact_id: str, old: str, new: str, said: str
) -> None:
    text = (SHIPPED / "mas98.yaml").read_text(encoding="utf-8")
    start = text.index(f"  - id: {fact_id}\n")
    place = text.index(old, start)
    Path("mine.yaml").write_text(text[:place] + new + text[place + len(old) :], encoding="utf-8")
    with pytest.raises(EvidenceError) as refused:
        evidence_of(load_with([Path("mine.yaml")], ["mas98"]))
    assert said in str(refused.value)


def test_a_copy_without_change_is_fitted_as_the_shipped_document() -> None:
    Path("mine.yaml").write_bytes((SHIPPED / "mas98.yaml").read_bytes())
    ledger = load_with([Path("mine.yaml")], ["mas98"])
    assert evidence_of(ledger)["documents"]["mas98"]["own"]
    assert ledger.digest() == load_ledger().digest()


def test_a_document_named_as_a_parameter_is_refused() -> None:
    text = OWN.replace("own26", "reaction")
    Path("reaction.yaml").write_text(text, encoding="utf-8")
    Path("reaction_protocol.yaml").write_text(PROTOCOL, encoding="utf-8")
    with pytest.raises(EvidenceError, match="id is reaction; parameters of the model are named so"):
        evidence_of(load_with([Path("reaction.yaml")]))


def test_a_response_at_baseline_is_refused() -> None:
    with pytest.raises(EvidenceError, match="a response is seen after the treatment began"):
        evidence_of(ledger_of(OWN.replace("{how: end}", "{how: baseline}", 1)))


def test_patients_with_events_are_counted_once_each() -> None:
    ledger = ledger_of()
    priors = load_priors()
    harm = harm_facts_of(ledger, priors, medians_of(ledger, priors))
    own = harm["own26"]
    assert own.clots is not None
    with pm.Model() as model:
        add_harm({"own26": own}, priors)
    rate = model.initial_point()["thromboembolism.per_course_log__"]
    got = model.compile_logp(vars=[model["own26.thromboembolism"]])(model.initial_point())
    per_year = priors.assumed["thromboembolism.per_year"].median()
    expected = own.mean_risk * (
        np.exp(rate) * own.mean_speed * sum(own.courses) + per_year * own.years
    )
    n = len(own.courses)
    assert got == pytest.approx(binom.logpmf(own.clots, n, 1.0 - np.exp(-expected / n)), rel=1e-9)


def test_a_large_registry_s_reactions_have_a_density() -> None:
    ledger = ledger_of()
    priors = load_priors()
    own = harm_facts_of(ledger, priors, medians_of(ledger, priors))["own26"]
    densities = {}
    for courses in ((2,) * 1500, (2,) * 1000 + (3,) * 500):
        with pm.Model() as model:
            add_harm({"own26": replace(own, courses=courses, reacted=300)}, priors)
        densities[courses] = float(model.compile_logp()(model.initial_point()))
    assert np.isfinite(list(densities.values())).all()


def test_reactions_of_two_groups_are_the_sum_over_how_many_of_each() -> None:
    ledger = ledger_of()
    priors = load_priors()
    own = harm_facts_of(ledger, priors, medians_of(ledger, priors))["own26"]
    own = replace(own, reacted=4, clots=None, serious=None, stopped=None, stoppable=None)
    densities = {}
    for name in ("own26", "mas98"):  # by one sum; by convolution, as the shipped ones are
        with pm.Model() as model:
            add_harm({name: replace(own, courses=(2,) * 7 + (3,) * 5)}, priors)
        (potential,) = model.potentials
        # at zero every study has the same rate
        at = {v: np.zeros(v.type.shape) for v in model.value_vars}
        (inside,) = model.replace_rvs_by_values([potential])
        densities[name] = float(inside.eval(at, on_unused_input="ignore"))
    assert densities["own26"] == pytest.approx(densities["mas98"], rel=1e-12)
