"""Sounds, keys and recordings over real sockets, with the real child, its death included."""

import asyncio
import os
import signal
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import soundfile

from ringdove.media.codecs import FRAME_BYTES, SOUND_FORMATS
from ringdove.media.embedded.engine import EmbeddedEngine
from ringdove.media.embedded.session import EmbeddedSession
from ringdove.media.engine import (
    DigitHeard,
    EngineDown,
    EngineUp,
    Item,
    ItemId,
    Media,
    MediaEvent,
    NoUsableAudio,
    PlayEnded,
    PlayEnding,
    QuietFor,
    RecordingId,
    SessionId,
    Sound,
)
from ringdove.sip.codec import Codec
from ringdove.sip.sdp import Direction
from support.ports import audio_ports
from wire.media_phone import EVENT, G722, PCMA, PCMU, A, B, Phone, hear_each_other, phones, talk, until

R = RecordingId("r")
T = TypeVar("T")


@pytest.fixture
async def engine() -> AsyncIterator[EmbeddedEngine]:
    engine = EmbeddedEngine("127.0.0.1", audio_ports(50), ready=8, grace=0.2)
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
async def session(engine: EmbeddedEngine) -> EmbeddedSession:
    return await engine.open(SessionId("s"))


def item(folder: Path, name: str, frames: int, times: int | None = 1) -> Item:
    """Packets that say in which file they are and the how manieth of it."""
    track = folder / name
    track.mkdir()
    for file in SOUND_FORMATS.values():
        said = (f"{file} {name} {number}".encode() for number in range(frames))
        (track / file).write_bytes(b"".join(words.ljust(FRAME_BYTES) for words in said))
    return Item(ItemId(name), Sound((track,)), times)


def heard(phone: Phone, name: str) -> list[int]:
    """Which packets of an item have arrived, in this order."""
    words = [body.split() for _, body in phone.hear() if name.encode() in body]
    return [int(said[-1]) for said in words]


async def test_items_are_heard_one_after_the_other_and_their_ends_are_told(
    engine: EmbeddedEngine, session: EmbeddedSession, tmp_path: Path
) -> None:
    events = engine.events()
    with phones(1) as (a,):
        await session.accept(A, a.describes(PCMA, EVENT))
        await session.play(A, item(tmp_path, "join", 4), item(tmp_path, "welcome", 3, times=2))
        ended = [await soon(events, PlayEnded) for _ in range(2)]
        assert [(e.session, e.party, e.item, e.how) for e in ended] == [
            ("s", A, "join", PlayEnding.FINISHED),
            ("s", A, "welcome", PlayEnding.FINISHED),
        ]
        await until(lambda: len(a.hear()) == 10)
        assert [(payload, body.strip()) for payload, body in a.got] == [
            *((8, f"pcma join {number}".encode()) for number in range(4)),
            *((8, f"pcma welcome {number}".encode()) for number in (0, 1, 2, 0, 1, 2)),
        ]


async def test_what_cannot_be_read_is_told_as_broken(
    engine: EmbeddedEngine, session: EmbeddedSession, tmp_path: Path
) -> None:
    events = engine.events()
    with phones(1) as (a,):
        await session.accept(A, a.describes())
        missing = Item(ItemId("missing"), Sound((tmp_path / "missing",)), times=None)
        await session.play(A, missing, item(tmp_path, "next", 1))
        first, second = await soon(events, PlayEnded), await soon(events, PlayEnded)
        assert [(first.item, first.how), (second.item, second.how)] == [
            ("missing", PlayEnding.BROKEN),
            ("next", PlayEnding.FINISHED),
        ]


async def test_after_a_crash_it_goes_on_where_it_would_be_and_nothing_is_told_twice(
    engine: EmbeddedEngine, session: EmbeddedSession, tmp_path: Path
) -> None:
    events = engine.events()
    with phones(1) as (a,):
        await session.accept(A, a.describes())
        await session.play(A, item(tmp_path, "join", 5), item(tmp_path, "welcome", 100), item(tmp_path, "last", 1))
        assert (await soon(events, PlayEnded)).item == "join"
        await until(lambda: len(heard(a, "welcome")) > 5)
        await crash(engine, events)
        ends = [await soon(events, PlayEnded) for _ in range(2)]
        assert [end.item for end in ends] == ["welcome", "last"]
        await until(lambda: bool(heard(a, "last")))
        assert heard(a, "join") == list(range(5))
        welcome = heard(a, "welcome")
        assert welcome == sorted(set(welcome))
        assert welcome[-1] == 99


