"""What a fitted parameter rests on: the sentence beside it, and the facts that were read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.wording import status
from simtrial.synthesis.harm import StudyHarm, harm_facts_behind, harm_source
from simtrial.synthesis.model import LINES, POOLED, RESCUE, Facts
from simtrial.synthesis.own import MIX, SUBTYPES, OwnFacts, Responses

_MEASURES = {"age": "age_onset", "female_share": "female", "enzyme": "ck_baseline"}
_MIX = {"lim21.subtype_mix.analysed"}  # of the same patients
_COURSE = {"lim21.rescue.ivig", "lim21.tis_course.ivig"}
_Harm = Mapping[str, StudyHarm]


def source_of(name: str, ledger: Ledger, own: OwnFacts, facts: Facts, harm: _Harm) -> str:
    """Return what a sampled parameter rests on, provisional facts by name."""
    source = harm_source(name, harm) or _source_of_response(name, facts)
    return source + provisional_words(facts_behind(name, ledger, own, harm))


def provisional_words(facts: Sequence[Fact]) -> str:
    """Return ``; rests on provisional fact X (read once)``, empty where all were read twice."""
    once = [fact.id for fact in facts if status(fact) == "provisional"]
    if not once:
        return ""
    return f"; rests on provisional fact{'s' * (len(once) > 1)} {', '.join(once)} (read once)"


def facts_behind(name: str, ledger: Ledger, own: OwnFacts, harm: _Harm) -> tuple[Fact, ...]:
    """Return the facts that inform a fitted parameter, in the order of the ledger.

    Of harm those that stand in a likelihood of the parameter; of response those of the patients
    whose chance the parameter is, or is pooled with.
    """
    of_harm = harm_facts_behind(name, harm)
    if of_harm is not None:
        chosen = of_harm
    elif name.startswith(("baseline.", "age.", "female_share")):
        part = name.split(".")[1 if name.startswith("baseline.") else 0]
        chosen = {f"lim21.{_MEASURES.get(part, f'{part}_baseline')}.all"}
    elif name == RESCUE:
        chosen = _COURSE | _MIX
    elif name.startswith("p_response"):
        is_ibm = name == "p_response[IBM]"
        chosen = {"mas98.response.patients"} | (set() if is_ibm else _COURSE | _MIX)
        chosen |= _with_mixes(_about(is_ibm, (*own.responses, *own.scores)), own)
    else:
        chosen = _COURSE | _MIX | _with_mixes(own.scores, own)
    return tuple(fact for fact in ledger.facts.values() if fact.id in chosen)


def _about(is_ibm: bool, counts: Iterable[Responses]) -> tuple[Responses, ...]:
    """Return the counts that hold patients with inclusion body myositis, or any others."""
    ibm = SUBTYPES.index("IBM")
    return tuple(c for c in counts if (c.mix[ibm] > 0.0 if is_ibm else c.mix[ibm] < 1.0))


def _with_mixes(counts: Iterable[Responses], own: OwnFacts) -> set[str]:
    """Return the ids of the facts of some counts and of the mixes that split them."""
    ids = {count.fact for count in counts}
    cohorts = {fact.cohort for fact in own.read if fact.id in ids}
    return ids | {f.id for f in own.read if f.quantity == MIX and f.cohort in cohorts}


def _source_of_response(name: str, facts: Facts) -> str:
    first = 0 if facts.cells is None else int(facts.cells.sum())
    ibm = facts.subtype == SUBTYPES.index("IBM")
    own = [f"own document {document} ({n})" for document, n in _own_patients(name, facts)]
    if name == "p_response[IBM]":
        named = ["document 004's patients with IBM"] if ibm.any() else []
        return _listed([*named, *own]) or "no document's patients; its prior"
    if name.startswith("p_response"):
        subtype, line = name[len("p_response[") : -1].split(", ")
        n = _patients(facts, subtype, line)
        numbered = [f"002 ({first}, not split by subtype)"] if first else []
        numbered += [f"004 ({int((~ibm).sum())})"] if (~ibm).any() else []
        word = "document" + "s" * (len(numbered) > 1)
        return (
            f"{word} {_listed([*numbered, *own])}, partially pooled; "
            f"{n or 'no'} patient{'' if n == 1 else 's'} of this subtype and line"
        )
    if name.startswith("rescue"):
        return f"document 002, {facts.rescued} of {first} rescued"
    seen = _listed([f"document 002's {first} patients", *own])
    return f"{seen}, other course parameters at their medians"


def _listed(words: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def _own_patients(name: str, facts: Facts) -> list[tuple[str, int]]:
    """Return the own documents whose patients inform a parameter, and how many they are."""
    counts: Sequence[Responses] = facts.scores
    if name.startswith("p_response"):
        counts = _about(name == "p_response[IBM]", (*facts.responses, *facts.scores))
    by_document: dict[str, int] = {}
    for count in counts:
        document = count.fact.partition(".")[0]
        by_document[document] = by_document.get(document, 0) + count.n
    return sorted(by_document.items())


def _patients(facts: Facts, subtype: str, line: str) -> int:
    """Return the patients of a subtype and line in document 002, 004 and the user's own."""
    s, of_line = POOLED.index(subtype), line == LINES[0]
    total = 0 if facts.cells is None else int(facts.cells.sum())
    found = round(float(facts.mix[s] * total)) if of_line else int((facts.subtype == s).sum())
    own = (*facts.responses, *facts.scores)
    return found + round(sum(c.n * c.mix[s] for c in own if c.line == line))
