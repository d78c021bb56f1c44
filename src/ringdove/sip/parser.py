"""From octets to messages (RFC 3261 §7, §18.3): whole datagrams, and streams that have to be framed.

Only the start line and the field lines are read here. What the fields say is the validator's business, so that a
request with a bad one can still be answered.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .errors import SipSyntaxError, TooLong
from .grammar import TOKEN
from .headers import KNOWN, Headers, canonical
from .memo import remembered
from .message import Request, Response
from .salvage import MOST, salvage

CRLF = b"\r\n"
END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a message may cost us. `head`, `line` and `body` are octets, `fields` is a count."""

    head: int = 32_768
    line: int = 8_192
    fields: int = 256
    body: int = 65_536


class NoMessage(SipSyntaxError):
    """Octets that are no message; `request` is what could be read of one that can be answered, by `status`.

    `before` is what came before them, complete, and was not returned yet.
    """

    def __init__(self, fault: SipSyntaxError, octets: bytes, before: Iterable["Item"] = ()) -> None:
        super().__init__(fault.field, fault.reason)
        self.status = 513 if isinstance(fault, TooLong) else 400
        self.request = salvage(octets)
        self.before = tuple(before)


@dataclass(frozen=True, slots=True)
class Ping:
    """The keep-alive of RFC 5626 §4.4.1, a double CRLF on a stream; it is answered by a single one."""


Item = Request | Response | Ping
"""What a stream consists of."""


DEFAULT_LIMITS: Final = Limits()
PING: Final = Ping()

_VERSION = re.compile(r"SIP/[0-9]+\.[0-9]+\Z", re.IGNORECASE)
_STATUS_LINE = re.compile(r"SIP/2\.0 ([0-9]{3,10})(?: (.*))?\Z", re.IGNORECASE | re.DOTALL)
_LENGTH = re.compile(r"[0-9]{1,9}\Z")


def parse(datagram: bytes, limits: Limits = DEFAULT_LIMITS) -> Request | Response:
    """Read the message in a datagram; raises NoMessage.

    The body is what Content-Length says of the rest (§18.3), or all of it where it says nothing readable: a body that
    is too short, or a length that is no number, is for the validator to refuse. The empty line may be missing after
    a complete last field.
    """
    data = datagram.lstrip(CRLF)  # §7.5
    try:
        end = data.find(END_OF_HEAD)
        if end < 0:
            if not data.endswith(CRLF):
                raise SipSyntaxError("message", "no end of the header")
            end = len(data) - 2
        message, length = _read_head(data[:end], limits)
        body = data[end + 4 :]
        message.body = body if length is None else body[:length]
        if len(message.body) > limits.body:
            raise TooLong("message", "body too long")
    except SipSyntaxError as fault:
        raise NoMessage(fault, datagram) from None
    return message


class StreamParser:
    """Takes a stream apart into messages by their Content-Length (§18.3)."""

    __slots__ = ("_buffer", "_limits", "_pending", "_searched")

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._searched = 0
        self._pending: tuple[Request | Response, int] | None = None

    @property
    def is_in_message(self) -> bool:
        """Whether a message has begun that is not complete."""
        return self._pending is not None or not END_OF_HEAD.startswith(self._buffer)

    def feed(self, data: bytes) -> list[Item]:
        """What became complete with `data`, in order.

        Raises NoMessage where the stream cannot be framed any more (no or several Content-Lengths, no SIP at
        all, more than the limits); nothing can be read after that and the connection is to be closed.
        """
        self._buffer += data
        found: list[Item] = []
        try:
            while (item := self._next()) is not None:
                found.append(item)
        except SipSyntaxError as fault:
            raise NoMessage(fault, bytes(self._buffer[: MOST + 1]), found) from None
        return found

    def _next(self) -> Item | None:
        if self._pending is None:
            if self._skip_line_ends():
                return PING
            self._pending = self._next_head()
            if self._pending is None:
                return None
        message, length = self._pending
        if len(self._buffer) < length:
            return None
        message.body = bytes(self._buffer[:length])
        del self._buffer[:length]
        self._pending = None
        return message

    def _skip_line_ends(self) -> bool:
        """Pass over CRLFs before a message (§7.5); True for a keep-alive. A lone CRLF at the end may become one."""
        buffer = self._buffer
        if buffer.startswith(END_OF_HEAD):
            del buffer[:4]
            return True
        if buffer.startswith(CRLF) and len(buffer) > 2 and buffer[2:4] != b"\r":
            del buffer[:2]
        return False

    def _next_head(self) -> tuple[Request | Response, int] | None:
        buffer = self._buffer
        if END_OF_HEAD.startswith(buffer):
            return None  # nothing, or what may become a keep-alive
        end = buffer.find(END_OF_HEAD, self._searched, self._limits.head + 4)
        if end < 0:
            if len(buffer) >= self._limits.head + 4:
                raise TooLong("message", "header too long")
            self._searched = max(0, len(buffer) - 3)
            return None
        message, length = _read_head(bytes(buffer[:end]), self._limits)
        if length is None or "Content-Length" in message.headers.more:
            raise SipSyntaxError("Content-Length", "does not frame the message")
        if length > self._limits.body:
            raise TooLong("message", "body too long")
        del buffer[: end + 4]
        self._searched = 0
        return message, length


