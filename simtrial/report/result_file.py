"""Read a result of ``size`` or ``power`` back: whole and of this format, or an error.

What it was computed from is counted again and compared with its digest; its numbers are not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field

from simtrial.core.config import Located, validate
from simtrial.core.errors import ResultError
from simtrial.core.provenance import digest
from simtrial.myositis.parameters import Status
from simtrial.operating.characteristics import METRIC_OF
from simtrial.trial.design import Design
from simtrial.trial.scenario import Scenario

COMMANDS = ("size", "power")
Shares = dict[str, float | None]


class _Part(BaseModel):
    """A part of a result; what a newer version adds to it does not matter."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, allow_inf_nan=False)


class _Metric(_Part):
    estimate: float
    mcse: float | None
    replicates: int
    interval95: Annotated[list[float], Field(min_length=2, max_length=2)] | None


class _Replaced(_Part):
    parameter: str
    value: float | None
    times: float | None
    status: Status
    source: str


class _Row(_Part):
    scenario: str
    n: int
    rates: Shares
    rates_mcse: Shares
    observed_rates: Shares
    observed_rates_mcse: Shares
    metrics: dict[str, _Metric]
    control_rate_stated: float | None
    p_background: float
    replaced: list[_Replaced]
    control_rows_clipped: int
    posterior_rows: int
    failed: int
    harm: dict[str, dict[str, _Metric | None]] | None = None


class _Floor(_Part):
    estimate: float
    mcse: float
    what: str


class _Input(_Part):
    parameter: str
    value: float | None
    status: Status
    source: str


class _HowFitted(_Part):
    quick: bool
    own: list[str]
    without: list[str]
    not_fitted: list[str]


class _Digests(_Part):
    scenarios: Annotated[list[str], Field(min_length=1)]


class _Result(_Part):
    simtrial: str
    design: str
    title: str
    protocol: dict[str, Any]
    arms: list[str]
    digest: str
    digests: _Digests
    posterior: str
    posterior_fit: _HowFitted | None = None  # older results have none
    seed: int
    endpoint: str
    noise_floor: _Floor
    eligible_share: float
    eligible_share_mcse: float
    assumptions: Annotated[list[_Input], Field(min_length=1)]
    trials: int | None
    scenarios: Annotated[list[_Row], Field(min_length=1)]
    interrupted: bool
    rerun: str


class _Target(_Part):
    metric: Literal["power", "assurance"]
    value: float


class _Point(_Part):
    n: int
    power: _Metric | None = None
    assurance: _Metric | None = None


class _AtAnswer(_Part):
    n: int
    duration_weeks: _Metric | None
    screened: _Metric


class _SizeResult(_Result):
    trials: int
    target: _Target
    n: int | None
    n_interval: Annotated[list[int], Field(min_length=2, max_length=2)] | None
    n_below: int | None
    at_n: _AtAnswer | None
    curve: Annotated[list[_Point], Field(min_length=1)]
    answer: str
    protocol_sentence: str


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
    located = Located(data=document, source=source)
    try:
        validate(_SizeResult if command == "size" else _Result, located, ResultError)
    except ResultError as problem:
        first, *others = str(problem).rstrip(".").splitlines()
        more = f" (and {len(others)} more)" if others else ""
        _refuse(source, f"is damaged: {first.rstrip('.')}{more}", document.get("rerun"))
    again = document["rerun"]
    if digest_of(document) != document["digest"]:
        _refuse(
            source,
            f"was altered: it bears the digest {document['digest']}, its protocol, posterior and "
            f"scenarios give {digest_of(document)}",
            again,
        )
    _check_parts(document, source, again)
    return document


def protocol_of_result(document: dict[str, Any], source: str = "the result") -> Design:
    """Return the protocol that a result was computed for, its arms in their order.

    Raises
    ------
    ResultError : when this version cannot read it.
    """
    protocol, order = document["protocol"], document["arms"]
    arms = protocol.get("arms")
    if not isinstance(arms, dict) or sorted(arms) != sorted(order):
        _refuse(source, f"has arms {', '.join(order)} that are not those of its protocol")
    # JSON with sorted keys keeps no order; the allocation of patients follows that of the arms
    protocol = protocol | {"arms": {name: arms[name] for name in order}}
    allocation = protocol.get("allocation")
    if isinstance(allocation, dict) and set(allocation.get("ratio", {})) == set(order):
        ratio = {name: allocation["ratio"][name] for name in order}
        protocol |= {"allocation": allocation | {"ratio": ratio}}
    located = Located(data=protocol, source=f"{source}, protocol")
    return validate(Design, located, ResultError)


def scenarios_of(document: dict[str, Any]) -> list[Scenario]:
    """Return the truth of each row: where it comes from, and what was replaced in it."""
    from_metric = {metric: source for source, metric in METRIC_OF.items()}
    out = []
    for row in document["scenarios"]:
        source = next((from_metric[m] for m in row["metrics"] if m in from_metric), "point")
        keys = ("value", "times", "status", "source")
        new = {r["parameter"]: {key: r[key] for key in keys} for r in row["replaced"]}
        out.append(Scenario.model_validate({"from": source, "set": new}))
    return out


def digest_of(document: dict[str, Any]) -> str:
    """Return the digest of what a result was computed from, counted again from its parts."""
    truths = scenarios_of(document)
    if document["command"] == "size":  # both curves hold the same truth, named by the point
        truths = [truths[0].model_copy(update={"source": "point"})]
    found = [truth.digest() for truth in truths]
    asked = document["digests"]["scenarios"]
    if asked[: len(found)] == found:
        found = asked  # an interrupted result holds the first rows of those asked for
    protocol = digest([document["protocol"], document["arms"]])
    return digest([protocol, document["posterior"], *found])


def _check_parts(document: dict[str, Any], source: str, again: str) -> None:
    """Refuse a document whose parts contradict each other."""
    arms = list(protocol_of_result(document, source).arms)
    for row in document["scenarios"]:
        for kind in ("rates", "rates_mcse", "observed_rates", "observed_rates_mcse"):
            if set(row[kind]) != set(arms):
                _refuse(source, f"names other arms in {kind} than {', '.join(arms)}", again)
    if document["command"] == "size":
        sizes = [point["n"] for point in document["curve"]]
        if document["n"] is not None and document["n"] not in sizes:
            _refuse(source, f"has n = {document['n']}, a size that its curve does not hold", again)
        goal = document["target"]["metric"]
        if any(point.get(goal) is None for point in document["curve"]):
            _refuse(source, f"has sizes in its curve without {goal}, its target", again)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"it holds {word}")


def _refuse(source: Path | str, found: str, again: object = None) -> NoReturn:
    example = again or "simtrial size dm_ivig_16w --out results/demo"
    raise ResultError(
        f"{source}: {found}; give a result of 'simtrial size' or 'simtrial power --json', "
        f"such as that of: {example}"
    )
