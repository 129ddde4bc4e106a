"""What is counted of a simulated study when document 002's harm is replicated."""

from __future__ import annotations

import re

import pytest

from simtrial.cohort.snapshot import empty_snapshot
from simtrial.core.errors import EvidenceError
from simtrial.evidence.ledger import load_ledger
from simtrial.validation.documents import checks_of_harm, checks_of_response

PATIENTS = 21  # one more than document 002 included
REACTED, ILL, CLOT, STOPPED = (
    f"lim21.{what}.ivig"
    for what in ("adverse_event", "serious_patients", "thromboembolism", "stopped_for_harm")
)


@pytest.fixture
def seen():
    """Two studies in which nothing has happened yet."""
    return empty_snapshot(2, PATIENTS, 4, 3)


def counts(seen) -> dict[str, list[int]]:
    return {c.fact_id: c.simulated().tolist() for c in checks_of_harm(load_ledger(), seen)}


def test_without_an_event_nothing_is_counted(seen):
    assert counts(seen) == {REACTED: [0, 0], ILL: [0, 0], CLOT: [0, 0], STOPPED: [0, 0]}


def test_a_patient_with_several_reactions_is_one_patient(seen):
    seen.reaction_minute[1, 4, :] = [0, 30_240, 60_480]
    assert counts(seen) == {REACTED: [0, 1], ILL: [0, 0], CLOT: [0, 0], STOPPED: [0, 0]}


def test_serious_patients_are_those_with_a_serious_event_of_any_kind_each_once(seen):
    seen.reaction_minute[0, 0, 1] = 31_000
    seen.reaction_serious[0, 0, 1] = True
    seen.serious_minute[0, 0, 0] = 7
    seen.serious_minute[0, 1, 2] = 61_000
    seen.thromboembolism_minute[0, 2, 0] = 2_000
    assert counts(seen) == {REACTED: [1, 0], ILL: [3, 0], CLOT: [1, 0], STOPPED: [0, 0]}


def test_a_thromboembolism_counts_after_a_course_and_without_one(seen):
    seen.thromboembolism_minute[0, 3, 2] = 62_000
    seen.thromboembolism_minute[0, 5, 3] = 0
    assert counts(seen) == {REACTED: [0, 0], ILL: [2, 0], CLOT: [2, 0], STOPPED: [0, 0]}


def test_the_20th_patient_is_included_and_the_21st_is_not(seen):
    for patient, study in ((19, 0), (20, 1)):
        seen.reaction_minute[study, patient, 0] = 1
        seen.thromboembolism_minute[study, patient, 0] = 1
        seen.harm_stop_minute[study, patient] = 1
    assert counts(seen) == {REACTED: [1, 0], ILL: [1, 0], CLOT: [1, 0], STOPPED: [1, 0]}


def test_printed_counts_are_of_all_20_included(seen):
    printed = {c.fact_id: (c.printed, c.n) for c in checks_of_harm(load_ledger(), seen)}
    assert printed == {REACTED: (20, 20), ILL: (2, 20), CLOT: (1, 20), STOPPED: (0, 20)}


def test_each_fact_of_harm_says_that_the_replication_reads_it(seen):
    facts = load_ledger().facts
    reading = {i for i, fact in facts.items() if "replication of harm" in fact.read_by}
    assert reading == {c.fact_id for c in checks_of_harm(load_ledger(), seen)}


def test_a_fact_without_the_reading_of_all_included_says_what_to_write(seen):
    ledger = load_ledger()
    fact = ledger.fact(STOPPED)
    kept = tuple(a for a in fact.alternatives if a.cohort != "lim21.included")
    ledger.facts[STOPPED] = fact.model_copy(update={"alternatives": kept})
    with pytest.raises(EvidenceError, match=re.escape(f"{STOPPED}' has no alternative")):
        checks_of_harm(ledger, seen)


# --- response: of the patients analysed ---------------------------------------------------------


@pytest.fixture
def scored():
    """Two studies of 20 with four visits after the baseline and a score of 0 at each."""
    seen = empty_snapshot(2, 20, 5, 3)
    seen.tis[:] = 0.0
    return seen


def responses(seen) -> dict[str, list[int]]:
    return {c.what: c.simulated().tolist() for c in checks_of_response(load_ledger(), seen)}


def test_the_second_patient_is_left_out_of_response_and_the_others_count(scored):
    scored.tis[0, 1, 1:] = 45.0
    scored.tis[1, [0, 2, 19], 4] = 45.0
    assert responses(scored)["TIS >= 40 by week 9"] == [0, 3]


def test_the_end_is_the_last_visit_attended_though_one_before_it_was_not_held(scored):
    scored.tis[0, 4] = [0.0, 25.0, float("nan"), 25.0, 0.0]
    scored.tis[0, 5] = [0.0, 0.0, float("nan"), 0.0, 25.0]
    scored.tis[1, 6] = [0.0, 25.0, float("nan"), 25.0, float("nan")]
    scored.tis[1, 7] = float("nan")
    found = responses(scored)
    assert found["TIS >= 20 at the end"] == [1, 1]
    assert found["TIS >= 20 reached, lost"] == [1, 0]
