"""Rules about how counts fit into one another: larger sets, nests, and first visits."""

from __future__ import annotations

from collections.abc import Iterator

from simtrial.evidence.audit_rules.percentages import possible_counts, share_of_patients
from simtrial.evidence.findings import Finding, Severity, finding
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.rules import cohorts_of, sets_around
from simtrial.evidence.sources import Timing
from simtrial.evidence.values import Mix, Multinomial, Percentage, Tally, Times
from simtrial.evidence.wording import counted, in_words, subtypes_of


def counts_in_larger_sets(ledger: Ledger) -> Iterator[Finding]:
    """Find counts of a set that the same count of a set around it does not allow.

    With k of the n inside, the N around hold k to k + N - n. A percentage stands for the counts
    that round to it.
    """
    cohorts = cohorts_of(ledger.documents)
    whole = [
        (fact, counts)
        for fact in ledger.facts.values()
        if fact.n == ledger.cohort(fact.cohort).n and (counts := _counts(fact))
    ]
    for inner, few in whole:
        for outer, many in whole:
            about = (outer.quantity, outer.arm, subtypes_of(outer), outer.unit == "courses")
            if outer.cohort not in sets_around(inner.cohort, cohorts)[1:] or about != (
                *(inner.quantity, inner.arm, subtypes_of(inner)),
                inner.unit == "courses",
            ):
                continue
            if not _comparable(inner.timing, outer.timing):
                continue
            more = outer.n - inner.n
            # whoever was not yet counted inside may come later
            later = (
                (inner.timing.how, _moment(inner.timing))
                != (
                    outer.timing.how,
                    _moment(outer.timing),
                )
                and outer.timing.how == "by"
                and inner.timing.how != "end"
            )
            most = outer.n if later else more
            if any(k <= count <= k + most for k in few for count in many):
                continue
            allowed = f"{min(few)} to {min(max(few) + most, outer.n)}"
            same = (inner.endpoint, inner.timing) == (outer.endpoint, outer.timing)
            proof = (
                f"{in_words(outer.values, outer.unit)} of {outer.cohort} ({outer.n}) is "
                f"{_either(many)}/{outer.n}; {inner.label} has {in_words(inner.values)}, and "
                f"{more} more can make that {allowed} of {outer.n}"
            )
            if not same:
                proof += "; endpoint or time are not the same"
            usable = "unusable" not in (inner.role, outer.role)
            severity: Severity = "error" if same and usable else "warning"
            yield finding("larger_set", outer, severity, proof, related=(inner.id,))


def _moment(timing: Timing) -> tuple[str, float] | None:
    if timing.week is not None:
        return "week", timing.week
    return None if timing.months is None else ("months", timing.months)


def _comparable(inner: Timing, outer: Timing) -> bool:
    """Return whether counts at two times bound one another.

    At one time they do, however it is worded; a count of an earlier time, or on a day, bounds
    from below what is counted ever by a later one.
    """
    first, last = _moment(inner), _moment(outer)
    if first == last:
        return (inner.how == "baseline") == (outer.how == "baseline")
    if first is None or last is None or first[0] != last[0]:
        return False
    return outer.how == "by" and inner.how in ("by", "at") and first[1] <= last[1]


def tallies_over_their_patients(ledger: Ledger) -> Iterator[Finding]:
    """Tell how many patients of a tally must have several of its properties."""
    for fact in ledger.facts.values():
        if isinstance(fact.values, Tally):
            total, n = sum(fact.values.cells.values()), fact.values.n
            if total > n:
                said = " + ".join(f"{name} {k}" for name, k in fact.values.cells.items())
                proof = f"{said} = {total} among {n} patients: {total - n} more than there are"
                yield finding("tally_sum", fact, "note", proof)


def counts_in_their_nest(ledger: Ledger) -> Iterator[Finding]:
    """Find counts that are more than the fact they are nested in, or not a sum of its cells."""
    for fact in ledger.facts.values():
        if fact.nested_in is None:
            continue
        outer = ledger.fact(fact.nested_in)
        for proof in _broken_nest(fact, outer):
            yield finding("nested_count", fact, "error", proof, related=(outer.id,))


