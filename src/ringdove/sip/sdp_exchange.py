"""What offers and answers mean for one audio stream (RFC 3264), and writing them, dialog by dialog.

`Media` is what one side says of its audio. `read_audio` gets it out of a peer's description, an `Author` puts ours
into words.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

from .codec import Codec
from .memo import remembered
from .sdp import Direction, MediaDescription, SessionDescription
from .uri import numeric

PLAIN_PROTOS = frozenset({"RTP/AVP", "RTP/AVPF"})
"""RTP without encryption; AVPF only allows earlier feedback and is answered in kind (RFC 4585 §4)."""

_DYNAMIC = range(96, 128)
_REMEMBERED = 64


class Media(NamedTuple):
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
    return codec.name.casefold() == "telephone-event"


def is_voice(codec: Codec) -> bool:
    """Whether this carries speech by itself (telephone-event and comfort noise do not)."""
    return codec.name.casefold() not in ("telephone-event", "cn", "red")


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
        result.append(codec if codec.payload == payload else codec._replace(payload=payload))
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
        codecs = tuple(filter(supported, media.codecs))
        if not any(map(is_voice, codecs)):
            continue
        connection = description.connection_of(media)
        address, is_multicast, is_nowhere = _destination(connection.address if connection else "")
        if is_multicast:
            continue
        direction = description.direction_of(media)
        if is_nowhere:
            direction = direction.within(Direction.SENDONLY)
        return Media(
            address,
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


@remembered
def _destination(address: str) -> tuple[str | None, bool, bool]:
    """Where to send to, whether it is multicast, and whether it is 0.0.0.0 or its like.

    None for the latter, for host names, which are never looked up, and for nonsense.
    """
    ip = numeric(address)
    if ip is None:
        return None, False, False
    return None if ip.is_unspecified else str(ip), ip.is_multicast, ip.is_unspecified


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
        self._times = "t=0 0\r\n"
        self._refused = [""]
        """The media lines of the dialog with port 0."""
        self._line = 0
        self._said = ""
        """All that was written last, beyond the origin."""

    def offer(self, media: Media) -> bytes:
        """An offer with this audio."""
        return self._write(media)

    def answer(self, offer: SessionDescription, media: Media) -> bytes:
        """The answer to `offer` with this audio at the line it names; every other line is refused (RFC 3264 §6)."""
        self._line = media.line
        self._refused = list(map(_refused, offer.media))
        self._times = "".join([f"t={value}\r\n" for letter, value in offer.others if letter == "t"]) or "t=0 0\r\n"
        return self._write(media)

    def _write(self, media: Media) -> bytes:
        if media.address is None:
            raise ValueError("media of our own needs an address")
        lines = self._refused.copy()
        lines[self._line] = _audio(media)
        said = f"s=-\r\nc={_connection(media.address)}\r\n{self._times}{''.join(lines)}"
        self._address = self._address or media.address
        if said != self._said:
            self._version += 1
            self._said = said
        origin = f"{self._user} {self._session_id} {self._version} {_connection(self._address)}"
        return f"v=0\r\no={origin}\r\n{said}".encode("utf-8", "surrogateescape")


def _connection(address: str) -> str:
    return f"IN {'IP6' if ':' in address else 'IP4'} {address}"


def _refused(media: MediaDescription) -> str:
    return f"m={media.kind} 0 {media.proto} {' '.join(media.formats)}\r\n"


def _audio(media: Media) -> str:
    formats, attributes = _codecs(media.codecs, media.ptime, media.maxptime)
    rtcp = "" if media.rtcp_port == media.port + 1 else f"a=rtcp:{media.rtcp_port}\r\n"
    return f"m=audio {media.port} {media.proto} {formats}\r\n{attributes}{rtcp}a={media.direction.value}\r\n"


@lru_cache(_REMEMBERED)
def _codecs(codecs: tuple[Codec, ...], ptime: int | None, maxptime: int | None) -> tuple[str, str]:
    """The formats, and the attributes that say what they are: the same for every phone of a group."""
    lines: list[str] = []
    for codec in codecs:
        lines.append(f"rtpmap:{codec.rtpmap}")
        if codec.fmtp:
            lines.append(f"fmtp:{codec.payload} {codec.fmtp}")
    if ptime is not None:
        lines.append(f"ptime:{ptime}")
    if maxptime is not None:
        lines.append(f"maxptime:{maxptime}")
    return " ".join([str(codec.payload) for codec in codecs]), "".join([f"a={line}\r\n" for line in lines])
