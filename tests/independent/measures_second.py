"""Second reading of what is seen: errors, rounding, enzymes, missing values, score, deterioration.

Written from docs/model.md ("What is seen") without sight of the engines.  Plain floats.
"""

import dataclasses
import math
import statistics
from collections.abc import Sequence

NORMAL = statistics.NormalDist()

# The six measures, in the order in which their random numbers are laid down.
PHYSICIAN, PATIENT, EXTRAMUSCULAR, HAQ, MMT, ENZYME = range(6)
ENZYME_ORDER = ("creatine kinase", "aldolase", "LDH", "AST", "ALT")
ENZYME_DIVISOR = (15.0, 6.0, 3.0, 3.0, 3.0)
ENZYME_LOWEST, ENZYME_HIGHEST, ENZYME_HEALTHY = 0.2, 250.0, 0.5
WORST = {PHYSICIAN: 10.0, PATIENT: 10.0, EXTRAMUSCULAR: 10.0, HAQ: 3.0, MMT: 0.0}
STEP = {PHYSICIAN: 0.1, PATIENT: 0.1, EXTRAMUSCULAR: 0.1, HAQ: 0.125, MMT: 1.0}
RANGE = {PHYSICIAN: 10.0, PATIENT: 10.0, EXTRAMUSCULAR: 10.0, HAQ: 3.0}

BANDS = (5.0, 15.0, 25.0, 40.0)
BANDS_MMT = (2.0, 10.0, 20.0, 30.0)
POINTS = {
    PHYSICIAN: (0.0, 7.5, 15.0, 17.5, 20.0),
    PATIENT: (0.0, 2.5, 5.0, 7.5, 10.0),
    EXTRAMUSCULAR: (0.0, 7.5, 12.5, 15.0, 20.0),
    HAQ: (0.0, 5.0, 7.5, 7.5, 10.0),
    MMT: (0.0, 10.0, 20.0, 27.5, 32.5),
    ENZYME: (0.0, 2.5, 5.0, 7.5, 7.5),
}


def truth_at(measure: int, baseline: float, loading: float, f: float, mmt_maximum: float) -> float:
    """Where one of the first five measures truly stands at benefit f."""
    if f >= 0:
        healthy = mmt_maximum if measure == MMT else 0.0
        return baseline + min(1.0, loading * f) * (healthy - baseline)
    return baseline + abs(f) * (WORST[measure] - baseline)


def enzyme_truth_at(baseline: float, loading: float, f: float) -> float:
    """Where an enzyme truly stands at benefit f, in multiples of its upper limit."""
    start = math.log(baseline)
    if f >= 0:
        goal = min(start, math.log(ENZYME_HEALTHY))
        return math.exp(start + min(1.0, loading * f) * (goal - start))
    return math.exp(start + abs(f) * (math.log(ENZYME_HIGHEST) - start))


def correlated_next(before: float, fresh: float, correlation: float) -> float:
    """Next value of a stationary first-order series of variance 1."""
    return correlation * before + math.sqrt(1.0 - correlation**2) * fresh


def correlation_over(minutes: float, per_4_weeks: float) -> float:
    """Correlation of two errors so many minutes apart; none at any distance where it is 0."""
    if per_4_weeks == 0.0:
        return 0.0
    return per_4_weeks ** (minutes / 10080.0 / 4.0)


def error_of(measure: int, sd: float, shared_share: float, common: float, own: float) -> float:
    """Error of one measure; a bad day (common above 0) takes strength away."""
    sign = -1.0 if measure == MMT else 1.0
    return sd * (math.sqrt(shared_share) * sign * common + math.sqrt(1.0 - shared_share) * own)


def seen_value(measure: int, true: float, error: float, mmt_maximum: float) -> tuple[float, float]:
    """Observed value of one of the first five, and how far it lay from a rounding boundary.

    The distance is in steps of the scale, so a half is the farthest.
    """
    highest = mmt_maximum if measure == MMT else RANGE[measure]
    held = min(highest, max(0.0, true + error))
    steps = held / STEP[measure]
    whole = math.floor(steps + 0.5)
    return whole * STEP[measure], abs(steps + 0.5 - round(steps + 0.5))


