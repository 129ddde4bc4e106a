"""When candidates come: sites that open by a ramp, and a Poisson process at each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.core.errors import DesignError
from simtrial.core.units import DAYS_PER_MONTH, MINUTES_PER_DAY, MINUTES_PER_WEEK
from simtrial.trial.design import Accrual

SMALLEST_SHARE = 0.01  # of candidates that must be eligible for a trial to be run


class Arrivals(NamedTuple):
    """Opening minute of each site (S,), candidates a minute at each, and how many to screen."""

    opening: NDArray[np.float64]
    per_minute: float
    most_candidates: int


def arrivals_of(
    accrual: Accrual, patients_per_site_month: float, eligible: float, n: int
) -> Arrivals:
    """Return the arrivals of a trial of ``n`` when a share ``eligible`` of candidates may enter.

    Raises
    ------
    DesignError : when next to nobody is eligible.
    """
    if eligible < SMALLEST_SHARE:
        raise DesignError(
            f"population.eligibility lets {100 * eligible:.2g} % of the candidates in; a trial "
            f"needs at least {100 * SMALLEST_SHARE:g} %. Ease mmt_below, other_abnormal_measures "
            "or prednisolone_at_most_mg; mmt_below counts points of population.mmt."
        )
    sites = np.arange(accrual.sites, dtype=np.float64)
    return Arrivals(
        opening=sites * (accrual.site_opening_weeks * MINUTES_PER_WEEK / accrual.sites),
        per_minute=patients_per_site_month / eligible / (DAYS_PER_MONTH * MINUTES_PER_DAY),
        most_candidates=int(np.ceil(20.0 * n / eligible)) + 1_000,
    )
