"""Interruptions of supply: times at which no site has anything to infuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.core.compiled import inlined
from simtrial.core.units import DAYS_PER_YEAR, MINUTES_PER_DAY, MINUTES_PER_WEEK

MOST_INTERRUPTIONS = 64  # of one trial; later ones do not happen


class SupplyTable(NamedTuple):
    """Interruptions of supply, D rows each."""

    per_minute: NDArray[np.float64]  # of time with supply
    minutes: NDArray[np.int64]  # that one lasts


class Supply(NamedTuple):
    """One row of a SupplyTable."""

    per_minute: float
    minutes: int


@inlined
def supply_row(table: SupplyTable, d: int) -> Supply:
    """Return row d."""
    return Supply(table.per_minute[d], table.minutes[d])


def supply_table(draws: Mapping[str, NDArray[np.float64]]) -> SupplyTable:
    """Return the rows of supply."""
    weeks = np.floor(draws["supply.weeks"] * MINUTES_PER_WEEK + 0.5)
    return SupplyTable(
        per_minute=draws["supply.per_year"] / (DAYS_PER_YEAR * MINUTES_PER_DAY),
        minutes=weeks.astype(np.int64),
    )