async def test_what_ended_while_nobody_played_it_is_told_by_the_next_child(
    engine: EmbeddedEngine, session: EmbeddedSession, tmp_path: Path
) -> None:
    events = engine.events()
    with phones(1) as (a,):
        await session.accept(A, a.describes())
        await session.play(A, item(tmp_path, "join", 2), item(tmp_path, "welcome", 1, times=None))
        kill(engine)
        await soon(events, EngineDown)
        assert (await soon(events, PlayEnded)).item == "join"
        await until(lambda: bool(heard(a, "welcome")))


async def test_another_codec_in_a_reoffer_goes_on_at_the_same_place(session: EmbeddedSession, tmp_path: Path) -> None:
    with phones(1) as (a,):
        await session.accept(A, a.describes(PCMU))
        await session.play(A, item(tmp_path, "music", 500))
        await until(lambda: len(heard(a, "music")) > 5)
        await session.reoffer(A, a.describes(G722))
        await until(lambda: any(payload == 9 for payload, _ in a.hear()))
        at = next(at for at, (payload, _) in enumerate(a.got) if payload == 9)
        assert a.got[at][1].startswith(b"g722 music")
        before, after = heard(a, "music")[at - 1 : at + 1]
        assert after == before + 1


async def test_a_held_party_hears_music_instead_of_its_peer_until_that_is_stopped(
    session: EmbeddedSession, tmp_path: Path
) -> None:
    with phones(2) as (a, b):
        to_a, to_b = await talk(session, a, b)
        await session.reoffer(A, a.describes(direction=Direction.SENDONLY))
        assert session.on_hold(A)
        await session.play(B, item(tmp_path, "music", 10, times=None))
        await until(lambda: len(heard(b, "music")) > 1)
        await until(lambda: len(heard(b, "music")) > 12, lambda: a.say(to_a, b"aside"))
        assert not b.heard(b"aside")
        await session.reoffer(A, a.describes())
        await session.stop(B)
        await hear_each_other((a, to_a), (b, to_b))
        assert not heard(a, "music")


async def test_the_bridge_ends_what_a_caller_hears(session: EmbeddedSession, tmp_path: Path) -> None:
    with phones(2) as (a, b):
        offer = a.describes()
        to_a = await session.accept(A, offer)
        await session.play(A, item(tmp_path, "welcome", 5, times=None))
        await until(lambda: len(heard(a, "welcome")) > 2)
        to_b = await session.invite(B, A)
        await session.bridge(A, B, b.describes())
        assert await session.accept(A, offer) == to_a
        await hear_each_other((a, to_a), (b, to_b))
        ended = len(heard(a, "welcome"))
        await hear_each_other((a, to_a), (b, to_b))
        assert len(heard(a, "welcome")) == ended


async def test_a_key_is_heard_while_something_is_played(
    engine: EmbeddedEngine, session: EmbeddedSession, tmp_path: Path
) -> None:
    events = engine.events()
    with phones(1) as (a,):
        to_a = await session.accept(A, a.describes())
        await session.play(A, item(tmp_path, "menu", 5, times=None))
        await until(lambda: bool(heard(a, "menu")))
        await press(a, to_a, 11)
        key = await soon(events, DigitHeard)
        assert (key.session, key.party, key.digit) == ("s", A, "#")
        assert key.seconds == pytest.approx(0.06)


async def test_who_is_recorded_hears_what_is_played_and_it_is_not_on_the_recording(
    session: EmbeddedSession, tmp_path: Path
) -> None:
    with phones(1) as (a,):
        to_a = await session.accept(A, a.describes())
        await session.play(A, item(tmp_path, "before", 5, times=None))
        await until(lambda: bool(heard(a, "before")))
        await session.record(R, tmp_path / "message.wav", A)
        await session.play(A, item(tmp_path, "tone", 5, times=None))
        await speak((a, to_a, b"\x80"), packets=25)
        assert len(heard(a, "tone")) > 15
        await session.stop(A)
        recording = await session.stop_record(R)
        sound, _ = soundfile.read(recording.file, dtype="int16")
        assert len(sound) >= 24 * FRAME_BYTES  # the first packet may be there before the order to record
        assert sound.min() > 30_000
        await session.play(A, item(tmp_path, "after", 5, times=None))
        await until(lambda: bool(heard(a, "after")))


