"""Simulated success against exact sums over outcomes.

False alarm of every check: 1e-6, both sides together, from exact binomial tails. A check is one
call of ``assert_count``; a test that makes several says so. Designs, seeds and numbers of trials
were written down before anything was run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Cohort
from simtrial.endpoints.responder import composite_response
from simtrial.operating.prepare import Prepared
from simtrial.operating.replicates import run_all
from simtrial.trial.design import Design
from tests.statistical.cohorts import NO_NOISE, WORKERS, demo, over_batches, ready, simulate
from tests.statistical.exact import (
    FALSE_ALARM,
    Blocks,
    Rule,
    assert_count,
    better_arm_sizes,
    corners,
    exact_interval,
    exact_power,
    stratified_power,
)

PLACEBO, IVIG = 0, 1
DEMO_BLOCKS, DEMO_RULE = Blocks(), Rule()


# --- response known: it is the latent class -----------------------------------------------------

# Neither noise nor losses, and benefit complete and at once: TIS tells the classes apart.
CLASS_IS_RESPONSE = {
    **NO_NOISE,
    "depth": 1.0,
    "depth_sd": 0.0,
    "x50": 1e-6,
    "x50_sd": 0.0,
    "k_on": 1e5,
    "background_depth": 1.0,
    "k_background": 1e5,
    "dropout_16_weeks": 0.0,
}


@dataclass(frozen=True, kw_only=True)
class Known:
    """A design whose response in each arm is known, to be run at several sample sizes."""

    name: str
    p_response: float
    sizes: tuple[int, ...]
    blocks: Blocks = DEMO_BLOCKS
    rule: Rule = DEMO_RULE
    p_background: float = 0.0
    seed: int

    @property
    def p_ivig(self) -> float:
        return 1.0 - (1.0 - self.p_response) * (1.0 - self.p_background)


TWO_TO_ONE = (2, 1)
KNOWN = [
    # 12 settings (sizes count) in which placebo never responds
    Known(name="demo_rule", p_response=0.2, sizes=(16, 30, 47, 94), seed=101),
    Known(name="blocks_2_4", p_response=0.4, sizes=(15, 30), blocks=Blocks(sizes=(2, 4)), seed=102),
    Known(
        name="two_to_one",
        p_response=0.6,
        sizes=(16,),
        blocks=Blocks(ratio=TWO_TO_ONE, sizes=(6,)),
        rule=Rule(above=0.95),
        seed=103,
    ),
    Known(
        name="above_0.9",
        p_response=0.1,
        sizes=(47,),
        blocks=Blocks(sizes=(6,)),
        rule=Rule(above=0.9),
        seed=104,
    ),
    Known(
        name="two_to_one_priors",
        p_response=0.1,
        sizes=(29, 47),
        blocks=Blocks(ratio=TWO_TO_ONE, sizes=(3, 6)),
        rule=Rule(better=(2.0, 2.0), other=(1.0, 3.0), above=0.9),
        seed=105,
    ),
    # no responder in either arm of 2 gives exactly 0.5, in any order: strictly above, or not
    Known(name="tie", p_response=0.8, sizes=(4,), rule=Rule(above=0.5), seed=106),
    Known(
        name="skeptical",
        p_response=0.6,
        sizes=(14,),
        rule=Rule(better=(1.0, 4.0), other=(0.5, 0.5)),
        seed=107,
    ),
    # and in which placebo responds as often as people improve without the drug
    Known(name="background", p_response=0.4, sizes=(30, 47, 94), p_background=0.3, seed=108),
    Known(
        name="background_two_to_one",
        p_response=0.5,
        sizes=(47,),
        blocks=Blocks(ratio=TWO_TO_ONE, sizes=(6,)),
        rule=Rule(better=(2.0, 1.0), other=(1.0, 2.0), above=0.95),
        p_background=0.5,
        seed=109,
    ),
    Known(
        name="useless_drug",
        p_response=0.0,
        sizes=(18, 47),
        blocks=Blocks(sizes=(2, 4)),
        rule=Rule(above=0.9),
        p_background=0.4,
        seed=110,
    ),
]
TRIALS = 20_000


def known_design(known: Known) -> Design:
    ivig, placebo = known.blocks.ratio
    return demo(
        allocation={
            "ratio": {"placebo": placebo, "ivig": ivig},
            "method": "permuted_blocks",
            "block_sizes": list(known.blocks.sizes),
        },
        intercurrent={},
        endpoint={"measure": "tis_at_least", "threshold": 2.5, "at_week": 16},
        analysis={
            "method": "beta_binomial",
            "prior": {"placebo": list(known.rule.other), "ivig": list(known.rule.better)},
        },
        decision={"success": {"probability_of": "ivig > placebo", "above": known.rule.above}},
    )


def assert_response_is_the_class(prepared: Prepared, seed: int) -> None:
    """Check patient by patient, in a cohort of its own, that response is the latent class."""
    seen, truth = simulate(prepared, seed=seed + 900, first=0, last=20, n=100)
    wanted = truth.improves | (truth.responds & (seen.arm == IVIG))
    np.testing.assert_array_equal(composite_response(seen, prepared.design), wanted)
    if not truth.improves.any():
        assert not composite_response(seen, prepared.design)[seen.arm == PLACEBO].any()


# 18 successes and 10 distributions of arm sizes. Near a power of 0.5 the sum sees a shift of 2.3
# points with probability 0.95: a threshold on the wrong side of a possible count, arms or priors
# exchanged, a wrong ratio, a response probability off by 0.02, ties counted as success. Arm sizes
# see a shift of 2.4 points in the chance of any one size: unfair order in a block, a last block
# that is forced to be balanced, block sizes not equally likely.
@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_success_is_the_exact_sum_where_response_is_the_latent_class(known):
    replaced = {
        **CLASS_IS_RESPONSE,
        "p_response.DM": known.p_response,
        "p_background": known.p_background,
    }
    prepared = ready(known_design(known), "point", replaced)
    assert_response_is_the_class(prepared, known.seed)
    outcomes = run_all(
        prepared, seed=known.seed, trials=TRIALS, sizes=known.sizes, workers=WORKERS
    ).outcomes
    assert outcomes.complete.all()
    for g, n in enumerate(known.sizes):
        power = exact_power(
            better_arm_sizes(n, known.blocks), known.p_ivig, known.p_background, known.rule
        )
        what = f"success in {known.name}, n = {n}, seed {known.seed}"
        assert_count(int(outcomes.success[:, g].sum()), TRIALS, power, what=what)
    assert_arm_sizes(outcomes.arm_n[:, IVIG], known.sizes[-1], known.blocks, known.name)


def assert_arm_sizes(
    found: NDArray[np.int64], n: int, blocks: Blocks, what: str, error: float = FALSE_ALARM
) -> None:
    """Check how often each size of the ivig arm occurs; one false-alarm rate for all sizes."""
    chances = better_arm_sizes(n, blocks)
    possible = np.flatnonzero(chances)
    assert set(np.unique(found)) <= set(possible), f"{what}: an arm size that cannot be"
    for k in possible:
        assert_count(
            int((found == k).sum()),
            found.shape[0],
            float(chances[k]),
            what=f"{what}, {k} of {n} in the ivig arm",
            error=error / len(possible),
        )


@cache
def trials_in_strata() -> Snapshot:
    return simulate(ready(demo(), "identical_arms"), seed=201, first=0, last=5_000, n=94).seen


# Given the size of a stratum, its arms are those of blocks of its own: 3 x 4 checks at most (a
# stratum's size modulo 4 decides what is possible), each of them over all possible arm sizes.
# Sees strata that share blocks, blocks carried over, and what the arm sizes above see: with some
# 1250 trials a cell, shifts of 10 points with probability 0.95. Sharing blocks makes sizes that
# cannot be.
def test_arms_are_balanced_by_blocks_within_each_stratum():
    seen = trials_in_strata()
    np.testing.assert_array_equal(seen.stratum, stratum_of(seen.measures[:, :, 0, 0]))
    members = np.stack([seen.stratum == s for s in range(3)], axis=2).sum(axis=1)
    in_ivig = np.stack([(seen.stratum == s) & (seen.arm == IVIG) for s in range(3)], axis=2)
    for s in range(3):
        for beyond in range(4):
            of_it = members[:, s] % 4 == beyond
            # the filled blocks hold 2 of 4 each; what varies is the unfilled one
            in_last = in_ivig.sum(axis=1)[of_it, s] - (members[of_it, s] - beyond) // 2
            assert_arm_sizes(
                in_last, beyond, DEMO_BLOCKS, f"stratum {s}, {beyond} beyond full blocks"
            )


# The first two blocks of the two larger strata, 4 patients each: every order is as likely as any
# other, and none says anything about another one. 6 + 3 checks; shifts of a chance of 1/6 by 3.5
# points (5 between trials) are seen with probability 0.95. Sees an unfair shuffle, and blocks
# that are used again in another stratum, later in the same one, or in the next trial.
def test_orders_of_blocks_are_equally_likely_and_independent():
    seen = trials_in_strata()
    code = np.array([8, 4, 2, 1])
    orders = []
    for arm, stratum in zip(seen.arm, seen.stratum, strict=True):
        mild, moderate = arm[stratum == 0], arm[stratum == 1]
        if min(mild.size, moderate.size) >= 8:
            orders.append([code @ mild[:4], code @ mild[4:8], code @ moderate[:4]])
    found = np.array(orders)
    assert found.shape[0] > 4_900
    for order in (3, 5, 6, 9, 10, 12):
        hits = int((found[:, 0] == order).sum())
        assert_count(hits, found.shape[0], 1 / 6, what=f"order {order:04b}")
    pairs = {
        "the next block": found[:, :2],
        "another stratum": found[:, [0, 2]],
        "the next trial": found[: found.shape[0] // 2 * 2, 0].reshape(-1, 2),
    }
    for what, pair in pairs.items():
        same = int((pair[:, 0] == pair[:, 1]).sum())
        assert_count(same, pair.shape[0], 1 / 6, what=f"a block and that of {what} are the same")


# --- response estimated with another seed -------------------------------------------------------

SCENARIOS = ("point", "identical_arms")
TRUTH_SEED = {"point": 301, "identical_arms": 302}
TRUTH_BATCHES, TRUTH_PATIENTS = 420, 20_000  # 4.2 million patients an arm
LONG_TRIALS = 40_000
UNSTRATIFIED = {
    "ratio": {"placebo": 1, "ivig": 1},
    "method": "permuted_blocks",
    "block_sizes": [4],
}


def stratum_of(physician_cm: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return 0 mild (to 3 cm), 1 moderate (to 6 cm), 2 severe, from the observed baseline."""
    return (physician_cm > 3.0).astype(np.int64) + (physician_cm > 6.0)


