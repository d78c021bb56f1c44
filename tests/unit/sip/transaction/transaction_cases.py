"""Messages for transaction tests, and a driver that writes down what a machine or a layer does in simulated time."""

from collections.abc import Iterable
from typing import Protocol

from ringdove.sip.headers import Headers
from ringdove.sip.hop import Hop
from ringdove.sip.message import Message, Request, Response
from ringdove.sip.transaction import (
    AckReceived,
    Action,
    Cancelled,
    DeliverRequest,
    DeliverResponse,
    Ended,
    Failed,
    NoAck,
    Send,
)

UDP = Hop("udp", "192.0.2.2", 5060, "192.0.2.1", 5060)
TCP = Hop("tcp", "192.0.2.2", 5060, "192.0.2.1", 5060)
BRANCH = "z9hG4bK776asdhds"


def request(
    method: str = "INVITE",
    *,
    branch: str = BRANCH,
    to_tag: str = "",
    from_tag: str = "caller",
    cseq: int = 1,
    sent_by: str = "192.0.2.1:5060",
    call_id: str = "a84b4c76e66710",
    via_params: str = "",
    fields: Iterable[tuple[str, str]] = (),
) -> Request:
    """A request as it is on the wire."""
    to = f";tag={to_tag}" if to_tag else ""
    from_ = f";tag={from_tag}" if from_tag else ""
    own_branch = f";branch={branch}" if branch else ""
    headers = [
        ("Via", f"SIP/2.0/UDP {sent_by}{own_branch}{via_params}"),
        ("Max-Forwards", "70"),
        ("From", f"<sip:alice@example.test>{from_}"),
        ("To", f"<sip:bob@example.test>{to}"),
        ("Call-ID", call_id),
        ("CSeq", f"{cseq} {method}"),
        *fields,
    ]
    return Request(method, "sip:bob@192.0.2.2", Headers(headers))


def response(status: int, to: Request | None = None, *, tag: str = "callee") -> Response:
    """A response to a request (an INVITE by default)."""
    return (to or request()).reply(status, to_tag=tag)


def word(message: Message) -> str:
    """A message in a word."""
    return (
        message.method if isinstance(message, Request) else str(message.status if isinstance(message, Response) else 0)
    )


def describe(action: Action) -> str:
    """An action in a few words."""
    match action:
        case Send(message):
            return f"send {word(message)}"
        case Cancelled(_, None):
            return "sender gone"
        case DeliverRequest(_, Request() as request) | Cancelled(_, Request() as request):
            return f"up {request.method}"
        case DeliverResponse(_, response):
            return f"up {response.status}"
        case Failed(_, failure):
            return f"failed {failure.name}"
        case AckReceived():
            return "up ACK"
        case NoAck():
            return "no ACK"
        case Ended():
            return "ended"
    raise AssertionError(action)


class Timed(Protocol):
    """A machine or a layer."""

    @property
    def deadline(self) -> float | None: ...

    def tick(self, now: float) -> list[Action]: ...


class Drive:
    """Runs one machine or layer through simulated time; `log` has (time, words)."""

    def __init__(self, timed: Timed) -> None:
        self.timed = timed
        self.log: list[tuple[float, str]] = []

    def note(self, actions: Iterable[Action], now: float) -> None:
        """Write actions down."""
        self.log += [(round(now, 3), describe(action)) for action in actions]

    def run(self, until: float) -> None:
        """Fire every timer up to a time, each at its own."""
        while (at := self.timed.deadline) is not None and at <= until:
            self.note(self.timed.tick(at), at)

    def times(self, words: str) -> list[float]:
        """When that happened."""
        return [at for at, what in self.log if what == words]
