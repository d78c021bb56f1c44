"""Session descriptions as text and as values (RFC 8866, with what RFC 4566 senders do).

`parse` accepts what phones really send, refuses nonsense with `SdpError`, costs time linear in the (bounded)
length, and keeps every line, so that `SessionDescription.encode` says the same again. What offers and answers mean
is in `sdp_exchange`.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from .codec import Codec, codecs
from .grammar import number
from .memo import remembered

MAX_BYTES = 32_768
MAX_LINES = 1_000
MAX_MEDIA = 32

Line = tuple[str, str]
"""A line that has no field of its own: its letter and its value."""


def _ranks(order: str) -> dict[str, int]:
    return {letter: rank for rank, letter in enumerate(order)}


_SESSION_ORDER: Final = _ranks("vosiuepcbtzka") | _ranks("vosiuepcbrzka")
"""`t=` and `r=` keep together as they came."""
_MEDIA_ORDER: Final = _ranks("micbka")
_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class SdpError(ValueError):
    """The body is not a session description that can be understood."""


class Direction(StrEnum):
    """Which way media is to flow, seen from the side that says it (RFC 8866 §6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @classmethod
    def of(cls, *, sends: bool, receives: bool) -> "Direction":
        """The word for a pair of facts."""
        if sends:
            return cls.SENDRECV if receives else cls.SENDONLY
        return cls.RECVONLY if receives else cls.INACTIVE

    @property
    def sends(self) -> bool:
        """Whether the side that says this sends."""
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        """Whether the side that says this wants to receive."""
        return self in (Direction.SENDRECV, Direction.RECVONLY)

    @property
    def mirrored(self) -> "Direction":
        """The same flow, said by the other side."""
        return Direction.of(sends=self.receives, receives=self.sends)

    def within(self, other: "Direction") -> "Direction":
        """The flow that both allow; both seen from the same side."""
        return Direction.of(sends=self.sends and other.sends, receives=self.receives and other.receives)


_DIRECTIONS: Final = {direction.value: direction for direction in Direction}


class Connection(NamedTuple):
    """A `c=` line, or the last half of an `o=` line."""

    address: str
    """Without TTL and count."""
    family: str = "IP4"
    net: str = "IN"
    suffix: str = ""
    """`/ttl` and `/count` of multicast, as written."""

    def __str__(self) -> str:
        return f"{self.net} {self.family} {self.address}{self.suffix}"


class Origin(NamedTuple):
    """An `o=` line (RFC 8866 §5.2). Ids stay text: some senders write numbers of any length."""

    user: str
    session_id: str
    version: str
    connection: Connection

    def __str__(self) -> str:
        return f"{self.user} {self.session_id} {self.version} {self.connection}"


class Attribute(NamedTuple):
    """An `a=` line; `value` is None for a flag."""

    name: str
    value: str | None = None

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}:{self.value}"


class MediaDescription(NamedTuple):
    """An `m=` line and the lines that belong to it."""

    kind: str
    """audio, video, image, …"""
    port: int
    """0: the stream is refused or ended (RFC 3264 §6)."""
    proto: str
    formats: tuple[str, ...]
    connection: Connection | None = None
    attributes: tuple[Attribute, ...] = ()
    """All of them, in order, `crypto`, `rtcp` and unknown ones included."""
    port_count: int = 1
    others: tuple[Line, ...] = ()
    """Every line without a field of its own, in order."""

    def attribute(self, name: str) -> str | None:
        """The value of the first attribute of this name; empty for a flag; None without it."""
        return _attribute(self.attributes, name)

    @property
    def codecs(self) -> tuple[Codec, ...]:
        """The formats that are RTP payload types with a known meaning, in the order of preference."""
        return codecs(self.formats, tuple([a for a in self.attributes if a[0] in ("rtpmap", "fmtp")]))

    @property
    def direction(self) -> Direction | None:
        """The direction said on this level; None where it says none."""
        return _direction(self.attributes)

    @property
    def ptime(self) -> int | None:
        """Milliseconds of media per packet that this side would like, 1 to 1000 (RFC 8866 §6.4)."""
        return self._milliseconds("ptime")

    @property
    def maxptime(self) -> int | None:
        """Milliseconds of media per packet that this side can take at most, 1 to 1000 (RFC 8866 §6.5)."""
        return self._milliseconds("maxptime")

    @property
    def rtcp_port(self) -> int:
        """Where RTCP is to go: `a=rtcp` (RFC 3605), else the port above."""
        value = self.attribute("rtcp")
        port = number(value.split(" ", 1)[0], 65535) if value else None
        return port or min(self.port + 1, 65535)

    def _milliseconds(self, name: str) -> int | None:
        value = self.attribute(name)
        return (number(value.strip(), 1000) or None) if value is not None else None

    def lines(self) -> list[Line]:
        """The lines of this block, in the order of the RFC."""
        ports = str(self.port) if self.port_count == 1 else f"{self.port}/{self.port_count}"
        first = ("m", f"{self.kind} {ports} {self.proto} {' '.join(self.formats)}")
        return [first, *_ordered(_MEDIA_ORDER, (*_common(self.connection, self.attributes), *self.others))]


