"""A network that loses, doubles and delays datagrams: put into the phones' sockets, for SIP and RTP alike."""

import asyncio
import re
import socket
import ssl
from collections import Counter, deque
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from ringdove.net.endpoint import Listen
from ringdove.net.tcp import TcpTransport
from ringdove.net.tls import TlsTransport
from ringdove.net.transport import Receiver
from ringdove.net.udp import UdpTransport

Address = tuple[str, int]
_CALL_ID = re.compile(rb"^(?:Call-ID|i) *: *([^\r\n]+)", re.MULTILINE | re.IGNORECASE)
_LATEST = 0.06
"""Seconds that a datagram may be late: three packets of RTP overtake it."""


@dataclass
class Weather:
    """How bad the network is, as shares of the datagrams in each direction, and what it has done so far."""

    random: Random
    loss: float = 0.01
    double: float = 0.002
    delay: float = 0.005
    done: Counter[str] = field(default_factory=Counter)
    lost_of: Counter[str] = field(default_factory=Counter)
    """How many SIP messages were lost, by Call-ID."""

    def fate(self, data: bytes) -> str:
        """What happens to a datagram: carried, lost, doubled or delayed."""
        chance, fate = self.random.random(), "carried"
        for share, name in ((self.loss, "lost"), (self.double, "doubled"), (self.delay, "delayed")):
            if chance < share:
                fate = name
                break
            chance -= share
        self.done[fate] += 1
        if fate == "lost" and (call := _CALL_ID.search(data)):
            self.lost_of[call[1].decode(errors="replace").strip()] += 1
        return fate


class LossySocket(socket.socket):
    """A UDP socket on such a network. While it is `deaf` nothing comes and nothing goes."""

    def __init__(self, weather: Weather, family: int, kind: int) -> None:
        super().__init__(family, kind)
        self.deaf = False
        self._weather = weather
        self._waiting: deque[Any] = deque()
        """What was read and not handed on yet."""

    def sendto(self, data: bytes, address: Address) -> int:  # type: ignore[override]
        """Send it, as far as the network is willing."""
        if self.deaf:
            return len(data)
        match self._weather.fate(data):
            case "lost":
                return len(data)
            case "delayed":
                late = self._weather.random.uniform(0.0, _LATEST)
                asyncio.get_running_loop().call_later(late, self._late, data, address)
                return len(data)
            case "doubled":
                super().sendto(data, address)
        return super().sendto(data, address)

    def recvfrom_into(self, buffer: memoryview) -> Any:  # type: ignore[override]
        """The next datagram that was not lost."""
        data, source = self._next(partial(super().recvfrom, len(buffer)))
        buffer[: len(data)] = data
        return len(data), source

    def recvmsg(self, size: int, ancillary: int = 0, flags: int = 0) -> Any:
        """The next datagram that was not lost; refusals are never lost."""
        read = partial(super().recvmsg, size, ancillary, flags)
        return read() if flags else self._next(read)

    def _next(self, read: Any) -> Any:
        while not self._waiting:
            got = read()
            fate = "lost" if self.deaf else self._weather.fate(got[0])
            if fate == "delayed":  # the next one overtakes it, if there is one
                self._waiting.append(got)
                try:
                    self._waiting.appendleft(read())
                except OSError:
                    break
            elif fate != "lost":
                self._waiting.extend([got] * (2 if fate == "doubled" else 1))
        return self._waiting.popleft()

    def _late(self, data: bytes, address: Address) -> None:
        if self.fileno() >= 0 and not self.deaf:
            try:
                super().sendto(data, address)
            except OSError:
                self._weather.done["lost"] += 1


def _no_certificate() -> ssl.SSLContext:
    """Who connects to a phone, which the server never does while there is its own connection, is not let in."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


class Network:
    """What one phone is plugged into."""

    def __init__(self, weather: Weather) -> None:
        self._weather = weather
        self._sockets: list[LossySocket] = []
        self.transports: dict[str, Listen] = {
            "udp": self._listen,
            "tcp": TcpTransport.listen,
            "tls": partial(TlsTransport.listen, _no_certificate),
        }

    def open(self, family: int, kind: int) -> LossySocket:
        """A UDP socket."""
        opened = LossySocket(self._weather, family, kind)
        self._sockets = [*(sock for sock in self._sockets if sock.fileno() >= 0), opened]
        return opened

    def cut(self) -> None:
        """Pull the cable: nothing comes and nothing goes any more, and nobody is told."""
        for sock in self._sockets:
            sock.deaf = True

    async def _listen(self, host: str, port: int, receiver: Receiver) -> UdpTransport:
        sock = self.open(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.bind((host, port))
        return UdpTransport(sock, receiver)
