"""Print a digest of random trials, and one of the C library: run in a process of its own."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace

from simtrial.cohort.compiled import engine as compiled
from tests.agreement.random_designs import whole_trial

SEEDS = range(12)


def digest_of_trials() -> str:
    """Return a digest of every column of one replicate of each of some random trials."""
    together = hashlib.sha256()
    for seed in SEEDS:
        trial = whole_trial(seed)
        one = replace(trial, last=trial.first + 1, given=trial.given[:1])
        cohort = one.simulate(compiled.run)
        for column in (*cohort.seen, *cohort.truth):
            together.update(column.tobytes())
    return together.hexdigest()


def digest_of_library() -> str:
    """Return a digest of exponentials of the C library, which differ with its machine code."""
    values = [math.exp(i * 1.7e-4 - 3.0) for i in range(100_000)]
    return hashlib.sha256(repr(values).encode()).hexdigest()


if __name__ == "__main__":
    print(digest_of_trials(), digest_of_library())
