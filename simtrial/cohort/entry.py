"""Rules of entry beyond the three of activity and dose: lower limits, age, history, the rest."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simtrial.core.compiled import step
from simtrial.core.streams import Purpose, uniform
from simtrial.trial.recruitment import Eligibility

# places in SCREENING_FAILURES, in the order in which they are tried
MMT_TOO_LOW, PREDNISOLONE_TOO_LOW, AGE, CANCER, PREVIOUS, OTHER, SUBTYPE_FULL, CLOSED = range(3, 11)
RUN_IN_LOST, RUN_IN_RESPONSE = 11, 12
_CANCER, _PREVIOUS = 0, 1  # slots of Purpose.RISK


class Entry(NamedTuple):
    """Limits of entry; those that a design does not set let everybody in."""

    mmt_at_least: float
    prednisolone_at_least: float
    age_at_least: float
    age_at_most: float
    exclude_cancer: bool
    exclude_previous: bool


def entry_of(rules: Eligibility) -> Entry:
    """Return the limits of a design."""
    oldest = rules.age_at_most
    return Entry(
        mmt_at_least=rules.mmt_at_least or 0.0,
        prednisolone_at_least=rules.prednisolone_at_least_mg or 0.0,
        age_at_least=rules.age_at_least or 0.0,
        age_at_most=np.inf if oldest is None else oldest,
        exclude_cancer=rules.exclude_cancer,
        exclude_previous=rules.exclude_previous_thromboembolism,
    )


@step
def history(seed: int, replicate: int, candidate: int, slot: int) -> float:
    """Return the uniform that decides whether something befell a candidate before the trial."""
    return uniform(seed, Purpose.RISK, replicate, candidate, 0, slot)


@step
def further_failure(
    entry: Entry,
    mmt: float,
    prednisolone_mg: float,
    age: float,
    cancer_share: float,
    previous_share: float,
    other_share: float,
    seed: int,
    replicate: int,
    candidate: int,
) -> int:
    """Return the first further reason (index into SCREENING_FAILURES) not to enter, or -1.

    Cancer and an earlier thromboembolism are those of the patient's later course: the numbers
    stand at the same addresses.
    """
    if mmt < entry.mmt_at_least:
        return MMT_TOO_LOW
    if prednisolone_mg < entry.prednisolone_at_least:
        return PREDNISOLONE_TOO_LOW
    if age < entry.age_at_least or age > entry.age_at_most:
        return AGE
    if entry.exclude_cancer and history(seed, replicate, candidate, _CANCER) < cancer_share:
        return CANCER
    if entry.exclude_previous and history(seed, replicate, candidate, _PREVIOUS) < previous_share:
        return PREVIOUS
    # no number is made where the share is 0
    if (
        other_share > 0.0
        and uniform(seed, Purpose.SCREENING_OTHER, replicate, candidate, 0, 0) < other_share
    ):
        return OTHER
    return -1
