"""The audio of a simulated phone: one RTP socket that talks in 20 ms packets and keeps what it hears (RFC 3550)."""

import asyncio
import secrets
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from ringdove.media.codecs import FRAME_BYTES, FRAME_SECONDS
from ringdove.sip.codec import Codec

PCMU: Final = Codec(0, "PCMU", 8000)

_HEADER = struct.Struct("!BBHII")
_LONGEST: Final = 2048
_SILENCE: Final = b"\xff" * FRAME_BYTES
_STAMPS: Final = 35
"""SO_TIMESTAMPNS of Linux, which the socket module does not name: when a packet came, however busy this process is."""
_STAMP = struct.Struct("@ll")


class Packet(NamedTuple):
    """A packet that came: when (`time.monotonic()`), and its payload."""

    at: float
    body: bytes


class Audio:
    """Bound to a free port from the start; sends between `talk` and `quiet`, listens until `close`.

    It says `voice`, but for the time between `hush` and `speak`, when it sends silence.

    `voice` is one packet's worth; `heard` are the packets of this codec that came, `sent` is how many went.
    """

    def __init__(
        self, host: str, voice: bytes, open_socket: Callable[[int, int], socket.socket] = socket.socket
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = open_socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        with suppress(OSError):  # other systems do without
            self._socket.setsockopt(socket.SOL_SOCKET, _STAMPS, 1)
        self._socket.bind((host, 0))
        self._loop.add_reader(self._socket, self._hear)
        self._to: tuple[str, int] | None = None
        self._next: asyncio.TimerHandle | None = None
        self._ssrc = secrets.randbits(32)
        self._voice = self._says = voice
        self.port: int = self._socket.getsockname()[1]
        self.sent = 0
        self.heard: list[Packet] = []

    @property
    def talks(self) -> bool:
        """Whether it sends."""
        return self._next is not None

    def talk(self, host: str, port: int) -> None:
        """Send a packet every 20 ms to there, from now on."""
        self._to = host, port
        if self._next is None:
            self._say(self._loop.time())

    def quiet(self) -> None:
        """Send no more."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def hush(self) -> None:
        """Say nothing,"""
        self._says = _SILENCE

    def speak(self) -> None:
        """and now something again."""
        self._says = self._voice

    def close(self) -> None:
        """Give the port back; what was heard stays."""
        self.quiet()
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _say(self, due: float) -> None:
        header = _HEADER.pack(0x80, PCMU.payload, self.sent & 0xFFFF, self.sent * FRAME_BYTES & 0xFFFFFFFF, self._ssrc)
        with suppress(OSError):  # a full or unreachable far end costs a packet, as on any network
            self._socket.sendto(header + self._says, self._to or ("", 0))
            self.sent += 1
        due += FRAME_SECONDS
        self._next = self._loop.call_at(due, self._say, due)

    def _hear(self) -> None:
        for packet, at in self._arrived():
            if len(packet) > _HEADER.size and packet[0] >> 6 == 2 and packet[1] & 0x7F == PCMU.payload:
                self.heard.append(Packet(at, packet[_HEADER.size :]))

    def _arrived(self) -> Iterator[tuple[bytes, float]]:
        """The packets that wait, each with the time of its arrival."""
        behind = time.time() - time.monotonic()
        with suppress(OSError):
            while True:
                packet, ancillary, _, _ = self._socket.recvmsg(_LONGEST, 64)
                stamp = next((_STAMP.unpack(data) for _, kind, data in ancillary if kind == _STAMPS), None)
                yield packet, time.monotonic() if stamp is None else stamp[0] + stamp[1] / 1e9 - behind
