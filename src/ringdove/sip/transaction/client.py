"""Non-INVITE client transaction (RFC 3261 §17.1.2)."""

from enum import Enum, auto
from typing import Any

from ..hop import Hop
from ..message import Request, Response
from .actions import Action, DeliverResponse, Failure
from .asking import Asking
from .keys import ClientKey
from .schedule import Schedule
from .timers import Timers


class State(Enum):
    """As in figure 6."""

    TRYING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    TERMINATED = auto()


class Client(Asking):
    """One request of ours that is neither INVITE nor ACK; its timers are E and F."""

    __slots__ = ("state",)

    def __init__(
        self,
        key: ClientKey,
        request: Request,
        hop: Hop,
        timers: Timers,
        schedule: Schedule[Any],
        data: bytes | None = None,
    ) -> None:
        super().__init__(key, request, hop, timers, schedule, data)
        self.state = State.TRYING

    def receive(self, response: Response, now: float) -> list[Action]:
        """A response that matches."""
        if self.state not in (State.TRYING, State.PROCEEDING):
            return []
        deliver = DeliverResponse(self.key, response)
        if not response.is_final:
            self.state = State.PROCEEDING
            return [deliver]
        self._stop()
        self.state = State.COMPLETED
        self.request = self._send = None  # the transaction outlives the call that it belongs to
        self._set_over(self.timers.k(self.hop.reliable), now)
        return [deliver]

    def transport_failed(self) -> list[Action]:
        """The request cannot be delivered."""
        return self._fail(Failure.TRANSPORT) if self.state in (State.TRYING, State.PROCEEDING) else []

    def _again(self, now: float) -> list[Action]:
        t2 = self.timers.t2
        self._interval = t2 if self.state is State.PROCEEDING else min(2 * self._interval, t2)
        self._set_again(self._interval, now)
        return self._sends()

    def _time_is_over(self, now: float) -> list[Action]:
        return self._end() if self.state is State.COMPLETED else self._fail(Failure.TIMEOUT)

    def _end(self) -> list[Action]:
        self.state = State.TERMINATED
        return super()._end()
