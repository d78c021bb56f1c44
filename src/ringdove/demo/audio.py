"""The audio of a simulated phone: one RTP socket that talks in 20 ms packets and counts what it hears (RFC 3550)."""

import asyncio
import secrets
import socket
import struct
from collections import Counter
from contextlib import suppress
from typing import Final

from ringdove.sip.sdp import Codec

PCMU: Final = Codec(0, "PCMU", 8000)
PACKET_SECONDS: Final = 0.02

_HEADER = struct.Struct("!BBHII")
_SAMPLES: Final = 160
_BLOCK: Final = bytes((0x80,)) * _SAMPLES
_LONGEST: Final = 2048


class Audio:
    """Bound to a free port from the start; talks between `talk` and `quiet`, listens until `close`.

    `heard` counts the packets of this codec that came, by the SSRC of who sent them; `ssrc` is this phone's own.
    """

    def __init__(self, host: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((host, 0))
        self._loop.add_reader(self._socket, self._hear)
        self._to: tuple[str, int] | None = None
        self._next: asyncio.TimerHandle | None = None
        self.port: int = self._socket.getsockname()[1]
        self.ssrc = secrets.randbits(32)
        self.sent = 0
        self.heard: Counter[int] = Counter()

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

    def close(self) -> None:
        """Give the port back; the counts stay."""
        self.quiet()
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _say(self, due: float) -> None:
        header = _HEADER.pack(0x80, PCMU.payload, self.sent & 0xFFFF, self.sent * _SAMPLES & 0xFFFFFFFF, self.ssrc)
        with suppress(OSError):  # a full or unreachable far end costs a packet, as on any network
            self._socket.sendto(header + _BLOCK, self._to or ("", 0))
            self.sent += 1
        due += PACKET_SECONDS
        self._next = self._loop.call_at(due, self._say, due)

    def _hear(self) -> None:
        with suppress(OSError):
            while True:
                packet = self._socket.recv(_LONGEST)
                if len(packet) > _HEADER.size and packet[0] >> 6 == 2 and packet[1] & 0x7F == PCMU.payload:
                    self.heard[int.from_bytes(packet[8:12])] += 1
