"""Rules about intervals of mean changes and slopes: centre, implied SD, and the p value beside.

An interval of a mean change says which SD the changes had, and with the SDs at both times how the
two values of a patient go together: r = (SD_0^2 + SD_1^2 - SD_change^2) / (2 SD_0 SD_1); where no
SD is printed at the end, that of the baseline stands for it. An interval made as if the two times
were two groups is t(2n - 2) SD sqrt(2/n) to either side.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from simtrial.evidence.digits import decimals_of
from simtrial.evidence.findings import Finding, Severity, finding, used_of
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.values import MeanChange, MeanSd, Slope
from simtrial.evidence.wording import subtypes_of

_FUZZ = 1e-9
# a correlation may pass 1 by the rounding of the SDs it is made from
_MOST = 1.02


def intervals_off_centre(ledger: Ledger) -> Iterator[Finding]:
    """Find intervals whose middle is not their estimate, beyond what rounding can do."""
    for fact in ledger.facts.values():
        ends = _ends(fact)
        if ends is None or fact.restored is not None:  # a restored one is proved by its middle
            continue
        estimate, low, high = ends
        if off_centre(fact, estimate, low, high):
            middle, width = 0.5 * (low + high), 0.5 * (high - low)
            proof = (
                f"printed {estimate:g} ({low:g} to {high:g}); the middle is {middle:g}: with the "
                f"estimate right, one end is off by {2.0 * abs(estimate - middle):.3g}"
            )
            used = used_of(fact, f"{estimate:g}, half-width {width:.4g} {fact.unit}")
            yield finding("interval_centre", fact, "warning", proof, used=used)


def off_centre(fact: Fact, estimate: float, low: float, high: float) -> bool:
    """Return whether an interval's middle misses its estimate by more than their rounding."""
    halves = [0.5 * 10.0 ** -decimals_of(fact, value) for value in (estimate, low, high)]
    return abs(estimate - 0.5 * (low + high)) > halves[0] + 0.5 * (halves[1] + halves[2]) + _FUZZ


def sds_of_intervals(ledger: Ledger) -> Iterator[Finding]:
    """Tell the SD of changes that an interval implies, read as paired and as two groups."""
    for fact in ledger.facts.values():
        if not isinstance(fact.values, MeanChange) or fact.n < 2:
            continue
        if fact.values.low is None or fact.values.high is None:
            continue
        half = 0.5 * (fact.values.high - fact.values.low)
        t = _t(fact.values.level_percent, fact.n - 1)
        sd = half * math.sqrt(fact.n) / t
        proof = (
            f"half-width {half:.4g} of n {fact.n}: read as paired, the SD of changes is {sd:.4g}"
        )
        severity: Severity = "note"
        baseline = _sd_of(ledger, fact, "_baseline")
        related: tuple[str, ...] = ()
        if baseline is not None:
            s = baseline.values_as(MeanSd).sd
            assert s is not None
            end = _sd_of(ledger, fact, "_end")
            related = (baseline.id,) if end is None else (baseline.id, end.id)
            as_groups = _t(fact.values.level_percent, 2 * fact.n - 2) * s * math.sqrt(2.0 / fact.n)
            proof += _paired(sd, s, None if end is None else end.values_as(MeanSd).sd)
            proof += "; read as two groups with the baseline's SD the half-width would be "
            proof += f"{as_groups:.4g}"
            if (
                end is not None
                and not -_MOST <= _correlation(sd, s, end.values_as(MeanSd).sd or s) <= _MOST
            ):
                severity, proof = "warning", proof + "; no correlation gives the paired reading"
        yield finding("sd_of_interval", fact, severity, proof, related=related)


def _correlation(sd: float, before: float, after: float) -> float:
    return (before * before + after * after - sd * sd) / (2.0 * before * after)


def _paired(sd: float, before: float, after: float | None) -> str:
    """Return what an SD of changes says beside the SD before, and after where it is printed."""
    if after is not None:
        r = _correlation(sd, before, after)
        return f", which with the SDs {before:g} and {after:g} is a correlation of {r:.2f}"
    r = _correlation(sd, before, before)
    if -1.0 <= r <= 1.0:
        return (
            f", which with the baseline's SD {before:g} at both times is a correlation of {r:.2f}"
        )
    return (
        f", which the baseline's SD {before:g} at both times cannot give: at the end it would be "
        f"at least {abs(sd - before):.4g}"
    )


def intervals_that_hold_zero(ledger: Ledger) -> Iterator[Finding]:
    """Tell which mean changes and slopes have an interval that does not leave out zero."""
    for fact in ledger.facts.values():
        ends = _ends(fact)
        if ends is not None and ends[1] <= 0.0 <= ends[2]:
            proof = f"{ends[0]:g} ({ends[1]:g} to {ends[2]:g}): no change is not left out"
            yield finding("holds_zero", fact, "note", proof)


def p_values_and_intervals(ledger: Ledger) -> Iterator[Finding]:
    """Find p values below (above) 0.05 beside a 95 % interval that holds (leaves out) zero."""
    for fact in ledger.facts.values():
        ends = _ends(fact)
        if ends is None or fact.p_value is None:
            continue
        level = fact.values_as(MeanChange | Slope).level_percent  # type: ignore[arg-type]
        alpha = 1.0 - level / 100.0
        low, high = (value for value in ends[1:])
        halves = [0.5 * 10.0 ** -decimals_of(fact, value) for value in (low, high)]
        holds = low + halves[0] < 0.0 < high - halves[1]
        leaves_out = low - halves[0] > 0.0 or high + halves[1] < 0.0
        small, large = _sides(fact.p_value, alpha)
        if (small and holds) or (large and leaves_out):
            proof = (
                f"p {fact.p_value}, and the {level:g} % interval {low:g} to {high:g} "
                f"{'holds' if holds else 'leaves out'} zero"
            )
            yield finding("p_value", fact, "error", proof)


def _sides(p_value: str, alpha: float) -> tuple[bool, bool]:
    """Return whether a printed p value is surely below alpha, and surely above, to its digits."""
    relation, text = p_value[0], p_value[1:].strip()
    bound = float(text)
    half = 0.5 * 10.0 ** -len(text.partition(".")[2])
    if relation == "<":
        return bound <= alpha + _FUZZ, False
    if relation == ">":
        return False, bound >= alpha - _FUZZ
    return bound + half < alpha, bound - half > alpha


def _ends(fact: Fact) -> tuple[float, float, float] | None:
    match fact.values:
        case MeanChange(mean=mean, low=float() as low, high=float() as high):
            return mean, low, high
        case Slope():
            return fact.values.estimate, fact.values.low, fact.values.high
        case _:
            return None


def _t(level_percent: float, freedom: int) -> float:
    from scipy.stats import t

    return float(t.ppf(0.5 + level_percent / 200.0, freedom))


def _sd_of(ledger: Ledger, change: Fact, which: str) -> Fact | None:
    """Return the mean with SD at baseline, or at the end of a change, of the same patients."""
    name = change.quantity.removesuffix("_change") + which
    for fact in ledger.facts.values():
        about = (fact.quantity, fact.document, fact.cohort, fact.arm, subtypes_of(fact))
        if (
            about == (name, change.document, change.cohort, change.arm, subtypes_of(change))
            and isinstance(fact.values, MeanSd)
            and fact.values.sd
            and (which == "_baseline" or fact.timing == change.timing)
        ):
            return fact
    return None
