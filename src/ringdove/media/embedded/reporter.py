"""RTCP of one port pair: what we say about both directions, and what the party says (RFC 3550 §6)."""

import os
import random
import socket
from contextlib import suppress
from time import monotonic, time

from . import rtcp
from .outgoing import Outgoing
from .reception import Block, Reception
from .source import Address, Source

INTERVAL = 5.0
"""Seconds between two reports on average (§6.2)."""

_packet = bytearray(2048)


class Reporter:
    """Ends RTCP here, as RTP ends here: nothing of one party's reports is passed on to another."""

    __slots__ = ("_before", "_cname", "_reported", "_sender", "_sock", "_source", "block")

    def __init__(self, sock: socket.socket, grace: float) -> None:
        self.block: Block | None = None
        """What the party said last about our stream."""
        self._sock = sock
        self._source = Source(grace)
        self._cname = b""
        self._sender: tuple[int, int, float] | None = None
        """SSRC and moment of the party's last sender report, and when it came."""
        self._reported = (0, 0)
        self._before = 0

    @property
    def lost(self) -> int:
        """Packets of ours that did not arrive, as the party said."""
        return self._before + (max(0, self.block.lost) if self.block else 0)

    def signal(self, address: Address | None) -> None:
        """Where the party wants RTCP; see Source."""
        self._source.signal(address)

    def read(self, outgoing: Outgoing) -> None:
        """Take one datagram in, if there is one."""
        try:
            size, address = self._sock.recvfrom_into(_packet)
        except OSError:
            return
        now = monotonic()
        said = rtcp.read(_packet, size, outgoing.ssrc)
        if said is None or not self._source.admits(address, now):
            return
        if said.moment is not None:
            self._sender = (said.ssrc, said.moment, now)
        if said.block is not None:
            if self.block is not None and self.block.ssrc != said.block.ssrc:
                self._before = self.lost
            self.block = said.block

    def write(self, outgoing: Outgoing, reception: Reception | None, now: float, *, bye: bool = False) -> None:
        """Send a report; with `bye` the last one, which only a party needs that was sent something."""
        target = self._source.target
        packets, octets = outgoing.sent
        if target is None or (bye and not packets):
            return
        sent = None
        if packets and (outgoing.ssrc, packets) != self._reported:
            sent = rtcp.Sent(time(), outgoing.clocked(now), packets, octets)
        self._reported = (outgoing.ssrc, packets)
        self._cname = self._cname or os.urandom(12).hex().encode()  # a new one for each call (RFC 7022 §4.2)
        block = reception.report() if reception is not None else None
        last = None
        if block is not None and self._sender is not None and self._sender[0] == block.ssrc:
            last = (self._sender[1], now - self._sender[2])
        packet = rtcp.report(outgoing.ssrc, self._cname, sent, block, last)
        with suppress(OSError):
            self._sock.sendto(packet + rtcp.goodbye(outgoing.ssrc) if bye else packet, target)

    @staticmethod
    def pause() -> float:
        """Seconds until the next report, so that many do not fall into step."""
        return INTERVAL * (0.5 + random.random())  # noqa: S311 - no secret
