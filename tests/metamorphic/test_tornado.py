"""Changes of an assumption whose effect on the outcome of trials is known exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simtrial.planning.sensitivity import sensitivity
from simtrial.trial.design import load_design
from simtrial.trial.posterior import Posterior, load_posterior

DEMO = load_design("dm_ivig_16w")
POSTERIOR = load_posterior()
DM = "p_response[DM, refractory]"
FEW = {"trials": 150, "n": 60, "seed": 11}


def low_end_at_the_base(name: str) -> Posterior:
    """Return a posterior whose 5 % quantile of one parameter is its point."""
    draws = POSTERIOR.draws[name].copy()
    draws[: draws.size // 5] = POSTERIOR.point[name]
    draws[draws.size // 5 :] = np.quantile(draws, 0.99)
    return replace(POSTERIOR, draws=POSTERIOR.draws | {name: draws})


def assert_nothing_moved(end: dict[str, object], base: dict[str, object]) -> None:
    assert (end["change"], end["change_mcse"], end["gained"], end["lost"]) == (0.0, 0.0, 0, 0)
    assert set(end["rates_change"].values()) == {0.0}
    assert set(end["rates_change_mcse"].values()) == {0.0}
    assert {key: end[key] for key in base} == base


@pytest.mark.parametrize("name", ["loading.mmt", "sd_change.vas", "control.tis20_week16", DM])
def test_an_end_that_is_the_base_changes_nothing_at_all(name: str) -> None:
    held = low_end_at_the_base(name)
    document = sensitivity(DEMO, parameters=[name], posterior=held, **FEW).document
    row = document["rows"][0]
    assert row["low"]["value"] == row["base_value"]
    assert_nothing_moved(row["low"], document["base"])
    assert row["high"]["gained"] + row["high"]["lost"] > 0  # the other end is felt


def test_it_changes_nothing_also_where_the_posterior_counted_the_control_arm_coarsely() -> None:
    """A quick fit counts r0 among few patients; that error must not look like an effect."""
    held = low_end_at_the_base("loading.mmt")
    coarse = held.background["r0"] + 0.03
    held = replace(held, background=held.background | {"r0": coarse})
    document = sensitivity(DEMO, parameters=["loading.mmt"], posterior=held, **FEW).document
    assert_nothing_moved(document["rows"][0]["low"], document["base"])


def test_where_the_drug_does_nothing_its_parameters_change_no_trial() -> None:
    drug = [DM, "depth", "depth_sd", "k_on", "x50", "x50_sd", "h_eff"]
    document = sensitivity(DEMO, parameters=drug, metric="type1", **FEW).document
    assert len(document["rows"]) == 7
    for row in document["rows"]:
        assert_nothing_moved(row["low"], document["base"])
        assert_nothing_moved(row["high"], document["base"])


def test_more_who_respond_never_lose_a_responder_and_raise_the_power() -> None:
    document = sensitivity(DEMO, parameters=[DM], **FEW).document
    low, high = document["rows"][0]["low"], document["rows"][0]["high"]
    # one uniform decides response, so trials only gain when its chance rises; placebo feels nothing
    assert low["gained"] == 0
    assert high["lost"] == 0
    assert low["lost"] > 10
    assert high["gained"] > 0
    for end in (low, high):
        assert end["rates_change"]["placebo"] == 0.0
    assert low["rates_change"]["ivig"] < -0.05 < 0.03 < high["rates_change"]["ivig"]


def test_neither_workers_nor_chunks_nor_company_move_a_row() -> None:
    both = sensitivity(DEMO, parameters=["x50", "depth"], workers=2, chunk=7, **FEW).document
    alone = sensitivity(DEMO, parameters=["x50"], **FEW).document
    assert alone["rows"][0] == next(r for r in both["rows"] if r["parameter"] == "x50")
    assert alone["base"] == both["base"]
