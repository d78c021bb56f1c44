"""What is to be done at a certain time. Pure: the clock is passed in."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from math import inf

Timed = Callable[[float], float | None]
"""Called with the time it is; returns when it wants to be called again, None for never. Monotonic seconds."""


class Timers:
    """Calls that are due one after the other. Who no longer wants to be called says so when it is called next."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Timed]] = []
        self._order = count()

    def at(self, due: float, call: Timed) -> None:
        """Make this call then."""
        heappush(self._due, (due, next(self._order), call))

    def run(self, now: float) -> float:
        """Make the calls that are due; returns when the next one is, infinity where none is left."""
        due = self._due
        while due and due[0][0] <= now:
            _, _, call = heappop(due)
            again = call(now)
            if again is not None:
                self.at(again, call)
        return due[0][0] if due else inf
