"""Read a result of ``size`` or ``power`` back: whole and of this format, or an error.

What it was computed from is counted again and compared with its digest; its numbers are not, but
for those that say what was true and those that stand in it twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from pydantic import BaseModel

from simtrial.core.config import Located, validate
from simtrial.core.errors import DesignError, ResultError
from simtrial.core.provenance import digest
from simtrial.operating.characteristics import METRIC_OF
from simtrial.planning.headers import outcome_assumptions
from simtrial.report.result_schema import (
    EventRows,
    PatientRows,
    PowerOfPatients,
    PowerResult,
    ResponseRows,
    SizeOfPatients,
    SizeResult,
)
from simtrial.trial.design import AnyDesign, Design
from simtrial.trial.outcome_design import OutcomeDesign
from simtrial.trial.outcomes import OutcomeScenario, check_fit
from simtrial.trial.scenario import AnyScenario, Scenario

COMMANDS = ("size", "power")
_SAME = 1e-9  # of a number that stands in a result twice; rounding of sums is below it


def read_result(path: Path) -> dict[str, Any]:
    """Return the document of a file that ``simtrial size`` or ``simtrial power`` wrote.

    Raises
    ------
    ResultError : when it cannot be read, is no such document, or was altered; the message names
        the file, what was found, and what to give.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except OSError as problem:
        _refuse(path, f"cannot be read ({problem.strerror})")
    except (ValueError, RecursionError) as problem:
        _refuse(path, f"is not the JSON of a result ({problem})")
    return checked(document, str(path))


def checked(document: Any, source: str) -> dict[str, Any]:
    """Return a result document that holds what a page shows, or raise.

    Raises
    ------
    ResultError
    """
    if not isinstance(document, dict) or "simtrial" not in document:
        _refuse(source, "is JSON, but no result of simtrial")
    command = document.get("command")
    if command not in COMMANDS:
        _refuse(source, f"is a result of 'simtrial {command}'")
    if "protocol" not in document:
        _refuse(
            source,
            f"was written by simtrial {document['simtrial']} before results held their protocol",
            document.get("rerun"),
        )
    again = document.get("rerun")
    _check_shape(document, source, again)
    found = digest_of(document, source)
    if found != document["digest"]:
        _refuse(
            source,
            f"was altered: it bears the digest {document['digest']}, its protocol, posterior and "
            f"scenarios give {found}",
            again,
        )
    _check_parts(document, source, again)
    return document


def has_patients(document: Mapping[str, Any]) -> bool:
    """Return whether any row of a result is of simulated patients."""
    return any(_is_of_patients(row) for row in document["scenarios"])


def patient_places(document: Mapping[str, Any]) -> list[int]:
    """Return the places of the rows of simulated patients."""
    return [i for i, row in enumerate(document["scenarios"]) if _is_of_patients(row)]


def outcome_places(document: Mapping[str, Any]) -> list[int]:
    """Return the places of the rows of outcomes alone."""
    return [i for i, row in enumerate(document["scenarios"]) if not _is_of_patients(row)]


def decision_metric(row: Mapping[str, Any]) -> str | None:
    """Return the name of a row's metric of the decision: power, type1, assurance or success."""
    return next((name for name in METRIC_OF.values() if name in row["metrics"]), None)


def protocol_of_result(document: Mapping[str, Any], source: str = "the result") -> AnyDesign:
    """Return the protocol that a result was computed for, its arms in their order.

    Raises
    ------
    ResultError : when this version cannot read it.
    """
    protocol, order = document["protocol"], document["arms"]
    arms = protocol.get("arms")
    alone = isinstance(arms, list)
    if not isinstance(arms, dict | list) or sorted(arms) != sorted(order):
        _refuse(source, f"has arms {', '.join(order)} that are not those of its protocol")
    # JSON with sorted keys keeps no order; the allocation of patients follows that of the arms
    in_order = order if alone else {name: arms[name] for name in order}
    protocol = protocol | {"arms": in_order}
    allocation = protocol.get("allocation")
    if isinstance(allocation, dict) and set(allocation.get("ratio", {})) == set(order):
        ratio = {name: allocation["ratio"][name] for name in order}
        protocol |= {"allocation": allocation | {"ratio": ratio}}
    located = Located(data=protocol, source=f"{source}, protocol")
    if alone:
        return validate(OutcomeDesign, located, ResultError)
    return validate(Design, located, ResultError)


