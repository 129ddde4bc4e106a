"""Run replicates in batches, on any number of threads; the outcome depends on neither.

The compiled engine releases the interpreter's lock, so threads use all cores without copying
anything. Batches are put together in order of replicate; an interrupted run keeps the batches
finished without a gap. With a store, batches that it holds are read, and new ones are written as
they finish.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from simtrial.analysis.decide import Decided, decide
from simtrial.cohort.compiled import engine as compiled
from simtrial.core.errors import DesignError
from simtrial.endpoints.harm import count_harm
from simtrial.endpoints.responder import composite_response, observed_response
from simtrial.operating.prepare import Prepared

Engine = Literal["compiled", "reference"]
# courses given, courses with a reaction; then patients with at least one of each
HARM_COUNTS = ("courses", "reaction_courses", "reaction", "thromboembolism", "serious", "stopped")
_BATCH_PATIENTS = 30_000


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """What is kept of each replicate. R replicates, G sample sizes, A arms.

    ``n, responders, assessed, observed`` are at the largest size: patients, responders (composite),
    patients assessed for the endpoint and responders among them as measured. So is ``harm``, in the
    order of ``HARM_COUNTS``. All count a trial to its full size, though it may have ended at a look
    before; ``last_randomised`` is of the last patient who was analysed when it ended.
    """

    success: NDArray[np.bool_]  # (R, G)
    look: NDArray[np.int64]  # (R,) where the trial of the largest size ended, from 0
    arm_n: NDArray[np.int64]  # (R, A)
    responders: NDArray[np.int64]  # (R, A)
    assessed: NDArray[np.int64]  # (R, A)
    observed: NDArray[np.int64]  # (R, A)
    harm: NDArray[np.int64]  # (R, A, 6)
    screened: NDArray[np.int64]  # (R,)
    last_randomised: NDArray[np.int64]  # (R,) minute since the first site opened
    complete: NDArray[np.bool_]  # (R,)

    @property
    def replicates(self) -> int:
        """The number of replicates."""
        return int(self.complete.shape[0])


def _join(parts: Sequence[Outcomes]) -> Outcomes:
    return Outcomes(
        **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Outcomes)}
    )


def run_replicates(
    prepared: Prepared,
    *,
    seed: int,
    first: int,
    last: int,
    sizes: Sequence[int],
    engine: Engine = "compiled",
) -> Outcomes:
    """Simulate and analyse replicates first..last-1 at every sample size, on nested prefixes.

    The first n patients of the largest trial are the trial of n, so one simulation serves all.
    """
    design, protocol = prepared.design, prepared.protocol
    if engine == "compiled":
        run = compiled.run
    else:
        from simtrial.cohort.reference import engine as reference

        run = reference.run
    most = max(sizes)
    seen = run(
        protocol,
        prepared.table,
        prepared.arrivals._replace(
            most_candidates=int(np.ceil(20.0 * most / prepared.eligible_share)) + 1_000
        ),
        seed=seed,
        first=first,
        last=last,
        n=most,
    ).seen
    response = composite_response(seen, design)
    if design.decision is None:
        shape = (last - first, len(sizes))
        decided = Decided(success=np.zeros(shape, np.bool_), look=np.zeros(shape, np.int64))
    else:
        decided = decide(design, seen.arm, response, sizes)
    observed, assessed = observed_response(seen, design)
    arms = range(len(design.arms))

    def by_arm(flag: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.stack([(flag & (seen.arm == a)).sum(axis=1) for a in arms], axis=1)

    harmed = count_harm(seen)

    def total_by_arm(number: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.stack([np.where(seen.arm == a, number, 0).sum(axis=1) for a in arms], axis=1)

    harm = [
        total_by_arm(seen.courses),
        total_by_arm(harmed.reactions),
        by_arm(harmed.reactions > 0),
        by_arm(harmed.thromboembolisms > 0),
        by_arm(harmed.serious > 0),
        by_arm(harmed.stopped),
    ]
    return Outcomes(
        success=decided.success,
        look=decided.look[:, -1],
        arm_n=by_arm(np.ones_like(response)),
        responders=by_arm(response),
        assessed=by_arm(assessed),
        observed=by_arm(observed),
        harm=np.stack(harm, axis=2),
        screened=seen.screened,
        last_randomised=_last_analysed(
            seen.randomised_minute, np.array(design.look_sizes(most))[decided.look[:, -1]]
        ),
        complete=seen.complete,
    )


def _last_analysed(randomised: NDArray[np.int64], n: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (R,) when the last of the first n patients of each trial was randomised."""
    among = np.arange(randomised.shape[1])[None, :] < n[:, None]
    return np.asarray(np.where(among, randomised, -1).max(axis=1), np.int64)


