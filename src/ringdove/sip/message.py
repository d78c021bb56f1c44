"""Requests and responses (RFC 3261 §7). Structured header fields are read when they are first asked for."""

import re
from typing import Final

from .errors import SipSyntaxError
from .headers import CSeq, Headers, NameAddr, Via
from .uri import Uri, format_params

REASONS: Final[dict[int, str]] = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    439: "First Hop Lacks Outbound Support",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    493: "Undecipherable",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
}
"""Default reason phrases (§21)."""

DEFAULT_MAX_FORWARDS: Final = 70

_REQUIRED: Final = ("Via", "From", "To", "Call-ID", "CSeq")
_COPIED_BY_TRYING: Final = (*_REQUIRED, "Timestamp")
"""What every message has (§8.1.1, less Max-Forwards), and what a 100 takes from its request beyond that (§8.2.6)."""

_CALL_ID = re.compile(r"[!-~]+\Z")

METHODS: Final = frozenset(
    [
        *("ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS"),
        *("PRACK", "PUBLISH", "REFER", "REGISTER", "SUBSCRIBE", "UPDATE"),
    ]
)
"""The methods that there are in SIP (RFC 3261 and its extensions)."""


def refusal_of(method: str) -> int:
    """The status for a method that is not served: 405 for one of SIP's, 501 for one that is not known (§21.5.2)."""
    return 405 if method in METHODS else 501


