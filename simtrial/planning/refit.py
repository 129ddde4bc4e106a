"""Remake the posterior from the facts: fit, add the assumed, tabulate the control arm, save."""

from __future__ import annotations

from typing import Any

import numpy as np

from simtrial.core.arguments import check_effort
from simtrial.core.provenance import DEFAULT_SEED, digest, version
from simtrial.evidence.ledger import Ledger, load_ledger
from simtrial.operating.background import PATIENTS, tabulate
from simtrial.planning.power import Progress
from simtrial.synthesis.fingerprint import differences, fingerprint
from simtrial.synthesis.fit import ROWS, fit, medians_of, summary
from simtrial.synthesis.priors import Priors, load_priors
from simtrial.synthesis.tables import PATIENTS_PER_NODE
from simtrial.trial.posterior import Posterior, named


def refit(
    *,
    ledger: Ledger | None = None,
    priors: Priors | None = None,
    seed: int = DEFAULT_SEED,
    patients_per_node: int = PATIENTS_PER_NODE,
    control_patients: int = PATIENTS,
    workers: int = 1,
    progress: Progress | None = None,
) -> Posterior:
    """Return a new posterior, with its provenance.

    Parameters
    ----------
    patients_per_node : simulated patients behind each node of document 002's cell tables.
    control_patients : simulated patients behind each row's noise floor and background response.

    Raises
    ------
    FitError : when the fit does not converge; nothing is returned then.
    """
    check_effort(seed=seed, workers=workers)
    facts = ledger if ledger is not None else load_ledger()
    table = priors if priors is not None else load_priors()
    report = progress if progress is not None else Progress()
    step = report.start("fit: cell tables and sampling", 1)
    fitted = fit(facts, table, seed=seed, patients_per_node=patients_per_node)
    step(1)
    report.finish()
    point = fitted.point
    step = report.start("control arm of each row", ROWS + 1)
    rows = {
        name: np.append(values, point[name]) for name, values in fitted.draws.items()
    }  # the point is tabulated as one more row
    background = tabulate(
        rows,
        fitted.correlation,
        patients=control_patients,
        workers=workers,
        tick=lambda: step(1),
    )
    report.finish()
    provenance: dict[str, Any] = {
        "simtrial": version(),
        "seed": seed,
        "versions": _versions(),
        "patients_per_node": patients_per_node,
        "control_patients": control_patients,
        "diagnostics": fitted.diagnostics,
        "ess": {name: list(pair) for name, pair in fitted.ess.items()},
        "fingerprint": marks_of(facts, table),
        "extra": {name: summary(values) for name, values in fitted.extra.items()},
    }
    return named(
        Posterior(
            draws=fitted.draws,
            point=point,
            origins=fitted.origins,
            background=background,
            correlation=fitted.correlation,
            provenance=provenance,
        )
    )


def marks_of(ledger: Ledger, priors: Priors) -> dict[str, Any]:
    """Return the fingerprint of the present code, facts and priors, the control arm included."""
    held = medians_of(ledger, priors) | {"k_on": 0.5, "x50": 0.5}  # the drug is not given here
    medians = {name: np.array([value]) for name, value in held.items()}
    correlation = np.array(priors.baseline.correlation.rows)
    control = tabulate(medians, correlation, patients=2_000)
    counted = {name: values.tolist() for name, values in control.items()}
    return fingerprint(ledger, priors) | {"control": digest(counted)}


def stale_marks(posterior: Posterior) -> list[str]:
    """Return how a posterior's fingerprint differs from the present one; empty: up to date."""
    present = marks_of(load_ledger(), load_priors())
    return differences(posterior.provenance.get("fingerprint", {}), present)


def _versions() -> dict[str, str]:
    from importlib.metadata import version as of

    return {name: of(name) for name in ("pymc", "pytensor", "nutpie", "numpy", "scipy", "numba")}


def effective_rows(posterior: Posterior, name: str) -> tuple[float, float] | None:
    """Return the (bulk, tail) effective sample size of a sampled parameter's rows."""
    pair = posterior.provenance.get("ess", {}).get(name)
    return None if pair is None else (float(pair[0]), float(pair[1]))


def compare(new: Posterior, old: Posterior) -> list[dict[str, Any]]:
    """Return, for each parameter and statistic, the difference in combined standard errors.

    Statistics: mean and 5, 50, 95 % quantiles. ``z`` is 0 where both are the same constant.
    """
    out = []
    for name in old.draws:
        mine, theirs = (
            summary(made.draws[name], effective_rows(made, name)) for made in (new, old)
        )
        for statistic in ("mean", "q5", "q50", "q95"):
            gap = mine[statistic] - theirs[statistic]
            error = float(np.hypot(mine[f"{statistic}_mcse"], theirs[f"{statistic}_mcse"]))
            z = 0.0 if gap == 0.0 else (gap / error if error > 0.0 else float("inf"))
            out.append(
                {
                    "parameter": name,
                    "statistic": statistic,
                    "new": mine[statistic],
                    "shipped": theirs[statistic],
                    "z": z,
                }
            )
    return out
