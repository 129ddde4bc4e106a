"""Two engines, one science: events and loops give the same patients to the last bit."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.reference import engine as reference
from simtrial.operating.prepare import prepare
from simtrial.trial.design import load_design
from simtrial.trial.scenario import load_scenario
from tests.agreement.coverage import EVERYTHING, counts_of, features_of
from tests.agreement.coverage_more import WAYS_TO_RECRUIT, add
from tests.agreement.random_designs import shipped, whole_trial

ROOT = Path(__file__).parents[2]
SEEDS = range(64)
MORE_SEEDS = range(1_000, 1_560)


def assert_engines_agree(trial):
    by_events, by_loops = (trial.simulate(run) for run in (reference.run, compiled.run))
    assert by_events.first_difference(by_loops) is None


@pytest.mark.parametrize("generator_seed", SEEDS)
def test_engines_agree_to_the_last_bit_on_a_random_design(generator_seed):
    assert_engines_agree(whole_trial(generator_seed))


@pytest.mark.verify
@pytest.mark.parametrize("generator_seed", MORE_SEEDS)
def test_engines_agree_to_the_last_bit_on_one_more_random_design(generator_seed):
    assert_engines_agree(whole_trial(generator_seed))


@pytest.mark.parametrize("source", ["posterior", "point", "no_effect"])
def test_engines_agree_to_the_last_bit_on_the_demo(source):
    prepared = prepare(load_design("dm_ivig_16w"), load_scenario(source), shipped())
    assert_engines_agree_on(prepared, replicates=12)


DOCUMENTS = sorted((ROOT / "configs/designs/documents").glob("*.yaml"))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_engines_agree_to_the_last_bit_on_every_document(path):
    own = ROOT / "configs/scenarios" / path.name
    for source in ("point", *([own] if own.exists() else [])):
        prepared = prepare(load_design(path), load_scenario(source), shipped())
        assert_engines_agree_on(prepared, replicates=1 + 600 // prepared.design.sample_size.n)


def test_the_documents_are_found():
    assert {path.stem for path in DOCUMENTS} >= {"lim21"}


def assert_engines_agree_on(prepared, *, replicates):
    by_events, by_loops = (
        run(
            prepared.protocol,
            prepared.table,
            prepared.arrivals,
            seed=20_260_117,
            first=100,
            last=100 + replicates,
            n=prepared.design.sample_size.n,
        )
        for run in (reference.run, compiled.run)
    )
    assert by_events.seen.complete.all()
    assert by_events.first_difference(by_loops) is None


# --- a branch that is never taken could be broken in either engine ------------------------------


@cache
def together(seeds):
    """Return the counts of all trials of some seeds, added up."""
    counts: dict[str, int] = {}
    for seed in seeds:
        for name, number in counts_of(whole_trial(seed)).items():
            add(counts, name, number)
    return counts


# so rare that the few designs of every day may lack them
RARE = {
    *("course cut short", "switched at a visit with a course running"),
    "lack_of_effect, then leave_study",
}


def seldom_of(seeds, fewest, but=frozenset()):
    """Return what happens to fewer patients than wanted."""
    counts, wanted = together(seeds), [name for name in EVERYTHING if name not in but]
    return {name: counts.get(name, 0) for name in wanted if counts.get(name, 0) < fewest}


def test_every_event_happens_to_some_patients_of_the_random_designs():
    assert together(SEEDS)["randomised"] >= 15_000
    assert not seldom_of(SEEDS, 1, RARE)


@pytest.mark.verify
def test_more_designs_hold_200_000_patients_and_every_event_happens_to_many():
    assert len(MORE_SEEDS) >= 500
    assert together(MORE_SEEDS)["randomised"] >= 200_000
    assert not seldom_of(MORE_SEEDS, 50)


FEATURES = {
    *("1 arms", "2 arms", "3 arms"),
    *(f"course of {d} days" for d in (1, 2, 3, 4, 5, 7)),
    *("mmt MMT8_150", "mmt MMT8_80", "mmt MMT_260", "mmt CMAS_52"),
    *("ages: adult", "ages: juvenile"),
    *("line first_line", "line refractory", "background none", "background continued"),
    "line 40 % first_line and 60 % refractory",
    *(
        f"{rule}: {then}"
        for rule in ("deterioration", "rescue", "harm")
        for then in ("stop_treatment", "leave_study")
    ),
    *WAYS_TO_RECRUIT,
}


@pytest.mark.parametrize(
    ("seeds", "fewest"), [(SEEDS, 1), pytest.param(MORE_SEEDS, 5, marks=pytest.mark.verify)]
)
def test_every_feature_of_a_design_is_in_some_random_design(seeds, fewest):
    found: dict[str, int] = {}
    for seed in seeds:
        for name, present in features_of(whole_trial(seed)).items():
            add(found, name, present)
    assert set(found) >= FEATURES
    assert not {name: number for name, number in found.items() if number < fewest}
