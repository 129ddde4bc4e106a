"""Run replicates in batches, on any number of threads; the outcome depends on neither.

The compiled engine releases the interpreter's lock, so threads use all cores without copying
anything. Batches are put together in order of replicate; an interrupted run keeps the batches
finished without a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simtrial.analysis.beta_binomial import is_success, posterior_at, prior_race
from simtrial.cohort import compiled
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
    order of ``HARM_COUNTS``.
    """

    success: NDArray[np.bool_]  # (R, G)
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
        from simtrial.cohort import reference

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
        success = np.zeros((last - first, len(sizes)), np.bool_)
    else:
        better, _ = design.decision.success.arms()
        posterior = posterior_at(
            prior_race(design),
            design.arm_names.index(better),
            seen.arm,
            response,
            np.array(sizes, np.int64),
        )
        success = is_success(posterior, design.decision.success.above)
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
        success=success,
        arm_n=by_arm(np.ones_like(response)),
        responders=by_arm(response),
        assessed=by_arm(assessed),
        observed=by_arm(observed),
        harm=np.stack(harm, axis=2),
        screened=seen.screened,
        last_randomised=seen.randomised_minute.max(axis=1),
        complete=seen.complete,
    )


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
) -> Run:
    """Run replicates first..first+trials-1; neither ``workers`` nor ``chunk`` moves the result.

    Raises
    ------
    KeyboardInterrupt : only when not a single batch was finished.
    """
    if not 0 <= seed < 2**63:
        raise DesignError(f"seed is {seed}; give a whole number from 0 to 2**63 - 1.")
    if trials < 1:
        raise DesignError(f"trials is {trials}; give at least 1, such as 10000.")
    size = chunk or max(1, _BATCH_PATIENTS // max(sizes))
    starts = range(first, first + trials, size)

    def task(start: int) -> Outcomes:
        stop = min(start + size, first + trials)
        return run_replicates(
            prepared, seed=seed, first=start, last=stop, sizes=sizes, engine=engine
        )

    done: list[Outcomes] = []
    interrupted = False
    pool = ThreadPoolExecutor(workers)
    waiting: list[Future[Outcomes]] = []
    try:
        # only a few batches ahead, so that an interrupt does not wait for thousands
        queue = iter(starts)
        for start in queue:
            waiting.append(pool.submit(task, start))
            if len(waiting) >= 2 * workers:
                done.append(waiting.pop(0).result())
                if advance is not None:
                    advance(done[-1].replicates)
        while waiting:
            done.append(waiting.pop(0).result())
            if advance is not None:
                advance(done[-1].replicates)
    except KeyboardInterrupt:
        interrupted = True
        while waiting and waiting[0].done():
            done.append(waiting.pop(0).result())
        if not done:
            raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return Run(outcomes=_join(done), interrupted=interrupted)
