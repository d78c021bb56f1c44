"""Non-INVITE client transaction (RFC 3261 §17.1.2)."""

from enum import Enum, auto

from ..hop import Hop
from ..message import Request, Response
from .actions import Action, DeliverResponse, Ended, Failed, Failure, Send
from .keys import ClientKey
from .machine import Machine, TimerName
from .timers import Timers


class State(Enum):
    """As in figure 6."""

    TRYING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    TERMINATED = auto()


class Client(Machine):
    """One request of ours that is neither INVITE nor ACK."""

    __slots__ = ("_interval", "_send", "hop", "key", "request", "state")

    def __init__(self, key: ClientKey, request: Request, hop: Hop, timers: Timers) -> None:
        super().__init__(timers)
        self.key = key
        self.request = request
        self.hop = hop
        self.state = State.TRYING
        self._send = Send(request, request.to_bytes(), hop)
        self._interval = timers.t1

    @property
    def is_over(self) -> bool:
        """Whether the layer can forget it."""
        return self.state is State.TERMINATED

    def start(self, now: float) -> list[Action]:
        """Send the request."""
        if not self.hop.reliable:
            self._set("E", now + self._interval)
        self._set("F", now + self.timers.timeout)
        return [self._send]

    def receive(self, response: Response, now: float) -> list[Action]:
        """A response that matches."""
        if self.state not in (State.TRYING, State.PROCEEDING):
            return []
        deliver = DeliverResponse(self.key, response)
        if not response.is_final:
            self.state = State.PROCEEDING
            return [deliver]
        self._stop("E", "F")
        self.state = State.COMPLETED
        self._set("K", now + self.timers.k(self.hop.reliable))
        return [deliver]

    def transport_failed(self) -> list[Action]:
        """The request cannot be delivered."""
        return self._fail(Failure.TRANSPORT) if self.state in (State.TRYING, State.PROCEEDING) else []

    def _fire(self, timer: TimerName, now: float) -> list[Action]:
        match timer:
            case "E":
                self._interval = (
                    self.timers.t2 if self.state is State.PROCEEDING else min(2 * self._interval, self.timers.t2)
                )
                self._set("E", now + self._interval)
                return [self._send]
            case "F":
                return self._fail(Failure.TIMEOUT)
            case _:
                return self._end()

    def _fail(self, failure: Failure) -> list[Action]:
        return [Failed(self.key, failure), *self._end()]

    def _end(self) -> list[Action]:
        self.state = State.TERMINATED
        self._alarms.clear()
        return [Ended(self.key)]