def scenarios_of(document: Mapping[str, Any], source: str = "the result") -> list[AnyScenario]:
    """Return the truth of each row: of patients, where it comes from and what was replaced in it.

    Raises
    ------
    ResultError : when this version cannot read a truth of outcomes.
    """
    return [
        _scenario_of(row)
        if _is_of_patients(row)
        else _outcomes_of(row, f"{source}, scenarios[{i}]")
        for i, row in enumerate(document["scenarios"])
    ]


def _scenario_of(row: Mapping[str, Any]) -> Scenario:
    from_metric = {metric: name for name, metric in METRIC_OF.items()}
    origin = next((from_metric[m] for m in row["metrics"] if m in from_metric), "point")
    keys = ("value", "times", "status", "source")
    new = {r["parameter"]: {key: r[key] for key in keys} for r in row["replaced"]}
    exposure = row.get("exposure", "max")
    return Scenario.model_validate({"from": origin, "set": new, "exposure": exposure})


def _outcomes_of(row: Mapping[str, Any], source: str) -> OutcomeScenario:
    return validate(
        OutcomeScenario, Located(data=row["given"], source=f"{source}.given"), ResultError
    )


def _is_of_patients(row: Mapping[str, Any]) -> bool:
    return "kind" not in row


def digest_of(document: Mapping[str, Any], source: str = "the result") -> str:
    """Return the digest of what a result was computed from, counted again from its parts."""
    truths = scenarios_of(document, source)
    first = truths[0]
    if document["command"] == "size" and isinstance(first, Scenario):
        # both curves hold the same truth, named by the point
        truths = [first.model_copy(update={"source": "point"})]
    found = [truth.digest() for truth in truths]
    asked = document["digests"]["scenarios"]
    if asked[: len(found)] == found:
        found = asked  # an interrupted result holds the first rows of those asked for
    protocol = digest([document["protocol"], document["arms"]])
    return digest([protocol, document["posterior"], *found])


def _check_shape(document: dict[str, Any], source: str, again: object) -> None:
    """Refuse a document, or a row of it, without what its kind must hold."""
    rows = document.get("scenarios")
    rows = rows if isinstance(rows, list) else []
    kinds = [row.get("kind", "patients") if isinstance(row, dict) else "patients" for row in rows]
    alone = bool(kinds) and "patients" not in kinds
    size = document["command"] == "size"
    models: list[tuple[type[BaseModel], dict[str, Any]]] = [
        (_MODELS[size, alone], document),
        *(
            (_ROWS.get(kind, ResponseRows), {"scenarios": {i: row}})
            for i, (kind, row) in enumerate(zip(kinds, rows, strict=True))
        ),
    ]
    faults: list[str] = []
    for model, part in models:
        try:
            validate(model, Located(data=part, source=source), ResultError)
        except ResultError as problem:
            faults += str(problem).rstrip(".").splitlines()
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        _refuse(source, f"is damaged: {faults[0].rstrip('.')}{more}", again)


_MODELS: dict[tuple[bool, bool], type[BaseModel]] = {
    # of size, of outcomes alone
    (True, True): SizeResult,
    (True, False): SizeOfPatients,
    (False, True): PowerResult,
    (False, False): PowerOfPatients,
}
_ROWS: dict[str, type[BaseModel]] = {
    "patients": PatientRows,
    "outcomes": ResponseRows,
    "hazards_per_day": EventRows,
}


