"""The scalar steps of events after courses and between visits, and where the tables hold them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simtrial.cohort.event_rates import event_table, without_events
from simtrial.cohort.events import (
    FATAL,
    INTERRUPT,
    RELATED,
    SERIOUS,
    STOP,
    course_slot,
    event_detail,
    event_slots,
    interval_slot,
    n_event_slots,
)
from simtrial.cohort.snapshot import empty_snapshot
from simtrial.core.units import MINUTES_PER_DAY
from simtrial.myositis import events
from simtrial.myositis.event_parameters import EVENT_PREFIXES, cancer_name, death_name
from simtrial.myositis.parameters import HARM, PARAMETERS, SUBTYPES
from simtrial.operating.prepare import needed_parameters
from simtrial.synthesis.priors import load_priors
from simtrial.trial.design import load_design
from tests.agreement.scripted import design

DAY = MINUTES_PER_DAY
ALMOST_ONE = 1.0 - 2.0**-53


def test_migraine_multiplies_the_hazard_of_meningitis():
    assert events.meningitis_hazard(0.02, True, 8.0) == 0.16
    assert events.meningitis_hazard(0.02, False, 8.0) == 0.02


def test_haemolysis_has_its_stated_rate_at_2_g_per_kg_and_multiplies_by_dose():
    log_hr = math.log(3.0)
    assert events.haemolysis_hazard(0.4, False, 2.0, log_hr) == 0.4
    # pexp is right to one unit in the last place
    assert events.haemolysis_hazard(0.4, False, 3.0, log_hr) == pytest.approx(1.2, rel=4e-16)
    assert events.haemolysis_hazard(0.4, False, 1.0, log_hr) == pytest.approx(0.4 / 3, rel=4e-16)


def test_blood_group_o_has_no_haemolysis():
    assert events.haemolysis_hazard(50.0, True, 5.0, 1.0) == 0.0


@pytest.mark.parametrize(
    ("minutes", "first", "end"),
    [(events.meningitis_minutes, 0, 2 * DAY), (events.haemolysis_minutes, 5 * DAY, 10 * DAY)],
    ids=["meningitis", "haemolysis"],
)
def test_an_event_of_a_course_falls_evenly_into_its_days(minutes, first, end):
    assert minutes(2.0**-54) == first
    assert minutes(0.5) == (first + end) // 2
    assert minutes(ALMOST_ONE) == end - 1


def test_hazards_of_prednisolone_are_those_of_10_mg():
    assert events.infection_rate(1e-6, math.log(1.5), 0.0) == 1e-6
    # a logarithm, its exponential and two products are each rounded
    assert events.infection_rate(1e-6, math.log(1.5), 20.0) == pytest.approx(2.25e-6, rel=1e-15)
    assert events.steroid_toxicity_rate(1e-6, 0.0) == 0.0
    assert events.steroid_toxicity_rate(0.5, 25.0) == 1.25


def test_no_infections_stay_none_under_a_dose_of_an_infinite_hazard_ratio():
    assert events.infection_rate(0.0, math.log(3.0), 1e5) == 0.0


def test_an_interval_s_event_comes_where_the_hazard_has_used_up_the_exponential():
    assert events.minutes_into_interval(0.25, 0.001, 1_000) == 250
    assert events.minutes_into_interval(0.2509, 0.001, 1_000) == 250
    assert events.minutes_into_interval(0.999_999, 0.001, 1_000) == 999
    assert events.minutes_into_interval(1.0, 0.001, 1_000) == events.NOT_IN_INTERVAL


def test_without_a_hazard_an_interval_has_no_event():
    assert events.minutes_into_interval(2.0**-53, 0.0, 40_320) == events.NOT_IN_INTERVAL


def test_an_event_lies_before_the_visit_that_closes_its_interval():
    # of these hazards some quotient rounds up to the whole interval
    rates = np.random.default_rng(1).uniform(1e-6, 1e-3, 20_000)
    for gap in (1, 10_080, 40_320):
        for rate in rates:
            needed = math.nextafter(rate * gap, 0.0)
            assert events.minutes_into_interval(needed, rate, gap) == gap - 1


# --- what is decided about an event -------------------------------------------------------------


def detail(which=events.INFECTION, **chances: float) -> set[int]:
    """Return every combination of bits among the events of 2,000 patients."""
    names = ("serious", "related", "fatal", "stop", "interrupt_serious", "interrupt_other")
    values = [chances.get(name, 0.5) for name in names]
    return {event_detail(7, 3, candidate, 4, which, *values) for candidate in range(2_000)}


def test_only_serious_events_kill_or_stop_treatment_and_each_has_one_action():
    found = detail()
    for bits in found:
        if not bits & SERIOUS:
            assert not bits & (FATAL | STOP)
        assert ((bits & FATAL) > 0) + ((bits & STOP) > 0) + ((bits & INTERRUPT) > 0) <= 1
    # related or not, with: nothing or interrupted; serious alone, fatal, interrupted, stopped
    assert len(found) == 2 * (2 + 4)


@pytest.mark.parametrize(
    ("chances", "expected"),
    [
        ({"serious": 0.0, "interrupt_other": 0.0, "related": 0.0}, {0}),
        ({"serious": 0.0, "interrupt_other": 1.0, "related": 1.0}, {RELATED | INTERRUPT}),
        ({"serious": 1.0, "fatal": 1.0, "related": 0.0}, {SERIOUS | FATAL}),
        ({"serious": 1.0, "fatal": 0.0, "stop": 1.0, "related": 0.0}, {SERIOUS | STOP}),
        (
            {"serious": 1.0, "fatal": 0.0, "stop": 0.0, "interrupt_serious": 1.0, "related": 0.0},
            {SERIOUS | INTERRUPT},
        ),
        (
            {"serious": 1.0, "fatal": 0.0, "stop": 0.3, "interrupt_serious": 1.0, "related": 0.0},
            {SERIOUS | INTERRUPT, SERIOUS | STOP},
        ),
    ],
)
def test_chances_of_0_and_1_are_certainties(chances, expected):
    assert detail(**chances) == expected


def test_a_higher_chance_of_stopping_makes_no_action_milder():
    changed = 0
    for candidate in range(2_000):
        address = (7, 3, candidate, 4, events.INFECTION, 1.0, 0.0, 0.0)
        low, high = (event_detail(*address, stop, 0.5, 0.0) for stop in (0.2, 0.6))
        assert high >= low  # the bit of a stop is above that of an interruption
        changed += high > low
    assert changed > 500


# --- the tables ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("courses", "visits"), [(4, 5), (1, 2), (7, 3)])
def test_every_slot_is_that_of_one_class_and_occasion(courses, visits):
    listed = event_slots(courses, visits)
    assert len(listed) == n_event_slots(courses, visits) == len(set(listed))
    for which, name in enumerate(events.EVENTS):
        if name in events.COURSE_EVENTS:
            places = [course_slot(which, j, courses) for j in range(courses)]
        else:
            places = [interval_slot(which, v, courses, visits) for v in range(visits - 1)]
        assert [listed[place] for place in places] == [(name, i) for i in range(len(places))]


def test_the_snapshot_has_a_slot_for_each():
    seen = empty_snapshot(2, 3, 5, 4)
    assert seen.events_minute.shape == seen.events_detail.shape == (2, 3, n_event_slots(4, 5))
    assert (seen.events_minute == -1).all()
    assert not seen.events_detail.any()


def test_classes_are_numbered_as_they_are_named():
    numbers = [getattr(events, name.upper()) for name in events.EVENTS]
    assert numbers == list(range(events.N_EVENTS))
    assert len(events.COURSE_EVENTS) == events.N_COURSE_EVENTS
    assert len(events.INTERVAL_EVENTS) == events.N_INTERVAL_EVENTS


# --- the truth ----------------------------------------------------------------------------------


def table(subtypes=("DM",), *, drug_harms=True, **values: float):
    draws = {name: np.array([0.25]) for name in PARAMETERS if name.startswith(EVENT_PREFIXES)}
    draws |= {"stop.serious": np.array([0.5])}
    draws |= {name: np.array([value]) for name, value in values.items()}
    return event_table(draws, subtypes, drug_harms=drug_harms)


def test_placebo_brings_no_event_of_a_course_and_under_identical_arms_neither_does_the_drug():
    for rates in (table(), table(drug_harms=False)):
        assert rates.meningitis_rate[0, 0] == rates.haemolysis_rate[0, 0] == 0.0
    assert table().meningitis_rate[0, 1] == table().haemolysis_rate[0, 1] == 0.25
    assert table(drug_harms=False).meningitis_rate[0, 1] == 0.0
    assert table(drug_harms=False).haemolysis_rate[0, 1] == 0.0


def test_a_year_is_365_and_a_quarter_days():
    rates = table(**{"infection.per_year": 365.25 * DAY})
    assert rates.infection_per_minute[0] == 1.0


def test_each_subtype_has_its_rates_of_cancer_and_death():
    values = {"cancer.per_year[DM]": 2.0, "cancer.per_year[others]": 3.0}
    values |= {"death.per_year[IBM]": 5.0, "death.per_year[others]": 7.0}
    rates = table(SUBTYPES, **values)
    year = 365.25 * DAY
    for s, subtype in enumerate(SUBTYPES):
        assert rates.cancer_per_minute[0, s] * year == pytest.approx(2 if subtype == "DM" else 3)
        assert rates.death_per_minute[0, s] * year == pytest.approx(5 if subtype == "IBM" else 7)


def test_cancer_and_death_are_serious_and_a_diagnosis_kills_nobody_at_its_minute():
    rates = table()
    assert rates.serious[0, events.CANCER] == rates.serious[0, events.DEATH] == 1.0
    assert rates.fatal[0, events.DEATH] == 1.0
    assert rates.fatal[0, events.CANCER] == 0.0
    others = [i for i in range(events.N_EVENTS) if i not in (events.CANCER, events.DEATH)]
    assert (rates.fatal[0, others] == 0.25).all()
    assert (rates.serious[0, others] == 0.25).all()


def test_a_design_reads_the_rates_of_its_subtypes_only():
    read = needed_parameters(design(population={
        "subtypes": {"DM": 0.5, "PM": 0.5}, "line": "refractory", "mmt": "MMT8_150"}))  # fmt: skip
    assert {cancer_name("DM"), cancer_name("PM"), death_name("DM")} <= set(read)
    assert death_name("IBM") not in read
    assert cancer_name("PM") not in needed_parameters(load_design("dm_ivig_16w"))
    assert "infection.per_year" in read
    assert len(read) == len(set(read))


def test_without_events_every_rate_is_0_and_every_ratio_1():
    none = without_events(1)
    assert {name for name in none if none[name][0]} == {name for name in none if ".hr_" in name}
    assert all(name.startswith(HARM) for name in none)


def test_every_parameter_of_these_classes_has_a_prior_with_a_reason_within_its_range():
    assumed = load_priors().assumed
    names = [name for name in PARAMETERS if name.startswith(EVENT_PREFIXES)]
    assert len(names) >= 29
    for name in names:
        assert PARAMETERS[name].allows(assumed[name].median()), name
        assert len(assumed[name].source) > 5, name


def test_only_priors_that_name_a_paper_call_themselves_published():
    published = {n: p for n, p in load_priors().assumed.items() if p.status != "assumed"}
    assert set(published) == {"migraine_share", "haemolysis.per_course"}
    for prior in published.values():
        assert "Ann Intern Med" in prior.source or "PubMed" in prior.source
