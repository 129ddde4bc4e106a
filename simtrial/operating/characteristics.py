"""Operating characteristics from outcomes: every number with its Monte Carlo standard error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.operating.prepare import Prepared
from simtrial.operating.replicates import Outcomes
from simtrial.stats.montecarlo import (
    clustered_share_mcse,
    mean_mcse,
    share_mcse,
    wilson_interval,
)

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
        """Return plain values for JSON."""
        return {
            "estimate": self.estimate,
            "mcse": self.mcse,
            "replicates": self.replicates,
            "interval95": list(self.interval95),
        }

    def words(self, digits: int = 3) -> str:
        """Return ``0.798 (MCSE 0.004, R = 10,000)``."""
        return f"{self.estimate:.{digits}f} (MCSE {self.mcse:.{digits}f}, R = {self.replicates:,})"


def success_metric(success: NDArray[np.bool_], rows: int, first: int = 0) -> Metric:
    """Return the share of successful replicates.

    With several posterior rows the error is taken between rows, so it holds the posterior's own
    finite number of draws too; with one row it is binomial and the interval is Wilson's.
    """
    n, hits = success.shape[0], int(success.sum())
    share = hits / n
    if rows == 1:
        return Metric(
            estimate=share,
            mcse=share_mcse(hits, n),
            replicates=n,
            interval95=wilson_interval(hits, n),
        )
    error = clustered_share_mcse(success, (first + np.arange(n)) % rows)
    if not np.isfinite(error):
        error = share_mcse(hits, n)
    bounds = (max(0.0, share - _Z95 * error), min(1.0, share + _Z95 * error))
    return Metric(estimate=share, mcse=error, replicates=n, interval95=bounds)


def mean_metric(values: NDArray[np.float64]) -> Metric:
    """Return a mean over replicates."""
    middle, error = float(values.mean()), mean_mcse(values)
    return Metric(
        estimate=middle,
        mcse=error,
        replicates=values.shape[0],
        interval95=(middle - _Z95 * error, middle + _Z95 * error),
    )


def _ratio(top: NDArray[np.int64], bottom: NDArray[np.int64]) -> Metric:
    """Return a share pooled over replicates, its error between replicates (patients cluster)."""
    total, n = int(bottom.sum()), top.shape[0]
    share = float(top.sum() / total)
    residual = top - share * bottom
    error = float(np.sqrt((residual**2).sum()) / total) if n > 1 else float("inf")
    return Metric(
        estimate=share,
        mcse=error,
        replicates=n,
        interval95=(max(0.0, share - _Z95 * error), min(1.0, share + _Z95 * error)),
    )


def rates(prepared: Prepared, outcomes: Outcomes) -> dict[str, dict[str, Metric]]:
    """Return response by arm: ``composite`` as analysed, ``observed`` as measured."""
    out: dict[str, dict[str, Metric]] = {"composite": {}, "observed": {}}
    for a, arm in enumerate(prepared.design.arm_names):
        out["composite"][arm] = _ratio(outcomes.responders[:, a], outcomes.arm_n[:, a])
        out["observed"][arm] = _ratio(outcomes.observed[:, a], outcomes.assessed[:, a])
    return out


def scenario_row(prepared: Prepared, outcomes: Outcomes, name: str) -> dict[str, Any]:
    """Return one row of the JSON of ``power``: a scenario with its metrics at the largest n."""
    found = rates(prepared, outcomes)
    last_visit = int(prepared.protocol.visit_minute[-1])
    weeks = (outcomes.last_randomised + last_visit).astype(np.float64) / MINUTES_PER_WEEK
    done = outcomes.complete
    metrics: dict[str, Any] = {}
    if prepared.design.decision is not None:
        # a trial that could not fill counts as a failure to show anything
        success = outcomes.success[:, -1] & done
        metrics[METRIC_OF[prepared.scenario.source]] = success_metric(
            success, prepared.rows
        ).as_json()
    if done.any():
        metrics["duration_weeks"] = mean_metric(weeks[done]).as_json()
    metrics["screened"] = mean_metric(outcomes.screened.astype(np.float64)).as_json()
    return {
        "scenario": name,
        "n": int(outcomes.arm_n[0].sum()),
        "rates": {arm: m.estimate for arm, m in found["composite"].items()},
        "rates_mcse": {arm: m.mcse for arm, m in found["composite"].items()},
        "observed_rates": {arm: m.estimate for arm, m in found["observed"].items()},
        "observed_rates_mcse": {arm: m.mcse for arm, m in found["observed"].items()},
        "exact": False,
        "metrics": metrics,
        "control_rows_clipped": prepared.clipped,
        "posterior_rows": prepared.rows,
        "failed": int((~done).sum()),
    }


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
