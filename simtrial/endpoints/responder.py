"""Response of each patient under the composite strategy: an intercurrent event is no response."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.snapshot import Snapshot
from simtrial.trial.design import Design


def composite_response(seen: Snapshot, design: Design) -> NDArray[np.bool_]:
    """Return who responded, (R, P).

    ``at_week``: TIS at least the threshold on that visit, and by then neither rescue, nor
    confirmed deterioration, nor giving up for lack of effect, nor a stop of treatment for harm, nor
    death, nor leaving. ``by_week``: TIS at least the threshold at any visit up to then that no such
    event precedes. A visit not attended is no response.
    """
    endpoint = design.endpoint
    weeks = design.visits_weeks
    if endpoint.at_week is not None:
        visits = [weeks.index(endpoint.at_week)]
    else:
        visits = [v for v, week in enumerate(weeks) if 0 < week <= endpoint.week]
    out = np.zeros(seen.arm.shape, np.bool_)
    for v in visits:
        minute = seen.visit_minute[:, :, v]
        # an event at the visit itself comes after its measurement: it counts against "at", and
        # a response already reached stands for "by"
        until = minute if endpoint.at_week is not None else minute - 1
        spoiled = (
            _happened(seen.rescue_minute, until)
            | _happened(seen.deterioration_minute, until)
            | _happened(seen.lack_of_effect_minute, until)
            | _happened(seen.harm_stop_minute, until)
            | _happened(seen.death_minute, until)
        )
        with np.errstate(invalid="ignore"):
            out |= (seen.tis[:, :, v] >= endpoint.threshold) & ~spoiled
    return out


def _happened(
    minute: NDArray[np.int64] | NDArray[np.int32], until: NDArray[np.int32]
) -> NDArray[np.bool_]:
    return (minute >= 0) & (minute <= until)


def observed_response(
    seen: Snapshot, design: Design
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return (responded, assessed), (R, P) each: the endpoint as measured, whatever happened."""
    v = design.visits_weeks.index(design.endpoint.week)
    tis = seen.tis[:, :, v] if design.endpoint.at_week is not None else seen.tis[:, :, 1 : v + 1]
    assessed = ~np.isnan(seen.tis[:, :, v])
    with np.errstate(invalid="ignore"):
        hit = tis >= design.endpoint.threshold
    if hit.ndim == 3:
        hit = hit.any(axis=2)
        assessed |= hit  # who has reached it is known, whatever comes after
    return hit & assessed, assessed
