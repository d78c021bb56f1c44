"""What offers and answers mean for one audio stream (RFC 3264), and writing them, dialog by dialog.

`Media` is what one side says of its audio. `read_audio` gets it out of a peer's description, an `Author` puts ours
into words.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address

from ringdove.sip.sdp import (
    Attribute,
    Codec,
    Connection,
    Direction,
    MediaDescription,
    Origin,
    SessionDescription,
)
from ringdove.sip.uri import numeric

PLAIN_PROTOS = frozenset({"RTP/AVP", "RTP/AVPF"})
"""RTP without encryption; AVPF only allows earlier feedback and is answered in kind (RFC 4585 §4)."""

_DYNAMIC = range(96, 128)


@dataclass(frozen=True, slots=True)
class Media:
    """One side's audio: where it wants to receive, in which formats, and which way media flows, seen from that side."""

    address: str | None
    """IP address; None where it names none that can be sent to (hold by 0.0.0.0, a host name)."""
    port: int
    rtcp_port: int
    codecs: tuple[Codec, ...]
    """In order of preference; the numbers are those under which this side wants to receive."""
    direction: Direction = Direction.SENDRECV
    ptime: int | None = None
    """Milliseconds per packet this side would like to receive; None for no wish."""
    maxptime: int | None = None
    """Milliseconds per packet beyond which this side cannot receive."""
    proto: str = "RTP/AVP"
    line: int = 0
    """Index of the media line that this is, or answers."""


def matching(codec: Codec, among: Iterable[Codec]) -> Codec | None:
    """The first of `among` with the same name, clock and channels, whatever its number."""
    return next((other for other in among if other.key == codec.key), None)


def is_event(codec: Codec) -> bool:
    """Whether this carries digits (RFC 4733)."""
    return codec.key[0] == "telephone-event"


def is_voice(codec: Codec) -> bool:
    """Whether this carries speech by itself (telephone-event and comfort noise do not)."""
    return codec.key[0] not in ("telephone-event", "cn", "red")


def numbered(codecs: Iterable[Codec], used: dict[int, Codec]) -> tuple[Codec, ...]:
    """The codecs with numbers that a dialog allows, where `used` holds every number it ever saw.

    A number keeps its meaning for the life of a dialog (RFC 3264 §8.3.2): a codec seen before keeps its number, a
    new one keeps the number it comes with unless that is taken, and gets a free dynamic one then. Codecs beyond the
    free numbers are left out.
    """
    known = {codec.key: payload for payload, codec in reversed(used.items())}
    taken = set(used)
    result: list[Codec] = []
    for codec in codecs:
        payload = known.get(codec.key)
        if payload is None:
            payload = (
                codec.payload if codec.payload not in taken else next((n for n in _DYNAMIC if n not in taken), None)
            )
        if payload is None:
            continue
        taken.add(payload)
        result.append(replace(codec, payload=payload))
    return tuple(result)


def read_audio(
    description: SessionDescription,
    supported: Callable[[Codec], bool],
    protos: frozenset[str] = PLAIN_PROTOS,
) -> Media | None:
    """The first audio line that can be used, with only its supported codecs; None when there is none.

    Usable: not refused (port 0), of a known protocol, not multicast (the answer would have to name the same group,
    RFC 3264 §6.2), with at least one supported voice codec. Hold in the old way, by address 0.0.0.0 (§8.4), comes out
    as a direction that does not receive.
    """
    for line, media in enumerate(description.media):
        if media.kind != "audio" or media.port == 0 or media.proto not in protos:
            continue
        codecs = tuple(codec for codec in media.codecs if supported(codec))
        if not any(is_voice(codec) for codec in codecs):
            continue
        address = _ip(description.connection_of(media))
        if address is not None and address.is_multicast:
            continue
        direction = description.direction_of(media)
        if address is not None and address.is_unspecified:
            address, direction = None, direction.within(Direction.SENDONLY)
        return Media(
            str(address) if address is not None else None,
            media.port,
            media.rtcp_port,
            codecs,
            direction,
            media.ptime,
            media.maxptime,
            media.proto,
            line,
        )
    return None


def _ip(connection: Connection | None) -> IPv4Address | IPv6Address | None:
    """None for host names, which are never looked up, and nonsense."""
    return numeric(connection.address) if connection else None


class Author:
    """Writes the bodies of one dialog.

    The session id stays, the version goes up by one when, and only when, the body differs from the last one (RFC
    3264 §8). Media lines keep their number and order for the life of the dialog: what an offer of the peer had
    beyond the audio line stays there, refused, in our own later offers too.
    """

    def __init__(self, session_id: int, user: str = "-") -> None:
        self._session_id = session_id
        self._user = user
        self._version = 0
        self._address: str | None = None
        self._last: SessionDescription | None = None
        self._line = 0

    def offer(self, media: Media) -> bytes:
        """An offer with this audio."""
        before = self._last.media if self._last else ()
        lines = [_refused(line) for line in before] or [_refused(_audio(media))]
        lines[self._line] = _audio(media)
        return self._write(media, tuple(lines), self._last.others if self._last else (("t", "0 0"),))

    def answer(self, offer: SessionDescription, media: Media) -> bytes:
        """The answer to `offer` with this audio at the line it names; every other line is refused (RFC 3264 §6)."""
        self._line = media.line
        lines = [_refused(line) for line in offer.media]
        lines[media.line] = _audio(media)
        times = tuple(line for line in offer.others if line[0] == "t") or (("t", "0 0"),)
        return self._write(media, tuple(lines), times)

    def _write(self, media: Media, lines: tuple[MediaDescription, ...], others: tuple[tuple[str, str], ...]) -> bytes:
        if media.address is None:
            raise ValueError("media of our own needs an address")
        connection = _connection(media.address)
        self._address = self._address or media.address
        origin = Origin(self._user, str(self._session_id), str(self._version), _connection(self._address))
        body = SessionDescription(origin, "-", connection, (), lines, others)
        if body != self._last:
            self._version += 1
            body = replace(body, origin=replace(origin, version=str(self._version)))
            self._last = body
        return body.encode()


def _connection(address: str) -> Connection:
    return Connection(address, "IP6" if ":" in address else "IP4")


def _refused(media: MediaDescription) -> MediaDescription:
    return MediaDescription(media.kind, 0, media.proto, media.formats)


def _audio(media: Media) -> MediaDescription:
    attributes: list[Attribute] = []
    for codec in media.codecs:
        attributes.append(Attribute("rtpmap", codec.rtpmap))
        if codec.fmtp:
            attributes.append(Attribute("fmtp", f"{codec.payload} {codec.fmtp}"))
    if media.ptime is not None:
        attributes.append(Attribute("ptime", str(media.ptime)))
    if media.maxptime is not None:
        attributes.append(Attribute("maxptime", str(media.maxptime)))
    if media.rtcp_port != media.port + 1:
        attributes.append(Attribute("rtcp", str(media.rtcp_port)))
    attributes.append(Attribute(media.direction.value))
    formats = tuple(str(codec.payload) for codec in media.codecs)
    return MediaDescription("audio", media.port, media.proto, formats, attributes=tuple(attributes))