@dataclass(frozen=True, kw_only=True)
class Estimated:
    """Patients and composite responders by arm and severity, (2, 3) each."""

    patients: NDArray[np.int64]
    responders: NDArray[np.int64]

    def response(self, arm: int, error: float, stratum: int | None = None) -> tuple[float, float]:
        """Return the exact interval of an arm's response, in one stratum or in all together."""
        at = (arm, slice(None) if stratum is None else slice(stratum, stratum + 1))
        return exact_interval(int(self.responders[at].sum()), int(self.patients[at].sum()), error)

    def share(self, stratum: int, error: float) -> tuple[float, float]:
        """Return the exact interval of a stratum's share of patients."""
        return exact_interval(int(self.patients[:, stratum].sum()), int(self.patients.sum()), error)


@cache
def estimated(source: str) -> Estimated:
    """Simulate patients without strata, so that severity, arm and response are independent draws.

    How arms were assigned does not move what a patient of an arm does.
    """
    prepared = ready(demo(allocation=UNSTRATIFIED), source)

    def count(cohort: Cohort) -> NDArray[np.int64]:
        seen = cohort.seen
        response = composite_response(seen, prepared.design)
        cell = 6 * response + 3 * seen.arm + stratum_of(seen.measures[:, :, 0, 0])
        return np.bincount(cell.ravel(), minlength=12)

    cells = sum(
        over_batches(
            prepared, count, seed=TRUTH_SEED[source], batches=TRUTH_BATCHES, n=TRUTH_PATIENTS
        )
    ).reshape(2, 2, 3)
    patients = cells.sum(axis=0)
    assert patients.sum(axis=1).min() >= 4_000_000
    return Estimated(patients=patients, responders=cells[1])


