"""SIP over TCP (RFC 3261 §18): connections are kept and used both ways, opened on demand, and bounded."""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, cast

from ringdove.sip.hop import Hop
from ringdove.sip.parser import Item, NoMessage, Ping, StreamParser

from .transport import Receiver

PONG: Final = b"\r\n"
"""The answer to a keep-alive (RFC 5626 §4.4.1)."""


@dataclass(frozen=True, slots=True)
class TcpLimits:
    """What connections may cost. Times are seconds, `backlog` octets per connection."""

    connections: int = 10_000
    per_host: int = 2_000
    connect: float = 4.0
    """How long a connection may take to come about."""
    silence: float = 30.0
    """How long a connection may take for its first message, and any message from its first octet to its last."""
    idle: float = 7_200.0
    """How long a connection on which messages came may be silent; keep-alives count as messages."""
    backlog: int = 1024 * 1024
    """What may wait for a peer that does not read, or for a connection to come about."""
    keep_alive: int = 60
    """Idle time after which the kernel probes the peer."""
    unacknowledged: int = 20
    """How long sent octets may stay unacknowledged before the connection counts as lost."""


DEFAULT_LIMITS: Final = TcpLimits()
Remote = tuple[str, int]


@dataclass(slots=True)
class _Attempt:
    """A connection that is coming about, and what waits for it."""

    hop: Hop
    task: asyncio.Task[None] | None = None
    waiting: list[bytes] = field(default_factory=list)
    size: int = 0


class TcpTransport:
    """One listening socket, the connections it accepted and those opened in its name."""

    def __init__(self, receiver: Receiver, limits: TcpLimits) -> None:
        self.receiver = receiver
        self.limits = limits
        self.loop = asyncio.get_running_loop()
        self.host = ""
        self.port = 0
        self._server: asyncio.Server | None = None
        self._connections: dict[Remote, _Connection] = {}
        self._attempts: dict[Remote, _Attempt] = {}
        self._gone: dict[Remote, None] = {}
        """The far ends of accepted connections that are closed, the latest last; no more than connections may be."""
        self._per_host: Counter[str] = Counter()
        self._closing = False

    @classmethod
    async def listen(
        cls, host: str, port: int, receiver: Receiver, limits: TcpLimits = DEFAULT_LIMITS
    ) -> "TcpTransport":
        """Bind to an address; raises OSError."""
        self = cls(receiver, limits)
        family, _, _, _, address = (await self.loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))[0]
        self._server = await self.loop.create_server(
            lambda: _Connection(self, accepted=True), str(address[0]), int(address[1]), family=family, backlog=512
        )
        self.host, self.port = self._server.sockets[0].getsockname()[:2]
        return self

    def send(self, hop: Hop, data: bytes) -> None:
        """Write to the connection to the hop's far end, or open one and write then."""
        remote = hop.remote_host, hop.remote_port
        connection = self._connections.get(remote)
        if connection is not None:
            connection.write(data)
            return
        attempt = self._attempts.get(remote)
        if attempt is None:
            attempt = self._attempts[remote] = _Attempt(hop)
            attempt.task = self.loop.create_task(self._connect(remote, attempt))
        attempt.size += len(data)
        if attempt.size <= self.limits.backlog:
            attempt.waiting.append(data)

    def has_flow(self, hop: Hop) -> bool:
        """Whether there is a connection to the far end."""
        return (hop.remote_host, hop.remote_port) in self._connections

    def is_gone(self, hop: Hop) -> bool:
        """Whether the far end had opened a connection from there, and it is closed."""
        return (hop.remote_host, hop.remote_port) in self._gone

    async def close(self) -> None:
        """Close the listener and every connection."""
        self._closing = True
        if self._server is not None:
            self._server.close()
        tasks = [attempt.task for attempt in self._attempts.values() if attempt.task is not None]
        for task in tasks:
            task.cancel()
        connections = list(self._connections.values())
        for connection in connections:
            connection.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):  # a peer that reads nothing holds nobody up
                await asyncio.gather(*(connection.closed.wait() for connection in connections))
        for connection in connections:
            connection.abort()
        if self._server is not None:
            await self._server.wait_closed()

    async def _connect(self, remote: Remote, attempt: _Attempt) -> None:
        try:
            async with asyncio.timeout(self.limits.connect):
                _, connection = await self.loop.create_connection(lambda: _Connection(self), *remote)
        except OSError:  # TimeoutError is one
            self.receiver.send_failed(attempt.hop)
            return
        finally:
            del self._attempts[remote]
        for data in attempt.waiting:
            connection.write(data)

    def opened(self, connection: "_Connection", remote: Remote) -> bool:
        """Take a new connection in; False where there are too many."""
        full = len(self._connections) >= self.limits.connections or self._per_host[remote[0]] >= self.limits.per_host
        if full or self._closing:
            return False
        self._connections[remote] = connection
        self._gone.pop(remote, None)
        self._per_host[remote[0]] += 1
        return True

    def lost(self, connection: "_Connection", remote: Remote) -> None:
        """Forget a connection."""
        if self._connections.get(remote) is not connection:
            return
        del self._connections[remote]
        self._per_host[remote[0]] -= 1
        if not self._per_host[remote[0]]:
            del self._per_host[remote[0]]
        if connection.accepted:
            self._gone[remote] = None
            if len(self._gone) > self.limits.connections:
                del self._gone[next(iter(self._gone))]
        if not self._closing:
            self.receiver.flow_closed(connection.hop)


