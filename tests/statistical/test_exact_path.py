"""The patient-level simulator against the exact path, where response is the latent class itself.

The design, its looks and its rules go through both: simulated patients decided at every look, and
the sum over all trials that can be. False alarm of every check: 1e-6, both sides together, from
exact binomial tails. Settings, seeds and numbers of trials were written down before anything was
run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from simtrial.operating.exact import characteristics, solve_exactly
from simtrial.operating.replicates import run_all
from simtrial.trial.design import Design
from simtrial.trial.outcomes import OutcomeScenario
from tests.statistical.cohorts import WORKERS, demo, ready
from tests.statistical.exact import assert_count
from tests.statistical.test_success import CLASS_IS_RESPONSE, assert_response_is_the_class

TRIALS = 20_000
BAYES = {"method": "beta_binomial", "prior": {"placebo": [1, 1], "ivig": [1, 1]}}
ABOVE = {"success": {"probability_of": "ivig > placebo", "above": 0.975}}
THREE = [{"information": 0.34}, {"information": 0.66}, {"information": 1.0}]
TEST = {"test_of": "ivig > placebo", "alpha": 0.025}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A design whose response in each arm is known."""

    name: str
    seed: int
    n: int = 94
    p_response: float = 0.35
    p_background: float = 0.3
    ratio: tuple[int, int] = (1, 1)  # placebo, ivig
    blocks: tuple[int, ...] = (4,)
    analysis: dict[str, Any] = field(default_factory=lambda: BAYES)
    decision: dict[str, Any] = field(default_factory=lambda: ABOVE)
    looks: list[dict[str, float]] = field(default_factory=lambda: [{"information": 1.0}])


SETTINGS = [
    Setting(name="fixed", seed=1_201),
    Setting(
        name="null",
        seed=1_202,
        p_response=0.0,
        decision={"success": {**ABOVE["success"], "above": 0.9}},
    ),
    Setting(name="odd n, random blocks", seed=1_203, n=51, blocks=(2, 4, 6)),
    Setting(name="two to one", seed=1_204, n=70, ratio=(1, 2), blocks=(3, 6)),
    Setting(
        name="margin and a second criterion",
        seed=1_205,
        n=120,
        p_response=0.5,
        decision={
            "success": {
                "probability_of": "ivig > placebo",
                "above": 0.975,
                "and_also": {"probability_of": "ivig > placebo + 0.15", "above": 0.8},
            }
        },
    ),
    Setting(
        name="mixture prior of the control",
        seed=1_206,
        n=66,
        analysis={
            "method": "beta_binomial",
            "prior": {"placebo": [[0.8, 6, 14], [0.2, 1, 1]], "ivig": [1, 1]},
        },
    ),
    Setting(name="Fisher", seed=1_207, analysis={"method": "fisher"}, decision={"success": TEST}),
    Setting(name="three looks", seed=1_208, looks=THREE),
    Setting(
        name="three looks, a level each",
        seed=1_209,
        n=61,
        blocks=(2, 4),
        looks=THREE,
        decision={"success": {**ABOVE["success"], "above": [0.995, 0.99, 0.97]}},
    ),
    Setting(
        name="futility by prediction",
        seed=1_210,
        looks=THREE,
        p_response=0.2,
        decision={**ABOVE, "futility": {"predictive_probability_below": 0.1}},
    ),
    Setting(
        name="O'Brien-Fleming z, futility",
        seed=1_211,
        n=150,
        ratio=(1, 2),
        blocks=(3,),
        looks=[{"information": share} for share in (0.25, 0.5, 0.75, 1.0)],
        analysis={"method": "z_test"},
        decision={
            "success": {**TEST, "boundary": {"kind": "lan_demets_obrien_fleming"}},
            "futility": {"z_below": 0.0},
        },
    ),
    Setting(
        name="Pocock, Fisher",
        seed=1_212,
        p_response=0.6,
        n=60,
        looks=THREE,
        analysis={"method": "fisher"},
        decision={"success": {**TEST, "boundary": {"kind": "pocock"}}},
    ),
]


def design_of(setting: Setting) -> Design:
    placebo, ivig = setting.ratio
    return demo(
        allocation={
            "ratio": {"placebo": placebo, "ivig": ivig},
            "method": "permuted_blocks",
            "block_sizes": list(setting.blocks),
        },
        intercurrent={},
        endpoint={"measure": "tis_at_least", "threshold": 2.5, "at_week": 16},
        analysis=setting.analysis,
        decision=setting.decision,
        looks=setting.looks,
        sample_size={"n": setting.n},
    )


# Per setting one check of success and two of each look (success there, futility there): 12 of
# success and at most 56 in all. Near a power of 0.5 each sees a shift of 2.3 points with
# probability 0.95: an arm or a prior exchanged, a look at other patients, a level of another look,
# futility asked before success or at the last look, a margin with the wrong sign, arm sizes taken
# as planned where blocks are open.
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_simulated_patients_agree_with_the_exact_path(setting):
    design = design_of(setting)
    replaced = {
        **CLASS_IS_RESPONSE,
        "p_response.DM": setting.p_response,
        "p_background": setting.p_background,
    }
    prepared = ready(design, "point", replaced)
    assert_response_is_the_class(prepared, setting.seed)
    found = run_all(
        prepared, seed=setting.seed, trials=TRIALS, sizes=[setting.n], workers=WORKERS
    ).outcomes
    assert found.complete.all()
    ivig = 1.0 - (1.0 - setting.p_response) * (1.0 - setting.p_background)
    truth = OutcomeScenario.model_validate(
        {"outcomes": {"placebo": setting.p_background, "ivig": ivig}}
    )
    solved = solve_exactly(design, truth, setting.n)
    assert solved is not None
    exact = characteristics(design, truth, solved)
    success = found.success[:, 0]
    what = f"{setting.name}, seed {setting.seed}"
    assert_count(int(success.sum()), TRIALS, exact.power, what=f"success, {what}")
    last = len(setting.looks) - 1
    for k in range(last + 1):
        here = found.look == k
        hits = int((here & success).sum())
        assert_count(hits, TRIALS, float(exact.success[k]), what=f"success at look {k}, {what}")
        if k < last:
            lost = int((here & ~success).sum())
            chance = float(exact.futility[k])
            assert_count(lost, TRIALS, chance, what=f"futility at look {k}, {what}")
    planned = np.array(design.look_sizes(), np.float64)
    spread = np.sqrt(exact.stopping @ (planned - exact.expected_n) ** 2)
    # 4.9 standard errors: 1e-6; the means of 20,000 are normal as near as makes no difference
    error = 4.9 * spread / np.sqrt(TRIALS) + 1e-9
    assert planned[found.look].mean() == pytest.approx(exact.expected_n, abs=float(error), rel=0.0)
