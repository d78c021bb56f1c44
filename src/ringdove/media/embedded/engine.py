"""The embedded engine: keeps a child process alive, hands out ports, and rebuilds everything in a new child
when one dies.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence, Set
from contextlib import suppress
from time import monotonic

import structlog

from ringdove.media.embedded.child import Child
from ringdove.media.embedded.ports import PortPool
from ringdove.media.embedded.session import EmbeddedSession
from ringdove.media.embedded.wire import (
    Alive,
    Bind,
    Bound,
    Close,
    Digit,
    Free,
    Freed,
    Play,
    Played,
    Quiet,
    Record,
    Recorded,
    Report,
    Silent,
    Stream,
)
from ringdove.media.engine import (
    Caps,
    DigitHeard,
    EngineDown,
    EngineUnavailable,
    EngineUp,
    MediaEvent,
    MediaSilent,
    NoPortsLeft,
    PartyId,
    SessionId,
    SessionLost,
)

log = structlog.get_logger(__name__)

START = 10.0
"""Seconds that the first start may take."""
LEASE = 2.0
"""Seconds to wait for a port when none is ready."""
STEADY = 10.0
"""Seconds of life after which a child counts as healthy, and the next one is started without delay."""
LONGEST_PAUSE = 5.0


class EmbeddedEngine:
    """A `MediaEngine` with RTP in a child process.

    `bind`: IP address of all RTP sockets; `::` is every address of the machine, IPv4's too. `advertise`: the addresses
    put into descriptions, one for each IP version or a host name for both, needed where `bind` is a wildcard.
    `ports`: RTP and RTCP ports to use. `ready`: port pairs held bound ahead. `silence`: seconds until MediaSilent, 0
    for never. `grace`: seconds before a source other than the signalled one is learned. `rest`: seconds before a port
    is used again, see PortPool.
    """

    def __init__(
        self,
        bind: str,
        ports: range,
        *,
        advertise: Sequence[str] = (),
        ready: int = 256,
        silence: float = 30.0,
        grace: float = 0.5,
        rest: float = 2.0,
    ) -> None:
        ours = tuple(advertise) or (bind,)
        if {"0.0.0.0", "::"} & set(ours):  # noqa: S104 - refused, not bound
            raise ValueError("a wildcard address cannot be advertised")
        self._address, self._address6 = (
            next((address for address in ours if (":" in address) == wide), ours[0]) for wide in (False, True)
        )
        """What is told to parties of either IP version; the first address where there is none of it."""
        self._bind = bind
        self._silence = silence
        self._grace = grace
        self._pool = PortPool(ports, ready=ready, rest=rest)
        self._sessions: dict[SessionId, EmbeddedSession] = {}
        self._owners: dict[int, tuple[EmbeddedSession, PartyId]] = {}
        self._freeing: dict[int, tuple[EmbeddedSession, PartyId]] = {}
        """Whose counts the child is to tell."""
        self._completing: dict[str, asyncio.Future[None]] = {}
        self._listeners: list[asyncio.Queue[MediaEvent | None]] = []
        self._progress = asyncio.Event()
        self._child: Child | None = None
        self._up = False
        self.starts = 0
        """How many children there have been."""
        self._keeper: asyncio.Task[None] | None = None

    @property
    def caps(self) -> Caps:
        """What it can do."""
        return Caps(survives_restart=True)

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none."""
        return self._child.pid if self._child else None

    @property
    def is_up(self) -> bool:
        """Whether a child is there and holds its ports."""
        return self._up

    @property
    def sessions(self) -> int:
        """How many sessions are open."""
        return len(self._sessions)

    @property
    def ports_held(self) -> int:
        """How many pairs of ports belong to parties, or did until just now."""
        return len(self._owners) + len(self._freeing)

    async def start(self) -> None:
        """Start the child and wait until ports are bound. Raises EngineUnavailable when that does not come about."""
        self._keeper = asyncio.create_task(self._keep(), name="media engine")
        with suppress(TimeoutError):
            async with asyncio.timeout(START):
                while not self._up:
                    await self._wait()
        if not self._pool.held:
            await self.stop()
            raise EngineUnavailable(f"no RTP port could be bound on {self._bind}")

    async def stop(self) -> None:
        """End the child and all sessions; every `events()` iterator ends. If this is cancelled, call it again."""
        for session in list(self._sessions.values()):
            session.lose()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
            self._keeper = None
        self._progress.set()
        for queue in self._listeners:
            queue.put_nowait(None)

    def address(self, remote: str | None) -> str:
        """Our address for the description to somebody at `remote`; the first one where it has no IP version of ours."""
        return self._address6 if remote is not None and ":" in remote else self._address

    async def open(self, sid: SessionId) -> EmbeddedSession:
        """The session of this id, made if need be. Raises EngineUnavailable when the engine is not running."""
        if self._keeper is None:
            raise EngineUnavailable("the media engine is not running")
        session = self._sessions.get(sid)
        if session is None:
            session = self._sessions[sid] = EmbeddedSession(sid, self)
        return session

    async def recover(self, known: Set[SessionId]) -> set[SessionId]:
        """Which of these still live: all that were open and not named by SessionLost."""
        return set(known & self._sessions.keys())

    def events(self) -> AsyncIterator[MediaEvent]:
        """Everything that happens from this call on."""
        queue: asyncio.Queue[MediaEvent | None] = asyncio.Queue()
        self._listeners.append(queue)
        return self._drain(queue)

    async def lease(self, session: EmbeddedSession, party: PartyId) -> int:
        """A port pair, bound; at once when one is ready."""
        now = monotonic()
        port = self._pool.take(now)
        if port is None:
            try:
                async with asyncio.timeout(LEASE):
                    port = await self._next_port()
            except TimeoutError:
                raise EngineUnavailable(f"no RTP port within {LEASE:g} s") from None
        self._owners[port] = (session, party)
        self._refill(now)
        return port

    async def _next_port(self) -> int:
        while (port := self._pool.take(monotonic())) is None:
            if self._keeper is None:
                raise EngineUnavailable("the media engine is not running")
            self._refill(monotonic())
            if self._up and self._pool.exhausted(monotonic()):
                raise NoPortsLeft("every RTP port is in use")
            await self._wait()
        return port

    def release(self, port: int) -> None:
        """Give back a pair that the child was told nothing of."""
        if self._owners.pop(port, None):
            self._pool.release(port, monotonic(), bound=self._up)

    def free(self, ports: Sequence[int]) -> None:
        """Have parties forgotten and give their pairs back. Their sessions are told what was counted, zeros where the
        child that knew it is gone.
        """
        for port in ports:
            if port in self._owners:
                self._freeing[port] = self._owners.pop(port)
        if self._up and self._child is not None:
            self._child.send(Free(ports), has_time=True)
        else:
            self._give_up()

    def tell(self, command: Stream | Play | Record) -> None:
        """Pass on to the child; while it is down, nothing is lost: `_restored` replays."""
        if self._up and self._child is not None:
            self._child.send(command)

    def complete(self, tape: str) -> asyncio.Future[None]:
        """Have a tape closed; the future tells when the child has done so, or is gone."""
        if tape in self._completing:
            return self._completing[tape]
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._up and self._child is not None:
            self._completing[tape] = future
            self._child.send(Record(tape, []))
        else:
            future.set_result(None)
        return future

    def forget(self, session: SessionId) -> None:
        """The session is closed."""
        self._sessions.pop(session, None)

    async def _keep(self) -> None:
        """One child after the other, whatever ends them: a new one is told how things are to be."""
        pause = 0.0
        while True:
            born = monotonic()
            try:
                await self._live()
            except Exception:  # a fault in one report must not end the audio of every call: the next child takes over
                log.exception("media_process_failed")
            pause = 0.0 if monotonic() - born > STEADY else min(LONGEST_PAUSE, 2 * pause or 0.05)
            await asyncio.sleep(pause)

    async def _live(self) -> None:
        """The life of one child."""
        self.starts += 1
        child = self._child = await Child.start(self._bind, self._silence, self._grace, self._hear)
        try:
            child.send(Bind([*self._owners, *self._pool.wanted(monotonic(), at_least=1)]))
            await child.over()
        finally:
            self._child = None
            self._fell()
            await child.end()

    def _hear(self, report: Report) -> None:
        if isinstance(report, Bound):
            self._pool.bound(report.ports)
            self._pool.failed(report.failed, monotonic())
            if not self._up:
                self._restored(report)
            self._progress.set()
        elif isinstance(report, Freed):
            if report.port in self._freeing:
                session, party = self._freeing.pop(report.port)
                self._pool.release(report.port, monotonic())
                session.freed(party, report)
        elif isinstance(report, Recorded):
            self._completing.pop(report.tape).set_result(None)
        elif isinstance(report, Played | Digit | Silent):
            self._happened(report)
        elif isinstance(report, Quiet):
            self._quieted(report)
        elif isinstance(report, Alive):
            self._tidy()

    def _restored(self, report: Bound) -> None:
        """A new child holds the ports again: lose what it could not get, close what nobody needs any more,
        replay the rest.
        """
        for port in report.failed:
            if port in self._owners:
                session, _ = self._owners[port]
                session.lose()
                self._publish(SessionLost(session.id, monotonic()))
        self._up = True
        needed = {*self._owners, *self._pool.held}
        self._close([port for port in report.ports if port not in needed])
        for session in self._sessions.values():
            session.replay()
        self._publish(EngineUp(monotonic()))

    def _fell(self) -> None:
        """The child is gone, and with it every socket."""
        was_up, self._up = self._up, False
        self._pool.unbind()
        self._give_up()
        for complete in self._completing.values():
            complete.set_result(None)
        self._completing.clear()
        if was_up:
            self._publish(EngineDown(monotonic()))

    def _give_up(self) -> None:
        """Nobody will tell what was counted of the parties that are to be forgotten."""
        freeing, self._freeing = self._freeing, {}
        for port, (session, party) in freeing.items():
            self._pool.release(port, monotonic(), bound=False)
            session.freed(party, Freed(port))

    def _happened(self, report: Played | Digit | Silent) -> None:
        """Something about a party, unless it is gone meanwhile."""
        owner = self._owners.get(report.port)
        if owner is None:
            return
        session, party = owner
        match report:
            case Played():
                ended = session.played(party, report)
                if ended is not None:
                    self._publish(ended)
            case Digit(digit=digit, seconds=seconds, at=at):
                self._publish(DigitHeard(session.id, party, digit, seconds, at))
            case Silent(seconds=seconds, at=at):
                self._publish(MediaSilent(session.id, party, seconds, at))

    def _quieted(self, report: Quiet) -> None:
        """Nobody on a tape was heard speaking."""
        for session in self._sessions.values():
            if quiet := session.quiet(report):
                self._publish(quiet)

    def _refill(self, now: float) -> None:
        if self._up and self._child is not None and (ports := self._pool.wanted(now)):
            self._child.send(Bind(ports))

    def _tidy(self) -> None:
        """Hold neither too few nor too many pairs."""
        self._refill(monotonic())
        self._close(self._pool.surplus())

    def _close(self, ports: Sequence[int]) -> None:
        if ports and self._child is not None:
            self._child.send(Close(ports))

    async def _wait(self) -> None:
        self._progress.clear()
        await self._progress.wait()

    def _publish(self, event: MediaEvent) -> None:
        for queue in self._listeners:
            queue.put_nowait(event)

    async def _drain(self, queue: asyncio.Queue[MediaEvent | None]) -> AsyncIterator[MediaEvent]:
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._listeners.remove(queue)
