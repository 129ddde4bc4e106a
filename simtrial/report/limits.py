"""What a result does not hold: parts of the model that are not built, checks that are not done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from simtrial.core.provenance import version
from simtrial.trial.posterior import QUICK

# As in docs/model.md, word for word; a test compares the two.
NOT_BUILT = (
    "a look while patients who were randomised meanwhile are still to be seen",
    "estimates, bias and coverage of trials that may stop early",
    "document 002's amended regimen in the likelihood (it is in the design documents/lim21)",
    "duration of disease, serology, dysphagia and earlier immunosuppression",
    "a fit to the facts of documents 000 and 001 (in the ledger as context)",
)
PROVISIONAL = re.compile(r"rests on provisional facts? ([^()]+) \(read once\)")
RUN_IN_WITHOUT_HARM = (
    "Adverse events in the run-in are not simulated, and prednisolone stays as it is in it: harm "
    "and its rates are those from randomisation on."
)
IN_SAMPLE = "checks counts of response and of harm, to which the same patients were fitted"
RESCUE_HAS_NO_EFFECT = "Rescue treatment without prednisolone has no effect on the measures"


def limits(document: Mapping[str, Any]) -> list[str]:
    """Return the largest limits of a result, in sentences that hold for this one."""
    out = fit_limits(document.get("posterior_fit", {}))
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
    once = provisional_facts(document)
    if once:
        out.append(
            f"The fit behind this result rests on provisional facts, which were read once: "
            f"{', '.join(once)}. Another person has yet to read them in their documents."
        )
    if document["simtrial"] != version():
        out.append(
            f"This page was made by simtrial {version()}, the result by {document['simtrial']}; "
            "what that version left out is said in its own documentation."
        )
        return out
    rescue = document["protocol"]["intercurrent"]["rescue"]
    if rescue is not None and not rescue.get("prednisolone_mg"):
        out.append(
            f"{RESCUE_HAS_NO_EFFECT}: what is observed after it is not what a treatment-policy "
            "estimand would see."
        )
    if document["protocol"].get("run_in") is not None:
        out.append(RUN_IN_WITHOUT_HARM)
    out.append(f"Not built yet, and therefore absent from the simulation: {'; '.join(NOT_BUILT)}.")
    return out


def fit_limits(how: Mapping[str, Any]) -> list[str]:
    """Return what limits the fit behind a result, from its ``posterior_fit``."""
    out = []
    if how.get("quick"):
        out.append(f"The posterior behind this result was {QUICK}.")
    gone = [name for name in how.get("without", ()) if name not in how["own"]]
    if gone:
        out.append(
            f"The posterior behind this result was fitted without {', '.join(gone)}, which the "
            "shipped one has seen."
        )
    out += [
        f"An own document was given to the fit, {name}, and none of its facts is fitted."
        for name in how.get("not_fitted", ())
    ]
    return out


def provisional_facts(document: Mapping[str, Any]) -> list[str]:
    """Return the facts read once that the sources of the inputs name, each once."""
    named = [
        fact
        for a in document["assumptions"]
        for group in PROVISIONAL.findall(a["source"])
        for fact in group.split(", ")
    ]
    return sorted(set(named))


def control_inputs(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the inputs that set the response of the control arm: its rate, or its cause."""
    return [
        a
        for a in document["assumptions"]
        if a["parameter"].startswith("control.") or a["parameter"] == "p_background"
    ]
