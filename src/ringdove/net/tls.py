"""SIP over TLS (RFC 3261 §26.3.1): TCP's streams, secured, from TLS 1.2 on."""

import socket
import ssl
from collections.abc import Callable

from .connection import StreamLimits
from .stream import DEFAULT_LIMITS, StreamTransport, bind
from .transport import Receiver

Contexts = Callable[[], ssl.SSLContext]
"""What gives the context for the next handshake, so that a renewed certificate needs no restart."""


class TlsTransport(StreamTransport):
    """One TLS listener and its connections.

    Connections that we open, to where a phone listens, are encrypted, and the certificate found there is not checked:
    phones come with self-signed ones, and nothing is said to a phone that proves anything to it.
    """

    name = "tls"

    def __init__(
        self, listener: socket.socket, receiver: Receiver, limits: StreamLimits, certificate: Contexts
    ) -> None:
        self._certificate = certificate
        self._unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._unchecked.minimum_version = ssl.TLSVersion.TLSv1_2
        self._unchecked.check_hostname = False
        self._unchecked.verify_mode = ssl.CERT_NONE
        super().__init__(listener, receiver, limits)

    @classmethod
    async def listen(
        cls, certificate: Contexts, host: str, port: int, receiver: Receiver, limits: StreamLimits = DEFAULT_LIMITS
    ) -> "TlsTransport":
        """Bind to an address; raises OSError."""
        return cls(await bind(host, port), receiver, limits, certificate)

    def _accepting(self) -> ssl.SSLContext:
        return self._certificate()

    def _connecting(self) -> ssl.SSLContext:
        return self._unchecked
