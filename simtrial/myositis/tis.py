"""The 2016 ACR/EULAR Total Improvement Score of adults, and the rule of deterioration.

References
----------
Aggarwal R, Rider LG, Ruperto N, et al. 2016 ACR/EULAR criteria for minimal, moderate, and major
clinical response in adult dermatomyositis and polymyositis. Ann Rheum Dis 2017;76:792-801,
table 3 (bands and points).

Rider LG, Aggarwal R, Pistorio A, et al. 2016 ACR/EULAR criteria for minimal, moderate, and major
clinical response in juvenile dermatomyositis. Ann Rheum Dis 2017;76:782-791, table 3 (thresholds).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simtrial.core.compiled import step
from simtrial.myositis.measures import (
    CK_RANGE_ULN,
    ENZYME,
    EXTRAMUSCULAR,
    HAQ,
    HAQ_RANGE,
    MMT,
    N_MEASURES,
    PATIENT,
    PHYSICIAN,
    VAS_RANGE_CM,
)

MINIMAL, MODERATE, MAJOR = 20.0, 40.0, 60.0
# what a score is called, by age group; bands and points are the same (Rider 2017, table 3)
THRESHOLDS = {
    "adult": {"minimal": MINIMAL, "moderate": MODERATE, "major": MAJOR},
    "juvenile": {"minimal": 30.0, "moderate": 45.0, "major": 70.0},
}
_SMALLEST_VAS_CM = 1.0  # a smaller baseline cannot show a relative worsening
_SMALLEST_HAQ = 0.25


@step
def rounded(x: float) -> float:
    """Return x to 9 decimals, so that 0.1 steps in binary fall into the band they belong to."""
    return math.floor(x * 1e9 + 0.5) / 1e9


@step
def reaches(x: float, threshold: float) -> bool:
    """Return whether x, to 9 decimals, is at least a threshold of whole numbers.

    The same as ``rounded(x) >= threshold`` without the rounding: a whole number of billionths is
    at least another exactly when what is cut down to it is.
    """
    return x * 1e9 + 0.5 >= threshold * 1e9


@step
def exceeds(x: float, threshold: float) -> bool:
    """Return whether x, to 9 decimals, lies above a threshold of whole numbers."""
    return x * 1e9 + 0.5 >= threshold * 1e9 + 1.0


@step
def change_percent(
    measure: int,
    before: float,
    now: float,
    mmt_maximum: int,
    enzyme_range_uln: float = CK_RANGE_ULN,
) -> float:
    """Return the improvement as a percentage of the measure's range, as computed in binary.

    ``enzyme_range_uln`` : the range of the enzyme that was chosen; creatine kinase unless said.
    """
    if measure == MMT:
        return (now - before) / mmt_maximum * 100.0
    if measure == HAQ:
        return (before - now) / HAQ_RANGE * 100.0
    if measure == ENZYME:
        return (before - now) / enzyme_range_uln * 100.0
    return (before - now) / VAS_RANGE_CM * 100.0


@step
def improvement_percent(measure: int, before: float, now: float, mmt_maximum: int) -> float:
    """Return the improvement as a percentage of the measure's range; negative is worse."""
    return rounded(change_percent(measure, before, now, mmt_maximum))


@step
def _pick(
    percent: float,
    cuts: tuple[float, float, float, float],
    points: tuple[float, float, float, float],
) -> float:
    """Return the points of the band; bands are open below and closed above.

    A sum of steps, exact in binary as all points are multiples of 2.5: which band it is hardly
    ever follows from the last patient's, and a wrongly guessed branch costs more than four sums.
    """
    out = points[0] * exceeds(percent, cuts[0])
    out += (points[1] - points[0]) * exceeds(percent, cuts[1])
    out += (points[2] - points[1]) * exceeds(percent, cuts[2])
    return out + (points[3] - points[2]) * exceeds(percent, cuts[3])


