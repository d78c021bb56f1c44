"""The listeners of an endpoint: which of them leads to a peer, and where that peer finds us."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from ringdove.sip.errors import SipSyntaxError
from ringdove.sip.headers import Via
from ringdove.sip.hop import Hop
from ringdove.sip.identifiers import new_branch
from ringdove.sip.message import Request
from ringdove.sip.reach import listening, next_hop

from .resolver import Target
from .source import Sources
from .stream import StreamTransport
from .transport import Transport, is_told_to, is_wildcard

MOST: Final = 4096
"""Hops of which is remembered where their far ends find us."""


class Listeners:
    """Every open listener by transport, host and port. `advertise` is the host that peers are told.

    An address is told to those of its own IP version only.
    """

    def __init__(self, advertise: str | None = None) -> None:
        self.all: dict[tuple[str, str, int], Transport] = {}
        self._advertise = _bracketed(advertise) if advertise else None
        self._sources = Sources()
        self._told: dict[Hop, tuple[str, int]] = {}

    def add(self, name: str, transport: Transport) -> None:
        """Take in one more, which listens."""
        self.all[name, transport.host, transport.port] = transport
        self._told.clear()

    def of(self, hop: Hop) -> Transport | None:
        """The listener of a hop; where it is gone (a restart with other settings) another of its kind."""
        exact = self.all.get((hop.transport, hop.local_host, hop.local_port))
        if exact is not None:
            return exact
        for (name, host, _), transport in self.all.items():
            if name == hop.transport and _is_ipv6(host) == _is_ipv6(hop.remote_host):
                return transport
        return None

    def towards(self, targets: Iterable[Target]) -> Hop | None:
        """The hop to the first target that one of them reaches."""
        for target in targets:
            for transport, host, port in self.all:
                if transport == target.transport and _is_ipv6(host) == _is_ipv6(target.host):
                    return Hop(transport, target.host, target.port, host, port)
        return None

    def sent_by(self, hop: Hop) -> tuple[str, int]:
        """The host and port at which the far end of `hop` finds us."""
        told = self._told.get(hop)
        if told is None:
            if len(self._told) >= MOST:
                self._told.clear()
            told = self._told[hop] = self._sent_by(hop)
        return told

    def _sent_by(self, hop: Hop) -> tuple[str, int]:
        transport = self.of(hop)
        host, port = (hop.local_host, hop.local_port) if transport is None else (transport.host, transport.port)
        if self._advertise is not None and is_told_to(self._advertise, hop.remote_host):
            return self._advertise, port
        return _bracketed(self._sources.towards(hop.remote_host) if is_wildcard(host) else host), port

    def stamped(self, request: Request, hop: Hop) -> Request:
        """A copy of a request that carries our Via, with a new branch."""
        host, port = self.sent_by(hop)
        via = Via(hop.transport.upper(), host, port, (("rport", None), ("branch", new_branch())))
        sent = request.copy()
        sent.push_via(via)
        return sent

    def way(self, request: Request, hop: Hop) -> Hop:
        """The hop, or where the peer listens that has closed its connection to us (RFC 3261 §18.1.1)."""
        transport = self.of(hop)
        if transport is None or not transport.is_gone(hop):
            return hop
        try:
            return listening(next_hop(request), hop) or hop
        except SipSyntaxError:  # a Path that a proxy made up
            return hop

    def connections(self) -> Counter[str]:
        """How many connections there are, by transport; those included that are coming about."""
        held: Counter[str] = Counter()
        for stream in self._streams():
            held[stream.name] += stream.connections
        return held

    def turned_away(self) -> Counter[tuple[str, str]]:
        """How many connections were closed for what they would have cost, by transport and reason."""
        away: Counter[tuple[str, str]] = Counter()
        for stream in self._streams():
            away.update({(stream.name, reason): count for reason, count in stream.turned_away.items()})
        return away

    def _streams(self) -> list[StreamTransport]:
        return [transport for transport in self.all.values() if isinstance(transport, StreamTransport)]


def _is_ipv6(host: str) -> bool:
    return ":" in host


def _bracketed(host: str) -> str:
    return f"[{host}]" if _is_ipv6(host) and not host.startswith("[") else host
