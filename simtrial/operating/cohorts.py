"""Run replicates and keep every patient: what is seen, and what is so."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.cut import cut
from simtrial.cohort.protocol import Protocol
from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Cohort, Truth
from simtrial.core.errors import DesignError
from simtrial.operating.prepare import Prepared
from simtrial.operating.replicates import Engine

# small enough that a batch ends soon after an interrupt and bars move
_BATCH_PATIENTS = 30_000


def run_cohort(
    prepared: Prepared,
    *,
    seed: int,
    trials: int,
    workers: int = 1,
    engine: Engine = "compiled",
    advance: Callable[[int], None] | None = None,
) -> Cohort:
    """Return replicates 0..trials-1 of the design at its sample size.

    These are the patients that ``run_replicates`` counts under the same seed. Neither ``workers``
    nor ``engine`` moves a bit.

    Parameters
    ----------
    advance : told how many replicates were finished, each time some were.

    Raises
    ------
    DesignError : when the seed or the number of trials lies outside its range.
    """
    if not 0 <= seed < 2**63:
        raise DesignError(f"seed is {seed}; give a whole number from 0 to 2**63 - 1.")
    if trials < 1:
        raise DesignError(f"trials is {trials}; give at least 1, such as 10.")
    if engine == "compiled":
        run = compiled.run
    else:
        from simtrial.cohort.reference import engine as reference

        run = reference.run
    n = prepared.design.sample_size.n
    size = max(1, _BATCH_PATIENTS // n)

    def task(start: int) -> Cohort:
        return run(
            prepared.protocol,
            prepared.table,
            prepared.arrivals,
            seed=seed,
            first=start,
            last=min(start + size, trials),
            n=n,
        )

    pool = ThreadPoolExecutor(workers)
    parts = []
    try:
        for part in pool.map(task, range(0, trials, size)):
            parts.append(part)
            if advance is not None:
                advance(int(part.seen.arm.shape[0]))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return parts[0] if len(parts) == 1 else _joined(parts)


def cut_cohort(cohort: Cohort, minute: int, protocol: Protocol) -> Cohort:
    """Return a cohort as it was at a calendar minute; of the truth, visits not seen are blank."""
    seen = cut(cohort.seen, minute, protocol)
    unseen = seen.visit_minute < 0
    benefits = ("drug_benefit", "background_benefit")
    blank = {name: np.where(unseen, np.nan, getattr(cohort.truth, name)) for name in benefits}
    return Cohort(seen=seen, truth=cohort.truth._replace(**blank))


def slice_of(cohort: Cohort, start: int, stop: int) -> Cohort:
    """Return replicates start..stop-1 of a cohort, without copying."""
    truth = {name: array[start:stop] for name, array in cohort.truth._asdict().items()}
    return Cohort(seen=trials_of(cohort.seen, start, stop), truth=cohort.truth._replace(**truth))


def trials_of(seen: Snapshot, start: int, stop: int) -> Snapshot:
    """Return rows start..stop-1 of a snapshot, without copying."""
    return seen._replace(**{name: array[start:stop] for name, array in seen._asdict().items()})


def _joined(parts: list[Cohort]) -> Cohort:
    """Put batches together, field by field, and empty ``parts``: the batches are let go."""
    seen = [part.seen._asdict() for part in parts]
    truth = [part.truth._asdict() for part in parts]
    parts.clear()
    return Cohort(
        seen=Snapshot(**{name: _field(seen, name) for name in Snapshot._fields}),
        truth=Truth(**{name: _field(truth, name) for name in Truth._fields}),
    )


def _field(batches: list[dict[str, Any]], name: str) -> Any:
    return np.concatenate([batch.pop(name) for batch in batches])
