"""Non-INVITE client transaction (RFC 3261 §17.1.2)."""

from enum import Enum, auto
from typing import Any

from ..hop import Hop
from ..message import Request, Response
from .actions import Action, DeliverResponse, Ended, Failed, Failure, Send
from .keys import ClientKey, sent_by
from .machine import Machine
from .schedule import Schedule
from .timers import Timers


class State(Enum):
    """As in figure 6."""

    TRYING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    TERMINATED = auto()


class Client(Machine):
    """One request of ours that is neither INVITE nor ACK."""

    __slots__ = ("_interval", "_send", "hop", "key", "request", "sent_by", "state")

    def __init__(
        self,
        key: ClientKey,
        request: Request,
        hop: Hop,
        timers: Timers,
        schedule: Schedule[Any],
        data: bytes | None = None,
    ) -> None:
        super().__init__(timers, schedule)
        self.key = key
        self.request: Request | None = request
        """None when it is answered."""
        self.sent_by = sent_by(request)
        self.hop = hop
        self.state = State.TRYING
        self._send: Send | None = Send(request, request.to_bytes() if data is None else data, hop)
        self._interval = timers.t1

    def start(self, now: float) -> list[Action]:
        """Send the request."""
        if not self.hop.reliable:
            self._set_again(self._interval, now)  # E
        self._set_over(self.timers.timeout, now)  # F
        return self._sends()

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

    def _sends(self) -> list[Action]:
        return [] if self._send is None else [self._send]

    def _fail(self, failure: Failure) -> list[Action]:
        return [Failed(self.key, failure), *self._end()]

    def _end(self) -> list[Action]:
        self.state = State.TERMINATED
        self.is_over = True
        self._stop()
        return [Ended(self.key)]