# 6 checks. The false alarm of each is split evenly over the two intervals of response and the
# count, so that it holds whatever the true responses are. Success rises with the response of
# ivig and falls with that of placebo, so the ends of the intervals bound it: by 1.3 points of
# power at n = 40, 0.5 at n = 120 and 0.4 for identical arms at most. So shifts of power by 3 points
# at n = 40 and by 2 at n = 94 are seen with probability 0.95, and one of 1 point in type I error:
# arms exchanged, 8 % fewer patients than stated, a threshold of 0.97 in place of 0.975.
@pytest.mark.verify
@pytest.mark.parametrize("source", SCENARIOS)
def test_success_without_strata_is_the_exact_sum(source):
    sizes, seed, part = (40, 94, 120), 401, FALSE_ALARM / 3
    truth = estimated(source)
    p = [truth.response(arm, part) for arm in (PLACEBO, IVIG)]
    prepared = ready(demo(allocation=UNSTRATIFIED), source)
    found = run_all(prepared, seed=seed, trials=LONG_TRIALS, sizes=sizes, workers=WORKERS).outcomes
    assert found.complete.all()
    for g, n in enumerate(sizes):
        arm_sizes = better_arm_sizes(n, DEMO_BLOCKS)
        low = exact_power(arm_sizes, p[IVIG][0], p[PLACEBO][1], DEMO_RULE)
        high = exact_power(arm_sizes, p[IVIG][1], p[PLACEBO][0], DEMO_RULE)
        what = f"success without strata, {source}, n = {n}, seed {seed}"
        hits = int(found.success[:, g].sum())
        assert_count(hits, LONG_TRIALS, low, high, what=what, error=part)


