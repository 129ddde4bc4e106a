"""The parameters of a fit beside those of the shipped posterior, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from simtrial.report.tables import aligned

_SHOWN = ("q50", "q5", "q95")
# assumed draws under another seed differ by their Monte Carlo error: 4.9 combined errors are passed
# by chance once in a million
_NOISE = 4.9


def fit_table(
    rows: Sequence[Mapping[str, Any]], statuses: Mapping[str, str], *, same_facts: bool | None
) -> str:
    """Return the sampled parameters, then others that are not as shipped, and how many are.

    Parameters
    ----------
    rows : of :func:`simtrial.planning.refit.compare`.
    statuses : of each parameter, in the order to show.
    same_facts : whether the shipped posterior was fitted to the same facts, so that only Monte
        Carlo error and a coarser table set the two apart; None where it is not at hand.
    """
    by_name: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        by_name.setdefault(row["parameter"], {})[row["statistic"]] = row
    names = [name for name in statuses if name in by_name]
    sampled = [name for name in names if is_sampled(by_name[name], statuses[name])]
    others = [
        name
        for name in names
        if name not in sampled and same_facts is not None and _has_moved(by_name[name])
    ]
    head = ["parameter", "status", "median", "5 %", "95 %"]
    if same_facts is not None:
        head += ["shipped median", "5 %", "95 %", "shift/MCSE" if same_facts else "shift/SD"]
    table = [head]
    for name in (*sampled, *others):
        of = by_name[name]
        cells = [f"{of[s]['new']:.4g}" for s in _SHOWN]
        if same_facts is not None:
            cells += [f"{of[s]['shipped']:.4g}" for s in _SHOWN]
            cells.append(_shift(of["q50"], same_facts))
        table.append([name, statuses[name], *cells])
    left = len(names) - len(sampled) - len(others)
    return f"{aligned(table, right=range(2, len(head)))}\n{_left_out(left, same_facts)}"


def farthest_words(
    rows: Sequence[Mapping[str, Any]], statuses: Mapping[str, str], *, same_facts: bool
) -> str:
    """Return which parameter is farthest from the shipped posterior, in a sentence."""
    if same_facts:
        one = max(rows, key=lambda row: abs(row["z"]))
        return (
            f"The facts and priors are those of the shipped posterior. Farthest from it: "
            f"{one['parameter']} ({one['statistic']}), by {abs(one['z']):.2f} combined Monte Carlo "
            "standard errors (MCSE)."
        )
    medians = [
        row
        for row in rows
        if row["statistic"] == "q50"
        and statuses.get(row["parameter"]) == "fitted"
        and math.isfinite(row["shift_in_sd"])
    ]
    one = max(medians, key=lambda row: abs(row["shift_in_sd"]))
    return (
        f"The facts or priors are others than those of the shipped posterior. They moved "
        f"{one['parameter']} most: its median from {one['shipped']:.4g} to {one['new']:.4g}, by "
        f"{one['shift_in_sd']:+.2f} standard deviations of the shipped posterior (SD)."
    )


def is_sampled(of: Mapping[str, Mapping[str, Any]], status: str) -> bool:
    """Return whether a fitted parameter has draws, and not one value as the baselines have."""
    return bool(status == "fitted" and of["q5"]["new"] < of["q95"]["new"])


def _has_moved(of: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether a parameter that is not sampled is another than in the shipped posterior."""
    return any(abs(row["z"]) > _NOISE for row in of.values())


def _shift(row: Mapping[str, Any], same_facts: bool) -> str:
    shift = row["z"] if same_facts else row["shift_in_sd"]
    if not math.isfinite(shift):
        return "-"  # of one value to another: nothing to measure it by
    return f"{shift:+.1f}" if same_facts else f"{shift:+.2f}"


def _left_out(left: int, same_facts: bool | None) -> str:
    alike = "" if same_facts is None else ", as in the shipped posterior"
    return f"{left} others (assumed, or baselines read off document 002){alike}: see --json."
