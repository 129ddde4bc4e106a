"""Cohorts kept for the tests of one module are let go when it is done: together they take 10 GB."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def _let_cohorts_go(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    for kept in vars(request.module).values():
        clear = getattr(kept, "cache_clear", None)
        if callable(clear) and str(getattr(kept, "__module__", "")).startswith("tests."):
            clear()
