"""When candidates come: sites that open by a ramp, a Poisson process at each, and its ends.

The rates of sites may differ by a gamma distribution of mean 1, so that the candidates of a
site's first so many minutes are negative binomial (Anisimov and Fedorov). While recruitment
pauses the clock of every site stands still.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.core.arithmetic import normal_quantile, pexp, plog
from simtrial.core.compiled import kernel
from simtrial.core.errors import DesignError
from simtrial.core.streams import Purpose, uniform
from simtrial.core.units import (
    DAYS_PER_MONTH,
    MINUTES_PER_DAY,
    MINUTES_PER_WEEK,
    minutes_from_weeks,
)
from simtrial.trial.design import Accrual

SMALLEST_SHARE = 0.01  # of candidates that must be eligible for a trial to be run
NO_LIMIT = 2**60
_NONE = np.empty(0, np.int64)


class Arrivals(NamedTuple):
    """Who comes when, and how many are taken.

    opening : (S,) minutes at which each site opens, on the clock that stands still in pauses.
    per_minute : candidates a minute at a site, on average over sites.
    most_candidates : how many are screened before a trial is given up.
    rate_shape : shape of the gamma distribution of the sites' rates; 0 where all are alike.
    pause_from, pause_until : (Q,) minutes of the calendar, in order.
    site_at_most : patients a site may randomise; it screens nobody once it has them.
    subtype_at_most : (subtypes,) patients of a subtype that are taken; empty without any limit.
    """

    opening: NDArray[np.float64]
    per_minute: float
    most_candidates: int
    rate_shape: float = 0.0
    pause_from: NDArray[np.int64] = _NONE
    pause_until: NDArray[np.int64] = _NONE
    site_at_most: int = NO_LIMIT
    subtype_at_most: NDArray[np.int64] = _NONE


def arrivals_of(
    accrual: Accrual,
    patients_per_site_month: float,
    eligible: float,
    n: int,
    subtypes: Sequence[str] = (),
) -> Arrivals:
    """Return the arrivals of a trial of ``n`` when a share ``eligible`` of candidates may enter.

    Parameters
    ----------
    subtypes : of the design, in its order; without them no subtype is limited.

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
    opening = sites * (accrual.site_opening_weeks * MINUTES_PER_WEEK / accrual.sites)
    starts = np.array([minutes_from_weeks(start) for start, _ in accrual.pauses_weeks], np.int64)
    ends = np.array([minutes_from_weeks(end) for _, end in accrual.pauses_weeks], np.int64)
    stood_still = np.zeros_like(opening)
    for start, end in zip(starts, ends, strict=True):
        stood_still += np.clip(opening - start, 0.0, float(end - start))
    limits = accrual.subtypes_at_most
    return Arrivals(
        opening=opening - stood_still,
        per_minute=patients_per_site_month / eligible / (DAYS_PER_MONTH * MINUTES_PER_DAY),
        most_candidates=int(np.ceil(20.0 * n / eligible)) + 1_000,
        rate_shape=accrual.site_rate_cv**-2.0 if accrual.site_rate_cv > 0.0 else 0.0,
        pause_from=starts,
        pause_until=ends,
        site_at_most=accrual.patients_per_site_at_most or NO_LIMIT,
        subtype_at_most=np.array(
            [limits.get(name, NO_LIMIT) for name in subtypes] if limits else [],  # type: ignore[call-overload]
            np.int64,
        ),
    )


@kernel
def calendar_minute(
    minute: int, pause_from: NDArray[np.int64], pause_until: NDArray[np.int64]
) -> int:
    """Return the minute of the calendar for one of the clock that stands still in pauses.

    A minute at which a pause begins belongs to the pause, and the one at which it ends does not.
    """
    for pause in range(pause_from.shape[0]):
        if minute >= pause_from[pause]:
            minute += pause_until[pause] - pause_from[pause]
    return minute


@kernel
def site_rate(seed: int, replicate: int, site: int, shape: float) -> float:
    """Return a site's rate relative to the mean: gamma of this shape and mean 1; 1 at shape 0.

    By proposals from a cubed normal; below shape 1 from shape + 1, times a power of a uniform.

    References
    ----------
    Marsaglia G, Tsang WW. A simple method for generating gamma variables. ACM Trans Math Softw
    2000;26:363-372.
    """
    if shape == 0.0:
        return 1.0
    used = shape if shape >= 1.0 else shape + 1.0
    d = used - 1.0 / 3.0
    c = 1.0 / np.sqrt(9.0 * d)
    attempt = 0
    while True:
        x = normal_quantile(uniform(seed, Purpose.SITE, replicate, site, attempt, 0))
        root = 1.0 + c * x
        if root > 0.0:
            v = root * root * root
            u = uniform(seed, Purpose.SITE, replicate, site, attempt, 1)
            if plog(u) < 0.5 * x * x + d - d * v + d * plog(v):
                break
        attempt += 1
    rate: float = d * v / shape
    if shape < 1.0:
        rate *= pexp(plog(uniform(seed, Purpose.SITE, replicate, site, 0, 2)) / shape)
    return rate
