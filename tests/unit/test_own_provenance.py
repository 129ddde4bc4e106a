"""What a fit rests on is said where it is used: own facts, facts read once, what was left out."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simtrial.core.config import Located, parse_yaml
from simtrial.core.errors import EvidenceError
from simtrial.evidence.ledger import Ledger, load_ledger, load_with
from simtrial.evidence.reading import read_document
from simtrial.planning.refit import evidence_of
from simtrial.report.belief import belief
from simtrial.report.limits import limits
from simtrial.synthesis.fit import medians_of
from simtrial.synthesis.grounds import facts_behind, provisional_words, source_of
from simtrial.synthesis.harm import harm_facts_of
from simtrial.synthesis.model import facts_of
from simtrial.synthesis.own import own_facts_of
from simtrial.synthesis.priors import load_priors
from simtrial.trial.design import load_design
from simtrial.trial.posterior import (
    OtherFacts,
    Posterior,
    fitted_how,
    load_posterior,
    named,
    save_posterior,
)
from tests.unit.own_documents import ledger_of, once
from tests.unit.results import size_result
from tests.workflow.own_cases import OWN


@pytest.fixture(autouse=True)
def _folder(own_folder: Path) -> None:
    """Work in a folder that holds the protocol of the own document."""


# what a posterior says it rests on


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
