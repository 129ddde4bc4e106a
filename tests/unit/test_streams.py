"""Random numbers by address: the generator, the uniforms, and which address stands where."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from simtrial.cohort import draws as at
from simtrial.cohort.events import more_course_harm
from simtrial.core.arithmetic import normal_quantile, plog
from simtrial.core.streams import Purpose, fill_uniforms, philox, uniform, unit_uniform
from tests.independent.philox_second import uniform_second

ONES = 0xFFFFFFFF
SEED, REPLICATE, PATIENT = 20261122, 4711, 93
WEEKS = (0, 4, 8, 12, 16)
# two arms with courses in other weeks, one week in both
COURSES = np.array([[0, 4, 8], [0, 3, 6]])
COURSE_WEEKS = (0, 3, 4, 6, 8)

# name -> (where it stands, purpose, slot) in the fill of a candidate; the occasion is 0
CANDIDATE_NORMALS = {
    **{f"baseline {k}": (at.BASELINE_AT + k, 2, k) for k in range(6)},
    "age": (at.AGE_AT, 2, 6),
    "weight": (at.WEIGHT_AT, 2, 7),
    "prednisolone dose": (at.PREDNISOLONE_AT, 2, 8),
    **{f"screening noise {k}": (at.SCREENING_NOISE_AT + k, 3, k) for k in range(6)},
    "shared screening noise": (at.SCREENING_NOISE_AT + at.SHARED, 3, 6),
    **{f"baseline of enzyme {k}": (at.ENZYME_BASELINE_AT + k, 21, k) for k in range(4)},
    **{f"screening of enzyme {k}": (at.ENZYME_SCREENING_AT + k, 21, 4 + k) for k in range(4)},
}
CANDIDATE_UNIFORMS = {
    "subtype": (at.SUBTYPE_AT, 1, 0),
    "sex": (at.SEX_AT, 1, 1),
    "takes prednisolone": (at.TAKES_PREDNISOLONE_AT, 1, 2),
    "line": (at.LINE_AT, 1, 3),
}
# name -> (where it stands, purpose, occasion, slot) in the fill of an enrolled patient
ENROLLED_NORMALS = {
    "depth": (at.DEPTH_AT, 6, 0, 0),
    "half-effect dose": (at.X50_AT, 6, 0, 1),
    "frailty": (at.FRAILTY_AT, 11, 0, 0),
    **{
        f"enzyme {k} of week {week}": (at.VISIT_NOISE_AT + 8 * len(WEEKS) + 4 * v + k, 22, week, k)
        for v, week in enumerate(WEEKS)
        for k in range(4)
    },
    **{
        f"noise {k} of week {week}": (at.VISIT_NOISE_AT + 8 * v + k, 4, week, k)
        for v, week in enumerate(WEEKS)
        for k in range(7)
    },
}
ENROLLED_UNIFORMS = {  # counted from the first uniform
    "responds": (at.RESPONDS_AT, 5, 0, 0),
    "improves": (at.IMPROVES_AT, 5, 0, 1),
    "dropout": (at.DROPOUT_AT, 8, 0, 0),
    "cancer": (at.CANCER_AT, 12, 0, 0),
    "earlier thromboembolism": (at.PREVIOUS_AT, 12, 0, 1),
    "thromboembolism without a course": (at.SPONTANEOUS_AT, 12, 0, 2),
    "what follows it": (at.AFTER_SPONTANEOUS_AT, 12, 0, 3),
    "migraine": (at.MIGRAINE_AT, 12, 0, 4),
    "blood group O": (at.GROUP_O_AT, 12, 0, 5),
    **{
        f"rescue in week {week}": (at.RESCUE_AT + 2 * v, 7, week, 0) for v, week in enumerate(WEEKS)
    },
}

# slot of the purpose for what a course does to a patient
COURSE_HARM = {
    "reaction": (at.REACTS, 0),
    "thromboembolism": (at.CLOTS, 1),
    "other serious event": (at.FALLS_ILL, 2),
    "when the reaction": (at.REACTION_WHEN, 3),
    "kind of the reaction": (at.REACTION_KIND, 4),
    "seriousness of the reaction": (at.REACTION_SERIOUS, 5),
    "what follows the reaction": (at.AFTER_REACTION, 6),
    "what follows the thromboembolism": (at.AFTER_CLOT, 7),
    "what follows the other event": (at.AFTER_ILLNESS, 8),
}


def candidate_numbers(weeks: tuple[int, ...] = WEEKS) -> NDArray[np.float64]:
    plan = at.draw_plan(np.array(weeks))
    out = np.full(plan.candidate_room, np.nan)
    at.fill_candidate(out, plan, SEED, REPLICATE, PATIENT)
    return out[: at.TAKES_PREDNISOLONE_AT + 2]  # behind them is room to work in


def enrolled_numbers(
    weeks: tuple[int, ...] = WEEKS, courses: NDArray[np.int64] = COURSES
) -> tuple[NDArray[np.float64], at.DrawPlan]:
    """Return the fill, as far as its numbers have addresses, and its plan."""
    plan = at.draw_plan(np.array(weeks), courses)
    out = np.full(plan.enrolled_room, np.nan)
    at.fill_enrolled(out, plan, SEED, REPLICATE, PATIENT)
    return out[: plan.interval_at + at.INTERVAL_ROOM * (len(weeks) - 1)], plan


def rescue_numbers(weeks: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the uniforms of rescue, (visits, 2)."""
    numbers, plan = enrolled_numbers(weeks)
    n = at.RESCUE_SLOTS * len(weeks)
    return numbers[plan.n_normals + at.RESCUE_AT :][:n].reshape(-1, at.RESCUE_SLOTS)


