"""Who has to be woken when.

Timers last one of a dozen durations (RFC 3261 table 4, and the doubled ones), and time goes forward: a queue for each
duration is in order by itself. So setting a timer is an append, and a timer that was stopped or set anew costs nothing
until its turn comes, when it is dropped.
"""

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Final, Generic, Protocol, TypeVar

_NEVER: Final = float("inf")
_PATIENCE: Final = 1 / 32
"""How late a timer may be, as a share of its duration: those that clean up after half a minute are woken together."""


class Timed(Protocol):
    """Whose timers these are: an entry counts while it stands here."""

    again_at: float
    over_at: float


T = TypeVar("T", bound=Timed)


class Schedule(Generic[T]):
    """The timers of machines."""

    __slots__ = ("_queues", "look_at")

    def __init__(self) -> None:
        self._queues: defaultdict[float, deque[tuple[float, T]]] = defaultdict(deque)
        """Of each duration, the timers in the order of their times."""
        self.look_at = _NEVER
        """When to pop what is due: no timer is later then than it may be. It may be for one that was stopped."""

    def add(self, timed: T, seconds: float, now: float) -> float:
        """Wake somebody after so many seconds; returns when that is."""
        at = now + seconds
        queue = self._queues[seconds]
        if not queue:  # else one of its timers has to be looked at before
            self.look_at = min(self.look_at, at + seconds * _PATIENCE)
        queue.append((at, timed))
        return at

    @property
    def deadline(self) -> float | None:
        """The earliest one."""
        queue = self._next()
        return queue[0][0] if queue else None

    def pop_due(self, now: float) -> Iterator[T]:
        """Those whose time has come, the earliest first; to be gone through to the end."""
        while (queue := self._next()) is not None and queue[0][0] <= now:
            yield queue.popleft()[1]
        latest = [queue[0][0] + seconds * _PATIENCE for seconds, queue in self._queues.items() if queue]
        self.look_at = min(latest, default=_NEVER)

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