# 4 checks, the false alarm of each split over 6 responses, 3 shares and the count. In addition to
# the above it sees strata that share a response or a block, as far as they move power by 3.5
# points at n = 40, 2.5 at n = 94, and type I error by 1 point.
@pytest.mark.verify
@pytest.mark.parametrize("source", SCENARIOS)
def test_success_with_strata_is_the_exact_sum(source):
    sizes, seed, part = (40, 94), 402, FALSE_ALARM / 10
    truth = estimated(source)
    p = np.array(
        [[truth.response(arm, part, s) for s in range(3)] for arm in (PLACEBO, IVIG)]
    )  # (arm, stratum, end)
    shares = corners([truth.share(s, part) for s in range(3)])
    prepared = ready(demo(), source)
    found = run_all(prepared, seed=seed, trials=LONG_TRIALS, sizes=sizes, workers=WORKERS).outcomes
    assert found.complete.all()
    for g, n in enumerate(sizes):
        least = stratified_power(n, DEMO_BLOCKS, shares, p[IVIG, :, 0], p[PLACEBO, :, 1], DEMO_RULE)
        most = stratified_power(n, DEMO_BLOCKS, shares, p[IVIG, :, 1], p[PLACEBO, :, 0], DEMO_RULE)
        low, high = least.values.min() - least.missed, most.values.max() + most.missed
        what = f"success with strata, {source}, n = {n}, seed {seed}"
        hits = int(found.success[:, g].sum())
        assert_count(hits, LONG_TRIALS, float(low), float(high), what=what, error=part)
