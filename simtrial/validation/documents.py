"""The documents replicated: each study simulated as done, printed value against prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.snapshot import Snapshot
from simtrial.core.arguments import MOST_TRIALS, check_effort, instance, whole
from simtrial.core.compiled import kernel
from simtrial.core.errors import EvidenceError
from simtrial.core.provenance import DEFAULT_SEED, version
from simtrial.endpoints.harm import count_harm
from simtrial.evidence.ledger import Ledger, load_ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.values import Count, Multinomial, Proportion, Times
from simtrial.myositis.tis import MINIMAL, MODERATE, has_worsened
from simtrial.operating.prepare import prepare
from simtrial.trial.design import load_patient_design
from simtrial.trial.posterior import Posterior
from simtrial.trial.scenario import load_patient_scenario

_LEFT_OUT = 1  # place of patient 2, who was not analysed (lim21.left_out.included)


@dataclass(frozen=True, kw_only=True)
class Check:
    """A printed count, and which simulated patients belong to it.

    Attributes
    ----------
    about : response or harm.
    n : patients of whom the count is printed; of more who were simulated, the first n.
    who : (R, P), P at least n.
    """

    about: str
    fact_id: str
    what: str
    printed: int
    n: int
    who: NDArray[np.bool_]

    def simulated(self) -> NDArray[np.int64]:
        """Return (R,) counts of the simulated studies."""
        return np.asarray(self.who[:, : self.n].sum(axis=1), np.int64)


def replicate_lim21(
    posterior: Posterior,
    *,
    trials: int = 2_000,
    seed: int = DEFAULT_SEED,
    ledger: Ledger | None = None,
) -> dict[str, Any]:
    """Return document 002's printed counts against ``trials`` simulated studies of its size.

    Each study draws a row of the posterior. The design is the study as done, with the visit at
    week 4 and the amended regimen from patient 11 on. Harm is of the 20 patients included,
    response of the 19 analysed: the second patient is left out, as he was.
    """
    instance("posterior", posterior, Posterior, "load_posterior()")
    trials = whole("trials", trials, 1, MOST_TRIALS, example=2_000)
    check_effort(seed=seed, workers=1)
    facts = ledger if ledger is not None else load_ledger()
    analysed = facts.fact("lim21.tis_course.ivig").n
    included = facts.fact("lim21.adverse_event.ivig").n
    n = max(analysed, included)
    design = load_patient_design("documents/lim21")
    prepared = prepare(design.with_n(n), load_patient_scenario("lim21", "replication"), posterior)
    seen = compiled.run(
        prepared.protocol,
        prepared.table,
        prepared.arrivals,
        seed=seed,
        first=0,
        last=trials,
        n=n,
    ).seen
    rows = [
        _checked(facts, c) for c in (*checks_of_response(facts, seen), *checks_of_harm(facts, seen))
    ]
    inside = sum(row["inside95"] for row in rows)
    return {
        "simtrial": version(),
        "command": "replicate",
        "posterior": posterior.provenance.get("digest", ""),
        "seed": seed,
        "trials": trials,
        "facts": rows,
        "coverage": {"facts": len(rows), "inside95": inside},
    }


def checks_of_response(facts: Ledger, seen: Snapshot) -> list[Check]:
    """Return the checks of TIS, rescue and deterioration, of the patients analysed."""
    tis = seen.tis[:, :, 1:]
    attended = ~np.isnan(tis)
    scores = np.where(attended, tis, -1.0)
    # a visit that was not held yet may lie before the last one
    last = attended.shape[2] - 1 - attended[:, :, ::-1].argmax(axis=2)
    at_end = np.take_along_axis(scores, last[:, :, None], axis=2)[:, :, 0]
    moderate, minimal = scores >= MODERATE, scores >= MINIMAL
    ever = minimal.any(axis=2)

    def count(fact_id: str) -> int:
        return facts.fact(fact_id).values_as(Count).responders

    first = facts.fact("lim21.tis40_first.ivig").values_as(Times).first_by_week
    cells = facts.fact("lim21.tis_course.ivig").values_as(Multinomial).cells
    by_w9, by_w3 = "lim21.tis40_by_w9.ivig", "lim21.tis40_first.ivig"
    end, lost = "lim21.tis20_at_end.ivig", "lim21.tis20_lost.ivig"
    rescue, worse = "lim21.rescue.ivig", "lim21.deterioration.ivig"
    course = "lim21.tis_course.ivig"
    worsened = _ever_worsened(seen.measures, attended)
    found = [
        (by_w9, "TIS >= 40 by week 9", count(by_w9), moderate.any(axis=2)),
        (by_w3, "TIS >= 40 by week 3", first[3], moderate[:, :, 0]),
        (end, "TIS >= 20 at the end", count(end), at_end >= MINIMAL),
        (course, "TIS >= 20 ever", sum(cells.values()) - cells["never"], ever),
        (lost, "TIS >= 20 reached, lost", count(lost), ever & (at_end < MINIMAL)),
        (rescue, "rescued", count(rescue), seen.rescue_minute >= 0),
        (worse, "clinically relevant deterioration", count(worse), worsened),
    ]
    n = facts.fact(course).values_as(Multinomial).n
    return [
        Check(about="response", fact_id=i, what=what, printed=printed, n=n, who=_analysed(who, n))
        for i, what, printed, who in found
    ]


def _analysed(who: NDArray[np.bool_], n: int) -> NDArray[np.bool_]:
    """Return (R, P - 1) without the patient left out, where a study has more than n patients."""
    return np.delete(who, _LEFT_OUT, axis=1) if who.shape[1] > n else who


def checks_of_harm(facts: Ledger, seen: Snapshot) -> list[Check]:
    """Return the checks of harm, of the patients included.

    Treatment stopped for harm is read as none of all included, which is what the document says;
    the fit reads it as none of the two with a serious event, and how many those are is itself
    predicted here.
    """
    harm = count_harm(seen)
    stopped = facts.fact("lim21.stopped_for_harm.ivig")
    adverse, serious, clot = (
        f"lim21.{what}.ivig" for what in ("adverse_event", "serious_patients", "thromboembolism")
    )

    def printed(fact_id: str) -> Proportion:
        return facts.fact(fact_id).values_as(Proportion)

    found = [
        (adverse, "an adverse event (an infusion reaction)", printed(adverse), harm.reactions > 0),
        (serious, "a serious adverse event", printed(serious), harm.serious > 0),
        (clot, "thromboembolism", printed(clot), harm.thromboembolisms > 0),
        (stopped.id, "treatment stopped for harm", _of_included(stopped), harm.stopped),
    ]
    return [
        Check(about="harm", fact_id=i, what=what, printed=value.part, n=value.n, who=who)
        for i, what, value, who in found
    ]


def _of_included(fact: Fact) -> Proportion:
    """Return the reading of a fact that is of all patients included."""
    for other in fact.alternatives:
        if other.cohort == "lim21.included" and isinstance(other.values, Proportion):
            return other.values
    raise EvidenceError(
        f"Fact '{fact.id}' has no alternative of cohort lim21.included, and the replication of "
        "harm compares with that one; write, for example, alternatives: [{values: {n: 20, part: "
        "0}, cohort: lim21.included, reason: of all included}]."
    )


@kernel
def _ever_worsened(measures: NDArray[np.float64], attended: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return who met the rule of deterioration at any visit, (R, P)."""
    out = np.zeros(measures.shape[:2], np.bool_)
    for r in range(measures.shape[0]):
        for p in range(measures.shape[1]):
            for v in range(attended.shape[2]):
                if attended[r, p, v] and has_worsened(measures[r, p, 0], measures[r, p, v + 1]):
                    out[r, p] = True
    return out


def _checked(facts: Ledger, check: Check) -> dict[str, Any]:
    printed, simulated = check.printed, check.simulated()
    low, median, high = np.quantile(simulated, [0.025, 0.5, 0.975], method="inverted_cdf")
    tail = 2.0 * min(float((simulated <= printed).mean()), float((simulated >= printed).mean()))
    inner = {
        share: np.quantile(simulated, [0.5 - share / 200, 0.5 + share / 200], method="inverted_cdf")
        for share in (50, 80)
    }
    return {
        "id": check.fact_id,
        "about": check.about,
        "label": facts.fact(check.fact_id).label,
        "what": check.what,
        "printed": printed,
        "n": check.n,
        "median": float(median),
        "interval95": [float(low), float(high)],
        "inside50": bool(inner[50][0] <= printed <= inner[50][1]),
        "inside80": bool(inner[80][0] <= printed <= inner[80][1]),
        "inside95": bool(low <= printed <= high),
        "tail": min(1.0, tail),
    }
