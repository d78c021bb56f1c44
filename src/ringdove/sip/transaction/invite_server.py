"""INVITE server transaction (RFC 3261 §17.2.1, RFC 6026 §8.5), and the retransmission of 2xx (§13.3.1.4).

Repeating the 2xx is the work of the UAS core, but it lasts exactly as long as the Accepted state: both have one home.
"""

from dataclasses import replace
from enum import Enum, auto

from ..hop import Hop
from ..message import Request, Response
from .actions import AckReceived, Action, Cancelled, DeliverRequest, Ended, NoAck, Send
from .keys import DialogTransaction, ServerKey, dialog_transaction
from .machine import Machine, TimerName
from .routing import ReplyPath
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

    __slots__ = ("_interval", "_last", "_path", "answer", "key", "request", "source", "state", "to_tag")

    def __init__(self, key: ServerKey, request: Request, source: Hop, timers: Timers) -> None:
        super().__init__(timers)
        self.key = key
        self.request = request
        self.source = source
        self.state = State.PROCEEDING
        self.to_tag: str | None = None
        """The tag of the responses sent so far."""
        self.answer: DialogTransaction | None = None
        """How the ACK to our 2xx will name it."""
        self._path = ReplyPath.of(request, source)
        self._last: Send | None = None
        self._interval = timers.t1

    @property
    def is_over(self) -> bool:
        """Whether the layer can forget it."""
        return self.state is State.TERMINATED

    def start(self, now: float) -> list[Action]:
        """Hand the INVITE up; 100 follows by itself where nothing else is said soon."""
        self._set("trying", now + self.timers.trying)
        return [DeliverRequest(self.key, self.request, self.source)]

    def receive(self, now: float) -> list[Action]:
        """The INVITE once more."""
        match self.state:
            case State.PROCEEDING if self._last is None:
                return self._trying()
            case State.PROCEEDING | State.COMPLETED if self._last is not None:
                return [self._last]
        return []

    def respond(self, response: Response, now: float) -> list[Action]:
        """Send a provisional response or the final one; nothing after that."""
        if self.state is not State.PROCEEDING:
            return []
        self._stop("trying")
        self._last = self._path.send(response)
        self.to_tag = response.to.tag or self.to_tag
        if not response.is_final:
            return [self._last]
        if response.is_success:
            self.state = State.ACCEPTED
            self.answer = dialog_transaction(response)
            self._set("2xx", now + self._interval)  # over TCP too: hops beyond the next may lose it
            self._set("L", now + self.timers.timeout)
        else:
            self.state = State.COMPLETED
            if not self.source.reliable:
                self._set("G", now + self._interval)
            self._set("H", now + self.timers.timeout)
        return [self._last]

    def acknowledge(self, ack: Request, now: float) -> list[Action]:
        """An ACK to our final response."""
        match self.state:
            case State.COMPLETED:
                self._stop("G", "H")
                self.state = State.CONFIRMED
                self._set("I", now + self.timers.i(self.source.reliable))
            case State.ACCEPTED:
                self._stop("2xx")
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
            self._last = replace(self._last, hop=self._path.hop, otherwise=None)
            return [self._last]
        if self.state is State.PROCEEDING:
            return [Cancelled(self.key, None)]
        return [NoAck(self.key), *self._end()]

    def _trying(self) -> list[Action]:
        self._stop("trying")
        self._last = self._path.send(self.request.reply(100))
        return [self._last]

    def _fire(self, timer: TimerName, now: float) -> list[Action]:
        match timer:
            case "trying":
                return self._trying()
            case "G" | "2xx":
                self._interval = min(2 * self._interval, self.timers.t2)
                self._set(timer, now + self._interval)
                return [] if self._last is None else [self._last]
            case "L" if self.state is State.ACCEPTED:
                return [NoAck(self.key), *self._end()]
            case _:
                return self._end()

    def _end(self) -> list[Action]:
        self.state = State.TERMINATED
        self._alarms.clear()
        return [Ended(self.key)]
