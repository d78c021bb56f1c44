"""Whether a message can be worked with, and what to answer where it cannot (RFC 3261 §8.2, §16.3).

What passes here can be read through every property of `Message` without an error. What a request *means* is not
judged: unknown methods, Max-Forwards 0, a missing Contact (legal in RFC 2543) and REGISTER's own rules belong to those
who handle them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .errors import SipSyntaxError
from .grammar import parse_params, split_list
from .headers import Headers, NameAddr, Via
from .message import Message, Request, Response

SUPPORTED: Final = frozenset({"path", "timer"})
"""Option tags that a request may Require (RFC 3327, RFC 4028)."""

SESSION_BODY: Final = "application/sdp"

_SINGLE = frozenset(
    [
        *("Call-ID", "Content-Length", "Content-Type", "CSeq", "Date", "Expires"),
        *("From", "Max-Forwards", "Min-SE", "Session-Expires", "To"),
    ]
)
_TARGET_METHODS = frozenset({"INVITE", "NOTIFY", "REFER", "SUBSCRIBE", "UPDATE"})
"""Whose Contact becomes a dialog's remote target (§12.2)."""

_NUMBER = re.compile(r"[0-9]{1,10}\Z")
_INTERVAL = re.compile(r"[0-9]{1,9}\s*(?:;.*)?\Z", re.DOTALL)
_MEDIA_TYPE = re.compile(r"[\w\-.!%*+`'~]+\s*/\s*[\w\-.!%*+`'~]+\s*(?:;.*)?\Z", re.ASCII | re.DOTALL)
_VERSION = re.compile(r"SIP/[0-9]+\.[0-9]+\Z")
_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} "
    r"[0-9]{2}:[0-9]{2}:[0-9]{2} GMT\Z"
)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a request is refused: what to answer, and the fields that the answer carries besides those it copies.

    Where it is not `answerable` (an ACK, or no Via that says where to) the request is dropped. The answer is
    best sent without a transaction, for which the request may lack what it needs.
    """

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = ()
    answerable: bool = True

    def response(self, request: Request, to_tag: str) -> Response:
        """The answer (§8.2.6)."""
        response = request.reply(self.status, self.reason, to_tag=to_tag)
        for name, value in self.headers:
            response.headers.add(name, value)
        return response


def check_request(request: Request) -> Rejection | None:
    """What is wrong with a request as a whole; None where it may be handed on.

    Of a malformed topmost Via an answerable request keeps what can be read (`Message.mend_via`).
    """
    try:
        _ = request.via
    except SipSyntaxError as error:
        rejection: Rejection | None = Rejection(400, f"Bad Request ({error})", answerable=request.mend_via())
    else:
        rejection = _check(request)
    if rejection is not None and request.method == "ACK":
        return Rejection(rejection.status, rejection.reason, answerable=False)  # §17: nothing answers an ACK
    return rejection


def _check(request: Request) -> Rejection | None:
    try:
        rejection = _check_start_line(request)
        if rejection is None:
            _check_fields(request)
            rejection = _check_demands(request)
    except SipSyntaxError as error:
        return Rejection(400, f"Bad Request ({error})")
    return rejection


def check_response(response: Response) -> str | None:
    """Why a response is to be dropped (§8.1.3.3, §18.1.2); None where it may be handed on.

    Its Contact is not looked at: a 2xx has to be acknowledged whatever it says there.
    """
    if not 100 <= response.status <= 699:
        return "status: not in 100 to 699"
    try:
        _check_common(response)
        if _further_vias(response.headers):
            return "Via: more than ours"
    except SipSyntaxError as error:
        return str(error)
    return None


def _check_start_line(request: Request) -> Rejection | None:
    if request.version != "SIP/2.0":
        if _VERSION.match(request.version):
            return Rejection(505, "Version Not Supported")
        raise SipSyntaxError("start line", "space after the version")
    try:
        target = request.target
    except SipSyntaxError as error:
        raise SipSyntaxError("Request-URI", error.reason) from None
    if not target.is_sip:
        return Rejection(416, "Unsupported URI Scheme")
    if target.headers:
        raise SipSyntaxError("Request-URI", "header fields in it")  # §19.1.1 allows them elsewhere only
    return None


def _check_fields(request: Request) -> None:
    _check_common(request)
    if request.cseq.method != request.method:
        raise SipSyntaxError("CSeq", "another method than the request's")
    first = request.headers.first
    forwards = first.get("Max-Forwards")
    if forwards is not None and not (_NUMBER.match(forwards) and int(forwards) <= 255):
        raise SipSyntaxError("Max-Forwards", "not in 0 to 255")
    for name in ("Session-Expires", "Min-SE"):
        value = first.get(name)
        if value is not None:
            if not _INTERVAL.match(value):
                raise SipSyntaxError(name, "not a number of seconds")
            parse_params(value.partition(";")[2], name)
    date = first.get("Date")
    if date is not None and not _DATE.match(date):
        raise SipSyntaxError("Date", "not an RFC 1123 date in GMT")


def _check_common(message: Message) -> None:
    """Raise SipSyntaxError for what requests and responses share."""
    headers = message.headers
    first = headers.first
    for name in headers.more:
        if name in _SINGLE:
            raise SipSyntaxError(name, "stands more than once")
    message.read()  # reading is checking
    for value in _further_vias(headers):
        Via.parse(value)
    if "Contact" in first and isinstance(message, Request):
        _check_contacts(message)
    for name in ("Route", "Record-Route", "Path"):
        if name in first:
            for value in headers.values(name):
                if not NameAddr.parse(value, name).uri.is_sip:
                    raise SipSyntaxError(name, "not a SIP URI")
    _check_body(message, first)


def _further_vias(headers: Headers) -> list[str]:
    if "Via" in headers.more or "," in headers.first["Via"]:
        return headers.values("Via")[1:]
    return []


def _check_contacts(request: Request) -> None:
    contacts = request.contacts
    if request.cseq.method in _TARGET_METHODS:
        if len(contacts) != 1:
            raise SipSyntaxError("Contact", "not exactly one")
        if not contacts[0].uri.is_sip:
            raise SipSyntaxError("Contact", "not a SIP URI")


def _check_body(message: Message, first: Mapping[str, str]) -> None:
    length = first.get("Content-Length")
    if length is not None and length != str(len(message.body)):
        if not _NUMBER.match(length):
            raise SipSyntaxError("Content-Length", "not a number")
        if int(length) != len(message.body):
            raise SipSyntaxError("Content-Length", "more than there is")
    kind = first.get("Content-Type")
    if kind is not None and kind != SESSION_BODY and not _MEDIA_TYPE.match(kind):
        raise SipSyntaxError("Content-Type", "not a media type")
    if kind is None and message.body:
        raise SipSyntaxError("Content-Type", "is missing")


def _check_demands(request: Request) -> Rejection | None:
    """What the sender insists on (§8.2.2.3, §8.2.3)."""
    headers = request.headers
    first = headers.first
    if "Require" in first and request.method not in ("ACK", "CANCEL"):
        unknown = [option for option in headers.values("Require") if option.lower() not in SUPPORTED]
        if unknown:
            return Rejection(420, "Bad Extension", (("Unsupported", ", ".join(unknown)),))
    if request.method not in ("INVITE", "UPDATE"):
        return None
    is_plain = request.content_type == SESSION_BODY and "Content-Encoding" not in first
    if request.body and not is_plain and not _may_be_ignored(headers):
        if request.content_type != SESSION_BODY:
            return Rejection(415, "Unsupported Media Type", (("Accept", SESSION_BODY),))
        if headers.tokens("Content-Encoding") - {"identity"}:
            return Rejection(415, "Unsupported Media Type", (("Accept-Encoding", "identity"),))
    if "Accept" in first and not _takes_session_body(headers):
        return Rejection(406, "Not Acceptable")
    return None


def _may_be_ignored(headers: Headers) -> bool:
    """Whether the body came with handling=optional (§20.11)."""
    params = split_list(headers.get("Content-Disposition") or "", ";")[1:]
    return any(param.replace(" ", "").lower() == "handling=optional" for param in params)


def _takes_session_body(headers: Headers) -> bool:
    kinds = {kind.partition(";")[0].replace(" ", "").lower() for kind in headers.values("Accept")}
    return bool(kinds & {SESSION_BODY, "application/*", "*/*"})
