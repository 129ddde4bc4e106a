"""Results under truths of outcomes alone as plain text, and the looks of any result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simtrial.report.tables import aligned, number

_DECIDED = ("power", "success", "type1", "assurance")
KINDS = ("outcomes", "hazards_per_day")


def is_of_outcomes(row: Mapping[str, Any]) -> bool:
    """Return whether a row of a result is of a truth of outcomes alone."""
    return row.get("kind") in KINDS


def of_patients(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a result with its rows of patients only; None where it has none."""
    rows = [row for row in document["scenarios"] if not is_of_outcomes(row)]
    return {**document, "scenarios": rows} if rows else None


def told(metric: Mapping[str, Any], digits: int = 5) -> str:
    """Return an exact number to five decimals, and a simulated one with its error."""
    if metric["replicates"] == 0:
        return f"{metric['estimate']:.{digits}f} (exact)"
    return f"{metric['estimate']:.{min(digits, 3)}f} (MCSE {number(metric['mcse'])})"


def outcome_lines(document: Mapping[str, Any]) -> list[str]:
    """Return the rows of outcomes alone: truth and chance of success, in a table."""
    rows = [row for row in document["scenarios"] if is_of_outcomes(row)]
    if not rows:
        return []
    arms = document["arms"]
    by_kind = {kind: [row for row in rows if row["kind"] == kind] for kind in KINDS}
    out = []
    for kind, found in by_kind.items():
        if not found:
            continue
        truth = "chance of response" if kind == "outcomes" else "hazard a day"
        table = [["scenario", "n", *(f"{arm}, {truth}" for arm in arms), "metric", "estimate"]]
        for row in found:
            name = next(key for key in row["metrics"] if key in _DECIDED)
            given = [_truth(row, arm) for arm in arms]
            table.append([row["scenario"], str(row["n"]), *given, name, told(row["metrics"][name])])
        out.append(aligned(table, right=[1]))
    return out


def _truth(row: Mapping[str, Any], arm: str) -> str:
    if row["kind"] == "outcomes":
        return str(row["truth"][arm])
    pieces = row["hazards_per_day"][arm]
    return ", then ".join(
        f"{piece['rate']:.4g}" + (f" from day {piece['from_day']:g}" if piece["from_day"] else "")
        for piece in pieces
    )


def expected_lines(document: Mapping[str, Any]) -> list[str]:
    """Return expected sizes, events and weeks, and the largest type I error, in sentences."""
    out = []
    for row in document["scenarios"]:
        found, name = row["metrics"], row["scenario"]
        several = len(row.get("looks", [])) > 1
        if "expected_n" in found and (several or row.get("kind") == "hazards_per_day"):
            out.append(f"{name}: expected n {told(found['expected_n'], 2)} of {row['n']}.")
        if "expected_events" in found:
            out.append(
                f"{name}: expected events {told(found['expected_events'], 1)}, expected weeks to "
                f"the last look {told(found['duration_weeks'], 1)}."
            )
        if "type1_maximum" in found:
            rates = ", ".join(f"{v:.4f} under {a}" for a, v in row["type1_maximum_at"].items())
            out.append(
                f"{name}: the largest type I error over all chances with {row['null']} is "
                f"{told(found['type1_maximum'])}, at {rates}."
            )
        if "type1_maximum_overruled" in found:
            out.append(
                f"{name}: were trials to go on against the rule of futility, it would be "
                f"{told(found['type1_maximum_overruled'])}."
            )
        if (
            row.get("kind") == "outcomes"
            and "type1" in found
            and len(set(row["rates"].values())) > 1
        ):
            out.append(f"{name}: the truth has {row['null']}, so success would be an error.")
        if row.get("unfinished", {}).get("estimate"):
            out.append(f"{name}: the last look's events never came in {told(row['unfinished'])}.")
        target = row.get("mcse_target")
        if is_of_outcomes(row) and target is not None and not target["met"]:
            out.append(f"{name}: the wanted MCSE of {target['value']:g} is not reached.")
    return out


def looks_table(row: Mapping[str, Any]) -> str:
    """Return the looks of a row: when, and the chance to be reached, to succeed, and to stop."""
    by = next(key for key in ("n", "events", "week") if key in row["looks"][0])
    words = {"n": "patients", "events": "events", "week": "week"}
    head = ["look", words[by]]
    has_z, has_week = "z" in row["looks"][0], "mean_week" in row["looks"][0]
    head += ["critical z"] if has_z else []
    head += ["mean week", "mean events"] if has_week else []
    table = [[*head, "reached", "success", "futility"]]
    for k, look in enumerate(row["looks"]):
        cells = [str(k + 1), f"{look[by]:g}"]
        cells += [number(look["z"], 6)] if has_z else []
        if has_week:
            for key in ("mean_week", "mean_events"):
                cells.append(told(look[key], 1) if key in look else "-")
        cells += [told(look[key]) for key in ("reached", "success", "futility")]
        table.append(cells)
    return aligned(table, right=[0, 1])


def looks_lines(document: Mapping[str, Any]) -> list[str]:
    """Return the looks of every row that has several."""
    out = []
    for row in document["scenarios"]:
        if len(row.get("looks", [])) > 1:
            out += [f"\nLooks under {row['scenario']}:", looks_table(row)]
    return out
