"""SIP over streams (RFC 3261 §18): connections are kept and used both ways, opened on demand, and bounded.

What TCP and TLS have in common; `tcp.py` and `tls.py` say how a connection is secured.
"""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from ringdove.sip.hop import Hop

from .connection import Connection, Remote, StreamLimits
from .transport import Receiver

log = structlog.get_logger(__name__)

BATCH: Final = 64
"""Connections accepted before other work gets its turn."""
BREATH: Final = 1.0
"""Seconds until connections are accepted again after the system had no room for one."""

DEFAULT_LIMITS: Final = StreamLimits()

_NO_ROOM: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


@dataclass(slots=True)
class _Attempt:
    """A connection that is coming about, and what waits for it."""

    hop: Hop
    task: asyncio.Task[None] | None = None
    waiting: list[bytes] = field(default_factory=list)
    size: int = 0


class StreamTransport:
    """One listening socket, the connections it accepted and those opened in its name.

    Connections are accepted here and not by an asyncio server, so that they are counted, and turned away, before
    anything is spent on them.
    """

    name = ""
    """As in `Hop.transport`."""

    def __init__(self, listener: socket.socket, receiver: Receiver, limits: StreamLimits) -> None:
        self.receiver = receiver
        self.limits = limits
        self.loop = asyncio.get_running_loop()
        self.host, self.port = listener.getsockname()[:2]
        self.is_closing = False
        self._listener = listener
        self._breath: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._connections: dict[Remote, Connection] = {}
        self._attempts: dict[Remote, _Attempt] = {}
        self._gone: dict[Remote, None] = {}
        """The far ends of accepted connections that are closed, the latest last; no more than connections may be."""
        self.turned_away: Counter[str] = Counter()
        """How many connections were, by reason: caps, door (not welcome), handshake, slow (silent too long, or not
        reading)."""
        self._per_host: Counter[str] = Counter()
        self._count = 0
        self._listen()

    # What makes TCP and TLS differ

    def _accepting(self) -> ssl.SSLContext | None:
        """How the next connection of a peer is secured."""
        return None

    def _connecting(self) -> ssl.SSLContext | None:
        """How the next connection of ours is secured."""
        return None

    # What every transport offers

    def send(self, hop: Hop, data: bytes) -> None:
        """Write to the connection to the hop's far end, or open one and write then."""
        connection = self._connections.get((hop.remote_host, hop.remote_port))
        if connection is not None:
            connection.write(data)
            return
        attempt = self._attempt(hop)
        if attempt is None:
            self.loop.call_soon(self.receiver.send_failed, hop)
            return
        attempt.size += len(data)
        if attempt.size <= self.limits.backlog:
            attempt.waiting.append(data)

    async def connect(self, hop: Hop, within: float) -> bool:
        """Open a connection where there is none; whether there is one after at most `within` seconds."""
        attempt = None if self.has_flow(hop) else self._attempt(hop)
        if attempt is not None and attempt.task is not None:
            await asyncio.wait([attempt.task], timeout=within)
        return self.has_flow(hop)

    @property
    def connections(self) -> int:
        """How many there are, those included that are coming about."""
        return self._count

    def has_flow(self, hop: Hop) -> bool:
        """Whether there is a connection to the far end."""
        return (hop.remote_host, hop.remote_port) in self._connections

    def is_gone(self, hop: Hop) -> bool:
        """Whether the far end had opened a connection from there, and it is closed."""
        return (hop.remote_host, hop.remote_port) in self._gone

    async def close(self) -> None:
        """Close the listener and every connection."""
        self.is_closing = True
        if self._breath is not None:
            self._breath.cancel()
        self.loop.remove_reader(self._listener.fileno())
        self._listener.close()
        await asyncio.sleep(0)  # each task has its socket in hand then, and closes it
        for task in self._tasks:
            task.cancel()
        connections = list(self._connections.values())
        for connection in connections:
            connection.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):  # a peer that reads nothing holds nobody up
                await asyncio.gather(*(connection.closed.wait() for connection in connections))
        for connection in connections:
            connection.abort()

    # Connections of peers

    def _listen(self) -> None:
        self.loop.add_reader(self._listener.fileno(), self._acceptable)

    def _acceptable(self) -> None:
        for _ in range(BATCH):
            try:
                sock, address = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _NO_ROOM:
                    log.error("cannot_accept", transport=self.name, error=error.strerror)
                    self.loop.remove_reader(self._listener.fileno())
                    self._breath = self.loop.call_later(BREATH, self._listen)
                    return
                continue  # it was gone before we looked
            why_not = self._why_not(address[:2])
            if why_not is None:
                sock.setblocking(False)
                self._start(self._accept(sock, address[:2]))
            else:
                self.turned_away[why_not] += 1
                sock.close()

    def _why_not(self, remote: Remote) -> str | None:
        """Why a connection is not taken; None, and counted, where it is."""
        if not self.receiver.welcomes(self.hop(remote)):
            return "door"
        return None if self._admit(remote[0]) else "caps"

    async def _accept(self, sock: socket.socket, remote: Remote) -> None:
        connection = Connection(self, remote, accepted=True)
        try:
            await self.loop.connect_accepted_socket(lambda: connection, sock, **self._security(self._accepting()))
        except OSError as error:  # of TLS, too
            self.turned_away["handshake"] += 1
            log.debug("handshake_failed", source=str(connection.hop), error=str(error))
        finally:
            if not connection.is_made:
                self._dismiss(remote[0])

    # Connections of ours

    def _attempt(self, hop: Hop) -> _Attempt | None:
        """The connection that is coming about to the hop's far end; None where there are too many."""
        remote = hop.remote_host, hop.remote_port
        attempt = self._attempts.get(remote)
        if attempt is None and self._admit(hop.remote_host):
            attempt = self._attempts[remote] = _Attempt(hop)
            attempt.task = self._start(self._connect(remote, attempt))
        return attempt

    async def _connect(self, remote: Remote, attempt: _Attempt) -> None:
        connection = Connection(self, remote)
        try:
            async with asyncio.timeout(self.limits.connect):
                await self.loop.create_connection(lambda: connection, *remote, **self._security(self._connecting()))
        except OSError:  # TimeoutError is one, and so are those of TLS
            self.receiver.send_failed(attempt.hop)
            return
        finally:
            del self._attempts[remote]
            if not connection.is_made:
                self._dismiss(remote[0])
        for data in attempt.waiting:
            connection.write(data)

    # What both kinds share

    def hop(self, remote: Remote) -> Hop:
        """To and from a far end."""
        return Hop(self.name, *remote, self.host, self.port)

    def opened(self, connection: "Connection") -> None:
        """Take a new connection in."""
        self._connections[connection.remote] = connection
        self._gone.pop(connection.remote, None)

    def lost(self, connection: "Connection") -> None:
        """Forget a connection."""
        remote = connection.remote
        self._dismiss(remote[0])
        if self._connections.get(remote) is not connection:
            return
        del self._connections[remote]
        if connection.accepted:
            self._gone[remote] = None
            if len(self._gone) > self.limits.connections:
                del self._gone[next(iter(self._gone))]
        if not self.is_closing:
            self.receiver.flow_closed(connection.hop)

    def _admit(self, host: str) -> bool:
        """Count one more connection with a host; False where there are too many."""
        if self._count >= self.limits.connections or self._per_host[host] >= self.limits.per_host or self.is_closing:
            return False
        self._count += 1
        self._per_host[host] += 1
        return True

    def _dismiss(self, host: str) -> None:
        """Count one less."""
        self._count -= 1
        self._per_host[host] -= 1
        if not self._per_host[host]:
            del self._per_host[host]

    def _security(self, context: ssl.SSLContext | None) -> dict[str, Any]:
        """What asyncio is to be told to secure a connection."""
        if context is None:
            return {}
        return {"ssl": context, "ssl_handshake_timeout": self.limits.handshake, "ssl_shutdown_timeout": 1.0}

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def bind(host: str, port: int) -> socket.socket:
    """A socket that listens on an address; raises OSError."""
    loop = asyncio.get_running_loop()
    family, _, _, _, address = (await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))[0]
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(512)
    except BaseException:
        sock.close()
        raise
    return sock
