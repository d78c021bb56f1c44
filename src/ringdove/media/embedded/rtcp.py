"""RTCP, read and written (RFC 3550 §6). Pure."""

from struct import Struct
from typing import NamedTuple

from .reception import Block

SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, GOODBYE = 200, 201, 202, 203

_COMMON = Struct("!BBH")
_SENDER = Struct("!IIIIII")
"""SSRC; time of day in seconds since 1900 and fractions of one; RTP time stamp; packets and octets sent."""
_BLOCK = Struct("!IIIIII")
_WORD = Struct("!I")
_TO_1900 = 2_208_988_800
"""Seconds from the epoch of NTP to that of Unix."""
_MOST_PARTS = 16
"""More parts than this in one datagram are nobody's who means well."""


class Received(NamedTuple):
    """What a compound packet says that concerns us."""

    ssrc: int
    """Who says it."""
    moment: int | None
    """Middle 32 bits of the sender's time of day, to be sent back; None where it sends nothing."""
    block: Block | None
    """How our stream arrives there."""


class Sent(NamedTuple):
    """What a sender says of its own stream."""

    wall: float
    """Time of day, in seconds since 1970."""
    timestamp: int
    """RTP time stamp of that moment."""
    packets: int
    octets: int
    """Payloads only."""


def read(packet: bytearray, size: int, ours: int) -> Received | None:
    """What the first `size` bytes say about our stream with this SSRC; None unless they are a compound packet as
    appendix A.2 wants it: a report at first, parts of version 2 whose lengths add up.
    """
    start = 0
    for _ in range(_MOST_PARTS):
        if start + _COMMON.size > size:
            return None
        flags, _, words = _COMMON.unpack_from(packet, start)
        end = start + _COMMON.size + 4 * words
        if flags & 0xC0 != 0x80 or end > size or (flags & 0x20 and end < size):
            return None
        if end == size:
            return _report(packet, ours)
        start = end
    return None


def _report(packet: bytearray, ours: int) -> Received | None:
    """The report at the begin of a compound packet."""
    flags, kind, words = _COMMON.unpack_from(packet)
    if kind not in (SENDER_REPORT, RECEIVER_REPORT):
        return None
    blocks = _COMMON.size + (_SENDER.size if kind == SENDER_REPORT else _WORD.size)
    after = blocks + (flags & 0x1F) * _BLOCK.size
    if after > _COMMON.size + 4 * words:
        return None
    (ssrc,) = _WORD.unpack_from(packet, _COMMON.size)
    moment = None
    if kind == SENDER_REPORT:
        _, seconds, fraction, *_ = _SENDER.unpack_from(packet, _COMMON.size)
        moment = (seconds & 0xFFFF) << 16 | fraction >> 16
    for at in range(blocks, after, _BLOCK.size):
        about, loss, highest, jitter, *_ = _BLOCK.unpack_from(packet, at)
        if about == ours:
            lost = loss & 0xFFFFFF
            return Received(ssrc, moment, Block(about, loss >> 24, lost - (lost >> 23 << 24), highest, jitter))
    return Received(ssrc, moment, None)


def report(ssrc: int, cname: bytes, sent: Sent | None, block: Block | None, last: tuple[int, float] | None) -> bytes:
    """A compound packet of ours: a sender's report where we sent, else a receiver's, and our name.

    `block`: how the other's stream arrives here. `last`: the moment in its last sender's report, and how many seconds
    ago that came.
    """
    blocks = b"" if block is None else _written(block, last)
    count = 1 if blocks else 0
    if sent is None:
        head = _part(RECEIVER_REPORT, count, _WORD.pack(ssrc) + blocks)
    else:
        seconds = int(sent.wall)
        fraction = int((sent.wall - seconds) * 0x100000000)
        counts = (sent.timestamp, sent.packets & 0xFFFFFFFF, sent.octets & 0xFFFFFFFF)
        sender = _SENDER.pack(ssrc, seconds + _TO_1900 & 0xFFFFFFFF, fraction, *counts)
        head = _part(SENDER_REPORT, count, sender + blocks)
    name = _WORD.pack(ssrc) + bytes((1, len(cname))) + cname
    return head + _part(SOURCE_DESCRIPTION, 1, name + bytes(4 - len(name) % 4))


def goodbye(ssrc: int) -> bytes:
    """To be put behind a report: this source is no more (§6.6)."""
    return _part(GOODBYE, 1, _WORD.pack(ssrc))


def _written(block: Block, last: tuple[int, float] | None) -> bytes:
    lost = max(-0x800000, min(0x7FFFFF, block.lost)) & 0xFFFFFF
    moment, ago = last or (0, 0.0)
    delay = min(0xFFFFFFFF, int(ago * 0x10000))
    return _BLOCK.pack(block.ssrc, block.fraction << 24 | lost, block.highest, block.jitter, moment, delay)


def _part(kind: int, count: int, body: bytes) -> bytes:
    return _COMMON.pack(0x80 | count, kind, len(body) // 4) + body