def first_visits_and_counts(ledger: Ledger) -> Iterator[Finding]:
    """Find first visits of an endpoint that do not add up to those who ever reached it.

    First visits of ``x`` are the quantity ``x_first``; in a joint table they are the cells
    ``x_first_w3``, ``x_first_w4`` and so on.
    """
    for times in ledger.facts.values():
        if not isinstance(times.values, Times) or not times.quantity.endswith("_first"):
            continue
        reached = sum(times.values.first_by_week.values())
        for fact in ledger.facts.values():
            own = counted(fact.values)
            if own is None or fact.timing.how != "by" or fact.timing != times.timing:
                continue
            about = (fact.quantity, fact.cohort, fact.arm, subtypes_of(fact))
            name = times.quantity.removesuffix("_first")
            if about == (name, times.cohort, times.arm, subtypes_of(times)) and own[0] != reached:
                proof = (
                    f"first visits of {times.label} sum to {reached}, and {fact.label} has "
                    f"{own[0]} of {own[1]} who reached it"
                )
                yield finding("first_visits", times, "error", proof, related=(fact.id,))


def _counts(fact: Fact) -> list[int]:
    """Return the counts that a fact's figures stand for, none where they are no count."""
    if isinstance(fact.values, Percentage):
        return possible_counts(fact.values, fact.n) if share_of_patients(fact) else []
    own = counted(fact.values)
    return [] if own is None or own[1] != fact.n else [own[0]]


def _either(counts: list[int]) -> str:
    return " or ".join(map(str, counts))


def _broken_nest(fact: Fact, outer: Fact) -> Iterator[str]:
    own, around = counted(fact.values), counted(outer.values)
    if fact.unit == outer.unit == "patients" and fact.n > outer.n:
        yield f"n is {fact.n}, more than the {outer.n} of {outer.label} around it"
    if own is not None and around is not None and fact.unit == outer.unit and own[0] > around[0]:
        yield f"{in_words(fact.values)}, and {outer.label} around it has {in_words(outer.values)}"
    if isinstance(fact.values, Multinomial) and around is not None:
        n = fact.values.n
        if n not in around:
            yield f"the cells sum to {n}, and {outer.label} has {around[0]} of {around[1]}"
    if isinstance(outer.values, Multinomial | Mix):
        cells = {str(name): n for name, n in outer.values.cells.items()}
        if isinstance(fact.values, Multinomial | Mix):
            for name, n in fact.values.cells.items():
                if n > cells.get(name, 0):
                    yield f"{name} is {n}, and {outer.label} around it has {cells.get(name, 0)}"
        else:
            yield from _not_of_cells(fact, outer, cells)


def _not_of_cells(fact: Fact, outer: Fact, cells: dict[str, int]) -> Iterator[str]:
    """Yield how a count or first visits contradict the cells of the joint table around them."""
    own, name = counted(fact.values), fact.quantity
    if isinstance(fact.values, Times):
        for cell, n in cells.items():
            week = cell.removeprefix(f"{name}_w")
            if week != cell and week.isascii() and week.isdecimal():
                seen = fact.values.first_by_week.get(int(week), 0)
                if seen != n:
                    yield f"{seen} first at week {week}, and {outer.label} has {cell} {n}"
    if own is None:
        return
    if name in cells:
        if own[0] != cells[name]:
            yield f"{own[0]} of {own[1]}, and {outer.label} has {name} {cells[name]}"
        return
    first = [n for cell, n in cells.items() if cell.startswith(f"{name}_first_w")]
    if first and own[0] != sum(first):
        sums = " + ".join(map(str, first))
        yield f"{own[0]} of {own[1]}, and {outer.label} has {name}_first {sums} = {sum(first)}"
    elif not first and own[0] not in _sums(list(cells.values()), own[0]):
        yield f"{own[0]} of {own[1]}, and no cells of {outer.label} sum to {own[0]}"


def _sums(numbers: list[int], most: int) -> set[int]:
    """Return every sum of some of the numbers, up to the one that is asked for."""
    sums = {0}
    for number in numbers:
        sums |= {number + other for other in sums if number + other <= most}
    return sums
