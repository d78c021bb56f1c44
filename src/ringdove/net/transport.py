"""What every transport offers, and whom it reports to. Each is one file beside `udp.py`, named in `endpoint.py`."""

from functools import lru_cache
from typing import Final, Protocol

from ringdove.sip.hop import Hop
from ringdove.sip.message import Message, Request, Response
from ringdove.sip.parser import NoMessage
from ringdove.sip.uri import numeric


class Door(Protocol):
    """Who says what may cost us something. All of it has to be quick."""

    def trusts(self, source: Hop) -> bool:
        """Whether somebody vouches for it: nothing that comes from there is strange, and all of it is admitted."""

    def admits(self, source: Hop) -> bool:
        """Whether to read what comes from there; what is not read is dropped."""

    def strange(self, source: Hop, cost: float = 1.0) -> None:
        """Something came from there that costs as much as so many messages; it counts where nobody vouches for it."""

    def answer(self, request: Request, source: Hop) -> Response | None:
        """The answer to a request outside dialogs of which nothing is to be kept; None where it is to be handled."""


HANDSHAKE: Final = 6.0
"""What a TLS handshake costs, in messages."""
KEEP_ALIVE: Final = 0.05
"""What a keep-alive costs, in messages."""
_USUAL: Final = 1000
"""Octets of a message as phones send them."""


def cost_of(message: Message) -> float:
    """What it takes to read it, in messages as phones send them: a long one takes as much as many."""
    octets = len(message.body) + sum(len(value) for _, value in message.headers)
    return max(1.0, octets / _USUAL)


class Receiver(Protocol):
    """Who owns the transports. None of these is called from within `Transport.send`."""

    def trusts(self, source: Hop) -> bool:
        """See `Door`."""

    def admits(self, source: Hop) -> bool:
        """See `Door`."""

    def welcomes(self, source: Hop) -> bool:
        """Whether to take a connection from there."""

    def received(self, message: Request | Response, source: Hop, octets: bytes | None = None, *, trusted: bool) -> None:
        """A message that could be parsed, the datagram that it was, and what `trusts` says of where it comes from."""

    def kept_alive(self, source: Hop, times: int) -> None:
        """So many keep-alives, which are answered already."""

    def malformed(self, source: Hop, error: NoMessage) -> None:
        """Octets that are no SIP message. A stream is closed after what this sends."""

    def send_failed(self, hop: Hop) -> None:
        """Nothing listens at the far end, or it cannot be reached."""

    def flow_closed(self, hop: Hop) -> None:
        """A connection that was there is gone."""


class Transport(Protocol):
    """One listener. `host` and `port` are those it is bound to."""

    @property
    def host(self) -> str:
        """The address it is bound to."""

    @property
    def port(self) -> int:
        """The port it is bound to."""

    def send(self, hop: Hop, data: bytes) -> None:
        """Send at once, or as soon as a connection is there; never raises."""

    def has_flow(self, hop: Hop) -> bool:
        """Whether `hop` can be reached without a new connection."""

    async def connect(self, hop: Hop, within: float) -> bool:
        """Have a flow to `hop`; whether there is one after at most `within` seconds."""

    def is_gone(self, hop: Hop) -> bool:
        """Whether `hop` was a connection that its far end had opened, and is closed: nobody need listen there."""

    async def close(self) -> None:
        """Close the sockets; returns when they are closed."""


ANY: Final = "::"
"""Every address of the machine. A socket is of one IP version, so listening there takes two."""
ANY_IPV4: Final = "0.0.0.0"  # noqa: S104
WILDCARDS: Final = (ANY, ANY_IPV4)


def is_wildcard(host: str) -> bool:
    """Whether a listener's address stands for all of the machine's."""
    return host in WILDCARDS


@lru_cache(maxsize=4096)
def is_told_to(host: str, remote: str) -> bool:
    """Whether a host of ours means something to somebody at this IP address: a name, or of the same version."""
    address = numeric(host)
    return address is None or (address.version == 6) == (":" in remote)
