"""Changes of a run-in whose effect is known exactly. Draws have addresses, so bits are equal."""

from __future__ import annotations

import numpy as np

from simtrial.cohort.compiled import engine as compiled
from tests.agreement.scripted import WEEK, design, simulate

LIVELY = {
    "p_response[DM, refractory]": 0.5,
    "depth": 0.7,
    "depth_sd": 0.5,
    "x50_sd": 0.5,
    "sd_change.vas": 1.0,
    "sd_change.haq": 0.3,
    "sd_change.mmt": 0.05,
    "noise_per_4_weeks": 0.0,  # errors of a visit do not hang on how long ago the last one was
    "rescue_per_visit[refractory, continued]": 0.2,
    "reaction.per_course[ivig]": 0.5,
    "reaction.per_course[placebo]": 0.1,
    "stop.reaction": 0.1,
}
ARMS = {
    "placebo": {"infusions_like": "ivig"},
    "ivig": {"dose_g_per_kg": 2.0, "every_weeks": 4, "infusions": 3},
}
OPEN = {"weeks": 8, "courses": [{"week": w, "dose_g_per_kg": 2.0} for w in (0, 4)]}


def run(**changes):
    values = LIVELY | changes.pop("values", {})
    scripted = design(
        **{
            "arms": ARMS,
            "allocation": {"ratio": {"placebo": 1, "ivig": 1}, "method": "complete"},
            "intercurrent": {"rescue": {"allowed_from_week": 4}},
            "sample_size": {"n": 150},
        }
        | changes
    )
    return simulate(compiled.run, scripted, replicates=10, **values)


def test_a_run_in_of_placebo_moves_dates_and_nothing_else_of_who_is_not_improving_by_himself():
    courses = [{"week": w, "dose_g_per_kg": 2.0, "placebo": True} for w in (0, 2)]
    plain, after = run(), run(run_in={"weeks": 4, "courses": courses})
    own = {"run_in", "run_in_courses", "randomised_minute"}
    for one, other in ((plain.seen, after.seen), (plain.truth, after.truth)):
        for name in one._fields:
            if name not in own:
                np.testing.assert_array_equal(
                    getattr(one, name), getattr(other, name), err_msg=name
                )
    moved = after.seen.randomised_minute - plain.seen.randomised_minute
    np.testing.assert_array_equal(moved, 4 * WEEK)
    assert (after.seen.run_in_courses == 2).all() and not after.seen.run_in_grams.any()
    assert not np.isnan(after.seen.run_in).any()


def test_the_measures_at_its_start_do_not_hang_on_what_is_given_in_it():
    one = run(run_in=OPEN)
    other = run(run_in={"weeks": 8, "courses": [{"week": 0, "dose_g_per_kg": 0.5}]})
    np.testing.assert_array_equal(one.seen.candidate, other.seen.candidate)
    # but which enzyme counts is chosen at the baseline
    np.testing.assert_array_equal(one.seen.run_in[..., :5], other.seen.run_in[..., :5])
    assert (one.truth.drug_benefit[..., 0] > other.truth.drug_benefit[..., 0]).any()


def test_a_limit_that_keeps_nobody_out_changes_nothing():
    free = run(run_in=OPEN)
    bound = run(run_in=OPEN | {"enter_if_tis_below": 100})
    # 100 points are out of reach with a depth below 1
    assert free.first_difference(bound) is None


def test_where_improvement_is_measured_from_changes_no_benefit_and_no_measure():
    quiet = {"rescue_per_visit[refractory, continued]": 0.0, "enzyme.correlation": 1.0}
    one = run(run_in=OPEN, values=quiet)
    other = run(run_in=OPEN | {"improvement_from": "run_in"}, values=quiet)
    np.testing.assert_array_equal(one.truth.drug_benefit, other.truth.drug_benefit)
    np.testing.assert_array_equal(one.seen.measures[..., :5], other.seen.measures[..., :5])
    here = one.seen.arm >= 0
    assert (other.seen.tis[here] - one.seen.tis[here]).mean() > 10.0


def test_after_an_open_run_in_who_goes_on_keeps_what_who_is_withdrawn_loses():
    """Each patient of a randomised withdrawal is followed in both arms."""
    rules = OPEN | {"improvement_from": "run_in", "enter_if_tis_at_least": 20}
    both = {
        arm: run(
            run_in=rules,
            allocation={"ratio": ratio, "method": "complete"},
            intercurrent={},
            values={"reaction.per_course[ivig]": 0.0, "reaction.per_course[placebo]": 0.0},
        )
        for arm, ratio in (
            ("ivig", {"placebo": 1, "ivig": 100}),
            ("placebo", {"placebo": 100, "ivig": 1}),
        )
    }
    on, off = both["ivig"], both["placebo"]
    np.testing.assert_array_equal(on.seen.candidate, off.seen.candidate)
    same = (on.seen.arm == 1) & (off.seen.arm == 0)
    assert same.mean() > 0.95
    np.testing.assert_array_equal(on.seen.measures[:, :, 0], off.seen.measures[:, :, 0])
    assert (on.seen.tis[:, :, 0] >= 20).all()
    kept, lost = on.truth.drug_benefit[same], off.truth.drug_benefit[same]
    treated = kept[:, 0] > 0
    assert (kept[treated, 1:] > lost[treated, 1:]).all()
    assert (lost[treated, -1] < 0.7 * lost[treated, 0]).all()
    assert (kept[~treated] == 0).all() and (lost[~treated] == 0).all()
    assert treated.sum() > 500
