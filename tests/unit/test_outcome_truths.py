"""Designs and truths of outcomes alone, at the edges: cut decimals, sizes beyond tables, names."""

from __future__ import annotations

from typing import Any

import pytest

from simtrial.operating.exact import metric_name, solve_exactly
from simtrial.operating.outcome_rows import outcome_row
from simtrial.trial.outcome_design import OutcomeDesign
from simtrial.trial.outcomes import OutcomeScenario

RULE = {"success": {"probability_of": "treated > control", "above": 0.975}}
FLAT = {"control": (1, 1), "treated": (1, 1)}
RATES = OutcomeScenario.model_validate({"outcomes": {"control": 0.3, "treated": 0.55}})
# thirds as a file has them: short of 1 by 1e-7
THIRDS = ((0.3333333, 1, 1), (0.3333333, 4, 6), (0.3333333, 2, 2))
EXACT_THIRDS = tuple((1 / 3, a, b) for _, a, b in THIRDS)


def binary(n: int = 40, prior: dict[str, Any] = FLAT, **allocation: Any) -> OutcomeDesign:
    how = {"method": "permuted_blocks", "block_sizes": [4]} | allocation
    return OutcomeDesign.model_validate(
        {
            "title": "edge",
            "arms": ["control", "treated"],
            "allocation": {"ratio": {"control": 1, "treated": 1}} | how,
            "endpoint": {"measure": "response"},
            "analysis": {"method": "beta_binomial", "prior": prior},
            "decision": RULE,
            "sample_size": {"n": n},
        }
    )


def power(design: OutcomeDesign, scenario: OutcomeScenario) -> float:
    row, _ = outcome_row(design, scenario, "s", seed=1, trials=2)
    assert row["exact"]
    return float(next(iter(row["metrics"].values()))["estimate"])


# 1e-7 of weight moves no power by more
def test_weights_of_an_analysis_prior_may_be_cut_decimals() -> None:
    cut, whole = (binary(prior={**FLAT, "treated": t}) for t in (THIRDS, EXACT_THIRDS))
    assert power(cut, RATES) == pytest.approx(power(whole, RATES), abs=1e-7)


def test_weights_of_a_prior_of_the_truth_may_be_cut_decimals() -> None:
    cut, whole = (
        OutcomeScenario.model_validate({"outcomes": {"control": {"mixture": t}, "treated": 0.5}})
        for t in (THIRDS, EXACT_THIRDS)
    )
    assert power(binary(), cut) == pytest.approx(power(binary(), whole), abs=1e-7)


# such shares were once taken for more strata than can be followed, and simulated
def test_shares_of_strata_may_be_cut_decimals() -> None:
    design = binary(strata=["severity"])
    cut, whole = (
        RATES.model_copy(update={"strata": dict.fromkeys("abc", share)})
        for share in (0.3333333, 1 / 3)
    )
    assert power(design, cut) == pytest.approx(power(design, whole), abs=1e-7)


def test_what_tables_do_not_reach_is_simulated() -> None:
    assert solve_exactly(binary(400), RATES, 400) is not None
    assert solve_exactly(binary(12_000), RATES, 12_000) is None
    alone = binary(3_000, method="simple", block_sizes=[])
    assert solve_exactly(alone, RATES, 3_000) is None


@pytest.mark.parametrize(
    ("treated", "name"),
    [
        ({"ratio": 1.0, "to": "control"}, "type1"),
        ({"ratio": 1.3, "to": "control"}, "type1"),
        ({"pieces": [{"from_day": 0, "rate": 0.002}, {"from_day": 90, "rate": 0.002}]}, "type1"),
        ({"ratio": 0.7, "to": "control"}, "power"),
        ({"pieces": [{"from_day": 0, "rate": 0.002}, {"from_day": 90, "rate": 0.001}]}, "power"),
    ],
)
def test_success_without_a_benefit_is_called_an_error(treated: Any, name: str) -> None:
    design = OutcomeDesign.model_validate(
        {
            "title": "edge",
            "arms": ["control", "treated"],
            "allocation": {
                "ratio": {"control": 1, "treated": 1},
                "method": "permuted_blocks",
                "block_sizes": [2],
            },
            "accrual": {"rates": [{"patients_per_month": 10}]},
            "endpoint": {"measure": "time_to_event"},
            "analysis": {"method": "logrank"},
            "decision": {"success": {"test_of": "treated < control", "alpha": 0.025}},
            "looks": [{"events": 20}],
            "sample_size": {"n": 40},
        }
    )
    truth = {"hazards_per_day": {"control": 0.002, "treated": treated}}
    assert metric_name(design, OutcomeScenario.model_validate(truth)) == name
