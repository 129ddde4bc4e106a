"""Why believe a result: what each part of it rests on, told from the status of every input."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from simtrial.myositis.parameters import HARM, Status
from simtrial.report.limits import control_inputs, limits

STATUSES: tuple[str, ...] = get_args(Status)
_EFFECT = ("p_response", "depth", "x50", "k_on", "h_eff", "hill", "loading.")
_BASELINE = ("baseline.", "age.", "female_share", "weight.", "prednisolone")
_DYNAMICS = (
    *("p_transient", "transient_", "drift_per_year"),
    *("steroid_", "k_steroid", "flare_", "k_flare"),
    *("p_judged_improved", "taper_share", "centre_taper_sd", "maintenance", "centre_floor_sd"),
)
_FAMILIES = (
    ("effect of the drug", _EFFECT),
    ("response of the control arm", ("control.", "p_background", "background_", "k_background")),
    ("measurement error", ("sd_change.", "noise_")),
    ("patients before treatment", _BASELINE),
    ("rescue and leaving", ("rescue_", "dropout_")),
    ("adverse events", HARM),
    ("accrual", ("accrual.",)),
    ("waning, decline and prednisolone", _DYNAMICS),
)
_OTHERS = "other inputs"
_DOCUMENT = re.compile(r"(?<![\d.])0\d\d(?!\d)|(?<=own document )[a-z0-9_]+")


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What one family of inputs rests on: how many of each status, and the documents named."""

    family: str
    inputs: int
    by_status: dict[str, int]
    documents: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Belief:
    """The box "why believe this": sentences by question, counts, and limits."""

    points: dict[str, list[str]]
    grounds: list[Ground]
    limits: list[str]


def belief(document: Mapping[str, Any]) -> Belief:
    """Return what a result rests on, from the statuses and sources in it and nothing else."""
    inputs: list[dict[str, Any]] = document["assumptions"]
    return Belief(
        points={
            "What the effect of the drug rests on": _effect(_of(inputs, _EFFECT)),
            "Where the control arm comes from": _control(document),
            "What harm rests on": _harm(_of(inputs, HARM)),
            "Whose baselines": _baselines(_of(inputs, _BASELINE)),
            "What the data moved, and what they did not": _moved(inputs),
        },
        grounds=_grounds(inputs),
        limits=limits(document),
    )


def counts_in_words(inputs: Sequence[Mapping[str, Any]]) -> str:
    """Return ``3 fitted, 0 published elsewhere, 43 assumed``."""
    found = Counter(a["status"] for a in inputs)
    return ", ".join(f"{found.get(status, 0)} {status}" for status in STATUSES)


def replaced_in_words(new: Mapping[str, Any]) -> str:
    """Return a replacement: ``control.tis20_week16 = 0.3 (assumed; set in the scenario)``."""
    change = f"x {new['times']:g}" if new["value"] is None else f"= {new['value']:g}"
    return f"{new['parameter']} {change} ({new['status']}; {new['source']})"


def _of(inputs: Sequence[dict[str, Any]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [a for a in inputs if a["parameter"].startswith(names)]


def _effect(inputs: Sequence[Mapping[str, Any]]) -> list[str]:
    if not inputs:
        return ["No drug is given, so no input describes an effect."]
    known = [a for a in inputs if a["status"] != "assumed"]
    out = [f"{len(inputs)} inputs: {counts_in_words(inputs)}."]
    if not known:
        out.append("No input of the effect is fitted or published elsewhere: all are assumed.")
    out += [_told(a) for a in known]
    out += [_told(a) for a in inputs if a["parameter"].startswith("p_response") and a not in known]
    return out


def _control(document: Mapping[str, Any]) -> list[str]:
    out = [_told(a) for a in control_inputs(document)]
    for row in document["scenarios"]:
        out += [
            f"Replaced under {row['scenario']}: {replaced_in_words(new)}."
            for new in row.get("replaced", ())  # rows of outcomes alone have none
            if new["parameter"].startswith("control.") or new["parameter"] == "p_background"
        ]
    return list(dict.fromkeys(out))


def _harm(inputs: Sequence[Mapping[str, Any]]) -> list[str]:
    if not inputs:
        return ["No input describes adverse events."]
    out = [f"{len(inputs)} inputs: {counts_in_words(inputs)}."]
    out += [_told(a) for a in inputs if a["status"] != "assumed"]
    assumed = [a["parameter"] for a in inputs if a["status"] == "assumed"]
    if assumed:
        out.append(f"Assumed: {', '.join(assumed)}.")
    return out


def _baselines(inputs: Sequence[Mapping[str, Any]]) -> list[str]:
    out = [f"{len(inputs)} inputs: {counts_in_words(inputs)}."]
    ways = Counter(a["source"].partition(":")[0] for a in inputs if ": " in a["source"])
    out += [
        f"{count} of them {way}."
        for way, count in ways.most_common()
        if count > 1 and not way.startswith("fixed")
    ]
    named = _documents(inputs)
    if named:
        out.append(f"Documents named as their source: {', '.join(named)}.")
    return out


def _moved(inputs: Sequence[Mapping[str, Any]]) -> list[str]:
    counted = Counter(a["status"] for a in inputs)
    out = [f"Of {len(inputs)} inputs: {counts_in_words(inputs)}."]
    if counted["fitted"]:
        names = ", ".join(a["parameter"] for a in inputs if a["status"] == "fitted")
        out.append(f"In a likelihood were {names}; how far it moved each, its source says.")
    if counted["published elsewhere"]:
        out.append(
            f"{counted['published elsewhere']} were taken over from publications as they stand."
        )
    if counted["assumed"]:
        out.append(
            f"For the {counted['assumed']} assumed ones the posterior is the prior: no fit moved "
            "them."
        )
    return out


def _grounds(inputs: Sequence[dict[str, Any]]) -> list[Ground]:
    left = list(inputs)
    out = []
    for family, names in (*_FAMILIES, (_OTHERS, ("",))):
        mine = _of(left, names)
        left = [a for a in left if a not in mine]
        if mine:
            found = Counter(a["status"] for a in mine)
            out.append(
                Ground(
                    family=family,
                    inputs=len(mine),
                    by_status={status: found.get(status, 0) for status in STATUSES},
                    documents=_documents(mine),
                )
            )
    return out


def _documents(inputs: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the numbers of the documents that the sources name, and the ids of a user's own."""
    return tuple(sorted({n for a in inputs for n in _DOCUMENT.findall(a["source"])}))


def _told(a: Mapping[str, Any]) -> str:
    value = "" if a["value"] is None else f" = {a['value']:.3g} at the point"
    return f"{a['parameter']}{value}: {a['status']}; {a['source']}."
