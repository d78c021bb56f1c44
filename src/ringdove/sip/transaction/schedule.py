"""Who has to be woken when.

Timers last one of a dozen durations (RFC 3261 table 4, and the doubled ones), and time goes forward: a queue for each
duration is in order by itself. So setting a timer is an append, and a timer that was stopped or set anew costs nothing
until its turn comes, when it is dropped.
"""

from collections import deque
from collections.abc import Iterator
from typing import Final, Generic, Protocol, TypeVar

_NEVER: Final = float("inf")


class Timed(Protocol):
    """Whose timers these are: an entry counts while it stands here."""

    again_at: float
    over_at: float


T = TypeVar("T", bound=Timed)


class Schedule(Generic[T]):
    """The timers of machines."""

    __slots__ = ("_queues", "earliest")

    def __init__(self) -> None:
        self._queues: dict[float, deque[tuple[float, T]]] = {}
        self.earliest = _NEVER
        """Never later than the deadline; earlier where the timer that it was was stopped."""

    def add(self, timed: T, seconds: float, now: float) -> float:
        """Wake somebody after so many seconds; returns when that is."""
        at = now + seconds
        queue = self._queues.get(seconds)
        if queue is None:
            queue = self._queues[seconds] = deque()
        queue.append((at, timed))
        self.earliest = min(self.earliest, at)
        return at

    @property
    def deadline(self) -> float | None:
        """The earliest one."""
        queue = self._next()
        self.earliest = queue[0][0] if queue else _NEVER
        return self.earliest if queue else None

    def pop_due(self, now: float) -> Iterator[T]:
        """Those whose time has come, the earliest first; to be gone through to the end."""
        while (queue := self._next()) is not None and queue[0][0] <= now:
            yield queue.popleft()[1]
        self.earliest = queue[0][0] if queue else _NEVER

    def _next(self) -> deque[tuple[float, T]] | None:
        """The queue with the earliest timer."""
        found = None
        earliest = _NEVER
        for queue in self._queues.values():
            while queue and (at := queue[0][0]) not in (queue[0][1].again_at, queue[0][1].over_at):
                queue.popleft()
            if queue and at < earliest:
                found, earliest = queue, at
        return found