class _Connection(asyncio.Protocol):
    """One connection; `accepted` if the far end opened it."""

    def __init__(self, owner: TcpTransport, *, accepted: bool = False) -> None:
        self._owner = owner
        self.accepted = accepted
        self._parser = StreamParser()
        self._deadline = 0.0
        self._watchdog: asyncio.TimerHandle | None = None
        self._in_message = True
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        owner = self._owner
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        peer = transport.get_extra_info("peername")
        self._remote: Remote = peer[:2] if peer else ("", 0)  # none where it was reset before we looked
        self.hop = Hop("tcp", self._remote[0], self._remote[1], owner.host, owner.port)
        if not peer or not owner.opened(self, self._remote):
            self._transport.abort()
            return
        _watch_peer(transport.get_extra_info("socket"), owner.limits)
        self._deadline = owner.loop.time() + owner.limits.silence
        self._watch()

    def data_received(self, data: bytes) -> None:
        owner = self._owner
        try:
            items = self._parser.feed(data)
        except NoMessage as error:
            self._take(error.before)
            owner.receiver.malformed(self.hop, error)
            self._transport.close()
            return
        if items:
            self._in_message = False
            self._deadline = owner.loop.time() + owner.limits.idle
        elif not self._in_message and data.strip(PONG):
            self._in_message = True
            self._deadline = owner.loop.time() + owner.limits.silence
            self._watch()
        self._take(items)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
        self._owner.lost(self, self._remote)
        self.closed.set()

    def write(self, data: bytes) -> None:
        """Send, unless the peer has stopped reading."""
        if self._transport.get_write_buffer_size() > self._owner.limits.backlog:
            self._transport.abort()
        elif not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Close when all is written."""
        self._transport.close()

    def abort(self) -> None:
        """Close now."""
        self._transport.abort()

    def _take(self, items: Iterable[Item]) -> None:
        for item in items:
            if isinstance(item, Ping):
                self.write(PONG)
            else:
                self._owner.receiver.received(item, self.hop)

    def _watch(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
        self._watchdog = self._owner.loop.call_at(self._deadline, self._check)

    def _check(self) -> None:
        if self._owner.loop.time() < self._deadline:
            self._watch()
        else:
            self._transport.abort()


def _watch_peer(sock: socket.socket, limits: TcpLimits) -> None:
    """Have the kernel find out that a peer has vanished, so that nobody waits for it."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, limits.keep_alive)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, limits.unacknowledged * 1000)
