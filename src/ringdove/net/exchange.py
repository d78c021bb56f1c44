"""One request and its responses, as the rooms above hold them in hand."""

from collections.abc import Callable, Iterable

from ringdove.sip.headers import Headers
from ringdove.sip.hop import Hop
from ringdove.sip.identifiers import new_tag
from ringdove.sip.message import Request, Response
from ringdove.sip.transaction import Failure


class IncomingRequest:
    """A request that wants an answer.

    Set the callbacks of an INVITE before returning to the loop. `on_cancel` gets the CANCEL, which is answered
    already, or None where the connection of the INVITE is gone and with it the way back; it has to answer the INVITE
    (487), which the endpoint does where there is no callback. `on_ack` gets the ACK to our 2xx, once; `on_no_ack` says
    that it did not come for 32 s, or cannot come any more, so the dialog is to be ended by BYE.
    """

    __slots__ = ("_local_tag", "_send", "answered", "on_ack", "on_cancel", "on_no_ack", "request", "source")

    def __init__(self, request: Request, source: Hop, send: Callable[[Response], None]) -> None:
        self.request = request
        self.source = source
        self._local_tag = ""
        self.answered = False
        """Whether a final response was given."""
        self.on_cancel: Callable[[Request | None], None] | None = None
        self.on_ack: Callable[[Request], None] | None = None
        self.on_no_ack: Callable[[], None] | None = None
        self._send = send

    @property
    def local_tag(self) -> str:
        """The tag for the To of every response, added where a response lacks one."""
        if not self._local_tag:
            self._local_tag = new_tag()
        return self._local_tag

    def respond(self, response: Response) -> None:
        """Send any number of provisional responses, then one final; what comes after that is ignored."""
        if self.answered:
            return
        self.answered = response.is_final
        if response.status > 100 and response.to.tag is None:
            response = _with_to_tag(response, self.local_tag)
        self._send(response)

    def reply(self, status: int, reason: str | None = None, *, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Answer with a plain response."""
        response = self.request.reply(status, reason, to_tag=self.local_tag)
        for name, value in headers:
            response.headers.add(name, value)
        self.respond(response)

    def over(self) -> None:
        """Nothing more comes of it: let go of who was to be told, who may hold us in hand and would never be freed."""
        self.on_cancel = self.on_ack = self.on_no_ack = None

    def __repr__(self) -> str:
        return f"<IncomingRequest {self.request.method} from {self.source}>"


class OutgoingRequest:
    """A request of ours; `request` is as it was sent, with its Via, once it is sent."""

    __slots__ = ("_cancel", "answered", "hop", "is_cancelled", "on_failure", "on_response", "otherwise", "request")

    def __init__(
        self,
        request: Request,
        hop: Hop,
        *,
        on_response: Callable[[Response], None],
        on_failure: Callable[[Failure], None],
    ) -> None:
        self.request = request
        self.hop = hop
        self.on_response = on_response
        self.on_failure = on_failure
        self.answered = False
        """Whether it has its final response, or has failed."""
        self.otherwise: Callable[[], None] | None = None
        """What to do where this way leads nowhere and the peer has shown nothing of itself: try another."""
        self.is_cancelled = False
        self._cancel: Callable[[Iterable[tuple[str, str]]], None] | None = None

    def sent(self, request: Request, hop: Hop, cancel: Callable[[Iterable[tuple[str, str]]], None]) -> None:
        """It leaves now, in this form and this way."""
        self.request = request
        self.hop = hop
        self._cancel = cancel

    def cancel(self, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Cancel an INVITE, with more fields such as Reason. Its final response (487, or a late 2xx) still comes.

        The CANCEL goes out at once, or when the far end first shows itself by a provisional response (§9.1); none
        goes out once a final response is there. One that was not sent yet is not sent any more.
        """
        self.is_cancelled = True
        if self._cancel is not None:
            self._cancel(tuple(headers))

    def over(self) -> None:
        """Nothing more comes of it: let go of who was to be told, who may hold us in hand and would never be freed."""
        self.on_response = self.on_failure = _ignore
        self.otherwise = None

    def __repr__(self) -> str:
        return f"<OutgoingRequest {self.request.method} to {self.hop}>"


def _ignore(_: object) -> None:
    pass


def _with_to_tag(response: Response, tag: str) -> Response:
    headers: Headers = response.headers.copy()
    headers.set("To", str(response.to.with_param("tag", tag)))
    return Response(response.status, response.reason, headers, response.body)
