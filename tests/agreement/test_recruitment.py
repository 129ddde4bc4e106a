"""Recruitment and allocation: both engines, and what is known of small scripted trials."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.cohort.allocation import BLOCKS
from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.orders import orders_of
from simtrial.cohort.protocol import protocol_of
from simtrial.cohort.reference import engine as reference
from simtrial.cohort.snapshot import SCREENING_FAILURES
from simtrial.core.errors import DomainError
from simtrial.core.units import MINUTES_PER_WEEK
from tests.agreement.random_designs import recruiting_trial
from tests.agreement.scripted import SEED, arrivals, design, simulate, table_of

SEEDS = range(7_000, 7_048)
WEEK = MINUTES_PER_WEEK
TWO_ARMS = {
    "placebo": {"infusions_like": "ivig"},
    "ivig": {"dose_g_per_kg": 1.0, "every_weeks": 4, "infusions": 3},
}


@pytest.fixture(params=[reference.run, compiled.run], ids=["reference", "compiled"])
def run(request):
    return request.param


# --- rules that hold whatever is drawn ----------------------------------------------------------


@pytest.mark.parametrize("generator_seed", SEEDS)
def test_nobody_enters_against_a_rule_of_entry(generator_seed):
    one = recruiting_trial(generator_seed)
    seen, design = one.simulate(compiled.run).seen, one.design
    entered, rules = seen.arm >= 0, one.design.population.eligibility
    if rules.age_at_least is not None:
        assert (seen.age[entered] >= rules.age_at_least).all()
    if rules.age_at_most is not None:
        assert (seen.age[entered] <= rules.age_at_most).all()
    if rules.mmt_at_least is not None:
        assert (seen.screening[entered][:, 4] >= rules.mmt_at_least).all()
    if rules.prednisolone_at_least_mg is not None:
        assert (seen.prednisolone[entered][:, 0] >= rules.prednisolone_at_least_mg).all()
    if rules.exclude_cancer:
        assert not seen.cancer[entered].any()
    if rules.exclude_previous_thromboembolism:
        assert not seen.previous_thromboembolism[entered].any()
    np.testing.assert_array_equal(seen.failures.sum(axis=1) + entered.sum(axis=1), seen.screened)
    for row in range(seen.arm.shape[0]):
        here = entered[row]
        for position, subtype in enumerate(design.population.subtypes):
            most = design.accrual.subtypes_at_most.get(subtype)
            if most is not None:
                assert (seen.subtype[row][here] == position).sum() <= most
        full = design.accrual.patients_per_site_at_most
        if full is not None:
            assert np.bincount(seen.site[row][here], minlength=1).max() <= full
        screened = seen.randomised_minute[row][here] - design.screening_weeks * WEEK
        for start, end in design.accrual.pauses_weeks:
            in_pause = (screened >= round(start * WEEK)) & (screened < round(end * WEEK))
            assert not in_pause.any()


def test_the_stratum_is_the_number_whose_digits_are_the_levels_in_the_order_written(run):
    scripted = design(
        arms=TWO_ARMS,
        accrual={"sites": 3, "patients_per_site_month": 10.0},
        allocation={
            "ratio": {"placebo": 1, "ivig": 1},
            "method": "permuted_blocks",
            "block_sizes": [4],
            "strata": ["site", "sex", "prednisolone", "age_65"],
        },
        sample_size={"n": 300},
    )
    seen = simulate(run, scripted, come=arrivals(sites=3), **{"prednisolone.median": 20.0}).seen
    dose = seen.prednisolone[..., 0]
    dose_class = np.where(dose == 0, 0, np.where(dose <= 20, 1, 2))
    want = ((seen.site * 2 + seen.female) * 3 + dose_class) * 2 + (seen.age >= 65)
    np.testing.assert_array_equal(seen.stratum, want)
    assert (np.bincount(dose_class[0]) >= 20).all() and (dose == 20).sum() >= 5
    for stratum in np.unique(seen.stratum):
        arms = seen.arm[0][seen.stratum[0] == stratum]
        whole = arms[: arms.size // 4 * 4].reshape(-1, 4)
        np.testing.assert_array_equal(whole.sum(axis=1), 2)


def test_a_pause_moves_every_later_arrival_by_its_length_and_none_before(run):
    scripted = design(sample_size={"n": 60}, screening_weeks=0)
    come = arrivals(per_minute=60 / (20 * WEEK))
    pause = come._replace(
        pause_from=np.array([5 * WEEK, 14 * WEEK]), pause_until=np.array([11 * WEEK, 15 * WEEK])
    )
    plain = simulate(run, scripted, come=come).seen.randomised_minute
    moved = simulate(run, scripted, come=pause).seen.randomised_minute
    want = plain + np.where(plain >= 5 * WEEK, 6 * WEEK, 0)
    want += np.where(want >= 14 * WEEK, WEEK, 0)
    np.testing.assert_array_equal(moved, want)
    assert 5 <= (plain < 5 * WEEK).sum() <= 50


def test_a_candidate_of_the_minute_in_which_a_pause_begins_waits_until_it_ends(run):
    scripted = design(sample_size={"n": 5}, screening_weeks=0)
    plain = simulate(run, scripted).seen.randomised_minute[0]
    third = int(plain[2])
    for start, shift in ((third, 100), (third + 1, 0)):
        come = arrivals()._replace(
            pause_from=np.array([start]), pause_until=np.array([start + 100])
        )
        moved = simulate(run, scripted, come=come).seen.randomised_minute[0]
        assert moved[2] == third + shift and moved[3] == plain[3] + 100


# --- orders -------------------------------------------------------------------------------------


def with_orders(run, given, *, method="complete", n=120, screening_weeks=2, replicates=2):
    """Run a scripted trial of two arms under orders."""
    scripted = design(
        arms=TWO_ARMS,
        allocation={"ratio": {"placebo": 1, "ivig": 2}, "method": method}
        | ({"strata": ["severity", "sex"]} if method == "minimisation" else {}),
        sample_size={"n": n},
        screening_weeks=screening_weeks,
    )
    protocol = protocol_of(scripted)
    return run(
        protocol,
        table_of(scripted, {}),
        arrivals(per_minute=120 / (20 * WEEK)),
        seed=SEED,
        first=0,
        last=replicates,
        n=n,
        orders=orders_of(protocol.allocation, given),
    ).seen


@pytest.mark.parametrize("method", ["complete", "minimisation"])
def test_an_order_changes_nobody_who_was_randomised_before_it(run, method):
    plain = with_orders(run, [[]], method=method)
    at = int(plain.randomised_minute[0, 60])
    other = with_orders(run, [[(at, (1.0, 0.0))]], method=method)
    before = plain.randomised_minute < at
    assert before[0].sum() == 60
    np.testing.assert_array_equal(other.arm[before], plain.arm[before])
    assert (other.arm[~before] == 0).all()
    assert (plain.arm[~before] == 1).any()
    np.testing.assert_array_equal(other.measures[:, :, 0], plain.measures[:, :, 0])


def test_the_last_of_two_orders_at_one_minute_is_in_force(run):
    both = with_orders(run, [[(0, (1.0, 0.0)), (0, (0.0, 1.0))]])
    assert (both.arm == 1).all()


def test_each_replicate_has_its_own_orders(run):
    seen = with_orders(run, [[(0, (1.0, 0.0))], [(0, (0.0, 3.0))]])
    assert (seen.arm[0] == 0).all() and (seen.arm[1] == 1).all()


@pytest.mark.parametrize("screening_weeks", [0, 2])
def test_weights_of_zero_close_recruitment(run, screening_weeks):
    plain = with_orders(run, [[]], screening_weeks=screening_weeks)
    at = int(plain.randomised_minute[0, 60])
    seen = with_orders(run, [[(at, (0.0, 0.0))]], screening_weeks=screening_weeks)
    assert (seen.arm[0] >= 0).sum() == 60
    np.testing.assert_array_equal(seen.arm[0, :60], plain.arm[0, :60])
    assert (seen.randomised_minute < at).all() and not seen.complete.any()
    # those in screening when it closes are lost, and counted
    screened_at = plain.randomised_minute[0] - screening_weeks * WEEK
    waiting = ((screened_at < at) & (plain.randomised_minute[0] >= at)).sum()
    assert seen.failures[0, SCREENING_FAILURES.index("closed")] == waiting
    assert (waiting > 0) == (screening_weeks > 0)


def test_orders_to_permuted_blocks_are_refused():
    scripted = design(sample_size={"n": 20})
    plan = protocol_of(scripted).allocation
    assert plan.method == BLOCKS
    with pytest.raises(DomainError, match=r"permuted blocks.*method: complete"):
        orders_of(plan, [[(0, (1.0,))]])
