"""A phone that speaks only RTP and SDP: real sockets on loopback, and what arrives at them."""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ringdove.media.engine import Media, MediaSession, PartyId
from ringdove.sip.codec import Codec
from ringdove.sip.sdp import Attribute, Connection, Direction, MediaDescription, Origin, SessionDescription

A, B, C = PartyId("a"), PartyId("b"), PartyId("c")
PCMU = Codec(0, "PCMU", 8000)
PCMA = Codec(8, "PCMA", 8000)
G722 = Codec(9, "G722", 8000)
EVENT = Codec(101, "telephone-event", 8000, fmtp="0-15")
DEADLINE = 5.0


def describe(*media: MediaDescription, address: str = "127.0.0.1") -> SessionDescription:
    """A body with these media lines."""
    at = Connection(address)
    return SessionDescription(Origin("-", "1", "1", at), "-", at, (), media)


def audio(
    port: int,
    *codecs: Codec,
    direction: Direction = Direction.SENDRECV,
    proto: str = "RTP/AVP",
    extra: tuple[Attribute, ...] = (),
) -> MediaDescription:
    """An audio line."""
    attributes = [Attribute("rtpmap", codec.rtpmap) for codec in codecs]
    attributes += [Attribute("fmtp", f"{codec.payload} {codec.fmtp}") for codec in codecs if codec.fmtp]
    attributes += [*extra, Attribute(direction.value)]
    return MediaDescription("audio", port, proto, tuple(str(c.payload) for c in codecs), attributes=tuple(attributes))


def rtp(payload: int, number: int, body: bytes = b"\xd5" * 160) -> bytes:
    """One packet."""
    return struct.pack("!BBHII", 0x80, payload, number & 0xFFFF, number * 160, 0x1234) + body


def rtcp(ssrc: int = 0x1234) -> bytes:
    """An empty receiver report."""
    return struct.pack("!BBHI", 0x80, 201, 1, ssrc)


class Phone:
    """Sends and receives on one port pair."""

    def __init__(self) -> None:
        self.rtp, self.rtcp = _pair()
        self.port: int = self.rtp.getsockname()[1]
        self.sent = 0
        self.got: list[tuple[int, bytes]] = []
        """Payload type and body of each RTP packet that arrived."""

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()

    def describes(
        self, *codecs: Codec, direction: Direction = Direction.SENDRECV, address: str = "127.0.0.1"
    ) -> SessionDescription:
        """An offer or answer of this phone."""
        return describe(audio(self.port, *(codecs or (PCMU, EVENT)), direction=direction), address=address)

    def say(self, to: Media, body: bytes, payload: int = 0) -> None:
        """One RTP packet towards the engine."""
        self.say_to(to.port, body, payload, to.address or "")

    def say_to(self, port: int, body: bytes, payload: int = 0, address: str = "127.0.0.1") -> None:
        """One RTP packet to somewhere."""
        self.sent += 1
        self.rtp.sendto(rtp(payload, self.sent, body), (address, port))

    def hear(self) -> list[tuple[int, bytes]]:
        """Take in what has arrived."""
        while True:
            try:
                packet = self.rtp.recv(4096)
            except BlockingIOError:
                return self.got
            self.got.append((packet[1] & 0x7F, packet[12:]))

    def heard(self, body: bytes) -> bool:
        """Whether a packet with this body has arrived."""
        return any(heard == body for _, heard in self.hear())


async def until(true: Callable[[], bool], again: Callable[[], object] | None = None) -> None:
    """Wait until something holds, doing `again` before each look; fails after the deadline."""
    async with asyncio.timeout(DEADLINE):
        while True:
            if again is not None:
                again()
            await asyncio.sleep(0.01)
            if true():
                return


def ended(pid: int) -> bool:
    """Whether a process is gone, or dead and only waits for its exit status to be read."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


@contextmanager
def phones(count: int) -> Iterator[list[Phone]]:
    """So many phones."""
    made = [Phone() for _ in range(count)]
    try:
        yield made
    finally:
        for phone in made:
            phone.close()


async def call(session: MediaSession, a: Phone, b: Phone) -> tuple[Media, Media]:
    """a calls b, who answers."""
    offer = a.describes()
    session.offered(A, offer)
    to_b = await session.invite(B, A)
    assert await session.bridge(A, B, b.describes()) == []
    return await session.accept(A, offer, prefer=B), to_b


async def talk(session: MediaSession, a: Phone, b: Phone) -> tuple[Media, Media]:
    """a calls b; both hear each other when this returns."""
    to_a, to_b = await call(session, a, b)
    await hear_each_other((a, to_a), (b, to_b))
    return to_a, to_b


async def hear_each_other(one: tuple[Phone, Media], other: tuple[Phone, Media]) -> None:
    (a, to_a), (b, to_b) = one, other
    mark = f"{a.sent} {b.sent}".encode()
    await until(lambda: b.heard(b"a" + mark), lambda: a.say(to_a, b"a" + mark))
    await until(lambda: a.heard(b"b" + mark), lambda: b.say(to_b, b"b" + mark))


def _pair() -> tuple[socket.socket, socket.socket]:
    while True:
        low = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        high = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        low.bind(("127.0.0.1", 0))
        try:
            high.bind(("127.0.0.1", low.getsockname()[1] + 1))
        except (OSError, OverflowError):
            low.close()
            high.close()
            continue
        low.setblocking(False)
        high.setblocking(False)
        return low, high
