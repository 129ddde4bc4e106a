"""Operating characteristics from outcomes: every number with its Monte Carlo standard error."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.analysis.beta_binomial import (
    chance_difference_exceeds,
    posterior_difference,
    prior_race,
)
from simtrial.analysis.decide import runs_by_recurrence
from simtrial.analysis.rules import critical_z
from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.operating.prepare import Prepared
from simtrial.operating.replicates import HARM_COUNTS, Outcomes
from simtrial.stats.montecarlo import (
    clustered_share_mcse,
    clustered_sum_error,
    share_mcse,
    wilson_interval,
)
from simtrial.trial.design import Design

_Z95 = 1.959963984540054
METRIC_OF = {
    "point": "power",
    "no_effect": "success",
    "identical_arms": "type1",
    "posterior": "assurance",
}


@dataclass(frozen=True, kw_only=True)
class Metric:
    """An estimate with its standard error, the replicates behind it, and a 95 % interval."""

    estimate: float
    mcse: float
    replicates: int
    interval95: tuple[float, float]

    def as_json(self) -> dict[str, Any]:
        """Return plain values for JSON; an error that one replicate cannot give is null."""
        known = math.isfinite(self.mcse)
        return {
            "estimate": self.estimate,
            "mcse": self.mcse if known else None,
            "replicates": self.replicates,
            "interval95": list(self.interval95) if known else None,
        }

    def words(self, digits: int = 3) -> str:
        """Return ``0.798 (MCSE 0.004, R = 10,000)``."""
        return f"{self.estimate:.{digits}f} (MCSE {self.mcse:.{digits}f}, R = {self.replicates:,})"


def success_metric(success: NDArray[np.bool_], rows: int, row_ess: float = np.inf) -> Metric:
    """Return the share of successful replicates; replicate r used row ``r mod rows``.

    With several posterior rows the error is taken between rows, so it holds the posterior's own
    finite number of draws too (times what correlated draws cost); with one row it is binomial and
    the interval is Wilson's.
    """
    n, hits = success.shape[0], int(success.sum())
    share = hits / n
    if hits in (0, n):
        return _without_spread(hits, n, replicates=n)
    if rows == 1:
        return Metric(
            estimate=share,
            mcse=share_mcse(hits, n),
            replicates=n,
            interval95=wilson_interval(hits, n),
        )
    error = clustered_share_mcse(success, np.arange(n) % rows)
    error *= math.sqrt(max(1.0, rows / row_ess))
    if not np.isfinite(error):
        error = share_mcse(hits, n)
    bounds = (max(0.0, share - _Z95 * error), min(1.0, share + _Z95 * error))
    return Metric(estimate=share, mcse=error, replicates=n, interval95=bounds)


def _without_spread(hits: int, total: int, *, replicates: int) -> Metric:
    """Return a share of none or of all, whose counts show no spread and would have an error of 0.

    Wilson's interval of as many independent ones stands for it, its half-width for 1.96 errors.
    """
    low, high = wilson_interval(hits, total)
    return Metric(
        estimate=hits / total,
        mcse=(high - low) / (2.0 * _Z95),
        replicates=replicates,
        interval95=(low, high),
    )


def _rows_used(n: int, rows: int) -> NDArray[np.int64]:
    """Return which row each of n replicates used; with one row replicates stand for themselves."""
    return np.arange(n) if rows == 1 else np.arange(n) % rows


def mean_metric(values: NDArray[np.float64], row: NDArray[np.int64] | None = None) -> Metric:
    """Return a mean over replicates; its error between rows where replicates share them."""
    n = values.shape[0]
    middle = float(values.mean())
    error = clustered_sum_error(values - middle, np.arange(n) if row is None else row) / n
    return Metric(
        estimate=middle,
        mcse=error,
        replicates=n,
        interval95=(middle - _Z95 * error, middle + _Z95 * error),
    )


def _ratio(
    top: NDArray[np.int64], bottom: NDArray[np.int64], row: NDArray[np.int64]
) -> Metric | None:
    """Return a share pooled over replicates (patients cluster in them); None of nobody."""
    hits, total, n = int(top.sum()), int(bottom.sum()), top.shape[0]
    if total == 0:
        return None
    if hits in (0, total):
        return _without_spread(hits, total, replicates=n)
    share = hits / total
    error = clustered_sum_error(top - share * bottom, row) / total
    return Metric(
        estimate=share,
        mcse=error,
        replicates=n,
        interval95=(max(0.0, share - _Z95 * error), min(1.0, share + _Z95 * error)),
    )


def rates(prepared: Prepared, outcomes: Outcomes) -> dict[str, dict[str, Metric | None]]:
    """Return response by arm: ``composite`` as analysed, ``observed`` as measured.

    ``observed`` is None in an arm in which nobody was assessed.
    """
    out: dict[str, dict[str, Metric | None]] = {"composite": {}, "observed": {}}
    row = _rows_used(outcomes.replicates, prepared.rows)
    for a, arm in enumerate(prepared.design.arm_names):
        out["composite"][arm] = _ratio(outcomes.responders[:, a], outcomes.arm_n[:, a], row)
        out["observed"][arm] = _ratio(outcomes.observed[:, a], outcomes.assessed[:, a], row)
    return out


def harm_rates(prepared: Prepared, outcomes: Outcomes) -> dict[str, dict[str, Metric | None]]:
    """Return harm by arm: shares of patients with an event, and of courses with a reaction."""
    row = _rows_used(outcomes.replicates, prepared.rows)
    out: dict[str, dict[str, Metric | None]] = {}
    for a, arm in enumerate(prepared.design.arm_names):
        count = {name: outcomes.harm[:, a, i] for i, name in enumerate(HARM_COUNTS)}
        patients = outcomes.arm_n[:, a]
        out[arm] = {
            "reaction_patients": _ratio(count["reaction"], patients, row),
            "reaction_courses": _ratio(count["reaction_courses"], count["courses"], row),
            "thromboembolism_patients": _ratio(count["thromboembolism"], patients, row),
            "serious_patients": _ratio(count["serious"], patients, row),
            "stopped_for_harm": _ratio(count["stopped"], patients, row),
        }
    return out


def estimates_difference(design: Design) -> bool:
    """Return whether the one analysis of a design has a posterior of two plain beta priors."""
    return len(design.looks) == 1 and design.decision is not None and runs_by_recurrence(design)


def difference_metrics(
    prepared: Prepared, outcomes: Outcomes, truth: Metric
) -> dict[str, dict[str, Any]]:
    """Return bias of the posterior mean difference, and coverage of its 95 % credible interval.

    ``truth`` is the true composite difference with its own error, from patients of other trials;
    the error of the bias holds it. Without one analysis by one beta prior an arm there are none.
    """
    design = prepared.design
    if design.decision is None or not estimates_difference(design):
        return {}
    arms = design.decision.success.arms()
    at = [design.arm_names.index(arm) for arm in arms]
    race = prior_race(design)
    priors = ((race.a, race.b), (race.c, race.d))
    counts, sizes = outcomes.responders[:, at], outcomes.arm_n[:, at]
    found = mean_metric(posterior_difference(counts, sizes, priors))
    bias = found.estimate - truth.estimate
    error = float(np.hypot(found.mcse, truth.mcse))
    above = chance_difference_exceeds(counts, sizes, priors, truth.estimate)
    covered = success_metric((above > 0.025) & (above < 0.975), 1)
    return {
        "bias": Metric(
            estimate=bias,
            mcse=error,
            replicates=found.replicates,
            interval95=(bias - _Z95 * error, bias + _Z95 * error),
        ).as_json(),
        "coverage": covered.as_json(),
    }


def true_difference(prepared: Prepared, outcomes: Outcomes) -> Metric:
    """Return the composite difference, better arm minus other, of a large run of its own."""
    if prepared.design.decision is None:
        raise ValueError("the design has no decision, so no arm is the better one")
    better, other = prepared.design.decision.success.arms()
    composite = rates(prepared, outcomes)["composite"]
    first, second = composite[better], composite[other]
    if first is None or second is None:
        raise ValueError("an arm without patients has no response")
    error = float(np.hypot(first.mcse, second.mcse))
    gap = first.estimate - second.estimate
    return Metric(
        estimate=gap,
        mcse=error,
        replicates=outcomes.replicates,
        interval95=(gap - _Z95 * error, gap + _Z95 * error),
    )


def _estimate(metric: Metric | None) -> float | None:
    return None if metric is None else metric.estimate


def _error(metric: Metric | None) -> float | None:
    return None if metric is None else metric.as_json()["mcse"]


def scenario_row(
    prepared: Prepared, outcomes: Outcomes, name: str, truth: Metric | None = None
) -> dict[str, Any]:
    """Return one row of the JSON of ``power``: a scenario with its metrics at the largest n.

    With the true difference given, bias and coverage are among the metrics.
    """
    found = rates(prepared, outcomes)
    last_visit = int(prepared.protocol.visit_minute[-1])
    weeks = (outcomes.last_randomised + last_visit).astype(np.float64) / MINUTES_PER_WEEK
    done = outcomes.complete
    used = _rows_used(outcomes.replicates, prepared.rows)
    metrics: dict[str, Any] = {}
    if prepared.design.decision is not None:
        # a trial that could not fill counts as a failure to show anything
        success = outcomes.success[:, -1] & done
        metrics[METRIC_OF[prepared.scenario.source]] = success_metric(
            success, prepared.rows, prepared.row_ess
        ).as_json()
        if len(prepared.design.looks) > 1:
            sizes = np.array(prepared.design.look_sizes(_largest(outcomes)), np.float64)
            metrics["expected_n"] = mean_metric(sizes[outcomes.look], used).as_json()
    if truth is not None:
        metrics |= difference_metrics(prepared, outcomes, truth)
    if done.any():
        metrics["duration_weeks"] = mean_metric(weeks[done], used[done]).as_json()
    metrics["screened"] = mean_metric(outcomes.screened.astype(np.float64), used).as_json()
    return {
        "scenario": name,
        "n": _largest(outcomes),
        "rates": {arm: _estimate(m) for arm, m in found["composite"].items()},
        "rates_mcse": {arm: _error(m) for arm, m in found["composite"].items()},
        "observed_rates": {arm: _estimate(m) for arm, m in found["observed"].items()},
        "observed_rates_mcse": {arm: _error(m) for arm, m in found["observed"].items()},
        "harm": {
            arm: {name: None if m is None else m.as_json() for name, m in of_arm.items()}
            for arm, of_arm in harm_rates(prepared, outcomes).items()
        },
        "exact": False,
        "metrics": metrics,
        **_looks(prepared, outcomes),
        "control_rate_stated": prepared.control_rate,
        "p_background": float(prepared.table.p_background.mean()),
        "replaced": [
            {"parameter": name, "value": new.value, "times": new.times, "status": new.status}
            | {"source": new.source}
            for name, new in prepared.scenario.replacements().items()
        ],
        **({"exposure": "sum"} if prepared.scenario.exposure == "sum" else {}),
        "control_rows_clipped": prepared.clipped,
        "posterior_rows": prepared.rows,
        "failed": int((~done).sum()),
    }


def _largest(outcomes: Outcomes) -> int:
    """Return the largest size that was run; a trial that ran out of candidates has less."""
    return int(outcomes.arm_n.sum(axis=1).max())


def _looks(prepared: Prepared, outcomes: Outcomes) -> dict[str, Any]:
    """Return what happens at each of several looks; nothing for one look."""
    design = prepared.design
    if design.decision is None or len(design.looks) == 1:
        return {}
    n = _largest(outcomes)
    rows = look_rows(
        design.look_sizes(n),
        outcomes.look,
        outcomes.success[:, -1] & outcomes.complete,
        prepared.rows,
        prepared.row_ess,
    )
    return {"looks": with_critical_z(rows, critical_z(design, n))}


def with_critical_z(
    looks: Sequence[Mapping[str, Any]], critical: Sequence[float]
) -> list[dict[str, Any]]:
    """Return the looks, each with its critical z where a test decides; none where none can."""
    if not critical:
        return [dict(look) for look in looks]
    return [{**look, "z": finite_z(z)} for look, z in zip(looks, critical, strict=True)]


def finite_z(z: float) -> float | None:
    """Return a critical z, or None where no z is high enough, since nothing is spent."""
    return z if math.isfinite(z) else None


def look_rows(
    sizes: Sequence[int],
    ended: NDArray[np.int64],
    success: NDArray[np.bool_],
    rows: int = 1,
    row_ess: float = np.inf,
) -> list[dict[str, Any]]:
    """Return each look's patients, and the shares that reach it, succeed and stop for futility.

    ``success_by`` and ``futility_by`` are those that did so at this look or an earlier one.

    Parameters
    ----------
    ended, success : (R,) the look at which each trial ended, and whether with success.
    """
    out = []
    for k, size in enumerate(sizes):
        here = ended == k
        shares = {
            "reached": ended >= k,
            "success": here & success,
            "futility": here & ~success & (k < len(sizes) - 1),
            "success_by": (ended <= k) & success,
            "futility_by": (ended <= min(k, len(sizes) - 2)) & ~success,
        }
        row: dict[str, Any] = {"n": int(size)}
        for key, hits in shares.items():
            row[key] = success_metric(hits, rows, row_ess).as_json()
        out.append(row)
    return out


def assumptions(prepared: Prepared) -> list[dict[str, Any]]:
    """Return every parameter that the design reads, with value at the point, status, source."""
    return [
        {
            "parameter": name,
            "value": prepared.values.get(name, float("nan")),
            "status": origin.status,
            "source": origin.source,
        }
        for name, origin in prepared.origins.items()
        if name in prepared.values
    ] + [
        {
            "parameter": name,
            "value": new.value,
            "status": new.status,
            "source": new.source,
        }
        for name, new in prepared.scenario.replacements().items()
        if name not in prepared.values and not name.startswith("p_response.")
    ]
