"""The steps of the patient's course against the second reader's, on random inputs.

Floats agree to 1e-12 of their size: each step is a handful of operations, whose last digits differ
by 1e-15 or so. Rounded values and decisions are equal but within 1e-9 of a boundary.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from simtrial.myositis import enzymes, measures, response, taper, tis
from tests.independent import dynamics_second as dynamics
from tests.independent import measures_second as seen
from tests.independent import taper_second as dose_second
from tests.independent.treatment_second import dose_given

CASES = 2_000
SAME = 1e-12
VERSIONS = (52, 80, 150, 260)


def generator(number):
    return np.random.default_rng([20_261_124, number])


def same(value):
    return pytest.approx(value, rel=SAME, abs=SAME)


def test_exposure_of_courses_is_the_largest_or_the_sum_of_what_is_left():
    draw = generator(1)
    for _ in range(CASES // 10):
        minutes = np.sort(draw.integers(0, 300_000, size=5)).tolist()
        doses = draw.uniform(0.1, 5.0, size=5).tolist()
        days, adds = float(draw.uniform(1.0, 60.0)), bool(draw.random() < 0.5)
        x, since = response.NO_EFFECT, 0
        for minute, dose in zip(minutes, doses, strict=True):
            gap = float(minute - since)
            x = response.joined_exposure(x, gap, math.log(dose), days * 1_440.0, adds)
            since = minute
        at = minutes[-1] + float(draw.integers(0, 200_000))
        told = dynamics.exposure_at(at, list(zip(minutes, doses, strict=True)), days / 7.0, adds)
        x = response.log_effect(x, at - since, days * 1_440.0)
        assert x == pytest.approx(math.log(told), rel=SAME, abs=1e-11)  # of a sum of five terms


def test_benefits_approach_the_same_goals():
    draw = generator(2)
    for _ in range(CASES):
        depth, x50, x = draw.uniform(0.0, 1.0), draw.uniform(0.1, 4.0), draw.uniform(1e-3, 9.0)
        hill = draw.uniform(1.0, 6.0)
        goal = response.target_benefit(depth, math.log(x50), hill, math.log(x))
        assert goal == same(dynamics.drug_goal(x, depth, hill, x50))
        value, rate, minutes = draw.uniform(-1, 1), draw.exponential(1.0), draw.integers(0, 90_000)
        after = response.relax(value, goal, rate, float(minutes))
        assert after == same(dynamics.approach(value, goal, rate, float(minutes)))
        change = draw.normal(0.0, 20.0)
        assert response.steroid_target(0.4, 7.0, change) == same(
            dynamics.steroid_goal(change, 0.4, 7.0)
        )
        assert response.decline(rate, float(minutes)) == same(dynamics.decline(minutes, rate))
        parts = [float(v) for v in draw.uniform(-1.0, 1.0, size=5)]
        assert response.net_benefit(*parts) == same(dynamics.combined(*parts))
        left = response.fading(float(minutes), 13.0 * 10_080.0)
        assert left == same(dynamics.transient_share(float(minutes), 0, 13.0))
        weight, days = draw.uniform(20.0, 200.0), int(draw.integers(1, 8))
        assert response.given_dose(2.0, weight, days, 80.0) == same(dose_given(2.0, days, weight))
    assert response.target_benefit(0.7, 0.0, 2.0, response.NO_EFFECT) == 0.0
    assert dynamics.drug_goal(0.0, 0.7, 2.0, 1.0) == 0.0


def visit(**changed):
    """Return a visit in week 12 at which nothing is amiss."""
    told = {
        "week": 12,
        "minutes_since_attended": 40_320,
        "tis": 40.0,
        "worse": False,
        "flare": False,
        "rescued": False,
        "added_mg": 0.0,
        "added_at_most_mg": 100.0,
        "judged_u": 0.0,
        "p_judged_improved": 1.0,
        "share_per_4_weeks": 0.2,
        "own_floor": 0.0,
    }
    return dose_second.VisitOfTaper(**{**told, **changed})


@pytest.mark.parametrize("kind", ["step", "proportional", "forced", "practice"])
def test_doses_of_prednisolone_are_the_same(kind):
    draw = generator(3)
    for _ in range(CASES):
        entry = 2.5 * int(draw.integers(1, 40))
        now = min(entry, 0.5 * int(draw.integers(0, 160)))
        before = max(now, 0.5 * int(draw.integers(0, 160)))
        floor, share = 2.5 * int(draw.integers(0, 5)), float(draw.uniform(0.0, 1.0))
        back, most = 5.0 * int(draw.integers(0, 4)), 10.0 * int(draw.integers(2, 11))
        rule = dose_second.TaperRule(
            kind=kind,
            every_weeks=1,
            target_mg=5.0,
            target_week=30,
            share=share,
            floor_mg=floor,
            back_up_mg=back,
            at_most_mg=most,
        )
        weeks = int(draw.integers(1, 30))
        state = dose_second.DoseSecond(entry=entry, now=now, before=before)
        told = dose_second.next_dose(
            rule,
            state,
            visit(minutes_since_attended=10_080 * weeks, share_per_4_weeks=share, own_floor=floor),
        )
        if kind == "step":
            built = taper.lowered_dose(now, taper.stepped_dose(now, 10.0, 5.0, 2.5), floor)
        elif kind == "forced":
            built = min(now, taper.forced_dose(entry, 5.0, 12.0, 0.0, 30.0))
        else:
            taken = taper.share_over(share, float(weeks)) if kind == "practice" else share
            built = taper.lowered_dose(now, taper.proportional_dose(now, taken), floor)
            if abs(now * (1.0 - taken) * 4.0 % 1.0 - 0.0) < 1e-9:  # half way between two doses
                continue
        assert told == built
        if kind in ("step", "proportional"):
            worse = dose_second.next_dose(rule, state, visit(worse=True))
            assert worse == taper.backed_up_dose(now, entry, before, back, most)
        added = dose_second.next_dose(rule, state, visit(added_mg=30.0, added_at_most_mg=most))
        assert added == taper.raised_dose(now, now + 30.0, most)


def test_pace_and_hazard_of_a_taper_are_the_same():
    draw = generator(4)
    for _ in range(CASES):
        entry = 2.5 * int(draw.integers(1, 40))
        state = dose_second.DoseSecond(entry=entry, now=entry, before=entry)
        first, second = np.sort(draw.integers(1, 60, size=2)).tolist()
        lower = 0.5 * int(draw.integers(0, 2 * entry))
        state.set_to(lower, first)
        share = taper.share_given_up(entry, lower)
        at = second + 1
        pace = taper.taper_pace(share, float(first), float(at - first))
        assert state.pace(at) == same(pace)
        benefit = draw.uniform(-1.0, 1.0)
        hazard = taper.flare_hazard(0.02, 6.0, 4.0, pace, benefit)
        assert hazard == same(
            dynamics.flare_hazard(
                per_week=0.02, minutes=60_480, speed=4.0, pace=pace, benefit=benefit
            )
        )


def test_measures_are_seen_the_same():
    draw = generator(5)
    for _ in range(CASES):
        most = int(draw.choice(VERSIONS))
        benefit, loading = draw.uniform(-1.0, 1.0), draw.uniform(0.0, 1.5)
        shared, z, own = draw.uniform(0.0, 1.0), draw.normal(), draw.normal()
        for k in range(6):
            if k == seen.ENZYME:
                start = draw.uniform(0.2, 250.0)
                true = measures.true_value(k, math.log(start), loading, benefit)
                told = seen.enzyme_truth_at(start, loading, benefit)
                error = measures.measurement_error(k, 0.4, shared, z, own)
                assert error == same(seen.error_of(k, 0.4, shared, z, own))
                value = measures.observe(k, true, error, most)
                assert value == pytest.approx(seen.seen_enzyme(told, error), rel=1e-11)
                continue
            size = most if k == seen.MMT else seen.RANGE[k]
            start, unit = draw.uniform(0.0, size), most if k == seen.MMT else 1.0
            true = measures.true_value(k, start / unit, loading, benefit)
            told = seen.truth_at(k, start, loading, benefit, most)
            assert true * unit == same(told)
            sd = 0.15 * size
            error = measures.measurement_error(k, sd / unit, shared, z, own)
            assert error * unit == same(seen.error_of(k, sd, shared, z, own))
            value, distance = seen.seen_value(k, told, error * unit, most)
            if distance > 1e-9:
                assert measures.observe(k, true, error, most) == same(value)


def test_scores_and_the_rule_of_deterioration_are_the_same():
    draw = generator(6)
    worse = missing = 0
    for _ in range(CASES):
        most, enzyme = int(draw.choice(VERSIONS)), int(draw.integers(0, 5))
        pair = [
            [
                *(int(v) / 10.0 for v in draw.integers(0, 101, size=3)),
                int(draw.integers(0, 25)) / 8.0,
                float(draw.integers(0, most + 1)),
                float(draw.uniform(0.2, 60.0)),
            ]
            for _ in range(2)
        ]
        before, now = (np.array(values) for values in pair)
        now[draw.random(6) < 0.05] = math.nan
        told_now = [None if math.isnan(v) else float(v) for v in now]
        zero = bool(draw.random() < 0.5)
        width = enzymes.enzyme_range(enzyme)
        assert width == seen.ENZYME_DIVISOR[enzyme]
        built = tis.score_as_measured(before, now, most, width, zero)
        told = seen.score(
            pair[0], told_now, mmt_maximum=most, enzyme_range=width, missing_is_zero=zero
        )
        missing += told.value is None
        assert told.value == (None if math.isnan(built) else built)
        assert seen.is_worse(pair[0], told_now) == tis.has_worsened(before, now)
        worse += tis.has_worsened(before, now)
    assert CASES // 20 < worse < CASES
    assert missing > CASES // 20


def test_the_highest_enzyme_is_the_same_and_of_equals_the_first():
    draw = generator(7)
    for _ in range(CASES):
        values = draw.integers(1, 6, size=5).astype(np.float64)
        assert enzymes.most_abnormal(values) == seen.highest_enzyme(values.tolist())
