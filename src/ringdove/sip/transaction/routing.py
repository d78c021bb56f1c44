"""How a response finds its way back (RFC 3261 §18.2, RFC 3581)."""

from dataclasses import dataclass, replace

from ..hop import DEFAULT_PORTS, Hop
from ..message import Request, Response
from ..uri import spelled
from .actions import Send


def stamp(request: Request, source: Hop) -> None:
    """Note in the topmost Via where the request really came from: `received` where it differs, `rport` if asked."""
    via = request.via
    asked = via.param("rport") is not None
    if asked:
        via = via.with_param("rport", str(source.remote_port))
    if asked or spelled(via.host) != source.remote_host:
        via = via.with_param("received", source.remote_host)
    if via is not request.via:
        request.replace_top_via(via)


@dataclass(frozen=True, slots=True)
class ReplyPath:
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
        named = replace(source, remote_port=via.port or DEFAULT_PORTS[source.transport])
        if source.reliable:
            return cls(source, named if named != source else None)
        return cls(source if via.param("rport") is not None else named)

    def send(self, response: Response) -> Send:
        """The action that sends a response."""
        return Send(response, response.to_bytes(), self.hop, self.otherwise)