async def test_what_replaces_another_sound_is_heard_at_once_and_only_its_own_end_is_told(
    engine: EmbeddedEngine, session: EmbeddedSession, tmp_path: Path
) -> None:
    events = engine.events()
    with phones(1) as (a,):
        await session.accept(A, a.describes())
        items = [item(tmp_path, name, 25) for name in ("one", "two")]
        last = item(tmp_path, "last", 5)
        await session.play(A, items[0])
        await until(lambda: len(heard(a, "one")) > 5)
        await session.play(A, items[1])
        await session.play(A, last)  # before a packet of the second is due
        assert (await soon(events, PlayEnded)).item == "last"
        await until(lambda: len(heard(a, "last")) == 5)
        assert [body.split()[1] for _, body in a.got] == [b"one"] * len(heard(a, "one")) + [b"last"] * 5
        assert len(heard(a, "one")) < 25
        await session.play(A, items[1])
        assert (await soon(events, PlayEnded)).item == "two", "and nothing of the first"


@pytest.mark.parametrize(("codec", "file"), [(PCMU, "pcmu"), (PCMA, "pcma"), (G722, "g722")], ids=str)
async def test_a_party_whose_answer_comes_in_the_ACK_hears_as_soon_as_it_has_come(
    engine: EmbeddedEngine, session: EmbeddedSession, tmp_path: Path, codec: Codec, file: str
) -> None:
    events = engine.events()
    greeting = item(tmp_path, "greeting", 5)
    with phones(1) as (a,):
        to_a = await session.invite(A)
        assert not session.can_play(A)
        with pytest.raises(NoUsableAudio):
            await session.play(A, greeting)
        await session.record(R, tmp_path / "message.wav", A, quiet=0.5)
        await session.answered(A, a.describes(codec, EVENT))
        assert session.can_play(A)
        await session.play(A, greeting)
        assert (await soon(events, PlayEnded)).item == "greeting"
        await until(lambda: len(a.hear()) == 5)
        assert [payload for payload, _ in a.got] == [codec.payload] * 5
        assert all(body.startswith(f"{file} greeting".encode()) for _, body in a.got)
        await press(a, to_a, 5)
        assert (await soon(events, DigitHeard)).digit == "5"
        await speak((a, to_a, b"\xff"), packets=10, payload=codec.payload)
        await soon(events, QuietFor)
        assert (await session.stop_record(R)).seconds == pytest.approx(0.2, abs=0.05)


async def test_the_two_laws_are_converted_both_ways(session: EmbeddedSession) -> None:
    with phones(2) as (a, b):
        offer = a.describes(PCMU)
        session.offered(A, offer)
        to_b = await session.invite(B, A)
        await session.bridge(A, B, b.describes(PCMA))
        to_a = await session.accept(A, offer)
        loud = {0: b"\x80" * 160, 8: b"\xaa" * 160}
        await until(lambda: (8, loud[8]) in b.hear(), lambda: a.say(to_a, loud[0]))
        await until(lambda: (0, loud[0]) in a.hear(), lambda: b.say(to_b, loud[8], 8))


async def test_both_sides_are_recorded_across_a_crash(
    engine: EmbeddedEngine, session: EmbeddedSession, tmp_path: Path
) -> None:
    events = engine.events()
    with phones(2) as (a, b):
        to_a, to_b = await talk(session, a, b)
        await session.record(R, tmp_path / "call.wav", A, B)
        await speak((a, to_a, b"\x80"), (b, to_b, b"\x00"), packets=75)
        await crash(engine, events)
        await hear_each_other((a, to_a), (b, to_b))
        await speak((a, to_a, b"\x00"), (b, to_b, b"\x80"), packets=20)
        recording = await session.stop_record(R)
        assert recording.file == tmp_path / "call.wav"
        assert os.listdir(tmp_path) == ["call.wav"]
        sound, rate = soundfile.read(recording.file, dtype="int16", always_2d=True)
        assert sound.shape == (round(recording.seconds * rate), 2)
        high, low = sound > 30_000, sound < -30_000
        before, after = (
            (high[:, 0].sum() / rate, low[:, 1].sum() / rate),
            (low[:, 0].sum() / rate, high[:, 1].sum() / rate),
        )
        assert all(0.3 < seconds <= 1.5 for seconds in before), "up to a second had not been written"
        assert all(seconds == pytest.approx(0.4, abs=0.03) for seconds in after)
        assert np.flatnonzero(high[:, 0])[-1] < np.flatnonzero(low[:, 0])[0]
        assert np.flatnonzero(low[:, 1])[-1] < np.flatnonzero(high[:, 1])[0]


