"""Sends copies of SIP messages to a HEP collector (Homer). Whether that is there makes no difference to any call."""

import asyncio
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from ringdove.events.bus import Bus
from ringdove.events.types import CallBegan, CallOver, LegBegan
from ringdove.net.passage import Direction, Passage
from ringdove.net.source import Sources
from ringdove.settings import HostPort

from .hep import Copy, encode
from .mask import masked

log = structlog.get_logger(__name__)

ASK_AGAIN: Final = 60.0
"""Seconds until a collector's name that is not known is looked up again."""
REMEMBERED: Final = 1000
"""Legs of calls that are over whose late messages still count as the call's."""

_Address = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
_AddressInfo = tuple[socket.AddressFamily, socket.SocketKind, int, str, _Address]


class CallIds:
    """Which call a SIP Call-ID belongs to, while the call runs and for a while after."""

    def __init__(self, bus: Bus) -> None:
        self._calls: dict[str, str] = {}
        self._over: deque[tuple[str, str]] = deque()
        bus.subscribe(CallBegan, self._began)
        bus.subscribe(LegBegan, self._began)
        bus.subscribe(CallOver, self._ended)

    def __len__(self) -> int:
        return len(self._calls)

    def call(self, sip_call_id: str) -> str:
        """The call's id, "" where it is not known."""
        return self._calls.get(sip_call_id, "")

    def _began(self, event: CallBegan | LegBegan) -> None:
        self._calls[event.sip_call_id] = event.call_id

    def _ended(self, event: CallOver) -> None:
        story = event.story
        legs = (leg.sip_call_id for hop in story.hops for attempt in hop.attempts for leg in attempt.legs)
        self._over.extend((sip_call_id, story.id) for sip_call_id in (story.sip_call_id, *legs))
        while len(self._over) > REMEMBERED:
            sip_call_id, call = self._over.popleft()
            if self._calls.get(sip_call_id) == call:  # else a later call has the same Call-ID
                del self._calls[sip_call_id]


class Homer:
    """An observer that sends every SIP message on, secrets masked, in a datagram of its own.

    `agent` and `key` are as in `hep.encode`. What cannot be sent at once is lost; `sent` says how many were sent or
    failed. `clock` tells Unix time.
    """

    def __init__(
        self, bus: Bus, collector: HostPort, *, agent: int, key: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        self.sent: Counter[str] = Counter()
        self._collector = collector
        self._agent = agent
        self._key = key
        self._clock = clock
        self._calls = CallIds(bus)
        self._sources = Sources()
        self._socket: socket.socket | None = None
        self._address: _Address = ("", 0)
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Find the collector: at once where it is named by its address, else when its name can be looked up."""
        try:
            self._found(socket.getaddrinfo(*self._collector, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST))
        except socket.gaierror:
            self._looking = asyncio.get_running_loop().create_task(self._look(), name="hep collector")

    async def close(self) -> None:
        """Send nothing any more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __call__(self, passage: Passage) -> None:
        """See one message."""
        if self._socket is None:
            self.sent["failed"] += 1
            return
        try:
            self._socket.sendto(self._packet(passage), self._address)
        except (OSError, ValueError):
            self.sent["failed"] += 1
        else:
            self.sent["sent"] += 1

    def _packet(self, passage: Passage) -> bytes:
        hop = passage.hop
        ends = (hop.remote_host, hop.remote_port), self._sources.local_end(hop)
        source, target = ends if passage.direction is Direction.IN else reversed(ends)
        call = self._calls.call(passage.message.headers.get("Call-ID") or "")
        copy = Copy(hop.transport, source, target, self._clock(), masked(passage.data), call)
        return encode(copy, agent=self._agent, key=self._key)

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        told = False
        while self._socket is None:
            try:
                self._found(await loop.getaddrinfo(*self._collector, type=socket.SOCK_DGRAM))
            except OSError as error:
                if not told:
                    log.warning("hep_collector_unknown", collector=str(self._collector), error=str(error))
                told = True
                await asyncio.sleep(ASK_AGAIN)

    def _found(self, addresses: Sequence[_AddressInfo]) -> None:
        family, _, _, _, self._address = addresses[0]
        self._socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
