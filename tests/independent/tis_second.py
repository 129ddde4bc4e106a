"""Second, separate reading of the 2016 ACR/EULAR Total Improvement Score for adults.

Source: Aggarwal et al. 2017, Table 3.  All arithmetic is exact (fractions), apart from one
deliberate rounding to 9 decimals that undoes the noise of binary floats before a cut-off is
applied.
"""

from collections.abc import Mapping
from fractions import Fraction

# Points for the five bands of each measure, from no improvement to the largest.
POINTS: dict[str, tuple[str, str, str, str, str]] = {
    "physician": ("0", "7.5", "15", "17.5", "20"),
    "patient": ("0", "2.5", "5", "7.5", "10"),
    "haq": ("0", "5", "7.5", "7.5", "10"),
    "enzyme": ("0", "2.5", "5", "7.5", "7.5"),
    "extramuscular": ("0", "7.5", "12.5", "15", "20"),
    "mmt": ("0", "10", "20", "27.5", "32.5"),
}

# Upper, included ends of the first four bands, in per cent; the fifth band has no upper end.
USUAL_BAND_ENDS = (5, 15, 25, 40)
MMT_BAND_ENDS = (2, 10, 20, 30)

FIXED_RANGES = {"physician": 10, "patient": 10, "extramuscular": 10, "haq": 3, "enzyme": 15}

# The five measures without the enzyme, with the lowest baseline from which a relative
# worsening can count (none for MMT).
LOWEST_BASELINE: dict[str, Fraction | None] = {
    "physician": Fraction(1),
    "patient": Fraction(1),
    "extramuscular": Fraction(1),
    "haq": Fraction(1, 4),
    "mmt": None,
}


def _rounded(value: Fraction) -> Fraction:
    """Round to 9 decimals."""
    return round(value, 9)


def _improvement(measure: str, before: Mapping[str, float], after: Mapping[str, float]) -> Fraction:
    """Change in the direction of improvement, in the units of the measure."""
    fall = Fraction(before[measure]) - Fraction(after[measure])
    if measure == "mmt":  # the only measure in which higher is better
        return -fall
    return fall


def _band(percentage: Fraction, ends: tuple[int, int, int, int]) -> int:
    """Number of the band (0 to 4); bands are open below and closed above."""
    return sum(1 for end in ends if percentage > end)


def tis_second(
    baseline: Mapping[str, float], followup: Mapping[str, float], mmt_maximum: int
) -> Fraction:
    """Total Improvement Score, 0 to 100."""
    total = Fraction(0)
    for measure, points in POINTS.items():
        if measure == "mmt":
            scale, ends = mmt_maximum, MMT_BAND_ENDS
        else:
            scale, ends = FIXED_RANGES[measure], USUAL_BAND_ENDS
        percentage = _rounded(100 * _improvement(measure, baseline, followup) / scale)
        total += Fraction(points[_band(percentage, ends)])
    return total


def deterioration_second(baseline: Mapping[str, float], visit: Mapping[str, float]) -> bool:
    """Whether one visit meets the definition of deterioration against baseline."""

    def worse_by(measure: str) -> Fraction:
        return _rounded(-_improvement(measure, baseline, visit))

    def worse_by_percent(measure: str, percent: int) -> bool:
        start = Fraction(baseline[measure])
        if start <= 0:  # no percentage of nothing
            return False
        return _rounded(-100 * _improvement(measure, baseline, visit) / start) >= percent

    if worse_by("physician") >= 2 and worse_by_percent("mmt", 20):
        return True
    if worse_by("extramuscular") >= 2:
        return True
    count = 0
    for measure, lowest in LOWEST_BASELINE.items():
        if lowest is not None and Fraction(baseline[measure]) < lowest:
            continue
        if worse_by_percent(measure, 30):
            count += 1
    return count >= 3
