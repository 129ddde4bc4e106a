"""Orders to a running trial: from a minute on, patients are allocated with other weights.

An order changes nobody who was randomised before it. A weight of 0 closes an arm; all 0 closes
recruitment, for good. Orders fit methods that allocate each patient by weights: complete and
minimisation; blocks hold one ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.allocation import BLOCKS, AllocationPlan
from simtrial.core.compiled import kernel
from simtrial.core.errors import DomainError

NO_ORDER = 2**61  # the minute of a row that is not used

Order = tuple[int, Sequence[float]]  # from which minute, the weight of each arm


class Orders(NamedTuple):
    """Orders in force. Axes: R replicates (1: the same in all), O orders, A arms.

    The first order of each replicate is the design's ratio, from before the first patient.
    Minutes are of the calendar, since the first site opened; they never decrease in a row, and
    of several at one minute the last is in force.
    """

    from_minute: NDArray[np.int64]  # (R, O)
    weights: NDArray[np.float64]  # (R, O, A)
    scales: NDArray[np.float64]  # (R, O, A) what a patient counts in the balance of minimisation


@kernel
def order_at(from_minute: NDArray[np.int64], minute: int) -> int:
    """Return which of the orders (O,) of a replicate is in force at a minute."""
    row = 0
    while row + 1 < from_minute.shape[0] and from_minute[row + 1] <= minute:
        row += 1
    return row


@kernel
def closing_minute(from_minute: NDArray[np.int64], weights: NDArray[np.float64]) -> int:
    """Return the minute from which nobody is recruited: all weights are 0; NO_ORDER for never."""
    for row in range(from_minute.shape[0]):
        open_arms = 0
        for arm in range(weights.shape[1]):
            if weights[row, arm] > 0.0:
                open_arms += 1
        if open_arms == 0:
            return int(from_minute[row])
    return NO_ORDER


def planned_orders(plan: AllocationPlan) -> Orders:
    """Return the design's ratio, and no order after it."""
    return orders_of(plan, [()])


def orders_of(plan: AllocationPlan, given: Sequence[Sequence[Order]]) -> Orders:
    """Return the orders of each replicate as a table; of one for all, where one is given.

    Parameters
    ----------
    given : for each replicate its orders in the order of time, (minute, weights of the arms).

    Raises
    ------
    DomainError : when blocks are allocated, an order does not fit the arms, minutes decrease, or
        recruitment is closed and opened again.
    """
    arms = plan.ratio.shape[0]
    most = 1 + max((len(orders) for orders in given), default=0)
    shape = (len(given), most)
    minutes = np.full(shape, NO_ORDER, np.int64)
    weights, scales = np.zeros((*shape, arms)), np.zeros((*shape, arms))
    for r, orders in enumerate(given):
        _check(plan, orders)
        minutes[r, 0] = 0
        weights[r, 0] = plan.ratio
        for row, (minute, parts) in enumerate(orders, start=1):
            minutes[r, row], weights[r, row] = minute, parts
        # rows beyond the last are never reached; like it, they are no closing of recruitment
        weights[r, 1 + len(orders) :] = plan.ratio
        for row in range(most):
            scales[r, row] = _scales(weights[r, row])
    return Orders(minutes, weights, scales)


def check_replicates(orders: Orders, replicates: int) -> None:
    """Refuse orders that are neither of one row for all nor of one for each replicate.

    Raises
    ------
    DomainError
    """
    rows = orders.from_minute.shape[0]
    if rows not in (1, replicates):
        raise DomainError(
            f"the orders have {rows} rows, and {replicates} replicates are run; give one row for "
            f"all, or one for each; for example orders_of(plan, [()] * {replicates})."
        )


def _check(plan: AllocationPlan, orders: Sequence[Order]) -> None:
    arms = plan.ratio.shape[0]
    example = f"(20_160, {tuple(float(part) for part in plan.ratio)})"
    if orders and plan.method == BLOCKS:
        raise DomainError(
            f"{len(orders)} orders are given to a design that allocates in permuted blocks, which "
            "hold one ratio; write method: complete or method: minimisation."
        )
    before, closed = 0, False
    for minute, parts in orders:
        place = f"the order ({minute}, {tuple(parts)})"
        if len(parts) != arms or not all(0.0 <= part < np.inf for part in parts):
            raise DomainError(
                f"{place} must have a weight of at least 0 for each of {arms} arms; "
                f"for example {example}."
            )
        if not before <= minute < NO_ORDER:
            raise DomainError(
                f"{place} comes before minute {before}; orders stand in the order of time, from "
                f"minute 0; for example {example}."
            )
        if closed:
            raise DomainError(
                f"{place} follows one with which recruitment was closed, and that is final; "
                f"leave one of the two out; for example {example}."
            )
        before, closed = minute, not any(parts)


def _scales(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a patient of each arm counts: the inverse of its weight, whole where it can be.

    Whole numbers add up without rounding, so that equal imbalances tie.
    """
    scales = np.zeros(weights.shape[0])
    is_open = weights > 0.0
    whole = bool((weights == np.floor(weights)).all()) and bool((weights < 1e4).all())
    common = np.lcm.reduce(weights[is_open].astype(np.int64)) if whole and is_open.any() else 1
    scales[is_open] = float(common) / weights[is_open]
    return scales
