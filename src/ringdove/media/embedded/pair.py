"""One port pair of the child: an RTP and an RTCP socket and the party behind them."""

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic

from .rtp import is_rtcp, is_rtp
from .source import Address, Source
from .wire import Freed, Stream

BATCH = 32
"""Packets taken from one socket before the others get their turn."""

_EXPEDITED = 0xB8  # DSCP EF (RFC 3246) in the upper six bits
_MOST = 2048
_DROP = 0xFF
_NOTHING_PASSES = bytes([_DROP]) * 128

_packet = bytearray(_MOST)  # one for all: a packet is sent on before the next one is read
_view = memoryview(_packet)


class Pair:
    """Bound at once, read only from the first `tell` on, so that a ringing phone costs nothing."""

    def __init__(self, host: str, port: int, grace: float) -> None:
        """Raises OSError when one of the two ports cannot be had."""
        self.port = port
        self.peer: Pair | None = None
        self.rtp = _bind(host, port)
        try:
            self.rtcp = _bind(host, port + 1)
        except OSError:
            self.rtp.close()
            raise
        self._wide = self.rtp.family == socket.AF_INET6
        self._source = Source(grace)
        self._rtcp_source = Source(grace)
        self._epoch: int | None = None
        self._numbers = _NOTHING_PASSES
        self._watched = False
        self._told = False
        self._heard = False
        self._heard_at = 0.0
        self._packets_in = self._octets_in = self._packets_out = self._octets_out = self._dropped = 0

    @property
    def counts(self) -> Freed:
        """What was counted so far."""
        return Freed(self.port, self._packets_in, self._octets_in, self._packets_out, self._octets_out, self._dropped)

    def readers(self) -> Iterator[tuple[int, Callable[[], None]]]:
        """The file descriptors to wait for, and what to call when they are readable."""
        yield (self.rtp.fileno(), self._read_rtp)
        yield (self.rtcp.fileno(), self._read_rtcp)

    def tell(self, stream: Stream, peer: "Pair | None", now: float) -> bool:
        """Take the party's state. True the first time: the pair is to be read from now on."""
        first = self._epoch is None
        if first:
            _drain(self.rtp)
            _drain(self.rtcp)
        if stream.epoch != self._epoch:
            self._epoch = stream.epoch
            self._source.signal(self._address(stream.host, stream.rtp))
            self._rtcp_source.signal(self._address(stream.host, stream.rtcp))
        self.peer = peer
        table = bytearray(_NOTHING_PASSES)
        for received, sent, _ in stream.numbers:
            table[received] = sent
        self._numbers = bytes(table)
        if stream.watch and not self._watched:
            self._heard_at = now
            self._told = False
        self._watched = stream.watch
        return first

    def silence(self, now: float, limit: float) -> float | None:
        """Seconds since the party was heard, when that has just become more than `limit`. To be asked now and then."""
        if self._heard:
            self._heard = self._told = False
            self._heard_at = now
        elif self._watched and not self._told and now - self._heard_at > limit > 0:
            self._told = True
            return now - self._heard_at
        return None

    def close(self) -> None:
        """Give the ports back."""
        self.rtp.close()
        self.rtcp.close()

    def _read_rtp(self) -> None:
        receive = self.rtp.recvfrom_into
        source = self._source
        for _ in range(BATCH):
            try:
                size, address = receive(_packet)
            except OSError:
                return
            if not is_rtp(_packet, size) or not (address == source.learned or source.admits(address, monotonic())):
                self._dropped += 1
                continue
            self._heard = True
            self._packets_in += 1
            self._octets_in += size
            marker_and_number = _packet[1]
            number = self._numbers[marker_and_number & 0x7F]
            if self.peer is None or number == _DROP or size == _MOST:
                self._dropped += 1
                continue
            _packet[1] = marker_and_number & 0x80 | number
            self.peer.send_rtp(size)

    def send_rtp(self, size: int) -> None:
        """Send the packet just read to this pair's party."""
        target = self._source.target
        if target is None:
            return
        with suppress(OSError):
            self.rtp.sendto(_view[:size], target)
            self._packets_out += 1
            self._octets_out += size

    def _read_rtcp(self) -> None:
        for _ in range(BATCH):
            try:
                size, address = self.rtcp.recvfrom_into(_packet)
            except OSError:
                return
            if not is_rtcp(_packet, size) or not self._rtcp_source.admits(address, monotonic()):
                continue
            peer = self.peer
            if peer is not None and size < _MOST and peer._rtcp_source.target is not None:
                with suppress(OSError):
                    peer.rtcp.sendto(_view[:size], peer._rtcp_source.target)

    def _address(self, host: str | None, port: int) -> Address | None:
        if host is None or (":" in host) != self._wide:
            return None
        return (host, port, 0, 0) if self._wide else (host, port)


def _bind(host: str, port: int) -> socket.socket:
    wide = ":" in host
    sock = socket.socket(socket.AF_INET6 if wide else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if wide:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        with suppress(OSError):
            if wide:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _EXPEDITED)
            else:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _EXPEDITED)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _drain(sock: socket.socket) -> None:
    """Throw away what came while nobody listened: it is not to be heard late."""
    for _ in range(10_000):
        try:
            sock.recvfrom_into(_packet)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK):
                return