class Message:
    """What requests and responses share.

    Structured fields (`via`, `to`, …) are read once: whoever changes a header in place must do so before reading it.
    They raise SipSyntaxError where the field is absent or malformed; the validator has all of them read (`read`).
    """

    __slots__ = ("_cseq", "_from", "_to", "_via", "body", "headers")

    headers: Headers
    body: bytes
    _via: Via | None
    _from: NameAddr | None
    _to: NameAddr | None
    _cseq: CSeq | None

    def read(self) -> None:
        """Read what every message has; raises SipSyntaxError."""
        first = self.headers.first
        for name in _REQUIRED:
            if name not in first:
                raise SipSyntaxError(name, "is missing")
        if not _CALL_ID.match(first["Call-ID"]):
            raise SipSyntaxError("Call-ID", "not a word")
        if self._via is None:
            self._via = Via.parse(self._top_via())
        self._from = NameAddr.parse(first["From"], "From")
        self._to = NameAddr.parse(first["To"], "To")
        self._cseq = CSeq.parse(first["CSeq"])

    def _required(self, name: str) -> str:
        value = self.headers.first.get(name)
        if value is None:
            raise SipSyntaxError(name, "is missing")
        return value

    def _top_via(self) -> str:
        top = self._required("Via")
        if top and "," not in top:
            return top
        values = self.headers.values("Via")
        if not values:
            raise SipSyntaxError("Via", "is missing")
        return values[0]

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        return self._required("Call-ID")

    @property
    def cseq(self) -> CSeq:
        """The CSeq."""
        if self._cseq is None:
            self._cseq = CSeq.parse(self._required("CSeq"))
        return self._cseq

    @property
    def from_(self) -> NameAddr:
        """The From."""
        if self._from is None:
            self._from = NameAddr.parse(self._required("From"), "From")
        return self._from

    @property
    def to(self) -> NameAddr:
        """The To."""
        if self._to is None:
            self._to = NameAddr.parse(self._required("To"), "To")
        return self._to

    @property
    def via(self) -> Via:
        """The topmost Via."""
        if self._via is None:
            self._via = Via.parse(self._top_via())
        return self._via

    @property
    def vias(self) -> list[Via]:
        """Every Via, topmost first."""
        return [Via.parse(value) for value in self.headers.values("Via")]

    def push_via(self, via: Via) -> None:
        """Put a Via before all others."""
        self.headers.prepend("Via", str(via))
        self._via = via

    def replace_top_via(self, via: Via) -> None:
        """Write a changed topmost Via back (received, rport: §18.2.1, RFC 3581 §4)."""
        if "," in self.headers.first.get("Via", ""):
            self.headers.set_all("Via", [str(via), *self.headers.values("Via")[1:]])
        else:
            self.headers.first["Via"] = str(via)
        self._via = via

    def mend_via(self) -> bool:
        """Make do with what can be read of each Via; False where the topmost does not say where an answer goes."""
        vias: list[Via] = []
        for value in self.headers.values("Via"):
            try:
                vias.append(Via.mend(value))
            except SipSyntaxError:
                if not vias:
                    return False
        if not vias:
            return False
        self.headers.set_all("Via", [str(via) for via in vias])
        self._via = vias[0]
        return True

    @property
    def contacts(self) -> list[NameAddr]:
        """Every Contact except `*`."""
        return [NameAddr.parse(v, "Contact") for v in self.headers.values("Contact") if v != "*"]

    @property
    def routes(self) -> list[NameAddr]:
        """Every Route, topmost first."""
        return [NameAddr.parse(v, "Route") for v in self.headers.values("Route")]

    @property
    def record_routes(self) -> list[NameAddr]:
        """Every Record-Route, topmost first."""
        return [NameAddr.parse(v, "Record-Route") for v in self.headers.values("Record-Route")]

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case; "" where there is none."""
        return self.headers.first.get("Content-Type", "").partition(";")[0].strip().lower()

    def set_body(self, content_type: str, body: bytes) -> None:
        """Give the message a body."""
        self.headers.first["Content-Type"] = content_type
        self.body = body

    def _start_line(self) -> str:
        raise NotImplementedError

    def to_bytes(self) -> bytes:
        """The message as it goes on the wire; Content-Length is always written anew and last (§20.14)."""
        fields = [f"{name}: {value}\r\n" for name, value in self.headers if name != "Content-Length"]
        head = f"{self._start_line()}\r\n{''.join(fields)}Content-Length: {len(self.body)}\r\n\r\n"
        return head.encode("utf-8", "replace") + self.body


class Request(Message):
    """A request (§7.1). `uri` is text as received or as to be sent; `target` reads it.

    Header fields in a URI that is given as such, as a Contact may have them, are left out (§19.1.1).
    """

    __slots__ = ("method", "uri", "version")

    def __init__(
        self,
        method: str,
        uri: str | Uri,
        headers: Headers | None = None,
        body: bytes = b"",
        version: str = "SIP/2.0",
    ) -> None:
        self.headers = headers if headers is not None else Headers()
        self.body = body
        self._via = self._from = self._to = self._cseq = None
        self.method = method
        self.uri = uri if isinstance(uri, str) else str(uri.without_headers())
        self.version = version

    def copy(self) -> "Request":
        """An independent request that says the same; what was read of it is not read again."""
        copy = Request(self.method, self.uri, self.headers.copy(), self.body, self.version)
        copy._via, copy._from, copy._to, copy._cseq = self._via, self._from, self._to, self._cseq
        return copy

    @property
    def target(self) -> Uri:
        """The Request-URI, read; raises SipSyntaxError."""
        return Uri.parse(self.uri)

    @property
    def max_forwards(self) -> int:
        """How many more hops the request may take; 70 where an RFC 2543 client did not say (§20.22)."""
        value = self.headers.get("Max-Forwards")
        return int(value) if value is not None else DEFAULT_MAX_FORWARDS

    def reply(self, status: int, reason: str | None = None, *, to_tag: str | None = None) -> "Response":
        """A response to this request with the fields that §8.2.6.2 copies, malformed ones as they came.

        `to_tag` is added where the To has none; 100 never carries one (§8.2.6.1 leaves it optional).
        """
        copied = _COPIED_BY_TRYING if status == 100 else _REQUIRED
        first, more = self.headers.first, self.headers.more
        headers = Headers.of_single({name: first[name] for name in copied if name in first})
        if more:
            headers.more = {name: values for name, values in more.items() if name in copied}
        if to_tag is not None and status > 100 and "To" in first:
            headers.first["To"] = _with_tag(first["To"], to_tag)
        return Response(status, reason, headers)

    def _start_line(self) -> str:
        return f"{self.method} {self.uri} {self.version}"

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.uri}>"


class Response(Message):
    """A response (§7.2)."""

    __slots__ = ("reason", "status")

    def __init__(
        self, status: int, reason: str | None = None, headers: Headers | None = None, body: bytes = b""
    ) -> None:
        self.headers = headers if headers is not None else Headers()
        self.body = body
        self._via = self._from = self._to = self._cseq = None
        self.status = status
        self.reason = REASONS.get(status, "") if reason is None else reason

    @property
    def is_final(self) -> bool:
        """Whether it ends the transaction's waiting: 200 to 699."""
        return self.status >= 200

    @property
    def is_success(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300

    def _start_line(self) -> str:
        return f"SIP/2.0 {self.status} {self.reason}"

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason}>"


def _with_tag(to: str, tag: str) -> str:
    try:
        address = NameAddr.parse(to, "To")
    except SipSyntaxError:
        return to
    if address.tag is not None:
        return to
    return f"{to};tag={tag}" if ">" in to else f"<{address.uri}>{format_params(address.params)};tag={tag}"
