"""A user's own documents: added to the shipped, read by quantity, named where they are used."""

from __future__ import annotations

import copy
import hashlib
import importlib.resources
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import pytest
from scipy.stats import binom

from simtrial.core.config import Located, parse_yaml
from simtrial.core.errors import ArgumentError, EvidenceError
from simtrial.core.units import WEEKS_PER_YEAR
from simtrial.evidence.audit import audit
from simtrial.evidence.ledger import Ledger, load_ledger, load_with
from simtrial.evidence.reading import read_document
from simtrial.evidence.rules import patients_of
from simtrial.planning.refit import evidence_of
from simtrial.report.belief import belief
from simtrial.report.facts import evidence_lines
from simtrial.report.limits import limits
from simtrial.synthesis.fit import medians_of
from simtrial.synthesis.grounds import facts_behind, provisional_words, source_of
from simtrial.synthesis.harm import add_harm, harm_facts_of, harm_source
from simtrial.synthesis.model import course_model, facts_of
from simtrial.synthesis.own import NAMED, OwnFacts, own_facts_of
from simtrial.synthesis.priors import load_priors
from simtrial.synthesis.tables import K_ON_NODES, X50_NODES, CellTables, ScoreTable, reached_share
from simtrial.trial.design import load_design
from simtrial.trial.posterior import (
    OtherFacts,
    Posterior,
    fitted_how,
    load_posterior,
    named,
    save_posterior,
)
from tests.unit.results import size_result
from tests.workflow.own_cases import HARM, HEAD, OWN, PROTOCOL, TIS20, fact

TEMPLATE = importlib.resources.files("simtrial.evidence") / "template.yaml"
SHIPPED = importlib.resources.files("simtrial.evidence") / "documents"
ROW = """\
        - {{case: {case}, sex: F, age_years: {age}, diagnosis: {s}, subtype: {s}, duration_years: 1,
           therapy: [], courses: {courses}, functional_improved: {better}, mrc_improved: {better},
           myometer_change_percent: null, myometer_significant: null, ck_before: 100, ck_after: 50}}
"""
ROWS = "\n      patients:\n" + "".join(
    ROW.format(case=i, age=40 + i, s=s, courses=i, better=str(i % 2 == 0).lower())
    for i, s in enumerate(("DM", "DM", "PM", "IBM"), 1)
)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own26_protocol.yaml").write_text(PROTOCOL, encoding="utf-8")


def ledger_of(text: str = OWN, **options: Any) -> Ledger:
    Path("own26.yaml").write_text(text, encoding="utf-8")
    return load_with([Path("own26.yaml")], **options)


# beside the shipped documents


def test_without_own_documents_the_ledger_is_the_shipped_one() -> None:
    assert load_with() == load_ledger()


def test_an_own_document_is_added_to_the_shipped_ones() -> None:
    both, shipped = ledger_of(), load_ledger()
    assert set(both.documents) == {*shipped.documents, "own26"}
    assert {i: f for i, f in both.facts.items() if f.document != "own26"} == shipped.facts


def test_a_folder_and_a_file_may_be_given_together() -> None:
    Path("folder").mkdir()
    Path("folder/first.yaml").write_text(HEAD.replace("own26", "own25") + "  []\n")
    ledger_of()
    both = load_with([Path("folder"), Path("own26.yaml")])
    assert set(both.documents) - set(load_ledger().documents) == {"own25", "own26"}


def test_a_shipped_document_is_left_out_by_its_id() -> None:
    left = load_with((), ["mas98"])
    assert "mas98" not in left.documents
    assert not [fact for fact in left.facts.values() if fact.document == "mas98"]


def test_leaving_out_what_is_not_there_is_refused_with_the_nearest_id() -> None:
    with pytest.raises(ArgumentError, match=r"without is 'mas89'; .*nearest is 'mas98'"):
        load_with((), ["mas89"])


