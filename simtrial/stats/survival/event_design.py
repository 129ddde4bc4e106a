"""A two-arm trial with a time-to-event endpoint: what is planned, and what is true.

Time is in the caller's unit, the same everywhere (months, say); rates are per that unit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from simtrial.core.errors import DomainError
from simtrial.stats.survival.piecewise import PiecewiseRate, constant_rate

_NEVER = constant_rate(0.0)
# more patients than any trial; their number in a replicate is a 32-bit word of their address
_MOST_PATIENTS = 10_000_000


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """How patients, in the order of arrival, are given an arm.

    Attributes
    ----------
    kind : "blocks", permuted blocks; "simple", each patient alone by chance; "in_turn", always the
        treated of the ratio and then its controls, without chance.
    treated, control : the ratio, as whole numbers without a common factor: 2 and 1 is two treated
        for each control.
    block_sizes : of permuted blocks, each equally likely, each a multiple of the ratio's sum.
    """

    kind: Literal["blocks", "simple", "in_turn"] = "blocks"
    treated: int = 1
    control: int = 1
    block_sizes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be allocated; without block sizes take twice the ratio."""
        whole = self.treated + self.control
        if self.kind not in ("blocks", "simple", "in_turn"):
            raise DomainError(f"kind is {self.kind!r}; give 'blocks', 'simple' or 'in_turn'.")
        if min(self.treated, self.control) < 1 or math.gcd(self.treated, self.control) > 1:
            raise DomainError(
                f"the ratio is {self.treated}:{self.control}; give whole numbers of 1 or more "
                "without a common factor, such as treated=2, control=1."
            )
        if self.kind != "blocks" and self.block_sizes:
            raise DomainError(
                f"block_sizes are {self.block_sizes} though kind is {self.kind!r}; leave them out, "
                "or give kind='blocks'."
            )
        if self.kind == "blocks" and not self.block_sizes:
            object.__setattr__(self, "block_sizes", (2 * whole,))
        wrong = [size for size in self.block_sizes if size < 1 or size % whole]
        if wrong:
            raise DomainError(
                f"a block of {wrong[0]} cannot hold {self.treated}:{self.control}; give multiples "
                f"of {whole}, such as block_sizes=({2 * whole},)."
            )


@dataclass(frozen=True, kw_only=True)
class Looks:
    """When the trial is analysed: at numbers of events, or at calendar times.

    Attributes
    ----------
    events : of both arms together, increasing; a look is held at the instant of its last event.
    times : since the trial began, increasing.
    latest : with ``events`` only. A look whose events have not come by this time is not held, and
        the last one is held at this time with the events there are. Without it, a look whose
        events never come is not held.
    """

    events: tuple[int, ...] = ()
    times: tuple[float, ...] = ()
    latest: float = math.inf

    def __post_init__(self) -> None:
        """Refuse looks that cannot be held in order."""
        if bool(self.events) == bool(self.times):
            raise DomainError(
                f"events are {self.events} and times {self.times}; give one of them, such as "
                "events=(60, 120)."
            )
        if any(not a < b for a, b in zip((0, *self.events), self.events, strict=False)) or any(
            count != int(count) for count in self.events
        ):
            raise DomainError(
                f"events are {self.events}; they are whole, above 0 and increase, such as "
                "(60, 120)."
            )
        if any(not a < b < math.inf for a, b in zip((0.0, *self.times), self.times, strict=False)):
            raise DomainError(
                f"times are {self.times}; they are finite, above 0 and increase, such as (12, 24)."
            )
        if not self.latest > 0.0 or (self.times and self.latest != math.inf):
            raise DomainError(
                f"latest is {self.latest}; give a time above 0 with looks at events, such as "
                "latest=48, and none with looks at times."
            )

    @property
    def count(self) -> int:
        """How many looks there are."""
        return len(self.events) + len(self.times)


def events_at_information(fractions: tuple[float, ...], *, planned_events: int) -> tuple[int, ...]:
    """Return the events of looks at fractions of the planned events: the first number not below.

    Half of 247 is 124 events. A fraction that is a whole number of events but for rounding
    (1e-9) is that number.
    """
    if planned_events < 1:
        raise DomainError(f"planned_events is {planned_events}; give 1 or more, such as 120.")
    if not fractions or any(not 0.0 < f <= 1.0 for f in fractions):
        raise DomainError(
            f"fractions are {fractions}; give numbers above 0 and up to 1, such as (0.5, 1)."
        )
    return tuple(math.ceil(f * planned_events - 1e-9) for f in fractions)


@dataclass(frozen=True, kw_only=True)
class EventPlan:
    """What is planned: patients, allocation, looks, and the weights of the log-rank test.

    Attributes
    ----------
    n : patients to be enrolled, both arms.
    rho, gamma : of Fleming-Harrington weights; 0 and 0 is the log-rank test.
    """

    n: int
    looks: Looks
    allocation: Allocation = field(default_factory=Allocation)
    rho: float = 0.0
    gamma: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a trial that cannot be, or whose looks ask for more events than patients."""
        if not 2 <= self.n <= _MOST_PATIENTS:
            raise DomainError(f"n is {self.n}; give 2 to {_MOST_PATIENTS:,} patients, such as 200.")
        if self.looks.events and self.looks.events[-1] > self.n:
            raise DomainError(
                f"the last look is at {self.looks.events[-1]} events of {self.n} patients; each "
                f"has one at most, so give {self.n} or fewer."
            )
        for name, given in (("rho", self.rho), ("gamma", self.gamma)):
            if not 0.0 <= given < math.inf:
                raise DomainError(f"{name} is {given}; give 0 or above, such as {name}=1.")


@dataclass(frozen=True, kw_only=True)
class EventWorld:
    """What is true: hazards of events and dropout by arm, and how patients arrive.

    Attributes
    ----------
    treated_hazard, control_hazard : of the event, over time since arrival.
    treated_dropout, control_dropout : hazards of dropout (not yearly shares: for a share by a time
        see ``rate_of_share``), over time since arrival.
    accrual : patients per unit of time, over time since the trial began; its last piece goes on
        until everybody has arrived.
    arrivals : "even", the i-th patient when the cumulated accrual is i; "poisson", a Poisson
        process of that intensity.
    """

    treated_hazard: PiecewiseRate
    control_hazard: PiecewiseRate
    accrual: PiecewiseRate
    treated_dropout: PiecewiseRate = _NEVER
    control_dropout: PiecewiseRate = _NEVER
    arrivals: Literal["even", "poisson"] = "even"

    def __post_init__(self) -> None:
        """Refuse an accrual that ends before everybody may have arrived."""
        if not self.accrual.rates[-1] > 0.0:
            raise DomainError(
                f"the last accrual rate is {self.accrual.rates[-1]}; it goes on until all have "
                "arrived, so give a rate above 0, such as 15."
            )
        if self.arrivals not in ("even", "poisson"):
            raise DomainError(f"arrivals is {self.arrivals!r}; give 'even' or 'poisson'.")
