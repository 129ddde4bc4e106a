"""What the statistical tests simulate: variants of the demo design, and cohorts of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.truth import Cohort
from simtrial.operating.prepare import Prepared, prepare
from simtrial.trial.design import Design, load_design, revalidated
from simtrial.trial.posterior import load_posterior
from simtrial.trial.scenario import Scenario

WORKERS = 2
NO_NOISE = dict.fromkeys(
    ("sd_change.vas", "sd_change.haq", "sd_change.mmt", "sd_change.enzyme"), 0.0
)
# the settings of these tests have no harm unless they say so
NO_HARM = {
    name: 0.0
    for name in (
        *("reaction.per_course[ivig]", "reaction.per_course[placebo]"),
        *("thromboembolism.per_course", "thromboembolism.per_year"),
        *("serious.per_course[ivig]", "serious.per_course[placebo]"),
        *("meningitis.per_course", "haemolysis.per_course", "infection.per_year"),
        *("steroid_toxicity.per_year_10mg", "progression.per_year"),
        *("cancer.per_year[DM]", "death.per_year[others]"),
    )
}


def demo(**changes: object) -> Design:
    """Return the demo design with some top-level parts replaced."""
    return revalidated(load_design("dm_ivig_16w"), changes)


def ready(design: Design, source: str, replaced: Mapping[str, float] | None = None) -> Prepared:
    """Return a design prepared under a scenario with some parameters replaced, without harm."""
    scenario = Scenario.model_validate({"from": source, "set": {**NO_HARM, **(replaced or {})}})
    return prepare(design, scenario, load_posterior())


def simulate(prepared: Prepared, *, seed: int, first: int, last: int, n: int) -> Cohort:
    """Simulate trials first..last-1 of ``n`` patients each, all of them filled."""
    most = int(20 * n / prepared.eligible_share) + 1_000
    cohort = compiled.run(
        prepared.protocol,
        prepared.table,
        prepared.arrivals._replace(most_candidates=most),
        seed=seed,
        first=first,
        last=last,
        n=n,
    )
    assert cohort.seen.complete.all()
    return cohort


def over_batches[T](
    prepared: Prepared, count: Callable[[Cohort], T], *, seed: int, batches: int, n: int
) -> Iterator[T]:
    """Yield ``count`` of each of many cohorts of ``n`` patients; cohorts are not kept."""
    with ThreadPoolExecutor(WORKERS) as pool:
        yield from pool.map(
            lambda b: count(simulate(prepared, seed=seed, first=b, last=b + 1, n=n)),
            range(batches),
        )