def seen_enzyme(true: float, error: float) -> float:
    """Observed enzyme: a multiplicative error, neither held on the scale nor rounded."""
    return true * math.exp(error)


def other_enzymes_baseline(
    ck_z: float, fresh: Sequence[float], scales: Sequence[float], raised: Sequence[float], r: float
) -> list[float]:
    """True baselines of aldolase, LDH, AST and ALT, given the normal of creatine kinase."""
    root = equicorrelated_root(5, r)
    normals = (ck_z, *fresh)
    values = []
    for k in range(4):
        mixed = sum(root[k + 1][j] * normals[j] for j in range(k + 2))
        location = scales[k] * NORMAL.inv_cdf(raised[k])
        value = math.exp(location + scales[k] * mixed)
        values.append(min(ENZYME_HIGHEST, max(ENZYME_LOWEST, value)))
    return values


def equicorrelated_root(n: int, r: float) -> list[list[float]]:
    """Lower Cholesky root of n variables with correlation r each."""
    root = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            rest = (1.0 if i == j else r) - sum(root[i][k] * root[j][k] for k in range(j))
            root[i][j] = math.sqrt(rest) if i == j else rest / root[j][j]
    return root


def highest_enzyme(observed: Sequence[float]) -> int:
    """Number of the highest enzyme, of equals the first."""
    return max(range(len(observed)), key=lambda k: (observed[k], -k))


def visit_shift(minute: int, half_window_minutes: int, u: float) -> int:
    """Actual minute of a visit in its window."""
    return minute + math.floor((2.0 * u - 1.0) * half_window_minutes)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreSecond:
    """A score (None when there is none), and the least distance of a measure from a band's end."""

    value: float | None
    margin_percent: float


def score(
    baseline: Sequence[float],
    visit: Sequence[float | None],
    *,
    mmt_maximum: float,
    enzyme_range: float,
    missing_is_zero: bool,
) -> ScoreSecond:
    """Total Improvement Score of one visit; a missing measure is None."""
    absent = sum(1 for value in visit if value is None)
    margin = math.inf
    total = 0.0
    for k, value in enumerate(visit):
        if value is None:
            continue
        gain = baseline[k] - value
        scale, ends = RANGE.get(k, enzyme_range), BANDS
        if k == MMT:
            gain, scale, ends = -gain, mmt_maximum, BANDS_MMT
        percent = round(100.0 * gain / scale, 9)
        if k == ENZYME:  # the only measure that is not on a grid
            margin = min(abs(percent - end) for end in ends)
        total += POINTS[k][sum(percent > end for end in ends)]
    if absent and (absent == 6 or not missing_is_zero):
        return ScoreSecond(value=None, margin_percent=math.inf)
    return ScoreSecond(value=total, margin_percent=margin)


def is_worse(baseline: Sequence[float], visit: Sequence[float | None]) -> bool:
    """Whether the rule of deterioration is met at one visit."""

    def loss(k: int) -> float | None:
        value = visit[k]
        if value is None:
            return None
        return round(baseline[k] - value if k == MMT else value - baseline[k], 9)

    def loses_percent(k: int, percent: float) -> bool:
        fall = loss(k)
        if fall is None or baseline[k] <= 0.0:
            return False
        return round(100.0 * fall / baseline[k], 9) >= percent

    physician, extramuscular = loss(PHYSICIAN), loss(EXTRAMUSCULAR)
    if physician is not None and physician >= 2.0 and loses_percent(MMT, 20.0):
        return True
    if extramuscular is not None and extramuscular >= 2.0:
        return True
    lowest = {PHYSICIAN: 1.0, PATIENT: 1.0, EXTRAMUSCULAR: 1.0, HAQ: 0.25, MMT: 0.0}
    return sum(baseline[k] >= low and loses_percent(k, 30.0) for k, low in lowest.items()) >= 3