def _check_parts(document: dict[str, Any], source: str, again: object) -> None:
    """Refuse a document whose parts contradict each other."""
    design = protocol_of_result(document, source)
    truths = scenarios_of(document, source)
    for i, (row, truth) in enumerate(zip(document["scenarios"], truths, strict=True)):
        found = (
            _against_its_truth(design, row, truth)
            if isinstance(truth, OutcomeScenario)
            else _against_its_arms(design, row)
        ) or _against_its_looks(design, row)
        if found is not None:
            _refuse(source, f"has in scenarios[{i}] {found}", again)
    alone = [truth for truth in truths if isinstance(truth, OutcomeScenario)]
    if len(alone) == len(truths):
        inputs = outcome_assumptions(alone)
        if document["assumptions"][: len(inputs)] != inputs:
            _refuse(source, "has assumptions that are not the truth of its scenarios", again)
    if document["command"] == "size":
        sizes = [point["n"] for point in document["curve"]]
        if document["n"] is not None and document["n"] not in sizes:
            _refuse(source, f"has n = {document['n']}, a size that its curve does not hold", again)
        goal = document["target"]["metric"]
        if any(point.get(goal) is None for point in document["curve"]):
            _refuse(source, f"has sizes in its curve without {goal}, its target", again)


def _against_its_arms(design: AnyDesign, row: Mapping[str, Any]) -> str | None:
    """Return what contradicts the arms in a row of patients."""
    for kind in ("rates", "rates_mcse", "observed_rates", "observed_rates_mcse"):
        if set(row[kind]) != set(design.arm_names):
            return f"other arms in {kind} than {', '.join(design.arm_names)}"
    return None


def _against_its_truth(
    design: AnyDesign, row: Mapping[str, Any], truth: OutcomeScenario
) -> str | None:
    """Return what contradicts the truth as given in a row of outcomes."""
    try:
        check_fit(design, truth)
    except DesignError as problem:
        return f"a truth that is not of its protocol ({str(problem).rstrip('.')})"
    expected: dict[str, Any] = {"source": truth.source}
    if truth.outcomes is not None:
        expected |= {
            "kind": "outcomes",
            "rates": {arm: chance.mean for arm, chance in truth.outcomes.items()},
            "truth": {arm: chance.words() for arm, chance in truth.outcomes.items()},
            "strata": truth.strata,
        }
    else:
        expected |= {
            "kind": "hazards_per_day",
            "hazards_per_day": {
                arm: [{"from_day": day, "rate": rate} for day, rate in truth.pieces_of(arm)]
                for arm in design.arm_names
            },
            "dropout_per_day": truth.dropout_per_day,
        }
    differing = [key for key, value in expected.items() if row.get(key) != value]
    return f"{differing[0]} that is not that of its truth as given" if differing else None


def _against_its_looks(design: AnyDesign, row: Mapping[str, Any]) -> str | None:
    """Return what contradicts the protocol, or the chance of success, in a row's looks."""
    looks = row.get("looks")
    if not looks:
        return None
    by = design.looks[0].by
    if design.is_time_to_event:
        planned = [getattr(look, by) for look in design.looks]
    else:
        by, planned = "n", list(design.look_sizes(row["n"]))
    if [look.get(by) for look in looks] != planned:
        told = ", ".join(f"{time:g}" for time in planned)
        return f"looks that are not those of its protocol, {by} {told}"
    name = decision_metric(row)
    if name is None:
        return None
    last, whole = looks[-1]["success_by"]["estimate"], row["metrics"][name]["estimate"]
    if abs(last - whole) > _SAME:
        return f"{name} {whole:g}, and success by the last look {last:g}"
    return None


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"it holds {word}")


def _refuse(source: Path | str, found: str, again: object = None) -> NoReturn:
    example = again or "simtrial size dm_ivig_16w --out results/demo"
    raise ResultError(
        f"{source}: {found}; give a result of 'simtrial size' or 'simtrial power --json', "
        f"such as that of: {example}"
    )
