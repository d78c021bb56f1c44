"""RTCP packets (RFC 3550 §6)."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringdove.media.embedded import rtcp
from ringdove.media.embedded.reception import Block
from ringdove.media.embedded.rtcp import Received, Sent, goodbye, report

OURS, THEIRS = 0x11111111, 0x22222222
BLOCK = Block(OURS, 64, 1000, 70_000, 80)
SENT = Sent(1_700_000_000.5, 4711, 100, 16_000)
EMPTY = report(THEIRS, b"them", None, None, None)

blocks = st.builds(
    Block,
    st.just(OURS),
    st.integers(0, 255),
    st.integers(-(1 << 23), (1 << 23) - 1),
    st.integers(0, (1 << 32) - 1),
    st.integers(0, (1 << 32) - 1),
)


def read(packet: bytes, ours: int = OURS) -> Received | None:
    buffer = bytearray(max(2048, len(packet)))
    buffer[: len(packet)] = packet
    return rtcp.read(buffer, len(packet), ours)


@given(blocks, st.booleans())
def test_what_is_written_can_be_read(block: Block, sends: bool) -> None:
    moment = ((1_700_000_000 + 2_208_988_800) & 0xFFFF) << 16 | 0x8000
    received = read(report(THEIRS, b"them", SENT if sends else None, block, None))
    assert received == Received(THEIRS, moment if sends else None, block)


def test_a_sender_report_as_the_rfc_draws_it() -> None:
    packet = report(OURS, b"name@host", SENT, Block(THEIRS, 1, -2, 3, 4), (5, 6.5))
    assert packet[:4] == b"\x81\xc8\x00\x0c"
    fields = struct.unpack("!IIIIII", packet[4:28])
    assert fields == (OURS, 1_700_000_000 + 2_208_988_800, 1 << 31, 4711, 100, 16_000)
    assert packet[28:36] == struct.pack("!IBBH", THEIRS, 1, 0xFF, 0xFFFE)
    assert struct.unpack("!IIII", packet[36:52]) == (3, 4, 5, int(6.5 * 65536))
    assert packet[52:] == b"\x81\xca\x00\x04" + struct.pack("!I", OURS) + b"\x01\x09name@host\x00"


def test_who_sends_nothing_writes_a_receiver_report() -> None:
    packet = report(OURS, b"x", None, None, None)
    assert (
        packet
        == b"\x80\xc9\x00\x01"
        + struct.pack("!I", OURS)
        + b"\x81\xca\x00\x02"
        + struct.pack("!I", OURS)
        + b"\x01\x01x\x00"
    )


@given(st.binary(min_size=1, max_size=30))
def test_a_name_of_any_length_ends_with_a_null_on_a_word(name: bytes) -> None:
    packet = report(OURS, name, None, None, None)
    assert len(packet) % 4 == 0
    assert packet[8:].startswith(b"\x81\xca" + ((len(packet) - 12) // 4).to_bytes(2, "big"))
    assert packet.rstrip(b"\0") != packet
    assert read(packet) == Received(OURS, None, None)


def test_goodbye_follows_a_report() -> None:
    assert read(EMPTY + goodbye(THEIRS)) == Received(THEIRS, None, None)
    assert goodbye(THEIRS) == b"\x81\xcb\x00\x01\x22\x22\x22\x22"


def test_only_what_is_said_of_our_stream_counts() -> None:
    assert read(report(THEIRS, b"them", None, BLOCK, None), ours=99) == Received(THEIRS, None, None)


def test_extensions_of_a_report_and_unknown_parts_are_passed_over() -> None:
    extended = b"\x80\xc9\x00\x02" + EMPTY[4:8] + b"more" + EMPTY[8:]
    assert read(extended) == read(EMPTY)
    assert read(EMPTY + b"\x80\xff\x00\x00") == read(EMPTY)
    assert read(EMPTY + b"\xa0\xcc\x00\x01\x00\x00\x00\x04") == read(EMPTY)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        EMPTY[:7],
        EMPTY[:-1],
        EMPTY + b"x",
        EMPTY[8:],
        goodbye(THEIRS) + EMPTY,
        b"\x00" + EMPTY[1:],
        b"\x81" + EMPTY[1:],
        b"\x80\xc8" + EMPTY[2:],
        b"\xa0" + EMPTY[1:],
        b"\x80\xc9\x00\x00",
        EMPTY + goodbye(1) * 20,
        b"GET / HTTP/1.0\r\n\r\n",
    ],
)
def test_what_is_no_report_says_nothing(packet: bytes) -> None:
    assert read(packet) is None


@given(st.binary(max_size=200))
def test_nothing_makes_reading_fail(packet: bytes) -> None:
    for candidate in (packet, EMPTY + packet, b"\x9f\xc9\x00\x10" + packet):
        assert read(candidate) is None or isinstance(read(candidate), Received)
