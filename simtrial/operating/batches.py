"""Share the replicates of simulated outcomes among threads, in batches that move no result."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

Advance = Callable[[int], None]
_BATCH = 500


def _batches(trials: int) -> list[tuple[int, int]]:
    return [(low, min(low + _BATCH, trials)) for low in range(0, trials, _BATCH)]


def over_batches[T](
    work: Callable[[int, int], T], trials: int, workers: int, advance: Advance
) -> tuple[list[T], bool]:
    """Return what each batch gives, in order, and whether an interrupt came before the last.

    Raises
    ------
    KeyboardInterrupt : only when not a single batch was finished.
    """
    done = []
    with ThreadPoolExecutor(workers) as pool:
        waiting = [(low, high, pool.submit(work, low, high)) for low, high in _batches(trials)]
        try:
            for low, high, future in waiting:
                done.append(future.result())
                advance(high - low)
        except KeyboardInterrupt:
            pool.shutdown(wait=True, cancel_futures=True)
            if not done:
                raise
            return done, True
    return done, False
