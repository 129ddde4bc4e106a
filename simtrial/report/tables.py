"""Results as plain text for a terminal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from simtrial.report.limits import fit_limits


def aligned(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Return rows as columns; ``right`` names the columns aligned to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            text.rjust(width) if i in right else text.ljust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _with_error(metric: Mapping[str, Any]) -> str:
    if metric["replicates"] == 0:
        return f"{metric['estimate']:.5f} (exact)"
    return f"{metric['estimate']:.3f} (MCSE {number(metric['mcse'])})"


def number(value: float | None, digits: int = 4) -> str:
    """Return a number to some decimals, or a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def around_the_answer(document: Mapping[str, Any], most: int = 14) -> range:
    """Return which points of the curve stand around the answer, or at its end without one."""
    points = document["curve"]
    at = len(points) - 1
    if document["n"] is not None:
        at = [p["n"] for p in points].index(document["n"])
    low = max(0, min(at - most // 2, len(points) - most))
    return range(low, min(low + most, len(points)))


def curve_kinds(document: Mapping[str, Any]) -> list[str]:
    """Return the curves that a size document holds; an interrupted one may hold only one."""
    return [kind for kind in ("power", "assurance") if kind in document["curve"][0]]


def size_table(document: Mapping[str, Any]) -> str:
    """Return the sizes around the answer with power and assurance."""
    kinds = curve_kinds(document)
    rows = [["n", *kinds, ""]]
    for point in (document["curve"][i] for i in around_the_answer(document)):
        mark = "<- smallest n" if point["n"] == document["n"] else ""
        rows.append([str(point["n"]), *(_with_error(point[k]) for k in kinds), mark])
    return aligned(rows, right=[0])


def scenario_table(document: Mapping[str, Any]) -> str:
    """Return the scenarios with their decision metric and both arms' response."""
    arms = list(document["scenarios"][0]["rates"])
    head = ["scenario", "n", "metric", "estimate"]
    head += [f"{a}, composite" for a in arms] + [f"{a}, observed" for a in arms]
    rows = [[*head]]
    for row in document["scenarios"]:
        decided = [k for k in row["metrics"] if k in ("power", "success", "type1", "assurance")]
        name = decided[0] if decided else "-"
        shown = _with_error(row["metrics"][name]) if decided else "-"
        rates = [f"{number(row['rates'][a], 3)} ({number(row['rates_mcse'][a])})" for a in arms]
        rates += [
            f"{number(row['observed_rates'][a], 3)} ({number(row['observed_rates_mcse'][a])})"
            for a in arms
        ]
        rows.append([row["scenario"], str(row["n"]), name, shown, *rates])
    return aligned(rows, right=[1])


def duration_at_answer(document: Mapping[str, Any]) -> str:
    """Return how long a trial of the size found takes, in a sentence; nothing where unknown."""
    found = document["at_n"]
    if found is None or found["duration_weeks"] is None:
        return ""
    weeks, screened = found["duration_weeks"], found["screened"]
    return (
        f"At n = {found['n']}: first site open to last visit {weeks['estimate']:.1f} weeks (MCSE "
        f"{number(weeks['mcse'], 2)}), {screened['estimate']:.1f} candidates screened (R = "
        f"{weeks['replicates']:,})."
    )


def harm_table(document: Mapping[str, Any]) -> str:
    """Return harm by scenario and arm: shares of patients (of courses where said)."""
    columns = {
        "reaction_patients": "reaction",
        "reaction_courses": "reaction, of courses",
        "thromboembolism_patients": "thromboembolism",
        "serious_patients": "serious event",
        "stopped_for_harm": "stopped for harm",
    }
    rows = [["scenario", "arm", *columns.values()]]
    for row in document["scenarios"]:
        for arm, found in row["harm"].items():
            cells = [
                "-"
                if found[name] is None
                else f"{number(found[name]['estimate'], 3)} ({number(found[name]['mcse'])})"
                for name in columns
            ]
            rows.append([row["scenario"], arm, *cells])
    return aligned(rows)


def detail_lines(document: Mapping[str, Any]) -> list[str]:
    """Return duration and screening, and bias and coverage where they are known."""
    out = []
    for row in document["scenarios"]:
        found = row["metrics"]
        if "duration_weeks" in found:
            weeks = found["duration_weeks"]
            out.append(
                f"{row['scenario']}: first site open to last visit {weeks['estimate']:.1f} weeks "
                f"(MCSE {number(weeks['mcse'], 2)}), {found['screened']['estimate']:.1f} "
                "candidates screened."
            )
        if "mcse_target" in row and not row["mcse_target"]["met"]:
            out.append(
                f"{row['scenario']}: the wanted MCSE of {row['mcse_target']['value']:g} is not "
                f"reached; {row['posterior_rows']} posterior rows or the limit of trials set a "
                "floor."
            )
        if "bias" in found:
            bias, cover = found["bias"], found["coverage"]
            out.append(
                f"{row['scenario']}: bias of the difference {bias['estimate']:+.4f} "
                f"(MCSE {number(bias['mcse'])}), coverage of its 95 % interval "
                f"{cover['estimate']:.3f} (MCSE {number(cover['mcse'])})."
            )
    return out


COURSES_ADD = "courses add up: exposure is the sum of their effects, not the largest (assumed)."


def control_lines(document: Mapping[str, Any]) -> list[str]:
    """Return what the control arm rests on: stated rate, noise floor, clipped rows."""
    floor = document["noise_floor"]
    out = []
    for row in document["scenarios"]:
        stated = row["control_rate_stated"]
        if stated is not None and row["scenario"] != "identical_arms":
            spread = " (median)" if row["posterior_rows"] > 1 else ""
            out.append(
                f"{row['scenario']}: control rate stated (TIS >= 20 at week 16, reference "
                f"protocol, no leaving) {stated:.3f}{spread}; improves without the drug (solved): "
                f"{row['p_background']:.3f}{' (mean)' if spread else ''}."
            )
        if row.get("exposure") == "sum":
            out.append(f"{row['scenario']}: {COURSES_ADD}")
        for new in row["replaced"]:
            change = f"x {new['times']:g}" if new["value"] is None else f"= {new['value']:g}"
            out.append(
                f"{row['scenario']}: {new['parameter']} {change} ({new['status']}: {new['source']})"
            )
    out.append(
        f"Noise floor, the same without any true change: {floor['estimate']:.3f} "
        f"(MCSE {floor['mcse']:.4f})."
    )
    for row in document["scenarios"]:
        if row["control_rows_clipped"]:
            out.append(
                f"{row['scenario']}: in {row['control_rows_clipped']} of {row['posterior_rows']} "
                "posterior rows no background reaches the stated control rate; the nearest is used."
            )
        if row["failed"]:
            out.append(
                f"{row['scenario']}: {row['failed']} trials could not fill; counted as lost."
            )
    out.append(
        f"Eligible share of candidates (pilot): {document['eligible_share']:.3f} "
        f"(MCSE {document['eligible_share_mcse']:.4f})."
    )
    return out


def assumption_table(document: Mapping[str, Any]) -> str:
    """Return every input with its status and source, fitted ones first."""
    order = {"fitted": 0, "published elsewhere": 1, "assumed": 2}
    inputs = sorted(document["assumptions"], key=lambda a: order[a["status"]])
    value_of = "at the point" if document.get("posterior", True) else "value"
    rows = [["status", "parameter", value_of, "source"]]
    for a in inputs:
        value = "-" if a["value"] is None else f"{a['value']:.4g}"
        rows.append([a["status"], a["parameter"], value, a["source"]])
    counted = Counter(a["status"] for a in inputs)
    total = ", ".join(f"{counted.get(status, 0)} {status}" for status in order)
    said = "".join(f"{limit}\n" for limit in fit_limits(document.get("posterior_fit") or {}))
    return f"{said}Inputs: {total}.\n{aligned(rows, right=[2])}"


def per_hundred(share: float) -> str:
    """Return a share times 100 with one decimal, halves rounded up as the documents do."""
    tenths = math.floor(1000.0 * share + 0.5 + 1e-9)  # 1/16 is 6.25 %, printed as 6.3
    return f"{tenths // 10}.{tenths % 10}"
