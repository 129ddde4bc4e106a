"""Sample the model, refuse what did not converge, and turn it into rows of the whole course."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.core.errors import FitError
from simtrial.evidence.ledger import Ledger
from simtrial.myositis.parameters import PARAMETERS
from simtrial.synthesis.baseline import baseline_parameters
from simtrial.synthesis.grounds import facts_behind, provisional_words, source_of
from simtrial.synthesis.harm import harm_facts_of
from simtrial.synthesis.model import course_model, facts_of
from simtrial.synthesis.own import own_facts_of
from simtrial.synthesis.priors import Priors
from simtrial.synthesis.tables import CellTables, cell_tables, score_tables
from simtrial.trial.posterior import Origin, median_on_free_scale

CHAINS = 4
TUNE, DRAWS = 1_000, 2_000
ROWS = 4_000
MOST_RHAT, LEAST_ESS = 1.01, 400.0
_HIDDEN = ("response.subtype_z", "response.cell_z", "reaction.study_z")


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A fit that met its diagnostics.

    Attributes
    ----------
    draws : name -> (D,) rows, fitted and assumed together.
    point : name -> median of each parameter: of all draws, or exactly of its prior.
    extra : name -> (D,) fitted quantities that are no parameters of the course.
    origins : status and source of each parameter.
    correlation : (6, 6) of the latent baseline.
    ess : sampled name -> (bulk, tail) effective sample sizes of its rows, at most their number.
    diagnostics : worst R-hat and effective sample sizes over all sampled quantities, divergences.
    """

    draws: dict[str, NDArray[np.float64]]
    point: dict[str, float]
    extra: dict[str, NDArray[np.float64]]
    origins: dict[str, Origin]
    correlation: NDArray[np.float64]
    ess: dict[str, tuple[float, float]]
    diagnostics: dict[str, Any]


_TABLES: dict[str, CellTables] = {}


def tables_for(
    medians: Mapping[str, float], correlation: NDArray[np.float64], patients: int
) -> CellTables:
    """Return the cell tables of these medians; made once in a process for the same numbers."""
    numbers = repr(sorted(medians.items())) + repr(correlation.tolist()) + repr(patients)
    key = hashlib.sha256(numbers.encode()).hexdigest()
    if key not in _TABLES:
        _TABLES[key] = cell_tables(medians, correlation, patients=patients)
    return _TABLES[key]


def medians_of(ledger: Ledger, priors: Priors) -> dict[str, float]:
    """Return the value at which each assumed parameter is held while fitting."""
    values, _ = baseline_parameters(ledger, priors)
    return {name: prior.median() for name, prior in priors.assumed.items()} | values


def sample(
    ledger: Ledger,
    priors: Priors,
    *,
    seed: int,
    patients_per_node: int,
    draws: int = DRAWS,
    progress: bool = False,
) -> Any:
    """Return the posterior as an ArviZ data tree, whatever its diagnostics."""
    import logging

    import pymc as pm

    # the sampler announces its variables on stderr; our own progress speaks instead
    logging.getLogger("pymc").setLevel(logging.WARNING)
    facts = facts_of(ledger)  # refuses what cannot be read, before anything is simulated
    correlation = np.array(priors.baseline.correlation.rows)
    medians = medians_of(ledger, priors)
    tables = tables_for(medians, correlation, patients_per_node)
    scores = score_tables(facts.scores, medians, correlation, patients=patients_per_node)
    harm = harm_facts_of(ledger, priors, medians)
    with course_model(facts, harm, priors, tables, scores):
        return pm.sample(
            draws=draws,
            tune=TUNE,
            chains=CHAINS,
            cores=2,
            nuts_sampler="nutpie",
            target_accept=0.95,
            random_seed=seed,
            progressbar=progress,
            compute_convergence_checks=False,
        )


def diagnose(tree: Any) -> dict[str, Any]:
    """Return the worst R-hat, bulk and tail effective sample sizes, and the divergences."""
    import arviz as az

    table = az.summary(tree, kind="diagnostics", round_to="none")
    return {
        "rhat": float(table["r_hat"].max()),
        "ess_bulk": float(table["ess_bulk"].min()),
        "ess_tail": float(table["ess_tail"].min()),
        "divergences": int(tree["sample_stats"]["diverging"].sum()),
        "worst": str(table["ess_bulk"].idxmin()),
    }


