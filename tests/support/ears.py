"""A phone's ears and mouth on loopback: RTP as it arrives, and which tone was heard when.

ears = await Ears.open()
ears.talk(line.media, PCMU, 440)
await ears.hears(1000)
check_stream(ears.packets)
assert [span.hz for span in timeline(ears.packets, tones=(600, 1000))] == [600, 1000]
"""

import asyncio
import secrets
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress

from ringdove.media.codecs import FRAME_BYTES, FRAME_SECONDS
from ringdove.sip.codec import Codec

from .hearing import GAP, Heard, Span, timeline
from .voice import EVENT, PCMU, packets_of

Address = tuple[str, int]

DIGITS = "0123456789*#ABCD"
"""In the order of their numbers (RFC 4733 §3.2)."""

_HEADER = struct.Struct("!BBHII")
_STAMPS = 35
"""SO_TIMESTAMPNS of Linux, which the socket module does not name: when the kernel got it, however busy we are."""
_STAMP = struct.Struct("@ll")
_GLANCE = 0.2
"""Seconds of sound that `hears` judges at a time."""


class Ears:
    """One pair of sockets for RTP and RTCP, and one outgoing stream. Made by `open`."""

    def __init__(self, host: str) -> None:
        self.packets: list[Heard] = []
        """RTP in the order of its arrival."""
        self.rtcp: list[bytes] = []
        """RTCP as it came."""
        self.ssrc = secrets.randbits(32)
        self._rtp, self._rtcp = _pair(host)
        self.port: int = self._rtp.getsockname()[1]
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._rtp, self._take_rtp)
        self._loop.add_reader(self._rtcp, self._take_rtcp)
        self._born = self._loop.time()
        self._sequence = secrets.randbits(16)
        self._timestamp = 0
        self._pressing = False
        self._speaking: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, host: str = "127.0.0.1") -> "Ears":
        """Listen on a free pair of ports."""
        return cls(host)

    def close(self) -> None:
        """Give the ports back; what was heard stays."""
        self.quiet()
        if self._rtp.fileno() < 0:
            return
        for end in (self._rtp, self._rtcp):
            self._loop.remove_reader(end)
            end.close()

    def forget(self) -> None:
        """Be as new."""
        self.quiet()
        self._take_rtp()
        self._take_rtcp()
        self.packets.clear()
        self.rtcp.clear()

    # The mouth

    def talk(self, to: Address, codec: Codec, hz: float, ssrc: int | None = None) -> None:
        """Send a tone (0: silence) from now on, a packet every 20 ms, instead of what was sent before."""
        self.quiet()
        self._speaking = self._loop.create_task(self._speak(to, codec, hz, self.ssrc if ssrc is None else ssrc))

    def quiet(self) -> None:
        """Send no more."""
        if self._speaking is not None:
            self._speaking.cancel()
            self._speaking = None

    def say(self, body: bytes, to: Address, payload: int = PCMU.payload) -> None:
        """One packet, whatever is in it."""
        self._timestamp = self._next_timestamp()
        self._send(to, payload, body)

    async def press(self, to: Address, digit: str, payload: int = EVENT.payload, ms: int = 160) -> None:
        """Press a key for so long (RFC 4733 §2.5.1); what is being said is not sent meanwhile.

        One packet every 20 ms, the first one marked; the last one, which says that it is the end, three times.
        """
        steps = max(1, round(ms / 1000 / FRAME_SECONDS))
        begun = self._next_timestamp()
        self._pressing = True
        try:
            due = self._loop.time()
            for step in range(1, steps + 3):
                due += FRAME_SECONDS
                await asyncio.sleep(due - self._loop.time())
                end, duration = step >= steps, min(step, steps) * FRAME_BYTES
                body = struct.pack("!BBH", DIGITS.index(digit), (0x80 if end else 0) | 10, duration)
                self._send(to, payload, body, marker=step == 1, timestamp=begun)
        finally:
            self._timestamp = begun + steps * FRAME_BYTES
            self._pressing = False

    async def _speak(self, to: Address, codec: Codec, hz: float, ssrc: int) -> None:
        marker = True
        due = self._loop.time()
        for body in packets_of(codec, hz):
            if self._pressing:
                marker = True
            else:
                self._timestamp = self._next_timestamp() if marker else self._timestamp + FRAME_BYTES
                self._send(to, codec.payload, body, marker=marker, ssrc=ssrc)
                marker = False
            due += FRAME_SECONDS
            await asyncio.sleep(due - self._loop.time())

    def _next_timestamp(self) -> int:
        """That of a packet sent now: by the clock, and later than all before it."""
        ticks = round((self._loop.time() - self._born) / FRAME_SECONDS)
        return max(self._timestamp + FRAME_BYTES, ticks * FRAME_BYTES)

    def _send(
        self,
        to: Address,
        payload: int,
        body: bytes,
        *,
        marker: bool = False,
        timestamp: int | None = None,
        ssrc: int | None = None,
    ) -> None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        stamp = (self._timestamp if timestamp is None else timestamp) & 0xFFFFFFFF
        kind = payload | (0x80 if marker else 0)
        header = _HEADER.pack(0x80, kind, self._sequence, stamp, self.ssrc if ssrc is None else ssrc)
        with suppress(ConnectionError):  # nobody listens there (any more), as may be on a network
            self._rtp.sendto(header + body, to)

    # The ears

    async def hears(self, hz: float | None, *, within: float = 3.0) -> None:
        """Wait until this tone (None: silence), and nothing else, was heard for a while, and all of it from now on."""
        start = time.monotonic()
        tones = () if hz is None else (hz,)
        try:
            async with asyncio.timeout(within):
                while True:
                    latest = self._latest(start, tones)
                    if latest.hz == hz and latest.seconds >= _GLANCE:
                        return
                    await asyncio.sleep(FRAME_SECONDS)
        except TimeoutError:
            heard = [packet for packet in self.packets if packet.at >= start]
            story = timeline(heard, tones=tones)
            raise AssertionError(f"waited {within} s for {hz} Hz; heard {story} in {len(heard)} packets") from None

    async def receives(self, packets: int, *, within: float = 3.0) -> None:
        """Wait until so many RTP packets have come in all."""
        try:
            async with asyncio.timeout(within):
                while True:
                    if len(self.packets) >= packets:
                        return
                    await asyncio.sleep(FRAME_SECONDS / 2)
        except TimeoutError:
            raise AssertionError(f"waited {within} s for {packets} packets; {len(self.packets)} came") from None

    def _latest(self, start: float, tones: tuple[float, ...]) -> Span:
        """What is being heard; it begins at `start` or when it was first noticed."""
        self._take_rtp()
        now = time.monotonic()
        begin = max(start, now - 2 * _GLANCE)
        spans = timeline([packet for packet in self.packets if packet.at >= begin], tones=tones)
        latest = spans[-1] if spans else Span(None, begin, begin)
        return Span(None, latest.stop, now) if now - latest.stop > GAP else latest

    def _take_rtp(self) -> None:
        for data, at in _arrived(self._rtp):
            if len(data) < _HEADER.size or data[0] >> 6 != 2:
                continue
            flags, kind, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
            assert not flags & 0x3F, "padding, an extension or CSRCs, which nothing here sends"
            body = data[_HEADER.size :]
            self.packets.append(Heard(at, kind & 0x7F, kind > 0x7F, sequence, timestamp, ssrc, body))

    def _take_rtcp(self) -> None:
        self.rtcp += [data for data, _ in _arrived(self._rtcp)]


def _arrived(end: socket.socket) -> Iterator[tuple[bytes, float]]:
    """The datagrams that wait at a socket, each with the monotonic time of its arrival."""
    behind = time.time() - time.monotonic()
    while True:
        try:
            data, ancillary, _, _ = end.recvmsg(2048, 64)
        except BlockingIOError:
            return
        seconds, nanoseconds = _STAMP.unpack(ancillary[0][2])
        yield data, seconds + nanoseconds / 1e9 - behind


def _pair(host: str) -> tuple[socket.socket, socket.socket]:
    """An even port for RTP and the next one for RTCP (RFC 3550 §11)."""
    while True:
        low, high = _socket(host, 0), None
        port = low.getsockname()[1]
        with suppress(OSError):
            high = None if port % 2 else _socket(host, port + 1)
        if high is not None:
            return low, high
        low.close()


def _socket(host: str, port: int) -> socket.socket:
    end = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        end.bind((host, port))
    except OSError:
        end.close()
        raise
    end.setsockopt(socket.SOL_SOCKET, _STAMPS, 1)
    end.setblocking(False)
    return end
