"""A user's own documents: added to the shipped, read by quantity, refused in words."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from simtrial.core.errors import ArgumentError, EvidenceError
from simtrial.core.units import WEEKS_PER_YEAR
from simtrial.evidence.audit import audit
from simtrial.evidence.ledger import load_ledger, load_with
from simtrial.planning.refit import evidence_of
from simtrial.report.facts import evidence_lines
from simtrial.synthesis.fit import medians_of
from simtrial.synthesis.harm import harm_facts_of, harm_source
from simtrial.synthesis.own import NAMED, OwnFacts, own_facts_of
from simtrial.synthesis.priors import load_priors
from simtrial.synthesis.tables import reached_share
from tests.unit.own_documents import ROWS, SHIPPED, TEMPLATE, ledger_of, model_of
from tests.workflow.own_cases import HARM, HEAD, OWN, TIS20, fact


@pytest.fixture(autouse=True)
def _folder(own_folder: Path) -> None:
    """Work in a folder that holds the protocol of the own document."""


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