async def test_silence_is_told_and_left_off(engine: EmbeddedEngine, session: EmbeddedSession, tmp_path: Path) -> None:
    events = engine.events()
    with phones(1) as (a,):
        to_a = await session.accept(A, a.describes())
        await session.record(R, tmp_path / "message.wav", A, quiet=0.6)
        await speak((a, to_a, b"\x80"), packets=20)
        await speak((a, to_a, b"\xff"), packets=40)
        quiet = await soon(events, QuietFor)
        assert (quiet.session, quiet.recording) == ("s", R)
        assert quiet.seconds == pytest.approx(0.6, abs=0.1)
        recording = await session.stop_record(R, keep_silence=0.1)
        assert recording.seconds == pytest.approx(0.5, abs=0.05)
        assert soundfile.info(recording.file).duration == recording.seconds


async def test_a_recording_can_be_had_after_the_end_of_its_session(session: EmbeddedSession, tmp_path: Path) -> None:
    with phones(1) as (a,):
        to_a = await session.accept(A, a.describes())
        await session.record(R, tmp_path / "message.wav", A)
        await speak((a, to_a, b"\x80"), packets=10)
        await session.close()
        recording = await session.stop_record(R)
        assert recording.seconds == pytest.approx(0.2, abs=0.05)
        assert soundfile.info(recording.file).channels == 1


async def test_silence_is_told_by_the_next_child_too(
    engine: EmbeddedEngine, session: EmbeddedSession, tmp_path: Path
) -> None:
    events = engine.events()
    await session.record(R, tmp_path / "message.wav", A, quiet=0.3)
    await soon(events, QuietFor)
    await crash(engine, events)
    assert (await soon(events, QuietFor)).recording == R


async def test_what_was_lost_on_the_way_is_counted(session: EmbeddedSession) -> None:
    with phones(2) as (a, b):
        to_a, to_b = await talk(session, a, b)
        a.sent += 3
        await hear_each_other((a, to_a), (b, to_b))
        stats = await session.close()
        assert stats.flows[A].lost_in == 3
        assert stats.flows[B].lost_in == 0


async def soon(events: AsyncIterator[MediaEvent], kind: type[T]) -> T:
    """The next event of this kind."""
    async with asyncio.timeout(5):
        async for event in events:
            if isinstance(event, kind):
                return event
    raise AssertionError("the engine has stopped")


async def press(phone: Phone, to: Media, event: int) -> None:
    """A key of 60 ms, by its number in RFC 4733."""
    for number, (flags, duration) in enumerate(((0, 160), (0, 320), (0x80, 480), (0x80, 480), (0x80, 480))):
        header = struct.pack("!BBHII", 0x80, EVENT.payload, number, 8000, 0x1234)
        phone.rtp.sendto(header + struct.pack("!BBH", event, flags, duration), ("127.0.0.1", to.port))


async def speak(*who: tuple[Phone, Media, bytes], packets: int, payload: int = 0) -> None:
    """Send packets full of one octet each, at the pace of speech."""
    for _ in range(packets):
        for phone, to, octet in who:
            phone.say(to, octet * FRAME_BYTES, payload)
        await asyncio.sleep(0.02)


def kill(engine: EmbeddedEngine) -> None:
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)


async def crash(engine: EmbeddedEngine, events: AsyncIterator[MediaEvent]) -> None:
    """Kill the child and wait for the next one."""
    kill(engine)
    await soon(events, EngineDown)
    await soon(events, EngineUp)