class SessionDescription(NamedTuple):
    """A whole body."""

    origin: Origin
    name: str = "-"
    connection: Connection | None = None
    attributes: tuple[Attribute, ...] = ()
    media: tuple[MediaDescription, ...] = ()
    others: tuple[Line, ...] = (("t", "0 0"),)
    """Every session line without a field of its own, in order; `t=` and `r=` among them."""

    def connection_of(self, media: MediaDescription) -> Connection | None:
        """The connection that holds for a media block: its own, else the session's (RFC 8866 §5.7)."""
        return media.connection or self.connection

    def direction_of(self, media: MediaDescription) -> Direction:
        """The direction that holds for a media block: its own, else the session's, else sendrecv."""
        return media.direction or _direction(self.attributes) or Direction.SENDRECV

    def encode(self) -> bytes:
        """The body as it goes on the wire."""
        head = (
            ("v", "0"),
            ("o", str(self.origin)),
            ("s", self.name),
            *_common(self.connection, self.attributes),
            *self.others,
        )
        lines = [*_ordered(_SESSION_ORDER, head), *(line for media in self.media for line in media.lines())]
        text = "".join(f"{letter}={value}\r\n" for letter, value in lines)
        return text.encode("utf-8", "surrogateescape")


def parse(body: bytes) -> SessionDescription:
    """Read a body of type application/sdp.

    Liberal in line ends, missing `s=` and `t=`, blank lines and order within a block. `SdpError` says what is wrong
    otherwise.
    """
    head, *blocks = _text(body).split("\nm=")
    if len(blocks) > MAX_MEDIA:
        raise SdpError(f"more than {MAX_MEDIA} media lines")
    lines = _lines(head)
    if not lines or lines[0] != ("v", "0"):
        raise SdpError("a session description begins with v=0")
    connection, attributes, others = _sort(lines[1:])
    origin = [value for letter, value in others if letter == "o"]
    names = [value for letter, value in others if letter == "s"]
    if len(origin) != 1:
        raise SdpError("exactly one o= line is needed")
    return SessionDescription(
        origin=_origin(origin[0]),
        name=names[0] if names else "-",
        connection=connection,
        attributes=attributes,
        media=tuple(map(_media, blocks)),
        others=_ordered(_SESSION_ORDER, [line for line in others if line[0] not in "vos"]),
    )


def _text(body: bytes) -> str:
    if len(body) > MAX_BYTES:
        raise SdpError(f"longer than {MAX_BYTES} bytes")
    if b"\0" in body:
        raise SdpError("a NUL byte")
    text = body.decode("utf-8", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") >= MAX_LINES:
        raise SdpError(f"more than {MAX_LINES} lines")
    return text


def _lines(text: str) -> list[Line]:
    lines: list[Line] = []
    for line in text.split("\n"):
        if line[1:2] == "=" and line[0] in _LETTERS:
            lines.append((line[0], line[2:]))
        elif line.strip():
            raise SdpError("a line is not of the form letter=value")
    return lines


def _sort(lines: Iterable[Line]) -> tuple[Connection | None, tuple[Attribute, ...], list[Line]]:
    """Connection, attributes and the rest of a block; a second `c=` (several multicast groups) stays with the rest."""
    connection: Connection | None = None
    attributes: list[Attribute] = []
    others: list[Line] = []
    for line in lines:
        letter, value = line
        if letter == "a":
            name, colon, rest = value.partition(":")
            attributes.append(Attribute(name, rest) if colon else Attribute(name.strip()))
        elif letter == "c" and connection is None:
            connection = _connection(value)
        else:
            others.append(line)
    return connection, tuple(attributes), others


def _media(block: str) -> MediaDescription:
    """Read what follows an `m=`."""
    first, _, rest = block.partition("\n")
    words = first.split()
    if len(words) < 4:
        raise SdpError("an m= line needs media, port, protocol and formats")
    port_text, slash, count_text = words[1].partition("/")
    port = number(port_text, 65535)
    count = number(count_text, 65535) if slash else 1
    if port is None or not count:
        raise SdpError("an m= line with an impossible port")
    connection, attributes, others = _media_lines(rest)
    return MediaDescription(words[0], port, words[2], tuple(words[3:]), connection, attributes, count, others)


@remembered
def _media_lines(text: str) -> tuple[Connection | None, tuple[Attribute, ...], tuple[Line, ...]]:
    """What a block has beyond its first line: phones say the same in every call."""
    connection, attributes, others = _sort(_lines(text))
    return connection, attributes, _ordered(_MEDIA_ORDER, others)


def _origin(value: str) -> Origin:
    words = value.split(None, 3)
    if len(words) != 4:
        raise SdpError("an o= line has six fields")
    return Origin(words[0], words[1], words[2], _connection(words[3]))


@remembered
def _connection(text: str) -> Connection:
    words = text.split()
    if len(words) != 3:
        raise SdpError("an address needs network, family and host")
    address, slash, suffix = words[2].partition("/")
    return Connection(address, words[1], words[0], slash + suffix)


def _attribute(attributes: Iterable[Attribute], name: str) -> str | None:
    for key, value in attributes:
        if key == name:
            return value or ""
    return None


def _direction(attributes: Iterable[Attribute]) -> Direction | None:
    for name, value in attributes:
        if value is None and name in _DIRECTIONS:
            return _DIRECTIONS[name]
    return None


def _common(connection: Connection | None, attributes: tuple[Attribute, ...]) -> Iterator[Line]:
    if connection is not None:
        yield ("c", str(connection))
    for attribute in attributes:
        yield ("a", str(attribute))


def _ordered(order: dict[str, int], lines: Sequence[Line]) -> tuple[Line, ...]:
    """In the order of the RFC; unknown letters go before the attributes."""
    if len(lines) < 2:
        return tuple(lines)
    unknown = order["k"]
    return tuple(sorted(lines, key=lambda line: order.get(line[0], unknown)))
