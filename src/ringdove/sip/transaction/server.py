"""Non-INVITE server transaction (RFC 3261 §17.2.2)."""

from enum import Enum, auto
from typing import Any

from ..hop import Hop
from ..message import Request, Response
from .actions import Action, DeliverRequest, Ended
from .keys import MergeKey, ServerKey
from .machine import Machine, Said
from .routing import ReplyPath
from .schedule import Schedule
from .timers import Timers


class State(Enum):
    """As in figure 8."""

    TRYING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    TERMINATED = auto()


class Server(Machine):
    """One request of somebody's that is neither INVITE nor ACK.

    A response that cannot be sent changes nothing: the state stays to absorb retransmissions (RFC 6026 §7.1).
    """

    __slots__ = ("_last", "_path", "key", "merge", "request", "source", "state")

    def __init__(self, key: ServerKey, request: Request, source: Hop, timers: Timers, schedule: Schedule[Any]) -> None:
        super().__init__(timers, schedule)
        self.key = key
        self.request: Request | None = request
        """None when it is answered."""
        self.source = source
        self.merge: MergeKey | None = None
        """What a copy of the request would be known by, where the layer looks out for one."""
        self.state = State.TRYING
        self._path = ReplyPath.of(request, source)
        self._last: Said | None = None

    def start(self, now: float) -> list[Action]:
        """Hand the request up."""
        return [] if self.request is None else [DeliverRequest(self.key, self.request, self.source)]

    def receive(self, now: float) -> list[Action]:
        """The request once more: it gets the latest response, if there is one."""
        return [] if self._last is None else [self._last.again()]

    def respond(self, response: Response, now: float) -> list[Action]:
        """Send a provisional response or the final one; nothing after that."""
        if self.state not in (State.TRYING, State.PROCEEDING):
            return []
        send = self._path.send(response)
        self._last = Said.of(send)
        if not response.is_final:
            self.state = State.PROCEEDING
            return [send]
        self.state = State.COMPLETED
        self.request = None  # the transaction outlives the call that it belongs to
        self._set_over(self.timers.j(self.source.reliable), now)
        return [send]

    def _time_is_over(self, now: float) -> list[Action]:
        return self._end()

    def _end(self) -> list[Action]:
        self.state = State.TERMINATED
        self.is_over = True
        return [Ended(self.key)]
