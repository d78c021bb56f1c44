"""SIP over TCP: streams as they are."""

from .connection import StreamLimits
from .stream import DEFAULT_LIMITS, StreamTransport, bind
from .transport import Receiver


class TcpTransport(StreamTransport):
    """One TCP listener and its connections."""

    name = "tcp"

    @classmethod
    async def listen(
        cls, host: str, port: int, receiver: Receiver, limits: StreamLimits = DEFAULT_LIMITS
    ) -> "TcpTransport":
        """Bind to an address; raises OSError."""
        return cls(await bind(host, port), receiver, limits)
