"""What every result document says of its origin: protocol, truth, seed, versions, inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simtrial.core.provenance import version
from simtrial.operating.characteristics import assumptions
from simtrial.operating.prepare import Prepared
from simtrial.planning.results import digest_of, digests_of
from simtrial.trial.design import AnyDesign
from simtrial.trial.outcomes import OutcomeScenario
from simtrial.trial.posterior import Posterior, fitted_how


def header(
    command: str,
    design: AnyDesign,
    posterior: Posterior,
    ready: Sequence[Prepared],
    *,
    name: str,
    seed: int,
    truths: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return what every result document says of its origin.

    ``truths`` are the digests of the scenarios asked for; without it, those that are ready.
    Inputs, noise floor and eligible share are those of the first scenario; what another replaces
    stands in its own row.
    """
    prepared = ready[0]
    asked = truths if truths is not None else [p.scenario.digest() for p in ready]
    return _origin(command, design, posterior, asked, name=name, seed=seed) | {
        "control_rate_stated": prepared.control_rate,
        "noise_floor": {
            "estimate": prepared.noise_floor,
            "mcse": prepared.noise_floor_error,
            "what": "TIS >= 20 at week 16 without any true change, reference protocol",
        },
        "eligible_share": prepared.eligible_share,
        "eligible_share_mcse": prepared.eligible_share_error,
        "assumptions": assumptions(prepared),
    }


def outcome_header(
    command: str,
    design: AnyDesign,
    scenarios: Sequence[OutcomeScenario],
    *,
    name: str,
    seed: int,
) -> dict[str, Any]:
    """Return what a result of outcomes alone says of its origin: it has no posterior."""
    truths = [scenario.digest() for scenario in scenarios]
    return _origin(command, design, None, truths, name=name, seed=seed) | {
        "assumptions": outcome_assumptions(scenarios)
    }


def outcome_assumptions(scenarios: Sequence[OutcomeScenario]) -> list[dict[str, Any]]:
    """Return every number of truths of outcomes alone, which are all assumed, with its source."""
    out: list[dict[str, Any]] = []
    for scenario in scenarios:
        source = scenario.source
        for arm, chance in (scenario.outcomes or {}).items():
            given = f"{source}, {chance.words()}" if chance.value is None else source
            out.append(_assumed(f"outcomes.{arm}", chance.mean, given))
        for arm in scenario.hazards_per_day or {}:
            pieces = scenario.pieces_of(arm)
            for day, rate in pieces:
                when = "" if len(pieces) == 1 else f" from day {day:g}"
                out.append(_assumed(f"hazards_per_day.{arm}{when}", rate, source))
        for arm, rate in (scenario.dropout_per_day or {}).items():
            out.append(_assumed(f"dropout_per_day.{arm}", rate, source))
        for stratum, share in (scenario.strata or {}).items():
            out.append(_assumed(f"strata.{stratum}", share, source))
    return out


def _assumed(name: str, value: float, source: str) -> dict[str, Any]:
    return {"parameter": name, "value": value, "status": "assumed", "source": source}


def _origin(
    command: str,
    design: AnyDesign,
    posterior: Posterior | None,
    truths: Sequence[str],
    *,
    name: str,
    seed: int,
) -> dict[str, Any]:
    digests = digests_of(design, posterior, truths)
    return {
        "simtrial": version(),
        "command": command,
        "design": name,
        "title": design.title,
        "protocol": design.model_dump(mode="json"),
        "arms": list(design.arm_names),  # in order, which JSON with sorted keys does not keep
        "digest": digest_of(digests),
        "digests": digests,
        "posterior": digests["posterior"],
        "posterior_fit": None if posterior is None else fitted_how(posterior),
        "seed": seed,
        "endpoint": design.endpoint.words(),
    }
