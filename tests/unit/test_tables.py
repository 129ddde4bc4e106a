"""Paths of document 002 by hand, and the splines that carry them into the model."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.synthesis.model import _spline_weights, facts_of
from simtrial.synthesis.tables import CELLS, K_ON_NODES, path_shares

EARLY, LATE = 9 / 19, 10 / 19  # analysed patients without and with the visit at week 4


def chance_of(tis: list[float], q: float) -> dict[str, tuple[float, float]]:
    """Return cell -> (chance unrescued, chance rescued) of one patient under rescue chance q."""
    shares = path_shares(np.array([tis]))
    survive = (1 - q) ** np.arange(4)
    return {
        cell: (float(shares[i, 0] @ survive), float(q * shares[i, 1] @ survive))
        for i, cell in enumerate(CELLS)
    }


def test_every_path_ends_in_exactly_one_cell():
    tis = np.random.default_rng(3).choice([0.0, 25.0, 45.0], size=(500, 4))
    shares = path_shares(tis)
    for q in (0.0, 0.2, 0.9):
        survive = (1 - q) ** np.arange(4)
        total = (shares[:, 0] @ survive).sum() + q * (shares[:, 1] @ survive).sum()
        assert total == pytest.approx(1.0, abs=1e-12)


def test_a_first_40_at_week_4_counts_at_week_6_for_those_without_that_visit():
    found = chance_of([25.0, 45.0, 45.0, 45.0], q=0.3)
    assert found["tis40_first_w4"] == pytest.approx((LATE, 0.0))
    assert found["tis40_first_w6"] == pytest.approx((EARLY, 0.0))


def test_a_patient_never_at_20_is_rescued_at_the_first_visit_with_chance_q():
    found = chance_of([0.0, 0.0, 0.0, 0.0], q=0.3)
    unrescued = EARLY * 0.7**2 + LATE * 0.7**3  # the last visit rescues nobody
    assert found["never"] == pytest.approx((unrescued, 1 - unrescued))


def test_20_reached_and_lost_before_rescue_counts_as_lost():
    found = chance_of([25.0, 25.0, 0.0, 0.0], q=0.5)
    assert found["tis20_lost"] == pytest.approx((0.5, 0.5))


def test_rescue_before_40_takes_the_later_40_away():
    found = chance_of([0.0, 0.0, 45.0, 45.0], q=0.5)
    assert found["tis40_first_w6"][0] == pytest.approx(EARLY * 0.5 + LATE * 0.25)
    assert found["never"][1] == pytest.approx(EARLY * 0.5 + LATE * 0.75)


def test_20_held_to_the_end_is_kept():
    assert chance_of([0.0, 25.0, 25.0, 25.0], q=0.0)["tis20_kept"] == pytest.approx((1.0, 0.0))


def test_splines_pass_through_their_nodes():
    for i in (0, 5, 11):
        weights = _spline_weights(np.log(K_ON_NODES[i]), K_ON_NODES).eval()
        np.testing.assert_allclose(weights, np.eye(12)[i], atol=1e-12)


def test_splines_reproduce_a_straight_line_between_nodes_and_stop_at_the_ends():
    values = np.log(K_ON_NODES)
    for x in np.log([0.07, 0.5, 2.2]):
        assert float(_spline_weights(x, K_ON_NODES).eval() @ values) == pytest.approx(x, abs=1e-9)
    beyond = _spline_weights(np.log(40.0), K_ON_NODES).eval()
    np.testing.assert_allclose(beyond, np.eye(12)[-1], atol=1e-12)


def test_fitted_counts_are_those_of_the_ledger():
    from simtrial.evidence.ledger import load_ledger

    facts = facts_of(load_ledger())
    assert facts.cells.tolist() == [6, 1, 1, 0, 1, 3, 7]
    assert facts.rescued == 7
    np.testing.assert_allclose(facts.mix * 19, [8, 0, 6, 1, 4])
    assert facts.improved.tolist() == [0, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0]
    assert facts.subtype.tolist() == [0] * 5 + [1] * 2 + [4] * 4 + [5] * 5
