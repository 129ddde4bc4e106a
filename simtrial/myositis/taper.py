"""Rules of prednisolone: the next daily dose from the present one."""

from __future__ import annotations

import math

from simtrial.core.arithmetic import pexp
from simtrial.core.compiled import step


@step
def stable_dose(dose_mg: float) -> float:
    """Return the dose under a protocol that keeps background prednisolone unchanged (mg/d)."""
    return dose_mg


@step
def entry_dose(takes: bool, log_median_mg: float, log_sd: float, z: float) -> float:
    """Return a candidate's daily prednisolone (mg): nothing, or log-normal, to 2.5 mg tablets."""
    if not takes:
        return 0.0
    tablets = math.floor(pexp(log_median_mg + log_sd * z) / 2.5 + 0.5)
    return 2.5 * max(tablets, 1.0)
