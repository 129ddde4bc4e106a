"""The calendar of the engine to read: events at whole minutes, in a written order at each."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import simpy


class Rank(IntEnum):
    """What comes first at one instant: measure and decide, infuse, be harmed, leave."""

    SCREEN = 0
    RANDOMISE = 1
    WEEK = 2
    MEASURE = 3
    INFUSE = 4
    HARM = 5
    LEAVE = 6


class At(simpy.Event):
    """An event at a whole minute, ordered at that minute by rank and place."""

    def __init__(self, env: simpy.Environment, minute: int, rank: Rank, place: int = 0) -> None:
        super().__init__(env)
        self._ok = True
        self._value = None
        # SimPy's heap orders by (time, priority); a whole number holds rank and place
        order: Any = (int(rank) << 40) + place
        env.schedule(self, priority=order, delay=minute - int(env.now))
