"""HEP3, in which collectors such as Homer and heplify-server take copies of SIP messages.

A packet is "HEP3", its length, and chunks: vendor, type and length of two octets each, then the value; all in network
byte order, and every length counts its own header (HEP3 Network Protocol Specification, rev. 12 and later).
"""

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import ip_address
from struct import Struct
from typing import Final

MAX_PAYLOAD: Final = 60_000
"""Octets of a message that are sent on; with the rest it has to fit into one datagram."""

_HEADER = Struct("!4sH")
_CHUNK = Struct("!HHH")
_GENERIC = 0
"""The vendor of the chunks below."""
_SIP = 1
"""The protocol type."""


class Chunk(IntEnum):
    """The generic chunk types that are sent."""

    FAMILY = 0x0001
    PROTOCOL = 0x0002
    SOURCE_IP4 = 0x0003
    TARGET_IP4 = 0x0004
    SOURCE_IP6 = 0x0005
    TARGET_IP6 = 0x0006
    SOURCE_PORT = 0x0007
    TARGET_PORT = 0x0008
    SECONDS = 0x0009
    MICROSECONDS = 0x000A
    PROTOCOL_TYPE = 0x000B
    AGENT = 0x000C
    KEY = 0x000E
    PAYLOAD = 0x000F
    CORRELATION = 0x0011


@dataclass(frozen=True, slots=True)
class Copy:
    """A SIP message and how it went. Hosts are IP addresses, of one family; `at` is Unix time in seconds."""

    transport: str
    source: tuple[str, int]
    target: tuple[str, int]
    at: float
    message: bytes
    correlation: str = ""
    """What messages of one call have in common; "" where that is not known."""


def encode(copy: Copy, *, agent: int, key: str = "") -> bytes:
    """The packet. `agent` is the id of who captured it, `key` what the collector wants to be shown, "" for nothing.

    Raises ValueError where a host is no IP address.
    """
    source, target = ip_address(copy.source[0]), ip_address(copy.target[0])
    is_ip6 = source.version == 6
    seconds, microseconds = divmod(round(copy.at * 1_000_000), 1_000_000)
    chunks = [
        _chunk(Chunk.FAMILY, bytes([10 if is_ip6 else 2])),
        _chunk(Chunk.PROTOCOL, bytes([17 if copy.transport == "udp" else 6])),
        _chunk(Chunk.SOURCE_IP6 if is_ip6 else Chunk.SOURCE_IP4, source.packed),
        _chunk(Chunk.TARGET_IP6 if is_ip6 else Chunk.TARGET_IP4, target.packed),
        _chunk(Chunk.SOURCE_PORT, copy.source[1].to_bytes(2, "big")),
        _chunk(Chunk.TARGET_PORT, copy.target[1].to_bytes(2, "big")),
        _chunk(Chunk.SECONDS, seconds.to_bytes(4, "big")),
        _chunk(Chunk.MICROSECONDS, microseconds.to_bytes(4, "big")),
        _chunk(Chunk.PROTOCOL_TYPE, bytes([_SIP])),
        _chunk(Chunk.AGENT, agent.to_bytes(4, "big")),
    ]
    if key:
        chunks.append(_chunk(Chunk.KEY, key.encode()))
    if copy.correlation:
        chunks.append(_chunk(Chunk.CORRELATION, copy.correlation.encode()))
    chunks.append(_chunk(Chunk.PAYLOAD, copy.message[:MAX_PAYLOAD]))
    body = b"".join(chunks)
    return _HEADER.pack(b"HEP3", _HEADER.size + len(body)) + body


def _chunk(kind: Chunk, value: bytes) -> bytes:
    return _CHUNK.pack(_GENERIC, kind, _CHUNK.size + len(value)) + value
