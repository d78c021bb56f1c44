"""RTP, RTCP and telephone events as they are read: whatever comes, what is left is well-formed."""

import struct
from collections.abc import Sequence

from ringdove.media.embedded import rtcp
from ringdove.media.embedded.digits import PATIENCE, Digits
from ringdove.media.embedded.reception import Block
from ringdove.media.embedded.rtp import HEADER_SIZE, plain

from ..choices import Choices

OURS = 0x01020304
SEEDS: Sequence[bytes] = (
    struct.pack("!BBHII", 0x80, 0, 1, 160, 9) + bytes(160),
    struct.pack("!BBHIIIHHI", 0xB1, 101, 1, 160, 9, 7, 0xBEDE, 1, 5) + b"\x05\x8a\x03\x20" + b"\x00\x00\x00\x04",
    struct.pack("!BBHIIIIII", 0x81, 200, 12, 9, 1, 2, 3, 4, 5) + struct.pack("!IIIIII", OURS, 1 << 24, 5, 6, 7, 8),
    struct.pack("!BBHI", 0x80, 201, 1, 9) + struct.pack("!BBHI", 0x81, 202, 2, 9) + b"\x01\x01a\x00",
)
WORDS: Sequence[bytes] = (
    *(b"\x80\xc8", b"\x81\xc9", b"\x80\xca", b"\x80\xcb", b"\xa0", b"\x90", b"\x8f", b"\xbe\xde", b"\xff\xff"),
    *(OURS.to_bytes(4, "big"), b"\x80\x00\x00\x00", b"\x05\x80\x03\x20", b"\x0b\x0a\xff\xff"),
)


def check(data: bytes) -> None:
    """The same octets as each of the three."""
    _rtp(data[:2047])
    _rtcp(data[:2047])
    _digits(Choices(data))


def _rtp(data: bytes) -> None:
    packet = bytearray(data)
    left = plain(packet, len(data))
    assert left == 0 or HEADER_SIZE <= left <= len(data)
    if not left:
        assert packet == data
        return
    assert packet[0] == 0x80
    assert packet[1:HEADER_SIZE] == data[1:HEADER_SIZE]
    assert packet[HEADER_SIZE:left] in data
    assert plain(packet, left) == left


def _rtcp(data: bytes) -> None:
    said = rtcp.read(bytearray(data), len(data), OURS)
    if said is None:
        return
    assert said.moment is None or said.moment in range(1 << 32)
    last = (said.moment or 0, 1.0)
    if said.block is not None:
        assert said.block.ssrc == OURS
        assert -(1 << 23) <= said.block.lost < 1 << 23
    ours = rtcp.report(said.ssrc, b"cname", None, said.block, last) + rtcp.goodbye(said.ssrc)
    again = rtcp.read(bytearray(ours), len(ours), OURS)
    assert again is not None
    assert (again.ssrc, again.block) == (said.ssrc, said.block)
    assert Block(*again.block or (0,) * 5).jitter in range(1 << 32)


def _digits(choices: Choices) -> None:
    digits, now, packets, heard = Digits(), 0.0, 0, 0
    while choices and packets < 1000:
        packets += 1
        now += choices.number() / 100
        ssrc, stamp = choices.number() % 3, 400 * choices.number(2) % (1 << 32)
        keys = digits.take(choices.octets(4), ssrc, stamp, 8000, now) + digits.expire(now)
        heard += len(keys)
        assert all(key.digit in "0123456789*#ABCD" and key.seconds >= 0 for key in keys)
    heard += len(digits.expire(now + 2 * PATIENCE))
    assert heard <= packets
    assert digits.end() == []
