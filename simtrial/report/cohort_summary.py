"""What a synthetic cohort holds: counted, and in sentences."""

from __future__ import annotations

from typing import Any

import numpy as np

from simtrial.cohort.snapshot import SCREENING_FAILURES
from simtrial.cohort.truth import Cohort
from simtrial.endpoints.responder import composite_response, observed_response
from simtrial.report.happenings import EVENTS, happenings
from simtrial.trial.design import Design


def counts_of(cohort: Cohort, design: Design) -> dict[str, Any]:
    """Return rows of each table, who was screened, and each arm's patients and responders."""
    seen = cohort.seen
    entered = seen.arm >= 0
    observed, assessed = observed_response(seen, design)
    composite = composite_response(seen, design)
    events = happenings(seen).kind
    by_kind = np.bincount(events, minlength=len(EVENTS))
    return {
        "rows": {
            "patients": int(entered.sum()),
            "visits": int((seen.visit_minute >= 0).sum()),
            "events": int(events.shape[0]),
            "screening": int(entered.shape[0]),
        },
        "screened": {
            "candidates": int(seen.screened.sum()),
            "failures": {
                reason: int(seen.failures[:, i].sum())
                for i, reason in enumerate(SCREENING_FAILURES)
            },
        },
        "arms": {
            arm: {
                "patients": int((seen.arm == a).sum()),
                "assessed": int((assessed & (seen.arm == a)).sum()),
                "observed": int((observed & (seen.arm == a)).sum()),
                "responders": int((composite & (seen.arm == a)).sum()),
            }
            for a, arm in enumerate(design.arm_names)
        },
        "events": {name: int(by_kind[i]) for i, name in enumerate(EVENTS)},
        "incomplete": int((~seen.complete).sum()),
    }


_RULES_ALWAYS_TOLD = 3  # of strength, other measures and prednisolone; others where they act


def summary_of(document: dict[str, Any]) -> list[str]:
    """Return a cohort's document in sentences."""
    trials, rows, seen = document["trials"], document["rows"], document["screened"]
    of = "1 trial" if trials == 1 else f"{trials:,} trials"
    failed = ", ".join(
        f"{reason.replace('_', ' ')} {count:,}"
        for i, (reason, count) in enumerate(seen["failures"].items())
        if count or i < _RULES_ALWAYS_TOLD
    )
    out = [
        f"SYNTHETIC patients, simulated under scenario {document['scenario']}: {of} of "
        f"n = {document['n']}, {rows['patients']:,} patients, {rows['visits']:,} visits, "
        f"{rows['events']:,} events.",
        f"Screened {seen['candidates']:,}; not eligible (first reason): {failed}.",
    ]
    if document.get("exposure") == "sum":
        out.append("Courses add up: exposure is the sum of their effects, not the largest.")
    for new in document["replaced"]:
        change = f"x {new['times']:g}" if new["value"] is None else f"= {new['value']:g}"
        out.append(f"{new['parameter']} {change} ({new['status']}: {new['source']}).")
    for arm, found in document["arms"].items():
        out.append(
            f"{arm}: {found['patients']:,} randomised, {found['assessed']:,} assessed; "
            f"{document['endpoint']}: {found['observed']:,} as measured, "
            f"{found['responders']:,} under the composite."
        )
    if document["cut_week"] is not None:
        full = trials - document["incomplete"]
        out.append(
            f"Cut {document['cut_week']:g} weeks after the first site opened: what was not seen by "
            f"then is left out; recruitment had ended in {full} of {of}."
        )
    elif document["incomplete"]:
        out.append(f"{document['incomplete']} of {of} ran out of candidates before it was full.")
    return out
