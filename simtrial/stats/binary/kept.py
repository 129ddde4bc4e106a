"""Tables of decisions, kept while there is room: the same rule meets the same sizes many times."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from simtrial.stats.binary.rules import Rule

MOST_BYTES = 256 * 1024 * 1024

_Key = tuple[Rule, int, int]


class KeptTables:
    """The last used tables of decisions, up to a number of bytes; any thread may ask."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._held: OrderedDict[_Key, NDArray[np.bool_]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def table(self, rule: Rule, n1: int, n0: int) -> NDArray[np.bool_]:
        """Return ``rule.table(n1, n0)``, computed where it is not held; not to be written into."""
        key = (rule, n1, n0)
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        made = np.ascontiguousarray(rule.table(n1, n0))  # two threads may compute one: same bits
        made.setflags(write=False)
        with self._lock:
            if key not in self._held and made.nbytes <= self._most:
                self._held[key] = made
                self._bytes += made.nbytes
                while self._bytes > self._most:
                    _, oldest = self._held.popitem(last=False)
                    self._bytes -= oldest.nbytes
        return made


_SHARED = KeptTables()


def decision_table(rule: Rule, n1: int, n0: int) -> NDArray[np.bool_]:
    """Return the decisions of a rule at two arm sizes, from those kept by this process."""
    return _SHARED.table(rule, n1, n0)
