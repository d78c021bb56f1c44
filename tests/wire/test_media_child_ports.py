"""Port pairs of the media process stay open while parties come and go, and nobody meets who was there before."""

import asyncio
import socket
from pathlib import Path

import pytest

from ringdove.media.embedded.relay import FILES, LOOK, SPARE
from ringdove.media.embedded.wire import Bind, Bound, Close, Free, Freed
from wire.media_child import ONE, OTHER, Media, arrived, heard, media_process, send, track
from wire.media_phone import Phone, phones


@pytest.fixture
async def left(bridged: Media, pair: list[Phone]) -> Media:
    """The party at ONE was heard, for certain where it said it is, and has left; its peer does not know yet."""
    one, other = pair
    send(one, 1, 160)
    await heard(other, lambda got: len(got) == 1)
    await asyncio.sleep(3 * LOOK)
    bridged.tell(Free([ONE]))
    freed = await bridged.report(Freed)
    assert (freed.packets_in, freed.octets_in) == (1, 17)
    return bridged


async def test_who_was_there_before_is_not_heard_by_who_comes_next(left: Media, pair: list[Phone]) -> None:
    before, other = pair
    send(before, 2, 320, b"still here")
    with phones(1) as (later,):
        left.stream(ONE, later, peer=OTHER)
        left.stream(OTHER, other, peer=ONE)
        await left.obeyed()
        send(before, 3, 480, b"still here")
        await left.obeyed()
        send(later, 1, 160, b"I am new", ssrc=7)
        got = await heard(other, bool)
        assert [packet.body for packet in got] == [b"I am new"]
        left.tell(Free([ONE]))
        freed = await left.report(Freed)
        assert (freed.packets_in, freed.octets_in, freed.packets_out) == (1, 20, 0)
        assert freed.dropped == 1


async def test_who_is_still_told_to_speak_to_somebody_who_left_is_not_heard_by_who_comes_next(
    left: Media, pair: list[Phone]
) -> None:
    _, other = pair
    with phones(1) as (later,):
        left.stream(ONE, later)
        await left.obeyed()
        other.rtp.sendto(bytes((0x80,)) + bytes(20), ("127.0.0.1", OTHER))
        await left.obeyed()
        assert arrived(later) == []


async def test_what_was_played_to_somebody_who_left_is_not_heard_by_who_comes_next(
    media: Media, pair: list[Phone], tmp_path: Path
) -> None:
    before, later = pair
    music = track(tmp_path, "music", 50)
    media.stream(ONE, before)
    media.play(1, ("music", [music], 0))
    await heard(before, bool)
    media.tell(Free([ONE]))
    media.stream(ONE, later)
    await media.report(Freed)
    await asyncio.sleep(0.1)
    await media.obeyed()
    assert arrived(later) == []
    media.play(1, ("music", [music], 0))
    assert len({packet.ssrc for packet in await heard(later, lambda got: len(got) > 3)}) == 1


async def test_a_pair_that_is_closed_is_the_systems_again(media: Media) -> None:
    media.tell(Close([ONE]), Bind([OTHER]))
    await media.report(Bound)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtp, socket.socket(type=socket.SOCK_DGRAM) as rtcp:
        rtp.bind(("127.0.0.1", ONE))
        rtcp.bind(("127.0.0.1", ONE + 1))
        media.tell(Bind([ONE]))
        assert await media.report(Bound) == Bound([], [ONE])
    media.tell(Bind([ONE]))
    assert await media.report(Bound) == Bound([ONE], [])


async def test_pairs_leave_files_for_what_is_played_to_them() -> None:
    async with media_process(files=SPARE + 6 * FILES) as media:
        more = list(range(OTHER + 2, OTHER + 22, 2))
        media.tell(Bind(more))
        assert await media.report(Bound) == Bound(more[:4], more[4:])
        media.tell(Close(more[:2]), Bind(more[4:]))
        assert await media.report(Bound) == Bound(more[4:6], more[6:])