def require_convergence(found: Mapping[str, Any]) -> None:
    """Refuse a fit that did not converge.

    Raises
    ------
    FitError : unless R-hat < 1.01, bulk and tail ESS > 400 and there are no divergences.
    """
    good = (
        found["rhat"] < MOST_RHAT
        and found["ess_bulk"] > LEAST_ESS
        and found["ess_tail"] > LEAST_ESS
        and found["divergences"] == 0
    )
    if not good:
        raise FitError(
            f"The fit did not converge: R-hat {found['rhat']:.4f} (below {MOST_RHAT}), effective "
            f"sample sizes {found['ess_bulk']:.0f} bulk and {found['ess_tail']:.0f} tail (above "
            f"{LEAST_ESS:.0f}; lowest for {found['worst']}), {found['divergences']} divergences "
            "(none allowed). Nothing was saved; try another --seed, or look at the changed facts."
        )


def fit(
    ledger: Ledger,
    priors: Priors,
    *,
    seed: int,
    patients_per_node: int,
    draws: int = DRAWS,
    progress: bool = False,
) -> Fit:
    """Fit the ledger and return rows of every parameter of the course.

    Assumed parameters are drawn from their priors, independent of the fitted ones, which were
    fitted with the assumed at their medians (the first model's approximation).

    Raises
    ------
    FitError : when the diagnostics are not met.
    """
    tree = sample(
        ledger,
        priors,
        seed=seed,
        patients_per_node=patients_per_node,
        draws=draws,
        progress=progress,
    )
    found = diagnose(tree)
    require_convergence(found)
    posterior = tree["posterior"]
    n = CHAINS * draws
    # equally spaced rows, in an order that does not follow the chains
    order = np.random.default_rng([seed, 1]).permutation(np.arange(0, n, n // ROWS)[:ROWS])
    every = {
        str(name): np.asarray(values, dtype=np.float64).reshape(n)
        for name, values in posterior.data_vars.items()
        if str(name) not in _HIDDEN
    }
    sampled = {name: values[order] for name, values in every.items()}
    generator = np.random.default_rng([seed, 2])
    values, origins = baseline_parameters(ledger, priors)
    rows = {name: draw for name, draw in sampled.items() if name in PARAMETERS}
    point = {}
    facts, own = facts_of(ledger), own_facts_of(ledger)
    harm = harm_facts_of(ledger, priors, medians_of(ledger, priors))
    for name in rows:
        source = source_of(name, ledger, own, facts, harm)
        origins[name] = Origin(status="fitted", source=source)
        point[name] = median_on_free_scale(name, every[name])
    for name, prior in priors.assumed.items():
        rows[name], point[name] = prior.draw(generator, ROWS), prior.median()
        origins[name] = Origin(status=prior.status, source=f"{prior.words()}: {prior.source}")
    for name, value in values.items():
        rows[name], point[name] = np.full(ROWS, value), value
        once = provisional_words(facts_behind(name, ledger, own, harm))
        origins[name] = replace(origins[name], source=origins[name].source + once)
    return Fit(
        draws={name: rows[name] for name in PARAMETERS if name in rows},
        point=point,
        extra={name: draw for name, draw in sampled.items() if name not in PARAMETERS},
        origins=origins,
        correlation=np.array(priors.baseline.correlation.rows),
        ess=_effective_rows(tree),
        diagnostics=found,
    )


def _effective_rows(tree: Any) -> dict[str, tuple[float, float]]:
    import arviz as az

    table = az.summary(tree, kind="diagnostics", round_to="none")
    return {
        str(name): (min(ROWS, float(row["ess_bulk"])), min(ROWS, float(row["ess_tail"])))
        for name, row in table.iterrows()
    }


def summary(draws: NDArray[np.float64], ess: tuple[float, float] | None = None) -> dict[str, float]:
    """Return mean and 5, 50, 95 % quantiles of draws, each with its error (``*_mcse``).

    The error of a quantile is half the distance between the order statistics one standard
    deviation of their rank to either side. ``ess`` is the (bulk, tail) effective sample size;
    without it the draws are independent.
    """
    n = draws.shape[0]
    bulk, tail = ess if ess is not None else (float(n), float(n))
    ordered = np.sort(draws)
    out = {"mean": float(draws.mean()), "mean_mcse": float(draws.std(ddof=1) / np.sqrt(bulk))}
    for percent in (5, 50, 95):
        share = percent / 100.0
        spread = n * np.sqrt(share * (1.0 - share) / tail)
        low = int(np.clip(np.floor(n * share - spread), 0, n - 1))
        high = int(np.clip(np.ceil(n * share + spread), 0, n - 1))
        out[f"q{percent}"] = float(np.quantile(draws, share))
        out[f"q{percent}_mcse"] = float(ordered[high] - ordered[low]) / 2.0
    return out