def _read_head(head: bytes, limits: Limits) -> tuple[Request | Response, int | None]:
    """The message without its body, and its first Content-Length where that is a number."""
    if len(head) > limits.head:
        raise TooLong("message", "header too long")
    try:
        text = head.decode()
    except UnicodeDecodeError:
        text = head.decode("latin-1")  # what old phones write into names; every octet string can be read so
    lines = text.split("\r\n")
    first = lines.pop(0)
    if len(lines) > limits.fields:
        raise TooLong("message", "too many fields")
    # A bare CR or LF would be a line end to somebody else: what we pass on must mean the same to everybody.
    if text.count("\r") != len(lines) or text.count("\n") != len(lines):
        raise SipSyntaxError("message", "a bare CR or LF")
    if len(head) > limits.line and max(map(len, (first, *lines))) > limits.line:
        raise TooLong("message", "line too long")
    start = _read_start_line(first)
    headers = _read_fields(lines)
    length = _length(headers)
    if len(start) == 2:
        return Response(*start, headers), length
    method, uri, version = start
    return Request(method, uri, headers, version=version), length


@remembered
def _read_start_line(line: str) -> tuple[int, str] | tuple[str, str, str]:
    """Status and reason of a response; method, Request-URI and version of a request."""
    status = _STATUS_LINE.match(line)
    if status is not None:
        return int(status[1]), status[2] or ""
    method, _, rest = line.partition(" ")
    # Trailing space stays with the version and other stray space with the URI, where the validator finds it.
    stripped = rest.rstrip(" ")
    uri, _, version = stripped.rpartition(" ")
    if not uri or not TOKEN.match(method) or not _VERSION.match(version):
        raise SipSyntaxError("start line", "neither a request nor a response")
    return method, uri, version.upper() + rest[len(stripped) :]


def _read_fields(lines: list[str]) -> Headers:
    fields: dict[str, str] = {}
    try:
        for line in lines:
            name, value = line.split(":", 1)
            fields[KNOWN[name]] = value.strip(" \t")
    except (KeyError, ValueError):  # a name that was not seen before, or no field on a line of its own
        return Headers.of_canonical(map(_read_field, _unfolded(lines)))
    if len(fields) < len(lines):
        return Headers.of_canonical(map(_read_field, lines))
    return Headers.of_single(fields)


def _read_field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise SipSyntaxError("header", "a line without a colon")
    return canonical(name.rstrip(" \t")), value.strip(" \t")


def _unfolded(lines: list[str]) -> list[str]:
    """The lines, each with those that go on with it (§7.3.1): a fold counts as one space."""
    unfolded: list[str] = []
    index, count = 0, len(lines)
    while index < count:
        line = lines[index]
        index += 1
        if index < count and lines[index][:1] in (" ", "\t"):
            folded = [line.rstrip(" \t")]
            while index < count and lines[index][:1] in (" ", "\t"):
                folded.append(lines[index].strip(" \t"))
                index += 1
            line = " ".join(folded)
        unfolded.append(line)
    return unfolded


def _usual_headers(lines: list[str]) -> Headers | None:
    """The fields, where each is on one line and has a name of its own that was seen before."""
    fields: dict[str, str] = {}
    try:
        for line in lines:
            name, value = line.split(":", 1)
            fields[KNOWN[name]] = value.strip(" \t")
    except (KeyError, ValueError):
        return None
    return Headers.of_single(fields) if len(fields) == len(lines) else None


def _length(headers: Headers) -> int | None:
    """The first Content-Length that is a number."""
    length = headers.first.get("Content-Length")
    if length is None or _LENGTH.match(length):
        return None if length is None else int(length)
    return next((int(value) for value in headers.get_all("Content-Length") if _LENGTH.match(value)), None)
