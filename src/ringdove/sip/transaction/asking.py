"""What both machines for requests of ours share: the request, sending it again, and how it ends without an answer."""

from typing import Any

from ..hop import Hop
from ..message import Request
from .actions import Action, Ended, Failed, Failure, Send
from .keys import ClientKey
from .machine import Machine
from .schedule import Schedule
from .timers import Timers


class Asking(Machine):
    """One request of ours."""

    __slots__ = ("_interval", "_send", "hop", "key", "request", "sent_by")

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
        """None when it has its final response."""
        via = request.via
        self.sent_by = via.host, via.port
        self.hop = hop
        self._send: Send | None = Send(request, request.to_bytes() if data is None else data, hop)
        self._interval = timers.t1

    def start(self, now: float) -> list[Action]:
        """Send the request."""
        if not self.hop.reliable:
            self._set_again(self._interval, now)  # A, E
        self._set_over(self.timers.timeout, now)  # B, F
        return self._sends()

    def _sends(self) -> list[Action]:
        return [] if self._send is None else [self._send]

    def _fail(self, failure: Failure) -> list[Action]:
        return [Failed(self.key, failure), *self._end()]

    def _end(self) -> list[Action]:
        self.is_over = True
        self._stop()
        return [Ended(self.key)]
