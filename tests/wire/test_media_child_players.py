"""What the media process plays, on real sockets."""

import struct
from itertools import pairwise
from pathlib import Path

import pytest

from ringdove.media.embedded.wire import Alive, Bind, Free, Freed, Play, Played
from ringdove.media.frames import FRAME_SECONDS
from wire.media_child import ONE, OTHER, Media, arrived, check_one_stream, heard, said, track
from wire.media_phone import Phone


async def test_items_are_played_on_time_and_told(media: Media, pair: list[Phone], tmp_path: Path) -> None:
    join, music = track(tmp_path, "join", 5), track(tmp_path, "music", 3)
    media.stream(ONE, pair[0])
    media.play(7, ("join", [join], 1), ("broken", [tmp_path / "none"], 0), ("music", [music], 0))
    got = await heard(pair[0], lambda got: len(got) > 20)
    assert [said(packet) for packet in got[:9]] == [
        *(f"join {number} pcmu" for number in range(5)),
        *(f"music {number} pcmu" for number in (0, 1, 2, 0)),
    ]
    check_one_stream(got)
    assert [packet.mark for packet in got] == [0x80] + [0] * (len(got) - 1)
    assert {(b.timestamp - a.timestamp) % (1 << 32) for a, b in pairwise(got)} == {160}
    first = await media.report(Played)
    assert first == Played(ONE, 7, "join", False, first.at)
    second = await media.report(Played)
    assert second == Played(ONE, 7, "broken", True, first.at)


async def test_a_player_comes_before_the_peer_and_the_stream_stays_one(
    bridged: Media, pair: list[Phone], tmp_path: Path
) -> None:
    one, other = pair

    def talk() -> None:
        for number in range(3):
            other.rtp.sendto(
                struct.pack("!BBHII", 0x80, 0, 900 + number, 160 * number, 77) + b"peer", ("127.0.0.1", OTHER)
            )

    talk()
    got = await heard(one, lambda got: len(got) == 3)
    bridged.play(1, ("join", [track(tmp_path, "join", 25)], 1))
    got += await heard(one, bool)
    talk()
    await bridged.obeyed()
    await bridged.report(Played)
    talk()
    got += await heard(one, lambda new: len(got) + len(new) == 31)
    assert [packet.body[:4] for packet in got] == [b"peer"] * 3 + [b"join"] * 25 + [b"peer"] * 3
    check_one_stream(got)
    assert [at for at, packet in enumerate(got) if packet.mark & 0x80] == [0, 3, 28]
    bridged.tell(Free([OTHER]))
    freed = await bridged.report(Freed)
    assert (freed.packets_in, freed.dropped) == (9, 3)


async def test_the_same_number_again_goes_on_in_another_codec(media: Media, pair: list[Phone], tmp_path: Path) -> None:
    music = track(tmp_path, "music", 500)
    media.stream(ONE, pair[0])
    media.play(7, ("music", [music], 0))
    got = await heard(pair[0], lambda got: len(got) >= 3)
    media.play(7, ("music", [music], 0))
    media.play(7, ("music", [music], 0), file="pcma", payload=8)
    got += await heard(pair[0], lambda got: len(got) > 5 and got[-1].mark == 8)
    assert [int(said(packet).split()[1]) for packet in got] == list(range(len(got)))
    assert {said(packet).split()[2] for packet in got if packet.mark == 8} == {"pcma"}
    check_one_stream(got)


async def test_a_number_that_is_through_does_not_begin_again(media: Media, pair: list[Phone], tmp_path: Path) -> None:
    join = track(tmp_path, "join", 1)
    media.stream(ONE, pair[0])
    media.play(7, ("join", [join], 1))
    await media.report(Played)
    media.play(7, ("join", [join], 1), file="pcma", payload=8)
    media.play(8, ("again", [join], 1))
    assert (await media.report(Played)).item == "again"
    assert len(arrived(pair[0])) == 2


async def test_to_who_does_not_listen_it_goes_on_in_silence(media: Media, pair: list[Phone], tmp_path: Path) -> None:
    music = track(tmp_path, "music", 500)
    media.stream(ONE, pair[0])
    media.play(7, ("music", [music], 0))
    got = await heard(pair[0], lambda got: len(got) >= 3)
    media.stream(ONE, pair[0], listens=False)
    await media.obeyed()
    got += arrived(pair[0])
    await media.report(Alive)
    await media.report(Alive)
    assert not arrived(pair[0])
    media.stream(ONE, pair[0])
    again = await heard(pair[0], lambda got: len(got) >= 3)
    check_one_stream(got + again)
    assert again[0].mark & 0x80
    skipped = int(said(again[0]).split()[1]) - int(said(got[-1]).split()[1])
    assert skipped > 40
    passed = (again[0].timestamp - got[-1].timestamp) % (1 << 32)
    assert passed == pytest.approx(skipped * 160, abs=160)


async def test_stop_is_silence(media: Media, pair: list[Phone], tmp_path: Path) -> None:
    media.stream(ONE, pair[0])
    media.play(7, ("music", [track(tmp_path, "music", 5)], 0))
    await heard(pair[0], lambda got: len(got) >= 3)
    media.tell(Play(ONE, 0, 0, "", ()))
    await media.obeyed()
    arrived(pair[0])
    await media.report(Alive)
    assert not arrived(pair[0])
    assert not any(isinstance(report, Played) for report in media.reports)


async def test_players_begin_at_different_times_of_their_20_ms(media: Media, pair: list[Phone], tmp_path: Path) -> None:
    music = track(tmp_path, "music", 50)
    ports = list(range(ONE + 4, ONE + 24, 2))
    media.tell(Bind(ports))
    for port in ports:
        media.stream(port, pair[0])
        media.tell(Play(port, 1, 0, "pcmu", [("music", [str(music)], 1, False)]))
    ends = [(await media.report(Played)).at for _ in ports]
    phases = sorted(at % FRAME_SECONDS for at in ends)
    assert all(after - before < 0.006 for before, after in pairwise(phases))
