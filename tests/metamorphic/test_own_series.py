"""A series of one's own moves what it is about, towards what it saw, and makes it surer.

Each is a fit of the shipped documents and one more, half a minute each.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from simtrial.evidence.ledger import load_with
from simtrial.synthesis.fit import diagnose, require_convergence, sample
from simtrial.synthesis.priors import load_priors
from tests.workflow.own_cases import HEAD, PROTOCOL, fact

pytestmark = pytest.mark.verify

# sampling errors of medians and spreads stay below 0.01; what is asserted is several times that
PATIENTS = 4_000
DM = "p_response[DM, refractory]"


def series(responders: int, quantity: str) -> str:
    return HEAD + fact(
        f"{quantity}.dm", "O1", 3, f"{responders} 40", "count",
        f"{{n: 40, responders: {responders}}}", more="    subtype: DM\n",
    )  # fmt: skip


@cache
def fitted(responders: int | None, quantity: str = "response") -> dict[str, np.ndarray]:
    with TemporaryDirectory() as folder:
        own = Path(folder) / "own26.yaml"
        if responders is not None:
            own.write_text(series(responders, quantity), encoding="utf-8")
            (Path(folder) / "own26_protocol.yaml").write_text(PROTOCOL, encoding="utf-8")
        ledger = load_with([] if responders is None else [own])
        tree = sample(ledger, load_priors(), seed=4_711, patients_per_node=PATIENTS)
    require_convergence(diagnose(tree))
    return {
        str(k): np.asarray(v).ravel()
        for k, v in tree["posterior"].data_vars.items()
        if str(k).startswith("p_response")
    }


def width(draws: np.ndarray) -> float:
    low, high = np.quantile(draws, [0.05, 0.95])
    return float(high - low)


@pytest.mark.parametrize("quantity", ["response", "tis20"])
def test_thirty_six_of_forty_raise_the_response_they_are_about_and_make_it_surer(quantity):
    before, after = fitted(None)[DM], fitted(36, quantity)[DM]
    assert np.median(after) > np.median(before) + 0.1
    assert width(after) < 0.8 * width(before)


@pytest.mark.parametrize("quantity", ["response", "tis20"])
def test_four_of_forty_lower_it_and_make_it_surer(quantity):
    before, after = fitted(None)[DM], fitted(4, quantity)[DM]
    assert np.median(after) < np.median(before) - 0.3
    assert width(after) < 0.8 * width(before)


def test_other_subtypes_follow_less_and_inclusion_body_myositis_not_at_all():
    before, after = fitted(None), fitted(4)
    moved = {k: float(np.median(before[k]) - np.median(after[k])) for k in before}
    assert moved[DM] > moved["p_response[PM, refractory]"] > 0.05
    assert abs(moved["p_response[IBM]"]) < 0.03
