"""Which facts of a user the fit reads, and in which words it refuses the others."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import get_args

from simtrial.core.located import flow, shown
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.rules import place_of
from simtrial.evidence.values import Kind, Multinomial, PatientTable, Percentage, Subtype
from simtrial.evidence.wording import counted
from simtrial.myositis.parameters import PARAMETERS

BASELINES = tuple(
    f"lim21.{name}.all"
    for name in (
        *("physician_baseline", "patient_baseline", "extramuscular_baseline", "haq_baseline"),
        *("mmt_baseline", "ck_baseline", "age_onset", "female"),
    )
)
# facts that a likelihood reads by their id; of every other document it reads READ
NAMED: Mapping[str, tuple[str, ...]] = {
    "lim21": (
        *BASELINES,
        *(
            f"lim21.{name}.ivig"
            for name in ("tis_course", "rescue", "adverse_event", "serious_other")
        ),
        *(f"lim21.{name}.ivig" for name in ("thromboembolism", "stopped_for_harm")),
    ),
    "mas98": (
        "mas98.response.patients",
        *(
            f"mas98.{name}.ivig"
            for name in ("minor_reactions", "serious_other", "thromboembolism", "stopped_for_harm")
        ),
    ),
}
SCORES: Mapping[str, float] = {"tis20": 20.0, "tis40": 40.0}
PER_PATIENT = ("response", *SCORES)
# quantity -> the kinds in which it can be fitted, the usual one first
READ: Mapping[str, tuple[Kind, ...]] = {
    "response": ("count", "patients"),
    "tis20": ("count",),
    "tis40": ("count",),
    "minor_reactions": ("proportion",),
    "thromboembolism": ("proportion",),
    "serious_other": ("proportion",),
    "courses_given": ("number",),
    "subtype_mix": ("mix",),
}
DRUG = "ivig"
_DRUG_NAMES = (
    *("ivig", "iv_ig", "igiv", "ig_iv", "immunoglobulin", "immunoglobulins", "ivig_arm", "ig"),
    *("intravenous_immunoglobulin", "immune_globulin", "treated", "treatment", "active"),
)
_LIKELY = 0.7  # how much an unknown quantity must look like a known one to be a slip of it
_WEEKS_OF_A_VISIT_MONTH = 4.0  # visits are planned every four weeks, which is said as a month
_TREATED = (*PER_PATIENT, "minor_reactions", "thromboembolism", "serious_other", "courses_given")


def fault(
    ledger: Ledger, fact: Fact, name: str, rule: str, example: str, *, of_all: bool = False
) -> str:
    """Return one line: the place of a fact's field, what stands there, the rule, an example.

    Parameters
    ----------
    of_all : whether it is the fault of the document's defaults, where the fact has the field so.
    """
    place = place_of(ledger.places, fact, name, (name,) if of_all else ())
    given = getattr(fact, name)
    dumped = given.model_dump(exclude_none=True) if hasattr(given, "model_dump") else given
    text = dumped if isinstance(dumped, str) else shown(dumped)
    return f"{place} is {text}; {rule}; for example {example}."


def named_faults(ledger: Ledger) -> Iterator[str]:
    """Yield what keeps the facts that are read by name from being what the fit takes them for.

    They are fitted whatever else a corrected copy of their document says, so each of them says so.
    """
    for document, ids in NAMED.items():
        if document not in ledger.documents:
            continue
        for fact_id in ids:
            fact = ledger.facts.get(fact_id)
            if fact is None:
                yield (
                    f"Document {document} has no fact {fact_id}, which the fit reads by name; keep "
                    f"it, or leave the document out; for example --without {document}."
                )
                continue
            if fact.role != "fit":
                rule = (
                    "the fit reads this fact by name; to keep it out, leave its document out "
                    f"(--without {document}) and give what shall count under another id"
                )
                yield fault(ledger, fact, "role", rule, "role: fit")
            if fact.arm not in (DRUG, None):
                rule = "the fit reads this fact as patients treated with immunoglobulin"
                yield fault(ledger, fact, "arm", rule, f"arm: {DRUG}", of_all=True)
            yield from _shape_faults(ledger, fact)


def _shape_faults(ledger: Ledger, fact: Fact) -> Iterator[str]:
    """Yield cells and subtypes that the likelihood of a fact read by name does not know."""
    values = fact.values
    if fact.quantity == "tis_course" and isinstance(values, Multinomial):
        wanted = ("tis40_first_w3", "tis40_first_w4", "tis40_first_w6", "tis40_first_w9")
        cells = (*wanted, "tis20_kept", "tis20_lost", "never")
        if set(values.cells) != set(cells):
            rule = f"the likelihood knows the cells {', '.join(cells)}, each of them"
            yield fault(ledger, fact, "values", rule, "{tis40_first_w3: 6, ...}")
    if isinstance(values, PatientTable) and any(row.subtype == "ICI" for row in values.patients):
        rule = "the model knows no checkpoint inhibitor myositis (ICI); take its rows out"
        yield fault(ledger, fact, "kind", rule, "subtype: PM")


def reserved_faults(ledger: Ledger) -> Iterator[str]:
    """Yield documents whose id begins the name of a parameter of the model."""
    taken = {name.partition(".")[0].partition("[")[0] for name in PARAMETERS} | {"response"}
    for document in ledger.documents:
        if document in taken:
            place = ledger.places.get(document, {}).get("id", f"{document}: id")
            yield (
                f"{place} is {document}; parameters of the model are named so; for example id: "
                f"{document}_series."
            )


def general_faults(ledger: Ledger, fact: Fact) -> Iterator[str]:
    """Yield what keeps a fact with role fit from being read, whatever its quantity."""
    if fact.document in NAMED:
        ids = ", ".join(NAMED[fact.document])
        rule = (
            f"of document {fact.document} the fit reads these facts only: {ids}; a fact to compare "
            "with has role: check, one to keep role: context"
        )
        yield fault(ledger, fact, "role", rule, "role: context")
        return
    if fact.quantity not in READ:
        rule = (
            f"the fit reads {_known()}; a fact that it cannot read has role: check or role: context"
        )
        near = _nearest_read(fact.quantity)
        if near is not None:
            rule += f"; the nearest that it reads is {near}"
        example = "role: context" if near is None else f"quantity: {near}"
        yield fault(ledger, fact, "quantity", rule, example)
        return
    kinds = READ[fact.quantity]
    if fact.kind not in kinds:
        lost = " (a share without its count cannot be fitted)" * (fact.kind == "percentage")
        rule = (
            f"the fit reads {fact.quantity} as kind {' or '.join(kinds)}{lost}; a fact that it "
            "cannot read has role: check or role: context"
        )
        yield fault(ledger, fact, "kind", rule, _as_kind(fact, kinds[0]))
        return
    if fact.quantity in _TREATED and fact.arm != DRUG:
        rule = (
            f"the fit reads patients treated with immunoglobulin (arm: {DRUG}); a control or "
            "placebo arm is never fitted: its response belongs to the scenario, as "
            "control.tis20_week16 with its source, and its fact has role: check or role: context"
        )
        treated = fact.arm is None or _plain(fact.arm) in _DRUG_NAMES
        example = f"arm: {DRUG}" if treated else "role: context"
        yield fault(ledger, fact, "arm", rule, example, of_all=True)
    if fact.quantity in PER_PATIENT and fact.unit != "patients":
        rule = f"the fit reads {fact.quantity} as patients, each counted once"
        yield fault(ledger, fact, "unit", rule, "unit: patients")
    if fact.quantity in PER_PATIENT and fact.line is None:
        rule = "response differs between lines of treatment: first_line or refractory"
        yield fault(ledger, fact, "line", rule, "line: refractory", of_all=True)
    if fact.quantity in SCORES:
        yield from _timing(ledger, fact)
    elif fact.quantity in PER_PATIENT and fact.timing.how == "baseline":
        rule = "a response is seen after the treatment began: at, by or end"
        yield fault(ledger, fact, "timing", rule, "timing: {how: end}")


def _timing(ledger: Ledger, fact: Fact) -> Iterator[str]:
    timing = fact.timing
    if timing.how not in ("by", "at") or timing.week is None or timing.week != round(timing.week):
        rule = (
            "the score is simulated visit by visit, so the fit needs how: at (on the visit) or by "
            "(ever until it), with a whole week"
        )
        how = timing.how if timing.how in ("by", "at") else "at"
        week = timing.week or (timing.months or 3) * _WEEKS_OF_A_VISIT_MONTH
        example = f"timing: {{how: {how}, week: {max(1, round(week))}}}"
        yield fault(ledger, fact, "timing", rule, example)


def _nearest_read(quantity: str) -> str | None:
    """Return the quantity that an unknown one is a slip of; tis60 is none of tis20."""
    figures = re.findall(r"\d+", quantity)
    known = [name for name in READ if re.findall(r"\d+", name) == figures]
    near = difflib.get_close_matches(_plain(quantity), known, n=1, cutoff=_LIKELY)
    return near[0] if near else None


def _as_kind(fact: Fact, kind: Kind) -> str:
    """Return a fact's own figures in another kind, as ``key: value`` pairs."""
    values = fact.values
    counts = counted(values)
    cells = getattr(values, "cells", None)
    if counts is not None:
        count, n = counts
    elif isinstance(values, Percentage):
        count, n = round(values.percent / 100.0 * fact.n), fact.n
    elif cells:
        count, n = next(iter(cells.values())), fact.n
    else:
        count, n = fact.n, fact.n
    unit = fact.unit if fact.unit in ("patients", "courses") else "patients"
    figures: dict[str, object] = {"n": n, "part": count}
    if kind == "count":
        figures = {"n": n, "responders": count}
    elif kind == "number":
        value = getattr(values, "value", count)
        unit, figures = "courses", {"value": value, "statistic": "total"}
    elif kind == "mix":
        first, second, *_ = get_args(Subtype)
        figures = {"n": n, "cells": {first: count, second: n - count}}
        figures = (
            {"n": n, "cells": cells} if cells and set(cells) <= set(get_args(Subtype)) else figures
        )
    given = "" if unit == fact.unit else f"unit: {unit}, "
    return f"kind: {kind}, {given}values: {flow(figures)}"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _known() -> str:
    """Return what the fit reads of a document, in words."""
    by_kind: dict[str, list[str]] = {}
    for quantity, kinds in READ.items():
        by_kind.setdefault(" or ".join(kinds), []).append(quantity)
    return ", ".join(f"{', '.join(names)} (kind {kind})" for kind, names in by_kind.items())
