"""Document 002, simulated 2,000 times from the shipped posterior, contains its printed counts."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.operating.prepare import prepare
from simtrial.trial.design import load_design
from simtrial.trial.posterior import load_posterior
from simtrial.trial.scenario import load_scenario
from simtrial.validation.documents import replicate_lim21

REACTIONS = "an adverse event (an infusion reaction)"
PRINTED = {
    "TIS >= 40 by week 9": (8, 19),
    "TIS >= 40 by week 3": (6, 19),
    "TIS >= 20 at the end": (9, 19),
    "TIS >= 20 ever": (12, 19),
    "TIS >= 20 reached, lost": (3, 19),
    "rescued": (7, 19),
    "clinically relevant deterioration": (0, 19),
    REACTIONS: (20, 20),
    "a serious adverse event": (2, 20),
    "thromboembolism": (1, 20),
    "treatment stopped for harm": (0, 20),
}


@pytest.fixture(scope="module")
def replicated():
    return replicate_lim21(load_posterior(), trials=2_000)


def test_every_row_is_one_of_the_printed_counts(replicated):
    assert [f["what"] for f in replicated["facts"]] == list(PRINTED)


@pytest.mark.parametrize("what", PRINTED)
def test_a_printed_count_lies_inside_its_95_percent_predictive_interval(replicated, what):
    row = next(f for f in replicated["facts"] if f["what"] == what)
    assert (row["printed"], row["n"]) == PRINTED[what]
    assert row["inside95"], row


def test_intervals_are_no_wider_than_the_patients_allow(replicated):
    # an interval that holds everything would prove nothing
    for row in replicated["facts"]:
        low, high = row["interval95"]
        if row["what"] != REACTIONS:
            assert high - low <= 15, row


def test_reactions_of_a_new_study_may_be_as_many_as_either_document_reports(replicated):
    # 20 of 20 in document 002, 5 of 16 in 004: a new study's interval holds both, so it is wide,
    # and that document 002 lies within it says little
    low, high = next(f for f in replicated["facts"] if f["what"] == REACTIONS)["interval95"]
    assert low <= 20 * 5 / 16
    assert high == 20


def test_the_first_19_patients_of_a_study_of_20_are_the_study_of_19():
    of_19, of_20 = (simulated_study(n) for n in (19, 20))
    compared = 0
    for name in of_19._fields:
        small, large = getattr(of_19, name), getattr(of_20, name)
        if small.shape[1:2] == (19,):
            np.testing.assert_array_equal(small, large[:, :19], err_msg=name)
            compared += 1
    assert compared == len(of_19._fields) - 3  # screened, failures and complete are of a study


def simulated_study(n: int):
    design = load_design("documents/lim21").with_n(n)
    ready = prepare(design, load_scenario("lim21"), load_posterior())
    return compiled.run(
        ready.protocol, ready.table, ready.arrivals, seed=1, first=0, last=300, n=n
    ).seen
