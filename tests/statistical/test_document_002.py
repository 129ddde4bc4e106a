"""Document 002, simulated 2,000 times from the shipped posterior, contains its printed counts."""

from __future__ import annotations

import pytest

from simtrial.trial.posterior import load_posterior
from simtrial.validation.documents import replicate_lim21

PRINTED = {
    "TIS >= 40 by week 9": 8,
    "TIS >= 40 by week 3": 6,
    "TIS >= 20 at the end": 9,
    "TIS >= 20 ever": 12,
    "TIS >= 20 reached, lost": 3,
    "rescued": 7,
    "clinically relevant deterioration": 0,
}


@pytest.fixture(scope="module")
def replicated():
    return replicate_lim21(load_posterior(), trials=2_000)


@pytest.mark.parametrize("what", PRINTED)
def test_a_printed_count_lies_inside_its_95_percent_predictive_interval(replicated, what):
    row = next(f for f in replicated["facts"] if f["what"] == what)
    assert (row["printed"], row["n"]) == (PRINTED[what], 19)
    assert row["inside95"], row


def test_intervals_are_no_wider_than_the_19_patients_allow(replicated):
    # an interval that holds everything would prove nothing
    for row in replicated["facts"]:
        low, high = row["interval95"]
        assert high - low <= 15, row
