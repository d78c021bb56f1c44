"""Dialogs (RFC 3261 §12): what two user agents share between the requests of a call."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NamedTuple

from .errors import SipSyntaxError
from .headers import Headers, NameAddr
from .identifiers import new_call_id, new_tag
from .message import DEFAULT_MAX_FORWARDS, Request, Response
from .uri import Uri
from .validator import Rejection

Fields = Iterable[tuple[str, str]]

TARGET_REFRESH: Final = frozenset({"INVITE", "NOTIFY", "SUBSCRIBE", "UPDATE"})
"""Methods whose Contact moves the remote target (§12.2, RFC 3311 §5.1, RFC 6665 §3.1, §3.2)."""


class DialogId(NamedTuple):
    """The dialog as this side sees it (§12)."""

    call_id: str
    local_tag: str
    remote_tag: str

    @classmethod
    def of_incoming(cls, request: Request) -> "DialogId":
        """The dialog that a request with a To tag is meant for."""
        return cls(request.call_id, request.to.tag or "", request.from_.tag or "")

    @classmethod
    def of_response(cls, response: Response) -> "DialogId":
        """The dialog that a response to a request of ours belongs to."""
        return cls(response.call_id, response.from_.tag or "", response.to.tag or "")


class DialogState(Enum):
    """§12: early until a 2xx."""

    EARLY = auto()
    CONFIRMED = auto()


@dataclass(slots=True)
class Dialog:
    """One dialog.

    `local` and `remote` are the From and To of what this side sends, tags included; `contact` is our own Contact;
    `remote_target` is where requests are meant for, `route_set` the way there.
    """

    id: DialogId
    local: NameAddr
    remote: NameAddr
    contact: Uri
    remote_target: Uri
    route_set: tuple[NameAddr, ...] = ()
    secure: bool = False
    local_cseq: int = 0
    remote_cseq: int | None = None
    state: DialogState = DialogState.EARLY

    @classmethod
    def as_uas(cls, request: Request, local_tag: str, contact: Uri) -> "Dialog":
        """The dialog that our first response with `local_tag` to a validated INVITE or SUBSCRIBE creates (§12.1.1)."""
        return cls(
            id=DialogId(request.call_id, local_tag, request.from_.tag or ""),
            local=request.to.with_param("tag", local_tag),
            remote=request.from_,
            contact=contact,
            remote_target=_contact_of(request) or request.from_.uri,
            route_set=tuple(request.record_routes),
            secure=request.target.scheme == "sips",
            remote_cseq=request.cseq.number,
        )

    @classmethod
    def as_uac(cls, request: Request, response: Response) -> "Dialog":
        """The dialog that a 101 to 299 with a To tag creates (§12.1.2); confirmed by a 2xx.

        A fork answers with several To tags: each is a dialog of its own.
        """
        return cls(
            id=DialogId.of_response(response),
            local=request.from_,
            remote=response.to,
            contact=_contact_of(request) or request.from_.uri,
            remote_target=_contact_of(response) or request.target,
            route_set=tuple(reversed(response.record_routes)),
            secure=request.target.scheme == "sips",
            local_cseq=request.cseq.number,
            state=DialogState.CONFIRMED if response.is_success else DialogState.EARLY,
        )

    @property
    def next_hop(self) -> Uri:
        """The URI whose host a request is sent to where no flow is known (§8.1.2)."""
        return self.route_set[0].uri if self.route_set else self.remote_target

    # What this side sends

    def request(self, method: str, *, body: bytes = b"", content_type: str = "", headers: Fields = ()) -> Request:
        """The next request in the dialog (§12.2.1.1); Via is the transport's business. Not for ACK and CANCEL."""
        self.local_cseq += 1
        request = self._request(method, self.local_cseq, headers)
        if method in TARGET_REFRESH:
            request.headers.add("Contact", f"<{self.contact!s}>")
        if body:
            request.set_body(content_type, body)
        return request

    def ack(self, cseq: int, *, body: bytes = b"", content_type: str = "", headers: Fields = ()) -> Request:
        """The ACK to a 2xx for the INVITE with that CSeq number (§13.2.2.4).

        Where the INVITE carried credentials, `headers` has to carry the same (§22.1).
        """
        request = self._request("ACK", cseq, headers)
        if body:
            request.set_body(content_type, body)
        return request

    def respond(
        self,
        request: Request,
        status: int,
        reason: str | None = None,
        *,
        body: bytes = b"",
        content_type: str = "",
        headers: Fields = (),
    ) -> Response:
        """A response with our tag and, where it sets up or moves a dialog, Record-Route and Contact (§12.1.1).

        A 2xx to what opens a dialog confirms it.
        """
        response = request.reply(status, reason, to_tag=self.id.local_tag)
        if 100 < status < 300 and request.method in TARGET_REFRESH:
            for route in request.headers.get_all("Record-Route"):
                response.headers.add("Record-Route", route)
            response.headers.add("Contact", f"<{self.contact!s}>")
        for name, value in headers:
            response.headers.add(name, value)
        if body:
            response.set_body(content_type, body)
        if request.method in ("INVITE", "SUBSCRIBE") and response.is_success:
            self.state = DialogState.CONFIRMED
        return response

    # What this side receives

    def accept(self, request: Request) -> Rejection | None:
        """Take in a request of the peer's (§12.2.2), not ACK or CANCEL; the refusal where it comes out of order.

        A Contact in a target refresh, such as a re-INVITE, becomes the remote target.
        """
        number = request.cseq.number
        if self.remote_cseq is not None and number <= self.remote_cseq:
            return Rejection(500, "Request Out Of Order")
        self.remote_cseq = number
        self._refresh(request)
        return None

    def learn(self, response: Response) -> None:
        """Take in a response to a request of ours in this dialog, or a later one to the INVITE that made it.

        The first 2xx to the INVITE confirms an early dialog and settles its route set (§13.2.2.4); a 2xx to a
        target refresh of ours may move the remote target (§12.2.1.2).
        """
        if not response.is_success:
            return
        self._refresh(response)
        if response.cseq.method == "INVITE" and self.state is DialogState.EARLY:
            self.route_set = tuple(reversed(response.record_routes))
            self.remote = response.to
            self.state = DialogState.CONFIRMED

    @staticmethod
    def is_lost(status: int) -> bool:
        """Whether a final status for a request in a dialog says that the peer has lost it (§12.2.1.2, RFC 5057)."""
        return status in (408, 481)

    def _request(self, method: str, cseq: int, headers: Fields) -> Request:
        target, routes = self.remote_target, self.route_set
        if routes and not routes[0].uri.is_loose_router:
            # §12.2.1.1: a strict router takes the Request-URI for its own, so the target waits at the end.
            target = routes[0].uri
            routes = (*routes[1:], NameAddr(self.remote_target))
        fields = _headers(
            DEFAULT_MAX_FORWARDS, str(self.local), str(self.remote), self.id.call_id, f"{cseq} {method}", headers
        )
        _route(fields, map(str, routes))
        return Request(method, target.without_headers().without_params("method"), fields)  # §19.1.1: no `method` in it

    def _refresh(self, message: Request | Response) -> None:
        if message.cseq.method in TARGET_REFRESH:
            self.remote_target = _contact_of(message) or self.remote_target


