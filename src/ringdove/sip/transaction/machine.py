"""What the four state machines share: two alarms, one to say something again and one that ends a state."""

from typing import Any, Final, NamedTuple

from ..hop import Hop
from ..parser import Limits, parse
from .actions import Action, Send
from .schedule import Schedule
from .timers import Timers

NEVER: Final = float("inf")

_OURS: Final = Limits(head=1 << 24, line=1 << 24, fields=1 << 16, body=1 << 24)


class Said(NamedTuple):
    """What was sent, as far as it takes to send it again: transactions outlive calls, and messages are large."""

    data: bytes
    hop: Hop
    otherwise: Hop | None = None

    @classmethod
    def of(cls, send: Send) -> "Said":
        """What is to be kept of this."""
        return cls(send.data, send.hop, send.otherwise)

    def again(self) -> Send:
        """Send it once more."""
        return Send(parse(self.data, _OURS), self.data, self.hop, self.otherwise)


class Machine:
    """A state machine with timers. In no state has it more than two of RFC 3261's: what they do is for subclasses."""

    __slots__ = ("_schedule", "again_at", "is_over", "over_at", "timers")

    def __init__(self, timers: Timers, schedule: Schedule[Any]) -> None:
        self.timers = timers
        self._schedule = schedule
        self.again_at = NEVER
        """When something is to be said again: timers A, E, G, the 2xx, and the 100 that nobody sent."""
        self.over_at = NEVER
        """When the wait is over: timers B, D, F, H, I, J, K, L, M, and the wait for a final response after CANCEL."""
        self.is_over = False
        """Whether the layer can forget it."""

    @property
    def deadline(self) -> float | None:
        """When `tick` has to run next."""
        at = min(self.again_at, self.over_at)
        return None if at == NEVER else at

    def tick(self, now: float) -> list[Action]:
        """Fire the timers that are due."""
        if self.over_at <= now:
            self.again_at = self.over_at = NEVER
            return self._time_is_over(now)
        if self.again_at <= now:
            self.again_at = NEVER
            return self._again(now)
        return []

    def _again(self, now: float) -> list[Action]:
        raise NotImplementedError

    def _time_is_over(self, now: float) -> list[Action]:
        raise NotImplementedError

    def _set_again(self, seconds: float, now: float) -> None:
        self.again_at = self._schedule.add(self, seconds, now)

    def _set_over(self, seconds: float, now: float) -> None:
        self.over_at = self._schedule.add(self, seconds, now)

    def _stop(self) -> None:
        self.again_at = self.over_at = NEVER