def random_addresses(n: int) -> Iterator[tuple[int, int, int, int, int, int]]:
    """Yield addresses over the whole range of each word (seeds below 2**63, as compiled)."""
    rng = np.random.default_rng(1)
    for _ in range(n):
        seed = int(rng.integers(0, 2**63))
        words = (int(rng.integers(0, 2**32)) for _ in range(3))
        purpose, slot = int(rng.integers(0, 2**12)), int(rng.integers(0, 2**21))
        replicate, patient, occasion = words
        yield seed, purpose, replicate, patient, occasion, slot


# the generator

# Random123 (Salmon 2011), file kat_vectors, philox4x32 with 10 rounds
PUBLISHED = {
    "zeros": ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    "ones": ((ONES,) * 4, (ONES,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    "digits of pi": (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
}


@pytest.mark.parametrize(("counter", "key", "words"), PUBLISHED.values(), ids=PUBLISHED.keys())
def test_philox_gives_the_published_words(
    counter: tuple[int, ...], key: tuple[int, ...], words: tuple[int, ...]
) -> None:
    assert philox(*counter, *key) == words


def test_uniforms_are_those_of_the_second_implementation_bit_for_bit() -> None:
    different = [a for a in random_addresses(5_000) if uniform(*a) != uniform_second(*a)]
    assert different == []


def test_a_fill_holds_the_two_uniforms_of_each_of_its_blocks() -> None:
    purposes, blocks, occasions = [1, 4, 4, 9, 4095], [0, 0, 3, 2**20 - 1, 7], [0, 16, 4, 12, ONES]
    words = np.array([p << 20 | b for p, b in zip(purposes, blocks, strict=True)])
    out = np.empty(10)
    fill_uniforms(out, words, np.array(occasions), SEED, REPLICATE, PATIENT)
    want = [
        uniform_second(SEED, p, REPLICATE, PATIENT, occasion, 2 * b + half)
        for p, b, occasion in zip(purposes, blocks, occasions, strict=True)
        for half in (0, 1)
    ]
    assert out.tolist() == want


def test_a_block_of_zeros_is_above_zero() -> None:
    assert unit_uniform(0, 0) == 2.0**-54


def test_a_block_of_ones_is_below_one() -> None:
    assert unit_uniform(ONES, ONES) == 1.0 - 2.0**-53


def test_the_lowest_eleven_bits_of_a_block_do_not_matter() -> None:
    assert unit_uniform(5, 0x800) != unit_uniform(5, 0x7FF) == unit_uniform(5, 0)


# the addresses


def test_the_number_of_every_purpose_is_the_published_one() -> None:
    assert {p.name: p.value for p in Purpose} == {
        "PERSON": 1,
        "BASELINE": 2,
        "SCREENING_NOISE": 3,
        "VISIT_NOISE": 4,
        "RESPONSE": 5,
        "RESPONSE_SIZE": 6,
        "RESCUE": 7,
        "LEAVING": 8,
        "ALLOCATION": 9,
        "ARRIVAL": 10,
        "FRAILTY": 11,
        "RISK": 12,
        "COURSE_HARM": 13,
        "OUTCOME_EVENT": 14,
        "OUTCOME_ARRIVAL": 15,
        "OUTCOME_ALLOCATION": 16,
        "OUTCOME_RESPONSE": 17,
        "SITE": 18,
        "SUPPLY": 19,
        "COMPLETE_ALLOCATION": 20,
        "ENZYME_BASELINE": 21,
        "ENZYME_NOISE": 22,
        "MISSING": 23,
        "VISIT_TIMING": 24,
        "COURSE_CLASS": 25,
        "TAPER": 26,
        "TAPER_PERSON": 27,
        "CENTRE": 28,
        "INTERVAL_HARM": 29,
        "COURSE_HARM_MORE": 30,
        "HARM_DETAIL": 31,
        "LACK_OF_EFFECT": 33,
        "SCREENING_OTHER": 34,
    }


def test_no_two_purposes_share_a_number() -> None:
    # an enumeration takes a repeated number as another name of the first
    assert len({int(p) for p in Purpose}) == len(Purpose.__members__)


@pytest.mark.parametrize("word", range(6))
def test_moving_one_word_of_an_address_changes_the_number(word: int) -> None:
    address = [SEED, 4, REPLICATE, PATIENT, 16, 3]
    here = uniform(*address)
    address[word] += 1
    assert uniform(*address) != here


def test_the_upper_half_of_the_seed_counts() -> None:
    address = (4, REPLICATE, PATIENT, 16, 3)
    assert uniform(SEED, *address) != uniform(SEED + 2**32, *address)


def test_neighbouring_addresses_all_differ() -> None:
    every = list(itertools.product(range(3), range(1, 4), range(3), range(3), range(3), range(4)))
    assert len({uniform(*address) for address in every}) == len(every)


@pytest.mark.parametrize("name", CANDIDATE_NORMALS)
def test_a_normal_of_a_candidate_has_its_address(name: str) -> None:
    place, purpose, slot = CANDIDATE_NORMALS[name]
    u = uniform_second(SEED, purpose, REPLICATE, PATIENT, 0, slot)
    assert candidate_numbers()[place] == normal_quantile(u)


@pytest.mark.parametrize("name", CANDIDATE_UNIFORMS)
def test_a_uniform_of_a_candidate_has_its_address(name: str) -> None:
    place, purpose, slot = CANDIDATE_UNIFORMS[name]
    assert candidate_numbers()[place] == uniform_second(SEED, purpose, REPLICATE, PATIENT, 0, slot)


@pytest.mark.parametrize("name", ENROLLED_NORMALS)
def test_a_normal_of_an_enrolled_patient_has_its_address(name: str) -> None:
    place, purpose, occasion, slot = ENROLLED_NORMALS[name]
    u = uniform_second(SEED, purpose, REPLICATE, PATIENT, occasion, slot)
    assert enrolled_numbers()[0][place] == normal_quantile(u)


@pytest.mark.parametrize("name", ENROLLED_UNIFORMS)
def test_a_uniform_of_an_enrolled_patient_has_its_address(name: str) -> None:
    place, purpose, occasion, slot = ENROLLED_UNIFORMS[name]
    numbers, plan = enrolled_numbers()
    u = uniform_second(SEED, purpose, REPLICATE, PATIENT, occasion, slot)
    assert numbers[plan.n_normals + place] == u


@pytest.mark.parametrize("what", list(COURSE_HARM)[: at.COURSE_SLOTS])
def test_a_filled_uniform_of_a_course_s_harm_has_the_address_of_its_week(what: str) -> None:
    place, slot = COURSE_HARM[what]
    numbers, plan = enrolled_numbers()
    for week in COURSE_WEEKS:
        u = uniform_second(SEED, 13, REPLICATE, PATIENT, week, slot)
        assert numbers[plan.course_at[week] + place] == u


@pytest.mark.parametrize("what", COURSE_HARM)
def test_a_single_uniform_of_a_course_s_harm_has_the_address_of_its_week(what: str) -> None:
    place, slot = COURSE_HARM[what]
    for week in COURSE_WEEKS:
        u = uniform_second(SEED, 13, REPLICATE, PATIENT, week, slot)
        assert at.course_harm(SEED, REPLICATE, PATIENT, week, place) == u


@pytest.mark.parametrize("slot", [0, 1], ids=["meningitis", "haemolysis"])
def test_a_further_uniform_of_a_course_has_the_address_of_its_week(slot: int) -> None:
    numbers, plan = enrolled_numbers()
    for week in COURSE_WEEKS:
        u = uniform_second(SEED, 30, REPLICATE, PATIENT, week, slot)
        assert numbers[plan.course_at[week] + at.COURSE_SLOTS + slot] == u
        assert more_course_harm(SEED, REPLICATE, PATIENT, week, slot) == u


@pytest.mark.parametrize("slot", range(5))
def test_a_uniform_of_an_interval_has_the_address_of_the_visit_that_opens_it(slot: int) -> None:
    numbers, plan = enrolled_numbers()
    for visit, week in enumerate(WEEKS[:-1]):
        u = uniform_second(SEED, 29, REPLICATE, PATIENT, week, slot)
        assert numbers[plan.interval_at + at.INTERVAL_ROOM * visit + slot] == u


@pytest.mark.parametrize("slot", [0, 1])
def test_a_uniform_of_the_taper_has_the_address_of_its_week(slot: int) -> None:
    assert (at.FLARES, at.JUDGED) == (0, 1)
    for week in WEEKS:
        u = uniform_second(SEED, 26, REPLICATE, PATIENT, week, slot)
        assert at.of_taper(SEED, REPLICATE, PATIENT, week, slot) == u


def test_how_a_patient_is_tapered_has_an_address_without_a_week() -> None:
    assert (at.TAPER_SHARE, at.MAINTENANCE_DOSE, at.KEEPS_MAINTENANCE) == (0, 1, 2)
    for slot in (0, 1):
        z = normal_quantile(uniform_second(SEED, 27, REPLICATE, PATIENT, 0, slot))
        assert at.taper_person(SEED, REPLICATE, PATIENT, slot) == z
    u = uniform_second(SEED, 27, REPLICATE, PATIENT, 0, 2)
    assert at.keeps_maintenance(SEED, REPLICATE, PATIENT) == u


@pytest.mark.parametrize("slot", [0, 1])
def test_how_a_centre_tapers_has_the_address_of_the_site(slot: int) -> None:
    z = normal_quantile(uniform_second(SEED, 28, REPLICATE, 3, 0, slot))
    assert at.taper_centre(SEED, REPLICATE, 3, slot) == z


def test_the_class_of_a_responder_has_its_own_address() -> None:
    u = uniform_second(SEED, 25, REPLICATE, PATIENT, 0, 0)
    assert at.course_class(SEED, REPLICATE, PATIENT) == u


def test_only_weeks_with_a_planned_course_have_a_place() -> None:
    plan = enrolled_numbers()[1]
    assert np.flatnonzero(plan.course_at >= 0).tolist() == list(COURSE_WEEKS)
    assert np.unique(plan.course_at).size == len(COURSE_WEEKS) + 1


def test_no_two_places_of_a_patient_hold_the_same_number() -> None:
    both = [*candidate_numbers(), *enrolled_numbers()[0]]
    assert len(set(both)) == len(both)


def test_the_visits_of_a_design_do_not_touch_a_candidate() -> None:
    assert candidate_numbers((0, 3)).tolist() == candidate_numbers().tolist()


def test_another_visit_leaves_the_noise_of_the_other_weeks() -> None:
    (with_9, _), (without, _) = enrolled_numbers((0, 4, 8, 9, 12, 16)), enrolled_numbers()
    noise_with = with_9[at.VISIT_NOISE_AT :][: 6 * 8].reshape(6, 8)
    noise_without = without[at.VISIT_NOISE_AT :][: 5 * 8].reshape(5, 8)
    np.testing.assert_array_equal(np.delete(noise_with, 3, axis=0), noise_without)


def test_another_visit_leaves_the_rescue_of_the_other_weeks() -> None:
    with_9 = rescue_numbers((0, 4, 8, 9, 12, 16))
    np.testing.assert_array_equal(np.delete(with_9, 3, axis=0), rescue_numbers(WEEKS))


def test_another_visit_leaves_response_frailty_dropout_and_risk() -> None:
    with_9, plan_with = enrolled_numbers((0, 4, 8, 9, 12, 16))
    without, plan = enrolled_numbers()
    assert with_9[:4].tolist() == without[:4].tolist()
    n = at.RESCUE_AT
    assert with_9[plan_with.n_normals :][:n].tolist() == without[plan.n_normals :][:n].tolist()


def test_another_visit_leaves_the_harm_of_every_course() -> None:
    with_9, plan_with = enrolled_numbers((0, 4, 8, 9, 12, 16))
    without, plan = enrolled_numbers()
    for slot in range(at.COURSE_SLOTS):
        weeks = list(COURSE_WEEKS)
        np.testing.assert_array_equal(
            with_9[plan_with.course_at[weeks] + slot], without[plan.course_at[weeks] + slot]
        )


def test_another_course_leaves_every_other_number() -> None:
    more, plan_more = enrolled_numbers(courses=np.array([[0, 4, 8, 12], [0, 2, 3, 6]]))
    here, plan = enrolled_numbers()
    before = plan.n_normals + at.RESCUE_AT + at.RESCUE_SLOTS * len(WEEKS)
    assert more[:before].tolist() == here[:before].tolist()
    for slot in range(at.COURSE_SLOTS):
        weeks = list(COURSE_WEEKS)
        same = more[plan_more.course_at[weeks] + slot]
        np.testing.assert_array_equal(same, here[plan.course_at[weeks] + slot])


def test_a_study_without_infusions_has_the_same_people() -> None:
    none, plan_none = enrolled_numbers(courses=np.zeros((1, 0), np.int64))
    here, plan = enrolled_numbers()
    before = plan.n_normals + at.RESCUE_AT + at.RESCUE_SLOTS * len(WEEKS)
    assert none[:before].tolist() == here[:before].tolist()
    last = at.INTERVAL_ROOM * (len(WEEKS) - 1)
    assert none[plan_none.interval_at :][:last].tolist() == here[plan.interval_at :][:last].tolist()


def test_what_is_missing_is_addressed_by_the_week_and_the_item() -> None:
    for slot in range(7):
        u = uniform_second(SEED, 23, REPLICATE, PATIENT, 12, slot)
        below, above = np.nextafter(u, 0.0), np.nextafter(u, 1.0)
        address = (SEED, REPLICATE, PATIENT, 12, slot)
        assert not at.is_missing(*address, below) and not at.is_missing(*address, u)
        assert at.is_missing(*address, above)


def test_the_minute_of_a_visit_is_addressed_by_its_week() -> None:
    u = uniform_second(SEED, 24, REPLICATE, PATIENT, 12, 0)
    minute = at.visit_minute(SEED, REPLICATE, PATIENT, 12, 120_960, 4_320)
    assert minute == 120_960 + math.floor((2.0 * u - 1.0) * 4_320)
    assert at.visit_minute(SEED, REPLICATE, PATIENT, 12, 120_960, 0) == 120_960


def test_another_visit_leaves_the_noise_of_enzymes_of_the_other_weeks() -> None:
    (with_9, plan_9), (without, plan) = enrolled_numbers((0, 4, 8, 9, 12, 16)), enrolled_numbers()
    noise_with = with_9[plan_9.enzyme_noise_at :][: 6 * 4].reshape(6, 4)
    noise_without = without[plan.enzyme_noise_at :][: 5 * 4].reshape(5, 4)
    np.testing.assert_array_equal(np.delete(noise_with, 3, axis=0), noise_without)


def test_an_arrival_is_addressed_by_site_and_order_there() -> None:
    gap = at.arrival_gap(SEED, REPLICATE, 7, 2, 0.25)
    assert gap == -plog(uniform_second(SEED, 10, REPLICATE, 7, 2, 0)) / 0.25
