"""Designs of juveniles, and reports of patients who know or guess what they receive."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.core.errors import DesignError
from simtrial.myositis.measures import (
    HAQ,
    PATIENT,
    juvenile_age,
    juvenile_weight,
    measurement_error,
    observe,
    observe_shifted,
    true_value,
)
from simtrial.myositis.tis import THRESHOLDS
from simtrial.operating.prepare import needed_parameters
from simtrial.trial.design import Design, load_design, revalidated
from tests.agreement.scripted import design, simulate

DEMO = load_design("dm_ivig_16w")
CHILDREN = {
    "subtypes": {"DM": 1.0},
    "line": "refractory",
    "mmt": "CMAS_52",
    "age_group": "juvenile",
}


def of_children(**changes: object) -> Design:
    return design(population=CHILDREN, **changes)


# thresholds


# Rider 2017, table 3: minimal 30, moderate 45, major 70; adults 20, 40, 60 (Aggarwal 2017)
@pytest.mark.parametrize(
    ("group", "word", "score"),
    [
        *(("adult", w, s) for w, s in (("minimal", 20), ("moderate", 40), ("major", 60))),
        *(("juvenile", w, s) for w, s in (("minimal", 30), ("moderate", 45), ("major", 70))),
    ],
)
def test_a_threshold_in_words_is_that_of_the_age_group(group: str, word: str, score: int) -> None:
    endpoint = {"measure": "tis_at_least", "threshold": word, "at_week": 12}
    people = CHILDREN if group == "juvenile" else DEMO.population.model_dump()
    made = design(population=people) if group == "juvenile" else design()
    again = revalidated(made, {"endpoint": endpoint})
    assert again.endpoint.threshold == score == THRESHOLDS[group][word]


def test_a_threshold_in_numbers_stays_what_it_is() -> None:
    assert of_children().endpoint.threshold == 20.0


def test_another_word_is_no_threshold() -> None:
    endpoint = {"measure": "tis_at_least", "threshold": "some", "at_week": 12}
    with pytest.raises(DesignError, match=r"endpoint\.threshold"):
        revalidated(design(), {"endpoint": endpoint})


def test_cmas_is_refused_for_adults_with_what_to_write() -> None:
    with pytest.raises(DesignError, match=r"population\.mmt is 'CMAS_52'.*mmt: MMT8_150"):
        design(population=CHILDREN | {"age_group": "adult"})


# who they are


def test_juveniles_are_2_to_18_years_old_and_weigh_what_their_age_gives() -> None:
    seen = simulate(
        compiled.run, of_children(), replicates=40, **{"juvenile.weight.log_sd": 0.0}
    ).seen
    assert 2.0 <= seen.age.min() < 4.0 and 16.0 < seen.age.max() <= 18.0
    # a product and a sum, each rounded once
    np.testing.assert_allclose(seen.weight, 12.0 + 3.0 * (seen.age - 2.0), rtol=1e-14)


def test_the_median_juvenile_is_10_years_old_and_weighs_36_kg() -> None:
    assert juvenile_age(0.0, 1.0, 0.0) == 10.0
    assert juvenile_weight(10.0, 12.0, 3.0) == 36.0
    assert juvenile_weight(2.0, 12.0, 3.0) == 12.0


def test_strength_by_cmas_is_written_in_whole_points_up_to_52() -> None:
    mmt = simulate(
        compiled.run, of_children(), replicates=10, **{"sd_change.mmt": 0.3}
    ).seen.measures[..., 4]
    assert np.isin(mmt, np.arange(53)).all() and mmt.max() == 52.0


def test_a_design_reads_the_ages_of_its_own_group_only() -> None:
    adults, children = needed_parameters(design()), needed_parameters(of_children())
    assert not [n for n in adults if n.startswith("juvenile.")]
    assert not [n for n in children if n.startswith(("age.", "weight."))]
    assert {n.removeprefix("juvenile.") for n in children if n.startswith("juvenile.")} >= {
        "age.location",
        "age.scale",
        "weight.log_sd",
    }


# reports


def test_a_study_without_placebo_is_open_label_unless_it_says_otherwise() -> None:
    assert design().is_open_label and not DEMO.is_open_label
    assert not design(blinding="double_blind").is_open_label
    assert revalidated(DEMO, {"blinding": "open_label"}).is_open_label


def test_a_study_reads_the_shifts_of_its_own_blinding_only() -> None:
    shifts = {"reporting_shift.patient", "reporting_shift.haq", "unblinding_shift"}
    assert shifts & set(needed_parameters(design())) == shifts - {"unblinding_shift"}
    assert shifts & set(needed_parameters(DEMO)) == {"unblinding_shift"}


def test_a_shift_is_taken_off_before_the_value_is_clipped_and_rounded() -> None:
    true = true_value(PATIENT, 6.0, 0.8, 0.25)
    error = measurement_error(PATIENT, 0.5, 0.3, 0.4, -1.0)
    arguments = (PATIENT, 6.0, 0.25, 0.8, 0.5, 0.3, 0.4, -1.0, 150)
    assert observe_shifted(*arguments, 1.3) == observe(PATIENT, true, error - 1.3, 150)
    assert observe_shifted(*arguments, 0.0) == observe(PATIENT, true, error, 150)
    assert observe_shifted(*arguments, 20.0) == 0.0


def other_than(measures: np.ndarray, *shifted: int) -> np.ndarray:
    return np.delete(measures, shifted, axis=-1)


def test_in_open_label_reports_after_baseline_are_shifted_and_nothing_else() -> None:
    shifts = {"reporting_shift.patient": 1.0, "reporting_shift.haq": 0.25}
    # nobody responds, and there is no error: every report stays as at baseline, but for the shift
    none = {"p_response[DM, refractory]": 0.0}
    plain = simulate(compiled.run, design(), replicates=10, **none).seen.measures
    shifted = simulate(compiled.run, design(), replicates=10, **none, **shifts).seen.measures
    np.testing.assert_array_equal(
        other_than(shifted, PATIENT, HAQ), other_than(plain, PATIENT, HAQ)
    )
    np.testing.assert_array_equal(shifted[:, :, 0], plain[:, :, 0])
    # a tenth and an eighth are the steps of the scales
    fell = plain[:, :, 1:] - shifted[:, :, 1:]
    np.testing.assert_allclose(fell[..., PATIENT], 1.0, atol=1e-12)
    np.testing.assert_array_equal(fell[..., HAQ], 0.25)


def test_in_a_blinded_study_open_label_shifts_are_not_read() -> None:
    plain = simulate(compiled.run, design(blinding="double_blind")).seen.measures
    shifts = {"reporting_shift.patient": 1.0, "reporting_shift.haq": 0.25}
    shifted = simulate(compiled.run, design(blinding="double_blind"), **shifts).seen.measures
    np.testing.assert_array_equal(shifted, plain)


def blinded(**values: float):
    arms = {
        "ivig": {"dose_g_per_kg": 1.0, "every_weeks": 4, "infusions": 3},
        "placebo": {"infusions_like": "ivig"},
    }
    ratio = {"ratio": {"ivig": 1, "placebo": 1}, "method": "permuted_blocks", "block_sizes": [4]}
    scripted = design(arms=arms, allocation=ratio)
    react = {"reaction.per_course[ivig]": 0.5, "reaction.per_course[placebo]": 0.5}
    none = {"p_response[DM, refractory]": 0.0}
    return simulate(compiled.run, scripted, replicates=20, **none, **react, **values).seen


def test_who_had_a_reaction_to_the_drug_before_a_visit_reports_better_there() -> None:
    plain, shifted = blinded(), blinded(unblinding_shift=1.0)
    first = np.where(plain.reaction_minute >= 0, plain.reaction_minute, 2**30).min(axis=2)
    guessed = (first[..., None] < plain.visit_minute) & (plain.arm == 0)[..., None]
    fell = plain.measures - shifted.measures
    assert 100 < guessed.sum() < guessed[plain.arm == 0].size
    np.testing.assert_allclose(fell[..., PATIENT], np.where(guessed, 1.0, 0.0), atol=1e-12)
    assert (other_than(fell, PATIENT) == 0.0).all()
