"""Requests that are too large for a datagram, and which of the peers take them over TCP (RFC 3261 §18.1.1)."""

import asyncio
from collections.abc import Callable
from typing import Final

from ringdove.sip.errors import SipSyntaxError
from ringdove.sip.hop import Hop
from ringdove.sip.identifiers import new_tag
from ringdove.sip.message import Request
from ringdove.sip.reach import listening, next_hop

from .calling import called
from .exchange import OutgoingRequest
from .listeners import Listeners
from .transport import Transport

LARGEST: Final = 1300
"""Octets of a request that a datagram may carry where nobody knows what the path takes."""
PATIENCE: Final = 0.25
"""Seconds in which a peer has to take the connection: a phone is to ring, and most of them do not listen on TCP."""
MEMORY: Final = 600.0
"""Seconds for which a peer that did not is not asked again."""
MOST: Final = 4096
"""Peers that are remembered."""


class LargeRequests:
    """Says which requests go over TCP instead of UDP, sends them so, and remembers who would not have them.

    `clock` gives seconds; `begin` sends a request as it is over a hop.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        listeners: Listeners,
        begin: Callable[[OutgoingRequest, Request, Hop], None],
    ) -> None:
        self._clock = clock
        self._listeners = listeners
        self._begin = begin
        self._connecting: set[asyncio.Task[None]] = set()
        self._refused: dict[tuple[str, int], float] = {}
        """Until when, the earliest first."""

    def over_tcp(self, request: Request, octets: int, hop: Hop) -> Hop | None:
        """The hop to the same peer over TCP, for a request of so many octets that is too large for `hop`.

        None where it is not, where the peer did not listen, and where it cannot: behind NAT only its own datagrams
        have opened a way to it, which shows in a Contact (or Path) that is not the address that it is reached at.
        """
        if hop.transport != "udp" or octets <= LARGEST:
            return None
        if self._refused.get((hop.remote_host, hop.remote_port), 0.0) > self._clock():
            return None
        try:
            there = listening(next_hop(request), hop)
        except SipSyntaxError:  # a Path that a proxy made up
            return None
        return hop._replace(transport="tcp") if there == hop else None

    def send(self, outgoing: OutgoingRequest, request: Request, hop: Hop, stream: Hop) -> None:
        """Send a request over TCP (`stream`) or, where the peer does not take it so, over UDP (`hop`) after all."""

        def begin(way: Hop) -> None:
            if outgoing.is_cancelled:
                called(outgoing.on_response, request.reply(487, to_tag=new_tag()))
            else:
                self._begin(outgoing, self._listeners.stamped(request, way), way)

        def over_udp() -> None:
            self._refuses(stream)
            outgoing.otherwise = None
            begin(hop)

        async def connect(transport: Transport) -> None:
            if await transport.connect(stream, PATIENCE):
                begin(stream)
            else:
                over_udp()

        outgoing.otherwise = over_udp
        transport = self._listeners.of(stream)
        if transport is None:
            over_udp()
        elif transport.has_flow(stream):
            begin(stream)
        else:
            task = asyncio.get_running_loop().create_task(connect(transport))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    def close(self) -> None:
        """Wait for no connection any more."""
        for task in self._connecting:
            task.cancel()

    def _refuses(self, hop: Hop) -> None:
        """Note that a peer took no connection, or closed it without an answer."""
        remote = hop.remote_host, hop.remote_port
        self._refused.pop(remote, None)
        self._refused[remote] = self._clock() + MEMORY
        if len(self._refused) > MOST:
            del self._refused[next(iter(self._refused))]
