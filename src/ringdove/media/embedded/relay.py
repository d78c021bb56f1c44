"""The child's loop: commands in, packets through, reports out. Plain epoll, since a loop of this size needs no
framework.
"""

import resource
import select
import socket
from collections.abc import Callable, Sequence
from time import monotonic

from .pair import Pair
from .wire import Alive, Bind, Bound, Command, Free, Freed, Report, Silent, Stream, encode, read_command

TICK = 0.25
"""Seconds between looks for silent parties."""

ALIVE = 1.0
"""Seconds between signs of life."""

_CHUNK = 65_536


class Relay:
    """Carries out what the parent says until the parent is gone."""

    def __init__(self, control: socket.socket, host: str, silence: float, grace: float) -> None:
        """`host`: the address to bind; `silence`: seconds until a party counts as silent, 0 for never; `grace`:
        see Source.
        """
        self._control = control
        self._host = host
        self._silence = silence
        self._grace = grace
        self._pairs: dict[int, Pair] = {}
        self._live: dict[int, Pair] = {}
        self._handlers: dict[int, Callable[[], None]] = {}
        self._epoll = select.epoll()
        self._inbox = b""
        self._outbox = b""
        self._ended = False
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def run(self) -> None:
        """Return when the parent has closed its end or died."""
        self._control.setblocking(False)
        self._epoll.register(self._control.fileno(), select.EPOLLIN)
        self._handlers[self._control.fileno()] = self._converse
        handlers = self._handlers
        next_tick = next_sign = monotonic()
        while not self._ended:
            for descriptor, _ in self._epoll.poll(max(0.0, next_tick - monotonic())):
                handler = handlers.get(descriptor)
                if handler is not None:
                    handler()
            now = monotonic()
            if now >= next_tick:
                next_tick = now + TICK
                self._listen_for_silence(now)
            if now >= next_sign:
                next_sign = now + ALIVE
                self._report(Alive())

    def _converse(self) -> None:
        """The control socket can be read or written."""
        self._flush()
        try:
            data = self._control.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._ended = True
            return
        *lines, self._inbox = (self._inbox + data).split(b"\n")
        for line in lines:
            self._obey(read_command(line))

    def _obey(self, command: Command) -> None:
        if isinstance(command, Stream):
            self._stream(command)
        elif isinstance(command, Bind):
            self._bind(command.ports)
        elif isinstance(command, Free):
            self._free(command)

    def _bind(self, ports: Sequence[int]) -> None:
        bound: list[int] = []
        failed: list[int] = []
        for port in ports:
            try:
                if port not in self._pairs:
                    self._pairs[port] = Pair(self._host, port, self._grace)
                bound.append(port)
            except OSError:
                failed.append(port)
        self._report(Bound(bound, failed))

    def _stream(self, stream: Stream) -> None:
        pair = self._pairs.get(stream.port)
        if pair is None:
            return
        peer = self._pairs.get(stream.peer) if stream.peer is not None else None
        if pair.tell(stream, peer, monotonic()):
            self._live[stream.port] = pair
            for descriptor, handler in pair.readers():
                self._handlers[descriptor] = handler
                self._epoll.register(descriptor, select.EPOLLIN)

    def _free(self, command: Free) -> None:
        for port in command.ports:
            pair = self._pairs.pop(port, None)
            if pair is None:
                self._report(Freed(port))
                continue
            if self._live.pop(port, None):
                for descriptor, _ in pair.readers():
                    del self._handlers[descriptor]
                    self._epoll.unregister(descriptor)
            pair.close()
            self._report(pair.counts)

    def _listen_for_silence(self, now: float) -> None:
        for pair in self._live.values():
            seconds = pair.silence(now, self._silence)
            if seconds is not None:
                self._report(Silent(pair.port, seconds, now))

    def _report(self, report: Report) -> None:
        self._outbox += encode(report)
        self._flush()

    def _flush(self) -> None:
        """Write what the parent takes now; wait for the rest only while there is some."""
        if not self._outbox:
            return
        try:
            sent = self._control.send(self._outbox)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._ended = True
            return
        self._outbox = self._outbox[sent:]
        wanted = select.EPOLLIN | (select.EPOLLOUT if self._outbox else 0)
        self._epoll.modify(self._control.fileno(), wanted)
