"""INVITE server transaction (RFC 3261 §17.2.1, RFC 6026 §8.5), and the retransmission of 2xx (§13.3.1.4).

Repeating the 2xx is the work of the UAS core, but it lasts exactly as long as the Accepted state: both have one home.
"""

from enum import Enum, auto
from typing import Any

from ..hop import Hop
from ..message import Request, Response
from .actions import AckReceived, Action, Cancelled, DeliverRequest, Ended, NoAck, Send
from .keys import DialogTransaction, MergeKey, ServerKey, dialog_transaction
from .machine import NEVER, Machine, Said
from .routing import ReplyPath
from .schedule import Schedule
from .timers import Timers


class State(Enum):
    """As in RFC 6026 figure 7; ACKNOWLEDGED is an Accepted whose ACK has come."""

    PROCEEDING = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    ACCEPTED = auto()
    ACKNOWLEDGED = auto()
    TERMINATED = auto()


class InviteServer(Machine):
    """One INVITE of somebody's.

    A datagram that cannot be sent changes nothing: the state stays to absorb retransmissions (RFC 6026 §7.1), and an
    ICMP error says little about where the peer will be when the call is answered. A connection that is gone does: what
    was said last is said over the way in the Via, and where there is none, nobody is left to be answered.
    """

    __slots__ = ("_interval", "_last", "_path", "answer", "key", "merge", "request", "source", "state", "to_tag")

    def __init__(self, key: ServerKey, request: Request, source: Hop, timers: Timers, schedule: Schedule[Any]) -> None:
        super().__init__(timers, schedule)
        self.key = key
        self.request: Request | None = request
        """None when something was said to it."""
        self.source = source
        self.merge: MergeKey | None = None
        """What a copy of the request would be known by, where the layer looks out for one."""
        self.state = State.PROCEEDING
        self.to_tag: str | None = None
        """The tag of the responses sent so far."""
        self.answer: DialogTransaction | None = None
        """How the ACK to our 2xx will name it."""
        self._path = ReplyPath.of(request, source)
        self._last: Said | None = None
        self._interval = timers.t1

    def start(self, now: float) -> list[Action]:
        """Hand the INVITE up; 100 follows by itself where nothing else is said soon."""
        self._set_again(self.timers.trying, now)
        return [] if self.request is None else [DeliverRequest(self.key, self.request, self.source)]

    def receive(self, now: float) -> list[Action]:
        """The INVITE once more."""
        match self.state:
            case State.PROCEEDING if self._last is None:
                return self._trying()
            case State.PROCEEDING | State.COMPLETED if self._last is not None:
                return [self._last.again()]
        return []

    def respond(self, response: Response, now: float) -> list[Action]:
        """Send a provisional response or the final one; nothing after that."""
        if self.state is not State.PROCEEDING:
            return []
        self.again_at = NEVER
        send = self._say(response)
        self.to_tag = response.to.tag or self.to_tag
        if not response.is_final:
            return [send]
        if response.is_success:
            self.state = State.ACCEPTED
            self.answer = dialog_transaction(response)
            self._set_again(self._interval, now)  # over TCP too: hops beyond the next may lose it
        else:
            self.state = State.COMPLETED
            if not self.source.reliable:
                self._set_again(self._interval, now)  # G
        self._set_over(self.timers.timeout, now)  # L, H
        return [send]

    def acknowledge(self, ack: Request, now: float) -> list[Action]:
        """An ACK to our final response."""
        match self.state:
            case State.COMPLETED:
                self.again_at = NEVER
                self.state = State.CONFIRMED
                self._set_over(self.timers.i(self.source.reliable), now)
            case State.ACCEPTED:
                self.again_at = NEVER
                self.state = State.ACKNOWLEDGED
                return [AckReceived(self.key, ack)]
        return []

    def cancel(self, cancel: Request) -> list[Action]:
        """A CANCEL for it; it comes too late for an INVITE that has its final response (§9.2)."""
        return [Cancelled(self.key, cancel)] if self.state is State.PROCEEDING else []

    @property
    def far_end(self) -> tuple[str, str, int]:
        """Where its responses go, as `Hop.remote`."""
        return self._path.hop.remote

    def transport_failed(self) -> list[Action]:
        """The stream to `far_end` is closed, or could not be opened."""
        if self.state not in (State.PROCEEDING, State.ACCEPTED):
            return []
        if self._path.otherwise is not None:
            self._path = ReplyPath(self._path.otherwise)  # §18.2.2
            if self._last is None:
                return self._trying()
            self._last = Said(self._last.data, self._path.hop)
            return [self._last.again()]
        if self.state is State.PROCEEDING:
            return [Cancelled(self.key, None)]
        return [NoAck(self.key), *self._end()]

    def _trying(self) -> list[Action]:
        self.again_at = NEVER
        return [] if self.request is None else [self._say(self.request.reply(100))]

    def _say(self, response: Response) -> Send:
        """Send a response; it is kept for whoever asks again, instead of the request."""
        send = self._path.send(response)
        self._last, self.request = Said.of(send), None
        return send

    def _again(self, now: float) -> list[Action]:
        if self.state is State.PROCEEDING:
            return self._trying()
        self._interval = min(2 * self._interval, self.timers.t2)
        self._set_again(self._interval, now)
        return [] if self._last is None else [self._last.again()]

    def _time_is_over(self, now: float) -> list[Action]:
        return [NoAck(self.key), *self._end()] if self.state is State.ACCEPTED else self._end()

    def _end(self) -> list[Action]:
        self.state = State.TERMINATED
        self.is_over = True
        self._stop()
        return [Ended(self.key)]