class KeptSeries(Protocol):
    """The kept replicates of one series, each known by its number."""

    def read(self, first: int, last: int) -> Mapping[int, Outcomes]:
        """Return what is held of replicates first..last-1, by first replicate, no two alike."""

    def write(self, first: int, outcomes: Outcomes) -> None:
        """Keep a batch that starts at a replicate; called from any thread."""


class Keeper(Protocol):
    """Where replicates are kept between runs; ``simtrial.operating.store`` keeps them on disk."""

    def series(
        self, prepared: Prepared, *, seed: int, sizes: Sequence[int], engine: Engine
    ) -> KeptSeries:
        """Return the series whose replicates all of this decides."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """Outcomes of a run, and whether it was interrupted before its end."""

    outcomes: Outcomes
    interrupted: bool


def run_all(
    prepared: Prepared,
    *,
    seed: int,
    trials: int,
    sizes: Sequence[int],
    first: int = 0,
    workers: int = 1,
    chunk: int | None = None,
    engine: Engine = "compiled",
    advance: Callable[[int], None] | None = None,
    store: Keeper | None = None,
) -> Run:
    """Run replicates first..first+trials-1; neither ``workers`` nor ``chunk`` moves the result.

    Parameters
    ----------
    advance : told of each batch, and at once of what the store holds already.
    store : where replicates are read from and new ones are added.

    Raises
    ------
    KeyboardInterrupt : only when not a single batch was finished.
    """
    if not 0 <= seed < 2**63:
        raise DesignError(f"seed is {seed}; give a whole number from 0 to 2**63 - 1.")
    if trials < 1:
        raise DesignError(f"trials is {trials}; give at least 1, such as 10000.")
    size = chunk or max(1, _BATCH_PATIENTS // max(sizes))
    last = first + trials
    kept = None
    if store is not None:
        kept = store.series(prepared, seed=seed, sizes=sizes, engine=engine)
    done = {} if kept is None else dict(kept.read(first, last))
    if advance is not None and done:
        advance(sum(batch.replicates for batch in done.values()))

    def task(start: int, stop: int) -> Outcomes:
        outcomes = run_replicates(
            prepared, seed=seed, first=start, last=stop, sizes=sizes, engine=engine
        )
        if kept is not None:
            kept.write(start, outcomes)  # here, since an interrupt only reaches the main thread
        return outcomes

    interrupted = False
    pool = ThreadPoolExecutor(workers)
    waiting: dict[int, Future[Outcomes]] = {}

    def collect() -> None:
        start = next(iter(waiting))
        done[start] = waiting[start].result()
        del waiting[start]  # after it is done: an interrupt in between loses nothing
        if advance is not None:
            advance(done[start].replicates)

    try:
        # only a few batches ahead, so that an interrupt does not wait for thousands
        for low, high in missing(done, first, last):
            for start in range(low, high, size):
                waiting[start] = pool.submit(task, start, min(start + size, high))
                if len(waiting) >= 2 * workers:
                    collect()
        while waiting:
            collect()
    except KeyboardInterrupt:
        interrupted = True
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    for start, future in waiting.items():  # an interrupted run's last batches
        if not future.cancelled() and future.exception() is None:
            done[start] = future.result()
    batches = _without_gap(done, first)
    if not batches:
        raise KeyboardInterrupt
    return Run(outcomes=_join(batches), interrupted=interrupted)


def missing(done: Mapping[int, Outcomes], first: int, last: int) -> list[tuple[int, int]]:
    """Return the ranges (from, up to and without) of first..last-1 that no batch holds."""
    holes = []
    at = first
    for start in sorted(done):
        if start > at:
            holes.append((at, start))
        at = start + done[start].replicates
    return [*holes, (at, last)] if at < last else holes


def _without_gap(done: Mapping[int, Outcomes], first: int) -> list[Outcomes]:
    batches: list[Outcomes] = []
    at = first
    while at in done:
        batches.append(done[at])
        at += done[at].replicates
    return batches
