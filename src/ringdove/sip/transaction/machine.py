"""What the four state machines share: timers by their RFC letter, and a deadline."""

from typing import Literal

from .actions import Action
from .timers import Timers

TimerName = Literal["A", "B", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "trying", "cancel", "2xx"]


class Machine:
    """A state machine with timers. Subclasses fire them."""

    __slots__ = ("_alarms", "timers")

    def __init__(self, timers: Timers) -> None:
        self.timers = timers
        self._alarms: dict[TimerName, float] = {}

    @property
    def deadline(self) -> float | None:
        """When `tick` has to run next."""
        return min(self._alarms.values(), default=None)

    def tick(self, now: float) -> list[Action]:
        """Fire the timers that are due."""
        actions: list[Action] = []
        while self._alarms:
            timer = min(self._alarms, key=self._alarms.__getitem__)
            if self._alarms[timer] > now:
                break
            del self._alarms[timer]
            actions += self._fire(timer, now)
        return actions

    def _fire(self, timer: TimerName, now: float) -> list[Action]:
        raise NotImplementedError

    def _set(self, timer: TimerName, at: float) -> None:
        self._alarms[timer] = at

    def _stop(self, *timers: TimerName) -> None:
        for timer in timers:
            self._alarms.pop(timer, None)
