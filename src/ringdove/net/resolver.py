"""From a SIP URI to an address (RFC 3263 §4), as far as A and AAAA records go; NAPTR and SRV are not asked for."""

import asyncio
import socket
from dataclasses import dataclass
from typing import Final

from ringdove.sip.hop import DEFAULT_PORTS
from ringdove.sip.uri import Uri, numeric

PATIENCE: Final = 5.0
"""Seconds that a name server has."""


class Unresolvable(OSError):
    """A URI that leads to no address we could send to; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address to send to; `host` is numeric, without brackets."""

    transport: str
    host: str
    port: int


async def resolve(uri: Uri) -> list[Target]:
    """The addresses of a URI, best first; raises Unresolvable. Numeric hosts cost no look-up."""
    if uri.scheme not in ("sip", "sips"):
        raise Unresolvable(f"{uri.scheme}: is not a SIP scheme")
    transport = uri.transport
    if transport not in DEFAULT_PORTS:
        raise Unresolvable(f"transport {transport} is not known")
    if uri.scheme == "sips" and transport == "udp":
        raise Unresolvable("sips: does not go over udp")
    host = (uri.param("maddr") or uri.host).strip("[]")
    port = uri.port or DEFAULT_PORTS[transport]
    if (address := numeric(host)) is not None:
        return [Target(transport, str(address), port)]
    try:
        async with asyncio.timeout(PATIENCE):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # UnicodeError: a label that no DNS name can have
        raise Unresolvable(f"{host}: {error}") from None
    return [Target(transport, str(address[0]), port) for *_, address in found]
