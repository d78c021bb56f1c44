"""Two pairs of ears on loopback hear each other."""

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ringdove.sip.codec import Codec
from support.ears import DIGITS, Ears
from support.hearing import check_stream, pcm_of, timeline
from support.tone import strength
from support.voice import EVENT, G722, PCMA, PCMU

TONES = (425, 600, 1000, 1700)


@asynccontextmanager
async def two() -> AsyncIterator[tuple[Ears, Ears, tuple[str, int]]]:
    """Somebody who speaks, somebody who listens, and where."""
    mouth, ears = await Ears.open(), await Ears.open()
    try:
        yield mouth, ears, ("127.0.0.1", ears.port)
    finally:
        mouth.close()
        ears.close()


@pytest.mark.parametrize("codec", [PCMU, PCMA, G722], ids=lambda codec: codec.name)
async def test_each_tone_is_heard_in_order_as_one_stream(codec: Codec) -> None:
    async with two() as (mouth, ears, there):
        for hz in TONES:
            mouth.talk(there, codec, hz)
            await ears.hears(hz)
        mouth.talk(there, codec, 0)
        await ears.hears(None)
        check_stream(ears.packets)
        assert [span.hz for span in timeline(ears.packets, tones=TONES, gap=1)] == [*TONES, None]
        assert {packet.payload for packet in ears.packets} == {codec.payload}
        assert {packet.ssrc for packet in ears.packets} == {mouth.ssrc}
        assert strength(pcm_of(ears.packets[:10]), TONES[0]) > 0.9


async def test_nothing_at_all_is_silence_and_another_tone_is_not_what_was_asked_for() -> None:
    async with two() as (mouth, ears, there):
        await ears.hears(None, within=1)
        mouth.talk(there, PCMU, 600)
        with pytest.raises(AssertionError, match=r"waited 0.3 s for 1000 Hz; heard .*Span"):
            await ears.hears(1000, within=0.3)
        with pytest.raises(AssertionError, match=r"waited 0.3 s for None Hz"):
            await ears.hears(None, within=0.3)
        mouth.quiet()
        await ears.hears(None)


async def test_packets_leave_every_20_ms_and_another_ssrc_when_told() -> None:
    async with two() as (mouth, ears, there):
        mouth.talk(there, PCMU, 600, ssrc=5)
        await ears.receives(25)
        assert {packet.ssrc for packet in ears.packets} == {5}
        spacing = (ears.packets[24].at - ears.packets[0].at) / 24
        assert spacing == pytest.approx(0.02, rel=0.25)


async def test_arrival_is_noted_by_the_machine_however_late_the_test_looks() -> None:
    async with two() as (mouth, ears, there):
        before = time.monotonic()
        mouth.say(b"first", there)
        after = time.monotonic()
        time.sleep(0.1)  # noqa: ASYNC251 (the loop is to be busy)
        mouth.say(b"second", there, payload=101)
        await ears.receives(2)
        first, second = ears.packets
        assert before - 0.01 < first.at < after + 0.01
        assert second.at - first.at > 0.09
        assert [(p.payload, p.body) for p in (first, second)] == [(0, b"first"), (101, b"second")]
        check_stream([first, second])


@pytest.mark.parametrize("digit", DIGITS)
async def test_a_key_press_is_said_as_RFC_4733_wants_it(digit: str) -> None:
    async with two() as (mouth, ears, there):
        await mouth.press(there, digit, ms=60)
        await ears.receives(5)
        assert [p.marker for p in ears.packets] == [True, False, False, False, False]
        assert len({p.timestamp for p in ears.packets}) == 1
        said = [struct.unpack("!BBH", p.body) for p in ears.packets]
        assert [number for number, _, _ in said] == [DIGITS.index(digit)] * 5
        assert [bool(flags & 0x80) for _, flags, _ in said] == [False, False, True, True, True]
        assert [duration for _, _, duration in said] == [160, 320, 480, 480, 480]
        check_stream(ears.packets)


async def test_who_speaks_while_a_key_is_pressed_goes_on_afterwards_in_the_same_stream() -> None:
    async with two() as (mouth, ears, there):
        mouth.talk(there, PCMU, 600)
        await ears.hears(600)
        await mouth.press(there, "5")
        await ears.hears(600)
        check_stream(ears.packets)
        kinds = [packet.payload for packet in ears.packets]
        first, last = kinds.index(EVENT.payload), len(kinds) - kinds[::-1].index(EVENT.payload)
        assert kinds[first:last] == [EVENT.payload] * 10
        talk = ears.packets[last]
        assert talk.marker
        assert talk.timestamp >= ears.packets[first].timestamp + 8 * 160


async def test_RTCP_is_heard_on_the_odd_port_and_junk_is_no_RTP() -> None:
    async with two() as (_, ears, (host, port)):
        assert port % 2 == 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.sendto(b"\x80\xc9\x00\x01abcd", (host, port + 1))
            peer.sendto(b"junk", (host, port))
            peer.sendto(b"junk that is as long as a header", (host, port))
            peer.sendto(b"\x80\x00" + bytes(10), (host, port))
        await ears.receives(1)
        assert ears.rtcp == [b"\x80\xc9\x00\x01abcd"]
        assert [packet.body for packet in ears.packets] == [b""]


async def test_after_forgetting_it_is_as_new() -> None:
    async with two() as (mouth, ears, there):
        ears.talk(("127.0.0.1", mouth.port), PCMU, 600)
        mouth.say(b"old", there)
        await ears.receives(1)
        await mouth.receives(1)
        mouth.say(b"not read yet", there)
        ears.forget()
        mouth.forget()
        assert not ears.packets
        await asyncio.sleep(0.06)
        assert not ears.packets
        assert not mouth.packets
