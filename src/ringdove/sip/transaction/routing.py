"""How a response finds its way back (RFC 3261 §18.2, RFC 3581)."""

from typing import NamedTuple

from ..headers import Via
from ..hop import DEFAULT_PORTS, Hop
from ..message import Request, Response
from ..uri import spelled
from .actions import Send


def stamp(request: Request, source: Hop) -> None:
    """Note in the topmost Via where the request really came from: `received` where it differs, `rport` if asked."""
    via, host = request.via, source.remote_host
    asked = via.param("rport") is not None
    if not asked and (via.host == host or spelled(via.host) == host):
        return
    port = str(source.remote_port)
    params = [(name, port if name == "rport" else value) for name, value in via.params if name != "received"]
    params.append(("received", host))
    request.replace_top_via(Via(via.transport, via.host, via.port, tuple(params)))


class ReplyPath(NamedTuple):
    """Where the responses to a request go.

    Over a connection: back through it and, where it is gone, to the address it came from at the port in the Via. Over
    UDP: to the address it came from, at the port it came from if `rport` asks so, else at the port in the Via.
    `maddr` is not followed: it would let strangers aim our responses at others.
    """

    hop: Hop
    otherwise: Hop | None = None

    @classmethod
    def of(cls, request: Request, source: Hop) -> "ReplyPath":
        """The path for the responses to a request from `source`."""
        via = request.via
        if not source.reliable and via.param("rport") is not None:
            return cls(source)
        port = via.port or DEFAULT_PORTS[source.transport]
        if port == source.remote_port:
            return cls(source)
        named = source._replace(remote_port=port)
        return cls(source, named) if source.reliable else cls(named)

    def send(self, response: Response) -> Send:
        """The action that sends a response."""
        return Send(response, response.to_bytes(), self.hop, self.otherwise)
