"""One stream connection: taken apart into messages, timed, and bounded in what it may cost (RFC 3261 §18.3)."""

import asyncio
import socket
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast

from ringdove.sip.hop import Hop
from ringdove.sip.parser import Item, NoMessage, Ping, StreamParser

from .transport import Receiver

PONG: Final = b"\r\n"
"""The answer to a keep-alive (RFC 5626 §4.4.1)."""
Remote = tuple[str, int]


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What connections may cost. Times are seconds, `backlog` octets per connection."""

    connections: int = 10_000
    """Also those that are coming about."""
    per_host: int = 2_000
    connect: float = 4.0
    """How long a connection of ours may take to come about."""
    handshake: float = 10.0
    """How long a peer may take for the TLS handshake."""
    silence: float = 30.0
    """How long a connection may take for its first message, and any message from its first octet to its last."""
    idle: float = 7_200.0
    """How long a connection on which messages came may be silent; keep-alives count as messages then."""
    linger: float = 1.0
    """How long a peer has to read why nothing more of it is read."""
    backlog: int = 256 * 1024
    """What may wait for a peer that does not read, or for a connection to come about."""
    keep_alive: int = 60
    """Idle time after which the kernel probes the peer."""
    unacknowledged: int = 20
    """How long sent octets may stay unacknowledged, or unread, before the connection counts as lost."""


class Owner(Protocol):
    """The transport that a connection belongs to: see `StreamTransport`."""

    name: str
    host: str
    port: int
    limits: StreamLimits
    receiver: Receiver
    loop: asyncio.AbstractEventLoop
    is_closing: bool
    turned_away: Counter[str]

    def hop(self, remote: Remote) -> Hop:
        """To and from a far end."""

    def opened(self, connection: "Connection") -> None:
        """It has come about."""

    def lost(self, connection: "Connection") -> None:
        """It is closed."""


class Connection(asyncio.Protocol):
    """One connection; `accepted` if the far end opened it. Deadlines are of the loop's clock."""

    def __init__(self, owner: Owner, remote: Remote, *, accepted: bool = False) -> None:
        self.remote = remote
        self.hop = owner.hop(remote)
        self.accepted = accepted
        self.is_made = False
        """Whether it has come about, its handshake included."""
        self.closed = asyncio.Event()
        self._owner = owner
        self._parser = StreamParser()
        self._deadline = 0.0
        self._watchdog: asyncio.TimerHandle | None = None
        self._in_message = True
        self._is_deaf = False
        self._is_known = not accepted
        """A message has come over it, or it is ours: keep-alives count as signs of life."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self.is_made = True
        self._owner.opened(self)
        _watch_peer(transport.get_extra_info("socket"), self._owner.limits)
        self._wait(self._owner.limits.silence)
        if self._owner.is_closing:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            return
        if self.accepted and not self._owner.receiver.admits(self.hop):
            self._transport.abort()
            return
        try:
            items = self._parser.feed(data)
        except NoMessage as error:
            self._take(error.before)
            self._give_up(error)
        else:
            self._note(items)
            self._take(items)

    def pause_writing(self) -> None:
        """The peer does not read what it is told: it is not listened to meanwhile, so that no more comes to wait."""
        self._transport.pause_reading()
        self._wait(self._owner.limits.unacknowledged)

    def resume_writing(self) -> None:
        """It reads again."""
        limits = self._owner.limits
        self._transport.resume_reading()
        self._wait(limits.silence if self._in_message or not self._is_known else limits.idle)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
        self._owner.lost(self)
        self.closed.set()

    def write(self, data: bytes) -> None:
        """Send, unless the peer has stopped reading."""
        if self._transport.get_write_buffer_size() > self._owner.limits.backlog:
            self._drop()
        elif not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Close when all is written."""
        self._transport.close()

    def abort(self) -> None:
        """Close now."""
        self._transport.abort()

    def _note(self, items: Sequence[Item]) -> None:
        """See how long the peer may take from here."""
        limits = self._owner.limits
        began, self._in_message = not self._in_message or bool(items), self._parser.is_in_message
        self._is_known = self._is_known or any(not isinstance(item, Ping) for item in items)
        if self._in_message and began:
            self._wait(limits.silence)
        elif not self._in_message and self._is_known:
            self._deadline = self._owner.loop.time() + limits.idle

    def _take(self, items: Sequence[Item]) -> None:
        receiver = self._owner.receiver
        if pings := sum(isinstance(item, Ping) for item in items):
            self.write(PONG * pings)
            receiver.kept_alive(self.hop, pings)
        for item in items:
            if not isinstance(item, Ping):
                receiver.received(item, self.hop, trusted=receiver.trusts(self.hop))

    def _give_up(self, error: NoMessage) -> None:
        """Nothing more can be read. To close at once could take an answer away from the peer (RFC 1122 §4.2.2.13)."""
        self._is_deaf = True
        self._owner.receiver.malformed(self.hop, error)
        if error.request is None and not error.before:
            self._transport.abort()
        else:
            self._wait(self._owner.limits.linger)

    def _wait(self, seconds: float) -> None:
        """Close the connection in so many seconds, unless the deadline is put off before."""
        self._deadline = self._owner.loop.time() + seconds
        self._watch()

    def _watch(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
        self._watchdog = self._owner.loop.call_at(self._deadline, self._check)

    def _check(self) -> None:
        if self._owner.loop.time() < self._deadline:
            self._watch()
        else:
            self._drop()

    def _drop(self) -> None:
        if not self._is_deaf:
            self._owner.turned_away["slow"] += 1
        self._transport.abort()


def _watch_peer(sock: socket.socket, limits: StreamLimits) -> None:
    """Have the kernel find out that a peer has vanished, so that nobody waits for it."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, limits.keep_alive)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, limits.unacknowledged * 1000)
