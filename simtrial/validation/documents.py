"""The documents replicated: each study simulated as done, printed value against prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort import compiled
from simtrial.cohort.snapshot import Snapshot
from simtrial.core.arguments import MOST_TRIALS, check_effort, instance, whole
from simtrial.core.compiled import kernel
from simtrial.core.provenance import DEFAULT_SEED, version
from simtrial.evidence.ledger import Ledger, load_ledger
from simtrial.evidence.values import Count, Multinomial, Times
from simtrial.myositis.tis import MINIMAL, MODERATE, has_worsened
from simtrial.operating.prepare import prepare
from simtrial.trial.design import load_design
from simtrial.trial.posterior import Posterior
from simtrial.trial.scenario import load_scenario


def replicate_lim21(
    posterior: Posterior,
    *,
    trials: int = 2_000,
    seed: int = DEFAULT_SEED,
    ledger: Ledger | None = None,
) -> dict[str, Any]:
    """Return document 002's printed counts against ``trials`` simulated studies of its size.

    Each study draws a row of the posterior. The design leaves out the amended regimen and the
    visit at week 4, so a first TIS >= 40 at week 4 is counted at week 6 here.
    """
    instance("posterior", posterior, Posterior, "load_posterior()")
    trials = whole("trials", trials, 1, MOST_TRIALS, example=2_000)
    check_effort(seed=seed, workers=1)
    facts = ledger if ledger is not None else load_ledger()
    design = load_design("documents/lim21")
    n = facts.fact("lim21.tis_course.ivig").values_as(Multinomial).n
    prepared = prepare(design.with_n(n), load_scenario("lim21"), posterior)
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
        _checked(fact_id, label, what, printed, n, simulated)
        for fact_id, label, what, printed, simulated in _counts(facts, seen)
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


def _counts(facts: Ledger, seen: Snapshot) -> list[tuple[str, str, str, int, NDArray[np.int64]]]:
    """Return (fact, label, what, printed count, simulated counts (R,)) of each check."""
    tis = seen.tis[:, :, 1:]
    attended = ~np.isnan(tis)
    scores = np.where(attended, tis, -1.0)
    last = attended.sum(axis=2) - 1
    at_end = np.take_along_axis(scores, last[:, :, None], axis=2)[:, :, 0]
    moderate, minimal = scores >= MODERATE, scores >= MINIMAL
    ever = minimal.any(axis=2)

    def count(fact_id: str) -> int:
        return facts.fact(fact_id).values_as(Count).responders

    def label(fact_id: str) -> str:
        return facts.fact(fact_id).label

    first = facts.fact("lim21.tis40_first.ivig").values_as(Times).first_by_week
    cells = facts.fact("lim21.tis_course.ivig").values_as(Multinomial).cells
    by_w9, by_w3 = "lim21.tis40_by_w9.ivig", "lim21.tis40_first.ivig"
    end, lost = "lim21.tis20_at_end.ivig", "lim21.tis20_lost.ivig"
    rescue, worse = "lim21.rescue.ivig", "lim21.deterioration.ivig"
    course = "lim21.tis_course.ivig"
    worsened = _ever_worsened(seen.measures, attended)
    found = [
        (by_w9, label(by_w9), "TIS >= 40 by week 9", count(by_w9), moderate.any(axis=2)),
        (by_w3, label(by_w3), "TIS >= 40 by week 3", first[3], moderate[:, :, 0]),
        (end, label(end), "TIS >= 20 at the end", count(end), at_end >= MINIMAL),
        (course, label(course), "TIS >= 20 ever", sum(cells.values()) - cells["never"], ever),
        (lost, label(lost), "TIS >= 20 reached, lost", count(lost), ever & (at_end < MINIMAL)),
        (rescue, label(rescue), "rescued", count(rescue), seen.rescue_minute >= 0),
        (worse, label(worse), "clinically relevant deterioration", count(worse), worsened),
    ]
    return [(i, name, what, c, flag.sum(axis=1)) for i, name, what, c, flag in found]


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


def _checked(
    fact_id: str, label: str, what: str, printed: int, n: int, simulated: NDArray[np.int64]
) -> dict[str, Any]:
    low, median, high = np.quantile(simulated, [0.025, 0.5, 0.975], method="inverted_cdf")
    tail = 2.0 * min(float((simulated <= printed).mean()), float((simulated >= printed).mean()))
    inner = {
        share: np.quantile(simulated, [0.5 - share / 200, 0.5 + share / 200], method="inverted_cdf")
        for share in (50, 80)
    }
    return {
        "id": fact_id,
        "label": label,
        "what": what,
        "printed": printed,
        "n": n,
        "median": float(median),
        "interval95": [float(low), float(high)],
        "inside50": bool(inner[50][0] <= printed <= inner[50][1]),
        "inside80": bool(inner[80][0] <= printed <= inner[80][1]),
        "inside95": bool(low <= printed <= high),
        "tail": min(1.0, tail),
    }
