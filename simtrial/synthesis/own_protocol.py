"""The protocol that a document names: what its counts of the score are simulated under."""

from __future__ import annotations

from pathlib import Path

from simtrial.core.errors import SimtrialError
from simtrial.core.located import nearest
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.synthesis.own_faults import fault
from simtrial.trial.design import Design, load_patient_design
from simtrial.trial.shipped import designs_beside, shipped_names


def protocol_for(ledger: Ledger, fact: Fact, faults: list[str]) -> Design | None:
    """Return the design that a score count of a document is simulated under.

    What keeps it from being used is added to ``faults``; the answer is None then.
    """
    named = ledger.documents[fact.document].protocol
    if named is None:
        rule = (
            "a count of the Total Improvement Score is fitted through the simulated course of the "
            "study, and the document names no protocol (regimen and visits as a design file); "
            "name one beside id, or count an endpoint of your own as quantity: response"
        )
        faults.append(fault(ledger, fact, "quantity", rule, _nearest_design(ledger, fact.document)))
        return None
    design = design_of(ledger, fact.document, faults)
    if design is None:
        return None
    problem = _unfit(design, fact)
    if problem is not None:
        place = ledger.places.get(fact.document, {}).get("protocol", f"{fact.document}: protocol")
        faults.append(f"{place} is {named}; {problem}.")
        return None
    return design


def design_of(ledger: Ledger, document: str, faults: list[str]) -> Design | None:
    """Return the design that a document names; a path counts from the document's folder."""
    named = ledger.documents[document].protocol
    if named is None:
        return None
    beside = ledger.sources[document].file if document in ledger.sources else ""
    place = ledger.places.get(document, {}).get("protocol", f"{document}: protocol")
    path = named if named in shipped_names() else Path(beside).parent / named
    if isinstance(path, Path) and not path.resolve().is_relative_to(Path(beside).parent.resolve()):
        faults.append(
            f"{place} is {named}; a protocol lies beside its document, or in a folder below it; "
            f"for example {_nearest_design(ledger, document)}."
        )
        return None
    if isinstance(path, Path) and not path.is_file():
        faults.append(
            f"{place} is {named}; it is neither a file beside the document nor the name of one of "
            f"{', '.join(shipped_names())}; for example {_nearest_design(ledger, document)}."
        )
        return None
    try:
        return load_patient_design(path, "a protocol of facts")
    except SimtrialError as problem:
        faults.append(f"{place} is {named}; it is no design that can be used: {problem}")
        return None


def _nearest_design(ledger: Ledger, document: str) -> str:
    """Return the line that names the design beside a document, or the usual name of one."""
    beside = ledger.sources[document].file if document in ledger.sources else ""
    named = ledger.documents[document].protocol or f"{document}_protocol.yaml"
    found = designs_beside(Path(beside).parent)
    likely = [name for name in found if "protocol" in name and name.startswith(document)]
    near = nearest(named, likely or found) or f"{document}_protocol.yaml"
    return f"protocol: {near}"


def _unfit(design: Design, fact: Fact) -> str | None:
    """Return why a design is not the protocol of a fact, with what to write instead."""
    drugs = [name for name, arm in design.arms.items() if arm.is_drug]
    if len(design.arms) != 1 or not drugs:
        return (
            f"the protocol of a fitted series has the one arm that was treated, and "
            f"{design.where('arms')} has {', '.join(design.arms)}; for example arms: "
            "{ivig: {dose_g_per_kg: 2.0, every_weeks: 4, infusions: 3}}"
        )
    if design.intercurrent.rescue is not None or design.intercurrent.deterioration is not None:
        return (
            "counts of the score are of patients who kept to the treatment, and "
            f"{design.where('intercurrent')} has rules for leaving it; leave rescue and "
            "deterioration out, for example intercurrent: {}"
        )
    if design.population.line != fact.line:
        return (
            f"{fact.id} is of {fact.line} patients, and {design.where('population', 'line')} is "
            f"{design.population.line_words()}; for example line: {fact.line}"
        )
    visits = design.visits_weeks[1:]
    if fact.timing.week is not None and fact.timing.week not in visits:
        return (
            f"{fact.id} counts at week {fact.timing.week:g}, and {design.where('visits_weeks')} "
            f"has {', '.join(map(str, visits))} after the baseline; for example visits_weeks: "
            f"{sorted({*design.visits_weeks, round(fact.timing.week)})}"
        )
    return None