def new_request(
    method: str,
    target: Uri,
    *,
    from_: NameAddr,
    to: NameAddr | None = None,
    contact: Uri | None = None,
    call_id: str | None = None,
    cseq: int = 1,
    routes: Iterable[str] = (),
    max_forwards: int = DEFAULT_MAX_FORWARDS,
    body: bytes = b"",
    content_type: str = "",
    headers: Fields = (),
) -> Request:
    """A request outside dialogs (§8.1.1). `from_` gets a tag where it has none; `to` is the target by default.

    `routes` are Route values in order, such as the Path of a binding; their first is taken for a loose router.
    """
    if contact is not None:
        headers = [("Contact", f"<{contact!s}>"), *headers]
    if not from_.tag:
        from_ = from_.with_param("tag", new_tag())
    if to is None:
        to = NameAddr(target.without_headers().without_params("transport", "method"))
    fields = _headers(max_forwards, str(from_), str(to), call_id or new_call_id(), f"{cseq} {method}", headers)
    _route(fields, routes)
    request = Request(method, target, fields)
    if body:
        request.set_body(content_type, body)
    return request


class Fork:
    """Requests that set up one call with many phones: what they have in common is written once, then copied.

    `from_` comes without a tag, each request gets its own; `headers` follow the Contact. Make one per call and Contact,
    and `request` for each phone: it costs a third of `new_request`.
    """

    __slots__ = ("_common", "_from", "_method")

    def __init__(self, method: str, *, from_: NameAddr, contact: Uri, max_forwards: int, headers: Fields = ()) -> None:
        self._method = method
        self._from = str(from_)
        headers = [("Contact", f"<{contact!s}>"), *headers]
        self._common = _headers(max_forwards, "", "", "", f"1 {method}", headers)

    def request(self, target: Uri, to: Uri, *, routes: Iterable[str] = ()) -> Request:
        """The request to one phone, less Via and body; `routes` are Route values in order, as in a binding's Path."""
        headers = self._common.copy()
        headers.first |= {"From": f"{self._from};tag={new_tag()}", "To": f"<{to!s}>", "Call-ID": new_call_id()}
        _route(headers, routes)
        return Request(self._method, target, headers)


def _headers(max_forwards: int, from_: str, to: str, call_id: str, cseq: str, more: Fields) -> Headers:
    """What every request has (§8.1.1), less its Via, and more."""
    headers = Headers.of_single(
        {"Max-Forwards": str(max_forwards), "From": from_, "To": to, "Call-ID": call_id, "CSeq": cseq}
    )
    for name, value in more:
        headers.add(name, value)
    return headers


def _route(headers: Headers, routes: Iterable[str]) -> None:
    for route in reversed([*routes]):
        headers.prepend("Route", route)


def _contact_of(message: Request | Response) -> Uri | None:
    """Whom it says to send to; in a response, what nobody can send to is as if there was none."""
    try:
        contacts = message.contacts
    except SipSyntaxError:
        return None
    return contacts[0].uri if contacts and contacts[0].uri.is_sip else None
