"""Prednisolone and waning: changes whose effect on every patient is known exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.dynamics import without_dynamics
from simtrial.operating.background import moves_control, tabulate
from simtrial.trial.design import revalidated
from tests.agreement.random_designs import RandomTrial, plain_trial, shipped

SEEDS = range(200, 224)
FORCED = {"taper": "forced", "target_mg": 0.0, "target_week": 9}


def under(trial: RandomTrial, rule: dict | None = None, **truth: float):
    rows = trial.p_background.shape[0]
    draws = trial.draws | {name: np.full(rows, value) for name, value in truth.items()}
    design = trial.design
    if rule is not None:
        quiet = design.intercurrent.model_dump(mode="json", exclude_none=True)
        for part in ("deterioration", "rescue"):  # nor does either add to the dose
            if part in quiet:
                quiet[part]["prednisolone_mg"] = 0.0
        design = revalidated(design, {"prednisolone": rule, "intercurrent": quiet})
    return replace(trial, draws=draws, design=design).simulate(compiled.run)


@pytest.mark.parametrize("seed", SEEDS)
def test_without_effect_of_the_dose_and_flares_a_taper_changes_the_dose_and_nothing_else(seed):
    trial = plain_trial(seed)
    nothing = {name: float(v[0]) for name, v in without_dynamics(1).items()}
    # nor does the dose bring harm
    nothing |= {"infection.hr_10mg": 1.0, "steroid_toxicity.per_year_10mg": 0.0}
    stable, forced = (under(trial, rule, **nothing) for rule in ({"taper": "stable"}, FORCED))
    own = ("prednisolone", "prednisolone_taken")
    for part, other in zip(stable, forced, strict=True):
        for name in set(part._fields) - set(own):
            np.testing.assert_array_equal(getattr(part, name), getattr(other, name), err_msg=name)
    assert (
        np.nan_to_num(forced.seen.prednisolone_taken)
        <= np.nan_to_num(stable.seen.prednisolone_taken)
    ).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_courses_that_add_up_are_never_felt_less_while_treatment_is_the_same(seed):
    trial = plain_trial(seed)
    largest, summed = (
        replace(trial, courses_add=add).simulate(compiled.run).truth.drug_benefit
        for add in (False, True)
    )
    # at the first visit after the baseline nothing has yet been decided on what was seen
    both = ~np.isnan(largest[..., 1]) & ~np.isnan(summed[..., 1])
    assert (summed[..., 1] >= largest[..., 1] - 1e-12)[both].all()  # a rounding of logarithms


def test_a_higher_rate_adds_first_flares_and_takes_none_away():
    more = 0
    for seed in SEEDS:
        trial = plain_trial(seed)
        rule = {"taper": "step"}
        few, many = (under(trial, rule, flare_per_week=r).seen.flare_minute for r in (0.01, 0.1))
        first = trial.protocol().visit_minute[1]
        assert (many[few == first] == first).all()
        more += int((many == first).sum() - (few == first).sum())
    assert more >= 500


def test_decline_leaves_every_draw_and_lowers_nobodys_disease():
    for seed in SEEDS:
        trial = plain_trial(seed)
        zero = {"drift_per_year": 0.0, "drift_per_year[IBM]": 0.0}
        calm = {"flare_per_week": 0.0}
        here = under(trial, **(zero | calm))
        there = under(trial, **({name: 0.4 for name in zero} | calm))
        np.testing.assert_array_equal(here.seen.measures[:, :, 0], there.seen.measures[:, :, 0])
        physician_here, physician_there = (c.seen.measures[:, :, 1, 0] for c in (here, there))
        came = ~np.isnan(physician_here) & ~np.isnan(physician_there)
        assert (physician_there >= physician_here)[came].all()


def test_a_stated_control_rate_already_holds_the_decline():
    point = {name: np.array([value]) for name, value in shipped().point.items()}
    declining = point | {"drift_per_year": np.array([0.5])}
    here, there = (
        tabulate(draws, shipped().correlation, patients=4_000) for draws in (point, declining)
    )
    # the same patients, so the decline of 16 weeks takes responses away and adds none
    assert there["r0"][0] < here["r0"][0]
    assert there["r1"][0] < here["r1"][0]
    assert moves_control("drift_per_year")
