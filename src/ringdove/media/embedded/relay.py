"""The child's loop: commands in, packets through, reports out. Plain epoll, since a loop of this size needs no
framework.
"""

import resource
import select
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic, sleep

from ..frames import FRAME_SECONDS
from .ear import Vigil
from .pair import Pair
from .recorder import Recorder
from .sockets import Sockets
from .timers import Timers
from .wire import (
    Alive,
    Bind,
    Bound,
    Close,
    Command,
    Free,
    Freed,
    Play,
    Record,
    Recorded,
    Report,
    Stream,
    encode,
    read_commands,
)

LOOK = 0.1
"""Seconds between looks for silent parties and keys that were let go."""

GLANCE = 100
"""Parties that are looked at in a row: packets are not to wait for more."""

ALIVE = 1.0
"""Seconds between signs of life, and between writes to tapes."""

GATHER = 0.001
"""Seconds to let packets come together after some were sent on: to be woken costs as much as a packet itself."""

BATCH = 64
"""Sockets that are read in a row, one packet each, before timers get their turn."""

SLOTS = 8
"""Times within 20 ms at which players send, in turn: so that they neither send all at once nor wake us for each.
"""

SPARE = 64
"""Files that are left for other things than pairs."""
FILES = 3
"""Files that a pair may need: its two sockets, and what is played to its party."""

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
        self._sockets: dict[int, Sockets] = {}
        self._pairs: dict[int, Pair] = {}
        """By port, the parties that we were told of."""
        self._live: dict[int, Pair] = {}
        self._unseen: list[int] = []
        """Ports whose parties are still to be looked at this time."""
        self._pause = LOOK
        """Seconds between two glances."""
        self._recorders: dict[str, tuple[Recorder, Sequence[int]]] = {}
        self._timers = Timers()
        self._slot = 0
        self._handlers: dict[int, Callable[[], None]] = {}
        self._epoll = select.epoll()
        self._inbox = b""
        self._said: list[Report] = []
        """What is to be told to the parent."""
        self._outbox = b""
        """What it has not taken yet."""
        self._ended = False
        _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        self._most = (files - SPARE) // FILES
        """Pairs that may be open."""

    def run(self) -> None:
        """Return when the parent has closed its end or died."""
        self._control.setblocking(False)
        control = self._control.fileno()
        self._epoll.register(control, select.EPOLLIN)
        self._handlers[control] = self._converse
        handlers, poll, timers = self._handlers, self._epoll.poll, self._timers
        timers.at(monotonic(), self._look)
        timers.at(monotonic(), self._live_on)
        before: set[int] = set()
        while not self._ended:
            due = timers.run(monotonic())
            self._flush()
            events = poll(max(0.0, due - monotonic()), BATCH)
            for descriptor, _ in events:
                handler = handlers.get(descriptor)
                if handler is not None:
                    handler()
            self._flush()
            ready = {descriptor for descriptor, _ in events}
            ready.discard(control)
            behind = len(events) == BATCH or not ready.isdisjoint(before)  # more wait: at others, at the same
            if ready and not behind:
                sleep(GATHER)
            before = ready
        for recorder, _ in self._recorders.values():
            recorder.close()

    def _converse(self) -> None:
        """The control socket can be read, or written again."""
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
            for command in read_commands(line):
                self._obey(command)

    def _obey(self, command: Command) -> None:
        if isinstance(command, Stream):
            self._stream(command)
        elif isinstance(command, Free):
            self._free(command.ports)
        elif isinstance(command, Play):
            self._play(command)
        elif isinstance(command, Record):
            self._record(command)
        elif isinstance(command, Bind):
            self._bind(command.ports)
        elif isinstance(command, Close):
            self._close(command.ports)

    def _bind(self, ports: Sequence[int]) -> None:
        failed = [port for port in ports if not self._open(port)]
        self._report(Bound([port for port in ports if port in self._sockets], failed))

    def _open(self, port: int) -> bool:
        """Have this pair open, if it is to be had."""
        if port in self._sockets:
            return True
        if len(self._sockets) >= self._most:
            return False
        with suppress(OSError):
            self._sockets[port] = Sockets(self._host, port)
        return port in self._sockets

    def _close(self, ports: Sequence[int]) -> None:
        for port in ports:
            sockets = self._sockets.pop(port, None)
            if sockets is not None:
                sockets.close()

    def _pair(self, port: int | None) -> Pair | None:
        """The party at this port; None where that is not open."""
        pair = self._pairs.get(port) if port is not None else None
        if pair is None and port in self._sockets:
            pair = self._pairs[port] = Pair(self._sockets[port], self._grace, self._timers, self._report)
        return pair

    def _stream(self, stream: Stream) -> None:
        pair = self._pair(stream.port)
        if pair is not None and pair.tell(stream, self._pair(stream.peer), monotonic()):
            self._live[stream.port] = pair
            for descriptor, handler in pair.readers():
                self._handlers[descriptor] = handler
                self._epoll.register(descriptor, select.EPOLLIN)

    def _play(self, play: Play) -> None:
        pair = self._pairs.get(play.port)
        if pair is not None:
            self._slot = (self._slot + 1) % SLOTS
            pair.play(play, ((monotonic() // FRAME_SECONDS + 1) * SLOTS + self._slot) * FRAME_SECONDS / SLOTS)

    def _record(self, record: Record) -> None:
        """Where a channel has no party now, its port is 0, which is no pair's."""
        recorder, before = self._recorders.pop(record.tape, (None, ()))
        if record.ports:
            recorder = recorder or self._recorder(record)
            self._recorders[record.tape] = (recorder, record.ports)
        if recorder is not None:
            for port in {*before, *record.ports} & self._pairs.keys():
                channels = [channel for channel, its in enumerate(record.ports) if its == port]
                self._pairs[port].record(recorder, channels)
        if not record.ports:
            if recorder is not None:
                recorder.close()
            self._report(Recorded(record.tape))

    def _recorder(self, record: Record) -> Recorder:
        vigil = None
        if record.quiet:
            now = monotonic()
            vigil = Vigil(record.tape, record.quiet, len(record.ports), now, self._report)
            self._timers.at(now + record.quiet, vigil.look)
        return Recorder(record.tape, len(record.ports), vigil)

    def _free(self, ports: Sequence[int]) -> None:
        for port in ports:
            pair = self._pairs.pop(port, None)
            if pair is None:
                self._report(Freed(port))
                continue
            if self._live.pop(port, None):
                for descriptor, _ in pair.readers():
                    del self._handlers[descriptor]
                    self._epoll.unregister(descriptor)
            pair.end()
            self._report(pair.counts)

    def _look(self, now: float) -> float:
        """See to it that each party is looked at once in LOOK seconds."""
        if not self._unseen:
            self._unseen = list(self._live)
            self._pause = LOOK / max(1.0, len(self._unseen) / GLANCE)
        for port in self._unseen[-GLANCE:]:
            if port in self._live:
                self._live[port].look(now, self._silence)
        del self._unseen[-GLANCE:]
        return now + self._pause

    def _live_on(self, now: float) -> float:
        for recorder, _ in self._recorders.values():
            recorder.flush()
        self._report(Alive())
        return now + ALIVE

    def _report(self, report: Report) -> None:
        self._said.append(report)

    def _flush(self) -> None:
        """Write what the parent takes now; wait for the rest only while there is some."""
        if not self._said and not self._outbox:
            return
        waited = bool(self._outbox)
        if self._said:
            self._outbox += encode(self._said)
            self._said.clear()
        try:
            sent = self._control.send(self._outbox)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._ended = True
            return
        self._outbox = self._outbox[sent:]
        if waited != bool(self._outbox):
            wanted = select.EPOLLIN | (select.EPOLLOUT if self._outbox else 0)
            self._epoll.modify(self._control.fileno(), wanted)
