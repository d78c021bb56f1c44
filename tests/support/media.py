"""What tests of the parent's side of a media session need: phones in words, and an engine without a child."""

import asyncio
from collections import deque
from collections.abc import Sequence

from ringdove.media.embedded.session import EmbeddedSession
from ringdove.media.embedded.wire import Freed, Play, Record, Stream
from ringdove.media.engine import PartyId, SessionId
from ringdove.sip.codec import Codec
from ringdove.sip.sdp import Attribute, Connection, Direction, MediaDescription, Origin, SessionDescription
from ringdove.sip.sdp_exchange import Media

A, B, C = PartyId("a"), PartyId("b"), PartyId("c")
PCMU, PCMA, G722 = Codec(0, "PCMU", 8000), Codec(8, "PCMA", 8000), Codec(9, "G722", 8000)
OPUS = Codec(114, "opus", 48000, 2)
EVENT_48000 = Codec(102, "telephone-event", 48000, fmtp="0-15")
EVENT = Codec(101, "telephone-event", 8000, fmtp="0-15")
SENDRECV, SENDONLY, RECVONLY, INACTIVE = Direction


class Ports:
    """An engine of which only the ports and the last words to the child are real."""

    def address(self, remote: str | None) -> str:
        return "198.51.100.1"

    def __init__(self) -> None:
        self.ports = deque(range(30000, 30100, 2))
        self.streams: dict[int, Stream] = {}
        self.plays: dict[int, Play] = {}
        self.tapes: dict[str, list[int]] = {}
        self.quiet: dict[str, float] = {}
        """What of each tape was told besides."""
        self.told = 0
        self.owners: dict[int, tuple[EmbeddedSession, PartyId]] = {}

    async def lease(self, session: EmbeddedSession, party: PartyId) -> int:
        port = self.ports.popleft()
        self.owners[port] = session, party
        return port

    def release(self, port: int) -> None:
        assert not {port} & {*self.streams, *self.plays}
        del self.owners[port]
        self.ports.append(port)

    def free(self, ports: Sequence[int]) -> None:
        for port in ports:
            session, party = self.owners.pop(port)
            self.ports.append(port)
            del self.streams[port]
            self.plays.pop(port, None)
            session.freed(party, Freed(port, packets_in=1))

    def tell(self, command: Stream | Play | Record) -> None:
        match command:
            case Stream(port=port):
                self.streams[port] = command
            case Play(port=port):
                self.plays[port] = command
            case Record(tape=tape, ports=ports, quiet=quiet):
                self.tapes[tape] = list(ports)
                self.quiet[tape] = quiet
        self.told += 1

    def complete(self, tape: str) -> asyncio.Future[None]:
        del self.tapes[tape]
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    def forget(self, session: SessionId) -> None:
        pass


def body(
    port: int,
    *codecs: Codec,
    direction: Direction = SENDRECV,
    address: str = "192.0.2.1",
    proto: str = "RTP/AVP",
    ptime: int | None = None,
    maxptime: int | None = None,
) -> SessionDescription:
    attributes = [Attribute("rtpmap", codec.rtpmap) for codec in codecs]
    attributes += [Attribute("fmtp", f"{codec.payload} {codec.fmtp}") for codec in codecs if codec.fmtp]
    attributes += [Attribute("ptime", str(ptime))] if ptime else []
    attributes += [Attribute("maxptime", str(maxptime))] if maxptime else []
    media = MediaDescription(
        "audio",
        port,
        proto,
        tuple(str(codec.payload) for codec in codecs),
        attributes=(*attributes, Attribute(direction.value)),
    )
    at = Connection(address)
    return SessionDescription(Origin("-", "1", "1", at), "-", at, (), (media,))


async def connected(session: EmbeddedSession, *codecs: Codec) -> tuple[Media, Media]:
    """a has called b."""
    offer = body(4000, *(codecs or (PCMU, EVENT)))
    session.offered(A, offer)
    to_b = await session.invite(B, A)
    assert await session.bridge(A, B, body(5000, *(codecs or (PCMU, EVENT)))) == []
    return await session.accept(A, offer, prefer=B), to_b
