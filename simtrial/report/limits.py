"""What a result does not hold: parts of the model that are not built, checks that are not done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simtrial.core.provenance import version

# As in docs/model.md, word for word; a test compares the two.
NOT_BUILT = (
    "aseptic meningitis",
    "haemolysis",
    "infections that depend on the dose of prednisolone",
    "death",
    "an interruption of treatment for harm",
    "tapering of prednisolone",
    "several looks",
    "document 002's amended regimen and its visit at week 4 (outside the likelihood)",
    "missing items and single missed visits",
    "drift and a transient class of responders",
    "a shift of patient-reported measures in open-label studies",
    "enzymes other than creatine kinase",
    "courses that add up",
    "rates that differ between sites (so accrual varies less than it would)",
    "checkpoint inhibitor myositis",
    "the documents other than 002 and 004",
)
IN_SAMPLE = "checks counts of response and of harm, to which the same patients were fitted"
RESCUE_HAS_NO_EFFECT = "Rescue treatment has no effect on the measures"


def limits(document: Mapping[str, Any]) -> list[str]:
    """Return the largest limits of a result, in sentences that hold for this one."""
    out = []
    if all(a["status"] == "assumed" for a in control_inputs(document)):
        out.append(
            "No observed control arm informs this result: the response of the control arm is "
            "assumed, and the answer moves with it."
        )
    if any(a["status"] == "fitted" for a in document["assumptions"]):
        out.append(
            f"The fitted inputs are checked in-sample only: 'simtrial replicate' {IN_SAMPLE}. It "
            "shows that the chain holds together, not that it predicts."
        )
    if document["simtrial"] != version():
        out.append(
            f"This page was made by simtrial {version()}, the result by {document['simtrial']}; "
            "what that version left out is said in its own documentation."
        )
        return out
    if document["protocol"]["intercurrent"]["rescue"] is not None:
        out.append(
            f"{RESCUE_HAS_NO_EFFECT}: what is observed after it is not what a treatment-policy "
            "estimand would see."
        )
    out.append(f"Not built yet, and therefore absent from the simulation: {'; '.join(NOT_BUILT)}.")
    return out


def control_inputs(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the inputs that set the response of the control arm: its rate, or its cause."""
    return [
        a
        for a in document["assumptions"]
        if a["parameter"].startswith("control.") or a["parameter"] == "p_background"
    ]