def test_a_shipped_document_s_id_is_refused_with_the_way_out() -> None:
    copy = Path("mine.yaml")
    copy.write_bytes((SHIPPED / "mas98.yaml").read_bytes())
    with pytest.raises(EvidenceError) as caught:
        load_with([copy])
    assert str(caught.value) == (
        "mine.yaml, line 3: id is mas98; a shipped document has this id; leave it out with "
        "--without mas98, or give yours another, with which its facts' and cohorts' ids begin; "
        "for example id: mas98_2."
    )
    assert load_with([copy], ["mas98"]) == load_ledger()


def test_two_own_files_of_one_id_are_refused() -> None:
    ledger_of()
    Path("again.yaml").write_text(OWN, encoding="utf-8")
    with pytest.raises(EvidenceError, match=r"^again\.yaml, line 1: id is own26; own26\.yaml has"):
        load_with([Path("own26.yaml"), Path("again.yaml")])


def test_every_document_is_known_by_its_file_and_the_digest_of_its_bytes() -> None:
    sources = ledger_of().sources
    assert sources["own26"] == ("own26.yaml", hashlib.sha256(OWN.encode()).hexdigest(), True)
    assert sources["lim21"].file == "lim21.yaml"
    assert not sources["lim21"].own


# facts become data


def test_counts_are_read_with_their_line_subtypes_and_study() -> None:
    own = own_facts_of(ledger_of())
    (response,), (score,) = own.responses, own.scores
    assert (response.study, response.line, response.n, response.responders) == (
        *("own26", "refractory"),
        *(10, 4),
    )
    assert response.mix == (0.0, 0.6, 0.0, 0.0, 0.4, 0.0)  # PM 6 and OM 4 of 10
    assert (score.n, score.responders, score.mix) == (30, 21, (1.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    assert (score.threshold, score.how, score.week) == (20.0, "by", 12)
    assert score.protocol.visits_weeks == (0, 4, 8, 12)


def test_a_protocol_is_looked_for_beside_its_document(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = ledger_of()
    found = load_with([Path("own26.yaml").resolve()])
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert own_facts_of(found).scores[0].protocol.visits_weeks == (0, 4, 8, 12)
    with pytest.raises(EvidenceError, match=r"^own26\.yaml, line 4: protocol is own26_protocol"):
        own_facts_of(ledger)  # which was read by a name that holds in another folder


def test_a_patient_table_is_counted_by_subtype_with_the_rows_own_courses_and_ages() -> None:
    four = "    cohort: own26.four\n    n: 4\n"
    head = HEAD.replace("  own26.dm:", "  own26.four: {n: 4, what: four patients}\n  own26.dm:")
    table = fact(
        "response.patients", "O1", 3, "4", "patients", ROWS, more=four, timing="{how: end}"
    )
    table = table.replace("values: \n", "values:\n")
    harm = fact("minor_reactions.ivig", "O2", 4, "2 4", "proportion", "{n: 4, part: 2}", more=four)
    own = own_facts_of(ledger_of(head + table + harm))
    counted = {r.name.rpartition(".")[2]: (r.responders, r.n) for r in own.responses}
    assert counted == {"DM": (1, 2), "PM": (0, 1), "IBM": (1, 1)}
    assert own.harm["own26"].courses == (1, 2, 3, 4)
    assert own.harm["own26"].ages == (41.0, 42.0, 43.0, 44.0)


def test_a_total_that_the_rows_do_not_give_is_refused() -> None:
    four = "    cohort: own26.four\n    n: 4\n"
    head = HEAD.replace("  own26.dm:", "  own26.four: {n: 4, what: four patients}\n  own26.dm:")
    table = fact(
        "response.patients", "O1", 3, "4", "patients", ROWS, more=four, timing="{how: end}"
    ).replace("values: \n", "values:\n")
    harm = fact("minor_reactions.ivig", "O2", 4, "2 4", "proportion", "{n: 4, part: 2}", more=four)
    total = fact(
        "courses_given.ivig", "O3", 5, "10", "number", "{value: 10, statistic: total}",
        unit="courses", more=four,
    )  # fmt: skip
    own = own_facts_of(ledger_of(head + table + harm + total))
    assert "own26.courses_given.ivig" in own.harm["own26"].facts
    with pytest.raises(EvidenceError, match=r"values is .*11\.0.*sum to 10 courses; keep one"):
        own_facts_of(ledger_of(head + table + harm + total.replace("value: 10", "value: 11")))


def test_a_total_of_courses_is_spread_evenly_over_the_patients() -> None:
    own = own_facts_of(ledger_of()).harm["own26"]
    assert (len(own.courses), sum(own.courses)) == (40, 151)
    assert set(own.courses) == {3, 4}
    assert (own.reacted, own.clots, own.serious, own.weeks) == (9, 1, None, 12.0)


def test_courses_are_taken_from_a_part_of_all_courses_that_is_read() -> None:
    infections = fact(
        "infections.courses", "O6", 7, "2 120", "proportion", "{n: 120, part: 2}",
        unit="courses", role="context",
    )  # fmt: skip
    reactions = HARM[: HARM.index("  - id: own26.thromboembolism")]
    own = own_facts_of(ledger_of(HEAD + reactions + infections)).harm["own26"]
    assert own.courses == (3,) * 40


def test_harm_of_an_own_series_takes_risk_and_years_from_what_it_says() -> None:
    ledger, priors = ledger_of(), load_priors()
    medians = medians_of(ledger, priors)
    harm = harm_facts_of(ledger, priors, medians)
    assert list(harm) == ["lim21", "mas98", "own26"]
    own = harm["own26"]
    assert own.years == pytest.approx(40 * 12 / WEEKS_PER_YEAR)
    # 2 g/kg over five days is the reference of 0.4 g/kg a day
    assert own.mean_speed == pytest.approx(1.0)
    assert own.mean_risk == harm["lim21"].mean_risk  # no ages of its own
    assert harm_source("reaction.per_course[ivig]", harm) == (
        "document 002: 20 of 20 patients reacted, document 004: 5 of 16 patients reacted, own "
        "document own26: 9 of 40 patients reacted; of a new study, which may report as any of them "
        "does"
    )
    said = harm_source("serious.per_course[ivig]", harm)
    assert said == "document 002: 2 in 53 courses, document 004: 1 in 80 courses"


def test_figures_cited_from_another_study_have_that_study_s_sensitivity() -> None:
    cited = "those with dermatomyositis, within: own26.treated"
    text = OWN.replace(cited, "cited, study: tst01, cited_as: reference 3")
    assert own_facts_of(ledger_of(text)).scores[0].study == "tst01"
    assert own_facts_of(ledger_of(text)).responses[0].study == "own26"


@pytest.mark.parametrize("how", ["by", "at"])
def test_a_score_counts_by_a_week_or_on_it(how: str) -> None:
    (score,) = own_facts_of(ledger_of()).scores
    tis = np.array([[25.0, 0.0, 30.0], [0.0, 20.0, 0.0], [0.0, 0.0, 19.9], [0.0, 0.0, 45.0]])
    count = replace(score, how=how, week=8)
    assert reached_share(tis, (4, 8, 12), count) == {"by": 0.5, "at": 0.25}[how]


# the shipped fit is untouched

FREE = [
    *("response.overall", "response.refractory_minus_first_line", "response.subtype_sd"),
    *("response.cell_sd", "response.subtype_z", "response.cell_z", "response.IBM", "k_on", "x50"),
    *("rescue_per_visit[first_line, none]", "mas98.sensitivity", "mas98.false_positive"),
    *("reaction.typical", "reaction.study_sd", "reaction.study_z", "reaction.first_course"),
    *("reaction.frailty_sd", "thromboembolism.per_course", "serious.per_course[ivig]"),
    *("reaction.serious", "stop.reaction", "stop.serious"),
]


def model_of(ledger: Ledger, reached: float = 0.8, by_chance: float = 0.1) -> Any:
    priors = load_priors()
    shape = (len(K_ON_NODES), len(X50_NODES))
    even = CellTables(np.full((*shape, 7, 2, 4), 0.1), np.full((7, 2, 4), 0.1))
    facts = facts_of(ledger)
    scores = {s.name: ScoreTable(np.full(shape, reached), by_chance) for s in facts.scores}
    harm = harm_facts_of(ledger, priors, medians_of(ledger, priors))
    return course_model(facts, harm, priors, even, scores)


def test_of_the_shipped_ledger_nothing_is_read_by_quantity() -> None:
    own = own_facts_of(load_ledger())
    assert own == OwnFacts(harm={})


def test_every_fitted_fact_of_the_shipped_documents_read_by_name_is_named() -> None:
    fitted = {fact.id for fact in load_ledger().with_role("fit")}
    assert fitted == {fact_id for ids in NAMED.values() for fact_id in ids}


def test_the_shipped_model_has_its_free_variables_in_their_order_and_no_others() -> None:
    model = model_of(load_ledger())
    assert [v.name for v in model.free_RVs] == FREE
    assert model["reaction.study_z"].type.shape == (3,)


def test_an_own_document_adds_its_endpoint_s_errors_and_a_study_of_reactions_only() -> None:
    model = model_of(ledger_of())
    added = [v.name for v in model.free_RVs if v.name not in FREE]
    assert added == ["own26.sensitivity", "own26.false_positive"]
    assert [v.name for v in model.free_RVs if v.name in FREE] == FREE
    assert model["reaction.study_z"].type.shape == (4,)
    observed = [v.name for v in model.observed_RVs if v.name.startswith("own26")]
    assert observed == ["own26.response.others", "own26.tis20.dm", "own26.thromboembolism"]
    assert [p.name for p in model.potentials] == ["lim21.reacted", "mas98.reacted", "own26.reacted"]


def test_the_likelihoods_of_own_counts_are_binomials_of_the_mixed_chances() -> None:
    from scipy.stats import binom

    model = model_of(ledger_of(), reached=0.8, by_chance=0.1)
    names = [f"p_response[{s}, refractory]" for s in ("PM", "OM", "DM")]
    names += ["own26.sensitivity", "own26.false_positive"]
    point = {k: np.asarray(v) + 0.3 for k, v in model.initial_point().items()}
    values = model.compile_fn(
        model.replace_rvs_by_values([model[n] for n in names]),
        inputs=model.value_vars,
        on_unused_input="ignore",
    )(point)
    pm, om, dm, sensitivity, false_positive = map(float, values)

    def density(name: str) -> float:
        return float(model.compile_logp(vars=[model[name]])(point))

    p = 0.6 * pm + 0.4 * om
    shown = sensitivity * p + false_positive * (1.0 - p)
    assert density("own26.response.others") == pytest.approx(binom.logpmf(4, 10, shown))
    score = dm * 0.8 + (1.0 - dm) * 0.1
    assert density("own26.tis20.dm") == pytest.approx(binom.logpmf(21, 30, score))


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


# what is refused before the fit


def test_a_document_of_which_nothing_would_be_fitted_is_refused_unless_another_is_left_out() -> (
    None
):
    ledger = ledger_of(HEAD + TIS20.replace("role: fit", "role: context"))
    with pytest.raises(EvidenceError) as caught:
        evidence_of(ledger)
    message = str(caught.value)
    assert "facts[0].role is context; document own26 has 1 fact, none with role: fit" in message
    assert "as if own26.yaml had not been given" in message
    assert message.endswith("; for example role: fit.")
    found = evidence_of(load_with([Path("own26.yaml")], ["mas98"]))
    assert (found["without"], found["not_fitted"]) == (["mas98"], ["own26"])
    said = evidence_lines(found)
    assert "Left out: mas98." in said
    assert "own26 (own): none of its facts is fitted." in said


def test_a_document_without_facts_is_refused_by_its_file() -> None:
    with pytest.raises(EvidenceError, match=r"^own26\.yaml: facts is \[\]; document own26 has 0 f"):
        evidence_of(ledger_of(HEAD + "  []\n"))


def test_a_shipped_document_read_in_another_copy_is_said_to_be_replaced() -> None:
    copy = Path("mine.yaml")
    copy.write_bytes((SHIPPED / "mas98.yaml").read_bytes())
    found = evidence_of(load_with([copy], ["mas98"]))
    assert "Left out: mas98 (yours is read instead)." in evidence_lines(found)


def test_every_error_that_the_audit_finds_in_own_documents_stops_the_fit() -> None:
    wrong = OWN.replace("digits: '21 30'", "digits: '22 30'")
    wrong = wrong.replace("digits: '1 40'", "digits: '2 40'")
    with pytest.raises(EvidenceError) as caught:
        evidence_of(ledger_of(wrong))
    *faults, hint = str(caught.value).splitlines()
    assert [f.partition("error in ")[2].partition(":")[0] for f in faults] == [
        "own26.tis20.dm, rule digits",
        "own26.thromboembolism.ivig, rule digits",
    ]
    assert faults[0].startswith("own26.yaml, line 23: facts[0].values is {n: 30, responders: 21}")
    assert "responders 21, which does not stand there" in faults[0]
    assert hint.endswith("see 'simtrial evidence audit --evidence own26.yaml'.")
    assert evidence_of(ledger_of())["own"]  # as it stands, it is fitted


# what a posterior says it rests on


def once(text: str, *names: str) -> str:
    """Return a document in which some facts were read once only."""
    parts = text.split("  - id: ")
    for i, part in enumerate(parts):
        if part.partition("\n")[0] in names:
            parts[i] = part.replace("second: agrees", "second: null")
    return "  - id: ".join(parts)


def all_behind(name: str, ledger: Ledger) -> list[str]:
    priors = load_priors()
    harm = harm_facts_of(ledger, priors, medians_of(ledger, priors))
    return [f.id for f in facts_behind(name, ledger, own_facts_of(ledger), harm)]


def behind(name: str, ledger: Ledger) -> list[str]:
    return [fact_id for fact_id in all_behind(name, ledger) if fact_id.startswith("own26.")]


def test_a_parameter_knows_which_own_facts_are_behind_it() -> None:
    ledger = ledger_of()
    responses = ["own26.tis20.dm", "own26.response.others", "own26.subtype_mix.others"]
    assert behind("p_response[DM, refractory]", ledger) == responses
    assert behind("k_on", ledger) == ["own26.tis20.dm"]
    assert behind("rescue_per_visit[first_line, none]", ledger) == []
    courses = "own26.courses_given.ivig"
    assert behind("reaction.per_course[ivig]", ledger) == ["own26.minor_reactions.ivig", courses]
    assert behind("thromboembolism.per_course", ledger) == ["own26.thromboembolism.ivig", courses]
    assert behind("baseline.enzyme.scale", ledger) == []
    assert behind("p_response[IBM]", ledger) == []  # no patient of the series has it


def test_a_count_of_inclusion_body_myositis_is_behind_that_response_only() -> None:
    text = OWN.replace("    subtypes: [PM, OM]\n", "    subtype: IBM\n")
    ledger = ledger_of(text)
    assert behind("p_response[IBM]", ledger)[:1] == ["own26.response.others"]
    assert behind("p_response[DM, refractory]", ledger) == ["own26.tis20.dm"]


def test_every_sampled_or_baseline_parameter_of_the_shipped_fit_has_facts_behind_it() -> None:
    ledger = load_ledger()
    fitted = [n for n, o in load_posterior().origins.items() if o.status == "fitted"]
    assert all(all_behind(name, ledger) for name in fitted)


def test_facts_read_once_are_named_in_the_source_of_what_they_inform() -> None:
    ledger = ledger_of(once(OWN, "own26.tis20.dm"))
    facts, harm = (
        facts_of(ledger),
        harm_facts_of(ledger, load_priors(), medians_of(ledger, load_priors())),
    )
    own = own_facts_of(ledger)
    source = source_of("p_response[DM, refractory]", ledger, own, facts, harm)
    assert source == (
        "documents 002 (19, not split by subtype), 004 (11) and own document own26 (40), partially "
        "pooled; 35 patients of this subtype and line; rests on provisional fact own26.tis20.dm "
        "(read once)"
    )
    assert "provisional" not in source_of("stop.serious", ledger, own, facts, harm)


def test_where_all_facts_are_read_twice_nothing_is_said() -> None:
    ledger = ledger_of()
    facts = [fact for fact in own_facts_of(ledger).read if fact.document == "own26"]
    assert len(facts) == 6
    assert provisional_words(facts) == ""


def test_the_source_of_the_shipped_posterior_is_worded_as_before() -> None:
    ledger, priors = load_ledger(), load_priors()
    facts, harm = facts_of(ledger), harm_facts_of(ledger, priors, medians_of(ledger, priors))
    for name, origin in load_posterior().origins.items():
        if origin.status == "fitted" and not name.startswith(("baseline", "age", "female")):
            said = source_of(name, ledger, own_facts_of(ledger), facts, harm)
            assert said.partition("; rests on provisional")[0] == origin.source


def test_a_document_left_out_is_named_as_no_parameter_s_source() -> None:
    ledger, priors = load_with((), ["mas98"]), load_priors()
    facts, harm = facts_of(ledger), harm_facts_of(ledger, priors, medians_of(ledger, priors))
    for name, origin in load_posterior().origins.items():
        if origin.status == "fitted" and not name.startswith(("baseline", "age", "female")):
            assert "004" not in source_of(name, ledger, own_facts_of(ledger), facts, harm)
    said = source_of("p_response[IBM]", ledger, own_facts_of(ledger), facts, harm)
    assert said.partition("; rests on")[0] == "no document's patients; its prior"


def test_the_provenance_holds_files_own_facts_and_those_read_once() -> None:
    found = evidence_of(ledger_of(once(OWN, "own26.tis20.dm", "own26.minor_reactions.ivig")))
    assert found["documents"]["own26"] == {
        "file": "own26.yaml",
        "sha256": hashlib.sha256(Path("own26.yaml").read_bytes()).hexdigest(),
        "own": True,
        "protocol": load_design(Path("own26_protocol.yaml")).digest(),
    }
    assert {d for d, of in found["documents"].items() if not of["own"]} == {"lim21", "mas98"}
    tis20 = {"id": "own26.tis20.dm", "quantity": "tis20", "n": 30, "status": "provisional"}
    assert tis20 in found["own"]
    assert len(found["own"]) == 6
    own_once = [i for i in found["provisional"] if i.startswith("own26")]
    assert own_once == ["own26.tis20.dm", "own26.minor_reactions.ivig"]


def test_a_result_lists_the_provisional_facts_and_the_own_documents_behind_it() -> None:
    document = size_result()
    assert not any("provisional" in limit for limit in limits(document))
    for a in document["assumptions"]:
        if a["parameter"].startswith("p_response"):
            a["source"] = (
                "own document own26 (40); rests on provisional facts own26.a.b, c.d.e (read once)"
            )
    box = belief(document)
    (told,) = [limit for limit in box.limits if "provisional" in limit]
    assert "c.d.e, own26.a.b." in told
    (effect,) = [ground for ground in box.grounds if ground.family == "effect of the drug"]
    assert "own26" in effect.documents


def test_loading_a_posterior_of_own_facts_says_whose(tmp_path: Path) -> None:
    shipped = load_posterior()
    marks = shipped.provenance["fingerprint"] | {"facts": "others"}
    evidence = {"documents": {"lim21": {"own": False}, "own26": {"own": True}}}
    made: Posterior = named(
        replace(
            shipped, provenance=shipped.provenance | {"fingerprint": marks, "evidence": evidence}
        )
    )
    save_posterior(made, tmp_path / "own.npz")
    with pytest.warns(OtherFacts, match=r"shipped posterior \(own documents: own26\)"):
        load_posterior(tmp_path / "own.npz")


# a document with anything anywhere

ANYTHING: tuple[Any, ...] = (
    *(None, [], {}, "x", 3, -1, 2.5, True, [1], {"a": 1}, [{"n": []}], {"n": None}, "DM", ""),
    {1: 2},
)


def paths_in(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = part.items() if isinstance(part, dict) else enumerate(part)
    for key, below in inside:
        yield (*path, key)
        if isinstance(below, dict | list):
            yield from paths_in(below, (*path, key))


def test_whatever_stands_anywhere_in_a_document_is_answered() -> None:
    right = parse_yaml(OWN, "own26.yaml")
    refused = 0
    for path in paths_in(right.data):
        for given in ANYTHING:
            changed = copy.deepcopy(right.data)
            parent = changed
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]] = copy.deepcopy(given)
            try:
                read_document(Located(data=changed, source="own26.yaml", lines=right.lines))
            except EvidenceError as fault:
                refused += 1
                assert not re.search(r"for example \w+: (None|)\.$", str(fault), re.MULTILINE)
    assert refused > 1_000


def test_loading_a_posterior_says_what_was_left_out_and_what_was_not_fitted(tmp_path: Path) -> None:
    shipped = load_posterior()
    marks = shipped.provenance["fingerprint"] | {"facts": "others"}
    held = {"documents": {"lim21": {"own": False}}, "without": ["mas98"], "not_fitted": ["own26"]}
    provenance = shipped.provenance | {"fingerprint": marks, "evidence": held}
    save_posterior(named(replace(shipped, provenance=provenance)), tmp_path / "own.npz")
    said = r"posterior \(without mas98; none of the facts of own26 is fitted\)"
    with pytest.warns(OtherFacts, match=said):
        made = load_posterior(tmp_path / "own.npz")
    assert fitted_how(made) == {
        "quick": False,
        "own": [],
        "without": ["mas98"],
        "not_fitted": ["own26"],
    }


# the template


def test_the_template_is_right_as_it_stands_and_lets_nothing_into_the_fit() -> None:
    ledger = ledger_of(TEMPLATE.read_text(encoding="utf-8"))
    mine = [found for found in audit(ledger) if found.fact.startswith("own26.")]
    assert {found.severity for found in mine} <= {"note"}
    assert own_facts_of(ledger) == OwnFacts(harm={})
    assert ledger.digest() == load_ledger().digest()


def test_the_template_is_right_with_every_fact_let_into_the_fit() -> None:
    text = TEMPLATE.read_text(encoding="utf-8").replace(
        "role: context               # fit", "role: fit"
    )
    text = text.replace("    # read_by", "    read_by")
    ledger = ledger_of(text)
    mine = [found for found in audit(ledger) if found.fact.startswith("own26.")]
    assert {found.severity for found in mine} <= {"note"}
    own = own_facts_of(ledger)
    assert [(r.responders, r.n) for r in own.responses] == [(21, 30), (4, 8)]
    assert (own.harm["own26"].reacted, sum(own.harm["own26"].courses)) == (9, 151)


def test_a_fit_without_the_baselines_of_document_002_says_what_it_needs() -> None:
    with pytest.raises(EvidenceError, match=r"baselines.*leave --without lim21 out, or give"):
        own_facts_of(load_with((), ["lim21"]))


def test_another_fitted_fact_of_a_document_read_by_name_is_refused() -> None:
    text = (SHIPPED / "mas98.yaml").read_text(encoding="utf-8")
    added = fact(
        "response.others", "O2", 4, "4 10", "count", "{n: 10, responders: 4}", more="    n: 10\n"
    )
    facts, sealed, seal = text.partition("\ntext:\n")
    Path("mas98.yaml").write_text(facts + added.replace("own26", "mas98") + sealed + seal)
    with pytest.raises(EvidenceError) as caught:
        own_facts_of(load_with([Path("mas98.yaml")], ["mas98"]))
    assert "mas98.response.patients" in str(caught.value)


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
