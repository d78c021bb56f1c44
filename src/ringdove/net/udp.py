"""SIP over UDP (RFC 3261 §18): one socket, read in batches, written at once."""

import asyncio
import errno
import select
import socket
import struct
import sys
from typing import Final

from ringdove.sip.hop import Hop
from ringdove.sip.parser import NoMessage, parse

from .transport import Receiver

BATCH: Final = 64
"""Datagrams read before other work gets its turn."""
MOST_HOPS: Final = 8192
MAX_DATAGRAM: Final = 65_535
RECEIVE_BUFFER: Final = 4 * 1024 * 1024
"""Octets asked of the kernel: enough for a burst of re-registering phones."""

# Linux only, and not all named by Python 3.11's socket module (linux/in.h, linux/in6.h, linux/errqueue.h).
_IP_RECVERR: Final = 11
_IPV6_RECVERR: Final = 25
_REFUSALS: Final = {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN}
_LINUX: Final = sys.platform == "linux"


class UdpTransport:
    """One UDP socket.

    On Linux the error queue of the socket says which peer refused a datagram (ICMP), which asyncio's own datagram
    transports cannot tell; hence a bare socket.
    """

    def __init__(self, sock: socket.socket, receiver: Receiver) -> None:
        self._socket = sock
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        self.host, self.port = sock.getsockname()[:2]
        self._hops: dict[tuple[str, int], Hop] = {}
        """Of who was heard, so that not every datagram needs one made."""
        self._buffer = memoryview(bytearray(MAX_DATAGRAM))
        """What is read in here is kept in pieces of its own length. Pieces for the largest there may be, cut to what
        came, left holes in the heap that none of the next fitted into: 80 MB an hour.
        """
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._watched: select.epoll | socket.socket = sock
        if _LINUX:
            # uvloop stops watching a socket that reports an error. An epoll set in between never reports one: it
            # merely becomes readable.
            self._watched = select.epoll()
            self._watched.register(sock, select.EPOLLIN)
        self._loop.add_reader(self._watched.fileno(), self._readable)

    @classmethod
    async def listen(cls, host: str, port: int, receiver: Receiver) -> "UdpTransport":
        """Bind to an address; raises OSError."""
        loop = asyncio.get_running_loop()
        family, _, _, _, address = (await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM))[0]
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                if _LINUX:
                    sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
            elif _LINUX:
                sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
            sock.bind(address)
        except BaseException:
            sock.close()
            raise
        return cls(sock, receiver)

    def send(self, hop: Hop, data: bytes) -> None:
        """Send the datagram in this turn of the loop. What the kernel has no room for is lost like on the wire."""
        address = hop[1:3]
        try:
            try:
                self._socket.sendto(data, address)
            except OSError as error:
                if error.errno not in _REFUSALS or not self._read_refusals():
                    raise
                self._socket.sendto(data, address)  # the error was an earlier datagram's
        except BlockingIOError:
            pass
        except OSError as error:
            # A datagram too long says nothing about the peer: it is lost, and what else goes there is not.
            if error.errno != errno.EMSGSIZE:
                self._loop.call_soon(self._receiver.send_failed, hop)

    def has_flow(self, hop: Hop) -> bool:
        """Always: datagrams need none."""
        return True

    async def connect(self, hop: Hop, within: float) -> bool:
        """There is nothing to connect."""
        return True

    def is_gone(self, hop: Hop) -> bool:
        """Never, as there was none."""
        return False

    async def close(self) -> None:
        """Close the socket."""
        self._loop.remove_reader(self._watched.fileno())
        self._watched.close()
        self._socket.close()

    def _readable(self) -> None:
        for count in range(BATCH):
            try:
                size, address = self._socket.recvfrom_into(self._buffer)
            except (BlockingIOError, InterruptedError):
                if not count and _LINUX:
                    self._read_refusals()  # it was no datagram that woke us
                return
            except OSError:  # a refusal, which is told before any datagram
                self._read_refusals()
                continue
            hop = self._hops.get(address) or self._hop(address)
            trusted = self._receiver.trusts(hop)
            if trusted or self._receiver.admits(hop):
                self._received(self._buffer[:size].tobytes(), hop, trusted)
            if self._socket.fileno() < 0:
                return  # closed by what the message led to
            if not count and not self._poll.poll(0):
                return  # as nearly always where there is little to do; to read in vain takes five times as long

    def _received(self, data: bytes, source: Hop, trusted: bool) -> None:
        if not data.strip(b"\r\n\0"):
            return  # keep-alives (RFC 5626 §3.5.1 and what phones make of it)
        try:
            message = parse(data)
        except NoMessage as error:
            self._receiver.malformed(source, error)
            return
        self._receiver.received(message, source, data, trusted=trusted)

    def _read_refusals(self) -> bool:
        """Empty the error queue; whether there was anything in it."""
        found = False
        for _ in range(BATCH):
            try:
                _, ancillary, _, address = self._socket.recvmsg(0, 512, socket.MSG_ERRQUEUE)
            except OSError:
                break
            found = True
            for _, kind, value in ancillary:
                if kind in (_IP_RECVERR, _IPV6_RECVERR) and struct.unpack_from("=I", value)[0] in _REFUSALS:
                    self._loop.call_soon(self._receiver.send_failed, self._hop(address))
        return found

    def _hop(self, address: tuple[str, int]) -> Hop:
        hop = self._hops.get(address)
        if hop is None:
            if len(self._hops) >= MOST_HOPS:
                self._hops.clear()
            hop = self._hops[address] = Hop("udp", address[0], address[1], self.host, self.port)
        return hop