@step
def measure_points(measure: int, percent: float) -> float:
    """Return the points that one measure's improvement earns (Aggarwal 2017, table 3).

    ``percent`` counts to 9 decimals, rounded or not.
    """
    if measure == MMT:
        return _pick(percent, (2.0, 10.0, 20.0, 30.0), (10.0, 20.0, 27.5, 32.5))
    cuts = (5.0, 15.0, 25.0, 40.0)
    if measure == PHYSICIAN:
        return _pick(percent, cuts, (7.5, 15.0, 17.5, 20.0))
    if measure == PATIENT:
        return _pick(percent, cuts, (2.5, 5.0, 7.5, 10.0))
    if measure == EXTRAMUSCULAR:
        return _pick(percent, cuts, (7.5, 12.5, 15.0, 20.0))
    if measure == HAQ:
        return _pick(percent, cuts, (5.0, 7.5, 7.5, 10.0))
    return _pick(percent, cuts, (2.5, 5.0, 7.5, 7.5))


@step(inline=True)
def improvement_score(
    before: NDArray[np.float64],
    now: NDArray[np.float64],
    mmt_maximum: int,
    enzyme_range_uln: float = CK_RANGE_ULN,
) -> float:
    """Return the Total Improvement Score, 0 to 100.

    Parameters
    ----------
    before, now : (6,) observed measures at baseline and at a visit, in the order of MEASURES.
        One that is missing (NaN) earns nothing; ``score_as_measured`` says whether that counts.
    mmt_maximum : points of the MMT version (80, 150 or 260).
    enzyme_range_uln : the range of the enzyme that was chosen; creatine kinase unless said.
    """
    score = 0.0
    for measure in range(N_MEASURES):
        percent = change_percent(
            measure, before[measure], now[measure], mmt_maximum, enzyme_range_uln
        )
        score += measure_points(measure, percent)
    return score


@step(inline=True)
def score_as_measured(
    before: NDArray[np.float64],
    now: NDArray[np.float64],
    mmt_maximum: int,
    enzyme_range_uln: float,
    missing_is_zero: bool,
) -> float:
    """Return the Total Improvement Score of a visit at which measures may be missing (NaN).

    A missing measure earns nothing where ``missing_is_zero``, and else leaves no score (NaN); nor
    is there one when all six are missing.
    """
    n_missing = 0
    for measure in range(N_MEASURES):
        n_missing += int(now[measure] != now[measure])
    if n_missing == N_MEASURES or (n_missing > 0 and not missing_is_zero):
        return math.nan
    return improvement_score(before, now, mmt_maximum, enzyme_range_uln)


@step
def relative_worsening(measure: int, before: float, now: float) -> float:
    """Return the worsening as a percentage of the patient's own baseline.

    A baseline too small to worsen relatively (below 1 cm, or 0.25 of HAQ) gives 0.
    """
    smallest = _SMALLEST_HAQ if measure == HAQ else _SMALLEST_VAS_CM
    change = before - now if measure == MMT else now - before
    percent = change / max(before, smallest) * 100.0
    return percent if before >= smallest else 0.0


@step(inline=True)
def has_worsened(before: NDArray[np.float64], now: NDArray[np.float64]) -> bool:
    """Return whether one visit meets the rule of clinically relevant deterioration.

    Physician global worse by 2 cm and MMT by 20 %, or extramuscular activity worse by 2 cm, or
    any three of the five measures without the enzyme worse by 30 %, each to 9 decimals. Confirmed
    means: met at two consecutive visits (the engines see to that).
    """
    weaker = relative_worsening(MMT, before[MMT], now[MMT])
    physician = reaches(now[PHYSICIAN] - before[PHYSICIAN], 2.0) & reaches(weaker, 20.0)
    extramuscular = reaches(now[EXTRAMUSCULAR] - before[EXTRAMUSCULAR], 2.0)
    n_worse = 0
    for measure in range(N_MEASURES):
        if measure != ENZYME:
            worse = relative_worsening(measure, before[measure], now[measure])
            n_worse += int(reaches(worse, 30.0))
    return physician | extramuscular | (n_worse >= 3)
